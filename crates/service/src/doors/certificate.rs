//! Certificates of the services (X.509, RFC 5280), in files of PEM (RFC 7468): how they are read, checked, told apart, and presented.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use p2p_base::hex::hex;
use p2p_base::private_file;
use p2p_base::spelling::{shell_operand, visible_path};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError as Reason, Error as TlsError, RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::config::endpoint::TlsFiles;

/// Length of a file of certificates or of a key at the most, in bytes: a bundle of all public authorities has a quarter of it.
const LENGTH_MAX: u64 = 1 << 20;

/// Length of a fingerprint in bytes (FIPS 180-4).
const FINGERPRINT: usize = 32;

/// Error of a certificate or a key that cannot be used. It names the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// The file cannot be read.
    #[error("{path}: {reason}", path = visible_path(path))]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Reason of the failure.
        reason: String,
    },
    /// The file has no certificate or no key in it.
    #[error("{path} has no {wanted} in it; it is a text with `-----BEGIN`, in PEM", path = visible_path(path))]
    Missing {
        /// Path of the file.
        path: PathBuf,
        /// Name of what is missing.
        wanted: &'static str,
    },
    /// Other users may read the key.
    #[error("others on this machine may read or write the key {path}; `chmod 600 {word}` changes that", path = visible_path(path), word = shell_operand(path))]
    OpenToOthers {
        /// Path of the file.
        path: PathBuf,
    },
    /// The key is another one than that of the certificate.
    #[error("{key} is not the key of {certificate}", key = visible_path(key), certificate = visible_path(certificate))]
    Mismatch {
        /// Path of the certificate.
        certificate: PathBuf,
        /// Path of the key.
        key: PathBuf,
    },
    /// TLS cannot use what is in the file.
    #[error("{path} cannot be used for TLS: {reason}", path = visible_path(path))]
    Unusable {
        /// Path of the file.
        path: PathBuf,
        /// Reason of the failure.
        reason: String,
    },
}

/// SHA-256 of a certificate in DER, by which a client can know the server. It is written in hexadecimal.
///
/// ```
/// use p2p_service::doors::certificate::Fingerprint;
///
/// let fingerprint = Fingerprint::of(b"a certificate");
/// assert_eq!(fingerprint.to_string().parse::<Fingerprint>()?, fingerprint);
/// # Ok::<(), p2p_service::doors::certificate::NoFingerprint>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; FINGERPRINT]);

/// Error of a text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no SHA-256 of a certificate: 64 hexadecimal digits, with or without colons")]
pub struct NoFingerprint(String);

impl Fingerprint {
    /// Returns the fingerprint of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Fingerprint {
        Fingerprint(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

/// Parses digits of either case, with colons or without, as `openssl x509 -fingerprint -sha256` prints them.
impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Fingerprint, NoFingerprint> {
        let wrong = || NoFingerprint(text.to_owned());
        let digits: Vec<u8> = text.bytes().filter(|&byte| byte != b':').collect();
        let (pairs, rest) = digits.as_chunks::<2>();
        let mut bytes = [0; FINGERPRINT];
        if pairs.len() != FINGERPRINT || !rest.is_empty() {
            return Err(wrong());
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let digit = |place: usize| char::from(pair[place]).to_digit(16).ok_or_else(wrong);
            *byte = (digit(0)? << 4 | digit(1)?) as u8;
        }
        Ok(Fingerprint(bytes))
    }
}

/// Returns the algorithms of TLS, which are those of ring.
pub fn algorithms() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Returns the certificates of a file, in its order. There is at least one.
///
/// # Errors
/// Fails if the file cannot be read, or if it has no certificate in it.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let bytes = read(path)?;
    let all: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(CertificateError::Missing { path: path.to_owned(), wanted: "certificate" }),
        Err(error) => Err(CertificateError::Unusable { path: path.to_owned(), reason: error.to_string() }),
    }
}

/// Returns the key of a file that is its owner's alone.
fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let bytes = read(path)?;
    if !private_file::is_fit_for_secrets(path).unwrap_or_default() {
        return Err(CertificateError::OpenToOthers { path: path.to_owned() });
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => CertificateError::Missing { path: path.to_owned(), wanted: "private key" },
        other => CertificateError::Unusable { path: path.to_owned(), reason: other.to_string() },
    })
}

/// Reads a file, which may be a symbolic link: programs that renew certificates leave them so.
fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let read = || {
        // The end of a pipe would be waited for.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(LENGTH_MAX + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 {
            0..=LENGTH_MAX => Ok(bytes),
            _ => Err(io::Error::other(format!("it has more than {LENGTH_MAX} bytes"))),
        }
    };
    read().map_err(|error| CertificateError::Unreadable { path: path.to_owned(), reason: error.to_string() })
}

/// Certificate that a service presents to its clients, with its key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Presented {
    /// Configuration of the server's side of TLS.
    pub config: Arc<ServerConfig>,
    /// Fingerprint of the certificate.
    pub fingerprint: Fingerprint,
    /// Reason why clients refuse the certificate now, if its time is over or has not begun.
    pub untimely: Option<String>,
}

