//! The viewer: a text that is longer than its place on the screen, with its heading kept in sight, a search, and its position.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use p2p_base::units::count_of;
use unicode_width::UnicodeWidthStr;

use super::answers::Laid;
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
    text: Laid,
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
    /// Place of reading, as long as the width alone has changed since it was reached.
    place: Option<Place>,
    /// Number of rows of the body that the latest frame had room for.
    room: usize,
    search: Editor,
    is_typing: bool,
    /// Line of the body that the search has found.
    found: Option<usize>,
    /// Word about the latest key, such as a search without a result.
    note: String,
}

/// A place in a text that is laid out in several ways: letters and digits stand in the same order in all of them, whatever lines they are
/// broken into.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Number of letters and digits before the place.
    before: usize,
    /// Number of all letters and digits.
    all: usize,
}

impl Place {
    /// Returns the place of a row or line.
    fn of<'a>(rows: impl Iterator<Item = &'a str>, at: usize) -> Place {
        rows.enumerate().fold(Place { before: 0, all: 0 }, |Place { before, all }, (row, text)| {
            let count = said_in(text);
            Place { before: before + if row < at { count } else { 0 }, all: all + count }
        })
    }

    /// Returns the row or line of another layout in which the place is. Where that says less, as with cut names, it is about there.
    fn find<'a>(self, rows: impl Iterator<Item = &'a str> + Clone) -> usize {
        let all: usize = rows.clone().map(said_in).sum();
        let before = if all == self.all { self.before } else { self.before.saturating_mul(all) / self.all.max(1) };
        let mut passed = 0;
        let ends_before = |text: &str| {
            passed += said_in(text);
            passed <= before
        };
        rows.map(ends_before).take_while(|&is_before| is_before).count()
    }
}

