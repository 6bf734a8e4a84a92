//! What the services cost beside the same work through the gate directly, in one run.
//!
//! `cargo bench --bench services` needs Linux, OpenSSH's `sftp`, 8 GiB of disk and as much memory to be quick; `BENCH_DIR` is where it works. With the name
//! of a part (`bytes`, `calls`) it runs that part alone. The server is a process of its own, as users have it; the gate is in this one.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a benchmark may stop, and reads the clock")]

mod services {
    pub(crate) mod bytes;
    pub(crate) mod calls;
    pub(crate) mod server;
    pub(crate) mod sftp;
}

use self::services::{bytes, calls};

fn main() {
    let home = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    if is_wanted("bytes") {
        runtime.block_on(bytes::compare(home.path()));
    }
    if is_wanted("calls") {
        runtime.block_on(calls::count(home.path()));
    }
}
