//! Breaking and mending from the screen: the menu of faults drives the real engine, and the panes show what is broken.

use p2p_base::units::SimDuration;
use p2p_engine::operation;
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::theme::Role;

use crate::dialogs::{log_in, with_users};
use crate::harness::{OPERATOR, random_file};
use crate::tui_harness::TuiHarness;

fn header(tui_harness: &mut TuiHarness) -> String {
    tui_harness.text().lines().next().unwrap().to_owned()
}

/// The commands that the open menu shows.
fn lines(tui_harness: &TuiHarness) -> Vec<String> {
    tui_harness.menu().into_iter().map(|(_, line)| line).collect()
}

/// What the last command has answered.
fn answer(tui_harness: &TuiHarness) -> Vec<(Role, String)> {
    tui_harness.app.prompt().answer().to_vec()
}

/// A path is cut from its cell of the matrix, is seen to be cut there, on the map, in the header and in the log, and is healed from
/// the same menu.
#[test]
fn a_path_is_cut_and_healed_from_its_cell() {
    for (width, height) in [(120, 40), (80, 24), (200, 60)] {
        let mut tui_harness = TuiHarness::dark(width, height);
        tui_harness.keys(&["health", "Enter"]);
        tui_harness.app.focus_on(Pane::Health);
        tui_harness.keys(&["Down", "Right", "x"]);
        assert!(lines(&tui_harness).contains(&"path Node_01->Node_02 --cut".to_owned()), "{:?}", lines(&tui_harness));
        tui_harness.keys(&["this way --cut", "Enter"]);
        let matrix = tui_harness.pane(Pane::Health);
        let row = |name: &str| matrix.iter().find(|line| line.starts_with(&format!("│{name} "))).unwrap().clone();
        assert_eq!(row("01").split_whitespace().nth(3), Some("cut"), "{matrix:#?}");
        assert!(!row("02").contains("cut") && !row("cl").contains("cut"), "{matrix:#?}");
        assert!(matrix.last().unwrap().contains("Node_01->Node_02 cut 00:00 ago"), "{matrix:#?}");
        assert!(header(&mut tui_harness).contains("│ 1 fault on"), "{}", header(&mut tui_harness));
        let said = answer(&tui_harness);
        assert!(said[0].1.contains("path Node_01->Node_02 --cut"), "the line is told: {said:?}");
        let told = tui_harness.app.view().journal().lines().any(|line| line.text == "the path Node_01->Node_02 is cut");
        assert!(told);
        tui_harness.keys(&["m"]);
        assert!(tui_harness.pane(Pane::Health).concat().contains('╳'));
        tui_harness.keys(&["m", "x", "take back: the path", "Enter"]);
        assert!(!tui_harness.pane(Pane::Health).concat().contains("cut"), "{}", tui_harness.text());
        assert!(!header(&mut tui_harness).contains("fault"));
    }
}

/// What a node knew of the others before it was killed is not shown as if it were so now.
#[test]
fn a_killed_node_has_no_round_trips() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.watch(SimDuration::from_secs(60));
    let figures = |tui_harness: &mut TuiHarness| {
        let matrix = tui_harness.pane(Pane::Health);
        let row = matrix.iter().find(|line| line.starts_with("│02 ")).unwrap().replace('│', " ");
        row.split_whitespace().skip(1).filter(|cell| cell.chars().any(|c| c.is_ascii_digit())).count()
    };
    assert_eq!(figures(&mut tui_harness), 5, "{}", tui_harness.text());
    tui_harness.keys(&["kill Node_02", "Enter"]);
    assert_eq!(figures(&mut tui_harness), 0, "{}", tui_harness.text());
    tui_harness.press_in_pane(Pane::Health, &["Down", "Down"]);
    assert!(
        tui_harness.pane(Pane::Health).last().unwrap().contains("Node_02->Node_01 Node_02 not running"),
        "{}",
        tui_harness.text()
    );
}

