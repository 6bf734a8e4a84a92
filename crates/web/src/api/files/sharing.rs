//! What other users may do with what is stored, and whom one can share with.

use std::collections::BTreeSet;

use axum::Json;
use p2p_service::access::sharing::Shared;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PATH_MAX, User, checked};
use crate::api::extract::Body;
use crate::problem::Problem;

/// What another user is to be allowed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Sharing {
    /// Path of the file or directory.
    path: String,
    /// Name of the user.
    user: String,
    /// True if the user may read it: left out, it is true.
    read: Option<bool>,
}

/// What another user is no longer to be allowed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Withdrawal {
    /// Path of the file or directory.
    path: String,
    /// Name of the user.
    user: String,
}

/// Outcome of a change of what another user may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SharingChanged {
    /// False if it was so already.
    changed: bool,
}

/// Lets another user read a file, or all that is within a directory.
#[utoipa::path(post, path = "/files/share", operation_id = "share_file", tag = "files", request_body = Sharing, responses(
    (status = 200, description = "It is shared so", body = SharingChanged),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn share(
    user: User,
    Body(Sharing { path, user: other, read }): Body<Sharing>,
) -> Result<Json<SharingChanged>, Problem> {
    user.shared(&path, &other, read.unwrap_or(true)).await
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
    user.shared(&path, &other, false).await
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
pub(super) async fn users(user: User) -> Json<UserNames> {
    let own = user.identity.name();
    let mut users: BTreeSet<String> = user.access.user_names().into_iter().collect();
    if !user.identity.is_admin() {
        let names = user.access.names();
        users.extend(names.owners().flatten().map(str::to_owned));
        users.extend(names.entries().flat_map(|entry| entry.readers().iter().cloned()));
    }
    Json(UserNames { users: users.into_iter().filter(|name| Some(name.as_str()) != own).collect() })
}

impl User {
    async fn shared(&self, path: &str, other: &str, may_read: bool) -> Result<Json<SharingChanged>, Problem> {
        if other.len() > PATH_MAX {
            return Err(Problem::invalid("user", "no user has such a name"));
        }
        match self.access.share(&self.identity, checked("path", path)?, other, may_read).await? {
            Shared::Changed { .. } => Ok(Json(SharingChanged { changed: true })),
            Shared::Unchanged { .. } => Ok(Json(SharingChanged { changed: false })),
            Shared::Own { .. } => Err(Problem::invalid("user", "it is the owner, whose access cannot be changed")),
        }
    }
}
