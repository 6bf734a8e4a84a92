//! Measurement of a transfer by holder: the bytes requested of each, the bytes that have arrived, and the rates.
//!
//! Meters of the network count bytes as they arrive at the other end, so that the figures belong to virtual time, do not depend on when
//! they are read, and never show more than the links carry.
//!
//! An estimate of the end is shown to the nearest second, and is right if what is shown is within a fifth of the truth or within a second of
//! it. What it cannot foresee is a packet that is lost among the last ones: TCP waits for its timer then, for some three seconds at the default
//! links, which is much of a short upload. As soon as the packet is lost, its timer tells the end.

mod backlog;
mod beside;
mod course;
mod ending;
mod forecast;
mod ground;
mod lost;
mod measured;
mod traffic;
mod way;
mod without;

use std::collections::BTreeMap;

use p2p_base::units::{SimDuration, SimTime};
use p2p_net::{HostId, MSS, MeterId, Network, RateSeries, SECONDS_MAX};
use p2p_store::manifest::NodeNumber;

pub(crate) use self::backlog::Stream;
use self::backlog::{Backlog, Queue};
use self::beside::Beside;
use self::course::Shared;
use self::ending::Ending;
use self::forecast::{Forecast, counted};
pub(crate) use self::lost::lost_for;
use self::measured::{Counted, Measured};
pub(crate) use self::traffic::{Traffic, TrafficByHost};
use super::status::{Direction, Remaining, Replacement, TransferState, TransferStatus};

/// Seconds over which the rate of a transfer is measured at the most: whole ones, as those of the rates of links.
pub const RATE_SECONDS: usize = 10;
/// Maximum number of seconds over which the rate of a single holder is measured.
const LOOK_BACK_SECONDS: usize = 60;
/// Seconds that have to pass before an estimate is made, unless a tenth of the transfer is done before.
const GROUND: f64 = 3.0;
/// Packets that have to have had the time to pass before an estimate is made.
const GROUND_PACKETS: f64 = 20.0;
/// Seconds without a byte after which an end that was due within one is overdue, unless something is lost and it is known when it is sent again.
const OVERDUE: usize = 1;
/// Times of a full queue of the carrying host's link for which nothing may arrive of a holder that is not silent: the others fill the queue, and
/// what is lost in it is sent again after another passage.
const QUEUES: f64 = 2.0;

/// Links that the measured bytes cross.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Links<'a> {
    pub(crate) net: &'a Network,
    /// Host that carries the transfers.
    pub(crate) host: HostId,
    /// Hosts of the nodes, by node.
    pub(crate) nodes: &'a [HostId],
}

/// Measurement of one holder.
#[derive(Debug)]
struct Holder {
    meter: MeterId,
    /// Bytes requested of the holder, without those of failed attempts.
    asked: u64,
    /// Bytes of completed requests: stored on the node, or received from it.
    done: u64,
    /// Bytes on the meter that do not belong to open requests.
    settled: u64,
    /// True if an attempt has failed, so that the meter's share of it is unknown.
    is_in_doubt: bool,
    /// Bytes of the file that will be requested of the holder, as far as known.
    ahead: u64,
    /// Instant since which it has been busy, and the meter's reading then.
    busy_since: (SimTime, u64),
}

impl Holder {
    /// Returns the bytes of open requests, and how many of them have arrived.
    fn under_way(&self, net: &Network) -> (u64, u64) {
        let open = self.asked - self.done;
        (open, net.metered(self.meter).saturating_sub(self.settled).min(open))
    }

    /// Returns the weight of the holder among those that get what is left; none if its last attempt has failed and nothing has been
    /// requested of it since.
    fn share(&self) -> u64 {
        if self.is_in_doubt { 0 } else { self.asked }
    }

    /// Returns the bytes that have arrived in the last `seconds` seconds, but only since the holder was last idle.
    fn counted(&self, net: &Network, seconds: usize) -> Counted {
        let (since, stood_at) = self.busy_since;
        let begin = net.seconds_ago(seconds);
        let bytes = if begin > since { net.metered_since(self.meter, seconds) } else { net.metered(self.meter) - stood_at };
        Counted { bytes: bytes as f64, seconds: (net.now() - begin.max(since)).as_secs_f64() }
    }
}

/// What is left of a transfer for one holder.
#[derive(Debug, Clone, Copy)]
struct Rest {
    node: NodeNumber,
    /// Bytes that have not arrived, requested or not.
    left: f64,
    /// True if a request is not completed.
    is_asked: bool,
    /// Bytes of open requests that have not arrived.
    open: f64,
    /// Bytes that have arrived since the holder became busy, if it is.
    busy: Option<Measured>,
}

