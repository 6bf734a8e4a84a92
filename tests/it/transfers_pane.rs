//! The transfers and their segments on the screen: what runs, waits and is over, in that order, under a selection that stays where it is;
//! progress from the first packet on; what a line still has to do; and what the transfer waits for.

use p2p_base::units::SimDuration;
use p2p_engine::transfer::{Remaining, TransferState, TransferStatus};
use p2p_engine::{FINISHED_MAX, operation};
use p2p_shell::Shell;
use p2p_shell::report::time_of_transfer;
use p2p_shell::words::Variables;
use p2p_storage::tui::app::Pane;

use crate::harness::{OPERATOR, random_file};
use crate::prompt::{begin_upload_of_all, paused, says, upload_of_all};
use crate::tui_harness::{SIZES, TuiHarness};

/// The number of each transfer from the top to the bottom of the pane, `-` for what waits.
fn order(tui_harness: &mut TuiHarness) -> Vec<String> {
    let rows = tui_harness.pane(Pane::Transfers);
    let rows = rows.iter().filter(|row| !row.starts_with(['┌', '└']) && !row.contains(" file "));
    let names = rows.map(|row| row.trim_matches(['│', ' ', '┃']).to_owned()).filter(|row| !row.is_empty());
    names.map(|row| if row.starts_with('#') { row.split(' ').next().unwrap().to_owned() } else { "-".to_owned() }).collect()
}

/// The first row of a pane that contains a text.
fn row_of(tui_harness: &mut TuiHarness, place: Pane, text: &str) -> String {
    let rows = tui_harness.pane(place);
    rows.iter().find(|row| row.contains(text)).unwrap_or_else(|| panic!("no {text}: {rows:#?}")).clone()
}

fn status(tui_harness: &TuiHarness) -> TransferStatus {
    tui_harness.app.view().snapshot().transfers.first().unwrap().status.clone()
}

/// What runs is at the top in the order in which it began, then what waits, then what is over with the latest first; and the title
/// counts them.
#[test]
fn what_runs_is_at_the_top_and_what_is_over_below() {
    for (width, height) in [(120, 40), (200, 60)] {
        let mut tui_harness = TuiHarness::slow(width, height);
        for name in ["one.bin", "two.bin"] {
            tui_harness.begin_upload(name, 60_000);
            tui_harness.watch(SimDuration::from_secs(8));
        }
        tui_harness.begin_upload("three.bin", 900_000);
        tui_harness.begin_upload("four.bin", 900_000);
        tui_harness.watch(SimDuration::from_secs(2));
        assert_eq!(order(&mut tui_harness), ["#3", "#4", "#2", "#1"]);
        let title = tui_harness.pane(Pane::Transfers)[0].clone();
        assert!(title.starts_with("┌ Transfers: 2 running, 2 done, ↑ "), "{title}");
        // The rows of a transfer that waits for its turn come between.
        tui_harness.press(&["pause", "Enter"]);
        tui_harness.settle();
        for name in ["a.bin", "b.bin", "c.bin"] {
            random_file(&tui_harness.home.path().join(name), 200_000, 3);
        }
        tui_harness.press(&[&upload_of_all(&tui_harness), "Enter"]);
        tui_harness.until(|app| says(app, "#5 has begun: "));
        tui_harness.refresh();
        let title = tui_harness.pane(Pane::Transfers)[0].clone();
        assert!(title.starts_with("┌ Transfers: 3 running, 2 waiting, 2 done, before the pause ↑ "), "{title}");
        tui_harness.press_in_pane(Pane::Transfers, &["z"]);
        assert_eq!(order(&mut tui_harness), ["#3", "#4", "#5", "-", "-", "#2", "#1"]);
    }
}

/// A row says what it waits for, is whole only once all of it is stored, and says of which time its rate is; a removal looks like no failure.
#[test]
fn a_row_says_no_more_than_is_so() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.ask_aside("path client --delay 400ms");
    tui_harness.begin_upload("one.bin", 300_000);
    let mut seen = Vec::new();
    tui_harness.watch(SimDuration::from_millis(100));
    while !status(&tui_harness).state.is_over() {
        tui_harness.watch(SimDuration::from_millis(100));
        let (status, row) = (status(&tui_harness), row_of(&mut tui_harness, Pane::Transfers, "one.bin"));
        match status.state {
            TransferState::Committing => {
                assert!(row.contains("99 %") && row.contains("·") && row.contains("committing"), "{row}");
                seen.push(row);
            }
            TransferState::Done => assert!(row.contains("100 %") && row.contains(" avg ") && row.contains("✓ done"), "{row}"),
            _ => assert!(!row.contains("100 %") && !row.contains("avg") && !row.contains("durable"), "{row}"),
        }
    }
    assert!(seen.iter().any(|row| row.contains(" durable 00:0")), "{seen:#?}");
    tui_harness.press(&["rm one.bin", "Enter"]);
    tui_harness.until(|app| says(app, "#2 has begun: one.bin"));
    tui_harness.settle();
    let row = row_of(&mut tui_harness, Pane::Transfers, "#2 ");
    assert!(row.contains("#2 − one.bin") && row.contains("✓ removed") && !row.contains('✕'), "{row}");
}

