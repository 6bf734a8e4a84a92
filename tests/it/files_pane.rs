//! The files pane: what it lists, what its verbs do to real files, and what it says of a file that cannot be read.

use std::path::PathBuf;

use p2p_base::units::SimDuration;
use p2p_engine::operation;
use p2p_storage::tui::action::Keymap;
use p2p_storage::tui::app::{Pane, TerminalRequest};
use p2p_storage::tui::dialog::Dialog;
use p2p_storage::tui::help;
use p2p_storage::tui::theme::{Role, Theme, ThemeName};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::dialogs::{log_in, with_users};
use crate::harness::{OPERATOR, random_file};
use crate::tui_harness::{SIZES, TuiHarness};

/// Returns the lines of the pane without the sides of its frame.
fn rows(tui_harness: &mut TuiHarness) -> Vec<String> {
    let buffer = tui_harness.draw_all();
    let area = tui_harness.app.workspace().area_of(Pane::Files).expect("the pane is shown");
    (area.y..area.bottom()).map(|y| line(&buffer, area, y)).collect()
}

/// A line of the pane as the eye sees it: a wide character covers the cell behind it.
fn line(buffer: &Buffer, area: Rect, y: u16) -> String {
    let (mut text, mut x) = (String::new(), area.x + 1);
    while x < area.right() - 1 {
        let symbol = buffer[(x, y)].symbol();
        text.push_str(symbol);
        x += symbol.width().max(1) as u16;
    }
    text.trim_end().to_owned()
}

/// The row of a file.
fn row(tui_harness: &mut TuiHarness, name: &str) -> String {
    let rows = rows(tui_harness);
    rows.iter().find(|row| row.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("no {name}: {rows:#?}")).clone()
}

/// The names in the first column, from the top.
fn names(tui_harness: &mut TuiHarness) -> Vec<String> {
    let rows = rows(tui_harness);
    let is_row = |row: &&String| !row.is_empty();
    rows[2..rows.len() - 1]
        .iter()
        .filter(is_row)
        .map(|row| row.split_whitespace().next().unwrap_or_default().to_owned())
        .collect()
}

/// The name of the selected row, by its colour.
fn selected(tui_harness: &mut TuiHarness) -> String {
    let buffer = tui_harness.draw_all();
    let area = tui_harness.app.workspace().area_of(Pane::Files).unwrap();
    let style = Theme::new(ThemeName::Dark, false).style(Role::Selected);
    let is_selected = |y: &u16| {
        let cell = &buffer[(area.x + 1, *y)];
        Some(cell.bg) == style.bg.or(Some(cell.bg)) && Some(cell.fg) == style.fg && cell.modifier == style.add_modifier
    };
    let y = (area.y + 2..area.bottom() - 1).find(is_selected).expect("a row is selected");
    let row: String = (area.x + 1..area.right() - 1).map(|x| buffer[(x, y)].symbol()).collect();
    row.split_whitespace().next().unwrap_or_default().to_owned()
}

/// A random file of this machine: its path and its content.
fn local(tui_harness: &TuiHarness, name: &str, bytes: usize) -> (PathBuf, Vec<u8>) {
    let path = tui_harness.home.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let content = random_file(&path, bytes, name.len() as u64 + bytes as u64);
    (path, content)
}

/// Stores a random file under a name.
fn store(tui_harness: &mut TuiHarness, name: &str, bytes: usize) -> Vec<u8> {
    let (path, content) = local(tui_harness, "to_store.bin", bytes);
    if let Some((directory, _)) = name.rsplit_once('/') {
        run(tui_harness, &format!("mkdir -p {directory}"));
    }
    run(tui_harness, &format!("upload '{}' --as '{name}'", path.display()));
    content
}

/// Runs a line in the prompt.
fn run(tui_harness: &mut TuiHarness, line: &str) {
    tui_harness.app.focus_on(Pane::Prompt);
    tui_harness.keys(&[line, "Enter"]);
    tui_harness.app.focus_on(Pane::Files);
}

