//! Patience of a host with its peers: deadlines that follow the rate of the host's own access link.
//!
//! What a host sends and receives on one connection waits in the queues of its link behind all others. At a slow link that may take longer
//! than a peer may be silent, which then says nothing of the peer.

use p2p_net::{DEFAULT_QUEUE_PACKETS, HostConfig, LinkConfig, TcpConfig};

/// Number of passages through a full queue of its own link that a host waits at least: a packet that finds the queue full is sent again when
/// those behind it have passed, and may find it full again.
const PASSAGES: u64 = 4;

/// Number of packets below which a queue is so short that it drops most of what several connections send at once.
const SHORT_QUEUE: u32 = 10;

/// Returns the TCP settings of the connections that a host with this link opens. Of a short queue the patience is that of an ordinary one,
/// and twice that of one with room for hardly any packet: it drops more packets, which TCP sends again at ever longer intervals.
pub(crate) fn patient(tcp: TcpConfig, own: &HostConfig) -> TcpConfig {
    let passage =
        |link: LinkConfig| LinkConfig { queue_packets: link.queue_packets.max(DEFAULT_QUEUE_PACKETS), ..link }.longest_passage();
    let is_short = own.up.queue_packets.min(own.down.queue_packets) < SHORT_QUEUE;
    let least = passage(own.up).max(passage(own.down)) * PASSAGES * if is_short { 2 } else { 1 };
    tcp.at_least(least, least)
}

#[cfg(test)]
mod tests {
    use p2p_base::units::{Probability, SimDuration};

    use super::*;

    fn deadlines(bandwidth: &str) -> (SimDuration, SimDuration) {
        deadlines_of(HostConfig::symmetric(bandwidth.parse().unwrap(), "5ms".parse().unwrap(), Probability::NEVER))
    }

    fn deadlines_of(link: HostConfig) -> (SimDuration, SimDuration) {
        let (connect_timeout, user_timeout) = (SimDuration::from_secs(10), SimDuration::from_secs(30));
        let patient = patient(TcpConfig { connect_timeout, user_timeout, ..TcpConfig::default() }, &link);
        (patient.connect_timeout, patient.user_timeout)
    }

    #[test]
    fn the_deadlines_of_an_ordinary_link_are_those_that_are_configured() {
        assert_eq!(deadlines("64KiB/s"), (SimDuration::from_secs(10), SimDuration::from_secs(30)));
        assert_eq!(deadlines("unlimited"), (SimDuration::from_secs(10), SimDuration::from_secs(30)));
    }

    #[test]
    fn the_deadlines_of_a_slow_link_follow_its_rate() {
        let four_full_queues =
            |bytes_per_second: u64| SimDuration::from_nanos(4 * 102 * 1_500 * 1_000_000_000 / bytes_per_second);
        assert_eq!(deadlines("1KiB/s"), (four_full_queues(1_024), four_full_queues(1_024)));
        assert_eq!(deadlines("256B/s"), (four_full_queues(256), four_full_queues(256)));
    }

    #[test]
    fn the_deadlines_of_a_short_queue_are_those_of_an_ordinary_one_or_twice_as_long() {
        let link = HostConfig::symmetric("1KiB/s".parse().unwrap(), "5ms".parse().unwrap(), Probability::NEVER);
        let ordinary = deadlines("1KiB/s").0;
        for (queue_packets, times) in [(1, 2), (9, 2), (10, 1), (99, 1)] {
            let short = HostConfig { up: LinkConfig { queue_packets, ..link.up }, ..link };
            assert_eq!(deadlines_of(short), (ordinary * times, ordinary * times));
        }
    }
}
