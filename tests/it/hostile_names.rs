//! Names and texts from elsewhere with line ends, control and format characters or bytes that are no text: wherever one can be given,
//! what the program says of it has no such character and no line that was not the program's own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::{Command, Output, Stdio};

use portable_pty::CommandBuilder;

use crate::program::{Home, PASSWORD, QUICK};
use crate::pty::Pty;

/// A name without anything special, with which the number of lines is compared.
const PLAIN: &[u8] = b"zzqq";
/// Names that forge a line, with what ends a quotation before it.
const FORGING: [&[u8]; 3] = [b"zz\np2p: stored a.bin", b"zz` is stored\np2p: done", b"zz' found\n\nUsage: p2p anything\r\n"];
/// A name with an escape sequence, a carriage return, a tab, DEL, a control character of C1, a right-to-left override, isolates, a line
/// separator and a zero-width space.
const DISTURBING: &str = "z\u{1b}[31m\r\t\u{7f}\u{85}\u{9b}2J\u{202e}\u{2066}\u{2028}\u{2029}\u{200b}z";
/// A name that is no UTF-8, a lone surrogate among it, and forges a line.
const NO_TEXT: &[u8] = b"z\xff\xed\xa0\x80\np2p: done";

fn hostile() -> Vec<&'static [u8]> {
    FORGING.into_iter().chain([DISTURBING.as_bytes(), NO_TEXT]).collect()
}

/// What is said by a command, which must have nothing in it that has an effect.
fn said(output: &Output, what: &str) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8(text).unwrap_or_else(|error| panic!("{what}: no text: {error}"));
    let disturbs = |c: char| {
        c.is_control() && c != '\n' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(disturbs), "{what}: {text:?}");
    assert!(!text.contains("panicked"), "{what}: {text}");
    let forged =
        |line: &str| ["p2p: stored a.bin", "p2p: done", "Usage: p2p anything"].iter().any(|forged| line.starts_with(forged));
    assert!(!text.lines().any(forged), "{what}: {text}");
    text
}

/// Runs a command with each hostile name in a place, and compares the lines with those of a plain name where the outcome is the same.
fn tried(what: &str, mut command: impl FnMut(&OsStr) -> Command) {
    let mut outcome = |name: &[u8]| {
        let output = command(OsStr::from_bytes(name)).output().unwrap();
        let text = said(&output, &format!("{what} with {:?}", String::from_utf8_lossy(name)));
        (output.status.code(), text)
    };
    let (code, plain) = outcome(PLAIN);
    let lines = |text: &str| text.lines().count();
    // What is refused for its characters is refused in other words, but those do not depend on the characters.
    let mut refused: Option<(Option<i32>, String)> = None;
    for name in hostile() {
        let (found, text) = outcome(name);
        if found == code && lines(&text) == lines(&plain) || std::str::from_utf8(name).is_err() {
            continue;
        }
        let (known, other) = refused.get_or_insert_with(|| (found, text.clone()));
        assert!(*known == found && lines(other) == lines(&text) && code == Some(0), "{what}:\n{plain}\n{other}\n{text}");
    }
}

fn home() -> Home {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    home.ok(&["put", "a.bin"]);
    home
}

/// The words of a line with a name in the place of each `{}`.
fn words(line: &str, name: &OsStr) -> Vec<OsString> {
    let with_name = |word: &str| {
        let parts: Vec<&[u8]> = word.split("{}").map(str::as_bytes).collect();
        OsString::from_vec(parts.join(name.as_bytes()))
    };
    line.split(' ').map(with_name).collect()
}

fn try_lines(home: &Home, lines: &[&str]) {
    for line in lines {
        tried(line, |name| {
            let mut command = home.command(&[]);
            command.args(words(line, name)).env("P2P_PASSWORD", PASSWORD);
            command
        });
    }
}

