//! The dialogs of accounts: first run, login, second factors, enrolment, passwords, a session that is over; and what somebody who
//! is not logged in, or somebody else, sees of the screen.

use p2p_auth::mail::Unsent;
use p2p_auth::otp::{Enrolment, code_at};
use p2p_auth::{Begun, CodeKind, Registration, Secret};
use p2p_engine::{Command, Event, Reply};
use p2p_shell::question::{CodeField, FieldError, FieldKind, Form, Question, Reply as Answer, Shown};
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::theme::{Theme, ThemeName};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

use crate::bench::random_file;
use crate::generated;
use crate::program::PASSWORD;
use crate::stage::{CLOCK, Stage, clock, lines, styles};

/// The screen as the program opens it.
fn greeted(width: u16, height: u16) -> Stage {
    let mut stage = Stage::dark(width, height);
    greet(&mut stage);
    stage
}

fn greet(stage: &mut Stage) {
    {
        let _runtime = stage.runtime.enter();
        stage.app.greet();
    }
    stage.settle();
}

fn registration(name: &str) -> Registration {
    Registration { name: name.parse().unwrap(), email: format!("{name}@example.org").parse().unwrap(), password: PASSWORD.into() }
}

/// A screen before which nobody has logged in; alice is the admin, bob is not.
fn with_users(width: u16, height: u16) -> Stage {
    let mut stage = Stage::dark(width, height);
    for name in ["alice", "bob"] {
        stage.auth.register_other(&registration(name), "a test", "a test", clock() - 3600).unwrap();
    }
    // Somebody else has made them: the screen sees it with the next look.
    stage.runtime.block_on(stage.app.access().peek()).unwrap();
    {
        let _runtime = stage.runtime.enter();
        stage.app.on_who();
    }
    stage.settle();
    stage
}

fn log_in(stage: &mut Stage, name: &str) {
    if stage.app.dialogs.is_empty() {
        stage.keys(&["login", "Enter"]);
    }
    stage.keys(&[name, "Tab", PASSWORD, "Enter"]);
}

/// Lets time pass on the wall clock.
fn wait(seconds: u64) {
    CLOCK.set(clock() + seconds);
}

/// The latest code that was mailed.
fn mailed_code(stage: &Stage) -> String {
    let mails = stage.auth.mails().unwrap();
    let code = |text: &str| text.split_once("Your code is ").map(|(_, rest)| rest[..6].to_owned());
    mails.iter().rev().find_map(|(_, mail)| code(&mail.text)).unwrap()
}

/// All that was said in the prompt.
fn said(stage: &Stage) -> String {
    stage.app.prompt.output.iter().map(|(_, text)| format!("{text}\n")).collect()
}

fn title(stage: &Stage) -> &str {
    stage.app.dialogs.last().and_then(|dialog| dialog.form()).map_or("", |form| form.form.title)
}

