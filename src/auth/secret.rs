//! Secrets and chance that nobody can foresee. Knows nothing of what is secret about them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::AuthError;

/// A text that is wiped from memory when it is dropped and never shown by `Debug`.
pub type Secret = SecretString;

/// Bytes from the operating system's generator.
///
/// # Errors
/// Where the system has none to give.
pub(super) fn random<const N: usize>() -> Result<[u8; N], AuthError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| AuthError::NoChance { reason: error.to_string() })?;
    Ok(bytes)
}

/// Names a session to whoever holds it: 256 random bits.
#[derive(Debug, Clone)]
pub struct Token(Secret);

/// What the database keeps of a token, a code or the like.
pub(super) type Fingerprint = [u8; 32];

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// Where the system has no chance to give.
    pub(super) fn new() -> Result<Token, AuthError> {
        Ok(Token(BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?).into()))
    }

    /// The token that somebody presents; whether it is worth anything is for the session store to say.
    pub fn presented(text: impl Into<Secret>) -> Token {
        Token(text.into())
    }

    /// The text by itself.
    pub(super) fn into_secret(self) -> Secret {
        self.0
    }

    /// The text, for whoever is to hold it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the database keeps of it. There is nothing to guess in 256 random bits, so a plain digest does.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        fingerprint("session", self.expose())
    }
}

/// A digest of a random text, apart from those of the same text in another place.
pub(super) fn fingerprint(place: &str, text: &str) -> Fingerprint {
    Sha256::new().chain_update(place.as_bytes()).chain_update([0]).chain_update(text.as_bytes()).finalize().into()
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_unlike_and_unseen() {
        let (a, b) = (Token::new().unwrap(), Token::new().unwrap());
        assert_eq!(a.expose().len(), 43);
        assert_ne!(a.expose(), b.expose());
        assert_eq!(a.fingerprint(), Token::presented(a.expose()).fingerprint());
        assert!(!format!("{a:?}").contains(a.expose()));
        assert_ne!(fingerprint("a", "x"), fingerprint("b", "x"));
    }
}
