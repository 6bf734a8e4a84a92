//! The process that has started this one, and its end.
//!
//! The system gives a process whose parent has ended another one (POSIX.1-2024, XSH _Exit()), so that its number changes. It is looked at
//! from time to time: the signal that Linux offers (`PR_SET_PDEATHSIG`) is sent at the end of the thread that has started this process.

use std::time::Duration;

use rustix::process::{Pid, getppid};
use tokio::time::interval;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Process that has started this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parent(Option<Pid>);

impl Parent {
    pub(super) fn of_this_process() -> Parent {
        Parent(getppid())
    }

    /// Waits for the end of the parent.
    pub(super) async fn ends(self) {
        let mut looks = interval(LOOK);
        while getppid() == self.0 {
            looks.tick().await;
        }
    }
}
