//! Terminal manners: what a terminal cannot do is not asked of it, and nothing that was typed is lost.

use std::io::{Read, Write};

use portable_pty::CommandBuilder;
use unicode_width::UnicodeWidthStr;

use crate::program::{Home, QUICK, comes_true, end_of, signal, wait_until};
use crate::pty::Pty;

/// Starts the program with these arguments and variables alone on a terminal of so many columns, which gives `answer` when it is asked
/// for its background.
fn start(home: &Home, columns: u16, arguments: &[&str], variables: &[(&str, &str)], answer: &'static str) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_p2p"));
    command.args(arguments);
    command.cwd(home.path(""));
    command.env_clear();
    command.env("HOME", home.path(""));
    variables.iter().for_each(|(name, value)| command.env(name, value));
    Pty::start_answering(command, columns, 40, answer)
}

/// Names and values of environment variables.
type Variables = &'static [(&'static str, &'static str)];

const XTERM: (&str, &str) = ("TERM", "xterm-256color");

/// Commands whose output has tables, bars, usages or marks in it.
const DRAWING: [&[&str]; 6] = [
    &["put", "a.bin"],
    &["ls"],
    &["nodes"],
    &["get", "a.bin", "-o", "copy.bin"],
    &["run", "-c", "help upload; health; segments; stats; topology; node 1; info a.bin"],
    &["flow", "--runs", "1", "--bytes", "10KiB"],
];

#[test]
fn a_terminal_that_only_prints_is_sent_no_sequences() {
    for variables in [
        &[("TERM", "dumb")][..],
        &[],
        &[("TERM", "")],
        &[("TERM", "none")],
        &[("TERM", "no-such-terminal")],
        &[("TERM", "vt52")],
        &[("TERM", "xterm-vt52")],
    ] {
        let home = Home::new(QUICK);
        home.file("a.bin", 300_000);
        for arguments in DRAWING.into_iter().chain([&["get", "none"][..], &["--help"]]) {
            let (_, text) = start(&home, 80, arguments, variables, "").end();
            assert!(!text.contains('\x1b'), "{variables:?} {arguments:?}: {text:?}");
        }
        let mut repl = start(&home, 80, &["repl"], variables, "");
        repl.shows("p2p› ");
        repl.send("echo one\recho 'two\rthree'\rclear\rls\rquit\r");
        let (code, text) = repl.end();
        assert!(code == 0 && !text.contains('\x1b'), "{text:?}");
        let answers = ["one\r\np2p› ", "> two\r\nthree\r\n"];
        assert!(answers.iter().all(|answer| text.contains(answer)), "{text:?}");
        let (code, text) = start(&home, 80, &[], variables, "").end();
        assert!(code == 1 && text.contains("p2p repl") && !text.contains('\x1b'), "{text:?}");
    }
}

/// The flag, the configuration and the locale each say so, on a terminal and into a pipe.
#[test]
fn ascii_is_ascii_for_every_command() {
    let home = Home::new(QUICK);
    home.file("a.bin", 300_000);
    std::fs::write(home.path("ascii.toml"), format!("{QUICK}[tui]\nglyphs = 'ascii'\n")).unwrap();
    std::fs::write(home.path("unicode.toml"), format!("{QUICK}[tui]\nglyphs = 'unicode'\n")).unwrap();
    let refused: [&[&str]; 2] = [&["upload"], &["run", "-c", "upload"]];
    let ways: [(&str, &[&str], Variables); 3] = [
        ("flag", &["--ascii"], &[XTERM]),
        ("lang", &[], &[XTERM, ("LANG", "C")]),
        ("locale", &[], &[XTERM, ("LC_ALL", "de_DE@euro"), ("LANG", "C.UTF-8")]),
    ];
    for (directory, flags, variables) in ways {
        let data_dir = ["--data-dir", directory];
        for arguments in DRAWING.into_iter().chain(refused) {
            let place: &[&str] = if matches!(arguments[0], "flow" | "upload") { &[] } else { &data_dir };
            let force: &[&str] = if arguments[0] == "get" { &["--force"] } else { &[] };
            let (_, text) = start(&home, 120, &[arguments, flags, place, force].concat(), variables, "").end();
            assert!(text.is_ascii(), "{arguments:?} {flags:?} {variables:?}: {text}");
        }
    }
    let piped = home.run(&["nodes", "--ascii", "--data-dir", "flag"]);
    assert!(piped.stdout.is_ascii() && piped.stdout.starts_with("+--"), "{piped:?}");
    let tables = |file: &str, language: &str| {
        let mut command = home.command(&["nodes", "--data-dir", "flag", "--config", file]);
        end_of(command.env("LANG", language).spawn().unwrap()).stdout
    };
    assert!(tables("ascii.toml", "C.UTF-8").is_ascii() && tables("ascii.toml", "C.UTF-8").starts_with("+--"));
    assert!(tables("unicode.toml", "C").starts_with('┌'), "what is configured counts for more than the locale");
    assert!(tables("p2p.toml", "C.UTF-8").starts_with('┌'));
}

