//! Invites, and the admission of registrations that come from remote.
//!
//! An invite is a code that an admin makes and passes on; whoever has it may register one account with it. It is 256 random bits,
//! is shown once, stored as a digest, ends, and can be revoked (OWASP ASVS 5.0, sections on secrets and on registration). Its use
//! and the account that is made with it are one transaction, so that a caller who goes away leaves both or neither.

use p2p_base::database::DatabaseError;
use p2p_base::hex::hex;
use p2p_base::stored_time;
use redb::WriteTransaction;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::audit::{self, Action, AuditEntry};
use super::names::UserName;
use super::secret::{Fingerprint, Secret, fingerprint, new_bearer};
use super::store::{self, INVITES};
use super::{Auth, AuthError, audit_entry};

/// Text with which every invite begins; it begins as an API token does, so that scanners for secrets find one.
const PREFIX: &str = "p2p_invite_";
/// Number of invites that are open at once.
pub const INVITES_MAX: usize = 1_000;
/// Lifetime of an invite unless another is asked for, in seconds.
pub const LIFETIME: u64 = 7 * DAY;
/// Longest lifetime of an invite, in seconds.
pub const LIFETIME_MAX: u64 = 30 * DAY;

const DAY: u64 = 24 * 3600;

/// Way in which a registration comes to be admitted.
#[derive(Debug, Clone)]
pub enum Admission {
    /// The user has the data directory open on this machine.
    Local,
    /// The caller has presented the setup token, which admits the first account alone.
    Setup,
    /// Anybody may register, once the first account exists.
    Open,
    /// The caller presents an invite, once the first account exists.
    Invite(Secret),
}

/// Reason why a registration from remote is not admitted, or an invite is not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InviteError {
    /// Nobody may register from remote.
    #[error("nobody may register from elsewhere; an admin makes accounts")]
    Closed,
    /// The registration needs an invite.
    #[error("a registration from elsewhere needs an invite of an admin")]
    Needed,
    /// The invite is unknown, used, expired or revoked; the message does not tell which.
    #[error("the invite is not valid: it is unknown, used, expired or revoked")]
    Refused,
    /// Refusal while there is no account yet: the first one needs the setup token.
    #[error("there are no accounts yet; from elsewhere, the first one needs the setup token that the server has printed")]
    SetupNeeded,
    /// The setup token is wrong, or the first account exists already.
    #[error("the setup token is not valid: it is wrong, or the first account exists already")]
    SetupRefused,
    /// Refusal since there are as many open invites as there may be.
    #[error("there are {INVITES_MAX} open invites, and no more are made")]
    TooMany,
    /// The invite would end too late, or would have ended already.
    #[error("an invite lasts until a time to come, and at most {} days", LIFETIME_MAX / DAY)]
    Lifetime,
    /// Absence of an open invite with this identifier.
    #[error("there is no open invite `{id}`")]
    Unknown {
        /// Identifier that was given.
        id: String,
    },
}

/// Invite that has not been used. One that is used or revoked has no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InviteRecord {
    by: UserName,
    created_at: u64,
    expires_at: u64,
}

p2p_base::stored!(InviteRecord = 1);

/// Public data of an open invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteInfo {
    /// Identifier of the invite, by which it is revoked.
    pub id: String,
    /// User name of the admin who made it.
    pub by: UserName,
    /// Time at which it was made, in seconds since 1970.
    pub created_at: u64,
    /// Time at which it ends, in seconds since 1970.
    pub expires_at: u64,
}

impl InviteRecord {
    /// Returns true if the invite has not ended. A clock that was put back would lengthen its life.
    fn lasts(&self, now: u64) -> bool {
        now < self.expires_at && !stored_time::is_ahead(self.created_at, now)
    }
}

/// Returns the digest that the database stores. A plain digest is sufficient, since 256 random bits cannot be guessed.
fn digest_of(invite: &Secret) -> Fingerprint {
    fingerprint("invite", invite.expose_secret())
}

fn id_of(digest: &Fingerprint) -> String {
    hex(&digest[..4])
}

