//! Writer of frames to a connection: requests of the asking end and answers of the serving end alike.
//!
//! Frames that the send buffer has no room for wait here. The writer remembers where each frame lies in the stream until the peer
//! has acknowledged it, so that an onlooker can tell which frame a packet belongs to.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use p2p_net::{ConnectionId, MeterId, Network};

use crate::node::protocol::RequestTag;

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
    waiting: VecDeque<OutFrame>,
    /// Written frames that the peer has not acknowledged.
    written: VecDeque<Written>,
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
        self.waiting.push_back(frame);
    }

    /// Drops a frame that is not written yet.
    pub(super) fn withdraw(&mut self, tag: RequestTag) {
        self.waiting.retain(|frame| frame.tag != tag);
    }

    /// Returns true if no frame waits for room.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Writes a frame if one waits and there is room. Returns its tag and its range in the stream.
    pub(super) fn write_next(&mut self, net: &mut Network, connection: ConnectionId) -> Option<(RequestTag, Range<u64>)> {
        let OutFrame { tag, header, payload, meter, is_segment } = self.waiting.front()?;
        let (start, tag) = (net.written(connection), *tag);
        if *is_segment {
            net.tell_when_sent(connection, start);
        }
        net.write_pieces(connection, [header.clone(), payload.clone()]).ok()?;
        if let Some(meter) = meter {
            net.mark_written(connection, start + header.len() as u64, *meter);
        }
        let OutFrame { payload, .. } = self.waiting.pop_front()?;
        let (end, acknowledged) = (net.written(connection), net.acknowledged(connection));
        while self.written.pop_front_if(|frame| frame.range.end <= acknowledged).is_some() {}
        self.written.push_back(Written { range: start..end, tag, payload });
        Some((tag, start..end))
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
