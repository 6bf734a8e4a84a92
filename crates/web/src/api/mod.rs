//! REST: the routes below `/api/v1`, those of the older paths that mean the same, and their description (OpenAPI 3.1).
//!
//! | file | contents |
//! |---|---|
//! | `extract` | bodies and parameters of requests, whose rejections are problems |
//! | `auth` | registration, logins and sessions |
//!
//! A handler has a `#[utoipa::path]` above it, and its module a function `routes` that this one merges. What it is asked for goes to the gate,
//! and what the gate refuses is a [`Problem`](crate::problem::Problem).

mod auth;
pub(crate) mod extract;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Description;
use utoipa_axum::router::OpenApiRouter;

use crate::web::Web;

/// General part of the description.
#[derive(OpenApi)]
#[openapi(info(title = "p2p", description = "A peer-to-peer storage network: files, nodes, faults and time, as JSON."))]
struct General;

/// Returns the routes of REST and their description.
fn described() -> (Router<Web>, Description) {
    let v1 = OpenApiRouter::new().merge(auth::routes());
    OpenApiRouter::with_openapi(General::openapi()).nest("/api/v1", v1).split_for_parts()
}

/// Returns the routes of REST.
pub(crate) fn routes() -> Router<Web> {
    let (routes, description) = described();
    routes.route("/api/v1/openapi.json", get(|| async { Json(description) }))
}
