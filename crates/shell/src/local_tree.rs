//! Directories of this machine: what is in one that is to be stored, and the making of one that stored files are fetched to.
//!
//! Symbolic links within a directory are never followed, neither for reading, so that nothing outside of it is stored and no loop
//! is walked, nor for writing, so that nothing outside of it is written.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use p2p_base::spelling::visible_path;
use p2p_engine::error::NAMELESS;
use p2p_store::manifest::FileRecord;
use p2p_store::names::stored_path;
use p2p_store::segment::Sha256Digest;
use sha2::{Digest, Sha256};

/// Size of the buffer for reading a file, in bytes.
const CHUNK: usize = 128 << 10;

/// A file or a directory of this machine that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalEntry {
    /// Path on this machine.
    pub(super) path: PathBuf,
    /// Path under which it is to be stored.
    pub(super) stored: String,
}

/// What is in a directory that is to be stored.
#[derive(Debug, Default)]
pub(super) struct LocalTree {
    /// Directories, each after the one that it is in.
    pub(super) directories: Vec<LocalEntry>,
    /// Regular files.
    pub(super) files: Vec<LocalEntry>,
    /// What is left out because it is neither a file nor a directory, with the reason.
    pub(super) skipped: Vec<String>,
    /// What cannot be read, or cannot be stored under its name, with the reason.
    pub(super) failures: Vec<String>,
}

impl LocalTree {
    /// Lists what is in the directory `root`, to be stored as the directory `base`. The names are in their order.
    pub(super) fn of(root: &Path, base: &str) -> LocalTree {
        let mut tree = LocalTree::default();
        let mut open = vec![(root.to_owned(), base.to_owned())];
        while let Some((directory, stored)) = open.pop() {
            let entries = fs::read_dir(&directory).and_then(|entries| entries.collect::<io::Result<Vec<DirEntry>>>());
            let mut entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    tree.failures.push(told(&directory, &error));
                    continue;
                }
            };
            entries.sort_by_key(DirEntry::file_name);
            if directory != root {
                tree.directories.push(LocalEntry { path: directory.clone(), stored: stored.clone() });
            }
            let below = entries.iter().filter_map(|entry| tree.take(entry, &stored)).collect::<Vec<_>>();
            open.extend(below.into_iter().rev());
        }
        tree
    }

    /// Takes up an entry of the directory that is stored as `base`; returns it if it is a directory.
    fn take(&mut self, entry: &DirEntry, base: &str) -> Option<(PathBuf, String)> {
        let path = entry.path();
        let name = entry.file_name();
        let stored = match name.to_str().map(|name| stored_path(&format!("{base}/{name}"))) {
            Some(Ok(stored)) => stored,
            Some(Err(error)) => {
                self.failures.push(told(&path, &error));
                return None;
            }
            None => {
                self.failures.push(told(&path, &NAMELESS));
                return None;
            }
        };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => return Some((path, stored)),
            Ok(kind) if kind.is_file() => self.files.push(LocalEntry { path, stored }),
            Ok(kind) if kind.is_symlink() => self.skipped.push(told(&path, &"a symbolic link")),
            Ok(_) => self.skipped.push(told(&path, &"neither a file nor a directory")),
            Err(error) => self.failures.push(told(&path, &error)),
        }
        None
    }
}

/// Names a path of this machine in characters that can be seen, with what is to be said of it.
pub(super) fn told(path: &Path, what: &impl ToString) -> String {
    format!("{}: {}", visible_path(path), what.to_string())
}

/// Returns true if a file of this machine has the content of a stored one. A file that cannot be read has not.
pub(super) fn has_content_of(path: &Path, stored: &FileRecord) -> bool {
    let is_candidate = fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == stored.size);
    is_candidate && digest_of(path).is_ok_and(|digest| digest == stored.sha256)
}

