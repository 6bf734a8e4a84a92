//! End of an upload that goes on without nodes that are out of reach: others get what these were to get once their connections are given
//! up, and what they have stored once they have not confirmed it in the commit.

use p2p_base::units::SimTime;
use p2p_net::{Network, SECONDS_MAX};

use super::Gauge;
use crate::status::{Remaining, Replacement, TransferState, TransferStatus};

/// Latest seconds in which bytes passed whose rate holds for what is sent to others.
const RATE_OF: usize = 30;
/// Seconds that the commit takes once all is stored, beside what is waited for.
const COMMIT: f64 = 1.0;

impl Gauge {
    /// Returns the time that an upload takes yet without nodes that are out of reach, where the part of the others takes that long.
    pub(super) fn without(&self, net: &Network, status: &TransferStatus, others: Remaining) -> Remaining {
        let Some(rate) = self.passing_rate(net) else { return others };
        let until = |replaced: &Replacement| replaced.from.map_or(0.0, |from| from.since(net.now()).as_secs_f64());
        let open = |replaced: &Replacement| replaced.open as f64 / rate;
        let stored = status.replaced.iter().map(|replaced| replaced.stored).sum::<u64>() as f64 / rate;
        let left = status.bytes.saturating_sub(status.bytes_done + self.arrived(net)) as f64 / rate;
        let others = others.seconds().unwrap_or(left);
        let seconds = if status.state == TransferState::Committing {
            status.replaced.iter().map(until).fold(0.0, f64::max)
        } else {
            let given_up = status.replaced.iter().filter(|replaced| replaced.open > 0);
            let sent = given_up.map(|replaced| until(replaced) + open(replaced) + COMMIT).fold(others, f64::max);
            let unconfirmed = status.replaced.iter().filter(|replaced| replaced.stored > 0);
            // A node that is dead by then is not asked, and one that dies is not waited for any longer.
            let until_dead = |at: SimTime| (at.since(net.now()).as_secs_f64() - sent).max(0.0);
            let waited = |replaced: &Replacement| {
                let patience = replaced.patience.as_secs_f64();
                replaced.dead_at.map_or(patience, |at| patience.min(until_dead(at)))
            };
            sent + unconfirmed.map(waited).fold(0.0, f64::max)
        };
        Remaining::Estimated { seconds: seconds + stored + if stored > 0.0 { COMMIT } else { 0.0 } }
    }

    /// Returns the bytes per second that have passed in the latest seconds in which any have; `None` before there are any.
    fn passing_rate(&self, net: &Network) -> Option<f64> {
        let series = self.series(net);
        let latest: Vec<u64> = series.tail(SECONDS_MAX).iter().rev().copied().filter(|&bytes| bytes > 0).take(RATE_OF).collect();
        (!latest.is_empty()).then(|| latest.iter().sum::<u64>() as f64 / latest.len() as f64)
    }
}
