//! Signals: whatever ends the screen, the terminal is as it was before and the directory of the tour is gone; and the terminal is the
//! shell's while the screen is stopped.

use std::path::Path;

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Home, QUICK, end_of, signal, wait_until};
use crate::pty::{Pty, program};

/// Signals that end the program, with the exit code of a program that they have ended.
const ENDING: [(Signal, u32); 8] = [
    (Signal::HUP, 129),
    (Signal::INT, 130),
    (Signal::QUIT, 131),
    (Signal::USR1, 138),
    (Signal::USR2, 140),
    (Signal::ALARM, 142),
    (Signal::TERM, 143),
    (Signal::XCPU, 152),
];

/// Iterations of a password's hash that take some seconds.
const SLOW_HASH: u32 = 3_000_000;

/// A shell with job control in a terminal, in which the program is run.
struct Terminal {
    pty: Pty,
    home: tempfile::TempDir,
    /// Number of commands that the shell has been given.
    count: usize,
}

impl Terminal {
    fn new() -> Terminal {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("p2p.toml"), QUICK).unwrap();
        let mut shell = CommandBuilder::new("bash");
        shell.args(["--norc", "--noprofile", "-i"]);
        shell.cwd(home.path());
        shell.env_clear();
        let path = home.path().to_str().unwrap();
        for (name, value) in
            [("HOME", path), ("TMPDIR", path), ("TERM", "xterm-256color"), ("PS1", "shell> "), ("PATH", "/usr/bin:/bin")]
        {
            shell.env(name, value);
        }
        let pty = Pty::start(shell);
        pty.shows("shell>");
        let mut terminal = Terminal { pty, home, count: 0 };
        terminal.run("stty -a > modes-before; stty -g > saved", 0);
        terminal
    }

    /// Starts the program.
    fn start(&mut self, arguments: &str) {
        self.pty.send(&format!("{} {arguments}\r", env!("CARGO_BIN_EXE_p2p")));
    }

    /// Runs a command of the shell to its end; the command before it has ended with this code.
    fn run(&mut self, command: &str, code: u32) {
        self.count += 1;
        self.pty.send(&format!("echo \"code $?, {}\"\"th\"; {command}; echo do\"\"ne{}\r", self.count, self.count));
        self.pty.shows(&format!("code {code}, {}th", self.count));
        self.pty.shows(&format!("done{}", self.count));
    }

    /// The program that the shell runs in the foreground.
    fn program(&self) -> Pid {
        let shell = self.pty.child.process_id().unwrap();
        let mut found = None;
        wait_until("the program", || {
            let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
            found = children.split_whitespace().next().and_then(|id| Pid::from_raw(id.parse().unwrap()));
            found.is_some()
        });
        found.unwrap()
    }

    fn kill(&self, signal: Signal) {
        kill_process(self.program(), signal).unwrap();
    }

    /// Waits until the shell reads a command.
    fn prompts(&self) {
        wait_until("the shell's prompt", || self.pty.text().trim_end().ends_with("shell>"));
    }

    /// The terminal is the shell's again, in its own modes, after a program that has ended with this code.
    fn is_restored(&mut self, code: u32) {
        self.has_the_shell_s_screen();
        self.prompts();
        self.run("stty -a | diff modes-before - && echo same \"modes\"", code);
        self.pty.shows("same modes");
    }

    fn has_the_shell_s_screen(&self) {
        wait_until("the shell's screen", || !self.pty.screen.lock().unwrap().screen().alternate_screen());
        let screen = self.pty.screen.lock().unwrap();
        let screen = screen.screen();
        assert!(!screen.hide_cursor() && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None);
    }

    fn networks(&self) -> usize {
        networks(self.home.path())
    }

    fn leave(mut self) {
        self.pty.send("exit\r");
        self.pty.ends();
    }
}

/// The directories of tours that are there.
fn networks(home: &Path) -> usize {
    let entries = std::fs::read_dir(home).unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("p2p-demo-")).count()
}