/// What is over takes little room from the segments of what runs, however much of it there is.
#[test]
fn what_is_over_leaves_room_for_the_segments() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    for number in 1..=10 {
        tui_harness.begin_upload(&format!("{number}.bin"), 30_000);
        tui_harness.watch(SimDuration::from_secs(8));
    }
    tui_harness.begin_upload("video.bin", 5_000_000);
    tui_harness.watch(SimDuration::from_secs(2));
    assert_eq!(order(&mut tui_harness), ["#11", "#10", "#9", "#8"]);
    let rows = tui_harness.pane(Pane::Segments);
    assert!(rows.iter().filter(|row| row.contains(" Node_0")).count() >= 7, "{rows:#?}");
    // Where few segments are to be shown, there is more room for it.
    tui_harness.press_in_pane(Pane::Transfers, &["G"]);
    assert!(order(&mut tui_harness).len() > 6, "{}", tui_harness.text());
}

/// The rows of the nodes have headings, also after a click on one of them; a pane without a filter says so.
#[test]
fn the_rows_of_nodes_are_headed() {
    for (width, height) in SIZES {
        let mut tui_harness = TuiHarness::slow(width, height);
        tui_harness.begin_upload("video.bin", 2_000_000);
        tui_harness.watch(SimDuration::from_secs(2));
        tui_harness.press_in_pane(Pane::Segments, &["n"]);
        let rows = tui_harness.pane(Pane::Segments);
        if rows.len() > 5 {
            assert!(["node", "done", "segment"].iter().all(|word| rows[1].contains(word)), "{rows:#?}");
            assert!(rows[2].contains("Node_0"), "{rows:#?}");
        }
        tui_harness.press(&["/"]);
        let said = tui_harness.app.prompt().output.last().unwrap().1.clone();
        assert!(said.starts_with("Segments has no filter; these panes have one: Nodes, Transfers, Files, "), "{said}");
        assert_eq!(tui_harness.app.workspace().focus(), Pane::Segments);
    }
}

/// A selected transfer stays selected, and its segments shown, whatever begins or ends meanwhile, until the user follows again what runs.
#[test]
fn a_new_transfer_never_steals_the_selection() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.begin_upload("one.bin", 60_000);
    tui_harness.watch(SimDuration::from_secs(8));
    tui_harness.begin_upload("two.bin", 60_000);
    tui_harness.watch(SimDuration::from_millis(200));
    tui_harness.begin_upload("three.bin", 900_000);
    tui_harness.watch(SimDuration::from_millis(200));
    let title = |tui_harness: &mut TuiHarness| tui_harness.pane(Pane::Segments)[0].clone();
    assert!(title(&mut tui_harness).starts_with("┌ Segments of #2 two.bin: "), "without a selection the first one counts");
    tui_harness.press_in_pane(Pane::Transfers, &["Down", "Down"]);
    assert!(title(&mut tui_harness).starts_with("┌ Segments of #1 one.bin: "), "{}", tui_harness.text());
    // The second ends, and a fourth begins.
    tui_harness.begin_upload("four.bin", 900_000);
    while order(&mut tui_harness).contains(&"#2".to_owned()) && order(&mut tui_harness)[0] == "#2" {
        tui_harness.watch(SimDuration::from_secs(1));
    }
    assert_eq!(order(&mut tui_harness), ["#3", "#4", "#2", "#1"]);
    assert!(title(&mut tui_harness).starts_with("┌ Segments of #1 one.bin: "), "{}", tui_harness.text());
    tui_harness.keys(&["Up"]);
    assert!(title(&mut tui_harness).starts_with("┌ Segments of #2 two.bin: "), "the row above the one that was selected");
    tui_harness.keys(&["o"]);
    assert!(title(&mut tui_harness).starts_with("┌ Segments of #3 three.bin: "), "{}", tui_harness.text());
    tui_harness.watch(SimDuration::from_secs(30));
    tui_harness.begin_upload("five.bin", 900_000);
    tui_harness.watch(SimDuration::from_secs(1));
    assert!(title(&mut tui_harness).starts_with("┌ Segments of #5 five.bin: "), "{}", tui_harness.text());
}

