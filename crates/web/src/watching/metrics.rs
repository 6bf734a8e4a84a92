//! Metrics in the format of OpenMetrics, encoded from one snapshot when they are asked for. There is no registry that lives longer.

use std::fmt;

use p2p_service::access::counts::Counts;
use p2p_service::doors::Figures;
use p2p_service::network::{
    Bandwidth, Direction, DropCause, Health, LinkQueue, NodeStatus, PacketKind, Peer, ProcessState, RateSeries, Speed, WaitingFor,
};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::process::Process;

/// Labels of a sample.
type Labels = Vec<(&'static str, String)>;

/// Figures that the metrics are made of.
#[derive(Debug)]
pub(super) struct Metrics {
    counts: Counts,
    doors: Vec<Figures>,
    process: Process,
}

impl Metrics {
    pub(super) fn new(counts: Counts, doors: Vec<Figures>) -> Metrics {
        Metrics { counts, doors, process: Process::now() }
    }

    /// Returns the metrics as text.
    pub(super) fn text(self) -> Result<String, fmt::Error> {
        let (mut registry, mut told) = (Registry::default(), String::new());
        registry.register_collector(Box::new(self));
        text::encode(&mut told, &registry)?;
        Ok(told)
    }
}

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        self.time(&mut out)?;
        self.nodes(&mut out)?;
        self.storage(&mut out)?;
        self.transfers(&mut out)?;
        self.packets(&mut out)?;
        self.links(&mut out)?;
        self.doors(&mut out)?;
        self.process(&mut out)
    }
}

/// Kind and unit of a metric.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
    GaugeOf(&'static str),
    CounterOf(&'static str),
}

/// Writer of metrics.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    /// Writes a metric with its samples. One without samples is left out.
    fn write(
        &mut self,
        kind: Kind,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) -> fmt::Result {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let (kind, unit) = match kind {
            Kind::Gauge => (MetricType::Gauge, None),
            Kind::Counter => (MetricType::Counter, None),
            Kind::GaugeOf(unit) => (MetricType::Gauge, Some(Unit::Other(unit.to_owned()))),
            Kind::CounterOf(unit) => (MetricType::Counter, Some(Unit::Other(unit.to_owned()))),
        };
        let is_counter = matches!(kind, MetricType::Counter);
        let mut metric = self.0.encode_descriptor(name, help, unit.as_ref(), kind)?;
        for (labels, value) in samples {
            let mut of_labels = metric.encode_family(&labels)?;
            match is_counter {
                true => of_labels.encode_counter::<NoLabelSet, f64, f64>(&value, None)?,
                false => of_labels.encode_gauge(&value)?,
            }
        }
        Ok(())
    }

    /// Writes a metric of one sample, if there is a value.
    fn one(&mut self, kind: Kind, name: &'static str, help: &'static str, value: Option<f64>) -> fmt::Result {
        self.write(kind, name, help, value.map(|value| (Labels::new(), value)))
    }
}

fn label(name: &'static str, value: impl ToString) -> Labels {
    vec![(name, value.to_string())]
}

fn factor(speed: Speed) -> f64 {
    speed.factor().unwrap_or(f64::INFINITY)
}

impl Metrics {
    fn time(&self, out: &mut Out<'_>) -> fmt::Result {
        let (pace, build) = (self.counts.pace, label("version", env!("CARGO_PKG_VERSION")));
        out.write(Kind::Gauge, "p2p_build", "Version of the program; the value is 1", [(build, 1.0)])?;
        let at = Some(self.counts.at.as_secs_f64());
        out.one(Kind::CounterOf("seconds"), "p2p_virtual_time", "Virtual time since the start", at)?;
        let asked = Some(factor(pace.speed));
        out.one(Kind::GaugeOf("ratio"), "p2p_speed", "Virtual seconds per second that are asked for; +Inf for `max`", asked)?;
        let actual = pace.actual.map_or(0.0, factor);
        out.one(
            Kind::GaugeOf("ratio"),
            "p2p_actual_speed",
            "Speed at which virtual time passes; 0 while it stands",
            Some(actual),
        )?;
        let paused = Some(f64::from(u8::from(pace.is_paused)));
        out.one(Kind::Gauge, "p2p_paused", "1 while virtual time is paused", paused)?;
        let faults = self.counts.faults.iter().map(|(kind, count)| (label("kind", kind), *count as f64));
        out.one(Kind::Gauge, "p2p_faults", "Faults that are on", Some(self.counts.faults.values().sum::<u64>() as f64))?;
        out.write(Kind::Gauge, "p2p_faults_by_kind", "Faults that are on, by kind", faults)
    }

