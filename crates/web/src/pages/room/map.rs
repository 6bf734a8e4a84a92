//! The health map: what the probes of each host have shown of each other, as a matrix; of many hosts, what those of the client have shown of
//! the nodes, a cell a node.

use std::collections::BTreeMap;
use std::fmt::Write;

use p2p_service::network::{Health, Peer, PeerHealth, Snapshot};
use p2p_shell::report::{FAIR_ROUND_TRIP, GOOD_ROUND_TRIP, Wire, millis_below};

use super::CUT;
use super::svg::px;

/// Hosts of which there is a whole matrix, at the most.
const MATRIX_MAX: usize = 24;
/// Cells of a line where there is no matrix.
const LINE: usize = 40;
/// Cells that are named one by one where they are not well.
const NAMED_MAX: usize = 24;
/// Side of a cell of the matrix and of a cell that is one of many.
const SIDE: f64 = 26.0;
const SMALL: f64 = 15.0;
/// Room for the names of the lines and above the columns.
const LABELS: f64 = 64.0;
const HEAD: f64 = 22.0;

/// What a cell shows: the state that the probes have shown, or what is known without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    Good,
    Fair,
    Long,
    Heard,
    Unproved,
    Suspect,
    Dead,
    Cut,
}

impl Look {
    /// Returns the class of the cells, and what the legend says of them.
    const fn told(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Look::Good => ("good", "", "answered, up to 100 ms"),
            Look::Fair => ("fair", "", "answered, up to 1000 ms"),
            Look::Long => ("long", "", "answered, over 1000 ms"),
            Look::Heard => ("heard", "", "heard by data, round trip not measured"),
            Look::Unproved => ("unproved", "", "not proved: no answer yet"),
            Look::Suspect => ("suspect", "◐", "SUSPECT: has missed probes"),
            Look::Dead => ("dead", "✕", "DEAD"),
            Look::Cut => ("cutoff", "╳", "cut by a fault"),
        }
    }
}

/// Entry of the legend: class, glyph, words, and the number of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Legend {
    pub(super) class: &'static str,
    pub(super) glyph: &'static str,
    pub(super) words: &'static str,
    pub(super) count: usize,
}

/// Text in the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) text: String,
    pub(super) class: &'static str,
}

/// The picture, and the table behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) is_matrix: bool,
    pub(super) width: String,
    pub(super) height: String,
    /// Cells of one look each, as one path.
    pub(super) cells: Vec<(&'static str, String)>,
    pub(super) labels: Vec<Label>,
    pub(super) legend: Vec<Legend>,
    /// Cells that are not well: whose, of whom, and what.
    pub(super) named: Vec<[String; 3]>,
    /// Number of those that are not named.
    pub(super) more: usize,
    /// Columns and lines of the table, where there is a matrix.
    pub(super) columns: Vec<String>,
    pub(super) lines: Vec<(String, Vec<String>)>,
}

/// Cell of the map.
#[derive(Debug, Clone, Copy)]
struct Cell {
    from: Peer,
    to: Peer,
    look: Look,
    seen: PeerHealth,
    wire: Option<Wire>,
}

impl Cell {
    fn of(snapshot: &Snapshot, from: Peer, to: Peer) -> Option<Cell> {
        let wire = Wire::of(snapshot, from, to);
        let seen = snapshot.figures.health.seen(from, to);
        // A cut is known without a probe.
        let seen = seen.or_else(|| (wire == Some(Wire::Cut)).then(PeerHealth::default))?;
        Some(Cell { from, to, look: look_of(&seen, wire), seen, wire })
    }

    /// Returns the figure of the cell: the last round trip in milliseconds, or the word of the state.
    fn figure(&self) -> String {
        match (self.look, self.seen.recent.last) {
            (Look::Good | Look::Fair | Look::Long, Some(last)) => format!("{} ms", millis_below(last, 1_000)),
            (Look::Suspect | Look::Dead, _) => self.seen.health.name().to_owned(),
            (Look::Cut, _) => "cut".to_owned(),
            (Look::Heard, _) => "heard".to_owned(),
            _ => "not proved".to_owned(),
        }
    }

    /// Returns the marks of the cell: what is lost of the latest probes, and what a fault does to the path.
    fn marks(&self) -> String {
        let lost = match self.seen.recent.loss() {
            loss if loss <= 0.0 => "",
            loss if loss <= 0.2 => "░",
            loss if loss <= 0.5 => "▒",
            _ => "▓",
        };
        let wire = self.wire.filter(|wire| *wire != Wire::Cut).map_or("", |wire| wire.mark(CUT));
        // A state says more than what is lost.
        match self.look.told().1 {
            "" => format!("{lost}{wire}"),
            state => state.to_owned(),
        }
    }
}

