//! The implementations of the commands about nodes, links, packets and connections.

use std::path::PathBuf;

use p2p_base::spelling::visible_path;
use p2p_base::units::SimDuration;
use p2p_engine::EngineError;
use p2p_engine::node::RoundTrips;
use p2p_engine::node::health::{Health, PeerHealth};
use p2p_engine::operation::{
    CheckHealth, CountPackets, ListConnections, ListNodes, ListPackets, StartCapture, StatStorage, StatUser, StopCapture,
};
use p2p_engine::snapshot::{ConnectionStatus, HealthMatrix, HostStatus, NodeStatus, Peer, Usage, kind_name};
use p2p_net::PacketRecord;
use p2p_store::manifest::NodeNumber;
use serde::Serialize;
use serde_json::{Value, json};

use super::data;
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::network::{KnownNode, Network};
use crate::place::expand;
use crate::report::{
    Column, HostFaults, NetworkReport, NodeLine, Resolution, RoundTripReport, Table, bytes_of, count_of, instant_of,
    milliseconds_of, nodes_table, number_column, queue_of, text_column,
};
use crate::{Shell, ShellError};

pub(crate) async fn nodes<N: Network>(network: &N, _: &Call) -> Result<Answer, N::Error> {
    let mut faults = HostFaults::of_each(&network.faults().await?);
    let line = |node: KnownNode| {
        let faults = faults.remove(&Peer::Node(node.status.node)).unwrap_or_default();
        NodeLine { faults, trouble: node.trouble, ..NodeLine::from(&node.status) }
    };
    let lines: Vec<NodeLine> = network.nodes().await?.into_iter().map(line).collect();
    Ok(Answer::new(View::Table(nodes_table(&lines)), data(&lines)))
}

async fn statuses(shell: &Shell) -> Result<Vec<NodeStatus>, ShellError> {
    shell.call(ListNodes).await
}

pub(super) async fn status_of<N: Network>(network: &N, number: NodeNumber) -> Result<KnownNode, N::Error> {
    let found = network.nodes().await?.into_iter().find(|node| node.status.node == number);
    Ok(found.ok_or(ShellError::Engine(EngineError::UnknownHost(Peer::Node(number))))?)
}

/// Returns the node that the first argument names, or without one the node that the lines are about.
pub(super) fn named<N: Network>(network: &N, call: &Call) -> Result<Option<NodeNumber>, ShellError> {
    call.argument(0).map_or(Ok(network.place()), |_| call.node(0).map(Some))
}

pub(crate) async fn node<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    let number = named(network, call)?.ok_or_else(|| call.wrong("NODE is missing".into()))?;
    let KnownNode { status: node, trouble } = status_of(network, number).await?;
    let hosts = network.hosts().await?;
    let host = hosts.iter().find(|host| host.peer == Peer::Node(number));
    let capacity = bytes_of(node.capacity_bytes);
    let stored = match (node.used_bytes, node.segments) {
        (Some(used), Some(segments)) => format!("{} of {capacity} in {}", bytes_of(used), count_of(segments, "segment")),
        _ => format!("- of {capacity}"),
    };
    let mut pairs = vec![
        ("name", number.to_string()),
        ("address", node.address.to_string()),
        ("state", node.state.name().to_owned()),
        ("health", node.seen.health.name().to_owned()),
        ("last round trip", milliseconds_of(RoundTripReport::from(&node.seen.recent).last_round_trip_seconds)),
        ("last ten probes", recent_probes(&node.seen.recent)),
        ("stored", stored),
        ("connections", node.connections.to_string()),
        ("open requests", node.open_requests.to_string()),
        ("sent", bytes_of(node.bytes_sent)),
        ("received", bytes_of(node.bytes_received)),
        ("queue up", queue_of(node.queues.up)),
        ("queue down", queue_of(node.queues.down)),
    ];
    pairs.extend(trouble.clone().map(|trouble| ("trouble", trouble)));
    pairs.extend(host.map(|host| ("link", link_of(host))));
    let faults = HostFaults::of(network.faults().await?, Peer::Node(number));
    pairs.extend(faults.lines().into_iter().map(|line| ("fault", line)));
    Ok(Answer::new(View::pairs(pairs), data(&NodeLine { faults, trouble, ..NodeLine::from(&node) })))
}

