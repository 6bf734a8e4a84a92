//! Changes of names as commands are about to make them, on a copy of what is stored: what the engine would refuse is refused here, before
//! anything has begun, and what it would do is there for the checks of what comes after.

use p2p_engine::EngineError;
use p2p_store::names::FileKey;
use p2p_store::namespace::{DirectoryRecord, Entry, Namespace};

/// Refuses a key under which something is stored, or in a directory that is not there.
///
/// # Errors
/// Fails with the reason.
pub(crate) fn require_free(names: &Namespace, key: &FileKey) -> Result<(), EngineError> {
    if names.get(key).is_some() {
        return Err(EngineError::NameTaken { name: key.name.clone() });
    }
    match names.missing_parent(key) {
        Some(parent) => Err(EngineError::without_directory(names, parent)),
        None => Ok(()),
    }
}

/// Makes a directory; with `parents` those above it too, and one that is there is no error.
///
/// # Errors
/// Fails if the name is taken, or if the directory above is not there.
pub(crate) fn make_directory(names: &mut Namespace, key: &FileKey, parents: bool) -> Result<(), EngineError> {
    if !parents {
        require_free(names, key)?;
    }
    let above = key.ancestors().filter(|above| !above.is_root());
    let missing: Vec<FileKey> = std::iter::once(key.clone()).chain(above).filter(|key| !names.is_directory(key)).collect();
    if let Some(file) = missing.iter().find(|key| names.get(key).is_some()) {
        return Err(EngineError::NameTaken { name: file.name.clone() });
    }
    for key in missing {
        names.insert(Entry::Directory(DirectoryRecord { key, made_at: 0, readers: Default::default() }));
    }
    Ok(())
}

/// Moves what is stored under a key, with all that is within it.
///
/// # Errors
/// Fails if there is nothing, or if the new key is taken, within the old one, or in a directory that is not there.
pub(crate) fn rename(names: &mut Namespace, from: &FileKey, to: &FileKey) -> Result<(), EngineError> {
    require_known(names, from)?;
    if to.is_within(from) {
        return Err(EngineError::IntoItself { name: from.name.clone() });
    }
    require_free(names, to)?;
    names.rename(from, to);
    Ok(())
}

/// Removes a file or an empty directory; with `recursive` a directory with all that is within it.
///
/// # Errors
/// Fails if there is nothing, or if the directory is not empty.
pub(crate) fn remove(names: &mut Namespace, key: &FileKey, recursive: bool) -> Result<(), EngineError> {
    require_known(names, key)?;
    if !recursive && names.is_directory(key) && names.tree(key).nth(1).is_some() {
        return Err(EngineError::NotEmpty { name: key.name.clone() });
    }
    names.remove_tree(key);
    Ok(())
}

fn require_known(names: &Namespace, key: &FileKey) -> Result<(), EngineError> {
    match names.tree(key).next() {
        Some(_) => Ok(()),
        None => Err(EngineError::UnknownFile { file: key.to_string(), nearest: None }),
    }
}
