//! What the screen shows and what keys do to it, without a terminal: everything here can be driven by a test.
//!
//! Knows the engine through its handle, and nothing of how things are drawn.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crossterm::event::{Event as Input, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use super::action::{self, Action, BINDINGS};
use super::dialog::{self, Choice, Dialog, Item, List};
use super::editor::Editor;
use super::prompt::{self, Prompt};
use super::series::Series;
use super::theme::{Role, Theme};
use super::words;
use crate::engine::pace::Speed;
use crate::engine::transfer::{TransferId, TransferReport};
use crate::engine::{Command, Event, Snapshot};
use crate::shell::answer::{Answer, Effect};
use crate::shell::complete::Knowledge;
use crate::shell::spec::Times;
use crate::shell::table::COMMANDS;
use crate::shell::words::{Variables, commands_of};
use crate::shell::{Shell, ShellError};
use crate::storage::manifest::NodeNumber;
use crate::units::SimTime;

/// Lines of the log that are kept.
const LOG_MAX: usize = 2_000;
/// The speeds that `+` and `-` go through, in thousandths.
const SPEEDS: [u64; 8] = [100, 500, 1_000, 2_000, 10_000, 50_000, 200_000, 1_000_000];

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

/// What tasks tell the screen.
#[derive(Debug)]
pub enum Message {
    /// The command that was typed is answered.
    Answered(Result<Answer, ShellError>),
    /// Something else is: a transfer is over, an action done.
    Told(Result<Answer, ShellError>),
    /// Somebody was asked whether to leave, and said so.
    Quit(bool),
    /// A filter was entered.
    Filter(String),
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
    /// Rates of each node: sent and received.
    pub node_rates: BTreeMap<NodeNumber, (Series, Series)>,
    /// Rates of the client: sent and received.
    pub client_rates: (Series, Series),
    /// Where the panes were drawn, for the mouse.
    pub areas: Vec<(Pane, Rect)>,
    /// What the terminal is to do.
    pub wishes: Vec<Wish>,
    /// It is over.
    pub over: bool,
    transfer: Option<TransferId>,
    shell: Shell,
    variables: Variables,
    /// Commands that wait for the one that runs.
    queue: VecDeque<String>,
    running: Option<AbortHandle>,
    tasks: JoinSet<()>,
    messages: mpsc::UnboundedSender<Message>,
}

impl App {
    /// A screen on an engine; and what its tasks have to tell, which is to be brought by [`on_message`](Self::on_message).
    pub fn new(shell: Shell, theme: Theme, history: Vec<String>) -> (App, mpsc::UnboundedReceiver<Message>) {
        let (messages, inbox) = mpsc::unbounded_channel();
        let view = shell.engine().snapshots().borrow().clone();
        let mut app = App {
            theme,
            view: Arc::clone(&view),
            frozen: false,
            focus: Pane::Prompt,
            tab: Pane::Transfers,
            zoomed: false,
            map: false,
            prompt: Prompt::with_history(history),
            dialogs: Vec::new(),
            log: VecDeque::new(),
            events_lost: 0,
            filter: String::new(),
            selected: BTreeMap::new(),
            node_rates: BTreeMap::new(),
            client_rates: <(Series, Series)>::default(),
            areas: Vec::new(),
            wishes: Vec::new(),
            over: false,
            transfer: None,
            shell,
            variables: Variables::new(),
            queue: VecDeque::new(),
            running: None,
            tasks: JoinSet::new(),
            messages,
        };
        app.note_rates(&view);
        app.prompt.say(Role::Dim, "Type `help` for the commands, F1 for the keys. Tab completes; Ctrl-Q leaves.");
        (app, inbox)
    }

    /// Whether commands are still being carried out.
    pub fn is_busy(&mut self) -> bool {
        while self.tasks.try_join_next().is_some() {}
        !self.tasks.is_empty() || self.running.is_some()
    }

    /// The transfer whose segments are shown: the selected one, or the latest.
    pub fn shown_transfer(&self) -> Option<&Arc<TransferReport>> {
        let chosen = self.transfer.and_then(|id| self.view.transfers.iter().find(|report| report.status.id == id));
        chosen.or_else(|| self.view.transfers.last())
    }

    /// The transfers as the pane shows them: the latest first.
    pub fn transfer_rows(&self) -> Vec<&Arc<TransferReport>> {
        let fits = |report: &&Arc<TransferReport>| self.passes(Pane::Transfers, &report.status.name);
        self.view.transfers.iter().rev().filter(fits).collect()
    }

