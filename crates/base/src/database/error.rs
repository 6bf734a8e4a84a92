//! Errors of the database, and their conversion from the errors of redb.

use std::io;
use std::path::{Path, PathBuf};

use redb::StorageError;
use thiserror::Error;

use crate::error_kind::ErrorKind;
use crate::spelling::visible_path;

/// Error of a database operation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseError {
    /// Another process has the database open.
    #[error("{path} is in use by another p2p process; one process at a time may use a data directory")]
    InUse {
        /// Path of the database file.
        path: PathBuf,
    },
    /// The file is no database of this program, or it is damaged.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// Path of the database file.
        path: PathBuf,
        /// Description of the damage.
        reason: String,
    },
    /// The file has a format that this program does not know, as one of a later version has.
    #[error("{path} has the format {found}, and this program reads the format {known}; the program that wrote it opens it")]
    UnknownFormat {
        /// Path of the database file.
        path: PathBuf,
        /// Version of the format of the file.
        found: u8,
        /// Version of the format that this program reads.
        known: u8,
    },
    /// The disk or the operating system refused.
    #[error("the catalog cannot be read or written: {reason}")]
    Io {
        /// Message of the operating system.
        reason: String,
    },
    /// The disk is almost full, and the change may not use the reserved space. Nothing is changed.
    #[error("no space is left for the catalog on the disk of the data directory")]
    Full,
    /// The database is read-only.
    #[error("{path} can only be read, and nothing in the data directory is changed")]
    ReadOnly {
        /// Path of the database file.
        path: PathBuf,
    },
    /// The file has an older format, and there is no room for the copy of it that is kept and for the new tables. Nothing is
    /// changed.
    #[error(
        "{path} has an older format, and there is no room to bring it up to date and to keep a copy of it: {needed} bytes are needed on that disk, and {free} are free"
    )]
    NoRoomToMigrate {
        /// Path of the database file.
        path: PathBuf,
        /// Number of bytes that the copy and the new tables need.
        needed: u64,
        /// Number of bytes that are free.
        free: u64,
    },
    /// The commit itself failed: it is unknown whether the change is stored.
    #[error("it is not known whether the change is stored ({reason}); nothing more is written, and the next start finds out")]
    OutcomeUnknown {
        /// Reason of the failure.
        reason: String,
    },
    /// The database is suspended, because the outcome of an earlier change is unknown or another file has taken the place of the
    /// database. The requested change is not done.
    #[error("nothing more is written to the catalog before the next start: {reason}")]
    Suspended {
        /// Reason for which the database was suspended.
        reason: String,
    },
}

impl DatabaseError {
    /// Returns the kind of the error.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            DatabaseError::Damaged { .. } => ErrorKind::DataLoss,
            DatabaseError::UnknownFormat { .. } | DatabaseError::ReadOnly { .. } => ErrorKind::Precondition,
            DatabaseError::Full | DatabaseError::NoRoomToMigrate { .. } => ErrorKind::Exhausted,
            DatabaseError::InUse { .. }
            | DatabaseError::Io { .. }
            | DatabaseError::OutcomeUnknown { .. }
            | DatabaseError::Suspended { .. } => ErrorKind::Unavailable,
        }
    }

    /// Returns true if it is unknown whether the change is stored. Callers may not rely on either outcome then.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, DatabaseError::OutcomeUnknown { .. })
    }

    /// Returns the message without the database's path, and without messages of the operating system, which may contain it.
    pub const fn without_path(&self) -> &'static str {
        match self {
            DatabaseError::InUse { .. } => "the catalog is in use by another process",
            DatabaseError::Damaged { .. } => "the catalog is damaged",
            DatabaseError::UnknownFormat { .. } => "the catalog has an unknown format",
            DatabaseError::Io { .. } => "the catalog cannot be read or written",
            DatabaseError::Full => "no space is left for the catalog",
            DatabaseError::ReadOnly { .. } => "the catalog can only be read",
            DatabaseError::NoRoomToMigrate { .. } => "there is no room to bring the catalog up to date",
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

/// Converts errors by way of redb's general error, so that `?` works wherever a table is used.
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
            DatabaseError::Io { reason: format!("{}: {io}", visible_path(path)) }
        }
        other => DatabaseError::Damaged { path, reason: other.to_string() },
    }
}

/// Returns true if an I/O error reports that there is no room.
fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Returns true if an I/O error is caused by the content of the file, not by the access to it.
fn is_damage(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput)
}
