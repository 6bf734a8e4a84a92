//! End of a transfer: it is over when its slowest holder is.
//!
//! A download ends with its last byte. To an upload each holder answers that a segment is stored, and once all have, that it is durable;
//! such an answer waits behind what TCP holds of downloads on the same connection, and the request for it behind what TCP holds of other
//! uploads.

use p2p_net::MSS;
use p2p_store::manifest::NodeNumber;

use super::Rest;
use super::backlog::{Backlog, Queue};
use super::beside::Beside;
use super::course::{Course, NOTHING};
use super::forecast::Forecast;
use super::ground::Doubt;
use super::traffic::Traffic;
use crate::transfer::{TransferId, TransferState, TransferStatus};

/// Times of a full queue that the answers of the holders cost while others keep it filled: something before the slowest of them is often
/// lost in the queue and sent again, and by Nagle's rule (RFC 9293 §3.7.4) a small answer waits for the acknowledgement of the one before
/// it, which is in the queue. For both answers, that all is stored and that it is durable, and for the latter alone.
const LOST_OF_BOTH: f64 = 1.5;
const LOST_OF_ONE: f64 = 1.0;
/// Part by which a download follows the connection on which its requests wait for the longest: windows change before it ends.
const UNEVEN: f64 = 0.4;
/// Times of the usual wait of a request up to which that of one on its way is told from the window before it.
const ASKED: f64 = 2.0;
/// Bytes that a download usually has requested of a holder at the least: a segment of the default size.
const LEAST_OPEN: f64 = 65_536.0;
/// Initial window in packets (RFC 6928 §2), which a connection has again after a pause.
const FIRST_WINDOW: f64 = 10.0;
/// Factor by which a window opens on average while a segment passes.
const OPENING: f64 = 2.0;
/// Times of a full queue by which answers of the holders are earlier or later than foretold while others keep it filled.
const QUEUE_BY_CHANCE: f64 = 1.8;

/// Instant at which answers have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Answered {
    /// Seconds to it from now.
    pub(super) seconds: f64,
    /// Seconds of these in which answers wait behind what is downloaded.
    pub(super) waiting: f64,
}

impl Answered {
    /// Returns the instant at which the last of all answers arrives.
    fn by_all(answers: impl Iterator<Item = Answered>) -> Answered {
        answers.max_by(|one, other| one.seconds.total_cmp(&other.seconds)).unwrap_or_default()
    }

    /// Returns the instant so many seconds later.
    fn after(self, seconds: f64) -> Answered {
        Answered { seconds: self.seconds + seconds, ..self }
    }

    /// Returns the instant after answers have waited for so many seconds.
    fn behind(self, seconds: f64) -> Answered {
        Answered { seconds: self.seconds + seconds, waiting: self.waiting + seconds }
    }
}

/// End of a transfer, as the traffic foretells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending<'a> {
    transfer: TransferId,
    is_committing: bool,
    own: &'a Backlog,
    forecast: &'a Forecast,
    back: &'a Backlog,
    forecast_back: Option<&'a Forecast>,
}

