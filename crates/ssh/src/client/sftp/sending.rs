//! A file that is sent: writes of which many are under way, under another name until all of it is there.

use std::io::{self, Read};
use std::time::Duration;

use p2p_base::hex::hex;
use p2p_service::files::UploadId;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::names::part_of;
use super::threads::{Piece, Whole, reading};
use super::window::Window;
use super::{Kind, POSIX_RENAME, Sftp, SftpError};

/// Time for the removal of what a failed transfer has begun. A server of this program stores first what it has taken in, which takes virtual time.
const UNDO_MAX: Duration = Duration::from_secs(30);

/// File that is to be sent.
#[derive(Debug)]
pub struct Sending<'a> {
    /// Path at the host.
    pub target: &'a str,
    /// Size of the content, if it is known.
    pub size: Option<u64>,
    /// True if a file at the host may be replaced, which is there until the new one is.
    pub replaces: bool,
    /// True if what an interrupted transfer has kept is continued, and kept again if this one is interrupted.
    pub keeps: bool,
    /// Time of the last modification in seconds since 1970 and permission bits that the file gets; the host decides without.
    pub attributes: Option<(u64, u32)>,
}

/// File that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Bytes of it that were kept at the host before.
    pub kept: u64,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    /// True if the host has told the same SHA-256.
    pub is_compared: bool,
}

/// Place at a host where a file is written until it is whole.
struct Part {
    path: String,
    /// Handle by which it is open.
    handle: String,
    /// Bytes of the file that were kept there.
    kept: u64,
}

