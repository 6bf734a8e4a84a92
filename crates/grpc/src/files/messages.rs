//! What the gate knows, as messages of the contract: files, figures of transfers, segments, and kept uploads.

use std::ops::RangeInclusive;

use p2p_service::access::Identity;
use p2p_service::files::{
    Attributes, Entry, FileKey, KeptUpload as Kept, SegmentTimeline, Sha256Digest, SimTime, TransferReport,
};
use prost_types::Timestamp;
use tonic::Status;

use crate::proto::{FileInfo, KeptUpload, SegmentTiming, TransferFigures};
use crate::quantities::{SECOND, instant, nanos_in, number, span};
use crate::status;

/// Returns a time in seconds since 1970 as a message; none for a time that is not known.
fn time(seconds: u64) -> Option<Timestamp> {
    at(seconds).filter(|_| seconds > 0)
}

fn at(seconds: u64) -> Option<Timestamp> {
    Some(Timestamp { seconds: seconds.try_into().ok()?, nanos: 0 })
}

/// Returns a digest that a client presents.
pub(crate) fn digest(field: &str, bytes: Option<prost::bytes::Bytes>) -> Result<Option<Sha256Digest>, Status> {
    let Some(bytes) = bytes else { return Ok(None) };
    let found: Result<[u8; 32], _> = bytes.as_ref().try_into();
    let wrong = |_| status::invalid(field, format_args!("it has {} bytes; a SHA-256 has 32", bytes.len()));
    found.map(|bytes| Some(Sha256Digest::from_bytes(bytes))).map_err(wrong)
}

/// Seconds of the first and the last instant that a timestamp may name: 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z
/// (`google/protobuf/timestamp.proto`).
const SECONDS: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Returns a time that a client tells in nanoseconds since 1970; none for one that a `u64` of them does not reach: before 1970, or after
/// July 2554.
///
/// # Errors
/// Fails if the timestamp has seconds or nanoseconds that the contract of timestamps does not allow.
pub(super) fn nanos(field: &str, time: Timestamp) -> Result<Option<u64>, Status> {
    require_timestamp(field, time)?;
    Ok(nanos_in(time.seconds, time.nanos))
}

/// Refuses seconds or nanoseconds that the contract of timestamps does not allow.
fn require_timestamp(field: &str, Timestamp { seconds, nanos }: Timestamp) -> Result<(), Status> {
    let (first, last) = (SECONDS.start(), SECONDS.end());
    if !SECONDS.contains(&seconds) {
        return Err(status::invalid(field, format_args!("its seconds are {seconds}; a timestamp has {first} to {last}")));
    }
    match u64::try_from(nanos) {
        Ok(nanos) if nanos < SECOND => Ok(()),
        _ => Err(status::invalid(field, format_args!("its nanoseconds are {nanos}; a timestamp has 0 to {}", SECOND - 1))),
    }
}

/// Returns attributes that a client gives: a time of modification, which `field` has, and permission bits.
///
/// # Errors
/// Fails if the time is none of the contract of timestamps, or before 1970.
pub(super) fn attributes(field: &str, modified_at: Option<Timestamp>, mode: Option<u32>) -> Result<Attributes, Status> {
    let seconds = |time: Timestamp| {
        require_timestamp(field, time)?;
        u64::try_from(time.seconds).map_err(|_| status::invalid(field, "it is before 1970"))
    };
    Ok(Attributes { modified: modified_at.map(seconds).transpose()?, mode })
}

/// Returns a file or a directory as its caller sees it.
pub(super) fn file(identity: &Identity, entry: &Entry) -> FileInfo {
    let FileKey { owner, name } = entry.key().clone();
    let (path, readers) = (identity.label(entry.key()), entry.readers().iter().cloned().collect());
    match entry {
        Entry::File(file) => FileInfo {
            path,
            owner,
            name,
            is_directory: false,
            size: file.size,
            segments: file.segments,
            segment_size: file.segment_size,
            sha256: file.sha256.as_bytes().to_vec().into(),
            stored_at: time(file.stored_at),
            readers,
            modified_at: at(file.modified),
            mode: file.mode,
            uploaders: Vec::new(),
        },
        Entry::Directory(directory) => {
            let (stored_at, mode) = (time(directory.made_at), directory.mode);
            let modified_at = stored_at.and_then(|_| at(directory.modified));
            let uploaders = directory.uploaders.iter().cloned().collect();
            let known = FileInfo { path, owner, name, is_directory: true, readers, uploaders, ..FileInfo::default() };
            FileInfo { stored_at, modified_at, mode, ..known }
        }
    }
}

/// Returns the figures of a transfer that is over.
pub(super) fn figures(report: &TransferReport) -> TransferFigures {
    let status = &report.status;
    TransferFigures {
        transfer: status.id.0,
        virtual_time: Some(span(status.elapsed(SimTime::MAX))),
        goodput_bytes_per_second: status.goodput(SimTime::MAX),
        retransmits: status.retransmits,
        owing_nodes: status.owing_nodes,
        bytes: status.bytes,
        segments: status.segments,
        kept_bytes: status.bytes_before,
    }
}

/// Returns the history of a segment.
pub(super) fn timing(segment: &SegmentTimeline) -> SegmentTiming {
    SegmentTiming {
        index: segment.index,
        length: segment.len,
        node: number(segment.holder),
        attempt: segment.attempt,
        queued: Some(instant(segment.queued)),
        connected: segment.connected.map(instant),
        first_byte: segment.first_byte.map(instant),
        last_byte: segment.last_byte.map(instant),
        acknowledged: segment.acknowledged.map(instant),
        retransmits: segment.retransmits,
    }
}

/// Returns an upload that is kept.
pub(super) fn kept(identity: &Identity, upload: &Kept) -> KeptUpload {
    KeptUpload {
        upload_id: upload.id.to_string(),
        path: identity.label(&upload.file),
        offset: upload.offset,
        began_at: time(upload.began_at),
        expires_at: time(upload.expires_at),
        transfer: upload.transfer.map(|transfer| transfer.0),
        owner: upload.file.owner.clone(),
        name: upload.file.name.clone(),
        state: upload.state.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Timestamps that are none are refused, with the field and what is wrong.
    #[test]
    fn times_of_clients_are_within_what_a_timestamp_may_be() {
        let told = |seconds, nanos| super::nanos("header.modified", Timestamp { seconds, nanos });
        assert_eq!(told(1, 5).unwrap(), Some(1_000_000_005));
        assert_eq!(told(0, 0).unwrap(), Some(0));
        // Instants that are sound, and none that is kept.
        for (seconds, nanos) in [(-1, 0), (*SECONDS.start(), 0), (*SECONDS.end(), 999_999_999)] {
            assert_eq!(told(seconds, nanos).unwrap(), None, "{seconds} {nanos}");
        }
        for (seconds, nanos) in [(1, -5), (1, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0), (*SECONDS.end() + 1, 0)] {
            let refused = told(seconds, nanos).unwrap_err();
            assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{seconds} {nanos}");
            assert!(refused.message().starts_with("header.modified: its "), "{}", refused.message());
        }
        let given =
            |seconds, nanos| attributes("modified_at", Some(Timestamp { seconds, nanos }), None).map(|given| given.modified);
        assert_eq!((given(0, 5).unwrap(), given(*SECONDS.end(), 0).unwrap()), (Some(0), Some(253_402_300_799)));
        for (seconds, nanos) in [(-1, 0), (7, -1), (i64::MAX, 0)] {
            assert_eq!(given(seconds, nanos).unwrap_err().code(), tonic::Code::InvalidArgument, "{seconds} {nanos}");
        }
    }
}
