//! Logging in: user name and password, then the second factor if one is enabled.
//!
//! Neither messages nor timing tell if a user exists. The state between the two steps is kept in memory alone: if the process
//! ends there, no session was created.

use p2p_base::database::{self, DatabaseError};
use p2p_base::hex::hex;
use p2p_base::stored_time;
use redb::WriteTransaction;
use subtle::ConstantTimeEq;

use super::audit::{self, Action, AuditEntry};
use super::mail::{self, CODE_LIFETIME, Mail};
use super::names::UserName;
use super::password::Kept;
use super::public_key::KeyFingerprint;
use super::secret::{Fingerprint, Secret, Token, fingerprint, random};
use super::store::{self, ACCOUNTS, ATTEMPTS, AccountRecord, Attempts, Second};
use super::{Account, Auth, AuthError, Pending, audit_entry, limits, otp, password, sessions, update};

/// Number of wrong codes after which a login has to be begun anew.
const TRIES: u32 = 5;
/// Time within which a login has to be completed, in seconds.
const LOGIN_LIFETIME: u64 = 10 * 60;
/// Name in the log in place of a user name without an account, since a password may have been typed there.
const UNKNOWN_USER: &str = "(unknown user)";

/// Source of one-time codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// Codes of an authenticator app.
    App,
    /// Codes sent by mail.
    Mail,
}

impl CodeKind {
    /// Returns the name of the kind in commands and reports.
    pub const fn name(self) -> &'static str {
        match self {
            CodeKind::App => "app",
            CodeKind::Mail => "mail",
        }
    }
}

/// Result of a successful login.
#[derive(Debug)]
pub struct Granted {
    /// Token of the new session.
    pub token: Token,
    /// Account that is logged in.
    pub account: Account,
}

/// Login that waits for its second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    id: String,
    /// Source of the expected code; a backup code is accepted as well.
    pub kind: CodeKind,
    /// Seconds until another code may be mailed, if too many were requested; no code has been sent then.
    pub mail_wait: Option<u64>,
}

/// Result of checking user name and password.
#[derive(Debug)]
pub enum LoginStep {
    /// The login succeeded without a second factor.
    Granted(Granted),
    /// The login needs the code of the second factor.
    Code(Challenge),
}

#[derive(Debug, Clone)]
pub(super) struct PendingLogin {
    proven: Proven,
    until: u64,
    tries: u32,
    mailed: Option<(Fingerprint, u64)>,
}

impl PendingLogin {
    /// Returns true if a code can still complete the login.
    fn goes_on(&self, now: u64) -> bool {
        stored_time::goes_on(self.until, now, LOGIN_LIFETIME) && self.tries < TRIES
    }
}

/// Proof that the right password was given.
#[derive(Debug, Clone)]
struct Proven {
    user: UserName,
    origin: String,
    /// Number of changes of the password or the second factor at the time of the check.
    changes: u32,
    /// New hash of the same password, if the stored hash has fewer iterations or was made of the password as it was typed.
    raised: Option<String>,
}

/// Attempt of a caller to do something that requires a check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// User name that was given.
    pub(super) name: &'a str,
    /// User name for the log.
    pub(super) user: &'a str,
    pub(super) origin: &'a str,
    pub(super) action: Action,
    pub(super) now: u64,
}

impl<'a> Attempt<'a> {
    /// Makes the attempt of a known user.
    pub(super) fn of(user: &'a UserName, action: Action, origin: &'a str, now: u64) -> Attempt<'a> {
        Attempt { name: user.as_str(), user: user.as_str(), origin, action, now }
    }

    fn audit_entry(&self) -> AuditEntry {
        audit_entry(self.now, self.user, self.origin, self.action)
    }

    /// Returns the counters of failures, and for each the number of failures without a delay. Attempts to register taken names
    /// have a counter of their own, so that they lock out neither the holders of those names nor other users of the same origin. A
    /// token that is not valid is no attempt at the password of a user.
    fn counters(&self) -> Vec<(String, usize)> {
        match self.action {
            Action::Register => vec![(format!("names wanted from {}", self.origin), limits::ORIGIN_FREE)],
            Action::Token => vec![(format!("from {}", self.origin), limits::ORIGIN_FREE)],
            _ => vec![(format!("from {}", self.origin), limits::ORIGIN_FREE), (user_counter(self.name), limits::USER_FREE)],
        }
    }
}

