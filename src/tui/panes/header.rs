//! The header: user, time, speed, nodes, faults, throughput, queues, transfers under way, missed events, files, packets that were lost, and
//! the seed.
//!
//! ```text
//! p2p │ alice │ 01:23.4 ▶ 1x │ nodes ● 3/5 ◐ 1 ✕ 1 │ 2 faults on │ ↑ 63.8 KiB/s ↓ 0 B/s │ queue ↑ 98/100 1.9 s │ 2 running │ 12 files │ 18.4 MiB │ 31 packets lost │ seed 42
//! ```
//! While time is paused, the rates are those before it stopped, and say so. Where there is not enough room, sections are omitted by their
//! importance.

use p2p_engine::node::health::Health;
use p2p_engine::snapshot::CaptureState;
use p2p_service::access::Identity;
use p2p_shell::report::{Resolution, bytes_of, count_of, instant_of, pace_of, queue_of};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::scene::Scene;
use super::{health_style, rate_now};
use crate::tui::theme::Role;

/// Section of the header with its importance: where there is not enough room, the least important ones are omitted.
type Section = (u8, Vec<Span<'static>>);

/// Draws the header line.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let (theme, view) = (scene.theme, scene.snapshot);
    let between = Span::styled(if theme.glyphs.is_unicode { " │ " } else { " | " }, theme.style(Role::Border));
    let count = scene.file_count;
    let text = |importance, text: String, role| (importance, vec![Span::styled(text, theme.style(role))]);
    let missed = (scene.events_lost > 0).then(|| format!("{} missed", count_of(scene.events_lost, "event")));
    let sections = [
        Some(text(11, " p2p".into(), Role::Accent)),
        user(scene).map(|(user, role)| text(10, user, role)),
        Some((13, time(scene))),
        Some((12, nodes(scene))),
        faults(scene.fault_count).map(|faults| text(9, faults, Role::Warning)),
        Some(text(7, rates(scene), scene.rate_role())),
        queues(scene).map(|queues| text(4, queues, scene.rate_role())),
        running(scene).map(|running| text(6, running, Role::Text)),
        (view.figures.capture == CaptureState::Runs).then(|| text(8, "REC".into(), Role::Bad)),
        missed.map(|missed| text(5, missed, Role::Warning)),
        Some(text(2, count_of(count.files, "file"), Role::Text)),
        Some(text(0, bytes_of(count.bytes), Role::Text)),
        count.deduplicated.map(|bytes| text(0, format!("{} deduplicated", bytes_of(bytes)), Role::Text)),
        dropped(scene).map(|dropped| text(3, dropped, Role::Text)),
        Some(text(1, format!("seed {}", scene.seed), Role::Dim)),
    ];
    fitting(sections.into_iter().flatten().collect(), &between, area.width).render(area, buffer);
}

/// Returns the name of the user, or that nobody is logged in where somebody could be.
fn user(scene: &Scene<'_>) -> Option<(String, Role)> {
    match scene.identity {
        Identity::Operator => None,
        Identity::Nobody => Some(("not logged in".into(), Role::Warning)),
        Identity::User { account, .. } => Some((account.name.to_string(), Role::Text)),
    }
}