/// Measurement of a transfer by holder.
#[derive(Debug)]
pub(crate) struct Gauge {
    holders: BTreeMap<NodeNumber, Holder>,
    /// Meter of all holders together; `None` before the first of them.
    whole: Option<MeterId>,
    /// Meter of all transfers of the direction, of which that is a part.
    payload: MeterId,
    /// Instant of the latest request.
    asked_at: SimTime,
}

/// Progress and rate of a transfer at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reading {
    /// Bytes that have arrived of segments that are not done.
    under_way: u64,
    /// True if any byte has arrived.
    has_begun: bool,
    /// Bytes that have arrived per second in the last [`RATE_SECONDS`]; `None` before any have, and before a whole second has passed since the
    /// transfer began.
    rate: Option<f64>,
    /// Span over which the rate is measured, of whole seconds.
    span: SimDuration,
}

impl Gauge {
    /// Makes the measurement of a transfer of whose direction `payload` counts what all transfers bring.
    pub(crate) fn part_of(payload: MeterId) -> Gauge {
        Gauge { holders: BTreeMap::new(), whole: None, payload, asked_at: SimTime::default() }
    }

    /// Notes that `len` bytes of the file will be requested of a holder.
    pub(crate) fn expect(&mut self, net: &mut Network, node: NodeNumber, len: u32) {
        self.holder(net, node).ahead += u64::from(len);
    }

    /// Notes a request of `len` bytes to or from a holder, and returns the meter with which the bytes have to be marked.
    pub(crate) fn ask(&mut self, net: &mut Network, node: NodeNumber, len: u32) -> MeterId {
        self.asked_at = net.now();
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

    /// Notes that what was requested of a holder is requested anew, over a new connection: until now it was not the holder's turn.
    pub(crate) fn ask_anew(&mut self, net: &Network, node: NodeNumber) {
        if let Some(holder) = self.holders.get_mut(&node) {
            holder.busy_since = (net.now(), net.metered(holder.meter));
        }
    }

    /// Notes that a request of `len` bytes is completed.
    pub(crate) fn finish(&mut self, node: NodeNumber, len: u32) {
        if let Some(holder) = self.holders.get_mut(&node) {
            holder.done = (holder.done + u64::from(len)).min(holder.asked);
            holder.settled += u64::from(len);
        }
    }

    /// Notes that a request of `len` bytes has failed and is not repeated at this holder.
    pub(crate) fn fail(&mut self, node: NodeNumber, len: u32) {
        if let Some(holder) = self.holders.get_mut(&node) {
            holder.asked = holder.asked.saturating_sub(u64::from(len)).max(holder.done);
            holder.is_in_doubt = true;
        }
    }

    /// Notes that a holder has lost so many bytes of completed requests, which are requested anew.
    pub(crate) fn lose(&mut self, node: NodeNumber, bytes: u64) {
        if let Some(holder) = self.holders.get_mut(&node) {
            let lost = bytes.min(holder.done);
            (holder.done, holder.asked) = (holder.done - lost, holder.asked - lost);
            holder.is_in_doubt = true;
        }
    }

    /// Returns the holders with open requests, and the bytes of these.
    pub(crate) fn open(&self) -> impl Iterator<Item = (NodeNumber, u64)> + '_ {
        let open = self.holders.iter().map(|(&node, holder)| (node, holder.asked - holder.done));
        open.filter(|&(_, bytes)| bytes > 0)
    }