/// A screen with stored files of these names, of one segment each.
fn with_files(width: u16, height: u16, names: &[&str]) -> TuiHarness {
    let mut tui_harness = TuiHarness::dark(width, height);
    for (place, name) in names.iter().enumerate() {
        store(&mut tui_harness, name, 1_000 + place);
    }
    tui_harness.keys(&["F5"]);
    tui_harness
}

/// Chooses the row of a name.
fn choose(tui_harness: &mut TuiHarness, name: &str) {
    tui_harness.app.focus_on(Pane::Files);
    tui_harness.keys(&["Home"]);
    for _ in 0..50 {
        if selected(tui_harness) == name {
            return;
        }
        tui_harness.keys(&["Down"]);
    }
    panic!("no row {name}: {:#?}", rows(tui_harness));
}

/// What is stored is listed with its size, its segments, its health and its holders, in every size of the screen; the preset of the
/// files shows the pane, and names are never cut without a mark.
#[test]
fn what_is_stored_is_listed() {
    for (width, height) in SIZES {
        let mut tui_harness = with_files(width, height, &["b.bin", "docs/a.txt"]);
        store(&mut tui_harness, "ファイル.dat", 200_000);
        let all = rows(&mut tui_harness);
        assert!(all[0].contains(" Files"), "{width}x{height}: {all:#?}");
        assert!(all[1].starts_with("name") && all[1].contains("size") && all[1].contains("health"), "{all:#?}");
        assert!(row(&mut tui_harness, "docs/").contains(" -"));
        tui_harness.app.focus_on(Pane::Files);
        tui_harness.keys(&["End"]);
        let wide = row(&mut tui_harness, "ファイル.dat");
        assert!(wide.contains("195.3 KiB") && wide.contains("✓ readable"), "{wide}");
        if width >= 80 {
            let cells: Vec<&str> = wide.split_whitespace().rev().collect();
            let map: Vec<&&str> = cells.iter().filter(|word| word.starts_with(['1', '2', '3', '4', '5'])).collect();
            assert!(map.len() >= 5, "each of five nodes has its place: {wide}");
        }
        let text = tui_harness.text();
        assert!(text.lines().all(|line| line.replace(' ', "").width() <= usize::from(width)), "{text}");
    }
}

/// A list longer than the pane says so, and can be scrolled to its end and back.
#[test]
fn a_long_list_says_what_is_shown() {
    let all: Vec<String> = (0..20).map(|number| format!("f{number:02}")).collect();
    let mut tui_harness = with_files(80, 24, &all.iter().map(String::as_str).collect::<Vec<_>>());
    tui_harness.app.focus_on(Pane::Files);
    let title = rows(&mut tui_harness)[0].clone();
    assert!(title.contains(" of 20 "), "{title}");
    tui_harness.keys(&["End"]);
    assert_eq!(selected(&mut tui_harness), "f19");
    tui_harness.keys(&["Home"]);
    assert_eq!(selected(&mut tui_harness), "f00");
}

/// The selection stays on its file while others come and go before it; if the file itself goes, the next one is selected.
#[test]
fn the_selection_stays_on_its_file() {
    let mut tui_harness = with_files(120, 40, &["b", "d", "f"]);
    choose(&mut tui_harness, "d");
    store(&mut tui_harness, "a", 500);
    store(&mut tui_harness, "c", 600);
    assert_eq!(names(&mut tui_harness), ["a", "b", "c", "d", "f"]);
    assert_eq!(selected(&mut tui_harness), "d");
    run(&mut tui_harness, "rm --yes a b");
    assert_eq!((names(&mut tui_harness), selected(&mut tui_harness)), (vec!["c".into(), "d".into(), "f".into()], "d".into()));
    run(&mut tui_harness, "rm d");
    assert_eq!(selected(&mut tui_harness), "f");
}

