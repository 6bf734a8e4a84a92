//! Congestion windows over time, as golden files for review: a changed constant, rounding or rule shows in them.

use std::fmt::Write;

use p2p_base::units::{Bandwidth, ByteSize, DelayRange, Probability};

use super::*;
use crate::experiment::{Experiment, FlowSample};
use crate::golden::assert_golden;

/// Longest time between two lines of a curve on which anything changes.
const STEP: SimDuration = SimDuration::from_millis(20);

/// The curve of one flow of 4 MiB: window, threshold and phase at each change of the last two, and every 20 ms, with the instant in
/// milliseconds.
fn flow(congestion: CongestionControl, loss: Probability, queue: u32) -> String {
    let experiment = Experiment {
        bandwidth: Bandwidth::from_bits_per_second(20_000_000),
        delay: DelayRange::fixed(SimDuration::from_millis(20)),
        loss,
        bytes: ByteSize::from_mib(4),
        congestion: vec![congestion],
        queue: Some(queue),
        ..Experiment::default()
    };
    let (mut text, mut last) = (String::new(), None);
    let observe = |FlowSample { sample, .. }: FlowSample| {
        let shown = (sample.threshold, sample.phase);
        if last.is_none_or(|(at, before)| before != shown || sample.at - at >= STEP) {
            last = Some((sample.at, shown));
            let threshold = sample.threshold.map_or("-".to_owned(), |threshold| threshold.to_string());
            let ms = sample.at.as_nanos() as f64 / 1e6;
            writeln!(text, "{ms:>9.3} {:>5} {threshold:>5}  {}", sample.window, sample.phase).unwrap();
        }
    };
    experiment.run_observed(7, Some(observe), None).unwrap();
    text
}

fn curves(congestion: CongestionControl, name: &str, rfc: &str) -> String {
    let head = "       ms  cwnd ssthr  phase\n";
    let (full, lossy) = (flow(congestion, Probability::NEVER, 60), flow(congestion, "0.2%".parse().unwrap(), 200));
    format!(
        "Congestion windows of {name} ({rfc}), in packets. P2P_REGENERATE=1 writes this file anew.\n\n\
         4 MiB over 20 Mbit/s and 20 ms each way, a queue of 60 packets, no loss but at the full queue\n{head}{full}\n\
         4 MiB over 20 Mbit/s and 20 ms each way, a queue of 200 packets, a loss of 0.2 %\n{head}{lossy}"
    )
}

#[test]
fn windows_of_cubic() {
    assert_golden("cwnd_cubic.txt", &curves(CongestionControl::Cubic, "CUBIC with HyStart", "RFC 9438"));
}

#[test]
fn windows_of_newreno() {
    assert_golden("cwnd_newreno.txt", &curves(CongestionControl::NewReno, "NewReno", "RFC 5681, RFC 6582"));
}