#[test]
fn a_signal_that_ends_the_tour_leaves_nothing_behind() {
    for (signal, code) in ENDING {
        let mut terminal = Terminal::new();
        terminal.start("demo");
        terminal.pty.shows("Tour, 1 of 8");
        assert_eq!(terminal.networks(), 1);
        terminal.kill(signal);
        terminal.is_restored(code);
        assert_eq!(terminal.networks(), 0, "{signal:?}");
        terminal.leave();
    }
}

/// Also while the tour is being prepared, where nothing is on the screen yet.
#[test]
fn a_tour_that_is_being_prepared_leaves_nothing_behind_either() {
    for command in ["demo", "demo --json"] {
        let mut terminal = Terminal::new();
        // It takes so long that nobody could notice the signal in the two seconds after which it ends the program at once.
        let config = std::fs::read_to_string(terminal.home.path().join("p2p.toml")).unwrap();
        let slow = format!("{config}\n[accounts]\npbkdf2_iterations = {SLOW_HASH}\n");
        std::fs::write(terminal.home.path().join("p2p.toml"), slow).unwrap();
        terminal.start(command);
        wait_until("the tour's directory", || terminal.networks() == 1);
        terminal.kill(Signal::QUIT);
        terminal.is_restored(131);
        assert_eq!(terminal.networks(), 0, "{command}");
        terminal.leave();
    }
}

/// A command that is interrupted undoes what was under way, whatever the signal.
#[test]
fn a_command_that_a_signal_ends_undoes_its_work() {
    let home = Home::new("");
    home.file("a.bin", 8_000_000);
    for (name, code) in [("QUIT", 131), ("USR1", 138), ("XCPU", 152)] {
        let child = home.spawn(&["put", "a.bin", "--speed", "1x"]);
        wait_until("a stored segment", || !crate::harness::segments_below(&home.data()).is_empty());
        signal(&child, name);
        let ended = end_of(child);
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(crate::harness::segments_below(&home.data()).is_empty(), "{}", ended.stderr);
    }
}

/// Ctrl-Z in the tour gives the terminal to the shell, and `fg` shows the tour where it was.
#[test]
fn the_tour_is_stopped_and_continued() {
    let mut terminal = Terminal::new();
    terminal.start("demo");
    terminal.pty.shows("Tour, 1 of 8");
    for _ in 0..2 {
        terminal.pty.send("\x1a");
        terminal.is_restored(147);
        assert_eq!(terminal.networks(), 1);
        terminal.pty.send("fg\r");
        terminal.pty.shows("Tour, 1 of 8");
        assert!(terminal.pty.screen.lock().unwrap().screen().alternate_screen());
    }
    terminal.pty.send(" ");
    terminal.pty.shows("Tour, 2 of 8");
    terminal.pty.send("\x11");
    terminal.is_restored(0);
    assert_eq!(terminal.networks(), 0);
    terminal.leave();
}

/// A stop that another process sends gives the terminal to the shell as Ctrl-Z does.
#[test]
fn a_stop_from_outside_gives_the_terminal_back() {
    let mut terminal = Terminal::new();
    terminal.start("demo");
    for _ in 0..3 {
        terminal.pty.shows("Tour, 1 of 8");
        terminal.kill(Signal::TSTP);
        terminal.is_restored(147);
        terminal.pty.send("fg\r");
    }
    terminal.pty.shows("Tour, 1 of 8");
    terminal.pty.send("\x11");
    terminal.is_restored(0);
    terminal.leave();
}