    /// Returns the meters, which have to be removed when the transfer is over.
    pub(crate) fn meters(&self) -> impl Iterator<Item = MeterId> + '_ {
        self.holders.values().map(|holder| holder.meter).chain(self.whole)
    }

    /// Returns the bytes that have arrived in each of the last whole virtual seconds since the transfer began, at most ten minutes.
    pub(crate) fn series(&self, net: &Network) -> RateSeries {
        self.whole.map(|whole| net.metered_series(whole, SECONDS_MAX)).unwrap_or_default()
    }

    fn holder(&mut self, net: &mut Network, node: NodeNumber) -> &mut Holder {
        let whole = *self.whole.get_or_insert_with(|| net.add_part_of_meter(self.payload));
        self.holders.entry(node).or_insert_with(|| Holder {
            meter: net.add_part_of_meter(whole),
            asked: 0,
            done: 0,
            settled: 0,
            is_in_doubt: false,
            ahead: 0,
            busy_since: (net.now(), 0),
        })
    }

    /// Adds what has not arrived of a transfer, if it runs and content passes.
    pub(crate) fn add_to(&self, traffic: &mut Traffic, net: &Network, status: &TransferStatus, away: &[Replacement]) {
        let backlog = match status.direction {
            _ if !matches!(status.state, TransferState::Running | TransferState::Committing | TransferState::Parking) => return,
            Direction::Removal => return,
            Direction::Download => &mut traffic.down,
            Direction::Upload => &mut traffic.up,
        };
        // What is parked sends nothing more than it has asked for.
        let bytes = match status.state {
            TransferState::Parking => status.bytes_done + self.open().map(|(_, bytes)| bytes).sum::<u64>(),
            _ => status.bytes,
        };
        backlog.transfers += 1;
        backlog.left += bytes.saturating_sub(status.bytes_done + self.arrived(net)) as f64;
        backlog.payload = Some(self.payload);
        backlog.since = Some(backlog.since.map_or(status.started, |since| since.min(status.started)));
        for Rest { node, left, open, busy, .. } in self.rests(net, bytes, away) {
            backlog.open += open;
            backlog.add(node, status.id, left, busy);
        }
    }

    /// Returns what is left for each holder but those that are `away`, whose open requests others get. If the holders of the rest are not
    /// known, each is assumed to get the same share as before, but for those that were given up.
    fn rests(&self, net: &Network, bytes: u64, away: &[Replacement]) -> impl Iterator<Item = Rest> {
        let is_there = move |node: &NodeNumber| away.iter().all(|away| away.node != *node);
        let there = move || self.holders.iter().filter(move |(node, _)| is_there(node));
        let sum = |part: fn(&Holder) -> u64| there().map(|(_, holder)| part(holder)).sum::<u64>();
        let stored: u64 = self.holders.iter().filter(|(node, _)| !is_there(node)).map(|(_, holder)| holder.done).sum();
        let known = stored + sum(|holder| holder.asked + holder.ahead);
        let rest = bytes.saturating_sub(known) as f64 / sum(Holder::share).max(1) as f64;
        there().map(move |(&node, holder)| {
            let (requested, arrived) = holder.under_way(net);
            let open = requested - arrived;
            let busy = || Measured { long: holder.counted(net, LOOK_BACK_SECONDS), short: holder.counted(net, RATE_SECONDS) };
            Rest {
                node,
                left: (open + holder.ahead) as f64 + rest * holder.share() as f64,
                is_asked: requested > 0,
                open: open as f64,
                busy: (open > 0).then(busy).filter(|busy| busy.long.seconds >= 1.0),
            }
        })
    }

    /// Returns the bytes of open requests that have arrived.
    pub(crate) fn arrived(&self, net: &Network) -> u64 {
        self.holders.values().map(|holder| holder.under_way(net).1).sum()
    }

    /// Returns the status of a transfer with the rates measured at this instant, while all have this to do.
    pub(crate) fn measure(&self, links: Links<'_>, traffic: &Traffic, mut status: TransferStatus) -> TransferStatus {
        if !status.state.is_over() {
            let reading = self.read(links.net, &status);
            // Of what was given up it is known what had arrived, and the requests are forgotten.
            if status.given_up_at.is_none() {
                status.bytes_arrived = (status.bytes_done + reading.under_way).min(status.bytes);
            }
            (status.rate_bytes_per_second, status.rate_span) = (reading.rate, reading.span);
            status.eta = match (status.state, status.size_known) {
                _ if status.is_out_of_reach() => Remaining::OutOfReach,
                (TransferState::Running | TransferState::Committing, true) => {
                    let others = self.remaining(links, traffic, &status, reading);
                    if status.replaced.is_empty() { others } else { self.without(links.net, &status, others) }
                }
                (TransferState::Running, false) => Remaining::UnknownSize,
                _ => Remaining::NotRunning,
            };
        }
        status
    }

    /// Returns the measurements of a transfer.
    fn read(&self, net: &Network, status: &TransferStatus) -> Reading {
        let under_way = self.arrived(net);
        let has_begun = self.whole.is_some_and(|whole| net.metered(whole) > 0);
        let seconds = rate_seconds(status.started, net.now());
        let since = |seconds| self.whole.map_or(0, |whole| net.metered_since(whole, seconds));
        let bytes = since(seconds) - since(0);
        Reading {
            under_way,
            has_begun,
            rate: (has_begun && seconds > 0).then(|| bytes as f64 / seconds as f64),
            span: SimDuration::from_secs(seconds as u64),
        }
    }

    /// Returns the remaining time of a transfer of known size whose content passes, as far as there is ground for one.
    fn remaining(&self, links: Links<'_>, traffic: &Traffic, status: &TransferStatus, reading: Reading) -> Remaining {
        let (net, started) = (links.net, status.started);
        let arrived = status.bytes_done + reading.under_way;
        let packets =
            traffic.forecast(status.direction).map_or(0.0, |forecast| GROUND_PACKETS * f64::from(MSS) / forecast.carried[0]);
        let has_passed = (net.now() - started).as_secs_f64() >= GROUND.max(packets);
        let has_ground = has_passed || arrived.saturating_mul(10) >= status.bytes;
        match (reading.has_begun, has_ground) {
            (true, true) => self.guess(links, traffic, status),
            (false, _) if counted(net, self.payload, RATE_SECONDS, started).bytes > 0.0 => Remaining::Behind,
            _ => Remaining::TooEarly,
        }
    }

    /// Returns the remaining time as the traffic foretells it, as far as chance leaves ground for an estimate.
    fn guess(&self, links: Links<'_>, traffic: &Traffic, status: &TransferStatus) -> Remaining {
        let (way, net) = (status.direction, links.net);
        // What has brought bytes all the same is not stalled.
        let is_still = |seconds| self.whole.is_some_and(|whole| net.metered_since(whole, seconds) == 0);
        let stalled_or = |other| if is_still(RATE_SECONDS) { Remaining::Stalled } else { other };
        let Some(forecast) = traffic.forecast(way).filter(|forecast| forecast.goes_on) else {
            return stalled_or(Remaining::Overdue);
        };
        let beside = Beside::new(traffic.of(way), traffic.against(way), forecast);
        let rests: Vec<Rest> = self.rests(net, status.bytes, &status.replaced).collect();
        if let Some(node) = silent_holder(way, traffic.of(way), forecast, beside, &rests) {
            return stalled_or(Remaining::SilentHolder { node });
        }
        let ending = Ending::new(traffic, forecast, status);
        let (seconds, among_others) = if way == Direction::Download {
            let seconds = beside.of_download(ending.of_download(&rests), self.all_asked_for(net, &rests));
            let seconds = ending.of_requests(seconds, beside.wait, &rests);
            (seconds, beside.doubt_of_download(seconds))
        } else {
            let end = ending.of_upload(&rests);
            (end.seconds, ending.doubt_of_upload(end, beside))
        };
        let whole = (net.now() - status.started).as_secs_f64() + seconds;
        if !among_others.leaves_ground(seconds, whole) {
            Remaining::Behind
        } else if seconds < 1.0 && !ending.has_lost(&rests) && is_still(OVERDUE) {
            stalled_or(Remaining::Overdue)
        } else {
            Remaining::Estimated { seconds }
        }
    }

    /// Returns the seconds since the last request, if nothing is left to be requested.
    fn all_asked_for(&self, net: &Network, rests: &[Rest]) -> Option<f64> {
        let sum = |part: fn(&Rest) -> f64| rests.iter().map(part).sum::<f64>();
        (sum(|rest| rest.left) <= sum(|rest| rest.open)).then(|| (net.now() - self.asked_at).as_secs_f64())
    }
}

