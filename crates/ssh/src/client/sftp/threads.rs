//! Sources and sinks of content, which threads of their own read and write.
//!
//! A read or a write may last without end. The connection is attended meanwhile, and nobody waits for such a thread if the program ends.

use std::io::{self, ErrorKind, Read, Write};
use std::thread::Builder;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};

/// Pieces that have been read and not been sent, at the most; pieces that have come and not been written.
const AHEAD: usize = 2;
/// Bytes of a read of what is kept already.
const BLOCK: usize = 256 << 10;

/// Length of a content and its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
}

/// What a source gives.
#[derive(Debug)]
pub(super) enum Piece {
    /// Bytes that follow those before.
    Data(Bytes),
    /// End of the source, with what it was from its begin.
    End(Whole),
    /// Failure of the source.
    Failed(io::Error),
}

/// Begins to read a source to its end, in pieces of this length. Those before `skipped` are read and not given.
///
/// # Errors
/// Fails if the system has no thread.
pub(super) fn reading(mut source: impl Read + Send + 'static, skipped: u64, len: usize) -> io::Result<mpsc::Receiver<Piece>> {
    let (sender, pieces) = mpsc::channel(AHEAD);
    let work = move || {
        let (mut whole, mut bytes) = (Sha256::new(), 0);
        let end = loop {
            let max = if bytes < skipped { usize::try_from(skipped - bytes).unwrap_or(BLOCK).min(BLOCK) } else { len };
            let data = match next_piece(&mut source, max) {
                Ok(data) => data,
                Err(error) => break Piece::Failed(error),
            };
            if data.is_empty() && bytes < skipped {
                break Piece::Failed(io::Error::new(ErrorKind::InvalidData, "it is shorter than what is kept of it at the host"));
            }
            if data.is_empty() {
                break Piece::End(Whole { bytes, sha256: whole.finalize().into() });
            }
            whole.update(&data);
            let is_skipped = bytes < skipped;
            bytes += data.len() as u64;
            // If nobody takes it, the transfer is over.
            let is_over = if is_skipped { sender.is_closed() } else { sender.blocking_send(Piece::Data(data)).is_err() };
            if is_over {
                return;
            }
        };
        let _ = sender.blocking_send(end);
    };
    Builder::new().name("p2p-source".into()).spawn(work)?;
    Ok(pieces)
}

/// Reads a piece that is full, unless the source ends; empty at the end.
fn next_piece(source: &mut impl Read, max: usize) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(max);
    source.take(max as u64).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Result of the writing: what the content was from its begin.
pub(super) type Written = oneshot::Receiver<io::Result<Whole>>;

/// Begins to write what is sent. `kept` is what the sink has already.
///
/// # Errors
/// Fails if the system has no thread.
pub(super) fn writing(
    mut sink: impl Write + Send + 'static,
    kept: Option<impl Read + Send + 'static>,
) -> io::Result<(mpsc::Sender<Bytes>, Written)> {
    let (pieces, mut come) = mpsc::channel::<Bytes>(AHEAD);
    let (told, written) = oneshot::channel();
    let write = move || {
        let (mut whole, mut bytes) = (Sha256::new(), 0);
        let mut add = |data: &[u8]| {
            whole.update(data);
            bytes += data.len() as u64;
        };
        if let Some(mut kept) = kept {
            loop {
                let data = next_piece(&mut kept, BLOCK)?;
                if data.is_empty() {
                    break;
                }
                add(&data);
            }
        }
        while let Some(data) = come.blocking_recv() {
            sink.write_all(&data)?;
            add(&data);
        }
        sink.flush()?;
        // Closed before it is told of.
        drop(sink);
        Ok(Whole { bytes, sha256: whole.finalize().into() })
    };
    let work = move || drop(told.send(write()));
    Builder::new().name("p2p-sink".into()).spawn(work)?;
    Ok((pieces, written))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Whole {
        Whole { bytes: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }
    }

    #[tokio::test]
    async fn what_is_kept_is_read_and_not_given() {
        let content: Vec<u8> = (0..1_000_u32).map(|number| number as u8).collect();
        let mut pieces = reading(io::Cursor::new(content.clone()), 700, 200).unwrap();
        let mut given = Vec::new();
        let end = loop {
            match pieces.recv().await.unwrap() {
                Piece::Data(data) => given.push(data),
                Piece::End(end) => break end,
                Piece::Failed(error) => panic!("{error}"),
            }
        };
        assert_eq!(given, [&content[700..900], &content[900..]]);
        assert_eq!(end, whole(&content));
        let mut pieces = reading(io::Cursor::new(content), 1_001, 200).unwrap();
        assert!(matches!(pieces.recv().await, Some(Piece::Failed(_))), "a shorter source is another one");
    }

    #[tokio::test]
    async fn what_is_written_counts_with_what_was_there() {
        let (pieces, written) = writing(Vec::new(), Some(&b"abc"[..])).unwrap();
        pieces.send(Bytes::from_static(b"def")).await.unwrap();
        drop(pieces);
        assert_eq!(written.await.unwrap().unwrap(), whole(b"abcdef"));
    }
}