#[test]
fn the_first_run_makes_the_admin() {
    let mut stage = greeted(120, 40);
    let text = stage.text();
    assert!(text.contains("Create the first account") && text.contains("User name") && text.contains("Once more"), "{text}");
    // Esc looks around: everything works, for there is nobody to ask for.
    stage.keys(&["Esc"]);
    random_file(&stage.home.path().join("a.bin"), 100_000, 1);
    let path = stage.home.path().join("a.bin").display().to_string();
    stage.keys(&[&format!("upload {path}"), "Enter"]);
    assert!(stage.text().contains("stored a.bin"), "{}", stage.text());
    stage.keys(&["register", "Enter"]);
    // Errors stand beside their fields, and what was right stays.
    stage.keys(&["Alice!", "Enter"]);
    assert!(stage.text().contains("✕ `Alice!` is no user name"), "{}", stage.text());
    stage.keys(&["Tab", "alice@example.org", "Tab", "password123"]);
    let text = stage.text();
    assert!(text.contains("Password   easily guessed") && text.contains("✕ `Alice!` is no user name"), "{text}");
    stage.keys(&["Tab", "password123", "Enter"]);
    let text = stage.text();
    assert!(text.contains("✕ `Alice!` is no user name") && text.contains("› alice@example.org"), "{text}");
    stage.keys(&["Ctrl-U", "alice", "Tab", "Tab", "Tab", "Enter"]);
    assert!(stage.text().contains("everybody tries first"), "{}", stage.text());
    stage.keys(&["Ctrl-U", PASSWORD, "Tab", "Enter"]);
    assert!(stage.text().contains("✕ the two are not the same"), "{}", stage.text());
    // Nobody knows which of the two was meant.
    stage.keys(&[PASSWORD]);
    let text = stage.text();
    assert!(text.contains("Password   strong") && !text.contains(PASSWORD), "{text}");
    stage.keys(&["Ctrl-T"]);
    assert!(stage.text().contains(PASSWORD));
    stage.keys(&["Ctrl-T", "Enter", PASSWORD, "Enter"]);
    let text = stage.text();
    assert!(
        text.contains("alice is registered, as admin") && text.contains("p2p │ alice │") && text.contains("alice@p2p"),
        "{text}"
    );
    // What was stored before is hers.
    stage.keys(&["info a.bin", "Enter"]);
    assert!(said(&stage).contains("owner     alice"), "{}", said(&stage));
    assert!(stage.text().contains("#1 ↑ a.bin "), "{}", stage.text());
    assert!(stage.app.prompt.history().iter().all(|line| !line.contains("password") && !line.contains("horse")));
}

#[test]
fn before_login_the_panes_are_dimmed_and_four_commands_run() {
    let mut stage = with_users(120, 40);
    assert_eq!(title(&stage), "Log in");
    let buffer = stage.draw();
    let text = lines(&buffer).join("\n");
    assert!(text.contains("not logged in"), "{text}");
    let dim = Theme::new(ThemeName::Dark, false).style(p2p_storage::tui::theme::Role::Dim);
    for position in Rect::new(0, 1, 20, 6).positions() {
        assert_eq!((Some(buffer[position].fg), buffer[position].modifier), (dim.fg, Modifier::empty()), "{position}");
    }
    stage.keys(&["Esc"]);
    for command in ["ls", "nodes", "upload x", "whoami", "pause", "clear", "otp status", "mail"] {
        stage.keys(&[command, "Enter"]);
        assert!(stage.app.prompt.output.last().unwrap().1.contains("nobody is logged in"), "{command}");
    }
    // Nor do keys do what commands may not.
    stage.app.focus = Pane::Nodes;
    stage.keys(&[" ", "Enter", "+", "."]);
    assert!(stage.app.dialogs.is_empty() && !stage.handle.snapshots().borrow().paused);
    stage.app.focus = Pane::Prompt;
    stage.keys(&["help", "Enter"]);
    assert!(said(&stage).contains("Accounts"));
    stage.keys(&["register", "Enter"]);
    assert_eq!(title(&stage), "Register");
    stage.keys(&["Esc"]);
    stage.keys(&["quit", "Enter"]);
    assert!(stage.app.over);
}

#[test]
fn a_wrong_password_is_told_beside_it_and_says_nothing_else() {
    let mut stage = with_users(100, 34);
    for name in ["alice", "nobody"] {
        stage.keys(&["Ctrl-U", name, "Tab", "wrong password", "Enter"]);
        let text = stage.text();
        assert!(text.contains("✕ wrong user name or password") && text.contains(&format!("› {name}")), "{text}");
        stage.keys(&["Shift-Tab"]);
    }
    stage.keys(&["Ctrl-U", "alice", "Tab", PASSWORD, "Enter"]);
    assert!(stage.text().contains("alice is logged in") && stage.app.dialogs.is_empty(), "{}", stage.text());
}

