//! Copies of stored files within the store, and the attributes of files and directories.

use p2p_engine::operation::{CopyFile, SetAttributes};
use p2p_store::attributes::Attributes;
use p2p_store::names::FileKey;

use super::{Access, AccessError, Identity};

/// Manner of a copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copying {
    /// True if the copy may take the place of a file.
    pub replace: bool,
    /// True if the copy has the time of modification and the mode of the source.
    pub preserve: bool,
}

impl Access {
    /// Returns the operation that copies the file which the user calls `text` to the path `to` among the user's own files, or into the
    /// directory of that path. [`record_copy`](Self::record_copy) is called before it.
    ///
    /// # Errors
    /// Fails as [`readable`](Self::readable) does, or if the new path is in another tree.
    pub async fn copying(&self, identity: &Identity, text: &str, to: &str, how: Copying) -> Result<CopyFile, AccessError> {
        let from = self.readable(identity, text).await?.key;
        let to = self.place(to, Some(from.last_name()))?;
        let Copying { replace, preserve } = how;
        Ok(CopyFile { from, to, copied_at: self.now(), preserve, replace })
    }

    /// Records in the audit log that what is another user's is about to be copied; nothing if it is the user's own.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn record_copy(&self, identity: &Identity, from: &FileKey) -> Result<(), AccessError> {
        self.record_foreign(identity, "copy", from).await
    }

    /// Returns the operation that sets attributes of the file or directory which the user calls `text`.
    /// [`record_setting`](Self::record_setting) is called before it.
    ///
    /// # Errors
    /// Fails as [`changeable`](Self::changeable) does.
    pub async fn setting(&self, identity: &Identity, text: &str, attributes: Attributes) -> Result<SetAttributes, AccessError> {
        let file = self.changeable(identity, text).await?.key().clone();
        Ok(SetAttributes { file, attributes })
    }

    /// Records in the audit log that attributes of what is another user's are about to be set; nothing if it is the user's own.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn record_setting(&self, identity: &Identity, file: &FileKey) -> Result<(), AccessError> {
        self.record_foreign(identity, "set attributes of", file).await
    }
}
