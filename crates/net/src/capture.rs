//! Packet captures in pcapng format, which Wireshark opens and whose TCP streams it follows.
//!
//! Headers are real (Ethernet, IPv4, TCP or UDP, with checksums) and so is the payload. A packet is captured once, where it leaves
//! its sender, and again if its path makes a copy of it; comments name copies and the causes of losses. A packet that a path
//! corrupts has a checksum that is wrong by one bit. Blocks are written with `pcap-file`, headers with `etherparse`. The output is
//! any writer; each call writes one whole block to it.

use std::borrow::Cow;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

use etherparse::{EtherType, Ethernet2Header, IpNumber, Ipv4Header, TcpHeader, TcpOptionElement, UdpHeader};
use p2p_base::units::SimTime;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::{DataLink, PcapError};

use super::Network;
use super::packet::{Flags, MSS, Packet, TIMESTAMPS_OPTION, Traits, UDP_HEADER};
use super::packet_log::Route;
use super::sockets::Sockets;
use super::stats::DropCause;
use super::tcp::receiver::WINDOW_SCALE;

/// Time to live of every packet in hops, Linux's default.
const TIME_TO_LIVE: u8 = 64;
/// Snapshot length in bytes. An IPv4 packet with its Ethernet header is never longer here.
const SNAP_LENGTH: u32 = 65_535;
/// Timestamp resolution of the capture: 10⁻⁹ seconds.
const NANOSECONDS: u8 = 9;

/// A capture in progress.
pub(crate) struct Capture {
    /// Encoder of the pcapng blocks.
    writer: PcapNgWriter<Vec<u8>>,
    output: Box<dyn Write + Send>,
    packets: u64,
    /// Identification of the latest packet's IPv4 header.
    identification: u16,
    /// The first error; no further packet is written after it.
    failed: Option<io::Error>,
}

/// Initial sequence numbers of a packet's sender and of its peer, as they stand on the wire.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct InitialSequences {
    pub(crate) own: u32,
    pub(crate) peer: u32,
}

