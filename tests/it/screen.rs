//! What the screen says is true at every speed and size: rates, a frozen view, the matrix, and rows that are too narrow for all.

use crossterm::event::{KeyCode, KeyModifiers};
use p2p_base::units::SimDuration;
use p2p_engine::node::health::PeerHealth;
use p2p_engine::pace::Speed;
use p2p_engine::snapshot::Peer;
use p2p_shell::report::millis_below;
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::preset::Preset;
use p2p_storage::tui::settings::SettingsFiles;
use p2p_storage::tui::theme::{Role, Theme, ThemeName};
use p2p_store::manifest::NodeNumber;
use proptest::strategy::{Strategy, ValueTree};

use crate::program::{Home, wait_until};
use crate::pty::{Pty, program};
use crate::tui_harness::TuiHarness;

fn dark() -> Theme {
    Theme::new(ThemeName::Dark, false)
}

/// The rate that follows the first arrow, in bytes a second.
fn rate_after_arrow(text: &str) -> f64 {
    let rest = text.split(['↑', '↓']).nth(1).unwrap_or_else(|| panic!("no rate in {text}")).trim_start();
    let mut words = rest.split_whitespace();
    let number: f64 = words.next().unwrap().parse().unwrap_or_else(|_| panic!("{rest}"));
    number * if words.next().unwrap().starts_with("KiB") { 1024.0 } else { 1.0 }
}

/// The rates of a node, up and down, in bytes a second: they follow the two words for its state.
fn rates_of(row: &str) -> [f64; 2] {
    let words: Vec<&str> = row.split_whitespace().skip_while(|word| *word != "ALIVE").skip(2).collect();
    let rate = |number: &str, unit: &str| {
        number.parse::<f64>().unwrap_or_else(|_| panic!("{row}")) * if unit.starts_with("KiB") { 1024.0 } else { 1.0 }
    };
    [rate(words[0], words[1]), rate(words[2], words[3])]
}

/// At one instant of one run the header, the nodes and the chart are the same at every speed, and no rate is above what the link
/// carries.
#[test]
fn rates_are_the_same_at_every_speed() {
    let mut pictures = Vec::new();
    for speed in [Speed::REAL, Speed::Thousandths(10_000), Speed::Max] {
        let mut tui_harness = TuiHarness::new(120, 40, dark(), true);
        tui_harness.set_speed(speed);
        tui_harness.begin_upload("video.bin", 2_000_000);
        for tenths in [15, 12, 13] {
            tui_harness.watch(SimDuration::from_millis(100 * tenths));
            let text = tui_harness.text();
            let header = text.lines().next().unwrap();
            let up = rate_after_arrow(header);
            assert!((30_000.0..=65_536.0).contains(&up), "{speed}: {header}");
            for row in text.lines().filter(|line| line.contains("Node_0") && line.contains("ALIVE")) {
                let [up, down] = rates_of(row);
                assert!(up <= 65_536.0 && down <= 65_536.0, "{speed}: {row}");
            }
        }
        let text = tui_harness.text();
        assert!(text.contains("capacity 64.0 KiB/s"), "{text}");
        // The label at the top of the chart is the top: the capacity, which nothing was above.
        assert!(text.lines().any(|line| line.contains("64.0 KiB/s│")), "{text}");
        let prompt = tui_harness.app.workspace().area_of(Pane::Prompt).unwrap();
        let panes: Vec<String> =
            text.lines().take(usize::from(prompt.y)).map(|line| line.replace(&format!("▶ {speed}"), "")).collect();
        pictures.push(panes.join("\n"));
    }
    assert_eq!(pictures[0], pictures[1]);
    assert_eq!(pictures[0], pictures[2]);
}

