//! The application: the parts of the screen, and their reactions to keys, snapshots, events and messages. Independent of a
//! terminal, so that tests can drive it; drawing is done by `draw` and `panes`.
//!
//! | part | owns |
//! |---|---|
//! | `view` | what is shown of the engine, and the frozen view |
//! | `workspace` | focus and places of the panes |
//! | `panes` | how each pane shows things: selection, filter, display options |
//! | `visitor` | the current user, and the one whose session has expired |
//! | `lines`, `tasks` | the typed lines that are carried out, and the tasks that do it |

mod acts;
mod faults;
mod input;
mod pages;
mod running;
mod themes;
mod touring;
mod users;

use std::sync::Arc;

use p2p_base::units::SimTime;
use p2p_engine::{Event, Snapshot};
use p2p_service::access::{Access, Identity};
use p2p_shell::history::Histories;
use p2p_shell::words::Variables;
use p2p_shell::{Shell, ShellError};
use tokio::sync::mpsc;
use tokio::task::JoinError;

use self::pages::Unread;
use self::themes::Themes;
pub use self::touring::NetworkKind;
use self::touring::Touring;
use self::users::Visitor;
use super::action::Keymap;
use super::answers::{Laid, Piece};
use super::dialog::Dialog;
use super::lines::Lines;
pub use super::panes::Pane;
use super::panes::order::Order;
use super::panes::scene::{Computed, Scene};
use super::panes::{PaneView, Panes};
use super::preset::Preset;
use super::prompt::Prompt;
use super::settings::{Settings, SettingsFiles};
pub use super::tasks::Message;
use super::tasks::{AppMessage, Tasks};
use super::theme::{Role, Theme};
use super::view::View;
use super::workspace::Workspace;

/// A request to the terminal beyond drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalRequest {
    /// Copies a text to the clipboard.
    Copy(String),
    /// Stops the process until the shell continues it.
    Suspend,
    /// Takes the terminal over again, which may be in the modes of a shell.
    Retake,
    /// Clears the terminal, so that all is drawn anew.
    Redraw,
    /// Gives the mouse back to the terminal, or takes it again.
    ToggleMouse,
}

/// Request to leave the screen, for what comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitRequest {
    /// The program ends.
    Quit,
    /// A tour begins, on a network of its own.
    Tour,
    /// The user's own network, from a tour.
    Back,
}

/// The state of the full-screen interface.
#[derive(Debug)]
pub struct App {
    /// Theme that is shown, which `themes` is asked for at each change.
    theme: Theme,
    themes: Themes,
    /// Configured keys that replace the default ones.
    keymap: Keymap,
    view: View,
    workspace: Workspace,
    panes: Panes,
    /// Open dialogs, the topmost last.
    dialogs: Vec<Dialog>,
    /// Answer for which the next frame shows whether the prompt has room.
    unread: Option<Unread>,
    visitor: Visitor,
    /// Files in which settings are remembered.
    settings: SettingsFiles,
    shell: Shell,
    variables: Variables,
    lines: Lines,
    tasks: Tasks,
    /// The tour, while it runs.
    touring: Option<Touring>,
    network_kind: NetworkKind,
    /// Requests that the terminal has not yet carried out.
    terminal_requests: Vec<TerminalRequest>,
    /// Words of the hint line about the latest key, until there is other input.
    remark: Option<&'static str>,
    /// Destination for which the screen is left, once it is.
    exit: Option<ExitRequest>,
}

impl App {
    /// Creates the state of a screen on an engine, and the receiver of the messages of its tasks; pass each message to
    /// [`on_message`](Self::on_message).
    pub fn new(shell: Shell, theme: Theme, histories: Histories) -> (App, mpsc::UnboundedReceiver<Message>) {
        let (tasks, inbox) = Tasks::new();
        let visitor = Visitor::new(shell.access().identity(), histories);
        let mut app = App {
            theme,
            themes: Themes::new(theme),
            keymap: Keymap::new(),
            view: View::new(shell.access().snapshot(), visitor.identity()),
            workspace: Workspace::default(),
            panes: Panes::default(),
            dialogs: Vec::new(),
            unread: None,
            visitor,
            settings: SettingsFiles::default(),
            shell: shell.confirming(),
            variables: Variables::new(),
            lines: Lines::default(),
            tasks,
            touring: None,
            network_kind: NetworkKind::default(),
            terminal_requests: Vec::new(),
            remark: None,
            exit: None,
        };
        *app.prompt_mut() = app.visitor.prompt();
        app.say(Role::Dim, "Type `help` for the commands, F1 for the keys. Tab completes; Ctrl-Q leaves.");
        (app, inbox)
    }

