//! Passwords: what is accepted, and how they are kept. Knows nothing of accounts.
//!
//! PBKDF2-HMAC-SHA256 (RFC 8018, section 5.2) with 32 random bytes of salt, as a PHC string that says its own count of
//! iterations. Comparison takes the same time whatever differs. Hashing takes its time: keep it off async threads.

use std::collections::BTreeSet;

use pbkdf2::password_hash::phc::PasswordHash;
use pbkdf2::password_hash::{PasswordHasher, PasswordVerifier};
use pbkdf2::{Algorithm, Params, Pbkdf2};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;
use thiserror::Error;

use super::AuthError;
use super::names::UserName;
use super::secret::{self, Secret, Token};

/// The fewest iterations, and the default. OWASP recommends 600,000 where a database may be stolen; `[accounts]
/// pbkdf2_iterations` raises it, and hashes are raised when their owners log in.
pub const ITERATIONS_MIN: u32 = 100_000;
/// The most: beyond it a login takes longer than anybody waits.
pub const ITERATIONS_MAX: u32 = 100_000_000;
/// Bytes of salt.
const SALT_BYTES: usize = 32;
/// Bytes of hash: as many as SHA-256 gives.
const HASH_BYTES: usize = 32;
/// The fewest characters.
const CHARS_MIN: usize = 10;
/// The fewest characters that differ from each other.
const DISTINCT_MIN: usize = 4;
/// The fewest bytes beside the user name, where that is in it.
const BESIDE_NAME_MIN: usize = 6;
/// The most bytes: more adds nothing, and hashing a novel would be a way to keep us busy.
const BYTES_MAX: usize = 1024;

/// Passwords that everybody tries first, those that are long enough to come so far.
const COMMON: &str = include_str!("../../assets/common-passwords.txt");

/// Why a password is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// Too short.
    #[error("it has {0} characters; at least {CHARS_MIN} are needed")]
    Short(usize),
    /// Too long.
    #[error("it has more than {BYTES_MAX} bytes")]
    Long,
    /// It is, or is little more than, the user name.
    #[error("it is the user name, or little more")]
    IsName,
    /// It is few characters over and over.
    #[error("it is few characters over and over")]
    Monotonous,
    /// Everybody tries it.
    #[error("it is among the passwords that everybody tries first")]
    Common,
    /// It is the one that is to be changed.
    #[error("it is the password that you have")]
    Unchanged,
}

/// Whether a password is accepted for a user.
///
/// # Errors
/// Why not.
pub fn check(password: &Secret, user: &UserName) -> Result<(), PasswordError> {
    check_alone(password.expose_secret())?;
    let lower = Zeroizing::new(password.expose_secret().to_lowercase());
    let is_name = lower.contains(user.as_str()) && lower.len() - user.as_str().len() < BESIDE_NAME_MIN;
    if is_name { Err(PasswordError::IsName) } else { Ok(()) }
}

/// Whether a password is accepted, as far as can be said without knowing whose it is to be.
///
/// # Errors
/// Why not.
pub fn check_alone(text: &str) -> Result<(), PasswordError> {
    let lower = Zeroizing::new(text.to_lowercase());
    match text.chars().count() {
        count if count < CHARS_MIN => Err(PasswordError::Short(count)),
        _ if text.len() > BYTES_MAX => Err(PasswordError::Long),
        _ if is_monotonous(&lower) => Err(PasswordError::Monotonous),
        _ if is_common(&lower) => Err(PasswordError::Common),
        _ => Ok(()),
    }
}

/// Whether a password is few characters over and over.
fn is_monotonous(lower: &str) -> bool {
    lower.chars().collect::<BTreeSet<char>>().len() < DISTINCT_MIN
}

/// Whether everybody tries a password, in small letters, first.
fn is_common(lower: &str) -> bool {
    COMMON.lines().any(|common| common == lower)
}

/// How good a password is, in words: a hint for whoever types it, by length and variety.
pub fn strength(password: &str) -> &'static str {
    let classes = [char::is_lowercase as fn(char) -> bool, char::is_uppercase, char::is_numeric, |c| !c.is_alphanumeric()];
    let kinds = classes.iter().filter(|class| password.chars().any(class)).count();
    match password.chars().count() {
        0 => "",
        count if count < CHARS_MIN => "too short",
        _ if check_alone(password).is_err() => "easily guessed",
        count if count >= 20 || (count >= 14 && kinds >= 3) => "strong",
        count if count >= 14 || kinds >= 3 => "good",
        _ => "fair: longer is better",
    }
}

/// A password that nobody guesses: 256 random bits.
///
/// # Errors
/// Where the system has no chance to give.
pub fn random() -> Result<Secret, AuthError> {
    Token::new().map(Token::into_secret)
}

/// A password as it is kept: a PHC string.
///
/// # Errors
/// Where the system has no chance to give.
pub(super) fn hash(password: &Secret, iterations: u32) -> Result<String, AuthError> {
    let failed = |error: pbkdf2::password_hash::Error| AuthError::Internal { reason: error.to_string() };
    let params = Params::new_with_output_len(iterations, HASH_BYTES).map_err(failed)?;
    let hasher = Pbkdf2::new(Algorithm::Pbkdf2Sha256, params);
    let salt = secret::random::<SALT_BYTES>()?;
    let hash: PasswordHash = hasher.hash_password_with_salt(password.expose_secret().as_bytes(), &salt).map_err(failed)?;
    Ok(hash.to_string())
}

