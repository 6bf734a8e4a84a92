//! The segments pane: the segments of a transfer as a waterfall on a common time axis, or its nodes as rows if it has many segments;
//! and the rate over time beside them.
//!
//! ```text
//!   22 Node_03  sending ◂  41.2 s                ▒▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
//!   35 Node_01  done       1.04 s  63.0 KiB/s 2↻          ░░▓▓▓▒✓
//! ```
//! What is not done comes first, that which was sent first at the top and marked: the transfer waits for it. What is done follows, the
//! latest first.

mod by_node;
mod rate;
mod time_axis;
mod waterfall;

use p2p_engine::transfer::{Direction, SegmentTimeline, TransferReport, TransferState, TransferStatus};
use p2p_shell::report::{Resolution, instant_of, moves_segments, waits_of};
use p2p_store::manifest::NodeNumber;
use ratatui::layout::{Constraint, Layout, Rect, Size};
use ratatui::text::Span;

use self::by_node::NodeRow;
use super::rows::Rows;
use super::scene::Scene;
use super::scroll::Part;
use super::shape::{Shape, rows_up_to};
use super::transfers::{copied, follow, segments_of};
use super::{Canvas, Change, Deed, PaneView, Verb, below_heading};
use crate::tui::preset::Preset;
use crate::tui::theme::Role;

/// Number of segments from which on each row is a node, unless the user chooses otherwise.
const MANY: usize = 128;
/// Minimum width in cells of the rows beside a chart.
const BESIDE_CHART: u16 = 68;
/// Minimum width of the chart in cells.
const CHART: u16 = 34;
/// Name of the deed that switches between segments and nodes.
const NODES: &str = "segments: nodes";

/// The segments of the transfer that is shown.
#[derive(Debug, Default)]
pub(super) struct SegmentsPane {
    list: Rows,
    /// True if the other kind of rows is shown than the number of segments suggests.
    is_switched: bool,
}

