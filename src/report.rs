//! Floor 4: what one-shot commands print: JSON whose fields are a contract, and the same as text with tables.
//!
//! The contract is `docs/json.md`; numbers are plain (seconds, bytes, counts). Every figure comes from the engine, none is made
//! here. Knows nothing of how it was asked for.

mod demo;
mod export;
mod network;
mod tables;

use serde::Serialize;

pub use self::demo::{DemoReport, FileReport, SegmentReport, UserReport};
pub use self::export::{ExportReport, ExportedFile};
pub use self::network::{NetworkReport, PacketsReport};
pub use self::tables::{
    Column, Table, bytes_of, clock_of, date_of, figures, milliseconds_of, rate_of, seconds_of, transfer_rate_of,
    transfer_time_of, words,
};

use crate::engine::snapshot::{HealthReport, NodeStatus};
use crate::engine::transfer::TransferReport;
use crate::storage::manifest::FileRecord;
use crate::storage::segment::Sha256Digest;
use crate::units::{SimDuration, SimTime};

/// How long one way of a file took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WayReport {
    /// Virtual seconds from the first packet to the end.
    pub virtual_seconds: f64,
    /// The file's bytes over that time.
    pub goodput_bytes_per_second: f64,
    /// Packets that were sent again.
    pub retransmits: u64,
}

impl From<&TransferReport> for WayReport {
    fn from(report: &TransferReport) -> Self {
        WayReport {
            virtual_seconds: report.status.elapsed(SimTime::MAX).as_secs_f64(),
            goodput_bytes_per_second: report.status.goodput(SimTime::MAX),
            retransmits: report.status.retransmits,
        }
    }
}

/// A transfer of one file, as `put` and `get` tell it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferLine {
    /// What the file is called by whoever asks: another's is `owner/name`.
    #[serde(skip)]
    pub label: String,
    /// Whose the file is; nobody's where there are no accounts.
    pub owner: Option<String>,
    /// The file's name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its segments.
    pub segments: u32,
    /// Its digest.
    pub sha256: Option<Sha256Digest>,
    /// How long it took.
    #[serde(flatten)]
    pub way: WayReport,
}

impl TransferLine {
    /// A transfer of what somebody calls `label`.
    pub fn new(report: &TransferReport, label: String) -> TransferLine {
        let status = &report.status;
        TransferLine {
            label,
            owner: status.file.owner.clone(),
            name: status.file.name.clone(),
            bytes: status.bytes,
            segments: status.segments,
            sha256: report.sha256,
            way: WayReport::from(report),
        }
    }
}

/// A file that is no more, as `rm` tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemovalLine {
    /// What it was called by whoever asks: another's is `owner/name`.
    #[serde(skip)]
    pub label: String,
    /// Whose it was; nobody's where there are no accounts.
    pub owner: Option<String>,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its segments.
    pub segments: u32,
    /// Virtual seconds until every holder had let go of them.
    pub virtual_seconds: f64,
}

impl RemovalLine {
    /// A removal of what somebody calls `label`.
    pub fn new(report: &TransferReport, label: String) -> RemovalLine {
        let TransferLine { label, owner, name, bytes, segments, way, .. } = TransferLine::new(report, label);
        RemovalLine { label, owner, name, bytes, segments, virtual_seconds: way.virtual_seconds }
    }
}

/// A stored file, as `ls` tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileLine {
    /// What it is called by whoever asks: another's is `owner/name`.
    #[serde(skip)]
    pub label: String,
    /// Whose it is; nobody's where there are no accounts.
    pub owner: Option<String>,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its segments.
    pub segments: u32,
    /// Bytes of a full segment.
    pub segment_size: u32,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// When it was stored: seconds since 1970.
    pub stored_at: u64,
    /// The users who may read it beside its owner.
    pub readers: Vec<String>,
}

impl FileLine {
    /// A file that whoever asks calls `label`.
    pub fn new(file: &FileRecord, label: String) -> FileLine {
        FileLine {
            label,
            owner: file.key.owner.clone(),
            name: file.key.name.clone(),
            bytes: file.size,
            segments: file.segments,
            segment_size: file.segment_size,
            sha256: file.sha256,
            stored_at: file.stored_at,
            readers: file.readers.iter().cloned().collect(),
        }
    }
}

/// A node, as `nodes` and `demo` tell it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeLine {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// What its process does: READY, RUNNING, WAITING, STOPPED.
    pub state: &'static str,
    /// Why it cannot use its disk, where it cannot.
    pub trouble: Option<String>,
    /// What the client's probes say: ALIVE, SUSPECT, DEAD.
    pub health: &'static str,
    /// The mean round-trip time of the client's last ten probes; absent where none was answered.
    pub round_trip_seconds: Option<f64>,
    /// That of the last one that was answered; absent before there was one.
    pub last_round_trip_seconds: Option<f64>,
    /// The share of the last ten probes that were not answered.
    pub probe_loss: f64,
    /// Bytes that it may hold.
    pub capacity_bytes: u64,
    /// Bytes that it holds; absent for whoever is not to know.
    pub used_bytes: Option<u64>,
    /// Segments that it holds; absent for whoever is not to know.
    pub segments: Option<u64>,
}

