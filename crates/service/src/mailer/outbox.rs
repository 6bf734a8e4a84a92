//! The directory of mails where no server is configured: the latest are a file each, and older ones are moved to one mailbox in the format
//! of mbox (RFC 4155), which the program never removes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use p2p_base::private_file;
use time::OffsetDateTime;
use time::macros::format_description;

/// Directory of the mails within the data directory.
pub const OUTBOX: &str = "outbox";
/// Mailbox of the older mails within it.
const OLDER: &str = "older.mbox";
/// Number of mails that are files of their own.
const KEPT: usize = 1_000;
/// Number of mails beyond these with which the oldest are moved, together.
const MOVED_AT_ONCE: usize = 100;
/// Sender in the separator line of a mail that names none.
const UNKNOWN_SENDER: &str = "MAILER-DAEMON";

/// Returns the name of the file of a mail.
pub(super) fn name_of(at: u64, number: u64) -> String {
    format!("{at}-{number:06}.eml")
}

/// Writes a mail to a private file in a private directory.
pub(super) async fn keep(directory: &Path, name: &str, bytes: Vec<u8>) -> io::Result<()> {
    let (directory, path) = (directory.to_owned(), directory.join(name));
    let write = move || {
        private_file::create_directory(&directory)
            .map_err(|error| io::Error::new(error.kind(), format!("the directory cannot be used: {error}")))?;
        private_file::write(&path, &bytes)?;
        // The mail is where it should be, whatever becomes of the older ones: they are moved after a later one.
        if let Err(error) = move_oldest(&directory) {
            tracing::warn!(%error, mailbox = OLDER, "the oldest mails of the outbox are not moved to the mailbox");
        }
        Ok(())
    };
    tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
}

/// Mail that is a file: its number, when it was written, and the path.
type Kept = (u64, u64, PathBuf);

/// Moves the oldest mails to the mailbox if there are so many: by their numbers, because clocks may be set back. A mail is in the mailbox,
/// durably, before its file is removed; a crash in between leaves it in both, and the next attempt adds it once more.
fn move_oldest(directory: &Path) -> io::Result<()> {
    let mut mails: Vec<Kept> = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let found = number_of(&path).filter(|_| entry.file_type().is_ok_and(|kind| kind.is_file()));
        mails.extend(found.map(|(number, at)| (number, at, path)));
    }
    if mails.len() < KEPT + MOVED_AT_ONCE {
        return Ok(());
    }
    mails.sort_unstable();
    mails.truncate(mails.len() - KEPT);
    add_to_mailbox(directory, &mails)?;
    mails.iter().try_for_each(|(_, _, path)| fs::remove_file(path))
}

/// Adds mails to the mailbox, durably: all of them, or none, as on a full disk.
fn add_to_mailbox(directory: &Path, mails: &[Kept]) -> io::Result<()> {
    let mut older = private_file::open_to_append(&directory.join(OLDER))?;
    let before = older.metadata()?.len();
    let mut added = mails.iter().try_for_each(|(_, at, path)| older.write_all(&entry_of(&fs::read(path)?, *at)));
    added = added.and_then(|()| older.sync_all());
    if added.is_err() {
        older.set_len(before)?;
        return added;
    }
    private_file::sync_directory(directory)
}

/// Returns the number in the name of a mail, and the time; none if the file is no mail.
fn number_of(path: &Path) -> Option<(u64, u64)> {
    let (at, number) = path.file_name()?.to_str()?.strip_suffix(".eml")?.split_once('-')?;
    Some((number.parse().ok()?, at.parse().ok()?))
}

