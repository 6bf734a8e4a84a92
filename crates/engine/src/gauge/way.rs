//! Way between the host of transfers and a holder, and how fast TCP is on it: what its links carry, its round trip and its loss say it.
//!
//! Delay and loss are those that the path has in the simulation, with its faults, and not measured ones: a smoothed round trip has the
//! queue in it, which is gone once the others are done, and of the few hundred packets of a transfer too few are lost to tell a loss of
//! one percent from two. A path that changes is followed at once.

use std::time::Duration;

use p2p_net::{HostConfig, LinkConfig, Loss, MSS, MTU};
use p2p_store::manifest::NodeNumber;

use super::Links;
use crate::known_host::known;
use crate::transfer::Direction;

/// Smallest retransmission timeout: that of Linux (`TCP_RTO_MIN`).
const RTO_MIN: f64 = Duration::from_millis(200).as_secs_f64();
/// Round trips from the arrival of the last byte to the end: half of one until the node's answer arrives, and one in which the node
/// confirms what it has stored.
const ENDING_ROUND_TRIPS: f64 = 1.5;
/// Packets on whose loss the end has to wait for a timeout: the last ones of the content, of the request and of the answer.
const ENDING_PACKETS: f64 = 3.0;
/// Bytes per second that stand for a link without a limit.
const FASTEST: f64 = 1e12;

/// Way between the host of transfers and a holder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Way {
    /// Payload that the holder's link carries, in bytes per second.
    pub(super) limit: f64,
    /// Round trip in seconds while no queue is filled.
    pub(super) round_trip: f64,
    /// Probability that a loss begins with a packet: a burst of them halves the window once.
    pub(super) loss: f64,
    /// Seconds that the last packet waits when the queue of the holder's link is full.
    pub(super) queue: f64,
}

impl Way {
    /// Returns the way between the host of transfers and a node, for their bytes.
    pub(super) fn of(Links { net, host: own, nodes, .. }: Links<'_>, direction: Direction, node: NodeNumber) -> Way {
        let host = nodes[node.index()];
        let HostConfig { up, down, .. } = known(net.host_config(host));
        let [there, back] = [(own, host), (host, own)].map(|(from, to)| known(net.path_config(from, to)));
        let (link, path) = if direction == Direction::Download { (up, back) } else { (down, there) };
        let loss = match path.loss {
            Loss::Independent(chance) => chance.as_f64(),
            Loss::Bursts(bursts) => path.loss.mean().as_f64() / bursts.mean_burst().unwrap_or(1.0).max(1.0),
        } + path.corrupt.as_f64();
        // A path on which nothing passes is not a slow one: what waits for its node goes elsewhere, or fails. Where all paths are so,
        // what was measured tells it.
        let is_dead = path.cut || loss >= 1.0;
        let round_trip = (there.delay.mean() + back.delay.mean()).as_secs_f64();
        // The loopback has no link.
        if host == own {
            return Way { limit: FASTEST, round_trip, loss: 0.0, queue: 0.0 };
        }
        Way { limit: payload_limit(link), round_trip, loss: if is_dead { 0.0 } else { loss }, queue: queue_seconds(link) }
    }

    /// Returns the bytes per second that TCP sends in the long run, while a queue lengthens the round trip by `queued` seconds.
    pub(super) fn throughput(self, queued: f64) -> f64 {
        let (round_trip, p) = (self.round_trip + queued + f64::from(MTU) / self.limit, self.loss.min(0.9));
        let limit = self.limit.min(FASTEST);
        if p <= 0.0 {
            return limit;
        }
        let timeout = RTO_MIN + round_trip;
        let timeouts = (3.0 * (3.0 * p / 8.0).sqrt()).min(1.0) * p * (1.0 + 32.0 * p * p);
        (f64::from(MSS) / (round_trip * (2.0 * p / 3.0).sqrt() + timeout * timeouts)).min(limit)
    }

    /// Returns the seconds that a packet waits in the queue of the holder's link, as far as a congestion window of so many packets fills it.
    pub(super) fn queued(self, window: f64) -> f64 {
        (window * f64::from(MSS) / self.limit - self.round_trip).clamp(0.0, self.queue)
    }

    /// Returns the seconds from the arrival of the last byte to the end.
    pub(super) fn ending(self) -> f64 {
        ENDING_ROUND_TRIPS * self.round_trip + ENDING_PACKETS * self.loss * self.timeout()
    }

    /// Returns the seconds after which TCP sends a lost packet again at the least, while no queue is filled.
    const fn timeout(self) -> f64 {
        RTO_MIN + self.round_trip
    }
}

/// Returns the seconds that the last packet of a full queue waits.
pub(super) fn queue_seconds(link: LinkConfig) -> f64 {
    f64::from(link.queue_packets) * f64::from(MTU) / capacity(link)
}

/// Returns the bytes that a link carries per second.
pub(super) fn capacity(link: LinkConfig) -> f64 {
    link.bandwidth.bits_per_second().map_or(f64::INFINITY, |bits| bits as f64 / 8.0)
}

/// Returns the maximum payload of a link in bytes per second.
pub(super) fn payload_limit(link: LinkConfig) -> f64 {
    capacity(link) * f64::from(MSS) / f64::from(MTU)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_round_trip_limit_the_throughput() {
        // RFC 5348: 1448 bytes, 200 ms and 5 % of loss are some 30 kB/s.
        let lossy = Way { limit: 2.5e5, round_trip: 0.2, loss: 0.05, queue: 0.6 };
        assert!((3e4..3.3e4).contains(&lossy.throughput(0.0)), "{}", lossy.throughput(0.0));
        assert!(lossy.throughput(0.5) < 0.5 * lossy.throughput(0.0));
        assert_eq!(Way { loss: 0.0, ..lossy }.throughput(0.5), 2.5e5);
    }

    #[test]
    fn a_window_fills_the_queue_of_a_link_up_to_its_length() {
        let way = Way { limit: 14_480.0, round_trip: 0.5, loss: 0.01, queue: 4.0 };
        // Ten packets a second: five are on their way.
        assert_eq!([4.0, 15.0, 45.0, 90.0].map(|window| way.queued(window)), [0.0, 1.0, 4.0, 4.0]);
    }
}
