//! The output of one-shot commands: JSON with documented fields, and the same figures as text with tables.
//!
//! `docs/json.md` documents the fields; numbers are plain (seconds, bytes, counts). All figures come from the engine.

mod awaited;
mod clock;
mod cut_paths;
mod demo;
mod entries;
mod export;
mod faults;
mod fitting;
mod hindrances;
mod holdings;
mod network;
mod queues;
mod round_trips;
mod segments;
mod standings;
mod tables;
mod uploads;
mod waits;
mod wires;

use p2p_base::units::SimTime;
pub use p2p_base::units::count_of;
use p2p_engine::snapshot::{HealthReport, NodeStatus};
use p2p_engine::transfer::{TransferReport, TransferStatus};
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;
use p2p_store::uploads::UploadId;
use serde::Serialize;

pub use self::awaited::{moves_segments, time_of_transfer, time_waiting, waits_of, why_waited};
pub use self::clock::{Resolution, clock_of, instant_of, pace_of, range_of, whole_clock_of};
pub use self::cut_paths::CutPaths;
pub(crate) use self::demo::SEGMENTS_SHOWN;
pub use self::demo::{DemoReport, DoorReport, FileReport, ServicesReport, UserReport};
pub use self::entries::{EntryLine, entries_table};
pub use self::export::{ExportReport, ExportedFile, ExportedSegment};
pub use self::faults::{HostFaults, SHOWN_MAX, ToldFault, parts_of_profile};
pub use self::fitting::{beginning_within, fitted};
pub use self::hindrances::{fault_in_short, faults_of_host, faults_told};
pub use self::holdings::{Holdings, OutOfReach, PLACES_MAX, holders_table, places_table};
pub use self::network::{NetworkReport, PacketsReport};
pub use self::queues::{QueueReport, QueuesReport, queue_of};
pub use self::round_trips::{FAIR_ROUND_TRIP, GOOD_ROUND_TRIP, RoundTripReport};
pub use self::segments::{SegmentReport, SegmentState, segments_table, states_table};
pub use self::standings::{Reach, Standing, Standings};
pub(crate) use self::tables::hanging;
pub use self::tables::{
    Column, Table, bytes_shown, millis_below, milliseconds_of, number_column, outcome_of_cancel, rate_of, seconds_of,
    shown_of_all, text_column, transfer_rate_of, transfer_time_of, wrapped,
};
pub use self::uploads::{UploadLine, uploads_table};
pub use self::waits::{absence_of, past_of};
pub use self::wires::Wire;
pub use p2p_service::event_words::{bytes_of, date_of, mode_of};

/// The figures of one direction of a file: its upload or its download.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WayReport {
    /// Virtual time from the first packet to the end of the transfer, in seconds.
    pub virtual_seconds: f64,
    /// Goodput: the size of the file divided by that time, in bytes per second.
    pub goodput_bytes_per_second: f64,
    /// Number of packets that were retransmitted.
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

/// A file in a line of output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileRef {
    /// Name of the file as the user sees it: `owner/name` for files of other users.
    #[serde(skip)]
    pub label: String,
    /// Owner of the file; absent while there are no accounts.
    pub owner: Option<String>,
    /// Name of the file.
    pub name: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Number of segments of the file.
    pub segments: u32,
}

impl FileRef {
    fn of_transfer(status: &TransferStatus, label: String) -> FileRef {
        let FileKey { owner, name } = status.file.clone();
        FileRef { label, owner, name, bytes: status.bytes, segments: status.segments }
    }
}

/// A transfer of one file, as a line of `put` and `get`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferLine {
    /// File that the line is about.
    #[serde(flatten)]
    pub file: FileRef,
    /// SHA-256 digest of the file.
    pub sha256: Option<Sha256Digest>,
    /// Name by which the upload was kept until it was complete; absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadId>,
    /// Bytes that were kept of the upload before it was continued, which are not among those that goodput is measured by; absent if none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_bytes: Option<u64>,
    /// Duration, goodput and retransmissions of the transfer.
    #[serde(flatten)]
    pub way: WayReport,
}

impl TransferLine {
    /// Creates the line of a transfer of a file that the user sees as `label`.
    pub fn new(report: &TransferReport, label: String) -> TransferLine {
        let file = FileRef::of_transfer(&report.status, label);
        let kept_bytes = Some(report.status.bytes_before).filter(|&bytes| bytes > 0);
        TransferLine { file, sha256: report.sha256, upload: None, kept_bytes, way: WayReport::from(report) }
    }
}

/// A removed file, as a line of `rm`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemovalLine {
    /// File that the line is about.
    #[serde(flatten)]
    pub file: FileRef,
    /// Virtual time until all holders had released the segments, in seconds.
    pub virtual_seconds: f64,
    /// Number of nodes that are down and delete their segments when they return.
    pub owing_nodes: u32,
}

impl RemovalLine {
    /// Creates the line of the removal of a file that the user saw as `label`.
    pub fn new(report: &TransferReport, label: String) -> RemovalLine {
        let file = FileRef::of_transfer(&report.status, label);
        RemovalLine { file, virtual_seconds: WayReport::from(report).virtual_seconds, owing_nodes: report.status.owing_nodes }
    }
}

