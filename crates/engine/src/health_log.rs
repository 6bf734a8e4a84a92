//! Log lines about the nodes' health, which sum up many changes in one line.
//!
//! On a lossy network nodes change between ALIVE, SUSPECT and DEAD for as long as virtual time passes, thousands of times in a
//! second of the wall clock. The first change is logged at once as a line with the totals, later ones in at most one line every
//! ten seconds; every single change is logged at the level `debug`.

use std::collections::BTreeMap;
use std::time::Duration;

use p2p_store::manifest::NodeNumber;

use super::event::Event;
use crate::node::health::Health;

/// Shortest time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Health changes that have not been logged yet.
#[derive(Debug, Default)]
pub(super) struct HealthLog {
    /// Nodes that are not alive.
    ailing: BTreeMap<NodeNumber, Health>,
    changes: u64,
    /// Time of the last line, since the start of the engine.
    told_at: Option<Duration>,
}

impl HealthLog {
    /// Counts an event if it is a change of a node's health.
    pub(super) fn note(&mut self, event: &Event) {
        if let Event::HealthChanged { node, to, .. } = event {
            self.changes += 1;
            match to {
                Health::Alive => self.ailing.remove(node),
                other => self.ailing.insert(*node, *other),
            };
        }
    }

    /// Returns the line that is due `now` after the engine was started, if any.
    pub(super) fn due(&mut self, now: Duration) -> Option<String> {
        if self.told_at.is_some_and(|at| now.saturating_sub(at) < INTERVAL) {
            return None;
        }
        let line = self.rest()?;
        self.told_at = Some(now);
        Some(line)
    }

    /// Returns a line about the changes that have not been logged, if any.
    pub(super) fn rest(&mut self) -> Option<String> {
        let changes = std::mem::take(&mut self.changes);
        let of = |health| self.ailing.values().filter(|&&ailing| ailing == health).count();
        let (dead, suspect) = (of(Health::Dead), of(Health::Suspect));
        let times = if changes == 1 { "once".to_owned() } else { format!("{changes} times") };
        (changes > 0).then(|| format!("health changed {times}: {dead} DEAD and {suspect} SUSPECT now"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(index: usize, from: Health, to: Health) -> Event {
        Event::HealthChanged { node: NodeNumber::from_index(index), from, to, missed: 3 }
    }

    #[test]
    fn many_changes_are_one_line() {
        let (mut log, start) = (HealthLog::default(), Duration::from_secs(5));
        assert_eq!(log.due(start), None);
        log.note(&change(0, Health::Alive, Health::Suspect));
        assert_eq!(log.due(start).unwrap(), "health changed once: 0 DEAD and 1 SUSPECT now");
        for round in 0..1_000 {
            log.note(&change(round % 7, Health::Suspect, Health::Dead));
            log.note(&change(0, Health::Dead, Health::Alive));
            assert_eq!(log.due(start + Duration::from_secs(9)), None);
        }
        let line = "health changed 2000 times: 6 DEAD and 0 SUSPECT now";
        assert_eq!(log.due(start + Duration::from_secs(10)).unwrap(), line);
        assert_eq!(log.rest(), None);
    }
}
