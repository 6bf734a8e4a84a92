//! The nodes pane: one row per node, with state, storage and traffic.
//!
//! ```text
//! node      health  state          ↑ up       ↓ down     stored link load
//! ● Node_01 ALIVE   RUNNING    1.2 KiB/s   63.8 KiB/s    3.6 MiB ↑▁▁▁▁▁▁▁▁▁ ↓▁▂▅▇▇▇▇▇▇
//! ```
//! The levels of the traffic are those of both directions, each on the scale of what the node's link carries in it.

use p2p_engine::node::ProcessState;
use p2p_engine::node::health::Health;
use p2p_engine::snapshot::{NodeStatus, Peer};
use p2p_net::RateSeries;
use p2p_shell::report::{bytes_of, queue_of};
use p2p_store::manifest::NodeNumber;
use ratatui::layout::{Rect, Size};
use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use super::broken::{Broken, BrokenNode};
use super::columns::{Align, BYTES, Cell, Column, Columns, DECIMAL, RATE, chosen, longest, mark, whole_within};
use super::faults_menu;
use super::order::Sortable;
use super::queues_of;
use super::rows::Rows;
use super::scene::Scene;
use super::scroll::Part;
use super::shape::{Shape, rows_up_to};
use super::{Canvas, Deed, Pane, PaneView, Verb, below_heading, capacity_of, cells, health_style, rate_now};
use crate::tui::preset::Preset;
use crate::tui::theme::{Glyphs, Role, Theme};
use crate::tui::wrap::fitted;

/// Width in cells at which all columns that matter are shown, with the frame.
const WISHED_WIDTH: u16 = 95;
/// Maximum width in cells of what is broken on purpose.
const FAULT_MAX: u16 = 48;
/// Minimum width in cells of that column.
const FAULT_LEAST: u16 = 18;
/// Width in cells of a pane from which on it has such a column beside the states and both rates.
const ROOMY: u16 = STATES_AND_RATES + 1 + FAULT_LEAST;
/// Width in cells of the columns up to the rates, with the spaces between them.
const STATES_AND_RATES: u16 = 27 + 2 * (RATE - DECIMAL);
/// Number of seconds whose traffic is shown.
const TRAFFIC_SECONDS: u16 = 30;

/// Names of the columns that may be hidden.
const HIDEABLE: &[&str] = &["health", "state", "fault", "up", "down", "stored", "link load", "address", "full", "conn", "queue"];

/// A quantity that a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Name,
    Health,
    State,
    Up,
    Down,
    Stored,
    Fault,
    Traffic,
    Address,
    Full,
    Connections,
    Queued,
}

/// The list of the nodes.
#[derive(Debug, Default)]
pub(super) struct NodesPane {
    list: Rows,
}

