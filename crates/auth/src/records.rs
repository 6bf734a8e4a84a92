//! Entries of the audit log about what users do elsewhere: with files of others, with shares, with faults of the network.

use super::audit::{Action, AuditEntry};
use super::{Auth, AuthError, UserName, audit_entry};

impl Auth {
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
