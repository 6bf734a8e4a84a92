//! The receiving half of a connection: reassembly, acknowledgements and the window.
//!
//! Bytes are not kept here; what has arrived is a set of ranges, and the application reads the sender's stream up to the
//! first hole. Acknowledgements follow Linux: at once for the first packets, at holes and every second packet, else put off
//! (RFC 1122 §4.2.3.2, RFC 5681 §4.2). Knows nothing of what is sent in this end's own direction.

use super::step::Step;
use super::timer::{Timer, expiry, jiffies_at, jiffies_for_micros};
use crate::net::packet::{Flags, MSS, Packet, SACK_BLOCKS, SackBlock};
use crate::units::{SimDuration, SimTime};

/// How many acknowledgements are sent at once before any is put off (Linux `TCP_MAX_QUICKACKS`).
const QUICK_ACKS: u8 = 16;
/// The shortest and the longest time for which one is put off, in ticks: 40 ms and 200 ms (Linux `TCP_DELACK_MIN`, `_MAX`).
const DELAY_MIN: u64 = 10;
const DELAY_MAX: u64 = 50;
/// The longest gap between packets that is learnt, in ticks: a second.
const GAP_MAX: u64 = 250;
/// How many duplicates are sent at once before they are compressed (Linux: the fast retransmit threshold).
const PLAIN_DUPLICATES: u32 = 3;
/// A compressed acknowledgement stands for this many at the most (Linux `tcp_comp_sack_nr`).
const COMPRESSED_MAX: u32 = 44;
/// It waits a twentieth of the round trip, but no longer than this (Linux `tcp_comp_sack_delay_ns`).
const COMPRESSED_DELAY_MAX: SimDuration = SimDuration::from_millis(1);
/// How many ranges are remembered for SACK blocks (Linux `TCP_NUM_SACKS`); three of them fit into a packet.
const RECENT_RANGES: usize = 4;
/// The window that a SYN offers, which is not scaled (RFC 7323 §2.2).
pub(super) const SYN_WINDOW: u32 = 65_535;
/// The window is told in units of 2⁷ bytes (Linux's scale for a buffer of 6 MiB).
pub(crate) const WINDOW_SCALE: u32 = 7;

/// A range of the stream, from its first offset to one past its last.
type Range = (u64, u64);

/// The receiving half of one connection end.
#[derive(Debug)]
pub(super) struct Receiver {
    /// The next offset expected (RFC 9293 §3.3.1: RCV.NXT).
    nxt: u64,
    /// The offset up to which the application has read.
    read: u64,
    /// RCV.NXT as it was last told to the peer, and the window told with it.
    told: u64,
    told_window: u32,
    buffer: u32,
    /// How much of the buffer the window offers: it grows as data comes (Linux `rcv_ssthresh`).
    offered: u32,
    /// Where the stream ends, once a FIN has come.
    fin_at: Option<u64>,
    /// What has arrived beyond the first hole, in order.
    beyond: Vec<Range>,
    /// The ranges that changed last, the latest first.
    recent: Vec<Range>,
    /// A range that came twice, to be reported once (RFC 2883).
    duplicate: Option<Range>,
    /// The peer's clock, to be echoed (RFC 7323 §4.3: TS.Recent).
    pub(super) echo: u32,
    ack: AckPolicy,
    pub(super) bytes_received: u64,
    /// Packets that brought something for the first time, as a counter that wraps.
    fresh: u32,
}

/// When the next acknowledgement is sent.
#[derive(Debug, Default)]
struct AckPolicy {
    /// Something has arrived that was not acknowledged.
    owed: bool,
    at_once: bool,
    /// The sender had nothing more to send.
    pushed: bool,
    quick: u8,
    /// Both ends send data in turn.
    interactive: bool,
    /// Expected gap between packets, in ticks; 0 before the first.
    gap: u64,
    last_arrival: SimTime,
    /// Acknowledgements that one compressed one will stand for.
    compressed: u32,
    plain_duplicates: u32,
    duplicates_at: u64,
}

