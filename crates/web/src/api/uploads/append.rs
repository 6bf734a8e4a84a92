//! Content of one request, given to its upload: the engine continues what it keeps, takes the content as it comes, and keeps it in turn, so that
//! each byte of which a client is told is there after a crash too. One request is one transfer, and one round in which nodes and catalog make
//! durable what they have.
//!
//! The engine keeps full segments. What follows the last of them is noted, and given to it first by the next request.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use p2p_service::access::{Access, AccessError};
use p2p_service::files::{
    Await, BegunUpload, Cancel, Declared, End, EndedStream, KEPT_FOR, Park, Sha256Digest, StreamWriter, TransferId,
    TransferReport, UploadNote,
};
use p2p_service::reasons::{SOON, name};
use tokio::time::{Instant, timeout};

use super::answers::{at, location};
use super::content::{Broken, Content};
use super::holds::{Held, REST_MAX};
use super::refusal::Refusal;
use super::state::{Upload, unrested};
use crate::problem::Problem;

/// Time after which it is looked again how much is acknowledged.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Time without a further byte that nodes acknowledge after which no more are waited for.
const UNACKNOWLEDGED_AFTER: Duration = Duration::from_secs(60);
/// Time for a file to be stored once its content is complete: the last segments are acknowledged and made durable.
const STORED_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Content that is to be given to an upload.
pub(super) struct Append {
    pub(super) access: Access,
    pub(super) held: Held,
    pub(super) upload: Upload,
    pub(super) content: Content,
    /// Moment at which the content of the upload is complete.
    pub(super) ends: Ends,
    /// True if this is the begin of an upload whose client cannot go on with it unless it is answered.
    pub(super) is_new: bool,
}

/// Moment at which the content of an upload is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// With the last byte of its size, if that is known.
    AtSize,
    /// With this request.
    Now,
    /// With a later request.
    Later,
}

/// Transfer that takes the content.
struct Pouring {
    transfer: TransferId,
    writer: StreamWriter,
    /// Bytes that were kept before it began.
    begun_at: u64,
    /// Position of the next byte.
    at: u64,
}

/// Fate of the content of a request.
#[derive(Debug)]
enum Poured {
    /// All of it has come.
    All,
    /// The content has ended before its end.
    Broken(Broken),
    /// A later request takes the upload over.
    TakenOver,
    /// The content is longer than the upload may be.
    TooLong,
    /// The transfer is over before.
    Over,
    /// The client is nobody any more.
    Lapsed(Box<AccessError>),
}

impl Append {
    /// Gives the content to the upload, and returns it as it is kept then.
    pub(super) async fn run(mut self) -> Result<Upload, Refusal> {
        let mut pouring = match self.begin().await {
            Ok(pouring) => pouring,
            Err(refusal) => return Err(self.not_begun(refusal).await),
        };
        match self.pour(&mut pouring).await {
            Poured::All if self.is_complete(&pouring) => self.finish(pouring).await,
            Poured::All => {
                let (at, transfer) = (pouring.at, pouring.transfer);
                self.keep(pouring).await?;
                match (self.ends, self.upload.note.size) {
                    (Ends::Now, Some(size)) => Err(self.refused(too_short(at, size))),
                    _ if self.upload.offset() < at => Err(self.not_kept(transfer, at).await),
                    _ => Ok(self.upload),
                }
            }
            Poured::Broken(Broken::Lost) if self.is_new => Err(self.undo(pouring, gone()).await),
            Poured::Broken(broken) => Err(self.stop(pouring, broken_off(&broken)).await),
            Poured::TakenOver => Err(self.stop(pouring, taken_over(&self.upload.note)).await),
            Poured::TooLong => {
                let refusal = too_long(&self.upload.note);
                Err(self.undo(pouring, refusal).await)
            }
            Poured::Over => Err(self.over(pouring.transfer).await),
            // Without its source the engine keeps the upload by itself: nobody may ask for that any more.
            Poured::Lapsed(error) => Err((*error).into()),
        }
    }

    /// Forgets the note of an upload that could not begin: its client has not been told of it.
    async fn not_begun(&mut self, refusal: Refusal) -> Refusal {
        if !self.is_new {
            return refusal;
        }
        self.access.forget_upload_note(self.upload.note.id).await.map_or_else(Refusal::from, |()| refusal)
    }

