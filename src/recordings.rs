//! Floor 4: where the recordings of interactive sessions are kept: the latest ones, in the data directory. Knows nothing of what
//! is in them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::output::now_unix;

/// How many are kept.
const KEPT: usize = 20;

/// The path of a new recording. The oldest ones give way.
pub fn next(data_dir: &Path) -> PathBuf {
    let directory = data_dir.join("recordings");
    let mut known = list(&directory);
    while known.len() >= KEPT {
        // Best effort: one more than wanted does no harm.
        let _ = fs::remove_file(known.remove(0));
    }
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
