//! Curves over time, on a scale that is named: the top and the bottom of it, the span, and levels such as a capacity.
//!
//! ```text
//! 64.0 KiB/s│╌╌capacity╌╌╌╌⡠⠒⠒⠒⠒⠒⠒
//!           │    ⢀⠔⠊
//!          0└-60 s────────────now
//! ```
//! A curve is made of steps: it stays at a value until the next one. Where curves cannot be told apart by colours, each is drawn with
//! a letter of its own.

use ratatui::layout::Rect;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use super::Canvas;
use crate::tui::theme::{Role, Theme};

/// A curve of values over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Name of the quantity in the heading.
    pub name: &'static str,
    /// Letter that draws the curve where there are no colours.
    pub letter: char,
    /// Role of its colour.
    pub role: Role,
    /// Values from an instant on, oldest first: the fraction of the span at which it begins, and the value. An instant before the span
    /// has a negative fraction; `None` ends the curve until the next value.
    pub steps: Vec<(f64, Option<f64>)>,
}

/// A chart of curves on one scale.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plot {
    /// Figure that is shown, and its host.
    pub title: String,
    /// Value at the top; values above it are drawn at the top.
    pub top: f64,
    /// The top in words.
    pub top_label: String,
    /// Beginning of the span in words.
    pub from_label: String,
    /// End of the span in words.
    pub to_label: String,
    /// Value of a level that does not change, with its name.
    pub level: Option<(f64, String)>,
    /// Curves, the most important last.
    pub curves: Vec<Curve>,
    /// Instants at the bottom; `None` if the chart has no such.
    pub marks: Option<Marks>,
}

/// Instants that are marked at the bottom of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Marks {
    /// Glyph of a mark.
    pub glyph: &'static str,
    /// Event at each, in the heading.
    pub name: &'static str,
    /// Fractions of the span, from 0 to 1; others are not drawn.
    pub at: Vec<f64>,
}

/// Returns the greatest value of curves in their span, and a round number above it as the top of the scale.
pub fn round_top(curves: &[Curve]) -> f64 {
    let values = curves.iter().flat_map(|curve| {
        // The last value before the span is still in force at its beginning.
        let before = curve.steps.iter().rposition(|(at, _)| *at < 0.0).unwrap_or(0);
        curve.steps[before..].iter().filter_map(|(_, value)| *value)
    });
    let highest = values.fold(1.0, f64::max);
    let power = 10f64.powf(highest.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|&top| top >= highest).unwrap_or(highest)
}