/// Directories are opened with Enter and left with `u`, which selects the one that was left; one that is removed meanwhile gives way
/// to the one above.
#[test]
fn directories_are_opened_and_left() {
    let mut tui_harness = with_files(120, 40, &["a.bin", "docs/2024/x", "docs/2024/y", "docs/z", "other/w"]);
    choose(&mut tui_harness, "docs/");
    tui_harness.keys(&["Enter"]);
    assert_eq!(names(&mut tui_harness), ["2024/", "z"]);
    assert!(rows(&mut tui_harness)[0].contains(" Files in docs/ "), "{:#?}", rows(&mut tui_harness));
    tui_harness.keys(&["Enter"]);
    assert_eq!(names(&mut tui_harness), ["x", "y"]);
    tui_harness.keys(&["u"]);
    assert_eq!((names(&mut tui_harness).len(), selected(&mut tui_harness)), (2, "2024/".into()));
    tui_harness.keys(&["u"]);
    assert_eq!(selected(&mut tui_harness), "docs/");
    tui_harness.keys(&["Enter"]);
    rows(&mut tui_harness);
    run(&mut tui_harness, "rm -rf docs");
    assert_eq!(names(&mut tui_harness), ["a.bin", "other/"]);
}

/// The filter applies while it is typed, and Esc shows all again.
#[test]
fn a_filter_is_live() {
    let mut tui_harness = with_files(120, 40, &["apple", "Banana", "cherry"]);
    tui_harness.app.focus_on(Pane::Files);
    tui_harness.keys(&["/", "an"]);
    assert_eq!(names(&mut tui_harness), ["Banana"]);
    tui_harness.keys(&["q"]);
    assert!(rows(&mut tui_harness).concat().contains("No name here contains this; Esc shows all."));
    tui_harness.keys(&["Esc"]);
    assert_eq!(names(&mut tui_harness).len(), 3);
}

/// Where there is nothing, the pane names the next step.
#[test]
fn an_empty_pane_names_the_next_step() {
    for (width, height) in SIZES {
        let mut tui_harness = TuiHarness::dark(width, height);
        tui_harness.keys(&["F5"]);
        let all = rows(&mut tui_harness).concat();
        assert!(all.contains("No files yet: `upload PATH` stores one."), "{width}x{height}: {all}");
        run(&mut tui_harness, "mkdir docs");
        assert_eq!(names(&mut tui_harness), ["docs/"]);
        tui_harness.keys(&["Enter"]);
        let all = rows(&mut tui_harness).concat();
        assert!(all.contains("Nothing is in here: `upload PATH --as docs/`"), "{width}x{height}: {all}");
    }
}

/// The dialog of a file says where each segment lies, how that node stands, and which segments share their content.
#[test]
fn enter_shows_where_each_segment_lies() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    let (path, _) = local(&tui_harness, "one", 65_536);
    let piece = std::fs::read(&path).unwrap();
    std::fs::write(&path, [piece.clone(), vec![7; 65_536], piece].concat()).unwrap();
    run(&mut tui_harness, &format!("upload '{}' --as twice.bin", path.display()));
    run(&mut tui_harness, "kill 2");
    tui_harness.keys(&["F5"]);
    choose(&mut tui_harness, "twice.bin");
    tui_harness.keys(&["Enter"]);
    let Some(Dialog::Viewer(_)) = tui_harness.app.dialogs().last() else { panic!("a text is open: {}", tui_harness.text()) };
    let text = tui_harness.text();
    let line =
        |start: &str| text.lines().find(|line| line.contains(start)).unwrap_or_else(|| panic!("{start}: {text}")).to_owned();
    assert!(line("│       0 ┆").contains("Node_01 ALIVE"), "{text}");
    assert!(line("│       1 ┆").contains("Node_02 killed"), "{text}");
    assert!(line("│       2 ┆").contains("Node_01 ALIVE") && line("│       2 ┆").contains("segment 0"), "{text}");
    assert!(line("readable").contains("not now: 1 of 3 segments is on Node_02 (killed)"), "{text}");
    assert!(line("Node_02 ┆ killed").contains(" 1 "), "{text}");
}

