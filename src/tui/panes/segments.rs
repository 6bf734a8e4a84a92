//! The segments pane: the segments of a transfer as a waterfall on a common time axis, and the client's rate over time beside it.
//!
//! ```text
//! 35 Node_01  1.04 s  63.0 KiB/s  0   ░░▓▓▓▓▓▓▓▓▓▓▒✓
//! ```
//! The columns before the bar are the index, the holder, the duration, the goodput and the number of retransmissions.

use std::collections::BTreeSet;

use p2p_base::units::SimTime;
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{SegmentTimeline, TransferReport};
use p2p_net::RateSeries;
use p2p_shell::report::rate_of;
use p2p_store::manifest::NodeNumber;
use ratatui::layout::{Constraint, Layout, Rect, Size};
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

use super::broken::Broken;
use super::rows::Rows;
use super::scene::Scene;
use super::scroll::Part;
use super::shape::{Shape, rows_up_to};
use super::transfers::{copied, segments_of};
use super::{Canvas, Deed, Pane, PaneView, capacity_of, clock, marker};
use crate::tui::preset::Preset;
use crate::tui::theme::{Role, Theme};

/// Width in cells of the columns before the bar.
const LABEL: u16 = 38;
/// Width of the chart in cells; narrow screens have none.
const CHART: u16 = 34;
/// Time span of the chart in seconds.
const CHART_SECONDS: usize = 60;

/// The segments of the transfer that is shown.
#[derive(Debug, Default)]
pub(super) struct SegmentsPane {
    list: Rows,
}

impl PaneView for SegmentsPane {
    fn shape(&self, scene: &Scene<'_>, _room: Size) -> Shape {
        let rows = scene.shown_transfer().map_or(0, |report| report.timelines.len());
        Shape::growing((56, 5), (120, rows_up_to(rows + 3, 40)), 3)
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 35,
            Preset::Transfer => 50,
            Preset::Network => 0,
            Preset::Files => 0,
        }
    }

    fn title(&self, scene: &Scene<'_>, _inner: Rect) -> String {
        match scene.shown_transfer() {
            Some(report) => format!("Segments of {} {}", report.status.id, scene.label(&report.status.file)),
            None => "Segments".into(),
        }
    }

    fn foot(&self, scene: &Scene<'_>, _inner: Rect) -> Vec<Span<'static>> {
        let waits = scene.shown_transfer().and_then(|report| waits_for(scene, report));
        waits.map(|text| Span::styled(format!(" {text} "), scene.theme.style(Role::Warning))).into_iter().collect()
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let area = canvas.area;
        let Some(report) = scene.shown_transfer() else {
            let text = "The segments of a transfer: when each was queued, sent and acknowledged.";
            return canvas.row(0, vec![Span::styled(text, scene.theme.style(Role::Dim))]);
        };
        let chart = if area.width >= LABEL + 30 + CHART && area.height >= 5 { CHART } else { 0 };
        let [bars, side] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(chart)]).areas(area);
        self.waterfall(scene, report, &mut canvas.part(bars));
        if chart > 0 {
            draw_chart(scene, &mut canvas.part(side));
        }
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        scene.shown_transfer().map_or(0, |report| report.timelines.len())
    }

    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        // The last row is the time axis.
        Rect { height: inner.height.saturating_sub(1), ..inner }
    }

    fn part(&self, scene: &Scene<'_>, inner: Rect) -> Part {
        let shown = scene.shown_transfer().map_or(0, |report| self.place_to_show(scene, report));
        Part::around(self.rows(scene), shown, self.row_area(scene, inner).height)
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        scene.shown_transfer().map(segments_of)
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        scene.shown_transfer().map(|report| copied(scene, report))
    }
}

