//! The room of the screen: no list is cut while rows of a pane above, below or beside it are empty that the layout could give to it.

use p2p_base::units::SimDuration;
use p2p_storage::tui::app::Pane;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};

use crate::harness::random_file;
use crate::tui_harness::{TuiHarness, lines, lines_of};

const WIDTHS: [u16; 10] = [60, 70, 80, 90, 100, 120, 150, 200, 250, 300];
const HEIGHTS: [u16; 12] = [16, 18, 20, 24, 28, 30, 34, 40, 50, 60, 80, 100];
const PRESETS: [&str; 4] = ["F2", "F3", "F4", "F5"];
/// Frame of a pane.
const FRAME: Margin = Margin::new(1, 1);

/// A screen with so many transfers, the last of them under way, and a short answer in the prompt or one that fills it.
fn at_work(transfers: usize, is_long: bool) -> TuiHarness {
    let mut tui_harness = TuiHarness::slow(120, 40);
    for number in 0..transfers {
        let path = tui_harness.home.path().join(format!("{number}.bin"));
        let bytes = if number + 1 == transfers { 900_000 } else { 3_000 };
        random_file(&path, bytes, number as u64);
        tui_harness.begin_upload(&format!("{number}.bin"), bytes);
    }
    tui_harness.sleep(9);
    let answer = if is_long { "help" } else { "echo short" };
    tui_harness.ask_aside(answer);
    tui_harness
}

fn frame_of(tui_harness: &mut TuiHarness, (width, height): (u16, u16)) -> Buffer {
    tui_harness.screen = Terminal::new(TestBackend::new(width, height)).unwrap();
    tui_harness.draw_all()
}

/// The number of rows that a list lacks, as its heading says: `Nodes: 2 of 5 nodes shown`, `… 4x6 of 6 hosts`.
fn missing(title: &str) -> u16 {
    let words: Vec<&str> = title.split([' ', ',', ':']).filter(|word| !word.is_empty()).collect();
    let lack = |shown: &str, all: &str| Some(all.parse::<u16>().ok()?.saturating_sub(shown.split('x').next()?.parse().ok()?));
    let of = words.windows(3).enumerate().filter(|(_, three)| three[1] == "of");
    let counts = of.filter(|(place, _)| words[place + 3..].iter().take(2).any(|word| ["shown", "hosts"].contains(word)));
    counts.filter_map(|(_, three)| lack(three[0], three[2])).max().unwrap_or(0)
}

/// The number of empty rows at the ends of a pane.
fn empty_rows(buffer: &Buffer, pane: Pane, area: Rect) -> u16 {
    let inner = area.inner(FRAME);
    let is_empty = |row: Rect| row.columns().all(|cell| buffer[(cell.x, cell.y)].symbol().trim().is_empty());
    // What stands between two rows is part of what they say.
    let (above, below) = (inner.rows().take_while(|row| is_empty(*row)), inner.rows().rev().take_while(|row| is_empty(*row)));
    let empty = (above.count() + below.count()) as u16;
    // Answers have empty lines of their own.
    if pane == Pane::Prompt { 0 } else { empty.min(inner.height) }
}

/// Panes between two lines from the left of the screen to the right that no pane crosses, by their columns.
fn bands(areas: &[(Pane, Rect)]) -> Vec<Vec<Vec<(Pane, Rect)>>> {
    let mut sorted = areas.to_vec();
    sorted.sort_by_key(|(_, area)| (area.y, area.x));
    let mut bands: Vec<Vec<(Pane, Rect)>> = Vec::new();
    for pane in sorted {
        match bands.last_mut().filter(|band| band.iter().any(|(_, area)| area.bottom() > pane.1.y)) {
            Some(band) => band.push(pane),
            None => bands.push(vec![pane]),
        }
    }
    let columns = |mut band: Vec<(Pane, Rect)>| {
        band.sort_by_key(|(_, area)| (area.x, area.y));
        let mut columns: Vec<Vec<(Pane, Rect)>> = Vec::new();
        for pane in band {
            match columns.last_mut().filter(|column| column.iter().any(|(_, area)| area.right() > pane.1.x)) {
                Some(column) => column.push(pane),
                None => columns.push(vec![pane]),
            }
        }
        columns
    };
    bands.into_iter().map(columns).collect()
}

/// Looks at a frame; returns what is wrong with it.
fn wasted(buffer: &Buffer, areas: &[(Pane, Rect)]) -> Vec<String> {
    let empty_of = |column: &[(Pane, Rect)]| column.iter().map(|&(pane, area)| empty_rows(buffer, pane, area)).sum::<u16>();
    let lacks = |(pane, area): (Pane, Rect)| match pane {
        // These have no end.
        Pane::Log | Pane::Wire | Pane::Prompt => 0,
        _ => missing(&lines_of(buffer, area)[0]),
    };
    let (bands, mut found) = (bands(areas), Vec::new());
    for (place, band) in bands.iter().enumerate() {
        for (column, panes) in band.iter().enumerate() {
            let Some((pane, rows)) = panes.iter().map(|pane| (pane.0, lacks(*pane))).max_by_key(|(_, rows)| *rows) else {
                continue;
            };
            if rows == 0 {
                continue;
            }
            // A column gives to its own panes, and a band what all of its columns can spare.
            let own = empty_of(panes);
            let others = bands.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, band)| band);
            let others: u16 = others.map(|band| band.iter().map(|column| empty_of(column)).min().unwrap_or(0)).sum();
            if own + others > 0 {
                found.push(format!("{pane:?} lacks {rows} rows, and its column has {own} empty ones, other bands {others}"));
            }
            // One of its column could stand in another one that has so many empty rows, and takes nothing from that.
            for (_, beside) in band.iter().enumerate().filter(|(other, _)| *other != column) {
                let is_whole = beside.iter().all(|pane| lacks(*pane) == 0);
                let fits = |(pane, area): &&(Pane, Rect)| {
                    least_width(*pane) <= beside[0].1.width && empty_of(beside) >= area.height.max(rows)
                };
                if panes.len() > 1 && is_whole && panes.iter().any(|pane| fits(&pane)) {
                    found.push(format!(
                        "{pane:?} lacks {rows} rows, and the column of {:?} has {} empty ones",
                        beside[0].0,
                        empty_of(beside)
                    ));
                }
            }
        }
    }
    found
}

