//! The command line itself: where options may stand, exit codes, standard streams in the place of files, what is offered and documented.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use p2p_base::database::Database;
use p2p_shell::words::commands_of;
use rustix::time::{ClockId, clock_gettime};

use crate::harness::segments_below;
use crate::program::{Home, PASSWORD, QUICK, end_of, signal, wait_until};

/// As with git and restic, options that every command takes may stand before it.
#[test]
fn options_may_stand_before_the_command() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    home.ok(&["--data-dir", "d", "--seed=7", "put", "a.bin"]);
    assert_eq!(home.ok(&["--data-dir", "d", "ls"]), home.ok(&["ls", "--data-dir=d"]));
    assert!(home.stored().is_empty());
    assert!(home.wrong_usage(&["--data-dir", "d", "flow"]).contains("unexpected argument '--data-dir'"));
    assert!(home.wrong_usage(&["--theme", "dark", "ls"]).contains("unexpected argument '--theme'"));
    assert!(home.wrong_usage(&["--data-dir", "d", "nonsense"]).contains("nonsense"));
}

/// 2 for what cannot be carried out as it stands; nothing is begun then.
#[test]
fn a_command_line_that_cannot_be_carried_out_is_told_by_its_code() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    home.file("b.bin", 1000);
    let wrong: [&[&str]; 16] = [
        &["put"],
        &["put", "-"],
        &["put", "a.bin", "b.bin", "--as", "x"],
        &["get", "a.bin", "b.bin", "-o", "x"],
        &["get", "a.bin", "-o", "-", "--json"],
        &["ls", "--password-file", "p"],
        &["run", "-c", "ls", "--password-file", "p"],
        &["run"],
        &["flow", "--bytes", "0"],
        &["flow", "--pcap", "x", "--cwnd", "./x"],
        &["flow", "--pcap", "-"],
        &["flow", "--cwnd", "-"],
        &["ls", "--config", "-"],
        &["ls", "--data-dir", "-"],
        &["ls", "--user", "x", "--password-file", "-"],
        &["ls", "--speed", "fast"],
    ];
    for arguments in wrong {
        let said = home.wrong_usage(arguments);
        assert!(said.starts_with("p2p: ") && said.lines().count() > 1, "{arguments:?}: {said}");
    }
    let name = std::os::unix::ffi::OsStrExt::from_bytes(&b"d\xff"[..]);
    let mut command = home.command(&["ls", "--data-dir"]);
    assert_eq!(command.arg::<&std::ffi::OsStr>(name).status().unwrap().code(), Some(2));
    assert!(!home.data().exists() && !home.path("x").exists());
}

/// A directory that another process has is told from a failure.
#[test]
fn a_directory_in_use_has_a_code_of_its_own() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    home.ok(&["put", "a.bin"]);
    let held = Database::open(&home.data().join("catalog.redb")).unwrap();
    for arguments in [&["ls"][..], &["put", "a.bin", "--as", "b"], &["run", "-c", "ls"], &["repl"], &["whoami"]] {
        assert!(home.unavailable(arguments).contains("wait for the other process with --wait"));
    }
    drop(held);
    assert_eq!(home.stored(), ["a.bin"]);
}

/// `-` is standard input or output, or it is refused; it is never a file of that name.
#[test]
fn a_dash_is_no_file() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    home.ok(&["put", "a.bin"]);
    for script in ["upload -", "download a.bin -", "export -", "capture start -"] {
        assert!(home.refused_script(script).contains("`-` is no file here"), "{script}");
    }
    let mut run = home.command(&["run", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut run.stdin.take().unwrap(), b"ls\n").unwrap();
    assert_eq!(end_of(run).code, Some(0));
    for option in ["--pcap", "--cwnd"] {
        let said = home.wrong_usage(&["flow", "--runs", "1", "--bytes", "10KiB", option, "-"]);
        assert!(said.contains(&format!("{option} -: `-` is no file here")), "{said}");
    }
    for option in ["--config", "--data-dir", "--password-file"] {
        for command in [&["ls"][..], &["run", "-c", "ls"], &["repl"], &["whoami"], &["config"], &["demo"], &["login", "x"]] {
            let said = home.run(&[command, &[option, "-"]].concat());
            assert!(said.code == Some(2) && said.stdout.is_empty(), "{command:?} {option}: {said:?}");
        }
    }
    for (key, text) in [("storage", "data_dir = '-'"), ("mail", "ca_file = '-'"), ("mail", "password_file = '-'")] {
        fs::write(home.path("dash.toml"), format!("[{key}]\n{text}\n")).unwrap();
        let said = home.refused(&["ls", "--config", "dash.toml"]);
        assert!(said.contains("dash.toml:2: ") && said.contains("`-` is no file here"), "{said}");
    }
    assert!(!home.path("-").exists());
}

