//! The viewer: a text that is longer than its place on the screen, with its heading kept in sight, a search, and its position.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use p2p_base::units::count_of;
use unicode_width::UnicodeWidthStr;

use super::editor::{Edit, Editor, edit_for};
use super::wrap::wrapped_text;

/// Number of lines among which the heading of a table ends.
const HEADING_MAX: usize = 6;

/// Maximum width of what is searched for, in columns, so that a word about it has room behind it on the narrowest screen.
const SEARCH_SHOWN: usize = 20;

/// Help of the viewer, which its frame shows.
pub const KEYS: &str = "/ search, y copy, Esc close";

/// The effect of a key on the viewer.
#[derive(Debug, PartialEq, Eq)]
pub enum ViewerEffect {
    /// The viewer has handled the key.
    Taken,
    /// The viewer is to be closed.
    Close,
    /// The text is to be copied.
    Copy(String),
    /// The key has no meaning in the viewer.
    Ignored,
}

/// A text to read, which scrolls below its heading.
#[derive(Debug)]
pub struct Viewer {
    /// Command that was answered, or name of the page.
    title: String,
    /// Lines that stay in sight.
    heading: Vec<String>,
    /// Lines that scroll.
    body: Vec<String>,
    /// Rows that those lines take in the width of the latest frame, each with the index of its line.
    rows: Vec<(usize, String)>,
    /// Width for which the rows were made.
    width: usize,
    /// Index of the first row of the body that is shown.
    first: usize,
    /// Number of rows of the body that the latest frame had room for.
    room: usize,
    search: Editor,
    is_typing: bool,
    /// Line of the body that the search has found.
    found: Option<usize>,
    /// Word about the latest key, such as a search without a result.
    note: String,
}

impl Viewer {
    /// Creates a viewer at the beginning of a text. The heading of a table stays in sight.
    pub fn new(title: &str, text: &str) -> Viewer {
        let mut heading: Vec<String> = text.lines().map(str::to_owned).collect();
        let is_end = |line: &String| line.starts_with('╞') || line.starts_with("+=") || line.starts_with("|=");
        let end = heading.iter().take(HEADING_MAX).position(is_end).map_or(0, |place| place + 1);
        let body = heading.split_off(end);
        Viewer {
            title: title.to_owned(),
            heading,
            rows: body.iter().cloned().enumerate().collect(),
            width: usize::MAX,
            body,
            first: 0,
            room: 1,
            search: Editor::for_search(),
            is_typing: false,
            found: None,
            note: String::new(),
        }
    }

    /// Shows the first line that begins with a word.
    #[must_use]
    pub fn at(mut self, word: &str) -> Viewer {
        self.found = self.body.iter().position(|line| line.trim_start().starts_with(word));
        self.first = self.found.map_or(0, |found| self.row_of(found));
        self
    }

    /// Returns the heading of the frame: what the text is.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the size of the text as it is wrapped, in columns and rows.
    pub fn size(&self) -> (usize, usize) {
        let rows = self.heading.iter().chain(self.rows.iter().map(|(_, row)| row));
        (rows.clone().map(|row| row.width()).max().unwrap_or(0), rows.count())
    }

    /// Wraps the lines to a width. The line at the top stays there.
    pub fn wrap(&mut self, width: usize) {
        if std::mem::replace(&mut self.width, width) == width {
            return;
        }
        let top = self.rows.get(self.first).map_or(0, |(line, _)| *line);
        let wrapped = |(place, line): (usize, &String)| wrapped_text(line, width).into_iter().map(move |row| (place, row));
        self.rows = self.body.iter().enumerate().flat_map(wrapped).collect();
        self.first = self.row_of(top);
    }

    /// Returns the first row of a line.
    fn row_of(&self, line: usize) -> usize {
        self.rows.partition_point(|(other, _)| *other < line)
    }

    /// Takes in how many rows of text a frame has room for.
    pub fn fit(&mut self, rows: usize) {
        self.room = rows.saturating_sub(self.heading.len()).max(1);
        self.first = self.first.min(self.last_first());
        self.show_found();
    }

    /// Scrolls to the line that the search has found, unless its beginning is shown.
    fn show_found(&mut self) {
        let row = self.found.map(|found| self.row_of(found));
        if let Some(row) = row.filter(|row| !(self.first..self.first + self.room).contains(row)) {
            self.first = row.min(self.last_first());
        }
    }

    fn last_first(&self) -> usize {
        self.rows.len().saturating_sub(self.room)
    }

    /// Returns the rows that are shown, each with true if the search has found its line.
    pub fn shown(&self) -> impl Iterator<Item = (&str, bool)> {
        let body = self.rows.iter().skip(self.first).take(self.room);
        let body = body.map(|(line, row)| (row.as_str(), self.found == Some(*line)));
        self.heading.iter().map(|line| (line.as_str(), false)).chain(body)
    }

