//! The prompt is free: what takes long keeps no other line waiting, what waits is said, and all of it goes on in its order.

use p2p_base::units::SimDuration;
use p2p_engine::operation;
use p2p_engine::transfer::{TransferState, TransferStatus};
use p2p_storage::tui::app::{App, Pane};
use p2p_storage::tui::dialog::Dialog;
use p2p_storage::tui::theme::Role;

use crate::harness::{OPERATOR, random_file};
use crate::tui_harness::TuiHarness;

/// A screen on which time stands still, so that whatever takes virtual time takes for ever.
pub(crate) fn paused(width: u16, height: u16) -> TuiHarness {
    let mut tui_harness = TuiHarness::slow(width, height);
    tui_harness.keys(&["pause", "Enter"]);
    for (number, name) in [(1, "a.bin"), (2, "b.bin"), (3, "c.bin")] {
        random_file(&tui_harness.home.path().join(name), 200_000, number);
    }
    tui_harness
}

/// `upload …/a.bin …/b.bin …/c.bin`
pub(crate) fn upload_of_all(tui_harness: &TuiHarness) -> String {
    let path = |name| tui_harness.home.path().join(name).display().to_string();
    format!("upload {} {} {}", path("a.bin"), path("b.bin"), path("c.bin"))
}

/// Types a line that uploads all three files and then does what `then` says, as in `; ls`; waits until the first of them is under way.
pub(crate) fn begin_upload_of_all(tui_harness: &mut TuiHarness, then: &str) {
    tui_harness.press(&[&upload_of_all(tui_harness), then, "Enter"]);
    tui_harness.until(|app| says(app, "#1 has begun: "));
}

/// Whether something was answered; what was typed does not count.
pub(crate) fn says(app: &App, words: &str) -> bool {
    app.prompt().output.iter().any(|(_, line)| !line.starts_with('›') && line.contains(words))
}

/// Types a line, and waits until its answer is there, whatever else goes on.
fn answered(tui_harness: &mut TuiHarness, line: &str, words: &str) {
    tui_harness.press(&[line, "Enter"]);
    tui_harness.until(|app| says(app, words));
}

fn transfers(tui_harness: &TuiHarness) -> Vec<TransferStatus> {
    tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, operation::ListTransfers)).unwrap()
}

#[test]
fn the_prompt_is_free_while_a_batch_runs() {
    for (width, height) in [(120, 40), (80, 24)] {
        let mut tui_harness = paused(width, height);
        let c = tui_harness.home.path().join("c.bin").display().to_string();
        begin_upload_of_all(&mut tui_harness, "");
        assert!(says(&tui_harness.app, &c), "{:?}", tui_harness.app.prompt().output);
        // What waits is seen too, as far as there is room.
        let title = tui_harness.app.under_way().unwrap();
        assert!(title.starts_with("upload ") && title.contains("a.bin (#1); waiting: ") && title.ends_with(&c), "{title}");
        let text = tui_harness.text();
        assert!(text.lines().any(|line| line.contains("Prompt: upload ")), "{text}");

        answered(&mut tui_harness, "ls", "no files are stored");
        answered(&mut tui_harness, "speed 2x", "speed 2x");
        answered(&mut tui_harness, "speed max", "speed max");
        tui_harness.press(&["cancel 1", "Enter"]);
        // While that undoes what was done, too.
        answered(&mut tui_harness, "echo still here", "still here");
        tui_harness.press(&["resume", "Enter"]);
        tui_harness.settle();
        assert!(says(&tui_harness.app, "#1, upload of a.bin: cancelled"), "{:?}", tui_harness.app.prompt().output);
        let place = |words: &str| tui_harness.app.prompt().output.iter().position(|(_, line)| line.starts_with(words));
        let (stored_b, begun_c) = (place("#2 stored b.bin").unwrap(), place("#3 has begun").unwrap());
        assert!(stored_b < begun_c && begun_c < place("#3 stored c.bin").unwrap(), "{:?}", tui_harness.app.prompt().output);
        assert!(tui_harness.app.under_way().is_none() && tui_harness.text().contains(" Prompt ─"));
        let states: Vec<TransferState> = transfers(&tui_harness).iter().map(|status| status.state).collect();
        assert_eq!(states, [TransferState::Cancelled, TransferState::Done, TransferState::Done]);
        // A transfer that was cancelled has not failed.
        assert!(height < 40 || tui_harness.text().contains("Transfers: 2 done, 1 cancelled "), "{}", tui_harness.text());
    }
}

