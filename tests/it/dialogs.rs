//! The dialogs of accounts: first run, login, second factors, enrolment, passwords, a session that is over; and what somebody who
//! is not logged in, or somebody else, sees of the screen.

use p2p_auth::mail::Unsent;
use p2p_auth::otp::{Enrolment, code_at};
use p2p_auth::{Begun, CodeKind, Registration, Secret};
use p2p_engine::{Command, Event, Reply, operation};
use p2p_shell::question::{CodeField, FieldError, FieldKind, Form, Question, Reply as Answer, Shown};
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::theme::{Theme, ThemeName};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

use crate::generated;
use crate::harness::{OPERATOR, random_file, user};
use crate::program::PASSWORD;
use crate::tui_harness::{CLOCK, TuiHarness, clock, lines, styles};

/// The screen as the program opens it.
pub(crate) fn greeted(width: u16, height: u16) -> TuiHarness {
    let mut tui_harness = TuiHarness::dark(width, height);
    greet(&mut tui_harness);
    tui_harness
}

fn greet(tui_harness: &mut TuiHarness) {
    {
        let _runtime = tui_harness.runtime.enter();
        tui_harness.app.greet();
    }
    tui_harness.settle();
}

pub(crate) fn registration(name: &str) -> Registration {
    Registration { name: name.parse().unwrap(), email: format!("{name}@example.org").parse().unwrap(), password: PASSWORD.into() }
}

/// A screen before which nobody has logged in; alice is the admin, bob is not.
pub(crate) fn with_users(width: u16, height: u16) -> TuiHarness {
    let mut tui_harness = TuiHarness::dark(width, height);
    for name in ["alice", "bob"] {
        tui_harness.auth.register_other(&registration(name), "a test", "a test", clock() - 3600).unwrap();
    }
    // Somebody else has made them: the screen sees it with the next look.
    tui_harness.runtime.block_on(tui_harness.app.access().peek()).unwrap();
    {
        let _runtime = tui_harness.runtime.enter();
        tui_harness.app.on_who();
    }
    tui_harness.settle();
    tui_harness
}

pub(crate) fn log_in(tui_harness: &mut TuiHarness, name: &str) {
    if tui_harness.app.dialogs().is_empty() {
        tui_harness.keys(&["login", "Enter"]);
    }
    tui_harness.keys(&[name, "Tab", PASSWORD, "Enter"]);
}

/// Lets time pass on the wall clock.
pub(crate) fn wait(seconds: u64) {
    CLOCK.set(clock() + seconds);
}

/// The latest code that was mailed.
fn mailed_code(tui_harness: &TuiHarness) -> String {
    let mails = tui_harness.auth.mails().unwrap();
    let code = |text: &str| text.split_once("Your code is ").map(|(_, rest)| rest[..6].to_owned());
    mails.iter().rev().find_map(|(_, mail)| code(&mail.text)).unwrap()
}

fn title(tui_harness: &TuiHarness) -> &str {
    tui_harness.app.dialogs().last().and_then(|dialog| dialog.form()).map_or("", |form| form.form.title)
}

#[test]
fn the_first_run_makes_the_admin() {
    let mut tui_harness = greeted(120, 40);
    tui_harness.keys(&["2"]);
    let text = tui_harness.text();
    assert!(text.contains("Create the first account") && text.contains("User name") && text.contains("Once more"), "{text}");
    // Esc looks around: everything works, for there is nobody to ask for.
    tui_harness.keys(&["Esc"]);
    random_file(&tui_harness.home.path().join("a.bin"), 100_000, 1);
    let path = tui_harness.home.path().join("a.bin").display().to_string();
    tui_harness.keys(&[&format!("upload {path}"), "Enter"]);
    assert!(tui_harness.text().contains("stored a.bin"), "{}", tui_harness.text());
    tui_harness.keys(&["register", "Enter"]);
    // Errors stand beside their fields, and what was right stays.
    tui_harness.keys(&["Alice!", "Enter"]);
    assert!(tui_harness.text().contains("✕ `Alice!` is no user name"), "{}", tui_harness.text());
    tui_harness.keys(&["Tab", "alice@example.org", "Tab", "password123"]);
    let text = tui_harness.text();
    assert!(text.contains("Password   easily guessed") && text.contains("✕ `Alice!` is no user name"), "{text}");
    tui_harness.keys(&["Tab", "password123", "Enter"]);
    let text = tui_harness.text();
    assert!(text.contains("✕ `Alice!` is no user name") && text.contains("› alice@example.org"), "{text}");
    tui_harness.keys(&["Ctrl-U", "alice", "Tab", "Tab", "Tab", "Enter"]);
    assert!(tui_harness.text().contains("everybody tries first"), "{}", tui_harness.text());
    tui_harness.keys(&["Ctrl-U", PASSWORD, "Tab", "Enter"]);
    assert!(tui_harness.text().contains("✕ the two are not the same"), "{}", tui_harness.text());
    // Nobody knows which of the two was meant.
    tui_harness.keys(&[PASSWORD]);
    let text = tui_harness.text();
    assert!(text.contains("Password   strong") && !text.contains(PASSWORD), "{text}");
    tui_harness.keys(&["Ctrl-T"]);
    assert!(tui_harness.text().contains(PASSWORD));
    tui_harness.keys(&["Ctrl-T", "Enter", PASSWORD, "Enter"]);
    let text = tui_harness.text();
    assert!(
        text.contains("alice is registered, as admin") && text.contains("p2p │ alice │") && text.contains("alice@p2p"),
        "{text}"
    );
    // What was stored before is hers.
    tui_harness.keys(&["info a.bin", "Enter"]);
    assert!(tui_harness.said().contains("owner     alice"), "{}", tui_harness.said());
    assert!(tui_harness.text().contains("#1 ↑ a.bin "), "{}", tui_harness.text());
    assert!(tui_harness.app.prompt().history().iter().all(|line| !line.contains("password") && !line.contains("horse")));
}

