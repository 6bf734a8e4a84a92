//! Promise 2, honest time: the model agrees with what real Linux TCP measured (see `tests/data/README.md`).

use std::fmt::Write;
use std::sync::Mutex;
use std::thread;

use p2p_base::units::{Bandwidth, ByteSize, DelayRange, SimDuration};
use p2p_net::experiment::{Experiment, Run, Shape, percentile};

use crate::generated;

/// How many runs a cell's medians are taken from, and with `P2P_LONG=1`.
const SEEDS: u64 = 20;
const SEEDS_LONG: u64 = 200;
/// How far two median times may lie apart.
const TOLERANCE: f64 = 0.05;
/// From which spread on Linux's own percentiles are the bounds.
const SPREAD: f64 = 1.2;
/// How far two medians of retransmissions may lie apart: a share, or so many packets.
const RETRANSMITS_TOLERANCE: f64 = 0.20;
const RETRANSMITS_SLACK: f64 = 3.0;
/// How far the medians of the first flow that is done may lie apart.
const FIRST_TOLERANCE: f64 = 0.10;
/// How many of the times, of the retransmissions and of the first flows must agree.
const TIMES_SHARE: f64 = 0.97;
const RETRANSMITS_SHARE: f64 = 0.90;
const FIRST_SHARE: f64 = 0.80;
/// How far outside Linux's percentiles a time is named in docs/fidelity.md, with its trace, and how many may be.
const FAR: f64 = 0.20;
const FAR_MAX: usize = 5;

const TABLES: [(&str, &str); 4] = [
    ("one flow", include_str!("../data/linux_tcp.csv")),
    ("one flow, second table", include_str!("../data/linux_tcp_2.csv")),
    ("several flows", include_str!("../data/linux_tcp_fan.csv")),
    ("several flows, second table", include_str!("../data/linux_tcp_fan_2.csv")),
];

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A time with Linux's percentiles; several flows have two, those of a flow and of the last one.
    Time(&'static str),
    /// When the first flow is done.
    First,
    /// Packets sent again, a flow.
    Retransmits,
}

/// One figure of a cell: what Linux measured and what the model gives.
#[derive(Debug, Clone)]
struct Figure {
    what: What,
    median: f64,
    /// Linux's 10th and 90th percentile, where they were measured.
    spread: Option<(f64, f64)>,
    model: f64,
}

impl Figure {
    fn agrees(&self) -> bool {
        let off = (self.model / self.median - 1.0).abs();
        let within = self.spread.is_some_and(|(p10, p90)| (p10..=p90).contains(&self.model));
        match self.what {
            What::Time(_) => off <= TOLERANCE || (within && self.spread.is_some_and(|(p10, p90)| p90 / p10 > SPREAD)),
            What::First => off <= FIRST_TOLERANCE,
            What::Retransmits => within || off <= RETRANSMITS_TOLERANCE || (self.model - self.median).abs() <= RETRANSMITS_SLACK,
        }
    }

    fn is_far(&self) -> bool {
        let is_time = matches!(self.what, What::Time(_));
        is_time && self.spread.is_some_and(|(p10, p90)| self.model < p10 * (1.0 - FAR) || self.model > p90 * (1.0 + FAR))
    }

    fn linux(&self) -> String {
        self.spread.map_or(self.median.to_string(), |(p10, p90)| format!("{} ({p10} to {p90})", self.median))
    }

    fn here(&self) -> String {
        if self.what == What::Retransmits { format!("{:.1}", self.model) } else { format!("{:.4}", self.model) }
    }

    fn off(&self) -> String {
        format!("{:+.1} %", 100.0 * (self.model / self.median - 1.0))
    }
}

/// One row of a table.
#[derive(Debug, Clone)]
struct Cell {
    name: String,
    figures: Vec<Figure>,
}

/// The fields of one line of a table, by the names of its columns.
#[derive(Clone)]
struct Row {
    header: Vec<&'static str>,
    fields: Vec<&'static str>,
}

