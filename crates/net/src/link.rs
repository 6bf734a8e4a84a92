//! Links: the bandwidth and the queue that a packet meets on its way out of a host and into one.
//!
//! An access link serialises packets at its bandwidth behind a drop-tail queue. The rules are those of the emulator that
//! measured `tests/data/linux_tcp.csv`: whole IPv4 packets count, and the limit of the queue counts waiting packets (neither the
//! one being sent nor those in flight). A packet that its path loses has used its serialisation time.

use std::collections::VecDeque;

use p2p_base::units::{Bandwidth, SimDuration, SimTime};

use super::packet::MTU;
use super::series::{RateSeries, SecondReadings};

/// Configuration of one direction of an access link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LinkConfig {
    /// Bandwidth of the link.
    pub bandwidth: Bandwidth,
    /// Maximum number of waiting packets.
    pub queue_packets: u32,
}

impl LinkConfig {
    /// Returns the longest time that a packet takes to pass the link: behind one that is being sent and a full queue of the largest.
    pub fn longest_passage(&self) -> SimDuration {
        self.bandwidth.time_for(u64::from(MTU) * (u64::from(self.queue_packets) + 2))
    }
}

/// Default capacity of a link's queue, in packets.
pub const DEFAULT_QUEUE_PACKETS: u32 = 100;

/// A direction of an access link, as seen from its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Direction {
    /// From the host towards the network.
    Up,
    /// From the network towards the host.
    Down,
}

/// Queue of a link at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkQueue {
    /// Number of packets that wait.
    pub packets: usize,
    /// Number of packets that may wait; what arrives beyond it is dropped.
    pub packets_max: u32,
    /// Time that a packet which arrives now waits until it begins to be sent.
    pub wait: SimDuration,
}

/// A packet in the queue of a link, in twelve bytes: a thousand hosts may have a quarter of a million of them.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// Halves of the instant at which the packet will begin to be sent.
    start: [u32; 2],
    /// Lower half of the packet's order number among all packets of the network.
    order: u32,
}

impl Waiting {
    fn new(start: SimTime, order: u64) -> Waiting {
        let nanos = start.as_nanos();
        Waiting { start: [(nanos >> 32) as u32, nanos as u32], order: order as u32 }
    }

    fn start(self) -> SimTime {
        let [high, low] = self.start;
        SimTime::from_nanos(u64::from(high) << 32 | u64::from(low))
    }

    /// Returns the order number, of which `later` is a later one, by less than 2³².
    fn order(self, later: u64) -> u64 {
        later - u64::from((later as u32).wrapping_sub(self.order))
    }
}

/// A rate that packets accepted before a reconfiguration are still sent at.
#[derive(Debug, Clone, Copy)]
struct EarlierRate {
    /// Instant until which the rate applies.
    until: SimTime,
    bandwidth: Bandwidth,
    /// Bytes that were accepted at an unlimited rate behind those, and that all leave at that instant.
    then_at_once: u64,
}

/// State of one direction of a host's access link.
#[derive(Debug)]
pub(crate) struct Link {
    config: LinkConfig,
    /// Instant at which the packet being sent, and all waiting packets, will have been sent.
    busy_until: SimTime,
    /// Waiting packets, in order.
    waiting: VecDeque<Waiting>,
    /// Order number of the packet that is being sent, or of the last one that was.
    sending: u64,
    /// Order number of the packet accepted last.
    accepted: u64,
    /// Earlier rates that packets accepted before a reconfiguration are still sent at; the earliest first.
    earlier_rates: VecDeque<EarlierRate>,
    readings: SecondReadings,
    /// Bytes accepted so far, as whole IPv4 packets.
    bytes: u64,
}

impl Link {
    pub(crate) fn new(config: LinkConfig) -> Link {
        Link {
            config,
            busy_until: SimTime::ZERO,
            waiting: VecDeque::new(),
            sending: 0,
            accepted: 0,
            earlier_rates: VecDeque::new(),
            readings: SecondReadings::new(SimTime::ZERO),
            bytes: 0,
        }
    }

