//! Transfers of the other direction, as they delay one another: all transfers share the one connection to each node.
//!
//! A request goes before all segments that are not begun, and so does an answer: a request for a segment waits behind the content of
//! uploads that TCP holds of the same connection, and an answer to an upload behind the content of downloads that it holds. How much that
//! is, is counted; how fast it leaves is what the client's link carries in that direction or, if that is less, what the ways to all holders
//! do.

use super::backlog::Backlog;
use super::forecast::Forecast;

/// Times that an upload has to take what an answer waits, of which it awaits two one after the other.
const ANSWERS: f64 = 4.0;
/// Part of the time that an acknowledgement waits by which the last bytes of a download are late: what TCP may send is mostly sent before.
const LATE: f64 = 0.25;
/// Round trips in which TCP opens its window from ten packets (RFC 6928) to what a full link takes, with some losses on the way.
const ROUNDS: f64 = 10.0;

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

    /// Returns true if a download that takes `whole` seconds alone is over before its windows are open, since acknowledgements wait in the
    /// queue that the others fill: what it takes then depends on the rounds and losses of its slowest connection.
    pub(super) fn is_brief_download(self, whole: f64) -> bool {
        self.is_any() && whole < ROUNDS * self.queue
    }

    /// Returns true if an upload that takes `whole` seconds alone waits as long for the answers behind the others, which go on for longer
    /// than the `left` seconds that it has left: how much TCP will hold of these at that time is not known.
    pub(super) fn is_brief_upload(self, whole: f64, left: f64) -> bool {
        self.until > left && whole < ANSWERS * (self.wait + self.queue)
    }

    /// Returns the seconds that a download takes which would take `alone` seconds without the others. If all is requested, `asked` is the time since the last request.
    pub(super) fn of_download(self, alone: f64, asked: Option<f64>) -> f64 {
        if !self.is_any() {
            return alone;
        }
        if let Some(asked) = asked {
            return alone.max(self.wait - asked) + LATE * self.queue;
        }
        let speed = if self.wait > 0.0 { (self.own / self.wait).min(1.0) } else { 1.0 };
        if alone <= speed * self.until { alone / speed } else { self.until + alone - speed * self.until }
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
        assert!(!alone.is_brief_download(1.0) && !alone.is_brief_upload(1.0, 1.0));
    }

    #[test]
    fn a_download_gets_what_it_asks_for_once_in_the_time_that_its_requests_wait() {
        // It has a quarter of its speed while the uploads last.
        assert_eq!(beside(60.0).of_download(10.0, None), 40.0);
        // They last for 20 s, in which it does what takes 5 s alone.
        assert_eq!(beside(20.0).of_download(10.0, None), 25.0);
        // Once all is requested, the last of it waits for what is before it, and its acknowledgements in the queue.
        assert_eq!([1.0, 18.0].map(|asked| beside(20.0).of_download(4.0, Some(asked))), [19.5, 4.5]);
    }

    #[test]
    fn a_brief_transfer_beside_others_has_no_estimate() {
        assert_eq!([19.0, 21.0].map(|whole| beside(60.0).is_brief_download(whole)), [true, false]);
        assert_eq!([87.0, 89.0].map(|whole| beside(60.0).is_brief_upload(whole, 50.0)), [true, false]);
        // Nor does it wait for what is over before it.
        assert!(!beside(60.0).is_brief_upload(80.0, 70.0));
    }
}
