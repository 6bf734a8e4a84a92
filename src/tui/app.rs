//! What the screen shows and what keys do to it, without a terminal: everything here can be driven by a test.
//!
//! Knows the engine through its handle, and nothing of how things are drawn.

mod acts;
mod freezing;
mod lines;
mod running;
mod touring;
mod users;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crossterm::event::{Event as Input, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};
use secrecy::zeroize::Zeroizing;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use self::freezing::Meanwhile;
use self::lines::Lines;
use self::users::FileCount;
use super::action::{self, Action, Keymap};
use super::dialog::{self, Dialog};
use super::panes;
use super::prompt::{self, Prompt};
use super::theme::{Role, Theme};
use super::tour::Tour;
use super::words;
use crate::access::{AccessError, Who};
use crate::engine::transfer::TransferId;
use crate::engine::{Event, Snapshot};
use crate::history::Histories;
use crate::shell::answer::Answer;
use crate::shell::complete::Knowledge;
use crate::shell::words::{Variables, commands_of};
use crate::shell::{Shell, ShellError};
use crate::units::SimTime;

/// Lines of the log that are kept.
const LOG_MAX: usize = 2_000;

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pane {
    /// The nodes.
    Nodes,
    /// The health map.
    Health,
    /// The transfers.
    Transfers,
    /// The segments of the selected transfer.
    Segments,
    /// The packets.
    Wire,
    /// Events in words.
    Log,
    /// The prompt and its output.
    Prompt,
}

impl Pane {
    /// Every pane, in the order in which the keys go round.
    pub const ALL: [Pane; 7] = [Pane::Nodes, Pane::Health, Pane::Transfers, Pane::Segments, Pane::Wire, Pane::Log, Pane::Prompt];

    /// Its heading.
    pub const fn name(self) -> &'static str {
        match self {
            Pane::Nodes => "Nodes",
            Pane::Health => "Health",
            Pane::Transfers => "Transfers",
            Pane::Segments => "Segments",
            Pane::Wire => "Wire",
            Pane::Log => "Log",
            Pane::Prompt => "Prompt",
        }
    }
}

/// What a task tells the screen: for whoever used it when the task was begun, and for nobody else.
#[derive(Debug)]
pub struct Message {
    visit: u64,
    news: News,
}

/// What there is to tell.
#[derive(Debug)]
pub enum News {
    /// A step of the line of this number is done: a command is answered, or a transfer begun or over.
    Answered(u64, Result<Answer, ShellError>),
    /// The line of this number waits for what takes long.
    Waits(u64),
    /// Something else is: a transfer is over, an action done.
    Told(Result<Answer, ShellError>),
    /// What was opened from a pane is there: the command that shows it, and its answer.
    Opened(String, Result<Answer, ShellError>),
    /// Somebody was asked whether to leave, and said so.
    Quit(bool),
    /// A filter was entered.
    Filter(String),
    /// Whether the session still lasts was looked up.
    Session(Result<(), AccessError>),
}

/// What the terminal is to do beyond drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Put a text on the clipboard.
    Copy(String),
    /// Stop the process until the shell continues it.
    Suspend,
}

/// The screen's state.
#[derive(Debug)]
pub struct App {
    /// Colours and glyphs.
    pub theme: Theme,
    /// Keys that are not the usual ones.
    pub keymap: Keymap,
    /// What is shown.
    pub view: Arc<Snapshot>,
    /// The view stands still.
    pub frozen: bool,
    /// Who has the keys.
    pub focus: Pane,
    /// The pane that is shown where only one fits.
    pub tab: Pane,
    /// The focused pane has the whole screen.
    pub zoomed: bool,
    /// The health pane shows the map.
    pub map: bool,
    /// The prompt.
    pub prompt: Prompt,
    /// Dialogs, the topmost last.
    pub dialogs: Vec<Dialog>,
    /// Events in words.
    pub log: VecDeque<(SimTime, Role, String)>,
    /// Events that were lost because the screen lagged behind.
    pub events_lost: u64,
    /// Only rows that contain this are shown.
    pub filter: String,
    /// The selected row of each pane.
    pub selected: BTreeMap<Pane, usize>,
    /// Where the panes were drawn, for the mouse.
    pub areas: Vec<(Pane, Rect)>,
    /// What the terminal is to do.
    pub wishes: Vec<Wish>,
    /// It is over.
    pub over: bool,
    /// The tour, while it goes on.
    pub tour: Option<Tour>,
    /// What has happened since the view stands still.
    meanwhile: Meanwhile,
    who: Arc<Who>,
    /// Counts who has come.
    visit: u64,
    file_count: FileCount,
    histories: Histories,
    /// What the next form is to say first: the session is over.
    session_notice: Option<String>,
    /// Whose session is over, and the prompt as they left it: they may come back.
    set_aside: Option<(String, Prompt)>,
    /// Transfers that whoever uses the screen may see.
    seen_transfers: BTreeSet<TransferId>,
    transfer: Option<TransferId>,
    shell: Shell,
    variables: Variables,
    lines: Lines,
    tasks: JoinSet<()>,
    messages: mpsc::UnboundedSender<Message>,
}

