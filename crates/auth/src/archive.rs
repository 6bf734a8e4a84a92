//! The archive of the audit log: the entries that no longer have a place in the database, as files with one JSON object a line. Entries
//! are in the archive, durably, before they are dropped; what cannot be archived is not dropped.
//!
//! A file is named after the number of its first entry. A crash between archiving and dropping makes the next attempt write the same
//! file again, with the same entries and perhaps more.

use std::io;
use std::path::{Path, PathBuf};

use p2p_base::private_file;
use serde::Serialize;

/// Entry of the archive, a line of a file.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    /// Number of the entry in the log.
    pub(super) number: u64,
    /// Time of the attempt, in seconds since 1970.
    pub(super) at: u64,
    pub(super) user: &'a str,
    pub(super) origin: &'a str,
    pub(super) action: &'static str,
    pub(super) done: bool,
    pub(super) note: &'a str,
    /// Hash of the entry together with the hash of the one before it, in hexadecimal digits.
    pub(super) hash: String,
}

/// Returns the path of the file whose first entry has this number.
pub(super) fn path_of(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:012}.jsonl"))
}

/// Writes consecutive entries to a file of their own, private and durable.
pub(super) fn keep(directory: &Path, lines: &[Line<'_>]) -> io::Result<()> {
    let Some(first) = lines.first() else { return Ok(()) };
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    private_file::create_directory(directory)?;
    private_file::write(&path_of(directory, first.number), &text)?;
    private_file::sync_directory(directory)
}
