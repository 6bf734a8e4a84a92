//! The state of the full-screen interface, and its reactions to keys, snapshots, events and messages. Independent of a terminal,
//! so that tests can drive it; drawing is done by `draw` and `panes`.

mod acts;
mod freezing;
mod lines;
mod running;
mod touring;
mod users;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crossterm::event::{Event as Input, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use p2p_base::units::SimTime;
use p2p_engine::transfer::TransferId;
use p2p_engine::{Event, Snapshot};
use p2p_service::access::{AccessError, Identity};
use p2p_shell::answer::Answer;
use p2p_shell::complete::Knowledge;
use p2p_shell::history::Histories;
use p2p_shell::words::{Variables, commands_of};
use p2p_shell::{Shell, ShellError};
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

/// Maximum number of lines that the log keeps.
const LOG_MAX: usize = 2_000;

/// A pane of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pane {
    /// List of the nodes.
    Nodes,
    /// Matrix of round-trip times, or map of the nodes.
    Health,
    /// List of the transfers.
    Transfers,
    /// Segments of the selected transfer.
    Segments,
    /// List of the captured packets.
    Wire,
    /// Log of events in words.
    Log,
    /// Prompt and the output of its commands.
    Prompt,
}

impl Pane {
    /// All panes, in the order in which the keyboard focus moves through them.
    pub const ALL: [Pane; 7] = [Pane::Nodes, Pane::Health, Pane::Transfers, Pane::Segments, Pane::Wire, Pane::Log, Pane::Prompt];

    /// Returns the heading of the pane.
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

/// A message from a task to the screen. Messages of tasks that were started for an earlier user are discarded.
#[derive(Debug)]
pub struct Message {
    visit: u64,
    message: AppMessage,
}

/// The content of a message from a task.
#[derive(Debug)]
pub enum AppMessage {
    /// Result of one step of the line with this number: a command was answered, or a transfer began or finished.
    Answered(u64, Result<Answer, ShellError>),
    /// Notification that the line with this number waits for an operation that takes long.
    Waits(u64),
    /// Result of an operation that belongs to no line, such as an action.
    Told(Result<Answer, ShellError>),
    /// Result of a command that a pane opened: the command and its answer.
    Opened(String, Result<Answer, ShellError>),
    /// Answer to the confirmation before leaving: true if the user confirmed it.
    Quit(bool),
    /// Filter text that the user has entered.
    Filter(String),
    /// Result of checking that the session of the user is still valid.
    Session(Result<(), AccessError>),
}

/// A request to the terminal beyond drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalRequest {
    /// Copies a text to the clipboard.
    Copy(String),
    /// Stops the process until the shell continues it.
    Suspend,
}

/// The state of the full-screen interface.
#[derive(Debug)]
pub struct App {
    /// Colours and glyphs of the screen.
    pub theme: Theme,
    /// Configured keys that replace the default ones.
    pub keymap: Keymap,
    /// Snapshot that is drawn.
    pub view: Arc<Snapshot>,
    /// True while the view is frozen.
    pub frozen: bool,
    /// Pane that has the keyboard focus.
    pub focus: Pane,
    /// Pane that is shown on screens that have room for only one.
    pub tab: Pane,
    /// True while the focused pane fills the whole screen.
    pub zoomed: bool,
    /// True if the health pane shows the map instead of the matrix.
    pub map: bool,
    /// State of the prompt.
    pub prompt: Prompt,
    /// Open dialogs, the topmost last.
    pub dialogs: Vec<Dialog>,
    /// Lines of the log: virtual time, role of the colour, and text.
    pub log: VecDeque<(SimTime, Role, String)>,
    /// Number of events that were lost because the screen lagged behind.
    pub events_lost: u64,
    /// Text that a row must contain to be shown; empty for no filter.
    pub filter: String,
    /// Index of the selected row of each pane.
    pub selected: BTreeMap<Pane, usize>,
    /// Areas in which the panes were last drawn, for the mouse.
    pub areas: Vec<(Pane, Rect)>,
    /// Requests that the terminal has not yet carried out.
    pub terminal_requests: Vec<TerminalRequest>,
    /// True once the program is to end.
    pub over: bool,
    /// State of the tour, while it runs.
    pub tour: Option<Tour>,
    /// Log lines and events that have accumulated while the view is frozen.
    meanwhile: Meanwhile,
    identity: Arc<Identity>,
    /// Number of times the screen was cleared for another user; messages carry it.
    visit: u64,
    file_count: FileCount,
    histories: Histories,
    /// Text above the next login form after a session has expired.
    session_notice: Option<String>,
    /// Name of the user whose session has expired, and their prompt, which is restored if they log in again.
    set_aside: Option<(String, Prompt)>,
    transfer: Option<TransferId>,
    shell: Shell,
    variables: Variables,
    lines: Lines,
    tasks: JoinSet<()>,
    messages: mpsc::UnboundedSender<Message>,
}

