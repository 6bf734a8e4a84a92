//! Writer of frames to a connection: requests of the asking end and answers of the serving end alike.
//!
//! A connection is given few bytes ahead of what it sends ([`NOTSENT_LOWAT`]). All other frames wait here, and which of them comes next
//! is decided when there is room: frames without a segment before all others, so that no commit, request or answer waits behind segments
//! that are not begun; and segments of the transfers in turn, so that transfers which share a connection have equal parts of it, and a
//! short one does not wait for a long one. The writer remembers where each frame lies in the stream until the peer has acknowledged it, so
//! that an onlooker can tell which frame a packet belongs to.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use p2p_net::{ConnectionId, MeterId, Network};

use crate::node::protocol::RequestTag;

/// Number of unsent bytes of a connection from which on no further frame is written (Linux `TCP_NOTSENT_LOWAT`). The writer is woken at
/// half of it, which is more than a burst at 100 Mbit/s, so that the end of a frame shares its packet with the next one. Of a frame that
/// is begun all bytes are written.
pub(super) const NOTSENT_LOWAT: u32 = 32 << 10;

/// Frame to be written: a request, or the answer to one.
#[derive(Debug)]
pub(super) struct OutFrame {
    /// Tag of the request.
    pub(super) tag: RequestTag,
    pub(super) header: Bytes,
    pub(super) payload: Bytes,
    /// Meter that counts the bytes of the payload.
    pub(super) meter: Option<MeterId>,
    /// True if the payload is a segment, whose first byte is to be reported when it is sent.
    pub(super) is_segment: bool,
}

/// Frames of one end of a connection: those that wait for room, and the stream ranges of those in flight.
#[derive(Debug, Default)]
pub(super) struct FrameWriter {
    waiting: Waiting,
    /// Written frames that the peer has not acknowledged.
    written: VecDeque<Written>,
}

/// Frames that are not written yet.
#[derive(Debug, Default)]
struct Waiting {
    /// Frames without a segment, in the order in which they were pushed.
    plain: VecDeque<OutFrame>,
    /// Frames with a segment by the meter that counts them, which is one a transfer and connection, in the order of the turns.
    segments: VecDeque<(Option<MeterId>, VecDeque<OutFrame>)>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.segments.is_empty()
    }

    fn push(&mut self, frame: OutFrame) {
        if !frame.is_segment {
            return self.plain.push_back(frame);
        }
        match self.segments.iter_mut().find(|(meter, _)| *meter == frame.meter) {
            Some((_, frames)) => frames.push_back(frame),
            None => self.segments.push_back((frame.meter, VecDeque::from([frame]))),
        }
    }

    /// Removes and returns the frame whose turn it is.
    fn pop(&mut self) -> Option<OutFrame> {
        if let Some(frame) = self.plain.pop_front() {
            return Some(frame);
        }
        let (meter, mut frames) = self.segments.pop_front()?;
        let frame = frames.pop_front();
        if !frames.is_empty() {
            self.segments.push_back((meter, frames));
        }
        frame
    }

    fn remove(&mut self, tag: RequestTag) {
        self.plain.retain(|frame| frame.tag != tag);
        self.segments.iter_mut().for_each(|(_, frames)| frames.retain(|frame| frame.tag != tag));
        self.segments.retain(|(_, frames)| !frames.is_empty());
    }
}

/// Frame in the stream of a connection.
#[derive(Debug)]
struct Written {
    range: Range<u64>,
    tag: RequestTag,
    /// Payload of the frame, until the peer has read all of it.
    payload: Bytes,
}

impl FrameWriter {
    pub(super) fn push(&mut self, frame: OutFrame) {
        self.waiting.push(frame);
    }

    /// Drops a frame that is not written yet.
    pub(super) fn withdraw(&mut self, tag: RequestTag) {
        self.waiting.remove(tag);
    }

