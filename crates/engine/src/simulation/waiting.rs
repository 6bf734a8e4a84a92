//! Commands that wait for their answers, by what they wait for.
//!
//! Many commands may wait for transfers or sleep. They are indexed by the transfer and by the instant, so that an instant at which
//! none of them is answered costs nothing for them, however many they are. The others are few and are asked one by one.

use std::collections::{BTreeMap, BTreeSet};

use p2p_base::units::SimTime;

use super::CommandId;
use super::edges::Opening;
use super::faults::AwaitedProcess;
use super::names::NameChange;
use super::uploads::Resuming;
use crate::io::JobId;
use crate::principal::Principal;
use crate::transfer::TransferId;

/// Condition that a waiting command waits for.
#[derive(Debug)]
pub(super) enum Waiting {
    Transfer(TransferId),
    Until(SimTime),
    HealthCheck,
    /// The given instant, or the next event after so many events, whichever comes first.
    Step {
        until: SimTime,
        events: Option<u64>,
    },
    Shutdown,
    /// The end of all connections, at the latest the given instant.
    Closing(SimTime),
    /// The manifest of a file, from a catalog job.
    Manifest(JobId, Principal),
    /// The local file of a transfer, from a job that opens or creates it.
    Opening(JobId, Box<Opening>),
    /// The kept upload that is to be continued, from a catalog job.
    Resuming(JobId, Box<Resuming>),
    /// The catalog's confirmation of a change of names, directories or readers.
    NameChange {
        job: JobId,
        change: NameChange,
    },
    /// The end of all transfers of files without an owner, after which these files can be given to a user.
    Adoption {
        owner: String,
    },
    /// The end or the start of processes of nodes.
    Process(AwaitedProcess),
    /// The catalog's confirmation that the files have a new owner.
    Adopting {
        job: JobId,
        owner: String,
    },
}

/// Waiting commands.
#[derive(Debug, Default)]
pub(super) struct WaitingCommands {
    /// Commands that wait for the end of each transfer.
    transfers: BTreeMap<TransferId, Vec<CommandId>>,
    /// Commands that sleep, the first to wake first.
    sleepers: BTreeSet<(SimTime, CommandId)>,
    /// Commands that wait for something else, in the order of their arrival.
    others: Vec<(CommandId, Waiting)>,
}

impl WaitingCommands {
    pub(super) fn add(&mut self, command: CommandId, what: Waiting) {
        match what {
            Waiting::Transfer(transfer) => self.transfers.entry(transfer).or_default().push(command),
            Waiting::Until(at) => drop(self.sleepers.insert((at, command))),
            other => self.others.push((command, other)),
        }
    }

    /// Returns the commands that wait neither for a transfer nor for an instant alone.
    pub(super) fn others(&self) -> &[(CommandId, Waiting)] {
        &self.others
    }

    /// Returns what the command at this index of [`others`](Self::others) waits for.
    pub(super) fn other(&self, index: usize) -> &Waiting {
        &self.others[index].1
    }

    /// Sets what the command at this index of [`others`](Self::others) waits for from now on.
    pub(super) fn set_other(&mut self, index: usize, what: Waiting) {
        self.others[index].1 = what;
    }

    /// Removes and returns the command at this index of [`others`](Self::others).
    pub(super) fn take_other(&mut self, index: usize) -> CommandId {
        self.others.remove(index).0
    }

    /// Returns the transfers whose end is waited for.
    pub(super) fn transfers(&self) -> impl Iterator<Item = &TransferId> {
        self.transfers.keys()
    }

    /// Removes and returns the commands that wait for the end of a transfer, in the order of their arrival.
    pub(super) fn take_for(&mut self, transfer: TransferId) -> Vec<CommandId> {
        self.transfers.remove(&transfer).unwrap_or_default()
    }

    /// Removes and returns the next command that has slept until `now`.
    pub(super) fn take_awake(&mut self, now: SimTime) -> Option<CommandId> {
        self.sleepers.first().filter(|(at, _)| *at <= now)?;
        self.sleepers.pop_first().map(|(_, command)| command)
    }

    /// Returns true if a command sleeps.
    pub(super) fn is_any_asleep(&self) -> bool {
        !self.sleepers.is_empty()
    }

