//! The health pane: the round-trip times between all hosts as a matrix, or a map of the network with its traffic. Both show which
//! paths are broken on purpose.
//!
//! A cell of the matrix is the path from the host of its row to the host of its column; a cell of the diagonal is the host itself.

mod beside;
pub mod chart;
mod map;
mod matrix;

use p2p_base::units::SimDuration;
use p2p_engine::faults::Target;
use p2p_engine::node::{ProcessState, RoundTrips};
use p2p_engine::snapshot::Peer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Span;

use self::matrix::{COLUMN, Matrix, label_width};
use super::broken::Broken;
use super::faults_menu;
use super::nodes;
use super::rows::Rows;
use super::scene::Scene;
use super::scroll::Part;
use super::shape::{Shape, rows_up_to};
use super::{Canvas, Change, Deed, PaneView, Verb, health_style, whole_spans};
use crate::tui::action::Action;
use crate::tui::preset::Preset;
use crate::tui::theme::Role;

/// Number of hosts for which the matrix wishes room.
const HOSTS_WISHED: usize = 17;
/// Height of the room for all panes from which on that matrix is shown whole.
const ROOMY: u16 = 34;
/// Number of hosts of the default network, whose matrix is shown whole wherever the pane is shown beside others.
const HOSTS_USUAL: usize = 6;

/// The matrix of the round trips between all hosts, or the map of the network.
#[derive(Debug)]
pub(super) struct HealthPane {
    /// Selected host: the row of the matrix. The client is the first one.
    list: Rows,
    /// Selected column of the matrix.
    column: usize,
    is_map: bool,
}

/// The selection begins with the path from the client to the first node.
impl Default for HealthPane {
    fn default() -> HealthPane {
        HealthPane { list: Rows::default(), column: 1, is_map: false }
    }
}

/// Selection: a host, or the path from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Host(Peer),
    Path(Peer, Peer),
}

impl PaneView for HealthPane {
    fn shape(&self, scene: &Scene<'_>, room: Size) -> Shape {
        let hosts = scene.snapshot.figures.nodes.len() + 1;
        let width = |shown: usize| rows_up_to(shown * COLUMN + label_width(hosts) + 2, u16::MAX);
        let wish = (width(hosts.min(HOSTS_WISHED)), rows_up_to(hosts + 3, (room.height / 4).max(9)));
        // The usual matrix is whole wherever there is some room.
        let least = if room.height < ROOMY { 5 } else { rows_up_to(hosts.min(HOSTS_USUAL) + 3, 9) };
        Shape::bounded((width(hosts.min(HOSTS_USUAL)), least), wish)
            .of_rows(hosts + 3)
            .of_columns(width(hosts).saturating_add(beside::width(self.list.hidden())))
    }

    fn priority(&self, preset: Preset) -> u16 {
        match preset {
            Preset::Overview => 30,
            Preset::Transfer => 0,
            Preset::Network => 60,
            Preset::Files => 0,
        }
    }

    fn title(&self, scene: &Scene<'_>, inner: Rect) -> String {
        if self.is_map { "Map: traffic now".into() } else { self.matrix(scene, inner).title() }
    }

