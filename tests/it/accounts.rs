//! Accounts by the real binary: registering, logging in, second factors, ownership, what is refused and what is logged.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use p2p_auth::Secret;
use p2p_auth::otp::code_at;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::cli::{documented, fields};
use crate::harness::files_below;
use crate::program::{DEADLINE, Home, PASSWORD, QUICK, Said, end_of, signal, wait_until};

/// The line REPL, typed at through a pipe: commands, and answers to what is asked.
pub(crate) struct Lines {
    child: Child,
    stdin: ChildStdin,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Lines {
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Lines {
        Lines::of(&mut home.command(&[&["repl"], arguments].concat()))
    }

    /// A command that reads lines.
    pub(crate) fn of(command: &mut Command) -> Lines {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout, stderr) = (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Lines { child, stdin, stdout: lines_of(stdout), stderr: lines_of(stderr) }
    }

    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// Reads standard error up to a line that contains `text`.
    pub(crate) fn asks(&mut self, text: &str) -> String {
        read_until(&self.stderr, text)
    }

    /// Reads standard output up to a line that contains `text`.
    pub(crate) fn says(&mut self, text: &str) -> String {
        read_until(&self.stdout, text)
    }

    /// Logs somebody in who has no second factor.
    pub(crate) fn log_in(&mut self, name: &str) {
        self.send(&format!("login {name}"));
        self.asks("Password");
        self.send(PASSWORD);
        self.says(&format!("{name} is logged in"));
    }

    pub(crate) fn kill(mut self) {
        signal(&self.child, "KILL");
        self.child.wait().unwrap();
    }

    pub(crate) fn quit(mut self) {
        self.send("quit");
        drop(self.stdin);
        assert!(self.child.wait().unwrap().success());
    }
}

/// The lines of a stream as they come, so that whoever waits for one need not wait for ever.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    let send = move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line + "\n"));
    std::thread::Builder::new().spawn(send).unwrap();
    lines
}

fn read_until(lines: &Receiver<String>, text: &str) -> String {
    let mut said = String::new();
    loop {
        let line = lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("`{text}` was not said: {said}"));
        said.push_str(&line);
        if line.contains(text) {
            return said;
        }
    }
}

/// The seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "codes are for the present time of the real program")]
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// What an authenticator app shows.
pub(crate) fn app_code(secret: &str, at: u64) -> String {
    code_at(&Secret::from(secret), at).unwrap().expose_secret().to_owned()
}

/// Has a user enable codes of an app: the secret, and the backup codes.
pub(crate) fn enable_app(home: &Home, name: &str) -> (String, Vec<String>) {
    let mut lines = Lines::start(home, &[]);
    lines.log_in(name);
    lines.send("enable_otp");
    let shown = lines.asks("secret: ");
    let secret = shown.lines().last().unwrap().trim_start_matches("secret: ").to_owned();
    assert!(shown.contains(&format!("otpauth://totp/p2p:{name}?secret={secret}")), "{shown}");
    lines.asks("Code");
    lines.send(&app_code(&secret, now()));
    let mut codes = lines.asks("Backup codes");
    lines.says("one-time passwords are enabled");
    lines.send("logout");
    lines.says("is logged out");
    lines.send("quit");
    codes.extend(lines.stderr.iter());
    assert!(lines.child.wait().unwrap().success());
    let is_code = |line: &&str| line.len() == 19 && line.matches('-').count() == 3;
    (secret, codes.lines().map(str::trim).filter(is_code).map(str::to_owned).collect())
}

/// The codes that were mailed, the first one first.
pub(crate) fn mailed_codes(home: &Home) -> Vec<String> {
    // A mail that is being written has another name yet.
    let mails = files_below(&home.data().join("outbox")).into_iter();
    let mails = mails.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
    let code = |text: String| text.split_once("Your code is ").map(|(_, rest)| rest[..6].to_owned());
    mails.filter_map(|path| code(fs::read_to_string(path).unwrap())).collect()
}

