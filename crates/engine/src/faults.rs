//! Faults that are on: what is broken on purpose, where, since when, by whom.
//!
//! Each target has at most one fault: a new one of a process takes the place of the one before, and others add up. The ledger knows
//! nothing of networks, processes and disks: the simulation carries out what a fault means and tells the ledger, which is therefore the
//! one list of what has to be taken back.

mod bounds;
mod disk;
mod effective;
mod ledger;
mod network;
mod profile;
mod refusal;

use std::fmt;

use p2p_base::units::SimTime;
use p2p_net::{Direction, PathRule};
use p2p_store::manifest::NodeNumber;
use p2p_store::standing::Trouble;
use serde::Serialize;

use super::peer::Peer;

pub use p2p_net::PathChange;

pub use self::bounds::{BANDWIDTH_MIN, DELAY_MAX, FLAP_MIN, FLAPS, FLAPS_MAX};
pub use self::disk::{DiskFaults, Failing, FailingError, Slowdown, SlowdownError};
pub use self::network::{BurstsError, LinkChange, parse_bursts};
pub use self::profile::{Flapping, Profile};
pub use self::refusal::FaultError;

pub(crate) use self::effective::ChangedPath;
pub(crate) use self::ledger::{DueFlap, Ledger};
pub(crate) use self::network::{check_link, check_path};

/// Fault, with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Fault {
    /// The node's process was killed (`kill -9`), and its host answers nothing. What the process held in memory is lost; the disk keeps
    /// what was handed to it.
    Killed {
        /// Node whose process is gone.
        node: NodeNumber,
    },
    /// The node's process ends as planned, as soon as nothing is under way that needs it. No segments are placed on the node.
    Stopping {
        /// Node whose process ends.
        node: NodeNumber,
        /// Instant at which the process ends, whatever is under way.
        until: SimTime,
        /// True if the process is started again afterwards.
        restarts: bool,
    },
    /// The node's process has ended as planned, and its host refuses connections.
    Stopped {
        /// Node whose process has ended.
        node: NodeNumber,
    },
    /// The node's process runs, and its host resets its connections and refuses new ones.
    Refusing {
        /// Node that refuses connections.
        node: NodeNumber,
    },
    /// The disk of a node is slow, failing, full or corrupt.
    Disk {
        /// Node with the disk.
        node: NodeNumber,
        /// Faults of the disk.
        faults: DiskFaults,
        /// False for whom may not know how many segments are corrupt, because the number would tell how many the node stores. They
        /// are one then.
        is_counted: bool,
    },
    /// The process of a node is killed and started again and again.
    Flapping {
        /// Node whose process it is.
        node: NodeNumber,
        /// Times at which it is killed.
        plan: Flapping,
    },
    /// One direction of a host's access link is changed.
    Link {
        /// Host whose link it is.
        peer: Peer,
        /// Direction of the link.
        direction: Direction,
        /// Changes of it.
        change: LinkChange,
    },
    /// All paths from and to a host are changed.
    Paths {
        /// Host whose paths they are.
        peer: Peer,
        /// Changes of them.
        change: PathChange,
    },
    /// A path is changed in one direction.
    Path {
        /// Host that sends.
        from: Peer,
        /// Host that receives.
        to: Peer,
        /// Changes of it.
        change: PathChange,
    },
    /// A path is cut in one direction: every packet is dropped.
    Cut {
        /// Host that sends.
        from: Peer,
        /// Host that receives.
        to: Peer,
    },
}

/// Part of the network that a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Process of a node.
    Process(NodeNumber),
    /// Plan by which the process of a node is killed and started.
    Flap(NodeNumber),
    /// Disk of a node.
    Disk(NodeNumber),
    /// One direction of the access link of a host.
    Link(Peer, Direction),
    /// All paths from and to a host.
    Paths(Peer),
    /// Path from one host to another.
    Path(Peer, Peer),
    /// Passage of packets from one host to another.
    Cut(Peer, Peer),
}

impl Fault {
    /// Returns what the fault concerns.
    pub const fn target(&self) -> Target {
        match *self {
            Fault::Killed { node } | Fault::Stopping { node, .. } | Fault::Stopped { node } | Fault::Refusing { node } => {
                Target::Process(node)
            }
            Fault::Disk { node, .. } => Target::Disk(node),
            Fault::Flapping { node, .. } => Target::Flap(node),
            Fault::Link { peer, direction, .. } => Target::Link(peer, direction),
            Fault::Paths { peer, .. } => Target::Paths(peer),
            Fault::Path { from, to, .. } => Target::Path(from, to),
            Fault::Cut { from, to } => Target::Cut(from, to),
        }
    }

    /// Returns the fault for whom may not know how much a node stores.
    #[must_use]
    pub fn without_count(self) -> Fault {
        match self {
            Fault::Disk { node, faults, .. } => {
                Fault::Disk { node, faults: DiskFaults { corrupt: faults.corrupt.min(1), ..faults }, is_counted: false }
            }
            other => other,
        }
    }