#[test]
fn before_login_the_panes_are_dimmed_and_four_commands_run() {
    let mut tui_harness = with_users(120, 40);
    assert_eq!(title(&tui_harness), "Log in");
    let buffer = tui_harness.draw();
    let text = lines(&buffer).join("\n");
    assert!(text.contains("not logged in"), "{text}");
    let dim = Theme::new(ThemeName::Dark, false).style(p2p_storage::tui::theme::Role::Dim);
    for position in Rect::new(0, 1, 20, 6).positions() {
        assert_eq!((Some(buffer[position].fg), buffer[position].modifier), (dim.fg, Modifier::empty()), "{position}");
    }
    tui_harness.keys(&["Esc"]);
    for command in ["ls", "nodes", "upload x", "whoami", "pause", "clear", "otp status", "mail"] {
        tui_harness.keys(&[command, "Enter"]);
        assert!(tui_harness.app.prompt().output.last().unwrap().1.contains("no user is logged in"), "{command}");
    }
    // Nor do keys do what commands may not.
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&[" ", "Enter", "+", "."]);
    assert!(tui_harness.app.dialogs().is_empty() && !tui_harness.handle.snapshots().borrow().pace.is_paused);
    tui_harness.app.focus_on(Pane::Prompt);
    tui_harness.keys(&["help", "Enter"]);
    assert!(tui_harness.said().contains("Accounts"));
    tui_harness.keys(&["register", "Enter"]);
    assert_eq!(title(&tui_harness), "Register");
    tui_harness.keys(&["Esc"]);
    tui_harness.keys(&["quit", "Enter"]);
    assert!(tui_harness.app.is_over());
}

#[test]
fn a_wrong_password_is_told_beside_it_and_says_nothing_else() {
    let mut tui_harness = with_users(100, 34);
    for name in ["alice", "nobody"] {
        tui_harness.keys(&["Ctrl-U", name, "Tab", "wrong password", "Enter"]);
        let text = tui_harness.text();
        assert!(text.contains("✕ wrong user name or password") && text.contains(&format!("› {name}")), "{text}");
        tui_harness.keys(&["Shift-Tab"]);
    }
    tui_harness.keys(&["Ctrl-U", "alice", "Tab", PASSWORD, "Enter"]);
    assert!(tui_harness.text().contains("alice is logged in") && tui_harness.app.dialogs().is_empty(), "{}", tui_harness.text());
}

/// An admin is offered all users by completion, and others are offered none of whom no file tells them.
#[test]
fn an_admin_completes_the_names_of_all_users() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "alice");
    for (typed, completed) in [("share a.bin b", "share a.bin bob "), ("users reset b", "users reset bob ")] {
        tui_harness.keys(&["Ctrl-U", typed, "Tab"]);
        assert_eq!(tui_harness.app.prompt().editor.text(), completed);
    }
    tui_harness.keys(&["Ctrl-U", "logout", "Enter"]);
    log_in(&mut tui_harness, "bob");
    tui_harness.keys(&["Ctrl-U", "share a.bin a", "Tab"]);
    assert_eq!(tui_harness.app.prompt().editor.text(), "share a.bin a");
}

