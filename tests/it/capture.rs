//! Captures are read back with the same care as Wireshark takes: checksums, sequence numbers, payload.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use etherparse::{NetHeaders, PacketHeaders, TransportHeader};
use p2p_base::units::{Probability, SimTime};
use p2p_net::{HostConfig, NetEvent, Network, TcpConfig};
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

/// One megabyte across a lossy link, and a probe, captured.
fn captured() -> (Vec<u8>, Vec<u8>) {
    let link = HostConfig::symmetric("10Mbit/s".parse().unwrap(), "5ms".parse().unwrap(), Probability::from_percent(2));
    let mut net = Network::new(11);
    let [client, server] = [1, 2].map(|n| net.add_host(Ipv4Addr::new(192, 168, 1, n), &link));
    let file = SharedFile::default();
    net.start_capture(Box::new(file.clone())).unwrap();
    net.listen(server, 7000, TcpConfig::default());
    let payload: Vec<u8> = (0..1_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let connection = net.connect(client, server, 7000, TcpConfig::default());
    for piece in payload.chunks(65_536) {
        net.write(connection, Bytes::copy_from_slice(piece)).unwrap();
    }
    net.close(connection);
    net.send_datagram(client, server, Bytes::from_static(b"are you there?"));
    while net.advance(SimTime::MAX) {
        if let Some(NetEvent::Readable { connection }) = net.poll_event() {
            while net.read(connection, usize::MAX).is_some() {}
            if net.at_end(connection) {
                net.close(connection);
            }
        }
    }
    let packets = net.stop_capture().unwrap();
    assert_eq!(packets, net.total_stats().sent.total());
    let bytes = file.0.lock().unwrap().clone();
    (bytes, payload)
}

#[test]
fn every_packet_is_whole_and_the_stream_can_be_put_together_again() {
    let (file, payload) = captured();
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

/// The last word on a capture: Wireshark's own engine finds no malformed packet and no bad checksum, and follows the stream.
#[test]
#[ignore = "needs tshark"]
fn tshark_follows_the_stream() {
    let (file, payload) = captured();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flow.pcapng");
    std::fs::write(&path, file).unwrap();
    let tshark = |arguments: &[&str]| {
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
    };
    let bad = "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0 || udp.checksum.status == 0";
    assert_eq!(tshark(&["-Y", bad]), "");
    assert_ne!(tshark(&["-Y", "tcp.analysis.retransmission || tcp.analysis.fast_retransmission"]), "");
    let followed = tshark(&["-q", "-z", "follow,tcp,raw,0"]);
    let hex: String = followed.lines().filter(|line| line.chars().all(|c| c.is_ascii_hexdigit())).collect();
    let bytes: Vec<u8> = (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
    assert!(bytes == payload, "{} of {} bytes", bytes.len(), payload.len());
}
