//! The drawing of a connection: what it is, its windows and its round trip over the last minute, and its latest packets.

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::connection_history::{ConnectionHistory, ConnectionRecord, Passed};
use p2p_engine::snapshot::{ConnectionStatus, Peer};
use p2p_net::ConnectionSample;
use p2p_shell::lists::listed;
use p2p_shell::report::{bytes_of, count_of, milliseconds_of, rate_of, why_waited};
use p2p_store::manifest::NodeNumber;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::frame::opened;
use crate::tui::connection::{ConnectionDialog, End};
use crate::tui::panes::awaiting::waits_for_node;
use crate::tui::panes::plot::{Curve, Plot, round_top};
use crate::tui::panes::scene::Scene;
use crate::tui::panes::wire::connections::{node_of, passed, round_trip_of};
use crate::tui::panes::wire::draw_packets_of;
use crate::tui::panes::{Canvas, queues_of};
use crate::tui::theme::{Role, Theme};

/// Span of the curves.
const SPAN: SimDuration = SimDuration::from_secs(60);
/// Number of transfers that are named; the others are counted.
const IDS_SHOWN: usize = 8;
/// Maximum width and height of the dialog in cells.
const LARGEST: (u16, u16) = (140, 50);

/// One end of a connection with its recent past.
struct Side<'a> {
    end: End,
    /// End that sends; `None` before either has sent any payload.
    sender: Option<End>,
    /// Traffic from this end in the measured span.
    passed: Passed,
    sample: Option<&'a ConnectionSample>,
    history: &'a ConnectionHistory,
}

/// Draws the dialog.
pub(super) fn draw(scene: &Scene<'_>, dialog: &ConnectionDialog, frame: &mut Frame<'_>, area: Rect) {
    let theme = scene.theme;
    let connection =
        scene.snapshot.figures.connections.iter().find(|open| (open.host, open.node) == (dialog.host(), dialog.node()));
    let side = connection.map(|connection| side_of(connection, dialog.end(), scene.snapshot.figures.at));
    let (host, node) = (dialog.host(), dialog.node());
    let title = title_of(theme, (host, node), side.as_ref());
    let hint = match host {
        Peer::Client => " Left: client's end  Right: node's end  Esc closes ".to_owned(),
        Peer::Node(_) => format!(" Left: {host}'s end  Right: {node}'s end  Esc closes "),
    };
    let mut canvas = opened(theme, LARGEST, (title, &hint), frame, area);
    let (Some(connection), Some(side)) = (connection, side) else {
        let text = format!("There is no connection to {node} now; the next transfer to it opens one.");
        canvas.row(0, vec![Span::styled(text, theme.style(Role::Dim))]);
        let trouble = trouble_of(scene, (host, node));
        return trouble.into_iter().for_each(|text| canvas.row(1, vec![Span::styled(text, theme.style(Role::Warning))]));
    };
    draw_open(scene, connection, &side, &mut canvas);
}

/// Returns the name of an end of a connection: of the client's, which of the two it is, and between nodes, whose.
fn name_of(host: Peer, node: NodeNumber, end: End) -> String {
    match (host, end) {
        (Peer::Client, End::Asking) => "the client".to_owned(),
        (Peer::Client, End::Node) => "the node".to_owned(),
        (Peer::Node(asking), End::Asking) => asking.to_string(),
        (Peer::Node(_), End::Node) => node.to_string(),
    }
}

/// Returns the heading: which end is shown, and which one sends.
fn title_of(theme: &Theme, (host, node): (Peer, NodeNumber), side: Option<&Side<'_>>) -> String {
    let arrow = theme.glyphs.to;
    let Some(side) = side else { return format!(" Connection to {node} ") };
    let sends = match (side.end, side.sender) {
        (shown, Some(sender)) if shown == sender => ": sends".to_owned(),
        (_, Some(sender)) => format!(": {} sends", name_of(host, node, sender)),
        (_, None) => String::new(),
    };
    match side.end {
        End::Asking => format!(" Connection {host} {arrow} {node}{sends} "),
        End::Node => format!(" Connection {node} {arrow} {host}{sends} "),
    }
}

