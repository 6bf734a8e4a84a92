//! Floor 4: where the recordings of interactive sessions are kept: the latest ones, in the data directory. Knows nothing of what
//! is in them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::output::now_unix;

/// How many are kept.
const KEPT: usize = 20;

/// Removes the oldest recordings, so that no more than the latest ones stay. For whoever holds the data directory.
pub fn prune(data_dir: &Path) {
    let known = list(&data_dir.join("recordings"));
    for old in known.iter().take(known.len().saturating_sub(KEPT)) {
        // Best effort: one more than wanted does no harm.
        let _ = fs::remove_file(old);
    }
}

/// The path of a new recording.
pub fn next(data_dir: &Path) -> PathBuf {
    let directory = data_dir.join("recordings");
    let unix = now_unix();
    let names = (0..).map(|again: u32| directory.join(format!("{unix:012}-{again:02}.p2prec")));
    names.into_iter().find(|path| !path.exists()).unwrap_or_default()
}

/// The recordings, oldest first.
fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "p2prec")).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_stay() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..KEPT + 3 {
            let path = next(directory.path());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let before = list(&directory.path().join("recordings"));
        prune(directory.path());
        assert_eq!(list(&directory.path().join("recordings")), before[3..]);
    }
}
