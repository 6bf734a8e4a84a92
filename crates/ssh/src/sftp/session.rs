//! What the requests of a session have in common: the user, the node, and what is open.

use std::sync::Arc;

use p2p_service::access::{Access, Identity};
use p2p_service::files::NodeNumber;

use super::attributes::Owners;
use super::failure::Done;
use super::handles::Handles;
use crate::session::Asker;

/// Session of one channel.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) access: Access,
    pub(super) node: NodeNumber,
    pub(super) handles: Handles,
    pub(super) owners: Owners,
}

impl Session {
    pub(super) fn of(asker: Asker) -> Session {
        let Asker { access, node, .. } = asker;
        let owners = Owners::of(access.identity().name().unwrap_or_default());
        Session { access, node, handles: Handles::default(), owners }
    }

    /// Returns the user, whose session is looked up: it may have ended meanwhile.
    pub(super) async fn user(&self) -> Done<Arc<Identity>> {
        let identity = self.access.check().await?;
        self.access.require_login(&identity)?;
        Ok(identity)
    }
}
