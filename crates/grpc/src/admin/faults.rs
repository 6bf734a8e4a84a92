//! Faults of the contract: those that are on, why they are, and the pages of their list.

use p2p_service::network::{ActiveFault, Direction, Fault, FaultCause, Peer, Target};

use super::changes::{disk, disk_of, flapping, flapping_of, link, link_of, path, path_of};
use super::hosts::{direction, direction_of, host, peer_of};
use crate::proto;
use crate::proto::fault::What;
use crate::proto::fault_cause::Kind as CauseKind;
use crate::proto::process_fault::Kind as ProcessKind;
use crate::quantities::{Read, Wrong, instant, instant_of, node_of, number};

/// Returns a fault without its words.
pub(crate) fn bare(active: &ActiveFault) -> proto::Fault {
    proto::Fault {
        what: Some(what(&active.fault)),
        text: String::new(),
        undo: String::new(),
        since: Some(instant(active.since)),
        cause: Some(cause(&active.cause)),
        added: active.added.iter().map(cause).collect(),
    }
}

/// Returns a fault with its words.
pub(crate) fn fault(active: &ActiveFault) -> proto::Fault {
    proto::Fault { text: active.fault.to_string(), undo: active.fault.undone_by(), ..bare(active) }
}

fn what(fault: &Fault) -> What {
    let process =
        |node, kind: ProcessKind, until| What::Process(proto::ProcessFault { node: number(node), kind: kind.into(), until });
    match *fault {
        Fault::Killed { node } => process(node, ProcessKind::Killed, None),
        Fault::Stopping { node, until, restarts: false } => process(node, ProcessKind::Stopping, Some(instant(until))),
        Fault::Stopping { node, until, restarts: true } => process(node, ProcessKind::Restarting, Some(instant(until))),
        Fault::Stopped { node } => process(node, ProcessKind::Stopped, None),
        Fault::Refusing { node } => process(node, ProcessKind::Refusing, None),
        Fault::Disk { node, faults, is_counted } => {
            What::Disk(proto::DiskFault { node: number(node), faults: Some(disk(faults)), is_counted })
        }
        Fault::Flapping { node, plan } => What::Flap(proto::FlapFault { node: number(node), plan: Some(flapping(plan)) }),
        Fault::Link { peer, direction: of, change } => {
            What::Link(proto::LinkFault { host: host(peer), direction: direction(Some(of)), change: Some(link(change)) })
        }
        Fault::Paths { peer, change } => What::Paths(proto::PathsFault { host: host(peer), change: Some(path(change)) }),
        Fault::Path { from, to, change } => {
            What::Path(proto::PathFault { from: host(from), to: host(to), change: Some(path(change)) })
        }
        Fault::Cut { from, to } => What::Cut(proto::CutFault { from: host(from), to: host(to) }),
    }
}

/// Returns the fault that a message tells of. Its words are made anew, by the same rules.
pub(crate) fn active_of(told: proto::Fault) -> Read<ActiveFault> {
    let since = told.since.ok_or_else(|| Wrong::missing("since"))?;
    Ok(ActiveFault {
        fault: fault_of(told.what.ok_or_else(|| Wrong::missing("what"))?)?,
        since: instant_of("since", since)?,
        cause: cause_of(told.cause.ok_or_else(|| Wrong::missing("cause"))?)?,
        added: told.added.into_iter().map(cause_of).collect::<Read<_>>()?,
        // What the network makes of it is the server's.
        rules: Vec::new(),
    })
}

fn fault_of(what: What) -> Read<Fault> {
    Ok(match what {
        What::Process(process) => process_of(process)?,
        What::Disk(proto::DiskFault { node, faults, is_counted }) => {
            Fault::Disk { node: node_of("node", node)?, faults: disk_of("faults", faults.unwrap_or_default())?, is_counted }
        }
        What::Flap(proto::FlapFault { node, plan }) => {
            Fault::Flapping { node: node_of("node", node)?, plan: flapping_of("plan", plan.unwrap_or_default())? }
        }
        What::Link(proto::LinkFault { host, direction, change }) => Fault::Link {
            peer: peer_of("host", host)?,
            direction: direction_of("direction", direction)?.ok_or_else(|| Wrong::missing("direction"))?,
            change: link_of(change.unwrap_or_default()),
        },
        What::Paths(proto::PathsFault { host, change }) => {
            Fault::Paths { peer: peer_of("host", host)?, change: path_of("change", change.unwrap_or_default())? }
        }
        What::Path(proto::PathFault { from, to, change }) => Fault::Path {
            from: peer_of("from", from)?,
            to: peer_of("to", to)?,
            change: path_of("change", change.unwrap_or_default())?,
        },
        What::Cut(proto::CutFault { from, to }) => Fault::Cut { from: peer_of("from", from)?, to: peer_of("to", to)? },
    })
}

fn process_of(told: proto::ProcessFault) -> Read<Fault> {
    let node = node_of("node", told.node)?;
    let until = || instant_of("until", told.until.unwrap_or_default());
    Ok(match told.kind() {
        ProcessKind::Killed => Fault::Killed { node },
        ProcessKind::Stopping => Fault::Stopping { node, until: until()?, restarts: false },
        ProcessKind::Restarting => Fault::Stopping { node, until: until()?, restarts: true },
        ProcessKind::Stopped => Fault::Stopped { node },
        ProcessKind::Refusing => Fault::Refusing { node },
        ProcessKind::Unspecified => return Err(Wrong::missing("kind")),
    })
}

