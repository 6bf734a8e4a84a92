//! Keys, pasted texts and the mouse: which part of the screen takes an input.

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use p2p_base::units::ByteSize;
use p2p_shell::complete::Knowledge;
use p2p_shell::words::commands_of;
use ratatui::layout::{Margin, Position};
use secrecy::zeroize::Zeroizing;

use super::{App, Pane, TerminalRequest};
use crate::tui::action::{self, Action};
use crate::tui::dialog::{Choice, Dialog, DialogEffect};
use crate::tui::editor::{Edit, LINE_MAX, edit_for};
use crate::tui::prompt::PromptEffect;
use crate::tui::theme::Role;
use crate::tui::welcome::Offer;

impl App {
    /// Handles an input event of the terminal.
    pub fn on_input(&mut self, input: Input) {
        if !matches!(input, Input::Resize(..) | Input::FocusGained | Input::FocusLost) {
            self.remark = None;
            self.prompt_mut().rest.put_off();
            self.prompt_mut().begin_news();
        }
        let input = match input {
            // The text may be a password, so that it is erased after use.
            Input::Paste(text) => Input::Paste(std::mem::take(&mut *with_line_feeds(&Zeroizing::new(text)))),
            input => input,
        };
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.on_key(&key),
            // What is typed into a form of the tour is typed by its users.
            Input::Paste(_) if self.is_form_of_tour() => {}
            Input::Paste(_) if self.is_tour_typing() && self.dialogs.is_empty() && !self.is_filter_typed() => {
                self.hold_back(input)
            }
            Input::Paste(text) => {
                let text = Zeroizing::new(text);
                match self.dialogs.last_mut() {
                    Some(Dialog::Welcome(_)) => {
                        self.leave_for_prompt();
                        self.paste(&text);
                    }
                    Some(dialog) => {
                        let fits = dialog.paste(&text);
                        self.remark_on_search(fits);
                    }
                    None => self.paste(&text),
                }
            }
            Input::Mouse(mouse) => self.on_mouse(mouse),
            _ => {}
        }
    }

    fn on_key(&mut self, key: &KeyEvent) {
        if self.on_tour_key(key) {
            return;
        }
        if !self.dialogs.is_empty() && self.is_help(key) {
            return self.explain_dialog();
        }
        if self.dialogs.last().is_some_and(|dialog| !dialog.takes(key))
            && let Some(action @ (Action::Quit | Action::Suspend | Action::Redraw)) = action::action_for(key, true, &self.keymap)
        {
            return self.act(action);
        }
        if let Some(Dialog::Connection(_) | Dialog::Path(_)) = self.dialogs.last()
            && let Some(action) = action::action_for(key, false, &self.keymap).filter(|action| action.is_of_time())
        {
            return self.act(action);
        }
        if let Some(dialog) = self.dialogs.last_mut() {
            match dialog.handle(key) {
                DialogEffect::Passed => self.pass_on(key),
                effect => self.on_dialog(effect),
            }
            return;
        }
        if self.workspace.focus() == Pane::Prompt { self.on_key_in_prompt(key) } else { self.on_key_in_pane(key) }
    }

    /// Returns true if a key asks for help where texts are typed, too.
    pub(super) fn is_help(&self, key: &KeyEvent) -> bool {
        edit_for(key).is_none() && action::action_for(key, true, &self.keymap) == Some(Action::Help)
    }

    /// Takes in what a key or a click has done to the open dialog.
    fn on_dialog(&mut self, effect: DialogEffect) {
        match effect {
            DialogEffect::Stay | DialogEffect::Passed => {}
            DialogEffect::Close => drop(self.dialogs.pop()),
            DialogEffect::Chosen(choice) => {
                self.dialogs.pop();
                self.choose(choice);
            }
            DialogEffect::Copied(text) => self.terminal_requests.push(TerminalRequest::Copy(text)),
        }
    }

    /// Closes the dialog for a key that has no meaning there, if it has one at the prompt: a character begins a command, and keys of actions
    /// do what they do. Other keys do nothing.
    fn pass_on(&mut self, key: &KeyEvent) {
        let is_typed =
            matches!(key.code, KeyCode::Char(_)) && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        if is_typed || action::action_for(key, true, &self.keymap).is_some() {
            self.leave_for_prompt();
            self.type_on(key);
        }
    }

    /// Closes the dialog in favour of the prompt. Whoever types a command at the first start looks around.
    fn leave_for_prompt(&mut self) {
        if let Some(Dialog::Welcome(_)) = self.dialogs.pop() {
            self.choose(Choice::Begin(Offer::LookAround));
        }
    }

    /// Passes a key to the prompt; the colon only goes there.
    fn type_on(&mut self, key: &KeyEvent) {
        self.act(Action::Prompt);
        if key.code != KeyCode::Char(':') {
            self.on_key_in_prompt(key);
        }
    }

    fn on_key_in_prompt(&mut self, key: &KeyEvent) {
        if !self.is_tour_typing() && self.on_prompt_key(key) {
            return;
        }
        match action::action_for(key, true, &self.keymap) {
            Some(action) => self.act(action),
            None if key.code == KeyCode::Tab => self.act(Action::NextPane),
            None if key.code == KeyCode::Esc => self.act(Action::Prompt),
            None => self.hold_back(Input::Key(*key)),
        }
    }

    fn on_key_in_pane(&mut self, key: &KeyEvent) {
        self.keep_selection();
        let focus = self.workspace.focus();
        let list = self.panes.get_mut(focus).list_mut();
        if list.is_typing() && list.handle(key) {
            if !list.is_typing() {
                self.store_settings();
            }
            return self.follow_selection(focus);
        }
        list.type_filter(false);
        let is_filtered = !list.filter().is_empty();
        match action::action_for(key, false, &self.keymap) {
            Some(Action::Prompt) if key.code == KeyCode::Esc && is_filtered => {
                list.clear_filter();
                self.store_settings();
            }
            Some(action) => self.act(action),
            None => {
                let name = action::name_of(key).unwrap_or_default();
                let verbs = self.with_pane(focus, |pane, scene| pane.verbs(scene));
                if let Some(verb) = verbs.into_iter().find(|verb| verb.key == name && !name.is_empty()) {
                    return self.carry_out(verb.deed);
                }
                if self.panes.get(focus).keys().contains(&name.as_str()) {
                    self.remark = Some("nothing here that this key concerns");
                    return;
                }
                self.on_free_key(key);
            }
        }
    }

    /// Handles a key that has no meaning in the focused pane: a digit focuses another pane, a letter begins a command.
    fn on_free_key(&mut self, key: &KeyEvent) {
        let KeyCode::Char(c) = key.code else { return };
        let pane = c.to_digit(10).and_then(|digit| Pane::ALL.get((digit as usize).checked_sub(1)?));
        match pane {
            Some(&pane) => self.focus_on(pane),
            None if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {}
            None => self.type_on(key),
        }
    }

    /// Returns true while the filter of the focused pane is typed.
    pub(super) fn is_filter_typed(&self) -> bool {
        self.panes.get(self.workspace.focus()).list().is_typing()
    }

    /// Returns the name of the mode: where the keys go.
    pub fn mode(&self) -> &'static str {
        let focus = self.workspace.focus();
        match self.dialogs.last() {
            Some(dialog) => dialog.mode(),
            None if self.is_filter_typed() => "FILTER",
            None if focus != Pane::Prompt => "PANE",
            None if self.prompt().search.is_some() => "SEARCH",
            None => "PROMPT",
        }
    }

    /// Handles a key in the prompt; returns false if the prompt does not use it.
    fn on_prompt_key(&mut self, key: &KeyEvent) -> bool {
        let (access, table) = (self.access().clone(), self.shell.table().clone());
        let is_typing = !self.prompt().editor.is_empty();
        match self.prompt_mut().handle(key, || Knowledge::of_access(&access, &table, access.user_names_at_once())) {
            PromptEffect::Taken => {}
            PromptEffect::Run(line) => self.run(&line),
            PromptEffect::EndOfInput => self.quit(false),
            // Ctrl-C discards what is typed, and ends nothing.
            PromptEffect::Interrupted if is_typing => {}
            PromptEffect::Interrupted => self.say_how_to_end(),
            PromptEffect::Ignored => return false,
        }
        true
    }

    fn on_mouse(&mut self, mouse: MouseEvent) {
        let position = Position::new(mouse.column, mouse.row);
        if let Some(dialog) = self.dialogs.last_mut() {
            if mouse.kind == MouseEventKind::Down(MouseButton::Left) {
                let effect = dialog.click(position);
                self.on_dialog(effect);
            }
            return;
        }
        let Some((pane, area)) = self.workspace.under(position) else { return };
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let inner = area.inner(Margin::new(1, 1));
                let is_selected = self.with_pane(pane, |pane, scene| pane.select_at(scene, inner, position));
                self.focus_on(pane);
                if is_selected {
                    self.follow_selection(pane);
                }
            }
            MouseEventKind::ScrollUp => self.scroll(pane, -3),
            MouseEventKind::ScrollDown => self.scroll(pane, 3),
            _ => {}
        }
    }

    /// Says so if a pasted text did not fit into what is searched or filtered by.
    fn remark_on_search(&mut self, fits: bool) {
        self.remark = (!fits).then_some("nothing is pasted: it is too long to be searched for");
    }

    /// Pastes a text into the filter that is being typed, or else into the prompt. The commands of several lines are joined,
    /// without their comments.
    fn paste(&mut self, text: &str) {
        if self.is_filter_typed() {
            let list = self.panes.get_mut(self.workspace.focus()).list_mut();
            let fits = list.has_room_for(text);
            list.edit(&Edit::Insert(text.to_owned()));
            return self.remark_on_search(fits);
        }
        self.focus_on(Pane::Prompt);
        let lines: Vec<String> = commands_of(text).into_iter().map(|(_, command)| command).collect();
        let line = if text.trim_end().contains('\n') { lines.join("; ") } else { text.to_owned() };
        if !self.prompt_mut().paste(&line) {
            let limit = ByteSize::from_bytes(LINE_MAX as u64).human();
            let text =
                format!("that is too long for a line, which takes {limit}; `p2p run FILE` carries out scripts of any length");
            self.say(Role::Bad, &text);
        }
    }
}

/// Returns a pasted text whose lines end in line feeds. Terminals send the ends of lines as carriage returns, and texts of other systems have
/// both.
fn with_line_feeds(text: &str) -> Zeroizing<String> {
    // It does not grow, so that no copy is left behind.
    let mut unified = Zeroizing::new(String::with_capacity(text.len()));
    let mut after_return = false;
    for c in text.chars() {
        if !(c == '\n' && after_return) {
            unified.push(if c == '\r' { '\n' } else { c });
        }
        after_return = c == '\r';
    }
    unified
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_pasted_texts_end_in_line_feeds() {
        for (pasted, text) in
            [("a\rb", "a\nb"), ("a\r\nb\r\n", "a\nb\n"), ("a\n\rb\r\r\n", "a\n\nb\n\n"), ("", ""), ("é\n", "é\n")]
        {
            assert_eq!(*with_line_feeds(pasted), text, "{pasted:?}");
        }
    }
}
