//! Enabling and disabling one-time passwords.
//!
//! An enrolment that has begun is kept in memory alone, and takes effect with one correct code.

use p2p_base::stored_time;
use subtle::ConstantTimeEq;

use super::audit::{self, Action};
use super::login::{Attempt, CodeKind, update_proven};
use super::mail::{self, CODE_LIFETIME, Mail};
use super::names::UserName;
use super::otp::{self, AppSecret, Enrolment};
use super::secret::{Fingerprint, Secret};
use super::store::Second;
use super::{Auth, AuthError, audit_entry};

/// Time within which an enrolment has to be confirmed, in seconds.
const LIFETIME: u64 = 15 * 60;
/// Number of attempts to confirm an enrolment with a code.
const TRIES: u32 = 5;

#[derive(Debug, Clone)]
pub(super) struct PendingEnrolment {
    what: What,
    /// Number of changes of the password or the second factor at the time the enrolment began.
    changes: u32,
    until: u64,
    tries: u32,
}

impl PendingEnrolment {
    /// Returns true if a code can still confirm the enrolment.
    fn goes_on(&self, now: u64) -> bool {
        stored_time::goes_on(self.until, now, LIFETIME) && self.tries < TRIES
    }
}

#[derive(Debug, Clone)]
enum What {
    App(AppSecret),
    Mail(Fingerprint),
}

/// Enrolment that has begun and needs a code to confirm it.
#[derive(Debug)]
pub enum Begun {
    /// Enrolment of an authenticator app, which is set up with this secret.
    App(Enrolment),
    /// Enrolment of mailed codes; a code has been mailed.
    Mail,
}

impl Auth {
    /// Begins the enrolment of one-time passwords of a kind. The account is unchanged until a code confirms the enrolment.
    ///
    /// # Errors
    /// Returns [`AuthError::OtpEnabled`] if one-time passwords are enabled already, or [`AuthError::Wait`] if too many mails were
    /// requested.
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

    /// Checks that an enrolment is pending that a code can still confirm.
    ///
    /// # Errors
    /// Returns [`AuthError::OtpEnabled`] if one-time passwords are enabled already, or [`AuthError::NothingBegun`] if no
    /// enrolment is pending.
    pub fn otp_begun(&self, user: &UserName, now: u64) -> Result<(), AuthError> {
        let record = self.record(user.as_str())?;
        if record.second != Second::Nothing {
            return Err(AuthError::OtpEnabled);
        }
        let is_meant = |begun: &PendingEnrolment| begun.goes_on(now) && begun.changes == record.changes;
        let begun = self.pending().enrolments.get(user).is_some_and(is_meant);
        if begun { Ok(()) } else { Err(AuthError::NothingBegun) }
    }

    /// Enables the one-time passwords of the pending enrolment if the code is right, and returns the backup codes, which cannot
    /// be read again later.
    ///
    /// # Errors
    /// Returns [`AuthError::WrongCode`] if the code is wrong, and [`AuthError::Lapsed`] if no enrolment is pending, if it began
    /// too long ago, or if the password or the second factor was changed since: also by a concurrent confirmation with the same
    /// code.
    pub fn otp_confirm(&self, user: &UserName, code: &Secret, origin: &str, now: u64) -> Result<Vec<Secret>, AuthError> {
        let begun = self.try_enrolment(user, now)?;
        let attempted = audit_entry(now, user.as_str(), origin, Action::OtpEnable);
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

    /// Returns the pending enrolment and counts one more attempt.
    fn try_enrolment(&self, user: &UserName, now: u64) -> Result<PendingEnrolment, AuthError> {
        let mut pending = self.pending();
        pending.enrolments.retain(|_, begun| begun.goes_on(now));
        let begun = pending.enrolments.get_mut(user).ok_or(AuthError::Lapsed)?;
        begun.tries += 1;
        Ok(begun.clone())
    }

    /// Disables one-time passwords, which requires the password of the user.
    ///
    /// # Errors
    /// Returns [`AuthError::WrongPassword`] if the password is wrong, or [`AuthError::OtpDisabled`] if one-time passwords are not
    /// enabled.
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
            Ok(audit::append(transaction, audit_entry(now, user.as_str(), origin, action))?)
        })
    }

    /// Generates new backup codes, which requires the password of the user; the earlier backup codes become invalid.
    ///
    /// # Errors
    /// Returns [`AuthError::WrongPassword`] if the password is wrong, or [`AuthError::OtpDisabled`] if one-time passwords are not
    /// enabled.
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
            Ok(audit::append(transaction, audit_entry(now, user.as_str(), origin, action))?)
        })?;
        Ok(codes)
    }
}
