//! The rows of the latest answer: it has them while it is looked at, and gives them back to panes that are cut.

use crossterm::event::{KeyCode, KeyModifiers};
use p2p_storage::tui::app::Pane;

use crate::harness::random_file;
use crate::tui_harness::TuiHarness;

/// Number of looks at an idle screen after which an answer gives its rows back.
const LOOKS: usize = 7;

/// The places of all panes.
fn places(tui_harness: &mut TuiHarness) -> Vec<(Pane, ratatui::layout::Rect)> {
    tui_harness.draw();
    tui_harness.app.workspace().areas().to_vec()
}

/// The height of a pane; 0 if it is not shown.
fn height(tui_harness: &mut TuiHarness, pane: Pane) -> u16 {
    places(tui_harness).iter().find(|(other, _)| *other == pane).map_or(0, |(_, area)| area.height)
}

/// Looks at the idle screen so often; returns which looks have changed it.
fn looks(tui_harness: &mut TuiHarness, count: usize) -> Vec<usize> {
    (1..=count).filter(|_| tui_harness.app.look_after_answer()).collect()
}

fn f_key(tui_harness: &mut TuiHarness, number: u8) {
    tui_harness.key(KeyCode::F(number), KeyModifiers::NONE);
    tui_harness.settle();
}

/// An answer gives its rows back once, after a minute without a key, and has them again when it is asked for.
#[test]
fn an_old_answer_gives_its_rows_back() {
    for (size, least) in [((140, 24), 5), ((80, 24), 5), ((60, 16), 5)] {
        let mut tui_harness = TuiHarness::dark(size.0, size.1);
        tui_harness.ask_aside("help upload");
        let (grown, nodes) = (height(&mut tui_harness, Pane::Prompt), height(&mut tui_harness, Pane::Nodes));
        assert!(grown > least, "{size:?}: {}", tui_harness.text());
        assert_eq!(looks(&mut tui_harness, LOOKS), [LOOKS], "{size:?}");
        let given = places(&mut tui_harness);
        let rested = height(&mut tui_harness, Pane::Prompt);
        assert!(rested < grown && height(&mut tui_harness, Pane::Nodes) >= nodes, "{size:?}: {}", tui_harness.text());
        // Nothing moves after that.
        assert!(looks(&mut tui_harness, 3 * LOOKS).is_empty() && (0..5).all(|_| places(&mut tui_harness) == given), "{size:?}");
        tui_harness.keys(&["l"]);
        assert_eq!(places(&mut tui_harness), given);
        for back in [KeyCode::PageUp, KeyCode::Esc] {
            tui_harness.key(back, KeyModifiers::NONE);
            assert_eq!(height(&mut tui_harness, Pane::Prompt), grown, "{size:?} {back}");
            tui_harness.key(KeyCode::PageDown, KeyModifiers::NONE);
            // A key puts it off.
            assert!(looks(&mut tui_harness, LOOKS - 1).is_empty());
            tui_harness.keys(&["s"]);
            assert!(looks(&mut tui_harness, LOOKS - 1).is_empty());
            assert_eq!((height(&mut tui_harness, Pane::Prompt), looks(&mut tui_harness, 1).len()), (grown, 1), "{size:?} {back}");
            assert_eq!(height(&mut tui_harness, Pane::Prompt), rested, "{size:?} {back}");
        }
        // The next answer has its own.
        tui_harness.key(KeyCode::Char('u'), KeyModifiers::CONTROL);
        tui_harness.ask_aside("help download");
        assert!(height(&mut tui_harness, Pane::Prompt) > rested, "{size:?}: {}", tui_harness.text());
    }
}

/// Where all is shown nobody needs the rows, and an answer that is scrolled is being read.
#[test]
fn an_answer_stays_that_takes_nothing_away() {
    let mut tui_harness = TuiHarness::dark(200, 100);
    tui_harness.ask_aside("help upload");
    assert!(looks(&mut tui_harness, 3 * LOOKS).is_empty(), "{}", tui_harness.text());
    let mut tui_harness = TuiHarness::dark(140, 24);
    tui_harness.ask_aside("help upload");
    tui_harness.key(KeyCode::PageUp, KeyModifiers::NONE);
    assert!(looks(&mut tui_harness, 3 * LOOKS).is_empty(), "{}", tui_harness.text());
}

/// Whoever chooses a preset looks at its panes: the answer before gives its rows to them, on the smallest screen as well.
#[test]
fn a_preset_takes_the_rows_of_an_answer() {
    for (width, height, files) in [(60, 16, 3), (80, 24, 4)] {
        let mut tui_harness = TuiHarness::dark(width, height);
        let data = tui_harness.home.path().to_owned();
        for name in ["a.bin", "b.bin", "c.bin", "d.bin"] {
            random_file(&data.join(name), 20_000, 7);
            tui_harness.keys(&[&format!("upload {}", data.join(name).display()), "Enter"]);
        }
        tui_harness.ask_aside("help upload");
        f_key(&mut tui_harness, 5);
        tui_harness.draw_all();
        let text = tui_harness.text();
        let shown = tui_harness.pane(Pane::Files).iter().filter(|row| row.contains(".bin")).count();
        assert!(shown >= files, "{width}x{height}: {shown}\n{text}");
        let rested = self::height(&mut tui_harness, Pane::Prompt);
        tui_harness.keys(&["Esc"]);
        assert!(self::height(&mut tui_harness, Pane::Prompt) > rested, "{width}x{height}: {}", tui_harness.text());
    }
}