/// Returns the number of letters and digits of a text.
fn said_in(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

impl Viewer {
    /// Creates a viewer of some width at the beginning of a text. The heading of a table stays in sight.
    pub fn new(title: &str, text: Laid, width: usize) -> Viewer {
        let mut viewer = Viewer {
            title: title.to_owned(),
            text,
            heading: Vec::new(),
            rows: Vec::new(),
            width,
            body: Vec::new(),
            first: 0,
            place: None,
            room: 1,
            search: Editor::for_search(),
            is_typing: false,
            found: None,
            note: String::new(),
        };
        viewer.lay_out();
        viewer
    }

    /// Lays the text out for the width.
    fn lay_out(&mut self) {
        self.heading = self.text.text(self.width).lines().map(str::to_owned).collect();
        let is_end = |line: &String| line.starts_with('╞') || line.starts_with("+=") || line.starts_with("|=");
        let end = self.heading.iter().take(HEADING_MAX).position(is_end).map_or(0, |place| place + 1);
        self.body = self.heading.split_off(end);
        let wrapped = |(place, line): (usize, &String)| wrapped_text(line, self.width).into_iter().map(move |row| (place, row));
        self.rows = self.body.iter().enumerate().flat_map(wrapped).collect();
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

    /// Lays the text out anew for a width. What is said at the top stays there, and what the search has found stays found.
    pub fn wrap(&mut self, width: usize) {
        if std::mem::replace(&mut self.width, width) == width {
            return;
        }
        let place = self.place.unwrap_or_else(|| Place::of(self.row_texts(), self.first));
        let found = self.found.map(|found| Place::of(self.body.iter().map(String::as_str), found));
        self.lay_out();
        self.first = if place.before == 0 { 0 } else { place.find(self.row_texts()) };
        self.place = Some(place);
        let Some(found) = found.map(|found| found.find(self.body.iter().map(String::as_str))) else { return };
        let (first, note) = (self.first, std::mem::take(&mut self.note));
        self.found = Some(found);
        if !self.search.is_empty() {
            self.find(found, true);
        }
        (self.first, self.note) = (first, note);
    }

    fn row_texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.rows.iter().map(|(_, row)| row.as_str())
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
            (self.first, self.place) = (row.min(self.last_first()), None);
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

    /// Returns the position in the text as it is wrapped, as in `lines 8-20 of 96`, with the lines of the heading counted among the others, what is searched for, and a word about the latest key.
    /// The end of a long search is shown behind an ellipsis.
    pub fn status(&self, ellipsis: &str) -> String {
        let (all, end) = (self.rows.len(), (self.first + self.room).min(self.rows.len()));
        // The heading is the beginning of the text, wherever what is below it has been scrolled to.
        let heading = self.heading.len();
        let first = if self.first == 0 { 1 } else { heading + self.first + 1 };
        let position = match end - self.first == all {
            true => count_of((heading + all) as u64, "line"),
            false => format!("lines {first}-{} of {}", heading + end, heading + all),
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
        (self.first, self.place) = (first.min(self.last_first()), None);
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

    fn viewer(title: &str, text: String) -> Viewer {
        Viewer::new(title, Laid::new(move |_| text.clone()), usize::MAX)
    }

    fn numbered() -> Viewer {
        let rows: Vec<String> = (0..20).map(|number| format!("│ row {number}")).collect();
        let mut viewer = viewer("nodes", format!("┌──\n│ head\n╞══\n{}", rows.join("\n")));
        viewer.fit(8);
        viewer
    }

    #[test]
    fn the_heading_stays_and_every_line_can_be_seen() {
        let mut viewer = numbered();
        assert_eq!(shown(&viewer), ["┌──", "│ head", "╞══", "│ row 0", "│ row 1", "│ row 2", "│ row 3", "│ row 4"]);
        assert_eq!(viewer.status("…"), "lines 1-8 of 23");
        let mut seen: Vec<String> = shown(&viewer)[3..].iter().map(|line| (*line).to_owned()).collect();
        for _ in 0..5 {
            assert_eq!(press(&mut viewer, KeyCode::PageDown), ViewerEffect::Taken);
            assert_eq!(shown(&viewer)[1], "│ head");
            seen.extend(shown(&viewer)[3..].iter().map(|line| (*line).to_owned()));
        }
        assert!((0..20).all(|number| seen.contains(&format!("│ row {number}"))));
        assert_eq!(viewer.status("…"), "lines 19-23 of 23");
        press(&mut viewer, KeyCode::Char('g'));
        assert_eq!(viewer.status("…"), "lines 1-8 of 23");
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
        assert_eq!(viewer.status("…"), format!("lines 19-23 of 23 /…{}_: nothing found", "x".repeat(19)));
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
        let mut viewer = viewer("an answer", text.join("\n"));
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

    /// A text that has its own layout for each width is laid out anew: what is read and what was found stay where they are, however often the
    /// width changes.
    #[test]
    fn an_answer_is_laid_out_anew_for_another_width() {
        let words: Vec<String> = (0..400).map(|number| format!("w{number}")).collect();
        let text = words.join(" ");
        let mut viewer = Viewer::new("words", Laid::new(move |width| wrapped_text(&text, width).join("\n")), 40);
        viewer.fit(5);
        viewer.scroll_to(20);
        let top = shown(&viewer)[0].split(' ').next().unwrap().to_owned();
        for width in [80, 25, 118, 60, 40] {
            viewer.wrap(width);
            viewer.fit(5);
            assert!(shown(&viewer)[0].split(' ').any(|word| word == top), "{width}: {top} {:?}", shown(&viewer));
            assert!(shown(&viewer).iter().all(|row| row.width() <= width && row.width() + 5 > width), "{:?}", shown(&viewer));
        }
        assert!(shown(&viewer)[0].starts_with(&format!("{top} ")));
        press(&mut viewer, KeyCode::Char('/'));
        viewer.paste("w300");
        press(&mut viewer, KeyCode::Enter);
        for width in [90, 30, 40] {
            viewer.wrap(width);
            viewer.fit(5);
            let found: Vec<&str> = viewer.shown().filter(|(_, is_found)| *is_found).map(|(row, _)| row).collect();
            assert!(found.len() == 1 && found[0].contains("w300"), "{width}: {found:?}");
        }
        assert!(viewer.status("…").ends_with("/w300 (n, N)"), "{}", viewer.status("…"));
    }
}
