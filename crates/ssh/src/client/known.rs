//! Hosts, and the keys by which they are known: fingerprints that are given, or a file of known hosts as OpenSSH writes it.

use std::io;
use std::path::PathBuf;

use p2p_base::spelling::visible_path;
use russh::keys::PublicKey;
use russh::keys::known_hosts::{known_host_keys_path, learn_known_hosts_path};
use thiserror::Error;

use crate::keys::fingerprint;

/// Error of the file of known hosts.
#[derive(Debug, Error)]
pub enum KnownError {
    /// The file cannot be read.
    #[error("the known hosts in {} cannot be read: {error}", visible_path(path))]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Error of the library.
        error: russh::keys::Error,
    },
    /// The file cannot be written.
    #[error("the host cannot be noted in {}: {error}", visible_path(path))]
    Unwritable {
        /// Path of the file.
        path: PathBuf,
        /// Error of the library.
        error: russh::keys::Error,
    },
}

/// Keys by which a host is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownBy {
    /// Any of the keys with these fingerprints (`SHA256:…`).
    Fingerprints(Vec<String>),
    /// Keys of a file as OpenSSH's `known_hosts`.
    File(PathBuf),
}

/// Host with an SSH server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Name, as users write it.
    pub name: String,
    /// Name or address of the machine.
    pub address: String,
    /// Port of the server.
    pub port: u16,
    /// Keys by which it is known.
    pub known_by: KnownBy,
}

/// Verdict on a key that a host shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key by which the host is known.
    Known,
    /// A key of a host that is not known.
    Unknown,
    /// Another key than that by which the host is known; the text says where that one stands.
    Changed(String),
}

impl Host {
    /// Returns what a key that the host shows is.
    ///
    /// # Errors
    /// Fails if the known hosts cannot be read.
    pub fn verdict(&self, key: &PublicKey) -> Result<Verdict, KnownError> {
        let path = match &self.known_by {
            KnownBy::Fingerprints(known) if known.contains(&fingerprint(key)) => return Ok(Verdict::Known),
            KnownBy::Fingerprints(known) => return Ok(Verdict::Changed(known.join(", "))),
            KnownBy::File(path) => path,
        };
        let unreadable = |error| KnownError::Unreadable { path: path.clone(), error };
        // The library takes a file that cannot be opened for an empty one.
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Verdict::Unknown),
            read => read.and_then(|_| std::fs::File::open(path)).map(drop).map_err(|error| unreadable(error.into()))?,
        }
        let known = known_host_keys_path(&self.address, self.port, path).map_err(unreadable)?;
        let found = known.iter().find(|(_, recorded)| recorded.key_data() == key.key_data());
        Ok(match (found, known.first()) {
            (Some(_), _) => Verdict::Known,
            (None, None) => Verdict::Unknown,
            // A key of another type is no reason to trust it: whoever stands in between has no other either.
            (None, Some((line, _))) => Verdict::Changed(format!("{}:{line}", visible_path(path))),
        })
    }

    /// Notes a key as that of the host, if its keys are in a file.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn learn(&self, key: &PublicKey) -> Result<(), KnownError> {
        let KnownBy::File(path) = &self.known_by else { return Ok(()) };
        learn_known_hosts_path(&self.address, self.port, key, path)
            .map_err(|error| KnownError::Unwritable { path: path.clone(), error })
    }
}

#[cfg(test)]
mod tests {
    use crate::keys::KeyType;

    use super::*;

    fn key(kind: KeyType) -> PublicKey {
        kind.generate("a test").unwrap().public_key().clone()
    }

    fn host(known_by: KnownBy) -> Host {
        Host { name: "store".into(), address: "store.example.org".into(), port: 2201, known_by }
    }

    #[test]
    fn a_host_is_known_by_what_is_given() {
        let (right, wrong) = (key(KeyType::Ed25519), key(KeyType::Ed25519));
        let host = host(KnownBy::Fingerprints(vec![fingerprint(&right)]));
        assert_eq!(host.verdict(&right).unwrap(), Verdict::Known);
        assert_eq!(host.verdict(&wrong).unwrap(), Verdict::Changed(fingerprint(&right)));
    }

    /// A host is learned once; then another key, of whatever type, is not its own, and that of another port is another host's.
    #[test]
    fn a_host_that_was_learned_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("known_hosts");
        let (right, wrong) = (key(KeyType::Ed25519), key(KeyType::Rsa));
        let host = host(KnownBy::File(path.clone()));
        assert_eq!(host.verdict(&right).unwrap(), Verdict::Unknown);
        host.learn(&right).unwrap();
        assert_eq!(host.verdict(&right).unwrap(), Verdict::Known);
        let Verdict::Changed(known) = host.verdict(&wrong).unwrap() else { panic!("another key is taken") };
        assert!(known.contains("known_hosts:"), "{known}");
        assert_eq!(Host { port: 2202, ..host.clone() }.verdict(&right).unwrap(), Verdict::Unknown);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(host.verdict(&right).is_err(), "a file that cannot be read is not an empty one");
    }
}
