//! Answers to commands, made of reports and of outcomes of work.

use p2p_store::catalog::CatalogError;

use crate::error::EngineError;
use crate::operation::Reply;
use crate::transfer::TransferReport;

/// Answer to a command.
pub(super) type Answer = Result<Reply, EngineError>;

/// Returns the answer to a command that waits for the end of a transfer.
pub(super) fn finished(report: TransferReport) -> Answer {
    Ok(Reply::Finished(Box::new(report)))
}

/// Converts a refusal of the catalog to an error of the engine.
pub(super) fn catalog_refused(error: CatalogError) -> EngineError {
    match error {
        CatalogError::NotFound(key) => EngineError::UnknownFile { file: key.to_string(), nearest: None },
        CatalogError::NameTaken(key) => EngineError::NameTaken { name: key.name },
        CatalogError::NoDirectory(key) => EngineError::NoDirectory { name: key.name },
        error => error.into(),
    }
}