#[test]
fn an_app_is_enrolled_and_asked_for() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&["enable_otp", "Enter"]);
    let Shown::App(enrolment) = tui_harness.app.dialogs()[0].form().unwrap().form.shown.clone() else { panic!() };
    let secret = enrolment.secret.expose_secret().to_owned();
    // The QR code, the secret and the URI: with a frame, on all of a small screen below the title, and without the code on the smallest.
    let groups =
        secret.as_bytes().chunks(4).map(|group| String::from_utf8(group.to_vec()).unwrap()).collect::<Vec<_>>().join(" ");
    let sizes = [(120, 40), (100, 30), (90, 50), (80, 24)].map(|(width, height)| (width, height, true, true));
    for (width, height, has_code, has_frame) in
        sizes.into_iter().chain([(74, 24, true, false), (80, 22, true, false), (60, 16, false, true)])
    {
        tui_harness.screen = Terminal::new(TestBackend::new(width, height)).unwrap();
        let buffer = tui_harness.draw();
        let paper = buffer.content.iter().filter(|cell| cell.bg == Color::Rgb(255, 255, 255)).count();
        assert_eq!(paper, if has_code { 41 * 21 } else { 0 }, "{width}x{height}");
        let text = lines(&buffer).join("\n");
        assert!(text.contains("Enable one-time passwords"), "{text}");
        assert_eq!(text.contains("┌ Enable one-time passwords"), has_frame, "{width}x{height}\n{text}");
        assert!(groups.split(' ').all(|group| text.contains(group)), "{text}");
        assert!(
            text.contains("otpauth://totp/p2p:alice") && text.contains("┌─┐┌─┐┌─┐┌─┐┌─┐┌─┐") && text.contains("changes in"),
            "{text}"
        );
    }
    tui_harness.screen = Terminal::new(TestBackend::new(120, 40)).unwrap();
    let code = |at| code_at(&Secret::from(secret.as_str()), at).unwrap().expose_secret().to_owned();
    // Nothing is enabled before a code is right.
    tui_harness.keys(&["000000"]);
    assert!(tui_harness.text().contains("✕ the code is wrong"), "{}", tui_harness.text());
    assert!(tui_harness.auth.account("alice").unwrap().second_factor.is_none());
    tui_harness.keys(&[&code(clock())]);
    assert_eq!(title(&tui_harness), "Backup codes");
    let text = tui_harness.text();
    let Shown::Codes(codes) = tui_harness.app.dialogs()[0].form().unwrap().form.shown.clone() else { panic!() };
    assert!(codes.len() == 10 && codes.iter().all(|code| text.contains(code.expose_secret())), "{text}");
    // An Enter that was meant for the code does not close them.
    tui_harness.keys(&["Enter"]);
    assert_eq!(title(&tui_harness), "Backup codes");
    tui_harness.keys(&["y"]);
    let text = tui_harness.text();
    assert!(text.contains("one-time passwords are enabled") && !text.contains(codes[0].expose_secret()), "{text}");

    // The countdown goes with the clock; a paste of the code is enough.
    wait(30 - clock() % 30);
    tui_harness.keys(&["logout", "Enter"]);
    log_in(&mut tui_harness, "alice");
    assert!(
        tui_harness.app.shows_a_clock() && tui_harness.text().contains("changes in 30 s ██████████"),
        "{}",
        tui_harness.text()
    );
    wait(20);
    assert!(tui_harness.text().contains("changes in 10 s ████······"), "{}", tui_harness.text());
    paste(&mut tui_harness, &format!(" {} {}\n", &code(clock())[..3], &code(clock())[3..]));
    assert!(tui_harness.text().contains("alice is logged in"), "{}", tui_harness.text());
    // The same again is refused, and a backup code does as well.
    tui_harness.keys(&["logout", "Enter"]);
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&[&code(clock())]);
    assert!(tui_harness.text().contains("✕ the code is wrong, too old or used already"), "{}", tui_harness.text());
    tui_harness.keys(&["Ctrl-B"]);
    assert!(tui_harness.text().contains("Backup code"), "{}", tui_harness.text());
    tui_harness.keys(&[codes[7].expose_secret(), "Enter"]);
    assert!(tui_harness.text().contains("alice is logged in"), "{}", tui_harness.text());
    tui_harness.keys(&["otp status", "Enter"]);
    assert!(tui_harness.text().contains("backup codes left  9"), "{}", tui_harness.text());
    tui_harness.keys(&["otp backup-codes", "Enter"]);
    tui_harness.keys(&[PASSWORD, "Enter"]);
    assert_eq!(title(&tui_harness), "Backup codes");
    // Nothing is asked with them: what is typed next is for the prompt.
    tui_harness.keys(&["y", "otp disable", "Enter"]);
    tui_harness.keys(&[PASSWORD, "Enter"]);
    assert!(tui_harness.text().contains("one-time passwords are disabled"), "{}", tui_harness.text());
}

