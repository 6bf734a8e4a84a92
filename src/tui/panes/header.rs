//! The header: user, time, speed, nodes, throughput, queues, transfers under way, missed events, files and packets that were lost.
//!
//! ```text
//! p2p │ alice │ 01:23.4 ▶ 1x │ nodes ● 3/5 ◐ 1 ✕ 1 │ 2 faults on │ ↑ 63.8 KiB/s ↓ 0 B/s │ queue ↑ 98/100 1.9 s │ 2 running │ 12 files │ 18.4 MiB │ 31 packets lost
//! ```
//! While time is paused, the rates are those before it stopped, and say so. The sections are omitted from the right if there is not
//! enough room.

use p2p_engine::node::health::Health;
use p2p_engine::snapshot::CaptureState;
use p2p_service::access::Identity;
use p2p_shell::report::{Resolution, bytes_of, count_of, instant_of, queue_of};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::scene::Scene;
use super::{health_style, rate_now};
use crate::tui::theme::Role;

/// Draws the header line.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let (theme, view) = (scene.theme, scene.snapshot);
    let glyphs = &theme.glyphs;
    let separator = if glyphs.is_unicode { " │ " } else { " | " };
    let count = scene.file_count;
    let rates = &view.figures.client_rates;
    let (pace, pace_role) = match (scene.is_frozen, view.pace.is_paused) {
        (true, _) => ("FROZEN".to_owned(), Role::Warning),
        (_, true) => (format!("{} PAUSED", glyphs.pause), Role::Warning),
        _ => (format!("{} {}", glyphs.play, view.pace.speed), Role::Text),
    };
    let user = match scene.identity {
        Identity::Operator => None,
        Identity::Nobody => Some(("not logged in", Role::Warning)),
        Identity::User { account, .. } => Some((account.name.as_str(), Role::Text)),
    };
    let text = |text: String, role| vec![Span::styled(text, theme.style(role))];
    let mut sections = vec![text(" p2p".into(), Role::Accent)];
    sections.extend(user.map(|(user, role)| text(user.to_owned(), role)));
    let mut time = text(format!("{} ", instant_of(view.at, Resolution::Tenths)), Role::Text);
    time.extend(text(pace, pace_role));
    sections.extend([time, nodes(scene)]);
    sections.extend(faults(scene.fault_count).map(|faults| text(faults, Role::Warning)));
    let was = if scene.stands_still() { "before " } else { "" };
    let rates = format!("{was}{} {} {} {}", glyphs.up, rate_now(&rates.up), glyphs.down, rate_now(&rates.down));
    sections.push(text(rates, scene.rate_role()));
    sections.extend(queues(scene).map(|queues| text(queues, scene.rate_role())));
    sections.extend(running(scene).map(|running| text(running, Role::Text)));
    if view.figures.capture == CaptureState::Runs {
        sections.push(text("REC".into(), Role::Bad));
    }
    if scene.events_lost > 0 {
        sections.push(text(format!("{} missed", count_of(scene.events_lost, "event")), Role::Warning));
    }
    sections.extend([count_of(count.files, "file"), bytes_of(count.bytes)].map(|part| text(part, Role::Text)));
    sections.extend(dropped(scene).map(|dropped| text(dropped, Role::Text)));
    let between = Span::styled(separator, theme.style(Role::Border));
    fitting(sections, &between, area.width).render(area, buffer);
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

/// Returns the sections for which there is room. Sections are never cut, since a part of a number would read as another number.
fn fitting<'a>(sections: Vec<Vec<Span<'a>>>, between: &Span<'a>, width: u16) -> Line<'a> {
    let mut line = Line::default();
    for section in sections {
        let needed: usize = section.iter().map(Span::width).sum();
        if line.width() + between.width() + needed > usize::from(width) {
            break;
        }
        if line.width() > 0 {
            line.push_span(between.clone());
        }
        line.extend(section);
    }
    line
}
