//! Transmission of new data: the amount that the windows allow, and the bursts in which it leaves.
//!
//! A packet is sent when the congestion window, the peer's window and Nagle's rule allow it. Linux passes packets down in
//! bursts of about a millisecond's worth and waits briefly for a burst to fill; this affects the queues, so it is part of the
//! model (`tcp_tso_autosize`, `tcp_tso_should_defer`).

use p2p_base::units::{SimDuration, SimTime};

use super::Sender;
use super::recovery::RecoveryPhase;
use super::runs::LastPacket;
use super::timeout::Waiting;
use crate::packet::{Flags, MSS};
use crate::tcp::step::Step;
use crate::tcp::timer::jiffies_at;

/// Largest burst passed down at once, in bytes (Linux `GSO_LEGACY_MAX_SIZE`).
const MAX_BURST_BYTES: u64 = 65_536;
const _: () = assert!(MAX_BURST_BYTES / (MSS as u64) <= u8::MAX as u64, "the scoreboard counts the packets of a burst in a byte");
/// Smallest burst size, in packets (Linux `tcp_min_tso_segs`).
const MIN_BURST_PACKETS: u32 = 2;
/// Longest wait for a burst to fill; a burst waits only if the previous one was sent within this time.
const BURST_PATIENCE: SimDuration = SimDuration::from_millis(1);
/// Divisor of the window: a burst of a third of the window is not delayed (Linux `tcp_tso_win_divisor`).
const WINDOW_SHARE: u64 = 3;

/// Record of the use of the congestion window, which may grow only while it limits the sender (RFC 7661 §4.1, RFC 9438 §5.8).
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Usage {
    /// True if the window was the limit at some time in this round.
    limited: bool,
    /// Largest number of packets outstanding in this round.
    max_outstanding: u32,
    /// Offset whose acknowledgement ends the round.
    round_end: u64,
    /// Largest number of packets outstanding since the window was last fully used (Linux `snd_cwnd_used`); then the time of
    /// that use, in jiffies (`snd_cwnd_stamp`).
    used: u32,
    full_at: u64,
}

impl Usage {
    /// Marks the window as fully used, and thus valid, at `now`.
    pub(super) fn renew(&mut self, now: SimTime) {
        self.full_at = jiffies_at(now);
    }
}

/// Rules by which new data is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pushing {
    /// Send as much as the windows and Nagle's rule allow.
    ByNagle,
    /// Send as much as the windows allow.
    All,
    /// Send one burst, while the application continues to write.
    OneBurst,
}

/// Reason for which sending stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    NothingToSend,
    CongestionWindow,
    PeerWindow,
    Patience { at_window: bool },
}

impl Sender {
    /// Sends the data that may be sent. Call it after a write and after every packet received.
    pub(in crate::tcp) fn transmit(&mut self, step: &mut Step) {
        if self.nxt == self.end_to_send() {
            return;
        }
        self.resume_after_idle(step);
        self.send_bursts(step, Pushing::ByNagle);
    }

    /// Sends new data without Nagle's rule, as F-RTO requires (RFC 5682 §3.1 step 2b).
    pub(super) fn transmit_now(&mut self, step: &mut Step) {
        if self.nxt < self.end_to_send() {
            self.send_bursts(step, Pushing::All);
        }
    }

    /// Sends one burst of new data without Nagle's rule and without waiting for it to fill (Linux `tcp_push_one`).
    pub(super) fn transmit_one_burst(&mut self, step: &mut Step) {
        if self.nxt < self.end_to_send() {
            self.resume_after_idle(step);
            self.send_bursts(step, Pushing::OneBurst);
        }
    }

    /// Sends one packet of new data beyond the congestion window, as a loss probe. Returns false if there is none to send.
    pub(super) fn transmit_probe(&mut self, step: &mut Step) -> bool {
        let room = self.peer_window_end().saturating_sub(self.nxt);
        let left = self.written.saturating_sub(self.nxt);
        let len = left.min(u64::from(MSS));
        if left == 0 || len > room {
            return false;
        }
        self.send_packets(step, 1, MSS);
        true
    }

    /// Fills the rest of a peer's window that is smaller than a packet (Linux `tcp_write_wakeup`). Returns false if there is
    /// no room or no data.
    pub(super) fn transmit_rest_of_window(&mut self, step: &mut Step) -> bool {
        let room = self.peer_window_end().saturating_sub(self.nxt).min(u64::from(MSS)) as u16;
        let has_data = self.written > self.nxt;
        if room > 0 && has_data {
            self.send_packets(step, 1, room);
        }
        room > 0 && has_data
    }

    /// Returns the offset past all data to send, the FIN included.
    fn end_to_send(&self) -> u64 {
        self.written + u64::from(self.says_last())
    }

    /// Returns the offset at which the peer's window ends.
    pub(super) fn peer_window_end(&self) -> u64 {
        self.una + u64::from(self.peer_window)
    }

