//! What a path of the site names, as its visitor may know of it.

use p2p_service::files::{FileKey, FileRecord};

use super::frame::{Failed, Visitor};
use crate::problem::Problem;

/// File or directory that a path of the site names.
#[derive(Debug)]
pub(super) struct Named {
    /// Path as the command language has it.
    pub(super) text: String,
    pub(super) key: FileKey,
    /// The file; `None` for a directory.
    pub(super) file: Option<FileRecord>,
}

/// Looks up what a path names.
pub(super) async fn named(visitor: &Visitor, path: &str) -> Result<Named, Failed> {
    let Visitor { access, identity, .. } = visitor;
    let text = if path.is_empty() { "." } else { path }.to_owned();
    // Fails if there is nothing of this name that the user may know of, and records that.
    let (key, file) = access.located(identity, &text).await?;
    Ok(Named { text, key, file })
}

/// Returns the problem of a form whose field has no valid value.
pub(super) fn invalid(field: &str, problem: &str) -> Failed {
    Failed(Problem::invalid(field, problem))
}