    /// Whether a row of the focused pane passes the filter.
    pub fn passes(&self, pane: Pane, text: &str) -> bool {
        self.filter.is_empty() || self.tab != pane || text.to_lowercase().contains(&self.filter.to_lowercase())
    }

    /// Which row of a pane is selected.
    pub fn row(&self, pane: Pane) -> usize {
        self.selected.get(&pane).copied().unwrap_or(0)
    }

    /// A new snapshot is there.
    pub fn on_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.note_rates(&snapshot);
        if !self.frozen {
            self.view = snapshot;
        }
    }

    fn note_rates(&mut self, snapshot: &Snapshot) {
        for node in &snapshot.nodes {
            let (sent, received) = self.node_rates.entry(node.node).or_default();
            sent.note(snapshot.at, node.bytes_sent);
            received.note(snapshot.at, node.bytes_received);
        }
        self.client_rates.0.note(snapshot.at, snapshot.client_bytes.0);
        self.client_rates.1.note(snapshot.at, snapshot.client_bytes.1);
    }

    /// Something has happened in the engine.
    pub fn on_event(&mut self, at: SimTime, event: &Event) {
        if let Event::TransferStarted { transfer, .. } = event {
            self.transfer = Some(*transfer);
            self.selected.remove(&Pane::Transfers);
        }
        if let Some((role, text)) = words::describe(event) {
            if self.log.len() == LOG_MAX {
                self.log.pop_front();
            }
            self.log.push_back((at, role, text));
        }
    }

    /// A task has something to tell.
    pub fn on_message(&mut self, message: Message) {
        match message {
            Message::Answered(answer) => {
                self.running = None;
                self.take_answer(answer);
                self.run_next();
            }
            Message::Told(answer) => self.take_answer(answer),
            Message::Quit(yes) => self.over |= yes,
            Message::Filter(text) => self.filter = text,
        }
    }

    fn take_answer(&mut self, answer: Result<Answer, ShellError>) {
        match answer {
            Ok(answer) => self.show(answer),
            Err(error) => self.prompt.say(Role::Bad, &error.to_string()),
        }
    }

    fn show(&mut self, answer: Answer) {
        self.prompt.say(Role::Text, &answer.view.text());
        match answer.effect {
            Effect::Follow(transfer) => {
                let shell = self.shell.clone();
                self.spawn(async move { Message::Told(shell.finish(transfer).await) });
            }
            Effect::Select(transfer) => self.transfer = Some(transfer),
            Effect::Set(name, value) => drop(self.variables.insert(name, value)),
            Effect::Clear => self.prompt.output.clear(),
            Effect::History => self.prompt.say(Role::Text, &self.prompt.history().join("\n")),
            Effect::Quit { now } => self.quit(now),
            Effect::None => {}
        }
    }

    /// Input from the terminal.
    pub fn on_input(&mut self, input: Input) {
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.on_key(&key),
            Input::Paste(text) => match self.dialogs.last_mut() {
                Some(dialog) => dialog.paste(&text),
                None => {
                    self.focus = Pane::Prompt;
                    self.prompt.paste(&text);
                }
            },
            Input::Mouse(mouse) => self.on_mouse(mouse),
            _ => {}
        }
    }

    fn on_key(&mut self, key: &KeyEvent) {
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
        match action::action_for(key, in_prompt) {
            Some(action) => self.act(action),
            None if in_prompt && key.code == crossterm::event::KeyCode::Tab => self.act(Action::NextPane),
            None => {}
        }
    }

    /// False where the key is not the prompt's.
    fn on_prompt_key(&mut self, key: &KeyEvent) -> bool {
        let snapshots = self.shell.engine().snapshots();
        let known = || Knowledge::from(snapshots.borrow().as_ref());
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
                self.interrupt();
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
                self.focus_on(pane);
                // The frame and the heading are a row each.
                let row = usize::from(position.y.saturating_sub(area.y + 1));
                if pane != Pane::Prompt {
                    self.selected.insert(pane, row);
                    self.follow_selection(pane);
                }
            }
            MouseEventKind::ScrollUp => self.scroll(pane, -3),
            MouseEventKind::ScrollDown => self.scroll(pane, 3),
            _ => {}
        }
    }

    /// Carries out the commands of a line, once those before it have been answered.
    pub fn run(&mut self, line: &str) {
        self.prompt.say(Role::Accent, &format!("{} {line}", self.theme.glyphs.prompt));
        self.queue.extend(commands_of(line).into_iter().map(|(_, command)| command));
        self.run_next();
    }

    fn run_next(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some(line) = self.queue.pop_front() else { return };
        let (shell, variables) = (self.shell.clone(), self.variables.clone());
        let task = self.spawn(async move { Message::Answered(shell.run(&line, &variables).await) });
        self.running = Some(task);
    }

    /// Ends the command that runs, and forgets those that wait for it. What it has begun goes on.
    fn interrupt(&mut self) {
        self.queue.clear();
        if let Some(task) = self.running.take() {
            task.abort();
            self.prompt.say(Role::Warning, "interrupted; `cancel` ends a transfer that was begun");
        }
    }

    fn spawn(&mut self, task: impl Future<Output = Message> + Send + 'static) -> AbortHandle {
        let messages = self.messages.clone();
        self.tasks.spawn(async move {
            let message = task.await;
            // The screen may be gone.
            let _ = messages.send(message);
        })
    }

    /// Tells the engine something whose answer nobody waits for.
    fn tell(&mut self, command: Command) {
        let shell = self.shell.clone();
        self.spawn(async move {
            let answer = shell.engine().ask(command).await;
            Message::Told(answer.map(|_| Answer::nothing()).map_err(ShellError::from))
        });
    }

    /// Carries out an action.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::NextPane => self.move_focus(1),
            Action::PreviousPane => self.move_focus(-1),
            Action::Prompt => {
                self.zoomed = false;
                self.focus = Pane::Prompt;
            }
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Help => self.open_help(),
            Action::Palette => self.open_palette(),
            Action::Pause => {
                let paused = self.shell.engine().snapshots().borrow().paused;
                self.tell(if paused { Command::Resume } else { Command::Pause });
            }
            Action::Freeze => self.freeze(),
            Action::Faster => self.change_speed(1),
            Action::Slower => self.change_speed(-1),
            Action::Step => self.tell(Command::Step { span: None }),
            Action::Filter => self.ask_for_filter(),
            Action::Copy => self.copy(),
            Action::Map => self.map = !self.map,
            Action::Up => self.scroll(self.focus, -1),
            Action::Down => self.scroll(self.focus, 1),
            Action::PageUp => self.scroll(self.focus, -10),
            Action::PageDown => self.scroll(self.focus, 10),
            Action::Open => self.open(),
            Action::Quit => self.quit(false),
            Action::Suspend => self.wishes.push(Wish::Suspend),
        }
    }

    fn focus_on(&mut self, pane: Pane) {
        self.focus = pane;
        if pane != Pane::Prompt {
            self.tab = pane;
        }
    }

    fn move_focus(&mut self, step: isize) {
        let place = Pane::ALL.iter().position(|&pane| pane == self.focus).unwrap_or(0) as isize;
        let next = (place + step).rem_euclid(Pane::ALL.len() as isize) as usize;
        self.focus_on(Pane::ALL[next]);
    }

    fn freeze(&mut self) {
        self.frozen = !self.frozen;
        if !self.frozen {
            self.view = self.shell.engine().snapshots().borrow().clone();
        }
    }

    fn change_speed(&mut self, step: isize) {
        let now: Option<Speed> = self.shell.engine().snapshots().borrow().speed.parse().ok();
        let place = match now {
            Some(Speed::Thousandths(now)) => SPEEDS.iter().position(|&speed| speed >= now).unwrap_or(SPEEDS.len()),
            _ => SPEEDS.len(),
        };
        let place = place.saturating_add_signed(step).min(SPEEDS.len());
        let speed = SPEEDS.get(place).map_or(Speed::Max, |&speed| Speed::Thousandths(speed));
        self.tell(Command::SetSpeed { speed });
    }

    fn scroll(&mut self, pane: Pane, rows: isize) {
        if pane == Pane::Prompt {
            let last = self.prompt.output.len().saturating_sub(1);
            self.prompt.scroll = self.prompt.scroll.saturating_add_signed(-rows).min(last);
            return;
        }
        let last = self.rows_of(pane).saturating_sub(1);
        let row = self.row(pane).saturating_add_signed(rows).min(last);
        self.selected.insert(pane, row);
        self.follow_selection(pane);
    }

    /// A transfer that is selected has its segments shown.
    fn follow_selection(&mut self, pane: Pane) {
        if pane == Pane::Transfers {
            self.transfer = self.transfer_rows().get(self.row(pane)).map(|report| report.status.id).or(self.transfer);
        }
    }

    fn rows_of(&self, pane: Pane) -> usize {
        match pane {
            Pane::Nodes | Pane::Health => self.view.nodes.len(),
            Pane::Transfers => self.transfer_rows().len(),
            Pane::Segments => self.shown_transfer().map_or(0, |report| report.stories.len()),
            Pane::Wire => self.view.wire.len(),
            Pane::Log => self.log.len(),
            Pane::Prompt => 0,
        }
    }

    fn open(&mut self) {
        let line = match self.focus {
            Pane::Nodes | Pane::Health => self.view.nodes.get(self.row(self.focus)).map(|node| format!("node {}", node.node)),
            Pane::Transfers | Pane::Segments => self.shown_transfer().map(|report| format!("segments {}", report.status.id.0)),
            Pane::Wire => self.selected_packet_node().map(|node| format!("trace {node}")),
            Pane::Log | Pane::Prompt => None,
        };
        if let Some(line) = line {
            self.run(&line);
        }
    }

    /// The node whose connection the selected packet belongs to.
    fn selected_packet_node(&self) -> Option<NodeNumber> {
        let packet = super::panes::wire::rows(self).into_iter().nth(self.row(Pane::Wire))?;
        let of = |address| self.view.nodes.iter().find(|node| node.address == address).map(|node| node.node);
        of(*packet.from.ip()).or_else(|| of(*packet.to.ip()))
    }

    fn copy(&mut self) {
        let text = match self.focus {
            Pane::Nodes | Pane::Health => {
                self.view.nodes.get(self.row(self.focus)).map(|node| format!("{} {}", node.node, node.address))
            }
            Pane::Transfers | Pane::Segments => self.shown_transfer().map(|report| {
                let digest = report.sha256.map(|digest| digest.to_string()).unwrap_or_default();
                format!("{} {digest}", report.status.name)
            }),
            Pane::Wire => super::panes::wire::rows(self).get(self.row(Pane::Wire)).map(super::panes::wire::line),
            Pane::Log => self.log.iter().rev().nth(self.row(Pane::Log)).map(|(_, _, text)| text.clone()),
            Pane::Prompt => self.prompt.output.last().map(|(_, text)| text.clone()),
        };
        if let Some(text) = text {
            self.wishes.push(Wish::Copy(text));
        }
    }

    fn ask_for_filter(&mut self) {
        let (reply, answer) = oneshot::channel();
        let mut editor = Editor::default();
        editor.set(&self.filter);
        let text = format!("Show only rows of {} that contain (nothing for all):", self.tab.name());
        self.dialogs.push(Dialog::Input { title: "Filter".into(), text, editor, masked: false, reply: Some(reply) });
        let before = self.filter.clone();
        self.spawn(async move { Message::Filter(answer.await.unwrap_or(before)) });
    }

    /// Leaves, or asks first where transfers run.
    pub fn quit(&mut self, now: bool) {
        let snapshot = self.shell.engine().snapshots().borrow().clone();
        let running = snapshot.transfers.iter().filter(|report| !report.status.state.is_over());
        let names: Vec<String> =
            running.map(|report| format!("  {} of {}", report.status.direction.name(), report.status.name)).collect();
        if now || names.is_empty() {
            self.over = true;
            return;
        }
        let (reply, answer) = oneshot::channel();
        let text = format!("Still running:\n{}\nCancel them and leave? (y/n)", names.join("\n"));
        self.dialogs.push(Dialog::Confirm { title: "Leave?".into(), text, reply: Some(reply) });
        self.spawn(async move { Message::Quit(answer.await.unwrap_or(false)) });
    }

    fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::Act(action) => self.act(action),
            Choice::Command { line, run: true } => self.run(&line),
            Choice::Command { line, run: false } => {
                self.focus = Pane::Prompt;
                self.prompt.editor.set(&format!("{line} "));
            }
        }
    }

    fn open_help(&mut self) {
        let keys = BINDINGS.iter().map(|binding| Item {
            name: binding.keys.to_owned(),
            summary: binding.help.to_owned(),
            choice: Choice::Act(binding.action),
        });
        self.open_list("Help: type to search, Enter to run", keys.chain(command_items()).collect());
    }

    fn open_palette(&mut self) {
        let named = BINDINGS.iter().filter(|binding| !binding.name.is_empty());
        let actions = named.map(|binding| Item {
            name: binding.name.to_owned(),
            summary: format!("{} ({})", binding.help, binding.keys),
            choice: Choice::Act(binding.action),
        });
        self.open_list("Palette: type to search, Enter to run", actions.chain(command_items()).collect());
    }

    fn open_list(&mut self, title: &str, items: Vec<Item>) {
        self.dialogs.push(Dialog::List(List { title: title.into(), search: Editor::default(), items, selected: 0 }));
    }
}

fn command_items() -> impl Iterator<Item = Item> {
    COMMANDS.iter().map(|spec| {
        let run = spec.arguments.iter().all(|argument| argument.times == Times::Optional);
        Item { name: spec.usage(), summary: spec.summary.to_owned(), choice: Choice::Command { line: spec.name.into(), run } }
    })
}
