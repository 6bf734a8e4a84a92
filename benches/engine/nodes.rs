//! A network of 1000 nodes: the commands, and an idle hour of probes.

use std::fs;
use std::path::Path;

use p2p_engine::io::InlineIo;
use p2p_engine::node::health::Health;
use p2p_engine::{Caller, ClockMode, CommandId, Event, Simulation, operation};
use p2p_service::config::Config;

use super::cost::{cost_of, p2p};

const THOUSAND: &str = "[nodes]\ncount = 1000\n[network]\nsubnet = \"10.0.0.0/16\"\n";

/// Measures the commands on 1000 nodes, and counts whom the client suspects in an hour without and with loss.
pub(crate) fn many_nodes(home: &Path) {
    let (config, data) = (home.join("1000.toml"), home.join("1000-data"));
    fs::write(&config, THOUSAND).unwrap();
    let nodes = || cost_of(p2p().arg("nodes").arg("--config").arg(&config).arg("--data-dir").arg(&data));
    // The first command creates the directories of the nodes.
    nodes();
    let least = (0..3).map(|_| nodes()).min_by(|a, b| a.wall_seconds.total_cmp(&b.wall_seconds)).unwrap();
    println!(
        "1000 nodes: `nodes` {:.0} ms, {:.0} ms of CPU, {} MiB",
        1e3 * least.wall_seconds,
        1e3 * least.cpu_seconds(),
        least.peak_mib
    );
    let demo = cost_of(p2p().arg("demo").arg("--config").arg(&config));
    println!("1000 nodes: `demo` {:.1} s, {:.1} CPU s, {} MiB", demo.wall_seconds, demo.cpu_seconds(), demo.peak_mib);
    for percent in [0, 1] {
        let text = format!("{THOUSAND}loss = \"{percent}%\"\n");
        fs::write(&config, text).unwrap();
        let (suspected, dead) = idle_for_an_hour(&config, &home.join(format!("idle-{percent}")));
        println!("1000 nodes idle for an hour at {percent} % loss: {suspected} times SUSPECT, {dead} times DEAD");
        for (name, length) in [("SUSPECT", 2), ("DEAD", 3)] {
            let expected = mistakes_expected(f64::from(percent) / 100.0, length);
            println!("    {name}: {expected:.1} ± {:.1} expected (99 %)", 2.576 * expected.sqrt());
        }
    }
}

/// Returns how often so many probes in a row stay without an answer in an hour of probes of 1000 nodes, one every five seconds
/// (docs/network.md).
fn mistakes_expected(loss: f64, length: i32) -> f64 {
    let lost = 1.0 - (1.0 - loss).powi(2);
    let run = lost.powi(length);
    if run > 0.0 { 1000.0 * 720.0 / ((1.0 - run) / (run * (1.0 - lost)) + 1.0 / (1.0 - lost)) } else { 0.0 }
}

fn idle_for_an_hour(config: &Path, data: &Path) -> (usize, usize) {
    let settings = Config::load(Some(config)).unwrap().engine(data, ClockMode::OnDemand).unwrap();
    let mut simulation = Simulation::open(settings, Box::new(InlineIo::default())).unwrap();
    simulation.apply(CommandId(1), &Caller::operator(), operation::Sleep { span: "1h".parse().unwrap() });
    simulation.run();
    let (mut suspected, mut dead) = (0, 0);
    while let Some((_, event)) = simulation.poll_event() {
        match event {
            Event::HealthChanged { to: Health::Suspect, .. } => suspected += 1,
            Event::HealthChanged { to: Health::Dead, .. } => dead += 1,
            _ => {}
        }
    }
    (suspected, dead)
}