#[test]
fn an_app_is_enrolled_and_asked_for() {
    let mut stage = with_users(120, 40);
    log_in(&mut stage, "alice");
    stage.keys(&["enable_otp", "Enter"]);
    let Shown::App(enrolment) = stage.app.dialogs[0].form().unwrap().form.shown.clone() else { panic!() };
    let secret = enrolment.secret.expose_secret().to_owned();
    // The QR code, the secret and the URI: with a frame, on all of a small screen, and without the code on the smallest.
    let groups =
        secret.as_bytes().chunks(4).map(|group| String::from_utf8(group.to_vec()).unwrap()).collect::<Vec<_>>().join(" ");
    for (width, height, has_code, has_frame) in [(120, 40, true, true), (80, 24, true, false), (60, 16, false, true)] {
        stage.screen = Terminal::new(TestBackend::new(width, height)).unwrap();
        let buffer = stage.draw();
        let paper = buffer.content.iter().filter(|cell| cell.bg == Color::Rgb(255, 255, 255)).count();
        assert_eq!(paper, if has_code { 41 * 21 } else { 0 }, "{width}x{height}");
        let text = lines(&buffer).join("\n");
        assert_eq!(text.contains("┌ Enable one-time passwords"), has_frame, "{text}");
        assert!(groups.split(' ').all(|group| text.contains(group)), "{text}");
        assert!(
            text.contains("otpauth://totp/p2p:alice") && text.contains("┌─┐┌─┐┌─┐┌─┐┌─┐┌─┐") && text.contains("changes in"),
            "{text}"
        );
    }
    stage.screen = Terminal::new(TestBackend::new(120, 40)).unwrap();
    let code = |at| code_at(&Secret::from(secret.as_str()), at).unwrap().expose_secret().to_owned();
    // Nothing is enabled before a code is right.
    stage.keys(&["000000"]);
    assert!(stage.text().contains("✕ the code is wrong"), "{}", stage.text());
    assert!(stage.auth.account("alice").unwrap().second_factor.is_none());
    stage.keys(&[&code(clock())]);
    assert_eq!(title(&stage), "Backup codes");
    let text = stage.text();
    let Shown::Codes(codes) = stage.app.dialogs[0].form().unwrap().form.shown.clone() else { panic!() };
    assert!(codes.len() == 10 && codes.iter().all(|code| text.contains(code.expose_secret())), "{text}");
    // An Enter that was meant for the code does not close them.
    stage.keys(&["Enter"]);
    assert_eq!(title(&stage), "Backup codes");
    stage.keys(&["y"]);
    let text = stage.text();
    assert!(text.contains("one-time passwords are enabled") && !text.contains(codes[0].expose_secret()), "{text}");

    // The countdown goes with the clock; a paste of the code is enough.
    wait(30 - clock() % 30);
    stage.keys(&["logout", "Enter"]);
    log_in(&mut stage, "alice");
    assert!(stage.app.shows_a_clock() && stage.text().contains("changes in 30 s ██████████"), "{}", stage.text());
    wait(20);
    assert!(stage.text().contains("changes in 10 s ████······"), "{}", stage.text());
    paste(&mut stage, &format!(" {} {}\n", &code(clock())[..3], &code(clock())[3..]));
    assert!(stage.text().contains("alice is logged in"), "{}", stage.text());
    // The same again is refused, and a backup code does as well.
    stage.keys(&["logout", "Enter"]);
    log_in(&mut stage, "alice");
    stage.keys(&[&code(clock())]);
    assert!(stage.text().contains("✕ the code is wrong, too old or used already"), "{}", stage.text());
    stage.keys(&["Ctrl-B"]);
    assert!(stage.text().contains("Backup code"), "{}", stage.text());
    stage.keys(&[codes[7].expose_secret(), "Enter"]);
    assert!(stage.text().contains("alice is logged in"), "{}", stage.text());
    stage.keys(&["otp status", "Enter"]);
    assert!(stage.text().contains("backup codes left  9"), "{}", stage.text());
    stage.keys(&["otp backup-codes", "Enter"]);
    stage.keys(&[PASSWORD, "Enter"]);
    assert_eq!(title(&stage), "Backup codes");
    // Nothing is asked with them: what is typed next is for the prompt.
    stage.keys(&["y", "otp disable", "Enter"]);
    stage.keys(&[PASSWORD, "Enter"]);
    assert!(stage.text().contains("one-time passwords are disabled"), "{}", stage.text());
}

