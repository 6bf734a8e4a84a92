//! Passwords: the rules for new ones, and their hashes. Independent of accounts.
//!
//! PBKDF2-HMAC-SHA256 (RFC 8018, section 5.2) with 32 random bytes of salt, stored as a PHC string that contains the number of
//! iterations. The hashed text is the OpaqueString of RFC 8265, section 4.2, since keyboards encode the same password in several
//! ways. Comparison takes the same time wherever the texts differ. Hashing is slow on purpose: callers keep it off async threads.

use std::collections::BTreeSet;

use p2p_base::spelling::opaque;
use pbkdf2::password_hash::phc::PasswordHash;
use pbkdf2::password_hash::{PasswordHasher, PasswordVerifier};
use pbkdf2::{Algorithm, Params, Pbkdf2};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::AuthError;
use super::names::UserName;
use super::secret::{self, Secret, Token};

/// Smallest number of iterations, and the default. OWASP recommends 600,000 for databases that may be stolen; `[accounts]
/// pbkdf2_iterations` raises the number, and a stored hash is raised at the next login of its user.
pub const ITERATIONS_MIN: u32 = 100_000;
/// Largest number of iterations: beyond it a login takes too long.
pub const ITERATIONS_MAX: u32 = 100_000_000;
/// Length of the salt in bytes.
const SALT_BYTES: usize = 32;
/// Length of the hash in bytes, that of a SHA-256 digest.
const HASH_BYTES: usize = 32;
/// Smallest number of characters of a password.
const CHARS_MIN: usize = 10;
/// Smallest number of distinct characters of a password.
const DISTINCT_MIN: usize = 4;
/// Smallest number of characters beside the user name, if the password contains it. Characters that repeat the one before or its
/// neighbour in Unicode are not counted.
const BESIDE_NAME_MIN: usize = 6;
/// Groups of characters that users substitute for one another.
const ALIKE: [&str; 9] = ["a4@", "b8", "e3", "g9", "il1!|", "o0", "s5$", "t7+", "z2"];
/// Largest length in bytes: more adds no security, and hashing long texts would be a means of denial of service.
const BYTES_MAX: usize = 1024;

/// Common passwords that attackers try first, limited to those that satisfy the other rules.
const COMMON: &str = include_str!("../../../assets/common-passwords.txt");

/// Rule that a password violates.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// The password has too few characters.
    #[error("it has {0} characters; at least {CHARS_MIN} are needed")]
    Short(usize),
    /// The password has too many bytes.
    #[error("it has more than {BYTES_MAX} bytes")]
    Long,
    /// The password is the user name, or little more.
    #[error("it is the user name, or little more")]
    IsName,
    /// The password repeats a few characters.
    #[error("it is few characters over and over")]
    Monotonous,
    /// The password has a control character, which cannot be typed everywhere.
    #[error("it has a control character, which cannot be typed everywhere")]
    Control,
    /// The password is among those that attackers try first.
    #[error("it is among the passwords that everybody tries first")]
    Common,
    /// The new password is the same as the old one.
    #[error("it is the password that you have")]
    Unchanged,
}

/// Checks that a password is accepted for a user.
///
/// # Errors
/// Returns the rule that the password violates.
pub fn check(password: &Secret, user: &UserName) -> Result<(), PasswordError> {
    check_alone(password.expose_secret())?;
    if is_name(password.expose_secret(), user) { Err(PasswordError::IsName) } else { Ok(()) }
}

/// Returns true if a password is little more than the user name, once or several times, forwards or backwards, in upper or lower
/// case or with substituted characters.
fn is_name(text: &str, user: &UserName) -> bool {
    let is_separator = |c: char| matches!(c, '.' | '_' | '-') || c.is_whitespace();
    let lower = Zeroizing::new(opaque(text).to_lowercase());
    let letters: Zeroizing<Vec<char>> = Zeroizing::new(lower.chars().filter(|&c| !is_separator(c)).collect());
    let meant: Zeroizing<Vec<char>> = Zeroizing::new(letters.iter().map(|&c| plain(c)).collect());
    let name: Vec<char> = user.as_str().chars().filter(|&c| !is_separator(c)).map(plain).collect();
    let backwards: Vec<char> = name.iter().rev().copied().collect();
    let begins = |at: usize| meant[at..].starts_with(&name) || meant[at..].starts_with(&backwards);
    let is_beside = |place: &usize| !(place.saturating_sub(name.len() - 1)..=*place).any(begins);
    let rest: Zeroizing<Vec<char>> = Zeroizing::new((0..letters.len()).filter(is_beside).map(|place| letters[place]).collect());
    let goes_on = |pair: &&[char]| u32::from(pair[0]).abs_diff(u32::from(pair[1])) <= 1;
    rest.len() < letters.len() && rest.len() - rest.windows(2).filter(goes_on).count() < BESIDE_NAME_MIN
}

