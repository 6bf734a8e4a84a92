//! Sessions: which users are logged in, for how long, and from which origins. One store serves every front end. Independent of
//! passwords.

use p2p_base::database::DatabaseError;
use p2p_base::hex::hex;
use p2p_base::stored_time;
use redb::WriteTransaction;

use super::audit::{self, Action};
use super::names::UserName;
use super::secret::{Fingerprint, Token};
use super::store::{self, ACCOUNTS, AccountRecord, SESSIONS, SessionRecord};
use super::{Account, Auth, AuthError, Policy, audit_entry};

/// Shortest time between two updates of a session's last use, in seconds; it is shorter if the policy ends unused sessions soon.
const NOTED_EVERY: u64 = 60;

/// Public data of a session, as shown to its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Identifier of the session, used to revoke it.
    pub id: String,
    /// Time at which the session began, in seconds since 1970.
    pub created_at: u64,
    /// Time of the last use, in seconds since 1970, exact to the minute or better.
    pub used_at: u64,
    /// Origin of the login that began the session.
    pub origin: String,
    /// True if the request comes from this session.
    pub is_own: bool,
}

/// Returns the identifier of a session: the beginning of its fingerprint.
fn id_of(fingerprint: &Fingerprint) -> String {
    hex(&fingerprint[..4])
}

/// Creates a session within a transaction.
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

/// Revokes the sessions of a user except `keep`. The records are kept until the next attempt to use them, so that the attempt can
/// be logged.
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

/// Removes sessions that began at least two session lifetimes ago or at a future time.
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
    /// Returns true if the clock was put back since the last use, so that the age of the session is unknown.
    fn is_ahead(&self, now: u64) -> bool {
        stored_time::is_ahead(self.created_at.max(self.used_at), now)
    }

    /// Returns the reason why the session has ended, if it has.
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
    /// Returns the account whose session the token belongs to, and records the use of the session.
    ///
    /// # Errors
    /// Returns [`AuthError::SessionOver`] if the token belongs to no session, or the session has ended.
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

    /// Returns the account whose session the token belongs to, without recording a use of the session.
    ///
    /// # Errors
    /// Fails like [`check`](Self::check).
    pub fn peek(&self, token: &Token, origin: &str, now: u64) -> Result<Account, AuthError> {
        Ok(self.session_of(token, origin, now)?.1)
    }

    /// Returns an active session and its account. The record of an ended session is removed, and the attempt to use it is logged
    /// with its origin.
    fn session_of(&self, token: &Token, origin: &str, now: u64) -> Result<(SessionRecord, Account), AuthError> {
        let fingerprint = token.fingerprint();
        let reading = self.0.database.read()?;
        let record: SessionRecord = store::read(&reading, SESSIONS, fingerprint)?.ok_or(AuthError::SessionOver)?;
        if let Some(why) = record.end(&self.0.policy, now) {
            let refused = audit_entry(now, record.user.as_str(), origin, Action::Session).refused(why);
            self.write_access(|transaction| {
                store::remove(transaction, SESSIONS, fingerprint)?;
                audit::append(transaction, refused)
            })?;
            return Err(AuthError::SessionOver);
        }
        let account: AccountRecord = store::read(&reading, ACCOUNTS, record.user.as_str())?.ok_or(AuthError::SessionOver)?;
        Ok((record, Account::from(&account)))
    }

    /// Lists the active sessions of a user, latest first.
    ///
    /// # Errors
    /// Fails if the disk refuses.
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

    /// Ends the session of a token, or with `all` every session of the same user.
    ///
    /// # Errors
    /// Returns [`AuthError::SessionOver`] if the session has ended already.
    pub fn logout(&self, token: &Token, all: bool, origin: &str, now: u64) -> Result<(), AuthError> {
        self.session_of(token, origin, now)?;
        let fingerprint = token.fingerprint();
        self.write_access(|transaction| {
            let record: SessionRecord = store::get(transaction, SESSIONS, fingerprint)?.ok_or(AuthError::SessionOver)?;
            store::remove(transaction, SESSIONS, fingerprint)?;
            if all {
                revoke_all(transaction, &record.user, None)?;
            }
            Ok(audit::append(transaction, audit_entry(now, record.user.as_str(), origin, Action::Logout))?)
        })
    }

    /// Ends the session of a user that has the identifier `id`.
    ///
    /// # Errors
    /// Returns [`AuthError::UnknownSession`] if the user has no such session.
    pub fn revoke(&self, user: &UserName, id: &str, origin: &str, now: u64) -> Result<(), AuthError> {
        let wanted = id.trim().to_ascii_lowercase();
        self.write(|transaction| {
            let table = transaction.open_table(SESSIONS).map_err(DatabaseError::from)?;
            let found = store::sessions(&table)?.into_iter().find(|(key, record)| record.user == *user && id_of(key) == wanted);
            drop(table);
            let attempt = audit_entry(now, user.as_str(), origin, Action::Revoke);
            // The identifier may belong to a session of another user, so that the attempt is logged.
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
