//! Destination of a download: the segments are verified and written to a file or delivered to a stream.
//!
//! A file has no name until it is complete, and a stream tells its reader of its end, so that partial content is never mistaken for
//! the whole.

use std::collections::BTreeSet;
use std::io::{BufWriter, IntoInnerError, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use p2p_base::replacement::Replacement;
use p2p_base::spelling::visible_path;
use p2p_store::segment::{SegmentId, Sha256Digest};
use sha2::{Digest, Sha256};

use crate::cause::{FailureKind, FileAction, LocalFailure};
use crate::io::{FileOutcome, Lane};
use crate::stream::SinkStream;

/// Destination of the verified bytes of a download.
#[derive(Debug)]
pub(crate) struct DownloadSink {
    place: Place,
    /// Digest of all bytes so far, where nothing else comes of them. What is kept is verified by its segments alone: the catalog has
    /// the names of all of them, and a digest of those names.
    whole: Option<Sha256>,
    /// Segments of which a replay does not have the content, and whose digests say nothing.
    unknown: Arc<BTreeSet<SegmentId>>,
    /// True if a write failed, so that the file is incomplete.
    failed: bool,
}

#[derive(Debug)]
enum Place {
    /// File that gets its name when it is complete; it disappears if it is dropped before that.
    Named { file: BufWriter<Replacement>, path: PathBuf },
    /// Stream of a front end.
    Stream {
        stream: SinkStream,
        /// True if virtual time waits for the reader.
        holds: bool,
    },
    /// No destination: the content is only verified.
    Nowhere,
}

impl DownloadSink {
    /// Creates a sink that writes to a file, which gets its name when it is complete; messages call it `path`.
    pub(crate) fn file(file: Replacement, path: &Path) -> DownloadSink {
        DownloadSink::at(Place::Named { file: BufWriter::new(file), path: path.to_owned() })
    }

    /// Creates a sink that delivers to a stream, whose reader virtual time waits for if `holds` says so.
    pub(crate) fn stream(stream: SinkStream, holds: bool) -> DownloadSink {
        DownloadSink::at(Place::Stream { stream, holds })
    }

    /// Creates a sink that verifies the content and discards it.
    pub(crate) fn nowhere() -> DownloadSink {
        let mut sink = DownloadSink::at(Place::Nowhere);
        sink.whole = Some(Sha256::new());
        sink
    }

    fn at(place: Place) -> DownloadSink {
        DownloadSink { place, whole: None, unknown: Arc::default(), failed: false }
    }

    /// Returns the lane of the work on the sink.
    pub(super) const fn lane(&self) -> Lane {
        match self.place {
            Place::Stream { .. } => Lane::Delivery,
            Place::Named { .. } | Place::Nowhere => Lane::Sink,
        }
    }

    /// Sets the segments of which a replay does not have the content.
    #[must_use]
    pub(crate) fn with_unknown(mut self, unknown: Arc<BTreeSet<SegmentId>>) -> DownloadSink {
        self.unknown = unknown;
        self
    }

    /// Verifies a segment and writes the part `within` it.
    pub(super) fn write(&mut self, id: SegmentId, bytes: &Bytes, within: Range<usize>) -> FileOutcome {
        // What follows a segment that is missing is not delivered.
        if self.failed {
            return self.place.cannot_write(&std::io::Error::other("an earlier write failed"));
        }
        let found = if self.unknown.contains(&id) { id } else { SegmentId::of(bytes) };
        if found != id {
            self.failed = true;
            return FileOutcome::Failed(LocalFailure::new(FailureKind::SegmentDigest { id, found }));
        }
        self.whole.iter_mut().for_each(|whole| whole.update(bytes));
        let part = bytes.slice(within.start.min(bytes.len())..within.end.min(bytes.len()));
        let written = match &mut self.place {
            Place::Named { file, .. } => file.write_all(&part),
            Place::Stream { stream, holds } => stream.deliver(part, *holds),
            Place::Nowhere => Ok(()),
        };
        match written {
            Ok(()) => FileOutcome::Written,
            Err(error) => {
                self.failed = true;
                self.place.cannot_write(&error)
            }
        }
    }

    /// Verifies the digest of the whole file, if all of it was fetched only to be verified, and completes the destination.
    pub(super) fn finish(mut self, expected: Option<Sha256Digest>) -> FileOutcome {
        if self.failed {
            return self.place.cannot_write(&std::io::Error::other("an earlier write failed"));
        }
        let whole = self.whole.take().map(|whole| Sha256Digest::from_bytes(whole.finalize().into()));
        match (whole, expected) {
            (Some(found), Some(expected)) if found != expected && self.unknown.is_empty() => {
                FileOutcome::Failed(LocalFailure::new(FailureKind::FileDigest { expected, found }))
            }
            _ => self.place.finish(),
        }
    }
}

impl Drop for DownloadSink {
    fn drop(&mut self) {
        if let Place::Stream { stream, .. } = &self.place {
            stream.close();
        }
    }
}

impl Place {
    fn cannot_write(&self, error: &std::io::Error) -> FileOutcome {
        match self {
            Place::Named { path, .. } => {
                FileOutcome::Failed(LocalFailure::of_file(FileAction::Write, &visible_path(path), error))
            }
            Place::Stream { .. } | Place::Nowhere => FileOutcome::Gone,
        }
    }

    /// Completes the destination after the last write: a named file gets its name, and the reader of a stream learns of its end.
    fn finish(&mut self) -> FileOutcome {
        let (file, path) = match std::mem::replace(self, Place::Nowhere) {
            Place::Named { file, path } => (file, path),
            Place::Stream { stream, .. } => {
                stream.complete();
                return FileOutcome::Written;
            }
            Place::Nowhere => return FileOutcome::Written,
        };
        let named = file.into_inner().map_err(IntoInnerError::into_error).and_then(Replacement::finish);
        named.map_or_else(
            |error| FileOutcome::Failed(LocalFailure::of_file(FileAction::Write, &visible_path(path), &error)),
            |_| FileOutcome::Written,
        )
    }
}
