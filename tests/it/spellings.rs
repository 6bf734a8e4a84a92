//! One thing in two spellings: names of users and files, passwords, and texts from other systems.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::accounts::as_user;
use crate::program::{Home, PASSWORD, QUICK, Said, end_of};

fn login(home: &Home, name: &str, password: &str) -> Said {
    end_of(home.command(&["login", name, "--json"]).env("P2P_PASSWORD", password).spawn().unwrap())
}

/// A user is the same however the name is typed, wherever one is.
#[test]
fn capitals_make_no_other_user() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.register("bob");
    assert_eq!(login(&home, "Alice", PASSWORD).json()["user"], "alice");
    home.file("a.bin", 1_000);
    home.ok(&["put", "a.bin"]);
    home.ok(&["run", "-c", "share a.bin Bob; expect ls contains bob"]);
    assert_eq!(as_user(&home, "BOB", &["get", "Alice/a.bin", "-o", "b.bin"]).code, Some(0));
    home.ok(&["run", "-c", "unshare a.bin BOB; expect unshare a.bin bob contains 'not shared'"]);
    let taken = end_of(home.command(&["register", "ALICE", "other@example.org"]).env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
    assert!(taken.code == Some(1) && taken.stderr.contains("`alice` is taken"), "{taken:?}");
    for address in ["\"quoted local\"@example.org", "x@[127.0.0.1]", "BOB@example.org"] {
        let refused = end_of(home.command(&["register", "carol", address]).env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
        assert_eq!(refused.code, Some(1), "{address}");
    }
}

#[test]
fn a_password_is_the_same_from_every_keyboard() {
    let home = Home::new(QUICK);
    let register = home.command(&["register", "alice", "a@example.org"]).env("P2P_PASSWORD", "caf\u{e9} correct horse").spawn();
    assert_eq!(end_of(register.unwrap()).code, Some(0));
    assert_eq!(login(&home, "alice", "cafe\u{301} correct horse").code, Some(0));
    assert_eq!(login(&home, "alice", "cafe correct horse").code, Some(1));
    let name =
        end_of(home.command(&["register", "frank", "f@example.org"]).env("P2P_NEW_PASSWORD", "frankfrank1").spawn().unwrap());
    assert!(name.code == Some(1) && name.stderr.contains("user name, or little more"), "{name:?}");
}

/// Names of files that look alike are one name, or are refused, or are shown apart.
#[test]
fn no_two_names_look_alike() {
    let home = Home::new(QUICK);
    let content = home.file("a.bin", 1_000);
    home.ok(&["put", "a.bin", "--as", "cafe\u{301}"]);
    assert_eq!(home.stored(), ["caf\u{e9}"]);
    assert!(home.refused(&["put", "a.bin", "--as", "caf\u{e9}"]).contains("stored already"));
    home.ok(&["get", "cafe\u{301}", "-o", "back.bin"]);
    assert!(fs::read(home.path("back.bin")).unwrap() == content);
    for name in ["a\u{200b}", "a\u{202e}b", "\u{feff}a", "a\u{200d}b", "a\u{ad}b", "a\u{2066}b"] {
        let refused = home.refused(&["put", "a.bin", "--as", name]);
        assert!(refused.contains("\\u{") && !refused.contains(name), "{refused}");
    }
    for name in ["x", "x ", " x", "x\u{a0}", "\u{1f469}\u{200d}\u{1f4bb}"] {
        home.ok(&["put", "a.bin", "--as", name]);
    }
    let listed = home.ok(&["ls"]);
    for shown in ["│ x ", "'x '", "' x'", "x\\u{a0}", "\u{1f469}\u{200d}\u{1f4bb}"] {
        assert!(listed.contains(shown), "{shown}: {listed}");
    }
    home.ok(&["rm", "x ", "cafe\u{301}"]);
    assert_eq!(home.stored().len(), 4);
}

/// A mark at the beginning and the line ends of another system are no part of a text, wherever one is read.
#[test]
fn marks_and_line_ends_are_no_text() {
    let home = Home::new(&format!("\u{feff}{}", QUICK.replace('\n', "\r\n")));
    home.register("alice");
    fs::write(home.path("password"), format!("\u{feff}{PASSWORD}\r\n")).unwrap();
    fs::set_permissions(home.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
    home.ok(&["login", "alice", "--password-file", "password"]);
    fs::set_permissions(home.path("password"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(home.refused(&["ls", "--user", "alice", "--password-file", "password"]).contains("chmod 600"));
    let script = "\u{feff}echo hi\r\nexpect echo one contains one\r\necho 'two\r\nlines'\r\n";
    let utf16: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(home.path("script"), script).unwrap();
    fs::write(home.path("wide"), utf16).unwrap();
    let said = home.ok(&["run", "script"]);
    assert!(said.contains("two\nlines") && !said.contains(['\r', '\u{feff}']), "{said:?}");
    assert_eq!(home.ok(&["run", "wide"]), said);
    for command in [&["run", "-"][..], &["repl"]] {
        let mut child = home.command(command).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all("\u{feff}echo hi\r\nquit\r\n".as_bytes()).unwrap();
        let said = end_of(child);
        assert!(
            said.code == Some(0) && said.stdout.contains("hi\n") && !said.stderr.contains("no command"),
            "{command:?}: {said:?}"
        );
    }
    let mut child = home.command(&["login", "alice"]).env("P2P_PASSWORD", format!("{PASSWORD}\r")).spawn().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
