//! `UploadFile`: content that a client sends, and what is told of it meanwhile.
//!
//! The content goes to the engine as it comes. A client that sends nothing, and one that takes nothing of what it is told, hold up their
//! own upload alone. Where the request ends early, the end of the stream is dropped with it, and the engine keeps or cancels the upload. An
//! upload without an ID whose content is complete is cancelled too, as long as its client could not learn of the file.

use std::pin::pin;
use std::time::Duration;

use p2p_service::access::uploads::StoreAs;
use p2p_service::access::watching::Events;
use p2p_service::files::{
    Await, BegunUpload, Cancel, Declared, EndedStream, KeptUpload, Park, Prefix, Sha256Digest, StreamWriter, TransferId,
    TransferReport, TransferState, TransferStatus, UploadId,
};
use tokio::sync::mpsc::Sender;
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::acknowledged::{self, Progress};
use super::messages::{attributes, digest, figures, file, nanos};
use super::produced::send;
use super::{CHUNK_MAX, Caller, checked};
use crate::proto::upload_file_request::Message as Sent;
use crate::proto::upload_file_response::Message;
use crate::proto::{Chunk, UploadBegun, UploadDone, UploadFileRequest, UploadFileResponse, UploadHeader};
use crate::status::{self, told};

/// Messages that wait to be taken by the client, at the most; further acknowledgements are left out.
pub(super) const WAITING_MAX: usize = 64;
/// Time for the first message of a client.
const HEADER_WITHIN: Duration = Duration::from_secs(30);

impl From<Message> for UploadFileResponse {
    fn from(message: Message) -> UploadFileResponse {
        UploadFileResponse { message: Some(message) }
    }
}

/// Upload as the header asks for it.
struct Wanted {
    path: String,
    declared: Declared,
    sha256: Option<Sha256Digest>,
    upload: Option<UploadId>,
    offset: Option<u64>,
    stored_as: StoreAs,
}

impl Wanted {
    fn of(header: UploadHeader) -> Result<Wanted, Status> {
        let UploadHeader { path, size, sha256, upload_id, offset, modified, replace, modified_at, mode } = header;
        checked("path", &path)?;
        let upload = upload_id.map(|id| id.parse().map_err(|error| status::invalid("upload_id", error))).transpose()?;
        let modified = modified.map_or(Ok(None), |time| nanos("header.modified", time))?;
        let declared = Declared { size, modified };
        let stored_as = StoreAs { attributes: attributes("header.modified_at", modified_at, mode)?, replace, expected: None };
        Ok(Wanted { path, declared, sha256: digest("sha256", sha256)?, upload, offset, stored_as })
    }

    /// Refuses a position of the first byte at which the client cannot begin, if `kept` bytes are kept.
    fn check_offset(&self, kept: u64) -> Result<(), Status> {
        match self.offset {
            Some(offset) if offset != 0 && offset != kept => Err(status::other_offset("header.offset", offset, kept)),
            _ => Ok(()),
        }
    }
}

/// Takes an upload in, and sends its client what becomes of it.
pub(super) async fn run(
    caller: Caller,
    messages: Streaming<UploadFileRequest>,
    answers: Sender<UploadFileResponse>,
) -> Result<(), Status> {
    let begun = tokio::select! {
        biased;
        begun = caller.begun(messages, &answers) => begun?,
        // The end of the stream is dropped, and that ends the upload.
        () = answers.closed() => return Err(status::gone()),
    };
    let (transfer, is_kept) = (begun.transfer, begun.wanted.upload.is_some());
    let why = tokio::select! {
        biased;
        stored = caller.store(begun, &answers) => return stored,
        () = answers.closed() => status::gone(),
        // Who has no access any more gives no more content. What is kept, another login of the user goes on with.
        status = caller.lapsed() => status,
    };
    if !is_kept {
        // It may have ended in the meantime, or does with its stream.
        let _ = caller.access.call(Cancel { transfer }).await;
    }
    Err(why)
}

/// Upload of which the client has been told that it has begun.
struct Begun {
    transfer: TransferId,
    wanted: Wanted,
    content: Content,
    events: Events,
    progress: Progress,
}