/// Formats the results of the last ten probes, as in `17.2 ms on average, 12.1 ms to 30.0 ms, jitter 4.0 ms, 0 lost`.
fn recent_probes(recent: &RoundTrips) -> String {
    let [_, average, best, worst, jitter, _] = RoundTripReport::from(recent).cells();
    let lost = recent.probes - recent.answers;
    match recent.average {
        Some(_) => format!("{average} on average, {best} to {worst}, jitter {jitter}, {lost} lost"),
        None => format!("{lost} lost"),
    }
}

fn link_of(HostStatus { link, .. }: &HostStatus) -> String {
    let queue = link.up.queue_packets;
    format!(
        "{} up, {} down, {}, loss {}, {} queued",
        link.up.bandwidth,
        link.down.bandwidth,
        link.delay,
        link.loss,
        count_of(queue.into(), "packet")
    )
}

pub(crate) async fn health(shell: &Shell, _: &Call) -> Result<Answer, ShellError> {
    let report = shell.wait_for(CheckHealth).await?;
    let peers: Vec<Peer> = report.matrix.hosts().collect();
    let cell = |from: Peer, to: Peer| match report.matrix.seen(from, to) {
        _ if from == to => "·".to_owned(),
        Some(seen) if seen.health != Health::Alive => seen.health.name().to_owned(),
        Some(seen) => {
            let (last, lost) =
                (milliseconds_of(seen.recent.last.map(SimDuration::as_secs_f64)), seen.recent.probes - seen.recent.answers);
            if lost == 0 { last } else { format!("{last}, {lost} lost") }
        }
        None => String::new(),
    };
    // Those of the last hosts are left out where the hosts are too many for a column each.
    let of_hosts = peers.iter().map(|to| number_column(to.to_string()).gives_way(1));
    let columns = std::iter::once(text_column("from")).chain(of_hosts).collect();
    let row = |&from: &Peer| std::iter::once(from.to_string()).chain(peers.iter().map(|&to| cell(from, to))).collect();
    let probes = View::Table(Table { columns, rows: peers.iter().map(row).collect(), empty: "" });
    let of_client = View::Table(Table {
        columns: client_columns(),
        rows: report.matrix.row(Peer::Client).map(client_row).collect(),
        empty: "no nodes",
    });
    let queues = shell.call(CountPackets).await?.client_queues;
    let queues = View::pairs([("up", queue_of(queues.up)), ("down", queue_of(queues.down))]);
    let troubles = statuses(shell).await?.into_iter().filter_map(|node| Some((node.node.to_string(), node.trouble?.to_string())));
    let troubles: Vec<(String, String)> = troubles.collect();
    let mut sections = vec![
        ("last round trip to each".into(), probes),
        ("the client's last ten probes of each".into(), of_client),
        ("the client's queues: packets that wait, and how long the next one waits".into(), queues),
    ];
    if !troubles.is_empty() {
        sections.push(("trouble".into(), View::Pairs(troubles)));
    }
    Ok(Answer::new(View::Sections(sections), matrix_data(&report.matrix)))
}

fn client_columns() -> Vec<Column> {
    [text_column("node"), text_column("health")].into_iter().chain(RoundTripReport::columns()).collect()
}

fn client_row((peer, seen): (Peer, PeerHealth)) -> Vec<String> {
    let cells = RoundTripReport::from(&seen.recent).cells();
    [peer.to_string(), seen.health.name().to_owned()].into_iter().chain(cells).collect()
}

/// A peer as another one sees it, as a line of `health`.
#[derive(Serialize)]
struct SeenLine {
    from: String,
    to: String,
    health: &'static str,
    #[serde(flatten)]
    round_trips: RoundTripReport,
    /// Number of probes that the figures are computed from: ten at the most.
    probes: u32,
    answers: u32,
}

