//! Events as programs are told of them, by whatever door: with their number, their kind and its fields, what they are about, and the sentence
//! of the log.

use p2p_base::units::SimTime;
use p2p_engine::transfer::TransferId;
use p2p_engine::{Event, EventId, Numbered};
use p2p_store::names::FileKey;
use serde_json::Value;

use crate::access::Identity;
use crate::event_words;

/// Event as a program is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldEvent {
    /// Identifier of the event.
    pub id: EventId,
    /// Virtual instant of the event.
    pub at: SimTime,
    /// Name of its kind, one of [`Event::KINDS`].
    pub kind: String,
    /// Fields of the kind, an object.
    pub fields: Value,
    /// Transfer that it is about.
    pub transfer: Option<TransferId>,
    /// File or directory that it is about, as the user names it.
    pub path: Option<String>,
    /// Sentence about what has happened; empty for events that are too frequent for one.
    pub text: String,
}

/// Returns the name of the kind of an event, one of [`Event::KINDS`].
pub fn kind_of(event: &Event) -> Option<String> {
    parts_of(event).map(|(kind, _)| kind)
}

impl ToldEvent {
    /// Returns an event as the user is told of it, who may see it.
    pub fn of(numbered: &Numbered, identity: &Identity) -> Option<ToldEvent> {
        let Numbered { id, at, event } = numbered;
        let (kind, fields) = parts_of(event)?;
        let (transfer, path) = about(event);
        let text = event_words::describe(event, identity).map(|(_, text)| text).unwrap_or_default();
        Some(ToldEvent { id: *id, at: *at, kind, fields, transfer, path: path.map(|key| identity.label(key)), text })
    }
}

/// Returns the name of the kind of an event, and its fields.
fn parts_of(event: &Event) -> Option<(String, Value)> {
    match serde_json::to_value(event) {
        Ok(Value::Object(kinds)) => kinds.into_iter().next(),
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
        let numbered = Numbered { id: EventId { run: 1, number: 2 }, at: SimTime::ZERO, event };
        let told = ToldEvent::of(&numbered, &Identity::Operator).unwrap();
        assert_eq!((told.kind.as_str(), &told.fields["file"]["name"]), ("FileRemoved", &"a.bin".into()));
        assert_eq!((told.path.as_deref(), told.text.as_str()), (Some("~alice/a.bin"), "~alice/a.bin is removed"));
    }
}
