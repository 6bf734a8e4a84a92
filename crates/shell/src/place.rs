//! Paths of this machine as a user types them, and the places to which stored files are fetched.

use std::path::PathBuf;

use p2p_store::names::FileKey;

/// Returns the path to which a file is fetched: below `wanted` if that is a directory, `wanted` itself otherwise, or the file's
/// own name in the current directory if no path is given.
pub fn place_of(file: &FileKey, wanted: Option<PathBuf>) -> PathBuf {
    match wanted {
        Some(directory) if directory.is_dir() => directory.join(file.last_name()),
        Some(path) => path,
        None => expand(file.last_name()),
    }
}

/// Expands `~/` to the home directory, and makes the path absolute, so that a recording can be replayed from any directory.
pub fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)),
    }
}