fn matrix_data(matrix: &HealthMatrix) -> Value {
    let line = |(from, to, seen): (Peer, Peer, PeerHealth)| {
        data(&SeenLine {
            from: from.to_string(),
            to: to.to_string(),
            health: seen.health.name(),
            round_trips: RoundTripReport::from(&seen.recent),
            probes: seen.recent.probes,
            answers: seen.recent.answers,
        })
    };
    matrix.pairs().map(line).collect()
}

pub(crate) async fn ping(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let number = call.node(0)?;
    let node = status_of(shell, number).await?.status;
    let report = shell.wait_for(CheckHealth).await?;
    let after = report.of_node(number);
    let (sent, answered) = (after.probes - node.seen.probes, after.answers - node.seen.answers);
    let last = after.recent.last.filter(|_| answered > 0);
    let last_seconds = last.map(SimDuration::as_secs_f64);
    let time = last.map_or("no answer".into(), |_| format!("last round trip {}", milliseconds_of(last_seconds)));
    let text =
        format!("{number} ({}): {}, {answered} answered, {time}, {}", node.address, count_of(sent, "probe"), after.health.name());
    if answered == 0 {
        return Err(ShellError::Bad(text));
    }
    let json = json!({
        "node": number.to_string(), "probes": sent, "answers": answered,
        "round_trip_seconds": last.and(after.recent.average).map(SimDuration::as_secs_f64),
        "last_round_trip_seconds": last_seconds, "health": after.health.name(),
    });
    Ok(Answer::new(View::Text(text), json))
}

/// Shows the user's own files; admins see the usage of all nodes.
pub(crate) async fn storage(shell: &Shell, _: &Call) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    if identity.is_admin() {
        return storage_of_all(shell).await;
    }
    let usage = shell.call(StatUser).await?;
    let mut facts = vec![("your files", format!("{} with {}", usage.files, bytes_of(usage.file_bytes)))];
    facts.extend(quota_of(&usage));
    let json = json!({
        "files": usage.files, "file_bytes": usage.file_bytes, "segments": null, "used_bytes": null, "capacity_bytes": null,
        "free_bytes": null, "closed_nodes": null, "missing_segments": null, "unknown_segments": null, "owed_deletions": null,
        "quota_bytes": usage.quota_bytes, "quota_left_bytes": usage.left(),
    });
    Ok(Answer::new(View::pairs(facts), json))
}

/// Returns the line about the caller's quota, if there is one.
fn quota_of(usage: &Usage) -> Option<(&'static str, String)> {
    let (quota, left) = usage.quota_bytes.zip(usage.left())?;
    Some(("quota", format!("{} left of {}", bytes_of(left), bytes_of(quota))))
}

async fn storage_of_all(shell: &Shell) -> Result<Answer, ShellError> {
    let (stats, usage) = (shell.call(StatStorage).await?, shell.call(StatUser).await?);
    let mut facts = vec![
        ("files", format!("{} with {}", stats.files, bytes_of(stats.file_bytes))),
        ("segments", stats.segments.to_string()),
        ("used", format!("{} of {}", bytes_of(stats.used_bytes), bytes_of(stats.capacity_bytes))),
        ("free", bytes_of(stats.free_bytes)),
    ];
    facts.extend(quota_of(&usage).map(|(_, quota)| ("your quota", quota)));
    // Counters of anomalies are shown only if they are not zero.
    let odd = [
        ("missing segments", stats.missing_segments),
        ("segments left alone", stats.unknown_segments),
        ("owed deletions", stats.owed_deletions),
        ("nodes that take no segments", stats.closed_nodes),
    ];
    facts.extend(odd.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| (what, count.to_string())));
    let summary = View::pairs(facts);
    let row = |node: &NodeStatus| {
        let (used, segments) = (node.used_bytes.unwrap_or_default(), node.segments.unwrap_or_default());
        let share = 100.0 * used as f64 / node.capacity_bytes.max(1) as f64;
        vec![node.node.to_string(), bytes_of(used), bytes_of(node.capacity_bytes), format!("{share:.1} %"), segments.to_string()]
    };
    let columns = vec![
        text_column("node"),
        number_column("used"),
        number_column("capacity"),
        number_column("full"),
        number_column("segments"),
    ];
    let rows = statuses(shell).await?.iter().map(row).collect();
    let nodes = View::Table(Table { columns, rows, empty: "there are no nodes" });
    let mut json = data(&stats);
    (json["quota_bytes"], json["quota_left_bytes"]) = (usage.quota_bytes.into(), usage.left().into());
    Ok(Answer::new(View::Sections(vec![("all nodes".into(), summary), ("each".into(), nodes)]), json))
}

