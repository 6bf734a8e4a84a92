//! Why something on this machine could not be done, in two texts: one that names no place, and one for whoever asked.
//!
//! Where a file is on this machine concerns nobody who watches the network, and a run is the same wherever its directories are.
//! Events and the trace have the first text, the answer to whoever asked and the log have the second. Knows nothing of what was to
//! be done.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// A reason, with and without places of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Cause {
    /// What happened, without any path and without texts that may have one.
    plain: String,
    /// The same with all that is known; none where that is no more.
    full: Option<String>,
}

impl Cause {
    /// A reason in which nothing of this machine is named.
    pub fn new(plain: impl Into<String>) -> Cause {
        Cause { plain: plain.into(), full: None }
    }

    /// A reason as everybody is told it, and as whoever asked is.
    pub fn with_details(plain: impl Into<String>, full: impl Into<String>) -> Cause {
        Cause { plain: plain.into(), full: Some(full.into()) }
    }

    /// The system's refusal to `verb` the file that is called `name` here.
    pub fn of_file(verb: &str, name: &str, error: &io::Error) -> Cause {
        Cause::with_details(format!("cannot {verb} the file: {}", plain_text(error)), format!("cannot {verb} {name}: {error}"))
    }

    /// The end of a piece of work in a panic, whose message may say anything.
    pub fn of_panic(message: String) -> Cause {
        Cause::with_details("work ended in a panic", message)
    }

    /// The reason without what is of this machine.
    #[must_use]
    pub fn without_details(&self) -> Cause {
        Cause::new(self.plain.clone())
    }
}

/// What an error says without the path that whoever made it may have put into its text.
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