fn paste(tui_harness: &mut TuiHarness, text: &str) {
    {
        let _runtime = tui_harness.runtime.enter();
        tui_harness.app.on_input(crossterm::event::Event::Paste(text.to_owned()));
    }
    tui_harness.settle();
}

#[test]
fn a_code_by_mail_can_be_sent_again() {
    let mut tui_harness = with_users(100, 34);
    let bob = "bob".parse().unwrap();
    assert!(matches!(tui_harness.auth.otp_enable(&bob, CodeKind::Mail, clock()).unwrap(), Begun::Mail));
    tui_harness.auth.otp_confirm(&bob, &mailed_code(&tui_harness).into(), "a test", clock()).unwrap();
    log_in(&mut tui_harness, "bob");
    let text = tui_harness.text();
    assert!(text.contains("mailed to you (mails are put into") && text.contains("Ctrl-N new code"), "{text}");
    assert!(!text.contains("changes in") && !tui_harness.app.shows_a_clock(), "{text}");
    let first = mailed_code(&tui_harness);
    tui_harness.keys(&["Ctrl-N"]);
    assert!(tui_harness.text().contains("Another code was mailed"), "{}", tui_harness.text());
    let second = mailed_code(&tui_harness);
    tui_harness.keys(&[&first]);
    assert!(tui_harness.text().contains("✕ the code is wrong"), "{}", tui_harness.text());
    tui_harness.keys(&[&second]);
    assert!(tui_harness.text().contains("bob is logged in"), "{}", tui_harness.text());
}

#[test]
fn a_password_is_changed() {
    let mut tui_harness = with_users(100, 34);
    log_in(&mut tui_harness, "bob");
    tui_harness.keys(&["passwd", "Enter"]);
    tui_harness.keys(&["wrong password", "Tab", "another horse battery", "Tab", "another horse battery", "Enter"]);
    assert!(tui_harness.text().contains("✕ the password is wrong"), "{}", tui_harness.text());
    tui_harness.keys(&[PASSWORD, "Tab", "Tab", "Enter"]);
    assert!(tui_harness.text().contains("the password is changed"), "{}", tui_harness.text());
    let now = clock();
    assert!(tui_harness.auth.login("bob", &PASSWORD.into(), "a test", now).is_err());
    assert!(tui_harness.auth.login("bob", &"another horse battery".into(), "a test", now).is_ok());
}

/// Whoever is away for too long has to log in again, and nothing of theirs stays on the screen.
#[test]
fn a_session_ends_with_time() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&["whoami", "Enter"]);
    assert!(tui_harness.said().contains("second factor  none"));
    // Looking at the screen is no use of the session.
    for _ in 0..3 {
        wait(3500);
        {
            let _runtime = tui_harness.runtime.enter();
            tui_harness.app.look_after_session();
        }
        tui_harness.settle();
    }
    let text = tui_harness.text();
    assert!(text.contains("┌ Session expired") && text.contains("The session of alice is over"), "{text}");
    assert!(text.contains("not logged in") && !text.contains("second factor") && text.contains("› alice"), "{text}");
    tui_harness.keys(&[PASSWORD, "Enter"]);
    assert!(tui_harness.text().contains("alice is logged in"), "{}", tui_harness.text());
    // A command finds it out as well, and is not carried out.
    wait(2 * 3600);
    tui_harness.keys(&["ls", "Enter"]);
    assert_eq!(title(&tui_harness), "Session expired");
    tui_harness.keys(&["Esc"]);
    assert!(!tui_harness.text().contains("no files are stored"));
}

