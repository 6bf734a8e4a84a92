//! Timetable of timeouts: at most one per slot, the earliest first.

use std::collections::BTreeSet;

use p2p_base::units::SimTime;

/// Next timeout of every slot.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    entries: BTreeSet<(SimTime, usize)>,
    by_slot: Vec<Option<SimTime>>,
}

impl Timetable {
    /// Sets a slot's next timeout and replaces the previous one.
    pub(super) fn set(&mut self, slot: usize, at: Option<SimTime>) {
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, None);
        }
        let entry = &mut self.by_slot[slot];
        if *entry == at {
            return;
        }
        if let Some(old) = entry.take() {
            self.entries.remove(&(old, slot));
        }
        if let Some(new) = at {
            self.entries.insert((new, slot));
        }
        *entry = at;
    }

    /// Returns the earliest timeout of all slots.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.entries.first().map(|&(at, _)| at)
    }

    /// Takes the earliest timeout if it is due, and returns its slot.
    pub(super) fn take_due(&mut self, now: SimTime) -> Option<usize> {
        let &(_, slot) = self.entries.first().filter(|&&(at, _)| at <= now)?;
        self.set(slot, None);
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_taken_in_order_and_once() {
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
