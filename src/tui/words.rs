//! Events in words, for the log. Knows nothing of where they are shown.

use super::theme::Role;
use crate::engine::Event;
use crate::engine::transfer::Stage;
use crate::node::health::Health;
use crate::report::bytes_of;

/// An event as a line, and how it is to be seen; `None` for what would drown the rest.
pub fn describe(event: &Event) -> Option<(Role, String)> {
    let line = match event {
        Event::TransferStarted { transfer, direction, name, bytes, segments } => {
            (Role::Text, format!("{transfer} {} of {name} began: {} in {segments} segments", direction.name(), bytes_of(*bytes)))
        }
        Event::Segment { transfer, stage: Stage::Retransmitted, story } => {
            (Role::Dim, format!("{transfer} segment {} to {}: sent again", story.index, story.holder))
        }
        Event::Segment { .. } => return None,
        Event::LinkChanged { party, link } => (Role::Warning, format!("the link of {party} changed: {} up", link.up.bandwidth)),
        Event::SegmentRetried { transfer, index, node, reason } => {
            (Role::Warning, format!("{transfer} segment {index} goes elsewhere: {node}: {reason}"))
        }
        Event::TransferFinished { transfer, direction, name, .. } => {
            (Role::Good, format!("{transfer} {} of {name} is done", direction.name()))
        }
        Event::TransferFailed { transfer, direction, name, error } => {
            (Role::Bad, format!("{transfer} {} of {name} failed: {error}", direction.name()))
        }
        Event::FileStored { name, bytes, .. } => (Role::Good, format!("{name} is stored: {}", bytes_of(*bytes))),
        Event::FileRemoved { name } => (Role::Text, format!("{name} is removed")),
        Event::Connected { node } => (Role::Dim, format!("connected to {node}")),
        Event::Disconnected { node, reason } => (Role::Dim, format!("disconnected from {node}: {reason}")),
        Event::ProtocolViolated { node, reason } => (Role::Bad, format!("{node} ended a connection: {reason}")),
        Event::HealthChanged { node, to, missed, .. } => match to {
            Health::Alive => (Role::Good, format!("{node} answers again: ALIVE")),
            other => (Role::Warning, format!("{node} did not answer {missed} probes: {other}")),
        },
        Event::Swept { node, leftovers, orphans } => {
            (Role::Dim, format!("{node}: {leftovers} leftovers and {orphans} orphans of a crash were removed"))
        }
        Event::SegmentsMissing { node, count } => (Role::Bad, format!("{node}: {count} segments that files need are missing")),
    };
    Some(line)
}
