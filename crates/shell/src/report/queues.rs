//! Queues of links: the packets that wait and how long the next one waits, in words and as JSON fields.

use p2p_engine::snapshot::LinkQueues;
use p2p_net::LinkQueue;
use serde::Serialize;

/// Queue of one direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct QueueReport {
    /// Number of packets that wait.
    pub packets: usize,
    /// Number of packets that may wait.
    pub packets_max: u32,
    /// Time that a packet which arrives now waits until it begins to be sent, in seconds.
    pub wait_seconds: f64,
}

impl From<LinkQueue> for QueueReport {
    fn from(queue: LinkQueue) -> Self {
        let LinkQueue { packets, packets_max, wait } = queue;
        QueueReport { packets, packets_max, wait_seconds: wait.as_secs_f64() }
    }
}

/// Queues of both directions of a host's link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct QueuesReport {
    /// Packets that wait to be sent.
    pub up: QueueReport,
    /// Packets that wait for the host to receive them.
    pub down: QueueReport,
}

impl From<LinkQueues> for QueuesReport {
    fn from(queues: LinkQueues) -> Self {
        QueuesReport { up: queues.up.into(), down: queues.down.into() }
    }
}

/// Formats a queue, as in `98/100 1.9 s`: the packets that wait, those that may, and how long the next one waits; the time only if there
/// is one.
pub fn queue_of(queue: LinkQueue) -> String {
    let LinkQueue { packets, packets_max, wait } = queue;
    match wait.as_secs_f64() {
        _ if packets == 0 => format!("0/{packets_max}"),
        seconds @ ..0.9995 => format!("{packets}/{packets_max} {:.0} ms", 1_000.0 * seconds),
        seconds => format!("{packets}/{packets_max} {seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use p2p_base::units::SimDuration;

    use super::*;

    #[test]
    fn a_queue_tells_how_long_the_next_packet_waits() {
        let told = |packets, millis| queue_of(LinkQueue { packets, packets_max: 100, wait: SimDuration::from_millis(millis) });
        assert_eq!([told(98, 1_931), told(7, 150), told(0, 12)], ["98/100 1.9 s", "7/100 150 ms", "0/100"]);
    }
}