impl Receiver {
    /// A receiver that has room for `buffer` bytes.
    pub(super) fn new(buffer: u32) -> Receiver {
        Receiver {
            nxt: 1,
            read: 1,
            told: 1,
            told_window: SYN_WINDOW.min(buffer),
            buffer,
            offered: SYN_WINDOW.min(buffer),
            fin_at: None,
            beyond: Vec::new(),
            recent: Vec::new(),
            duplicate: None,
            echo: 0,
            ack: AckPolicy::default(),
            bytes_received: 0,
            fresh: 0,
        }
    }

    /// RCV.NXT.
    pub(super) fn expected(&self) -> u64 {
        self.nxt
    }

    /// Packets that brought something for the first time, as a counter that wraps.
    pub(super) fn fresh(&self) -> u32 {
        self.fresh
    }

    /// Up to where the application may read: all before it has arrived.
    pub(super) fn readable_to(&self) -> u64 {
        self.fin_at.map_or(self.nxt, |fin| self.nxt.min(fin))
    }

    /// The peer has said its last, and all before it has arrived.
    pub(super) fn is_finished(&self) -> bool {
        self.fin_at.is_some_and(|fin| self.nxt > fin)
    }

    /// What the headers of this end say: the next offset expected, the window in bytes, the peer's clock.
    pub(super) fn stamp(&self, step: &mut Step) {
        step.restamp(self.nxt, self.window(), self.echo);
    }

    /// The window to offer: what is free, without ever taking back what was promised (RFC 9293 §3.8.6.2.2), and nothing
    /// rather than a little.
    fn window(&self) -> u32 {
        let promised = (self.told + u64::from(self.told_window)).saturating_sub(self.nxt) as u32;
        let waiting = (self.readable_to() - self.read) as u32;
        let free = self.buffer.saturating_sub(waiting).min(self.offered);
        let little = u32::from(MSS).min(self.buffer / 2);
        let free = if free < little { 0 } else { free & !((1 << WINDOW_SCALE) - 1) };
        free.max(promised)
    }

    /// Takes in what `packet` carries and decides when to acknowledge it. True where new data can be read or the stream has
    /// ended.
    pub(super) fn on_packet(&mut self, step: &mut Step, packet: &Packet) -> bool {
        if packet.seq <= self.told {
            self.echo = packet.timestamp;
        }
        let is_fin = packet.flags.contains(Flags::FIN);
        let (start, data_end) = (packet.seq, packet.seq + u64::from(packet.len));
        let end = data_end + u64::from(is_fin);
        if start == end {
            // A window probe or a keep-alive repeats an old offset and wants an answer (RFC 9293 §3.10.7.4).
            self.ack.at_once |= start < self.nxt;
            self.ack.owed |= start < self.nxt;
            return false;
        }
        if end > self.told + u64::from(self.told_window.max(1)) + 1 {
            // Beyond the window: not taken in, but answered.
            self.ack.owed = true;
            self.ack.at_once = true;
            return false;
        }
        if is_fin {
            self.fin_at = Some(data_end);
        }
        let (was, had_hole) = (self.nxt, !self.beyond.is_empty());
        self.take_range(start, end);
        let advanced = self.nxt > was;
        self.plan_ack(step, packet, advanced, had_hole);
        advanced
    }

    fn take_range(&mut self, start: u64, end: u64) {
        if end <= self.nxt {
            self.report_duplicate((start, end));
        } else if start <= self.nxt {
            if start < self.nxt {
                self.report_duplicate((start, self.nxt));
            }
            self.fresh = self.fresh.wrapping_add(1);
            self.advance(end);
        } else {
            self.store_beyond((start, end));
        }
    }

    /// The stream is whole up to `end`, and further where something beyond joins it.
    fn advance(&mut self, end: u64) {
        let before = self.readable_to();
        self.nxt = end;
        let joined = self.beyond.iter().take_while(|&&(start, _)| start <= self.nxt).count();
        for (start, joined_end) in self.beyond.drain(..joined) {
            if start < self.nxt {
                self.duplicate = Some((start, self.nxt.min(joined_end)));
            }
            self.nxt = self.nxt.max(joined_end);
        }
        if joined > 0 {
            self.recent.retain(|&(_, range_end)| range_end > self.nxt);
        }
        self.bytes_received += self.readable_to() - before;
    }

