//! Profiles: faults that are put on together under one name, those that are built in and those of p2p.toml: what there is, and how one is
//! applied to a node or to all.

use axum::Json;
use axum::response::Response;
use p2p_service::network::Break;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Faults, put_on};
use crate::api::extract::{Body, Path};
use crate::api::values::{node_of, unknown};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(apply))
}

/// Profile of faults.
#[derive(Debug, Serialize, ToSchema)]
struct Profile {
    profile: String,
    /// Description, or the faults in words.
    summary: String,
    /// Place of its definition: `built in`, or file and line.
    from: String,
    /// Reason why it cannot be used; null if it can.
    error: Option<String>,
}

/// Profiles that there are.
#[derive(Debug, Serialize, ToSchema)]
struct Profiles {
    profiles: Vec<Profile>,
}

/// Lists the profiles of faults.
#[utoipa::path(get, path = "/faults/profiles", responses((status = 200, description = "Profiles", body = Profiles)))]
async fn list(Caller(access): Caller) -> Result<Json<impl Serialize>, Problem> {
    access.require_login(&access.identity())?;
    let profiles = access.profiles().iter().map(|(name, found)| Profile {
        profile: name.clone(),
        summary: found.described().into_owned(),
        from: found.origin.clone(),
        error: found.profile.as_ref().err().cloned(),
    });
    Ok(Json(Profiles { profiles: profiles.collect() }))
}

/// Nodes that a profile is for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct For {
    /// Node that it is for; all nodes without it.
    node: Option<String>,
}

/// Puts the faults of a profile on, all of them or none.
#[utoipa::path(post, path = "/faults/profiles/{name}", params(("name" = String, Path, description = "Name of the profile")), request_body = Option<For>,
    responses(
        (status = 200, description = "Nothing is different by it", body = Faults),
        (status = 201, description = "The faults of the profile that are on now", body = Faults,
            headers(("Location" = String, description = "The first of them"))),
))]
async fn apply(Caller(access): Caller, Path(name): Path<String>, wanted: Option<Body<For>>) -> Result<Response, Problem> {
    access.require_admin(&access.identity(), "apply a profile of faults").await?;
    let node = wanted.and_then(|Body(wanted)| wanted.node);
    let node = node.as_deref().map(|node| node_of("node", node)).transpose()?;
    let found = access
        .profiles()
        .get(&name)
        .ok_or_else(|| unknown("a profile of this name", "`GET /api/v1/faults/profiles` lists them"))?;
    let profile = found.profile.clone().map_err(|problem| Problem::invalid("name", problem))?;
    put_on(&access, Break::Profile { name, node, profile: Box::new(profile) }).await
}
