//! A `p2p serve` in a process of its own, with a user and their token.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use p2p_grpc::client::{Client, Tls};
use p2p_service::accounts::Secret;
use serde_json::Value;

use super::cores::Cores;
use super::sftp::{Login, key_pair};

/// Links so fast that the machine is what is measured.
pub(crate) const FAST: &str = "[network]\nbandwidth = \"100Gbit/s\"\ndelay = \"100us\"\nloss = \"0%\"\nqueue = 10000\n";
const P2P: &str = env!("CARGO_BIN_EXE_p2p");
/// Certificate and key, as `p2p cert` names them.
const TLS: [&str; 2] = ["tls/tls-certificate.pem", "tls/tls-key.pem"];

/// A running server and the token of its user. It ends with the value.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Address of the SSH server of Node_01, and the private key of the user.
    ssh: (SocketAddr, PathBuf),
    tls: Option<Tls>,
    token: Secret,
    /// Its standard output, which stays open.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts one in a new directory, with TLS if that is wanted.
    pub(crate) fn start(home: PathBuf, cores: Cores, with_tls: bool) -> Server {
        fs::create_dir(&home).unwrap();
        let config = home.join("p2p.toml");
        fs::write(&config, FAST).unwrap();
        said(&home, &["register", "alice", "alice@example.org"]);
        said(&home, &["login", "alice"]);
        let token = said(&home, &["token", "new", "benchmark", "--scope", "write"]);
        if with_tls {
            said(&home, &["cert", "-o", "tls"]);
            let [certificate, key] = TLS;
            let tls = format!("[grpc]\ntls = {{ certificate = \"{certificate}\", key = \"{key}\" }}\n");
            fs::write(&config, [FAST, &tls].concat()).unwrap();
        }
        let key = key_pair(home.join("id"));
        said(&home, &["run", "-c", "key add benchmark id.pub"]);
        let arguments = ["serve", "--grpc=:0", "--ssh=:0", "--speed", "max", "--exit-with-parent"];
        let mut child = of(cores.server(P2P), &home, &arguments).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut line) = (BufReader::new(child.stdout.take().unwrap()), String::new());
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let services = ready["services"].as_array().unwrap();
        let address = |service: &str| {
            let found = services.iter().find(|one| one["service"] == service).unwrap();
            found["address"].as_str().unwrap().parse().unwrap()
        };
        let (ssh, address) = ((address("ssh"), key), address("grpc"));
        let tls = with_tls.then(|| Tls::of_file(&home.join(TLS[0])).unwrap());
        Server { child, address, ssh, tls, token: Secret::from(token.trim().to_owned()), _stdout: stdout }
    }

    /// Returns a client with a connection of its own.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address, self.tls.as_ref(), Some(&self.token)).await.unwrap()
    }

    /// Returns the login at the SSH server of Node_01, for the content of a directory.
    pub(crate) fn login(&self, here: &Path) -> Login {
        let (address, key) = self.ssh.clone();
        Login { address, user: "alice".into(), key, there: "/files".into(), here: here.to_owned() }
    }

    /// Returns the processor time that the server has taken so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it holds is in a directory that is removed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the processor time of a process and of its children that have ended, in seconds (`proc_pid_stat(5)`: utime, stime, cutime, and
/// cstime, in hundredths).
pub(crate) fn cpu_seconds(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    after_name.split_whitespace().skip(11).take(4).map(|field| field.parse::<f64>().unwrap() / 100.0).sum()
}

fn p2p(home: &Path, arguments: &[&str]) -> Command {
    of(Command::new(P2P), home, arguments)
}

fn of(mut command: Command, home: &Path, arguments: &[&str]) -> Command {
    command.args(arguments).current_dir(home).env_clear().env("HOME", home).env("P2P_PASSWORD", "correct horse battery");
    command
}

/// Runs a command to its end, and returns what it prints.
fn said(home: &Path, arguments: &[&str]) -> String {
    let output = p2p(home, arguments).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}