    /// Begins the transfer, with what follows the last segment that is kept.
    async fn begin(&mut self) -> Result<Pouring, Refusal> {
        let (access, note) = (&self.access, &self.upload.note);
        let declared = Declared { size: note.size, modified: None };
        let begun = match &self.upload.kept {
            Some(kept) => access.resume_stream(kept, declared).await?,
            None => access.store_stream(&note.path, declared, Some(note.id), note.stored_as).await?,
        };
        let BegunUpload { transfer, offset, writer, .. } = begun;
        let tail = Bytes::copy_from_slice(note.tail_after(offset));
        let mut pouring = Pouring { transfer, writer, begun_at: offset, at: offset + tail.len() as u64 };
        if !tail.is_empty() && pouring.writer.write(tail).await.is_err() {
            return Err(self.over(transfer).await);
        }
        Ok(pouring)
    }

    /// Gives all that the client sends.
    async fn pour(&mut self, pouring: &mut Pouring) -> Poured {
        let max = self.upload.note.size.unwrap_or(self.access.file_size_max());
        let access = self.access.clone();
        let mut lapsed = pin!(access.lapsed());
        loop {
            let next = tokio::select! {
                biased;
                error = &mut lapsed => return Poured::Lapsed(Box::new(error)),
                () = self.held.taken_over() => return Poured::TakenOver,
                () = pouring.writer.closed() => return Poured::Over,
                next = self.content.next() => next,
            };
            let bytes = match next {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Poured::All,
                Err(broken) => return Poured::Broken(broken),
            };
            let at = pouring.at + bytes.len() as u64;
            if at > max {
                return Poured::TooLong;
            }
            let written = tokio::select! {
                biased;
                () = self.held.taken_over() => return Poured::TakenOver,
                written = pouring.writer.write(bytes) => written,
            };
            if written.is_err() {
                return Poured::Over;
            }
            pouring.at = at;
        }
    }

    fn is_complete(&self, pouring: &Pouring) -> bool {
        let size = self.upload.note.size;
        match self.ends {
            Ends::AtSize => size == Some(pouring.at),
            Ends::Now => size.is_none_or(|size| size == pouring.at),
            Ends::Later => false,
        }
    }

    /// Keeps what has come, and returns a refusal at which the client goes on.
    async fn stop(&mut self, pouring: Pouring, refusal: Refusal) -> Refusal {
        match self.keep(pouring).await {
            Ok(()) => self.refused(refusal),
            Err(other) => other,
        }
    }

    fn refused(&self, refusal: Refusal) -> Refusal {
        let refusal = at(refusal, &self.access, &self.upload);
        // The client of a new upload learns of it where it can go on.
        if self.is_new { refusal.with("location", &location(self.upload.note.id)) } else { refusal }
    }

    /// Ends the transfer so that all it was given is kept, and looks what is.
    async fn keep(&mut self, pouring: Pouring) -> Result<(), Refusal> {
        let Pouring { transfer, writer, begun_at, at } = pouring;
        let rest = writer.unfinished().to_vec();
        let whole = at - rest.len() as u64;
        self.acknowledged(transfer, whole).await;
        // It may have ended in the meantime, as what is kept says.
        let parked = timeout(REST_MAX, self.access.call(Park { transfer })).await;
        drop(writer);
        let _ = parked.map_err(|_| unrested())?;
        self.look_again().await?;
        let (note, kept) = (&mut self.upload.note, self.upload.kept.as_ref().map_or(0, |kept| kept.offset));
        let former = (note.tail.clone(), note.is_kept);
        note.is_kept |= self.upload.kept.is_some();
        if kept == whole {
            note.tail = (whole, rest);
        } else if kept != begun_at {
            note.tail = (kept, Vec::new());
        }
        // What is left of an earlier tail does not count, and need not be cleared away.
        if note.is_kept != former.1 || (note.tail != former.0 && !(note.tail.1.is_empty() && former.0.0 < kept)) {
            note.expires_at = self.access.now().saturating_add(KEPT_FOR.as_secs());
            return self.note_kept().await;
        }
        Ok(())
    }

