//! The log pane: events of the engine and mails in words, the newest at the bottom.
//!
//! ```text
//! 17:02.479-06.971 ! 899 nodes SUSPECT
//! ```
//! A line for several events has the times of the first and of the last. Its times are the beginnings of those of the same instants on the wire.

use ratatui::layout::{Rect, Size};
use ratatui::text::Span;

use super::rows::Rows;
use super::scene::Scene;
use super::shape::{Shape, rows_up_to};
use super::{Canvas, NOTHING_PASSES, Pane, PaneView};
use crate::tui::journal::JournalLine;
use crate::tui::preset::Preset;
use crate::tui::theme::{Role, Theme};

/// Maximum width in cells that the log wishes.
const WIDTH_MAX: u16 = 140;
/// Number of cells by which its wish changes at the least.
const STEP: u16 = 10;

/// The log of events.
#[derive(Debug, Default)]
pub(super) struct LogPane {
    list: Rows,
}

impl PaneView for LogPane {
    fn shape(&self, scene: &Scene<'_>, _room: Size) -> Shape {
        // The frame and the glyph. It follows the lines in steps, so that not each of them moves the frames.
        let width = rows_up_to(scene.journal.widest() + 5, WIDTH_MAX).div_ceil(STEP) * STEP;
        let all = scene.journal.lines().len() + 2;
        Shape::growing((40, 4), (width.max(70), rows_up_to(all, 40)), 2).of_rows(all).endless()
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 25,
            Preset::Transfer => 30,
            Preset::Network => 20,
            Preset::Files => 20,
        }
    }

    fn title(&self, _scene: &Scene<'_>, _inner: Rect) -> String {
        "Log".into()
    }

    fn filled_width(&self, _scene: &Scene<'_>, inner: Rect) -> Option<u16> {
        // There is ever a line that is longer, and the frames are not to move with each.
        Some(inner.width)
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let (theme, height) = (scene.theme, usize::from(canvas.area.height));
        if self.rows(scene) == 0 {
            let text = match self.list.filter().is_empty() {
                // What was noted for the user before is gone.
                true if scene.identity.name().is_some() => "Nothing has happened since your login.",
                true => "Nothing has happened yet.",
                false => NOTHING_PASSES,
            };
            return canvas.row(0, vec![Span::styled(text, theme.style(Role::Dim))]);
        }
        let first = self.part(scene, canvas.area).lowest();
        for (place, line) in self.lines(scene).skip(first).take(height).enumerate() {
            let is_selected = scene.focus == Pane::Log && self.list.selected() == first + place;
            let time = if is_selected { Role::Selected } else { Role::Dim };
            let spans =
                vec![Span::styled(line.time(), theme.style(time)), Span::styled(told(theme, line), theme.style(line.role))];
            canvas.row(height - 1 - place, spans);
        }
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        self.lines(scene).count()
    }

    fn row_noun(&self, _scene: &Scene<'_>) -> Option<&'static str> {
        Some("lines")
    }

    fn keep_place(&mut self, scene: &Scene<'_>) {
        // Of the lines that pass the filter the oldest go, too.
        if self.list.selected() > 0 {
            let count = self.rows(scene);
            self.list.stay_within(count);
        }
    }

    fn is_newest_below(&self) -> bool {
        true
    }

    fn is_filterable(&self) -> bool {
        true
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        let line = self.lines(scene).nth(self.list.selected())?;
        Some(format!("{}{}", line.time(), told(scene.theme, line)))
    }
}

/// Returns what stands behind the time of a line.
fn told(theme: &Theme, line: &JournalLine) -> String {
    format!(" {} {}", mark(theme, line.role), line.text)
}

/// Returns the glyph of a line's severity.
const fn mark(theme: &Theme, role: Role) -> &'static str {
    match role {
        Role::Bad => theme.glyphs.failure,
        Role::Warning => theme.glyphs.warning,
        Role::Good => theme.glyphs.done,
        _ => theme.glyphs.dot,
    }
}

impl LogPane {
    /// Returns the lines that pass the filter, newest first.
    fn lines<'a>(&self, scene: &Scene<'a>) -> impl Iterator<Item = &'a JournalLine> {
        scene.journal.lines().rev().filter(|line| self.list.passes(|| &line.text))
    }
}
