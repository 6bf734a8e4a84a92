//! The command `status`: the state of the network, or of a node, in a few lines.

use p2p_engine::node::health::Health;
use p2p_engine::snapshot::{NodeStatus, Peer};
use p2p_store::manifest::NodeNumber;
use serde_json::json;

use super::network::{named, status_of};
use super::time::told;
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::network::{KnownNode, Network};
use crate::report::{HostFaults, count_of};

/// Number of nodes that are named where some do not answer.
const NAMED_MAX: usize = 3;

pub(crate) async fn status<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    match named(network, call)? {
        Some(node) => of_node(network, node).await,
        None => of_network(network).await,
    }
}

async fn of_network<N: Network>(network: &N) -> Result<Answer, N::Error> {
    let nodes = network.nodes().await?;
    let faults = network.faults().await?.len();
    let (moment, under_way) = network.state().await?;
    let clock = told(moment);
    let silent: Vec<&NodeStatus> =
        nodes.iter().map(|node| &node.status).filter(|node| node.seen.health != Health::Alive).collect();
    let view = View::pairs([
        ("time", clock.view.text()),
        ("nodes", count_of(nodes.len() as u64, "node") + &told_silent(&silent)),
        ("transfers", if under_way == 0 { "none under way".into() } else { format!("{under_way} under way") }),
        ("faults", if faults == 0 { "none is on".into() } else { format!("{faults} on; `faults` lists them") }),
    ]);
    let json = json!({
        "node": null, "state": null, "health": null, "connections": null, "open_requests": null,
        "virtual_seconds": clock.data["virtual_seconds"], "nodes": nodes.len(), "alive_nodes": nodes.len() - silent.len(),
        "transfers": under_way, "faults": faults,
    });
    Ok(Answer::new(view, json))
}

/// Returns how many nodes do not answer and which, as the continuation of a sentence.
fn told_silent(silent: &[&NodeStatus]) -> String {
    let named = silent.iter().take(NAMED_MAX).map(|node| format!("{} {}", node.node, node.seen.health.name()));
    let more = silent.len().checked_sub(NAMED_MAX).filter(|&more| more > 0).map(|more| format!("{more} more"));
    match silent.len() {
        0 => ", all ALIVE".into(),
        _ => format!(", all ALIVE but {}", named.chain(more).collect::<Vec<_>>().join(", ")),
    }
}

async fn of_node<N: Network>(network: &N, number: NodeNumber) -> Result<Answer, N::Error> {
    let KnownNode { status: node, trouble } = status_of(network, number).await?;
    let faults = HostFaults::of(network.faults().await?, Peer::Node(number)).lines();
    let clock = told(network.clock().await?);
    let mut pairs = vec![
        ("name", number.to_string()),
        ("state", node.state.name().to_owned()),
        ("health", node.seen.health.name().to_owned()),
        ("connections", node.connections.to_string()),
        ("open requests", node.open_requests.to_string()),
    ];
    pairs.extend(trouble.map(|trouble| ("trouble", trouble)));
    let count = faults.len();
    pairs.extend(faults.into_iter().map(|line| ("fault", line)));
    pairs.push(("time", clock.view.text()));
    let json = json!({
        "node": number.to_string(), "state": node.state.name(), "health": node.seen.health.name(),
        "connections": node.connections, "open_requests": node.open_requests,
        "virtual_seconds": clock.data["virtual_seconds"], "nodes": null, "alive_nodes": null, "transfers": null, "faults": count,
    });
    Ok(Answer::new(View::pairs(pairs), json))
}