    fn each_node(&self, figure: impl Fn(&NodeStatus) -> Option<f64>) -> impl Iterator<Item = (Labels, f64)> {
        self.counts.nodes.iter().filter_map(move |node| Some((label("node", node.node), figure(node)?)))
    }

    fn nodes(&self, out: &mut Out<'_>) -> fmt::Result {
        let count =
            |is_meant: &dyn Fn(&NodeStatus) -> bool| self.counts.nodes.iter().filter(|node| is_meant(node)).count() as f64;
        let healths = [Health::Alive, Health::Suspect, Health::Dead];
        let of_health = healths.map(|health| {
            let proved = count(&|node| node.seen.health == health && (health != Health::Alive || node.seen.heard_at.is_some()));
            (label("health", health.name()), proved)
        });
        let unproved = count(&|node| node.seen.health == Health::Alive && node.seen.heard_at.is_none());
        let of_health = of_health.into_iter().chain([(label("health", "UNPROVED"), unproved)]);
        out.write(
            Kind::Gauge,
            "p2p_nodes",
            "Nodes by their health; UNPROVED are those that nothing was heard of yet",
            of_health,
        )?;
        let states = [ProcessState::Ready, ProcessState::Running, ProcessState::Waiting(WaitingFor::Disk), ProcessState::Stopped];
        let of_state = states.map(|state| (label("state", state.name()), count(&|node| node.state.name() == state.name())));
        out.write(Kind::Gauge, "p2p_node_processes", "Nodes by the state of their processes", of_state)?;
        let capacity = self.each_node(|node| Some(node.capacity_bytes as f64));
        out.write(Kind::GaugeOf("bytes"), "p2p_node_capacity", "Capacity of a node", capacity)?;
        let used = self.each_node(|node| node.used_bytes.map(|bytes| bytes as f64));
        out.write(Kind::GaugeOf("bytes"), "p2p_node_used", "Bytes that a node stores; for admins alone", used)?;
        let segments = self.each_node(|node| node.segments.map(|count| count as f64));
        out.write(Kind::Gauge, "p2p_node_segments", "Segments that a node stores; for admins alone", segments)?;
        let connections = self.each_node(|node| Some(node.connections as f64));
        out.write(Kind::Gauge, "p2p_node_connections", "Connections to a node", connections)?;
        let requests = self.each_node(|node| Some(f64::from(node.open_requests)));
        out.write(Kind::Gauge, "p2p_node_open_requests", "Requests that a node has not answered", requests)?;
        self.probes(out)
    }

    fn probes(&self, out: &mut Out<'_>) -> fmt::Result {
        let round_trip = self.each_node(|node| node.seen.recent.average.map(|span| span.as_secs_f64()));
        let help = "Mean round-trip time of the last ten probes of a node by the client";
        out.write(Kind::GaugeOf("seconds"), "p2p_node_round_trip", help, round_trip)?;
        let lost = self.each_node(|node| (node.seen.recent.probes > 0).then(|| node.seen.recent.loss()));
        out.write(Kind::GaugeOf("ratio"), "p2p_node_probe_loss", "Share of these probes that was not answered", lost)?;
        let at = self.counts.figures.at;
        let silence = self.each_node(|node| node.seen.heard_at.map(|heard| at.since(heard).as_secs_f64()));
        out.write(Kind::GaugeOf("seconds"), "p2p_node_silence", "Virtual time since a node was last heard", silence)?;
        let sent = self.each_node(|node| Some(node.seen.probes as f64));
        out.write(Kind::Counter, "p2p_probes", "Probes of a node that were answered or have timed out", sent)?;
        let answered = self.each_node(|node| Some(node.seen.answers as f64));
        out.write(Kind::Counter, "p2p_probe_answers", "Probes of a node that were answered in time", answered)
    }

