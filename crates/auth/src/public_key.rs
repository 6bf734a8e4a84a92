//! Public keys of SSH as users give them: one line in the format of OpenSSH, as `ssh-keygen` writes it to a file that ends with `.pub`.
//! Independent of accounts.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ssh_key::Algorithm;
use ssh_key::public::KeyData;
use thiserror::Error;

/// Longest text in which a key is looked for, in bytes. A key of 16,384 bits takes a fifth of it.
pub const TEXT_MAX: usize = 16 * 1024;
/// Smallest modulus of an RSA key that is taken, in bits (NIST SP 800-131A).
const RSA_MIN: u32 = 2_048;

/// Reason why a text is no public key that is taken. No message repeats the text, since it may be a private key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublicKeyError {
    /// The text is a private key.
    #[error("that is a private key, which is given to nobody; the public one is in the file that ends with `.pub`")]
    Private,
    /// The text has no key or several.
    #[error("there are {count} keys, and one is taken at a time")]
    Count {
        /// Number of lines with keys.
        count: usize,
    },
    /// The text is not in the format of OpenSSH.
    #[error("that is no public key as in a file that ends with `.pub`: one line of a type, the key in Base64, and a comment")]
    Format,
    /// Keys of this type are not taken.
    #[error(
        "keys of the type `{0}` are not taken; those of ssh-ed25519, ecdsa-sha2-nistp256, -nistp384, -nistp521 and ssh-rsa are"
    )]
    Type(String),
    /// The RSA key is too short.
    #[error("the RSA key has {bits} bits, and {RSA_MIN} are the least that is taken")]
    Short {
        /// Number of bits of its modulus.
        bits: u32,
    },
}

/// SHA-256 of a public key in the encoding of the protocol, by which keys are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyFingerprint(pub(super) [u8; 32]);

impl KeyFingerprint {
    /// Returns the fingerprint of a public key in the encoding of the protocol (RFC 4253, section 6.6).
    pub fn of(blob: &[u8]) -> KeyFingerprint {
        KeyFingerprint(Sha256::digest(blob).into())
    }
}

/// Writes the fingerprint as OpenSSH does, as in `SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDpPLFAM0uFZrw…`.
impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&ssh_key::Fingerprint::Sha256(self.0).to_string())
    }
}

/// Public key of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Name of its type, as in `ssh-ed25519`.
    algorithm: String,
    /// Encoding of the protocol (RFC 4253, section 6.6).
    blob: Vec<u8>,
}

impl PublicKey {
    /// Parses a text with one key in the format of OpenSSH. Blank lines and those that begin with `#` are left out, and the comment of the
    /// key is dropped.
    ///
    /// # Errors
    /// Fails if there is not one key, or if its type or its length is not taken.
    pub fn parse(text: &str) -> Result<PublicKey, PublicKeyError> {
        if text.contains("PRIVATE KEY-----") || text.starts_with("PuTTY-User-Key-File-") {
            return Err(PublicKeyError::Private);
        }
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let [line] = lines.as_slice() else { return Err(PublicKeyError::Count { count: lines.len() }) };
        if line.len() > TEXT_MAX {
            return Err(PublicKeyError::Format);
        }
        let key = ssh_key::PublicKey::from_openssh(line).map_err(|_| PublicKeyError::Format)?;
        let algorithm = match (key.algorithm(), key.key_data()) {
            (Algorithm::Ed25519 | Algorithm::Ecdsa { .. }, _) => key.algorithm().to_string(),
            (Algorithm::Rsa { .. }, KeyData::Rsa(rsa)) if rsa.key_size() < RSA_MIN => {
                return Err(PublicKeyError::Short { bits: rsa.key_size() });
            }
            (Algorithm::Rsa { .. }, _) => "ssh-rsa".to_owned(),
            (other, _) => return Err(PublicKeyError::Type(other.to_string())),
        };
        Ok(PublicKey { algorithm, blob: key.to_bytes().map_err(|_| PublicKeyError::Format)? })
    }