/// Seven uploads at once: all have a row, the one that began first at the top, and what is being typed is not disturbed by any of it.
#[test]
fn seven_uploads_at_once_have_their_rows_while_somebody_types() {
    for (width, height, shown) in [(60, 16, 3), (80, 24, 1), (120, 40, 7), (200, 60, 7)] {
        let mut tui_harness = paused(width, height);
        for number in 1..=7 {
            let path = tui_harness.home.path().join(format!("f{number}.bin"));
            random_file(&path, 150_000, number);
            tui_harness.press(&[&format!("upload {}", path.display()), "Enter"]);
        }
        tui_harness.until(|app| says(app, "#7 has begun"));
        tui_harness.press(&["echo half a li"]);
        tui_harness.refresh();
        let all = ["#1", "#2", "#3", "#4", "#5", "#6", "#7"];
        let seen = order(&mut tui_harness);
        assert!(seen.len() >= shown && seen == all[..seen.len()], "{width}x{height}: {seen:?} {}", tui_harness.text());
        let title = tui_harness.pane(Pane::Transfers)[0].clone();
        assert!(
            title.contains("Transfers: 7 running") && (seen.len() == 7) != title.contains(" of 7 transfers shown"),
            "{title}"
        );
        // Each typed character comes while time passes and transfers end.
        tui_harness.resume();
        tui_harness.press(&["ne"]);
        tui_harness.settle();
        assert_eq!(tui_harness.app.prompt().editor.text(), "echo half a line");
        let title = tui_harness.pane(Pane::Transfers)[0].clone();
        assert!(title.contains("Transfers: 7 done"), "{title}");
        let mut seen = order(&mut tui_harness);
        seen.sort();
        assert!(seen.len() >= shown && seen.iter().all(|name| all.contains(&name.as_str())), "{seen:?}");
    }
}

/// What a line still has to do stands in the list, says what it waits for, and is dropped by a key; what runs goes on.
#[test]
fn what_waits_has_a_row_and_is_dropped_by_a_key() {
    for (width, height) in SIZES {
        let mut tui_harness = paused(width, height);
        tui_harness.press(&[&upload_of_all(&tui_harness), "Enter", "sleep 1h; echo later", "Enter"]);
        tui_harness.until(|app| says(app, "#1 has begun: "));
        tui_harness.until(|app| app.under_way().is_some_and(|lines| lines.contains("sleep 1h")));
        tui_harness.refresh();
        tui_harness.press_in_pane(Pane::Transfers, &["z"]);
        // Two files of the first line; the step of the second line that takes long, and the one after it.
        assert_eq!(order(&mut tui_harness), ["#1", "-", "-", "-", "-"]);
        let rows = tui_harness.pane(Pane::Transfers);
        assert!(rows[0].contains("Transfers: 1 running, 4 waiting"), "{}", rows[0]);
        let state =
            |text: &str| rows.iter().find(|row| row.contains(text)).map(|row| row.trim_matches(['│', ' ', '┃']).to_owned());
        assert!(state("sleep 1h").is_some_and(|row| row.ends_with(" under way")), "{rows:#?}");
        assert!(state("echo later").is_some_and(|row| row.ends_with(" waiting")), "{rows:#?}");
        assert!(width < 120 || state("echo later").is_some_and(|row| row.contains("after sleep 1h")), "{rows:#?}");
        // The row of the last file, and then what was below it.
        tui_harness.press(&["Down", "Down"]);
        let text = tui_harness.text();
        assert!(text.lines().last().unwrap().contains("d drop"), "{text}");
        tui_harness.press(&["d"]);
        assert!(
            says(&tui_harness.app, "dropped: `") && says(&tui_harness.app, "c.bin`"),
            "{:?}",
            tui_harness.app.prompt().output
        );
        assert_eq!(tui_harness.app.scene().pending.len(), 3);
        tui_harness.press(&["End", "d"]);
        assert!(says(&tui_harness.app, "dropped: `echo later`"), "{:?}", tui_harness.app.prompt().output);
        tui_harness.press(&["End", "d"]);
        assert_eq!(tui_harness.app.scene().pending.len(), 1, "what took long has ended");
        tui_harness.resume();
        tui_harness.settle();
        let done = tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, operation::ListTransfers)).unwrap();
        let names: Vec<String> = done.iter().map(|status| status.file.to_string()).collect();
        assert!(names.len() == 2 && names[0].ends_with("a.bin") && names[1].ends_with("b.bin"), "{names:?}");
    }
}

/// The first packet that is acknowledged is seen in the bar, long before a segment is stored; and no bar is full before all is stored.
#[test]
fn the_first_packet_shows() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut tui_harness = TuiHarness::slow(width, height);
        tui_harness.begin_upload("video.bin", 4_000_000);
        for _ in 0..100 {
            tui_harness.watch(SimDuration::from_millis(20));
            let (row, status) = (row_of(&mut tui_harness, Pane::Transfers, "#1 ↑"), status(&tui_harness));
            assert_eq!(row.contains('▒'), status.bytes_arrived > 0, "{status:?}: {row}");
            assert!(status.bytes_done == 0 && row.contains("  0 %"), "{row}");
            if status.bytes_arrived > 0 {
                break;
            }
        }
        let status = status(&tui_harness);
        assert!((1..20_000).contains(&status.bytes_arrived), "{}", status.bytes_arrived);
    }
}

