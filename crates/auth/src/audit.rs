//! The audit log: who attempted which action, when and from which origin. Each entry contains the hash of the one before it, so
//! that altered or removed entries are detected. An attacker who can write the database can rewrite the whole log; a copy of the
//! latest hash, kept elsewhere, detects that too. The oldest entries are moved to the archive once the log has
//! reached its limit; the hash of the last of them is kept, since the first remaining one is bound to it.

use std::path::Path;

use p2p_base::database::{self, Database, DatabaseError};
use p2p_base::hex::hex;
use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use p2p_base::spelling::excerpt;

use super::archive;

pub(super) const AUDIT: TableDefinition<u64, &[u8]> = TableDefinition::new("audit");
/// Hash of the latest entry, so that entries removed from the end are detected.
pub(super) const AUDIT_HEAD: TableDefinition<(), &[u8]> = TableDefinition::new("audit-head");

/// Number and hash of the latest dropped entry, to which the first remaining one is bound.
pub(super) const AUDIT_ANCHOR: TableDefinition<(), &[u8]> = TableDefinition::new("audit-anchor");

/// Default limit on the number of entries.
pub const ENTRIES_KEPT: u64 = 100_000;

type Hash = [u8; 32];

/// Longest user name or note in an entry, in characters, since a caller may have typed any text.
const TEXT_MAX: usize = 200;

/// Action that a user attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Registering of a new account.
    Register,
    /// Logging in with user name and password.
    Login,
    /// Giving the code of the second factor.
    SecondFactor,
    /// Logging out of a session.
    Logout,
    /// Using a session that has ended.
    Session,
    /// Revoking a session of the same user.
    Revoke,
    /// Changing the password of the account.
    Password,
    /// Enabling one-time passwords for the account.
    OtpEnable,
    /// Disabling one-time passwords for the account.
    OtpDisable,
    /// Generating new backup codes.
    BackupCodes,
    /// Using a file of another user, or an operation reserved to admins.
    Access,
    /// Granting another user read access to a file, or revoking it.
    Share,
    /// Resetting an account whose user has lost the password or the second factor.
    Reset,
    /// Making an API token.
    NewToken,
    /// Revoking an API token.
    RevokeToken,
    /// Using an API token that is not valid.
    Token,
    /// Making an invite to register.
    NewInvite,
    /// Revoking an invite.
    RevokeInvite,
    /// Putting faults of the network on, or taking them back.
    Fault,
    /// Adding a public key.
    AddKey,
    /// Removing a public key.
    RemoveKey,
}

impl Action {
    /// Returns the name of the action in words.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Register => "register",
            Action::Login => "login",
            Action::SecondFactor => "second factor",
            Action::Logout => "logout",
            Action::Session => "session",
            Action::Revoke => "revoke session",
            Action::Password => "change password",
            Action::OtpEnable => "otp enable",
            Action::OtpDisable => "otp disable",
            Action::BackupCodes => "backup codes",
            Action::Access => "access",
            Action::Share => "share",
            Action::Reset => "reset account",
            Action::NewToken => "new token",
            Action::RevokeToken => "revoke token",
            Action::Token => "token",
            Action::NewInvite => "new invite",
            Action::RevokeInvite => "revoke invite",
            Action::Fault => "fault",
            Action::AddKey => "add key",
            Action::RemoveKey => "remove key",
        }
    }
}

/// Entry of the audit log: an attempted action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Time of the attempt, in seconds since 1970.
    pub at: u64,
    /// User name of the attempt, which need not be that of an account.
    pub user: String,
    /// Origin of the attempt.
    pub origin: String,
    /// Action that was attempted.
    pub action: Action,
    /// True if the action was done, false if it was refused.
    pub done: bool,
    /// Further details of the attempt, never a secret.
    pub note: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    entry: AuditEntry,
    hash: Hash,
}

/// Result of verifying the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The log is complete: all entries are as they were written.
    Whole {
        /// Number of entries in the log.
        entries: u64,
        /// Number of the first entry; the earlier ones were dropped for their age.
        first: u64,
        /// Hash of the latest entry, in hexadecimal digits.
        head: String,
    },
    /// The entry with this number was altered, or the entry is missing.
    Broken {
        /// Number of the broken or missing entry.
        entry: u64,
    },
    /// Entries at the end of the log are missing.
    CutOff {
        /// Number of the last remaining entry.
        after: u64,
    },
}

