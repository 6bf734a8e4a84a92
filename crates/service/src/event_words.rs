//! The descriptions of the engine's events, as sentences: those of the log on the screen, and of what a client is told of.

use p2p_base::units::{ByteSize, count_of};
use p2p_engine::Event;
use p2p_engine::faults::FaultCause;
use p2p_engine::node::health::Health;
use p2p_engine::transfer::{Stage, TransferError};
use p2p_store::attributes::{Attributes, PERMISSIONS};
use p2p_store::names::FileKey;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::access::Identity;

/// Tone of a sentence: what kind of news it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// News as usual.
    Plain,
    /// Something has succeeded, or is well again.
    Good,
    /// Something may need attention.
    Warning,
    /// Something has failed.
    Bad,
    /// Something that seldom matters.
    Dim,
}

/// Returns the line of an event as a user sees it, with its tone; `None` for events that are too frequent for the log. That an
/// upload is parked is plain: nothing is lost, and its client goes on with it, as after each piece of an upload in pieces.
pub fn describe(event: &Event, identity: &Identity) -> Option<(Tone, String)> {
    let label = |file: &FileKey| identity.shown(file);
    let line = match event {
        Event::TransferStarted { transfer, direction, file, bytes, segments, .. } => {
            let size = bytes
                .zip(*segments)
                .map(|(bytes, segments)| format!(": {} in {}", bytes_of(bytes), count_of(segments.into(), "segment")));
            let size = size.unwrap_or_else(|| ", of unknown size".into());
            (Tone::Plain, format!("{transfer} {} of {} began{size}", direction.name(), label(file)))
        }
        Event::Segment { transfer, stage: Stage::Retransmitted, timeline } => {
            (Tone::Dim, format!("{transfer} segment {} to {}: sent again", timeline.index, timeline.holder))
        }
        Event::Segment { .. } => return None,
        Event::LinkChanged { peer, link } => {
            (Tone::Warning, format!("the link of {peer} changed: {} up", link.up.bandwidth.human()))
        }
        Event::SegmentRetried { transfer, index, node, cause } => {
            (Tone::Warning, format!("{transfer} segment {index} failed at {node} and is tried again: {cause}"))
        }
        Event::TransferFinished { transfer, direction, file, .. } => {
            (Tone::Good, format!("{transfer} {} of {} is done", direction.name(), label(file)))
        }
        Event::UploadParked { transfer, file, bytes, .. } => {
            (Tone::Plain, format!("{transfer} upload of {} parked: {} of it are kept", label(file), bytes_of(*bytes)))
        }
        Event::TransferFailed { transfer, direction, file, error, .. } => {
            of_failure(&format!("{transfer} {} of {}", direction.name(), label(file)), error)
        }
        Event::FileStored { file, bytes, .. } => (Tone::Good, format!("{} is stored: {}", label(file), bytes_of(*bytes))),
        Event::FileRemoved { file } => (Tone::Plain, format!("{} is removed", label(file))),
        Event::DirectoryMade { directory } => (Tone::Plain, format!("the directory {} is made", label(directory))),
        Event::DirectoryRemoved { directory } => (Tone::Plain, format!("the directory {} is removed", label(directory))),
        Event::Moved { from, to } => (Tone::Plain, format!("{} is now {}", label(from), label(to))),
        Event::FileCopied { from, to, .. } => (Tone::Good, format!("{} is stored: a copy of {}", label(to), label(from))),
        Event::AttributesSet { file, attributes } => (Tone::Plain, format!("{} has {}", label(file), attributes_of(*attributes))),
        Event::FileShared { file: to, user, may_read: now } => may_now(user, "read", &label(to), *now),
        Event::UploadsShared { directory: to, user, may_upload: now } => may_now(user, "upload to", &label(to), *now),
        Event::FilesAdopted { owner, count } => {
            (Tone::Plain, format!("{} without an owner given to {owner}", count_of(*count, "file")))
        }
        Event::CatalogMigrated { copy } => {
            (Tone::Warning, format!("the catalog was brought up to date; the former one is kept as {copy}"))
        }
        Event::FaultBegan { fault, cause } => (Tone::Warning, format!("{fault}{}", by(cause))),
        Event::FaultEnded { fault, cause } => (Tone::Good, format!("no longer: {fault}{}", by(cause))),
        Event::CaptureEnded { failure } => (Tone::Bad, failure.to_string()),
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

/// Returns the line of what a user may do with a file or a directory from now on, or no longer.
fn may_now(user: &str, what: &str, place: &str, is_granted: bool) -> (Tone, String) {
    (Tone::Plain, format!("{user} may {what} {place}{}", if is_granted { "" } else { " no longer" }))
}

/// Returns the sentence about a transfer that has not succeeded: one that its user has ended is no failure.
fn of_failure(transfer: &str, error: &TransferError) -> (Tone, String) {
    match error {
        TransferError::Cancelled => (Tone::Warning, format!("{transfer} was cancelled")),
        error => (Tone::Bad, format!("{transfer} failed: {error}")),
    }
}

/// Returns attributes that were set, as a line names them.
fn attributes_of(attributes: Attributes) -> String {
    let modified = attributes.modified.map(|at| format!("the time of modification {}", date_of(at)));
    let mode = attributes.mode.map(|mode| format!("the mode {}", mode_of(mode)));
    modified.into_iter().chain(mode).collect::<Vec<_>>().join(" and ")
}

/// Returns permission bits in octal, with four digits as chmod(1) takes them.
pub fn mode_of(mode: u32) -> String {
    format!("{:04o}", mode & PERMISSIONS)
}

/// Formats a time in seconds since 1970, as in `2026-11-22 08:31:05Z`.
pub fn date_of(unix: u64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    let date = i64::try_from(unix).ok().and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok());
    date.and_then(|date| date.format(format).ok()).unwrap_or_else(|| unix.to_string())
}

/// Formats a number of bytes, as in `18.4 MiB`.
pub fn bytes_of(bytes: u64) -> String {
    ByteSize::from_bytes(bytes).human()
}

/// Returns the line of an event of a node: its health, its connections and its disk.
fn of_node(event: &Event) -> Option<(Tone, String)> {
    Some(match event {
        Event::Connected { node } => (Tone::Dim, format!("connected to {node}")),
        Event::Disconnected { node, cause } => (Tone::Dim, format!("disconnected from {node}: {cause}")),
        Event::ProtocolViolated { node, violation } => (Tone::Bad, format!("{node} ended a connection: {violation}")),
        Event::HealthChanged { node, to, missed, .. } => match to {
            Health::Alive => (Tone::Good, format!("{node} answers again: ALIVE")),
            Health::Suspect => (Tone::Warning, format!("{node} did not answer {}: {to}", count_of((*missed).into(), "probe"))),
            Health::Dead => (Tone::Bad, format!("{node} did not answer {}: {to}", count_of((*missed).into(), "probe"))),
        },
        Event::DeletionsOwed { node, segments } => {
            (Tone::Warning, format!("{node} is to delete {} when it is next reachable", count_of(*segments, "segment")))
        }
        Event::OwedDeleted { node, segments } => {
            (Tone::Dim, format!("{node} has deleted the {} that it owed", count_of(*segments, "segment")))
        }
        Event::Swept { node, leftovers, orphans } => (
            Tone::Dim,
            format!("{node}: {} and {} of a crash removed", count_of(*leftovers, "leftover"), count_of(*orphans, "orphan")),
        ),
        Event::StartFailed { node, error } => (Tone::Bad, format!("{node} did not start: {error}")),
        Event::DiskTrouble { node, trouble } => (Tone::Bad, format!("{node}: {trouble}")),
        Event::SegmentsMissing { node, count } => {
            (Tone::Bad, format!("{node} lacks {} that files need", count_of(*count, "segment")))
        }
        _ => return None,
    })
}

/// Names who has caused a fault, or has taken it back.
pub fn by(cause: &FaultCause) -> String {
    cause.by().map(|name| format!(", by {name}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_its_user_has_ended_has_not_failed() {
        assert_eq!(
            of_failure("#1 upload of a", &TransferError::Cancelled),
            (Tone::Warning, "#1 upload of a was cancelled".into())
        );
        let removed = of_failure("#2 download of b", &TransferError::Removed);
        assert_eq!(removed, (Tone::Bad, "#2 download of b failed: the file was removed in the meantime".into()));
    }

    #[test]
    fn dates_are_in_universal_time() {
        assert_eq!(date_of(1_795_376_677), "2026-11-22 19:44:37Z");
        assert_eq!(date_of(u64::MAX), u64::MAX.to_string());
    }
}
