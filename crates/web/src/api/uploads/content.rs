//! Content of a request, as it is given to an upload: piece by piece as it comes, or out of a temporary file once its checksum has been found
//! to be right, since nothing of wrong content may stay (tus, section "Checksum").

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::Body as _;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::checksum::Checksum;
use crate::api::content::{self, Ended};
use crate::spools::{Room, Spools};

/// Bytes that are taken of a request that is refused, and the time for them, at the most.
const DRAINED_MAX: u64 = 16 << 20;
const DRAINED_WITHIN: Duration = Duration::from_secs(5);
/// Bytes that are read of a temporary file at once.
const READ: usize = 256 << 10;

/// Content of a request.
#[derive(Debug)]
pub(super) enum Content {
    /// What the client sends, and the temporary files for it.
    Sent(Body, Spools),
    /// What it has sent.
    Checked(Spool),
}

/// Reason why content ends before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The client is gone.
    Lost,
    /// The client has sent nothing for this time.
    Stalled(Duration),
    /// The client has not sent all in this time.
    Slow(Duration),
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
            Content::Sent(body, spools) => next(body, spools.bounds().stalled_after).await,
            Content::Checked(spool) => spool.next().await,
        }
    }

    /// Takes all of the content of a user, and returns it if it has this checksum. It may have `max` bytes.
    pub(super) async fn checked(self, checksum: Checksum, max: u64, user: &str) -> Result<Content, Refused> {
        let Content::Sent(body, spools) = self else { return Ok(self) };
        let (max, within) = (max.min(spools.bounds().checked_of_user), spools.bounds().checked_within);
        if body.size_hint().exact().is_some_and(|len| len > max) {
            return Err(Refused::Longer(max));
        }
        let taking = taken(body, &spools, (checksum, max, user));
        timeout(within, taking).await.unwrap_or(Err(Refused::Broken(Broken::Slow(within)))).map(Content::Checked)
    }
}

/// Takes all of a body of a user into a temporary file, and returns that if it has this checksum.
async fn taken(mut body: Body, spools: &Spools, (checksum, max, user): (Checksum, u64, &str)) -> Result<Spool, Refused> {
    let (mut spool, mut summing) = (Spool::new(spools, user).await?, checksum.begin());
    while let Some(bytes) = next(&mut body, spools.bounds().stalled_after).await.map_err(Refused::Broken)? {
        if spool.len + bytes.len() as u64 > max {
            return Err(Refused::Longer(max));
        }
        summing.add(&bytes);
        spool.push(bytes).await?;
    }
    if summing.end() == checksum { Ok(spool) } else { Err(Refused::Differs) }
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

async fn next(body: &mut Body, within: Duration) -> Result<Option<Bytes>, Broken> {
    content::next(body, within).await.map_err(|ended| match ended {
        Ended::Lost(_) => Broken::Lost,
        Ended::Stalled => Broken::Stalled(within),
    })
}

/// Temporary file without a name, with the room that is taken for it.
#[derive(Debug)]
pub(super) struct Spool {
    file: Arc<File>,
    room: Room,
    len: u64,
    /// Position of the next byte that is read.
    at: u64,
}

impl Spool {
    async fn new(spools: &Spools, user: &str) -> Result<Spool, Refused> {
        let (room, spools) = (spools.room(user), spools.clone());
        let file = on_disk(move || spools.file()).await.map_err(Refused::Broken)?;
        Ok(Spool { file: Arc::new(file), room, len: 0, at: 0 })
    }

    async fn push(&mut self, bytes: Bytes) -> Result<(), Refused> {
        let (at, more) = (self.len, bytes.len() as u64);
        if !self.room.take(more) {
            return Err(Refused::NoRoom);
        }
        self.len += more;
        let file = Arc::clone(&self.file);
        let written =
            spawn_blocking(move || file.write_all_at(&bytes, at)).await.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refused::NoRoom,
            _ => Refused::Broken(Broken::Disk(error.to_string())),
        })
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
    use crate::bounds::Bounds;

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

    /// Temporary files of which a user may have so many bytes.
    fn spools(directory: &tempfile::TempDir, checked_of_user: u64) -> Spools {
        let within = Duration::from_millis(1);
        Spools::new(directory.path(), Bounds { stalled_after: within, checked_of_user, ..Bounds::default() })
    }

    #[test]
    fn a_client_that_sends_nothing_any_more_is_waited_for_in_vain() {
        on_a_runtime(async {
            let directory = tempfile::tempdir().unwrap();
            let spools = spools(&directory, 1 << 20);
            let mut content = Content::Sent(Body::new(Silent(false)), spools.clone());
            assert_eq!(content.next().await, Ok(Some(Bytes::from_static(b"a"))));
            assert_eq!(content.next().await, Err(Broken::Stalled(Duration::from_millis(1))));
            let content = Content::Sent(Body::new(Silent(false)), spools);
            let refused = content.checked(sum(b"a"), 10, "alice").await.unwrap_err();
            assert_eq!(refused, Refused::Broken(Broken::Stalled(Duration::from_millis(1))));
        });
    }

    #[test]
    fn content_with_a_checksum_has_a_deadline_and_its_user_a_share() {
        on_a_runtime(async {
            let directory = tempfile::tempdir().unwrap();
            let soon = Duration::from_millis(1);
            let bounds = Bounds { checked_within: soon, checked_of_user: 10, ..Bounds::default() };
            let spools = Spools::new(directory.path(), bounds);
            let content = Content::Sent(Body::new(Silent(false)), spools.clone());
            assert_eq!(content.checked(sum(b"a"), 10, "alice").await.unwrap_err(), Refused::Broken(Broken::Slow(soon)));
            let spools = Spools::new(directory.path(), Bounds { checked_of_user: 10, ..Bounds::default() });
            let sent = || Content::Sent(Body::from("seven.."), spools.clone());
            let held = sent().checked(sum(b"seven.."), 10, "alice").await.unwrap();
            assert_eq!(sent().checked(sum(b"seven.."), 10, "alice").await.unwrap_err(), Refused::NoRoom);
            assert!(sent().checked(sum(b"seven.."), 10, "bob").await.is_ok());
            drop(held);
            assert!(sent().checked(sum(b"seven.."), 10, "alice").await.is_ok());
        });
    }

    #[test]
    fn content_comes_out_as_it_went_in_if_its_checksum_is_right() {
        on_a_runtime(async {
            let directory = tempfile::tempdir().unwrap();
            let spools = Spools::new(directory.path(), Bounds::default());
            let bytes: Vec<u8> = (0..3 * READ + 5).map(|at| (at * at / 7) as u8).collect();
            let sent = || Content::Sent(Body::from(bytes.clone()), spools.clone());
            let mut content = sent().checked(sum(&bytes), u64::MAX, "").await.unwrap();
            let mut read = Vec::new();
            while let Some(more) = content.next().await.unwrap() {
                read.extend_from_slice(&more);
            }
            assert!(read == bytes);
            assert_eq!(sent().checked(sum(b"other"), u64::MAX, "").await.unwrap_err(), Refused::Differs);
            assert_eq!(sent().checked(sum(&bytes), 10, "").await.unwrap_err(), Refused::Longer(10));
        });
    }
}
