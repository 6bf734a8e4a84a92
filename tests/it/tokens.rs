//! API tokens by the real binary: what a program may do by one, what it may not, and when a token ends.

use std::collections::BTreeMap;
use std::fs;

use p2p_auth::tokens::{NewToken, Reach};
use p2p_auth::{Auth, Policy};
use p2p_base::database::Database;
use p2p_engine::Scope;
use secrecy::ExposeSecret;

use crate::accounts::{Lines, as_user, now, refusals, script};
use crate::cli::{documented, fields};
use crate::harness::files_below;
use crate::program::{Home, PASSWORD, QUICK, Said, end_of};

/// Alice, who is the admin, and bob, each with a file.
fn house() -> Home {
    let home = Home::new(QUICK);
    for name in ["alice", "bob"] {
        home.register(name);
        home.file(&format!("{name}.bin"), 100_000);
        script(&home, name, &format!("upload {name}.bin"));
    }
    home
}

/// Makes a token of a user: what the program prints of it.
fn token(home: &Home, user: &str, name: &str, scope: &str) -> String {
    let said = as_user(home, user, &["token", "new", name, "--scope", scope]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let token = said.stdout.trim().to_owned();
    assert!(token.starts_with("p2p_") && token.len() == 47, "{token}");
    token
}

/// Runs a command as a program that has a token.
fn by_token(home: &Home, token: &str, arguments: &[&str]) -> Said {
    end_of(home.command(arguments).env("P2P_TOKEN", token).spawn().unwrap())
}

fn done(home: &Home, token: &str, arguments: &[&str]) -> String {
    let said = by_token(home, token, arguments);
    assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
    said.stdout
}

fn refused(home: &Home, token: &str, arguments: &[&str]) -> String {
    let said = by_token(home, token, arguments);
    assert_eq!(said.code, Some(1), "{arguments:?}: {said:?}");
    assert!(!said.stderr.contains(token) && !said.stderr.contains("panicked"), "{}", said.stderr);
    said.stderr
}

#[test]
fn a_token_to_read_lists_and_fetches_and_changes_nothing() {
    let home = house();
    let token = token(&home, "bob", "reader", "read");
    let listed = done(&home, &token, &["ls"]);
    assert!(listed.contains("bob.bin") && !listed.contains("alice"), "{listed}");
    done(&home, &token, &["get", "bob.bin", "-o", "copy.bin"]);
    assert!(fs::read(home.path("copy.bin")).unwrap() == fs::read(home.path("bob.bin")).unwrap());
    done(&home, &token, &["run", "-c", "info bob.bin; verify bob.bin; nodes; transfers; whoami"]);
    let narrow = "the token has the scope `read`, and the scope `write` is needed";
    let cancelled = "download bob.bin other.bin --background; cancel 1";
    for arguments in
        [&["put", "alice.bin"][..], &["rm", "bob.bin"], &["share", "bob.bin", "alice"], &["unshare", "bob.bin", "alice"]]
    {
        assert!(refused(&home, &token, arguments).contains(narrow), "{arguments:?}");
    }
    assert!(refused(&home, &token, &["run", "-c", cancelled]).contains(narrow));
    assert!(refused(&home, &token, &["run", "-c", "pause"]).contains("is for admins"));
    // The owner's session finds all as it was, and the log knows what was tried.
    assert!(script(&home, "bob", "ls").contains("bob.bin"));
    let known = refusals(&home, "alice");
    let what = "an operation of scope write by an API token of scope read".to_owned();
    let tried = known.iter().filter(|entry| **entry == ("bob".to_owned(), "access".to_owned(), what.clone())).count();
    assert_eq!(tried, 5, "{known:?}");
}

#[test]
fn a_token_to_write_stores_and_removes_and_leaves_the_account_alone() {
    let home = house();
    let token = token(&home, "bob", "backup", "write");
    done(&home, &token, &["put", "bob.bin", "--as", "backup.bin"]);
    done(&home, &token, &["share", "backup.bin", "alice"]);
    done(&home, &token, &["rm", "backup.bin"]);
    for line in ["speed 2x", "users", "users reset alice"] {
        assert!(refused(&home, &token, &["run", "-c", line]).contains("is for admins"), "{line}");
    }
    let of_accounts = [
        "passwd",
        "token new other",
        "token list",
        "token revoke backup",
        "sessions",
        "sessions revoke 01234567",
        "otp status",
        "otp enable",
        "audit",
        "mail",
        "mail test",
        "register carol carol@example.org",
        "logout --all",
    ];
    for line in of_accounts {
        let said = refused(&home, &token, &["run", "-c", line]);
        assert!(said.contains("needs a session, and an API token is none"), "{line}: {said}");
    }
    for arguments in [&["passwd"][..], &["token", "new", "other"], &["token"], &["sessions"]] {
        assert!(refused(&home, &token, arguments).contains("needs a session"), "{arguments:?}");
    }
    let known = refusals(&home, "alice");
    assert!(known.contains(&("bob".into(), "access".into(), "passwd by an API token".into())), "{known:?}");
}

/// What an admin may do of others' is not a narrow token's.
#[test]
fn a_token_of_an_admin_is_an_admins_by_its_scope_alone() {
    let home = house();
    for scope in ["read", "write"] {
        let narrow = token(&home, "alice", scope, scope);
        let listed = done(&home, &narrow, &["ls"]);
        assert!(listed.contains("alice.bin") && !listed.contains("bob"), "{listed}");
        assert!(refused(&home, &narrow, &["get", "bob/bob.bin"]).contains("no file named"));
        let said = refused(&home, &narrow, &["run", "-c", "speed 2x"]);
        assert!(said.contains(&format!("has the scope `{scope}`, and the scope `admin` is needed")), "{said}");
    }
    let full = token(&home, "alice", "full", "admin");
    assert!(done(&home, &full, &["ls"]).contains("bob/bob.bin"));
    assert!(done(&home, &full, &["run", "-c", "speed 2x; users"]).contains("bob@example.org"));
    for line in ["users reset bob", "audit", "audit verify", "passwd"] {
        assert!(refused(&home, &full, &["run", "-c", line]).contains("needs a session"), "{line}");
    }
    let said = as_user(&home, "bob", &["token", "new", "x", "--scope", "admin"]);
    assert!(said.code == Some(1) && said.stderr.contains("is for the tokens of admins"), "{said:?}");
}

/// A token that has ended is refused, also where `p2p login` has left a session.
#[test]
fn a_token_that_has_ended_opens_nothing() {
    let home = house();
    let kept = token(&home, "bob", "ci", "read");
    let listed = script(&home, "bob", "token list");
    assert!(listed.contains("ci") && listed.contains("never") && !listed.contains(&kept), "{listed}");
    let expired = {
        let database = Database::open(&home.data().join("catalog.redb")).unwrap();
        let auth = Auth::open(database, Policy::default()).unwrap();
        let reach = Reach { scope: Scope::Read, path: None };
        let wanted = NewToken { name: "old".parse().unwrap(), reach, expires_at: now() - 60 };
        auth.new_token(&"bob".parse().unwrap(), &wanted, "here", now() - 3600).unwrap()
    };
    let link = home.link("bob");
    home.login("bob");
    assert!(done(&home, &kept, &["ls"]).contains("bob.bin"));
    let not_valid = "the API token is not valid: it is unknown, expired or revoked";
    assert!(refused(&home, expired.expose_secret(), &["ls"]).contains(not_valid));
    assert!(refused(&home, "p2p_nonsense", &["ls"]).contains(not_valid));
    assert!(refused(&home, &link, &["ls"]).contains(not_valid), "a link is no login");
    assert_eq!(home.ok(&["token", "revoke", "ci"]), "token ci is revoked\n");
    for arguments in [&["ls"][..], &["put", "bob.bin"], &["run", "-c", "ls"], &["export"], &["whoami"]] {
        assert!(refused(&home, &kept, arguments).contains(not_valid), "{arguments:?}");
    }
    assert!(home.refused(&["token", "revoke", "ci"]).contains("you have no token `ci`"));
    // With the password the tokens end.
    let again = token(&home, "bob", "ci", "write");
    let mut command = home.command(&["passwd"]);
    command.env("P2P_PASSWORD", PASSWORD).env("P2P_NEW_PASSWORD", "another horse battery");
    assert_eq!(end_of(command.spawn().unwrap()).code, Some(0));
    assert!(refused(&home, &again, &["ls"]).contains(not_valid));
    assert!(home.ok(&["token"]).contains("no tokens"));
}

/// A token is a program's: it is not mixed with a user who logs in, and no screen and no line REPL takes it.
#[test]
fn a_token_is_taken_by_commands_and_scripts_alone() {
    let home = house();
    let token = token(&home, "bob", "ci", "read");
    for arguments in [&["ls", "--user", "alice"][..], &["run", "-c", "ls", "--user", "alice"], &["info", "a", "--user", "alice"]]
    {
        let said = by_token(&home, &token, arguments);
        assert!(said.code == Some(2) && said.stderr.contains("--user and P2P_TOKEN both say"), "{arguments:?}: {said:?}");
    }
    // A script that has got no token does not work for the user of a session.
    for (none, arguments) in [("", &["ls"][..]), (" ", &["run", "-c", "ls"])] {
        let said = by_token(&home, none, arguments);
        assert!(said.code == Some(2) && said.stderr.contains("there is no token in it"), "{arguments:?}: {said:?}");
    }
    let mut lines = Lines::of(home.command(&["repl"]).env("P2P_TOKEN", &token));
    lines.send("ls");
    lines.asks("no user is logged in");
    lines.quit();
    // Without accounts there is nobody to whom a token could belong.
    let empty = Home::new(QUICK);
    assert!(refused(&empty, &token, &["ls"]).contains("not valid"));
    assert!(empty.run(&["token", "list"]).stderr.contains("no user is logged in"));
}

#[test]
fn a_token_for_a_path_reaches_that_path_alone() {
    let home = house();
    script(&home, "bob", "mkdir photos; upload bob.bin --as photos/old.bin; mkdir private; upload bob.bin --as private/x.bin");
    script(&home, "alice", "share alice.bin bob");
    let said = as_user(&home, "bob", &["token", "new", "cam", "--scope", "write", "--path", "./photos/2026/"]);
    let token = said.stdout.trim().to_owned();
    // The path does not exist yet, and the way down to it is shown.
    assert_eq!(done(&home, &token, &["ls"]), "no files are stored\n");
    assert!(refused(&home, &token, &["put", "bob.bin"]).contains("the token is limited to `photos/2026` and what is in it"));
    done(&home, &token, &["mkdir", "photos/2026"]);
    done(&home, &token, &["put", "bob.bin", "--as", "photos/2026/"]);
    done(&home, &token, &["put", "bob.bin", "--as", "photos/2026/b.bin"]);
    let listed = done(&home, &token, &["ls", "-R"]);
    assert!(listed.contains("photos/2026/bob.bin") && !listed.contains("old.bin") && !listed.contains("private"), "{listed}");
    assert!(!listed.contains("alice") && !done(&home, &token, &["ls", "photos"]).contains("old.bin"), "{listed}");
    done(&home, &token, &["get", "photos/2026/b.bin", "-o", "copy.bin"]);
    done(&home, &token, &["rm", "photos/2026/b.bin"]);
    for hidden in ["photos/old.bin", "private/x.bin", "private", "bob.bin", "~alice/alice.bin", "photos/none"] {
        assert!(refused(&home, &token, &["get", hidden, "-o", "copy2.bin"]).contains("no file named"), "{hidden}");
        assert!(refused(&home, &token, &["rm", "-r", hidden]).contains("no file named"), "{hidden}");
        assert!(refused(&home, &token, &["mv", hidden, "photos/2026/stolen"]).contains("no file named"), "{hidden}");
    }
    for arguments in [
        &["mv", "photos/2026/bob.bin", "private/y.bin"][..],
        &["put", "bob.bin", "--as", "photos/2026.bin"],
        &["mkdir", "private/new"],
        &["run", "-c", "df"],
    ] {
        assert!(refused(&home, &token, arguments).contains("is limited to"), "{arguments:?}");
    }
    // Transfers of others, also of the same user, are not there.
    let transfers = done(&home, &token, &["run", "-c", "upload bob.bin --as photos/2026/c.bin; transfers"]);
    assert!(transfers.contains("photos/2026/c.bin"), "{transfers}");
    let said = as_user(&home, "bob", &["token", "list"]);
    assert!(said.stdout.contains("photos/2026"), "{said:?}");
    let known = refusals(&home, "alice");
    let what = "the token is limited to `photos/2026` and what is in it";
    assert!(known.iter().any(|(user, _, note)| user == "bob" && note == what), "{known:?}");
    let said = as_user(&home, "alice", &["token", "new", "x", "--scope", "admin", "--path", "photos"]);
    assert!(said.code == Some(1) && said.stderr.contains("cannot be limited to a path"), "{said:?}");
    for (path, words) in [("~alice/x", "not among your own files"), ("a/../b", "directory"), (".", "empty")] {
        let said = as_user(&home, "bob", &["token", "new", "x", "--path", path]);
        assert!(said.code == Some(1) && said.stderr.contains(words), "{path}: {said:?}");
    }
}

#[test]
fn what_is_wrong_with_a_new_token_is_told() {
    let home = house();
    home.login("bob");
    for (arguments, words) in [
        (&["token", "new"][..], "NAME is missing"),
        (&["token", "new", "a b"], "no name of a token"),
        (&["token", "new", "a", "--expires", "soon"], "no time from now, such as 30d or 12h"),
        (&["token", "new", "a", "--expires", "367d"], "at most 366 days"),
        (&["token", "new", "a", "--expires", "0h"], "at most 366 days"),
        (&["token", "list", "a"], "unexpected argument `a`"),
        (&["token", "revoke", "a", "--scope", "read"], "--scope is for a new token"),
        (&["run", "-c", "token new a --scope all"], "`all` is no scope: the scopes are read, write and admin"),
    ] {
        assert!(home.refused(arguments).contains(words), "{arguments:?}");
    }
    assert!(home.wrong_usage(&["token", "new", "a", "--scope", "all"]).contains("read, write, admin"));
    let mut found = BTreeMap::new();
    for arguments in
        [&["token", "new", "a", "--expires", "12h", "--path", "x"][..], &["token", "list"], &["token", "revoke", "a"]]
    {
        let answer = home.json(arguments);
        if arguments[1] == "new" {
            let left = answer["expires_at"].as_u64().unwrap() - now();
            assert!(left <= 12 * 3600 && left > 12 * 3600 - 600 && answer["scope"] == "read", "{answer}");
            // What was never used has no last use.
            done(&home, answer["token"].as_str().unwrap(), &["ls"]);
        }
        fields(&answer, "", &mut found);
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), documented("token").keys().collect::<Vec<_>>());
}

