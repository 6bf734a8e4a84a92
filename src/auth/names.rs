//! What accounts are called: user names and e-mail addresses. Knows nothing of who has one.

use std::fmt;
use std::str::FromStr;

use lettre::Address;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest user name, in characters.
const NAME_MAX: usize = 32;
/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const EMAIL_MAX: usize = 254;

/// What a message repeats of a text, in characters.
const REPEATED_MAX: usize = 64;

/// Why a text is no user name or no address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// No user name.
    #[error("`{0}` is no user name: 1 to {NAME_MAX} of a-z, 0-9, `.`, `_` and `-`, the first a letter or a digit")]
    User(String),
    /// No address.
    #[error("`{0}` is no e-mail address")]
    Email(String),
}

/// The name of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserName(String);

impl UserName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for UserName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        let begins_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if text.len() <= NAME_MAX && begins_well && text.chars().all(fits) {
            Ok(UserName(text.to_owned()))
        } else {
            Err(NameError::User(printable(text, REPEATED_MAX)))
        }
    }
}

/// An e-mail address. Two that differ in case alone are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email(String);

impl Email {
    /// The address, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two addresses have in common that are the same.
    pub(super) fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Email {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.parse::<Address>() {
            Ok(_) if text.len() <= EMAIL_MAX && !text.chars().any(char::is_control) => Ok(Email(text.to_owned())),
            _ => Err(NameError::Email(printable(text, REPEATED_MAX))),
        }
    }
}

/// What a message or a log repeats of a text that somebody typed: so many characters of it, and nothing that upsets a terminal.
pub(super) fn printable(text: &str, max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names() {
        for good in ["a", "alice", "0x", "a.b_c-d", &"a".repeat(32)] {
            assert_eq!(good.parse::<UserName>().unwrap().as_str(), good);
        }
        for bad in ["", "Alice", "a b", ".a", "-a", "a/b", "ä", "a\n", &"a".repeat(33)] {
            assert!(bad.parse::<UserName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses() {
        for good in ["alice@example.org", "a+b@localhost", "Ünï@example.org"] {
            assert_eq!(good.parse::<Email>().unwrap().as_str(), good);
        }
        for bad in ["", "alice", "@example.org", "a@", "a b@example.org", "a@example.org\r\nBcc: b@c.d", "a@b@c"] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
        assert!(format!("{}@example.org", "a".repeat(250)).parse::<Email>().is_err());
        assert_eq!("A@Example.org".parse::<Email>().unwrap().key(), "a@example.org");
    }
}