fn digest_of(path: &Path) -> io::Result<Sha256Digest> {
    let (mut file, mut digest, mut bytes) = (File::open(path)?, Sha256::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut bytes) {
            Ok(0) => return Ok(Sha256Digest::from_bytes(digest.finalize().into())),
            Ok(count) => digest.update(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A directory of this machine to which stored files are fetched.
#[derive(Debug)]
pub(super) struct Destination {
    root: PathBuf,
    /// Directories below the root, by their paths: whether files can be put into each.
    known: BTreeMap<String, bool>,
    /// Reasons why directories cannot be used.
    pub(super) failures: Vec<String>,
}

impl Destination {
    /// Makes the directory, if it is not there. It may be the target of a symbolic link, since the user has named it.
    ///
    /// # Errors
    /// Fails if it cannot be made, or if something else has its name.
    pub(super) fn make(root: PathBuf) -> Result<Destination, String> {
        match fs::create_dir(&root) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists || !root.is_dir() => Err(told(&root, &error)),
            _ => Ok(Destination { root, known: BTreeMap::from([(String::new(), true)]), failures: Vec::new() }),
        }
    }

    /// Makes a directory below the root, and those that it is in. Returns false if it cannot be used, which is told once.
    pub(super) fn make_directory(&mut self, below: &str) -> bool {
        if let Some(&known) = self.known.get(below) {
            return known;
        }
        let above = below.rsplit_once('/').map_or("", |(above, _)| above);
        let usable = self.make_directory(above) && self.make_one(below);
        self.known.insert(below.to_owned(), usable);
        usable
    }

    fn make_one(&mut self, below: &str) -> bool {
        let path = self.root.join(below);
        let made = match fs::symlink_metadata(&path) {
            _ if !is_within(below) => Err("its name leads elsewhere".to_owned()),
            Ok(found) if found.is_dir() => Ok(()),
            Ok(found) if found.is_symlink() => Err("nothing is written through this symbolic link".to_owned()),
            Ok(_) => Err("it is no directory".to_owned()),
            Err(_) => fs::create_dir(&path).map_err(|error| error.to_string()),
        };
        made.map_err(|reason| self.failures.push(told(&path, &reason))).is_ok()
    }

    /// Returns the path for a file, with the directories that it is in; `None` if it cannot be put there, which is told.
    pub(super) fn place_of(&mut self, below: &str) -> Option<PathBuf> {
        let path = self.root.join(below);
        let above = below.rsplit_once('/').map_or("", |(above, _)| above);
        if !self.make_directory(above) {
            return None;
        }
        let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if is_link || !is_within(below) {
            self.failures.push(told(&path, &"nothing is written through this symbolic link"));
            return None;
        }
        Some(path)
    }
}

/// Returns true if a path consists of names only, so that it leads to nothing outside of the directory that it begins in.
fn is_within(below: &str) -> bool {
    !below.is_empty() && Path::new(below).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_directory_is_listed_without_what_leads_out_of_it() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("tree");
        fs::create_dir_all(root.join("b/empty")).unwrap();
        for name in ["z", "a", "b/c", "b/new\nline", "b/\u{1b}[2J"] {
            fs::write(root.join(name), name).unwrap();
        }
        fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xff")), "x").unwrap();
        symlink(&root, root.join("b/loop")).unwrap();
        symlink("/etc/passwd", root.join("passwd")).unwrap();
        let tree = LocalTree::of(&root, "t");
        let stored = |entries: &[LocalEntry]| entries.iter().map(|entry| entry.stored.clone()).collect::<Vec<_>>();
        assert_eq!(stored(&tree.directories), ["t/b", "t/b/empty"]);
        assert_eq!(tree.directories[1].path, root.join("b/empty"));
        assert_eq!(stored(&tree.files), ["t/a", "t/z", "t/b/c"]);
        assert_eq!((tree.skipped.len(), tree.failures.len()), (2, 3), "{tree:?}");
        let told = tree.failures.join("") + &tree.skipped.join("");
        assert!(told.chars().all(|c| !c.is_control()) && told.contains("UTF-8"), "{told}");
        assert!(LocalTree::of(&home.path().join("none"), "t").failures.len() == 1);
    }

    #[test]
    fn nothing_is_written_through_a_symbolic_link() {
        let home = tempfile::tempdir().unwrap();
        let (root, elsewhere) = (home.path().join("tree"), home.path().join("elsewhere"));
        fs::create_dir_all(&elsewhere).unwrap();
        fs::create_dir_all(root.join("a")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        symlink(&elsewhere, root.join("a/link")).unwrap();
        let mut destination = Destination::make(root.clone()).unwrap();
        assert_eq!(destination.place_of("a/b/c"), Some(root.join("a/b/c")));
        assert!(root.join("a/b").is_dir());
        for below in ["a/link/x", "a/link/y/z", "a/link", "file/x", "../x", "a/../../x", ""] {
            assert_eq!(destination.place_of(below), None, "{below}");
        }
        assert!(fs::read_dir(&elsewhere).unwrap().next().is_none() && !home.path().join("x").exists());
        assert!(Destination::make(root.join("file")).is_err() && Destination::make(home.path().join("no/such")).is_err());
        assert!(Destination::make(root.join("a/link")).is_ok(), "what the user names may be a link");
    }

    #[test]
    fn content_is_compared() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a");
        fs::write(&path, "abc").unwrap();
        let record = |size: u64, bytes: &[u8]| FileRecord {
            key: p2p_store::names::FileKey::unowned("a"),
            size,
            sha256: Sha256Digest::of(bytes),
            segments: 1,
            segment_size: 65_536,
            stored_at: 0,
            modified: 0,
            mode: 0o644,
            readers: Default::default(),
        };
        assert!(has_content_of(&path, &record(3, b"abc")));
        assert!(!has_content_of(&path, &record(3, b"abd")) && !has_content_of(&path, &record(4, b"abc")));
        assert!(!has_content_of(home.path(), &record(3, b"abc")));
    }
}
