//! The real screen on a backend in memory, with the real engine below and a clock that is given.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use p2p_auth::{Auth, Policy};
use p2p_base::units::SimDuration;
use p2p_engine::pace::Speed;
use p2p_engine::snapshot::Snapshot;
use p2p_engine::{ClockMode, Engine, EngineConfig, EngineHandle, HostSpec, NodeSpec, operation};
use p2p_service::access::Access;
use p2p_service::access::watching::{Events, Happening};
use p2p_service::config::Config;
use p2p_shell::history::Histories;
use p2p_shell::{Questions, Shell};
use p2p_storage::tui::app::{App, Message, Pane};
use p2p_storage::tui::dialog::Dialog;
use p2p_storage::tui::draw;
use p2p_storage::tui::theme::{Theme, ThemeName};
use p2p_store::manifest::NodeNumber;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::timeout;

use crate::harness::{OPERATOR, config, home_in_memory, quick_link, random_file, slow_link};
use crate::program::{DEADLINE, Deadline};

thread_local! {
    /// The wall clock of a test stands still, unless the test moves it.
    pub(crate) static CLOCK: Cell<u64> = const { Cell::new(1_795_376_677) };
}

pub(crate) fn clock() -> u64 {
    CLOCK.get()
}

/// Keys with names that move, edit and decide, for random input.
pub(crate) const KEYS: [KeyCode; 15] = [
    KeyCode::Enter,
    KeyCode::Esc,
    KeyCode::Tab,
    KeyCode::BackTab,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::Home,
    KeyCode::End,
    KeyCode::PageUp,
    KeyCode::PageDown,
    KeyCode::Delete,
    KeyCode::Backspace,
    KeyCode::Insert,
];

/// Sizes from the smallest screen to a large one.
pub(crate) const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 60)];

/// A screen, its engine, and everything that the loop of the program would carry between them.
pub(crate) struct TuiHarness {
    pub(crate) app: App,
    pub(crate) screen: Terminal<TestBackend>,
    pub(crate) messages: UnboundedReceiver<Message>,
    pub(crate) questions: Questions,
    pub(crate) events: Events,
    /// The snapshots, to wait for the next one.
    snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) handle: EngineHandle,
    pub(crate) auth: Auth,
    _engine: Engine,
    pub(crate) home: tempfile::TempDir,
    pub(crate) runtime: tokio::runtime::Runtime,
}

/// Takes the next of what tasks and questions bring.
pub(crate) async fn take_answer(app: &mut App, messages: &mut UnboundedReceiver<Message>, questions: &mut Questions) {
    tokio::select! {
        message = messages.recv() => app.on_message(message.unwrap()),
        question = questions.recv() => app.on_question(question.unwrap()),
        Some(ended) = app.task_ended() => ended.unwrap(),
    }
}

/// Takes the next of what tasks, questions and the engine bring.
async fn take_next(app: &mut App, messages: &mut UnboundedReceiver<Message>, questions: &mut Questions, events: &mut Events) {
    tokio::select! {
        () = take_answer(app, messages, questions) => {}
        happening = events.next() => {
            if let Happening::Event(event) = happening {
                app.on_event(event.at, &event.event);
            }
        }
    }
}

impl TuiHarness {
    pub(crate) fn new(width: u16, height: u16, theme: Theme, slow: bool) -> TuiHarness {
        TuiHarness::in_home(tempfile::tempdir().unwrap(), (width, height), theme, slow)
    }

    pub(crate) fn in_home(home: tempfile::TempDir, size: (u16, u16), theme: Theme, slow: bool) -> TuiHarness {
        let settings = config(&home.path().join("data"), 5, if slow { slow_link() } else { quick_link() });
        TuiHarness::with(home, size, theme, settings)
    }

    /// On the links of the default configuration, where virtual time passes by itself; `log_in` may log a user in beforehand.
    pub(crate) fn running(
        home: tempfile::TempDir,
        size: (u16, u16),
        speed: Speed,
        log_in: impl FnOnce(&Shell, &mut Questions, &tokio::runtime::Runtime),
    ) -> TuiHarness {
        let settings = config(&home.path().join("data"), 5, slow_link());
        let settings = EngineConfig { clock: ClockMode::Running, speed, ..settings };
        TuiHarness::opened(home, size, Theme::new(ThemeName::Dark, false), settings, log_in)
    }

    /// With so many nodes, and quick links.
    pub(crate) fn with_nodes(nodes: u16, width: u16, height: u16) -> TuiHarness {
        let home = tempfile::tempdir().unwrap();
        let mut settings = config(&home.path().join("data"), 1, quick_link());
        let NodeSpec { host, capacity } = settings.nodes[0];
        let address = |n: u16| Ipv4Addr::from(u32::from(host.address) + u32::from(n));
        let node = |n| NodeSpec { host: HostSpec { address: address(n), ..host }, capacity };
        settings.nodes = (0..nodes).map(node).collect();
        TuiHarness::with(home, (width, height), Theme::new(ThemeName::Dark, false), settings)
    }