    pub(crate) fn config(&self) -> LinkConfig {
        self.config
    }

    /// Changes the configuration for packets that arrive from now on; packets already accepted keep their times.
    pub(crate) fn reconfigure(&mut self, now: SimTime, config: LinkConfig) {
        self.read_seconds(now);
        self.earlier_rates.retain(|rate| rate.until > now);
        let sent_until = self.earlier_rates.back().map_or(now, |rate| rate.until);
        if self.busy_until > sent_until {
            let (until, bandwidth) = (self.busy_until, self.config.bandwidth);
            self.earlier_rates.push_back(EarlierRate { until, bandwidth, then_at_once: 0 });
        }
        self.config = config;
    }

    /// Accepts a packet of `bytes` bytes and returns the instant at which its last bit has been sent; `None` if the queue is
    /// full and the packet is dropped. `order` is larger than that of every earlier packet.
    #[inline]
    pub(crate) fn enqueue(&mut self, now: SimTime, bytes: u16, order: u64) -> Option<SimTime> {
        if self.readings.is_due(now) {
            self.read_seconds(now);
        }
        if self.config.bandwidth == Bandwidth::UNLIMITED && now >= self.busy_until {
            self.bytes += u64::from(bytes);
            return Some(now);
        }
        self.serialise(now, bytes, order)
    }

    /// Accepts a packet of a link that has a limit, or has a backlog from when it had one.
    fn serialise(&mut self, now: SimTime, bytes: u16, order: u64) -> Option<SimTime> {
        if now < self.busy_until {
            self.wait(now, bytes, order)?;
        } else {
            self.waiting.clear();
            self.busy_until = now;
            self.sending = order;
        }
        self.bytes += u64::from(bytes);
        self.busy_until += self.config.bandwidth.time_for(u64::from(bytes));
        Some(self.busy_until)
    }

    /// Puts a packet behind those that the link has not finished sending; returns nothing if the queue is full.
    #[inline]
    fn wait(&mut self, now: SimTime, bytes: u16, order: u64) -> Option<()> {
        self.forget_started(now);
        if self.waiting.len() >= self.config.queue_packets as usize {
            return None;
        }
        if self.waiting.len() == self.waiting.capacity() {
            // The capacity grows by half instead of doubling, because the links of all hosts may be full at once.
            self.waiting.reserve_exact(self.waiting.len() / 2 + 4);
        }
        self.waiting.push_back(Waiting::new(self.busy_until, order));
        self.accepted = order;
        if self.config.bandwidth == Bandwidth::UNLIMITED
            && let Some(rate) = self.earlier_rates.back_mut()
        {
            // A link without a limit has no backlog of its own: that of the earlier rate ends before these bytes.
            rate.then_at_once += u64::from(bytes);
        }
        Some(())
    }

    /// Returns the instant from which the link is free: that at which it will have sent what it has accepted.
    pub(crate) fn free_from(&self, now: SimTime) -> SimTime {
        self.busy_until.max(now)
    }

    /// Returns the bytes that have left the link by `at`, an instant since it last accepted a packet: the bytes accepted less
    /// those still to be sent then. Bits leave one after the other, so a packet counts gradually.
    pub(crate) fn passed(&self, at: SimTime) -> u64 {
        passed(self.bytes, at, self.busy_until, self.config.bandwidth, &self.earlier_rates)
    }

    /// Returns the bytes that left the link in each of the latest `seconds` whole seconds.
    pub(crate) fn series(&self, now: SimTime, seconds: usize) -> RateSeries {
        self.readings.series(now, seconds, |at| self.passed(at))
    }

    #[cold]
    fn read_seconds(&mut self, now: SimTime) {
        let Link { config, busy_until, earlier_rates, readings, bytes, .. } = self;
        readings.read(now, |at| passed(*bytes, at, *busy_until, config.bandwidth, earlier_rates));
    }

    /// Returns the number of packets waiting at `now`.
    fn waiting(&self, now: SimTime) -> usize {
        self.waiting.len() - self.waiting.partition_point(|packet| packet.start() <= now)
    }

