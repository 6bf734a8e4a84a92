//! Nodes of the contract, with their figures, and hosts with their links.

use std::net::Ipv4Addr;

use p2p_service::files::SimDuration;
use p2p_service::network::{
    Bandwidth, Health, HostConfig, HostStatus, LinkConfig, LinkQueue, LinkQueues, LinkRates, NodeStatus, PeerHealth,
    ProcessState, RoundTrips, WaitingFor,
};
use prost_types::Duration;

use super::hosts::{host, peer_of};
use crate::proto;
use crate::quantities::{Read, Wrong, chance_of, delays, delays_of, node_of, number, share, span, span_of};

/// Returns a node with its figures.
pub(crate) fn node(status: &NodeStatus) -> proto::Node {
    let recent = &status.seen.recent;
    let probes = proto::Probes {
        last: recent.last.map(span),
        average: recent.average.map(span),
        best: recent.best.map(span),
        worst: recent.worst.map(span),
        jitter: recent.jitter.map(span),
        probes: recent.probes,
        answers: recent.answers,
    };
    proto::Node {
        number: number(status.node),
        name: status.node.to_string(),
        address: status.address.to_string(),
        state: state(status.state).into(),
        trouble: status.trouble.as_ref().map(ToString::to_string),
        health: health(status.seen.health).into(),
        probes: Some(probes),
        capacity_bytes: status.capacity_bytes,
        used_bytes: status.used_bytes,
        segments: status.segments,
        connections: status.connections as u64,
        open_requests: status.open_requests,
        sent_bytes: status.bytes_sent,
        received_bytes: status.bytes_received,
        up: Some(queue(status.queues.up)),
        down: Some(queue(status.queues.down)),
    }
}

/// Returns the status of a node that a message tells of, and the trouble with its disk in words.
pub(crate) fn status_of(told: proto::Node) -> Read<(NodeStatus, Option<String>)> {
    let recent = round_trips_of(told.probes.unwrap_or_default()).map_err(|wrong| wrong.within("probes"))?;
    let (state, health) = (state_of(told.state())?, health_of(told.health())?);
    let status = NodeStatus {
        node: node_of("number", told.number)?,
        address: address_of(&told.address)?,
        state,
        // The server tells of it in words.
        trouble: None,
        seen: PeerHealth { health, recent, ..PeerHealth::default() },
        capacity_bytes: told.capacity_bytes,
        used_bytes: told.used_bytes,
        segments: told.segments,
        connections: usize::try_from(told.connections).unwrap_or(usize::MAX),
        open_requests: told.open_requests,
        bytes_sent: told.sent_bytes,
        bytes_received: told.received_bytes,
        rates: LinkRates::default(),
        queues: LinkQueues { up: queue_of("up", told.up)?, down: queue_of("down", told.down)? },
    };
    Ok((status, told.trouble))
}

fn address_of(text: &str) -> Read<Ipv4Addr> {
    text.parse().map_err(|error| Wrong::new("address", error))
}

fn round_trips_of(told: proto::Probes) -> Read<RoundTrips> {
    let time = |name, given: Option<Duration>| given.map(|given| span_of(name, given)).transpose();
    Ok(RoundTrips {
        last: time("last", told.last)?,
        average: time("average", told.average)?,
        best: time("best", told.best)?,
        worst: time("worst", told.worst)?,
        jitter: time("jitter", told.jitter)?,
        probes: told.probes,
        // More answers than probes would be a loss of less than nothing.
        answers: told.answers.min(told.probes),
    })
}

const fn state(state: ProcessState) -> proto::ProcessState {
    match state {
        ProcessState::Ready => proto::ProcessState::Ready,
        ProcessState::Running => proto::ProcessState::Running,
        ProcessState::Waiting(WaitingFor::Disk) => proto::ProcessState::WaitingForDisk,
        ProcessState::Waiting(WaitingFor::Network) => proto::ProcessState::WaitingForNetwork,
        ProcessState::Stopped => proto::ProcessState::Stopped,
    }
}

fn state_of(told: proto::ProcessState) -> Read<ProcessState> {
    Ok(match told {
        proto::ProcessState::Ready => ProcessState::Ready,
        proto::ProcessState::Running => ProcessState::Running,
        proto::ProcessState::WaitingForDisk => ProcessState::Waiting(WaitingFor::Disk),
        proto::ProcessState::WaitingForNetwork => ProcessState::Waiting(WaitingFor::Network),
        proto::ProcessState::Stopped => ProcessState::Stopped,
        proto::ProcessState::Unspecified => return Err(Wrong::missing("state")),
    })
}

const fn health(health: Health) -> proto::Health {
    match health {
        Health::Alive => proto::Health::Alive,
        Health::Suspect => proto::Health::Suspect,
        Health::Dead => proto::Health::Dead,
    }
}

