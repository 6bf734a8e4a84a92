//! Reason of a failed operation on this machine, in two texts: one without any local path, and one for the requester.
//!
//! Observers of the network must not learn the paths of files on this machine, and a run must be the same wherever its
//! directories are. Events and the trace carry the first text; the answer to the requester and the log carry the second.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// Reason of a failure, with and without local paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Cause {
    /// Text without any path and without system texts that may contain one.
    plain: String,
    /// Text with all details; `None` if it has no more than the plain one.
    full: Option<String>,
}

impl Cause {
    /// Creates a reason whose only text names nothing of this machine.
    pub fn new(plain: impl Into<String>) -> Cause {
        Cause { plain: plain.into(), full: None }
    }

    /// Creates a reason from a text for the public and a text for the requester.
    pub fn with_details(plain: impl Into<String>, full: impl Into<String>) -> Cause {
        Cause { plain: plain.into(), full: Some(full.into()) }
    }

    /// Creates the reason for a failed attempt to `verb` the file that is called `name` on this machine.
    pub fn of_file(verb: &str, name: &str, error: &io::Error) -> Cause {
        Cause::with_details(format!("cannot {verb} the file: {}", plain_text(error)), format!("cannot {verb} {name}: {error}"))
    }

    /// Creates the reason for work that ended in a panic; the panic's message is part of the details only.
    pub fn of_panic(message: String) -> Cause {
        Cause::with_details("work ended in a panic", message)
    }

    /// Returns the reason without the details of this machine.
    #[must_use]
    pub fn without_details(&self) -> Cause {
        Cause::new(self.plain.clone())
    }
}

/// Returns the text of an error without any path that its creator may have put into it.
fn plain_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number).to_string(),
        None => error.kind().to_string(),
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.full.as_ref().unwrap_or(&self.plain))
    }
}

impl From<Cause> for String {
    fn from(cause: Cause) -> String {
        cause.full.unwrap_or(cause.plain)
    }
}

impl From<String> for Cause {
    fn from(text: String) -> Cause {
        Cause::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_told_less_than_who_asked() {
        let wrapped = io::Error::new(io::ErrorKind::NotFound, "no such file at path /home/alice/secret");
        for error in [wrapped, io::Error::from_raw_os_error(5)] {
            let cause = Cause::of_file("read", "/home/alice/a.bin", &error);
            assert!(cause.to_string().contains("/home/alice/a.bin"), "{cause}");
            let plain = cause.without_details();
            assert!(
                plain.to_string().starts_with("cannot read the file: ") && !format!("{plain:?}").contains("alice"),
                "{plain:?}"
            );
        }
    }
}
