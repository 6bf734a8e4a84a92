//! Content of uploads and downloads: where it comes from and goes to, and which uploads are kept.

use std::path::PathBuf;

use p2p_base::units::ByteSize;
use p2p_store::attributes::StoreAs;
use p2p_store::names::FileKey;
use p2p_store::uploads::UploadId;
use serde::{Deserialize, Serialize};

use crate::status::{TransferId, TransferState};
use crate::stream::{SinkStream, SourceStream};

/// Place from which an upload gets its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// Local file.
    File(PathBuf),
    /// Stream of a front end.
    Stream {
        /// The stream.
        stream: SourceStream,
        /// Size that the front end declares; `None` if it does not know it. Content of another size is not stored.
        size: Option<ByteSize>,
        /// Name by which the upload is kept if the stream goes before its end; a kept upload of this name is continued. `None` for
        /// an upload that is cancelled then.
        keep: Option<Keep>,
    },
}

/// Name and expiry of an upload that is kept if its source goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// Name of the upload.
    pub id: UploadId,
    /// Wall-clock time in seconds since 1970 after which it is no longer kept.
    pub expires_at: u64,
    /// Time in nanoseconds since 1970 at which the file that is stored was last modified; `None` if it is not known, or none.
    pub modified: Option<u64>,
}

/// Place to which a download brings the content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Sink {
    /// Local file, which appears once it is complete.
    File {
        /// Path of the file.
        path: PathBuf,
        /// True if an existing file may be replaced.
        overwrite: bool,
        /// True if it gets the time of modification and the permission bits of the stored file.
        preserve: bool,
    },
    /// Stream of a front end.
    Stream(SinkStream),
    /// No place: every byte is verified, and none is kept.
    Discard,
}

/// Range of the bytes of a file, as in RFC 9110, section 14.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteRange {
    /// Position of the first byte, from 0.
    pub first: u64,
    /// Number of bytes; `None` for all up to the end of the file. A range may reach beyond the end.
    pub len: Option<u64>,
}

/// Upload that is kept if its source goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptUpload {
    /// Name of the upload.
    pub id: UploadId,
    /// File that it will be.
    #[serde(flatten)]
    pub file: FileKey,
    /// Number of bytes that are durable: the offset at which it would be continued.
    pub offset: u64,
    /// Time in seconds since 1970 at which it was begun.
    pub began_at: u64,
    /// Time in seconds since 1970 after which it is no longer kept.
    pub expires_at: u64,
    /// Transfer that stores it now; `None` if it is parked.
    pub transfer: Option<TransferId>,
    /// State of that transfer, or that of one that is parked.
    pub state: TransferState,
    /// Attributes and place with which it was begun.
    #[serde(skip)]
    pub stored_as: StoreAs,
    /// User who has begun it in a directory of another user; `None` for the owner.
    #[serde(skip)]
    pub begun_by: Option<String>,
}

/// Part of a list. Of a directory that the caller may read as a whole, a page costs the same however long the list is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Name after which the page begins; `None` for the first page.
    pub after: Option<String>,
    /// Number of entries, at most.
    pub max: u32,
}