/// Where there is no ground for an estimate the reason stands in its place.
#[test]
fn an_estimate_that_has_no_ground_says_why() {
    let mut tui_harness = TuiHarness::slow(80, 24);
    tui_harness.begin_upload("video.bin", 4_000_000);
    tui_harness.watch(SimDuration::from_millis(500));
    let row = |tui_harness: &mut TuiHarness| row_of(tui_harness, Pane::Transfers, "#1 ↑");
    assert!(row(&mut tui_harness).contains(" measuring "), "{}", tui_harness.text());
    tui_harness.watch(SimDuration::from_secs(3));
    assert!(row(&mut tui_harness).contains(" eta 0"), "{}", tui_harness.text());
    // The third node has stored nothing yet: what waits for it will go elsewhere.
    tui_harness.keys(&["path client->3 --cut", "Enter"]);
    tui_harness.watch(SimDuration::from_secs(12));
    assert!(row(&mut tui_harness).contains(" eta 00:"), "{}", tui_harness.text());
    let foot = tui_harness.pane(Pane::Segments).pop().unwrap();
    assert!(foot.contains(" without Node_03, cut off 00:12 ago, another node in 00:18 "), "{foot}");
    for node in [1, 2, 4, 5] {
        tui_harness.keys(&[&format!("path client->{node} --cut"), "Enter"]);
    }
    tui_harness.watch(SimDuration::from_secs(4));
    assert!(row(&mut tui_harness).contains(" for 5 nodes "), "{}", tui_harness.text());
    let foot = tui_harness.pane(Pane::Segments).pop().unwrap();
    assert!(foot.contains(" waits for 4 nodes, cut off 00:04 ago; Node_03, cut off 00:16 ago "), "{foot}");
}

/// The queue that makes round trips long is seen in the header, below the nodes and in the dialog of a connection.
#[test]
fn the_queue_of_the_client_is_seen() {
    for (width, height) in [(120, 40), (200, 60)] {
        let mut tui_harness = TuiHarness::slow(width, height);
        let header = |tui_harness: &mut TuiHarness| tui_harness.text().lines().next().unwrap().to_owned();
        assert!(!header(&mut tui_harness).contains("queue"));
        assert!(
            tui_harness.pane(Pane::Nodes).last().unwrap().contains(" client's queue ↑ 0/100 ↓ 0/100 "),
            "{}",
            tui_harness.text()
        );
        tui_harness.begin_upload("video.bin", 4_000_000);
        tui_harness.watch(SimDuration::from_secs(6));
        tui_harness.press(&["pause", "Enter"]);
        tui_harness.settle();
        tui_harness.refresh();
        let queue = tui_harness.app.view().snapshot().figures.network.client_queues.up;
        let told = format!("↑ {}/100 {:.1} s", queue.packets, queue.wait.as_secs_f64());
        assert!(queue.packets > 30 && header(&mut tui_harness).contains(&format!("│ queue {told} │")), "{}", tui_harness.text());
        assert!(tui_harness.pane(Pane::Nodes).last().unwrap().contains(&format!(" client's queue {told} ↓ 0/100 ")));
        tui_harness.press_in_pane(Pane::Segments, &["x"]);
        tui_harness.keys(&["watch", "Enter"]);
        assert!(tui_harness.text().contains(&format!("client {told} ↓ 0/100   Node_0")), "{}", tui_harness.text());
    }
}

/// While time is paused every rate is said to be that of before, and none changes.
#[test]
fn paused_rates_are_those_of_before() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut tui_harness = TuiHarness::slow(width, height);
        tui_harness.begin_upload("video.bin", 4_000_000);
        tui_harness.watch(SimDuration::from_secs(6));
        let rates = |tui_harness: &mut TuiHarness| {
            let text = tui_harness.text();
            let header = text.lines().next().unwrap();
            let (before, after) = header.split_once("↑ ").unwrap();
            (before.ends_with("before "), after.split(" │").next().unwrap().to_owned())
        };
        let (is_before, running) = rates(&mut tui_harness);
        assert!(!is_before && !tui_harness.text().contains("before the pause"));
        tui_harness.keys(&["pause", "Enter"]);
        assert_eq!(rates(&mut tui_harness), (true, running));
        let text = tui_harness.text();
        assert!(text.contains("Nodes: before the pause") && text.contains("running, before the pause ↑ "), "{text}");
        tui_harness.keys(&["resume", "Enter"]);
        assert!(!tui_harness.text().contains("before the pause"));
    }
}

/// The segment for which the transfer waits is at the top and marked; beyond a number of segments each row is a node, unless a key says
/// otherwise.
#[test]
fn the_oldest_is_marked_and_many_segments_are_a_row_a_node() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.begin_upload("some.bin", 1_000_000);
    tui_harness.watch(SimDuration::from_secs(8));
    let rows = tui_harness.pane(Pane::Segments);
    assert!(rows[2].contains(" sending ◂ ") && rows[3..rows.len() - 1].iter().all(|row| !row.contains('◂')), "{rows:#?}");
    let first = |rows: &[String]| rows[2].trim_matches(['│', ' ']).split(' ').next().unwrap().to_owned();
    let foot = rows.last().unwrap();
    assert!(foot.contains(&format!("◂ oldest: {} on Node_0", first(&rows))), "{foot}");
    // What is open comes first, and then what is done.
    let states: Vec<bool> = rows.iter().filter(|row| row.contains("Node_0")).map(|row| row.contains(" done ")).collect();
    assert!(states.is_sorted(), "{rows:#?}");

    // The view is that of all segments, although few have begun.
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.begin_upload("many.bin", 129 * 65_536);
    tui_harness.watch(SimDuration::from_secs(5));
    let rows = tui_harness.pane(Pane::Segments);
    assert_eq!(rows.iter().filter(|row| row.starts_with("│Node_0") && row.contains(" at ")).count(), 5, "{rows:#?}");

    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.begin_upload("many.bin", 129 * 65_536);
    tui_harness.watch(SimDuration::from_millis(40));
    let rows = tui_harness.pane(Pane::Segments);
    let nodes: Vec<&String> = rows.iter().filter(|row| row.contains("Node_0") && !row.starts_with('└')).collect();
    assert!(nodes.len() == 5 && nodes[0].contains(" ◂ ") && nodes.iter().all(|row| row.contains('/')), "{rows:#?}");
    tui_harness.press_in_pane(Pane::Segments, &["n"]);
    let rows = tui_harness.pane(Pane::Segments);
    assert!(rows[0].contains(" of 129 done, ") && rows[2].contains(" ◂ ") && !rows[3].contains(" ◂ "), "{rows:#?}");
}

