//! Timetable of the parties' timeouts: one entry per party, the earliest first.

use std::collections::BTreeSet;

use p2p_base::units::SimTime;

/// Next timeout of every party, by the party's number.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    entries: BTreeSet<(SimTime, usize)>,
    by_party: Vec<Option<SimTime>>,
}

impl Timetable {
    /// Sets a party's next timeout and replaces the previous one.
    pub(super) fn set(&mut self, party: usize, at: Option<SimTime>) {
        if self.by_party.len() <= party {
            self.by_party.resize(party + 1, None);
        }
        let entry = &mut self.by_party[party];
        if *entry == at {
            return;
        }
        if let Some(old) = entry.take() {
            self.entries.remove(&(old, party));
        }
        if let Some(new) = at {
            self.entries.insert((new, party));
        }
        *entry = at;
    }

    /// Returns the earliest timeout of all parties.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.entries.first().map(|&(at, _)| at)
    }

    /// Takes a party whose timeout is due.
    pub(super) fn take_due(&mut self, now: SimTime) -> Option<usize> {
        let &(_, party) = self.entries.first().filter(|&&(at, _)| at <= now)?;
        self.set(party, None);
        Some(party)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_are_called_in_order_and_once() {
        let mut table = Timetable::default();
        let at = SimTime::from_nanos;
        table.set(3, Some(at(30)));
        table.set(1, Some(at(20)));
        table.set(3, Some(at(10)));
        table.set(7, Some(at(5)));
        table.set(7, None);
        assert_eq!(table.next(), Some(at(10)));
        assert_eq!((table.take_due(at(9)), table.take_due(at(20)), table.take_due(at(20))), (None, Some(3), Some(1)));
        assert_eq!((table.take_due(at(99)), table.next()), (None, None));
    }
}
