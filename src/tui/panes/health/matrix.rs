//! The matrix of round trips: colours by the time of the last one, glyphs by the share of probes that were lost.
//!
//! ```text
//!     cl    01    02    03
//! cl   ·  16.5 ░2237   cut
//! ```
//! Each column has a space, a place for the mark, and four cells for the figure, so that columns never run together.

use std::collections::BTreeSet;
use std::ops::Range;

use p2p_base::units::SimDuration;
use p2p_engine::node::RoundTrips;
use p2p_engine::node::health::{Health, PeerHealth};
use p2p_engine::snapshot::Peer;
use p2p_shell::report::{FAIR_ROUND_TRIP, GOOD_ROUND_TRIP, Wire, millis_below};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use super::runs;
use crate::tui::panes::broken::{Broken, wire_role};
use crate::tui::panes::ends::short_name;
use crate::tui::panes::scene::Scene;
use crate::tui::panes::scroll::window;
use crate::tui::panes::{Canvas, Pane, health_style, whole_spans};
use crate::tui::theme::{Glyphs, Role, Theme};

/// Width of a column of the matrix in cells.
pub(super) const COLUMN: usize = 6;
/// Width of a figure in cells.
const FIGURE: usize = COLUMN - 2;
/// Factor beyond a limit up to which the colour changes by degrees.
const DEGREES: f64 = 3.0;

/// Returns the width of the row labels in cells, for so many hosts.
pub(super) fn label_width(hosts: usize) -> usize {
    hosts.saturating_sub(1).to_string().len().max(2)
}

/// The part of the matrix that fits into an area.
#[derive(Debug)]
pub(super) struct Matrix<'a> {
    scene: &'a Scene<'a>,
    peers: Vec<Peer>,
    /// Rows that are shown.
    pub(super) rows: Range<usize>,
    columns: Range<usize>,
    /// Selected row and column.
    chosen: (usize, usize),
}