    /// Replaces the default keys by configured ones.
    pub fn set_keymap(&mut self, keymap: Keymap) {
        self.keymap = keymap;
    }

    /// Remembers settings in these files from now on, and takes over those of the current user.
    pub fn remember_settings(&mut self, files: SettingsFiles) {
        self.settings = files;
        self.take_settings();
    }

    /// Takes over the settings that the current user has left.
    fn take_settings(&mut self) {
        let settings = self.settings.load(self.visitor.identity());
        self.take_theme(&settings.theme);
        let preset = Preset::ALL.into_iter().find(|preset| preset.name() == settings.preset);
        self.workspace.set_preset(preset.unwrap_or_default());
        for pane in Pane::ALL {
            if let Some(filter) = settings.filters.get(pane.name()).filter(|_| self.panes.get(pane).is_filterable()) {
                self.panes.get_mut(pane).list_mut().set_filter(filter);
            }
            let all = self.panes.get(pane).orders();
            let order = settings.orders.get(pane.name()).and_then(|order| Order::of_setting(order, all));
            self.panes.get_mut(pane).list_mut().set_order(order);
            let hidden = settings.hidden_columns.get(pane.name()).cloned().unwrap_or_default();
            self.panes.get_mut(pane).list_mut().set_hidden(hidden);
        }
    }

    /// Stores the settings of the current user.
    fn store_settings(&self) {
        let filters = Pane::ALL.into_iter().map(|pane| (pane.name().to_owned(), self.filter(pane).to_owned()));
        let filters = filters.filter(|(_, filter)| !filter.is_empty()).collect();
        let order = |pane: Pane| Some((pane.name().to_owned(), self.panes.get(pane).list().order()?.to_setting()));
        let orders = Pane::ALL.into_iter().filter_map(order).collect();
        let hidden = |pane: Pane| (pane.name().to_owned(), self.panes.get(pane).list().hidden().clone());
        let hidden_columns = Pane::ALL.into_iter().map(hidden).filter(|(_, hidden)| !hidden.is_empty()).collect();
        let (preset, theme) = (self.workspace.preset().name().to_owned(), self.themes.to_setting());
        let settings = Settings { preset, theme, filters, orders, hidden_columns, ..Settings::default() };
        if settings != self.settings.load(self.visitor.identity()) {
            self.settings.store(self.visitor.identity(), &settings);
        }
    }

    /// Returns true once the screen is left.
    pub fn is_over(&self) -> bool {
        self.exit.is_some()
    }

    /// Returns true while input is to wait: a command is carried out that may leave the screen for another one, which what is typed is for
    /// then; or lines are typed faster than they are answered, as by a terminal that pastes them, and a further one would be refused.
    pub fn holds_input(&self) -> bool {
        self.lines.is_exchanging() || self.lines.is_catching_up()
    }

    /// Takes where the screen is left for, so that it can be shown again.
    pub fn take_exit(&mut self) -> Option<ExitRequest> {
        self.exit.take()
    }

    /// Returns the requests to the terminal that have come up since the last call.
    pub fn take_terminal_requests(&mut self) -> Vec<TerminalRequest> {
        std::mem::take(&mut self.terminal_requests)
    }

    /// Returns the colours and glyphs.
    pub fn theme(&self) -> &Theme {
        &self.theme
    }

