//! The table of actions: the key of each action, the scope in which the key is active, and its texts. Key handling, the hint
//! line, the help and the palette all read this table.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::preset::Preset;

/// An action of the full-screen interface that a key triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Moves the keyboard focus to the next pane.
    NextPane,
    /// Moves the keyboard focus to the previous pane.
    PreviousPane,
    /// Moves the keyboard focus to the prompt.
    Prompt,
    /// Enlarges the focused pane to the whole screen, or restores the layout.
    Zoom,
    /// Chooses a preset of the layout.
    Preset(Preset),
    /// Opens the help dialog.
    Help,
    /// Opens the command palette.
    Palette,
    /// Pauses or resumes virtual time.
    Pause,
    /// Freezes or thaws the view; the simulation goes on meanwhile.
    Freeze,
    /// Raises the speed of virtual time by one step.
    Faster,
    /// Lowers the speed of virtual time by one step.
    Slower,
    /// Processes the next event while virtual time is paused.
    Step,
    /// Asks for a filter text; only rows that contain it are shown.
    Filter,
    /// Sorts the rows by the next column.
    Sort,
    /// Sorts the rows from the other end.
    Reverse,
    /// Opens the list of the columns, to hide and to show them.
    Columns,
    /// Opens the list of the themes.
    Theme,
    /// Copies the selected row to the clipboard.
    Copy,
    /// Switches the health pane between the matrix and the map.
    Map,
    /// Moves the selection up by one row.
    Up,
    /// Moves the selection down by one row.
    Down,
    /// Moves the selection one column to the left.
    Left,
    /// Moves the selection one column to the right.
    Right,
    /// Takes all faults back, after a question.
    HealAll,
    /// Moves the selection up by a page.
    PageUp,
    /// Moves the selection down by a page.
    PageDown,
    /// Moves the selection to the first row.
    First,
    /// Moves the selection to the last row.
    Last,
    /// Opens the meanings of keys, glyphs and terms.
    Legend,
    /// Opens the latest answer of the prompt.
    Answer,
    /// Opens the list of the steps that wait.
    Waiting,
    /// Opens the details of the selected row.
    Open,
    /// Opens the menu of what can be done with the selected row.
    Verbs,
    /// Leaves the full-screen interface.
    Quit,
    /// Gives the mouse back to the terminal, or takes it again.
    Mouse,
    /// Clears the terminal and draws everything anew.
    Redraw,
    /// Suspends the process, so that the shell has the terminal until `fg`.
    Suspend,
}

impl Action {
    /// Returns true if the action is about the passing of time, which is of use where a picture is watched that changes.
    pub const fn is_of_time(self) -> bool {
        matches!(self, Action::Pause | Action::Freeze | Action::Faster | Action::Slower | Action::Step)
    }
}

/// The part of the screen in which a key is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Active in the panes and in the prompt.
    Everywhere,
    /// Active only while a pane other than the prompt has the keyboard focus.
    Panes,
}

/// An entry of the action table: a key, its action and its texts.
#[derive(Debug)]
pub struct Binding {
    /// Action that the key triggers.
    pub action: Action,
    /// Part of the screen in which the key is active.
    pub scope: Scope,
    /// Name of the default key, such as `Ctrl-P`.
    pub keys: &'static str,
    /// Name of the action in the hint line and the palette; empty if the hint line omits it.
    pub name: &'static str,
    /// Description of the action in the help.
    pub help: &'static str,
}

const fn binding(action: Action, scope: Scope, keys: &'static str, name: &'static str, help: &'static str) -> Binding {
    Binding { action, scope, keys, name, help }
}

