//! Mails to the holders of accounts: their texts, and the queue in which they wait until they are sent. The module sends no mail
//! itself.

use std::fmt;

use p2p_base::database::{Database, DatabaseError, Purpose};
use p2p_base::spelling::excerpt;
use p2p_base::stored_time;
use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use super::names::{Email, UserName};
use super::secret::Secret;
use super::store::{self, ATTEMPTS, Attempts, MAIL_NUMBERS, MAILS, MAILS_GIVEN_UP};
use super::{AuthError, limits};
use secrecy::ExposeSecret;

/// Time after which an unsent mail is given up, in seconds.
const LIFETIME: u64 = 2 * 24 * 3600;
/// Validity of a mailed code, in seconds.
pub(super) const CODE_LIFETIME: u64 = 10 * 60;
/// Pause after the first failed attempt, in seconds; each further failure doubles it.
const FIRST_PAUSE: u64 = 30;
/// Longest pause between two attempts, in seconds.
const PAUSE_MAX: u64 = 3600;
/// Number of given-up mails that are kept.
const GIVEN_UP_KEPT: u64 = 100;
/// Length of the stored reason of a failure, in characters.
const REASON_MAX: usize = 500;

/// Failure to send a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// Reason for the failure, as reported by the mail server or the client.
    pub reason: String,
    /// True if the failure is permanent, so that another attempt would fail too (RFC 5321, section 4.2.1).
    pub is_final: bool,
}

/// State of a mail after an attempt to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The mail was sent.
    Sent,
    /// The mail waits for another attempt at this time, in seconds since 1970.
    Waits(u64),
    /// The mail was given up and is not tried again.
    GivenUp,
}

p2p_base::stored!(Mail = 1);

/// Mail that waits to be sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Address of the recipient.
    pub to: Email,
    /// Subject line of the mail.
    pub subject: String,
    /// Text of the mail. It may contain a code, and is meant for the recipient alone.
    pub text: String,
    /// Time at which the mail was written, in seconds since 1970.
    pub at: u64,
    /// Time at which the mail expires, in seconds since 1970.
    pub until: u64,
    /// Number of failed attempts to send the mail.
    pub attempts: u32,
    /// Time of the next attempt, in seconds since 1970.
    pub next: u64,
    /// Reason of the last failure.
    pub error: Option<String>,
}

/// Writes the mail without its text, which may contain a code.
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

    /// Makes the mail that tells a user of a login.
    pub(super) fn login(to: &Email, user: &str, origin: &str, at: u64) -> Mail {
        let text = format!(
            "{user} has logged in.\n\nTime:   {}\nOrigin: {origin}\n\nIf this was not you, change your password.\n",
            timestamp(at)
        );
        Mail::new(to, "login", text, at)
    }

    /// Makes the mail with a one-time code.
    pub(super) fn code(to: &Email, code: &Secret, at: u64) -> Mail {
        let minutes = CODE_LIFETIME / 60;
        let text = format!(
            "Your code is {}\n\nIt is valid for {minutes} minutes. If you did not ask for it, somebody knows your password: \
             change it.\n",
            code.expose_secret()
        );
        Mail { until: at + CODE_LIFETIME, ..Mail::new(to, "your code", text, at) }
    }

    /// Makes the mail that tells a user of a change of the account.
    pub(super) fn changed(to: &Email, user: &str, what: &str, at: u64) -> Mail {
        let time = timestamp(at);
        let text =
            format!("The account {user} has changed: {what}.\n\nTime: {time}\n\nIf this was not you, tell your administrator.\n");
        Mail::new(to, what, text, at)
    }

    /// Returns the state of the mail after an attempt to send it, and the updated mail.
    pub(super) fn after(self, result: Result<(), Unsent>, now: u64) -> (Fate, Mail) {
        let Err(unsent) = result else { return (Fate::Sent, self) };
        let pause = FIRST_PAUSE.saturating_mul(1u64.checked_shl(self.attempts).unwrap_or(u64::MAX)).min(PAUSE_MAX);
        let (attempts, next, until) = (self.attempts.saturating_add(1), now + pause, self.ends(now));
        let error = Some(excerpt(&unsent.reason, REASON_MAX));
        let fate = if unsent.is_final || next >= until { Fate::GivenUp } else { Fate::Waits(next) };
        (fate, Mail { at: self.at.min(now), until, attempts, next, error, ..self })
    }

    /// Returns the time at which the mail expires, shifted if the clock was ahead when the mail was written.
    fn ends(&self, now: u64) -> u64 {
        self.until.saturating_sub(self.at.saturating_sub(now))
    }

    /// Returns true if the next attempt is due, or lies further in the future than any pause lasts.
    pub fn is_due(&self, now: u64) -> bool {
        self.next_try(now) <= now
    }

    /// Returns the time of the next attempt, in seconds since 1970.
    pub fn next_try(&self, now: u64) -> u64 {
        now + stored_time::wait_until(self.next, now, PAUSE_MAX)
    }

    /// Returns true if the mail has expired.
    pub fn is_too_old(&self, now: u64) -> bool {
        self.ends(now) <= now
    }

    /// Makes a test mail.
    pub(super) fn test(to: &Email, at: u64) -> Mail {
        Mail::new(to, "test", format!("Mail from p2p arrives.\n\nTime: {}\n", timestamp(at)), at)
    }
}

