//! A packet that was sent and is not acknowledged yet, and what is known of it (RFC 6675 §2).

use p2p_base::units::SimTime;

/// Set of marks on a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks(u8);

impl Marks {
    /// The receiver has the packet, beyond a hole.
    pub(super) const SACKED: Marks = Marks(1);
    /// The packet is considered lost.
    pub(super) const LOST: Marks = Marks(2);
    /// A retransmission of the packet is in flight.
    pub(super) const RETRANSMITTED: Marks = Marks(4);
    /// The packet was retransmitted at some time.
    pub(super) const EVER_RETRANSMITTED: Marks = Marks(8);
    /// The packet ends the stream.
    pub(super) const FIN: Marks = Marks(16);
    /// The packet is part of the order by time.
    pub(super) const LISTED: Marks = Marks(32);
    /// The packet was the last of a burst.
    pub(super) const BURST_END: Marks = Marks(64);

    /// Returns the union of both sets of marks.
    pub(super) const fn with(self, marks: Marks) -> Marks {
        Marks(self.0 | marks.0)
    }

    pub(super) const fn any(self, marks: Marks) -> bool {
        self.0 & marks.0 != 0
    }

    pub(super) fn set(&mut self, marks: Marks) {
        self.0 |= marks.0;
    }

    pub(super) fn clear(&mut self, marks: Marks) {
        self.0 &= !marks.0;
    }
}

/// One packet that is not acknowledged yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// Offset of the packet's first byte in the stream.
    pub(super) seq: u64,
    /// Instant at which the packet was last sent.
    pub(super) at: SimTime,
    /// Number of transmissions up to its latest one; orders packets sent at the same instant.
    pub(super) turn: u32,
    /// Payload length in bytes.
    pub(super) len: u16,
    pub(super) marks: Marks,
}

impl Sent {
    /// Returns the offset after the packet; a FIN takes one offset (RFC 9293 §3.4).
    pub(super) fn end(&self) -> u64 {
        self.seq + u64::from(self.len) + u64::from(self.marks.any(Marks::FIN))
    }

    /// Returns true if the packet was ever retransmitted.
    pub(super) fn was_retransmitted(&self) -> bool {
        self.marks.any(Marks::EVER_RETRANSMITTED)
    }
}
