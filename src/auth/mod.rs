//! Floor 1: accounts, passwords, one-time passwords, sessions, the mails and the audit log that go with them.
//!
//! | file | what it is |
//! |---|---|
//! | [`names`] | user names and e-mail addresses |
//! | [`password`] | which are accepted, and how they are kept (PBKDF2) |
//! | [`otp`] | codes of an app (TOTP), backup codes, mailed codes |
//! | [`secret`] | secrets, tokens, chance |
//! | [`limits`] | how often somebody may fail |
//! | [`audit`] | who tried what, in a chain of hashes |
//! | [`mail`] | what is mailed, and the queue |
//! | `login`, `sessions`, `enrolment`, `registration` | what can be done, each step one transaction |
//! | `store` | the tables |
//!
//! Every call blocks, for as long as PBKDF2 or the disk takes: [`Auth::off_thread`] keeps them off async threads. The wall clock comes in as `now`,
//! in seconds since 1970. Knows nothing of files, nodes or front ends.

pub mod audit;
mod enrolment;
pub mod limits;
mod login;
pub mod mail;
pub mod names;
pub mod otp;
pub mod password;
mod registration;
pub mod secret;
mod sessions;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use redb::{ReadableTableMetadata, WriteTransaction};
use thiserror::Error;
use tokio::sync::Notify;

use self::audit::{Action, Deed, Finding};
use self::enrolment::PendingEnrolment;
use self::login::PendingLogin;
use self::mail::{Fate, Mail, Unsent};
use self::names::{Email, NameError, UserName};
use self::password::PasswordError;
use self::store::{ACCOUNTS, AccountRecord, Second};
use crate::database::{Database, DatabaseError, Purpose};

pub use self::enrolment::Begun;
pub use self::login::{Challenge, CodeKind, Granted, Step};
pub use self::registration::Registration;
pub use self::secret::{Secret, Token};
pub use self::sessions::SessionInfo;
pub use self::store::Role;

/// Why somebody is not let do something.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// The database refused.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The system's generator of random bytes refused.
    #[error("the system gives no random bytes: {reason}")]
    NoChance {
        /// What it said.
        reason: String,
    },
    /// A library did what it should not: a bug.
    #[error("internal error: {reason}")]
    Internal {
        /// What it said.
        reason: String,
    },
    /// A text is no user name or no address.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A password is not accepted.
    #[error("the password is not accepted: {0}")]
    Password(#[from] PasswordError),
    /// There is an account of that name.
    #[error("the user name `{name}` is taken")]
    NameTaken {
        /// The name.
        name: UserName,
    },
    /// There is an account with that address.
    #[error("there is an account with the address {email} already")]
    EmailTaken {
        /// The address.
        email: Email,
    },
    /// The name, the password or both are wrong; which is not told.
    #[error("wrong user name or password")]
    WrongLogin,
    /// The password of whoever is logged in is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// The code is wrong, too old, or used.
    #[error("the code is wrong, too old or used already")]
    WrongCode,
    /// There were too many failures, or too many codes were mailed.
    #[error("too many attempts; try again in {seconds} s")]
    Wait {
        /// How long.
        seconds: u64,
    },
    /// A login or an enrolment was begun too long ago, failed too often, or was overtaken by a new password.
    #[error("that has lapsed: it took too long, failed too often or was overtaken by another change; begin anew")]
    Lapsed,
    /// There is no enrolment to confirm.
    #[error("there is nothing to confirm; `otp enable` begins, and `otp confirm` goes on with it in the same session")]
    NothingBegun,
    /// The session is over.
    #[error("the session is over; log in again")]
    SessionOver,
    /// There is no such session.
    #[error("there is no session `{id}`; `sessions` lists them")]
    UnknownSession {
        /// What was asked for.
        id: String,
    },
    /// There is no such account.
    #[error("there is no user `{name}`")]
    UnknownUser {
        /// What was asked for.
        name: String,
    },
    /// Whoever is logged in is not to get round the password that `passwd` asks for.
    #[error("your own account is not reset; `passwd` and `otp disable` change it")]
    OwnReset,
    /// One-time passwords are enabled already.
    #[error("one-time passwords are enabled already; `otp disable` first")]
    OtpEnabled,
    /// They are not.
    #[error("one-time passwords are not enabled; `otp enable` does that")]
    OtpDisabled,
}

