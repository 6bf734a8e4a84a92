//! What the network counted, as a report. Knows nothing of transfers.

use serde::Serialize;

use super::tables::{Table, bytes_of, figures};
use crate::engine::snapshot::NetworkStats;
use crate::net::{DropCause, PacketKind};

/// Packets sent, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PacketsReport {
    /// Connections opened, lost attempts included.
    pub syn: u64,
    /// Their answers.
    pub syn_ack: u64,
    /// Packets that acknowledge and carry nothing.
    pub ack: u64,
    /// Packets that carry data.
    pub data: u64,
    /// Packets that end a stream.
    pub fin: u64,
    /// Packets that refuse or abort.
    pub rst: u64,
    /// Probes and their answers.
    pub health_check: u64,
}

/// Packets that did not arrive, by cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DropsReport {
    /// Lost on their path.
    pub loss: u64,
    /// Dropped by a full queue.
    pub queue_full: u64,
    /// Sent to a host that was down.
    pub host_down: u64,
}

/// What the network counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkReport {
    /// Packets sent, by kind.
    pub packets: PacketsReport,
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets that arrived.
    pub packets_delivered: u64,
    /// Packets that did not.
    pub packets_dropped: u64,
    /// The same by cause.
    pub drops: DropsReport,
    /// Packets still on their way.
    pub packets_in_transit: u64,
    /// Bytes sent, whole IP packets.
    pub bytes_sent: u64,
    /// Packets of data that were sent again.
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
                health_check: sent(PacketKind::HealthCheck),
            },
            packets_sent: total.sent.total(),
            packets_delivered: total.received.total(),
            packets_dropped: total.dropped.total(),
            drops: DropsReport {
                loss: stats.dropped(DropCause::Loss),
                queue_full: stats.dropped(DropCause::QueueFull),
                host_down: stats.dropped(DropCause::HostDown),
            },
            packets_in_transit: stats.in_transit,
            bytes_sent: total.bytes_sent,
            retransmits: total.retransmits,
        }
    }
}

impl NetworkReport {
    /// Packets sent, by kind, as a table.
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
        let columns = kinds.map(|(kind, _)| figures(kind)).to_vec();
        let rows = vec![kinds.iter().map(|(_, count)| count.to_string()).collect()];
        Table { columns, rows, empty: "" }
    }

    /// All packets together, in words.
    pub fn summary(&self) -> String {
        let drops = &self.drops;
        format!(
            "{} packets sent ({}), {} delivered, {} dropped ({} lost, {} by full queues, {} at hosts that were down), {} retransmits",
            self.packets_sent,
            bytes_of(self.bytes_sent),
            self.packets_delivered,
            self.packets_dropped,
            drops.loss,
            drops.queue_full,
            drops.host_down,
            self.retransmits
        )
    }
}
