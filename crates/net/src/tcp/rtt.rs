//! Round-trip times and the retransmission timeout (RFC 6298), with the bounds and the gains that Linux uses.
//!
//! Linux keeps the smoothed time and the deviation scaled by 8 and 4, damps the deviation when a sample falls below the mean,
//! and keeps the deviation's share of the timeout (`RTTVAR`) at 200 ms or more for the length of a flight: RTO = SRTT +
//! max(200 ms, 4 x deviation). All values are in microseconds.

use p2p_base::units::{SimDuration, SimTime};

use super::timer::{jiffies_for_micros, micros_of_jiffies};

/// Retransmission timeout before the first measurement, in microseconds (RFC 6298 §2.1).
pub(super) const INITIAL_RTO_US: u64 = 1_000_000;
/// Smallest share of the deviation in the timeout, in microseconds (Linux `TCP_RTO_MIN`).
pub(super) const MIN_RTO_US: u64 = 200_000;
/// Largest timeout, in microseconds (Linux `TCP_RTO_MAX`).
pub(super) const MAX_RTO_US: u64 = 120_000_000;
/// Time for which the smallest round-trip time is remembered, in microseconds (Linux `tcp_min_rtt_wlen`).
const MIN_RTT_WINDOW_US: u64 = 300_000_000;
/// Largest round-trip time that is told from longer ones, in microseconds: nine minutes, because it is kept x 8 in 32 bits, as in Linux.
const MAX_SAMPLE_US: u64 = (u32::MAX >> 3) as u64;

/// Estimator of the round-trip time and the retransmission timeout.
#[derive(Debug)]
pub(super) struct RttEstimator {
    /// Smoothed round-trip time (SRTT) x 8; 0 before the first sample.
    srtt_x8: u32,
    /// Mean deviation x 4.
    deviation_x4: u32,
    /// Largest deviation of the current flight, x 4.
    deviation_max_x4: u32,
    /// Share of the deviation that the timeout adds to SRTT.
    variance: u32,
    /// Retransmission timeout in jiffies, with the doublings since the last sample.
    rto_jiffies: u32,
    /// Offset whose acknowledgement ends the current flight.
    flight_end: u64,
    min: WindowedMin,
}

impl RttEstimator {
    pub(super) fn new() -> RttEstimator {
        RttEstimator {
            srtt_x8: 0,
            deviation_x4: INITIAL_RTO_US as u32,
            deviation_max_x4: INITIAL_RTO_US as u32,
            variance: INITIAL_RTO_US as u32,
            rto_jiffies: jiffies_for_micros(INITIAL_RTO_US) as u32,
            flight_end: 0,
            min: WindowedMin::default(),
        }
    }

    /// Returns the smoothed round-trip time in microseconds; 0 before the first sample.
    pub(super) fn srtt_us(&self) -> u64 {
        u64::from(self.srtt_x8 >> 3)
    }

    /// Returns the smoothed round-trip time x 8, in microseconds.
    pub(super) fn srtt_x8_us(&self) -> u64 {
        u64::from(self.srtt_x8)
    }

    /// Returns the smallest round-trip time of the last five minutes, in microseconds; [`u64::MAX`] before the first sample.
    pub(super) fn min_us(&self) -> u64 {
        self.min.value()
    }

    /// Returns the retransmission timeout in jiffies.
    pub(super) fn rto_jiffies(&self) -> u64 {
        u64::from(self.rto_jiffies)
    }

    /// Returns the retransmission timeout without its doublings.
    pub(super) fn first_rto(&self) -> SimDuration {
        SimDuration::from_micros(self.first_rto_us())
    }

    fn first_rto_us(&self) -> u64 {
        (self.srtt_us() + u64::from(self.variance)).min(MAX_RTO_US)
    }

    /// Returns the retransmission timeout, for screens and traces.
    pub(super) fn rto(&self) -> SimDuration {
        SimDuration::from_micros(micros_of_jiffies(self.rto_jiffies()))
    }

    /// Adds a measurement of `rtt_us` microseconds and recomputes the timeout, which cancels its doublings (RFC 6298 §2.2,
    /// §2.3, §5.7). `acked` and `sent` are the offsets acknowledged and sent so far: once per flight the deviation may fall.
    pub(super) fn sample(&mut self, rtt_us: u64, acked: u64, sent: u64) {
        let rtt_us = rtt_us.min(MAX_SAMPLE_US) as u32;
        if self.srtt_x8 == 0 {
            self.first_sample(rtt_us, sent);
        } else {
            self.later_sample(rtt_us, acked, sent);
        }
        self.rto_jiffies = jiffies_for_micros(self.first_rto_us()) as u32;
    }

    /// Adds a measurement for the smallest round-trip time, which uses a sample of its own: that of the packet acknowledged
    /// last.
    pub(super) fn sample_min(&mut self, now: SimTime, rtt_us: u64) {
        self.min.update(now.as_nanos() / 1_000, rtt_us.clamp(1, MAX_SAMPLE_US) as u32, MIN_RTT_WINDOW_US);
    }

    /// Doubles the timeout (RFC 6298 §5.5).
    pub(super) fn back_off(&mut self) {
        self.rto_jiffies = (self.rto_jiffies * 2).min(jiffies_for_micros(MAX_RTO_US) as u32);
    }

