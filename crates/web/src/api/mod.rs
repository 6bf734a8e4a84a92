//! REST: the routes below `/api/v1`, those of the older paths that mean the same, and their description (OpenAPI 3.1).
//!
//! | file | contents |
//! |---|---|
//! | `extract` | bodies and parameters of requests, whose rejections are problems |
//! | `auth` | registration, logins and who the caller is |
//! | `account` | the caller's account: password, sessions, one-time passwords |
//! | `tokens` | API tokens, and invites |
//! | `files` | files: lists, content, changes, sharing |
//! | `uploads` | resumable uploads |
//! | `events` | what happens, as server-sent events |
//!
//! A handler has a `#[utoipa::path]` above it, and its module a function `routes` that this one merges. What it is asked for goes to the gate,
//! and what the gate refuses is a [`Problem`](crate::problem::Problem).

mod account;
pub(crate) mod auth;
mod events;
pub(crate) mod extract;
mod files;
mod tokens;
mod uploads;

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
    let accounts = OpenApiRouter::new().merge(auth::routes()).merge(account::routes()).merge(tokens::routes());
    let v1 = accounts.merge(files::routes()).merge(uploads::routes()).merge(events::routes());
    OpenApiRouter::with_openapi(General::openapi()).nest("/api/v1", v1).split_for_parts()
}

/// Returns the routes of REST.
pub(crate) fn routes() -> Router<Web> {
    let (routes, description) = described();
    let older = Router::new().merge(auth::aliases()).merge(account::aliases());
    routes.nest("/api", older).merge(files::others()).route("/api/v1/openapi.json", get(|| async { Json(description) }))
}