/// One key takes all faults back, once it was asked for; each kind has its mark in the matrix, and the legend explains it.
#[test]
fn one_key_heals_all() {
    let mut tui_harness = TuiHarness::dark(200, 60);
    tui_harness.keys(&["health; path client->1 --delay 300ms; path client->2 --loss 20%; path 3 --duplicate 5%", "Enter"]);
    let matrix = tui_harness.pane(Pane::Health);
    let row = matrix.iter().find(|line| line.starts_with("│cl ")).unwrap();
    for mark in [" ~", " %", " +"] {
        assert!(row.contains(mark), "{mark}: {matrix:#?}");
    }
    // A host has no path to itself, whatever is said of all its paths.
    let own = matrix.iter().find(|line| line.starts_with("│03 ")).unwrap();
    assert!(own.contains(" +") && own.contains(" ·") && !own.contains("+·"), "{matrix:#?}");
    let legend = matrix.last().unwrap();
    assert!(legend.contains("≤100 ≤1000 >1000 ms %lossy ~slow +odd"), "{legend}");
    assert!(header(&mut tui_harness).contains("3 faults on"));
    tui_harness.app.focus_on(Pane::Nodes);
    assert!(tui_harness.text().contains("all paths 5% duplicated 00:0"), "{}", tui_harness.text());
    tui_harness.press(&["H"]);
    assert!(tui_harness.text().contains("3 faults are on. Take all back with `faults clear`?"), "{}", tui_harness.text());
    assert!(tui_harness.text().contains(" y: yes, n or Enter: no "), "{}", tui_harness.text());
    for no in ["n", "Enter"] {
        tui_harness.keys(&[no]);
        assert!(header(&mut tui_harness).contains("3 faults on"));
        assert_eq!(tui_harness.app.prompt().output.last().unwrap().1, "no fault is taken back");
        tui_harness.press(&["H"]);
    }
    tui_harness.press(&["Esc"]);
    tui_harness.press(&["H"]);
    tui_harness.keys(&["y"]);
    assert!(!header(&mut tui_harness).contains("fault"), "{}", tui_harness.text());
    assert!(answer(&tui_harness).iter().any(|(_, line)| line == "3 faults taken back:"), "{:?}", answer(&tui_harness));
    // The whole answer is seen although a pane has the keys, and each of its lines says what has become of the fault.
    assert_eq!(tui_harness.app.workspace().focus(), Pane::Nodes);
    let prompt = tui_harness.pane(Pane::Prompt).join("\n");
    assert!(prompt.contains("3 faults taken back:") && prompt.matches("│no longer: ").count() == 3, "{prompt}");
    // Where none is on, nothing is asked.
    tui_harness.keys(&["H"]);
    assert!(tui_harness.app.dialogs().is_empty());
}

/// The entries of the menu of the row of a node, by their names and the commands that they show.
fn menu_of(tui_harness: &mut TuiHarness, down: usize) -> Vec<(String, String)> {
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["g"]);
    (0..down).for_each(|_| tui_harness.press(&["Down"]));
    tui_harness.keys(&["x"]);
    let entries = tui_harness.menu();
    tui_harness.press(&["Esc"]);
    entries
}

/// The inverses among the entries of a menu.
fn inverses(entries: &[(String, String)]) -> Vec<(&str, &str)> {
    entries.iter().filter_map(|(name, line)| Some((name.strip_prefix("take back: ")?, line.as_str()))).collect()
}

/// What takes all faults back stands first where some of them are those of the row, and last elsewhere: the first entry is about the row.
#[test]
fn what_is_about_the_row_stands_first() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.keys(&["kill 3; link client --queue 5", "Enter"]);
    let healthy = menu_of(&mut tui_harness, 0);
    let all = ("take back: all that is on, 2 faults".to_owned(), String::new());
    assert_eq!((healthy[2].0.as_str(), healthy.last().unwrap()), ("kill its process", &all));
    let killed = menu_of(&mut tui_harness, 2);
    assert_eq!(killed[2..4], [("take back: Node_03 is killed".into(), "start Node_03".into()), all]);
}

