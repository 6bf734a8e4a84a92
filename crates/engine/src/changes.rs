//! Changes of names: what moves, removals and new directories require of the names that there are, and what they make of them.
//!
//! The simulation carries changes out by these rules, and who foretells them on a copy of the names goes by the same ones. They know
//! nothing of uploads under way, whose names the simulation keeps free besides.

use p2p_store::names::{FileKey, check_length};
use p2p_store::namespace::{DirectoryRecord, Entry, Namespace};
use p2p_store::segment::Sha256Digest;

use crate::error::EngineError;

/// Refuses a key under which something can be stored no more: a file or directory has it, or it is a root.
///
/// # Errors
/// Fails with [`EngineError::NameTaken`].
pub fn require_untaken(names: &Namespace, key: &FileKey) -> Result<(), EngineError> {
    if names.get(key).is_some() || key.is_root() {
        return Err(EngineError::NameTaken { name: key.name.clone() });
    }
    Ok(())
}

/// Refuses a key under which nothing can be stored: one that is taken, or whose directory does not exist.
///
/// # Errors
/// Fails as [`require_untaken`] does, or with [`EngineError::NoDirectory`] or [`EngineError::NotDirectory`].
pub fn require_free(names: &Namespace, key: &FileKey) -> Result<(), EngineError> {
    require_untaken(names, key)?;
    names.missing_parent(key).map_or(Ok(()), |parent| Err(EngineError::without_directory(names, parent)))
}

/// Refuses a key under which no file can be stored. With `replace` it may be that of a file.
///
/// # Errors
/// Fails as [`require_free`] does, or with [`EngineError::IsDirectory`] if a directory would have to be replaced.
pub fn require_storable(names: &Namespace, key: &FileKey, replace: bool) -> Result<(), EngineError> {
    match names.get(key) {
        Some(Entry::File(_)) if replace => Ok(()),
        Some(Entry::Directory(_)) if replace => Err(EngineError::IsDirectory { name: key.name.clone() }),
        _ => require_free(names, key),
    }
}

/// Refuses to copy what is no file, and to a key under which the copy cannot be stored or which is that of the file itself.
///
/// # Errors
/// Fails with [`EngineError::UnknownFile`] or [`EngineError::IsDirectory`] about the source, with [`EngineError::NameTaken`] if both are
/// one file, or as [`require_storable`] does.
pub fn require_copyable(names: &Namespace, from: &FileKey, to: &FileKey, replace: bool) -> Result<(), EngineError> {
    if matches!(known_entry(names, from)?, Entry::Directory(_)) {
        return Err(EngineError::IsDirectory { name: from.name.clone() });
    }
    if from == to {
        return Err(EngineError::NameTaken { name: to.name.clone() });
    }
    require_storable(names, to, replace)
}

/// Refuses to put one entry in the place of another one, as rename(2) does (POSIX.1-2024).
fn require_replaceable(names: &Namespace, entry: &Entry, other: &Entry) -> Result<(), EngineError> {
    let name = || other.key().name.clone();
    match (entry, other) {
        (Entry::File(_), Entry::File(_)) => Ok(()),
        (Entry::File(_), Entry::Directory(_)) => Err(EngineError::IsDirectory { name: name() }),
        (Entry::Directory(_), Entry::File(_)) => Err(EngineError::NotDirectory { name: name() }),
        (Entry::Directory(_), Entry::Directory(_)) => require_removable(names, other.key(), false),
    }
}

/// Returns the file or directory of a key.
///
/// # Errors
/// Fails with [`EngineError::UnknownFile`] if there is none.
pub fn known_entry<'a>(names: &'a Namespace, key: &FileKey) -> Result<&'a Entry, EngineError> {
    names.get(key).ok_or_else(|| EngineError::UnknownFile { file: key.to_string(), nearest: None })
}

/// Refuses to replace or remove anything but a file of the `expected` content, if some is expected.
///
/// # Errors
/// Fails with [`EngineError::UnknownFile`], [`EngineError::IsDirectory`] or [`EngineError::ContentDiffers`].
pub fn require_content(names: &Namespace, key: &FileKey, expected: Option<Sha256Digest>) -> Result<(), EngineError> {
    let Some(expected) = expected else { return Ok(()) };
    match known_entry(names, key)? {
        Entry::File(file) if file.sha256 == expected => Ok(()),
        Entry::File(file) => Err(EngineError::ContentDiffers { name: key.name.clone(), expected, found: file.sha256 }),
        Entry::Directory(_) => Err(EngineError::IsDirectory { name: key.name.clone() }),
    }
}

