//! Destination of a download: the segments are verified and written, and the file gets its name once it is complete.
//!
//! The file has no name until it is complete, so that a partial file is never mistaken for a complete one.

use std::io::{BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};

use p2p_base::replacement::{Existing, Replacement};
use p2p_store::segment::{SegmentId, Sha256Digest};
use sha2::{Digest, Sha256};

use crate::cause::{FailureKind, FileAction, LocalFailure};
use crate::io::FileOutcome;
use crate::open_file::OpenFile;

/// Destination of the verified bytes of a download.
#[derive(Debug)]
pub(crate) struct Sink {
    place: Place,
    whole: Sha256,
    /// True if a write failed, so that the file is incomplete.
    failed: bool,
}

#[derive(Debug)]
enum Place {
    /// File that gets its name when it is complete; it disappears if it is dropped before that.
    Named { file: BufWriter<Replacement>, path: PathBuf },
    /// File that a front end has open.
    Open(BufWriter<OpenFile>),
    /// No destination: the content is only verified.
    Nowhere,
}

impl Sink {
    /// Creates the file, which gets its name when it is complete.
    pub(crate) fn create(path: &Path, overwrite: bool) -> std::io::Result<Sink> {
        let existing = if overwrite { Existing::Replaced } else { Existing::Refused };
        let file = BufWriter::new(Replacement::create(path, existing)?);
        Ok(Sink::at(Place::Named { file, path: path.to_owned() }))
    }

    /// Creates a sink that writes to a file that a front end has open.
    pub(crate) fn open(file: OpenFile) -> Sink {
        Sink::at(Place::Open(BufWriter::new(file)))
    }

    /// Creates a sink that verifies the content and discards it.
    pub(crate) fn nowhere() -> Sink {
        Sink::at(Place::Nowhere)
    }

    fn at(place: Place) -> Sink {
        Sink { place, whole: Sha256::new(), failed: false }
    }

    pub(super) fn write(&mut self, id: SegmentId, bytes: &[u8]) -> FileOutcome {
        let found = SegmentId::of(bytes);
        if found != id {
            self.failed = true;
            return FileOutcome::Failed(LocalFailure::new(FailureKind::SegmentDigest { id, found }));
        }
        self.whole.update(bytes);
        let written = match &mut self.place {
            Place::Named { file, .. } => file.write_all(bytes),
            Place::Open(file) => file.write_all(bytes),
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

    /// Verifies the digest of the whole file and gives the file its name.
    pub(super) fn finish(mut self, expected: Sha256Digest) -> FileOutcome {
        if self.failed {
            return self.place.cannot_write(&std::io::Error::other("an earlier write failed"));
        }
        let found = Sha256Digest::from_bytes(std::mem::take(&mut self.whole).finalize().into());
        if found != expected {
            return FileOutcome::Failed(LocalFailure::new(FailureKind::FileDigest { expected, found }));
        }
        self.place.finish()
    }
}

impl Place {
    fn cannot_write(&self, error: &std::io::Error) -> FileOutcome {
        let name = match self {
            Place::Named { path, .. } => path.display().to_string(),
            Place::Open(file) => file.get_ref().name().to_owned(),
            Place::Nowhere => String::new(),
        };
        FileOutcome::Failed(LocalFailure::of_file(FileAction::Write, &name, error))
    }

    /// Completes the destination after the last write: a named file gets its name.
    fn finish(self) -> FileOutcome {
        let (file, path) = match self {
            Place::Named { file, path } => (file, path),
            Place::Open(mut file) => {
                let flushed = file.flush();
                return flushed.map_or_else(|error| Place::Open(file).cannot_write(&error), |()| FileOutcome::Written);
            }
            Place::Nowhere => return FileOutcome::Written,
        };
        let named = file.into_inner().map_err(IntoInnerError::into_error).and_then(Replacement::finish);
        named.map_or_else(
            |error| FileOutcome::Failed(LocalFailure::of_file(FileAction::Write, &path.display().to_string(), &error)),
            |_| FileOutcome::Written,
        )
    }
}
