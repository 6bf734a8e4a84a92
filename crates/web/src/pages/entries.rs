//! Files and directories as rows of a list, with what may be done with each.

use std::collections::BTreeSet;

use p2p_base::spelling::visible;
use p2p_service::access::{AccessError, Identity};
use p2p_service::event_words::{bytes_of, date_of};
use p2p_service::files::Entry;

use super::frame::Visitor;
use super::links;

/// Characters of a digest that a list shows; the whole is on the page of the file.
const DIGEST_SHOWN: usize = 12;

/// Row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Name in its directory, with characters made visible that could disguise it as another.
    pub(super) name: String,
    /// Path by which forms name the entry.
    pub(super) path: String,
    /// Page of the entry.
    pub(super) href: String,
    /// Link to the content; empty for a directory.
    pub(super) content: String,
    pub(super) is_directory: bool,
    /// Size in words; empty for a directory.
    pub(super) size: String,
    pub(super) bytes: u64,
    /// Digest of the content in hexadecimal digits; empty for a directory.
    pub(super) sha256: String,
    /// Time of the last modification.
    pub(super) modified: String,
    /// Users with whom the entry itself is shared, as one text.
    pub(super) shared_with: String,
    /// True if the user has a link to it, by which whoever has that may read it.
    pub(super) has_link: bool,
    /// Owner, if it is another user.
    pub(super) owner: String,
    /// Kind by the end of the name, for its picture: `directory`, `image`, `audio`, `video`, `text` or `file`.
    pub(super) kind: &'static str,
}

impl Row {
    /// Returns the row of an entry that the user may read.
    pub(super) fn of(identity: &Identity, entry: &Entry) -> Row {
        let key = entry.key();
        let path = links::path_of(identity, key);
        let (is_directory, bytes, sha256) = match entry {
            Entry::Directory(_) => (true, 0, String::new()),
            Entry::File(file) => (false, file.size, file.sha256.to_string()),
        };
        let is_own = key.owner.as_deref() == identity.name();
        let last_name = if key.is_root() { path.as_str() } else { key.last_name() };
        Row {
            name: visible(last_name).into_owned(),
            href: links::page(&path),
            content: if is_directory { String::new() } else { links::content(&path) },
            is_directory,
            size: if is_directory { String::new() } else { bytes_of(bytes) },
            bytes,
            sha256,
            modified: entry.attributes().modified.map(date_of).unwrap_or_default(),
            shared_with: shared_with(entry),
            has_link: false,
            owner: key.owner.clone().filter(|_| !is_own).unwrap_or_default(),
            kind: if is_directory { "directory" } else { kind_of(key.last_name()) },
            path,
        }
    }

    /// Returns the row with whether the user has a link to its entry.
    pub(super) fn linked(self, entry: &Entry, links: &BTreeSet<String>) -> Row {
        let has_link = self.owner.is_empty() && entry.key().owner.is_some() && links.contains(&entry.key().name);
        Row { has_link, ..self }
    }

    /// Returns the first characters of the digest.
    pub(super) fn digest(&self) -> &str {
        self.sha256.get(..DIGEST_SHOWN).unwrap_or(&self.sha256)
    }
}

/// Returns the users with whom an entry is shared, and for what where that is not reading alone.
fn shared_with(entry: &Entry) -> String {
    let (readers, uploaders) = (entry.readers(), entry.uploaders());
    let may_store = |user: &String| uploaders.is_some_and(|uploaders| uploaders.contains(user));
    let reading = readers.iter().map(|user| if may_store(user) { format!("{user} (reads, stores)") } else { user.clone() });
    let storing =
        uploaders.into_iter().flatten().filter(|user| !readers.contains(*user)).map(|user| format!("{user} (only stores)"));
    reading.chain(storing).collect::<Vec<_>>().join(", ")
}

/// Returns the paths of the user's own files and directories to which there are links. The links of a user are for sessions to know of.
pub(super) async fn linked_paths(visitor: &Visitor) -> Result<BTreeSet<String>, AccessError> {
    match visitor.identity.token() {
        Some(_) => Ok(BTreeSet::new()),
        None => Ok(visitor.access.links().await?.into_iter().map(|link| link.path).collect()),
    }
}

/// Returns the kind of a file by the end of its name. A picture in a list depends on it, and nothing else: the content decides how it is
/// shown.
pub(super) fn kind_of(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    match end.as_str() {
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "bmp" | "ico" => "image",
        "mp3" | "ogg" | "oga" | "opus" | "flac" | "wav" | "m4a" => "audio",
        "mp4" | "webm" | "ogv" | "mov" | "mkv" => "video",
        "pdf" => "pdf",
        "txt" | "md" | "log" | "csv" | "tsv" | "json" | "toml" | "yaml" | "yml" | "xml" | "ini" | "conf" | "rs" | "py" | "c"
        | "h" | "js" | "ts" | "css" | "html" | "sh" | "svg" => "text",
        _ => "file",
    }
}
