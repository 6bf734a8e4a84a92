//! Private files on a machine with other users: created with mode 0600 in directories of mode 0700, whatever the umask,
//! and refused as files of secrets if other users may read or write them.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::fs::OFlags;
use rustix::io::retry_on_intr;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

pub use crate::replacement::directory_of;
use crate::replacement::{self, Existing, Replacement};
use crate::spelling::shell_operand;
use crate::text;

/// Largest length of a secret in bytes.
const SECRET_MAX: usize = 4096;
/// Number of bytes of a file that are read to find its first line: in UTF-16 a secret is longer than in UTF-8.
const READ_MAX: usize = 4 * SECRET_MAX;
/// Prefix of the names of unfinished files of earlier versions.
const UNFINISHED: &str = ".unfinished-";
/// Permission bits of users who are neither the owner nor in the group.
const OTHERS: u32 = 0o007;
/// Permission bits of all users but the owner.
const NOT_OWNER: u32 = 0o077;
/// Permission bits of a private file.
const FILE: u32 = 0o600;
/// Permission bits of a private directory.
const DIRECTORY: u32 = 0o700;

/// Replaces a file atomically by a private one.
///
/// # Errors
/// Fails if the directory cannot be written; the old file is then unchanged.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, Existing::Replaced, bytes)
}

/// Puts a private file into its place atomically, in that of another one as `existing` says.
///
/// # Errors
/// Fails if the directory cannot be written, or if a file is there that is not to be replaced; it is then unchanged.
pub fn put(path: &Path, existing: Existing, bytes: &[u8]) -> io::Result<()> {
    let mut file = Replacement::create_private(path, existing)?;
    file.write_all(bytes)?;
    file.finish().map(drop)
}

/// Appends to a file, which is created as a private one if it is missing.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    open_to_append(path)?.write_all(bytes)
}

/// Opens a file for appending, which is created as a private one if it is missing.
///
/// # Errors
/// Fails if the file cannot be opened, or is no regular file.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    match create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => open_regular(OpenOptions::new().append(true), path),
        created => created,
    }
}

/// Opens a regular file, without blocking on a pipe and without following a symbolic link.
///
/// # Errors
/// Fails if the file cannot be opened, or is no regular file.
pub fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    open_found(options, path).map(|(file, _)| file)
}

fn open_found(options: &mut OpenOptions, path: &Path) -> io::Result<(File, Metadata)> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    let found = file.metadata()?;
    match found.is_file() {
        true => Ok((file, found)),
        false => Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file")),
    }
}

/// Reads a regular file, up to `max` bytes.
///
/// # Errors
/// Fails if the file cannot be read, or is no regular file.
pub fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let (file, found) = open_found(OpenOptions::new().read(true), path)?;
    let (len, max) = (found.len().min(max) as usize, usize::try_from(max).unwrap_or(usize::MAX));
    // A byte more than there should be, so that one call reads all and tells that there is no more.
    let mut bytes = Vec::with_capacity(len.saturating_add(1).min(max).max(1));
    let read = retry_on_intr(|| rustix::io::read(&file, spare_capacity(&mut bytes)))?;
    let is_all = bytes.len() < bytes.capacity() && bytes.len() == len && len > 0;
    if read > 0 && !is_all {
        file.take(max.saturating_sub(bytes.len()) as u64).read_to_end(&mut bytes)?;
    }
    bytes.truncate(max);
    Ok(bytes)
}

/// Creates a private file and opens it for appending.
///
/// # Errors
/// Returns [`ErrorKind::AlreadyExists`] if the file exists, or fails if it cannot be created.
pub fn create_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create_new(true).mode(FILE).open(path)?;
    if let Some(permissions) = missing(&file.metadata()?, FILE) {
        file.set_permissions(permissions)?;
    }
    Ok(file)
}

/// Creates a private directory, and the missing directories above it. Each survives a power loss.
///
/// # Errors
/// Fails if one of them cannot be created.
pub fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = directory_of(path);
    create_directory(parent)?;
    make_directory(path)?;
    sync_directory(parent)
}

/// Creates a private directory in an existing one. It may be lost in a power loss until [`sync_directory`] has made the parent
/// directory durable.
///
/// # Errors
/// Fails if the directory cannot be created.
pub fn make_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(DIRECTORY).create(path) {
        // Another process may have created it meanwhile.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        created => created?,
    }
    match missing(&fs::metadata(path)?, DIRECTORY) {
        Some(permissions) => fs::set_permissions(path, permissions),
        None => Ok(()),
    }
}

/// Returns the permissions to set if the umask has removed some that the owner needs.
fn missing(metadata: &Metadata, wanted: u32) -> Option<Permissions> {
    (metadata.mode() & wanted != wanted).then(|| Permissions::from_mode(wanted))
}

/// Makes the creations, renames and deletions in a directory durable.
///
/// # Errors
/// Returns the error of the operating system.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes the permissions of other users from a directory and everything in it that the user of this process owns. Symbolic
/// links are not followed, and directories that are private already are not searched. Returns the number of files and directories
/// that were changed.
///
/// # Errors
/// Fails if a directory cannot be read, or the permissions cannot be changed.
pub fn tighten(path: &Path) -> io::Result<u64> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        found => found?,
    };
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    if metadata.is_symlink() || !is_own || metadata.mode() & NOT_OWNER == 0 {
        return Ok(0);
    }
    let mut changed = 1;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            changed += tighten(&entry?.path())?;
        }
    }
    // The directory is changed last, so that an interrupted call is repeated in full.
    fs::set_permissions(path, Permissions::from_mode(metadata.mode() & 0o7777 & !NOT_OWNER))?;
    Ok(changed)
}