/// Returns which nodes a transfer waits for that are broken on purpose, as in `waits for Node_03, killed 00:12 ago`.
fn waits_for(scene: &Scene<'_>, report: &TransferReport) -> Option<String> {
    if report.status.state.is_over() || scene.snapshot.faults.is_empty() {
        return None;
    }
    let broken = Broken::of(scene.snapshot);
    let waiting = report.timelines.iter().filter(|timeline| timeline.acknowledged.is_none());
    let holders: BTreeSet<NodeNumber> = waiting.map(|timeline| timeline.holder).collect();
    let why = |holder: NodeNumber| {
        let faults: Vec<String> = broken.between_client_and(holder).map(|active| broken.since(active)).collect();
        (!faults.is_empty()).then(|| format!("{holder}, {}", faults.join(", ")))
    };
    let all: Vec<String> = holders.into_iter().filter_map(why).collect();
    (!all.is_empty()).then(|| format!("waits for {}", all.join("; ")))
}

impl SegmentsPane {
    fn waterfall(&self, scene: &Scene<'_>, report: &TransferReport, canvas: &mut Canvas<'_>) {
        let area = canvas.area;
        let Part { shown, .. } = self.part(scene, area);
        let timelines = &report.timelines[shown.clone()];
        let now = report.status.finished.unwrap_or(scene.snapshot.at);
        let from = timelines.iter().map(|timeline| timeline.first_byte.unwrap_or(timeline.queued)).min().unwrap_or(now);
        let to = timelines.iter().map(|timeline| timeline.acknowledged.unwrap_or(now)).max().unwrap_or(now);
        let axis = TimeAxis { from, to: to.max(from), cells: usize::from(area.width.saturating_sub(LABEL + 1)) };
        for (place, timeline) in timelines.iter().enumerate() {
            let is_selected = scene.focus == Pane::Segments && self.list.selected() == shown.start + place;
            canvas.row(place, spans(scene.theme, timeline, is_selected, now, &axis));
        }
        legend(scene.theme, canvas, &axis);
    }

    /// Returns the index of the segment that must be visible: the selected one while the pane has the focus, otherwise the last one
    /// that has begun.
    fn place_to_show(&self, scene: &Scene<'_>, report: &TransferReport) -> usize {
        if scene.focus == Pane::Segments {
            return self.list.selected();
        }
        report.timelines.iter().rposition(|timeline| timeline.first_byte.is_some()).unwrap_or(0)
    }
}

/// The mapping from instants to cells of the time axis.
struct TimeAxis {
    from: SimTime,
    to: SimTime,
    cells: usize,
}

impl TimeAxis {
    fn cell(&self, at: SimTime) -> usize {
        let (span, part) = (self.to.as_nanos() - self.from.as_nanos(), at.as_nanos().saturating_sub(self.from.as_nanos()));
        (u128::from(part.min(span)) * self.cells.saturating_sub(1) as u128 / u128::from(span.max(1))) as usize
    }
}

fn spans<'a>(theme: &Theme, timeline: &SegmentTimeline, is_selected: bool, now: SimTime, axis: &TimeAxis) -> Vec<Span<'a>> {
    let took = timeline.acknowledged.map(|at| at - timeline.first_byte.unwrap_or(timeline.queued));
    let time = took.map_or("queued".into(), |took| format!("{:.2} s", took.as_secs_f64()));
    let time = if took.is_none() && timeline.first_byte.is_some() { "sending".into() } else { time };
    let speed = timeline.goodput().map(rate_of).unwrap_or_default();
    let name = if is_selected { Role::Selected } else { Role::Text };
    let resent =
        if timeline.retransmits > 0 { format!("{:>2}{}", timeline.retransmits, theme.glyphs.lost) } else { "   ".into() };
    let mut spans = vec![
        Span::styled(format!("{:>4} {:<8}", timeline.index, timeline.holder.to_string()), theme.style(name)),
        Span::styled(format!("{time:>8} {speed:>12} "), theme.style(Role::Text)),
        Span::styled(format!("{resent} "), theme.style(Role::Warning)),
    ];
    spans.extend(phases(theme, timeline, now, axis));
    spans
}

