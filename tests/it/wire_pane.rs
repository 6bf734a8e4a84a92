//! The wire and its connections on the screen: what became of each packet and when, to the microsecond of the log's clock; probes only
//! when they are asked for; and a connection as it is at the instant that the screen shows, at every speed.

use p2p_base::units::SimDuration;
use p2p_engine::pace::Speed;
use p2p_shell::report::{Resolution, instant_of};
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::dialog::Dialog;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use crate::prompt::{paused, says, upload_of_all};
use crate::tui_harness::{SIZES, TuiHarness, lines};

/// A slow network of which the links lose packets, and an upload of some seconds on it.
fn uploading(width: u16, height: u16) -> TuiHarness {
    let mut tui_harness = TuiHarness::slow(width, height);
    tui_harness.begin_upload("video.bin", 2_000_000);
    tui_harness.watch(SimDuration::from_secs(6));
    tui_harness
}

/// The rows of the wire below their heading, without the frame.
fn packets(tui_harness: &mut TuiHarness) -> Vec<String> {
    let rows = tui_harness.pane(Pane::Wire);
    rows.iter().map(|row| row.trim_matches(['│', '┃', ' ']).to_owned()).filter(|row| row.starts_with("00:")).collect()
}

/// Probes are left out until they are asked for, and left out again by the same key; the title says so.
#[test]
fn probes_are_hidden_until_they_are_asked_for() {
    for (width, height) in SIZES {
        let mut tui_harness = uploading(width, height);
        tui_harness.press_in_pane(Pane::Wire, &["z"]);
        let is_probe = |row: &String| row.contains("HEALTH_CHECK");
        let rows = packets(&mut tui_harness);
        assert!(rows.len() > 5 && !rows.iter().any(is_probe), "{rows:#?}");
        assert!(tui_harness.pane(Pane::Wire)[0].contains(" packets, probes hidden "), "{}", tui_harness.text());
        tui_harness.keys(&["p"]);
        tui_harness.keys(&["/", "HEALTH", "Enter"]);
        let rows = packets(&mut tui_harness);
        assert!(!rows.is_empty() && rows.iter().all(is_probe), "{}", tui_harness.text());
        tui_harness.keys(&["p"]);
        assert!(tui_harness.text().contains("Nothing passes the filter"), "{}", tui_harness.text());
        tui_harness.keys(&["Esc"]);
        assert!(packets(&mut tui_harness).iter().all(|row| !is_probe(row)));
    }
}

/// Where nothing but probes passes, the pane says what shows them.
#[test]
fn an_idle_wire_says_how_to_see_its_probes() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.ask_aside("health");
    assert!(tui_harness.text().contains("Only probes here; `p` shows them."), "{}", tui_harness.text());
    tui_harness.press_in_pane(Pane::Wire, &["p"]);
    assert!(packets(&mut tui_harness).iter().any(|row| row.contains("HEALTH_CHECK")), "{}", tui_harness.text());
}

/// What became of a packet stands right after its time at every size, in a word; then the hosts by their names.
#[test]
fn what_became_of_a_packet_stands_after_its_time() {
    for (width, height) in SIZES {
        let mut tui_harness = uploading(width, height);
        tui_harness.press_in_pane(Pane::Wire, &[]);
        for (filter, begin) in [("loss", "✕"), ("again", "↻ again")] {
            tui_harness.keys(&["/", filter, "Enter"]);
            let rows = packets(&mut tui_harness);
            assert!(!rows.is_empty(), "{width}x{height} {filter}: {}", tui_harness.text());
            for row in rows {
                let (time, rest) = row.split_once(' ').unwrap();
                assert_eq!(time.len(), "00:05.123456".len(), "{row}");
                let after = rest.strip_prefix(begin).or_else(|| rest.strip_prefix("✕↻")).unwrap_or_else(|| panic!("{row}"));
                assert!(filter != "loss" || after.contains("loss"), "{row}");
                assert!(["cl→0", "→cl"].iter().any(|ends| after.contains(ends)), "{row}");
            }
            tui_harness.keys(&["Esc"]);
        }
    }
}