/// Returns the letter that a character substitutes, or the character itself.
fn plain(c: char) -> char {
    ALIKE.iter().find(|alike| alike.contains(c)).and_then(|alike| alike.chars().next()).unwrap_or(c)
}

/// Checks a password by the rules that do not depend on the user.
///
/// # Errors
/// Returns the rule that the password violates.
pub fn check_alone(text: &str) -> Result<(), PasswordError> {
    let text = opaque(text);
    let lower = Zeroizing::new(text.to_lowercase());
    match text.chars().count() {
        count if count < CHARS_MIN => Err(PasswordError::Short(count)),
        _ if text.len() > BYTES_MAX => Err(PasswordError::Long),
        _ if text.chars().any(char::is_control) => Err(PasswordError::Control),
        _ if is_monotonous(&lower) => Err(PasswordError::Monotonous),
        _ if is_common(&lower) => Err(PasswordError::Common),
        _ => Ok(()),
    }
}

/// Returns true if a password has too few distinct characters.
fn is_monotonous(lower: &str) -> bool {
    lower.chars().collect::<BTreeSet<char>>().len() < DISTINCT_MIN
}

/// Returns true if a password, in lower case, is a common one.
fn is_common(lower: &str) -> bool {
    COMMON.lines().any(|common| common == lower)
}

/// Returns a verdict on the strength of a password in words: a hint for the user who types it, based on length and variety.
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

/// Generates a password of 256 random bits, which cannot be guessed.
///
/// # Errors
/// Fails if the system provides no random bytes.
pub fn random() -> Result<Secret, AuthError> {
    Token::new().map(Token::into_secret)
}

/// Hashes a password into a PHC string.
///
/// # Errors
/// Fails if the system provides no random bytes.
pub(super) fn hash(password: &Secret, iterations: u32) -> Result<String, AuthError> {
    let failed = |error: pbkdf2::password_hash::Error| AuthError::Internal { reason: error.to_string() };
    let params = Params::new_with_output_len(iterations, HASH_BYTES).map_err(failed)?;
    let hasher = Pbkdf2::new(Algorithm::Pbkdf2Sha256, params);
    let salt = secret::random::<SALT_BYTES>()?;
    let bytes = opaque(password.expose_secret());
    let hash: PasswordHash = hasher.hash_password_with_salt(bytes.as_bytes(), &salt).map_err(failed)?;
    Ok(hash.to_string())
}

/// Form of the password that a stored hash was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Hash of the OpaqueString, as made now.
    Opaque,
    /// Hash of the text as it was typed, made by an earlier version.
    AsTyped,
}

/// Returns the form in which this password matches the stored hash `kept`, if it does. A refusal takes at least `iterations` for
/// each form that is tried, even if the hash was made with fewer or does not exist, so that the time of a refusal tells nothing
/// about the account.
pub(super) fn verify(password: &Secret, kept: Option<&str>, iterations: u32) -> Option<Kept> {
    let (typed, opaque) = (password.expose_secret(), opaque(password.expose_secret()));
    let hash = kept.and_then(|kept| PasswordHash::new(kept).ok());
    let is_kept = |text: &str| {
        let is_right = hash.as_ref().is_some_and(|hash| Pbkdf2::default().verify_password(text.as_bytes(), hash).is_ok());
        if !is_right {
            spend(text.as_bytes(), iterations.saturating_sub(hash.as_ref().map_or(0, rounds)));
        }
        is_right
    };
    if is_kept(&opaque) {
        return Some(Kept::Opaque);
    }
    (*opaque != *typed && is_kept(typed)).then_some(Kept::AsTyped)
}

/// Returns true if two passwords are the same to [`verify`].
pub(super) fn is_same(a: &Secret, b: &Secret) -> bool {
    opaque(a.expose_secret()).as_bytes().ct_eq(opaque(b.expose_secret()).as_bytes()).into()
}

/// Hashes the bytes to spend the time of `iterations`, and discards the result.
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

/// Returns the number of iterations that a stored hash was made with, or 0 if the text is no hash.
pub(super) fn iterations(kept: &str) -> u32 {
    PasswordHash::new(kept).map_or(0, |hash| rounds(&hash))
}