    /// Returns the fault together with a newer one of the same target. One of a process or of a plan takes the place of the earlier.
    fn with(&self, newer: &Fault) -> Fault {
        let mut both = newer.clone();
        match (&mut both, self) {
            (Fault::Disk { faults: all, .. }, &Fault::Disk { faults, .. }) => *all = faults.with(*all),
            (Fault::Link { change: all, .. }, &Fault::Link { change, .. }) => *all = change.with(*all),
            (Fault::Path { change: all, .. }, &Fault::Path { change, .. })
            | (Fault::Paths { change: all, .. }, &Fault::Paths { change, .. }) => *all = change.with(*all),
            _ => {}
        }
        both
    }

    /// Returns what is left of the fault beneath a newer one of the same target, if anything is.
    fn beneath(&self, newer: &Fault) -> Option<Fault> {
        let mut left = self.clone();
        let is_none = match (&mut left, newer) {
            (Fault::Disk { faults: left, .. }, &Fault::Disk { faults, .. }) => {
                *left = left.beneath(faults);
                left.is_none()
            }
            (Fault::Link { change: left, .. }, &Fault::Link { change, .. }) => {
                *left = left.beneath(change);
                left.is_none()
            }
            (Fault::Path { change: left, .. }, &Fault::Path { change, .. })
            | (Fault::Paths { change: left, .. }, &Fault::Paths { change, .. }) => {
                *left = left.beneath(change);
                left.is_none()
            }
            _ => true,
        };
        (!is_none).then_some(left)
    }

    /// Returns true if another fault of a direction of a link, or of a path, is the same, whichever link or path it is of.
    pub fn is_alike(&self, other: &Fault) -> bool {
        match (self, other) {
            (Fault::Link { change, .. }, Fault::Link { change: other, .. }) => change == other,
            (Fault::Path { change, .. }, Fault::Path { change: other, .. }) => change == other,
            (Fault::Cut { .. }, Fault::Cut { .. }) => true,
            _ => false,
        }
    }

    /// Returns true if another fault is the same in the other direction of a link or a path.
    pub fn is_opposite_of(&self, other: &Fault) -> bool {
        self.is_alike(other) && self.target().opposite() == Some(other.target())
    }

    /// Returns the name of the kind of fault for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Fault::Killed { .. } => "killed",
            Fault::Stopping { restarts: false, .. } => "stopping",
            Fault::Stopping { restarts: true, .. } => "restarting",
            Fault::Stopped { .. } => "stopped",
            Fault::Refusing { .. } => "refusing",
            Fault::Disk { .. } => "disk",
            Fault::Flapping { .. } => "flapping",
            Fault::Link { .. } => "link",
            Fault::Paths { .. } => "paths",
            Fault::Path { .. } => "path",
            Fault::Cut { .. } => "cut",
        }
    }
}

impl Target {
    /// First target of a single path, which all of hosts come before.
    pub(crate) const FIRST_PATH: Target = Target::Path(Peer::Client, Peer::Client);

    /// Returns the hosts that the target concerns: that of a process, a disk or a link, and both of a path.
    pub fn hosts(self) -> impl Iterator<Item = Peer> {
        let hosts = match self {
            Target::Process(node) | Target::Flap(node) | Target::Disk(node) => [Some(Peer::Node(node)), None],
            Target::Link(peer, _) | Target::Paths(peer) => [Some(peer), None],
            Target::Path(from, to) | Target::Cut(from, to) => [Some(from), Some(to)],
        };
        hosts.into_iter().flatten()
    }

    /// Returns the other direction of a link or a path; `None` for what has no direction.
    pub const fn opposite(self) -> Option<Target> {
        match self {
            Target::Process(_) | Target::Flap(_) | Target::Disk(_) | Target::Paths(_) => None,
            Target::Link(peer, Direction::Up) => Some(Target::Link(peer, Direction::Down)),
            Target::Link(peer, Direction::Down) => Some(Target::Link(peer, Direction::Up)),
            Target::Path(from, to) => Some(Target::Path(to, from)),
            Target::Cut(from, to) => Some(Target::Cut(to, from)),
        }
    }

    /// Returns true if the target is a node's process or disk, or one of the links and paths of its host.
    pub fn is_of(self, node: NodeNumber) -> bool {
        self.hosts().any(|host| host == Peer::Node(node))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Process(node) => write!(f, "{node}"),
            Target::Flap(node) => write!(f, "the process of {node}"),
            Target::Disk(node) => write!(f, "the disk of {node}"),
            Target::Link(peer, Direction::Up) => write!(f, "the uplink of {peer}"),
            Target::Link(peer, Direction::Down) => write!(f, "the downlink of {peer}"),
            Target::Paths(peer) => write!(f, "all paths of {peer}"),
            Target::Path(from, to) | Target::Cut(from, to) => write!(f, "the path {from}->{to}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Disk { faults, is_counted: true, .. } => write!(f, "{} is {faults}", self.target()),
            Fault::Disk { faults, .. } => write!(f, "{} is {}", self.target(), faults.uncounted()),
            Fault::Flapping { plan: Flapping { every, times }, .. } => {
                write!(f, "{} is killed and started every {every}, {times} times", self.target())
            }
            Fault::Link { change, .. } => write!(f, "{} has {change}", self.target()),
            Fault::Paths { change, .. } => write!(f, "{} have {change}", self.target()),
            Fault::Path { change, .. } => write!(f, "{} has {change}", self.target()),
            _ => write!(f, "{} is {}", self.target(), self.name()),
        }
    }
}

