//! Names on the screen: wide characters take two cells and shift nothing, long names end in a mark, and what would command a terminal
//! reaches no cell, in every pane and dialog at every size.

use crossterm::event::Event as Input;
use p2p_base::units::SimDuration;
use p2p_storage::tui::app::Pane;
use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

use crate::harness::random_file;
use crate::prompt::says;
use crate::tui_harness::{SIZES, TuiHarness, lines};

/// Text that sets a title, colours, moves the cursor, and turns the direction of writing.
const HOSTILE: &str = "evil\u{1b}]0;title\u{7}\u{1b}[31m\u{9b}2J\r\u{202e}gnp";

/// Checks that no cell holds what would command a terminal, and that no wide character reaches beyond its cells.
pub(crate) fn check_cells(buffer: &Buffer, place: &str) {
    for row in buffer.area.rows() {
        let mut next = row.x;
        for at in row.positions() {
            let symbol = buffer[at].symbol();
            let is_bad =
                |c: char| c.is_control() || ('\u{200b}'..='\u{200f}').contains(&c) || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!symbol.contains(is_bad), "{place}: {symbol:?} at {at}");
            // The second cell of a wide character is blank, as the terminal draws it.
            assert!(at.x >= next || symbol == " ", "{place}: {symbol:?} at {at} is below a wide character");
            if at.x >= next {
                next = at.x + symbol.width().max(1) as u16;
            }
        }
        assert!(next <= row.right(), "{place}: a wide character reaches beyond row {}", row.y);
    }
}

/// Checks that both sides of the frame of each pane are where they belong.
fn check_frames(tui_harness: &TuiHarness, buffer: &Buffer, place: &str) {
    for (pane, area) in tui_harness.app.workspace().areas() {
        for y in area.top() + 1..area.bottom() - 1 {
            let sides = [area.left(), area.right() - 1].map(|x| buffer[(x, y)].symbol().to_owned());
            assert!(sides.iter().all(|side| ["│", "┃"].contains(&side.as_str())), "{place} {pane:?} row {y}: {sides:?}");
        }
    }
}

/// Draws every pane with the focus and zoomed, and checks each frame.
fn check_panes(tui_harness: &mut TuiHarness, name: &str) {
    for pane in Pane::ALL {
        for key in [&[][..], &["z"]] {
            tui_harness.app.focus_on(Pane::Transfers);
            tui_harness.app.focus_on(pane);
            if pane != Pane::Prompt {
                tui_harness.press(key);
            }
            let buffer = tui_harness.frame();
            let place = format!("{name} {pane:?} {key:?}");
            check_cells(&buffer, &place);
            check_frames(tui_harness, &buffer, &place);
            if pane != Pane::Prompt {
                tui_harness.press(key);
            }
        }
    }
}

/// Names of wide characters stand in their columns at every size; where they are too long they end in a mark, and what follows them
/// stands where it stands in the other rows.
#[test]
fn wide_names_shift_nothing() {
    for (width, height) in SIZES {
        let mut tui_harness = TuiHarness::slow(width, height);
        let long = format!("{}.dat", "日本語の長い名前".repeat(4));
        for name in ["ファイル.dat", &long, "plain.dat"] {
            tui_harness.begin_upload(name, 200_000);
        }
        tui_harness.watch(SimDuration::from_secs(3));
        let name = format!("{width}x{height}");
        check_panes(&mut tui_harness, &name);
        tui_harness.press_in_pane(Pane::Transfers, &["z"]);
        let buffer = tui_harness.frame();
        let rows = lines(&buffer);
        let row = |number: &str| rows.iter().find(|row| row.contains(number)).unwrap_or_else(|| panic!("{rows:#?}"));
        // The cell after a wide character is blank.
        assert!(row("#1 ↑").contains("フ ァ イ ル .dat"), "{name}: {rows:#?}");
        assert!(row("#2 ↑").contains('…'), "{name}: {rows:#?}");
        let states = ["#1 ↑", "#2 ↑", "#3 ↑"].map(|number| {
            let place = rows.iter().position(|row| row.contains(number)).unwrap() as u16;
            let line: Vec<&str> = (0..width).map(|x| buffer[(x, place)].symbol()).collect();
            line.windows(7).position(|cells| cells.concat() == "running")
        });
        assert!(states[0].is_some() && states[0] == states[1] && states[1] == states[2], "{name}: {states:?} {rows:#?}");
    }
}

