//! Enabling and disabling one-time passwords. Knows nothing of how a secret is shown.
//!
//! What has been begun is kept in memory alone, and takes effect with one correct code.

use subtle::ConstantTimeEq;

use super::audit::{self, Action};
use super::login::{Attempt, CodeKind, update_proven};
use super::mail::{self, CODE_LIFETIME, Mail};
use super::names::UserName;
use super::otp::{self, AppSecret, Enrolment};
use super::secret::{Fingerprint, Secret};
use super::store::Second;
use super::{Auth, AuthError, deed};
use crate::stored_time;

/// How long an enrolment may take, in seconds.
const LIFETIME: u64 = 15 * 60;
/// How often its code may be wrong.
const TRIES: u32 = 5;

#[derive(Debug, Clone)]
pub(super) struct PendingEnrolment {
    what: What,
    /// How often the password or the second factor had been changed then.
    changes: u32,
    until: u64,
    tries: u32,
}

impl PendingEnrolment {
    /// Whether a code may still end it.
    fn goes_on(&self, now: u64) -> bool {
        stored_time::goes_on(self.until, now, LIFETIME) && self.tries < TRIES
    }
}

#[derive(Debug, Clone)]
enum What {
    App(AppSecret),
    Mail(Fingerprint),
}

/// What has been begun.
#[derive(Debug)]
pub enum Begun {
    /// The app is to be set up with this.
    App(Enrolment),
    /// A code is on its way.
    Mail,
}

impl Auth {
    /// Begins to enable one-time passwords of a kind. Nothing changes before a code confirms it.
    ///
    /// # Errors
    /// [`AuthError::OtpEnabled`]; [`AuthError::Wait`] where enough codes have been mailed.
    pub fn otp_enable(&self, user: &UserName, kind: CodeKind, now: u64) -> Result<Begun, AuthError> {
        let record = self.record(user.as_str())?;
        if record.second != Second::Nothing {
            return Err(AuthError::OtpEnabled);
        }
        let (what, begun, until) = match kind {
            CodeKind::App => {
                let secret = AppSecret::new()?;
                let begun = Begun::App(otp::enrolment(&secret, user)?);
                (What::App(secret), begun, now + LIFETIME)
            }
            CodeKind::Mail => {
                let code = otp::mail_code()?;
                self.mail_code(user, &code, now)?;
                (What::Mail(otp::mail_fingerprint(user.as_str(), &code)), Begun::Mail, now + CODE_LIFETIME)
            }
        };
        self.pending().enrolments.insert(user.clone(), PendingEnrolment { what, changes: record.changes, until, tries: 0 });
        Ok(begun)
    }

    /// Whether something was begun that a code may confirm yet.
    ///
    /// # Errors
    /// [`AuthError::OtpEnabled`]; [`AuthError::NothingBegun`].
    pub fn otp_begun(&self, user: &UserName, now: u64) -> Result<(), AuthError> {
        let record = self.record(user.as_str())?;
        if record.second != Second::Nothing {
            return Err(AuthError::OtpEnabled);
        }
        let is_meant = |begun: &PendingEnrolment| begun.goes_on(now) && begun.changes == record.changes;
        let begun = self.pending().enrolments.get(user).is_some_and(is_meant);
        if begun { Ok(()) } else { Err(AuthError::NothingBegun) }
    }

    /// Enables what was begun, if the code is right, and gives the backup codes: this once.
    ///
    /// # Errors
    /// [`AuthError::WrongCode`]; [`AuthError::Lapsed`] where nothing was begun, or too long ago, or the password or the second factor
    /// was changed meanwhile: by whoever has confirmed it with the same code, too.
    pub fn otp_confirm(&self, user: &UserName, code: &Secret, origin: &str, now: u64) -> Result<Vec<Secret>, AuthError> {
        let begun = self.try_enrolment(user, now)?;
        let attempted = deed(now, user.as_str(), origin, Action::OtpEnable);
        let second = match begun.what {
            What::App(secret) => {
                let step = otp::matching_step(&secret, user, code, now)?;
                step.map(|last_step| Second::App { secret, last_step })
            }
            What::Mail(kept) => bool::from(kept.ct_eq(&otp::mail_fingerprint(user.as_str(), code))).then_some(Second::Mail),
        };
        let Some(second) = second else {
            self.note(attempted.refused("wrong code"))?;
            return Err(AuthError::WrongCode);
        };
        let (codes, kept) = otp::backup_codes(user)?;
        self.write(|transaction| -> Result<(), AuthError> {
            let email = update_proven(transaction, user, begun.changes, |record| {
                (record.second, record.backup_codes, record.changes) = (second, kept, begun.changes + 1);
                Ok(record.email.clone())
            })?;
            mail::queue(transaction, &Mail::changed(&email, user.as_str(), "one-time passwords enabled", now))?;
            Ok(audit::append(transaction, attempted)?)
        })?;
        self.pending().enrolments.remove(user);
        Ok(codes)
    }

    /// The enrolment that was begun, with one more try counted.
    fn try_enrolment(&self, user: &UserName, now: u64) -> Result<PendingEnrolment, AuthError> {
        let mut pending = self.pending();
        pending.enrolments.retain(|_, begun| begun.goes_on(now));
        let begun = pending.enrolments.get_mut(user).ok_or(AuthError::Lapsed)?;
        begun.tries += 1;
        Ok(begun.clone())
    }

    /// Disables one-time passwords, for somebody who knows the password.
    ///
    /// # Errors
    /// [`AuthError::WrongPassword`], [`AuthError::OtpDisabled`].
    pub fn otp_disable(&self, user: &UserName, password: &Secret, origin: &str, now: u64) -> Result<(), AuthError> {
        let action = Action::OtpDisable;
        let changes = self.reassured(password, &Attempt::of(user, action, origin, now))?;
        self.write(|transaction| {
            let email = update_proven(transaction, user, changes, |record| match record.second {
                Second::Nothing => Err(AuthError::OtpDisabled),
                _ => {
                    (record.second, record.backup_codes, record.changes) = (Second::Nothing, Vec::new(), changes + 1);
                    Ok(record.email.clone())
                }
            })?;
            mail::queue(transaction, &Mail::changed(&email, user.as_str(), "one-time passwords disabled", now))?;
            Ok(audit::append(transaction, deed(now, user.as_str(), origin, action))?)
        })
    }

    /// New backup codes, for somebody who knows the password; those before are worth nothing then.
    ///
    /// # Errors
    /// [`AuthError::WrongPassword`], [`AuthError::OtpDisabled`].
    pub fn new_backup_codes(&self, user: &UserName, password: &Secret, origin: &str, now: u64) -> Result<Vec<Secret>, AuthError> {
        let action = Action::BackupCodes;
        let changes = self.reassured(password, &Attempt::of(user, action, origin, now))?;
        let (codes, kept) = otp::backup_codes(user)?;
        self.write(|transaction| -> Result<(), AuthError> {
            update_proven(transaction, user, changes, |record| {
                if record.second == Second::Nothing {
                    return Err(AuthError::OtpDisabled);
                }
                record.backup_codes = kept;
                Ok(())
            })?;
            Ok(audit::append(transaction, deed(now, user.as_str(), origin, action))?)
        })?;
        Ok(codes)
    }
}
