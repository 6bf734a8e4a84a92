//! The network as a whole: its hosts and links, what its packets were, and what the probes of the hosts have found out.

use std::collections::BTreeMap;

use axum::Json;
use p2p_service::access::Access;
use p2p_service::files::SimDuration;
use p2p_service::network::{
    ActiveFault, CheckHealth, DropCause, Health, HealthMatrix, HostConfig, HostStats, HostStatus, LinkConfig, LinkQueue,
    LinkQueues, PacketKind, Peer, PeerHealth, Snapshot, Target,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::values::{call, peer_of, seconds, seen};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

/// Longest time between the last answer of a probe and the last sign of life for which that sign is the answer: the instants of probes are
/// kept to ten milliseconds.
const SAME: SimDuration = SimDuration::from_millis(11);

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(topology)).routes(routes!(statistics)).routes(routes!(health, check))
}

/// Link of a host in one direction.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    /// Rate, as in the configuration: `64KiB/s`, `1Mbit/s`, `unlimited`.
    bandwidth: String,
    /// Packets that may wait for it.
    queue_packets: u32,
}

/// Both links of a host, and the path to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HostLink {
    up: Link,
    down: Link,
    /// Propagation delay on the path to the host, as `1ms..10ms`.
    delay: String,
    /// Probability that a packet is lost there, as `1%`.
    loss: String,
}

impl From<HostConfig> for HostLink {
    fn from(config: HostConfig) -> HostLink {
        let link = |LinkConfig { bandwidth, queue_packets }| Link { bandwidth: bandwidth.to_string(), queue_packets };
        HostLink { up: link(config.up), down: link(config.down), delay: config.delay.to_string(), loss: config.loss.to_string() }
    }
}

/// Host with its links.
#[derive(Debug, Serialize, ToSchema)]
struct Host {
    /// `client` or a node.
    host: String,
    /// Address in the virtual network.
    address: String,
    link: HostLink,
    /// Faults of the host, its links and all its paths, as sentences.
    faults: Vec<String>,
}

/// Path that no packet passes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cut {
    from: String,
    to: String,
    /// Virtual time since which it is so.
    since_seconds: f64,
}

/// Hosts and links of the network.
#[derive(Debug, Serialize, ToSchema)]
struct Topology {
    /// Virtual time of the answer.
    virtual_seconds: f64,
    /// Hosts, the client first.
    hosts: Vec<Host>,
    /// Paths that are cut, each direction for itself.
    cuts: Vec<Cut>,
}

/// Returns the faults of hosts as sentences, by host; those of single paths are left out, of which there may be very many.
pub(super) fn faults_by_host(snapshot: &Snapshot) -> BTreeMap<Peer, Vec<String>> {
    let mut all: BTreeMap<Peer, Vec<String>> = BTreeMap::new();
    for active in snapshot.faults_of_hosts() {
        active.fault.target().hosts().for_each(|host| all.entry(host).or_default().push(active.fault.to_string()));
    }
    all
}

/// Returns the paths that are cut.
pub(super) fn cuts(snapshot: &Snapshot) -> Vec<Cut> {
    let cut = |active: &ActiveFault| match active.fault.target() {
        Target::Cut(from, to) => Some(Cut { from: from.to_string(), to: to.to_string(), since_seconds: seconds(active.since) }),
        _ => None,
    };
    snapshot.faults_of_paths().iter().filter_map(cut).collect()
}

/// Lists the hosts with their links, and the paths that are cut.
#[utoipa::path(get, path = "/network/topology", responses((status = 200, description = "Hosts and links", body = Topology)))]
pub(super) async fn topology(Caller(access): Caller) -> Result<Json<impl Serialize>, Problem> {
    let snapshot = seen(&access).await?;
    let mut faults = faults_by_host(&snapshot);
    let mut host = |HostStatus { peer, address, link }: &HostStatus| Host {
        host: peer.to_string(),
        address: address.to_string(),
        link: (*link).into(),
        faults: faults.remove(peer).unwrap_or_default(),
    };
    let hosts = snapshot.figures.topology.hosts.iter().map(&mut host).collect();
    Ok(Json(Topology { virtual_seconds: seconds(snapshot.at), hosts, cuts: cuts(&snapshot) }))
}

/// Packets sent, by kind.
#[derive(Debug, Serialize, ToSchema)]
struct Packets {
    syn: u64,
    syn_ack: u64,
    ack: u64,
    data: u64,
    fin: u64,
    rst: u64,
    /// Probes and their answers.
    health_check: u64,
}

/// Packets that did not arrive, by cause.
#[derive(Debug, Serialize, ToSchema)]
struct Drops {
    loss: u64,
    queue_full: u64,
    host_down: u64,
    bad_checksum: u64,
    path_cut: u64,
    port_closed: u64,
}

/// Queue of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queue {
    /// Packets that wait.
    packets: usize,
    /// Packets that may wait.
    packets_max: u32,
    /// Time that a packet waits which comes now.
    wait_seconds: f64,
}