impl<'a> Ending<'a> {
    pub(super) fn new(traffic: &'a Traffic, forecast: &'a Forecast, status: &TransferStatus) -> Ending<'a> {
        let way = status.direction;
        Ending {
            transfer: status.id,
            is_committing: status.state == TransferState::Committing,
            own: traffic.of(way),
            forecast,
            back: traffic.against(way),
            forecast_back: traffic.forecast_against(way),
        }
    }

    /// Returns the seconds to the end of a download, of which this is left, without what the other direction adds to it; holders with an
    /// open request have not sent all of it.
    pub(super) fn of_download(self, rests: &[Rest]) -> f64 {
        let awaited = rests.iter().filter(|rest| rest.left >= NOTHING || rest.is_asked);
        awaited.map(|rest| self.last_byte(rest.node)).fold(0.0, f64::max)
    }

    /// Returns the seconds to the end of a download, of which this is left, that would take `evenly` seconds if requests waited for the
    /// same time on all connections, usually `wait` seconds.
    pub(super) fn of_requests(self, evenly: f64, wait: f64, rests: &[Rest]) -> f64 {
        let slowest = rests.iter().filter_map(|rest| self.fetched(rest, wait)).fold(0.0, f64::max);
        evenly + UNEVEN * (slowest - evenly).max(0.0)
    }

    /// Returns the seconds until a holder has had its requests for what is left of a download, behind the uploads on its own connection,
    /// and has sent it, where a request usually waits for so many seconds; `None` if it waits for none.
    fn fetched(self, &Rest { node, left, open, .. }: &Rest, usual: f64) -> Option<f64> {
        let (back, requests) = self.course_back(node).zip(self.back.queue(node))?;
        let (own, queue) = self.forecast.course(node).zip(self.own.queue(node))?;
        let (until, last) = (back.time_of(f64::INFINITY), queue.last_of(self.transfer)?);
        if until <= 0.0 || last < NOTHING || left - queue.held_of(self.transfer) < NOTHING {
            return None;
        }
        let rate = last / own.time_of(last);
        // A small window that holds up a request does not stay so for long.
        let asked = requests.last_of(self.transfer).map_or(0.0, |bytes| back.time_of(bytes)).min(ASKED * usual);
        let wait = back.span_of(requests.ahead(back.left_after(asked)), asked).min(usual);
        let later = (left - open).max(0.0);
        let speed = (open.max(LEAST_OPEN) / wait).min(rate);
        let fetched = later.min(speed * (until - asked).max(0.0));
        if later - fetched >= NOTHING {
            return Some(until + (later - fetched + open) / rate);
        }
        let round_trip = self.forecast.queue_back + own.way.round_trip;
        let near = rate.min(OPENING * queue.window().max(FIRST_WINDOW) * f64::from(MSS) / round_trip);
        Some(asked + fetched / speed + open.min(left) / near)
    }

    /// Returns the end of an upload, of which this is left; holders with an open request have not stored all of it.
    pub(super) fn of_upload(self, rests: &[Rest]) -> Answered {
        if self.is_committing {
            let end = Answered::by_all(rests.iter().map(|rest| self.committed(rest.node)));
            return end.after(LOST_OF_ONE * self.queue_at(end.seconds));
        }
        let stored = Answered::by_all(rests.iter().map(|rest| self.stored(rest)));
        let stored = stored.after(LOST_OF_BOTH * self.queue_at(stored.seconds));
        Answered::by_all(rests.iter().map(|rest| self.commitment(rest.node, stored)))
    }

    /// Returns the doubt about an upload that ends so: how much TCP holds before each of its answers, and what of it is lost and sent again,
    /// is chance, and so is what other uploads keep in the queue.
    pub(super) fn doubt_of_upload(self, end: Answered, beside: Beside) -> Doubt {
        // Of others that have not begun to pass it is not known for how long answers will wait.
        if beside.is_any() && !self.forecast_back.is_some_and(|back| back.goes_on) {
            return Doubt(f64::INFINITY);
        }
        let back = if beside.at_end(end.seconds) > 0.0 { self.forecast.queue_back } else { 0.0 };
        let others = if self.own.is_of_one() { 0.0 } else { self.full_queue().max(self.holders_queue_at(end.seconds)) };
        Doubt(end.waiting + QUEUE_BY_CHANCE * (back + others))
    }

    /// Returns the seconds that a packet waits in the queue of the carrying host's link, if the ways to the holders fill it.
    const fn full_queue(self) -> f64 {
        if self.forecast.can_fill { self.forecast.queue } else { 0.0 }
    }

    /// Returns the seconds until all is over with a holder once the last byte of the transfer has passed.
    fn last_byte(self, node: NodeNumber) -> f64 {
        let Some(course) = self.forecast.course(node) else { return 0.0 };
        let last = self.own.queue(node).and_then(|queue| queue.last_of(self.transfer));
        last.map_or(0.0, |bytes| course.time_of(bytes)).max(self.sent_again(node)) + course.way.ending()
    }

    /// Returns the seconds until what is lost of the transfer, or of its requests, is sent again to or by a node; zero if nothing is.
    fn sent_again(self, node: NodeNumber) -> f64 {
        let lost = |backlog: &Backlog| backlog.queue(node).filter(|queue| queue.holds(self.transfer)).and_then(Queue::lost_for);
        lost(self.own).into_iter().chain(lost(self.back)).fold(0.0, f64::max)
    }

    /// Returns true if something of the transfer is lost and yet to be sent again.
    pub(super) fn has_lost(self, rests: &[Rest]) -> bool {
        rests.iter().any(|rest| self.sent_again(rest.node) > 0.0)
    }

    /// Returns when a holder has answered that it has stored all of its segments.
    fn stored(self, &Rest { node, left, is_asked, .. }: &Rest) -> Answered {
        if left < NOTHING && !is_asked {
            return Answered::default();
        }
        let given = || self.answered(node, Answered::default().after(self.last_byte(node)));
        if left < NOTHING { self.answer_on_its_way(node).unwrap_or_else(given) } else { given() }
    }

    /// Returns when a holder that is asked for it once all is stored has confirmed that it is durable.
    fn commitment(self, node: NodeNumber, stored: Answered) -> Answered {
        let behind = |course: &Course| {
            let ahead = self.own.queue(node).map_or(0.0, |queue| queue.ahead(course.left_after(stored.seconds)));
            course.span_of(ahead, stored.seconds)
        };
        self.answered(node, stored.after(self.forecast.course(node).map_or(0.0, behind)))
    }

    /// Returns when a holder that was asked for it has confirmed that all is durable.
    fn committed(self, node: NodeNumber) -> Answered {
        let given = || {
            let Some(course) = self.forecast.course(node) else { return Answered::default() };
            let asked = self.own.queue(node).and_then(|queue| queue.last_of(self.transfer));
            let passed = |bytes| Answered::default().after(course.time_of(bytes).max(self.sent_again(node)));
            let answered = asked.map(|bytes| self.answered(node, passed(bytes)));
            answered.unwrap_or_default().after(course.way.ending())
        };
        self.answer_on_its_way(node).unwrap_or_else(given)
    }

    /// Returns when an answer arrives which the node gives at an instant, behind what is downloaded from it then.
    fn answered(self, node: NodeNumber, given: Answered) -> Answered {
        let Some((course, queue)) = self.course_back(node).zip(self.back.queue(node)) else { return given };
        let left = course.left_after(given.seconds);
        if left < NOTHING {
            return given;
        }
        given.behind(course.span_of(queue.ahead(left), given.seconds) + self.forecast.queue_back)
    }

    /// Returns when an answer arrives which the node has given.
    fn answer_on_its_way(self, node: NodeNumber) -> Option<Answered> {
        let until = self.back.queue(node)?.last_of(self.transfer)?;
        let answer = |course: &Course| Answered::default().behind(course.time_of(until)).after(course.way.ending());
        Some(self.course_back(node).map(answer).unwrap_or_default().after(self.sent_again(node)))
    }

    /// Returns the course of the bytes to or from a node in the other direction.
    fn course_back(self, node: NodeNumber) -> Option<&'a Course> {
        self.forecast_back?.course(node)
    }

    /// Returns the seconds that a packet waits in the queue of the carrying host's link or of a holder's, if others keep it filled to the end.
    fn queue_at(self, end: f64) -> f64 {
        let is_crowded = self.forecast.is_full && self.forecast.left_after(end) >= NOTHING;
        if is_crowded { self.forecast.queue } else { self.holders_queue_at(end) }
    }

    /// Returns the seconds that a packet waits in the longest queue of the holders' links that other uploads keep filled to the end.
    fn holders_queue_at(self, end: f64) -> f64 {
        let queued = |(node, queue): (NodeNumber, &Queue)| {
            let course = self.forecast.course(node)?;
            Some(course.way.queued(queue.window()).min(course.left_after(end) / course.way.limit))
        };
        self.own.queues().filter_map(queued).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_all_answers_decides() {
        let early = Answered::default().behind(5.0);
        let late = Answered::default().after(6.0).behind(2.0);
        assert_eq!(Answered::by_all([late, early].into_iter()), Answered { seconds: 8.0, waiting: 2.0 });
        assert_eq!(Answered::by_all(std::iter::empty()), Answered::default());
    }
}
