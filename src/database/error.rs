//! Why the database did not do what it was asked, and what redb's errors come to. Knows nothing of who asked.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use redb::StorageError;
use thiserror::Error;

/// Why the database did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseError {
    /// Another process has it open.
    #[error("{path} is in use by another p2p process; one process at a time may use a data directory")]
    InUse {
        /// Its file.
        path: PathBuf,
    },
    /// What is in the file is no database of ours, or no longer.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// Its file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The disk under it refused.
    #[error("the catalog cannot be read or written: {reason}")]
    Io {
        /// What the system said.
        reason: String,
    },
    /// There is hardly any room left, and the change is not one of those that room is kept back for. Nothing is changed.
    #[error("no space is left for the catalog on the disk of the data directory")]
    Full,
    /// The database can only be read.
    #[error("{path} can only be read, and nothing in the data directory is changed")]
    ReadOnly {
        /// Its file.
        path: PathBuf,
    },
    /// The commit itself failed: nobody knows whether the change is stored.
    #[error("it is not known whether the change is stored ({reason}); nothing more is written, and the next start finds out")]
    OutcomeUnknown {
        /// What failed.
        reason: String,
    },
    /// Nothing is written any more, because the outcome of an earlier change is unknown or the file is another's by now. What
    /// was asked for is not done.
    #[error("nothing more is written to the catalog before the next start: {reason}")]
    Suspended {
        /// What failed.
        reason: String,
    },
}

impl DatabaseError {
    /// Whether nobody knows if the change is stored. Then nothing may be done that relies on either.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, DatabaseError::OutcomeUnknown { .. })
    }

    /// What it says without the database's path, and without texts of the system, which may have it.
    pub const fn without_path(&self) -> &'static str {
        match self {
            DatabaseError::InUse { .. } => "the catalog is in use by another process",
            DatabaseError::Damaged { .. } => "the catalog is damaged",
            DatabaseError::Io { .. } => "the catalog cannot be read or written",
            DatabaseError::Full => "no space is left for the catalog",
            DatabaseError::ReadOnly { .. } => "the catalog can only be read",
            DatabaseError::OutcomeUnknown { .. } => "the commit to the catalog has failed; the next start finds out",
            DatabaseError::Suspended { .. } => "nothing more is written to the catalog before the next start",
        }
    }
}

impl From<redb::Error> for DatabaseError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(reason) => damaged_value(reason),
            redb::Error::Io(io) if is_full(io.kind()) => DatabaseError::Full,
            error => DatabaseError::Io { reason: error.to_string() },
        }
    }
}

/// Conversions by way of redb's error of everything, so that `?` serves wherever a table is touched.
macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for DatabaseError {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}

from_redb!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError, redb::SetDurabilityError);

pub(super) fn damaged_value(reason: String) -> DatabaseError {
    DatabaseError::Damaged { path: PathBuf::from("catalog.redb"), reason }
}

pub(super) fn opening_failed(path: &Path, error: &redb::DatabaseError) -> DatabaseError {
    let path = path.to_owned();
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen | redb::DatabaseError::LockProtocolMismatch => DatabaseError::InUse { path },
        redb::DatabaseError::Storage(StorageError::Io(io)) if !is_damage(io.kind()) => {
            DatabaseError::Io { reason: format!("{}: {io}", path.display()) }
        }
        other => DatabaseError::Damaged { path, reason: other.to_string() },
    }
}

/// Whether an I/O error says that there is no room.
fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Whether an I/O error is about what the file says, not about reaching it.
fn is_damage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput)
}
