//! Floor 1: accounts, passwords, one-time passwords, sessions, and the mails and the audit log that belong to them.
//!
//! | file | contents |
//! |---|---|
//! | [`names`] | user names, e-mail addresses, names of API tokens and keys |
//! | [`password`] | rules for passwords, and their storage (PBKDF2) |
//! | [`otp`] | codes of an authenticator app (TOTP), backup codes, mailed codes |
//! | [`secret`] | secrets, tokens, random bytes |
//! | [`tokens`] | API tokens, by which programs log in |
//! | [`keys`], [`public_key`] | public keys of users, and their format |
//! | [`limits`] | throttling of failed attempts |
//! | [`audit`] | the audit log, a hash chain of attempts |
//! | [`mail`] | the texts of mails, and their queue |
//! | `login`, `sessions`, `enrolment`, `registration` | the operations, each step one transaction |
//! | `kinds` | the kind of each error |
//! | `store` | the tables of the database |
//!
//! Every call blocks, for as long as PBKDF2 or the disk takes: callers keep it off async threads. The wall clock
//! is passed in as `now`, in seconds since 1970. Independent of files, nodes and front ends.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod archive;
pub mod audit;
mod enrolment;
pub mod invites;
pub mod keys;
mod kinds;
pub mod limits;
mod login;
pub mod mail;
pub mod names;
pub mod otp;
pub mod password;
pub mod public_key;
mod records;
mod registration;
pub mod secret;
mod sessions;
mod store;
#[cfg(test)]
mod tests;
pub mod tokens;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use p2p_base::database::{Database, DatabaseError, Purpose};
use redb::{ReadableTableMetadata, WriteTransaction};
use thiserror::Error;

use self::audit::{Action, AuditEntry, Finding};
use self::enrolment::PendingEnrolment;
use self::invites::InviteError;
use self::keys::KeyError;
use self::login::PendingLogin;
use self::mail::{Fate, Mail, Unsent};
use self::names::{Email, NameError, UserName};
use self::password::PasswordError;
use self::store::{ACCOUNTS, AccountRecord, Second};
use self::tokens::TokenError;

pub use self::enrolment::Begun;
pub use self::login::{Challenge, CodeKind, Granted, LoginStep};
pub use self::registration::Registration;
pub use self::secret::{Secret, Token};
pub use self::sessions::SessionInfo;
pub use self::store::Role;

/// Reason why an operation on accounts or sessions is refused or fails.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// The database reported an error.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The random number generator of the operating system failed.
    #[error("the system gives no random bytes: {reason}")]
    NoChance {
        /// Message of the operating system.
        reason: String,
    },
    /// A library failed unexpectedly, which is a bug of this program.
    #[error("internal error: {reason}")]
    Internal {
        /// Message of the library.
        reason: String,
    },
    /// A text is not a valid user name, e-mail address, or name of a token or a key.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An API token is not valid, or may not be made.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// An invite is not valid or may not be made, or a registration from remote is not admitted.
    #[error(transparent)]
    Invite(#[from] InviteError),
    /// A public key is not added or not removed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The password violates the rules for passwords.
    #[error("the password is not accepted: {0}")]
    Password(#[from] PasswordError),
    /// An account with that user name exists already.
    #[error("the user name `{name}` is taken")]
    NameTaken {
        /// User name that is taken.
        name: UserName,
    },
    /// An account with that e-mail address exists already.
    #[error("there is an account with the address {email} already")]
    EmailTaken {
        /// Address that is taken.
        email: Email,
    },
    /// The user name, the password or both are wrong; the message does not tell which.
    #[error("wrong user name or password")]
    WrongLogin,
    /// The password given by a logged-in user is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// The code is wrong, too old, or used already.
    #[error("the code is wrong, too old or used already")]
    WrongCode,
    /// Too many attempts have failed, or too many mails were requested.
    #[error("too many attempts; try again in {seconds} s")]
    Wait {
        /// Time until the next attempt is allowed, in seconds.
        seconds: u64,
    },
    /// The login or the enrolment took too long, failed too often, or was invalidated by a change of the password or the second
    /// factor.
    #[error("that has lapsed: it took too long, failed too often or was overtaken by another change; begin anew")]
    Lapsed,
    /// No enrolment is pending that could be confirmed.
    #[error("there is nothing to confirm; `otp enable` begins, and `otp confirm` continues it in the same process")]
    NothingBegun,
    /// The session has ended, or the token belongs to no session.
    #[error("the session is over; log in again")]
    SessionOver,
    /// The user has no session with this identifier.
    #[error("there is no session `{id}`; `sessions` lists them")]
    UnknownSession {
        /// Identifier that was given.
        id: String,
    },
    /// No account has this user name.
    #[error("there is no user `{name}`")]
    UnknownUser {
        /// User name that was given.
        name: String,
    },
    /// Admins cannot reset their own account, since that would bypass the old password that `passwd` asks for.
    #[error("your own account is not reset; `passwd` and `otp disable` change it")]
    OwnReset,
    /// One-time passwords are enabled already.
    #[error("one-time passwords are enabled already; `otp disable` first")]
    OtpEnabled,
    /// One-time passwords are not enabled.
    #[error("one-time passwords are not enabled; `otp enable` does that")]
    OtpDisabled,
}

/// Configuration of accounts and sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Number of iterations of PBKDF2 for new password hashes.
    pub iterations: u32,
    /// Longest duration of a session, in seconds.
    pub session_lifetime: u64,
    /// Longest time for which a session may stay unused, in seconds.
    pub session_idle: u64,
    /// Number of entries of the audit log that are kept in the database; older ones are archived.
    pub audit_entries: u64,
}

