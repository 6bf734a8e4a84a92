//! Links: the bandwidth and the queue that a packet meets on its way out of a host and into one.
//!
//! An access link serialises packets at its bandwidth behind a drop-tail queue. The rules are those of the emulator that
//! measured `tests/data/linux_tcp.csv`: whole IPv4 packets count, and the limit of the queue counts waiting packets (neither the
//! one being sent nor those in flight). A packet that its path loses has used its serialisation time.

use std::collections::VecDeque;

use p2p_base::units::{Bandwidth, SimDuration, SimTime};

use super::in_flight::Scheduled;
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

/// Instants at which the packets that a link had not finished sending leave it after a change of its rate: their bits still to be
/// sent are sent at the new one.
#[derive(Debug)]
pub(crate) struct Retiming {
    changed_at: SimTime,
    /// Rates before and after the change in bits per second; `None` if there is no limit any more.
    rates: (u64, Option<u64>),
    /// Order number of each packet, ascending, and the instant at which it would have left without the change.
    departures: Vec<(u64, SimTime)>,
}

impl Retiming {
    /// Returns the instant at which the link does what it would have done at `at`, not before the change.
    fn rescaled(&self, at: SimTime) -> SimTime {
        let (rate, Some(new_rate)) = self.rates else { return self.changed_at };
        let nanobits = u128::from(at.since(self.changed_at).as_nanos()) * u128::from(rate);
        let nanos = nanobits.div_ceil(u128::from(new_rate));
        self.changed_at + SimDuration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Returns the instant at which a packet is due behind the link: as long after it has left as before the change. One that had left
    /// by then keeps its instant.
    pub(crate) fn due(&self, scheduled: Scheduled) -> SimTime {
        // A copy that the path makes of a packet follows it in the order.
        let behind = self.departures.partition_point(|&(order, _)| order <= scheduled.order);
        match self.departures[..behind].last() {
            Some(&(_, left)) => self.rescaled(left) + scheduled.at.since(left),
            None => scheduled.at,
        }
    }
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
            readings: SecondReadings::new(SimTime::ZERO),
            bytes: 0,
        }
    }

    pub(crate) fn config(&self) -> LinkConfig {
        self.config
    }

    /// Changes the configuration. What the link has not sent yet, the rest of the packet that is being sent included, leaves at the new
    /// rate; returns the new instants unless nothing changes for it. The packets that wait stay, even if the new queue is shorter.
    pub(crate) fn reconfigure(&mut self, now: SimTime, config: LinkConfig) -> Option<Retiming> {
        self.read_seconds(now);
        self.forget_started(now);
        let earlier = std::mem::replace(&mut self.config, config).bandwidth;
        if earlier == config.bandwidth || self.busy_until <= now {
            return None;
        }
        let retiming = self.retiming(now, earlier.bits_per_second()?);
        for packet in &mut self.waiting {
            *packet = Waiting::new(retiming.rescaled(packet.start()), u64::from(packet.order));
        }
        self.busy_until = retiming.rescaled(self.busy_until);
        Some(retiming)
    }

    /// Returns the instants of the packets that are not sent yet after a change of the rate to the present one.
    fn retiming(&self, now: SimTime, earlier_rate: u64) -> Retiming {
        let orders = std::iter::once(self.sending).chain(self.waiting.iter().map(|packet| packet.order(self.accepted)));
        // Each packet begins to be sent when the one before it has left.
        let ends = self.waiting.iter().map(|packet| packet.start()).chain([self.busy_until]);
        let rates = (earlier_rate, self.config.bandwidth.bits_per_second());
        Retiming { changed_at: now, rates, departures: orders.zip(ends).collect() }
    }

    /// Accepts a packet of `bytes` bytes and returns the instant at which its last bit has been sent; `None` if the queue is
    /// full and the packet is dropped. `order` is larger than that of every earlier packet.
    #[inline]
    pub(crate) fn enqueue(&mut self, now: SimTime, bytes: u16, order: u64) -> Option<SimTime> {
        if self.readings.is_due(now) {
            self.read_seconds(now);
        }
        if self.config.bandwidth == Bandwidth::UNLIMITED {
            self.bytes += u64::from(bytes);
            return Some(now);
        }
        self.serialise(now, bytes, order)
    }

    /// Accepts a packet of a link that has a limit.
    fn serialise(&mut self, now: SimTime, bytes: u16, order: u64) -> Option<SimTime> {
        if now < self.busy_until {
            self.wait(now, order)?;
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
    fn wait(&mut self, now: SimTime, order: u64) -> Option<()> {
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
        Some(())
    }

    /// Returns the instant from which the link is free: that at which it will have sent what it has accepted.
    pub(crate) fn free_from(&self, now: SimTime) -> SimTime {
        self.busy_until.max(now)
    }

    /// Returns the bytes that have left the link by `at`, an instant since it last accepted a packet: the bytes accepted less
    /// those still to be sent then. Bits leave one after the other, so a packet counts gradually.
    pub(crate) fn passed(&self, at: SimTime) -> u64 {
        passed(self.bytes, at, self.busy_until, self.config.bandwidth)
    }

    /// Returns the bytes that left the link in each of the latest `seconds` whole seconds.
    pub(crate) fn series(&self, now: SimTime, seconds: usize) -> RateSeries {
        self.readings.series(now, seconds, |at| self.passed(at))
    }

    #[cold]
    fn read_seconds(&mut self, now: SimTime) {
        let Link { config, busy_until, readings, bytes, .. } = self;
        readings.read(now, |at| passed(*bytes, at, *busy_until, config.bandwidth));
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
        is_sending.then_some(self.sending)
    }

    fn forget_started(&mut self, now: SimTime) {
        while let Some(packet) = self.waiting.front().filter(|packet| packet.start() <= now) {
            self.sending = packet.order(self.accepted);
            self.waiting.pop_front();
        }
    }
}

/// Returns how many of the `taken_in` bytes have been sent at `rate` by `at`. The last will have been sent at `busy_until`.
fn passed(taken_in: u64, at: SimTime, busy_until: SimTime, rate: Bandwidth) -> u64 {
    let nanobits = u128::from(busy_until.since(at).as_nanos()) * u128::from(rate.bits_per_second().unwrap_or(0));
    taken_in.saturating_sub(u64::try_from(nanobits / 8_000_000_000).unwrap_or(u64::MAX))
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

    /// Instants in milliseconds at which packets with these order numbers are due that a change meets 7 ms behind the link.
    fn due(retiming: &Retiming, packets: &[(u64, u64)]) -> Vec<u64> {
        let scheduled = |&(order, ms)| Scheduled { at: millis(ms + 7), order };
        packets.iter().map(|packet| retiming.due(scheduled(packet)).as_nanos() / 1_000_000 - 7).collect()
    }

    /// In the middle of the second of four packets the link becomes ten times as fast, or half as fast.
    #[test]
    fn what_is_not_sent_yet_leaves_at_the_new_rate() {
        let packets = [(1, 1_000), (4, 2_000), (5, 2_000), (6, 2_500), (9, 3_500)];
        let expected = [
            (120_000, [1_000, 1_550, 1_550, 1_600, 1_700], [(1, 150), (0, 100), (0, 0)]),
            (6_000, [1_000, 2_500, 2_500, 3_500, 5_500], [(2, 3_950), (2, 3_900), (2, 3_800)]),
        ];
        for (bits, departures, queues) in expected {
            let mut link = link(12_000, 10);
            let taken_in =
                [(1, 1_500), (4, 1_500), (6, 750), (9, 1_500)].map(|(order, bytes)| link.enqueue(SimTime::ZERO, bytes, order));
            assert_eq!(taken_in, [1_000, 2_000, 2_500, 3_500].map(|ms| Some(millis(ms))));
            let config = LinkConfig { bandwidth: Bandwidth::from_bits_per_second(bits), queue_packets: 10 };
            let retiming = link.reconfigure(millis(1_500), config).unwrap();
            assert_eq!(due(&retiming, &packets), departures, "number 5 is a copy of number 4");
            let at = [1_550, 1_600, 1_700].map(millis);
            let queue = |at| (link.queue(at).packets as u64, link.queue(at).wait.as_nanos() / 1_000_000);
            assert_eq!(at.map(queue), queues, "{bits} bit/s");
        }
    }

    #[test]
    fn a_change_of_the_queue_or_of_an_idle_link_moves_nothing() {
        let mut link = link(12_000, 2);
        let config = |bits, queue_packets| LinkConfig { bandwidth: Bandwidth::from_bits_per_second(bits), queue_packets };
        assert!((1..=3).all(|order| link.enqueue(SimTime::ZERO, 1_500, order).is_some()));
        assert!(link.reconfigure(millis(500), config(12_000, 1)).is_none());
        assert_eq!((link.waiting(millis(500)), link.enqueue(millis(1_500), 1_500, 4)), (2, None), "none is dropped that waits");
        assert!(link.reconfigure(millis(3_000), config(6_000, 2)).is_none());
        assert_eq!(link.enqueue(millis(3_000), 1_500, 5), Some(millis(5_000)));
    }

    /// Bytes count when they leave: not when they are taken in, and at the rate at which they are sent.
    #[test]
    fn bytes_pass_at_the_rate_of_the_link() {
        let rate = |bits| LinkConfig { bandwidth: Bandwidth::from_bits_per_second(bits), queue_packets: 20 };
        let mut link = link(12_000, 20);
        assert!((0..3).all(|_| link.enqueue(SimTime::ZERO, 1500, 1).is_some()));
        link.reconfigure(millis(1_200), rate(120));
        link.reconfigure(millis(2_200), rate(12_000));
        assert!((0..10).all(|_| link.enqueue(millis(2_200), 1500, 1).is_some()));
        let passed = [2_200, 3_000, 5_000, 13_990, 20_000].map(|ms| link.passed(millis(ms)));
        assert_eq!(passed, [1_815, 3_015, 6_015, 19_500, 19_500]);
        assert_eq!(link.series(millis(5_000), 10).tail(10), [1500, 312, 1_203, 1_500, 1_500]);
        link.reconfigure(millis(5_000), LinkConfig { bandwidth: Bandwidth::UNLIMITED, queue_packets: 20 });
        assert_eq!((link.enqueue(millis(5_000), 1000, 1), link.passed(millis(5_000))), (Some(millis(5_000)), 20_500));
        assert_eq!(link.series(millis(6_000), 10).tail(1), [14_485]);
    }

    /// A host that goes down loses no packet that has left.
    #[test]
    fn a_link_that_has_no_limit_any_more_has_sent_its_backlog() {
        let mut link = link(12_000, 2);
        assert_eq!([1, 2].map(|order| link.enqueue(SimTime::ZERO, 1500, order)), [Some(millis(1000)), Some(millis(2000))]);
        let unlimited = LinkConfig { bandwidth: Bandwidth::UNLIMITED, queue_packets: 2 };
        let retiming = link.reconfigure(millis(500), unlimited).unwrap();
        assert_eq!(due(&retiming, &[(1, 1_000), (2, 2_000)]), [500, 500]);
        assert_eq!((link.enqueue(millis(500), 1500, 3), link.waiting(millis(500))), (Some(millis(500)), 0));
        assert_eq!((link.stop(millis(500)), link.bytes), (None, 4_500));
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
