//! The whole screen at every usual size, with few and very many nodes, in every theme, with names that are wide or hostile.

use std::collections::BTreeSet;

use p2p_engine::operation;
use p2p_service::abilities::{Colors, Glyphs};
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::draw;
use p2p_storage::tui::plain::PlainBackend;
use p2p_storage::tui::theme::{Theme, ThemeName};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};

use crate::harness::{OPERATOR, random_file};
use crate::tui_harness::{TuiHarness, lines, lines_of};

const SIZES: [(u16, u16); 7] = [(60, 16), (80, 24), (90, 50), (100, 30), (120, 40), (200, 60), (250, 20)];
const PRESETS: [&str; 4] = ["F2", "F3", "F4", "F5"];
/// Names of files that are wide, long, or of several characters in a cell.
const NAMES: [&str; 4] = [
    "ファイルの名前がとても長い.bin",
    "a-name-that-is-longer-than-its-column-at-any-usual-size.bin",
    "e\u{301}\u{301}\u{301}.bin",
    "👩\u{200d}👩\u{200d}👧 family.bin",
];
/// Number of columns that may be empty beside a pane that is cut: less than any column of figures takes.
const BLANK_MAX: u16 = 8;
/// Frame of a pane.
const FRAME: Margin = Margin::new(1, 1);
/// Name that would move a cursor or turn a line around.
const HOSTILE: &str = "ev\u{202e}il\u{1b}[2J\u{9b}\r\n.bin";

/// A screen in this theme on a network with so many nodes, at work: uploads of files with such names, and others that wait, a node that was
/// killed, and a path that is cut.
fn at_work(nodes: u32, theme: Theme) -> TuiHarness {
    let mut tui_harness = TuiHarness::usual(nodes, (120, 40), theme);
    tui_harness.keys(&["kill Node_02; path Node_01,Node_03 --cut", "Enter"]);
    tui_harness.sleep(20);
    for (number, name) in NAMES.into_iter().chain([HOSTILE]).enumerate() {
        let path = tui_harness.home.path().join(format!("{number}.bin"));
        random_file(&path, 300_000, number as u64);
        let upload = operation::Upload::of_file(path, Some(name.into()), 0);
        let begun = tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, upload));
        assert_eq!(begun.is_err(), name == HOSTILE, "{name:?}: {begun:?}");
    }
    tui_harness.keys(&[&format!("info {}", NAMES[0]), "Enter"]);
    tui_harness.sleep(3);
    // What waits has rows too.
    tui_harness.keys(&["pause", "Enter"]);
    let files = ["0.bin", "1.bin"].map(|name| tui_harness.home.path().join(name).display().to_string());
    tui_harness.press(&[&format!("upload {} --as x/", files.join(" ")), "Enter", "sleep 1h; echo later", "Enter"]);
    tui_harness.until(|app| app.under_way().is_some_and(|lines| lines.contains("waiting: ") && lines.contains("sleep 1h")));
    tui_harness.refresh();
    tui_harness
}

/// Draws the screen as a terminal gets it.
fn drawn(tui_harness: &mut TuiHarness, (width, height): (u16, u16), theme: &Theme) -> Buffer {
    let glyphs = if theme.glyphs.is_unicode { Glyphs::Unicode } else { Glyphs::Ascii };
    let mut screen = Terminal::new(PlainBackend::new(TestBackend::new(width, height), glyphs, Colors::All)).unwrap();
    screen.draw(|frame| draw::draw(&mut tui_harness.app, frame)).unwrap();
    screen.backend().inner().buffer().clone()
}

/// The words of a text that consist of letters.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 2 && word.is_ascii())
}

/// All words of a pane where it has the whole of a very large screen.
fn known_words(tui_harness: &mut TuiHarness, theme: &Theme) -> BTreeSet<String> {
    // Where all rows are there, no title says how many of them are.
    let mut known = BTreeSet::from(["shown".to_owned()]);
    for pane in Pane::ALL {
        tui_harness.app.focus_on(pane);
        tui_harness.press(&["F6"]);
        for size in [(300, 100), (130, 100)] {
            let text = lines(&drawn(tui_harness, size, theme)).join("\n");
            known.extend(words(&text).map(str::to_owned));
        }
        tui_harness.press(&["F6"]);
    }
    known
}

/// Looks at a frame: its characters, its labels and words, what it says of what is not shown, and the way out.
fn check(tui_harness: &mut TuiHarness, size: (u16, u16), theme: &Theme, known: &BTreeSet<String>, nodes: u32) {
    let buffer = drawn(tui_harness, size, theme);
    let (rows, ellipsis) = (lines(&buffer), theme.glyphs.ellipsis);
    let text = rows.join("\n");
    let is_raw = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!rows.concat().contains(is_raw), "{size:?}: {text:?}");
    assert!(theme.glyphs.is_unicode || text.is_ascii(), "{size:?}: {text}");
    let hints = rows.last().unwrap();
    assert!(hints.contains("F1 help") && hints.contains("Ctrl-Q quit"), "{size:?}: {hints}");
    // A name that is no node's, such as one that others are written over, is none that was cut with a mark.
    for (at, _) in text.match_indices("Node_") {
        let name = &text[at + "Node_".len()..];
        let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
        let is_node = name[..end].parse::<u32>().is_ok_and(|number| (1..=nodes).contains(&number) && end >= 2);
        assert!(is_node || name[end..].starts_with(ellipsis), "{size:?}: Node_{}: {text}", &name[..end]);
    }
    check_cuts(&buffer, tui_harness.app.workspace().areas(), ellipsis);
    for &(pane, area) in tui_harness.app.workspace().areas() {
        let inner = area.inner(Margin::new(1, 0));
        for line in lines_of(&buffer, inner) {
            // A word at the right edge is whole, or its line ends in a mark.
            if line.chars().count() < usize::from(inner.width) {
                continue;
            }
            let last = words(line.rsplit(' ').next().unwrap()).last().unwrap_or_default();
            // Without colours the curves of a chart are drawn in their letters.
            let is_curve = last.bytes().all(|c| b"la".contains(&c));
            assert!(is_curve || known.contains(last) || !line.ends_with(last), "{size:?} {pane:?}: {line}\n{text}");
        }
        let shown = lines_of(&buffer, area);
        let of_nodes =
            shown.iter().filter(|line| [" ALIVE ", " SUSPECT ", " DEAD "].iter().any(|state| line.contains(state))).count();
        let is_counted = shown[0].contains(&format!("{of_nodes} of {nodes} "));
        assert!(pane != Pane::Nodes || of_nodes == nodes as usize || is_counted, "{size:?}: {text}");
    }
}

