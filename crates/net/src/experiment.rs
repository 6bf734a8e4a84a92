//! One measurement of TCP flows on the simulated network, like iperf on a real one.
//!
//! The flows cross one link, fan out from one host, or meet at one host; each is timed from its SYN to the last byte that the
//! receiver reads. `p2p flow`, the fidelity tests and the benchmarks run the same code.

#[cfg(feature = "pcap")]
use std::io::{self, Write};
use std::net::Ipv4Addr;

use bytes::Bytes;
use p2p_base::units::{Bandwidth, ByteSize, DelayRange, Probability, SimDuration, SimTime};

use crate::{
    CongestionControl, ConnectionChange, ConnectionId, ConnectionSample, ConnectionStats, HostConfig, HostId, LinkConfig,
    NetEvent, Network, Read, Side, TcpConfig,
};

/// Port that the receivers listen on (iperf's).
const PORT: u16 = 5001;
/// Data that a sender writes with one call, in bytes.
static CHUNK: [u8; 65_536] = [0; 65_536];
/// Number of readable bytes at which a receiver reads.
const READ_MARK: u64 = 262_144;

/// Topology of the flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Shape {
    /// All flows share one link from one host to another.
    #[default]
    Single,
    /// One host sends to as many receivers as there are flows, over access links.
    Fanout,
    /// As many hosts as there are flows send to one receiver.
    Incast,
}

/// Parameters of one measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Bandwidth of the link, or of every access link.
    pub bandwidth: Bandwidth,
    /// One-way delay of a path.
    pub delay: DelayRange,
    /// Loss rate of a path, in both directions.
    pub loss: Probability,
    /// Number of bytes that each flow transfers.
    pub bytes: ByteSize,
    /// Congestion controls, assigned to the flows in rotation. An empty list means CUBIC.
    pub congestion: Vec<CongestionControl>,
    /// Number of flows, all started at the same time.
    pub flows: u32,
    /// Topology of the flows.
    pub shape: Shape,
    /// Time that a host takes to pass a packet from its downlink to its stack.
    pub host_time: DelayRange,
    /// Capacity of each queue in packets; `None` means [`default_queue`](Self::default_queue).
    pub queue: Option<u32>,
}

impl Default for Experiment {
    /// Returns the default: 5 MiB over 64 KiB/s with 5 ms and 1 % loss, between hosts that take 20 to 100 µs per packet.
    fn default() -> Experiment {
        Experiment {
            bandwidth: Bandwidth::from_bits_per_second(524_288),
            delay: DelayRange::fixed(SimDuration::from_millis(5)),
            loss: Probability::from_percent(1),
            bytes: ByteSize::from_mib(5),
            congestion: vec![CongestionControl::Cubic],
            flows: 1,
            shape: Shape::Single,
            host_time: default_host_time(),
            queue: None,
        }
    }
}

/// Result of one run.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Run {
    /// Seconds until the last flow was complete; `None` if a flow never was.
    pub seconds: Option<f64>,
    /// Retransmitted packets of all flows together.
    pub retransmits: u64,
    /// Retransmission timeouts, those of the handshake included.
    pub rtos: u64,
    /// Packets of every kind sent, in both directions.
    pub packets: u64,
    /// Seconds of each flow from its SYN to its last byte read; `None` if its connection ended before.
    pub flows: Vec<Option<f64>>,
    /// Hash of everything that happened in the run.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub trace_hash: u64,
}

/// Sample of a flow's sender at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlowSample {
    /// Index of the flow, from 0.
    pub flow: u32,
    /// State of the sending end.
    pub sample: ConnectionSample,
}

impl Experiment {
    /// Returns the queue capacity of the measured links: twice the bandwidth-delay product in packets, but at least 100; 100
    /// on access links.
    pub fn default_queue(&self) -> u32 {
        const SMALLEST: u64 = 100;
        let round_trip_ns = 2 * self.delay.max().as_nanos();
        let product = match (self.shape, self.bandwidth.bits_per_second()) {
            (Shape::Single, Some(rate)) => {
                let bits = u128::from(rate) * u128::from(round_trip_ns) / 1_000_000_000;
                (2 * bits).div_ceil(8 * 1500)
            }
            _ => 0,
        };
        u32::try_from(product.max(u128::from(SMALLEST))).unwrap_or(u32::MAX)
    }

