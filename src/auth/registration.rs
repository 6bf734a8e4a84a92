//! Registering, and changing a password. Knows nothing of who asks.

use redb::ReadableTableMetadata;

use super::audit::{self, Action, Deed};
use super::login::{Attempt, Granted, update_proven};
use super::mail::{self, Mail};
use super::names::{Email, UserName};
use super::secret::{Secret, Token};
use super::store::{self, ACCOUNTS, AccountRecord, EMAILS, Role, Second};
use super::{Account, Auth, AuthError, deed, password, sessions};
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
    /// Where the name or the address is taken, or the password is not accepted.
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
        let hash = password::hash(&wanted.password, self.0.policy.iterations)?;
        self.write(|transaction| {
            let name = wanted.name.as_str();
            if store::get::<_, AccountRecord>(transaction, ACCOUNTS, name)?.is_some() {
                return Err(AuthError::NameTaken { name: wanted.name.clone() });
            }
            if store::get::<_, UserName>(transaction, EMAILS, wanted.email.key().as_str())?.is_some() {
                return Err(AuthError::EmailTaken { email: wanted.email.clone() });
            }
            let first = transaction.open_table(ACCOUNTS).map_err(DatabaseError::from)?.is_empty().map_err(DatabaseError::from)?;
            let record = AccountRecord {
                name: wanted.name.clone(),
                email: wanted.email.clone(),
                role: if first { Role::Admin } else { Role::User },
                created_at: now,
                last_login: token.map(|_| now),
                password: hash,
                password_changes: 0,
                second: Second::Nothing,
                backup_codes: Vec::new(),
            };
            store::put(transaction, ACCOUNTS, name, &record)?;
            store::put(transaction, EMAILS, wanted.email.key().as_str(), &wanted.name)?;
            if let Some(token) = token {
                sessions::insert(transaction, token, &wanted.name, &made.origin, now)?;
            }
            audit::append(transaction, made)?;
            Ok(Account::from(&record))
        })
    }

    /// Changes a password, and ends the user's other sessions than `keep`.
    ///
    /// # Errors
    /// Where the old one is wrong or the new one is not accepted.
    pub fn change_password(
        &self,
        user: &UserName,
        (old, new): (&Secret, &Secret),
        keep: Option<&Token>,
        origin: &str,
        now: u64,
    ) -> Result<(), AuthError> {
        password::check(new, user)?;
        let changes =
            self.checked(old, &Attempt { user: user.as_str(), origin, action: Action::Password, now })?.password_changes;
        let hash = password::hash(new, self.0.policy.iterations)?;
        self.write(|transaction| {
            let email = update_proven(transaction, user, changes, |record| {
                (record.password, record.password_changes) = (hash, changes + 1);
                Ok(record.email.clone())
            })?;
            sessions::revoke_all(transaction, user, keep)?;
            mail::queue(transaction, &Mail::changed(&email, user.as_str(), "password changed", now))?;
            Ok(audit::append(transaction, deed(now, user.as_str(), origin, Action::Password))?)
        })
    }
}
