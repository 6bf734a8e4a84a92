//! What a frame costs, with very many nodes; and the real program in a pseudo-terminal: how long until there is
//! something to see, and until a key is answered while the engine runs as fast as it can.

#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use p2p_auth::{Auth, Policy};
use p2p_engine::pace::Speed;
use p2p_engine::{Caller, ClockMode, Command, Engine, EngineHandle, Reply, operation};
use p2p_service::access::Access;
use p2p_service::config::Config;
use p2p_shell::Shell;
use p2p_shell::history::Histories;
use p2p_storage::tui::action::Action;
use p2p_storage::tui::app::{App, Message, Pane};
use p2p_storage::tui::draw;
use p2p_storage::tui::preset::Preset;
use p2p_storage::tui::theme::{Theme, ThemeName};
use p2p_store::manifest::NodeNumber;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;

/// The screen of a network of a thousand nodes, and what it needs to live.
struct Crowd {
    app: App,
    messages: UnboundedReceiver<Message>,
    screen: Terminal<TestBackend>,
    runtime: Runtime,
    handle: EngineHandle,
    _engine: Engine,
    home: TempDir,
}

impl Crowd {
    fn new() -> Crowd {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("p2p.toml");
        let text = "[network]\nsubnet = '10.0.0.0/16'\nbandwidth = '100Mbit/s'\n[nodes]\ncount = 1000\n[health]\ninterval = '0s'\n\
                    [storage]\nsegment_size = '4KiB'\n";
        std::fs::write(&path, text).unwrap();
        let config = Config::load(Some(&path)).unwrap();
        let mut settings = config.engine(&home.path().join("data"), ClockMode::OnDemand).unwrap();
        settings.speed = Speed::Max;
        let (engine, handle) = Engine::start(settings, None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let auth = Auth::open(engine.database().clone(), Policy::default()).unwrap();
        let (shell, _questions) = Shell::new(Access::new(handle.clone(), auth, "a benchmark", || 0).unwrap());
        let (app, messages) = App::new(shell, Theme::new(ThemeName::Dark, false), Histories::default());
        let screen = Terminal::new(TestBackend::new(200, 60)).unwrap();
        Crowd { app, messages, screen, runtime, handle, _engine: engine, home }
    }

    fn call(&self, command: Command) -> Reply {
        self.runtime.block_on(self.handle.call(&Caller::operator(), command)).unwrap()
    }

    /// Begins to store a file of so many segments.
    fn upload(&self, name: &str, segments: usize) -> Reply {
        let path = self.home.path().join(name);
        // No two segments are equal.
        let piece = |number: usize| format!("{name} {number:08}").bytes().cycle().take(4_096).collect::<Vec<u8>>();
        std::fs::write(&path, (0..segments).flat_map(piece).collect::<Vec<u8>>()).unwrap();
        self.call(Command::Upload(operation::Upload::of_file(path, None, 0)))
    }

    /// Shows the latest snapshot, and draws until nothing is looked up any more.
    fn look_up(&mut self) {
        self.runtime.block_on(self.handle.snapshot()).unwrap();
        self.app.on_snapshot(self.app.access().snapshot());
        loop {
            self.frame();
            let _runtime = self.runtime.enter();
            self.app.inquire();
            if !self.app.is_busy() {
                break;
            }
            let message = self.runtime.block_on(self.messages.recv()).unwrap();
            self.app.on_message(message);
        }
    }

    /// Draws all cells anew, as after a resize.
    fn frame(&mut self) {
        self.screen.swap_buffers();
        black_box(self.screen.draw(|frame| draw::draw(&mut self.app, frame)).unwrap());
    }
}

/// 200x60 cells, a thousand nodes, a transfer and packets of the wire.
fn a_frame(criterion: &mut Criterion) {
    let mut crowd = Crowd::new();
    crowd.call(Command::WatchWire(operation::WatchWire { packets: Some(10_000) }));
    crowd.upload("a.bin", 256);
    crowd.call(Command::Sleep(operation::Sleep { span: "20s".parse().unwrap() }));
    crowd.look_up();
    criterion.bench_function("a frame of 200x60 with 1000 nodes", |bencher| bencher.iter(|| crowd.frame()));
}

/// The preset of the files, with as many as fit, each on hundreds of nodes of which one in ten is killed.
fn a_frame_of_files(criterion: &mut Criterion) {
    let mut crowd = Crowd::new();
    for number in 0..50 {
        let Reply::Started(transfer) = crowd.upload(&format!("{number:03}.bin"), 300) else { continue };
        crowd.call(Command::Await(operation::Await { transfer }));
    }
    for number in (0..1_000).step_by(10) {
        crowd.call(Command::Break(operation::Break::Kill { node: NodeNumber::from_index(number) }));
    }
    crowd.app.act(Action::Preset(Preset::Files));
    crowd.app.act(Action::Zoom);
    crowd.app.focus_on(Pane::Files);
    crowd.look_up();
    let text: String = crowd.screen.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
    assert!(text.contains("040.bin") && text.contains(" killed"), "files are shown");
    criterion.bench_function("a frame of 200x60 with 1000 nodes and 50 files", |bencher| bencher.iter(|| crowd.frame()));
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn now() -> Instant {
    Instant::now()
}

/// Number of segments of the file that keeps the engine busy while keys are measured.
const FILE_SEGMENTS: u64 = 1 << 16;
/// Time after which what a program has not shown by then counts as never shown.
const DEADLINE: Duration = Duration::from_secs(60);

/// The program, and what its terminal shows.
struct Program {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    written: Receiver<Vec<u8>>,
    writer: Box<dyn Write + Send>,
    screen: vt100::Parser,
}

impl Program {
    fn start(home: &Path, arguments: &[&str]) -> Program {
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_p2p"));
        command.args(["--speed", "max"]);
        command.args(arguments);
        command.env_clear();
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
        let (reader, writer) = (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
        Program { child, _master: pair.master, written: read_all(reader), writer, screen }
    }

    fn waits_for(&mut self, text: &str) {
        let start = now();
        while !self.screen.screen().contents().contains(text) {
            assert!(start.elapsed() < DEADLINE, "{text:?} is not shown:\n{}", self.screen.screen().contents());
            if let Ok(bytes) = self.written.recv_timeout(DEADLINE) {
                self.screen.process(&bytes);
            }
        }
    }

    fn sends(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    fn ends(mut self) {
        self.sends("\u{11}");
        while self.written.recv_timeout(DEADLINE).is_ok() {}
        self.child.wait().unwrap();
    }
}

/// Reads what a program writes on a thread of its own, which ends with the program.
fn read_all(mut reader: Box<dyn Read + Send>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = reader.read(&mut bytes)
            && sender.send(bytes[..count].to_vec()).is_ok()
        {}
    };
    std::thread::Builder::new().name("reader".into()).spawn(read).unwrap();
    receiver
}

/// From the start of the process, on a data directory that is there already.
fn the_first_frame(criterion: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    criterion.bench_function("start to the first frame", |bencher| {
        bencher.iter_custom(|count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                let start = now();
                let mut program = Program::start(home.path(), &[]);
                program.waits_for("Transfers");
                total += start.elapsed();
                program.ends();
            }
            total
        });
    });
}

/// Each letter takes the place of the one before it, and stands nowhere else. An upload of small segments keeps the engine busy.
fn a_key_at_full_speed(criterion: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    let (config, file) = (home.path().join("p2p.toml"), home.path().join("busy.bin"));
    std::fs::write(&config, "[storage]\nsegment_size = '4KiB'\n").unwrap();
    // No two segments are equal: equal ones are stored once.
    let segments = (0..FILE_SEGMENTS).flat_map(|number: u64| number.to_le_bytes().repeat(4096 / 8));
    std::fs::write(&file, segments.collect::<Vec<u8>>()).unwrap();
    let mut program = Program::start(home.path(), &["--config", config.to_str().unwrap()]);
    program.waits_for("Welcome to p2p");
    program.sends("\u{1b}");
    program.waits_for("PROMPT");
    program.sends(&format!("upload {}\r", file.display()));
    program.waits_for("running");
    criterion.bench_function("a key while the engine runs at max", |bencher| {
        bencher.iter_custom(|count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                for letter in ["ß", "ö"] {
                    let start = now();
                    program.sends(&format!("\u{15}{letter}"));
                    program.waits_for(letter);
                    total += start.elapsed();
                }
            }
            total / 2
        });
    });
    program.sends("\u{15}transfers\r");
    program.waits_for("running");
    // A question stands before the end of a session in which something is under way.
    program.child.kill().unwrap();
    program.child.wait().unwrap();
}

criterion_group! {
    name = programs;
    config = Criterion::default().sample_size(20);
    targets = the_first_frame, a_key_at_full_speed
}
criterion_group!(benches, a_frame, a_frame_of_files);
criterion_main!(benches, programs);