    /// Returns true if no frame waits for room.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Writes a frame if one waits and there is room. Returns its tag and its range in the stream.
    pub(super) fn write_next(&mut self, net: &mut Network, connection: ConnectionId) -> Option<(RequestTag, Range<u64>)> {
        if self.waiting.is_empty() || !net.is_writable(connection) {
            return None;
        }
        let OutFrame { tag, header, payload, meter, is_segment } = self.waiting.pop()?;
        let start = net.written(connection);
        if is_segment {
            net.tell_when_sent(connection, start);
        }
        let header_len = header.len() as u64;
        net.write_pieces(connection, [header, payload.clone()]).ok()?;
        if let Some(meter) = meter {
            net.mark_written(connection, start + header_len, meter);
        }
        let (end, acknowledged) = (net.written(connection), net.acknowledged(connection));
        while self.written.pop_front_if(|frame| frame.range.end <= acknowledged).is_some() {}
        self.written.push_back(Written { range: start..end, tag, payload });
        Some((tag, start..end))
    }

    /// Returns the frames of which the peer has not been able to read all, as it has read `delivered` bytes, with their places in the
    /// stream; and those without a segment that come next, which are empty.
    pub(super) fn pending(&self, delivered: u64) -> impl Iterator<Item = (RequestTag, Range<u64>)> {
        let end = self.written.back().map_or(delivered, |last| last.range.end.max(delivered));
        let written = self.written.iter().filter(move |frame| frame.range.end > delivered);
        let written = written.map(|frame| (frame.tag, frame.range.clone()));
        written.chain(self.waiting.plain.iter().map(move |frame| (frame.tag, end..end)))
    }

    /// Returns a frame of each transfer that has segments to be written, in the order of the turns.
    pub(super) fn turns(&self) -> impl Iterator<Item = RequestTag> {
        self.waiting.segments.iter().filter_map(|(_, frames)| frames.front()).map(|frame| frame.tag)
    }

    /// Returns the tag of the frame in flight that contains the stream offset `offset`.
    pub(super) fn frame_at(&self, offset: u64) -> Option<RequestTag> {
        self.written.iter().find(|frame| frame.range.contains(&offset)).map(|frame| frame.tag)
    }

    /// Returns the payload that ends with a piece which the peer has read, and which is then not kept any longer.
    pub(super) fn take_payload(&mut self, last: &Bytes) -> Option<Bytes> {
        let ends_with = |payload: &Bytes| !payload.is_empty() && payload.as_ptr_range().end == last.as_ptr_range().end;
        let frame = self.written.iter_mut().find(|frame| ends_with(&frame.payload))?;
        Some(std::mem::take(&mut frame.payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes frames of these meters, the first of which is that of no segment, and returns the order in which they come.
    fn order(meters: &[Option<usize>], withdrawn: &[RequestTag]) -> Vec<RequestTag> {
        let mut net = Network::new(1);
        let known = [(); 3].map(|()| net.add_meter());
        let mut waiting = Waiting::default();
        for (tag, meter) in (1..).zip(meters) {
            let meter = meter.map(|place| known[place]);
            waiting.push(OutFrame { tag, header: Bytes::new(), payload: Bytes::new(), meter, is_segment: meter.is_some() });
        }
        withdrawn.iter().for_each(|&tag| waiting.remove(tag));
        let order = std::iter::from_fn(|| waiting.pop()).map(|frame| frame.tag).collect();
        assert!(waiting.is_empty());
        order
    }

    #[test]
    fn what_has_no_segment_waits_for_none() {
        assert_eq!(order(&[Some(0), Some(0), None, Some(0), None], &[]), [3, 5, 1, 2, 4]);
        assert_eq!(order(&[None, Some(0), None], &[1, 2]), [3]);
    }

    #[test]
    fn transfers_come_in_turn() {
        let meters = [Some(0), Some(0), Some(0), Some(1), Some(1), Some(2)];
        assert_eq!(order(&meters, &[]), [1, 4, 6, 2, 5, 3]);
        assert_eq!(order(&meters, &[4, 5]), [1, 6, 2, 3]);
    }
}
