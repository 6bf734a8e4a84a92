//! Plan of an upload: what it stores, how it gets it, and what of it is kept if its source goes.

use std::collections::BTreeSet;

use p2p_base::units::{ByteSize, SimTime};
use p2p_store::attributes::{FILE_MODE, StoreAs};
use p2p_store::catalog::Commit;
use p2p_store::manifest::{FileRecord, Manifest, NodeNumber, SegmentRecord};
use p2p_store::names::FileKey;
use p2p_store::segment::{HashState, SegmentSize, Sha256Digest};
use p2p_store::uploads::{Declared, UploadRecord};

use super::super::{Direction, TransferId, TransferLog};
use crate::operation::Keep;
use crate::peer::Peer;

/// Plan of an upload.
#[derive(Debug, Clone)]
pub(crate) struct UploadPlan {
    /// Name to store the file under.
    pub(crate) key: FileKey,
    /// User who begins or continues the upload.
    pub(crate) by: Option<String>,
    /// Host that carries the upload.
    pub(crate) host: Peer,
    /// Size of the source; `None` if it is not known. A source of another size is not stored.
    pub(crate) size: Option<ByteSize>,
    pub(crate) segment_size: SegmentSize,
    /// Time in seconds since 1970, stored with the file.
    pub(crate) stored_at: u64,
    /// Attributes and place of the file.
    pub(crate) stored_as: StoreAs,
    /// Node to which its segments go while it can take them.
    pub(crate) preferred: Option<NodeNumber>,
    /// True if virtual time does not wait for the source.
    pub(crate) is_remote: bool,
    /// True if the source can be read again: it is a file.
    pub(crate) is_readable_again: bool,
    /// Name and expiry by which the upload is kept if its source goes.
    pub(crate) keep: Option<Keep>,
}

impl UploadPlan {
    /// Returns true if the file will be another user's than who begins the upload.
    pub(crate) fn is_of_guest(&self) -> bool {
        self.by != self.key.owner
    }

    /// Returns the record of an upload of which nothing is kept yet.
    pub(super) fn nothing_kept(&self, keep: Keep) -> UploadRecord {
        UploadRecord {
            id: keep.id,
            key: self.key.clone(),
            segment_size: self.segment_size.as_usize() as u32,
            offset: 0,
            segments: 0,
            hash: HashState::default(),
            stored_at: self.stored_at,
            expires_at: keep.expires_at,
            declared: Declared { size: self.size.map(ByteSize::as_u64), modified: keep.modified },
            stored_as: self.stored_as,
            begun_by: self.by.clone().filter(|_| self.is_of_guest()),
        }
    }

    /// Returns the log of an upload that begins now.
    pub(super) fn log(&self, now: SimTime, id: TransferId) -> TransferLog {
        let segments = self.size.map(|size| self.segment_size.count_for(size) as u32);
        let size = (self.size.map(ByteSize::as_u64), segments);
        let mut log = TransferLog::new(id, Direction::Upload, (self.by.clone(), self.host), &self.key, size, now);
        log.status.upload = self.keep.map(|keep| keep.id);
        log
    }

    /// Returns the file as it is to become visible.
    pub(super) fn commit(&self, size: ByteSize, sha256: Sha256Digest, segments: Vec<SegmentRecord>) -> Commit {
        let StoreAs { attributes, replace, expected } = self.stored_as;
        let file = FileRecord {
            key: self.key.clone(),
            size: size.as_u64(),
            sha256,
            segments: segments.len() as u32,
            segment_size: self.segment_size.as_usize() as u32,
            stored_at: self.stored_at,
            modified: attributes.modified_or(self.stored_at),
            mode: attributes.mode_or(FILE_MODE),
            readers: BTreeSet::new(),
        };
        Commit { manifest: Manifest { file, segments }, replace, expected }
    }
}
