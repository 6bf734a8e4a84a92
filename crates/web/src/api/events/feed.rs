//! The stream of one reader.
//!
//! What it costs is bounded: the events that it has missed are shared with the log, messages are made only as fast as the client takes them,
//! and a client that takes none loses events and is told how many. Nothing waits for it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use http_body::Frame;
use p2p_service::access::watching::{Events, Happening};
use p2p_service::access::{Access, AccessError};
use p2p_service::doors::guest::Listening;
use p2p_service::doors::seats::Seat;
use p2p_service::files::{EventId, Numbered};
use p2p_service::told::ToldEvent;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::EventData;
use super::wanted::Wanted;
use crate::api::values::event_text;
use crate::problem::Problem;
use crate::web::Web;

/// Time without a message after which there is a comment, so that both ends and whatever is between them know the connection to be alive.
const COMMENT: Duration = Duration::from_secs(15);
/// Time in milliseconds after which a browser that has lost its connection comes again.
const RETRY_MS: u32 = 2_000;
/// Bytes from which on messages are handed over, although more could follow at once.
const CHUNK: usize = 16 << 10;
/// Events that are looked at before others have their turn, whether they are meant or not.
const LOOKED_MAX: usize = 256;

/// Stream of one reader, as the body of an answer.
pub(super) struct Feed(Option<Working>);

/// Next piece of the stream, and the source of those after it; `None` at the end.
type Working = Pin<Box<dyn Future<Output = Option<(Bytes, Source)>> + Send>>;

/// Source of the messages of a stream.
struct Source {
    web: Web,
    access: Access,
    events: Events,
    wanted: Wanted,
    /// End of what the reader has presented.
    lapsed: Pin<Box<dyn Future<Output = AccessError> + Send>>,
    /// Instant at which the last piece was made.
    last: Instant,
    /// True once the last message was made.
    is_over: bool,
    _places: (Seat, Listening),
}

impl Feed {
    /// Makes the stream of a reader, which begins with how it is to come again.
    pub(super) fn new(web: Web, access: Access, wanted: Wanted, places: (Seat, Listening)) -> Feed {
        let mut events = access.events(wanted.after);
        let start = start_of(&mut events, wanted.after);
        let watched = access.clone();
        let lapsed = Box::pin(async move { watched.lapsed().await });
        let source = Source { web, access, events, wanted, lapsed, last: Instant::now(), is_over: false, _places: places };
        Feed(Some(Box::pin(std::future::ready(Some((start.into(), source))))))
    }
}

impl http_body::Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(working) = &mut self.0 else { return Poll::Ready(None) };
        let next = ready!(working.as_mut().poll(cx));
        let frame = next.map(|(piece, source)| (piece, Box::pin(source.next()) as Working));
        let (piece, working) = frame.unzip();
        self.0 = working;
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// Returns the beginning of a stream: when to come again, after which event, and that those which were asked for are not all kept, if so.
fn start_of(events: &mut Events, after: Option<EventId>) -> String {
    let (latest, lost) = (events.latest(), events.take_lost());
    let retry = format!("retry: {RETRY_MS}\n");
    match after {
        None => format!("{retry}id: {}\n\n", event_text(latest)),
        Some(after) if after.run == latest.run && lost == 0 => format!("{retry}id: {}\n\n", event_text(after)),
        Some(after) => {
            let is_same = after.run == latest.run;
            let (known, reason) = if is_same { (after.number, "past") } else { (0, "another_run") };
            let id = EventId { run: latest.run, number: known + lost };
            format!("{retry}{}", message(Some(id), Some("reset"), &json!({ "reason": reason, "lost": lost }).to_string()))
        }
    }
}

/// Formats a message. Its data has no line ends.
fn message(id: Option<EventId>, name: Option<&str>, data: &str) -> String {
    let id = id.map(|id| format!("id: {}\n", event_text(id))).unwrap_or_default();
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    format!("{id}{name}data: {data}\n\n")
}

impl Source {
    /// Waits for what is to be said next, and adds what can be said at once.
    async fn next(mut self) -> Option<(Bytes, Source)> {
        if self.is_over {
            return None;
        }
        let mut piece = String::new();
        while piece.is_empty() {
            tokio::select! {
                biased;
                () = self.web.ending() => return None,
                error = &mut self.lapsed => piece = self.end(error),
                () = sleep_until(self.last + COMMENT) => piece.push_str(":\n\n"),
                happening = self.events.next() => match self.told(happening) {
                    Some(told) => {
                        piece = told;
                        self.add(&mut piece).await;
                    }
                    None if self.is_over => return None,
                    None => {}
                },
            }
        }
        self.last = Instant::now();
        Some((piece.into(), self))
    }

    /// Adds messages that can be made at once, as far as a piece has room.
    async fn add(&mut self, piece: &mut String) {
        for _ in 0..LOOKED_MAX {
            if piece.len() >= CHUNK || self.is_over {
                return;
            }
            tokio::select! {
                biased;
                happening = self.events.next() => piece.push_str(&self.told(happening).unwrap_or_default()),
                () = std::future::ready(()) => return,
            }
        }
    }

    /// Returns the message about what has happened; `None` if the reader has not asked for it, or at the end.
    fn told(&mut self, happening: Happening) -> Option<String> {
        match happening {
            Happening::Event(numbered) => self.event(&numbered),
            Happening::Lost(count) => Some(message(None, Some("lost"), &json!({ "lost": count }).to_string())),
            Happening::End => {
                self.is_over = true;
                None
            }
        }
    }

    fn event(&self, numbered: &Numbered) -> Option<String> {
        let told = ToldEvent::of(numbered, &self.access.identity()).filter(|told| self.wanted.is_meant(told))?;
        let ToldEvent { id, at, kind, fields, transfer, path, text } = told;
        let transfer = transfer.map(|transfer| transfer.0);
        let data = EventData { id: event_text(id), at_seconds: at.as_secs_f64(), kind, transfer, path, fields, text };
        // Strings of JSON have no line ends (RFC 8259, section 7).
        serde_json::to_string(&data).ok().map(|data| message(Some(id), None, &data))
    }

    /// Returns the last message: why the reader is told nothing more.
    fn end(&mut self, error: AccessError) -> String {
        self.is_over = true;
        let problem = serde_json::to_string(&Problem::from(error)).unwrap_or_default();
        message(None, Some("end"), &problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_an_empty_line_behind_it() {
        let id = EventId { run: 1, number: 2 };
        assert_eq!(message(Some(id), None, "{}"), "id: 0000000000000001-2\ndata: {}\n\n");
        assert_eq!(message(None, Some("lost"), "{}"), "event: lost\ndata: {}\n\n");
    }
}
