//! Packets that are lost at the end of what TCP sends: nothing behind them tells the sender so, and it waits for its timer, which has the
//! round trip through the queues in it that were full before (RFC 6298 §2). A request or an answer at the end of a transfer is such a packet.

use p2p_base::units::SimDuration;
use p2p_net::{ConnectionId, HostId, LinkConfig, LinkQueue, MTU, Network};

use crate::known_host::known;

/// Returns the seconds until one end of a connection sends again what it has outstanding, if nothing is on its way any more that could tell it of
/// the loss before: neither a packet nor what the peer has answered to it.
pub(crate) fn lost_for(net: &Network, connection: ConnectionId) -> Option<f64> {
    let outstanding = net.outstanding(connection)?;
    let [one, other] = [net.host_of(connection)?, net.host_of(connection.peer())?];
    let round_trip = way(net, one, other) + way(net, other, one);
    let is_lost = net.now().since(outstanding.sent_at) > round_trip;
    is_lost.then(|| outstanding.again_at.since(net.now()).as_secs_f64())
}

/// Returns the longest time that a packet which has been sent takes from one host to another.
fn way(net: &Network, from: HostId, to: HostId) -> SimDuration {
    let (uplink, downlink) = (known(net.host_config(from)).up, known(net.host_config(to)).down);
    let (up, down) = (known(net.queues(from)).0, known(net.queues(to)).1);
    passage(uplink, up) + known(net.path_config(from, to)).delay.max() + passage(downlink, down)
}

/// Returns the longest time that a packet which has been sent takes to pass a link with this queue: there is none behind others in an empty
/// one.
fn passage(link: LinkConfig, queue: LinkQueue) -> SimDuration {
    let alone = link.bandwidth.time_for(u64::from(MTU));
    if queue.wait > alone { link.longest_passage() } else { alone * 2 }
}