#[test]
fn files_of_this_machine() {
    try_lines(
        &home(),
        &[
            "put {}",
            "put none/{}",
            "put a.bin {}",
            "put {} --keep",
            "put {} --recursive",
            "put a.bin/{}",
            "get a.bin -o {}/none/x",
            "get a.bin -o p2p.toml/{}",
            "get a.bin a.bin -o {}",
            "nodes --config {}",
            "ls --data-dir p2p.toml/{}",
            "run {}",
            "run {} one two",
            "replay {}",
            "export none/{}",
        ],
    );
}

#[test]
fn names_of_stored_files_and_of_others() {
    try_lines(
        &home(),
        &[
            "put a.bin --as {}",
            "put a.bin --as none{}/x",
            "get {}",
            "get a.bin {}",
            "ls {}",
            "ls ~{}/x",
            "rm {}",
            "mkdir {}/x",
            "mv {} x",
            "mv a.bin {}/x",
            "info {}",
            "verify {}",
            "share {} x",
            "share a.bin {}",
            "unshare a.bin {}",
            "stored-names {}",
        ],
    );
}

#[test]
fn names_of_users_and_what_is_theirs() {
    let home = home();
    home.register("alice");
    home.register("bob");
    home.login("alice");
    try_lines(
        &home,
        &[
            "register {} x@example.org",
            "register x {}",
            "login {}",
            "ls --user {}",
            "ls --user alice --password-file {}",
            "share a.bin {}",
            "unshare a.bin {}",
            "share {} bob",
            "sessions revoke {}",
            "sessions {}",
            "token revoke {}",
            "token new {}",
            "token new x --scope {}",
            "token new x --expires {}",
            "token new x --path {}",
            "otp {}",
            "ls ~{}/x",
            "get bob/{}",
            "run -c passwd\\ {}",
            "run -c help\\ {}",
        ],
    );
}

#[test]
fn options_and_commands() {
    try_lines(
        &home(),
        &[
            "{}",
            "{} a.bin",
            "--{}",
            "put --{}",
            "put --{}=x a.bin",
            "nodes {}",
            "nodes --seed {}",
            "nodes --seed={}",
            "put a.bin --speed {}",
            "put a.bin --resume {}",
            "get a.bin --range {}",
            "uploads {}",
            "orphans {}",
            "orphans free {}",
            "otp {}",
            "flow --bytes {}",
            "flow --loss {}",
            "flow --congestion {}",
            "completions {}",
            "man {}",
            "run --set {} -c nodes",
        ],
    );
}

/// The words of the command language, which are quoted there; and the name as a line, as it is.
#[test]
fn words_of_the_language() {
    let home = home();
    ["captures", "fetched", "exports"].iter().for_each(|directory| fs::create_dir(home.path(directory)).unwrap());
    let commands = [
        "upload {}",
        "upload a.bin {}",
        "upload a.bin --as {}",
        "download {}",
        "download a.bin {}/none/x",
        "ls {}",
        "rm {}",
        "info {}",
        "verify {}",
        "mkdir {}/x",
        "mv {} x",
        "mv a.bin none/{}",
        "share a.bin {}",
        "kill {}",
        "start {}",
        "node {}",
        "ping {}",
        "cut {} Node_01",
        "speed {}",
        "step {}",
        "wait {}",
        "cancel {}",
        "capture start none/{}",
        "capture start captures/{}",
        "download a.bin fetched/{}",
        "export exports/{}",
        "export none/{}",
        "expect {} contains x",
        "expect nodes contains {}",
        "expect echo x = {}",
        "set {} x",
        "set x {}",
        "expect echo {} contains {}",
        "faults apply {}",
        "faults {}",
        "help {}",
        "login {}",
        "otp {}",
        "token revoke {}",
        "transfers {}",
        "{} a b",
        "nodes --{}",
        "nodes {}",
        "slow {} 10",
        "disk {} fail",
        "$x{}",
        "path client {} loss=1%",
    ];
    for line in commands {
        tried(line, |name| {
            let name = name.to_string_lossy();
            let quoted = format!("'{}'", name.replace('\'', r"'\''"));
            home.command(&["run", "-c", &line.replace("{}", &quoted)])
        });
    }
    // On standard input a line end is one, so that a name with one is two lines.
    for name in [DISTURBING.as_bytes(), NO_TEXT] {
        for command in ["run -", "repl"] {
            let mut child = home.command(&command.split(' ').collect::<Vec<_>>()).stdin(Stdio::piped()).spawn().unwrap();
            let line = [b"upload ".as_slice(), name, b"\n"].concat();
            child.stdin.take().unwrap().write_all(&line).unwrap();
            said(&child.wait_with_output().unwrap(), command);
        }
    }
}

