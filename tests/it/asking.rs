//! What answers questions where there is no screen: the environment, a file, a line; and what is not asked, shown or kept there.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};

use crate::accounts::{Lines, as_user};
use crate::program::{Home, PASSWORD, QUICK, Said, end_of, wait_until};
use crate::pty::{Pty, program};

/// Runs a script for alice, where these variables are set too.
fn for_alice(home: &Home, text: &str, variables: &[(&str, &str)]) -> Said {
    let mut command = home.command(&["run", "-c", text, "--user", "alice"]);
    end_of(command.env("P2P_PASSWORD", PASSWORD).envs(variables.iter().copied()).spawn().unwrap())
}

/// A quota is refused with what is left of it, and `storage` and `df` say the same.
#[test]
fn a_quota_is_said() {
    let home = Home::new(&format!("{QUICK}[accounts]\nquota = '250KB'\n"));
    home.register("alice");
    home.file("a.bin", 100_000);
    home.file("b.bin", 200_000);
    let said = for_alice(&home, "upload a.bin; storage; df", &[]);
    assert!(said.code == Some(0) && said.stdout.contains("146.5 KiB left of 244.1 KiB"), "{said:#?}");
    let room = said.stdout.lines().find(|line| line.contains("your files") && line.contains("40 %"));
    assert!(room.is_some_and(|room| ["244.1 KiB", "97.7 KiB", "146.5 KiB"].iter().all(|size| room.contains(size))), "{said:#?}");
    let said = for_alice(&home, "upload b.bin", &[]);
    assert!(
        said.stderr.contains("200000 bytes of `b.bin` are to be stored, and 150000 bytes are left of the quota of 250000 bytes"),
        "{said:#?}"
    );
}

