//! Phases of an upload, from the sending of its segments to the ends that it can come to.

use std::collections::BTreeSet;

use p2p_store::manifest::NodeNumber;

use super::super::TransferError;
use super::super::commitment::Commitment;
use super::super::deletion::Deletion;
use super::super::undoing::Undoing;
use super::books::Books;

/// Phase of an upload.
#[derive(Debug)]
pub(super) enum UploadPhase {
    Sending,
    /// The holders make durable what they have stored.
    Committing(Commitment),
    Cataloguing,
    /// The file is stored, and what the one that it has replaced alone needed is removed.
    Deleting(Deletion),
    /// What is stored and not needed is removed, after which the upload ends.
    Undoing(Ending, Undoing),
    Over,
}

/// End of an upload that does not become a file now.
#[derive(Debug, Clone)]
pub(super) enum Ending {
    Failed(TransferError),
    /// It is kept, and can be continued.
    Parked,
}

impl UploadPhase {
    /// Returns the nodes that have stored segments and not confirmed yet that they are durable.
    pub(super) fn unconfirmed(&self, books: &Books) -> BTreeSet<NodeNumber> {
        match self {
            UploadPhase::Sending => books.holders(),
            UploadPhase::Committing(commitment) => commitment.unconfirmed(),
            UploadPhase::Cataloguing | UploadPhase::Deleting(_) | UploadPhase::Undoing(..) | UploadPhase::Over => BTreeSet::new(),
        }
    }

    /// Returns true once the file is stored, while what it has replaced is removed.
    pub(super) const fn is_stored(&self) -> bool {
        matches!(self, UploadPhase::Deleting(_))
    }

    pub(super) const fn is_sending(&self) -> bool {
        matches!(self, UploadPhase::Sending)
    }
}
