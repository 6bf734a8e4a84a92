//! The layout of tables, and the formatting of sizes, rates, times and dates as text.

use std::borrow::Cow;

use comfy_table::presets::{ASCII_FULL_CONDENSED, UTF8_FULL_CONDENSED};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, TableStyle, Width};
use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::transfer::{Direction, Remaining, TransferState, TransferStatus};
use p2p_service::abilities::{self, Glyphs};
use p2p_service::event_words::bytes_of;
use unicode_width::UnicodeWidthStr;

use super::clock::{clock_of, whole_clock_of};
use super::waits;
use crate::lists::listed_of;

/// Maximum width of a word, in columns of the terminal, that a narrow table keeps whole in a column of words.
const WORD_MAX: usize = 24;
/// Width that the borders add to each column: one border and a space on each side; one more border closes the row.
const BORDER: usize = 3;
/// Number of columns that are named where there is no room for them; the others are counted.
const LEFT_OUT_MAX: usize = 8;

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    heading: Cow<'static, str>,
    alignment: CellAlignment,
    /// True if its words are not broken, however long they are.
    is_whole: bool,
    /// Rank in which the column is omitted if there is not enough room: the highest rank first, zero never.
    rank: u8,
}

impl Column {
    /// Returns the heading of the column.
    pub fn heading(&self) -> &str {
        &self.heading
    }

    /// Returns true if the column is one of quantities, which stand to the right.
    pub fn is_of_numbers(&self) -> bool {
        self.alignment == CellAlignment::Right
    }

    /// Returns the column with a rank at which it is omitted if there is not enough room: the highest rank first.
    #[must_use]
    pub fn gives_way(self, rank: u8) -> Column {
        Column { rank, ..self }
    }

    /// Returns the column with words that are not broken, since they are copied or typed anew, as an ID is.
    #[must_use]
    pub fn unbroken(self) -> Column {
        Column { is_whole: true, ..self }
    }
}

/// Creates a left-aligned column of words.
pub fn text_column(heading: impl Into<Cow<'static, str>>) -> Column {
    Column { heading: heading.into(), alignment: CellAlignment::Left, is_whole: false, rank: 0 }
}

/// Creates a right-aligned column of quantities.
pub fn number_column(heading: impl Into<Cow<'static, str>>) -> Column {
    Column { heading: heading.into(), alignment: CellAlignment::Right, is_whole: true, rank: 0 }
}

/// A table before its layout.
#[derive(Debug, Clone)]
pub struct Table {
    /// Columns of the table.
    pub columns: Vec<Column>,
    /// Rows of the table, with one text per column.
    pub rows: Vec<Vec<String>>,
    /// Text that replaces a table without rows.
    pub empty: &'static str,
}