/// Queues of both links of a host.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queues {
    up: Queue,
    down: Queue,
}

impl From<LinkQueues> for Queues {
    fn from(LinkQueues { up, down }: LinkQueues) -> Queues {
        let queue = |LinkQueue { packets, packets_max, wait }| Queue { packets, packets_max, wait_seconds: wait.as_secs_f64() };
        Queues { up: queue(up), down: queue(down) }
    }
}

/// Counters of one host.
#[derive(Debug, Serialize, ToSchema)]
struct HostCounters {
    /// `client` or a node.
    host: String,
    packets_sent: u64,
    packets_delivered: u64,
    packets_dropped: u64,
    bytes_sent: u64,
    bytes_received: u64,
    retransmits: u64,
}

impl HostCounters {
    fn new(peer: Peer, stats: &HostStats) -> HostCounters {
        HostCounters {
            host: peer.to_string(),
            packets_sent: stats.sent.total(),
            packets_delivered: stats.received.total(),
            packets_dropped: stats.dropped.total(),
            bytes_sent: stats.bytes_sent,
            bytes_received: stats.bytes_received,
            retransmits: stats.retransmits,
        }
    }
}

/// Counters of the network.
#[derive(Debug, Serialize, ToSchema)]
struct Statistics {
    /// Virtual time of the answer.
    virtual_seconds: f64,
    packets: Packets,
    packets_sent: u64,
    /// Copies of packets that faulty paths made.
    packets_duplicated: u64,
    /// Packets that overtook others.
    packets_reordered: u64,
    packets_delivered: u64,
    packets_dropped: u64,
    drops: Drops,
    packets_in_transit: u64,
    client_queues: Queues,
    /// Bytes of all packets sent, with their IP headers.
    bytes_sent: u64,
    /// Packets that were sent again: payload, SYNs and FINs.
    retransmits: u64,
    /// Counters of each host.
    hosts: Vec<HostCounters>,
}

/// Counts the packets of the network, by kind, by fate and by host.
#[utoipa::path(get, path = "/network/statistics", responses((status = 200, description = "Counters", body = Statistics)))]
pub(super) async fn statistics(Caller(access): Caller) -> Result<Json<impl Serialize>, Problem> {
    let snapshot = seen(&access).await?;
    let stats = &snapshot.figures.network;
    let (sent, dropped, total) = (|kind| stats.sent(kind), |cause| stats.dropped(cause), &stats.total);
    Ok(Json(Statistics {
        virtual_seconds: seconds(snapshot.figures.at),
        packets: Packets {
            syn: sent(PacketKind::Syn),
            syn_ack: sent(PacketKind::SynAck),
            ack: sent(PacketKind::Ack),
            data: sent(PacketKind::Data),
            fin: sent(PacketKind::Fin),
            rst: sent(PacketKind::Rst),
            health_check: sent(PacketKind::Datagram),
        },
        packets_sent: total.sent.total(),
        packets_duplicated: total.duplicated,
        packets_reordered: total.reordered,
        packets_delivered: total.received.total(),
        packets_dropped: total.dropped.total(),
        drops: Drops {
            loss: dropped(DropCause::Loss),
            queue_full: dropped(DropCause::QueueFull),
            host_down: dropped(DropCause::HostDown),
            bad_checksum: dropped(DropCause::Corrupt),
            path_cut: dropped(DropCause::Cut),
            port_closed: dropped(DropCause::PortClosed),
        },
        packets_in_transit: stats.in_transit,
        client_queues: stats.client_queues.into(),
        bytes_sent: total.bytes_sent,
        retransmits: total.retransmits,
        hosts: stats.hosts.iter().map(|(peer, stats)| HostCounters::new(*peer, stats)).collect(),
    }))
}

/// Sign of life: when a host was last heard, and by what.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Heard {
    /// Instant of virtual time at which the last packet of the host arrived.
    pub(super) heard_seconds: f64,
    /// `probe` where that was the answer of a probe, `data` where it was another packet.
    pub(super) heard_by: &'static str,
    /// Span of virtual time that has passed since then.
    pub(super) silent_seconds: f64,
}

impl Heard {
    /// Returns when a host has last heard another one; `None` if it never has.
    pub(super) fn of(snapshot: &Snapshot, (from, to): (Peer, Peer), health: &PeerHealth) -> Option<Heard> {
        let at = health.heard_at?;
        let answered = |matrix: &HealthMatrix| {
            let answers = matrix.probes(from, to).into_iter();
            answers.rev().find_map(|probe| Some(probe.sent_at + probe.round_trip?))
        };
        let is_answer = answered(&snapshot.figures.health).is_some_and(|answer| at <= answer + SAME);
        Some(Heard {
            heard_seconds: seconds(at),
            heard_by: if is_answer { "probe" } else { "data" },
            silent_seconds: snapshot.figures.at.since(at).as_secs_f64(),
        })
    }
}

