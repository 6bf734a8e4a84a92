//! The prompt is free: what takes long keeps no other line waiting, what waits is said, and all of it goes on in its order.

use p2p_engine::transfer::{TransferState, TransferStatus};
use p2p_engine::{Command, Reply};
use p2p_storage::tui::app::App;
use p2p_storage::tui::theme::{Theme, ThemeName};

use crate::bench::random_file;
use crate::stage::Stage;

/// A screen on which time stands still, so that whatever takes virtual time takes for ever.
fn paused(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(width, height, Theme::new(ThemeName::Dark, false), true);
    stage.keys(&["pause", "Enter"]);
    for (number, name) in [(1, "a.bin"), (2, "b.bin"), (3, "c.bin")] {
        random_file(&stage.home.path().join(name), 200_000, number);
    }
    stage
}

/// `upload …/a.bin …/b.bin …/c.bin`
fn upload_of_all(stage: &Stage) -> String {
    let path = |name| stage.home.path().join(name).display().to_string();
    format!("upload {} {} {}", path("a.bin"), path("b.bin"), path("c.bin"))
}

/// Whether something was answered; what was typed does not count.
fn says(app: &App, words: &str) -> bool {
    app.prompt.output.iter().any(|(_, line)| !line.starts_with('›') && line.contains(words))
}

/// Types a line, and waits until its answer is there, whatever else goes on.
fn answered(stage: &mut Stage, line: &str, words: &str) {
    stage.press(&[line, "Enter"]);
    stage.until(|app| says(app, words));
}

