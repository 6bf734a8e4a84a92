//! Tables of the catalog and the values in them, each type with a version of its own.
//!
//! ```text
//! NAMES       (directory, name)   -> file or directory        a rename is one row
//! DIRECTORIES directory           -> owner, parent, readers, times, mode, uploaders
//! FILES       file                -> owner, size, digests, readers, times, mode
//! MANIFESTS   (file, page)        -> segments in order         never changed once written
//! PLACES      segment             -> length, references, holders
//! HELD        (volume, segment)   -> ()                        what a volume is expected to hold
//! PINS        (principal, segment)-> ()                        segments that are stored without a file
//! UPLOADS     upload              -> key, offset, digest state, expiry, who has begun it
//! UPLOAD_PAGES (upload, page)     -> segments in order         each is pinned for the upload
//! ```
//!
//! Place is a fact of the segment and not of the file, so that moving a segment touches PLACES and HELD alone.

use std::collections::BTreeSet;

use p2p_base::codec;
use p2p_base::database::{self, DatabaseError, Stored};
use redb::TableDefinition;
use serde::{Deserialize, Serialize};

use crate::attributes::{DIRECTORY_MODE, StoreAs};
use crate::marker::VolumeId;
use crate::names::FileKey;
use crate::segment::{HashState, SegmentId, Sha256Digest};
use crate::uploads::Declared;

/// Table of the names in each directory. The directory [`TREES`] has the root of each owner's tree under the name of the owner,
/// and the root of the tree without an owner under the empty name.
pub(super) const NAMES: TableDefinition<(u64, &str), &[u8]> = TableDefinition::new("names");
pub(super) const DIRECTORIES: TableDefinition<u64, &[u8]> = TableDefinition::new("directories");
pub(super) const FILES: TableDefinition<u64, &[u8]> = TableDefinition::new("files-by-id");
pub(super) const MANIFESTS: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("manifest-pages");
pub(super) const PLACES: TableDefinition<[u8; 32], &[u8]> = TableDefinition::new("places");
pub(super) const HELD: TableDefinition<HeldKey, ()> = TableDefinition::new("held");
/// Table of the segments that are stored without a file, with the name of the one for whom each is kept.
pub(super) const PINS: TableDefinition<(&str, [u8; 32]), ()> = TableDefinition::new("pins");
/// Table of the uploads that are kept although their source has gone, keyed by the bytes of their names.
pub(super) const UPLOADS: TableDefinition<[u8; 16], &[u8]> = TableDefinition::new("uploads");
/// Table of the segments of kept uploads, page by page as in [`MANIFESTS`].
pub(super) const UPLOAD_PAGES: TableDefinition<([u8; 16], u32), &[u8]> = TableDefinition::new("upload-pages");
/// Table of the last number given to a file or directory.
pub(super) const COUNTERS: TableDefinition<&str, u64> = TableDefinition::new("counters");

/// Key of a segment on a volume: the bytes of both names.
pub(super) type HeldKey = ([u8; 16], [u8; 32]);

/// Number of the directory whose entries are the roots of all trees.
pub(super) const TREES: DirectoryId = DirectoryId(0);

/// Number of segments in a page of a manifest.
pub(super) const PAGE_SEGMENTS: usize = 1024;

/// Number of a directory, which it keeps under every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct DirectoryId(pub(super) u64);

/// Number of a file, which it keeps under every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct FileId(pub(super) u64);

/// What a name in a directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum NameRow {
    File(FileId),
    Directory(DirectoryId),
}

/// Directory, without its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DirectoryRow {
    pub(super) owner: Option<String>,
    /// Directory that this one is in; the root of a tree is in [`TREES`].
    pub(super) parent: DirectoryId,
    pub(super) readers: BTreeSet<String>,
    /// Time in seconds since 1970 at which the directory was made.
    pub(super) created: u64,
    /// Time of the last modification in seconds since 1970.
    pub(super) modified: u64,
    /// Permission bits as in `stat(2)`.
    pub(super) mode: u32,
    /// Users other than the owner who may store new files in it.
    pub(super) uploaders: BTreeSet<String>,
}

/// Directory as it was kept before others could store files in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReadDirectoryRow {
    pub(super) owner: Option<String>,
    pub(super) parent: DirectoryId,
    pub(super) readers: BTreeSet<String>,
    /// Time in seconds since 1970 at which the directory was made.
    pub(super) created: u64,
    /// Time of the last modification in seconds since 1970.
    pub(super) modified: u64,
    /// Permission bits as in `stat(2)`.
    pub(super) mode: u32,
}

/// Directory as it was kept before it had a mode, and a time of modification besides that of its making.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormerDirectoryRow {
    pub(super) owner: Option<String>,
    pub(super) parent: DirectoryId,
    pub(super) readers: BTreeSet<String>,
    /// Time in seconds since 1970 at which the directory was made.
    pub(super) made_at: u64,
}

impl DirectoryRow {
    /// Decodes a directory, also one of the versions before.
    ///
    /// # Errors
    /// Fails if the bytes are damaged or of a version that this program does not know.
    pub(super) fn decode(bytes: &[u8]) -> Result<DirectoryRow, DatabaseError> {
        let ReadDirectoryRow { owner, parent, readers, created, modified, mode } = match codec::version_of(bytes) {
            Some(FormerDirectoryRow::VERSION) => {
                let FormerDirectoryRow { owner, parent, readers, made_at } = database::decode(bytes)?;
                ReadDirectoryRow { owner, parent, readers, created: made_at, modified: made_at, mode: DIRECTORY_MODE }
            }
            Some(ReadDirectoryRow::VERSION) => database::decode(bytes)?,
            _ => return database::decode(bytes),
        };
        Ok(DirectoryRow { owner, parent, readers, created, modified, mode, uploaders: BTreeSet::new() })
    }
}

