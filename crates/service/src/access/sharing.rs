//! Access of other users to what is stored, for reading and for storing new files: granted and revoked for a user, and noted in the
//! audit log.

use p2p_auth::names::UserName;
use p2p_engine::operation::{Share, ShareUploads};
use p2p_engine::{EngineError, Operation};
use p2p_store::names::FileKey;
use p2p_store::namespace::Entry;

use super::{Access, AccessError, Identity};

/// Outcome of a change of the users with whom a file or a directory is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shared {
    /// The access has changed.
    Changed {
        /// Name of the user.
        reader: String,
        /// File or directory.
        key: FileKey,
    },
    /// The access was as wanted already.
    Unchanged {
        /// Name of the user.
        reader: String,
    },
    /// The user is the owner, whose access cannot be changed.
    Own {
        /// Name of the user.
        reader: String,
    },
}

impl Access {
    /// Grants or revokes the read access of the user called `reader` to the file, or to all that is within the directory, that the user
    /// calls `text`.
    ///
    /// # Errors
    /// Fails as [`changeable`](Self::changeable) does, if there is no account of that name which access is granted to, or if the disk or
    /// the engine refuses.
    pub async fn share(&self, identity: &Identity, text: &str, reader: &str, may_read: bool) -> Result<Shared, AccessError> {
        let (reader, entry) = self.to_share(identity, text, reader, may_read).await?;
        let key = entry.key().clone();
        if key.owner.as_ref() == Some(&reader) {
            return Ok(Shared::Own { reader });
        }
        if entry.readers().contains(&reader) == may_read {
            return Ok(Shared::Unchanged { reader });
        }
        let with = if may_read { "shared with" } else { "no longer shared with" };
        let change = Share { file: key.clone(), user: reader.clone(), may_read };
        self.change_share(identity, format!("{key} {with} {reader}"), change).await?;
        Ok(Shared::Changed { reader, key })
    }

    /// Lets the user called `uploader` store new files in the directory that the user calls `text`, or no longer. The files are the owner's
    /// of the directory, and count in the owner's quota. Nothing there may be replaced, moved, removed or, unless it is shared for that too,
    /// read.
    ///
    /// # Errors
    /// Fails as [`share`](Self::share) does, and with [`EngineError::NotDirectory`] for a file.
    pub async fn share_uploads(
        &self,
        identity: &Identity,
        text: &str,
        uploader: &str,
        may_upload: bool,
    ) -> Result<Shared, AccessError> {
        let (reader, entry) = self.to_share(identity, text, uploader, may_upload).await?;
        let key = entry.key().clone();
        let Some(uploaders) = entry.uploaders() else {
            return Err(EngineError::NotDirectory { name: key.name }.into());
        };
        if key.owner.as_ref() == Some(&reader) {
            return Ok(Shared::Own { reader });
        }
        if uploaders.contains(&reader) == may_upload {
            return Ok(Shared::Unchanged { reader });
        }
        let with = if may_upload { "shared for uploads with" } else { "no longer shared for uploads with" };
        let change = ShareUploads { directory: key.clone(), user: reader.clone(), may_upload };
        self.change_share(identity, format!("{key} {with} {reader}"), change).await?;
        Ok(Shared::Changed { reader, key })
    }

    /// Returns the name of the user with whom something is to be shared, or no longer, and what that is.
    async fn to_share(
        &self,
        identity: &Identity,
        text: &str,
        user: &str,
        is_granted: bool,
    ) -> Result<(String, Entry), AccessError> {
        let user = UserName::folded(user);
        let entry = self.changeable(identity, text).await?;
        // Access can be revoked even if the account no longer exists.
        if is_granted {
            self.user(user.clone()).await?;
        }
        Ok((user, entry))
    }

    /// Changes the access of a user, as `what` says. The log entry is written first, so that nothing is shared without one.
    async fn change_share(
        &self,
        identity: &Identity,
        what: String,
        change: impl Operation<Reply = ()>,
    ) -> Result<(), AccessError> {
        self.record_share(what.clone()).await?;
        if let Err(error) = self.call(change).await {
            self.record_refusal(identity, format!("not done: {what}")).await?;
            return Err(error.into());
        }
        Ok(())
    }
}