/// Once an upload is cancelled nothing of it is said to be stored or sent: its bar shows what had arrived, and each segment what has
/// become of it, in both kinds of rows and in the list of the segments.
#[test]
fn nothing_is_said_to_be_sent_of_what_was_cancelled() {
    let mut tui_harness = TuiHarness::slow(200, 60);
    tui_harness.begin_upload("video.bin", 900_000);
    tui_harness.watch(SimDuration::from_secs(10));
    assert!(row_of(&mut tui_harness, Pane::Transfers, "#1").contains('█'));
    assert!(row_of(&mut tui_harness, Pane::Segments, "Node_0").contains("sending"));
    tui_harness.press(&["cancel 1", "Enter"]);
    tui_harness.until(|app| says(app, ": cancelled"));
    tui_harness.refresh();
    let row = row_of(&mut tui_harness, Pane::Transfers, "#1");
    assert!(row.contains('▒') && !row.contains('█') && !row.contains("/s"), "{row}");
    // The share is that of the bar beside it.
    let status = status(&tui_harness);
    assert!(
        row.contains(&format!(" {} % ", 100 * status.bytes_arrived / status.bytes)) && status.bytes_arrived > 100_000,
        "{row}"
    );
    let rows = tui_harness.pane(Pane::Segments).join("\n");
    assert!([" undone ", " cancelled ", " were done"].iter().all(|word| rows.contains(word)), "{rows}");
    assert!(!rows.contains(" sending ") && !rows.contains("oldest"), "{rows}");
    tui_harness.press_in_pane(Pane::Segments, &["n"]);
    let rows = tui_harness.pane(Pane::Segments).join("\n");
    assert!(rows.contains(" cancelled ") && !rows.contains(" at "), "{rows}");
    tui_harness.ask_aside("segments 1");
    let said = tui_harness.said();
    assert!(said.contains(" undone ") && said.contains(" cancelled "), "{said}");
}

/// Of a transfer that is cancelled before anything is stored the bar shows what had arrived by then, and its segments stand still from then on.
#[test]
fn a_cancelled_transfer_stands_as_it_was() {
    let mut tui_harness = TuiHarness::slow(200, 60);
    tui_harness.begin_upload("video.bin", 900_000);
    tui_harness.watch(SimDuration::from_millis(1_500));
    let before = status(&tui_harness);
    assert!(before.bytes_done == 0 && before.bytes_arrived > 0, "{before:?}");
    tui_harness.press(&["cancel 1", "Enter"]);
    tui_harness.until(|app| says(app, ": cancelled"));
    tui_harness.sleep(60);
    let after = status(&tui_harness);
    assert!(after.bytes_arrived >= before.bytes_arrived && after.given_up_at.is_some(), "{after:?}");
    let row = row_of(&mut tui_harness, Pane::Transfers, "#1");
    let share = 100 * after.bytes_arrived / after.bytes;
    assert!(row.contains(&format!(" {share} % ")) && share > 0 && row.contains('▒'), "{row}");
    let rows = tui_harness.pane(Pane::Segments);
    let longest = (after.given_up_at.unwrap() - after.started).as_secs_f64();
    for row in rows.iter().filter(|row| row.contains(" cancelled ")) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let place = words.iter().position(|word| *word == "cancelled").unwrap();
        let unit = if words[place + 2] == "s" { 1.0 } else { 0.001 };
        assert!(words[place + 1].parse::<f64>().unwrap() * unit <= longest + 0.01, "{row}");
    }
}

/// On the smallest screen a short name leaves its cells to the rate, which says more than blanks.
#[test]
fn a_short_name_makes_room_for_the_rate() {
    let mut tui_harness = TuiHarness::slow(60, 16);
    tui_harness.begin_upload("a.bin", 900_000);
    tui_harness.watch(SimDuration::from_secs(10));
    let row = row_of(&mut tui_harness, Pane::Transfers, "#1");
    assert!(row.contains("a.bin") && row.contains("/s"), "{row}");
}