/// Returns the name of the counter of a user's failures. The name may be a password typed by mistake, so that too little of its
/// digest is kept to find it.
pub(super) fn user_counter(name: &str) -> String {
    format!("user {}", hex(&fingerprint("attempts", name)[..2]))
}

/// Attempt that is being checked, which counts as a failure until it is dropped.
pub(super) struct InFlight<'a> {
    auth: &'a Auth,
    counters: Vec<String>,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut pending = self.auth.pending();
        for counter in &self.counters {
            if let Some(count) = pending.in_flight.get_mut(counter) {
                *count -= 1;
            }
        }
        pending.in_flight.retain(|_, count| *count > 0);
    }
}

impl Auth {
    /// Checks user name and password.
    ///
    /// # Errors
    /// Returns [`AuthError::WrongLogin`] if they are wrong, [`AuthError::Wait`] without any check after too many failures, and
    /// [`AuthError::Lapsed`] if the password was changed meanwhile.
    pub fn login(&self, user: &str, password: &Secret, origin: &str, now: u64) -> Result<LoginStep, AuthError> {
        let name = UserName::folded(user);
        let record: Option<AccountRecord> = store::read(&self.0.database.read()?, ACCOUNTS, name.as_str())?;
        let known = record.as_ref().map_or(UNKNOWN_USER, |record| record.name.as_str()).to_owned();
        let attempt = Attempt { name: &name, user: &known, origin, action: Action::Login, now };
        let (record, kept) = self.checked(password, record, &attempt)?;
        let is_stale = kept == Kept::AsTyped || password::iterations(&record.password) < self.0.policy.iterations;
        let raised = if is_stale { Some(password::hash(password, self.0.policy.iterations)?) } else { None };
        let proven = Proven { user: record.name, origin: origin.to_owned(), changes: record.changes, raised };
        let kind = match record.second {
            Second::Nothing => return self.noting_lapse(&attempt, self.grant_at_once(&proven, "", now)).map(LoginStep::Granted),
            Second::App { .. } => CodeKind::App,
            Second::Mail => CodeKind::Mail,
        };
        // The log records that the right password was given, even if no code follows.
        let awaited = AuditEntry { note: "a code is awaited".to_owned(), ..attempt.audit_entry() };
        self.note(awaited)?;
        let challenge = Challenge { id: self.await_code(proven, now)?, kind, mail_wait: None };
        Ok(LoginStep::Code(match kind {
            CodeKind::App => challenge,
            CodeKind::Mail => self.with_code_mailed(challenge, now)?,
        }))
    }

    /// Logs in a user who has proven to hold the private half of a public key. No second factor is asked for: the key is what the user has,
    /// as a code would be. A key of the user is never delayed, since it cannot be guessed, and failures of others must not lock its holder out.
    ///
    /// # Errors
    /// Returns [`AuthError::WrongLogin`] if the user has no such key, [`AuthError::Wait`] in place of that after too many failures, and
    /// [`AuthError::Lapsed`] if the password was changed meanwhile.
    pub fn login_with_key(&self, user: &str, key: KeyFingerprint, origin: &str, now: u64) -> Result<Granted, AuthError> {
        let name = UserName::folded(user);
        let record: Option<AccountRecord> = store::read(&self.0.database.read()?, ACCOUNTS, name.as_str())?;
        let known = record.as_ref().map_or(UNKNOWN_USER, |record| record.name.as_str()).to_owned();
        let attempt = Attempt { name: &name, user: &known, origin, action: Action::Login, now };
        let Some((record, key)) = record.zip(self.key_of(&name, key)?) else {
            let _in_flight = self.admit(&attempt)?;
            self.write_access(|transaction| record_failure(transaction, &attempt, "unknown public key"))?;
            return Err(AuthError::WrongLogin);
        };
        let proven = Proven { user: record.name, origin: origin.to_owned(), changes: record.changes, raised: None };
        self.noting_lapse(&attempt, self.grant_at_once(&proven, &format!("public key {}", key.note()), now))
    }

