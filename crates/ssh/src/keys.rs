//! Private keys in files, in the format of OpenSSH (PROTOCOL.key): those by which the servers are known, and those that are made for users.
//!
//! All nodes are known by the same two host keys, since one program serves all of them; a node that has keys of its own, as `keygen NODE`
//! makes them, is known by those. The files lie in `keys/` of the data directory (mode 0700) and are private (mode 0600). A file that others
//! may read is refused, since its key is no secret any more.

mod owners;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use p2p_base::private_file;
use p2p_base::replacement::Existing;
use p2p_base::spelling::{shell_operand, visible_path};
use russh::keys::key::safe_rng;
use russh::keys::ssh_key::private::{KeypairData, RsaKeypair};
use russh::keys::ssh_key::{self, Algorithm, LineEnding};
use russh::keys::{HashAlg, PrivateKey, PublicKey};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

pub use self::owners::{Owner, OwnerError};

/// Name of the directory in the data directory.
pub const DIRECTORY: &str = "keys";
/// Name of the files of the keys by which every node is known that has none of its own.
const HOSTS: &str = "host";
/// Name of the directory of users' keys in that directory: no user there has the name of a node.
const USERS: &str = "users";
/// Name of the file of the hosts that are known.
const KNOWN_HOSTS: &str = "known_hosts";
/// Bits of the modulus of an RSA key that is made (NIST SP 800-131A).
const RSA_BITS: usize = 2_048;
/// Length of a file of a private key at the most, in bytes. An RSA key of 16,384 bits takes a fifth of it.
const LENGTH_MAX: u64 = 64 * 1024;
/// Permission bits of all users but the owner.
const NOT_OWNER: u32 = 0o077;

/// Reason why a key is not made or not read.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// File of a key that is there already.
    #[error("there is a key in {} already, and who knows its public half relies on it; --force replaces it", visible_path(.0))]
    Taken(PathBuf),
    /// The system refuses the file or the directory.
    #[error("{}: {reason}", visible_path(path))]
    Unusable {
        /// Path of the file or the directory.
        path: PathBuf,
        /// Error of the system.
        reason: io::Error,
    },
    /// Others may read the key.
    #[error("others on this machine may read the private key in {}; `chmod 600 {}` changes that, and a key that was read is to be made anew", visible_path(.0), shell_operand(.0))]
    Open(PathBuf),
    /// The file has no private key that can be used.
    #[error(
        "{} has no private key in the format of OpenSSH that can be used: {reason}; `p2p keygen` makes one",
        visible_path(path)
    )]
    Format {
        /// Path of the file.
        path: PathBuf,
        /// Error of the format.
        reason: ssh_key::Error,
    },
    /// The key is encrypted, and a server has nobody to ask for its passphrase.
    #[error("the private key in {} has a passphrase, and a host key can have none; `p2p keygen NODE --force` makes one without", visible_path(.0))]
    Encrypted(PathBuf),
    /// Passphrase that is not that of the key.
    #[error("it is not the passphrase of the private key in {}", visible_path(.0))]
    Passphrase(PathBuf),
    /// The key could not be made, which is a bug of this program.
    #[error("a key could not be made: {0}")]
    Making(#[from] ssh_key::Error),
}

/// Types of keys that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// Ed25519 (RFC 8709).
    Ed25519,
    /// RSA of 2,048 bits, signed with SHA-2 (RFC 8332).
    Rsa,
}

impl KeyType {
    /// All types, in the order in which clients should prefer them.
    pub const ALL: [KeyType; 2] = [KeyType::Ed25519, KeyType::Rsa];
    /// Names of all types, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &["ed25519", "rsa"];

    /// Returns the name of the type in commands and names of files.
    pub const fn name(self) -> &'static str {
        KeyType::NAMES[self as usize]
    }

    /// Returns the type of this name.
    pub fn of(name: &str) -> Option<KeyType> {
        KeyType::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Makes a key with a comment, from random bytes of the system.
    ///
    /// # Errors
    /// None but a bug of the library.
    pub fn generate(self, comment: &str) -> Result<PrivateKey, KeyFileError> {
        let mut key = match self {
            KeyType::Ed25519 => PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519)?,
            KeyType::Rsa => PrivateKey::new(KeypairData::from(RsaKeypair::random(&mut safe_rng(), RSA_BITS)?), comment)?,
        };
        key.set_comment(comment);
        Ok(key)
    }
}

