//! The engine at rest: while the simulation has no work, its thread wakes seldom, and virtual time passes in steps that commands do not
//! notice.

use std::time::Duration;

use super::{Actor, BUDGET, TICK, next_outcomes, wall_clock};
use crate::pace::Activity;
use crate::simulation::Progress;

/// Time that the thread sleeps while the simulation has no work: what happens then, such as probes, is carried out together. Nobody
/// waits for it, and its virtual instants stay what they are.
pub(super) const REST_TICK: Duration = Duration::from_millis(100);

impl Actor {
    /// Lets the time pass at rest that has passed since the latest tick, so that a command joins at the instant at which it is given, and
    /// none of that time is lost when the pace is counted anew. What takes the machine longer than a tick is left out: a command does not
    /// wait for it, but only for the real work that is under way.
    pub(super) async fn catch_up(&mut self) {
        if !self.moving || self.activity != Activity::Nothing || !self.time_passes() || self.stands_still() {
            return;
        }
        let (limit, begun) = (self.pace.allowed(self.activity).max(self.simulation.now()), wall_clock());
        loop {
            match self.simulation.advance(limit, BUDGET) {
                // No command may be applied before the outcome is there.
                Progress::Blocked => match next_outcomes(&mut self.outcomes).await {
                    Some(outcomes) => self.simulation.deliver(outcomes),
                    None => return,
                },
                Progress::Working if begun.elapsed() < TICK => {}
                Progress::Working | Progress::Reached | Progress::Still => return,
            }
        }
    }
}
