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
//! | `network`, `nodes`, `links`, `paths` | the network: hosts, probes, nodes, links and paths |
//! | `faults` | what is broken on purpose, and profiles |
//! | `time` | the virtual clock |
//! | `transfers`, `storage`, `dashboard` | what is under way, what is stored, and all of that in one answer |
//! | `values` | names, units and waits of these |
//! | `describing` | what is the same of every route, for the description |
//! | `events` | what happens, as server-sent events |
//!
//! A handler has a `#[utoipa::path]` above it, and its module a function `routes` that this one merges. What it is asked for goes to the gate,
//! and what the gate refuses is a [`Problem`](crate::problem::Problem).

mod account;
pub(crate) mod auth;
mod dashboard;
mod describing;
mod events;
pub(crate) mod extract;
mod faults;
mod files;
mod links;
mod network;
mod nodes;
mod paths;
mod storage;
mod time;
mod tokens;
mod transfers;
mod uploads;
pub(crate) mod values;

pub use self::describing::description;
pub(crate) use self::files::{open_link, revoke_link, stored_into};

use axum::routing::{get, post};
use axum::{Json, Router};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi as Description;
use utoipa_axum::router::OpenApiRouter;

use crate::web::Web;

/// Returns the routes of REST and their description.
fn described() -> (Router<Web>, Description) {
    let v1 = accounts_routes().merge(files::routes()).merge(uploads::routes()).merge(network_routes());
    let (routes, mut description) =
        OpenApiRouter::with_openapi(describing::General::openapi()).nest("/api/v1", v1).split_for_parts();
    describing::complete(&mut description);
    (routes, description)
}

/// Returns the routes about accounts.
fn accounts_routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().merge(auth::routes()).merge(account::routes()).merge(tokens::routes())
}

/// Returns the routes about the network.
fn network_routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .merge(network::routes())
        .merge(nodes::routes())
        .merge(links::routes())
        .merge(paths::routes())
        .merge(faults::routes())
        .merge(time::routes())
        .merge(transfers::routes())
        .merge(events::routes())
        .merge(storage::routes())
        .merge(dashboard::routes())
}

/// Returns the older paths about the network, which mean the same.
fn network_aliases() -> Router<Web> {
    Router::new()
        .route("/network/topology", get(network::topology))
        .route("/network/statistics", get(network::statistics))
        .route("/network/health", get(network::health).post(network::check))
        .route("/storage/status", get(storage::status))
        .route("/nodes", get(nodes::list))
        .route("/nodes/select", post(nodes::select))
        .route("/dashboard", get(dashboard::now))
}

/// Returns the routes of REST.
pub(crate) fn routes() -> Router<Web> {
    let (routes, description) = described();
    let older = Router::new().merge(auth::aliases()).merge(account::aliases()).merge(network_aliases());
    routes.nest("/api", older).merge(files::others()).route("/api/v1/openapi.json", get(|| async { Json(description) }))
}
