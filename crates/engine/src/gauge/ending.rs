//! End of a transfer: it is over when its slowest holder is.
//!
//! A download ends with its last byte. To an upload each holder answers that a segment is stored, and once all have, that it is durable;
//! such an answer waits behind what TCP holds of downloads on the same connection, and the request for it behind what TCP holds of other
//! uploads.

use p2p_store::manifest::NodeNumber;

use super::backlog::Backlog;
use super::course::{Course, NOTHING};
use super::forecast::Forecast;
use super::traffic::Traffic;
use crate::transfer::{TransferId, TransferState, TransferStatus};

/// Times of a full queue that the answers of the holders cost while others keep it filled: something before the slowest of them is often
/// lost in the queue and sent again, and by Nagle's rule (RFC 9293 §3.7.4) a small answer waits for the acknowledgement of the one before
/// it, which is in the queue. For both answers, that all is stored and that it is durable, and for the latter alone.
const LOST_OF_BOTH: f64 = 1.5;
const LOST_OF_ONE: f64 = 0.5;

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

    /// Returns the seconds to the end of a download, without what the other direction adds to it, of which so many bytes are left for each
    /// holder; those with an open request have not sent all of them.
    pub(super) fn of_download(self, holders: &[(NodeNumber, f64)], is_open: impl Fn(NodeNumber) -> bool) -> f64 {
        let awaited = holders.iter().filter(|(node, left)| *left >= NOTHING || is_open(*node));
        awaited.map(|&(node, _)| self.last_byte(node)).fold(0.0, f64::max)
    }

    /// Returns the seconds to the end of an upload, of which so many bytes are left for each holder; those with an open request have not
    /// stored all of them.
    pub(super) fn of_upload(self, holders: &[(NodeNumber, f64)], is_open: impl Fn(NodeNumber) -> bool) -> f64 {
        if self.is_committing {
            let end = holders.iter().map(|&(node, _)| self.committed(node)).fold(0.0, f64::max);
            return end + LOST_OF_ONE * self.queue_at(end);
        }
        let stored = holders.iter().map(|&(node, left)| self.stored(node, left, is_open(node))).fold(0.0, f64::max);
        let stored = stored + LOST_OF_BOTH * self.queue_at(stored);
        let committed = holders.iter().map(|&(node, _)| self.commitment(node, stored)).fold(0.0, f64::max);
        stored + committed
    }

    /// Returns the seconds until all is over with a holder once the last byte of the transfer has passed.
    fn last_byte(self, node: NodeNumber) -> f64 {
        let Some(course) = self.forecast.course(node) else { return 0.0 };
        let last = self.own.queue(node).and_then(|queue| queue.last_of(self.transfer));
        last.map_or(0.0, |bytes| course.time_of(bytes)) + course.way.ending()
    }

    /// Returns the seconds until a holder has answered that it has stored all of its segments.
    fn stored(self, node: NodeNumber, left: f64, is_open: bool) -> f64 {
        if left < NOTHING && !is_open {
            return 0.0;
        }
        if left < NOTHING
            && let Some(answered) = self.answer_on_its_way(node)
        {
            return answered;
        }
        let last = self.last_byte(node);
        last + self.answer(node, last)
    }

    /// Returns the seconds from the instant at which all is stored to that at which a holder has confirmed that it is durable.
    fn commitment(self, node: NodeNumber, stored: f64) -> f64 {
        let behind = |course: &Course| {
            let ahead = self.own.queue(node).map_or(0.0, |queue| queue.ahead(course.left_after(stored)));
            course.span_of(ahead, stored)
        };
        let request = self.forecast.course(node).map_or(0.0, behind);
        request + self.answer(node, stored + request)
    }

    /// Returns the seconds until a holder that was asked for it has confirmed that all is durable.
    fn committed(self, node: NodeNumber) -> f64 {
        if let Some(answered) = self.answer_on_its_way(node) {
            return answered;
        }
        let Some(course) = self.forecast.course(node) else { return 0.0 };
        let asked = self.own.queue(node).and_then(|queue| queue.last_of(self.transfer));
        asked.map_or(course.way.ending(), |bytes| {
            let asked = course.time_of(bytes);
            asked + course.way.ending() + self.answer(node, asked)
        })
    }

    /// Returns the seconds that an answer waits which the node gives after `at` seconds.
    fn answer(self, node: NodeNumber, at: f64) -> f64 {
        let course = self.forecast_back.and_then(|back| back.course(node));
        let Some((course, queue)) = course.zip(self.back.queue(node)) else { return 0.0 };
        let left = course.left_after(at);
        if left < NOTHING { 0.0 } else { course.span_of(queue.ahead(left), at) + self.forecast.queue_back }
    }

    /// Returns the seconds until an answer arrives which the node has given.
    fn answer_on_its_way(self, node: NodeNumber) -> Option<f64> {
        let until = self.back.queue(node)?.last_of(self.transfer)?;
        let course = self.forecast_back.and_then(|back| back.course(node));
        Some(course.map_or(0.0, |course| course.time_of(until) + course.way.ending()))
    }

    /// Returns the seconds that a packet waits in the queue of the client's link, if others keep it filled to the end.
    fn queue_at(self, end: f64) -> f64 {
        let is_crowded = self.forecast.is_full && self.forecast.left_after(end) >= NOTHING;
        if is_crowded { self.forecast.queue } else { 0.0 }
    }
}
