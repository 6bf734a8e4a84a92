//! The files of one command, in one way for the screen, the line REPL, scripts and one-shot commands: begun in groups at one instant, told
//! of in one line, summed up, and ended whole.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use p2p_base::units::SimTime;
use p2p_engine::operation::{self, ListTransfers};
use p2p_engine::pace::Speed;
use p2p_engine::transfer::{TransferId, TransferState, TransferStatus};
use p2p_engine::{ClockMode, Engine, EngineConfig, EngineError, GROUP_MAX};
use p2p_shell::words::Variables;
use p2p_shell::{Shell, ShellError};
use p2p_storage::tui::app::Pane;
use p2p_store::names::FileKey;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::dialogs::{log_in, registration, wait, with_users};
use crate::harness::{OPERATOR, config, quick_link, segments_below, slow_link};
use crate::program::{DEADLINE, Home, PASSWORD, QUICK, Said, end_of, ended_in_part, wait_until};
use crate::prompt::says;
use crate::pty::{Pty, program};
use crate::recordings::{recorded, replays};
use crate::tui_harness::{TuiHarness, clock};
use crate::undoing::with_access;

/// A directory with so many small files, `f000` and so on.
fn tree(below: &Path, count: usize) -> PathBuf {
    let tree = below.join("tree");
    std::fs::create_dir(&tree).unwrap();
    for number in 0..count {
        std::fs::write(tree.join(format!("f{number:03}")), format!("{number:08}").repeat(25)).unwrap();
    }
    tree
}

/// The instants at which transfers began, and how many began at each, in their order.
fn begins(transfers: &[TransferStatus]) -> Vec<usize> {
    let instants: BTreeSet<SimTime> = transfers.iter().map(|status| status.started).collect();
    instants.iter().map(|at| transfers.iter().filter(|status| status.started == *at).count()).collect()
}

/// The transfers of the engine behind a screen.
fn transfers_of(tui_harness: &TuiHarness) -> Vec<TransferStatus> {
    tui_harness.runtime.block_on(tui_harness.handle.call(&OPERATOR, ListTransfers)).unwrap()
}

/// Transfers that are given at once begin at one instant, also where virtual time runs as fast as it can; each has its own answer, and one
/// that is refused keeps no other from beginning.
#[test]
fn a_group_begins_at_one_instant() {
    let home = tempfile::tempdir().unwrap();
    let tree = tree(home.path(), GROUP_MAX + 20);
    let settings = config(&home.path().join("data"), 5, quick_link());
    let settings = EngineConfig { clock: ClockMode::Running, speed: Speed::Max, ..settings };
    let (_engine, handle) = Engine::start(settings, None).unwrap();
    let upload = |number: usize| operation::Upload::of_file(tree.join(format!("f{number:03}")), None, 0).into();
    let mut uploads: Vec<operation::BeginTransfer> = (0..GROUP_MAX + 20).map(upload).collect();
    uploads[7] = operation::Upload::of_file(tree.join("none"), None, 0).into();
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let answers = timeout(DEADLINE, handle.begin_together(&OPERATOR, uploads)).await.expect("the answers");
        assert_eq!(answers.len(), GROUP_MAX + 20);
        assert!(matches!(&answers[7], Err(EngineError::Source { .. })), "{:?}", answers[7]);
        let begun: Vec<TransferId> = answers.into_iter().filter_map(Result::ok).collect();
        assert_eq!(begun, (1..GROUP_MAX as u64 + 20).map(TransferId).collect::<Vec<_>>());
        for transfer in begun {
            handle.call(&OPERATOR, operation::Await { transfer }).await.unwrap();
        }
        let transfers = handle.call(&OPERATOR, ListTransfers).await.unwrap();
        assert!(transfers.iter().all(|status| status.state == TransferState::Done));
        assert_eq!(begins(&transfers[..GROUP_MAX - 1]), [GROUP_MAX - 1]);
        // A removal waits for no local file.
        let removal = |number| {
            operation::Remove { file: FileKey::unowned(&format!("f{number:03}")), recursive: false, expected: None }.into()
        };
        let removals: Vec<operation::BeginTransfer> = (10..90).map(removal).collect();
        for transfer in handle.begin_together(&OPERATOR, removals).await {
            handle.call(&OPERATOR, operation::Await { transfer: transfer.unwrap() }).await.unwrap();
        }
        let transfers = handle.call(&OPERATOR, ListTransfers).await.unwrap();
        assert_eq!(begins(&transfers[transfers.len() - 80..]), [80]);
        assert_eq!(handle.begin_together(&OPERATOR, Vec::new()).await, []);
    });
}