/// Returns a mail as an entry of the mailbox: behind a line with its sender and its time, with the line ends of Unix, with a `>` before what
/// might be taken for such a line, and with an empty line at its end.
fn entry_of(mail: &[u8], at: u64) -> Vec<u8> {
    let text = String::from_utf8_lossy(mail);
    let sender = text.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix("From: "));
    let mut entry = format!("From {} {}\n", sender.unwrap_or(UNKNOWN_SENDER), date_of(at));
    for line in text.lines() {
        if line.trim_start_matches('>').starts_with("From ") {
            entry.push('>');
        }
        entry.push_str(line);
        entry.push('\n');
    }
    entry.push('\n');
    entry.into_bytes()
}

/// Returns the date of a separator line, as in `Wed Nov 18 20:15:00 2026`, in UTC.
fn date_of(at: u64) -> String {
    let format =
        format_description!("[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]");
    let time =
        i64::try_from(at).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &Path, at: u64, number: usize) -> PathBuf {
        let path = directory.join(name_of(at, number as u64));
        fs::write(&path, format!("From: p2p@localhost\r\nSubject: {number}\r\n\r\nFrom us\r\n>From you\r\n")).unwrap();
        path
    }

    /// The outbox keeps the latest mails as files, whatever the clock said when they were written, and the older ones in the mailbox.
    #[test]
    fn the_oldest_mails_are_moved_together() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path();
        fs::write(directory.join("notes.txt"), "mine").unwrap();
        let at = |number| if number < 3 { 2_000_000_000 } else { 1_795_000_000 };
        let all = KEPT + MOVED_AT_ONCE;
        let paths: Vec<PathBuf> = (1..all).map(|number| write(directory, at(number), number)).collect();
        move_oldest(directory).unwrap();
        assert!(paths.iter().all(|path| path.exists()) && !directory.join(OLDER).exists());
        write(directory, at(all), all);
        move_oldest(directory).unwrap();
        let left: Vec<bool> = paths.iter().map(|path| path.exists()).collect();
        assert!(left[..MOVED_AT_ONCE].iter().all(|&left| !left) && left[MOVED_AT_ONCE..].iter().all(|&left| left));
        let older = fs::read_to_string(directory.join(OLDER)).unwrap();
        let first =
            "From p2p@localhost Wed May 18 03:33:20 2033\nFrom: p2p@localhost\nSubject: 1\n\n>From us\n>>From you\n\nFrom ";
        assert!(older.starts_with(first), "{older}");
        assert_eq!(older.matches("\nSubject: ").count(), MOVED_AT_ONCE);
        assert!(!private_file::is_open_to_others(&directory.join(OLDER)).unwrap());
    }

    /// A mail is delivered although the older ones cannot be moved, and they stay as they are.
    #[tokio::test]
    async fn a_mailbox_that_cannot_be_written_loses_no_mail() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path();
        let paths: Vec<PathBuf> = (1..=KEPT + MOVED_AT_ONCE).map(|number| write(directory, 1_795_000_000, number)).collect();
        fs::create_dir(directory.join(OLDER)).unwrap();
        keep(directory, "1795000000-009999.eml", b"From: a\r\n\r\n".to_vec()).await.unwrap();
        assert!(paths.iter().all(|path| path.exists()) && directory.join("1795000000-009999.eml").exists());
        // Of mails of which one cannot be read none is added.
        fs::remove_dir(directory.join(OLDER)).unwrap();
        add_to_mailbox(directory, &[(1, 1, paths[0].clone())]).unwrap();
        let before = fs::read(directory.join(OLDER)).unwrap();
        let gone = directory.join("1795000000-000000.eml");
        assert!(add_to_mailbox(directory, &[(2, 2, paths[1].clone()), (0, 0, gone)]).is_err());
        assert_eq!(fs::read(directory.join(OLDER)).unwrap(), before);
    }

    /// Without a sender, and with a time that no calendar has, an entry can be told from others all the same.
    #[test]
    fn a_mail_without_a_sender_is_an_entry() {
        assert_eq!(
            entry_of(b"Subject: x\r\n\r\nFrom: y", u64::MAX),
            b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nSubject: x\n\nFrom: y\n\n"
        );
    }
}