impl Default for Policy {
    fn default() -> Self {
        let (session_lifetime, session_idle) = (24 * 3600, 2 * 3600);
        Policy { iterations: password::ITERATIONS_MIN, session_lifetime, session_idle, audit_entries: audit::ENTRIES_KEPT }
    }
}

/// Public data of an account, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// User name of the account.
    pub name: UserName,
    /// E-mail address that mails to the user go to.
    pub email: Email,
    /// Role of the user.
    pub role: Role,
    /// Time at which the account was created, in seconds since 1970.
    pub created_at: u64,
    /// Time of the last login, in seconds since 1970.
    pub last_login: Option<u64>,
    /// Second factor of the account; `None` if one-time passwords are disabled.
    pub second_factor: Option<CodeKind>,
    /// Number of unused backup codes.
    pub backup_codes: usize,
}

impl From<&AccountRecord> for Account {
    fn from(record: &AccountRecord) -> Self {
        Account {
            name: record.name.clone(),
            email: record.email.clone(),
            role: record.role,
            created_at: record.created_at,
            last_login: record.last_login,
            second_factor: match record.second {
                Second::Nothing => None,
                Second::App { .. } => Some(CodeKind::App),
                Second::Mail => Some(CodeKind::Mail),
            },
            backup_codes: record.backup_codes.len(),
        }
    }
}

/// Accounts of a database. Clones are cheap and share their state.
#[derive(Debug, Clone)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    policy: Policy,
    /// Number of iterations that a refused password takes: the largest of any stored hash, determined at the first refusal.
    refusal_iterations: OnceLock<u32>,
    pending: Mutex<Pending>,
    /// Directory of the archive of the audit log; without one, the log keeps all entries.
    archive: OnceLock<PathBuf>,
    /// Woken after every transaction in which a mail may have been queued.
    mail_queued: Mutex<Waker>,
}

/// Pending operations, kept in memory alone and forgotten when the process ends.
#[derive(Debug, Default)]
struct Pending {
    logins: HashMap<String, PendingLogin>,
    enrolments: HashMap<UserName, PendingEnrolment>,
    /// Mails that contain the codes of pending operations, by number.
    codes: BTreeMap<u64, Mail>,
    /// Number of attempts being checked, by counter; each counts as a failure until its outcome is known.
    in_flight: HashMap<String, usize>,
}

/// Returns true if a database has any accounts.
///
/// # Errors
/// Fails if the disk refuses, or if the tables have not been created yet.
pub fn has_accounts(database: &Database) -> Result<bool, AuthError> {
    let table = database.read()?.open_table(ACCOUNTS).map_err(DatabaseError::from)?;
    Ok(!table.is_empty().map_err(DatabaseError::from)?)
}

