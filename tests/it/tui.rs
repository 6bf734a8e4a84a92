//! The full-screen interface: the real one on a backend in memory, with the real engine below; and the real binary in a
//! pseudo-terminal.

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use p2p_base::units::SimDuration;
use p2p_engine::{Command, Reply, operation};
use p2p_service::config::Config;
use p2p_storage::tui::app::{Pane, TerminalRequest};
use p2p_storage::tui::theme::{Theme, ThemeName};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::generated;
use crate::harness::{OPERATOR, random_file};
use crate::tui_harness::{KEYS, TuiHarness, lines, styles};

/// A screen in the middle of everyday work: a file stored, another on its way.
fn at_work(width: u16, height: u16, theme: Theme) -> TuiHarness {
    let mut tui_harness = TuiHarness::new(width, height, theme, true);
    random_file(&tui_harness.home.path().join("video.bin"), 700_000, 7);
    random_file(&tui_harness.home.path().join("song.flac"), 1_000_000, 8);
    let (video, song) = (tui_harness.home.path().join("video.bin"), tui_harness.home.path().join("song.flac"));
    tui_harness.runtime.block_on(async {
        let upload = |path| Command::Upload(operation::Upload::of_file(path, None, 0));
        for command in [upload(video), Command::CheckHealth(operation::CheckHealth)] {
            if let Reply::Started(transfer) = tui_harness.handle.call(&OPERATOR, command).await.unwrap() {
                tui_harness.handle.call(&OPERATOR, operation::Await { transfer }).await.unwrap();
            }
        }
        tui_harness.handle.call(&OPERATOR, upload(song)).await.unwrap();
        tui_harness.handle.call(&OPERATOR, operation::Sleep { span: SimDuration::from_secs(8) }).await.unwrap();
    });
    tui_harness.settle();
    tui_harness
}

/// Gives a pane the keys, the transfers being above the prompt.
fn show(tui_harness: &mut TuiHarness, pane: Pane) {
    if pane == Pane::Prompt {
        tui_harness.app.focus_on(Pane::Transfers);
    }
    tui_harness.app.focus_on(pane);
}

/// Sizes at which the screen is looked at: small, high and narrow, usual, large, and wide and flat.
const SIZES: [(u16, u16); 7] = [(60, 16), (80, 24), (90, 50), (100, 30), (120, 40), (200, 60), (250, 20)];

/// What a screen looks like is kept in files, text and styles; `P2P_REGENERATE=1` writes them anew.
#[test]
fn the_screen_looks_as_it_did() {
    for (width, height) in SIZES {
        for name in [ThemeName::Dark, ThemeName::Mono] {
            let mut tui_harness = at_work(width, height, Theme::new(name, name == ThemeName::Mono));
            let mut picture = Vec::new();
            for pane in Pane::ALL.into_iter().filter(|_| width == 80).chain([Pane::Prompt]) {
                show(&mut tui_harness, pane);
                let buffer = tui_harness.draw_all();
                picture.extend([format!("== {}", pane.name())]);
                picture.extend(lines(&buffer));
                picture.extend(styles(&buffer));
            }
            generated::check_file(&format!("tests/data/screens/{width}x{height}-{name}.txt"), &(picture.join("\n") + "\n"));
        }
    }
}

/// The README's picture is the screen, as text.
#[test]
fn the_readme_shows_the_screen() {
    let mut tui_harness = at_work(120, 40, Theme::new(ThemeName::Dark, false));
    // Tables are as wide as the prompt was when it was drawn last.
    tui_harness.draw();
    tui_harness.keys(&["nodes", "Enter", "upload "]);
    let text = tui_harness.text();
    let table: Vec<&str> = text.lines().filter(|line| line.starts_with("││") || line.starts_with("│└")).collect();
    assert!(table.len() > 2 && table.iter().all(|row| row.contains("││") || row.contains("┘")), "{text}");
    generated::check("README.md", "screen", &format!("```text\n{}\n```\n", tui_harness.text()));
}

/// So is its picture of a connection.
#[test]
fn the_readme_shows_a_connection() {
    let mut tui_harness = at_work(100, 30, Theme::new(ThemeName::Dark, false));
    tui_harness.app.focus_on(Pane::Wire);
    tui_harness.keys(&["c", "Enter"]);
    let text = tui_harness.text();
    assert!(text.contains("windows in packets") && text.contains("round trip"), "{text}");
    generated::check("README.md", "connection", &format!("```text\n{text}\n```\n"));
}

