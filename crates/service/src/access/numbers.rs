//! The numbers of files and directories, which they keep under every name: those of a list, and the file of a number.

use p2p_engine::{EngineError, policy};
use p2p_store::catalog::numbers;
use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;

use super::{Access, AccessError, Identity};

impl Access {
    /// Returns the numbers of files and directories that the user has been told of, in the order of their keys; `None` for one that is not
    /// there any more, and for the root of a tree.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn numbers(&self, keys: Vec<FileKey>) -> Result<Vec<Option<u64>>, AccessError> {
        Ok(self.off_thread(move |auth, _, _| Ok(numbers::of_keys(auth.database(), &keys)?)).await?)
    }

    /// Returns the file of a number, as the user may see it.
    ///
    /// # Errors
    /// Fails if there is none or the user may not read it; the error does not reveal which.
    pub async fn file_of_number(&self, identity: &Identity, number: u64) -> Result<FileRecord, AccessError> {
        let unknown = || EngineError::UnknownFile { file: number.to_string(), nearest: None };
        let known = self.off_thread(move |auth, _, _| Ok(numbers::file(auth.database(), number)?)).await?.ok_or_else(unknown)?;
        let (files, principal) = (self.engine.snapshots().borrow().files.clone(), identity.principal());
        // A number has no name in the catalog; few files of an owner have the same content.
        let root = FileKey { owner: known.owner, name: String::new() };
        let is_alike = |file: &&FileRecord| file.sha256 == known.sha256 && policy::may_read(&principal, &files, &file.key);
        let alike: Vec<FileRecord> = files.files_of(&root).filter(is_alike).cloned().collect();
        let numbers = self.numbers(alike.iter().map(|file| file.key.clone()).collect()).await?;
        let found = alike.into_iter().zip(numbers).find(|(_, found)| *found == Some(number));
        found.map(|(file, _)| policy::known_of(&principal, file)).ok_or_else(|| unknown().into())
    }
}
