//! A `p2p serve --web` in a process of its own, with users and their tokens.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::cores::Cores;

/// Links so fast that the machine is what is measured, and more requests than it can answer.
pub(crate) const FAST: &str = "[network]\nbandwidth = \"100Gbit/s\"\ndelay = \"100us\"\nloss = \"0%\"\nqueue = 10000\n[web]\nrequests_per_second = 1000000\n";
const PASSWORD: &str = "correct horse battery";
const P2P: &str = env!("CARGO_BIN_EXE_p2p");

/// A running server with users, of whom the first is the admin. It ends with the value.
pub(crate) struct Server {
    child: Child,
    /// Where it listens, as a socket address.
    pub(crate) address: String,
    /// The token of each user.
    pub(crate) tokens: Vec<String>,
    client: Client,
    /// Its standard output, which stays open.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts one with a configuration and as many users, in a directory that is there or is made.
    pub(crate) fn start(home: &Path, cores: Cores, config: &str, speed: &str, users: usize) -> Server {
        fs::create_dir_all(home).unwrap();
        fs::write(home.join("p2p.toml"), config).unwrap();
        let names: Vec<String> = std::iter::once("alice".to_owned()).chain((1..users).map(|n| format!("user{n}"))).collect();
        for name in &names {
            said(home, &["register", name, &format!("{name}@example.org")]);
            // The admin makes the accounts of the others.
            said(home, &["login", "alice"]);
        }
        let token = |name: &String| {
            said(home, &["login", name]);
            let scope = if name == "alice" { "admin" } else { "write" };
            said(home, &["token", "new", "benchmark", "--scope", scope]).trim().to_owned()
        };
        let tokens = names.iter().map(token).collect();
        let arguments = ["serve", "--web=:0", "--speed", speed, "--exit-with-parent"];
        let mut child = of(cores.server(P2P), home, &arguments).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut line) = (BufReader::new(child.stdout.take().unwrap()), String::new());
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let address = ready["services"][0]["address"].as_str().unwrap().to_owned();
        Server { child, address, tokens, client: Client::builder().no_proxy().build().unwrap(), _stdout: stdout }
    }

    /// Lets requests be those of the last user instead of the admin's.
    pub(crate) fn of_the_last(mut self) -> Server {
        self.tokens.reverse();
        self
    }

    /// A request of the first user.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address)).bearer_auth(&self.tokens[0])
    }

    /// Returns the processor time that the server has taken so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.child.id().to_string())
    }

    /// Returns a size of the server in MiB, by its name in `proc_pid_status(5)`.
    pub(crate) fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_matches([':', '\t', ' ', 'k', 'B']).parse::<u64>().unwrap() >> 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it holds is in a directory that is removed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the processor time of a process, in seconds (`proc_pid_stat(5)`: utime and stime, in hundredths).
pub(crate) fn cpu_seconds(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().unwrap() / 100.0).sum()
}

/// Returns the figure in the middle.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn of(mut command: Command, home: &Path, arguments: &[&str]) -> Command {
    command.args(arguments).current_dir(home).env_clear().env("HOME", home);
    command.env("P2P_PASSWORD", PASSWORD).env("P2P_NEW_PASSWORD", PASSWORD);
    command
}

/// Runs a command to its end, and returns what it prints.
fn said(home: &Path, arguments: &[&str]) -> String {
    let output = of(Command::new(PathBuf::from(P2P)), home, arguments).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}