/// What the log tells of a packet is found on the wire by the text of its time, cut off wherever a place cuts it.
#[test]
fn a_logged_loss_is_found_on_the_wire_by_its_time() {
    let mut tui_harness = uploading(120, 40);
    let resent: Vec<_> = tui_harness.app.view().journal().lines().filter(|line| line.text.contains("sent again")).collect();
    let times: Vec<_> = resent.iter().map(|line| line.at).collect();
    assert!(!times.is_empty(), "{:#?}", tui_harness.app.view().journal().lines().map(|line| &line.text).collect::<Vec<_>>());
    tui_harness.app.focus_on(Pane::Wire);
    for at in times {
        for resolution in [Resolution::Millis, Resolution::Micros] {
            tui_harness.keys(&["/", &instant_of(at, resolution), "Enter"]);
            let rows = packets(&mut tui_harness);
            assert!(rows.iter().any(|row| row.contains('↻')), "{at}: {rows:#?}");
            tui_harness.keys(&["Esc"]);
        }
    }
}

/// What the log tells of packets stays on the wire when many others have passed since, and probes for a long time; the title says from when on
/// it is whole.
#[test]
fn the_wire_keeps_what_became_of_packets_and_says_since_when_it_is_whole() {
    let mut tui_harness = TuiHarness::slow(200, 60);
    tui_harness.begin_upload("video.bin", 3_000_000);
    tui_harness.watch(SimDuration::from_secs(90));
    let before = tui_harness.pane(Pane::Wire)[0].clone();
    tui_harness.watch(SimDuration::from_secs(1_800));
    let resent = tui_harness.app.view().journal().lines().filter(|line| line.text.contains("sent again"));
    let times: Vec<_> = resent.map(|line| line.at).collect();
    tui_harness.press_in_pane(Pane::Wire, &["z"]);
    let title = tui_harness.pane(Pane::Wire)[0].clone();
    assert!(
        title.contains("Wire: 2000 packets since 00:") && title.contains(" lost or sent again before, probes hidden "),
        "{title}"
    );
    assert!(before.contains("Wire: 2000 packets since 00:"), "probes have pushed packets out: {before}");
    let since = title.split(" since ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    let earlier = times.iter().filter(|&&at| instant_of(at, Resolution::Millis) < since).count();
    assert!(earlier > 0, "{times:?}");
    for at in times {
        tui_harness.keys(&["/", &instant_of(at, Resolution::Millis), "Enter"]);
        let rows = packets(&mut tui_harness);
        assert!(rows.iter().any(|row| row.contains('↻')), "{at}: {rows:#?}");
        tui_harness.keys(&["Esc"]);
    }
    tui_harness.keys(&["p"]);
    let title = tui_harness.pane(Pane::Wire)[0].clone();
    assert!(title.contains(", 2000 probes since "), "{title}");
}

/// The second view of the wire: what each connection carries, the busiest first, and Enter opens it.
#[test]
fn connections_are_the_second_view_of_the_wire() {
    for (width, height) in SIZES {
        let mut tui_harness = uploading(width, height);
        tui_harness.press_in_pane(Pane::Wire, &["z", "c"]);
        let rows = tui_harness.pane(Pane::Wire);
        assert!(rows[0].contains("Wire: connections, the last 10 s"), "{rows:#?}");
        let heading = &rows[1];
        assert!(["node", "up", "down", "resent"].iter().all(|word| heading.contains(word)), "{heading}");
        assert_eq!(rows.iter().filter(|row| row.contains("Node_0") && row.contains(" %")).count(), 5, "{rows:#?}");
        let first = rows[2].split_whitespace().find(|word| word.contains("Node_0")).unwrap().replace('│', "");
        tui_harness.keys(&["Enter"]);
        assert!(matches!(tui_harness.app.dialogs().last(), Some(Dialog::Connection(_))));
        assert!(tui_harness.text().contains(&format!(" Connection client → {first}: sends ")), "{}", tui_harness.text());
        tui_harness.keys(&["Esc", "c"]);
        assert!(tui_harness.pane(Pane::Wire)[0].contains("probes hidden"));
    }
}

/// Opens the connection to the first node from the wire.
fn open_connection(tui_harness: &mut TuiHarness) {
    tui_harness.press_in_pane(Pane::Wire, &["c", "/", "Node_01", "Enter", "Enter"]);
    assert!(matches!(tui_harness.app.dialogs().last(), Some(Dialog::Connection(_))), "{}", tui_harness.text());
}

/// The number of characters of a text in which curves have dots.
fn dots(text: &str) -> usize {
    text.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count()
}

/// The dialog of a connection is live: its windows and curves are others half a second later, and the same at every speed.
#[test]
fn the_dialog_is_live_at_every_speed() {
    let all: &[Speed] = &[Speed::Max, Speed::Thousandths(10_000), Speed::REAL];
    for (width, height, speeds) in [(80, 24, &all[..1]), (120, 40, all), (200, 60, &all[..1])] {
        let mut pictures: Vec<Vec<String>> = Vec::new();
        for &speed in speeds {
            let mut tui_harness = TuiHarness::slow(width, height);
            tui_harness.set_speed(speed);
            tui_harness.begin_upload("video.bin", 2_000_000);
            tui_harness.watch(SimDuration::from_millis(1_500));
            open_connection(&mut tui_harness);
            let mut seen = Vec::new();
            for _ in 0..3 {
                let text = tui_harness.text();
                // No figure of the facts is cut off.
                assert!(!text.lines().skip(2).take(4).any(|line| line.contains('…')), "{text}");
                assert!(
                    text.contains("cwnd ") && text.contains(" in flight, ssthresh ") && text.contains("windows in packets"),
                    "{text}"
                );
                assert!(text.contains("round trip (RFC 6298)") && text.contains("-60 s"), "{text}");
                seen.push(text.replace(&format!("▶ {speed}"), ""));
                tui_harness.watch(SimDuration::from_millis(500));
            }
            seen.dedup();
            assert_eq!(seen.len(), 3, "nothing changes in half a second");
            assert!(dots(&seen[0]) > 3, "{}", seen[0]);
            tui_harness.keys(&["q"]);
            assert!(tui_harness.app.dialogs().is_empty());
            pictures.push(seen);
        }
        pictures.iter().for_each(|seen| assert!(*seen == pictures[0], "{}\n{}", pictures[0][2], seen[2]));
    }
}

/// Either end of every connection has its curves, and the heading says which one sends.
#[test]
fn both_ends_of_each_connection_have_curves() {
    let mut tui_harness = uploading(120, 40);
    let connections = tui_harness.app.view().snapshot().figures.connections.clone();
    let lengths: Vec<_> = connections.iter().map(|at| (at.node, at.sent.records().len(), at.received.records().len())).collect();
    assert!(lengths.len() == 5 && lengths.iter().all(|(_, sent, received)| *sent > 2 && *received > 0), "{lengths:?}");
    open_connection(&mut tui_harness);
    for (key, heading) in
        [("Left", " Connection client → Node_01: sends "), ("Right", " Connection Node_01 → client: the client sends ")]
    {
        tui_harness.keys(&[key]);
        let text = tui_harness.text();
        assert!(text.contains(heading) && dots(&text) > 3 && !text.contains("1 packets"), "{key}: {text}");
        // What was sent again is first of all what the end that is shown has sent again.
        let resent = if key == "Left" { "; the client resent " } else { "; the node resent " };
        assert!(text.contains(resent), "{key}: {text}");
    }
}

/// A SYN and a SYN-ACK that are sent again say so, as packets with payload do.
#[test]
fn a_syn_that_is_sent_again_has_its_fate() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.keys(&["path client --loss 60%", "Enter"]);
    tui_harness.begin_upload("video.bin", 300_000);
    tui_harness.watch(SimDuration::from_secs(20));
    tui_harness.press_in_pane(Pane::Wire, &["z", "/", "SYN", "Enter"]);
    let rows = packets(&mut tui_harness);
    let fates: Vec<&str> = rows.iter().filter_map(|row| row.split_whitespace().nth(1)).collect();
    assert!(fates.iter().any(|fate| fate.contains('↻')), "{rows:#?}");
}

