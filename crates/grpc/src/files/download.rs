//! `DownloadFile`: content that a client takes.
//!
//! Nothing is asked of the nodes while the client does not take what is there, and a client that has gone cancels the download.

use bytes::Bytes;
use p2p_service::access::AccessError;
use p2p_service::access::range::WantedRange;
use p2p_service::files::{EngineError, Entry, FileRecord, Sha256Digest, StreamReader, TransferId};
use tokio::sync::mpsc::Sender;
use tonic::Status;

use super::messages::{digest, figures, file};
use super::produced::send;
use super::{CHUNK_MAX, Caller, checked};
use crate::proto::download_file_response::Message;
use crate::proto::{ByteRange, Chunk, DownloadBegun, DownloadFileRequest, DownloadFileResponse};
use crate::status::{self, told};

impl From<Message> for DownloadFileResponse {
    fn from(message: Message) -> DownloadFileResponse {
        DownloadFileResponse { message: Some(message) }
    }
}

/// Further looks at a path at which another file has taken the place of the one that was looked at, at the most.
const LOOKS: u32 = 3;

/// Download that has begun.
pub(super) struct Begun {
    transfer: TransferId,
    reader: StreamReader,
    file: FileRecord,
    first: u64,
    len: u64,
}

/// Begins a download, or refuses it before anything is sent.
pub(super) async fn begin(caller: &Caller, request: DownloadFileRequest) -> Result<Begun, Status> {
    let DownloadFileRequest { path, range, expected_sha256 } = request;
    let (path, expected) = (checked("path", &path)?, digest("expected_sha256", expected_sha256)?);
    let (first, len) = (range.map_or(0, |range| range.first), range.map_or(Ok(None), |range| length(&range))?);
    // All of an empty file is no range.
    let wanted = range.map(|_| WantedRange::From { first, last: len.map(|len| first.saturating_add(len - 1)) });
    let mut looks = 0..LOOKS;
    loop {
        let file = described(caller, path, expected).await?;
        // What begins is the file that the client is told of, whatever takes its place meanwhile.
        let begun = caller.access.download_stream(&caller.identity, path, wanted, Some(file.sha256)).await;
        match begun {
            Err(AccessError::Engine(EngineError::ContentDiffers { .. })) if looks.next().is_some() => {}
            begun => {
                let (transfer, reader) = begun.map_err(told)?;
                let left = file.size.saturating_sub(first);
                return Ok(Begun { transfer, reader, first, len: len.unwrap_or(left).min(left), file });
            }
        }
    }
}

/// Returns the file that a client wants, if its content is the expected one.
async fn described(caller: &Caller, path: &str, expected: Option<Sha256Digest>) -> Result<FileRecord, Status> {
    let file = match caller.access.known_entry(&caller.identity, path).await.map_err(told)? {
        Entry::File(file) => file,
        Entry::Directory(_) => caller.access.readable(&caller.identity, path).await.map_err(told)?,
    };
    match expected.filter(|expected| *expected != file.sha256) {
        Some(expected) => Err(status::other_digest(&expected, &file.sha256)),
        None => Ok(file),
    }
}

fn length(range: &ByteRange) -> Result<Option<u64>, Status> {
    match range.length {
        Some(0) => Err(status::invalid("range.length", "it is 0; without it all up to the end is meant")),
        length => Ok(length),
    }
}

/// Sends a client what it downloads, as long as what it has presented is valid.
pub(super) async fn run(caller: Caller, begun: Begun, answers: Sender<DownloadFileResponse>) -> Result<(), Status> {
    tokio::select! {
        biased;
        sent = all(&caller, begun, answers) => sent,
        // The reader is dropped, and that cancels the download.
        status = caller.lapsed() => Err(status),
    }
}

async fn all(caller: &Caller, begun: Begun, answers: Sender<DownloadFileResponse>) -> Result<(), Status> {
    let Begun { transfer, mut reader, file: record, first, len } = begun;
    let (mut at, sha256) = (first, record.sha256);
    let file = Some(file(&caller.identity, &Entry::File(record)));
    send(&answers, Message::Begun(DownloadBegun { transfer: transfer.0, file, first, length: len })).await?;
    // The report of a download that is not complete says why.
    while let Ok(Some(bytes)) = reader.read().await {
        for data in chunks(bytes) {
            let offset = Some(at);
            at += data.len() as u64;
            send(&answers, Message::Chunk(Chunk { data, offset })).await?;
        }
    }
    let report = caller.report(transfer).await?;
    match report.sha256 {
        Some(found) if found != sha256 => Err(status::other_digest(&sha256, &found)),
        _ => send(&answers, Message::Done(figures(&report))).await,
    }
}

/// Cuts bytes into chunks that fit into a message.
fn chunks(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let len = bytes.len().min(CHUNK_MAX);
        (len > 0).then(|| bytes.split_to(len))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_of_a_mebibyte_at_the_most() {
        let lengths = |len: usize| chunks(vec![7; len].into()).map(|chunk| chunk.len()).collect::<Vec<_>>();
        assert_eq!(lengths(0), [0; 0]);
        assert_eq!(lengths(CHUNK_MAX), [CHUNK_MAX]);
        assert_eq!(lengths(2 * CHUNK_MAX + 1), [CHUNK_MAX, CHUNK_MAX, 1]);
    }
}