    /// Returns the queue at `now`.
    pub(crate) fn queue(&self, now: SimTime) -> LinkQueue {
        LinkQueue { packets: self.waiting(now), packets_max: self.config.queue_packets, wait: self.busy_until.since(now) }
    }

    /// Stops sending: the packet that is being sent and those that wait are lost. Returns the order number of the first of them;
    /// `None` if the link was idle.
    pub(crate) fn stop(&mut self, now: SimTime) -> Option<u64> {
        self.read_seconds(now);
        self.forget_started(now);
        let is_sending = self.busy_until > now;
        self.bytes = self.passed(now);
        self.busy_until = self.busy_until.min(now);
        self.waiting.clear();
        self.earlier_rates.clear();
        is_sending.then_some(self.sending)
    }

    fn forget_started(&mut self, now: SimTime) {
        while let Some(packet) = self.waiting.front().filter(|packet| packet.start() <= now) {
            self.sending = packet.order(self.accepted);
            self.waiting.pop_front();
        }
    }
}

/// Returns how many of the `taken_in` bytes have been sent by `at`. The last will have been sent at `busy_until`; bytes are
/// sent at `rate`, except those that fall into the periods of the `earlier` rates.
fn passed(taken_in: u64, at: SimTime, busy_until: SimTime, rate: Bandwidth, earlier: &VecDeque<EarlierRate>) -> u64 {
    let (mut from, mut left) = (at, 0);
    let last = EarlierRate { until: busy_until, bandwidth: rate, then_at_once: 0 };
    for &EarlierRate { until, bandwidth, then_at_once } in earlier.iter().chain([&last]) {
        let nanobits = u128::from((until - from).as_nanos()) * u128::from(bandwidth.bits_per_second().unwrap_or(0));
        left += nanobits / 8_000_000_000 + u128::from(if until > at { then_at_once } else { 0 });
        from = from.max(until);
    }
    taken_in.saturating_sub(u64::try_from(left).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use p2p_base::units::SimDuration;

    fn link(bits: u64, queue_packets: u32) -> Link {
        Link::new(LinkConfig { bandwidth: Bandwidth::from_bits_per_second(bits), queue_packets })
    }

    fn millis(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(ms)
    }

    #[test]
    fn a_packet_waits_in_twelve_bytes() {
        let (start, order) = (SimTime::from_nanos(0x1234_5678_9abc_def0), 0x1_ffff_fff0);
        let waiting = Waiting::new(start, order);
        assert_eq!((waiting.start(), waiting.order(order), waiting.order(0x2_0000_0007)), (start, order, order));
        assert_eq!(size_of::<Waiting>(), 12);
    }

    #[test]
    fn packets_are_sent_one_after_the_other() {
        let mut link = link(12_000, 10);
        assert_eq!(link.enqueue(SimTime::ZERO, 1500, 1), Some(millis(1000)));
        assert_eq!(link.enqueue(millis(10), 750, 1), Some(millis(1500)));
        let queue = |packets, wait| LinkQueue { packets, packets_max: 10, wait: SimDuration::from_millis(wait) };
        assert_eq!(link.queue(millis(10)), queue(1, 1490));
        assert_eq!(link.queue(millis(1000)), queue(0, 500));
        assert_eq!(link.queue(millis(8000)), queue(0, 0));
        assert_eq!(link.enqueue(millis(9000), 1500, 1), Some(millis(10_000)));
    }

    /// The limit counts packets that wait: the one being sent is not among them.
    #[test]
    fn a_full_queue_drops_the_newcomer() {
        let mut link = link(12_000, 2);
        for _ in 0..3 {
            assert!(link.enqueue(SimTime::ZERO, 1500, 1).is_some());
        }
        assert_eq!(link.enqueue(SimTime::ZERO, 1500, 1), None);
        assert!(link.enqueue(millis(1000), 1500, 1).is_some());
        assert_eq!(link.enqueue(millis(1000), 1500, 1), None);
    }

    #[test]
    fn a_link_without_limit_takes_no_time() {
        let mut link = Link::new(LinkConfig { bandwidth: Bandwidth::UNLIMITED, queue_packets: 1 });
        for _ in 0..1000 {
            assert_eq!(link.enqueue(millis(5), 1500, 1), Some(millis(5)));
        }
    }

    #[test]
    fn a_new_rate_holds_from_the_next_packet_on() {
        let mut link = link(12_000, 10);
        link.enqueue(SimTime::ZERO, 1500, 1);
        link.reconfigure(SimTime::ZERO, LinkConfig { bandwidth: Bandwidth::from_bits_per_second(120_000), queue_packets: 10 });
        assert_eq!(link.enqueue(SimTime::ZERO, 1500, 1), Some(millis(1100)));
    }

    /// Bytes count when they leave: not when they are taken in, and at the rate at which each packet is sent.
    #[test]
    fn bytes_pass_at_the_rate_that_their_packet_was_taken_in_at() {
        let mut link = link(12_000, 20);
        assert!((0..3).all(|_| link.enqueue(SimTime::ZERO, 1500, 1).is_some()));
        link.reconfigure(millis(500), LinkConfig { bandwidth: Bandwidth::from_bits_per_second(120_000), queue_packets: 20 });
        assert!((0..10).all(|_| link.enqueue(millis(500), 1500, 1).is_some()));
        let passed = [500, 1000, 2500, 3000, 3050, 3500, 9000].map(|ms| link.passed(millis(ms)));
        assert_eq!(passed, [750, 1500, 3750, 4500, 5250, 12_000, 19_500]);
        assert_eq!(link.series(millis(5_000), 10).tail(10), [1500, 1500, 1500, 15_000, 0]);
        link.reconfigure(millis(600), LinkConfig { bandwidth: Bandwidth::UNLIMITED, queue_packets: 20 });
        assert_eq!((link.enqueue(millis(600), 1000, 1), link.passed(millis(600))), (Some(millis(4_000)), 900));
        assert_eq!([3_999, 4_000].map(|ms| link.passed(millis(ms))), [19_485, 20_500], "they leave at once behind the others");
        assert_eq!(link.series(millis(5_000), 10).tail(10), [1500, 1500, 1500, 16_000, 0]);
    }

    /// Packets without a limit leave behind those that still have one, so that a host that goes down loses no packet that has left.
    #[test]
    fn a_link_without_limit_sends_its_backlog_first() {
        let mut link = link(12_000, 2);
        assert_eq!([1, 2].map(|order| link.enqueue(SimTime::ZERO, 1500, order)), [Some(millis(1000)), Some(millis(2000))]);
        link.reconfigure(millis(500), LinkConfig { bandwidth: Bandwidth::UNLIMITED, queue_packets: 2 });
        assert_eq!(link.enqueue(millis(500), 1500, 3), Some(millis(2000)));
        assert_eq!((link.enqueue(millis(500), 1500, 4), link.waiting(millis(500))), (None, 2));
        assert_eq!((link.stop(millis(1500)), link.bytes), (Some(2), 2250));
        assert_eq!((link.enqueue(millis(1500), 1500, 5), link.stop(millis(1500))), (Some(millis(1500)), None));
    }

    proptest! {
        /// No span of whole seconds has more than the link can carry in it, and the sum is what was taken in.
        #[test]
        fn no_second_has_more_than_the_link_carries(
            packets in proptest::collection::vec((0u64..400, 40u16..=1500), 1..300),
            bits in 8_000u64..10_000_000,
        ) {
            let (mut link, mut now) = (link(bits, 50), SimTime::ZERO);
            for (gap, bytes) in packets {
                now += SimDuration::from_millis(gap);
                link.enqueue(now, bytes, 1);
            }
            let end = link.busy_until.max(now) + SimDuration::from_secs(1);
            let seconds = link.series(end, 128).tail(128).to_vec();
            prop_assert!(seconds.iter().all(|&bytes| bytes <= bits / 8 + 1), "{:?} of {}", seconds, bits / 8);
            if end < millis(128_000) {
                prop_assert_eq!(seconds.iter().sum::<u64>(), link.bytes);
            }
        }
    }
}
