//! The heading of the wire: how many packets are listed, and from when on they are all that there were.
//!
//! ```text
//! Wire: 2000 packets since 00:36.910, 91 lost or sent again before, probes hidden
//! ```

use p2p_base::units::SimTime;
use p2p_net::{PacketKind, PacketRecord, WireSince};
use p2p_shell::report::{Resolution, count_of, instant_of};
use unicode_width::UnicodeWidthStr;

/// Returns the heading of such packets in at most `width` cells if possible. What is known of packets before the first instant is said only
/// where there is room, and so is the part about probes.
pub(super) fn title(wire: &[PacketRecord], since: &WireSince, shows_probes: bool, width: usize) -> String {
    let time = |at: SimTime| instant_of(at, Resolution::Millis);
    let count = |is_counted: &dyn Fn(&PacketRecord) -> bool| wire.iter().filter(|packet| is_counted(packet)).count() as u64;
    let is_probe = |packet: &PacketRecord| packet.kind == PacketKind::Datagram;
    let is_before = |packet: &PacketRecord| since.packets.is_some_and(|since| packet.at < since);
    let from = |since: Option<SimTime>| since.map(|at| format!(" since {}", time(at))).unwrap_or_default();
    let packets = count(&|packet| !is_probe(packet) && !is_before(packet));
    let packets = format!("Wire: {}{}", count_of(packets, "packet"), from(since.packets));
    let before = match (count(&|packet| !is_probe(packet) && is_before(packet)), since.fates) {
        (0, _) => String::new(),
        (count, None) => format!(", {count} lost or sent again before"),
        (count, Some(at)) => format!(", {count} lost or sent again before (since {})", time(at)),
    };
    let probes = match shows_probes {
        true => format!(", {}{}", count_of(count(&is_probe), "probe"), from(since.datagrams)),
        false => ", probes hidden".to_owned(),
    };
    let titles = [format!("{packets}{before}{probes}"), format!("{packets}{probes}")];
    titles.into_iter().find(|title| title.width() <= width).unwrap_or(packets)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use super::*;

    fn packet(kind: PacketKind, second: u64) -> PacketRecord {
        let end = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        PacketRecord {
            at: SimTime::from_nanos(second * 1_000_000_000),
            from: end,
            to: end,
            connection: None,
            kind,
            seq: 0,
            ack: 0,
            len: 0,
            wire_len: 40,
            window: 0,
            congestion_window: None,
            is_retransmission: false,
            is_copy: false,
            dropped: None,
        }
    }

    /// The heading counts what is listed, each part from its own instant on, and loses the lesser parts first.
    #[test]
    fn the_heading_tells_from_when_on_the_wire_is_whole() {
        use PacketKind::{Data, Datagram};
        let wire = [(Data, 1), (Datagram, 20), (Data, 36), (Data, 37)].map(|(kind, second)| packet(kind, second));
        let at = |second: u64| Some(SimTime::from_nanos(second * 1_000_000_000));
        let whole = WireSince::default();
        assert_eq!(title(&wire, &whole, false, 80), "Wire: 3 packets, probes hidden");
        assert_eq!(title(&wire, &whole, true, 80), "Wire: 3 packets, 1 probe");
        let since = WireSince { packets: at(36), fates: None, datagrams: at(20) };
        let long = "Wire: 2 packets since 00:36.000, 1 lost or sent again before, probes hidden";
        assert_eq!(title(&wire, &since, false, long.len()), long);
        assert_eq!(title(&wire, &since, false, long.len() - 1), "Wire: 2 packets since 00:36.000, probes hidden");
        assert_eq!(title(&wire, &since, false, 40), "Wire: 2 packets since 00:36.000");
        let since = WireSince { fates: at(1), ..since };
        let long = "Wire: 2 packets since 00:36.000, 1 lost or sent again before (since 00:01.000), 1 probe since 00:20.000";
        assert_eq!(title(&wire, &since, true, 120), long);
    }
}
