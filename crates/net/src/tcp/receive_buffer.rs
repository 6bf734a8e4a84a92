//! The receive buffer: its memory, the window that the memory allows, and the growth of both with the data received.
//!
//! Linux counts memory and not payload: a packet takes up its buffer and its descriptor. The memory starts small and grows
//! each round trip towards twice the amount that the application has read in it (`tcp_rcv_space_adjust`, after Fisk and
//! Feng's dynamic right-sizing, 2001); the offered window grows by two packets for each packet received (`tcp_grow_window`).
//! Both limits together bound how fast a sender may start.

use p2p_base::units::SimTime;

use super::step::timestamp_at;
use crate::packet::{MSS, Packet, TIMESTAMPS_OPTION};

/// Memory of a new connection's buffer, in bytes (Linux `tcp_rmem[1]`).
const INITIAL_MEMORY: u32 = 131_072;
/// Memory that a packet takes up until it is read, in bytes: 2 KiB of data and 256 bytes of descriptor (Linux
/// `SKB_TRUESIZE`).
const PACKET_MEMORY: u32 = 2_304;
/// Share of the memory counted as payload, in 256ths, before a full packet has arrived (Linux `TCP_DEFAULT_SCALING_RATIO`),
/// and from then on (`tcp_measure_rcv_mss`).
const RATIO_BEFORE: u16 = 128;
const RATIO_LEARNT: u16 = (MSS as u32 * 256 / PACKET_MEMORY) as u16;
/// Assumed payload of a packet before one has arrived, in bytes (Linux `TCP_MSS_DEFAULT`).
const PACKET_EXPECTED: u16 = 536;
/// Amount read in the first round trip that does not cause growth, in packets (Linux `TCP_INIT_CWND`).
const FIRST_FLIGHT: u32 = 10;
/// Smallest payload for which the window grows, in bytes (Linux `tcp_event_data_recv`).
const WORTH_GROWING: u16 = 128;

/// Receive memory of one connection end, and the window that it may offer.
#[derive(Debug)]
pub(super) struct ReceiveBuffer {
    memory: u32,
    memory_max: u32,
    /// Share of the memory that is payload, in 256ths.
    ratio: u16,
    /// Payload of a full packet, as observed so far (Linux `rcv_mss`).
    packet: u16,
    /// Largest window that the memory allows (Linux `window_clamp`).
    clamp: u32,
    /// Window that is offered now (Linux `rcv_ssthresh`).
    offered: u32,
    /// Largest amount read in a round trip, in bytes; then the start of the current round trip, and the offset read up to at
    /// its start.
    read_in_round: u32,
    round_start: SimTime,
    round_start_read: u64,
    round_trip: RoundTrip,
}

/// Estimate of the round-trip time by a receiver (Linux `rcv_rtt_est`).
#[derive(Debug)]
struct RoundTrip {
    /// Smoothed round-trip time x 8, in microseconds; 0 before the first sample.
    micros_x8: u64,
    /// Echoed timestamp of the last sample; the packets of one flight repeat it.
    last_echo: u32,
    /// Offset at which a whole window of data will have arrived since the instant in `window_start`, which is [`SimTime::MAX`] before
    /// the first packet.
    window_end: u64,
    window_start: SimTime,
}

impl ReceiveBuffer {
    /// Returns the window that a SYN offers if the buffer may grow to `memory_max` bytes: whole packets, for the opener
    /// without timestamps, which are not negotiated yet (Linux `tcp_select_initial_window`).
    pub(super) fn syn_window(memory_max: u32, opener: bool) -> u32 {
        let packet = u32::from(MSS) + if opener { u32::from(TIMESTAMPS_OPTION) } else { 0 };
        let whole = payload_of(INITIAL_MEMORY.min(memory_max), RATIO_BEFORE);
        (whole / packet * packet).min(u32::from(u16::MAX))
    }

