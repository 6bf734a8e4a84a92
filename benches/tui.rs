//! Floor 5: what a frame costs, with very many nodes.

#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use p2p_storage::config::Config;
use p2p_storage::engine::pace::Speed;
use p2p_storage::engine::{ClockMode, Command, Engine};
use p2p_storage::shell::Shell;
use p2p_storage::tui::app::App;
use p2p_storage::tui::draw;
use p2p_storage::tui::theme::{Theme, ThemeName};
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
    let (_engine, handle) = Engine::start(settings, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let upload = Command::Upload { path: home.path().join("a.bin"), name: None, stored_at: 0 };
    let span = "20s".parse().unwrap();
    for command in [Command::WatchWire { packets: Some(10_000) }, upload, Command::Sleep { span }] {
        runtime.block_on(handle.ask(command)).unwrap();
    }
    let (mut app, _messages) = App::new(Shell::new(handle, || 0), Theme::new(ThemeName::Dark, false), Vec::new());
    let mut screen = Terminal::new(TestBackend::new(200, 60)).unwrap();
    criterion.bench_function("a frame of 200x60 with 1000 nodes", |bencher| {
        bencher.iter(|| {
            // All cells are drawn anew, as after a resize.
            screen.swap_buffers();
            black_box(screen.draw(|frame| draw::draw(&mut app, frame)).unwrap());
        });
    });
}

criterion_group!(benches, a_frame);
criterion_main!(benches);
