//! Removal of what an upload has stored and will not need: all of it if the upload has failed, or what cannot be continued if it is
//! kept.

use std::collections::{BTreeSet, VecDeque};

use p2p_store::catalog::Garbage;
use p2p_store::manifest::NodeNumber;
use p2p_store::uploads::UploadId;

use super::deletion::Deletion;
use super::{CatalogWork, Input, Output};
use crate::io::Outcome;

#[derive(Debug)]
enum Stage {
    /// The catalog forgets the upload.
    Forgetting,
    /// The catalog finds out which of the candidates no file needs.
    FindingGarbage,
    Deleting(Deletion),
    Over,
}

/// Removal of segments by an upload.
#[derive(Debug)]
pub(super) struct Undoing {
    stage: Stage,
    candidates: Garbage,
    /// True if the catalog was to forget the upload and could not.
    is_still_kept: bool,
}

impl Undoing {
    /// Begins to remove the candidates, as far as nobody needs them. The catalog forgets a kept upload first.
    pub(super) fn begin(outputs: &mut VecDeque<Output>, candidates: Garbage, forget: Option<UploadId>) -> Undoing {
        let mut undoing = Undoing { stage: Stage::Forgetting, candidates, is_still_kept: false };
        match forget {
            Some(upload) => outputs.push_back(Output::Catalog(CatalogWork::Forget(upload))),
            None => undoing.find_garbage(outputs),
        }
        undoing
    }

    fn find_garbage(&mut self, outputs: &mut VecDeque<Output>) {
        outputs.push_back(Output::Catalog(CatalogWork::Unreferenced(self.candidates.clone())));
        self.stage = Stage::FindingGarbage;
    }

    /// Handles an input of the upload.
    pub(super) fn handle(&mut self, outputs: &mut VecDeque<Output>, input: Input) {
        match (&mut self.stage, input) {
            (_, Input::Catalog(outcome)) => self.on_catalog(outputs, outcome),
            (Stage::Deleting(deletion), input) => deletion.handle(outputs, input),
            _ => {}
        }
    }

    fn on_catalog(&mut self, outputs: &mut VecDeque<Output>, outcome: Outcome) {
        match (&self.stage, outcome) {
            (Stage::Forgetting, Outcome::FileRemoved(Ok(_))) => self.find_garbage(outputs),
            // A failure leaves the upload to its owner and its expiry, and what it needs is no garbage then.
            (Stage::Forgetting, Outcome::FileRemoved(Err(_)) | Outcome::Crashed(_)) => {
                self.is_still_kept = true;
                self.find_garbage(outputs);
            }
            (Stage::FindingGarbage, Outcome::Unreferenced(Ok(garbage))) => {
                self.stage = Stage::Deleting(Deletion::begin(outputs, garbage));
            }
            (Stage::FindingGarbage, Outcome::Unreferenced(Err(_)) | Outcome::Crashed(_)) => {
                let owed = std::mem::take(&mut self.candidates).into_iter();
                outputs.extend(owed.map(|(node, ids)| Output::Owe { node, ids }));
                self.stage = Stage::Over;
            }
            _ => {}
        }
    }

    /// Returns true if the catalog was to forget the upload and could not, so that the upload keeps its name.
    pub(super) const fn is_still_kept(&self) -> bool {
        self.is_still_kept
    }

    /// Returns the nodes that have been asked to delete segments and have not answered.
    pub(super) fn deleting(&self) -> BTreeSet<NodeNumber> {
        match &self.stage {
            Stage::Deleting(deletion) => deletion.nodes(),
            Stage::Forgetting | Stage::FindingGarbage | Stage::Over => BTreeSet::new(),
        }
    }

    /// Returns true if nothing is left to do.
    pub(super) fn is_over(&self) -> bool {
        match &self.stage {
            Stage::Deleting(deletion) => deletion.is_over(),
            Stage::Over => true,
            Stage::Forgetting | Stage::FindingGarbage => false,
        }
    }
}
