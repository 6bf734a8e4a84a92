//! The recent history of a connection: its windows, round trip and counters as they were at the end of every quarter of a virtual
//! second in which anything of it changed.
//!
//! Nothing is scheduled to take a sample: the network tells each change of a connection that is watched, apart from its events, so that
//! the history is the same at every speed, and the run is the same whether or not anybody looks at it.

use std::ops::Add;

use imbl::Vector;
use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{ConnectionSample, ConnectionStats};
use serde::Serialize;

/// Span of virtual time of which a history keeps the last record.
pub const RECORD_SPAN: SimDuration = SimDuration::from_millis(250);
/// Number of records that are kept: those of a minute in which the connection is never at rest.
pub const RECORDS_MAX: usize = 240;

/// State of a connection's end at one instant, with its counters until then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ConnectionRecord {
    /// Instant of the last change.
    pub at: SimTime,
    /// Congestion window in packets.
    pub window: u32,
    /// Slow-start threshold in packets; `None` before the first loss.
    pub threshold: Option<u32>,
    /// Number of packets in flight.
    pub in_flight: u32,
    /// Smoothed round-trip time (RFC 6298 §2); zero before the first measurement.
    pub srtt: SimDuration,
    /// Packets that the end has sent.
    pub packets_sent: u64,
    /// Retransmitted packets among them.
    pub retransmits: u64,
    /// Payload bytes that have arrived at the end, in order and beyond holes.
    pub bytes_arrived: u64,
}

impl ConnectionRecord {
    fn new(sample: &ConnectionSample, stats: &ConnectionStats) -> ConnectionRecord {
        ConnectionRecord {
            at: sample.at,
            window: sample.window,
            threshold: sample.threshold,
            in_flight: sample.in_flight,
            srtt: sample.srtt,
            packets_sent: stats.packets_sent,
            retransmits: stats.retransmits,
            bytes_arrived: stats.bytes_arrived,
        }
    }

    fn span(&self) -> u64 {
        self.at.as_nanos() / RECORD_SPAN.as_nanos()
    }
}

/// Traffic from one end of a connection to the other in a span of virtual time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Passed {
    /// Payload bytes that have arrived at the other end, per second.
    pub bytes_per_second: f64,
    /// Packets sent.
    pub packets: u64,
    /// Retransmitted packets among them.
    pub retransmits: u64,
}

impl Passed {
    /// Returns the share of retransmitted packets in percent; `None` if no packet was sent.
    pub fn resent_percent(&self) -> Option<f64> {
        (self.packets > 0).then(|| 100.0 * self.retransmits as f64 / self.packets as f64)
    }
}

/// Adds what has passed in one direction to what has passed in the other.
impl Add for Passed {
    type Output = Passed;

    fn add(self, other: Passed) -> Passed {
        Passed {
            bytes_per_second: self.bytes_per_second + other.bytes_per_second,
            packets: self.packets + other.packets,
            retransmits: self.retransmits + other.retransmits,
        }
    }
}

/// The latest records of a connection, which are shared and cost little to hand on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConnectionHistory {
    records: Vector<ConnectionRecord>,
    /// Counters before the first record that is kept; of the beginning of the connection while all are.
    before: Option<ConnectionRecord>,
}

impl ConnectionHistory {
    /// Takes in a change. The last one of each [`RECORD_SPAN`] is kept, in at most [`RECORDS_MAX`] records.
    pub(crate) fn note(&mut self, sample: &ConnectionSample, stats: &ConnectionStats) {
        let record = ConnectionRecord::new(sample, stats);
        match self.records.back_mut().filter(|last| last.span() == record.span()) {
            Some(last) => *last = record,
            None => self.records.push_back(record),
        }
        if self.records.len() > RECORDS_MAX {
            self.before = self.records.pop_front();
        }
    }