/// The width that a pane needs; the prompt stays where it is.
fn least_width(pane: Pane) -> u16 {
    match pane {
        Pane::Prompt => u16::MAX,
        Pane::Transfers => 58,
        Pane::Segments => 56,
        Pane::Wire => 44,
        _ => 40,
    }
}

fn check(transfers: usize) {
    let (mut all, mut frames) = (Vec::new(), 0);
    for is_long in [false, true] {
        let mut tui_harness = at_work(transfers, is_long);
        for preset in PRESETS {
            tui_harness.press(&[preset]);
            for size in WIDTHS.into_iter().flat_map(|width| HEIGHTS.map(|height| (width, height))) {
                tui_harness.app.focus_on(Pane::Prompt);
                let buffer = frame_of(&mut tui_harness, size);
                let wasted = wasted(&buffer, tui_harness.app.workspace().areas());
                frames += 1;
                let picture = || lines(&buffer).join("\n");
                all.extend(wasted.into_iter().map(|text| (format!("{size:?} {preset} long {is_long}: {text}"), picture())));
            }
        }
    }
    let told: Vec<&str> = all.iter().map(|(text, _)| text.as_str()).collect();
    assert!(all.is_empty(), "{} of {frames} frames:\n{}\n{}", told.len(), told.join("\n"), all[0].1);
}

/// A preset shows the two panes that it is for also on the smallest screen, and the key of the map brings the pane that it changes to the front.
#[test]
fn a_preset_shows_what_it_is_for_on_the_smallest_screen() {
    let mut tui_harness = at_work(1, false);
    for (preset, panes) in
        [("F3", [Pane::Transfers, Pane::Segments]), ("F4", [Pane::Health, Pane::Nodes]), ("F5", [Pane::Files, Pane::Transfers])]
    {
        tui_harness.press(&[preset]);
        let text = lines(&frame_of(&mut tui_harness, (60, 16))).join("\n");
        let areas = tui_harness.app.workspace().areas();
        assert!(panes.iter().all(|pane| areas.iter().any(|(shown, _)| shown == pane)), "{preset}: {text}");
    }
    tui_harness.press(&["F2"]);
    tui_harness.app.focus_on(Pane::Nodes);
    frame_of(&mut tui_harness, (60, 16));
    assert!(tui_harness.app.workspace().area_of(Pane::Health).is_none());
    tui_harness.press(&["m"]);
    let text = lines(&frame_of(&mut tui_harness, (60, 16))).join("\n");
    assert!(text.contains(" Map: traffic now ") && tui_harness.app.workspace().focus() == Pane::Health, "{text}");
}

/// The preset of the transfers has rows for their segments before the wire and the log, where there are few; and none of them is wasted on few segments.
#[test]
fn the_segments_have_rows_in_their_preset() {
    let mut tui_harness = at_work(1, false);
    tui_harness.begin_upload("large.bin", 3_000_000);
    tui_harness.watch(SimDuration::from_secs(8));
    tui_harness.press(&["F3"]);
    for size in [(80, 24), (100, 24), (80, 28)] {
        frame_of(&mut tui_harness, size);
        let rows = tui_harness.app.workspace().area_of(Pane::Segments).map_or(0, |area| area.height);
        assert!(rows >= 10, "{size:?}: {rows}\n{}", tui_harness.text());
    }
}

#[test]
fn without_transfers_no_list_is_cut_beside_empty_rows() {
    check(0);
}

#[test]
fn with_one_transfer_no_list_is_cut_beside_empty_rows() {
    check(1);
}

#[test]
fn with_nine_transfers_no_list_is_cut_beside_empty_rows() {
    check(9);
}

#[test]
fn with_fifty_transfers_no_list_is_cut_beside_empty_rows() {
    check(50);
}

/// The few nodes are all there where the room for them would otherwise go to a list that is cut anyway.
#[test]
fn a_short_list_is_whole_before_a_long_one_has_more() {
    for (transfers, is_long) in [(21, false), (21, true), (60, false)] {
        let mut tui_harness = at_work(transfers, is_long);
        for (preset, size) in PRESETS.iter().flat_map(|preset| [(120, 40), (150, 50), (200, 60)].map(|size| (preset, size))) {
            tui_harness.press(&[preset]);
            let buffer = frame_of(&mut tui_harness, size);
            let Some(area) = tui_harness.app.workspace().area_of(Pane::Nodes) else { continue };
            assert_eq!(missing(&lines_of(&buffer, area)[0]), 0, "{transfers} {size:?} {preset}\n{}", lines(&buffer).join("\n"));
        }
    }
}