impl PaneView for NodesPane {
    fn shape(&self, scene: &Scene<'_>, room: Size) -> Shape {
        let all = scene.snapshot.figures.nodes.len() + 3;
        Shape::of_height((40, 5), (WISHED_WIDTH, rows_up_to(all, (room.height / 4).max(9)))).of_rows(all)
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 40,
            Preset::Transfer => 0,
            Preset::Network => 50,
            Preset::Files => 20,
        }
    }

    fn title(&self, scene: &Scene<'_>, _inner: Rect) -> String {
        if scene.stands_still() { "Nodes: before the pause".into() } else { "Nodes".into() }
    }

    /// Returns what is broken of the client on purpose, and its queues: it has no row.
    fn foot(&self, scene: &Scene<'_>, inner: Rect) -> Vec<Span<'static>> {
        let broken = Broken::of(scene.snapshot);
        let told = broken.told(broken.of_host(Peer::Client));
        let told = (!told.is_empty()).then(|| format!(" {}: {told} ", Peer::Client));
        let left = usize::from(inner.width).saturating_sub(told.as_ref().map_or(0, |told| told.width()));
        let queues = queues_within(scene, left);
        let of = |text: String, role| Span::styled(text, scene.theme.style(role));
        told.map(|told| of(told, Role::Warning)).into_iter().chain(queues.map(|queues| of(queues, Role::Dim))).collect()
    }

    fn row_noun(&self, _scene: &Scene<'_>) -> Option<&'static str> {
        Some("nodes")
    }

    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        below_heading(inner)
    }

    fn filled_width(&self, scene: &Scene<'_>, inner: Rect) -> Option<u16> {
        let nodes = self.nodes(scene);
        let shown = &nodes[self.part(scene, inner).shown];
        Some(self.fit(scene, shown, &faults_at(scene, shown), inner.width).used())
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        let nodes: Vec<&NodeStatus> = self.nodes(scene);
        let Part { shown, .. } = self.part(scene, canvas.area);
        let faults = faults_at(scene, &nodes[shown.clone()]);
        let columns = self.fit(scene, &nodes[shown.clone()], &faults, canvas.area.width);
        let has_column = columns.width_of(Quantity::Fault).is_some();
        let rows = shown.zip(&faults).map(|(index, fault)| {
            let is_selected = scene.focus == Pane::Nodes && self.list.selected() == index;
            Row { node: nodes[index], fault, has_column, is_selected }
        });
        let area = self.row_area(scene, canvas.area);
        columns.draw(scene.theme, canvas, area, rows.enumerate(), |row, quantity, width| cell(scene, row, quantity, width));
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        self.passing(scene).count()
    }

    fn orders(&self) -> &'static [Sortable] {
        ORDERS
    }

    fn columns(&self, _scene: &Scene<'_>) -> &'static [&'static str] {
        HIDEABLE
    }

    fn keep_place(&mut self, scene: &Scene<'_>) {
        // Also while the rows stand by their numbers: the first order that is chosen moves them.
        let keys: Vec<u64> = self.nodes(scene).into_iter().map(|node| node.node.index() as u64).collect();
        self.list.hold(&keys);
    }

    fn is_filterable(&self) -> bool {
        true
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        Some(Deed::Open(format!("node {}", self.selected(scene)?.node)))
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        self.selected(scene).map(copied)
    }

    fn verbs(&self, scene: &Scene<'_>) -> Vec<Verb> {
        self.selected(scene).map(|node| verbs(scene, node.node)).unwrap_or_default()
    }
}

impl NodesPane {
    /// Returns the columns that fit into `width` cells, for the nodes that are shown and what is broken of each.
    fn fit(&self, scene: &Scene<'_>, shown: &[&NodeStatus], faults: &[BrokenNode], width: u16) -> Columns<Quantity> {
        let texts = |text: fn(&NodeStatus) -> String| shown.iter().map(|node| text(node)).collect::<Vec<_>>();
        let (names, addresses) = (texts(|node| node.node.to_string()), texts(|node| node.address.to_string()));
        let widest = |texts: &[String]| longest(texts.iter().map(String::as_str), 40);
        let mut columns = columns(&scene.theme.glyphs, widest(&names), widest(&addresses));
        mark(&mut columns, self.list.sorted_by(ORDERS, &ORDERED), &scene.theme.glyphs);
        if let told @ 1.. = longest(faults.iter().map(|fault| fault.told.as_str()), FAULT_MAX) {
            add_faults(&mut columns, told, width);
        }
        Columns::fit(chosen(columns, self.list.hidden()), width)
    }

    /// Returns the nodes that pass the filter in the order of the rows.
    fn nodes<'a>(&self, scene: &Scene<'a>) -> Vec<&'a NodeStatus> {
        let mut nodes: Vec<&NodeStatus> = self.passing(scene).collect();
        if let Some((order, id)) = self.list.sorted_by(ORDERS, &ORDERED) {
            nodes.sort_by(|one, other| order.compare(value(one, id), value(other, id)));
        }
        nodes
    }

    /// Returns the nodes that pass the filter in the order of their numbers.
    fn passing<'a>(&self, scene: &Scene<'a>) -> impl Iterator<Item = &'a NodeStatus> {
        let text =
            |node: &NodeStatus| format!("{} {} {} {}", node.node, node.address, node.seen.health.name(), node.state.name());
        scene.snapshot.figures.nodes.iter().filter(move |node| self.list.passes(|| text(node)))
    }

    fn selected<'a>(&self, scene: &Scene<'a>) -> Option<&'a NodeStatus> {
        let place = self.list.selected();
        if self.list.order().is_some() { self.nodes(scene).get(place).copied() } else { self.passing(scene).nth(place) }
    }
}

/// Returns what is broken of each of some nodes.
fn faults_at(scene: &Scene<'_>, nodes: &[&NodeStatus]) -> Vec<BrokenNode> {
    let broken = Broken::of(scene.snapshot);
    nodes.iter().map(|node| broken.at(node.node)).collect()
}

/// Columns by which nodes can be sorted, as `ORDERED` names them.
const ORDERS: &[Sortable] = &[
    Sortable::words("health"),
    Sortable::words("state"),
    Sortable::figures("up"),
    Sortable::figures("down"),
    Sortable::figures("stored"),
    Sortable::figures("conn"),
    Sortable::figures("queue"),
];