/// Runs a command for a user who is logged in for it alone.
pub(crate) fn as_user(home: &Home, name: &str, arguments: &[&str]) -> Said {
    let mut command = home.command(&[arguments, &["--user", name]].concat());
    end_of(command.env("P2P_PASSWORD", PASSWORD).spawn().unwrap())
}

/// Runs a script for a user.
pub(crate) fn script(home: &Home, name: &str, text: &str) -> String {
    let said = as_user(home, name, &["run", "-c", text]);
    assert_eq!(said.code, Some(0), "{text}: {said:#?}");
    said.stdout
}

/// The audit log as JSON, latest last: all that this user sees.
pub(crate) fn audit(home: &Home, name: &str) -> Vec<Value> {
    let said = as_user(home, name, &["run", "--json", "-c", "audit --count 1000"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    serde_json::from_str::<Value>(&said.stdout).unwrap()["answer"].as_array().unwrap().clone()
}

pub(crate) fn refusals(home: &Home, admin: &str) -> Vec<(String, String, String)> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let refused = audit(home, admin).into_iter().filter(|entry| entry["done"] == false);
    refused.map(|entry| (text(&entry, "user"), text(&entry, "action"), text(&entry, "note"))).collect()
}

/// While there is no account everything works; the first account is the admin's, who finds what was there; then everybody has to
/// log in.
#[test]
fn from_the_first_account_on_everybody_logs_in() {
    let home = Home::new(QUICK);
    let content = home.file("a.bin", 100_000);
    home.ok(&["put", "a.bin"]);
    assert!(home.refused(&["login", "alice"]).contains("there are no accounts yet"));
    assert!(home.ok(&["run", "-c", "mail; audit verify"]).contains("the log is empty"));
    home.register("alice");
    for command in
        [&["ls"][..], &["get", "a.bin"], &["put", "a.bin"], &["rm", "a.bin"], &["nodes"], &["export"], &["run", "-c", "ls"]]
    {
        let said = home.refused(command);
        assert!(said.contains("no user is logged in"), "{command:?}: {said}");
    }
    assert!(home.refused(&["ls"]).contains("p2p login NAME"));
    assert!(home.ok(&["run", "-c", "help"]).contains("upload"));
    // What was stored before is hers.
    assert_eq!(home.login("alice").json()["role"], "admin");
    assert_eq!(home.stored(), ["a.bin"]);
    assert_eq!(home.json(&["ls"])[0]["owner"], "alice");
    home.ok(&["get", "a.bin", "-o", "back.bin"]);
    assert!(fs::read(home.path("back.bin")).unwrap() == content);
    // The session is kept for its owner alone, and ends.
    let token = home.data().join("session");
    assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    let content = fs::read_to_string(&token).unwrap();
    assert_eq!(home.ok(&["logout"]), "alice is logged out\n");
    assert!(!token.exists() && home.refused(&["ls"]).contains("no user is logged in"));
    assert!(home.refused(&["logout"]).contains("no user is logged in"));
    assert!(home.wrong_usage(&["ls", "--password-file", "x"]).contains("--user NAME"));
    // What names a session that is over is worth nothing.
    fs::write(&token, content).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(home.refused(&["ls"]).contains("is over") && !token.exists());
    fs::write(&token, "x").unwrap();
    assert!(home.refused(&["ls"]).contains("chmod 600"));
}

#[test]
fn everybody_has_their_own_files_and_reads_what_is_shared() {
    let home = Home::new(QUICK);
    for name in ["alice", "bob", "carol"] {
        home.register(name);
    }
    let (of_bob, of_carol) = (home.file("plan.bin", 100_000), home.file("other.bin", 50_000));
    assert_eq!(as_user(&home, "bob", &["put", "plan.bin"]).code, Some(0));
    // Another's file of that name is in nobody's way.
    assert_eq!(as_user(&home, "carol", &["put", "other.bin", "--as", "plan.bin"]).code, Some(0));
    assert!(script(&home, "bob", "ls").contains("plan.bin"));
    script(&home, "bob", "share plan.bin carol; expect ls contains carol; share plan.bin carol");
    let listed = script(&home, "carol", "ls; info bob/plan.bin; verify bob/plan.bin");
    assert!(listed.contains("bob/plan.bin") && listed.contains("owner"), "{listed}");
    // Who else reads a file is for those who may share it.
    script(&home, "bob", "share plan.bin alice; expect ls contains 'alice, carol'");
    for text in ["ls", "info bob/plan.bin", "export"] {
        let known = script(&home, "carol", text);
        assert!(known.contains("carol") && !known.contains("alice"), "{text}: {known}");
    }
    for (name, expected) in [("plan.bin", &of_carol), ("bob/plan.bin", &of_bob)] {
        assert_eq!(as_user(&home, "carol", &["get", name, "--force"]).code, Some(0));
        assert!(fs::read(home.path("plan.bin")).unwrap() == *expected, "{name}");
    }
    // Reading is all that she may.
    let refused = |name: &str, text: &str| as_user(&home, name, &["run", "-c", text]).stderr;
    for text in ["rm bob/plan.bin", "share bob/plan.bin alice", "unshare bob/plan.bin carol"] {
        assert!(refused("carol", text).contains("you may only read it"), "{text}");
    }
    script(&home, "bob", "unshare plan.bin carol; expect unshare plan.bin carol contains 'is not shared'");
    // What is not shared is not there, as far as anybody else is to know.
    for text in ["info bob/plan.bin", "download bob/plan.bin x", "rm bob/plan.bin", "verify bob/none.bin"] {
        assert!(refused("carol", text).contains("no file named"), "{text}");
    }
    assert!(refused("carol", "info plan.bni").contains("did you mean `plan.bin`?"));
    assert!(refused("bob", "share plan.bin nobody").contains("no user `nobody`"));
    for text in ["capture start x.pcapng", "pause", "speed 2x", "users", "audit verify"] {
        assert!(refused("bob", text).contains("is for admins"), "{text}");
    }
    // Not even how many there are.
    assert!(script(&home, "carol", "storage").contains("1 with 48.8 KiB"));
    assert!(script(&home, "alice", "storage").contains("2 with 146.5 KiB"));
    // The admin sees and may do everything.
    assert!(refused("alice", "audit --count 0").contains("no number from 1"));
    assert!(refused("alice", "otp foo").contains("otp enable|confirm|disable|status|backup-codes [app|mail]"));
    let listed = script(&home, "alice", "ls; users; audit verify");
    assert!(
        listed.contains("~bob/plan.bin") && listed.contains("~carol/plan.bin") && listed.contains("the log is whole"),
        "{listed}"
    );
    for command in ["mv ~bob/plan.bin ~bob/none ~bob/elsewhere/", "rm ~bob/plan.bin ~bob/none", "verify ~bob/plan.bin ~bob/none"]
    {
        assert!(refused("alice", command).contains("no file named `~bob/none` is stored"), "{command}");
    }
    assert!(
        script(&home, "alice", "mv ~bob/plan.bin ~bob/moved; mv ~bob/moved ~bob/plan.bin")
            .contains("moved ~bob/plan.bin to ~bob/moved")
    );
    assert!(script(&home, "alice", "rm bob/plan.bin; expect ls contains ~carol/plan.bin").contains("removed ~bob/plan.bin"));
    assert!(refused("alice", "info bob/none.bin").contains("no file named"));
    // That she did it, and that what was shared was read, is known.
    let done = |user: &str, note: &str| {
        let entries = audit(&home, "alice");
        entries
            .iter()
            .any(|entry| entry["user"] == user && entry["action"] == "access" && entry["note"] == note && entry["done"] == true)
    };
    assert!(done("alice", "remove file ~bob/plan.bin") && done("carol", "read file ~bob/plan.bin"));
    assert!(!done("carol", "read file ~carol/plan.bin"));
    // What was done is told once, and nothing that was not.
    let entries = audit(&home, "alice");
    let hers = entries.iter().filter(|entry| entry["user"] == "alice").filter_map(|entry| entry["note"].as_str());
    let counts =
        ["move file ", "remove file ", "read file "].map(|what| hers.clone().filter(|note| note.starts_with(what)).count());
    assert_eq!(counts, [2, 1, 0]);
    let found = refusals(&home, "alice");
    // Everything is hers to look for.
    assert!(found.iter().all(|(user, ..)| user != "alice"), "{found:?}");
    for (user, note) in [("carol", "change file ~bob/plan.bin"), ("carol", "file ~bob/plan.bin"), ("bob", "pause")] {
        assert!(found.contains(&(user.into(), "access".into(), note.into())), "{user} {note}: {found:?}");
    }
    // Others see neither transfers nor refusals that are not theirs.
    let own = audit(&home, "bob");
    assert!(own.len() > 3 && own.iter().all(|entry| entry["user"] == "bob"), "{own:#?}");
}

#[test]
fn a_code_of_the_app_a_backup_code_and_what_is_refused() {
    let home = Home::new(QUICK);
    home.register("alice");
    let (secret, backup) = enable_app(&home, "alice");
    assert_eq!(backup.len(), 10);
    let login = |code: &str| {
        let mut command = home.command(&["login", "alice", "--json"]);
        end_of(command.env("P2P_PASSWORD", PASSWORD).env("P2P_OTP", code).spawn().unwrap())
    };
    let without = home.login("alice");
    assert!(without.code == Some(1) && without.stderr.contains("set P2P_OTP"), "{without:?}");
    // Two steps old and more; then right, and newer than the one that enabled it; then the same again; then a backup code, once.
    let at = now() + 30;
    assert!(login(&app_code(&secret, at - 120)).stderr.contains("the code is wrong, too old or used already"));
    let code = app_code(&secret, at);
    let said = login(&code);
    assert_eq!((said.json()["second_factor"].as_str(), said.json()["backup_codes"].as_u64()), (Some("app"), Some(10)));
    let mut found = BTreeMap::new();
    fields(&said.json(), "", &mut found);
    assert_eq!((&found, &found), (&documented("login"), &documented("register")));
    assert_eq!(login(&code).code, Some(1));
    assert_eq!(login(&backup[2]).json()["backup_codes"], 9);
    assert_eq!(login(&backup[2]).code, Some(1));
    let entries = home.json(&["run", "-c", "audit --count 100"]);
    let refused = entries["answer"].as_array().unwrap().iter().filter(|entry| entry["done"] == false).count();
    assert_eq!(refused, 3);
    let mut found = BTreeMap::new();
    fields(&home.json(&["logout", "--all"]), "", &mut found);
    assert_eq!(found, documented("logout"));
}

/// `kill -9` between password and code: nothing has happened. Between a backup code and its answer: it is used and somebody was
/// let in, or neither.
#[test]
fn a_kill_leaves_no_half_login() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.register("bob");
    let (_, backup) = enable_app(&home, "bob");
    let mut used = 0;
    let logins = |home: &Home| {
        let of_bob = |entry: &&Value| entry["user"] == "bob" && entry["action"] == "second factor" && entry["done"] == true;
        audit(home, "alice").iter().filter(of_bob).count()
    };
    for (round, code) in backup.iter().enumerate().take(8) {
        let mut lines = Lines::start(&home, &[]);
        lines.send("login bob");
        lines.asks("Password");
        lines.send(PASSWORD);
        lines.asks("Code");
        if round % 4 == 0 {
            lines.kill();
            assert_eq!(logins(&home), used);
            continue;
        }
        let before = fs::metadata(home.data().join("catalog.redb")).unwrap().modified().unwrap();
        lines.send(code);
        // Sometimes before anything is written, sometimes after, and in the end when it is known to be done.
        if round == 7 {
            lines.says("bob is logged in");
            used += 1;
        } else if round % 2 == 0 {
            wait_until("a transaction", || fs::metadata(home.data().join("catalog.redb")).unwrap().modified().unwrap() > before);
        }
        lines.kill();
        let users = as_user(&home, "alice", &["run", "--json", "-c", "users"]).stdout;
        let users: Value = serde_json::from_str(&users).unwrap();
        let left =
            users["answer"].as_array().unwrap().iter().find(|user| user["user"] == "bob").unwrap()["backup_codes"].as_u64();
        let expected = used;
        used = logins(&home);
        assert!(round != 7 || used == expected, "a login that was answered is gone");
        assert_eq!(left, Some(10 - used as u64), "round {round}");
    }
    assert!(used > 0);
}