/// The totals count all transfers, and the pane and the list say that earlier ones are not listed any more.
#[test]
fn what_is_no_longer_listed_is_counted() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    for number in 0..FINISHED_MAX + 5 {
        tui_harness.begin_upload(&format!("{number}.bin"), 10);
        tui_harness.watch(SimDuration::from_millis(200));
    }
    let title = tui_harness.pane(Pane::Transfers)[0].clone();
    assert!(title.starts_with("┌ Transfers: 205 done, 200 of 205 shown"), "{title}");
    tui_harness.ask_aside("transfers");
    let said = tui_harness.said();
    assert!(said.contains("200 of 205 shown, those that ended last; earlier ones are no longer listed"), "{said}");
}

/// A step that is dropped leaves the selection in its place, on the next one that waits, and never on what runs: whatever is pressed again,
/// at once or after a frame, ends no transfer.
#[test]
fn a_dropped_step_leaves_the_selection_in_its_place() {
    for (is_drawn, rest, key) in [(false, 2, "d"), (true, 2, "d"), (true, 1, "D")] {
        let mut tui_harness = paused(120, 40);
        begin_upload_of_all(&mut tui_harness, "; ls");
        tui_harness.refresh();
        tui_harness.press_in_pane(Pane::Transfers, &["g", "Down", key]);
        let pending: Vec<_> = tui_harness.app.scene().pending.iter().map(|pending| pending.step).collect();
        assert_eq!(pending.len(), rest, "{}", tui_harness.said());
        tui_harness.refresh();
        if is_drawn {
            tui_harness.draw();
            assert_eq!(tui_harness.app.view().chosen().step, Some(pending[0]));
        }
        // One stroke for what is left, and two more.
        (0..rest + 2).for_each(|_| tui_harness.press_in_pane(Pane::Transfers, &["d"]));
        assert_eq!(tui_harness.app.scene().pending.len(), 0, "{}", tui_harness.said());
        assert!(!tui_harness.said().contains("cancel 1"), "{}", tui_harness.said());
    }
}

/// A selected step that begins is selected as the transfer that it has become.
#[test]
fn a_step_that_begins_keeps_the_selection() {
    let mut tui_harness = paused(120, 40);
    begin_upload_of_all(&mut tui_harness, "");
    tui_harness.refresh();
    tui_harness.press_in_pane(Pane::Transfers, &["g", "Down"]);
    tui_harness.draw();
    tui_harness.resume();
    tui_harness.until(|app| says(app, "#2 has begun"));
    tui_harness.draw();
    assert_eq!(tui_harness.app.view().chosen().transfer.map(|transfer| transfer.0), Some(2));
    assert_eq!(tui_harness.app.view().chosen().step, None);
}

/// A key of the pane that the selected row has no use for does nothing, rather than begin a command in the prompt.
#[test]
fn a_key_without_use_begins_no_command() {
    let mut tui_harness = paused(120, 40);
    begin_upload_of_all(&mut tui_harness, "; ls");
    tui_harness.refresh();
    tui_harness.press_in_pane(Pane::Transfers, &["g", "D", "o", "o"]);
    tui_harness.press_in_pane(Pane::Files, &["d", "u", "v", "s", "r"]);
    assert_eq!((tui_harness.app.workspace().focus(), tui_harness.app.prompt().editor.text()), (Pane::Files, ""));
    assert!(tui_harness.text().contains("nothing here that this key concerns"), "{}", tui_harness.text());
    assert_eq!(tui_harness.app.scene().pending.len(), 3, "{}", tui_harness.said());
}

/// A key on a command that waits drops all that waits of its line, be it one command or more, files of its first command or not; other lines go on.
#[test]
fn the_rest_of_a_line_is_dropped_by_one_key() {
    let dropped_at = |line: &str, filter: &str| {
        let mut tui_harness = paused(120, 40);
        begin_upload_of_all(&mut tui_harness, line);
        tui_harness.press(&["wait; echo other", "Enter"]);
        tui_harness.until(|app| app.scene().pending.iter().any(|step| step.text == "wait" && step.after.is_none()));
        tui_harness.refresh();
        tui_harness.press_in_pane(Pane::Transfers, &["/", filter, "Enter"]);
        let hint = tui_harness.text().lines().last().unwrap().to_owned();
        tui_harness.press_in_pane(Pane::Transfers, &["D"]);
        let left: Vec<String> = tui_harness.app.scene().pending.iter().map(|step| step.text.to_owned()).collect();
        (hint, left, tui_harness.said())
    };
    let (hint, left, said) = dropped_at("; echo late; ls", "echo late");
    assert!(hint.contains("D drop all that waits of its line: 4 steps"), "{hint}");
    assert_eq!(left, ["wait", "echo other"]);
    assert!(said.contains("dropped: 2 files of `upload ") && said.contains("`echo late`, `ls`"), "{said}");
    let (hint, left, _) = dropped_at("", "echo other");
    assert!(hint.contains("D drop all that waits of its line: 1 step"), "{hint}");
    assert!(left.len() == 3 && !left.contains(&"echo other".to_owned()), "{left:?}");
}

