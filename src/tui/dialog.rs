//! The dialog layer: a stack of questions above the panes. Whoever asks gets the answer through a channel.
//!
//! Knows nothing of what is asked.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::sync::oneshot;

use super::editor::{Edit, Editor};
use super::form::FormDialog;

/// What a dialog was answered with; a channel that is dropped means "never mind".
pub type ReplyChannel<T> = oneshot::Sender<T>;

/// A dialog.
#[derive(Debug)]
pub enum Dialog {
    /// Something to know.
    Message {
        /// Its heading.
        title: String,
        /// Its lines.
        text: String,
        /// How many of them are scrolled away above.
        scroll: usize,
    },
    /// Yes or no.
    Confirm {
        /// Its heading.
        title: String,
        /// The question.
        text: String,
        /// True for yes.
        reply: Option<ReplyChannel<bool>>,
    },
    /// Something that a command has to know.
    Form(Box<FormDialog>),
    /// A line to type.
    Input {
        /// Its heading.
        title: String,
        /// What is asked.
        text: String,
        /// The line.
        editor: Editor,
        /// The line, once it is entered.
        reply: Option<ReplyChannel<String>>,
    },
    /// Something to find in a list and run.
    List(List),
}

/// Lines to search and to choose from.
#[derive(Debug)]
pub struct List {
    /// Its heading.
    pub title: String,
    /// What is searched for.
    pub search: Editor,
    /// All items.
    pub items: Vec<Item>,
    /// Which of those found is chosen.
    pub selected: usize,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// What choosing it does.
    pub choice: Choice,
}

/// What choosing an item does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// An action is carried out.
    Act(super::action::Action),
    /// A command is put into the prompt; run at once where it needs nothing more.
    Command {
        /// The command.
        line: String,
        /// Whether it can run as it is.
        run: bool,
    },
}

impl List {
    /// The items that have all the words that are searched for.
    pub fn found(&self) -> Vec<&Item> {
        let words: Vec<String> = self.search.text().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let has_all = |item: &&Item| {
            let text = format!("{} {}", item.name, item.summary).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        self.items.iter().filter(has_all).collect()
    }
}

/// What became of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The dialog stays.
    Stay,
    /// It is over.
    Close,
    /// It is over, and this was chosen.
    Chosen(Choice),
}

impl Dialog {
    /// Takes a key.
    pub fn handle(&mut self, key: &KeyEvent) -> Outcome {
        if key.code == KeyCode::Esc || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)) {
            return Outcome::Close;
        }
        match self {
            Dialog::Form(form) => {
                form.handle(key);
                // Where nothing is asked, nobody looks at the answer.
                if form.is_waiting() && form.form.fields.is_empty() { Outcome::Close } else { Outcome::Stay }
            }
            Dialog::Message { text, scroll, .. } => {
                if matches!(key.code, KeyCode::Enter | KeyCode::Char('q')) {
                    return Outcome::Close;
                }
                *scroll = scrolled(*scroll, key).min(text.lines().count().saturating_sub(1));
                Outcome::Stay
            }
            Dialog::Confirm { reply, .. } => {
                let answer = match key.code {
                    KeyCode::Char('y' | 'Y') => true,
                    KeyCode::Char('n' | 'N') | KeyCode::Enter => false,
                    _ => return Outcome::Stay,
                };
                // Whoever asked may have gone.
                let _ = reply.take().map(|reply| reply.send(answer));
                Outcome::Close
            }
            Dialog::Input { editor, reply, .. } => {
                if key.code == KeyCode::Enter {
                    let _ = reply.take().map(|reply| reply.send(editor.take()));
                    return Outcome::Close;
                }
                if let Some(edit) = edit_for(key) {
                    editor.apply(&edit);
                }
                Outcome::Stay
            }
            Dialog::List(list) => list.handle(key),
        }
    }

    /// Whether a key may mean something here, whatever it means elsewhere. A question whether to leave is not asked twice.
    pub fn takes(&self, key: &KeyEvent) -> bool {
        matches!(self, Dialog::Confirm { .. }) || edit_for(key).is_some()
    }

    /// The form, where it is one.
    pub fn form(&self) -> Option<&FormDialog> {
        if let Dialog::Form(form) = self { Some(form) } else { None }
    }

    /// Takes a pasted text.
    pub fn paste(&mut self, text: &str) {
        match self {
            Dialog::Form(form) => form.paste(text),
            Dialog::Input { editor, .. } => editor.apply(&Edit::Insert(text.to_owned())),
            Dialog::List(list) => list.search.apply(&Edit::Insert(text.to_owned())),
            Dialog::Message { .. } | Dialog::Confirm { .. } => {}
        }
    }
}

/// Where a key scrolls a text to.
fn scrolled(scroll: usize, key: &KeyEvent) -> usize {
    match key.code {
        KeyCode::Up => scroll.saturating_sub(1),
        KeyCode::Down => scroll + 1,
        KeyCode::PageUp => scroll.saturating_sub(10),
        KeyCode::PageDown => scroll + 10,
        KeyCode::Home => 0,
        KeyCode::End => usize::MAX,
        _ => scroll,
    }
}

impl List {
    fn handle(&mut self, key: &KeyEvent) -> Outcome {
        let last = self.found().len().saturating_sub(1);
        match key.code {
            KeyCode::Up => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down => self.selected = (self.selected + 1).min(last),
            KeyCode::PageUp => self.selected = self.selected.saturating_sub(10),
            KeyCode::PageDown => self.selected = (self.selected + 10).min(last),
            KeyCode::Enter => {
                let chosen = self.found().get(self.selected).map(|item| item.choice.clone());
                return chosen.map_or(Outcome::Stay, Outcome::Chosen);
            }
            _ => {
                if let Some(edit) = edit_for(key) {
                    self.search.apply(&edit);
                    self.selected = 0;
                }
            }
        }
        Outcome::Stay
    }
}

/// The change to a line that a key makes, in the manner of Emacs and of readline.
pub fn edit_for(key: &KeyEvent) -> Option<Edit> {
    let (control, alt) = (key.modifiers.contains(KeyModifiers::CONTROL), key.modifiers.contains(KeyModifiers::ALT));
    Some(match key.code {
        KeyCode::Char('a') if control => Edit::Home,
        KeyCode::Char('e') if control => Edit::End,
        KeyCode::Char('b') if control => Edit::Left,
        KeyCode::Char('f') if control => Edit::Right,
        KeyCode::Char('d') if control => Edit::Delete,
        KeyCode::Char('h') if control => Edit::Backspace,
        KeyCode::Char('k') if control => Edit::KillToEnd,
        KeyCode::Char('u') if control => Edit::KillToStart,
        KeyCode::Char('w') if control => Edit::KillWord,
        KeyCode::Char('y') if control => Edit::Yank,
        KeyCode::Char('_' | '7' | '/') if control => Edit::Undo,
        KeyCode::Char('b') if alt => Edit::WordLeft,
        KeyCode::Char('f') if alt => Edit::WordRight,
        KeyCode::Char(c) if !control && !alt => Edit::Insert(c.to_string()),
        KeyCode::Left if control => Edit::WordLeft,
        KeyCode::Right if control => Edit::WordRight,
        KeyCode::Left => Edit::Left,
        KeyCode::Right => Edit::Right,
        KeyCode::Home => Edit::Home,
        KeyCode::End => Edit::End,
        KeyCode::Backspace if alt => Edit::KillWord,
        KeyCode::Backspace => Edit::Backspace,
        KeyCode::Delete => Edit::Delete,
        _ => return None,
    })
}
