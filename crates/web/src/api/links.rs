//! Access links of hosts: what they are now, what waits in them and passes them, and changes of both.

use axum::Json;
use p2p_service::access::Access;
use p2p_service::files::EngineError;
use p2p_service::network::{
    Break, Direction, HostStatus, LinkConfig, LinkQueue, LinkQueues, LinkRates, Peer, RateSeries, Snapshot, Target,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path};
use super::faults::{LinkDirection, Linked};
use super::values::{call, peer_of, seconds, seen};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(change))
}

/// Link in one direction.
#[derive(Debug, Serialize, ToSchema)]
struct Link {
    /// Rate, as in the configuration.
    bandwidth: String,
    /// Rate in bytes per second; null where it is unlimited.
    capacity_bytes_per_second: Option<u64>,
    /// Packets that may wait for it.
    queue_packets: u32,
    /// Packets that wait for it.
    waiting_packets: usize,
    /// Time that a packet waits which comes now.
    wait_seconds: f64,
    /// Bytes of the last whole virtual second; null before one has passed.
    bytes_per_second: Option<u64>,
    /// The fault that is on of it, as a sentence; null for none.
    fault: Option<String>,
}

/// Both links of a host.
#[derive(Debug, Serialize, ToSchema)]
struct Links {
    /// `client` or a node.
    host: String,
    /// Link for what it sends.
    up: Link,
    /// Link for what it receives.
    down: Link,
}

/// Links of all hosts.
#[derive(Debug, Serialize, ToSchema)]
struct AllLinks {
    /// Virtual time of the answer.
    virtual_seconds: f64,
    links: Vec<Links>,
}

/// Returns what passes and waits at the links of a host.
fn traffic(snapshot: &Snapshot, peer: Peer) -> (LinkRates, LinkQueues) {
    let figures = &snapshot.figures;
    match peer.node().and_then(|node| figures.nodes.get(node.index())) {
        Some(node) => (node.rates.clone(), node.queues),
        None => (figures.client_rates.clone(), figures.network.client_queues),
    }
}

fn links(snapshot: &Snapshot, host: &HostStatus) -> Links {
    let (rates, queues) = traffic(snapshot, host.peer);
    let link = |direction, LinkConfig { bandwidth, queue_packets }, series: &RateSeries, queue: LinkQueue| Link {
        bandwidth: bandwidth.to_string(),
        capacity_bytes_per_second: bandwidth.bytes_per_second(),
        queue_packets,
        waiting_packets: queue.packets,
        wait_seconds: queue.wait.as_secs_f64(),
        bytes_per_second: series.latest(),
        fault: snapshot.fault(Target::Link(host.peer, direction)).map(|active| active.fault.to_string()),
    };
    Links {
        host: host.peer.to_string(),
        up: link(Direction::Up, host.link.up, &rates.up, queues.up),
        down: link(Direction::Down, host.link.down, &rates.down, queues.down),
    }
}

async fn links_of(access: &Access, peer: Peer) -> Result<Links, Problem> {
    let snapshot = seen(access).await?;
    let found = snapshot.figures.topology.hosts.iter().find(|host| host.peer == peer);
    found.map(|host| links(&snapshot, host)).ok_or_else(|| EngineError::UnknownHost(peer).into())
}

/// Lists the links of all hosts.
#[utoipa::path(get, path = "/links", responses((status = 200, description = "Links", body = AllLinks)))]
async fn list(Caller(access): Caller) -> Result<Json<impl Serialize>, Problem> {
    let snapshot = seen(&access).await?;
    let all = snapshot.figures.topology.hosts.iter().map(|host| links(&snapshot, host)).collect();
    Ok(Json(AllLinks { virtual_seconds: seconds(snapshot.at), links: all }))
}

/// Changes of a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkPatch {
    /// Direction; both without it.
    direction: Option<LinkDirection>,
    #[serde(flatten)]
    link: Linked,
}

/// Changes the links of a host, by a fault, which `DELETE faults/link-HOST-up` takes back.
#[utoipa::path(patch, path = "/links/{host}", params(("host" = String, Path, description = "`client` or a node")), request_body = LinkPatch,
    responses((status = 200, description = "The links as they are now", body = Links)))]
async fn change(
    Caller(access): Caller,
    Path(host): Path<String>,
    Body(patch): Body<LinkPatch>,
) -> Result<Json<impl Serialize>, Problem> {
    let peer = peer_of("host", &host)?;
    let what = Break::Link { peer, direction: patch.direction.map(Into::into), change: patch.link.change()? };
    what.check().map_err(EngineError::from)?;
    call(&access, what).await?;
    Ok(Json(links_of(&access, peer).await?))
}