/// Key that was made: where it is, and how it is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Path of the private key; the public one is in the file of this name with `.pub` behind it.
    pub path: PathBuf,
    /// Fingerprint as OpenSSH writes it, as in `SHA256:uNiVztksCsDhcc0u9e8BrrJX…`.
    pub fingerprint: String,
    /// Public key as a line in the format of OpenSSH.
    pub public: String,
}

/// Makes a key of an owner in the data directory, encrypted if there is a passphrase. An existing one is replaced only with `is_forced`.
///
/// # Errors
/// Fails if there is a key already, or if the directory cannot be written; nothing has changed then.
pub fn make(
    data_dir: &Path,
    owner: &Owner,
    kind: KeyType,
    passphrase: Option<&SecretString>,
    is_forced: bool,
) -> Result<Made, KeyFileError> {
    let path = owner.path(data_dir, kind);
    if !is_forced && path.symlink_metadata().is_ok() {
        return Err(KeyFileError::Taken(path));
    }
    let key = kind.generate(&owner.comment())?;
    write(path, &key, passphrase, if is_forced { Existing::Replaced } else { Existing::Refused })
}

fn write(path: PathBuf, key: &PrivateKey, passphrase: Option<&SecretString>, existing: Existing) -> Result<Made, KeyFileError> {
    let private = match passphrase {
        Some(passphrase) => key.encrypt(&mut safe_rng(), passphrase.expose_secret())?.to_openssh(LineEnding::LF)?,
        None => key.to_openssh(LineEnding::LF)?,
    };
    let public = key.public_key().to_openssh()?;
    let unusable = |reason: io::Error| match reason.kind() {
        ErrorKind::AlreadyExists => KeyFileError::Taken(path.clone()),
        _ => KeyFileError::Unusable { path: path.clone(), reason },
    };
    private_file::create_directory(private_file::directory_of(&path)).map_err(unusable)?;
    private_file::put(&path, existing, private.as_bytes()).map_err(unusable)?;
    // The public half can be made of the private one, so that a crash between the two loses nothing.
    private_file::write(&public_path(&path), format!("{public}\n").as_bytes()).map_err(unusable)?;
    Ok(Made { fingerprint: fingerprint(key.public_key()), public, path })
}

fn public_path(path: &Path) -> PathBuf {
    path.with_added_extension("pub")
}

/// Returns the fingerprint of a public key as OpenSSH writes it.
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Reads a private key, encrypted or not.
///
/// # Errors
/// Fails if the file cannot be read, if others may read it, or if it is in another format.
pub fn read(path: &Path) -> Result<PrivateKey, KeyFileError> {
    let unusable = |reason| KeyFileError::Unusable { path: path.to_owned(), reason };
    let file = private_file::open_regular(OpenOptions::new().read(true), path).map_err(unusable)?;
    if file.metadata().map_err(unusable)?.permissions().mode() & NOT_OWNER != 0 {
        return Err(KeyFileError::Open(path.to_owned()));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH_MAX as usize));
    file.take(LENGTH_MAX).read_to_end(&mut bytes).map_err(unusable)?;
    PrivateKey::from_openssh(bytes.as_slice()).map_err(|reason| KeyFileError::Format { path: path.to_owned(), reason })
}

/// Returns the files of a user's private keys that are in the data directory, the preferred one first.
pub fn of_user(data_dir: &Path, user: &str) -> Vec<PathBuf> {
    let owner = Owner::User(user.to_owned());
    KeyType::ALL.into_iter().map(|kind| owner.path(data_dir, kind)).filter(|path| path.exists()).collect()
}

/// Returns the fingerprints of the keys of an owner, the preferred one first. Keys of others are not read.
///
/// # Errors
/// Fails if one of the keys cannot be read, as [`read`] does.
pub fn of_owner(data_dir: &Path, owner: &Owner) -> Result<Vec<String>, KeyFileError> {
    let keys = KeyType::ALL.into_iter().map(|kind| read_if_there(&owner.path(data_dir, kind)));
    keys.filter_map(Result::transpose).map(|key| key.map(|key| fingerprint(key.public_key()))).collect()
}

/// Returns the names of the users who have keys in the data directory. The keys are not read.
///
/// # Errors
/// Fails if the directory cannot be read.
pub fn users(data_dir: &Path) -> Result<BTreeSet<String>, KeyFileError> {
    Ok(files_in(&data_dir.join(DIRECTORY).join(USERS))?.into_iter().map(|file| file.name).collect())
}

