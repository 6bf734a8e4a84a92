//! Open files and directories of a session, by their handles, of which it has a limited number.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_service::files::FileKey;
use russh_sftp::protocol::File;

use super::failure::{Done, Failure};
use super::growing::Growing;
use super::reader::Reader;
use super::writer::Writer;

/// Handles of a session at the most.
pub(super) const HANDLES_MAX: usize = 64;

/// Directory that is open.
#[derive(Debug)]
pub(super) enum Directory {
    /// Entries of a directory of the server's own that are not listed yet.
    Fixed(Vec<File>),
    /// Directory of a user, as the gate calls it, and the entry after which its next page begins.
    Stored { text: String, after: Option<FileKey>, is_over: bool },
}

/// Segment that the node holds, and where its bytes are in a file that the user may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeldSegment {
    pub(super) name: String,
    pub(super) file: FileKey,
    pub(super) first: u64,
    pub(super) len: u32,
    /// Time at which the file was stored, in seconds since 1970.
    pub(super) modified: u64,
}

/// Requests of one handle are served one after the other, so that a lock is never waited for.
pub(super) type Shared<T> = Arc<tokio::sync::Mutex<T>>;

/// Open file or directory.
#[derive(Debug, Clone)]
pub(super) enum Open {
    Directory(Shared<Directory>),
    Reader(Shared<Reader>),
    /// The writer is taken at the end.
    Writer(Shared<Option<Writer>>, Growing),
}

/// Open files and directories, each with its absolute path, and what the session remembers beside them.
#[derive(Debug, Default)]
pub(super) struct Handles(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: HashMap<String, (String, Open)>,
    /// Segments of the node, as the last list of them had them.
    segments: BTreeMap<String, HeldSegment>,
    /// Paths of whose uploads the client has asked, the latest ones.
    asked: VecDeque<String>,
}

impl Handles {
    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic while the lock was held leaves a complete table.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails if no further handle may be opened.
    pub(super) fn check_room(&self) -> Done<()> {
        if self.table().open.len() < HANDLES_MAX {
            return Ok(());
        }
        Err(Failure::because(format!("{HANDLES_MAX} files and directories are open already; close one")))
    }

    /// Returns true if a file is open.
    pub(super) fn has_files(&self) -> bool {
        self.table().open.values().any(|(_, open)| !matches!(open, Open::Directory(_)))
    }

    /// Opens a handle.
    pub(super) fn open(&self, path: &str, open: Open) -> Done<String> {
        self.check_room()?;
        let mut table = self.table();
        table.next += 1;
        let handle = table.next.to_string();
        table.open.insert(handle.clone(), (path.to_owned(), open));
        Ok(handle)
    }

    /// Returns what is open under a handle.
    pub(super) fn get(&self, handle: &str) -> Done<(String, Open)> {
        self.table().open.get(handle).cloned().ok_or_else(Failure::handle)
    }

    /// Closes a handle, and returns what was open.
    pub(super) fn close(&self, handle: &str) -> Done<(String, Open)> {
        self.table().open.remove(handle).ok_or_else(Failure::handle)
    }

    /// Returns the file that is being written at a path.
    pub(super) fn growing(&self, path: &str) -> Option<(Shared<Option<Writer>>, Growing)> {
        self.table().open.values().find_map(|(at, open)| match open {
            Open::Writer(writer, growing) if at == path => Some((Arc::clone(writer), growing.clone())),
            _ => None,
        })
    }

    /// Remembers the segments of a list.
    pub(super) fn know(&self, segments: BTreeMap<String, HeldSegment>) {
        self.table().segments = segments;
    }

    /// Returns a segment of the last list.
    pub(super) fn known(&self, segment: &str) -> Option<HeldSegment> {
        self.table().segments.get(segment).cloned()
    }

    /// Notes that the client has asked for the upload at a path.
    pub(super) fn note_asked(&self, path: String) {
        let asked = &mut self.table().asked;
        asked.retain(|other| *other != path);
        asked.push_back(path);
        if asked.len() > HANDLES_MAX {
            asked.pop_front();
        }
    }

    /// Returns true if the client has asked for the upload at a path.
    pub(super) fn has_asked(&self, path: &str) -> bool {
        self.table().asked.iter().any(|asked| asked == path)
    }

    /// Returns the path of a handle.
    pub(super) fn path(&self, handle: &str) -> Option<String> {
        self.table().open.get(handle).map(|(path, _)| path.clone())
    }
}
