//! Commands for this machine alone: refused to a client from remote before anything looks at a path of this machine.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use p2p_auth::{Auth, Policy, Registration};
use p2p_engine::Engine;
use p2p_service::access::Access;
use p2p_service::access::remote::{RemoteRegistration, RemoteRules};
use p2p_shell::call::Call;
use p2p_shell::spec::{Argument, Kind, Place, Spec, Times};
use p2p_shell::words::Variables;
use p2p_shell::{Shell, ShellError, table};
use rustix::fs::inotify;
use tokio::runtime::{Builder, Runtime};

use crate::harness::{config, quick_link};
use crate::program::PASSWORD;

fn clock() -> u64 {
    1_800_000_000
}

/// A shell of an admin, and one of the same admin who has come through a service.
pub(crate) struct Shells {
    pub(crate) local: Shell,
    remote: Shell,
    pub(crate) runtime: Runtime,
    rules: Arc<RemoteRules>,
    _engine: Engine,
    _directory: tempfile::TempDir,
}

impl Shells {
    pub(crate) fn new() -> Shells {
        let directory = tempfile::tempdir().unwrap();
        let (engine, handle) = Engine::start(config(&directory.path().join("data"), 2, quick_link()), None).unwrap();
        let auth = Auth::open(engine.database().clone(), Policy { iterations: 1_000, ..Policy::default() }).unwrap();
        let local = Access::new(handle, auth, "the terminal", clock).unwrap();
        let rules = Arc::new(RemoteRules::new(RemoteRegistration::Closed).unwrap());
        let remote = local.of_client("a service", "127.0.0.1".parse().unwrap(), &rules);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (name, email) = ("alice".parse().unwrap(), "alice@example.org".parse().unwrap());
        runtime.block_on(async {
            local.register(Registration { name, email, password: PASSWORD.into() }).await.unwrap();
            assert!(remote.login("alice".into(), PASSWORD.into()).await.unwrap().is_none());
        });
        Shells {
            local: Shell::new(local).0,
            remote: Shell::new(remote).0,
            runtime,
            rules,
            _engine: engine,
            _directory: directory,
        }
    }

    /// Registers a user who is no admin, and returns a shell of that user from remote.
    pub(crate) fn user(&self, name: &str) -> Shell {
        let client = self.local.access().of_client("a service", "127.0.0.1".parse().unwrap(), &self.rules);
        let email = format!("{name}@example.org").parse().unwrap();
        self.runtime.block_on(async {
            let wanted = Registration { name: name.parse().unwrap(), email, password: PASSWORD.into() };
            self.local.access().register(wanted).await.unwrap();
            assert!(client.login(name.into(), PASSWORD.into()).await.unwrap().is_none());
        });
        Shell::new(client).0
    }

    /// Returns a shell at the terminal of a user who is registered.
    pub(crate) fn local_of(&self, name: &str) -> Shell {
        let access = self.local.access();
        let login = access.login(name.into(), PASSWORD.into());
        assert!(self.runtime.block_on(login).unwrap().is_none());
        self.local.clone()
    }

    fn refusals(&self) -> Vec<String> {
        let entries = self.runtime.block_on(self.local.access().audit(1_000)).unwrap();
        entries.into_iter().filter(|(_, entry)| !entry.done).map(|(_, entry)| entry.note).collect()
    }
}

/// Returns a word that an argument or a flag of this kind takes.
fn word_of(kind: Kind, path: &str) -> &str {
    match kind {
        Kind::LocalPath => path,
        Kind::StoredFile => "stored.bin",
        Kind::Node | Kind::Host | Kind::ProfileOrNode => "Node_01",
        Kind::Hosts => "Node_01,Node_02",
        Kind::Transfer | Kind::TransferOrWaiting => "1",
        Kind::Profile => "congested",
        Kind::Command => "ls",
        Kind::OneOf(words) | Kind::Like(words) => words[0],
        Kind::User => "bob",
        Kind::Other(word) => word,
    }
}