    /// With so many nodes, on the network of the built-in configuration.
    pub(crate) fn usual(nodes: u32, size: (u16, u16), theme: Theme) -> TuiHarness {
        let subnet = if nodes > 200 { "10.0.0.0/16" } else { "10.0.0.0/24" };
        TuiHarness::configured(&format!("[network]\nsubnet = '{subnet}'\n[nodes]\ncount = {nodes}\n"), size, theme)
    }

    /// With the configuration of a `p2p.toml`.
    pub(crate) fn configured(toml: &str, size: (u16, u16), theme: Theme) -> TuiHarness {
        let home = home_in_memory();
        let path = home.path().join("p2p.toml");
        std::fs::write(&path, toml).unwrap();
        let config = Config::load(Some(&path)).unwrap();
        let settings = config.engine(&home.path().join("data"), ClockMode::OnDemand).unwrap();
        TuiHarness::with(home, size, theme, settings)
    }

    /// Lets virtual time pass.
    pub(crate) fn sleep(&mut self, seconds: u64) {
        let span = SimDuration::from_secs(seconds);
        self.runtime.block_on(self.handle.call(&OPERATOR, operation::Sleep { span })).unwrap();
        self.settle();
    }

    /// Lets virtual time pass, and brings the screen every snapshot on the way, as the program's loop does.
    pub(crate) fn watch(&mut self, span: SimDuration) {
        let mut snapshots = self.handle.snapshots();
        let handle = self.handle.clone();
        let TuiHarness { runtime, app, .. } = self;
        runtime.block_on(async {
            let sleep = handle.call(&OPERATOR, operation::Sleep { span });
            tokio::pin!(sleep);
            loop {
                tokio::select! {
                    slept = &mut sleep => break slept.unwrap(),
                    changed = snapshots.changed() => {
                        changed.unwrap();
                        let latest = snapshots.borrow_and_update().clone();
                        app.on_snapshot(latest);
                    }
                }
            }
        });
        self.settle();
    }

    /// Begins to store a random file of this name, behind the back of the screen.
    pub(crate) fn begin_upload(&mut self, name: &str, bytes: usize) {
        let path = self.home.path().join(name);
        random_file(&path, bytes, 7);
        self.runtime.block_on(self.handle.call(&OPERATOR, operation::Upload::of_file(path, None, 0))).unwrap();
    }

    /// Ends a pause, behind the back of the screen.
    pub(crate) fn resume(&mut self) {
        self.runtime.block_on(self.handle.call(&OPERATOR, operation::Resume)).unwrap();
    }

    pub(crate) fn set_speed(&mut self, speed: Speed) {
        self.runtime.block_on(self.handle.call(&OPERATOR, operation::SetSpeed { speed })).unwrap();
    }

    /// Shows the state of the engine without waiting for what is under way.
    pub(crate) fn refresh(&mut self) {
        self.runtime.block_on(self.handle.snapshot()).unwrap();
        let latest = self.app.access().snapshot();
        self.app.on_snapshot(latest);
    }

    /// The text of a pane, with its frame.
    pub(crate) fn pane(&mut self, pane: Pane) -> Vec<String> {
        let buffer = self.draw();
        let area = self.app.workspace().area_of(pane).unwrap();
        lines_of(&buffer, area)
    }

    /// All that was said in the prompt.
    pub(crate) fn said(&self) -> String {
        self.app.prompt().output.iter().map(|(_, text)| format!("{text}\n")).collect()
    }

    /// The entries of the open menu with their commands.
    pub(crate) fn menu(&self) -> Vec<(String, String)> {
        let Some(Dialog::List(list)) = self.app.dialogs().last() else { panic!("no menu is open") };
        list.items.iter().map(|item| (item.name.clone(), item.summary.clone())).collect()
    }

    fn with(home: tempfile::TempDir, size: (u16, u16), theme: Theme, settings: EngineConfig) -> TuiHarness {
        let settings = EngineConfig { clock: ClockMode::OnDemand, speed: Speed::Max, ..settings };
        TuiHarness::opened(home, size, theme, settings, |_, _, _| {})
    }