/// Small files of one line are under way beside each other, and their results come in their order, that of a file which is gone by then
/// in its place; the rest is begun all the same, and the next command of the line comes after all of them.
#[test]
fn small_files_of_a_line_are_stored_beside_each_other() {
    let mut tui_harness = paused(120, 40);
    let tree = tui_harness.home.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for (name, size) in [("a", 100), ("b", 100), ("c", 200_000), ("d", 100)] {
        random_file(&tree.join(name), size, 4);
    }
    tui_harness.press(&[&format!("upload -r {}; ls tree", tree.display()), "Enter"]);
    tui_harness.until(|app| says(app, "#1-#2: 2 files begun; waiting: tree/c, tree/d, ls tree"));
    let title = tui_harness.app.under_way().unwrap();
    assert_eq!(title, "upload tree/a (#1) and 1 beside it; waiting: tree/c, tree/d, ls tree");
    assert_eq!(tui_harness.app.scene().pending.len(), 3);
    std::fs::remove_file(tree.join("c")).unwrap();
    tui_harness.resume();
    tui_harness.settle();
    let output = &tui_harness.app.prompt().output;
    let place =
        |words: &str| output.iter().position(|(_, line)| line.contains(words)).unwrap_or_else(|| panic!("{words}: {output:?}"));
    let told = ["#1-#2: 2 files begun", "stored tree/a", "stored tree/b", "cannot read ", "stored tree/d", "3 files stored"];
    assert!(told.map(place).is_sorted(), "{output:?}");
    assert!(place("3 files stored (300 B), 1 not: cannot read ") < place("│ tree/d ┆ 100 B"), "{output:?}");
    let states: Vec<TransferState> = transfers(&tui_harness).iter().map(|status| status.state).collect();
    assert_eq!(states, [TransferState::Done; 3]);
}

/// An error quotes what was typed as far as one can read it.
#[test]
fn what_an_error_quotes_is_short_on_the_screen_too() {
    let mut tui_harness = paused(120, 40);
    let long = "x".repeat(3_000);
    answered(&mut tui_harness, &long, "`; `help` lists them");
    answered(&mut tui_harness, &format!("node {long}"), "` is no node");
    let errors = tui_harness.app.prompt().output.iter().filter(|(role, _)| *role == Role::Bad);
    let lengths: Vec<usize> = errors.map(|(_, line)| line.chars().count()).collect();
    assert!(lengths.len() == 2 && lengths.iter().all(|&length| length < 400), "{lengths:?}");
}

/// A pattern for paths of this machine is a batch of the files that match, also among the commands of a line, all of which are checked first.
#[test]
fn a_pattern_is_a_batch() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    for (number, name) in [(1, "a.bin"), (2, "b.bin")] {
        random_file(&tui_harness.home.path().join(name), 20_000, number);
    }
    let below = tui_harness.home.path().display().to_string();
    tui_harness.keys(&[&format!("echo first; upload {below}/*.none"), "Enter"]);
    assert!(says(&tui_harness.app, "nothing on this machine matches") && !says(&tui_harness.app, "first"));
    tui_harness.keys(&[&format!("echo first; upload {below}/?.bin"), "Enter"]);
    for words in ["first", "stored a.bin", "stored b.bin"] {
        assert!(says(&tui_harness.app, words), "{:?}", tui_harness.app.prompt().output);
    }
}

