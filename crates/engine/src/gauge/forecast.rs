//! Forecast of one direction: how the bytes of all transfers pass between a host and the nodes from now on. Made once for all of
//! them, since they share the host's link; what the node on the host has of them crosses no link, and is there at once.

use std::collections::BTreeMap;

use p2p_base::units::SimTime;
use p2p_net::{HostConfig, LinkConfig, MeterId, Network, RateSeries};
use p2p_store::manifest::NodeNumber;

use super::backlog::{Backlog, Queue};
use super::course::{Course, Load, Shared, courses};
use super::measured::{Counted, Measured};
use super::way::{Way, capacity, payload_limit, queue_seconds};
use super::{Links, RATE_SECONDS};
use crate::known_host::known;
use crate::transfer::Direction;

/// Seconds over which the rate of all holders together is measured.
const TOGETHER_SECONDS: usize = 30;
/// Part of a queue that is filled on average behind a link that is full: TCP fills it, and empties some of it after a loss.
const QUEUE_FILLED: f64 = 0.8;
/// The same of the link of a holder, which one connection fills: after each loss it is empty for a while.
const FILLED_ALONE: f64 = 0.6;
/// Utilization of the link in the other direction by which transfers of that direction are known: acknowledgements alone take less.
const BESIDE: f64 = 0.15;

/// Forecast of the bytes of all transfers of one direction.
#[derive(Debug)]
pub(super) struct Forecast {
    /// Course of the bytes to or from each node; empty while nothing passes.
    courses: BTreeMap<NodeNumber, Course>,
    /// True if something passes, or nothing is left.
    pub(super) goes_on: bool,
    /// True if the carrying host's link is the bottleneck.
    pub(super) is_full: bool,
    /// True if the ways to the holders together carry as much as the carrying host's link, so that it is the bottleneck while all are in use.
    pub(super) can_fill: bool,
    /// Utilization of the carrying host's link in this direction and in the other one, from 0 to 1.
    pub(super) in_use: [f64; 2],
    /// Bytes per second that pass at the most, in this direction and in the other one: what the carrying host's link carries or, if that is less,
    /// what the ways to the holders do.
    pub(super) carried: [f64; 2],
    /// Seconds that a packet waits in the queue of the carrying host's link in this direction while it is full.
    pub(super) queue: f64,
    /// Seconds that an acknowledgement waits in the queue that the other direction fills.
    pub(super) queue_back: f64,
}

impl Forecast {
    /// Foretells how a backlog passes beside that of the other direction; `None` if there is no transfer.
    pub(super) fn new(links: Links<'_>, way: Direction, own: &Backlog, other: &Backlog) -> Option<Forecast> {
        let (net, payload, since) = (links.net, own.payload?, own.since?);
        let back = if way == Direction::Download { Direction::Upload } else { Direction::Download };
        let [(series, link), (series_back, link_back)] = sides(links, way);
        let age = whole_seconds(net, since);
        let short = counted(net, payload, RATE_SECONDS, since);
        let limit = payload_limit(link);
        let in_use = [utilization(&series, link, age).max(short.rate() / limit), utilization(&series_back, link_back, age)];
        let load = |(node, queue): (NodeNumber, &Queue)| {
            (node, Load { left: queue.all(), way: Way::of(links, way, node), window: queue.window(), busy: queue.passed() })
        };
        let is_here = |node: NodeNumber| links.nodes[node.index()] == links.host;
        let (here, there): (Vec<_>, Vec<_>) = own.queues().map(load).partition(|(node, _)| is_here(*node));
        // What is here passes as fast as the link at the least.
        let crossing = if there.is_empty() { &here } else { &there };
        let ways = |way| crossing.iter().map(move |(node, _)| Way::of(links, way, *node));
        let carried = [carried(link, ways(way)), carried(link_back, ways(back))];
        let here = here.into_iter().map(|(node, load)| (node, Course::at_once(load.left, load.way)));
        let (nodes, loads): (Vec<NodeNumber>, Vec<Load>) = there.into_iter().unzip();
        let is_quiet = |&&bytes: &&u64| way == Direction::Upload || bytes as f64 <= BESIDE * capacity(link_back);
        let quiet = series_back.tail(TOGETHER_SECONDS).iter().rev().take_while(is_quiet).count().max(1);
        let shared = Shared {
            limit,
            in_use: in_use[0],
            queue: QUEUE_FILLED * queue_seconds(link),
            is_beside: way == Direction::Download && (other.left > 0.0 || in_use[1] > BESIDE),
            all: Measured { long: counted(net, payload, TOGETHER_SECONDS.min(quiet), since), short },
        };
        let queue_back = match carried[1] < payload_limit(link_back) {
            true => FILLED_ALONE * longest_queue(links, back, own),
            false => QUEUE_FILLED * queue_seconds(link_back),
        };
        let made = courses(&loads, &shared);
        let goes_on = made.is_some();
        let (courses, is_full) = made.unwrap_or_default();
        Some(Forecast {
            courses: nodes.into_iter().zip(courses).chain(here).collect(),
            goes_on,
            is_full,
            can_fill: carried[0] >= limit,
            in_use,
            carried,
            queue: shared.queue,
            queue_back,
        })
    }

