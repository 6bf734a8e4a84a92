//! Uploads and downloads, whose bytes threads of their own read and write.
//!
//! A read or a write may last without end. The connection is attended meanwhile, and nobody waits for such a thread if the program ends.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::Builder;

use bytes::Bytes;
use p2p_service::files::Sha256Digest;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use tonic::Status;
use tonic::codegen::tokio_stream::Stream;

use super::{Client, ClientError, Outcome};
use crate::proto::download_file_response::Message as Brought;
use crate::proto::upload_file_request::Message as Sent;
use crate::proto::upload_file_response::Message as Answered;
use crate::proto::{
    Chunk, DownloadBegun, DownloadFileRequest, TransferFigures, UploadDone, UploadFileRequest, UploadFileResponse, UploadHeader,
};

/// Length of a chunk that is sent, in bytes.
const CHUNK: usize = 256 << 10;
/// Chunks that have been read and not been sent, at the most.
const AHEAD: usize = 2;
/// Pieces that have come and that nobody writes yet, at the most, and those that are written together.
const PIECES: usize = 4;

/// Messages of a channel as those of a request.
struct Messages(mpsc::Receiver<UploadFileRequest>);

impl Stream for Messages {
    type Item = UploadFileRequest;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<UploadFileRequest>> {
        self.0.poll_recv(cx)
    }
}

fn message(message: Sent) -> UploadFileRequest {
    UploadFileRequest { message: Some(message) }
}

impl Client {
    /// Stores all that a source has, as its header says, and calls `begun` with the number of the transfer, and `told` with the position before
    /// which nodes have acknowledged all.
    /// Giving this future up ends the upload, which is kept if it has an ID, and cancelled otherwise.
    ///
    /// # Errors
    /// Fails if the server refuses, or if the source cannot be read: then nothing is stored, and the server has given the upload up.
    pub async fn upload(
        &self,
        header: UploadHeader,
        source: impl Read + Send + 'static,
        begun: impl Fn(u64),
        mut told: impl FnMut(u64),
    ) -> Outcome<UploadDone> {
        let (sender, messages) = mpsc::channel(AHEAD);
        let sent = sender.send(message(Sent::Header(header))).await;
        sent.map_err(|_| ClientError::Unexpected("no request"))?;
        let mut answers = self.files.clone().upload_file(self.request(Messages(messages))).await?.into_inner();
        let mut reading = reading(source, sender.clone())?;
        // The end of the messages is the end of the file: as long as this one is held, they do not end.
        let (mut held, mut is_reading, mut unread) = (Some(sender), true, None);
        loop {
            tokio::select! {
                biased;
                read = &mut reading, if is_reading => {
                    is_reading = false;
                    // A reader whose chunks nobody takes any more says nothing, and the answer says why.
                    if let Ok(all) = read {
                        unread = all.err();
                        drop(held.take());
                    }
                }
                answer = answers.message() => match answer_of(answer, &mut unread)? {
                    Some(Answered::Begun(first)) => {
                        begun(first.transfer);
                        told(first.offset);
                    }
                    Some(Answered::Acknowledged(acknowledged)) => told(acknowledged.offset),
                    Some(Answered::Done(done)) => return Ok(done),
                    None => return Err(ClientError::Unexpected("the answer ends without a file")),
                },
            }
        }
    }

    /// Fetches content to `sink`, which is given back once all has been written, after `begun` was called with what the content is, and
    /// `told` with the number of bytes that have come.
    ///
    /// # Errors
    /// Fails if the server refuses, if not all of the content comes, if a piece is not where it should be, if a whole file has not the
    /// SHA-256 that the server told of it, or if the sink cannot be written.
    pub async fn download(
        &self,
        wanted: DownloadFileRequest,
        sink: impl Write + Send + 'static,
        begun: impl FnOnce(&DownloadBegun),
        mut told: impl FnMut(u64),
    ) -> Outcome<TransferFigures> {
        let mut answers = self.files.clone().download_file(self.request(wanted)).await?.into_inner();
        let Some(Brought::Begun(first)) = answers.message().await?.and_then(|answer| answer.message) else {
            return Err(ClientError::Unexpected("it does not say what it sends"));
        };
        begun(&first);
        let (pieces, written) = writing(sink)?;
        let mut come = 0;
        let figures = loop {
            match answers.message().await?.and_then(|answer| answer.message) {
                Some(Brought::Chunk(chunk)) => {
                    let at = first.first.saturating_add(come);
                    if let Some(offset) = chunk.offset.filter(|&offset| offset != at) {
                        let damage = format!("a piece that should begin at byte {at} says that it begins at byte {offset}");
                        return Err(ClientError::Damaged(damage));
                    }
                    come += chunk.data.len() as u64;
                    if pieces.send(chunk.data).await.is_err() {
                        // What became of the writing says why.
                        break None;
                    }
                    told(come);
                }
                Some(Brought::Done(figures)) => break Some(figures),
                _ => return Err(ClientError::Unexpected("the answer ends in the middle of the content")),
            }
        };
        drop(pieces);
        let found = written.await.map_err(|_| ClientError::Unexpected("no writer"))??;
        match figures {
            Some(figures) if come == first.length => same(&first, &found).map(|()| figures),
            _ => Err(ClientError::Unexpected("the content has another length than it says")),
        }
    }
}