/// One-shot commands are those of the language, for whoever is logged in.
#[test]
fn commands_of_the_language_are_commands_of_the_program() {
    let home = Home::new(QUICK);
    home.file("a.bin", 100_000);
    home.register("alice");
    home.register("bob");
    home.login("alice");
    home.ok(&["put", "a.bin"]);
    assert_eq!(home.json(&["whoami"])["user"], "alice");
    assert_eq!(home.json(&["verify", "a.bin"])["sound"], true);
    assert_eq!(home.json(&["info", "a.bin"])["bytes"], 100_000);
    assert_eq!(home.json(&["share", "a.bin", "bob"])["may_read"], true);
    assert_eq!(home.json(&["info", "a.bin"])["readers"][0], "bob");
    assert_eq!(home.json(&["unshare", "a.bin", "bob"])["may_read"], false);
    assert_eq!(home.json(&["otp"])["second_factor"], serde_json::Value::Null);
    assert!(home.refused(&["verify", "--user", "bob", "--password-file", "none", "a.bin"]).contains("none"));
    let sessions = home.json(&["sessions"]);
    assert_eq!((sessions.as_array().unwrap().len(), &sessions[0]["own"]), (1, &true.into()));
    let mut passwd = home.command(&["passwd"]);
    passwd.env("P2P_PASSWORD", PASSWORD).env("P2P_NEW_PASSWORD", "another long enough one");
    assert!(passwd.output().unwrap().status.success());
    assert_eq!(home.json(&["whoami"])["user"], "alice", "the session that is kept goes on");
    home.ok(&["sessions", "--revoke", sessions[0]["id"].as_str().unwrap()]);
    assert!(home.refused(&["whoami"]).contains("p2p login NAME"));
}

/// What begins with dashes is a name where the command line says that it is one.
#[test]
fn names_that_look_like_flags() {
    let home = Home::new(QUICK);
    let said = home.refused(&["register", "--", "--all", "a@example.org"]);
    assert!(!said.contains("no flag") && said.contains("user name"), "{said}");
    home.file("--as", 10);
    home.ok(&["run", "-c", "expect upload '--as' contains 'stored --as'"]);
    assert_eq!(home.stored(), ["--as"]);
    home.ok(&["run", "-c", "expect upload --as contains '--as needs NAME'"]);
}

#[test]
fn a_session_that_is_a_directory_is_told_with_its_path() {
    let home = Home::new(QUICK);
    home.register("alice");
    fs::create_dir(home.data().join("session")).unwrap();
    let said = home.refused(&["logout"]);
    assert!(said.contains("session: it is a directory, which p2p has not made; remove it yourself"), "{said}");
}

/// Files that the system makes up as they are read have no length before; that is not a change.
#[test]
fn files_without_a_length_are_told_so() {
    let home = Home::new(QUICK);
    let said = home.refused(&["put", "/proc/self/status"]);
    assert!(
        said.contains("/proc/self/status has 0 bytes, as the system says, but ") && said.contains("p2p put - --as NAME"),
        "{said}"
    );
    assert!(home.stored().is_empty());
}

/// What every other command would refuse, `config` refuses as well.
#[test]
fn a_configuration_is_checked_whole() {
    for (text, words) in [
        ("[mail]\nhost = ''\n", "is no host"),
        ("[mail]\nhost = 'a b'\n", "is no host"),
        ("[mail]\nhost = 'mail.example.org'\nuser = 'x'\npassword_file = 'none'\n", "none"),
        ("[mail]\nhost = 'mail.example.org'\nca_file = 'none'\n", "none"),
        ("[[node]]\nnumber = 3\n[[node]]\nnumber = 3\n", "node 3 has a table already"),
        ("[[node]]\nnumber = 3\nloss = '1%'\n[[node]]\nnumber = 3\ndelay = '1ms'\n", "node 3 has a table already"),
        ("[[node]]\nnumber = 3\nbandwidth = '1MiB/s'\nbandwidth_up = '1KiB/s'\n", "`bandwidth_up` one of them again"),
        ("[client]\nbandwidth = '1MiB/s'\nbandwidth_down = '1KiB/s'\n", "`bandwidth_down` one of them again"),
    ] {
        let home = Home::new(text);
        for command in ["config", "ls"] {
            let said = home.refused(&[command]);
            assert!(said.contains(words), "{command}: {text}: {said}");
        }
    }
}

/// A script is taken apart in time that grows with its length, and not with the square of it.
#[test]
fn long_scripts_are_taken_apart_in_linear_time() {
    let seconds = |lines: usize| {
        let text = "echo 'a b' \"c\" d;\n".repeat(lines);
        let processor = || {
            let time = clock_gettime(ClockId::ThreadCPUTime);
            time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
        };
        let begun = processor();
        let commands = commands_of(&text);
        let taken = processor() - begun;
        assert_eq!((commands.len(), commands.last().unwrap().0), (lines, lines));
        taken
    };
    let (short, long) = (seconds(5_000), seconds(80_000));
    // Sixteen times as long; in the square it would take 256 times as long.
    assert!(long < 64.0 * short, "{short} s and {long} s");
}