    /// Notes what is kept, without what follows the last full segment if there is no room for that.
    async fn note_kept(&mut self) -> Result<(), Refusal> {
        let Err(refusal) = self.upload.noted(&self.access).await else { return Ok(()) };
        let note = &mut self.upload.note;
        if note.tail.1.is_empty() {
            return Err(refusal);
        }
        note.tail.1.clear();
        self.upload.noted(&self.access).await?;
        Err(self.refused(refusal))
    }

    /// Waits until the nodes have acknowledged the first bytes, as long as they go on.
    async fn acknowledged(&mut self, transfer: TransferId, bytes: u64) {
        let (mut done, mut since) = (0, Instant::now());
        while since.elapsed() < UNACKNOWLEDGED_AFTER {
            let Ok(snapshot) = self.access.present_snapshot().await else { return };
            let status = snapshot.transfers.iter().map(|report| &report.status).find(|status| status.id == transfer);
            let Some(status) = status.filter(|status| status.bytes_done < bytes && !status.state.is_over()) else { return };
            if status.bytes_done > done {
                (done, since) = (status.bytes_done, Instant::now());
            }
            tokio::select! {
                biased;
                () = self.held.taken_over() => return,
                // Snapshots that others ask for come at any rate; a short pause bounds the work.
                // Nothing else comes.
                _ = timeout(LOOK_AGAIN, pending::<()>()) => {}
            }
        }
    }

    /// Looks what is kept now.
    async fn look_again(&mut self) -> Result<(), Refusal> {
        let id = self.upload.note.id;
        self.upload.kept = self.access.kept_uploads().await?.into_iter().find(|kept| kept.id == id);
        Ok(())
    }

    /// Undoes the upload: nothing of it is of use to anybody.
    async fn undo(&mut self, pouring: Pouring, refusal: Refusal) -> Refusal {
        let Pouring { transfer, writer, .. } = pouring;
        let undone = self.cancelled(transfer).await;
        drop(writer);
        undone.map_or_else(|other| other, |()| refusal)
    }

    /// Cancels the transfer and waits until nothing is left of the upload.
    async fn cancelled(&mut self, transfer: TransferId) -> Result<(), Refusal> {
        // It may have ended in the meantime.
        let _ = self.access.call(Cancel { transfer }).await;
        let _ = timeout(REST_MAX, self.access.call(Await { transfer })).await.map_err(|_| unrested())?;
        Ok(self.access.forget_upload_note(self.upload.note.id).await?)
    }

    /// Returns why the transfer is over before its content was.
    async fn over(&mut self, transfer: TransferId) -> Refusal {
        let report = match self.reported(transfer).await {
            Ok(report) => report,
            Err(refusal) => return refusal,
        };
        if let Err(refusal) = self.look_again().await {
            return refusal;
        }
        match report.into_result() {
            Err(error) => self.refused(Refusal::from(AccessError::from(error))),
            // It was parked or cancelled for a client of another service.
            Ok(_) => self.refused(taken_over(&self.upload.note)),
        }
    }

    /// Returns why less is kept than has come: the transfer has failed, as where no node had room, or nodes have lost a part.
    async fn not_kept(&mut self, transfer: TransferId, at: u64) -> Refusal {
        match self.reported(transfer).await.map(|report| report.into_result()) {
            Ok(Err(error)) => self.refused(AccessError::from(error).into()),
            Ok(Ok(_)) => self.refused(lost(at)),
            Err(refusal) => refusal,
        }
    }

    async fn reported(&mut self, transfer: TransferId) -> Result<Box<TransferReport>, Refusal> {
        Ok(timeout(STORED_WITHIN, self.access.call(Await { transfer })).await.map_err(|_| unrested())??)
    }

    /// Lets the upload store its file.
    async fn finish(mut self, pouring: Pouring) -> Result<Upload, Refusal> {
        // There is a file from here on, and who is nobody any more, or may not store there any more, stores none.
        if let Err(refusal) = self.may_store(pouring.transfer).await {
            return Err(self.stop(pouring, refusal).await);
        }
        let Pouring { transfer, writer, at, .. } = pouring;
        let ended = writer.end();
        if let Some(expected) = self.upload.note.sha256.filter(|expected| *expected != ended.sha256) {
            let found = ended.sha256;
            self.cancelled(transfer).await?;
            drop(ended);
            return Err(other_digest(&expected, &found));
        }
        let sha256 = ended.sha256;
        self.note_end(End::Ending(sha256), at).await?;
        match self.stored(transfer, ended).await {
            Ok(()) => {
                self.upload.kept = None;
                self.note_end(End::Stored(sha256), at).await?;
                Ok(self.upload)
            }
            Err(refusal) => Err(self.not_stored(refusal).await),
        }
    }