/// Whatever a line waits for, the next is answered; and what comes after it on its own line comes after it, with the variables as that
/// line has set them.
#[test]
fn nothing_that_takes_long_makes_the_prompt_deaf() {
    let mut tui_harness = paused(120, 40);
    tui_harness.press(&[&upload_of_all(&tui_harness), " --background", "Enter"]);
    tui_harness.until(|app| says(app, "#1-#3: 3 files begun"));
    let long = ["set f 1; sleep 5s; echo f is $f", "wait", "wait 2", "health", "expect sleep 1s contains virtual"];
    for (number, line) in long.into_iter().enumerate() {
        tui_harness.press(&[line, "Enter"]);
        answered(&mut tui_harness, &format!("set f 2; echo here-{number}"), &format!("here-{number}"));
    }
    let title = tui_harness.app.under_way().unwrap();
    assert!(title.starts_with("sleep 5s, wait, wait 2, health, ") && title.ends_with("; waiting: echo f is $f"), "{title}");
    // Undoing takes no virtual time that anybody waits for, but it may take long.
    tui_harness.press(&["cancel 3", "Enter"]);
    answered(&mut tui_harness, "echo here too", "here too");
    tui_harness.press(&["speed max; resume", "Enter"]);
    tui_harness.settle();
    assert!(
        says(&tui_harness.app, "f is 1") && says(&tui_harness.app, "#3, upload of c.bin: cancelled"),
        "{:?}",
        tui_harness.app.prompt().output
    );

    // A check is a transfer too.
    answered(&mut tui_harness, "pause", "paused at");
    tui_harness.press(&["verify a.bin; echo checked", "Enter"]);
    tui_harness.until(|app| says(app, "; waiting: echo checked"));
    answered(&mut tui_harness, "echo not deaf", "not deaf");
    assert!(!tui_harness.app.prompt().output.iter().any(|(_, line)| line == "checked"));
    tui_harness.press(&["resume", "Enter"]);
    tui_harness.settle();
    let place = |words: &str| tui_harness.app.prompt().output.iter().rposition(|(_, line)| line.starts_with(words)).unwrap();
    // Which line an answer is about is said where another was typed meanwhile.
    let whole = place("#4 a.bin is whole");
    assert!(tui_harness.app.prompt().output[whole - 1].1.ends_with("verify a.bin"), "{:?}", tui_harness.app.prompt().output);
    assert!(whole < place("checked"), "{:?}", tui_harness.app.prompt().output);
}

/// Lines that are typed faster than they are answered are carried out in their order.
#[test]
fn what_is_typed_ahead_comes_in_its_order() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    for number in 0..20 {
        tui_harness.press(&[&format!("set f {number}"), "Enter", &format!("echo {number} is $f"), "Enter"]);
    }
    tui_harness.settle();
    for number in 0..20 {
        assert!(says(&tui_harness.app, &format!("{number} is {number}")), "{number}: {:?}", tui_harness.app.prompt().output);
    }
}

