//! The transfers pane: one row per transfer. First come those that are under way, in the order in which they began, then what waits to
//! begin, then what is over, the latest first.
//!
//! ```text
//!    # file           size progress          done         rate       time resent state
//! #7 ↑ video.bin   5.0 MiB ██████▒▒▒·······  47 %   63.1 KiB/s  eta 00:42      2 running
//! ```
//! A selected transfer stays selected wherever its row goes. While none is selected, the first one counts, so that the segments of
//! what is under way are shown. If there is not enough room, the least important columns are omitted; the number and the state of a
//! transfer are omitted last.

mod list;

use std::sync::Arc;

use p2p_base::spelling::visible_line;
use p2p_base::units::count_of;
use p2p_engine::transfer::{Direction, TransferReport, TransferState, TransferStatus};
use p2p_shell::report::{bytes_of, rate_of, shown_of_all, time_waiting, transfer_rate_of};
use p2p_shell::tally::FILE;
use ratatui::layout::{Rect, Size};
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use self::list::{List, Row};
use super::columns::{Align, BYTES, Cell, Column, Columns, DECIMAL, RATE, chosen, longest, whole_within};
use super::rows::Rows;
use super::scene::{Chosen, Scene};
use super::scroll::Part;
use super::shape::{Shape, rows_up_to};
use super::{Canvas, Change, Deed, NOTHING_PASSES, Pane, PaneView, Verb, below_heading, cells};
use crate::tui::lines::{Pending, Rest};
use crate::tui::preset::Preset;
use crate::tui::theme::{Role, Theme};

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Id,
    Name,
    Size,
    Bar,
    Percent,
    Rate,
    Time,
    Resent,
    State,
}

/// Number of transfers that are over for which room is taken from the segments.
const OVER_ROWS: usize = 3;
/// Maximum width of the bar in cells.
const BAR_MAX: u16 = 60;
/// Maximum width of the name in cells.
const NAME_MAX: u16 = 48;

/// Width of a time and of an estimate in cells, and the maximum width of what a transfer waits for.
const TIME: (u16, u16) = (12, 48);

/// Minimum width of a number with its direction in cells.
const ID: u16 = 4;

/// Minimum width of a state in cells, and that of the longest one.
const STATE: (u16, u16) = (7, 10);

/// Maximum width of a rate with `avg` before it in cells.
const AVERAGE: u16 = RATE + 4;

/// Width in cells of `took 999:59:59.9`, which is never cut off.
const CLOCK: u16 = 16;

/// Names of the columns that may be hidden.
const HIDEABLE: &[&str] = &["size", "progress", "done", "rate", "time", "resent", "state"];

/// Widths in cells of the longest texts of the rows that are shown.
#[derive(Debug, Clone, Copy, Default)]
struct Widths {
    id: u16,
    name: u16,
    rate: u16,
    time: u16,
    state: u16,
}

/// Returns the columns for rows of such texts.
fn columns(widths: Widths) -> Vec<Column<Quantity>> {
    let Widths { id, name, rate, time, state } = widths;
    vec![
        Column::new(Quantity::Id, "#", id.max(ID), id.max(ID), 9, Align::Right),
        Column::new(Quantity::Name, "file", 16, name, 7, Align::Left),
        Column::new(Quantity::Size, "size", BYTES, BYTES, 2, Align::Right),
        Column::new(Quantity::Bar, "progress", 8, BAR_MAX, 3, Align::Left),
        Column::new(Quantity::Percent, "done", 5, 5, 6, Align::Right),
        Column::new(Quantity::Rate, "rate", RATE - DECIMAL, rate.max(RATE), 4, Align::Right),
        Column::new(Quantity::Time, "time", time.clamp(TIME.0, CLOCK), time.max(TIME.0), 5, Align::Right),
        Column::new(Quantity::Resent, "resent", 8, 8, 1, Align::Right),
        Column::new(Quantity::State, "state", state.clamp(STATE.0, STATE.1), STATE.1, 8, Align::Left),
    ]
}

/// The list of transfers.
#[derive(Debug, Default)]
pub(super) struct TransfersPane {
    list: Rows,
    /// True if no transfer is to be selected, but the first one to count, whichever that is.
    follows: bool,
}

/// Returns the verb that takes back the selection of a transfer, if one is selected.
pub(super) fn follow(scene: &Scene<'_>) -> Option<Verb> {
    scene.chosen.transfer.map(|_| Verb::new("o", "follow what runs", Deed::Own(FOLLOW)))
}

