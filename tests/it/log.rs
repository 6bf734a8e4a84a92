//! The log pane: what is many becomes one line, a change names its node once, and a time of it is found on the wire.

use p2p_engine::node::health::Health;
use p2p_engine::operation;
use p2p_shell::report::{Resolution, instant_of};
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::theme::{Theme, ThemeName};

use crate::dialogs::{log_in, with_users};
use crate::harness::{OPERATOR, random_file};
use crate::tui_harness::TuiHarness;

/// The texts of the log, oldest first.
fn log(tui_harness: &TuiHarness) -> Vec<String> {
    tui_harness.app.view().journal().lines().map(|line| line.text.clone()).collect()
}

/// The network of the built-in configuration with so many nodes.
fn network(nodes: u32) -> TuiHarness {
    TuiHarness::usual(nodes, (200, 60), Theme::new(ThemeName::Dark, false))
}

/// With 5 to 1000 nodes, of which none is in trouble, nearly all are alive, and the header says how many; where all are cut off, that
/// is a line for each state that they take, and one when they are back.
#[test]
fn a_mass_of_changes_is_a_line() {
    for nodes in [5, 20, 100, 1000] {
        let mut tui_harness = network(nodes);
        tui_harness.sleep(60);
        let alive =
            tui_harness.app.view().snapshot().figures.nodes.iter().filter(|node| node.seen.health == Health::Alive).count();
        assert!(alive as f64 >= 0.98 * f64::from(nodes), "{alive} of {nodes}");
        let header = tui_harness.text().lines().next().unwrap().to_owned();
        assert!(header.contains(&format!("{alive}/{nodes}")), "{header}");
        let quiet = log(&tui_harness).len();
        assert!(quiet <= 12, "{nodes} nodes: {:#?}", log(&tui_harness));
        tui_harness.keys(&["path client --loss 100%", "Enter"]);
        tui_harness.sleep(60);
        tui_harness.keys(&["path client --loss 0%", "Enter"]);
        tui_harness.sleep(60);
        let told = log(&tui_harness);
        let of = |state: &str| told[quiet..].iter().filter(|line| line.ends_with(state)).cloned().collect::<Vec<_>>();
        for state in ["SUSPECT", "DEAD", "ALIVE"] {
            let most = of(state).iter().filter_map(|line| line.split_once(" nodes ")?.0.parse::<u32>().ok()).max();
            assert!(most >= Some(nodes - nodes / 50), "{state}: {told:#?}");
            // Beside them there is what the loss of the default paths does.
            assert!(of(state).len() <= 4, "{state}: {told:#?}");
        }
        assert!(told.len() <= quiet + 20, "{told:#?}");
    }
}

/// A log without lines says so, as the other panes do.
#[test]
fn an_empty_log_says_so() {
    let mut tui_harness = network(5);
    assert!(tui_harness.pane(Pane::Log)[1].contains("Nothing has happened yet."), "{:#?}", tui_harness.pane(Pane::Log));
}

/// The segments of a node that is cut off fail together, which is a line, and says that they are tried again: where is not said, since
/// what is read may lie nowhere else.
#[test]
fn segments_that_fail_together_are_a_line() {
    let mut tui_harness = network(5);
    random_file(&tui_harness.home.path().join("a.bin"), 80 << 16, 7);
    let path = tui_harness.home.path().join("a.bin");
    let upload = operation::Upload::of_file(path, None, 0);
    tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, upload)).unwrap();
    tui_harness.sleep(10);
    tui_harness.keys(&["path client,2 --cut", "Enter"]);
    tui_harness.sleep(60);
    let told: Vec<String> = log(&tui_harness).into_iter().filter(|line| line.contains("tried again")).collect();
    assert_eq!(told.len(), 1, "{:#?}", log(&tui_harness));
    assert!(told[0].starts_with("#1 ") && told[0].ends_with(" segments failed at Node_02 and are tried again"), "{told:?}");
}