/// A download puts the same bytes on this machine's disk; a check reads all of them; both are lines as they are typed.
#[test]
fn download_and_verify_do_so() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    let name = format!("p2p-files-pane-{}.bin", std::process::id());
    let content = store(&mut tui_harness, &name, 150_000);
    tui_harness.keys(&["F5"]);
    choose(&mut tui_harness, &name);
    tui_harness.keys(&["v"]);
    let text = tui_harness.said();
    assert!(
        text.contains(&format!("› verify {name}\n")) && text.contains(&format!("{name} is whole: 146.5 KiB checked")),
        "{text}"
    );
    tui_harness.keys(&["d"]);
    // Without another place, a download goes to the working directory.
    let place = std::env::current_dir().unwrap().join(&name);
    let found = std::fs::read(&place);
    std::fs::remove_file(&place).unwrap();
    assert!(found.unwrap() == content, "{}", tui_harness.said());
    assert!(tui_harness.said().contains(&format!("› download {name}\n")), "{}", tui_harness.said());
}

/// A removal asks first: without a yes nothing is lost, with one the file goes and the row with it.
#[test]
fn a_removal_asks_first() {
    let mut tui_harness = with_files(120, 40, &["a.bin", "b.bin", "docs/c", "docs/d"]);
    choose(&mut tui_harness, "b.bin");
    for answer in ["n", "Esc"] {
        tui_harness.press(&["r"]);
        let text = tui_harness.text();
        assert!(text.contains("b.bin goes for good: 1001 B in 1 segment.") && text.contains("rm b.bin"), "{text}");
        tui_harness.keys(&[answer]);
        assert!(tui_harness.app.dialogs().is_empty());
        assert_eq!(names(&mut tui_harness).len(), 3);
    }
    tui_harness.press(&["r"]);
    tui_harness.keys(&["y"]);
    assert_eq!(names(&mut tui_harness), ["a.bin", "docs/"]);
    assert!(tui_harness.said().contains("› rm b.bin\n"), "{}", tui_harness.said());
    choose(&mut tui_harness, "docs/");
    tui_harness.press(&["r"]);
    assert!(tui_harness.text().contains("docs/ goes for good, with all that is in it."), "{}", tui_harness.text());
    tui_harness.keys(&["y"]);
    assert_eq!(names(&mut tui_harness), ["a.bin"]);
    assert_eq!(tui_harness.app.view().snapshot().files.files().count(), 1);
}

/// The prompt asks too before several files go, by their names, a pattern or their directory, once it is known how many they are; not before
/// one, and not where the line says so.
#[test]
fn the_prompt_asks_before_several_files_go() {
    let mut tui_harness = with_files(120, 40, &["a.bin", "b.bin", "docs/c", "docs/d", "e"]);
    let asked = |tui_harness: &mut TuiHarness, line: &str, answer: &str| {
        tui_harness.app.focus_on(Pane::Prompt);
        tui_harness.press(&[line, "Enter"]);
        tui_harness.until(|app| !app.dialogs().is_empty());
        let text = tui_harness.text();
        tui_harness.keys(&[answer]);
        tui_harness.app.focus_on(Pane::Files);
        text
    };
    for (line, question) in [
        ("rm a.bin b.bin", "Remove 2 files (2.0 KiB)? a.bin, b.bin"),
        ("rm ?.bin", "Remove 2 files (2.0 KiB)? a.bin, b.bin"),
        ("rm -r docs", "Remove 2 files (2.0 KiB)? docs"),
        ("rm -r docs e", "Remove 3 files (2.9 KiB)? docs, e"),
    ] {
        let text = asked(&mut tui_harness, line, "n");
        assert!(text.contains(question), "{line}: {text}");
        assert_eq!(names(&mut tui_harness), ["a.bin", "b.bin", "docs/", "e"], "{line}");
        assert!(tui_harness.said().ends_with("given up; nothing was removed\n"), "{}", tui_harness.said());
    }
    asked(&mut tui_harness, "rm ?.bin", "y");
    assert_eq!(names(&mut tui_harness), ["docs/", "e"]);
    run(&mut tui_harness, "rm e");
    assert_eq!(names(&mut tui_harness), ["docs/"]);
    run(&mut tui_harness, "rm -r --yes docs");
    assert_eq!(tui_harness.app.view().snapshot().files.files().count(), 0);
}

