//! Operations that break parts of the network on purpose, and take that back.

use p2p_base::units::SimDuration;
use p2p_net::Direction;
use p2p_store::manifest::NodeNumber;
use serde::{Deserialize, Serialize};

use crate::faults::{DiskFaults, FaultError, Flapping, LinkChange, PathChange, Profile, Target, check_link, check_path};
use crate::peer::Peer;

/// Longest time that a planned stop waits for what is under way, unless the caller says otherwise: that of service managers
/// (`DefaultTimeoutStopSec` of systemd, 90 s).
pub const STOP_WITHIN: SimDuration = SimDuration::from_secs(90);
/// Number of paths that one operation changes at the most, each way for itself.
pub const PATHS_MAX: usize = 10_000;

/// Breaks something on purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Break {
    /// Kills the process of a node, whose host answers nothing from then on.
    Kill {
        /// Node whose process is killed.
        node: NodeNumber,
    },
    /// Ends the process of a node as planned, and waits for that: what is under way there ends first.
    Stop {
        /// Node whose process ends.
        node: NodeNumber,
        /// Longest time that it waits for what is under way.
        within: SimDuration,
    },
    /// Ends the process of a node as planned if it runs, starts it again, and waits until it runs.
    Restart {
        /// Node whose process is restarted.
        node: NodeNumber,
        /// Longest time that its end waits for what is under way.
        within: SimDuration,
    },
    /// Lets the host of a node reset its connections and refuse new ones.
    Refuse {
        /// Node that refuses connections.
        node: NodeNumber,
    },
    /// Makes the disk of a node slow, failing, full or corrupt, in addition to what is wrong with it already.
    Disk {
        /// Node with the disk.
        node: NodeNumber,
        /// Faults of the disk from now on; at least one.
        faults: DiskFaults,
    },
    /// Kills the process of a node again and again, and starts it half of the time after each kill.
    Flap {
        /// Node whose process it is.
        node: NodeNumber,
        /// Times at which it is killed.
        plan: Flapping,
    },
    /// Changes a host's access link further.
    Link {
        /// Host whose link it is.
        peer: Peer,
        /// Direction of the link; `None` for both.
        direction: Option<Direction>,
        /// Changes; at least one.
        change: LinkChange,
    },
    /// Changes all paths from and to a host further. What is said of a single path holds over it.
    Paths {
        /// Host whose paths they are.
        peer: Peer,
        /// Changes; at least one.
        change: PathChange,
    },
    /// Changes the paths between two hosts further, or cuts them.
    Path {
        /// Host that sends.
        from: Peer,
        /// Host that receives.
        to: Peer,
        /// True if only the path in this direction is meant.
        one_way: bool,
        /// Changes; at least one, unless the path is cut.
        change: PathChange,
        /// True if the path is cut.
        cut: bool,
    },
    /// Cuts all paths between two groups of hosts.
    Partition {
        /// Hosts of one group.
        one: Vec<Peer>,
        /// Hosts of the other group.
        other: Vec<Peer>,
        /// True if only the paths from the one group to the other are cut.
        one_way: bool,
    },
    /// Puts the faults of a profile on, all of them or none.
    Profile {
        /// Name of the profile.
        name: String,
        /// Node that it is for; `None` for all nodes.
        node: Option<NodeNumber>,
        /// Faults of the profile.
        profile: Box<Profile>,
    },
}

impl Break {
    /// Checks what the operation says by itself, whatever is on and whichever hosts there are.
    ///
    /// # Errors
    /// Returns the reason for which it is never possible.
    pub fn check(&self) -> Result<(), FaultError> {
        match self {
            Break::Kill { .. } | Break::Stop { .. } | Break::Restart { .. } | Break::Refuse { .. } => Ok(()),
            Break::Disk { faults, .. } => require_something(!faults.is_none()),
            Break::Flap { plan, .. } => plan.check(),
            Break::Link { change, .. } => require_something(!change.is_none()).and_then(|()| check_link(*change)),
            Break::Paths { change, .. } => require_something(!change.is_none()).and_then(|()| check_path(*change)),
            Break::Path { from, to, change, cut, .. } => {
                require_something(!change.is_none() || *cut)?;
                check_path(*change)?;
                check_sides(&[*from], &[*to])
            }
            Break::Partition { one, other, one_way } => {
                refuse_too_many(one.len().saturating_mul(other.len()).saturating_mul(if *one_way { 1 } else { 2 }))?;
                check_sides(one, other)
            }
            Break::Profile { profile, .. } => profile.check(),
        }
    }
}

