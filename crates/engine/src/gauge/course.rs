//! Course of the bytes on the connections of one direction: which of them passes when.
//!
//! How fast a holder is in the long run follows from its links and from the loss and the round trip of its path: TCP's throughput equation
//! (RFC 5348 §3.1) says it with less chance in it than a minute of measurement does, in which a single loss halves a window. The
//! carrying host's link is shared: as long as the holders could use more than it carries, its queue is full and lengthens the round trips, and those that
//! finish leave their share to the others. Where what was measured tells clearly of another rate (a slow disk, other transfers on the same
//! link), it holds.

use super::measured::Measured;
use super::way::Way;

/// Utilization of the carrying host's link from which on the link counts as the bottleneck.
const FULL: f64 = 0.8;
/// Utilization of the carrying host's link up to which the link has not slowed down what was measured.
const SLACK: f64 = 0.5;
/// Part of the holders that may finish in one step, so that many of them take few steps.
const STEP: usize = 8;
/// Seconds for which the windows of the senders stay what they are; later each has had the losses of the others.
const WINDOWS_LAST: f64 = 10.0;
/// Bytes less than which nothing is left.
pub(super) const NOTHING: f64 = 1.0;

/// Bytes that have to pass on the connection to a holder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    pub(super) left: f64,
    pub(super) way: Way,
    /// Congestion window of the sender, in packets: connections have parts of a queue that they share in proportion to it.
    pub(super) window: f64,
    /// Bytes transferred since the holder last became busy, by all transfers; `None` if no request to it is open.
    pub(super) busy: Option<Measured>,
}

/// Link of the carrying host, which all its connections share.
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
    /// Bytes that all transfers of the direction have brought, with all holders.
    pub(super) all: Measured,
}

impl Shared {
    /// Returns true if the utilization `share` of a link makes it the bottleneck.
    pub(super) fn is_full(share: f64) -> bool {
        share >= FULL
    }

    /// Returns true if the link is the bottleneck of these loads.
    fn is_bottleneck(&self, loads: &[Load]) -> bool {
        let wanted =
            || loads.iter().filter(|load| load.left >= NOTHING).map(|load| load.way.throughput(0.0).min(self.limit)).sum::<f64>();
        Shared::is_full(self.in_use) && wanted() > self.limit
    }
}

/// Course of the bytes on one connection.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    /// Spans in which the rate is the same.
    steps: Vec<Step>,
    /// All bytes that pass.
    all: f64,
    pub(super) way: Way,
}

/// Span in which the rate of a connection is the same.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    /// Seconds from now to its begin, and the bytes that have passed by then.
    at: f64,
    passed: f64,
    /// Bytes per second.
    rate: f64,
}

impl Course {
    /// Returns the course of bytes that cross no link.
    pub(super) fn at_once(all: f64, way: Way) -> Course {
        let steps = (all >= NOTHING).then_some(Step { at: 0.0, passed: 0.0, rate: way.throughput(0.0) });
        Course { steps: steps.into_iter().collect(), all, way }
    }

    /// Returns the seconds until so many bytes have passed.
    pub(super) fn time_of(&self, bytes: f64) -> f64 {
        let step = self.steps.iter().rfind(|step| step.passed <= bytes).or(self.steps.first());
        step.map_or(0.0, |step| step.at + (bytes.min(self.all) - step.passed).max(0.0) / step.rate)
    }

    /// Returns the bytes that are left after so many seconds.
    pub(super) fn left_after(&self, seconds: f64) -> f64 {
        let step = self.steps.iter().rfind(|step| step.at <= seconds);
        step.map_or(self.all, |step| (self.all - step.passed - (seconds - step.at) * step.rate).max(0.0))
    }

    /// Returns the seconds that bytes take which begin to pass after `begin` seconds.
    pub(super) fn span_of(&self, bytes: f64, begin: f64) -> f64 {
        (self.time_of(self.all - self.left_after(begin) + bytes) - begin).max(0.0)
    }
}

