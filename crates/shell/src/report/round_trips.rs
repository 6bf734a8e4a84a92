//! The figures of the last ten probes of a peer, as JSON fields and as cells of tables: the one place that `nodes`, `node`,
//! `health`, `ping` and the screens take them from.

use p2p_base::units::SimDuration;
use p2p_engine::node::RoundTrips;
use serde::Serialize;

use super::tables::{Column, milliseconds_of, number_column};

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
    /// Fraction of the probes that were not answered.
    pub probe_loss: f64,
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
            probe_loss: recent.loss(),
        }
    }
}

impl RoundTripReport {
    /// Returns the columns of [`cells`](Self::cells).
    pub fn columns() -> [Column; 6] {
        [
            number_column("last RTT"),
            number_column("mean RTT of 10").gives_way(2),
            number_column("best").gives_way(7),
            number_column("worst").gives_way(6),
            number_column("jitter").gives_way(8),
            number_column("lost of 10"),
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
            format!("{:.0} %", self.probe_loss * 100.0),
        ]
    }
}
