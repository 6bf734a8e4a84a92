//! Content by OpenSSH's `sftp`: through a `p2p serve`, and through OpenSSH's own server beside it.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cores::Cores;
use super::server::cpu_seconds;

const SSHD: &str = "/usr/sbin/sshd";
const SFTP_SERVER: &str = "/usr/lib/openssh/sftp-server";
/// Time within which OpenSSH's server has to answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// A login by a key at a server of SFTP, and a directory with the content there and here.
pub(crate) struct Login {
    pub(crate) address: SocketAddr,
    pub(crate) user: String,
    /// File of the private key.
    pub(crate) key: PathBuf,
    /// Directory at the server.
    pub(crate) there: String,
    /// Directory here, with the file `content.bin`.
    pub(crate) here: PathBuf,
}

impl Login {
    /// Stores the content under a name.
    pub(crate) fn store(&self, name: &str) {
        self.batch(&format!("put content.bin {}/{name}\n", self.there));
    }

    /// Fetches the content of a name, which has this length.
    pub(crate) fn fetch(&self, name: &str, length: u64) {
        self.batch(&format!("get {}/{name} fetched.bin\n", self.there));
        let fetched = self.here.join("fetched.bin");
        assert_eq!(fs::metadata(&fetched).unwrap().len(), length);
        fs::remove_file(fetched).unwrap();
    }

    /// Runs commands of `sftp` in a session of their own, so that its handshake and its login are among what is measured.
    fn batch(&self, commands: &str) {
        let mut sftp = Command::new("sftp");
        sftp.args(["-q", "-b", "-", "-P", &self.address.port().to_string()]).arg("-i").arg(&self.key);
        for option in
            ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        {
            sftp.args(["-o", option]);
        }
        sftp.arg(format!("{}@{}", self.user, self.address.ip())).current_dir(&self.here);
        let mut child = sftp.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{commands}");
    }
}

/// Makes a pair of keys, and returns the file of the private one.
pub(crate) fn key_pair(file: PathBuf) -> PathBuf {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&file).status().unwrap();
    assert!(made.success());
    file
}

/// OpenSSH's server with its `sftp-server`, in a process of its own. It ends with the value.
pub(crate) struct OpenSsh {
    child: Child,
    pub(crate) login: Login,
}

impl OpenSsh {
    /// Starts one in a new directory, for the user who runs this; `None` where it is not installed.
    pub(crate) fn start(home: &Path, cores: Cores, here: &Path) -> Option<OpenSsh> {
        if ![SSHD, SFTP_SERVER].iter().all(|file| Path::new(file).exists()) {
            return None;
        }
        let files = home.join("files");
        fs::create_dir_all(&files).unwrap();
        let [host_key, key] = ["host", "id"].map(|name| key_pair(home.join(name)));
        // The port is free again when the server takes it.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let [host_key, keys] = [host_key, home.join("id.pub")].map(|file| file.into_os_string().into_string().unwrap());
        let settings = format!(
            "ListenAddress {address}\nHostKey {host_key}\nAuthorizedKeysFile {keys}\nPidFile none\nStrictModes no\nUsePAM no\n\
             Subsystem sftp {SFTP_SERVER}\n"
        );
        let config = home.join("sshd_config");
        fs::write(&config, settings).unwrap();
        let child = cores.server(SSHD).args(["-D", "-e", "-f"]).arg(&config).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < DEADLINE, "OpenSSH's server does not answer");
        }
        let there = files.into_os_string().into_string().unwrap();
        let user = std::env::var("USER").unwrap_or_else(|_| "root".into());
        Some(OpenSsh { child, login: Login { address, user, key, there, here: here.to_owned() } })
    }

    /// Returns the processor time that it and its ended sessions have taken so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.child.id().to_string())
    }
}

impl Drop for OpenSsh {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
