//! An undo is as fast as the machine, whatever the speed of the run is, and changes nothing of what happens; and a disk that never
//! answers keeps nobody in the program.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use p2p_auth::{Auth, Policy};
use p2p_base::units::SimDuration;
use p2p_engine::pace::Speed;
use p2p_engine::transfer::{TransferId, TransferState, TransferStatus};
use p2p_engine::{Engine, EngineConfig, EngineError, EngineHandle, Event, Operation, operation};
use p2p_service::access::Access;
use p2p_service::access::watching::Happening;
use p2p_shell::Shell;
use p2p_shell::words::Variables;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::harness::{OPERATOR, config, random_file, segments_below, slow_link};
use crate::program::{DEADLINE, Home, end_of, signal, wait_until};
use crate::tui_harness::clock;

/// At this speed a virtual second takes sixteen minutes.
const CRAWLING: Speed = Speed::Thousandths(1);

/// An engine with a thread of its own, and an upload by hand up to the instant at which it is being undone.
struct Failing {
    runtime: Runtime,
    handle: EngineHandle,
    engine: Engine,
    source: PathBuf,
    data: PathBuf,
    transfer: TransferId,
}

impl Failing {
    fn new(directory: &Path) -> Failing {
        let path = directory.join("a.bin");
        random_file(&path, 8_000_000, 1);
        let data = directory.join("data");
        let (engine, handle) = Engine::start(config(&data, 2, slow_link()), None).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let upload = operation::Upload::of_file(path.clone(), None, 0);
        let mut failing = Failing { runtime, handle, engine, source: path, data, transfer: TransferId(0) };
        failing.ask(operation::Pause);
        failing.transfer = failing.ask(upload);
        failing.step(SimDuration::from_secs(5));
        assert!(!segments_below(&failing.data).is_empty());
        failing
    }

    fn ask<O: Operation>(&self, operation: O) -> O::Reply {
        self.in_time(self.handle.call(&OPERATOR, operation)).unwrap()
    }

    fn in_time<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { timeout(DEADLINE, work).await.expect("it takes too long") })
    }

    fn step(&self, span: SimDuration) {
        self.ask(operation::Step { span: Some(span) });
    }

    fn status(&self) -> TransferStatus {
        self.ask(operation::ListTransfers).into_iter().find(|status| status.id == self.transfer).unwrap()
    }

    /// Its source is cut short behind what was read so far, so that it fails by itself at the same byte however fast this machine
    /// reads, and time stands still where that has just happened.
    fn cut_short(&self) {
        File::options().write(true).open(&self.source).unwrap().set_len(3_000_000).unwrap();
        let undoing = (0..6_000).any(|_| {
            self.step(SimDuration::from_millis(10));
            self.status().state == TransferState::Undoing
        });
        assert!(undoing, "{:?}", self.status());
    }

    /// What has happened since, at this speed, until all is undone.
    fn undone_at(self, speed: Speed) -> (TransferState, SimDuration, String) {
        let before = self.handle.snapshots().borrow().at;
        self.ask(operation::SetSpeed { speed });
        self.ask(operation::Resume);
        let report = self.ask(operation::Await { transfer: self.transfer });
        let took = self.handle.snapshots().borrow().at - before;
        assert_eq!(self.handle.snapshots().borrow().pace.speed, speed, "the session has its speed again");
        (report.status.state, took, self.end())
    }

    /// Its trace, where nothing is left of the upload.
    fn end(self) -> String {
        let trace = self.in_time(self.handle.trace_hash()).unwrap().to_string();
        drop(self.handle);
        self.engine.join().unwrap();
        assert!(segments_below(&self.data).is_empty());
        std::fs::remove_dir_all(self.data).unwrap();
        trace
    }
}

/// At the speed of the run it would take hours.
#[test]
fn an_upload_that_fails_by_itself_is_undone_at_once_and_leaves_the_same_trace() {
    let directory = tempfile::tempdir().unwrap();
    let undone = |speed| {
        let failing = Failing::new(directory.path());
        failing.cut_short();
        failing.undone_at(speed)
    };
    let (state, took, trace) = undone(CRAWLING);
    assert_eq!(state, TransferState::Failed);
    assert!(took > SimDuration::from_secs(1), "{took}");
    assert_eq!(undone(Speed::Max), (state, took, trace));
}