/// The lines between the cells of a table: each rule as its left end, its line, its crossing and its right end.
struct Lines {
    top: [&'static str; 4],
    below_headings: [&'static str; 4],
    bottom: [&'static str; 4],
    edge: &'static str,
    /// Line between two columns, with a blank on each side.
    between: &'static str,
    /// The same lines for comfy-table.
    preset: TableStyle,
}

const UNICODE: Lines = Lines {
    top: ["┌", "─", "┬", "┐"],
    below_headings: ["╞", "═", "╪", "╡"],
    bottom: ["└", "─", "┴", "┘"],
    edge: "│",
    between: " ┆ ",
    preset: UTF8_FULL_CONDENSED,
};

const ASCII: Lines = Lines {
    top: ["+", "-", "+", "+"],
    below_headings: ["+", "=", "=", "+"],
    bottom: ["+", "-", "+", "+"],
    edge: "|",
    between: " | ",
    preset: ASCII_FULL_CONDENSED,
};

/// The widths that a column needs.
#[derive(Debug, Clone, Copy)]
struct Widths {
    /// Width at which no figure is cut, nor a word of up to [`WORD_MAX`] columns.
    least: usize,
    /// Width at which no line of the column is broken.
    whole: usize,
}

impl Table {
    /// Returns the table as text in the [characters](abilities::glyphs) of this process, at most `width` columns wide as far as its
    /// contents permit. Lines of words are broken between words, figures are not broken at all; columns for which there is no room
    /// are omitted and named below the table. Where there is no room for those that are never omitted, each row becomes a list of
    /// its values.
    pub fn text(&self, width: Option<u16>) -> String {
        self.text_in(abilities::glyphs(), width)
    }

    fn text_in(&self, glyphs: Glyphs, width: Option<u16>) -> String {
        if self.rows.is_empty() {
            return self.empty.to_owned();
        }
        if glyphs == Glyphs::Ascii {
            let plain = |row: &Vec<String>| row.iter().map(|cell| glyphs.plain(cell).into_owned()).collect();
            let table = Table { columns: self.columns.clone(), rows: self.rows.iter().map(plain).collect(), empty: self.empty };
            return table.drawn(&ASCII, width);
        }
        self.drawn(&UNICODE, width)
    }

    fn drawn(&self, lines: &Lines, width: Option<u16>) -> String {
        let widths: Vec<Widths> = (0..self.columns.len()).map(|place| self.widths(place)).collect();
        let room = width.map_or(usize::MAX, usize::from);
        let shown = self.shown(&widths, room);
        let needs = |width: fn(&Widths) -> usize| shown.iter().map(|&place| width(&widths[place]) + BORDER).sum::<usize>() + 1;
        if needs(|widths| widths.least) > room {
            return self.listed(room);
        }
        let is_narrow = needs(|widths| widths.whole) > room;
        if !is_narrow && shown.len() == self.columns.len() && self.rows.iter().flatten().all(|cell| !cell.contains('\n')) {
            return self.unbroken(lines, &widths);
        }
        let mut table = self.layout(lines, &shown);
        if let Some(width) = width.filter(|_| is_narrow) {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
            for (column, &place) in shown.iter().enumerate() {
                let least = u16::try_from(widths[place].least + 2).unwrap_or(u16::MAX);
                let constraint = ColumnConstraint::LowerBoundary(Width::Fixed(least));
                table.column_mut(column).map(|column| column.set_constraint(constraint));
            }
        }
        let left_out = (0..self.columns.len()).filter(|place| !shown.contains(place)).map(|place| &*self.columns[place].heading);
        let count = self.columns.len() - shown.len();
        match count {
            0 => table.to_string(),
            _ => format!("{table}\n{}", within(&format!("(no room for: {})", listed_of(left_out, count, LEFT_OUT_MAX)), room)),
        }
    }

    fn widths(&self, place: usize) -> Widths {
        let column = &self.columns[place];
        let longest_word = |text: &str| text.split_whitespace().map(width_of).max().unwrap_or(0);
        let lines = |text: &str| text.lines().map(width_of).max().unwrap_or(0);
        let mut widths = Widths { least: longest_word(&column.heading), whole: width_of(&column.heading) };
        for cell in self.rows.iter().filter_map(|row| row.get(place)) {
            let is_plain = is_plain(cell);
            let whole = if is_plain { cell.len() } else { lines(cell) };
            let least = match column.alignment {
                _ if column.is_whole => whole,
                // What is no wider than what there is already needs no search for words.
                _ if whole <= widths.least => whole,
                _ if is_plain => cell.split(' ').map(str::len).max().unwrap_or(0).min(WORD_MAX),
                _ => longest_word(cell).min(WORD_MAX),
            };
            widths = Widths { least: widths.least.max(least), whole: widths.whole.max(whole) };
        }
        widths
    }

    /// Returns the indexes of the columns for which there is room. The columns of the highest rank are omitted first.
    fn shown(&self, widths: &[Widths], room: usize) -> Vec<usize> {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        while shown.iter().map(|&place| widths[place].least + BORDER).sum::<usize>() + 1 > room {
            let last = shown.iter().enumerate().max_by_key(|&(_, &place)| self.columns[place].rank);
            match last {
                Some((at, &place)) if self.columns[place].rank > 0 => drop(shown.remove(at)),
                _ => break,
            }
        }
        shown
    }

    /// Returns the table in which no line has to be broken, as [`layout`](Self::layout) does and a tenth of the time: a list may have
    /// tens of thousands of rows.
    fn unbroken(&self, lines: &Lines, widths: &[Widths]) -> String {
        let rule = |[left, line, between, right]: [&str; 4]| {
            let rules: Vec<String> = widths.iter().map(|widths| line.repeat(widths.whole + 2)).collect();
            format!("{left}{}{right}", rules.join(between))
        };
        let mut text = rule(lines.top) + "\n";
        text.reserve(self.rows.len() * widths.iter().map(|widths| widths.whole + 2 * BORDER).sum::<usize>());
        self.push_row(&mut text, lines, widths, |place| &self.columns[place].heading);
        text.push_str(&rule(lines.below_headings));
        text.push('\n');
        for row in &self.rows {
            self.push_row(&mut text, lines, widths, |place| row.get(place).map_or("", String::as_str));
        }
        text + &rule(lines.bottom)
    }

    /// Returns each row as a list of its values below each other, each behind the heading of its column, for the narrowest terminals.
    fn listed(&self, room: usize) -> String {
        let widest = self.columns.iter().map(|column| width_of(&column.heading)).max().unwrap_or(0);
        let row = |row: &Vec<String>| {
            let pairs = self.columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            let line =
                |(column, cell): (&Column, &String)| hanging(&format!("{:widest$}  {cell}", column.heading), widest + 2, room);
            pairs.map(line).collect::<Vec<_>>().join("\n")
        };
        self.rows.iter().map(row).collect::<Vec<_>>().join("\n\n")
    }

    fn push_row<'a>(&self, text: &mut String, lines: &Lines, widths: &[Widths], cell: impl Fn(usize) -> &'a str) {
        for (place, (column, widths)) in self.columns.iter().zip(widths).enumerate() {
            let cell = cell(place);
            let room = widths.whole.saturating_sub(width_of(cell));
            let before = if column.alignment == CellAlignment::Right { room } else { 0 };
            text.push_str(if place == 0 { lines.edge } else { lines.between });
            text.push_str(if place == 0 { " " } else { "" });
            push_spaces(text, before);
            text.push_str(cell);
            push_spaces(text, room - before);
        }
        text.push(' ');
        text.push_str(lines.edge);
        text.push('\n');
    }

    fn layout(&self, lines: &Lines, shown: &[usize]) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(lines.preset);
        let cell = |place: usize, text: &str| Cell::new(text).set_alignment(self.columns[place].alignment);
        table.set_header(shown.iter().map(|&place| cell(place, &self.columns[place].heading)));
        for row in &self.rows {
            table.add_row(shown.iter().map(|&place| cell(place, row.get(place).map_or("", String::as_str))));
        }
        table
    }
}

fn push_spaces(text: &mut String, count: usize) {
    const SPACES: &str = "                                ";
    for _ in 0..count / SPACES.len() {
        text.push_str(SPACES);
    }
    text.push_str(&SPACES[..count % SPACES.len()]);
}

/// Returns the number of columns that a text takes on a terminal, at once where it is plain ASCII.
fn width_of(text: &str) -> usize {
    if is_plain(text) { text.len() } else { text.width() }
}

/// Returns true for a line of printable ASCII characters, each of which takes a column.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Breaks a text between words into lines of at most `room` columns.
fn within(text: &str, room: usize) -> String {
    hanging(text, 0, room)
}

/// Breaks the lines of a text between words, so that they are at most `width` columns wide as far as their words permit. What goes on
/// in a further line is as far from the edge as the line before, or as its second column if the line is one of two.
pub fn wrapped(text: &str, width: Option<u16>) -> String {
    let Some(room) = width.map(usize::from) else { return text.to_owned() };
    let line = |line: &str| match width_of(line) > room {
        true => hanging(line, indent_of(line), room),
        false => line.to_owned(),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the number of columns before what a line says: its own indentation, and the first of two columns where it begins with blanks.
fn indent_of(line: &str) -> usize {
    let bare = line.trim_start_matches(' ');
    let indent = line.len() - bare.len();
    let gap = bare.find("  ").filter(|_| indent > 0);
    gap.map_or(indent, |gap| indent + width_of(&bare[..gap]) + bare[gap..].len() - bare[gap..].trim_start_matches(' ').len())
}

/// Breaks a line between words into lines of at most `room` columns, all but the first of which begin with `indent` blanks. Blanks at
/// the place of a break are left out, and others stay. A short text in brackets, such as `[--as NAME]`, is one word.
pub(crate) fn hanging(line: &str, indent: usize, room: usize) -> String {
    // An indentation that leaves no room is of no use.
    let indent = if indent * 2 > room { 0 } else { indent };
    let (mut text, mut used, mut is_begin) = (String::with_capacity(line.len()), 0, true);
    for word in words_of(line) {
        let shown = width_of(word.trim_end_matches(' '));
        if !is_begin && shown > 0 && used + shown > room {
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            used = indent;
        }
        is_begin &= shown == 0;
        text.push_str(word);
        used += width_of(word);
    }
    text
}

/// Maximum width of a text in brackets that is not broken.
const BRACKETED_MAX: usize = 32;

/// Returns the words of a line, each with the blanks behind it.
fn words_of(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let word = rest.find(' ').map_or(rest.len(), |end| end + 1);
        let bracketed = if rest.starts_with('[') { rest.find(']').filter(|&end| end < BRACKETED_MAX) } else { None };
        let end = bracketed.map_or(word, |end| end + rest[end..].find(' ').map_or(rest.len() - end, |blank| blank + 1));
        let (word, left) = rest.split_at(end);
        rest = left;
        (!word.is_empty()).then_some(word)
    })
}

/// Formats a rate in bytes per second, as in `63.1 KiB/s`.
pub fn rate_of(bytes_per_second: f64) -> String {
    format!("{}/s", bytes_of(bytes_per_second as u64))
}

/// Formats a duration in seconds, as in `83.784 s`.
pub fn seconds_of(seconds: f64) -> String {
    format!("{seconds:.3} s")
}

/// Formats a duration in seconds as milliseconds, as in `16.5 ms`; `-` if there is none. From one second on, the decimal is
/// omitted.
pub fn milliseconds_of(seconds: Option<f64>) -> String {
    // A time has a whole number of nanoseconds, which this returns to.
    let nanos = seconds.map(|seconds| (seconds * 1e9).round() as u64);
    nanos.map_or_else(|| "-".into(), |nanos| format!("{} ms", millis_below(SimDuration::from_nanos(nanos), 1_000)))
}

/// Formats a time as a number of milliseconds: with one decimal below `whole_from` of them, and without one from there on. Halves are
/// rounded up from the nanoseconds, so that a time is the same figure wherever it stands.
pub fn millis_below(time: SimDuration, whole_from: u64) -> String {
    const MILLI: u64 = 1_000_000;
    let rounded = |unit: u64| time.as_nanos().saturating_add(unit / 2) / unit;
    match rounded(MILLI / 10) {
        tenths if tenths < 10 * whole_from => format!("{}.{}", tenths / 10, tenths % 10),
        _ => rounded(MILLI).to_string(),
    }
}

/// Formats the rate of a transfer over the last ten seconds, as in `63.1 KiB/s`, or once it is done or parked that of what it has moved itself,
/// which is marked as the average, as in `avg 63.1 KiB/s`; `-` if nothing has been measured, or where segments are given up: nothing is sent of
/// what is undone or is being parked, and nothing has come of what has failed or was cancelled.
pub fn transfer_rate_of(status: &TransferStatus) -> String {
    let is_average = matches!(status.state, TransferState::Done | TransferState::Parked);
    let is_sent = is_average || (status.given_up_from.is_none() && status.state != TransferState::Undoing);
    let rate = status.rate_bytes_per_second.filter(|_| is_sent);
    let word = if is_average { "avg " } else { "" };
    rate.map_or_else(|| "-".into(), |rate| format!("{word}{}", rate_of(rate)))
}

/// Returns the bytes of a transfer that are shown as there: those that have arrived, but for the last one until all of it is stored, so that
/// nothing reads 100 % that is not done.
pub fn bytes_shown(status: &TransferStatus) -> u64 {
    let most = if status.state == TransferState::Done { status.bytes } else { status.bytes.saturating_sub(1) };
    status.bytes_arrived.max(status.bytes_done).min(most)
}

/// Time in nanoseconds from which on the clock of a time shows something.
const SEEN_FROM: u64 = 50_000_000;

/// Formats the time of a transfer: `eta 00:42` while it runs, `durable 00:01` while its nodes make it durable, or why there is no estimate;
/// `took 01:23.8` once it is over, or `at once` of a removal of which nobody could see how long it took.
pub fn transfer_time_of(status: &TransferStatus, now: SimTime) -> String {
    transfer_time_within(status, now, usize::MAX)
}

/// Formats the same, but for what is broken on purpose, in at most `width` columns, if there is a wording that is short enough.
pub(super) fn transfer_time_within(status: &TransferStatus, now: SimTime, width: usize) -> String {
    match status.eta {
        Remaining::OutOfReach => shortened(&waits::wordings(status, now), width),
        Remaining::NotRunning if status.state.is_over() => {
            let elapsed = status.elapsed(now);
            let is_at_once = status.direction == Direction::Removal && elapsed.as_nanos() < SEEN_FROM;
            let took = if is_at_once { "at once".into() } else { format!("took {}", clock_of(elapsed.as_secs_f64())) };
            let whole = outcome_of_cancel(status).map(|outcome| format!("{took}, {outcome}"));
            shortened(&whole.into_iter().chain([took]).collect::<Vec<_>>(), width)
        }
        Remaining::NotRunning => String::new(),
        Remaining::Estimated { seconds } => {
            let clock = whole_clock_of(status.eta.whole_seconds().unwrap_or(seconds));
            let word = if status.state == TransferState::Committing { "durable" } else { "eta" };
            format!("{word} {clock}")
        }
        Remaining::TooEarly => "measuring".into(),
        Remaining::UnknownSize => "size unknown".into(),
        Remaining::Stalled => "stalled".into(),
        Remaining::SilentHolder { node } => shortened(&[format!("waits for {node}"), format!("for {node}")], width),
        Remaining::Overdue => "overdue".into(),
        Remaining::Behind => "behind others".into(),
        Remaining::Deleting { node, others, is_behind } => shortened(&waits::deletion(node, others, is_behind), width),
    }
}

/// Says how many of all transfers are listed, if so many earlier ones are not any more, as in `200 of 5312 shown`.
pub fn shown_of_all(listed: usize, earlier: u64) -> Option<String> {
    (earlier > 0).then(|| format!("{listed} of {} shown", listed as u64 + earlier))
}

/// Returns what a request to cancel a transfer that is over has come to, where its state does not tell: which of the two came first, the
/// request or the commit. `None` if there is nothing more to say.
pub fn outcome_of_cancel(status: &TransferStatus) -> Option<&'static str> {
    match (status.state, status.cancel?.during) {
        (TransferState::Done, _) => Some("too late to cancel"),
        (TransferState::Cancelled, TransferState::Committing) => Some("cancelled in its commit"),
        _ => None,
    }
}