/// The table of all bindings, in the order of the hint line and the help.
pub static BINDINGS: &[Binding] = &[
    binding(Action::NextPane, Scope::Panes, "Tab", "pane", "focus the next pane (in the prompt: if it is empty)"),
    binding(Action::PreviousPane, Scope::Everywhere, "Shift-Tab", "", "focus the previous pane"),
    binding(Action::Prompt, Scope::Panes, "Esc", "prompt", "focus the prompt"),
    binding(Action::HealAll, Scope::Panes, "H", "heal all", "take all faults back that are on; asks first"),
    binding(Action::Verbs, Scope::Panes, "x", "act", "choose what to do with the selected row"),
    binding(Action::Zoom, Scope::Panes, "z", "zoom", "give the pane the whole screen, or take it back"),
    binding(Action::Pause, Scope::Panes, "Space", "pause", "pause or resume virtual time"),
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
    binding(Action::Filter, Scope::Panes, "/", "filter", "show only the rows that contain a text; Enter keeps it, Esc clears it"),
    binding(
        Action::Sort,
        Scope::Panes,
        "S",
        "sort",
        "sort the rows by the next column, which its heading marks; after the last one as before",
    ),
    binding(Action::Reverse, Scope::Panes, "I", "invert", "sort the rows from the other end"),
    binding(Action::Columns, Scope::Panes, "C", "columns", "choose which columns the pane shows"),
    binding(Action::Map, Scope::Panes, "m", "map", "switch between the matrix of round trips and the map"),
    binding(Action::Copy, Scope::Panes, "y", "copy", "copy the selected row to the clipboard"),
    binding(Action::Open, Scope::Panes, "Enter", "open", "open what is selected: a node, a transfer, a packet's connection"),
    binding(Action::Up, Scope::Panes, "Up", "", "move up"),
    binding(Action::Down, Scope::Panes, "Down", "", "move down"),
    binding(Action::Up, Scope::Panes, "k", "", "move up"),
    binding(Action::Down, Scope::Panes, "j", "", "move down"),
    binding(Action::First, Scope::Panes, "g", "", "go to the first row"),
    binding(Action::First, Scope::Panes, "Home", "", "go to the first row"),
    binding(Action::Last, Scope::Panes, "G", "", "go to the last row"),
    binding(Action::Last, Scope::Panes, "End", "", "go to the last row"),
    binding(Action::Left, Scope::Panes, "Left", "", "move to the left, in the matrix of round trips"),
    binding(Action::Right, Scope::Panes, "Right", "", "move to the right, in the matrix of round trips"),
    binding(Action::PageUp, Scope::Everywhere, "PageUp", "", "move up a page; in the prompt, scroll its output"),
    binding(Action::PageDown, Scope::Everywhere, "PageDown", "", "move down a page; in the prompt, scroll its output"),
    binding(
        Action::Help,
        Scope::Everywhere,
        "F1",
        "help",
        "show this help; ? does it too while a pane has the keys, and in a dialog F1 shows what its keys do",
    ),
    binding(Action::Help, Scope::Panes, "?", "", "show this help"),
    binding(Action::Palette, Scope::Everywhere, "Ctrl-P", "palette", "find an action, a command or a word of the screen"),
    binding(Action::Legend, Scope::Everywhere, "F9", "legend", "show what the keys, glyphs and terms of the screen mean"),
    binding(Action::Waiting, Scope::Everywhere, "F7", "waiting", "list what waits, and drop a step of it"),
    binding(Action::Answer, Scope::Everywhere, "F8", "answer", "open the latest answer: scroll, search, copy"),
    binding(Action::Zoom, Scope::Everywhere, "F6", "", "give the pane the whole screen, or take it back; in the prompt too"),
    binding(Action::Preset(Preset::Overview), Scope::Everywhere, "F2", "overview", "show all panes"),
    binding(Action::Preset(Preset::Transfer), Scope::Everywhere, "F3", "transfer", "show transfers and their segments"),
    binding(Action::Preset(Preset::Network), Scope::Everywhere, "F4", "network", "show nodes, round trips and packets"),
    binding(
        Action::Preset(Preset::Files),
        Scope::Everywhere,
        "F5",
        "files",
        "show what is stored, on which nodes, and transfers",
    ),
    binding(Action::Theme, Scope::Panes, "T", "theme", "choose the colours of the screen"),
    binding(
        Action::Mouse,
        Scope::Everywhere,
        "Ctrl-T",
        "",
        "give the mouse to the terminal, to select text with it, or take it back",
    ),
    binding(
        Action::Redraw,
        Scope::Everywhere,
        "Ctrl-L",
        "",
        "draw the whole screen anew, where something else has written on it",
    ),
    binding(Action::Suspend, Scope::Everywhere, "Ctrl-Z", "", "give the terminal back to the shell; `fg` returns"),
    binding(Action::Quit, Scope::Everywhere, "Ctrl-Q", "quit", "leave; where transfers run, it asks first"),
];

/// Name of a key, and what the key does at the moment.
pub type KeyHint = (&'static str, &'static str);

/// Configured keys that replace those of the table, indexed by [`Binding::name`].
pub type Keymap = BTreeMap<&'static str, String>;

impl Binding {
    /// Returns the name of the key in effect: the configured one, or else that of the table.
    pub fn key<'a>(&'a self, keymap: &'a Keymap) -> &'a str {
        keymap.get(self.name).map_or(self.keys, String::as_str)
    }
}

/// Returns the action of a key; in the prompt only bindings of [`Scope::Everywhere`] apply.
pub fn action_for(key: &KeyEvent, in_prompt: bool, keymap: &Keymap) -> Option<Action> {
    let name = name_of(key)?;
    let bound = |name: &str| {
        let counts = |binding: &&Binding| binding.key(keymap) == name && (binding.scope == Scope::Everywhere || !in_prompt);
        BINDINGS.iter().find(counts).map(|binding| binding.action)
    };
    // `+` and `=` share a key on most keyboards, so that `+` needs no Shift.
    bound(&name).or_else(|| if name == "=" { bound("+") } else { None })
}

/// Returns the name of a key as the table spells it: `Ctrl-P`, `F1`, `z`.
pub fn name_of(key: &KeyEvent) -> Option<String> {
    let name = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => format!("Ctrl-{}", c.to_ascii_uppercase()),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::F(number) => format!("F{number}"),
        KeyCode::Tab => "Tab".into(),
        KeyCode::BackTab => "Shift-Tab".into(),
        KeyCode::Esc => "Esc".into(),
        KeyCode::Enter => "Enter".into(),
        KeyCode::Home => "Home".into(),
        KeyCode::End => "End".into(),
        KeyCode::Up => "Up".into(),
        KeyCode::Down => "Down".into(),
        KeyCode::Left => "Left".into(),
        KeyCode::Right => "Right".into(),
        KeyCode::PageUp => "PageUp".into(),
        KeyCode::PageDown => "PageDown".into(),
        _ => return None,
    };
    Some(name)
}

#[cfg(test)]
mod tests {
    use p2p_service::config::Config;

    use super::*;

    /// A key whose action has no name in `[keys]` is refused there for every other action, which would take it away without a word.
    #[test]
    fn fixed_keys_are_refused_for_other_actions() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p2p.toml");
        let named = Config::built_in().unwrap().keymap().unwrap();
        for binding in BINDINGS.iter().filter(|binding| !named.contains_key(binding.name)) {
            std::fs::write(&path, format!("[keys]\nzoom = \"{}\"\n", binding.keys)).unwrap();
            assert!(Config::load(Some(&path)).is_err(), "{} is not refused", binding.keys);
        }
    }
}