/// Ctrl-C gives up what is typed and ends nothing; `cancel` ends a transfer and nothing else; a step that waits is dropped by itself.
#[test]
fn each_thing_is_ended_by_itself() {
    let mut tui_harness = paused(120, 40);
    let b = tui_harness.home.path().join("b.bin").display().to_string();
    begin_upload_of_all(&mut tui_harness, "; echo at last");
    tui_harness.press(&["something", "Ctrl-C"]);
    assert!(tui_harness.app.prompt().editor.is_empty() && !says(&tui_harness.app, "nothing is typed"));
    tui_harness.press(&["Ctrl-C"]);
    assert!(says(&tui_harness.app, "`cancel N` ends a transfer"), "{:?}", tui_harness.app.prompt().output);
    assert!(tui_harness.app.under_way().unwrap().contains("waiting: "));
    let pending: Vec<String> = tui_harness.app.scene().pending.iter().map(|step| step.text.to_owned()).collect();
    assert_eq!((pending.len(), pending[0].as_str(), pending[2].as_str()), (3, format!("upload {b}").as_str(), "echo at last"));
    tui_harness.press(&["F7"]);
    let text = tui_harness.text();
    assert!(text.contains("Waiting: Enter drops the step") && text.contains("waits for upload"), "{text}");
    tui_harness.press(&["b.bin", "Enter"]);
    assert!(says(&tui_harness.app, &format!("dropped: `upload {b}`")), "{:?}", tui_harness.app.prompt().output);
    tui_harness.press(&["cancel 1", "Enter", "resume", "Enter"]);
    tui_harness.settle();
    assert!(says(&tui_harness.app, "#1, upload of a.bin: cancelled") && says(&tui_harness.app, "stored c.bin"));
    assert!(
        says(&tui_harness.app, "at last") && !says(&tui_harness.app, "stored b.bin"),
        "{:?}",
        tui_harness.app.prompt().output
    );
    let states: Vec<TransferState> = transfers(&tui_harness).iter().map(|status| status.state).collect();
    assert_eq!(states, [TransferState::Cancelled, TransferState::Done]);
    tui_harness.press(&["F7"]);
    assert!(says(&tui_harness.app, "nothing waits") && tui_harness.app.dialogs().is_empty());
}

/// The list of the waiting steps changes with them.
#[test]
fn the_list_of_what_waits_is_live() {
    let mut tui_harness = paused(120, 40);
    begin_upload_of_all(&mut tui_harness, "");
    tui_harness.press(&["F7", "Down"]);
    let text = tui_harness.text();
    assert!(text.contains("b.bin") && text.contains("c.bin  waits for upload"), "{text}");
    // The first one begins meanwhile.
    tui_harness.resume();
    tui_harness.until(|app| app.scene().pending.len() == 1);
    tui_harness.text();
    let Some(Dialog::List(list)) = tui_harness.app.dialogs().last() else { panic!("no list") };
    let shown: Vec<(bool, bool)> =
        list.items.iter().map(|item| (item.name.ends_with("c.bin"), item.summary.contains("b.bin (#2)"))).collect();
    assert_eq!((shown, list.selected), (vec![(true, true)], 0), "{list:?}");
    tui_harness.until(|app| app.scene().pending.is_empty());
    let text = tui_harness.text();
    assert!(text.contains("Waiting: nothing does any more; Esc closes") && !text.contains("waits for"), "{text}");
    tui_harness.press(&["Enter"]);
    assert_eq!(tui_harness.app.dialogs().len(), 1, "there is nothing to drop");
}

