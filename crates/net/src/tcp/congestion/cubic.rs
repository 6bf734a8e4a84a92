//! CUBIC (RFC 9438): between two losses the window follows a cubic function of the time since the last one.
//!
//! Computed in integers, as in Linux: time in 1024ths of a second, read from a clock that advances with the jiffies, C =
//! 410/1024 ≈ 0.4, β = 717/1024 ≈ 0.7. Linux evaluates the curve at most once per jiffy, and limits the increase to one
//! packet for two acknowledged. Slow start is handled by [`CongestionWindow`] and [`HyStart`].

use p2p_base::units::SimTime;

use super::hystart::HyStart;
use super::{AckSample, CongestionWindow};
use crate::tcp::timer::{JIFFY, jiffies_at, jiffies_for_micros};

/// Multiplicative decrease factor β x 1024 (RFC 9438 §4.6: 0.7).
const BETA: u32 = 717;
/// Denominator of the factor β.
const BETA_SCALE: u32 = 1024;
/// Constant C x 1024 x 10 / 10 (RFC 9438 §5: 0.4), as Linux scales it.
const CUBE_SCALE: u64 = 410;
/// Number of fraction bits of a time: its unit is 2⁻¹⁰ seconds.
const TIME_BITS: u32 = 10;
/// Number of jiffies per second.
const HZ: u64 = 1_000_000_000 / JIFFY.as_nanos();
/// Acknowledgements per packet of growth of a NewReno flow with the same throughput, x 8 / window (RFC 9438 §4.3: α =
/// 3(1-β)/(1+β)).
const FRIENDLY_SCALE: u32 = 8 * (BETA_SCALE + BETA) / 3 / (BETA_SCALE - BETA);
/// Upper limit of the acknowledgements per packet of growth before the first loss (Linux).
const MAX_ACKS_BEFORE_LOSS: u32 = 20;

/// State of CUBIC between two losses (RFC 9438 §4.1.2).
#[derive(Debug, Default)]
pub(super) struct Cubic {
    /// W_max: the window at the last loss, or a little less if it fell twice in a row; 0 before the first loss.
    window_max: u32,
    /// Inflection point of the curve, in packets.
    origin: u32,
    /// K: time at which the curve reaches its inflection point, in 2⁻¹⁰ seconds from the start of the epoch.
    time_to_origin: u64,
    /// Start of the epoch, in jiffies; `None` from a loss until the next acknowledgement.
    epoch_start: Option<u64>,
    /// Window and jiffy for which `per_packet` was computed.
    computed_for: (u32, u64),
    /// Acknowledgements needed to grow the window by one packet.
    per_packet: u32,
    /// Estimated window of a NewReno flow (RFC 9438 §4.3: W_est), in packets.
    friendly_window: u32,
    /// Packets acknowledged towards the next increase of `friendly_window`.
    friendly_credit: u32,
    /// Smallest round-trip time, in microseconds; 0 before the first measurement.
    delay_min_us: u64,
    hystart: HyStart,
}

impl Cubic {
    pub(super) fn handle_rtt(&mut self, window: &mut CongestionWindow, sample: &AckSample) {
        let tick = jiffies_at(sample.at);
        // Shortly after the start of an epoch, round-trip times still reflect the queue that overflowed.
        if self.epoch_start.is_some_and(|start| tick - start < HZ) {
            return;
        }
        let rtt_us = sample.rtt_us.max(1);
        if self.delay_min_us == 0 || rtt_us < self.delay_min_us {
            self.delay_min_us = rtt_us;
        }
        if window.in_slow_start() && self.hystart.handle_rtt(window.size, self.delay_min_us, sample) {
            window.threshold = window.size;
        }
    }

    /// Returns the number of acknowledgements that grow the window by one packet now. `acked` of them have just arrived.
    pub(super) fn acks_per_packet(&mut self, now: SimTime, window: u32, acked: u32) -> u32 {
        self.friendly_credit += acked;
        let tick = jiffies_at(now);
        let (last_window, last_tick) = self.computed_for;
        if last_window == window && tick - last_tick <= HZ / 32 && self.per_packet > 0 {
            return self.per_packet;
        }
        if self.epoch_start.is_none() || tick != last_tick {
            self.computed_for = (window, tick);
            let start = self.begin_epoch(tick, window, acked);
            self.per_packet = self.acks_for_curve(tick - start, window);
        }
        self.per_packet = self.per_packet.min(self.acks_for_friendliness(window)).max(2);
        self.per_packet
    }

