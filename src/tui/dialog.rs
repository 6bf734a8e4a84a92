//! The layer of dialogs: a stack above the panes. The task that asks gets the answer through a channel.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;
use tokio::sync::oneshot;

use super::action::KeyHint;
use super::connection::ConnectionDialog;
use super::editor::{Edit, Editor, edit_for};
use super::form::FormDialog;
use super::panes::{Deed, Pane};
use super::path::PathDialog;
use super::theme::ThemeName;
use super::viewer::{Viewer, ViewerEffect};
use super::welcome::{Offer, Taken, Welcome};

/// Sender of the answer to a dialog; dropping it means that the user gives up.
pub type ReplyChannel<T> = oneshot::Sender<T>;

/// A dialog above the panes.
#[derive(Debug)]
pub enum Dialog {
    /// A text to read.
    Viewer(Viewer),
    /// A question with the answers yes and no.
    Confirm {
        /// Heading of the dialog.
        title: String,
        /// Text of the question.
        text: String,
        /// Sender of the answer, which is true for yes.
        reply: Option<ReplyChannel<bool>>,
    },
    /// A form of a command.
    Form(Box<FormDialog>),
    /// A list to search and to choose from.
    List(List),
    /// A connection as it is at the instant that the screen shows.
    Connection(ConnectionDialog),
    /// A path as it is at the instant that the screen shows.
    Path(PathDialog),
    /// Choice that is offered at the first start.
    Welcome(Welcome),
}

/// A list of items with a search.
#[derive(Debug)]
pub struct List {
    /// Heading of the dialog.
    pub title: String,
    /// Words that are searched for.
    pub search: Editor,
    /// All items, found or not.
    pub items: Vec<Item>,
    /// Index of the selected item among those found.
    pub selected: usize,
    /// True if the items are the steps that wait, which change while the list is open.
    pub is_of_pending: bool,
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Name of the item.
    pub name: String,
    /// Description of the item.
    pub summary: String,
    /// Effect of choosing the item.
    pub choice: Choice,
}

/// The effect of choosing an item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Carries out an action.
    Act(super::action::Action),
    /// Carries out a verb of a pane.
    Deed(Deed),
    /// Opens the legend at this word.
    Read(String),
    /// Hides a column of a pane, or shows it again.
    Column(Pane, &'static str),
    /// Shows a theme; `None` for the usual one.
    Theme(Option<ThemeName>),
    /// Begins what was offered at the first start.
    Begin(Offer),
    /// Puts a command into the prompt, or runs it at once if it needs no arguments.
    Command {
        /// Line with the command.
        line: String,
        /// True if the command can run without arguments.
        run: bool,
    },
}

impl List {
    /// Creates a list of items that stay as they are, with the first one selected.
    pub fn new(title: &str, items: Vec<Item>) -> List {
        List { title: title.to_owned(), search: Editor::for_search(), items, selected: 0, is_of_pending: false }
    }

    /// Replaces the items. The selected one stays selected if it is still there, and else the one in its place.
    pub fn renew(&mut self, title: &str, items: &[Item]) {
        if self.items == items {
            return;
        }
        let selected = self.found().get(self.selected).map(|item| item.choice.clone());
        (self.title, self.items) = (title.to_owned(), items.to_vec());
        let found = self.found();
        let place = found.iter().position(|item| Some(&item.choice) == selected.as_ref());
        self.selected = place.unwrap_or(self.selected).min(found.len().saturating_sub(1));
    }

