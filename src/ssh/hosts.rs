//! What a name stands for: a node whose SSH server listens, or a host of p2p.toml.

use std::path::PathBuf;
use std::str::FromStr;

use p2p_base::likeness;
use p2p_base::spelling::visible;
use p2p_service::config::Remote;
use p2p_service::doors::announced::Announced;
use p2p_shell::node_of;
use p2p_ssh::client::known::{Host, KnownBy};
use p2p_ssh::keys::{self, KeyFileError, Owner};
use p2p_ssh::server::SERVICE;
use thiserror::Error;

/// Host that is meant, as users write it: `alice@Node_02`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// User there, if one is named.
    pub(super) user: Option<String>,
    /// Name of the host.
    pub(super) host: String,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Target, String> {
        let (user, host) = match text.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host.to_owned()),
            None => (None, text.to_owned()),
        };
        match host.is_empty() || user.as_ref().is_some_and(String::is_empty) {
            true => Err(format!("`{}` is no host; write it as Node_02 or alice@Node_02", visible(text))),
            false => Ok(Target { user, host }),
        }
    }
}

/// Reason why a name stands for no host that can be asked, or for nobody there.
#[derive(Debug, Error)]
pub(super) enum HostError {
    /// Node for which nothing listens.
    #[error("{0} has no SSH server that listens here")]
    NoServer(String),
    /// Name of no host.
    #[error("there is no host `{}`{}", visible(name), near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// Name that was given.
        name: String,
        /// Name that is nearest to it.
        near: Option<String>,
    },
    /// User who is not named.
    #[error("it is not said as whom to log in")]
    NoUser,
    /// The directory of the keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
}

impl HostError {
    /// Returns the error where no node has a server.
    pub(super) fn no_node() -> HostError {
        HostError::NoServer("no node".into())
    }
}

/// Hosts that can be asked.
#[derive(Debug)]
pub(super) struct Hosts {
    pub(super) data_dir: PathBuf,
    pub(super) remotes: Vec<Remote>,
    /// Services that listen for this data directory.
    pub(super) listening: Vec<Announced>,
}

/// Host that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Name as it is shown.
    pub(super) name: String,
    /// Name or address of the machine.
    address: String,
    port: u16,
    known: Known,
    /// User there by p2p.toml.
    user: Option<String>,
    keys: Keys,
}

/// Name and keys by which a host is known.
#[derive(Debug, Clone)]
enum Known {
    /// A node by the keys in this data directory.
    ByKeys(PathBuf),
    /// A host elsewhere by this.
    By(KnownBy),
}

/// Place of the keys that log in.
#[derive(Debug, Clone)]
enum Keys {
    /// Keys of the user in this data directory.
    OfUser(PathBuf),
    /// Keys of p2p.toml.
    Files(Vec<PathBuf>),
}

impl Found {
    /// Returns the address and the port, as they are written together.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.address, self.port)
    }

    /// Returns the host with what it is known by: a node by its own keys and by those of all nodes, since it has its own ones from its next start
    /// on.
    ///
    /// # Errors
    /// Fails if one of these keys cannot be read.
    pub(super) fn host(&self) -> Result<Host, KeyFileError> {
        let known_by = match &self.known {
            Known::ByKeys(data_dir) => {
                let of = |owner: Owner| keys::of_owner(data_dir, &owner);
                KnownBy::Fingerprints([of(Owner::Node(self.name.clone()))?, of(Owner::Hosts)?].concat())
            }
            Known::By(known_by) => known_by.clone(),
        };
        Ok(Host { name: self.name.clone(), address: self.address.clone(), port: self.port, known_by })
    }

    /// Returns true if the host is a node of this data directory, whose users are those here.
    pub(super) const fn is_here(&self) -> bool {
        matches!(self.keys, Keys::OfUser(_))
    }

    /// Returns the files of the private keys of a user for this host, with which who is logged in here may log in: those of the data directory
    /// are for their owners alone.
    pub(super) fn keys_of(&self, user: &str, here: Option<&str>) -> Vec<PathBuf> {
        match &self.keys {
            Keys::OfUser(_) if here.is_some_and(|here| here != user) => Vec::new(),
            Keys::OfUser(data_dir) => keys::of_user(data_dir, user),
            Keys::Files(files) => files.clone(),
        }
    }
}

impl Hosts {
    /// Finds the host of a name.
    ///
    /// # Errors
    /// Fails if there is none, or if it is a node without a server.
    pub(super) fn find(&self, name: &str) -> Result<Found, HostError> {
        if let Some(remote) = self.remotes.iter().find(|remote| remote.name == name) {
            return Ok(self.elsewhere(remote));
        }
        let Some(node) = node_of(name) else {
            let names = self.remotes.iter().map(|remote| remote.name.as_str());
            let near = likeness::nearest(name, names).first().map(|&near| near.to_owned());
            return Err(HostError::Unknown { name: name.to_owned(), near });
        };
        let node = node.to_string();
        let server = self.listening.iter().find(|one| one.service == SERVICE && one.node.as_ref() == Some(&node));
        Ok(self.here(&node, server.ok_or_else(|| HostError::NoServer(node.clone()))?))
    }