/// Returns what is broken between a host and a node, and which transfers of the host wait for an answer of the node: those that cannot be
/// completed before, and those that have segments under way there.
fn trouble_of(scene: &Scene<'_>, (host, node): (Peer, NodeNumber)) -> Option<String> {
    let snapshot = scene.snapshot;
    let of_host = snapshot.running().filter(|status| status.host == host);
    let awaited = of_host.flat_map(|status| &status.awaited).find(|awaited| awaited.node == node);
    let why = why_waited(snapshot, awaited, (host, node));
    if why.is_empty() {
        return None;
    }
    let waiting = scene.in_order().filter(|report| report.status.host == host && waits_for_node(report, node));
    let waiting: Vec<String> = waiting.map(|report| report.status.id.to_string()).collect();
    let ids = listed(&waiting, IDS_SHOWN);
    Some(match waiting.len() {
        0 => why,
        1 => format!("{why}; {ids} waits for its answer"),
        _ => format!("{why}; {ids} wait for its answer"),
    })
}

/// Returns the end that sends: the one that has sent more payload lately, or more at all; `None` before either has sent any.
fn sender_of(connection: &ConnectionStatus, sent: &Passed, received: &Passed) -> Option<End> {
    let (sent, received) = (sent.bytes_per_second, received.bytes_per_second);
    let (all_sent, all_received) = (connection.stats.bytes_acked, connection.stats.bytes_received);
    let is_node = received > sent || (received == sent && all_received > all_sent);
    let has_sent = received.max(sent) > 0.0 || all_received.max(all_sent) > 0;
    has_sent.then_some(if is_node { End::Node } else { End::Asking })
}

/// Returns the end that was asked for, or else the one that sends.
fn side_of(connection: &ConnectionStatus, asked: Option<End>, now: SimTime) -> Side<'_> {
    let [sent, received] = passed(connection, now);
    let sender = sender_of(connection, &sent, &received);
    let end = asked.or(sender).unwrap_or(End::Asking);
    match end {
        End::Asking => Side { end, sender, passed: sent, sample: Some(&connection.sample), history: &connection.sent },
        End::Node => Side { end, sender, passed: received, sample: connection.peer.as_ref(), history: &connection.received },
    }
}

fn draw_open(scene: &Scene<'_>, connection: &ConnectionStatus, side: &Side<'_>, canvas: &mut Canvas<'_>) {
    let facts = facts(scene, connection, side);
    let height = facts.len() as u16;
    for (place, line) in facts.into_iter().enumerate() {
        canvas.row(place, line.spans);
    }
    let rest = canvas.area.height.saturating_sub(height);
    // The curves come first; packets get what is left beyond a good size of them.
    let packets = rest.saturating_sub(22).min(16);
    let [_, windows, times, below] =
        Layout::vertical([Constraint::Length(height), Constraint::Fill(3), Constraint::Fill(2), Constraint::Length(packets)])
            .areas(canvas.area);
    let now = scene.snapshot.figures.at;
    draw_curves(
        scene,
        &windows_of(side, now),
        canvas.part(windows),
        "This end has sent no packet yet since the wire is watched.",
    );
    draw_curves(scene, &round_trips_of(side, now), canvas.part(times), "No round trip of this end has been measured yet.");
    draw_packets_of(scene, (connection.host, connection.node), &mut canvas.part(below));
}

/// Draws curves, or says why there are none.
fn draw_curves(scene: &Scene<'_>, plot: &Plot, mut canvas: Canvas<'_>, nothing: &'static str) {
    let has_values = plot.curves.iter().any(|curve| curve.steps.iter().any(|(_, value)| value.is_some()));
    if has_values {
        plot.draw(scene.theme, &mut canvas);
    } else {
        canvas.row(0, vec![Span::styled(nothing, scene.theme.style(Role::Dim))]);
    }
}

