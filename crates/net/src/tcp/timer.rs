//! The timers of a connection, and the jiffies to which Linux rounds them.
//!
//! Linux keeps TCP's timers in a wheel that advances once per jiffy, and rounds up so that no timer expires early; the delay
//! and the rounding are visible in the duration of a transfer, so they are part of the model.

use p2p_base::units::{SimDuration, SimTime};

/// One jiffy: a tick of the kernel's clock with `CONFIG_HZ=250`, the common setting and that of the hosts measured.
pub(super) const JIFFY: SimDuration = SimDuration::from_millis(4);

/// Returns the number of jiffies that have passed at `now`.
pub(super) fn jiffies_at(now: SimTime) -> u64 {
    now.as_nanos() / JIFFY.as_nanos()
}

/// Returns the number of jiffies that cover `micros` microseconds.
pub(super) fn jiffies_for_micros(micros: u64) -> u64 {
    micros.div_ceil(JIFFY.as_nanos() / 1_000)
}

/// Returns the length of `jiffies` ticks in microseconds.
pub(super) fn micros_of_jiffies(jiffies: u64) -> u64 {
    jiffies * (JIFFY.as_nanos() / 1_000)
}

/// Returns the instant at which a timer that is set at `now` for `jiffies` ticks expires. The first level of the wheel holds
/// 63 ticks exactly, each level above it is eight times as coarse, and every level rounds up by one of its steps.
pub(super) fn expiry(now: SimTime, jiffies: u64) -> SimTime {
    const LEVEL_BITS: u32 = 3;
    const FIRST_LEVEL: u64 = 63;
    let mut shift = 0;
    while jiffies >= FIRST_LEVEL << shift {
        shift += LEVEL_BITS;
    }
    let due = jiffies_at(now).saturating_add(jiffies);
    let bucket = (due >> shift).saturating_add(1) << shift;
    SimTime::from_nanos(bucket.saturating_mul(JIFFY.as_nanos()))
}

/// Timers of a connection, by purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// Retransmission of a SYN or SYN-ACK.
    Handshake,
    /// The sender's single timer: retransmission, reordering, loss probe or window probe.
    Transmit,
    /// End of the user timeout, where the sender's timer expires only after it.
    Patience,
    /// Transmission of a delayed acknowledgement.
    DelayedAck,
    /// Transmission of a compressed selective acknowledgement.
    CompressedAck,
    /// Time limit of the connection: for its opening, for its keep-alive, and in FIN-WAIT-2 and TIME-WAIT.
    Lifetime,
}

impl Timer {
    const ALL: [Timer; 6] =
        [Timer::Handshake, Timer::Transmit, Timer::Patience, Timer::DelayedAck, Timer::CompressedAck, Timer::Lifetime];
}

/// Expiry of each timer; [`SimTime::MAX`] if it is not set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timers([SimTime; Timer::ALL.len()]);

impl Timers {
    pub(super) fn new() -> Timers {
        Timers([SimTime::MAX; Timer::ALL.len()])
    }

    pub(super) fn set(&mut self, timer: Timer, at: SimTime) {
        self.0[timer as usize] = at;
    }

    pub(super) fn cancel(&mut self, timer: Timer) {
        self.0[timer as usize] = SimTime::MAX;
    }

    pub(super) fn cancel_all(&mut self) {
        *self = Timers::new();
    }

    pub(super) fn at(&self, timer: Timer) -> SimTime {
        self.0[timer as usize]
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.at(timer) != SimTime::MAX
    }

    /// Returns the earliest expiry; `None` if no timer is set.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.0.iter().copied().min().filter(|&at| at < SimTime::MAX)
    }

    /// Clears and returns one timer that has expired, in the order of their declaration.
    pub(super) fn take_expired(&mut self, now: SimTime) -> Option<Timer> {
        let timer = Timer::ALL.into_iter().find(|&timer| self.at(timer) <= now)?;
        self.cancel(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_timer_runs_out_on_a_tick_and_never_early() {
        let now = SimTime::from_nanos(1_000_000);
        assert_eq!(expiry(now, 10), SimTime::from_nanos(44_000_000));
        assert_eq!(jiffies_for_micros(200_001), 51);
    }

    #[test]
    fn a_long_timer_is_eight_times_as_coarse() {
        let second = 250;
        assert_eq!(expiry(SimTime::ZERO, second).as_nanos() % (8 * JIFFY.as_nanos()), 0);
    }

    #[test]
    fn timers_are_taken_once() {
        let mut timers = Timers::new();
        assert_eq!(timers.next(), None);
        timers.set(Timer::DelayedAck, SimTime::from_nanos(5));
        timers.set(Timer::Transmit, SimTime::from_nanos(9));
        assert_eq!(timers.take_expired(SimTime::from_nanos(4)), None);
        assert_eq!(timers.take_expired(SimTime::from_nanos(5)), Some(Timer::DelayedAck));
        assert_eq!(timers.take_expired(SimTime::from_nanos(5)), None);
        assert_eq!(timers.next(), Some(SimTime::from_nanos(9)));
    }

    proptest! {
        #[test]
        fn no_timer_is_early_or_later_than_an_eighth(now in 0u64..1u64 << 50, jiffies in 1u64..30_000) {
            let now = SimTime::from_nanos(now);
            let wait = expiry(now, jiffies) - now;
            let asked = SimDuration::from_nanos(jiffies * JIFFY.as_nanos());
            prop_assert!(wait >= asked);
            prop_assert!(wait.as_nanos() <= asked.as_nanos() + asked.as_nanos() / 7 + 2 * JIFFY.as_nanos());
        }
    }
}