/// Ten frames a second show a transfer, five a network at rest, and none a view that is frozen.
#[test]
fn frames_are_drawn_as_often_as_something_moves() {
    let mut tui_harness = TuiHarness::new(120, 40, dark(), true);
    tui_harness.set_speed(Speed::REAL);
    tui_harness.settle();
    let interval = |tui_harness: &TuiHarness| tui_harness.app.view().frame_interval().map(|interval| interval.as_millis());
    assert_eq!(interval(&tui_harness), Some(200));
    tui_harness.begin_upload("video.bin", 2_000_000);
    tui_harness.watch(SimDuration::from_millis(100));
    assert_eq!(interval(&tui_harness), Some(100));
    tui_harness.press_in_pane(Pane::Transfers, &["f"]);
    assert_eq!(interval(&tui_harness), None);
    tui_harness.press(&["f"]);
    assert_eq!(interval(&tui_harness), Some(100));
}

/// All of a frozen view shows one instant; when it goes on it is as if it had never stood still.
#[test]
fn a_frozen_view_stands_still_as_a_whole() {
    let panes = |tui_harness: &mut TuiHarness| {
        let (text, prompt) = (tui_harness.text(), tui_harness.app.workspace().area_of(Pane::Prompt).unwrap());
        text.lines().take(usize::from(prompt.y)).map(str::to_owned).collect::<Vec<_>>()
    };
    let [mut frozen, mut other] = [(); 2].map(|()| {
        let mut tui_harness = TuiHarness::new(120, 40, dark(), true);
        tui_harness.begin_upload("video.bin", 1_000_000);
        tui_harness.watch(SimDuration::from_secs(3));
        tui_harness.keys(&["Shift-Tab"]);
        tui_harness
    });
    frozen.keys(&["f"]);
    let before = panes(&mut frozen);
    assert!(before[0].contains("FROZEN"), "{}", before[0]);
    for tui_harness in [&mut frozen, &mut other] {
        tui_harness.begin_upload("other.bin", 100_000);
        tui_harness.watch(SimDuration::from_secs(4));
    }
    assert_eq!(panes(&mut frozen), before);
    assert_ne!(panes(&mut other)[0], before[0]);
    frozen.keys(&["f"]);
    assert_eq!(panes(&mut frozen), panes(&mut other));
    assert!(frozen.app.view().journal().lines().any(|line| line.text.contains("other.bin began")));
}

/// The rows of the matrix of round trips: who asks, and what is said of each.
fn matrix(tui_harness: &mut TuiHarness) -> (String, Vec<String>) {
    let text = tui_harness.text();
    let area = tui_harness.app.workspace().area_of(Pane::Health).unwrap();
    let part = |line: &str| line.chars().skip(usize::from(area.x)).take(usize::from(area.width)).collect::<String>();
    let lines: Vec<String> = text.lines().skip(usize::from(area.y)).take(usize::from(area.height)).map(part).collect();
    (lines[0].clone(), lines[1..lines.len() - 1].to_vec())
}

/// The matrix of the usual five nodes is whole; one that is larger says how much of it is shown, and follows the selection.
#[test]
fn the_matrix_is_whole_or_says_what_is_shown() {
    for (width, height) in [(120, 40), (200, 60), (120, 34)] {
        let mut tui_harness = TuiHarness::dark(width, height);
        tui_harness.ask_aside("health");
        let (title, rows) = matrix(&mut tui_harness);
        assert!(title.contains("Health: last round trip, ms"), "{title}");
        for row in ["cl", "01", "02", "03", "04", "05"] {
            let found = rows[1..].iter().find(|line| line.trim_start_matches('│').trim_start().starts_with(row));
            let found = found.unwrap_or_else(|| panic!("no row {row} at {width}x{height}: {rows:#?}"));
            // Where there is room, the figures of the client's probes stand beside the matrix.
            assert!(found.trim_matches('│').split_whitespace().count() >= 7, "{found}");
        }
    }
    let mut tui_harness = TuiHarness::with_nodes(20, 120, 40);
    tui_harness.ask_aside("health");
    let (title, rows) = matrix(&mut tui_harness);
    assert!(title.contains("7x6 of 21 hosts") && rows[1].contains("cl") && !rows[0].contains("07"), "{title} {rows:#?}");
    tui_harness.app.focus_on(Pane::Health);
    (0..12).for_each(|_| tui_harness.press(&["Down", "Right"]));
    let (title, rows) = matrix(&mut tui_harness);
    assert!(title.contains("x6 of 21 hosts") && rows[0].contains(" 13") && !rows[0].contains("cl"), "{title} {rows:#?}");
    assert!(rows.iter().any(|row| row.trim_start_matches('│').trim_start().starts_with("12 ")), "{rows:#?}");
    assert!(tui_harness.text().contains(" Node_12->Node_13 "), "{}", tui_harness.text());
    // What is opened is what is marked.
    tui_harness.keys(&["Enter"]);
    assert!(tui_harness.text().contains(" Path Node_12 → Node_13: "), "{}", tui_harness.text());
}