/// Keys, values and tables of a configuration, with the characters escaped as TOML has them and raw; and the path of it.
#[test]
fn configurations() {
    let home = home();
    let settings = [
        "[network]\nbandwidth = {}",
        "[network]\ndelay = {}",
        "[network]\nsubnet = {}",
        "[network]\n{} = 1",
        "[{}]\nx = 1",
        "[nodes]\ncapacity = {}",
        "[storage]\ndata_dir = {}",
        "[[node]]\nnumber = {}",
        "[[node]]\nnumber = 1\n{} = 1",
        "[tui]\ntheme = {}",
        "[tui]\nglyphs = {}",
        "[keys]\nzoom = {}",
        "[keys]\n{} = 'z'",
        "[accounts]\nsession = {}",
        "[mail]\nserver = {}",
        "[mail]\nfrom = {}",
        "[mail]\nserver = 'localhost'\nfrom = 'a@example.org'\nca_file = {}",
        "[profiles.{}]\nx = 1",
        "[profiles.x]\n{} = 1",
        "[profiles.x]\nloss = {}",
        "{}",
        "x = [{}",
        "x = {}",
    ];
    for setting in settings {
        for command in ["config", "nodes"] {
            tried(setting, |name| {
                let name = name.to_string_lossy();
                let escaped: String = name.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
                fs::write(home.path("other.toml"), setting.replace("{}", &format!("\"{escaped}\""))).unwrap();
                home.command(&[command, "--config", "other.toml"])
            });
        }
    }
    for raw in [DISTURBING.as_bytes(), NO_TEXT] {
        for setting in ["[network]\nbandwidth = '{}'\n", "{} = 1\n", "x = {}\n", "[{}]\n"] {
            let parts: Vec<&[u8]> = setting.split("{}").map(str::as_bytes).collect();
            fs::write(home.path("other.toml"), parts.join(raw)).unwrap();
            said(&home.command(&["config", "--config", "other.toml"]).output().unwrap(), setting);
        }
    }
    fs::create_dir(home.path("others")).unwrap();
    for (what, setting) in [
        ("the path of a configuration", "[network]\nloss = 'x'\n"),
        ("the path of a configuration that holds", "[storage]\ndata_dir = 'x'\n"),
    ] {
        tried(what, |name| {
            let path = home.path("others").join(name);
            fs::write(&path, setting).unwrap();
            let mut command = home.command(&["config", "--config"]);
            command.arg(path);
            command
        });
    }
}

#[test]
fn variables_of_the_environment() {
    let home = home();
    for (variable, arguments) in [
        ("HOME", "ls"),
        ("XDG_DATA_HOME", "ls"),
        ("P2P_LOG", "ls"),
        ("P2P_TOKEN", "ls"),
        ("P2P_PASSWORD", "login x"),
        ("TERM", "ls"),
        ("COLORTERM", "ls"),
        ("COLUMNS", "ls"),
        ("LANG", "ls"),
    ] {
        tried(variable, |name| {
            let mut command = home.command(&arguments.split(' ').collect::<Vec<_>>());
            command.env(variable, name);
            command
        });
    }
}

