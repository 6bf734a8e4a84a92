//! The tables of accounts, sessions, API tokens, public keys and mails in the database, and the functions that read and write them. The module does not
//! check permissions.

use std::borrow::Borrow;
use std::ops::RangeBounds;

use p2p_base::database::{self, Database, DatabaseError, Purpose, Stored};
use p2p_base::scope::Scope;
use redb::{Key, ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::audit::{AUDIT, AUDIT_ANCHOR, AUDIT_HEAD};
use super::names::{Email, KeyName, TokenName, UserName};
use super::otp::AppSecret;
use super::public_key::PublicKey;
use super::secret::Fingerprint;

/// Table of values that are encoded as bytes.
pub(super) type Values<K> = TableDefinition<'static, K, &'static [u8]>;

pub(super) const ACCOUNTS: Values<&str> = TableDefinition::new("accounts");
/// Table of the e-mail addresses in their comparable form, with the names of their accounts.
pub(super) const ADDRESSES: Values<&str> = TableDefinition::new("addresses");
/// Table of the addresses as an earlier version compared them, ignoring letter case alone.
const ADDRESSES_BEFORE: Values<&str> = TableDefinition::new("emails");
/// Table of the sessions, keyed by the fingerprint of their token.
pub(super) const SESSIONS: Values<[u8; 32]> = TableDefinition::new("sessions");
/// Table of the API tokens, keyed by the fingerprint of their text.
pub(super) const TOKENS: Values<[u8; 32]> = TableDefinition::new("tokens");
/// Table of the public keys, keyed by user and fingerprint: two users may have one key, and neither learns of it.
pub(super) const KEYS: Values<(&str, [u8; 32])> = TableDefinition::new("keys");
/// Table of the open invites, keyed by the fingerprint of their text.
pub(super) const INVITES: Values<[u8; 32]> = TableDefinition::new("invites");
/// Times of failed attempts, by user and by origin, and times of requested mails, by user.
pub(super) const ATTEMPTS: Values<&str> = TableDefinition::new("attempts");
/// Table of the mails that wait to be sent.
pub(super) const MAILS: Values<u64> = TableDefinition::new("mails");
/// Table of the latest given-up mails, without their texts.
pub(super) const MAILS_GIVEN_UP: Values<u64> = TableDefinition::new("mails-given-up");
/// Number of the mail that was queued last.
pub(super) const MAIL_NUMBERS: TableDefinition<(), u64> = TableDefinition::new("mail-numbers");

/// Role of a user, which determines the permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Role of an administrator, with all permissions.
    Admin,
    /// Role of an ordinary user, with permissions on the user's own property.
    User,
}

impl Role {
    /// Returns the name of the role in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::User => "user",
        }
    }
}

/// Second factor that a login needs after the password.
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
    /// Hash of the password, as a PHC string.
    pub(super) password: String,
    /// Number of changes of the password or the second factor; a change invalidates the operations that began before it.
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
    /// True if the session was revoked. The record is kept until the next attempt to use it, so that the attempt can be logged.
    pub(super) revoked: bool,
}

/// Times in seconds since 1970 of the attempts that count against a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempts(pub(super) Vec<u64>);

/// Text with which the names of links begin.
pub(super) const LINK: &str = "link-";

/// API token of a user. A token that is revoked has no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TokenRecord {
    pub(super) user: UserName,
    pub(super) name: TokenName,
    pub(super) scope: Scope,
    /// Path to which the token is limited.
    pub(super) path: Option<String>,
    pub(super) created_at: u64,
    pub(super) used_at: Option<u64>,
    pub(super) expires_at: u64,
    /// True if it opens a link alone.
    pub(super) is_link: bool,
}

/// API token as an earlier version stored it, of which links were told by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NamedTokenRecord {
    pub(super) user: UserName,
    pub(super) name: TokenName,
    pub(super) scope: Scope,
    pub(super) path: Option<String>,
    pub(super) created_at: u64,
    pub(super) used_at: Option<u64>,
    pub(super) expires_at: u64,
}

impl From<NamedTokenRecord> for TokenRecord {
    fn from(before: NamedTokenRecord) -> TokenRecord {
        let NamedTokenRecord { user, name, scope, path, created_at, used_at, expires_at } = before;
        let is_link = scope == Scope::Read && path.is_some() && name.as_str().starts_with(LINK);
        TokenRecord { user, name, scope, path, created_at, used_at, expires_at, is_link }
    }
}

/// API token as a still earlier version stored it, which could not be limited to a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnlimitedTokenRecord {
    pub(super) user: UserName,
    pub(super) name: TokenName,
    pub(super) scope: Scope,
    pub(super) created_at: u64,
    pub(super) used_at: Option<u64>,
    pub(super) expires_at: u64,
}

impl From<UnlimitedTokenRecord> for TokenRecord {
    fn from(before: UnlimitedTokenRecord) -> TokenRecord {
        let UnlimitedTokenRecord { user, name, scope, created_at, used_at, expires_at } = before;
        TokenRecord { user, name, scope, path: None, created_at, used_at, expires_at, is_link: false }
    }
}

/// Public key of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    pub(super) name: KeyName,
    pub(super) key: PublicKey,
    pub(super) added_at: u64,
}