/// Whoever was at the screen while there were no accounts learns that a client elsewhere has made the first one, what becomes of what was begun
/// here, and what to do next.
#[test]
fn the_first_account_from_elsewhere_is_told() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut tui_harness = TuiHarness::dark(width, height);
        let file = tui_harness.home.path().join("a.bin");
        crate::harness::random_file(&file, 200_000, 1);
        tui_harness.keys(&["pause", "Enter"]);
        tui_harness.press(&[&format!("upload {}", file.to_str().unwrap()), "Enter", "sleep 1h; ls", "Enter"]);
        tui_harness.until(|app| app.under_way().is_some_and(|told| told.contains("#1") && told.contains("sleep")));
        let admission = p2p_auth::invites::Admission::Setup;
        tui_harness.auth.register(&registration("alice"), &admission, "grpc 192.0.2.7", clock()).unwrap();
        {
            let _runtime = tui_harness.runtime.enter();
            tui_harness.app.look_after_session();
        }
        tui_harness.until(|app| !app.dialogs().is_empty());
        let (text, said) = (tui_harness.text(), tui_harness.said());
        let told = "the account alice was made from grpc 192.0.2.7, the first one: commands here need a login now, such as `login alice`";
        assert!(said.contains(&format!("{told}; the transfer that was begun here goes on")), "{said}");
        assert!(said.contains("not begun: ls"), "{said}");
        assert!(title(&tui_harness) == "Log in" && text.contains("The account alice was made"), "{text}");
        tui_harness.keys(&["alice", "Tab", PASSWORD, "Enter"]);
        let text = tui_harness.text();
        assert!(text.contains("alice is logged in"), "{text}");
        tui_harness.keys(&["transfers", "Enter"]);
        assert!(tui_harness.said().contains("a.bin"), "{}", tui_harness.said());
        tui_harness.app.focus_on(Pane::Log);
        tui_harness.keys(&["z"]);
        assert!(tui_harness.text().contains("the account alice was made from grpc"), "{}", tui_harness.text());
    }
}

/// Looks whether the session lasts, while a dialog is open.
fn look_after_session(tui_harness: &mut TuiHarness) {
    {
        let _runtime = tui_harness.runtime.enter();
        tui_harness.app.look_after_session();
    }
    tui_harness.until(|app| app.identity().name().is_none());
    tui_harness.settle();
}

/// Whatever somebody has open when their session ends is closed; what they have typed at the prompt they find when they come back,
/// and nobody else does.
#[test]
fn nothing_is_left_open_by_a_session_that_is_over() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&["my secret plan", "Ctrl-U", "another plan"]);
    tui_harness.app.focus_on(Pane::Log);
    tui_harness.keys(&["/", "plan", "Enter"]);
    tui_harness.app.focus_on(Pane::Prompt);
    tui_harness.keys(&["Ctrl-U", "otp enable", "Enter"]);
    let Shown::App(enrolment) = tui_harness.app.dialogs()[0].form().unwrap().form.shown.clone() else { panic!() };
    wait(3 * 3600);
    look_after_session(&mut tui_harness);
    let text = tui_harness.text();
    assert!(tui_harness.app.dialogs().len() == 1 && title(&tui_harness) == "Session expired", "{text}");
    assert!(!text.contains(&enrolment.secret.expose_secret()[..4]) && tui_harness.app.filter(Pane::Log).is_empty(), "{text}");
    tui_harness.keys(&[PASSWORD, "Enter"]);
    assert!(tui_harness.text().contains("alice is logged in"), "{}", tui_harness.text());
    assert!(tui_harness.said().contains("otp enable"), "{}", tui_harness.said());
    tui_harness.keys(&["Ctrl-Y"]);
    assert_eq!(tui_harness.app.prompt().editor.text(), "another plan");
    wait(3 * 3600);
    look_after_session(&mut tui_harness);
    tui_harness.keys(&["Esc"]);
    assert!(!tui_harness.text().contains("plan") && !tui_harness.said().contains("otp"), "{}", tui_harness.text());
    log_in(&mut tui_harness, "bob");
    tui_harness.keys(&["Ctrl-Y"]);
    assert_eq!(tui_harness.app.prompt().editor.text(), "");
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&["Ctrl-Y"]);
    assert_eq!(tui_harness.app.prompt().editor.text(), "");
    // A form that was open is not filled in for a session that is over, nor taken for the login.
    tui_harness.keys(&["passwd", "Enter"]);
    tui_harness.press(&[PASSWORD, "Tab", "another horse battery", "Tab", "another horse batter"]);
    wait(3 * 3600);
    tui_harness.keys(&["y", "Enter"]);
    assert_eq!((title(&tui_harness), tui_harness.app.dialogs().len()), ("Session expired", 1));
    tui_harness.keys(&[PASSWORD, "Enter"]);
    assert!(tui_harness.text().contains("alice is logged in"), "{}", tui_harness.text());
}