    /// Stores a login that waits for its code, and returns its identifier.
    fn await_code(&self, proven: Proven, now: u64) -> Result<String, AuthError> {
        let id = hex(&random::<16>()?);
        let login = PendingLogin { proven, until: now + LOGIN_LIFETIME, tries: 0, mailed: None };
        let mut pending = self.pending();
        pending.logins.retain(|_, login| stored_time::goes_on(login.until, now, LOGIN_LIFETIME));
        pending.logins.insert(id.clone(), login);
        Ok(id)
    }

    /// Returns the challenge after mailing a code, unless too many mails were requested: a backup code is accepted in any case.
    fn with_code_mailed(&self, challenge: Challenge, now: u64) -> Result<Challenge, AuthError> {
        match self.send_code(&challenge, now) {
            Ok(()) => Ok(challenge),
            Err(AuthError::Wait { seconds }) => Ok(Challenge { mail_wait: Some(seconds), ..challenge }),
            Err(error) => Err(error),
        }
    }

    /// Mails a new code for a login; the earlier code becomes invalid.
    ///
    /// # Errors
    /// Returns [`AuthError::Lapsed`] if the login is no longer pending, [`AuthError::Wait`] if too many mails were requested, or
    /// fails if the disk refuses.
    pub fn send_code(&self, challenge: &Challenge, now: u64) -> Result<(), AuthError> {
        let waiting = self.pending().logins.get(&challenge.id).filter(|login| login.goes_on(now)).cloned();
        let (user, code) = (waiting.ok_or(AuthError::Lapsed)?.proven.user, otp::mail_code()?);
        self.mail_code(&user, &code, now)?;
        if let Some(login) = self.pending().logins.get_mut(&challenge.id) {
            login.mailed = Some((otp::mail_fingerprint(&challenge.id, &code), now + CODE_LIFETIME));
        }
        Ok(())
    }

    /// Checks the code of a login: that of the app or the mail, or a backup code.
    ///
    /// # Errors
    /// Returns [`AuthError::WrongCode`] if the code is wrong, [`AuthError::Wait`] after too many failures, and
    /// [`AuthError::Lapsed`] if the login began too long ago or failed too often, or if the password or the second factor was
    /// changed meanwhile.
    pub fn login_with_code(&self, challenge: &Challenge, code: &Secret, now: u64) -> Result<Granted, AuthError> {
        let Some(login) = self.pending().logins.get(&challenge.id).cloned() else { return Err(AuthError::Lapsed) };
        let Proven { user, origin, .. } = &login.proven;
        let attempt = Attempt::of(user, Action::SecondFactor, origin, now);
        let finished = if login.goes_on(now) { self.finish(&challenge.id, code, &attempt) } else { Err(AuthError::Lapsed) };
        self.noting_lapse(&attempt, finished)
    }

    fn finish(&self, id: &str, code: &Secret, attempt: &Attempt<'_>) -> Result<Granted, AuthError> {
        let now = attempt.now;
        let _in_flight = self.admit(attempt)?;
        let login = self.try_code(id, now)?;
        let (proven, token) = (&login.proven, Token::new()?);
        let granted = self.write_access(|transaction| {
            let matched = update_proven(transaction, &proven.user, proven.changes, |record| {
                matching_factor(record, &login, id, code, now)
            })?;
            // Of two concurrent attempts with the same code, the second finds no pending login.
            let Some(factor) = matched.filter(|_| self.pending().logins.remove(id).is_some()) else {
                record_failure(transaction, attempt, "wrong, old or used code")?;
                return Ok(None);
            };
            audit::append(transaction, AuditEntry { note: factor.to_owned(), ..attempt.audit_entry() })?;
            self.grant(transaction, proven, &token, now).map(Some)
        })?;
        let account = granted.ok_or(AuthError::WrongCode)?;
        Ok(Granted { token, account })
    }