/// The menu has the inverse of each fault that is on at the row, named by what it takes back, once, and no other; what it says of their
/// number is what the header, the answers and the log say.
#[test]
fn the_menu_has_the_inverses_of_what_is_on() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["g", "x", "cut off from all", "Enter"]);
    let told = "5 paths between 6 hosts are cut; `heal` takes that back";
    assert_eq!(answer(&tui_harness).last().unwrap().1, told);
    tui_harness.keys(&["Esc", "kill 1; link 1 --queue 5; path 2 --loss 5%; faults apply slow-wan 1", "Enter"]);
    assert!(header(&mut tui_harness).contains("│ 9 faults on"), "{}", header(&mut tui_harness));
    let paths = ["client,Node_01", "Node_01,Node_02", "Node_01,Node_03", "Node_01,Node_04", "Node_01,Node_05"];
    let cuts: Vec<(String, String)> =
        paths.iter().map(|path| (format!("the path {path} is cut"), format!("heal {path}"))).collect();
    let entries = menu_of(&mut tui_harness, 0);
    let mut expected: Vec<(&str, &str)> = vec![("Node_01 is killed", "start Node_01")];
    let added = inverses(&entries).into_iter().filter(|(what, _)| what.contains("link of Node_01")).collect::<Vec<_>>();
    assert!(!added.is_empty(), "{entries:#?}");
    expected.extend(added);
    expected.extend(cuts.iter().map(|(what, line)| (what.as_str(), line.as_str())));
    expected.push(("all paths of Node_01 have delay 80ms..120ms, loss 0.5%", "path Node_01 --clear"));
    let found = inverses(&entries);
    assert!(expected.iter().all(|entry| found.contains(entry)), "{found:#?}");
    let whole = ("all of Node_01, 8 faults", "faults clear Node_01");
    assert_eq!(found[found.len() - 2..], [whole, ("all that is on, 9 faults", "")], "{found:#?}");
    let mut names: Vec<&str> = found.iter().map(|(what, _)| *what).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), found.len()), (expected.len() + 2, expected.len() + 2), "{found:#?}");
    // Each of them takes back what it names.
    for (what, line) in found[..found.len() - 2].iter().map(|(what, line)| (what.to_string(), line.to_string())) {
        tui_harness.app.focus_on(Pane::Prompt);
        tui_harness.keys(&[&line, "Enter"]);
        let left = menu_of(&mut tui_harness, 0);
        assert!(!inverses(&left).iter().any(|(left, _)| *left == what), "{what}: {left:#?}");
    }
    assert_eq!(inverses(&menu_of(&mut tui_harness, 0)), [("all that is on, 1 fault", "")]);
}

/// Of very many faults of a row the menu has the first ones, says how many there are beside them, and takes all back at once.
#[test]
fn the_menu_of_a_large_partition_is_short() {
    let mut tui_harness = TuiHarness::with_nodes(40, 120, 40);
    let others: Vec<String> = (2..=40).map(|node| node.to_string()).collect();
    tui_harness.keys(&[&format!("partition 1|client,{}", others.join(",")), "Enter"]);
    assert_eq!(answer(&tui_harness).last().unwrap().1, "40 paths between 41 hosts are cut; `heal` takes that back");
    let entries = menu_of(&mut tui_harness, 0);
    let found = inverses(&entries);
    assert_eq!((found.len(), found.last()), (21, Some(&("all of Node_01, 40 faults", "faults clear Node_01"))), "{found:#?}");
    assert!(entries.iter().any(|(name, line)| name == "20 more, in the list of faults" && line == "faults"), "{entries:#?}");
    tui_harness.keys(&["x", "all of Node_01", "Enter"]);
    let said: Vec<String> = answer(&tui_harness).into_iter().map(|(_, line)| line).collect();
    assert!(said.contains(&"40 faults taken back:".to_owned()) && said.last().unwrap() == "and 20 more", "{said:#?}");
}