/// All of a batch and all commands of a line are checked before the first byte goes.
#[test]
fn what_would_be_refused_later_is_refused_at_once() {
    let mut tui_harness = paused(120, 40);
    let home = tui_harness.home.path().to_owned();
    let path = |name: &str| home.join(name).display().to_string();
    let (a, b, missing) = (path("a.bin"), path("b.bin"), path("nothere.bin"));
    std::fs::create_dir(tui_harness.home.path().join("other")).unwrap();
    random_file(&tui_harness.home.path().join("other/a.bin"), 10, 9);
    let twin = path("other/a.bin");
    for (line, error) in [
        (format!("upload {a} {b} {missing}"), "cannot read "),
        (format!("upload {a} {twin}"), "two of the files would be stored as `a.bin`"),
        (format!("upload {a}; uplaod {b}"), "`uplaod"),
        (format!("upload {a}; upload {missing}"), "Nothing of the line was begun."),
        (format!("upload {a}; speed 1x 2x"), "Nothing of the line was begun."),
        (format!("upload -r {a} {missing}"), "cannot read "),
    ] {
        tui_harness.press(&["clear", "Enter"]);
        tui_harness.settle();
        answered(&mut tui_harness, &line, error);
        tui_harness.settle();
        assert_eq!(transfers(&tui_harness).len(), 0, "{line}");
    }
    // What is refused of a batch is said once, with the number of its files, before anything of it begins.
    let long = path(&"x".repeat(250));
    std::fs::copy(&a, &long).unwrap();
    for (line, error) in [
        (
            format!("upload {a} {b} {} --as nodir/", path("c.bin")),
            "there is no directory `nodir`; `mkdir --parents PATH` makes it; 3 of 3 files are refused: ",
        ),
        (format!("upload {a} {b} {missing} {missing}x"), "2 of 4 files are refused: "),
        (
            format!("upload {a} {long} --as '{}/'", "d".repeat(256)),
            "the name has 256 bytes; at most 255 are allowed; 2 of 2 files",
        ),
    ] {
        tui_harness.press(&["clear", "Enter"]);
        tui_harness.settle();
        answered(&mut tui_harness, &line, error);
        tui_harness.settle();
        let said = tui_harness.app.prompt().output.iter().filter(|(role, _)| *role == Role::Bad).count();
        assert!(transfers(&tui_harness).is_empty() && said == 1, "{line}: {:?}", tui_harness.app.prompt().output);
    }
    // Two spellings of a name are one name.
    let (composed, apart) = (path("\u{e9}.bin"), path("other/e\u{301}.bin"));
    for path in [&composed, &apart] {
        std::fs::copy(&a, path).unwrap();
    }
    answered(&mut tui_harness, &format!("upload {composed} {apart}"), "two of the files would be stored as `\u{e9}.bin`");
    assert!(transfers(&tui_harness).is_empty());
    // What an earlier command of the line makes is there when it is needed.
    answered(&mut tui_harness, "resume", "virtual time");
    let made = path("made.bin");
    tui_harness.keys(&[&format!("set f {a}; upload $f; download a.bin {made}; upload {made}"), "Enter"]);
    assert!(says(&tui_harness.app, "stored made.bin"), "{:?}", tui_harness.app.prompt().output);
    // A name that is taken is one as well, and so is a file that is to be written and exists.
    answered(&mut tui_harness, &format!("upload {b} {a}"), "a file or directory named `a.bin` is stored already");
    std::fs::create_dir(tui_harness.home.path().join("to")).unwrap();
    random_file(&tui_harness.home.path().join("to/made.bin"), 10, 9);
    answered(&mut tui_harness, &format!("download *.bin {}", path("to")), "made.bin already exists; --force replaces it");
    assert_eq!(transfers(&tui_harness).len(), 3);
    assert!(!tui_harness.home.path().join("to/a.bin").exists());
}

/// Seven uploads at once, and a batch beside them: the prompt answers each line, and all of them come to their end.
#[test]
fn seven_uploads_run_while_somebody_types() {
    let mut tui_harness = paused(120, 40);
    let paths: Vec<String> = (0..7).map(|n| tui_harness.home.path().join(format!("f{n}.bin")).display().to_string()).collect();
    for (number, path) in paths.iter().enumerate() {
        random_file(path.as_ref(), 150_000, number as u64);
        tui_harness.press(&[&format!("upload {path}"), "Enter"]);
    }
    tui_harness.press(&[&upload_of_all(&tui_harness), "Enter"]);
    tui_harness.until(|app| says(app, "#8 has begun: "));
    for number in 0..20 {
        answered(&mut tui_harness, &format!("echo typed-{number}"), &format!("typed-{number}"));
    }
    answered(&mut tui_harness, "transfers", "f6.bin");
    assert_eq!(tui_harness.app.scene().pending.len(), 2);
    tui_harness.press(&["resume", "Enter"]);
    tui_harness.settle();
    let states = transfers(&tui_harness);
    assert!(states.len() == 10 && states.iter().all(|status| status.state == TransferState::Done), "{states:?}");
    // Each result says which line it is of.
    let output = &tui_harness.app.prompt().output;
    for path in &paths {
        let name = path.rsplit('/').next().unwrap();
        let place = output.iter().position(|(_, line)| line.contains(&format!(" stored {name}"))).unwrap();
        let before = output[..place].iter().rev().find(|(_, line)| line.starts_with('›')).unwrap();
        assert_eq!(before.1, format!("› upload {path}"));
    }
}