/// What was answered to a user whose session is over by the time the screen takes the answer is shown to nobody, and no further line of
/// theirs begins.
#[test]
fn an_answer_after_the_end_of_the_session_is_not_shown() {
    for (line, words) in [("ls", "plans"), ("whoami", "alice@example.org")] {
        let mut tui_harness = with_users(120, 40);
        log_in(&mut tui_harness, "alice");
        tui_harness.keys(&["mkdir plans", "Enter"]);
        tui_harness.press(&["clear", "Enter"]);
        tui_harness.settle();
        tui_harness.press(&[line, "Enter", "mkdir later", "Enter"]);
        tui_harness.until_sent();
        wait(3 * 3600);
        assert!(tui_harness.runtime.block_on(tui_harness.app.access().peek()).is_err());
        tui_harness.settle();
        assert!(!tui_harness.text().contains(words) && !tui_harness.said().contains(words), "{}", tui_harness.text());
        assert_eq!(title(&tui_harness), "Session expired");
        tui_harness.keys(&[PASSWORD, "Enter"]);
        tui_harness.keys(&["ls", "Enter"]);
        assert!(tui_harness.said().contains("plans") && !tui_harness.said().contains("later/"), "{}", tui_harness.said());
    }
}

/// What changes an account is done whole: nothing is dropped while that is under way.
#[test]
fn what_is_done_whole_is_not_dropped() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&["pause", "Enter"]);
    tui_harness.press(&["sleep 1h", "Enter"]);
    tui_harness.until(|app| app.under_way().is_some());
    let critical_section = tui_harness.app.access().critical_section();
    tui_harness.press(&["F7", "Enter"]);
    assert!(tui_harness.app.is_busy() && tui_harness.said().contains("must not be interrupted"), "{}", tui_harness.said());
    drop(critical_section);
    tui_harness.press(&["F7", "Enter"]);
    assert!(tui_harness.said().contains("dropped: `sleep 1h`"), "{}", tui_harness.said());
    tui_harness.settle();
    assert_eq!(tui_harness.app.under_way(), None);
}

/// What waits in a line of one user is not carried out for the next.
#[test]
fn what_waits_for_one_user_is_not_begun_for_the_next() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "bob");
    tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, operation::Pause)).unwrap();
    tui_harness.press(&["sleep 1s; passwd; echo told to alice", "Enter"]);
    tui_harness.until(|app| app.under_way().is_some_and(|lines| lines == "sleep 1s; waiting: passwd, echo told to alice"));
    tui_harness.press(&["login alice", "Enter"]);
    tui_harness.until(|app| app.awaits_input());
    tui_harness.press(&[PASSWORD, "Enter"]);
    tui_harness.until(|app| app.identity().name() == Some("alice"));
    assert_eq!(tui_harness.app.under_way(), None);
    tui_harness.resume();
    tui_harness.settle();
    assert!(tui_harness.app.dialogs().is_empty() && !tui_harness.said().contains("told to alice"), "{}", tui_harness.said());
    // Only one command asks at a time: the next one waits for its turn.
    tui_harness.keys(&["passwd", "Enter"]);
    assert_eq!(title(&tui_harness), "Change password");
    {
        let _runtime = tui_harness.runtime.enter();
        tui_harness.app.run("otp status; echo after it");
    }
    tui_harness.press(&["Esc"]);
    tui_harness.settle();
    assert!(
        tui_harness.said().contains("given up; nothing has changed") && tui_harness.said().contains("after it"),
        "{}",
        tui_harness.said()
    );
}

/// What comes of something that one user has begun is not told to the next.
#[test]
fn the_next_user_is_not_told_what_the_last_has_begun() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "alice");
    random_file(&tui_harness.home.path().join("diary.bin"), 100_000, 1);
    tui_harness.keys(&["pause", "Enter"]);
    let path = tui_harness.home.path().join("diary.bin").display().to_string();
    tui_harness.press(&[&format!("upload {path}"), "Enter"]);
    tui_harness.until(|app| app.prompt().output.iter().any(|(_, text)| text.contains("#1 has begun")));
    tui_harness.press(&["logout; login bob", "Enter"]);
    tui_harness.until(|app| app.awaits_input());
    tui_harness.keys(&[PASSWORD, "Enter"]);
    assert!(tui_harness.text().contains("bob is logged in") && tui_harness.app.dialogs().is_empty(), "{}", tui_harness.text());
    tui_harness.resume();
    let finished = tui_harness.handle.call(&OPERATOR, operation::Await { transfer: p2p_engine::transfer::TransferId(1) });
    tui_harness.runtime.block_on(finished).unwrap();
    tui_harness.settle();
    let text = tui_harness.text();
    assert!(!text.contains("diary") && !tui_harness.said().contains("diary"), "{text}");
    tui_harness.keys(&["ls", "Enter"]);
    assert!(tui_harness.said().contains("no files are stored"), "{}", tui_harness.said());
}