/// Returns true if users other than the owner may read or change a file.
///
/// # Errors
/// Fails if the file is missing.
pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & NOT_OWNER != 0)
}

/// Returns true if the permissions of a file are strict enough for secrets, so that only its owner may access it. A file owned by
/// another user may be accessible to its group (like `sshkey_perm_ok` of OpenSSH), but never to all users.
///
/// # Errors
/// Fails if the file is missing.
pub fn is_fit_for_secrets(path: &Path) -> io::Result<bool> {
    Ok(is_fit(&fs::metadata(path)?))
}

fn is_fit(metadata: &Metadata) -> bool {
    // A terminal belongs to a group as well, so that the stricter rule would refuse it.
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw() && !metadata.file_type().is_char_device();
    metadata.permissions().mode() & (if is_own { NOT_OWNER } else { OTHERS }) == 0
}

/// Removes the unfinished files that crashes have left in a directory. No other process may be writing there.
///
/// # Errors
/// Fails if the directory cannot be read, or a file cannot be removed.
pub fn sweep(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if [UNFINISHED, replacement::PREFIX].iter().any(|prefix| entry.file_name().to_string_lossy().starts_with(prefix)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Reads the secret on the first line of a file.
///
/// # Errors
/// Fails if the file cannot be read, if its first line is empty, too long or no text, or if users other than the owner may read
/// or write the file.
pub fn read_secret(path: &Path) -> io::Result<SecretString> {
    read_secret_of(File::open(path)?, path)
}

/// Reads the secret on the first line of a regular file of the data directory.
///
/// # Errors
/// Fails like [`read_secret`], and if the file is no regular file.
pub fn read_own_secret(path: &Path) -> io::Result<SecretString> {
    read_secret_of(open_regular(OpenOptions::new().read(true), path)?, path)
}

fn read_secret_of(file: File, path: &Path) -> io::Result<SecretString> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    if !is_fit(&metadata) {
        let message = format!("others on this machine may read or write it; `chmod 600 {}` changes that", shell_operand(path));
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    // Neither buffer grows, so that no copy of the secret is left in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(READ_MAX));
    (&file).take(READ_MAX as u64).read_to_end(&mut bytes)?;
    let mut text = Zeroizing::new(String::with_capacity(text::room_for(bytes.len())));
    let decoded = text::decode_into(&bytes, &mut text);
    match text.split_once('\n').map_or(text.as_str(), |(line, _)| line) {
        line if line.len() > SECRET_MAX => Err(io::Error::other(format!("its first line has more than {SECRET_MAX} bytes"))),
        // Invalid text behind the first line is allowed.
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
        for mode in [0o604, 0o640, 0o620, 0o610, 0o602, 0o660, 0o644] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = read_secret(&path).unwrap_err().to_string();
            assert!(error.contains("chmod 600") && !is_fit_for_secrets(&path).unwrap(), "{mode:o}: {error}");
        }
        assert!(read_secret(&directory.path().join("none")).is_err());
        assert!(read_secret(directory.path()).unwrap_err().to_string().contains("is a directory"));
        write(&path, b"\nsecond line\n").unwrap();
        assert!(read_secret(&path).unwrap_err().to_string().contains("is empty"));
        if rustix::process::geteuid().is_root() {
            // The system's, for a group that the user is of.
            write(&path, b"hunter2").unwrap();
            std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
            for (mode, is_fit) in [(0o640, true), (0o644, false)] {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                assert_eq!((read_secret(&path).is_ok(), is_fit_for_secrets(&path).unwrap()), (is_fit, is_fit), "{mode:o}");
            }
        }
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
    fn no_more_is_read_than_asked_for_and_no_less_than_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for len in [0, 1, 100, 65_536] {
            fs::write(&path, vec![7; len]).unwrap();
            for max in [0, 1, 99, 100, 101, 65_537, u64::MAX] {
                assert_eq!(super::read(&path, max).unwrap(), vec![7; len.min(max.min(1 << 20) as usize)], "{len} {max}");
            }
        }
        // The system reports a length of zero for files that it makes as they are read (proc(5)).
        #[cfg(target_os = "linux")]
        for (max, is_all) in [(7, false), (1 << 20, true)] {
            let (read, all) = (super::read(Path::new("/proc/version"), max).unwrap(), fs::read("/proc/version").unwrap());
            assert!(all.starts_with(&read) && (read == all) == is_all && (is_all || read.len() == 7));
        }
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
        for made in [&path, &directory.path().join("a")] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        fs::write(directory.path().join("file"), "").unwrap();
        assert!(create_directory(&directory.path().join("file/b")).is_err());
    }

    #[test]
    fn what_others_may_look_into_is_closed_to_them() {
        let directory = tempfile::tempdir().unwrap();
        let tree = directory.path().join("tree");
        create_directory(&tree.join("private")).unwrap();
        for name in ["private/open", "file", "closed"] {
            fs::write(tree.join(name), "").unwrap();
            fs::set_permissions(tree.join(name), Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(tree.join("closed"), Permissions::from_mode(0o400)).unwrap();
        let outside = directory.path().join("outside");
        fs::write(&outside, "").unwrap();
        fs::set_permissions(&outside, Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&outside, tree.join("link")).unwrap();
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(tighten(&tree).unwrap(), 0, "nobody can look into it");
        fs::set_permissions(&tree, Permissions::from_mode(0o755)).unwrap();
        assert_eq!((tighten(&tree).unwrap(), tighten(&tree).unwrap()), (2, 0));
        assert_eq!((mode(&tree), mode(&tree.join("file")), mode(&tree.join("closed"))), (0o700, 0o600, 0o400));
        assert_eq!((mode(&tree.join("private/open")), mode(&outside)), (0o644, 0o644));
        assert_eq!(tighten(&tree.join("missing")).unwrap(), 0);
    }
}