fn paste(stage: &mut Stage, text: &str) {
    {
        let _runtime = stage.runtime.enter();
        stage.app.on_input(crossterm::event::Event::Paste(text.to_owned()));
    }
    stage.settle();
}

#[test]
fn a_code_by_mail_can_be_sent_again() {
    let mut stage = with_users(100, 34);
    let bob = "bob".parse().unwrap();
    assert!(matches!(stage.auth.otp_enable(&bob, CodeKind::Mail, clock()).unwrap(), Begun::Mail));
    stage.auth.otp_confirm(&bob, &mailed_code(&stage).into(), "a test", clock()).unwrap();
    log_in(&mut stage, "bob");
    let text = stage.text();
    assert!(text.contains("mailed to you (mails are put into") && text.contains("Ctrl-N new code"), "{text}");
    assert!(!text.contains("changes in") && !stage.app.shows_a_clock(), "{text}");
    let first = mailed_code(&stage);
    stage.keys(&["Ctrl-N"]);
    assert!(stage.text().contains("Another code was mailed"), "{}", stage.text());
    let second = mailed_code(&stage);
    stage.keys(&[&first]);
    assert!(stage.text().contains("✕ the code is wrong"), "{}", stage.text());
    stage.keys(&[&second]);
    assert!(stage.text().contains("bob is logged in"), "{}", stage.text());
}

#[test]
fn a_password_is_changed() {
    let mut stage = with_users(100, 34);
    log_in(&mut stage, "bob");
    stage.keys(&["passwd", "Enter"]);
    stage.keys(&["wrong password", "Tab", "another horse battery", "Tab", "another horse battery", "Enter"]);
    assert!(stage.text().contains("✕ the password is wrong"), "{}", stage.text());
    stage.keys(&[PASSWORD, "Tab", "Tab", "Enter"]);
    assert!(stage.text().contains("the password is changed"), "{}", stage.text());
    let now = clock();
    assert!(stage.auth.login("bob", &PASSWORD.into(), "a test", now).is_err());
    assert!(stage.auth.login("bob", &"another horse battery".into(), "a test", now).is_ok());
}

/// Whoever is away for too long has to log in again, and nothing of theirs stays on the screen.
#[test]
fn a_session_ends_with_time() {
    let mut stage = with_users(120, 40);
    log_in(&mut stage, "alice");
    stage.keys(&["whoami", "Enter"]);
    assert!(said(&stage).contains("second factor  none"));
    // Looking at the screen is no use of the session.
    for _ in 0..3 {
        wait(3500);
        {
            let _runtime = stage.runtime.enter();
            stage.app.look_after_session();
        }
        stage.settle();
    }
    let text = stage.text();
    assert!(text.contains("┌ Session expired") && text.contains("The session of alice is over"), "{text}");
    assert!(text.contains("not logged in") && !text.contains("second factor") && text.contains("› alice"), "{text}");
    stage.keys(&[PASSWORD, "Enter"]);
    assert!(stage.text().contains("alice is logged in"), "{}", stage.text());
    // A command finds it out as well, and is not carried out.
    wait(2 * 3600);
    stage.keys(&["ls", "Enter"]);
    assert_eq!(title(&stage), "Session expired");
    stage.keys(&["Esc"]);
    assert!(!stage.text().contains("no files are stored"));
}

/// Looks whether the session lasts, while a dialog is open.
fn look_after_session(stage: &mut Stage) {
    {
        let _runtime = stage.runtime.enter();
        stage.app.look_after_session();
    }
    stage.until(|app| app.who().name().is_none());
    stage.settle();
}