/// And its picture of a killed node.
#[test]
fn the_readme_shows_a_killed_node() {
    let mut tui_harness = at_work(120, 36, Theme::new(ThemeName::Dark, false));
    tui_harness.keys(&["kill Node_03", "Enter"]);
    tui_harness.sleep(12);
    tui_harness.keys(&["F3"]);
    tui_harness.app.focus_on(Pane::Health);
    let text = tui_harness.text();
    // The row of the transfer and the frame of its segments say it, the row in fewer words.
    let says = |pane: &str, words: &str| text.lines().any(|line| line.contains(pane) && line.contains(words));
    assert!(says("#2 ↑", "eta 00:22, Node_03: another node in 00:18"), "{text}");
    assert!(says("oldest: ", "waits for Node_03, killed 00:12 ago, another node in 00:18"), "{text}");
    generated::check("README.md", "killed node", &format!("```text\n{text}\n```\n"));
}

#[test]
fn no_size_is_too_small_or_odd() {
    let mut tui_harness = at_work(120, 40, Theme::new(ThemeName::Dark, false));
    for focus in [Pane::Segments, Pane::Prompt] {
        tui_harness.app.focus_on(focus);
        for width in 1..=60 {
            for height in 1..=20 {
                tui_harness.screen = Terminal::new(TestBackend::new(width, height)).unwrap();
                tui_harness.draw();
            }
        }
    }
    tui_harness.screen = Terminal::new(TestBackend::new(59, 16)).unwrap();
    let text = tui_harness.text();
    assert!(text.contains("60x16 needed") && text.contains("now 59x16"), "{text}");
}

/// A whole session by keys: upload, watch, pause, filter, help, quit.
#[test]
fn a_session_by_keys() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    let path = tui_harness.home.path().join("video.bin");
    random_file(&path, 500_000, 1);
    tui_harness.keys(&[&format!("upload {}", tui_harness.home.path().join("vid").display()), "Tab", "Enter"]);
    let text = tui_harness.text();
    assert!(text.contains("stored video.bin: 488.3 KiB"), "{text}");
    assert!(text.contains("#1 ↑ video.bin") && text.contains("✓ done") && text.contains("Segments of #1 video.bin"), "{text}");
    assert!(text.contains("1 file │ 488.3 KiB") && text.contains("video.bin is stored"), "{text}");

    tui_harness.keys(&["Shift-Tab", "Shift-Tab", "/", "SYN-ACK", "Enter"]);
    assert_eq!((tui_harness.app.workspace().focus(), tui_harness.app.filter(Pane::Wire)), (Pane::Wire, "SYN-ACK"));
    let text = tui_harness.text();
    assert!(text.contains("SYN-ACK") && !text.contains("DATA "), "{text}");

    tui_harness.keys(&[" "]);
    assert!(tui_harness.text().contains("PAUSED"));
    tui_harness.keys(&[" ", "f"]);
    assert!(tui_harness.text().contains("FROZEN"));
    tui_harness.keys(&["f", "z"]);
    assert!(!tui_harness.text().contains("Transfers"));
    tui_harness.keys(&["z", "y"]);
    assert!(
        matches!(tui_harness.app.take_terminal_requests().as_slice(), [TerminalRequest::Copy(text)] if text.contains("SYN-ACK")),
        "the row is copied"
    );

    // A packet opens the connection that it belongs to.
    tui_harness.keys(&["Enter"]);
    let text = tui_harness.text();
    assert!(text.contains(" Connection client → Node_0") && text.contains("windows in packets"), "{text}");
    tui_harness.keys(&["End", "q"]);
    assert!(tui_harness.app.dialogs().is_empty());

    tui_harness.keys(&["?"]);
    assert!(tui_harness.text().contains("Help: type to search"));
    tui_harness.keys(&["storage full", "Enter"]);
    assert!(tui_harness.app.dialogs().is_empty() && tui_harness.app.prompt().output.iter().any(|(_, line)| line == "all nodes"));
    tui_harness.keys(&["Esc", "Ctrl-P", "verify", "Enter"]);
    assert_eq!((tui_harness.app.workspace().focus(), tui_harness.app.prompt().editor.text()), (Pane::Prompt, "verify "));
    tui_harness.keys(&["vid", "Tab", "Enter"]);
    assert!(tui_harness.text().contains("video.bin is whole"), "{}", tui_harness.text());

    tui_harness.keys(&["Ctrl-Q"]);
    assert!(tui_harness.app.is_over());
}

