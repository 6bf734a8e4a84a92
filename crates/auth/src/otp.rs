//! One-time passwords: codes of an authenticator app (TOTP, RFC 6238), backup codes, and mailed codes. Independent of logins.

use std::fmt;

use secrecy::ExposeSecret;
use secrecy::zeroize::{Zeroize, Zeroizing};
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Totp};

use super::AuthError;
use super::names::UserName;
use super::secret::{Fingerprint, Secret, fingerprint, random};

/// Time step of an app's code in seconds (RFC 6238, section 5.2).
pub const STEP: u64 = 30;
/// Number of backup codes of an account.
pub const BACKUP_CODES: usize = 10;
/// Number of random bytes in each backup code: 80 bits, so that a code cannot be found from its digest by trial.
const BACKUP_BYTES: usize = 10;
/// Issuer that the authenticator app shows with the code.
const ISSUER: &str = "p2p";
/// Alphabet of backup codes: base32 (RFC 4648) in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Secret of an authenticator app, with the length of a SHA-1 digest (RFC 4226, section 4, recommends 160 bits). It is wiped when
/// it is dropped, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AppSecret([u8; 20]);

impl AppSecret {
    /// Generates a new random secret.
    pub(super) fn new() -> Result<AppSecret, AuthError> {
        random().map(AppSecret)
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret")
    }
}

impl Drop for AppSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Data with which a user sets up an authenticator app.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Secret in base32, to be typed.
    pub secret: Secret,
    /// Secret as a URI, to be scanned.
    pub uri: Secret,
}

fn totp(secret: &AppSecret, user: &UserName) -> Result<Totp, AuthError> {
    let builder = Builder::new().with_secret(secret.0).with_account_name(user.as_str()).with_issuer(Some(ISSUER));
    builder.build().map_err(|error| AuthError::Internal { reason: error.to_string() })
}

/// Returns the data that is shown to a user who sets up an app with this secret.
pub(super) fn enrolment(secret: &AppSecret, user: &UserName) -> Result<Enrolment, AuthError> {
    let totp = totp(secret, user)?;
    let uri = totp.to_url().map_err(|error| AuthError::Internal { reason: error.to_string() })?;
    Ok(Enrolment { secret: totp.secret().to_base32().into(), uri: uri.into() })
}

/// Returns the time step that an app's code belongs to, if it is the current one or a neighbour of it.
pub(super) fn matching_step(secret: &AppSecret, user: &UserName, code: &Secret, now: u64) -> Result<Option<u64>, AuthError> {
    Ok(totp(secret, user)?.check(&digits(code), now))
}

/// Computes the code that an app shows at an instant, from the base32 secret that it was set up with; returns `None` if the text
/// is no secret.
pub fn code_at(secret: &Secret, at: u64) -> Option<Secret> {
    let secret = totp_rs::Secret::try_from_base32(secret.expose_secret()).ok()?;
    let totp = Builder::new().with_secret(secret).with_account_name("user").with_issuer(Some(ISSUER)).build().ok()?;
    Some(totp.generate(at).to_string().into())
}

/// Removes the white space from a code as users type it.
fn digits(code: &Secret) -> Zeroizing<String> {
    // The capacity is sufficient from the start, so that the text is never moved and no copy stays behind.
    let mut digits = Zeroizing::new(String::with_capacity(code.expose_secret().len()));
    digits.extend(code.expose_secret().chars().filter(|c| !c.is_whitespace()));
    digits
}

/// Generates new backup codes, of the form `abcd-efgh-ijkl-mnop`, and their fingerprints to be stored.
pub(super) fn backup_codes(user: &UserName) -> Result<(Vec<Secret>, Vec<Fingerprint>), AuthError> {
    let mut codes = Vec::new();
    for _ in 0..BACKUP_CODES {
        codes.push(Secret::from(backup_code(random::<BACKUP_BYTES>()?)));
    }
    let kept = codes.iter().map(|code| backup_fingerprint(user, code)).collect();
    Ok((codes, kept))
}

fn backup_code(bytes: [u8; BACKUP_BYTES]) -> String {
    let bits = bytes.iter().fold(0u128, |bits, &byte| bits << 8 | u128::from(byte));
    let letter = |place: usize| char::from(ALPHABET[(bits >> (75 - 5 * place)) as usize & 31]);
    let groups = (0..4).map(|group| (0..4).map(|place| letter(4 * group + place)).collect::<String>());
    groups.collect::<Vec<_>>().join("-")
}