/// The screen tells of each group in one line and of the whole in another, for a directory and for a list alike, and a group begins at one
/// instant at full speed too.
#[test]
fn the_screen_begins_groups() {
    let home = tempfile::tempdir().unwrap();
    let tree = tree(home.path(), 130);
    let mut tui_harness = TuiHarness::running(home, (120, 40), Speed::Max, |_, _, _| {});
    let list = |verb: &str| format!("{verb} {}/f*", tree.display());
    for (line, count) in [(format!("upload -r {}", tree.display()), 130), (list("upload --as list/"), 130)] {
        tui_harness.keys(&["clear; mkdir --parents list", "Enter", &line, "Enter"]);
        let output = &tui_harness.app.prompt().output;
        let begun: Vec<&str> =
            output.iter().map(|(_, line)| line.as_str()).filter(|line| line.starts_with('#') && line.contains("begun")).collect();
        let counts: Vec<bool> =
            begun.iter().zip([": 100 files begun; waiting: ", ": 30 files begun"]).map(|(a, b)| a.contains(b)).collect();
        assert_eq!((begun.len(), counts), (2, vec![true, true]), "{begun:?}");
        assert!(says(&tui_harness.app, &format!("{count} files stored (25.4 KiB)")), "{output:?}");
        let transfers = transfers_of(&tui_harness);
        assert_eq!(begins(&transfers[transfers.len() - 130..]), [100, 30]);
    }
}

/// A screen on which time is paused and a batch waits of which a group has begun, with a command after it; and what was typed for the batch.
fn with_a_batch_that_waits() -> (TuiHarness, String) {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.keys(&["pause", "Enter"]);
    let tree = tree(tui_harness.home.path(), 230);
    let line = format!("upload -r {}", tree.display());
    tui_harness.press(&[&line, "; echo at last", "Enter"]);
    tui_harness.until(|app| says(app, "#1-#100: 100 files begun; waiting: "));
    (tui_harness, line)
}

/// What waits of a batch is dropped by one key on any of its rows, and its sum says how much that was; what is under way goes on, and so
/// does the line.
#[test]
fn the_rest_of_a_batch_is_dropped_by_one_key() {
    let (mut tui_harness, line) = with_a_batch_that_waits();
    assert_eq!(tui_harness.app.scene().pending.len(), 131);
    tui_harness.press_in_pane(Pane::Transfers, &["/", "f150", "Enter"]);
    let text = tui_harness.text();
    assert!(text.contains("D drop all that wait of its command: 130 files"), "{text}");
    tui_harness.press_in_pane(Pane::Transfers, &["D"]);
    assert!(says(&tui_harness.app, &format!("dropped: 130 files of `{line}`")), "{:?}", tui_harness.app.prompt().output);
    assert_eq!(tui_harness.app.scene().pending.len(), 1);
    tui_harness.resume();
    tui_harness.settle();
    let output = &tui_harness.app.prompt().output;
    let place = |words: &str| output.iter().position(|(_, line)| line.starts_with(words));
    assert!(place("100 files stored (19.5 KiB), 130 not begun").unwrap() < place("at last").unwrap(), "{output:?}");
}

/// A session that ends while files of a batch wait begins none of them, and the user is told of that who comes back.
#[test]
fn a_batch_begins_nothing_without_its_user() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "alice");
    let tree = tree(tui_harness.home.path(), 130);
    tui_harness.keys(&["pause", "Enter"]);
    tui_harness.press(&[&format!("upload -r {}", tree.display()), "Enter"]);
    tui_harness.until(|app| says(app, "100 files begun; waiting: "));
    wait(3 * 3600);
    tui_harness.resume();
    tui_harness.settle();
    assert_eq!(begins(&transfers_of(&tui_harness)), [100]);
    assert!(tui_harness.text().contains("┌ Session expired"), "{}", tui_harness.text());
    tui_harness.keys(&[PASSWORD, "Enter"]);
    assert!(tui_harness.said().contains("not begun: tree/f100, tree/f101, "), "{}", tui_harness.said());
}

/// Where a session ends between two groups, the sum of those before is told with what was not begun.
#[test]
fn a_batch_without_its_user_has_its_sum() {
    let mut tui_harness = with_users(120, 40);
    log_in(&mut tui_harness, "alice");
    let tree = tree(tui_harness.home.path(), 230);
    tui_harness.press(&[&format!("upload -r {}", tree.display()), "Enter"]);
    tui_harness.until(|app| says(app, "#101-#200: 100 files begun"));
    wait(3 * 3600);
    tui_harness.settle();
    assert_eq!(transfers_of(&tui_harness).len(), 200);
    tui_harness.keys(&[PASSWORD, "Enter"]);
    let said = tui_harness.said();
    let sum = said.lines().find(|line| line.contains(" files stored (")).unwrap_or_else(|| panic!("{said}"));
    assert!(sum.contains("), 30 not begun") && said.contains("not begun: tree/f200, "), "{said}");
}

