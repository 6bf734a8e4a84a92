//! Questions about uploads that servers of this program answer, as [`crate::uploads`] describes them.

use russh_sftp::client::error::Error;
use russh_sftp::protocol::Packet;

use super::{Sftp, SftpError};
use crate::strings;
use crate::uploads::{self, Upload, UploadStatus};

impl Sftp {
    /// Returns true if the host tells of uploads, as servers of this program do.
    pub(super) fn tells_of_uploads(&self) -> bool {
        self.extensions.contains_key(uploads::STATUS)
    }

    /// Returns what is stored at a path, and of an upload there.
    ///
    /// # Errors
    /// Fails if the host refuses, or if the connection ends.
    pub(super) async fn upload_status(&self, path: &str) -> Result<UploadStatus, SftpError> {
        let mut fields = Vec::new();
        strings::put(&mut fields, path.as_bytes());
        match self.raw.extended(uploads::STATUS, fields).await.map_err(|error| self.failed(error, path))? {
            Packet::ExtendedReply(reply) => {
                UploadStatus::decoded(&reply.data).ok_or_else(|| self.failed(Error::UnexpectedPacket, path))
            }
            Packet::Status(status) => Err(self.failed(status.into(), path)),
            _ => Err(self.failed(Error::UnexpectedPacket, path)),
        }
    }

    /// Returns how many bytes are stored of the upload at a path that is under way; `None` if that is not known.
    pub(super) async fn stored_of(&self, path: &str) -> Option<u64> {
        match self.upload_status(path).await.ok()?.upload? {
            Upload::UnderWay(bytes) => Some(bytes),
            Upload::Kept(_) => None,
        }
    }

    /// Undoes the upload at a path, and waits until nothing of it is kept.
    ///
    /// # Errors
    /// Fails if the host refuses, or if the connection ends.
    pub(super) async fn forget_upload(&self, path: &str) -> Result<(), SftpError> {
        let mut fields = Vec::new();
        strings::put(&mut fields, path.as_bytes());
        self.request(uploads::FORGET, fields, path).await
    }

    /// Lets the host store the open file only with content of this SHA-256.
    ///
    /// # Errors
    /// Fails if the host refuses, or if the connection ends.
    pub(super) async fn expect(&self, handle: &str, sha256: &[u8; 32], path: &str) -> Result<(), SftpError> {
        let mut fields = Vec::new();
        strings::put(&mut fields, handle.as_bytes());
        strings::put(&mut fields, sha256);
        self.request(uploads::EXPECT, fields, path).await
    }
}
