//! Read access of other users to what is stored: granted and revoked for a user, and noted in the audit log.

use p2p_auth::names::UserName;
use p2p_engine::operation::Share;
use p2p_store::names::FileKey;

use super::{Access, AccessError, Identity};

/// Outcome of a change of the readers of a file or a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shared {
    /// The access has changed.
    Changed {
        /// Name of the reader.
        reader: String,
        /// File or directory.
        key: FileKey,
    },
    /// The access was as wanted already.
    Unchanged {
        /// Name of the reader.
        reader: String,
    },
    /// The reader is the owner, whose access cannot be changed.
    Own {
        /// Name of the reader.
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
        let reader = UserName::folded(reader);
        let file = self.changeable(identity, text).await?;
        // A reader can be removed even if the account no longer exists.
        if may_read {
            self.user(reader.clone()).await?;
        }
        let key = file.key().clone();
        if key.owner.as_ref() == Some(&reader) {
            return Ok(Shared::Own { reader });
        }
        if file.readers().contains(&reader) == may_read {
            return Ok(Shared::Unchanged { reader });
        }
        let with = if may_read { "shared with" } else { "no longer shared with" };
        let what = format!("{key} {with} {reader}");
        // The log entry is written first, so that no file is shared without one.
        self.record_share(what.clone()).await?;
        if let Err(error) = self.call(Share { file: key.clone(), user: reader.clone(), may_read }).await {
            self.record_refusal(identity, format!("not done: {what}")).await?;
            return Err(error.into());
        }
        Ok(Shared::Changed { reader, key })
    }
}
