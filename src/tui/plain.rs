//! A screen in plain characters and colours: whatever is drawn, a terminal that has only ASCII is sent nothing else, and one without
//! all colours is sent none that it does not have. What a terminal that calls itself larger than any is has to the right and below stays
//! blank.

use std::borrow::Cow;

use p2p_service::abilities::{Colors, Glyphs};
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::Color;
use unicode_width::UnicodeWidthStr;

use super::theme::indexed;

/// Maximum number of columns and rows that are drawn. A frame needs memory for each cell, and a terminal may call itself of any size
/// (65,535 columns and as many rows would be 4.3 billion cells); the largest monitors show about 770 by 270 of the smallest characters.
pub const LARGEST: Size = Size::new(1000, 400);

/// A backend that draws each cell in the characters that the terminal has.
#[derive(Debug)]
pub struct PlainBackend<B> {
    inner: B,
    glyphs: Glyphs,
    colors: Colors,
}

impl<B> PlainBackend<B> {
    /// Creates a backend that draws on another one.
    pub const fn new(inner: B, glyphs: Glyphs, colors: Colors) -> PlainBackend<B> {
        PlainBackend { inner, glyphs, colors }
    }

    /// Returns the backend below.
    pub const fn inner(&self) -> &B {
        &self.inner
    }
}

/// Returns the nearest colour that the terminal has; themes choose theirs themselves.
fn fewer(color: Color, colors: Colors) -> Color {
    match (color, colors) {
        (Color::Rgb(red, green, blue), Colors::Indexed) => indexed(u32::from_be_bytes([0, red, green, blue])),
        (Color::Rgb(red, green, blue), Colors::Sixteen) => {
            if u16::from(red) + u16::from(green) + u16::from(blue) > 3 * 127 {
                Color::White
            } else {
                Color::Black
            }
        }
        (_, Colors::None) => Color::Reset,
        _ => color,
    }
}

/// Returns a symbol of as many columns in ASCII: a line or a mark that looks like it, or else question marks.
fn plain(symbol: &str) -> Cow<'_, str> {
    if symbol.is_ascii() {
        return Cow::Borrowed(symbol);
    }
    let likeness = match symbol.chars().next().unwrap_or(' ') {
        '│' | '┃' | '║' | '┆' | '╎' | '▏' | '▕' | '▐' | '▌' => "|",
        '─' | '━' | '═' | '╌' | '–' | '—' | '·' | '−' => "-",
        '╳' => "x",
        '\u{2500}'..='\u{257f}' => "+",
        '█' | '▓' | '▇' | '▆' | '■' => "#",
        '▒' | '▅' | '▄' => "=",
        '░' | '▁' | '▂' | '▃' => ".",
        '•' | '●' | '◆' | '\u{2801}'..='\u{28ff}' => "*",
        '○' | '◐' | '◌' => "o",
        '↑' | '▲' => "^",
        '↓' | '▼' => "v",
        '→' | '›' | '▶' | '»' => ">",
        '←' | '‹' | '◀' | '«' => "<",
        '✓' => "+",
        '✕' | '×' => "x",
        '…' => "~",
        '‖' => "=",
        '\u{a0}' | '\u{2800}' => " ",
        _ => return Cow::Owned("?".repeat(symbol.width().max(1))),
    };
    Cow::Borrowed(likeness)
}

