//! The receiving half of a connection: reassembly, acknowledgements and the window.
//!
//! The bytes are not stored here; the data received is a set of ranges, and the application reads the sender's stream up to
//! the first hole. Acknowledgements follow Linux: immediate for the first packets, while the window grows, at holes and for
//! every second packet; delayed otherwise (RFC 1122 §4.2.3.2, RFC 5681 §4.2).

use p2p_base::units::{SimDuration, SimTime};

use super::out_of_order::{OutOfOrder, Range};
use super::receive_buffer::ReceiveBuffer;
use super::step::Step;
use super::timer::{Timer, expiry, jiffies_at, jiffies_for_micros};
use crate::packet::{Flags, Packet};
use crate::stats::ConnectionStats;

/// Number of acknowledgements sent immediately before any is delayed (Linux `TCP_MAX_QUICKACKS`).
const QUICK_ACKS: u8 = 16;
/// Shortest and longest delay of an acknowledgement, in jiffies: 40 ms and 200 ms (Linux `TCP_DELACK_MIN`, `_MAX`).
const DELAY_MIN: u64 = 10;
const DELAY_MAX: u64 = 50;
/// Number of duplicate acknowledgements sent immediately before they are compressed (Linux: the fast retransmit threshold).
const PLAIN_DUPLICATES: u8 = 3;
/// Largest number of acknowledgements that a compressed one stands for (Linux `tcp_comp_sack_nr`).
const COMPRESSED_MAX: u8 = 44;
/// Upper limit of the delay of a compressed acknowledgement, which is a twentieth of the round-trip time (Linux
/// `tcp_comp_sack_delay_ns`).
const COMPRESSED_DELAY_MAX: SimDuration = SimDuration::from_millis(1);
/// Slack of the timer of a compressed acknowledgement, so that it can share an interrupt (Linux `tcp_comp_sack_slack_ns`).
const COMPRESSED_SLACK: SimDuration = SimDuration::from_micros(100);
/// Window scale: the window is advertised in units of 2¹⁰ bytes (Linux's scale for a buffer that may grow to 32 MiB).
pub(crate) const WINDOW_SCALE: u32 = 10;

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
    /// Offset at which the stream ends; [`u64::MAX`] before a FIN has arrived.
    fin_at: u64,
    out_of_order: OutOfOrder,
    /// Window to be offered to the peer now.
    offer: Offer,
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
    /// Time of the latest packet that arrived in order, in jiffies.
    last_arrival: u64,
    /// Number of acknowledgements that the pending compressed one stands for.
    compressed: u8,
    plain_duplicates: u8,
    duplicates_at: u64,
}

impl Receiver {
    /// Returns a receiver whose buffer may grow to `memory_max` bytes. `opener` is true for the end that opens the
    /// connection.
    pub(super) fn new(memory_max: u32, opener: bool) -> Receiver {
        let syn_window = ReceiveBuffer::syn_window(memory_max, opener);
        let mut receiver = Receiver {
            nxt: 1,
            read: 1,
            takes_to: 1,
            told: 1,
            told_window: syn_window,
            buffer: ReceiveBuffer::new(memory_max, syn_window),
            fin_at: u64::MAX,
            out_of_order: OutOfOrder::default(),
            offer: Offer { window: 0, memory_is_short: false },
            echo: 0,
            ack: AckPolicy::default(),
            bytes_received: 0,
            fresh: 0,
        };
        receiver.renew_offer();
        receiver
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

    /// Returns the offset that would be expected next if what has arrived had arrived in order. Unlike [`expected`](Self::expected) it
    /// does not jump when a hole is filled.
    pub(super) fn arrived_to(&self) -> u64 {
        self.nxt + self.out_of_order.bytes()
    }

    /// Returns the counters of the sending half with those of the receiving half.
    pub(super) fn counted_in(&self, stats: ConnectionStats) -> ConnectionStats {
        let bytes_arrived = self.bytes_received + self.out_of_order.bytes();
        ConnectionStats { bytes_received: self.bytes_received, bytes_arrived, ..stats }
    }

    /// Returns the end of the last range of those that selective acknowledgements report; `None` if nothing has arrived beyond a
    /// hole.
    pub(super) fn end_beyond(&self) -> Option<u64> {
        self.out_of_order.end()
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
        self.nxt.min(self.fin_at)
    }

    /// Returns true if the peer has closed its stream and everything before the end has arrived.
    pub(super) fn is_finished(&self) -> bool {
        self.nxt > self.fin_at
    }

    /// Sets the header fields of this end: the next offset expected, the window in bytes, the peer's clock.
    pub(super) fn stamp(&self, step: &mut Step) {
        step.restamp(self.nxt, self.offer.window, self.echo);
    }

    /// Computes the window to offer anew: the free space, never less than was promised before (RFC 9293 §3.8.6.2.2; Linux
    /// `tcp_select_window`), in whole units of the window scale. An acknowledgement, which promises the window, leaves it as it is.
    fn renew_offer(&mut self) {
        let promised = (self.told + u64::from(self.told_window)).saturating_sub(self.nxt) as u32;
        let (free, memory_is_short) = self.buffer.window(self.memory_used());
        self.offer = Offer { window: free.max(promised).next_multiple_of(1 << WINDOW_SCALE), memory_is_short };
    }

    /// Returns the offset below which the application has read everything, or counts as having read it on arrival.
    fn taken_to(&self) -> u64 {
        self.read.max(self.takes_to.min(self.readable_to()))
    }

    /// Returns the memory of the data that waits to be read or for a hole to be filled.
    fn memory_used(&self) -> u32 {
        ReceiveBuffer::memory_for(self.readable_to() - self.taken_to() + self.out_of_order.bytes())
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
            self.fin_at = data_end;
        }
        self.buffer.measure_by_timestamp(step.now, packet, self.taken_to() == self.nxt);
        let (was, taken, had_hole) = (self.nxt, self.taken_to(), !self.out_of_order.is_empty());
        if start <= was && data_end > was {
            self.handle_data_in_order(step.now, packet, data_end, rto_jiffies);
        } else if start > was {
            self.offer_more(packet.len, 0);
        }
        self.take_range(step, start, end);
        let advanced = self.nxt > was;
        self.plan_ack(advanced, had_hole);
        if self.taken_to() > taken {
            self.buffer.record_read(step.now, self.taken_to(), self.readable_to(), self.out_of_order.bytes());
        } else if start > was {
            self.buffer.record_beyond(self.out_of_order.bytes());
        }
        self.renew_offer();
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
        self.offer_more(packet.len, packet.len);
    }

