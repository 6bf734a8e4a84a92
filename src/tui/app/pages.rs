//! What opens above the panes by itself or by an action: help, palette, legend, answers that are longer than their place, and the
//! list of what waits.

use p2p_base::spelling::visible_lines;
use p2p_service::doors::Stage;
use p2p_shell::answer::View;
use p2p_shell::spec::Times;
use p2p_shell::table::Table;
use ratatui::layout::{Margin, Rect};

use super::{App, Pane};
use crate::serve::commands::ServiceCommands;
use crate::tui::action::BINDINGS;
use crate::tui::answers::{Laid, Piece};
use crate::tui::dialog::{Choice, Dialog, Item, List};
use crate::tui::help::{self, Entry};
use crate::tui::layout::Kept;
use crate::tui::lines::Pending;
use crate::tui::panes::Deed;
use crate::tui::theme::Role;
use crate::tui::viewer::Viewer;
use crate::tui::wrap::rows_of;

/// Width of a text before the first frame, when the width of the screen is not known.
const USUAL_WIDTH: u16 = 80;

/// Title of the legend.
const LEGEND: &str = "Legend";

/// Title of the list of what waits.
const PENDING: &str = "Waiting: Enter drops the step";

/// An answer that the prompt shows, and of which no frame has yet told whether all of it can be seen there.
#[derive(Debug)]
pub(super) struct Unread {
    /// Number of the line that it answers.
    line: u64,
    /// Command that it answers.
    title: String,
    view: View,
    /// Index of its first line in the output of the prompt.
    first: usize,
}

impl App {
    /// Opens a text in the viewer.
    pub(super) fn read(&mut self, title: &str, text: Laid) {
        self.dialogs.push(Dialog::Viewer(self.viewer(title, text)));
    }

    fn viewer(&self, title: &str, text: Laid) -> Viewer {
        Viewer::new(&visible_lines(title), text, self.viewer_width().unwrap_or(USUAL_WIDTH).into())
    }

    /// Returns the width of a text in the viewer that fills the screen.
    pub(super) fn viewer_width(&self) -> Option<u16> {
        let right = self.workspace.areas().iter().map(|(_, area)| area.right()).max();
        right.map(|right| right.saturating_sub(2).max(20))
    }

    /// Remembers the answer of a line, which the prompt shows by now in so many lines, for the next frame to open in the viewer if it does
    /// not fit.
    pub(super) fn expect_reader(&mut self, number: u64, lines: usize, view: View) {
        let said = self.prompt().output.len();
        let title = self.lines.typed(number).unwrap_or_default();
        let unread = Unread { line: number, title, view, first: said.saturating_sub(lines) };
        self.unread = (self.lines.is_latest(number) && !self.lines.has_more()).then_some(unread);
        if self.unread.is_some() {
            self.prompt_mut().rest.end();
        }
    }

    /// Forgets the answer that the next frame would open: it is part of a longer one, which F8 opens.
    pub(super) fn expect_no_reader(&mut self) {
        self.unread = None;
    }

    /// Takes in where the panes are drawn. Opens the latest answer in the viewer if the prompt has no room there for it and for its
    /// command, unless the user is doing something else by now.
    pub fn take_places(&mut self, areas: Vec<(Pane, Rect)>) {
        self.workspace.set_areas(areas);
        let Some(unread) = self.unread.take() else { return };
        let is_free = self.dialogs.is_empty() && !self.is_touring() && self.workspace.focus() == Pane::Prompt;
        let is_read = is_free && self.prompt().editor.is_empty() && self.lines.is_latest(unread.line);
        let Some(area) = self.workspace.area_of(Pane::Prompt).filter(|_| is_read) else { return };
        let inner = area.inner(Margin::new(1, 1));
        let room = self.panes.get(Pane::Prompt).row_area(&self.scene(), inner);
        let answer = self.prompt().output.iter().skip(unread.first.saturating_sub(1));
        let rows: usize = answer.map(|(_, text)| rows_of(text, room.width.into())).sum();
        let text = unread.view.text_within(self.viewer_width());
        // What is one line was read when it was said, whatever stands below it by now.
        if rows > usize::from(room.height) && text.lines().nth(1).is_some() {
            self.read(&unread.title, Laid::of(vec![Piece::Answer(unread.view)]));
        }
    }