/// The text of a token is in no file of the data directory: no log, history, recording or database, whoever typed it where.
#[test]
fn a_token_is_kept_nowhere() {
    let home = house();
    let mut lines = Lines::start(&home, &[]);
    lines.log_in("bob");
    lines.send("token new ci --scope write --expires 30d");
    let said = lines.says("p2p_");
    let token = said.lines().last().unwrap().trim().to_owned();
    assert_eq!(token.len(), 47, "{said}");
    lines.send(&format!("token revoke {token}"));
    lines.asks("no name of a token");
    lines.send(&format!("echo {token}"));
    lines.says(&token);
    lines.quit();
    let mut command = home.command(&["run", "-c", "upload bob.bin --as x.bin; expect ls contains x.bin"]);
    let said = end_of(command.env("P2P_TOKEN", &token).env("P2P_LOG", "trace").spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    refused(&home, &format!("{token}x"), &["ls"]);
    let history = fs::read_to_string(home.data().join("history-bob.txt")).unwrap();
    assert_eq!(history, "token new ci --scope write --expires 30d\nquit\n");
    let files = files_below(&home.data());
    assert!(files.iter().any(|path| path.to_string_lossy().contains("recordings")));
    for path in files {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(43).any(|window| window == &token.as_bytes()[4..]), "{}", path.display());
    }
}
