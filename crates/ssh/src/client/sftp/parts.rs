//! Places at a host where a file is written until it is whole.
//!
//! A server of this program makes a file of what is written at CLOSE, and of nothing else, so that it is written under its own name there. At other
//! hosts it is written beside its place, and renamed.

use std::io;
use std::time::Duration;

use p2p_service::files::UploadId;
use russh_sftp::protocol::{FileAttributes, OpenFlags};
use tokio::time::timeout;

use super::names::part_of;
use super::threads::Whole;
use super::{Kind, POSIX_RENAME, Sftp, SftpError};
use crate::uploads::{Upload, UploadStatus};

/// Time for the removal of what a failed transfer has begun, which takes virtual time at a server of this program.
const UNDO_MAX: Duration = Duration::from_secs(30);
/// The same for a transfer that was interrupted: who interrupts it waits.
const STOP_MAX: Duration = Duration::from_secs(2);

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

/// Way in which a file is sent.
#[derive(Debug)]
pub(super) struct Plan {
    /// Path that the file is to have.
    pub(super) target: String,
    /// Path at which it is written.
    pub(super) path: String,
    /// True if that is the same, and the host makes a file of it at CLOSE alone.
    pub(super) is_direct: bool,
    /// Bytes that are kept there and are continued, as far as it is known before the file is opened; `None` if nothing is continued.
    kept: Option<u64>,
    how: OpenFlags,
}

/// Open file at a host.
#[derive(Debug)]
pub(super) struct Part {
    /// Handle by which it is open.
    pub(super) handle: String,
    /// Bytes of the file that were kept there.
    pub(super) kept: u64,
}

impl Sftp {
    /// Returns how a file is sent.
    ///
    /// # Errors
    /// Fails if the file could not take its place in the end.
    pub(super) async fn planned(&self, sending: &Sending<'_>) -> Result<Plan, SftpError> {
        if !self.tells_of_uploads() {
            self.require_free(sending).await?;
            return self.beside(sending).await;
        }
        let (host, path) = (self.host.clone(), sending.target.to_owned());
        let UploadStatus { is_stored, upload } = self.upload_status(&path).await?;
        if is_stored && !sending.replaces {
            return Err(SftpError::Taken { host, path });
        }
        let kept = match upload.filter(|_| sending.keeps) {
            Some(Upload::Kept(bytes)) => Some(bytes),
            // The session that stores it has lost its client: who sends it again has none else.
            Some(Upload::UnderWay(_)) => Some(0),
            None => None,
        };
        // More than there is belongs to another file, and so does what is kept of an empty one.
        let kept = kept.filter(|&kept| sending.size.is_none_or(|size| size > 0 && kept <= size));
        let how = match (kept, is_stored) {
            (Some(_), _) => OpenFlags::default(),
            (None, true) => OpenFlags::TRUNCATE,
            (None, false) => OpenFlags::EXCLUDE,
        };
        Ok(Plan { target: path.clone(), path, is_direct: true, kept, how })
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

    /// Returns how a file is sent that is written beside its place.
    async fn beside(&self, sending: &Sending<'_>) -> Result<Plan, SftpError> {
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
        Ok(Plan { target: sending.target.to_owned(), path, is_direct: false, kept: (kept > 0).then_some(kept), how })
    }

    /// Opens the place where the file is written.
    ///
    /// # Errors
    /// Fails if the host refuses, or if the connection ends.
    pub(super) async fn opened(&self, plan: &Plan, sending: &Sending<'_>) -> Result<Part, SftpError> {
        let failed = |error| self.failed(error, &plan.target);
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | plan.how;
        let handle = self.raw.open(&plan.path, flags, FileAttributes::empty()).await.map_err(failed)?.handle;
        let kept = match plan.kept {
            // What was under way is stored by now.
            Some(_) if plan.is_direct => {
                let found = self.raw.fstat(&handle).await.map_err(failed)?.attrs.size.unwrap_or_default();
                if sending.size.is_some_and(|size| size < found) { 0 } else { found }
            }
            kept => kept.unwrap_or_default(),
        };
        Ok(Part { handle, kept })
    }

    /// Gives the file its attributes, and closes it. A server of this program answers once it is stored, and stores nothing else than what was
    /// sent.
    ///
    /// # Errors
    /// Fails if the host refuses, or if the connection ends.
    pub(super) async fn complete(&self, plan: &Plan, part: &Part, sending: &Sending<'_>, whole: &Whole) -> Result<(), SftpError> {
        let failed = |error| self.failed(error, &plan.target);
        if let Some((modified, mode)) = sending.attributes {
            let time = u32::try_from(modified).ok();
            let attributes =
                FileAttributes { permissions: Some(mode & 0o777), atime: time, mtime: time, ..FileAttributes::empty() };
            self.raw.fsetstat(&part.handle, attributes).await.map_err(failed)?;
        }
        if plan.is_direct {
            self.expect(&part.handle, &whole.sha256, &plan.target).await?;
        }
        self.raw.close(&part.handle).await.map(drop).map_err(failed)
    }

    /// Compares what was written with what was sent, and gives it its name. Returns true if the host has told the same SHA-256.
    ///
    /// # Errors
    /// Fails if it is another, or if the host refuses.
    pub(super) async fn placed(&self, plan: &Plan, sending: &Sending<'_>, whole: &Whole) -> Result<bool, SftpError> {
        if plan.is_direct {
            return Ok(true);
        }
        let found = self.stat(&plan.path).await?.bytes;
        if let Some(found) = found.filter(|&found| found != whole.bytes) {
            return Err(self.differs(sending.target, format!("{found} bytes"), format!("{} bytes", whole.bytes)));
        }
        let is_compared = self.compare(&plan.path, whole).await?;
        // Where nothing is to be replaced, what has come there meanwhile stays.
        let replaces = sending.replaces && self.find(sending.target).await?.is_some();
        self.rename(&plan.path, sending.target, replaces).await?;
        Ok(is_compared)
    }

    /// Removes what a transfer has begun, and returns its error, which says so if something may be left.
    pub(super) async fn undone(&self, plan: &Plan, part: Option<&Part>, error: SftpError) -> SftpError {
        let max = if error.is_stopped() { STOP_MAX } else { UNDO_MAX };
        let undo = async {
            if plan.is_direct {
                return self.aside.as_deref().unwrap_or(self).forget_upload(&plan.path).await;
            }
            if let Some(part) = part {
                let _ = self.raw.close(&part.handle).await;
            }
            self.raw.remove(&plan.path).await.map(drop).map_err(|error| self.failed(error, &plan.path))
        };
        let (host, path) = (self.host.clone(), plan.path.clone());
        match timeout(max, undo).await {
            Ok(Ok(())) => error,
            Ok(Err(refused)) if refused.is_nothing() => error,
            // The host goes on with it.
            Err(_) if plan.is_direct => SftpError::Undoing { error: Box::new(error), host, path },
            Ok(Err(SftpError::Refused { words, .. })) if plan.is_direct => {
                SftpError::NotUndone { error: Box::new(error), host, words }
            }
            _ if plan.is_direct => SftpError::LeftUpload { error: Box::new(error), host, path },
            _ => SftpError::Left { error: Box::new(error), host, part: path },
        }
    }
}