/// Returns the course of each load, in their order; `None` if nothing passes. Tells also if the link is the bottleneck.
pub(super) fn courses(loads: &[Load], shared: &Shared) -> Option<(Vec<Course>, bool)> {
    let rate = shared.all.current().rate();
    let mut courses: Vec<Course> = loads.iter().map(|load| Course { steps: Vec::new(), all: load.left, way: load.way }).collect();
    let begun = loads.iter().enumerate().filter(|(_, load)| load.left >= NOTHING);
    let mut rest: Vec<Share> = begun.map(|(place, load)| Share::new(place, load, shared)).collect();
    if rest.is_empty() {
        return Some((courses, false));
    }
    if rate <= 0.0 && !shared.is_beside {
        return None;
    }
    // What other hosts take of the link, they take from the holders together.
    let is_full = shared.is_bottleneck(loads);
    let limit = if is_full && !shared.is_beside { shared.limit.min(rate) } else { shared.limit };
    if shared.in_use < SLACK && !shared.is_beside {
        divide(&mut rest, shared.limit, false);
        rest.iter_mut().for_each(Share::follow_measured);
    }
    let mut at = 0.0;
    while !rest.is_empty() {
        let is_near = at < WINDOWS_LAST;
        divide(&mut rest, limit, is_near);
        rest.sort_by(|one, other| one.needs().total_cmp(&other.needs()));
        let needs = rest[(rest.len() - 1) / STEP].needs();
        let span = if is_near { needs.min(WINDOWS_LAST - at) } else { needs };
        if !span.is_finite() {
            return None;
        }
        for share in &mut rest {
            let course = &mut courses[share.place];
            course.steps.push(Step { at, passed: course.all - share.left, rate: share.rate });
            share.left -= share.rate * span;
        }
        at += span;
        rest.retain(|share| share.left >= NOTHING);
    }
    Some((courses, is_full))
}

/// Share of a connection in the carrying host's link.
#[derive(Debug, Clone, Copy)]
struct Share {
    /// Place among the loads.
    place: usize,
    /// Bytes that are left.
    left: f64,
    /// Bytes per second while the carrying host's link is not full, and while it is.
    alone: f64,
    crowded: f64,
    /// Bytes per second that the holder's link carries now.
    limit: f64,
    /// Bytes per second now.
    rate: f64,
    /// Congestion window of the sender, in packets.
    window: f64,
    busy: Option<Measured>,
}

impl Share {
    fn new(place: usize, load: &Load, shared: &Shared) -> Share {
        let alone = load.way.throughput(0.0).min(shared.limit);
        let crowded = load.way.throughput(shared.queue).min(alone);
        let (limit, window) = (load.way.limit, load.window.max(1.0));
        Share { place, left: load.left, alone, crowded, limit, rate: alone, window, busy: load.busy }
    }

    /// Returns the seconds that the rest takes at the present rate.
    fn needs(&self) -> f64 {
        self.left / self.rate
    }

    /// Takes the measured rate for the expected one, if it is clearly another. What was measured before a link was slowed down is more
    /// than it carries now.
    fn follow_measured(&mut self) {
        let share = self.busy.map_or(1.0, |busy| busy.share_of(self.rate));
        (self.alone, self.crowded) = ((self.alone * share).min(self.limit), (self.crowded * share).min(self.limit));
    }
}

/// Divides a link of `limit` bytes per second among the connections: for as long as their windows last, each has its window's part of what
/// it can use, and later what it can use of an equal share, first with full queues.
fn divide(shares: &mut [Share], limit: f64, by_windows: bool) {
    if shares.iter().map(|share| share.alone).sum::<f64>() <= limit {
        return shares.iter_mut().for_each(|share| share.rate = share.alone);
    }
    shares.iter_mut().for_each(|share| share.rate = 0.0);
    if by_windows {
        fill(shares, limit, |share| share.alone, |share| share.window);
        return;
    }
    let left = fill(shares, limit, |share| share.crowded, |_| 1.0);
    fill(shares, left, |share| share.alone, |_| 1.0);
}

