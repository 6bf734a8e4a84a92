//! The connections that hosts have opened as rows, those of the client and of nodes that carry transfers: what each carries, how much of it is sent again, and what waits before it.

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::connection_history::Passed;
use p2p_engine::snapshot::{ConnectionStatus, NodeStatus, Peer};
use p2p_net::ConnectionSample;
use p2p_shell::report::{milliseconds_of, rate_of};

use super::WirePane;
use crate::tui::panes::columns::{Align, Cell, Column, Columns, RATE, chosen, mark};
use crate::tui::panes::order::Sortable;
use crate::tui::panes::scene::Scene;
use crate::tui::panes::{Canvas, Pane, PaneView};
use crate::tui::theme::{Role, Theme};

/// Span over which a connection is measured.
pub const MEASURED_SPAN: SimDuration = SimDuration::from_secs(10);

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    Node,
    /// Host that has opened the connection.
    From,
    State,
    Up,
    Down,
    Resent,
    Queue,
    RoundTrip,
    Window,
    InFlight,
    Phase,
}

/// Columns by which connections can be sorted, as `ORDERED` names them. Those that carry most come first otherwise.
pub(super) const ORDERS: &[Sortable] = &[
    Sortable::words("node"),
    Sortable::words("state"),
    Sortable::figures("up"),
    Sortable::figures("down"),
    Sortable::figures("resent"),
    Sortable::figures("queue"),
    Sortable::figures("round trip"),
    Sortable::figures("cwnd"),
    Sortable::figures("flight"),
];

/// Names of the columns that may be hidden.
pub(super) const HIDEABLE: &[&str] = &["state", "up", "down", "resent", "queue", "round trip", "cwnd", "flight", "phase"];

/// The quantities of these columns.
const ORDERED: [Quantity; ORDERS.len()] = [
    Quantity::Node,
    Quantity::State,
    Quantity::Up,
    Quantity::Down,
    Quantity::Resent,
    Quantity::Queue,
    Quantity::RoundTrip,
    Quantity::Window,
    Quantity::InFlight,
];

/// Returns the value by which a connection is sorted.
fn value(scene: &Scene<'_>, row: &Row<'_>, id: Quantity) -> Option<f64> {
    let sample = &row.connection.sample;
    Some(match id {
        Quantity::Node => row.connection.node.index() as f64,
        Quantity::State => f64::from(sample.state as u8),
        Quantity::Up => row.sent.bytes_per_second,
        Quantity::Down => row.received.bytes_per_second,
        Quantity::Resent => (row.sent + row.received).resent_percent()?,
        Quantity::Queue => node_of(scene, row.connection)?.queues.packets() as f64,
        Quantity::RoundTrip => Some(sample.srtt.as_secs_f64()).filter(|&srtt| srtt > 0.0)?,
        Quantity::Window => f64::from(sample.window),
        Quantity::InFlight => f64::from(sample.in_flight),
        Quantity::Phase | Quantity::From => return None,
    })
}

/// Returns true if another host than the client has opened a connection.
pub(super) fn are_of_several(scene: &Scene<'_>) -> bool {
    scene.snapshot.figures.connections.iter().any(|connection| connection.host != Peer::Client)
}

/// Returns all columns; that of the hosts which have opened the connections only where they are several.
pub(super) fn columns(has_several: bool) -> Vec<Column<Quantity>> {
    let from = has_several.then(|| Column::new(Quantity::From, "from", 9, 9, 10, Align::Left));
    let others = vec![
        Column::new(Quantity::Node, "node", 9, 9, 9, Align::Left),
        Column::new(Quantity::State, "state", 11, 12, 3, Align::Left),
        Column::new(Quantity::Up, "up", RATE, RATE, 8, Align::Right),
        Column::new(Quantity::Down, "down", RATE, RATE, 7, Align::Right),
        Column::new(Quantity::Resent, "resent", 7, 7, 6, Align::Right),
        Column::new(Quantity::Queue, "queue", 5, 5, 5, Align::Right),
        Column::new(Quantity::RoundTrip, "round trip", 10, 10, 4, Align::Right),
        Column::new(Quantity::Window, "cwnd", 4, 4, 2, Align::Right),
        Column::new(Quantity::InFlight, "flight", 6, 6, 2, Align::Right),
        Column::new(Quantity::Phase, "phase", 8, 12, 1, Align::Left),
    ];
    from.into_iter().chain(others).collect()
}

/// Returns what has passed from the asking host's end of a connection in the measured span before `now`, and what from the node's end.
pub fn passed(connection: &ConnectionStatus, now: SimTime) -> [Passed; 2] {
    let ConnectionStatus { sent: asking, received: node, .. } = connection;
    [asking.passed(node, now, MEASURED_SPAN), node.passed(asking, now, MEASURED_SPAN)]
}

/// A connection with what it has carried lately.
pub(super) struct Row<'a> {
    pub(super) connection: &'a ConnectionStatus,
    sent: Passed,
    received: Passed,
}

impl Row<'_> {
    /// Returns what tells the row from all others.
    pub(super) fn key(&self) -> u64 {
        let asking = self.connection.host.node().map_or(0, |node| node.index() as u64 + 1);
        asking << 32 | self.connection.node.index() as u64
    }
}

