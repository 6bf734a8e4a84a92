//! The figures beside the matrix, where there is room for them: what the client has seen of each host in its last probes.
//!
//! ```text
//! client to   mean   best  worst jitter  lost
//! Node_01      310   12.4   2111    420     1
//! ```

use std::collections::BTreeSet;

use p2p_base::units::SimDuration;
use p2p_engine::node::RoundTrips;
use p2p_engine::snapshot::Peer;
use ratatui::layout::Rect;

use super::matrix::figure;
use crate::tui::panes::columns::{Align, Cell, Column, Columns, chosen, wished};
use crate::tui::panes::scene::Scene;
use crate::tui::panes::{Canvas, below_heading};
use crate::tui::theme::Role;

/// Width in cells from which the figures are shown: those of a host and of what was lost.
const LEAST: u16 = 24;
/// Width of the gap to the matrix in cells.
const GAP: u16 = 3;

/// Names of the columns that may be hidden.
pub(super) const HIDEABLE: &[&str] = &["mean", "best", "worst", "jitter", "lost"];

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Host,
    Mean,
    Best,
    Worst,
    Jitter,
    Lost,
}

/// Returns the width in cells at which all figures are shown that are not hidden, with the gap.
pub(super) fn width(hidden: &BTreeSet<String>) -> u16 {
    GAP + wished(&chosen(columns(), hidden))
}

/// Returns all columns.
fn columns() -> Vec<Column<Quantity>> {
    vec![
        Column::new(Quantity::Host, "client to", 9, 9, 9, Align::Left),
        Column::new(Quantity::Mean, "mean", 6, 6, 7, Align::Right),
        Column::new(Quantity::Best, "best", 6, 6, 4, Align::Right),
        Column::new(Quantity::Worst, "worst", 6, 6, 6, Align::Right),
        Column::new(Quantity::Jitter, "jitter", 6, 6, 5, Align::Right),
        Column::new(Quantity::Lost, "lost", 8, 8, 8, Align::Right),
    ]
}

/// Returns true if the figures that are not hidden have room in `room` cells beside the matrix. The names alone stand in the matrix.
pub(super) fn is_shown(room: u16, hidden: &BTreeSet<String>) -> bool {
    room >= GAP + LEAST && chosen(columns(), hidden).len() > 1
}

/// Draws the figures of these hosts that are not hidden, one host a row, right of the first `used` cells of the canvas.
pub(super) fn draw(scene: &Scene<'_>, (hosts, used): (&[Peer], u16), hidden: &BTreeSet<String>, canvas: &mut Canvas<'_>) {
    let taken = used + GAP;
    let area = Rect { x: canvas.area.x + taken, width: canvas.area.width.saturating_sub(taken), ..canvas.area };
    if !is_shown(canvas.area.width.saturating_sub(used), hidden) {
        return;
    }
    let columns = chosen(columns(), hidden);
    let mut beside = canvas.part(area);
    let matrix = &scene.snapshot.figures.health;
    let rows = hosts.iter().enumerate().filter_map(|(place, host)| Some((place, (*host, matrix.seen(Peer::Client, *host)?))));
    Columns::fit(columns, area.width).draw(scene.theme, &mut beside, below_heading(area), rows, |(host, seen), quantity, _| {
        cell(scene, *host, &seen.recent, quantity)
    });
}

fn cell(scene: &Scene<'_>, host: Peer, recent: &RoundTrips, quantity: Quantity) -> Cell {
    let text = |text: String, role| Cell::Text(text, scene.theme.style(role));
    let time = |time: Option<SimDuration>| text(time.map_or_else(|| "-".into(), figure), Role::Dim);
    match quantity {
        Quantity::Host => text(host.to_string(), Role::Dim),
        Quantity::Mean => time(recent.average),
        Quantity::Best => time(recent.best),
        Quantity::Worst => time(recent.worst),
        Quantity::Jitter => time(recent.jitter),
        Quantity::Lost if recent.probes == 0 => text("-".into(), Role::Dim),
        Quantity::Lost => {
            let lost = recent.probes - recent.answers;
            text(format!("{lost} of {}", recent.probes), if lost > 0 { Role::Warning } else { Role::Dim })
        }
    }
}