    /// Returns true if a command waits for the end of the connections, which the network does not announce.
    pub(super) fn is_any_closing(&self) -> bool {
        self.others.iter().any(|(_, waiting)| matches!(waiting, Waiting::Closing(_)))
    }

    /// Returns true if a transfer begins once its local file is open.
    pub(super) fn is_any_opening(&self) -> bool {
        self.others.iter().any(|(_, waiting)| matches!(waiting, Waiting::Opening(..)))
    }

    /// Returns true if a command waits. Adoptions do not count: virtual time does not pass for their sake.
    pub(super) fn is_any_awaited(&self) -> bool {
        let counts = |(_, waiting): &(CommandId, Waiting)| !matches!(waiting, Waiting::Adoption { .. });
        !self.transfers.is_empty() || !self.sleepers.is_empty() || self.others.iter().any(counts)
    }

    /// Returns the earliest instant for which a command waits.
    pub(super) fn next_due(&self) -> Option<SimTime> {
        let instants = self.others.iter().filter_map(|(_, waiting)| match waiting {
            Waiting::Step { until: at, .. } | Waiting::Closing(at) => Some(*at),
            _ => None,
        });
        instants.chain(self.sleepers.first().map(|&(at, _)| at)).min()
    }

    /// Removes and returns all commands but the adoptions, in the order of their arrival.
    pub(super) fn take_all(&mut self) -> Vec<CommandId> {
        let is_taken = |(_, waiting): &mut (CommandId, Waiting)| !matches!(waiting, Waiting::Adoption { .. });
        let others: Vec<CommandId> = self.others.extract_if(.., is_taken).map(|(command, _)| command).collect();
        let sleepers = std::mem::take(&mut self.sleepers).into_iter().map(|(_, command)| command);
        let waiters = std::mem::take(&mut self.transfers).into_values().flatten();
        let mut all: Vec<CommandId> = others.into_iter().chain(sleepers).chain(waiters).collect();
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u64]) -> Vec<CommandId> {
        numbers.iter().copied().map(CommandId).collect()
    }

    #[test]
    fn each_command_is_taken_once_and_by_its_cause() {
        let (at, transfer) = (SimTime::from_nanos, TransferId);
        let mut waiting = WaitingCommands::default();
        waiting.add(CommandId(1), Waiting::Until(at(30)));
        waiting.add(CommandId(2), Waiting::Transfer(transfer(7)));
        waiting.add(CommandId(3), Waiting::HealthCheck);
        waiting.add(CommandId(4), Waiting::Until(at(10)));
        waiting.add(CommandId(5), Waiting::Transfer(transfer(7)));
        waiting.add(CommandId(6), Waiting::Transfer(transfer(8)));
        waiting.add(CommandId(7), Waiting::Adoption { owner: "a".into() });
        assert_eq!((waiting.next_due(), waiting.others().len()), (Some(at(10)), 2));
        assert_eq!(
            (waiting.take_awake(at(9)), waiting.take_awake(at(10)), waiting.take_awake(at(10))),
            (None, Some(CommandId(4)), None)
        );
        assert_eq!((waiting.take_for(transfer(7)), waiting.take_for(transfer(7))), (ids(&[2, 5]), Vec::new()));
        assert!(waiting.is_any_awaited());
        assert_eq!((waiting.take_all(), waiting.is_any_awaited()), (ids(&[1, 3, 6]), false));
        assert_eq!(waiting.others().len(), 1, "an adoption goes on waiting");
    }

    #[test]
    fn a_step_and_a_closing_are_due_at_their_instants() {
        let at = SimTime::from_nanos;
        let mut waiting = WaitingCommands::default();
        waiting.add(CommandId(1), Waiting::Step { until: at(50), events: None });
        assert_eq!((waiting.next_due(), waiting.is_any_closing()), (Some(at(50)), false));
        waiting.set_other(0, Waiting::Closing(at(40)));
        assert_eq!((waiting.next_due(), waiting.is_any_closing()), (Some(at(40)), true));
        assert_eq!((waiting.take_other(0), waiting.next_due()), (CommandId(1), None));
    }
}
