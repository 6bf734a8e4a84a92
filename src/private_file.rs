//! Floor 0: files that are their owner's alone, on a machine with other users: made with mode 0600 in directories of mode 0700,
//! and refused as a secret's place where everybody may read them. Knows nothing of what is in them.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use crate::replacement::{self, Existing, Replacement};

/// No secret is longer, in bytes.
const SECRET_MAX: u64 = 4096;
/// How the names of files begin that are not whole yet.
const UNFINISHED: &str = ".unfinished-";
/// The permission bits of those who are neither the owner nor of the group.
const OTHERS: u32 = 0o007;

/// Replaces a file at once and whole by one that is its owner's alone.
///
/// # Errors
/// Where the directory cannot be written; then what was there is there yet.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Replacement::create_private(path, Existing::Replaced)?;
    file.write_all(bytes)?;
    file.finish().map(drop)
}

/// Adds to the end of a file that is its owner's alone, and makes one where there is none.
///
/// # Errors
/// Where it cannot be written.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?.write_all(bytes)
}

/// Makes a directory that is its owner's alone, where there is none.
///
/// # Errors
/// Where it cannot be made.
pub fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)
}

/// Whether others than the owner and the group may read or change a file.
///
/// # Errors
/// Where there is none.
pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & OTHERS != 0)
}

/// Removes what a crash has left of files that were being written. Nobody may be writing one.
///
/// # Errors
/// Where the directory cannot be read, or a file not be removed.
pub fn sweep(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if [UNFINISHED, replacement::PREFIX].iter().any(|prefix| entry.file_name().to_string_lossy().starts_with(prefix)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The secret on the first line of a file.
///
/// # Errors
/// Where it cannot be read, is too long or no text, or everybody may read it.
pub fn read_secret(path: &Path) -> io::Result<SecretString> {
    let file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    if metadata.permissions().mode() & OTHERS != 0 {
        let message = format!("everybody on this machine may read it; `chmod 600 {}` changes that", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    // It does not grow, so that no copy is left behind.
    let mut text = Zeroizing::new(String::with_capacity(SECRET_MAX as usize + 1));
    (&file).take(SECRET_MAX + 1).read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(io::Error::other("its first line is empty"));
    }
    if line.len() as u64 > SECRET_MAX {
        return Err(io::Error::other(format!("its first line has more than {SECRET_MAX} bytes")));
    }
    Ok(line.into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_read_only_where_others_cannot() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        write(&path, b"hunter2 and more\r\nsecond line\n").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_secret(&path).unwrap().expose_secret(), "hunter2 and more");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        let error = read_secret(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        assert!(read_secret(&directory.path().join("none")).is_err());
        assert!(read_secret(directory.path()).unwrap_err().to_string().contains("is a directory"));
        write(&path, b"\nsecond line\n").unwrap();
        assert!(read_secret(&path).unwrap_err().to_string().contains("is empty"));
        write(&path, "x".repeat(SECRET_MAX as usize + 1).as_bytes()).unwrap();
        assert!(read_secret(&path).unwrap_err().to_string().contains("more than 4096 bytes"));
    }

    #[test]
    fn what_is_added_is_its_owners_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lines");
        append(&path, b"one\n").unwrap();
        append(&path, b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_a_crash_has_left_is_swept() {
        let directory = tempfile::tempdir().unwrap();
        for name in [".unfinished-a1b2", ".p2p-part-a1b2-0", "session", ".hidden"] {
            fs::write(directory.path().join(name), "x").unwrap();
        }
        sweep(directory.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".hidden", "session"]);
    }

    #[test]
    fn a_directory_is_its_owners() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        create_directory(&path).unwrap();
        create_directory(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