/// Bits of the dots of a Braille character, by row and column (Unicode 16.0, block U+2800).
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Plot {
    /// Draws the chart; fewer than four rows, or twelve columns beside the label of the top, show nothing.
    pub fn draw(&self, theme: &Theme, canvas: &mut Canvas<'_>) {
        let area = canvas.area;
        let label = u16::try_from(self.top_label.width()).unwrap_or(u16::MAX).max(1);
        if area.height < 4 || area.width < label.saturating_add(12) {
            return;
        }
        canvas.row(0, self.heading(theme));
        let field = Rect { x: area.x + label + 1, y: area.y + 1, width: area.width - label - 1, height: area.height - 2 };
        self.draw_axes(theme, canvas, label, field);
        self.draw_level(theme, canvas, field);
        for curve in &self.curves {
            self.draw_curve(theme, canvas, curve, field);
        }
        self.name_level(theme, canvas, field);
        self.draw_marks(theme, canvas, field);
    }

    /// Returns the title and the names of the curves, if there are several.
    fn heading(&self, theme: &Theme) -> Vec<Span<'static>> {
        let mut spans = vec![Span::styled(self.title.clone(), theme.style(Role::Dim))];
        for curve in self.curves.iter().filter(|_| self.curves.len() > 1) {
            let mark = if uses_letters(theme) { curve.letter } else { '⣀' };
            spans.push(Span::styled(format!("  {mark} {}", curve.name), theme.style(curve.role)));
        }
        if let Some(marks) = &self.marks {
            let text = format!("  {} {} {}", marks.glyph, marks.at.len(), marks.name);
            spans.push(Span::styled(text, theme.style(if marks.at.is_empty() { Role::Dim } else { Role::Bad })));
        }
        spans
    }

    fn draw_marks(&self, theme: &Theme, canvas: &mut Canvas<'_>, field: Rect) {
        let Some(marks) = &self.marks else { return };
        for at in marks.at.iter().filter(|at| (0.0..=1.0).contains(*at)) {
            let column = ((at * f64::from(field.width)) as u16).min(field.width.saturating_sub(1));
            let place = Rect { x: field.x + column, y: field.bottom().saturating_sub(1), width: 1, height: 1 };
            canvas.part(place).row(0, vec![Span::styled(marks.glyph, theme.style(Role::Bad))]);
        }
    }

    fn draw_axes(&self, theme: &Theme, canvas: &mut Canvas<'_>, label: u16, field: Rect) {
        let (side, corner, line) = if theme.glyphs.is_unicode { ("│", "└", "─") } else { ("|", "+", "-") };
        let width = usize::from(label);
        for place in 0..field.height {
            let text = if place == 0 { self.top_label.as_str() } else { "" };
            let text = format!("{text:>width$}{side}");
            canvas.row(usize::from(place) + 1, vec![Span::styled(text, theme.style(Role::Dim))]);
        }
        let filled = usize::from(field.width).saturating_sub(self.from_label.width() + self.to_label.width());
        let text = format!("{:>width$}{corner}{}{}{}", "0", self.from_label, line.repeat(filled), self.to_label);
        canvas.row(usize::from(field.height) + 1, vec![Span::styled(text, theme.style(Role::Dim))]);
    }

    /// Returns the row of the field at which the level lies.
    fn level_row(&self, field: Rect) -> Option<u16> {
        let (value, _) = self.level.as_ref()?;
        Some(((1.0 - self.share(*value)) * f64::from(field.height.saturating_sub(1))).round() as u16)
    }

    fn draw_level(&self, theme: &Theme, canvas: &mut Canvas<'_>, field: Rect) {
        let Some(row) = self.level_row(field) else { return };
        let text = theme.glyphs.level.repeat(usize::from(field.width));
        canvas.part(Rect { y: field.y + row, height: 1, ..field }).row(0, vec![Span::styled(text, theme.style(Role::Dim))]);
    }

    /// Writes the name of the level on its line, where it hides the least: the curves begin at the left.
    fn name_level(&self, theme: &Theme, canvas: &mut Canvas<'_>, field: Rect) {
        let (Some(row), Some((_, name))) = (self.level_row(field), &self.level) else { return };
        let place = Rect { x: field.x + 1, y: field.y + row, width: name.width() as u16, height: 1 };
        if place.right() <= field.right() {
            canvas.part(place).row(0, vec![Span::styled(name.clone(), theme.style(Role::Text))]);
        }
    }

    fn draw_curve(&self, theme: &Theme, canvas: &mut Canvas<'_>, curve: &Curve, field: Rect) {
        let (across, up) = if uses_letters(theme) { (1, 1) } else { (2, 4) };
        let (width, height) = (usize::from(field.width) * across, usize::from(field.height) * up);
        let mut dots = vec![0_u32; usize::from(field.width) * usize::from(field.height)];
        for (x, (lowest, highest)) in self.extents(curve, width) {
            let row = |value: f64| ((1.0 - self.share(value)) * (height - 1) as f64).round() as usize;
            for y in row(highest)..=row(lowest) {
                dots[y / up * usize::from(field.width) + x / across] |= DOTS[y % up][x % across];
            }
        }
        for (place, bits) in dots.into_iter().enumerate().filter(|(_, bits)| *bits != 0) {
            let at = (field.x + (place % usize::from(field.width)) as u16, field.y + (place / usize::from(field.width)) as u16);
            let Some(cell) = canvas.buffer.cell_mut(at) else { continue };
            // Dots that an earlier curve has set in the cell stay.
            let earlier = cell.symbol().chars().next().map_or(0, u32::from);
            let bits = if (0x2800..0x2900).contains(&earlier) { bits | (earlier - 0x2800) } else { bits };
            let braille = char::from_u32(0x2800 + bits).unwrap_or(' ');
            cell.set_char(if uses_letters(theme) { curve.letter } else { braille }).set_style(theme.style(curve.role));
        }
    }

    /// Returns the height of a value as a fraction of that of the scale.
    fn share(&self, value: f64) -> f64 {
        (value / self.top.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    }

    /// Returns the lowest and the highest value in each of `width` columns in which the curve has one, with the way up or down to it
    /// from the column before.
    fn extents<'a>(&self, curve: &'a Curve, width: usize) -> impl Iterator<Item = (usize, (f64, f64))> + use<'a> {
        let (mut steps, mut value) = (curve.steps.iter().peekable(), None);
        (0..width).filter_map(move |column| {
            let end = (column + 1) as f64 / width as f64;
            let mut extent: Option<(f64, f64)> = value.map(|value| (value, value));
            while let Some(&(_, next)) = steps.next_if(|(at, _)| *at < end) {
                value = next;
                // What was before the first column is not drawn, but the value that is left of it.
                let is_before = column == 0 && steps.peek().is_some_and(|(at, _)| *at <= 0.0);
                if let Some(next) = next.filter(|_| !is_before) {
                    extent = Some(extent.map_or((next, next), |(lowest, highest)| (lowest.min(next), highest.max(next))));
                }
            }
            extent.map(|extent| (column, extent))
        })
    }
}