/// Whoever leaves while a transfer runs is asked, and told which.
#[test]
fn leaving_while_something_runs_asks() {
    let mut tui_harness = TuiHarness::slow(100, 34);
    random_file(&tui_harness.home.path().join("big.bin"), 2_000_000, 1);
    let path = tui_harness.home.path().join("big.bin");
    tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, operation::Upload::of_file(path, None, 0))).unwrap();
    tui_harness.settle();
    tui_harness.keys(&["Ctrl-Q"]);
    let text = tui_harness.text();
    assert!(text.contains("upload of big.bin") && text.contains("Cancel them and leave?"), "{text}");
    tui_harness.keys(&["n"]);
    assert!(!tui_harness.app.is_over() && tui_harness.app.dialogs().is_empty());
    // The key counts in dialogs too, and asks once.
    tui_harness.keys(&["register", "Enter"]);
    tui_harness.keys(&["Ctrl-Q", "Ctrl-Q"]);
    assert!(
        tui_harness.app.dialogs().len() == 2 && tui_harness.text().contains("Cancel them and leave?"),
        "{}",
        tui_harness.text()
    );
    tui_harness.keys(&["n"]);
    assert!(
        !tui_harness.app.is_over() && tui_harness.app.dialogs().len() == 1 && tui_harness.text().contains("Ctrl-Q quit"),
        "{}",
        tui_harness.text()
    );
    tui_harness.keys(&["Esc"]);
    tui_harness.keys(&["quit --now", "Enter"]);
    assert!(tui_harness.app.is_over());
}

#[test]
fn what_is_wrong_is_said_below_the_line() {
    let mut tui_harness = TuiHarness::dark(100, 34);
    tui_harness.keys(&[
        "uplaod x",
        "Enter",
        "download nothing.bin",
        "Enter",
        "set f 7",
        "Enter",
        "echo $f",
        "Enter",
        "health",
        "Enter",
    ]);
    let said: Vec<&str> = tui_harness.app.prompt().output.iter().map(|(_, text)| text.as_str()).collect();
    assert!(said.iter().any(|line| line.contains("did you mean `upload`")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("no file named `nothing.bin`")) && said.contains(&"7"), "{said:?}");
    tui_harness.keys(&["clear", "Enter"]);
    assert!(tui_harness.app.prompt().output.is_empty());
}

#[test]
fn the_mouse_chooses_and_scrolls() {
    let mut tui_harness = at_work(120, 40, Theme::new(ThemeName::Light, false));
    tui_harness.draw();
    let at = |kind, column, row| Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    tui_harness.app.on_input(at(MouseEventKind::Down(MouseButton::Left), 5, 5));
    assert_eq!((tui_harness.app.workspace().focus(), tui_harness.app.row(Pane::Nodes)), (Pane::Nodes, 2));
    tui_harness.keys(&["Enter"]);
    let text = tui_harness.text();
    assert!(text.contains(" node Node_03 ") && text.contains("queue down"), "{text}");
    tui_harness.keys(&["Esc"]);
    tui_harness.app.on_input(at(MouseEventKind::ScrollDown, 5, 4));
    assert_eq!(tui_harness.app.row(Pane::Nodes), 4);
    tui_harness.app.on_input(Input::Paste("ls\nnodes".into()));
    assert_eq!((tui_harness.app.workspace().focus(), tui_harness.app.prompt().editor.text()), (Pane::Prompt, "ls; nodes"));
}

/// Up is up, a click is what is under it, and a filter leaves nothing behind it that could be acted upon.
#[test]
fn what_is_acted_upon_is_what_is_shown() {
    let mut tui_harness = at_work(120, 40, Theme::new(ThemeName::Dark, false));
    let click = |row| {
        Input::Mouse(MouseEvent { kind: MouseEventKind::Down(MouseButton::Left), column: 70, row, modifiers: KeyModifiers::NONE })
    };
    let log = {
        tui_harness.draw();
        tui_harness.app.workspace().area_of(Pane::Log).unwrap()
    };
    // The newest is in the lowest row; Up goes to the one above it.
    tui_harness.app.on_input(click(log.bottom() - 2));
    assert_eq!((tui_harness.app.workspace().focus(), tui_harness.app.row(Pane::Log)), (Pane::Log, 0));
    tui_harness.keys(&["Up", "Up", "Down"]);
    assert_eq!(tui_harness.app.row(Pane::Log), 1);
    tui_harness.app.on_input(click(log.bottom() - 4));
    assert_eq!(tui_harness.app.row(Pane::Log), 2);
    let shown = tui_harness.text().lines().nth(usize::from(log.bottom() - 4)).unwrap().to_owned();
    tui_harness.keys(&["y"]);
    assert!(
        matches!(tui_harness.app.take_terminal_requests().as_slice(), [TerminalRequest::Copy(text)] if shown.contains(text.as_str())),
        "{shown}"
    );
    // A row that is not there is not chosen.
    tui_harness.app.on_input(click(log.bottom() - 1));
    assert_eq!(tui_harness.app.row(Pane::Log), 2);

    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["Down", "Down", "/", "Node_05", "Enter"]);
    assert_eq!(tui_harness.app.row(Pane::Nodes), 0);
    tui_harness.keys(&["Down", "Enter"]);
    assert!(tui_harness.text().contains(" node Node_05 "), "{}", tui_harness.text());
    tui_harness.keys(&["Esc", "/", "Ctrl-U", "Enter"]);
    // Where a filter makes no difference none is offered.
    tui_harness.app.focus_on(Pane::Health);
    assert!(!tui_harness.text().contains("/ filter"));
    tui_harness.keys(&["/"]);
    assert!(tui_harness.app.dialogs().is_empty());
}