fn require_something(is_said: bool) -> Result<(), FaultError> {
    if is_said { Ok(()) } else { Err(FaultError::Nothing) }
}

fn refuse_too_many(count: usize) -> Result<(), FaultError> {
    if count > PATHS_MAX { Err(FaultError::TooManyPaths { count, max: PATHS_MAX }) } else { Ok(()) }
}

/// Refuses hosts that are on both sides of a path or of a partition.
fn check_sides(one: &[Peer], other: &[Peer]) -> Result<(), FaultError> {
    one.iter().find(|peer| other.contains(peer)).map_or(Ok(()), |&peer| Err(FaultError::BothSides(peer)))
}

/// Takes a fault back, or all of one kind, and returns what was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Mend {
    /// Starts the process of a node that was killed or stopped, and waits until it runs; or lets a node accept connections again that
    /// refused them, or that was about to stop.
    Process {
        /// Node whose process is started.
        node: NodeNumber,
    },
    /// Makes the disk of a node sound.
    Disk {
        /// Node with the disk.
        node: NodeNumber,
    },
    /// Ends the plan by which the process of a node is killed and started, and starts the process if the plan has killed it.
    Flap {
        /// Node whose process it is.
        node: NodeNumber,
    },
    /// Returns a host's access link to what it was.
    Link {
        /// Host whose link it is.
        peer: Peer,
        /// Direction of the link; `None` for both.
        direction: Option<Direction>,
    },
    /// Returns all paths from and to a host to what they were, but for what is said of single ones.
    Paths {
        /// Host whose paths they are.
        peer: Peer,
    },
    /// Returns the paths between two hosts to what they were. What is cut stays so.
    Path {
        /// Host that sends.
        from: Peer,
        /// Host that receives.
        to: Peer,
        /// True if only the path in this direction is meant.
        one_way: bool,
    },
    /// Lets all paths pass packets that are cut.
    Cuts,
    /// Lets the paths between two hosts pass packets that are cut.
    Cut {
        /// Host that sends.
        from: Peer,
        /// Host that receives.
        to: Peer,
        /// True if only the path in this direction is meant.
        one_way: bool,
    },
}

impl Mend {
    /// Returns the operation that takes the fault of a target back, and no other.
    pub const fn of(target: Target) -> Mend {
        match target {
            Target::Process(node) => Mend::Process { node },
            Target::Flap(node) => Mend::Flap { node },
            Target::Disk(node) => Mend::Disk { node },
            Target::Link(peer, direction) => Mend::Link { peer, direction: Some(direction) },
            Target::Paths(peer) => Mend::Paths { peer },
            Target::Path(from, to) => Mend::Path { from, to, one_way: true },
            Target::Cut(from, to) => Mend::Cut { from, to, one_way: true },
        }
    }

    /// Checks what the operation says by itself, whatever is on and whichever hosts there are.
    ///
    /// # Errors
    /// Returns the reason for which it is never possible.
    pub fn check(&self) -> Result<(), FaultError> {
        match self {
            Mend::Path { from, to, .. } | Mend::Cut { from, to, .. } => check_sides(&[*from], &[*to]),
            Mend::Process { .. } | Mend::Disk { .. } | Mend::Flap { .. } => Ok(()),
            Mend::Link { .. } | Mend::Paths { .. } | Mend::Cuts => Ok(()),
        }
    }
}

/// Lists the faults that are on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListFaults;

/// Takes faults back, waits until every process of them runs again or could not be started, and returns what was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClearFaults {
    /// Faults that are meant.
    pub which: Which,
}

/// Faults that are taken back together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Which {
    /// All that are on.
    All,
    /// What a profile has put on, of one node or of all. What else was said of the same disk, link or path stays on.
    Profile {
        /// Name of the profile.
        name: String,
        /// Node whose faults are meant; `None` for all nodes.
        node: Option<NodeNumber>,
    },
    /// All of a node's process and disk, and of the links and paths of its host.
    Node(NodeNumber),
}

impl ClearFaults {
    /// Takes all faults back.
    pub const ALL: ClearFaults = ClearFaults { which: Which::All };
}
