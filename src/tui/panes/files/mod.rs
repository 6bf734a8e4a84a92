//! The files pane: one directory of the stored files at a time, with the nodes that hold each file.
//!
//! ```text
//! name                size segments health                            on nodes
//! docs/                  -        - -
//! video.bin        5.0 MiB       80 ✓ readable                        1▆ 2█ 3▅ 4▆ 5▇
//! notes.txt        1.2 KiB        1 ✕ Node_02 killed: 1 of 1 segments   1· 2✕ 3· 4· 5·
//! ~bob/                  -        - -
//! ```
//! The pane draws what was looked up before: the rows around the selection, once when the names or the selection have changed, and
//! the holders of the files that are shown, once for each file. Neither is done while drawing.

mod holders;
mod listing;

use std::sync::Arc;

use p2p_service::access::Identity;
use p2p_shell::report::{Holdings, Standings, bytes_of, count_of, date_of};
use p2p_shell::words::quote;
use p2p_store::names::FileKey;
use p2p_store::namespace::Entry;
use ratatui::layout::{Rect, Size};
use ratatui::text::Span;

use self::holders::{Holders, foot, health, map, map_width};
use self::listing::{ListQuery, Listing, ORDERS, Row, Wanted};
use super::columns::{Align, BYTES, Cell, Column, Columns, chosen, longest, mark, wished};
use super::inquiry::{Found, Inquiry};
use super::order::Sortable;
use super::rows::Rows;
use super::scene::Scene;
use super::scroll::Part;
use super::shape::{Shape, rows_up_to};
use super::{Canvas, Change, Deed, Menu, Pane, PaneView, Verb, below_heading};
use crate::tui::preset::Preset;
use crate::tui::theme::{Role, Theme};

/// Maximum width of the name in cells.
const NAME_MAX: u16 = 60;
/// Maximum width of the health in cells.
const HEALTH_MAX: u16 = 40;
/// Width that is wished for the sentence that stands in place of rows, in cells.
const EMPTY_WIDTH: u16 = 46;
/// Height of a screen from which on the pane is shown beside all others.
const OVERVIEW_ROWS: u16 = 46;
/// Name of the verb that opens a directory.
const ENTER: &str = "enter";
/// Name of the verb that goes to the directory above.
const LEAVE: &str = "leave";

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Name,
    Size,
    Segments,
    Health,
    Nodes,
    Readers,
    Stored,
}

/// The quantities by which files can be sorted, as `ORDERS` names them.
const ORDERED: [Quantity; ORDERS.len()] = [Quantity::Size, Quantity::Segments, Quantity::Stored];

/// Names of the columns that may be hidden.
const HIDEABLE: &[&str] = &["size", "segments", "health", "on nodes", "shared with", "stored"];

/// The list of the stored files.
#[derive(Debug, Default)]
pub(super) struct FilesPane {
    list: Rows,
    /// Directory that is shown; `None` for the root of the user's own tree.
    place: Option<FileKey>,
    /// Key whose row is to be selected once the directory is listed.
    came_from: Option<FileKey>,
    listing: Listing,
    is_listing: bool,
    holders: Holders,
}

