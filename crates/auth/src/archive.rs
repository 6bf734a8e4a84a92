//! The archive of the audit log: the entries that no longer have a place in the database, as files with one JSON object a line. Entries
//! are in the archive, durably, before they are dropped; what cannot be archived is not dropped.
//!
//! A file is named after the number of its first entry. A crash between archiving and dropping makes the next attempt write the same
//! file again, with the same entries and perhaps more.

use std::io;
use std::path::{Path, PathBuf};

use p2p_base::hex::hex;
use p2p_base::private_file;
use serde::Serialize;

use super::audit::AuditEntry;

/// Entry of the archive, a line of a file.
#[derive(Debug, Serialize)]
struct Line<'a> {
    number: u64,
    /// Time of the attempt, in seconds since 1970.
    at: u64,
    user: &'a str,
    origin: &'a str,
    action: &'static str,
    done: bool,
    note: &'a str,
    /// Hash of the entry together with the hash of the one before it, in hexadecimal digits.
    hash: String,
}

/// Returns the path of the file whose first entry has this number.
pub(super) fn path_of(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:012}.jsonl"))
}

/// Writes consecutive entries, each with its number and its hash, to a file of their own, private and durable.
pub(super) fn keep<'a>(directory: &Path, entries: impl IntoIterator<Item = (u64, &'a AuditEntry, &'a [u8])>) -> io::Result<()> {
    let (mut first, mut text) = (None, Vec::new());
    for (number, entry, hash) in entries {
        first.get_or_insert(number);
        let AuditEntry { at, user, origin, action, done, note } = entry;
        let line = Line { number, at: *at, user, origin, action: action.name(), done: *done, note, hash: hex(hash) };
        serde_json::to_writer(&mut text, &line)?;
        text.push(b'\n');
    }
    let Some(first) = first else { return Ok(()) };
    private_file::create_directory(directory)?;
    private_file::write(&path_of(directory, first), &text)?;
    private_file::sync_directory(directory)
}