/// Nothing secret is in a history, a recording, a log, or the list of processes' words.
#[test]
fn secrets_are_kept_nowhere() {
    let home = Home::new(QUICK);
    home.register("alice");
    let (secret, backup) = enable_app(&home, "alice");
    let mut lines = Lines::start(&home, &[]);
    lines.send("login alice");
    lines.asks("Password");
    lines.send(PASSWORD);
    lines.asks("Code");
    lines.send(&backup[0]);
    lines.says("alice is logged in");
    // What somebody types into a line by mistake is not kept either.
    lines.send(&format!("login alice '{PASSWORD}'"));
    lines.asks("unexpected argument");
    lines.send(PASSWORD);
    lines.asks("there is no command `correct`");
    lines.send("passwd");
    lines.asks("Password now");
    lines.send(PASSWORD);
    lines.asks("New password");
    lines.send("another horse battery");
    lines.asks("Once more");
    lines.send("another horse battery");
    lines.says("the password is changed");
    lines.quit();
    let history = fs::read_to_string(home.data().join("history-alice.txt")).unwrap();
    assert!(history.contains("passwd") && !history.contains("horse"), "{history}");
    for path in files_below(&home.data()) {
        let bytes = fs::read(&path).unwrap();
        // The secret of the app is in the database alone: whoever checks codes has to have it.
        for hidden in [PASSWORD, "another horse battery", &secret, &backup[0], &backup[1]] {
            assert!(!bytes.windows(hidden.len()).any(|window| window == hidden.as_bytes()), "{hidden} is in {}", path.display());
        }
    }
    let old = home.login("alice");
    assert!(old.stderr.contains("wrong user name or password"), "{old:?}");
}

