//! Content of a request, as it is given to an upload: piece by piece as it comes, or out of a temporary file once its checksum has been found
//! to be right, since nothing of wrong content may stay (tus, section "Checksum").

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::checksum::Checksum;

/// Time without a byte of a client after which its request is ended; what has come is kept.
pub(super) const STALLED_AFTER: Duration = Duration::from_secs(60);
/// Bytes that are taken of a request that is refused, and the time for them, at the most.
const DRAINED_MAX: u64 = 16 << 20;
const DRAINED_WITHIN: Duration = Duration::from_secs(5);
/// Length of content with a checksum at the most, in bytes.
pub(super) const CHECKED_MAX: u64 = 256 << 20;
/// Bytes of all temporary files at the most.
const ALL_MAX: u64 = 1 << 30;
/// Bytes that are read of a temporary file at once.
const READ: usize = 256 << 10;

/// Bytes of all temporary files.
static ALL: AtomicU64 = AtomicU64::new(0);

/// Content of a request.
#[derive(Debug)]
pub(super) enum Content {
    /// What the client sends.
    Sent(Body),
    /// What it has sent.
    Checked(Spool),
}

/// Reason why content ends before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The client is gone.
    Lost,
    /// The client sends nothing any more.
    Stalled,
    /// The temporary file cannot be read or written.
    Disk(String),
}

/// Reason why content is not taken as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// The content has ended before its end.
    Broken(Broken),
    /// The content has another checksum.
    Differs,
    /// The content is longer than this.
    Longer(u64),
    /// There is no room for it in temporary files now.
    NoRoom,
}

impl Content {
    /// Returns the next piece; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        match self {
            Content::Sent(body) => next(body, STALLED_AFTER).await,
            Content::Checked(spool) => spool.next().await,
        }
    }

    /// Takes all of the content, and returns it if it has this checksum. It may have `max` bytes.
    pub(super) async fn checked(self, checksum: Checksum, max: u64) -> Result<Content, Refused> {
        let Content::Sent(mut body) = self else { return Ok(self) };
        let (max, mut summing) = (max.min(CHECKED_MAX), checksum.begin());
        if body.size_hint().exact().is_some_and(|len| len > max) {
            return Err(Refused::Longer(max));
        }
        let mut spool = Spool::new().await?;
        while let Some(bytes) = next(&mut body, STALLED_AFTER).await.map_err(Refused::Broken)? {
            if spool.len + bytes.len() as u64 > max {
                return Err(Refused::Longer(max));
            }
            summing.add(&bytes);
            spool.push(bytes).await?;
        }
        if summing.end() == checksum { Ok(Content::Checked(spool)) } else { Err(Refused::Differs) }
    }
}

/// Takes the rest of a request that is refused, so that its client, which may still send, reads the answer: a connection that is closed with
/// bytes that nobody has read is reset (RFC 9112, section 9.6). There is a bound to what is taken.
pub(super) async fn drained(mut body: Body) {
    let taking = async {
        let mut taken = 0;
        while let Ok(Some(bytes)) = next(&mut body, DRAINED_WITHIN).await {
            taken += bytes.len() as u64;
            if taken > DRAINED_MAX {
                return;
            }
        }
    };
    // Whoever sends for longer does without the answer.
    let _ = timeout(DRAINED_WITHIN, taking).await;
}

/// Returns the next piece of a body. Trailers are of no use here.
async fn next(body: &mut Body, within: Duration) -> Result<Option<Bytes>, Broken> {
    loop {
        let frame = timeout(within, body.frame()).await.map_err(|_| Broken::Stalled)?;
        match frame.transpose().map_err(|_| Broken::Lost)?.map(http_body::Frame::into_data) {
            None => return Ok(None),
            Some(Ok(bytes)) if !bytes.is_empty() => return Ok(Some(bytes)),
            Some(_) => {}
        }
    }
}

/// Temporary file without a name, which is gone with the process. Only its owner may read it.
#[derive(Debug)]
pub(super) struct Spool {
    file: Arc<File>,
    len: u64,
    /// Position of the next byte that is read.
    at: u64,
}

impl Spool {
    async fn new() -> Result<Spool, Refused> {
        let file = on_disk(tempfile::tempfile).await.map_err(Refused::Broken)?;
        Ok(Spool { file: Arc::new(file), len: 0, at: 0 })
    }

    async fn push(&mut self, bytes: Bytes) -> Result<(), Refused> {
        let (at, more) = (self.len, bytes.len() as u64);
        let is_within = |all: u64| all.checked_add(more).filter(|&all| all <= ALL_MAX);
        ALL.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_within).map_err(|_| Refused::NoRoom)?;
        self.len += more;
        let file = Arc::clone(&self.file);
        on_disk(move || file.write_all_at(&bytes, at)).await.map_err(Refused::Broken)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let (at, len) = (self.at, usize::try_from(self.len - self.at).unwrap_or(READ).min(READ));
        if len == 0 {
            return Ok(None);
        }
        let file = Arc::clone(&self.file);
        let bytes = on_disk(move || {
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, at).map(|()| bytes)
        })
        .await?;
        self.at += len as u64;
        Ok(Some(bytes.into()))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        ALL.fetch_sub(self.len, Ordering::Relaxed);
    }
}

async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Broken> {
    let done = spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| Broken::Disk(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::Frame;
    use sha2::{Digest, Sha256};

    use super::*;

    fn on_a_runtime(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    fn sum(bytes: &[u8]) -> Checksum {
        Checksum::Sha256(Sha256::digest(bytes).into())
    }

    /// Body of a client that sends a byte and then nothing.
    struct Silent(bool);

    impl http_body::Body for Silent {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
            match std::mem::replace(&mut self.0, true) {
                false => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"a"))))),
                true => Poll::Pending,
            }
        }
    }

    #[test]
    fn a_client_that_sends_nothing_any_more_is_waited_for_in_vain() {
        on_a_runtime(async {
            let mut body = Body::new(Silent(false));
            assert_eq!(next(&mut body, STALLED_AFTER).await, Ok(Some(Bytes::from_static(b"a"))));
            assert_eq!(next(&mut body, Duration::from_millis(1)).await, Err(Broken::Stalled));
        });
    }

    #[test]
    fn content_comes_out_as_it_went_in_if_its_checksum_is_right() {
        on_a_runtime(async {
            let bytes: Vec<u8> = (0..3 * READ + 5).map(|at| (at * at / 7) as u8).collect();
            let sent = || Content::Sent(Body::from(bytes.clone()));
            let mut content = sent().checked(sum(&bytes), u64::MAX).await.unwrap();
            let mut read = Vec::new();
            while let Some(more) = content.next().await.unwrap() {
                read.extend_from_slice(&more);
            }
            assert!(read == bytes);
            assert_eq!(sent().checked(sum(b"other"), u64::MAX).await.unwrap_err(), Refused::Differs);
            assert_eq!(sent().checked(sum(&bytes), 10).await.unwrap_err(), Refused::Longer(10));
        });
    }
}