impl PaneView for FilesPane {
    fn shape(&self, _scene: &Scene<'_>, room: Size) -> Shape {
        // A small screen shows few other panes beside this one.
        let most = if room.height < OVERVIEW_ROWS { room.height / 2 } else { room.height / 3 };
        let width = if self.listing.total == 0 { EMPTY_WIDTH } else { 100 };
        // What stands there instead of a list has no headings.
        let all = if self.listing.total == 0 { 3 } else { self.listing.total + 3 };
        Shape::growing((40, 4), (width, rows_up_to(all, most.max(5))), 3).of_rows(all)
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 15,
            Preset::Transfer => 0,
            Preset::Network => 0,
            Preset::Files => 70,
        }
    }

    fn has_room(&self, preset: Preset, room: Size) -> bool {
        preset != Preset::Overview || room.height >= OVERVIEW_ROWS
    }

    fn row_noun(&self, _scene: &Scene<'_>) -> Option<&'static str> {
        Some("entries")
    }

    fn title(&self, scene: &Scene<'_>, _inner: Rect) -> String {
        match &self.place {
            Some(place) => format!("Files in {}/", scene.label(place).trim_end_matches('/')),
            None => "Files".into(),
        }
    }

    fn foot(&self, scene: &Scene<'_>, _inner: Rect) -> Vec<Span<'static>> {
        let Some(Row::File(file)) = self.selected() else { return Vec::new() };
        let holdings = self.holders.of(file);
        holdings.map(|holdings| foot(scene.theme, holdings, scene.standings())).unwrap_or_default()
    }

    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        below_heading(inner)
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        if self.listing.total == 0 {
            let style = scene.theme.style(Role::Dim);
            return canvas.row(0, vec![Span::styled(self.nothing(scene), style)]);
        }
        let (Part { shown, .. }, standings) = (self.part(scene, canvas.area), scene.standings());
        // What is not looked up yet follows in the next frames.
        let seen: Vec<Option<Seen<'_>>> = shown.clone().map(|index| self.seen(scene, index)).collect();
        let name = longest(seen.iter().flatten().map(|seen| seen.name.as_str()), NAME_MAX);
        let health = longest(seen.iter().flatten().map(|seen| seen.health.0.as_str()), HEALTH_MAX);
        let mut columns = columns(name, health, standings.iter().len());
        // A column without a word in it cuts no other.
        let is_shared = seen.iter().flatten().any(Seen::has_readers);
        if !is_shared && wished(&columns) > canvas.area.width {
            columns.retain(|column| column.id != Quantity::Readers);
        }
        mark(&mut columns, self.list.sorted_by(ORDERS, &ORDERED), &scene.theme.glyphs);
        let columns = Columns::fit(chosen(columns, self.list.hidden()), canvas.area.width);
        let rows = shown.zip(&seen).enumerate().filter_map(|(place, (index, seen))| Some((place, (index, seen.as_ref()?))));
        let cell = |(index, seen): &(usize, &Seen<'_>), quantity, width| {
            let is_selected = scene.focus == Pane::Files && self.list.selected() == *index;
            seen.cell(scene.theme, standings, (quantity, width), is_selected)
        };
        columns.draw(scene.theme, canvas, self.row_area(scene, canvas.area), rows, cell);
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, _scene: &Scene<'_>) -> usize {
        self.listing.total
    }

    fn is_filterable(&self) -> bool {
        true
    }

    fn columns(&self, _scene: &Scene<'_>) -> &'static [&'static str] {
        HIDEABLE
    }

    fn orders(&self) -> &'static [Sortable] {
        ORDERS
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        Some(match self.selected()? {
            Row::File(file) => places_of(scene.identity, &file.key),
            Row::Directory(_) | Row::Tree(_) => Deed::Own(ENTER),
        })
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        Some(match self.selected()? {
            Row::File(file) => format!("{} {}", scene.label(&file.key), file.sha256),
            Row::Directory(key) | Row::Tree(key) => scene.label(key),
        })
    }

    fn verbs(&self, scene: &Scene<'_>) -> Vec<Verb> {
        let up = Verb::new("u", "up", Deed::Own(LEAVE));
        let of_row = self.selected().map(|row| verbs(scene.identity, row)).unwrap_or_default();
        of_row.into_iter().chain(self.place.as_ref().map(|_| up)).collect()
    }

    fn keys(&self) -> &'static [&'static str] {
        &["d", "u", "v", "s", "r"]
    }

    fn change(&mut self, change: Change<'_>) -> bool {
        match change {
            Change::Own(ENTER) => {
                let Some(Row::Directory(key) | Row::Tree(key)) = self.selected() else { return true };
                self.go_to(Some(key.clone()), None);
            }
            Change::Own(LEAVE) => {
                let Some(place) = self.place.take() else { return true };
                self.go_to(place.parent(), Some(place));
            }
            _ => return false,
        }
        true
    }

    fn inquire(&mut self, scene: &Scene<'_>, inner: Rect) -> Vec<Inquiry> {
        let rows = self.inquire_rows(scene).map(|query| Inquiry::new(|_| query.answer()));
        let Part { shown, .. } = self.part(scene, inner);
        let (listing, holders) = (&self.listing, &mut self.holders);
        let files = shown.filter_map(|index| listing.row(index)).filter_map(|row| match row {
            Row::File(file) => Some(file),
            Row::Directory(_) | Row::Tree(_) => None,
        });
        let holders = if scene.is_frozen { None } else { holders.inquire(files) };
        let holders = holders.map(|query| Inquiry::new(|access| query.answer(access)));
        rows.into_iter().chain(holders).collect()
    }

    fn found(&mut self, found: Found, is_frozen: bool) {
        match found.take::<Listing>() {
            Ok(listing) => self.on_rows(listing),
            Err(other) => self.holders.found(other, is_frozen),
        }
    }

    fn forget(&mut self) {
        *self = FilesPane::default();
    }
}

impl FilesPane {
    fn selected(&self) -> Option<&Row> {
        self.listing.row(self.list.selected())
    }