/// Returns the directories that are missing for one to be there, the outermost first. With `parents` those above it are made too, and
/// one that is there is no error.
///
/// # Errors
/// Fails if the key is taken, or if the directory above is not there or a file.
pub fn directories_to_make(names: &Namespace, key: &FileKey, parents: bool) -> Result<Vec<FileKey>, EngineError> {
    if !parents {
        return require_free(names, key).map(|()| vec![key.clone()]);
    }
    let mut missing: Vec<FileKey> = std::iter::once(key.clone()).chain(key.ancestors()).collect();
    missing.retain(|key| !names.is_directory(key));
    missing.reverse();
    missing.iter().try_for_each(|key| require_untaken(names, key))?;
    Ok(missing)
}

/// Refuses to move a file or a directory, with all that is within it, to a key.
///
/// # Errors
/// Fails if there is nothing, if the new key is taken, within the old one or in a directory that is not there, or if the path of something that
/// is moved would be too long. With `replace` a new key that is taken is refused only where rename(2) refuses it: with
/// [`EngineError::IsDirectory`] (EISDIR) for a file, with [`EngineError::NotDirectory`] (ENOTDIR) or [`EngineError::NotEmpty`] (ENOTEMPTY)
/// for a directory.
pub fn require_movable(names: &Namespace, from: &FileKey, to: &FileKey, replace: bool) -> Result<(), EngineError> {
    let entry = known_entry(names, from)?;
    if to.is_within(from) {
        return Err(EngineError::IntoItself { name: from.name.clone() });
    }
    match names.get(to).filter(|_| replace) {
        Some(_) if from == to => return Ok(()),
        Some(other) => require_replaceable(names, entry, other)?,
        None => require_free(names, to)?,
    }
    // What is in a directory moves with it, and its paths become longer too.
    let mut moved = names.tree(from).filter_map(|entry| entry.key().moved(from, to));
    Ok(moved.try_for_each(|key| check_length(&key.name))?)
}

/// Refuses to remove what is not there, and a directory that is not empty unless all that is within it goes with it.
///
/// # Errors
/// Fails with [`EngineError::UnknownFile`] or [`EngineError::NotEmpty`].
pub fn require_removable(names: &Namespace, key: &FileKey, recursive: bool) -> Result<(), EngineError> {
    let is_directory = matches!(known_entry(names, key)?, Entry::Directory(_));
    if is_directory && !recursive && names.tree(key).nth(1).is_some() {
        return Err(EngineError::NotEmpty { name: key.name.clone() });
    }
    Ok(())
}

