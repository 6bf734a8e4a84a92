//! The action table: what keys do where, and in which words. Key handling, hints, help and the palette all come from it.
//!
//! Knows nothing of how an action is carried out.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something that a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Give the keys to the next pane.
    NextPane,
    /// Give the keys to the one before.
    PreviousPane,
    /// Give the keys to the prompt.
    Prompt,
    /// Give the focused pane the whole screen, or take it back.
    Zoom,
    /// Show the help.
    Help,
    /// Show the palette.
    Palette,
    /// Let virtual time stand still, or pass.
    Pause,
    /// Let the view stand still, or go on.
    Freeze,
    /// Let time pass faster.
    Faster,
    /// Let it pass slower.
    Slower,
    /// While paused, go on to the next event.
    Step,
    /// Show only what contains a text.
    Filter,
    /// Copy the selected row.
    Copy,
    /// Switch between the health matrix and the map.
    Map,
    /// Move up.
    Up,
    /// Move down.
    Down,
    /// Move up a page.
    PageUp,
    /// Move down a page.
    PageDown,
    /// Open what is selected.
    Open,
    /// Leave.
    Quit,
    /// Give the terminal back to the shell for a while.
    Suspend,
}

/// Where a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Everywhere,
    /// While a pane has the keys, and not the prompt.
    Panes,
}

/// A key, an action, and the words for it.
#[derive(Debug)]
pub struct Binding {
    /// The action.
    pub action: Action,
    /// Where.
    pub scope: Scope,
    /// The key's name.
    pub keys: &'static str,
    /// What it does, in a word for the hint line.
    pub name: &'static str,
    /// What it does, in a sentence for the help.
    pub help: &'static str,
}

const fn binding(action: Action, scope: Scope, keys: &'static str, name: &'static str, help: &'static str) -> Binding {
    Binding { action, scope, keys, name, help }
}

/// All bindings.
pub static BINDINGS: &[Binding] = &[
    binding(Action::NextPane, Scope::Panes, "Tab", "pane", "give the keys to the next pane (in the prompt: where it is empty)"),
    binding(Action::PreviousPane, Scope::Everywhere, "Shift-Tab", "", "give the keys to the pane before"),
    binding(Action::Prompt, Scope::Panes, "Esc", "prompt", "give the keys back to the prompt"),
    binding(Action::Zoom, Scope::Panes, "z", "zoom", "give the pane the whole screen, or take it back"),
    binding(Action::Pause, Scope::Panes, "Space", "pause", "let virtual time stand still, or pass again"),
    binding(Action::Slower, Scope::Panes, "-", "slower", "let virtual time pass slower"),
    binding(Action::Faster, Scope::Panes, "+", "faster", "let virtual time pass faster"),
    binding(Action::Step, Scope::Panes, ".", "step", "while paused, go on to the next event"),
    binding(
        Action::Freeze,
        Scope::Panes,
        "f",
        "freeze",
        "let all panes show one instant while the simulation goes on; then fill in what was missed",
    ),
    binding(Action::Filter, Scope::Panes, "/", "filter", "show only the rows that contain a text"),
    binding(Action::Map, Scope::Panes, "m", "map", "switch between the matrix of round trips and the map"),
    binding(Action::Copy, Scope::Panes, "y", "copy", "copy the selected row to the clipboard"),
    binding(Action::Open, Scope::Panes, "Enter", "open", "open what is selected: a node, a transfer, a packet's connection"),
    binding(Action::Up, Scope::Panes, "Up", "", "move up"),
    binding(Action::Down, Scope::Panes, "Down", "", "move down"),
    binding(Action::PageUp, Scope::Everywhere, "PageUp", "", "move up a page; in the prompt, scroll its output"),
    binding(Action::PageDown, Scope::Everywhere, "PageDown", "", "move down a page; in the prompt, scroll its output"),
    binding(Action::Help, Scope::Everywhere, "F1", "help", "show this help; ? does it too while a pane has the keys"),
    binding(Action::Help, Scope::Panes, "?", "", "show this help"),
    binding(Action::Palette, Scope::Everywhere, "Ctrl-P", "palette", "find an action or a command and run it"),
    binding(Action::Suspend, Scope::Everywhere, "Ctrl-Z", "", "give the terminal back to the shell; `fg` returns"),
    binding(Action::Quit, Scope::Everywhere, "Ctrl-Q", "quit", "leave; where transfers run, it asks first"),
];

/// Keys that are not those of the table, by the binding's name.
pub type Keymap = BTreeMap<&'static str, String>;

impl Binding {
    /// The key in effect.
    pub fn key<'a>(&'a self, keymap: &'a Keymap) -> &'a str {
        keymap.get(self.name).map_or(self.keys, String::as_str)
    }
}

/// What a key does; in the prompt only what counts everywhere.
pub fn action_for(key: &KeyEvent, in_prompt: bool, keymap: &Keymap) -> Option<Action> {
    let name = name_of(key)?;
    let bound = |name: &str| {
        let counts = |binding: &&Binding| binding.key(keymap) == name && (binding.scope == Scope::Everywhere || !in_prompt);
        BINDINGS.iter().find(counts).map(|binding| binding.action)
    };
    // `+` is on the same key as `=` on most keyboards, and nobody wants to hold Shift for it.
    bound(&name).or_else(|| if name == "=" { bound("+") } else { None })
}

/// `Ctrl-P`, `F1`, `z`
fn name_of(key: &KeyEvent) -> Option<String> {
    let name = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => format!("Ctrl-{}", c.to_ascii_uppercase()),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::F(number) => format!("F{number}"),
        KeyCode::Tab => "Tab".into(),
        KeyCode::BackTab => "Shift-Tab".into(),
        KeyCode::Esc => "Esc".into(),
        KeyCode::Enter => "Enter".into(),
        KeyCode::Up => "Up".into(),
        KeyCode::Down => "Down".into(),
        KeyCode::PageUp => "PageUp".into(),
        KeyCode::PageDown => "PageDown".into(),
        _ => return None,
    };
    Some(name)
}
