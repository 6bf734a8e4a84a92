//! Congestion control: how the window grows, and to what it shrinks.
//!
//! The sender decides *when* the window may grow or must shrink; an algorithm says *by how much*. Two are known, CUBIC (RFC
//! 9438, with HyStart) and NewReno (RFC 5681, 6582), both in whole packets as Linux counts them. Knows nothing of sequence
//! numbers or timers.

mod cubic;
mod hystart;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use self::cubic::Cubic;
use crate::units::SimTime;

/// The first flight, in packets (RFC 6928).
pub(super) const INITIAL_WINDOW: u32 = 10;

/// A threshold that no window reaches: slow start has no end yet.
pub(super) const NO_THRESHOLD: u32 = 0x7fff_ffff;

/// Which algorithm a connection uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// The congestion window, in packets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// How many packets may be in flight.
    pub(super) size: u32,
    /// Above it the window grows slowly (RFC 5681 §3.1: ssthresh).
    pub(super) threshold: u32,
    /// Packets acknowledged towards the next step of slow growth.
    pub(super) credit: u32,
}

impl Window {
    fn new() -> Window {
        Window { size: INITIAL_WINDOW, threshold: NO_THRESHOLD, credit: 0 }
    }

    /// Whether it doubles every round trip.
    pub(super) fn in_slow_start(&self) -> bool {
        self.size < self.threshold
    }

    /// One packet more for each acknowledged, up to the threshold (RFC 5681 §3.1); what is left over for slow growth.
    fn slow_start(&mut self, acked: u32) -> u32 {
        let grown = (self.size + acked).min(self.threshold);
        let left = acked - (grown - self.size);
        self.size = grown;
        left
    }

    /// One packet more for every `per_packet` acknowledged.
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

/// What an acknowledgement told, as far as congestion control cares.
#[derive(Debug, Clone, Copy)]
pub(super) struct AckSample {
    /// Now.
    pub(super) at: SimTime,
    /// The round-trip time of the packet acknowledged last, in microseconds.
    pub(super) rtt_us: u64,
    /// The offset acknowledged so far.
    pub(super) acked_to: u64,
    /// The offset sent so far.
    pub(super) sent_to: u64,
    /// How fast the sender paces itself, in bytes a second; 0 where it does not know yet.
    pub(super) pacing_rate: u64,
}

/// The window and the algorithm that moves it.
#[derive(Debug)]
pub(super) struct Congestion {
    pub(super) window: Window,
    algorithm: Algorithm,
}

#[derive(Debug)]
enum Algorithm {
    NewReno,
    Cubic(Box<Cubic>),
}

impl Congestion {
    pub(super) fn new(control: CongestionControl) -> Congestion {
        let algorithm = match control {
            CongestionControl::NewReno => Algorithm::NewReno,
            CongestionControl::Cubic => Algorithm::Cubic(Box::default()),
        };
        Congestion { window: Window::new(), algorithm }
    }

    /// Takes in a round-trip time, which may end slow start.
    pub(super) fn on_rtt(&mut self, sample: &AckSample) {
        if let Algorithm::Cubic(cubic) = &mut self.algorithm {
            cubic.on_rtt(&mut self.window, sample);
        }
    }

    /// Grows the window for `acked` packets acknowledged while it was in full use.
    pub(super) fn on_ack(&mut self, now: SimTime, acked: u32) {
        let left = if self.window.in_slow_start() { self.window.slow_start(acked) } else { acked };
        if left == 0 {
            return;
        }
        let per_packet = match &mut self.algorithm {
            Algorithm::NewReno => self.window.size,
            Algorithm::Cubic(cubic) => cubic.acks_per_packet(now, self.window.size, left),
        };
        self.window.grow(per_packet, left);
    }

    /// The threshold after a loss (RFC 5681 §3.1 equation 4, RFC 9438 §4.6).
    pub(super) fn threshold_after_loss(&mut self) -> u32 {
        match &mut self.algorithm {
            Algorithm::NewReno => (self.window.size >> 1).max(2),
            Algorithm::Cubic(cubic) => cubic.threshold_after_loss(self.window.size),
        }
    }

    /// A retransmission timeout: what was learnt of the path is void.
    pub(super) fn on_timeout(&mut self, now: SimTime, sent_to: u64) {
        if let Algorithm::Cubic(cubic) = &mut self.algorithm {
            cubic.reset(now, sent_to);
        }
    }

    /// The window halves for every one of `timeouts` that passed in silence, down to the first flight (RFC 2861 §3.1), and
    /// three quarters of it become the threshold, so that it is soon reached again.
    pub(super) fn decay(&mut self, timeouts: u64) {
        self.window.threshold = self.threshold_now();
        let floor = self.window.size.min(INITIAL_WINDOW);
        let halved = u32::try_from(timeouts).ok().and_then(|times| self.window.size.checked_shr(times)).unwrap_or(0);
        self.window.size = halved.max(floor);
    }

    /// Of the window only `used` packets were used, or fewer than the first flight: it falls half the way to that, and three
    /// quarters of it become the threshold (Linux `tcp_cwnd_application_limited`).
    pub(super) fn shrink_to_use(&mut self, used: u32) {
        let used = used.max(INITIAL_WINDOW);
        if used < self.window.size {
            self.window.threshold = self.threshold_now();
            self.window.size = u32::midpoint(self.window.size, used);
        }
    }

    /// The threshold that stands for the window in use: three quarters of it, where that is more than the threshold set.
    pub(super) fn threshold_now(&self) -> u32 {
        self.window.threshold.max((self.window.size >> 1) + (self.window.size >> 2))
    }

    /// Forgets what the algorithm has learnt, and keeps the window.
    pub(super) fn begin_anew(&mut self) {
        if let Algorithm::Cubic(cubic) = &mut self.algorithm {
            **cubic = Cubic::default();
        }
    }

    /// Sending resumes with nothing in flight; the last packet left at `last_sent`.
    pub(super) fn on_resume(&mut self, now: SimTime, last_sent: SimTime) {
        if let Algorithm::Cubic(cubic) = &mut self.algorithm {
            cubic.on_resume(now, last_sent);
        }
    }
}

#[cfg(test)]
mod tests;
