//! The state of a node's process, derived from the requests and the disk work that it has in hand.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Node;

/// Resource that a waiting process waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitingFor {
    /// The disk has operations to finish.
    Disk,
    /// An answer was sent and is not acknowledged yet.
    Network,
}

/// State of a node's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProcessState {
    /// The process has no request in hand.
    Ready,
    /// A request is being received.
    Running,
    /// A request in hand depends on the disk or the network.
    Waiting(WaitingFor),
    /// The process does not run.
    Stopped,
}

impl ProcessState {
    /// Returns the name of the state on screens and in reports.
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
    /// Returns the present state of the process: it runs while a request is being received; otherwise it waits while its disk
    /// works or an answer is unacknowledged; otherwise it is ready.
    pub fn state(&self) -> ProcessState {
        if self.stopped {
            ProcessState::Stopped
        } else if self.inbound.values().any(|inbound| inbound.reader.is_mid_frame()) {
            ProcessState::Running
        } else if !self.jobs.is_empty() {
            ProcessState::Waiting(WaitingFor::Disk)
        } else if self.inbound.values().any(|inbound| inbound.answering) {
            ProcessState::Waiting(WaitingFor::Network)
        } else {
            ProcessState::Ready
        }
    }
}