/// Whether this is the password that is kept as `kept`. A refusal takes at least `iterations`, however few it was kept with and
/// whether or not it is kept at all: who is refused cannot tell by the time which it was.
pub(super) fn verify(password: &Secret, kept: Option<&str>, iterations: u32) -> bool {
    let bytes = password.expose_secret().as_bytes();
    let hash = kept.and_then(|kept| PasswordHash::new(kept).ok());
    let is_right = hash.as_ref().is_some_and(|hash| Pbkdf2::default().verify_password(bytes, hash).is_ok());
    if !is_right {
        spend(bytes, iterations.saturating_sub(hash.as_ref().map_or(0, rounds)));
    }
    is_right
}

/// Hashes for nothing but the time that it takes.
fn spend(bytes: &[u8], iterations: u32) {
    if let Ok(params) = Params::new_with_output_len(iterations, HASH_BYTES) {
        let hasher = Pbkdf2::new(Algorithm::Pbkdf2Sha256, params);
        let hashed: Result<PasswordHash, _> = hasher.hash_password_with_salt(bytes, &[0; SALT_BYTES]);
        std::hint::black_box(hashed.is_ok());
    }
}

fn rounds(hash: &PasswordHash) -> u32 {
    Params::try_from(hash).map_or(0, |params| params.rounds())
}

/// How many iterations a kept hash was made with; none where it is no hash.
pub(super) fn iterations(kept: &str) -> u32 {
    PasswordHash::new(kept).map_or(0, |hash| rounds(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        text.into()
    }

    /// PBKDF2-HMAC-SHA256 for the inputs of RFC 6070, as published with the Go and Python libraries.
    #[test]
    fn pbkdf2_sha256_vectors() {
        let vectors: [(&[u8], &[u8], u32, &str); 4] = [
            (b"password", b"salt", 1, "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"),
            (b"password", b"salt", 2, "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43"),
            (b"password", b"salt", 4096, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"),
            (
                b"passwordPASSWORDpassword",
                b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
                4096,
                "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1",
            ),
        ];
        for (password, salt, iterations, expected) in vectors {
            let mut output = [0; 32];
            pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, salt, iterations, &mut output);
            assert_eq!(crate::auth::secret::hex(&output), expected);
        }
    }

    #[test]
    fn a_kept_password_says_how_it_is_kept_and_verifies() {
        let kept = hash(&secret("correct horse battery"), 1000).unwrap();
        assert!(kept.starts_with("$pbkdf2-sha256$i=1000,l=32$"), "{kept}");
        assert!(verify(&secret("correct horse battery"), Some(&kept), 1000));
        assert!(!verify(&secret("correct horse batterY"), Some(&kept), 1000));
        assert!(!verify(&secret("x"), Some("not a hash"), 1000) && iterations("not a hash") == 0);
        assert!(!verify(&secret("x"), None, 1000));
        assert_eq!(iterations(&kept), 1000);
        assert_ne!(kept, hash(&secret("correct horse battery"), 1000).unwrap());
    }

    /// The string that Python's hashlib.pbkdf2_hmac('sha256', b'correct horse', bytes(range(32)), 1000) makes.
    #[test]
    fn a_hash_made_elsewhere_verifies() {
        let kept =
            "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8$Z9E+pkdhhD7XikB9ZtCvDdt0XzBx7kc3CPyJJQpk0m4";
        assert!(verify(&secret("correct horse"), Some(kept), 1000));
        assert!(!verify(&secret("correct horsf"), Some(kept), 1000));
    }

    #[test]
    fn what_is_accepted() {
        let user: UserName = "alexandria".parse().unwrap();
        let why = |text: &str| check(&secret(text), &user).unwrap_err();
        assert_eq!(why("short"), PasswordError::Short(5));
        assert_eq!(why(&"ab1!".repeat(300)), PasswordError::Long);
        for name in ["alexandria", "Alexandria", "alexandria1", "123alexandria!"] {
            assert_eq!(why(name), PasswordError::IsName);
        }
        for common in ["1234567890", "Password123", "qwertyuiop"] {
            assert_eq!(why(common), PasswordError::Common, "{common}");
        }
        for few in ["aaaaaaaaaaaa", "abababababab", "          "] {
            assert_eq!(why(few), PasswordError::Monotonous, "{few}");
        }
        for (name, password) in [("user1234567", "user1234567!"), ("alice99", "4alice99x"), ("al", "alalala")] {
            let user: UserName = name.parse().unwrap();
            assert!(check(&secret(password), &user).is_err(), "{password}");
        }
        assert_eq!(check(&secret("alexandria and more"), &user), Ok(()));
        assert_eq!(check(&secret("correct horse battery"), &user), Ok(()));
        assert_eq!(check(&secret("äöüß€éèàùç"), &user), Ok(()));
    }

    #[test]
    fn strength_in_words() {
        for (password, words) in [
            ("", ""),
            ("abc", "too short"),
            ("password123", "easily guessed"),
            ("grzblfrmpf", "fair: longer is better"),
            ("grzBlfr4mpf", "good"),
            ("correct horse battery", "strong"),
        ] {
            assert_eq!(strength(password), words);
        }
    }
}