impl App {
    /// Creates the state of a screen on an engine, and the receiver of the messages of its tasks; pass each message to
    /// [`on_message`](Self::on_message).
    pub fn new(shell: Shell, theme: Theme, histories: Histories) -> (App, mpsc::UnboundedReceiver<Message>) {
        let (messages, inbox) = mpsc::unbounded_channel();
        let identity = shell.access().identity();
        let view = shell.access().snapshot();
        let mut app = App {
            theme,
            keymap: Keymap::new(),
            view,
            frozen: false,
            focus: Pane::Prompt,
            tab: Pane::Transfers,
            zoomed: false,
            map: false,
            prompt: Prompt::with_history(histories.of(&identity)),
            dialogs: Vec::new(),
            log: VecDeque::new(),
            events_lost: 0,
            filter: String::new(),
            selected: BTreeMap::new(),
            areas: Vec::new(),
            terminal_requests: Vec::new(),
            over: false,
            tour: None,
            meanwhile: Meanwhile::default(),
            identity,
            visit: 0,
            file_count: FileCount::default(),
            histories,
            session_notice: None,
            set_aside: None,
            transfer: None,
            shell,
            variables: Variables::new(),
            lines: Lines::default(),
            tasks: JoinSet::new(),
            messages,
        };
        app.record_files();
        app.prompt.say(Role::Dim, "Type `help` for the commands, F1 for the keys. Tab completes; Ctrl-Q leaves.");
        (app, inbox)
    }

    /// Returns true while commands are being carried out.
    pub fn is_busy(&mut self) -> bool {
        while self.tasks.try_join_next().is_some() {}
        !self.tasks.is_empty() || !self.lines.is_empty()
    }

    /// Waits for the next task to end, and returns an error if it panicked; returns `None` if there is no task.
    pub async fn task_ended(&mut self) -> Option<Result<(), JoinError>> {
        match self.tasks.join_next().await? {
            Err(error) if error.is_panic() => Some(Err(error)),
            _ => Some(Ok(())),
        }
    }

    /// Returns true if a row of a pane passes the filter, or the filter does not apply to the pane.
    pub fn passes(&self, pane: Pane, text: &str) -> bool {
        !self.is_filtered(pane) || text.to_lowercase().contains(&self.filter.to_lowercase())
    }

    /// Returns true if a filter is set and applies to this pane.
    pub fn is_filtered(&self, pane: Pane) -> bool {
        !self.filter.is_empty() && self.tab == pane
    }

    /// Returns the index of the selected row of a pane.
    pub fn row(&self, pane: Pane) -> usize {
        self.selected.get(&pane).copied().unwrap_or(0)
    }

    /// Replaces the view by a new snapshot, unless the view is frozen.
    pub fn on_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        if !self.frozen {
            self.take_view(snapshot);
        }
    }

    /// Logs an event of the engine, which is one that the user may see.
    pub fn on_event(&mut self, at: SimTime, event: &Event) {
        if let Event::TransferStarted { transfer, .. } = event {
            self.show_transfer(*transfer);
        }
        if let Some((role, text)) = words::describe(event, &self.identity) {
            self.note(at, role, text);
        }
    }

    /// Handles a message of a task.
    pub fn on_message(&mut self, message: Message) {
        let Message { visit, message } = message;
        if visit != self.visit {
            return;
        }
        match message {
            AppMessage::Answered(line, answer) => self.on_answered(line, answer),
            AppMessage::Waits(line) => self.lines.set_waiting(line),
            AppMessage::Told(answer) => self.take_answer(answer),
            AppMessage::Opened(title, Ok(answer)) => {
                self.dialogs.push(Dialog::Message { title, text: answer.view.text(), scroll: 0 });
            }
            AppMessage::Opened(_, Err(error)) => self.fail(&error),
            AppMessage::Quit(yes) => self.over |= yes,
            AppMessage::Filter(text) => {
                self.filter = text;
                self.selected.clear();
            }
            AppMessage::Session(Err(error)) if ShellError::from(error.clone()).is_session_over() => self.on_session_over(),
            // A running command may have logged a user in and has further steps; the change of user is handled when it ends.
            AppMessage::Session(_) if self.lines.is_asking() => {}
            AppMessage::Session(_) => self.on_who(),
        }
        self.begin_typed();
    }

    /// Handles an input event of the terminal.
    pub fn on_input(&mut self, input: Input) {
        if matches!(&input, Input::Key(key) if key.kind != KeyEventKind::Release) && self.tour.is_some() {
            return self.skip_tour();
        }
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.on_key(&key),
            Input::Paste(text) => {
                // The text may be a password, so that it is erased after use.
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
                dialog::DialogEffect::Stay => {}
                dialog::DialogEffect::Close => drop(self.dialogs.pop()),
                dialog::DialogEffect::Chosen(choice) => {
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

    /// Handles a key in the prompt; returns false if the prompt does not use it.
    fn on_prompt_key(&mut self, key: &KeyEvent) -> bool {
        let (snapshots, identity) = (self.access().snapshots(), Arc::clone(&self.identity));
        let is_typing = !self.prompt.editor.is_empty();
        let profiles = Arc::clone(self.access().profiles());
        let known = || Knowledge::of(&snapshots.latest(), &identity).with_profiles(&profiles);
        match self.prompt.handle(key, known) {
            prompt::PromptEffect::Taken => true,
            prompt::PromptEffect::Run(line) => {
                self.run(&line);
                true
            }
            prompt::PromptEffect::EndOfInput => {
                self.quit(false);
                true
            }
            prompt::PromptEffect::Interrupted => {
                // If a line is being typed, Ctrl-C only discards it.
                if !is_typing {
                    self.interrupt();
                }
                true
            }
            prompt::PromptEffect::Ignored => false,
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

    /// Pastes a text into the prompt. The commands of several lines are joined, without their comments.
    fn paste(&mut self, text: &str) {
        self.focus = Pane::Prompt;
        let lines: Vec<String> = commands_of(text).into_iter().map(|(_, command)| command).collect();
        let line = if text.trim_end().contains(['\n', '\r']) { lines.join("; ") } else { text.to_owned() };
        if !self.prompt.paste(&line) {
            self.prompt.say(Role::Bad, "that is too long for a line; `p2p run FILE` carries out scripts of any length");
        }
    }
}
