//! What the gate knows, as messages of the contract: files, figures of transfers, segments, and kept uploads.

use p2p_service::access::{AccessError, Identity};
use p2p_service::files::{Entry, FileKey, KeptUpload as Kept, SegmentTimeline, Sha256Digest, SimTime, TransferReport};
use prost_types::Timestamp;
use tonic::Status;

use crate::proto::{FileInfo, KeptUpload, SegmentTiming, TransferFigures};
use crate::quantities::{instant, number, span};
use crate::status;

/// Returns the status of an error of the gate.
pub(crate) fn told(error: impl Into<AccessError>) -> Status {
    status::of(&error.into())
}

/// Returns a time in seconds since 1970 as a message; none for a time that is not known.
fn time(seconds: u64) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds).ok().filter(|&seconds| seconds > 0)?;
    Some(Timestamp { seconds, nanos: 0 })
}

/// Returns a digest that a client presents.
pub(crate) fn digest(field: &str, bytes: Option<prost::bytes::Bytes>) -> Result<Option<Sha256Digest>, Status> {
    let Some(bytes) = bytes else { return Ok(None) };
    let found: Result<[u8; 32], _> = bytes.as_ref().try_into();
    let wrong = |_| status::invalid(field, format_args!("it has {} bytes; a SHA-256 has 32", bytes.len()));
    found.map(|bytes| Some(Sha256Digest::from_bytes(bytes))).map_err(wrong)
}

/// Returns a time that a client tells in nanoseconds since 1970; none for one before that.
pub(super) fn nanos(time: Timestamp) -> Option<u64> {
    let seconds = u64::try_from(time.seconds).ok()?.checked_mul(1_000_000_000)?;
    seconds.checked_add(u64::try_from(time.nanos).ok()?)
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
        },
        Entry::Directory(directory) => {
            FileInfo { path, owner, name, is_directory: true, stored_at: time(directory.made_at), readers, ..FileInfo::default() }
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
    }
}
