//! User names: their syntax and the form in which they are compared. Independent of accounts.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::spelling::{excerpt, folded};

/// Length of the longest user name, in characters.
const NAME_MAX: usize = 32;
/// Length of the longest excerpt of a text in an error message, in characters.
const EXCERPT_MAX: usize = 64;

/// Error of parsing a user name, with an excerpt of the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no user name: 1 to {NAME_MAX} of a-z, 0-9, `.`, `_` and `-`, the first a letter or a digit (capitals count as small letters)"
)]
pub struct UserNameError(String);

/// User name of an account, in the form in which names are compared.
///
/// ```
/// use p2p_base::user_name::UserName;
///
/// let alice: UserName = "Alice".parse()?;
/// assert_eq!(alice, "alice".parse()?);
/// assert!("a b".parse::<UserName>().is_err());
/// # Ok::<(), p2p_base::user_name::UserNameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UserName(String);

impl UserName {
    /// Returns the user name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl UserName {
    /// Converts a text into the form in which user names are compared: letter case and the width of characters are ignored
    /// (UsernameCaseMapped, RFC 8265, section 3.3), and so is surrounding white space.
    pub fn folded(text: &str) -> String {
        folded(text.trim())
    }
}

/// Parses a user name and converts it to the form in which names are compared.
impl FromStr for UserName {
    type Err = UserNameError;

    fn from_str(text: &str) -> Result<Self, UserNameError> {
        let name = UserName::folded(text);
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if name.len() <= NAME_MAX && begins_well && name.chars().all(fits) {
            Ok(UserName(name))
        } else {
            Err(UserNameError(excerpt(text, EXCERPT_MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names() {
        for good in ["a", "alice", "0x", "a.b_c-d", &"a".repeat(32)] {
            assert_eq!(good.parse::<UserName>().unwrap().as_str(), good);
        }
        for (typed, name) in [("Alice", "alice"), (" ALICE ", "alice"), ("ａｌｉｃｅ", "alice"), ("Bob.2", "bob.2")] {
            assert_eq!(typed.parse::<UserName>().unwrap().as_str(), name, "{typed}");
        }
        for bad in ["", "a b", ".a", "-a", "a/b", "ä", "a\nb", "аlice", "al\u{200b}ice", "ſam", &"a".repeat(33)] {
            assert!(bad.parse::<UserName>().is_err(), "{bad:?}");
        }
    }
}
