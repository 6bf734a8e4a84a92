//! The rate chart: what the link of the transfer's host carries in the transfer's direction, and what of it the transfer is, on the scale of what the
//! link can carry.

use p2p_base::units::SimTime;
use p2p_engine::transfer::{Direction, TransferReport};
use p2p_net::{MTU, RateSeries};
use p2p_shell::report::rate_of;

use crate::tui::panes::capacity_of;
use crate::tui::panes::plot::{Curve, Plot};
use crate::tui::panes::scene::Scene;
use crate::tui::theme::Role;

/// Time span of the chart in seconds.
const SECONDS: usize = 60;

/// Returns the chart of a transfer.
pub(super) fn plot(scene: &Scene<'_>, report: &TransferReport) -> Plot {
    let (theme, figures) = (scene.theme, &scene.snapshot.figures);
    let is_up = report.status.direction != Direction::Download;
    let host = report.status.host;
    let of_node = host.node().and_then(|node| figures.nodes.get(node.index()));
    let rates = of_node.map_or(&figures.client_rates, |node| &node.rates);
    let series = if is_up { &rates.up } else { &rates.down };
    let capacity = capacity_of(scene, host, is_up);
    let curve = |name, letter, role, series: &RateSeries| Curve { name, letter, role, steps: steps(series, figures.at) };
    let curves = vec![curve("link", 'l', Role::Dim, series), curve("arrived", 'a', Role::Flow, &report.rates)];
    let values = curves.iter().flat_map(|curve| curve.steps.iter()).filter_map(|(_, value)| *value);
    let top = top_of(capacity, values.fold(1.0, f64::max));
    Plot {
        title: format!("{host} {}", if is_up { theme.glyphs.up } else { theme.glyphs.down }),
        top,
        top_label: rate_of(top),
        from_label: format!("-{SECONDS} s"),
        to_label: "now".into(),
        level: capacity.map(|rate| (rate, format!("capacity {}", rate_of(rate)))),
        curves,
        marks: None,
    }
}

/// Returns the top of the scale for values of at most `most`: the capacity, unless the link has carried more than that, as one that was
/// faster before. A second in which one packet more has ended than fits into it is no sign of that.
fn top_of(capacity: Option<f64>, most: f64) -> f64 {
    capacity.filter(|capacity| most <= capacity + f64::from(MTU)).unwrap_or(most)
}

/// Returns the latest seconds of a series as steps in the span before `now`.
fn steps(series: &RateSeries, now: SimTime) -> Vec<(f64, Option<f64>)> {
    let values = series.tail(SECONDS);
    let second = |place: usize| series.end().as_secs_f64() - (values.len() - place) as f64;
    let place_of = |seconds: f64| 1.0 - (now.as_secs_f64() - seconds) / SECONDS as f64;
    let steps = values.iter().enumerate().map(|(place, &bytes)| (place_of(second(place)), Some(bytes as f64)));
    // The second that has begun is not known yet, and after the end of a transfer there is nothing to know.
    let end = (!values.is_empty()).then(|| (place_of(series.end().as_secs_f64()), None));
    steps.chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_that_of_the_capacity() {
        let capacity = Some(65_536.0);
        assert_eq!([30_000.0, 65_536.0, 67_000.0].map(|most| top_of(capacity, most)), [65_536.0; 3]);
        assert_eq!([top_of(capacity, 67_100.0), top_of(None, 5e6)], [67_100.0, 5e6]);
    }
}
