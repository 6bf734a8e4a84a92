//! Names of files and directories: which are allowed, and the paths that they form. Independent of what is stored under them.
//!
//! Each user has a tree of directories, and the files without an owner have one. A path leads from the root of such a tree to a
//! file or a directory, with `/` between the names, as in POSIX; the root itself has the empty path.

use std::fmt;

use p2p_base::spelling::{composed, hidden_character, visible_path};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Length of the longest name of a file or directory in bytes, the limit of common file systems (`NAME_MAX` of Linux).
const NAME_BYTES_MAX: usize = 255;
/// Length of the longest path in bytes, the limit of Linux (`PATH_MAX`) without its final zero byte.
pub const PATH_BYTES_MAX: usize = 4095;
/// Number of names in the longest path.
pub const PATH_NAMES_MAX: usize = 64;

/// Reason why a name or a path is not allowed.
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
    /// The path is longer than file systems allow, or has too many directories.
    #[error(
        "the path has {bytes} bytes and {names} names; at most {PATH_BYTES_MAX} bytes and {PATH_NAMES_MAX} names are allowed"
    )]
    TooDeep {
        /// Length of the path in bytes.
        bytes: usize,
        /// Number of names in the path.
        names: usize,
    },
    /// The name would denote a directory.
    #[error("`{name}` names a directory, not a file")]
    Directory {
        /// Name that was refused.
        name: String,
    },
    /// The name has a character that would separate paths, or that disturbs a terminal or cannot be seen.
    #[error(
        "the name `{}` contains '{}'; `/`, `\\`, control characters and what else cannot be seen are not allowed",
        visible_path(name),
        shown(*character)
    )]
    Character {
        /// Name that was refused.
        name: String,
        /// First character that is not allowed.
        character: char,
    },
}

/// Key of a stored file or a directory: its owner and its path. Files of different owners may have the same path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileKey {
    /// User name of the owner; `None` for files stored while no account exists.
    pub owner: Option<String>,
    /// Path of the file below the root of its owner's tree; empty for the root itself.
    pub name: String,
}

/// Returns a character that is not allowed as messages show it.
fn shown(character: char) -> String {
    if matches!(character, '/' | '\\') { character.to_string() } else { character.escape_unicode().to_string() }
}

impl FileKey {
    /// Makes the key of a path in the tree of this owner, or in the tree without an owner.
    pub fn new(owner: Option<&str>, path: &str) -> FileKey {
        FileKey { owner: owner.map(str::to_owned), name: path.to_owned() }
    }

    /// Makes the key of a path in the tree without an owner.
    pub fn unowned(path: &str) -> FileKey {
        FileKey::new(None, path)
    }

    /// Returns true for the root of a tree.
    pub const fn is_root(&self) -> bool {
        self.name.is_empty()
    }

    /// Returns the key of the directory that the file or directory is in; `None` for a root.
    pub fn parent(&self) -> Option<FileKey> {
        let parent = self.name.rsplit_once('/').map_or("", |(parent, _)| parent);
        (!self.is_root()).then(|| FileKey { owner: self.owner.clone(), name: parent.to_owned() })
    }

    /// Returns the name within its directory: the last one of the path.
    pub fn last_name(&self) -> &str {
        self.name.rsplit_once('/').map_or(self.name.as_str(), |(_, name)| name)
    }

    /// Returns the key of `name` in this directory.
    #[must_use]
    pub fn child(&self, name: &str) -> FileKey {
        let path = if self.is_root() { name.to_owned() } else { format!("{}/{name}", self.name) };
        FileKey { owner: self.owner.clone(), name: path }
    }

    /// Returns the directories that the file or directory is in, the nearest first and the root last.
    pub fn ancestors(&self) -> impl Iterator<Item = FileKey> {
        std::iter::successors(self.parent(), FileKey::parent)
    }

    /// Returns true if the file or directory is in `directory` or in a directory below it.
    pub fn is_within(&self, directory: &FileKey) -> bool {
        self.owner == directory.owner && self != directory && self.path_below(directory).is_some()
    }

