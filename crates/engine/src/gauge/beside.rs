//! Transfers of the other direction, as they delay one another: all transfers share the one connection to each node.
//!
//! A request for a segment waits behind the content of uploads that was handed to the same connection before it, so that a download gets
//! what it has asked for once in the time that this content takes, as long as uploads follow each other. The answers to an upload wait
//! behind the content that the nodes were asked for in the same way. How much that is, is counted; how fast it leaves is what the
//! client's link carries in that direction or, if that is more, what the ways to all holders do.

/// Part of the time of an upload that its answers may wait without making the time unknown.
const TOLERATED: f64 = 0.3;

/// Bytes of transfers of one direction that have not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Backlog {
    /// Bytes that are requested, on the connections that all transfers share.
    pub(super) open: f64,
    /// All bytes.
    pub(super) left: f64,
}

/// Bytes of all running transfers that have not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Traffic {
    pub(super) up: Backlog,
    pub(super) down: Backlog,
}

/// What delays a transfer: the transfers of the other direction, in seconds at the pace at which these pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beside {
    /// Seconds until what these have requested has passed.
    pub(super) wait: f64,
    /// Seconds until all that they have left has passed.
    pub(super) until: f64,
    /// Seconds that what the transfers of the own direction have requested takes alone.
    pub(super) own: f64,
    /// Seconds that an acknowledgement waits in the queue of the link that these fill.
    pub(super) queue: f64,
}

impl Beside {
    /// Returns what delays a transfer whose direction has the backlog `own` of which `limit` bytes pass per second, beside the
    /// backlog and the bytes per second of the other direction, in the queue of whose link packets wait for `queue` seconds.
    pub(super) fn new((own, limit): (Backlog, f64), (other, other_limit): (Backlog, f64), queue: f64) -> Beside {
        Beside { wait: other.open / other_limit, until: other.left / other_limit, own: own.open / limit, queue }
    }

    /// Returns true if anything of the other direction is under way.
    pub(super) fn is_any(self) -> bool {
        self.wait > 0.0
    }

    /// Returns the seconds that a download takes which would take `alone` seconds without the others. If all is requested, `asked` is the
    /// time since the last request.
    pub(super) fn of_download(self, alone: f64, asked: Option<f64>) -> f64 {
        if !self.is_any() {
            return alone;
        }
        if let Some(asked) = asked {
            return alone.max(self.wait - asked) + self.queue;
        }
        let speed = (self.own / self.wait).min(1.0);
        if alone <= speed * self.until { alone / speed } else { self.until + alone - speed * self.until }
    }

    /// Returns the same of an upload; `None` if it depends on the others more than can be told. Its last answers wait behind what was
    /// requested of the nodes before, and those to its commit behind what is requested until then, which is not known yet.
    pub(super) fn of_upload(self, alone: f64) -> Option<f64> {
        (2.0 * self.wait <= TOLERATED * alone).then_some(alone + self.wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Backlog = Backlog { open: 0.0, left: 0.0 };

    #[test]
    fn without_others_nothing_is_delayed() {
        let beside = Beside::new((Backlog { open: 1e5, left: 1e6 }, 1e5), (NOTHING, 1e5), 2.0);
        assert_eq!((beside.of_download(10.0, None), beside.of_upload(10.0)), (10.0, Some(10.0)));
    }

    #[test]
    fn a_download_gets_what_it_asks_for_once_in_the_time_that_the_uploads_take() {
        // What is requested of uploads takes 20 s, what this one has requested 5 s: it has a quarter of its speed while they last.
        let uploads = |left| (Backlog { open: 2e6, left }, 1e5);
        let own = (Backlog { open: 5e5, left: 1e6 }, 1e5);
        assert_eq!(Beside::new(own, uploads(6e6), 2.0).of_download(10.0, None), 40.0);
        // They last for 20 s, in which it does what takes 5 s alone.
        let beside = Beside::new(own, uploads(2e6), 2.0);
        assert_eq!(beside.of_download(10.0, None), 25.0);
        // Once all is requested, the last of it waits for what is before it, and its acknowledgements in the queue.
        assert_eq!([beside.of_download(4.0, Some(1.0)), beside.of_download(4.0, Some(18.0))], [21.0, 6.0]);
    }

    #[test]
    fn an_upload_waits_for_the_answers_behind_what_is_fetched() {
        let fetched = (Backlog { open: 8e5, left: 5e6 }, 1e5);
        let beside = Beside::new((Backlog { open: 5e5, left: 1e6 }, 1e5), fetched, 2.0);
        assert_eq!([beside.of_upload(60.0), beside.of_upload(50.0)], [Some(68.0), None]);
    }
}
