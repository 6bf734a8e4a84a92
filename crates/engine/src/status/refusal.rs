//! Refusals of the catalog as reasons for which a transfer fails.

use p2p_store::catalog::CatalogError;

use super::TransferError;
use crate::cause::LocalFailure;

impl From<CatalogError> for TransferError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::ContentDiffers { expected, found, .. } => TransferError::ContentDiffers { expected, found },
            CatalogError::NotFound(_) => TransferError::Removed,
            CatalogError::NameTaken(_) => TransferError::NameTaken,
            error if error.is_outcome_unknown() => TransferError::OutcomeUnknown(LocalFailure::from(&error)),
            error => TransferError::Catalog(LocalFailure::from(&error)),
        }
    }
}