/// Time goes on at its speed for what others have under way, and the cancel is answered all the same.
#[test]
fn a_cancel_does_not_hurry_other_transfers() {
    let directory = tempfile::tempdir().unwrap();
    let failing = Failing::new(directory.path());
    let other = directory.path().join("b.bin");
    random_file(&other, 300_000, 2);
    let other = failing.ask(operation::Upload::of_file(other, None, 0));
    failing.ask(operation::SetSpeed { speed: CRAWLING });
    failing.ask(operation::Resume);
    let (before, handle) = (failing.handle.snapshots().borrow().at, failing.handle.clone());
    let transfer = failing.transfer;
    let cancel = failing.runtime.spawn(async move { handle.cancel_at_once(&OPERATOR, transfer).await });
    failing.in_time(async {
        while failing.handle.call(&OPERATOR, operation::ListTransfers).await.unwrap()[0].state == TransferState::Running {}
    });
    (0..200).for_each(|_| drop(failing.in_time(failing.handle.snapshot())));
    let passed = failing.in_time(failing.handle.snapshot()).unwrap().at - before;
    assert!(passed < SimDuration::from_millis(500), "{passed}");
    failing.ask(operation::SetSpeed { speed: Speed::Max });
    assert_eq!(failing.ask(operation::Await { transfer: other }).status.state, TransferState::Done);
    assert_eq!(failing.in_time(cancel).unwrap().unwrap().status.state, TransferState::Cancelled);
}

/// The same where somebody cancels it, also while time is paused.
#[test]
fn a_cancel_leaves_the_same_trace_at_every_speed() {
    let directory = tempfile::tempdir().unwrap();
    let cancelled = |speed, is_paused: bool| {
        let failing = Failing::new(directory.path());
        failing.ask(operation::SetSpeed { speed });
        if !is_paused {
            failing.ask(operation::Resume);
        }
        let report = failing.in_time(failing.handle.cancel_at_once(&OPERATOR, failing.transfer)).unwrap();
        assert_eq!(
            (report.status.state, failing.handle.snapshots().borrow().pace.is_paused),
            (TransferState::Cancelled, is_paused)
        );
        failing.end()
    };
    let trace = cancelled(Speed::Max, false);
    assert_eq!([cancelled(CRAWLING, false), cancelled(CRAWLING, true)], [trace.clone(), trace]);
}

/// In a script nobody could hurry it.
#[test]
fn a_script_that_cancels_does_not_wait_for_its_own_speed() {
    let home = Home::new("");
    home.file("a.bin", 1_000_000);
    let script = "speed max; upload a.bin --background; sleep 5s; speed 0.001x; cancel 1";
    let said = home.ok(&["run", "-c", script]);
    assert!(said.contains("upload of a.bin: cancelled"), "{said}");
    assert!(segments_below(&home.data()).is_empty() && home.stored().is_empty());
}

/// An interrupted line tells also of what was done before, of which it could not tell any more.
#[test]
fn an_interrupted_batch_tells_what_it_has_done() {
    let home = Home::new("");
    home.file("a.bin", 1_000);
    home.file("b.bin", 8_000_000);
    let script = home.spawn(&["run", "--speed", "1x", "-c", "upload a.bin b.bin"]);
    // One is the first file's.
    wait_until("segments of the second file", || segments_below(&home.data()).len() > 1);
    signal(&script, "TERM");
    let said = end_of(script);
    assert_eq!(said.code, Some(143), "{said:?}");
    assert!(said.stderr.contains("done before it could be cancelled: #1, upload of a.bin"), "{said:?}");
    assert!(said.stderr.contains("cancelled and undone: #2, upload of b.bin"), "{said:?}");
    assert_eq!(home.stored(), ["a.bin"]);
}

/// An engine with its accounts, and the access to it.
pub(crate) fn with_access(config: EngineConfig) -> (Engine, EngineHandle, Auth, Access) {
    let (engine, handle) = Engine::start(config, None).unwrap();
    let auth = Auth::open(engine.database().clone(), Policy::default()).unwrap();
    let access = Access::new(handle.clone(), auth.clone(), "a test", clock).unwrap();
    (engine, handle, auth, access)
}

/// An engine with so many nodes, its handle, the access to it, and the path of a random file of so many bytes.
fn with_file(directory: &Path, nodes: u8, bytes: usize) -> (Engine, EngineHandle, Access, PathBuf) {
    let path = directory.join("a.bin");
    random_file(&path, bytes, 1);
    let (engine, handle, _, access) = with_access(config(&directory.join("data"), nodes, slow_link()));
    (engine, handle, access, path)
}

/// Whether the engine has begun a transfer.
async fn has_begun(handle: &EngineHandle, transfer: TransferId) -> bool {
    let all = handle.call(&OPERATOR, operation::ListTransfers).await.unwrap();
    all.iter().any(|status| status.id == transfer)
}