    /// Lets the latest answer give its rows back if nothing was done for a minute, and another pane is cut. To be called every ten seconds.
    /// Returns true if that changes the screen.
    pub fn look_after_answer(&mut self) -> bool {
        // What is read, and what stands still or is spoken of as a whole, keeps its place.
        if self.is_touring() || self.view.is_frozen() || self.prompt().scroll > 0 {
            self.prompt_mut().rest.put_off();
            return false;
        }
        let rests = self.prompt_mut().rest.is_due() && self.is_another_cut();
        if rests {
            self.prompt_mut().rest.begin();
        }
        rests
    }

    /// Returns true if a pane beside the prompt has no room for all its rows, or for itself. Of what has no end, as the packets, some are always
    /// missing.
    fn is_another_cut(&self) -> bool {
        let (scene, preset) = (self.scene(), self.workspace.preset());
        let whole = self.workspace.areas().iter().map(|(_, area)| *area).reduce(Rect::union).unwrap_or_default();
        let is_cut = |pane: &Pane| {
            let view = self.panes.get(*pane);
            match self.workspace.area_of(*pane) {
                Some(area) => {
                    let is_endless = view.shape(&scene, whole.as_size()).is_endless;
                    !is_endless && view.part(&scene, area.inner(Margin::new(1, 1))).is_cut()
                }
                None => view.is_wanted(&scene) && view.priority(preset) > 0 && view.has_room(preset, whole.as_size()),
            }
        };
        Pane::ALL.iter().filter(|&&pane| pane != Pane::Prompt).any(is_cut)
    }

    /// Remembers a layout for the next frame.
    pub fn keep_layout(&mut self, kept: Kept) {
        self.workspace.keep(kept);
    }

    /// Opens the latest answer in the viewer.
    pub(super) fn open_answer(&mut self) {
        let answer = self.prompt().answer();
        let Some(((_, command), lines)) = answer.split_first() else { return };
        let mark = self.theme.glyphs.prompt;
        let title = command.trim_start_matches(mark).trim();
        // Lines that were typed before may have been answered since; each of their answers is below its own command.
        let has_others = lines.iter().any(|(role, line)| *role == Role::Dim && line.starts_with(&format!("{mark} ")));
        let (title, skipped) = if has_others { (format!("Answers since: {title}"), 0) } else { (title.to_owned(), 1) };
        let text = Laid::of(self.prompt().answer_pieces(skipped));
        self.read(&title, text);
    }

    /// Opens the legend, at the first line with a word if one is given.
    pub(super) fn open_legend(&mut self, word: Option<&str>) {
        let (glyphs, keymap) = (self.theme.glyphs, self.keymap.clone());
        let viewer = self.viewer(LEGEND, Laid::new(move |width| help::legend(&glyphs, &keymap, width)));
        let viewer = if let Some(word) = word { viewer.at(word) } else { viewer };
        self.dialogs.push(Dialog::Viewer(viewer));
    }

    /// Opens the legend above the open dialog, at the line about its mode; closing it returns to the dialog. Where the legend itself is
    /// open, its keys are those of any viewer, and it goes to that line.
    pub(super) fn explain_dialog(&mut self) {
        let mode = self.mode();
        self.dialogs.pop_if(|dialog| matches!(dialog, Dialog::Viewer(viewer) if viewer.title() == LEGEND));
        self.open_legend(Some(mode));
    }

    /// Opens the list of the steps that wait, and of those that take long and are no transfers.
    pub(super) fn open_pending(&mut self) {
        let items = self.pending_items();
        if items.is_empty() {
            return self.say(Role::Dim, "nothing waits; `transfers` lists the transfers, and `cancel N` ends one");
        }
        let list = List { is_of_pending: true, ..List::new(PENDING, items) };
        self.dialogs.push(Dialog::List(list));
    }

