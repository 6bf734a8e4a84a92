//! The history of typed lines, which is stored beyond a run of the program: one file per user, so that no user reads the
//! lines of another. The line REPL and the full-screen interface share it.
//!
//! Secrets are asked for separately and are never part of a line; a line that contains one by mistake is not stored.

use std::path::{Path, PathBuf};

use p2p_base::private_file;
use p2p_base::text;
use p2p_service::access::Identity;

use crate::call::{is_fit_to_be_kept, may_hold_a_secret};
use crate::table::Table;

/// Maximum number of bytes that are read of a history file.
const BYTES_MAX: u64 = 16 << 20;
/// Number of lines that a history keeps.
pub const LINES_MAX: usize = 2_000;
/// Number of lines beyond which the oldest are dropped at once: dropping one for each that comes would move all others each time.
const SURPLUS: usize = 200;

/// The histories of all users of a data directory.
#[derive(Debug, Clone, Default)]
pub struct Histories {
    /// Directory of the history files; `None` if histories are not stored.
    directory: Option<PathBuf>,
    /// Commands whose lines are stored.
    table: Table,
}

impl Histories {
    /// Returns the histories that are stored in a data directory.
    pub fn new(data_dir: PathBuf) -> Histories {
        Histories { directory: Some(data_dir), table: Table::default() }
    }

    /// Stores lines with the commands of this table.
    #[must_use]
    pub fn knowing(self, table: Table) -> Histories {
        Histories { table, ..self }
    }

    /// Returns the history of a user. Lines that are typed before the login belong to no user and are not stored.
    pub fn of(&self, identity: &Identity) -> History {
        let name = match identity {
            Identity::Nobody => return History::default(),
            Identity::Operator => "history.txt".to_owned(),
            Identity::User { account, .. } => format!("history-{}.txt", account.name),
        };
        let Some(path) = self.directory.as_ref().map(|directory| directory.join(name)) else { return History::default() };
        let (lines, stored) = shortened(&path);
        History { path: Some(path), lines, stored, table: self.table.clone() }
    }
}

/// Reads the latest [`LINES_MAX`] lines of a file, and rewrites it if it has more than twice that number. Returns them and the number of those
/// in the file.
fn shortened(path: &Path) -> (Vec<String>, usize) {
    // The file is missing before the first line is stored.
    let mut lines = text::whole_lines(&private_file::read(path, BYTES_MAX).unwrap_or_default());
    let stored = lines.len();
    lines.drain(..stored.saturating_sub(LINES_MAX));
    if stored <= 2 * LINES_MAX {
        return (lines, stored);
    }
    if let Err(error) = private_file::write(path, (lines.join("\n") + "\n").as_bytes()) {
        tracing::warn!(%error, "the history is not shortened");
    }
    // One that cannot be rewritten is tried again once it has grown as much again.
    let stored = lines.len();
    (lines, stored)
}

/// The typed lines of one user.
#[derive(Debug, Default)]
pub struct History {
    path: Option<PathBuf>,
    lines: Vec<String>,
    /// Number of lines that the file has.
    stored: usize,
    table: Table,
}

impl From<Vec<String>> for History {
    /// Creates a history of these lines, oldest first, that no file stores.
    fn from(lines: Vec<String>) -> History {
        History { lines, ..History::default() }
    }
}

impl History {
    /// Returns the lines, oldest first.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Adds a line to the history and returns true, unless the line is blank, repeats the previous one, or may hold a secret. The
    /// file receives only lines in which each command is known and none names a user who logs in or registers: a password may
    /// have been typed at the prompt, or in the place of a name.
    pub fn remember(&mut self, line: &str) -> bool {
        if line.trim().is_empty() || self.lines.last().is_some_and(|last| last == line) || may_hold_a_secret(line) {
            return false;
        }
        self.lines.push(line.to_owned());
        if self.lines.len() > LINES_MAX + SURPLUS {
            self.lines.drain(..self.lines.len() - LINES_MAX);
        }
        if is_fit_to_be_kept(&self.table, line) && !line.contains('\n') {
            self.store(line);
        }
        true
    }

