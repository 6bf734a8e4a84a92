//! Captures are read back with the same care as Wireshark takes: checksums, sequence numbers, payload.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use etherparse::{NetHeaders, PacketHeaders, TransportHeader};
use p2p_base::units::{Probability, SimTime};
use p2p_net::{DropCause, Endpoint, HostConfig, HostStats, NetEvent, Network, PathConfig, Read, TcpConfig};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::{Block, PcapNgReader};

/// A file that a test can look into.
#[derive(Clone, Default)]
struct SharedFile(Arc<Mutex<Vec<u8>>>);

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A capture, the payload of its stream, and what the network counted.
struct Captured {
    file: Vec<u8>,
    payload: Vec<u8>,
    total: HostStats,
}

/// One megabyte and a datagram along a path with these faults, captured.
fn captured(faults: impl FnOnce(&mut PathConfig)) -> Captured {
    let link = HostConfig::symmetric("10Mbit/s".parse().unwrap(), "5ms".parse().unwrap(), Probability::from_percent(2));
    let mut net = Network::new(11);
    let [client, server] = [1, 2].map(|n| net.add_host(Ipv4Addr::new(192, 168, 1, n), &link));
    let mut path = net.path_config(client, server).unwrap();
    faults(&mut path);
    net.set_path(client, server, path).unwrap();
    let file = SharedFile::default();
    net.start_capture(Box::new(file.clone())).unwrap();
    net.listen(server, 7000, TcpConfig::default()).unwrap();
    let payload: Vec<u8> = (0..1_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let connection = net.connect(client, server, 7000, TcpConfig::default()).unwrap();
    for piece in payload.chunks(65_536) {
        net.write(connection, Bytes::copy_from_slice(piece)).unwrap();
    }
    net.close(connection);
    let [from, to] = [client, server].map(|host| Endpoint { host, port: 7001 });
    net.send_datagram(from, to, Bytes::from_static(b"are you there?")).unwrap();
    while net.handle_timeout(SimTime::MAX) {
        if let Some(NetEvent::Readable { connection }) = net.poll_event() {
            while let Read::Bytes(_) = net.read(connection, usize::MAX) {}
            if net.at_end(connection) {
                net.close(connection);
            }
        }
    }
    let (packets, total) = (net.stop_capture().unwrap(), net.total_stats());
    assert_eq!(packets, total.sent.total() + total.duplicated);
    let file = file.0.lock().unwrap().clone();
    Captured { file, payload, total }
}

/// Duplicates, and packets of which a bit is changed.
fn doubled_and_corrupt(path: &mut PathConfig) {
    (path.duplicate, path.corrupt) = (Probability::from_percent(5), Probability::from_percent(3));
}

#[test]
fn every_packet_is_whole_and_the_stream_can_be_put_together_again() {
    let Captured { file, payload, .. } = captured(|_| {});
    let mut reader = PcapNgReader::new(file.as_slice()).unwrap();
    let (mut stream, mut datagrams, mut comments, mut isn) = (BTreeMap::new(), 0, 0, 0u32);
    while let Some(block) = reader.next_block() {
        let Block::EnhancedPacket(packet) = block.unwrap() else { continue };
        comments += usize::from(!packet.options.is_empty());
        assert_eq!(packet.original_len as usize, packet.data.len());
        let headers = PacketHeaders::from_ethernet_slice(&packet.data).unwrap();
        let Some(NetHeaders::Ipv4(ip, _)) = headers.net else { panic!("no IPv4 header") };
        assert_eq!(ip.header_checksum, ip.calc_header_checksum());
        assert_eq!(usize::from(ip.total_len) + 14, packet.data.len());
        let payload = headers.payload.slice();
        match headers.transport.unwrap() {
            TransportHeader::Tcp(tcp) => {
                assert_eq!(tcp.checksum, tcp.calc_checksum_ipv4(&ip, payload).unwrap());
                if tcp.syn && !tcp.ack {
                    isn = tcp.sequence_number;
                }
                if tcp.destination_port == 7000 && !payload.is_empty() {
                    stream.insert(tcp.sequence_number.wrapping_sub(isn), payload.to_vec());
                }
            }
            TransportHeader::Udp(udp) => {
                assert_eq!(udp.checksum, udp.calc_checksum_ipv4(&ip, payload).unwrap());
                assert_eq!(payload, b"are you there?");
                datagrams += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(datagrams, 1);
    assert!(comments > 0, "lost packets say so");
    let joined: Vec<u8> = stream.into_values().flatten().collect();
    assert!(joined == payload, "the stream is not what was sent");
}

/// A packet of a capture.
#[derive(Default)]
struct Sent {
    data: Vec<u8>,
    is_wrong: bool,
}

/// A copy is its original byte for byte, identification included, and a changed bit makes the checksum wrong.
#[test]
fn copies_and_changed_bits_are_in_the_capture() {
    let Captured { file, total, .. } = captured(doubled_and_corrupt);
    let mut reader = PcapNgReader::new(file.as_slice()).unwrap();
    let (mut copies, mut wrong, mut before) = (0, 0, Sent::default());
    while let Some(block) = reader.next_block() {
        let Block::EnhancedPacket(packet) = block.unwrap() else { continue };
        let said = |text: &str| {
            packet.options.iter().any(|option| matches!(option, EnhancedPacketOption::Comment(comment) if comment == text))
        };
        let headers = PacketHeaders::from_ethernet_slice(&packet.data).unwrap();
        let Some(NetHeaders::Ipv4(ip, _)) = headers.net else { panic!("no IPv4 header") };
        let payload = headers.payload.slice();
        let (sum, right) = match headers.transport.unwrap() {
            TransportHeader::Tcp(tcp) => (tcp.checksum, tcp.calc_checksum_ipv4(&ip, payload).unwrap()),
            TransportHeader::Udp(udp) => (udp.checksum, udp.calc_checksum_ipv4(&ip, payload).unwrap()),
            other => panic!("{other:?}"),
        };
        assert_eq!(sum != right, said("dropped: bad checksum"));
        assert!(sum == right || (sum ^ right).is_power_of_two(), "one bit is changed");
        wrong += u64::from(sum != right);
        let sent = Sent { data: packet.data.to_vec(), is_wrong: sum != right };
        if said("copy made by the path") {
            copies += 1;
            let differing = sent.data.iter().zip(&before.data).filter(|(one, other)| one != other).count();
            assert_eq!((sent.data.len(), differing), (before.data.len(), usize::from(sent.is_wrong != before.is_wrong)));
        }
        before = sent;
    }
    assert_eq!((copies, wrong), (total.duplicated, total.dropped[DropCause::Corrupt]));
    assert!(copies > 20 && wrong > 10, "{copies} copies, {wrong} wrong");
}

/// Runs tshark on a capture, with its checks of checksums on.
fn tshark(file: &[u8], arguments: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flow.pcapng");
    std::fs::write(&path, file).unwrap();
    let checks = ["tcp.check_checksum:TRUE", "udp.check_checksum:TRUE", "ip.check_checksum:TRUE"].map(|on| format!("-o{on}"));
    let output = std::process::Command::new("tshark")
        .arg("-r")
        .arg(&path)
        .args(checks)
        .args(["-d", "tcp.port==7000,data"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The last word on a capture: Wireshark's own engine finds no malformed packet and no bad checksum, and follows the stream.
#[test]
#[ignore = "needs tshark"]
fn tshark_follows_the_stream() {
    let Captured { file, payload, .. } = captured(|_| {});
    let bad = "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0 || udp.checksum.status == 0";
    assert_eq!(tshark(&file, &["-Y", bad]), "");
    assert_ne!(tshark(&file, &["-Y", "tcp.analysis.retransmission || tcp.analysis.fast_retransmission"]), "");
    let followed = tshark(&file, &["-q", "-z", "follow,tcp,raw,0"]);
    let hex: String = followed.lines().filter(|line| line.chars().all(|c| c.is_ascii_hexdigit())).collect();
    let bytes: Vec<u8> = (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
    assert!(bytes == payload, "{} of {} bytes", bytes.len(), payload.len());
}

/// Wireshark shows each changed bit as a bad checksum, and each copy as what a second arrival of the same packet is: a spurious or
/// other retransmission of data, or a duplicate acknowledgement.
#[test]
#[ignore = "needs tshark"]
fn tshark_shows_copies_and_bad_checksums() {
    let Captured { file, total, .. } = captured(doubled_and_corrupt);
    assert_eq!(tshark(&file, &["-Y", "_ws.malformed || ip.checksum.status == 0"]), "");
    let count = |filter: &str| tshark(&file, &["-Y", filter, "-T", "fields", "-e", "frame.number"]).lines().count() as u64;
    assert_eq!(count("tcp.checksum.status == 0 || udp.checksum.status == 0"), total.dropped[DropCause::Corrupt]);
    let copy = "frame.comment contains \"copy made by the path\"";
    assert_eq!(count(copy), total.duplicated);
    let data = format!("({copy}) && tcp.len > 0 && tcp.checksum.status == 1");
    let shown = format!(
        "{data} && (tcp.analysis.retransmission || tcp.analysis.spurious_retransmission || tcp.analysis.fast_retransmission || \
         tcp.analysis.out_of_order)"
    );
    assert!(count(&data) > 20);
    assert_eq!(count(&shown), count(&data), "{}", tshark(&file, &["-Y", &format!("({data}) && !({shown})")]));
}
