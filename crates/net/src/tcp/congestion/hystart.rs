//! HyStart: ends slow start before the queue overflows (Ha and Rhee 2011, "Taming the elephants"; Linux's variant).
//!
//! Two signals are evaluated once the window has 16 packets: a train of closely spaced acknowledgements that lasts longer
//! than half the round-trip time, and a round-trip time that has grown by an eighth.

use p2p_base::units::{SimDuration, SimTime};

use super::AckSample;

/// Smallest window for which the signals are evaluated, in packets.
const LOW_WINDOW: u32 = 16;
/// Largest interval between acknowledgements of one train.
const TRAIN_GAP: SimDuration = SimDuration::from_millis(2);
/// Number of round-trip times sampled in a round before the growth of the delay is evaluated.
const MIN_SAMPLES: u32 = 8;
/// Bounds of the growth of the round-trip time that ends slow start, in microseconds; between them it is an eighth.
const DELAY_THRESHOLD_US: (u64, u64) = (4_000, 16_000);
/// Largest burst that the stack passes down at once, in bytes; its transmission time adds to the allowed length of a train.
const BURST_BYTES: u64 = 65_536;

/// Measurements of the current round trip.
#[derive(Debug, Default)]
pub(super) struct HyStart {
    /// Offset whose acknowledgement ends the round.
    round_end: u64,
    round_start: SimTime,
    last_ack: SimTime,
    /// Smallest round-trip time of the round, in microseconds.
    round_min_us: Option<u64>,
    samples: u32,
    found: bool,
}

impl HyStart {
    /// Restarts the detection for a new slow start.
    pub(super) fn restart(&mut self, now: SimTime, sent_to: u64) {
        self.found = false;
        self.begin_round(now, sent_to);
    }

    /// Processes a round-trip time. Returns true if slow start should end.
    pub(super) fn handle_rtt(&mut self, window: u32, delay_min_us: u64, sample: &AckSample) -> bool {
        if self.found {
            return false;
        }
        if sample.acked_to > self.round_end {
            self.begin_round(sample.at, sample.sent_to);
        }
        if window >= LOW_WINDOW {
            self.found = self.train_is_long(delay_min_us, sample) || self.delay_has_grown(delay_min_us, sample.rtt_us);
        }
        self.found
    }

    fn begin_round(&mut self, now: SimTime, sent_to: u64) {
        self.round_start = now;
        self.last_ack = now;
        self.round_end = sent_to;
        self.round_min_us = None;
        self.samples = 0;
    }

    fn train_is_long(&mut self, delay_min_us: u64, sample: &AckSample) -> bool {
        if sample.at - self.last_ack > TRAIN_GAP {
            return false;
        }
        self.last_ack = sample.at;
        let cushion_us = match sample.pacing_rate {
            0 => 0,
            rate => (BURST_BYTES * 4 * 1_000_000 / rate).min(1_000),
        };
        let limit_us = (delay_min_us + cushion_us) / 2;
        (sample.at - self.round_start).as_nanos() / 1_000 > limit_us
    }

    fn delay_has_grown(&mut self, delay_min_us: u64, rtt_us: u64) -> bool {
        let round_min = self.round_min_us.map_or(rtt_us, |min| min.min(rtt_us));
        self.round_min_us = Some(round_min);
        if self.samples < MIN_SAMPLES {
            self.samples += 1;
            return false;
        }
        let (low, high) = DELAY_THRESHOLD_US;
        round_min > delay_min_us + (delay_min_us >> 3).clamp(low, high)
    }
}