/// Returns the file of the hosts that are known, as OpenSSH's `known_hosts`.
pub fn known_hosts(data_dir: &Path) -> PathBuf {
    data_dir.join(DIRECTORY).join(KNOWN_HOSTS)
}

/// Returns an encrypted key of a file in the clear.
///
/// # Errors
/// Fails if it is not the passphrase of the key.
pub fn unlocked(key: &PrivateKey, passphrase: &SecretString, path: &Path) -> Result<PrivateKey, KeyFileError> {
    key.decrypt(passphrase.expose_secret()).map_err(|_| KeyFileError::Passphrase(path.to_owned()))
}

/// Key that is in the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Owner of the key.
    pub owner: Owner,
    /// Type of the key.
    pub kind: KeyType,
    /// Path of the private key.
    pub path: PathBuf,
    /// Fingerprint as OpenSSH writes it.
    pub fingerprint: String,
    /// True if a passphrase is needed to use it.
    pub is_encrypted: bool,
}

/// Returns the keys of the data directory: those of the nodes, and then those of users, each by name.
///
/// # Errors
/// Fails if the directory cannot be read, or one of the keys, as [`read`] does.
pub fn kept(data_dir: &Path) -> Result<Vec<Kept>, KeyFileError> {
    let directory = data_dir.join(DIRECTORY);
    let of_node = |name: &str| if name == HOSTS { Owner::Hosts } else { Owner::Node(name.to_owned()) };
    let mut all = kept_in(&directory, of_node)?;
    all.extend(kept_in(&directory.join(USERS), |name| Owner::User(name.to_owned()))?);
    Ok(all)
}

fn kept_in(directory: &Path, owner: impl Fn(&str) -> Owner) -> Result<Vec<Kept>, KeyFileError> {
    let kept = |KeyFile { name, kind, path }| {
        let key = read(&path)?;
        let (fingerprint, is_encrypted) = (fingerprint(key.public_key()), key.is_encrypted());
        Ok(Kept { owner: owner(&name), kind, path, fingerprint, is_encrypted })
    };
    files_in(directory)?.into_iter().map(kept).collect()
}

/// File of a private key, by its name.
struct KeyFile {
    /// Name of the owner as it is in that of the file.
    name: String,
    kind: KeyType,
    path: PathBuf,
}

/// Returns the files of private keys in a directory, by name; none if the directory is not there.
fn files_in(directory: &Path) -> Result<Vec<KeyFile>, KeyFileError> {
    let unusable = |reason| KeyFileError::Unusable { path: directory.to_owned(), reason };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unusable)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unusable)?;
        let name = entry.file_name();
        // Other files are public halves, or none of this program.
        let Some((name, kind)) = name.to_str().and_then(|name| name.rsplit_once('_')) else { continue };
        let Some(kind) = KeyType::of(kind) else { continue };
        found.push(KeyFile { name: name.to_owned(), kind, path: entry.path() });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Keys by which a server is known: an Ed25519 and an RSA one.
#[derive(Debug, Clone)]
pub struct HostKeys(Vec<PrivateKey>);

impl HostKeys {
    /// Reads the host keys of the data directory, and makes those that are missing: at the first start, that is both.
    ///
    /// # Errors
    /// Fails if a key cannot be read or made, if others may read it, or if it has a passphrase.
    pub fn open(data_dir: &Path) -> Result<HostKeys, KeyFileError> {
        let open = |kind| match host_key(&Owner::Hosts.path(data_dir, kind))? {
            Some(key) => Ok(key),
            None => {
                let key = kind.generate(&Owner::Hosts.comment())?;
                write(Owner::Hosts.path(data_dir, kind), &key, None, Existing::Refused).map(|_| key)
            }
        };
        KeyType::ALL.into_iter().map(open).collect::<Result<_, _>>().map(HostKeys)
    }

    /// Returns the keys of a node: its own where it has some, and otherwise these.
    ///
    /// # Errors
    /// Fails as [`open`](Self::open) does.
    pub fn of_node(&self, data_dir: &Path, node: &str) -> Result<HostKeys, KeyFileError> {
        let owner = Owner::Node(node.to_owned());
        let found = KeyType::ALL.into_iter().map(|kind| host_key(&owner.path(data_dir, kind)));
        let own: Vec<PrivateKey> = found.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(if own.is_empty() { self.clone() } else { HostKeys(own) })
    }

    /// Returns the keys, the preferred one first.
    pub fn keys(&self) -> &[PrivateKey] {
        &self.0
    }