/// Lets a line go on until it waits for its transfer. It asks the disk before it begins one; then each question to the engine is answered
/// after those of the line before it.
async fn until_it_waits<T: std::fmt::Debug>(
    line: &mut (impl Future<Output = T> + Unpin),
    handle: &EngineHandle,
    transfer: TransferId,
) {
    let waits = async {
        let mut rounds = 0;
        while rounds < 10 {
            tokio::select! {
                biased;
                answer = &mut *line => panic!("{answer:?}"),
                has_begun = has_begun(handle, transfer) => rounds += usize::from(has_begun),
            }
        }
    };
    timeout(DEADLINE, waits).await.expect("the transfer begins");
}

/// A line that is dropped between the end of its transfer and its answer leaves the transfer for somebody else to tell of.
#[test]
fn what_a_dropped_line_has_not_told_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let (_engine, handle, access, path) = with_file(directory.path(), 2, 100_000);
    let (shell, _questions) = Shell::new(access);
    let (variables, path) = (Variables::new(), path.display());
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let first = format!("upload {path} --as a");
        let mut line = Box::pin(shell.run_to_end(&first, &variables));
        handle.call(&OPERATOR, operation::Pause).await.unwrap();
        until_it_waits(&mut line, &handle, TransferId(1)).await;
        handle.call(&OPERATOR, operation::Resume).await.unwrap();
        handle.call(&OPERATOR, operation::Await { transfer: TransferId(1) }).await.unwrap();
        drop(line);
        assert_eq!(shell.take_untold(), BTreeSet::from([TransferId(1)]));
        assert_eq!(shell.take_untold(), BTreeSet::new());
        // A line that answers tells of its own.
        shell.run_to_end(&format!("upload {path} --as b"), &variables).await.unwrap();
        assert_eq!(shell.take_untold(), BTreeSet::new());
        // So does the command that cancels the transfer of a dropped line.
        let third = format!("upload {path} --as c");
        let mut line = Box::pin(shell.run_to_end(&third, &variables));
        handle.call(&OPERATOR, operation::Pause).await.unwrap();
        until_it_waits(&mut line, &handle, TransferId(3)).await;
        drop(line);
        shell.run("cancel 3", &variables).await.unwrap();
        assert_eq!(shell.take_untold(), BTreeSet::new());
    });
}

/// An interruption that comes while the engine begins a transfer of a line waits until the line knows of it, so that it is reported also if
/// it is over before it can be cancelled.
#[test]
fn an_interruption_leaves_no_begun_transfer_unknown() {
    let directory = tempfile::tempdir().unwrap();
    let (_engine, handle, access, path) = with_file(directory.path(), 2, 1_000);
    let (shell, _questions) = Shell::new(access);
    let (variables, path) = (Variables::new(), path.display());
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        for name in ["a", "b"] {
            shell.run_to_end(&format!("upload {path} --as {name}"), &variables).await.unwrap();
        }
        handle.call(&OPERATOR, operation::Pause).await.unwrap();
        // One transfer begins within the line, and those of a group after it.
        for (line, transfer, all) in [("verify a", TransferId(3), &[3][..]), ("rm a b", TransferId(4), &[4, 5])] {
            let mut running = Box::pin(shell.run_to_end(line, &variables));
            // Until the engine has begun it; the line has the answer by then only if the engine was as fast as the line was asked.
            let begins = async {
                loop {
                    tokio::select! { biased; answer = &mut running => panic!("{answer:?}"), () = std::future::ready(()) => {} }
                    if has_begun(&handle, transfer).await {
                        break;
                    }
                }
            };
            timeout(DEADLINE, begins).await.expect("the transfer begins");
            let is_known = shell.untold().contains(&transfer);
            assert!(is_known || !shell.access().is_at_rest(), "{line}");
            tokio::select! { biased; answer = &mut running => panic!("{answer:?}"), _ = shell.access().at_rest() => {} }
            assert_eq!(shell.take_untold(), all.iter().copied().map(TransferId).collect(), "{line}");
        }
        // What never ends is not waited for without end.
        let _critical_section = shell.access().critical_section();
        assert!(!timeout(DEADLINE, shell.access().at_rest()).await.expect("the wait ends"));
    });
}

/// A reader that has lost its connection resumes after the last event that it has had, and misses none.
#[test]
fn a_reader_of_events_resumes_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let (_engine, _, access, path) = with_file(directory.path(), 3, 300_000);
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut whole = access.events(None);
        let transfer = access.call(operation::Upload::of_file(path, None, 0)).await.unwrap();
        let Happening::Event(first) = whole.next().await else { panic!("no event") };
        access.call(operation::Await { transfer }).await.unwrap();
        let (mut resumed, mut latest) = (access.events(Some(first.id)), first.id.number);
        loop {
            let (Happening::Event(one), Happening::Event(other)) = (whole.next().await, resumed.next().await) else { panic!() };
            assert_eq!((&one, one.id.number), (&other, latest + 1));
            latest += 1;
            if matches!(one.event, Event::FileStored { .. }) {
                break;
            }
        }
    });
}

