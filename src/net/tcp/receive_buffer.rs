//! The receive buffer: how much memory it has, what window that allows, and how both grow with what comes.
//!
//! Linux counts memory and not payload: a packet takes up its buffer and its descriptor. The buffer begins small and grows
//! each round trip towards twice what the application has read in it (`tcp_rcv_space_adjust`, after Fisk and Feng's dynamic
//! right-sizing, 2001); the window offered follows by two packets for each that comes (`tcp_grow_window`). Both together
//! bound how fast a sender may start. Knows nothing of ranges or of when to acknowledge.

use super::step::timestamp_at;
use crate::net::packet::{MSS, Packet, TIMESTAMPS_OPTION};
use crate::units::SimTime;

/// The memory that a new connection's buffer has, in bytes (Linux `tcp_rmem[1]`).
const INITIAL_MEMORY: u32 = 131_072;
/// What a packet takes up until it is read, in bytes: 2 KiB of data and 256 bytes of descriptor (Linux `SKB_TRUESIZE`).
const PACKET_MEMORY: u32 = 2_304;
/// How many 256ths of the memory are taken for payload before a full packet has come (Linux `TCP_DEFAULT_SCALING_RATIO`), and
/// from then on (`tcp_measure_rcv_mss`).
const RATIO_BEFORE: u32 = 128;
const RATIO_LEARNT: u32 = MSS as u32 * 256 / PACKET_MEMORY;
/// What a packet is expected to carry before one has come, in bytes (Linux `TCP_MSS_DEFAULT`).
const PACKET_EXPECTED: u32 = 536;
/// How much of what is read in the first round trip is no reason to grow, in packets (Linux `TCP_INIT_CWND`).
const FIRST_FLIGHT: u32 = 10;
/// Packets with less payload than this are no reason to offer more (Linux `tcp_event_data_recv`), in bytes.
const WORTH_GROWING: u16 = 128;

/// The memory of one connection end for what arrives, and the window that it may offer.
#[derive(Debug)]
pub(super) struct ReceiveBuffer {
    memory: u32,
    memory_max: u32,
    /// How many 256ths of the memory are payload.
    ratio: u32,
    /// The payload of a full packet, as far as any has come (Linux `rcv_mss`).
    packet: u32,
    /// The largest window that the memory allows (Linux `window_clamp`).
    clamp: u32,
    /// The window that is offered now (Linux `rcv_ssthresh`).
    offered: u32,
    /// The most that was read in a round trip, in bytes; when the current one began, and up to where had been read then.
    read_in_round: u32,
    round_start: SimTime,
    round_start_read: u64,
    round_trip: RoundTrip,
}

/// The round-trip time as a receiver sees it (Linux `rcv_rtt_est`).
#[derive(Debug, Default)]
struct RoundTrip {
    /// Smoothed, x 8, in microseconds; 0 before the first sample.
    micros_x8: u64,
    /// The echo that gave the last sample: packets of one flight repeat it.
    last_echo: u32,
    /// When a window of data will have come that began to come at an instant.
    window_end: u64,
    window_start: Option<SimTime>,
}

impl ReceiveBuffer {
    /// The window that a SYN offers where the buffer may grow to `memory_max` bytes: whole packets, for the opener without
    /// timestamps, which are not agreed on yet (Linux `tcp_select_initial_window`).
    pub(super) fn syn_window(memory_max: u32, opener: bool) -> u32 {
        let packet = u32::from(MSS) + if opener { u32::from(TIMESTAMPS_OPTION) } else { 0 };
        let whole = payload_of(INITIAL_MEMORY.min(memory_max), RATIO_BEFORE);
        (whole / packet * packet).min(u32::from(u16::MAX))
    }

