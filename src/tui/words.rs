//! The descriptions of the engine's events, as lines of the log pane.

use p2p_engine::Event;
use p2p_engine::faults::FaultCause;
use p2p_engine::node::health::Health;
use p2p_engine::transfer::Stage;
use p2p_service::access::Identity;
use p2p_shell::digest::Entry;
use p2p_shell::report::{bytes_of, count_of, date_of, mode_of};
use p2p_store::attributes::Attributes;
use p2p_store::names::FileKey;

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

/// Returns attributes that were set, as a line names them.
fn attributes_of(attributes: Attributes) -> String {
    let modified = attributes.modified.map(|at| format!("the time of modification {}", date_of(at)));
    let mode = attributes.mode.map(|mode| format!("the mode {}", mode_of(mode)));
    modified.into_iter().chain(mode).collect::<Vec<_>>().join(" and ")
}

/// Returns the line of an event as a user sees it, with its role; `None` for events that are too frequent for the log.
pub fn describe(event: &Event, identity: &Identity) -> Option<(Role, String)> {
    let label = |file: &FileKey| identity.shown(file);
    let line = match event {
        Event::TransferStarted { transfer, direction, file, bytes, segments, .. } => {
            let size = bytes
                .zip(*segments)
                .map(|(bytes, segments)| format!(": {} in {}", bytes_of(bytes), count_of(segments.into(), "segment")));
            let size = size.unwrap_or_else(|| ", of unknown size".into());
            (Role::Text, format!("{transfer} {} of {} began{size}", direction.name(), label(file)))
        }
        Event::Segment { transfer, stage: Stage::Retransmitted, timeline } => {
            (Role::Dim, format!("{transfer} segment {} to {}: sent again", timeline.index, timeline.holder))
        }
        Event::Segment { .. } => return None,
        Event::LinkChanged { peer, link } => {
            (Role::Warning, format!("the link of {peer} changed: {} up", link.up.bandwidth.human()))
        }
        Event::SegmentRetried { transfer, index, node, cause } => {
            (Role::Warning, format!("{transfer} segment {index} failed at {node} and is tried again: {cause}"))
        }
        Event::TransferFinished { transfer, direction, file, .. } => {
            (Role::Good, format!("{transfer} {} of {} is done", direction.name(), label(file)))
        }
        Event::UploadParked { transfer, file, bytes, .. } => {
            (Role::Warning, format!("{transfer} upload of {} parked: {} of it are kept", label(file), bytes_of(*bytes)))
        }
        Event::TransferFailed { transfer, direction, file, error, .. } => {
            (Role::Bad, format!("{transfer} {} of {} failed: {error}", direction.name(), label(file)))
        }
        Event::FileStored { file, bytes, .. } => (Role::Good, format!("{} is stored: {}", label(file), bytes_of(*bytes))),
        Event::FileRemoved { file } => (Role::Text, format!("{} is removed", label(file))),
        Event::DirectoryMade { directory } => (Role::Text, format!("the directory {} is made", label(directory))),
        Event::DirectoryRemoved { directory } => (Role::Text, format!("the directory {} is removed", label(directory))),
        Event::Moved { from, to } => (Role::Text, format!("{} is now {}", label(from), label(to))),
        Event::FileCopied { from, to, .. } => (Role::Good, format!("{} is stored: a copy of {}", label(to), label(from))),
        Event::AttributesSet { file, attributes } => (Role::Text, format!("{} has {}", label(file), attributes_of(*attributes))),
        Event::FileShared { file, user, may_read: true } => (Role::Text, format!("{user} may read {}", label(file))),
        Event::FileShared { file, user, may_read: false } => (Role::Text, format!("{user} may read {} no longer", label(file))),
        Event::FilesAdopted { owner, count } => {
            (Role::Text, format!("{} without an owner given to {owner}", count_of(*count, "file")))
        }
        Event::CatalogMigrated { copy } => {
            (Role::Warning, format!("the catalog was brought up to date; the former one is kept as {copy}"))
        }
        Event::FaultBegan { fault, cause } => (Role::Warning, format!("{fault}{}", by(cause))),
        Event::FaultEnded { fault, cause } => (Role::Good, format!("no longer: {fault}{}", by(cause))),
        Event::CaptureEnded { failure } => (Role::Bad, failure.to_string()),
        Event::Connected { .. }
        | Event::Disconnected { .. }
        | Event::ProtocolViolated { .. }
        | Event::HealthChanged { .. }
        | Event::DeletionsOwed { .. }
        | Event::OwedDeleted { .. }
        | Event::Swept { .. }
        | Event::StartFailed { .. }
        | Event::DiskTrouble { .. }
        | Event::SegmentsMissing { .. } => return of_node(event),
    };
    Some(line)
}

/// Returns the line of an event of a node: its health, its connections and its disk.
fn of_node(event: &Event) -> Option<(Role, String)> {
    Some(match event {
        Event::Connected { node } => (Role::Dim, format!("connected to {node}")),
        Event::Disconnected { node, cause } => (Role::Dim, format!("disconnected from {node}: {cause}")),
        Event::ProtocolViolated { node, violation } => (Role::Bad, format!("{node} ended a connection: {violation}")),
        Event::HealthChanged { node, to, missed, .. } => match to {
            Health::Alive => (Role::Good, format!("{node} answers again: ALIVE")),
            Health::Suspect => (Role::Warning, format!("{node} did not answer {}: {to}", count_of((*missed).into(), "probe"))),
            Health::Dead => (Role::Bad, format!("{node} did not answer {}: {to}", count_of((*missed).into(), "probe"))),
        },
        Event::DeletionsOwed { node, segments } => {
            (Role::Warning, format!("{node} is to delete {} when it is next reachable", count_of(*segments, "segment")))
        }
        Event::OwedDeleted { node, segments } => {
            (Role::Dim, format!("{node} has deleted the {} that it owed", count_of(*segments, "segment")))
        }
        Event::Swept { node, leftovers, orphans } => (
            Role::Dim,
            format!("{node}: {} and {} of a crash removed", count_of(*leftovers, "leftover"), count_of(*orphans, "orphan")),
        ),
        Event::StartFailed { node, error } => (Role::Bad, format!("{node} did not start: {error}")),
        Event::DiskTrouble { node, trouble } => (Role::Bad, format!("{node}: {trouble}")),
        Event::SegmentsMissing { node, count } => {
            (Role::Bad, format!("{node} lacks {} that files need", count_of(*count, "segment")))
        }
        _ => return None,
    })
}

/// Names who has caused a fault, or has taken it back.
fn by(cause: &FaultCause) -> String {
    cause.by().map(|name| format!(", by {name}")).unwrap_or_default()
}
