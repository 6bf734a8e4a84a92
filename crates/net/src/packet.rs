//! Packets on a link: TCP packets and UDP datagrams, represented by their headers.
//!
//! A packet carries no payload. It names a range of the sender's stream, and the bytes are sliced from there only when the
//! receiver reads them in order or a capture records them. Sequence numbers are 64-bit offsets from the start of the
//! connection (0 is the SYN, 1 the first byte), like an analyser's relative sequence numbers; [`capture`](super::capture)
//! turns them into the 32-bit numbers of the wire.

/// Largest IPv4 packet that a link carries, in bytes (the MTU of Ethernet).
pub const MTU: u16 = 1500;

/// Length of an IPv4 header without options, in bytes (RFC 791 §3.1).
pub(crate) const IPV4_HEADER: u16 = 20;

/// Length of a TCP header without options, in bytes (RFC 9293 §3.1).
pub(crate) const TCP_HEADER: u16 = 20;

/// Length of the timestamps option with its padding, in bytes; every packet but a SYN carries it in this form (RFC 7323 §3.2,
/// appendix A).
pub(crate) const TIMESTAMPS_OPTION: u16 = 12;

/// Length of the options of a SYN, in bytes: MSS 4, SACK permitted 2, timestamps 10, padding 1, window scale 3, as Linux
/// sends them.
pub(crate) const SYN_OPTIONS: u16 = 20;

/// Largest payload of one TCP packet, in bytes: 1448.
pub const MSS: u16 = MTU - IPV4_HEADER - TCP_HEADER - TIMESTAMPS_OPTION;

/// Length of a UDP header, in bytes (RFC 768).
pub(crate) const UDP_HEADER: u16 = 8;

/// Number of SACK blocks that fit beside timestamps in TCP's 40 bytes of options (RFC 2018 §3).
pub(crate) const SACK_BLOCKS: usize = 3;

/// Kind of a packet, as distinguished by counters, traces and screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PacketKind {
    /// A SYN, which opens a connection.
    Syn,
    /// A SYN-ACK, which answers a SYN.
    SynAck,
    /// A packet that acknowledges and carries no payload.
    Ack,
    /// A packet that carries payload (and acknowledges).
    Data,
    /// A FIN, which ends its sender's stream; it may carry the last payload too.
    Fin,
    /// A RST, which refuses or aborts a connection.
    Rst,
    /// A UDP datagram (RFC 768).
    Datagram,
}

impl PacketKind {
    /// All kinds, in the order of the counters.
    pub const ALL: [PacketKind; 7] = [
        PacketKind::Syn,
        PacketKind::SynAck,
        PacketKind::Ack,
        PacketKind::Data,
        PacketKind::Fin,
        PacketKind::Rst,
        PacketKind::Datagram,
    ];

    /// Returns the name used on screens and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            PacketKind::Syn => "SYN",
            PacketKind::SynAck => "SYN-ACK",
            PacketKind::Ack => "ACK",
            PacketKind::Data => "DATA",
            PacketKind::Fin => "FIN",
            PacketKind::Rst => "RST",
            PacketKind::Datagram => "UDP",
        }
    }
}

/// TCP's control bits (RFC 9293 §3.1), as far as they are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(u8);

impl Flags {
    /// FIN: no more data from the sender.
    pub(crate) const FIN: Flags = Flags(0x01);
    /// SYN: synchronise sequence numbers.
    pub(crate) const SYN: Flags = Flags(0x02);
    /// RST: reset the connection.
    pub(crate) const RST: Flags = Flags(0x04);
    /// PSH: end of the data that the application has written.
    pub(crate) const PSH: Flags = Flags(0x08);
    /// ACK: the acknowledgement number is valid.
    pub(crate) const ACK: Flags = Flags(0x10);

    /// Returns true if every bit of `bits` is set.
    pub(crate) const fn contains(self, bits: Flags) -> bool {
        self.0 & bits.0 == bits.0
    }

    /// Returns true if a bit of `bits` is set.
    pub(crate) const fn any(self, bits: Flags) -> bool {
        self.0 & bits.0 != 0
    }

    /// Returns the union of both sets of bits.
    #[must_use]
    pub(crate) const fn with(self, bits: Flags) -> Flags {
        Flags(self.0 | bits.0)
    }

    /// Returns the control bits as the low eight bits of the header field.
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }
}