/// A cut is told and counted alike wherever it is: the path between two hosts is one, with its two directions.
#[test]
fn paths_are_counted_alike_everywhere() {
    let mut tui_harness = TuiHarness::dark(200, 60);
    let said = |tui_harness: &mut TuiHarness, line: &str| {
        // What happens at one instant is one entry of the log.
        tui_harness.sleep(1);
        tui_harness.keys(&[line, "Enter"]);
        let answer = answer(tui_harness).last().unwrap().1.clone();
        let logged = tui_harness.app.view().journal().lines().next_back().unwrap().text.clone();
        (answer, logged)
    };
    let paths = "5 paths between 6 hosts are cut".to_owned();
    let undone = format!("{paths}; `heal` takes that back");
    assert_eq!(said(&mut tui_harness, "partition 1|client,2,3,4,5"), (undone, paths));
    let (answer, logged) = said(&mut tui_harness, "partition 2->3,4");
    assert_eq!(answer, "the paths Node_02->Node_03 and Node_02->Node_04 are cut; 7 are cut in all, and `heal` takes all back");
    assert_eq!(logged, "the paths Node_02->Node_03 and Node_02->Node_04 are cut");
    assert!(header(&mut tui_harness).contains("7 faults on"));
    let (answer, logged) = said(&mut tui_harness, "heal 2->3");
    assert_eq!(answer, "healed the path Node_02->Node_03; 6 paths between 6 hosts are cut, 1 of them one way");
    assert_eq!(logged, "no longer: the path Node_02->Node_03 is cut");
    let (answer, logged) = said(&mut tui_harness, "heal");
    assert_eq!(answer, "healed 6 paths between 6 hosts; no path is cut any more");
    assert_eq!(logged, "no longer: 6 paths between 6 hosts are cut, 1 of them one way");
    assert_eq!(said(&mut tui_harness, "heal").0, "no path was cut");
    // What else is on is not healed by it, and it says what is.
    said(&mut tui_harness, "kill 4");
    assert_eq!(said(&mut tui_harness, "heal").0, "no path was cut, but Node_04 is killed: `start Node_04` takes that back");
    said(&mut tui_harness, "path client->2 --loss 5%");
    let many = "no path was cut, but 2 other faults are on: `faults clear` takes all back, `faults` lists them";
    assert_eq!(said(&mut tui_harness, "heal").0, many);
    said(&mut tui_harness, "faults clear");
    // A profile is one as well, and so are both directions of a link.
    assert_eq!(said(&mut tui_harness, "faults apply slow-wan").1, "slow-wan on 5 nodes (15 parts)");
    assert_eq!(said(&mut tui_harness, "faults clear").0, "1 fault taken back: slow-wan on 5 nodes (15 parts)");
    assert_eq!(said(&mut tui_harness, "link 2 --queue 5").1, "the link of Node_02 has a queue of 5 packets");
    assert_eq!(said(&mut tui_harness, "faults clear").1, "no longer: the link of Node_02 has a queue of 5 packets");
}

/// The commands of the menu of what is selected, with those of its further menus.
fn all_lines(tui_harness: &mut TuiHarness) -> Vec<String> {
    tui_harness.keys(&["x"]);
    let entries = tui_harness.menu();
    let opens_another = |label: &str| label.ends_with("...");
    let mut all: Vec<String> = entries.iter().filter(|(label, _)| !opens_another(label)).map(|(_, line)| line.clone()).collect();
    for (place, _) in entries.iter().enumerate().filter(|(_, (label, _))| opens_another(label)) {
        (0..place).for_each(|_| tui_harness.press(&["Down"]));
        tui_harness.keys(&["Enter"]);
        all.extend(lines(tui_harness));
        tui_harness.keys(&["Esc", "x"]);
    }
    tui_harness.keys(&["Esc"]);
    all
}

/// Each line that the menus show is one that the engine carries out.
#[test]
fn every_line_of_the_menu_is_a_command() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    random_file(&tui_harness.home.path().join("video.bin"), 2_000_000, 7);
    let upload = format!("upload {}", tui_harness.home.path().join("video.bin").display());
    tui_harness.keys(&[&upload, "Enter", "health", "Enter"]);
    tui_harness.app.focus_on(Pane::Health);
    let mut all = all_lines(&mut tui_harness);
    tui_harness.keys(&["Left"]);
    all.extend(all_lines(&mut tui_harness));
    tui_harness.app.focus_on(Pane::Nodes);
    all.extend(all_lines(&mut tui_harness));
    for word in ["kill", "stop", "restart", "refuse", "flap", "disk", "link", "path", "partition", "faults apply"] {
        assert!(all.iter().any(|line| line.starts_with(word)), "{word}: {all:#?}");
    }
    for flag in ["delay", "loss", "burst", "duplicate", "corrupt", "reorder", "cut", "bandwidth", "queue", "slow", "fail", "full"]
    {
        assert!(all.iter().any(|line| line.contains(&format!("--{flag}"))), "{flag}: {all:#?}");
    }
    tui_harness.app.focus_on(Pane::Prompt);
    for line in all.iter().filter(|line| !line.ends_with("...")) {
        tui_harness.keys(&[line, "Enter"]);
        let said = answer(&tui_harness);
        assert!(said.iter().all(|(role, _)| *role != Role::Bad), "{line}: {said:?}");
        tui_harness.keys(&["Esc", "faults clear", "Enter"]);
    }
}