/// A line is carried out in order, and a pasted script without its comments.
#[test]
fn what_is_pasted_is_carried_out_in_order() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    random_file(&tui_harness.home.path().join("a.bin"), 200_000, 1);
    let path = tui_harness.home.path().join("a.bin").display().to_string();
    tui_harness.app.on_input(Input::Paste(format!("# a script\nupload {path} # the file\r\nverify a.bin\n")));
    assert_eq!(tui_harness.app.prompt().editor.text(), format!("upload {path}; verify a.bin"));
    tui_harness.keys(&["Enter"]);
    let said: Vec<&str> = tui_harness.app.prompt().output.iter().map(|(_, text)| text.as_str()).collect();
    assert!(said.iter().any(|line| line.contains("a.bin is whole")), "{said:?}");
    tui_harness.app.on_input(Input::Paste("x".repeat(20_000)));
    assert!(tui_harness.app.prompt().editor.is_empty());
    assert!(tui_harness.app.prompt().output.last().unwrap().1.contains("too long for a line, which takes 16.0 KiB;"));
}

fn any_input() -> impl Strategy<Value = Input> {
    let codes = prop_oneof![
        any::<char>().prop_filter("printable", |c| !c.is_control()).prop_map(KeyCode::Char),
        proptest::sample::select([&KEYS[..], &[KeyCode::F(1)], &[' ', 'z', 'm', '/', '+'].map(KeyCode::Char)].concat()),
    ];
    let modifiers = proptest::sample::select(vec![KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT]);
    let key = (codes, modifiers).prop_map(|(code, modifiers)| Input::Key(KeyEvent::new(code, modifiers)));
    prop_oneof![9 => key, 1 => "\\PC{0,10}".prop_map(Input::Paste)]
}

#[test]
fn no_keys_at_any_size_make_it_panic() {
    let mut tui_harness = at_work(80, 24, Theme::new(ThemeName::HighContrast, true));
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..150 {
        let inputs =
            proptest::collection::vec((any_input(), 1u16..150, 1u16..50), 1..20).new_tree(&mut runner).unwrap().current();
        for (input, width, height) in inputs {
            {
                let _runtime = tui_harness.runtime.enter();
                tui_harness.app.on_input(input);
            }
            tui_harness.app.take_terminal_requests();
            tui_harness.screen = Terminal::new(TestBackend::new(width, height)).unwrap();
            tui_harness.draw();
        }
    }
}

/// Keys can be others than the usual ones, and the hints and the help say which.
#[test]
fn keys_are_what_the_configuration_says() {
    let mut tui_harness = TuiHarness::dark(200, 40);
    let home = tempfile::tempdir().unwrap();
    let load = |text: &str| {
        let path = home.path().join("p2p.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path)).map_err(|error| error.to_string())
    };
    tui_harness.app.set_keymap(load("[keys]\nzoom = 'X'\nquit = 'F10'\n").unwrap().keymap().unwrap());
    tui_harness.keys(&["Shift-Tab", "X"]);
    assert!(
        tui_harness.app.workspace().is_zoomed()
            && tui_harness.text().contains("X zoom")
            && tui_harness.text().contains("F10 quit"),
        "{}",
        tui_harness.text()
    );
    // A key that is bound to nothing any more is one of the prompt's.
    tui_harness.keys(&["z", "Ctrl-Q"]);
    assert!(tui_harness.app.prompt().editor.text() == "z" && !tui_harness.app.is_over());
    tui_harness.keys(&["Ctrl-C"]);
    tui_harness.key(KeyCode::F(10), KeyModifiers::NONE);
    assert!(tui_harness.app.is_over());
    for clash in
        ["zoom = 'f'", "zoom = 'Ctrl-Z'", "zoom = 'Ctrl-I'", "zoom = 'Ctrl-L'", "zoom = '?'", "quit = 'Ctrl-K'", "quit = 'q'"]
    {
        let error = load(&format!("[keys]\n{clash}\n")).unwrap_err();
        assert!(error.contains("p2p.toml:2: [keys] ") && error.contains(&clash[..4]), "{error}");
    }
    for wrong in ["F05", "F+5", "F13", "Tab"] {
        assert!(load(&format!("[keys]\nzoom = '{wrong}'\n")).unwrap_err().contains("is no key"), "{wrong}");
    }
    // `=` stands for `+` only where it has no meaning of its own.
    tui_harness.app.set_keymap(load("[keys]\nfreeze = '='\n").unwrap().keymap().unwrap());
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["="]);
    assert!(tui_harness.app.view().is_frozen());
    assert!(load("[keys]\nzoom = 'Hyper-Z'\n").unwrap_err().contains("`Hyper-Z` is no key"));
    assert!(load("[tui]\ntheme = 'pink'\n").unwrap_err().contains("`pink` is none of: auto, dark, light"));
}