    /// Looks whether the user may still store the file.
    async fn may_store(&mut self, transfer: TransferId) -> Result<(), Refusal> {
        let identity = self.access.check().await?;
        self.access.require_login(&identity)?;
        Ok(self.access.check_storing(transfer)?)
    }

    async fn note_end(&mut self, end: End, size: u64) -> Result<(), Refusal> {
        let note = &mut self.upload.note;
        note.end = end;
        if let End::Stored(_) = end {
            (note.size, note.tail) = (Some(size), (0, Vec::new()));
        }
        note.expires_at = self.access.now().saturating_add(KEPT_FOR.as_secs());
        self.upload.noted(&self.access).await
    }

    async fn stored(&mut self, transfer: TransferId, ended: EndedStream) -> Result<(), Refusal> {
        // The report says why it is over.
        let _ = ended.hand_over().await;
        let report = self.reported(transfer).await?;
        report.into_result().map(drop).map_err(|error| AccessError::from(error).into())
    }

    /// Returns the refusal of an upload whose content was complete and is not stored: it can go on where something of it is kept, or where
    /// nothing was kept before.
    async fn not_stored(&mut self, refusal: Refusal) -> Refusal {
        if let Err(other) = self.look_again().await {
            return other;
        }
        let (note, kept) = (&mut self.upload.note, self.upload.kept.as_ref());
        let noted = match note.is_kept && kept.is_none() {
            true => self.access.forget_upload_note(note.id).await.map_err(Refusal::from),
            false => {
                note.end = End::Open;
                self.upload.noted(&self.access).await
            }
        };
        match noted {
            Ok(()) => self.refused(refusal),
            Err(other) => other,
        }
    }
}

fn gone() -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, name::CANCELLED, "the client is gone before the upload was told of")
}

pub(super) fn broken_off(broken: &Broken) -> Refusal {
    match broken {
        Broken::Lost => {
            Refusal::new(StatusCode::BAD_REQUEST, name::CANCELLED, "the content has ended before its end; what has come is kept")
        }
        Broken::Stalled(after) => {
            let text = format!("nothing has come for {} s; what has come is kept", after.as_secs());
            Refusal::new(StatusCode::REQUEST_TIMEOUT, name::CANCELLED, text)
        }
        Broken::Slow(within) => {
            let text = format!("content with a checksum has to come within {} s; send less in one request", within.as_secs());
            Refusal::new(StatusCode::REQUEST_TIMEOUT, name::REQUEST_LIMIT, text)
        }
        Broken::Disk(error) => {
            tracing::error!(%error, "a temporary file of an upload cannot be used");
            Problem::internal().into()
        }
    }
}

/// Returns the refusal of a request whose upload another one goes on with.
fn taken_over(note: &UploadNote) -> Refusal {
    let text = format!("another client has taken upload {} over; what is stored of it is kept for that one", note.id);
    Refusal::new(StatusCode::CONFLICT, name::TAKEN_OVER, text)
}

fn too_short(at: u64, size: u64) -> Refusal {
    Refusal::other_length(format!("the content ends after {at} bytes, and the upload has {size}; what has come is kept"))
}

fn too_long(note: &UploadNote) -> Refusal {
    let text = match note.size {
        Some(size) => format!("the content goes on after the {size} bytes that the upload has; it is undone"),
        None => "the content is longer than a file can be; the upload is undone".to_owned(),
    };
    Refusal::other_length(text)
}

/// Returns the refusal of content of which nodes have lost a part before it was durable.
fn lost(at: u64) -> Refusal {
    let text = format!("nodes have not made durable all that was sent up to position {at}; go on at the position that is kept");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, name::UNAVAILABLE, text).with("retry-after", &SOON.as_secs().to_string())
}

fn other_digest(expected: &Sha256Digest, found: &Sha256Digest) -> Refusal {
    let text = format!("the content has the SHA-256 {found}, and not {expected} as declared; the upload is undone");
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, name::CONTENT_DIFFERS, text).with("upload-complete", "?1")
}
