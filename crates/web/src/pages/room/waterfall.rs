//! A transfer by itself: its figures, and the way of each of its segments as a waterfall. The page of a transfer shows it, and that of a file which it
//! has stored.

use p2p_service::access::Identity;
use p2p_service::files::{SegmentTimeline, SimTime, TransferReport};
use p2p_service::network::Snapshot;
use p2p_shell::report::{Resolution, SegmentState, bytes_of, clock_of, instant_of, rate_of};

use super::super::pieces::{Pieces, moved, unknown_of};
use super::chart::Tick;
use super::svg::{Scale, px, time_ticks};
use super::transfers::Row;

/// Segments that are drawn at the most: those that are not done first.
const DRAWN_MAX: usize = 100;
/// Width of the picture, the room for the names of the rows, and the heights of the axis and of a row.
const WIDTH: f64 = 720.0;
const LEFT: f64 = 128.0;
const AXIS: f64 = 20.0;
const ROW: f64 = 16.0;

/// A transfer with its segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Waterfall {
    pub(super) row: Row,
    /// Number of the transfer, and true if it is over.
    pub(in crate::pages) id: u64,
    pub(in crate::pages) is_over: bool,
    pub(in crate::pages) began: String,
    pub(in crate::pages) took: String,
    pub(in crate::pages) sha256: String,
    pub(in crate::pages) retransmits: u64,
    pub(in crate::pages) segments: String,
    pub(in crate::pages) height: String,
    /// Lower end of the lines of the ticks.
    pub(in crate::pages) foot: String,
    pub(in crate::pages) times: Vec<Tick>,
    pub(in crate::pages) bars: Vec<Bar>,
    /// Segments that are not drawn although they have begun, and those that this transfer has not begun.
    pub(in crate::pages) left_out: u32,
    pub(in crate::pages) to_come: u32,
    /// Place of the transfer in an upload that is more than it.
    pub(in crate::pages) piece: Option<Piece>,
    /// Transfers that it is of.
    pub(in crate::pages) pieces: usize,
    /// Segments of the file of which no timing is known; empty if that of each is.
    pub(in crate::pages) unknown: String,
}

/// Place of a transfer in an upload that is more than this transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Piece {
    /// Bytes that it has moved itself, and segments and bytes that were kept before it.
    pub(in crate::pages) moved: String,
    pub(in crate::pages) segments_before: u32,
    pub(in crate::pages) before: String,
    /// Transfers before and after it, as far as they are remembered.
    pub(in crate::pages) earlier: Option<u64>,
    pub(in crate::pages) later: Option<u64>,
}

impl Piece {
    /// Returns the place of a transfer in its upload; `None` if it is all of it.
    fn of(snapshot: &Snapshot, report: &TransferReport) -> Option<Piece> {
        let (earlier, later) = Pieces::of(&snapshot.transfers, report).beside(report);
        let status = &report.status;
        let is_piece = earlier.is_some() || later.is_some() || status.bytes_before > 0;
        is_piece.then(|| Piece {
            moved: bytes_of(moved(status)),
            segments_before: status.segments_before,
            before: bytes_of(status.bytes_before),
            earlier,
            later,
        })
    }
}

/// Segment as a row: its parts, one behind the other, and its figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Bar {
    pub(in crate::pages) index: u32,
    pub(in crate::pages) holder: String,
    pub(in crate::pages) state: &'static str,
    /// Place of its name, and top of its parts.
    pub(in crate::pages) text_y: String,
    pub(in crate::pages) y: String,
    /// Class, left end and width of each part.
    pub(in crate::pages) parts: Vec<(&'static str, String, String)>,
    /// Instants of queueing, connection, first byte, last byte and acknowledgement.
    pub(in crate::pages) instants: [String; 5],
    pub(in crate::pages) goodput: String,
    pub(in crate::pages) retransmits: u32,
}