/// A removed or altered line of the audit log is found by the program.
#[test]
fn a_log_that_was_tampered_with_is_found() {
    let home = Home::new(QUICK);
    home.register("alice");
    assert!(script(&home, "alice", "audit verify").contains("the log is whole: 3 entries"));
    {
        let database = redb::Database::open(home.data().join("catalog.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(redb::TableDefinition::<u64, &[u8]>::new("audit")).unwrap().remove(1).unwrap();
        transaction.commit().unwrap();
    }
    let said = as_user(&home, "alice", &["run", "-c", "audit verify"]);
    assert!(said.code == Some(1) && said.stderr.contains("NOT whole: entry 1 was altered"), "{said:?}");
}

/// Whom somebody registers has a password of their own, also where `p2p login` was before.
#[test]
fn whom_a_user_registers_has_another_password() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    let register = |arguments: &[&str], new: Option<&str>| {
        let mut command = home.command(arguments);
        command.env("P2P_PASSWORD", PASSWORD);
        new.map(|new| command.env("P2P_NEW_PASSWORD", new));
        end_of(command.spawn().unwrap())
    };
    let by_script = ["run", "-c", "register dave dave@example.org"];
    let said = register(&by_script, None);
    assert!(said.code == Some(1) && said.stderr.contains("P2P_NEW_PASSWORD"), "{said:?}");
    assert_eq!(register(&by_script, Some("another horse battery")).code, Some(0));
    assert_eq!(register(&["register", "eve", "eve@example.org"], Some("another horse battery")).code, Some(0));
    home.run(&["logout"]);
    for name in ["dave", "eve"] {
        assert!(home.login(name).stderr.contains("wrong user name or password"));
        let mut command = home.command(&["login", name, "--json"]);
        assert_eq!(end_of(command.env("P2P_PASSWORD", "another horse battery").spawn().unwrap()).code, Some(0));
        home.run(&["logout"]);
    }
}

/// Whoever has lost the password or the phone is helped by an admin, and by nobody else.
#[test]
fn an_admin_resets_an_account() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.register("bob");
    enable_app(&home, "bob");
    assert!(home.login("bob").stderr.contains("set P2P_OTP"));
    let reset = |by: &str, name: &str| {
        let mut command = home.command(&["run", "-c", &format!("users reset {name}"), "--user", by]);
        end_of(command.env("P2P_PASSWORD", PASSWORD).env("P2P_NEW_PASSWORD", "another horse battery").spawn().unwrap())
    };
    assert_eq!(reset("alice", "bob").stdout, "› users reset bob\nbob has a new password\n");
    assert!(reset("alice", "alice").stderr.contains("your own account is not reset"));
    assert!(reset("alice", "nobody").stderr.contains("no user `nobody`"));
    assert!(home.login("bob").stderr.contains("wrong user name or password"));
    let mut command = home.command(&["login", "bob", "--json"]);
    let said = end_of(command.env("P2P_PASSWORD", "another horse battery").spawn().unwrap());
    assert!(said.json()["second_factor"].is_null());
    assert!(home.refused(&["run", "-c", "users reset alice"]).contains("is for admins"));
    let texts: Vec<String> =
        files_below(&home.data().join("outbox")).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("To: bob@example.org") && text.contains("has set a new password")));
}

