//! The audit log: who tried what, when and from where, each entry bound to the one before it by a hash, so that one that is
//! altered or removed is found. Whoever can write the database can of course write all of it anew; a copy of the latest hash,
//! kept elsewhere, finds that too. The oldest entries are dropped once there are enough; what is kept of them is the hash to which the
//! first that is left is bound.
//!
//! Knows nothing of what is done.

use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::names::printable;
use super::secret::hex;
use crate::database::{self, Database, DatabaseError};

pub(super) const AUDIT: TableDefinition<u64, &[u8]> = TableDefinition::new("audit");
/// The latest hash, so that entries that are cut off at the end are missed.
pub(super) const AUDIT_HEAD: TableDefinition<(), &[u8]> = TableDefinition::new("audit-head");

/// The number and the hash of the latest entry that was dropped: to it the first that is left is bound.
pub(super) const AUDIT_ANCHOR: TableDefinition<(), &[u8]> = TableDefinition::new("audit-anchor");

/// So many entries are kept where nobody says how many.
pub const ENTRIES_KEPT: u64 = 100_000;

type Hash = [u8; 32];

/// No name or note in an entry is longer, in characters: somebody may have typed anything.
const TEXT_MAX: usize = 200;

/// What somebody tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// To register.
    Register,
    /// To log in with name and password.
    Login,
    /// To give the second factor.
    SecondFactor,
    /// To log out.
    Logout,
    /// To go on with a session.
    Session,
    /// To revoke a session.
    Revoke,
    /// To change the password.
    Password,
    /// To enable one-time passwords.
    OtpEnable,
    /// To disable them.
    OtpDisable,
    /// To make new backup codes.
    BackupCodes,
    /// To use a file of somebody else, or do what is the admin's.
    Access,
    /// To let another read a file, or no longer.
    Share,
    /// To give somebody who has lost them a new password and no second factor.
    Reset,
}

impl Action {
    /// It in words.
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
        }
    }
}

/// Something that somebody tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Seconds since 1970.
    pub at: u64,
    /// The user name that was given: there need be none of it.
    pub user: String,
    /// From where.
    pub origin: String,
    /// What.
    pub action: Action,
    /// Whether it was done.
    pub done: bool,
    /// What else there is to say, never a secret.
    pub note: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    deed: Deed,
    hash: Hash,
}

/// What is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// All entries are as they were written.
    Whole {
        /// How many.
        entries: u64,
        /// The number of the first one: those before it were dropped for their age.
        first: u64,
        /// The latest hash, in hex.
        head: String,
    },
    /// This entry is not the one that was written here, or the one before it is missing.
    Broken {
        /// Its number.
        entry: u64,
    },
    /// Entries are missing at the end.
    CutOff {
        /// The last one that is there.
        after: u64,
    },
}

/// Adds an entry; what somebody typed stands in it without control characters, and no longer than is good.
pub(super) fn append(transaction: &WriteTransaction, deed: Deed) -> Result<(), DatabaseError> {
    let deed = Deed { user: printable(&deed.user, TEXT_MAX), note: printable(&deed.note, TEXT_MAX), ..deed };
    let mut log = transaction.open_table(AUDIT)?;
    let mut head = transaction.open_table(AUDIT_HEAD)?;
    let before = head.get(())?.map(|hash| hash.value().to_vec()).unwrap_or_default();
    let number = log.last()?.map_or(1, |(number, _)| number.value() + 1);
    let hash = hash_of(&before, number, &deed)?;
    log.insert(number, database::encode(&Entry { deed, hash })?.as_slice())?;
    head.insert((), hash.as_slice())?;
    Ok(())
}

/// Drops the oldest entries, so that no more than so many are left. One that is not as it was written stays, and what follows it too: that
/// is to be found.
pub(super) fn trim(transaction: &WriteTransaction, kept: u64) -> Result<(), DatabaseError> {
    let mut log = transaction.open_table(AUDIT)?;
    let surplus = log.len()?.saturating_sub(kept);
    if surplus == 0 {
        return Ok(());
    }
    let mut table = transaction.open_table(AUDIT_ANCHOR)?;
    let mut anchor = anchor(&table)?;
    for _ in 0..surplus {
        let next = log.first()?.map(|(number, entry)| (number.value(), database::decode::<Entry>(entry.value())));
        match next {
            Some((number, Ok(entry))) if anchor.is_before(number, &entry)? => {
                log.remove(number)?;
                anchor = Anchor { number, hash: entry.hash.to_vec() };
            }
            _ => break,
        }
    }
    table.insert((), database::encode(&anchor)?.as_slice())?;
    Ok(())
}