    /// Returns a buffer that may grow to `memory_max` bytes, of a connection end whose SYN offers `syn_window`.
    pub(super) fn new(memory_max: u32, syn_window: u32) -> ReceiveBuffer {
        let memory = INITIAL_MEMORY.min(memory_max);
        // One packet is reserved for the application (`tcp_app_win`).
        let clamp = (payload_of(memory, RATIO_BEFORE)).saturating_sub(u32::from(MSS)).max(2 * u32::from(MSS));
        let offered = syn_window.min(clamp);
        ReceiveBuffer {
            memory,
            memory_max,
            ratio: RATIO_BEFORE,
            packet: PACKET_EXPECTED,
            clamp,
            offered,
            read_in_round: offered.min(FIRST_FLIGHT * u32::from(MSS)),
            round_start: SimTime::ZERO,
            round_start_read: 0,
            round_trip: RoundTrip { micros_x8: 0, last_echo: 0, window_end: 0, window_start: SimTime::MAX },
        }
    }

    /// Starts the first round trip when the handshake is complete, with everything below `read` read (Linux
    /// `tcp_init_buffer_space`).
    pub(super) fn begin(&mut self, now: SimTime, read: u64) {
        self.round_start = now;
        self.round_start_read = read;
    }

    /// Returns the payload of a full packet, in bytes.
    pub(super) fn packet(&self) -> u32 {
        u32::from(self.packet)
    }

    /// Returns the largest window that may be offered.
    pub(super) fn clamp(&self) -> u32 {
        self.clamp
    }

    /// Returns the round-trip time in microseconds x 8; 0 before it is known.
    pub(super) fn round_trip_us_x8(&self) -> u64 {
        self.round_trip.micros_x8
    }

