//! Open files and directories of a session, by their handles.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_service::files::{Attributes, FileKey};
use russh_sftp::protocol::File;

use super::failure::{Done, Failure};
use super::reader::Reader;
use super::writer::Writer;

/// Handles of a session at the most.
pub(super) const HANDLES_MAX: usize = 64;

/// Directory that is open.
#[derive(Debug)]
pub(super) enum Directory {
    /// What is not listed yet of a directory of the server's own.
    Fixed(Vec<File>),
    /// Directory of a user, as the gate calls it, and the entry after which its next page begins.
    Stored { text: String, after: Option<FileKey>, is_over: bool },
}

/// File that is being written, as the session sees it by its path.
#[derive(Debug, Clone)]
pub(super) struct Growing {
    /// Size so far, in bytes.
    size: Arc<AtomicU64>,
    /// Attributes that the client has given at its opening.
    pub(super) attributes: Attributes,
}

impl Growing {
    pub(super) fn of(writer: &Writer, attributes: Attributes) -> Growing {
        Growing { size: writer.size(), attributes }
    }

    /// Returns the size so far, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }
}

/// Requests of one handle are served one after the other, so that a lock is never waited for.
pub(super) type Shared<T> = Arc<tokio::sync::Mutex<T>>;

/// What is open.
#[derive(Debug, Clone)]
pub(super) enum Open {
    Directory(Shared<Directory>),
    Reader(Shared<Reader>),
    /// The writer is taken at the end.
    Writer(Shared<Option<Writer>>, Growing),
}

/// Open files and directories, each with its absolute path.
#[derive(Debug, Default)]
pub(super) struct Handles(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: HashMap<String, (String, Open)>,
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

    /// Returns the path of a handle.
    pub(super) fn path(&self, handle: &str) -> Option<String> {
        self.table().open.get(handle).map(|(path, _)| path.clone())
    }
}