/// A name that the characters do not have is escaped, and JSON stays JSON.
#[test]
fn names_in_ascii_are_escaped() {
    let home = Home::new(QUICK);
    std::fs::write(home.path("café….bin"), "x").unwrap();
    home.ok(&["put", "café….bin"]);
    let listed = home.ok(&["ls", "--ascii"]);
    assert!(listed.is_ascii() && listed.contains("caf\\u{e9}"), "{listed}");
    let json = home.ok(&["ls", "--json", "--ascii"]);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json.is_ascii() && value[0]["name"] == "café….bin", "{json}");
}

#[test]
fn the_screen_in_ascii_is_ascii() {
    for (arguments, variables) in [(&["--ascii"][..], &[XTERM][..]), (&[], &[XTERM, ("LANG", "C")])] {
        let home = Home::new(QUICK);
        std::fs::write(home.path("é.bin"), vec![7; 300_000]).unwrap();
        let mut screen = start(&home, 120, arguments, variables, "");
        screen.looks_around();
        screen.send("upload é.bin\r");
        screen.shows("stored ?.bin");
        screen.send("help upload\rnodes\r");
        screen.shows("Node_05 |");
        let text = screen.leaves();
        assert!(text.is_ascii(), "{:?}", text.chars().filter(|c| !c.is_ascii()).collect::<String>());
    }
}

/// No line is wider than the terminal, whatever its width, unless it is a single word.
#[test]
fn every_table_fits_its_terminal() {
    let home = Home::new(QUICK);
    home.file("a-file-with-a-rather-long-name.bin", 300_000);
    let script = "nodes; ls; segments; transfers; health; topology; stats; df; node 1; faults profiles; help; help upload; uploads; \
                  info a-file-with-a-rather-long-name.bin";
    for columns in [20, 40, 60, 80] {
        home.run(&["rm", "a-file-with-a-rather-long-name.bin"]);
        for arguments in [
            &["put", "a-file-with-a-rather-long-name.bin"][..],
            &["run", "-c", script],
            &["get", "a-file-with-a-rather-long-name.bin", "-o", "copy", "--force"],
            &["demo"],
        ] {
            let variables = [("TERM", "dumb")];
            let (code, text) = start(&home, columns, arguments, &variables, "").end();
            assert_eq!(code, 0, "{text}");
            // The echo of a command and a long word are as long as they are.
            let wide = |line: &&str| line.width() > usize::from(columns) && line.trim().contains(' ') && !line.starts_with('›');
            let words = |line: &&str| line.split(' ').all(|word| word.width() + 20 <= usize::from(columns));
            let bad: Vec<&str> = text.lines().filter(wide).filter(words).collect();
            assert!(bad.is_empty(), "{columns} {arguments:?}: {bad:#?}");
            let is_rule = |line: &&str| line.starts_with(['┌', '│', '╞', '└']);
            let widest = text.lines().filter(is_rule).map(UnicodeWidthStr::width).max().unwrap_or(0);
            assert!(widest <= usize::from(columns), "{columns} {arguments:?}: {widest}\n{text}");
        }
    }
}

#[test]
fn the_theme_is_that_of_the_background() {
    const LIGHT: &str = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
    const DARK: &str = "\x1b]11;rgb:0000/0000/0000\x07";
    let (light, dark) = ("\x1b[38;2;32;32;32", "\x1b[38;2;216;216;216");
    let home = Home::new(QUICK);
    let all = [XTERM, ("COLORTERM", "truecolor")];
    let with = |name, value| [XTERM, ("COLORTERM", "truecolor"), (name, value)];
    let (light_set, dark_set, no_color) = (with("COLORFGBG", "0;15"), with("COLORFGBG", "15;0"), with("NO_COLOR", "1"));
    for (arguments, variables, answer, present, absent) in [
        (&[][..], &all[..], LIGHT, light, dark),
        (&[], &all, DARK, dark, light),
        (&[], &all, "", dark, light),
        (&[], &light_set, "", light, dark),
        // The terminal knows better than a variable that may be inherited from another one.
        (&[], &light_set, DARK, dark, light),
        (&[], &dark_set, LIGHT, light, dark),
        (&["--theme", "dark"], &all, LIGHT, dark, light),
        (&[], &no_color, LIGHT, "\x1b[1m", "\x1b[38;2;"),
        (&[], &[XTERM], DARK, "\x1b[38;5;", "\x1b[38;2;"),
        (&[], &[("TERM", "linux")], DARK, "\x1b[36", "\x1b[38;2;"),
    ] {
        let mut screen = start(&home, 120, arguments, variables, answer);
        screen.looks_around();
        let is_so = || {
            let text = screen.formatted();
            text.contains(present) && !text.contains(absent)
        };
        assert!(
            comes_true(is_so),
            "{arguments:?} {variables:?} {answer:?}: {present:?}, not {absent:?}: {:?}",
            screen.formatted()
        );
        let text = screen.leaves();
        assert_eq!(text.contains("\x1b]11;?"), !arguments.contains(&"--theme") && !variables.contains(&("NO_COLOR", "1")));
    }
}

