//! The description of a stored file: its name, its fingerprint, its segments and their holders. Independent of the bytes on disks
//! and of the database.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use p2p_base::spelling::{composed, hidden_character};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::segment::{SegmentId, Sha256Digest};

/// Length of the longest file name in bytes, the limit of common file systems.
const NAME_BYTES_MAX: usize = 255;

/// Reason why a file name is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// The name is empty.
    #[error("a file name cannot be empty")]
    Empty,
    /// The name is longer than file systems allow.
    #[error("the name has {bytes} bytes; at most {NAME_BYTES_MAX} are allowed")]
    TooLong {
        /// Length of the name in bytes.
        bytes: usize,
    },
    /// The name would denote a directory.
    #[error("`{name}` names a directory, not a file")]
    Directory {
        /// Name that was refused.
        name: String,
    },
    /// The name has a character that would separate paths, or that disturbs a terminal or cannot be seen.
    #[error(
        "the name {name:?} contains {character:?}; `/`, `\\`, control characters and what else cannot be seen are not allowed"
    )]
    Character {
        /// Name that was refused.
        name: String,
        /// First character that is not allowed.
        character: char,
    },
}

/// Number of a node of the network, counted from 1 and written `Node_01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeNumber(NonZeroU16);

impl NodeNumber {
    /// Makes the number of the node at position `index` of the list of nodes, counted from 0.
    pub const fn from_index(index: usize) -> NodeNumber {
        NodeNumber(NonZeroU16::MIN.saturating_add(index as u16))
    }

    /// Returns the position of the node in the list of nodes, counted from 0.
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Writes the number with at least two digits, as in `Node_01`.
impl std::fmt::Display for NodeNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("Node_{:02}", self.0))
    }
}

/// One segment of a stored file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// Name of the segment, the digest of its bytes.
    pub id: SegmentId,
    /// Length of the segment in bytes.
    pub len: u32,
    /// Nodes that hold the segment.
    pub holders: Vec<NodeNumber>,
}

/// Key of a stored file: its owner and its name. Files of different owners may have the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileKey {
    /// User name of the owner; `None` for files stored while no account exists.
    pub owner: Option<String>,
    /// Name of the file.
    pub name: String,
}

impl FileKey {
    /// Makes the key of a file of this owner, or of a file without an owner.
    pub fn new(owner: Option<&str>, name: &str) -> FileKey {
        FileKey { owner: owner.map(str::to_owned), name: name.to_owned() }
    }

    /// Makes the key of a file without an owner.
    pub fn unowned(name: &str) -> FileKey {
        FileKey::new(None, name)
    }
}

/// Writes `alice/video.bin`, or `video.bin` for a file without an owner. Neither file names nor user names contain a `/`.
impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Some(owner) => f.pad(&format!("{owner}/{}", self.name)),
            None => f.pad(&self.name),
        }
    }
}

/// Parses the text that `Display` writes.
impl FromStr for FileKey {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<FileKey, Self::Err> {
        Ok(match text.split_once('/') {
            Some((owner, name)) => FileKey::new(Some(owner), name),
            None => FileKey::unowned(text),
        })
    }
}

/// Entry of a file in a list of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Owner and name of the file.
    pub key: FileKey,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 digest of the whole file.
    pub sha256: Sha256Digest,
    /// Number of segments of the file.
    pub segments: u32,
    /// Length of a full segment of the file in bytes.
    pub segment_size: u32,
    /// Time at which the file was stored, in seconds since 1970 by the wall clock of the machine.
    pub stored_at: u64,
    /// Users other than the owner who may read the file.
    pub readers: BTreeSet<String>,
}

/// Complete description of a stored file, sufficient to fetch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Entry of the file in a list of files.
    pub file: FileRecord,
    /// Segments of the file, in order.
    pub segments: Vec<SegmentRecord>,
}

impl Manifest {
    /// Returns every holder with the segments that it holds for this file, each listed once, in the order of the nodes.
    pub fn by_holder(&self) -> std::collections::BTreeMap<NodeNumber, Vec<SegmentId>> {
        let mut holders = std::collections::BTreeMap::<NodeNumber, Vec<SegmentId>>::new();
        for segment in &self.segments {
            for &holder in &segment.holders {
                holders.entry(holder).or_default().push(segment.id);
            }
        }
        for ids in holders.values_mut() {
            ids.sort_unstable();
            ids.dedup();
        }
        holders
    }
}

/// Returns the name under which a file called `name` is stored: composed (Normalization Form C), so that two names that look
/// alike are not made of different characters.
///
/// # Errors
/// Fails like [`check_name`].
pub fn stored_name(name: &str) -> Result<String, NameError> {
    let name = composed(name).into_owned();
    check_name(&name).map(|()| name)
}

/// Checks that a file may have this name: a file of that name can be created in any directory, the name can be shown on any
/// terminal, and it can be told from others.
///
/// # Errors
/// Fails if the name is empty, too long or that of a directory, or if it contains `/`, `\`, or characters that cannot be seen or
/// that disturb the display of others.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name == "." || name == ".." {
        return Err(NameError::Directory { name: name.to_owned() });
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { bytes: name.len() });
    }
    let separator = name.chars().find(|c| matches!(c, '/' | '\\'));
    match separator.or(hidden_character(name).map(|(_, hidden)| hidden)) {
        Some(character) => Err(NameError::Character { name: name.to_owned(), character }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let (longest, too_long) = ("x".repeat(255), "x".repeat(300));
        for name in
            ["a.bin", "Ærø 2024 (final).pdf", "..hidden", "-", "日本語.txt", "\u{1f469}\u{200d}\u{1f4bb}.md", " a", &longest]
        {
            assert_eq!(stored_name(name).as_deref(), Ok(name), "{name}");
        }
        assert_eq!(stored_name("cafe\u{301}").as_deref(), Ok("caf\u{e9}"));
        let paths = ["", ".", "..", "a/b", "../etc/passwd", "a\\b", &too_long];
        let unseen =
            ["a\nb", "a\0b", "a\u{1b}[2J", "a\u{202e}fdp.exe", "a\u{200b}", "\u{feff}a", "a\u{200d}b", "a\u{ad}b", "\u{3164}"];
        for name in paths.into_iter().chain(unseen) {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(check_name("a/b").unwrap_err().to_string().contains("'/'"));
    }

    #[test]
    fn keys_read_what_they_write() {
        for (text, key) in [("alice/a.bin", FileKey::new(Some("alice"), "a.bin")), ("a.bin", FileKey::unowned("a.bin"))] {
            assert_eq!((key.to_string().as_str(), text.parse()), (text, Ok(key)));
        }
    }

    #[test]
    fn nodes_are_numbered_from_one() {
        assert_eq!(NodeNumber::from_index(0).to_string(), "Node_01");
        assert_eq!(NodeNumber::from_index(4).index(), 4);
    }
}