/// What an entry is bound to: the number and the hash of the one before it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Anchor {
    number: u64,
    hash: Vec<u8>,
}

impl Anchor {
    /// Whether this entry is the one that was written next.
    fn is_before(&self, number: u64, entry: &Entry) -> Result<bool, DatabaseError> {
        Ok(number == self.number + 1 && entry.hash == hash_of(&self.hash, number, &entry.deed)?)
    }
}

fn anchor(table: &impl ReadableTable<(), &'static [u8]>) -> Result<Anchor, DatabaseError> {
    table.get(())?.map_or_else(|| Ok(Anchor::default()), |anchor| database::decode(anchor.value()))
}

fn hash_of(before: &[u8], number: u64, deed: &Deed) -> Result<Hash, DatabaseError> {
    let deed = database::encode(deed)?;
    Ok(Sha256::new().chain_update(before).chain_update(number.to_le_bytes()).chain_update(deed).finalize().into())
}

/// The latest entries with their numbers, latest first: `count` of those that `fits` lets pass.
pub(super) fn latest(database: &Database, count: usize, fits: impl Fn(&Deed) -> bool) -> Result<Vec<(u64, Deed)>, DatabaseError> {
    let log = database.read()?.open_table(AUDIT)?;
    let mut found = Vec::new();
    for entry in log.iter()?.rev() {
        if found.len() == count {
            break;
        }
        let (number, entry) = entry?;
        let entry: Entry = database::decode(entry.value())?;
        if fits(&entry.deed) {
            found.push((number.value(), entry.deed));
        }
    }
    Ok(found)
}

/// Goes through the whole log.
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

    fn deed(n: u64) -> Deed {
        Deed {
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
        database.write(|transaction| (0..count).try_for_each(|n| append(transaction, deed(n)))).unwrap();
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
        let failures = latest(&database, 9, |deed| !deed.done).unwrap();
        assert_eq!(failures.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 2]);
        assert_eq!(latest(&database, 1, |_| true).unwrap()[0].0, 5);
        assert_eq!(latest(&database, 0, |_| true).unwrap(), []);
    }

    #[test]
    fn what_somebody_typed_is_no_longer_than_is_good() {
        let (_directory, database) = log_of(0);
        let typed = "\u{1b}[2J".to_owned() + &"x".repeat(100_000);
        let deed = Deed { user: typed.clone(), note: typed, ..deed(0) };
        database.write(|transaction| append(transaction, deed)).unwrap();
        let (_, kept) = latest(&database, 1, |_| true).unwrap().remove(0);
        assert!(kept.user.starts_with("[2Jxxx") && kept.user.len() == TEXT_MAX && kept.note == kept.user);
    }

    #[test]
    fn what_is_altered_removed_or_cut_off_is_found() {
        let (_directory, database) = log_of(5);
        let altered = database::encode(&Entry { deed: deed(7), hash: [0; 32] }).unwrap();
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
    fn the_oldest_entries_are_dropped_and_the_rest_is_whole() {
        let (_directory, database) = log_of(5);
        let trimmed = |kept| {
            database.write(|transaction| trim(transaction, kept)).unwrap();
            verify(&database).unwrap()
        };
        assert!(matches!(trimmed(5), Finding::Whole { entries: 5, first: 1, .. }));
        assert!(matches!(trimmed(3), Finding::Whole { entries: 3, first: 3, .. }));
        database.write(|transaction| append(transaction, deed(5))).unwrap();
        assert!(matches!(trimmed(2), Finding::Whole { entries: 2, first: 5, .. }));
        assert_eq!(latest(&database, 9, |_| true).unwrap().iter().map(|(number, _)| *number).collect::<Vec<_>>(), [6, 5]);
        // One more that is missed at the beginning, and all of them.
        assert_eq!(tamper(&database, |log| drop(log.remove(5).unwrap())), Finding::Broken { entry: 5 });
        assert_eq!(tamper(&database, |log| log.retain(|_, _| false).unwrap()), Finding::CutOff { after: 4 });
    }

    #[test]
    fn what_was_altered_is_not_dropped() {
        let (_directory, database) = log_of(5);
        let altered = database::encode(&Entry { deed: deed(7), hash: [0; 32] }).unwrap();
        tamper(&database, |log| drop(log.insert(2, altered.as_slice()).unwrap()));
        database.write(|transaction| trim(transaction, 1)).unwrap();
        assert_eq!(verify(&database).unwrap(), Finding::Broken { entry: 2 });
        assert_eq!(latest(&database, 9, |_| true).unwrap().len(), 4);
    }
}
