//! The header: user, time, speed, nodes, throughput, missed events and files.
//!
//! ```text
//! p2p │ alice │ 01:23.4 ▶ 1x │ nodes ● 4/5 │ ↑ 63.8 KiB/s ↓ 0 B/s │ 12 files │ 18.4 MiB
//! ```
//! The sections are omitted from the right if there is not enough room.

use p2p_engine::node::health::Health;
use p2p_service::access::Identity;
use p2p_shell::report::bytes_of;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::scene::Scene;
use super::{clock, rate_now};
use crate::tui::theme::Role;

/// Draws the header line.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let (theme, view) = (scene.theme, scene.snapshot);
    let glyphs = &theme.glyphs;
    let separator = if glyphs.is_unicode { " │ " } else { " | " };
    let count = scene.file_count;
    let alive = view.figures.nodes.iter().filter(|node| node.seen.health == Health::Alive).count();
    let (all, rates) = (view.figures.nodes.len(), &view.figures.client_rates);
    let nodes_role = if alive == all { Role::Good } else { Role::Bad };
    let glyph = if alive == all { glyphs.alive } else { glyphs.dead };
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
    let mut time = text(format!("{} ", clock(view.at.as_secs_f64())), Role::Text);
    time.extend(text(pace, pace_role));
    sections.extend([
        time,
        text(format!("nodes {glyph} {alive}/{all}"), nodes_role),
        text(format!("{} {} {} {}", glyphs.up, rate_now(&rates.up), glyphs.down, rate_now(&rates.down)), Role::Flow),
    ]);
    if view.figures.is_capturing {
        sections.push(text("REC".into(), Role::Bad));
    }
    if scene.events_lost > 0 {
        sections.push(text(format!("{} events missed", scene.events_lost), Role::Warning));
    }
    sections.extend([format!("{} files", count.files), bytes_of(count.bytes)].map(|part| text(part, Role::Text)));
    let between = Span::styled(separator, theme.style(Role::Border));
    fitting(sections, &between, area.width).render(area, buffer);
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