impl Row {
    fn text(&self, name: &str) -> Option<&'static str> {
        self.header.iter().position(|&column| column == name).map(|place| self.fields[place])
    }

    fn number(&self, name: &str) -> f64 {
        self.text(name).unwrap().parse().unwrap()
    }

    fn spread(&self, p10: &str, p90: &str) -> Option<(f64, f64)> {
        self.text(p10).map(|_| (self.number(p10), self.number(p90)))
    }

    fn has_several_flows(&self) -> bool {
        self.text("flows").is_some()
    }

    fn experiment(&self) -> Experiment {
        let shape = match self.text("mode") {
            Some("fanout") => Shape::Fanout,
            Some("incast") => Shape::Incast,
            _ => Shape::Single,
        };
        let bytes = if self.has_several_flows() { "bytes_per_flow" } else { "bytes" };
        let delay_ns = (self.number("one_way_delay_ms") * 1e6).round() as u64;
        Experiment {
            congestion: self.text("cc").unwrap().split('+').map(|control| control.parse().unwrap()).collect(),
            bandwidth: Bandwidth::from_bits_per_second(self.number("rate_bit_s") as u64),
            delay: DelayRange::fixed(SimDuration::from_nanos(delay_ns)),
            loss: self.text("loss").unwrap().parse().unwrap(),
            bytes: ByteSize::from_bytes(self.number(bytes) as u64),
            flows: self.text("flows").map_or(1, |flows| flows.parse().unwrap()),
            queue: self.text("qlimit").map(|packets| packets.parse().unwrap()),
            shape,
            ..Experiment::default()
        }
    }

    fn name(&self) -> String {
        let columns = ["mode", "flows", "cc", "rate_bit_s", "one_way_delay_ms", "loss", "bytes", "bytes_per_flow", "qlimit"];
        let known: Vec<&str> = columns.into_iter().filter_map(|column| self.text(column)).collect();
        known.join(" ")
    }

    /// Runs the cell and puts every figure beside its counterpart.
    fn measure(&self, seeds: u64) -> Cell {
        let experiment = self.experiment();
        let runs: Vec<Run> = (1..=seeds).map(|seed| experiment.run(seed)).collect();
        let median = |of: &dyn Fn(&Run) -> Vec<f64>| percentile(&runs.iter().flat_map(of).collect::<Vec<f64>>(), 0.5);
        let flows = |run: &Run| run.flows.iter().map(|time| time.unwrap()).collect::<Vec<f64>>();
        let retransmits = median(&|run| vec![run.retransmits as f64 / f64::from(experiment.flows)]);
        let last = median(&|run| vec![run.seconds.unwrap()]);
        let figure = |what, median, spread, model| Figure { what, median, spread, model };
        let figures = if self.has_several_flows() {
            let first = median(&|run| vec![flows(run).into_iter().fold(f64::MAX, f64::min)]);
            vec![
                figure(
                    What::Time("a flow"),
                    self.number("flow_median_s"),
                    self.spread("flow_p10_s", "flow_p90_s"),
                    median(&flows),
                ),
                figure(
                    What::Time("the last"),
                    self.number("last_done_median_s"),
                    self.spread("last_done_p10_s", "last_done_p90_s"),
                    last,
                ),
                figure(What::First, self.number("first_done_median_s"), None, first),
                figure(What::Retransmits, self.number("retrans_per_flow_median"), None, retransmits),
            ]
        } else {
            vec![
                figure(What::Time("s"), self.number("median_s"), self.spread("p10_s", "p90_s"), last),
                figure(What::Retransmits, self.number("retrans_median"), self.spread("retrans_p10", "retrans_p90"), retransmits),
            ]
        };
        Cell { name: self.name(), figures }
    }
}

fn rows(table: &'static str) -> Vec<Row> {
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines.map(|line| Row { header: header.clone(), fields: line.split(',').collect() }).collect()
}

/// The cells of all rows, in order, measured on all processors.
fn measure(rows: &[Row], seeds: u64) -> Vec<Cell> {
    let next = Mutex::new(0..rows.len());
    let cells: Vec<Mutex<Option<Cell>>> = rows.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while let Some(place) = { next.lock().unwrap().next() } {
            *cells[place].lock().unwrap() = Some(rows[place].measure(seeds));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    cells.into_iter().filter_map(|cell| cell.into_inner().unwrap()).collect()
}

fn count<'a>(cells: impl Iterator<Item = &'a Cell>, is: impl Fn(What) -> bool) -> (usize, usize) {
    let figures: Vec<&Figure> = cells.flat_map(|cell| &cell.figures).filter(|figure| is(figure.what)).collect();
    (figures.iter().filter(|figure| figure.agrees()).count(), figures.len())
}

fn shares<'a>(cells: impl Iterator<Item = &'a Cell> + Clone) -> String {
    let mut parts = Vec::new();
    for (name, is) in [
        ("times", (|what| matches!(what, What::Time(_))) as fn(What) -> bool),
        ("retransmissions", |what| what == What::Retransmits),
        ("first flows done", |what| what == What::First),
    ] {
        let (agreeing, all) = count(cells.clone(), is);
        if all > 0 {
            parts.push(format!("{agreeing} of {all} {name}"));
        }
    }
    parts.join(", ")
}