/// Returns true if each curve is drawn with its letter.
fn uses_letters(theme: &Theme) -> bool {
    !theme.glyphs.is_unicode || !theme.has_colors()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::tui::theme::ThemeName;

    fn drawn(plot: &Plot, theme: &Theme, width: u16, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        plot.draw(theme, &mut Canvas { area, buffer: &mut buffer, ellipsis: theme.glyphs.ellipsis });
        area.rows().map(|row| row.columns().map(|cell| buffer[(cell.x, cell.y)].symbol().to_owned()).collect()).collect()
    }

    fn curve(letter: char, steps: &[(f64, f64)]) -> Curve {
        Curve { name: "some", letter, role: Role::Flow, steps: steps.iter().map(|&(at, value)| (at, Some(value))).collect() }
    }

    fn plot(curves: Vec<Curve>, level: Option<(f64, String)>) -> Plot {
        let [top_label, from_label, to_label] = ["4 p", "-60 s", "now"].map(String::from);
        Plot { title: "window".into(), top: 4.0, top_label, from_label, to_label, level, curves, marks: None }
    }

    #[test]
    fn steps_stand_on_a_named_scale() {
        let theme = Theme::new(ThemeName::Dark, true);
        let plot = plot(vec![curve('c', &[(-0.5, 1.0), (0.25, 3.0), (0.75, 0.0)])], Some((4.0, "limit".into())));
        let rows = drawn(&plot, &theme, 20, 7);
        assert_eq!(
            rows,
            [
                "window              ",
                "4 p|_limit__________",
                "   |    ccccccccc   ",
                "   |    c       c   ",
                "   |ccccc       c   ",
                "   |            cccc",
                "  0+-60 s--------now",
            ]
        );
    }

    #[test]
    fn the_top_of_a_scale_is_a_round_number() {
        let top = |values: &[f64]| {
            let steps = values.iter().map(|&value| (0.5, Some(value))).collect();
            round_top(&[Curve { name: "", letter: 'x', role: Role::Text, steps }])
        };
        assert_eq!([top(&[]), top(&[7.0, 3.0]), top(&[10.0]), top(&[11.0]), top(&[49.0, 51.0])], [1.0, 10.0, 10.0, 20.0, 100.0]);
    }

    #[test]
    fn marks_stand_at_the_bottom() {
        let theme = Theme::new(ThemeName::Dark, true);
        let marks = Marks { glyph: "x", name: "lost", at: vec![-0.1, 0.0, 0.5, 1.0, 1.2] };
        let rows = drawn(&Plot { marks: Some(marks), ..plot(vec![curve('c', &[(0.0, 4.0)])], None) }, &theme, 20, 5);
        assert_eq!(
            rows,
            [
                "window  x 5 lost    ",
                "4 p|cccccccccccccccc",
                "   |                ",
                "   |x       x      x",
                "  0+-60 s--------now",
            ]
        );
    }

    #[test]
    fn curves_differ_by_colour_or_by_letter() {
        let curves = || vec![curve('a', &[(0.0, 1.0)]), curve('b', &[(0.5, 4.0)])];
        let dark = drawn(&plot(curves(), None), &Theme::new(ThemeName::Dark, false), 22, 5);
        assert!(dark[0].contains("⣀ some") && dark.iter().all(|row| !row.contains('b')), "{dark:?}");
        let mono = drawn(&plot(curves(), None), &Theme::new(ThemeName::Mono, false), 22, 5);
        assert!(mono[0].contains("a some  b some"), "{mono:?}");
        assert!(mono[1].contains("bbbbbbbbb") && mono[3].contains("aaaaaaaaaaaaaaaa"), "{mono:?}");
    }

    proptest! {
        /// No size, span or value makes it panic or draw beside its area.
        #[test]
        fn it_stays_within_its_area(
            steps in prop::collection::vec((-2.0f64..2.0, prop::option::of(-5.0f64..50.0)), 0..30),
            width in 0u16..50, height in 0u16..20, top in 0.0f64..20.0, level in prop::option::of(0.0f64..40.0),
        ) {
            let mut steps = steps;
            steps.sort_by(|one, other| one.0.total_cmp(&other.0));
            let curves = vec![Curve { name: "x", letter: 'x', role: Role::Flow, steps }];
            let plot = Plot { top, level: level.map(|level| (level, "level".into())), ..plot(curves, None) };
            for ascii in [false, true] {
                let theme = Theme::new(ThemeName::Dark, ascii);
                let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 30));
                let area = Rect::new(3, 2, width, height);
                plot.draw(&theme, &mut Canvas { area, buffer: &mut buffer, ellipsis: theme.glyphs.ellipsis });
                for at in buffer.area.positions().filter(|at| !area.contains(*at)) {
                    prop_assert_eq!(buffer[at].symbol(), " ");
                }
            }
        }
    }
}
