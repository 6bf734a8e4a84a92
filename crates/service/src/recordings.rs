//! Storage of the recordings of interactive runs: the latest ones are kept in the data directory.

use std::fs;
use std::path::{Path, PathBuf};

use p2p_base::stored_time;

use crate::output::now_unix;

/// Number of recordings that are kept.
const KEPT: usize = 20;
/// Prefix of the names of directories in which a recording is replayed.
pub const REPLAY_PREFIX: &str = ".replay-";

/// Removes the oldest recordings, so that only the latest ones stay. The caller holds the lock of the data directory.
pub fn prune(data_dir: &Path) {
    prune_at(data_dir, now_unix());
}

fn prune_at(data_dir: &Path, now: u64) {
    let known = list(&data_dir.join("recordings"), now);
    for old in known.iter().take(known.len().saturating_sub(KEPT)) {
        // Best effort: an additional recording does no harm.
        let _ = fs::remove_file(old);
    }
}

/// Returns the path for a new recording.
pub fn next(data_dir: &Path) -> PathBuf {
    let directory = data_dir.join("recordings");
    let unix = now_unix();
    let names = (0..).map(|again: u32| directory.join(format!("{unix:012}-{again:02}.p2prec")));
    names.into_iter().find(|path| !path.exists()).unwrap_or_default()
}

/// Returns the recordings, the oldest first. Recordings with a start time in the future, because the clock was set back since,
/// come before all others.
fn list(directory: &Path, now: u64) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "p2prec")).collect();
    let begun = |path: &PathBuf| path.file_stem()?.to_str()?.split('-').next()?.parse().ok();
    found.sort_by_cached_key(|path| (stored_time::order_of(begun(path).unwrap_or_default(), now), path.clone()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that was a year ahead does not make the recordings of that time the latest for a year.
    #[test]
    fn those_that_are_yet_to_come_go_first() {
        let directory = tempfile::tempdir().unwrap();
        let recordings = directory.path().join("recordings");
        fs::create_dir(&recordings).unwrap();
        let path = |at: u64| recordings.join(format!("{at:012}-00.p2prec"));
        let now = 1_795_000_000;
        (0..20).for_each(|n| fs::write(path(now + 365 * 86_400 + n), "").unwrap());
        fs::write(path(now), "").unwrap();
        prune_at(directory.path(), now);
        assert!(path(now).exists() && !path(now + 365 * 86_400).exists() && path(now + 365 * 86_400 + 1).exists());
    }

    #[test]
    fn the_latest_stay() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..KEPT + 3 {
            let path = next(directory.path());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let now = now_unix();
        let before = list(&directory.path().join("recordings"), now);
        prune(directory.path());
        assert_eq!(list(&directory.path().join("recordings"), now), before[3..]);
    }
}
