//! Requests about uploads by their paths, which [`crate::uploads`] describes, and uploads whose clients are gone.

use std::time::Duration;

use p2p_service::access::Identity;
use p2p_service::files::{Await, Cancel, KeptUpload, Park, Sha256Digest, TransferId, TransferState};
use tokio::time::timeout;

use super::changes::stored;
use super::failure::{Done, Failure};
use super::handles::Open;
use super::session::Session;
use crate::paths::absolute;
use crate::uploads::{Upload, UploadStatus};

/// Time for which the end of an upload is waited for whose client is gone: nodes acknowledge what was on its way to them, and what is stored is
/// noted.
pub(super) const REST_MAX: Duration = Duration::from_secs(60);

impl Session {
    /// Returns what is stored at a path, and of an upload there. A client that has asked may continue one that is to replace a file: it takes
    /// the size of that file for no part of what it has sent.
    pub(super) async fn upload_status(&self, path: &str) -> Done<UploadStatus> {
        let path = absolute(path);
        let (user, text) = (self.user().await?, stored(&path)?);
        let is_stored = self.is_file(&user, &path, &text).await?;
        let upload = match self.kept(&user, &text).await? {
            None => None,
            Some(KeptUpload { transfer: None, offset, .. }) => Some(Upload::Kept(offset)),
            Some(KeptUpload { transfer: Some(transfer), offset, .. }) => {
                Some(Upload::UnderWay(self.stored_of(transfer).await?.unwrap_or(offset)))
            }
        };
        self.handles.note_asked(path);
        Ok(UploadStatus { is_stored, upload })
    }

    /// Returns the bytes that are stored of a transfer, if it is known.
    async fn stored_of(&self, transfer: TransferId) -> Done<Option<u64>> {
        let snapshot = self.access.present_snapshot().await?;
        let status = snapshot.transfers.iter().map(|report| &report.status).find(|status| status.id == transfer);
        Ok(status.map(|status| status.bytes_done))
    }

    /// Undoes the upload at a path, if there is one, and waits until nothing of it is kept.
    pub(super) async fn forget_upload(&self, path: &str) -> Done<()> {
        let path = absolute(path);
        let (user, text) = (self.user().await?, stored(&path)?);
        match self.kept(&user, &text).await? {
            None => Ok(()),
            Some(KeptUpload { transfer: None, id, .. }) => self.forget(id).await,
            Some(KeptUpload { transfer: Some(transfer), .. }) => {
                // It may have ended in the meantime, as its report says.
                let _ = self.access.call(Cancel { transfer }).await;
                let report = timeout(REST_MAX, self.access.call(Await { transfer })).await.map_err(|_| unrested(&text))??;
                match report.status.state {
                    TransferState::Done => Err(Failure::because(format!("`{path}` was complete, and is stored"))),
                    TransferState::Parked => match self.parked(&user, &text).await? {
                        Some(kept) => self.forget(kept.id).await,
                        None => Ok(()),
                    },
                    _ => Ok(()),
                }
            }
        }
    }

    /// Lets CLOSE store what is open only if its content has this SHA-256.
    pub(super) async fn expect(&self, handle: &str, sha256: &[u8]) -> Done<()> {
        let (_, Open::Writer(writer, _)) = self.handles.get(handle)? else { return Err(Failure::handle()) };
        let sha256 = <[u8; 32]>::try_from(sha256).map_err(|_| Failure::because("a SHA-256 has 32 bytes"))?;
        writer.lock().await.as_mut().ok_or_else(Failure::handle)?.expect(Sha256Digest::from_bytes(sha256));
        Ok(())
    }

    /// Ends an upload that is under way for who continues it: it has lost its client, or the client has given the connection up. Returns what is
    /// kept of it then, if anything is.
    ///
    /// # Errors
    /// Fails if it has not ended in time.
    pub(super) async fn ended(&self, user: &Identity, text: &str, kept: KeptUpload) -> Done<Option<KeptUpload>> {
        let Some(transfer) = kept.transfer else { return Ok(Some(kept)) };
        // It may have ended in the meantime, as what is kept now says.
        let parked = timeout(REST_MAX, self.access.call(Park { transfer })).await;
        let _ = parked.map_err(|_| unrested(text))?;
        self.kept(user, text).await
    }

    /// Waits for the end of an upload whose client is gone. One of a client that is there is returned as it is.
    ///
    /// # Errors
    /// Fails if it has not ended in time.
    pub(super) async fn rested(&self, user: &Identity, text: &str, kept: KeptUpload) -> Done<Option<KeptUpload>> {
        let (Some(transfer), TransferState::Parking) = (kept.transfer, kept.state) else { return Ok(Some(kept)) };
        let rested = timeout(REST_MAX, self.access.call(Await { transfer })).await;
        let _ = rested.map_err(|_| unrested(text))?;
        self.kept(user, text).await
    }
}

fn unrested(text: &str) -> Failure {
    Failure::because(format!(
        "nodes still store what was on its way of an upload of `{text}` whose client is gone; try again in {} s",
        REST_MAX.as_secs()
    ))
}
