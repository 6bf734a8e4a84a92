//! Registering, and changing a password. Knows nothing of who asks.

use redb::{ReadableTableMetadata, WriteTransaction};

use super::audit::{self, Action, Deed};
use super::login::{Attempt, Granted, note_failure, update_proven, user_counter};
use super::mail::{self, Mail};
use super::names::{Email, UserName};
use super::password::PasswordError;
use super::secret::{Secret, Token};
use super::store::{self, ACCOUNTS, ADDRESSES, ATTEMPTS, AccountRecord, Role, Second};
use super::{Account, Auth, AuthError, deed, password, sessions, update};
use crate::database::DatabaseError;

/// What somebody registers with.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The user name.
    pub name: UserName,
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Secret,
}

impl Auth {
    /// Makes an account, and a session for its holder. The first account is the admin's.
    ///
    /// # Errors
    /// Where the name or the address is taken, or the password is not accepted; [`AuthError::Wait`] where too many were taken.
    pub fn register(&self, wanted: &Registration, origin: &str, now: u64) -> Result<Granted, AuthError> {
        let token = Token::new()?;
        let made = deed(now, wanted.name.as_str(), origin, Action::Register);
        let account = self.make_account(wanted, Some(&token), made)?;
        Ok(Granted { token, account })
    }

    /// Makes an account for somebody else; `by` is who does.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    pub fn register_other(&self, wanted: &Registration, by: &str, origin: &str, now: u64) -> Result<Account, AuthError> {
        let made = deed(now, wanted.name.as_str(), origin, Action::Register);
        self.make_account(wanted, None, Deed { note: format!("by {by}"), ..made })
    }

    fn make_account(&self, wanted: &Registration, token: Option<&Token>, made: Deed) -> Result<Account, AuthError> {
        let now = made.at;
        password::check(&wanted.password, &wanted.name)?;
        let origin = made.origin.clone();
        let attempt = Attempt::of(&wanted.name, Action::Register, &origin, now);
        let _in_flight = self.admit(&attempt)?;
        let hash = password::hash(&wanted.password, self.0.policy.iterations)?;
        self.write(|transaction| {
            if let Some(taken) = taken(transaction, wanted)? {
                // Whoever goes through names or addresses to learn which there are is slowed down.
                note_failure(transaction, &attempt, "the name or the address is taken")?;
                return Ok(Err(taken));
            }
            let first = transaction.open_table(ACCOUNTS).map_err(DatabaseError::from)?.is_empty().map_err(DatabaseError::from)?;
            let record = AccountRecord {
                name: wanted.name.clone(),
                email: wanted.email.clone(),
                role: if first { Role::Admin } else { Role::User },
                created_at: now,
                last_login: token.map(|_| now),
                password: hash,
                changes: 0,
                second: Second::Nothing,
                backup_codes: Vec::new(),
            };
            store::put(transaction, ACCOUNTS, wanted.name.as_str(), &record)?;
            store::put(transaction, ADDRESSES, wanted.email.key().as_str(), &wanted.name)?;
            if let Some(token) = token {
                sessions::insert(transaction, token, &wanted.name, &made.origin, now)?;
            }
            audit::append(transaction, made)?;
            Ok::<_, AuthError>(Ok(Account::from(&record)))
        })?
    }

    /// Changes a password, and ends the user's other sessions than `keep`.
    ///
    /// # Errors
    /// [`AuthError::WrongPassword`], or where the new one is not accepted.
    pub fn change_password(
        &self,
        user: &UserName,
        (old, new): (&Secret, &Secret),
        keep: Option<&Token>,
        origin: &str,
        now: u64,
    ) -> Result<(), AuthError> {
        password::check(new, user)?;
        let changes = self.reassured(old, &Attempt::of(user, Action::Password, origin, now))?;
        if password::is_same(old, new) {
            return Err(PasswordError::Unchanged.into());
        }
        let hash = password::hash(new, self.0.policy.iterations)?;
        self.write(|transaction| {
            let email = update_proven(transaction, user, changes, |record| {
                (record.password, record.changes) = (hash, changes + 1);
                Ok(record.email.clone())
            })?;
            sessions::revoke_all(transaction, user, keep)?;
            mail::queue(transaction, &Mail::changed(&email, user.as_str(), "password changed", now))?;
            Ok(audit::append(transaction, deed(now, user.as_str(), origin, Action::Password))?)
        })
    }

    /// Gives a user a new password, takes the second factor away, ends all their sessions and lifts what their failures cost: for
    /// whoever has lost the password or the phone. `by` is the admin who does.
    ///
    /// # Errors
    /// [`AuthError::OwnReset`], [`AuthError::UnknownUser`], or where the password is not accepted.
    pub fn reset(&self, user: &UserName, password: &Secret, by: &str, origin: &str, now: u64) -> Result<(), AuthError> {
        if user.as_str() == by {
            return Err(AuthError::OwnReset);
        }
        self.record(user.as_str())?;
        password::check(password, user)?;
        let hash = password::hash(password, self.0.policy.iterations)?;
        self.write(|transaction| {
            let email = update(transaction, user, |record| {
                (record.password, record.changes) = (hash, record.changes + 1);
                (record.second, record.backup_codes) = (Second::Nothing, Vec::new());
                Ok(record.email.clone())
            })?;
            sessions::revoke_all(transaction, user, None)?;
            store::remove(transaction, ATTEMPTS, user_counter(user.as_str()).as_str())?;
            let what = "an administrator has set a new password, without one-time passwords";
            mail::queue(transaction, &Mail::changed(&email, user.as_str(), what, now))?;
            let done = Deed { note: format!("by {by}"), ..deed(now, user.as_str(), origin, Action::Reset) };
            Ok::<_, AuthError>(audit::append(transaction, done)?)
        })?;
        self.pending().enrolments.remove(user);
        Ok(())
    }
}

/// What of a registration somebody else has already.
fn taken(transaction: &WriteTransaction, wanted: &Registration) -> Result<Option<AuthError>, DatabaseError> {
    if store::get::<_, AccountRecord>(transaction, ACCOUNTS, wanted.name.as_str())?.is_some() {
        return Ok(Some(AuthError::NameTaken { name: wanted.name.clone() }));
    }
    let holder = store::get::<_, UserName>(transaction, ADDRESSES, wanted.email.key().as_str())?;
    Ok(holder.map(|_| AuthError::EmailTaken { email: wanted.email.clone() }))
}
