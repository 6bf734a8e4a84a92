//! Patience of a host with its peers: deadlines that follow the rate of the host's own access link.
//!
//! What a host sends and receives on one connection waits in the queues of its link behind all others. At a slow link that may take longer
//! than a peer may be silent, which then says nothing of the peer.

use p2p_base::units::SimDuration;
use p2p_net::{DEFAULT_QUEUE_PACKETS, HostConfig, LinkConfig, TcpConfig};

/// Number of passages through a full queue of its own link that a host waits at least: a packet that finds the queue full is sent again when
/// those behind it have passed, and may find it full again.
const PASSAGES: u64 = 4;

/// Number of such passages for which nothing may arrive from a peer that is not dead: the queue may drop probe after probe.
const SILENT_PASSAGES: u64 = 2;

/// Number of packets below which a queue is so short that it drops most of what several connections send at once.
const SHORT_QUEUE: u32 = 10;

/// Returns the TCP settings of the connections that a host with this link opens.
pub(crate) fn patient(tcp: TcpConfig, own: &HostConfig) -> TcpConfig {
    let least = passage(own) * PASSAGES;
    tcp.at_least(least, least)
}

/// Returns the time for which a host with this link may hear nothing from a peer that is not dead. Behind a queue with room for hardly any packet
/// that is no less than the user timeout: what that queue drops is sent again at ever longer intervals, and TCP waits as long for it.
pub(crate) fn silence(tcp: TcpConfig, own: &HostConfig) -> SimDuration {
    let least = passage(own) * SILENT_PASSAGES;
    if is_short(own) { least.max(tcp.user_timeout) } else { least }
}

/// Returns the time in which a packet passes a host's link behind a full queue, for deadlines that are multiples of it. Of a short queue it is
/// that of an ordinary one, and twice that of one with room for hardly any packet: it drops more packets, which TCP sends again at ever longer
/// intervals.
fn passage(own: &HostConfig) -> SimDuration {
    let passage =
        |link: LinkConfig| LinkConfig { queue_packets: link.queue_packets.max(DEFAULT_QUEUE_PACKETS), ..link }.longest_passage();
    passage(own.up).max(passage(own.down)) * if is_short(own) { 2 } else { 1 }
}

fn is_short(own: &HostConfig) -> bool {
    own.up.queue_packets.min(own.down.queue_packets) < SHORT_QUEUE
}

#[cfg(test)]
mod tests {
    use p2p_base::units::Probability;

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

    #[test]
    fn a_silent_peer_is_waited_for_longer_beside_a_short_queue() {
        let tcp = TcpConfig { user_timeout: SimDuration::from_secs(30), ..TcpConfig::default() };
        let silence = |bandwidth: &str, queue_packets| {
            let link = HostConfig::symmetric(bandwidth.parse().unwrap(), "5ms".parse().unwrap(), Probability::NEVER);
            silence(tcp, &HostConfig { down: LinkConfig { queue_packets, ..link.down }, ..link })
        };
        let passage =
            |bytes_per_second: u64| SimDuration::from_nanos((102 * 1_500 * 1_000_000_000_u64).div_ceil(bytes_per_second));
        assert_eq!([1, 9].map(|queue| silence("64KiB/s", queue)), [SimDuration::from_secs(30); 2]);
        assert_eq!([10, 100].map(|queue| silence("64KiB/s", queue)), [passage(65_536) * 2; 2]);
        assert_eq!([1, 10, 100].map(|queue| silence("1KiB/s", queue)), [4, 2, 2].map(|times| passage(1_024) * times));
    }
}