    fn send_bursts(&mut self, step: &mut Step, pushing: Pushing) {
        let burst_max = self.burst_packets();
        let before = self.board.outstanding();
        let stop = loop {
            match self.next_burst(step, burst_max, pushing) {
                Ok(packets) => self.send_packets(step, packets, MSS),
                Err(stop) => break stop,
            }
            if pushing == Pushing::OneBurst {
                break Stop::NothingToSend;
            }
        };
        let sent = self.board.outstanding() - before;
        let window_full = self.board.in_flight() >= self.congestion.window.size;
        let limited = window_full || stop == Stop::CongestionWindow || stop == (Stop::Patience { at_window: true });
        if sent > 0 || limited {
            self.record_usage(step.now, limited);
        }
        if sent > 0 {
            self.after_sending(step, before, sent);
        } else if stop == Stop::PeerWindow && self.board.is_empty() {
            self.wait_for_window(step);
        }
    }

    fn after_sending(&mut self, step: &mut Step, outstanding_before: u32, sent: u32) {
        if self.phase.reduces_window() {
            self.losses.recovery.sent_in_reduction += sent;
        }
        if outstanding_before == 0 || self.waiting == Waiting::LossProbe {
            self.rearm_timeout(step);
        }
        self.schedule_loss_probe(step, false);
    }

    /// Returns the number of packets of the next burst, or the reason for which none may be sent.
    fn next_burst(&self, step: &Step, burst_max: u32, pushing: Pushing) -> Result<u32, Stop> {
        if self.nxt == self.end_to_send() {
            return Err(Stop::NothingToSend);
        }
        let left = self.written - self.nxt;
        if left == 0 {
            return self.may_send_fin();
        }
        let quota = self.window_quota().ok_or(Stop::CongestionWindow)?;
        let mss = u64::from(MSS);
        let room = self.peer_window_end().saturating_sub(self.nxt);
        if room < left.min(mss) {
            return Err(Stop::PeerWindow);
        }
        let partial = !left.is_multiple_of(mss);
        let held_back = pushing == Pushing::ByNagle && partial && !self.says_last() && self.small_is_outstanding();
        let whole = u32::try_from(left / mss).unwrap_or(u32::MAX);
        let available = whole.saturating_add(u32::from(partial && !held_back));
        if available == 0 {
            return Err(Stop::NothingToSend);
        }
        let fits = u32::try_from(room / mss).unwrap_or(u32::MAX).max(u32::from(room >= left));
        if available > 1 && pushing != Pushing::OneBurst {
            let open = self.congestion.window.size - self.board.in_flight();
            self.check_patience(step, open.min(fits), burst_max, available)?;
        }
        Ok(available.min(quota).min(burst_max).min(fits).max(1))
    }

    /// Checks the congestion window for a FIN without data, which takes an offset but no room in the peer's buffer.
    fn may_send_fin(&self) -> Result<u32, Stop> {
        self.window_quota().map(|_| 1).ok_or(Stop::CongestionWindow)
    }

    /// Returns the number of packets that the congestion window allows at once: at most half of it, so that bursts stay
    /// small.
    fn window_quota(&self) -> Option<u32> {
        let (window, in_flight) = (self.congestion.window.size, self.board.in_flight());
        (in_flight < window).then(|| (window - in_flight).min((window / 2).max(1)))
    }

    /// Returns true if a packet below full size is outstanding; only then must another one wait (RFC 9293 §3.7.4 with
    /// Minshall's refinement).
    fn small_is_outstanding(&self) -> bool {
        self.small_end > self.una
    }

    /// Stops sending for a moment so that the burst can fill, if the next acknowledgement is near.
    fn check_patience(&self, step: &Step, may_send: u32, burst_max: u32, available: u32) -> Result<(), Stop> {
        if self.phase >= RecoveryPhase::Recovery
            || step.now - self.last_sent > BURST_PATIENCE
            || may_send >= burst_max
            || may_send >= available
            || u64::from(may_send) >= self.window_bytes() / WINDOW_SHARE / u64::from(MSS)
        {
            return Ok(());
        }
        let Some(sent_at) = self.board.front_sent_at() else { return Ok(()) };
        let srtt = SimDuration::from_micros(self.rtt.srtt_us());
        let patience = BURST_PATIENCE.min(SimDuration::from_nanos(srtt.as_nanos() / 2));
        if (sent_at + srtt) - step.now > patience {
            return Ok(());
        }
        let window = self.congestion.window.size;
        let congestion_room = u64::from(window - self.board.in_flight()) * u64::from(MSS);
        let at_window = congestion_room < self.peer_window_end().saturating_sub(self.nxt);
        Err(Stop::Patience { at_window })
    }

