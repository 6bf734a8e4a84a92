//! The creation of files that appear under their names only when complete, and the replacement of existing files, which
//! keep their mode, owner and group, their access control list and other extended attributes, their other hard links, and the
//! symbolic links that lead to them.
//!
//! A file has no name while it is being written (`O_TMPFILE`, open(2)), so that a killed process leaves nothing behind. On file
//! systems without such files it gets a temporary short name, independent of the length of its final name, and is locked
//! (flock(2)) during the writing: the next writer to the same place removes temporary files without a lock.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Seek, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, RenameFlags, Uid, XattrFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::file_identity::FileIdentity;
use crate::hex::hex;

/// Prefix of the names of temporary files.
pub(crate) const PREFIX: &str = ".p2p-part-";
/// Largest number of concurrent writers to one place, if each needs a temporary name.
const WRITERS_MAX: u32 = 100;
/// Permission bits that a replaced file passes on: without set-user-ID and set-group-ID, which a write removes as well
/// (write(2)).
const PERMISSIONS: u32 = 0o1777;
/// Permission bits of owner, group and others.
const OF_EVERYBODY: u32 = 0o777;
/// Attributes that depend on the content of a file and are not passed on.
const OF_THE_CONTENT: [&str; 3] = ["security.capability", "security.ima", "security.evm"];

/// Action if a file of that name exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The file is not written, which is an error.
    Refused,
    /// The content of the existing file is replaced, and its attributes are kept.
    Replaced,
}

/// Permissions of the new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Mode 0666 reduced by the umask, or the mode of the replaced file.
    Usual,
    /// Mode 0600 for a new file, or the mode of the replaced file.
    PrivateWhereNew,
    /// Mode 0600, even if the replaced file had another one.
    Private,
}

/// File that is being written. It disappears if it is dropped before [`finish`](Self::finish).
#[derive(Debug)]
pub struct Replacement {
    file: File,
    /// Temporary name of the file, if it needs one.
    temporary: Option<Temporary>,
    place: PathBuf,
    existing: Existing,
    access: Access,
    attributes: Option<FileAttributes>,
}

/// Attributes that a file gets with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileAttributes {
    /// Time of the last modification, in seconds since 1970.
    pub modified: u64,
    /// Permission bits, of which those of owner, group and others (0o777) count.
    pub mode: u32,
}

impl FileAttributes {
    /// Gives them to an open file.
    ///
    /// # Errors
    /// Fails if the system refuses, or has no such time.
    pub fn give(self, file: &File) -> io::Result<()> {
        let out_of_range = || io::Error::new(ErrorKind::InvalidInput, "its time of modification is none of this system");
        let modified = UNIX_EPOCH.checked_add(Duration::from_secs(self.modified)).ok_or_else(out_of_range)?;
        rustix::fs::fchmod(file, Mode::from_raw_mode(self.mode & OF_EVERYBODY))?;
        file.set_modified(modified)
    }
}

/// Writes a complete file at once; a new file is private (mode 0600).
///
/// # Errors
/// Fails if the file exists and may not be replaced, or if it cannot be written; an existing file is then unchanged.
pub fn write(path: &Path, existing: Existing, bytes: &[u8]) -> io::Result<()> {
    let mut file = Replacement::create_private_where_new(path, existing)?;
    file.write_all(bytes)?;
    file.finish().map(drop)
}

impl Replacement {
    /// Begins a file that is to be at `path`, or at the target of the symbolic link of that name.
    ///
    /// # Errors
    /// Returns [`ErrorKind::AlreadyExists`] if the file exists and may not be replaced; fails if the existing file is no regular
    /// file, or if the directory cannot be written.
    pub fn create(path: &Path, existing: Existing) -> io::Result<Replacement> {
        Replacement::begin(path, existing, Access::Usual)
    }

    /// Begins a file like [`create`](Self::create), which is private if it is new (mode 0600, whatever the umask is).
    ///
    /// # Errors
    /// Fails like [`create`](Self::create).
    pub fn create_private_where_new(path: &Path, existing: Existing) -> io::Result<Replacement> {
        Replacement::begin(path, existing, Access::PrivateWhereNew)
    }

