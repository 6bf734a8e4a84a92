//! A removal: a file becomes invisible in one transaction, and then its segments go.
//!
//! After the transaction the file is gone, whatever happens; a node that cannot be reached loses its segments at the next
//! start. Knows nothing of connections.

use std::sync::Arc;

use super::{Direction, Input, Part, TransferError, TransferId, TransferLog, TransferState, Unanswered};
use crate::engine::event::Event;
use crate::engine::io::Outcome;
use crate::engine::world::World;
use crate::storage::manifest::FileRecord;

/// A removal under way.
#[derive(Debug)]
pub(in crate::engine) struct Removal {
    id: TransferId,
    pub(in crate::engine) log: TransferLog,
    /// Nodes that have not deleted yet.
    waiting: Unanswered,
}

impl Removal {
    /// Begins to remove a file.
    pub(in crate::engine) fn start(world: &mut World, id: TransferId, user: Option<String>, file: &FileRecord) -> Removal {
        let key = file.key.clone();
        let log = TransferLog::new(id, Direction::Removal, user, &key, (file.size, file.segments), world.now());
        world.emit(log.started());
        world.submit_catalog(id, move |catalog| Outcome::FileRemoved(catalog.remove_file(&key)));
        Removal { id, log, waiting: Unanswered::default() }
    }

    /// Takes in what happened.
    pub(in crate::engine) fn handle(&mut self, world: &mut World, input: Input) {
        match input {
            Input::Done(Outcome::FileRemoved(Ok(garbage))) => {
                let file = self.log.status.file.clone();
                Arc::make_mut(&mut world.files).remove(&file);
                world.emit(Event::FileRemoved { file });
                self.waiting = world.delete_garbage(self.id, garbage);
                self.finish_when_deleted(world);
            }
            Input::Done(Outcome::FileRemoved(Err(error))) => self.fail(world, error.into()),
            Input::Done(Outcome::Crashed(reason)) => self.fail(world, TransferError::Internal(reason)),
            Input::Answered { part: Part::Delete, node, .. } | Input::Unreachable { part: Part::Delete, node, .. } => {
                self.waiting.settle(node);
                self.finish_when_deleted(world);
            }
            _ => {}
        }
    }

    fn finish_when_deleted(&mut self, world: &mut World) {
        if !self.waiting.is_empty() {
            return;
        }
        let status = &mut self.log.status;
        (status.bytes_done, status.segments_done) = (status.bytes, status.segments);
        self.log.finish(TransferState::Done, None, world.now());
        world.emit(self.log.finished());
    }

    fn fail(&mut self, world: &mut World, error: TransferError) {
        self.log.finish(TransferState::Failed, Some(error.clone()), world.now());
        world.emit(self.log.failed(error));
    }
}
