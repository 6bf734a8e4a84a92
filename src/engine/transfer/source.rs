//! The local file of an upload: cut ahead into segments, on a thread of its own.
//!
//! Knows nothing of nodes or of what becomes of a segment.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::cause::Cause;
use crate::engine::io::{FileOutcome, JobId, Lane, Outcome};
use crate::engine::world::World;
use crate::file_identity::FileIdentity;
use crate::storage::segment::{Cutter, Segment, SegmentSize, Sha256Digest};
use crate::units::ByteSize;

/// Pieces of work that cut segments ahead.
const CUTS_AHEAD: usize = 2;
/// Bytes that one piece of work cuts at the least: threads wake each other once for all of them.
const CUT_MIN: usize = 512 << 10;

/// A local file that is being cut on a thread of its own.
#[derive(Debug)]
pub(super) struct Source {
    cutter: Arc<Mutex<Cutter<File>>>,
    path: String,
    /// What the file was when it was opened, where the system tells.
    version: Option<Version>,
    pub(super) jobs: VecDeque<JobId>,
    /// What has been cut and is not on its way yet.
    pub(super) cut: VecDeque<Segment>,
    pub(super) ended: Option<(ByteSize, Sha256Digest)>,
}

impl Source {
    pub(super) fn new(file: File, path: &Path, segment_size: SegmentSize) -> Source {
        let version = version_of(&file);
        Source {
            cutter: Arc::new(Mutex::new(Cutter::new(file, segment_size))),
            path: path.display().to_string(),
            version,
            jobs: VecDeque::new(),
            cut: VecDeque::new(),
            ended: None,
        }
    }

    /// Has segments cut ahead, and gives the work that the next one comes from.
    pub(super) fn ask(&mut self, world: &mut World) -> Option<JobId> {
        while self.jobs.len() < CUTS_AHEAD && self.ended.is_none() {
            let (cutter, path, version) = (Arc::clone(&self.cutter), self.path.clone(), self.version);
            let job = world.desk.submit(Lane::Source, Box::new(move || Outcome::File(cut(&cutter, &path, version))));
            self.jobs.push_back(job);
        }
        self.jobs.front().copied()
    }

    /// Nothing more is wanted of it.
    pub(super) fn close(&mut self, world: &mut World) {
        self.cut.clear();
        for job in self.jobs.drain(..) {
            world.desk.abandon(job);
        }
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.ended.is_some() && self.cut.is_empty()
    }
}

/// What tells one state of a file from another: which it is, how long, and when its content and its inode last changed. A program may
/// set the time of the content back, that of the inode (ctime, inode(7)) it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    file: FileIdentity,
    len: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

fn version_of(file: &File) -> Option<Version> {
    let found = file.metadata().ok()?;
    Some(Version {
        file: FileIdentity::of(&found),
        len: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

/// Cuts the next segments. At the end it tells what the whole was, as often as it is asked.
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
            Err(error) => return FileOutcome::Failed(Cause::of_file("read", path, &error)),
        }
    }
    if segments.is_empty() {
        let (size, digest) = cutter.so_far();
        if version_of(cutter.source()) != version {
            let changed = |name| format!("{name} changed while it was read; nothing of it is stored");
            return FileOutcome::Failed(Cause::with_details(changed("the file"), changed(path)));
        }
        // Files that the system makes up as they are read (proc(5), sysfs(5)) have no length before.
        if let Some(len) = version.map(|version| version.len).filter(|&len| len != size.as_u64()) {
            let differs = |name| format!("{name} has {len} bytes, as the system says, but {size} can be read");
            let next = format!("`p2p put - --as NAME < {path}` stores what can be read");
            return FileOutcome::Failed(Cause::with_details(differs("the file"), format!("{}; {next}", differs(path))));
        }
        return FileOutcome::End(size, digest);
    }
    FileOutcome::Segments(segments)
}

/// The memory that an upload has from its first segment to its last, in bytes: for what is cut ahead and for one segment on its
/// way, but no more than the file has.
pub(super) fn memory_min(size: u64, segment_size: SegmentSize) -> u64 {
    let segment = segment_size.as_usize();
    ((CUTS_AHEAD * CUT_MIN.max(segment) + segment) as u64).min(size)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_change_is_known_whatever_time_is_set() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before").unwrap();
        let version = version_of(&file);
        let times = std::fs::FileTimes::new().set_modified(file.metadata().unwrap().modified().unwrap());
        assert_eq!(version_of(&file), version);
        // The kernel's clock of files may tick four milliseconds later only.
        let changed = (0..1_000_000).any(|_| {
            file.write_all(b"x").and_then(|()| file.set_len(6)).and_then(|()| file.set_times(times)).unwrap();
            version_of(&file) != version
        });
        let modified = |version: Option<Version>| version.unwrap().modified;
        assert!(changed && modified(version_of(&file)) == modified(version));
    }
}
