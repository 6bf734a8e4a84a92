//! Sessions: who is logged in, for how long, and from where. One store for every front end. Knows nothing of passwords.

use redb::WriteTransaction;

use super::audit::{self, Action};
use super::names::UserName;
use super::secret::{Fingerprint, Token, hex};
use super::store::{self, ACCOUNTS, AccountRecord, SESSIONS, SessionRecord};
use super::{Account, Auth, AuthError, Policy, deed};
use crate::database::DatabaseError;
use crate::stored_time;

/// A session's use is noted no more often than this, in seconds; more often where sessions end soon.
const NOTED_EVERY: u64 = 60;

/// A session, as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Names it, to revoke it.
    pub id: String,
    /// When it began: seconds since 1970.
    pub created_at: u64,
    /// When it was last used, to the minute or better.
    pub used_at: u64,
    /// From where it was begun.
    pub origin: String,
    /// It is the one that asks.
    pub is_own: bool,
}

/// What a session can be called by: the beginning of its fingerprint.
fn id_of(fingerprint: &Fingerprint) -> String {
    hex(&fingerprint[..4])
}

/// Begins a session.
pub(super) fn insert(
    transaction: &WriteTransaction,
    token: &Token,
    user: &UserName,
    origin: &str,
    now: u64,
) -> Result<(), DatabaseError> {
    let record = SessionRecord { user: user.clone(), created_at: now, used_at: now, origin: origin.to_owned(), revoked: false };
    store::put(transaction, SESSIONS, token.fingerprint(), &record)
}

/// Revokes the sessions of a user, but for one. They are kept until somebody tries to use them.
pub(super) fn revoke_all(transaction: &WriteTransaction, user: &UserName, keep: Option<&Token>) -> Result<(), DatabaseError> {
    let keep = keep.map(Token::fingerprint);
    let all = store::sessions(&transaction.open_table(SESSIONS)?)?;
    for (fingerprint, record) in all {
        if record.user == *user && Some(fingerprint) != keep {
            store::put(transaction, SESSIONS, fingerprint, &SessionRecord { revoked: true, ..record })?;
        }
    }
    Ok(())
}

/// Removes what has been over for so long that nobody will ask.
pub(super) fn sweep(transaction: &WriteTransaction, policy: &Policy, now: u64) -> Result<(), DatabaseError> {
    let all = store::sessions(&transaction.open_table(SESSIONS)?)?;
    for (fingerprint, record) in all {
        if record.created_at + 2 * policy.session_lifetime <= now || record.is_ahead(now) {
            store::remove(transaction, SESSIONS, fingerprint)?;
        }
    }
    Ok(())
}

impl SessionRecord {
    /// Whether the clock was put back since: how long it has lasted cannot be told.
    fn is_ahead(&self, now: u64) -> bool {
        stored_time::is_ahead(self.created_at.max(self.used_at), now)
    }

    /// Why it is over, if it is.
    fn end(&self, policy: &Policy, now: u64) -> Option<&'static str> {
        match self {
            record if record.revoked => Some("revoked"),
            record if record.is_ahead(now) => Some("begun at a time that is yet to come: the clock was put back"),
            record if record.created_at + policy.session_lifetime <= now => Some("expired"),
            record if record.used_at + policy.session_idle <= now => Some("idle for too long"),
            _ => None,
        }
    }
}

impl Auth {
    /// Whose session it is that somebody presents the token of. Its use is noted.
    ///
    /// # Errors
    /// [`AuthError::SessionOver`] where it is none, or none any more.
    pub fn check(&self, token: &Token, origin: &str, now: u64) -> Result<Account, AuthError> {
        let (record, account) = self.session_of(token, origin, now)?;
        if record.used_at + NOTED_EVERY.min(self.0.policy.session_idle / 4) <= now {
            let fingerprint = token.fingerprint();
            self.write_access(|transaction| match store::get::<_, SessionRecord>(transaction, SESSIONS, fingerprint)? {
                Some(record) if !record.revoked => {
                    store::put(transaction, SESSIONS, fingerprint, &SessionRecord { used_at: now, ..record })
                }
                _ => Ok(()),
            })?;
        }
        Ok(account)
    }

