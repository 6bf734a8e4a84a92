//! The panes, one file each. A pane draws the state of the screen into a rectangle and changes nothing.

pub(super) mod header;
pub(super) mod health;
pub(super) mod log;
pub(super) mod nodes;
pub(super) mod prompt;
pub(super) mod segments;
pub(super) mod transfers;
pub(super) mod wire;

use p2p_engine::node::health::Health;
use p2p_net::RateSeries;
use p2p_shell::report::{clock_of as clock, rate_of};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::{Marker, border};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Widget};

use super::app::{App, Pane};
use super::theme::{Glyphs, Role, Theme};
use super::wrap::fitted;

/// Returns a frame in the glyphs of the theme.
pub(super) fn framed<'a>(theme: &Theme, role: Role) -> Block<'a> {
    let block = Block::bordered().border_style(theme.style(role));
    if theme.glyphs.is_unicode { block } else { block.border_set(ASCII_BORDER) }
}

/// Returns the marker for charts and maps.
fn marker(theme: &Theme) -> Marker {
    if theme.glyphs.is_unicode { Marker::Braille } else { Marker::Dot }
}

/// Frame of ASCII characters.
const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// Returns the heading of a pane whose inner area is `inner`.
pub(super) fn title(app: &App, pane: Pane, inner: Rect) -> String {
    let filter = if app.is_filtered(pane) { format!(" /{}", app.filter) } else { String::new() };
    match pane {
        Pane::Segments => match app.shown_transfer() {
            Some(report) => format!("Segments of {} {}", report.status.id, app.label(&report.status.file)),
            None => "Segments".into(),
        },
        Pane::Health if app.map => "Map: traffic now".into(),
        Pane::Health => health::title(app, inner),
        Pane::Prompt => prompt_title(app, inner),
        Pane::Wire => format!("Wire: {} packets{filter}", app.view.figures.wire_seen),
        other => format!("{}{filter}", other.name()),
    }
}

/// Returns the heading of the prompt: the user, the steps that take long, and those that wait.
fn prompt_title(app: &App, inner: Rect) -> String {
    let name = app.identity().name().map_or("Prompt".into(), |name| format!("{name}@p2p"));
    let Some(under_way) = app.under_way() else { return name };
    // The title has a space before and after it.
    let width = usize::from(inner.width.saturating_sub(2));
    fitted(&format!("{name}: {under_way}"), width, app.theme.glyphs.ellipsis).trim_end().to_owned()
}

/// Draws a row of spans at an index in a pane; the part that does not fit is cut off.
fn row(buffer: &mut Buffer, area: Rect, place: usize, spans: Vec<Span<'_>>) {
    if let Some(line) = area.rows().nth(place) {
        Line::from(spans).render(line, buffer);
    }
}

/// Returns the range of rows that are shown, including the selected one.
fn window(count: usize, selected: usize, height: u16) -> std::ops::Range<usize> {
    let height = usize::from(height);
    let first = selected.saturating_sub(height.saturating_sub(1)).min(count.saturating_sub(height));
    first..(first + height).min(count)
}

/// Returns the index of the lowest visible row of a pane with the newest row at the bottom, such that the selected row is
/// visible.
fn first_below(app: &App, pane: Pane, area: Rect) -> usize {
    app.row(pane).saturating_sub(usize::from(area.height.saturating_sub(1)))
}

/// Returns true if a pane draws its first row at the bottom.
pub(super) fn is_newest_below(pane: Pane) -> bool {
    matches!(pane, Pane::Wire | Pane::Log)
}

/// Returns true if the filter applies to a pane.
pub(super) fn can_be_filtered(pane: Pane) -> bool {
    matches!(pane, Pane::Nodes | Pane::Transfers | Pane::Wire | Pane::Log)
}