/// What is typed into the prompt is what is there, whatever shortcuts there are.
#[test]
fn letters_in_the_prompt_are_never_stolen() {
    let mut tui_harness = TuiHarness::dark(80, 24);
    let text = "z?f+-./ym q QWERTZ 0123456789 !$%&()=";
    for c in text.chars() {
        tui_harness.key(KeyCode::Char(c), KeyModifiers::NONE);
    }
    assert_eq!(
        (tui_harness.app.prompt().editor.text(), tui_harness.app.workspace().focus(), tui_harness.app.dialogs().len()),
        (text, Pane::Prompt, 0)
    );
}

/// The plainest editor there can be, with what readline's keys do.
#[derive(Default)]
struct Reference {
    text: Vec<char>,
    at: usize,
    killed: Vec<char>,
    before: Vec<(Vec<char>, usize)>,
}

impl Reference {
    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        let before = (self.text.clone(), self.at);
        match (code, modifiers) {
            (KeyCode::Char('a'), KeyModifiers::CONTROL) | (KeyCode::Home, _) => self.at = 0,
            (KeyCode::Char('e'), KeyModifiers::CONTROL) | (KeyCode::End, _) => self.at = self.text.len(),
            (KeyCode::Left, KeyModifiers::CONTROL) | (KeyCode::Char('b'), KeyModifiers::ALT) => self.at = self.word_left(),
            (KeyCode::Right, KeyModifiers::CONTROL) | (KeyCode::Char('f'), KeyModifiers::ALT) => self.at = self.word_right(),
            (KeyCode::Left, _) => self.at = self.at.saturating_sub(1),
            (KeyCode::Right, _) => self.at = (self.at + 1).min(self.text.len()),
            (KeyCode::Backspace, KeyModifiers::NONE) => self.remove(self.at.saturating_sub(1), self.at),
            (KeyCode::Delete, _) => self.remove(self.at, (self.at + 1).min(self.text.len())),
            (KeyCode::Char('k'), KeyModifiers::CONTROL) => self.kill(self.at, self.text.len()),
            (KeyCode::Char('u'), KeyModifiers::CONTROL) => self.kill(0, self.at),
            (KeyCode::Char('w'), KeyModifiers::CONTROL) => {
                let spaces = self.text[..self.at].iter().rev().take_while(|c| c.is_whitespace()).count();
                let word = self.text[..self.at - spaces].iter().rev().take_while(|c| !c.is_whitespace()).count();
                self.kill(self.at - spaces - word, self.at);
            }
            (KeyCode::Char('y'), KeyModifiers::CONTROL) => self.killed.clone().into_iter().for_each(|c| self.insert(c)),
            (KeyCode::Char('_'), KeyModifiers::CONTROL) => {
                if let Some((text, at)) = self.before.pop() {
                    (self.text, self.at) = (text, at);
                }
                return;
            }
            (KeyCode::Char(c), KeyModifiers::NONE) => self.insert(c),
            other => panic!("{other:?} is not the reference's"),
        }
        if before.0 != self.text {
            self.before.push(before);
        }
    }

    fn insert(&mut self, c: char) {
        self.text.insert(self.at, c);
        self.at += 1;
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.at = from;
    }

    fn kill(&mut self, from: usize, to: usize) {
        if from < to {
            self.killed = self.text[from..to].to_vec();
            self.remove(from, to);
        }
    }

    fn word_left(&self) -> usize {
        let before = &self.text[..self.at];
        let gap = before.iter().rev().take_while(|c| !c.is_alphanumeric()).count();
        self.at - gap - before[..self.at - gap].iter().rev().take_while(|c| c.is_alphanumeric()).count()
    }

    fn word_right(&self) -> usize {
        let after = &self.text[self.at..];
        let gap = after.iter().take_while(|c| !c.is_alphanumeric()).count();
        self.at + gap + after[gap..].iter().take_while(|c| c.is_alphanumeric()).count()
    }
}