    /// Shows another directory, with the row of a key selected.
    fn go_to(&mut self, place: Option<FileKey>, came_from: Option<FileKey>) {
        (self.place, self.came_from, self.listing) = (place, came_from, Listing::default());
        self.list.clear_filter();
    }

    /// Returns what the pane is to list now. A directory that is gone gives way to the nearest one above it.
    fn wanted(&mut self, scene: &Scene<'_>) -> Wanted {
        let (names, home) = (&scene.snapshot.files, FileKey::new(scene.identity.name(), ""));
        let is_there =
            |place: &FileKey| matches!(names.get(place), Some(Entry::Directory(_))) || names.children(place).next().is_some();
        while let Some(place) = self.place.as_ref().filter(|place| !is_there(place)) {
            self.place = place.parent();
        }
        self.place.take_if(|place| *place == home);
        let place = self.place.clone().unwrap_or(home);
        Wanted {
            has_trees: self.place.is_none(),
            place: Some(place),
            filter: self.list.filter().to_owned(),
            order: self.list.order(),
            names: names.clone(),
        }
    }

    fn inquire_rows(&mut self, scene: &Scene<'_>) -> Option<ListQuery> {
        if self.is_listing {
            return None;
        }
        let (wanted, selected) = (self.wanted(scene), self.list.selected());
        let is_like = wanted.is_like(&self.listing.wanted);
        let is_same = is_like && wanted.is_same(&self.listing.wanted);
        if is_same && self.listing.covers(selected.min(self.listing.total.saturating_sub(1))) {
            return None;
        }
        self.is_listing = true;
        let of_row = || self.listing.row(selected).map(Row::key).filter(|_| is_like && !is_same).cloned();
        let key = self.came_from.take().or_else(of_row);
        Some(ListQuery { wanted, selected, key, is_repeated: is_like && !is_same, known: self.listing.total })
    }

    /// Takes in rows, unless another directory or another filter has been chosen meanwhile.
    fn on_rows(&mut self, listing: Listing) {
        self.is_listing = false;
        let is_wanted = match (&self.place, &listing.wanted.place) {
            (Some(place), Some(listed)) => place == listed,
            (None, _) => listing.wanted.has_trees,
            (Some(_), None) => false,
        };
        if is_wanted && listing.wanted.filter == self.list.filter() {
            // The selection may have moved since the look-up began.
            let moved = self.list.selected() as isize - listing.asked_at as isize;
            self.list.select(listing.selected.saturating_add_signed(moved).min(listing.total.saturating_sub(1)));
            self.listing = listing;
        }
    }

    /// Returns what is said where there are no rows.
    fn nothing(&self, scene: &Scene<'_>) -> String {
        let is_own = self.place.as_ref().is_none_or(|place| place.owner.as_deref() == scene.identity.name());
        match &self.place {
            _ if *scene.identity == Identity::Nobody => "`login` shows your files.".into(),
            _ if self.listing.wanted.place.is_none() && !scene.snapshot.files.is_empty() => String::new(),
            _ if !self.list.filter().is_empty() => "No name here contains this; Esc shows all.".into(),
            None => "No files yet: `upload PATH` stores one.".into(),
            Some(place) if is_own => {
                format!(
                    "Nothing is in here: `upload PATH --as {}/` stores a file in it.",
                    scene.label(place).trim_end_matches('/')
                )
            }
            Some(_) => "Nothing is in here.".into(),
        }
    }

    /// Returns what is to be seen of a row, if it was looked up.
    fn seen(&self, scene: &Scene<'_>, index: usize) -> Option<Seen<'_>> {
        let row = self.listing.row(index)?;
        let holdings = if let Row::File(file) = row { self.holders.of(file).map(Arc::as_ref) } else { None };
        let unknown = match row {
            Row::File(_) => scene.theme.glyphs.ellipsis,
            Row::Directory(_) | Row::Tree(_) => "",
        };
        let health = holdings.map(|holdings| health(scene.theme, holdings, scene.standings()));
        Some(Seen { row, name: row.name(), holdings, health: health.unwrap_or((unknown.into(), Role::Dim)) })
    }
}

/// A row as it is drawn.
struct Seen<'a> {
    row: &'a Row,
    name: String,
    /// Holders of a file, once they are looked up.
    holdings: Option<&'a Holdings>,
    health: (String, Role),
}