/// Returns the number of whole seconds before `now` over which the rate of a transfer is measured: of those that have passed since it began.
fn rate_seconds(started: SimTime, now: SimTime) -> usize {
    const SECOND: u64 = SimDuration::from_secs(1).as_nanos();
    let whole = (now.as_nanos() / SECOND).saturating_sub(started.as_nanos().div_ceil(SECOND));
    (whole as usize).min(RATE_SECONDS)
}

/// Returns the first holder that is silent, if one is. When it answers again is nothing that can be measured, unless a download beside others waits for a
/// full link, with its requests or with the answers.
fn silent_holder(way: Direction, backlog: &Backlog, forecast: &Forecast, beside: Beside, rests: &[Rest]) -> Option<NodeNumber> {
    let [in_use, in_other] = forecast.in_use;
    let is_beside = beside.is_any() || !backlog.is_of_one();
    let waits_for_link = way == Direction::Download && (Shared::is_full(in_other) || is_beside && Shared::is_full(in_use));
    let is_silent = |rest: &Rest| {
        let passed = || backlog.queue(rest.node).and_then(Queue::passed);
        rest.busy.is_some_and(|busy| passed().unwrap_or(busy).is_silent(QUEUES * forecast.queue))
    };
    if waits_for_link { None } else { rests.iter().find(|rest| is_silent(rest)).map(|rest| rest.node) }
}