    /// A buffer that may grow to `memory_max` bytes, of a connection end whose SYN offers `syn_window`.
    pub(super) fn new(memory_max: u32, syn_window: u32) -> ReceiveBuffer {
        let memory = INITIAL_MEMORY.min(memory_max);
        // One packet is kept back for the application (`tcp_app_win`).
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
            round_trip: RoundTrip::default(),
        }
    }

    /// The handshake is done: the first round trip begins, with all before `read` read (Linux `tcp_init_buffer_space`).
    pub(super) fn begin(&mut self, now: SimTime, read: u64) {
        self.round_start = now;
        self.round_start_read = read;
    }

    /// The payload of a full packet, in bytes.
    pub(super) fn packet(&self) -> u32 {
        self.packet
    }

    /// The largest window that may be offered.
    pub(super) fn clamp(&self) -> u32 {
        self.clamp
    }

    /// The round-trip time in microseconds x 8; 0 before it is known.
    pub(super) fn round_trip_us_x8(&self) -> u64 {
        self.round_trip.micros_x8
    }

    /// The memory that `bytes` bytes of payload take up, in full packets.
    pub(super) fn memory_for(bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(u64::from(MSS))).unwrap_or(u32::MAX).saturating_mul(PACKET_MEMORY)
    }

    /// The payload for which there is room beside `used` bytes of memory (Linux `tcp_space`).
    fn room(&self, used: u32) -> u32 {
        payload_of(self.memory.saturating_sub(used), self.ratio)
    }

    /// The window to offer beside `used` bytes of memory, and whether memory is short (Linux `__tcp_select_window`): nothing
    /// rather than a little where it is.
    pub(super) fn window(&self, used: u32) -> (u32, bool) {
        let (room, whole) = (self.room(used), payload_of(self.memory, self.ratio));
        let is_short = room < self.clamp.min(whole) / 2;
        let little = (whole / 16).max(self.packet.min(whole));
        let window = if is_short && room < little { 0 } else { room.min(self.offered) };
        (window, is_short)
    }

    /// Learns from a packet of `len` bytes how large they are (Linux `tcp_measure_rcv_mss`). `window` is what is offered now.
    /// True where the packet is smaller than those before it.
    pub(super) fn measure_packet(&mut self, len: u16, window: u32) -> bool {
        let len = u32::from(len);
        if len < self.packet {
            return true;
        }
        self.packet = len.min(u32::from(MSS));
        if self.ratio != RATIO_LEARNT {
            self.ratio = RATIO_LEARNT;
            self.set_clamp(payload_of(self.memory, self.ratio), window);
            self.read_in_round = self.read_in_round.min(self.clamp);
        }
        false
    }

    /// Linux `tcp_set_window_clamp`.
    fn set_clamp(&mut self, clamp: u32, window: u32) {
        if clamp < self.clamp {
            self.offered = self.offered.min(clamp);
        } else {
            self.offered = self.offered.max(window.min(clamp));
        }
        self.clamp = clamp;
    }

    /// Offers two packets more for a packet of `len` bytes, where there is room beside `used` bytes of memory (Linux
    /// `tcp_grow_window`). True where the window has grown.
    pub(super) fn offer_more(&mut self, len: u16, used: u32) -> bool {
        let room = self.clamp.min(self.room(used)).saturating_sub(self.offered);
        if room == 0 || len < WORTH_GROWING {
            return false;
        }
        self.offered += room.min(2 * u32::from(MSS));
        true
    }

    /// Measures the round trip by the timestamp that a full packet echoes (Linux `tcp_rcv_rtt_measure_ts`), in whole
    /// milliseconds. `is_empty` says that nothing waits to be read.
    pub(super) fn measure_by_timestamp(&mut self, now: SimTime, packet: &Packet, is_empty: bool) {
        if packet.timestamp_echo == self.round_trip.last_echo {
            return;
        }
        self.round_trip.last_echo = packet.timestamp_echo;
        let millis = timestamp_at(now).wrapping_sub(packet.timestamp_echo) as i32;
        if u32::from(packet.len) >= self.packet && millis > 0 {
            let sample_us = millis as u64 * 1_000;
            let smoothed = self.round_trip.micros_x8;
            if smoothed == 0 || sample_us * 8 < smoothed {
                self.round_trip.micros_x8 = sample_us * 8;
            } else if is_empty {
                self.round_trip.micros_x8 = smoothed - (smoothed >> 3) + sample_us;
            }
        }
    }

    /// Measures the round trip by how long a whole window takes to come, which is never less (Linux `tcp_rcv_rtt_measure`).
    /// All before `arrived` has come, and `window` is offered.
    pub(super) fn measure_by_window(&mut self, now: SimTime, arrived: u64, window: u32) {
        let round_trip = &mut self.round_trip;
        if let Some(start) = round_trip.window_start {
            if arrived < round_trip.window_end {
                return;
            }
            let sample_x8 = 8 * ((now - start).as_nanos() / 1_000).max(1);
            if round_trip.micros_x8 == 0 || sample_x8 < round_trip.micros_x8 {
                round_trip.micros_x8 = sample_x8;
            }
        }
        round_trip.window_start = Some(now);
        round_trip.window_end = arrived + u64::from(window);
    }

    /// The application has read up to `read`, and all before `arrived` has come: once a round trip the buffer grows, where more
    /// was read than in any before (Linux `tcp_rcv_space_adjust`). `beyond` bytes lie behind the first hole.
    pub(super) fn note_read(&mut self, now: SimTime, read: u64, arrived: u64, beyond: u64) {
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

    /// Packets have come behind a hole, `beyond` bytes in all: they are not to take the window's room (Linux
    /// `tcp_data_queue_ofo`).
    pub(super) fn note_beyond(&mut self, beyond: u64) {
        self.grow_for(self.read_in_round, beyond);
    }

    /// Linux `tcp_rcvbuf_grow`: room for twice what was read in the last round trip, and for as much again as that has grown,
    /// because in slow start the next one brings twice as much.
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

/// The payload that `memory` bytes hold (Linux `tcp_win_from_space`).
fn payload_of(memory: u32, ratio: u32) -> u32 {
    ((u64::from(memory) * u64::from(ratio)) >> 8) as u32
}