    fn storage(&self, out: &mut Out<'_>) -> fmt::Result {
        let Some(storage) = self.counts.storage else { return Ok(()) };
        let mut one = |kind, name, help, value: u64| out.one(kind, name, help, Some(value as f64));
        one(
            Kind::Gauge,
            "p2p_stored_files",
            "Stored files; this and the following of what is stored for admins alone",
            storage.files,
        )?;
        one(Kind::GaugeOf("bytes"), "p2p_stored_files_size", "Sizes of the stored files", storage.file_bytes)?;
        one(Kind::Gauge, "p2p_stored_segments", "Segments on all nodes", storage.segments)?;
        one(Kind::GaugeOf("bytes"), "p2p_stored", "Sizes of these segments", storage.used_bytes)?;
        one(Kind::GaugeOf("bytes"), "p2p_capacity", "Capacity of all nodes", storage.capacity_bytes)?;
        one(Kind::GaugeOf("bytes"), "p2p_free", "Room on nodes that take segments", storage.free_bytes)?;
        one(Kind::Gauge, "p2p_closed_nodes", "Nodes that take no segments", storage.closed_nodes)?;
        one(
            Kind::Gauge,
            "p2p_missing_segments",
            "Segments that files need and that were missing at the start",
            storage.missing_segments,
        )
    }

    fn transfers(&self, out: &mut Out<'_>) -> fmt::Result {
        let under_way =
            self.counts.under_way.iter().map(|((kind, state), count)| {
                (vec![("kind", (*kind).to_owned()), ("state", (*state).to_owned())], *count as f64)
            });
        out.write(Kind::Gauge, "p2p_transfers_under_way", "Transfers under way, by kind and state", under_way)?;
        let ended = self.counts.ended;
        let ends = [("done", ended.done), ("failed", ended.failed), ("cancelled", ended.cancelled), ("parked", ended.parked)];
        let ends = ends.map(|(end, count)| (label("end", end), count as f64));
        out.write(Kind::Counter, "p2p_transfers_ended", "Transfers that are over, by their end", ends)
    }

    fn packets(&self, out: &mut Out<'_>) -> fmt::Result {
        let stats = &self.counts.figures.network;
        let kinds = [
            ("SYN", PacketKind::Syn),
            ("SYN-ACK", PacketKind::SynAck),
            ("ACK", PacketKind::Ack),
            ("DATA", PacketKind::Data),
            ("FIN", PacketKind::Fin),
            ("RST", PacketKind::Rst),
            ("HEALTH_CHECK", PacketKind::Datagram),
        ];
        let sent = kinds.map(|(name, kind)| (label("kind", name), stats.sent(kind) as f64));
        out.write(Kind::Counter, "p2p_packets_sent", "Packets that were sent, by kind", sent)?;
        let delivered = Some(stats.total.received.total() as f64);
        out.one(Kind::Counter, "p2p_packets_delivered", "Packets that arrived", delivered)?;
        let dropped = DropCause::ALL.map(|cause| (label("cause", cause.name()), stats.dropped(cause) as f64));
        out.write(Kind::Counter, "p2p_packets_dropped", "Packets that did not arrive, by cause", dropped)?;
        let again = Some(stats.total.retransmits as f64);
        out.one(Kind::Counter, "p2p_packets_retransmitted", "Packets that were sent again: payload, SYNs and FINs", again)?;
        out.one(Kind::Gauge, "p2p_packets_in_transit", "Packets on their way", Some(stats.in_transit as f64))
    }

    /// Returns a figure of each link of each host.
    fn each_link(&self, figure: impl Fn(&Link<'_>) -> Option<f64>) -> impl Iterator<Item = (Labels, f64)> {
        let told = move |link: Link<'_>| {
            let labels = vec![("host", link.host.to_string()), ("direction", link.direction.to_owned())];
            figure(&link).map(|value| (labels, value))
        };
        self.all_links().into_iter().filter_map(told)
    }