    /// Returns the position in the text as it is wrapped, as in `lines 8-20 of 96`, what is searched for, and a word about the latest key.
    /// The end of a long search is shown behind an ellipsis.
    pub fn status(&self, ellipsis: &str) -> String {
        let (all, end) = (self.rows.len(), (self.first + self.room).min(self.rows.len()));
        let position = match end - self.first == all {
            true => count_of(all as u64, "line"),
            false => format!("lines {}-{end} of {all}", self.first + 1),
        };
        let wanted = tail(self.search.text(), SEARCH_SHOWN, ellipsis);
        let search = match (self.is_typing, self.search.is_empty()) {
            (true, _) => format!(" /{wanted}_"),
            (false, true) => String::new(),
            (false, false) => format!(" /{wanted} (n, N)"),
        };
        let note = if self.note.is_empty() { String::new() } else { format!(": {}", self.note) };
        format!("{position}{search}{note}")
    }

    /// Handles a key.
    pub fn handle(&mut self, key: &KeyEvent) -> ViewerEffect {
        self.note.clear();
        if self.is_typing {
            self.type_search(key);
            return ViewerEffect::Taken;
        }
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return ViewerEffect::Ignored;
        }
        let page = self.room.saturating_sub(1).max(1);
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => return ViewerEffect::Close,
            KeyCode::Up | KeyCode::Char('k') => self.scroll_to(self.first.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.scroll_to(self.first + 1),
            KeyCode::PageUp => self.scroll_to(self.first.saturating_sub(page)),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll_to(self.first + page),
            KeyCode::Home | KeyCode::Char('g') => self.scroll_to(0),
            KeyCode::End | KeyCode::Char('G') => self.scroll_to(usize::MAX),
            KeyCode::Char('/') => {
                self.search.take();
                self.is_typing = true;
            }
            KeyCode::Char('n') if !self.search.is_empty() => self.find(self.found.map_or(0, |found| found + 1), true),
            KeyCode::Char('N') if !self.search.is_empty() => self.find(self.found.unwrap_or(0), false),
            KeyCode::Char('y') => return self.copy(),
            _ => return ViewerEffect::Ignored,
        }
        ViewerEffect::Taken
    }

    /// Returns true while the search is being typed.
    pub const fn is_typing(&self) -> bool {
        self.is_typing
    }

    /// Inserts a pasted text into the search; returns false if it is too long.
    pub fn paste(&mut self, text: &str) -> bool {
        let fits = !self.is_typing || self.search.has_room_for(text);
        if self.is_typing {
            self.edit_search(&Edit::Insert(text.to_owned()));
        }
        fits
    }

    fn type_search(&mut self, key: &KeyEvent) {
        match key.code {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.search.take();
                (self.is_typing, self.found) = (false, None);
            }
            _ => {
                if let Some(edit) = edit_for(key) {
                    self.edit_search(&edit);
                }
            }
        }
    }

    /// Changes what is searched for, and finds it if that is another text than before.
    fn edit_search(&mut self, edit: &Edit) {
        let before = self.search.text().to_owned();
        self.search.apply(edit);
        if self.search.text() != before {
            self.find(0, true);
        }
    }

    fn copy(&mut self) -> ViewerEffect {
        let text: String = self.heading.iter().chain(&self.body).map(|line| format!("{line}\n")).collect();
        self.note = copied(&text);
        ViewerEffect::Copy(text)
    }

    fn scroll_to(&mut self, first: usize) {
        self.first = first.min(self.last_first());
        self.found = None;
    }

    /// Finds the next line from a line on that contains what is searched for, or the previous one before it; goes round at the end.
    fn find(&mut self, from: usize, is_forward: bool) {
        let (wanted, count) = (self.search.text().to_lowercase(), self.body.len());
        let fits = |place: &usize| self.body[*place].to_lowercase().contains(&wanted);
        let found = match (wanted.is_empty(), is_forward) {
            (true, _) => None,
            (_, true) => (from.min(count)..count).chain(0..from.min(count)).find(fits),
            (_, false) => (0..from.min(count)).rev().chain((from.min(count)..count).rev()).find(fits),
        };
        if found.is_none() && !wanted.is_empty() {
            self.note = "nothing found".into();
        }
        self.found = found;
        self.show_found();
    }
}

/// Returns a text of at most `width` cells: the whole, or its end behind an ellipsis.
fn tail(text: &str, width: usize, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(ellipsis.width());
    let starts = text.char_indices().map(|(place, _)| &text[place..]);
    format!("{ellipsis}{}", starts.into_iter().find(|end| end.width() <= room).unwrap_or_default())
}