/// Side of a connection: the end that opened it or the end that accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Side {
    /// The end that sent the SYN.
    Opener,
    /// The end that answered the SYN.
    Acceptor,
}

impl Side {
    /// Returns the other side.
    #[must_use]
    pub const fn other(self) -> Side {
        match self {
            Side::Opener => Side::Acceptor,
            Side::Acceptor => Side::Opener,
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// A range of the stream that arrived beyond a hole (RFC 2018 §3), as distances from the acknowledgement number: negative if
/// a duplicate is reported (RFC 2883 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SackBlock {
    start: i32,
    end: i32,
}

impl SackBlock {
    /// Returns the block `start..end`, relative to the acknowledgement number `ack`.
    pub(crate) const fn new(ack: u64, start: u64, end: u64) -> SackBlock {
        SackBlock { start: start.wrapping_sub(ack) as i32, end: end.wrapping_sub(ack) as i32 }
    }

    /// Returns the block's first offset and the first one after it, given the acknowledgement number `ack`.
    pub(crate) const fn range(self, ack: u64) -> (u64, u64) {
        (ack.wrapping_add_signed(self.start as i64), ack.wrapping_add_signed(self.end as i64))
    }
}

/// Properties of a packet that take a bit or two each: what it is, and what has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traits(u8);

impl Traits {
    /// Bits of the number of SACK blocks.
    const SACK_BLOCKS: u8 = 3;
    /// The packet is a UDP datagram.
    pub(crate) const DATAGRAM: Traits = Traits(4);
    /// The end that answered the SYN sent the packet.
    const ACCEPTOR: Traits = Traits(8);
    /// The sequence numbers had been sent before: payload, a SYN or a FIN.
    pub(crate) const RETRANSMISSION: Traits = Traits(16);
    /// A bit of the packet was changed on its path.
    pub(crate) const CORRUPT: Traits = Traits(32);
    /// The path made the packet as a copy of another; known to observers alone.
    pub(crate) const COPY: Traits = Traits(64);

    /// Returns the traits of a TCP packet without SACK blocks, sent by one side of a connection.
    const fn from_side(side: Side) -> Traits {
        match side {
            Side::Opener => Traits(0),
            Side::Acceptor => Traits::ACCEPTOR,
        }
    }

    /// Returns these traits and those of `more` if `is_set` is true.
    #[must_use]
    pub(crate) const fn with(self, more: Traits, is_set: bool) -> Traits {
        if is_set { Traits(self.0 | more.0) } else { self }
    }

    /// Returns these traits of a packet with `blocks` SACK blocks, of which it had none.
    #[must_use]
    pub(crate) const fn with_sack_blocks(self, blocks: u8) -> Traits {
        Traits(self.0 | blocks & Traits::SACK_BLOCKS)
    }

    /// Returns true if one of the traits of `of` is set.
    pub(crate) const fn any(self, of: Traits) -> bool {
        self.0 & of.0 != 0
    }

    /// Returns the number of SACK blocks, 0 to 3.
    pub(crate) const fn sack_blocks(self) -> u8 {
        self.0 & Traits::SACK_BLOCKS
    }
}

/// Headers of one packet. `slot` names the connection, or the datagram, in place of two addresses and two ports; the traits tell
/// the end of the connection that sent the packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet {
    /// Slot of the flow, or of the datagram, in the store of its protocol.
    pub(crate) slot: u32,
    pub(crate) traits: Traits,
    pub(crate) flags: Flags,
    /// Payload length in bytes.
    pub(crate) len: u16,
    /// Receive window in bytes, scaling applied.
    pub(crate) window: u32,
    /// The sender's clock in milliseconds (RFC 7323 §3.2: TSval).
    pub(crate) timestamp: u32,
    /// The peer's clock, echoed (TSecr).
    pub(crate) timestamp_echo: u32,
    /// Offset of the first payload byte, of the SYN or of the FIN.
    pub(crate) seq: u64,
    /// Offset expected next from the peer.
    pub(crate) ack: u64,
    pub(crate) sack: [SackBlock; SACK_BLOCKS],
}

impl Packet {
    /// Returns a datagram of `len` payload bytes, stored in `slot`.
    pub(crate) fn datagram(slot: u32, len: u16) -> Packet {
        Packet { traits: Traits::DATAGRAM, len, ..Packet::header(slot, Side::Opener) }
    }