    /// RFC 2018 §4: the block that holds the latest arrival comes first.
    fn store_beyond(&mut self, (start, end): Range) {
        let first = self.beyond.partition_point(|&(_, range_end)| range_end < start);
        let touched = self.beyond[first..].iter().take_while(|&&(range_start, _)| range_start <= end).count();
        let overlapping = &self.beyond[first..first + touched];
        if let Some(&(inner_start, inner_end)) = overlapping.iter().find(|&&(s, e)| s < end && start < e) {
            self.duplicate = Some((start.max(inner_start), end.min(inner_end)));
            self.ack.at_once = true;
        }
        let is_known = overlapping.iter().any(|&(s, e)| s <= start && end <= e);
        self.fresh = self.fresh.wrapping_add(u32::from(!is_known));
        let merged_start = overlapping.first().map_or(start, |&(s, _)| s.min(start));
        let merged_end = overlapping.last().map_or(end, |&(_, e)| e.max(end));
        self.beyond.splice(first..first + touched, [(merged_start, merged_end)]);
        self.recent.retain(|&(s, e)| e < merged_start || s > merged_end);
        self.recent.insert(0, (merged_start, merged_end));
        self.recent.truncate(RECENT_RANGES);
    }

    fn report_duplicate(&mut self, range: Range) {
        self.duplicate = Some(range);
        self.enter_quick_mode();
        self.ack.at_once = true;
    }

    fn enter_quick_mode(&mut self) {
        let whole_window = self.told_window / (2 * u32::from(MSS));
        let quick = whole_window.clamp(2, u32::from(QUICK_ACKS)) as u8;
        self.ack.quick = self.ack.quick.max(quick);
        self.ack.interactive = false;
    }

    fn plan_ack(&mut self, step: &mut Step, packet: &Packet, advanced: bool, had_hole: bool) {
        self.ack.owed = true;
        // RFC 5681 §4.2: at once where the last hole is filled, and for the end of a stream.
        self.ack.at_once |= self.is_finished() || (had_hole && self.beyond.is_empty());
        if packet.len > 0 && advanced {
            self.note_arrival(step.now);
            self.ack.pushed = packet.flags.contains(Flags::PSH);
            self.offered = self.offered.saturating_add(2 * u32::from(MSS)).min(self.buffer);
        }
    }

    /// Learns the pace of the sender (Linux `tcp_event_data_recv`).
    fn note_arrival(&mut self, now: SimTime) {
        let ack = &mut self.ack;
        let gap = jiffies_at(now) - jiffies_at(ack.last_arrival);
        if ack.gap == 0 {
            ack.gap = DELAY_MIN;
            ack.quick = QUICK_ACKS;
        } else if gap <= DELAY_MIN / 2 {
            ack.gap = ack.gap / 2 + DELAY_MIN / 2;
        } else if gap < ack.gap {
            ack.gap = ack.gap / 2 + gap;
        } else if gap > GAP_MAX {
            self.enter_quick_mode();
        }
        self.ack.last_arrival = now;
    }

    /// This end has sent data of its own: soon after the peer's, that is a conversation, in which acknowledgements can ride
    /// on data and are not sent at once (Linux's "ping-pong" mode).
    pub(super) fn note_data_sent(&mut self, now: SimTime) {
        let since = jiffies_at(now) - jiffies_at(self.ack.last_arrival);
        self.ack.interactive |= self.ack.gap > 0 && since < self.ack.gap;
    }

    /// Sends the acknowledgement that is owed, or sets a timer for it. `srtt` is this end's view of the round trip.
    pub(super) fn acknowledge(&mut self, step: &mut Step, srtt: SimDuration) {
        self.note_piggybacked(step);
        if !self.ack.owed {
            return;
        }
        let unacknowledged = self.nxt - self.told;
        let two_packets = unacknowledged > u64::from(MSS);
        let eager = !self.ack.interactive && (self.ack.quick > 0 || (self.ack.pushed && self.beyond.is_empty()));
        if two_packets || eager || self.ack.at_once {
            self.send_ack(step);
        } else if self.beyond.is_empty() {
            self.delay_ack(step, srtt);
        } else {
            self.compress_ack(step, srtt);
        }
    }