/// A share asks whom in the prompt, and shows the reader in the row; the menu takes it back. What another has shared is in a tree of
/// its own, what they have not is nowhere, and only their owners can change files.
#[test]
fn a_user_sees_what_they_may_and_no_more() {
    let mut tui_harness = with_users(200, 60);
    assert!(rows(&mut tui_harness).concat().contains("`login` shows your files."), "{}", tui_harness.text());
    log_in(&mut tui_harness, "alice");
    for name in ["plan.bin", "diary.bin"] {
        store(&mut tui_harness, name, 70_000);
    }
    tui_harness.keys(&["F5"]);
    choose(&mut tui_harness, "plan.bin");
    tui_harness.keys(&["s"]);
    assert_eq!((tui_harness.app.prompt().editor.text(), tui_harness.app.workspace().focus()), ("share plan.bin ", Pane::Prompt));
    tui_harness.keys(&["bob", "Enter"]);
    assert!(row(&mut tui_harness, "plan.bin").contains(" bob "), "{:#?}", rows(&mut tui_harness));
    run(&mut tui_harness, "logout");
    log_in(&mut tui_harness, "bob");
    tui_harness.keys(&["F5"]);
    assert_eq!(names(&mut tui_harness), ["~alice/"]);
    assert!(!tui_harness.text().contains("diary"), "{}", tui_harness.text());
    choose(&mut tui_harness, "~alice/");
    tui_harness.keys(&["Enter"]);
    assert_eq!(names(&mut tui_harness), ["plan.bin"]);
    assert!(row(&mut tui_harness, "plan.bin").contains("✓ readable"));
    tui_harness.keys(&["x"]);
    let lines: Vec<String> = tui_harness.menu().into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines, ["info --segments ~alice/plan.bin", "download ~alice/plan.bin", "verify ~alice/plan.bin", "u"]);
    tui_harness.keys(&["Esc", "v"]);
    assert!(tui_harness.said().contains("plan.bin is whole: 68.4 KiB checked"), "{}", tui_harness.said());
    run(&mut tui_harness, "logout");
    log_in(&mut tui_harness, "alice");
    tui_harness.keys(&["F5"]);
    choose(&mut tui_harness, "plan.bin");
    tui_harness.keys(&["x", "no longer", "Enter", "Enter"]);
    assert!(tui_harness.said().contains("› unshare plan.bin bob\n"), "{}", tui_harness.said());
    assert!(!row(&mut tui_harness, "plan.bin").contains(" bob "));
}

/// A killed node is shown as such at once, in the health and on the map, with the fault by name; so are other faults, and a node that
/// is DEAD without any that the reader may know of. All is readable again once they are taken back.
#[test]
fn health_says_what_cannot_be_read_and_why() {
    let mut tui_harness = TuiHarness::dark(200, 60);
    store(&mut tui_harness, "five.bin", 5 * 65_536);
    store(&mut tui_harness, "one.bin", 10);
    tui_harness.keys(&["F5"]);
    choose(&mut tui_harness, "five.bin");
    assert!(row(&mut tui_harness, "five.bin").contains("✓ readable"));
    for (fault, word) in [
        ("kill 2", "killed"),
        ("refuse 2", "refusing"),
        ("path client,2 --cut", "cut off"),
        ("path client->2 --loss 100%", "cut off"),
        ("path 2 --loss 100%", "cut off"),
        ("disk 2 --fail reads", "disk fails"),
    ] {
        run(&mut tui_harness, fault);
        let five = row(&mut tui_harness, "five.bin");
        assert!(five.contains(&format!("✕ Node_02 {word}: 1 of 5 segments")), "{fault}: {five}");
        assert!(five.contains("1█ 2✕ 3█ 4█ 5█"), "{fault}: {five}");
        assert!(row(&mut tui_harness, "one.bin").contains("✓ readable"), "{fault}");
        let foot = rows(&mut tui_harness).last().unwrap().clone();
        assert!(foot.contains(&format!("✕ 1 of 5 segments is on Node_02 ({word})")), "{fault}: {foot}");
        run(&mut tui_harness, "faults clear");
        tui_harness.sleep(60);
        assert!(row(&mut tui_harness, "five.bin").contains("✓ readable"), "{fault}: {:#?}", rows(&mut tui_harness));
    }
    run(&mut tui_harness, "kill 2; kill 3; kill 4");
    let five = row(&mut tui_harness, "five.bin");
    assert!(five.contains("✕ Node_02 killed, 2 more: 3 of 5") && five.contains("1█ 2✕ 3✕ 4✕ 5█"), "{five}");
}

