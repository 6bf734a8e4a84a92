//! A floor for the speed of the network: a packet may cost at most so many rounds of a fixed loop, both measured by turns in one
//! process and in its own processor time, so that a busy machine fails it no more than an idle one.

#![allow(clippy::print_stdout, reason = "a benchmark shows what it has measured")]

use std::hint::black_box;
use std::process::ExitCode;

use p2p_base::units::{Bandwidth, ByteSize, DelayRange, Probability, SimDuration};
use p2p_net::experiment::Experiment;
use rustix::time::{ClockId, clock_gettime};

/// Rounds of the fixed loop that a packet may cost. Ten runs on a two-core virtual machine gave 114 to 142 where it was idle, and up
/// to 211 beside other work: caches are shared, whatever the clock counts.
const ROUNDS_MAX: f64 = 320.0;
/// Turns, of which the best counts on either side.
const TURNS: usize = 7;
/// Rounds of the loop in one turn.
const ROUNDS: u64 = 40_000_000;

/// Seconds of this process's own processor time.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn seconds_of(work: impl FnOnce()) -> f64 {
    let start = processor_seconds();
    work();
    processor_seconds() - start
}

/// Steps of xorshift64 (Marsaglia 2003), of which each needs the one before it.
fn fixed_loop() {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..ROUNDS {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    black_box(state);
}

fn main() -> ExitCode {
    let flow = Experiment {
        bandwidth: Bandwidth::from_bits_per_second(1_000_000_000),
        delay: DelayRange::fixed(SimDuration::from_millis(1)),
        loss: Probability::NEVER,
        bytes: ByteSize::from_mib(64),
        ..Experiment::default()
    };
    let packets = flow.run(1).packets as f64;
    let (mut of_loop, mut of_flow) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TURNS {
        of_loop = of_loop.min(seconds_of(fixed_loop));
        of_flow = of_flow.min(seconds_of(|| drop(black_box(flow.run(1)))));
    }
    let rounds = of_flow / packets / (of_loop / ROUNDS as f64);
    println!("a packet costs {rounds:.0} rounds of the fixed loop, at most {ROUNDS_MAX:.0} are allowed");
    if rounds <= ROUNDS_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