impl Capture {
    /// Starts a capture and writes the header of the file.
    pub(crate) fn new(mut output: Box<dyn Write + Send>) -> io::Result<Capture> {
        let mut writer = PcapNgWriter::new(Vec::new()).map_err(into_io)?;
        let options = vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed("p2p")),
            InterfaceDescriptionOption::IfDescription(Cow::Borrowed("the virtual network, at each sender")),
            InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
        ];
        let interface = InterfaceDescriptionBlock { linktype: DataLink::ETHERNET, snaplen: SNAP_LENGTH, options };
        writer.write_pcapng_block(interface).map_err(into_io)?;
        give(&mut writer, &mut output)?;
        output.flush()?;
        Ok(Capture { writer, output, packets: 0, identification: u16::MAX, failed: None })
    }

    /// Returns the error that ended the capture, if there was one.
    pub(crate) fn failure(&self) -> Option<&io::Error> {
        self.failed.as_ref()
    }

    /// Writes a packet as it leaves its sender, with its payload.
    pub(crate) fn observe(&mut self, at: SimTime, sockets: &Sockets, packet: &Packet, route: Route, dropped: Option<DropCause>) {
        if packet.is_datagram() {
            return self.udp(at, route, packet, &sockets.datagrams.of(packet).payload, dropped);
        }
        let Some(flow) = sockets.flow_of(packet) else { return };
        let (own, peer) = (flow.end(packet.side()), flow.end(packet.side().other()));
        let sequences = InitialSequences { own: own.initial_sequence, peer: peer.initial_sequence };
        let mut payload = own.stream.copy_range(packet.seq, usize::from(packet.len));
        payload.resize(usize::from(packet.len), 0);
        self.tcp(at, (route, sequences), packet, &payload, dropped);
    }

    /// Writes a TCP packet. `payload` must be as long as the packet states.
    fn tcp(
        &mut self,
        at: SimTime,
        (route, sequences): (Route, InitialSequences),
        packet: &Packet,
        payload: &[u8],
        dropped: Option<DropCause>,
    ) {
        let mut header = tcp_header(route, sequences, packet);
        let mut frame = frame(route, IpNumber::TCP, header.header_len_u16() + packet.len, self.identify(packet));
        let sum = header.calc_checksum_ipv4_raw(route.from.ip().octets(), route.to.ip().octets(), payload);
        header.checksum = on_the_wire(packet, sum.unwrap_or_default());
        frame.extend_from_slice(&header.to_bytes());
        frame.extend_from_slice(payload);
        self.write(at, frame, packet, dropped);
    }

    /// Writes a UDP datagram.
    fn udp(&mut self, at: SimTime, route: Route, packet: &Packet, payload: &[u8], dropped: Option<DropCause>) {
        let (identification, len) = (self.identify(packet), UDP_HEADER + payload.len() as u16);
        let ip = ip_header(route, IpNumber::UDP, len, identification);
        let Ok(header) = UdpHeader::with_ipv4_checksum(route.from.port(), route.to.port(), &ip, payload) else { return };
        let header = UdpHeader { checksum: on_the_wire(packet, header.checksum), ..header };
        let mut frame = frame(route, IpNumber::UDP, len, identification);
        frame.extend_from_slice(&header.to_bytes());
        frame.extend_from_slice(payload);
        self.write(at, frame, packet, dropped);
    }

    /// Returns the identification of a packet's IPv4 header: a new one, and for a copy that of its original, which is the packet
    /// before it (RFC 6864 §4.1).
    fn identify(&mut self, packet: &Packet) -> u16 {
        if !packet.traits.any(Traits::COPY) {
            self.identification = self.identification.wrapping_add(1);
        }
        self.identification
    }

    /// Ends the capture and returns the number of packets that it holds.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        match self.failed {
            Some(error) => Err(error),
            None => self.output.flush().map(|()| self.packets),
        }
    }

    fn write(&mut self, at: SimTime, frame: Vec<u8>, packet: &Packet, dropped: Option<DropCause>) {
        if self.failed.is_some() {
            return;
        }
        let copied = packet.traits.any(Traits::COPY).then(|| "copy made by the path".to_owned());
        let dropped = dropped.map(|cause| format!("dropped: {}", cause.name()));
        let comments = copied.into_iter().chain(dropped);
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: Duration::from_nanos(at.as_nanos()),
            original_len: frame.len() as u32,
            data: Cow::Owned(frame),
            options: comments.map(|comment| EnhancedPacketOption::Comment(Cow::Owned(comment))).collect(),
        };
        let made = self.writer.write_pcapng_block(block).map_err(into_io);
        match made.and_then(|_| give(&mut self.writer, &mut self.output)) {
            Ok(()) => self.packets += 1,
            Err(error) => self.failed = Some(error),
        }
    }
}

/// Writes the bytes encoded since the last call to the output, in one call.
fn give(writer: &mut PcapNgWriter<Vec<u8>>, output: &mut dyn Write) -> io::Result<()> {
    output.write_all(writer.get_ref())?;
    writer.get_mut().clear();
    Ok(())
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture").field("packets", &self.packets).field("failed", &self.failed).finish_non_exhaustive()
    }
}

/// Returns the checksum of a packet as it arrives. Where a bit of the packet was changed, the capture shows it in the checksum, so
/// that the rest of the packet is what was sent; it never becomes 0, which in a UDP header means that there is none (RFC 768).
fn on_the_wire(packet: &Packet, checksum: u16) -> u16 {
    match (packet.traits.any(Traits::CORRUPT), checksum) {
        (false, _) => checksum,
        (true, 1) => 3,
        (true, _) => checksum ^ 1,
    }
}

/// Returns the Ethernet and IPv4 headers for a payload of `len` bytes.
fn frame(route: Route, protocol: IpNumber, len: u16, identification: u16) -> Vec<u8> {
    let ethernet = Ethernet2Header {
        source: hardware_address(*route.from.ip()),
        destination: hardware_address(*route.to.ip()),
        ether_type: EtherType::IPV4,
    };
    let mut bytes = Vec::with_capacity(usize::from(len) + 64);
    bytes.extend_from_slice(&ethernet.to_bytes());
    bytes.extend_from_slice(&ip_header(route, protocol, len, identification).to_bytes());
    bytes
}