/// What somebody may do while typing: keys that edit, and things that must not touch the line.
#[derive(Debug, Clone)]
enum Doing {
    Key(KeyCode, KeyModifiers),
    /// A dialog is opened, typed into and left.
    Detour(&'static str),
    /// Another pane has the keys for a while.
    Elsewhere,
    Resize(u16, u16),
}

fn any_doing() -> impl Strategy<Value = Doing> {
    let controls = proptest::sample::select(vec!['a', 'e', 'k', 'u', 'w', 'y', '_', '_']);
    let letters = proptest::sample::select("az ./?+-qzf mß€7 \"'$#".chars().collect::<Vec<_>>());
    let moves = proptest::sample::select(vec![
        (KeyCode::Left, KeyModifiers::NONE),
        (KeyCode::Right, KeyModifiers::NONE),
        (KeyCode::Left, KeyModifiers::CONTROL),
        (KeyCode::Right, KeyModifiers::CONTROL),
        (KeyCode::Home, KeyModifiers::NONE),
        (KeyCode::End, KeyModifiers::NONE),
        (KeyCode::Backspace, KeyModifiers::NONE),
        (KeyCode::Delete, KeyModifiers::NONE),
        (KeyCode::Char('b'), KeyModifiers::ALT),
        (KeyCode::Char('f'), KeyModifiers::ALT),
    ]);
    prop_oneof![
        8 => letters.prop_map(|c| Doing::Key(KeyCode::Char(c), KeyModifiers::NONE)),
        4 => moves.prop_map(|(code, modifiers)| Doing::Key(code, modifiers)),
        3 => controls.prop_map(|c| Doing::Key(KeyCode::Char(c), KeyModifiers::CONTROL)),
        1 => proptest::sample::select(vec!["F1", "Ctrl-P", "Ctrl-R"]).prop_map(Doing::Detour),
        1 => Just(Doing::Elsewhere),
        1 => (1u16..140, 1u16..45).prop_map(|(width, height)| Doing::Resize(width, height)),
    ]
}

#[test]
fn the_prompt_edits_as_a_reference_does_whatever_else_is_done() {
    let mut tui_harness = TuiHarness::dark(100, 34);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..300 {
        let doings = proptest::collection::vec(any_doing(), 1..60).new_tree(&mut runner).unwrap().current();
        let mut reference = Reference::default();
        for doing in &doings {
            match doing {
                Doing::Key(code, modifiers) => {
                    tui_harness.key(*code, *modifiers);
                    reference.key(*code, *modifiers);
                }
                Doing::Detour(key) => tui_harness.keys(&[key, "zq?", "Esc"]),
                Doing::Elsewhere => {
                    tui_harness.key(KeyCode::BackTab, KeyModifiers::SHIFT);
                    tui_harness.keys(&["z", "z", "Down", "Esc"]);
                }
                Doing::Resize(width, height) => tui_harness.screen = Terminal::new(TestBackend::new(*width, *height)).unwrap(),
            }
            tui_harness.draw();
            let expected: String = reference.text.iter().collect();
            assert_eq!(tui_harness.app.prompt().editor.text(), expected, "{doings:?}");
            let before: String = reference.text[..reference.at].iter().collect();
            assert_eq!(tui_harness.app.prompt().editor.cursor(), before.len(), "{doings:?}");
        }
        *tui_harness.app.prompt_mut() = p2p_storage::tui::prompt::Prompt::default();
    }
}

mod pty {
    use std::io::Read;
    use std::sync::Arc;

    use portable_pty::{CommandBuilder, native_pty_system};

    use crate::program::{comes_true, wait_until};
    use crate::pty::{Pty, cells, program, size};

    /// Whoever panics with the terminal in hand gives it back first, so that the message can be read.
    #[test]
    fn a_panic_gives_the_terminal_back() {
        const NAME: &str = "tui::pty::a_panic_gives_the_terminal_back";
        if std::env::var_os("P2P_TEST_PANICS").is_some() {
            let _guard = p2p_storage::tui::terminal::Guard::take(true).unwrap();
            println!("on the other screen");
            panic!("as it should");
        }
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args([NAME, "--exact", "--nocapture"]);
        command.env("P2P_TEST_PANICS", "1");
        command.env("RUST_BACKTRACE", "0");
        command.env("TERM", "xterm-256color");
        let mut pty = Pty::start(command);
        assert!(!pty.ends().success());
        pty.shows("as it should");
        assert!(!pty.text().contains("on the other screen"), "{}", pty.text());
        assert!(!pty.screen.lock().unwrap().screen().alternate_screen());
    }