/// A file that is removed between the asking and the doing is not fetched: the check is made when the operation takes effect.
#[test]
fn what_was_removed_meanwhile_is_not_fetched() {
    let directory = tempfile::tempdir().unwrap();
    let (_engine, _, access, path) = with_file(directory.path(), 3, 100_000);
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let transfer = access.call(operation::Upload::of_file(path, None, 0)).await.unwrap();
        access.call(operation::Await { transfer }).await.unwrap();
        let fetch = access.verification(&access.identity(), "a.bin").await.unwrap();
        let removal = access.removal(&access.identity(), "a.bin", false).await.unwrap();
        let transfer = access.call(removal).await.unwrap();
        access.call(operation::Await { transfer }).await.unwrap();
        let fetched = access.call(fetch).await;
        assert!(matches!(fetched, Err(EngineError::UnknownFile { .. })), "{fetched:?}");
    });
}

/// A library that makes a disk hang, and what it makes when somebody waits for it.
struct HangingDisk {
    library: PathBuf,
    says: PathBuf,
}

impl HangingDisk {
    fn build(directory: &Path) -> HangingDisk {
        let library = directory.join("hanging_disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/hanging_disk.c");
        let mut gcc = std::process::Command::new("gcc");
        let built = gcc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
        assert!(built.unwrap().success());
        HangingDisk { library, says: directory.join("hangs") }
    }

    /// Runs a command in whose `call` of such a path the disk hangs, and interrupts it then.
    fn interrupted(&self, home: &Home, (call, path): (&str, &str), arguments: &[&str], signals: &[&str]) -> (i32, String) {
        let mut command = home.command(arguments);
        command.env("LD_PRELOAD", &self.library).env("HANG_AT", call).env("HANG_IN", path).env("HANG_SAYS", &self.says);
        let child = command.spawn().unwrap();
        wait_until("the disk hangs", || self.says.exists());
        std::fs::remove_file(&self.says).unwrap();
        signals.iter().for_each(|name| signal(&child, name));
        let said = end_of(child);
        (said.code.unwrap(), said.stderr)
    }
}

/// A disk that never answers is not waited for by whoever wants an end: in a transfer, in an undo that somebody has asked for, and in
/// whatever a script waits for. The next start finds nothing of it.
#[test]
#[ignore = "needs gcc"]
fn a_disk_that_never_answers_holds_nobody() {
    let home = Home::new("");
    home.file("a.bin", 1_000_000);
    home.file("b.bin", 200_000);
    home.ok(&["put", "b.bin"]);
    let before = segments_below(&home.data()).len();
    let disk = HangingDisk::build(&home.path("."));
    let undo = "upload a.bin --background; sleep 5s; cancel 1";
    let cases: [((&str, &str), &[&str]); 5] = [
        (("open", "/incoming/"), &["put", "a.bin"]),
        (("open", "/incoming/"), &["run", "-c", "upload a.bin"]),
        (("open", "/segments/"), &["get", "b.bin", "-o", "out"]),
        (("open", "/segments/"), &["run", "-c", "verify b.bin"]),
        (("unlink", "/segments/"), &["run", "-c", undo]),
    ];
    let signals = [("INT", 130), ("TERM", 143), ("HUP", 129)];
    for ((hang, arguments), (name, code)) in cases.into_iter().zip(signals.into_iter().cycle()) {
        let (ended, said) = disk.interrupted(&home, hang, arguments, &[name]);
        assert_eq!(ended, code, "{arguments:?}: {said}");
        let expected = "interrupted; a disk does not answer; what was under way is undone by the next start";
        assert!(said.contains(expected), "{arguments:?}: {said}");
        // Whoever only reads leaves it as it is.
        home.ok(&["run", "-c", "ls"]);
        assert_eq!(home.stored(), ["b.bin"]);
        assert_eq!(segments_below(&home.data()).len(), before, "{arguments:?}");
        assert!(!home.path("out").exists());
    }
    // Whoever asks twice has not even so long to wait.
    let (ended, said) = disk.interrupted(&home, ("unlink", "/segments/"), &["run", "-c", undo], &["INT", "TERM"]);
    assert!(ended == 143 && said.contains("interrupted again; ended at once"), "{ended}: {said}");
    home.ok(&["run", "-c", "ls"]);
    assert_eq!((home.stored(), segments_below(&home.data()).len()), (vec!["b.bin".to_owned()], before));
}
