//! Nodes: what each of them is and does, the ends and starts of their processes, and the node that a user prefers.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use p2p_service::Event;
use p2p_service::access::Access;
use p2p_service::event_words::by;
use p2p_service::files::{EngineError, SimDuration, SimTime};
use p2p_service::network::{Break, Health, Mend, NodeNumber, NodeStatus, Peer, STOP_WITHIN, Snapshot, Target};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path};
use super::network::{Heard, Queues, RoundTrips, faults_by_host};
use super::values::{RECENT_MAX, call, node_of, read, seconds, seen};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(select))
        .routes(routes!(one))
        .routes(routes!(kill))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(restart))
}

/// Bytes per second on a link in the last whole virtual second.
#[derive(Debug, Serialize, ToSchema)]
struct Rates {
    /// Bytes sent per second; null before a second has passed.
    up_bytes_per_second: Option<u64>,
    /// Bytes received per second; null before a second has passed.
    down_bytes_per_second: Option<u64>,
}

/// Node with its figures.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Node {
    name: String,
    /// Address in the virtual network.
    address: String,
    /// State of its process: `READY`, `RUNNING`, `WAITING`, `STOPPED`.
    state: &'static str,
    /// Reason why it cannot use its disk; null if it can.
    trouble: Option<String>,
    /// Health according to the client's probes: `ALIVE`, `SUSPECT`, `DEAD`. Without a sign of life (`heard` is null), `ALIVE` says only that
    /// nothing speaks against it.
    health: &'static str,
    /// Instant of virtual time since which its process or its health is as it is; null where that is not known, as of what has not changed.
    since_seconds: Option<f64>,
    /// Cause of that: a fault and by whom it is on, or probes; null where it is not known.
    cause: Option<String>,
    /// Last sign of life that the client has had of it; null if there was none.
    heard: Option<Heard>,
    #[serde(flatten)]
    round_trips: RoundTrips,
    capacity_bytes: u64,
    /// Bytes that it holds; null for users who are not admins.
    used_bytes: Option<u64>,
    /// Segments that it holds; null for users who are not admins.
    segments: Option<u64>,
    /// Connections to it.
    connections: usize,
    /// Requests that it has accepted and not answered.
    open_requests: u32,
    sent_bytes: u64,
    received_bytes: u64,
    rates: Rates,
    queues: Queues,
    /// Faults that are on of its process, its disk, its links and all its paths, as sentences.
    faults: Vec<String>,
    /// True if the caller prefers it for uploads.
    is_preferred: bool,
}

/// Latest change of the health of each node that is kept, by the client's probes.
pub(super) type Changes = BTreeMap<NodeNumber, (SimTime, String)>;

/// Returns the latest changes of health among the events that are kept.
pub(super) fn changes<'a>(events: impl Iterator<Item = (SimTime, &'a Event)>) -> Changes {
    let change = |(at, event): (SimTime, &Event)| match *event {
        Event::HealthChanged { node, to: Health::Alive, .. } => Some((node, (at, "it was heard again".to_owned()))),
        Event::HealthChanged { node, missed, .. } => Some((node, (at, format!("it did not answer {missed} probes")))),
        _ => None,
    };
    events.filter_map(change).collect()
}

/// Returns the nodes of a snapshot, as answers tell of them.
pub(super) fn all(access: &Access, snapshot: &Snapshot, changes: &Changes) -> Vec<Node> {
    let (mut faults, preferred) = (faults_by_host(snapshot), access.preferred_node());
    let mut node = |status: &NodeStatus| {
        let (number, peer) = (status.node, Peer::Node(status.node));
        let is_preferred = preferred == Some(number);
        told(snapshot, status, changes.get(&number), faults.remove(&peer).unwrap_or_default(), is_preferred)
    };
    snapshot.figures.nodes.iter().map(&mut node).collect()
}

fn told(
    snapshot: &Snapshot,
    status: &NodeStatus,
    change: Option<&(SimTime, String)>,
    faults: Vec<String>,
    is_preferred: bool,
) -> Node {
    let process = snapshot.fault(Target::Process(status.node));
    let since =
        process.map(|active| (active.since, format!("{}{}", active.fault, by(&active.cause)))).or_else(|| change.cloned());
    let (since, cause) = since.unzip();
    Node {
        name: status.node.to_string(),
        address: status.address.to_string(),
        state: status.state.name(),
        trouble: status.trouble.as_ref().map(ToString::to_string),
        health: status.seen.health.name(),
        since_seconds: since.map(seconds),
        cause,
        heard: Heard::of(snapshot, (Peer::Client, Peer::Node(status.node)), &status.seen),
        round_trips: (&status.seen).into(),
        capacity_bytes: status.capacity_bytes,
        used_bytes: status.used_bytes,
        segments: status.segments,
        connections: status.connections,
        open_requests: status.open_requests,
        sent_bytes: status.bytes_sent,
        received_bytes: status.bytes_received,
        rates: Rates { up_bytes_per_second: status.rates.up.latest(), down_bytes_per_second: status.rates.down.latest() },
        queues: status.queues.into(),
        faults,
        is_preferred,
    }
}

/// Nodes of the network.
#[derive(Debug, Serialize, ToSchema)]
struct Nodes {
    /// Virtual time of the answer.
    virtual_seconds: f64,
    nodes: Vec<Node>,
}