/// What was chosen on the screen is there again at the next start, before what p2p.toml says and the terminal tells; `--theme` goes first.
#[test]
fn a_theme_that_was_chosen_is_there_again() {
    const DARK: &str = "\x1b]11;rgb:0000/0000/0000\x07";
    let (light, dark) = ("\x1b[38;2;32;32;32", "\x1b[38;2;216;216;216");
    let home = Home::new(QUICK);
    let variables = [XTERM, ("COLORTERM", "truecolor")];
    let is = |screen: &Pty, present: &str, absent: &str| {
        let is_so = || screen.formatted().contains(present) && !screen.formatted().contains(absent);
        assert!(comes_true(is_so), "{present:?}, not {absent:?}: {:?}", screen.formatted());
    };
    let mut screen = start(&home, 120, &[], &variables, DARK);
    screen.looks_around();
    is(&screen, dark, light);
    screen.send("\tTlight\r");
    is(&screen, light, dark);
    screen.leaves();
    let set = format!("{QUICK}\n[tui]\ntheme = \"dark\"\n");
    for (config, arguments, present, absent) in [
        (QUICK, &[][..], light, dark),
        (set.as_str(), &[], light, dark),
        (QUICK, &["--theme", "dark"], dark, light),
        (QUICK, &[], light, dark),
    ] {
        std::fs::write(home.path("p2p.toml"), config).unwrap();
        let mut screen = start(&home, 120, arguments, &variables, DARK);
        screen.looks_around();
        is(&screen, present, absent);
        screen.leaves();
    }
}

/// The first frame waits for no answer, and one that comes later, in pieces and among what is typed, still counts.
#[test]
fn the_first_frame_is_drawn_before_the_answer() {
    let home = Home::new(QUICK);
    let mut screen = start(&home, 120, &[], &[XTERM, ("COLORTERM", "truecolor")], "");
    screen.looks_around();
    let (light, dark) = ("\x1b[38;2;32;32;32", "\x1b[38;2;216;216;216");
    assert!(screen.formatted().contains(dark), "{:?}", screen.formatted());
    screen.send("echo on\x1b]11;rgb:ff");
    screen.shows("│› echo on");
    screen.send("ff/ffff/ffff\x1b");
    screen.send("\\e\r");
    screen.shows("\n│one");
    wait_until("the light theme", || screen.formatted().contains(light) && !screen.formatted().contains(dark));
    screen.leaves();
}

/// What is typed before the program reads, or while the terminal is asked, is carried out; a late answer is not typed.
#[test]
fn what_is_typed_ahead_is_carried_out() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    for answer in ["\x1b]11;rgb:0/0/0\x07", ""] {
        let mut screen = start(&home, 120, &[], &[XTERM], answer);
        screen.send("echo before-$\x7fall\r");
        screen.shows("\n│before-all");
        if answer.is_empty() {
            // It comes late and in pieces, as over a slow line.
            screen.send("echo in\x1b]11;rgb:1212");
            screen.shows("│› echo in");
            screen.send("/3434/5656\x07between\r");
            screen.shows("\n│inbetween");
        }
        screen.leaves();
    }
    let mut repl = start(&home, 80, &["repl"], &[XTERM], "");
    repl.shows("p2p›");
    repl.send("echo one\recho two\rsleep 1s\recho three\r");
    repl.shows("\nthree");
    repl.send("quit\r");
    let (code, text) = repl.end();
    assert_eq!(code, 0);
    let shown: Vec<&str> = text.lines().filter(|line| ["one", "two", "three"].contains(line)).collect();
    assert_eq!(shown, ["one", "two", "three"], "{text:?}");
}

