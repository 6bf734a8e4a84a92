//! Content that is written from its begin to its end. It goes to an upload at once, which is kept if the client goes.

use std::time::Duration;

use bytes::Bytes;
use p2p_service::access::Access;
use p2p_service::files::{Await, BegunUpload, Cancel, Declared, Park, Sha256Digest, StreamWriter, TransferId};
use tokio::time::timeout;

use super::ahead::Ahead;
use super::failure::{Done, Failure};

/// Time after which it is looked again how much of an upload is acknowledged.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Bytes of zeros that are given at once where nothing was written.
const ZEROS: &[u8] = &[0; 16 * 1024];

/// Upload of what is written.
#[derive(Debug)]
pub(super) struct Sequence {
    transfer: TransferId,
    stream: StreamWriter,
    /// True if a kept upload is continued, and nothing of it was written yet.
    is_resumed: bool,
    /// Position of the next byte.
    at: u64,
    /// Bytes that were written ahead, by their position.
    ahead: Ahead,
    /// Bytes from the begin on that are kept if the client goes, and after a crash.
    durable: u64,
}

impl Sequence {
    /// Continues an upload that has begun.
    pub(super) fn of(begun: BegunUpload) -> Sequence {
        let BegunUpload { transfer, offset, writer, .. } = begun;
        Sequence { transfer, stream: writer, is_resumed: offset > 0, at: offset, ahead: Ahead::default(), durable: offset }
    }

    /// Returns the position of the next byte.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Returns true if a write at this position begins the file anew, where a kept upload was to be continued.
    pub(super) fn begins_anew(&self, offset: u64) -> bool {
        self.is_resumed && offset == 0
    }

    /// Returns true if bytes from `offset` to `end` are neither before what was written nor far beyond it, and there is room for them.
    pub(super) fn takes(&self, offset: u64, end: u64) -> bool {
        self.ahead.takes(self.at, offset, end)
    }

    /// Writes bytes at a position that it [takes](Self::takes).
    ///
    /// # Errors
    /// Fails if the upload is over.
    pub(super) async fn write(&mut self, access: &Access, offset: u64, data: Bytes) -> Done<()> {
        self.is_resumed = false;
        self.ahead.keep(offset, data);
        while let Some((from, data)) = self.ahead.next(self.at) {
            self.give(access, from, data).await?;
        }
        Ok(())
    }

    /// Gives bytes to the upload that begin at a position up to which all was given, less those that it has already.
    async fn give(&mut self, access: &Access, from: u64, data: Bytes) -> Done<()> {
        let twice = usize::try_from(self.at - from).unwrap_or(usize::MAX).min(data.len());
        let data = data.slice(twice..);
        self.at += data.len() as u64;
        match self.stream.write(data).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.over(access).await),
        }
    }

    /// Writes zeros up to a position, and what was written ahead on the way.
    pub(super) async fn fill(&mut self, access: &Access, to: u64) -> Done<()> {
        while self.at < to {
            let next = self.ahead.first().map_or(to, |at| at.min(to));
            if next > self.at {
                let len = usize::try_from(next - self.at).unwrap_or(usize::MAX).min(ZEROS.len());
                self.give(access, self.at, Bytes::from_static(&ZEROS[..len])).await?;
            } else if let Some((from, data)) = self.ahead.next(self.at) {
                self.give(access, from, data).await?;
            }
        }
        Ok(())
    }

    /// Makes durable what was written, as far as it makes whole segments: lets the upload be kept once the nodes have all of it, and
    /// continues it.
    ///
    /// # Errors
    /// Fails if the upload is over, or if nodes have lost a part of it meanwhile; what is before that part is kept.
    pub(super) async fn sync(self, access: &Access) -> Done<Sequence> {
        let rest = Bytes::copy_from_slice(self.stream.unfinished());
        let whole = self.at - rest.len() as u64;
        if whole == self.durable {
            return Ok(self);
        }
        self.acknowledged(access, whole).await?;
        let Sequence { transfer, stream, ahead, .. } = self;
        let kept = access.kept_uploads().await?.into_iter().find(|kept| kept.transfer == Some(transfer));
        let kept = kept.ok_or_else(|| Failure::because("the upload has ended before its file was closed"))?;
        access.call(Park { transfer }).await?;
        drop(stream);
        let begun = access.resume_stream(&kept, Declared::default()).await?;
        if begun.offset != whole {
            return Err(Failure::because(format!(
                "nodes have lost what follows the first {} bytes; continue there",
                begun.offset
            )));
        }
        let mut next = Sequence { ahead, ..Sequence::of(begun) };
        next.is_resumed = false;
        next.give(access, whole, rest).await?;
        Ok(next)
    }

    /// Waits until the nodes have acknowledged the first bytes.
    async fn acknowledged(&self, access: &Access, bytes: u64) -> Done<()> {
        let mut snapshots = access.snapshots();
        loop {
            let snapshot = access.present_snapshot().await?;
            let status = snapshot.transfers.iter().map(|report| &report.status).find(|status| status.id == self.transfer);
            match status {
                Some(status) if status.bytes_done >= bytes => return Ok(()),
                Some(status) if !status.state.is_over() => {}
                _ => return Err(self.over(access).await),
            }
            // A snapshot is made when something has happened, and at the latest when it is asked for.
            let _ = timeout(LOOK_AGAIN, snapshots.changed()).await;
        }
    }

    /// Ends the content and waits until the file is stored. Content with another SHA-256 than the expected one is undone.
    ///
    /// # Errors
    /// Fails if the file is not stored; it is there in no part then.
    pub(super) async fn finish(self, access: &Access, expected: Option<Sha256Digest>) -> Done<()> {
        let ended = self.stream.end();
        if let Some(expected) = expected.filter(|expected| *expected != ended.sha256) {
            let found = ended.sha256;
            access.call(Cancel { transfer: self.transfer }).await?;
            drop(ended);
            access.call(Await { transfer: self.transfer }).await?;
            return Err(Failure::of_other_content(&found, &expected));
        }
        // What was shared for it may be so no longer; without its end the upload is kept or cancelled.
        access.check_storing(self.transfer)?;
        // The report says why an upload is over.
        let _ = ended.hand_over().await;
        access.call(Await { transfer: self.transfer }).await?.into_result()?;
        Ok(())
    }

    /// Undoes the upload, and waits until its name is free.
    pub(super) async fn undo(self, access: &Access) -> Done<()> {
        access.call(Cancel { transfer: self.transfer }).await?;
        access.call(Await { transfer: self.transfer }).await?;
        Ok(())
    }

    /// Returns why the upload is over.
    async fn over(&self, access: &Access) -> Failure {
        Failure::of_transfer(access, self.transfer, "the upload has ended before its file was closed").await
    }
}