    fn opened(
        home: tempfile::TempDir,
        (width, height): (u16, u16),
        theme: Theme,
        settings: EngineConfig,
        log_in: impl FnOnce(&Shell, &mut Questions, &tokio::runtime::Runtime),
    ) -> TuiHarness {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (engine, handle) = Engine::start(settings, None).unwrap();
        let auth = Auth::open(engine.database().clone(), Policy::default()).unwrap();
        let access = Access::new(handle.clone(), auth.clone(), "a test", clock).unwrap();
        let events = access.events(None);
        runtime.block_on(handle.call(&OPERATOR, operation::WatchWire { packets: Some(10_000) })).unwrap();
        let profiles = Config::built_in().unwrap().profiles();
        let (shell, mut questions) = Shell::new(access.with_mail_way("mails are put into outbox".into()).with_profiles(profiles));
        log_in(&shell, &mut questions, &runtime);
        let (app, messages) = App::new(shell, theme, Histories::default());
        let screen = Terminal::new(TestBackend::new(width, height)).unwrap();
        let snapshots = handle.snapshots();
        TuiHarness { app, screen, messages, questions, events, snapshots, handle, auth, _engine: engine, home, runtime }
    }

    pub(crate) fn dark(width: u16, height: u16) -> TuiHarness {
        TuiHarness::new(width, height, Theme::new(ThemeName::Dark, false), false)
    }

    /// In the dark theme, on slow links that lose packets.
    pub(crate) fn slow(width: u16, height: u16) -> TuiHarness {
        TuiHarness::new(width, height, Theme::new(ThemeName::Dark, false), true)
    }