/// A table's cells, each beside its counterpart, for people to see.
fn section(cells: &[Cell]) -> String {
    let mut text = format!("{} agree.\n\n", shares(cells.iter()));
    if cells.iter().all(|cell| cell.figures.len() == 2) {
        text.push_str(
            "| cell | Linux: s | here | off by | Linux: retransmits | here | agrees |\n|---|---|---|---|---|---|---|\n",
        );
        for Cell { name, figures } in cells {
            let (time, again) = (&figures[0], &figures[1]);
            let agrees = match (time.agrees(), again.agrees()) {
                (true, true) => "yes",
                (true, false) => "time",
                (false, true) => "retransmits",
                (false, false) => "no",
            };
            let (linux, here, off) = (time.linux(), time.here(), time.off());
            writeln!(text, "| {name} | {linux} | {here} | {off} | {} | {} | {agrees} |", again.linux(), again.here()).unwrap();
        }
    } else {
        text.push_str("| cell | what | Linux | here | off by | agrees |\n|---|---|---|---|---|---|\n");
        for Cell { name, figures } in cells {
            for figure in figures {
                let what = match figure.what {
                    What::Time(which) => format!("{which}, s"),
                    What::First => "the first, s".to_owned(),
                    What::Retransmits => "retransmits a flow".to_owned(),
                };
                let agrees = if figure.agrees() { "yes" } else { "no" };
                writeln!(text, "| {name} | {what} | {} | {} | {} | {agrees} |", figure.linux(), figure.here(), figure.off())
                    .unwrap();
            }
        }
    }
    text
}

/// What does not agree, for whoever reads a failure.
fn disagreements(cells: &[Cell]) -> String {
    let mut report = String::new();
    for cell in cells {
        for figure in cell.figures.iter().filter(|figure| !figure.agrees()) {
            writeln!(report, "{}: {:?}: Linux {}, here {}", cell.name, figure.what, figure.linux(), figure.here()).unwrap();
        }
    }
    report
}

#[test]
fn the_model_keeps_the_time_of_linux() {
    let long = std::env::var_os("P2P_LONG").is_some();
    let tables: Vec<Vec<Row>> = TABLES.iter().map(|(_, table)| rows(table)).collect();
    assert_eq!(tables.iter().map(Vec::len).collect::<Vec<_>>(), [126, 39, 48, 11]);
    let all = measure(&tables.concat(), if long { SEEDS_LONG } else { SEEDS });
    let report = disagreements(&all);
    for (share, is) in [
        (TIMES_SHARE, (|what| matches!(what, What::Time(_))) as fn(What) -> bool),
        (RETRANSMITS_SHARE, |what| what == What::Retransmits),
        (FIRST_SHARE, |what| what == What::First),
    ] {
        let (agreeing, known) = count(all.iter(), is);
        assert!(agreeing as f64 >= share * known as f64, "{agreeing} of {known}\n{report}");
    }
    let far: Vec<&str> = all.iter().filter(|cell| cell.figures.iter().any(Figure::is_far)).map(|cell| &*cell.name).collect();
    assert!(far.len() <= FAR_MAX, "{far:?}\n{report}");
    let document = include_str!("../../docs/fidelity.md");
    assert!(far.iter().all(|name| document.contains(&format!("`{name}`"))), "{far:?} are to be explained in docs/fidelity.md");
    if !long {
        write_down(&tables, &all);
    }
}

fn write_down(tables: &[Vec<Row>], all: &[Cell]) {
    let mut cells = all;
    for ((name, _), rows) in TABLES.iter().zip(tables) {
        let (table, rest) = cells.split_at(rows.len());
        generated::check("docs/fidelity.md", name, &section(table));
        cells = rest;
    }
    generated::check("docs/fidelity.md", "all", &format!("Of all four tables {} agree.\n", shares(all.iter())));
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

/// Flow i uses the i-th congestion control, modulo their number.
#[test]
fn flows_of_different_congestion_controls_share_a_link() {
    let run = |congestion: &str| {
        let experiment = Experiment {
            congestion: congestion.split(',').map(|control| control.parse().unwrap()).collect(),
            bandwidth: "10Mbit/s".parse().unwrap(),
            bytes: ByteSize::from_mib(2),
            flows: 4,
            ..Experiment::default()
        };
        experiment.run(1)
    };
    let (cubic, mixed) = (run("cubic"), run("cubic,newreno"));
    assert_eq!(mixed.trace_hash, run("cubic,newreno,cubic,newreno").trace_hash);
    assert_ne!(mixed.trace_hash, cubic.trace_hash);
    assert_ne!(mixed.trace_hash, run("newreno,cubic").trace_hash);
}