fn ip_header(route: Route, protocol: IpNumber, len: u16, identification: u16) -> Ipv4Header {
    let mut header = Ipv4Header {
        source: route.from.ip().octets(),
        destination: route.to.ip().octets(),
        protocol,
        time_to_live: TIME_TO_LIVE,
        identification,
        dont_fragment: true,
        total_len: Ipv4Header::MIN_LEN as u16 + len,
        ..Ipv4Header::default()
    };
    header.header_checksum = header.calc_header_checksum();
    header
}

fn tcp_header(route: Route, sequences: InitialSequences, packet: &Packet) -> TcpHeader {
    let sequence = |initial: u32, offset: u64| initial.wrapping_add(offset as u32);
    let is_syn = packet.flags.contains(Flags::SYN);
    let window = if is_syn { packet.window } else { packet.window >> WINDOW_SCALE };
    let window = u16::try_from(window).unwrap_or(u16::MAX);
    let seq = sequence(sequences.own, packet.seq);
    let mut header = TcpHeader::new(route.from.port(), route.to.port(), seq, window);
    header.syn = is_syn;
    header.ack = packet.flags.contains(Flags::ACK);
    header.fin = packet.flags.contains(Flags::FIN);
    header.rst = packet.flags.contains(Flags::RST);
    header.psh = packet.flags.contains(Flags::PSH);
    if header.ack {
        header.acknowledgment_number = sequence(sequences.peer, packet.ack);
    }
    // The options always fit: three SACK blocks and the timestamps take 40 bytes, which is TCP's room for them.
    let _ = header.set_options(&options(sequences, packet));
    header
}

fn options(sequences: InitialSequences, packet: &Packet) -> Vec<TcpOptionElement> {
    let timestamps = TcpOptionElement::Timestamp(packet.timestamp, packet.timestamp_echo);
    if packet.flags.contains(Flags::SYN) {
        return vec![
            TcpOptionElement::MaximumSegmentSize(MSS + TIMESTAMPS_OPTION),
            TcpOptionElement::SelectiveAcknowledgementPermitted,
            timestamps,
            TcpOptionElement::Noop,
            TcpOptionElement::WindowScale(WINDOW_SCALE as u8),
        ];
    }
    let mut options = vec![TcpOptionElement::Noop, TcpOptionElement::Noop, timestamps];
    let initial = sequences.peer;
    let mut blocks =
        packet.sack_ranges().map(|(start, end)| (initial.wrapping_add(start as u32), initial.wrapping_add(end as u32)));
    if let Some(first) = blocks.next() {
        let others = [blocks.next(), blocks.next(), None];
        options.extend([TcpOptionElement::Noop, TcpOptionElement::Noop]);
        options.push(TcpOptionElement::SelectiveAcknowledgement(first, others));
    }
    options
}

/// Returns a locally administered MAC address (IEEE 802 §8.2.2) that contains the host's IPv4 address.
fn hardware_address(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [0x02, 0x00, a, b, c, d]
}

fn into_io(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

impl Network {
    /// Writes every packet from now on to `output` as pcapng, a whole block in each call of `write_all`.
    ///
    /// # Errors
    /// Fails if the header of the file cannot be written. A later error ends the capture, and is reported by
    /// [`capture_failure`](Self::capture_failure) and [`stop_capture`](Self::stop_capture).
    pub fn start_capture(&mut self, output: Box<dyn Write + Send>) -> io::Result<()> {
        self.observers.capture = Some(Capture::new(output)?);
        Ok(())
    }

    /// Returns the error that ended the capture, if there was one.
    pub fn capture_failure(&self) -> Option<&io::Error> {
        self.observers.capture.as_ref().and_then(Capture::failure)
    }

    /// Ends the capture and returns the number of packets that it holds; 0 if none was active.
    ///
    /// # Errors
    /// Returns the first error of writing the capture.
    pub fn stop_capture(&mut self) -> io::Result<u64> {
        self.observers.capture.take().map_or(Ok(0), Capture::finish)
    }
}
