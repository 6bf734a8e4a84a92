//! The process of a node: its end and its start, and its state, derived from the requests and the disk work that it has in hand.

use std::fmt;

use p2p_store::disk::DiskError;
use p2p_store::disk_op::{DiskOp, DiskOutcome};
use p2p_store::standing::Trouble;
use serde::{Deserialize, Serialize};

use super::{DiskJob, Node, NodeOutput};

/// Stage in the life of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// The process runs.
    Runs,
    /// The process reads the disk by this operation, and answers nothing yet.
    Starts(DiskJob),
    /// There is no process.
    Gone,
}

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
    /// Returns true if the process runs.
    pub fn is_running(&self) -> bool {
        self.process == Process::Runs
    }

    /// Returns how many times the process has come to run again.
    pub const fn starts(&self) -> u64 {
        self.starts
    }

    /// Returns true if the process reads the disk and does not run yet.
    pub const fn is_starting(&self) -> bool {
        matches!(self.process, Process::Starts(_))
    }

    /// Ends the process at once: its connections are forgotten, and the outcomes of pending disk operations are no longer answered.
    /// The disk keeps what was handed to it, as the kernel does when a process is killed (`kill -9`): this is no power loss.
    pub fn stop(&mut self) {
        self.process = Process::Gone;
        self.drop_connections();
    }

    /// Forgets all connections. Requests in hand are still carried out, and nothing is answered.
    pub fn drop_connections(&mut self) {
        self.inbound.clear();
        self.outputs.retain(|output| matches!(output, NodeOutput::Disk { .. }));
    }

    /// Starts the process again, unless it runs or the trouble of its disk prevents that: it reads the disk first, and puts out
    /// [`NodeOutput::Started`] or [`NodeOutput::NotStarted`] after that.
    pub fn start(&mut self) {
        if self.process == Process::Gone && !self.trouble.as_ref().is_some_and(Trouble::stops) {
            self.process = Process::Starts(self.submit(DiskOp::List));
        }
    }

    /// Ends the start with what was read from the disk.
    pub(super) fn end_start(&mut self, outcome: Result<DiskOutcome, DiskError>) {
        let listed = outcome.and_then(|outcome| match outcome {
            DiskOutcome::Listed { segments } => Ok(segments),
            _ => Err(DiskError::Internal),
        });
        self.outputs.push_back(match listed {
            Ok(segments) => {
                self.volume.adopt_listing(&segments);
                self.process = Process::Runs;
                self.starts += 1;
                NodeOutput::Started
            }
            Err(error) => {
                self.process = Process::Gone;
                NodeOutput::NotStarted { error }
            }
        });
    }

    /// Returns the present state of the process: it waits for its disk while it starts; it runs while a request is being received;
    /// otherwise it waits while its disk works or an answer is unacknowledged; otherwise it is ready.
    pub fn state(&self) -> ProcessState {
        if self.process == Process::Gone {
            ProcessState::Stopped
        } else if self.is_starting() {
            ProcessState::Waiting(WaitingFor::Disk)
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