async fn now(access: &Access) -> Result<Nodes, Problem> {
    let snapshot = seen(access).await?;
    let events = access.recent_events(RECENT_MAX);
    let changes = changes(events.iter().map(|event| (event.at, &event.event)));
    Ok(Nodes { virtual_seconds: seconds(snapshot.at), nodes: all(access, &snapshot, &changes) })
}

async fn node_now(access: &Access, number: NodeNumber) -> Result<Node, Problem> {
    let nodes = now(access).await?.nodes.into_iter();
    let found = nodes.into_iter().nth(number.index());
    found.ok_or_else(|| EngineError::UnknownHost(Peer::Node(number)).into())
}

/// Lists the nodes.
#[utoipa::path(get, path = "/nodes", responses((status = 200, description = "Nodes", body = Nodes)))]
pub(super) async fn list(Caller(access): Caller) -> Result<Json<impl Serialize>, Problem> {
    Ok(Json(now(&access).await?))
}

/// Tells of one node.
#[utoipa::path(get, path = "/nodes/{node}", params(("node" = String, Path, description = "`Node_03`, or `3`")), responses(
    (status = 200, description = "The node", body = Node),
))]
async fn one(Caller(access): Caller, Path(node): Path<String>) -> Result<Json<impl Serialize>, Problem> {
    Ok(Json(node_now(&access, node_of("node", &node)?).await?))
}

/// Manner in which a process is to end.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Ending {
    /// Longest time that its end waits for what is under way, as `30s`; a minute and a half without it.
    within: Option<String>,
}

impl Ending {
    fn within(self) -> Result<SimDuration, Problem> {
        Ok(read("within", self.within.as_ref())?.unwrap_or(STOP_WITHIN))
    }
}

/// Puts a fault on the process of a node, and tells of the node then.
async fn broken(access: &Access, number: NodeNumber, what: Break) -> Result<Json<Node>, Problem> {
    call(access, what).await?;
    Ok(Json(node_now(access, number).await?))
}

/// Kills the process of a node: its host answers nothing until it is started.
#[utoipa::path(post, path = "/nodes/{node}/kill", params(("node" = String, Path, description = "`Node_03`, or `3`")), responses(
    (status = 200, description = "The node, which is killed", body = Node),
))]
async fn kill(Caller(access): Caller, Path(node): Path<String>) -> Result<Json<impl Serialize>, Problem> {
    let node = node_of("node", &node)?;
    broken(&access, node, Break::Kill { node }).await
}

/// Starts the process of a node, or lets it accept connections again.
#[utoipa::path(post, path = "/nodes/{node}/start", params(("node" = String, Path, description = "`Node_03`, or `3`")), responses(
    (status = 200, description = "The node, which runs", body = Node),
))]
async fn start(Caller(access): Caller, Path(node): Path<String>) -> Result<Json<impl Serialize>, Problem> {
    let node = node_of("node", &node)?;
    call(&access, Mend::Process { node }).await?;
    Ok(Json(node_now(&access, node).await?))
}

/// Ends the process of a node once nothing is under way there.
#[utoipa::path(post, path = "/nodes/{node}/stop", params(("node" = String, Path, description = "`Node_03`, or `3`")),
    request_body = Option<Ending>, responses((status = 200, description = "The node, which is stopped", body = Node)))]
async fn stop(
    Caller(access): Caller,
    Path(node): Path<String>,
    ending: Option<Body<Ending>>,
) -> Result<Json<impl Serialize>, Problem> {
    let (node, within) = (node_of("node", &node)?, ending.map(|Body(ending)| ending).unwrap_or_default().within()?);
    broken(&access, node, Break::Stop { node, within }).await
}

/// Ends the process of a node as planned, and starts it again.
#[utoipa::path(post, path = "/nodes/{node}/restart", params(("node" = String, Path, description = "`Node_03`, or `3`")),
    request_body = Option<Ending>, responses((status = 200, description = "The node, which runs again", body = Node)))]
async fn restart(
    Caller(access): Caller,
    Path(node): Path<String>,
    ending: Option<Body<Ending>>,
) -> Result<Json<impl Serialize>, Problem> {
    let (node, within) = (node_of("node", &node)?, ending.map(|Body(ending)| ending).unwrap_or_default().within()?);
    broken(&access, node, Break::Restart { node, within }).await
}

/// Node that is preferred.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Preferred {
    /// Node to which the segments of one's uploads go first, as `Node_03` or `3`; null for none.
    node: Option<String>,
}

/// Names the node to which the segments of the caller's uploads go first while it can take them.
#[utoipa::path(post, path = "/nodes/select", request_body = Preferred, responses(
    (status = 200, description = "The node that is preferred now", body = Preferred),
))]
pub(super) async fn select(
    State(web): State<Web>,
    Caller(access): Caller,
    Body(Preferred { node }): Body<Preferred>,
) -> Result<Json<impl Serialize>, Problem> {
    access.prefer_node(node.map(|node| node_of("node", &node)).transpose()?).await?;
    web.dashboards().forget(&access.identity().principal());
    Ok(Json(Preferred { node: access.preferred_node().map(|node| node.to_string()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_change_of_a_node_holds() {
        let node = NodeNumber::from_index(0);
        let change = |from, to, missed| Event::HealthChanged { node, from, to, missed };
        let events = [change(Health::Alive, Health::Suspect, 2), change(Health::Suspect, Health::Dead, 3)];
        let at = SimTime::from_nanos;
        let found = changes(events.iter().enumerate().map(|(place, event)| (at(place as u64), event)));
        assert_eq!(found[&node], (at(1), "it did not answer 3 probes".to_owned()));
    }
}
