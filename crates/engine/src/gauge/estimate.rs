//! Estimate of the remaining time of a transfer, from the bytes left for each holder and from the holders' measured rates.
//!
//! A transfer is over when its slowest holder is. If the client's link is saturated, the holders share it, and capacity that
//! one does not use is used by another: the bytes of all holders are divided by the rate of all. If it is not, each holder is
//! as fast as its own path permits, and the one that takes longest determines the end. The capacities of the links bound both.

/// Utilization of the client's link from which on the link counts as the bottleneck.
const FULL: f64 = 0.8;
/// Weight, in bytes, of the assumption that a holder is as fast as the others. A single loss halves a TCP window, so a few
/// packets tell little about a path.
const PRIOR_BYTES: f64 = 524_288.0;
/// Factor by which the rate of the last ten seconds must differ from the long-term rate to replace it.
const CHANGED: f64 = 2.0;

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

/// Counts over the longest time of unchanged conditions, and over the last ten seconds of it.
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
        if has_changed && short.seconds >= 9.0 && long.seconds > 1.5 * short.seconds { short } else { long }
    }
}

/// Remaining work of one holder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    /// Bytes not acknowledged yet: those requested of the holder and its share of the rest.
    pub(super) left: f64,
    /// Capacity of the links on its path in bytes per second.
    pub(super) limit: f64,
    /// Bytes transferred since the holder last became busy; `None` if no request to it is open.
    pub(super) busy: Option<Measured>,
}

/// The client's link, which all holders share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shared {
    /// Capacity of the link in bytes per second.
    pub(super) limit: f64,
    /// Utilization of the link in the last ten seconds, from 0 to 1.
    pub(super) in_use: f64,
    /// Bytes transferred with all holders together.
    pub(super) all: Measured,
}

impl Shared {
    /// Returns true if the utilization `share` of a link makes it the bottleneck.
    pub(super) fn is_full(share: f64) -> bool {
        share >= FULL
    }
}

/// Returns the estimated seconds to the end; `None` if nothing has been measured.
pub(super) fn seconds_left(loads: &[Load], shared: &Shared) -> Option<f64> {
    let left: f64 = loads.iter().map(|load| load.left).sum();
    let bound = loads.iter().map(|load| load.left / load.limit).fold(left / shared.limit, f64::max);
    let rate = shared.all.telling().rate();
    let together = (rate > 0.0).then(|| left / rate);
    let guess = if Shared::is_full(shared.in_use) { together } else { slowest(loads).or(together) };
    guess.map(|seconds| seconds.max(bound))
}

/// Returns the seconds that the slowest holder needs; `None` if no holder is busy.
fn slowest(loads: &[Load]) -> Option<f64> {
    let busy: Vec<(f64, Counted)> = loads.iter().filter_map(|load| Some((load.left, load.busy?.telling()))).collect();
    let (bytes, seconds) =
        busy.iter().fold((0.0, 0.0), |(bytes, seconds), (_, counted)| (bytes + counted.bytes, seconds + counted.seconds));
    let usual = Counted { bytes, seconds }.rate();
    if usual <= 0.0 {
        return None;
    }
    let needs = |(left, counted): &(f64, Counted)| left * (counted.seconds + PRIOR_BYTES / usual) / (counted.bytes + PRIOR_BYTES);
    busy.iter().map(needs).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(rate: f64, seconds: f64) -> Counted {
        Counted { bytes: rate * seconds, seconds }
    }

    fn load(left: f64, rate: f64) -> Load {
        let busy = Measured { long: counted(rate, 100.0), short: counted(rate, 10.0) };
        Load { left, limit: f64::INFINITY, busy: Some(busy) }
    }

    fn shared(in_use: f64, rate: f64) -> Shared {
        Shared { limit: 1e6, in_use, all: Measured { long: counted(rate, 30.0), short: counted(rate, 10.0) } }
    }

    #[test]
    fn behind_a_full_link_all_is_divided_by_all() {
        // One has been unlucky: the others will leave it the link.
        let loads = [load(1e6, 1e4), load(1e6, 4e4), load(2e6, 5e4)];
        assert_eq!(seconds_left(&loads, &shared(0.95, 1e5)), Some(40.0));
        // But it cannot be faster than its own link.
        let slow = [Load { limit: 1e4, ..loads[0] }, loads[1], loads[2]];
        assert_eq!(seconds_left(&slow, &shared(0.95, 1e5)), Some(100.0));
        assert_eq!(seconds_left(&[], &shared(0.0, 0.0)), None);
    }

    #[test]
    fn otherwise_the_slowest_decides() {
        let idle = Load { busy: None, ..load(1e6, 0.0) };
        let seconds = seconds_left(&[load(5e6, 3e4), idle, idle], &shared(0.02, 3e4)).unwrap();
        assert!((seconds - 5e6 / 3e4).abs() < 1.0, "{seconds}");
        // Nothing has been heard of it yet: it is taken to be as fast as the others.
        let new = Load { busy: Some(Measured::default()), ..load(1e6, 0.0) };
        let seconds = seconds_left(&[load(1e6, 3e4), new], &shared(0.1, 3e4)).unwrap();
        assert!((seconds - 1e6 / 3e4).abs() < 1.0, "{seconds}");
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