    /// Returns the fingerprints of the keys as OpenSSH writes them.
    pub fn fingerprints(&self) -> Vec<String> {
        self.0.iter().map(|key| fingerprint(key.public_key())).collect()
    }
}

/// Reads a host key, if there is one.
fn host_key(path: &Path) -> Result<Option<PrivateKey>, KeyFileError> {
    match read_if_there(path)? {
        Some(key) if key.is_encrypted() => Err(KeyFileError::Encrypted(path.to_owned())),
        key => Ok(key),
    }
}

fn read_if_there(path: &Path) -> Result<Option<PrivateKey>, KeyFileError> {
    match read(path) {
        Err(KeyFileError::Unusable { reason, .. }) if reason.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn host_keys_are_made_once_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let made = HostKeys::open(directory.path()).unwrap();
        assert_eq!(made.keys().len(), 2);
        let keys = directory.path().join(DIRECTORY);
        assert_eq!((mode(&keys), mode(&keys.join("host_rsa")), mode(&keys.join("host_ed25519"))), (0o700, 0o600, 0o600));
        assert_eq!(HostKeys::open(directory.path()).unwrap().fingerprints(), made.fingerprints());
        assert!(made.fingerprints().iter().all(|text| text.starts_with("SHA256:")));
        let public = fs::read_to_string(keys.join("host_ed25519.pub")).unwrap();
        assert!(public.starts_with("ssh-ed25519 ") && public.ends_with(" p2p nodes\n"), "{public}");
        assert_eq!(made.of_node(directory.path(), "Node_02").unwrap().fingerprints(), made.fingerprints());
        let own = make(directory.path(), &Owner::Node("Node_02".into()), KeyType::Ed25519, None, false).unwrap();
        let all = kept(directory.path()).unwrap();
        let names: Vec<_> = all.iter().map(|kept| (kept.owner.name(), kept.kind, kept.is_encrypted)).collect();
        let (ed25519, rsa) = (KeyType::Ed25519, KeyType::Rsa);
        assert_eq!(names, [("Node_02", ed25519, false), ("all nodes", ed25519, false), ("all nodes", rsa, false)]);
        assert_eq!(all[0].fingerprint, own.fingerprint);
        assert_eq!(made.of_node(directory.path(), "Node_02").unwrap().fingerprints(), [own.fingerprint]);
        for open in [0o640, 0o604, 0o660] {
            fs::set_permissions(keys.join("host_rsa"), Permissions::from_mode(open)).unwrap();
            let error = HostKeys::open(directory.path()).unwrap_err();
            assert!(matches!(error, KeyFileError::Open(_)) && error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_key_is_replaced_only_by_force() {
        let directory = tempfile::tempdir().unwrap();
        let owner = Owner::User("alice".into());
        let passphrase = SecretString::from("open sesame".to_owned());
        let make = |forced| make(directory.path(), &owner, KeyType::Ed25519, Some(&passphrase), forced);
        let made = make(false).unwrap();
        assert_eq!(mode(&made.path), 0o600);
        let before = fs::read(&made.path).unwrap();
        assert!(matches!(make(false).unwrap_err(), KeyFileError::Taken(_)));
        assert_eq!(fs::read(&made.path).unwrap(), before);
        let key = read(&made.path).unwrap();
        assert!(key.is_encrypted() && key.decrypt("wrong").is_err());
        let all = kept(directory.path()).unwrap();
        assert!(all.len() == 1 && all[0].owner == owner && all[0].is_encrypted, "{all:?}");
        assert_eq!(fingerprint(key.decrypt("open sesame").unwrap().public_key()), made.fingerprint);
        assert_ne!(make(true).unwrap().fingerprint, made.fingerprint);
        assert!(host_key(&made.path).is_err_and(|error| matches!(error, KeyFileError::Encrypted(_))));
        fs::write(&made.path, "no key").unwrap();
        assert!(matches!(read(&made.path).unwrap_err(), KeyFileError::Format { .. }));
        assert!(host_key(&directory.path().join("none")).unwrap().is_none());
        // One key that cannot be used is in the way of no other, and of no name.
        let node = Owner::Node("Node_02".into());
        let own = super::make(directory.path(), &node, KeyType::Rsa, None, false).unwrap();
        assert_eq!(of_owner(directory.path(), &node).unwrap(), [own.fingerprint]);
        assert!(of_owner(directory.path(), &owner).is_err() && kept(directory.path()).is_err());
        assert_eq!(users(directory.path()).unwrap(), BTreeSet::from(["alice".to_owned()]));
    }
}
