//! What the services cost beside the same work through the gate directly, in one run.
//!
//! `cargo bench --bench services` needs Linux, OpenSSH's `sftp`, 8 GiB of disk and as much memory to be quick; `BENCH_DIR` is where it works. With the name
//! of a part (`bytes`, `apart`, `calls`) it runs that part alone: `apart` are the bytes where those that serve have one core and those that ask
//! another, for which it needs `taskset`. The server is a process of its own, as users have it; the gate is in this one.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a benchmark may stop, and reads the clock")]

mod services {
    pub(crate) mod bytes;
    pub(crate) mod calls;
    pub(crate) mod cores;
    pub(crate) mod gate;
    pub(crate) mod server;
    pub(crate) mod sftp;
}

use std::fs;
use std::path::Path;

use tokio::runtime::{Builder, Runtime};

use self::services::cores::Cores;
use self::services::{bytes, calls};

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

fn bytes(home: &Path, cores: Cores) {
    let home = home.join(format!("{cores:?}"));
    fs::create_dir(&home).unwrap();
    cores.ask();
    runtime().block_on(bytes::compare(&home, cores));
}

fn main() {
    let home = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).unwrap();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    if is_wanted("bytes") {
        bytes(home.path(), Cores::Shared);
    }
    if is_wanted("apart") {
        // In a thread of its own, since what it starts has its core.
        std::thread::scope(|scope| scope.spawn(|| bytes(home.path(), Cores::Apart)).join().unwrap());
    }
    if is_wanted("calls") {
        runtime().block_on(calls::count(home.path()));
    }
}