#[test]
fn the_mouse_is_taken_unless_it_is_not_wanted() {
    let home = Home::new(QUICK);
    let drawn = |keys: &str| {
        let mut screen = start(&home, 120, &[], &[XTERM], "");
        screen.looks_around();
        screen.send(keys);
        screen.send("echo done\r");
        screen.shows("│done");
        screen.leaves()
    };
    let text = drawn("");
    assert!(text.contains("\x1b[?1000h") && !text.contains("\x1b[?1003h"), "motion is of no use: {text:?}");
    assert_eq!(drawn("\x14\x14").matches("\x1b[?1000h").count(), 2, "given back and taken again");
    std::fs::write(home.path("p2p.toml"), format!("{QUICK}[tui]\nmouse = false\n")).unwrap();
    assert!(!drawn("").contains("\x1b[?1000h"));
    assert!(drawn("\x14").contains("\x1b[?1000h"));
    assert!(home.ok(&["config"]).contains("mouse = false"));
    for wrong in ["'false'", "0", "'off'"] {
        std::fs::write(home.path("p2p.toml"), format!("[tui]\nmouse = {wrong}\n")).unwrap();
        assert!(home.refused(&["config"]).contains("true or false"), "{wrong}");
    }
}

/// Leaving names the recording and the command that runs it again, and that command does.
#[test]
fn leaving_the_screen_names_the_recording() {
    let home = Home::new(QUICK);
    let mut screen = start(&home, 120, &["--data-dir", "a place"], &[XTERM], "");
    screen.looks_around();
    screen.send("\x11");
    let (code, text) = screen.end();
    let (_, after) = text.rsplit_once("\x1b[?1049l").unwrap();
    let command = after.lines().find_map(|line| line.split_once("p2p replay ")).unwrap_or_else(|| panic!("{after:?}")).1;
    assert_eq!((code, after.contains("recorded in ")), (0, true), "{after:?}");
    let replayed = home.ok(&["run", "-c", &format!("echo {command}")]);
    let path = replayed.lines().last().unwrap();
    assert!(home.ok(&["replay", path]).contains("the same as recorded"));
}

/// Names of this machine's files reach no terminal as they are, not even as what may be typed next.
#[test]
fn names_of_files_move_no_cursor() {
    let home = Home::new(QUICK);
    for name in ["ev\x1b]0;PWNED\x07il", "ev\u{9b}2Jil", "ev\u{202e}il", "ev\nil", "evil2", "evil3"] {
        std::fs::write(home.path(name), "x").unwrap();
    }
    let mut repl = start(&home, 80, &["repl"], &[XTERM], "");
    repl.shows("p2p›");
    repl.send("upload ev\t\t");
    repl.shows("evil3");
    repl.send("2\rquit\r");
    let (_, text) = repl.end();
    assert!(text.contains("stored evil2"), "{text:?}");
    assert!(!text.contains("\x1b]0;") && !text.contains(['\u{9b}', '\u{202e}']), "{text:?}");
}

/// With more names than a menu shows, as much is completed as all of them have in common.
#[test]
fn completion_works_from_the_whole_list() {
    let home = Home::new(QUICK);
    for number in 0..250 {
        std::fs::write(home.path(&format!("many-a{number:03}")), "").unwrap();
    }
    std::fs::write(home.path("many-z"), "").unwrap();
    let mut repl = start(&home, 80, &["repl"], &[XTERM], "");
    repl.shows("p2p›");
    repl.send("upload man\tz\recho ready\r");
    repl.shows("\nready");
    repl.send("quit\r");
    let text = repl.end().1;
    assert!(text.contains("stored many-z"), "{text:?}");
}

/// Where lines come from a pipe, SIGINT ends the program as it ends a script; on a terminal it ends the command.
#[test]
fn an_interrupt_ends_a_session_that_nobody_types() {
    let home = Home::new(QUICK);
    let mut repl = home.command(&["repl"]);
    let mut repl = repl.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = repl.stdin.take().unwrap();
    lines.write_all(b"sleep 1h\n").unwrap();
    wait_until("the data directory", || home.data().join("recordings").exists());
    wait_until("the line", || std::fs::read_dir(home.data().join("recordings")).unwrap().count() > 0);
    signal(&repl, "INT");
    assert_eq!(end_of(repl).code, Some(130));
    drop(lines);
    let mut idle = home.command(&["repl"]);
    let mut idle = idle.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = idle.stdin.take().unwrap();
    lines.write_all(b"echo ready\n").unwrap();
    let mut ready = [0; 6];
    idle.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    signal(&idle, "INT");
    assert_eq!(end_of(idle).code, Some(130));
    drop(lines);
}