/// A session of one front end is seen, and ended, from another.
#[test]
fn sessions_are_seen_and_ended() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    let mut lines = Lines::start(&home, &[]);
    lines.send("sessions");
    let listed = lines.says("local command");
    assert!(listed.contains("this one"), "{listed}");
    lines.send("login alice");
    lines.asks("Password");
    lines.send(PASSWORD);
    lines.says("alice is logged in");
    lines.send("sessions");
    let listed = lines.says("local command");
    let id = listed.lines().last().unwrap().split(['│', '┆']).nth(1).unwrap().trim().to_owned();
    lines.send(&format!("sessions revoke {id}"));
    lines.says("is revoked");
    lines.quit();
    assert!(home.refused(&["ls"]).contains("is over"));
    let refused = refusals(&home, "alice");
    assert_eq!(refused, [("alice".into(), "session".into(), "revoked".into())]);
}

/// Somebody who tries passwords has to wait, also after a restart.
#[test]
fn failures_cost_time() {
    let home = Home::new(QUICK);
    home.register("alice");
    let wrong = || {
        let mut command = home.command(&["login", "alice"]);
        end_of(command.env("P2P_PASSWORD", "wrong password").spawn().unwrap()).stderr
    };
    for _ in 0..5 {
        assert!(wrong().contains("wrong user name or password"));
    }
    assert!(wrong().contains("too many attempts; try again in"));
    assert!(home.login("alice").stderr.contains("too many attempts"));
}