    fn first_sample(&mut self, rtt_us: u32, sent: u64) {
        self.srtt_x8 = (rtt_us << 3).max(1);
        self.deviation_x4 = rtt_us << 1;
        self.variance = self.deviation_x4.max(MIN_RTO_US as u32);
        self.deviation_max_x4 = self.variance;
        self.flight_end = sent;
    }

    fn later_sample(&mut self, rtt_us: u32, acked: u64, sent: u64) {
        let error = rtt_us as i32 - (self.srtt_x8 >> 3) as i32;
        self.srtt_x8 = self.srtt_x8.saturating_add_signed(error).max(1);
        let mut step = error.abs() - (self.deviation_x4 >> 2) as i32;
        if error < 0 && step > 0 {
            step >>= 3;
        }
        self.deviation_x4 = self.deviation_x4.saturating_add_signed(step);
        if self.deviation_x4 > self.deviation_max_x4 {
            self.deviation_max_x4 = self.deviation_x4;
            self.variance = self.variance.max(self.deviation_max_x4);
        }
        if acked > self.flight_end {
            if self.deviation_max_x4 < self.variance {
                self.variance -= (self.variance - self.deviation_max_x4) >> 2;
            }
            self.flight_end = sent;
            self.deviation_max_x4 = MIN_RTO_US as u32;
        }
    }
}

/// Minimum over a sliding window of time, kept as three samples (Nichols's windowed filter, as in Linux's `win_minmax`): their instants
/// and their values.
#[derive(Debug, Clone, Copy)]
struct WindowedMin {
    at: [u64; 3],
    values: [u32; 3],
}

impl Default for WindowedMin {
    fn default() -> Self {
        WindowedMin { at: [0; 3], values: [u32::MAX; 3] }
    }
}

impl WindowedMin {
    fn value(&self) -> u64 {
        let best = self.values[0];
        if best == u32::MAX { u64::MAX } else { u64::from(best) }
    }

    fn set(&mut self, place: usize, (at, value): (u64, u32)) {
        (self.at[place], self.values[place]) = (at, value);
    }

    fn update(&mut self, at: u64, value: u32, window: u64) {
        if value <= self.values[0] || at.saturating_sub(self.at[2]) > window {
            *self = WindowedMin { at: [at; 3], values: [value; 3] };
            return;
        }
        if value <= self.values[1] {
            self.set(1, (at, value));
            self.set(2, (at, value));
        } else if value <= self.values[2] {
            self.set(2, (at, value));
        }
        self.age((at, value), window);
    }

    /// Discards the best sample once it is older than the window, and keeps the others spread over the window.
    fn age(&mut self, sample: (u64, u32), window: u64) {
        let age = sample.0 - self.at[0];
        if age > window {
            self.shift(sample);
            if sample.0 - self.at[0] > window {
                self.shift(sample);
            }
        } else if self.at[1] == self.at[0] && age > window / 4 {
            self.set(1, sample);
            self.set(2, sample);
        } else if self.at[2] == self.at[1] && age > window / 2 {
            self.set(2, sample);
        }
    }

    fn shift(&mut self, (at, value): (u64, u32)) {
        self.at = [self.at[1], self.at[2], at];
        self.values = [self.values[1], self.values[2], value];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_timeout_is_the_mean_and_at_least_200_ms() {
        let mut rtt = RttEstimator::new();
        assert_eq!(rtt.rto(), SimDuration::from_secs(1));
        rtt.sample(50_000, 1, 10);
        assert_eq!(rtt.srtt_us(), 50_000);
        assert_eq!(rtt.rto(), SimDuration::from_millis(252));
    }

    #[test]
    fn a_timeout_doubles_until_a_sample_comes_and_stops_at_two_minutes() {
        let mut rtt = RttEstimator::new();
        rtt.sample(50_000, 1, 10);
        rtt.back_off();
        assert_eq!(rtt.rto(), SimDuration::from_millis(504));
        for _ in 0..20 {
            rtt.back_off();
        }
        assert_eq!(rtt.rto(), SimDuration::from_secs(120));
        rtt.sample(50_000, 2, 10);
        assert_eq!(rtt.rto(), SimDuration::from_millis(252));
    }

    #[test]
    fn the_smallest_time_is_forgotten_after_five_minutes() {
        let mut rtt = RttEstimator::new();
        let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
        rtt.sample_min(at(0), 10);
        for secs in 1..=300 {
            rtt.sample_min(at(secs), 20);
            assert_eq!(rtt.min_us(), 10);
        }
        rtt.sample_min(at(301), 20);
        assert_eq!(rtt.min_us(), 20);
    }

    proptest! {
        #[test]
        fn the_timeout_stays_within_its_bounds(samples in proptest::collection::vec(1u64..10_000_000, 1..200)) {
            let mut rtt = RttEstimator::new();
            for (n, sample) in samples.into_iter().enumerate() {
                rtt.sample(sample, n as u64, n as u64 + 10);
                prop_assert!(rtt.rto() >= SimDuration::from_micros(MIN_RTO_US + rtt.srtt_us()));
                prop_assert!(rtt.rto() <= SimDuration::from_micros(MAX_RTO_US));
            }
        }
    }
}