/// Returns what an answer says; the failure of the source, if the server gives the upload up on its account.
fn answer_of(answer: Result<Option<UploadFileResponse>, Status>, unread: &mut Option<io::Error>) -> Outcome<Option<Answered>> {
    match answer {
        Ok(Some(answer)) => Ok(answer.message),
        ended => match (unread.take(), ended) {
            (Some(error), _) => Err(error.into()),
            (None, Err(status)) => Err(status.into()),
            (None, Ok(_)) => Ok(None),
        },
    }
}

/// Begins to read a source to its end. One that fails ends with a message that is neither a header nor a chunk, which the server
/// refuses: the end of the messages alone would be the end of a file.
fn reading(
    mut source: impl Read + Send + 'static,
    sender: mpsc::Sender<UploadFileRequest>,
) -> Outcome<oneshot::Receiver<io::Result<()>>> {
    let (told, read) = oneshot::channel();
    let work = move || {
        let all = loop {
            let data = match next_chunk(&mut source) {
                Ok(data) if data.is_empty() => break Ok(()),
                Ok(data) => data,
                Err(error) => break Err(error),
            };
            // If nobody takes it, the upload is over, and its answer says why.
            if sender.blocking_send(message(Sent::Chunk(Chunk { data, offset: None }))).is_err() {
                return;
            }
        };
        if all.is_err() {
            // If nobody takes it, the upload is over.
            let _ = sender.blocking_send(UploadFileRequest { message: None });
        }
        let _ = told.send(all);
    };
    Builder::new().name("p2p-source".into()).spawn(work)?;
    Ok(read)
}

/// Reads a chunk that is full, unless the source ends; empty at the end.
fn next_chunk(source: &mut impl Read) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(CHUNK);
    source.take(CHUNK as u64).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Compares the SHA-256 of all that came with the one that was told. Of a part of a file none was told.
fn same(begun: &DownloadBegun, found: &Sha256Digest) -> Outcome<()> {
    let file = begun.file.as_ref().ok_or(ClientError::Unexpected("it does not say what it sends"))?;
    if begun.first != 0 || begun.length != file.size || file.sha256 == found.as_bytes()[..] {
        return Ok(());
    }
    let told = file.sha256[..].try_into().map(Sha256Digest::from_bytes);
    let told = told.map_or_else(|_| "none".to_owned(), |told| told.to_string());
    Err(ClientError::Damaged(format!("the content has the SHA-256 {found}, but the file has {told}, as the server says")))
}

/// Result of the writing, with the SHA-256 of all that was written.
type Written = oneshot::Receiver<io::Result<Sha256Digest>>;

/// Begins to write what is sent.
fn writing(mut sink: impl Write + Send + 'static) -> Outcome<(mpsc::Sender<Bytes>, Written)> {
    let (pieces, mut come) = mpsc::channel::<Bytes>(PIECES);
    let (told, written) = oneshot::channel();
    let write = move || {
        let (mut whole, mut taken) = (Sha256::new(), Vec::with_capacity(PIECES));
        // All that are there are taken at once, so that the threads wake each other once for all of them.
        while come.blocking_recv_many(&mut taken, PIECES) > 0 {
            for bytes in taken.drain(..) {
                whole.update(&bytes);
                sink.write_all(&bytes)?;
            }
        }
        sink.flush()?;
        // Closed before it is told of.
        drop(sink);
        Ok(Sha256Digest::from_bytes(whole.finalize().into()))
    };
    let work = move || drop(told.send(write()));
    Builder::new().name("p2p-sink".into()).spawn(work)?;
    Ok((pieces, written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::FileInfo;

    #[test]
    fn chunks_are_full_until_the_end() {
        // A source that gives a few bytes at a time.
        struct Slow(usize);
        impl Read for Slow {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let len = self.0.min(into.len()).min(1000);
                self.0 -= len;
                Ok(len)
            }
        }
        let mut source = Slow(CHUNK + 5);
        let lengths: Vec<usize> = (0..3).map(|_| next_chunk(&mut source).unwrap().len()).collect();
        assert_eq!(lengths, [CHUNK, 5, 0]);
    }

    /// A whole file is compared with what the server told of it; of a part of one nothing was told.
    #[test]
    fn content_that_is_not_what_was_told_is_damaged() {
        let found = Sha256Digest::of(b"0123456789");
        let begun = |first, sha256: &[u8]| {
            let file = FileInfo { size: 10, sha256: sha256.to_vec().into(), ..FileInfo::default() };
            DownloadBegun { file: Some(file), first, length: 10 - first, ..DownloadBegun::default() }
        };
        assert!(same(&begun(0, found.as_bytes()), &found).is_ok());
        assert!(same(&begun(5, &[0; 32]), &found).is_ok());
        for wrong in [&[0; 32][..], &[]] {
            let error = same(&begun(0, wrong), &found).unwrap_err();
            assert!(
                error.kind() == p2p_service::ErrorKind::DataLoss && error.to_string().contains("SHA-256 84d89877"),
                "{error}"
            );
        }
        assert!(same(&DownloadBegun::default(), &found).is_err());
    }
}