/// What lists the segments of a transfer in an answer selects nothing: the pane goes on with what runs. What is selected on purpose stays, and
/// the frame says so with the key that follows again.
#[test]
fn segments_in_an_answer_pin_no_transfer() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.begin_upload("first.bin", 60_000);
    tui_harness.sleep(30);
    tui_harness.ask_aside("segments 1");
    tui_harness.begin_upload("second.bin", 2_000_000);
    tui_harness.watch(SimDuration::from_secs(3));
    let title = tui_harness.pane(Pane::Segments)[0].clone();
    assert!(title.contains("Segments of #2 second.bin") && !title.contains("pinned"), "{title}");
    tui_harness.press_in_pane(Pane::Transfers, &["G"]);
    let title = tui_harness.pane(Pane::Segments)[0].clone();
    assert!(title.contains("Segments of #1 first.bin") && title.contains(" done, pinned"), "{title}");
    tui_harness.press_in_pane(Pane::Segments, &[]);
    let hint = tui_harness.text().lines().last().unwrap().to_owned();
    assert!(hint.contains("o follow what runs"), "{hint}");
    tui_harness.keys(&["o"]);
    let title = tui_harness.pane(Pane::Segments)[0].clone();
    assert!(title.contains("Segments of #2 second.bin"), "{title}");
}

/// A removal sends no segments, and says so in the place of rows and of a time axis.
#[test]
fn a_removal_says_that_it_sends_no_segments() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.begin_upload("a.bin", 60_000);
    tui_harness.watch(SimDuration::from_secs(8));
    tui_harness.keys(&["rm a.bin", "Enter"]);
    let rows = tui_harness.pane(Pane::Segments);
    assert!(rows[0].contains("Segments of #2 a.bin") && rows[1].contains("A removal sends no segments"), "{rows:#?}");
    assert!(rows[2..rows.len() - 1].iter().all(|row| row.trim_matches(['│', ' ']).is_empty()), "{rows:#?}");
}

/// A transfer of which segments wait at a killed node names the node beside its estimate, in the longest wording that has room, and the bar
/// gets what a longer one would have taken; the connection names the transfer.
#[test]
fn an_estimate_names_the_node_that_is_waited_for() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.begin_upload("video.bin", 3_000_000);
    tui_harness.watch(SimDuration::from_secs(5));
    let report = tui_harness.app.view().snapshot().transfers.first().unwrap().clone();
    let open = report.timelines.iter().find(|timeline| timeline.acknowledged.is_none() && timeline.first_byte.is_some());
    let holder = open.unwrap().holder;
    tui_harness.keys(&[&format!("kill {holder}"), "Enter"]);
    tui_harness.watch(SimDuration::from_secs(2));
    assert!(status(&tui_harness).awaited.is_empty() && status(&tui_harness).eta.seconds().is_some());
    let row = row_of(&mut tui_harness, Pane::Transfers, "#1");
    assert!(row.contains("eta ") && row.contains("other node in 00:2") && !row.contains("killed"), "{row}");
    let bar = row.chars().filter(|c| ['█', '▒', '·'].contains(c)).count();
    assert!(bar > 8, "{bar}: {row}");
    tui_harness.open_connection(holder);
    let text = tui_harness.text();
    assert!(text.contains("killed 00:02 ago; #1 waits for its answer"), "{text}");
}

/// What the command `transfers` lists.
fn listed_of(tui_harness: &TuiHarness) -> String {
    let (shell, _questions) = Shell::new(tui_harness.app.access().clone());
    let answer = tui_harness.runtime.block_on(shell.run_to_end("transfers", &Variables::new())).unwrap();
    answer.view.text()
}

/// What is behind others at a node that was killed waits for that node, and says so.
#[test]
fn what_is_behind_others_names_the_node_that_is_waited_for() {
    let mut tui_harness = TuiHarness::slow(200, 60);
    tui_harness.begin_upload("video.bin", 3_000_000);
    tui_harness.watch(SimDuration::from_secs(2));
    for number in 1..=8 {
        tui_harness.begin_upload(&format!("{number}.bin"), 20_000 + number);
    }
    tui_harness.watch(SimDuration::from_millis(500));
    tui_harness.keys(&["kill Node_03", "Enter"]);
    let mut seen = 0;
    for _ in 0..20 {
        tui_harness.watch(SimDuration::from_millis(500));
        let snapshot = tui_harness.app.access().snapshot();
        for report in &snapshot.transfers {
            let is_there =
                report.timelines.iter().any(|line| line.acknowledged.is_none() && line.holder.to_string() == "Node_03");
            if is_there && report.status.eta == Remaining::Behind {
                seen += 1;
                let row = row_of(&mut tui_harness, Pane::Transfers, &format!("{} ↑", report.status.id));
                assert!(row.contains("other node") && !row.contains("behind"), "{row}");
                // The same words wherever the transfer is listed or drawn.
                let whole = time_of_transfer(&snapshot, report, usize::MAX);
                assert!(whole.starts_with("waits for Node_03, killed 00:0") && whole.contains(" ago, another node "), "{whole}");
                assert_eq!(time_of_transfer(&snapshot, report, 13), "for Node_03");
                let listed = listed_of(&tui_harness);
                let line = listed.lines().find(|line| line.contains(&format!(" {} ", report.status.id))).unwrap();
                assert!(line.contains(&whole), "{whole}: {line}");
            }
        }
    }
    assert!(seen > 0, "{}", tui_harness.text());
}