impl Caller {
    /// Waits for the header, begins the upload, and tells the client so.
    async fn begun(
        &self,
        mut messages: Streaming<UploadFileRequest>,
        answers: &Sender<UploadFileResponse>,
    ) -> Result<Begun, Status> {
        let first = timeout(HEADER_WITHIN, messages.message()).await.map_err(|_| status::no_header(HEADER_WITHIN))??;
        let wanted = match first.and_then(|first| first.message) {
            Some(Sent::Header(header)) => Wanted::of(header)?,
            _ => return Err(status::invalid("header", "it is the first message of an upload")),
        };
        let events = self.access.events(None);
        let begun = self.begin_upload(&wanted).await?;
        let (transfer, offset) = (begun.transfer, begun.offset);
        send(answers, Message::Begun(UploadBegun { transfer: transfer.0, offset })).await?;
        let (progress, content) = (Progress::after(offset, begun.segments), Content::new(messages, begun, &wanted));
        Ok(Begun { transfer, wanted, content, events, progress })
    }

    /// Stores what the client sends, and tells it of the file.
    async fn store(&self, begun: Begun, answers: &Sender<UploadFileResponse>) -> Result<(), Status> {
        let Begun { wanted, content, events, progress, .. } = begun;
        let report = self.see_through(content, wanted.sha256, (events, progress), answers).await?;
        if let Some(upload) = wanted.upload.filter(|_| is_taken_over(&report.status)) {
            return Err(status::taken_over(&upload));
        }
        let report = report.into_result().map_err(told)?;
        let stored = self.access.stored_file(&self.identity, &report).await.map_err(told)?;
        let file = Some(file(&self.identity, &stored));
        send(answers, Message::Done(UploadDone { file, figures: Some(figures(&report)) })).await
    }

    /// Begins an upload, or continues the one that is kept.
    async fn begin_upload(&self, wanted: &Wanted) -> Result<BegunUpload, Status> {
        let kept = self.kept(wanted).await?;
        wanted.check_offset(kept.as_ref().map_or(0, |kept| kept.offset))?;
        match kept {
            Some(kept) => self.access.resume_stream(&kept, wanted.declared).await,
            None => self.access.store_stream(&wanted.path, wanted.declared, wanted.upload, wanted.stored_as).await,
        }
        .map_err(told)
    }

    /// Returns the upload that is to be continued, if one of its name is kept. One that is under way has lost its client, or the client
    /// has given the connection up: it is ended first (draft-ietf-httpbis-resumable-upload, section 4.6, "Concurrency").
    async fn kept(&self, wanted: &Wanted) -> Result<Option<KeptUpload>, Status> {
        let Some(id) = wanted.upload else { return Ok(None) };
        let Some(kept) = self.kept_as(id).await? else { return Ok(None) };
        if !self.identity.keys_of(&wanted.path).contains(&kept.file) {
            return Err(status::other_upload(&id, &self.identity.shown(&kept.file)));
        }
        let Some(transfer) = kept.transfer else { return Ok(Some(kept)) };
        // It may have ended in the meantime, as what is kept now says.
        let _ = self.access.call(Park { transfer }).await;
        self.kept_as(id).await
    }

    async fn kept_as(&self, id: UploadId) -> Result<Option<KeptUpload>, Status> {
        let kept = self.access.kept_uploads().await.map_err(told)?;
        Ok(kept.into_iter().find(|upload| upload.id == id))
    }

    /// Gives an upload the content that its client sends, and waits for its end, while the client is told of the segments.
    async fn see_through(
        &self,
        content: Content,
        expected: Option<Sha256Digest>,
        (events, progress): (Events, Progress),
        answers: &Sender<UploadFileResponse>,
    ) -> Result<Box<TransferReport>, Status> {
        let transfer = content.transfer;
        let storing = pin!(async {
            self.pour(content, expected).await?;
            self.access.call(Await { transfer }).await.map_err(told)
        });
        tokio::select! {
            biased;
            never = acknowledged::tell((&self.access, events), transfer, progress, answers) => match never {},
            stored = storing => stored,
        }
    }