    /// Returns the pending login and counts one more attempt.
    fn try_code(&self, id: &str, now: u64) -> Result<PendingLogin, AuthError> {
        let mut pending = self.pending();
        let login = pending.logins.get_mut(id).filter(|login| login.goes_on(now)).ok_or(AuthError::Lapsed)?;
        login.tries += 1;
        Ok(login.clone())
    }

    /// Logs a login that has lapsed.
    fn noting_lapse<T>(&self, attempt: &Attempt<'_>, result: Result<T, AuthError>) -> Result<T, AuthError> {
        if matches!(result, Err(AuthError::Lapsed)) {
            self.note(attempt.audit_entry().refused("lapsed"))?;
        }
        result
    }

    /// Returns the number of changes of the password and the second factor of a logged-in user, if the given password is right.
    pub(super) fn reassured(&self, password: &Secret, attempt: &Attempt<'_>) -> Result<u32, AuthError> {
        let record = self.record(attempt.name)?;
        match self.checked(password, Some(record), attempt) {
            Ok((record, _)) => Ok(record.changes),
            Err(AuthError::WrongLogin) => Err(AuthError::WrongPassword),
            Err(error) => Err(error),
        }
    }

    /// Returns the account and the form of its stored password, if the account exists and the password is right.
    fn checked(
        &self,
        password: &Secret,
        record: Option<AccountRecord>,
        attempt: &Attempt<'_>,
    ) -> Result<(AccountRecord, Kept), AuthError> {
        let _in_flight = self.admit(attempt)?;
        let hash = record.as_ref().map(|record| record.password.as_str());
        let kept = password::verify(password, hash, self.refusal_iterations()?);
        match record.zip(kept) {
            Some(right) => Ok(right),
            None => {
                let why = if attempt.action == Action::Login { "wrong user name or password" } else { "wrong password" };
                self.write_access(|transaction| record_failure(transaction, attempt, why))?;
                Err(AuthError::WrongLogin)
            }
        }
    }

