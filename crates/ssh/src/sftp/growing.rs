//! Files that are being written, as the session sees them by their paths before they are stored.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_service::files::Attributes;

/// File that is being written, as the session sees it by its path. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Growing(Arc<Mutex<(u64, Attributes)>>);

impl Growing {
    /// Makes the view of a file of this size, in bytes, with the attributes that it would have.
    pub(super) fn new(size: u64, attributes: Attributes) -> Growing {
        Growing(Arc::new(Mutex::new((size, attributes))))
    }

    fn seen(&self) -> MutexGuard<'_, (u64, Attributes)> {
        // A panic while the lock was held leaves complete values.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the size so far, in bytes, and the attributes that the file would have.
    pub(super) fn now(&self) -> (u64, Attributes) {
        *self.seen()
    }

    /// Shows the size after a change of the content, whose time is that of the change unless the client has set another one.
    pub(super) fn show_content(&self, size: u64, modified: Option<u64>) {
        let mut seen = self.seen();
        seen.0 = size;
        seen.1.modified = modified;
    }

    /// Shows attributes that were set.
    pub(super) fn show(&self, set: Attributes) {
        let attributes = &mut self.seen().1;
        *attributes = set.or(*attributes);
    }
}