pub(crate) async fn topology<N: Network>(network: &N, _: &Call) -> Result<Answer, N::Error> {
    let hosts = network.hosts().await?;
    let faults = HostFaults::of_each(&network.faults().await?);
    let none = HostFaults::default();
    let faults_of = |host: &HostStatus| faults.get(&host.peer).unwrap_or(&none);
    let row = |host: &HostStatus| {
        let link = &host.link;
        let mut row = vec![
            host.peer.to_string(),
            host.address.to_string(),
            link.up.bandwidth.human(),
            link.down.bandwidth.human(),
            link.delay.to_string(),
            link.loss.to_string(),
            link.up.queue_packets.to_string(),
        ];
        row.extend((!faults.is_empty()).then(|| faults_of(host).kinds()));
        row
    };
    let mut columns = vec![
        text_column("host"),
        text_column("address"),
        number_column("up"),
        number_column("down"),
        number_column("delay"),
        number_column("loss"),
        number_column("queue"),
    ];
    columns.extend((!faults.is_empty()).then(|| text_column("faults")));
    let json = |host: &HostStatus| {
        json!({
            "host": host.peer.to_string(), "address": host.address, "link": host.link, "faults": data(faults_of(host)),
        })
    };
    let rows = hosts.iter().map(row).collect();
    let view = View::Table(Table { columns, rows, empty: "" });
    Ok(Answer::new(view, hosts.iter().map(json).collect()))
}

pub(crate) async fn stats(shell: &Shell, _: &Call) -> Result<Answer, ShellError> {
    let stats = shell.call(CountPackets).await?;
    let report = NetworkReport::from(stats.as_ref());
    let sections =
        vec![("packets sent".into(), View::Table(report.packets_table())), ("all together".into(), View::Text(report.summary()))];
    Ok(Answer::new(View::Sections(sections), data(&report)))
}

/// Returns how many packets `trace` is to show at the most.
pub(crate) fn packets_of(call: &Call) -> Result<usize, ShellError> {
    let parse = |text: &String| text.parse().map_err(|_| call.wrong(format!("`{text}` is no number")));
    call.flags.get("packets").map_or(Ok(20), parse)
}

pub(crate) async fn trace(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let number = call.node(0)?;
    let node = status_of(shell, number).await?;
    let max = packets_of(call)?;
    let connections = shell.call(ListConnections).await?;
    let packets = shell.call(ListPackets).await?;
    // The client's is what is meant; where it has none, that of a node which carries a transfer tells something.
    let connection =
        connections.into_iter().filter(|connection| connection.node == number).min_by_key(|connection| connection.host);
    let concerns = |packet: &&PacketRecord| {
        packet.connection.is_some() && (*packet.from.ip() == node.status.address || *packet.to.ip() == node.status.address)
    };
    let packets: Vec<PacketRecord> = packets.iter().filter(concerns).copied().collect();
    let latest = &packets[packets.len().saturating_sub(max)..];
    let state = connection.as_ref().map_or(View::Text(format!("there is no connection to {number} now")), connection_view);
    let packets =
        View::Table(Table { columns: packet_columns(), rows: latest.iter().map(packet_row).collect(), empty: "no packets yet" });
    let json = json!({ "connection": connection.as_ref().map(connection_data), "packets": latest.iter().map(packet_data).collect::<Vec<_>>() });
    Ok(Answer::new(View::Sections(vec![("connection".into(), state), ("latest packets".into(), packets)]), json))
}

