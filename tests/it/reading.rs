//! What the screen says can be read and understood: long answers in the viewer, the words of the screen in the help, the mode and the
//! keys that lead from one part to another.

use crossterm::event::Event as Input;
use p2p_base::units::SimDuration;
use p2p_storage::tui::app::{Pane, TerminalRequest};
use p2p_storage::tui::dialog::Dialog;
use p2p_storage::tui::editor::SEARCH_MAX;
use p2p_storage::tui::help;
use p2p_storage::tui::theme::{Role, Theme, ThemeName};

use unicode_width::UnicodeWidthStr;

use crate::generated;
use crate::harness::random_file;
use crate::prompt::{paused, says};
use crate::tui_harness::{TuiHarness, lines_of};

/// A screen that has been drawn once, so that it knows its size.
fn drawn(width: u16, height: u16) -> TuiHarness {
    let mut tui_harness = TuiHarness::dark(width, height);
    tui_harness.text();
    tui_harness
}

/// The hint line.
fn footer(tui_harness: &mut TuiHarness) -> String {
    tui_harness.text().lines().last().unwrap().to_owned()
}

/// An answer that is longer than the prompt can become opens where all of it can be read: its heading stays, the position is said,
/// and a search finds a line.
#[test]
fn a_long_answer_opens_in_the_viewer() {
    for (width, height) in [(120, 40), (80, 24)] {
        let mut tui_harness = drawn(width, height);
        tui_harness.keys(&["help", "Enter"]);
        let text = tui_harness.text();
        assert!(text.contains(" help ") && text.contains("lines 1-") && text.contains("/ search, y copy, Esc close"), "{text}");
        let all = tui_harness.app.prompt().output.iter().filter(|(_, line)| !line.is_empty()).count();
        let mut seen = String::new();
        for _ in 0..all {
            seen.push_str(&tui_harness.text());
            tui_harness.keys(&["PageDown"]);
        }
        for command in ["upload", "echo", "export", "capture", "quit"] {
            let is_seen = [' ', '│'].into_iter().any(|before| seen.contains(&format!("{before}{command} ")));
            assert!(is_seen, "{command} cannot be seen");
        }
        tui_harness.keys(&["g", "/", "virtual time", "Enter"]);
        assert!(tui_harness.text().contains("/virtual time (n, N)"), "{}", tui_harness.text());
        tui_harness.keys(&["/", "no such word"]);
        assert!(tui_harness.text().contains("nothing found"), "{}", tui_harness.text());
        tui_harness.keys(&["Esc", "y"]);
        assert!(tui_harness.text().contains("copied "), "{}", tui_harness.text());
        let requests = tui_harness.app.take_terminal_requests();
        assert!(matches!(requests.as_slice(), [TerminalRequest::Copy(text)] if text.contains("upload")), "{requests:?}");
        // A letter that is no key of the viewer begins the next command.
        tui_harness.keys(&["transfers", "Enter"]);
        assert!(tui_harness.app.dialogs().is_empty() && tui_harness.text().contains("no transfers yet"));
        // F8 opens the latest answer, however short it is.
        tui_harness.keys(&["F8"]);
        assert!(tui_harness.text().contains(" transfers ") && tui_harness.text().contains("1 line"), "{}", tui_harness.text());
    }
}

/// A table is laid out for the place where it is read: whatever it says stands there, in the prompt and in the viewer.
#[test]
fn tables_are_whole_in_the_viewer() {
    for (width, height) in [(60, 16), (80, 24), (100, 30), (120, 40)] {
        let mut tui_harness = drawn(width, height);
        let name = format!("{}.bin", "name".repeat(8));
        random_file(&tui_harness.home.path().join(&name), 30_000, 1);
        let path = tui_harness.home.path().join(&name).display().to_string();
        tui_harness.keys(&[&format!("upload {path}; path client,Node_01 --delay 100ms --loss 1%; kill Node_02"), "Enter"]);
        for command in [
            "nodes",
            "transfers",
            "segments",
            "faults",
            "faults profiles",
            "health",
            "ls",
            "stats",
            "links",
            "usage",
            "sessions",
            "audit",
        ] {
            tui_harness.keys(&[command, "Enter"]);
            tui_harness.text();
            if tui_harness.app.dialogs().is_empty() {
                tui_harness.keys(&["F8"]);
            }
            let Some(Dialog::Viewer(viewer)) = tui_harness.app.dialogs().last() else { panic!("{command}") };
            // The frame takes two columns.
            assert!(viewer.size().0 + 2 <= usize::from(width), "{command} at {width}x{height}: {viewer:?}");
            let rows: Vec<&str> = viewer.shown().map(|(line, _)| line).filter(|line| line.contains('┆')).collect();
            assert!(rows.iter().all(|row| row.starts_with('│') && row.ends_with('│')), "{command}: {rows:?}");
            let last = rows.last().map(|row| row.to_string());
            let text = tui_harness.text();
            assert!(last.is_none_or(|row| text.contains(&row)), "{command} at {width}x{height}:\n{text}");
            tui_harness.keys(&["Esc"]);
        }
    }
}