    /// Returns the course of the bytes to or from a node.
    pub(super) fn course(&self, node: NodeNumber) -> Option<&Course> {
        self.courses.get(&node)
    }

    /// Returns the bytes that are left after so many seconds.
    pub(super) fn left_after(&self, seconds: f64) -> f64 {
        self.courses.values().map(|course| course.left_after(seconds)).sum()
    }
}

/// Returns what passed on the carrying host's link in each second and the link, in the direction `way` and in the other one.
fn sides(Links { net, host, .. }: Links<'_>, way: Direction) -> [(RateSeries, LinkConfig); 2] {
    let (up, down) = known(net.link_series(host, TOGETHER_SECONDS));
    let HostConfig { up: uplink, down: downlink, .. } = known(net.host_config(host));
    match way {
        Direction::Download => [(down, downlink), (up, uplink)],
        _ => [(up, uplink), (down, downlink)],
    }
}

/// Returns the bytes per second that the carrying host's link carries or, if that is less, the ways to all holders.
fn carried(link: LinkConfig, ways: impl Iterator<Item = Way>) -> f64 {
    payload_limit(link).min(ways.map(|way| way.throughput(0.0)).sum())
}

/// Returns the whole seconds that have passed since an instant.
fn whole_seconds(net: &Network, since: SimTime) -> usize {
    ((net.now() - since).as_nanos() / 1_000_000_000) as usize
}

/// Counts the bytes of a meter in the last `seconds` whole seconds, but not before `since`.
pub(super) fn counted(net: &Network, meter: MeterId, seconds: usize, since: SimTime) -> Counted {
    let seconds = seconds.min(whole_seconds(net, since));
    let begin = net.seconds_ago(seconds).max(since);
    Counted { bytes: net.metered_since(meter, seconds) as f64, seconds: (net.now() - begin).as_secs_f64() }
}

/// Returns the seconds that the last packet of a full queue waits at the most, of the holders' links in the direction `way`.
fn longest_queue(Links { net, nodes, .. }: Links<'_>, way: Direction, own: &Backlog) -> f64 {
    let queue = |node: NodeNumber| {
        let HostConfig { up, down, .. } = known(net.host_config(nodes[node.index()]));
        queue_seconds(if way == Direction::Download { up } else { down })
    };
    own.queues().map(|(node, _)| queue(node)).fold(0.0, f64::max)
}

/// Returns the share of a link's capacity that was used in the latest whole seconds, at most `age` of them.
fn utilization(series: &RateSeries, link: LinkConfig, age: usize) -> f64 {
    let latest = series.tail(RATE_SECONDS.min(age));
    latest.iter().sum::<u64>() as f64 / (latest.len().max(1) as f64 * capacity(link))
}