impl Auth {
    /// Returns the database that the accounts are in, for readers of what else is in it.
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Opens the accounts of this database and creates the tables that are missing.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn open(database: Database, policy: Policy) -> Result<Auth, AuthError> {
        store::create_tables(&database)?;
        let (refusal_iterations, pending, archive) = Default::default();
        let mail_queued = Mutex::new(Waker::noop().clone());
        Ok(Auth(Arc::new(Inner { database, policy, refusal_iterations, pending, archive, mail_queued })))
    }

    /// Returns the configuration of accounts and sessions.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Sets the directory into which the oldest entries of the audit log are moved once there are more than the policy keeps. Before,
    /// and if the directory cannot be written, the log keeps all entries.
    pub fn archive_audit_in(&self, directory: PathBuf) {
        // Another directory for the same accounts would tear the archive apart.
        let _ = self.0.archive.set(directory);
    }

    /// Returns true if any account exists.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn has_accounts(&self) -> Result<bool, AuthError> {
        has_accounts(&self.0.database)
    }

    /// Lists all accounts, sorted by user name.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn accounts(&self) -> Result<Vec<Account>, AuthError> {
        Ok(self.records()?.iter().map(Account::from).collect())
    }

    /// Returns the admin whose account is the oldest, who owns the files that were stored before any account existed.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn first_admin(&self) -> Result<Option<UserName>, AuthError> {
        let admins = self.accounts()?.into_iter().filter(|account| account.role == Role::Admin);
        Ok(admins.min_by_key(|account| account.created_at).map(|account| account.name))
    }

    /// Returns the account with this user name.
    ///
    /// # Errors
    /// Returns [`AuthError::UnknownUser`] if there is no such account, or fails if the disk refuses.
    pub fn account(&self, name: &str) -> Result<Account, AuthError> {
        Ok(Account::from(&self.record(name)?))
    }

    fn record(&self, name: &str) -> Result<AccountRecord, AuthError> {
        let folded = UserName::folded(name);
        let found = store::read::<_, AccountRecord>(&self.0.database.read()?, ACCOUNTS, folded.as_str())?;
        found.ok_or_else(|| AuthError::UnknownUser { name: name.to_owned() })
    }

    fn records(&self) -> Result<Vec<AccountRecord>, DatabaseError> {
        let records = store::all(&self.0.database.read()?.open_table(ACCOUNTS)?, |_| ())?;
        Ok(records.into_iter().map(|((), record)| record).collect())
    }

    /// Returns the latest `count` entries of the audit log with their numbers, latest first: those of one user, or of all.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn audit(&self, count: usize, user: Option<&UserName>) -> Result<Vec<(u64, AuditEntry)>, AuthError> {
        let fits = |entry: &AuditEntry| user.is_none_or(|user| entry.user == user.as_str());
        Ok(audit::latest(&self.0.database, count, fits)?)
    }

    /// Verifies the hash chain of the audit log.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn verify_audit(&self) -> Result<Finding, AuthError> {
        Ok(audit::verify(&self.0.database)?)
    }

    /// Appends an entry to the audit log, in a transaction of its own.
    fn note(&self, entry: AuditEntry) -> Result<(), AuthError> {
        Ok(self.write_access(|transaction| audit::append(transaction, entry))?)
    }

    /// Sets what is woken whenever a mail may have been queued.
    pub fn wake_on_mail(&self, sender: Waker) {
        *self.0.mail_queued.lock().unwrap_or_else(PoisonError::into_inner) = sender;
    }

    fn wake_sender(&self) {
        self.0.mail_queued.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
    }

    /// Runs one durable transaction, trims the audit log to its limit in it, and notifies the sender of mails afterwards.
    fn write<T, E: From<DatabaseError>>(&self, body: impl FnOnce(&WriteTransaction) -> Result<T, E>) -> Result<T, E> {
        self.write_for(Purpose::Keep, body)
    }

    /// Runs a transaction that grants or refuses access. It is done on a full disk too, and if the disk cannot be written at all,
    /// its effects last as long as the process.
    fn write_access<T, E: From<DatabaseError>>(&self, body: impl FnOnce(&WriteTransaction) -> Result<T, E>) -> Result<T, E> {
        self.write_for(Purpose::Access, body)
    }

    fn write_for<T, E: From<DatabaseError>>(
        &self,
        purpose: Purpose,
        body: impl FnOnce(&WriteTransaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let result = self.0.database.write_for(purpose, |transaction| {
            let result = body(transaction)?;
            if let Some(directory) = self.0.archive.get() {
                audit::trim(transaction, self.0.policy.audit_entries, directory)?;
            }
            Ok::<T, E>(result)
        })?;
        self.wake_sender();
        Ok(result)
    }

    /// Returns the mails that wait to be sent, oldest first.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn mails(&self) -> Result<Vec<(u64, Mail)>, AuthError> {
        let mut mails: BTreeMap<u64, Mail> = mail::queued(&self.0.database)?.into_iter().collect();
        mails.extend(self.pending().codes.clone());
        Ok(mails.into_iter().collect())
    }

    /// Returns the latest undeliverable mails, oldest first and without their texts.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn mails_given_up(&self) -> Result<Vec<(u64, Mail)>, AuthError> {
        Ok(mail::given_up(&self.0.database)?)
    }

    /// Records the outcome of an attempt to send a mail, and returns the new state of the mail.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn record_mail(&self, number: u64, result: Result<(), Unsent>, now: u64) -> Result<Fate, AuthError> {
        let code = self.pending().codes.remove(&number);
        let Some(code) = code else { return Ok(mail::note(&self.0.database, number, result, now)?) };
        let (fate, mail) = code.after(result, now);
        match fate {
            Fate::Sent => {}
            Fate::Waits(_) => drop(self.pending().codes.insert(number, mail)),
            Fate::GivenUp => mail::give_up(&self.0.database, number, mail)?,
        }
        Ok(fate)
    }

    /// Queues a test mail to a user, and returns the address that it goes to.
    ///
    /// # Errors
    /// Returns [`AuthError::Wait`] if too many mails were requested, or fails if the disk refuses.
    pub fn test_mail(&self, user: &UserName, now: u64) -> Result<Email, AuthError> {
        let email = self.record(user.as_str())?.email;
        self.write(|transaction| {
            mail::allow(transaction, user, now)?;
            Ok(mail::queue(transaction, &Mail::test(&email, now))?)
        })
        .map(|()| email)
    }

    /// Mails a code. The mail waits in memory, and is discarded together with the pending operations.
    fn mail_code(&self, user: &UserName, code: &Secret, now: u64) -> Result<(), AuthError> {
        let email = self.record(user.as_str())?.email;
        let number = self.write_access(|transaction| {
            mail::allow(transaction, user, now)?;
            Ok::<_, AuthError>(mail::next_number(transaction)?)
        })?;
        self.pending().codes.insert(number, Mail::code(&email, code, now));
        self.wake_sender();
        Ok(())
    }

    /// Discards the pending logins, enrolments and codes.
    pub fn forget_pending(&self) {
        let mut pending = self.pending();
        pending.logins.clear();
        pending.enrolments.clear();
        pending.codes.clear();
    }

    /// Returns the number of iterations that a refused password takes.
    fn refusal_iterations(&self) -> Result<u32, AuthError> {
        if let Some(&known) = self.0.refusal_iterations.get() {
            return Ok(known);
        }
        let kept = self.records()?.into_iter().map(|record| password::iterations(&record.password));
        let most = kept.fold(self.0.policy.iterations, u32::max);
        Ok(*self.0.refusal_iterations.get_or_init(|| most))
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // A panic while the lock was held has left the maps consistent.
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the audit entry of a successful action.
fn audit_entry(at: u64, user: &str, origin: &str, action: Action) -> AuditEntry {
    AuditEntry { at, user: user.to_owned(), origin: origin.to_owned(), action, done: true, note: String::new() }
}

impl AuditEntry {
    /// Returns the entry of the same action, but refused.
    fn refused(self, note: &str) -> AuditEntry {
        AuditEntry { done: false, note: note.to_owned(), ..self }
    }
}

/// Changes the record of an account within a transaction.
fn update<T>(
    transaction: &WriteTransaction,
    name: &UserName,
    change: impl FnOnce(&mut AccountRecord) -> Result<T, AuthError>,
) -> Result<T, AuthError> {
    let unknown = || AuthError::UnknownUser { name: name.to_string() };
    let mut record: AccountRecord = store::get(transaction, ACCOUNTS, name.as_str())?.ok_or_else(unknown)?;
    let result = change(&mut record)?;
    store::put(transaction, ACCOUNTS, name.as_str(), &record)?;
    Ok(result)
}
