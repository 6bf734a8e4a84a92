//! A transfer's bytes, holder by holder: what was asked of each, what of it is acknowledged, and how fast that went.
//!
//! Meters of the network count the acknowledged bytes as the acknowledgements come, so that the figures are those of virtual
//! time, whenever somebody looks. Knows nothing of segments or of what is done with the figures.

use std::collections::BTreeMap;

use super::Direction;
use super::estimate::{self, Counted, Load, Measured, Shared};
use crate::engine::world::World;
use crate::net::{HostConfig, LinkConfig, MSS, MTU, MeterId, Network, RateSeries};
use crate::storage::manifest::NodeNumber;
use crate::units::{SimDuration, SimTime};

/// The rate of a transfer is that of so many seconds: the latest whole ones, and what has passed of the next.
pub const RATE_SECONDS: usize = 10;
/// How fast a holder is by itself is measured over so many seconds at the most. On a network with a straggler 85 % of the guesses are
/// within a fifth of the truth; were this and the next ten seconds as that of the rate is, 59 % would be (`tests/it/figures.rs`).
const LOOK_BACK_SECONDS: usize = 120;
/// How fast all holders together are is measured over so many seconds.
const TOGETHER_SECONDS: usize = 30;
/// Nothing is guessed before so much time, or a tenth of the transfer, has passed.
const GROUND: SimDuration = SimDuration::from_secs(3);

/// What is measured of one holder.
#[derive(Debug)]
struct Holder {
    meter: MeterId,
    /// Bytes that it has been asked to take or to give, without those of attempts that failed.
    asked: u64,
    /// Bytes of those that are done: stored, or here.
    done: u64,
    /// Bytes of the meter that belong to nothing that is under way.
    settled: u64,
    /// An attempt has failed, and what the meter has counted of it is not known.
    is_in_doubt: bool,
    /// Bytes of the file that will be asked of it, where that is known.
    ahead: u64,
    /// Since when it has had something to do, and what the meter stood at then.
    busy_since: (SimTime, u64),
}

impl Holder {
    /// Bytes that have been asked and are not done, and of those the acknowledged ones.
    fn under_way(&self, net: &Network) -> (u64, u64) {
        let open = self.asked - self.done;
        (open, net.metered(self.meter).saturating_sub(self.settled).min(open))
    }

    /// What has been acknowledged in so many seconds, while it has had something to do without a break.
    fn counted(&self, net: &Network, seconds: usize) -> Counted {
        let (since, stood_at) = self.busy_since;
        let begin = net.seconds_ago(seconds);
        let bytes = if begin > since { net.metered_since(self.meter, seconds) } else { net.metered(self.meter) - stood_at };
        Counted { bytes: bytes as f64, seconds: (net.now() - begin.max(since)).as_secs_f64() }
    }
}

/// What is measured of a transfer.
#[derive(Debug, Default)]
pub(in crate::engine) struct Gauge {
    holders: BTreeMap<NodeNumber, Holder>,
}

/// How fast a transfer is and how long it will take, at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::engine) struct Reading {
    /// Bytes that are acknowledged and belong to segments that are not done.
    pub(in crate::engine) under_way: u64,
    /// Bytes a second that were acknowledged in the last [`RATE_SECONDS`]; `None` before any were.
    pub(in crate::engine) rate: Option<f64>,
    /// Seconds to the end, if it goes on so; `None` where there is no ground for a guess.
    pub(in crate::engine) eta: Option<f64>,
}

impl Gauge {
    /// A holder has `len` bytes of the file, which will be asked of it.
    pub(in crate::engine) fn expect(&mut self, net: &mut Network, node: NodeNumber, len: u32) {
        self.holder(net, node).ahead += u64::from(len);
    }

    /// A holder is asked to take or to give `len` bytes, which are to be marked with the meter that is returned.
    pub(in crate::engine) fn ask(&mut self, net: &mut Network, node: NodeNumber, len: u32) -> MeterId {
        let holder = self.holder(net, node);
        let stands_at = net.metered(holder.meter);
        if holder.asked == holder.done {
            holder.busy_since = (net.now(), stands_at);
        }
        if std::mem::take(&mut holder.is_in_doubt) {
            holder.settled = stands_at;
        }
        holder.asked += u64::from(len);
        holder.ahead = holder.ahead.saturating_sub(u64::from(len));
        holder.meter
    }

    /// What it was asked for is done.
    pub(super) fn finish(&mut self, node: NodeNumber, len: u32) {
        if let Some(holder) = self.holders.get_mut(&node) {
            holder.done = (holder.done + u64::from(len)).min(holder.asked);
            holder.settled += u64::from(len);
        }
    }

    /// It has failed, and is not asked of this holder any more.
    pub(super) fn fail(&mut self, node: NodeNumber, len: u32) {
        if let Some(holder) = self.holders.get_mut(&node) {
            holder.asked = holder.asked.saturating_sub(u64::from(len)).max(holder.done);
            holder.is_in_doubt = true;
        }
    }