/// Appends an entry; user name and note are stripped of control characters and shortened.
pub(super) fn append(transaction: &WriteTransaction, entry: AuditEntry) -> Result<(), DatabaseError> {
    let entry = AuditEntry { user: excerpt(&entry.user, TEXT_MAX), note: excerpt(&entry.note, TEXT_MAX), ..entry };
    let mut log = transaction.open_table(AUDIT)?;
    let mut head = transaction.open_table(AUDIT_HEAD)?;
    let before = head.get(())?.map(|hash| hash.value().to_vec()).unwrap_or_default();
    let number = log.last()?.map_or(1, |(number, _)| number.value() + 1);
    let hash = hash_of(&before, number, &entry)?;
    log.insert(number, database::encode(&Entry { entry, hash })?.as_slice())?;
    head.insert((), hash.as_slice())?;
    Ok(())
}

/// Moves the oldest entries to the archive in a directory, so that `kept` remain; a hundredth of that number more may be in the log
/// before, so that they are moved together. An altered entry and those after it stay, so that the alteration can be found; and all
/// stay if the archive cannot be written.
pub(super) fn trim(transaction: &WriteTransaction, kept: u64, directory: &Path) -> Result<(), DatabaseError> {
    let mut log = transaction.open_table(AUDIT)?;
    let surplus = log.len()?.saturating_sub(kept);
    if surplus < (kept / 100).max(1) {
        return Ok(());
    }
    let mut table = transaction.open_table(AUDIT_ANCHOR)?;
    let mut anchor = anchor(&table)?;
    let mut moved = Vec::new();
    for next in log.iter()?.take(usize::try_from(surplus).unwrap_or(usize::MAX)) {
        let (number, entry) = next?;
        match database::decode::<Entry>(entry.value()) {
            Ok(entry) if anchor.is_before(number.value(), &entry)? => {
                anchor = Anchor { number: number.value(), hash: entry.hash.to_vec() };
                moved.push((number.value(), entry));
            }
            _ => break,
        }
    }
    let lines: Vec<archive::Line<'_>> = moved.iter().map(|(number, entry)| line_of(*number, entry)).collect();
    if archive::keep(directory, &lines).is_err() {
        return Ok(());
    }
    for (number, _) in &moved {
        log.remove(number)?;
    }
    table.insert((), database::encode(&anchor)?.as_slice())?;
    Ok(())
}

fn line_of(number: u64, Entry { entry, hash }: &Entry) -> archive::Line<'_> {
    let AuditEntry { at, user, origin, action, done, note } = entry;
    archive::Line { number, at: *at, user, origin, action: action.name(), done: *done, note, hash: hex(hash) }
}

p2p_base::stored!(AuditEntry = 1, Entry = 1, Anchor = 1);

/// Number and hash of an entry, to which the next entry is bound.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Anchor {
    number: u64,
    hash: Vec<u8>,
}

impl Anchor {
    /// Returns true if this entry is the one that was written next.
    fn is_before(&self, number: u64, entry: &Entry) -> Result<bool, DatabaseError> {
        Ok(number == self.number + 1 && entry.hash == hash_of(&self.hash, number, &entry.entry)?)
    }
}

fn anchor(table: &impl ReadableTable<(), &'static [u8]>) -> Result<Anchor, DatabaseError> {
    table.get(())?.map_or_else(|| Ok(Anchor::default()), |anchor| database::decode(anchor.value()))
}

fn hash_of(before: &[u8], number: u64, entry: &AuditEntry) -> Result<Hash, DatabaseError> {
    let entry = database::encode(entry)?;
    Ok(Sha256::new().chain_update(before).chain_update(number.to_le_bytes()).chain_update(entry).finalize().into())
}