impl PaneView for SegmentsPane {
    fn shape(&self, scene: &Scene<'_>, _room: Size) -> Shape {
        // The frame, the headings and the axis; what is said in place of rows has no headings.
        let around = if self.rows(scene) > 0 { 4 } else { 3 };
        let kept = Some(scene.segments_kept()).filter(|&segments| segments < MANY).unwrap_or(0);
        let all = self.rows(scene).max(kept) + around;
        Shape::growing((56, 5), (120, rows_up_to(all, 40)), 3).of_rows(all)
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 35,
            Preset::Transfer => 50,
            Preset::Network => 0,
            Preset::Files => 0,
        }
    }

    fn title(&self, scene: &Scene<'_>, inner: Rect) -> String {
        let Some(report) = scene.shown_transfer() else { return "Segments".into() };
        let status = &report.status;
        let (done, all) = (status.segments_done, status.segments);
        // What was stored of a transfer that is given up is not there any more.
        let word = match status.state {
            TransferState::Parked => "kept",
            _ if status.given_up_from.is_some() => "were done",
            _ => "done",
        };
        let count = if status.size_known { format!("{done} of {all} {word}") } else { format!("{done} {word}") };
        let pinned = if scene.is_pinned() { ", pinned" } else { "" };
        // Segments have rows from their turn on: how many there are of these would read as another total.
        let part = self.part(scene, inner);
        let shown =
            if part.is_cut() && !self.shows_nodes(report) { format!(", {} shown", part.shown.len()) } else { String::new() };
        format!("Segments of {} {}: {count}{shown}{pinned}", status.id, scene.label_of(status))
    }

    fn foot(&self, scene: &Scene<'_>, _inner: Rect) -> Vec<Span<'static>> {
        let Some(report) = scene.shown_transfer() else { return Vec::new() };
        let oldest = awaited(report).map(|timeline| {
            let word = if timeline.first_byte.is_some() { "sent" } else { "queued" };
            let since = instant_of(timeline.begun(), Resolution::Millis);
            format!("{} oldest: {} on {}, {word} {since}", scene.theme.glyphs.oldest, timeline.index, timeline.holder)
        });
        // Where there is no room for both, the cause says more than the instant.
        let waits = waits_of(scene.snapshot, report).into_iter().next();
        let parts = [waits, oldest].into_iter().flatten();
        parts.map(|text| Span::styled(format!(" {text} "), scene.theme.style(Role::Warning))).collect()
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let area = canvas.area;
        let Some(report) = scene.shown_transfer() else {
            let text = "The segments of a transfer: when each was queued, sent and acknowledged.";
            return canvas.row(0, vec![Span::styled(text, scene.theme.style(Role::Dim))]);
        };
        if report.timelines.is_empty() {
            return canvas.row(0, vec![Span::styled(without_segments(&report.status), scene.theme.style(Role::Dim))]);
        }
        let chart = if area.width >= BESIDE_CHART + CHART && area.height >= 5 { (area.width / 4).max(CHART) } else { 0 };
        let [rows, _, side] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(u16::from(chart > 0)), Constraint::Length(chart)])
                .areas(area);
        let (part, mut left) = (self.part(scene, rows), canvas.part(rows));
        if self.shows_nodes(report) {
            by_node::draw(scene, report, (&self.list, &part.shown), &mut left);
        } else {
            waterfall::draw(scene, report, (&self.list, &part.shown), &mut left);
        }
        if chart > 0 {
            rate::plot(scene, report).draw(scene.theme, &mut canvas.part(side));
        }
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        match scene.shown_transfer() {
            Some(report) if self.shows_nodes(report) => by_node::count(report),
            Some(report) => report.timelines.len(),
            None => 0,
        }
    }

    fn row_noun(&self, scene: &Scene<'_>) -> Option<&'static str> {
        self.has_node_rows(scene).then_some("nodes")
    }

    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        rows_of(inner)
    }

    fn columns(&self, scene: &Scene<'_>) -> &'static [&'static str] {
        if self.has_node_rows(scene) { by_node::HIDEABLE } else { waterfall::HIDEABLE }
    }

    fn part(&self, scene: &Scene<'_>, inner: Rect) -> Part {
        // Without the focus what is at the top counts: that for which the transfer waits.
        let shown = if scene.focus == super::Pane::Segments { self.list.selected() } else { 0 };
        Part::around(self.rows(scene), shown, self.row_area(scene, inner).height)
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        scene.shown_transfer().map(segments_of)
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        scene.shown_transfer().map(|report| copied(scene, report))
    }

    fn verbs(&self, scene: &Scene<'_>) -> Vec<Verb> {
        let Some(report) = scene.shown_transfer() else { return Vec::new() };
        let label = if self.shows_nodes(report) { "a row a segment" } else { "a row a node" };
        let list = Verb::new("", "list the segments", segments_of(report));
        let switch = Verb::new("n", label, Deed::Own(NODES));
        let host = report.status.host;
        let watch = self.holder(scene).map(|node| Verb::new("", "watch its connection", Deed::Watch(host, node)));
        [list, switch].into_iter().chain(follow(scene)).chain(watch).collect()
    }

    fn keys(&self) -> &'static [&'static str] {
        &["n", "o"]
    }

    fn change(&mut self, change: Change<'_>) -> bool {
        let is_switch = change == Change::Own(NODES);
        if is_switch {
            self.is_switched ^= true;
            self.list.select(0);
        }
        is_switch
    }
}

impl SegmentsPane {
    fn shows_nodes(&self, report: &TransferReport) -> bool {
        // Segments get their times one by one; the view must not change in the middle of a transfer whose size is known.
        let known = if report.status.size_known { report.status.segments as usize } else { 0 };
        (report.timelines.len().max(known) > MANY) != self.is_switched
    }

    /// Returns true if a transfer is shown, with a row a node.
    fn has_node_rows(&self, scene: &Scene<'_>) -> bool {
        scene.shown_transfer().is_some_and(|report| self.shows_nodes(report))
    }

    /// Returns the node of the selected row.
    fn holder(&self, scene: &Scene<'_>) -> Option<NodeNumber> {
        let report = scene.shown_transfer()?;
        let place = self.list.selected();
        if self.shows_nodes(report) {
            return NodeRow::all(report).get(place).map(|row| row.node);
        }
        in_order(&report.timelines).get(place).map(|timeline| timeline.holder)
    }
}

/// Returns the part of an area in which rows stand: without the headings, if there is room for them and a row, and without the axis below.
fn rows_of(area: Rect) -> Rect {
    let area = if area.height > 2 { below_heading(area) } else { area };
    Rect { height: area.height.saturating_sub(1), ..area }
}

/// Returns true if the row of this place is selected.
fn is_selected(scene: &Scene<'_>, list: &Rows, place: usize) -> bool {
    scene.focus == super::Pane::Segments && list.selected() == place
}

/// Returns why a transfer has no segments on the wire.
fn without_segments(status: &TransferStatus) -> &'static str {
    match status.direction {
        Direction::Removal => "A removal sends no segments: the nodes are asked to delete theirs.",
        Direction::Upload | Direction::Download if status.state.is_over() => "No segment of it was sent.",
        Direction::Upload | Direction::Download => "No segment of it has been sent yet.",
    }
}