/// A user sees their own files and transfers and what is shared with them, wherever these are shown; an admin all.
#[test]
fn nobody_sees_what_is_somebody_elses() {
    let mut tui_harness = with_users(120, 40);
    for (name, owner) in [("diary.bin", "alice"), ("plan.bin", "bob")] {
        let path = tui_harness.home.path().join(name);
        random_file(&path, 100_000, 1);
        tui_harness.runtime.block_on(async {
            let upload = Command::Upload(operation::Upload::of_file(path, None, 0));
            let Reply::Started(transfer) = tui_harness.handle.call(&user(owner), upload).await.unwrap() else { panic!() };
            tui_harness.handle.call(&OPERATOR, operation::Await { transfer }).await.unwrap();
        });
    }
    tui_harness.settle();
    let text = tui_harness.text();
    assert!(!text.contains("diary") && !text.contains("plan.bin") && text.contains("0 files"), "{text}");
    log_in(&mut tui_harness, "bob");
    tui_harness.keys(&["ls", "Enter", "upload x", "Enter"]);
    let text = tui_harness.text();
    assert!(text.contains("plan.bin") && !text.contains("diary") && text.contains("1 file │ 97.7 KiB"), "{text}");
    assert!(text.contains("Segments of #2 plan.bin"), "{text}");
    for (line, refusal) in [
        ("info alice/diary.bin", "no file named"),
        ("segments 1", "there is no transfer #1"),
        ("cancel 1", "there is no transfer #1"),
        ("wait 1", "there is no transfer #1"),
        ("users", "is for admins"),
        ("capture start x", "is for admins"),
    ] {
        tui_harness.keys(&[line, "Enter"]);
        assert!(
            tui_harness.app.prompt().output.last().unwrap().1.contains(refusal),
            "{line}: {:?}",
            tui_harness.app.prompt().output.last()
        );
    }
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&[" "]);
    assert!(tui_harness.app.prompt().output.last().unwrap().1.contains("`pause` is for admins"));
    tui_harness.app.focus_on(Pane::Prompt);
    tui_harness.keys(&["download ", "Tab"]);
    assert_eq!(tui_harness.app.prompt().editor.text(), "download plan.bin ");
    tui_harness.keys(&["Ctrl-U", "share plan.bin alice", "Enter"]);
    assert!(tui_harness.text().contains("alice may read plan.bin"), "{}", tui_harness.text());

    // The admin sees all, by name and owner; what was bob's is gone from the screen.
    log_in(&mut tui_harness, "alice");
    assert!(!tui_harness.text().contains("is for admins"), "{}", tui_harness.text());
    tui_harness.keys(&["ls", "Enter"]);
    let text = tui_harness.text();
    assert!(text.contains("diary.bin") && text.contains("~bob/plan.bin") && text.contains("2 files │ 195.3 KiB"), "{text}");
    let events = tui_harness.auth.audit(100, None).unwrap();
    let refused: Vec<&str> = events.iter().filter(|(_, entry)| !entry.done).map(|(_, entry)| entry.note.as_str()).collect();
    let of_transfer = ["transfer #1"; 3];
    assert_eq!(refused, [&["pause", "capture", "users"], &of_transfer[..], &["file ~alice/diary.bin"]].concat());
    assert!(events.iter().any(|(_, entry)| entry.note == "~bob/plan.bin shared with alice"));
}

