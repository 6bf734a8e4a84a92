//! Stored files and directories as lines of `ls`, and the table of these.

use p2p_store::names::FileKey;
use p2p_store::namespace::Entry;
use p2p_store::segment::Sha256Digest;
use serde::Serialize;

use super::{Table, bytes_of, date_of, mode_of, number_column, text_column};

/// A stored file or a directory, as a line of `ls`. What only files have is absent for a directory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryLine {
    /// Name of the entry as the user sees it: `~owner/path` for those of other users, with a `/` at the end for a directory.
    #[serde(skip)]
    pub label: String,
    /// `file` or `directory`.
    pub kind: &'static str,
    /// Owner of the entry; absent while there are no accounts.
    pub owner: Option<String>,
    /// Path of the entry among the files of its owner.
    pub name: String,
    /// Size of the file in bytes.
    pub bytes: Option<u64>,
    /// Number of segments of the file.
    pub segments: Option<u32>,
    /// Size of a full segment in bytes.
    pub segment_size: Option<u32>,
    /// SHA-256 digest of the file.
    pub sha256: Option<Sha256Digest>,
    /// Time at which the file was stored or the directory was made, in seconds since 1970.
    pub stored_at: u64,
    /// Time of the last modification, in seconds since 1970.
    pub modified_at: u64,
    /// Permission bits in octal.
    pub mode: String,
    /// Users other than the owner to whom access to this very entry was given.
    pub readers: Vec<String>,
    /// Users other than the owner who may store new files in this very directory.
    pub uploaders: Vec<String>,
}

impl EntryLine {
    /// Creates the line of an entry that the user sees as `label`.
    pub fn new(entry: &Entry, label: String) -> EntryLine {
        let FileKey { owner, name } = entry.key().clone();
        let readers = entry.readers().iter().cloned().collect();
        let uploaders = entry.uploaders().into_iter().flatten().cloned().collect();
        match entry {
            Entry::File(file) => EntryLine {
                label,
                kind: "file",
                owner,
                name,
                bytes: Some(file.size),
                segments: Some(file.segments),
                segment_size: Some(file.segment_size),
                sha256: Some(file.sha256),
                stored_at: file.stored_at,
                modified_at: file.modified,
                mode: mode_of(file.mode),
                readers,
                uploaders,
            },
            Entry::Directory(directory) => EntryLine {
                label: label + "/",
                kind: "directory",
                owner,
                name,
                bytes: None,
                segments: None,
                segment_size: None,
                sha256: None,
                stored_at: directory.made_at,
                modified_at: directory.modified,
                mode: mode_of(directory.mode),
                readers,
                uploaders,
            },
        }
    }
}

/// Returns the table of stored files and directories; `empty` is the text of a table without any.
pub fn entries_table(lines: &[EntryLine], empty: &'static str) -> Table {
    let figure = |figure: Option<String>| figure.unwrap_or_else(|| "-".to_owned());
    // Many files of one command have the same time.
    let mut latest = (0, date_of(0));
    let mut date = |at: u64| {
        if latest.0 != at {
            latest = (at, date_of(at));
        }
        latest.1.clone()
    };
    let row = |line: &EntryLine| {
        vec![
            line.label.clone(),
            figure(line.bytes.map(bytes_of)),
            figure(line.segments.map(|segments| segments.to_string())),
            // A directory of which only what is in it is known has no time.
            figure(Some(line.modified_at).filter(|&at| at > 0 || line.kind == "file").map(&mut date)),
            figure(line.sha256.map(|digest| digest.short())),
            shared_with(line),
        ]
    };
    let columns = [
        text_column("name"),
        number_column("size"),
        number_column("segments").gives_way(2),
        text_column("modified").gives_way(1),
        text_column("sha-256").gives_way(3),
        text_column("shared with"),
    ];
    // The column is shown only if something is shared.
    let shown = if lines.iter().all(|line| line.readers.is_empty() && line.uploaders.is_empty()) { 5 } else { 6 };
    Table { columns: columns[..shown].to_vec(), rows: lines.iter().map(row).collect(), empty }
}

/// Returns the users with whom an entry is shared, each once: for uploads too, or for those alone.
fn shared_with(line: &EntryLine) -> String {
    let reader = |user: &String| match line.uploaders.contains(user) {
        true => format!("{user} (reads, uploads)"),
        false => user.clone(),
    };
    let others = line.uploaders.iter().filter(|user| !line.readers.contains(user));
    let all: Vec<String> = line.readers.iter().map(reader).chain(others.map(|user| format!("{user} (uploads)"))).collect();
    all.join(", ")
}