/// Returns the segment that is not done and of which the first byte was sent first; if none has been sent, the one that was queued first.
fn oldest(timelines: &[SegmentTimeline]) -> Option<&SegmentTimeline> {
    let open = timelines.iter().filter(|timeline| timeline.acknowledged.is_none());
    open.min_by_key(|timeline| rank(timeline))
}

/// Returns the segment for which a transfer waits: the oldest one, while the transfer still moves its segments.
fn awaited(report: &TransferReport) -> Option<&SegmentTimeline> {
    oldest(&report.timelines).filter(|_| moves_segments(&report.status))
}

/// Returns the key by which what is not done is in order: what was sent first, then what was queued first.
fn rank(timeline: &SegmentTimeline) -> (bool, u64, u32) {
    (timeline.first_byte.is_none(), timeline.begun().as_nanos(), timeline.index)
}

/// Returns the segments in the order of the rows: those that are not done, the oldest first; then the others, the latest first.
fn in_order(timelines: &[SegmentTimeline]) -> Vec<&SegmentTimeline> {
    let (mut done, mut open): (Vec<_>, Vec<_>) = timelines.iter().partition(|timeline| timeline.acknowledged.is_some());
    open.sort_by_key(|timeline| rank(timeline));
    done.sort_by_key(|timeline| std::cmp::Reverse((timeline.acknowledged, timeline.index)));
    open.into_iter().chain(done).collect()
}

#[cfg(test)]
mod tests {
    use p2p_base::units::{SimDuration, SimTime};
    use p2p_engine::snapshot::Peer;
    use p2p_engine::transfer::{Remaining, TransferId};
    use p2p_store::manifest::NodeNumber;
    use p2p_store::names::FileKey;

    use super::*;

    pub(super) fn timeline(index: u32, node: usize, [queued, first, done]: [Option<u64>; 3]) -> SegmentTimeline {
        let at = |seconds: u64| SimTime::ZERO + SimDuration::from_secs(seconds);
        SegmentTimeline {
            index,
            len: 65_536,
            holder: NodeNumber::from_index(node),
            attempt: 0,
            queued: at(queued.unwrap_or(0)),
            connected: first.map(at),
            first_byte: first.map(at),
            last_byte: done.map(at),
            acknowledged: done.map(at),
            retransmits: 0,
        }
    }

    /// An upload that runs, or that has given all up in these seconds and ended undoing in those.
    pub(super) fn upload(given_up: Option<(u64, u64)>) -> TransferStatus {
        let at = |seconds: u64| SimTime::ZERO + SimDuration::from_secs(seconds);
        TransferStatus {
            id: TransferId(1),
            direction: Direction::Upload,
            user: None,
            host: Peer::Client,
            file: FileKey::unowned("a.bin"),
            upload: None,
            state: given_up.map_or(TransferState::Running, |_| TransferState::Cancelled),
            bytes: 5 * 65_536,
            size_known: true,
            bytes_done: 0,
            bytes_before: 0,
            bytes_arrived: 0,
            segments: 5,
            segments_done: 0,
            segments_before: 0,
            retransmits: 0,
            rate_bytes_per_second: None,
            rate_span: SimDuration::ZERO,
            owing_nodes: 0,
            eta: Remaining::NotRunning,
            awaited: Vec::new(),
            replaced: Vec::new(),
            started: SimTime::ZERO,
            finished: given_up.map(|(_, end)| at(end)),
            error: None,
            cancel: None,
            given_up_from: given_up.map(|_| 0),
            given_up_at: given_up.map(|(given_up, _)| at(given_up)),
        }
    }

    #[test]
    fn what_is_not_done_comes_first_and_the_oldest_of_it_at_the_top() {
        let timelines = vec![
            timeline(0, 0, [Some(0), Some(1), Some(2)]),
            timeline(1, 1, [Some(0), Some(5), None]),
            timeline(2, 2, [Some(0), Some(3), None]),
            timeline(3, 0, [Some(1), None, None]),
            timeline(4, 1, [Some(0), Some(4), Some(9)]),
        ];
        let order: Vec<u32> = in_order(&timelines).iter().map(|timeline| timeline.index).collect();
        assert_eq!(order, [2, 1, 3, 4, 0]);
        assert_eq!(oldest(&timelines).unwrap().index, 2);
        assert_eq!(oldest(&timelines[..1]), None);
    }
}
