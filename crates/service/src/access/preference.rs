//! Preferred nodes: the node to which the segments of a user's uploads go first. A choice holds for all front ends of this process, as long
//! as it runs, and is nowhere on disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_engine::snapshot::Peer;
use p2p_engine::{EngineError, Scope, policy};
use p2p_store::manifest::NodeNumber;

use super::{Access, AccessError, Identity};

/// Preferred nodes of the users of a process, by their names. The name of the user of a data directory without accounts is `None`.
#[derive(Debug, Clone, Default)]
pub(crate) struct PreferredNodes(Arc<Mutex<BTreeMap<Option<String>, NodeNumber>>>);

impl PreferredNodes {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Option<String>, NodeNumber>> {
        // A panic while the lock was held leaves a complete value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Access {
    /// Sets the preferred nodes that are shared with the other front ends of the process.
    #[must_use]
    pub(crate) fn with_preferred_nodes(self, preferred: PreferredNodes) -> Access {
        Access { preferred, ..self }
    }

    /// Lets the segments of each upload that the current user begins from now on, by whatever door, go to a node first: while it is alive,
    /// takes segments and has room. `None` ends this. No upload fails because of it, and what is stored already stays where it is.
    ///
    /// # Errors
    /// Fails as [`check`](Self::check) does, if the user may not store files or is limited to a path, and with
    /// [`EngineError::UnknownHost`] if there is no such node.
    pub async fn prefer_node(&self, node: Option<NodeNumber>) -> Result<(), AccessError> {
        let identity = self.check().await?;
        let checked = policy::require_whole(&identity.principal(), Scope::Write).map_err(EngineError::from);
        self.recording_denial(checked).await?;
        let name = identity.name().map(str::to_owned);
        match node {
            None => drop(self.preferred.all().remove(&name)),
            Some(node) => {
                self.require_node(node)?;
                self.preferred.all().insert(name, node);
            }
        }
        Ok(())
    }

    /// Returns this access, of which the uploads of the current user go to a node first, whatever the user prefers otherwise.
    ///
    /// # Errors
    /// Fails with [`EngineError::UnknownHost`] if there is no such node.
    pub fn preferring(&self, node: NodeNumber) -> Result<Access, AccessError> {
        self.require_node(node)?;
        let preferred = PreferredNodes::default();
        preferred.all().insert(self.identity().name().map(str::to_owned), node);
        Ok(self.clone().with_preferred_nodes(preferred))
    }

    fn require_node(&self, node: NodeNumber) -> Result<(), AccessError> {
        let is_known = self.engine.snapshots().borrow().figures.nodes.iter().any(|status| status.node == node);
        if is_known { Ok(()) } else { Err(EngineError::UnknownHost(Peer::Node(node)).into()) }
    }

    /// Returns the node that the current user prefers for uploads; `None` without a choice, and for a user who has not logged in.
    pub fn preferred_node(&self) -> Option<NodeNumber> {
        match &*self.identity() {
            Identity::Nobody => None,
            identity => self.preferred.all().get(&identity.name().map(str::to_owned)).copied(),
        }
    }
}