fn look_of(seen: &PeerHealth, wire: Option<Wire>) -> Look {
    match (seen.health, seen.recent.last) {
        _ if wire == Some(Wire::Cut) => Look::Cut,
        (Health::Dead, _) => Look::Dead,
        (Health::Suspect, _) => Look::Suspect,
        (Health::Alive, _) if seen.heard_at.is_none() => Look::Unproved,
        (Health::Alive, Some(last)) if last <= GOOD_ROUND_TRIP => Look::Good,
        (Health::Alive, Some(last)) if last <= FAIR_ROUND_TRIP => Look::Fair,
        (Health::Alive, Some(_)) => Look::Long,
        (Health::Alive, None) => Look::Heard,
    }
}

impl Map {
    pub(super) fn of(snapshot: &Snapshot) -> Map {
        let hosts: Vec<Peer> = snapshot.figures.health.hosts().collect();
        let is_matrix = hosts.len() <= MATRIX_MAX;
        let mut drawing = Drawing::default();
        match is_matrix {
            true => drawing.matrix(snapshot, &hosts),
            false => drawing.nodes(snapshot, &hosts[1..]),
        }
        let Drawing { paths, labels, counts, mut named, size } = drawing;
        let more = named.len().saturating_sub(NAMED_MAX);
        named.truncate(NAMED_MAX);
        let legend = counts.into_iter().map(|(look, count)| {
            let (class, glyph, words) = look.told();
            Legend { class, glyph, words, count }
        });
        Map {
            is_matrix,
            width: px(size.0),
            height: px(size.1),
            cells: paths.into_iter().map(|(look, path)| (look.told().0, path)).collect(),
            labels,
            legend: legend.collect(),
            named,
            more,
            columns: if is_matrix { hosts.iter().map(ToString::to_string).collect() } else { Vec::new() },
            lines: if is_matrix { hosts.iter().map(|&from| line_of(snapshot, from, &hosts)).collect() } else { Vec::new() },
        }
    }
}

/// Returns a line of the table: what a host knows of each.
fn line_of(snapshot: &Snapshot, from: Peer, hosts: &[Peer]) -> (String, Vec<String>) {
    let figure = |&to: &Peer| match Cell::of(snapshot, from, to) {
        _ if from == to => "·".to_owned(),
        None => "not probed".to_owned(),
        Some(cell) => format!("{} {}", cell.figure(), cell.marks()).trim_end().to_owned(),
    };
    (from.to_string(), hosts.iter().map(figure).collect())
}

/// Map that is being drawn.
#[derive(Debug, Default)]
struct Drawing {
    paths: BTreeMap<Look, String>,
    labels: Vec<Label>,
    counts: BTreeMap<Look, usize>,
    named: Vec<[String; 3]>,
    size: (f64, f64),
}

impl Drawing {
    fn matrix(&mut self, snapshot: &Snapshot, hosts: &[Peer]) {
        for (row, &from) in hosts.iter().enumerate() {
            let top = HEAD + row as f64 * SIDE;
            self.label((LABELS - 8.0, top + SIDE / 2.0), from.to_string(), "of-line");
            self.label((LABELS + (row as f64 + 0.5) * SIDE, HEAD - 8.0), short_of(from), "of-column");
            for (column, &to) in hosts.iter().enumerate() {
                let left = LABELS + column as f64 * SIDE;
                if let Some(cell) = Cell::of(snapshot, from, to).filter(|_| from != to) {
                    self.cell(&cell, (left, top), SIDE);
                    self.mark(&cell, (left, top), SIDE);
                }
            }
        }
        let side = hosts.len() as f64 * SIDE;
        self.size = (LABELS + side, HEAD + side);
    }

    fn nodes(&mut self, snapshot: &Snapshot, nodes: &[Peer]) {
        for (place, &to) in nodes.iter().enumerate() {
            let (line, column) = (place / LINE, place % LINE);
            let (left, top) = (LABELS + column as f64 * SMALL, line as f64 * SMALL);
            if column == 0 {
                self.label((LABELS - 8.0, top + SMALL / 2.0), to.to_string(), "of-line");
            }
            if let Some(cell) = Cell::of(snapshot, Peer::Client, to) {
                self.cell(&cell, (left, top), SMALL);
                // Of many cells only those are marked that are not well.
                if cell.look > Look::Unproved {
                    self.mark(&cell, (left, top), SMALL);
                }
            }
        }
        self.size = (LABELS + LINE as f64 * SMALL, nodes.len().div_ceil(LINE) as f64 * SMALL);
    }