/// A batch of hostile files that can be stored, but for their names: each of them is named, and the progress and the answers too.
#[test]
fn files_that_are_there() {
    let home = home();
    for name in hostile() {
        fs::write(home.path("").join(OsStr::from_bytes(name)), "x").unwrap();
    }
    fs::create_dir(home.path("dir")).unwrap();
    fs::write(home.path("dir").join(OsStr::from_bytes(NO_TEXT)), "x").unwrap();
    fs::write(home.path("dir/good"), "x").unwrap();
    for arguments in [
        &["put", "dir", "--recursive"][..],
        &["put", "dir", "--recursive", "--json"],
        &["run", "-c", "upload z*"],
        &["run", "-c", "upload dir --recursive"],
        &["run", "-c", "upload a.bin z* --as there/"],
    ] {
        said(&home.command(arguments).output().unwrap(), &format!("{arguments:?}"));
    }
}

/// The data directory may be called anything that is text, and what is said of it stays on its lines.
#[test]
fn data_directories() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    for arguments in [&["put", "a.bin"][..], &["ls"], &["config"], &["nodes", "--json"]] {
        tried(arguments[0], |name| {
            let mut command = home.command(arguments);
            command.arg("--data-dir").arg(name);
            if arguments[0] == "put" {
                let _ = fs::remove_dir_all(home.path("").join(name));
            }
            command
        });
    }
    let open = home.path("").join(OsStr::from_bytes(FORGING[0]));
    fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = home.command(&["ls", "--data-dir"]);
    let output = command.arg(&open).output().unwrap();
    let text = said(&output, "an open data directory");
    // The command that is to be pasted means that directory.
    let fix = text.split('`').nth(1).unwrap();
    assert!(fix.starts_with("chmod 700 $'"), "{text}");
    assert!(Command::new("bash").args(["-c", fix]).status().unwrap().success());
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&open).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
}

/// The log quotes what the environment and the disks say, a line an entry.
#[test]
fn the_log_has_one_line_an_entry() {
    let home = Home::new(QUICK);
    let directory = home.path("").join(OsStr::from_bytes(FORGING[0]));
    let put = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.arg("--data-dir").arg(&directory).env("P2P_LOG", "trace").env("P2P_PASSWORD", PASSWORD);
        said(&command.output().unwrap(), "put");
    };
    home.file("a.bin", 1_000);
    put(&["put", "a.bin"]);
    put(&["put", "a.bin"]);
    put(&["ls"]);
    let logs: Vec<_> = fs::read_dir(directory.join("logs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let text = fs::read_to_string(&logs[0]).unwrap();
    assert!(text.lines().count() > 3, "{text}");
    let is_entry = |line: &str| line.starts_with(|c: char| c.is_ascii_digit());
    assert!(text.lines().all(is_entry), "{text}");
}

/// The command that is told for a recording replays it where it is pasted, whatever the data directory is called.
#[test]
fn a_recording_is_replayed_by_the_command_that_is_told() {
    let home = Home::new(QUICK);
    for name in [FORGING[0], DISTURBING.as_bytes()] {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_p2p"));
        command.args(["--data-dir".as_ref(), OsStr::from_bytes(name)]);
        command.cwd(home.path(""));
        command.env_clear();
        command.env("HOME", home.path(""));
        command.env("TERM", "xterm");
        let mut screen = Pty::start(command);
        screen.looks_around();
        let text = screen.leaves();
        let told =
            text.lines().find_map(|line| line.split_once("it runs again with: p2p replay ")).map(|(_, word)| word.trim_end());
        let word = told.unwrap_or_else(|| panic!("{text:?}"));
        assert!(!text.lines().any(|line| line.starts_with("p2p: stored")), "{text:?}");
        let script = format!("{} replay {word}", env!("CARGO_BIN_EXE_p2p"));
        let output = Command::new("bash").args(["-c", &script]).current_dir(home.path("")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{word}: {}", said(&output, word));
    }
}
