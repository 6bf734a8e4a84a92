//! A file that is fetched: reads of which many are under way, in the order of the file.

use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::names::shown;
use super::threads::{Whole, writing};
use super::window::Window;
use super::{Attributes, Kind, Sftp, SftpError};

/// Time for what has come of a transfer that has failed to be written.
const WRITE_MAX: Duration = Duration::from_secs(5);

/// File that is wanted.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Path at the host.
    pub path: &'a str,
    /// Bytes from the begin of the file that are here already.
    pub from: u64,
    /// Content of these, for the digest.
    pub kept: Option<File>,
}

/// File that was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    /// True if the host has told the same SHA-256.
    pub is_compared: bool,
}

/// Answer to a read, with the place and the length that it was to have.
type Answer = (u64, u32, Result<Vec<u8>, Error>);

impl Sftp {
    /// Fetches a file to `sink`, and calls `told` with the number of bytes of it that are here. When `stop` is over, it is given up. What has come
    /// until then, or until it has failed, is written.
    ///
    /// # Errors
    /// Fails if the host refuses, if not all of the file comes, if it changes meanwhile, if the host has another SHA-256 of it, if the sink
    /// cannot be written, or if `stop` was over.
    pub async fn fetch(
        &self,
        wanted: Wanted<'_>,
        sink: impl Write + Send + 'static,
        told: impl FnMut(u64) + Send,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Fetched, SftpError> {
        let path = wanted.path;
        tokio::pin!(stop);
        let (handle, before, size) = tokio::select! {
            biased;
            opened = self.open_to_read(path, wanted.from) => opened?,
            () = &mut stop => return Err(SftpError::Stopped),
        };
        let (pieces, mut written) = writing(sink, wanted.kept)?;
        let read = tokio::select! {
            biased;
            read = self.read(&handle, path, (wanted.from, size), pieces, told) => read,
            () = &mut stop => Err(SftpError::Stopped),
        };
        if let Err(error) = read {
            // Who continues the file has to know what is there of it. That it could not be written is the reason then.
            return match timeout(WRITE_MAX, written).await {
                Ok(Ok(Err(unwritten))) => Err(unwritten.into()),
                _ => Err(error),
            };
        }
        let whole = tokio::select! {
            biased;
            whole = &mut written => whole.map_err(|_| io::Error::other("nobody writes what comes"))??,
            () = &mut stop => return Err(SftpError::Stopped),
        };
        tokio::select! {
            biased;
            fetched = self.checked(&handle, path, &before, &whole) => fetched,
            () = stop => Err(SftpError::Stopped),
        }
    }

    /// Opens a file, and returns its handle, its attributes and its size. A file that is shorter than what is here of it is another one.
    async fn open_to_read(&self, path: &str, from: u64) -> Result<(String, Attributes, u64), SftpError> {
        let opened = self.raw.open(path, OpenFlags::READ, FileAttributes::empty()).await;
        let handle = opened.map_err(|error| self.failed(error, path))?.handle;
        let attributes = self.open_attributes(&handle, path).await?;
        match attributes {
            Attributes { kind: Kind::File, bytes: Some(size), .. } if from <= size => Ok((handle, attributes, size)),
            Attributes { kind: Kind::File, bytes: Some(_), .. } => Err(self.changed(path)),
            Attributes { kind: Kind::File, bytes: None, .. } => {
                let what = format!("it tells no size of `{}`", shown(path));
                Err(SftpError::Unsound { host: self.host.clone(), what })
            }
            _ => Err(SftpError::NoFile { host: self.host.clone(), path: path.to_owned() }),
        }
    }

    /// Compares what was fetched with what the host says of the file, after the last byte as before the first.
    async fn checked(&self, handle: &str, path: &str, before: &Attributes, whole: &Whole) -> Result<Fetched, SftpError> {
        if self.open_attributes(handle, path).await? != *before || before.bytes != Some(whole.bytes) {
            return Err(self.changed(path));
        }
        self.require_end(handle, path, whole.bytes).await?;
        self.raw.close(handle).await.map_err(|error| self.failed(error, path))?;
        let is_compared = self.compare(path, whole).await?;
        Ok(Fetched { bytes: whole.bytes, sha256: whole.sha256, is_compared })
    }

    /// Checks that a file ends where its size says. What a host makes when it is read, as Linux does below `/proc`, has a size of 0 there.
    async fn require_end(&self, handle: &str, path: &str, bytes: u64) -> Result<(), SftpError> {
        match self.raw.read(handle, bytes, 1).await {
            Ok(data) if data.data.is_empty() => Ok(()),
            Ok(_) => Err(SftpError::Longer { host: self.host.clone(), path: path.to_owned(), bytes }),
            Err(Error::Status(status)) if status.status_code == StatusCode::Eof => Ok(()),
            Err(error) => Err(self.failed(error, path)),
        }
    }

    async fn open_attributes(&self, handle: &str, path: &str) -> Result<Attributes, SftpError> {
        let told = self.raw.fstat(handle).await.map_err(|error| self.failed(error, path))?;
        Ok(Attributes::from(&told.attrs))
    }

    /// Reads from one place up to another, and gives the pieces in their order.
    async fn read(
        &self,
        handle: &str,
        path: &str,
        (from, end): (u64, u64),
        pieces: mpsc::Sender<Bytes>,
        mut told: impl FnMut(u64) + Send,
    ) -> Result<(), SftpError> {
        let (mut window, mut asked) = (Window::<Answer>::default(), from);
        told(from);
        loop {
            while window.has_room() && asked < end {
                let len = u32::try_from(end - asked).unwrap_or(u32::MAX).min(self.lengths.0);
                let (raw, handle, at) = (self.raw.clone(), handle.to_owned(), asked);
                window.push(async move { (at, len, raw.read(handle, at, len).await.map(|data| data.data)) }).await;
                asked += u64::from(len);
            }
            let Some((at, len, answer)) = window.next().await else { return Ok(()) };
            let data = self.whole_piece(handle, path, at, len, answer).await?;
            // What became of the writing says why.
            if pieces.send(data.into()).await.is_err() {
                return Ok(());
            }
            told(at + u64::from(len));
        }
    }

    /// Returns all bytes of a piece: a server may answer with fewer than it was asked for (section 6.4 of the draft).
    async fn whole_piece(
        &self,
        handle: &str,
        path: &str,
        at: u64,
        len: u32,
        mut answer: Result<Vec<u8>, Error>,
    ) -> Result<Vec<u8>, SftpError> {
        let mut data = Vec::new();
        loop {
            let more = match answer {
                Ok(more) => more,
                Err(Error::Status(status)) if status.status_code == StatusCode::Eof => return Err(self.changed(path)),
                Err(error) => return Err(self.failed(error, path)),
            };
            if more.is_empty() || data.len() + more.len() > len as usize {
                let what = format!("{} bytes where {} were asked for", more.len(), len as usize - data.len());
                return Err(SftpError::Unsound { host: self.host.clone(), what });
            }
            data.extend_from_slice(&more);
            if data.len() == len as usize {
                return Ok(data);
            }
            let done = data.len();
            let left = len - u32::try_from(done).unwrap_or(len);
            answer = self.raw.read(handle, at + done as u64, left).await.map(|data| data.data);
        }
    }

    fn changed(&self, path: &str) -> SftpError {
        SftpError::Changed { host: self.host.clone(), path: path.to_owned() }
    }
}