/// An answer that was opened is laid out anew when the terminal changes its size: no line is broken where the screen was narrower, none is cut
/// where it is narrower now, and what was searched for stays found.
#[test]
fn an_open_answer_follows_the_size_of_the_terminal() {
    let mut tui_harness = drawn(70, 24);
    let rows = |tui_harness: &mut TuiHarness| {
        tui_harness.text();
        let Some(Dialog::Viewer(viewer)) = tui_harness.app.dialogs().last() else { panic!("no viewer") };
        (viewer.size().1, viewer.shown().map(|(row, is_found)| (row.to_owned(), is_found)).collect::<Vec<_>>())
    };
    for (command, word) in [("help upload", "background"), ("nodes", "Node_04"), ("help", "audit")] {
        tui_harness.screen.backend_mut().resize(70, 24);
        tui_harness.ask_aside(command);
        tui_harness.keys(&["F8", "/", word, "Enter"]);
        let (narrow, at_first) = rows(&mut tui_harness);
        assert!(at_first.iter().any(|(row, is_found)| *is_found && row.contains(word)), "{command}: {at_first:#?}");
        for (width, height) in [(160, 24), (62, 24), (160, 24)] {
            tui_harness.screen.backend_mut().resize(width, height);
            let (count, shown) = rows(&mut tui_harness);
            let text = tui_harness.text();
            assert!(shown.iter().any(|(row, is_found)| *is_found && row.contains(word)), "{command} at {width}:\n{text}");
            assert!(shown.iter().all(|(row, _)| row.width() + 2 <= usize::from(width)), "{command} at {width}:\n{text}");
            // As it would be in a viewer that was opened at this width.
            tui_harness.keys(&["Esc", "F8", "/", word, "Enter"]);
            assert_eq!(rows(&mut tui_harness).0, count, "{command} at {width}:\n{text}");
            assert!(width < 100 || command == "nodes" || count < narrow, "{command}: {count} {narrow}");
        }
        tui_harness.keys(&["Esc"]);
    }
}

/// An answer stands whole in the prompt, below its command, or it opens in the viewer, whatever room the other panes leave to the prompt.
#[test]
fn an_answer_is_whole_in_the_prompt_or_opens_in_the_viewer() {
    for (width, height) in [(60, 16), (80, 24), (90, 50), (100, 30), (120, 40), (200, 60), (250, 20)] {
        let mut tui_harness = drawn(width, height);
        for number in 0..12 {
            tui_harness.app.prompt_mut().remember(&format!("echo {number}"));
        }
        let commands =
            ["nodes", "stats", "topology", "health", "node Node_02", "faults", "files", "help upload", "history", "config"];
        for command in commands {
            tui_harness.keys(&[command, "Enter"]);
            let text = tui_harness.text();
            if !tui_harness.app.dialogs().is_empty() {
                assert!(text.contains(&format!(" {command} ")) && footer(&mut tui_harness).contains("VIEWER"), "{text}");
                tui_harness.keys(&["Esc"]);
                continue;
            }
            let area = tui_harness.app.workspace().area_of(Pane::Prompt).unwrap();
            let shown = lines_of(tui_harness.screen.backend().buffer(), area);
            let all = shown.iter().map(|line| line.trim_matches(['│', '┃', ' '])).collect::<Vec<_>>().join("\n");
            let lines = tui_harness.app.prompt().answer().iter().map(|(_, line)| line.trim_matches(['│', ' ']));
            let answer: Vec<&str> = lines.collect();
            assert!(all.contains(&answer.join("\n")), "{width}x{height} {command}:\n{text}\n{answer:#?}");
        }
    }
}

