//! The time axis that the rows of the pane share: the place of an instant, the bar of a segment, and the meanings of its glyphs.

use p2p_base::units::SimTime;
use p2p_engine::transfer::{SegmentTimeline, TransferStatus};
use p2p_shell::report::{Resolution, SegmentState, instant_of};
use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::tui::panes::Canvas;
use crate::tui::theme::{Glyphs, Role, Theme};

/// The mapping from instants to cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeAxis {
    pub(super) from: SimTime,
    pub(super) to: SimTime,
    pub(super) cells: usize,
}

/// Stage of a segment at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Not asked for yet, or done.
    Blank,
    /// Opening of its connection.
    Connecting,
    /// Wait for its turn on the connection.
    Queued,
    /// All of it has arrived, which its sender does not know yet.
    Arrived,
    /// Bytes of it are under way.
    Sending,
    /// Deletion of what was stored.
    Undoing,
}

impl Phase {
    /// Returns the glyph and the role of the phase.
    pub(super) const fn look(self, glyphs: &Glyphs) -> (&'static str, Role) {
        match self {
            Phase::Blank => (" ", Role::Dim),
            Phase::Connecting => (glyphs.connecting, Role::Accent),
            Phase::Queued => (glyphs.queued, Role::Dim),
            Phase::Arrived => (glyphs.arrived, Role::Dim),
            Phase::Sending => (glyphs.sending, Role::Flow),
            Phase::Undoing => (glyphs.undoing, Role::Warning),
        }
    }
}

impl TimeAxis {
    /// Returns the cell of an instant; instants before the beginning have the first one.
    pub(super) fn cell(&self, at: SimTime) -> usize {
        let (span, part) = (self.to.as_nanos() - self.from.as_nanos(), at.as_nanos().saturating_sub(self.from.as_nanos()));
        (u128::from(part.min(span)) * self.cells.saturating_sub(1) as u128 / u128::from(span.max(1))) as usize
    }

    /// Returns the resolution that tells the cells of the axis apart, as far as there is one.
    fn resolution(&self) -> Resolution {
        match (self.to - self.from).as_secs_f64() {
            ..0.1 => Resolution::Micros,
            0.1..10.0 => Resolution::Millis,
            _ => Resolution::Tenths,
        }
    }

    /// Returns the phases of a segment of a transfer up to `now`, each with its cells.
    pub(super) fn phases(
        &self,
        status: &TransferStatus,
        timeline: &SegmentTimeline,
        now: SimTime,
    ) -> Vec<(Phase, std::ops::Range<usize>)> {
        let (mut at, mut phases, stop) = (0, Vec::new(), end_of(status, timeline, now));
        // What arrives of it later is of no use any more.
        let last_byte = timeline.last_byte.filter(|&at| at <= stop);
        let mut until = |end: Option<SimTime>, phase| {
            let end = self.cell(end.unwrap_or(stop)).max(at);
            phases.push((phase, at..end));
            at = end;
        };
        until(Some(timeline.queued), Phase::Blank);
        until(timeline.connected, Phase::Connecting);
        if timeline.connected.is_some() {
            until(timeline.first_byte, Phase::Queued);
        }
        if timeline.first_byte.is_some() {
            until(last_byte, Phase::Sending);
        }
        if last_byte.is_some() {
            until(timeline.acknowledged, Phase::Arrived);
        }
        let is_undone = SegmentState::of(status, timeline).is_undone();
        if let Some(given_up_at) = status.given_up_at.filter(|_| is_undone) {
            until(Some(given_up_at), Phase::Blank);
            until(Some(now), Phase::Undoing);
        }
        phases
    }

