//! Floor 0: a file that appears under its name when it is whole, and the replacement of one that is there, which stays what it was:
//! its mode, owner and group, its access control list and other extended attributes, its other names, and the symbolic links that
//! lead to it.
//!
//! What is being written has no name yet (`O_TMPFILE`, open(2)), so that nothing is left of it where the process is killed. Where the
//! file system has no such files it has a short name of its own, whatever the length of the name that it is to get, and is locked
//! (flock(2)) while somebody writes it: whoever writes to the same place next removes one that is not. Knows nothing of what is written.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Seek, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, RenameFlags, Uid, XattrFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::file_identity::FileIdentity;

/// How the names of files begin that have one before they are whole.
pub(crate) const PREFIX: &str = ".p2p-part-";
/// How many may be written to one place at once, where each needs a name.
const WRITERS_MAX: u32 = 100;
/// The permission bits that a replaced file passes on: without set-user-ID and set-group-ID, which a write takes away as well
/// (write(2)).
const PERMISSIONS: u32 = 0o1777;
/// All permission bits of owner, group and others.
const OF_EVERYBODY: u32 = 0o777;
/// Attributes that say something of the content: they are not passed on.
const OF_THE_CONTENT: [&str; 3] = ["security.capability", "security.ima", "security.evm"];

/// What is done where a file has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Nothing is written: it is an error.
    Refused,
    /// Its content is replaced, and it stays what it was.
    Replaced,
}

/// Whose a file is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// What the umask leaves of 0666, or what the replaced file had.
    Usual,
    /// Its owner's alone, or what the replaced file had.
    PrivateWhereNew,
    /// Its owner's alone, whatever the replaced file had.
    Private,
}

/// A file that is being written. Dropped before [`finish`](Self::finish), it is gone.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    /// The name that it has meanwhile, where it needs one.
    temporary: Option<Temporary>,
    place: PathBuf,
    existing: Existing,
    access: Access,
}

/// Writes a whole file at once, which is its owner's alone where it is new (mode 0600).
///
/// # Errors
/// Where there is one already that is not to be replaced, or it cannot be written; then what was there is there yet.
pub fn write(path: &Path, existing: Existing, bytes: &[u8]) -> io::Result<()> {
    let mut file = Replacement::create_private_where_new(path, existing)?;
    file.write_all(bytes)?;
    file.finish().map(drop)
}

impl Replacement {
    /// Begins a file that is to be at `path`, or where the symbolic link of that name leads.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] where there is one that is not to be replaced; where something else than a regular file is there;
    /// where the directory cannot be written.
    pub fn create(path: &Path, existing: Existing) -> io::Result<Replacement> {
        Replacement::begin(path, existing, Access::Usual)
    }

    /// The same for a file that is its owner's alone where it is new (mode 0600, whatever the umask is).
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    pub fn create_private_where_new(path: &Path, existing: Existing) -> io::Result<Replacement> {
        Replacement::begin(path, existing, Access::PrivateWhereNew)
    }

    /// The same for a file that is its owner's alone (mode 0600), also where the replaced one was not.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
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
            // The umask, or the directory's access control list, has made another mode of it.
            rustix::fs::fchmod(&file, access.mode())?;
        }
        Ok(Replacement { file, temporary, place, existing, access })
    }

    /// The file once more, for somebody else who writes to it.
    ///
    /// # Errors
    /// Where no file descriptor is left.
    pub fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Where the file is to be.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Makes it durable and gives it its name. What is written to the file from then on is written to the place.
    ///
    /// A file that has other names, or whose owner, group or access control list this process may not give, is written over instead:
    /// room for all of it is reserved before, but a power loss in the middle leaves a part of either.
    ///
    /// # Errors
    /// As for [`write`](fn@write).
    pub fn finish(mut self) -> io::Result<File> {
        self.file.sync_all()?;
        match (self.existing, Former::at(&self.place)?) {
            (_, None) => match self.appear() {
                // Somebody has made one since.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && self.existing == Existing::Replaced => self.replace(),
                result => result.map(|()| self.file),
            },
            (Existing::Refused, Some(_)) => Err(ErrorKind::AlreadyExists.into()),
            (Existing::Replaced, Some(_)) => self.replace(),
        }
    }

    /// Gives it its name, which nobody has.
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
        self.file.sync_all()?;
        let temporary = match &mut self.temporary {
            Some(temporary) => temporary,
            None => self.temporary.insert(Temporary::claim(&self.place, |path| link(&self.file, path))?.0),
        };
        fs::rename(&temporary.path, &self.place)?;
        temporary.is_gone = true;
        Ok(self.file)
    }

    /// Puts the content into the file that is there.
    fn write_over(mut self) -> io::Result<File> {
        let mut target = OpenOptions::new().write(true).custom_flags(OFlags::NOFOLLOW.bits() as i32).open(&self.place)?;
        let length = self.file.metadata()?.len();
        reserve(&target, length)?;
        self.file.rewind()?;
        io::copy(&mut self.file, &mut target)?;
        target.set_len(length)?;
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

/// The directory of a path.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where the file is to be: what a symbolic link leads to, not the link. Only a regular file may be replaced.
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

/// A file of a directory that has no name, and the lock of who writes it.
#[cfg(target_os = "linux")]
fn unnamed(directory: &Path, mode: Mode) -> Result<File, Errno> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(CWD, directory, flags, mode)?);
    // It is given its name by way of /proc, which is not everywhere.
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

