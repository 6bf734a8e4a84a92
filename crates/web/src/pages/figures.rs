//! Figures of a stored file: which nodes hold its segments, and the waterfall of the upload that has stored it. The templates draw them as
//! SVG from the numbers here, and repeat them as tables.

use std::collections::BTreeMap;

use p2p_service::event_words::bytes_of;
use p2p_service::files::{FileRecord, NodeNumber, SegmentRecord, SegmentTimeline, SimDuration, SimTime, TransferReport};
use p2p_service::network::{NodeStatus, Snapshot};

use super::pieces::{Pieces, unknown_of};

/// Columns of the map at the most; more segments share a column.
const COLUMNS_MAX: usize = 240;
/// Width of the whole map, and of a column at the most, in pixels.
const MAP: (usize, usize) = (720, 14);
/// Segments in the waterfall at the most.
const BARS_MAX: usize = 128;
/// Width of the waterfall in pixels.
const WATERFALL: f64 = 640.0;

/// Node that holds segments of a file.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) segments: usize,
    pub(super) bytes: String,
    /// State of its process.
    pub(super) state: &'static str,
    /// Findings of the client's probes, and the instant at which something of it was heard last.
    pub(super) proof: String,
    /// Class of the badge: `ok` only where something was heard of a node that runs.
    pub(super) class: &'static str,
    pub(super) health: String,
    pub(super) cells: Vec<Cell>,
}

/// Cell of the map: segments of one column on one node.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) x: usize,
    /// Segments of the column, the first and the last.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Segments of these that the node holds.
    pub(super) held: usize,
}

/// Map of segments and holders.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) holders: Vec<Holder>,
    /// Width of a column.
    pub(super) step: usize,
    pub(super) width: usize,
    /// Segments that share a column.
    pub(super) share: usize,
    /// Segments without any holder.
    pub(super) unheld: usize,
    /// Least and largest number of holders of a segment.
    pub(super) copies: (usize, usize),
}

impl Map {
    /// Makes the map of a file's segments on the nodes, as they are at this virtual instant.
    pub(super) fn of(segments: &[SegmentRecord], nodes: &[NodeStatus], now: SimTime) -> Map {
        let share = segments.len().div_ceil(COLUMNS_MAX).max(1);
        let columns = segments.len().div_ceil(share).max(1);
        let step = (MAP.0 / columns).clamp(3, MAP.1);
        let mut held: BTreeMap<NodeNumber, Vec<usize>> = BTreeMap::new();
        for (index, segment) in segments.iter().enumerate() {
            segment.holders.iter().for_each(|node| held.entry(*node).or_default().push(index));
        }
        let holders = held.iter().map(|(node, indices)| {
            let bytes = indices.iter().filter_map(|&index| segments.get(index)).map(|segment| u64::from(segment.len)).sum();
            let status = nodes.iter().find(|status| status.node == *node);
            let (state, class, health, proof) = standing(status, now);
            let cells = cells(indices, share, step, segments.len());
            Holder { name: node.to_string(), segments: indices.len(), bytes: bytes_of(bytes), state, proof, class, health, cells }
        });
        let copies = segments.iter().map(|segment| segment.holders.len());
        Map {
            holders: holders.collect(),
            step,
            width: columns * step,
            share,
            unheld: segments.iter().filter(|segment| segment.holders.is_empty()).count(),
            copies: (copies.clone().min().unwrap_or(0), copies.max().unwrap_or(0)),
        }
    }
}

fn cells(indices: &[usize], share: usize, step: usize, segments: usize) -> Vec<Cell> {
    let mut columns: BTreeMap<usize, usize> = BTreeMap::new();
    indices.iter().for_each(|index| *columns.entry(index / share).or_default() += 1);
    let cell = |(column, held): (usize, usize)| {
        let first = column * share;
        Cell { x: column * step, first, last: (first + share).min(segments) - 1, held }
    };
    columns.into_iter().map(cell).collect()
}

/// Returns the state of a node, the class of its badge, its health, and what proves that.
fn standing(status: Option<&NodeStatus>, now: SimTime) -> (&'static str, &'static str, String, String) {
    let Some(NodeStatus { state, seen, trouble, .. }) = status else {
        return ("", "", "UNKNOWN".to_owned(), "the node is not part of this network".to_owned());
    };
    let heard = seen
        .heard_at
        .map(|at| format!("last heard of {:.1} s ago, at {:.1} s", (now - at).as_secs_f64(), (at - SimTime::ZERO).as_secs_f64()));
    let heard = heard.unwrap_or_else(|| "nothing heard of it yet".to_owned());
    let proof = match trouble {
        Some(trouble) => format!("{trouble}; {heard}"),
        None => format!("{} of {} probes answered; {heard}", seen.answers, seen.probes),
    };
    // A node that was not heard of yet counts as alive to the probes, and nothing has proved it.
    let health = if seen.heard_at.is_some() { seen.health.to_string() } else { "NOT HEARD OF".to_owned() };
    let class = match (health.as_str(), trouble) {
        ("ALIVE", None) => "ok",
        ("ALIVE" | "SUSPECT", _) => "warn",
        ("DEAD", _) => "bad",
        _ => "",
    };
    (state.name(), class, health, proof)
}

