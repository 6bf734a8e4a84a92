//! History of a segment of a transfer: the stages that it has reached, and when.

use p2p_base::units::{SimDuration, SimTime};
use p2p_store::manifest::NodeNumber;
use serde::{Deserialize, Serialize};

/// Stage of a segment's transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The segment has a holder and waits for its transmission.
    Queued,
    /// The connection to the holder is open.
    Connected,
    /// The first byte has left its sender.
    FirstByte,
    /// All bytes have arrived at the receiver.
    LastByte,
    /// The segment is acknowledged by the receiver.
    Acknowledged,
    /// Bytes of the segment were retransmitted.
    Retransmitted,
}

/// History of one segment of a transfer, in virtual time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentTimeline {
    /// Index of the segment in the file, from 0.
    pub index: u32,
    /// Length of the segment in bytes.
    pub len: u32,
    /// Node that the segment is sent to or fetched from.
    pub holder: NodeNumber,
    /// Number of attempts before this one.
    pub attempt: u32,
    /// Instant at which the segment or its request was given to the connection.
    pub queued: SimTime,
    /// Instant at which the connection was open.
    pub connected: Option<SimTime>,
    /// Instant at which the first byte left its sender: the client for an upload, the node for a download.
    pub first_byte: Option<SimTime>,
    /// Instant at which all bytes had arrived at the other end.
    pub last_byte: Option<SimTime>,
    /// Instant at which the client knew that the segment was stored, or had received all of it.
    pub acknowledged: Option<SimTime>,
    /// Number of retransmissions of packets with bytes of the segment.
    pub retransmits: u32,
}

impl SegmentTimeline {
    /// Begins the history of the first attempt of a segment, which waits for its connection since an instant.
    pub const fn queued(index: u32, len: u32, holder: NodeNumber, since: SimTime) -> SegmentTimeline {
        SegmentTimeline {
            index,
            len,
            holder,
            attempt: 0,
            queued: since,
            connected: None,
            first_byte: None,
            last_byte: None,
            acknowledged: None,
            retransmits: 0,
        }
    }

    /// Returns the instant at which the first byte left its sender; before that, the one since which the segment waits for it.
    pub fn begun(&self) -> SimTime {
        self.first_byte.unwrap_or(self.queued)
    }

    /// Returns the goodput in bytes per second: the length over the time from the sending of the first byte to the arrival of
    /// the last. Returns `None` before that.
    pub fn goodput(&self) -> Option<f64> {
        let span = self.last_byte? - self.first_byte?;
        (span > SimDuration::ZERO).then(|| f64::from(self.len) / span.as_secs_f64())
    }
}