/// Name of the deed that takes back the selection.
const FOLLOW: &str = "transfers: follow";

impl PaneView for TransfersPane {
    fn shape(&self, scene: &Scene<'_>, room: Size) -> Shape {
        // The room that the segments do not need is of use here; of what is over, few rows are to take room that they need.
        let segments = scene.shown_transfer().map_or(0, |report| report.timelines.len()).max(scene.segments_kept()) + 3;
        let spare = usize::from(room.height / 3).saturating_sub(segments);
        let most = (room.height / 4).max(5) + u16::try_from(spare).unwrap_or(0);
        let list = self.list_of(scene);
        // Those that are under way leave their rows to what is over, so that their ends move no frames.
        let under_way = (list.len() - list.over()).max(scene.transfers_kept()).max(1);
        let rows = list.len().min(under_way + OVER_ROWS + spare);
        // A first transfer finds its places, so that it moves no frames.
        let least = if list.len() == 0 { 4 } else { 3 };
        Shape::of_height((58, least), (100, rows_up_to(rows.max(1) + 3, most))).of_rows(list.len() + 3)
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 50,
            Preset::Transfer => 60,
            Preset::Network => 10,
            Preset::Files => 50,
        }
    }

    fn title(&self, scene: &Scene<'_>, _inner: Rect) -> String {
        totals(scene)
    }

    fn row_noun(&self, _scene: &Scene<'_>) -> Option<&'static str> {
        Some("transfers")
    }

    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        if inner.height > 1 { below_heading(inner) } else { inner }
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let all = self.list_of(scene);
        if all.len() == 0 {
            let text = match self.list.filter().is_empty() {
                true => "No transfers yet: `upload PATH` stores a file.",
                false => NOTHING_PASSES,
            };
            return canvas.row(0, vec![Span::styled(text, scene.theme.style(Role::Dim))]);
        }
        let (Part { shown, .. }, selected) = (self.part(scene, canvas.area), self.selected_row(scene));
        let rows: Vec<Row<'_>> = shown.clone().filter_map(|place| all.get(place)).collect();
        let names: Vec<String> = rows.iter().map(|row| row.name(scene)).collect();
        let waits: Vec<Vec<String>> = rows.iter().map(|row| row.waits(scene)).collect();
        let times = |room: usize| rows.iter().zip(&waits).map(|(row, waits)| row.time(scene, waits, room)).collect::<Vec<_>>();
        let widest = |texts: &[String], most| longest(texts.iter().map(String::as_str), most);
        // The average of what is done takes more room, from its first row on.
        let texts = |text: &dyn Fn(&Row<'_>) -> String, most| widest(&rows.iter().map(text).collect::<Vec<_>>(), most);
        let widths = Widths {
            id: texts(&|row| row.id(scene.theme), u16::MAX),
            name: widest(&names, NAME_MAX),
            rate: texts(&|row| row.rate(), AVERAGE),
            time: 0,
            state: texts(&|row| row.state(scene.theme), STATE.1),
        };
        let all = |time: u16| chosen(columns(Widths { time, ..widths }), self.list.hidden());
        let fit = |time: u16| Columns::fit(all(time), canvas.area.width);
        // Where the longest wording has no room, a shorter one is shown, and the bars get what that leaves.
        let room = fit(widest(&times(usize::MAX), TIME.1)).width_of(Quantity::Time).map_or(0, usize::from);
        let columns = fit(widest(&times(room), TIME.1));
        let first = shown.start;
        let cell = |&index: &usize, quantity, width| {
            let is_selected = scene.focus == Pane::Transfers && selected == Some(index);
            match index.checked_sub(first).and_then(|place| rows.get(place).zip(waits.get(place))) {
                Some((Row::Of(report), waits)) => cell(scene, (report, waits), quantity, width, is_selected),
                Some((Row::Pending(step), _)) => cell_of_pending(scene, step, quantity, is_selected),
                None => Cell::Parts(Vec::new()),
            }
        };
        columns.draw(scene.theme, canvas, self.row_area(scene, canvas.area), shown.enumerate(), cell);
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        self.list_of(scene).len()
    }

    fn columns(&self, _scene: &Scene<'_>) -> &'static [&'static str] {
        HIDEABLE
    }

    fn is_filterable(&self) -> bool {
        true
    }

    fn part(&self, scene: &Scene<'_>, inner: Rect) -> Part {
        let selected = self.selected_row(scene).unwrap_or(self.list.selected());
        Part::around(self.rows(scene), selected, self.row_area(scene, inner).height)
    }

    fn keep_place(&mut self, scene: &Scene<'_>) {
        self.selected_row(scene).into_iter().for_each(|place| self.list.select(place));
    }

    fn successor(&self, scene: &Scene<'_>) -> Chosen {
        let (list, place) = (self.list_of(scene), self.list.selected());
        let at = |place: Option<usize>| place.and_then(|place| list.get(place));
        let next = at(Some(place));
        let waits = [next.clone(), at(place.checked_sub(1))].into_iter().flatten().find(|row| matches!(row, Row::Pending(_)));
        // A second stroke of the key that has dropped a step must end no transfer.
        waits.or(next.filter(Row::is_over)).map_or_else(Chosen::default, |row| row.chosen())
    }

    fn scroll(&mut self, scene: &Scene<'_>, lines: isize) {
        // The rows may have changed their places since one was selected.
        self.keep_place(scene);
        self.list.move_by(lines, self.rows(scene));
        self.follows = false;
    }

    fn chosen(&self, scene: &Scene<'_>) -> Chosen {
        if self.follows && self.list.selected() == 0 {
            return Chosen { forgets: true, ..Chosen::default() };
        }
        self.list_of(scene).get(self.list.selected()).map_or_else(Chosen::default, |row| row.chosen())
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        scene.shown_transfer().map(segments_of)
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        match self.selected(scene)? {
            Row::Of(report) => Some(copied(scene, report)),
            Row::Pending(step) => Some(step.text.to_owned()),
        }
    }

    fn verbs(&self, scene: &Scene<'_>) -> Vec<Verb> {
        let follow = follow(scene);
        match self.selected(scene) {
            Some(Row::Of(report)) => {
                let segments = Verb::new("", "list its segments", segments_of(report));
                let cancel = Verb::new("d", "cancel", Deed::Run(format!("cancel {}", report.status.id.0)));
                let cancel = (!report.status.state.is_over()).then_some(cancel);
                std::iter::once(segments).chain(cancel).chain(follow).collect()
            }
            Some(Row::Pending(step)) => {
                let drop = Verb::new("d", "drop", Deed::Drop(step.step));
                let rest = label_of_rest(step.rest).map(|label| Verb::new("D", label, Deed::DropRest(step.step)));
                std::iter::once(drop).chain(rest).chain(follow).collect()
            }
            None => Vec::new(),
        }
    }

    fn keys(&self) -> &'static [&'static str] {
        &["d", "D", "o"]
    }

    fn change(&mut self, change: Change<'_>) -> bool {
        let is_follow = change == Change::Own(FOLLOW);
        if is_follow {
            self.follows = true;
            self.list.select(0);
        }
        is_follow
    }
}