/// The matrix of many nodes goes to the last of them both ways, with the round trips between the client and each, and with those that the
/// last node has measured to others.
#[test]
fn the_matrix_of_many_nodes_reaches_all_of_them() {
    for (nodes, last) in [(200, "200"), (1_000, "1000")] {
        let mut tui_harness = TuiHarness::with_nodes(nodes, 120, 40);
        tui_harness.sleep(30);
        tui_harness.app.focus_on(Pane::Health);
        tui_harness.press(&["G", "Left"]);
        let (title, rows) = matrix(&mut tui_harness);
        assert!(title.contains(&format!(" of {}", nodes + 1)), "{title}");
        let is_last = |row: &&String| row.trim_start_matches('│').starts_with(&format!("{last} "));
        assert_eq!(rows.iter().position(|row| is_last(&row)), Some(rows.len() - 1), "{rows:#?}");
        assert!(tui_harness.text().contains(&format!(" Node_{last}->client ")), "{}", tui_harness.text());
        tui_harness.press(&["g"]);
        (0..nodes).for_each(|_| tui_harness.press(&["Right"]));
        let (_, rows) = matrix(&mut tui_harness);
        assert!(rows[0].trim_end_matches(['│', '█', '▲', '▼', ' ']).ends_with(&format!(" {last}")), "{rows:#?}");
        let row = rows.iter().find(|row| row.trim_start_matches('│').trim_start().starts_with("cl ")).unwrap();
        assert!(row.split_whitespace().filter(|word| word.parse::<f64>().is_ok()).count() > 3, "{rows:#?}");
        assert!(tui_harness.text().contains(&format!(" client->Node_{last} ● ALIVE ")), "{}", tui_harness.text());
        check_last_row(&mut tui_harness, NodeNumber::from_index(usize::from(nodes) - 1));
    }
}

/// The row of the last node shows what it has measured, each round trip as the snapshot has it, and of another node that it was not
/// probed.
fn check_last_row(tui_harness: &mut TuiHarness, last: NodeNumber) {
    let from = Peer::Node(last);
    let row: Vec<_> = tui_harness.app.view().snapshot().figures.health.row(from).collect();
    let measured = |(peer, seen): &(Peer, PeerHealth)| Some((*peer, seen.recent.last?));
    let nodes: Vec<_> = row.iter().filter_map(measured).filter(|(peer, _)| *peer != Peer::Client).collect();
    assert!((3..=7).contains(&nodes.len()), "{from} probes another node every five seconds: {nodes:?}");
    let beyond = |peer: &Peer| matches!(peer, Peer::Node(node) if node.index() > 64);
    assert!(nodes.iter().any(|(peer, _)| beyond(peer)), "{nodes:?}");
    let unprobed = Peer::Node(
        (0..last.index())
            .map(NodeNumber::from_index)
            .find(|&node| row.iter().all(|(peer, _)| *peer != Peer::Node(node)))
            .unwrap(),
    );
    let said = nodes.iter().map(|&(to, time)| (to, format!(" {from}->{to} ● ALIVE {} ms", millis_below(time, 100))));
    for (to, said) in said.chain([(unprobed, format!(" {from}->{unprobed} not probed so far"))]) {
        let Peer::Node(node) = to else { panic!("{to}") };
        tui_harness.press(&["g", "G"]);
        (0..=last.index()).for_each(|_| tui_harness.press(&["Left"]));
        (0..=node.index()).for_each(|_| tui_harness.press(&["Right"]));
        assert!(tui_harness.text().contains(&said), "{said:?}: {}", tui_harness.text());
    }
}