/// The way in which the content of a file is kept on the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Scheme {
    /// Each segment is stored whole on one node.
    Single {
        /// Length of a full segment in bytes.
        segment_size: u32,
        /// Number of segments.
        segments: u32,
    },
}

/// File, without its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRow {
    pub(super) owner: Option<String>,
    pub(super) size: u64,
    pub(super) sha256: Sha256Digest,
    /// Digest of the manifest: see [`root_of`].
    pub(super) root: Sha256Digest,
    pub(super) scheme: Scheme,
    /// Time in seconds since 1970 at which the file was stored.
    pub(super) created: u64,
    /// Time of the last modification in seconds since 1970: that of storing, unless its owner gave another one.
    pub(super) modified: u64,
    /// Permission bits as in `stat(2)`.
    pub(super) mode: u32,
    pub(super) readers: BTreeSet<String>,
}

/// Page of a manifest: the names of up to [`PAGE_SEGMENTS`] segments, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PageRow(pub(super) Vec<SegmentId>);

/// Place of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlaceRow {
    /// Length of the segment in bytes.
    pub(super) len: u32,
    /// Number of files and pins that need the segment, each counted once.
    pub(super) references: u32,
    /// Volumes that hold the segment, the earliest first.
    pub(super) holders: Vec<VolumeId>,
}

/// Upload that is kept, without its name, as it was stored before its source was declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UndeclaredUploadRow {
    /// Owner and path that the file is to have.
    pub(super) key: FileKey,
    /// Length of a full segment in bytes.
    pub(super) segment_size: u32,
    /// Number of bytes in its segments.
    pub(super) offset: u64,
    /// Number of segments in its pages.
    pub(super) segments: u32,
    /// State of the digest of the whole after these segments.
    pub(super) hash: HashState,
    /// Time in seconds since 1970 at which the upload began.
    pub(super) stored_at: u64,
    /// Time in seconds since 1970 from which on it may be dropped.
    pub(super) expires_at: u64,
}

/// Upload that is kept, without its name, as it was stored before it had attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeclaredUploadRow {
    pub(super) kept: UndeclaredUploadRow,
    pub(super) declared: Declared,
}

/// Upload that is kept, without its name, as it was stored while each was its owner's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwnUploadRow {
    pub(super) kept: UndeclaredUploadRow,
    pub(super) declared: Declared,
    pub(super) stored_as: StoreAs,
}

/// Upload that is kept, without its name, as it was stored while each could replace any file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AnyPlaceUploadRow {
    pub(super) kept: UndeclaredUploadRow,
    pub(super) declared: Declared,
    pub(super) stored_as: StoreAs,
    pub(super) begun_by: Option<String>,
}

/// Upload that is kept, without its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UploadRow {
    /// What is kept of it.
    pub(super) kept: UndeclaredUploadRow,
    /// Source with which it was begun.
    pub(super) declared: Declared,
    /// Attributes and place with which it was begun.
    pub(super) stored_as: StoreAs,
    /// User who has begun it in a directory of another user; `None` for the owner.
    pub(super) begun_by: Option<String>,
    /// SHA-256 of the file whose place alone it may take, which is no part of the encoding of its place.
    pub(super) expected: Option<Sha256Digest>,
}

impl UploadRow {
    /// Decodes a row of this version or of those before.
    ///
    /// # Errors
    /// Fails if the bytes are damaged, or of another version.
    pub(super) fn decode(bytes: &[u8]) -> Result<UploadRow, DatabaseError> {
        let (kept, declared, stored_as) = match codec::version_of(bytes) {
            Some(UndeclaredUploadRow::VERSION) => (database::decode(bytes)?, Declared::default(), StoreAs::default()),
            Some(DeclaredUploadRow::VERSION) => {
                let DeclaredUploadRow { kept, declared } = database::decode(bytes)?;
                (kept, declared, StoreAs::default())
            }
            Some(OwnUploadRow::VERSION) => {
                let OwnUploadRow { kept, declared, stored_as } = database::decode(bytes)?;
                (kept, declared, stored_as)
            }
            Some(AnyPlaceUploadRow::VERSION) => {
                let AnyPlaceUploadRow { kept, declared, stored_as, begun_by } = database::decode(bytes)?;
                return Ok(UploadRow { kept, declared, stored_as, begun_by, expected: None });
            }
            _ => return database::decode(bytes),
        };
        Ok(UploadRow { kept, declared, stored_as, begun_by: None, expected: None })
    }
}

p2p_base::stored!(NameRow = 1, FormerDirectoryRow = 1, ReadDirectoryRow = 2, DirectoryRow = 3, FileRow = 1, PageRow = 1);
p2p_base::stored!(PlaceRow = 1, UndeclaredUploadRow = 1, DeclaredUploadRow = 2, OwnUploadRow = 3);
p2p_base::stored!(AnyPlaceUploadRow = 4, UploadRow = 5);

/// Returns the digest of a manifest: a Merkle tree of two levels (Merkle 1987), the digest of the digests of its pages. Each page
/// is the bytes of the names of its segments, so that the root binds every byte of the file.
pub(super) fn root_of<'a>(pages: impl IntoIterator<Item = &'a PageRow>) -> Sha256Digest {
    let digest_of = |page: &PageRow| {
        let bytes: Vec<u8> = page.0.iter().flat_map(|id| *id.as_bytes()).collect();
        *Sha256Digest::of(&bytes).as_bytes()
    };
    let digests: Vec<u8> = pages.into_iter().flat_map(digest_of).collect();
    Sha256Digest::of(&digests)
}