/// The quantities of these columns.
const ORDERED: [Quantity; ORDERS.len()] =
    [Quantity::Health, Quantity::State, Quantity::Up, Quantity::Down, Quantity::Stored, Quantity::Connections, Quantity::Queued];

/// Returns the value by which a node is sorted; what is worst of its health and busiest of its states has the least.
fn value(node: &NodeStatus, id: Quantity) -> Option<u64> {
    match id {
        Quantity::Health => Some(Health::Dead as u64 - node.seen.health as u64),
        Quantity::State => Some(match node.state {
            ProcessState::Stopped => 0,
            ProcessState::Waiting(_) => 1,
            ProcessState::Running => 2,
            ProcessState::Ready => 3,
        }),
        Quantity::Up => node.rates.up.latest(),
        Quantity::Down => node.rates.down.latest(),
        Quantity::Stored => node.used_bytes,
        Quantity::Connections => Some(node.connections as u64),
        Quantity::Queued => Some(node.queues.packets() as u64),
        Quantity::Name | Quantity::Fault | Quantity::Traffic | Quantity::Address | Quantity::Full => None,
    }
}

/// Returns the queues of the client in the longest wording that has room in `width` cells: without the words first, then only those in
/// which packets wait.
fn queues_within(scene: &Scene<'_>, width: usize) -> Option<String> {
    let (glyphs, queues) = (&scene.theme.glyphs, scene.snapshot.figures.network.client_queues);
    let both = queues_of(scene, queues);
    let waiting = [(glyphs.up, queues.up), (glyphs.down, queues.down)].into_iter().filter(|(_, queue)| queue.packets > 0);
    let waiting = waiting.map(|(glyph, queue)| format!(" queue {glyph} {} ", queue_of(queue)));
    let wordings = [format!(" client's queue {both} "), format!(" queue {both} ")].into_iter().chain(waiting);
    wordings.into_iter().find(|text| text.width() <= width)
}

/// Returns a node as a text for the clipboard.
fn copied(node: &NodeStatus) -> String {
    format!("{} {}", node.node, node.address)
}

/// Returns what can be done with a node.
pub(super) fn verbs(scene: &Scene<'_>, node: NodeNumber) -> Vec<Verb> {
    let mut verbs = vec![
        Verb::new("", "show the node", Deed::Open(format!("node {node}"))),
        Verb::new("", "show its connection", Deed::Open(format!("trace {node}"))),
    ];
    verbs.extend(faults_menu::of_host(scene, Peer::Node(node)));
    verbs
}

/// Returns the columns, for nodes whose longest name and address have these widths.
fn columns(glyphs: &Glyphs, name: u16, address: u16) -> Vec<Column<Quantity>> {
    let (up, down) = if glyphs.is_unicode { ("↑ up", "↓ down") } else { ("^ up", "v down") };
    vec![
        Column::new(Quantity::Name, "node", 9, name + 2, 9, Align::Left),
        Column::new(Quantity::Health, "health", 7, 7, 8, Align::Left),
        Column::new(Quantity::State, "state", 7, 7, 7, Align::Left),
        Column::new(Quantity::Up, up, RATE - DECIMAL, RATE, 6, Align::Right),
        Column::new(Quantity::Down, down, RATE - DECIMAL, RATE, 6, Align::Right),
        Column::new(Quantity::Stored, "stored", BYTES - DECIMAL, BYTES, 5, Align::Right),
        Column::new(Quantity::Traffic, "link load", 11, 2 * (1 + TRAFFIC_SECONDS) + 1, 4, Align::Left),
        Column::new(Quantity::Address, "address", address, address, 3, Align::Left),
        Column::new(Quantity::Full, "full", 4, 4, 2, Align::Right),
        Column::new(Quantity::Connections, "conn", 4, 4, 1, Align::Right),
        Column::new(Quantity::Queued, "queue", 5, 5, 1, Align::Right),
    ]
}

/// Makes room for what is broken on purpose, which takes this width: in a column of its own, or, where that would take the place of the
/// rates, in that of the state.
fn add_faults(columns: &mut Vec<Column<Quantity>>, width: u16, room: u16) {
    if room >= ROOMY {
        let least = width.min(room - STATES_AND_RATES - 1);
        columns.insert(3, Column::new(Quantity::Fault, "fault", least, width, 5, Align::Left));
    } else if let Some(state) = columns.iter_mut().find(|column| column.id == Quantity::State) {
        state.wish = width.max(state.wish);
    }
}