/// The frame of the matrix cuts nothing that it says: the legend with the marks of what is broken, and the line about a cell. Its figures
/// are those of `health`, which tells lost probes as such.
#[test]
fn the_frame_of_the_matrix_is_whole() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.keys(&["path client->1 --delay 300ms; path client->2 --loss 99%; path client->3 --duplicate 5%", "Enter"]);
    tui_harness.ask_aside("health");
    tui_harness.ask_aside("health");
    let answer = tui_harness.said();
    assert!(answer.contains(" lost") && !answer.contains("✕ ALIVE"), "{answer}");
    let foot = tui_harness.pane(Pane::Health).last().unwrap().clone();
    assert!(foot.contains(" ≤0.1 ≤1 >1 s %lossy ~slow +odd ") && !foot.contains('…'), "{foot}");
    tui_harness.press_in_pane(Pane::Health, &["Down", "Down"]);
    let foot = tui_harness.pane(Pane::Health).last().unwrap().clone();
    assert!(foot.contains(" Node_02->Node_01 ● ALIVE 2.0 ms ") && !foot.contains('…'), "{foot}");
}

/// The panes of the last frame fill the screen between header and hints, one line for the tabs at most excepted, and none lies on
/// another.
fn check_areas(tui_harness: &TuiHarness, width: u16, height: u16) {
    let areas = tui_harness.app.workspace().areas();
    let cells: u32 = areas.iter().map(|(_, area)| area.area()).sum();
    let body = u32::from(width) * u32::from(height - 2);
    assert!(cells == body || cells == body - u32::from(width), "{width}x{height}: {areas:?}");
    for (number, (pane, area)) in areas.iter().enumerate() {
        assert!(areas[..number].iter().all(|(_, other)| !other.intersects(*area)), "{width}x{height} {pane:?}: {areas:?}");
    }
}

fn resize(tui_harness: &mut TuiHarness, width: u16, height: u16) {
    tui_harness.screen = ratatui::Terminal::new(ratatui::backend::TestBackend::new(width, height)).unwrap();
}

/// At every size, with few and many nodes and transfers, the panes fill the screen, and a pane that lacks rows says so.
#[test]
fn every_size_has_its_layout() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for nodes in [1, 5, 40] {
        let mut tui_harness = TuiHarness::with_nodes(nodes, 80, 24);
        for transfers in [0, 1, 9] {
            (0..transfers).for_each(|number| tui_harness.begin_upload(&format!("{transfers}-{number}.bin"), 200_000));
            tui_harness.settle();
            let some = proptest::collection::vec((60u16..=300, 16u16..=100), 20).new_tree(&mut runner).unwrap().current();
            let usual = [(60, 16), (80, 24), (90, 50), (100, 30), (120, 40), (200, 60), (250, 20), (300, 100)];
            for (width, height) in usual.into_iter().chain(some) {
                resize(&mut tui_harness, width, height);
                for pane in Pane::ALL {
                    tui_harness.app.focus_on(pane);
                    let text = tui_harness.text();
                    check_areas(&tui_harness, width, height);
                    let area = tui_harness.app.workspace().area_of(pane).unwrap_or_else(|| panic!("no {pane:?}: {text}"));
                    let shown = (1..=nodes).filter(|node| text.contains(&format!("Node_{node:02} ALIVE"))).count();
                    let is_marked = text.contains(&format!(" Nodes: {shown} of {nodes} ")) && text.contains('┃');
                    assert!(pane != Pane::Nodes || shown == usize::from(nodes) || is_marked, "{area} {text}");
                }
            }
        }
    }
}

