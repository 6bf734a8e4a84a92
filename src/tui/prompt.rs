//! The prompt: a line, its history, a menu of completions, a hint, and the output of commands. Independent of the drawing and of
//! the commands.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use p2p_base::message::legible;
use p2p_base::spelling::visible_lines;
use p2p_shell::answer::View;
use p2p_shell::complete::{self, Completion, Knowledge};
use p2p_shell::history::History;

use super::answers::{Answers, Piece};
use super::editor::{Edit, Editor, edit_for};
use super::theme::Role;

/// Maximum number of lines of output that are kept.
const OUTPUT_MAX: usize = 5_000;
/// Number of lines beyond which the oldest are dropped at once: dropping one for each that comes would move all others each time.
const OUTPUT_SURPLUS: usize = 500;

/// Number of looks without an input between them after which an answer may rest.
const RESTS_AFTER: u8 = 6;

/// The result of handling a key.
#[derive(Debug, PartialEq, Eq)]
pub enum PromptEffect {
    /// The prompt has handled the key.
    Taken,
    /// The line is to be carried out.
    Run(String),
    /// The key has no meaning in the prompt.
    Ignored,
    /// The line was discarded with Ctrl-C.
    Interrupted,
    /// The input has ended with Ctrl-D on an empty line.
    EndOfInput,
}

/// A menu of completions.
#[derive(Debug)]
pub struct Menu {
    /// Candidates that the menu offers.
    pub completion: Completion,
    /// Index of the selected candidate.
    pub selected: usize,
}

/// A backward search through the history.
#[derive(Debug, Default)]
pub struct Search {
    /// Text that is searched for.
    pub text: String,
    /// Number of newer matching lines that were skipped.
    skip: usize,
}

/// Whether the latest answer has rows of its own, or only those that other panes leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rest {
    /// Number of looks since the latest input or answer.
    looks: u8,
    is_resting: bool,
}

impl Rest {
    /// Returns true if the answer has given its rows back.
    pub const fn is_resting(self) -> bool {
        self.is_resting
    }

    /// Gives the answer its rows again, since it is new or is asked for.
    pub fn end(&mut self) {
        *self = Rest::default();
    }

    /// Lets the answer give its rows back, since something else is looked at.
    pub fn begin(&mut self) {
        self.is_resting = true;
    }

    /// Takes in that the user is there.
    pub fn put_off(&mut self) {
        self.looks = 0;
    }

    /// Counts a look at the idle screen; returns true if nothing was done for so many that the answer may rest.
    pub fn is_due(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        !self.is_resting && self.looks > RESTS_AFTER
    }
}

/// The state of the prompt.
#[derive(Debug, Default)]
pub struct Prompt {
    /// Editor of the line that is being typed.
    pub editor: Editor,
    /// Menu of completions, while it is open.
    pub menu: Option<Menu>,
    /// True if the latest key was to complete a word, and nothing completes it.
    pub is_incompletable: bool,
    /// Search through the history, while it is active.
    pub search: Option<Search>,
    /// Lines of output with the roles of their colours, oldest first.
    pub output: Vec<(Role, String)>,
    /// Number of rows on the screen by which the output is scrolled up.
    pub scroll: usize,
    /// True if the latest line was run by a key of another pane which has had the keys since, so that its answer is what is looked for.
    pub is_asked_aside: bool,
    /// Whether the latest answer has rows of its own still.
    pub rest: Rest,
    /// Number of the latest lines of the output that were said since the latest input.
    said: usize,
    /// The answers among the output.
    answers: Answers,
    history: History,
    /// Position of the history line that is shown, counted from the latest, and the text that was typed before.
    browsing: Option<(usize, String)>,
}

impl Prompt {
    /// Creates a prompt with a history.
    pub fn with_history(history: History) -> Prompt {
        Prompt { history, ..Prompt::default() }
    }

    /// Returns the lines of the history, oldest first.
    pub fn history(&self) -> &[String] {
        self.history.lines()
    }

    /// Returns the output since the latest line that was run, with that line.
    pub fn answer(&self) -> &[(Role, String)] {
        &self.output[self.answer_start()..]
    }

    fn answer_start(&self) -> usize {
        self.output.iter().rposition(|(role, _)| *role == Role::Accent).unwrap_or(0)
    }