impl TransfersPane {
    /// Returns the rows that pass the filter.
    fn list_of<'s>(&self, scene: &'s Scene<'_>) -> List<'s> {
        List::of(scene, &self.list)
    }

    /// Returns the place of the selected row, wherever the transfer or the step that was selected is now; the first one without a
    /// selection, and none if what was selected is not listed any more: no other row takes the keys that were meant for it.
    fn selected_row(&self, scene: &Scene<'_>) -> Option<usize> {
        let list = self.list_of(scene);
        match scene.chosen {
            Chosen { step: Some(step), .. } => list.place_of_step(step),
            Chosen { transfer: Some(transfer), .. } => list.place_of_transfer(transfer),
            _ => Some(0),
        }
    }

    fn selected<'s>(&self, scene: &'s Scene<'_>) -> Option<Row<'s>> {
        self.list_of(scene).get(self.selected_row(scene)?)
    }
}

/// Returns the heading: how many transfers there are in each state, and the bytes that arrive per second of all that run.
fn totals(scene: &Scene<'_>) -> String {
    let count = |state: fn(TransferState) -> bool| scene.transfers().filter(|report| state(report.status.state)).count() as u64;
    let earlier = scene.snapshot.earlier();
    let parts = [
        (count(|state| !state.is_over() && !state.is_waiting()), "running"),
        (count(TransferState::is_waiting) + scene.pending.len() as u64, "waiting"),
        (count(|state| state == TransferState::Done) + earlier.done, "done"),
        (count(|state| state == TransferState::Failed) + earlier.failed, "failed"),
        (count(|state| state == TransferState::Cancelled) + earlier.cancelled, "cancelled"),
        (count(|state| state == TransferState::Parked) + earlier.parked, "parked"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let rate = |direction| scene.snapshot.rate_of_all(direction);
    let glyphs = &scene.theme.glyphs;
    let rates = [(glyphs.up, rate(Direction::Upload)), (glyphs.down, rate(Direction::Download))];
    let rates: Vec<_> = rates.iter().filter(|(_, (rate, _))| *rate > 0.0).collect();
    // That of the header is of one second.
    let span = rates.iter().map(|(_, (_, span))| span.as_secs_f64()).fold(0.0, f64::max);
    let rates: Vec<String> = rates.iter().map(|(glyph, (rate, _))| format!("{glyph} {}", rate_of(*rate))).collect();
    let rates = if rates.is_empty() { String::new() } else { format!("{} over {span:.0} s", rates.join(" ")) };
    let rates = (!rates.is_empty()).then(|| if scene.stands_still() { format!("before the pause {rates}") } else { rates });
    let shown = shown_of_all(scene.snapshot.transfers.len(), earlier.all());
    let all: Vec<String> = parts.into_iter().chain(shown).chain(rates).collect();
    if all.is_empty() { "Transfers".into() } else { format!("Transfers: {}", all.join(", ")) }
}

/// Returns what dropping all that waits with a step is called; `None` if that is nothing.
fn label_of_rest(rest: Rest) -> Option<String> {
    match rest {
        Rest::Nothing => None,
        Rest::Files(count) => Some(format!("drop all that wait of its command: {}", count_of(count as u64, FILE))),
        Rest::Steps(count) => Some(format!("drop all that waits of its line: {}", count_of(count as u64, "step"))),
    }
}

/// Returns what a step that has not begun shows of a quantity.
fn cell_of_pending(scene: &Scene<'_>, step: &Pending<'_>, quantity: Quantity, is_selected: bool) -> Cell {
    let theme = scene.theme;
    let text = |text: String, role| Cell::Text(text, theme.style(role));
    match quantity {
        Quantity::Name => text(visible_line(step.text).into_owned(), if is_selected { Role::Selected } else { Role::Text }),
        Quantity::Bar => {
            let after = step.after.as_ref().map(|after| format!("after {}", visible_line(after)));
            text(after.unwrap_or_default(), Role::Dim)
        }
        Quantity::State => text(state_of_pending(step).into(), Role::Warning),
        _ => text(String::new(), Role::Dim),
    }
}

/// Returns the deed that lists the segments of a transfer.
pub(super) fn segments_of(report: &Arc<TransferReport>) -> Deed {
    Deed::Open(format!("segments {}", report.status.id.0))
}

/// Returns a transfer as a text for the clipboard: the file and its SHA-256, as far as it is known.
pub(super) fn copied(scene: &Scene<'_>, report: &TransferReport) -> String {
    let digest = report.sha256.map(|digest| digest.to_string()).unwrap_or_default();
    format!("{} {digest}", scene.label(&report.status.file))
}

fn cell(
    scene: &Scene<'_>,
    (report, waits): (&TransferReport, &[String]),
    quantity: Quantity,
    width: u16,
    is_selected: bool,
) -> Cell {
    let (theme, status) = (scene.theme, &report.status);
    let text = |text: String, role| Cell::Text(text, theme.style(role));
    match quantity {
        Quantity::Id => text(id_of(theme, status), Role::Accent),
        Quantity::Name => text(scene.label_of(status), if is_selected { Role::Selected } else { Role::Text }),
        Quantity::Size if !status.size_known => text(format!("{}+", bytes_of(status.bytes)), Role::Text),
        Quantity::Size => text(bytes_of(status.bytes), Role::Text),
        Quantity::Bar => Cell::Parts(progress_bar(theme, status, usize::from(width))),
        Quantity::Percent if !status.size_known => text("?".into(), Role::Text),
        Quantity::Percent => {
            // The same part as the bar beside it, also of what was given up.
            let (_, arrived) = parts(status);
            text(format!("{:.0} %", (100.0 * arrived).floor()), Role::Text)
        }
        Quantity::Rate => text(rate_within(status, width), scene.rate_role()),
        Quantity::Time => {
            let role = if waits.is_empty() { Role::Text } else { Role::Warning };
            text(time_waiting(status, scene.snapshot.at, waits, usize::from(width)), role)
        }
        Quantity::Resent => text(status.retransmits.to_string(), Role::Dim),
        Quantity::State => text(state_of(theme, status), state_role(status.state)),
    }
}

/// Returns the number of a transfer with the glyph of its direction.
fn id_of(theme: &Theme, status: &TransferStatus) -> String {
    let glyph = match status.direction {
        Direction::Upload => theme.glyphs.up,
        Direction::Download => theme.glyphs.down,
        Direction::Removal => theme.glyphs.removal,
    };
    format!("{} {glyph}", status.id)
}

/// Returns the rate in `width` cells: without the word that it is an average where that has no room, and then without its decimal.
fn rate_within(status: &TransferStatus, width: u16) -> String {
    let rate = transfer_rate_of(status);
    match rate.split_once(' ') {
        Some(("avg", figure)) if rate.width() > usize::from(width) => whole_within(figure.to_owned(), width),
        _ => whole_within(rate, width),
    }
}

/// Returns the word for the state, with a mark if the transfer is done.
fn state_of(theme: &Theme, status: &TransferStatus) -> String {
    let word = if status.direction == Direction::Removal { "removed" } else { "done" };
    match status.state {
        TransferState::Done => format!("{} {word}", theme.glyphs.done),
        state => state.name().to_owned(),
    }
}

/// Returns the word for the state of a step that has not begun.
const fn state_of_pending(step: &Pending<'_>) -> &'static str {
    if step.after.is_some() { "waiting" } else { "under way" }
}

fn state_role(state: TransferState) -> Role {
    match state {
        TransferState::Done => Role::Good,
        TransferState::Failed | TransferState::Cancelled => Role::Bad,
        TransferState::Undoing
        | TransferState::Committing
        | TransferState::Parking
        | TransferState::Waiting
        | TransferState::Idle => Role::Warning,
        TransferState::Parked => Role::Dim,
        TransferState::Running => Role::Flow,
    }
}

/// Returns the fraction of the bytes in completed segments, and the fraction of bytes that have arrived; neither is whole before the transfer is
/// done.
fn parts(status: &TransferStatus) -> (f64, f64) {
    if !status.size_known {
        return (0.0, 0.0);
    }
    if status.bytes == 0 {
        let whole = f64::from(u8::from(status.state == TransferState::Done));
        return (whole, whole);
    }
    // What waits to be durable lacks a part to be seen, however large it is.
    let share = |bytes: u64| bytes as f64 / status.bytes as f64;
    let whole = if status.state == TransferState::Done { 1.0 } else { 1.0 - f64::EPSILON };
    let (arrived, done) = (share(status.bytes_arrived.max(status.bytes_done)).min(whole), share(status.bytes_done).min(whole));
    // Nothing of what is given up from its begin is stored, or will be in a moment, however much had arrived.
    (if status.given_up_from == Some(0) { 0.0 } else { done }, arrived)
}

/// Returns the number of cells of a bar for a fraction: something is always seen of what there is, and of what is missing.
fn filled(part: f64, width: usize) -> usize {
    match part {
        ..=0.0 => 0,
        1.0.. => width,
        part => cells(part, width).max(1).min(width.saturating_sub(1)),
    }
}

/// Returns the progress bar: completed segments, followed in a lighter glyph by what has arrived of the other segments.
fn progress_bar(theme: &Theme, status: &TransferStatus, width: usize) -> Vec<Span<'static>> {
    let (glyphs, (done, arrived)) = (&theme.glyphs, parts(status));
    let (done, all) = (filled(done, width), filled(arrived, width));
    let style = theme.style(state_role(status.state));
    vec![
        Span::styled(glyphs.full.repeat(done), style),
        Span::styled(glyphs.arrived.repeat(all - done), style),
        Span::styled(glyphs.empty.repeat(width - all), style),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::ThemeName;

    /// The first byte is seen, and so is the last one that is missing.
    #[test]
    fn a_bar_is_full_only_once_all_is_stored() {
        assert_eq!(
            [filled(0.0, 10), filled(1e-6, 10), filled(0.5, 10), filled(1.0 - 1e-6, 10), filled(1.0, 10)],
            [0, 1, 5, 9, 10]
        );
        assert_eq!([filled(0.5, 0), filled(0.5, 1), filled(f64::NAN, 5)], [0, 0, 1]);
    }

    /// At every width each row says what it does, with what, and how it stands.
    #[test]
    fn columns_give_way_by_their_importance() {
        let theme = Theme::new(ThemeName::Dark, false);
        for width in 38..300 {
            let headings = Columns::fit(columns(Widths { name: 20, ..Widths::default() }), width).headings(&theme);
            let has = |word: &str| headings.iter().any(|span| span.content.trim() == word);
            assert!(has("#") && has("file") && has("state"), "{width}");
            assert_eq!(has("time"), width >= 48, "{width}");
            assert_eq!(has("rate"), width >= 59, "{width}");
            assert_eq!(has("resent"), width >= 88, "{width}");
        }
    }
}
