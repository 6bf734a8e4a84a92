//! Transfers of the other direction, as they delay one another: all transfers share the one connection to each node.
//!
//! A request goes before all segments that are not begun, and so does an answer: a request for a segment waits behind the content of
//! uploads that TCP holds of the same connection, and an answer to an upload behind the content of downloads that it holds. How much that
//! is, is counted; how fast it leaves is what the client's link carries in that direction or, if that is more, what the ways to all holders
//! do.

use super::traffic::Backlog;

/// Part of the time of an upload that its answers may wait without making the time unknown.
const TOLERATED: f64 = 0.2;
/// Times that an upload waits for an answer behind its last byte: for that to the segment, and for that to the commit.
const ANSWERS: f64 = 2.0;
/// Part of the time that an acknowledgement waits by which the last bytes of a download are late: what TCP may send is mostly sent before.
const LATE: f64 = 0.25;

/// Round trips in which TCP opens its window from ten packets (RFC 6928) to what a full link takes, with some losses on the way.
const ROUNDS: f64 = 10.0;

/// What delays a transfer: the transfers of the other direction, in seconds at the pace at which these pass.
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
    /// Returns what delays a transfer whose direction has the backlog `own` of which `limit` bytes pass per second, beside the
    /// backlog and the bytes per second of the other direction, in the queue of whose link packets wait for `queue` seconds.
    pub(super) fn new((own, limit): (&Backlog, f64), (other, other_limit): (&Backlog, f64), queue: f64) -> Beside {
        Beside { wait: other.usually_held() / other_limit, until: other.left / other_limit, own: own.open / limit, queue }
    }

    /// Returns true if anything of the other direction is under way.
    pub(super) fn is_any(self) -> bool {
        self.until > 0.0
    }

    /// Returns true if a download that takes `whole` seconds alone is over before its windows are open, since acknowledgements wait in the
    /// queue that the others fill: what it takes then depends on the rounds and losses of its slowest connection.
    pub(super) fn is_brief(self, whole: f64) -> bool {
        self.is_any() && whole < ROUNDS * self.queue
    }

    /// Returns the seconds that a download takes which would take `alone` seconds without the others. If all is requested, `asked` is the
    /// time since the last request.
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

    /// Returns the same of an upload, whose own link has a queue of `queue` seconds; `None` if it depends on the others more than can be
    /// told. They may be done before its end, and what TCP will hold of them then is not known.
    pub(super) fn of_upload(self, alone: f64, queue: f64) -> Option<f64> {
        if self.until <= alone {
            return Some(alone);
        }
        let wait = ANSWERS * (self.wait + self.queue);
        (wait + ANSWERS * queue <= TOLERATED * alone).then_some(alone + wait)
    }
}

#[cfg(test)]
mod tests {
    use p2p_store::manifest::NodeNumber;

    use super::*;

    fn backlog(held: u64, open: f64, left: f64) -> Backlog {
        let mut backlog = Backlog::default();
        (backlog.open, backlog.left) = (open, left);
        backlog.hold(NodeNumber::from_index(0), held, std::iter::empty());
        backlog
    }

    #[test]
    fn without_others_nothing_is_delayed() {
        let beside = Beside::new((&backlog(90_000, 1e5, 1e6), 1e5), (&Backlog::default(), 1e5), 2.0);
        assert_eq!((beside.of_download(10.0, None), beside.of_upload(10.0, 2.0)), (10.0, Some(10.0)));
    }

    #[test]
    fn a_download_gets_what_it_asks_for_once_in_the_time_that_its_requests_wait() {
        // What TCP holds of uploads takes 20 s, what this one has requested 5 s: it has a quarter of its speed while they last.
        let own = backlog(0, 5e5, 1e6);
        let uploads = |left| Beside::new((&own, 1e5), (&backlog(2_000_000, 3e6, left), 1e5), 2.0);
        assert_eq!(uploads(6e6).of_download(10.0, None), 40.0);
        // They last for 20 s, in which it does what takes 5 s alone.
        let beside = uploads(2e6);
        assert_eq!(beside.of_download(10.0, None), 25.0);
        // Once all is requested, the last of it waits for what is before it, and its acknowledgements in the queue.
        assert_eq!([beside.of_download(4.0, Some(1.0)), beside.of_download(4.0, Some(18.0))], [19.5, 4.5]);
    }

    #[test]
    fn a_brief_download_beside_uploads_has_no_estimate() {
        let beside = |left| Beside::new((&backlog(0, 5e5, 1e6), 1e5), (&backlog(0, 0.0, left), 1e5), 2.0);
        assert_eq!([19.0, 21.0].map(|whole| beside(1e6).is_brief(whole)), [true, false]);
        assert!(!beside(0.0).is_brief(1.0));
    }

    #[test]
    fn an_upload_waits_for_the_answers_behind_what_is_fetched() {
        // Two answers wait for what TCP holds, 8 s, and in the queue of its link, 2 s.
        let fetched = |left| Beside::new((&backlog(0, 5e5, 1e6), 1e5), (&backlog(800_000, 1e6, left), 1e5), 2.0);
        assert_eq!([150.0, 100.0].map(|alone| fetched(5e7).of_upload(alone, 1.0)), [Some(170.0), None]);
        // What is over before has no say.
        assert_eq!([60.0, 40.0].map(|alone| fetched(5e6).of_upload(alone, 1.0)), [Some(60.0), None]);
    }
}