    fn congestion_of(&self, flow: usize) -> CongestionControl {
        let place = flow.checked_rem(self.congestion.len());
        place.and_then(|place| self.congestion.get(place)).copied().unwrap_or_default()
    }

    /// Runs the measurement once with the random draws of `seed`.
    pub fn run(&self, seed: u64) -> Run {
        let mut running = Running::new(self, seed, None::<fn(FlowSample)>);
        running.transfer(self);
        running.result()
    }

    /// Runs the measurement once, passes every change of a sender's state to `observe`, and writes every packet to `capture`
    /// as pcapng.
    ///
    /// # Errors
    /// Fails if the capture cannot be written.
    #[cfg(feature = "pcap")]
    pub fn run_observed(
        &self,
        seed: u64,
        observe: Option<impl FnMut(FlowSample)>,
        capture: Option<Box<dyn Write + Send>>,
    ) -> io::Result<Run> {
        let mut running = Running::new(self, seed, observe);
        if let Some(capture) = capture {
            running.net.start_capture(capture)?;
        }
        running.transfer(self);
        running.net.stop_capture()?;
        Ok(running.result())
    }
}

/// Returns the default host processing time, as in `p2p.toml`: tens of microseconds from the link to the stack.
fn default_host_time() -> DelayRange {
    DelayRange::between(SimDuration::from_micros(20), SimDuration::from_micros(100))
}

/// A run in progress.
struct Running<F> {
    net: Network,
    /// Sending and receiving host of each flow.
    pairs: Vec<(HostId, HostId)>,
    flows: Vec<Flow>,
    observe: Option<F>,
}

#[derive(Debug)]
struct Flow {
    sender: ConnectionId,
    unwritten: u64,
    unread: u64,
    started: SimTime,
    done: Option<SimTime>,
    /// Counters of the sender, once the flow is complete or has failed.
    stats: Option<ConnectionStats>,
}

impl<F: FnMut(FlowSample)> Running<F> {
    fn new(experiment: &Experiment, seed: u64, observe: Option<F>) -> Self {
        let mut net = Network::new(seed);
        net.set_host_time(experiment.host_time);
        let pairs = build(experiment, &mut net);
        Running { net, pairs, flows: Vec::new(), observe }
    }

    fn connect(&mut self, experiment: &Experiment) {
        let bytes = experiment.bytes.as_u64();
        for (flow, &(from, to)) in self.pairs.iter().enumerate() {
            let config = TcpConfig { congestion: experiment.congestion_of(flow), ..TcpConfig::default() };
            let opened = self.net.listen(to, PORT, config).and_then(|()| self.net.connect(from, to, PORT, config));
            let Ok(sender) = opened else { unreachable!("an experiment connects its own hosts") };
            self.net.watch(sender, self.observe.is_some());
            self.flows.push(Flow { sender, unwritten: bytes, unread: bytes, started: self.net.now(), done: None, stats: None });
        }
    }

    fn transfer(&mut self, experiment: &Experiment) {
        self.connect(experiment);
        while self.flows.iter().any(|flow| flow.stats.is_none()) && self.net.handle_timeout(SimTime::MAX) {
            while let Some(event) = self.net.poll_event() {
                self.on_event(&event);
            }
            self.tell_observer();
        }
        self.tell_observer();
    }

    fn result(&self) -> Run {
        let times: Vec<Option<f64>> = self.flows.iter().map(Flow::seconds).collect();
        let stats = || self.flows.iter().filter_map(|flow| flow.stats);
        Run {
            seconds: times.iter().try_fold(0.0, |latest: f64, time| time.map(|time| latest.max(time))),
            retransmits: stats().map(|stats| stats.retransmits).sum(),
            rtos: stats().map(|stats| stats.timeouts).sum(),
            packets: self.net.total_stats().sent.total(),
            flows: times,
            trace_hash: self.net.trace_hash().value(),
        }
    }