    /// Returns the memory that `bytes` bytes of payload take up, in full packets.
    pub(super) fn memory_for(bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(u64::from(MSS))).unwrap_or(u32::MAX).saturating_mul(PACKET_MEMORY)
    }

    /// Returns the payload that fits beside `used` bytes of memory (Linux `tcp_space`).
    fn room(&self, used: u32) -> u32 {
        payload_of(self.memory.saturating_sub(used), self.ratio)
    }

    /// Returns the window to offer beside `used` bytes of memory, and true if memory is short (Linux `__tcp_select_window`).
    /// If memory is short, a small window is replaced by zero.
    pub(super) fn window(&self, used: u32) -> (u32, bool) {
        let (room, whole) = (self.room(used), payload_of(self.memory, self.ratio));
        let is_short = room < self.clamp.min(whole) / 2;
        let little = (whole / 16).max(self.packet().min(whole));
        let window = if is_short && room < little { 0 } else { room.min(self.offered) };
        (window, is_short)
    }

    /// Adapts the size of a full packet to a packet of `len` bytes (Linux `tcp_measure_rcv_mss`). `window` is the window
    /// offered now. Returns true if the packet is smaller than a full one.
    pub(super) fn measure_packet(&mut self, len: u16, window: u32) -> bool {
        if len < self.packet {
            return true;
        }
        self.packet = len.min(MSS);
        if self.ratio != RATIO_LEARNT {
            self.ratio = RATIO_LEARNT;
            self.set_clamp(payload_of(self.memory, self.ratio), window);
            self.read_in_round = self.read_in_round.min(self.clamp);
        }
        false
    }

    /// Sets the largest window (Linux `tcp_set_window_clamp`).
    fn set_clamp(&mut self, clamp: u32, window: u32) {
        if clamp < self.clamp {
            self.offered = self.offered.min(clamp);
        } else {
            self.offered = self.offered.max(window.min(clamp));
        }
        self.clamp = clamp;
    }

    /// Returns true if the window may grow after a packet of `len` bytes, whatever room there is.
    pub(super) fn may_offer_more(&self, len: u16) -> bool {
        len >= WORTH_GROWING && self.offered < self.clamp
    }

    /// Offers two packets more, if there is room beside `used` bytes of memory (Linux `tcp_grow_window`). Returns true if the window has
    /// grown.
    pub(super) fn offer_more(&mut self, used: u32) -> bool {
        let room = self.clamp.min(self.room(used)).saturating_sub(self.offered);
        self.offered += room.min(2 * u32::from(MSS));
        room > 0
    }

    /// Measures the round-trip time by the timestamp that a full packet echoes (Linux `tcp_rcv_rtt_measure_ts`), in whole
    /// milliseconds. `is_empty` is true if the application has read everything.
    pub(super) fn measure_by_timestamp(&mut self, now: SimTime, packet: &Packet, is_empty: bool) {
        if packet.timestamp_echo == self.round_trip.last_echo {
            return;
        }
        self.round_trip.last_echo = packet.timestamp_echo;
        let millis = timestamp_at(now).wrapping_sub(packet.timestamp_echo) as i32;
        if packet.len >= self.packet && millis > 0 {
            let sample_us = millis as u64 * 1_000;
            let smoothed = self.round_trip.micros_x8;
            if smoothed == 0 || sample_us * 8 < smoothed {
                self.round_trip.micros_x8 = sample_us * 8;
            } else if is_empty {
                self.round_trip.micros_x8 = smoothed - (smoothed >> 3) + sample_us;
            }
        }
    }

    /// Measures the round-trip time by the arrival of a whole window, which takes at least that long (Linux
    /// `tcp_rcv_rtt_measure`). Everything below `arrived` has arrived, and `window` is offered.
    pub(super) fn measure_by_window(&mut self, now: SimTime, arrived: u64, window: u32) {
        let round_trip = &mut self.round_trip;
        if round_trip.window_start < SimTime::MAX {
            if arrived < round_trip.window_end {
                return;
            }
            let sample_x8 = 8 * ((now - round_trip.window_start).as_nanos() / 1_000).max(1);
            if round_trip.micros_x8 == 0 || sample_x8 < round_trip.micros_x8 {
                round_trip.micros_x8 = sample_x8;
            }
        }
        round_trip.window_start = now;
        round_trip.window_end = arrived + u64::from(window);
    }

    /// Records that the application has read up to `read`, while everything below `arrived` has arrived. Once per round trip
    /// the buffer grows, if more was read than in any before (Linux `tcp_rcv_space_adjust`). `beyond` bytes lie behind the
    /// first hole.
    pub(super) fn record_read(&mut self, now: SimTime, read: u64, arrived: u64, beyond: u64) {
        let round_trip_us = self.round_trip.micros_x8 >> 3;
        if round_trip_us == 0 || (now - self.round_start).as_nanos() / 1_000 < round_trip_us {
            return;
        }
        let read_now = (read - self.round_start_read).saturating_sub(arrived - read);
        let read_now = u32::try_from(read_now).unwrap_or(u32::MAX);
        if read_now > self.read_in_round {
            self.grow_for(read_now, beyond);
        }
        self.round_start = now;
        self.round_start_read = read;
    }

    /// Grows the buffer for packets that have arrived behind a hole, `beyond` bytes in all, so that they do not take up the
    /// room of the window (Linux `tcp_data_queue_ofo`).
    pub(super) fn record_beyond(&mut self, beyond: u64) {
        self.grow_for(self.read_in_round, beyond);
    }

    /// Grows the memory (Linux `tcp_rcvbuf_grow`) to hold twice the amount `read` in the last round trip, increased by twice
    /// its relative growth, because in slow start the next round trip brings twice as much; and the `beyond` bytes behind the
    /// first hole.
    fn grow_for(&mut self, read: u32, beyond: u64) {
        let before = std::mem::replace(&mut self.read_in_round, read);
        let twice = 2 * u64::from(read);
        let growth = twice * u64::from(read - before) / u64::from(before.max(1));
        let window = twice + 2 * growth + beyond;
        let memory = window.saturating_mul(256) / u64::from(self.ratio);
        let memory = u32::try_from(memory).unwrap_or(u32::MAX).min(self.memory_max);
        if memory > self.memory {
            self.memory = memory;
            self.clamp = payload_of(memory, self.ratio);
        }
    }
}

/// Returns the payload that `memory` bytes hold (Linux `tcp_win_from_space`).
fn payload_of(memory: u32, ratio: u16) -> u32 {
    ((u64::from(memory) * u64::from(ratio)) >> 8) as u32
}