/// In a line REPL and a script a session that ends ends the batch, with how much of it was not begun.
#[test]
fn a_session_that_ends_ends_the_batch() {
    let home = tempfile::tempdir().unwrap();
    let tree = tree(home.path(), 130);
    let (_engine, handle, auth, access) = with_access(config(&home.path().join("data"), 5, slow_link()));
    let (shell, _questions) = Shell::new(access);
    let (runtime, variables) = (Builder::new_current_thread().enable_all().build().unwrap(), Variables::new());
    auth.register_other(&registration("alice"), "a test", "a test", clock() - 3600).unwrap();
    runtime.block_on(async {
        assert!(shell.access().login("alice".into(), PASSWORD.into()).await.unwrap().is_none());
        let line = format!("upload -r {}", tree.display());
        let ended = async {
            tokio::join!(shell.run_to_end(&line, &variables), async {
                while handle.call(&OPERATOR, ListTransfers).await.unwrap().is_empty() {}
                wait(3 * 3600);
            })
        };
        let (ended, ()) = timeout(DEADLINE, ended).await.expect("the end of the line");
        let error = ended.unwrap_err();
        assert!(matches!(error, ShellError::Cut { left: 30, .. }) && error.is_session_over(), "{error}");
        assert!(error.to_string().ends_with(". Before that, 100 files stored (19.5 KiB); 30 files were not begun."), "{error}");
        let transfers = handle.call(&OPERATOR, ListTransfers).await.unwrap();
        assert_eq!(begins(&transfers), [100]);
    });
}

/// Scripts carry a batch out as the others do: in groups, with the result of each file that was named, and the sum of all.
#[test]
fn a_script_has_groups_and_a_sum() {
    let home = Home::new(QUICK);
    tree(&home.path(""), 130);
    let said = home.ok(&["run", "-c", "upload -r tree"]);
    assert!(said.contains("130 files stored (25.4 KiB)"), "{said}");
    let lines = home.ok(&["run", "--json", "-c", "mkdir list; upload tree/f00? --as list/; transfers; rm -r tree list"]);
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[1]["answer"].as_array().unwrap().len(), 10);
    let started: BTreeSet<String> = lines[2]["answer"].as_array().unwrap().iter().map(|one| one["started"].to_string()).collect();
    assert_eq!(started.len(), 1, "{}", lines[2]);
    let text = home.ok(&["run", "-c", "upload tree/f00? --background; wait; upload tree/f01?; rm f00? f01?"]);
    let mut told = String::new();
    for words in [
        "#1-#10: 10 files begun\n",
        "stored f010: 200 B",
        "stored f019: 200 B",
        "10 files stored (2.0 KiB)\n",
        "20 files removed",
    ] {
        let found = text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
        write!(told, "{found:09} ").unwrap();
    }
    assert!(told.split_whitespace().is_sorted(), "{told}: {text}");
}

/// What has begun in the background is known by its number, also where some of the command was refused.
#[test]
fn a_refusal_in_the_background_hides_no_number() {
    let home = Home::new(QUICK);
    let tree = tree(&home.path(""), 10);
    home.ok(&["run", "-c", "upload -r tree; rm tree/f003 tree/f004 tree/f007"]);
    (0..10).for_each(|number| std::fs::write(tree.join(format!("f{number:03}")), "others").unwrap());
    let refused = home.refused_script("upload -r tree --background");
    assert!(refused.contains("#1-#3: 3 files begun, 7 not:\n"), "{refused}");
}

/// An interruption while thousands begin in the background comes between two groups: what has begun is waited for, and of the rest it is
/// said how much it is.
#[test]
fn an_interruption_loses_nothing_of_the_background() {
    let home = tempfile::tempdir().unwrap();
    let tree = tree(home.path(), 3 * GROUP_MAX);
    let (_engine, handle, _, access) = with_access(config(&home.path().join("data"), 5, quick_link()));
    let (shell, _questions) = Shell::new(access);
    let (runtime, variables) = (Builder::new_current_thread().enable_all().build().unwrap(), Variables::new());
    runtime.block_on(async {
        let line = format!("upload -r {} --background", tree.display());
        let interruption = async {
            while handle.call(&OPERATOR, ListTransfers).await.unwrap().is_empty() {}
            assert!(shell.access().at_rest().await);
        };
        let ended = async {
            tokio::select! {
                biased;
                ended = shell.run(&line, &variables) => panic!("it was not interrupted: {ended:?}"),
                () = interruption => {}
            }
        };
        timeout(DEADLINE, ended).await.expect("the interruption");
        let begun = handle.call(&OPERATOR, ListTransfers).await.unwrap().len();
        assert!((GROUP_MAX..3 * GROUP_MAX).contains(&begun) && begun % GROUP_MAX == 0, "{begun}");
        let left = 3 * GROUP_MAX - begun;
        assert_eq!(shell.take_dropped_batches(), [format!("#1-#{begun}: {begun} files begun; {left} files were not begun")]);
        let told = timeout(DEADLINE, shell.run_to_end("wait", &variables)).await.expect("the end").unwrap();
        assert_eq!(told.data.as_array().map(Vec::len), Some(begun), "{}", told.data);
    });
}

/// A session with batches replays to the same trace.
#[test]
fn a_batch_is_replayed() {
    let home = Home::new(QUICK);
    tree(&home.path(""), 130);
    let recording = recorded(&home, "upload -r tree\nupload tree/f00? tree/f01?\nrm f00?\nrm -r tree\n");
    replays(&home, &recording);
}

