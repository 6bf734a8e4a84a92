//! Failures of requests, as statuses of SFTP: the table is [`statuses`](p2p_service::statuses), by the kind of the error.

use p2p_base::message::legible;
use p2p_service::ErrorKind;
use p2p_service::access::{Access, AccessError};
use p2p_service::files::{Await, EngineError, Sha256Digest, TransferId};
use p2p_service::statuses;
use russh_sftp::protocol::{Packet, StatusCode};

/// Language of messages (RFC 3066).
const LANGUAGE: &str = "en";

/// Reason for which a request is not done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    code: StatusCode,
    message: String,
}

/// Result of a request.
pub(super) type Done<T> = Result<T, Failure>;

impl Failure {
    /// Returns the failure of an error of this kind.
    pub(super) fn of(kind: ErrorKind, message: &str) -> Failure {
        let code = match statuses::of(kind).sftp.number {
            2 => StatusCode::NoSuchFile,
            3 => StatusCode::PermissionDenied,
            _ => StatusCode::Failure,
        };
        Failure { code, message: legible(message) }
    }

    /// Returns the failure of what fails for a reason that has no status of its own.
    pub(super) fn because(message: impl Into<String>) -> Failure {
        Failure { code: StatusCode::Failure, message: legible(&message.into()) }
    }

    /// Returns the end of a file or of a directory.
    pub(super) fn end() -> Failure {
        Failure { code: StatusCode::Eof, message: "end of file".into() }
    }

    /// Returns the failure of a request that is not served.
    pub(super) fn unsupported(what: &str) -> Failure {
        Failure { code: StatusCode::OpUnsupported, message: legible(what) }
    }

    /// Returns the failure of a path at which nothing is.
    pub(super) fn nothing(path: &str) -> Failure {
        Failure::of(ErrorKind::NotFound, &format!("there is nothing at `{path}`"))
    }

    /// Returns the failure of a change outside of the user's files.
    pub(super) fn read_only(path: &str) -> Failure {
        Failure::of(ErrorKind::Denied, &format!("`{path}` cannot be changed; files are stored below /files"))
    }

    /// Returns the failure of a handle that is not open, or not of the kind that the request needs.
    pub(super) fn handle() -> Failure {
        Failure::because("no such handle is open for that")
    }

    /// Returns the failure of a name that is no text.
    pub(super) fn no_text() -> Failure {
        Failure::because("the name is no text in UTF-8, as all names here are")
    }

    /// Returns the failure of content that is not the one which its client has named by its SHA-256.
    pub(super) fn of_other_content(found: &Sha256Digest, expected: &Sha256Digest) -> Failure {
        Failure::because(format!("what has come has the SHA-256 {found}, and is to have {expected}; nothing of it is stored"))
    }

    /// Returns why a transfer is over before its time: what its report says, and this message if it says nothing of a failure.
    pub(super) async fn of_transfer(access: &Access, transfer: TransferId, message: &str) -> Failure {
        let report = match access.call(Await { transfer }).await {
            Ok(report) => report.into_result(),
            Err(error) => Err(error),
        };
        report.map_or_else(Failure::from, |_| Failure::because(message))
    }

    /// Returns true if there is nothing of a name.
    pub(super) fn is_nothing(&self) -> bool {
        self.code == StatusCode::NoSuchFile
    }

    /// Returns the answer to a request.
    pub(super) fn answer(&self, id: u32) -> Packet {
        Packet::status(id, self.code, &self.message, LANGUAGE)
    }
}

/// Returns the answer to a request that is done and has no other.
pub(super) fn done(id: u32) -> Packet {
    Packet::status(id, StatusCode::Ok, "done", LANGUAGE)
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Failure {
        Failure::of(error.kind(), &error.to_string())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        Failure::of(error.kind(), &error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_the_status_of_its_kind() {
        for (kind, code) in [
            (ErrorKind::NotFound, StatusCode::NoSuchFile),
            (ErrorKind::Denied, StatusCode::PermissionDenied),
            (ErrorKind::Unauthenticated, StatusCode::PermissionDenied),
            (ErrorKind::AlreadyExists, StatusCode::Failure),
            (ErrorKind::Unavailable, StatusCode::Failure),
        ] {
            assert_eq!(Failure::of(kind, "x").code, code, "{kind:?}");
            assert_eq!(code as u16, statuses::of(kind).sftp.number);
        }
    }
}