/// What is said of a single path holds over what is said of all paths of a host.
#[test]
fn a_path_that_lets_some_pass_is_not_cut_off() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    store(&mut tui_harness, "five.bin", 5 * 65_536);
    tui_harness.keys(&["F5"]);
    run(&mut tui_harness, "path 2 --loss 100%");
    assert!(row(&mut tui_harness, "five.bin").contains("✕ Node_02 cut off"), "{}", tui_harness.text());
    run(&mut tui_harness, "path client,2 --loss 1%");
    assert!(row(&mut tui_harness, "five.bin").contains("✓ readable"), "{}", tui_harness.text());
}

/// Each key that does something with a row is explained in the help.
#[test]
fn the_keys_of_a_row_are_explained() {
    let mut tui_harness = with_files(120, 40, &["a.bin", "docs/b"]);
    choose(&mut tui_harness, "docs/");
    tui_harness.keys(&["Enter"]);
    choose(&mut tui_harness, "b");
    let theme = Theme::new(ThemeName::Dark, false);
    let parts = help::parts(&theme.glyphs, &Keymap::new());
    let keys = parts.iter().find(|part| part.name == "Keys in a pane").unwrap();
    let hints = tui_harness.text().lines().last().unwrap().to_owned();
    for key in ["d", "v", "r", "u"] {
        assert!(hints.contains(&format!(" {key} ")), "{hints}");
        assert!(keys.entries.iter().any(|(word, meaning)| word == key && meaning.contains("in Files: ")), "{key}");
    }
}

/// A frozen view shows the files of its instant, and those of the moment once it thaws.
#[test]
fn a_frozen_view_keeps_its_files() {
    let mut tui_harness = with_files(120, 40, &["a", "b"]);
    tui_harness.app.focus_on(Pane::Files);
    assert_eq!(names(&mut tui_harness), ["a", "b"]);
    tui_harness.keys(&["f"]);
    store(&mut tui_harness, "c", 700);
    run(&mut tui_harness, "rm a");
    assert_eq!(names(&mut tui_harness), ["a", "b"]);
    assert!(row(&mut tui_harness, "a").contains("✓ readable"));
    tui_harness.keys(&["f"]);
    assert_eq!(names(&mut tui_harness), ["b", "c"]);
}