/// What is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Iterations of PBKDF2.
    pub iterations: u32,
    /// A session ends after so many seconds.
    pub session_lifetime: u64,
    /// And after so many in which it is not used.
    pub session_idle: u64,
    /// So many entries of the audit log are kept.
    pub audit_entries: u64,
}

impl Default for Policy {
    fn default() -> Self {
        let (session_lifetime, session_idle) = (24 * 3600, 2 * 3600);
        Policy { iterations: password::ITERATIONS_MIN, session_lifetime, session_idle, audit_entries: audit::ENTRIES_KEPT }
    }
}

/// An account, as others may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: UserName,
    /// Where its mail goes.
    pub email: Email,
    /// What it may do.
    pub role: Role,
    /// When it was made: seconds since 1970.
    pub created_at: u64,
    /// When its holder last logged in.
    pub last_login: Option<u64>,
    /// What is asked after the password.
    pub second_factor: Option<CodeKind>,
    /// How many backup codes are left.
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

/// The accounts of a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    policy: Policy,
    /// Iterations that a refused password takes: as many as any that is kept. Looked up with the first refusal.
    refusal_iterations: OnceLock<u32>,
    pending: Mutex<Pending>,
    /// Told whenever a mail may have been queued.
    mail_queued: Arc<Notify>,
}

/// What has been begun and is forgotten when the process ends.
#[derive(Debug, Default)]
struct Pending {
    logins: HashMap<String, PendingLogin>,
    enrolments: HashMap<UserName, PendingEnrolment>,
    /// Mails with codes for them, by number.
    codes: BTreeMap<u64, Mail>,
    /// Attempts that are being checked: they count as failures until they are known not to be.
    in_flight: HashMap<String, usize>,
}

/// Whether a database has any accounts.
///
/// # Errors
/// Where the disk refuses, or nobody has made the tables yet.
pub fn has_accounts(database: &Database) -> Result<bool, AuthError> {
    let table = database.read()?.open_table(ACCOUNTS).map_err(DatabaseError::from)?;
    Ok(!table.is_empty().map_err(DatabaseError::from)?)
}

