//! Properties that are tried with one seed after the other: `P2P_SEED=167` repeats one run, and `P2P_LONG=1` makes there be 20,000 of
//! them (docs/testing.md).

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::test_runner::Config;

/// Runs of `cargo test`, and with `P2P_LONG=1`.
const RUNS: u64 = 200;
const RUNS_LONG: u64 = 20_000;

fn runs(usual: u64) -> u64 {
    if std::env::var_os("P2P_LONG").is_some() { RUNS_LONG } else { usual }
}

/// As many cases for a property whose inputs proptest draws, and makes smaller where one fails.
pub(crate) fn cases() -> Config {
    Config::with_cases(runs(RUNS) as u32)
}

/// Runs `run` for every seed, on as many threads as there are cores, and names the seed of one that fails.
pub(crate) fn for_every_seed(run: impl Fn(u64) + Sync) {
    for_seeds(RUNS, run);
}

/// Runs `run` for so many seeds, or for 20,000 of them, as [`for_every_seed`] does.
pub(crate) fn for_seeds(usual: u64, run: impl Fn(u64) + Sync) {
    if let Some(seed) = std::env::var("P2P_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return run(seed);
    }
    let (runs, next) = (runs(usual), AtomicU64::new(0));
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&seed| seed < runs) {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed)));
            outcome.unwrap_or_else(|panic| {
                eprintln!("seed {seed} fails");
                std::panic::resume_unwind(panic)
            });
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
}
