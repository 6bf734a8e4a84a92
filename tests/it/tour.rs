//! The tour, step by step on the real screen: what each step speaks of is to be seen in the pane that it names, at every size and
//! speed; and what the keys of the user do meanwhile.

use std::time::Duration;

use p2p_auth::Policy;
use p2p_engine::pace::Speed;
use p2p_engine::transfer::{Direction, TransferState};
use p2p_service::config::Config;
use p2p_service::mailer::{Delivery, Mailer, Notice};
use p2p_shell::words::Variables;
use p2p_storage::demo_users::DemoUsers;
use p2p_storage::tui::app::{ExitRequest, NetworkKind, Pane};
use p2p_storage::tui::tour::Tour;
use p2p_storage::tui::tour::forms::FormFiller;
use p2p_storage::tui::tour::network::{FILES, log_in};
use p2p_storage::tui::tour::script::{Act, STEPS};
use ratatui::style::Modifier;

use crate::generated;
use crate::harness::random_file;
use crate::tui_harness::{TuiHarness, clock, lines};

/// Number of looks within which a step must be complete; most are 18 ms apart.
const LOOKS_MAX: usize = 5_000;

/// A step as it must be at its end: heading, pane, and whether what it speaks of is to be seen.
type Complete = (&'static str, Pane, fn(&mut TuiHarness) -> bool);

/// A tour under way.
struct Guided {
    tui: TuiHarness,
    mailer: Option<Mailer>,
}

/// The values of the tour's variables, with the files that they name.
fn variables(tui: &TuiHarness) -> Variables {
    let mut variables = Variables::from([("nodes".to_owned(), "5".to_owned())]);
    for (number, (name, bytes)) in (1..).zip(FILES) {
        let path = tui.home.path().join(name);
        random_file(&path, bytes, number);
        variables.insert(format!("file{number}"), path.display().to_string());
        variables.insert(format!("name{number}"), name.to_owned());
    }
    variables
}

impl Guided {
    /// The whole tour, with its users.
    fn new(size: (u16, u16), speed: Speed) -> Guided {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut users = runtime.block_on(DemoUsers::make(&data, Policy::default(), clock)).unwrap();
        let mut tui = TuiHarness::running(home, size, speed, |shell, questions, runtime| {
            runtime.block_on(log_in(shell, questions, &mut users)).unwrap();
        });
        let mailer = {
            let _runtime = tui.runtime.enter();
            Mailer::start(tui.auth.clone(), Delivery::new(&Config::built_in().unwrap(), &data).unwrap(), clock)
        };
        let mut variables = variables(&tui);
        variables.insert("speed".into(), speed.to_string());
        tui.app.set_network_kind(NetworkKind::TourAlone);
        tui.app.start_tour(Tour::new(variables, Some(FormFiller::new(users))));
        tui.draw();
        Guided { tui, mailer: Some(mailer) }
    }

    /// Tells the screen of a mail to the first user.
    fn tell_of_a_mail(&mut self) {
        let (to, subject) = ("alice@example.org".parse().unwrap(), "p2p: login".to_owned());
        self.tui.app.on_mail(&Notice { to, subject, outcome: Ok("put into outbox/7.eml".into()) });
    }

    /// Lets the tour do what is next, and time pass until then.
    fn tick(&mut self) {
        let wait = {
            let _runtime = self.tui.runtime.enter();
            self.tui.app.on_tour()
        };
        // What is typed need not be read, and what is waited for is there as soon as something has happened.
        let waits = self.tui.app.tour().is_some_and(|tour| tour.status().starts_with("waits"));
        self.tui.look(if waits { wait } else { Duration::ZERO });
    }

    /// Lets the tour go on until it looks so.
    fn until(&mut self, what: &str, looks: impl Fn(&mut TuiHarness) -> bool) {
        let mut looked = 0;
        while !looks(&mut self.tui) {
            assert!(looked < LOOKS_MAX, "{what} is not to be seen:\n{}", self.tui.text());
            self.tick();
            looked += 1;
        }
    }

    /// Lets the tour go on until the step is complete.
    fn completes(&mut self) {
        self.until("the end of the step", |tui| tui.app.tour().is_none_or(Tour::is_ready));
        self.tui.draw();
    }

    /// Ends the delivery of mails.
    fn end(mut self) {
        self.tui.runtime.block_on(self.mailer.take().unwrap().end());
    }
}

/// The rows of a pane without its frame; none if it is not shown.
fn rows(tui: &mut TuiHarness, pane: Pane) -> Vec<String> {
    let whole = framed(tui, pane);
    let inside = |line: &String| line.chars().skip(1).take(line.chars().count().saturating_sub(2)).collect();
    whole.iter().skip(1).take(whole.len().saturating_sub(2)).map(inside).collect()
}

/// The rows of a pane with its frame.
fn framed(tui: &mut TuiHarness, pane: Pane) -> Vec<String> {
    let buffer = tui.draw();
    let Some(area) = tui.app.workspace().area_of(pane) else { return Vec::new() };
    let row = |y| (area.left()..area.right()).map(|x| buffer[(x, y)].symbol().to_owned()).collect();
    (area.top()..area.bottom()).map(row).collect()
}

fn has_row(tui: &mut TuiHarness, pane: Pane, words: &[&str]) -> bool {
    rows(tui, pane).iter().any(|row| words.iter().all(|word| row.contains(word)))
}

fn header(tui: &mut TuiHarness) -> String {
    tui.text().lines().next().unwrap().to_owned()
}

/// A packet is in the wire pane with its fate, and the filter lets no other pass.
fn shows_a_loss(tui: &mut TuiHarness) -> bool {
    let is_lost = |row: &String| row.contains('→') && row.contains("loss");
    rows(tui, Pane::Wire).iter().any(is_lost) && framed(tui, Pane::Wire)[0].contains("/loss")
}

/// The node that the tour has killed.
fn killed(tui: &TuiHarness) -> String {
    tui.app.view().snapshot().faults[0].fault.to_string().split_whitespace().next().unwrap().to_owned()
}

/// Whatever the step speaks of: its place, its heading and its whole text are on the screen, and its pane is there and marked.
fn is_told(tui: &mut TuiHarness, number: usize, title: &str, pane: Pane) {
    let buffer = tui.draw();
    let screen = lines(&buffer);
    let at = screen.iter().position(|line| line.starts_with(&format!(" Tour, {number} of 8: {title} "))).unwrap_or_else(|| {
        panic!("step {number} is not named:\n{}", screen.join("\n"));
    });
    assert!(screen[at].ends_with(if number < 8 { "Space goes on" } else { "Space ends the tour" }), "{}", screen[at]);
    let shown: Vec<&str> = screen[at + 1..screen.len() - 1].iter().flat_map(|line| line.split_whitespace()).collect();
    let text = tui.app.tour().unwrap().text();
    assert_eq!(shown.join(" "), text, "the whole text is shown");
    assert!(!text.contains('$'), "{text}");
    let (footer, effect) = (screen.last().unwrap(), if number < 8 { "go on" } else { "end" });
    assert!(footer.contains(&format!("Space {effect}  Esc leave  F1 help  Ctrl-Q quit")), "{footer}");
    let area = tui.app.workspace().area_of(pane).unwrap_or_else(|| panic!("{pane:?} is not shown:\n{}", screen.join("\n")));
    assert!(buffer[(area.x + 2, area.y)].modifier.contains(Modifier::REVERSED), "{pane:?} is not marked");
    let marks = tui.app.workspace().areas().iter().filter(|(_, area)| {
        let cell = &buffer[(area.x + 2, area.y)];
        cell.modifier.contains(Modifier::REVERSED)
    });
    assert_eq!(marks.count(), 1, "one pane is marked:\n{}", screen.join("\n"));
}

/// Words of the sentences, the pane that each is about, and a mark of it that must be there in the pane.
const SPOKEN_OF: [(&str, Pane, &str); 11] = [
    ("the matrix", Pane::Health, "cl "),
    ("list of nodes", Pane::Nodes, "Node_"),
    ("its row", Pane::Transfers, " %"),
    ("the frame of the segments", Pane::Segments, "waits for "),
    ("a row each", Pane::Segments, "Node_"),
    ("the filter", Pane::Wire, "/loss"),
    ("moves the wire", Pane::Wire, "→"),
    ("it answers", Pane::Prompt, "is whole"),
    ("it is readable", Pane::Files, "readable"),
    ("the lower frame", Pane::Files, "segment"),
    ("`ls`", Pane::Prompt, "alice/"),
];

/// Whatever the sentences speak of is in sight, at any instant of a step at which it is complete.
fn sees_what_is_spoken_of(tui: &mut TuiHarness, when: &str) {
    let text = tui.app.tour().unwrap().text().to_lowercase();
    for (words, pane, mark) in SPOKEN_OF.into_iter().filter(|(words, ..)| text.contains(words)) {
        let shown = framed(tui, pane).join("\n");
        assert!(shown.contains(mark), "{when}: {pane:?} does not show `{mark}` of `{words}`:\n{}", tui.text());
    }
}

/// Drives the tour from its first step to its end.
fn takes_the_tour(size: (u16, u16), speed: Speed) {
    let mut guided = Guided::new(size, speed);
    let steps: [Complete; 8] = [
        ("Nodes and links", Pane::Nodes, |tui| has_row(tui, Pane::Nodes, &["Node_01", "ALIVE"])),
        ("An upload", Pane::Transfers, |tui| has_row(tui, Pane::Transfers, &["#1 ↑", "holiday.bin", " %"])),
        ("The waterfall", Pane::Segments, |tui| has_row(tui, Pane::Segments, &["Node_0", "▓"])),
        ("A lost packet", Pane::Wire, shows_a_loss),
        ("A killed node", Pane::Segments, |tui| {
            let why = format!("waits for {}, killed 00:", killed(tui));
            framed(tui, Pane::Segments).pop().unwrap().contains(&why) && header(tui).contains("PAUSED")
        }),
        ("Mended", Pane::Files, |tui| has_row(tui, Pane::Files, &["holiday.bin", "readable"])),
        ("Time", Pane::Wire, |tui| header(tui).contains("PAUSED") && has_row(tui, Pane::Wire, &["→"])),
        ("Accounts", Pane::Prompt, |tui| has_row(tui, Pane::Prompt, &["alice/holiday.bin"])),
    ];
    for (number, (title, pane, is_seen)) in (1..).zip(steps) {
        if number == 5 {
            // Before the transfer waits, the matrix shows what the probes have missed.
            guided.until("a missed probe in the matrix", |tui| {
                let marked = tui.app.tour().unwrap().pane() == Some(Pane::Health);
                marked && rows(tui, Pane::Health).iter().any(|row| row.contains(['◐', '✕']))
            });
            sees_what_is_spoken_of(&mut guided.tui, &format!("{title} at {size:?}"));
        }
        guided.completes();
        is_told(&mut guided.tui, number, title, pane);
        if number < 8 {
            // The mails of the accounts, which were made before, stand in nobody's way.
            guided.tell_of_a_mail();
            assert!(guided.tui.app.view().journal().lines().all(|line| !line.text.starts_with("mail ")));
        }
        guided.until(&format!("what {title} shows at {size:?}, {speed}"), is_seen);
        sees_what_is_spoken_of(&mut guided.tui, &format!("{title} at {size:?}"));
        guided.tui.press(&[" "]);
    }
    guided.until("the end", |tui| !tui.app.is_touring());
    // The prompt is the first user's, on a network in order; what to try next is named.
    let app = &guided.tui.app;
    assert_eq!(app.identity().name(), Some("alice"));
    let snapshot = app.view().snapshot();
    assert!(snapshot.faults.is_empty() && !snapshot.pace.is_paused && snapshot.pace.speed == speed);
    let said = guided.tui.said();
    assert!(said.contains("the prompt is yours, as alice") && said.contains("`tour` begins again"), "{said}");
    guided.end();
}

#[test]
fn every_step_shows_what_it_speaks_of() {
    takes_the_tour((120, 40), Speed::Max);
}

#[test]
fn every_step_shows_it_on_a_usual_screen() {
    takes_the_tour((80, 24), Speed::Max);
}

#[test]
fn every_step_shows_it_on_the_smallest_screen() {
    takes_the_tour((60, 16), Speed::Max);
}

#[test]
fn every_step_shows_it_on_screens_of_other_shapes() {
    for size in [(100, 30), (200, 60), (250, 20)] {
        takes_the_tour(size, Speed::Max);
    }
}

#[test]
fn every_step_shows_it_in_real_time() {
    takes_the_tour((80, 24), Speed::REAL);
}

/// A tour that has no users, on a network where time passes only for commands.
fn alone(size: (u16, u16), network_kind: NetworkKind) -> Guided {
    let mut tui = TuiHarness::dark(size.0, size.1);
    let variables = variables(&tui);
    tui.app.set_network_kind(network_kind);
    tui.app.start_tour(Tour::new(variables, None));
    tui.draw();
    Guided { tui, mailer: None }
}

fn place(tui: &TuiHarness) -> String {
    tui.app.tour().map(Tour::place).unwrap_or_default()
}

/// Looking around ends nothing: other panes, zooming, scrolling, help and the layout; the next step brings its own pane again.
#[test]
fn looking_around_does_not_end_it() {
    for size in [(120, 40), (80, 24), (60, 16)] {
        let mut guided = alone(size, NetworkKind::TourAlone);
        guided.completes();
        let keys = [
            "Tab",
            "Tab",
            "Shift-Tab",
            "Down",
            "PageDown",
            "End",
            "z",
            "z",
            "m",
            "4",
            "F3",
            "F2",
            "F6",
            "F1",
            "Esc",
            "Ctrl-P",
            "Esc",
        ];
        for key in keys {
            guided.tui.press(&[key]);
            guided.tick();
            assert_eq!((place(&guided.tui).as_str(), guided.tui.app.is_over()), ("1 of 8", false), "{key}");
            let is_covered = !guided.tui.app.dialogs().is_empty();
            assert!(is_covered || guided.tui.text().contains("Tour, 1 of 8"), "{key}: {}", guided.tui.text());
        }
        guided.tui.press(&["Esc"]);
        guided.until("the end", |tui| !tui.app.is_touring());
        assert!(!guided.tui.app.is_over());
    }
}

/// Space goes on, also before a step is complete: what is left of it is done without delay, since the next step builds on it.
#[test]
fn space_goes_on_and_hurries() {
    let mut guided = alone((80, 24), NetworkKind::TourAlone);
    guided.completes();
    guided.tui.press(&[" "]);
    assert_eq!(place(&guided.tui), "2 of 8");
    guided.until("a typed letter", |tui| !tui.app.prompt().editor.is_empty());
    assert!(guided.tui.text().contains("types"), "{}", guided.tui.text());
    guided.tui.press(&[" "]);
    assert_eq!(place(&guided.tui), "2 of 8");
    guided.until("the third step", |tui| tui.app.tour().is_some_and(|tour| tour.place() == "3 of 8"));
    assert!(guided.tui.app.view().snapshot().transfers.len() == 1, "the upload of the second step has begun");
    // A space in a filter and in a line of one's own is a space.
    guided.completes();
    guided.tui.press(&["1", "/", "a b", "Enter"]);
    assert_eq!((place(&guided.tui).as_str(), guided.tui.app.filter(Pane::Nodes)), ("3 of 8", "a b"));
    guided.tui.press(&["Esc"]);
    assert!(!guided.tui.app.is_touring() || guided.tui.app.tour().is_some_and(Tour::is_over));
}

/// What a step has begun ends in it or in the next ones, however early the user goes on: nothing is done twice, and no more than one
/// transfer is under way once a node is killed.
#[test]
fn a_step_that_is_hurried_leaves_nothing_to_be_done_twice() {
    for size in [(80, 24), (120, 40)] {
        let mut guided = Guided::new(size, Speed::Max);
        let mut looked = 0;
        while guided.tui.app.tour().is_some_and(|tour| tour.place() != "7 of 8") {
            assert!(looked < LOOKS_MAX, "{}", guided.tui.text());
            guided.tui.press(&[" "]);
            guided.tick();
            let snapshot = guided.tui.app.view().snapshot();
            let running = snapshot.transfers.iter().filter(|report| !report.status.state.is_over());
            let killed = snapshot.faults.iter().any(|fault| fault.fault.to_string().contains("killed"));
            let most = if killed { 1 } else { 2 };
            assert!(running.count() <= most, "{}", guided.tui.text());
            looked += 1;
        }
        let snapshot = guided.tui.app.view().snapshot();
        let verified = snapshot.transfers.iter().filter(|report| report.status.direction == Direction::Download);
        let states: Vec<TransferState> = verified.map(|report| report.status.state).collect();
        assert_eq!(states, [TransferState::Done], "{}", guided.tui.said());
        assert!(snapshot.transfers.iter().all(|report| report.status.state == TransferState::Done));
        guided.end();
    }
}

/// A user who lets time pass in the middle of the step gets the answer all the same: what has failed meanwhile is run again.
#[test]
fn what_has_failed_while_a_step_stood_is_run_again() {
    let mut guided = Guided::new((80, 24), Speed::Max);
    for _ in 1..5 {
        guided.completes();
        guided.tui.press(&[" "]);
    }
    guided.completes();
    guided.tui.press(&[":", "speed max; resume; sleep 2m", "Enter"]);
    guided.until("the end of the wait", |tui| !tui.app.is_busy());
    let snapshot = guided.tui.app.access().snapshot();
    assert_eq!(snapshot.transfers.last().unwrap().status.state, TransferState::Failed, "{}", guided.tui.said());
    guided.tui.app.focus_on(Pane::Health);
    guided.tui.press(&[" "]);
    guided.completes();
    assert!(place(&guided.tui) == "6 of 8" && guided.tui.said().contains("is whole"), "{}", guided.tui.said());
    guided.end();
}

/// A line of the user's is theirs: the tour waits for it, and types its own when the prompt is free.
#[test]
fn a_line_of_ones_own_is_waited_for() {
    let mut guided = alone((120, 40), NetworkKind::TourAlone);
    guided.completes();
    guided.tui.press(&[":", "speed 50x"]);
    assert_eq!((place(&guided.tui).as_str(), guided.tui.app.prompt().editor.text()), ("1 of 8", "speed 50x"));
    // With the keys in a pane a space goes on all the same.
    guided.tui.app.focus_on(Pane::Log);
    guided.tui.press(&[" "]);
    (0..50).for_each(|_| guided.tick());
    assert_eq!((place(&guided.tui).as_str(), guided.tui.app.prompt().editor.text()), ("2 of 8", "speed 50x"));
    assert!(guided.tui.text().contains("your line: Enter runs it"), "{}", guided.tui.text());
    guided.tui.app.focus_on(Pane::Prompt);
    guided.tui.press(&["Enter"]);
    guided.completes();
    let said: Vec<String> = guided.tui.app.prompt().output.iter().map(|(_, line)| line.clone()).collect();
    let at = |words: &str| said.iter().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {said:?}"));
    assert!(at("› speed 50x") < at("› upload"));
    // What is typed and pasted while the tour types is not mixed with it, and comes after it.
    guided.tui.press(&[" "]);
    guided.completes();
    guided.tui.press(&[" "]);
    guided.until("a typed letter", |tui| !tui.app.prompt().editor.is_empty());
    guided.tui.app.on_input(crossterm::event::Event::Paste("xyz".into()));
    guided.tui.press(&[":", "x yz"]);
    assert!("path client --loss 10%".starts_with(guided.tui.app.prompt().editor.text()));
    guided.until("what was typed", |tui| tui.app.prompt().editor.text() == "xyzx yz");
    assert_eq!(place(&guided.tui), "4 of 8");
}

/// The key that quits does so at once, with anything under way and in any dialog.
#[test]
fn the_quitting_key_quits_at_once() {
    for before in [&[][..], &[" "], &["F1"], &["Ctrl-P", "q"], &["Tab", "/", "x"]] {
        let mut guided = alone((80, 24), NetworkKind::TourAlone);
        guided.completes();
        guided.tui.press(before);
        (0..30).for_each(|_| guided.tick());
        guided.tui.press(&["Ctrl-Q"]);
        assert_eq!(guided.tui.app.take_exit(), Some(ExitRequest::Quit), "{before:?}");
    }
}

/// Esc leaves in every step, whatever it is doing, and the network is in order then: no fault is on, time passes, nothing is filtered.
#[test]
fn esc_leaves_any_step() {
    for step in 1..=7 {
        let mut guided = Guided::new((80, 24), Speed::Max);
        for _ in 1..step {
            guided.completes();
            guided.tui.press(&[" "]);
        }
        guided.until("what the step types", |tui| {
            tui.app.is_touring() && (tui.app.tour().is_some_and(Tour::is_ready) || tui.app.is_busy())
        });
        guided.tui.press(&["Esc", "Esc"]);
        guided.until("the end", |tui| !tui.app.is_touring());
        let app = &guided.tui.app;
        assert_eq!((app.identity().name(), app.workspace().focus(), app.is_over()), (Some("alice"), Pane::Prompt, false));
        assert!(app.prompt().editor.is_empty() && app.filter(Pane::Wire).is_empty(), "{step}");
        let snapshot = app.access().snapshot();
        assert!(snapshot.faults.is_empty() && !snapshot.pace.is_paused, "{step}: {:?}", snapshot.faults);
        guided.end();
    }
}

/// The word `tour` begins it on any screen and leaves it on that of a tour; help and palette know it.
#[test]
fn the_word_begins_and_leaves_it() {
    let mut tui = TuiHarness::dark(100, 30);
    tui.keys(&["tour leave", "Enter"]);
    assert!(tui.text().contains("this is your own network") && !tui.app.is_over(), "{}", tui.text());
    tui.keys(&["tour", "Enter"]);
    assert_eq!(tui.app.take_exit(), Some(ExitRequest::Tour));
    for key in ["F1", "Ctrl-P"] {
        tui.keys(&[key, "eight steps"]);
        assert!(tui.text().contains("tour"), "{}", tui.text());
        tui.keys(&["Ctrl-U", "tour", "Esc"]);
    }
    tui.keys(&["F1", "take the tour", "Enter"]);
    assert_eq!(tui.app.take_exit(), Some(ExitRequest::Tour));
    for (home, way) in [(NetworkKind::TourBesideOwn, Some(ExitRequest::Back)), (NetworkKind::TourAlone, None)] {
        let mut guided = alone((100, 30), home);
        guided.completes();
        guided.tui.press(&["Esc"]);
        guided.until("the end", |tui| !tui.app.is_touring());
        let said = guided.tui.text();
        assert_eq!(said.contains("`tour leave` goes back to your own network"), way.is_some(), "{said}");
        guided.tui.keys(&["tour leave", "Enter"]);
        assert_eq!(guided.tui.app.take_exit(), way);
        assert_eq!(guided.tui.text().contains("there is no other network"), way.is_none());
    }
}

/// The documentation lists the steps with what each shows and types.
#[test]
fn the_documentation_lists_the_steps() {
    let mut table = String::from("| step | panes | types |\n|---|---|---|\n");
    for (number, step) in (1..).zip(&STEPS) {
        let panes = step.acts.iter().filter_map(|act| if let Act::Show(pane) = act { Some(pane.name()) } else { None });
        let lines = step.acts.iter().filter_map(|act| match act {
            Act::Begin(line) | Act::Run(line) => Some(format!("`{line}`")),
            Act::Show(_) | Act::Tell(_) | Act::Filter(_) | Act::Settle { .. } | Act::See(_) => None,
        });
        let (panes, lines): (Vec<&str>, Vec<String>) = (panes.collect(), lines.collect());
        table.push_str(&format!("| {number} {} | {} | {} |\n", step.title, panes.join(", "), lines.join(", ")));
    }
    generated::check("docs/screen.md", "tour", &table);
}

mod pty {

    use crate::harness::random_file;
    use crate::program::wait_until;
    use crate::pty::{Pty, program};

    fn start(arguments: &[&str], home: &std::path::Path) -> Pty {
        start_with(arguments, home, home)
    }

    /// With another directory for temporary files.
    fn start_with(arguments: &[&str], home: &std::path::Path, temporary: &std::path::Path) -> Pty {
        let mut command = program(home, arguments);
        command.cwd(home);
        command.env("TMPDIR", temporary);
        Pty::start_in(command, 80, 24)
    }

    /// The directories of tours that are there.
    fn networks(home: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(home).unwrap().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("p2p-demo-")).count()
    }

    /// The real program: from the first start through the tour and back, with what was typed before; nothing of the tour is left, neither
    /// accounts nor files.
    #[test]
    fn from_the_first_start_to_the_tour_and_back() {
        let home = tempfile::tempdir().unwrap();
        let mut pty = start(&[], home.path());
        pty.shows("Take the tour");
        pty.send("1");
        pty.shows("Tour, 1 of 8: Nodes and links");
        pty.shows("alice");
        assert_eq!(networks(home.path()), 1);
        pty.send(" ");
        pty.shows("Tour, 2 of 8: An upload");
        pty.shows("holiday.bin");
        pty.send("\x1b");
        pty.shows("The tour is over; the prompt is yours, as alice");
        pty.send("tour leave\r");
        pty.shows("This is your own network again.");
        pty.shows("`register` creates an account.");
        assert_eq!(networks(home.path()), 0);
        pty.send("ls\r");
        pty.shows("no files are stored");
        pty.send("\x11");
        assert!(pty.ends().success());
        assert!(pty.text().contains("recorded in"), "{}", pty.text());
        let stored = home.path().join(".local/share/p2p");
        assert!(crate::harness::segments_below(&stored).is_empty());
    }

    /// Ctrl-Q quits in the middle of the tour, at once, also beside a network of one's own; `tour` begins it anew.
    #[test]
    fn the_tour_is_quit_at_once() {
        for arguments in [&["demo"][..], &[]] {
            let home = tempfile::tempdir().unwrap();
            let mut pty = start(arguments, home.path());
            if arguments.is_empty() {
                pty.shows("Take the tour");
                pty.send("1");
            }
            pty.shows("Tour, 1 of 8");
            pty.send(" ");
            pty.shows("Tour, 2 of 8");
            pty.send(":tour\r");
            pty.shows("Tour, 1 of 8");
            pty.send(" ");
            pty.shows("#1 has begun");
            pty.send("\x11");
            assert!(pty.ends().success());
            wait_until("the tour's network to be gone", || networks(home.path()) == 0);
        }
    }

    /// A tour that cannot begin is no reason to leave: what was under way goes on, and the screen says what is wrong and what to do.
    #[test]
    fn a_tour_that_fails_ends_nothing_of_the_user_s() {
        let home = tempfile::tempdir().unwrap();
        random_file(&home.path().join("a.bin"), 3_000_000, 1);
        let mut pty = start_with(&[], home.path(), &home.path().join("missing"));
        pty.looks_around();
        pty.send("upload a.bin\r");
        pty.shows("#1 has begun");
        for _ in 0..2 {
            pty.send("clear\r");
            wait_until("the output to be cleared", || !pty.text().contains("TMPDIR"));
            pty.send("tour\r");
            pty.shows("TMPDIR names another directory");
        }
        pty.send("\x11");
        pty.shows("  upload of a.bin");
        pty.send("y");
        pty.ends();
        assert!(pty.text().contains("cancelled and undone: #1, upload of a.bin"), "{}", pty.text());
    }
}
