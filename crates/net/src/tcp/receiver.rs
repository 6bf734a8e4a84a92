//! The receiving half of a connection: reassembly, acknowledgements and the window.
//!
//! The bytes are not stored here; the data received is a set of ranges, and the application reads the sender's stream up to
//! the first hole. Acknowledgements follow Linux: immediate for the first packets, while the window grows, at holes and for
//! every second packet; delayed otherwise (RFC 1122 §4.2.3.2, RFC 5681 §4.2).

use p2p_base::units::{SimDuration, SimTime};

use super::receive_buffer::ReceiveBuffer;
use super::step::Step;
use super::timer::{Timer, expiry, jiffies_at, jiffies_for_micros};
use crate::packet::{Flags, Packet, SACK_BLOCKS, SackBlock};

/// Number of acknowledgements sent immediately before any is delayed (Linux `TCP_MAX_QUICKACKS`).
const QUICK_ACKS: u8 = 16;
/// Shortest and longest delay of an acknowledgement, in jiffies: 40 ms and 200 ms (Linux `TCP_DELACK_MIN`, `_MAX`).
const DELAY_MIN: u64 = 10;
const DELAY_MAX: u64 = 50;
/// Number of duplicate acknowledgements sent immediately before they are compressed (Linux: the fast retransmit threshold).
const PLAIN_DUPLICATES: u32 = 3;
/// Largest number of acknowledgements that a compressed one stands for (Linux `tcp_comp_sack_nr`).
const COMPRESSED_MAX: u32 = 44;
/// Upper limit of the delay of a compressed acknowledgement, which is a twentieth of the round-trip time (Linux
/// `tcp_comp_sack_delay_ns`).
const COMPRESSED_DELAY_MAX: SimDuration = SimDuration::from_millis(1);
/// Slack of the timer of a compressed acknowledgement, so that it can share an interrupt (Linux `tcp_comp_sack_slack_ns`).
const COMPRESSED_SLACK: SimDuration = SimDuration::from_micros(100);
/// Number of ranges remembered for SACK blocks (Linux `TCP_NUM_SACKS`); three of them fit into a packet.
const RECENT_RANGES: usize = 4;
/// Number of latest ranges that a pending compressed acknowledgement covers. A range beyond them is reported at once, before
/// others displace it from that acknowledgement (Linux `TCP_SACK_BLOCKS_EXPECTED`).
const BLOCKS_EXPECTED: usize = 2;
/// Window scale: the window is advertised in units of 2¹⁰ bytes (Linux's scale for a buffer that may grow to 32 MiB).
pub(crate) const WINDOW_SCALE: u32 = 10;

/// Range of the stream, from its first offset to one past its last.
type Range = (u64, u64);

/// Returns true if two ranges overlap, or one begins where the other ends.
fn touch(a: Range, b: Range) -> bool {
    a.0 <= b.1 && b.0 <= a.1
}

/// Returns the smallest range that contains both.
fn union(a: Range, b: Range) -> Range {
    (a.0.min(b.0), a.1.max(b.1))
}

/// State of the receiving half of one connection end.
#[derive(Debug)]
pub(super) struct Receiver {
    /// Next offset expected (RFC 9293 §3.3.1: RCV.NXT).
    nxt: u64,
    /// Offset up to which the application has read; then the offset up to which it counts as reading on arrival.
    read: u64,
    takes_to: u64,
    /// RCV.NXT as last advertised to the peer; then the window advertised with it.
    told: u64,
    told_window: u32,
    buffer: ReceiveBuffer,
    /// Offset at which the stream ends, once a FIN has arrived.
    fin_at: Option<u64>,
    /// Ranges that have arrived beyond the first hole, in order.
    beyond: Vec<Range>,
    /// Ranges that changed last, the latest first.
    recent: Vec<Range>,
    /// A range received twice, to be reported once (RFC 2883).
    duplicate: Option<Range>,
    /// The peer's clock, to be echoed (RFC 7323 §4.3: TS.Recent).
    pub(super) echo: u32,
    ack: AckPolicy,
    pub(super) bytes_received: u64,
    /// Number of packets that brought new data, as a counter that wraps.
    fresh: u32,
}

