//! Estimate of the remaining time of a transfer, from the bytes left for each holder and from what the links and paths allow.
//!
//! A transfer is over when its slowest holder is. How fast a holder is in the long run follows from its links and from the loss and
//! the round trip of its path: TCP's throughput equation (RFC 5348 §3.1) says it with less chance in it than a minute of measurement
//! does, in which a single loss halves a window. The client's link is shared: as long as the holders could use more than it carries,
//! its queue is full and lengthens the round trips, and those that finish leave their share to the others. Where what was measured
//! tells clearly of another rate (a slow disk, other transfers on the same link), it holds.
//!
//! Delay and loss are those that the path has in the simulation, with its faults, and not measured ones: a smoothed round trip has the
//! queue in it, which is gone once the others are done, and of the few hundred packets of a transfer too few are lost to tell a loss of
//! one percent from two. A path that changes is followed at once.

use std::time::Duration;

use p2p_net::{MSS, MTU};

/// Utilization of the client's link from which on the link counts as the bottleneck.
const FULL: f64 = 0.8;
/// Utilization of the client's link up to which the link has not slowed down what was measured.
const SLACK: f64 = 0.5;
/// Factor by which a measured rate must differ from the expected one, or from an earlier one, to replace it.
const CHANGED: f64 = 2.0;
/// Seconds after which a measured rate may replace the expected one.
const TELLING_SECONDS: f64 = 9.0;
/// Seconds without a byte after which a holder is silent.
const SILENT_SECONDS: f64 = super::RATE_SECONDS as f64;
/// Smallest retransmission timeout: that of Linux (`TCP_RTO_MIN`).
const RTO_MIN: f64 = Duration::from_millis(200).as_secs_f64();
/// Round trips from the arrival of the last byte to the end: half of one until the node's answer arrives, and one in which the node
/// confirms what it has stored.
const ENDING_ROUND_TRIPS: f64 = 1.5;
/// Packets on whose loss the end has to wait for a timeout: the last ones of the content, of the request and of the answer.
const ENDING_PACKETS: f64 = 3.0;
/// Bytes per second that stand for a link without a limit.
const FASTEST: f64 = 1e12;
/// Part of the holders that may finish in one step, so that many of them take few steps.
const STEP: usize = 8;
/// Bytes less than which nothing is left.
const NOTHING: f64 = 1.0;

/// Number of bytes and the time in which they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Counted {
    pub(super) bytes: f64,
    pub(super) seconds: f64,
}

impl Counted {
    /// Returns the bytes per second; zero if no time has passed.
    pub(super) fn rate(self) -> f64 {
        if self.seconds > 0.0 { self.bytes / self.seconds } else { 0.0 }
    }
}

/// Counts over a longer time, and over the last ten seconds of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Measured {
    pub(super) long: Counted,
    pub(super) short: Counted,
}

impl Measured {
    /// Returns the count that best tells the current rate: the longer one, which is less subject to chance, unless the shorter
    /// one shows that the rate has changed.
    fn telling(self) -> Counted {
        let Measured { long, short } = self;
        let change = if long.rate() > 0.0 { short.rate() / long.rate() } else { 1.0 };
        let has_changed = !(1.0 / CHANGED..=CHANGED).contains(&change);
        if has_changed && short.seconds >= TELLING_SECONDS && long.seconds > 1.5 * short.seconds { short } else { long }
    }

    /// Returns the measured share of an expected rate, if all of what was measured tells clearly that the rate is another one, and one
    /// otherwise.
    fn share_of(self, expected: f64) -> f64 {
        let shares = [self.long.rate() / expected, self.short.rate() / expected];
        let is_other = shares.iter().all(|&share| share < 1.0 / CHANGED) || shares.iter().all(|&share| share > CHANGED);
        let share = self.telling().rate() / expected;
        if is_other && share > 0.0 && self.long.seconds >= TELLING_SECONDS { share } else { 1.0 }
    }
}

/// Way between the client and a holder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Way {
    /// Payload that the holder's link carries, in bytes per second.
    pub(super) limit: f64,
    /// Round trip in seconds while no queue is filled.
    pub(super) round_trip: f64,
    /// Probability that a loss begins with a packet: a burst of them halves the window once.
    pub(super) loss: f64,
}