    /// Returns the records, oldest first. Between two of them the connection stayed as the earlier one says.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &ConnectionRecord> + ExactSizeIterator {
        self.records.iter()
    }

    /// Returns what has passed from this end to the one with the history `peer` in the last `span` before `now`, or since the watch began
    /// if that was later; nothing if nothing is recorded. Bytes count when they arrive there, as those of transfers do: acknowledgements
    /// wait in queues of their own, and come in bursts.
    pub fn passed(&self, peer: &ConnectionHistory, now: SimTime, span: SimDuration) -> Passed {
        let (Some((first, last, _)), there) = (self.ends_of(now, span), peer.ends_of(now, span)) else {
            return Passed::default();
        };
        let rate = there.map_or(0.0, |(first, last, from)| {
            let (bytes, seconds) = (last.bytes_arrived.saturating_sub(first.bytes_arrived), (now - from).as_secs_f64());
            if seconds > 0.0 { bytes as f64 / seconds } else { 0.0 }
        });
        Passed {
            bytes_per_second: rate,
            packets: last.packets_sent.saturating_sub(first.packets_sent),
            retransmits: last.retransmits.saturating_sub(first.retransmits),
        }
    }

    /// Returns the records between which what has changed in the last `span` before `now` lies, and the instant from which on it counts.
    fn ends_of(&self, now: SimTime, span: SimDuration) -> Option<(&ConnectionRecord, &ConnectionRecord, SimTime)> {
        let begin = SimTime::from_nanos(now.as_nanos().saturating_sub(span.as_nanos()));
        let all = || self.before.iter().chain(&self.records);
        let earlier = all().take_while(|record| record.at <= begin).last();
        let (first, last) = (earlier.or_else(|| all().next())?, self.records.back()?);
        // What the next record counts may have passed since the beginning of its own span.
        let next = all()
            .find(|record| record.at > first.at)
            .map_or(now, |next| SimTime::from_nanos(next.span() * RECORD_SPAN.as_nanos()));
        Some((first, last, first.at.max(begin.min(next))))
    }
}

#[cfg(test)]
mod tests {
    use p2p_net::State;

    use super::*;

    fn at(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(ms)
    }

    fn noted(history: &mut ConnectionHistory, ms: u64, window: u32, bytes: u64) {
        let sample = ConnectionSample {
            at: at(ms),
            state: State::Established,
            phase: "open",
            window,
            threshold: None,
            in_flight: window / 2,
            srtt: SimDuration::from_millis(20),
            rto: SimDuration::from_millis(200),
            retransmits: bytes / 1_000,
        };
        let stats = ConnectionStats {
            packets_sent: bytes / 100,
            retransmits: bytes / 1_000,
            bytes_arrived: bytes,
            ..ConnectionStats::default()
        };
        history.note(&sample, &stats);
    }

    #[test]
    fn the_last_change_of_a_span_is_kept() {
        let mut history = ConnectionHistory::default();
        for (ms, window) in [(0, 10), (100, 11), (249, 12), (250, 13), (900, 7)] {
            noted(&mut history, ms, window, 0);
        }
        let kept: Vec<_> = history.records().map(|record| (record.at, record.window)).collect();
        assert_eq!(kept, [(at(249), 12), (at(250), 13), (at(900), 7)]);
        (4..=RECORDS_MAX as u64 + 10).for_each(|span| noted(&mut history, span * 250, 9, 0));
        assert_eq!((history.records().len(), history.records().next().unwrap().at), (RECORDS_MAX, at(11 * 250)));
    }

    #[test]
    fn what_has_passed_is_measured_over_the_span() {
        let mut history = ConnectionHistory::default();
        assert_eq!(history.passed(&history, at(5_000), SimDuration::from_secs(10)), Passed::default());
        assert_eq!(Passed::default().resent_percent(), None);
        (0..=20).for_each(|second| noted(&mut history, second * 1_000, 10, second * 5_000));
        let passed = history.passed(&history, at(20_000), SimDuration::from_secs(10));
        assert_eq!((passed.bytes_per_second, passed.packets, passed.retransmits), (5_000.0, 500, 50));
        assert_eq!((passed + passed).resent_percent(), Some(10.0));
        // In silence the rate falls, and before the span is full it is that of what there is.
        assert_eq!(history.passed(&history, at(25_000), SimDuration::from_secs(10)).bytes_per_second, 2_500.0);
        assert_eq!(history.passed(&history, at(40_000), SimDuration::from_secs(10)).packets, 0);
        assert_eq!(history.passed(&history, at(20_000), SimDuration::from_secs(60)).bytes_per_second, 5_000.0);
    }
}
