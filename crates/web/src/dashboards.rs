//! Dashboards that were made, kept for as long as there is no newer snapshot: many who look at the same cost little more than one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use p2p_service::Principal;
use p2p_service::access::watching::SnapshotVersion;

/// Users whose dashboards are kept.
const KEPT_MAX: usize = 64;

/// Dashboards that were answered with, by who has asked. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dashboards(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    principal: Principal,
    version: SnapshotVersion,
    body: Bytes,
}

impl Dashboards {
    /// Returns the dashboard that was made of this version for a principal.
    pub(crate) fn of(&self, principal: &Principal, version: &SnapshotVersion) -> Option<Bytes> {
        let kept = self.kept();
        kept.iter().find(|kept| kept.principal == *principal && kept.version == *version).map(|kept| kept.body.clone())
    }

    /// Forgets the dashboard of a principal, of whom something is different that no snapshot tells.
    pub(crate) fn forget(&self, principal: &Principal) {
        self.kept().retain(|kept| kept.principal != *principal);
    }

    /// Keeps a dashboard, in the place of an older one of the principal or of the one that was kept first.
    pub(crate) fn keep(&self, principal: Principal, version: SnapshotVersion, body: Bytes) {
        let mut kept = self.kept();
        kept.retain(|kept| kept.principal != principal);
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push(Kept { principal, version, body });
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        // A panic while the lock was held leaves a complete list.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
