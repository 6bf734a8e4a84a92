//! The waterfall: a row a segment, with its state, its duration and its bar on the time axis that all rows share.
//!
//! ```text
//!     # node      state          took         rate  rtx over time
//!    22 Node_03   sending ◂   41.20 s                   ▒▓▓▓▓▓▓▓▓▓▓▓▓▓
//! ```

use std::collections::BTreeSet;
use std::ops::Range;

use p2p_base::units::SimTime;
use p2p_engine::transfer::{SegmentTimeline, TransferReport, TransferStatus};
use p2p_shell::report::{SegmentState, rate_of};
use ratatui::text::Span;

use super::time_axis::{TimeAxis, bar, end_of};
use super::{awaited, in_order, is_selected, rows_of};
use crate::tui::panes::Canvas;
use crate::tui::panes::columns::{Align, Cell, Column, Columns, RATE, chosen};
use crate::tui::panes::rows::Rows;
use crate::tui::panes::scene::Scene;
use crate::tui::theme::{Role, Theme};

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Index,
    Holder,
    State,
    Time,
    Rate,
    Resent,
    Bar,
}

/// Names of the columns that may be hidden.
pub(super) const HIDEABLE: &[&str] = &["node", "state", "took", "rate", "rtx", "over time"];

fn fit(width: u16, hidden: &BTreeSet<String>) -> Columns<Quantity> {
    let columns = vec![
        Column::new(Quantity::Index, "#", 5, 5, 8, Align::Right),
        Column::new(Quantity::Holder, "node", 8, 9, 7, Align::Left),
        Column::new(Quantity::State, "state", 10, 10, 6, Align::Left),
        Column::new(Quantity::Time, "took", 8, 8, 5, Align::Right),
        Column::new(Quantity::Rate, "rate", RATE, RATE, 2, Align::Right),
        Column::new(Quantity::Resent, "rtx", 4, 4, 3, Align::Right),
        Column::new(Quantity::Bar, "over time", 16, u16::MAX, 4, Align::Left),
    ];
    Columns::fit(chosen(columns, hidden), width)
}

/// Draws the headings, the rows of `list` in `shown` and the axis below them.
pub(super) fn draw(scene: &Scene<'_>, report: &TransferReport, (list, shown): (&Rows, &Range<usize>), canvas: &mut Canvas<'_>) {
    let (all, now) = (in_order(&report.timelines), report.status.finished.unwrap_or(scene.snapshot.at));
    let (timelines, awaited) = (&all[shown.clone()], awaited(report).map(|timeline| timeline.index));
    let from = timelines.iter().map(|timeline| timeline.begun()).min().unwrap_or(now);
    // The undoing goes on after the last segment has stopped.
    let is_undone = |timeline: &SegmentTimeline| SegmentState::of(&report.status, timeline).is_undone();
    let stop = |timeline: &SegmentTimeline| if is_undone(timeline) { now } else { end_of(&report.status, timeline, now) };
    let to = timelines.iter().map(|timeline| stop(timeline)).max().unwrap_or(now);
    let columns = fit(canvas.area.width, list.hidden());
    let cells = columns.width_of(Quantity::Bar).map_or(0, usize::from);
    let axis = TimeAxis { from, to: to.max(from), cells };
    let cell = |&index: &usize, quantity, _| {
        let is_awaited = awaited == Some(all[index].index);
        cell(scene.theme, (&report.status, all[index]), quantity, (now, &axis), (is_selected(scene, list, index), is_awaited))
    };
    columns.draw(scene.theme, canvas, rows_of(canvas.area), shown.clone().enumerate(), cell);
    axis.draw(scene.theme, canvas);
}

