//! Errors as a caller may know them: without what tells of what others have stored.

use super::EngineError;

impl EngineError {
    /// Returns the error for a caller: how full the nodes are is left out for one who may not see that.
    #[must_use]
    pub(crate) fn with_usage_if(self, may_see_usage: bool) -> EngineError {
        match self {
            error if may_see_usage => error,
            EngineError::NoRoom { name, needed, .. } => EngineError::NodesFull { name, needed },
            EngineError::NodeFailed { node, cause } if cause.is_full() => EngineError::NodeFull { node },
            error => error,
        }
    }

    /// Returns the error as who stores in the directory of another user may know it, if that is so: not how much the owner has stored.
    #[must_use]
    pub(crate) fn without_quota_if(self, is_of_guest: bool) -> EngineError {
        match self {
            EngineError::OverQuota { name, needed, .. } if is_of_guest => EngineError::OwnerOverQuota { name, needed },
            error => error,
        }
    }
}
