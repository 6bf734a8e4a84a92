//! Entries of the audit log about what users do elsewhere: with files of others, with shares, with faults of the network; and where an account
//! was made.

use super::audit::{self, Action, AuditEntry};
use super::{Auth, AuthError, UserName, audit_entry};

impl Auth {
    /// Returns the origin from which the account of this user was made; `None` if the audit log has its entry no more.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn made_from(&self, user: &UserName) -> Result<Option<String>, AuthError> {
        let is_making = |entry: &AuditEntry| entry.action == Action::Register && entry.done && entry.user == user.as_str();
        Ok(audit::latest(&self.0.database, 1, is_making)?.pop().map(|(_, entry)| entry.origin))
    }

    /// Writes to the audit log that a user accesses property of another user, or is refused that access.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn record_access(&self, user: &UserName, origin: &str, what: &str, done: bool, now: u64) -> Result<(), AuthError> {
        self.note(AuditEntry { done, note: what.to_owned(), ..audit_entry(now, user.as_str(), origin, Action::Access) })
    }

    /// Writes to the audit log that a user has granted another one read access to a file, or revoked it.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn record_share(&self, user: &UserName, origin: &str, what: &str, now: u64) -> Result<(), AuthError> {
        self.note(AuditEntry { note: what.to_owned(), ..audit_entry(now, user.as_str(), origin, Action::Share) })
    }

    /// Writes to the audit log that a user has put faults of the network on or taken them back, or that this could not be done.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn record_fault(&self, user: &UserName, origin: &str, what: &str, done: bool, now: u64) -> Result<(), AuthError> {
        self.note(AuditEntry { done, note: what.to_owned(), ..audit_entry(now, user.as_str(), origin, Action::Fault) })
    }
}