/// A value that the menu does not offer is typed: the beginning of the command stands in the prompt.
#[test]
fn other_values_are_typed() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["x", "uplink", "Enter", "another", "Enter"]);
    assert_eq!(tui_harness.app.prompt().editor.text(), "link Node_01 --up --bandwidth ");
    tui_harness.keys(&["12KiB/s", "Enter"]);
    tui_harness.app.focus_on(Pane::Nodes);
    assert!(tui_harness.text().contains("uplink 12.0 KiB/s 00:00 ago"), "{}", tui_harness.text());
    tui_harness.keys(&["x", "take back: the uplink", "Enter"]);
    assert!(!tui_harness.text().contains("uplink 12.0 KiB/s"));
}

/// One act is one fault in the header, in the question before all are taken back, in the list and in the answers, although it concerns both
/// directions; and its rate is told in the style of all rates.
#[test]
fn one_act_is_one_fault() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    for (line, told, undo) in [
        ("path client,3 --cut", "the path client,Node_03 is cut", "heal client,Node_03"),
        ("path 1,2 --delay 300ms", "the path Node_01,Node_02 has delay 300ms", "path Node_01,Node_02 --clear"),
        ("link 2 --bandwidth 4KiB/s", "the link of Node_02 has 4.0 KiB/s", "link Node_02 --clear"),
    ] {
        tui_harness.keys(&[line, "Enter"]);
        let said: Vec<String> = answer(&tui_harness).into_iter().map(|(_, line)| line).collect();
        assert_eq!(said[1..], [format!("{told}; `{undo}` takes that back")], "{said:?}");
        assert!(header(&mut tui_harness).contains("│ 1 fault on"), "{line}: {}", header(&mut tui_harness));
        tui_harness.keys(&["faults", "Enter"]);
        let listed: Vec<String> =
            answer(&tui_harness).into_iter().map(|(_, line)| line).filter(|line| line.contains(told)).collect();
        assert!(listed.len() == 1 && listed[0].contains(undo), "{listed:?}");
        tui_harness.press_in_pane(Pane::Nodes, &["H"]);
        assert!(tui_harness.text().contains("1 fault is on. Take all back"), "{}", tui_harness.text());
        tui_harness.keys(&["n", "Esc", undo, "Enter"]);
        assert!(!header(&mut tui_harness).contains("fault"), "{undo}: {}", header(&mut tui_harness));
    }
    tui_harness.keys(&["path client,3 --cut; faults clear", "Enter"]);
    assert!(answer(&tui_harness).iter().any(|(_, line)| line == "1 fault taken back: the path client,Node_03 is cut"));
    // So is a profile, however many parts it has.
    tui_harness.keys(&["faults apply slow-wan", "Enter"]);
    assert!(header(&mut tui_harness).contains("│ 1 fault on"), "{}", header(&mut tui_harness));
    tui_harness.keys(&["faults clear", "Enter"]);
    assert!(answer(&tui_harness).iter().any(|(_, line)| line == "1 fault taken back: slow-wan on 5 nodes (15 parts)"));
    // What two acts have put on is two faults.
    tui_harness.keys(&["path 1->2 --cut; sleep 1s; path 2->1 --cut", "Enter"]);
    assert!(header(&mut tui_harness).contains("│ 2 faults on"), "{}", header(&mut tui_harness));
    tui_harness.keys(&["faults clear", "Enter"]);
    assert!(answer(&tui_harness).iter().any(|(_, line)| line == "2 faults taken back:"), "{:?}", answer(&tui_harness));
}