    /// Returns an empty TCP header from one end of a connection.
    pub(crate) fn header(flow: u32, from: Side) -> Packet {
        Packet {
            slot: flow,
            traits: Traits::from_side(from),
            flags: Flags::default(),
            len: 0,
            window: 0,
            timestamp: 0,
            timestamp_echo: 0,
            seq: 0,
            ack: 0,
            sack: [SackBlock::default(); SACK_BLOCKS],
        }
    }

    /// Returns the side of the connection that sent the packet; that of a datagram is always the same.
    pub(crate) const fn side(&self) -> Side {
        if self.traits.any(Traits::ACCEPTOR) { Side::Acceptor } else { Side::Opener }
    }

    /// Returns true if the packet is a UDP datagram, and not a TCP packet.
    pub(crate) const fn is_datagram(&self) -> bool {
        self.traits.any(Traits::DATAGRAM)
    }

    /// Returns the number of SACK blocks that are set.
    pub(crate) const fn sack_blocks(&self) -> u8 {
        self.traits.sack_blocks()
    }

    pub(crate) fn kind(&self) -> PacketKind {
        let is_plain = !self.flags.any(Flags::FIN.with(Flags::SYN).with(Flags::RST));
        if self.is_datagram() {
            PacketKind::Datagram
        } else if is_plain {
            if self.len > 0 { PacketKind::Data } else { PacketKind::Ack }
        } else if self.flags.contains(Flags::RST) {
            PacketKind::Rst
        } else if self.flags.contains(Flags::SYN) {
            if self.flags.contains(Flags::ACK) { PacketKind::SynAck } else { PacketKind::Syn }
        } else {
            PacketKind::Fin
        }
    }

    /// Returns the length of the whole IPv4 packet in bytes, which is the length that occupies a link.
    #[inline]
    pub(crate) fn wire_len(&self) -> u16 {
        wire_len(self.traits, self.flags, self.len)
    }

    /// Returns the number of sequence numbers that the packet takes: its payload, and one each for a SYN and a FIN (RFC 9293 §3.4).
    pub(crate) const fn sequence_len(&self) -> u64 {
        self.len as u64 + self.flags.contains(Flags::SYN) as u64 + self.flags.contains(Flags::FIN) as u64
    }

    /// Returns the SACK blocks that are set, as ranges of the stream.
    pub(crate) fn sack_ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.sack.iter().take(usize::from(self.sack_blocks())).map(|block| block.range(self.ack))
    }
}

/// Lengths of all headers of a packet in bytes, by its kind: the low three bits are those of [`Traits`], which are the number of SACK
/// blocks and the mark of a datagram, and the fourth is set for a SYN. SACK blocks take four bytes plus eight for each (RFC 2018 §3
/// with two of padding).
const HEADERS: [u16; 16] = {
    let (plain, syn) = (IPV4_HEADER + TCP_HEADER + TIMESTAMPS_OPTION, IPV4_HEADER + TCP_HEADER + SYN_OPTIONS);
    let udp = IPV4_HEADER + UDP_HEADER;
    [plain, plain + 12, plain + 20, plain + 28, udp, udp, udp, udp, syn, syn, syn, syn, udp, udp, udp, udp]
};

/// Returns the length of the whole IPv4 packet with these headers and `len` bytes of payload.
#[inline]
pub(crate) fn wire_len(traits: Traits, flags: Flags, len: u16) -> u16 {
    let kind = traits.0 & (Traits::SACK_BLOCKS | Traits::DATAGRAM.0) | (flags.0 & Flags::SYN.0) << 2;
    HEADERS[usize::from(kind)] + len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_linux_on_the_wire() {
        let mut packet = Packet::header(0, Side::Opener);
        packet.flags = Flags::SYN;
        assert_eq!(packet.wire_len(), 60);
        packet.flags = Flags::ACK;
        assert_eq!(packet.wire_len(), 52);
        packet.len = MSS;
        assert_eq!((packet.wire_len(), MSS), (MTU, 1448));
        packet.len = 0;
        packet.traits = packet.traits.with_sack_blocks(3);
        assert_eq!(packet.wire_len(), 80);
    }

    #[test]
    fn a_sack_block_may_lie_below_the_acknowledgement() {
        let block = SackBlock::new(10_000, 5_000, 6_448);
        assert_eq!(block.range(10_000), (5_000, 6_448));
    }

    #[test]
    fn a_packet_in_flight_is_small() {
        assert!(size_of::<Packet>() <= 64, "{} bytes", size_of::<Packet>());
    }
}
