//! A monkey at the whole screen: keys, clicks, pasted texts and resizes by the thousand, drawn from fixed seeds, while transfers and faults
//! are under way and users come and go. Nothing panics, no cell holds what would command a terminal, and whatever has been done a line can
//! be typed afterwards.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use p2p_base::random::RandomStream;
use p2p_engine::pace::Speed;
use p2p_storage::tui::app::Pane;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::dialogs::{registration, wait};
use crate::harness::random_file;
use crate::names_on_screen::check_cells;
use crate::program::{Deadline, PASSWORD};
use crate::seeds::for_seeds;
use crate::tui_harness::{KEYS, TuiHarness, clock};

/// Seeds of an ordinary run.
const SEEDS: u64 = 4;
/// Inputs of each seed.
const INPUTS: usize = 400;
/// Inputs between two looks at what the engine has done, and at the prompt.
const BETWEEN: usize = 20;

/// Names that a careless or hostile hand may give: controls, directions, wide and long ones, and what looks like an option.
const NAMES: [&str; 8] = [
    "plain.bin",
    "esc\u{1b}]0;title\u{7}\u{1b}[2J.bin",
    "bidi\u{202e}nib.exe",
    "zero\u{200b}\u{feff}width.bin",
    "日本語の長い名前.dat",
    "new\nline\r.bin",
    "-rf --help",
    "$x 'quoted\" name",
];

/// Lines that begin, break, list and undo things. `%` stands for a number up to nine.
const LINES: [&str; 46] = [
    "upload a.bin",
    "upload b.bin --as c%.bin",
    "upload a.bin b.bin; nodes; wait",
    "get a.bin --discard",
    "rm c%.bin",
    "rm a.bin",
    "cancel %",
    "cancel all",
    "wait",
    "wait %",
    "kill Node_0%",
    "revive Node_0%",
    "stop Node_0%",
    "start Node_0%",
    "faults",
    "faults clear",
    "path Node_01,Node_03 --cut",
    "path * --loss 30%",
    "path * --delay 300ms",
    "link Node_0% up 10KiB",
    "speed max",
    "speed 0.1",
    "speed 10",
    "pause",
    "resume",
    "step",
    "step 10s",
    "sleep 5s",
    "clear",
    "info a.bin",
    "info Node_0%",
    "ls -l",
    "nodes",
    "health",
    "wire",
    "help",
    "log",
    "tour leave",
    "history",
    "segments a.bin",
    "df",
    "set x = %",
    "whoami",
    "export",
    "list",
    "transfers",
];

/// Source of the monkey's whims.
struct Monkey {
    chance: RandomStream,
}

impl Monkey {
    fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.chance.fill(&mut bytes);
        (u64::from_le_bytes(bytes) % bound as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn line(&mut self) -> String {
        let digit = self.below(10).to_string();
        let name = self.one_of(&NAMES);
        match self.below(8) {
            0 => format!("put a.bin --as {}", p2p_shell::words::quote(name)),
            1 => format!("info {name}"),
            _ => self.one_of(&LINES).replace('%', &digit),
        }
    }

    fn key(&mut self) -> KeyEvent {
        const MODIFIERS: [KeyModifiers; 4] = [KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT, KeyModifiers::SHIFT];
        let code = match self.below(4) {
            0 => KeyCode::F(1 + self.below(12) as u8),
            1 => self.one_of(&KEYS),
            2 => KeyCode::Char(self.one_of(&['\u{202e}', '世', 'é', '\u{301}', '\u{200d}', '\u{1b}', '\u{9b}', '\u{7f}'])),
            _ => KeyCode::Char(char::from(b' ' + self.below(95) as u8)),
        };
        let modifiers = if self.below(3) == 0 { self.one_of(&MODIFIERS) } else { KeyModifiers::NONE };
        KeyEvent::new(code, modifiers)
    }

    fn mouse(&mut self, (width, height): (u16, u16)) -> MouseEvent {
        let kinds = [
            MouseEventKind::Down(MouseButton::Left),
            MouseEventKind::Drag(MouseButton::Left),
            MouseEventKind::Up(MouseButton::Right),
            MouseEventKind::ScrollUp,
            MouseEventKind::ScrollDown,
        ];
        // A terminal that was made smaller may still report a click outside.
        let (column, row) = (self.below(usize::from(width) + 3) as u16, self.below(usize::from(height) + 3) as u16);
        MouseEvent { kind: self.one_of(&kinds), column, row, modifiers: KeyModifiers::NONE }
    }

    fn paste(&mut self) -> String {
        match self.below(6) {
            0 => "x\u{1b}[31m\u{7}\n".repeat(10_000),
            1 => format!("{}\n{}\r\n", self.line(), self.line()),
            _ => format!("{}{}", self.one_of(&NAMES), self.line()),
        }
    }
}

/// A screen with users, on which virtual time passes, and a monkey at it.
struct Cage {
    tui: TuiHarness,
    size: (u16, u16),
    monkey: Monkey,
}

impl Cage {
    fn new(seed: u64) -> Cage {
        let home = tempfile::tempdir().unwrap();
        let tui = TuiHarness::running(home, (120, 40), Speed::Max, |_, _, _| {});
        for (name, bytes) in [("a.bin", 300_000), ("b.bin", 150_000)] {
            random_file(&tui.home.path().join(name), bytes, seed);
        }
        Cage { tui, size: (120, 40), monkey: Monkey { chance: RandomStream::new(seed, "monkey") } }
    }