/// Whatever somebody has open when their session ends is closed; what they have typed at the prompt they find when they come back,
/// and nobody else does.
#[test]
fn nothing_is_left_open_by_a_session_that_is_over() {
    let mut stage = with_users(120, 40);
    log_in(&mut stage, "alice");
    stage.keys(&["my secret plan", "Ctrl-U", "another plan"]);
    stage.app.filter = "plan".into();
    stage.keys(&["Ctrl-U", "otp enable", "Enter"]);
    let Shown::App(enrolment) = stage.app.dialogs[0].form().unwrap().form.shown.clone() else { panic!() };
    wait(3 * 3600);
    look_after_session(&mut stage);
    let text = stage.text();
    assert!(stage.app.dialogs.len() == 1 && title(&stage) == "Session expired", "{text}");
    assert!(!text.contains(&enrolment.secret.expose_secret()[..4]) && stage.app.filter.is_empty(), "{text}");
    stage.keys(&[PASSWORD, "Enter"]);
    assert!(stage.text().contains("alice is logged in"), "{}", stage.text());
    assert!(said(&stage).contains("otp enable"), "{}", said(&stage));
    stage.keys(&["Ctrl-Y"]);
    assert_eq!(stage.app.prompt.editor.text(), "another plan");
    wait(3 * 3600);
    look_after_session(&mut stage);
    stage.keys(&["Esc"]);
    assert!(!stage.text().contains("plan") && !said(&stage).contains("otp"), "{}", stage.text());
    log_in(&mut stage, "bob");
    stage.keys(&["Ctrl-Y"]);
    assert_eq!(stage.app.prompt.editor.text(), "");
    log_in(&mut stage, "alice");
    stage.keys(&["Ctrl-Y"]);
    assert_eq!(stage.app.prompt.editor.text(), "");
    // A form that was open is not filled in for a session that is over, nor taken for the login.
    stage.keys(&["passwd", "Enter"]);
    stage.press(&[PASSWORD, "Tab", "another horse battery", "Tab", "another horse batter"]);
    wait(3 * 3600);
    stage.keys(&["y", "Enter"]);
    assert_eq!((title(&stage), stage.app.dialogs.len()), ("Session expired", 1));
    stage.keys(&[PASSWORD, "Enter"]);
    assert!(stage.text().contains("alice is logged in"), "{}", stage.text());
}

/// What changes an account is done whole: nobody is told that it was interrupted where it was done.
#[test]
fn an_interruption_waits_for_what_is_done_whole() {
    let mut stage = with_users(120, 40);
    log_in(&mut stage, "alice");
    stage.keys(&["pause", "Enter"]);
    let undisturbed = stage.app.access().undisturbed();
    stage.press(&["sleep 1h", "Enter", "Ctrl-C"]);
    assert!(stage.app.is_busy() && !said(&stage).contains("interrupted"), "{}", said(&stage));
    drop(undisturbed);
    stage.keys(&["Ctrl-C"]);
    assert!(said(&stage).contains("interrupted"), "{}", said(&stage));
}

/// What waits in a line of one user is not carried out for the next.
#[test]
fn what_waits_for_one_user_is_not_begun_for_the_next() {
    let mut stage = with_users(120, 40);
    log_in(&mut stage, "bob");
    stage.runtime.block_on(stage.handle.ask(Command::Pause)).unwrap();
    stage.press(&["sleep 1s; passwd; echo told to alice", "Enter"]);
    stage.until(|app| app.under_way().is_some_and(|lines| lines == "sleep 1s; waiting: passwd, echo told to alice"));
    stage.press(&["login alice", "Enter"]);
    stage.until(|app| app.awaits_input());
    stage.press(&[PASSWORD, "Enter"]);
    stage.until(|app| app.who().name() == Some("alice"));
    assert_eq!(stage.app.under_way(), None);
    stage.runtime.block_on(stage.handle.ask(Command::Resume)).unwrap();
    stage.settle();
    assert!(stage.app.dialogs.is_empty() && !said(&stage).contains("told to alice"), "{}", said(&stage));
    // Only one command asks at a time: the next one waits for its turn.
    stage.keys(&["passwd", "Enter"]);
    assert_eq!(title(&stage), "Change password");
    {
        let _runtime = stage.runtime.enter();
        stage.app.run("otp status; echo after it");
    }
    stage.press(&["Esc"]);
    stage.settle();
    assert!(said(&stage).contains("given up; nothing has changed") && said(&stage).contains("after it"), "{}", said(&stage));
}