/// A node, as a line of `nodes` and `demo`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeLine {
    /// Name of the node, such as `Node_03`.
    pub name: String,
    /// IPv4 address of the node.
    pub address: String,
    /// State of the node's process: READY, RUNNING, WAITING or STOPPED.
    pub state: &'static str,
    /// Reason why the node cannot use its disk; absent if it can.
    pub trouble: Option<String>,
    /// Health of the node according to the client's probes: ALIVE, SUSPECT or DEAD.
    pub health: &'static str,
    /// Figures of the client's last ten probes.
    #[serde(flatten)]
    pub round_trips: RoundTripReport,
    /// Capacity of the node's volume in bytes.
    pub capacity_bytes: u64,
    /// Number of bytes that the node holds; absent for users who may not see the usage.
    pub used_bytes: Option<u64>,
    /// Number of segments that the node holds; absent for users who may not see the usage.
    pub segments: Option<u64>,
    /// Faults that are on of the node's process and disk, and of the links and paths of its host.
    pub faults: HostFaults,
}

impl From<&NodeStatus> for NodeLine {
    fn from(node: &NodeStatus) -> Self {
        NodeLine {
            name: node.node.to_string(),
            address: node.address.to_string(),
            state: node.state.name(),
            trouble: node.trouble.as_ref().map(ToString::to_string),
            health: node.seen.health.name(),
            round_trips: RoundTripReport::from(&node.seen.recent),
            capacity_bytes: node.capacity_bytes,
            used_bytes: node.used_bytes,
            segments: node.segments,
            faults: HostFaults::default(),
        }
    }
}

/// Returns the lines of the nodes, with the results of a health check.
pub fn node_lines(nodes: &[NodeStatus], health: &HealthReport) -> Vec<NodeLine> {
    let checked = |node: &NodeStatus| NodeStatus { seen: health.of_node(node.node), ..node.clone() };
    nodes.iter().map(|node| NodeLine::from(&checked(node))).collect()
}

/// Returns the table of completed transfers.
pub fn transfers_table(lines: &[TransferLine]) -> Table {
    // What was sent is told where it is not all of a file, since goodput is that of it.
    let is_continued = lines.iter().any(|line| line.kept_bytes.is_some());
    let rows = lines.iter().map(|line| {
        let mut row = vec![line.file.label.clone(), bytes_of(line.file.bytes)];
        row.extend(is_continued.then(|| bytes_of(line.file.bytes.saturating_sub(line.kept_bytes.unwrap_or_default()))));
        row.extend([
            line.file.segments.to_string(),
            seconds_of(line.way.virtual_seconds),
            rate_of(line.way.goodput_bytes_per_second),
            line.way.retransmits.to_string(),
            line.sha256.map(|digest| digest.short()).unwrap_or_default(),
        ]);
        row
    });
    let mut columns = vec![text_column("file"), number_column("size")];
    columns.extend(is_continued.then(|| number_column("sent now")));
    columns.extend([
        number_column("segments").gives_way(2),
        number_column("virtual time"),
        number_column("goodput"),
        number_column("retransmits").gives_way(1),
        text_column("sha-256").gives_way(3),
    ]);
    Table { columns, rows: rows.collect(), empty: "no files" }
}

/// Returns the text of removals, one line per file.
pub fn removals_text(lines: &[RemovalLine]) -> String {
    let line = |line: &RemovalLine| {
        let (name, bytes, time) = (&line.file.label, bytes_of(line.file.bytes), seconds_of(line.virtual_seconds));
        let owed = match line.owing_nodes {
            0 => String::new(),
            1 => "; 1 node is down and will delete its segments when it returns".into(),
            count => format!("; {count} nodes are down and will delete their segments when they return"),
        };
        let segments = count_of(u64::from(line.file.segments), "segment");
        format!("removed {name}: {bytes} in {segments}, {time} of virtual time{owed}")
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the table of nodes; the column of disk troubles is shown only if there is one.
pub fn nodes_table(lines: &[NodeLine]) -> Table {
    let has_trouble = lines.iter().any(|line| line.trouble.is_some());
    let has_faults = lines.iter().any(|line| !line.faults.is_empty());
    let rows = lines.iter().map(|line| {
        let mut row = vec![line.name.clone(), line.address.clone(), line.state.into(), line.health.into()];
        row.extend(line.round_trips.cells());
        row.extend([
            line.used_bytes.map_or_else(|| "-".into(), bytes_of),
            bytes_of(line.capacity_bytes),
            line.segments.map_or_else(|| "-".into(), |segments| segments.to_string()),
        ]);
        row.extend(has_trouble.then(|| line.trouble.clone().unwrap_or_default()));
        row.extend(has_faults.then(|| line.faults.kinds()));
        row
    });
    let mut columns =
        vec![text_column("node"), text_column("address").gives_way(4), text_column("state").gives_way(1), text_column("health")];
    columns.extend(RoundTripReport::columns());
    columns.extend([number_column("used"), number_column("capacity").gives_way(5), number_column("segments").gives_way(3)]);
    columns.extend(has_trouble.then(|| text_column("trouble")));
    columns.extend(has_faults.then(|| text_column("faults")));
    Table { columns, rows: rows.collect(), empty: "there are no nodes" }
}