/// Round-trip times and losses of the last ten probes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct RoundTrips {
    /// Mean round-trip time of the last ten probes; null where none of them was answered.
    round_trip_seconds: Option<f64>,
    last_round_trip_seconds: Option<f64>,
    best_round_trip_seconds: Option<f64>,
    worst_round_trip_seconds: Option<f64>,
    jitter_seconds: Option<f64>,
    /// Share of them that was not answered, from 0 to 1; null before the first one.
    probe_loss: Option<f64>,
}

impl From<&PeerHealth> for RoundTrips {
    fn from(seen: &PeerHealth) -> RoundTrips {
        let (recent, time) = (&seen.recent, |span: Option<SimDuration>| span.map(SimDuration::as_secs_f64));
        RoundTrips {
            round_trip_seconds: time(recent.average),
            last_round_trip_seconds: time(recent.last),
            best_round_trip_seconds: time(recent.best),
            worst_round_trip_seconds: time(recent.worst),
            jitter_seconds: time(recent.jitter),
            probe_loss: (recent.probes > 0).then(|| recent.loss()),
        }
    }
}

/// Health of a host as another one has found it out.
#[derive(Debug, Serialize, ToSchema)]
struct Seen {
    /// Host that probes.
    from: String,
    /// Host that is probed.
    to: String,
    /// `ALIVE`, `SUSPECT` or `DEAD`. Without a sign of life (`heard` is null), `ALIVE` says only that nothing speaks against it.
    health: &'static str,
    /// Last sign of life; null if there was none.
    heard: Option<Heard>,
    #[serde(flatten)]
    round_trips: RoundTrips,
    /// Consecutive probes without an answer.
    missed: u32,
    /// Probes that were answered or have timed out.
    probes: u64,
    /// Probes that were answered in time.
    answers: u64,
}

/// Number of nodes by what the client knows of their health.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct HealthCounts {
    /// Nodes that have given a sign of life and miss no probes.
    pub(super) alive: usize,
    /// Nodes that have missed several probes.
    pub(super) suspect: usize,
    /// Nodes that count as dead.
    pub(super) dead: usize,
    /// Nodes that nothing was heard of yet, and that have missed nothing either.
    pub(super) unproved: usize,
}

impl HealthCounts {
    /// Counts the nodes of a snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> HealthCounts {
        let mut counts = HealthCounts::default();
        for node in &snapshot.figures.nodes {
            match node.seen.health {
                Health::Alive if node.seen.heard_at.is_none() => counts.unproved += 1,
                Health::Alive => counts.alive += 1,
                Health::Suspect => counts.suspect += 1,
                Health::Dead => counts.dead += 1,
            }
        }
        counts
    }
}

/// Knowledge of hosts of each other's health.
#[derive(Debug, Serialize, ToSchema)]
struct HealthAnswer {
    /// Virtual time of the answer.
    virtual_seconds: f64,
    #[serde(flatten)]
    counts: HealthCounts,
    /// Health of each host that another one knows, by the one that knows it.
    seen: Vec<Seen>,
}

/// Host whose knowledge is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// Host that probes: `client` (without it), a node, or `all`.
    from: Option<String>,
}

fn health_of(snapshot: &Snapshot, from: Option<&str>) -> Result<HealthAnswer, Problem> {
    let matrix = &snapshot.figures.health;
    let seen = |from: Peer, to: Peer, health: &PeerHealth| Seen {
        from: from.to_string(),
        to: to.to_string(),
        health: health.health.name(),
        heard: Heard::of(snapshot, (from, to), health),
        round_trips: health.into(),
        missed: health.missed,
        probes: health.probes,
        answers: health.answers,
    };
    let seen = match from {
        Some("all") => matrix.pairs().map(|(from, to, health)| seen(from, to, &health)).collect(),
        from => {
            let from = from.map_or(Ok(Peer::Client), |from| peer_of("from", from))?;
            matrix.row(from).map(|(to, health)| seen(from, to, &health)).collect()
        }
    };
    Ok(HealthAnswer { virtual_seconds: seconds(snapshot.figures.at), counts: HealthCounts::of(snapshot), seen })
}

async fn health_now(access: &Access, whose: &Whose) -> Result<HealthAnswer, Problem> {
    health_of(&*seen(access).await?, whose.from.as_deref())
}

/// Tells what is known of the health of hosts, since when and by what.
#[utoipa::path(get, path = "/network/health", params(Whose), responses((status = 200, description = "What is known", body = HealthAnswer)))]
pub(super) async fn health(Caller(access): Caller, Query(whose): Query<Whose>) -> Result<Json<impl Serialize>, Problem> {
    Ok(Json(health_now(&access, &whose).await?))
}

/// Lets every host probe the others now, waits for the answers, and tells what is known then.
#[utoipa::path(post, path = "/network/health", params(Whose), responses((status = 200, description = "What is known", body = HealthAnswer)))]
pub(super) async fn check(Caller(access): Caller, Query(whose): Query<Whose>) -> Result<Json<impl Serialize>, Problem> {
    // What names no host asks for no probes.
    health_now(&access, &whose).await?;
    call(&access, CheckHealth).await?;
    Ok(Json(health_now(&access, &whose).await?))
}