/// What the line REPL says of a line.
fn said_of(home: &Home, line: &str) -> Said {
    let mut child = home.command(&["repl"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{line}\n").as_bytes()).unwrap();
    end_of(child)
}

/// Commands of a typed line are checked before the first begins, in the line REPL too.
#[test]
fn a_typed_line_is_checked_first() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1_000);
    home.file("b\\s", 1_000);
    std::fs::create_dir(home.path("d")).unwrap();
    for (refused, reason) in [
        ("upload none.bin", "cannot read "),
        ("upload 'b\\s'", "b\\s"),
        ("upload a.bin 'b\\s'", "b\\s"),
        ("upload a.bin --as 'c\\s'", "c\\s"),
        ("upload 'b\\s' --as d/", "b\\s"),
        ("upload -r d --as 'c\\s/'", "c\\s"),
        ("mkdir 'c\\s'", "c\\s"),
        ("mv first 'c\\s'", "c\\s"),
        ("upload a.bin --as '~bob/x'", "~bob/x"),
        ("mkdir '~bob/x'", "~bob/x"),
    ] {
        let said = said_of(&home, &format!("upload a.bin --as first; {refused}"));
        let told = format!("`{refused}`: ");
        assert!(
            [told.as_str(), reason, "Nothing of the line was begun."].iter().all(|words| said.stderr.contains(words)),
            "{said:?}"
        );
        assert!(home.stored().is_empty(), "{refused}");
    }
}

/// A line of which one command would be refused begins nothing, with regard to what the commands before it will have done.
#[test]
fn a_line_is_checked_with_what_it_will_have_done() {
    let home = Home::new(QUICK);
    for name in ["big.bin", "mid.bin", "f1", "f2"] {
        home.file(name, 1_000);
    }
    home.ok(&["put", "big.bin", "f1"]);
    let repl = |line: &str| said_of(&home, line).stderr;
    for (line, error) in [
        ("rm f1; upload big.bin", "`upload big.bin`: a file or directory named `big.bin` is stored already"),
        ("rm f*; upload mid.bin big.bin", "1 of 2 files is refused: big.bin. Nothing of the line was begun."),
        ("upload f2; upload big.bin", "is stored already"),
        ("upload f2; upload f2", "by then, a file or directory named `f2` is stored already. Nothing"),
        ("upload f2; upload mid.bin --as f2", "by then, a file or directory named `f2` is stored already. Nothing"),
        ("upload f2; upload mid.bin --as no/", "there is no directory `no`"),
        ("upload f2; rm none", "no file named `none` is stored"),
        ("upload f2; rm z*", "nothing that is stored matches `z*`"),
        (
            "rm f1; verify f1",
            "`verify f1`: after `rm f1`, command 1 of the line, it would be refused: by then, no file named `f1`",
        ),
        ("rm f1; download f1 there", "no file named `f1` is stored"),
        ("rm f1; download big.bin mid.bin", "already exists; --force replaces it"),
        ("download f1 zz; download f1 zz", "after `download f1 zz`, command 1 of the line, it would be refused: by then, /"),
        ("rm f1; export mid.bin", "already exists; --force replaces it"),
        (
            "mkdir n; mkdir n",
            "`mkdir n`: after `mkdir n`, command 1 of the line, it would be refused: by then, a file or directory named `n` is",
        ),
        ("rm f1; mkdir n n", "`n` is given twice"),
        ("rm f1; mkdir big.bin/x", "`big.bin` is a file, not a directory."),
        ("rm f1; mkdir ''", "name cannot be empty"),
        ("rm f1; mv big.bin ''", "name cannot be empty"),
        ("expect ls contains f1; rm none", "no file named `none` is stored"),
        ("upload f2; mv big.bin f1", "named `f1` is stored already"),
        ("mv f1 g; rm f1", "no file named `f1` is stored"),
        ("upload f2; verify f1 f1", "`f1` is given twice"),
        ("upload f2; verify f? f1", "`f1` is given twice"),
        ("upload f2; mkdir f1", "named `f1` is stored already"),
        (
            "mkdir d; upload f2 --as d; rm d",
            "after `upload f2 --as d`, command 2 of the line, it would be refused: by then, the directory `d` is not empty.",
        ),
    ] {
        let said = repl(line);
        assert!(said.contains(error) && said.contains(" Nothing of the line was begun."), "{line}: {said}");
        assert!(!said.contains("None was begun"), "{line}: {said}");
        assert_eq!(home.stored(), ["big.bin", "f1"], "{line}: {said}");
    }
    for line in [
        "rm f1; upload f1",
        "rm f?; upload f?; rm f2",
        "mv f1 g; upload f1; rm f1; mv g f1",
        "mkdir d; upload f2 --as d; mv d e; upload f1 --as d; rm -r e d",
        "mkdir -p a/b; upload f2 f1 --as a/b/; mv a c; rm c/b/f2; upload f2 --as c/b/; rm -r c",
        "download f1 made; upload made; rm made",
        "upload -r f2; rm f2",
    ] {
        let said = repl(line);
        assert!(["was begun", "stored already", "no file", "cannot"].iter().all(|bad| !said.contains(bad)), "{line}: {said}");
        assert_eq!(home.stored(), ["big.bin", "f1"], "{line}: {said}");
    }
    // What is being replaced is there already, whatever becomes of that; twice the same stays twice.
    for change in ["mv f1 ./f1 d/", "cp f1 ./f1 d/", "rm f1 ./f1"] {
        let said = home.refused_script(&format!("mkdir d\nupload -f f1 --background\n{change}; ls\n"));
        assert!(said.contains("`f1` is given twice") && said.contains(" Nothing of the line was begun."), "{said}");
        home.ok(&["rm", "d"]);
    }
    // A command alone says the same of its files.
    assert!(repl("upload mid.bin big.bin").contains("1 of 2 files is refused: big.bin. None was begun."));
}