impl Auth {
    /// The accounts of this database.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn open(database: Database, policy: Policy) -> Result<Auth, AuthError> {
        store::create_tables(&database)?;
        let (refusal_iterations, pending, mail_queued) = Default::default();
        Ok(Auth(Arc::new(Inner { database, policy, refusal_iterations, pending, mail_queued })))
    }

    /// Does what takes as long as a password's hash or a disk on a thread that may wait for it. Where nobody waits any more, it is
    /// done nevertheless.
    ///
    /// # Errors
    /// What `work` says.
    pub async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth) -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let auth = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&auth)).await;
        done.unwrap_or_else(|error| Err(AuthError::Internal { reason: error.to_string() }))
    }

    /// Whether there is any account.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn has_accounts(&self) -> Result<bool, AuthError> {
        has_accounts(&self.0.database)
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn accounts(&self) -> Result<Vec<Account>, AuthError> {
        Ok(self.records()?.iter().map(Account::from).collect())
    }

    /// The admin to whom belongs what was stored before there were accounts: the first one.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn first_admin(&self) -> Result<Option<UserName>, AuthError> {
        let admins = self.accounts()?.into_iter().filter(|account| account.role == Role::Admin);
        Ok(admins.min_by_key(|account| account.created_at).map(|account| account.name))
    }

    /// One account.
    ///
    /// # Errors
    /// [`AuthError::UnknownUser`], or where the disk refuses.
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

    /// The latest entries of the audit log, latest first: of one user, or of all.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn audit(&self, count: usize, user: Option<&UserName>) -> Result<Vec<(u64, Deed)>, AuthError> {
        let fits = |deed: &Deed| user.is_none_or(|user| deed.user == user.as_str());
        Ok(audit::latest(&self.0.database, count, fits)?)
    }

    /// Whether the audit log is as it was written.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn verify_audit(&self) -> Result<Finding, AuthError> {
        Ok(audit::verify(&self.0.database)?)
    }

    /// Notes that somebody does something with what is somebody else's, or is refused.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn note_access(&self, user: &UserName, origin: &str, what: &str, done: bool, now: u64) -> Result<(), AuthError> {
        self.note(Deed { done, note: what.to_owned(), ..deed(now, user.as_str(), origin, Action::Access) })
    }

    /// Notes that somebody has let another read a file, or no longer.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn note_share(&self, user: &UserName, origin: &str, what: &str, now: u64) -> Result<(), AuthError> {
        self.note(Deed { note: what.to_owned(), ..deed(now, user.as_str(), origin, Action::Share) })
    }

    /// Puts a deed into the audit log, in a transaction of its own.
    fn note(&self, deed: Deed) -> Result<(), AuthError> {
        Ok(self.write_access(|transaction| audit::append(transaction, deed))?)
    }

    /// Whoever sends mails waits for this.
    pub fn mail_queued(&self) -> Arc<Notify> {
        Arc::clone(&self.0.mail_queued)
    }

    /// One durable transaction; whoever sends mails looks whether there is one now. The audit log is cut to its limit in it.
    fn write<T, E: From<DatabaseError>>(&self, body: impl FnOnce(&WriteTransaction) -> Result<T, E>) -> Result<T, E> {
        self.write_for(Purpose::Keep, body)
    }

    /// The same for what lets somebody in or turns them away: it is done on a full disk too, and where nothing can be written it
    /// lasts as long as the process.
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
            audit::trim(transaction, self.0.policy.audit_entries)?;
            Ok::<T, E>(result)
        })?;
        self.0.mail_queued.notify_one();
        Ok(result)
    }

    /// The mails that wait to be sent, oldest first.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn mails(&self) -> Result<Vec<(u64, Mail)>, AuthError> {
        let mut mails: BTreeMap<u64, Mail> = mail::queued(&self.0.database)?.into_iter().collect();
        mails.extend(self.pending().codes.clone());
        Ok(mails.into_iter().collect())
    }

    /// The latest mails that were given up, oldest first, without what they said.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn mails_given_up(&self) -> Result<Vec<(u64, Mail)>, AuthError> {
        Ok(mail::given_up(&self.0.database)?)
    }

    /// Notes that a mail was sent, or why not; gives what becomes of it.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn note_mail(&self, number: u64, result: Result<(), Unsent>, now: u64) -> Result<Fate, AuthError> {
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

    /// Queues a mail to a user that says nothing but that mail arrives. Gives its address.
    ///
    /// # Errors
    /// [`AuthError::Wait`] where enough were asked for, or where the disk refuses.
    pub fn test_mail(&self, user: &UserName, now: u64) -> Result<Email, AuthError> {
        let email = self.record(user.as_str())?.email;
        self.write(|transaction| {
            mail::allow(transaction, user, now)?;
            Ok(mail::queue(transaction, &Mail::test(&email, now))?)
        })
        .map(|()| email)
    }

    /// Mails a code. It waits in memory, and is gone with what it is for.
    fn mail_code(&self, user: &UserName, code: &Secret, now: u64) -> Result<(), AuthError> {
        let email = self.record(user.as_str())?.email;
        let number = self.write_access(|transaction| {
            mail::allow(transaction, user, now)?;
            Ok::<_, AuthError>(mail::next_number(transaction)?)
        })?;
        self.pending().codes.insert(number, Mail::code(&email, code, now));
        self.0.mail_queued.notify_one();
        Ok(())
    }

    /// Forgets what waits for a code: nobody will bring one any more.
    pub fn forget_pending(&self) {
        let mut pending = self.pending();
        pending.logins.clear();
        pending.enrolments.clear();
        pending.codes.clear();
    }

    /// Iterations that a refused password takes.
    fn refusal_iterations(&self) -> Result<u32, AuthError> {
        if let Some(&known) = self.0.refusal_iterations.get() {
            return Ok(known);
        }
        let kept = self.records()?.into_iter().map(|record| password::iterations(&record.password));
        let most = kept.fold(self.0.policy.iterations, u32::max);
        Ok(*self.0.refusal_iterations.get_or_init(|| most))
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Whoever panicked with it left a map that is whole.
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that was done.
fn deed(at: u64, user: &str, origin: &str, action: Action) -> Deed {
    Deed { at, user: user.to_owned(), origin: origin.to_owned(), action, done: true, note: String::new() }
}

impl Deed {
    /// The same, but refused.
    fn refused(self, note: &str) -> Deed {
        Deed { done: false, note: note.to_owned(), ..self }
    }
}

/// Changes an account in a transaction.
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
