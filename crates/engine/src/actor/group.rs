//! Operations that a caller gives at once: they take effect at one virtual instant, one after the other, and each has an answer of its own.
//! What they begin is then under way together, and shares the syncs of the disks and the transactions of the catalog.

use std::collections::VecDeque;

use super::Actor;
use crate::handle::ReplySender;
use crate::operation::Command;
use crate::principal::Caller;
use crate::simulation::Progress;

/// Operations of one caller that are yet to be executed at the present instant. Virtual time stands still while there are any.
#[derive(Debug, Default)]
pub(super) struct Group(VecDeque<(Caller, Command, ReplySender)>);

impl Group {
    /// Creates the group of a caller's operations.
    pub(super) fn new(caller: &Caller, operations: Vec<(Command, ReplySender)>) -> Group {
        Group(operations.into_iter().map(|(command, reply)| (caller.clone(), command, reply)).collect())
    }

    /// Returns true if all operations have been executed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Actor {
    /// Executes the next operation of the group. What the one before has begun is done as far as it is at this instant: a local file is open,
    /// so that it is certain whether that one was refused.
    pub(super) fn go_on_with_group(&mut self) {
        if let Some((caller, command, reply)) = self.group.0.pop_front() {
            self.enqueue(&caller, command, reply);
        }
    }

    /// Returns true if an operation of the group is to be executed now.
    pub(super) fn has_group(&self, progress: Progress) -> bool {
        progress != Progress::Blocked && !self.group.is_empty()
    }
}