/// What a path, a typed line, a pasted text or an error contains commands no terminal: neither in the rows of what waits, nor in the log,
/// the prompt, a filter, a dialog or the help.
#[test]
fn hostile_names_command_no_terminal() {
    for (width, height) in SIZES {
        let mut tui_harness = TuiHarness::slow(width, height);
        let directory = tui_harness.home.path().join(HOSTILE);
        std::fs::create_dir(&directory).unwrap();
        let paths = ["a.bin", "ファイル.dat", "c.bin"].map(|name| directory.join(name));
        paths.iter().for_each(|path| drop(random_file(path, 200_000, 5)));
        tui_harness.keys(&["pause", "Enter"]);
        let quoted = paths.map(|path| format!("'{}'", path.display())).join(" ");
        let lines =
            [format!("upload {quoted}"), format!("echo '{HOSTILE}'"), format!("upload '{HOSTILE}/none'; echo '{HOSTILE}'")];
        for line in &lines {
            let runtime = tui_harness.runtime.handle().clone();
            let _runtime = runtime.enter();
            tui_harness.app.run(line);
        }
        tui_harness.until(|app| says(app, "#1 has begun") && says(app, "cannot read"));
        assert!(says(&tui_harness.app, "evil\\u{1b}]0;title\\u{7}\\u{1b}[31m"), "what is not drawn is spelled out");
        tui_harness.refresh();
        let name = format!("{width}x{height}");
        let waiting = tui_harness.app.scene().pending.len();
        assert_eq!(waiting, 2, "{:?}", tui_harness.app.prompt().output);
        check_panes(&mut tui_harness, &name);
        for pane in [Pane::Transfers, Pane::Wire, Pane::Log] {
            tui_harness.press_in_pane(pane, &["/"]);
            tui_harness.app.on_input(Input::Paste(HOSTILE.into()));
            let buffer = tui_harness.frame();
            check_cells(&buffer, &format!("{name} filter of {pane:?}"));
            tui_harness.press(&["Esc", "Esc"]);
        }
        // The menu of a row, the list of what waits, and the line that is being typed.
        tui_harness.press_in_pane(Pane::Transfers, &["Down", "x"]);
        check_cells(&tui_harness.frame(), &format!("{name} menu"));
        tui_harness.press(&["Esc", "F7"]);
        check_cells(&tui_harness.frame(), &format!("{name} what waits"));
        tui_harness.press(&["Esc"]);
        tui_harness.app.focus_on(Pane::Prompt);
        tui_harness.app.on_input(Input::Paste(format!("echo {HOSTILE}")));
        check_cells(&tui_harness.frame(), &format!("{name} typed"));
        tui_harness.press(&["Ctrl-C"]);
        tui_harness.resume();
        tui_harness.settle();
        check_panes(&mut tui_harness, &name);
    }
}

/// A dialog whose frame stands on the second cell of a wide character covers the whole of it.
#[test]
fn a_dialog_covers_whole_characters() {
    for width in [100, 101] {
        let mut tui_harness = TuiHarness::dark(width, 30);
        let wide = "世".repeat(usize::from(width) / 2);
        for shift in ["", "a"] {
            let line = format!("{shift}{wide}");
            tui_harness.keys(&[&line, "Enter", "Ctrl-P"]);
            check_cells(&tui_harness.frame(), &format!("{width} columns, {shift:?}"));
            tui_harness.keys(&["Esc"]);
        }
    }
}
