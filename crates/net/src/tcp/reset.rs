//! Validation of resets: which of them end a connection, and which are answered or ignored (RFC 5961 §3.2).
//!
//! A reset whose sequence number is not exactly the one expected may be a forgery, or have overtaken data. The answer, a challenge
//! ACK, makes an honest peer that has no connection any more send one with the right number.

use p2p_base::units::SimTime;

use super::receiver::Receiver;
use super::state::{CloseReason, State};
use super::timer::{jiffies_at, jiffies_for_micros};
use crate::packet::Packet;

/// Shortest time between two challenge ACKs of a connection (Linux `tcp_invalid_ratelimit`).
const CHALLENGE_GAP_US: u64 = 500_000;

/// Consequence of a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The connection ends, with a reason unless that is known already.
    End(Option<CloseReason>),
    /// The reset is answered with a challenge ACK.
    Challenge,
    /// The reset has no consequence.
    Ignore,
}

/// Judge of the resets that arrive at one end of a connection.
#[derive(Debug, Default)]
pub(super) struct Resets {
    /// Jiffy from which on the next challenge ACK may be sent.
    next_challenge: u64,
}

impl Resets {
    /// Judges a reset. Before the connection is synchronised it counts if it acknowledges the SYN or lies in the window (RFC 9293
    /// §3.10.7.3; Linux `tcp_check_req`). Afterwards its number has to be exact, which in TIME-WAIT means RCV.NXT (Linux
    /// `tcp_timewait_state_process`).
    pub(super) fn judge(&mut self, now: SimTime, packet: &Packet, state: State, receiver: &Receiver) -> Verdict {
        let is_in_window = receiver.is_in_window(packet.seq);
        match state {
            State::SynSent if packet.ack == 1 => Verdict::End(Some(CloseReason::Refused)),
            State::SynReceived if is_in_window => Verdict::End(Some(CloseReason::Reset)),
            State::TimeWait if packet.seq == receiver.expected() => Verdict::End(None),
            State::Closed => Verdict::End(None),
            State::SynSent | State::SynReceived | State::TimeWait => Verdict::Ignore,
            _ if is_exact(packet.seq, state, receiver) => Verdict::End(Some(CloseReason::Reset)),
            _ if is_in_window && self.may_challenge(now) => Verdict::Challenge,
            _ => Verdict::Ignore,
        }
    }

    /// Returns true, and counts a challenge ACK, if the last one is long enough ago (Linux `__tcp_oow_rate_limited`).
    fn may_challenge(&mut self, now: SimTime) -> bool {
        let tick = jiffies_at(now);
        let may = tick >= self.next_challenge;
        if may {
            self.next_challenge = tick + jiffies_for_micros(CHALLENGE_GAP_US);
        }
        may
    }
}

/// Returns true if a reset is numbered as its sender would number it: at RCV.NXT, at a FIN that has been received, or behind the last
/// data that has arrived, where packets before it were lost (Linux `tcp_validate_incoming`, `tcp_reset_check`).
fn is_exact(seq: u64, state: State, receiver: &Receiver) -> bool {
    let has_fin = matches!(state, State::CloseWait | State::LastAck | State::Closing);
    seq == receiver.expected() || has_fin && seq + 1 == receiver.expected() || receiver.end_beyond() == Some(seq)
}

#[cfg(test)]
mod tests {
    use p2p_base::units::SimDuration;

    use super::*;
    use crate::packet::Side;

    fn judge(resets: &mut Resets, at_ms: u64, seq: u64, state: State) -> Verdict {
        let packet = Packet { seq, ..Packet::header(0, Side::Opener) };
        resets.judge(SimTime::ZERO + SimDuration::from_millis(at_ms), &packet, state, &Receiver::new(1 << 20, false))
    }

    #[test]
    fn the_number_decides() {
        let end = Verdict::End(Some(CloseReason::Reset));
        for (state, seq, verdict) in [
            (State::Established, 1, end),
            (State::Established, 2, Verdict::Challenge),
            (State::Established, 0, Verdict::Ignore),
            (State::Established, 1 << 24, Verdict::Ignore),
            (State::FinWait2, 2, Verdict::Challenge),
            (State::CloseWait, 0, end),
            (State::LastAck, 0, end),
            (State::Closing, 0, end),
            (State::FinWait1, 0, Verdict::Ignore),
            (State::SynReceived, 2, end),
            (State::SynReceived, 1 << 24, Verdict::Ignore),
            (State::TimeWait, 1, Verdict::End(None)),
            (State::TimeWait, 2, Verdict::Ignore),
            (State::SynSent, 1, Verdict::Ignore),
        ] {
            assert_eq!(judge(&mut Resets::default(), 0, seq, state), verdict, "{state:?} {seq}");
        }
    }

    #[test]
    fn challenges_are_half_a_second_apart() {
        let mut resets = Resets::default();
        let verdicts = [1_000, 1_300, 1_496, 1_500, 1_600].map(|at| judge(&mut resets, at, 2, State::Established));
        let (challenge, ignore) = (Verdict::Challenge, Verdict::Ignore);
        assert_eq!(verdicts, [challenge, ignore, ignore, challenge, ignore]);
        assert_eq!(judge(&mut resets, 1_700, 1, State::Established), Verdict::End(Some(CloseReason::Reset)));
    }
}