/// A password as earlier versions kept it: hashed as it was typed.
#[cfg(test)]
pub(super) fn hash_as_typed(text: &str, iterations: u32) -> Result<String, pbkdf2::password_hash::Error> {
    let hasher = Pbkdf2::new(Algorithm::Pbkdf2Sha256, Params::new_with_output_len(iterations, HASH_BYTES)?);
    let hash: PasswordHash = hasher.hash_password_with_salt(text.as_bytes(), &[7; SALT_BYTES])?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            assert_eq!(p2p_base::hex::hex(&output), expected);
        }
    }

    #[test]
    fn a_kept_password_says_how_it_is_kept_and_verifies() {
        let kept = hash(&secret("correct horse battery"), 1000).unwrap();
        assert!(kept.starts_with("$pbkdf2-sha256$i=1000,l=32$"), "{kept}");
        assert_eq!(verify(&secret("correct horse battery"), Some(&kept), 1000), Some(Kept::Opaque));
        assert_eq!(verify(&secret("correct horse batterY"), Some(&kept), 1000), None);
        assert_eq!((verify(&secret("x"), Some("not a hash"), 1000), iterations("not a hash")), (None, 0));
        assert_eq!(verify(&secret("x"), None, 1000), None);
        assert_eq!(iterations(&kept), 1000);
        assert_ne!(kept, hash(&secret("correct horse battery"), 1000).unwrap());
    }

    /// The string that Python's hashlib.pbkdf2_hmac('sha256', b'correct horse', bytes(range(32)), 1000) makes.
    #[test]
    fn a_hash_made_elsewhere_verifies() {
        let kept =
            "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8$Z9E+pkdhhD7XikB9ZtCvDdt0XzBx7kc3CPyJJQpk0m4";
        assert_eq!(verify(&secret("correct horse"), Some(kept), 1000), Some(Kept::Opaque));
        assert_eq!(verify(&secret("correct horsf"), Some(kept), 1000), None);
    }

    /// Keyboards make é of one character or of two, and a space of several kinds.
    #[test]
    fn a_password_is_the_same_however_it_is_spelled() {
        let spellings = ["caf\u{e9} correct horse", "cafe\u{301} correct\u{a0}horse"];
        let kept = hash(&secret(spellings[1]), 1000).unwrap();
        assert!(spellings.iter().all(|typed| verify(&secret(typed), Some(&kept), 1000) == Some(Kept::Opaque)));
        assert!(is_same(&secret(spellings[0]), &secret(spellings[1])) && !is_same(&secret("a"), &secret("A")));
        // As it was kept before: by what its holder types.
        let kept = hash_as_typed(spellings[1], 1000).unwrap();
        assert_eq!(verify(&secret(spellings[1]), Some(&kept), 1000), Some(Kept::AsTyped));
        assert_eq!(verify(&secret(spellings[0]), Some(&kept), 1000), None);
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
        assert_eq!(why("correct\thorse"), PasswordError::Control);
        for (name, password) in [("user1234567", "user1234567!"), ("alice99", "4alice99x"), ("al", "alalala")] {
            let user: UserName = name.parse().unwrap();
            assert!(check(&secret(password), &user).is_err(), "{password}");
        }
        for (name, password) in [
            ("alice99", "44alice99xx"),
            ("frank", "frankfrank1"),
            ("frank", "Fr4nk-FR4NK-frank"),
            ("frank", "frank123456789"),
            ("frank", "knarf!!!!!!frank"),
            ("frank", "f.r.a.n.k.2024"),
            ("frank", "frankabcdefgh"),
            ("bob.2", "b0b2b0b2!.x"),
            ("alice", "4l1c3@l!ce"),
        ] {
            let user: UserName = name.parse().unwrap();
            assert_eq!(check(&secret(password), &user), Err(PasswordError::IsName), "{password}");
        }
        for (name, password) in [("a", "banana split forever"), ("frank", "frank sells seven boats"), ("bob", "discombobulated")]
        {
            assert_eq!(check(&secret(password), &name.parse().unwrap()), Ok(()), "{password}");
        }
        assert_eq!(check(&secret("alexandria and more"), &user), Ok(()));
        assert_eq!(check(&secret("correct horse battery"), &user), Ok(()));
        assert_eq!(check(&secret("äöüß€éèàùç"), &user), Ok(()));
    }

    proptest! {
        /// A name with so little beside it, wherever it stands, in whatever letters.
        #[test]
        fn a_name_and_little_more_is_refused(name in "[a-z][a-z0-9]{4,12}", times in 1usize..4, before in "[0-9!]{0,2}", after in "[0-9!]{0,3}", big: bool) {
            let user: UserName = name.parse().unwrap();
            let text = format!("{before}{}{after}", if big { name.to_uppercase() } else { name }.repeat(times));
            prop_assert!(check(&secret(&text), &user).is_err(), "{text}");
        }

        #[test]
        fn what_does_not_have_the_name_is_not_it(name in "[a-m]{5,10}", text in "[n-z ]{12,30}") {
            let user: UserName = name.parse().unwrap();
            prop_assert_ne!(check(&secret(&text), &user), Err(PasswordError::IsName));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = (check(&secret(&text), &"alice".parse().unwrap()), strength(&text));
        }
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
