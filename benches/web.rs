//! What the web costs: content by REST beside the same through the gate directly, dashboards in a second, event streams that are idle, a file of 2 GiB,
//! and pages of many files and nodes.
//!
//! `cargo bench --bench web` needs Linux, 10 GiB of disk and as much memory to be quick; `BENCH_DIR` is where it works. With the name of a part (`bytes`, `apart`,
//! `calls`, `streams`, `large`, `files`, `nodes`) it runs that part alone: `apart` are the bytes where those that serve have one core and those
//! that ask another, for which it needs `taskset`. The server is a process of its own, as users have it; the gate is in this one.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a benchmark may stop, and reads the clock")]

mod web {
    pub(crate) mod bytes;
    pub(crate) mod calls;
    #[path = "../services/cores.rs"]
    pub(crate) mod cores;
    #[path = "../services/gate.rs"]
    pub(crate) mod gate;
    pub(crate) mod large;
    pub(crate) mod pages;
    pub(crate) mod server;
    pub(crate) mod streams;
}

use std::fs;
use std::path::Path;

use tokio::runtime::{Builder, Runtime};

use self::web::cores::Cores;
use self::web::{bytes, calls, large, pages, streams};

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

fn bytes(home: &Path, cores: Cores) {
    let home = home.join(format!("{cores:?}"));
    fs::create_dir(&home).unwrap();
    cores.ask();
    runtime().block_on(bytes::compare(&home, cores));
    fs::remove_dir_all(home).unwrap();
}

fn main() {
    let home = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).unwrap();
    let home = home.path();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    if is_wanted("bytes") {
        bytes(home, Cores::Shared);
    }
    if is_wanted("apart") {
        // In a thread of its own, since what it starts has its core.
        std::thread::scope(|scope| scope.spawn(|| bytes(home, Cores::Apart)).join().unwrap());
    }
    if is_wanted("calls") {
        runtime().block_on(calls::count(home.join("calls")));
    }
    if is_wanted("streams") {
        runtime().block_on(streams::idle(home.join("streams")));
    }
    if is_wanted("large") {
        runtime().block_on(large::measure(home.join("large")));
    }
    if is_wanted("files") {
        runtime().block_on(pages::of_files(home.join("files")));
    }
    if is_wanted("nodes") {
        runtime().block_on(pages::of_nodes(home.join("nodes")));
    }
}
