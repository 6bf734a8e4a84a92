//! Files and directories as JSON: the entries of lists, and what is told of one after a change.

use p2p_service::access::Identity;
use p2p_service::files::{DIRECTORY_MODE, Entry, FileKey};
use serde::Serialize;
use utoipa::ToSchema;

use super::User;
use super::mode::Mode;
use crate::problem::Problem;

/// Content of a file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "a body as the description has it; bodies are streams")]
pub(in crate::api) struct FileContent(Vec<u8>);

/// Kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum EntryKind {
    File,
    Directory,
}

/// File or directory as its reader may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FileEntry {
    /// Last name of the path; empty for a root.
    name: String,
    /// Path as the reader calls it: `docs/a.txt`, `~alice/docs/a.txt`; `.` is the reader's root.
    path: String,
    /// Kind of the entry.
    kind: EntryKind,
    /// Number, which it keeps under every name; null for a root, and for a directory of which only what is in it is known.
    id: Option<u64>,
    /// Size in bytes; null for a directory.
    size_bytes: Option<u64>,
    /// SHA-256 of the content in hexadecimal; null for a directory.
    sha256: Option<String>,
    /// Last modification, in seconds since 1970; null if it is not known.
    modified: Option<u64>,
    /// Time of storing, in seconds since 1970; null if it is not known.
    created: Option<u64>,
    /// Name of the owner.
    owner: Option<String>,
    /// Permission bits as four octal digits, such as `0644`, which are kept and shown and allow nothing.
    #[schema(value_type = String, pattern = "^[0-7]{4}$")]
    mode: Mode,
    /// Users other than the owner who may read it, as far as the reader may know of them.
    shared_with: Vec<String>,
    /// Users other than the owner who may store new files in the directory, as far as the reader may know of them; none of a file.
    uploads_from: Vec<String>,
    /// Number of segments; null for a directory.
    segments: Option<u32>,
}

impl FileEntry {
    fn new(identity: &Identity, entry: &Entry, id: Option<u64>) -> FileEntry {
        let key = entry.key();
        let known = FileEntry {
            name: key.last_name().to_owned(),
            path: identity.label(key),
            kind: EntryKind::Directory,
            id,
            size_bytes: None,
            sha256: None,
            modified: entry.attributes().modified,
            created: None,
            owner: key.owner.clone(),
            mode: Mode(entry.attributes().mode.unwrap_or(DIRECTORY_MODE)),
            shared_with: entry.readers().iter().cloned().collect(),
            uploads_from: entry.uploaders().into_iter().flatten().cloned().collect(),
            segments: None,
        };
        match entry {
            Entry::File(file) => FileEntry {
                kind: EntryKind::File,
                size_bytes: Some(file.size),
                sha256: Some(file.sha256.to_string()),
                created: Some(file.stored_at),
                segments: Some(file.segments),
                ..known
            },
            // A directory of which only what is in it is known was made at no time.
            Entry::Directory(directory) => {
                let created = Some(directory.made_at).filter(|&at| at > 0);
                FileEntry { created, modified: known.modified.filter(|_| created.is_some()), ..known }
            }
        }
    }

    /// Returns the root of the user's own tree, which is there without an entry.
    pub(super) fn root(identity: &Identity) -> FileEntry {
        FileEntry {
            name: String::new(),
            path: ".".to_owned(),
            kind: EntryKind::Directory,
            id: None,
            size_bytes: None,
            sha256: None,
            modified: None,
            created: None,
            owner: identity.name().map(str::to_owned),
            mode: Mode(DIRECTORY_MODE),
            shared_with: Vec::new(),
            uploads_from: Vec::new(),
            segments: None,
        }
    }
}

impl User {
    /// Returns entries as JSON has them, with their numbers.
    pub(super) async fn described(&self, entries: &[Entry]) -> Result<Vec<FileEntry>, Problem> {
        let numbers = self.access.numbers(entries.iter().map(|entry| entry.key().clone()).collect()).await?;
        Ok(entries.iter().zip(numbers).map(|(entry, id)| FileEntry::new(&self.identity, entry, id)).collect())
    }

    /// Returns the file or the directory of this key as JSON has it.
    pub(super) async fn described_at(&self, key: &FileKey) -> Result<FileEntry, Problem> {
        if key.is_root() && key.owner.as_deref() == self.identity.name() {
            return Ok(FileEntry::root(&self.identity));
        }
        let entry = self.access.known_entry(&self.identity, &self.identity.label(key)).await?;
        self.described_one(&entry).await
    }

    /// Returns an entry as JSON has it.
    pub(super) async fn described_one(&self, entry: &Entry) -> Result<FileEntry, Problem> {
        let described = self.described(std::slice::from_ref(entry)).await?;
        described.into_iter().next().ok_or_else(Problem::internal)
    }
}