/// The sizes at which all panes are seen at once, and the smallest ones, at which the others are named.
#[test]
fn panes_that_fit_are_shown() {
    let mut tui_harness = TuiHarness::dark(80, 24);
    for (width, height, count) in
        [(60, 16, 3), (80, 24, 5), (90, 50, 8), (100, 30, 7), (120, 40, 7), (200, 60, 8), (250, 20, 7), (300, 100, 8)]
    {
        resize(&mut tui_harness, width, height);
        let text = tui_harness.text();
        let shown = tui_harness.app.workspace().areas().len();
        assert_eq!(shown, count, "{width}x{height}: {text}");
        assert_eq!(text.contains(" Nodes   Health   Transfers   Files   Segments   Wire   Log"), count < 7, "{text}");
    }
}

/// Presets show what they are for, and a pane that has the keys is always shown.
#[test]
fn presets_show_what_they_are_for() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    let shown = |tui_harness: &mut TuiHarness| {
        tui_harness.draw();
        let mut panes: Vec<Pane> = tui_harness.app.workspace().areas().iter().map(|(pane, _)| *pane).collect();
        panes.sort();
        panes
    };
    tui_harness.key(KeyCode::F(3), KeyModifiers::NONE);
    assert_eq!(shown(&mut tui_harness), [Pane::Transfers, Pane::Segments, Pane::Wire, Pane::Log, Pane::Prompt]);
    assert!(tui_harness.text().contains(" transfer\n"), "{}", tui_harness.text());
    tui_harness.key(KeyCode::F(4), KeyModifiers::NONE);
    tui_harness.app.focus_on(Pane::Segments);
    assert_eq!(
        shown(&mut tui_harness),
        [Pane::Nodes, Pane::Health, Pane::Transfers, Pane::Segments, Pane::Wire, Pane::Log, Pane::Prompt]
    );
    tui_harness.app.focus_on(Pane::Wire);
    assert!(!shown(&mut tui_harness).contains(&Pane::Segments));
    tui_harness.key(KeyCode::F(5), KeyModifiers::NONE);
    assert!(shown(&mut tui_harness).contains(&Pane::Files));
    // Of the overview, the files are left out where there is no room for all.
    tui_harness.key(KeyCode::F(2), KeyModifiers::NONE);
    let all_but = |left: &[Pane]| Pane::ALL.into_iter().filter(|pane| !left.contains(pane)).collect::<Vec<_>>();
    assert_eq!(shown(&mut tui_harness), all_but(&[Pane::Files, Pane::Services]));
    resize(&mut tui_harness, 120, 50);
    // Nothing is served.
    assert_eq!(shown(&mut tui_harness), all_but(&[Pane::Services]));
}

/// The preset and the filters are there again in the next run.
#[test]
fn the_layout_is_remembered() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    let data = tui_harness.home.path().to_owned();
    tui_harness.app.remember_settings(SettingsFiles::new(data.clone()));
    tui_harness.key(KeyCode::F(4), KeyModifiers::NONE);
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["/", "_04", "Enter"]);
    let mut next = TuiHarness::dark(120, 40);
    next.app.remember_settings(SettingsFiles::new(data.clone()));
    assert_eq!((next.app.workspace().preset(), next.app.filter(Pane::Nodes)), (Preset::Network, "_04"));
    tui_harness.keys(&["Esc"]);
    let mut third = TuiHarness::dark(120, 40);
    third.app.remember_settings(SettingsFiles::new(data));
    assert_eq!(third.app.filter(Pane::Nodes), "");
}

/// The prompt has room for an answer while it has the keys, and gives it back; it fills the screen if that is asked for.
#[test]
fn the_prompt_grows_for_an_answer() {
    for (width, height, least) in [(80, 24, 10), (120, 40, 12), (200, 60, 20)] {
        let mut tui_harness = TuiHarness::dark(width, height);
        let rows = |tui_harness: &mut TuiHarness| {
            tui_harness.draw();
            tui_harness.app.workspace().area_of(Pane::Prompt).unwrap().height
        };
        let before = rows(&mut tui_harness);
        tui_harness.keys(&["help", "Enter"]);
        let grown = rows(&mut tui_harness);
        assert!(grown >= least && grown <= height / 2 && before < grown, "{width}x{height}: {before} {grown}");
        check_areas(&tui_harness, width, height);
        tui_harness.app.focus_on(Pane::Nodes);
        assert_eq!(rows(&mut tui_harness), before);
        tui_harness.app.focus_on(Pane::Prompt);
        tui_harness.keys(&["echo short", "Enter"]);
        assert_eq!(rows(&mut tui_harness), before);
        tui_harness.key(KeyCode::F(6), KeyModifiers::NONE);
        assert_eq!(rows(&mut tui_harness), height - 2);
        tui_harness.keys(&["Esc"]);
        assert_eq!(rows(&mut tui_harness), before);
    }
}

