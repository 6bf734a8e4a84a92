//! The descriptions of the engine's events, as lines of the log pane.

use p2p_engine::Event;
use p2p_service::access::Identity;
use p2p_service::event_words::{self, Tone, by};
use p2p_shell::digest::Entry;

use super::theme::Role;

/// Returns the line of an entry of the log for all of its events; `None` if it is one event.
pub fn of_several(entry: &Entry, identity: &Identity) -> Option<(Role, String)> {
    let summary = entry.summary()?;
    let (role, _) = describe(entry.first(), identity)?;
    let by = match entry.first() {
        Event::FaultBegan { cause, .. } | Event::FaultEnded { cause, .. } => by(cause),
        _ => String::new(),
    };
    Some((role, format!("{summary}{by}")))
}

/// Returns the line of an event as a user sees it, with its role; `None` for events that are too frequent for the log.
pub fn describe(event: &Event, identity: &Identity) -> Option<(Role, String)> {
    let (tone, text) = event_words::describe(event, identity)?;
    let role = match tone {
        Tone::Plain => Role::Text,
        Tone::Good => Role::Good,
        Tone::Warning => Role::Warning,
        Tone::Bad => Role::Bad,
        Tone::Dim => Role::Dim,
    };
    Some((role, text))
}