    /// Begins a file like [`create`](Self::create), which is private (mode 0600) even if the replaced file was not.
    ///
    /// # Errors
    /// Fails like [`create`](Self::create).
    pub fn create_private(path: &Path, existing: Existing) -> io::Result<Replacement> {
        Replacement::begin(path, existing, Access::Private)
    }

    fn begin(path: &Path, existing: Existing, access: Access) -> io::Result<Replacement> {
        let place = resolved(path, existing)?;
        let (file, temporary) = match unnamed(directory_of(&place), access.mode()) {
            Ok(file) => (file, None),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => named(&place, access.mode())?,
            Err(error) => return Err(error.into()),
        };
        if access != Access::Usual && file.metadata()?.mode() & OF_EVERYBODY != access.mode().as_raw_mode() {
            // The umask, or the directory's access control list, has changed the mode.
            rustix::fs::fchmod(&file, access.mode())?;
        }
        Ok(Replacement { file, temporary, place, existing, access, attributes: None })
    }

    /// Duplicates the file handle, for another writer of the same file.
    ///
    /// # Errors
    /// Fails if no file descriptor is left.
    pub fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Lets the file have these attributes when it appears, also where the file that it replaces has others.
    #[must_use]
    pub fn with_attributes(mut self, attributes: FileAttributes) -> Replacement {
        self.attributes = Some(attributes);
        self
    }

    fn give_attributes(&self, file: &File) -> io::Result<()> {
        self.attributes.map_or(Ok(()), |attributes| attributes.give(file))
    }

    /// Returns the path at which the file is to appear.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Makes the file durable and gives it its name. Later writes to the returned file change the file at that place.
    ///
    /// An existing file with several hard links, or whose owner, group or access control list this process may not set, is
    /// overwritten in place instead: the room for the new content is reserved before, but a power loss in between leaves a
    /// mixture of both contents.
    ///
    /// # Errors
    /// Fails like [`write`](fn@write).
    pub fn finish(mut self) -> io::Result<File> {
        self.give_attributes(&self.file)?;
        self.file.sync_all()?;
        match (self.existing, Former::at(&self.place)?) {
            (_, None) => match self.appear() {
                // Another process has created a file there since.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && self.existing == Existing::Replaced => self.replace(),
                result => result.map(|()| self.file),
            },
            (Existing::Refused, Some(_)) => Err(ErrorKind::AlreadyExists.into()),
            (Existing::Replaced, Some(_)) => self.replace(),
        }
    }

