//! Scrolling: no pane goes beyond its first or its last row, so that none has blank rows while others are missing.

use p2p_base::units::SimDuration;
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::theme::{Role, Theme, ThemeName};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Margin;

use crate::tui_harness::{SIZES, TuiHarness, lines_of};

/// Checks all panes of a frame, and returns those of which rows are missing, by what their titles say.
fn cut_panes(tui_harness: &mut TuiHarness, after: &str) -> Vec<Pane> {
    let (buffer, areas) = (tui_harness.draw_all(), tui_harness.app.workspace().areas().to_vec());
    let mut cut = Vec::new();
    for (pane, area) in areas {
        let title = &lines_of(&buffer, area)[0];
        let rows = lines_of(&buffer, area.inner(Margin::new(1, 1)));
        // The wire counts its packets only where they are filtered.
        if title.contains(" shown") || pane == Pane::Wire && rows.len() > 3 && title.contains(" packets") {
            let is_full = rows.iter().all(|row| !row.trim().is_empty());
            assert!(is_full, "{pane:?} has blank rows after {after}: {rows:#?}\n{}", tui_harness.text());
            cut.push(pane);
        }
    }
    cut
}

/// A network of many nodes with much to be scrolled.
fn full() -> TuiHarness {
    let mut tui_harness = TuiHarness::usual(60, (120, 40), Theme::new(ThemeName::Dark, false));
    for node in 1..40 {
        tui_harness.press(&[&format!("kill Node_{node:02}; start Node_{node:02}"), "Enter"]);
    }
    tui_harness.settle();
    tui_harness.begin_upload("video.bin", 1_000_000);
    tui_harness.watch(SimDuration::from_secs(4));
    for line in 0..120 {
        tui_harness.app.prompt_mut().say(Role::Text, &format!("line {line} {}", "word ".repeat(line % 40)));
    }
    tui_harness
}

/// However far a pane is scrolled, and however its size changes then, it is full while rows of it are missing.
#[test]
fn no_pane_is_scrolled_beyond_its_rows() {
    let mut tui_harness = full();
    for (place, &(width, height)) in SIZES.iter().enumerate() {
        tui_harness.screen = Terminal::new(TestBackend::new(width, height)).unwrap();
        for pane in Pane::ALL {
            tui_harness.app.focus_on(pane);
            let mut is_cut = cut_panes(&mut tui_harness, "the focus").contains(&pane);
            for key in ["PageUp", "PageUp", "F6", "PageUp", "Home", "Home", "F6", "PageDown", "PageUp", "End", "PageUp", "PageUp"]
            {
                tui_harness.keys(&[key]);
                is_cut |= cut_panes(&mut tui_harness, &format!("{key} in {pane:?} at {width}x{height}")).contains(&pane);
            }
            // A larger screen has room for more rows than there are below what is at the top.
            let (width, height) = SIZES[(place + 1) % SIZES.len()];
            let before = std::mem::replace(&mut tui_harness.screen, Terminal::new(TestBackend::new(width, height)).unwrap());
            cut_panes(&mut tui_harness, &format!("a change of the size with the keys in {pane:?}"));
            tui_harness.screen = before;
            let is_long = [Pane::Prompt, Pane::Log, Pane::Wire, Pane::Nodes].contains(&pane);
            assert!(is_cut || !is_long, "{pane:?} shows all at {width}x{height}: {}", tui_harness.text());
        }
    }
}

/// Packets that are selected far up go while others come; those that are left fill the pane.
#[test]
fn the_wire_stays_full_when_its_oldest_packets_go() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.begin_upload("video.bin", 500_000);
    tui_harness.watch(SimDuration::from_secs(15));
    tui_harness.press_in_pane(Pane::Wire, &["z", "g"]);
    for _ in 0..20 {
        assert!(cut_panes(&mut tui_harness, "some time").contains(&Pane::Wire), "{}", tui_harness.text());
        tui_harness.sleep(20);
    }
}