impl Waterfall {
    /// Makes the waterfall of a transfer.
    pub(in crate::pages) fn of(snapshot: &Snapshot, report: &TransferReport, identity: &Identity) -> Waterfall {
        let waterfall = Waterfall::of_lines(snapshot, (report, &report.timelines), identity);
        let (left_out, to_come) = not_drawn(report, waterfall.bars.len() as u32);
        Waterfall { left_out, to_come, piece: Piece::of(snapshot, report), ..waterfall }
    }

    /// Makes the waterfall of all transfers of the upload that has stored a file of so many segments, of which this is the last one: one
    /// behind the other, without the pauses between them.
    pub(in crate::pages) fn of_stored(
        snapshot: &Snapshot,
        (report, segments): (&TransferReport, u32),
        identity: &Identity,
    ) -> Waterfall {
        let pieces = Pieces::of(&snapshot.transfers, report);
        let unknown = unknown_of(segments, &pieces.timelines()).unwrap_or_default();
        let lines = if pieces.len() > 1 { pieces.without_pauses(snapshot.at) } else { report.timelines.clone() };
        let waterfall = Waterfall::of_lines(snapshot, (report, &lines), identity);
        let took = clock_of(pieces.took(snapshot.at).as_secs_f64());
        Waterfall { took, unknown, pieces: pieces.len(), ..waterfall }
    }

    fn of_lines(snapshot: &Snapshot, (report, lines): (&TransferReport, &[SegmentTimeline]), identity: &Identity) -> Waterfall {
        let (status, now) = (&report.status, snapshot.at);
        let end = status.finished.unwrap_or(now);
        let drawn = drawn_of(lines);
        let from = drawn.iter().map(|line| line.queued).min().unwrap_or(status.started);
        let until = drawn.iter().filter_map(|line| line.acknowledged).max().filter(|_| status.state.is_over()).unwrap_or(end);
        let values = (from.as_secs_f64(), until.max(from).as_secs_f64());
        let across = Scale { values, places: (LEFT, WIDTH - 24.0) };
        let bar = |(n, line): (usize, &&SegmentTimeline)| {
            Bar::of(line, SegmentState::of(status, line).name(), AXIS + n as f64 * ROW, &across, until)
        };
        let tick = |at: f64| Tick { at: px(across.at(at)), label: instant_of(at_seconds(at), Resolution::Millis) };
        let height = AXIS + drawn.len() as f64 * ROW + 4.0;
        Waterfall {
            row: Row::of(snapshot, report, identity),
            id: status.id.0,
            is_over: status.state.is_over(),
            began: instant_of(status.started, Resolution::Millis),
            took: clock_of(status.elapsed(now).as_secs_f64()),
            sha256: report.sha256.map(|sum| sum.to_string()).unwrap_or_default(),
            retransmits: status.retransmits,
            segments: format!("{} of {}", status.segments_done, status.segments),
            height: px(height),
            foot: px(height - 4.0),
            times: time_ticks(values.0, values.1).into_iter().map(tick).collect(),
            bars: drawn.iter().enumerate().map(bar).collect(),
            left_out: lines.len().saturating_sub(drawn.len()) as u32,
            to_come: 0,
            piece: None,
            pieces: 1,
            unknown: String::new(),
        }
    }
}

fn at_seconds(at: f64) -> SimTime {
    SimTime::from_nanos((at * 1e9).round() as u64)
}

/// Returns how many segments of a transfer are not drawn although it has begun them, and how many it has not begun: what was stored before it is
/// neither.
fn not_drawn(report: &TransferReport, drawn: u32) -> (u32, u32) {
    let (status, kept) = (&report.status, report.timelines.len() as u32);
    let acknowledged = report.timelines.iter().filter(|line| line.acknowledged.is_some()).count() as u32;
    let forgotten = status.segments_done.saturating_sub(status.segments_before).saturating_sub(acknowledged);
    let begun = kept + forgotten;
    (begun.saturating_sub(drawn), status.segments.saturating_sub(status.segments_before).saturating_sub(begun))
}

