//! Sources of an upload: a local file that is cut into segments and must not change meanwhile, or a stream whose writer cuts it.

use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use p2p_base::source_file::Version;
use p2p_base::spelling::visible_path;
use p2p_base::units::count_of;
use p2p_store::segment::{Cutter, Segment, SegmentId, SegmentSize};

use crate::cause::{FailureKind, FileAction, LocalFailure};
use crate::io::{CUT_MIN, FileOutcome};
use crate::stream::{Arrival, SourceStream};

/// Source of an upload; clones share it.
#[derive(Debug, Clone)]
pub(crate) enum UploadSource {
    File(FileSource),
    Stream(SourceStream),
}

impl UploadSource {
    /// Returns the next segments, or the end, however often it is called then. It blocks the calling thread until they are there.
    pub(super) fn cut(&self) -> FileOutcome {
        match self {
            UploadSource::File(file) => cut(&file.cutter, &file.path, file.version),
            UploadSource::Stream(stream) => next_of(stream),
        }
    }

    /// Returns true if segments can be [read again](Self::read_again).
    pub(crate) const fn is_readable_again(&self) -> bool {
        matches!(self, UploadSource::File(_))
    }

    /// Reads a segment again that was cut before. It blocks the calling thread. What a stream has brought is gone.
    pub(super) fn read_again(&self, index: u32, id: SegmentId, len: u32) -> FileOutcome {
        match self {
            UploadSource::File(file) => file.read_again(index, id, len),
            UploadSource::Stream(_) => FileOutcome::Gone,
        }
    }
}

/// Waits for the next segments of a stream: as many as a job cuts of a file, so that the pace of its writer changes nothing.
fn next_of(stream: &SourceStream) -> FileOutcome {
    let (mut cuts, mut bytes) = (Vec::new(), 0);
    while bytes < CUT_MIN {
        match stream.wait() {
            Arrival::Cut(cut) => {
                bytes += cut.segment.bytes.len();
                cuts.push(cut);
            }
            Arrival::End(size, digest) if cuts.is_empty() => return FileOutcome::End(size, digest),
            Arrival::Gone if cuts.is_empty() => return FileOutcome::Gone,
            // Either arrives again when it is waited for; what came before it is taken first, so that a kept upload loses none of it.
            Arrival::End(..) | Arrival::Gone => break,
            Arrival::Failed(failure) => return FileOutcome::Failed(failure),
        }
    }
    FileOutcome::Cuts(cuts)
}

/// Local file that is cut into segments; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct FileSource {
    cutter: Arc<Mutex<Cutter<File>>>,
    path: Arc<str>,
    /// Version of the file when it was opened.
    version: Option<Version>,
    segment_size: SegmentSize,
}

impl FileSource {
    /// Creates the source of an open file, of which the system said this when it was opened, and which messages call `path`.
    pub(crate) fn new(file: File, found: &Metadata, path: &Path, segment_size: SegmentSize) -> FileSource {
        let version = Some(Version::in_metadata(found));
        let cutter = Arc::new(Mutex::new(Cutter::new(file, segment_size)));
        FileSource { cutter, path: visible_path(path).into(), version, segment_size }
    }

    fn read_again(&self, index: u32, id: SegmentId, len: u32) -> FileOutcome {
        let cutter = self.cutter.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, mut bytes) = (cutter.source(), vec![0; len as usize]);
        let offset = u64::from(index) * self.segment_size.as_usize() as u64;
        match file.read_exact_at(&mut bytes, offset) {
            // The end came too early.
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
                return FileOutcome::Failed(LocalFailure::of_file(FileAction::Read, &self.path, &error));
            }
            read if read.is_err() || version_of(file) != self.version || SegmentId::of(&bytes) != id => {
                return FileOutcome::Failed(LocalFailure::changed(&self.path));
            }
            _ => {}
        }
        FileOutcome::Segments(vec![Segment { index, id, bytes: bytes.into() }])
    }
}

fn version_of(file: &File) -> Option<Version> {
    Version::of(file).ok()
}

fn cut(cutter: &Mutex<Cutter<File>>, path: &str, version: Option<Version>) -> FileOutcome {
    let mut cutter = cutter.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut segments, mut bytes) = (Vec::new(), 0);
    while bytes < CUT_MIN {
        match cutter.next_segment() {
            Ok(Some(segment)) => {
                bytes += segment.bytes.len();
                segments.push(segment);
            }
            Ok(None) => break,
            Err(error) => return FileOutcome::Failed(LocalFailure::of_file(FileAction::Read, path, &error)),
        }
    }
    if segments.is_empty() {
        let (size, digest) = cutter.so_far();
        if version_of(cutter.source()) != version {
            return FileOutcome::Failed(LocalFailure::changed(path));
        }
        // Files generated by the kernel as they are read (proc(5), sysfs(5)) report a length of zero.
        if let Some(reported) = version.map(|version| version.len()).filter(|&len| len != size.as_u64()) {
            let differs =
                format!("{path} has {reported} bytes, as the system says, but {} can be read", count_of(size.as_u64(), "byte"));
            let details = format!("{differs}; `p2p put - --as NAME < {path}` stores what can be read");
            return FileOutcome::Failed(LocalFailure::with_details(FailureKind::OtherLength { reported, size }, details));
        }
        return FileOutcome::End(size, digest);
    }
    FileOutcome::Segments(segments)
}