fn cause(cause: &FaultCause) -> proto::FaultCause {
    let kind = match cause {
        FaultCause::Command { .. } => CauseKind::Command,
        FaultCause::Profile { .. } => CauseKind::Profile,
        FaultCause::Flap { .. } => CauseKind::Flap,
        FaultCause::Over => CauseKind::Over,
    };
    let (by, profile) = (cause.by().map(str::to_owned), cause.profile().map(str::to_owned));
    proto::FaultCause { kind: kind.into(), by, profile }
}

fn cause_of(told: proto::FaultCause) -> Read<FaultCause> {
    let (kind, by, profile) = (told.kind(), told.by, told.profile);
    Ok(match kind {
        CauseKind::Command => FaultCause::Command { by },
        CauseKind::Profile => FaultCause::Profile { name: profile.ok_or_else(|| Wrong::missing("profile"))?, by },
        CauseKind::Flap => FaultCause::Flap { profile, by },
        CauseKind::Over => FaultCause::Over,
        CauseKind::Unspecified => return Err(Wrong::missing("kind")),
    })
}

/// Place of a target in the list of faults, which is in the order of [`Target`].
pub(crate) type Place = [u32; 3];

/// Returns the place of a target.
pub(crate) fn place(target: Target) -> Place {
    let of = |peer: Peer| match peer {
        Peer::Client => 0,
        Peer::Node(node) => number(node),
    };
    match target {
        Target::Process(node) => [0, number(node), 0],
        Target::Flap(node) => [1, number(node), 0],
        Target::Disk(node) => [2, number(node), 0],
        Target::Link(peer, Direction::Up) => [3, of(peer), 0],
        Target::Link(peer, Direction::Down) => [3, of(peer), 1],
        Target::Paths(peer) => [4, of(peer), 0],
        Target::Path(from, to) => [5, of(from), of(to)],
        Target::Cut(from, to) => [6, of(from), of(to)],
    }
}

/// Returns the token of the page that begins after a place.
pub(crate) fn token(place: Place) -> String {
    place.map(|part| part.to_string()).join(".")
}

/// Returns the place after which the page of a token begins; none for the first page.
pub(crate) fn place_of(token: &str) -> Read<Option<Place>> {
    if token.is_empty() {
        return Ok(None);
    }
    let parts: Result<Vec<u32>, _> = token.split('.').take(4).map(str::parse).collect();
    let place = parts.ok().and_then(|parts| Place::try_from(parts).ok());
    place.map(Some).ok_or_else(|| Wrong::new("page_token", "no page has given it"))
}

#[cfg(test)]
mod tests {
    use p2p_service::files::{NodeNumber, SimDuration, SimTime};
    use p2p_service::network::{DiskFaults, Flapping, LinkChange, PathChange};

    use super::*;

    /// One fault of each kind, in the order of their targets.
    fn all() -> Vec<ActiveFault> {
        let (client, node) = (Peer::Client, NodeNumber::from_index(2));
        let (at, plan) = (SimTime::from_nanos(1_500_000_000), Flapping { every: SimDuration::from_secs(1), times: 3 });
        let change = PathChange { delay: "10ms".parse().ok(), ..PathChange::default() };
        let slower = LinkChange { bandwidth: "1Mbit/s".parse().ok(), queue_packets: None };
        let faults = DiskFaults { full: true, ..DiskFaults::default() };
        let (from, to) = (client, Peer::Node(node));
        let faults = [
            Fault::Killed { node: NodeNumber::from_index(0) },
            Fault::Stopping { node: NodeNumber::from_index(1), until: at, restarts: false },
            Fault::Stopping { node, until: at, restarts: true },
            Fault::Stopped { node: NodeNumber::from_index(3) },
            Fault::Refusing { node: NodeNumber::from_index(4) },
            Fault::Flapping { node, plan },
            Fault::Disk { node, faults, is_counted: true },
            Fault::Link { peer: client, direction: Direction::Up, change: slower },
            Fault::Link { peer: client, direction: Direction::Down, change: slower },
            Fault::Paths { peer: to, change },
            Fault::Path { from, to, change },
            Fault::Path { from: to, to: from, change },
            Fault::Cut { from, to },
        ];
        let by = || Some("root".to_owned());
        let added = vec![FaultCause::Flap { profile: None, by: None }, FaultCause::Over, FaultCause::Command { by: by() }];
        let active = |fault| {
            let cause = FaultCause::Profile { name: "slow-wan".into(), by: by() };
            ActiveFault { fault, since: at, cause, added: added.clone(), rules: Vec::new() }
        };
        faults.into_iter().map(active).collect()
    }

    #[test]
    fn faults_are_read_as_they_are_written() {
        for active in all() {
            let told = fault(&active);
            assert_eq!((told.text.as_str(), told.undo.as_str()), (&*active.fault.to_string(), &*active.fault.undone_by()));
            assert_eq!(active_of(told), Ok(active.clone()));
            assert_eq!(active_of(bare(&active)), Ok(active));
        }
        assert!(active_of(proto::Fault::default()).is_err());
    }

    /// A page goes on where the one before has ended, whatever has changed between them.
    #[test]
    fn places_are_in_the_order_of_the_targets() {
        let targets: Vec<Target> = all().iter().map(|active| active.fault.target()).collect();
        assert!(targets.is_sorted() && targets.iter().map(|&target| place(target)).is_sorted());
        for target in targets {
            assert_eq!(place_of(&token(place(target))), Ok(Some(place(target))));
        }
        assert_eq!(place_of(""), Ok(None));
        for wrong in ["1", "1.2", "1.2.3.4", "a.b.c", "1.2.-3", "1.2.3.4.5"] {
            assert!(place_of(wrong).is_err(), "{wrong}");
        }
    }
}
