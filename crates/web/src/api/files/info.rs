//! One file or directory: its segments with their holders, and its attributes.

use axum::Json;
use p2p_service::files::{Attributes, Entry, StatFile};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::described::FileEntry;
use super::mode::Mode;
use super::{User, checked};
use crate::api::extract::{Body, Path, Query};
use crate::problem::Problem;

/// Segments that are told of at once, at the most.
const SEGMENTS_MAX: usize = 4096;

/// Segment of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SegmentPlace {
    /// Position among the segments of the file, from 0.
    index: u32,
    /// Length in bytes.
    length: u32,
    /// SHA-256 of the content in hexadecimal, which is the name of the segment.
    sha256: String,
    /// Nodes that hold it.
    nodes: Vec<String>,
}

/// File or directory, and the places of its segments.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileInfo {
    #[serde(flatten)]
    entry: FileEntry,
    /// Segments in their order, 4096 at the most; none of a directory.
    places: Vec<SegmentPlace>,
}

/// Part of the segments that is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Segment with which `places` begins.
    #[serde(default)]
    first_segment: u32,
}

/// Tells of one file or directory, with its segments and their holders.
#[utoipa::path(get, path = "/files/info/{path}", operation_id = "file_info", tag = "files", params(
    ("path" = String, Path, description = "Path of the file or directory"), Part,
), responses(
    (status = 200, description = "The file or directory", body = FileInfo),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn info(user: User, Path(path): Path<String>, Query(part): Query<Part>) -> Result<Json<FileInfo>, Problem> {
    let found = user.access.known_entry(&user.identity, checked("path", &path)?).await?;
    let places = match &found {
        Entry::File(file) => {
            let manifest = user.access.call(StatFile { file: file.key.clone() }).await?;
            let segments = (0..).zip(&manifest.segments).skip(part.first_segment as usize).take(SEGMENTS_MAX);
            let place = |(index, segment): (u32, &p2p_service::files::SegmentRecord)| SegmentPlace {
                index,
                length: segment.len,
                sha256: segment.id.to_string(),
                nodes: segment.holders.iter().map(ToString::to_string).collect(),
            };
            segments.map(place).collect()
        }
        Entry::Directory(_) => Vec::new(),
    };
    Ok(Json(FileInfo { entry: user.described_one(&found).await?, places }))
}

/// Attributes that are to be set, each unless it is left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAttributes {
    /// Permission bits as octal digits, such as `0644`, which are kept and shown and allow nothing.
    #[schema(value_type = Option<String>, pattern = "^[0-7]{3,4}$")]
    mode: Option<Mode>,
    /// Last modification, in seconds since 1970.
    modified: Option<u64>,
}

/// Sets attributes of a file or directory.
#[utoipa::path(patch, path = "/files/info/{path}", operation_id = "set_file_attributes", tag = "files", request_body = NewAttributes, params(
    ("path" = String, Path, description = "Path of the file or directory"),
), responses(
    (status = 200, description = "The file or directory as it is now", body = FileEntry),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn set(
    user: User,
    Path(path): Path<String>,
    Body(NewAttributes { mode, modified }): Body<NewAttributes>,
) -> Result<Json<FileEntry>, Problem> {
    let attributes = Attributes { mode: mode.map(|Mode(bits)| bits), modified };
    let set = user.access.setting(&user.identity, checked("path", &path)?, attributes).await?;
    let key = set.file.clone();
    user.access.record_setting(&user.identity, &key).await?;
    user.access.call(set).await?;
    Ok(Json(user.described_at(&key).await?))
}
