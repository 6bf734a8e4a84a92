//! Promise 2, honest time: the model agrees with what real Linux TCP measured (see `tests/data/README.md`).

use std::fmt::Write;

use p2p_storage::experiment::{Experiment, Run, Shape, percentile};
use p2p_storage::units::{Bandwidth, ByteSize, DelayRange, SimDuration};

use crate::generated;

const SEEDS: u64 = 20;
/// How far two medians may lie apart.
const TOLERANCE: f64 = 0.05;
/// From which spread on Linux's own percentiles are the bounds.
const SPREAD: f64 = 1.2;
/// How many cells must agree.
const SHARE: f64 = 0.95;
/// How far outside Linux's percentiles no cell may lie.
const FAR: f64 = 0.20;

/// One cell of a table: what Linux measured and what the model gives.
struct Cell {
    name: String,
    linux: [f64; 3],
    model: f64,
}

impl Cell {
    fn agrees(&self) -> bool {
        let [median, p10, p90] = self.linux;
        let near = (self.model / median - 1.0).abs() <= TOLERANCE;
        near || (p90 / p10 > SPREAD && (p10..=p90).contains(&self.model))
    }

    fn is_far(&self) -> bool {
        let [_, p10, p90] = self.linux;
        self.model < p10 * (1.0 - FAR) || self.model > p90 * (1.0 + FAR)
    }
}

/// The rows of a table, as columns by name.
fn rows(table: &'static str) -> impl Iterator<Item = impl Fn(&str) -> &'static str> {
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines.map(move |line| {
        let header = header.clone();
        let fields: Vec<&str> = line.split(',').collect();
        move |name: &str| fields[header.iter().position(|&column| column == name).unwrap()]
    })
}

fn experiment(field: &impl Fn(&str) -> &'static str, bytes: &str) -> Experiment {
    Experiment {
        congestion: field("cc").parse().unwrap(),
        bandwidth: Bandwidth::from_bits_per_second(field("rate_bit_s").parse().unwrap()),
        delay: DelayRange::fixed(SimDuration::from_millis(field("one_way_delay_ms").parse().unwrap())),
        loss: field("loss").parse().unwrap(),
        bytes: ByteSize::from_bytes(field(bytes).parse().unwrap()),
        ..Experiment::default()
    }
}

fn medians(experiment: &Experiment, seconds: impl Fn(&Run) -> Vec<f64>) -> f64 {
    let times: Vec<f64> = (1..=SEEDS).flat_map(|seed| seconds(&experiment.run(seed))).collect();
    percentile(&times, 0.5)
}

fn check(section: &str, cells: &[Cell]) {
    let disagreeing: Vec<&Cell> = cells.iter().filter(|cell| !cell.agrees()).collect();
    let mut report = String::new();
    for cell in &disagreeing {
        writeln!(report, "{}: Linux {:?}, here {:.4}", cell.name, cell.linux, cell.model).unwrap();
    }
    assert!(disagreeing.len() as f64 <= (1.0 - SHARE) * cells.len() as f64, "{report}");
    assert!(!cells.iter().any(Cell::is_far), "{report}");
    generated::check("docs/fidelity.md", section, &table(cells));
}

/// Every cell beside its counterpart, for people to see.
fn table(cells: &[Cell]) -> String {
    let agreeing = cells.iter().filter(|cell| cell.agrees()).count();
    let mut text = format!("{agreeing} of {} agree.\n\n", cells.len());
    text.push_str("| cell | Linux: median (10 % to 90 %), s | here: median, s | off by | agrees |\n|---|---|---|---|---|\n");
    for cell in cells {
        let [median, p10, p90] = cell.linux;
        let off = 100.0 * (cell.model / median - 1.0);
        let agrees = if cell.agrees() { "yes" } else { "no" };
        writeln!(text, "| {} | {median} ({p10} to {p90}) | {:.4} | {off:+.1} % | {agrees} |", cell.name, cell.model).unwrap();
    }
    text
}

#[test]
fn one_flow_takes_the_time_that_linux_takes() {
    let cells: Vec<Cell> = rows(include_str!("../data/linux_tcp.csv"))
        .map(|field| Cell {
            name: ["cc", "rate_bit_s", "one_way_delay_ms", "loss", "bytes"].map(&field).join(" "),
            linux: ["median_s", "p10_s", "p90_s"].map(|name| field(name).parse().unwrap()),
            model: medians(&experiment(&field, "bytes"), |run| vec![run.seconds.unwrap()]),
        })
        .collect();
    assert_eq!(cells.len(), 126);
    check("one flow", &cells);
}

#[test]
fn five_flows_share_a_link_as_they_do_on_linux() {
    let mut cells = Vec::new();
    for field in rows(include_str!("../data/linux_tcp_fan.csv")) {
        let shape = if field("mode") == "fanout" { Shape::Fanout } else { Shape::Incast };
        let flows = field("flows").parse().unwrap();
        let experiment = Experiment { shape, flows, ..experiment(&field, "bytes_per_flow") };
        let name = ["mode", "cc", "one_way_delay_ms", "loss", "bytes_per_flow"].map(&field).join(" ");
        let linux = |names: [&str; 3]| names.map(|name| field(name).parse().unwrap());
        cells.push(Cell {
            name: format!("{name}: a flow"),
            linux: linux(["flow_median_s", "flow_p10_s", "flow_p90_s"]),
            model: medians(&experiment, |run| run.flows.iter().map(|time| time.unwrap()).collect()),
        });
        cells.push(Cell {
            name: format!("{name}: the last flow"),
            linux: linux(["last_done_median_s", "last_done_p10_s", "last_done_p90_s"]),
            model: medians(&experiment, |run| vec![run.seconds.unwrap()]),
        });
    }
    assert_eq!(cells.len(), 96);
    check("five flows", &cells);
}

/// Loss-free and with the first flight alone, arithmetic says what must come out: two packets of the handshake, an
/// acknowledgement, then one packet after the other, and the delay.
#[test]
fn a_short_lossless_flow_takes_what_arithmetic_says() {
    let experiment = Experiment {
        loss: "0%".parse().unwrap(),
        bytes: ByteSize::from_bytes(10 * 1448),
        delay: "1ms".parse().unwrap(),
        host_time: DelayRange::fixed(SimDuration::ZERO),
        ..Experiment::default()
    };
    let bytes_on_the_wire = 60.0 + 60.0 + 52.0 + 10.0 * 1500.0;
    let expected = bytes_on_the_wire * 8.0 / 524_288.0 + 3.0 * 0.001;
    assert!((experiment.run(1).seconds.unwrap() - expected).abs() < 1e-6);
}