    /// Returns the same without the first so many lines, in pieces that can be laid out anew.
    pub fn answer_pieces(&self, skipped: usize) -> Vec<Piece> {
        let from = self.answer_start() + skipped;
        self.answers.pieces(from, self.output.iter().skip(from).map(|(_, line)| line.as_str()))
    }

    /// Appends an answer as a text of a width to the output; returns the number of its lines. Sentences stay as they are: the pane wraps
    /// them to the width that it has, which may change.
    pub fn say_answer(&mut self, view: &View, width: Option<u16>) -> usize {
        let text = match view {
            View::Text(text) if !text.lines().any(|line| line.starts_with(' ')) => text.clone(),
            _ => view.text_within(width),
        };
        let count = text.lines().count();
        self.say(Role::Text, &text);
        if let Some(first) = self.output.len().checked_sub(count) {
            self.answers.add(first, count, view.clone());
        }
        count
    }

    /// Takes in that there was an input: what is said from now on is news.
    pub fn begin_news(&mut self) {
        self.said = 0;
    }

    /// Returns the latest line that was said since the latest input, with its role; `None` if there is none.
    pub fn news(&self) -> Option<&(Role, String)> {
        let first = self.output.len().saturating_sub(self.said);
        self.output[first..].iter().rfind(|(_, line)| !line.trim().is_empty())
    }

    /// Removes the output.
    pub fn clear(&mut self) {
        self.answers.lose(self.output.len());
        self.output.clear();
    }

    /// Takes over the output of another prompt.
    pub fn take_output(&mut self, other: &mut Prompt) {
        (self.output, self.answers) = (std::mem::take(&mut other.output), std::mem::take(&mut other.answers));
    }

    /// Appends text to the output, and scrolls to its end.
    pub fn say(&mut self, role: Role, text: &str) {
        // What a path or a typed line contains is spelled out rather than carried out by a terminal.
        let text = match role {
            // An error quotes it, and the rest of the error is what is to be read.
            Role::Bad | Role::Warning => legible(text).into(),
            _ => visible_lines(text),
        };
        let before = self.output.len();
        self.output.extend(text.lines().map(|line| (role, line.replace('\t', "    "))));
        self.said += self.output.len() - before;
        let surplus = self.output.len().saturating_sub(OUTPUT_MAX);
        if surplus > OUTPUT_SURPLUS {
            self.output.drain(..surplus);
            self.answers.lose(surplus);
        }
        self.scroll = 0;
    }

    /// Returns the rest of the history line that the typed text begins.
    pub fn hint(&self) -> Option<&str> {
        let at_end = self.editor.cursor() == self.editor.text().len();
        let latest_first = self.history().iter().rev().map(String::as_str);
        if at_end { complete::history_hint(self.editor.text(), latest_first) } else { None }
    }

    /// Returns the history line that the search has found.
    pub fn found(&self) -> Option<&str> {
        let search = self.search.as_ref()?;
        let fits = self.history().iter().rev().filter(|line| line.contains(&search.text));
        fits.map(String::as_str).nth(search.skip)
    }

    /// Inserts a pasted text; returns false if it is too long.
    pub fn paste(&mut self, text: &str) -> bool {
        self.menu = None;
        let fits = self.editor.has_room_for(text);
        self.editor.apply(&Edit::Insert(text.to_owned()));
        fits
    }

    /// Handles a key. `known` returns the names that completion offers.
    pub fn handle(&mut self, key: &KeyEvent, known: impl Fn() -> Knowledge) -> PromptEffect {
        self.is_incompletable = false;
        if self.search.is_some() {
            return self.handle_search(key);
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => {
                self.menu = None;
                self.editor.take();
                return PromptEffect::Interrupted;
            }
            KeyCode::Char('d') if control && self.editor.is_empty() => return PromptEffect::EndOfInput,
            KeyCode::Char('r') if control => self.search = Some(Search::default()),
            KeyCode::Tab if self.editor.is_empty() && self.menu.is_none() => return PromptEffect::Ignored,
            KeyCode::Tab => self.complete(known),
            KeyCode::BackTab if self.menu.is_some() => self.choose(-1),
            KeyCode::Esc if self.menu.is_some() => self.menu = None,
            KeyCode::Up if self.menu.is_some() => self.choose(-1),
            KeyCode::Down if self.menu.is_some() => self.choose(1),
            KeyCode::Up => self.browse(1),
            KeyCode::Down => self.browse(-1),
            KeyCode::Char('p') if key.modifiers.contains(KeyModifiers::ALT) => self.browse(1),
            KeyCode::Enter if self.menu.is_some() => self.accept(),
            KeyCode::Enter => return self.run(),
            KeyCode::Right | KeyCode::End if self.hint().is_some() => self.accept_hint(),
            _ => return self.edit(key),
        }
        PromptEffect::Taken
    }

