//! What a frame costs, with very many nodes; and the real program in a pseudo-terminal: how long until there is
//! something to see, and until a key is answered while the engine runs as fast as it can.

#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use p2p_auth::{Auth, Policy};
use p2p_engine::pace::Speed;
use p2p_engine::{Caller, ClockMode, Command, Engine, operation};
use p2p_service::access::Access;
use p2p_service::config::Config;
use p2p_shell::Shell;
use p2p_shell::history::Histories;
use p2p_storage::tui::app::App;
use p2p_storage::tui::draw;
use p2p_storage::tui::theme::{Theme, ThemeName};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// 200x60 cells, a thousand nodes, a transfer and packets of the wire.
fn a_frame(criterion: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("p2p.toml");
    std::fs::write(&path, "[network]\nsubnet = '10.0.0.0/16'\n[nodes]\ncount = 1000\n[health]\ninterval = '0s'\n").unwrap();
    std::fs::write(home.path().join("a.bin"), vec![7; 1 << 20]).unwrap();
    let config = Config::load(Some(&path)).unwrap();
    let mut settings = config.engine(&home.path().join("data"), ClockMode::OnDemand).unwrap();
    settings.speed = Speed::Max;
    let (engine, handle) = Engine::start(settings, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let upload = Command::Upload(operation::Upload::of_file(home.path().join("a.bin"), None, 0));
    let span = "20s".parse().unwrap();
    for command in
        [Command::WatchWire(operation::WatchWire { packets: Some(10_000) }), upload, Command::Sleep(operation::Sleep { span })]
    {
        runtime.block_on(handle.call(&Caller::operator(), command)).unwrap();
    }
    let auth = Auth::open(engine.database().clone(), Policy::default()).unwrap();
    let (shell, _questions) = Shell::new(Access::new(handle, auth, "a benchmark", || 0).unwrap());
    let (mut app, _messages) = App::new(shell, Theme::new(ThemeName::Dark, false), Histories::default());
    let mut screen = Terminal::new(TestBackend::new(200, 60)).unwrap();
    criterion.bench_function("a frame of 200x60 with 1000 nodes", |bencher| {
        bencher.iter(|| {
            // All cells are drawn anew, as after a resize.
            screen.swap_buffers();
            black_box(screen.draw(|frame| draw::draw(&mut app, frame)).unwrap());
        });
    });
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn now() -> Instant {
    Instant::now()
}

/// The program, and what it has written so far.
struct Program {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    reader: Box<dyn Read + Send>,
    writer: Box<dyn Write + Send>,
    seen: Vec<u8>,
}

impl Program {
    fn start(home: &std::path::Path) -> Program {
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_p2p"));
        command.args(["--speed", "max"]);
        command.env_clear();
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        let (reader, writer) = (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
        Program { child, _master: pair.master, reader, writer, seen: Vec::new() }
    }

    fn waits_for(&mut self, text: &str) {
        let mut bytes = [0; 8192];
        while !self.seen.windows(text.len()).any(|window| window == text.as_bytes()) {
            let count = self.reader.read(&mut bytes).unwrap();
            self.seen.extend_from_slice(&bytes[..count]);
        }
        self.seen.clear();
    }

    fn sends(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    fn ends(mut self) {
        self.sends("\u{11}");
        while matches!(self.reader.read(&mut [0; 8192]), Ok(1..)) {}
        self.child.wait().unwrap();
    }
}

/// From the start of the process, on a data directory that is there already.
fn the_first_frame(criterion: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    criterion.bench_function("start to the first frame", |bencher| {
        bencher.iter_custom(|count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                let start = now();
                let mut program = Program::start(home.path());
                program.waits_for("Transfers");
                total += start.elapsed();
                program.ends();
            }
            total
        });
    });
}

/// Each letter takes the place of the one before it, and stands nowhere else.
fn a_key_at_full_speed(criterion: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    let mut program = Program::start(home.path());
    program.waits_for("Transfers");
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
    program.ends();
}

criterion_group! {
    name = programs;
    config = Criterion::default().sample_size(20);
    targets = the_first_frame, a_key_at_full_speed
}
criterion_group!(benches, a_frame);
criterion_main!(benches, programs);