impl<B: Backend> Backend for PlainBackend<B> {
    type Error = B::Error;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), B::Error>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        if self.glyphs == Glyphs::Unicode && self.colors == Colors::All {
            return self.inner.draw(content);
        }
        let (glyphs, colors) = (self.glyphs, self.colors);
        let in_plain = |(x, y, cell): (u16, u16, &Cell)| {
            let mut cell = cell.clone();
            (cell.fg, cell.bg) = (fewer(cell.fg, colors), fewer(cell.bg, colors));
            if glyphs == Glyphs::Ascii {
                let symbol = plain(cell.symbol()).into_owned();
                cell.set_symbol(&symbol);
            }
            (x, y, cell)
        };
        let cells: Vec<(u16, u16, Cell)> = content.map(in_plain).collect();
        self.inner.draw(cells.iter().map(|(x, y, cell)| (*x, *y, cell)))
    }

    fn append_lines(&mut self, count: u16) -> Result<(), B::Error> {
        self.inner.append_lines(count)
    }

    fn hide_cursor(&mut self) -> Result<(), B::Error> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), B::Error> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, B::Error> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), B::Error> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), B::Error> {
        self.inner.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> Result<(), B::Error> {
        self.inner.clear_region(region)
    }

    fn size(&self) -> Result<Size, B::Error> {
        let size = self.inner.size()?;
        Ok(Size::new(size.width.min(LARGEST.width), size.height.min(LARGEST.height)))
    }

    fn window_size(&mut self) -> Result<WindowSize, B::Error> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> Result<(), B::Error> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{Theme, ThemeName};

    #[test]
    fn every_symbol_keeps_its_width() {
        for symbol in ["│", "└", "•", "世", "é", "⣿", "a", " ", "…", "e\u{301}"] {
            let plain = plain(symbol);
            assert!(plain.is_ascii() && plain.width() == symbol.width(), "{symbol}: {plain}");
        }
        let glyphs = Theme::new(ThemeName::Dark, false).glyphs;
        let marks = [
            glyphs.alive,
            glyphs.suspect,
            glyphs.dead,
            glyphs.removal,
            glyphs.up,
            glyphs.down,
            glyphs.full,
            glyphs.done,
            glyphs.cut,
        ];
        let states: std::collections::BTreeSet<_> = marks[..3].iter().map(|mark| plain(mark).into_owned()).collect();
        assert_eq!(states.len(), 3, "the states of a node stay apart");
        assert!(marks.iter().all(|mark| plain(mark) != "?"), "{marks:?}");
    }

    #[test]
    fn colours_that_there_are_not_are_not_drawn() {
        let (white, black) = (Color::Rgb(255, 255, 255), Color::Rgb(0, 0, 0));
        assert_eq!([white, black].map(|color| fewer(color, Colors::Sixteen)), [Color::White, Color::Black]);
        assert_eq!(fewer(white, Colors::Indexed), Color::Indexed(231));
        assert_eq!([white, Color::Red].map(|color| fewer(color, Colors::None)), [Color::Reset; 2]);
        assert_eq!(fewer(Color::Cyan, Colors::Sixteen), Color::Cyan);
    }

    #[test]
    fn what_is_larger_than_any_monitor_is_drawn_in_part() {
        let backend =
            |width, height| PlainBackend::new(ratatui::backend::TestBackend::new(width, height), Glyphs::Unicode, Colors::All);
        let mut screen = ratatui::Terminal::new(backend(1001, 401)).unwrap();
        screen.draw(|frame| assert_eq!(frame.area().as_size(), LARGEST)).unwrap();
        screen.backend_mut().inner.resize(80, 1000);
        screen.draw(|frame| assert_eq!(frame.area().as_size(), Size::new(80, LARGEST.height))).unwrap();
    }

    #[test]
    fn a_screen_is_drawn_in_ascii() {
        let backend = PlainBackend::new(ratatui::backend::TestBackend::new(8, 1), Glyphs::Ascii, Colors::All);
        let mut screen = ratatui::Terminal::new(backend).unwrap();
        screen.draw(|frame| frame.render_widget("│é世…a", frame.area())).unwrap();
        // A wide character has both of its columns in its first cell, and the second one is not drawn.
        let symbols: Vec<&str> = screen.backend().inner.buffer().content().iter().map(Cell::symbol).collect();
        assert_eq!(symbols, ["|", "?", "??", " ", "~", "a", " ", " "]);
    }
}
