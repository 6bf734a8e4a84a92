//! Lists sorted by their columns: the heading marks the column, the selection stays on its row, and the order is remembered. And the path
//! between two hosts, with the round trip of each probe.

use p2p_base::units::SimDuration;
use p2p_engine::snapshot::Peer;
use p2p_storage::tui::app::{Pane, TerminalRequest};
use p2p_storage::tui::dialog::Dialog;
use p2p_storage::tui::settings::SettingsFiles;
use p2p_storage::tui::theme::{Theme, ThemeName};

use crate::harness::random_file;
use crate::tui_harness::{SIZES, TuiHarness};

/// The numbers of the nodes in the order of the rows of a pane, below the headings.
fn nodes(tui_harness: &mut TuiHarness, pane: Pane) -> Vec<u32> {
    let rows = tui_harness.pane(pane);
    let number = |row: &String| row.split("Node_").nth(1)?.get(..2)?.parse().ok();
    rows[2..rows.len() - 1].iter().filter_map(number).collect()
}

/// The text that `y` copies of the selected row.
fn copied(tui_harness: &mut TuiHarness) -> String {
    tui_harness.keys(&["y"]);
    let requests = tui_harness.app.take_terminal_requests();
    let text = requests.into_iter().find_map(|request| if let TerminalRequest::Copy(text) = request { Some(text) } else { None });
    text.unwrap()
}

/// An upload of some seconds, with the nodes in focus and the first one selected.
fn uploading(width: u16, height: u16) -> TuiHarness {
    let mut tui_harness = TuiHarness::slow(width, height);
    tui_harness.begin_upload("video.bin", 1_500_000);
    tui_harness.watch(SimDuration::from_secs(9));
    tui_harness
}

/// The key goes from column to column and back to the numbers; what is stored is sorted by its bytes, and the column is in sight at every size.
#[test]
fn nodes_are_sorted_by_their_columns() {
    for (width, height) in SIZES {
        let mut tui_harness = uploading(width, height);
        tui_harness.press_in_pane(Pane::Nodes, &["z"]);
        let stored = |number: u32, tui_harness: &TuiHarness| {
            let nodes = &tui_harness.app.view().snapshot().figures.nodes;
            nodes.iter().find(|node| node.node.to_string() == format!("Node_0{number}")).unwrap().used_bytes.unwrap()
        };
        let marked = |tui_harness: &mut TuiHarness, heading: &str| tui_harness.pane(Pane::Nodes)[1].contains(heading);
        for heading in ["health ▲", "state ▲", "up ▼", "down ▼", "stored ▼"] {
            tui_harness.keys(&["S"]);
            assert!(marked(&mut tui_harness, heading), "{width}x{height} {heading}: {}", tui_harness.text());
        }
        let order = nodes(&mut tui_harness, Pane::Nodes);
        let bytes: Vec<u64> = order.iter().map(|&number| stored(number, &tui_harness)).collect();
        assert!(order.len() == 5 && bytes.is_sorted_by(|one, other| one >= other) && bytes[0] > bytes[4], "{order:?} {bytes:?}");
        // The first node was selected, and is so wherever it stands now.
        assert!(copied(&mut tui_harness).starts_with("Node_01 "));
        tui_harness.keys(&["I"]);
        assert!(marked(&mut tui_harness, "stored ▲"), "{}", tui_harness.text());
        let bytes: Vec<u64> = nodes(&mut tui_harness, Pane::Nodes).iter().map(|&number| stored(number, &tui_harness)).collect();
        assert!(bytes.is_sorted(), "{bytes:?}");
        tui_harness.keys(&["S", "S", "S"]);
        assert_eq!(nodes(&mut tui_harness, Pane::Nodes), [1, 2, 3, 4, 5]);
        assert!(!["▲", "▼"].iter().any(|mark| marked(&mut tui_harness, mark)));
    }
}

/// The rows of a list that is sorted by what changes move under the selection, and take it with them, while nobody touches it.
#[test]
fn the_selection_goes_with_its_node() {
    let mut tui_harness = uploading(120, 40);
    tui_harness.press_in_pane(Pane::Nodes, &["Down", "Down", "S", "S", "S", "S"]);
    let mut places = std::collections::BTreeSet::new();
    for _ in 0..12 {
        tui_harness.watch(SimDuration::from_secs(1));
        assert!(copied(&mut tui_harness).starts_with("Node_03 "), "{}", tui_harness.text());
        places.insert(tui_harness.app.row(Pane::Nodes));
    }
    assert!(places.len() > 1, "the rows have not moved");
}

