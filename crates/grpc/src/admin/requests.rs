//! Requests that put faults on and take them back, as the operations that they ask for: the server reads what the client writes.

use p2p_service::files::{NodeNumber, SimDuration};
use p2p_service::network::{Break, Direction, LinkChange, Mend, Peer, STOP_WITHIN, Which};
use prost_types::Duration;

use super::changes::{disk, disk_of, flapping, flapping_of, link, link_of, path, path_of};
use super::hosts::{direction, direction_of, ends_of, host, peer_of, way};
use crate::proto;
use crate::proto::heal_request::What;
use crate::proto::set_path_request::Paths;
use crate::quantities::{Read, Wrong, node_of, number, span, span_of};

/// Length of the name of a profile at the most, in bytes: what is longer is none, and is not to fill the audit log.
const PROFILE_MAX: usize = 256;

/// What `Heal` is to take back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Healing {
    /// One fault, or all of one kind.
    One(Mend),
    /// Several faults, after which every process of them runs.
    Several(Which),
}

fn within_of(given: Option<Duration>) -> Read<SimDuration> {
    given.map_or(Ok(STOP_WITHIN), |within| span_of("within", within))
}

pub(crate) fn kill_of(given: proto::KillNodeRequest) -> Read<Break> {
    Ok(Break::Kill { node: node_of("node", given.node)? })
}

pub(crate) fn refuse_of(given: proto::RefuseConnectionsRequest) -> Read<Break> {
    Ok(Break::Refuse { node: node_of("node", given.node)? })
}

pub(crate) fn stop_of(given: proto::StopNodeRequest) -> Read<Break> {
    Ok(Break::Stop { node: node_of("node", given.node)?, within: within_of(given.within)? })
}

pub(crate) fn restart_of(given: proto::RestartNodeRequest) -> Read<Break> {
    Ok(Break::Restart { node: node_of("node", given.node)?, within: within_of(given.within)? })
}

pub(crate) fn flap_of(given: proto::FlapNodeRequest) -> Read<Break> {
    let plan = given.plan.ok_or_else(|| Wrong::missing("plan"))?;
    Ok(Break::Flap { node: node_of("node", given.node)?, plan: flapping_of("plan", plan)? })
}

pub(crate) fn set_disk_of(given: proto::SetDiskRequest) -> Read<Break> {
    Ok(Break::Disk { node: node_of("node", given.node)?, faults: disk_of("faults", given.faults.unwrap_or_default())? })
}

fn set_link(peer: Peer, of: Option<Direction>, change: LinkChange) -> proto::SetLinkRequest {
    proto::SetLinkRequest { host: host(peer), direction: direction(of), change: Some(link(change)) }
}

pub(crate) fn set_link_of(given: proto::SetLinkRequest) -> Read<Break> {
    Ok(Break::Link {
        peer: peer_of("host", given.host)?,
        direction: direction_of("direction", given.direction)?,
        change: link_of(given.change.unwrap_or_default()),
    })
}

pub(crate) fn set_path_of(given: proto::SetPathRequest) -> Read<Break> {
    let proto::SetPathRequest { paths, change, cut } = given;
    let change = path_of("change", change.unwrap_or_default())?;
    match paths.ok_or_else(|| Wrong::missing("paths"))? {
        Paths::Way(way) => {
            let (from, to, one_way) = ends_of("way", way)?;
            Ok(Break::Path { from, to, one_way, change, cut })
        }
        Paths::AllOf(_) if cut => Err(Wrong::new("cut", "it is of one path; `Partition` cuts many")),
        Paths::AllOf(host) => Ok(Break::Paths { peer: peer_of("all_of", Some(host))?, change }),
    }
}

pub(crate) fn partition_of(given: proto::PartitionRequest) -> Read<Break> {
    let group = |name: &str, hosts: Vec<proto::Host>| match hosts.is_empty() {
        true => Err(Wrong::missing(name)),
        false => hosts.into_iter().map(|host| peer_of(name, Some(host))).collect(),
    };
    Ok(Break::Partition { one: group("one", given.one)?, other: group("other", given.other)?, one_way: given.one_way })
}

/// Request that puts faults on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Breaking {
    Kill(proto::KillNodeRequest),
    Stop(proto::StopNodeRequest),
    Restart(proto::RestartNodeRequest),
    Refuse(proto::RefuseConnectionsRequest),
    Flap(proto::FlapNodeRequest),
    Disk(proto::SetDiskRequest),
    Link(proto::SetLinkRequest),
    Path(proto::SetPathRequest),
    Partition(proto::PartitionRequest),
    Profile(proto::ApplyProfileRequest),
}