    /// Returns the key that results if the directory `from` becomes `to`: for `from` itself and for what is within it.
    pub fn moved(&self, from: &FileKey, to: &FileKey) -> Option<FileKey> {
        if self == from {
            return Some(to.clone());
        }
        let below = self.path_below(from).filter(|_| self.owner == from.owner)?;
        Some(to.child(below))
    }

    /// Returns the path from `directory` on.
    fn path_below(&self, directory: &FileKey) -> Option<&str> {
        match directory.name.as_str() {
            "" => Some(self.name.as_str()).filter(|path| !path.is_empty()),
            path => self.name.strip_prefix(path)?.strip_prefix('/'),
        }
    }
}

/// Writes `~alice/docs/video.bin`, or `docs/video.bin` for a file without an owner. The root is written `~alice/`, or `/`.
impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Some(owner) => f.pad(&format!("~{owner}/{}", self.name)),
            None if self.is_root() => f.pad("/"),
            None => f.pad(&self.name),
        }
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

/// Returns the path under which a file or directory is stored: each of its names as [`stored_name`] gives it.
///
/// # Errors
/// Fails like [`check_name`] for any of the names, or if the path is too long or has too many names.
pub fn stored_path(path: &str) -> Result<String, NameError> {
    let names: Vec<String> = path.split('/').map(stored_name).collect::<Result<_, _>>()?;
    let path = names.join("/");
    check_length(&path).map(|()| path)
}

/// Checks that a path is not too long and has not too many names.
///
/// # Errors
/// Fails with [`NameError::TooDeep`] otherwise.
pub fn check_length(path: &str) -> Result<(), NameError> {
    match (path.len(), path.split('/').count()) {
        (bytes, names) if bytes > PATH_BYTES_MAX || names > PATH_NAMES_MAX => Err(NameError::TooDeep { bytes, names }),
        _ => Ok(()),
    }
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
        // The name is spelled as the path of its file is.
        let said = |name| check_name(name).unwrap_err().to_string();
        assert!(said("a\n\u{1b}").starts_with("the name `a\\u{a}\\u{1b}` contains '\\u{a}'"), "{}", said("a\n\u{1b}"));
        assert!(said("ce\\u0301").starts_with("the name `ce\\u0301` contains '\\'"), "{}", said("ce\\u0301"));
    }

    #[test]
    fn paths_consist_of_names_and_have_bounds() {
        assert_eq!(stored_path("docs/cafe\u{301}/a.bin").as_deref(), Ok("docs/caf\u{e9}/a.bin"));
        for path in ["", "/", "/a", "a/", "a//b", "a/../b", "./a", "a/\u{202e}b"] {
            assert!(stored_path(path).is_err(), "{path:?}");
        }
        let deepest = vec!["a"; PATH_NAMES_MAX].join("/");
        assert!(stored_path(&deepest).is_ok() && stored_path(&format!("{deepest}/a")).is_err());
        let longest = vec!["x".repeat(255); 17].join("/");
        assert!(matches!(stored_path(&longest), Err(NameError::TooDeep { .. })));
    }

    #[test]
    fn keys_know_their_directories() {
        let key = FileKey::new(Some("alice"), "docs/2024/a.bin");
        let ancestors: Vec<String> = key.ancestors().map(|key| key.to_string()).collect();
        assert_eq!(ancestors, ["~alice/docs/2024", "~alice/docs", "~alice/"]);
        assert_eq!((key.last_name(), key.parent().unwrap().child("a.bin") == key), ("a.bin", true));
        let docs = FileKey::new(Some("alice"), "docs");
        assert!(key.is_within(&docs) && key.is_within(&FileKey::new(Some("alice"), "")));
        for other in ["doc", "docs/2024/a.bin", "docs/2024/a"] {
            assert!(!key.is_within(&FileKey::new(Some("alice"), other)), "{other}");
        }
        assert!(!key.is_within(&FileKey::unowned("docs")) && !docs.is_within(&docs));
        let old = FileKey::new(Some("alice"), "old");
        assert_eq!(key.moved(&docs, &old).unwrap().name, "old/2024/a.bin");
        assert_eq!((docs.moved(&docs, &old), old.moved(&docs, &old)), (Some(old.clone()), None));
        assert_eq!(FileKey::unowned("").to_string(), "/");
    }
}
