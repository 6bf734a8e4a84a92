//! Errors of the client of SFTP, with the words of the host where it has said why.

use std::io;

use p2p_base::spelling::visible_line;
use p2p_base::units::ByteSize;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{Status, StatusCode};
use thiserror::Error;

use super::super::ClientError;
use super::names::shown;

/// Error of a transfer or of a question.
#[derive(Debug, Error)]
pub enum SftpError {
    /// The host is not reached, or does not log the user in.
    #[error(transparent)]
    Client(Box<ClientError>),
    /// The host has no SFTP, or not its version 3.
    #[error("{host} has no SFTP: {reason}")]
    NoSftp {
        /// Name of the host.
        host: String,
        /// What it has said.
        reason: String,
    },
    /// The host does not do what it is asked for.
    #[error("{host}: {words}")]
    Refused {
        /// Name of the host.
        host: String,
        /// Status.
        status: StatusCode,
        /// What it says, with the path.
        words: String,
    },
    /// There is a file of that name already.
    #[error("`{}` is at {host} already", shown(path))]
    Taken {
        /// Name of the host.
        host: String,
        /// Path of the file.
        path: String,
    },
    /// The host cannot replace a file in one step.
    #[error("{host} cannot replace `{}` without losing it first (it has no posix-rename@openssh.com)", shown(path))]
    NotReplaceable {
        /// Name of the host.
        host: String,
        /// Path of the file.
        path: String,
    },
    /// The path is that of a directory, or of what is no file.
    #[error("`{}` is no file at {host}", shown(path))]
    NoFile {
        /// Name of the host.
        host: String,
        /// Path of it.
        path: String,
    },
    /// No answer in time.
    #[error("{host} has not answered a request within {seconds} s")]
    Late {
        /// Name of the host.
        host: String,
        /// Time that it had.
        seconds: u64,
    },
    /// The connection has ended before the answer.
    #[error("the connection to {host} has ended before all was done")]
    Lost {
        /// Name of the host.
        host: String,
    },
    /// The host does not speak as it should.
    #[error("{host} does not speak SFTP as it should: {what}")]
    Unsound {
        /// Name of the host.
        host: String,
        /// What it has said.
        what: String,
    },
    /// The file has changed while it was fetched.
    #[error("`{}` has changed at {host} while it was fetched", shown(path))]
    Changed {
        /// Name of the host.
        host: String,
        /// Path of the file.
        path: String,
    },
    /// The file goes on after the size that the host tells of it.
    #[error("`{}` is longer than the {bytes} bytes that {host} tells of it", shown(path))]
    Longer {
        /// Name of the host.
        host: String,
        /// Path of the file.
        path: String,
        /// Size that the host tells, in bytes.
        bytes: u64,
    },
    /// The content at the host is not that of this machine.
    #[error("{host} has {} for `{}`, and here it is {}", known.0, shown(path), known.1)]
    Differs {
        /// Name of the host.
        host: String,
        /// Path of the file.
        path: String,
        /// What the host has and what is here: sizes or SHA-256.
        known: Box<(String, String)>,
    },
    /// The file of this machine cannot be read or written.
    #[error(transparent)]
    Local(#[from] io::Error),
    /// The transfer was given up by who had asked for it.
    #[error("interrupted")]
    Stopped,
    /// The transfer was given up by who had asked for it, and what is stored of it is kept for the next one.
    #[error("interrupted; {} of it stored at {host}", ByteSize::from_bytes(*bytes))]
    Kept {
        /// Name of the host.
        host: String,
        /// Bytes that were stored at the last look; what was on its way is stored too, if it comes.
        bytes: u64,
    },
    /// The transfer was given up when all of the content was sent: a server of this program makes a file of it, unless it has not learnt of the end.
    #[error("interrupted; all of `{}` was sent, and {host} goes on storing it", shown(path))]
    Complete {
        /// Name of the host.
        host: String,
        /// Path of the file.
        path: String,
    },
    /// A transfer has failed, and the host removes what it has of it.
    #[error("{error}; {host} removes what it has of `{}`, which is not over yet", shown(path))]
    Undoing {
        /// Reason of the failure.
        error: Box<SftpError>,
        /// Name of the host.
        host: String,
        /// Path of the file.
        path: String,
    },
    /// A transfer has failed, and the host does not remove what it has of it.
    #[error("{error}; {host}: {words}")]
    NotUndone {
        /// Reason of the failure.
        error: Box<SftpError>,
        /// Name of the host.
        host: String,
        /// Words of the host.
        words: String,
    },
    /// A transfer has failed, and the host may keep what it has of it as an upload.
    #[error("{error}; {host} may keep what it has of `{}` as an upload, for a day", shown(path))]
    LeftUpload {
        /// Reason of the failure.
        error: Box<SftpError>,
        /// Name of the host.
        host: String,
        /// Path of the file.
        path: String,
    },
    /// A transfer has failed, and what it had begun at the host may still be there.
    #[error("{error}; `{}` may be left at {host}", shown(part))]
    Left {
        /// Reason of the failure.
        error: Box<SftpError>,
        /// Name of the host.
        host: String,
        /// Path of what is left.
        part: String,
    },
}

impl From<ClientError> for SftpError {
    fn from(error: ClientError) -> SftpError {
        SftpError::Client(Box::new(error))
    }
}

impl SftpError {
    /// Returns the error of the library about a path at a host, which had this time for its answer.
    pub(super) fn of(error: Error, host: &str, path: &str, seconds: u64) -> SftpError {
        let host = host.to_owned();
        match error {
            Error::Status(Status { status_code: StatusCode::Ok, .. }) => {
                let what = "it says that a request is done, and does not answer it".into();
                SftpError::Unsound { host, what }
            }
            Error::Status(status) => {
                let words = words_of(&status, path);
                SftpError::Refused { host, status: status.status_code, words }
            }
            Error::Timeout => SftpError::Late { host, seconds },
            // The library has no kind of its own for what waited when the channel ended.
            Error::UnexpectedBehavior(_) | Error::IO(_) => SftpError::Lost { host },
            Error::Limited(what) => SftpError::Unsound { host, what: visible_line(&what).into_owned() },
            Error::UnexpectedPacket => SftpError::Unsound { host, what: "an answer of another kind".into() },
        }
    }