/// Returns the bar of a segment: blank, connecting, queued, being sent, arrived, acknowledged.
fn phases<'a>(theme: &Theme, timeline: &SegmentTimeline, now: SimTime, axis: &TimeAxis) -> Vec<Span<'a>> {
    let glyphs = &theme.glyphs;
    let mut at = 0;
    let mut spans = Vec::new();
    let mut until = |end: Option<SimTime>, glyph: &str, style: Style| {
        let end = axis.cell(end.unwrap_or(now)).max(at);
        spans.push(Span::styled(glyph.repeat(end - at), style));
        at = end;
    };
    until(Some(timeline.queued), " ", Style::new());
    until(timeline.connected, glyphs.connecting, theme.style(Role::Accent));
    if timeline.connected.is_some() {
        until(timeline.first_byte, glyphs.queued, theme.style(Role::Dim));
    }
    if timeline.first_byte.is_some() {
        until(timeline.last_byte, glyphs.sending, theme.style(Role::Flow));
    }
    if timeline.last_byte.is_some() {
        until(timeline.acknowledged, glyphs.arrived, theme.style(Role::Dim));
    }
    if timeline.acknowledged.is_some() {
        spans.push(Span::styled(glyphs.done.to_owned(), theme.style(Role::Good)));
    }
    spans
}

/// Draws the time axis and the meanings of the glyphs in the last row.
fn legend(theme: &Theme, canvas: &mut Canvas<'_>, axis: &TimeAxis) {
    let glyphs = &theme.glyphs;
    let phases = [
        (glyphs.connecting, "conn"),
        (glyphs.queued, "queue"),
        (glyphs.sending, "send"),
        (glyphs.arrived, "ack"),
        (glyphs.done, "done"),
        (glyphs.lost, "resent"),
    ];
    let words = phases.map(|(glyph, word)| format!("{glyph}{word}")).join(" ");
    let times = (clock(axis.from.as_secs_f64()), clock(axis.to.as_secs_f64()));
    let gap = axis.cells.saturating_sub(times.0.len() + times.1.len());
    let line = format!("{words:<width$.width$}{}{}{}", times.0, " ".repeat(gap), times.1, width = usize::from(LABEL));
    canvas.row(usize::from(canvas.area.height.saturating_sub(1)), vec![Span::styled(line, theme.style(Role::Dim))]);
}

/// Draws the rate of the client's busier direction, and the bandwidth of that link as a line.
fn draw_chart(scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
    let (theme, rates) = (scene.theme, &scene.snapshot.figures.client_rates);
    let total = |series: &RateSeries| series.tail(CHART_SECONDS).iter().sum::<u64>();
    let is_up = total(&rates.up) >= total(&rates.down);
    let (series, arrow) = if is_up { (&rates.up, theme.glyphs.up) } else { (&rates.down, theme.glyphs.down) };
    let capacity = capacity_of(scene, Peer::Client, is_up);
    let values = series.tail(CHART_SECONDS);
    let start = CHART_SECONDS - values.len();
    let points: Vec<(f64, f64)> =
        values.iter().enumerate().map(|(place, &bytes)| ((start + place) as f64, bytes as f64)).collect();
    let top = points.iter().map(|(_, value)| *value).fold(capacity.unwrap_or(1.0), f64::max).max(1.0);
    let heading = format!("client {arrow}, link {}", capacity.map_or("without limit".into(), rate_of));
    let area = canvas.area;
    canvas.row(0, vec![Span::styled(format!("{heading:^width$}", width = usize::from(area.width)), theme.style(Role::Dim))]);
    let limit: Vec<(f64, f64)> = capacity.iter().flat_map(|&rate| [(0.0, rate), (CHART_SECONDS as f64, rate)]).collect();
    let dataset =
        |points, role| Dataset::default().marker(marker(theme)).graph_type(GraphType::Line).style(theme.style(role)).data(points);
    let axis = |labels: Vec<String>, end: f64| Axis::default().bounds([0.0, end]).labels(labels).style(theme.style(Role::Dim));
    Chart::new(vec![dataset(&limit, Role::Dim), dataset(&points, Role::Flow)])
        .x_axis(axis(vec![format!("-{CHART_SECONDS} s"), "now".into()], CHART_SECONDS as f64))
        .y_axis(axis(vec!["0".into(), rate_of(top)], top))
        .legend_position(None)
        .render(Rect { y: area.y + 1, height: area.height - 1, ..area }, canvas.buffer);
}