/// Whoever types on is not disturbed by an answer.
#[test]
fn an_answer_takes_no_keys_from_somebody_who_types() {
    let mut tui_harness = drawn(120, 40);
    tui_harness.press(&["help", "Enter", "ech"]);
    tui_harness.settle();
    assert!(tui_harness.app.dialogs().is_empty());
    tui_harness.keys(&["o heard", "Enter"]);
    assert_eq!(tui_harness.app.prompt().output.last().unwrap().1, "heard");
}

/// F1 and the palette find the words that the screen uses, and say where they find nothing.
#[test]
fn the_help_knows_the_words_on_the_screen() {
    for open in ["F1", "Ctrl-P"] {
        for word in [
            "zoom",
            "freeze",
            "filter",
            "mouse",
            "Shift",
            "history",
            "Ctrl-R",
            "Ctrl-C",
            "copy",
            "legend",
            "rtx",
            "◐",
            "✕",
            "·",
            "cwnd",
            "SUSPECT",
            "READY",
            "WAITING",
            "eta",
            "upload",
            "REC",
            "undoing",
            "click",
            "retransmits",
            "hidden",
            "connected",
            "began",
            "checked",
            "mean RTT",
            "last RTT",
            "holders",
            "by alice",
            "after upload",
            "1x",
            "max",
            "cut to",
            "no room for",
            "pinned",
            "traffic now",
        ] {
            let mut tui_harness = TuiHarness::dark(120, 40);
            tui_harness.keys(&[open, word]);
            let text = tui_harness.text();
            assert!(!text.contains("nothing found"), "{open} {word}: {text}");
        }
        let mut tui_harness = TuiHarness::dark(120, 40);
        tui_harness.keys(&[open, "xyzzy"]);
        assert!(tui_harness.text().contains("nothing found for `xyzzy`"), "{}", tui_harness.text());
        // A word opens the legend at its line.
        let mut tui_harness = TuiHarness::dark(120, 40);
        tui_harness.keys(&[open, "slow-start threshold", "Enter"]);
        let text = tui_harness.text();
        assert!(text.contains(" Legend ") && text.contains("ssthresh") && footer(&mut tui_harness).contains("VIEWER"), "{text}");
    }
}

/// The round trips of all pairs stand below each other.
#[test]
fn the_round_trips_of_all_pairs_are_in_columns() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    tui_harness.keys(&["path client,2 --delay 300ms", "Enter", "health", "Enter"]);
    let lines: Vec<(Role, String)> = tui_harness.app.prompt().answer().to_vec();
    let cells =
        lines.iter().filter_map(|(_, line)| line.strip_prefix("│ ")?.split_once(" ┆ ")).filter(|(_, rest)| rest.contains('·'));
    let ends: Vec<usize> = cells.map(|(_, cells)| cells.trim_end_matches(['│', ' ']).chars().count()).collect();
    assert_eq!(ends.len(), 6, "{lines:#?}");
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?} {lines:#?}");
}

/// The hint line says where the keys go.
#[test]
fn the_mode_is_seen() {
    let mut tui_harness = drawn(80, 24);
    let modes: [(&[&str], &str); 9] = [
        (&[], "PROMPT"),
        (&["Ctrl-R"], "SEARCH"),
        (&["Esc", "Tab"], "PANE"),
        (&["/"], "FILTER"),
        (&["Esc", "F1"], "LIST"),
        (&["Esc", "F9"], "VIEWER"),
        (&["Esc", ":"], "PROMPT"),
        (&["register", "Enter"], "FORM"),
        (&["Esc", "sleep 1h; ls", "Enter"], "PROMPT"),
    ];
    tui_harness.keys(&["pause", "Enter"]);
    for (keys, mode) in modes {
        tui_harness.press(keys);
        if mode == "FORM" {
            tui_harness.settle();
        }
        let line = footer(&mut tui_harness);
        assert!(line.starts_with(&format!(" {mode} ")), "{keys:?}: {line}");
    }
    tui_harness.until(|app| app.under_way().is_some());
    tui_harness.press(&["Ctrl-Q"]);
    let text = tui_harness.text();
    assert!(text.lines().last().unwrap().starts_with(" QUESTION"), "{text}");
}

