//! The page of the demonstration: its report, with the charts of its run.

use p2p_engine::Snapshot;
use p2p_service::access::Identity;

use super::words::{Grid, Words};
use super::{Page, Part, Section, run};
use crate::ShellError;
use crate::report::{DemoReport, SEGMENTS_SHOWN, date_of};
use crate::sentence::capitalised;

/// Returns the page of the demonstration, with charts of what its last snapshot shows to a user. It is written at `now`, in seconds since 1970.
///
/// # Errors
/// Fails if the page cannot be rendered.
pub fn of_demo(report: &DemoReport, (snapshot, identity): (&Snapshot, &Identity), now: u64) -> Result<String, ShellError> {
    let mut sections = vec![run::throughput(snapshot)];
    for (name, table) in report.tables() {
        let caption =
            if name == "segments" { format!("the first {SEGMENTS_SHOWN} segments of each file") } else { name.to_owned() };
        let mut parts = vec![Part::Table(Grid::of(&capitalised(&caption), &table))];
        match name {
            "segments" => parts.extend(run::waterfalls(snapshot, identity)),
            "nodes" => parts.extend(run::nodes(snapshot)),
            "network" => {
                parts.extend([Part::Text(Words::new(report.network.summary())), Part::Table(run::counters(&report.network))])
            }
            _ => {}
        }
        sections.push(Section::new(&capitalised(name), parts));
    }
    let page = Page {
        title: Words::new("Report of the demonstration of p2p"),
        lead: Words::new(
            "Three users have stored files of pseudo-random bytes on the nodes and fetched them again. The bytes and the disks were real, the \
             wires simulated. Times are on the virtual clock unless they say otherwise, and every figure was measured.",
        ),
        facts: facts(report, now),
        sections,
    };
    page.html().map_err(|error| ShellError::Bad(format!("the page cannot be made: {error}")))
}

fn facts(report: &DemoReport, now: u64) -> Vec<(Words, Words)> {
    let facts = [
        ("Outcome", report.verdict().to_owned()),
        ("Virtual time", format!("{:.3} s", report.virtual_seconds)),
        ("Wall time", format!("{:.3} s", report.wall_seconds)),
        ("Seed", report.seed.to_string()),
        ("Trace", report.trace_hash.clone()),
        ("Written", date_of(now)),
        ("By", format!("p2p {}", env!("CARGO_PKG_VERSION"))),
    ];
    facts.into_iter().map(|(name, value)| (Words::new(name), Words::new(value))).collect()
}
