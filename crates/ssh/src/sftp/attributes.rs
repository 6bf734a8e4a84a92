//! Attributes of files and directories, and their lines as `ls -l` prints them, which FileZilla and WinSCP parse.

use std::sync::{Mutex, PoisonError};

use p2p_service::files::{Attributes, Entry, FILE_MODE};
use russh_sftp::protocol::{File, FileAttributes};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// File types in a mode (POSIX.1-2024, `sys/stat.h`).
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
/// Bits of a mode that what is made does not get.
const UMASK: u32 = 0o022;
/// Identifier of the user; others have the following ones.
const FIRST_ID: u32 = 1000;
/// Name of what has no owner.
const NO_OWNER: &str = "nobody";
/// Times that are further away than this are printed with the year, as POSIX.1-2024 says of `ls`: six months.
const RECENT: u64 = 182 * 86_400;
const WITH_TIME: &[BorrowedFormatItem<'_>] = format_description!("[month repr:short] [day padding:space] [hour]:[minute]");
const WITH_YEAR: &[BorrowedFormatItem<'_>] = format_description!("[month repr:short] [day padding:space]  [year]");

/// Owners by their identifiers, which hold for one session.
#[derive(Debug)]
pub(super) struct Owners(Mutex<Vec<String>>);

impl Owners {
    /// Makes the table of a user.
    pub(super) fn of(user: &str) -> Owners {
        Owners(Mutex::new(vec![user.to_owned()]))
    }

    /// Returns the identifier of an owner, and gives one if there is none.
    fn id(&self, owner: Option<&str>) -> u32 {
        let owner = owner.unwrap_or(NO_OWNER);
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = names.iter().position(|name| name == owner).unwrap_or_else(|| {
            names.push(owner.to_owned());
            names.len() - 1
        });
        FIRST_ID.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Returns the name of an identifier; it is empty if there is none.
    pub(super) fn name(&self, id: u32) -> String {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        id.checked_sub(FIRST_ID).and_then(|at| names.get(at as usize)).cloned().unwrap_or_default()
    }

    /// Returns the attributes of what is stored.
    pub(super) fn of_entry(&self, entry: &Entry) -> FileAttributes {
        let (size, mode, modified) = match entry {
            Entry::File(file) => (file.size, REGULAR | file.mode, file.modified),
            Entry::Directory(directory) => (0, DIRECTORY | directory.mode, directory.modified),
        };
        made(self.id(entry.key().owner.as_deref()), size, mode, modified)
    }

    /// Returns the entry of a list.
    pub(super) fn listed(&self, filename: String, attrs: FileAttributes, now: u64) -> File {
        let longname = self.long(&filename, &attrs, now);
        File { filename, longname, attrs }
    }

    fn long(&self, name: &str, attrs: &FileAttributes, now: u64) -> String {
        let owner = self.name(attrs.uid.unwrap_or_default());
        let mode = mode_in_letters(attrs.permissions.unwrap_or_default());
        let (size, time) = (attrs.size.unwrap_or_default(), time_of(u64::from(attrs.mtime.unwrap_or_default()), now));
        format!("{mode}    1 {owner:<8} {owner:<8} {size:>12} {time} {name}")
    }
}

/// Returns the attributes of a directory that is always there.
pub(super) fn of_root(mode: u32) -> FileAttributes {
    made(FIRST_ID, 0, DIRECTORY | mode, 0)
}

/// Returns the attributes of the user's file while it is stored, or of another one that is no entry.
pub(super) fn of_file(size: u64, attributes: Attributes, now: u64) -> FileAttributes {
    made(FIRST_ID, size, REGULAR | attributes.mode_or(FILE_MODE), attributes.modified_or(now))
}

fn made(id: u32, size: u64, mode: u32, modified: u64) -> FileAttributes {
    let modified = u32::try_from(modified).unwrap_or(u32::MAX);
    FileAttributes {
        size: Some(size),
        uid: Some(id),
        gid: Some(id),
        permissions: Some(mode),
        atime: Some(modified),
        mtime: Some(modified),
        ..FileAttributes::default()
    }
}

/// Returns a mode as `ls -l` prints it (POSIX.1-2024, `ls`, "Stdout").
fn mode_in_letters(mode: u32) -> String {
    let kind = if mode & 0o170_000 == DIRECTORY { 'd' } else { '-' };
    let bits = (0..9).rev().zip("rwxrwxrwx".chars());
    std::iter::once(kind).chain(bits.map(|(bit, letter)| if mode >> bit & 1 == 1 { letter } else { '-' })).collect()
}

/// Returns a time as `ls -l` prints it, in UTC.
fn time_of(at: u64, now: u64) -> String {
    let is_recent = at <= now && now - at < RECENT;
    let format = if is_recent { WITH_TIME } else { WITH_YEAR };
    let time = i64::try_from(at).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    time.and_then(|time| time.format(format).ok()).unwrap_or_else(|| "Jan  1  1970".into())
}

/// Returns what a client sets of a file. Identifiers of users are accepted and not kept: a file has the owner that it has.
pub(super) fn given(attrs: &FileAttributes) -> Attributes {
    Attributes { modified: attrs.mtime.map(u64::from), mode: attrs.permissions }
}

/// Returns what a client sets of a file or a directory that is made: the mode as far as the usual umask lets it, as in `open(2)`.
pub(super) fn of_new(attrs: &FileAttributes) -> Attributes {
    let given = given(attrs);
    Attributes { mode: given.mode.map(|mode| mode & !UMASK), ..given }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_ls() {
        let owners = Owners::of("alice");
        let attrs = made(owners.id(Some("bob")), 1234, REGULAR | 0o640, 1_700_000_000);
        let line = |now| owners.listed("a b".into(), attrs.clone(), now).longname;
        assert_eq!(line(1_700_000_100), "-rw-r-----    1 bob      bob              1234 Nov 14 22:13 a b");
        assert_eq!(line(1_800_000_000), "-rw-r-----    1 bob      bob              1234 Nov 14  2023 a b");
        assert_eq!(line(1_600_000_000), line(1_800_000_000), "a time in the future has its year");
        assert_eq!(mode_in_letters(DIRECTORY | 0o755), "drwxr-xr-x");
        assert_eq!((owners.name(1000), owners.name(1001), owners.name(7)), ("alice".into(), "bob".into(), String::new()));
    }
}
