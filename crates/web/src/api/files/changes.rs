//! Changes of what is stored: removals, other names, copies by reference, and directories.

use axum::Json;
use http::{HeaderMap, StatusCode};
use p2p_service::access::copies::Copying;
use p2p_service::files::{Await, BeginTransfer, FileKey, Remove};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::conditions::Condition;
use super::described::FileEntry;
use super::{User, checked};
use crate::api::extract::{Body, Path, Query};
use crate::api::values::bounded;
use crate::problem::Problem;

/// Manner of a removal.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Removing {
    /// True if what is within a directory is removed with it.
    #[serde(default)]
    recursive: bool,
}

/// Removes a file, or a directory.
#[utoipa::path(delete, path = "/files/content/{path}", operation_id = "remove_file", tag = "files", params(
    ("path" = String, Path, description = "Path of the file or directory"), Removing,
    ("If-Match" = Option<String>, Header, description = "ETag that the file must have"),
), responses(
    (status = 204, description = "It is removed"),
    (status = 412, description = "The file is another one", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove(
    user: User,
    Path(path): Path<String>,
    Query(Removing { recursive }): Query<Removing>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let path = checked("path", &path)?;
    let condition = user.check_to_change(path, &headers).await?;
    user.removed(path, recursive, condition).await
}

impl User {
    /// Removes what the user calls `path` if the condition holds, and waits until that is done.
    pub(super) async fn removed(&self, path: &str, recursive: bool, condition: Condition) -> Result<StatusCode, Problem> {
        let refused = |error| condition.refusal(error);
        let removal = self.access.removal(&self.identity, path, recursive).await.map_err(refused)?;
        let removal = BeginTransfer::from(Remove { expected: condition.expected, ..removal });
        self.access.record_transfer(&self.identity, &removal).await?;
        let transfer = self.access.begin(removal).await.map_err(|error| refused(error.into()))?;
        let report = bounded(self.access.call(Await { transfer })).await?;
        report.into_result().map_err(|error| refused(error.into()))?;
        Ok(StatusCode::NO_CONTENT)
    }
}

/// Change of a name, or copy.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct FromTo {
    /// Path of the file or directory.
    #[schema(min_length = 1)]
    from: String,
    /// New path, or the directory that it is to be in.
    #[schema(min_length = 1)]
    to: String,
    /// True if a file of the new path may be replaced.
    #[serde(default)]
    replace: bool,
}

/// Gives a file or directory another name.
#[utoipa::path(post, path = "/files/move", operation_id = "move_file", tag = "files", request_body = FromTo, responses(
    (status = 200, description = "The file or directory under its new name", body = FileEntry),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn rename(user: User, Body(FromTo { from, to, replace }): Body<FromTo>) -> Result<Json<FileEntry>, Problem> {
    let (from, to) = (checked("from", &from)?, checked("to", &to)?);
    let change = user.access.renaming(&user.identity, from, to, replace).await?;
    user.access.record_move(&user.identity, &change.from).await?;
    let key = FileKey { owner: change.from.owner.clone(), name: change.to.clone() };
    user.access.call(change).await?;
    Ok(Json(user.described_at(&key).await?))
}

/// Copies a file within the store: the copy has the same segments, and takes no more room on the nodes.
#[utoipa::path(post, path = "/files/copy", operation_id = "copy_file", tag = "files", request_body = FromTo, responses(
    (status = 200, description = "The copy", body = FileEntry),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn copy(user: User, Body(FromTo { from, to, replace }): Body<FromTo>) -> Result<Json<FileEntry>, Problem> {
    let (from, to) = (checked("from", &from)?, checked("to", &to)?);
    let copy = user.access.copying(&user.identity, from, to, Copying { replace, preserve: false }).await?;
    user.access.record_copy(&user.identity, &copy.from).await?;
    let key = FileKey::new(user.identity.name(), &copy.to);
    user.access.call(copy).await?;
    Ok(Json(user.described_at(&key).await?))
}

/// Directory that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewDirectory {
    /// Path of the directory.
    #[schema(min_length = 1)]
    path: String,
    /// True if those above it that are missing are made too, and if it is no error that it is there.
    #[serde(default)]
    parents: bool,
}

/// Makes a directory.
#[utoipa::path(post, path = "/files/directories", operation_id = "make_directory", tag = "files", request_body = NewDirectory, responses(
    (status = 201, description = "The directory", body = FileEntry),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn make_directory(
    user: User,
    Body(NewDirectory { path, parents }): Body<NewDirectory>,
) -> Result<(StatusCode, Json<FileEntry>), Problem> {
    let make = user.access.directory(checked("path", &path)?, parents)?;
    let key = user.identity.key_of(&path);
    user.access.call(make).await?;
    Ok((StatusCode::CREATED, Json(user.described_at(&key).await?)))
}