/// Returns the request of an operation that puts faults on.
pub(crate) fn breaking(what: Break) -> Breaking {
    match what {
        Break::Kill { node } => Breaking::Kill(proto::KillNodeRequest { node: number(node) }),
        Break::Stop { node, within } => Breaking::Stop(proto::StopNodeRequest { node: number(node), within: Some(span(within)) }),
        Break::Restart { node, within } => {
            Breaking::Restart(proto::RestartNodeRequest { node: number(node), within: Some(span(within)) })
        }
        Break::Refuse { node } => Breaking::Refuse(proto::RefuseConnectionsRequest { node: number(node) }),
        Break::Flap { node, plan } => Breaking::Flap(proto::FlapNodeRequest { node: number(node), plan: Some(flapping(plan)) }),
        Break::Disk { node, faults } => Breaking::Disk(proto::SetDiskRequest { node: number(node), faults: Some(disk(faults)) }),
        Break::Link { peer, direction, change } => Breaking::Link(set_link(peer, direction, change)),
        Break::Paths { peer, change } => {
            let paths = host(peer).map(Paths::AllOf);
            Breaking::Path(proto::SetPathRequest { paths, change: Some(path(change)), cut: false })
        }
        Break::Path { from, to, one_way, change, cut } => {
            let paths = Some(Paths::Way(way((from, to, one_way))));
            Breaking::Path(proto::SetPathRequest { paths, change: Some(path(change)), cut })
        }
        Break::Partition { one, other, one_way } => {
            let group = |peers: Vec<Peer>| peers.into_iter().filter_map(host).collect();
            Breaking::Partition(proto::PartitionRequest { one: group(one), other: group(other), one_way })
        }
        // The server has the faults of the profile itself.
        Break::Profile { name, node, .. } => {
            Breaking::Profile(proto::ApplyProfileRequest { profile: name, node: node.map(number) })
        }
    }
}

pub(crate) fn healing_of(given: proto::HealRequest) -> Read<Healing> {
    Ok(match given.what.ok_or_else(|| Wrong::missing("what"))? {
        What::Everything(()) => Healing::Several(Which::All),
        What::Node(number) => Healing::Several(Which::Node(node_of("node", number)?)),
        What::Profile(proto::ProfileOf { profile, .. }) if profile.len() > PROFILE_MAX => {
            return Err(Wrong::new("profile.profile", "no profile has such a name"));
        }
        What::Profile(proto::ProfileOf { profile, node: of }) => {
            let of: Option<NodeNumber> = of.map(|number| node_of("profile.node", number)).transpose()?;
            Healing::Several(Which::Profile { name: profile, node: of })
        }
        What::Cuts(()) => Healing::One(Mend::Cuts),
        What::Cut(way) => {
            let (from, to, one_way) = ends_of("cut", way)?;
            Healing::One(Mend::Cut { from, to, one_way })
        }
        What::Path(way) => {
            let (from, to, one_way) = ends_of("path", way)?;
            Healing::One(Mend::Path { from, to, one_way })
        }
        What::Paths(host) => Healing::One(Mend::Paths { peer: peer_of("paths", Some(host))? }),
        What::Link(proto::LinkOf { host, direction }) => {
            let direction = direction_of("link.direction", direction)?;
            Healing::One(Mend::Link { peer: peer_of("link.host", host)?, direction })
        }
        What::Disk(number) => Healing::One(Mend::Disk { node: node_of("disk", number)? }),
        What::Flap(number) => Healing::One(Mend::Flap { node: node_of("flap", number)? }),
    })
}

/// Returns what `Heal` is asked for by an operation; none for that of a process, which `StartNode` is for.
pub(crate) fn healing(mend: &Mend) -> Option<What> {
    Some(match *mend {
        Mend::Process { .. } => return None,
        Mend::Disk { node } => What::Disk(number(node)),
        Mend::Flap { node } => What::Flap(number(node)),
        Mend::Link { peer, direction: of } => What::Link(proto::LinkOf { host: host(peer), direction: direction(of) }),
        Mend::Paths { peer } => What::Paths(host(peer)?),
        Mend::Path { from, to, one_way } => What::Path(way((from, to, one_way))),
        Mend::Cuts => What::Cuts(()),
        Mend::Cut { from, to, one_way } => What::Cut(way((from, to, one_way))),
    })
}