    /// Returns the nodes whose servers listen.
    pub(super) fn nodes(&self) -> Vec<Found> {
        let servers = self.listening.iter().filter(|one| one.service == SERVICE);
        servers.filter_map(|one| Some(self.here(one.node.as_ref()?, one))).collect()
    }

    fn here(&self, node: &str, server: &Announced) -> Found {
        Found {
            name: node.to_owned(),
            address: server.address.ip().to_string(),
            port: server.address.port(),
            known: Known::ByKeys(self.data_dir.clone()),
            user: None,
            keys: Keys::OfUser(self.data_dir.clone()),
        }
    }

    fn elsewhere(&self, remote: &Remote) -> Found {
        let known_by = match &remote.host_key {
            Some(fingerprint) => KnownBy::Fingerprints(vec![fingerprint.clone()]),
            None => KnownBy::File(keys::known_hosts(&self.data_dir)),
        };
        Found {
            name: remote.name.clone(),
            address: remote.address.clone(),
            port: remote.port,
            known: Known::By(known_by),
            user: remote.user.clone(),
            keys: Keys::Files(remote.key.iter().cloned().collect()),
        }
    }

    /// Returns as whom to log in: who is named, whom p2p.toml names, who is logged in here, or the only user with a key in the data directory.
    ///
    /// # Errors
    /// Fails if that is nobody, or if the directory of the keys cannot be read.
    pub(super) fn user(&self, found: &Found, named: Option<&str>, here: Option<&str>) -> Result<String, HostError> {
        if let Some(user) = named.or(found.user.as_deref()).or(here) {
            return Ok(user.to_owned());
        }
        let mut users = keys::users(&self.data_dir)?.into_iter();
        match (users.next(), users.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(HostError::NoUser),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(data_dir: PathBuf) -> Hosts {
        let announced = |service: &str, port, node: Option<&str>| Announced {
            service: service.into(),
            address: ([127, 0, 0, 1], port).into(),
            node: node.map(str::to_owned),
            certificate_sha256: None,
        };
        let store = Remote {
            name: "store".into(),
            address: "store.example.org".into(),
            port: 2200,
            user: Some("bob".into()),
            key: Some("/k".into()),
            host_key: None,
        };
        let listening = vec![
            announced("grpc", 50_050, None),
            announced("ssh", 2_201, Some("Node_01")),
            announced("ssh", 2_202, Some("Node_02")),
        ];
        Hosts { data_dir, remotes: vec![store], listening }
    }

    #[test]
    fn names_stand_for_nodes_and_hosts_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let hosts = hosts(directory.path().to_owned());
        for name in ["Node_02", "2", "02"] {
            assert_eq!(hosts.find(name).unwrap().port, 2_202, "{name}");
        }
        assert_eq!(hosts.nodes().len(), 2);
        let store = hosts.find("store").unwrap();
        assert_eq!(store.host().unwrap().known_by, KnownBy::File(directory.path().join("keys/known_hosts")));
        assert_eq!(store.keys_of("alice", Some("bob")), [PathBuf::from("/k")]);
        let node = hosts.find("1").unwrap();
        let made = keys::make(directory.path(), &keys::Owner::User("alice".into()), keys::KeyType::Ed25519, None, false).unwrap();
        for here in [None, Some("alice")] {
            assert_eq!(node.keys_of("alice", here), std::slice::from_ref(&made.path));
        }
        assert!(node.keys_of("alice", Some("bob")).is_empty(), "a key is for its owner alone");
        // A key that cannot be used is in the way of its owner alone.
        std::fs::write(&made.path, "no key").unwrap();
        std::fs::write(directory.path().join("keys/Node_02_rsa"), "no key").unwrap();
        assert!(node.host().is_ok() && hosts.user(&node, None, None).is_ok_and(|user| user == "alice"));
        assert!(hosts.find("2").unwrap().host().is_err());
        assert!(hosts.find("3").unwrap_err().to_string().starts_with("Node_03 has no SSH server"));
        assert!(hosts.find("stor").unwrap_err().to_string().contains("did you mean `store`?"));
    }

    /// Who is named comes first, then p2p.toml, who is here, and the only one with a key.
    #[test]
    fn somebody_is_meant() {
        let directory = tempfile::tempdir().unwrap();
        let hosts = hosts(directory.path().to_owned());
        let (store, node) = (hosts.find("store").unwrap(), hosts.find("1").unwrap());
        let user = |found, named, here| hosts.user(found, named, here).ok();
        assert_eq!(user(&store, Some("eve"), Some("alice")).as_deref(), Some("eve"));
        assert_eq!(user(&store, None, Some("alice")).as_deref(), Some("bob"));
        assert_eq!(user(&node, None, Some("alice")).as_deref(), Some("alice"));
        assert_eq!(user(&node, None, None), None);
        for name in ["carol", "dave"] {
            keys::make(directory.path(), &keys::Owner::User(name.into()), keys::KeyType::Ed25519, None, false).unwrap();
            let expected = (name == "carol").then_some("carol");
            assert_eq!(user(&node, None, None).as_deref(), expected);
        }
        assert_eq!("alice@Node_01".parse(), Ok(Target { user: Some("alice".into()), host: "Node_01".into() }));
        assert!("@Node_01".parse::<Target>().is_err() && "alice@".parse::<Target>().is_err());
    }
}