fn health_of(told: proto::Health) -> Read<Health> {
    Ok(match told {
        proto::Health::Alive => Health::Alive,
        proto::Health::Suspect => Health::Suspect,
        proto::Health::Dead => Health::Dead,
        proto::Health::Unspecified => return Err(Wrong::missing("health")),
    })
}

fn queue(queue: LinkQueue) -> proto::Queue {
    proto::Queue { packets: queue.packets as u64, packets_max: queue.packets_max, wait: Some(span(queue.wait)) }
}

fn queue_of(field: &str, told: Option<proto::Queue>) -> Read<LinkQueue> {
    let proto::Queue { packets, packets_max, wait } = told.unwrap_or_default();
    let wait = wait.map_or(Ok(SimDuration::ZERO), |wait| span_of("wait", wait)).map_err(|wrong| wrong.within(field))?;
    Ok(LinkQueue { packets: usize::try_from(packets).unwrap_or(usize::MAX), packets_max, wait })
}

/// Returns a host with its links.
pub(crate) fn links(status: &HostStatus) -> proto::HostLinks {
    let HostStatus { peer, address, link: config } = status;
    let link = |link: LinkConfig| {
        let LinkConfig { bandwidth, queue_packets } = link;
        Some(proto::Link { bits_per_second: bandwidth.bits_per_second(), queue_packets })
    };
    proto::HostLinks {
        host: host(*peer),
        address: address.to_string(),
        up: link(config.up),
        down: link(config.down),
        delay: Some(delays(config.delay)),
        loss_share: share(config.loss),
    }
}

/// Returns the host with its links that a message tells of.
pub(crate) fn host_of(told: proto::HostLinks) -> Read<HostStatus> {
    let link = |name, given: Option<proto::Link>| {
        let proto::Link { bits_per_second, queue_packets } = given.ok_or_else(|| Wrong::missing(name))?;
        let bandwidth = bits_per_second.map_or(Bandwidth::UNLIMITED, Bandwidth::from_bits_per_second);
        Ok(LinkConfig { bandwidth, queue_packets })
    };
    let link = HostConfig {
        up: link("up", told.up)?,
        down: link("down", told.down)?,
        delay: delays_of("delay", told.delay.ok_or_else(|| Wrong::missing("delay"))?)?,
        loss: chance_of("loss_share", told.loss_share)?,
    };
    Ok(HostStatus { peer: peer_of("host", told.host)?, address: address_of(&told.address)?, link })
}

#[cfg(test)]
mod tests {
    use p2p_service::files::NodeNumber;
    use p2p_service::network::{DelayRange, Peer, Probability};

    use super::*;

    #[test]
    fn a_node_is_read_as_it_is_written() {
        let millis = SimDuration::from_millis;
        let recent =
            RoundTrips { last: Some(millis(12)), average: Some(millis(10)), probes: 10, answers: 9, ..RoundTrips::default() };
        let queue = LinkQueue { packets: 3, packets_max: 100, wait: millis(70) };
        for (state, health) in [
            (ProcessState::Ready, Health::Alive),
            (ProcessState::Running, Health::Alive),
            (ProcessState::Waiting(WaitingFor::Disk), Health::Suspect),
            (ProcessState::Waiting(WaitingFor::Network), Health::Suspect),
            (ProcessState::Stopped, Health::Dead),
        ] {
            let status = NodeStatus {
                node: NodeNumber::from_index(4),
                address: Ipv4Addr::new(10, 0, 0, 5),
                state,
                trouble: None,
                seen: PeerHealth { health, recent, ..PeerHealth::default() },
                capacity_bytes: 1 << 30,
                used_bytes: (health == Health::Alive).then_some(7),
                segments: None,
                connections: 2,
                open_requests: 1,
                bytes_sent: 5,
                bytes_received: 6,
                rates: LinkRates::default(),
                queues: LinkQueues { up: queue, down: LinkQueue::default() },
            };
            assert_eq!(status_of(node(&status)), Ok((status, None)));
        }
        let mut told = proto::Node { number: 1, address: "10.0.0.1".into(), state: 1, health: 1, ..Default::default() };
        told.trouble = Some("its disk is full".into());
        assert_eq!(status_of(told.clone()).unwrap().1.as_deref(), Some("its disk is full"));
        told.state = 0;
        assert!(status_of(told).is_err() && status_of(proto::Node::default()).is_err());
    }

    #[test]
    fn a_host_is_read_as_it_is_written() {
        let mut link = HostConfig::symmetric(Bandwidth::UNLIMITED, DelayRange::fixed(SimDuration::ZERO), Probability::NEVER);
        for bandwidth in [Bandwidth::UNLIMITED, "64KiB/s".parse().unwrap()] {
            link.down.bandwidth = bandwidth;
            let status = HostStatus { peer: Peer::Client, address: Ipv4Addr::LOCALHOST, link };
            assert_eq!(host_of(links(&status)), Ok(status));
        }
        assert!(host_of(proto::HostLinks::default()).is_err());
    }
}
