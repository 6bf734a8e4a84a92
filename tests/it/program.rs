//! The real binary, in a home directory of its own.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use p2p_auth::tokens::NewLink;
use p2p_auth::{Auth, Policy};
use p2p_base::database::Database;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::harness::random_file;

/// Links on which nothing is worth waiting for.
pub(crate) const QUICK: &str = "[network]\nbandwidth = '1Gbit/s'\ndelay = '1ms'\nloss = '0%'\n";

/// The password of every account in tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How long anything may take before a test gives it up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The Python with the libraries of others, which `P2P_TEST_PYTHON` names.
pub(crate) fn python() -> String {
    std::env::var("P2P_TEST_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// What a run of the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// Standard output as JSON, and nothing but JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:#?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A home directory in which the program is run.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    /// With this `p2p.toml`.
    pub(crate) fn new(config: &str) -> Home {
        let home = Home(tempfile::tempdir().unwrap());
        std::fs::write(home.path("p2p.toml"), config).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Where the program keeps its data when nobody says where.
    pub(crate) fn data(&self) -> PathBuf {
        self.path(".local/share/p2p")
    }

    /// A file of random bytes in this directory.
    pub(crate) fn file(&self, name: &str, bytes: usize) -> Vec<u8> {
        random_file(&self.path(name), bytes, bytes as u64)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_p2p"));
        command.args(arguments).current_dir(self.0.path()).env_clear().env("HOME", self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Makes a link of a user to `docs`, and returns the token in its address. No process uses the directory.
    pub(crate) fn link(&self, user: &str) -> String {
        let database = Database::open(&self.data().join("catalog.redb")).unwrap();
        let auth = Auth::open(database, Policy::default()).unwrap();
        let now = u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp()).unwrap();
        let wanted = NewLink { path: "docs".into(), expires_at: now + 3_600 };
        auth.new_link(&user.parse().unwrap(), &wanted, "here", now).unwrap().1.expose_secret().to_owned()
    }

    /// Makes an account, the first one the admin's.
    pub(crate) fn register(&self, name: &str) {
        let mut command = self.command(&["register", name, &format!("{name}@example.org")]);
        let said = end_of(command.env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// Logs somebody in for the commands that follow.
    pub(crate) fn login(&self, name: &str) -> Said {
        end_of(self.command(&["login", name, "--json"]).env("P2P_PASSWORD", PASSWORD).spawn().unwrap())
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        end_of(self.spawn(arguments))
    }

    /// Runs it, and gives what it says on standard output where all went well.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:#?}");
        said.stdout
    }

    /// Runs it, and gives what it says on standard error where it refuses.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{arguments:?}: {said:#?}");
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
        said.stderr
    }

    /// Runs a script, and gives what it says on standard error where it stops.
    pub(crate) fn refused_script(&self, script: &str) -> String {
        let said = self.run(&["run", "-c", script]);
        assert_eq!(said.code, Some(1), "{script}: {said:#?}");
        said.stderr
    }

    /// Runs it, and gives what it says on standard error where a later attempt may succeed.
    pub(crate) fn unavailable(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!((said.code, said.stdout.as_str()), (Some(75), ""), "{arguments:?}: {said:#?}");
        said.stderr
    }

    /// Runs it, and gives what it says on standard error where the command line cannot be carried out.
    pub(crate) fn wrong_usage(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{arguments:?}: {said:#?}");
        said.stderr
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).json()
    }

    /// The names of the stored files.
    pub(crate) fn stored(&self) -> Vec<String> {
        self.json(&["ls"]).as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// What a program said until it ended.
pub(crate) fn end_of(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Waits until `condition` holds.
pub(crate) fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes_true(condition), "{what} did not happen");
}

/// The instant after which a test gives up what it waits for.
pub(crate) struct Deadline(Instant);

#[expect(clippy::disallowed_methods, reason = "a deadline on the wall clock, for what is outside of the simulation")]
impl Deadline {
    /// That of what is waited for from now on.
    pub(crate) fn new() -> Deadline {
        Deadline(Instant::now() + DEADLINE)
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }
}

/// Whether `condition` holds in time.
#[expect(clippy::disallowed_methods, reason = "a process outside of the simulation says nothing when something happens")]
pub(crate) fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Deadline::new();
    while !condition() {
        if deadline.is_over() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Ends the program by a signal in the middle of what it does, of which `is_there` tells. Where the test was held up until the program
/// had done all of it, `undo` takes that back, and the next attempt is at a tenth of the speed.
pub(crate) fn ended_in_part(
    home: &Home,
    arguments: &[&str],
    (thousandths, signal_name): (u32, &str),
    mut is_there: impl FnMut() -> bool,
    undo: impl Fn(),
) -> Said {
    for divisor in [1, 10, 100] {
        let speed = format!("{}x", f64::from(thousandths) / 1_000.0 / f64::from(divisor));
        // Behind `--` there may be names.
        let child = home.spawn(&[&arguments[..1], &["--speed", &speed], &arguments[1..]].concat());
        wait_until("a part of it", &mut is_there);
        signal(&child, signal_name);
        let said = end_of(child);
        if said.code != Some(0) {
            return said;
        }
        undo();
    }
    panic!("{arguments:?} is over at any speed");
}

/// Sends a signal, as `kill` does.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Everything in a file.
pub(crate) fn read(path: impl AsRef<Path>) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::fs::File::open(path.as_ref()).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}