/// Only what is sent, and what is done, has a rate and the whole of its bar, on the screen, in the list and in its fields: not what has failed,
/// was cancelled or is being undone, however much had arrived by then.
#[test]
fn what_has_come_to_nothing_has_no_rate() {
    let mut tui_harness = TuiHarness::slow(200, 60);
    tui_harness.begin_upload("done.bin", 60_000);
    tui_harness.watch(SimDuration::from_secs(20));
    tui_harness.begin_upload("cancelled.bin", 900_000);
    tui_harness.begin_upload("none.bin", 0);
    tui_harness.watch(SimDuration::from_secs(8));
    assert!(row_of(&mut tui_harness, Pane::Transfers, "cancelled.bin").contains("/s"));
    // One node does not answer, so that the undoing takes its time.
    tui_harness.ask_aside("kill Node_02");
    tui_harness.begin_upload("empty.bin", 0);
    tui_harness.press(&["cancel 2", "Enter", "cancel 4", "Enter"]);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..400 {
        tui_harness.watch(SimDuration::from_millis(100));
        for report in &tui_harness.app.view().snapshot().transfers.clone() {
            let (status, name) = (&report.status, report.status.file.name.clone());
            let row = row_of(&mut tui_harness, Pane::Transfers, &name);
            let is_nothing = matches!(status.state, TransferState::Undoing | TransferState::Failed | TransferState::Cancelled);
            assert!(!is_nothing || !(row.contains("/s") || row.contains(" 100 %")), "{row}");
            assert!(!status.state.is_over() || !is_nothing || status.rate_bytes_per_second.is_none(), "{status:?}");
            seen.insert(status.state.name());
        }
        if tui_harness.app.view().snapshot().transfers.iter().all(|report| report.status.state.is_over()) {
            break;
        }
    }
    assert!(["done", "cancelled"].iter().all(|state| seen.contains(state)), "{seen:?}");
    assert!(row_of(&mut tui_harness, Pane::Transfers, "done.bin").contains("/s"));
    tui_harness.ask_aside("transfers");
    let said = tui_harness.said();
    let row = said.lines().find(|line| line.contains("cancelled.bin") && line.contains('│')).unwrap();
    assert!(!row.contains("/s"), "{row}");
}

/// The header tells in every preset how many transfers are under way, and how many packets were lost.
#[test]
fn the_header_counts_transfers_and_losses() {
    let mut tui_harness = TuiHarness::slow(160, 40);
    tui_harness.ask_aside("path client --loss 20%");
    (0..2).for_each(|number| tui_harness.begin_upload(&format!("{number}.bin"), 200_000));
    let header = |tui_harness: &mut TuiHarness| tui_harness.text().lines().next().unwrap().to_owned();
    for preset in ["F2", "F4"] {
        tui_harness.press(&[preset]);
        tui_harness.watch(SimDuration::from_millis(200));
        let header = header(&mut tui_harness);
        assert!(header.contains("│ 2 running │"), "{header}");
    }
    tui_harness.watch(SimDuration::from_secs(120));
    let header = header(&mut tui_harness);
    assert!(!header.contains("running") && header.contains(" packets lost"), "{header}");
}

/// The rate in the heading names its span, which is another one than that of the header; and segments are counted by one total.
#[test]
fn figures_in_headings_name_their_spans_and_totals() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.begin_upload("video.bin", 2_000_000);
    tui_harness.watch(SimDuration::from_secs(6));
    let title = tui_harness.pane(Pane::Transfers)[0].clone();
    assert!(title.contains(" KiB/s over 5 s ") || title.contains(" KiB/s over 6 s "), "{title}");
    tui_harness.watch(SimDuration::from_secs(9));
    let title = tui_harness.pane(Pane::Transfers)[0].clone();
    assert!(title.contains(" KiB/s over 10 s "), "{title}");
    let title = tui_harness.pane(Pane::Segments)[0].clone();
    assert!(title.contains(" of 31 done, ") && title.contains(" shown ") && title.matches(" of ").count() == 2, "{title}");
}

/// Where equal segments are stored once, the header says how much that is, beside the size of the files.
#[test]
fn the_header_tells_what_is_stored_once() {
    let mut tui_harness = TuiHarness::dark(160, 40);
    tui_harness.begin_upload("one.bin", 200_000);
    tui_harness.watch(SimDuration::from_secs(5));
    assert!(!tui_harness.text().contains("deduplicated"), "{}", tui_harness.text());
    // The same content under another name.
    tui_harness.begin_upload("other.bin", 200_000);
    tui_harness.watch(SimDuration::from_secs(5));
    let header = tui_harness.text().lines().next().unwrap().to_owned();
    assert!(header.contains("2 files │ 390.6 KiB │ 195.3 KiB deduplicated"), "{header}");
}