/// Returns the number of rows of a pane that pass the filter.
pub(super) fn row_count(app: &App, pane: Pane) -> usize {
    match pane {
        Pane::Health if !app.map => app.view.figures.health.len().saturating_sub(1),
        Pane::Nodes | Pane::Health => nodes::rows(app, pane).count(),
        Pane::Transfers => app.transfer_rows().len(),
        Pane::Segments => app.shown_transfer().map_or(0, |report| report.timelines.len()),
        Pane::Wire => wire::rows(app).count(),
        Pane::Log => log::rows(app).count(),
        Pane::Prompt => 0,
    }
}

/// Returns the index of the row that is drawn at the screen's row `y`, for a pane that occupies `area` including its frame.
pub(super) fn row_at(app: &App, pane: Pane, area: Rect, y: u16) -> Option<usize> {
    let inner = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) };
    let place = usize::from(y.checked_sub(inner.y).filter(|&place| place < inner.height)?);
    let count = row_count(app, pane);
    let row = match pane {
        Pane::Wire | Pane::Log => first_below(app, pane, inner) + usize::from(inner.height) - 1 - place,
        Pane::Nodes | Pane::Transfers => window(count, app.row(pane), inner.height).start + place,
        Pane::Segments => {
            let shown = segments::place_to_show(app, app.shown_transfer()?);
            window(count, shown, inner.height.saturating_sub(1)).start + place
        }
        // The matrix begins with a heading, and its first row is that of the client; the map has no rows.
        Pane::Health if !app.map => (health::window_of(app, inner).0.start + place.checked_sub(1)?).checked_sub(1)?,
        Pane::Health | Pane::Prompt => return None,
    };
    (row < count).then_some(row)
}

/// Returns true if a row is the selected one and its pane has the focus.
fn selected(app: &App, pane: Pane, place: usize) -> bool {
    app.focus == pane && app.row(pane) == place
}

/// Formats the rate of the last whole second; `-` before one has passed.
fn rate_now(series: &RateSeries) -> String {
    series.latest().map_or_else(|| "-".into(), |bytes| rate_of(bytes as f64))
}

/// Returns a bar of `width` cells, of which the fraction `part` is full.
fn bar(glyphs: &Glyphs, part: f64, width: usize) -> String {
    let full = cells(part, width);
    glyphs.full.repeat(full) + &glyphs.empty.repeat(width - full)
}

/// Returns the number of cells that a fraction of `width` takes.
fn cells(part: f64, width: usize) -> usize {
    ((part.clamp(0.0, 1.0) * width as f64).round() as usize).min(width)
}

/// Returns values as level glyphs, with `top` as the highest level.
fn sparkline(glyphs: &Glyphs, values: impl Iterator<Item = f64>, top: f64) -> String {
    let level = |value: f64| ((value / top.max(1.0)).clamp(0.0, 1.0) * 7.0).round() as usize;
    values.map(|value| glyphs.levels[level(value)]).collect()
}

fn health_style(theme: &Theme, health: Health) -> (&'static str, ratatui::style::Style) {
    match health {
        Health::Alive => (theme.glyphs.alive, theme.style(Role::Good)),
        Health::Suspect => (theme.glyphs.suspect, theme.style(Role::Warning)),
        Health::Dead => (theme.glyphs.dead, theme.style(Role::Bad)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_always_in_the_window() {
        for count in 0..20 {
            for selected in 0..count.max(1) {
                for height in 1..8 {
                    let window = window(count, selected, height);
                    assert!(window.len() == count.min(usize::from(height)), "{count} {selected} {height}");
                    assert!(count == 0 || window.contains(&selected));
                }
            }
        }
    }

    #[test]
    fn bars_read_well() {
        let glyphs = Theme::new(super::super::theme::ThemeName::Mono, true).glyphs;
        assert_eq!([bar(&glyphs, 0.5, 4), bar(&glyphs, 7.0, 2), bar(&glyphs, f64::NAN, 2)], ["##..", "##", ".."]);
    }
}