/// The way to an open file that needs no name (open(2), `O_TMPFILE`).
fn by_descriptor(file: &File) -> String {
    format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file))
}

/// Gives a file without a name this one, which nobody has.
fn link(file: &File, path: &Path) -> io::Result<()> {
    Ok(rustix::fs::linkat(CWD, by_descriptor(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// A file with a name of its own beside its place, for file systems that have no others.
fn named(place: &Path, mode: Mode) -> io::Result<(File, Option<Temporary>)> {
    let make = |path: &Path| {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode.as_raw_mode()).open(path)?;
        lock(&file);
        // Whoever came in between took it for a leftover, and removed it.
        let is_there = fs::symlink_metadata(path).is_ok_and(|found| is_same(&found, &file));
        if is_there { Ok(file) } else { Err(ErrorKind::AlreadyExists.into()) }
    };
    Temporary::claim(place, make).map(|(temporary, file)| (file, Some(temporary)))
}

/// Tells others that somebody writes the file. Some file systems have no locks; nothing is swept there.
fn lock(file: &File) {
    // Whoever might hold it only looks whether it is a leftover.
    let _ = file.try_lock();
}

fn is_same(found: &Metadata, file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| FileIdentity::of(&metadata) == FileIdentity::of(found))
}

/// The name of a file that is not whole; dropped, it is removed.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    /// It has another name now.
    is_gone: bool,
}

impl Temporary {
    /// A name beside `place` that nobody has, and what `make` makes under it. What a killed process has left under one is removed.
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
            // It may have been removed by whoever takes the directory away.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The name of what is being written to a place: short, and the same for the same place.
fn temporary_name(place: &Path, writer: u32) -> PathBuf {
    let digest = Sha256::digest(place.file_name().unwrap_or_default().as_bytes());
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    directory_of(place).join(format!("{PREFIX}{name}-{writer}"))
}

/// Removes a file of this user that nobody is writing. True where it is gone.
fn remove_leftover(path: &Path) -> bool {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path) else { return false };
    let is_own = file.metadata().is_ok_and(|found| found.is_file() && found.uid() == rustix::process::geteuid().as_raw());
    // Whoever has the lock of the file that is there is alone in removing it.
    is_own
        && file.try_lock().is_ok()
        && fs::symlink_metadata(path).is_ok_and(|found| is_same(&found, &file))
        && fs::remove_file(path).is_ok()
}

/// Sees to it that so many bytes find room, without changing anything that can be read.
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

/// The file that is to be replaced, as far as it is more than its content.
struct Former {
    metadata: Metadata,
    attributes: Vec<(OsString, Vec<u8>)>,
}

impl Former {
    /// The file at a place, if there is one.
    fn at(place: &Path) -> io::Result<Option<Former>> {
        match fs::symlink_metadata(place) {
            Ok(metadata) => check_regular(&metadata).map(|()| Some(Former { metadata, attributes: attributes_of(place) })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives `file` the owner and the group; false where this process may not.
    fn pass_owner_on(&self, file: &File) -> bool {
        let (owner, group) = (self.metadata.uid(), self.metadata.gid());
        let is_same = file.metadata().is_ok_and(|new| (new.uid(), new.gid()) == (owner, group));
        is_same || rustix::fs::fchown(file, Some(Uid::from_raw(owner)), Some(Gid::from_raw(group))).is_ok()
    }

    /// Gives `file` all that is no content; false where some of it that decides who may use it cannot be given.
    fn pass_on(&self, file: &File) -> io::Result<bool> {
        if !self.pass_owner_on(file) {
            return Ok(false);
        }
        // What the directory gives to new files, and this one did not have.
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

/// Whether an attribute is an access control list (acl(5)).
fn is_access_list(name: &OsStr) -> bool {
    name == "system.posix_acl_access"
}

/// The extended attributes of a file (xattr(7)) that its successor is to have, as far as this process may see them.
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

/// The names of extended attributes, as `list` fills them into a buffer, each followed by a zero byte (listxattr(2)).
fn attribute_names(list: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> Vec<OsString> {
    // No list is longer (XATTR_LIST_MAX).
    let mut names = vec![0; 64 << 10];
    let length = list(&mut names).unwrap_or_default();
    let names = names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    names.map(|name| OsString::from_vec(name.to_vec())).collect()
}

#[cfg(test)]
mod tests;