/// The number of columns at the right end of a pane in which no row shows anything.
fn blank_columns(buffer: &Buffer, area: Rect) -> u16 {
    let inner = area.inner(FRAME);
    let is_blank = |x: &u16| inner.rows().all(|row| buffer[(*x, row.y)].symbol().trim().is_empty());
    (inner.left()..inner.right()).rev().take_while(is_blank).count() as u16
}

/// Looks at cuts: none stands behind a digit, which might be half of a number, and beside a pane of which a row is cut no other has columns
/// that are empty, unless panes above or below it need them. The prompt has room for what will be typed.
fn check_cuts(buffer: &Buffer, areas: &[(Pane, Rect)], mark: &str) {
    let text = || lines(buffer).join("\n");
    let is_empty = |area: Rect| blank_columns(buffer, area) > BLANK_MAX;
    for &(pane, area) in areas {
        for line in lines_of(buffer, area) {
            let is_within_number = |(at, _): (usize, &str)| line[..at].ends_with(|c: char| c.is_ascii_digit());
            assert!(!line.match_indices(mark).any(is_within_number), "{pane:?} cuts a number: {line}\n{}", text());
        }
        let Some(cut) = lines_of(buffer, area.inner(FRAME)).into_iter().find(|row| row.ends_with(mark)) else { continue };
        for &(other, there) in areas.iter().filter(|(other, _)| *other != Pane::Prompt) {
            let is_beside =
                (there.x == area.right() || there.right() == area.x) && there.y < area.bottom() && area.y < there.bottom();
            let is_stacked =
                |(of, place): &&(Pane, Rect)| *of != Pane::Prompt && (place.x, place.width) == (there.x, there.width);
            let is_wasted = is_beside && areas.iter().filter(is_stacked).all(|(_, place)| is_empty(*place));
            assert!(!is_wasted, "{pane:?} is cut beside the blank columns of {other:?}: {cut}\n{}", text());
        }
    }
}

fn check_all(nodes: u32, themes: &[Theme]) {
    for theme in themes {
        let mut tui_harness = at_work(nodes, *theme);
        let known = known_words(&mut tui_harness, theme);
        for size in SIZES {
            for preset in PRESETS {
                tui_harness.press(&[preset]);
                for pane in Pane::ALL {
                    tui_harness.app.focus_on(pane);
                    check(&mut tui_harness, size, theme, &known, nodes);
                }
                tui_harness.app.focus_on(Pane::Health);
                tui_harness.press(&["m"]);
                check(&mut tui_harness, size, theme, &known, nodes);
                tui_harness.press(&["z"]);
                check(&mut tui_harness, size, theme, &known, nodes);
                tui_harness.press(&["z", "m"]);
            }
        }
    }
}

/// The themes: dark, light, without colours, in ASCII, and as a terminal without colours and with ASCII alone has it.
fn themes() -> [Theme; 5] {
    let of = |name, ascii| Theme::new(name, ascii);
    [
        of(ThemeName::Dark, false),
        of(ThemeName::Light, false),
        of(ThemeName::Mono, false),
        of(ThemeName::Dark, true),
        of(ThemeName::Mono, true).in_colors(Colors::None),
    ]
}

#[test]
fn five_nodes_fit_every_screen() {
    check_all(5, &themes());
}

#[test]
fn twenty_nodes_fit_every_screen() {
    check_all(20, &[themes()[0], themes()[4]]);
}

#[test]
fn a_hundred_nodes_fit_every_screen() {
    check_all(100, &[themes()[1], themes()[3]]);
}

#[test]
fn a_thousand_nodes_fit_every_screen() {
    check_all(1000, &[themes()[0]]);
}

/// The matrix of the usual five nodes is whole on the usual screen, whatever else goes on.
#[test]
fn the_matrix_of_five_nodes_is_whole() {
    for theme in themes() {
        let mut tui_harness = at_work(5, theme);
        let buffer = drawn(&mut tui_harness, (120, 40), &theme);
        let area = tui_harness.app.workspace().area_of(Pane::Health).unwrap();
        let matrix = lines_of(&buffer, area);
        for name in ["cl", "01", "02", "03", "04", "05"] {
            assert!(matrix[1].contains(&format!("  {name}")), "{matrix:#?}");
            let of_host = |line: &&String| line.trim_start_matches(['│', '|']).starts_with(&format!("{name} "));
            let row = matrix[2..].iter().find(of_host).unwrap_or_else(|| panic!("no row {name}: {matrix:#?}"));
            assert_eq!(row.trim_matches(['│', '|']).split_whitespace().count(), 7, "{row}");
        }
    }
}