    /// Adds a cell to the path of its look, with a gap to its neighbours.
    fn cell(&mut self, cell: &Cell, (left, top): (f64, f64), side: f64) {
        let (inner, path) = (px(side - 2.0), self.paths.entry(cell.look).or_default());
        // Writing to a string does not fail.
        let _ = write!(path, "M{} {}h{inner}v{inner}h-{inner}z", px(left + 1.0), px(top + 1.0));
        *self.counts.entry(cell.look).or_default() += 1;
        if cell.look > Look::Unproved {
            self.named.push([cell.from.to_string(), cell.to.to_string(), cell.figure()]);
        }
    }

    fn mark(&mut self, cell: &Cell, (left, top): (f64, f64), side: f64) {
        let marks = cell.marks();
        if !marks.is_empty() {
            self.label((left + side / 2.0, top + side / 2.0), marks, if side < SIDE { "mark small" } else { "mark" });
        }
    }

    fn label(&mut self, (x, y): (f64, f64), text: String, class: &'static str) {
        self.labels.push(Label { x: px(x), y: px(y), text, class });
    }
}

/// Returns the name of a host for a narrow column: the number of a node.
fn short_of(peer: Peer) -> String {
    let name = peer.to_string();
    name.strip_prefix("Node_").map_or_else(|| "cl".to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use p2p_service::files::{SimDuration, SimTime};
    use p2p_service::network::RoundTrips;

    use super::*;

    fn seen(health: Health, last_ms: Option<u64>, is_heard: bool) -> PeerHealth {
        let last = last_ms.map(SimDuration::from_millis);
        let recent = RoundTrips { last, probes: 10, answers: 10, ..RoundTrips::default() };
        PeerHealth { health, recent, heard_at: is_heard.then_some(SimTime::ZERO), ..PeerHealth::default() }
    }

    #[test]
    fn a_cell_is_green_only_by_an_answer() {
        let look = |seen: PeerHealth| look_of(&seen, None);
        assert_eq!(look(PeerHealth::default()), Look::Unproved);
        assert_eq!(look(seen(Health::Alive, Some(100), true)), Look::Good);
        assert_eq!(look(seen(Health::Alive, Some(101), true)), Look::Fair);
        assert_eq!(look(seen(Health::Alive, Some(1_001), true)), Look::Long);
        assert_eq!(look(seen(Health::Alive, None, true)), Look::Heard);
        assert_eq!(look(seen(Health::Suspect, Some(5), true)), Look::Suspect);
        assert_eq!(look(seen(Health::Dead, Some(5), true)), Look::Dead);
        assert_eq!(look_of(&seen(Health::Alive, Some(5), true), Some(Wire::Cut)), Look::Cut);
        assert_eq!(look_of(&seen(Health::Alive, Some(5), true), Some(Wire::Slow)), Look::Good, "it has answered all the same");
    }

    #[test]
    fn cells_of_one_look_are_one_path() {
        let mut drawing = Drawing::default();
        let cell = |last_ms| {
            let seen = seen(Health::Alive, Some(last_ms), true);
            Cell { from: Peer::Client, to: Peer::Client, look: look_of(&seen, None), seen, wire: Some(Wire::Lossy) }
        };
        drawing.cell(&cell(5), (0.0, 0.0), SIDE);
        drawing.cell(&cell(5), (26.0, 0.0), SIDE);
        drawing.cell(&cell(500), (52.0, 0.0), SIDE);
        assert_eq!(drawing.paths[&Look::Good], "M1 1h24v24h-24zM27 1h24v24h-24z");
        assert_eq!((drawing.paths.len(), drawing.counts[&Look::Good], drawing.named.len()), (2, 2, 0));
        assert_eq!((cell(5).figure().as_str(), cell(5).marks().as_str()), ("5.0 ms", "%"));
    }

    #[test]
    fn what_is_lost_is_told_by_glyphs() {
        let marks = |answers| {
            let mut seen = seen(Health::Alive, Some(5), true);
            seen.recent.answers = answers;
            Cell { from: Peer::Client, to: Peer::Client, look: Look::Good, seen, wire: None }.marks()
        };
        assert_eq!([10, 8, 5, 4].map(marks), ["", "░", "▒", "▓"]);
    }
}