/// A terminal that takes nothing holds the stop up, and no other signal.
#[test]
fn a_stop_that_waits_for_the_terminal_holds_up_no_other_signal() {
    let mut terminal = Terminal::new();
    terminal.start("demo");
    terminal.pty.shows("Tour, 1 of 8");
    let screen = std::sync::Arc::clone(&terminal.pty.screen);
    {
        // The reader of the terminal waits for the screen, and each of the keys has the whole of it drawn.
        let _held = screen.lock().unwrap();
        let program = terminal.program();
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", program.as_raw_nonzero())).unwrap_or_default();
        let written = || read("io").lines().find(|line| line.starts_with("wchar")).map(str::to_owned);
        let (mut before, mut looks) = (None, 0);
        wait_until("the terminal to be full", || {
            terminal.pty.send("\x0c");
            let now = written();
            looks = if std::mem::replace(&mut before, now.clone()) == now { looks + 1 } else { 0 };
            looks > 100
        });
        kill_process(program, Signal::TSTP).unwrap();
        kill_process(program, Signal::TERM).unwrap();
        wait_until("the end", || read("stat").rsplit_once(')').is_none_or(|(_, state)| state.starts_with(" Z")));
    }
    terminal.leave();
}

/// Where no shell could continue the program, it is not stopped: nobody could bring it back.
#[test]
fn a_stop_is_of_no_use_without_a_shell() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = Pty::start(program(home.path(), &["demo"]));
    pty.shows("Tour, 1 of 8");
    pty.send("\x1a");
    pty.shows("not stopped: no shell could continue the program");
    let id = Pid::from_raw(pty.child.process_id().unwrap().cast_signed()).unwrap();
    kill_process(id, Signal::TSTP).unwrap();
    pty.send(" ");
    pty.shows("Tour, 2 of 8");
    let shown = pty.text();
    assert!(!shown.contains("not stopped"), "{shown}");
    assert!(pty.screen.lock().unwrap().screen().alternate_screen());
    pty.send("\x11");
    assert_eq!(pty.end().0, 0);
}

/// A stop that no program can receive does not restore the terminal; what is shown after `fg` is whole again, and takes keys, whatever the
/// modes are.
#[test]
fn a_screen_that_was_stopped_at_once_is_continued() {
    for _ in 0..2 {
        let mut terminal = Terminal::new();
        terminal.start("demo");
        terminal.pty.shows("Tour, 1 of 8");
        terminal.kill(Signal::STOP);
        terminal.pty.shows("Stopped");
        terminal.pty.send("stty $(cat saved); printf '\\033[?1049l'\r");
        wait_until("the shell's screen", || !terminal.pty.screen.lock().unwrap().screen().alternate_screen());
        terminal.prompts();
        terminal.pty.send("fg\r");
        terminal.pty.shows("Tour, 1 of 8");
        assert!(terminal.pty.screen.lock().unwrap().screen().alternate_screen());
        terminal.pty.send(" ");
        terminal.pty.shows("Tour, 2 of 8");
        terminal.pty.send("\x11");
        terminal.is_restored(0);
        terminal.leave();
    }
}

/// Ctrl-Z at the prompt of `p2p repl` gives the terminal to the shell; after `fg` the prompt is there with what was typed, and the line is edited.
#[test]
fn a_prompt_that_was_stopped_is_continued() {
    let mut terminal = Terminal::new();
    terminal.start("repl");
    // The mark of the prompt is that of the locale, and behind what is typed the history may suggest the rest.
    let ends_in = |terminal: &Terminal, words: &str| {
        let last = |text: String| text.trim_end().lines().last().unwrap_or_default().replace('›', ">");
        wait_until(words, || last(terminal.pty.text()).starts_with(words));
    };
    for _ in 0..3 {
        wait_until("an empty line", || ["p2p›", "p2p>"].iter().any(|end| terminal.pty.text().trim_end().ends_with(end)));
        terminal.pty.send("ech");
        ends_in(&terminal, "p2p> ech");
        terminal.pty.send("\x1a");
        terminal.prompts();
        terminal.pty.send("fg\r");
        ends_in(&terminal, "p2p> ech");
        // To the left, and to the end of the line.
        terminal.pty.send("\x1b[D\x05o alive\r");
        wait_until("the answer", || terminal.pty.text().lines().any(|line| line.trim_end() == "alive"));
        assert!(!terminal.pty.text().contains("^["), "{}", terminal.pty.text());
        terminal.pty.send("clear\r");
    }
    ends_in(&terminal, "p2p>");
    terminal.pty.send("quit\r");
    terminal.is_restored(0);
    terminal.leave();
}
