//! The file `serve.json` of a data directory, by which a process that finds the directory in use learns which services hold it.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use p2p_base::private_file;
use serde::{Deserialize, Serialize};

/// Name of the file in the data directory.
pub const FILE: &str = "serve.json";

/// Length of the file at the most: it has some hundred bytes for each service and each node.
const LENGTH_MAX: u64 = 1024 * 1024;

/// Service that listens at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Name of the service.
    pub service: String,
    /// Address at which it listens.
    pub address: SocketAddr,
    /// Name of the node that it is of, such as `Node_01`; `None` for one of the whole network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// SHA-256 of the certificate with which it speaks TLS, in hexadecimal; `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_sha256: Option<String>,
}

impl Announced {
    /// Returns the options of `p2p` with which a client of this machine asks the service, as it is known to be by its certificate.
    pub fn options(&self) -> String {
        let Announced { service, address, certificate_sha256, .. } = self;
        match certificate_sha256 {
            Some(sha256) => format!("--connect {service}s://{address} --tls-fingerprint {sha256}"),
            None => format!("--connect {service}://{address}"),
        }
    }

    /// Returns the address of the pages of the service of the web.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.certificate_sha256.is_some() { "https" } else { "http" }, self.address)
    }
}

/// Process that holds a data directory for its services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Number of the process.
    pub pid: u32,
    /// Services that listen.
    pub services: Vec<Announced>,
}

/// Formats the holder as `process 4711, grpc at 127.0.0.1:50050`, without the services of single nodes.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        let whole = self.services.iter().filter(|announced| announced.node.is_none());
        whole.into_iter().try_for_each(|Announced { service, address, .. }| write!(f, ", {service} at {address}"))
    }
}

/// Returns the services of the process that has announced itself in a data directory. A file that a crash has left is only told from
/// another by the lock of the directory, which its process no longer holds.
pub fn holder(data_dir: &Path) -> Option<Holder> {
    serde_json::from_slice(&private_file::read(&data_dir.join(FILE), LENGTH_MAX).ok()?).ok()
}

/// Announcement of the services of this process, which is taken back when it is dropped. A later one in the same directory replaces it.
#[derive(Debug)]
pub struct Announcement(PathBuf);

impl Announcement {
    /// Announces services of this process in the data directory whose lock it holds.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn new(data_dir: &Path, services: Vec<Announced>) -> io::Result<Announcement> {
        let path = data_dir.join(FILE);
        write(&path, services)?;
        Ok(Announcement(path))
    }

    /// Announces other services in the place of those of before.
    ///
    /// # Errors
    /// Fails if the file cannot be written; what it said before stands then.
    pub fn renew(&self, services: Vec<Announced>) -> io::Result<()> {
        write(&self.0, services)
    }
}

fn write(path: &Path, services: Vec<Announced>) -> io::Result<()> {
    private_file::write(path, &serde_json::to_vec(&Holder { pid: std::process::id(), services })?)
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // A file that stays is taken for what it is, since its process no longer holds the lock.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_read_as_long_as_it_stands() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(holder(directory.path()), None);
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let service = Announced { service: "grpc".into(), address: address(50050), node: None, certificate_sha256: None };
        let of_node = Announced { address: address(50051), node: Some("Node_01".into()), ..service.clone() };
        let services = vec![service, of_node];
        let announcement = Announcement::new(directory.path(), services.clone()).unwrap();
        let found = holder(directory.path()).unwrap();
        assert_eq!(found, Holder { pid: std::process::id(), services: services.clone() });
        assert_eq!(found.to_string(), format!("process {}, grpc at 127.0.0.1:50050", std::process::id()));
        assert_eq!(services[0].options(), "--connect grpc://127.0.0.1:50050");
        let encrypted = Announced { certificate_sha256: Some("e3b0".into()), ..services[0].clone() };
        assert_eq!(encrypted.options(), "--connect grpcs://127.0.0.1:50050 --tls-fingerprint e3b0");
        assert!(!private_file::is_open_to_others(&directory.path().join(FILE)).unwrap());
        drop(announcement);
        assert_eq!(holder(directory.path()), None);
        fs::write(directory.path().join(FILE), "no JSON").unwrap();
        assert_eq!(holder(directory.path()), None);
    }
}