impl Seen<'_> {
    /// Returns true if the row names others with whom it is shared.
    fn has_readers(&self) -> bool {
        matches!(self.row, Row::File(file) if !file.readers.is_empty())
    }

    fn cell(&self, theme: &Theme, standings: &Standings, (quantity, width): (Quantity, u16), is_selected: bool) -> Cell {
        let text = |text: String, role| Cell::Text(text, theme.style(role));
        let name = |role| text(self.name.clone(), if is_selected { Role::Selected } else { role });
        let Row::File(file) = self.row else {
            return match quantity {
                Quantity::Name => name(Role::Accent),
                Quantity::Size | Quantity::Segments => text("-".into(), Role::Dim),
                _ => text(String::new(), Role::Dim),
            };
        };
        match (quantity, self.holdings) {
            (Quantity::Name, _) => name(Role::Text),
            (Quantity::Size, _) => text(bytes_of(file.size), Role::Text),
            (Quantity::Segments, _) => text(file.segments.to_string(), Role::Text),
            (Quantity::Health, _) => text(self.health.0.clone(), self.health.1),
            (Quantity::Nodes, Some(holdings)) => Cell::Parts(map(theme, holdings, standings, width)),
            (Quantity::Nodes, None) => text(theme.glyphs.ellipsis.into(), Role::Dim),
            (Quantity::Readers, _) => text(file.readers.iter().cloned().collect::<Vec<_>>().join(", "), Role::Dim),
            (Quantity::Stored, _) => text(date_of(file.stored_at), Role::Dim),
        }
    }
}

/// Returns the columns, for rows whose longest name and health have these widths, and so many nodes.
fn columns(name: u16, health: u16, nodes: usize) -> Vec<Column<Quantity>> {
    let (least, wish) = map_width(nodes);
    vec![
        Column::new(Quantity::Name, "name", 16, name, 9, Align::Left),
        Column::new(Quantity::Size, "size", BYTES, BYTES, 7, Align::Right),
        Column::new(Quantity::Segments, "segments", 8, 8, 5, Align::Right),
        Column::new(Quantity::Health, "health", 17, health, 8, Align::Left),
        Column::new(Quantity::Nodes, "on nodes", least, wish, 6, Align::Left),
        Column::new(Quantity::Readers, "shared with", 11, 24, 2, Align::Left),
        Column::new(Quantity::Stored, "stored", 20, 20, 3, Align::Left),
    ]
}

/// Returns what a command calls a file or a directory.
fn word(identity: &Identity, key: &FileKey) -> String {
    let label = identity.label(key);
    // A name that begins like an option is none behind `./`.
    quote(&if label.starts_with('-') { format!("./{label}") } else { label })
}

/// Returns the menu of the users who may read a file no longer, if it is shared.
fn unsharing(name: &str, row: &Row) -> Option<Verb> {
    let Row::File(file) = row else { return None };
    let entries = file.readers.iter().map(|reader| (reader.clone(), Deed::Run(format!("unshare {name} {}", quote(reader)))));
    let menu = Menu { title: format!("No longer shared with: {}", row.name()), entries: entries.collect() };
    (!menu.entries.is_empty()).then_some(Verb::new("", "share no longer ...", Deed::Choose(menu)))
}

/// Returns the deed that shows where the segments of a file lie.
fn places_of(identity: &Identity, key: &FileKey) -> Deed {
    Deed::Open(format!("info --segments {}", word(identity, key)))
}

/// Returns what can be done with a row.
fn verbs(identity: &Identity, row: &Row) -> Vec<Verb> {
    let name = word(identity, row.key());
    let run = |line: &str| Deed::Run(format!("{line} {name}"));
    let (mut verbs, recursive, question) = match row {
        Row::Tree(_) => return vec![Verb::new("", "open", Deed::Own(ENTER))],
        Row::File(file) => {
            let open = Verb::new("", "where its segments lie", places_of(identity, &file.key));
            let size = format!("{} in {}", bytes_of(file.size), count_of(u64::from(file.segments), "segment"));
            (
                vec![open, Verb::new("d", "download", run("download"))],
                "",
                format!("{} goes for good: {size}.", identity.shown(&file.key)),
            )
        }
        Row::Directory(key) => {
            let open = Verb::new("", "open", Deed::Own(ENTER));
            let question = format!("{}/ goes for good, with all that is in it.", identity.shown(key));
            (vec![open, Verb::new("d", "download", run("download --recursive"))], "--recursive --yes ", question)
        }
    };
    verbs.push(Verb::new("v", "verify", run("verify")));
    if identity.may_change(row.key()) {
        if identity.name().is_some() {
            verbs.push(Verb::new("s", "share", Deed::Type(format!("share {name}"))));
            verbs.extend(unsharing(&name, row));
        }
        verbs.push(Verb::new("r", "remove", Deed::Confirm { question, line: format!("rm {recursive}{name}") }));
    }
    verbs
}
