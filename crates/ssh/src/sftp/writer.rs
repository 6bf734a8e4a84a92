//! Files that are open for writing. What is written goes to an upload that is kept if the client goes, and it is a file at CLOSE and not before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use p2p_service::access::Access;
use p2p_service::files::{Attributes, Await, BegunUpload, StreamWriter, TransferId};

use super::failure::{Done, Failure};

/// Bytes that may be written ahead of those that are missing: clients with many writes in flight may send them in another order.
const AHEAD_MAX: u64 = 2 * 1024 * 1024;
/// Bytes of zeros that are given at once where nothing was written.
const ZEROS: &[u8] = &[0; 16 * 1024];

/// File that is open for writing.
#[derive(Debug)]
pub(super) struct Writer {
    transfer: TransferId,
    stream: StreamWriter,
    /// True if a kept upload is continued, and nothing of it was written yet.
    is_resumed: bool,
    /// True if the client appends, whatever positions it names.
    appends: bool,
    /// Position of the next byte.
    at: u64,
    /// What was written ahead, by its position.
    ahead: BTreeMap<u64, Bytes>,
    /// Attributes that were set since the file was opened.
    set: Attributes,
    /// Size so far, which the session shows.
    size: Arc<AtomicU64>,
}

impl Writer {
    /// Makes the writer of an upload that has begun.
    pub(super) fn of(begun: BegunUpload, appends: bool) -> Writer {
        let BegunUpload { transfer, offset, writer, .. } = begun;
        let size = Arc::new(AtomicU64::new(offset));
        Writer {
            transfer,
            stream: writer,
            is_resumed: offset > 0,
            appends,
            at: offset,
            ahead: BTreeMap::new(),
            set: Attributes::default(),
            size,
        }
    }

    /// Returns the size so far, which changes as bytes are written.
    pub(super) fn size(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.size)
    }

    /// Returns the transfer of the upload.
    pub(super) fn transfer(&self) -> TransferId {
        self.transfer
    }

    /// Returns true if a write at this position begins the file anew, where a kept upload was to be continued.
    pub(super) fn begins_anew(&self, offset: u64) -> bool {
        self.is_resumed && !self.appends && offset == 0
    }

    /// Takes the place of a writer that is given up, with its attributes and the size that the session shows.
    pub(super) fn instead_of(self, old: Writer) -> Writer {
        old.size.store(self.at, Ordering::Relaxed);
        Writer { set: old.set, size: old.size, ..self }
    }

    /// Writes bytes at a position.
    ///
    /// # Errors
    /// Fails if the position is before what was written or far beyond, or if the upload is over.
    pub(super) async fn write(&mut self, access: &Access, offset: u64, data: Bytes) -> Done<()> {
        let offset = if self.appends { self.at } else { offset };
        self.is_resumed = false;
        if offset < self.at {
            return Err(Failure::because(format!(
                "byte {offset} was written already, and {} follow it; a file is written from its begin to its end, so upload it anew",
                self.at - offset
            )));
        }
        let end = offset.saturating_add(data.len() as u64);
        if end - self.at > AHEAD_MAX {
            return Err(Failure::because(format!(
                "byte {end} is more than {AHEAD_MAX} bytes beyond the {} that were written; a file is written from its begin to its end",
                self.at
            )));
        }
        self.ahead.insert(offset, data);
        self.size.fetch_max(end, Ordering::Relaxed);
        while let Some(next) = self.ahead.first_entry().filter(|next| *next.key() <= self.at) {
            let (from, data) = next.remove_entry();
            let twice = usize::try_from(self.at - from).unwrap_or(usize::MAX).min(data.len());
            self.give(access, data.slice(twice..)).await?;
        }
        Ok(())
    }

    async fn give(&mut self, access: &Access, data: Bytes) -> Done<()> {
        let len = data.len() as u64;
        self.at += len;
        match self.stream.write(data).await {
            Ok(()) => Ok(()),
            Err(_) => Err(over(access, self.transfer).await),
        }
    }

    /// Sets attributes that the file gets when it is closed.
    pub(super) fn set(&mut self, given: Attributes) {
        let Attributes { modified, mode } = given;
        self.set = Attributes { modified: modified.or(self.set.modified), mode: mode.or(self.set.mode) };
    }

    /// Sets the size, which may be the present one or, by zeros, a larger one.
    pub(super) async fn resize(&mut self, access: &Access, size: u64) -> Done<()> {
        match size.checked_sub(self.size.load(Ordering::Relaxed)) {
            Some(0) => Ok(()),
            Some(_) => {
                self.fill(access, size).await?;
                self.size.fetch_max(size, Ordering::Relaxed);
                Ok(())
            }
            None => Err(Failure::because("a file that is being written cannot be made shorter; upload it anew")),
        }
    }

    /// Writes zeros up to a position, and what was written ahead on the way.
    async fn fill(&mut self, access: &Access, to: u64) -> Done<()> {
        while self.at < to {
            let next = self.ahead.first_key_value().map_or(to, |(&at, _)| at.min(to));
            if next > self.at {
                let len = usize::try_from(next - self.at).unwrap_or(usize::MAX).min(ZEROS.len());
                self.give(access, Bytes::from_static(&ZEROS[..len])).await?;
            } else if let Some((from, data)) = self.ahead.pop_first() {
                let twice = usize::try_from(self.at - from).unwrap_or(usize::MAX).min(data.len());
                self.give(access, data.slice(twice..)).await?;
            }
        }
        Ok(())
    }

    /// Ends the content and waits until the file is stored. Returns the attributes that are to be set of it.
    ///
    /// # Errors
    /// Fails if the file is not stored; it is there in no part then.
    pub(super) async fn close(mut self, access: &Access) -> Done<Attributes> {
        // What was never written between two writes is zeros (POSIX.1-2024, `lseek`).
        self.fill(access, self.size.load(Ordering::Relaxed)).await?;
        // The report says why an upload is over.
        let _ = self.stream.finish().await;
        let report = access.call(Await { transfer: self.transfer }).await?;
        report.into_result()?;
        Ok(self.set)
    }
}

/// Returns why an upload is over.
async fn over(access: &Access, transfer: TransferId) -> Failure {
    let report = match access.call(Await { transfer }).await {
        Ok(report) => report.into_result(),
        Err(error) => Err(error),
    };
    report.map_or_else(Failure::from, |_| Failure::because("the upload has ended before its file was closed"))
}