/// The cells of a frame but those of the prompt and of the hint line below it.
fn cells_but_prompt(tui_harness: &mut TuiHarness) -> Vec<ratatui::buffer::Cell> {
    let buffer: Buffer = tui_harness.frame();
    let prompt = tui_harness.app.workspace().area_of(Pane::Prompt);
    let is_of_prompt = |at: Position| prompt.is_some_and(|area| area.contains(at));
    let last = buffer.area.bottom() - 1;
    buffer.area.positions().filter(|at| !is_of_prompt(*at) && at.y < last).map(|at| buffer[at].clone()).collect()
}

/// Two frames of a frozen view are equal cell by cell, with their colours, whatever passes meanwhile: in every pane and in the dialog of
/// a connection. The prompt stays alive.
#[test]
fn frozen_frames_are_equal_cell_by_cell() {
    for (width, height) in SIZES {
        let mut tui_harness = uploading(width, height);
        tui_harness.press_in_pane(Pane::Wire, &["f"]);
        let mut before = Vec::new();
        for pane in Pane::ALL {
            tui_harness.app.focus_on(Pane::Transfers);
            tui_harness.app.focus_on(pane);
            before.push(cells_but_prompt(&mut tui_harness));
        }
        open_connection(&mut tui_harness);
        before.push(cells_but_prompt(&mut tui_harness));
        tui_harness.begin_upload("other.bin", 300_000);
        tui_harness.watch(SimDuration::from_secs(7));
        assert!(before.pop() == Some(cells_but_prompt(&mut tui_harness)), "{width}x{height}: {}", tui_harness.text());
        tui_harness.keys(&["Esc", "Esc", "c"]);
        for (pane, before) in Pane::ALL.into_iter().zip(before) {
            tui_harness.app.focus_on(Pane::Transfers);
            tui_harness.app.focus_on(pane);
            assert!(before == cells_but_prompt(&mut tui_harness), "{width}x{height} {pane:?}: {}", tui_harness.text());
        }
        tui_harness.app.focus_on(Pane::Prompt);
        tui_harness.press(&["echo alive"]);
        let text = lines(&tui_harness.draw()).join("\n");
        assert!(text.contains("FROZEN") && text.contains("› echo alive"), "{text}");
    }
}

/// The steps that wait stand still as well, although they come from the lines that were typed and not from the engine.
#[test]
fn steps_that_wait_are_frozen_too() {
    for (width, height) in SIZES {
        let mut tui_harness = paused(width, height);
        tui_harness.press(&[&upload_of_all(&tui_harness), "Enter"]);
        tui_harness.until(|app| says(app, "#1 has begun: "));
        tui_harness.refresh();
        tui_harness.press_in_pane(Pane::Transfers, &["f"]);
        let title = |tui_harness: &mut TuiHarness| tui_harness.pane(Pane::Transfers)[0].clone();
        assert!(title(&mut tui_harness).contains("1 running, 2 waiting"), "{}", tui_harness.text());
        let before = cells_but_prompt(&mut tui_harness);
        tui_harness.resume();
        tui_harness.settle();
        assert!(says(&tui_harness.app, "stored c.bin"), "{}", tui_harness.text());
        assert!(before == cells_but_prompt(&mut tui_harness), "{width}x{height}: {}", tui_harness.text());
        tui_harness.press(&["f"]);
        assert!(title(&mut tui_harness).contains("3 done"), "{}", tui_harness.text());
    }
}
