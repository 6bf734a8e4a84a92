//! What is stored: of all users for admins, and of oneself for others.

use axum::Json;
use p2p_service::access::Access;
use p2p_service::network::{Snapshot, StatUser, StorageStats, Usage};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::values::seen;
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(status))
}

/// Amount of what is stored, and the room for it. Users who are not admins see their own files, and `null` for what is of the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Storage {
    /// Stored files: of all users for admins, of oneself for others.
    files: Option<u64>,
    /// Their sizes.
    file_bytes: Option<u64>,
    /// Segments on all nodes.
    segments: Option<u64>,
    /// Their sizes: equal segments are kept once.
    used_bytes: Option<u64>,
    /// Capacity of all nodes.
    capacity_bytes: Option<u64>,
    /// Room on nodes that take segments.
    free_bytes: Option<u64>,
    /// Nodes that take no segments.
    closed_nodes: Option<u64>,
    /// Segments that files need and that were not on their nodes' disks at the start.
    missing_segments: Option<u64>,
    unknown_segments: Option<u64>,
    owed_deletions: Option<u64>,
    /// Size that the caller's own files may have together; null without a quota.
    quota_bytes: Option<u64>,
    /// Rest of it; null without a quota.
    quota_left_bytes: Option<u64>,
}

impl Storage {
    /// Returns the files of the caller, and the quota. A token that is limited to a path knows nothing of how much is stored.
    ///
    /// # Errors
    /// Fails if the engine has stopped or refuses.
    pub(super) async fn usage(access: &Access) -> Result<Option<Usage>, Problem> {
        match access.identity().token().and_then(|reach| reach.path.as_ref()) {
            None => Ok(Some(access.call(StatUser).await?)),
            Some(_) => Ok(None),
        }
    }

    /// Returns what the caller may know, of a snapshot and of their own files.
    pub(super) fn of(access: &Access, snapshot: &Snapshot, usage: Option<Usage>) -> Storage {
        let identity = access.identity();
        let all = identity.is_admin().then_some(snapshot.figures.storage);
        let of_nodes = |figure: fn(&StorageStats) -> u64| all.as_ref().map(figure);
        Storage {
            files: of_nodes(|all| all.files).or(usage.map(|own| own.files)),
            file_bytes: of_nodes(|all| all.file_bytes).or(usage.map(|own| own.file_bytes)),
            segments: of_nodes(|all| all.segments),
            used_bytes: of_nodes(|all| all.used_bytes),
            capacity_bytes: of_nodes(|all| all.capacity_bytes),
            free_bytes: of_nodes(|all| all.free_bytes),
            closed_nodes: of_nodes(|all| all.closed_nodes),
            missing_segments: of_nodes(|all| all.missing_segments),
            unknown_segments: of_nodes(|all| all.unknown_segments),
            owed_deletions: of_nodes(|all| all.owed_deletions),
            quota_bytes: usage.and_then(|own| own.quota_bytes),
            quota_left_bytes: usage.and_then(|own| own.left()),
        }
    }
}

/// Tells what is stored, and the room for it.
#[utoipa::path(get, path = "/storage/status", responses((status = 200, description = "What is stored", body = Storage)))]
pub(super) async fn status(Caller(access): Caller) -> Result<Json<impl Serialize>, Problem> {
    let snapshot = seen(&access).await?;
    let usage = Storage::usage(&access).await?;
    Ok(Json(Storage::of(&access, &snapshot, usage)))
}