fn connection_view(connection: &ConnectionStatus) -> View {
    let (sample, stats) = (&connection.sample, &connection.stats);
    let threshold = sample.threshold.map_or("none yet".into(), |packets| count_of(packets.into(), "packet"));
    let by = connection.host.node().map_or_else(String::new, |node| format!("{node} "));
    let facts = [
        ("ends", format!("{by}{} → {}", connection.local, connection.remote)),
        ("state", format!("{}, {}", sample.state.name(), sample.phase)),
        (
            "window",
            format!("{}, {} in flight, threshold {threshold}", count_of(sample.window.into(), "packet"), sample.in_flight),
        ),
        ("round trip", format!("{:.1} ms, timeout {:.0} ms", sample.srtt.as_millis_f64(), sample.rto.as_millis_f64())),
        ("sent", format!("{}, {} acknowledged", count_of(stats.packets_sent, "packet"), bytes_of(stats.bytes_acked))),
        ("received", bytes_of(stats.bytes_received)),
        (
            "resent",
            [(stats.retransmits, "retransmit"), (stats.timeouts, "timeout"), (stats.loss_probes, "probe")]
                .map(|(count, what)| count_of(count, what))
                .join(", "),
        ),
    ];
    View::pairs(facts)
}

fn connection_data(connection: &ConnectionStatus) -> Value {
    json!({
        "host": connection.host.to_string(),
        "local": connection.local.to_string(),
        "remote": connection.remote.to_string(),
        "state": connection.sample.state.name(),
        "phase": connection.sample.phase,
        "cwnd_packets": connection.sample.window,
        "in_flight_packets": connection.sample.in_flight,
        "srtt_seconds": connection.sample.srtt.as_secs_f64(),
        "stats": connection.stats,
    })
}

fn packet_columns() -> Vec<Column> {
    vec![
        number_column("time"),
        text_column("from"),
        text_column("to"),
        text_column("kind"),
        number_column("seq"),
        number_column("ack"),
        number_column("len"),
        number_column("cwnd"),
        text_column(""),
    ]
}

fn packet_row(packet: &PacketRecord) -> Vec<String> {
    let fate = match packet.dropped {
        Some(cause) if packet.is_retransmission => format!("✕ again, {}", cause.name()),
        Some(cause) => format!("✕ {}", cause.name()),
        None if packet.is_copy => "copy".into(),
        None if packet.is_retransmission => "again".into(),
        None => String::new(),
    };
    vec![
        instant_of(packet.at, Resolution::Micros),
        packet.from.to_string(),
        packet.to.to_string(),
        kind_name(packet.kind).to_owned(),
        packet.seq.to_string(),
        packet.ack.to_string(),
        packet.len.to_string(),
        packet.congestion_window.map(|window| window.to_string()).unwrap_or_default(),
        fate,
    ]
}

fn packet_data(packet: &PacketRecord) -> Value {
    json!({
        "at": packet.at.as_secs_f64(), "from": packet.from.to_string(), "to": packet.to.to_string(), "kind": kind_name(packet.kind),
        "seq": packet.seq, "ack": packet.ack, "len": packet.len, "cwnd_packets": packet.congestion_window,
        "retransmission": packet.is_retransmission, "copy": packet.is_copy,
        "dropped": packet.dropped.map(|cause| cause.name()),
    })
}

/// Returns the file that a capture is to be written to; `None` if the capture is to end.
pub(crate) fn capture_of(call: &Call) -> Result<Option<PathBuf>, ShellError> {
    match (call.argument(0), call.argument(1)) {
        (Some("start"), _) => Ok(Some(expand(call.required(1, "PATH")?))),
        (_, Some(path)) => Err(call.wrong(format!("unexpected argument `{path}`"))),
        _ => Ok(None),
    }
}

pub(crate) async fn capture(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let Some(path) = capture_of(call)? else {
        let packets = shell.call(StopCapture).await?;
        return Ok(Answer::new(View::Text(format!("{} captured", count_of(packets, "packet"))), json!({ "packets": packets })));
    };
    shell.call(StartCapture { path: path.clone() }).await?;
    Ok(Answer::new(View::Text(format!("capturing to {}", visible_path(&path))), json!({ "path": path.to_string_lossy() })))
}
