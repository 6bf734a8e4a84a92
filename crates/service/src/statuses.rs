//! The one table of how front ends tell of an error: the exit code and the status of each protocol, by the kind of the error. The
//! table in docs/errors.md is made from it.
//!
//! The statuses are those of gRPC (`google.rpc.Code`), of HTTP (RFC 9110, and RFC 4918 for storage that is used up), and of version 3
//! of SFTP (draft-ietf-secsh-filexfer-02, section 7). A front end that knows more than the kind may be more exact, as with 416 for a
//! range of bytes, 412 for a condition in the header of a request, or the end of a file.

use p2p_engine::ErrorKind;

use crate::failure::exit;

/// Code of a protocol with the name that its specification gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Number that is transmitted.
    pub number: u16,
    /// Name in the specification.
    pub name: &'static str,
}

/// Answer of each front end to an error of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statuses {
    /// Exit code of a command that the error ends.
    pub exit: u8,
    /// Status code of gRPC.
    pub grpc: Code,
    /// Status code of HTTP.
    pub http: Code,
    /// Status code of SFTP.
    pub sftp: Code,
}

const fn code(number: u16, name: &'static str) -> Code {
    Code { number, name }
}

/// Status codes of SFTP. Version 3 has no others that a server may send in answer to a valid request.
const NO_SUCH_FILE: Code = code(2, "SSH_FX_NO_SUCH_FILE");
const PERMISSION_DENIED: Code = code(3, "SSH_FX_PERMISSION_DENIED");
const FAILURE: Code = code(4, "SSH_FX_FAILURE");

/// Returns how front ends tell of an error of this kind. The match lists every kind, so that a new one cannot be left out.
pub const fn of(kind: ErrorKind) -> Statuses {
    let (exit, grpc, http, sftp) = match kind {
        ErrorKind::Invalid => (exit::FAILED, code(3, "INVALID_ARGUMENT"), code(400, "Bad Request"), FAILURE),
        ErrorKind::OutOfRange => (exit::FAILED, code(11, "OUT_OF_RANGE"), code(400, "Bad Request"), FAILURE),
        ErrorKind::NotFound => (exit::FAILED, code(5, "NOT_FOUND"), code(404, "Not Found"), NO_SUCH_FILE),
        ErrorKind::AlreadyExists => (exit::FAILED, code(6, "ALREADY_EXISTS"), code(409, "Conflict"), FAILURE),
        ErrorKind::Precondition => (exit::FAILED, code(9, "FAILED_PRECONDITION"), code(409, "Conflict"), FAILURE),
        ErrorKind::Denied => (exit::FAILED, code(7, "PERMISSION_DENIED"), code(403, "Forbidden"), PERMISSION_DENIED),
        ErrorKind::Unauthenticated => (exit::FAILED, code(16, "UNAUTHENTICATED"), code(401, "Unauthorized"), PERMISSION_DENIED),
        ErrorKind::Exhausted => (exit::FAILED, code(8, "RESOURCE_EXHAUSTED"), code(507, "Insufficient Storage"), FAILURE),
        ErrorKind::Unavailable => (exit::TEMPORARY, code(14, "UNAVAILABLE"), code(503, "Service Unavailable"), FAILURE),
        ErrorKind::DeadlineExceeded => (exit::TEMPORARY, code(4, "DEADLINE_EXCEEDED"), code(504, "Gateway Timeout"), FAILURE),
        ErrorKind::DataLoss => (exit::FAILED, code(15, "DATA_LOSS"), code(500, "Internal Server Error"), FAILURE),
        ErrorKind::Cancelled => (exit::FAILED, code(1, "CANCELLED"), code(409, "Conflict"), FAILURE),
        ErrorKind::Internal => (exit::FAILED, code(13, "INTERNAL"), code(500, "Internal Server Error"), FAILURE),
    };
    Statuses { exit, grpc, http, sftp }
}