    /// Returns the smaller of the two windows, in bytes.
    fn window_bytes(&self) -> u64 {
        u64::from(self.peer_window).min(u64::from(self.congestion.window.size) * u64::from(MSS))
    }

    /// Returns the size of a burst in packets: about a millisecond's worth at the pacing rate, more on short paths (Linux
    /// `tcp_tso_autosize`).
    pub(super) fn burst_packets(&self) -> u32 {
        const RTT_SHIFT: u32 = 9;
        let mut bytes = self.pacing_rate() >> 10;
        let nearness = self.rtt.min_us() >> RTT_SHIFT;
        if nearness < 32 {
            bytes += MAX_BURST_BYTES >> nearness;
        }
        let packets = bytes.min(MAX_BURST_BYTES) / u64::from(MSS);
        (packets as u32).max(MIN_BURST_PACKETS)
    }

    /// Returns the pacing rate in bytes per second: twice the window per round trip in slow start, 1.2 times after it (Linux
    /// `tcp_update_pacing_rate`). 0 before the first round-trip time is measured.
    pub(super) fn pacing_rate(&self) -> u64 {
        let window = &self.congestion.window;
        let percent = if window.size < window.threshold / 2 { 200 } else { 120 };
        let packets = u64::from(window.size.max(self.board.outstanding()));
        let srtt_x8 = self.rtt.srtt_x8_us();
        let scaled = u64::from(MSS) * packets * percent * (8 * 1_000_000 / 100);
        scaled.checked_div(srtt_x8).unwrap_or(0)
    }

    /// Sends a burst of `packets` packets of new data with at most `size` bytes each, all of them full but the last; the last packet of
    /// the stream carries the FIN. PSH is set on the last packet of several, and on the last one of the data written (Linux
    /// `__tcp_transmit_skb`, `tcp_mark_push`).
    fn send_packets(&mut self, step: &mut Step, packets: u32, size: u16) {
        let start = self.nxt;
        for _ in 1..packets {
            step.send_data(self.nxt, size, Flags::default());
            self.nxt += u64::from(size);
        }
        let len = (self.written - self.nxt).min(u64::from(size)) as u16;
        let is_last = self.nxt + u64::from(len) == self.written;
        let is_fin = is_last && self.says_last();
        let push = if is_last || packets > 1 { Flags::PSH } else { Flags::default() };
        let end = if is_fin { Flags::FIN } else { Flags::default() };
        step.send_data(self.nxt, len, push.with(end));
        self.nxt += u64::from(len) + u64::from(is_fin);
        self.board.push(start, packets as u8, LastPacket::new(len, is_fin), step.now);
        if len < MSS {
            self.small_end = self.nxt;
        }
        self.unanswered_since = self.unanswered_since.min(step.now);
        self.last_sent = step.now;
    }

    /// Reduces the window after an idle period: it halves for every retransmission timeout that has passed (RFC 5681 §4.1,
    /// RFC 2861).
    fn resume_after_idle(&mut self, step: &Step) {
        if !self.board.is_empty() {
            return;
        }
        self.congestion.handle_resume(step.now, self.last_sent);
        let idle = step.now - self.last_sent;
        let rto = self.rtt.rto();
        if self.nxt > 1 && idle > rto {
            self.congestion.decay(idle.as_nanos() / rto.as_nanos().max(1));
            self.usage.used = 0;
            self.usage.renew(step.now);
        }
    }

    /// Records whether the window was the limit in this round (Linux `tcp_cwnd_validate`).
    fn record_usage(&mut self, now: SimTime, limited: bool) {
        let outstanding = self.board.outstanding();
        let new_round = self.una >= self.usage.round_end;
        if new_round || limited || (!self.usage.limited && outstanding > self.usage.max_outstanding) {
            self.usage = Usage { limited, max_outstanding: outstanding, round_end: self.nxt, ..self.usage };
        }
        if self.window_is_limit() {
            self.usage.used = 0;
            self.usage.renew(now);
        } else {
            self.usage.used = self.usage.used.max(outstanding);
            if jiffies_at(now) - self.usage.full_at >= self.rtt.rto_jiffies() {
                self.forget_unused_window(now);
            }
        }
    }

    /// Shrinks a window that was not fully used for a whole timeout (RFC 7661 §4; Linux `tcp_cwnd_application_limited`),
    /// unless the writer was waiting for memory.
    fn forget_unused_window(&mut self, now: SimTime) {
        if self.phase == RecoveryPhase::Open && !self.queue.is_waiting() {
            self.congestion.shrink_to_use(self.usage.used);
            self.usage.used = 0;
        }
        self.usage.renew(now);
    }

    /// Returns true if the window may grow. In slow start it may reach twice the number of packets in use.
    pub(super) fn window_is_limit(&self) -> bool {
        let window = &self.congestion.window;
        self.usage.limited || (window.in_slow_start() && window.size < 2 * self.usage.max_outstanding)
    }
}
