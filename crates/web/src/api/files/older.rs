//! The older paths of the content and the removal of a file, which name it by its number.

use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};

use super::User;
use super::described::FileContent;
use super::download::Giving;
use crate::api::extract::{Path, Query};
use crate::problem::Problem;

/// Gives the content of the file of this number, or a range of it, under the conditions of `files/content`.
#[utoipa::path(get, path = "/api/files/download/{id}", params(
    ("id" = u64, Path, description = "Number of the file, the `id` of its entry"), Giving,
    ("Range" = Option<String>, Header, description = "One range of bytes; of several the whole is answered"),
), responses(
    (status = 200, description = "The content", content((FileContent = "application/octet-stream"), (FileContent = "*/*"))),
    (status = 206, description = "The range of the content", content((FileContent = "application/octet-stream"), (FileContent = "*/*"))),
    (status = 304, description = "The client has it"),
))]
pub(super) async fn content(
    user: User,
    Path(id): Path<u64>,
    Query(giving): Query<Giving>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = user.path_of(id).await?;
    user.given(&path, (&method, &headers), giving.is_saved()).await
}

/// Removes the file of this number.
#[utoipa::path(delete, path = "/api/files/{id}", params(("id" = u64, Path, description = "Number of the file, the `id` of its entry")),
    responses((status = 204, description = "It is removed")))]
pub(super) async fn remove(user: User, Path(id): Path<u64>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let path = user.path_of(id).await?;
    let condition = user.check_to_change(&path, &headers).await?;
    user.removed(&path, false, condition).await
}

impl User {
    /// Returns what the user calls the file of a number.
    async fn path_of(&self, id: u64) -> Result<String, Problem> {
        Ok(self.identity.label(&self.access.file_of_number(&self.identity, id).await?.key))
    }
}