impl Way {
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

    /// Returns the seconds from the arrival of the last byte to the end.
    fn ending(self) -> f64 {
        ENDING_ROUND_TRIPS * self.round_trip + ENDING_PACKETS * self.loss * (RTO_MIN + self.round_trip)
    }
}

/// Bytes of others on the connection to a holder, as a transfer sees them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Others {
    /// Bytes that pass before the last byte of the transfer.
    pub(super) before: f64,
    /// Bytes that pass after it.
    pub(super) after: f64,
    /// Bytes that TCP will hold when that byte has passed, behind which the next request waits.
    pub(super) held: f64,
}

/// Remaining work of one holder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    /// Bytes that have not arrived yet: those requested of the holder and its share of the rest.
    pub(super) left: f64,
    /// Bytes of other transfers on the same connection.
    pub(super) others: Others,
    pub(super) way: Way,
    /// Bytes transferred since the holder last became busy, by all transfers; `None` if no request of the transfer to it is open.
    pub(super) busy: Option<Measured>,
}

impl Load {
    /// Returns true if a request to the holder is open and none of its bytes has passed in the last ten seconds.
    pub(super) fn is_silent(&self) -> bool {
        self.busy.is_some_and(|busy| busy.short.bytes <= 0.0 && busy.short.seconds >= SILENT_SECONDS)
    }

    /// Returns the bytes up to the last one of the transfer, with those of others before it.
    fn until_last(&self) -> f64 {
        self.left + self.others.before
    }

    /// Returns all bytes on the connection.
    fn all(&self) -> f64 {
        self.until_last() + self.others.after
    }
}

/// What all holders of a transfer share: the client's link, and what is known of the transfer as a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shared {
    /// Payload that the link carries, in bytes per second.
    pub(super) limit: f64,
    /// Utilization of the link in the last ten seconds, from 0 to 1, by all transfers.
    pub(super) in_use: f64,
    /// Seconds that a packet waits in the link's queue when it is full.
    pub(super) queue: f64,
    /// True if transfers of the other direction run: what was measured tells of the waiting for these, which is counted apart.
    pub(super) is_beside: bool,
    /// True if a request follows the last byte of the transfer, which waits behind what TCP holds of others then.
    pub(super) is_followed: bool,
    /// Bytes that all transfers of the direction have brought, with all holders.
    pub(super) all: Measured,
}

impl Shared {
    /// Returns true if the utilization `share` of a link makes it the bottleneck.
    pub(super) fn is_full(share: f64) -> bool {
        share >= FULL
    }

    /// Returns the number of answers that the transfer waits for one after the other. While others keep the queue filled, something before
    /// each of them is usually lost there and sent again, which takes the time of the queue.
    const fn answers_left(&self) -> f64 {
        if self.is_followed { 2.0 } else { 1.0 }
    }
}

/// Returns the estimated seconds to the end; `None` if nothing passes.
pub(super) fn seconds_left(loads: &[Load], shared: &Shared) -> Option<f64> {
    let rate = shared.all.telling().rate();
    let mut rest: Vec<Share> = loads.iter().filter(|load| load.all() >= NOTHING).map(|load| Share::new(load, shared)).collect();
    if !rest.iter().any(Share::is_awaited) {
        return loads.iter().map(|load| load.way.ending()).reduce(f64::max);
    }
    if rate <= 0.0 && !shared.is_beside {
        return None;
    }
    // What other hosts take of the link, they take from the holders together.
    let is_full = Shared::is_full(shared.in_use) && rest.iter().map(|share| share.alone).sum::<f64>() > shared.limit;
    let limit = if is_full && !shared.is_beside { shared.limit.min(rate) } else { shared.limit };
    if shared.in_use < SLACK && !shared.is_beside {
        divide(&mut rest, shared.limit);
        rest.iter_mut().for_each(Share::follow_measured);
    }
    let (mut seconds, mut end) = (0.0, 0.0_f64);
    while rest.iter().any(Share::is_awaited) {
        divide(&mut rest, limit);
        rest.sort_by(|one, other| one.needs().total_cmp(&other.needs()));
        let next = rest[(rest.len() - 1) / STEP].needs();
        for share in &mut rest {
            end = share.pass(next).map_or(end, |after| end.max(seconds + after));
        }
        seconds += next;
        rest.retain(|share| share.left >= NOTHING);
    }
    let again = if is_full && others_after(loads) > end * limit { shared.answers_left() * shared.queue } else { 0.0 };
    Some(end + again).filter(|seconds| seconds.is_finite())
}