    /// Draws the axis in the last row, and the meanings of the glyphs before it as far as there is room.
    pub(super) fn draw(&self, theme: &Theme, canvas: &mut Canvas<'_>) {
        let glyphs = &theme.glyphs;
        let room = usize::from(canvas.area.width).saturating_sub(self.cells);
        let words = [
            (glyphs.sending, "send"),
            (glyphs.queued, "queue"),
            (glyphs.arrived, "ack"),
            (glyphs.done, "done"),
            (glyphs.connecting, "connect"),
            (glyphs.again, "resent"),
            (glyphs.undoing, "undo"),
        ];
        let mut legend = String::new();
        for (glyph, word) in words {
            let part = format!("{glyph}{word} ");
            if legend.width() + part.width() <= room {
                legend.push_str(&part);
            }
        }
        let legend = format!("{legend}{}", " ".repeat(room - legend.width()));
        let times = [self.from, self.to].map(|at| instant_of(at, self.resolution()));
        // Without bars there is nothing of which these are the ends.
        let ends = if self.cells > 0 { ends(&times, self.cells) } else { String::new() };
        let line = format!("{legend}{ends}");
        let row = usize::from(canvas.area.height.saturating_sub(1));
        canvas.row(row, vec![Span::styled(line, theme.style(Role::Dim))]);
    }
}

/// Returns the instant at which a segment was done, or at which its transfer gave it up: nothing of it moves from then on. `now` if it goes
/// on.
pub(super) fn end_of(status: &TransferStatus, timeline: &SegmentTimeline, now: SimTime) -> SimTime {
    let is_given_up = status.given_up_from.is_some_and(|from| timeline.index >= from);
    timeline.acknowledged.or(status.given_up_at.filter(|_| is_given_up)).unwrap_or(now)
}

/// Returns the instants at the ends of an axis of so many cells; the latter alone where there is no room for both.
fn ends([from, to]: &[String; 2], cells: usize) -> String {
    match cells.checked_sub(from.len()).filter(|&rest| rest > to.len()) {
        Some(rest) => format!("{from}{to:>rest$}"),
        None => format!("{to:>cells$}"),
    }
}

/// Returns phases as the spans of a bar.
pub(super) fn bar(theme: &Theme, phases: &[(Phase, std::ops::Range<usize>)]) -> Vec<Span<'static>> {
    let span = |(phase, cells): &(Phase, std::ops::Range<usize>)| {
        let (glyph, role) = phase.look(&theme.glyphs);
        let style = if *phase == Phase::Blank { Style::new() } else { theme.style(role) };
        Span::styled(glyph.repeat(cells.len()), style)
    };
    phases.iter().map(span).collect()
}

#[cfg(test)]
mod tests {
    use p2p_base::units::SimDuration;

    use super::super::tests::{timeline, upload};
    use super::*;

    /// Nothing of a segment moves once its transfer has given it up; what was stored is deleted from then until the end.
    #[test]
    fn a_segment_that_is_given_up_stops_then() {
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        let (status, axis) = (upload(Some((6, 9))), TimeAxis { from: at(0), to: at(9), cells: 10 });
        let stored = timeline(0, 0, [Some(0), Some(1), Some(4)]);
        let sent = timeline(1, 0, [Some(0), Some(2), None]);
        // Its last byte comes when nobody waits for it any more.
        let late = SegmentTimeline { last_byte: Some(at(7)), ..sent.clone() };
        let phases = |timeline| {
            let phases = axis.phases(&status, timeline, at(9)).into_iter();
            phases.filter(|(phase, cells)| *phase != Phase::Blank && !cells.is_empty()).collect::<Vec<_>>()
        };
        let is_sent = [(Phase::Connecting, 0..2), (Phase::Sending, 2..6)];
        assert_eq!([phases(&sent), phases(&late)], [is_sent.to_vec(), is_sent.to_vec()]);
        assert_eq!(phases(&stored), [(Phase::Connecting, 0..1), (Phase::Sending, 1..4), (Phase::Undoing, 6..9)]);
        let ends = [&stored, &sent, &late].map(|timeline| end_of(&status, timeline, at(9)));
        assert_eq!(ends, [at(4), at(6), at(6)]);
        assert_eq!(end_of(&upload(None), &sent, at(9)), at(9));
    }

    #[test]
    fn instants_do_not_run_together() {
        let times = ["00:20.704863", "00:20.737891"].map(str::to_owned);
        assert_eq!(ends(&times, 26), "00:20.704863  00:20.737891");
        assert_eq!(ends(&times, 25), "00:20.704863 00:20.737891");
        assert_eq!(ends(&times, 24), "            00:20.737891");
        assert_eq!(ends(&times, 12), "00:20.737891");
    }
}