/// What is broken of nodes, of their paths and of the client is said in the list of the nodes at every size, beside their rates.
#[test]
fn the_list_of_nodes_says_what_is_broken_beside_the_rates() {
    for (size, killed, cut, lossy) in [
        ((80, 24), "killed …", "cut to/f…", "loss 10%…"),
        ((120, 40), "killed 00:00 ago", "cut to/from client 00:00 ago", "loss 10% to 3 hosts"),
        ((200, 60), "killed 00:00 ago", "cut to/from client 00:00 ago", "loss 10% to 3 hosts"),
    ] {
        let mut tui_harness = TuiHarness::dark(size.0, size.1);
        let heading = tui_harness.pane(Pane::Nodes)[1].clone();
        let row = |tui_harness: &mut TuiHarness, name: &str| {
            let pane = tui_harness.pane(Pane::Nodes);
            pane.iter().find(|row| row.contains(name)).unwrap_or_else(|| panic!("no {name}: {}", tui_harness.text())).clone()
        };
        tui_harness
            .keys(&["kill 1; path client,2 --cut; path 3->1 --loss 10%; path 3->2 --loss 10%; path 3,5 --loss 10%", "Enter"]);
        for (name, word) in [("Node_01", killed), ("Node_02", cut), ("Node_03", lossy)] {
            assert!(row(&mut tui_harness, name).contains(&format!(" {word} ")), "{word}: {}", tui_harness.text());
        }
        let shown = tui_harness.pane(Pane::Nodes)[1].clone();
        for rate in ["↑ up", "↓ down"] {
            assert_eq!(shown.contains(rate), heading.contains(rate), "{size:?}: {shown} instead of {heading}");
        }
        tui_harness.keys(&["path client --loss 10%", "Enter"]);
        let pane = tui_harness.pane(Pane::Nodes);
        assert!(pane.last().unwrap().contains(" client: all paths loss 10% 00:00 ago "), "{pane:#?}");
    }
}

/// The direction in which a path is broken is said, although the client has no row of its own.
#[test]
fn the_list_of_nodes_says_in_which_direction_a_path_is_broken() {
    let mut tui_harness = TuiHarness::dark(200, 60);
    for (line, words) in [
        ("path client->3 --cut", "cut from client 00:00 ago"),
        ("heal client->3; path 3->client --cut", "cut to client 00:00 ago"),
        ("path client->3 --cut", "cut to/from client 00:00 ago"),
        ("heal client,3; path 3->1 --cut; path client->3 --cut", "cut to Node_01 and from client 00:00 ago"),
        ("faults clear; link 3 --bandwidth 8KiB/s", "link 8.0 KiB/s 00:00 ago"),
    ] {
        tui_harness.keys(&[line, "Enter"]);
        let row = tui_harness.pane(Pane::Nodes).into_iter().find(|row| row.contains("Node_03")).unwrap();
        assert!(row.contains(&format!(" {words} ")), "{line}: {row}");
    }
}

/// A node that was killed is said to be so where it is seen, and where a transfer waits for it; the header tells a node that has missed
/// probes from one that is dead.
#[test]
fn what_a_fault_breaks_is_said_where_it_is_seen() {
    let mut tui_harness = TuiHarness::dark(200, 60);
    tui_harness.keys(&["health", "Enter"]);
    random_file(&tui_harness.home.path().join("video.bin"), 40_000_000, 7);
    let path = tui_harness.home.path().join("video.bin");
    let upload = operation::Upload::of_file(path, None, 0);
    tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, upload)).unwrap();
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["Down", "Down", "x", "kill its", "Enter"]);
    let without = "without Node_03, killed 00:00 ago, another node in 00:10";
    assert!(tui_harness.text().contains(without), "{}", tui_harness.text());
    let row =
        |tui_harness: &mut TuiHarness| tui_harness.pane(Pane::Nodes).into_iter().find(|line| line.contains("Node_03")).unwrap();
    assert!(row(&mut tui_harness).contains("killed 00:00 ago"), "{}", tui_harness.text());
    let mut seen = Vec::new();
    for _ in 0..40 {
        tui_harness.sleep(1);
        let header = header(&mut tui_harness);
        let state = header.split('│').find(|part| part.contains("nodes")).unwrap().trim().to_owned();
        if seen.last() != Some(&state) {
            seen.push(state);
        }
    }
    assert_eq!(seen, ["nodes ● 5/5", "nodes ● 4/5 ◐ 1", "nodes ● 4/5 ✕ 1"]);
    assert!(row(&mut tui_harness).contains("killed 00:40 ago"), "{}", tui_harness.text());
    let matrix = tui_harness.pane(Pane::Health);
    let row = matrix.iter().find(|line| line.starts_with("│cl ")).unwrap();
    assert_eq!(row.split_whitespace().nth(4), Some("▓✕"), "{matrix:#?}");
}