p2p_base::stored!(AccountRecord = 1, KeyRecord = 1, SessionRecord = 1, Attempts = 1);
p2p_base::stored!(UnlimitedTokenRecord = 1, NamedTokenRecord = 2, TokenRecord = 3);

/// Creates the tables that are missing, since read transactions cannot create them: all of them, or those that an earlier version
/// did not have.
pub(super) fn create_tables(database: &Database) -> Result<(), DatabaseError> {
    let reading = database.read()?;
    // Earlier versions lack some of these.
    let has_addresses = reading.open_table(ADDRESSES).is_ok();
    let has_later = [TOKENS, INVITES].iter().all(|&table| reading.open_table(table).is_ok()) && reading.open_table(KEYS).is_ok();
    let has_all = has_addresses && has_later;
    let tokens_before = reading.open_table(TOKENS).map_or_else(|_| Ok(Vec::new()), |table| tokens_before(&table))?;
    drop(reading);
    if has_all && tokens_before.is_empty() {
        return Ok(());
    }
    database.write_for(Purpose::Access, |transaction| {
        for table in [ACCOUNTS, ADDRESSES, ATTEMPTS] {
            transaction.open_table(table)?;
        }
        for table in [MAILS, MAILS_GIVEN_UP] {
            transaction.open_table(table)?;
        }
        for table in [SESSIONS, TOKENS, INVITES] {
            transaction.open_table(table)?;
        }
        transaction.open_table(KEYS)?;
        transaction.open_table(MAIL_NUMBERS)?;
        transaction.open_table(AUDIT)?;
        transaction.open_table(AUDIT_HEAD)?;
        transaction.open_table(AUDIT_ANCHOR)?;
        for (digest, token) in tokens_before {
            put(transaction, TOKENS, digest, &token)?;
        }
        if has_addresses { Ok(()) } else { fold_addresses(transaction) }
    })
}

/// Returns the API tokens that earlier versions have stored.
fn tokens_before(table: &impl ReadableTable<[u8; 32], &'static [u8]>) -> Result<Vec<(Fingerprint, TokenRecord)>, DatabaseError> {
    let mut found = Vec::new();
    for entry in table.iter()? {
        let (digest, value) = entry?;
        let token = match value.value().first() {
            Some(&UnlimitedTokenRecord::VERSION) => database::decode::<UnlimitedTokenRecord>(value.value())?.into(),
            Some(&NamedTokenRecord::VERSION) => database::decode::<NamedTokenRecord>(value.value())?.into(),
            _ => continue,
        };
        found.push((digest.value(), token));
    }
    Ok(found)
}

/// Fills the table of addresses with those of all accounts, in the form in which they are compared now.
fn fold_addresses(transaction: &WriteTransaction) -> Result<(), DatabaseError> {
    transaction.delete_table(ADDRESSES_BEFORE)?;
    let accounts: Vec<((), AccountRecord)> = all(&transaction.open_table(ACCOUNTS)?, |_| ())?;
    accounts.iter().try_for_each(|((), account)| put(transaction, ADDRESSES, account.email.key().as_str(), &account.name))
}

pub(super) fn read<'k, K: Key + 'static, V: Stored>(
    transaction: &ReadTransaction,
    table: Values<K>,
    key: impl Borrow<K::SelfType<'k>>,
) -> Result<Option<V>, DatabaseError> {
    transaction.open_table(table)?.get(key)?.map(|value| database::decode(value.value())).transpose()
}

pub(super) fn get<'k, K: Key + 'static, V: Stored>(
    transaction: &WriteTransaction,
    table: Values<K>,
    key: impl Borrow<K::SelfType<'k>>,
) -> Result<Option<V>, DatabaseError> {
    transaction.open_table(table)?.get(key)?.map(|value| database::decode(value.value())).transpose()
}

pub(super) fn put<'k, K: Key + 'static, V: Stored>(
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

/// Returns all entries of a table, with the keys converted by `owned`.
pub(super) fn all<K: Key + 'static, O, V: Stored>(
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

/// Returns the values of a range of keys of a table.
pub(super) fn range<'k, K: Key + 'static, V: Stored>(
    table: &impl ReadableTable<K, &'static [u8]>,
    keys: impl RangeBounds<K::SelfType<'k>> + 'k,
) -> Result<Vec<V>, DatabaseError> {
    let mut found = Vec::new();
    for entry in table.range::<K::SelfType<'k>>(keys)? {
        found.push(database::decode(entry?.1.value())?);
    }
    Ok(found)
}

/// Returns every session with its fingerprint.
pub(super) fn sessions(
    table: &impl ReadableTable<[u8; 32], &'static [u8]>,
) -> Result<Vec<(Fingerprint, SessionRecord)>, DatabaseError> {
    all(table, |fingerprint| fingerprint)
}

/// Returns the API tokens of a user with their fingerprints.
pub(super) fn tokens_of(
    table: &impl ReadableTable<[u8; 32], &'static [u8]>,
    user: &UserName,
) -> Result<Vec<(Fingerprint, TokenRecord)>, DatabaseError> {
    let mut tokens: Vec<(Fingerprint, TokenRecord)> = all(table, |fingerprint| fingerprint)?;
    tokens.retain(|(_, record)| record.user == *user);
    Ok(tokens)
}
