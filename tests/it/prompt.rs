//! The prompt is free: what takes long keeps no other line waiting, what waits is said, and all of it goes on in its order.

use p2p_engine::operation;
use p2p_engine::transfer::{TransferState, TransferStatus};
use p2p_storage::tui::app::App;
use p2p_storage::tui::theme::{Theme, ThemeName};

use crate::harness::{OPERATOR, random_file};
use crate::tui_harness::TuiHarness;

/// A screen on which time stands still, so that whatever takes virtual time takes for ever.
fn paused(width: u16, height: u16) -> TuiHarness {
    let mut tui_harness = TuiHarness::new(width, height, Theme::new(ThemeName::Dark, false), true);
    tui_harness.keys(&["pause", "Enter"]);
    for (number, name) in [(1, "a.bin"), (2, "b.bin"), (3, "c.bin")] {
        random_file(&tui_harness.home.path().join(name), 200_000, number);
    }
    tui_harness
}

/// `upload …/a.bin …/b.bin …/c.bin`
fn upload_of_all(tui_harness: &TuiHarness) -> String {
    let path = |name| tui_harness.home.path().join(name).display().to_string();
    format!("upload {} {} {}", path("a.bin"), path("b.bin"), path("c.bin"))
}

/// Whether something was answered; what was typed does not count.
fn says(app: &App, words: &str) -> bool {
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
        let (upload, c) = (upload_of_all(&tui_harness), tui_harness.home.path().join("c.bin").display().to_string());
        tui_harness.press(&[&upload, "Enter"]);
        tui_harness.until(|app| says(app, "#1 has begun; waiting: "));
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
        let (stored_b, begun_c) = (place("stored b.bin").unwrap(), place("#3 has begun").unwrap());
        assert!(stored_b < begun_c && begun_c < place("stored c.bin").unwrap(), "{:?}", tui_harness.app.prompt().output);
        assert!(tui_harness.app.under_way().is_none() && tui_harness.text().contains(" Prompt ─"));
        let states: Vec<TransferState> = transfers(&tui_harness).iter().map(|status| status.state).collect();
        assert_eq!(states, [TransferState::Cancelled, TransferState::Done, TransferState::Done]);
    }
}

/// Whatever a line waits for, the next is answered; and what comes after it on its own line comes after it, with the variables as that
/// line has set them.
#[test]
fn nothing_that_takes_long_makes_the_prompt_deaf() {
    let mut tui_harness = paused(120, 40);
    tui_harness.press(&[&upload_of_all(&tui_harness), " --background", "Enter"]);
    tui_harness.until(|app| says(app, "#3 has begun"));
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
    tui_harness.until(|app| says(app, "#4 has begun; waiting: echo checked"));
    answered(&mut tui_harness, "echo not deaf", "not deaf");
    assert!(!tui_harness.app.prompt().output.iter().any(|(_, line)| line == "checked"));
    tui_harness.press(&["resume", "Enter"]);
    tui_harness.settle();
    let place = |words: &str| tui_harness.app.prompt().output.iter().rposition(|(_, line)| line.starts_with(words)).unwrap();
    // Which line an answer is about is said where another was typed meanwhile.
    let whole = place("a.bin is whole");
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

/// Ctrl-C gives up what is typed; where nothing is, it cancels what the latest line has begun, forgets what waits for that, and says
/// so.
#[test]
fn an_interruption_cancels_what_the_latest_line_began() {
    let mut tui_harness = paused(120, 40);
    let before = tui_harness.home.path().join("a.bin").display().to_string();
    tui_harness.press(&[&format!("upload {before} --as earlier.bin"), "Enter"]);
    tui_harness.until(|app| says(app, "#1 has begun"));
    tui_harness.press(&[&upload_of_all(&tui_harness), "Enter"]);
    tui_harness.until(|app| says(app, "#2 has begun; waiting: "));
    tui_harness.press(&["something", "Ctrl-C"]);
    assert!(
        tui_harness.app.prompt().editor.is_empty() && !says(&tui_harness.app, "interrupted"),
        "{:?}",
        tui_harness.app.prompt().output
    );
    tui_harness.press(&["Ctrl-C"]);
    let said: Vec<String> = tui_harness.app.prompt().output.iter().rev().take(2).map(|(_, line)| line.clone()).collect();
    assert!(said[1].contains("a.bin`: #2 is being cancelled"), "{said:?}");
    assert!(said[0].starts_with("not begun: ") && said[0].contains("b.bin, ") && said[0].ends_with("c.bin"), "{said:?}");
    tui_harness.press(&["resume", "Enter"]);
    tui_harness.settle();
    assert!(says(&tui_harness.app, "#2, upload of a.bin: cancelled") && says(&tui_harness.app, "stored earlier.bin"));
    let states: Vec<TransferState> = transfers(&tui_harness).iter().map(|status| status.state).collect();
    assert_eq!(states, [TransferState::Done, TransferState::Cancelled]);
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
    tui_harness.press(&["Ctrl-C"]);
    answered(&mut tui_harness, "ls", "no files are stored");
    (0..63).for_each(|_| tui_harness.press(&["Ctrl-C"]));
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
    tui_harness.press(&[&upload_of_all(&tui_harness), "Enter"]);
    tui_harness.until(|app| says(app, "#1 has begun; waiting: "));
    tui_harness.press(&["quit", "Enter"]);
    tui_harness.until(App::awaits_input);
    let text = tui_harness.text();
    assert!(text.contains("upload of a.bin") && text.contains("c.bin") && text.contains("Cancel them and leave?"), "{text}");
    tui_harness.press(&["y"]);
    tui_harness.until(|app| app.is_over());
}