    pub(crate) fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        let _runtime = self.runtime.enter();
        self.app.on_input(Input::Key(KeyEvent::new(code, modifiers)));
    }

    /// `Ctrl-P`, `F1`, `Enter`, or characters.
    pub(crate) fn keys(&mut self, keys: &[&str]) {
        self.press(keys);
        self.settle();
    }

    /// Carries out a command, and closes the viewer in which its answer may open.
    pub(crate) fn ask_aside(&mut self, command: &str) {
        self.keys(&[command, "Enter"]);
        self.draw();
        self.keys(&["Esc"]);
    }

    /// The same, without waiting for what comes of it.
    pub(crate) fn press(&mut self, keys: &[&str]) {
        for key in keys {
            match *key {
                "Enter" => self.key(KeyCode::Enter, KeyModifiers::NONE),
                "Esc" => self.key(KeyCode::Esc, KeyModifiers::NONE),
                "Tab" => self.key(KeyCode::Tab, KeyModifiers::NONE),
                "Shift-Tab" => self.key(KeyCode::BackTab, KeyModifiers::SHIFT),
                "Up" => self.key(KeyCode::Up, KeyModifiers::NONE),
                "End" => self.key(KeyCode::End, KeyModifiers::NONE),
                "Left" => self.key(KeyCode::Left, KeyModifiers::NONE),
                "Right" => self.key(KeyCode::Right, KeyModifiers::NONE),
                "Down" => self.key(KeyCode::Down, KeyModifiers::NONE),
                "Home" => self.key(KeyCode::Home, KeyModifiers::NONE),
                "PageUp" => self.key(KeyCode::PageUp, KeyModifiers::NONE),
                "PageDown" => self.key(KeyCode::PageDown, KeyModifiers::NONE),
                "F1" | "F2" | "F3" | "F4" | "F5" | "F6" | "F7" | "F8" | "F9" => {
                    self.key(KeyCode::F(key[1..].parse().unwrap()), KeyModifiers::NONE);
                }
                control if control.starts_with("Ctrl-") => {
                    let c = control.chars().last().unwrap().to_ascii_lowercase();
                    self.key(KeyCode::Char(c), KeyModifiers::CONTROL);
                }
                text => text.chars().for_each(|c| self.key(KeyCode::Char(c), KeyModifiers::NONE)),
            }
        }
    }

    /// The same with the keys in a pane, without waiting for what comes of it.
    pub(crate) fn press_in_pane(&mut self, pane: Pane, keys: &[&str]) {
        self.app.focus_on(pane);
        self.press(keys);
    }

    /// Opens the connection to a node from the first of its rows among the segments, which fill the screen from then on.
    pub(crate) fn open_connection(&mut self, node: NodeNumber) {
        self.press_in_pane(Pane::Segments, &["z"]);
        let rows = self.pane(Pane::Segments);
        let place = rows[2..].iter().position(|row| row.contains(&node.to_string())).unwrap();
        (0..place).for_each(|_| self.press(&["Down"]));
        self.keys(&["x", "watch", "Enter"]);
    }

    /// Lets the next thing happen that tasks bring.
    fn happen(&mut self) {
        self.runtime.block_on(async {
            let next = take_answer(&mut self.app, &mut self.messages, &mut self.questions);
            timeout(DEADLINE, next).await.expect("an answer in time");
            tokio::task::yield_now().await;
        });
    }

    /// Waits until a task has sent something, which the screen has not taken yet.
    pub(crate) fn until_sent(&mut self) {
        let deadline = Deadline::new();
        while self.messages.is_empty() {
            assert!(!deadline.is_over(), "nothing is sent:\n{}", self.text());
            self.runtime.block_on(tokio::task::yield_now());
        }
    }

    /// Lets things happen until it looks so, where something goes on that [`settle`](Self::settle) would wait for.
    pub(crate) fn until(&mut self, looks: impl Fn(&App) -> bool) {
        while !looks(&self.app) {
            self.happen();
        }
    }

    /// Lets happen what is there already, and shows the latest snapshot.
    fn take_all(&mut self) {
        self.runtime.block_on(async {
            let all = async {
                loop {
                    take_next(&mut self.app, &mut self.messages, &mut self.questions, &mut self.events).await;
                }
            };
            // A span of nothing is enough for what is there.
            let _ = timeout(Duration::ZERO, all).await;
        });
        self.show_latest();
    }

    /// Lets the next thing happen, and all that is there already with it, but waits for it no longer than this; shows the latest
    /// snapshot, which is such a thing too.
    pub(crate) fn look(&mut self, at_most: Duration) {
        self.runtime.block_on(async {
            let next = async {
                tokio::select! {
                    () = take_next(&mut self.app, &mut self.messages, &mut self.questions, &mut self.events) => {}
                    _ = self.snapshots.changed() => {}
                }
            };
            let _ = timeout(at_most, next).await;
        });
        self.take_all();
    }

    fn show_latest(&mut self) {
        self.snapshots.mark_unchanged();
        let latest = self.app.access().snapshot();
        self.app.on_snapshot(latest);
    }

    /// Lets everything that was asked for happen.
    pub(crate) fn settle(&mut self) {
        loop {
            while self.app.is_busy() && !self.app.awaits_input() {
                self.happen();
            }
            // What has ended may have left a word, and that may begin something.
            let Ok(message) = self.messages.try_recv() else { break };
            let _runtime = self.runtime.enter();
            self.app.on_message(message);
        }
        // A span of nothing is enough for what is there already.
        let mut next = || self.runtime.block_on(async { timeout(Duration::ZERO, unconstrained(self.events.next())).await });
        while let Ok(Happening::Event(event)) = next() {
            self.app.on_event(event.at, &event.event);
        }
        // The engine may have been stopped by what was asked for.
        let _ = self.runtime.block_on(self.handle.snapshot());
        let latest = self.app.access().snapshot();
        self.app.on_snapshot(latest);
    }

    /// The frame as it is handed to the terminal: the second cell of a wide character is blank, of which the backend in memory keeps
    /// what an earlier frame had there.
    pub(crate) fn frame(&mut self) -> Buffer {
        self.screen.draw(|frame| draw::draw(&mut self.app, frame)).unwrap().buffer.clone()
    }

    pub(crate) fn draw(&mut self) -> Buffer {
        self.screen.draw(|frame| draw::draw(&mut self.app, frame)).unwrap();
        let _runtime = self.runtime.enter();
        self.app.inquire();
        self.screen.backend().buffer().clone()
    }

    /// Draws until panes have looked up all that they show. Not for a screen on which something goes on.
    pub(crate) fn draw_all(&mut self) -> Buffer {
        loop {
            let buffer = self.draw();
            if !self.app.is_busy() || self.app.awaits_input() {
                return buffer;
            }
            self.settle();
        }
    }

    pub(crate) fn text(&mut self) -> String {
        lines(&self.draw()).join("\n")
    }
}

pub(crate) fn lines(buffer: &Buffer) -> Vec<String> {
    lines_of(buffer, buffer.area)
}

/// The lines of a part of the screen.
pub(crate) fn lines_of(buffer: &Buffer, area: Rect) -> Vec<String> {
    let rows = area.rows().map(|row| row.columns().map(|cell| buffer[(cell.x, cell.y)].symbol().to_owned()).collect::<String>());
    rows.map(|line| line.trim_end().to_owned()).collect()
}

/// Where each style begins, line by line, for the eye that cannot see colours in a text.
pub(crate) fn styles(buffer: &Buffer) -> Vec<String> {
    let mut all = Vec::new();
    for row in buffer.area.rows() {
        let (mut line, mut last) = (String::new(), None);
        for cell in row.columns() {
            let cell_style = &buffer[(cell.x, cell.y)];
            let style = format!("{:?}/{:?}", cell_style.fg, cell_style.modifier);
            if last.as_ref() != Some(&style) {
                line.push_str(&format!("{}:{style} ", cell.x));
                last = Some(style);
            }
        }
        all.push(line.trim_end().to_owned());
    }
    all
}