    /// Appends a line to the file, which is shortened once it has more than twice [`LINES_MAX`].
    fn store(&mut self, line: &str) {
        let Some(path) = &self.path else { return };
        if let Err(error) = private_file::append(path, format!("{line}\n").as_bytes()) {
            tracing::warn!(%error, "the history is not kept");
        }
        self.stored += 1;
        if self.stored > 2 * LINES_MAX {
            self.stored = shortened(path).1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2p_auth::{Account, Role};

    fn user(name: &str) -> Identity {
        Identity::by_session(Account {
            name: name.parse().unwrap(),
            email: "a@b.c".parse().unwrap(),
            role: Role::User,
            created_at: 0,
            last_login: None,
            second_factor: None,
            backup_codes: 0,
        })
    }

    #[test]
    fn everybody_has_their_own() {
        let directory = tempfile::tempdir().unwrap();
        let histories = Histories::new(directory.path().to_owned());
        for line in ["ls", "", "nodes", "nodes", "  "] {
            histories.of(&user("alice")).remember(line);
        }
        histories.of(&Identity::Operator).remember("register");
        histories.of(&Identity::Nobody).remember("help");
        assert_eq!(histories.of(&user("alice")).lines(), ["ls", "nodes"]);
        assert_eq!(histories.of(&Identity::Operator).lines(), ["register"]);
        assert!([user("bob"), Identity::Nobody].iter().all(|identity| histories.of(identity).lines().is_empty()));
    }

    #[test]
    fn what_may_be_a_secret_is_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let histories = Histories::new(directory.path().to_owned());
        let mut history = histories.of(&user("alice"));
        let slips =
            ["uplaod a.bin", "ls; 123456", "echo 'a\nb'", "register alice correcthorse1", "ls; expect login hunter2 contains x"];
        for line in
            ["login alice hunter2", "correct horse battery"].into_iter().chain(slips).chain(["login", "expect ls contains x"])
        {
            history.remember(line);
        }
        // A slip is there to be mended, but only for now.
        assert_eq!(history.lines()[1..5], slips[..4]);
        assert_eq!(histories.of(&user("alice")).lines(), ["login", "expect ls contains x"]);
    }

    /// A line that was torn, or written in another encoding, takes no other with it.
    #[test]
    fn a_bad_line_leaves_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.txt");
        private_file::write(&path, b"\xef\xbb\xbfnodes\r\n\xff\xfe bad\n\0\0\0\n\x1b[2J\nstorage\n").unwrap();
        let mut history = Histories::new(directory.path().to_owned()).of(&Identity::Operator);
        assert_eq!(history.lines(), ["nodes", "storage"]);
        assert!(!history.remember("  ") && history.remember("ls"));
        assert_eq!(Histories::new(directory.path().to_owned()).of(&Identity::Operator).lines(), ["nodes", "storage", "ls"]);
    }

    #[test]
    fn the_oldest_lines_are_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.txt");
        let lines: Vec<String> = (0..2 * LINES_MAX + 1).map(|n| format!("echo {n}\n")).collect();
        private_file::write(&path, lines.concat().as_bytes()).unwrap();
        let history = Histories::new(directory.path().to_owned()).of(&Identity::Operator);
        assert_eq!((history.lines().len(), history.lines()[0].as_str()), (LINES_MAX, "echo 2001"));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), LINES_MAX);
    }
    /// However many lines are typed in one session: the memory and the file have the latest ones.
    #[test]
    fn the_oldest_lines_are_forgotten_while_others_are_typed() {
        let directory = tempfile::tempdir().unwrap();
        let histories = Histories::new(directory.path().to_owned());
        let mut history = histories.of(&Identity::Operator);
        for number in 0..5 * LINES_MAX {
            history.remember(&format!("echo {number}"));
            assert!(history.lines().len() <= LINES_MAX + SURPLUS);
        }
        let latest = format!("echo {}", 5 * LINES_MAX - 1);
        assert_eq!(history.lines().last(), Some(&latest));
        let text = std::fs::read_to_string(directory.path().join("history.txt")).unwrap();
        assert!((LINES_MAX..=2 * LINES_MAX).contains(&text.lines().count()), "{}", text.lines().count());
        assert_eq!(histories.of(&Identity::Operator).lines(), &history.lines()[history.lines().len() - LINES_MAX..]);
    }
}