/// While a filter or a search is typed, the hint line names what ends it and none of the keys that are text now; those that it names have
/// their effect.
#[test]
fn the_hint_line_names_keys_that_work_while_a_text_is_typed() {
    let mut tui_harness = drawn(120, 40);
    tui_harness.app.focus_on(Pane::Wire);
    tui_harness.press(&["/"]);
    let line = footer(&mut tui_harness);
    assert!(line.starts_with(" FILTER  F1 help  Ctrl-Q quit  Enter keep  Esc clear "), "{line}");
    assert!(["act", "zoom", "probes", "Tab", "Space"].iter().all(|word| !line.contains(word)), "{line}");
    tui_harness.press(&["Esc", "Esc", "Ctrl-R"]);
    let line = footer(&mut tui_harness);
    assert!(line.starts_with(" SEARCH  F1 help  Ctrl-Q quit  Enter run  Ctrl-R older  Esc give up "), "{line}");
    assert!(!line.contains("complete"), "{line}");
    tui_harness.press(&["F1"]);
    assert!(footer(&mut tui_harness).starts_with(" LIST "), "{}", tui_harness.text());
    tui_harness.press(&["Esc", "Ctrl-R", "Ctrl-Q"]);
    assert!(tui_harness.app.is_over(), "{}", tui_harness.text());
}

/// A key that has no meaning in the viewer does nothing there; a letter begins the next command.
#[test]
fn the_viewer_stays_open_for_keys_without_a_meaning() {
    let mut tui_harness = drawn(80, 24);
    tui_harness.press(&["F9"]);
    for key in ["Left", "Right", "Ctrl-A", "Ctrl-R"] {
        tui_harness.press(&[key]);
        assert!(matches!(tui_harness.app.dialogs().last(), Some(Dialog::Viewer(_))), "{key}");
    }
    tui_harness.press(&["ls"]);
    assert!(tui_harness.app.dialogs().is_empty() && tui_harness.app.prompt().editor.text() == "ls");
}

/// No viewer opens for the word that a transfer has begun, only for what its end answers; its title shows that it is cut.
#[test]
fn the_answer_of_a_transfer_is_that_of_its_end() {
    let mut tui_harness = paused(60, 16);
    tui_harness.text();
    let path = tui_harness.home.path().join("a.bin");
    let long = format!("upload {} --as {}.bin", path.display(), "long-name-".repeat(8));
    tui_harness.press(&[&long, "Enter"]);
    tui_harness.until(|app| says(app, "#1 has begun"));
    let text = tui_harness.text();
    assert!(tui_harness.app.dialogs().is_empty(), "{text}");
    tui_harness.press(&["F8"]);
    let text = tui_harness.text();
    let top = text.lines().find(|line| line.contains("┌ upload ")).unwrap();
    assert!(top.contains("… ┐"), "{text}");
    tui_harness.press(&["Esc"]);
    tui_harness.resume();
    tui_harness.settle();
    assert!(tui_harness.text().contains("stored"), "{}", tui_harness.text());
}

/// A list marks what of a row is cut, and that there is more below.
#[test]
fn lists_mark_what_is_cut() {
    let mut tui_harness = drawn(80, 24);
    tui_harness.press(&["F1"]);
    let text = tui_harness.text();
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("freeze: let all panes")).collect();
    assert_eq!(rows.len(), 1, "{text}");
    assert!(rows[0].contains('…'), "{text}");
    let marked = text.lines().filter(|line| line.trim_end_matches(' ').contains("┃")).count();
    assert!(marked > 0, "{text}");
}

