//! The older paths of the content and the removal of a file, which name it by its number.

use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};

use super::User;
use super::download::Giving;
use crate::api::extract::{Path, Query};
use crate::problem::Problem;

/// Gives the content of the file of this number.
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