/// Mail goes into the outbox where no server is configured, for its owner alone; `mail test` sends one.
#[test]
fn mail_goes_into_the_outbox() {
    let home = Home::new(QUICK);
    home.register("alice");
    let said = script(&home, "alice", "mail test; mail");
    assert!(said.contains("a mail to alice@example.org is queued") && said.contains("outbox"), "{said}");
    let outbox = files_below(&home.data().join("outbox"));
    assert_eq!(fs::metadata(home.data().join("outbox")).unwrap().permissions().mode() & 0o777, 0o700);
    let texts: Vec<String> = outbox.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for subject in ["Subject: p2p: test", "Subject: p2p: login"] {
        assert!(texts.iter().any(|text| text.contains(subject)), "{subject}: {texts:?}");
    }
    assert!(texts.iter().any(|text| text.contains("Origin: local script")));
    assert!(outbox.iter().all(|path| fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o600));
}

/// A mail server that says nothing holds a command up once, and the queue says why.
#[test]
fn a_silent_mail_server_is_told_of() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let home = Home::new(&format!("{QUICK}[mail]\nhost = '127.0.0.1'\nport = {port}\n"));
    home.register("alice");
    assert_eq!(home.login("alice").code, Some(0));
    let queue = home.json(&["run", "-c", "mail"]);
    let mail = &queue["answer"][0];
    assert_eq!((mail["attempts"].as_u64(), queue["answer"].as_array().unwrap().len()), (Some(1), 1), "{queue}");
    assert!(mail["error"].as_str().unwrap().contains("had not answered"), "{queue}");
    assert!(mail["next"].as_u64() >= Some(now()), "{queue}");
}