/// How a transfer stands is never cut off, and the keys for help and for leaving are always shown.
#[test]
fn what_matters_is_never_cut_off() {
    let mut tui_harness = TuiHarness::new(80, 24, dark(), true);
    tui_harness.begin_upload("a-file-with-a-very-long-name-日本語.bin", 700_000);
    tui_harness.watch(SimDuration::from_secs(5));
    for (width, height) in [(60, 16), (66, 20), (80, 24), (90, 50), (100, 34), (120, 40), (200, 60)] {
        tui_harness.screen = ratatui::Terminal::new(ratatui::backend::TestBackend::new(width, height)).unwrap();
        for pane in Pane::ALL {
            tui_harness.app.focus_on(Pane::Transfers);
            tui_harness.app.focus_on(pane);
            let text = tui_harness.text();
            let row =
                text.lines().find(|line| line.contains("#1 ↑ a-file")).unwrap_or_else(|| panic!("{width}x{height}: {text}"));
            assert!(row.trim_end_matches([' ', '│']).ends_with(" running") && row.contains(" %"), "{width}x{height}: {row}");
            let hints = text.lines().last().unwrap();
            assert!(hints.contains("F1 help") && hints.contains("Ctrl-Q quit"), "{width}x{height}: {hints}");
            assert!(width < 80 || (row.contains("eta ") && row.contains("KiB/s")), "{width}x{height}: {row}");
        }
    }
    // Segments come through long before one is stored: the first packets are seen.
    let text = tui_harness.text();
    assert!(text.contains('▒'), "{text}");
}

/// Each pane has a filter of its own, which applies while it is typed, and which Esc takes away before it leaves the pane.
#[test]
fn each_pane_has_its_own_filter() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["/", "_04"]);
    let text = tui_harness.text();
    assert!(text.contains(" Nodes /_04_ ") && text.contains("Node_04 ALIVE") && !text.contains("Node_01 ALIVE"), "{text}");
    tui_harness.app.on_input(crossterm::event::Event::Paste("x".into()));
    assert_eq!((tui_harness.app.filter(Pane::Nodes), tui_harness.app.prompt().editor.text()), ("_04x", ""));
    tui_harness.keys(&["Ctrl-U", "_04", "Enter"]);
    tui_harness.app.focus_on(Pane::Log);
    tui_harness.keys(&["/", "nothing like it", "Enter"]);
    tui_harness.app.focus_on(Pane::Nodes);
    let text = tui_harness.text();
    assert!(text.contains(" Nodes /_04 ") && text.contains(" Log /nothing like it "), "{text}");
    tui_harness.keys(&["Esc"]);
    let text = tui_harness.text();
    assert!(text.contains("Node_01 ALIVE") && text.contains(" Log /nothing like it "), "{text}");
    assert_eq!(tui_harness.app.workspace().focus(), Pane::Nodes);
    tui_harness.keys(&["Esc"]);
    assert_eq!(tui_harness.app.workspace().focus(), Pane::Prompt);
}