fn facts(scene: &Scene<'_>, connection: &ConnectionStatus, side: &Side<'_>) -> Vec<Line<'static>> {
    let (stats, passed) = (&connection.stats, &side.passed);
    let share = passed.resent_percent().unwrap_or_default();
    let glyphs = &scene.theme.glyphs;
    let of_node = node_of(scene, connection).map_or("-".into(), |node| queues_of(scene, node.queues));
    let figures = &scene.snapshot.figures;
    let asking = connection.host.node().and_then(|node| figures.nodes.get(node.index()));
    let of_asking = queues_of(scene, asking.map_or(figures.network.client_queues, |node| node.queues));
    let (state, windows) = side.sample.map_or_else(|| ("not open yet".into(), "-".into()), words_of);
    let line = |name: &str, text: String, role| {
        Line::from(vec![
            Span::styled(format!("{name:<10}"), scene.theme.style(Role::Dim)),
            Span::styled(text, scene.theme.style(role)),
        ])
    };
    let pair = |name: &str, text: String| line(name, text, Role::Text);
    let trouble = trouble_of(scene, (connection.host, connection.node)).map(|text| line("trouble", text, Role::Warning));
    let facts = [
        pair("state", format!("{state}   {} {} {}", connection.local, glyphs.to, connection.remote)),
        pair("now", windows),
        pair(
            "last 10 s",
            format!(
                "{} arrived, {} of {} resent ({share:.1} %)",
                rate_of(passed.bytes_per_second),
                passed.retransmits,
                passed.packets
            ),
        ),
        pair("queues", format!("{} {of_asking}   {} {of_node}", connection.host, connection.node)),
        pair(
            "so far",
            format!(
                "{}{} {}{}; {}",
                glyphs.up,
                bytes_of(stats.bytes_acked),
                glyphs.down,
                bytes_of(stats.bytes_received),
                resent_of(side, connection)
            ),
        ),
    ];
    facts.into_iter().chain(trouble).collect()
}

/// Returns what has been sent again so far: at first by the end that is shown, as in the figure of the last ten seconds. Of a node's end that is
/// not there any more, its latest record counts.
fn resent_of(side: &Side<'_>, connection: &ConnectionStatus) -> String {
    let stats = &connection.stats;
    let by_asking = stats.retransmits;
    let [asking, node] = [End::Asking, End::Node].map(|end| name_of(connection.host, connection.node, end));
    if side.end == End::Asking {
        let (timeouts, probes) = (count_of(stats.timeouts, "timeout"), count_of(stats.loss_probes, "loss probe"));
        return format!("{asking} resent {by_asking}, {timeouts}, {probes}");
    }
    let latest = side.history.records().last().map(|record| record.retransmits);
    match side.sample.map(|sample| sample.retransmits).or(latest) {
        Some(by_node) => format!("{node} resent {by_node}, {asking} {by_asking}"),
        None => format!("{asking} resent {by_asking}"),
    }
}

/// Returns the state of an end and its windows in words.
fn words_of(sample: &ConnectionSample) -> (String, String) {
    let threshold = sample.threshold.map_or("none yet".into(), |packets| packets.to_string());
    let windows = format!(
        "cwnd {}, {} in flight, ssthresh {threshold}, RTT {}, RTO {}",
        sample.window,
        sample.in_flight,
        round_trip_of(sample),
        milliseconds_of(Some(sample.rto.as_secs_f64()))
    );
    (format!("{}, {}", sample.state.name(), sample.phase), windows)
}

/// Returns the values of a history from instant to instant, as fractions of the span before `now`.
fn steps(history: &ConnectionHistory, now: SimTime, of: impl Fn(&ConnectionRecord) -> Option<f64>) -> Vec<(f64, Option<f64>)> {
    let place = |at: SimTime| 1.0 - (now.as_nanos() as f64 - at.as_nanos() as f64) / SPAN.as_nanos() as f64;
    history.records().map(|record| (place(record.at), of(record))).collect()
}

fn plot(title: String, unit: &str, curves: Vec<Curve>) -> Plot {
    let top = round_top(&curves);
    Plot {
        title,
        top,
        top_label: format!("{top:.0} {unit}"),
        from_label: format!("-{} s", SPAN.as_secs_f64()),
        to_label: "now".into(),
        level: None,
        curves,
        marks: None,
    }
}

fn windows_of(side: &Side<'_>, now: SimTime) -> Plot {
    let curve = |name, letter, role, of: fn(&ConnectionRecord) -> Option<f64>| Curve {
        name,
        letter,
        role,
        steps: steps(side.history, now, of),
    };
    let curves = vec![
        curve("ssthresh", 's', Role::Warning, |record| record.threshold.map(f64::from)),
        curve("in flight", 'f', Role::Good, |record| Some(f64::from(record.in_flight))),
        curve("cwnd", 'c', Role::Flow, |record| Some(f64::from(record.window))),
    ];
    plot("windows in packets:".into(), "packets", curves)
}

fn round_trips_of(side: &Side<'_>, now: SimTime) -> Plot {
    let measured = |record: &ConnectionRecord| Some(record.srtt.as_millis_f64()).filter(|&millis| millis > 0.0);
    let curves = vec![Curve { name: "round trip", letter: 'r', role: Role::Accent, steps: steps(side.history, now, measured) }];
    plot("smoothed round trip (RFC 6298)".into(), "ms", curves)
}
