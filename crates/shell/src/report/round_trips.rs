//! The figures of the last ten probes of a peer, as JSON fields and as cells of tables: the one place that `nodes`, `node`,
//! `health`, `ping` and the screens take them from.

use p2p_base::units::SimDuration;
use p2p_engine::node::RoundTrips;
use serde::Serialize;

use super::tables::{Column, milliseconds_of, number_column};

/// Longest round trip that front ends show as good.
pub const GOOD_ROUND_TRIP: SimDuration = SimDuration::from_millis(100);
/// Longest round trip that front ends show as fair; longer ones are bad.
pub const FAIR_ROUND_TRIP: SimDuration = SimDuration::from_millis(1_000);

/// Figures of the last ten probes of a peer. Times are in seconds; absent if no probe was answered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RoundTripReport {
    /// Mean round-trip time.
    pub round_trip_seconds: Option<f64>,
    /// Round-trip time of the last answered probe, which may be an earlier one than the last ten.
    pub last_round_trip_seconds: Option<f64>,
    /// Shortest round-trip time.
    pub best_round_trip_seconds: Option<f64>,
    /// Longest round-trip time.
    pub worst_round_trip_seconds: Option<f64>,
    /// Mean difference between one round-trip time and the next; absent if fewer than two probes were answered.
    pub jitter_seconds: Option<f64>,
    /// Fraction of the probes that were not answered; absent before the first one was answered or has timed out.
    pub probe_loss: Option<f64>,
    /// Number of probes that the figures are computed from: ten at the most.
    #[serde(skip)]
    probes: u32,
    /// Number of these probes that were not answered.
    #[serde(skip)]
    lost: u32,
}

impl From<&RoundTrips> for RoundTripReport {
    fn from(recent: &RoundTrips) -> RoundTripReport {
        let seconds = |time: Option<SimDuration>| time.map(SimDuration::as_secs_f64);
        RoundTripReport {
            round_trip_seconds: seconds(recent.average),
            last_round_trip_seconds: seconds(recent.last),
            best_round_trip_seconds: seconds(recent.best),
            worst_round_trip_seconds: seconds(recent.worst),
            jitter_seconds: seconds(recent.jitter),
            probe_loss: (recent.probes > 0).then(|| recent.loss()),
            probes: recent.probes,
            lost: recent.probes - recent.answers,
        }
    }
}

impl RoundTripReport {
    /// Returns the columns of [`cells`](Self::cells).
    pub fn columns() -> [Column; 6] {
        [
            number_column("last RTT"),
            number_column("mean RTT").gives_way(2),
            number_column("best").gives_way(7),
            number_column("worst").gives_way(6),
            number_column("jitter").gives_way(8),
            number_column("lost"),
        ]
    }

    /// Returns the figures as the cells of a row.
    pub fn cells(&self) -> [String; 6] {
        [
            milliseconds_of(self.last_round_trip_seconds),
            milliseconds_of(self.round_trip_seconds),
            milliseconds_of(self.best_round_trip_seconds),
            milliseconds_of(self.worst_round_trip_seconds),
            milliseconds_of(self.jitter_seconds),
            self.lost_of(),
        ]
    }

    /// Formats how many of the probes were lost, and of how many, as in `1 of 3`; `-` before the fate of any is known.
    fn lost_of(&self) -> String {
        if self.probes == 0 { "-".into() } else { format!("{} of {}", self.lost, self.probes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share that is lost stands beside the number of probes of which it is one, and nothing is said before there is any.
    #[test]
    fn what_is_lost_is_told_of_the_probes_that_there_were() {
        let cells = |probes, answers| {
            let report = RoundTripReport::from(&RoundTrips { probes, answers, ..RoundTrips::default() });
            (report.cells()[5].clone(), report.probe_loss)
        };
        assert_eq!(cells(0, 0), ("-".into(), None));
        assert_eq!(cells(3, 2), ("1 of 3".into(), Some(1.0 / 3.0)));
        assert_eq!(cells(10, 10), ("0 of 10".into(), Some(0.0)));
    }
}