#[test]
fn passwords_come_from_files_that_nobody_else_reads() {
    let home = Home::new(QUICK);
    fs::write(home.path("password"), format!("{PASSWORD}\n")).unwrap();
    fs::set_permissions(home.path("password"), fs::Permissions::from_mode(0o644)).unwrap();
    let register = ["register", "alice", "alice@example.org", "--password-file", "password"];
    assert!(home.refused(&register).contains("chmod 600"));
    fs::set_permissions(home.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(home.ok(&register), "alice is registered, as admin\n");
    home.ok(&["ls", "--user", "alice", "--password-file", "password"]);
    assert!(home.refused(&["ls", "--user", "alice"]).contains("--password-file"));
    assert!(home.refused(&["ls", "--user", "bob", "--password-file", "password"]).contains("wrong user name or password"));
    assert!(home.refused(&["register", "Bob!", "b@c.d", "--password-file", "password"]).contains("`Bob!` is no user name"));
    assert!(home.refused(&["register", "bob", "bob", "--password-file", "password"]).contains("no e-mail address"));
    assert!(home.refused(&["register", "alice", "a@b.c", "--password-file", "password"]).contains("is taken"));
    assert!(home.refused(&["register", "bob"]).contains("give it in the line"));
    let weak = home.command(&["register", "bob", "bob@example.org"]).env("P2P_PASSWORD", "password123").output().unwrap();
    assert!(String::from_utf8(weak.stderr).unwrap().contains("everybody tries first"));
}

/// The password in the environment is one user's: nobody else is given it, and nobody else is tried with it.
#[test]
fn a_provided_password_is_one_users() {
    let home = Home::new(QUICK);
    home.register("alice");
    let said = for_alice(&home, "register bob bob@example.org", &[]);
    assert!(said.stderr.contains("for \"Password\"; set P2P_NEW_PASSWORD"), "{said:#?}");
    let said = for_alice(&home, "register bob bob@example.org", &[("P2P_NEW_PASSWORD", "another horse battery")]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(as_user(&home, "bob", &["ls"]).code, Some(1));
    let said = for_alice(&home, "expect audit contains 'wrong user name'; login bob", &[]);
    assert!(said.stderr.contains("P2P_PASSWORD is for alice"), "{said:#?}");
    let said = for_alice(&home, "audit --count 3", &[]);
    assert!(!said.stdout.contains("wrong user name"), "{said:#?}");
    // In a session the others are asked.
    let mut command = home.command(&["repl", "--user", "alice"]);
    let mut lines = Lines::of(command.env("P2P_PASSWORD", PASSWORD));
    lines.send("login bob");
    lines.asks("Password");
    lines.send("another horse battery");
    lines.says("bob is logged in");
    lines.send("logout");
    lines.says("is logged out");
    lines.send("login alice");
    lines.says("alice is logged in");
    lines.quit();
}

/// What nobody could answer is not asked, and what goes with it not shown: it would be in a log, and of no use.
#[test]
fn no_secret_is_shown_where_nobody_confirms_it() {
    let home = Home::new(QUICK);
    home.register("alice");
    let said = for_alice(&home, "otp enable", &[]);
    assert!(said.code == Some(1) && said.stderr.contains("run it in `p2p repl` or in the full-screen interface"), "{said:#?}");
    assert!(!said.stderr.contains("secret") && !said.stderr.contains("otpauth"), "{said:#?}");
}

/// What names a session that cannot be used is in the way of neither the next session nor of whoever wants none.
#[test]
fn a_session_that_cannot_be_used_is_replaced_or_forgotten() {
    let home = Home::new(QUICK);
    home.register("alice");
    let session_file = home.data().join("session");
    for (text, mode, problem) in [("x", 0o644, "chmod 600"), ("", 0o600, "its first line is empty")] {
        let spoil = || {
            fs::write(&session_file, text).unwrap();
            fs::set_permissions(&session_file, fs::Permissions::from_mode(mode)).unwrap();
        };
        spoil();
        let said = home.refused(&["ls"]);
        assert!(said.contains(problem) && said.contains("`p2p logout` forgets it"), "{said}");
        assert_eq!(home.login("alice").code, Some(0));
        home.ok(&["ls"]);
        spoil();
        assert!(home.refused(&["logout"]).contains("the session is forgotten"));
        assert!(!session_file.exists());
        fs::remove_file(&session_file).unwrap_or_default();
    }
}

/// Whoever may not reset an account is told before they are asked for anything.
#[test]
fn what_is_refused_is_not_asked_for() {
    let home = Home::new(QUICK);
    home.register("alice");
    let said = for_alice(&home, "users reset alice", &[]);
    assert!(said.stderr.contains("your own account is not reset"), "{said:#?}");
}

/// Ctrl-C gives a passphrase up, and a signal ends the program: a terminal is as it was before, also where it is not standard input.
#[test]
fn a_passphrase_is_given_up() {
    let home = Home::new(QUICK);
    let asked = ["keygen", "alice", "--passphrase"];
    let mut pty = Pty::start(program(&home.path(""), &asked));
    pty.shows("Passphrase: ");
    pty.send("\x03");
    let (code, said) = pty.end();
    assert!(code == 1 && said.contains("given up; nothing has changed"), "{said}");
    let mut shell = CommandBuilder::new("sh");
    let script =
        format!("{} {} </dev/null & echo is=$!.; wait $!; echo code=$?; stty -a", env!("CARGO_BIN_EXE_p2p"), asked.join(" "));
    shell.args(["-c", &script]);
    shell.env("HOME", home.path(""));
    let pty = Pty::start(shell);
    pty.shows("Passphrase: ");
    let text = pty.text();
    let number = text.split_once("is=").and_then(|(_, rest)| rest.split_once('.')).unwrap().0;
    kill_process(Pid::from_raw(number.parse().unwrap()).unwrap(), Signal::TERM).unwrap();
    let (_, said) = pty.end();
    assert!(
        said.contains("code=143") && ["echo", "isig"].iter().all(|mode| said.split_whitespace().any(|word| word == *mode)),
        "{said}"
    );
    assert!(!home.data().join("keys").exists());
}

/// Before several files go a person at the prompt is asked, and anything but a yes is a no; a script is asked nothing.
#[test]
fn several_files_go_after_a_yes() {
    let home = Home::new(QUICK);
    for name in ["a.bin", "b.bin", "c.bin", "d.bin"] {
        home.file(name, 1_000);
    }
    home.ok(&["run", "-c", "upload a.bin b.bin c.bin d.bin; rm c.bin d.bin"]);
    let mut command = program(&home.path(""), &["repl"]);
    command.cwd(home.path(""));
    let mut pty = Pty::start(command);
    pty.prompts();
    pty.send("rm ?.bin\r");
    pty.shows("Remove 2 files (2.0 KiB)? a.bin, b.bin");
    pty.shows("y/N:");
    pty.send("perhaps\r");
    pty.shows("given up; nothing was removed");
    pty.prompts();
    pty.send("rm a.bin b.bin\r");
    wait_until("the second question", || pty.text().matches("y/N:").count() == 2);
    pty.send("y\r");
    pty.shows("2 files removed");
    pty.prompts();
    pty.send("quit\r");
    let (code, said) = pty.end();
    assert_eq!(code, 0, "{said}");
}
