//! A connection to one node, and the requests on it that are not answered.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use p2p_base::units::{SimDuration, SimTime};
use p2p_net::Activity;

use crate::node::protocol::{FrameReader, RequestTag};

/// Number of user timeouts after the last byte for which answered probes of a slow path put off that its connection is given up.
pub(super) const PROBED_MAX: u64 = 12;

/// Request without an answer, which is kept until the connection is open and passed on to the caller then.
#[derive(Debug)]
pub(super) struct Asked<O> {
    pub(super) tag: RequestTag,
    pub(super) owner: O,
    /// True if the answer is a segment.
    pub(super) is_fetch: bool,
    /// True if the request or its answer is a segment.
    pub(super) is_bulk: bool,
    /// True if nobody waits for the answer any more.
    pub(super) is_forgotten: bool,
    /// Header and payload, with which the request can be made again.
    pub(super) frame: (Bytes, Bytes),
    /// Range of the connection's stream to which the request is written; `None` while it waits for room in the send buffer, or for the
    /// connection.
    pub(super) written: Option<Range<u64>>,
}

impl<O> Asked<O> {
    /// Returns the offset in the stream at which the request ends, once it is written.
    pub(super) fn end(&self) -> Option<u64> {
        self.written.as_ref().map(|range| range.end)
    }

    /// Returns true if the node may have had a byte of the request, where so many bytes of the stream have been sent.
    fn has_begun(&self, sent: u64) -> bool {
        self.written.as_ref().is_some_and(|range| range.start < sent)
    }

    /// Returns true if a part of the request or a segment in answer to it is still to be sent.
    fn has_more(&self, sent: u64) -> bool {
        self.is_fetch || self.end().is_none_or(|end| end > sent)
    }
}

/// Connection to one node.
#[derive(Debug)]
pub(super) struct Connection<O> {
    pub(super) is_open: bool,
    /// Instant at which it was asked for.
    pub(super) begun_at: SimTime,
    pub(super) reader: FrameReader,
    /// Requests without an answer, in the order in which they were made.
    pub(super) asked: VecDeque<Asked<O>>,
    /// Instant at which the last request was made or answered.
    pub(super) used_at: SimTime,
    pub(super) watch: Watch,
}

/// Watchdog of a connection's oldest request. TCP's user timeout (RFC 9293 §3.8.3; `tcp_write_timeout` in Linux) covers
/// unacknowledged data only, so a peer that has acknowledged everything and still owes the answer would otherwise be waited for
/// without end.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Request that is watched.
    oldest: Option<RequestTag>,
    /// Instant at which it became the oldest.
    since: SimTime,
    /// Instant of the next check for progress.
    pub(super) look_at: SimTime,
}

impl<O> Connection<O> {
    /// Returns a connection that is not open yet, with requests that are kept until then.
    pub(super) fn new(now: SimTime, asked: VecDeque<Asked<O>>) -> Connection<O> {
        Connection { is_open: false, begun_at: now, reader: FrameReader::default(), asked, used_at: now, watch: Watch::default() }
    }

    /// Adds a request. While all are kept, one that carries no segment either way goes before those that do, of whose answers one may
    /// take seconds: what somebody undoes does not wait until others have what they fetch.
    pub(super) fn add(&mut self, asked: Asked<O>) {
        let goes_before = !self.is_open && !asked.is_bulk;
        let first_bulk = if goes_before { self.asked.iter().position(|other| other.is_bulk) } else { None };
        self.asked.insert(first_bulk.unwrap_or(self.asked.len()), asked);
    }

    /// Returns the instant since which the connection has made no progress: no byte was acknowledged and none received for the first
    /// time, and the oldest request is the same. Bytes of other requests count as well: an answer that waits behind them, or for the
    /// acknowledgements of what the node has sent before, comes once they have passed.
    pub(super) fn progressed_at(&self, activity: Activity) -> SimTime {
        self.watch.since.max(activity.acked_at).max(activity.received_at)
    }

    /// Returns the instant at which the connection is given up. An answer to a probe on a slow path puts that off, but not for longer
    /// than [`PROBED_MAX`] times the user timeout: the TCP of a peer answers, too, whose process never does.
    pub(super) fn patient_until(&self, activity: Activity, user_timeout: SimDuration) -> SimTime {
        let progressed_at = self.progressed_at(activity);
        (progressed_at.max(activity.probed_at) + user_timeout).min(progressed_at + user_timeout * PROBED_MAX)
    }

    /// Makes the oldest request the watched one.
    pub(super) fn watch_oldest(&mut self, now: SimTime, user_timeout: SimDuration) {
        let oldest = self.asked.front().map(|asked| asked.tag);
        if oldest != self.watch.oldest {
            self.watch = Watch { oldest, since: now, look_at: now + user_timeout };
        }
    }

    /// Returns true if nothing stands in the way of giving the connection up for its forgotten requests, where so many bytes of its
    /// stream have been sent: nobody else waits for an answer, or more is to be sent of forgotten requests and the node has had
    /// nothing of any other.
    pub(super) fn is_to_be_shed(&self, sent: u64) -> bool {
        let forgotten = || self.asked.iter().filter(|asked| asked.is_forgotten);
        let mut wanted = self.asked.iter().filter(|asked| !asked.is_forgotten).peekable();
        match wanted.peek() {
            None => forgotten().next().is_some(),
            Some(_) => forgotten().any(|asked| asked.has_more(sent)) && !wanted.any(|asked| asked.has_begun(sent)),
        }
    }
}