/// What comes of something that one user has begun is not told to the next.
#[test]
fn the_next_user_is_not_told_what_the_last_has_begun() {
    let mut stage = with_users(120, 40);
    log_in(&mut stage, "alice");
    random_file(&stage.home.path().join("diary.bin"), 100_000, 1);
    stage.keys(&["pause", "Enter"]);
    let path = stage.home.path().join("diary.bin").display().to_string();
    stage.press(&[&format!("upload {path}"), "Enter"]);
    stage.until(|app| app.prompt.output.iter().any(|(_, text)| text.contains("#1 has begun")));
    stage.press(&["logout; login bob", "Enter"]);
    stage.until(|app| app.awaits_input());
    stage.keys(&[PASSWORD, "Enter"]);
    assert!(stage.text().contains("bob is logged in") && stage.app.dialogs.is_empty(), "{}", stage.text());
    stage.runtime.block_on(stage.handle.ask(Command::Resume)).unwrap();
    let finished = stage.handle.ask(Command::Await { transfer: p2p_engine::transfer::TransferId(1) });
    assert!(matches!(stage.runtime.block_on(finished), Ok(Reply::Finished(_))));
    stage.settle();
    let text = stage.text();
    assert!(!text.contains("diary") && !said(&stage).contains("diary"), "{text}");
    stage.keys(&["ls", "Enter"]);
    assert!(said(&stage).contains("no files are stored"), "{}", said(&stage));
}

/// A user sees their own files and transfers and what is shared with them, wherever these are shown; an admin all.
#[test]
fn nobody_sees_what_is_somebody_elses() {
    let mut stage = with_users(120, 40);
    for (name, owner) in [("diary.bin", "alice"), ("plan.bin", "bob")] {
        let path = stage.home.path().join(name);
        random_file(&path, 100_000, 1);
        stage.runtime.block_on(async {
            let upload = Command::Upload { path, owner: Some(owner.into()), name: None, stored_at: 0 };
            let Reply::Started(transfer) = stage.handle.ask(upload).await.unwrap() else { panic!() };
            stage.handle.ask(Command::Await { transfer }).await.unwrap();
        });
    }
    stage.settle();
    let text = stage.text();
    assert!(!text.contains("diary") && !text.contains("plan.bin") && text.contains("0 files"), "{text}");
    log_in(&mut stage, "bob");
    stage.keys(&["ls", "Enter", "upload x", "Enter"]);
    let text = stage.text();
    assert!(text.contains("plan.bin") && !text.contains("diary") && text.contains("1 files │ 97.7 KiB"), "{text}");
    assert!(text.contains("Segments of #2 plan.bin"), "{text}");
    for (line, refusal) in [
        ("info alice/diary.bin", "no file named"),
        ("segments 1", "there is no transfer #1"),
        ("cancel 1", "there is no transfer #1"),
        ("wait 1", "there is no transfer #1"),
        ("users", "is for admins"),
        ("capture start x", "is for admins"),
    ] {
        stage.keys(&[line, "Enter"]);
        assert!(stage.app.prompt.output.last().unwrap().1.contains(refusal), "{line}: {:?}", stage.app.prompt.output.last());
    }
    stage.app.focus = Pane::Nodes;
    stage.keys(&[" "]);
    assert!(stage.app.prompt.output.last().unwrap().1.contains("`pause` is for admins"));
    stage.app.focus = Pane::Prompt;
    stage.keys(&["download ", "Tab"]);
    assert_eq!(stage.app.prompt.editor.text(), "download plan.bin ");
    stage.keys(&["Ctrl-U", "share plan.bin alice", "Enter"]);
    assert!(stage.text().contains("alice may read plan.bin"), "{}", stage.text());

    // The admin sees all, by name and owner; what was bob's is gone from the screen.
    log_in(&mut stage, "alice");
    assert!(!stage.text().contains("is for admins"), "{}", stage.text());
    stage.keys(&["ls", "Enter"]);
    let text = stage.text();
    assert!(text.contains("diary.bin") && text.contains("bob/plan.bin") && text.contains("2 files │ 195.3 KiB"), "{text}");
    let events = stage.auth.audit(100, None).unwrap();
    let refused: Vec<&str> = events.iter().filter(|(_, deed)| !deed.done).map(|(_, deed)| deed.note.as_str()).collect();
    let of_transfer = ["transfer #1"; 3];
    assert_eq!(refused, [&["pause", "capture", "users"], &of_transfer[..], &["file alice/diary.bin"]].concat());
    assert!(events.iter().any(|(_, deed)| deed.note == "bob/plan.bin shared with alice"));
}