    fn edit(&mut self, key: &KeyEvent) -> PromptEffect {
        let Some(edit) = edit_for(key) else { return PromptEffect::Ignored };
        self.menu = None;
        self.browsing = None;
        self.editor.apply(&edit);
        PromptEffect::Taken
    }

    fn run(&mut self) -> PromptEffect {
        self.browsing = None;
        let line = self.editor.take();
        if line.trim().is_empty() {
            return PromptEffect::Taken;
        }
        self.remember(&line);
        PromptEffect::Run(line)
    }

    /// Adds a line to the history.
    pub fn remember(&mut self, line: &str) {
        self.history.remember(line);
    }

    /// Completes the word by the common prefix of all candidates, and opens the menu if several remain; in an open menu, selects
    /// the next candidate.
    fn complete(&mut self, known: impl Fn() -> Knowledge) {
        if self.menu.is_some() {
            return self.choose(1);
        }
        let completion = complete::complete(self.editor.text(), self.editor.cursor(), &known());
        match completion.candidates.as_slice() {
            [] => self.is_incompletable = true,
            [only] => {
                let end = if only.goes_on() { "" } else { " " };
                self.editor.replace_before_cursor(completion.start, &format!("{}{end}", only.text));
            }
            _ => {
                let typed = self.editor.text()[completion.start..self.editor.cursor()].len();
                let common = completion.common_prefix().to_owned();
                if common.len() > typed {
                    self.editor.replace_before_cursor(completion.start, &common);
                }
                self.menu = Some(Menu { completion, selected: 0 });
            }
        }
    }

    fn choose(&mut self, step: isize) {
        if let Some(menu) = &mut self.menu {
            let count = menu.completion.candidates.len() as isize;
            menu.selected = (menu.selected as isize + step).rem_euclid(count.max(1)) as usize;
        }
    }

    fn accept(&mut self) {
        let Some(menu) = self.menu.take() else { return };
        if let Some(chosen) = menu.completion.candidates.get(menu.selected) {
            let end = if chosen.goes_on() { "" } else { " " };
            self.editor.replace_before_cursor(menu.completion.start, &format!("{}{end}", chosen.text));
        }
    }

    fn accept_hint(&mut self) {
        if let Some(hint) = self.hint().map(str::to_owned) {
            // As it is in the history: a paste would turn other blanks into ordinary ones.
            self.editor.replace_before_cursor(self.editor.cursor(), &hint);
        }
    }

    /// Shows an older line of the history, or a newer one.
    fn browse(&mut self, step: isize) {
        let (place, typed) = self.browsing.take().unwrap_or((0, self.editor.text().to_owned()));
        let place = place.saturating_add_signed(step).min(self.history().len());
        let shown = match place {
            0 => typed.clone(),
            place => self.history()[self.history().len() - place].clone(),
        };
        self.editor.set(&shown);
        self.browsing = (place > 0).then_some((place, typed));
    }

    fn handle_search(&mut self, key: &KeyEvent) -> PromptEffect {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let found = self.found().map(str::to_owned);
        let Some(search) = &mut self.search else { return PromptEffect::Ignored };
        match key.code {
            KeyCode::Char('r') if control => search.skip += usize::from(found.is_some()),
            KeyCode::Char(c) if !control => {
                search.text.push(c);
                search.skip = 0;
            }
            KeyCode::Backspace => {
                search.text.pop();
                search.skip = 0;
            }
            KeyCode::Esc | KeyCode::Char('c' | 'g') => self.search = None,
            _ => {
                self.search = None;
                if let Some(found) = found {
                    self.editor.set(&found);
                }
                return match key.code {
                    KeyCode::Enter => self.run(),
                    // Help, leaving and the like do what they do elsewhere.
                    KeyCode::F(_) | KeyCode::Char(_) => PromptEffect::Ignored,
                    _ => PromptEffect::Taken,
                };
            }
        }
        PromptEffect::Taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    /// A sentence that was said in a narrow place is one line for a wider one; what is indented is laid out once.
    #[test]
    fn sentences_are_wrapped_by_the_pane() {
        let mut prompt = Prompt::default();
        assert_eq!(prompt.say_answer(&View::Text("one two three four\nfive".into()), Some(10)), 2);
        assert_eq!(prompt.say_answer(&View::Text("one\n  two three four".into()), Some(10)), 4);
        let lines: Vec<&str> = prompt.output.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, ["one two three four", "five", "one", "  two", "  three", "  four"]);
    }