/// Figures that a row shows.
struct Row<'a> {
    node: &'a NodeStatus,
    fault: &'a BrokenNode,
    /// True if the faults have a column of their own.
    has_column: bool,
    is_selected: bool,
}

fn cell(scene: &Scene<'_>, row: &Row<'_>, quantity: Quantity, width: u16) -> Cell {
    let (theme, &Row { node, fault, has_column, is_selected }) = (scene.theme, row);
    let (glyph, health) = health_style(theme, node.seen.health);
    let text = |text: String, role| Cell::Text(text, theme.style(role));
    match quantity {
        Quantity::Name => {
            let role = if is_selected { Role::Selected } else { Role::Text };
            let name = fitted(&node.node.to_string(), usize::from(width.saturating_sub(2)), theme.glyphs.ellipsis);
            let style = theme.style(role);
            Cell::Parts(vec![Span::styled(format!("{glyph} "), health), Span::styled(name.trim_end().to_owned(), style)])
        }
        Quantity::Health => Cell::Text(node.seen.health.name().to_owned(), health),
        Quantity::State if !has_column && !fault.told.is_empty() => {
            text(fault_within(fault, usize::from(width), theme.glyphs.ellipsis), Role::Bad)
        }
        Quantity::State => text(node.state.name().to_owned(), state_role(node.state)),
        Quantity::Up => text(whole_within(rate_now(&node.rates.up), width), scene.rate_role()),
        Quantity::Down => text(whole_within(rate_now(&node.rates.down), width), scene.rate_role()),
        Quantity::Stored => text(whole_within(node.used_bytes.map_or_else(|| "-".into(), bytes_of), width), Role::Text),
        Quantity::Fault => text(fault.told.clone(), Role::Bad),
        Quantity::Traffic => Cell::Parts(traffic(scene, node, width)),
        Quantity::Address => text(node.address.to_string(), Role::Dim),
        Quantity::Full => {
            let full = node.used_bytes.map(|used| percent_of(used, node.capacity_bytes));
            let part = node.used_bytes.unwrap_or(0) as f64 / node.capacity_bytes.max(1) as f64;
            Cell::Text(full.unwrap_or_else(|| "-".into()), style_of_room(theme, part))
        }
        Quantity::Connections => text(node.connections.to_string(), Role::Dim),
        Quantity::Queued => text(node.queues.packets().to_string(), Role::Dim),
    }
}

/// Returns what is broken in `width` cells. Where not all that there is to say has room, which the mark says, it is the more of its beginning
/// and the kinds alone.
fn fault_within(fault: &BrokenNode, width: usize, mark: &str) -> String {
    if fault.told.width() <= width {
        return fault.told.clone();
    }
    let kinds = Some(format!("{}{mark}", fault.kinds)).filter(|kinds| kinds.width() <= width);
    let beginning = fitted(&fault.told, width, mark).trim_end().to_owned();
    kinds.filter(|kinds| kinds.width() >= beginning.width()).unwrap_or(beginning)
}

fn state_role(state: ProcessState) -> Role {
    match state {
        ProcessState::Running => Role::Flow,
        ProcessState::Waiting(_) => Role::Warning,
        ProcessState::Stopped => Role::Bad,
        ProcessState::Ready => Role::Dim,
    }
}

/// Returns the share of the capacity that is used, in per cent.
fn percent_of(used: u64, capacity: u64) -> String {
    match 100.0 * used as f64 / capacity.max(1) as f64 {
        percent if used > 0 && percent < 1.0 => "<1 %".into(),
        percent => format!("{:.0} %", percent.floor()),
    }
}

/// Part of a disk from which on the colour of its use changes by degrees into that of warnings, which it has at the second one, and into
/// that of errors, which it has at the last one.
const ROOM: [f64; 3] = [0.5, 0.8, 0.95];

/// Returns the style of the part of a disk that is used.
fn style_of_room(theme: &Theme, part: f64) -> Style {
    let within = |from: f64, to: f64| (part - from) / (to - from);
    match part {
        part if part < ROOM[1] => theme.between([Role::Dim, Role::Warning], within(ROOM[0], ROOM[1]), Role::Dim),
        part if part < ROOM[2] => theme.between([Role::Warning, Role::Bad], within(ROOM[1], ROOM[2]), Role::Warning),
        _ => theme.style(Role::Bad),
    }
}