/// Also by the first order that is chosen, which moves it away from where it stood by its number, and back.
#[test]
fn the_first_order_leaves_the_selection_on_its_node() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.keys(&["kill Node_05", "Enter"]);
    tui_harness.watch(SimDuration::from_secs(60));
    tui_harness.press_in_pane(Pane::Nodes, &["Down"]);
    tui_harness.draw_all();
    tui_harness.keys(&["S"]);
    tui_harness.draw_all();
    assert_eq!(nodes(&mut tui_harness, Pane::Nodes), [5, 1, 2, 3, 4], "{}", tui_harness.text());
    assert!(copied(&mut tui_harness).starts_with("Node_02 "), "{}", tui_harness.text());
    tui_harness.keys(&["S"; 7]);
    tui_harness.draw_all();
    assert_eq!(nodes(&mut tui_harness, Pane::Nodes), [1, 2, 3, 4, 5]);
    assert!(copied(&mut tui_harness).starts_with("Node_02 "), "{}", tui_harness.text());
}

#[test]
fn connections_are_sorted_and_packets_are_not() {
    let mut tui_harness = uploading(200, 60);
    tui_harness.press_in_pane(Pane::Wire, &["S"]);
    assert!(tui_harness.said().contains("Wire has an order of its own; Nodes, Files and the connections of Wire can be sorted"));
    tui_harness.keys(&["c", "S"]);
    assert!(tui_harness.pane(Pane::Wire)[1].contains("node ▲"), "{}", tui_harness.text());
    assert_eq!(nodes(&mut tui_harness, Pane::Wire), [1, 2, 3, 4, 5]);
    tui_harness.keys(&["I"]);
    assert_eq!(nodes(&mut tui_harness, Pane::Wire), [5, 4, 3, 2, 1]);
}