/// Returns the segments that are drawn, in their order: those that are not done, and as many of the latest others as there is room for.
fn drawn_of(lines: &[SegmentTimeline]) -> Vec<&SegmentTimeline> {
    let mut chosen: Vec<&SegmentTimeline> = lines.iter().filter(|line| line.acknowledged.is_none()).take(DRAWN_MAX).collect();
    let done = lines.iter().rev().filter(|line| line.acknowledged.is_some());
    chosen.extend(done.take(DRAWN_MAX.saturating_sub(chosen.len())));
    chosen.sort_by_key(|line| line.index);
    chosen
}

impl Bar {
    fn of(line: &SegmentTimeline, state: &'static str, top: f64, across: &Scale, now: SimTime) -> Bar {
        let text = |at: Option<SimTime>| at.map(|at| instant_of(at, Resolution::Millis)).unwrap_or_default();
        Bar {
            index: line.index,
            holder: line.holder.to_string(),
            state,
            text_y: px(top + ROW / 2.0),
            y: px(top + 2.0),
            parts: parts_of(line, across, now),
            instants: [Some(line.queued), line.connected, line.first_byte, line.last_byte, line.acknowledged].map(text),
            goodput: line.goodput().map_or_else(|| "-".to_owned(), rate_of),
            retransmits: line.retransmits,
        }
    }
}

/// Returns the parts of a segment's way: the wait for its turn and its connection, the sending, and the wait for the acknowledgement. What has
/// not ended goes on until now.
fn parts_of(line: &SegmentTimeline, across: &Scale, now: SimTime) -> Vec<(&'static str, String, String)> {
    let instants =
        [("queued", Some(line.queued)), ("sending", line.first_byte), ("arrived", line.last_byte), ("end", line.acknowledged)];
    let known: Vec<(&'static str, f64)> = instants.iter().filter_map(|&(part, at)| Some((part, at?.as_secs_f64()))).collect();
    let ends = known.iter().skip(1).map(|&(_, at)| at).chain([now.as_secs_f64()]);
    let parts = known.iter().zip(ends).filter(|((part, _), _)| *part != "end");
    let part = |(&(part, from), to): (&(&'static str, f64), f64)| {
        let (left, right) = (across.at(from), across.at(to.max(from)));
        // What takes no time is seen all the same.
        (part, px(left), px((right - left).max(0.8)))
    };
    parts.map(part).collect()
}

#[cfg(test)]
mod tests {
    use p2p_service::files::NodeNumber;

    use super::*;

    fn at(ms: u64) -> SimTime {
        SimTime::from_nanos(ms * 1_000_000)
    }

    fn line(index: u32, instants: [Option<u64>; 4]) -> SegmentTimeline {
        let [connected, first_byte, last_byte, acknowledged] = instants.map(|ms| ms.map(at));
        let holder = NodeNumber::from_index(0);
        let (len, attempt, queued, retransmits) = (65_536, 0, at(0), 0);
        SegmentTimeline { index, len, holder, attempt, queued, connected, first_byte, last_byte, acknowledged, retransmits }
    }

    #[test]
    fn a_way_has_its_parts_and_what_goes_on_lasts_until_now() {
        let across = Scale { values: (0.0, 1.0), places: (100.0, 200.0) };
        let parts = |line: &SegmentTimeline| parts_of(line, &across, at(1_000));
        let done = parts(&line(0, [Some(100), Some(200), Some(600), Some(700)]));
        let expected = [("queued", "100", "20"), ("sending", "120", "40"), ("arrived", "160", "10")];
        assert_eq!(done, expected.map(|(part, x, width)| (part, x.to_owned(), width.to_owned())));
        let sending = parts(&line(0, [Some(100), Some(200), None, None]));
        assert_eq!(sending[1], ("sending", "120".to_owned(), "80".to_owned()));
        assert_eq!(parts(&line(0, [None; 4])), [("queued", "100".to_owned(), "100".to_owned())]);
    }

    #[test]
    fn what_is_not_done_is_drawn_first() {
        let done = Some(9);
        let lines: Vec<_> = (0..300).map(|n| line(n, [done, done, done, done.filter(|_| n != 7)])).collect();
        let drawn = drawn_of(&lines);
        assert_eq!((drawn.len(), drawn[0].index, drawn[1].index, drawn[99].index), (DRAWN_MAX, 7, 201, 299));
    }
}
