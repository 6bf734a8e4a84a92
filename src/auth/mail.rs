//! Mails to the holders of accounts: what they say, and the queue in which they wait until somebody has sent them. Knows
//! nothing of how that is done.

use std::fmt;

use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use super::names::{Email, UserName, printable};
use super::secret::Secret;
use super::store::{self, ATTEMPTS, MAIL_NUMBERS, MAILS, MAILS_GIVEN_UP};
use super::{AuthError, limits};
use crate::database::{Database, DatabaseError, Purpose};
use crate::stored_time;
use secrecy::ExposeSecret;

/// A mail is given up after so many seconds.
const LIFETIME: u64 = 2 * 24 * 3600;
/// How long a mailed code is valid, in seconds.
pub(super) const CODE_LIFETIME: u64 = 10 * 60;
/// Seconds after the first attempt that failed; each further one doubles them.
const FIRST_PAUSE: u64 = 30;
/// No pause is longer, in seconds.
const PAUSE_MAX: u64 = 3600;
/// So many mails are remembered that were given up.
const GIVEN_UP_KEPT: u64 = 100;
/// No longer reason is kept for which a mail was not sent, in characters.
const REASON_MAX: usize = 500;

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// Why.
    pub reason: String,
    /// To try again would come to the same (RFC 5321, section 4.2.1).
    pub is_final: bool,
}

/// What becomes of a mail after an attempt to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is sent.
    Sent,
    /// It waits until then: seconds since 1970.
    Waits(u64),
    /// It is not tried again.
    GivenUp,
}

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

    /// What becomes of it after an attempt to send it, and the mail as it is then.
    pub(super) fn after(self, result: Result<(), Unsent>, now: u64) -> (Fate, Mail) {
        let Err(unsent) = result else { return (Fate::Sent, self) };
        let pause = FIRST_PAUSE.saturating_mul(1u64.checked_shl(self.attempts).unwrap_or(u64::MAX)).min(PAUSE_MAX);
        let (attempts, next, until) = (self.attempts.saturating_add(1), now + pause, self.ends(now));
        let error = Some(printable(&unsent.reason, REASON_MAX));
        let fate = if unsent.is_final || next >= until { Fate::GivenUp } else { Fate::Waits(next) };
        (fate, Mail { at: self.at.min(now), until, attempts, next, error, ..self })
    }

    /// When it is not worth sending any more, where it was written by a clock that was ahead.
    fn ends(&self, now: u64) -> u64 {
        self.until.saturating_sub(self.at.saturating_sub(now))
    }

    /// Whether it is to be tried now: its time has come, or lies further ahead than any pause.
    pub fn is_due(&self, now: u64) -> bool {
        self.next_try(now) <= now
    }

    /// When it is tried next, in seconds since 1970.
    pub fn next_try(&self, now: u64) -> u64 {
        now + stored_time::wait_until(self.next, now, PAUSE_MAX)
    }

    /// Whether it is too old to be sent.
    pub fn is_too_old(&self, now: u64) -> bool {
        self.ends(now) <= now
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

/// The latest mails that were given up, oldest first.
pub(super) fn given_up(database: &Database) -> Result<Vec<(u64, Mail)>, DatabaseError> {
    store::all(&database.read()?.open_table(MAILS_GIVEN_UP)?, |number| number)
}

/// Notes that a mail was sent, or why not.
pub(super) fn note(database: &Database, number: u64, result: Result<(), Unsent>, now: u64) -> Result<Fate, DatabaseError> {
    database.write_for(Purpose::Access, |transaction| {
        let Some(mail) = store::get::<_, Mail>(transaction, MAILS, number)? else { return Ok(Fate::Sent) };
        let (fate, mail) = mail.after(result, now);
        match fate {
            Fate::Waits(_) => store::put(transaction, MAILS, number, &mail)?,
            Fate::Sent => store::remove(transaction, MAILS, number)?,
            Fate::GivenUp => {
                store::remove(transaction, MAILS, number)?;
                remember_given_up(transaction, number, mail)?;
            }
        }
        Ok(fate)
    })
}

/// Remembers that a mail which waited in memory was given up.
pub(super) fn give_up(database: &Database, number: u64, mail: Mail) -> Result<(), DatabaseError> {
    database.write_for(Purpose::Access, |transaction| remember_given_up(transaction, number, mail))
}

/// Keeps what is to be known of a mail that was given up: not what it said, which may be a secret; and no more of them than the latest.
fn remember_given_up(transaction: &WriteTransaction, number: u64, mail: Mail) -> Result<(), DatabaseError> {
    store::put(transaction, MAILS_GIVEN_UP, number, &Mail { text: String::new(), ..mail })?;
    let mut table = transaction.open_table(MAILS_GIVEN_UP)?;
    while table.len()? > GIVEN_UP_KEPT {
        table.pop_first()?;
    }
    Ok(())
}