/// Returns the lines that call a command: with the arguments that it needs, with all that it takes, and with each of its flags.
fn lines_of(spec: &Spec, path: &str) -> Vec<String> {
    let line = |arguments: &mut dyn Iterator<Item = &Argument>| {
        let words = arguments.map(|argument| word_of(argument.kind, path).to_owned());
        [spec.name.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
    };
    let needed = line(&mut spec.arguments.iter().filter(|argument| argument.times != Times::Optional));
    let all = line(&mut spec.arguments.iter());
    let flags = spec.flags.iter().map(|flag| match flag.value {
        Some((_, kind)) => format!("{all} --{} {}", flag.name, word_of(kind, path)),
        None => format!("{all} --{}", flag.name),
    });
    [needed, all.clone()].into_iter().chain(flags).collect()
}

/// Returns true if a call with this line is for this machine alone, as the table says of the command.
fn is_for_this_machine(spec: &Spec, line: &str, path: &str) -> bool {
    match spec.place {
        Place::Anywhere => false,
        Place::AnywhereWithoutPath => line.contains(path),
        Place::ThisMachine => true,
    }
}

/// Directory with a file in it, and a watch that tells whether one of them was opened, listed, read or written.
struct Bait {
    directory: tempfile::TempDir,
    watch: std::os::fd::OwnedFd,
}

impl Bait {
    fn new() -> Bait {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.bin"), "abc").unwrap();
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, directory.path(), inotify::WatchFlags::ALL_EVENTS).unwrap();
        Bait { directory, watch }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Takes whether anything has touched the directory since it was last asked.
    fn is_touched(&self) -> bool {
        rustix::io::read(&self.watch, &mut [0u8; 4096]).is_ok()
    }
}

#[test]
fn a_client_from_remote_touches_no_file_of_this_machine() {
    let (shells, bait) = (Shells::new(), Bait::new());
    let none = Variables::new();
    let mut refused = 0;
    for spec in table::commands() {
        for name in ["a.bin", "*", "new.bin"] {
            let path = bait.path().join(name).to_str().unwrap().to_owned();
            // What is refused for its words says nothing of a place.
            let is_whole = |line: &String| Call::parse(line, &none).is_ok() && is_for_this_machine(spec, line, &path);
            for line in lines_of(spec, &path).into_iter().filter(is_whole) {
                let expected = ShellError::Elsewhere { usage: spec.usage() };
                let said = shells.runtime.block_on(shells.remote.run_to_end(&line, &none)).unwrap_err();
                assert_eq!(said, expected, "{line}");
                let ahead =
                    shells.runtime.block_on(shells.remote.check_line(&["cancel 1".into(), line.clone()], &none)).unwrap_err();
                let second = ShellError::Ahead { command: line.clone(), error: Box::new(expected), after: None };
                assert!(ahead == second || ahead.to_string().contains("no transfer"), "{line}: {ahead}");
                assert!(!bait.is_touched(), "{line}");
                refused += 1;
            }
        }
    }
    assert_eq!(fs::read_dir(bait.path()).unwrap().count(), 1);
    assert!(refused > 30 && shells.refusals().iter().any(|note| note == "upload from remote"), "{refused}");
}

/// A line may lead to another user, after whom nothing is checked ahead but the words: the place is.
#[test]
fn no_path_is_looked_at_ahead_of_a_line_from_remote() {
    let (shells, bait) = (Shells::new(), Bait::new());
    for command in ["upload", "upload -r", "download x", "export", "report --html", "expect upload"] {
        let line = format!("{command} {}", bait.path().join("*").display());
        let rest = if command.starts_with("expect") { " = x" } else { "" };
        let lines = ["logout".to_owned(), format!("{line}{rest}")];
        let ahead = shells.runtime.block_on(shells.remote.check_line(&lines, &Variables::new()));
        assert!(ahead.is_err() || command.starts_with("expect"), "{command}");
        let ran = shells.runtime.block_on(shells.remote.run_to_end(&lines[1], &Variables::new())).unwrap_err();
        assert!(ran.to_string().contains("refused to clients of its services; type it at a prompt there"), "{command}: {ran}");
        assert!(!bait.is_touched(), "{command}");
    }
}

/// The marks are complete: a command that takes a path of this machine has one, and the help says so of each.
#[test]
fn every_command_with_a_path_of_this_machine_is_marked() {
    let shells = Shells::new();
    for spec in table::commands() {
        let flags = spec.flags.iter().filter_map(|flag| flag.value).map(|(_, kind)| kind);
        let takes_path = spec.arguments.iter().map(|argument| argument.kind).chain(flags).any(|kind| kind == Kind::LocalPath);
        let needs_path = spec.arguments.iter().any(|one| one.kind == Kind::LocalPath && one.times != Times::Optional);
        assert!(!takes_path || spec.place != Place::Anywhere, "{}", spec.name);
        assert!(!needs_path || spec.place == Place::ThisMachine, "{}", spec.name);
        let line = format!("help {}", spec.name);
        let help = shells.runtime.block_on(shells.remote.run_to_end(&line, &Variables::new())).unwrap().view.text();
        assert_eq!(help.contains("refused to clients of a service"), spec.place != Place::Anywhere, "{}", spec.name);
    }
}

/// The same commands are carried out for the same admin at a terminal, and others from remote as well.
#[test]
fn what_is_refused_from_remote_is_done_at_the_terminal() {
    let (shells, bait) = (Shells::new(), Bait::new());
    let line = format!("upload {}", bait.path().join("a.bin").display());
    assert!(shells.runtime.block_on(shells.local.run_to_end(&line, &Variables::new())).is_ok() && bait.is_touched());
    for line in ["ls", "info a.bin", "export", "report", "nodes", "rm a.bin"] {
        assert!(shells.runtime.block_on(shells.remote.run_to_end(line, &Variables::new())).is_ok(), "{line}");
    }
}