    fn foot(&self, scene: &Scene<'_>, inner: Rect) -> Vec<Span<'static>> {
        match self.spot(scene).filter(|_| scene.focus == super::Pane::Health) {
            Some(spot) => said_of(scene, spot, inner.width),
            None if self.is_map => map::legend(scene, inner.width),
            None => self.matrix(scene, inner).legend(inner.width),
        }
    }

    fn filled_width(&self, scene: &Scene<'_>, inner: Rect) -> Option<u16> {
        if self.is_map {
            return None;
        }
        let matrix = self.matrix(scene, inner);
        // What stands beside a whole matrix has a use for all.
        let is_beside =
            matrix.whole().is_some_and(|(_, used)| beside::is_shown(inner.width.saturating_sub(used), self.list.hidden()));
        Some(if is_beside { inner.width } else { matrix.width() })
    }

    fn draw(&self, scene: &Scene<'_>, canvas: &mut Canvas<'_>) {
        if self.is_map {
            return map::draw(scene, self.row(scene), canvas);
        }
        let matrix = self.matrix(scene, canvas.area);
        matrix.draw(canvas);
        matrix.whole().into_iter().for_each(|shown| beside::draw(scene, shown, self.list.hidden(), canvas));
    }

    fn list(&self) -> &Rows {
        &self.list
    }

    fn list_mut(&mut self) -> &mut Rows {
        &mut self.list
    }

    fn rows(&self, scene: &Scene<'_>) -> usize {
        let figures = &scene.snapshot.figures;
        if self.is_map { figures.nodes.len() + 1 } else { figures.health.hosts().len() }
    }

    fn columns(&self, _scene: &Scene<'_>) -> &'static [&'static str] {
        if self.is_map { &[] } else { beside::HIDEABLE }
    }

    /// Returns which hosts the rows of the matrix are; the map shows all hosts.
    fn part(&self, scene: &Scene<'_>, inner: Rect) -> Part {
        let total = self.rows(scene);
        Part { shown: if self.is_map { 0..total } else { self.matrix(scene, inner).rows }, total }
    }

    fn row_noun(&self, _scene: &Scene<'_>) -> Option<&'static str> {
        // The heading of the matrix says how many rows and columns are shown.
        None
    }

    fn row_area(&self, _scene: &Scene<'_>, inner: Rect) -> Rect {
        super::below_heading(inner)
    }

    fn row_at(&self, scene: &Scene<'_>, inner: Rect, at: Position) -> Option<usize> {
        if self.is_map { map::host_at(scene, inner, at) } else { self.matrix(scene, inner).row_at(inner, at) }
    }

    fn select_at(&mut self, scene: &Scene<'_>, inner: Rect, at: Position) -> bool {
        let Some(row) = self.row_at(scene, inner, at) else { return false };
        let column = (!self.is_map).then(|| self.matrix(scene, inner).column_at(inner, at)).flatten();
        self.list.select(row);
        self.column = column.unwrap_or(self.column);
        true
    }

    fn move_across(&mut self, scene: &Scene<'_>, step: isize) {
        let last = self.rows(scene).saturating_sub(1);
        if self.is_map {
            self.list.move_by(step, last + 1);
        } else {
            self.column = self.column.min(last).saturating_add_signed(step).min(last);
        }
    }

    fn open(&self, scene: &Scene<'_>) -> Option<Deed> {
        let node = match self.spot(scene)? {
            Spot::Host(Peer::Node(node)) => node,
            Spot::Host(Peer::Client) => return Some(Deed::Open("topology".into())),
            Spot::Path(from, to) => return Some(Deed::WatchPath(from, to)),
        };
        Some(Deed::Open(format!("node {node}")))
    }

    fn copy(&self, scene: &Scene<'_>) -> Option<String> {
        let text: String = said_of(scene, self.spot(scene)?, u16::MAX).iter().map(|span| span.content.as_ref()).collect();
        Some(text.trim().to_owned())
    }

    fn verbs(&self, scene: &Scene<'_>) -> Vec<Verb> {
        match self.spot(scene) {
            Some(Spot::Host(Peer::Node(node))) => nodes::verbs(scene, node),
            Some(Spot::Host(Peer::Client)) => faults_menu::of_host(scene, Peer::Client),
            Some(Spot::Path(from, to)) => verbs_of_path(scene, from, to),
            None => Vec::new(),
        }
    }

    fn change(&mut self, change: Change<'_>) -> bool {
        let is_map = change == Change::Act(Action::Map);
        self.is_map ^= is_map;
        is_map
    }
}

impl HealthPane {
    /// Returns the selected row.
    fn row(&self, scene: &Scene<'_>) -> usize {
        self.list.selected().min(self.rows(scene).saturating_sub(1))
    }

    fn matrix<'a>(&self, scene: &'a Scene<'a>, area: Rect) -> Matrix<'a> {
        Matrix::new(scene, area, (self.row(scene), self.column))
    }

    fn spot(&self, scene: &Scene<'_>) -> Option<Spot> {
        let (figures, row) = (&scene.snapshot.figures, self.row(scene));
        if self.is_map {
            return figures.topology.hosts.get(row).map(|host| Spot::Host(host.peer));
        }
        let at = |place: usize| figures.health.hosts().nth(place);
        let (from, to) = (at(row)?, at(self.column.min(figures.health.hosts().len().saturating_sub(1)))?);
        Some(if from == to { Spot::Host(from) } else { Spot::Path(from, to) })
    }
}

/// Returns what can be done with a path.
fn verbs_of_path(scene: &Scene<'_>, from: Peer, to: Peer) -> Vec<Verb> {
    let mut verbs = vec![Verb::new("", "watch its round trips", Deed::WatchPath(from, to))];
    if let Peer::Node(node) = to {
        verbs.push(Verb::new("", format!("show {node}"), Deed::Open(format!("node {node}"))));
    }
    verbs.extend(faults_menu::of_path(scene, from, to));
    verbs
}

/// Returns what is broken of the path from one host to another on purpose. Why nothing is answered there is said as well, if the host is why.
fn told_of_path(scene: &Scene<'_>, from: Peer, to: Peer) -> String {
    let broken = Broken::of(scene.snapshot);
    let of_host = broken.of_host(to).filter(|active| !matches!(active.fault.target(), Target::Paths(_)));
    broken.told(broken.of_path(from, to).chain(of_host))
}

/// Returns true if the process of a host runs, so that what it knows of others is how it is now.
fn runs(scene: &Scene<'_>, host: Peer) -> bool {
    let Peer::Node(node) = host else { return true };
    let found = scene.snapshot.figures.nodes.get(node.index()).filter(|found| found.node == node);
    found.is_none_or(|found| found.state != ProcessState::Stopped)
}

/// Returns the line about what is selected: what is broken there, and, as far as there is room, what the last probes have shown.
fn said_of(scene: &Scene<'_>, spot: Spot, width: u16) -> Vec<Span<'static>> {
    let (theme, broken) = (scene.theme, Broken::of(scene.snapshot));
    let (name, faults) = match spot {
        Spot::Host(peer) => (peer.to_string(), broken.told(broken.of_host(peer))),
        Spot::Path(from, to) => (format!("{from}->{to}"), told_of_path(scene, from, to)),
    };
    let mut spans = vec![Span::styled(format!(" {name} "), theme.style(Role::Text))];
    if !faults.is_empty() {
        spans.push(Span::styled(format!("{faults} "), theme.style(Role::Warning)));
    }
    let (from, to) = match spot {
        Spot::Host(peer) => (Peer::Client, peer),
        Spot::Path(from, to) => (from, to),
    };
    if !runs(scene, from) {
        spans.push(Span::styled(format!("{from} not running "), theme.style(Role::Dim)));
    } else if let Some(seen) = scene.snapshot.figures.health.seen(from, to) {
        let (glyph, style) = health_style(theme, seen.health);
        let figures = figures(&seen.recent).into_iter().map(|figure| Span::styled(figure, theme.style(Role::Dim)));
        let left = usize::from(width).saturating_sub(spans.iter().map(Span::width).sum());
        let seen = [Span::styled(format!("{glyph} {}", seen.health.name()), style)].into_iter().chain(figures);
        // A space before the rest of the frame.
        spans.extend(whole_spans(seen, left.saturating_sub(1)));
        spans.push(Span::raw(" "));
    } else if from != to {
        spans.push(Span::styled("not probed so far ", theme.style(Role::Dim)));
    }
    spans
}

/// Returns the figures of the last probes, the most important first.
fn figures(recent: &RoundTrips) -> Vec<String> {
    let lost = format!(", lost {} of {}", recent.probes - recent.answers, recent.probes);
    let Some(last) = recent.last.filter(|_| recent.answers > 0) else { return vec![lost] };
    let millis = |time: Option<SimDuration>| time.map_or_else(|| "-".into(), matrix::figure);
    vec![
        format!(" {} ms", matrix::figure(last)),
        lost,
        format!(", mean {}", millis(recent.average)),
        format!(", {} to {}", millis(recent.best), millis(recent.worst)),
        format!(", jitter {}", millis(recent.jitter)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pair without an answer has no figure of one, and no unit without a number.
    #[test]
    fn a_pair_without_an_answer_has_no_round_trip() {
        let recent = RoundTrips { probes: 2, ..RoundTrips::default() };
        assert_eq!(figures(&recent), [", lost 2 of 2"]);
        // An answer to an earlier probe is no figure of these.
        let last = Some(SimDuration::from_millis(3));
        assert_eq!(figures(&RoundTrips { last, ..recent }), [", lost 2 of 2"]);
    }
}