/// What becomes of a mail is told to whom it is for, and to admins.
#[test]
fn mails_are_told_of_in_the_log() {
    let mut stage = with_users(120, 40);
    let notice = |name: &str, outcome: Result<&str, &str>| p2p_service::mailer::Notice {
        to: format!("{name}@example.org").parse().unwrap(),
        subject: "p2p: login".into(),
        outcome: outcome.map(str::to_owned).map_err(|reason| Unsent { reason: reason.to_owned(), is_final: name == "carol" }),
    };
    let tell = |stage: &mut Stage| {
        stage.app.on_mail(&notice("alice", Ok("put into outbox/7.eml")));
        stage.app.on_mail(&notice("bob", Err("mail.example.org: refused")));
        stage.app.on_mail(&notice("carol", Err("mail.example.org: no such user")));
        stage.app.log.iter().map(|(_, _, text)| text.clone()).collect::<Vec<_>>()
    };
    let (of_alice, of_bob, of_carol) = (
        "mail \"login\" put into outbox/7.eml, to alice@example.org",
        "mail \"login\" is not sent: mail.example.org: refused, to bob@example.org",
        "mail \"login\" is given up: mail.example.org: no such user, to carol@example.org",
    );
    assert!(tell(&mut stage).is_empty());
    log_in(&mut stage, "bob");
    assert_eq!(tell(&mut stage), [of_bob]);
    log_in(&mut stage, "alice");
    assert_eq!(tell(&mut stage), [of_alice, of_bob, of_carol]);
}