/// Returns the virtual time and its pace.
fn time(scene: &Scene<'_>) -> Vec<Span<'static>> {
    let (theme, glyphs, pace) = (scene.theme, &scene.theme.glyphs, scene.snapshot.pace);
    let (pace, role) = match (scene.is_frozen, pace.is_paused) {
        (true, _) => ("FROZEN".to_owned(), Role::Warning),
        (_, true) => (format!("{} PAUSED", glyphs.pause), Role::Warning),
        _ => (format!("{} {}", glyphs.play, pace_of(pace)), Role::Text),
    };
    let at = format!("{} ", instant_of(scene.snapshot.at, Resolution::Tenths));
    vec![Span::styled(at, theme.style(Role::Text)), Span::styled(pace, theme.style(role))]
}

/// Returns the rates of the client's link; while time is paused, those before it stopped.
fn rates(scene: &Scene<'_>) -> String {
    let (glyphs, rates) = (&scene.theme.glyphs, &scene.snapshot.figures.client_rates);
    let was = if scene.stands_still() { "before " } else { "" };
    format!("{was}{} {} {} {}", glyphs.up, rate_now(&rates.up), glyphs.down, rate_now(&rates.down))
}

/// Returns the numbers of nodes that answer probes, that have missed some, and that are dead; the last two only if there are any.
fn nodes(scene: &Scene<'_>) -> Vec<Span<'static>> {
    let nodes = &scene.snapshot.figures.nodes;
    let count = |health: Health| nodes.iter().filter(|node| node.seen.health == health).count();
    let mut spans = vec![Span::styled("nodes", scene.theme.style(Role::Text))];
    for health in [Health::Alive, Health::Suspect, Health::Dead] {
        let (glyph, style) = health_style(scene.theme, health);
        match (count(health), health) {
            (alive, Health::Alive) => spans.push(Span::styled(format!(" {glyph} {alive}/{}", nodes.len()), style)),
            (0, _) => {}
            (count, _) => spans.push(Span::styled(format!(" {glyph} {count}"), style)),
        }
    }
    spans
}

/// Returns the queues of the client's link in which packets wait, and how long the next one does.
fn queues(scene: &Scene<'_>) -> Option<String> {
    let (glyphs, queues) = (&scene.theme.glyphs, scene.snapshot.figures.network.client_queues);
    let waiting = [(glyphs.up, queues.up), (glyphs.down, queues.down)].into_iter().filter(|(_, queue)| queue.packets > 0);
    let told: Vec<String> = waiting.map(|(glyph, queue)| format!("{glyph} {}", queue_of(queue))).collect();
    (!told.is_empty()).then(|| format!("queue {}", told.join(" ")))
}

/// Returns the number of the user's transfers that are under way, if there are any.
fn running(scene: &Scene<'_>) -> Option<String> {
    let count = scene.snapshot.running().filter(|status| scene.identity.began(status)).count();
    (count > 0).then(|| format!("{count} running"))
}

/// Returns the number of packets that were dropped since the start, on all paths and in all queues, if there are any.
fn dropped(scene: &Scene<'_>) -> Option<String> {
    let count = scene.snapshot.figures.network.total.dropped.total();
    (count > 0).then(|| format!("{} lost", count_of(count, "packet")))
}

/// Returns the number of faults that are on, if there are any.
fn faults(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 fault on".into()),
        count => Some(format!("{count} faults on")),
    }
}

/// Returns the sections for which there is room, in their order: the most important ones. Sections are never cut, since a part of a number
/// would read as another number.
fn fitting<'a>(sections: Vec<Section>, between: &Span<'a>, width: u16) -> Line<'a> {
    let mut order: Vec<usize> = (0..sections.len()).collect();
    order.sort_by_key(|&place| std::cmp::Reverse(sections[place].0));
    let (mut left, mut fits) = (usize::from(width) + between.width(), vec![false; sections.len()]);
    for place in order {
        let needed = between.width() + sections[place].1.iter().map(Span::width).sum::<usize>();
        // Nothing is shown where something more important is not: a size would stand there without the number of its files.
        let Some(rest) = left.checked_sub(needed) else { break };
        (left, fits[place]) = (rest, true);
    }
    let mut line = Line::default();
    for ((_, section), _) in sections.into_iter().zip(fits).filter(|(_, fits)| *fits) {
        if line.width() > 0 {
            line.push_span(between.clone());
        }
        line.extend(section);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_sections_give_way() {
        let shown = |width| {
            let sections = [(9, "p2p"), (2, "12 files"), (5, "2 running"), (3, "seed 42")];
            let sections = sections.map(|(importance, text)| (importance, vec![Span::raw(text)])).to_vec();
            fitting(sections, &Span::raw("|"), width).spans.iter().map(|span| span.content.as_ref()).collect::<String>()
        };
        assert_eq!(shown(30), "p2p|12 files|2 running|seed 42");
        assert_eq!([29, 21, 20].map(shown), ["p2p|2 running|seed 42", "p2p|2 running|seed 42", "p2p|2 running"]);
        assert_eq!([12, 11, 3, 2].map(shown), ["p2p", "p2p", "p2p", ""]);
    }
}