/// Formats a time as in `2026-11-23 20:15:00 UTC`.
fn timestamp(at: u64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let time = i64::try_from(at).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    time.and_then(|time| time.format(format).ok()).unwrap_or_else(|| at.to_string())
}

/// Returns a new number for a mail. No number is used twice, since files of the outbox are named by them.
pub(super) fn next_number(transaction: &WriteTransaction) -> Result<u64, DatabaseError> {
    let mut numbers = transaction.open_table(MAIL_NUMBERS)?;
    let number = numbers.get(())?.map_or(1, |last| last.value() + 1);
    numbers.insert((), number)?;
    Ok(number)
}

/// Adds a mail to the queue.
pub(super) fn queue(transaction: &WriteTransaction, mail: &Mail) -> Result<(), DatabaseError> {
    store::put(transaction, MAILS, next_number(transaction)?, mail)
}

/// Counts a mail that a user has requested, and refuses it if too many were requested.
pub(super) fn allow(transaction: &WriteTransaction, user: &UserName, now: u64) -> Result<(), AuthError> {
    let key = format!("mails to {user}");
    let Attempts(mut asked) = store::get(transaction, ATTEMPTS, key.as_str())?.unwrap_or_default();
    match limits::mail_wait(&asked, now) {
        0 => {
            limits::note(&mut asked, now);
            Ok(store::put(transaction, ATTEMPTS, key.as_str(), &Attempts(asked))?)
        }
        seconds => Err(AuthError::Wait { seconds }),
    }
}

/// Returns the queued mails, oldest first.
pub(super) fn queued(database: &Database) -> Result<Vec<(u64, Mail)>, DatabaseError> {
    store::all(&database.read()?.open_table(MAILS)?, |number| number)
}

/// Returns the latest given-up mails, oldest first.
pub(super) fn given_up(database: &Database) -> Result<Vec<(u64, Mail)>, DatabaseError> {
    store::all(&database.read()?.open_table(MAILS_GIVEN_UP)?, |number| number)
}

/// Records the outcome of an attempt to send a queued mail.
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

/// Records that a mail that waited in memory was given up.
pub(super) fn give_up(database: &Database, number: u64, mail: Mail) -> Result<(), DatabaseError> {
    database.write_for(Purpose::Access, |transaction| remember_given_up(transaction, number, mail))
}

/// Keeps the record of a given-up mail without its text, which may contain a secret, and drops the oldest records beyond the
/// limit.
fn remember_given_up(transaction: &WriteTransaction, number: u64, mail: Mail) -> Result<(), DatabaseError> {
    store::put(transaction, MAILS_GIVEN_UP, number, &Mail { text: String::new(), ..mail })?;
    let mut table = transaction.open_table(MAILS_GIVEN_UP)?;
    while table.len()? > GIVEN_UP_KEPT {
        table.pop_first()?;
    }
    Ok(())
}