/// Adds a directory that was made at a time in seconds since 1970.
pub fn insert_directory(names: &mut Namespace, key: FileKey, made_at: u64) {
    names.insert(Entry::Directory(DirectoryRecord::made(key, made_at)));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use p2p_store::attributes::FILE_MODE;
    use p2p_store::manifest::FileRecord;
    use p2p_store::names::PATH_NAMES_MAX;
    use p2p_store::segment::Sha256Digest;

    use super::*;

    fn key(path: &str) -> FileKey {
        FileKey::new(Some("alice"), path)
    }

    fn file(path: &str) -> Entry {
        Entry::File(FileRecord {
            key: key(path),
            size: 0,
            sha256: Sha256Digest::of(b""),
            segments: 0,
            segment_size: 65_536,
            stored_at: 7,
            modified: 7,
            mode: FILE_MODE,
            readers: BTreeSet::new(),
        })
    }

    fn names(directories: &[&str]) -> Namespace {
        let mut names = Namespace::default();
        directories.iter().for_each(|path| insert_directory(&mut names, key(path), 7));
        names
    }

    #[test]
    fn missing_directories_are_made_from_the_outermost_on() {
        let tree = names(&["a"]);
        let paths = |made: Vec<FileKey>| made.into_iter().map(|key| key.name).collect::<Vec<_>>();
        assert_eq!(directories_to_make(&tree, &key("a/b/c"), true).map(paths), Ok(vec!["a/b".to_owned(), "a/b/c".to_owned()]));
        assert_eq!(directories_to_make(&tree, &key("a/b"), false).map(paths), Ok(vec!["a/b".to_owned()]));
        assert_eq!(directories_to_make(&tree, &key("a"), true), Ok(Vec::new()));
        let refused = |path: &str, parents| directories_to_make(&tree, &key(path), parents).unwrap_err();
        assert_eq!(refused("a", false), EngineError::NameTaken { name: "a".into() });
        assert_eq!(refused("", false), EngineError::NameTaken { name: String::new() });
        assert_eq!(refused("x/y", false), EngineError::NoDirectory { name: "x".into() });
    }

    #[test]
    fn what_is_moved_fits_where_it_goes() {
        let deep = vec!["d"; PATH_NAMES_MAX - 1].join("/");
        let tree = names(&["a", "a/b", "c", &deep]);
        assert_eq!(require_movable(&tree, &key("a"), &key("c/a"), false), Ok(()));
        let refused = |from: &str, to: &str| require_movable(&tree, &key(from), &key(to), false).unwrap_err();
        assert_eq!(refused("a", "a/b/a"), EngineError::IntoItself { name: "a".into() });
        assert_eq!(refused("a", "c"), EngineError::NameTaken { name: "c".into() });
        assert_eq!(refused("a", "x/a"), EngineError::NoDirectory { name: "x".into() });
        assert!(matches!(refused("x", "y"), EngineError::UnknownFile { .. }));
        // The directory fits there, and what is within it does not.
        assert!(matches!(refused("a", &format!("{deep}/a")), EngineError::Name(_)));
    }

    /// The cases of rename(2) in which the new name is taken.
    #[test]
    fn what_is_moved_replaces_its_like_alone() {
        let mut tree = names(&["empty", "full", "full/in"]);
        tree.insert(file("a"));
        tree.insert(file("full/b"));
        let checked = |from: &str, to: &str| require_movable(&tree, &key(from), &key(to), true);
        for (from, to) in
            [("a", "full/b"), ("full/b", "a"), ("full", "empty"), ("full/in", "empty"), ("a", "a"), ("full", "full")]
        {
            assert_eq!(checked(from, to), Ok(()), "{from} to {to}");
        }
        let name = |name: &str| name.to_owned();
        assert_eq!(checked("a", "empty"), Err(EngineError::IsDirectory { name: name("empty") }));
        assert_eq!(checked("empty", "a"), Err(EngineError::NotDirectory { name: name("a") }));
        assert_eq!(checked("empty", "full"), Err(EngineError::NotEmpty { name: name("full") }));
        assert_eq!(checked("full/in", "full"), Err(EngineError::NotEmpty { name: name("full") }));
        assert_eq!(checked("full", "full/in"), Err(EngineError::IntoItself { name: name("full") }));
        assert_eq!(checked("empty", ""), Err(EngineError::NameTaken { name: String::new() }));
    }

    #[test]
    fn what_is_copied_is_a_file_and_replaces_files_alone() {
        let mut tree = names(&["d"]);
        tree.insert(file("a"));
        tree.insert(file("d/b"));
        let checked = |from: &str, to: &str, replace| require_copyable(&tree, &key(from), &key(to), replace);
        assert_eq!((checked("a", "c", false), checked("a", "d/b", true)), (Ok(()), Ok(())));
        let taken = |name: &str| Err(EngineError::NameTaken { name: name.to_owned() });
        assert_eq!((checked("a", "d/b", false), checked("a", "a", true)), (taken("d/b"), taken("a")));
        assert_eq!(checked("a", "d", true), Err(EngineError::IsDirectory { name: "d".into() }));
        assert_eq!(checked("d", "c", true), Err(EngineError::IsDirectory { name: "d".into() }));
        assert_eq!(checked("a", "x/c", true), Err(EngineError::NoDirectory { name: "x".into() }));
        assert!(matches!(checked("x", "c", true), Err(EngineError::UnknownFile { .. })));
    }

    #[test]
    fn what_is_removed_is_there_and_empty() {
        let tree = names(&["a", "a/b"]);
        assert_eq!(require_removable(&tree, &key("a/b"), false), Ok(()));
        assert_eq!(require_removable(&tree, &key("a"), true), Ok(()));
        assert_eq!(require_removable(&tree, &key("a"), false), Err(EngineError::NotEmpty { name: "a".into() }));
        assert!(matches!(require_removable(&tree, &key("x"), true), Err(EngineError::UnknownFile { .. })));
    }
}
