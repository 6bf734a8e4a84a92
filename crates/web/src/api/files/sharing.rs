//! What other users may do with what is stored, and whom one can share with.

use axum::Json;
use p2p_service::access::sharing::Shared;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PATH_MAX, User, checked};
use crate::api::extract::Body;
use crate::problem::Problem;

/// Rights that another user is to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sharing {
    /// Path of the file or directory.
    #[schema(min_length = 1)]
    path: String,
    /// Name of the user.
    #[schema(min_length = 1)]
    user: String,
    /// True if the user may read it, false if no longer; left out, it stays, unless `upload` is left out too, when it is true.
    read: Option<bool>,
    /// True if the user may store new files in the directory, false if no longer; left out, it stays.
    upload: Option<bool>,
}

/// File or directory in which another user is to have no rights any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Withdrawal {
    /// Path of the file or directory.
    #[schema(min_length = 1)]
    path: String,
    /// Name of the user.
    #[schema(min_length = 1)]
    user: String,
}

/// Outcome of a change of what another user may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SharingChanged {
    /// False if it was so already.
    changed: bool,
}

/// Lets another user read a file, or all that is within a directory, or store new files in a directory.
#[utoipa::path(post, path = "/files/share", operation_id = "share_file", tag = "files", request_body = Sharing, responses(
    (status = 200, description = "It is shared so", body = SharingChanged),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn share(
    user: User,
    Body(Sharing { path, user: other, read, upload }): Body<Sharing>,
) -> Result<Json<SharingChanged>, Problem> {
    let read = read.or_else(|| upload.is_none().then_some(true));
    user.shared(&path, &other, (read, upload)).await
}

/// Lets another user do nothing with a file or directory any more.
#[utoipa::path(delete, path = "/files/share", operation_id = "unshare_file", tag = "files", request_body = Withdrawal, responses(
    (status = 200, description = "It is not shared", body = SharingChanged),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn withdraw(
    user: User,
    Body(Withdrawal { path, user: other }): Body<Withdrawal>,
) -> Result<Json<SharingChanged>, Problem> {
    let entry = user.access.changeable(&user.identity, checked("path", &path)?).await?;
    // A file is shared for reading alone.
    user.shared(&path, &other, (Some(false), entry.uploaders().map(|_| false))).await
}

/// Names of users.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserNames {
    /// Names, in the order of the alphabet.
    users: Vec<String>,
}

/// Names users with whom one can share: all for an admin, and for others those who share something with them or with whom they share.
#[utoipa::path(get, path = "/users", operation_id = "list_users", tag = "files", responses(
    (status = 200, description = "The names", body = UserNames),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn users(user: User) -> Result<Json<UserNames>, Problem> {
    Ok(Json(UserNames { users: user.access.users_to_share_with(&user.identity).await? }))
}

impl User {
    /// Lets another user read and store, or no longer, each where it is said.
    async fn shared(
        &self,
        path: &str,
        other: &str,
        (read, upload): (Option<bool>, Option<bool>),
    ) -> Result<Json<SharingChanged>, Problem> {
        if other.is_empty() || other.len() > PATH_MAX {
            return Err(Problem::invalid("user", "no user has such a name"));
        }
        let (path, mut changed) = (checked("path", path)?, false);
        // What may be refused of the two is done first, so that nothing is done if it is.
        if let Some(upload) = upload {
            changed |= is_changed(self.access.share_uploads(&self.identity, path, other, upload).await?)?;
        }
        if let Some(read) = read {
            changed |= is_changed(self.access.share(&self.identity, path, other, read).await?)?;
        }
        Ok(Json(SharingChanged { changed }))
    }
}

fn is_changed(shared: Shared) -> Result<bool, Problem> {
    match shared {
        Shared::Changed { .. } => Ok(true),
        Shared::Unchanged { .. } => Ok(false),
        Shared::Own { .. } => Err(Problem::invalid("user", "it is the owner, whose access cannot be changed")),
    }
}