/// What is sent again fills no log, and the time of such a line is that of the packet on the wire.
#[test]
fn a_loss_in_the_log_is_found_on_the_wire() {
    let mut tui_harness = network(5);
    random_file(&tui_harness.home.path().join("a.bin"), 8 << 16, 7);
    let path = tui_harness.home.path().join("a.bin");
    tui_harness.keys(&[&format!("upload {}", path.display()), "Enter"]);
    let again: Vec<_> =
        tui_harness.app.view().journal().lines().filter(|line| line.text.contains("sent again")).cloned().collect();
    let sent: Vec<String> = (tui_harness.app.view().snapshot().figures.wire.iter())
        .filter(|packet| packet.is_retransmission)
        .map(|packet| instant_of(packet.at, Resolution::Micros))
        .collect();
    assert!(!again.is_empty() && again.len() <= sent.len() / 2, "{again:#?} of {}", sent.len());
    assert!(again.iter().any(|line| line.text.starts_with("#1 ") && line.text.contains(" packets sent again to ")), "{again:#?}");
    for line in &again {
        let time = instant_of(line.at, Resolution::Millis);
        assert!(sent.iter().any(|sent| sent.starts_with(&time)), "{time} of {sent:#?}");
    }
    tui_harness.app.focus_on(Pane::Log);
    tui_harness.keys(&["/", "sent again", "Enter", "g"]);
    // The first time of the line is that of its first packet.
    let time = again[0].time();
    assert!(time.starts_with(&instant_of(again[0].at, Resolution::Millis)));
    assert!(tui_harness.text().contains(&format!("{time} · #1 ")), "{}", tui_harness.text());
}

/// A line for what each fault did, and one for what took it back, with the glyph of its severity.
#[test]
fn each_fault_is_told() {
    for (ascii, marks) in [(false, ["!", "✗", "✓"]), (true, ["!", "X", "*"])] {
        let theme = Theme::new(ThemeName::Dark, ascii);
        let mut tui_harness = TuiHarness::configured("[network]\nloss = '0%'\n", (200, 60), theme);
        tui_harness.keys(&["kill Node_02", "Enter", "path client->Node_03 --cut", "Enter"]);
        tui_harness.sleep(30);
        tui_harness.keys(&["faults clear", "Enter"]);
        tui_harness.sleep(30);
        let text = tui_harness.text();
        for (mark, line) in [
            (marks[0], "the path client->Node_03 is cut"),
            (marks[0], "Node_02, Node_03 SUSPECT"),
            (marks[1], "Node_02, Node_03 DEAD"),
            (marks[2], "no longer: the path client->Node_03 is cut"),
            (marks[2], "Node_02, Node_03 ALIVE"),
        ] {
            assert_eq!(text.matches(&format!(" {mark} {line}")).count(), 1, "{line}: {text}");
        }
    }
}

/// A step says what was sent in it, and a change of speed what it is now, also while time is paused.
#[test]
fn a_step_and_a_speed_are_told() {
    let mut tui_harness = network(5);
    tui_harness.sleep(1);
    tui_harness.keys(&["pause", "Enter"]);
    tui_harness.app.focus_on(Pane::Nodes);
    let mut told = Vec::new();
    for _ in 0..40 {
        tui_harness.keys(&["."]);
        told.push(tui_harness.app.prompt().answer().last().unwrap().1.clone());
    }
    assert!(told.iter().any(|line| line.contains(": HEALTH_CHECK of 3 bytes from client to Node_0")), "{told:#?}");
    assert!(told.iter().all(|line| line.starts_with("step: 00:")), "{told:#?}");
    tui_harness.keys(&["-"]);
    let slower = tui_harness.app.prompt().answer().last().unwrap().1.clone();
    assert!(slower.contains("paused at 00:") && slower.ends_with("; speed 1000x"), "{slower}");
}

/// What was noted for the user before is gone, and an empty log does not say that nothing has happened at all.
#[test]
fn the_log_of_another_user_is_of_their_login_on() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&["logout", "Enter"]);
    log_in(&mut tui_harness, "bob");
    let rows = tui_harness.pane(Pane::Log);
    assert!(rows[1].contains("Nothing has happened since your login."), "{rows:#?}");
}
