//! Data handed over by the application, and the limit beyond which the writer has to wait.
//!
//! Linux keeps unsent data in buffers of up to 45 packets and checks its memory limit only when it begins a new one
//! (`tcp_sendmsg_locked`). A writer therefore continues past the limit, up to the congestion window, as long as bursts are
//! shorter than a buffer and leave a part of the last one unsent; on long paths with much bandwidth this determines how fast
//! a sender starts. A waiting writer is woken when a third of the limit is free (`sk_stream_min_wspace`).
//!
//! A writer that wants to decide late what it sends next limits the bytes that are handed over and unsent (`TCP_NOTSENT_LOWAT`): it may
//! write while there are fewer, and is woken when there are fewer than half as many (`tcp_stream_memory_free`).

use super::Sender;
use crate::packet::MSS;
use crate::tcp::step::Step;

/// Size of a full buffer of unsent data, in bytes (Linux `tcp_xmit_size_goal`: the whole packets of a burst of 64 KiB).
const BUFFER_BYTES: u64 = 65_536 / MSS as u64 * MSS as u64;
/// Memory that a buffer takes up beside its payload, in bytes (Linux `SKB_TRUESIZE` of an empty one).
const BUFFER_OVERHEAD: u64 = 832;

/// State of the send queue, the writer's side of the sending half.
#[derive(Debug)]
pub(super) struct SendQueue {
    /// Offset after the last byte that the application has handed over.
    handed_over: u64,
    /// Offset at which the last buffer begins, unless data beyond it has been sent.
    tail_start: u64,
    /// Memory in use above which no new buffer is begun (Linux `sk_sndbuf`).
    memory_max: u64,
    /// Number of unsent bytes from which on no write is accepted (Linux `TCP_NOTSENT_LOWAT`).
    unsent_max: u32,
    /// True if the writer waits for room (Linux `SOCK_NOSPACE`).
    is_waiting: bool,
}

impl SendQueue {
    pub(super) fn new(memory_max: u64) -> SendQueue {
        SendQueue { handed_over: 1, tail_start: 1, memory_max, unsent_max: u32::MAX, is_waiting: false }
    }

    /// Returns true if the writer waits for room.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_waiting
    }
}

impl Sender {
    /// Records that the application has handed over everything before offset `end`; `finished` is true if it has closed the
    /// stream.
    pub(in crate::tcp) fn hand_over(&mut self, end: u64, finished: bool) {
        self.queue.handed_over = end;
        self.finished = finished;
    }

    /// Returns the number of bytes handed over and not yet acknowledged.
    pub(in crate::tcp) fn unacknowledged(&self) -> u64 {
        self.queue.handed_over.saturating_sub(self.una)
    }

    /// Returns true if a write would be accepted now. Otherwise the writer is registered as waiting.
    pub(crate) fn lets_write(&mut self) -> bool {
        let has_memory = self.room_in_tail() > 0 || self.memory_used() < self.queue.memory_max;
        let lets_write = !self.queue.is_waiting && has_memory && self.unsent() < u64::from(self.queue.unsent_max);
        self.queue.is_waiting = !lets_write;
        lets_write
    }

    /// Limits the unsent bytes: from `bytes` of them on, no write is accepted.
    pub(crate) fn limit_unsent(&mut self, bytes: u32) {
        self.queue.unsent_max = bytes;
    }

    /// Returns the number of bytes handed over and never sent.
    fn unsent(&self) -> u64 {
        self.queue.handed_over.saturating_sub(self.nxt)
    }

    /// Returns true if the FIN may follow the data taken in.
    pub(super) fn says_last(&self) -> bool {
        self.finished && self.written == self.queue.handed_over
    }

    /// Takes in the data handed over as far as memory allows, and sends a burst whenever a buffer is full (`tcp_push_one`) or
    /// half of the peer's window is waiting (`forced_push`). The caller sends the rest.
    pub(in crate::tcp) fn enqueue(&mut self, step: &mut Step, may_send: bool) {
        while self.written < self.queue.handed_over {
            let mut room = self.room_in_tail();
            if room == 0 {
                if self.memory_used() >= self.queue.memory_max {
                    self.queue.is_waiting = true;
                    return;
                }
                self.queue.tail_start = self.written;
                room = BUFFER_BYTES;
            }
            let taken = room.min(self.queue.handed_over - self.written);
            self.written += taken;
            if taken == room && may_send {
                self.push_full_buffer(step);
            }
        }
    }

    fn push_full_buffer(&mut self, step: &mut Step) {
        if self.written - self.nxt > u64::from(self.peer_window_max / 2) {
            self.transmit_now(step);
        } else if self.tail_begins() == self.nxt {
            self.transmit_one_burst(step);
        }
    }

    /// Wakes a waiting writer once enough memory is free and few enough bytes are unsent (Linux `sk_stream_write_space`,
    /// `__sk_stream_memory_free`).
    pub(in crate::tcp) fn wake_writer(&mut self, step: &mut Step) {
        let used = self.memory_used();
        let has_memory = self.queue.memory_max.saturating_sub(used) >= used / 2;
        if self.queue.is_waiting && has_memory && self.unsent().saturating_mul(2) < u64::from(self.queue.unsent_max) {
            self.queue.is_waiting = false;
            self.enqueue(step, true);
            self.transmit(step);
        }
    }

    fn tail_begins(&self) -> u64 {
        self.queue.tail_start.max(self.nxt)
    }

    /// Returns the room left in the last buffer of unsent data; 0 if there is none or it is full.
    fn room_in_tail(&self) -> u64 {
        match self.written.saturating_sub(self.tail_begins()) {
            0 => 0,
            len => BUFFER_BYTES - len.min(BUFFER_BYTES),
        }
    }

    /// Returns the memory of the data taken in and not acknowledged (Linux `sk_wmem_queued`).
    fn memory_used(&self) -> u64 {
        let unsent_buffers = self.written.saturating_sub(self.nxt).div_ceil(BUFFER_BYTES);
        let buffers = u64::from(self.board.bursts()) + unsent_buffers;
        self.written.saturating_sub(self.una) + BUFFER_OVERHEAD * buffers
    }
}
