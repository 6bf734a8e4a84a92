//! Throughput of the client's link over time, below the line of what the link carries.

use p2p_service::files::SimTime;
use p2p_service::network::{RateSeries, Snapshot};
use p2p_shell::report::{Resolution, instant_of, rate_of};

use super::svg::{Scale, px, rate_ticks, time_ticks};

/// Seconds of virtual time that the chart shows.
pub(super) const SECONDS: usize = 120;
/// Values that the table behind the chart has.
const LISTED: usize = 10;
/// Size of the picture, and the room left of and below the plot for the axes.
const SIZE: (f64, f64) = (640.0, 200.0);
const LEFT: f64 = 72.0;
const BELOW: f64 = 24.0;
const ABOVE: f64 = 10.0;

/// Tick of an axis, or a line across the plot: where, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Tick {
    pub(in crate::pages) at: String,
    pub(in crate::pages) label: String,
}

/// Chart of the rates of the client's link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Throughput {
    pub(super) seconds: usize,
    /// Points of both lines.
    pub(super) up: String,
    pub(super) down: String,
    /// Lines of what the link carries: one where both directions carry the same.
    pub(super) capacities: Vec<Tick>,
    pub(super) rates: Vec<Tick>,
    pub(super) times: Vec<Tick>,
    /// Rates of the last whole second.
    pub(super) up_now: String,
    pub(super) down_now: String,
    /// Latest values: the end of the second, and both rates.
    pub(super) rows: Vec<[String; 3]>,
}

impl Throughput {
    pub(super) fn of(snapshot: &Snapshot) -> Throughput {
        let rates = &snapshot.figures.client_rates;
        let link = snapshot.figures.topology.hosts.first().map(|host| host.link);
        // A link without a limit has no line.
        let carries = |direction: Option<u64>| direction.unwrap_or_default() as f64;
        let up = carries(link.and_then(|link| link.up.bandwidth.bytes_per_second()));
        let down = carries(link.and_then(|link| link.down.bandwidth.bytes_per_second()));
        Throughput::drawn(&rates.up, &rates.down, (up, down))
    }

    fn drawn(up: &RateSeries, down: &RateSeries, (carries_up, carries_down): (f64, f64)) -> Throughput {
        let end = up.end().as_secs_f64();
        let [ups, downs] = [up, down].map(|series| series.tail(SECONDS));
        let most = ups.iter().chain(downs).map(|&bytes| bytes as f64).fold(carries_up.max(carries_down), f64::max);
        let across = Scale { values: (end - SECONDS as f64, end), places: (LEFT, SIZE.0 - 8.0) };
        let upright = Scale { values: (0.0, most.max(1.0) * 1.05), places: (SIZE.1 - BELOW, ABOVE) };
        let tick = |at: f64, label: String| Tick { at: px(at), label };
        let capacity = |rate: f64, what: &str| tick(upright.at(rate), format!("{what} {}", rate_of(rate)));
        let capacities = match carries_up == carries_down {
            true => vec![capacity(carries_up, "link")],
            false => vec![capacity(carries_up, "uplink"), capacity(carries_down, "downlink")],
        };
        // The step is that of the whole axis, also while less time has passed than it shows.
        let times = time_ticks(end - SECONDS as f64, end).into_iter().filter(|&at| at >= 0.0);
        let rows = (0..LISTED).filter_map(|back| row(up, down, back)).collect();
        Throughput {
            seconds: SECONDS,
            up: points(ups, end, &across, &upright),
            down: points(downs, end, &across, &upright),
            capacities: capacities.into_iter().filter(|_| carries_up > 0.0).collect(),
            rates: rate_ticks(most).into_iter().map(|rate| tick(upright.at(rate), rate_of(rate))).collect(),
            times: times.map(|at| tick(across.at(at), instant_of(seconds(at), Resolution::Tenths))).collect(),
            up_now: now(up),
            down_now: now(down),
            rows,
        }
    }
}

fn seconds(at: f64) -> SimTime {
    SimTime::from_nanos((at * 1e9) as u64)
}

fn now(series: &RateSeries) -> String {
    series.latest().map_or_else(|| "-".to_owned(), |bytes| rate_of(bytes as f64))
}

/// Returns the values of the second that ended `back` seconds before the last one.
fn row(up: &RateSeries, down: &RateSeries, back: usize) -> Option<[String; 3]> {
    let of = |series: &RateSeries| {
        let tail = series.tail(back + 1);
        (tail.len() > back).then(|| rate_of(tail[0] as f64))
    };
    let end = seconds((up.end().as_secs_f64() - back as f64).max(0.0));
    Some([instant_of(end, Resolution::Tenths), of(up)?, of(down)?])
}

/// Returns the points of a line: each value in the middle of its second.
fn points(values: &[u64], end: f64, across: &Scale, upright: &Scale) -> String {
    let first = end - values.len() as f64 + 0.5;
    let point =
        |(place, &bytes): (usize, &u64)| format!("{},{}", px(across.at(first + place as f64)), px(upright.at(bytes as f64)));
    values.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_at_the_right_and_a_full_link_is_at_its_capacity() {
        let across = Scale { values: (-20.0, 100.0), places: (LEFT, SIZE.0 - 8.0) };
        let upright = Scale { values: (0.0, 105.0), places: (SIZE.1 - BELOW, ABOVE) };
        let drawn = points(&[0, 100, 0], 100.0, &across, &upright);
        let points: Vec<&str> = drawn.split(' ').collect();
        assert_eq!(points.len(), 3);
        assert!(points[0].ends_with(",176") && points[1].ends_with(&format!(",{}", px(upright.at(100.0)))), "{drawn}");
        let last: f64 = points[2].split(',').next().unwrap().parse().unwrap();
        assert!(last < 632.0 && last > 627.0, "{drawn}");
    }

    #[test]
    fn before_the_first_second_there_is_a_chart_without_a_line() {
        let none = RateSeries::default();
        let drawn = Throughput::drawn(&none, &none, (65_536.0, 65_536.0));
        assert_eq!((drawn.up.as_str(), drawn.up_now.as_str(), drawn.rows.len()), ("", "-", 0));
        assert_eq!(drawn.capacities.len(), 1);
        assert_eq!(Throughput::drawn(&none, &none, (1.0, 2.0)).capacities.len(), 2);
    }
}