/// What becomes of a mail is told to whom it is for, and to admins.
#[test]
fn mails_are_told_of_in_the_log() {
    let mut tui_harness = with_users(120, 40);
    let notice = |name: &str, outcome: Result<&str, &str>| p2p_service::mailer::Notice {
        to: format!("{name}@example.org").parse().unwrap(),
        subject: "p2p: login".into(),
        outcome: outcome.map(str::to_owned).map_err(|reason| Unsent { reason: reason.to_owned(), is_final: name == "carol" }),
    };
    let tell = |tui_harness: &mut TuiHarness| {
        tui_harness.app.on_mail(&notice("alice", Ok("put into outbox/7.eml")));
        tui_harness.app.on_mail(&notice("bob", Err("mail.example.org: refused")));
        tui_harness.app.on_mail(&notice("carol", Err("mail.example.org: no such user")));
        let told = tui_harness.app.view().journal().lines().map(|line| line.text.clone());
        told.filter(|text| text.starts_with("mail ")).collect::<Vec<_>>()
    };
    let (of_alice, of_bob, of_carol) = (
        "mail \"login\" put into outbox/7.eml, to alice@example.org",
        "mail \"login\" is not sent: mail.example.org: refused, to bob@example.org",
        "mail \"login\" is given up: mail.example.org: no such user, to carol@example.org",
    );
    assert!(tell(&mut tui_harness).is_empty());
    log_in(&mut tui_harness, "bob");
    assert_eq!(tell(&mut tui_harness), [of_bob]);
    log_in(&mut tui_harness, "alice");
    assert_eq!(tell(&mut tui_harness), [of_alice, of_bob, of_carol]);
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
fn show(tui_harness: &mut TuiHarness, form: Form) -> oneshot::Receiver<Answer> {
    let (reply, answer) = oneshot::channel();
    while !tui_harness.app.dialogs().is_empty() {
        tui_harness.press(&["Esc"]);
    }
    tui_harness.app.on_question(Question { form, reply });
    paste(tui_harness, "12 34");
    answer
}

/// Of a pasted text a field takes the first line, with whichever line ends the terminal sends it.
#[test]
fn a_field_takes_the_first_line() {
    for end in ["\r", "\n", "\r\n"] {
        let mut tui_harness = TuiHarness::new(100, 34, Theme::new(ThemeName::Dark, false), false);
        let form = Form::new("A title").with("Name", FieldKind::Text).with("Other", FieldKind::Text);
        let _answer = show(&mut tui_harness, form);
        paste(&mut tui_harness, &format!("abc{end}second{end}"));
        let text = tui_harness.text();
        assert!(text.contains("12 34abc ") && !text.contains("second"), "{end:?}: {text}");
    }
}

/// What the dialogs look like is kept in files, as for the panes.
#[test]
fn the_dialogs_look_as_they_did() {
    for (width, height) in [(80, 24), (120, 40)] {
        for name in [ThemeName::Dark, ThemeName::Mono] {
            let mut tui_harness = TuiHarness::new(width, height, Theme::new(name, name == ThemeName::Mono), false);
            let mut picture = Vec::new();
            for (name, form) in forms() {
                let _answer = show(&mut tui_harness, form);
                let buffer = tui_harness.draw();
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
    let mut tui_harness = TuiHarness::dark(120, 40);
    for (name, form) in forms() {
        let _answer = show(&mut tui_harness, form);
        for width in (1..=130).step_by(3) {
            for height in 1..=45 {
                tui_harness.screen = Terminal::new(TestBackend::new(width, height)).unwrap();
                let text = tui_harness.text();
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
    let mut tui_harness = with_users(100, 34);
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&["passwd", "Enter"]);
    tui_harness.keys(&["x", "Esc"]);
    assert!(tui_harness.app.dialogs().is_empty());
    assert_eq!(tui_harness.app.prompt().output.last().unwrap().1, "given up; nothing has changed");
    tui_harness.keys(&["otp enable", "Enter"]);
    tui_harness.keys(&["Ctrl-C"]);
    assert!(tui_harness.app.dialogs().is_empty() && !tui_harness.app.is_busy());
    // What was begun can be confirmed later.
    tui_harness.keys(&["otp confirm", "Enter"]);
    tui_harness.keys(&["111111"]);
    assert!(tui_harness.text().contains("✕ the code is wrong"), "{}", tui_harness.text());
    tui_harness.keys(&["Esc"]);
    let shares = Event::FileShared { file: p2p_store::names::FileKey::unowned("x"), user: "bob".into(), may_read: false };
    assert!(
        p2p_storage::tui::words::describe(&shares, tui_harness.app.identity()).unwrap().1.contains("bob may read /x no longer")
    );
}

/// The help says each line once: the whole of what a row cuts off stands below the list, and nothing else does.
#[test]
fn the_help_says_no_line_twice() {
    for (width, height) in [(120, 40), (80, 24)] {
        let mut tui_harness = TuiHarness::dark(width, height);
        tui_harness.press(&["F1", "focus the previous pane"]);
        let text = tui_harness.text();
        // It stands in the line that is typed, too.
        assert_eq!(text.matches("focus the previous pane").count(), 2, "{text}");
        tui_harness.press(&["Esc", "F1", "let all panes show one"]);
        let text = tui_harness.text();
        assert!(text.matches("let all panes show one").count() == 3 && text.contains('…'), "{text}");
    }
}
