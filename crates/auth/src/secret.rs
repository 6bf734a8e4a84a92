//! Secrets that are wiped from memory, session tokens, fingerprints and unpredictable random bytes.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::AuthError;

/// Text that is wiped from memory when it is dropped and never shown by `Debug`.
pub type Secret = SecretString;

/// Returns bytes of the operating system's random number generator.
///
/// # Errors
/// Fails if the system provides no random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], AuthError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| AuthError::NoChance { reason: error.to_string() })?;
    Ok(bytes)
}

/// Token of a session, held by its user: 256 random bits.
#[derive(Debug, Clone)]
pub struct Token(Secret);

/// Digest that the database stores in place of a token or a code.
pub(super) type Fingerprint = [u8; 32];

impl Token {
    /// Generates a new random token.
    ///
    /// # Errors
    /// Fails if the system provides no random bytes.
    pub(super) fn new() -> Result<Token, AuthError> {
        Ok(Token(BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?).into()))
    }

    /// Makes a token of a text that a client presents; the session store decides if it is valid.
    pub fn presented(text: impl Into<Secret>) -> Token {
        Token(text.into())
    }

    /// Converts the token into its text.
    pub(super) fn into_secret(self) -> Secret {
        self.0
    }

    /// Returns the text of the token, to be handed to its user.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the digest that the database stores. A plain digest is sufficient, since 256 random bits cannot be guessed.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        fingerprint("session", self.expose())
    }
}

/// Number of characters of a bearer text behind its prefix: 256 bits in base64url (RFC 4648, section 5) without padding.
pub(super) const BEARER_CHARACTERS: usize = 43;

/// Generates the text of a secret that admits its bearer: `prefix` and 256 random bits.
///
/// # Errors
/// Fails if the system provides no random bytes.
pub fn new_bearer(prefix: &str) -> Result<Secret, AuthError> {
    // The buffer does not grow, so that no copy of the text is left behind.
    let mut text = String::with_capacity(prefix.len() + BEARER_CHARACTERS);
    text.push_str(prefix);
    BASE64_URL_SAFE_NO_PAD.encode_string(random::<32>()?, &mut text);
    Ok(text.into())
}

/// Returns true if two secrets have the same text, in a time that does not depend on where they differ.
pub fn is_same(a: &Secret, b: &Secret) -> bool {
    fingerprint("comparison", a.expose_secret()).ct_eq(&fingerprint("comparison", b.expose_secret())).into()
}

/// Returns the digest of a random text. Equal texts used for different purposes, named by `place`, have different digests.
pub(super) fn fingerprint(place: &str, text: &str) -> Fingerprint {
    Sha256::new().chain_update(place.as_bytes()).chain_update([0]).chain_update(text.as_bytes()).finalize().into()
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