/// A command that is typed while a pane has the keys is a command, as far as its first letter is no key there.
#[test]
fn letters_lead_to_the_prompt_and_digits_to_the_panes() {
    let mut tui_harness = drawn(120, 40);
    for (place, &pane) in Pane::ALL.iter().enumerate() {
        tui_harness.app.focus_on(Pane::Nodes);
        tui_harness.keys(&[&(place + 1).to_string()]);
        assert_eq!(tui_harness.app.workspace().focus(), pane);
        if pane == Pane::Prompt {
            tui_harness.keys(&["Ctrl-C"]);
        }
    }
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["info five.bin"]);
    assert_eq!(tui_harness.app.prompt().editor.text(), "info five.bin");
    assert!(!tui_harness.app.view().is_frozen() && !tui_harness.app.access().is_paused() && tui_harness.app.dialogs().is_empty());
    tui_harness.keys(&["Ctrl-C"]);
    tui_harness.app.focus_on(Pane::Log);
    tui_harness.keys(&[":", "freeze"]);
    assert_eq!(tui_harness.app.prompt().editor.text(), "freeze");
}

/// j, k, g, G, Home, End and pages move the selection; a page is as high as the pane.
#[test]
fn rows_are_reached_by_every_usual_key() {
    let mut tui_harness = TuiHarness::with_nodes(40, 120, 40);
    tui_harness.text();
    tui_harness.app.focus_on(Pane::Nodes);
    let row = |tui_harness: &TuiHarness| tui_harness.app.row(Pane::Nodes);
    for (keys, at) in
        [(["j", "j"], 2), (["k", "j"], 2), (["G", "k"], 38), (["g", "j"], 1), (["End", "k"], 38), (["Home", "j"], 1)]
    {
        tui_harness.keys(&keys);
        assert_eq!(row(&tui_harness), at, "{keys:?}");
    }
    tui_harness.text();
    let height = usize::from(tui_harness.app.workspace().area_of(Pane::Nodes).unwrap().height) - 2;
    tui_harness.keys(&["g", "PageDown"]);
    assert_eq!(row(&tui_harness), height - 1);
    tui_harness.keys(&["PageUp"]);
    assert_eq!(row(&tui_harness), 0);
}

/// By pages every line of the output can be seen.
#[test]
fn the_output_scrolls_by_its_height() {
    let mut tui_harness = drawn(80, 24);
    let echoes: Vec<String> = (0..60).map(|number| format!("echo line-{number}-")).collect();
    for echo in &echoes {
        tui_harness.keys(&[echo, "Enter"]);
    }
    let mut seen = tui_harness.text();
    for _ in 0..200 {
        tui_harness.keys(&["PageUp"]);
        seen.push_str(&tui_harness.text());
    }
    assert!((0..60).all(|number| seen.contains(&format!("line-{number}-"))), "some lines cannot be seen");
}

/// What has been done is said, also where nobody has typed it.
#[test]
fn success_is_said() {
    let mut tui_harness = drawn(120, 40);
    random_file(&tui_harness.home.path().join("a.bin"), 1_000, 1);
    tui_harness.app.focus_on(Pane::Nodes);
    tui_harness.keys(&["y"]);
    assert!(tui_harness.app.prompt().output.last().unwrap().1.starts_with("copied "), "{:?}", tui_harness.app.prompt().output);
    tui_harness.keys(&[" ", "+"]);
    assert!(tui_harness.app.prompt().output.iter().any(|(_, line)| line.starts_with("speed ")), "which speed it is now is said");
    let path = tui_harness.home.path().join("x.pcapng").display().to_string();
    tui_harness.app.focus_on(Pane::Prompt);
    tui_harness.keys(&[&format!("capture start {path}"), "Enter"]);
    assert!(tui_harness.text().lines().next().unwrap().contains(" REC"), "{}", tui_harness.text());
    assert!(tui_harness.app.prompt().output.last().unwrap().1.contains("capturing to "));
    tui_harness.keys(&["capture stop", "Enter"]);
    assert!(!tui_harness.text().lines().next().unwrap().contains(" REC"));
}

/// `docs/screen.md` explains the keys, the glyphs and the terms as the program does.
#[test]
fn the_document_of_the_screen_is_that_of_the_program() {
    generated::check("docs/screen.md", "legend", &help::markdown(&Theme::new(ThemeName::Dark, false).glyphs));
}