/// Returns what `Heal` is asked for where several faults are meant.
pub(crate) fn clearing(which: Which) -> What {
    match which {
        Which::All => What::Everything(()),
        Which::Node(node) => What::Node(number(node)),
        Which::Profile { name, node } => What::Profile(proto::ProfileOf { profile: name, node: node.map(number) }),
    }
}

#[cfg(test)]
mod tests {
    use p2p_service::network::{DiskFaults, Flapping, PathChange, Profile};

    use super::*;

    const NODE: NodeNumber = NodeNumber::from_index(2);

    fn read(request: Breaking) -> Read<Break> {
        match request {
            Breaking::Kill(given) => kill_of(given),
            Breaking::Stop(given) => stop_of(given),
            Breaking::Restart(given) => restart_of(given),
            Breaking::Refuse(given) => refuse_of(given),
            Breaking::Flap(given) => flap_of(given),
            Breaking::Disk(given) => set_disk_of(given),
            Breaking::Link(given) => set_link_of(given),
            Breaking::Path(given) => set_path_of(given),
            Breaking::Partition(given) => partition_of(given),
            Breaking::Profile(given) => {
                let node = given.node.map(|number| node_of("node", number)).transpose()?;
                Ok(Break::Profile { name: given.profile, node, profile: Box::new(Profile::default()) })
            }
        }
    }

    /// What the client asks for is what the server does.
    #[test]
    fn operations_are_read_as_they_are_written() {
        let (client, node, within) = (Peer::Client, Peer::Node(NODE), SimDuration::from_secs(7));
        let change = PathChange { reorder: "1%".parse().ok(), ..PathChange::default() };
        let slower = LinkChange { queue_packets: Some(5), ..LinkChange::default() };
        let faults = DiskFaults { full: true, ..DiskFaults::default() };
        let plan = Flapping { every: within, times: 2 };
        let profile = |node| Break::Profile { name: "slow-wan".into(), node, profile: Box::new(Profile::default()) };
        for what in [
            Break::Kill { node: NODE },
            Break::Stop { node: NODE, within },
            Break::Restart { node: NODE, within },
            Break::Refuse { node: NODE },
            Break::Flap { node: NODE, plan },
            Break::Disk { node: NODE, faults },
            Break::Link { peer: client, direction: Some(Direction::Down), change: slower },
            Break::Link { peer: node, direction: None, change: slower },
            Break::Paths { peer: node, change },
            Break::Path { from: client, to: node, one_way: true, change, cut: false },
            Break::Path { from: node, to: client, one_way: false, change: PathChange::default(), cut: true },
            Break::Partition { one: vec![client], other: vec![node], one_way: true },
            profile(None),
            profile(Some(NODE)),
        ] {
            assert_eq!(read(breaking(what.clone())), Ok(what));
        }
    }

    #[test]
    fn what_is_taken_back_is_read_as_it_is_written() {
        let (from, to) = (Peer::Client, Peer::Node(NODE));
        for mend in [
            Mend::Disk { node: NODE },
            Mend::Flap { node: NODE },
            Mend::Link { peer: to, direction: Some(Direction::Up) },
            Mend::Paths { peer: from },
            Mend::Path { from, to, one_way: true },
            Mend::Cuts,
            Mend::Cut { from, to, one_way: false },
        ] {
            assert_eq!(healing_of(proto::HealRequest { what: healing(&mend) }), Ok(Healing::One(mend)));
        }
        assert_eq!(healing(&Mend::Process { node: NODE }), None);
        for which in [Which::All, Which::Node(NODE), Which::Profile { name: "a".into(), node: Some(NODE) }] {
            assert_eq!(healing_of(proto::HealRequest { what: Some(clearing(which.clone())) }), Ok(Healing::Several(which)));
        }
        assert_eq!(healing_of(proto::HealRequest { what: None }).unwrap_err().to_string(), "what: it is missing");
    }

    #[test]
    fn requests_without_what_they_are_about_are_refused() {
        let all = Some(Paths::AllOf(host(Peer::Client).unwrap()));
        let cut = set_path_of(proto::SetPathRequest { paths: all, change: None, cut: true }).unwrap_err();
        assert!(cut.to_string().starts_with("cut: "));
        assert!(set_path_of(proto::SetPathRequest::default()).is_err());
        assert!(partition_of(proto::PartitionRequest::default()).is_err());
        assert!(flap_of(proto::FlapNodeRequest { node: 1, plan: None }).is_err());
        assert_eq!(
            stop_of(proto::StopNodeRequest { node: 3, within: None }),
            Ok(Break::Stop { node: NODE, within: STOP_WITHIN })
        );
    }
}
