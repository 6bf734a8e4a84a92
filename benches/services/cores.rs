//! Processor cores of those that serve and of those that ask. Where both share all of them, a service is measured together with its client, which the
//! gate does not have; where each side has one, what is compared is what serving costs.

use std::fs;
use std::process::{Command, Stdio};

/// Core of those that serve, and of those that ask, where each side has one.
const SERVING: &str = "0";
const ASKING: &str = "1";

/// Division of the cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// All have all.
    Shared,
    /// Each side has one of its own.
    Apart,
}

impl Cores {
    /// Lets this thread, and those that it starts from now on, ask.
    pub(crate) fn ask(self) {
        if self == Cores::Apart {
            bind(ASKING);
        }
    }

    /// Starts something in this process whose threads serve.
    pub(crate) fn serving<T>(self, start: impl FnOnce() -> T) -> T {
        if self == Cores::Shared {
            return start();
        }
        bind(SERVING);
        let started = start();
        bind(ASKING);
        started
    }

    /// Returns the command for a program that serves.
    pub(crate) fn server(self, program: &str) -> Command {
        if self == Cores::Shared {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", SERVING, program]);
        command
    }
}

/// Binds this thread to a core (`taskset(1)` of util-linux, as any thread may with its own number).
fn bind(core: &str) {
    let thread = fs::read_link("/proc/thread-self").unwrap();
    let thread = thread.file_name().unwrap();
    let bound = Command::new("taskset").args(["-cp", core]).arg(thread).stdout(Stdio::null()).status().unwrap();
    assert!(bound.success());
}