fn transfers(stage: &Stage) -> Vec<TransferStatus> {
    match stage.runtime.block_on(stage.handle.ask(Command::Transfers)).unwrap() {
        Reply::Transfers(mut transfers) => {
            transfers.sort_by_key(|status| status.id);
            transfers
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_prompt_is_free_while_a_batch_runs() {
    for (width, height) in [(120, 40), (80, 24)] {
        let mut stage = paused(width, height);
        let (upload, c) = (upload_of_all(&stage), stage.home.path().join("c.bin").display().to_string());
        stage.press(&[&upload, "Enter"]);
        stage.until(|app| says(app, "#1 has begun; waiting: "));
        assert!(says(&stage.app, &c), "{:?}", stage.app.prompt.output);
        // What waits is seen too, as far as there is room.
        let title = stage.app.under_way().unwrap();
        assert!(title.starts_with("upload ") && title.contains("a.bin (#1); waiting: ") && title.ends_with(&c), "{title}");
        let text = stage.text();
        assert!(text.lines().any(|line| line.contains("Prompt: upload ")), "{text}");

        answered(&mut stage, "ls", "no files are stored");
        answered(&mut stage, "speed 2x", "speed 2x");
        answered(&mut stage, "speed max", "speed max");
        stage.press(&["cancel 1", "Enter"]);
        // While that undoes what was done, too.
        answered(&mut stage, "echo still here", "still here");
        stage.press(&["resume", "Enter"]);
        stage.settle();
        assert!(says(&stage.app, "#1, upload of a.bin: cancelled"), "{:?}", stage.app.prompt.output);
        let place = |words: &str| stage.app.prompt.output.iter().position(|(_, line)| line.starts_with(words));
        let (stored_b, begun_c) = (place("stored b.bin").unwrap(), place("#3 has begun").unwrap());
        assert!(stored_b < begun_c && begun_c < place("stored c.bin").unwrap(), "{:?}", stage.app.prompt.output);
        assert!(stage.app.under_way().is_none() && stage.text().contains(" Prompt ─"));
        let states: Vec<TransferState> = transfers(&stage).iter().map(|status| status.state).collect();
        assert_eq!(states, [TransferState::Cancelled, TransferState::Done, TransferState::Done]);
    }
}

/// Whatever a line waits for, the next is answered; and what comes after it on its own line comes after it, with the variables as that
/// line has set them.
#[test]
fn nothing_that_takes_long_makes_the_prompt_deaf() {
    let mut stage = paused(120, 40);
    stage.press(&[&upload_of_all(&stage), " --background", "Enter"]);
    stage.until(|app| says(app, "#3 has begun"));
    let long = ["set f 1; sleep 5s; echo f is $f", "wait", "wait 2", "health", "expect sleep 1s contains virtual"];
    for (number, line) in long.into_iter().enumerate() {
        stage.press(&[line, "Enter"]);
        answered(&mut stage, &format!("set f 2; echo here-{number}"), &format!("here-{number}"));
    }
    let title = stage.app.under_way().unwrap();
    assert!(title.starts_with("sleep 5s, wait, wait 2, health, ") && title.ends_with("; waiting: echo f is $f"), "{title}");
    // Undoing takes no virtual time that anybody waits for, but it may take long.
    stage.press(&["cancel 3", "Enter"]);
    answered(&mut stage, "echo here too", "here too");
    stage.press(&["speed max; resume", "Enter"]);
    stage.settle();
    assert!(says(&stage.app, "f is 1") && says(&stage.app, "#3, upload of c.bin: cancelled"), "{:?}", stage.app.prompt.output);

    // A check is a transfer too.
    answered(&mut stage, "pause", "paused at");
    stage.press(&["verify a.bin; echo checked", "Enter"]);
    stage.until(|app| says(app, "#4 has begun; waiting: echo checked"));
    answered(&mut stage, "echo not deaf", "not deaf");
    assert!(!stage.app.prompt.output.iter().any(|(_, line)| line == "checked"));
    stage.press(&["resume", "Enter"]);
    stage.settle();
    let place = |words: &str| stage.app.prompt.output.iter().rposition(|(_, line)| line.starts_with(words)).unwrap();
    // Which line an answer is about is said where another was typed meanwhile.
    let whole = place("a.bin is whole");
    assert!(stage.app.prompt.output[whole - 1].1.ends_with("verify a.bin"), "{:?}", stage.app.prompt.output);
    assert!(whole < place("checked"), "{:?}", stage.app.prompt.output);
}

/// Lines that are typed faster than they are answered are carried out in their order.
#[test]
fn what_is_typed_ahead_comes_in_its_order() {
    let mut stage = Stage::dark(120, 40);
    for number in 0..20 {
        stage.press(&[&format!("set f {number}"), "Enter", &format!("echo {number} is $f"), "Enter"]);
    }
    stage.settle();
    for number in 0..20 {
        assert!(says(&stage.app, &format!("{number} is {number}")), "{number}: {:?}", stage.app.prompt.output);
    }
}

/// Ctrl-C gives up what is typed; where nothing is, it cancels what the latest line has begun, forgets what waits for that, and says
/// so.
#[test]
fn an_interruption_cancels_what_the_latest_line_began() {
    let mut stage = paused(120, 40);
    let before = stage.home.path().join("a.bin").display().to_string();
    stage.press(&[&format!("upload {before} --as earlier.bin"), "Enter"]);
    stage.until(|app| says(app, "#1 has begun"));
    stage.press(&[&upload_of_all(&stage), "Enter"]);
    stage.until(|app| says(app, "#2 has begun; waiting: "));
    stage.press(&["something", "Ctrl-C"]);
    assert!(stage.app.prompt.editor.is_empty() && !says(&stage.app, "interrupted"), "{:?}", stage.app.prompt.output);
    stage.press(&["Ctrl-C"]);
    let said: Vec<String> = stage.app.prompt.output.iter().rev().take(2).map(|(_, line)| line.clone()).collect();
    assert!(said[1].contains("a.bin`: #2 is being cancelled"), "{said:?}");
    assert!(said[0].starts_with("not begun: ") && said[0].contains("b.bin, ") && said[0].ends_with("c.bin"), "{said:?}");
    stage.press(&["resume", "Enter"]);
    stage.settle();
    assert!(says(&stage.app, "#2, upload of a.bin: cancelled") && says(&stage.app, "stored earlier.bin"));
    let states: Vec<TransferState> = transfers(&stage).iter().map(|status| status.state).collect();
    assert_eq!(states, [TransferState::Done, TransferState::Cancelled]);
}

/// So many lines are under way at once and no more, which is said; and a place is free again once one of them has ended.
#[test]
fn lines_that_are_under_way_are_bounded() {
    let mut stage = paused(120, 40);
    for _ in 0..64 {
        stage.press(&["sleep 1h", "Enter"]);
    }
    stage.press(&["ls", "Enter"]);
    assert!(says(&stage.app, "not begun, 64 lines are under way: `ls`"), "{:?}", stage.app.prompt.output.last());
    stage.until(|app| app.under_way().is_some_and(|lines| lines.matches("sleep 1h").count() == 64));
    stage.press(&["Ctrl-C"]);
    answered(&mut stage, "ls", "no files are stored");
    (0..63).for_each(|_| stage.press(&["Ctrl-C"]));
    stage.settle();
    assert!(stage.app.under_way().is_none());
}

/// Whoever leaves is told what would not begin any more, be a transfer under way or not.
#[test]
fn leaving_while_something_waits_asks() {
    let mut stage = paused(120, 40);
    stage.press(&["sleep 1h; echo later", "Enter"]);
    stage.until(|app| app.under_way().is_some());
    stage.press(&["Ctrl-Q"]);
    let text = stage.text();
    assert!(
        text.contains("Waiting, and not begun then:") && text.contains("echo later") && text.contains("Leave? (y/n)"),
        "{text}"
    );
    stage.press(&["n"]);
    stage.press(&[&upload_of_all(&stage), "Enter"]);
    stage.until(|app| says(app, "#1 has begun; waiting: "));
    stage.press(&["quit", "Enter"]);
    stage.until(App::awaits_input);
    let text = stage.text();
    assert!(text.contains("upload of a.bin") && text.contains("c.bin") && text.contains("Cancel them and leave?"), "{text}");
    stage.press(&["y"]);
    stage.until(|app| app.over);
}