    /// Gives an upload all that its client sends. Where the upload ends before, its report says why.
    async fn pour(&self, mut content: Content, expected: Option<Sha256Digest>) -> Result<(), Status> {
        while let Some(chunk) = content.next().await? {
            content.give(chunk).await?;
        }
        let transfer = content.transfer;
        let Some(ended) = content.end()? else { return Ok(()) };
        match expected {
            Some(expected) if ended.sha256 != expected => Err(self.refuse_content(transfer, ended, expected).await),
            _ => {
                // There is a file from here on, and who is nobody any more since the last look, or may not store there any more, stores none.
                self.check().await?;
                self.access.check_storing(transfer).map_err(told)?;
                // The report says why it is over.
                let _ = ended.hand_over().await;
                Ok(())
            }
        }
    }

    /// Undoes an upload whose content is not the declared one: none of it is of use to whoever continues it.
    async fn refuse_content(&self, transfer: TransferId, ended: EndedStream, expected: Sha256Digest) -> Status {
        let refused = status::other_digest(&expected, &ended.sha256);
        let undone = self.access.call(Cancel { transfer }).await;
        drop(ended);
        undone.map_or_else(told, |_| refused)
    }
}

/// Returns true if an upload has ended for another client, which goes on with it: it was to be parked although its client is there. Where
/// nothing of it was stored yet, nothing is kept, and it is cancelled without a request to cancel it.
fn is_taken_over(status: &TransferStatus) -> bool {
    match status.state {
        TransferState::Parked => true,
        TransferState::Cancelled => status.cancel.is_none(),
        _ => false,
    }
}

/// Content of an upload as it comes.
struct Content {
    messages: Streaming<UploadFileRequest>,
    transfer: TransferId,
    writer: StreamWriter,
    /// What is kept of the upload, as far as the client sends it again.
    prefix: Option<Prefix>,
    /// Position of the next byte.
    at: u64,
    is_over: bool,
}

impl Content {
    fn new(messages: Streaming<UploadFileRequest>, begun: BegunUpload, wanted: &Wanted) -> Content {
        let BegunUpload { transfer, offset, prefix, writer, .. } = begun;
        let at = wanted.offset.unwrap_or(offset);
        Content { messages, transfer, writer, prefix: prefix.filter(|_| at < offset), at, is_over: false }
    }

    /// Waits for the next chunk; none after the last, and none if the upload is over.
    async fn next(&mut self) -> Result<Option<Chunk>, Status> {
        if self.is_over {
            return Ok(None);
        }
        let message = tokio::select! {
            biased;
            () = self.writer.closed() => {
                self.is_over = true;
                return Ok(None);
            }
            message = self.messages.message() => message?,
        };
        match message.map(|message| message.message) {
            None => Ok(None),
            Some(Some(Sent::Chunk(chunk))) => self.checked(chunk).map(Some),
            Some(Some(Sent::Header(_))) => Err(status::invalid("header", "it is the first message alone")),
            Some(None) => Err(status::invalid("message", "it is neither a header nor a chunk")),
        }
    }

    fn checked(&self, chunk: Chunk) -> Result<Chunk, Status> {
        match (chunk.offset, chunk.data.len()) {
            (_, 0) => Err(status::invalid("chunk.data", "it is empty; the end of the messages is the end of the file")),
            (_, len) if len > CHUNK_MAX => {
                Err(status::invalid("chunk.data", format_args!("it has {len} bytes; at most {CHUNK_MAX} are allowed")))
            }
            (Some(offset), _) if offset != self.at => Err(status::other_offset("chunk.offset", offset, self.at)),
            _ => Ok(chunk),
        }
    }

    async fn give(&mut self, Chunk { data, .. }: Chunk) -> Result<(), Status> {
        self.at += data.len() as u64;
        let rest = match &mut self.prefix {
            Some(prefix) => prefix.check(data).map_err(|other| status::other_content(&other))?,
            None => data,
        };
        self.is_over = self.writer.write(rest).await.is_err();
        Ok(())
    }

    /// Ends the content; none if the upload is over.
    fn end(self) -> Result<Option<EndedStream>, Status> {
        if self.is_over {
            return Ok(None);
        }
        match self.prefix.map_or(0, |prefix| prefix.missing()) {
            0 => Ok(Some(self.writer.end())),
            missing => Err(status::other_content(&format_args!("it ends {missing} bytes before the end of what is kept"))),
        }
    }
}