/// Returns the traffic of both directions in the latest seconds, each on the scale of what the node's link carries in that direction;
/// on the scale of the busiest of those seconds if the link has no limit. Where there is one, the colour changes by
/// degrees from half of it on, and a full link has that of warnings.
fn traffic(scene: &Scene<'_>, node: &NodeStatus, width: u16) -> Vec<Span<'static>> {
    let (glyphs, seconds) = (&scene.theme.glyphs, usize::from(width.saturating_sub(3) / 2));
    let usual = scene.theme.style(scene.rate_role());
    let levels = |arrow: &'static str, series: &RateSeries, is_up| {
        let (tail, capacity) = (series.tail(seconds), capacity_of(scene, Peer::Node(node.node), is_up));
        let top = capacity.unwrap_or_else(|| tail.iter().fold(1.0, |top, &bytes| f64::max(top, bytes as f64)));
        let (full, is_limited) = (glyphs.levels.len() - 1, capacity.is_some() && !scene.stands_still());
        let of_second = |&bytes: &u64| {
            let level = cells(bytes as f64 / top.max(1.0), full);
            // The upper half of the levels.
            let part = 2.0 * level as f64 / full as f64 - 1.0;
            let otherwise = if level == full { Role::Warning } else { Role::Flow };
            let style = if is_limited { scene.theme.between([Role::Flow, Role::Warning], part, otherwise) } else { usual };
            Span::styled(glyphs.levels[level], style)
        };
        let rest = Span::raw(" ".repeat(seconds.saturating_sub(tail.len())));
        std::iter::once(Span::styled(arrow, usual)).chain(tail.iter().map(of_second)).chain([rest]).collect::<Vec<_>>()
    };
    let (up, down) = (levels(glyphs.up, &node.rates.up, true), levels(glyphs.down, &node.rates.down, false));
    up.into_iter().chain([Span::raw(" ")]).chain(down).collect()
}

#[cfg(test)]
mod tests {
    use p2p_shell::report::rate_of;

    use super::*;
    use crate::tui::theme::ThemeName;

    /// At every width the rates that are shown without a fault are shown with one, and so is the fault.
    #[test]
    fn a_fault_takes_no_rates_away() {
        let glyphs = Theme::new(ThemeName::Dark, false).glyphs;
        for room in 38..200 {
            for fault in [6, 16, 30, FAULT_MAX] {
                let whole = Columns::fit(columns(&glyphs, 7, 12), room);
                let mut with_faults = columns(&glyphs, 7, 12);
                add_faults(&mut with_faults, fault, room);
                let with_faults = Columns::fit(with_faults, room);
                for id in [Quantity::Name, Quantity::Health, Quantity::State, Quantity::Up, Quantity::Down] {
                    assert!(with_faults.width_of(id).is_some() >= whole.width_of(id).is_some(), "{id:?} at {room}");
                }
                let width = with_faults.width_of(Quantity::Fault).or(with_faults.width_of(Quantity::State)).unwrap();
                assert!(width >= fault.min(7), "{fault} at {room}");
            }
        }
    }

    /// At every width at which its column is shown a figure is whole, without its decimal where it is as long as figures can be.
    #[test]
    fn figures_are_never_cut() {
        let glyphs = Theme::new(ThemeName::Dark, false).glyphs;
        for room in 20..200 {
            let columns = Columns::fit(columns(&glyphs, 7, 12), room);
            for bytes in (0..60).map(|bits| 1u64 << bits).flat_map(|unit| [unit - 1, unit, unit / 1024 * 1010 + 999]) {
                let rate = rate_of(bytes as f64);
                for (id, figure) in [(Quantity::Stored, bytes_of(bytes)), (Quantity::Up, rate.clone()), (Quantity::Down, rate)] {
                    let Some(width) = columns.width_of(id) else { continue };
                    let shown = whole_within(figure.clone(), width);
                    assert!(shown.width() <= usize::from(width), "{figure} at {room}");
                }
            }
        }
        assert_eq!([10, 9].map(|width| whole_within(bytes_of(1_033_933), width)), ["1009.7 KiB", "1009 KiB"]);
    }

    #[test]
    fn a_little_is_not_nothing() {
        let of_ten_gib = |used| percent_of(used, 10 << 30);
        assert_eq!([of_ten_gib(0), of_ten_gib(1), of_ten_gib(5 << 30), percent_of(7, 0)], ["0 %", "<1 %", "50 %", "700 %"]);
    }
}