    /// Gives the file its name, which must be free.
    fn appear(&mut self) -> io::Result<()> {
        let Some(temporary) = &mut self.temporary else { return link(&self.file, &self.place) };
        match rustix::fs::renameat_with(CWD, &temporary.path, CWD, &self.place, RenameFlags::NOREPLACE) {
            Ok(()) => temporary.is_gone = true,
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::hard_link(&temporary.path, &self.place)?,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn replace(mut self) -> io::Result<File> {
        let former = Former::at(&self.place)?.ok_or(ErrorKind::NotFound)?;
        match self.access {
            Access::Private => drop(former.pass_owner_on(&self.file)),
            _ if former.metadata.nlink() > 1 || !former.pass_on(&self.file)? => return self.write_over(),
            _ => {}
        }
        self.give_attributes(&self.file)?;
        self.file.sync_all()?;
        let temporary = match &mut self.temporary {
            Some(temporary) => temporary,
            None => self.temporary.insert(Temporary::claim(&self.place, |path| link(&self.file, path))?.0),
        };
        fs::rename(&temporary.path, &self.place)?;
        temporary.is_gone = true;
        Ok(self.file)
    }

    /// Copies the content into the existing file.
    fn write_over(mut self) -> io::Result<File> {
        let mut target = OpenOptions::new().write(true).custom_flags(OFlags::NOFOLLOW.bits() as i32).open(&self.place)?;
        let length = self.file.metadata()?.len();
        reserve(&target, length)?;
        self.file.rewind()?;
        io::copy(&mut self.file, &mut target)?;
        target.set_len(length)?;
        self.give_attributes(&target)?;
        target.sync_all()?;
        Ok(target)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Access {
    const fn mode(self) -> Mode {
        match self {
            Access::Usual => Mode::from_raw_mode(0o666),
            Access::PrivateWhereNew | Access::Private => Mode::from_raw_mode(0o600),
        }
    }
}

/// Returns the directory that contains a path.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the path at which the file is to appear: the target of a symbolic link, not the link. Only a regular file may be
/// replaced.
fn resolved(path: &Path, existing: Existing) -> io::Result<PathBuf> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(path.to_owned()),
        Err(error) => return Err(error),
    };
    if existing == Existing::Refused {
        return Err(ErrorKind::AlreadyExists.into());
    }
    if !found.is_symlink() {
        return check_regular(&found).map(|()| path.to_owned());
    }
    let nowhere = |error: io::Error| io::Error::new(error.kind(), format!("it is a symbolic link that leads nowhere: {error}"));
    let target = fs::canonicalize(path).map_err(nowhere)?;
    check_regular(&fs::symlink_metadata(&target)?)?;
    Ok(target)
}

fn check_regular(found: &Metadata) -> io::Result<()> {
    match found {
        found if found.is_dir() => Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory")),
        found if !found.is_file() => Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")),
        _ => Ok(()),
    }
}

/// Creates a file without a name in a directory, and locks it.
#[cfg(target_os = "linux")]
fn unnamed(directory: &Path, mode: Mode) -> Result<File, Errno> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(CWD, directory, flags, mode)?);
    // The file gets its name by way of /proc, which is not mounted everywhere.
    if !fs::exists(by_descriptor(&file)).unwrap_or_default() {
        return Err(Errno::OPNOTSUPP);
    }
    lock(&file);
    Ok(file)
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path, _: Mode) -> Result<File, Errno> {
    Err(Errno::OPNOTSUPP)
}

/// Returns the path of an open file by its descriptor, which works without a name (open(2), `O_TMPFILE`).
fn by_descriptor(file: &File) -> String {
    format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file))
}