impl Sftp {
    /// Sends all that a source has, and calls `told` with the number of bytes that the host has. The file appears under its name once all of it
    /// is there, and is compared with the SHA-256 of the host, if that tells such. When `stop` is over, the transfer is given up. What a
    /// transfer that fails has begun is removed, unless it is to be kept.
    ///
    /// # Errors
    /// Fails if the host refuses or has such a file already, if the connection ends, if the source cannot be read, or if `stop` was over.
    pub async fn send(
        &self,
        sending: Sending<'_>,
        source: impl Read + Send + 'static,
        told: impl FnMut(u64) + Send,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Sent, SftpError> {
        tokio::pin!(stop);
        tokio::select! {
            biased;
            free = self.require_free(&sending) => free?,
            () = &mut stop => return Err(SftpError::Stopped),
        }
        let part = self.open_part(&sending).await?;
        let work = async {
            let whole = self.write(&part, source, told).await?;
            self.complete(&part, &sending).await?;
            Ok(whole)
        };
        let written = tokio::select! {
            biased;
            written = work => written,
            () = stop => Err(SftpError::Stopped),
        };
        let whole = match written {
            Ok(whole) => whole,
            // Without CLOSE a server of this program keeps what it has, and makes no file of it.
            Err(error) if sending.keeps => return Err(error),
            Err(error) => return Err(self.undone(part, error).await),
        };
        // From here on it is a matter of moments, which nothing interrupts.
        match self.place(&part, &sending, &whole).await {
            Ok(is_compared) => Ok(Sent { bytes: whole.bytes, kept: part.kept, sha256: whole.sha256, is_compared }),
            Err(error) => Err(self.undone(part, error).await),
        }
    }

    /// Refuses a transfer whose file could not take its place in the end.
    async fn require_free(&self, sending: &Sending<'_>) -> Result<(), SftpError> {
        let (host, path) = (self.host.clone(), sending.target.to_owned());
        match self.find(sending.target).await? {
            None => Ok(()),
            Some(found) if found.kind != Kind::File => Err(SftpError::NoFile { host, path }),
            Some(_) if !sending.replaces => Err(SftpError::Taken { host, path }),
            Some(_) if !self.extensions.contains_key(POSIX_RENAME) => Err(SftpError::NotReplaceable { host, path }),
            Some(_) => Ok(()),
        }
    }

    /// Opens the place where the file is written: a new one, or the one where an earlier transfer has kept a part of it.
    async fn open_part(&self, sending: &Sending<'_>) -> Result<Part, SftpError> {
        let (path, kept) = if sending.keeps {
            let path = part_of(sending.target, None);
            let found = self.find(&path).await?.and_then(|found| found.bytes).unwrap_or_default();
            // More than there is belongs to another file.
            let is_longer = sending.size.is_some_and(|size| size < found);
            (path, if is_longer { 0 } else { found })
        } else {
            let tag = UploadId::random().map_err(|error| io::Error::other(format!("there is no random number: {error}")))?;
            (part_of(sending.target, Some(&tag.to_string())), 0)
        };
        let how = match (sending.keeps, kept) {
            (false, _) => OpenFlags::EXCLUDE,
            (true, 0) => OpenFlags::TRUNCATE,
            (true, _) => OpenFlags::default(),
        };
        let opened = self.raw.open(&path, OpenFlags::WRITE | OpenFlags::CREATE | how, FileAttributes::empty()).await;
        let handle = opened.map_err(|error| self.failed(error, &path))?.handle;
        Ok(Part { path, handle, kept })
    }

    /// Writes what is not there yet of a source, and returns what all of it is.
    async fn write(
        &self,
        part: &Part,
        source: impl Read + Send + 'static,
        mut told: impl FnMut(u64) + Send,
    ) -> Result<Whole, SftpError> {
        let mut pieces = reading(source, part.kept, self.lengths.1 as usize)?;
        let (mut window, mut end) = (Window::<(u64, Result<(), Error>)>::default(), None);
        let mut at = part.kept;
        told(at);
        loop {
            if window.is_empty()
                && let Some(whole) = end
            {
                return Ok(whole);
            }
            tokio::select! {
                biased;
                Some((end, answer)) = window.next() => {
                    answer.map_err(|error| self.failed(error, &part.path))?;
                    told(end);
                }
                piece = next_of(&mut pieces), if end.is_none() && window.has_room() => match piece {
                    Piece::Data(data) => {
                        let (raw, handle, offset) = (self.raw.clone(), part.handle.clone(), at);
                        at += data.len() as u64;
                        let done = at;
                        window.push(async move { (done, raw.write(handle, offset, data.into()).await.map(drop)) }).await;
                    }
                    Piece::End(whole) => end = Some(whole),
                    Piece::Failed(error) => return Err(error.into()),
                },
            }
        }
    }

    /// Gives the file its attributes, and closes it. A server of this program answers once it is stored.
    async fn complete(&self, part: &Part, sending: &Sending<'_>) -> Result<(), SftpError> {
        if let Some((modified, mode)) = sending.attributes {
            let time = u32::try_from(modified).ok();
            let attributes =
                FileAttributes { permissions: Some(mode & 0o777), atime: time, mtime: time, ..FileAttributes::empty() };
            let set = self.raw.fsetstat(&part.handle, attributes).await;
            set.map_err(|error| self.failed(error, &part.path))?;
        }
        self.raw.close(&part.handle).await.map(drop).map_err(|error| self.failed(error, &part.path))
    }

    /// Compares what was written with what was sent, and gives it its name. Returns true if the host has told the same SHA-256.
    async fn place(&self, part: &Part, sending: &Sending<'_>, whole: &Whole) -> Result<bool, SftpError> {
        let found = self.stat(&part.path).await?.bytes;
        if let Some(found) = found.filter(|&found| found != whole.bytes) {
            return Err(self.differs(sending.target, format!("{found} bytes"), format!("{} bytes", whole.bytes)));
        }
        let is_compared = self.compare(&part.path, whole).await?;
        // Where nothing is to be replaced, what has come there meanwhile stays.
        let replaces = sending.replaces && self.find(sending.target).await?.is_some();
        self.rename(&part.path, sending.target, replaces).await?;
        Ok(is_compared)
    }

    /// Compares a file at the host with what it is to be by its SHA-256. Returns false if the host tells none.
    ///
    /// # Errors
    /// Fails if it is another, or if the connection ends.
    pub(super) async fn compare(&self, path: &str, whole: &Whole) -> Result<bool, SftpError> {
        match self.sha256(path).await? {
            None => Ok(false),
            Some(sha256) if sha256 == whole.sha256 => Ok(true),
            Some(sha256) => {
                let told = |sha256: &[u8]| format!("the SHA-256 {}", hex(sha256));
                Err(self.differs(path, told(&sha256), hex(&whole.sha256)))
            }
        }
    }

    fn differs(&self, path: &str, there: String, here: String) -> SftpError {
        SftpError::Differs { host: self.host.clone(), path: path.to_owned(), known: Box::new((there, here)) }
    }

    /// Removes what a transfer has begun, and returns its error, which says so if something may be left.
    async fn undone(&self, part: Part, error: SftpError) -> SftpError {
        let undo = async {
            // A file that is open is none yet at a server of this program, and cannot be removed.
            let _ = self.raw.close(&part.handle).await;
            self.raw.remove(&part.path).await.map_err(|error| self.failed(error, &part.path))
        };
        match timeout(UNDO_MAX, undo).await {
            Ok(Ok(_)) => error,
            Ok(Err(refused)) if refused.is_nothing() => error,
            _ => SftpError::Left { error: Box::new(error), host: self.host.clone(), part: part.path },
        }
    }
}

/// Waits for the next piece of a source.
async fn next_of(pieces: &mut mpsc::Receiver<Piece>) -> Piece {
    let gone = || Piece::Failed(io::Error::other("nobody reads what is to be sent"));
    pieces.recv().await.unwrap_or_else(gone)
}
