//! Mails to the holders of accounts: what they say, and the queue in which they wait until somebody has sent them. Knows
//! nothing of how that is done.

use std::fmt;

use redb::{ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use super::names::{Email, UserName};
use super::secret::Secret;
use super::store::{self, ATTEMPTS, MAIL_NUMBERS, MAILS};
use super::{AuthError, limits};
use crate::database::{Database, DatabaseError};
use secrecy::ExposeSecret;

/// A mail is given up after so many seconds.
const LIFETIME: u64 = 2 * 24 * 3600;
/// How long a mailed code is valid, in seconds.
pub(super) const CODE_LIFETIME: u64 = 10 * 60;
/// Seconds after the first attempt that failed; each further one doubles them.
const FIRST_PAUSE: u64 = 30;
/// No pause is longer, in seconds.
const PAUSE_MAX: u64 = 3600;

/// A mail that waits to be sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// To whom.
    pub to: Email,
    /// About what.
    pub subject: String,
    /// What it says. It may hold a code: it is for the addressee alone.
    pub text: String,
    /// When it was written: seconds since 1970.
    pub at: u64,
    /// When it is not worth sending any more.
    pub until: u64,
    /// How often sending has failed.
    pub attempts: u32,
    /// When it is tried next.
    pub next: u64,
    /// Why sending failed last.
    pub error: Option<String>,
}

/// Without what it says.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mail { to, subject, at, attempts, .. } = self;
        write!(f, "Mail({to}, {subject:?}, {at}, {attempts} attempts)")
    }
}

impl Mail {
    fn new(to: &Email, subject: &str, text: String, at: u64) -> Mail {
        let subject = format!("p2p: {subject}");
        Mail { to: to.clone(), subject, text, at, until: at + LIFETIME, attempts: 0, next: at, error: None }
    }

    /// Somebody has logged in.
    pub(super) fn login(to: &Email, user: &str, origin: &str, at: u64) -> Mail {
        let text = format!(
            "{user} has logged in.\n\nTime:   {}\nOrigin: {origin}\n\nIf this was not you, change your password.\n",
            timestamp(at)
        );
        Mail::new(to, "login", text, at)
    }

    /// A code to log in with.
    pub(super) fn code(to: &Email, code: &Secret, at: u64) -> Mail {
        let minutes = CODE_LIFETIME / 60;
        let text = format!(
            "Your code is {}\n\nIt is valid for {minutes} minutes. If you did not ask for it, somebody knows your password: \
             change it.\n",
            code.expose_secret()
        );
        Mail { until: at + CODE_LIFETIME, ..Mail::new(to, "your code", text, at) }
    }

    /// Something about the account has changed.
    pub(super) fn changed(to: &Email, user: &str, what: &str, at: u64) -> Mail {
        let time = timestamp(at);
        let text =
            format!("The account {user} has changed: {what}.\n\nTime: {time}\n\nIf this was not you, tell your administrator.\n");
        Mail::new(to, what, text, at)
    }

    /// The same after an attempt to send it; none where it was sent, or is given up.
    pub(super) fn after(self, result: Result<(), String>, now: u64) -> Option<Mail> {
        let error = result.err()?;
        let pause = FIRST_PAUSE.saturating_mul(1u64.checked_shl(self.attempts).unwrap_or(u64::MAX)).min(PAUSE_MAX);
        let later = Mail { attempts: self.attempts.saturating_add(1), next: now + pause, error: Some(error), ..self };
        Some(later).filter(|later| later.next < later.until)
    }

    /// Nothing but that mail arrives.
    pub(super) fn test(to: &Email, at: u64) -> Mail {
        Mail::new(to, "test", format!("Mail from p2p arrives.\n\nTime: {}\n", timestamp(at)), at)
    }
}

/// `2026-11-23 20:15:00 UTC`
fn timestamp(at: u64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let time = i64::try_from(at).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    time.and_then(|time| time.format(format).ok()).unwrap_or_else(|| at.to_string())
}

/// A number for a mail. None is given twice: files of the outbox are called by them.
pub(super) fn next_number(transaction: &WriteTransaction) -> Result<u64, DatabaseError> {
    let mut numbers = transaction.open_table(MAIL_NUMBERS)?;
    let number = numbers.get(())?.map_or(1, |last| last.value() + 1);
    numbers.insert((), number)?;
    Ok(number)
}

/// Puts a mail into the queue.
pub(super) fn queue(transaction: &WriteTransaction, mail: &Mail) -> Result<(), DatabaseError> {
    store::put(transaction, MAILS, next_number(transaction)?, mail)
}

/// Counts a mail that a user has asked for; refuses where there were enough.
pub(super) fn allow(transaction: &WriteTransaction, user: &UserName, now: u64) -> Result<(), AuthError> {
    let key = format!("mails to {user}");
    let mut asked: Vec<u64> = store::get(transaction, ATTEMPTS, key.as_str())?.unwrap_or_default();
    match limits::mail_wait(&asked, now) {
        0 => {
            limits::note(&mut asked, now);
            Ok(store::put(transaction, ATTEMPTS, key.as_str(), &asked)?)
        }
        seconds => Err(AuthError::Wait { seconds }),
    }
}

/// The queue, oldest first.
pub(super) fn queued(database: &Database) -> Result<Vec<(u64, Mail)>, DatabaseError> {
    store::all(&database.read()?.open_table(MAILS)?, |number| number)
}

/// Notes that a mail was sent, or why not. Gives when it is tried again; never where it was sent or is given up.
pub(super) fn note(database: &Database, number: u64, result: Result<(), String>, now: u64) -> Result<Option<u64>, DatabaseError> {
    database.write(|transaction| {
        let mail = store::get::<_, Mail>(transaction, MAILS, number)?;
        let later = mail.and_then(|mail| mail.after(result, now));
        match &later {
            Some(later) => store::put(transaction, MAILS, number, later)?,
            None => store::remove(transaction, MAILS, number)?,
        }
        Ok(later.map(|later| later.next))
    })
}
