//! A file as the network knows it: its name, its fingerprint, its segments and who holds them.
//!
//! Knows nothing of bytes on disks or of databases.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::segment::{SegmentId, Sha256Digest};
use crate::spelling::{composed, hidden_character};

/// The longest file name, in bytes: what common file systems allow.
const NAME_BYTES_MAX: usize = 255;

/// A name that no file may have, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// No name at all.
    #[error("a file name cannot be empty")]
    Empty,
    /// Longer than file systems allow.
    #[error("the name has {bytes} bytes; at most {NAME_BYTES_MAX} are allowed")]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// It would name a directory.
    #[error("`{name}` names a directory, not a file")]
    Directory {
        /// The name.
        name: String,
    },
    /// It has a character that would lead elsewhere or upset a terminal.
    #[error(
        "the name {name:?} contains {character:?}; `/`, `\\`, control characters and what else cannot be seen are not allowed"
    )]
    Character {
        /// The name.
        name: String,
        /// The character.
        character: char,
    },
}

/// Names a node of the network, from 1 on: `Node_01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeNumber(NonZeroU16);

impl NodeNumber {
    /// The node whose place in the list of nodes is `index`, from 0.
    pub const fn from_index(index: usize) -> NodeNumber {
        NodeNumber(NonZeroU16::MIN.saturating_add(index as u16))
    }

    /// Its place in the list of nodes, from 0.
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// `Node_01`.
impl std::fmt::Display for NodeNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("Node_{:02}", self.0))
    }
}

/// One segment of a stored file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// Its name.
    pub id: SegmentId,
    /// Its length in bytes.
    pub len: u32,
    /// The nodes that hold it.
    pub holders: Vec<NodeNumber>,
}

/// Names a stored file: whose it is, and what its owner calls it. Files of different owners may have one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileKey {
    /// The owner's user name; none for what is stored while nobody has an account.
    pub owner: Option<String>,
    /// The file's name.
    pub name: String,
}

impl FileKey {
    /// A file of this owner, or of nobody.
    pub fn new(owner: Option<&str>, name: &str) -> FileKey {
        FileKey { owner: owner.map(str::to_owned), name: name.to_owned() }
    }

    /// A file that belongs to nobody.
    pub fn unowned(name: &str) -> FileKey {
        FileKey::new(None, name)
    }
}

/// `alice/video.bin`, or `video.bin` where it is nobody's. No name of a file or a user has a `/`.
impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Some(owner) => f.pad(&format!("{owner}/{}", self.name)),
            None => f.pad(&self.name),
        }
    }
}

/// Reads what `Display` writes.
impl FromStr for FileKey {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<FileKey, Self::Err> {
        Ok(match text.split_once('/') {
            Some((owner, name)) => FileKey::new(Some(owner), name),
            None => FileKey::unowned(text),
        })
    }
}

/// What a list of files shows of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Whose it is, and its name.
    pub key: FileKey,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of all of it.
    pub sha256: Sha256Digest,
    /// How many segments it has.
    pub segments: u32,
    /// How many bytes a full segment of it has.
    pub segment_size: u32,
    /// When it was stored: seconds since 1970 by the wall clock of the machine.
    pub stored_at: u64,
    /// The users who may read it beside its owner.
    pub readers: BTreeSet<String>,
}

/// A stored file, whole: what is needed to get it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What a list shows.
    pub file: FileRecord,
    /// Its segments, in order.
    pub segments: Vec<SegmentRecord>,
}

impl Manifest {
    /// Every holder and the segments that it holds for this file, each named once, in the order of the nodes.
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

/// The name under which a file is stored that is to be called `name`: composed (Normalization Form C), so that no other looks like it but
/// is made of other characters.
///
/// # Errors
/// As for [`check_name`].
pub fn stored_name(name: &str) -> Result<String, NameError> {
    let name = composed(name).into_owned();
    check_name(&name).map(|()| name)
}

/// Checks that a file may have this name: it can be created in any directory under it, shown on any terminal, and told from others.
///
/// # Errors
/// Where it is empty, too long, a directory's, or has `/`, `\`, or characters that cannot be seen or upset how others are shown.
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
