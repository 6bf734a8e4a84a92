//! What a pane is: a type of its own that keeps how it shows things, draws a [`Scene`], and says what can be done with its rows.

use std::borrow::Cow;
use std::fmt::Debug;

use p2p_engine::snapshot::Peer;
use p2p_store::manifest::NodeNumber;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::fitted_spans;
use super::inquiry::{Found, Inquiry};
use super::order::Sortable;
use super::rows::Rows;
use super::scene::{Chosen, Scene};
use super::scroll::Part;
use super::shape::Shape;
use crate::tui::action::Action;
use crate::tui::lines::StepId;
use crate::tui::preset::Preset;

/// A pane of the screen. It reads the [`Scene`] and changes nothing but itself; what it wants done elsewhere it returns as a
/// [`Deed`] or as what is [chosen](PaneView::chosen) in it.
pub trait PaneView: Debug {
    /// Returns the sizes that the pane needs and wishes on a screen that has `room` for all panes.
    fn shape(&self, scene: &Scene<'_>, room: Size) -> Shape;

    /// Returns the importance of the pane in a preset; a pane of importance 0 is shown there only while it has the focus.
    fn priority(&self, preset: Preset) -> u16;

    /// Returns false if the pane is not shown in a preset on a screen with `room` for all panes, for the benefit of others.
    fn has_room(&self, _preset: Preset, _room: Size) -> bool {
        true
    }

    /// Returns false if there is nothing to show, so that the pane is shown only to who goes to it: it takes no room from others, and Tab
    /// passes it over.
    fn is_wanted(&self, _scene: &Scene<'_>) -> bool {
        true
    }

    /// Returns the heading for an inner area of this size, without the filter and the number of rows.
    fn title(&self, scene: &Scene<'_>, inner: Rect) -> String;

    /// Returns what stands in the lower part of the frame around an inner area of this size: a legend, or a line about what is
    /// selected. What does not fit is cut.
    fn foot(&self, _scene: &Scene<'_>, _inner: Rect) -> Vec<Span<'static>> {
        Vec::new()
    }

    /// Returns how many columns of an inner area the pane fills, if it can tell: what it leaves goes to a pane beside it that fills more. The
    /// height is not to depend on the width.
    fn filled_width(&self, _scene: &Scene<'_>, _inner: Rect) -> Option<u16> {
        None
    }

    /// Draws the content.
    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>);

    /// Draws what lies above other panes; called after all panes are drawn.
    fn draw_above(&self, _scene: &Scene<'_>, _canvas: &mut Canvas<'_>) {}

    /// Returns the position of the terminal's cursor while the pane has the focus.
    fn cursor(&self, _scene: &Scene<'_>, _inner: Rect) -> Option<Position> {
        None
    }

    /// Returns the selection and the filter.
    fn list(&self) -> &Rows;

    /// Returns the selection and the filter, to change them.
    fn list_mut(&mut self) -> &mut Rows;

    /// Returns the number of rows that can be selected.
    fn rows(&self, _scene: &Scene<'_>) -> usize {
        0
    }

    /// Returns true if the first row is the newest and stands at the bottom.
    fn is_newest_below(&self) -> bool {
        false
    }

    /// Returns true if the pane has a filter.
    fn is_filterable(&self) -> bool {
        false
    }

    /// Returns the columns by which the rows can be sorted besides their own order.
    fn orders(&self) -> &'static [Sortable] {
        &[]
    }

    /// Returns true if the rows that are shown now can be sorted by these columns.
    fn is_sortable(&self) -> bool {
        !self.orders().is_empty()
    }

    /// Returns the names of the columns of the rows that are shown now which the user may hide, from left to right.
    fn columns(&self, _scene: &Scene<'_>) -> &'static [&'static str] {
        &[]
    }

    /// Moves the selection down by a number of lines on the screen, or up if it is negative.
    fn scroll(&mut self, scene: &Scene<'_>, lines: isize) {
        let (count, step) = (self.rows(scene), if self.is_newest_below() { -lines } else { lines });
        self.list_mut().move_by(step, count);
    }

    /// Returns the part of the inner area that the rows take: without a line of headings, for example.
    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        inner
    }

    /// Returns which of the rows are shown.
    fn part(&self, scene: &Scene<'_>, inner: Rect) -> Part {
        let (count, height) = (self.rows(scene), self.row_area(scene, inner).height);
        let around = if self.is_newest_below() { Part::from_below } else { Part::around };
        around(count, self.list().selected(), height)
    }

    /// Returns what the rows are, for the heading to say how many of them are shown where some are missing; `None` if it is not to.
    fn row_noun(&self, _scene: &Scene<'_>) -> Option<&'static str> {
        Some("rows")
    }

    /// Returns the row that is drawn at a position of the screen.
    fn row_at(&self, scene: &Scene<'_>, inner: Rect, at: Position) -> Option<usize> {
        let (area, Part { shown, total }) = (self.row_area(scene, inner), self.part(scene, inner));
        let place = usize::from(at.y.checked_sub(area.y).filter(|&place| place < area.height)?);
        match self.is_newest_below() {
            // The lowest row is the first one that is shown.
            true => Some(total - shown.end + usize::from(area.height) - 1 - place),
            false => Some(shown.start + place),
        }
        .filter(|&row| row < total)
    }

    /// Selects what is drawn at a position of the screen; returns false if nothing is there.
    fn select_at(&mut self, scene: &Scene<'_>, inner: Rect, at: Position) -> bool {
        let row = self.row_at(scene, inner, at);
        row.into_iter().for_each(|row| self.list_mut().select(row));
        row.is_some()
    }

    /// Moves the selection to the right by a number of columns, or to the left if it is negative, where columns are selected.
    fn move_across(&mut self, _scene: &Scene<'_>, _step: isize) {}

    /// Returns what the selected row names that concerns other panes.
    fn chosen(&self, _scene: &Scene<'_>) -> Chosen {
        Chosen::default()
    }

    /// Remembers the place at which the selected row is now, or keeps the selection on it where it has moved. Called before each frame and
    /// before each key.
    fn keep_place(&mut self, _scene: &Scene<'_>) {}

    /// Returns what is selected instead of a row that is gone, at the place where it was; nothing if no row may take its place.
    fn successor(&self, _scene: &Scene<'_>) -> Chosen {
        Chosen::default()
    }

    /// Returns what the pane has to look up, which is done outside of the drawing. Called after each frame, with the area of the
    /// content in it.
    fn inquire(&mut self, _scene: &Scene<'_>, _inner: Rect) -> Vec<Inquiry> {
        Vec::new()
    }

    /// Takes in what was looked up.
    fn found(&mut self, _found: Found, _is_frozen: bool) {}

    /// Removes what the user before has chosen and seen.
    fn forget(&mut self) {
        *self.list_mut() = Rows::default();
    }

    /// Returns what Enter does with the selected row.
    fn open(&self, _scene: &Scene<'_>) -> Option<Deed> {
        None
    }

    /// Returns the selected row as a text for the clipboard.
    fn copy(&self, _scene: &Scene<'_>) -> Option<String> {
        None
    }

    /// Returns what can be done with the selected row, the most important first: the menu of the row shows all of it, the hint line
    /// what has a key.
    fn verbs(&self, _scene: &Scene<'_>) -> Vec<Verb> {
        Vec::new()
    }

    /// Returns the keys that [`verbs`](PaneView::verbs) may have for one row or another. Where a row has no use for one of them, it does
    /// nothing, rather than begin a command in the prompt.
    fn keys(&self) -> &'static [&'static str] {
        &[]
    }

    /// Changes how the pane shows things: by an action of the table, or by a [`Deed::Own`] of one of its verbs. Returns false if that
    /// is none of this pane's.
    fn change(&mut self, _change: Change<'_>) -> bool {
        false
    }
}

/// A change of how a pane shows things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// An action of the table of keys.
    Act(Action),
    /// The name of a verb of the pane.
    Own(&'a str),
}

/// Act on a row, or on the whole pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verb {
    /// Key that does it while the pane has the focus; empty for none. Keys of the table of actions take precedence.
    pub key: &'static str,
    /// Name in the hint line and in the menu.
    pub label: Cow<'static, str>,
    /// Effect.
    pub deed: Deed,
}

impl Verb {
    /// Creates a verb.
    pub fn new(key: &'static str, label: impl Into<Cow<'static, str>>, deed: Deed) -> Verb {
        Verb { key, label: label.into(), deed }
    }
}

/// The effect of a verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Carries out an action.
    Act(Action),
    /// Carries out a command as if it were typed.
    Run(String),
    /// Carries out a command once the user has agreed to it.
    Confirm {
        /// Question to the user.
        question: String,
        /// Command.
        line: String,
    },
    /// Carries out a command and shows its answer in a dialog.
    Open(String),
    /// Puts the beginning of a command into the prompt.
    Type(String),
    /// Changes how the pane shows things.
    Own(&'static str),
    /// Drops a step of a typed line that waits, or ends one that takes long.
    Drop(StepId),
    /// Drops all that waits of the command of this step if it is a transfer, or else of its line.
    DropRest(StepId),
    /// Opens the connection of a host to a node, which is shown as it is from then on.
    Watch(Peer, NodeNumber),
    /// Opens the path from one host to another, which is shown as it is from then on.
    WatchPath(Peer, Peer),
    /// Opens a further menu.
    Choose(Menu),
    /// Opens the menu of the profiles of faults for a node.
    Profiles(NodeNumber),
}

/// A menu of things to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// Heading of the menu.
    pub title: String,
    /// Names of its entries, with what each does.
    pub entries: Vec<(String, Deed)>,
}

/// The inner area of a pane on a frame of the screen.
#[derive(Debug)]
pub struct Canvas<'a> {
    /// Area of the content.
    pub area: Rect,
    /// Cells of the whole screen.
    pub buffer: &'a mut Buffer,
    /// Mark at the end of a row that is too long.
    pub ellipsis: &'static str,
}

impl Canvas<'_> {
    /// Draws spans in a row of the pane, counted from the top. A row that does not fit ends in an ellipsis.
    pub fn row(&mut self, place: usize, spans: Vec<Span<'_>>) {
        let Some(area) = self.area.rows().nth(place) else { return };
        Line::from(fitted_spans(spans, area.width, self.ellipsis)).render(area, self.buffer);
    }

    /// Returns a canvas for a part of the pane.
    pub fn part(&mut self, area: Rect) -> Canvas<'_> {
        Canvas { area: area.intersection(self.area), buffer: self.buffer, ellipsis: self.ellipsis }
    }
}