impl App {
    /// A screen on an engine; and what its tasks have to tell, which is to be brought by [`on_message`](Self::on_message).
    pub fn new(shell: Shell, theme: Theme, histories: Histories) -> (App, mpsc::UnboundedReceiver<Message>) {
        let (messages, inbox) = mpsc::unbounded_channel();
        let who = shell.access().who();
        let view = shell.engine().snapshots().borrow().clone();
        let mut app = App {
            theme,
            keymap: Keymap::new(),
            view,
            frozen: false,
            focus: Pane::Prompt,
            tab: Pane::Transfers,
            zoomed: false,
            map: false,
            prompt: Prompt::with_history(histories.of(&who)),
            dialogs: Vec::new(),
            log: VecDeque::new(),
            events_lost: 0,
            filter: String::new(),
            selected: BTreeMap::new(),
            areas: Vec::new(),
            wishes: Vec::new(),
            over: false,
            tour: None,
            meanwhile: Meanwhile::default(),
            who,
            visit: 0,
            file_count: FileCount::default(),
            histories,
            session_notice: None,
            set_aside: None,
            seen_transfers: BTreeSet::new(),
            transfer: None,
            shell,
            variables: Variables::new(),
            lines: Lines::default(),
            tasks: JoinSet::new(),
            messages,
        };
        app.note_files();
        app.prompt.say(Role::Dim, "Type `help` for the commands, F1 for the keys. Tab completes; Ctrl-Q leaves.");
        (app, inbox)
    }

    /// Whether commands are still being carried out.
    pub fn is_busy(&mut self) -> bool {
        while self.tasks.try_join_next().is_some() {}
        !self.tasks.is_empty() || !self.lines.is_empty()
    }

    /// The next task that has ended, once there is one; an error where it ended in a panic.
    pub async fn task_ended(&mut self) -> Option<Result<(), JoinError>> {
        match self.tasks.join_next().await? {
            Err(error) if error.is_panic() => Some(Err(error)),
            _ => Some(Ok(())),
        }
    }

    /// Whether a row of the focused pane passes the filter.
    pub fn passes(&self, pane: Pane, text: &str) -> bool {
        !self.is_filtered(pane) || text.to_lowercase().contains(&self.filter.to_lowercase())
    }

    /// Whether the filter is for this pane, and there is one.
    pub fn is_filtered(&self, pane: Pane) -> bool {
        !self.filter.is_empty() && self.tab == pane
    }

    /// Which row of a pane is selected.
    pub fn row(&self, pane: Pane) -> usize {
        self.selected.get(&pane).copied().unwrap_or(0)
    }