    fn input(&mut self, input: Input) {
        let _runtime = self.tui.runtime.enter();
        self.tui.app.on_input(input);
    }

    fn press(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.input(Input::Key(KeyEvent::new(code, modifiers)));
    }

    fn enter(&mut self, line: &str) {
        let home = self.tui.home.path().display().to_string();
        let line = line.replace(" a.bin", &format!(" {home}/a.bin")).replace(" b.bin", &format!(" {home}/b.bin"));
        line.chars().for_each(|c| self.press(KeyCode::Char(c), KeyModifiers::NONE));
        self.press(KeyCode::Enter, KeyModifiers::NONE);
    }

    fn whim(&mut self) {
        match self.monkey.below(12) {
            0 => {
                self.size = match self.monkey.below(8) {
                    0 => (1, 1),
                    1 => (300, 100),
                    _ => (1 + self.monkey.below(200) as u16, 1 + self.monkey.below(60) as u16),
                };
                self.tui.screen = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
            }
            1 | 2 => {
                let mouse = self.monkey.mouse(self.size);
                self.input(Input::Mouse(mouse));
            }
            3 => {
                let text = self.monkey.paste();
                self.input(Input::Paste(text));
            }
            4 => {
                self.free_prompt();
                let line = self.monkey.line();
                self.enter(&line);
            }
            _ => {
                let key = self.monkey.key();
                self.input(Input::Key(key));
            }
        }
        self.tui.app.take_terminal_requests();
        self.tui.app.take_exit();
    }

    /// Closes all dialogs, and clears the line.
    fn free_prompt(&mut self) {
        for _ in 0..8 {
            if self.tui.app.dialogs().is_empty() {
                break;
            }
            self.press(KeyCode::Esc, KeyModifiers::NONE);
            self.press(KeyCode::Esc, KeyModifiers::NONE);
        }
        assert!(self.tui.app.dialogs().is_empty(), "{} does not close", self.tui.app.mode());
        self.tui.app.focus_on(Pane::Prompt);
        self.press(KeyCode::Char('c'), KeyModifiers::CONTROL);
        self.press(KeyCode::Char('c'), KeyModifiers::CONTROL);
    }

    /// Checks that what is typed arrives in the prompt and on the screen.
    fn check_alive(&mut self) {
        self.free_prompt();
        "alive".chars().for_each(|c| self.press(KeyCode::Char(c), KeyModifiers::NONE));
        assert_eq!(self.tui.app.prompt().editor.text(), "alive", "{} {:?}", self.tui.app.mode(), self.tui.app.dialogs().len());
        self.press(KeyCode::Char('c'), KeyModifiers::CONTROL);
    }
}

fn play(seed: u64) {
    let mut cage = Cage::new(seed);
    for number in 0..INPUTS {
        cage.whim();
        let buffer = cage.tui.frame();
        check_cells(&buffer, &format!("seed {seed}, input {number}, {:?}", cage.size));
        {
            let _runtime = cage.tui.runtime.enter();
            cage.tui.app.inquire();
        }
        if number % BETWEEN == 0 {
            cage.tui.look(Duration::from_millis(10));
            cage.check_alive();
        }
    }
}

/// Whatever a monkey does, the screen goes on.
#[test]
fn a_monkey_breaks_nothing() {
    for_seeds(SEEDS, play);
}

/// Users who come and go; the first one is the admin, who may see everything.
const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// Visits of an ordinary run, and inputs of each.
const VISITS: usize = 4;
const INPUTS_OF_VISIT: usize = 40;

/// Longest time between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// Word that only one user has seen.
fn secret(name: &str) -> String {
    format!("secret{name}")
}

impl Cage {
    /// A screen to which nobody has logged in.
    fn with_users(seed: u64) -> Cage {
        let mut cage = Cage::new(seed);
        for name in USERS {
            cage.tui.auth.register_other(&registration(name), "a test", "a test", clock() - 3600).unwrap();
        }
        cage.tui.runtime.block_on(cage.tui.app.access().peek()).unwrap();
        {
            let _runtime = cage.tui.runtime.enter();
            cage.tui.app.on_who();
        }
        cage
    }

