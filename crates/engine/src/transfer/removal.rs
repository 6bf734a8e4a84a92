//! Removal of a file: one transaction makes the file invisible, and then its segments are deleted.
//!
//! After the transaction the file is gone in any case; a node that cannot be reached owes the deletion of its segments.

use std::sync::Arc;

use p2p_store::manifest::{FileRecord, NodeNumber};

use super::{Deletion, Direction, Input, Part, TransferError, TransferId, TransferLog, TransferState};
use crate::cause::LocalFailure;
use crate::event::Event;
use crate::io::Outcome;
use crate::node::protocol::Response;
use crate::world::World;

/// Removal of a file in progress.
#[derive(Debug)]
pub(crate) struct Removal {
    id: TransferId,
    pub(crate) log: TransferLog,
    /// Deletions on the nodes.
    deletion: Deletion,
}

impl Removal {
    /// Starts the removal of a file.
    pub(crate) fn start(world: &mut World, id: TransferId, user: Option<String>, file: &FileRecord) -> Removal {
        let key = file.key.clone();
        let log = TransferLog::new(id, Direction::Removal, user, &key, (file.size, file.segments), world.now());
        world.emit(log.started());
        world.submit_catalog(id, move |catalog| Outcome::FileRemoved(catalog.remove_file(&key)));
        Removal { id, log, deletion: Deletion::default() }
    }

    /// Handles an input of the removal.
    pub(crate) fn handle(&mut self, world: &mut World, input: Input) {
        match input {
            Input::Done(Outcome::FileRemoved(Ok(garbage))) => {
                let file = self.log.status.file.clone();
                Arc::make_mut(&mut world.files).remove(&file);
                world.emit(Event::FileRemoved { file });
                self.deletion = Deletion::begin(world, self.id, garbage);
                self.finish_when_deleted(world);
            }
            Input::Done(Outcome::FileRemoved(Err(error))) => self.fail(world, error.into()),
            // The panic may have occurred after the commit.
            Input::Done(Outcome::Crashed(reason)) => {
                self.fail(world, TransferError::OutcomeUnknown(LocalFailure::of_panic(reason)))
            }
            Input::Answered { part: Part::Delete, node, response, .. } => {
                self.on_deleted(world, node, matches!(response, Response::Deleted));
            }
            Input::Unreachable { part: Part::Delete, node, .. } => self.on_deleted(world, node, false),
            _ => {}
        }
    }

    fn on_deleted(&mut self, world: &mut World, node: NodeNumber, is_deleted: bool) {
        self.deletion.settle(world, node, is_deleted);
        self.finish_when_deleted(world);
    }

    fn finish_when_deleted(&mut self, world: &mut World) {
        if !self.deletion.is_over() {
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
