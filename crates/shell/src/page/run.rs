//! The page of a run: what the command `report` says, with the charts of what it says in figures.

use std::sync::Arc;

use p2p_base::units::count_of;
use p2p_engine::Snapshot;
use p2p_engine::snapshot::Ended;
use p2p_engine::transfer::{TransferReport, TransferStatus};
use p2p_service::access::{Access, Identity};

use super::chart::Chart;
use super::words::{Grid, Words};
use super::{Page, Part, Section, round_trips, storage, throughput, waterfall};
use crate::ShellError;
use crate::answer::View;
use crate::report::{
    NetworkReport, QueueReport, Resolution, Table, ToldFault, bytes_shown, date_of, instant_of, milliseconds_of, number_column,
    shown_of_all, text_column,
};
use crate::sentence::capitalised;

/// Number of transfers whose segments are drawn: the latest.
const DRAWN_MAX: usize = 12;

/// Returns the page of the run so far: what the command `report` has answered to a user, and charts of what the user may see.
///
/// # Errors
/// Fails if the engine has stopped.
pub async fn of_run(access: &Access, report: &View) -> Result<String, ShellError> {
    let snapshot = access.present_snapshot().await?;
    let identity = access.identity();
    let View::Sections(answered) = report else { return Err(ShellError::Bad("the report has no sections".into())) };
    let mut sections = vec![throughput(&snapshot)];
    for (name, view) in answered {
        let heading = capitalised(name);
        let mut parts = parts_of(&heading, view);
        parts.extend(more_of(name, &snapshot, &identity));
        sections.push(Section::new(&heading, parts));
    }
    sections.extend(faults(&snapshot));
    let page = Page {
        title: Words::new("Report of a run of p2p"),
        lead: Words::new(
            "A peer-to-peer storage network whose bytes and disks are real and whose wires are simulated. Times are on the virtual clock of \
             the run, and every figure was measured in it.",
        ),
        facts: facts(access, &snapshot, &identity),
        sections,
    };
    page.html().map_err(|error| ShellError::Bad(format!("the page cannot be made: {error}")))
}

fn facts(access: &Access, snapshot: &Snapshot, identity: &Identity) -> Vec<(Words, Words)> {
    let mut ended = snapshot.earlier();
    snapshot.transfers.iter().for_each(|report| ended.count(report.status.state));
    let facts = [
        ("Virtual time", instant_of(snapshot.at, Resolution::Millis)),
        ("Seed", access.seed().to_string()),
        ("Nodes", snapshot.figures.nodes.len().to_string()),
        ("Transfers", transfers_in_words(ended, snapshot.running().count())),
        ("As seen by", identity.name().map_or_else(|| "the operator, as there are no accounts".to_owned(), str::to_owned)),
        ("Written", date_of(access.now())),
        ("By", format!("p2p {}", env!("CARGO_PKG_VERSION"))),
    ];
    facts.into_iter().map(|(name, value)| (Words::new(name), Words::new(value))).collect()
}