    fn all_links(&self) -> Vec<Link<'_>> {
        let figures = &self.counts.figures;
        let mut links = Vec::with_capacity(figures.topology.hosts.len() * 2);
        for host in &figures.topology.hosts {
            let (bytes, rates, queues) = match host.peer.node().and_then(|node| figures.nodes.get(node.index())) {
                Some(node) => ((node.bytes_sent, node.bytes_received), &node.rates, node.queues),
                None => (figures.client_bytes, &figures.client_rates, figures.network.client_queues),
            };
            let link = |direction: Direction| match direction {
                Direction::Up => Link {
                    host: host.peer,
                    direction: "up",
                    bytes: bytes.0,
                    rates: &rates.up,
                    queue: queues.up,
                    capacity: host.link.up.bandwidth,
                },
                Direction::Down => Link {
                    host: host.peer,
                    direction: "down",
                    bytes: bytes.1,
                    rates: &rates.down,
                    queue: queues.down,
                    capacity: host.link.down.bandwidth,
                },
            };
            links.extend([link(Direction::Up), link(Direction::Down)]);
        }
        links
    }

    fn links(&self, out: &mut Out<'_>) -> fmt::Result {
        let passed = self.each_link(|link| Some(link.bytes as f64));
        out.write(Kind::CounterOf("bytes"), "p2p_link", "Bytes that have passed an access link, in whole packets", passed)?;
        let rates = self.each_link(|link| link.rates.latest().map(|bytes| bytes as f64));
        let help = "Bytes of the last whole virtual second";
        out.write(Kind::GaugeOf("bytes_per_second"), "p2p_link_rate", help, rates)?;
        let capacity = self.each_link(|link| link.capacity.bytes_per_second().map(|bytes| bytes as f64));
        let help = "What an access link passes at the most; none where it is unlimited";
        out.write(Kind::GaugeOf("bytes_per_second"), "p2p_link_capacity", help, capacity)?;
        let waiting = self.each_link(|link| Some(link.queue.packets as f64));
        out.write(Kind::GaugeOf("packets"), "p2p_link_queue", "Packets that wait for an access link", waiting)?;
        let wait = self.each_link(|link| Some(link.queue.wait.as_secs_f64()));
        out.write(Kind::GaugeOf("seconds"), "p2p_link_wait", "Time that a packet waits which comes now", wait)
    }

    fn each_door(&self, figure: impl Fn(&Figures) -> u64) -> impl Iterator<Item = (Labels, f64)> {
        self.doors.iter().map(move |door| (label("service", door.service), figure(door) as f64))
    }

    fn doors(&self, out: &mut Out<'_>) -> fmt::Result {
        let clients = self.each_door(|door| door.clients as u64);
        out.write(Kind::Gauge, "p2p_door_clients", "Connections that are open at a service", clients)?;
        let taken = self.each_door(|door| door.connections);
        out.write(Kind::Counter, "p2p_door_connections", "Connections that a service has taken in", taken)?;
        out.write(Kind::Counter, "p2p_door_requests", "Requests of a service", self.each_door(|door| door.requests))?;
        let received = self.each_door(|door| door.bytes_in);
        out.write(Kind::CounterOf("bytes"), "p2p_door_received", "Bytes that a service has received", received)?;
        let sent = self.each_door(|door| door.bytes_out);
        out.write(Kind::CounterOf("bytes"), "p2p_door_sent", "Bytes that a service has sent", sent)?;
        let refused = self.doors.iter().flat_map(|door| {
            let of_reason = |(reason, count): (&&'static str, &u64)| {
                (vec![("service", door.service.to_owned()), ("reason", (*reason).to_owned())], *count as f64)
            };
            door.refusals.iter().map(of_reason).collect::<Vec<_>>()
        });
        out.write(Kind::Counter, "p2p_door_refusals", "Connections and requests that a service has refused", refused)
    }

    fn process(&self, out: &mut Out<'_>) -> fmt::Result {
        let Process { cpu_seconds, resident_bytes, open_files, threads, started } = self.process;
        let number = |value: Option<u64>| value.map(|value| value as f64);
        out.one(Kind::CounterOf("seconds"), "process_cpu", "Time of processors that the process has used", cpu_seconds)?;
        out.one(Kind::GaugeOf("bytes"), "process_resident_memory", "Memory of the process", number(resident_bytes))?;
        out.one(Kind::Gauge, "process_open_fds", "Files that the process has open", number(open_files))?;
        out.one(Kind::Gauge, "process_threads", "Threads of the process", number(threads))?;
        out.one(Kind::GaugeOf("seconds"), "process_start_time", "Start of the process, in seconds since 1970", started)
    }
}

/// Access link of a host in one direction.
struct Link<'a> {
    host: Peer,
    direction: &'static str,
    bytes: u64,
    rates: &'a RateSeries,
    queue: LinkQueue,
    capacity: Bandwidth,
}
