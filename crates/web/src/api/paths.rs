//! Paths between hosts: those that faults make different, and changes of one.

use std::collections::BTreeSet;

use axum::Json;
use p2p_service::access::Access;
use p2p_service::files::EngineError;
use p2p_service::network::{Break, Mend, PathChange, Peer, Snapshot, Target};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path as InPath, Query};
use super::faults::OnTheWay;
use super::values::{call, peer_of, seconds, seen};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

/// Paths at most in an answer: a partition may cut ten thousand.
const PATHS_MAX: usize = 1000;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(change))
}

/// Path from one host to another, and what faults have changed of it.
#[derive(Debug, Serialize, ToSchema)]
struct Path {
    from: String,
    to: String,
    /// True if no packet passes because of faults.
    is_cut: bool,
    /// Changes by what is said of the path, or of all paths of one of its hosts.
    #[serde(flatten)]
    change: OnTheWay,
    /// Faults of the path by itself, as sentences.
    faults: Vec<String>,
    /// Virtual time since which the first of them is on; null for none.
    since_seconds: Option<f64>,
}

impl Path {
    fn of(snapshot: &Snapshot, (from, to): (Peer, Peer)) -> Path {
        let own = [Target::Path(from, to), Target::Cut(from, to)].map(|target| snapshot.fault(target));
        Path {
            from: from.to_string(),
            to: to.to_string(),
            is_cut: snapshot.is_cut(from, to),
            change: snapshot.path_change(from, to).into(),
            faults: own.iter().flatten().map(|active| active.fault.to_string()).collect(),
            since_seconds: own.iter().flatten().map(|active| seconds(active.since)).reduce(f64::min),
        }
    }
}

/// Paths.
#[derive(Debug, Serialize, ToSchema)]
struct Paths {
    /// Virtual time of the answer.
    virtual_seconds: f64,
    /// Number of all paths that are meant, each direction for itself.
    count: usize,
    /// The first thousand of them.
    paths: Vec<Path>,
}

/// Paths that are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Meant {
    /// Host that sends. With it, all its paths are listed, and without it those with faults of their own.
    from: Option<String>,
    /// Host that receives.
    to: Option<String>,
}

/// Lists the paths with faults of their own, or all from one host.
#[utoipa::path(get, path = "/paths", params(Meant), responses((status = 200, description = "Paths", body = Paths)))]
async fn list(Caller(access): Caller, Query(meant): Query<Meant>) -> Result<Json<impl Serialize>, Problem> {
    let host = |field: &str, text: &Option<String>| text.as_deref().map(|text| peer_of(field, text)).transpose();
    let (from, to) = (host("from", &meant.from)?, host("to", &meant.to)?);
    let snapshot = seen(&access).await?;
    let pairs: BTreeSet<(Peer, Peer)> = match from {
        Some(from) => snapshot.figures.health.hosts().filter(|&to| to != from).map(|to| (from, to)).collect(),
        None => snapshot.faults_of_paths().iter().filter_map(|active| pair(active.fault.target())).collect(),
    };
    let pairs: Vec<_> = pairs.into_iter().filter(|pair| to.is_none_or(|to| pair.1 == to)).collect();
    let paths = pairs.iter().take(PATHS_MAX).map(|&pair| Path::of(&snapshot, pair)).collect();
    Ok(Json(Paths { virtual_seconds: seconds(snapshot.at), count: pairs.len(), paths }))
}

fn pair(target: Target) -> Option<(Peer, Peer)> {
    match target {
        Target::Path(from, to) | Target::Cut(from, to) => Some((from, to)),
        _ => None,
    }
}

/// Changes of a path.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PathPatch {
    #[serde(flatten)]
    change: OnTheWay,
    /// True to cut the path, false to heal it.
    cut: Option<bool>,
    /// True, as it is where it is left out, if only the path in this direction is meant; false for that in the other direction as well.
    #[serde(default = "default_one_way")]
    #[schema(default = true)]
    one_way: bool,
}

/// Returns what is meant without a word: the path that the target names.
const fn default_one_way() -> bool {
    true
}

/// Changes the path from one host to another, by faults, which `DELETE faults/path-FROM-TO` and `cut: false` take back.
#[utoipa::path(patch, path = "/paths/{from}/{to}", request_body = PathPatch,
    params(("from" = String, Path, description = "Host that sends"), ("to" = String, Path, description = "Host that receives")),
    responses((status = 200, description = "The path as it is now", body = Path)))]
async fn change(
    Caller(access): Caller,
    InPath((from, to)): InPath<(String, String)>,
    Body(patch): Body<PathPatch>,
) -> Result<Json<impl Serialize>, Problem> {
    let (from, to) = (peer_of("from", &from)?, peer_of("to", &to)?);
    let (change, one_way) = (patch.change.change()?, patch.one_way);
    let cut = patch.cut == Some(true);
    if patch.cut != Some(false) || change != PathChange::default() {
        let what = Break::Path { from, to, one_way, change, cut };
        what.check().map_err(EngineError::from)?;
        call(&access, what).await?;
    }
    if patch.cut == Some(false) {
        call(&access, Mend::Cut { from, to, one_way }).await?;
    }
    Ok(Json(path_now(&access, (from, to)).await?))
}

async fn path_now(access: &Access, pair: (Peer, Peer)) -> Result<Path, Problem> {
    Ok(Path::of(&*seen(access).await?, pair))
}
