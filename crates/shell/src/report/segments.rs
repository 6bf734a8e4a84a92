//! The way of each segment of a transfer, an upload or a download, as JSON fields and as a table.

use p2p_base::units::SimTime;
use p2p_engine::transfer::{Direction, SegmentTimeline, TransferReport, TransferState, TransferStatus};
use serde::Serialize;

use super::clock::{Resolution, instant_of};
use super::tables::{Table, number_column, rate_of, text_column};

/// The transfer of one segment to or from its holder. Times are in seconds since the start of the simulation; the time of a step that did
/// not happen is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentReport {
    /// Name of the file to which the segment belongs.
    pub file: String,
    /// Index of the segment in the file.
    pub index: u32,
    /// Size of the segment in bytes.
    pub bytes: u32,
    /// Name of the node that the segment is sent to or fetched from.
    pub holder: String,
    /// State of the segment.
    pub state: SegmentState,
    /// Time at which the segment, or the request for it, was handed to the connection.
    pub queued_s: f64,
    /// Time at which the connection was established.
    pub connected_s: Option<f64>,
    /// Time at which the first byte of the segment left its sender: the client for an upload, the holder for a download.
    pub first_byte_s: Option<f64>,
    /// Time at which the last byte of the segment reached its receiver.
    pub last_byte_s: Option<f64>,
    /// Time at which the client knew that the segment was stored, or had received all of it.
    pub acknowledged_s: Option<f64>,
    /// Size of the segment divided by the time from its first to its last byte, in bytes per second.
    pub goodput_bytes_per_second: Option<f64>,
    /// Number of packets of the segment that were retransmitted.
    pub retransmits: u32,
}

impl SegmentReport {
    fn new(status: &TransferStatus, timeline: &SegmentTimeline) -> SegmentReport {
        let seconds = |at: Option<SimTime>| at.map(|at| at.as_secs_f64());
        SegmentReport {
            file: status.file.name.clone(),
            index: timeline.index,
            bytes: timeline.len,
            holder: timeline.holder.to_string(),
            state: SegmentState::of(status, timeline),
            queued_s: timeline.queued.as_secs_f64(),
            connected_s: seconds(timeline.connected),
            first_byte_s: seconds(timeline.first_byte),
            last_byte_s: seconds(timeline.last_byte),
            acknowledged_s: seconds(timeline.acknowledged),
            goodput_bytes_per_second: timeline.goodput(),
            retransmits: timeline.retransmits,
        }
    }

    /// Returns the reports of the segments of a transfer.
    pub fn of_transfer(transfer: &TransferReport) -> Vec<SegmentReport> {
        transfer.timelines.iter().map(|timeline| SegmentReport::new(&transfer.status, timeline)).collect()
    }
}

/// State of a segment of a transfer: how far it is on its way or, if the transfer has given it up, what has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentState {
    /// The connection to the holder is not open yet.
    Connect,
    /// The segment waits for its transmission.
    Queued,
    /// The first byte has left its sender.
    Sending,
    /// All bytes are at the receiver.
    Arrived,
    /// The segment is stored, or fetched.
    Done,
    /// The segment was stored, and is being deleted since the upload has failed or was cancelled.
    Undoing,
    /// The segment was stored, and is deleted or owed since the upload has failed or was cancelled.
    Undone,
    /// The segment was not done when the transfer was cancelled.
    Cancelled,
    /// The segment was not done when the transfer failed.
    Failed,
    /// The segment was not done when the source of an upload went that is kept without it, or is being undone.
    Dropped,
}

impl SegmentState {
    /// Returns the state of a segment of a transfer.
    pub fn of(status: &TransferStatus, timeline: &SegmentTimeline) -> SegmentState {
        let is_given_up = status.given_up_from.is_some_and(|from| timeline.index >= from);
        match timeline {
            SegmentTimeline { acknowledged: Some(_), .. } => match status.state {
                TransferState::Undoing if is_given_up => SegmentState::Undoing,
                _ if is_given_up && status.direction == Direction::Upload => SegmentState::Undone,
                _ => SegmentState::Done,
            },
            _ if is_given_up => SegmentState::given_up(status),
            SegmentTimeline { last_byte: Some(_), .. } => SegmentState::Arrived,
            SegmentTimeline { first_byte: Some(_), .. } => SegmentState::Sending,
            SegmentTimeline { connected: None, .. } => SegmentState::Connect,
            SegmentTimeline { .. } => SegmentState::Queued,
        }
    }

    /// Returns true if the segment was stored and is given up with its upload.
    pub const fn is_undone(self) -> bool {
        matches!(self, SegmentState::Undoing | SegmentState::Undone)
    }

    /// Returns the state of a segment that was given up before it was done.
    fn given_up(status: &TransferStatus) -> SegmentState {
        match status.state {
            TransferState::Cancelled => SegmentState::Cancelled,
            TransferState::Failed => SegmentState::Failed,
            TransferState::Undoing if status.cancel.is_some() => SegmentState::Cancelled,
            _ => SegmentState::Dropped,
        }
    }

    /// Returns the word for reports and screens.
    pub const fn name(self) -> &'static str {
        match self {
            SegmentState::Connect => "connect",
            SegmentState::Queued => "queued",
            SegmentState::Sending => "sending",
            SegmentState::Arrived => "arrived",
            SegmentState::Done => "done",
            SegmentState::Undoing => "undoing",
            SegmentState::Undone => "undone",
            SegmentState::Cancelled => "cancelled",
            SegmentState::Failed => "failed",
            SegmentState::Dropped => "dropped",
        }
    }
}