    /// Returns what the hint line is to say of the latest key, if nothing else shows what it did.
    pub fn remark(&self) -> Option<&'static str> {
        self.remark
    }

    /// Takes the terminal over again after the process was stopped.
    pub fn on_continued(&mut self) {
        self.terminal_requests.push(TerminalRequest::Retake);
    }

    /// Returns the configured keys.
    pub fn keymap(&self) -> &Keymap {
        &self.keymap
    }

    /// Returns the open dialogs, the topmost last.
    pub fn dialogs(&self) -> &[Dialog] {
        &self.dialogs
    }

    /// Returns the open dialogs, to fit them to the screen.
    pub(super) fn dialogs_mut(&mut self) -> &mut [Dialog] {
        &mut self.dialogs
    }

    /// Returns where the panes are.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Returns the prompt.
    pub fn prompt(&self) -> &Prompt {
        self.panes.prompt()
    }

    /// Returns the prompt, to change it.
    pub fn prompt_mut(&mut self) -> &mut Prompt {
        self.panes.prompt_mut()
    }

    /// Returns what is shown of the engine.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Returns the index of the selected row of a pane.
    pub fn row(&self, pane: Pane) -> usize {
        self.panes.get(pane).list().selected()
    }

    /// Returns the filter of a pane; empty for none.
    pub fn filter(&self, pane: Pane) -> &str {
        self.panes.get(pane).list().filter()
    }

    /// Returns the panes.
    pub(super) fn panes(&self) -> &Panes {
        &self.panes
    }

    /// Returns what panes may read at the moment.
    pub fn scene(&self) -> Scene<'_> {
        scene(&self.view, &self.theme, (&self.visitor, &self.shell), &self.workspace, &self.lines)
    }

    /// Lets a pane change itself in view of the scene.
    fn with_pane<R>(&mut self, pane: Pane, change: impl FnOnce(&mut dyn PaneView, &Scene<'_>) -> R) -> R {
        let scene = scene(&self.view, &self.theme, (&self.visitor, &self.shell), &self.workspace, &self.lines);
        change(self.panes.get_mut(pane), &scene)
    }

    /// Returns true while commands are being carried out.
    pub fn is_busy(&mut self) -> bool {
        self.tasks.are_running() || !self.lines.is_empty()
    }

    /// Waits for the next task to end, and returns an error if it panicked; returns `None` if there is no task.
    pub async fn task_ended(&mut self) -> Option<Result<(), JoinError>> {
        self.tasks.ended().await
    }

    /// Returns the current user.
    pub fn identity(&self) -> &Arc<Identity> {
        self.visitor.identity()
    }

    /// Returns the access of the front end, through which the user logs in.
    pub fn access(&self) -> &Access {
        self.shell.access()
    }

    /// Appends text to the output of the prompt.
    fn say(&mut self, role: Role, text: &str) {
        self.prompt_mut().say(role, text);
    }

    /// Shows a snapshot, unless the view is frozen.
    pub fn on_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.view.take(snapshot);
    }

    /// Logs an event of the engine, which is one that the user may see.
    pub fn on_event(&mut self, at: SimTime, event: &Event) {
        self.view.note_event(at, event, self.visitor.identity());
    }

    /// Counts events that were lost because the screen lagged behind.
    pub fn on_events_lost(&mut self, count: u64) {
        self.view.lose(count);
    }

    /// Handles a message of a task.
    pub fn on_message(&mut self, message: Message) {
        let Some(message) = self.tasks.receive(message) else { return };
        match message {
            AppMessage::Answered(line, of, answer) => self.on_answered(line, &of, answer),
            AppMessage::Begun(line, group) => self.on_begun(line, group),
            AppMessage::Finished(line, transfer, result) => self.on_finished(line, transfer, result),
            AppMessage::Waits(line) => self.lines.set_waiting(line),
            AppMessage::DropWaiting(line, reply) => drop(reply.send(self.drop_waiting(line))),
            AppMessage::Told(line, answer) => self.take_answer(&line, answer),
            AppMessage::Opened(title, Ok(answer)) => {
                self.read(&title, Laid::of(vec![Piece::Answer(answer.view)]));
            }
            AppMessage::Opened(_, Err(error)) => self.fail(&error),
            AppMessage::Found(pane, found) => self.panes.get_mut(pane).found(found, self.view.is_frozen()),
            AppMessage::Confirmed(line, true) => self.run(&line),
            AppMessage::Confirmed(line, false) => self.say(Role::Dim, &format!("not carried out: `{line}`")),
            AppMessage::Agreed => {}
            AppMessage::Heal(yes) => self.heal(yes),
            AppMessage::Quit(true) => self.exit = Some(ExitRequest::Quit),
            AppMessage::Quit(false) => {}
            AppMessage::Session(Err(error)) if ShellError::from(error.clone()).is_session_over() => self.on_session_over(),
            // A running command may have logged a user in and has further steps; the change of user is handled when it ends.
            AppMessage::Session(_) if self.lines.is_asking() => {}
            AppMessage::Session(_) if self.has_lost_session() => self.on_session_over(),
            AppMessage::Session(_) => self.on_who(),
        }
        self.begin_typed();
    }
}

fn scene<'a>(
    view: &'a View,
    theme: &'a Theme,
    (visitor, shell): (&'a Visitor, &'a Shell),
    workspace: &Workspace,
    lines: &'a Lines,
) -> Scene<'a> {
    Scene {
        snapshot: view.snapshot(),
        journal: view.journal(),
        events_lost: view.events_lost(),
        seed: shell.access().seed(),
        is_frozen: view.is_frozen(),
        file_count: view.file_count(),
        fault_count: view.fault_count(),
        chosen: view.chosen(),
        theme,
        identity: visitor.identity(),
        table: shell.table(),
        doors: view.doors(),
        focus: workspace.focus(),
        under_way: lines.summary(),
        pending: view.steps(lines).pending(),
        computed: Computed::default(),
    }
}