/// Returns the latest `count` entries that satisfy `fits`, with their numbers, latest first.
pub(super) fn latest(
    database: &Database,
    count: usize,
    fits: impl Fn(&AuditEntry) -> bool,
) -> Result<Vec<(u64, AuditEntry)>, DatabaseError> {
    let log = database.read()?.open_table(AUDIT)?;
    let mut found = Vec::new();
    for entry in log.iter()?.rev() {
        if found.len() == count {
            break;
        }
        let (number, entry) = entry?;
        let entry: Entry = database::decode(entry.value())?;
        if fits(&entry.entry) {
            found.push((number.value(), entry.entry));
        }
    }
    Ok(found)
}

/// Verifies the hash chain of the whole log.
pub(super) fn verify(database: &Database) -> Result<Finding, DatabaseError> {
    let transaction = database.read()?;
    let log = transaction.open_table(AUDIT)?;
    let mut before = anchor(&transaction.open_table(AUDIT_ANCHOR)?)?;
    let first = before.number + 1;
    for entry in log.iter()? {
        let (number, entry) = entry?;
        let entry = database::decode::<Entry>(entry.value());
        match entry {
            Ok(entry) if before.is_before(number.value(), &entry)? => {
                before = Anchor { number: number.value(), hash: entry.hash.to_vec() };
            }
            _ => return Ok(Finding::Broken { entry: before.number + 1 }),
        }
    }
    let head = transaction.open_table(AUDIT_HEAD)?.get(())?.map(|hash| hash.value().to_vec()).unwrap_or_default();
    if head != before.hash {
        return Ok(Finding::CutOff { after: before.number });
    }
    Ok(Finding::Whole { entries: log.len()?, first, head: hex(&head) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64) -> AuditEntry {
        AuditEntry {
            at: n,
            user: "alice".into(),
            origin: "local".into(),
            action: Action::Login,
            done: n.is_multiple_of(2),
            note: String::new(),
        }
    }

    fn log_of(count: u64) -> (tempfile::TempDir, Database) {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(&directory.path().join("catalog.redb")).unwrap();
        super::super::store::create_tables(&database).unwrap();
        database.write(|transaction| (0..count).try_for_each(|n| append(transaction, entry(n)))).unwrap();
        (directory, database)
    }

    fn tamper(database: &Database, change: impl FnOnce(&mut redb::Table<'_, u64, &'static [u8]>)) -> Finding {
        database
            .write(|transaction| {
                change(&mut transaction.open_table(AUDIT)?);
                Ok::<_, DatabaseError>(())
            })
            .unwrap();
        verify(database).unwrap()
    }

    #[test]
    fn a_log_is_whole_and_told_latest_first() {
        let (_directory, database) = log_of(5);
        assert!(matches!(verify(&database).unwrap(), Finding::Whole { entries: 5, .. }));
        let failures = latest(&database, 9, |entry| !entry.done).unwrap();
        assert_eq!(failures.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 2]);
        assert_eq!(latest(&database, 1, |_| true).unwrap()[0].0, 5);
        assert_eq!(latest(&database, 0, |_| true).unwrap(), []);
    }

    #[test]
    fn what_somebody_typed_is_no_longer_than_is_good() {
        let (_directory, database) = log_of(0);
        let typed = "\u{1b}[2J".to_owned() + &"x".repeat(100_000);
        let entry = AuditEntry { user: typed.clone(), note: typed, ..entry(0) };
        database.write(|transaction| append(transaction, entry)).unwrap();
        let (_, kept) = latest(&database, 1, |_| true).unwrap().remove(0);
        assert!(kept.user.starts_with("[2Jxxx") && kept.user.len() == TEXT_MAX && kept.note == kept.user);
    }

    #[test]
    fn what_is_altered_removed_or_cut_off_is_found() {
        let (_directory, database) = log_of(5);
        let altered = database::encode(&Entry { entry: entry(7), hash: [0; 32] }).unwrap();
        assert_eq!(tamper(&database, |log| drop(log.insert(3, altered.as_slice()).unwrap())), Finding::Broken { entry: 3 });
        let (_directory, database) = log_of(5);
        assert_eq!(tamper(&database, |log| drop(log.remove(2).unwrap())), Finding::Broken { entry: 2 });
        let (_directory, database) = log_of(5);
        assert_eq!(tamper(&database, |log| drop(log.remove(5).unwrap())), Finding::CutOff { after: 4 });
        let (_directory, database) = log_of(5);
        assert_eq!(tamper(&database, |log| drop(log.insert(4, [9].as_slice()).unwrap())), Finding::Broken { entry: 4 });
        let (_directory, database) = log_of(2);
        assert_eq!(tamper(&database, |log| log.retain(|_, _| false).unwrap()), Finding::CutOff { after: 0 });
    }

    /// The number that follows the last one is not given twice, and what is left verifies.
    #[test]
    fn the_oldest_entries_are_archived_and_the_rest_is_whole() {
        let (home, database) = log_of(5);
        let directory = home.path().join("audit");
        let trimmed = |kept| {
            database.write(|transaction| trim(transaction, kept, &directory)).unwrap();
            verify(&database).unwrap()
        };
        assert!(matches!(trimmed(5), Finding::Whole { entries: 5, first: 1, .. }));
        assert!(matches!(trimmed(3), Finding::Whole { entries: 3, first: 3, .. }));
        database.write(|transaction| append(transaction, entry(5))).unwrap();
        assert!(matches!(trimmed(2), Finding::Whole { entries: 2, first: 5, .. }));
        assert_eq!(latest(&database, 9, |_| true).unwrap().iter().map(|(number, _)| *number).collect::<Vec<_>>(), [6, 5]);
        let archived = |first| {
            let text = std::fs::read_to_string(archive::path_of(&directory, first)).unwrap();
            let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            lines.iter().map(|line| line["number"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!((archived(1), archived(3)), (vec![1, 2], vec![3, 4]));
        // One more that is missed at the beginning, and all of them.
        assert_eq!(tamper(&database, |log| drop(log.remove(5).unwrap())), Finding::Broken { entry: 5 });
        assert_eq!(tamper(&database, |log| log.retain(|_, _| false).unwrap()), Finding::CutOff { after: 4 });
    }

    /// Whatever happens to the process in between, each entry is in the log or in the archive.
    #[test]
    fn what_is_not_archived_is_not_dropped() {
        let (home, database) = log_of(5);
        let directory = home.path().join("audit");
        std::fs::write(&directory, "no directory").unwrap();
        database.write(|transaction| trim(transaction, 2, &directory)).unwrap();
        assert!(matches!(verify(&database).unwrap(), Finding::Whole { entries: 5, first: 1, .. }));
        std::fs::remove_file(&directory).unwrap();
        // A crash after archiving: the transaction is not committed.
        let undone: Result<(), DatabaseError> = database.write(|transaction| {
            trim(transaction, 4, &directory)?;
            Err(DatabaseError::InUse { path: "the power is cut".into() })
        });
        assert!(undone.is_err() && matches!(verify(&database).unwrap(), Finding::Whole { entries: 5, first: 1, .. }));
        database.write(|transaction| trim(transaction, 2, &directory)).unwrap();
        let text = std::fs::read_to_string(archive::path_of(&directory, 1)).unwrap();
        assert_eq!((text.lines().count(), std::fs::read_dir(&directory).unwrap().count()), (3, 1));
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(archive::path_of(&directory, 1)).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    /// A hundredth of the entries are moved at once, and so many as are wanted remain.
    #[test]
    fn entries_are_archived_together() {
        let (home, database) = log_of(302);
        let directory = home.path().join("audit");
        database.write(|transaction| trim(transaction, 300, &directory)).unwrap();
        assert!(!directory.exists());
        database.write(|transaction| append(transaction, entry(303)).and_then(|()| trim(transaction, 300, &directory))).unwrap();
        assert!(matches!(verify(&database).unwrap(), Finding::Whole { entries: 300, first: 4, .. }));
    }

    #[test]
    fn what_was_altered_is_not_dropped() {
        let (home, database) = log_of(5);
        let altered = database::encode(&Entry { entry: entry(7), hash: [0; 32] }).unwrap();
        tamper(&database, |log| drop(log.insert(2, altered.as_slice()).unwrap()));
        database.write(|transaction| trim(transaction, 1, &home.path().join("audit"))).unwrap();
        assert_eq!(verify(&database).unwrap(), Finding::Broken { entry: 2 });
        assert_eq!(latest(&database, 9, |_| true).unwrap().len(), 4);
    }
}