impl<'a> Matrix<'a> {
    /// Returns the part of the matrix around the selected cell.
    pub(super) fn new(scene: &'a Scene<'a>, area: Rect, chosen: (usize, usize)) -> Matrix<'a> {
        let peers: Vec<Peer> = scene.snapshot.figures.health.hosts().collect();
        let count = peers.len();
        let room = usize::from(area.width).saturating_sub(label_width(count)) / COLUMN;
        let last = count.saturating_sub(1);
        let chosen = (chosen.0.min(last), chosen.1.min(last));
        let rows = window(count, chosen.0, area.height.saturating_sub(1));
        let columns = window(count, chosen.1, u16::try_from(room).unwrap_or(u16::MAX));
        Matrix { scene, peers, rows, columns, chosen }
    }

    /// Returns the heading: the quantity that is shown, and the number of hosts that are shown if some are missing.
    pub(super) fn title(&self) -> String {
        let (rows, columns, all) = (self.rows.len(), self.columns.len(), self.peers.len());
        match rows == all && columns == all {
            true => "Health: last round trip, ms".into(),
            false => format!("Round trips, ms: {rows}x{columns} of {all} hosts"),
        }
    }

    /// Returns what colours and glyphs mean, as far as it fits: the scale first, then what is broken on purpose.
    pub(super) fn legend(&self, width: u16) -> Vec<Span<'static>> {
        let (theme, glyphs) = (self.scene.theme, &self.scene.theme.glyphs);
        let at_most = if glyphs.is_unicode { "≤" } else { "<=" };
        let scale = |[good, fair, unit]: [&str; 3]| {
            [
                Span::styled(format!(" {at_most}{good}"), theme.style(Role::Good)),
                Span::styled(format!(" {at_most}{fair}"), theme.style(Role::Warning)),
                Span::styled(format!(" >{fair}"), theme.style(Role::Bad)),
                Span::styled(format!(" {unit} "), theme.style(Role::Dim)),
            ]
        };
        let marks = |wire: Wire| Span::styled(format!("{}{} ", wire.mark(glyphs.cut), wire.name()), theme.style(wire_role(wire)));
        let on = self.broken();
        let on = [Wire::Lossy, Wire::Slow, Wire::Odd].into_iter().filter(|wire| on.contains(wire));
        let lost = Span::styled(format!("{} lost ", glyphs.losses.concat()), theme.style(Role::Dim));
        let rest: Vec<Span<'_>> = on.map(marks).chain([lost]).collect();
        let [long, short] = [["100", "1000", "ms"], ["0.1", "1", "s"]].map(scale);
        let needed: usize = long.iter().chain(&rest).map(Span::width).sum();
        let scale = if needed <= usize::from(width) { long } else { short };
        whole_spans(scale.into_iter().chain(rest), width.into())
    }

    /// Returns the ways in which paths that are shown are broken.
    fn broken(&self) -> BTreeSet<Wire> {
        let broken = Broken::of(self.scene.snapshot);
        if self.scene.snapshot.faults.is_empty() {
            return BTreeSet::new();
        }
        let paths = self.rows.clone().flat_map(|row| self.columns.clone().map(move |column| (row, column)));
        paths.filter_map(|(row, column)| broken.wire(self.peers[row], self.peers[column])).collect()
    }

    /// Returns the row that is drawn at a position of the screen.
    pub(super) fn row_at(&self, inner: Rect, at: Position) -> Option<usize> {
        let place = usize::from(at.y.checked_sub(inner.y + 1)?);
        self.rows.clone().nth(place)
    }

    /// Returns the column that is drawn at a position of the screen.
    pub(super) fn column_at(&self, inner: Rect, at: Position) -> Option<usize> {
        let place = usize::from(at.x.checked_sub(inner.x)?).checked_sub(label_width(self.peers.len()))? / COLUMN;
        self.columns.clone().nth(place)
    }

    pub(super) fn draw(&self, canvas: &mut Canvas<'_>) {
        let chosen = (self.scene.focus == Pane::Health).then_some(self.chosen);
        let headings = self.columns.clone().map(|column| {
            let name = format!("{:>COLUMN$}", short_name(self.peers[column]));
            Span::styled(name, self.label(column, chosen.map(|(_, chosen)| chosen)))
        });
        let label = label_width(self.peers.len());
        canvas.row(0, std::iter::once(Span::raw(" ".repeat(label))).chain(headings).collect());
        for (place, row) in self.rows.clone().enumerate() {
            let name = format!("{:>label$}", short_name(self.peers[row]));
            let mut spans = vec![Span::styled(name, self.label(row, chosen.map(|(chosen, _)| chosen)))];
            spans.extend(self.columns.clone().flat_map(|column| self.cell(row, column, chosen == Some((row, column)))));
            canvas.row(place + 1, spans);
        }
    }

    /// Returns the width of the columns that are shown in cells, with the names of the rows.
    pub(super) fn width(&self) -> u16 {
        u16::try_from(label_width(self.peers.len()) + COLUMN * self.columns.len()).unwrap_or(u16::MAX)
    }

    /// Returns the hosts of the rows and the width of the matrix in cells, if all of its columns are shown.
    pub(super) fn whole(&self) -> Option<(&[Peer], u16)> {
        let is_whole = self.columns.len() == self.peers.len();
        is_whole.then(|| (&self.peers[self.rows.clone()], self.width()))
    }

    /// Returns the style of the name of a host: of one whose process was ended on purpose it is that of what is bad.
    fn label(&self, host: usize, chosen: Option<usize>) -> Style {
        let role = match Broken::of(self.scene.snapshot).is_down(self.peers[host]) {
            true => Role::Bad,
            false if chosen == Some(host) => Role::Accent,
            false => Role::Dim,
        };
        self.scene.theme.style(role)
    }

    /// Returns a cell: the space before it, the mark, and the figure.
    fn cell(&self, row: usize, column: usize, is_chosen: bool) -> [Span<'static>; 3] {
        let (from, to) = (self.peers[row], self.peers[column]);
        let (theme, glyphs) = (self.scene.theme, &self.scene.theme.glyphs);
        let broken = Broken::of(self.scene.snapshot);
        // What a host knew before its process ended is not how it is now.
        let seen = self.scene.snapshot.figures.health.seen(from, to).filter(|_| runs(self.scene, from));
        let wire = broken.wire(from, to);
        let (text, style) = match (seen, wire) {
            _ if from == to => (glyphs.diagonal.to_owned(), theme.style(Role::Dim)),
            (_, Some(Wire::Cut)) => (Wire::Cut.name().to_owned(), theme.style(wire_role(Wire::Cut))),
            (Some(PeerHealth { health: Health::Alive, recent: RoundTrips { last: Some(time), .. }, .. }), _) => {
                (figure(time), style_of(theme, time))
            }
            (Some(seen), _) if seen.health != Health::Alive => {
                let (glyph, style) = health_style(theme, seen.health);
                (glyph.to_owned(), style)
            }
            _ => ("-".to_owned(), theme.style(Role::Dim)),
        };
        let (mark, mark_role) = match (wire, seen) {
            (Some(Wire::Cut), _) => (" ", Role::Dim),
            (Some(wire), _) => (wire.mark(glyphs.cut), wire_role(wire)),
            (None, Some(seen)) if from != to => (loss_mark(glyphs, &seen.recent), Role::Warning),
            _ => (" ", Role::Dim),
        };
        let mark_style = if is_chosen { theme.style(Role::Selected) } else { theme.style(mark_role) };
        let style = if is_chosen { theme.style(Role::Selected) } else { style };
        // The mark stands before its figure.
        let space = " ".repeat(1 + FIGURE.saturating_sub(text.width()));
        [Span::raw(space), Span::styled(mark, mark_style), Span::styled(text, style)]
    }
}