fn open_invites(transaction: &WriteTransaction, now: u64) -> Result<Vec<(Fingerprint, InviteRecord)>, DatabaseError> {
    let all = store::all(&transaction.open_table(INVITES)?, |digest| digest)?;
    let (lasting, ended): (Vec<_>, Vec<(Fingerprint, InviteRecord)>) =
        all.into_iter().partition(|(_, record): &(Fingerprint, InviteRecord)| record.lasts(now));
    ended.into_iter().try_for_each(|(digest, _)| store::remove(transaction, INVITES, digest))?;
    Ok(lasting)
}

/// Admits a registration within its transaction, in which `is_first` tells if no account exists. Returns a note for the audit log.
pub(super) fn admit(
    transaction: &WriteTransaction,
    admission: &Admission,
    is_first: bool,
    now: u64,
) -> Result<Result<String, InviteError>, DatabaseError> {
    Ok(match (admission, is_first) {
        (Admission::Local, _) | (Admission::Open, false) => Ok(String::new()),
        (Admission::Setup, true) => Ok("by the setup token".into()),
        (Admission::Setup, false) => Err(InviteError::SetupRefused),
        (Admission::Open | Admission::Invite(_), true) => Err(InviteError::SetupNeeded),
        (Admission::Invite(invite), false) => {
            let digest = digest_of(invite);
            match store::get::<_, InviteRecord>(transaction, INVITES, digest)? {
                Some(record) if record.lasts(now) => Ok(format!("by the invite {} of {}", id_of(&digest), record.by)),
                _ => Err(InviteError::Refused),
            }
        }
    })
}

/// Uses up what admits no second registration, in the transaction that makes the account.
pub(super) fn use_up(transaction: &WriteTransaction, admission: &Admission) -> Result<(), DatabaseError> {
    match admission {
        Admission::Invite(invite) => store::remove(transaction, INVITES, digest_of(invite)),
        Admission::Local | Admission::Setup | Admission::Open => Ok(()),
    }
}

impl Auth {
    /// Makes an invite of an admin and returns its text, which cannot be read again later.
    ///
    /// # Errors
    /// Returns an [`InviteError`] if it would last too long or there are too many, or fails if the disk refuses.
    pub fn new_invite(&self, by: &UserName, expires_at: u64, origin: &str, now: u64) -> Result<Secret, AuthError> {
        if !(1..=LIFETIME_MAX).contains(&expires_at.saturating_sub(now)) {
            return Err(InviteError::Lifetime.into());
        }
        let text = new_bearer(PREFIX)?;
        let digest = digest_of(&text);
        let made = AuditEntry { note: id_of(&digest), ..audit_entry(now, by.as_str(), origin, Action::NewInvite) };
        self.write(|transaction| {
            if open_invites(transaction, now)?.len() >= INVITES_MAX {
                return Err(InviteError::TooMany.into());
            }
            let record = InviteRecord { by: by.clone(), created_at: now, expires_at };
            store::put(transaction, INVITES, digest, &record)?;
            audit::append(transaction, made)?;
            Ok(text)
        })
    }

    /// Lists the open invites, the earliest to end first.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn invites(&self, now: u64) -> Result<Vec<InviteInfo>, AuthError> {
        let table = self.0.database.read()?.open_table(INVITES).map_err(DatabaseError::from)?;
        let all: Vec<(Fingerprint, InviteRecord)> = store::all(&table, |digest| digest)?;
        let info = |(digest, record): (Fingerprint, InviteRecord)| {
            let InviteRecord { by, created_at, expires_at } = record;
            InviteInfo { id: id_of(&digest), by, created_at, expires_at }
        };
        let mut open: Vec<InviteInfo> = all.into_iter().filter(|(_, record)| record.lasts(now)).map(info).collect();
        open.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        Ok(open)
    }

    /// Revokes an open invite.
    ///
    /// # Errors
    /// Returns [`InviteError::Unknown`] if there is none with this identifier, or fails if the disk refuses.
    pub fn revoke_invite(&self, by: &UserName, id: &str, origin: &str, now: u64) -> Result<(), AuthError> {
        let revoked = AuditEntry { note: id.to_owned(), ..audit_entry(now, by.as_str(), origin, Action::RevokeInvite) };
        self.write(|transaction| {
            let found = open_invites(transaction, now)?.into_iter().find(|(digest, _)| id_of(digest) == id);
            let (digest, _) = found.ok_or_else(|| InviteError::Unknown { id: id.to_owned() })?;
            store::remove(transaction, INVITES, digest)?;
            Ok(audit::append(transaction, revoked)?)
        })
    }
}
