//! The round trips between two hosts over time, as the probes of one by the other have measured them, with those that were lost as marks.

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::node::ProbeRecord;
use p2p_engine::node::health::PeerHealth;
use p2p_engine::snapshot::Peer;
use p2p_shell::report::{count_of, milliseconds_of};
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::told_of_path;
use crate::tui::panes::plot::{Curve, Marks, Plot, round_top};
use crate::tui::panes::scene::Scene;
use crate::tui::panes::{Canvas, health_style};
use crate::tui::theme::{Role, Theme};

/// Spans of the chart in seconds with their names: the first one that has all probes is taken.
const SPANS: [(u64, &str); 6] =
    [(60, "-60 s"), (120, "-2 min"), (300, "-5 min"), (600, "-10 min"), (1_800, "-30 min"), (3_600, "-60 min")];

/// Draws what is known of a path, and the chart below it.
pub fn draw(scene: &Scene<'_>, (from, to): (Peer, Peer), canvas: &mut Canvas<'_>) {
    let health = &scene.snapshot.figures.health;
    let seen = health.seen(from, to).filter(|seen| seen.probes > 0);
    let mut rows = match &seen {
        Some(seen) => facts(scene.theme, seen),
        None => vec![vec![Span::styled(format!("{from} has not probed {to} so far."), scene.theme.style(Role::Dim))]],
    };
    let told = told_of_path(scene, from, to);
    rows.extend((!told.is_empty()).then(|| fact(scene.theme, "faults", told, Role::Warning)));
    let used = rows.len() as u16 + 1;
    for (place, row) in rows.into_iter().enumerate() {
        canvas.row(place, row);
    }
    let area = canvas.area;
    let below = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    if seen.is_some() {
        plot(scene.theme, &health.probes(from, to), scene.snapshot.figures.at).draw(scene.theme, &mut canvas.part(below));
    }
}

/// Returns a row of the figures with its name.
fn fact(theme: &Theme, name: &str, text: String, role: Role) -> Vec<Span<'static>> {
    vec![Span::styled(format!("{name:<10}"), theme.style(Role::Dim)), Span::styled(text, theme.style(role))]
}

/// Returns the figures of the probes in words.
fn facts(theme: &Theme, seen: &PeerHealth) -> Vec<Vec<Span<'static>>> {
    let millis = |time: Option<SimDuration>| milliseconds_of(time.map(SimDuration::as_secs_f64));
    let (recent, (glyph, style)) = (&seen.recent, health_style(theme, seen.health));
    let last = format!("   last round trip {}", millis(recent.last));
    let health = vec![
        Span::styled(format!("{:<10}", "health"), theme.style(Role::Dim)),
        Span::styled(format!("{glyph} {}", seen.health.name()), style),
        Span::styled(last, theme.style(Role::Text)),
    ];
    let ten = format!(
        "lost {} of {}, mean {}, worst {}, best {}, jitter {}",
        recent.probes - recent.answers,
        recent.probes,
        millis(recent.average),
        millis(recent.worst),
        millis(recent.best),
        millis(recent.jitter)
    );
    let lost = seen.probes - seen.answers;
    let all = format!("{}, {lost} lost ({:.1} %)", count_of(seen.probes, "probe"), 100.0 * lost as f64 / seen.probes as f64);
    vec![health, fact(theme, "last 10", ten, Role::Text), fact(theme, "so far", all, Role::Text)]
}

/// Returns the chart of probes.
fn plot(theme: &Theme, probes: &[ProbeRecord], now: SimTime) -> Plot {
    let oldest = probes.first().map_or(SimDuration::ZERO, |probe| now - probe.sent_at.min(now));
    let fitting = SPANS.into_iter().find(|(seconds, _)| SimDuration::from_secs(*seconds) >= oldest);
    let (seconds, from_label) = fitting.unwrap_or(SPANS[SPANS.len() - 1]);
    let place = |at: SimTime| 1.0 - (now - at.min(now)).as_secs_f64() / seconds as f64;
    let steps = probes.iter().map(|probe| (place(probe.sent_at), probe.round_trip.map(SimDuration::as_millis_f64))).collect();
    let curves = vec![Curve { name: "round trip", letter: 'r', role: Role::Accent, steps }];
    let lost = probes.iter().filter(|probe| probe.round_trip.is_none());
    let top = round_top(&curves);
    Plot {
        title: format!("round trip of {}", count_of(probes.len() as u64, "probe")),
        top,
        top_label: format!("{top:.0} ms"),
        from_label: from_label.into(),
        to_label: "now".into(),
        level: None,
        curves,
        marks: Some(Marks { glyph: theme.glyphs.dead, name: "lost", at: lost.map(|probe| place(probe.sent_at)).collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::ThemeName;

    /// The span is the shortest one that has all probes; what is lost is a mark at its time and a gap in the curve.
    #[test]
    fn each_probe_has_its_place() {
        let at = |seconds: u64| SimTime::ZERO + SimDuration::from_secs(seconds);
        let probe =
            |second, millis: Option<u64>| ProbeRecord { sent_at: at(second), round_trip: millis.map(SimDuration::from_millis) };
        let probes = [probe(40, Some(30)), probe(70, None), probe(85, Some(12))];
        let theme = Theme::new(ThemeName::Dark, false);
        let chart = plot(&theme, &probes, at(100));
        assert_eq!((chart.from_label.as_str(), chart.top, chart.top_label.as_str()), ("-60 s", 50.0, "50 ms"));
        assert_eq!(chart.curves[0].steps, [(0.0, Some(30.0)), (0.5, None), (0.75, Some(12.0))]);
        assert_eq!(chart.marks.unwrap().at, [0.5]);
        assert_eq!(plot(&theme, &probes, at(101)).from_label, "-2 min");
        assert_eq!(plot(&theme, &probes, at(90_000)).from_label, "-60 min");
    }
}