/// A form of each kind, with what it may hold at the most.
fn forms() -> Vec<(&'static str, Form)> {
    let code = |field| FieldKind::Code(field);
    let login = Form::new("Log in").with_value("User name", Some("alice")).with("Password", FieldKind::Password);
    let error = |field, message: &str| Some(FieldError { field, message: message.into() });
    let register = Form::new("Create the first account: the admin's")
        .with_text("From then on everybody has to log in, and what is stored already is the admin's.")
        .with_value("User name", Some("a"))
        .with_value("E-mail", Some("alice@example.org"))
        .with("Password", FieldKind::NewPassword)
        .with("Once more", FieldKind::Repeated);
    let app = CodeField { changes: true, can_be_sent_again: false, or_backup_code: true };
    let mail = CodeField { changes: false, can_be_sent_again: true, or_backup_code: true };
    let secret = Secret::from("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    let uri = "otpauth://totp/p2p:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=p2p";
    let enrol = Form::new("Enable one-time passwords")
        .with_text("Scan this with an authenticator app, or type the secret into it; then type the code that it shows.")
        .with("Code", code(CodeField { changes: true, ..CodeField::default() }));
    let codes = (0..10).map(|n| Secret::from(format!("{n}aaa-bbbb-cccc-dddd"))).collect();
    vec![
        ("first run", Form { error: error(0, "`A` is no user name: 1 to 32 of a-z, 0-9, `.`, `_` and `-`"), ..register }),
        ("login", Form { error: error(1, "wrong user name or password"), ..login }),
        ("app", Form::new("Second factor").with_text("The six digits that your app shows.").with("Code", code(app))),
        ("mail", Form::new("Second factor").with_text("The six digits that were mailed to you.").with("Code", code(mail))),
        ("enrolment", Form { shown: Shown::App(Enrolment { secret, uri: uri.into() }), ..enrol }),
        ("backup codes", Form { shown: Shown::Codes(codes), ..Form::new("Backup codes").with_text("Keep these.") }),
    ]
}

/// Shows a form, with something typed into it.
fn show(stage: &mut Stage, form: Form) -> oneshot::Receiver<Answer> {
    let (reply, answer) = oneshot::channel();
    stage.app.dialogs.clear();
    stage.app.on_question(Question { form, reply });
    paste(stage, "12 34");
    answer
}

/// What the dialogs look like is kept in files, as for the panes.
#[test]
fn the_dialogs_look_as_they_did() {
    for (width, height) in [(80, 24), (120, 40)] {
        for name in [ThemeName::Dark, ThemeName::Mono] {
            let mut stage = Stage::new(width, height, Theme::new(name, name == ThemeName::Mono), false);
            let mut picture = Vec::new();
            for (name, form) in forms() {
                let _answer = show(&mut stage, form);
                let buffer = stage.draw();
                picture.push(format!("== {name}"));
                picture.extend(lines(&buffer));
                picture.extend(styles(&buffer));
            }
            generated::check_file(
                &format!("tests/data/screens/dialogs-{width}x{height}-{name}.txt"),
                &(picture.join("\n") + "\n"),
            );
        }
    }
}

/// At every size that shows anything, what is typed is in sight.
#[test]
fn no_size_hides_what_is_typed() {
    let mut stage = Stage::dark(120, 40);
    for (name, form) in forms() {
        let _answer = show(&mut stage, form);
        for width in (1..=130).step_by(3) {
            for height in 1..=45 {
                stage.screen = Terminal::new(TestBackend::new(width, height)).unwrap();
                let text = stage.text();
                if width >= 60 && height >= 16 && name != "backup codes" {
                    let typed = ["│1││2││3││4│", "› 12 34", "› *****", "a12 34"].iter().any(|typed| text.contains(typed));
                    assert!(typed, "{name} at {width}x{height}: {text}");
                }
            }
        }
    }
}

/// What is asked on behalf of a command is told once more where it was wrong, and who asked is told where it is left.
#[test]
fn a_form_that_is_left_ends_its_command() {
    let mut stage = with_users(100, 34);
    log_in(&mut stage, "alice");
    stage.keys(&["passwd", "Enter"]);
    stage.keys(&["x", "Esc"]);
    assert!(stage.app.dialogs.is_empty());
    assert_eq!(stage.app.prompt.output.last().unwrap().1, "given up; nothing has changed");
    stage.keys(&["otp enable", "Enter"]);
    stage.keys(&["Ctrl-C"]);
    assert!(stage.app.dialogs.is_empty() && !stage.app.is_busy());
    // What was begun can be confirmed later.
    stage.keys(&["otp confirm", "Enter"]);
    stage.keys(&["111111"]);
    assert!(stage.text().contains("✕ the code is wrong"), "{}", stage.text());
    stage.keys(&["Esc"]);
    let shares = Event::FileShared { file: "x".parse().unwrap(), user: "bob".into(), may_read: false };
    assert!(p2p_storage::tui::words::describe(&shares, stage.app.who()).unwrap().1.contains("bob may read /x no longer"));
}