    /// Returns the name of its type, as in `ssh-ed25519`.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// Returns the fingerprint of the key.
    pub fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint::of(&self.blob)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Keys that `ssh-keygen` has made, and what `ssh-keygen -l` says of each.
    const TAKEN: [(&str, &str); 5] = [
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHC7qH7pCU9fvWCJDK5A9yDaJLxdAELchLh8ALDdqXu3 alice@laptop",
            "SHA256:ZMj6MPgHS7qu7+4B/T9OWjCvOY3c+yOJSvCEiyiVNfU",
        ),
        (
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGReYDdSvj5W5JcPwSghZcWdVK3RdTk6ykBrYv\
        pXaFwdg1nqGsmPELi5kI2cC5CI5vzjrI8ZZ3+T9M08kh8E9HU= x",
            "SHA256:80fypJTr/wGoRV7xu+HqfG679ANOYMWF/dXnOJ/E0Xg",
        ),
        (
            "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBKNV6CzDm8EgrFdXLtenQBUo6lm7HfrNlJuim2\
        Ddnmn1o/Z6YMvRhrzA2G5QDwjptD1km3/xH7tORihpSVMRmrlTOVYs0vLaijoduf5VixgPWjpIuk6dB/SujnPq/p6ALg== x",
            "SHA256:FixZK7lTyQScrL+AhdCyYyHYxhLWcv/QRHyFAy8TNVU",
        ),
        (
            "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAHGmRo7cAabV0XgOejy6beE4cbY9ifxZoAlXD\
        9V78piYC1Jc5Oy6r6UqTlHiUFioB9vmCivq7lXM1OOy51cigaBQQEEEm2GwWUjFlcaBvEjDV/+fcL1R/mrKOwwcpLWH2ChZgkdj518NC6u+KVj\
        icD6PSnjOYTPXKowx/w2LkHj/qCmlw== x",
            "SHA256:ve+eck3fFTdKyxG+RGQDS3rHj7BYiTKoLeFij+LBQEg",
        ),
        (
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDF6CDVA98CY6qbmGNI7YI1Pb9a8ym99+ULDjbyOB4PxQTo9O769a7oE+Qrkubdxm9lEWiFfb\
        lH8vwgSNYdyYz34vM5AQkZpl/TqW5BI8XJrYfEVNs+R0H6shr7RG0qqBvmX/Kw07VZhxmdGVCEXGFFyMFd/C5KhbteoBY7edN3nJvjry3NRkCT\
        hKd5ptCnVnNOvpjG8an6UADzWBHGh2Wj48eV1M0VHzXXEBZAejoVbfDe6xBlVufL1j9w9eqEDSK3jZpdk3UM8oOSTKRWa4lTezdsRyp9ewFKnF\
        t/yItU9oOlfoy47DPawcseRKAt2ITZLSKgx2eweDIiGnfPIPPv x",
            "SHA256:kueqhGtWr39wwp2lfbTIoSBwagsRVbeDxMFltISac0Q",
        ),
    ];

    /// Of 1,024 bits, and of a type that no client has used for years.
    const REFUSED: [&str; 2] = [
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC4e32ePt3qd4dylpAx/PiJ7pkhc0hWtVP4LDbsiAfN4det2qAzaV6RsF16+3xofS+iU83N0V\
        GKfABbke7S5EeKQxe/k/cyhQ/U3gU63ol0grI7ycjL0FE69GWXWBdRTFjFIGu77wezTqBm/d6BN/uLNcuRfpz63tRFWbUPC9Zp8Q== x",
        "ssh-dss AAAAB3NzaC1kc3MAAACBAIdrH3n+Td0NrWxKg1TkRYzexO3ZcMsIDlZgZn269eVRc+fvfNvU2Q9A+0GkN37xDvOkxw8KLsP3WU4tGQ\
        /vHzr4o8NjAqwt3TatIGfDjkOh2FzHRQwXY0eVE05JvPRfHyHfZ2mVFY+q/HTmGwBx8KRCfEfI+MH0fHZ3picc0Iu7AAAAFQDVoUnKuog2XcJ6\
        aWg1yc5eKnLVAwAAAIAecsOz6tAh7cNyBNe5QtVTqtNB48y/leRkxbgAzRZVwkwZWISORourOUVlNMs8VAWl3eq8kNIqHMj8s+CtNJDV7dxYCF\
        G2m/TqtcvRaXKjsBpSpoE3EIq1tvhCXgxrwZcJ/vqqbfuH1xbtl+gKcMoEv5hIFId3RsPSbXyUcTi03AAAAIEAgMdCAQDYj/AsHnB0Xw9M7o9+\
        M0EQbnEFY1Q5AYU4l76v959EvXNq4nTtRLsmEg8WDACh2i60QPac6tW8JbUA1uNBYAuVgQS06tUj43ep7ei41/1oJNeTy3oBw2dAgQYU71w+y1\
        rehorPT5n4woiDgfDm+vVgc3O542NDx+gRz18= x",
    ];

    #[test]
    fn keys_of_openssh_have_its_fingerprints() {
        for (line, fingerprint) in TAKEN {
            let key = PublicKey::parse(line).unwrap();
            assert_eq!(key.fingerprint().to_string(), fingerprint);
            assert_eq!(key.algorithm(), line.split(' ').next().unwrap());
            // Neither the comment nor what stands around the line makes another key.
            let bare = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
            assert_eq!(PublicKey::parse(&format!("# mine\r\n\n  {bare}  \n")), Ok(key));
        }
    }

    #[test]
    fn what_is_no_key_that_is_taken_is_refused_and_not_repeated() {
        let [(ed25519, _), ..] = TAKEN;
        let blob = ed25519.split(' ').nth(1).unwrap();
        assert_eq!(PublicKey::parse(REFUSED[0]), Err(PublicKeyError::Short { bits: 1_024 }));
        assert_eq!(PublicKey::parse(REFUSED[1]), Err(PublicKeyError::Type("ssh-dss".into())));
        assert_eq!(PublicKey::parse(""), Err(PublicKeyError::Count { count: 0 }));
        assert_eq!(PublicKey::parse(&format!("{ed25519}\n{ed25519}")), Err(PublicKeyError::Count { count: 2 }));
        for private in
            ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "-----BEGIN RSA PRIVATE KEY-----", "PuTTY-User-Key-File-3: x"]
        {
            assert_eq!(PublicKey::parse(private), Err(PublicKeyError::Private));
        }
        // Of another type than its blob, with options as in authorized_keys, cut off, and with more behind it.
        for wrong in [
            format!("ssh-rsa {blob}"),
            format!("command=\"x\" {ed25519}"),
            ed25519[..60].to_owned(),
            format!("ssh-ed25519 {}AAAA", blob),
            format!("{ed25519}{}", "x".repeat(TEXT_MAX)),
            "ssh-ed25519".to_owned(),
            blob.to_owned(),
        ] {
            let error = PublicKey::parse(&wrong).unwrap_err();
            assert_eq!(error, PublicKeyError::Format, "{wrong}");
            assert!(!error.to_string().contains(&blob[..20]));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,200}|ssh-(rsa|ed25519) [A-Za-z0-9+/=]{0,200}( .*)?") {
            let _ = PublicKey::parse(&text);
        }
    }
}