    /// Refuses an attempt after too many failures; attempts that are being checked count as failures.
    pub(super) fn admit(&self, attempt: &Attempt<'_>) -> Result<InFlight<'_>, AuthError> {
        let counters = attempt.counters();
        let seconds = {
            let mut pending = self.pending();
            let seconds = self.wait(&pending, &counters, attempt.now)?;
            if seconds == 0 {
                let counters: Vec<String> = counters.into_iter().map(|(counter, _)| counter).collect();
                counters.iter().for_each(|counter| *pending.in_flight.entry(counter.clone()).or_default() += 1);
                return Ok(InFlight { auth: self, counters });
            }
            seconds
        };
        self.note(attempt.audit_entry().refused("too many failures"))?;
        Err(AuthError::Wait { seconds })
    }

    /// Returns the number of seconds that these counters require to wait. Attempts that are no longer in flight have been written
    /// before.
    fn wait(&self, pending: &Pending, counters: &[(String, usize)], now: u64) -> Result<u64, AuthError> {
        let reading = self.0.database.read()?;
        let mut seconds = 0;
        for (counter, free) in counters {
            let Attempts(mut failures) = store::read(&reading, ATTEMPTS, counter.as_str())?.unwrap_or_default();
            let count = pending.in_flight.get(counter).copied().unwrap_or(0);
            failures.extend(std::iter::repeat_n(now, count));
            seconds = seconds.max(limits::wait(&failures, *free, now));
        }
        Ok(seconds)
    }

    fn grant_at_once(&self, proven: &Proven, note: &str, now: u64) -> Result<Granted, AuthError> {
        let token = Token::new()?;
        let entry = audit_entry(now, proven.user.as_str(), &proven.origin, Action::Login);
        let entry = AuditEntry { note: note.to_owned(), ..entry };
        let account = self.write_access(|transaction| {
            audit::append(transaction, entry)?;
            self.grant(transaction, proven, &token, now)
        })?;
        Ok(Granted { token, account })
    }

    /// Makes all changes of a login, in one transaction.
    fn grant(&self, transaction: &WriteTransaction, proven: &Proven, token: &Token, now: u64) -> Result<Account, AuthError> {
        let Proven { user, origin, changes, raised } = proven;
        sessions::sweep(transaction, &self.0.policy, now)?;
        sweep_failures(transaction, now)?;
        sessions::insert(transaction, token, user, origin, now)?;
        store::remove(transaction, ATTEMPTS, user_counter(user.as_str()).as_str())?;
        let record = update_proven(transaction, user, *changes, |record| {
            record.last_login = Some(now);
            if let Some(raised) = raised {
                record.password.clone_from(raised);
            }
            Ok(record.clone())
        })?;
        mail::queue(transaction, &Mail::login(&record.email, user.as_str(), origin, now))?;
        Ok(Account::from(&record))
    }
}

/// Changes an account for an operation that began when its password and second factor had been changed `changes` times. A later
/// change of either invalidates the operation.
pub(super) fn update_proven<T>(
    transaction: &WriteTransaction,
    user: &UserName,
    changes: u32,
    change: impl FnOnce(&mut AccountRecord) -> Result<T, AuthError>,
) -> Result<T, AuthError> {
    update(transaction, user, |record| if record.changes == changes { change(record) } else { Err(AuthError::Lapsed) })
}

/// Returns the kind of the code in words if the code is right; the code is used up then.
fn matching_factor(
    record: &mut AccountRecord,
    login: &PendingLogin,
    id: &str,
    code: &Secret,
    now: u64,
) -> Result<Option<&'static str>, AuthError> {
    if let Second::App { secret, last_step } = &mut record.second
        && let Some(step) = otp::matching_step(secret, &record.name, code, now)?
    {
        // RFC 6238, section 5.2: a code is valid for one login. A correct clock has accepted no code of a step later than the
        // next one, so that a later `last_step` is ignored.
        let used = Some(*last_step).filter(|&used| used <= now / otp::STEP + 1);
        let is_new = used.is_none_or(|used| step > used);
        *last_step = used.map_or(step, |used| step.max(used));
        return Ok(is_new.then_some("code of the app"));
    }
    let is_good = |until| stored_time::goes_on(until, now, CODE_LIFETIME);
    let mailed = login.mailed.filter(|&(_, until)| record.second == Second::Mail && is_good(until));
    if let Some((fingerprint, _)) = mailed
        && is_same(&fingerprint, &otp::mail_fingerprint(id, code))
    {
        return Ok(Some("mailed code"));
    }
    let offered = otp::backup_fingerprint(&record.name, code);
    let before = record.backup_codes.len();
    record.backup_codes.retain(|kept| !is_same(kept, &offered));
    Ok((record.backup_codes.len() < before).then_some("backup code"))
}

fn is_same(a: &Fingerprint, b: &Fingerprint) -> bool {
    a.ct_eq(b).into()
}

/// Removes failures that no longer count, of all users and origins.
fn sweep_failures(transaction: &WriteTransaction, now: u64) -> Result<(), DatabaseError> {
    let counts = |_: &str, value: &[u8]| {
        database::decode::<Attempts>(value).is_ok_and(|Attempts(failures)| limits::any_counts(&failures, now))
    };
    Ok(transaction.open_table(ATTEMPTS)?.retain(counts)?)
}

/// Counts a failure and logs it.
pub(super) fn record_failure(transaction: &WriteTransaction, attempt: &Attempt<'_>, why: &str) -> Result<(), DatabaseError> {
    for (counter, _) in attempt.counters() {
        let Attempts(mut failures) = store::get(transaction, ATTEMPTS, counter.as_str())?.unwrap_or_default();
        limits::note(&mut failures, attempt.now);
        store::put(transaction, ATTEMPTS, counter.as_str(), &Attempts(failures))?;
    }
    audit::append(transaction, attempt.audit_entry().refused(why))
}