/// Returns the first of wordings, each shorter than the one before, that has room; the last one if none has.
fn shortened(wordings: &[String], width: usize) -> String {
    wordings.iter().find(|text| width_of(text) <= width).or(wordings.last()).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_read_well() {
        let times = [None, Some(0.0165), Some(0.99999), Some(2.1225)].map(milliseconds_of);
        assert_eq!(times, ["-", "16.5 ms", "1000 ms", "2123 ms"]);
    }

    /// Halves are rounded alike, whether a time comes in nanoseconds or in seconds.
    #[test]
    fn a_time_is_one_figure() {
        for tenths in 0..9_999 {
            let time = SimDuration::from_micros(tenths * 100 + 50);
            let figure = millis_below(time, 1_000);
            assert_eq!(figure, format!("{}.{}", (tenths + 1) / 10, (tenths + 1) % 10));
            assert_eq!(milliseconds_of(Some(time.as_secs_f64())), format!("{figure} ms"));
        }
    }

    #[test]
    fn a_table_is_no_wider_than_its_place() {
        let columns = vec![text_column("file"), text_column("what there is to say of it")];
        let table = Table { columns, rows: vec![vec!["a.bin".into(), "one two three four five".into()]], empty: "none" };
        let width = |text: &str| text.lines().map(|line| line.chars().count()).max();
        assert_eq!((width(&table.text(None)), width(&table.text(Some(24)))), (Some(38), Some(24)));
        assert!(["one", "two", "three", "four", "five"].iter().all(|word| table.text(Some(24)).contains(word)));
        assert_eq!(table.text(Some(100)), table.text(None));
        assert_eq!(Table { rows: Vec::new(), ..table }.text(Some(24)), "none");
    }

    /// Every word and every figure is whole at any width that has room for the least important columns to be left out.
    #[test]
    fn what_has_no_room_is_left_out_and_said() {
        let columns = vec![
            text_column("node"),
            number_column("round trip").gives_way(1),
            text_column("state"),
            number_column("size").gives_way(2),
        ];
        let rows = vec![vec!["Node_01".into(), "1234.5 ms".into(), "RUNNING".into(), "1023.9 KiB".into()]];
        let table = Table { columns, rows, empty: "none" };
        for width in 24..80u16 {
            let text = table.text(Some(width));
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{text}");
            assert!(text.contains("Node_01") && text.contains("RUNNING"), "{width}:\n{text}");
            assert_eq!(text.contains("1023.9 KiB"), width >= 46, "{width}:\n{text}");
            assert_eq!(text.contains("1234.5 ms"), width >= 33, "{width}:\n{text}");
            assert_eq!(text.replace('\n', " ").contains("(no room for: round trip, size)"), width < 33, "{width}:\n{text}");
        }
        let name = "x".repeat(100);
        let table = Table {
            columns: vec![text_column("file"), number_column("size")],
            rows: vec![vec![name, "1 B".into()]],
            empty: "none",
        };
        assert!(table.text(Some(60)).lines().all(|line| line.chars().count() == 60), "{}", table.text(Some(60)));
    }

    /// An ID is whole, and other columns give way for it.
    #[test]
    fn a_column_that_is_not_to_be_broken_is_whole() {
        let columns =
            vec![text_column("upload").unbroken(), text_column("state").gives_way(2), number_column("age").gives_way(3)];
        let id = "0123456789abcdef-0123456789abcdef".to_owned();
        let table = Table { columns, rows: vec![vec![id.clone(), "parked".into(), "59 min".into()]], empty: "none" };
        for width in 37..80u16 {
            let text = table.text(Some(width));
            assert!(text.contains(&id), "{width}:\n{text}");
            assert_eq!(text.contains("parked"), width >= 46, "{width}:\n{text}");
        }
    }

    /// However many columns have no room, the words about them are few.
    #[test]
    fn columns_without_room_are_counted() {
        let nodes = (1..=99).map(|number| number_column(format!("Node_{number:02}")).gives_way(1));
        let columns: Vec<Column> = std::iter::once(text_column("from")).chain(nodes).collect();
        let table = Table { rows: vec![vec!["1.5 ms".to_owned(); columns.len()]], columns, empty: "none" };
        let text = table.text(Some(60));
        assert!(text.contains("┆ Node_05 │") && !text.contains("Node_50"), "{text}");
        assert!(
            text.replace('\n', " ")
                .ends_with("(no room for: Node_06, Node_07, Node_08, Node_09, Node_10, Node_11, Node_12, Node_13 and 86 more)"),
            "{text}"
        );
    }

    proptest! {
        /// What is not broken looks the same by both ways.
        #[test]
        fn both_layouts_are_one(rows in proptest::collection::vec(proptest::collection::vec("[a-zäöü世 .0-9]{0,12}", 3), 1..6)) {
            let columns = vec![text_column("name"), number_column("size"), text_column("shared with")];
            let table = Table { columns, rows, empty: "none" };
            prop_assert_eq!(table.drawn(&UNICODE, None), table.layout(&UNICODE, &[0, 1, 2]).to_string());
            prop_assert_eq!(table.drawn(&ASCII, None), table.layout(&ASCII, &[0, 1, 2]).to_string());
        }
    }

    /// The second of two columns stays one, and what belongs together in brackets stays together.
    #[test]
    fn what_goes_on_stands_below_what_it_goes_on_with() {
        let line = "  --reorder        how many packets overtake others";
        assert_eq!(wrapped(line, Some(40)), "  --reorder        how many packets\n                   overtake others");
        assert_eq!(wrapped("path A [--delay DELAY] [--loss SHARE]", Some(24)), "path A [--delay DELAY]\n[--loss SHARE]");
        assert_eq!(wrapped("path A [--delay DELAY]", Some(18)), "path A\n[--delay DELAY]");
        assert_eq!(wrapped("one  two three", Some(9)), "one  two\nthree");
        assert_eq!(wrapped("[a word that is never closed", Some(8)), "[a word\nthat is\nnever\nclosed");
    }

    #[test]
    fn figures_stand_to_the_right() {
        let columns = vec![text_column("file"), number_column("size")];
        let text = Table { columns, rows: vec![vec!["a".into(), "1 B".into()]], empty: "none" }.text(None);
        assert!(text.contains("│ a    ┆  1 B │"), "{text}");
    }
}