/// Gives a file without a name this path, which must be free.
fn link(file: &File, path: &Path) -> io::Result<()> {
    Ok(rustix::fs::linkat(CWD, by_descriptor(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// Creates a file with a temporary name beside its place, for file systems without nameless files.
fn named(place: &Path, mode: Mode) -> io::Result<(File, Option<Temporary>)> {
    let make = |path: &Path| {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode.as_raw_mode()).open(path)?;
        lock(&file);
        // Another writer may have taken it for a leftover before it was locked, and removed it.
        let is_there = fs::symlink_metadata(path).is_ok_and(|found| is_same(&found, &file));
        if is_there { Ok(file) } else { Err(ErrorKind::AlreadyExists.into()) }
    };
    Temporary::claim(place, make).map(|(temporary, file)| (file, Some(temporary)))
}

/// Marks the file as being written. Some file systems have no locks; no leftovers are removed there.
fn lock(file: &File) {
    // Another holder of the lock only checks if the file is a leftover.
    let _ = file.try_lock();
}

fn is_same(found: &Metadata, file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| FileIdentity::of(&metadata) == FileIdentity::of(found))
}

/// Temporary name of an unfinished file, which is removed when this is dropped.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    /// True if the file has its final name.
    is_gone: bool,
}

impl Temporary {
    /// Finds a free name beside `place` and returns it with the result of `make` for it. Leftovers of killed processes under such
    /// names are removed.
    fn claim<T>(place: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(Temporary, T)> {
        for writer in 0..WRITERS_MAX {
            let path = temporary_name(place, writer);
            let made = match make(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && remove_leftover(&path) => make(&path),
                made => made,
            };
            match made {
                Ok(made) => return Ok((Temporary { path, is_gone: false }, made)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(ErrorKind::ResourceBusy, format!("{WRITERS_MAX} others are writing to the same place")))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_gone {
            // The file may have been removed together with its directory.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Returns a temporary name for a place: short, and the same for the same place and writer.
fn temporary_name(place: &Path, writer: u32) -> PathBuf {
    let digest = Sha256::digest(place.file_name().unwrap_or_default().as_bytes());
    directory_of(place).join(format!("{PREFIX}{}-{writer}", hex(&digest[..8])))
}

/// Removes a file of this user that no process is writing. Returns true if the file was removed.
fn remove_leftover(path: &Path) -> bool {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path) else { return false };
    let is_own = file.metadata().is_ok_and(|found| found.is_file() && found.uid() == rustix::process::geteuid().as_raw());
    // Of several processes, only the holder of the lock on the present file removes it.
    is_own
        && file.try_lock().is_ok()
        && fs::symlink_metadata(path).is_ok_and(|found| is_same(&found, &file))
        && fs::remove_file(path).is_ok()
}

/// Reserves room for `length` bytes without changing the content of the file.
fn reserve(target: &File, length: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if length > 0 {
        return match rustix::fs::fallocate(target, rustix::fs::FallocateFlags::KEEP_SIZE, 0, length) {
            Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::IO)) => Err(error.into()),
            _ => Ok(()),
        };
    }
    let _ = (target, length);
    Ok(())
}

/// Metadata and extended attributes of the file that is to be replaced.
struct Former {
    metadata: Metadata,
    attributes: Vec<(OsString, Vec<u8>)>,
}

impl Former {
    /// Reads the file at a place, if there is one.
    fn at(place: &Path) -> io::Result<Option<Former>> {
        match fs::symlink_metadata(place) {
            Ok(metadata) => check_regular(&metadata).map(|()| Some(Former { metadata, attributes: attributes_of(place) })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives `file` the owner and the group; returns false if this process may not.
    fn pass_owner_on(&self, file: &File) -> bool {
        let (owner, group) = (self.metadata.uid(), self.metadata.gid());
        let is_same = file.metadata().is_ok_and(|new| (new.uid(), new.gid()) == (owner, group));
        is_same || rustix::fs::fchown(file, Some(Uid::from_raw(owner)), Some(Gid::from_raw(group))).is_ok()
    }

    /// Gives `file` the owner, the mode and the attributes; returns false if some of those that decide about access cannot be
    /// set.
    fn pass_on(&self, file: &File) -> io::Result<bool> {
        if !self.pass_owner_on(file) {
            return Ok(false);
        }
        // The directory may have given the new file an access control list that the old one did not have.
        for name in attribute_names(|list| rustix::fs::flistxattr(file, list)) {
            if is_access_list(&name) && self.attributes.iter().all(|(known, _)| *known != name) {
                let _ = rustix::fs::fremovexattr(file, name.as_os_str());
            }
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(self.metadata.mode() & PERMISSIONS))?;
        let give = |name: &OsStr, value: &[u8]| rustix::fs::fsetxattr(file, name, value, XattrFlags::empty()).is_ok();
        Ok(self.attributes.iter().all(|(name, value)| give(name, value) || !is_access_list(name)))
    }
}

/// Returns true if an attribute is an access control list (acl(5)).
fn is_access_list(name: &OsStr) -> bool {
    name == "system.posix_acl_access"
}

/// Reads the extended attributes of a file (xattr(7)) that are passed on to its replacement, as far as this process may read
/// them.
fn attributes_of(path: &Path) -> Vec<(OsString, Vec<u8>)> {
    let mut attributes = Vec::new();
    for name in attribute_names(|list| rustix::fs::llistxattr(path, list)) {
        if OF_THE_CONTENT.iter().any(|other| name == *other) {
            continue;
        }
        let Ok(length) = rustix::fs::lgetxattr_query(path, name.as_os_str()) else { continue };
        let mut value = vec![0; length];
        if let Ok(length) = rustix::fs::lgetxattr(path, name.as_os_str(), value.as_mut_slice()) {
            value.truncate(length);
            attributes.push((name, value));
        }
    }
    attributes
}

/// Returns the names of extended attributes, which `list` writes into a buffer, each followed by a zero byte (listxattr(2)).
fn attribute_names(list: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> Vec<OsString> {
    // The buffer has the size of the longest possible list (XATTR_LIST_MAX).
    let mut names = vec![0; 64 << 10];
    let length = list(&mut names).unwrap_or_default();
    let names = names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    names.map(|name| OsString::from_vec(name.to_vec())).collect()
}

#[cfg(test)]
mod tests;
