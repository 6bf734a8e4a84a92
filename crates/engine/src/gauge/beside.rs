//! Transfers of the other direction, as they delay one another: all transfers share the one connection to each node.
//!
//! A request goes before all segments that are not begun, and so does an answer: a request for a segment waits behind the content of
//! uploads that TCP holds of the same connection, and an answer to an upload behind the content of downloads that it holds. How much that
//! is, is counted; how fast it leaves is what the carrying host's link carries in that direction or, if that is less, what the ways to all holders
//! do.

use super::backlog::Backlog;
use super::forecast::Forecast;
use super::ground::Doubt;

/// Times of the usual wait of a request between the shortest and the longest one, of those that a download waits for in the end.
const UNEVEN_REQUESTS: f64 = 2.25;
/// Part of the time that an acknowledgement waits by which the last bytes of a download are late: what TCP may send is mostly sent before.
const LATE: f64 = 0.25;

/// Delay of a transfer: the transfers of the other direction, in seconds at the pace at which these pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beside {
    /// Seconds until what TCP holds of these, or usually will, has passed.
    pub(super) wait: f64,
    /// Seconds until all that they have left has passed.
    pub(super) until: f64,
    /// Seconds that what the transfers of the own direction have requested takes alone.
    pub(super) own: f64,
    /// Seconds that an acknowledgement or an answer waits in the queues that these fill.
    pub(super) queue: f64,
}

impl Beside {
    /// Returns what delays a transfer whose direction has the backlog `own`, of which `forecast` tells, beside the other backlog.
    pub(super) fn new(own: &Backlog, other: &Backlog, forecast: &Forecast) -> Beside {
        let [limit, other_limit] = forecast.carried;
        Beside {
            wait: other.usually_held() / other_limit,
            until: other.left / other_limit,
            own: own.open / limit,
            queue: forecast.queue_back,
        }
    }

    /// Returns true if anything of the other direction is under way.
    pub(super) fn is_any(self) -> bool {
        self.until > 0.0
    }

    /// Returns the seconds that something waits for the others at the end of a transfer that ends in `left` seconds, if they go on for
    /// longer: for what TCP holds of them, and in their queues. How much that will be is chance.
    pub(super) fn at_end(self, left: f64) -> f64 {
        if self.until > left { self.wait + self.queue } else { 0.0 }
    }

    /// Returns the doubt about a download that ends in `left` seconds: its last requests wait behind the others.
    pub(super) fn doubt_of_download(self, left: f64) -> Doubt {
        Doubt(UNEVEN_REQUESTS * self.at_end(left))
    }

    /// Returns the seconds that a download takes which would take `alone` seconds without the others. If all is requested, `asked` is the time
    /// since the last request.
    pub(super) fn of_download(self, alone: f64, asked: Option<f64>) -> f64 {
        if !self.is_any() {
            return alone;
        }
        if let Some(asked) = asked {
            return alone.max(self.wait - asked) + LATE * self.queue;
        }
        let speed = if self.wait > 0.0 { (self.own / self.wait).min(1.0) } else { 1.0 };
        let evenly = if alone <= speed * self.until { alone / speed } else { self.until + alone - speed * self.until };
        evenly + self.at_end(evenly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uploads of which TCP holds 20 s and `until` seconds are left, beside a download that has requested 5 s.
    const fn beside(until: f64) -> Beside {
        Beside { wait: 20.0, until, own: 5.0, queue: 2.0 }
    }

    #[test]
    fn without_others_nothing_is_delayed() {
        let alone = Beside { wait: 0.0, until: 0.0, own: 5.0, queue: 2.0 };
        assert_eq!((alone.of_download(10.0, None), alone.of_download(10.0, Some(1.0))), (10.0, 10.0));
        assert_eq!(alone.doubt_of_download(1.0), Doubt(0.0));
    }

    #[test]
    fn a_download_gets_what_it_asks_for_once_in_the_time_that_its_requests_wait() {
        // It has a quarter of its speed while the uploads last, and its last requests wait as well.
        assert_eq!(beside(60.0).of_download(10.0, None), 62.0);
        // They last for 20 s, in which it does what takes 5 s alone.
        assert_eq!(beside(20.0).of_download(10.0, None), 25.0);
        // Once all is requested, the last of it waits for what is before it, and its acknowledgements in the queue.
        assert_eq!([1.0, 18.0].map(|asked| beside(20.0).of_download(4.0, Some(asked))), [19.5, 4.5]);
    }

    #[test]
    fn a_download_that_ends_before_the_others_is_in_doubt() {
        assert_eq!(beside(60.0).doubt_of_download(70.0), Doubt(0.0));
        assert_eq!(beside(60.0).doubt_of_download(50.0), Doubt(22.0 * UNEVEN_REQUESTS));
    }
}