    fn on_event(&mut self, event: &NetEvent) {
        match *event {
            NetEvent::Connected { connection } | NetEvent::Writable { connection } => self.write(connection),
            NetEvent::Accepted { connection, .. } => self.ask_for_more(connection),
            NetEvent::Readable { connection } => self.read(connection),
            NetEvent::Ended { connection, stats, .. } if connection.side() == Side::Opener => {
                if let Some(index) = self.index_of(connection) {
                    self.flows[index].stats.get_or_insert(stats);
                }
            }
            _ => {}
        }
    }

    /// Passes the changes of the senders on.
    fn tell_observer(&mut self) {
        while let Some(ConnectionChange { connection, sample, .. }) = self.net.poll_change() {
            let flow = self.index_of(connection).filter(|_| connection.side() == Side::Opener);
            if let (Some(flow), Some(observe)) = (flow, &mut self.observe) {
                observe(FlowSample { flow: flow as u32, sample });
            }
        }
    }

    fn index_of(&self, connection: ConnectionId) -> Option<usize> {
        self.flows.iter().position(|flow| flow.sender.number() == connection.number())
    }

    fn write(&mut self, connection: ConnectionId) {
        let Some(index) = self.index_of(connection) else { return };
        let flow = &mut self.flows[index];
        while flow.unwritten > 0 {
            let len = flow.unwritten.min(CHUNK.len() as u64);
            if self.net.write(connection, Bytes::from_static(&CHUNK[..len as usize])).is_err() {
                break;
            }
            flow.unwritten -= len;
        }
    }

    fn ask_for_more(&mut self, connection: ConnectionId) {
        let Some(index) = self.index_of(connection) else { return };
        self.net.set_read_mark(connection, self.flows[index].unread.min(READ_MARK));
    }

    fn read(&mut self, connection: ConnectionId) {
        let Some(index) = self.index_of(connection) else { return };
        while let Read::Bytes(bytes) = self.net.read(connection, usize::MAX) {
            self.flows[index].unread -= bytes.len() as u64;
        }
        let flow = &mut self.flows[index];
        if flow.unread == 0 {
            flow.done = Some(self.net.now());
            flow.stats = self.net.connection_stats(flow.sender).or(flow.stats);
        } else {
            self.ask_for_more(connection);
        }
    }
}

impl Flow {
    fn seconds(&self) -> Option<f64> {
        self.done.map(|done| (done - self.started).as_secs_f64())
    }
}

/// Adds the hosts of an experiment to the network, and returns the sending and the receiving host of each flow.
fn build(experiment: &Experiment, net: &mut Network) -> Vec<(HostId, HostId)> {
    let queue_packets = experiment.queue.unwrap_or_else(|| experiment.default_queue());
    let limited = LinkConfig { bandwidth: experiment.bandwidth, queue_packets };
    let free = LinkConfig { bandwidth: Bandwidth::UNLIMITED, queue_packets };
    let down = if experiment.shape == Shape::Single { free } else { limited };
    let config = HostConfig { up: limited, down, delay: experiment.delay, loss: experiment.loss };
    let first = u32::from(Ipv4Addr::new(10, 0, 0, 1));
    let mut add = |n: u32| net.add_host(Ipv4Addr::from(first + n), &config);
    let centre = add(0);
    match experiment.shape {
        Shape::Single => {
            let other = add(1);
            vec![(centre, other); experiment.flows as usize]
        }
        Shape::Fanout => (1..=experiment.flows).map(|n| (centre, add(n))).collect(),
        Shape::Incast => (1..=experiment.flows).map(|n| (add(n), centre)).collect(),
    }
}

/// Returns the value below which the fraction `p` of `values` lies, with linear interpolation (Hyndman and Fan 1996, type 7);
/// NaN if there are no values.
pub fn percentile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = p * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
}