/// So many lines are under way at once and no more, which is said; and a place is free again once one of them has ended.
#[test]
fn lines_that_are_under_way_are_bounded() {
    let mut tui_harness = paused(120, 40);
    for _ in 0..64 {
        tui_harness.press(&["sleep 1h", "Enter"]);
    }
    tui_harness.press(&["ls", "Enter"]);
    assert!(says(&tui_harness.app, "not begun, 64 lines are under way: `ls`"), "{:?}", tui_harness.app.prompt().output.last());
    tui_harness.until(|app| app.under_way().is_some_and(|lines| lines.matches("sleep 1h").count() == 64));
    tui_harness.press(&["F7", "Enter"]);
    answered(&mut tui_harness, "ls", "no files are stored");
    (0..63).for_each(|_| tui_harness.press(&["F7", "Enter"]));
    tui_harness.settle();
    assert!(tui_harness.app.under_way().is_none());
}

/// Whoever leaves is told what would not begin any more, be a transfer under way or not.
#[test]
fn leaving_while_something_waits_asks() {
    let mut tui_harness = paused(120, 40);
    tui_harness.press(&["sleep 1h; echo later", "Enter"]);
    tui_harness.until(|app| app.under_way().is_some());
    tui_harness.press(&["Ctrl-Q"]);
    let text = tui_harness.text();
    assert!(
        text.contains("Waiting, and not begun then:") && text.contains("echo later") && text.contains("Leave? (y/n)"),
        "{text}"
    );
    tui_harness.press(&["n"]);
    begin_upload_of_all(&mut tui_harness, "");
    tui_harness.press(&["quit", "Enter"]);
    tui_harness.until(App::awaits_input);
    let text = tui_harness.text();
    assert!(text.contains("upload of a.bin") && text.contains("c.bin") && text.contains("Cancel them and leave?"), "{text}");
    tui_harness.press(&["y"]);
    tui_harness.until(|app| app.is_over());
}

/// The question tells what would be lost now: nothing any more, once all has come to its end while it was open.
#[test]
fn the_question_before_leaving_keeps_step() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.begin_upload("song.bin", 300_000);
    tui_harness.refresh();
    tui_harness.press(&["Ctrl-Q"]);
    let text = tui_harness.text();
    assert!(text.contains("Still running:") && text.contains("upload of song.bin"), "{text}");
    tui_harness.watch(SimDuration::from_secs(120));
    let text = tui_harness.text();
    assert!(text.contains("Nothing is under way any more.") && !text.contains("Still running:"), "{text}");
    tui_harness.press(&["y"]);
    tui_harness.until(|app| app.is_over());
}

/// Spans that are waited for are lost to nobody: leaving asks for none of them, however many there are. A command whose transfers are yet to
/// be planned would be lost, and so would a line that has not begun.
#[test]
fn leaving_asks_for_what_would_be_lost() {
    let mut tui_harness = paused(120, 40);
    (0..3).for_each(|_| tui_harness.press(&["sleep 1h", "Enter"]));
    tui_harness.until(|app| app.under_way().is_some_and(|lines| lines.matches("sleep 1h").count() == 3));
    // Nothing of it is carried out before the next message is taken.
    let upload = upload_of_all(&tui_harness);
    tui_harness.press(&[&upload, "Enter", "echo later", "Enter", "Ctrl-Q"]);
    let text = tui_harness.text();
    let told = text.lines().skip_while(|line| !line.contains("Waiting, and not begun then:")).nth(1).unwrap_or_default();
    assert!(told.contains("a.bin") && told.contains("echo later") && !told.contains("sleep"), "{text}");
    tui_harness.press(&["n"]);
    tui_harness.until(|app| says(app, "later"));
    tui_harness.press(&["cancel 1", "Enter"]);
    let mut alone = paused(120, 40);
    (0..3).for_each(|_| alone.press(&["sleep 1h", "Enter"]));
    alone.press(&["Ctrl-Q"]);
    assert!(alone.app.awaits_input(), "two of them have not begun");
    alone.press(&["n"]);
    alone.until(|app| app.under_way().is_some_and(|lines| lines.matches("sleep 1h").count() == 3));
    alone.press(&["Ctrl-Q"]);
    assert!(alone.app.is_over(), "{}", alone.text());
}