/// Gives each connection of what is left of a link as much as it can use, up to `most`, and as much as its weight is of all. Returns what
/// is left.
fn fill(shares: &mut [Share], limit: f64, most: impl Fn(&Share) -> f64, weight: impl Fn(&Share) -> f64) -> f64 {
    let wants = |share: &Share| most(share) - share.rate;
    shares.sort_by(|one, other| (wants(one) / weight(one)).total_cmp(&(wants(other) / weight(other))));
    let (mut left, mut weights) = (limit, shares.iter().map(&weight).sum::<f64>());
    for share in shares.iter_mut() {
        let given = wants(share).min(left * weight(share) / weights).max(0.0);
        share.rate += given;
        left -= given;
        weights -= weight(share);
    }
    left.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::measured::Counted;
    use super::*;

    const OPEN: Way = Way { limit: 1e6, round_trip: 0.01, loss: 0.0, queue: 0.1 };

    fn counted(rate: f64, seconds: f64) -> Counted {
        Counted { bytes: rate * seconds, seconds }
    }

    fn load(left: f64, way: Way, rate: f64) -> Load {
        let busy = Measured { long: counted(rate, 100.0), short: counted(rate, 10.0) };
        Load { left, way, window: 10.0, busy: Some(busy) }
    }

    fn shared(limit: f64, in_use: f64, rate: f64) -> Shared {
        let all = Measured { long: counted(rate, 30.0), short: counted(rate, 10.0) };
        Shared { limit, in_use, queue: 0.5, is_beside: false, all }
    }

    /// Seconds until the bytes of each load have passed.
    fn ends(loads: &[Load], shared: &Shared) -> Vec<f64> {
        let (courses, _) = courses(loads, shared).unwrap();
        courses.iter().map(|course| course.time_of(f64::INFINITY)).collect()
    }

    fn are_near(ends: &[f64], expected: &[f64]) -> bool {
        ends.iter().zip(expected).all(|(end, expected)| (end - expected).abs() < 0.1)
    }

    #[test]
    fn behind_a_full_link_all_is_divided_by_all() {
        // One has been unlucky: the others will leave it the link.
        let loads = [load(1e6, OPEN, 1e4), load(1e6, OPEN, 4e4), load(2e6, OPEN, 5e4)];
        assert!(are_near(&ends(&loads, &shared(1e5, 0.95, 1e5)), &[30.0, 30.0, 40.0]));
        // But it cannot be faster than its own link.
        let slow = [load(1e6, Way { limit: 1e4, ..OPEN }, 1e4), loads[1], loads[2]];
        assert!(are_near(&ends(&slow, &shared(1e5, 0.95, 1e5)), &[100.0]));
        assert_eq!(courses(&[], &shared(1e5, 0.0, 0.0)), Some((Vec::new(), false)));
        assert_eq!(courses(&loads, &shared(1e5, 0.0, 0.0)), None);
    }

    #[test]
    fn windows_have_their_parts_of_a_full_link_for_a_while() {
        let loads = [Load { window: 30.0, ..load(3e6, OPEN, 5e4) }, load(1e6, OPEN, 5e4)];
        let (courses, is_full) = courses(&loads, &shared(1e5, 0.95, 1e5)).unwrap();
        // Ten seconds long they have three quarters and one, then equal parts.
        assert!(is_full);
        let lasts = courses.iter().map(|course| course.left_after(10.0)).collect::<Vec<_>>();
        assert_eq!(lasts, [2.25e6, 7.5e5]);
        assert_eq!(courses[1].time_of(1e6), 25.0);
        assert_eq!((courses[1].time_of(3e5), courses[1].span_of(5e4, 10.0)), (11.0, 1.0));
    }

    #[test]
    fn otherwise_the_slowest_decides() {
        let lossy = Way { limit: 2.5e5, round_trip: 0.2, loss: 0.05, queue: 0.6 };
        let left = ends(&[load(1e6, lossy, 3e4)], &shared(1e7, 0.02, 3e4))[0];
        assert!((left - 1e6 / lossy.throughput(0.0)).abs() < 0.1, "{left}");
    }

    #[test]
    fn what_was_measured_holds_where_it_is_clearly_different() {
        let slow_disk = load(1e6, OPEN, 1e5);
        assert!(are_near(&ends(&[slow_disk], &shared(1e7, 0.01, 1e5)), &[10.0]));
        // Not what may be chance, and not what is young.
        let usual = load(1e6, OPEN, 7e5);
        assert!(are_near(&ends(&[usual], &shared(1e7, 0.07, 7e5)), &[1.0]));
        let young = Measured { long: counted(1e5, 3.0), short: counted(1e5, 3.0) };
        assert!(are_near(&ends(&[Load { busy: Some(young), ..slow_disk }], &shared(1e7, 0.01, 1e5)), &[1.0]));
    }

    #[test]
    fn what_was_measured_before_a_link_was_slowed_down_does_not_hold() {
        let slowed = load(1e5, Way { limit: 4e3, ..OPEN }, 6e4);
        assert!(are_near(&ends(&[slowed], &shared(1e6, 0.1, 6e4)), &[25.0]));
    }

    #[test]
    fn a_full_link_that_has_changed_is_followed() {
        let all = Measured { long: counted(5e4, 30.0), short: counted(1e5, 10.0) };
        assert!(are_near(
            &ends(&[load(1e6, OPEN, 5e4), load(1e6, OPEN, 5e4)], &Shared { all, ..shared(1e5, 0.95, 0.0) }),
            &[20.0, 20.0]
        ));
    }
}