    /// Where data has gone out in this step, it has carried the acknowledgement; but full packets have no room for SACK
    /// blocks, which need a packet of their own.
    pub(super) fn note_piggybacked(&mut self, step: &mut Step) {
        let owes_blocks = !self.beyond.is_empty() || self.duplicate.is_some();
        if step.take_acknowledged() && !owes_blocks {
            self.note_acknowledged(step);
        }
    }

    fn delay_ack(&mut self, step: &mut Step, srtt: SimDuration) {
        let mut delay = self.ack.gap.max(DELAY_MIN);
        if delay > DELAY_MIN {
            let rtt = jiffies_for_micros(srtt.as_nanos() / 1_000).max(DELAY_MIN);
            delay = delay.min(DELAY_MAX).min(if srtt == SimDuration::ZERO { DELAY_MAX } else { rtt });
        }
        let at = expiry(step.now, delay);
        let set = step.timers.at(Timer::DelayedAck);
        if set <= expiry(step.now, delay / 4) {
            self.send_ack(step);
        } else {
            step.timers.set(Timer::DelayedAck, at.min(set));
        }
    }

    /// While a hole is open every packet calls for an acknowledgement; after some they are bundled (Linux
    /// `__tcp_ack_snd_check`).
    fn compress_ack(&mut self, step: &mut Step, srtt: SimDuration) {
        if self.ack.duplicates_at != self.nxt {
            self.ack.duplicates_at = self.nxt;
            self.ack.plain_duplicates = 0;
        }
        if self.ack.plain_duplicates < PLAIN_DUPLICATES || self.ack.compressed >= COMPRESSED_MAX {
            self.ack.plain_duplicates += 1;
            self.send_ack(step);
            return;
        }
        self.ack.compressed += 1;
        self.ack.owed = false;
        if !step.timers.is_set(Timer::CompressedAck) {
            let wait = COMPRESSED_DELAY_MAX.min(SimDuration::from_nanos(srtt.as_nanos() / 20));
            step.timers.set(Timer::CompressedAck, step.now + wait);
        }
    }

    /// A timer for an acknowledgement has run out.
    pub(super) fn on_timer(&mut self, step: &mut Step, timer: Timer) {
        match timer {
            Timer::DelayedAck if self.ack.owed => {
                // The sender is slower than was thought (Linux `tcp_delack_timer_handler`).
                let slower = (self.ack.gap * 2).min(GAP_MAX);
                self.ack.gap = if self.ack.interactive { DELAY_MIN } else { slower };
                self.ack.interactive = false;
                self.send_ack(step);
            }
            Timer::CompressedAck if self.ack.compressed > 0 => self.send_ack(step),
            _ => {}
        }
    }

    /// Sends an acknowledgement now, with up to three blocks of what lies beyond the hole (RFC 2018 §3, RFC 2883 §4).
    pub(super) fn send_ack(&mut self, step: &mut Step) {
        self.stamp(step);
        let mut blocks = [SackBlock::default(); SACK_BLOCKS];
        let mut count = 0;
        let duplicate = self.duplicate.take();
        for &(start, end) in duplicate.iter().chain(&self.recent).take(SACK_BLOCKS) {
            blocks[count] = SackBlock::new(self.nxt, start, end);
            count += 1;
        }
        step.send_ack(blocks, count as u8);
        step.take_acknowledged();
        self.note_acknowledged(step);
    }

    fn note_acknowledged(&mut self, step: &mut Step) {
        self.told_window = self.window();
        self.told = self.nxt;
        if self.ack.owed {
            self.ack.quick = self.ack.quick.saturating_sub(1);
        }
        self.ack.owed = false;
        self.ack.at_once = false;
        self.ack.pushed = false;
        self.ack.compressed = 0;
        step.timers.cancel(Timer::DelayedAck);
        step.timers.cancel(Timer::CompressedAck);
    }

    /// The application has read up to `offset`. True where the window has opened enough to be worth telling (RFC 9293
    /// §3.8.6.2.2; Linux: when it doubles).
    pub(super) fn note_read(&mut self, offset: u64) -> bool {
        self.read = offset;
        let left = (self.told + u64::from(self.told_window)).saturating_sub(self.nxt);
        let now = u64::from(self.window());
        2 * left <= u64::from(self.buffer) && now > 0 && now >= 2 * left
    }
}
