//! `WatchEvents`: what happens, as far as the caller may know of it.

use std::pin::pin;

use p2p_service::Event;
use p2p_service::access::watching::{Events, Happening};
use p2p_service::event_words;
use p2p_service::files::{EventId as Id, FileKey, Numbered, TransferId};
use tokio::sync::mpsc::Sender;
use tonic::Status;

use super::Caller;
use super::produced::send;
use crate::proto::watch_events_response::Message;
use crate::proto::{Event as Told, EventId, WatchEventsRequest, WatchEventsResponse};
use crate::quantities::instant;
use crate::status;

/// Kinds that a caller may name, at the most, and the length of each in bytes.
const KINDS_MAX: (usize, usize) = (64, 64);

impl From<Message> for WatchEventsResponse {
    fn from(message: Message) -> WatchEventsResponse {
        WatchEventsResponse { message: Some(message) }
    }
}

/// Events that a caller wants to be told of.
pub(super) struct Wanted {
    after: Option<Id>,
    kinds: Vec<String>,
}

impl Wanted {
    pub(super) fn of(request: WatchEventsRequest) -> Result<Wanted, Status> {
        let WatchEventsRequest { after, kinds } = request;
        if kinds.len() > KINDS_MAX.0 || kinds.iter().any(|kind| kind.len() > KINDS_MAX.1) {
            return Err(status::invalid("kinds", format_args!("at most {} of at most {} bytes", KINDS_MAX.0, KINDS_MAX.1)));
        }
        if let Some(unknown) = kinds.iter().find(|kind| !Event::KINDS.contains(&kind.as_str())) {
            let known = Event::KINDS.join(", ");
            return Err(status::invalid("kinds", format_args!("`{unknown}` is no kind of event; these are: {known}")));
        }
        Ok(Wanted { after: after.map(|EventId { run, number }| Id { run, number }), kinds })
    }

    fn is_meant(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind)
    }
}

/// Tells a client of events until it has had enough, what it has presented is no longer valid, or the engine ends.
pub(super) async fn run(caller: Caller, wanted: Wanted, answers: Sender<WatchEventsResponse>) -> Result<(), Status> {
    let mut events = caller.access.events(wanted.after);
    let mut lapsed = pin!(caller.lapsed());
    loop {
        tokio::select! {
            status = &mut lapsed => return Err(status),
            told = next(&caller, &wanted, &mut events) => match told {
                Some(message) => send(&answers, message).await?,
                None => return Err(status::ending()),
            },
        }
    }
}

/// Waits for the next event that is meant; none if the engine has ended. A call that is given up has lost nothing.
async fn next(caller: &Caller, wanted: &Wanted, events: &mut Events) -> Option<Message> {
    loop {
        match events.next().await {
            Happening::Event(numbered) => {
                if let Some(told) = shown(caller, wanted, &numbered) {
                    return Some(Message::Event(told));
                }
            }
            Happening::Lost(count) => return Some(Message::Lost(count)),
            Happening::End => return None,
        }
    }
}

fn shown(caller: &Caller, wanted: &Wanted, numbered: &Numbered) -> Option<Told> {
    let Numbered { id, at, event } = numbered;
    let (kind, fields) = parts_of(event)?;
    if !wanted.is_meant(&kind) {
        return None;
    }
    let (transfer, path) = about(event);
    Some(Told {
        id: Some(EventId { run: id.run, number: id.number }),
        at: Some(instant(*at)),
        kind,
        fields: fields.to_string(),
        transfer: transfer.map(|transfer| transfer.0),
        path: path.map(|key| caller.identity.label(key)),
        text: event_words::describe(event, &caller.identity).map(|(_, text)| text).unwrap_or_default(),
    })
}

/// Returns the name of the kind of an event, and its fields.
fn parts_of(event: &Event) -> Option<(String, serde_json::Value)> {
    match serde_json::to_value(event) {
        Ok(serde_json::Value::Object(kinds)) => kinds.into_iter().next(),
        Ok(_) | Err(_) => None,
    }
}

/// Returns the transfer and the file or directory that an event is about.
fn about(event: &Event) -> (Option<TransferId>, Option<&FileKey>) {
    match event {
        Event::TransferStarted { transfer, file, .. }
        | Event::TransferFinished { transfer, file, .. }
        | Event::TransferFailed { transfer, file, .. }
        | Event::UploadParked { transfer, file, .. } => (Some(*transfer), Some(file)),
        Event::Segment { transfer, .. } | Event::SegmentRetried { transfer, .. } => (Some(*transfer), None),
        Event::FileStored { file, .. } | Event::FileRemoved { file } | Event::FileShared { file, .. } => (None, Some(file)),
        Event::UploadsShared { directory, .. } => (None, Some(directory)),
        Event::DirectoryMade { directory } | Event::DirectoryRemoved { directory } => (None, Some(directory)),
        Event::Moved { to, .. } | Event::FileCopied { to, .. } => (None, Some(to)),
        Event::AttributesSet { file, .. } => (None, Some(file)),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_a_kind_and_fields() {
        let event = Event::FileRemoved { file: FileKey::new(Some("alice"), "a.bin") };
        let (kind, fields) = parts_of(&event).unwrap();
        assert_eq!((kind.as_str(), &fields["file"]["name"]), ("FileRemoved", &"a.bin".into()));
        assert_eq!(about(&event).1.unwrap().name, "a.bin");
    }

    #[test]
    fn kinds_are_few_and_short() {
        let wanted = |kinds: Vec<String>| Wanted::of(WatchEventsRequest { after: None, kinds });
        let some = wanted(vec!["FileStored".into()]).unwrap();
        assert!(some.is_meant("FileStored") && !some.is_meant("FileRemoved"));
        assert!(wanted(Vec::new()).unwrap().is_meant("FileRemoved"));
        assert!(wanted(vec!["FileStored".into(), "Nothing".into()]).is_err(), "nothing would ever be told of it");
        assert!(wanted(vec!["FileStored".into(); 65]).is_err() && wanted(vec!["x".repeat(65)]).is_err());
    }
}
