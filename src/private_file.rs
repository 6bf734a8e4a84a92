//! Floor 0: files that are their owner's alone, on a machine with other users: made with mode 0600 in directories of mode 0700,
//! and refused as a secret's place where everybody may read them. Knows nothing of what is in them.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use crate::replacement::{self, Existing, Replacement};
use crate::text;

/// No secret is longer, in bytes.
const SECRET_MAX: usize = 4096;
/// So much of a file is read to find its first line, in bytes: in UTF-16 a secret takes more than in UTF-8.
const READ_MAX: usize = 4 * SECRET_MAX;
/// How the names of files begin that are not whole yet.
const UNFINISHED: &str = ".unfinished-";
/// The permission bits of the group, and of those who are neither of it nor the owner.
const GROUP: u32 = 0o070;
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

/// Whether nobody but its owner may read or change a file, as is asked of files with secrets.
///
/// # Errors
/// Where there is none.
pub fn is_fit_for_secrets(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & (GROUP | OTHERS) == 0)
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
    // A terminal belongs to a group as well.
    let counts = if metadata.file_type().is_char_device() { OTHERS } else { GROUP | OTHERS };
    if metadata.permissions().mode() & counts != 0 {
        let message = format!("others on this machine may use it; `chmod 600 {}` changes that", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    // Neither grows, so that no copy is left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(READ_MAX));
    (&file).take(READ_MAX as u64).read_to_end(&mut bytes)?;
    let mut text = Zeroizing::new(String::with_capacity(text::room_for(bytes.len())));
    let decoded = text::decode_into(&bytes, &mut text);
    match text.split_once('\n').map_or(text.as_str(), |(line, _)| line) {
        line if line.len() > SECRET_MAX => Err(io::Error::other(format!("its first line has more than {SECRET_MAX} bytes"))),
        // What follows it may be anything.
        line if line.len() == text.len() && decoded.is_err() => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "its first line is no text"))
        }
        "" => Err(io::Error::other("its first line is empty")),
        line => Ok(line.into()),
    }
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
        for mode in [0o604, 0o640, 0o620, 0o610, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read_secret(&path).unwrap_err().to_string();
            assert!(error.contains("chmod 600") && !is_fit_for_secrets(&path).unwrap(), "{mode:o}: {error}");
        }
        assert!(read_secret(&directory.path().join("none")).is_err());
        assert!(read_secret(directory.path()).unwrap_err().to_string().contains("is a directory"));
        write(&path, b"\nsecond line\n").unwrap();
        assert!(read_secret(&path).unwrap_err().to_string().contains("is empty"));
        // However it was written, and whatever follows.
        for bytes in [
            &b"\xef\xbb\xbfhunter2 and more\r\n"[..],
            b"hunter2 and more\r\n\xff\n",
            b"\xff\xfeh\0i\0\r\0\n\0",
            b"hunter2 and more",
        ] {
            write(&path, bytes).unwrap();
            let expected = if bytes.starts_with(b"\xff") { "hi" } else { "hunter2 and more" };
            assert_eq!(read_secret(&path).unwrap().expose_secret(), expected);
        }
        write(&path, b"hunter2\xff\n").unwrap();
        assert!(read_secret(&path).unwrap_err().to_string().contains("no text"));
        write(&path, "x".repeat(SECRET_MAX + 1).as_bytes()).unwrap();
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