/// What begins with a number ends with it, whether it succeeds, fails or is cancelled, so that several of one file are told apart: in the
/// prompt, in the viewer, and in the answer of `wait`.
#[test]
fn what_begins_as_a_number_ends_as_it() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    let path = tui_harness.home.path().join("a.bin");
    random_file(&path, 150_000, 1);
    let path = path.display();
    tui_harness.keys(&[&format!("upload {path}"), "Enter"]);
    tui_harness.press(&["verify a.bin", "Enter", "verify a.bin", "Enter", &format!("download a.bin {path}.copy"), "Enter"]);
    tui_harness.settle();
    tui_harness.keys(&["rm a.bin; upload --as b.bin ", &path.to_string(), "; verify b.bin", "Enter"]);
    tui_harness.press(&[&format!("upload {path} --as c.bin"), "Enter"]);
    tui_harness.until(|app| app.under_way().is_some_and(|lines| lines.contains("--as c.bin")));
    tui_harness.keys(&["cancel 8", "Enter"]);
    let said = tui_harness.said();
    let begun: Vec<&str> = said.lines().filter_map(|line| line.split_once(" has begun")).map(|(number, _)| number).collect();
    assert_eq!(begun, (1..=8).map(|number| format!("#{number}")).collect::<Vec<_>>(), "{said}");
    for number in begun {
        let ends = said.lines().filter(|line| line.starts_with(&format!("{number} ")) && !line.contains(" has begun"));
        assert_eq!(ends.count(), 1, "{number}: {said}");
    }
    for end in ["#1 stored a.bin: ", "#2 a.bin is whole: ", "#3 a.bin is whole: ", "#4 fetched a.bin: ", "#5 removed a.bin: "] {
        assert_eq!(said.matches(end).count(), 1, "{end}: {said}");
    }
    assert!(said.contains("#8 upload of `c.bin` was cancelled"), "{said}");
    tui_harness.ask_aside(&format!("upload --background {path} --as d.bin; upload --background {path} --as e.bin"));
    tui_harness.keys(&["wait", "Enter"]);
    for end in ["#9 stored d.bin: ", "#10 stored e.bin: "] {
        assert!(tui_harness.said().contains(end), "{}", tui_harness.said());
    }
    // What the viewer opens of a transfer is what the prompt says of it.
    tui_harness.keys(&["verify b.bin", "Enter"]);
    tui_harness.keys(&["F8"]);
    let Some(Dialog::Viewer(_)) = tui_harness.app.dialogs().last() else { panic!("no viewer: {}", tui_harness.text()) };
    assert!(tui_harness.text().contains("#11 b.bin is whole: "), "{}", tui_harness.text());
}

/// The end of a batch opens nothing by itself: its last result would be the wrong answer, and nobody has asked for the whole of it now.
#[test]
fn the_end_of_a_batch_opens_nothing() {
    let mut tui_harness = TuiHarness::dark(120, 40);
    let directory = tui_harness.home.path().join("dir");
    std::fs::create_dir(&directory).unwrap();
    random_file(&directory.join("good"), 10, 1);
    for number in 0..30 {
        random_file(&directory.join(format!("bad\n{number}")), 10, 1);
    }
    tui_harness.keys(&[&format!("upload -r {}", directory.display()), "Enter"]);
    let text = tui_harness.text();
    assert!(tui_harness.said().contains("1 file stored") && tui_harness.app.dialogs().is_empty(), "{text}");
    tui_harness.press(&["F8"]);
    let Some(Dialog::Viewer(viewer)) = tui_harness.app.dialogs().last() else { panic!("no viewer") };
    assert!(viewer.title().contains("upload -r "), "{viewer:?}");
}