fn transfers_in_words(ended: Ended, running: usize) -> String {
    let counts = [
        (ended.done, "done"),
        (ended.failed, "failed"),
        (ended.cancelled, "cancelled"),
        (ended.parked, "kept in part"),
        (running as u64, "under way"),
    ];
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

/// Returns what an answer shows, as parts of a page below a caption.
fn parts_of(caption: &str, view: &View) -> Vec<Part> {
    match view {
        View::Nothing => Vec::new(),
        View::Text(text) => {
            text.lines().filter(|line| !line.trim().is_empty()).map(|line| Part::Text(Words::new(line))).collect()
        }
        View::Pairs(pairs) => vec![Part::Table(Grid::of_pairs(caption, pairs.clone()))],
        View::Table(table) => vec![Part::Table(Grid::of(caption, table))],
        View::Sections(sections) => {
            sections.iter().flat_map(|(name, view)| parts_of(&format!("{caption}: {name}"), view)).collect()
        }
    }
}

/// Returns a chart as the parts of a section, or else what is said where there is nothing to draw.
fn drawn(chart: Option<Chart>, otherwise: &str) -> Vec<Part> {
    vec![chart.map_or_else(|| Part::Text(Words::new(otherwise)), |chart| Part::Chart(Box::new(chart)))]
}

/// Returns what a section has beyond the answer of the command.
fn more_of(section: &str, snapshot: &Snapshot, identity: &Identity) -> Vec<Part> {
    match section {
        "transfers" if !snapshot.transfers.is_empty() => transfers(snapshot, identity),
        "nodes" => nodes(snapshot),
        "network" => vec![Part::Table(counters(&NetworkReport::from(&snapshot.figures.network)))],
        _ => Vec::new(),
    }
}

/// Returns the charts about the nodes.
pub(super) fn nodes(snapshot: &Snapshot) -> Vec<Part> {
    let storage = storage::of_nodes(snapshot);
    let round_trips = drawn(round_trips::of_nodes(snapshot), "No node has answered a probe.");
    storage.into_iter().map(|chart| Part::Chart(Box::new(chart))).chain(round_trips).collect()
}

/// Returns the table of when each transfer was under way and why it failed, and the charts of the segments of the latest.
fn transfers(snapshot: &Snapshot, identity: &Identity) -> Vec<Part> {
    let rows = snapshot.transfers.iter().map(|report| course_of(&report.status, identity)).collect();
    let columns = vec![
        text_column("transfer"),
        text_column("by"),
        text_column("file"),
        number_column("began"),
        number_column("ended"),
        number_column("bytes there"),
        text_column("why not"),
    ];
    let table = Table { columns, rows, empty: "no transfers yet" };
    [Part::Table(Grid::of("Transfers: their course", &table))].into_iter().chain(waterfalls(snapshot, identity)).collect()
}

fn course_of(status: &TransferStatus, identity: &Identity) -> Vec<String> {
    vec![
        status.id.to_string(),
        status.user.clone().unwrap_or_else(|| "-".to_owned()),
        identity.shown(&status.file),
        instant_of(status.started, Resolution::Millis),
        status.finished.map_or_else(|| "-".to_owned(), |at| instant_of(at, Resolution::Millis)),
        bytes_shown(status).to_string(),
        status.error.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

/// Returns the charts of the segments of the latest transfers, in their order.
pub(super) fn waterfalls(snapshot: &Snapshot, identity: &Identity) -> Vec<Part> {
    let with_segments: Vec<&Arc<TransferReport>> =
        snapshot.transfers.iter().filter(|report| !report.timelines.is_empty()).collect();
    let left_out = with_segments.len().saturating_sub(DRAWN_MAX);
    let chart = |report: &&Arc<TransferReport>| {
        let status = &report.status;
        let name = format!("{} {} of {}", status.id, status.direction.name(), identity.shown(&status.file));
        waterfall::of_transfer(report, &name, snapshot.at).map(|chart| Part::Chart(Box::new(chart)))
    };
    let charts = with_segments[left_out..].iter().filter_map(chart);
    let told = shown_of_all(with_segments.len() - left_out, left_out as u64);
    let told = told.map(|told| Part::Text(Words::new(format!("Drawn are the segments of {told}, the latest."))));
    told.into_iter().chain(charts).collect()
}

/// Returns the counters of the network that its summary adds up, and the queues of the client's link.
pub(super) fn counters(report: &NetworkReport) -> Grid {
    let (drops, queues) = (&report.drops, report.client_queues);
    let count = |name: &'static str, count: u64| (name, count.to_string());
    let queue = |queue: QueueReport| {
        format!(
            "{} of {}, {}",
            queue.packets,
            count_of(queue.packets_max.into(), "packet"),
            milliseconds_of(Some(queue.wait_seconds))
        )
    };
    let pairs = vec![
        count("packets sent", report.packets_sent),
        count("packets delivered", report.packets_delivered),
        count("packets duplicated", report.packets_duplicated),
        count("packets that overtook others", report.packets_reordered),
        count("packets dropped", report.packets_dropped),
        count("dropped: lost on their path", drops.loss),
        count("dropped: queue full", drops.queue_full),
        count("dropped: host down", drops.host_down),
        count("dropped: bad checksum", drops.bad_checksum),
        count("dropped: path cut", drops.path_cut),
        count("dropped: port closed", drops.port_closed),
        count("packets in transit", report.packets_in_transit),
        count("bytes sent", report.bytes_sent),
        count("retransmits", report.retransmits),
        ("the client’s queue up", queue(queues.up)),
        ("the client’s queue down", queue(queues.down)),
    ];
    Grid::of_pairs("Counters of the network", pairs)
}

/// Returns the section about what is broken on purpose, if anything is.
fn faults(snapshot: &Snapshot) -> Option<Section> {
    let row = |told: &ToldFault<'_>| {
        let since = told.first().map(|active| instant_of(active.since, Resolution::Millis)).unwrap_or_default();
        let (fault, undo) = told.in_words();
        vec![fault, since, undo]
    };
    let rows: Vec<Vec<String>> = ToldFault::all(&snapshot.faults).iter().map(row).collect();
    let columns = vec![text_column("fault"), number_column("since"), text_column("taken back by")];
    let table = Table { columns, rows, empty: "" };
    (!table.rows.is_empty()).then(|| Section::new("Faults", vec![Part::Table(Grid::of("Faults that are on", &table))]))
}

/// Returns the section about what crossed the client's link.
pub(super) fn throughput(snapshot: &Snapshot) -> Section {
    Section::new("Throughput", drawn(throughput::of_client(snapshot), "No whole second of virtual time has passed."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_counted_in_words() {
        assert_eq!(transfers_in_words(Ended::default(), 0), "none");
        let ended = Ended { done: 3, failed: 1, cancelled: 0, parked: 2 };
        assert_eq!(transfers_in_words(ended, 1), "3 done, 1 failed, 2 kept in part, 1 under way");
    }
}