impl Presented {
    /// Reads a certificate with those of its authorities, and its key, for a service that speaks these `protocols` (RFC 7301), the
    /// preferred one first. TLS 1.3 (RFC 8446) and 1.2 are spoken.
    ///
    /// # Errors
    /// Fails if one of the files cannot be read or used, if others may read the key, or if it is not that of the certificate.
    pub fn load(files: &TlsFiles, protocols: &[&[u8]]) -> Result<Presented, CertificateError> {
        let chain = read_certificates(&files.certificate)?;
        let key = read_key(&files.key)?;
        let unusable = |error: TlsError| match error {
            TlsError::InconsistentKeys(_) => {
                CertificateError::Mismatch { certificate: files.certificate.clone(), key: files.key.clone() }
            }
            // The certificate is parsed after the key, and what it says of itself is in these errors.
            error @ TlsError::InvalidCertificate(_) => {
                CertificateError::Unusable { path: files.certificate.clone(), reason: error.to_string() }
            }
            other => CertificateError::Unusable { path: files.key.clone(), reason: other.to_string() },
        };
        let (fingerprint, untimely) = (Fingerprint::of(&chain[0]), untimely(&chain));
        let config = ServerConfig::builder_with_provider(algorithms()).with_safe_default_protocol_versions();
        let config = config.map_err(unusable)?.with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.map_err(unusable)?;
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Presented { config: Arc::new(config), fingerprint, untimely })
    }
}

/// Returns why a certificate is not valid at this time, if it is not. Its time is checked before anything else, so that it does not matter
/// whose the roots are.
fn untimely(chain: &[CertificateDer<'static>]) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(chain.iter().cloned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), algorithms()).build().ok()?;
    let name = ServerName::try_from("localhost").ok()?;
    match verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], UnixTime::now()) {
        Err(TlsError::InvalidCertificate(reason)) => time_of(&reason).map(str::to_owned),
        _ => None,
    }
}

/// Returns what is wrong with the time of a certificate, if that is why it is refused.
pub fn time_of(reason: &Reason) -> Option<&'static str> {
    match reason {
        Reason::Expired | Reason::ExpiredContext { .. } => Some("it has expired"),
        Reason::NotValidYet | Reason::NotValidYetContext { .. } => Some("it is not valid yet"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// Writes a certificate for this time and its key.
    fn made(directory: &Path, name: &str, end: i32) -> TlsFiles {
        let key = KeyPair::generate().unwrap();
        let mut wanted = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (wanted.not_before, wanted.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(end, 1, 1));
        let files = TlsFiles { certificate: directory.join(format!("{name}.pem")), key: directory.join(format!("{name}.key")) };
        fs::write(&files.certificate, wanted.self_signed(&key).unwrap().pem()).unwrap();
        private_file::write(&files.key, key.serialize_pem().as_bytes()).unwrap();
        files
    }

    fn refused(files: &TlsFiles) -> String {
        Presented::load(files, &[b"h2"]).unwrap_err().to_string()
    }

    #[test]
    fn a_certificate_is_presented_with_its_own_key() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (made(directory.path(), "one", 2999), made(directory.path(), "other", 2021));
        let presented = Presented::load(&one, &[b"h2"]).unwrap();
        assert_eq!(presented.fingerprint, Fingerprint::of(&read_certificates(&one.certificate).unwrap()[0]));
        assert_eq!(presented.untimely, None);
        assert_eq!(Presented::load(&other, &[b"h2"]).unwrap().untimely.unwrap(), "it has expired");
        let mixed = TlsFiles { key: other.key.clone(), ..one.clone() };
        assert!(refused(&mixed).contains("other.key is not the key of "), "{}", refused(&mixed));
        let swapped = TlsFiles { certificate: one.key.clone(), key: one.key.clone() };
        assert!(refused(&swapped).contains("has no certificate in it"), "{}", refused(&swapped));
        let keyless = TlsFiles { key: one.certificate.clone(), ..one.clone() };
        fs::set_permissions(&one.certificate, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(refused(&keyless).contains("has no private key in it"), "{}", refused(&keyless));
        fs::set_permissions(&one.key, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(refused(&one).contains("chmod 600"), "{}", refused(&one));
    }

    #[test]
    fn what_is_no_file_of_certificates_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let told = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read_certificates(&path).unwrap_err().to_string()
        };
        assert!(told(b"").contains("has no certificate in it"));
        assert!(told(&[0xff; 100]).contains("has no certificate in it"));
        assert!(told(b"-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n").contains("cannot be used for TLS"));
        assert!(told(&vec![b'a'; (1 << 20) + 1]).contains("more than 1048576 bytes"));
        assert!(read_certificates(directory.path()).unwrap_err().to_string().contains("no regular file"));
        assert!(read_certificates(&directory.path().join("none")).is_err());
        // A certificate in form alone.
        let files = made(directory.path(), "b", 2999);
        fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(refused(&files).contains("b.pem cannot be used for TLS"), "{}", refused(&files));
    }

    #[test]
    fn fingerprints_are_hexadecimal() {
        let fingerprint = Fingerprint::of(b"");
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(fingerprint.to_string(), text);
        let colons: Vec<String> = text.as_bytes().chunks(2).map(|pair| String::from_utf8(pair.to_vec()).unwrap()).collect();
        assert_eq!(colons.join(":").to_uppercase().parse::<Fingerprint>().unwrap(), fingerprint);
        for wrong in ["", "e3", &text[1..], &format!("{text}00"), &text.replace('e', "g"), &text.replace('e', "é")] {
            assert!(wrong.parse::<Fingerprint>().unwrap_err().to_string().contains("64 hexadecimal digits"), "{wrong}");
        }
    }
}
