//! What the database keeps of accounts, and how it is read and written. Knows nothing of what is allowed.

use std::borrow::Borrow;

use redb::{Key, ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::audit::{AUDIT, AUDIT_ANCHOR, AUDIT_HEAD};
use super::names::{Email, UserName};
use super::otp::AppSecret;
use super::secret::Fingerprint;
use crate::database::{self, Database, DatabaseError, Purpose};

/// A table of values.
pub(super) type Values<K> = TableDefinition<'static, K, &'static [u8]>;

pub(super) const ACCOUNTS: Values<&str> = TableDefinition::new("accounts");
/// Addresses as they are compared, and whose they are.
pub(super) const ADDRESSES: Values<&str> = TableDefinition::new("addresses");
/// The same, as an earlier version compared them: by capitals alone.
const ADDRESSES_BEFORE: Values<&str> = TableDefinition::new("emails");
/// Sessions by the fingerprint of their token.
pub(super) const SESSIONS: Values<[u8; 32]> = TableDefinition::new("sessions");
/// When somebody failed, by user and by origin; when somebody asked for mails, by user.
pub(super) const ATTEMPTS: Values<&str> = TableDefinition::new("attempts");
/// Mails that wait to be sent.
pub(super) const MAILS: Values<u64> = TableDefinition::new("mails");
/// The latest of those that were given up, without what they said.
pub(super) const MAILS_GIVEN_UP: Values<u64> = TableDefinition::new("mails-given-up");
/// The number of the last one that was queued.
pub(super) const MAIL_NUMBERS: TableDefinition<(), u64> = TableDefinition::new("mail-numbers");

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// What is their own.
    User,
}

impl Role {
    /// It in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::User => "user",
        }
    }
}

/// What is asked after the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Second {
    Nothing,
    App { secret: AppSecret, last_step: u64 },
    Mail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AccountRecord {
    pub(super) name: UserName,
    pub(super) email: Email,
    pub(super) role: Role,
    pub(super) created_at: u64,
    pub(super) last_login: Option<u64>,
    /// A PHC string.
    pub(super) password: String,
    /// How often the password or the second factor was changed: what was begun before that is worth nothing.
    pub(super) changes: u32,
    pub(super) second: Second,
    pub(super) backup_codes: Vec<Fingerprint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SessionRecord {
    pub(super) user: UserName,
    pub(super) created_at: u64,
    pub(super) used_at: u64,
    pub(super) origin: String,
    /// It is kept until somebody tries to use it, so that the attempt can be told.
    pub(super) revoked: bool,
}

/// Makes the tables where they are not there, so that readers find them.
pub(super) fn create_tables(database: &Database) -> Result<(), DatabaseError> {
    if database.read()?.open_table(ADDRESSES).is_ok() {
        return Ok(());
    }
    database.write_for(Purpose::Access, |transaction| {
        for table in [ACCOUNTS, ADDRESSES, ATTEMPTS] {
            transaction.open_table(table)?;
        }
        for table in [MAILS, MAILS_GIVEN_UP] {
            transaction.open_table(table)?;
        }
        transaction.open_table(SESSIONS)?;
        transaction.open_table(MAIL_NUMBERS)?;
        transaction.open_table(AUDIT)?;
        transaction.open_table(AUDIT_HEAD)?;
        transaction.open_table(AUDIT_ANCHOR)?;
        fold_addresses(transaction)
    })
}

/// Notes the addresses of all accounts as they are compared now.
fn fold_addresses(transaction: &WriteTransaction) -> Result<(), DatabaseError> {
    transaction.delete_table(ADDRESSES_BEFORE)?;
    let accounts: Vec<((), AccountRecord)> = all(&transaction.open_table(ACCOUNTS)?, |_| ())?;
    accounts.iter().try_for_each(|((), account)| put(transaction, ADDRESSES, account.email.key().as_str(), &account.name))
}

pub(super) fn read<'k, K: Key + 'static, V: DeserializeOwned>(
    transaction: &ReadTransaction,
    table: Values<K>,
    key: impl Borrow<K::SelfType<'k>>,
) -> Result<Option<V>, DatabaseError> {
    transaction.open_table(table)?.get(key)?.map(|value| database::decode(value.value())).transpose()
}

pub(super) fn get<'k, K: Key + 'static, V: DeserializeOwned>(
    transaction: &WriteTransaction,
    table: Values<K>,
    key: impl Borrow<K::SelfType<'k>>,
) -> Result<Option<V>, DatabaseError> {
    transaction.open_table(table)?.get(key)?.map(|value| database::decode(value.value())).transpose()
}

pub(super) fn put<'k, K: Key + 'static, V: Serialize>(
    transaction: &WriteTransaction,
    table: Values<K>,
    key: impl Borrow<K::SelfType<'k>>,
    value: &V,
) -> Result<(), DatabaseError> {
    transaction.open_table(table)?.insert(key, database::encode(value)?.as_slice())?;
    Ok(())
}

pub(super) fn remove<'k, K: Key + 'static>(
    transaction: &WriteTransaction,
    table: Values<K>,
    key: impl Borrow<K::SelfType<'k>>,
) -> Result<(), DatabaseError> {
    transaction.open_table(table)?.remove(key)?;
    Ok(())
}

/// All that a table holds, with what `owned` makes of the keys.
pub(super) fn all<K: Key + 'static, O, V: DeserializeOwned>(
    table: &impl ReadableTable<K, &'static [u8]>,
    owned: impl Fn(K::SelfType<'_>) -> O,
) -> Result<Vec<(O, V)>, DatabaseError> {
    let mut found = Vec::new();
    for entry in table.iter()? {
        let (key, value) = entry?;
        found.push((owned(key.value()), database::decode(value.value())?));
    }
    Ok(found)
}

/// Every session with its fingerprint.
pub(super) fn sessions(
    table: &impl ReadableTable<[u8; 32], &'static [u8]>,
) -> Result<Vec<(Fingerprint, SessionRecord)>, DatabaseError> {
    all(table, |fingerprint| fingerprint)
}