    /// The meters, which are of no more use when the transfer is over.
    pub(in crate::engine) fn meters(&self) -> impl Iterator<Item = MeterId> + '_ {
        self.holders.values().map(|holder| holder.meter)
    }

    fn holder(&mut self, net: &mut Network, node: NodeNumber) -> &mut Holder {
        self.holders.entry(node).or_insert_with(|| Holder {
            meter: net.add_meter(),
            asked: 0,
            done: 0,
            settled: 0,
            is_in_doubt: false,
            ahead: 0,
            busy_since: (net.now(), 0),
        })
    }

    /// How things stand with a transfer of `bytes` bytes, of which `done` are done, that began at `started`.
    pub(super) fn read(&self, world: &World, way: Direction, (bytes, done): (u64, u64), started: SimTime) -> Reading {
        let net = &world.net;
        let under_way: u64 = self.holders.values().map(|holder| holder.under_way(net).1).sum();
        let recent = self.counted(net, RATE_SECONDS, started);
        let has_begun = recent.seconds > 0.0 && self.meters().any(|meter| net.metered(meter) > 0);
        let has_ground = net.now() - started >= GROUND || (done + under_way).saturating_mul(10) >= bytes;
        let eta = if has_begun && has_ground { self.guess(world, way, bytes, started) } else { None };
        Reading { under_way, rate: has_begun.then(|| recent.rate()), eta }
    }

    /// What all holders together have counted in so many seconds, but not before `started`.
    fn counted(&self, net: &Network, seconds: usize, started: SimTime) -> Counted {
        let begin = net.seconds_ago(seconds).max(started);
        let bytes: u64 = self.meters().map(|meter| net.metered_since(meter, seconds)).sum();
        Counted { bytes: bytes as f64, seconds: (net.now() - begin).as_secs_f64() }
    }

    fn guess(&self, world: &World, way: Direction, bytes: u64, started: SimTime) -> Option<f64> {
        let (net, client) = (&world.net, world.hosts.client);
        let (up, down) = net.link_series(client, LOOK_BACK_SECONDS);
        let (series, link) = match way {
            Direction::Download => (down, net.host_config(client).down),
            _ => (up, net.host_config(client).up),
        };
        let (limit, whole) =
            (payload_limit(link), link.bandwidth.bits_per_second().map_or(f64::INFINITY, |bits| bits as f64 / 8.0));
        let age = ((net.now() - started).as_nanos() / 1_000_000_000) as usize;
        let latest = series.tail(RATE_SECONDS.min(age));
        let used = latest.iter().sum::<u64>() as f64 / (latest.len().max(1) as f64 * whole);
        let short = self.counted(net, RATE_SECONDS, started);
        let all = Measured { long: self.counted(net, TOGETHER_SECONDS, started), short };
        let shared = Shared { limit, in_use: used.max(short.rate() / limit), all };
        let loads = self.loads(world, way, bytes, seconds_alike(&series, whole).min(age.max(1)));
        estimate::seconds_left(&loads, &shared)
    }

    /// What each holder has to do, and how it has done in so many seconds.
    fn loads(&self, world: &World, way: Direction, bytes: u64, seconds: usize) -> Vec<Load> {
        let net = &world.net;
        let asked: u64 = self.holders.values().map(|holder| holder.asked).sum();
        let ahead: u64 = self.holders.values().map(|holder| holder.ahead).sum();
        // Where it is not known who will get the rest, each will get its share of it as it did before.
        let rest = bytes.saturating_sub(asked + ahead) as f64;
        let load = |(node, holder): (&NodeNumber, &Holder)| {
            let (open, acknowledged) = holder.under_way(net);
            let HostConfig { up, down, .. } = net.host_config(world.nodes[node.index()].host);
            let busy = || Measured { long: holder.counted(net, seconds), short: holder.counted(net, seconds.min(RATE_SECONDS)) };
            Load {
                left: (open - acknowledged + holder.ahead) as f64 + rest * holder.asked as f64 / asked.max(1) as f64,
                limit: payload_limit(if way == Direction::Download { up } else { down }),
                busy: (open > acknowledged).then(busy).filter(|busy| busy.long.seconds >= 1.0),
            }
        };
        self.holders.iter().map(load).collect()
    }
}

/// For how many of the latest seconds a link of `capacity` bytes a second has not been what held others back; ten at the least.
fn seconds_alike(series: &RateSeries, capacity: f64) -> usize {
    let seconds = series.tail(LOOK_BACK_SECONDS);
    let is_full = |pair: &[u64]| Shared::is_full(pair.iter().sum::<u64>() as f64 / (2.0 * capacity));
    let alike = seconds.windows(2).rev().skip(RATE_SECONDS).position(is_full).map(|place| place + RATE_SECONDS);
    alike.unwrap_or(seconds.len()).max(RATE_SECONDS)
}

/// Bytes of payload a second that a link carries at the most.
fn payload_limit(link: LinkConfig) -> f64 {
    let whole = link.bandwidth.bits_per_second().map_or(f64::INFINITY, |bits| bits as f64 / 8.0);
    whole * f64::from(MSS) / f64::from(MTU)
}