/// Returns the stored fingerprint of a backup code; spaces, dashes and letter case are ignored.
pub(super) fn backup_fingerprint(user: &UserName, code: &Secret) -> Fingerprint {
    let mut bare = Zeroizing::new(String::with_capacity(code.expose_secret().len()));
    bare.extend(code.expose_secret().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()));
    fingerprint(&format!("backup {user}"), &bare)
}

/// Generates a code to be mailed: six random digits.
pub(super) fn mail_code() -> Result<Secret, AuthError> {
    // The bias of the remainder is one part in 2⁴⁴.
    let number = u64::from_le_bytes(random()?) % 1_000_000;
    Ok(format!("{number:06}").into())
}

/// Returns the stored fingerprint of a mailed code, for the login or the enrolment that it belongs to.
pub(super) fn mail_fingerprint(login: &str, code: &Secret) -> Fingerprint {
    fingerprint(&format!("mail {login}"), &digits(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> UserName {
        "alice".parse().unwrap()
    }

    fn rfc_secret() -> AppSecret {
        AppSecret(*b"12345678901234567890")
    }

    /// RFC 6238, appendix B, for SHA-1; the last six of its eight digits.
    #[test]
    fn rfc_6238_vectors() {
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let secret = rfc_secret();
            assert_eq!(matching_step(&secret, &user(), &code.into(), time).unwrap(), Some(time / STEP), "{time}");
        }
    }

    #[test]
    fn a_code_is_for_its_step_and_the_neighbours() {
        let secret = rfc_secret();
        let matches = |time| matching_step(&secret, &user(), &"081 804".into(), time).unwrap();
        let step = 1_111_111_109 / STEP;
        for (time, expected) in [
            (step * STEP, Some(step)),
            ((step + 1) * STEP + 29, Some(step)),
            ((step + 2) * STEP, None),
            ((step - 1) * STEP, Some(step)),
            ((step - 1) * STEP - 1, None),
        ] {
            assert_eq!(matches(time), expected, "{time}");
        }
        for wrong in ["", "08180", "0818044", "abcdef", "０８１８０４"] {
            assert_eq!(matching_step(&secret, &user(), &wrong.into(), step * STEP).unwrap(), None, "{wrong}");
        }
    }

    #[test]
    fn the_uri_says_what_apps_expect() {
        let enrolment = enrolment(&rfc_secret(), &user()).unwrap();
        assert_eq!(enrolment.secret.expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let uri = enrolment.uri.expose_secret();
        assert!(uri.starts_with("otpauth://totp/p2p:alice?secret=GEZDGNBVGY3TQOJQ"), "{uri}");
        assert!(uri.contains("issuer=p2p") && !format!("{enrolment:?}").contains("GEZDG"), "{uri}");
    }

    #[test]
    fn backup_codes_are_typed_in_any_manner() {
        let (codes, kept) = backup_codes(&user()).unwrap();
        assert_eq!((codes.len(), kept.len()), (BACKUP_CODES, BACKUP_CODES));
        let code = codes[0].expose_secret();
        assert!(code.len() == 19 && code.chars().filter(|c| *c == '-').count() == 3, "{code}");
        for typed in [code.to_owned(), code.to_uppercase(), code.replace('-', ""), code.replace('-', " ")] {
            assert_eq!(backup_fingerprint(&user(), &typed.into()), kept[0]);
        }
        assert_ne!(backup_fingerprint(&"bob".parse().unwrap(), &codes[0]), kept[0]);
        assert_eq!(backup_code([0; 10]), "aaaa-aaaa-aaaa-aaaa");
        assert_eq!(backup_code([255; 10]), "7777-7777-7777-7777");
        assert_eq!(backup_code([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "aaaa-aaaa-aaaa-aaab");
    }

    #[test]
    fn mailed_codes_have_six_digits() {
        for _ in 0..50 {
            let code = mail_code().unwrap();
            assert!(code.expose_secret().len() == 6 && code.expose_secret().bytes().all(|byte| byte.is_ascii_digit()));
        }
        assert_eq!(mail_fingerprint("x", &"12 3456".into()), mail_fingerprint("x", &"123456".into()));
        assert_ne!(mail_fingerprint("x", &"123456".into()), mail_fingerprint("y", &"123456".into()));
    }
}
