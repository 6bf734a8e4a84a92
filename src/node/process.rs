//! What a node's process is doing, told from what it really has in hand. Knows nothing of why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Node;

/// What a waiting process waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitingFor {
    /// Its disk has work to finish.
    Disk,
    /// An answer has left and is not acknowledged.
    Network,
}

/// What a node's process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProcessState {
    /// Nothing is asked of it.
    Ready,
    /// A request is arriving.
    Running,
    /// What is asked of it depends on something else.
    Waiting(WaitingFor),
    /// It does not run.
    Stopped,
}

impl ProcessState {
    /// The word on screens and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            ProcessState::Ready => "READY",
            ProcessState::Running => "RUNNING",
            ProcessState::Waiting(_) => "WAITING",
            ProcessState::Stopped => "STOPPED",
        }
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Node {
    /// What the process is doing now: it runs while a request arrives; else it waits while its disk works or an answer is on
    /// its way; else it is ready.
    pub fn state(&self) -> ProcessState {
        if self.stopped {
            ProcessState::Stopped
        } else if self.sessions.values().any(|session| session.reader.is_mid_frame()) {
            ProcessState::Running
        } else if !self.jobs.is_empty() {
            ProcessState::Waiting(WaitingFor::Disk)
        } else if self.sessions.values().any(|session| session.answering) {
            ProcessState::Waiting(WaitingFor::Network)
        } else {
            ProcessState::Ready
        }
    }
}