/// An interruption undoes what is under way, and tells how much was not begun, whichever way the batch was given.
#[test]
fn an_interruption_tells_what_was_not_begun() {
    let home = Home::new("");
    tree(&home.path(""), 250);
    let is_there = || !segments_below(&home.data()).is_empty();
    let undo = || drop(home.ok(&["rm", "-r", "tree"]));
    for arguments in [&["put", "-r", "tree"][..], &["run", "-c", "upload -r tree"]] {
        let said = ended_in_part(&home, arguments, (1_000, "INT"), is_there, undo);
        assert_eq!(said.code, Some(130), "{said:#?}");
        let not_begun: usize =
            said.stderr.split(" files were not begun").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        assert!(not_begun % 100 == 50, "{said:#?}");
        let stored = home.ok(&["ls", "-R"]).matches("tree/f").count();
        assert!(stored <= 250 - not_begun, "{stored}: {said:#?}");
        undo();
        wait_until("nothing", || segments_below(&home.data()).is_empty());
    }
}

/// Ctrl-C in the line REPL ends the batch and not the program.
#[test]
fn ctrl_c_ends_a_batch() {
    let home = Home::new("");
    tree(&home.path(""), 250);
    let mut pty = Pty::start(program(&home.path(""), &["repl", "--speed", "0.1x"]));
    pty.prompts();
    pty.send("upload -r tree\r");
    wait_until("a stored segment", || !segments_below(&home.data()).is_empty());
    pty.send("\x03");
    pty.shows("150 files were not begun");
    pty.prompts();
    pty.send("quit\r");
    assert_eq!(pty.end().0, 0);
}

/// The rows and the sum of a batch that Ctrl-C ends stay on the terminal, once each, with the results of what was stored, the names of what
/// was undone, and what of the line was not begun.
#[test]
fn ctrl_c_leaves_a_whole_account() {
    let home = Home::new("");
    for number in 10..40 {
        home.file(&format!("f{number}"), 300);
    }
    home.file("big.bin", 4_000_000);
    let mut pty = Pty::start(program(&home.path(""), &["repl", "--speed", "1x"]));
    pty.prompts();
    pty.send("upload f1? big.bin f2? f3?; ls; nodes\r");
    wait_until("a segment of the large file", || segments_below(&home.data()).len() > 11);
    pty.send("\x03");
    pty.shows("not begun: `ls`, `nodes`");
    pty.prompts();
    let shown = pty.text();
    for words in [
        "interrupted: what is under way is being undone",
        "#1 stored f10: 300 B",
        "#10 stored f19: 300 B",
        "cancelled and undone: #11, upload of big.bin",
        "10 files stored (2.9 KiB); 20 files were not begun",
    ] {
        assert_eq!(shown.matches(words).count(), 1, "{words}: {shown}");
    }
    for number in 10..20 {
        assert_eq!(shown.matches(&format!("upload of f{number}")).count(), 1, "{shown}");
    }
    assert_eq!(shown.matches("upload of big.bin  ").count(), 1, "{shown}");
    assert!(shown.contains("░   0 %                - took ") && shown.matches(" 100 % ").count() == 10, "{shown}");
    pty.send("quit\r");
    assert_eq!(pty.end().0, 0);
}

/// The commands of the program say their sum as well, and a name is spelled in one way in a message that quotes it twice.
#[test]
fn one_shot_commands_have_a_sum() {
    let home = Home::new(QUICK);
    std::fs::create_dir(home.path("dir")).unwrap();
    for number in 10..15 {
        home.file(&format!("dir/f{number}"), 8);
    }
    for name in ["dir/big\n\u{1b}[5m", "dir/ce\\u0301"] {
        home.file(name, 8);
    }
    let said = home.run(&["put", "-r", "dir"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("p2p: 5 files stored (40 B), 2 not\n"), "{said:?}");
    assert!(said.stderr.contains("dir/big\\u{a}\\u{1b}[5m: the name `big\\u{a}\\u{1b}[5m` contains '\\u{a}'"), "{said:?}");
    assert!(said.stderr.contains("dir/ce\\u0301: the name `ce\\u0301` contains '\\'"), "{said:?}");
    let said = home.refused(&["rm", "dir/f10", "dir/f11", "none"]);
    assert!(said.contains("p2p: no file named `none` is stored; 1 of 3 files is refused: none. None was begun.\n"), "{said}");
    home.ok(&["rm", "dir/f10", "dir/f11"]);
    assert!(home.run(&["rm", "-r", "dir"]).stderr.is_empty(), "one by itself has no sum");
    // The same sum in a script has a line for each reason.
    let said = home.run(&["run", "-c", "upload -r dir"]).stderr;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "p2p: -c:1: upload -r dir: 5 files stored (40 B), 2 not:", "{said}");
    assert!(lines.len() == 3 && lines[1..].iter().all(|line| line.starts_with("  ") && line.contains("dir/")), "{said}");
    // What a pattern stands for is called as the pattern is typed.
    let said = home.ok(&["run", "-c", "upload dir/f1? --background; wait"]);
    assert!(!said.contains(&home.path("").display().to_string()), "{said}");
    let name = std::os::unix::ffi::OsStrExt::from_bytes(b"bad\xff");
    std::fs::write(home.path("").join::<&std::ffi::OsStr>(name), "x").unwrap();
    let said = home.run(&["run", "-c", "upload bad*"]).stderr;
    assert!(said.contains("bad\\xff: its name is not valid UTF-8; --as NAME says under which it is stored"), "{said}");
}

