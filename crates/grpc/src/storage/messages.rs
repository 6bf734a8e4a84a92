//! What the gate knows of nodes and hosts, as messages of the contract.

use p2p_service::segments::{HostStatus, LinkConfig, NodeAnswer, NodeStatus, Peer};

use crate::proto::{GetNodeInfoResponse, NetworkHost, NetworkLink};
use crate::quantities::{number, span};

/// Returns what a node is, and what it has answered.
pub(super) fn info(status: &NodeStatus, answer: &NodeAnswer) -> GetNodeInfoResponse {
    GetNodeInfoResponse {
        node: number(status.node),
        name: status.node.to_string(),
        address: status.address.to_string(),
        state: status.state.name().to_owned(),
        trouble: status.trouble.as_ref().map(ToString::to_string),
        capacity_bytes: status.capacity_bytes,
        used_bytes: answer.volume.map(|volume| volume.used),
        segments: answer.volume.map(|volume| volume.segments),
        round_trip: Some(span(answer.took)),
    }
}

/// Returns a host and its links.
pub(super) fn host(status: &HostStatus) -> NetworkHost {
    let link = &status.link;
    NetworkHost {
        node: match status.peer {
            Peer::Client => None,
            Peer::Node(node) => Some(number(node)),
        },
        name: status.peer.to_string(),
        address: status.address.to_string(),
        up: Some(access(&link.up)),
        down: Some(access(&link.down)),
        delay_min: Some(span(link.delay.min())),
        delay_max: Some(span(link.delay.max())),
        loss: link.loss.as_f64(),
    }
}

fn access(link: &LinkConfig) -> NetworkLink {
    NetworkLink { bytes_per_second: link.bandwidth.bytes_per_second(), queue_packets: link.queue_packets }
}