/// A code by mail, in the line REPL: another one can be had, and only the latest is good.
#[test]
fn a_code_by_mail() {
    let home = Home::new(QUICK);
    home.register("alice");
    let codes = mailed_codes;
    let mut lines = Lines::start(&home, &[]);
    lines.log_in("alice");
    lines.send("otp enable mail");
    lines.asks("nothing for another one");
    wait_until("a code", || codes(&home).len() == 1);
    lines.send(&codes(&home)[0]);
    lines.says("one-time passwords are enabled");
    lines.send("otp status");
    lines.says("codes by mail");
    lines.send("login alice");
    lines.asks("Password");
    lines.send(PASSWORD);
    lines.asks("nothing for another one");
    wait_until("a second code", || codes(&home).len() == 2);
    lines.send("");
    lines.asks("nothing for another one");
    wait_until("a third code", || codes(&home).len() == 3);
    let known = codes(&home);
    lines.send(&known[1]);
    lines.asks("the code is wrong");
    lines.send(&known[2]);
    lines.says("alice is logged in");
    lines.quit();
}

/// Whoever comes next in one session sees nothing of what somebody else has begun there, and the log knows who tried.
#[test]
fn the_next_user_of_a_session_sees_only_their_own() {
    let home = Home::new("");
    home.file("diary.bin", 3_000_000);
    for name in ["alice", "bob"] {
        home.register(name);
    }
    let mut lines = Lines::start(&home, &[]);
    lines.log_in("bob");
    lines.send("upload diary.bin --background");
    lines.says("#1 has begun");
    // Nobody but the admin sees it.
    home.file("other.bin", 1_000);
    lines.send("register carol carol@example.org");
    for field in ["Password", "Once more"] {
        lines.asks(field);
        lines.send(PASSWORD);
    }
    lines.says("carol is registered");
    lines.log_in("carol");
    lines.send("quit");
    let said = lines.asks("still running: 1 of other users");
    assert!(!said.contains("diary"), "{said}");
    for command in ["cancel 1", "wait 1", "segments 1"] {
        lines.send(command);
        lines.asks("there is no transfer #1");
    }
    lines.send("transfers");
    lines.says("no transfers yet");
    // Whoever does not wait is told what that costs, and not whose it was.
    lines.send("quit --now");
    let said = lines.asks("cancelled and undone: #1 of another user");
    assert!(!said.contains("diary"), "{said}");
    assert_eq!(lines.child.wait().unwrap().code(), Some(1));
    let found = refusals(&home, "alice");
    assert_eq!(found, vec![("carol".to_owned(), "access".to_owned(), "transfer #1".to_owned()); 3]);
}

/// `openssl`-like tools see the same: the command line of a login shows no password.
#[test]
fn no_argument_takes_a_secret() {
    let help = |command: &str| Home::new("").ok(&[command, "--help"]);
    for command in ["login", "register", "put", "repl"] {
        let text = help(command);
        assert!(text.contains("--password-file") && !text.contains("--password <"), "{command}: {text}");
    }
    assert!(
        Command::new(env!("CARGO_BIN_EXE_p2p")).args(["login", "--password", "x"]).output().unwrap().status.code() == Some(2)
    );
}

