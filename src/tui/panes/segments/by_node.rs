//! A row a node, for transfers of many segments: how many of its segments are done, what it does, and for how long it has been at the
//! oldest of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::transfer::{SegmentTimeline, TransferReport, TransferStatus};
use p2p_shell::report::SegmentState;
use p2p_store::manifest::NodeNumber;

use super::time_axis::{Phase, TimeAxis, bar};
use super::waterfall::{duration_of, resent, role_of};
use super::{awaited, is_selected, oldest, rank, rows_of};
use crate::tui::panes::Canvas;
use crate::tui::panes::columns::{Align, Cell, Column, Columns, chosen};
use crate::tui::panes::rows::Rows;
use crate::tui::panes::scene::Scene;
use crate::tui::theme::{Role, Theme};

/// Span of the axis of a transfer that is under way, unless the oldest segment is older.
const SPAN: SimDuration = SimDuration::from_secs(60);

/// The segments of one node.
#[derive(Debug)]
pub(super) struct NodeRow<'a> {
    pub(super) node: NodeNumber,
    timelines: Vec<&'a SegmentTimeline>,
    done: usize,
    retransmits: u64,
    /// The one of those that are not done that was sent first.
    oldest: Option<&'a SegmentTimeline>,
}

impl<'a> NodeRow<'a> {
    /// Returns the nodes of a transfer: those with segments that are not done first, the one with the oldest of them at the top.
    /// A node whose segments other nodes have got stays, with what was sent to it again.
    pub(super) fn all(report: &'a TransferReport) -> Vec<NodeRow<'a>> {
        let row = |node, retransmits| NodeRow { node, timelines: Vec::new(), done: 0, retransmits, oldest: None };
        let mut nodes: BTreeMap<NodeNumber, NodeRow<'a>> =
            report.resent.iter().map(|(&node, &sent)| (node, row(node, sent))).collect();
        for timeline in &report.timelines {
            let row = nodes.entry(timeline.holder).or_insert_with(|| row(timeline.holder, 0));
            row.timelines.push(timeline);
            if timeline.acknowledged.is_some() {
                row.done += 1;
            } else if row.oldest.is_none_or(|oldest| rank(timeline) < rank(oldest)) {
                row.oldest = Some(timeline);
            }
        }
        let mut rows: Vec<_> = nodes.into_values().collect();
        rows.sort_by_key(|row| (row.oldest.is_none(), row.oldest.map(rank), row.node));
        rows
    }
}

/// Returns the number of the nodes of a transfer, without their rows: it is asked for several times a frame.
pub(super) fn count(report: &TransferReport) -> usize {
    let holders = report.timelines.iter().map(|timeline| timeline.holder);
    holders.chain(report.resent.keys().copied()).collect::<BTreeSet<_>>().len()
}

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Node,
    Done,
    Oldest,
    Age,
    Resent,
    Bar,
}

/// Names of the columns that may be hidden.
pub(super) const HIDEABLE: &[&str] = &["done", "segment", "for", "rtx", "over time"];

fn fit(width: u16, hidden: &BTreeSet<String>) -> Columns<Quantity> {
    let columns = vec![
        Column::new(Quantity::Node, "node", 8, 9, 8, Align::Left),
        Column::new(Quantity::Done, "done", 9, 11, 7, Align::Right),
        Column::new(Quantity::Oldest, "segment", 9, 9, 5, Align::Left),
        Column::new(Quantity::Age, "for", 8, 8, 6, Align::Right),
        Column::new(Quantity::Resent, "rtx", 4, 5, 3, Align::Right),
        Column::new(Quantity::Bar, "over time", 16, u16::MAX, 4, Align::Left),
    ];
    Columns::fit(chosen(columns, hidden), width)
}

/// Draws the headings, the rows of `list` in `shown` and the axis below them.
pub(super) fn draw(scene: &Scene<'_>, report: &TransferReport, (list, shown): (&Rows, &Range<usize>), canvas: &mut Canvas<'_>) {
    let now = report.status.finished.unwrap_or(scene.snapshot.at);
    let (all, awaited) = (NodeRow::all(report), awaited(report).map(|timeline| timeline.holder));
    let recent = SimTime::from_nanos(now.as_nanos().saturating_sub(SPAN.as_nanos()));
    let first = oldest(&report.timelines).map_or(recent, |timeline| timeline.begun()).min(recent);
    let from = if report.status.state.is_over() { report.status.started } else { first.max(report.status.started) };
    let columns = fit(canvas.area.width, list.hidden());
    let cells = columns.width_of(Quantity::Bar).map_or(0, usize::from);
    let axis = TimeAxis { from: from.min(now), to: now, cells };
    let cell = |&index: &usize, quantity, _| {
        let row = &all[index];
        let is_awaited = awaited == Some(row.node);
        cell(scene.theme, (&report.status, row), quantity, &axis, (is_selected(scene, list, index), is_awaited))
    };
    columns.draw(scene.theme, canvas, rows_of(canvas.area), shown.clone().enumerate(), cell);
    axis.draw(scene.theme, canvas);
}