    /// The same for whoever only looks whether the session still lasts: that is no use of it.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn peek(&self, token: &Token, origin: &str, now: u64) -> Result<Account, AuthError> {
        Ok(self.session_of(token, origin, now)?.1)
    }

    /// A session that lasts, and whose it is. One that does not is removed, and that somebody came with it, and from where, is noted.
    fn session_of(&self, token: &Token, origin: &str, now: u64) -> Result<(SessionRecord, Account), AuthError> {
        let fingerprint = token.fingerprint();
        let reading = self.0.database.read()?;
        let record: SessionRecord = store::read(&reading, SESSIONS, fingerprint)?.ok_or(AuthError::SessionOver)?;
        if let Some(why) = record.end(&self.0.policy, now) {
            let refused = deed(now, record.user.as_str(), origin, Action::Session).refused(why);
            self.write_access(|transaction| {
                store::remove(transaction, SESSIONS, fingerprint)?;
                audit::append(transaction, refused)
            })?;
            return Err(AuthError::SessionOver);
        }
        let account: AccountRecord = store::read(&reading, ACCOUNTS, record.user.as_str())?.ok_or(AuthError::SessionOver)?;
        Ok((record, Account::from(&account)))
    }

    /// The sessions of a user that are not over, latest first.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn sessions(&self, user: &UserName, own: Option<&Token>, now: u64) -> Result<Vec<SessionInfo>, AuthError> {
        let own = own.map(Token::fingerprint);
        let table = self.0.database.read()?.open_table(SESSIONS).map_err(DatabaseError::from)?;
        let records = store::sessions(&table)?.into_iter();
        let lasting = records.filter(|(_, record)| record.user == *user && record.end(&self.0.policy, now).is_none());
        let info = |(fingerprint, record): (Fingerprint, SessionRecord)| SessionInfo {
            id: id_of(&fingerprint),
            created_at: record.created_at,
            used_at: record.used_at,
            origin: record.origin,
            is_own: Some(fingerprint) == own,
        };
        let mut found: Vec<SessionInfo> = lasting.map(info).collect();
        found.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        Ok(found)
    }

    /// Ends the session of a token, or with `all` every session of its holder.
    ///
    /// # Errors
    /// [`AuthError::SessionOver`] where it is over already.
    pub fn logout(&self, token: &Token, all: bool, origin: &str, now: u64) -> Result<(), AuthError> {
        self.session_of(token, origin, now)?;
        let fingerprint = token.fingerprint();
        self.write_access(|transaction| {
            let record: SessionRecord = store::get(transaction, SESSIONS, fingerprint)?.ok_or(AuthError::SessionOver)?;
            store::remove(transaction, SESSIONS, fingerprint)?;
            if all {
                revoke_all(transaction, &record.user, None)?;
            }
            Ok(audit::append(transaction, deed(now, record.user.as_str(), origin, Action::Logout))?)
        })
    }

    /// Ends the session of a user that is called `id`.
    ///
    /// # Errors
    /// [`AuthError::UnknownSession`].
    pub fn revoke(&self, user: &UserName, id: &str, origin: &str, now: u64) -> Result<(), AuthError> {
        let wanted = id.trim().to_ascii_lowercase();
        self.write(|transaction| {
            let table = transaction.open_table(SESSIONS).map_err(DatabaseError::from)?;
            let found = store::sessions(&table)?.into_iter().find(|(key, record)| record.user == *user && id_of(key) == wanted);
            drop(table);
            let attempt = deed(now, user.as_str(), origin, Action::Revoke);
            // It may be somebody else's: that it was tried is to be known.
            let Some((key, record)) = found else {
                audit::append(transaction, attempt.refused("no session of theirs"))?;
                return Ok(false);
            };
            store::put(transaction, SESSIONS, key, &SessionRecord { revoked: true, ..record })?;
            audit::append(transaction, attempt)?;
            Ok::<_, AuthError>(true)
        })
        .and_then(|found| if found { Ok(()) } else { Err(AuthError::UnknownSession { id: id.to_owned() }) })
    }
}