/// Returns the bytes that others have left when the transfer is over.
fn others_after(loads: &[Load]) -> f64 {
    loads.iter().map(|load| load.others.after).sum()
}

/// Share of a holder in the client's link.
#[derive(Debug, Clone, Copy)]
struct Share {
    /// All bytes that are left.
    left: f64,
    /// Bytes up to the last one of the transfer, and behind that what its next request waits for; `None` if it has nothing here.
    awaited: Option<(f64, f64)>,
    /// Bytes per second while the client's link is not full, and while it is.
    alone: f64,
    crowded: f64,
    /// Bytes per second now.
    rate: f64,
    busy: Option<Measured>,
    ending: f64,
}

impl Share {
    fn new(load: &Load, shared: &Shared) -> Share {
        let alone = load.way.throughput(0.0).min(shared.limit);
        let crowded = load.way.throughput(shared.queue).min(alone);
        let held = if shared.is_followed { load.others.held } else { 0.0 };
        let awaited = Some((load.until_last(), held)).filter(|(bytes, _)| *bytes >= NOTHING);
        Share { left: load.all(), awaited, alone, crowded, rate: alone, busy: load.busy, ending: load.way.ending() }
    }

    /// Returns true if the transfer still waits for the holder.
    const fn is_awaited(&self) -> bool {
        self.awaited.is_some()
    }

    /// Lets `seconds` pass. Returns after how many of them and what follows the transfer waits no longer.
    fn pass(&mut self, seconds: f64) -> Option<f64> {
        let passed = self.rate * seconds;
        self.left -= passed;
        let (bytes, held) = self.awaited?;
        self.awaited = Some((bytes - passed, held)).filter(|(bytes, _)| *bytes >= NOTHING);
        self.awaited.is_none().then(|| (bytes + held) / self.rate + self.ending)
    }

    /// Returns the seconds that the holder needs at its present rate.
    fn needs(&self) -> f64 {
        self.left / self.rate
    }

    /// Takes the measured rate for the expected one, if it is clearly another.
    fn follow_measured(&mut self) {
        let share = self.busy.map_or(1.0, |busy| busy.share_of(self.rate));
        (self.alone, self.crowded) = (self.alone * share, self.crowded * share);
    }
}

/// Divides a link of `limit` bytes per second among the holders: each has what it can use of an equal share, first with full queues.
fn divide(shares: &mut [Share], limit: f64) {
    if shares.iter().map(|share| share.alone).sum::<f64>() <= limit {
        return shares.iter_mut().for_each(|share| share.rate = share.alone);
    }
    shares.iter_mut().for_each(|share| share.rate = 0.0);
    let left = fill(shares, limit, |share| share.crowded);
    fill(shares, left, |share| share.alone);
}