    /// Returns the items that contain all words that are searched for.
    pub fn found(&self) -> Vec<&Item> {
        let words: Vec<String> = self.search.text().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let has_all = |item: &&Item| {
            let text = format!("{} {}", item.name, item.summary).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        self.items.iter().filter(has_all).collect()
    }
}

/// The effect of a key on a dialog.
#[derive(Debug, PartialEq, Eq)]
pub enum DialogEffect {
    /// The dialog stays open.
    Stay,
    /// The dialog is closed.
    Close,
    /// The dialog is closed, and an item was chosen.
    Chosen(Choice),
    /// The dialog stays open, and a text is to be copied.
    Copied(String),
    /// The key has no meaning in the dialog.
    Passed,
}

/// Returns the effect of a key or a click on the offers of the first start.
fn accepted(offer: Option<Offer>) -> DialogEffect {
    offer.map_or(DialogEffect::Stay, |offer| DialogEffect::Chosen(Choice::Begin(offer)))
}

/// Returns the effect of a key that closes a dialog or not.
const fn closed_if(is_over: bool) -> DialogEffect {
    if is_over { DialogEffect::Close } else { DialogEffect::Stay }
}

impl Dialog {
    /// Handles a key, and returns its effect.
    pub fn handle(&mut self, key: &KeyEvent) -> DialogEffect {
        if let Dialog::Welcome(welcome) = self
            && !key.modifiers.contains(KeyModifiers::CONTROL)
        {
            return match welcome.handle(key) {
                Taken::Offer(offer) => accepted(Some(offer)),
                Taken::Command => DialogEffect::Passed,
                Taken::Key => DialogEffect::Stay,
            };
        }
        let is_search = matches!(self, Dialog::Viewer(viewer) if viewer.is_typing());
        if (key.code == KeyCode::Esc && !is_search)
            || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL))
        {
            return DialogEffect::Close;
        }
        match self {
            Dialog::Form(form) => {
                form.handle(key);
                // A form without fields is closed at once, since no answer is checked.
                if form.is_waiting() && form.form.fields.is_empty() { DialogEffect::Close } else { DialogEffect::Stay }
            }
            Dialog::Viewer(viewer) => match viewer.handle(key) {
                ViewerEffect::Taken => DialogEffect::Stay,
                ViewerEffect::Close => DialogEffect::Close,
                ViewerEffect::Copy(text) => DialogEffect::Copied(text),
                ViewerEffect::Ignored => DialogEffect::Passed,
            },
            Dialog::Confirm { reply, .. } => {
                let answer = match key.code {
                    KeyCode::Char('y' | 'Y') => true,
                    KeyCode::Char('n' | 'N') | KeyCode::Enter => false,
                    _ => return DialogEffect::Stay,
                };
                // The task that asked may have ended.
                let _ = reply.take().map(|reply| reply.send(answer));
                DialogEffect::Close
            }
            Dialog::List(list) => list.handle(key),
            Dialog::Connection(connection) => closed_if(connection.handle(key)),
            Dialog::Path(path) => closed_if(path.handle(key)),
            Dialog::Welcome(_) => DialogEffect::Stay,
        }
    }

    /// Returns true if a key has a meaning in this dialog that takes precedence over the action table. A confirmation takes all
    /// keys, so that leaving is not asked twice.
    pub fn takes(&self, key: &KeyEvent) -> bool {
        matches!(self, Dialog::Confirm { .. }) || edit_for(key).is_some()
    }

    /// Handles a click of the mouse.
    pub fn click(&mut self, at: Position) -> DialogEffect {
        if let Dialog::Welcome(welcome) = self { accepted(welcome.click(at)) } else { DialogEffect::Stay }
    }

    /// Returns the name of the dialog's mode, as the hint line shows it.
    pub const fn mode(&self) -> &'static str {
        match self {
            Dialog::Viewer(_) => "VIEWER",
            Dialog::Confirm { .. } => "QUESTION",
            Dialog::Form(_) => "FORM",
            Dialog::List(_) => "LIST",
            Dialog::Connection(_) => "CONNECTION",
            Dialog::Path(_) => "PATH",
            Dialog::Welcome(_) => "CHOICE",
        }
    }

    /// Returns the keys that go on with the dialog or end it, each with what it does there, for the hint line.
    pub fn endings(&self) -> &'static [KeyHint] {
        match self {
            Dialog::Viewer(viewer) if viewer.is_typing() => &[("Enter", "keep"), ("Esc", "clear")],
            Dialog::Viewer(_) | Dialog::Connection(_) | Dialog::Path(_) => &[("Enter", "close"), ("Esc", "close")],
            Dialog::Confirm { .. } => &[("y", "yes"), ("Enter", "no"), ("Esc", "no")],
            Dialog::Form(form) => form.endings(),
            Dialog::List(list) if list.found().is_empty() => &[("Esc", "close")],
            Dialog::List(list) if list.is_of_pending => &[("Enter", "drop"), ("Esc", "close")],
            Dialog::List(_) => &[("Enter", "choose"), ("Esc", "close")],
            Dialog::Welcome(_) => &[("Enter", "take"), ("Esc", "look around")],
        }
    }

    /// Returns the form if the dialog is one.
    pub fn form(&self) -> Option<&FormDialog> {
        if let Dialog::Form(form) = self { Some(form) } else { None }
    }

    /// Returns true if it is a form whose answer is being checked.
    pub fn is_waiting_form(&self) -> bool {
        self.form().is_some_and(FormDialog::is_waiting)
    }

    /// Handles a pasted text; returns false if what is searched for has no room for it.
    pub fn paste(&mut self, text: &str) -> bool {
        match self {
            Dialog::Form(form) => form.paste(text),
            Dialog::List(list) => {
                let fits = list.search.has_room_for(text);
                list.search.apply(&Edit::Insert(text.to_owned()));
                return fits;
            }
            Dialog::Viewer(viewer) => return viewer.paste(text),
            Dialog::Confirm { .. } | Dialog::Connection(_) | Dialog::Path(_) | Dialog::Welcome(_) => {}
        }
        true
    }
}

impl List {
    fn handle(&mut self, key: &KeyEvent) -> DialogEffect {
        // Looked up for the keys alone that need it: a search goes through all items.
        let last = |list: &List| list.found().len().saturating_sub(1);
        match key.code {
            KeyCode::Up => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down => self.selected = (self.selected + 1).min(last(self)),
            KeyCode::PageUp => self.selected = self.selected.saturating_sub(10),
            KeyCode::PageDown => self.selected = (self.selected + 10).min(last(self)),
            KeyCode::Enter => {
                let chosen = self.found().get(self.selected).map(|item| item.choice.clone());
                return chosen.map_or(DialogEffect::Stay, DialogEffect::Chosen);
            }
            _ => {
                if let Some(edit) = edit_for(key) {
                    self.search.apply(&edit);
                    self.selected = 0;
                }
            }
        }
        DialogEffect::Stay
    }
}