    fn pending_items(&self) -> Vec<Item> {
        let summary = |step: &Pending<'_>| step.after.as_ref().map_or("under way".into(), |after| format!("waits for {after}"));
        let item = |step: Pending<'_>| Item {
            summary: summary(&step),
            choice: Choice::Deed(Deed::Drop(step.step)),
            name: step.text.to_owned(),
        };
        self.lines.pending().iter().map(item).collect()
    }

    /// Takes in the doors at which this program serves others, as they are now. To be called before each frame.
    pub fn renew_doors(&mut self) {
        let services = self.shell.group::<ServiceCommands>().ok();
        let doors = services.map(|ServiceCommands(services)| {
            let mut doors = services.doors();
            doors.retain(|door| door.figures.stage != Stage::Closed);
            doors
        });
        self.view.take_doors(doors);
    }

    /// Lets an open list of what waits show what waits now. To be called before each frame.
    pub fn renew_pending(&mut self) {
        let is_of_pending = |dialog: &Dialog| matches!(dialog, Dialog::List(List { is_of_pending: true, .. }));
        if !self.dialogs.iter().any(is_of_pending) {
            return;
        }
        let items = self.pending_items();
        let title = if items.is_empty() { "Waiting: nothing does any more; Esc closes" } else { PENDING };
        for dialog in &mut self.dialogs {
            match dialog {
                Dialog::List(list) if list.is_of_pending => list.renew(title, &items),
                _ => {}
            }
        }
    }

    /// Opens the list of the columns of the focused pane, to hide them and to show them again.
    pub(super) fn open_columns(&mut self) {
        let pane = self.workspace.focus();
        let has_columns = |pane: &Pane| !self.panes.get(*pane).columns(&self.scene()).is_empty();
        if !has_columns(&pane) {
            let others = Pane::ALL.into_iter().filter(has_columns).map(Pane::name).collect::<Vec<_>>().join(", ");
            return self.say(Role::Dim, &format!("{} has no columns to choose; these panes have some: {others}", pane.name()));
        }
        self.list_columns(pane, 0);
    }

    /// Hides a column of a pane or shows it again, remembers that, and leaves the list of the columns open.
    pub(super) fn toggle_column(&mut self, pane: Pane, name: &'static str) {
        self.panes.get_mut(pane).list_mut().toggle_column(name);
        self.store_settings();
        let place = self.panes.get(pane).columns(&self.scene()).iter().position(|&other| other == name);
        self.list_columns(pane, place.unwrap_or_default());
    }

    fn list_columns(&mut self, pane: Pane, selected: usize) {
        let view = self.panes.get(pane);
        let item = |&name: &&'static str| {
            let summary = if view.list().hidden().contains(name) { "hidden" } else { "shown where there is room" };
            Item { name: name.to_owned(), summary: summary.to_owned(), choice: Choice::Column(pane, name) }
        };
        let title = format!("Columns of {}: Enter hides or shows, Esc closes", pane.name());
        let list = List { selected, ..List::new(&title, view.columns(&self.scene()).iter().map(item).collect()) };
        self.dialogs.push(Dialog::List(list));
    }

    pub(super) fn open_help(&mut self) {
        let keys = BINDINGS.iter().map(|binding| Item {
            name: binding.key(&self.keymap).to_owned(),
            summary: help::meaning(binding),
            choice: Choice::Act(binding.action),
        });
        let items = keys.chain(command_items(self.shell.table())).chain(self.word_items()).collect();
        self.open_list("Help: type to search, Enter to run or to read", items);
    }

    pub(super) fn open_palette(&mut self) {
        let named = BINDINGS.iter().filter(|binding| !binding.name.is_empty());
        let actions = named.map(|binding| Item {
            name: binding.name.to_owned(),
            summary: format!("{} ({})", binding.help, binding.key(&self.keymap)),
            choice: Choice::Act(binding.action),
        });
        let items = actions.chain(command_items(self.shell.table())).chain(self.word_items()).collect();
        self.open_list("Palette: type to search, Enter to run or to read", items);
    }

    /// Returns the words of the legend that are no actions; choosing one opens the legend there.
    fn word_items(&self) -> impl Iterator<Item = Item> + use<> {
        let parts = help::parts(&self.theme.glyphs, &self.keymap).into_iter();
        let words = parts.filter(|part| !part.name.starts_with("Keys everywhere"));
        let is_bound = |word: &str| BINDINGS.iter().any(|binding| binding.keys == word);
        let item = |(word, meaning): Entry| Item { choice: Choice::Read(word.clone()), name: word, summary: meaning };
        words.flat_map(move |part| {
            let is_panes = part.name == "Keys in a pane";
            part.entries.into_iter().filter(move |(word, _)| !(is_panes && is_bound(word))).map(item)
        })
    }

    pub(super) fn open_list(&mut self, title: &str, items: Vec<Item>) {
        self.dialogs.push(Dialog::List(List::new(title, items)));
    }
}

fn command_items(table: &Table) -> impl Iterator<Item = Item> + '_ {
    table.commands().map(|spec| {
        let run = spec.arguments.iter().all(|argument| argument.times == Times::Optional);
        Item { name: spec.usage(), summary: spec.summary.to_owned(), choice: Choice::Command { line: spec.name.into(), run } }
    })
}
