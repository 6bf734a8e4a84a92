//! One step of one connection end: the instant, the timers that it may set, and the packets that it sends.
//!
//! Every packet of the step carries the current state of the receiving half (acknowledgement, window, timestamps).

use p2p_base::units::SimTime;

use super::timer::Timers;
use crate::packet::{Flags, Packet, SACK_BLOCKS, SackBlock};

/// Context of a step. The network empties the list of packets after it.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(super) now: SimTime,
    pub(super) timers: &'a mut Timers,
    out: &'a mut Vec<Packet>,
    header: Packet,
    /// True if a packet of this step has acknowledged the data received.
    acknowledged: bool,
}

impl<'a> Step<'a> {
    /// Returns a step at `now`. `header` names the connection end; the packets are added to `out`.
    pub(super) fn new(now: SimTime, timers: &'a mut Timers, out: &'a mut Vec<Packet>, header: Packet) -> Step<'a> {
        let header = Packet { timestamp: timestamp_at(now), ..header };
        Step { now, timers, out, header, acknowledged: false }
    }

    /// Returns the sender's clock in every packet of this step.
    pub(super) fn timestamp(&self) -> u32 {
        self.header.timestamp
    }

    /// Sets the sequence number of packets without payload, which is the position of the sending half.
    pub(super) fn set_seq(&mut self, seq: u64) {
        self.header.seq = seq;
    }

    /// Sets the acknowledgement, window and echoed timestamp of the packets that follow.
    pub(super) fn restamp(&mut self, ack: u64, window: u32, timestamp_echo: u32) {
        self.header.ack = ack;
        self.header.window = window;
        self.header.timestamp_echo = timestamp_echo;
    }

    /// Sends `len` bytes of the stream from offset `seq` on.
    pub(super) fn send_data(&mut self, seq: u64, len: u16, flags: Flags) {
        self.acknowledged = true;
        self.out.push(Packet { seq, len, flags: flags.with(Flags::ACK), ..self.header });
    }

    /// Sends a packet without payload; `fill` sets its remaining fields.
    pub(super) fn send_control(&mut self, seq: u64, flags: Flags, fill: impl FnOnce(&mut Packet)) {
        self.acknowledged |= flags.contains(Flags::ACK);
        let mut packet = Packet { seq, flags, ..self.header };
        fill(&mut packet);
        self.out.push(packet);
    }

    /// Sends an acknowledgement without payload.
    pub(super) fn send_ack(&mut self, sack: [SackBlock; SACK_BLOCKS], sack_blocks: u8) {
        self.acknowledged = true;
        let traits = self.header.traits.with_sack_blocks(sack_blocks);
        self.out.push(Packet { flags: Flags::ACK, traits, sack, ..self.header });
    }

    /// Returns true if a packet since the last call acknowledged the data received.
    pub(super) fn take_acknowledged(&mut self) -> bool {
        std::mem::take(&mut self.acknowledged)
    }
}

/// Returns the clock of the timestamps option at `now`: milliseconds, Linux's resolution (RFC 7323 §5.4), and never 0, which
/// would mean that there is no timestamp.
pub(super) fn timestamp_at(now: SimTime) -> u32 {
    (now.as_nanos() / 1_000_000) as u32 | 0x8000_0000
}
