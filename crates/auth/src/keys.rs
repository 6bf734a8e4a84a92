//! The public keys of users: which belong to whom. Only the owner of an account adds and removes its keys; the private keys are never
//! seen here.

use p2p_base::database::DatabaseError;
use redb::{ReadableTable, WriteTransaction};
use thiserror::Error;

use super::audit::{self, Action, AuditEntry};
use super::mail::{self, Mail};
use super::names::{KeyName, UserName};
use super::public_key::{KeyFingerprint, PublicKey, PublicKeyError};
use super::store::{self, ACCOUNTS, AccountRecord, KEYS, KeyRecord};
use super::{Auth, AuthError, audit_entry};

/// Number of keys that a user may have.
pub const KEYS_MAX: usize = 32;

/// Reason why a public key is not added or not removed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The text is no public key that is taken.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// The user has a key of this name already.
    #[error("there is a key `{name}` already")]
    NameTaken {
        /// Name that is taken.
        name: KeyName,
    },
    /// The user has this key already.
    #[error("the key is yours already, under the name `{name}`")]
    Known {
        /// Name of the key.
        name: KeyName,
    },
    /// The user has as many keys as a user may have.
    #[error("you have {KEYS_MAX} keys, and no user has more")]
    TooMany,
    /// The user has no key of this name.
    #[error("you have no key `{name}`")]
    Unknown {
        /// Name that was given.
        name: KeyName,
    },
}

/// Public key of a user, as shown to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Name of the key.
    pub name: KeyName,
    /// Name of its type, as in `ssh-ed25519`.
    pub algorithm: String,
    /// Fingerprint of the key.
    pub fingerprint: KeyFingerprint,
    /// Time at which it was added, in seconds since 1970.
    pub added_at: u64,
}

/// Removes all keys of a user.
pub(super) fn remove_all(transaction: &WriteTransaction, user: &UserName) -> Result<(), DatabaseError> {
    let all = keys_of(&transaction.open_table(KEYS)?, user)?;
    all.into_iter().try_for_each(|record| store::remove(transaction, KEYS, (user.as_str(), record.key.fingerprint().0)))
}

/// Returns the keys of a user.
fn keys_of(
    table: &impl ReadableTable<(&'static str, [u8; 32]), &'static [u8]>,
    user: &UserName,
) -> Result<Vec<KeyRecord>, DatabaseError> {
    store::range(table, (user.as_str(), [0; 32])..=(user.as_str(), [u8::MAX; 32]))
}

impl Auth {
    /// Adds a public key of a user. The user is told by mail.
    ///
    /// # Errors
    /// Returns a [`KeyError`] if the user has a key of that name, the same key or too many keys; fails if the disk refuses.
    pub fn add_key(
        &self,
        user: &UserName,
        name: &KeyName,
        key: &PublicKey,
        origin: &str,
        now: u64,
    ) -> Result<KeyInfo, AuthError> {
        let record = KeyRecord { name: name.clone(), key: key.clone(), added_at: now };
        let info = KeyInfo::from(record.clone());
        let added = AuditEntry { note: info.note(), ..audit_entry(now, user.as_str(), origin, Action::AddKey) };
        let unknown = || AuthError::UnknownUser { name: user.to_string() };
        self.write(|transaction| {
            let account: AccountRecord = store::get(transaction, ACCOUNTS, user.as_str())?.ok_or_else(unknown)?;
            record.check(&keys_of(&transaction.open_table(KEYS).map_err(DatabaseError::from)?, user)?)?;
            store::put(transaction, KEYS, (user.as_str(), info.fingerprint.0), &record)?;
            let what = format!("public key added: {}", info.fingerprint);
            mail::queue(transaction, &Mail::changed(&account.email, user.as_str(), &what, now))?;
            audit::append(transaction, added)?;
            Ok(info)
        })
    }

    /// Lists the public keys of a user, by name.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn keys(&self, user: &UserName) -> Result<Vec<KeyInfo>, AuthError> {
        let table = self.0.database.read()?.open_table(KEYS).map_err(DatabaseError::from)?;
        let mut found: Vec<KeyInfo> = keys_of(&table, user)?.into_iter().map(KeyInfo::from).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Returns true if a key is one of this user's. Neither the answer nor its time tells if the user exists.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn has_key(&self, user: &str, key: KeyFingerprint) -> Result<bool, AuthError> {
        Ok(self.key_of(&UserName::folded(user), key)?.is_some())
    }

    /// Returns the key of a user that has this fingerprint.
    pub(super) fn key_of(&self, user: &str, key: KeyFingerprint) -> Result<Option<KeyInfo>, DatabaseError> {
        let record: Option<KeyRecord> = store::read(&self.0.database.read()?, KEYS, (user, key.0))?;
        Ok(record.map(KeyInfo::from))
    }

    /// Removes the public key of a user that has this name, and returns it.
    ///
    /// # Errors
    /// Returns [`KeyError::Unknown`] if the user has no such key, or fails if the disk refuses.
    pub fn remove_key(&self, user: &UserName, name: &KeyName, origin: &str, now: u64) -> Result<KeyInfo, AuthError> {
        self.write(|transaction| {
            let keys = keys_of(&transaction.open_table(KEYS).map_err(DatabaseError::from)?, user)?;
            let found = keys.into_iter().find(|record| record.name == *name);
            let info = KeyInfo::from(found.ok_or_else(|| KeyError::Unknown { name: name.clone() })?);
            store::remove(transaction, KEYS, (user.as_str(), info.fingerprint.0))?;
            let removed = AuditEntry { note: info.note(), ..audit_entry(now, user.as_str(), origin, Action::RemoveKey) };
            audit::append(transaction, removed)?;
            Ok(info)
        })
    }
}

impl KeyRecord {
    /// Checks that a user with these keys may have this one, too.
    fn check(&self, keys: &[KeyRecord]) -> Result<(), KeyError> {
        if let Some(same) = keys.iter().find(|record| record.key == self.key) {
            return Err(KeyError::Known { name: same.name.clone() });
        }
        if keys.iter().any(|record| record.name == self.name) {
            return Err(KeyError::NameTaken { name: self.name.clone() });
        }
        if keys.len() >= KEYS_MAX { Err(KeyError::TooMany) } else { Ok(()) }
    }
}

impl KeyInfo {
    /// Returns the note of an entry about the key in the audit log.
    pub(super) fn note(&self) -> String {
        format!("{}, {} {}", self.name, self.algorithm, self.fingerprint)
    }
}

impl From<KeyRecord> for KeyInfo {
    fn from(KeyRecord { name, key, added_at }: KeyRecord) -> KeyInfo {
        KeyInfo { name, algorithm: key.algorithm().to_owned(), fingerprint: key.fingerprint(), added_at }
    }
}