/// What can be done with the selected row stands in a menu, and what of it has a key in the hint line as well.
#[test]
fn a_row_says_what_can_be_done_with_it() {
    let mut tui_harness = TuiHarness::new(120, 40, dark(), true);
    tui_harness.app.focus_on(Pane::Transfers);
    tui_harness.keys(&["x"]);
    assert!(tui_harness.app.dialogs().is_empty() && !tui_harness.text().contains("x act"), "there is no row yet");
    tui_harness.begin_upload("video.bin", 2_000_000);
    tui_harness.watch(SimDuration::from_secs(3));
    let text = tui_harness.text();
    assert!(text.contains("d cancel") && text.contains("x act"), "{text}");
    tui_harness.keys(&["x"]);
    let text = tui_harness.text();
    assert!(text.contains("list its segments") && text.contains("segments 1") && text.contains("cancel 1"), "{text}");
    tui_harness.keys(&["segments", "Enter"]);
    assert!(tui_harness.text().contains(" segments 1 "), "{}", tui_harness.text());
    tui_harness.keys(&["Esc", "d"]);
    assert!(tui_harness.text().contains("#1, upload of video.bin: cancelled"), "{}", tui_harness.text());
    assert!(!tui_harness.text().contains("d cancel"), "what is over cannot be cancelled");
}

/// What the program prints on a terminal of a width: every row of what is on the screen when it has ended.
fn printed(home: &Home, columns: u16, arguments: &[&str]) -> Vec<String> {
    let mut command = program(&home.path(""), arguments);
    command.cwd(home.path(""));
    let mut pty = Pty::start_in(command, columns, 60);
    assert!(pty.ends().success(), "{}", pty.text());
    // What it has written last may be on its way yet.
    let rows = || pty.screen.lock().unwrap().screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect::<Vec<_>>();
    wait_until("the table", || rows().iter().any(|row| row.starts_with('└')));
    rows()
}

/// Tables fit into the terminal, whole words and whole figures in every cell, and there is one line for each transfer's progress.
#[test]
fn tables_and_bars_fit_the_terminal() {
    for columns in [80, 60, 120] {
        let home = Home::new("");
        home.file("some-file.bin", 300_000);
        for arguments in [
            &["put", "some-file.bin", "--speed", "40x"][..],
            &["get", "some-file.bin", "-o", "o", "--speed", "40x"],
            &["nodes"],
            &["ls"],
        ] {
            let rows = printed(&home, columns, arguments);
            let drawn = |row: &&String| row.starts_with(['┌', '│', '╞', '├', '└']);
            let table: Vec<&String> = rows.iter().filter(drawn).collect();
            let width = table[0].chars().count();
            assert!(
                table.len() >= 4 && table.iter().all(|row| row.chars().count() == width),
                "{columns} {arguments:?}: {rows:#?}"
            );
            let text = table.iter().map(|row| row.as_str()).collect::<Vec<_>>().join("\n");
            let words: &[&str] =
                if arguments[0] == "nodes" { &["Node_01", "Node_05", "ALIVE", " ms "] } else { &["some-file.bin", "293.0 KiB"] };
            assert!(words.iter().all(|word| text.contains(word)), "{columns} {arguments:?}:\n{text}");
            let bars = rows.iter().filter(|row| row.contains("load of some")).count();
            assert_eq!(bars, usize::from(arguments.contains(&"--speed")), "{columns} {arguments:?}: {rows:#?}");
        }
    }
}

/// The seconds in which the link of a node was full are told by their colour, and no others.
#[test]
fn full_seconds_of_a_link_have_a_colour() {
    let mut tui_harness = TuiHarness::slow(200, 60);
    tui_harness.keys(&["link 1 --bandwidth 8KiB/s", "Enter"]);
    tui_harness.begin_upload("video.bin", 1_500_000);
    tui_harness.watch(SimDuration::from_secs(12));
    let buffer = tui_harness.draw();
    let area = tui_harness.app.workspace().area_of(Pane::Nodes).unwrap();
    let warning = dark().style(Role::Warning).fg.unwrap();
    let cells = area.positions().map(|position| &buffer[position]).filter(|cell| "▁▂▃▄▅▆▇█".contains(cell.symbol()));
    let colours: Vec<(bool, bool)> = cells.map(|cell| (cell.symbol() == "█", cell.fg == warning)).collect();
    assert!(colours.contains(&(true, true)) && colours.contains(&(false, false)), "{}", tui_harness.text());
    assert!(colours.iter().all(|(is_full, is_told)| is_full == is_told), "{}", tui_harness.text());
}