/// The names on the map, as far as they are words.
fn names(map: &[String]) -> Vec<String> {
    let words = map[1..map.len() - 1].iter().flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| word.contains("Node")).map(str::to_owned).collect()
}

/// At any number of nodes the map names what fits, the selected node and those that are not well; no name is one of no node. The matrix
/// has the selected cell in sight.
#[test]
fn the_map_names_what_fits() {
    for (nodes, width, height) in [(5, 120, 40), (20, 80, 24), (100, 120, 40), (1_000, 200, 60)] {
        let mut tui_harness = TuiHarness::with_nodes(nodes, width, height);
        tui_harness.keys(&[&format!("kill {}", nodes - 1), "Enter"]);
        tui_harness.sleep(60);
        tui_harness.app.focus_on(Pane::Health);
        tui_harness.keys(&["m"]);
        (0..nodes / 2).for_each(|_| tui_harness.press(&["Down"]));
        let map = tui_harness.pane(Pane::Health);
        let named = names(&map);
        let is_name = |name: &String| {
            let digits = name.strip_prefix("Node_").unwrap_or_default();
            digits.len() >= 2 && digits.parse::<u16>().is_ok_and(|number| (1..=nodes).contains(&number))
        };
        assert!(named.iter().all(is_name), "{nodes}: {named:?} {map:#?}");
        assert!(nodes == 5 || named.len() < usize::from(nodes), "{named:?}");
        let (killed, chosen) = (format!("Node_{:02}", nodes - 1), format!("Node_{:02}", nodes / 2));
        assert!(named.contains(&killed) && named.contains(&chosen), "{nodes}: {killed} {chosen} {map:#?}");
        assert!(nodes > 5 || named.len() == 5, "{map:#?}");
        // The selected cell of the matrix is in sight, with both its hosts.
        tui_harness.keys(&["m"]);
        (0..nodes).for_each(|_| tui_harness.press(&["Down", "Right"]));
        tui_harness.press(&["Left"]);
        let matrix = tui_harness.pane(Pane::Health);
        assert!(matrix.last().unwrap().contains(&format!(" Node_{nodes:02}->Node_{:02} ", nodes - 1)), "{matrix:#?}");
        assert!(matrix[1].contains(&format!("{:02}", nodes - 1)), "{matrix:#?}");
        assert!(matrix.iter().any(|line| line.starts_with(&format!("│{nodes:02} "))));
    }
}

/// Users without the right are told so, see what is broken without by whom, and cannot heal.
#[test]
fn the_menu_says_who_may_break() {
    let mut tui_harness = with_users(120, 40);
    let of_nobody = tui_harness.app.access().snapshot();
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&["path client->1 --loss 20%", "Enter"]);
    assert_eq!(tui_harness.app.view().snapshot().faults[0].cause.by(), Some("alice"));
    tui_harness.keys(&["logout", "Enter"]);
    assert!(of_nobody.faults.is_empty() && tui_harness.app.access().snapshot().faults.is_empty(), "nobody sees no faults");
    log_in(&mut tui_harness, "bob");
    let seen = tui_harness.app.view().snapshot().faults[0].clone();
    assert_eq!((seen.fault.to_string().as_str(), seen.cause.by()), ("the path client->Node_01 has loss 20%", None));
    tui_harness.app.focus_on(Pane::Health);
    tui_harness.keys(&["x"]);
    assert!(
        lines(&tui_harness) == ["", "node Node_01", "faults"] && tui_harness.text().contains("only admins break or mend"),
        "{}",
        tui_harness.text()
    );
    tui_harness.keys(&["only admins", "Enter"]);
    assert!(tui_harness.text().contains("client->Node_01 has loss 20%"), "{}", tui_harness.text());
    tui_harness.keys(&["Esc", "H"]);
    assert!(tui_harness.app.dialogs().is_empty() && header(&mut tui_harness).contains("1 fault on"));
    assert!(tui_harness.text().contains("only admins take faults back"), "{}", tui_harness.text());
}