/// Window to be offered to the peer.
#[derive(Debug, Clone, Copy)]
struct Offer {
    window: u32,
    /// True if the memory of the buffer is short.
    memory_is_short: bool,
}

/// Schedule of the next acknowledgement.
#[derive(Debug, Default)]
struct AckPolicy {
    /// True if data has arrived that is not acknowledged yet.
    owed: bool,
    at_once: bool,
    /// Number of packets that ended a burst or a write, as far as it is distinguished: none, one or several (Linux
    /// `ICSK_ACK_PUSHED`, `_PUSHED2`).
    pushed: u8,
    /// Number of further acknowledgements to be sent immediately (Linux `icsk_ack.quick`).
    quick: u8,
    /// True if both ends send data in turn (Linux's "ping-pong" mode).
    interactive: bool,
    /// Expected interval between packets, in jiffies; 0 before the first (Linux `icsk_ack.ato`).
    gap: u64,
    last_arrival: SimTime,
    /// Number of acknowledgements that the pending compressed one stands for.
    compressed: u32,
    plain_duplicates: u32,
    duplicates_at: u64,
}

impl Receiver {
    /// Returns a receiver whose buffer may grow to `memory_max` bytes. `opener` is true for the end that opens the
    /// connection.
    pub(super) fn new(memory_max: u32, opener: bool) -> Receiver {
        let syn_window = ReceiveBuffer::syn_window(memory_max, opener);
        Receiver {
            nxt: 1,
            read: 1,
            takes_to: 1,
            told: 1,
            told_window: syn_window,
            buffer: ReceiveBuffer::new(memory_max, syn_window),
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

    /// Returns the window that this end's SYN offers, which is not scaled (RFC 7323 §2.2).
    pub(super) fn syn_window(&self) -> u32 {
        self.told_window
    }

    /// Starts the measurements of the buffer when the handshake is complete.
    pub(super) fn established(&mut self, now: SimTime) {
        self.buffer.begin(now, self.read);
    }

    /// Returns the next offset expected (RCV.NXT).
    pub(super) fn expected(&self) -> u64 {
        self.nxt
    }

    /// Returns the end of the last range of those that selective acknowledgements report; `None` if nothing has arrived beyond a
    /// hole.
    pub(super) fn end_beyond(&self) -> Option<u64> {
        self.recent.iter().map(|&(_, end)| end).max()
    }

    /// Returns true if an offset lies between what was acknowledged last and the end of the window that was advertised (Linux
    /// `tcp_sequence`).
    pub(super) fn is_in_window(&self, seq: u64) -> bool {
        (self.told..=self.told + u64::from(self.told_window)).contains(&seq)
    }

    /// Returns the number of packets that brought new data, as a counter that wraps.
    pub(super) fn fresh(&self) -> u32 {
        self.fresh
    }

    /// Returns the offset below which the application may read.
    pub(super) fn readable_to(&self) -> u64 {
        self.fin_at.map_or(self.nxt, |fin| self.nxt.min(fin))
    }

    /// Returns true if the peer has closed its stream and everything before the end has arrived.
    pub(super) fn is_finished(&self) -> bool {
        self.fin_at.is_some_and(|fin| self.nxt > fin)
    }

    /// Sets the header fields of this end: the next offset expected, the window in bytes, the peer's clock.
    pub(super) fn stamp(&self, step: &mut Step) {
        step.restamp(self.nxt, self.offer().window, self.echo);
    }

    /// Returns the window to offer: the free space, never less than was promised before (RFC 9293 §3.8.6.2.2; Linux
    /// `tcp_select_window`), in whole units of the window scale.
    fn offer(&self) -> Offer {
        let promised = (self.told + u64::from(self.told_window)).saturating_sub(self.nxt) as u32;
        let (free, memory_is_short) = self.buffer.window(self.memory_used());
        Offer { window: free.max(promised).next_multiple_of(1 << WINDOW_SCALE), memory_is_short }
    }

    /// Returns the offset below which the application has read everything, or counts as having read it on arrival.
    fn taken_to(&self) -> u64 {
        self.read.max(self.takes_to.min(self.readable_to()))
    }

    fn beyond_bytes(&self) -> u64 {
        self.beyond.iter().map(|&(start, end)| end - start).sum()
    }

    /// Returns the memory of the data that waits to be read or for a hole to be filled.
    fn memory_used(&self) -> u32 {
        ReceiveBuffer::memory_for(self.readable_to() - self.taken_to() + self.beyond_bytes())
    }

    /// Processes the data of `packet` and decides when to acknowledge it. Returns true if new data can be read or the stream
    /// has ended.
    pub(super) fn handle_packet(&mut self, step: &mut Step, packet: &Packet, rto_jiffies: u64) -> bool {
        if packet.seq <= self.told {
            self.echo = packet.timestamp;
        }
        let is_fin = packet.flags.contains(Flags::FIN);
        let (start, data_end) = (packet.seq, packet.seq + u64::from(packet.len));
        let end = data_end + u64::from(is_fin);
        if start == end {
            // A window probe or a keep-alive repeats an old offset and requires an answer (RFC 9293 §3.10.7.4).
            self.ack.at_once |= start < self.nxt;
            self.ack.owed |= start < self.nxt;
            return false;
        }
        if end > self.told + u64::from(self.told_window.max(1)) + 1 {
            // Data beyond the window is not accepted, but acknowledged.
            self.ack.owed = true;
            self.ack.at_once = true;
            return false;
        }
        if is_fin {
            self.fin_at = Some(data_end);
        }
        self.buffer.measure_by_timestamp(step.now, packet, self.taken_to() == self.nxt);
        let (was, taken, had_hole) = (self.nxt, self.taken_to(), !self.beyond.is_empty());
        if start <= was && data_end > was {
            self.handle_data_in_order(step.now, packet, data_end, rto_jiffies);
        } else if start > was && self.buffer.offer_more(packet.len, self.memory_used()) {
            self.ack.quick |= 1;
        }
        self.take_range(step, start, end);
        let advanced = self.nxt > was;
        self.plan_ack(advanced, had_hole);
        if self.taken_to() > taken {
            self.buffer.record_read(step.now, self.taken_to(), self.readable_to(), self.beyond_bytes());
        } else if start > was {
            self.buffer.record_beyond(self.beyond_bytes());
        }
        advanced
    }

    /// Processes data that has arrived in order, up to `end` (Linux `tcp_event_data_recv`).
    fn handle_data_in_order(&mut self, now: SimTime, packet: &Packet, end: u64, rto_jiffies: u64) {
        if self.buffer.measure_packet(packet.len, self.told_window) {
            self.ack.pushed = (self.ack.pushed + 1).min(2);
        } else if packet.flags.contains(Flags::PSH) {
            self.ack.pushed = self.ack.pushed.max(1);
        }
        self.buffer.measure_by_window(now, end, self.told_window);
        self.record_arrival(now, rto_jiffies);
        let used = self.memory_used() + ReceiveBuffer::memory_for(u64::from(packet.len));
        if self.buffer.offer_more(packet.len, used) {
            self.ack.quick |= 1;
        }
    }

    fn take_range(&mut self, step: &mut Step, start: u64, end: u64) {
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
            self.remember(step, (start, end));
        }
    }

    /// Advances the next expected offset to `end`, and further over the ranges beyond that adjoin it.
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
        self.recent.retain(|&(start, _)| start > self.nxt);
        self.bytes_received += self.readable_to() - before;
    }

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
    }

    /// Puts the block with the latest arrival first (RFC 2018 §4; Linux `tcp_sack_new_ofo_skb`).
    fn remember(&mut self, step: &mut Step, range: Range) {
        let place = self.recent.iter().position(|&known| touch(known, range));
        if place.unwrap_or(self.recent.len()) >= BLOCKS_EXPECTED && self.ack.compressed > 0 {
            self.send_ack(step);
        }
        let mut first = range;
        while let Some(place) = self.recent.iter().position(|&known| touch(known, first)) {
            first = union(self.recent.remove(place), first);
        }
        self.recent.insert(0, first);
        self.recent.truncate(RECENT_RANGES);
    }

    fn report_duplicate(&mut self, range: Range) {
        self.duplicate = Some(range);
        self.enter_quick_mode();
        self.ack.at_once = true;
    }

    /// Enters quick acknowledgement mode (Linux `tcp_enter_quickack_mode`).
    fn enter_quick_mode(&mut self) {
        self.acknowledge_quickly();
        self.ack.interactive = false;
        self.ack.gap = DELAY_MIN;
    }

    /// Raises the number of immediate acknowledgements (Linux `tcp_incr_quickack`).
    fn acknowledge_quickly(&mut self) {
        let whole_window = self.told_window / (2 * self.buffer.packet());
        let quick = whole_window.clamp(2, u32::from(QUICK_ACKS)) as u8;
        self.ack.quick = self.ack.quick.max(quick);
    }

    fn plan_ack(&mut self, advanced: bool, had_hole: bool) {
        self.ack.owed = true;
        // RFC 5681 §4.2: immediately when the last hole is filled, and at the end of a stream.
        self.ack.at_once |= (advanced && self.is_finished()) || (had_hole && self.beyond.is_empty());
    }

    /// Updates the estimated interval between the sender's packets (Linux `tcp_event_data_recv`).
    fn record_arrival(&mut self, now: SimTime, rto_jiffies: u64) {
        let ack = &mut self.ack;
        let gap = jiffies_at(now) - jiffies_at(ack.last_arrival);
        if ack.gap == 0 {
            ack.gap = DELAY_MIN;
            self.acknowledge_quickly();
        } else if gap <= DELAY_MIN / 2 {
            ack.gap = ack.gap / 2 + DELAY_MIN / 2;
        } else if gap < ack.gap {
            ack.gap = (ack.gap / 2 + gap).min(rto_jiffies);
        } else if gap > rto_jiffies {
            self.acknowledge_quickly();
        }
        self.ack.last_arrival = now;
    }

    /// Records that this end has sent data. If it follows the peer's data closely, the exchange is interactive:
    /// acknowledgements travel with data and are not sent immediately (Linux's "ping-pong" mode).
    pub(super) fn record_data_sent(&mut self, now: SimTime) {
        let since = jiffies_at(now) - jiffies_at(self.ack.last_arrival);
        self.ack.interactive |= self.ack.gap > 0 && since < self.ack.gap;
    }

    /// Sends the pending acknowledgement, or sets a timer for it. `srtt` is this end's smoothed round-trip time.
    pub(super) fn acknowledge(&mut self, step: &mut Step, srtt: SimDuration) {
        self.record_piggybacked(step);
        if !self.ack.owed {
            return;
        }
        let more_than_one = self.nxt - self.told > u64::from(self.buffer.packet());
        let is_quick = self.ack.quick > 0 && !self.ack.interactive;
        if more_than_one || is_quick || self.ack.at_once || self.ends_a_burst() {
            self.send_ack(step);
        } else if self.beyond.is_empty() {
            self.delay_ack(step, srtt);
        } else {
            self.compress_ack(step, srtt);
        }
    }

    /// Returns true if a reader who has emptied the buffer triggers an acknowledgement (Linux `__tcp_cleanup_rbuf`).
    fn ends_a_burst(&self) -> bool {
        let enough = if self.ack.interactive { 2 } else { 1 };
        self.ack.pushed >= enough && self.beyond.is_empty()
    }

    /// Records an acknowledgement that data sent in this step has carried; full packets have no room for SACK blocks, which
    /// need a packet of their own.
    pub(super) fn record_piggybacked(&mut self, step: &mut Step) {
        let owes_blocks = !self.beyond.is_empty() || self.duplicate.is_some();
        if step.take_acknowledged() && !owes_blocks {
            self.record_acknowledged(step, self.offer());
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

    /// Sends or delays the acknowledgement that every packet requires while a hole is open; after the first few they are
    /// compressed (Linux `__tcp_ack_snd_check`).
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
            let known = SimDuration::from_nanos(self.buffer.round_trip_us_x8() * 1_000 / 8);
            let round_trip = if srtt == SimDuration::ZERO { known } else { known.min(srtt) };
            let wait = COMPRESSED_DELAY_MAX.min(SimDuration::from_nanos(round_trip.as_nanos() / 20));
            step.timers.set(Timer::CompressedAck, step.now + wait + COMPRESSED_SLACK);
        }
    }

    /// Handles an expired acknowledgement timer.
    pub(super) fn handle_timer(&mut self, step: &mut Step, timer: Timer, rto_jiffies: u64) {
        match timer {
            Timer::DelayedAck if self.ack.owed => {
                // The sender is slower than estimated (Linux `tcp_delack_timer_handler`).
                let slower = (self.ack.gap * 2).min(rto_jiffies);
                self.ack.gap = if self.ack.interactive { DELAY_MIN } else { slower };
                self.ack.interactive = false;
                self.send_ack(step);
            }
            Timer::CompressedAck if self.ack.compressed > 0 => self.send_ack(step),
            _ => {}
        }
    }

    /// Sends an acknowledgement now, with up to three blocks for the data beyond the hole (RFC 2018 §3, RFC 2883 §4).
    pub(super) fn send_ack(&mut self, step: &mut Step) {
        let offer = self.offer();
        step.restamp(self.nxt, offer.window, self.echo);
        let mut blocks = [SackBlock::default(); SACK_BLOCKS];
        let mut count = 0;
        let duplicate = self.duplicate.take();
        for &(start, end) in duplicate.iter().chain(&self.recent).take(SACK_BLOCKS) {
            blocks[count] = SackBlock::new(self.nxt, start, end);
            count += 1;
        }
        step.send_ack(blocks, count as u8);
        step.take_acknowledged();
        self.record_acknowledged(step, offer);
    }

    fn record_acknowledged(&mut self, step: &mut Step, offer: Offer) {
        (self.told, self.told_window) = (self.nxt, offer.window);
        if self.ack.quick > 0 {
            self.ack.quick -= u8::from(self.ack.owed);
            if self.ack.quick == 0 {
                self.ack.gap = DELAY_MIN;
            }
        }
        if offer.memory_is_short {
            self.ack.quick = 0;
        }
        self.ack.owed = false;
        self.ack.at_once = false;
        self.ack.pushed = 0;
        self.ack.compressed = 0;
        step.timers.cancel(Timer::DelayedAck);
        step.timers.cancel(Timer::CompressedAck);
    }

    /// Treats data up to `offset` as read on arrival, although the application acts on it later.
    pub(super) fn take_as_it_comes(&mut self, offset: u64) {
        self.takes_to = offset;
    }

    /// Records that the application has read up to `offset`. Returns true if the window has grown enough to be advertised
    /// (RFC 9293 §3.8.6.2.2; Linux `__tcp_cleanup_rbuf`: when it doubles).
    pub(super) fn record_read(&mut self, now: SimTime, offset: u64) -> bool {
        self.read = offset;
        self.buffer.record_read(now, self.taken_to(), self.readable_to(), self.beyond_bytes());
        let left = (self.told + u64::from(self.told_window)).saturating_sub(self.nxt);
        let window = u64::from(self.offer().window);
        2 * left <= u64::from(self.buffer.clamp()) && window > 0 && window >= 2 * left
    }
}
