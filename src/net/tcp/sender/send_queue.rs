//! What the application hands over, and how much of it TCP takes in before it lets the writer wait.
//!
//! Linux keeps unsent data in buffers of up to 45 packets and asks whether there is memory only where it begins a new one
//! (`tcp_sendmsg_locked`). A writer therefore goes on past the limit, up to the congestion window, for as long as bursts are
//! shorter than a buffer and leave a part of the last one unsent; on long fat paths that decides how fast a sender starts. A
//! writer that waits is woken when a third of the limit is free (`sk_stream_min_wspace`). Knows nothing of the bytes.

use super::Sender;
use crate::net::packet::MSS;
use crate::net::tcp::step::Step;

/// A full buffer of unsent data, in bytes (Linux `tcp_xmit_size_goal`: what a burst of 64 KiB holds in whole packets).
const BUFFER_BYTES: u64 = 65_536 / MSS as u64 * MSS as u64;
/// What a buffer takes up beside its payload, in bytes (Linux `SKB_TRUESIZE` of an empty one).
const BUFFER_OVERHEAD: u64 = 832;

/// The writer's side of the sending half.
#[derive(Debug)]
pub(super) struct SendQueue {
    /// The offset after the last byte that the application has handed over.
    handed_over: u64,
    /// Where the last buffer begins, unless it has been sent beyond that.
    tail_start: u64,
    /// The memory that may be in use where a new buffer is begun (Linux `sk_sndbuf`).
    memory_max: u64,
    /// The writer waits for memory (Linux `SOCK_NOSPACE`).
    is_waiting: bool,
}

impl SendQueue {
    pub(super) fn new(memory_max: u64) -> SendQueue {
        SendQueue { handed_over: 1, tail_start: 1, memory_max, is_waiting: false }
    }

    /// Whether the writer waits for memory.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_waiting
    }
}

impl Sender {
    /// The application has handed over all before offset `end`, and nothing will follow where `finished`.
    pub(in crate::net::tcp) fn hand_over(&mut self, end: u64, finished: bool) {
        self.queue.handed_over = end;
        self.finished = finished;
    }

    /// Bytes handed over and not yet acknowledged.
    pub(in crate::net::tcp) fn unacknowledged(&self) -> u64 {
        self.queue.handed_over.saturating_sub(self.una)
    }

    /// Whether a writer would be let in now. One that is not, waits from now on.
    pub(in crate::net::tcp) fn lets_write(&mut self) -> bool {
        let has_room = self.room_in_tail() > 0 || self.memory_used() < self.queue.memory_max;
        self.queue.is_waiting |= !has_room;
        !self.queue.is_waiting
    }

    /// Whether the FIN may follow what has been taken in.
    pub(super) fn says_last(&self) -> bool {
        self.finished && self.written == self.queue.handed_over
    }

    /// Takes in what has been handed over as far as there is memory, and sends a burst whenever a buffer is full
    /// (`tcp_push_one`) or half of the peer's window waits (`forced_push`). The caller sends the rest.
    pub(in crate::net::tcp) fn take_in(&mut self, step: &mut Step, may_send: bool) {
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

    /// Lets a waiting writer go on, once enough is free (Linux `sk_stream_write_space`).
    pub(in crate::net::tcp) fn wake_writer(&mut self, step: &mut Step) {
        let used = self.memory_used();
        if self.queue.is_waiting && self.queue.memory_max.saturating_sub(used) >= used / 2 {
            self.queue.is_waiting = false;
            self.take_in(step, true);
            self.transmit(step);
        }
    }

    fn tail_begins(&self) -> u64 {
        self.queue.tail_start.max(self.nxt)
    }

    /// How much more the last buffer of unsent data takes; 0 where there is none or it is full.
    fn room_in_tail(&self) -> u64 {
        match self.written.saturating_sub(self.tail_begins()) {
            0 => 0,
            len => BUFFER_BYTES - len.min(BUFFER_BYTES),
        }
    }

    /// The memory of what has been taken in and is not acknowledged (Linux `sk_wmem_queued`).
    fn memory_used(&self) -> u64 {
        let unsent_buffers = self.written.saturating_sub(self.nxt).div_ceil(BUFFER_BYTES);
        let buffers = u64::from(self.board.bursts()) + unsent_buffers;
        self.written.saturating_sub(self.una) + BUFFER_OVERHEAD * buffers
    }
}