    #[test]
    fn what_would_command_a_terminal_is_spelled_out() {
        let mut prompt = Prompt::default();
        prompt.say(Role::Text, "a\u{202e}b\tc\u{1b}[2J\nnext");
        let lines: Vec<&str> = prompt.output.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, ["a\\u{202e}b    c\\u{1b}[2J", "next"]);
    }

    fn type_in(prompt: &mut Prompt, text: &str) {
        for c in text.chars() {
            assert_eq!(prompt.handle(&key(KeyCode::Char(c)), Knowledge::default), PromptEffect::Taken);
        }
    }

    fn press(prompt: &mut Prompt, code: KeyCode) -> PromptEffect {
        prompt.handle(&key(code), Knowledge::default)
    }

    fn control(prompt: &mut Prompt, c: char) -> PromptEffect {
        prompt.handle(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL), Knowledge::default)
    }

    #[test]
    fn lines_are_run_and_remembered() {
        let mut prompt = Prompt::default();
        type_in(&mut prompt, "ls");
        assert_eq!(press(&mut prompt, KeyCode::Enter), PromptEffect::Run("ls".into()));
        type_in(&mut prompt, "nodes");
        assert_eq!(press(&mut prompt, KeyCode::Enter), PromptEffect::Run("nodes".into()));
        type_in(&mut prompt, "he");
        press(&mut prompt, KeyCode::Up);
        press(&mut prompt, KeyCode::Up);
        press(&mut prompt, KeyCode::Up);
        assert_eq!(prompt.editor.text(), "ls");
        (0..3).for_each(|_| drop(press(&mut prompt, KeyCode::Down)));
        assert_eq!(prompt.editor.text(), "he");
        assert_eq!(control(&mut prompt, 'c'), PromptEffect::Interrupted);
        assert_eq!(control(&mut prompt, 'd'), PromptEffect::EndOfInput);
    }

    #[test]
    fn completion_goes_as_far_as_all_agree_and_then_asks() {
        let mut prompt = Prompt::default();
        type_in(&mut prompt, "upl");
        press(&mut prompt, KeyCode::Tab);
        assert_eq!(prompt.editor.text(), "upload");
        prompt.editor.take();
        type_in(&mut prompt, "dow");
        press(&mut prompt, KeyCode::Tab);
        assert_eq!(prompt.editor.text(), "download ");
        prompt.editor.take();
        type_in(&mut prompt, "s");
        press(&mut prompt, KeyCode::Tab);
        assert!(prompt.menu.as_ref().unwrap().completion.candidates.len() > 3);
        press(&mut prompt, KeyCode::Down);
        press(&mut prompt, KeyCode::Enter);
        assert!(!prompt.is_incompletable);
        type_in(&mut prompt, "nothing-so-named");
        press(&mut prompt, KeyCode::Tab);
        // It is said until the next key.
        assert!(prompt.is_incompletable && prompt.menu.is_none());
        (0.."nothing-so-named".len()).for_each(|_| drop(press(&mut prompt, KeyCode::Backspace)));
        assert!(!prompt.is_incompletable);
        assert!(prompt.menu.is_none() && prompt.editor.text().ends_with(' '));
        assert_eq!(prompt.handle(&key(KeyCode::F(5)), Knowledge::default), PromptEffect::Ignored);
    }

    #[test]
    fn hints_and_searches_come_from_the_history() {
        let mut prompt = Prompt::with_history(vec!["upload a.bin".into(), "ls".into(), "upload b.bin".into()].into());
        type_in(&mut prompt, "upl");
        assert_eq!(prompt.hint(), Some("oad b.bin"));
        press(&mut prompt, KeyCode::Right);
        assert_eq!(prompt.editor.text(), "upload b.bin");
        control(&mut prompt, 'r');
        type_in(&mut prompt, "upload");
        assert_eq!(prompt.found(), Some("upload b.bin"));
        control(&mut prompt, 'r');
        assert_eq!(prompt.found(), Some("upload a.bin"));
        assert_eq!(press(&mut prompt, KeyCode::Enter), PromptEffect::Run("upload a.bin".into()));
    }
}