/// Returns what is said of a text that was copied.
pub fn copied(text: &str) -> String {
    format!("copied {}", count_of(text.chars().count() as u64, "character"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(viewer: &mut Viewer, code: KeyCode) -> ViewerEffect {
        viewer.handle(&KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn shown(viewer: &Viewer) -> Vec<&str> {
        viewer.shown().map(|(line, _)| line).collect()
    }

    fn numbered() -> Viewer {
        let rows: Vec<String> = (0..20).map(|number| format!("│ row {number}")).collect();
        let mut viewer = Viewer::new("nodes", &format!("┌──\n│ head\n╞══\n{}", rows.join("\n")));
        viewer.fit(8);
        viewer
    }

    #[test]
    fn the_heading_stays_and_every_line_can_be_seen() {
        let mut viewer = numbered();
        assert_eq!(shown(&viewer), ["┌──", "│ head", "╞══", "│ row 0", "│ row 1", "│ row 2", "│ row 3", "│ row 4"]);
        assert_eq!(viewer.status("…"), "lines 1-5 of 20");
        let mut seen: Vec<String> = shown(&viewer)[3..].iter().map(|line| (*line).to_owned()).collect();
        for _ in 0..5 {
            assert_eq!(press(&mut viewer, KeyCode::PageDown), ViewerEffect::Taken);
            assert_eq!(shown(&viewer)[1], "│ head");
            seen.extend(shown(&viewer)[3..].iter().map(|line| (*line).to_owned()));
        }
        assert!((0..20).all(|number| seen.contains(&format!("│ row {number}"))));
        assert_eq!(viewer.status("…"), "lines 16-20 of 20");
        press(&mut viewer, KeyCode::Char('g'));
        assert_eq!(viewer.status("…"), "lines 1-5 of 20");
        assert_eq!(press(&mut viewer, KeyCode::Char('l')), ViewerEffect::Ignored);
        assert_eq!(press(&mut viewer, KeyCode::Esc), ViewerEffect::Close);
    }

    #[test]
    fn a_search_goes_round_and_says_where_nothing_is_found() {
        let mut viewer = numbered();
        press(&mut viewer, KeyCode::Char('/'));
        "ROW 1".chars().for_each(|c| drop(press(&mut viewer, KeyCode::Char(c))));
        press(&mut viewer, KeyCode::Enter);
        let found = |viewer: &Viewer| viewer.shown().find(|(_, is_found)| *is_found).map(|(line, _)| line.to_owned());
        assert_eq!(found(&viewer).as_deref(), Some("│ row 1"));
        press(&mut viewer, KeyCode::Char('n'));
        assert_eq!(found(&viewer).as_deref(), Some("│ row 10"));
        press(&mut viewer, KeyCode::Char('N'));
        press(&mut viewer, KeyCode::Char('N'));
        assert_eq!(found(&viewer).as_deref(), Some("│ row 19"));
        press(&mut viewer, KeyCode::Char('/'));
        press(&mut viewer, KeyCode::Char('z'));
        assert!(viewer.status("…").ends_with("/z_: nothing found"), "{}", viewer.status("…"));
        // However long it is, the word about it is seen.
        assert!(viewer.paste(&"x".repeat(200)));
        assert_eq!(viewer.status("…"), format!("lines 16-20 of 20 /…{}_: nothing found", "x".repeat(19)));
        press(&mut viewer, KeyCode::Esc);
        let ViewerEffect::Copy(text) = press(&mut viewer, KeyCode::Char('y')) else { panic!("nothing is copied") };
        assert!(
            text.starts_with("┌──\n│ head\n") && viewer.status("…").contains("copied 185 characters"),
            "{}",
            viewer.status("…")
        );
    }

    /// Positions count the rows on the screen at every width, the line at the top stays there when that changes, and what is copied has the
    /// line ends of the text alone.
    #[test]
    fn wrapped_lines_are_counted_as_they_are_shown() {
        let text: Vec<String> = (0..12).map(|number| format!("line {number}: {}", "word ".repeat(20).trim())).collect();
        let mut viewer = Viewer::new("an answer", &text.join("\n"));
        for (width, rows_of_a_line) in [(120, 1), (80, 2), (60, 2), (120, 1), (40, 3)] {
            viewer.wrap(width);
            viewer.fit(5);
            assert_eq!(viewer.size().1, 12 * rows_of_a_line, "{width}");
            press(&mut viewer, KeyCode::Home);
            assert_eq!(viewer.status("…"), format!("lines 1-5 of {}", 12 * rows_of_a_line), "{width}");
            // Every row comes into sight by pages.
            let mut seen: Vec<String> = shown(&viewer).into_iter().map(str::to_owned).collect();
            while !viewer.status("…").contains(&format!("-{} of", 12 * rows_of_a_line)) {
                press(&mut viewer, KeyCode::PageDown);
                seen.extend(shown(&viewer).into_iter().map(str::to_owned));
            }
            assert!(viewer.rows.iter().all(|(_, row)| seen.contains(row) && row.width() <= width), "{width}");
            let ViewerEffect::Copy(copied) = press(&mut viewer, KeyCode::Char('y')) else { panic!("nothing is copied") };
            assert_eq!(copied, format!("{}\n", text.join("\n")));
        }
        viewer.scroll_to(viewer.row_of(6));
        viewer.wrap(80);
        viewer.fit(5);
        assert!(shown(&viewer)[0].starts_with("line 6: "), "{:?}", shown(&viewer));
        // A search finds what is broken over two rows.
        press(&mut viewer, KeyCode::Char('/'));
        viewer.paste(&text[9]);
        assert!(viewer.shown().filter(|(_, is_found)| *is_found).count() == 2, "{}", viewer.status("…"));
    }
}