    /// A new snapshot is there.
    pub fn on_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        if !self.frozen {
            self.take_view(snapshot);
        }
    }

    /// Something has happened in the engine.
    pub fn on_event(&mut self, at: SimTime, event: &Event) {
        if !self.may_see(event) {
            return;
        }
        if let Event::TransferStarted { transfer, .. } = event {
            self.seen_transfers.insert(*transfer);
            self.show_transfer(*transfer);
        }
        if let Some((role, text)) = words::describe(event, &self.who) {
            self.note(at, role, text);
        }
    }

    /// A task has something to tell.
    pub fn on_message(&mut self, message: Message) {
        let Message { visit, news } = message;
        if visit != self.visit {
            return;
        }
        match news {
            News::Answered(line, answer) => self.on_answered(line, answer),
            News::Waits(line) => self.lines.set_waiting(line),
            News::Told(answer) => self.take_answer(answer),
            News::Opened(title, Ok(answer)) => {
                self.dialogs.push(Dialog::Message { title, text: answer.view.text(), scroll: 0 });
            }
            News::Opened(_, Err(error)) => self.fail(&error),
            News::Quit(yes) => self.over |= yes,
            News::Filter(text) => {
                self.filter = text;
                self.selected.clear();
            }
            News::Session(Err(error)) if ShellError::from(error.clone()).is_session_over() => self.on_session_over(),
            // A command that runs may have let somebody in, and has more to do then.
            News::Session(_) if self.lines.is_asking() => {}
            News::Session(_) => self.on_who(),
        }
        self.begin_typed();
    }

    /// Input from the terminal.
    pub fn on_input(&mut self, input: Input) {
        if matches!(&input, Input::Key(key) if key.kind != KeyEventKind::Release) && self.tour.is_some() {
            return self.skip_tour();
        }
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.on_key(&key),
            Input::Paste(text) => {
                // It may be a password.
                let text = Zeroizing::new(text);
                match self.dialogs.last_mut() {
                    Some(dialog) => dialog.paste(&text),
                    None => self.paste(&text),
                }
            }
            Input::Mouse(mouse) => self.on_mouse(mouse),
            _ => {}
        }
    }

    fn on_key(&mut self, key: &KeyEvent) {
        if self.dialogs.last().is_some_and(|dialog| !dialog.takes(key))
            && let Some(action @ (Action::Quit | Action::Suspend)) = action::action_for(key, true, &self.keymap)
        {
            return self.act(action);
        }
        if let Some(dialog) = self.dialogs.last_mut() {
            match dialog.handle(key) {
                dialog::Outcome::Stay => {}
                dialog::Outcome::Close => drop(self.dialogs.pop()),
                dialog::Outcome::Chosen(choice) => {
                    self.dialogs.pop();
                    self.choose(choice);
                }
            }
            return;
        }
        let in_prompt = self.focus == Pane::Prompt;
        if in_prompt && self.on_prompt_key(key) {
            return;
        }
        match action::action_for(key, in_prompt, &self.keymap) {
            Some(action) => self.act(action),
            None if in_prompt && key.code == crossterm::event::KeyCode::Tab => self.act(Action::NextPane),
            None => {}
        }
    }

    /// False where the key is not the prompt's.
    fn on_prompt_key(&mut self, key: &KeyEvent) -> bool {
        let (snapshots, who) = (self.shell.engine().snapshots(), Arc::clone(&self.who));
        let is_typing = !self.prompt.editor.is_empty();
        let known = || Knowledge::of(&snapshots.borrow(), &who);
        match self.prompt.handle(key, known) {
            prompt::Outcome::Taken => true,
            prompt::Outcome::Run(line) => {
                self.run(&line);
                true
            }
            prompt::Outcome::EndOfInput => {
                self.quit(false);
                true
            }
            prompt::Outcome::Interrupted => {
                // Whoever has typed something gives that up, and nothing else.
                if !is_typing {
                    self.interrupt();
                }
                true
            }
            prompt::Outcome::Ignored => false,
        }
    }

    fn on_mouse(&mut self, mouse: MouseEvent) {
        let position = Position::new(mouse.column, mouse.row);
        let under = self.areas.iter().find(|(_, area)| area.contains(position)).copied();
        let Some((pane, area)) = under.filter(|_| self.dialogs.is_empty()) else { return };
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let row = panes::row_at(self, pane, area, position.y);
                self.focus_on(pane);
                if let Some(row) = row {
                    self.selected.insert(pane, row);
                    self.follow_selection(pane);
                }
            }
            MouseEventKind::ScrollUp => self.scroll(pane, -3),
            MouseEventKind::ScrollDown => self.scroll(pane, 3),
            _ => {}
        }
    }

    /// Takes a pasted text into the prompt: of several lines, the commands without their comments.
    fn paste(&mut self, text: &str) {
        self.focus = Pane::Prompt;
        let lines: Vec<String> = commands_of(text).into_iter().map(|(_, command)| command).collect();
        let line = if text.trim_end().contains(['\n', '\r']) { lines.join("; ") } else { text.to_owned() };
        if !self.prompt.paste(&line) {
            self.prompt.say(Role::Bad, "that is too long for a line; `p2p run FILE` carries out scripts of any length");
        }
    }
}
