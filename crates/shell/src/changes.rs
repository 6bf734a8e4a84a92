//! Changes of names as commands are about to make them, on a copy of what is stored: what the engine would refuse is refused here by the
//! same [rules](p2p_engine::changes), before anything has begun, and what it would do is there for the checks of what comes after.

use p2p_engine::EngineError;
use p2p_engine::changes::{directories_to_make, insert_directory, require_copyable, require_movable, require_removable};
use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;
use p2p_store::namespace::{Entry, Namespace};

/// Makes a directory; with `parents` those above it too, and one that is there is no error.
///
/// # Errors
/// Fails as [`directories_to_make`] does.
pub(crate) fn make_directory(names: &mut Namespace, key: &FileKey, parents: bool) -> Result<(), EngineError> {
    let made = directories_to_make(names, key, parents)?;
    made.into_iter().for_each(|key| insert_directory(names, key, 0));
    Ok(())
}

/// Moves what is stored under a key, with all that is within it; with `replace` to the place of its like.
///
/// # Errors
/// Fails as [`require_movable`] does.
pub(crate) fn rename(names: &mut Namespace, from: &FileKey, to: &FileKey, replace: bool) -> Result<(), EngineError> {
    require_movable(names, from, to, replace)?;
    names.rename(from, to);
    Ok(())
}

/// Copies a file; with `replace` to the place of another one.
///
/// # Errors
/// Fails as [`require_copyable`] does.
pub(crate) fn copy(names: &mut Namespace, from: &FileKey, to: &FileKey, replace: bool) -> Result<(), EngineError> {
    require_copyable(names, from, to, replace)?;
    if let Some(file) = names.file(from).cloned() {
        names.insert(Entry::File(FileRecord { key: to.clone(), ..file }));
    }
    Ok(())
}

/// Removes a file or an empty directory; with `recursive` a directory with all that is within it.
///
/// # Errors
/// Fails as [`require_removable`] does.
pub(crate) fn remove(names: &mut Namespace, key: &FileKey, recursive: bool) -> Result<(), EngineError> {
    require_removable(names, key, recursive)?;
    names.remove_tree(key);
    Ok(())
}