/// The latest answer is under the line that it answers; where lines before it were answered since, it says so and names each.
#[test]
fn answers_of_earlier_lines_are_named() {
    let mut tui_harness = paused(120, 40);
    begin_upload_of_all(&mut tui_harness, "");
    tui_harness.keys(&["resume", "Enter"]);
    tui_harness.press(&["F8"]);
    let Some(Dialog::Viewer(viewer)) = tui_harness.app.dialogs().last() else { panic!("no viewer") };
    assert!(viewer.title().contains("Answers since: resume"), "{viewer:?}");
    let text = tui_harness.text();
    assert!(text.contains("› resume") && text.contains("stored c.bin"), "{text}");
}

/// The list of what waits is as high as what it lists, and says when nothing is left.
#[test]
fn the_list_of_what_waits_is_no_larger_than_it_needs() {
    let mut tui_harness = paused(120, 40);
    let a = tui_harness.home.path().join("a.bin").display().to_string();
    tui_harness.press(&[&format!("upload {a}; ls"), "Enter"]);
    tui_harness.until(|app| says(app, "#1 has begun: "));
    tui_harness.press(&["F7"]);
    let text = tui_harness.text();
    let top = text.lines().position(|line| line.contains("Waiting: Enter drops the step")).unwrap();
    assert!(top >= 12 && text.contains("ls"), "{text}");
    tui_harness.resume();
    tui_harness.until(|app| app.scene().pending.is_empty());
    let text = tui_harness.text();
    assert!(text.contains("Nothing is left to choose from; Esc closes."), "{text}");
}

/// Where nothing is said, as after `clear`, the prompt takes no rows from the lists.
#[test]
fn a_cleared_prompt_is_its_line_alone() {
    for (width, height) in [(60, 16), (80, 24), (120, 40)] {
        let mut tui_harness = TuiHarness::dark(width, height);
        tui_harness.keys(&["clear", "Enter"]);
        let rows = tui_harness.pane(Pane::Prompt);
        assert_eq!(rows.len(), 3, "{}", tui_harness.text());
    }
}

/// The menu of completions says how many there are beside those that it shows, and cuts none without a mark; a Tab that completes nothing says so
/// until the next key; and a usage for which there is no room ends in a mark.
#[test]
fn completion_says_what_it_does_not_show() {
    for (width, height) in [(120, 40), (80, 24), (60, 16)] {
        let mut tui_harness = TuiHarness::dark(width, height);
        let directory = tui_harness.home.path().join("many");
        std::fs::create_dir(&directory).unwrap();
        for number in 10..70 {
            std::fs::write(directory.join(format!("{number}-{}", "long".repeat(40))), b"x").unwrap();
        }
        tui_harness.press(&[&format!("upload {}/", directory.display()), "Tab"]);
        let text = tui_harness.text();
        assert!(text.contains("8 of 60 shown"), "{text}");
        assert!(text.lines().any(|line| line.contains("10-long") && line.contains('…')), "{text}");
        tui_harness.press(&["Esc", "Ctrl-C", "download nothing-so-named", "Tab"]);
        let line = |tui_harness: &mut TuiHarness| {
            let text = tui_harness.text();
            text.lines().rev().find(|line| line.contains("› download")).unwrap().to_owned()
        };
        let says = line(&mut tui_harness);
        assert!(says.contains("nothing completes this"), "{says}");
        tui_harness.press(&["x"]);
        let says = line(&mut tui_harness);
        assert!(!says.contains("nothing completes") && says.contains("  download NAME [PATH]"), "{says}");
    }
}
