//! How long a transfer will take yet, from what is left for each holder and from how fast it has been.
//!
//! A transfer is over when its slowest holder is. Where the client's link is full, the holders share it, and what one does not
//! use another does: the bytes of all are divided by the rate of all. Where it is not, each holder goes as fast as its own path
//! lets it, and the one that takes longest decides. Links bound both. Knows nothing of where the figures come from.

/// The share of the client's link that has to be in use for it to be the one that holds the holders back.
const FULL: f64 = 0.8;
/// A holder is taken to be as fast as the others until so many bytes have told otherwise. A single loss halves a TCP window, so
/// that a few packets tell little of a path.
const PRIOR_BYTES: f64 = 524_288.0;
/// What has become so much faster or slower in the last ten seconds is measured over those alone.
const CHANGED: f64 = 2.0;

/// Bytes and the time in which they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Counted {
    pub(super) bytes: f64,
    pub(super) seconds: f64,
}

impl Counted {
    /// Bytes a second; zero where no time has passed.
    pub(super) fn rate(self) -> f64 {
        if self.seconds > 0.0 { self.bytes / self.seconds } else { 0.0 }
    }
}

/// What has been counted over as long as conditions are known to have been the same, and in the last ten seconds of that.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Measured {
    pub(super) long: Counted,
    pub(super) short: Counted,
}

impl Measured {
    /// What tells how fast it goes now: the longer, in which chance counts for less, unless the shorter says that it has changed.
    fn telling(self) -> Counted {
        let Measured { long, short } = self;
        let change = if long.rate() > 0.0 { short.rate() / long.rate() } else { 1.0 };
        let has_changed = !(1.0 / CHANGED..=CHANGED).contains(&change);
        if has_changed && short.seconds >= 9.0 && long.seconds > 1.5 * short.seconds { short } else { long }
    }
}

/// What one holder has to do yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    /// Bytes that are not acknowledged: those that it has been asked for, and its share of the rest.
    pub(super) left: f64,
    /// Bytes a second that the links on its path carry at the most.
    pub(super) limit: f64,
    /// What it has done while it was asked for something without a break; `None` where nothing is asked of it now.
    pub(super) busy: Option<Measured>,
}

/// The client's link, which all holders share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shared {
    /// Bytes a second that it carries at the most.
    pub(super) limit: f64,
    /// The share of that which was in use in the last ten seconds.
    pub(super) in_use: f64,
    /// The bytes of this transfer.
    pub(super) all: Measured,
}

impl Shared {
    /// Whether so much of a link is in use that it is the one that holds others back.
    pub(super) fn is_full(share: f64) -> bool {
        share >= FULL
    }
}

/// Seconds to the end; `None` where nothing has been measured.
pub(super) fn seconds_left(loads: &[Load], shared: &Shared) -> Option<f64> {
    let left: f64 = loads.iter().map(|load| load.left).sum();
    let bound = loads.iter().map(|load| load.left / load.limit).fold(left / shared.limit, f64::max);
    let rate = shared.all.telling().rate();
    let together = (rate > 0.0).then(|| left / rate);
    let guess = if Shared::is_full(shared.in_use) { together } else { slowest(loads).or(together) };
    guess.map(|seconds| seconds.max(bound))
}

/// The seconds that the holder needs which needs the most; `None` where none has anything to do.
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