    /// Returns true if there is nothing at the path.
    pub fn is_nothing(&self) -> bool {
        matches!(self, SftpError::Refused { status: StatusCode::NoSuchFile, .. })
    }

    /// Returns true if the request may succeed later: the host cannot be reached, or is late.
    pub fn is_temporary(&self) -> bool {
        match self {
            SftpError::Client(error) => {
                matches!(**error, ClientError::Unreachable { .. } | ClientError::Silent { .. } | ClientError::Cut { .. })
            }
            SftpError::Late { .. } | SftpError::Lost { .. } => true,
            SftpError::Left { error, .. }
            | SftpError::Undoing { error, .. }
            | SftpError::NotUndone { error, .. }
            | SftpError::LeftUpload { error, .. } => error.is_temporary(),
            _ => false,
        }
    }

    /// Returns true if the transfer was given up by who had asked for it.
    pub fn is_stopped(&self) -> bool {
        match self {
            SftpError::Stopped | SftpError::Kept { .. } | SftpError::Complete { .. } => true,
            SftpError::Left { error, .. }
            | SftpError::Undoing { error, .. }
            | SftpError::NotUndone { error, .. }
            | SftpError::LeftUpload { error, .. } => error.is_stopped(),
            _ => false,
        }
    }
}

/// Returns what a host says, with the path if it does not name that. Its words are shown as data: they are another's.
fn words_of(status: &Status, path: &str) -> String {
    let said = visible_line(status.error_message.trim()).into_owned();
    let said = match status.status_code {
        _ if !said.is_empty() => said,
        StatusCode::Eof => "End of file".into(),
        code => code.to_string(),
    };
    let seen = shown(path);
    if path.is_empty() || said.contains(&*seen) { said } else { format!("`{seen}`: {said}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status_code: StatusCode, words: &str) -> Error {
        Error::Status(Status { id: 1, status_code, error_message: words.into(), language_tag: String::new() })
    }

    #[test]
    fn a_refusal_names_the_path_and_shows_what_cannot_be_seen() {
        let text = |words, path| SftpError::of(status(StatusCode::NoSuchFile, words), "store", path, 1).to_string();
        assert_eq!(text("No such file", "a"), "store: `a`: No such file");
        assert_eq!(text("there is nothing at `/files/a`", "a"), "store: there is nothing at `/files/a`");
        assert_eq!(text("", "a"), "store: `a`: No such file");
        assert_eq!(text("\x1b[2Jgone\n", ""), "store: \\u{1b}[2Jgone");
    }

    #[test]
    fn what_may_succeed_later_is_temporary() {
        let of = |error| SftpError::of(error, "store", "a", 7);
        assert!(of(Error::Timeout).is_temporary() && of(Error::UnexpectedBehavior("x".into())).is_temporary());
        assert_eq!(of(Error::Timeout).to_string(), "store has not answered a request within 7 s");
        let refused = of(status(StatusCode::NoSuchFile, ""));
        assert!(refused.is_nothing() && !refused.is_temporary() && !refused.is_stopped());
        let left = SftpError::Left { error: Box::new(SftpError::Stopped), host: "store".into(), part: "a".into() };
        assert!(left.is_stopped() && !left.is_temporary());
        assert_eq!(left.to_string(), "interrupted; `a` may be left at store");
    }
}