impl WirePane {
    /// Returns the connections that pass the filter, in no order.
    pub(super) fn passing<'a>(&self, scene: &Scene<'a>) -> impl Iterator<Item = &'a ConnectionStatus> {
        scene.snapshot.figures.connections.iter().filter(|connection| self.list.passes(|| line(connection)))
    }

    /// Returns the connections that pass the filter in the order of the rows: those that carry most first, unless another one was chosen.
    pub(super) fn connections<'a>(&self, scene: &Scene<'a>) -> impl Iterator<Item = Row<'a>> {
        let row = |connection| {
            let [sent, received] = passed(connection, scene.snapshot.figures.at);
            Row { connection, sent, received }
        };
        let mut all: Vec<Row<'a>> = self.passing(scene).map(row).collect();
        all.sort_by_key(|row| (std::cmp::Reverse((row.sent + row.received).bytes_per_second as u64), row.key()));
        if let Some((order, id)) = self.list.sorted_by(ORDERS, &ORDERED) {
            let mut valued: Vec<_> = all.into_iter().map(|row| (value(scene, &row, id), row)).collect();
            valued.sort_by(|(one, _), (other, _)| order.compare(*one, *other));
            all = valued.into_iter().map(|(_, row)| row).collect();
        }
        all.into_iter()
    }

    pub(super) fn draw_connections(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let shown = self.part(scene, canvas.area).shown;
        let rows = self.connections(scene).enumerate().skip(shown.start).take(shown.len());
        let cell = |(index, row): &(usize, Row<'_>), quantity, _| {
            cell(scene, row, quantity, scene.focus == Pane::Wire && self.list.selected() == *index)
        };
        let mut columns = chosen(columns(are_of_several(scene)), self.list.hidden());
        mark(&mut columns, self.list.sorted_by(ORDERS, &ORDERED), &scene.theme.glyphs);
        Columns::fit(columns, canvas.area.width).draw(
            scene.theme,
            canvas,
            self.row_area(scene, canvas.area),
            rows.enumerate(),
            cell,
        );
    }
}

fn cell(scene: &Scene<'_>, row: &Row<'_>, quantity: Quantity, is_selected: bool) -> Cell {
    let &Row { connection, sent, received } = row;
    let (theme, sample) = (scene.theme, &connection.sample);
    let text = |text: String, role| Cell::Text(text, theme.style(role));
    let rate = |passed: Passed| text(rate_of(passed.bytes_per_second), scene.rate_role());
    match quantity {
        Quantity::Node => text(connection.node.to_string(), if is_selected { Role::Selected } else { Role::Text }),
        Quantity::From => text(connection.host.to_string(), Role::Text),
        Quantity::State => text(sample.state.name().to_owned(), Role::Dim),
        Quantity::Up => rate(sent),
        Quantity::Down => rate(received),
        Quantity::Resent => resent(sent + received, theme),
        Quantity::Queue => {
            // What a connection carries waits in the node's links as well as in those of the host that asks, which all share.
            let node = node_of(scene, connection);
            text(node.map_or("-".into(), |node| node.queues.packets().to_string()), Role::Text)
        }
        Quantity::RoundTrip => text(round_trip_of(sample), Role::Text),
        Quantity::Window => text(sample.window.to_string(), Role::Dim),
        Quantity::InFlight => text(sample.in_flight.to_string(), Role::Dim),
        Quantity::Phase => text(sample.phase.to_owned(), Role::Dim),
    }
}

/// Returns the share of the packets of both ends that were sent again.
fn resent(passed: Passed, theme: &Theme) -> Cell {
    let role = if passed.retransmits > 0 { Role::Warning } else { Role::Dim };
    let share = passed.resent_percent().map_or("-".into(), |percent| format!("{percent:.1} %"));
    Cell::Text(share, theme.style(role))
}

/// Returns the status of the node at the other end.
pub fn node_of<'a>(scene: &Scene<'a>, connection: &ConnectionStatus) -> Option<&'a NodeStatus> {
    scene.snapshot.figures.nodes.iter().find(|node| node.node == connection.node)
}

/// Formats the smoothed round-trip time; `-` before the first measurement.
pub fn round_trip_of(sample: &ConnectionSample) -> String {
    let srtt = Some(sample.srtt).filter(|&srtt| srtt > SimDuration::ZERO);
    milliseconds_of(srtt.map(SimDuration::as_secs_f64))
}

/// Returns a connection as a line of text, for the filter and the clipboard.
pub(super) fn line(connection: &ConnectionStatus) -> String {
    let (sample, stats) = (&connection.sample, &connection.stats);
    format!(
        "{} {} > {} {} {} cwnd {} in flight {} resent {}",
        if connection.host == Peer::Client {
            connection.node.to_string()
        } else {
            format!("{} {}", connection.host, connection.node)
        },
        connection.local,
        connection.remote,
        sample.state.name(),
        sample.phase,
        sample.window,
        sample.in_flight,
        stats.retransmits
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_all_fits() {
        for width in [60, 78, 120, 200] {
            assert!(
                Columns::fit(columns(true), width)
                    .width_of(Quantity::Resent)
                    .is_none_or(|cells| usize::from(cells) >= "100.0 %".len()),
                "{width}"
            );
        }
    }
}
