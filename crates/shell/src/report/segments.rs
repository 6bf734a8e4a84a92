//! The way of each segment of a transfer, an upload or a download, as JSON fields and as a table.

use p2p_base::units::SimTime;
use p2p_engine::transfer::{SegmentTimeline, TransferReport};
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
    fn new(file: &str, timeline: &SegmentTimeline) -> SegmentReport {
        let seconds = |at: Option<SimTime>| at.map(|at| at.as_secs_f64());
        SegmentReport {
            file: file.to_owned(),
            index: timeline.index,
            bytes: timeline.len,
            holder: timeline.holder.to_string(),
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
        transfer.timelines.iter().map(|timeline| SegmentReport::new(&transfer.status.file.name, timeline)).collect()
    }
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
