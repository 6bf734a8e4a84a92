//! Clients that hold virtual time up, and for how long.
//!
//! A machine that simulates as fast as it can may well be faster than the client that gives or takes the content of a transfer. Would
//! time run on while the transfer lacks nothing but the client's next bytes, its figures would tell how busy the machine was. So time
//! passes no faster than the client's own meanwhile, which is real time, for [`Patience::client`] at most until the client gives or takes
//! something: it may itself wait for what is under way. That goes on as fast as it may then, and once nothing is under way any more,
//! the transfer is idle and time passes in real time again.
//!
//! Others pay for it in wall-clock time. Beside them all clients together are waited for, but for [`Patience::others`], no longer than time has
//! passed at the speed of the others: those are slowed to half at most. Who is not waited for is looked at more often.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Actor, BUDGET, wall_clock};
use crate::config::Patience;
use crate::pace::{Activity, Hurry};
use crate::simulation::Progress;
use crate::transfer::TransferId;

/// Number of simulation steps between two looks at the streams of clients that are not waited for: their transfers lose the virtual time
/// in between.
const BUDGET_BESIDE: u32 = 8;

/// Client that gives or takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Client {
    /// Number of times that it had been heard of.
    heard: u64,
    /// Instant at which it was found to give or take nothing.
    since: Instant,
}

/// Record of the clients that hold time up.
#[derive(Debug)]
pub(super) struct Holding {
    patience: Patience,
    clients: BTreeMap<TransferId, Client>,
    /// Time for which others have waited beyond that for which they have not.
    owed: Duration,
    /// Instant of the latest look, and true if others wait since.
    latest: (Instant, bool),
}

impl Holding {
    /// Returns a record of no client.
    pub(super) fn new(now: Instant, patience: Patience) -> Holding {
        Holding { patience, clients: BTreeMap::new(), owed: Duration::ZERO, latest: (now, false) }
    }

    /// Returns true if a transfer would ask for more, but for its client.
    fn is_any(&self) -> bool {
        !self.clients.is_empty()
    }

    /// Notes which transfers are held up and how often their clients have been heard of, and returns what the simulation is at: it is
    /// held up, also beside what else there is to do, only while clients are waited for.
    fn judge(&mut self, now: Instant, activity: Activity, held_up: impl Iterator<Item = (TransferId, u64)>) -> Activity {
        let before = std::mem::take(&mut self.clients);
        self.clients.extend(held_up.map(|(id, heard)| {
            let known = before.get(&id).copied().filter(|client| client.heard == heard);
            (id, known.unwrap_or(Client { heard, since: now }))
        }));
        let (latest, others_wait) = self.latest;
        let elapsed = now.duration_since(latest);
        self.owed = if others_wait { self.owed + elapsed } else { self.owed.saturating_sub(elapsed) };
        let is_waited_for = |client: &Client| now.duration_since(client.since) < self.patience.client;
        let wait = self.clients.values().any(is_waited_for);
        let others_wait = wait && activity == Activity::Busy && self.owed < self.patience.others;
        self.latest = (now, others_wait);
        match activity {
            Activity::Busy if others_wait => Activity::HeldUp,
            Activity::HeldUp if !wait => Activity::Busy,
            activity => activity,
        }
    }
}

impl Actor {
    /// Finds out what the simulation is at. If time passes at another speed from now on, or work begins or ends, the pace counts from
    /// here: what the machine was late with at another speed is not made up for.
    fn look_at_activity(&mut self) {
        let held_up = self.simulation.held_up();
        let activity = self.holding.judge(wall_clock(), self.simulation.activity(), held_up);
        let before = std::mem::replace(&mut self.activity, activity);
        let is_other_work = (before == Activity::Nothing) != (activity == Activity::Nothing);
        if !std::mem::replace(&mut self.moving, true) || is_other_work || self.pace.differs_between(before, activity) {
            self.pace.restart(self.simulation.now());
        }
    }

    /// Lets the simulation go on as far as the pace allows.
    pub(super) fn advance(&mut self) -> Progress {
        if !self.time_passes() {
            self.moving = false;
            // The command has taken effect; events that follow from it at this same instant may still be executed.
            return self.simulation.advance(self.simulation.now(), BUDGET);
        }
        self.look_at_activity();
        let limit = self.simulation.step_limit().unwrap_or_else(|| self.pace.allowed(self.activity));
        let budget = match self.pace.hurry() {
            // One step at a time, so that the configured speed applies again as soon as everything is undone.
            Hurry::Undoing => 1,
            _ if self.holding.is_any() => BUDGET_BESIDE,
            _ => BUDGET,
        };
        let progress = self.simulation.advance(limit.max(self.simulation.now()), budget);
        self.pace.note(self.simulation.now());
        // The thread waits at the speed that follows from it.
        self.look_at_activity();
        progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const PATIENCE: Patience = Patience { client: Duration::from_millis(100), others: Duration::from_secs(1) };

    fn start() -> (Holding, Instant) {
        let now = wall_clock();
        (Holding::new(now, PATIENCE), now)
    }

    fn held(heard: &[u64]) -> impl Iterator<Item = (TransferId, u64)> {
        (1..).map(TransferId).zip(heard.iter().copied())
    }

    /// A client is waited for for a moment, alone and beside others, and again after it has given something.
    #[test]
    fn a_client_is_waited_for_for_a_moment() {
        let (mut holding, mut now) = start();
        assert_eq!(holding.judge(now, Activity::Busy, held(&[])), Activity::Busy);
        for (heard, activity) in [(0, Activity::HeldUp), (1, Activity::Busy), (2, Activity::HeldUp)] {
            assert_eq!(holding.judge(now, activity, held(&[heard])), Activity::HeldUp);
            assert_eq!(holding.judge(now + PATIENCE.client - MS, activity, held(&[heard])), Activity::HeldUp);
            now += PATIENCE.client;
            assert_eq!(holding.judge(now, activity, held(&[heard])), Activity::Busy);
            assert_eq!(holding.judge(now, Activity::Idle, held(&[heard])), Activity::Idle);
            assert!(holding.is_any());
        }
        assert_eq!(holding.judge(now, Activity::Nothing, held(&[])), Activity::Nothing);
        assert!(!holding.is_any());
    }

    /// Clients that never give anything are waited for together, and their number costs others nothing.
    #[test]
    fn many_are_waited_for_no_longer_than_one() {
        let (mut holding, now) = start();
        let all = [0; 50];
        assert_eq!(holding.judge(now, Activity::Busy, held(&all)), Activity::HeldUp);
        assert_eq!(holding.judge(now + PATIENCE.client, Activity::Busy, held(&all)), Activity::Busy);
        assert_eq!(holding.judge(now + PATIENCE.client * 100, Activity::Busy, held(&all)), Activity::Busy);
    }

    /// A client that gives a little whenever its time is nearly up slows others to half, and no further.
    #[test]
    fn others_are_slowed_to_half_at_most() {
        let (mut holding, mut now) = start();
        let (mut waited, mut all) = (Duration::ZERO, Duration::ZERO);
        for step in 0..10_000 {
            // The thread sleeps while time is held up, and steps are short otherwise.
            let wait = holding.judge(now, Activity::Busy, held(&[step])) == Activity::HeldUp;
            let span = if wait { MS * 30 } else { MS };
            now += span;
            all += span;
            waited += if wait { span } else { Duration::ZERO };
        }
        assert!(waited * 2 <= all + PATIENCE.others + MS * 60, "{waited:?} of {all:?}");
        assert!(waited * 3 >= all, "{waited:?} of {all:?}");
    }
}
