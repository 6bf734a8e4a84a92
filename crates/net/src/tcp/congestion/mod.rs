//! Congestion control: the growth and the reduction of the congestion window.
//!
//! The sender decides *when* the window may grow or must shrink; an algorithm decides *by how much*. Two are implemented,
//! CUBIC (RFC 9438, with HyStart) and NewReno (RFC 5681, 6582), both in whole packets as Linux counts them.

mod cubic;
mod hystart;

use std::fmt;
use std::str::FromStr;

use p2p_base::units::SimTime;

use self::cubic::Cubic;

/// Initial congestion window, in packets (RFC 6928).
pub(super) const INITIAL_WINDOW: u32 = 10;

/// Threshold that no window reaches, set while slow start has no limit.
pub(super) const NO_THRESHOLD: u32 = 0x7fff_ffff;

/// Congestion control algorithm of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum CongestionControl {
    /// CUBIC (RFC 9438) with HyStart: Linux's default.
    #[default]
    Cubic,
    /// NewReno (RFC 5681, 6582).
    NewReno,
}

impl fmt::Display for CongestionControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            CongestionControl::Cubic => "cubic",
            CongestionControl::NewReno => "newreno",
        })
    }
}

impl FromStr for CongestionControl {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "cubic" => Ok(CongestionControl::Cubic),
            "newreno" | "reno" => Ok(CongestionControl::NewReno),
            _ => Err(format!("`{text}` is no congestion control known here (known: cubic, newreno)")),
        }
    }
}

/// Congestion window of a connection end, in packets.
#[derive(Debug, Clone, Copy)]
pub(super) struct CongestionWindow {
    /// Number of packets that may be in flight.
    pub(super) size: u32,
    /// Slow-start threshold, from which on the window grows slowly (RFC 5681 §3.1: ssthresh).
    pub(super) threshold: u32,
    /// Packets acknowledged towards the next increase in congestion avoidance.
    pub(super) credit: u32,
}

impl CongestionWindow {
    fn new() -> CongestionWindow {
        CongestionWindow { size: INITIAL_WINDOW, threshold: NO_THRESHOLD, credit: 0 }
    }

    /// Returns true in slow start, in which the window doubles every round trip.
    pub(super) fn in_slow_start(&self) -> bool {
        self.size < self.threshold
    }

    /// Grows the window by one packet for each packet acknowledged, up to the threshold (RFC 5681 §3.1). Returns the
    /// acknowledged packets left over for congestion avoidance.
    fn slow_start(&mut self, acked: u32) -> u32 {
        let grown = (self.size + acked).min(self.threshold);
        let left = acked - (grown - self.size);
        self.size = grown;
        left
    }

    /// Grows the window by one packet for every `per_packet` packets acknowledged.
    fn grow(&mut self, per_packet: u32, acked: u32) {
        if self.credit >= per_packet {
            self.credit = 0;
            self.size += 1;
        }
        self.credit += acked;
        if self.credit >= per_packet {
            self.size += self.credit / per_packet;
            self.credit %= per_packet;
        }
    }
}

/// Measurements of one acknowledgement that congestion control uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct AckSample {
    /// Instant of the acknowledgement.
    pub(super) at: SimTime,
    /// Round-trip time of the packet acknowledged last, in microseconds.
    pub(super) rtt_us: u64,
    /// Offset acknowledged so far.
    pub(super) acked_to: u64,
    /// Offset sent so far.
    pub(super) sent_to: u64,
    /// Pacing rate of the sender, in bytes per second; 0 while it is unknown.
    pub(super) pacing_rate: u64,
}

/// The congestion window, and the algorithm that changes it.
#[derive(Debug)]
pub(super) struct Congestion {
    pub(super) window: CongestionWindow,
    algorithm: CongestionControl,
    /// State of CUBIC, from the first measurement or loss on.
    cubic: Option<Box<Cubic>>,
}

impl Congestion {
    pub(super) fn new(control: CongestionControl) -> Congestion {
        Congestion { window: CongestionWindow::new(), algorithm: control, cubic: None }
    }

    /// Processes a round-trip time, which may end slow start.
    pub(super) fn handle_rtt(&mut self, sample: &AckSample) {
        if self.algorithm == CongestionControl::Cubic {
            self.cubic.get_or_insert_default().handle_rtt(&mut self.window, sample);
        }
    }

    /// Grows the window after `acked` packets were acknowledged while it was fully used.
    pub(super) fn handle_ack(&mut self, now: SimTime, acked: u32) {
        let left = if self.window.in_slow_start() { self.window.slow_start(acked) } else { acked };
        if left == 0 {
            return;
        }
        let per_packet = match self.algorithm {
            CongestionControl::NewReno => self.window.size,
            CongestionControl::Cubic => self.cubic.get_or_insert_default().acks_per_packet(now, self.window.size, left),
        };
        self.window.grow(per_packet, left);
    }

    /// Returns the threshold after a loss (RFC 5681 §3.1 equation 4, RFC 9438 §4.6).
    pub(super) fn threshold_after_loss(&mut self) -> u32 {
        match self.algorithm {
            CongestionControl::NewReno => (self.window.size >> 1).max(2),
            CongestionControl::Cubic => self.cubic.get_or_insert_default().threshold_after_loss(self.window.size),
        }
    }

    /// Discards what was learnt about the path, after a retransmission timeout.
    pub(super) fn handle_timeout(&mut self, now: SimTime, sent_to: u64) {
        if self.algorithm == CongestionControl::Cubic {
            self.cubic.get_or_insert_default().reset(now, sent_to);
        }
    }

    /// Halves the window for each of the `timeouts` that passed without transmission, down to the initial window (RFC 2861
    /// §3.1). Three quarters of the old window become the threshold, so that it is soon reached again.
    pub(super) fn decay(&mut self, timeouts: u64) {
        self.window.threshold = self.threshold_now();
        let floor = self.window.size.min(INITIAL_WINDOW);
        let halved = u32::try_from(timeouts).ok().and_then(|times| self.window.size.checked_shr(times)).unwrap_or(0);
        self.window.size = halved.max(floor);
    }

    /// Shrinks a window of which only `used` packets (at least the initial window) were in use halfway to that number. Three
    /// quarters of the old window become the threshold (Linux `tcp_cwnd_application_limited`).
    pub(super) fn shrink_to_use(&mut self, used: u32) {
        let used = used.max(INITIAL_WINDOW);
        if used < self.window.size {
            self.window.threshold = self.threshold_now();
            self.window.size = u32::midpoint(self.window.size, used);
        }
    }

    /// Returns the threshold that represents the window in use: three quarters of the window, or the threshold set if that is
    /// higher.
    pub(super) fn threshold_now(&self) -> u32 {
        self.window.threshold.max((self.window.size >> 1) + (self.window.size >> 2))
    }

    /// Discards what the algorithm has learnt, and keeps the window.
    pub(super) fn begin_anew(&mut self) {
        self.cubic = None;
    }

    /// Informs the algorithm that sending resumes with nothing in flight; the last packet was sent at `last_sent`.
    pub(super) fn handle_resume(&mut self, now: SimTime, last_sent: SimTime) {
        if let Some(cubic) = &mut self.cubic {
            cubic.handle_resume(now, last_sent);
        }
    }
}

#[cfg(test)]
mod tests;
