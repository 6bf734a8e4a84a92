//! The report of the network's packet counters, as JSON fields and as text.

use p2p_base::units::count_of;
use p2p_engine::snapshot::NetworkStats;
use p2p_net::{DropCause, PacketKind};
use serde::Serialize;

use super::bytes_of;
use super::queues::QueuesReport;
use super::tables::{Table, number_column};

/// Numbers of packets sent, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PacketsReport {
    /// Number of SYN packets, including lost ones.
    pub syn: u64,
    /// Number of SYN-ACK packets.
    pub syn_ack: u64,
    /// Number of packets that only acknowledge.
    pub ack: u64,
    /// Number of packets that carry data.
    pub data: u64,
    /// Number of packets that end a stream.
    pub fin: u64,
    /// Number of packets that refuse or abort a connection.
    pub rst: u64,
    /// Number of health probes and their answers.
    pub health_check: u64,
}

/// Numbers of packets that did not arrive, by cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DropsReport {
    /// Number of packets that were lost on their path.
    pub loss: u64,
    /// Number of packets that a full queue dropped.
    pub queue_full: u64,
    /// Number of packets that were sent to, or waited at, a host that was down.
    pub host_down: u64,
    /// Number of packets whose checksum revealed a changed bit.
    pub bad_checksum: u64,
    /// Number of packets that were sent along a path that was cut.
    pub path_cut: u64,
    /// Number of datagrams that were sent to a closed port.
    pub port_closed: u64,
}

/// The counters of the network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkReport {
    /// Numbers of packets sent, by kind.
    pub packets: PacketsReport,
    /// Number of packets sent.
    pub packets_sent: u64,
    /// Number of copies of packets that paths made.
    pub packets_duplicated: u64,
    /// Number of packets that overtook others on their paths.
    pub packets_reordered: u64,
    /// Number of packets that arrived.
    pub packets_delivered: u64,
    /// Number of packets that did not arrive.
    pub packets_dropped: u64,
    /// Numbers of packets that did not arrive, by cause.
    pub drops: DropsReport,
    /// Number of packets that are still in transit.
    pub packets_in_transit: u64,
    /// Queues of the client's link, in which all that it sends and receives waits.
    pub client_queues: QueuesReport,
    /// Number of bytes sent, counting whole IP packets.
    pub bytes_sent: u64,
    /// Number of packets that were retransmitted: payload, SYNs and FINs.
    pub retransmits: u64,
}

impl From<&NetworkStats> for NetworkReport {
    fn from(stats: &NetworkStats) -> Self {
        let (sent, total) = (|kind| stats.sent(kind), &stats.total);
        NetworkReport {
            packets: PacketsReport {
                syn: sent(PacketKind::Syn),
                syn_ack: sent(PacketKind::SynAck),
                ack: sent(PacketKind::Ack),
                data: sent(PacketKind::Data),
                fin: sent(PacketKind::Fin),
                rst: sent(PacketKind::Rst),
                health_check: sent(PacketKind::Datagram),
            },
            packets_sent: total.sent.total(),
            packets_duplicated: total.duplicated,
            packets_reordered: total.reordered,
            packets_delivered: total.received.total(),
            packets_dropped: total.dropped.total(),
            drops: DropsReport {
                loss: stats.dropped(DropCause::Loss),
                queue_full: stats.dropped(DropCause::QueueFull),
                host_down: stats.dropped(DropCause::HostDown),
                bad_checksum: stats.dropped(DropCause::Corrupt),
                path_cut: stats.dropped(DropCause::Cut),
                port_closed: stats.dropped(DropCause::PortClosed),
            },
            packets_in_transit: stats.in_transit,
            client_queues: stats.client_queues.into(),
            bytes_sent: total.bytes_sent,
            retransmits: total.retransmits,
        }
    }
}

impl NetworkReport {
    /// Returns the table of packets sent, by kind.
    pub fn packets_table(&self) -> Table {
        let packets = &self.packets;
        let kinds = [
            ("SYN", packets.syn),
            ("SYN-ACK", packets.syn_ack),
            ("ACK", packets.ack),
            ("DATA", packets.data),
            ("FIN", packets.fin),
            ("RST", packets.rst),
            ("HEALTH_CHECK", packets.health_check),
        ];
        let columns = kinds.map(|(kind, _)| number_column(kind)).to_vec();
        let rows = vec![kinds.iter().map(|(_, count)| count.to_string()).collect()];
        Table { columns, rows, empty: "" }
    }

    /// Returns the counters of all packets in words.
    pub fn summary(&self) -> String {
        let drops = &self.drops;
        format!(
            "{} sent ({}), {} delivered, {} dropped ({} lost, {} by full queues, {} at hosts that were down), {}",
            count_of(self.packets_sent, "packet"),
            bytes_of(self.bytes_sent),
            self.packets_delivered,
            self.packets_dropped,
            drops.loss,
            drops.queue_full,
            drops.host_down,
            count_of(self.retransmits, "retransmit")
        )
    }
}
