//! Room for the files of a user, as `df` and `statvfs` tell of it.

use p2p_engine::EngineError;
use p2p_engine::operation::{ListNodes, StatStorage, StatUser};

use super::{Access, Identity};

/// Room for files, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRoom {
    /// All of it.
    pub size_bytes: u64,
    /// What is taken.
    pub used_bytes: u64,
    /// What is free.
    pub available_bytes: u64,
    /// True if what all users store is counted, which an admin alone may see.
    pub is_of_all: bool,
}

impl Access {
    /// Returns the room for the user's files: the quota, or else that of all nodes. What others store is an admin's alone to see, so that
    /// for others the user's own files are all that is taken.
    ///
    /// # Errors
    /// Fails if the engine has stopped or refuses.
    pub async fn room_for_files(&self, identity: &Identity) -> Result<FileRoom, EngineError> {
        let usage = self.call(StatUser).await?;
        let own = usage.file_bytes.saturating_add(usage.arriving_bytes);
        let yours =
            |size: u64, free: u64| FileRoom { size_bytes: size, used_bytes: own, available_bytes: free, is_of_all: false };
        if let Some((quota, left)) = usage.quota_bytes.zip(usage.left()) {
            return Ok(yours(quota, left));
        }
        if identity.is_admin() {
            let stats = self.call(StatStorage).await?;
            return Ok(FileRoom {
                size_bytes: stats.capacity_bytes,
                used_bytes: stats.used_bytes,
                available_bytes: stats.free_bytes,
                is_of_all: true,
            });
        }
        let nodes = self.call(ListNodes).await?;
        let capacity = nodes.iter().map(|node| node.capacity_bytes).fold(0, u64::saturating_add);
        Ok(yours(capacity, capacity.saturating_sub(own)))
    }
}
