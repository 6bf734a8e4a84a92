//! The header: user, time, speed, nodes, throughput, files; and how many events were missed.
//!
//! ```text
//! p2p │ alice │ 01:23.4 ▶ 1x │ nodes ● 4/5 │ ↑ 63.8 KiB/s ↓ 0 B/s │ 12 files · 18.4 MiB
//! ```
//! Knows nothing of the panes below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::clock;
use crate::access::Who;
use crate::node::health::Health;
use crate::report::{bytes_of, rate_of};
use crate::tui::app::App;
use crate::tui::theme::Role;

/// Draws it.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let (theme, view) = (&app.theme, &app.view);
    let glyphs = &theme.glyphs;
    let separator = if glyphs.is_unicode { " │ " } else { " | " };
    let between = || Span::styled(separator, theme.style(Role::Border));
    let count = app.file_count();
    let alive = view.nodes.iter().filter(|node| node.seen.health == Health::Alive).count();
    let (all, up, down) = (view.nodes.len(), app.client_rates.0.latest(), app.client_rates.1.latest());
    let nodes_role = if alive == all { Role::Good } else { Role::Bad };
    let glyph = if alive == all { glyphs.alive } else { glyphs.dead };
    let (pace, pace_role) = match (app.frozen, view.paused) {
        (true, _) => ("FROZEN".to_owned(), Role::Warning),
        (_, true) => (format!("{} PAUSED", glyphs.pause), Role::Warning),
        _ => (format!("{} {}", glyphs.play, view.speed), Role::Text),
    };
    let user = match &**app.who() {
        Who::Operator => None,
        Who::Nobody => Some(("not logged in", Role::Warning)),
        Who::User(account) => Some((account.name.as_str(), Role::Text)),
    };
    let mut spans = vec![
        Span::styled(" p2p", theme.style(Role::Accent)),
        between(),
        Span::styled(format!("{} ", clock(view.at.as_secs_f64())), theme.style(Role::Text)),
        Span::styled(pace, theme.style(pace_role)),
        between(),
        Span::styled(format!("nodes {glyph} {alive}/{all}"), theme.style(nodes_role)),
        between(),
        Span::styled(format!("{} {} {} {}", glyphs.up, rate_of(up), glyphs.down, rate_of(down)), theme.style(Role::Flow)),
        between(),
        Span::styled(format!("{} files {} {}", count.files, glyphs.dot, bytes_of(count.bytes)), theme.style(Role::Text)),
    ];
    if let Some((user, role)) = user {
        spans.splice(2..2, [Span::styled(user.to_owned(), theme.style(role)), between()]);
    }
    if app.events_lost > 0 {
        spans.extend([between(), Span::styled(format!("{} events missed", app.events_lost), theme.style(Role::Warning))]);
    }
    Line::from(spans).render(area, buffer);
}
