//! Why something was not done: what a server says, or what has happened on the way to it.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use p2p_service::ErrorKind;
use p2p_service::statuses;
use rustls::Error as TlsError;
use thiserror::Error;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::tls;
use crate::quantities::Wrong;

/// Error of a client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No server answers.
    #[error("no `p2p serve` answers at {address}: {reason}")]
    Unreachable {
        /// Address that was tried.
        address: SocketAddr,
        /// Reason of the failure.
        reason: String,
    },
    /// The certificate of the server is not accepted.
    #[error("the certificate of the server at {address} is not accepted: {reason}")]
    Certificate {
        /// Address that was tried.
        address: SocketAddr,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// The server does not speak TLS.
    #[error("the server at {address} does not speak TLS")]
    NoTls {
        /// Address that was tried.
        address: SocketAddr,
    },
    /// The connection was lost before the answer was complete.
    #[error("the connection to the server is lost: {0}")]
    Lost(String),
    /// The server has not answered in time. What it has begun may go on.
    #[error("the server has not answered within {} s", within.as_secs_f64())]
    Late {
        /// Time for which it was waited.
        within: Duration,
    },
    /// The server refuses.
    #[error("{text}")]
    Refused {
        /// Text of the server.
        text: String,
        /// Kind of the error.
        kind: ErrorKind,
        /// Name of the reason in the table of docs/errors.md; empty if the server has given none.
        reason: String,
        /// Kind of what it is about, such as `file` or `host`; empty if the server names nothing.
        resource: String,
    },
    /// What came is not the content that the server says it is.
    #[error("{0}")]
    Damaged(String),
    /// A file of this machine cannot be read or written.
    #[error(transparent)]
    Local(#[from] io::Error),
    /// A token has characters that no token has.
    #[error("the token has characters in it that no token has")]
    NoToken,
    /// The server has not kept to the contract.
    #[error("the server has not kept to the contract: {0}")]
    Unexpected(&'static str),
    /// A field of an answer has no valid value.
    #[error("the server has not kept to the contract: {0}")]
    Meaningless(String),
}

impl ClientError {
    pub(super) fn unreachable(address: SocketAddr, error: &(dyn Error + 'static)) -> ClientError {
        match tls_error_of(error) {
            Some(TlsError::InvalidCertificate(reason)) => ClientError::Certificate { address, reason: tls::told(reason) },
            Some(TlsError::InvalidMessage(_)) => ClientError::NoTls { address },
            _ => ClientError::Unreachable { address, reason: cause_of(error) },
        }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ClientError::Unreachable { .. } | ClientError::Lost(_) => ErrorKind::Unavailable,
            ClientError::Refused { kind, .. } => *kind,
            ClientError::Local(_) | ClientError::NoToken => ErrorKind::Invalid,
            ClientError::Certificate { .. } | ClientError::NoTls { .. } => ErrorKind::Precondition,
            ClientError::Damaged(_) => ErrorKind::DataLoss,
            ClientError::Late { .. } => ErrorKind::DeadlineExceeded,
            ClientError::Unexpected(_) | ClientError::Meaningless(_) => ErrorKind::Internal,
        }
    }

    /// Returns the kind of what the server says it is about; empty if it names nothing.
    pub fn resource(&self) -> &str {
        if let ClientError::Refused { resource, .. } = self { resource } else { "" }
    }

    /// Returns the reason that the server has given; empty if it has given none.
    pub fn reason(&self) -> &str {
        if let ClientError::Refused { reason, .. } = self { reason } else { "" }
    }
}

impl From<Wrong> for ClientError {
    fn from(wrong: Wrong) -> ClientError {
        ClientError::Meaningless(wrong.to_string())
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> ClientError {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        // What the library says of a connection has no details, and a cause.
        if let Some(error) = status.source().filter(|_| reason.is_empty()) {
            return ClientError::Lost(cause_of(error));
        }
        let number = i32::from(status.code());
        let kind = ErrorKind::ALL.iter().find(|&&kind| i32::from(statuses::of(kind).grpc.number) == number);
        let resource = details.resource_info().map(|info| info.resource_type.clone()).unwrap_or_default();
        let kind = kind.copied().unwrap_or(ErrorKind::Internal);
        ClientError::Refused { text: text_of(&status).to_owned(), kind, reason, resource }
    }
}

/// Returns what a status says, which is never nothing.
fn text_of(status: &Status) -> &str {
    match (status.code(), status.message()) {
        (Code::Unimplemented, _) => {
            "the server has no such service: the endpoint of a node has that of single segments alone, and the address of the others is the first \
             that `p2p serve` names"
        }
        // Another protocol begins with other bytes than a message of gRPC, as the JSON of the web with a brace.
        (Code::Internal, message) if message.contains("invalid compression flag") => {
            "what answers there does not speak gRPC, as the web; the line of JSON of `p2p serve` has the address of `grpc`"
        }
        (code, "") => code.description(),
        (_, message) => message,
    }
}

/// Returns the error of TLS among the causes of an error.
fn tls_error_of<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e TlsError> {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    // The error of an input or output has another one in it, which it does not name as its cause.
    let within = |cause: &'e (dyn Error + 'static)| cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<TlsError>();
    causes.filter_map(|cause| cause.downcast_ref().or_else(|| within(cause))).next()
}

/// Returns the innermost cause of an error, which is the one that says what has happened.
fn cause_of(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server says comes out as its kind, with its reason.
    #[test]
    fn statuses_become_the_kinds_that_they_are_made_of() {
        let status = crate::status::invalid("path", "it is empty");
        let error = ClientError::from(status);
        assert_eq!(
            (error.kind(), error.reason(), error.to_string().as_str()),
            (ErrorKind::Invalid, "INVALID_FIELD", "path: it is empty")
        );
        let error = ClientError::from(Status::data_loss("lost"));
        assert_eq!((error.kind(), error.reason()), (ErrorKind::DataLoss, ""));
        assert_eq!(ClientError::from(Status::unknown("?")).kind(), ErrorKind::Internal);
        // Where the server says nothing, the code does.
        assert!(ClientError::from(Status::unimplemented("")).to_string().starts_with("the server has no such service"));
        assert!(ClientError::from(Status::unknown("")).to_string().len() > 5);
        let other =
            Status::internal("protocol error: received message with invalid compression flag: 123 (valid flags are 0 and 1)");
        assert!(ClientError::from(other).to_string().starts_with("what answers there does not speak gRPC"));
        let address = "127.0.0.1:1".parse().unwrap();
        let error = ClientError::unreachable(address, &io::Error::other("nobody"));
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Unavailable, "no `p2p serve` answers at 127.0.0.1:1: nobody")
        );
    }
}