/// Returns the table of segments of one transfer, with their states.
pub fn states_table(segments: &[SegmentReport]) -> Table {
    let mut table = segments_table(segments.iter());
    table.columns.insert(2, text_column("state"));
    table.rows.iter_mut().zip(segments).for_each(|(row, segment)| row.insert(2, segment.state.name().to_owned()));
    table
}

/// Returns the table of segments; a step that did not happen leaves its cell empty.
pub fn segments_table<'a>(segments: impl Iterator<Item = &'a SegmentReport>) -> Table {
    let instant = |seconds: f64| instant_of(SimTime::from_nanos((seconds * 1e9).round() as u64), Resolution::Millis);
    let time = |at: Option<f64>| at.map(instant).unwrap_or_default();
    let row = |segment: &SegmentReport| {
        vec![
            segment.index.to_string(),
            segment.holder.clone(),
            instant(segment.queued_s),
            time(segment.first_byte_s),
            time(segment.last_byte_s),
            time(segment.acknowledged_s),
            segment.goodput_bytes_per_second.map(rate_of).unwrap_or_default(),
            segment.retransmits.to_string(),
        ]
    };
    let columns = vec![
        number_column("segment"),
        text_column("holder"),
        number_column("queued").gives_way(3),
        number_column("first byte"),
        number_column("last byte").gives_way(4),
        number_column("acknowledged"),
        number_column("goodput").gives_way(2),
        number_column("retransmits").gives_way(1),
    ];
    Table { columns, rows: segments.map(row).collect(), empty: "no segments" }
}

#[cfg(test)]
mod tests {
    use p2p_engine::snapshot::Peer;
    use p2p_engine::transfer::{CancelRequest, Remaining, TransferId};
    use p2p_store::manifest::NodeNumber;
    use p2p_store::names::FileKey;

    use super::*;

    fn status(direction: Direction, state: TransferState, given_up_from: Option<u32>) -> TransferStatus {
        TransferStatus {
            id: TransferId(1),
            direction,
            user: None,
            host: Peer::Client,
            file: FileKey::unowned("a"),
            upload: None,
            state,
            bytes: 2,
            size_known: true,
            bytes_done: 1,
            bytes_before: 0,
            bytes_arrived: 1,
            segments: 2,
            segments_done: 1,
            segments_before: 0,
            retransmits: 0,
            rate_bytes_per_second: None,
            rate_span: p2p_base::units::SimDuration::ZERO,
            eta: Remaining::NotRunning,
            owing_nodes: 0,
            awaited: Vec::new(),
            replaced: Vec::new(),
            started: SimTime::ZERO,
            finished: None,
            error: None,
            cancel: None,
            given_up_from,
            given_up_at: None,
        }
    }

    /// The words of a segment that is done and of one that is being sent.
    fn words(status: &TransferStatus) -> [&'static str; 2] {
        let at = Some(SimTime::ZERO);
        let sending = SegmentTimeline {
            index: 1,
            len: 1,
            holder: NodeNumber::from_index(0),
            attempt: 0,
            queued: SimTime::ZERO,
            connected: at,
            first_byte: at,
            last_byte: None,
            acknowledged: None,
            retransmits: 0,
        };
        let done = SegmentTimeline { index: 0, last_byte: at, acknowledged: at, ..sending.clone() };
        [done, sending].map(|timeline| SegmentState::of(status, &timeline).name())
    }

    #[test]
    fn no_segment_is_sent_of_what_is_given_up() {
        use Direction::{Download, Upload};
        use TransferState::{Cancelled, Failed, Parked, Running, Undoing};
        assert_eq!(words(&status(Upload, Running, None)), ["done", "sending"]);
        assert_eq!(words(&status(Upload, Cancelled, Some(0))), ["undone", "cancelled"]);
        assert_eq!(words(&status(Upload, Failed, Some(0))), ["undone", "failed"]);
        assert_eq!(words(&status(Upload, Failed, Some(1))), ["done", "failed"], "what is kept of it is stored");
        assert_eq!(words(&status(Upload, Parked, Some(1))), ["done", "dropped"]);
        assert_eq!(words(&status(Upload, Undoing, Some(0))), ["undoing", "dropped"]);
        assert_eq!(words(&status(Download, Cancelled, Some(0))), ["done", "cancelled"]);
        let cancel = Some(CancelRequest { at: SimTime::ZERO, during: Running });
        assert_eq!(words(&TransferStatus { cancel, ..status(Upload, Undoing, Some(0)) }), ["undoing", "cancelled"]);
    }

    #[test]
    fn what_a_cancel_has_come_to_is_said_where_the_state_does_not_tell() {
        use TransferState::{Cancelled, Committing, Done, Running};
        let said = |state, during| {
            let cancel = Some(CancelRequest { at: SimTime::ZERO, during });
            let status = TransferStatus { cancel, finished: Some(SimTime::ZERO), ..status(Direction::Upload, state, None) };
            super::super::transfer_time_of(&status, SimTime::ZERO)
        };
        assert_eq!(said(Cancelled, Running), "took 00:00.0");
        assert_eq!(said(Cancelled, Committing), "took 00:00.0, cancelled in its commit");
        assert_eq!(said(Done, Committing), "took 00:00.0, too late to cancel");
    }
}