/// Returns what a row shows of a quantity at the end of the axis.
fn cell(
    theme: &Theme,
    (status, row): (&TransferStatus, &NodeRow<'_>),
    quantity: Quantity,
    axis: &TimeAxis,
    (is_selected, is_awaited): (bool, bool),
) -> Cell {
    let text = |text: String, role| Cell::Text(text, theme.style(role));
    let waits = if is_awaited { Role::Warning } else { Role::Dim };
    match quantity {
        Quantity::Node => text(row.node.to_string(), if is_selected { Role::Selected } else { Role::Text }),
        Quantity::Done => {
            text(format!("{}/{}", row.done, row.timelines.len()), if row.oldest.is_none() { Role::Good } else { Role::Text })
        }
        Quantity::Oldest if status.given_up_from.is_some() => {
            let last = row.oldest.or_else(|| row.timelines.last().copied());
            let state = last.map(|timeline| SegmentState::of(status, timeline));
            text(state.map_or_else(String::new, |state| state.name().into()), state.map_or(Role::Dim, role_of))
        }
        Quantity::Age if status.given_up_from.is_some() => text(String::new(), Role::Dim),
        Quantity::Oldest => {
            let mark = if is_awaited { theme.glyphs.oldest } else { "" };
            let index = row.oldest.map(|timeline| format!("at {} {mark}", timeline.index));
            let none = if row.timelines.is_empty() { "" } else { "done" };
            text(index.unwrap_or_else(|| none.into()), if row.oldest.is_none() { Role::Good } else { waits })
        }
        Quantity::Age => {
            let age = row.oldest.map(|timeline| axis.to - timeline.begun().min(axis.to));
            text(age.map(|age| duration_of(age.as_secs_f64())).unwrap_or_default(), waits)
        }
        Quantity::Resent => text(resent(theme, row.retransmits), Role::Warning),
        Quantity::Bar => Cell::Parts(bar(theme, &activity(status, row, axis))),
    }
}

/// Returns what the node did over time: in each cell the phase that says most of any of its segments.
fn activity(status: &TransferStatus, row: &NodeRow<'_>, axis: &TimeAxis) -> Vec<(Phase, Range<usize>)> {
    let mut cells = vec![Phase::Blank; axis.cells];
    for timeline in &row.timelines {
        if status.given_up_at.is_none() && timeline.acknowledged.is_some_and(|at| at < axis.from) {
            continue;
        }
        for (phase, range) in axis.phases(status, timeline, axis.to) {
            // What is shorter than a cell is seen.
            let end = if phase == Phase::Sending { range.end.max(range.start + 1) } else { range.end };
            cells[range.start.min(axis.cells)..end.min(axis.cells)].iter_mut().for_each(|cell| *cell = phase.max(*cell));
        }
    }
    let mut runs: Vec<(Phase, Range<usize>)> = Vec::new();
    for (place, phase) in cells.into_iter().enumerate() {
        match runs.last_mut() {
            Some((last, run)) if *last == phase => run.end = place + 1,
            _ => runs.push((phase, place..place + 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::super::tests::{timeline, upload};
    use super::*;

    #[test]
    fn the_node_for_which_the_transfer_waits_is_at_the_top() {
        let timelines = vec![
            timeline(0, 0, [Some(0), Some(1), Some(2)]),
            timeline(1, 1, [Some(0), Some(5), None]),
            timeline(2, 2, [Some(0), Some(3), None]),
            timeline(3, 2, [Some(0), Some(1), Some(3)]),
        ];
        let resent = BTreeMap::from([(NodeNumber::from_index(1), 2), (NodeNumber::from_index(3), 5)]);
        let rates = p2p_net::RateSeries::default();
        let report = TransferReport { status: upload(None), sha256: None, timelines, resent, rates };
        let rows = NodeRow::all(&report);
        assert_eq!(count(&report), rows.len());
        // The segments of the last one have gone to others.
        let resent: Vec<_> = rows.iter().map(|row| (row.node.index(), row.retransmits)).collect();
        assert_eq!(resent, [(2, 0), (1, 2), (0, 0), (3, 5)]);
        let order: Vec<_> = rows.iter().map(|row| (row.node.index(), row.done, row.oldest.map(|open| open.index))).collect();
        assert_eq!(order, [(2, 1, Some(2)), (1, 0, Some(1)), (0, 1, None), (3, 0, None)]);
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        let axis = TimeAxis { from: at(0), to: at(10), cells: 11 };
        let runs = activity(&upload(None), &rows[0], &axis);
        assert_eq!(runs, [(Phase::Connecting, 0..1), (Phase::Sending, 1..10), (Phase::Blank, 10..11)]);
    }
}