/// Gives each holder of what is left of a link as much as it can use, up to `most`, and as equally as possible. Returns what is left.
fn fill(shares: &mut [Share], limit: f64, most: impl Fn(&Share) -> f64) -> f64 {
    let wants = |share: &Share| most(share) - share.rate;
    shares.sort_by(|one, other| wants(one).total_cmp(&wants(other)));
    let (mut left, count) = (limit, shares.len());
    for (place, share) in shares.iter_mut().enumerate() {
        let given = wants(share).min(left / (count - place) as f64).max(0.0);
        share.rate += given;
        left -= given;
    }
    left.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Way = Way { limit: 1e6, round_trip: 0.01, loss: 0.0 };

    fn counted(rate: f64, seconds: f64) -> Counted {
        Counted { bytes: rate * seconds, seconds }
    }

    fn load(left: f64, way: Way, rate: f64) -> Load {
        let busy = Measured { long: counted(rate, 100.0), short: counted(rate, 10.0) };
        Load { left, others: Others::default(), way, busy: Some(busy) }
    }

    fn shared(limit: f64, in_use: f64, rate: f64) -> Shared {
        let all = Measured { long: counted(rate, 30.0), short: counted(rate, 10.0) };
        Shared { limit, in_use, queue: 0.5, is_beside: false, is_followed: false, all }
    }

    fn seconds(loads: &[Load], shared: &Shared) -> f64 {
        seconds_left(loads, shared).unwrap()
    }

    #[test]
    fn behind_a_full_link_all_is_divided_by_all() {
        // One has been unlucky: the others will leave it the link.
        let loads = [load(1e6, OPEN, 1e4), load(1e6, OPEN, 4e4), load(2e6, OPEN, 5e4)];
        let left = seconds(&loads, &shared(1e5, 0.95, 1e5));
        assert!((left - 40.0).abs() < 0.1, "{left}");
        // But it cannot be faster than its own link.
        let slow = [load(1e6, Way { limit: 1e4, ..OPEN }, 1e4), loads[1], loads[2]];
        let left = seconds(&slow, &shared(1e5, 0.95, 1e5));
        assert!((left - 100.0).abs() < 0.1, "{left}");
        assert_eq!(seconds_left(&[], &shared(1e5, 0.0, 0.0)), None);
        assert_eq!(seconds_left(&loads, &shared(1e5, 0.0, 0.0)), None);
    }

    #[test]
    fn otherwise_the_slowest_decides() {
        // RFC 5348: 1448 bytes, 200 ms and 5 % of loss are some 30 kB/s, of 1 MB 33 s.
        let lossy = Way { limit: 2.5e5, round_trip: 0.2, loss: 0.05 };
        assert!((3e4..3.3e4).contains(&lossy.throughput(0.0)), "{}", lossy.throughput(0.0));
        let idle = Load { busy: None, ..load(1e6, OPEN, 0.0) };
        let left = seconds(&[load(1e6, lossy, 3e4), idle, idle], &shared(1e7, 0.02, 3e4));
        assert!((left - 1e6 / lossy.throughput(0.0) - lossy.ending()).abs() < 0.1, "{left}");
        // While others fill the link the queue makes it slower, and faster again once they are done.
        let left_with_others = seconds(&[load(1e6, lossy, 1e4), load(8e6, OPEN, 8e5)], &shared(8e5, 0.95, 8e5));
        assert!(left_with_others > left + 3.0 && left_with_others < 1e6 / lossy.throughput(0.5), "{left_with_others}");
    }

    #[test]
    fn what_was_measured_holds_where_it_is_clearly_different() {
        let slow_disk = load(1e6, OPEN, 1e5);
        assert!((seconds(&[slow_disk], &shared(1e7, 0.01, 1e5)) - 10.0).abs() < 0.1);
        // Not what may be chance, and not what is young.
        let usual = load(1e6, OPEN, 7e5);
        assert!((seconds(&[usual], &shared(1e7, 0.07, 7e5)) - 1.0).abs() < 0.1);
        let young = Measured { long: counted(1e5, 3.0), short: counted(1e5, 3.0) };
        assert!((seconds(&[Load { busy: Some(young), ..slow_disk }], &shared(1e7, 0.01, 1e5)) - 1.0).abs() < 0.1);
    }

    #[test]
    fn the_end_takes_round_trips_after_the_last_byte() {
        let left = seconds(&[load(0.0, Way { round_trip: 0.2, ..OPEN }, 1e5)], &shared(1e7, 0.0, 0.0));
        assert!((left - 0.3).abs() < 1e-9, "{left}");
    }

    #[test]
    fn a_holder_that_has_changed_is_measured_anew() {
        let busy = Measured { long: counted(1e5, 100.0), short: counted(1e4, 10.0) };
        assert_eq!(busy.telling(), busy.short);
        let busy = Measured { long: counted(1e5, 100.0), short: counted(8e4, 10.0) };
        assert_eq!(busy.telling(), busy.long);
        let young = Measured { long: counted(1e5, 12.0), short: counted(1e4, 10.0) };
        assert_eq!(young.telling(), young.long);
    }
}
