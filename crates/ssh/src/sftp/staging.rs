//! Content of files that are written out of order, until they are closed. It stands in files without a name and of mode 0600 in the directory
//! of temporary files, which are sparse where nothing was written and gone with the process.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use p2p_service::files::ByteSize;
use tokio::task::spawn_blocking;

use super::content::Content;
use super::failure::{Done, Failure};

/// Length of one file at the most, in bytes.
pub(super) const FILE_MAX: u64 = 256 << 20;
/// Mode of the files.
const MODE: u32 = 0o600;
/// Bytes of all such files of the process at the most.
const ALL_MAX: u64 = 1 << 30;

/// Bytes of all such files of the process.
static ALL: AtomicU64 = AtomicU64::new(0);

/// Part of the room for all such files, which is free again when this is dropped.
#[derive(Debug, Default)]
struct Share(u64);

impl Share {
    /// Takes as much of the room as a file of this length needs.
    fn extend(&mut self, len: u64) -> Done<()> {
        let more = len.saturating_sub(self.0);
        let is_within = |all: u64| all.checked_add(more).filter(|&all| all <= ALL_MAX);
        if len > FILE_MAX {
            return Err(Failure::because(format!(
                "a file that is written out of order has at most {}; write it from its begin to its end",
                ByteSize::from_bytes(FILE_MAX)
            )));
        }
        if ALL.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_within).is_err() {
            return Err(Failure::because(format!(
                "files that are written out of order have {} together, which are taken; try again later",
                ByteSize::from_bytes(ALL_MAX)
            )));
        }
        self.0 += more;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        ALL.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// Content of a file, which is written and read anywhere.
#[derive(Debug)]
pub(super) struct Staging {
    file: Arc<File>,
    len: u64,
    share: Share,
}

impl Staging {
    /// Makes an empty file.
    ///
    /// # Errors
    /// Fails if the directory of temporary files cannot be written.
    pub(super) async fn new() -> Done<Staging> {
        let file = on_disk(|| {
            let file = tempfile::tempfile()?;
            // The library leaves the mode to the umask.
            file.set_permissions(Permissions::from_mode(MODE))?;
            Ok(file)
        })
        .await?;
        Ok(Staging { file: Arc::new(file), len: 0, share: Share::default() })
    }

    /// Writes bytes at a position. What is left out before them is zeros.
    ///
    /// # Errors
    /// Fails if the file would become too long, if the room for all such files is taken, or if the disk refuses.
    pub(super) async fn write(&mut self, at: u64, bytes: Bytes) -> Done<()> {
        let end = at.saturating_add(bytes.len() as u64);
        self.share.extend(end)?;
        let file = Arc::clone(&self.file);
        on_disk(move || file.write_all_at(&bytes, at)).await?;
        self.len = self.len.max(end);
        Ok(())
    }

    /// Reads bytes: as many as there are from a position on, and `max` at the most. There are none beyond the end.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub(super) async fn read(&self, at: u64, max: usize) -> Done<Content> {
        let left = self.len.saturating_sub(at);
        let mut content = Content::zeros(usize::try_from(left).map_or(max, |left| left.min(max)));
        let file = Arc::clone(&self.file);
        on_disk(move || file.read_exact_at(content.as_mut_slice(), at).map(|()| content)).await
    }

    /// Makes the file shorter or, by zeros, longer.
    ///
    /// # Errors
    /// Fails as [`write`](Self::write) does.
    pub(super) async fn resize(&mut self, len: u64) -> Done<()> {
        self.share.extend(len)?;
        let file = Arc::clone(&self.file);
        on_disk(move || file.set_len(len)).await?;
        self.len = len;
        Ok(())
    }
}

/// Works on the disk, on a thread that may wait for it.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Done<T> {
    let done = spawn_blocking(work).await.map_err(io::Error::other).flatten();
    // The error itself may name the directory, which is no client's business.
    done.map_err(|error| Failure::because(format!("a temporary file of the server fails: {}", error.kind())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[tokio::test]
    async fn what_is_left_out_is_zeros_and_takes_no_room_on_the_disk() {
        let mut staging = Staging::new().await.unwrap();
        staging.write(100 << 20, Bytes::from_static(b"end")).await.unwrap();
        staging.write(1, Bytes::from_static(b"begin")).await.unwrap();
        assert_eq!(staging.read(0, 8).await.unwrap().into_bytes(), &b"\0begin\0\0"[..]);
        assert_eq!(staging.read(100 << 20, 8).await.unwrap().into_bytes(), &b"end"[..]);
        assert_eq!(staging.read(staging.len, 8).await.unwrap().len(), 0);
        let found = staging.file.metadata().unwrap();
        assert_eq!((found.nlink(), found.mode() & 0o777), (0, 0o600));
        assert!(found.blocks() * 512 < 1 << 20, "{}", found.blocks());
        staging.resize(3).await.unwrap();
        staging.resize(5).await.unwrap();
        assert_eq!(staging.read(0, 8).await.unwrap().into_bytes(), &b"\0be\0\0"[..]);
    }

    #[tokio::test]
    async fn a_file_and_all_of_them_have_their_limits() {
        let mut first = Staging::new().await.unwrap();
        assert!(first.write(FILE_MAX, Bytes::from_static(b"x")).await.is_err());
        assert!(first.resize(FILE_MAX + 1).await.is_err() && first.len == 0);
        let mut all = Vec::new();
        let refused = loop {
            let mut next = Staging::new().await.unwrap();
            match next.resize(FILE_MAX).await {
                Ok(()) => all.push(next),
                Err(failure) => break failure,
            }
        };
        // The other test has some of it.
        assert!((3..=4).contains(&all.len()), "{} {refused:?}", all.len());
        all.pop();
        assert!(first.resize(FILE_MAX).await.is_ok());
    }
}