impl NodeLine {
    /// The same without what it holds, unless that may be told.
    #[must_use]
    pub fn telling_usage(self, may_be_told: bool) -> NodeLine {
        let NodeLine { used_bytes, segments, .. } = self;
        NodeLine { used_bytes: used_bytes.filter(|_| may_be_told), segments: segments.filter(|_| may_be_told), ..self }
    }
}

impl From<&NodeStatus> for NodeLine {
    fn from(node: &NodeStatus) -> Self {
        NodeLine {
            name: node.node.to_string(),
            address: node.address.to_string(),
            state: node.state.name(),
            trouble: node.trouble.as_ref().map(ToString::to_string),
            health: node.seen.health.name(),
            round_trip_seconds: node.seen.recent.average.map(SimDuration::as_secs_f64),
            last_round_trip_seconds: node.seen.recent.last.map(SimDuration::as_secs_f64),
            probe_loss: node.seen.recent.loss(),
            capacity_bytes: node.capacity_bytes,
            used_bytes: Some(node.used_bytes),
            segments: Some(node.segments),
        }
    }
}

/// The nodes as they stand, with what a check of their health found.
pub fn node_lines(nodes: &[NodeStatus], health: &HealthReport) -> Vec<NodeLine> {
    let checked = |node: &NodeStatus| NodeStatus { seen: health.of_node(node.node), ..node.clone() };
    nodes.iter().map(|node| NodeLine::from(&checked(node))).collect()
}

/// Transfers as a table.
pub fn transfers_table(lines: &[TransferLine]) -> Table {
    let rows = lines.iter().map(|line| {
        vec![
            line.label.clone(),
            bytes_of(line.bytes),
            line.segments.to_string(),
            seconds_of(line.way.virtual_seconds),
            rate_of(line.way.goodput_bytes_per_second),
            line.way.retransmits.to_string(),
            line.sha256.map(|digest| digest.short()).unwrap_or_default(),
        ]
    });
    let columns = vec![
        words("file"),
        figures("size"),
        figures("segments").gives_way(2),
        figures("virtual time"),
        figures("goodput"),
        figures("retransmits").gives_way(1),
        words("sha-256").gives_way(3),
    ];
    Table { columns, rows: rows.collect(), empty: "no files" }
}

/// Removed files, a line each.
pub fn removals_text(lines: &[RemovalLine]) -> String {
    let line = |line: &RemovalLine| {
        let (name, bytes, time) = (&line.label, bytes_of(line.bytes), seconds_of(line.virtual_seconds));
        format!("removed {name}: {bytes} in {} segments, {time} of virtual time", line.segments)
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Stored files as a table.
pub fn files_table(lines: &[FileLine]) -> Table {
    let row = |line: &FileLine| {
        vec![
            line.label.clone(),
            bytes_of(line.bytes),
            line.segments.to_string(),
            date_of(line.stored_at),
            line.sha256.short(),
            line.readers.join(", "),
        ]
    };
    let columns = [
        words("file"),
        figures("size"),
        figures("segments").gives_way(2),
        words("stored").gives_way(1),
        words("sha-256").gives_way(3),
        words("shared with"),
    ];
    // Where nothing is shared, nobody has to know that it could be.
    let shown = if lines.iter().all(|line| line.readers.is_empty()) { 5 } else { 6 };
    Table { columns: columns[..shown].to_vec(), rows: lines.iter().map(row).collect(), empty: "no files are stored" }
}

/// Nodes as a table.
pub fn nodes_table(lines: &[NodeLine]) -> Table {
    let rows = lines.iter().map(|line| {
        vec![
            line.name.clone(),
            line.address.clone(),
            line.state.into(),
            line.health.into(),
            milliseconds_of(line.last_round_trip_seconds),
            milliseconds_of(line.round_trip_seconds),
            format!("{:.0} %", line.probe_loss * 100.0),
            line.used_bytes.map_or_else(|| "-".into(), bytes_of),
            bytes_of(line.capacity_bytes),
            line.segments.map_or_else(|| "-".into(), |segments| segments.to_string()),
            line.trouble.clone().unwrap_or_default(),
        ]
    });
    let mut columns = vec![
        words("node"),
        words("address").gives_way(4),
        words("state").gives_way(1),
        words("health"),
        figures("last RTT"),
        figures("mean RTT of 10").gives_way(2),
        figures("lost of 10"),
        figures("used"),
        figures("capacity").gives_way(5),
        figures("segments").gives_way(3),
        words("trouble"),
    ];
    if lines.iter().all(|line| line.trouble.is_none()) {
        columns.pop();
    }
    Table { columns, rows: rows.collect(), empty: "there are no nodes" }
}