/// Formats a time in milliseconds in at most four cells; seconds beyond ten of them.
pub(super) fn figure(time: SimDuration) -> String {
    match time.as_millis_f64() {
        millis if millis < 9_999.5 => millis_below(time, 100),
        millis => format!("{:.0}s", (millis / 1_000.0).min(999.0)),
    }
}

/// Returns the style of a round trip: good ones change by degrees into fair ones up to three times the limit, and these into bad ones
/// likewise, on a logarithmic scale. Where there are too few colours for that, each has that of its class.
fn style_of(theme: &Theme, time: SimDuration) -> Style {
    let beyond = |limit: SimDuration| (time.as_secs_f64() / limit.as_secs_f64()).ln() / DEGREES.ln();
    let (roles, part) = match time {
        time if time <= FAIR_ROUND_TRIP => ([Role::Good, Role::Warning], beyond(GOOD_ROUND_TRIP)),
        _ => ([Role::Warning, Role::Bad], beyond(FAIR_ROUND_TRIP)),
    };
    theme.between(roles, part, role_of(time))
}

const fn role_of(time: SimDuration) -> Role {
    match time.as_nanos() {
        nanos if nanos <= GOOD_ROUND_TRIP.as_nanos() => Role::Good,
        nanos if nanos <= FAIR_ROUND_TRIP.as_nanos() => Role::Warning,
        _ => Role::Bad,
    }
}

/// Returns the mark for the share of the last probes that were lost: up to a fifth, up to a half, or more.
fn loss_mark(glyphs: &Glyphs, recent: &RoundTrips) -> &'static str {
    match recent.loss() {
        loss if loss <= 0.0 => " ",
        loss if loss <= 0.2 => glyphs.losses[0],
        loss if loss <= 0.5 => glyphs.losses[1],
        _ => glyphs.losses[2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_their_cells_and_their_colours() {
        let of = |micros| figure(SimDuration::from_micros(micros));
        assert_eq!([of(0), of(99_949), of(99_950), of(2_122_499)], ["0.0", "99.9", "100", "2122"]);
        assert_eq!([of(9_999_499), of(9_999_500), of(5_000_000_000)], ["9999", "10s", "999s"]);
        let roles = [100, 101, 1_000, 1_001].map(|millis| role_of(SimDuration::from_millis(millis)));
        assert_eq!(roles, [Role::Good, Role::Warning, Role::Warning, Role::Bad]);
    }
}