fn cell(
    theme: &Theme,
    (status, timeline): (&TransferStatus, &SegmentTimeline),
    quantity: Quantity,
    (now, axis): (SimTime, &TimeAxis),
    (is_selected, is_awaited): (bool, bool),
) -> Cell {
    let text = |text: String, role| Cell::Text(text, theme.style(role));
    let name = if is_selected { Role::Selected } else { Role::Text };
    match quantity {
        Quantity::Index => text(timeline.index.to_string(), name),
        Quantity::Holder => text(timeline.holder.to_string(), name),
        Quantity::State => {
            let state = SegmentState::of(status, timeline);
            let (word, role) = (state.name(), role_of(state));
            match is_awaited {
                true => text(format!("{word} {}", theme.glyphs.oldest), Role::Warning),
                false => text(word.into(), role),
            }
        }
        Quantity::Time => text(duration_of(took(status, timeline, now)), Role::Text),
        Quantity::Rate => text(rate_over(timeline, took(status, timeline, now)), Role::Text),
        Quantity::Resent => text(resent(theme, timeline.retransmits.into()), Role::Warning),
        Quantity::Bar => Cell::Parts(bar_of(theme, (status, timeline), now, axis)),
    }
}

/// Returns the seconds from the first byte of a segment to its acknowledgement, or until now.
fn took(status: &TransferStatus, timeline: &SegmentTimeline, now: SimTime) -> f64 {
    let begun = timeline.begun();
    (end_of(status, timeline, now).max(begun) - begun).as_secs_f64()
}

/// Formats the bytes of a segment over the time that stands beside them, once all have arrived.
fn rate_over(timeline: &SegmentTimeline, took: f64) -> String {
    let has_rate = timeline.last_byte.is_some() && took > 0.0;
    if has_rate { rate_of(f64::from(timeline.len) / took) } else { String::new() }
}

/// Formats a duration in seconds in at most eight cells.
pub(super) fn duration_of(seconds: f64) -> String {
    match seconds {
        ..0.999_95 => format!("{:.1} ms", 1_000.0 * seconds),
        ..999.995 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// Returns the number of packets that were sent again; nothing for none.
pub(super) fn resent(theme: &Theme, count: u64) -> String {
    match count {
        0 => String::new(),
        1..=999 => format!("{count}{}", theme.glyphs.again),
        _ => format!("{}k{}", count / 1_000, theme.glyphs.again),
    }
}

/// Returns the role of the state of a segment.
pub(super) const fn role_of(state: SegmentState) -> Role {
    match state {
        SegmentState::Done => Role::Good,
        SegmentState::Arrived | SegmentState::Sending => Role::Flow,
        SegmentState::Connect | SegmentState::Queued => Role::Dim,
        SegmentState::Undoing => Role::Warning,
        SegmentState::Undone | SegmentState::Cancelled | SegmentState::Failed | SegmentState::Dropped => Role::Bad,
    }
}

/// Returns the bar of a segment, which ends in a mark if it is done.
fn bar_of(
    theme: &Theme,
    (status, timeline): (&TransferStatus, &SegmentTimeline),
    now: SimTime,
    axis: &TimeAxis,
) -> Vec<Span<'static>> {
    let mut spans = bar(theme, &axis.phases(status, timeline, now));
    if SegmentState::of(status, timeline) == SegmentState::Done && axis.cells > 0 {
        spans.push(Span::styled(theme.glyphs.done.to_owned(), theme.style(Role::Good)));
    }
    spans
}

#[cfg(test)]
mod tests {
    use p2p_store::manifest::NodeNumber;

    use super::*;

    /// The rate of a row is its bytes over the time of the row, also where the acknowledgement comes long after the last byte.
    #[test]
    fn rate_and_time_are_of_one_span() {
        let second = |second: u64| Some(SimTime::from_nanos(second * 1_000_000_000));
        let mut timeline = SegmentTimeline {
            index: 45,
            len: 65_536,
            holder: NodeNumber::from_index(1),
            attempt: 0,
            queued: SimTime::ZERO,
            connected: second(0),
            first_byte: second(1),
            last_byte: second(9),
            acknowledged: second(17),
            retransmits: 0,
        };
        assert_eq!(rate_over(&timeline, 16.0), "4.0 KiB/s");
        timeline.last_byte = None;
        assert_eq!(rate_over(&timeline, 16.0), "");
    }

    #[test]
    fn durations_fit_their_column() {
        let texts = [0.0, 0.012_34, 0.999_94, 0.999_96, 7.5, 999.99, 1_000.0, 864_000.0].map(duration_of);
        assert_eq!(texts, ["0.0 ms", "12.3 ms", "999.9 ms", "1.00 s", "7.50 s", "999.99 s", "1000 s", "864000 s"]);
        assert!(texts.iter().all(|text| text.len() <= 8));
    }
}