    /// Returns the threshold after a loss (RFC 9438 §4.6), and adjusts W_max (§4.7, fast convergence).
    pub(super) fn threshold_after_loss(&mut self, window: u32) -> u32 {
        self.epoch_start = None;
        self.window_max = if window < self.window_max { window * (BETA_SCALE + BETA) / (2 * BETA_SCALE) } else { window };
        (window * BETA / BETA_SCALE).max(2)
    }

    /// Discards the learnt state after a retransmission timeout (RFC 9438 §4.8).
    pub(super) fn reset(&mut self, now: SimTime, sent_to: u64) {
        *self = Cubic { hystart: std::mem::take(&mut self.hystart), ..Cubic::default() };
        self.hystart.restart(now, sent_to);
    }

    /// Excludes the time in which nothing was sent from the curve (RFC 9438 §5.8).
    pub(super) fn handle_resume(&mut self, now: SimTime, last_sent: SimTime) {
        let idle = jiffies_at(now) - jiffies_at(last_sent);
        if let Some(start) = &mut self.epoch_start {
            *start = (*start + idle).min(jiffies_at(now));
        }
    }

    /// Returns the jiffy at which the epoch began, and begins one if there is none.
    fn begin_epoch(&mut self, tick: u64, window: u32, acked: u32) -> u64 {
        if let Some(start) = self.epoch_start {
            return start;
        }
        self.epoch_start = Some(tick);
        self.friendly_credit = acked;
        self.friendly_window = window;
        let missing = self.window_max.saturating_sub(window);
        self.origin = self.window_max.max(window);
        self.time_to_origin = cube_root(u64::from(missing) * ((1 << (10 + 3 * TIME_BITS)) / CUBE_SCALE));
        tick
    }

    /// Evaluates the curve one round trip ahead (RFC 9438 §4.2 equation 1). Returns the acknowledgements per packet by which
    /// the window reaches it.
    fn acks_for_curve(&self, ticks: u64, window: u32) -> u32 {
        let ticks = ticks + jiffies_for_micros(self.delay_min_us);
        let time = (ticks << TIME_BITS) / HZ;
        let distance = time.abs_diff(self.time_to_origin);
        let cube = u128::from(CUBE_SCALE) * u128::from(distance).pow(3);
        let delta = u32::try_from(cube >> (10 + 3 * TIME_BITS)).unwrap_or(u32::MAX);
        let target =
            if time < self.time_to_origin { self.origin.saturating_sub(delta) } else { self.origin.saturating_add(delta) };
        let per_packet = if target > window { window / (target - window) } else { 100 * window };
        if self.window_max == 0 { per_packet.min(MAX_ACKS_BEFORE_LOSS) } else { per_packet }
    }

    /// Limits the acknowledgements per packet so that the window is never smaller than NewReno's (RFC 9438 §4.3).
    fn acks_for_friendliness(&mut self, window: u32) -> u32 {
        let per_packet = (window * FRIENDLY_SCALE) >> 3;
        while self.friendly_credit > per_packet {
            self.friendly_credit -= per_packet;
            self.friendly_window += 1;
        }
        if self.friendly_window > window { window / (self.friendly_window - window) } else { u32::MAX }
    }
}

/// Returns the cube root, rounded down.
fn cube_root(value: u64) -> u64 {
    let (mut low, mut high) = (0u64, 1u64 << 21);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if u128::from(middle).pow(3) <= u128::from(value) { low = middle } else { high = middle - 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Fast convergence: of a window that is smaller than at the loss before, (1 + β)/2 is the next inflection point.
    #[test]
    fn a_second_loss_lowers_the_inflection_point() {
        let mut cubic = Cubic::default();
        let after_loss = |window| (cubic.threshold_after_loss(window), cubic.window_max);
        assert_eq!([1_024, 1_000, 900].map(after_loss), [(717, 1_024), (700, 850), (630, 900)]);
    }

    proptest! {
        #[test]
        fn cube_roots_are_exact(value in 0..1u64 << 62) {
            let root = u128::from(cube_root(value));
            prop_assert!(root.pow(3) <= u128::from(value) && u128::from(value) < (root + 1).pow(3));
        }
    }
}