/// Bar of the waterfall: a segment, with the starts and widths of its phases in pixels.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) index: u32,
    pub(super) holder: String,
    pub(super) attempt: u32,
    pub(super) retransmits: u32,
    pub(super) y: usize,
    /// From the queue to the first byte, from there to the last, and from there to the acknowledgement.
    pub(super) phases: [(String, String); 3],
    /// Seconds for which the upload had run then, since its first segment: queued, first byte, last byte, acknowledged.
    pub(super) times: [String; 4],
}

/// Waterfall of the upload that has stored a file: of all its transfers that are remembered, without the pauses between them.
#[derive(Debug)]
pub(super) struct Waterfall {
    /// Transfer that has stored the file, the last one of its upload.
    pub(super) transfer: String,
    /// Number of the transfers.
    pub(super) pieces: usize,
    /// Segments of which no timing is known; empty if that of each is.
    pub(super) unknown: String,
    pub(super) bars: Vec<Bar>,
    pub(super) left_out: usize,
    pub(super) height: usize,
    pub(super) seconds: String,
    /// Marks of the axis: place and label.
    pub(super) marks: Vec<(String, String)>,
}

impl Waterfall {
    /// Returns the waterfall of the upload that has stored this file, if it is remembered.
    pub(super) fn of(file: &FileRecord, snapshot: &Snapshot) -> Option<Waterfall> {
        let has_stored = |report: &&std::sync::Arc<TransferReport>| {
            report.status.direction.name() == "upload" && report.status.file == file.key && report.sha256 == Some(file.sha256)
        };
        let last = snapshot.transfers.iter().rev().find(has_stored)?;
        let pieces = Pieces::of(&snapshot.transfers, last);
        let lines = pieces.timelines();
        let ran = |at: SimTime| pieces.ran_until(at, snapshot.at);
        let start = lines.values().map(|segment| ran(segment.queued)).min()?;
        let end = lines.values().filter_map(|segment| segment.acknowledged.or(segment.last_byte)).map(ran).max()?;
        let span = (end.as_secs_f64() - start.as_secs_f64()).max(1e-9);
        let drawn = lines.values().take(BARS_MAX).enumerate();
        let bars: Vec<Bar> = drawn.map(|(row, segment)| bar(segment, row, (&ran, start, span))).collect();
        Some(Waterfall {
            transfer: last.status.id.to_string(),
            pieces: pieces.len(),
            unknown: unknown_of(file.segments, &lines).unwrap_or_default(),
            left_out: lines.len().saturating_sub(BARS_MAX),
            height: bars.len() * 14 + 24,
            bars,
            seconds: format!("{span:.2}"),
            marks: marks(span),
        })
    }
}

/// Returns the places and labels of five marks over a span in seconds, with as many decimals as tell them apart.
fn marks(span: f64) -> Vec<(String, String)> {
    let decimals = (1.0 - (span / 4.0).log10().floor()).clamp(1.0, 6.0) as usize;
    let mark = |part: f64| (format!("{:.0}", WATERFALL * part), format!("{:.decimals$} s", span * part));
    [0.0, 0.25, 0.5, 0.75, 1.0].map(mark).to_vec()
}

/// Returns the row of a segment. `ran` tells for how long the upload had run at an instant.
fn bar(segment: &SegmentTimeline, row: usize, (ran, start, span): (&dyn Fn(SimTime) -> SimDuration, SimDuration, f64)) -> Bar {
    let since = |at: SimTime| ran(at).as_secs_f64() - start.as_secs_f64();
    let place = |at: SimTime| since(at) / span * WATERFALL;
    let phase = |from: Option<SimTime>, to: Option<SimTime>| match (from, to) {
        (Some(from), Some(to)) => (format!("{:.1}", place(from)), format!("{:.1}", (place(to) - place(from)).max(0.5))),
        _ => ("0".to_owned(), "0".to_owned()),
    };
    let time = |at: Option<SimTime>| at.map(|at| format!("{:.3}", since(at))).unwrap_or_else(|| "–".to_owned());
    let SegmentTimeline { queued, first_byte, last_byte, acknowledged, .. } = *segment;
    Bar {
        index: segment.index,
        holder: segment.holder.to_string(),
        attempt: segment.attempt + 1,
        retransmits: segment.retransmits,
        y: row * 14 + 20,
        phases: [phase(Some(queued), first_byte), phase(first_byte, last_byte), phase(last_byte, acknowledged)],
        times: [Some(queued), first_byte, last_byte, acknowledged].map(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_segments_share_columns() {
        assert_eq!(
            cells(&[0, 1, 5], 2, 3, 6),
            [Cell { x: 0, first: 0, last: 1, held: 2 }, Cell { x: 6, first: 4, last: 5, held: 1 },]
        );
        assert_eq!(cells(&[2], 2, 3, 3), [Cell { x: 3, first: 2, last: 2, held: 1 }]);
    }

    #[test]
    fn marks_of_a_short_span_differ() {
        let labels = |span| marks(span).into_iter().map(|(_, label)| label).collect::<Vec<String>>();
        assert_eq!(labels(0.15), ["0.000 s", "0.037 s", "0.075 s", "0.112 s", "0.150 s"]);
        assert_eq!(labels(40.0), ["0.0 s", "10.0 s", "20.0 s", "30.0 s", "40.0 s"]);
    }

    #[test]
    fn nothing_is_alive_that_was_not_heard_of() {
        assert_eq!(standing(None, SimTime::ZERO).1, "");
    }
}