/// The prompt counts and scrolls the rows that its wrapped lines take, at every width: a page leaves out none of them, and the heading says how
/// many of all are shown. While another pane has the keys, the beginning of the latest answer is what is seen of it.
#[test]
fn the_prompt_scrolls_wrapped_lines_by_their_rows() {
    for width in [60, 80, 120] {
        let mut tui_harness = TuiHarness::dark(width, 24);
        for number in 0..15 {
            let words = (0..30).map(|word| format!("w{number}x{word}")).collect::<Vec<_>>().join(" ");
            tui_harness.ask_aside(&format!("echo {words}"));
        }
        tui_harness.draw();
        let mut seen = String::new();
        for page in 0..100 {
            let rows = tui_harness.pane(Pane::Prompt);
            seen.push_str(&rows.join("\n"));
            if page > 0 {
                let words: Vec<&str> = rows[0].split([' ', ':']).filter(|word| !word.is_empty()).collect();
                let of = words.iter().position(|word| *word == "of").unwrap();
                // The frame and the typed line take three rows.
                assert_eq!(words[of - 1].parse::<usize>().unwrap(), rows.len() - 3, "{rows:#?}");
            }
            if seen.contains("w0x0 ") {
                break;
            }
            tui_harness.press(&["PageUp"]);
        }
        for (number, word) in (0..15).flat_map(|number| (0..30).map(move |word| (number, word))) {
            assert!(seen.contains(&format!("w{number}x{word}")), "w{number}x{word} at {width}");
        }
        tui_harness.press_in_pane(Pane::Wire, &["+"]);
        tui_harness.settle();
        tui_harness.app.prompt_mut().say(p2p_storage::tui::theme::Role::Text, &format!("begins {}", "and goes on ".repeat(40)));
        let rows = tui_harness.pane(Pane::Prompt);
        assert!(rows[1].contains("begins and") && rows[rows.len() - 3].contains('…'), "{rows:#?}");
    }
}

/// However much is typed into a filter or a search, what it is compared with every row for has a bound; the prompt takes its own.
#[test]
fn what_is_searched_for_has_a_bound() {
    let mut tui_harness = drawn(120, 40);
    let typed = "a1 ".repeat(20_000);
    for (pane, open) in [(Pane::Wire, "/"), (Pane::Nodes, "/"), (Pane::Log, "/"), (Pane::Prompt, "Ctrl-P"), (Pane::Prompt, "F1")]
    {
        tui_harness.press_in_pane(pane, &[open, &typed]);
        let searched = match tui_harness.app.dialogs().last() {
            Some(Dialog::List(list)) => list.search.text(),
            _ => tui_harness.app.filter(pane),
        };
        assert!((200..=SEARCH_MAX).contains(&searched.len()), "{open}: {}", searched.len());
        tui_harness.press(&["Esc", "Esc"]);
    }
    tui_harness.press(&["F9", "/", &typed]);
    let Some(Dialog::Viewer(viewer)) = tui_harness.app.dialogs().last() else { panic!("no legend") };
    assert!(viewer.status("…").len() < 80, "{}", viewer.status("…"));
    // What does not fit is not taken without a word.
    for keys in [&["Esc", "Esc", "Ctrl-P"][..], &["Esc", "F9", "/"]] {
        tui_harness.press(keys);
        tui_harness.app.on_input(Input::Paste(typed.clone()));
        assert!(tui_harness.text().contains("nothing is pasted: it is too long"), "{}", tui_harness.text());
    }
}

/// The matrix of `health` has a column with a heading for each host, and says for which there is no room, at every width.
#[test]
fn the_round_trips_have_headings_at_every_width() {
    for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        let mut tui_harness = TuiHarness::dark(width, height);
        tui_harness.watch(SimDuration::from_secs(12));
        tui_harness.ask_aside("health");
        let said = tui_harness.said();
        let headings = said.lines().find(|line| line.contains("from")).unwrap_or_else(|| panic!("{said}"));
        assert!(headings.contains("client") && headings.contains("Node_01"), "{width}: {said}");
        assert!(said.contains("no room for: ") || headings.contains("Node_05"), "{width}: {said}");
        let row = said.lines().find(|line| line.contains("│ client ")).unwrap_or_else(|| panic!("{said}"));
        assert_eq!(row.matches('┆').count(), headings.matches('┆').count(), "{width}: {said}");
    }
}