/// Reason why a fault is on, or was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum FaultCause {
    /// A command.
    Command {
        /// Name of the user who gave it; `None` for the operator, and for whom may not know.
        by: Option<String>,
    },
    /// A profile that was applied.
    Profile {
        /// Name of the profile.
        name: String,
        /// Name of the user who has applied it; `None` for the operator, and for whom may not know.
        by: Option<String>,
    },
    /// A process that is killed and started again and again.
    Flap {
        /// Name of the profile that says so, if one does.
        profile: Option<String>,
        /// Name of the user who has given the command or applied the profile; `None` for the operator, and for whom may not know.
        by: Option<String>,
    },
    /// Fault of which nothing is left, without a command.
    Over,
}

impl FaultCause {
    /// Returns the name of the user who is behind it, if it has one and is known.
    pub fn by(&self) -> Option<&str> {
        match self {
            FaultCause::Command { by } => by.as_deref(),
            FaultCause::Profile { by, .. } | FaultCause::Flap { by, .. } => by.as_deref(),
            FaultCause::Over => None,
        }
    }

    /// Returns the name of the profile that was applied, if one was.
    pub fn profile(&self) -> Option<&str> {
        match self {
            FaultCause::Profile { name, .. } => Some(name),
            FaultCause::Flap { profile, .. } => profile.as_deref(),
            FaultCause::Command { .. } | FaultCause::Over => None,
        }
    }

    /// Returns the cause of what a plan of this cause does.
    #[must_use]
    pub(crate) fn of_flap(&self) -> FaultCause {
        FaultCause::Flap { profile: self.profile().map(str::to_owned), by: self.by().map(str::to_owned) }
    }

    /// Returns the cause without the name of its user.
    #[must_use]
    pub fn without_name(self) -> FaultCause {
        match self {
            FaultCause::Command { .. } => FaultCause::Command { by: None },
            FaultCause::Profile { name, .. } => FaultCause::Profile { name, by: None },
            FaultCause::Flap { profile, .. } => FaultCause::Flap { profile, by: None },
            FaultCause::Over => FaultCause::Over,
        }
    }
}

/// Faults that were taken back together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearedFaults {
    /// Faults that are on no more, by target.
    pub taken_back: Vec<ActiveFault>,
    /// Nodes whose processes could not be started, so that their faults stay on, each with the reason if it is known.
    pub not_running: Vec<(NodeNumber, Option<Trouble>)>,
}

/// Fault that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveFault {
    /// The fault with its parameters.
    pub fault: Fault,
    /// Virtual instant at which it was put on. What was added to it since is no reason to count anew.
    pub since: SimTime,
    /// Reason why it was put on.
    pub cause: FaultCause,
    /// Further reasons for which something was added to it since, each once and in the order of the first addition.
    pub added: Vec<FaultCause>,
    /// Rules of the network that it makes for all paths of a host: each with its place among those of all hosts, of which the later
    /// hold. Empty for faults of another kind.
    pub rules: Vec<PathRule>,
}

/// Fault as an error tells of it, whoever reads it: not by whom it is on, and not how much a node stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownFault {
    /// The fault with its parameters.
    pub fault: Fault,
    /// Virtual instant at which it was put on.
    pub since: SimTime,
}

impl From<&ActiveFault> for KnownFault {
    fn from(active: &ActiveFault) -> KnownFault {
        KnownFault { fault: active.fault.clone().without_count(), since: active.since }
    }
}

/// Formats the fault as in ``Node_01 is killed since 00:12.000, until `start Node_01` ``.
impl fmt::Display for KnownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} since {}, until `{}`", self.fault, self.since.clock(3), self.fault.undone_by())
    }
}

impl ActiveFault {
    /// Returns all reasons why it is as it is, the first one first.
    pub fn causes(&self) -> impl Iterator<Item = &FaultCause> {
        std::iter::once(&self.cause).chain(&self.added)
    }

    /// Returns true if another fault is the same in the other direction of a link or a path, on since the same instant for the same
    /// reasons: one act has put on both.
    pub fn is_opposite_of(&self, other: &ActiveFault) -> bool {
        self.fault.is_opposite_of(&other.fault)
            && (self.since, &self.cause, &self.added) == (other.since, &other.cause, &other.added)
    }

    /// Returns the names of all users who have put it on or added to it, as far as they have one and are known.
    pub fn users(&self) -> Vec<&str> {
        let mut users: Vec<&str> = Vec::new();
        for by in self.causes().filter_map(FaultCause::by) {
            if !users.contains(&by) {
                users.push(by);
            }
        }
        users
    }
}