/// The bars of the line REPL say for which node a transfer waits, as the screen does.
#[test]
fn a_bar_says_for_which_node_it_waits() {
    let home = Home::new("");
    home.file("big.bin", 3_000_000);
    let mut pty = Pty::start(program(&home.path(""), &["repl", "--speed", "1x"]));
    pty.prompts();
    pty.send("upload big.bin --background; kill Node_03; wait\r");
    pty.shows("Node_03: another node in 00:");
    pty.send("\x03");
    pty.prompts();
    pty.send("quit --now\r");
    pty.end();
}

/// What a command is given is checked before the first of it is done, by a command of the program as by a line: one that is not there, and
/// one that is given twice, are named, and nothing has happened.
#[test]
fn all_of_a_command_is_checked_first() {
    let home = Home::new(QUICK);
    std::fs::create_dir(home.path("d")).unwrap();
    std::fs::create_dir(home.path("e")).unwrap();
    for name in ["f1", "f6", "new", "d/f"] {
        home.file(name, 1_000);
    }
    mknodat(CWD, home.path("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    home.ok(&["put", "-r", "f1", "f6", "d"]);
    home.ok(&["run", "-c", "mkdir into"]);
    let listed = home.ok(&["ls", "-R"]);
    for (arguments, words) in [
        (&["rm", "f1", "f10"][..], "no file named `f10` is stored"),
        (&["rm", "f6", "f6"], "`f6` is given twice; 1 of 2 files is refused: f6"),
        (&["rm", "f6", "./f6"], "`./f6` is given twice, as `f6` too"),
        (&["rm", "-r", "d", "d/f"], "`d/f` is within `d`, which is given too"),
        (&["rm", "-r", "d/f", "d"], "`d/f` is within `d`, which is given too; 1 of 2 files is refused: d"),
        (&["rm", "f1", "d"], "the directory `d` is not empty"),
        (&["get", "f1", "f10", "-o", "e"], "no file named `f10` is stored"),
        (&["get", "f1", "f1", "-o", "e"], "two of the files would be written to "),
        (&["get", "f1", "f1", "-o", "e", "--force"], "two of the files would be written to "),
        (&["get", "-r", "d", "f10", "-o", "e"], "1 of 2 files is refused: f10"),
        (&["get", "-r", "d", "d/f", "-o", "e"], "`d/f` is within `d`, which is given too"),
        (&["get", "-r", "d/f", "d", "-o", "e"], "`d/f` is within `d`, which is given too"),
        (&["get", "f1", "f10", "-o", "-"], "1 of 2 files is refused: f10"),
        (&["put", "new", "f1"], "a file or directory named `f1` is stored already"),
        (&["put", "new", "none"], "none: "),
        (&["put", "new", "new"], "two of the files would be stored as `new`"),
        (&["put", "-r", "e", "e", "--as", "g/"], "`e` is given twice"),
        (&["put", "new", "e"], "it is a directory; only files can be stored; 1 of 2 files is refused: e"),
        (&["put", "new", "pipe"], "it is not a regular file; 1 of 2 files is refused: pipe"),
        (&["put", "-r", "e", "pipe"], "it is not a regular file; 1 of 2 files is refused: pipe"),
        (&["put", "-r", "e", "none", "--as", "g/"], "1 of 2 files is refused: none"),
        (
            &["put", "new", "f6", "--as", "z/"],
            "there is no directory `z`; `mkdir --parents PATH` makes it; 2 of 2 files are refused: new, f6",
        ),
        (&["run", "-c", "rm f6 f6"], "`f6` is given twice"),
        (&["run", "-c", "rm f? f6"], "`f6` is given twice"),
        (&["run", "-c", "rm f1 d"], "the directory `d` is not empty"),
        (&["run", "-c", "verify f1 f1"], "`f1` is given twice"),
        (&["run", "-c", "verify d d/f"], "`d/f` is within `d`"),
        (&["run", "-c", "verify d/f d"], "`d/f` is within `d`"),
        (&["run", "-c", "mv d/f d into"], "`d/f` is within `d`"),
        (&["run", "-c", "upload new pipe"], "it is not a regular file"),
        (&["run", "-c", "mv f1 f1 into"], "`f1` is given twice"),
        (&["run", "-c", "mv f1 f10 into"], "no file named `f10` is stored"),
        (&["run", "-c", "mv d d/f into"], "`d/f` is within `d`"),
        (&["run", "-c", "mkdir a f1"], "named `f1` is stored already"),
        (&["run", "-c", "mkdir a a"], "`a` is given twice"),
        (&["run", "-c", "mkdir a b/c"], "there is no directory `b`"),
        (&["run", "-c", "upload -r e e --as g/"], "`e` is given twice"),
    ] {
        let said = home.run(arguments);
        assert!(said.code == Some(1) && said.stderr.contains(words), "{arguments:?}: {said:?}");
        assert!(said.stderr.contains("None was begun") && said.stdout.is_empty(), "{arguments:?}: {said:?}");
        assert_eq!(home.ok(&["ls", "-R"]), listed, "{arguments:?}");
        assert_eq!(std::fs::read_dir(home.path("e")).unwrap().count(), 0, "{arguments:?}");
    }
    home.ok(&["rm", "d/f", "d"]);
    home.ok(&["run", "-c", "mkdir -p a/b a a/b; mv f1 f6 a; rm a/f1 a/f6"]);
}

/// The reasons of several files are told, each with its file.
#[test]
fn each_reason_names_its_file() {
    let home = Home::new(QUICK);
    for name in ["a", "b", "c"] {
        home.file(name, 100);
    }
    home.ok(&["put", "b"]);
    let said = home.refused(&["put", "a", "b", "no\\pe", "none"]);
    for words in [
        "named `b` is stored already",
        "cannot read no\\pe: ",
        "cannot read none: No such file",
        "3 of 4 files are refused: b, no\\pe, none",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// What a command of a line names and is known not to be there refuses the line, in the line REPL and in scripts, whatever its kind.
#[test]
fn what_a_line_names_is_checked_first() {
    let home = Home::new("");
    home.file("a.bin", 1_000);
    home.register("alice");
    home.login("alice");
    for (command, words) in [
        ("kill Node_99", "Node_99"),
        ("stop 6", "Node_06"),
        ("disk 9 --full", "Node_09"),
        ("node 77", "Node_77"),
        ("ping 77", "Node_77"),
        ("link Node_99 --bandwidth 1KiB/s", "Node_99"),
        ("path client->Node_99 --cut", "Node_99"),
        ("path 1,99 --cut", "Node_99"),
        ("partition 1,2|3,99", "Node_99"),
        ("heal 1,99", "Node_99"),
        ("flap 99 --every 5s", "Node_99"),
        ("kill nowhere", "`nowhere` is no node"),
        ("faults apply no-such-profile", "there is no profile `no-such-profile`"),
        ("faults clear Node_99", "Node_99"),
        ("orphans free 99", "Node_99"),
        ("share a.bin nobody", "nobody"),
        ("users reset nobody", "nobody"),
        ("mkdir x y/z", "there is no directory `y`"),
        ("mkdir x x", "`x` is given twice"),
        ("mv a.bin none d", "no file named `none` is stored"),
        ("mkdir d; mv a.bin a.bin d/", "`a.bin` is given twice"),
        ("rm a.bin a.bin", "`a.bin` is given twice"),
        ("pause; upload a.bin --as late", "after `pause`, command 2 of the line, it would be refused: by then, time is paused"),
        ("pause; sleep 5s", "by then, time is paused"),
        ("pause; speed max; verify a.bin", "after `pause`, command 2"),
        ("pause; cancel 1", "by then, time is paused"),
        ("pause; faults clear", "by then, time is paused"),
        ("step", "time is not paused"),
        ("pause; resume; step 1s", "after `resume`, command 3 of the line, it would be refused: by then, time is not paused."),
        ("register erin erin@example.org; rm nope", "no file named `nope` is stored"),
    ] {
        let line = format!("upload a.bin; {command}");
        let (typed, script) = (said_of(&home, &line).stderr, home.refused_script(&line));
        for said in [typed, script] {
            assert!(said.contains(words) && said.contains("Nothing of the line was begun."), "{line}: {said}");
            assert!(home.stored().is_empty(), "{line}: {said}");
        }
    }
    for command in ["wait 7", "cancel 7", "segments 7"] {
        let said = home.refused_script(&format!("ls; {command}"));
        assert!(said.contains("there is no transfer #7") && said.contains("Nothing of the line was begun."), "{said}");
    }
    // What an earlier command of the line makes is there, and a line of a script is checked when it is its turn.
    home.ok(&[
        "run",
        "-c",
        "upload a.bin --background; wait 1; segments 1; pause; upload a.bin --as b --background; resume; wait; rm b a.bin",
    ]);
    let said = home.run(&["run", "-c", "upload a.bin\nkill Node_99; ls"]);
    assert!(said.code == Some(1) && said.stderr.contains("-c:2: kill Node_99: "), "{said:?}");
    assert_eq!(home.stored(), ["a.bin"]);
}

/// All that waits is ended by one command, and what has begun goes on: in scripts and the line REPL the transfers in the background of which
/// nothing has arrived.
#[test]
fn all_that_waits_is_ended_by_a_command() {
    let home = Home::new("[network]\ndelay = '1ms'\nloss = '0%'\n");
    home.file("big.bin", 2_000_000);
    for number in 1..=30 {
        home.file(&format!("f{number:02}"), 60_000);
    }
    let script = "upload big.bin --background; sleep 5s; upload f?? --background; cancel waiting; cancel waiting; wait";
    let said = home.ok(&["run", "--json", "-c", script]);
    let answers: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["answer"].clone()).collect();
    let cancelled = answers[3].as_array().unwrap();
    assert_eq!(cancelled.len(), 30, "{said}");
    assert!(cancelled.iter().all(|one| one["state"] == "cancelled"), "{said}");
    assert_eq!(answers[4], serde_json::json!([]));
    assert_eq!(answers[5].as_array().map(Vec::len), Some(1), "{said}");
    assert_eq!(home.stored(), ["big.bin"]);
    let said = said_of(&home, "upload f0? --background; cancel waiting; wait").stdout;
    assert!(said.contains("#1, upload of f01: cancelled") && said.contains("#9, upload of f09: cancelled"), "{said}");
    assert_eq!(home.stored(), ["big.bin"]);
    assert!(home.ok(&["run", "-c", "cancel waiting"]).contains("no transfer in the background waits"));
}

/// However many wait, and whatever ends while they are cancelled, none of them is left; and a removal is none of them, since nothing of what
/// it has removed comes back.
#[test]
fn many_that_wait_are_ended_at_once() {
    let home = Home::new("[network]\ndelay = '1ms'\nloss = '0%'\n");
    home.file("big.bin", 2_000_000);
    tree(&home.path(""), 250);
    let script = "upload big.bin --background; sleep 5s; upload tree/f* --background; cancel waiting; wait";
    let said = home.ok(&["run", "--json", "-c", script]);
    let answers: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["answer"].clone()).collect();
    let count = |place: usize| answers[place].as_array().map_or(0, Vec::len);
    let is_undone = |one: &serde_json::Value| one["state"] == "cancelled";
    assert!(answers[3].as_array().unwrap().iter().all(is_undone), "{said}");
    assert_eq!((count(3) + count(4), home.stored().len()), (251, count(4)), "{said}");
    let said = home.ok(&["run", "-c", "rm big.bin --background; cancel waiting; wait"]);
    assert!(said.contains("no transfer in the background waits") && said.contains("removed big.bin"), "{said}");
}

/// On the screen time that a line has paused can be resumed by another one, so that the line may wait for it.
#[test]
fn a_line_of_the_screen_may_pause_and_wait() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    let path = tui_harness.home.path().join("a.bin");
    std::fs::write(&path, "x").unwrap();
    tui_harness.press(&[&format!("pause; upload {}", path.display()), "Enter"]);
    tui_harness.until(|app| says(app, "#1 has begun") || says(app, "Nothing of the line was begun."));
    assert!(says(&tui_harness.app, "#1 has begun"), "{:?}", tui_harness.app.prompt().output);
    tui_harness.keys(&["resume", "Enter"]);
    assert!(says(&tui_harness.app, "stored a.bin: 1 B"), "{:?}", tui_harness.app.prompt().output);
}

/// What waits on the screen is dropped before anything is undone, so that none of it begins meanwhile.
#[test]
fn what_waits_is_dropped_before_others_are_undone() {
    let mut tui_harness = TuiHarness::slow(120, 40);
    tui_harness.keys(&["pause", "Enter"]);
    let tree = tree(tui_harness.home.path(), 230);
    tui_harness.press(&[&format!("upload {}/f000 --as first --background", tree.display()), "Enter"]);
    tui_harness.until(|app| says(app, "#1 has begun"));
    tui_harness.press(&[&format!("upload -r {}", tree.display()), "Enter"]);
    tui_harness.until(|app| says(app, "#2-#101: 100 files begun; waiting: "));
    tui_harness.press(&["cancel waiting", "Enter"]);
    tui_harness.until(|app| says(app, "#1, upload of first: cancelled"));
    let output = &tui_harness.app.prompt().output;
    let place = |words: &str| output.iter().position(|(_, line)| line.starts_with(words));
    let (dropped, undone) = (place("dropped: 130 files of `upload -r "), place("#1, upload of first: cancelled"));
    assert!(dropped.is_some() && dropped < undone, "{output:?}");
}

/// On the screen the same command drops what waits of all other lines, and the sum of each says so.
#[test]
fn what_waits_of_all_lines_is_dropped_by_a_command() {
    let (mut tui_harness, line) = with_a_batch_that_waits();
    tui_harness.press(&["cancel waiting; echo mine", "Enter"]);
    tui_harness.until(|app| says(app, &format!("dropped: 130 files of `{line}`, `echo at last`")));
    assert_eq!(tui_harness.app.scene().pending.len(), 0);
    tui_harness.resume();
    tui_harness.settle();
    let output = &tui_harness.app.prompt().output;
    let has = |words: &str| output.iter().any(|(_, line)| line == words);
    assert!(says(&tui_harness.app, "100 files stored (19.5 KiB), 130 not begun") && has("mine"), "{output:?}");
    assert!(!has("at last"), "{output:?}");
    // What was dropped is not denied.
    assert!(!has("no transfer in the background waits"), "{output:?}");
}
