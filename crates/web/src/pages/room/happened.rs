//! What has happened lately: the log in the words of the terminal, and beside each failure what was broken just before it.

use std::sync::Arc;

use p2p_service::Event;
use p2p_service::access::Identity;
use p2p_service::event_words::{self, Tone};
use p2p_service::files::{NodeNumber, Numbered, SimDuration, SimTime};
use p2p_shell::digest::{Digest, Entry};
use p2p_shell::report::{Resolution, instant_of, past_of, range_of};

/// Entries that are listed.
const LISTED: usize = 40;
/// Events that are looked at.
pub(super) const LOOKED: usize = 1_000;
/// Span within which events of one kind are one entry.
const SPAN: SimDuration = SimDuration::from_secs(10);
/// Time after which a change is no longer told beside a failure: it does not explain it by itself.
const BEFORE_MAX: SimDuration = SimDuration::from_secs(120);

/// Line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at: String,
    pub(super) glyph: &'static str,
    /// Class by which the line is coloured.
    pub(super) look: &'static str,
    pub(super) text: String,
    /// Change that came just before it.
    pub(super) before: String,
}

/// Returns the latest entries, the latest first.
pub(super) fn lines_of(events: &[Arc<Numbered>], identity: &Identity) -> Vec<Line> {
    let mut digest = Digest::new(LISTED, SPAN);
    for numbered in events.iter().filter(|numbered| event_words::describe(&numbered.event, identity).is_some()) {
        digest.note(numbered.at, &numbered.event);
    }
    let line = |entry: &Entry| line_of(entry, identity, events);
    digest.entries().rev().filter_map(line).collect()
}

fn line_of(entry: &Entry, identity: &Identity, events: &[Arc<Numbered>]) -> Option<Line> {
    let (tone, one) = event_words::describe(entry.first(), identity)?;
    let (glyph, look) = match tone {
        Tone::Bad => ("✗", "bad"),
        Tone::Warning => ("!", "warn"),
        Tone::Good => ("✓", "ok"),
        Tone::Plain | Tone::Dim => ("·", "idle"),
    };
    let before = if is_failure(entry.first(), tone) {
        change_before(events, (entry.at(), node_of(entry.first())), identity)
    } else {
        None
    };
    Some(Line {
        at: range_of(entry.at(), entry.until(), Resolution::Millis),
        glyph,
        look,
        text: entry.summary().unwrap_or(one),
        before: before.unwrap_or_default(),
    })
}

/// Returns true for what may have come of a change of the network: what has failed, and what was late or tried again. What somebody has done is
/// no failure.
fn is_failure(event: &Event, tone: Tone) -> bool {
    let is_late = matches!(event, Event::SegmentRetried { .. } | Event::HealthChanged { .. } | Event::DeletionsOwed { .. });
    tone == Tone::Bad || (tone == Tone::Warning && is_late)
}

/// Returns true for what somebody has done to the network and may have failures as its consequence. The end of a fault has none.
fn is_change(event: &Event) -> bool {
    matches!(event, Event::FaultBegan { .. } | Event::LinkChanged { .. })
}

/// Returns the node that an event is about, if it is about one.
fn node_of(event: &Event) -> Option<NodeNumber> {
    match event {
        Event::HealthChanged { node, .. }
        | Event::SegmentRetried { node, .. }
        | Event::DeletionsOwed { node, .. }
        | Event::Disconnected { node, .. }
        | Event::ProtocolViolated { node, .. }
        | Event::StartFailed { node, .. }
        | Event::DiskTrouble { node, .. }
        | Event::SegmentsMissing { node, .. } => Some(*node),
        _ => None,
    }
}

/// Returns true if a change is one of a node, or of a path or link of its host.
fn is_of(event: &Event, node: NodeNumber) -> bool {
    match event {
        Event::FaultBegan { fault, .. } => fault.target().is_of(node),
        Event::LinkChanged { peer, .. } => peer.node() == Some(node),
        _ => false,
    }
}

