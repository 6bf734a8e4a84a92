//! How often probes err: nodes that run are declared dead as often as the loss of their paths says, and not at all without loss.

use p2p_base::units::{Probability, SimDuration};
use p2p_engine::node::health::Health;
use p2p_engine::{Event, Reply, operation};
use p2p_net::HostConfig;

use crate::harness::{Harness, config, quick_link};

const NODES: u8 = 30;

/// Counts how often the client has suspected a node, and how often it has declared one dead, in so many probes of each node.
fn mistakes(loss: Probability, probes: u64) -> (f64, f64) {
    let link = HostConfig { loss, ..quick_link() };
    let mut harness = Harness::with(|directory| config(directory, NODES, link));
    let span = SimDuration::from_secs(5) * probes;
    assert_eq!(harness.ask(operation::Sleep { span }), Ok(Reply::Done(())));
    let (mut suspected, mut dead) = (0.0, 0.0);
    while let Some((_, event)) = harness.simulation.poll_event() {
        match event {
            Event::HealthChanged { to: Health::Suspect, .. } => suspected += 1.0,
            Event::HealthChanged { to: Health::Dead, .. } => dead += 1.0,
            _ => {}
        }
    }
    (suspected, dead)
}

/// Mean number of probes between two times at which a run of `length` lost ones is complete: the mean wait for such a run (Feller,
/// "An Introduction to Probability Theory", volume 1, XIII.7), and that for the answer which ends it.
fn mean_interval(lost: f64, length: i32) -> f64 {
    let run = lost.powi(length);
    (1.0 - run) / (run * (1.0 - lost)) + 1.0 / (1.0 - lost)
}

#[test]
fn nodes_are_declared_dead_as_often_as_loss_explains() {
    let (loss, probes) = (0.2, 1_500);
    let (suspected, dead) = mistakes(Probability::from_percent(20), probes);
    let lost = 1.0 - (1.0 - loss) * (1.0 - loss);
    for (found, length) in [(suspected, 2), (dead, 3)] {
        let expected = f64::from(NODES) * probes as f64 / mean_interval(lost, length);
        // Long runs are rare, so that their number is nearly one of Poisson's; of him 99 % lie within 2.576 standard deviations.
        let within = 2.576 * expected.sqrt();
        assert!((found - expected).abs() <= within, "{found} runs of {length}, {expected:.0} ± {within:.0} expected");
    }
}

#[test]
fn without_loss_no_node_is_suspected() {
    assert_eq!(mistakes(Probability::NEVER, 500), (0.0, 0.0));
}