/// Names that mean something in the language of commands are meant as they are by the verbs, and each verb concerns one file only.
#[test]
fn hostile_names_are_meant_as_they_are() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    let (path, _) = local(&tui_harness, "x", 2_000);
    let hostile = ["it's;rm", "-r", "$HOME", "*", "a b", "#x", "\"q\"", "~root", "&&", "--segments"];
    for (place, name) in hostile.iter().enumerate() {
        random_file(&path, 2_000 + place, 7);
        let upload = operation::Upload::of_file(path.clone(), Some((*name).to_owned()), 0);
        let transfer = tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, upload)).unwrap();
        tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, operation::Await { transfer })).unwrap();
    }
    tui_harness.settle();
    tui_harness.keys(&["F5"]);
    let stored = |tui_harness: &TuiHarness| -> Vec<String> {
        tui_harness.app.view().snapshot().files.files().map(|file| file.key.name.clone()).collect()
    };
    let mut left = stored(&tui_harness);
    assert_eq!(left.len(), hostile.len());
    rows(&mut tui_harness);
    tui_harness.app.focus_on(Pane::Files);
    while !left.is_empty() {
        rows(&mut tui_harness);
        tui_harness.keys(&["Enter"]);
        let text = tui_harness.text();
        // What would be the tree of a user is told apart from it.
        let name = if left[0].starts_with('~') { format!("./{}", left[0]) } else { left[0].clone() };
        assert!(text.contains(&format!(" name      {name}")) && text.contains("readable  yes"), "{}: {text}", left[0]);
        tui_harness.keys(&["Esc", "v"]);
        assert!(tui_harness.said().contains(&format!("{name} is whole: ")), "{}", tui_harness.said());
        tui_harness.press(&["r"]);
        tui_harness.keys(&["y"]);
        left.remove(0);
        assert_eq!(stored(&tui_harness), left, "{}", tui_harness.said());
    }
}

/// The row is copied as its name and digest.
#[test]
fn a_row_is_copied() {
    let mut tui_harness = with_files(120, 40, &["a.bin"]);
    choose(&mut tui_harness, "a.bin");
    tui_harness.keys(&["y"]);
    let requests = tui_harness.app.take_terminal_requests();
    let digest = tui_harness.app.view().snapshot().files.files().next().unwrap().sha256;
    let copied = TerminalRequest::Copy(format!("a.bin {digest}"));
    assert_eq!(requests, [copied]);
}

/// In a pane that has the whole screen, the answer of a key stands in the hint line until the next one, and help and the way out beside it.
#[test]
fn a_zoomed_pane_shows_what_its_keys_have_done() {
    for (width, height) in SIZES {
        let mut tui_harness = with_files(width, height, &["a.bin"]);
        let footer = |tui_harness: &mut TuiHarness| tui_harness.text().lines().last().unwrap().to_owned();
        choose(&mut tui_harness, "a.bin");
        tui_harness.keys(&["z"]);
        tui_harness.draw_all();
        assert!(!footer(&mut tui_harness).contains("copied"));
        for (key, words) in [("y", "copied "), ("v", "a.bin is whole")] {
            tui_harness.keys(&[key]);
            let footer = footer(&mut tui_harness);
            let shown = [words, "F1 help", "Ctrl-Q quit"].iter().all(|words| footer.contains(words));
            assert!(shown, "{width}x{height} {key}: {footer}\n{}", tui_harness.said());
        }
        tui_harness.keys(&["Down"]);
        assert!(!footer(&mut tui_harness).contains("is whole"));
        // Where the prompt is shown, it says so there.
        tui_harness.keys(&["z", "y"]);
        assert!(!footer(&mut tui_harness).contains("copied"), "{}", footer(&mut tui_harness));
    }
}

/// The overview shows the files as long as they have the keys; then all panes are where they were before.
#[test]
fn the_layout_comes_back_when_the_files_are_left() {
    for (width, height) in SIZES {
        let mut tui_harness = TuiHarness::slow(width, height);
        tui_harness.begin_upload("video.bin", 2_000_000);
        tui_harness.watch(SimDuration::from_secs(6));
        tui_harness.app.focus_on(Pane::Transfers);
        (0..3).for_each(|_| drop(tui_harness.draw_all()));
        let before = tui_harness.app.workspace().areas().to_vec();
        tui_harness.app.focus_on(Pane::Files);
        (0..3).for_each(|_| drop(tui_harness.draw_all()));
        assert!(tui_harness.app.workspace().area_of(Pane::Files).is_some(), "{}", tui_harness.text());
        tui_harness.app.focus_on(Pane::Transfers);
        (0..3).for_each(|_| drop(tui_harness.draw_all()));
        let text = tui_harness.text();
        assert_eq!(tui_harness.app.workspace().areas(), before, "{width}x{height}: {text}");
    }
}