/// Files are sorted by their size, and the orders of all panes are there again at the next start.
#[test]
fn orders_are_remembered() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    let data = tui_harness.home.path().to_owned();
    tui_harness.app.remember_settings(SettingsFiles::new(data.clone()));
    for (name, bytes) in [("a.bin", 20_000), ("b.bin", 90_000), ("c.bin", 50_000)] {
        random_file(&data.join(name), bytes, 7);
        tui_harness.keys(&[&format!("upload {}", data.join(name).display()), "Enter"]);
    }
    tui_harness.press_in_pane(Pane::Files, &["S"]);
    tui_harness.draw_all();
    let files = |tui_harness: &mut TuiHarness| {
        let rows = tui_harness.pane(Pane::Files);
        let name = |row: &String| row.split_whitespace().find(|word| word.contains(".bin")).map(|word| word.replace('│', ""));
        (rows[1].contains("size ▼"), rows[2..].iter().filter_map(name).collect::<Vec<_>>())
    };
    assert_eq!(files(&mut tui_harness), (true, ["b.bin", "c.bin", "a.bin"].map(String::from).to_vec()));
    tui_harness.press_in_pane(Pane::Nodes, &["S", "I"]);
    let mut next = TuiHarness::dark(120, 40);
    next.app.remember_settings(SettingsFiles::new(data.clone()));
    next.app.focus_on(Pane::Nodes);
    assert!(next.pane(Pane::Nodes)[1].contains("health ▼"), "{}", next.text());
    // A filter that is cleared leaves the order.
    next.keys(&["/", "_04", "Enter", "Esc"]);
    assert!(next.pane(Pane::Nodes)[1].contains("health ▼"), "{}", next.text());
    let kept = std::fs::read_to_string(data.join("screen.json")).unwrap();
    assert!(kept.contains(r#""Files":"-size","Nodes":"-health""#), "{kept}");
}

/// Each column that a pane offers is hidden and shown again by its name, and what is hidden stays so at the next start.
#[test]
fn columns_are_chosen_and_remembered() {
    let mut tui_harness = TuiHarness::dark(250, 50);
    let data = tui_harness.home.path().to_owned();
    tui_harness.app.remember_settings(SettingsFiles::new(data.clone()));
    random_file(&data.join("a.bin"), 20_000, 7);
    tui_harness.keys(&[&format!("upload {}", data.join("a.bin").display()), "Enter"]);
    tui_harness.keys(&["path client,1 --loss 1%", "Enter"]);
    let views: [(Pane, &[&str]); 8] = [
        (Pane::Nodes, &[]),
        (Pane::Health, &[]),
        (Pane::Transfers, &[]),
        (Pane::Files, &[]),
        (Pane::Segments, &[]),
        (Pane::Segments, &["n"]),
        (Pane::Wire, &[]),
        (Pane::Wire, &["c"]),
    ];
    for (pane, keys) in views {
        tui_harness.press_in_pane(pane, keys);
        tui_harness.keys(&["z"]);
        tui_harness.draw_all();
        tui_harness.keys(&["C"]);
        let names = listed(&tui_harness);
        assert!(names.len() >= 5, "{pane:?}: {names:?}");
        for (place, name) in names.iter().enumerate() {
            let word = name.split_whitespace().last().unwrap();
            let has_it = |tui_harness: &mut TuiHarness| {
                tui_harness.keys(&["Esc"]);
                let rows = tui_harness.pane(pane);
                let has_it = rows[1].trim_matches('│').split_whitespace().any(|heading| heading == word);
                tui_harness.keys(&["C"]);
                (0..place).for_each(|_| tui_harness.keys(&["Down"]));
                has_it
            };
            assert!(has_it(&mut tui_harness), "{pane:?} {name}: {}", tui_harness.text());
            tui_harness.keys(&["Enter"]);
            assert!(!has_it(&mut tui_harness), "{pane:?} {name}: {}", tui_harness.text());
            // The list stays open at the column.
            tui_harness.keys(&["Enter", "Enter", "Enter"]);
            assert!(has_it(&mut tui_harness), "{pane:?} {name}: {}", tui_harness.text());
        }
        tui_harness.keys(&["Esc", "z"]);
    }
    tui_harness.press_in_pane(Pane::Nodes, &["C", "Enter", "Esc"]);
    let mut next = TuiHarness::dark(120, 40);
    next.app.remember_settings(SettingsFiles::new(data));
    // A filter that is cleared leaves the choice.
    next.press_in_pane(Pane::Nodes, &["/", "_04", "Enter", "Esc"]);
    assert!(!next.pane(Pane::Nodes)[1].contains("health"), "{}", next.text());
    next.press_in_pane(Pane::Log, &["C"]);
    let said = next.said();
    assert!(
        said.contains(
            "Log has no columns to choose; these panes have some: Nodes, Health, Transfers, Files, Segments, Wire, Services"
        ),
        "{said}"
    );
}

/// The names of the items of the open list.
fn listed(tui_harness: &TuiHarness) -> Vec<String> {
    let Some(Dialog::List(list)) = tui_harness.app.dialogs().last() else { panic!("no list is open") };
    list.items.iter().map(|item| item.name.clone()).collect()
}

/// A cell of the matrix opens its path: the figures of the matrix, each probe over time, and what is lost as a mark; live at every size.
#[test]
fn a_path_is_shown_over_time() {
    for (width, height) in SIZES {
        let mut tui_harness = TuiHarness::usual(5, (width, height), Theme::new(ThemeName::Dark, false));
        tui_harness.keys(&["path client,1 --loss 60%", "Enter"]);
        tui_harness.sleep(58);
        tui_harness.press_in_pane(Pane::Health, &["Enter"]);
        let text = tui_harness.text();
        let (title, figures) = (" Path client → Node_01: probes", "round trip of ");
        assert!(text.contains(title) && text.contains(figures) && text.contains("-60 s"), "{width}x{height}: {text}");
        assert!(text.contains("the path client,Node_01 has loss 60%") || text.contains("loss 60%"), "{text}");
        let health = &tui_harness.app.view().snapshot().figures.health;
        let first = health.hosts().nth(1).unwrap();
        let probes = health.probes(Peer::Client, first);
        let lost = probes.iter().filter(|probe| probe.round_trip.is_none()).count();
        assert!(
            lost > 1 && probes.len() > lost && text.contains(&format!("✕ {lost} lost")),
            "{lost} of {}: {text}",
            probes.len()
        );
        tui_harness.keys(&["Right"]);
        assert!(tui_harness.text().contains(" Path Node_01 → client: probes"), "{}", tui_harness.text());
        tui_harness.keys(&["Left"]);
        tui_harness.sleep(20);
        let later = tui_harness.text();
        assert!(later != text && later.contains("-2 min"), "{later}");
        tui_harness.keys(&["Esc"]);
        assert!(tui_harness.app.dialogs().is_empty());
    }
}