    /// The same for whoever is told to end.
    #[test]
    fn a_signal_gives_the_terminal_back() {
        let home = tempfile::tempdir().unwrap();
        let command = program(home.path(), &[]);
        let mut pty = Pty::start(command);
        pty.shows("Type `help`");
        let pid = rustix::process::Pid::from_raw(pty.child.process_id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(!pty.ends().success());
        pty.shows("interrupted");
        let screen = Arc::clone(&pty.screen);
        let screen = screen.lock().unwrap();
        assert!(!screen.screen().alternate_screen() && !screen.screen().hide_cursor());
    }

    /// What a line had still to do is told where the user leaves before, and the exit code says so.
    #[test]
    fn what_has_not_begun_is_told_on_leaving() {
        let home = tempfile::tempdir().unwrap();
        let command = program(home.path(), &[]);
        let mut pty = Pty::start(command);
        pty.shows("Take the tour");
        pty.send("\x1b");
        pty.shows("PROMPT");
        pty.send("sleep 1000s; echo one; echo two\r");
        pty.send("\x11");
        pty.shows("not begun then");
        pty.send("y");
        assert_eq!(pty.ends().exit_code(), 1);
        pty.shows("not begun: echo one, echo two");
        pty.shows("left before everything was done: 2 not begun");
    }

    /// Where the terminal is closed, the program ends, whatever it waits for there.
    #[test]
    fn a_closed_terminal_ends_the_program() {
        for (arguments, asks) in [(&[][..], "Take the tour"), (&["repl"], "p2p"), (&["register"], "User name")] {
            let home = tempfile::tempdir().unwrap();
            let command = program(home.path(), arguments);
            let pair = native_pty_system().openpty(size(120, 40)).unwrap();
            let mut child = pair.slave.spawn_command(command).unwrap();
            drop(pair.slave);
            let (mut reader, mut seen) = (pair.master.try_clone_reader().unwrap(), vt100::Parser::new(cells(40), cells(120), 0));
            let mut bytes = [0; 4096];
            while !seen.screen().contents().contains(asks) {
                let count = reader.read(&mut bytes).unwrap();
                assert!(count > 0, "{arguments:?} has ended: {}", seen.screen().contents());
                seen.process(&bytes[..count]);
            }
            drop((reader, pair.master));
            let ended = comes_true(|| child.try_wait().unwrap().is_some());
            let _ = child.kill();
            assert!(ended, "{arguments:?} goes on without its terminal");
            // The data directory is free again.
            if home.path().join(".local").exists() {
                drop(p2p_base::database::Database::open(&home.path().join(".local/share/p2p/catalog.redb")).unwrap());
            }
        }
    }

    /// The line REPL: completion, Ctrl-C for the command and not the program, an open quote, Ctrl-D.
    #[test]
    fn lines_in_a_terminal() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("slow.bin"), vec![7; 3_000_000]).unwrap();
        let mut command = program(home.path(), &["repl", "--speed", "10x"]);
        command.cwd(home.path());
        let mut pty = Pty::start(command);
        pty.prompts();
        pty.send("nod\t\t");
        pty.shows("nodes");
        pty.send("\x03");
        pty.prompts();
        pty.send("upload sl\t\r");
        pty.shows("upload slow.bin");
        wait_until("the first segment", || !crate::harness::segments_below(&home.path().join(".local/share/p2p")).is_empty());
        pty.send("\x03");
        pty.shows("interrupted");
        pty.prompts();
        pty.send("echo 'open\r");
        pty.send("quote'\r");
        pty.shows("\nquote\n");
        pty.prompts();
        pty.send("ls\r");
        pty.shows("no files are stored");
        pty.prompts();
        // Ctrl-C ends what was typed last, and nothing else; nor is the rest of the line carried out.
        pty.send("upload slow.bin --background\r");
        pty.shows("--background\n");
        pty.prompts();
        pty.send("sleep 1h; echo not reached\r");
        pty.shows("sleep 1h; echo not reached");
        wait_until("the first segment", || !crate::harness::segments_below(&home.path().join(".local/share/p2p")).is_empty());
        pty.send("\x03");
        pty.shows("interrupted\np2p›");
        assert!(!pty.text().contains("\nnot reached"), "{}", pty.text());
        pty.prompts();
        pty.send("transfers\r");
        pty.shows("┆ running   ┆");
        // Nor does Ctrl-D end a transfer unasked.
        pty.prompts();
        pty.send("\x04");
        pty.shows("still running");
        pty.prompts();
        let pid = rustix::process::Pid::from_raw(pty.child.process_id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert_eq!(pty.ends().exit_code(), 143);
        assert!(crate::harness::segments_below(&home.path().join(".local/share/p2p")).is_empty());
        let history = std::fs::read_to_string(home.path().join(".local/share/p2p/history.txt")).unwrap();
        assert!(history.contains("upload slow.bin"), "{history}");
    }