/// A session in which an account is made, files change hands and are shared comes to the same trace when it is replayed; the
/// recording holds no secret.
#[test]
fn a_session_with_accounts_is_replayed() {
    let home = Home::new("");
    for (name, bytes) in [("a.bin", 200_000), ("b.bin", 150_000)] {
        home.file(name, bytes);
    }
    let mut lines = Lines::start(&home, &["--speed", "max"]);
    lines.send("upload a.bin");
    lines.says("stored a.bin");
    lines.send("register alice alice@example.org");
    for field in ["Password", "Once more"] {
        lines.asks(field);
        lines.send(PASSWORD);
    }
    lines.says("alice is registered");
    lines.send("register bob bob@example.org");
    for field in ["Password", "Once more"] {
        lines.asks(field);
        lines.send(PASSWORD);
    }
    lines.says("bob is registered");
    lines.send("upload b.bin");
    lines.says("stored b.bin");
    lines.send("share a.bin bob");
    lines.says("a.bin is shared with bob");
    lines.log_in("bob");
    lines.send("download alice/a.bin copy.bin");
    lines.says("fetched ~alice/a.bin");
    lines.send("rm alice/a.bin");
    lines.asks("you may only read it");
    lines.log_in("alice");
    lines.send("rm a.bin");
    lines.says("removed a.bin");
    lines.quit();
    let recordings = files_below(&home.data().join("recordings"));
    let replayed = home.json(&["replay", recordings[0].to_str().unwrap()]);
    assert_eq!((replayed["same"].as_bool(), replayed["commands"].as_u64()), (Some(true), Some(7)), "{replayed}");
    let bytes = fs::read(&recordings[0]).unwrap();
    assert!(!bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()));
}

/// How full the nodes are would tell a user whether somebody stores a certain content, which takes no more room a second time.
#[test]
fn nobody_learns_what_others_store_from_what_is_full() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncapacity = '1MiB'\n"));
    home.register("alice");
    home.register("bob");
    home.file("secret.bin", 100_000);
    fs::copy(home.path("secret.bin"), home.path("guess.bin")).unwrap();
    home.file("wrong.bin", 100_001);
    home.file("large.bin", 6 << 20);
    script(&home, "alice", "upload secret.bin");
    // What bob is told is the same, whether he has guessed right or not.
    let told = |guess: &str| {
        let lines = format!("upload {guess} --as x; storage; nodes; node 1; report; rm x");
        let said = as_user(&home, "bob", &["run", "--json", "-c", &lines]).stdout;
        let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[1]["answer"]["files"], 1);
        assert!(["segments", "used_bytes", "free_bytes"].iter().all(|key| lines[1]["answer"][key].is_null()), "{}", lines[1]);
        for node in [&lines[2]["answer"][0], &lines[3]["answer"], &lines[4]["answer"]["nodes"][0]] {
            assert!(node["used_bytes"].is_null() && node["segments"].is_null() && node["capacity_bytes"] == 1_048_576, "{node}");
        }
        lines[1]["answer"]["file_bytes"].as_u64().unwrap()
    };
    assert_eq!((told("guess.bin"), told("wrong.bin")), (100_000, 100_001));
    let said = as_user(&home, "bob", &["nodes", "--json"]).stdout;
    assert!(!said.contains("100000") && said.contains("\"used_bytes\": null"), "{said}");
    for refused in [&["put", "large.bin"][..], &["run", "-c", "upload large.bin"]] {
        let said = as_user(&home, "bob", refused).stderr;
        assert!(said.contains("6291456 bytes, and the nodes have no room for that") && !said.contains("free"), "{said}");
    }
    assert!(as_user(&home, "alice", &["put", "large.bin"]).stderr.contains("bytes free"));
    assert!(script(&home, "alice", "storage").contains("97.7 KiB of 5.0 MiB"));
}