    /// Offers more after a packet of `len` bytes, if there is room beside the data received and `new` bytes that are not counted in it
    /// yet.
    fn offer_more(&mut self, len: u16, new: u16) {
        if self.buffer.may_offer_more(len) {
            let used = self.memory_used() + ReceiveBuffer::memory_for(u64::from(new));
            self.ack.quick |= u8::from(self.buffer.offer_more(used));
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
            self.take_beyond(step, (start, end));
        }
    }

    /// Advances the next expected offset to `end`, and further over the ranges beyond that adjoin it.
    fn advance(&mut self, end: u64) {
        let before = self.readable_to();
        self.nxt = self.out_of_order.join(end);
        self.bytes_received += self.readable_to() - before;
    }

    fn take_beyond(&mut self, step: &mut Step, range: Range) {
        let overlap = self.out_of_order.store(range);
        self.ack.at_once |= overlap.is_partial;
        self.fresh = self.fresh.wrapping_add(u32::from(!overlap.is_whole));
        if self.ack.compressed > 0 && !self.out_of_order.is_expected(range) {
            self.renew_offer();
            self.send_ack(step);
        }
        self.out_of_order.remember(range);
    }

    fn report_duplicate(&mut self, range: Range) {
        self.out_of_order.record_duplicate(range);
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
        self.ack.at_once |= (advanced && self.is_finished()) || (had_hole && self.out_of_order.is_empty());
    }

    /// Updates the estimated interval between the sender's packets (Linux `tcp_event_data_recv`).
    fn record_arrival(&mut self, now: SimTime, rto_jiffies: u64) {
        let ack = &mut self.ack;
        let arrival = jiffies_at(now);
        let gap = arrival - ack.last_arrival;
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
        self.ack.last_arrival = arrival;
    }

    /// Records that this end has sent data. If it follows the peer's data closely, the exchange is interactive:
    /// acknowledgements travel with data and are not sent immediately (Linux's "ping-pong" mode).
    pub(super) fn record_data_sent(&mut self, now: SimTime) {
        let since = jiffies_at(now) - self.ack.last_arrival;
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
        } else if self.out_of_order.is_empty() {
            self.delay_ack(step, srtt);
        } else {
            self.compress_ack(step, srtt);
        }
    }

    /// Returns true if a reader who has emptied the buffer triggers an acknowledgement (Linux `__tcp_cleanup_rbuf`).
    fn ends_a_burst(&self) -> bool {
        let enough = if self.ack.interactive { 2 } else { 1 };
        self.ack.pushed >= enough && self.out_of_order.is_empty()
    }

    /// Records an acknowledgement that data sent in this step has carried; full packets have no room for SACK blocks, which
    /// need a packet of their own.
    pub(super) fn record_piggybacked(&mut self, step: &mut Step) {
        if step.take_acknowledged() && !self.out_of_order.owes_blocks() {
            self.record_acknowledged(step);
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
            self.ack.plain_duplicates = self.ack.plain_duplicates.saturating_add(1);
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
        self.stamp(step);
        let (blocks, count) = self.out_of_order.take_blocks(self.nxt);
        step.send_ack(blocks, count);
        step.take_acknowledged();
        self.record_acknowledged(step);
    }

    fn record_acknowledged(&mut self, step: &mut Step) {
        (self.told, self.told_window) = (self.nxt, self.offer.window);
        if self.ack.quick > 0 {
            self.ack.quick -= u8::from(self.ack.owed);
            if self.ack.quick == 0 {
                self.ack.gap = DELAY_MIN;
            }
        }
        if self.offer.memory_is_short {
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
        self.renew_offer();
    }

    /// Records that the application has read up to `offset`. Returns true if the window has grown enough to be advertised
    /// (RFC 9293 §3.8.6.2.2; Linux `__tcp_cleanup_rbuf`: when it doubles).
    pub(super) fn record_read(&mut self, now: SimTime, offset: u64) -> bool {
        self.read = offset;
        self.buffer.record_read(now, self.taken_to(), self.readable_to(), self.out_of_order.bytes());
        self.renew_offer();
        let left = (self.told + u64::from(self.told_window)).saturating_sub(self.nxt);
        let window = u64::from(self.offer.window);
        2 * left <= u64::from(self.buffer.clamp()) && window > 0 && window >= 2 * left
    }
}
