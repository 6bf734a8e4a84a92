//! The keyboard of a real terminal: whatever a terminal sends, keys act again after a stated time.

use portable_pty::CommandBuilder;

use crate::program::wait_until;
use crate::pty::{Pty, program};
use crate::tui_harness::TuiHarness;

/// Waits until nothing is typed in the prompt of the screen.
fn is_empty(pty: &Pty) {
    let is_blank = |line: &str| line.split_once('›').is_some_and(|(_, typed)| typed.trim_matches([' ', '│']).is_empty());
    wait_until("an empty prompt", || pty.text().lines().any(is_blank));
}

/// The screen of a command after the choice of the first start, with nothing typed in its prompt.
fn at_the_prompt(command: CommandBuilder) -> Pty {
    let mut pty = Pty::start(command);
    pty.looks_around();
    is_empty(&pty);
    pty
}

/// A report that broke off, as on a bad line, takes at most a few keys with it.
#[test]
fn keys_act_after_a_report_that_broke_off() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = at_the_prompt(program(home.path(), &[]));
    for report in ["\x1b[<", "\x1b[?", "\x1b[200", "\x1b[<0;1", "\x1b[M", "\x1bO", "\x1b[[", "\x1b"] {
        is_empty(&pty);
        pty.send(report);
        wait_until("keys to act", || {
            pty.send("x");
            pty.text().contains("› xxx")
        });
        pty.send("\x03");
    }
    is_empty(&pty);
    // A text that is pasted without its end is given up: single keys act then.
    pty.send("\x1b[200~#");
    pty.shows("› #");
    pty.send("\x03");
    is_empty(&pty);
    pty.send("\x1b[<");
    pty.send("\x11");
    assert_eq!(pty.end().0, 0);
}

/// Ctrl-L draws the whole screen anew, also below a dialog, where something else has written on it.
#[test]
fn a_spoilt_screen_is_drawn_anew() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = at_the_prompt(program(home.path(), &[]));
    for (open, shown) in [("", "Nodes"), ("\x1b[20~", "Legend")] {
        pty.send(open);
        pty.shows(shown);
        pty.screen.lock().unwrap().process(b"\x1b[2J\x1b[5;5Hwall: the system goes down");
        assert!(!pty.text().contains(shown));
        pty.send("\x0c");
        pty.shows(shown);
        assert!(!pty.text().contains("wall: "), "{}", pty.text());
    }
    pty.send("\x11");
    assert_eq!(pty.end().0, 0);
}

/// A text that is pasted with tabs and other blanks keeps its words apart.
#[test]
fn a_paste_joins_no_words() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = at_the_prompt(program(home.path(), &[]));
    for (pasted, shown) in [
        ("echo\ta\u{a0}b\u{b}c\u{2028}d", "echo a b c d"),
        ("echo a\r# b\recho c\r", "echo a; echo c"),
        ("echo a\r\necho c\r\n", "echo a; echo c"),
    ] {
        pty.send(&format!("\x1b[200~{pasted}\x1b[201~"));
        pty.shows(&format!("› {shown}"));
        pty.send("\x03");
        is_empty(&pty);
    }
    pty.send("\x11");
    assert_eq!(pty.end().0, 0);
}

/// What is typed while the user's network is exchanged for that of the tour, or back, reaches the screen that comes: nothing of it ends
/// the program or is lost.
#[test]
fn keys_typed_between_two_networks_reach_the_next_screen() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("a.bin"), vec![7; 3_000_000]).unwrap();
    let mut command = program(home.path(), &["--speed", "0.01"]);
    command.cwd(home.path());
    let mut pty = at_the_prompt(command);
    pty.send("upload a.bin\r");
    pty.shows("#1 has begun");
    // At any time after the line, and in the same write.
    pty.send("tour\r");
    wait_until("the tour", || {
        pty.send("\x03");
        pty.text().contains("Tour, 1 of")
    });
    pty.send(":tour leave\r\x03xyz");
    pty.shows("› xyz");
    pty.shows("This is your own network again");
    pty.send("\x03");
    is_empty(&pty);
    pty.send("tour\r ");
    pty.shows("Tour, 2 of");
    // The user's transfer still runs.
    pty.send("\x11");
    pty.shows("Cancel them and leave?");
    pty.send("y");
    let (code, bytes) = pty.end();
    assert_eq!(code, 1, "{bytes}");
    assert!(bytes.contains("cancelled and undone: "), "{bytes}");
    let exchanges = ["\x1b[?1049h", "\x1b[?1049l"].map(|mode| bytes.matches(mode).count());
    assert_eq!(exchanges, [1, 1], "the terminal is taken and given back once");
}

/// Lines that come faster than they can be answered, as from a terminal that types what is pasted, are all carried out in their order: what the
/// screen cannot take yet stays in the terminal.
#[test]
fn no_line_of_very_many_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = at_the_prompt(program(home.path(), &[]));
    let lines: Vec<String> = (0..400).map(|number| format!("set v{number} {number}\r")).collect();
    pty.send(&lines.concat());
    let every = |text: fn(usize) -> String| (0..400).step_by(7).map(text).collect::<Vec<_>>().join(".");
    pty.send(&format!("echo {}\r", every(|number| format!("$v{number}"))));
    let end: String = every(|number| number.to_string()).chars().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect();
    pty.shows(&end);
    // Lines that wait for time take no further line, and keys go on to act.
    pty.send(&"sleep 1h\r".repeat(70));
    pty.shows("not begun, 64 lines are under way");
    pty.send("\x11");
    assert_eq!(pty.end().0, 0);
}

/// Who has the mouse is seen nowhere, so that the key says it.
#[test]
fn the_key_of_the_mouse_says_who_has_it() {
    let mut tui_harness = TuiHarness::dark(80, 24);
    tui_harness.keys(&["Ctrl-T"]);
    assert!(tui_harness.text().contains(" the terminal has the mouse now, to select text "), "{}", tui_harness.text());
    tui_harness.keys(&["a"]);
    assert!(!tui_harness.text().contains("has the mouse now"), "{}", tui_harness.text());
}
