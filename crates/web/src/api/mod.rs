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
//! | `content`, `digests` | content as it comes, and its digests in headers |
//! | `aliases` | the older paths, each with the one that it stands for |
//! | `parameters` | which parameters the query of a route may have |
//! | `values` | names, units and waits of these |
//! | `describing` | what is the same of every route, for the description |
//! | `events` | what happens, as server-sent events |
//!
//! A handler has a `#[utoipa::path]` above it, and its module a function `routes` that this one merges. What it is asked for goes to the gate,
//! and what the gate refuses is a [`Problem`](crate::problem::Problem).

mod account;
mod aliases;
pub(crate) mod auth;
mod content;
mod dashboard;
mod describing;
mod digests;
mod events;
pub(crate) mod extract;
mod faults;
mod files;
mod links;
mod network;
mod nodes;
mod parameters;
mod paths;
mod storage;
mod time;
mod tokens;
mod transfers;
mod uploads;
pub(crate) mod values;

pub use self::describing::description;
pub(crate) use self::files::{open_link, origin, revoke_link, stored_into};

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi as Description;
use utoipa_axum::router::OpenApiRouter;

use self::aliases::Alias;
use self::parameters::Parameters;
use crate::watching;
use crate::web::Web;

/// Returns the routes of REST, and of programs that watch this one, with their description.
fn described() -> (Router<Web>, Description) {
    let v1 =
        accounts_routes().merge(files::routes()).merge(uploads::routes()).merge(network_routes()).merge(describing::routes());
    let general = OpenApiRouter::with_openapi(describing::General::openapi());
    let all = general.nest("/api/v1", v1).merge(files::others()).merge(watching::routes());
    let (routes, mut description) = all.split_for_parts();
    let routes = aliases().fold(routes, |routes, alias| alias.added(routes, &mut description));
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

/// Returns the older paths.
fn aliases() -> impl Iterator<Item = Alias> {
    let of_network = [
        ("/api/network/topology", "/network/topology", get(network::topology)),
        ("/api/network/statistics", "/network/statistics", get(network::statistics)),
        ("/api/network/health", "/network/health", get(network::health).post(network::check)),
        ("/api/storage/status", "/storage/status", get(storage::status)),
        ("/api/nodes", "/nodes", get(nodes::list)),
        ("/api/nodes/select", "/nodes/select", post(nodes::select)),
        ("/api/dashboard", "/dashboard", get(dashboard::now)),
    ];
    let of_network = of_network.map(|(older, of, handlers)| Alias { older, of, handlers });
    auth::aliases().into_iter().chain([account::alias()]).chain(files::aliases()).chain(of_network)
}

/// Returns the routes of REST, and of programs that watch this one.
pub(crate) fn routes() -> Router<Web> {
    let (routes, mut description) = described();
    routes.route_layer(from_fn_with_state(Arc::new(Parameters::of(&mut description)), parameters::layer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_path_is_described_as_what_it_stands_for() {
        let description = described().1;
        let of = |path: &str, method: &str| {
            let item = serde_json::to_value(&description.paths.paths[path]).unwrap();
            item[method].clone()
        };
        let (new, old) = (of("/api/v1/auth/login", "post"), of("/api/auth/login", "post"));
        assert_eq!((&new["requestBody"], &new["responses"]), (&old["requestBody"], &old["responses"]));
        assert!(new["deprecated"].is_null() && old["deprecated"] == true, "{old}");
        assert_eq!(old["operationId"], "postApiAuthLogin");
        assert_eq!(of("/api/files/{id}", "delete")["deprecated"], true);
    }
}
