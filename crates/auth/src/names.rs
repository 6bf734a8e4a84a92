//! User names, e-mail addresses, and names of API tokens and public keys: their syntax and the form in which they are compared. Independent of
//! accounts.

use std::fmt;
use std::str::FromStr;

use lettre::Address;
use lettre::message::Mailboxes;
use p2p_base::spelling::{composed, excerpt, folded, hidden_character};
use p2p_base::user_name::UserNameError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use p2p_base::user_name::UserName;

/// Length of the longest address in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const EMAIL_MAX: usize = 254;

/// Length of the longest excerpt of a text in an error message, in characters.
const REPEATED_MAX: usize = 64;

/// Error of parsing a user name, an e-mail address, or the name of a token or a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// The text is not a valid user name.
    #[error(transparent)]
    User(#[from] UserNameError),
    /// The text is not a valid e-mail address.
    #[error("`{0}` is no e-mail address to which a mail can be sent, as in name@example.org")]
    Email(String),
    /// The text is not a valid name of an API token. The message does not repeat it, since it may be a token.
    #[error("that is no name of a token: 1 to 32 of a-z, 0-9, `.`, `_` and `-`, the first a letter or a digit")]
    Token,
    /// The text is not a valid name of a public key. The message does not repeat it, since it may be a key.
    #[error("that is no name of a key: 1 to 32 of a-z, 0-9, `.`, `_` and `-`, the first a letter or a digit")]
    Key,
}

/// Name of an API token, in the form in which names are compared. The characters are those of user names, which are safe in file
/// names and need no quotes; the text of a token is too long to be one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenName(UserName);

impl TokenName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TokenName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(TokenName).map_err(|_| NameError::Token)
    }
}

/// Name of a public key, unique among those of its user, in the form in which names are compared. The characters are those of user names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyName(UserName);

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str())
    }
}

impl FromStr for KeyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(KeyName).map_err(|_| NameError::Key)
    }
}

/// E-mail address. Addresses that differ in letter case, in the width of characters or in the encoding of the domain are the same
/// address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email(String);

impl Email {
    /// Returns the address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the address that mails are sent to, with the domain in A-labels (RFC 5890, section 2.3.2.1).
    ///
    /// # Errors
    /// Returns [`NameError::Email`] if no mail can be sent to the address, which is possible for accounts of earlier versions.
    pub fn to_mailed(&self) -> Result<Address, NameError> {
        mailed(&self.0).ok_or_else(|| NameError::Email(excerpt(&self.0, REPEATED_MAX)))
    }

    /// Returns the comparable form of the address, which is equal for addresses that are the same.
    pub(super) fn key(&self) -> String {
        match mailed(&self.0) {
            Some(address) => format!("{}@{}", folded(address.user()), address.domain()),
            None => self.0.to_lowercase(),
        }
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
        let address = composed(text.trim());
        match mailed(&address) {
            Some(mailed) if mailed.to_string().len() <= EMAIL_MAX && hidden_character(&address).is_none() => {
                Ok(Email(address.into_owned()))
            }
            _ => Err(NameError::Email(excerpt(text, REPEATED_MAX))),
        }
    }
}

/// Returns the address that mails to `text` go to, or `None` if the library that sends mails would not accept it: that library
/// parses the recipients of a mail from its header.
fn mailed(text: &str) -> Option<Address> {
    let (user, domain) = text.rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    // No top-level domain is a number (RFC 3696, section 2): such a domain would be an IP address, which is written in brackets.
    domain.rsplit('.').next().filter(|label| label.contains(|c: char| !c.is_ascii_digit()))?;
    let address = Address::new(user, domain).ok()?;
    let header: Mailboxes = address.to_string().parse().ok()?;
    header.iter().map(|mailbox| &mailbox.email).eq([&address]).then_some(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses() {
        for good in ["alice@example.org", "a+b@localhost", "Ünï@example.org", "o'brien@example.org", "a@bücher.example"] {
            assert_eq!(good.parse::<Email>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "alice",
            "@example.org",
            "a@",
            "a b@example.org",
            "a@example.org\r\nBcc: b@c.d",
            "a@b@c",
            "\"quoted local\"@example.org",
            "x@[127.0.0.1]",
            "x@127.0.0.1",
            "x@[IPv6:::1]",
            "a..b@example.org",
            ".a@example.org",
            "a@example..org",
            "a@example.org.",
            "a@-example.org",
            "<a@example.org>",
            "Alice <a@example.org>",
            "a@example.org, b@example.org",
            "a\u{200b}@example.org",
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
        assert!(format!("{}@example.org", "a".repeat(250)).parse::<Email>().is_err());
        let key = |text: &str| text.parse::<Email>().unwrap().key();
        assert_eq!(key("A@Example.org"), "a@example.org");
        assert_eq!(
            (key("a@BÜCHER.example"), key("a@bu\u{308}cher.example")),
            (key("a@xn--bcher-kva.example"), key("ａ@bücher。example"))
        );
        assert_eq!("a@bücher.example".parse::<Email>().unwrap().to_mailed().unwrap().to_string(), "a@xn--bcher-kva.example");
    }

    #[test]
    fn a_token_is_no_name_of_one_and_is_not_repeated() {
        assert_eq!("CI-2".parse::<TokenName>().unwrap().as_str(), "ci-2");
        let token = format!("p2p_{}", "a".repeat(43));
        for bad in ["", "a b", ".a", &"a".repeat(33), &token] {
            assert!(!bad.parse::<TokenName>().unwrap_err().to_string().contains(&token), "{bad:?}");
        }
    }

    /// What an earlier version took.
    #[test]
    fn an_address_that_no_mail_can_be_sent_to_is_told() {
        let kept = Email("\"Quoted local\"@example.org".to_owned());
        assert!(kept.to_mailed().is_err());
        assert_eq!(kept.key(), "\"quoted local\"@example.org");
    }

    proptest! {
        /// One who registers is one who gets mails: of whatever is taken for an address a mail can be made that goes there, and nowhere
        /// else.
        #[test]
        fn every_address_can_be_mailed(text in "[a-zé.\"' <>,;:\\[\\]()@+-]{0,12}@([a-zé0-9-]{1,5}[.]){0,2}[a-z0-9é]{1,4}") {
            if let Ok(email) = text.parse::<Email>() {
                let address = email.to_mailed().unwrap();
                let message = lettre::Message::builder().from(address.clone().into()).to(address.clone().into());
                let message = message.body(String::new()).unwrap();
                prop_assert_eq!(message.envelope().to(), [address.clone()]);
                prop_assert!(address.domain().is_ascii() && !address.to_string().contains(char::is_whitespace));
                prop_assert_eq!(address.to_string().parse::<Email>().unwrap().key(), email.key());
            }
        }

        #[test]
        fn a_name_reads_back_and_capitals_make_no_difference(text in "\\PC{0,12}|[a-zA-Z0-9._-]{1,12}") {
            if let Ok(name) = text.parse::<UserName>() {
                prop_assert_eq!(name.as_str().parse::<UserName>().unwrap(), name.clone());
                prop_assert_eq!(text.to_uppercase().parse::<UserName>().ok(), text.to_uppercase().to_lowercase().parse::<UserName>().ok());
                prop_assert_eq!(UserName::folded(&text), name.as_str());
            }
        }
    }
}