/// Returns the last change of the network before an instant, if it was not long before: of the node that it is asked for, or else of any.
fn change_before(events: &[Arc<Numbered>], (at, node): (SimTime, Option<NodeNumber>), identity: &Identity) -> Option<String> {
    let end = events.partition_point(|numbered| numbered.at <= at);
    let recent = events[..end].iter().rev().take_while(|numbered| at.since(numbered.at) <= BEFORE_MAX);
    let changes: Vec<&Arc<Numbered>> = recent.filter(|numbered| is_change(&numbered.event)).collect();
    let of_node = node.and_then(|node| changes.iter().find(|numbered| is_of(&numbered.event, node)));
    let change = of_node.or(changes.first())?;
    let (_, text) = event_words::describe(&change.event, identity)?;
    Some(format!("{} before, at {}: {text}", past_of(change.at, at), instant_of(change.at, Resolution::Millis)))
}

#[cfg(test)]
mod tests {
    use p2p_service::files::{EventId, FileKey, TransferError, TransferId};
    use p2p_service::network::{Fault, FaultCause, Health, Way};

    use super::*;

    fn numbered(number: u64, seconds: u64, event: Event) -> Arc<Numbered> {
        let at = SimTime::from_nanos(seconds * 1_000_000_000);
        Arc::new(Numbered { id: EventId { run: 1, number }, at, event })
    }

    #[test]
    fn a_failure_tells_what_changed_just_before_it() {
        let node = NodeNumber::from_index(2);
        let killed = Event::FaultBegan { fault: Fault::Killed { node }, cause: FaultCause::Command { by: Some("alice".into()) } };
        let dead = || Event::HealthChanged { node, from: Health::Suspect, to: Health::Dead, missed: 3 };
        let other = NodeNumber::from_index(0);
        let began = |fault| Event::FaultBegan { fault, cause: FaultCause::Command { by: None } };
        let later = numbered(2, 20, began(Fault::Refusing { node: other }));
        let events = [numbered(1, 10, killed.clone()), later, numbered(3, 25, dead()), numbered(4, 400, dead())];
        let lines = lines_of(&events, &Identity::Operator);
        assert_eq!(lines.len(), 4);
        assert_eq!((lines[0].look, lines[0].before.as_str()), ("bad", ""), "long after");
        assert_eq!(lines[1].before, "00:15 before, at 00:10.000: Node_03 is killed, by alice");
        assert_eq!((lines[3].text.as_str(), lines[3].before.as_str()), ("Node_03 is killed, by alice", ""));
        let failed =
            Event::HealthChanged { node: NodeNumber::from_index(7), from: Health::Alive, to: Health::Suspect, missed: 2 };
        let any = lines_of(&[events[0].clone(), events[1].clone(), numbered(3, 21, failed)], &Identity::Operator);
        assert_eq!(any[0].before, "00:01 before, at 00:20.000: Node_01 is refusing", "none was about the node");
        assert!(lines_of(&[], &Identity::Operator).is_empty());
    }

    #[test]
    fn what_has_not_failed_blames_nothing_and_what_is_healed_is_not_blamed() {
        let node = NodeNumber::from_index(4);
        let cause = || FaultCause::Command { by: None };
        let healed = Event::FaultEnded { fault: Fault::Refusing { node }, cause: cause() };
        let (transfer, file) = (TransferId(49), FileKey::unowned("a"));
        let parked = Event::UploadParked { transfer, user: None, file: file.clone(), bytes: 1 << 20 };
        let error = TransferError::Cancelled;
        let cancelled = Event::TransferFailed { transfer, direction: Way::Upload, user: None, file, error };
        let dead = Event::HealthChanged { node, from: Health::Suspect, to: Health::Dead, missed: 3 };
        let began = Event::FaultBegan { fault: Fault::Refusing { node }, cause: cause() };
        let events =
            [numbered(1, 10, began), numbered(2, 11, healed.clone()), numbered(3, 12, parked), numbered(4, 13, cancelled)];
        let lines = lines_of(&events, &Identity::Operator);
        assert_eq!((lines[1].glyph, lines[1].look, lines[1].before.as_str()), ("·", "idle", ""), "{lines:?}");
        assert_eq!(lines[0].before, "", "its user has ended it");
        let lines = lines_of(&[numbered(1, 11, healed), numbered(2, 13, dead)], &Identity::Operator);
        assert_eq!((lines[0].look, lines[0].before.as_str()), ("bad", ""));
    }
}