    /// Lets things happen until it looks so.
    fn until(&mut self, what: &str, looks: impl Fn(&TuiHarness) -> bool) {
        let deadline = Deadline::new();
        while !looks(&self.tui) {
            assert!(!deadline.is_over(), "{what}:\n{}", self.tui.text());
            self.tui.look(LOOK);
        }
    }

    fn comes(&mut self, name: &str) {
        // The forms that the screen opens by itself are closed, each as it comes.
        let deadline = Deadline::new();
        self.free_prompt();
        while self.tui.app.is_busy() {
            assert!(!deadline.is_over(), "something goes on:\n{}", self.tui.text());
            self.tui.look(LOOK);
            self.free_prompt();
        }
        self.enter("login");
        self.until("no form", |tui| tui.app.awaits_input());
        self.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
        name.chars().for_each(|c| self.press(KeyCode::Char(c), KeyModifiers::NONE));
        self.press(KeyCode::Tab, KeyModifiers::NONE);
        PASSWORD.chars().for_each(|c| self.press(KeyCode::Char(c), KeyModifiers::NONE));
        self.press(KeyCode::Enter, KeyModifiers::NONE);
        self.until("no login", |tui| tui.app.identity().name() == Some(name));
    }

    /// Leaves words of a user wherever they may be left: in files, transfers, filters, answers, variables, dialogs and the typed line.
    fn leaves_traces(&mut self, name: &str) {
        let word = secret(name);
        self.free_prompt();
        self.enter(&format!("put a.bin --as {word}.bin"));
        self.enter(&format!("mkdir {word}dir; ls; info {word}.bin; set x = {word}"));
        self.tui.look(Duration::from_millis(20));
        for _ in 0..INPUTS_OF_VISIT {
            self.whim();
            let _buffer = self.tui.frame();
            let _runtime = self.tui.runtime.enter();
            self.tui.app.inquire();
        }
        self.free_prompt();
        self.tui.look(Duration::from_millis(20));
        let pane = self.monkey.one_of(&Pane::ALL);
        self.tui.app.focus_on(pane);
        match self.monkey.below(6) {
            0 => self.tui.press(&["/", &word]),
            1 => self.tui.press(&["Enter"]),
            2 => self.tui.press(&["x"]),
            3 => self.tui.press(&["F8"]),
            4 => self.tui.press(&["f", "F7"]),
            _ => self.tui.press(&[":", &word]),
        }
    }

    /// Ends the session, from wherever the screen is.
    fn goes(&mut self) {
        match self.monkey.below(2) {
            0 => {
                self.free_prompt();
                self.enter("logout");
            }
            _ => {
                wait(3 * 3600);
                let _runtime = self.tui.runtime.enter();
                self.tui.app.look_after_session();
            }
        }
        self.until("the session goes on", |tui| tui.app.identity().name().is_none());
    }

    /// All that can be seen with a few keys.
    fn everything(&mut self) -> String {
        let mut seen = String::new();
        for size in [(60, 16), (120, 40)] {
            self.tui.screen = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
            seen += &self.tui.text();
            self.free_prompt();
            for pane in Pane::ALL {
                self.tui.app.focus_on(pane);
                for key in ["F5", "F2", "F6", "F6", "F7", "F8"] {
                    self.tui.press(&[key]);
                    seen += &self.tui.text();
                }
                self.free_prompt();
            }
            self.tui.press(&["Up"]);
            seen += &self.tui.text();
            self.free_prompt();
        }
        seen
    }
}

/// Whatever a user has typed, stored, opened and filtered, the next one sees none of it.
#[test]
fn nobody_sees_what_another_has_left() {
    for_seeds(2, |seed| {
        let mut cage = Cage::with_users(seed);
        let mut before: Option<&str> = None;
        for visit in 0..VISITS {
            let name = USERS[1 + (visit + seed as usize) % 2];
            cage.comes(name);
            let seen = cage.everything();
            for other in before.into_iter().filter(|other| *other != name) {
                let line = seen.lines().find(|line| line.contains(&secret(other)));
                assert!(line.is_none(), "seed {seed}, visit {visit}: {name} sees {line:?}");
            }
            cage.leaves_traces(name);
            cage.goes();
            let seen = cage.everything();
            let line = seen.lines().find(|line| line.contains(&secret(name)));
            assert!(line.is_none(), "seed {seed}, visit {visit}: nobody sees {line:?}");
            before = Some(name);
        }
    });
}