/// The directory of a demonstration is nobody else's to see, and what a kill has left of it the next one removes.
#[test]
fn a_demonstration_leaves_nothing_behind() {
    let home = Home::new("");
    fs::create_dir(home.path("tmp")).unwrap();
    let spawn = || {
        let mut command: Command = home.command(&["demo", "--json", "--speed", "5x"]);
        command.env("TMPDIR", home.path("tmp")).spawn().unwrap()
    };
    let left = || fs::read_dir(home.path("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let mut before = Vec::new();
    for (name, code) in [("TERM", Some(143)), ("KILL", None), ("INT", Some(130))] {
        let demo = spawn();
        let is_at_work = |path: &PathBuf| !before.contains(path) && !segments_below(&path.join("data")).is_empty();
        wait_until("a segment", || left().iter().any(is_at_work));
        assert_eq!(left().len(), 1, "what was left before is gone");
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&left()[0]).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
        signal(&demo, name);
        assert_eq!(end_of(demo).code, code);
        before = left();
        assert_eq!(before.len(), usize::from(name == "KILL"), "{name}");
    }
}

#[test]
fn the_manual_says_what_manuals_say() {
    let manual = Home::new("").ok(&["man"]);
    let sections: Vec<&str> = manual.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
    let expected = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "COMMANDS",
        "OPTIONS",
        "\"EXIT STATUS\"",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "\"SEE ALSO\"",
    ];
    assert_eq!(sections, expected);
    assert!(manual.contains("p2p\\-put") && manual.contains("P2P_PASSWORD") && manual.contains("75"), "{manual}");
    let help = Home::new("").ok(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for command in commands.filter(|line| !line.starts_with("   ")).map(|line| line.split_whitespace().next().unwrap()) {
        assert!(command == "help" || manual.contains(&format!(".SS \"p2p {command}")), "{command}: {manual}");
    }
}

/// Names of stored files are completed where a command takes one, of the data directory that the line names.
#[test]
fn completions_know_stored_names() {
    let home = Home::new(QUICK);
    for (name, directory) in [("my file.bin", "d"), ("video.bin", "d"), ("elsewhere.bin", "other")] {
        home.file(name, 10);
        home.ok(&["put", name, "--data-dir", directory]);
    }
    home.ok(&["mkdir", "archive", "--data-dir", "d"]);
    home.ok(&["put", "video.bin", "--as", "archive/vault.bin", "--data-dir", "d"]);
    assert_eq!(home.ok(&["stored-names", "--data-dir", "d"]), "archive/\nmy file.bin\nvideo.bin\n");
    assert_eq!(home.ok(&["stored-names", "archive/v", "--data-dir", "d"]), "archive/vault.bin\n");
    let held = Database::open(&home.path("d").join("catalog.redb")).unwrap();
    let said = home.run(&["stored-names", "--data-dir", "d"]);
    assert_eq!(
        (said.code, said.stdout.as_str(), said.stderr.as_str()),
        (Some(0), "", ""),
        "a line that is typed is no place for errors"
    );
    drop(held);
    fs::write(home.path("c.bash"), home.ok(&["completions", "bash"])).unwrap();
    let program = env!("CARGO_BIN_EXE_p2p");
    let completed = |words: &[&str]| {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source ./c.bash; COMP_WORDS=({program} {}); COMP_CWORD={}; _p2p_names; printf '%s|' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words.len()
        );
        let bash = Command::new("bash").args(["--norc", "-c", &script]).current_dir(home.path("")).output().unwrap();
        String::from_utf8(bash.stdout).unwrap()
    };
    assert_eq!(completed(&["--data-dir", "d", "get", "my"]), "my file.bin|");
    assert_eq!(completed(&["rm", "--data-dir", "d", "video.bin", "ar"]), "archive/|");
    assert_eq!(completed(&["info", "--data-dir", "other", ""]), "elsewhere.bin|");
    assert_eq!(completed(&["--data-dir", "d", "ls", "--the"]), "|");
    // A user's name comes after that of a file.
    assert_eq!(completed(&["--data-dir", "d", "share", "my"]), "my file.bin|");
    assert_eq!(completed(&["--data-dir", "d", "share", "video.bin", ""]), "|");
    for (shell, words) in [("zsh", "_p2p_names'"), ("fish", "p2p stored-names")] {
        let script = home.ok(&["completions", shell]);
        assert!(script.contains(words) && !script.contains("'stored-names:"), "{shell}");
    }
    assert!(!home.ok(&["--help"]).contains("stored-names"));
}

#[test]
fn completions_offer_values() {
    let bash = Home::new("").ok(&["completions", "bash"]);
    for values in ["dark light high-contrast mono", "1x 10x 100x max"] {
        assert!(bash.contains(values), "{values}");
    }
    // Of each command that completions offer there is a manual page.
    let pages = |script: &str| script.lines().any(|line| line.contains("put get ls rm") && line.contains("completions man"));
    let of_man = bash.split("p2p__subcmd__man)").nth(1).unwrap();
    assert!(of_man.lines().take(6).any(pages), "{}", of_man.lines().take(6).collect::<Vec<_>>().join("\n"));
}
