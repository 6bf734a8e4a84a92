//! Registration of accounts, changes of passwords, and resets by an admin. Front ends check that the caller may do this.

use p2p_base::database::DatabaseError;
use redb::{ReadableTableMetadata, WriteTransaction};

use super::audit::{self, Action, AuditEntry};
use super::invites::{self, Admission};
use super::login::{Attempt, Granted, record_failure, update_proven, user_counter};
use super::mail::{self, Mail};
use super::names::{Email, UserName};
use super::password::PasswordError;
use super::secret::{Secret, Token};
use super::store::{self, ACCOUNTS, ADDRESSES, ATTEMPTS, AccountRecord, Role, Second};
use super::{Account, Auth, AuthError, audit_entry, keys, password, sessions, tokens, update};

/// Data of an account to be created.
#[derive(Debug, Clone)]
pub struct Registration {
    /// User name of the new account.
    pub name: UserName,
    /// E-mail address of the new account.
    pub email: Email,
    /// Password of the new account.
    pub password: Secret,
}

impl Auth {
    /// Creates an account and a session of its holder. The first account gets the role of an admin. An invite is used up together
    /// with the account's making.
    ///
    /// # Errors
    /// Fails if the registration is not admitted, if the name or the address is taken, or if the password violates the rules;
    /// returns [`AuthError::Wait`] after too many attempts with invalid invites, or at taken names or addresses.
    pub fn register(&self, wanted: &Registration, admission: &Admission, origin: &str, now: u64) -> Result<Granted, AuthError> {
        let token = Token::new()?;
        let made = audit_entry(now, wanted.name.as_str(), origin, Action::Register);
        let account = self.make_account(wanted, (admission, Some(&token)), made)?;
        Ok(Granted { token, account })
    }

    /// Creates an account for another user; `by` is the user name of the creator.
    ///
    /// # Errors
    /// Fails like [`register`](Self::register).
    pub fn register_other(&self, wanted: &Registration, by: &str, origin: &str, now: u64) -> Result<Account, AuthError> {
        let made = audit_entry(now, wanted.name.as_str(), origin, Action::Register);
        self.make_account(wanted, (&Admission::Local, None), AuditEntry { note: format!("by {by}"), ..made })
    }

    fn make_account(
        &self,
        wanted: &Registration,
        (admission, token): (&Admission, Option<&Token>),
        mut made: AuditEntry,
    ) -> Result<Account, AuthError> {
        let now = made.at;
        password::check(&wanted.password, &wanted.name)?;
        let origin = made.origin.clone();
        let attempt = Attempt::of(&wanted.name, Action::Register, &origin, now);
        let _in_flight = self.admit(&attempt)?;
        let hash = password::hash(&wanted.password, self.0.policy.iterations)?;
        self.write(|transaction| {
            let first = transaction.open_table(ACCOUNTS).map_err(DatabaseError::from)?.is_empty().map_err(DatabaseError::from)?;
            // Who is not admitted does not learn which names are taken.
            match invites::admit(transaction, admission, first, now)? {
                Ok(note) if note.is_empty() => {}
                Ok(note) => made.note = note,
                Err(error) => {
                    record_failure(transaction, &attempt, "not admitted")?;
                    return Ok(Err(error.into()));
                }
            }
            if let Some(taken) = taken(transaction, wanted)? {
                // Callers that probe which names or addresses exist are slowed down.
                record_failure(transaction, &attempt, "the name or the address is taken")?;
                return Ok(Err(taken));
            }
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
            invites::use_up(transaction, admission)?;
            store::put(transaction, ACCOUNTS, wanted.name.as_str(), &record)?;
            store::put(transaction, ADDRESSES, wanted.email.key().as_str(), &wanted.name)?;
            if let Some(token) = token {
                sessions::insert(transaction, token, &wanted.name, &made.origin, now)?;
            }
            audit::append(transaction, made)?;
            Ok::<_, AuthError>(Ok(Account::from(&record)))
        })?
    }

    /// Changes a password, ends all sessions of the user except `keep`, and revokes the user's API tokens.
    ///
    /// # Errors
    /// Returns [`AuthError::WrongPassword`] if the old password is wrong, or fails if the new one violates the rules.
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
            tokens::revoke_all(transaction, user)?;
            mail::queue(transaction, &Mail::changed(&email, user.as_str(), "password changed", now))?;
            Ok(audit::append(transaction, audit_entry(now, user.as_str(), origin, Action::Password))?)
        })
    }

    /// Gives a user a new password, removes the second factor, ends all sessions and revokes all API tokens of the user, and clears
    /// the failure counter: for users who have lost their password or their phone. `by` is the user name of the admin.
    ///
    /// # Errors
    /// Returns [`AuthError::OwnReset`] if the admin is the user, [`AuthError::UnknownUser`] if there is no such account, or fails
    /// if the password violates the rules.
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
            tokens::revoke_all(transaction, user)?;
            keys::remove_all(transaction, user)?;
            store::remove(transaction, ATTEMPTS, user_counter(user.as_str()).as_str())?;
            let what = "an administrator has set a new password, without one-time passwords";
            mail::queue(transaction, &Mail::changed(&email, user.as_str(), what, now))?;
            let done = AuditEntry { note: format!("by {by}"), ..audit_entry(now, user.as_str(), origin, Action::Reset) };
            Ok::<_, AuthError>(audit::append(transaction, done)?)
        })?;
        self.pending().enrolments.remove(user);
        Ok(())
    }
}

/// Returns the error for a name or an address that another account has already.
fn taken(transaction: &WriteTransaction, wanted: &Registration) -> Result<Option<AuthError>, DatabaseError> {
    if store::get::<_, AccountRecord>(transaction, ACCOUNTS, wanted.name.as_str())?.is_some() {
        return Ok(Some(AuthError::NameTaken { name: wanted.name.clone() }));
    }
    let holder = store::get::<_, UserName>(transaction, ADDRESSES, wanted.email.key().as_str())?;
    Ok(holder.map(|_| AuthError::EmailTaken { email: wanted.email.clone() }))
}