    /// What is secret is typed without echo, in the line REPL and in one-shot commands; Ctrl-C gives it up, and what is typed behind
    /// it is there for the next line.
    #[test]
    fn secrets_in_a_terminal() {
        let home = tempfile::tempdir().unwrap();
        let start = |arguments: &[&str]| {
            let mut command = program(home.path(), arguments);
            command.cwd(home.path());
            Pty::start(command)
        };
        let mut pty = start(&["register", "alice"]);
        pty.shows("E-mail: ");
        pty.send("alicé\x7f\x7fce@example.org\r");
        pty.shows("alice@example.org");
        pty.shows("Password: ");
        pty.send("correct horse battery\r");
        pty.shows("(strong)");
        pty.shows("Once more: ");
        pty.send("wrong horse battery\r");
        pty.shows("the two are not the same");
        // Between two questions the terminal echoes what is typed.
        let asked = |pty: &Pty, times| wait_until("the first question", || pty.text().matches("Password: ").count() == times);
        asked(&pty, 2);
        pty.send("correct\r");
        pty.shows("it has 7 characters");
        asked(&pty, 3);
        pty.send("correct horse battery\r");
        wait_until("the second question", || pty.text().matches("Once more: ").count() == 2);
        pty.send("correct horse battery\r");
        pty.shows("alice is registered, as admin");
        assert!(pty.ends().success());
        assert!(!pty.text().contains("horse"), "{}", pty.text());

        let mut pty = start(&["ls", "--user", "alice"]);
        pty.shows("Password: ");
        pty.send("\x03");
        pty.shows("given up; nothing has changed");
        assert!(!pty.ends().success());

        let mut pty = start(&["repl"]);
        pty.shows("User name: ");
        pty.send("alicia\r");
        pty.shows("Password: ");
        pty.send("wrong password\r");
        pty.shows("wrong user name or password (Ctrl-C gives up)");
        pty.shows("Password (nothing for another name): ");
        pty.send("\r");
        wait_until("the name is asked again", || pty.text().matches("User name: ").count() == 2);
        pty.send("alice\r");
        wait_until("the password is asked again", || pty.text().matches("Password: ").count() == 2);
        // All at once, as it is pasted.
        pty.send("correct horse battery\rwhoami\r");
        pty.shows("alice is logged in");
        pty.shows("backup codes   0");
        pty.shows("alice@p2p›");
        assert!(!pty.text().contains("horse") && !pty.text().contains("wrong password\n"), "{}", pty.text());
        // Tables are as wide as the terminal, so that none of their lines is broken.
        pty.master.resize(size(80, 40)).unwrap();
        pty.screen.lock().unwrap().screen_mut().set_size(cells(40), cells(80));
        pty.send("audit\r");
        let rows = || pty.screen.lock().unwrap().screen().rows(0, 80).collect::<Vec<_>>();
        wait_until("the table", || rows().iter().any(|row| row.starts_with('└') && row.trim_end().ends_with('┘')));
        // What is typed between two lines is read by the terminal itself, which would swallow the end of input.
        wait_until("the prompt", || {
            rows().iter().rfind(|row| !row.trim().is_empty()).is_some_and(|row| row.trim() == "alice@p2p›")
        });
        pty.send("\x04");
        assert!(pty.ends().success());
    }

    /// A user types, resizes, suspends, comes back and leaves; the terminal is as it was.
    #[test]
    fn the_real_program_in_a_terminal() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("p2p.toml"), crate::program::QUICK).unwrap();
        std::fs::write(home.path().join("video.bin"), vec![7; 300_000]).unwrap();
        let mut shell = CommandBuilder::new("bash");
        shell.args(["--norc", "--noprofile", "-i"]);
        shell.cwd(home.path());
        shell.env_clear();
        for (name, value) in
            [("HOME", home.path().to_str().unwrap()), ("TERM", "xterm-256color"), ("PS1", "shell> "), ("PATH", "/usr/bin:/bin")]
        {
            shell.env(name, value);
        }
        let mut pty = Pty::start(shell);
        pty.shows("shell>");
        pty.send(&format!("{} --speed max\r", env!("CARGO_BIN_EXE_p2p")));
        pty.shows("Type `help`");
        pty.looks_around();
        pty.send("upload vid\t\r");
        pty.shows("stored video.bin: 293.0 KiB");
        assert!(pty.screen.lock().unwrap().screen().alternate_screen());

        pty.master.resize(size(80, 24)).unwrap();
        pty.screen.lock().unwrap().screen_mut().set_size(cells(24), cells(80));
        pty.shows(" Nodes   Health   Transfers ");

        pty.send("\x1a");
        pty.shows("Stopped");
        assert!(!pty.screen.lock().unwrap().screen().alternate_screen());
        pty.send("fg\r");
        pty.shows(" Nodes   Health   Transfers ");
        pty.send("\x11");
        wait_until("the shell's screen", || !pty.screen.lock().unwrap().screen().alternate_screen());
        pty.send("echo sane$((1+1))\r");
        pty.shows("sane2");
        let screen = Arc::clone(&pty.screen);
        let screen = screen.lock().unwrap();
        assert!(!screen.screen().hide_cursor() && screen.screen().mouse_protocol_mode() == vt100::MouseProtocolMode::None);
        drop(screen);
        pty.send("exit\r");
        assert!(pty.ends().success());
    }
}

/// Without a terminal it says so, and what to do.
#[test]
fn without_a_terminal_it_says_what_to_do() {
    let said = crate::program::Home::new("").refused(&[]);
    assert!(said.contains("this is no terminal") && said.contains("p2p demo"), "{said}");
}
