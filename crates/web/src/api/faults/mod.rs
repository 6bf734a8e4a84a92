//! Faults: what is broken on purpose, as a fault proxy lists it: each with an identifier, put on by `POST` and taken back by `DELETE`.
//!
//! | file | contents |
//! |---|---|
//! | `wanted` | what is wrong, in requests and in answers |
//! | `ids` | identifiers of faults, which follow from what they are about |
//! | `profiles` | faults that are put on together under one name |

mod ids;
mod profiles;
mod wanted;

use std::collections::BTreeSet;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use p2p_service::access::Access;
use p2p_service::files::EngineError;
use p2p_service::network::{
    ActiveFault, Break, ClearFaults, ClearedFaults, Direction, FaultCause, ListFaults, Mend, Peer, Target, Which,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::wanted::Wanted;
use super::extract::{Body, Path, Query};
use super::values::{call, node_of, seconds, unknown};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

pub(super) use self::wanted::{LinkDirection, Linked, OnTheWay};

pub(super) fn routes() -> OpenApiRouter<Web> {
    let faults = OpenApiRouter::new().routes(routes!(list, add, clear)).routes(routes!(one, remove));
    faults.merge(profiles::routes())
}

/// Cause for which a fault is on, or something was added to it.
#[derive(Debug, Serialize, ToSchema)]
struct Cause {
    /// `command`, `profile`, `flap` (the plan of a process that is killed again and again), or `over`.
    cause: &'static str,
    /// User; null for the operator, and for whom may not know.
    by: Option<String>,
    /// Profile; null for none.
    profile: Option<String>,
}

impl From<&FaultCause> for Cause {
    fn from(cause: &FaultCause) -> Cause {
        let name = match cause {
            FaultCause::Command { .. } => "command",
            FaultCause::Profile { .. } => "profile",
            FaultCause::Flap { .. } => "flap",
            FaultCause::Over => "over",
        };
        Cause { cause: name, by: cause.by().map(str::to_owned), profile: cause.profile().map(str::to_owned) }
    }
}

/// Fault that is on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fault {
    /// Identifier, which follows from what the fault is about: there is one fault of each target at the most.
    id: String,
    /// Target that is broken: a node, its disk, a link, a path.
    target: String,
    /// `killed`, `stopping`, `restarting`, `stopped`, `refusing`, `disk`, `flapping`, `link`, `paths`, `path`, `cut`.
    kind: &'static str,
    /// The fault with its parameters, as a sentence.
    fault: String,
    /// The fault as what puts it on.
    what: Wanted,
    /// Virtual time at which it was put on.
    since_seconds: f64,
    #[serde(flatten)]
    cause: Cause,
    /// Causes for which something was added to it since.
    added: Vec<Cause>,
    /// Command of the command language that takes it back.
    undo: String,
}

impl From<&ActiveFault> for Fault {
    fn from(active: &ActiveFault) -> Fault {
        Fault {
            id: ids::of(active.fault.target()),
            target: active.fault.target().to_string(),
            kind: active.fault.name(),
            fault: active.fault.to_string(),
            what: Wanted::from(&active.fault),
            since_seconds: seconds(active.since),
            cause: (&active.cause).into(),
            added: active.added.iter().map(Cause::from).collect(),
            undo: active.fault.undone_by(),
        }
    }
}

/// Faults, in the order of their targets.
#[derive(Debug, Serialize, ToSchema)]
struct Faults {
    faults: Vec<Fault>,
    /// Number of all of them.
    count: usize,
    /// Identifier after which the next page begins; null on the last.
    next: Option<String>,
}

/// Next step of who asks for a fault that is not on.
const LISTED: &str = "`GET /api/v1/faults` lists those that are on";
/// Faults at most in an answer: one partition may be ten thousand.
const FAULTS_MAX: usize = 1000;

impl Faults {
    fn new<'a>(faults: impl ExactSizeIterator<Item = &'a ActiveFault>) -> Faults {
        let count = faults.len();
        let faults: Vec<Fault> = faults.take(FAULTS_MAX).map(Fault::from).collect();
        let next = faults.last().filter(|_| faults.len() < count).map(|last| last.id.clone());
        Faults { faults, count, next }
    }
}

/// Part of the list of faults.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Part {
    /// Node whose faults are meant, those of its links and paths included; all without it.
    node: Option<String>,
    /// Identifier after which the page begins.
    after: Option<String>,
}

/// Lists the faults that are on.
#[utoipa::path(get, path = "/faults", params(Part), responses((status = 200, description = "Faults", body = Faults)))]
async fn list(Caller(access): Caller, Query(part): Query<Part>) -> Result<Json<impl Serialize>, Problem> {
    let node = part.node.as_deref().map(|node| node_of("node", node)).transpose()?;
    let after = part.after.as_deref().map(|after| ids::read(after).ok_or_else(|| Problem::invalid("after", "no fault has it")));
    let after = after.transpose()?;
    let mut on = call(&access, ListFaults).await?;
    on.retain(|active| node.is_none_or(|node| active.fault.target().is_of(node)));
    let count = on.len();
    on.retain(|active| after.is_none_or(|after| active.fault.target() > after));
    Ok(Json(Faults { count, ..Faults::new(on.iter()) }))
}

/// Tells of one fault.
#[utoipa::path(get, path = "/faults/{id}", params(("id" = String, Path, description = "Identifier of the fault")), responses(
    (status = 200, description = "The fault", body = Fault),
))]
async fn one(Caller(access): Caller, Path(id): Path<String>) -> Result<Json<impl Serialize>, Problem> {
    let target = ids::read(&id).ok_or_else(|| unknown(format_args!("the fault `{}`", id.escape_debug()), LISTED))?;
    let on = call(&access, ListFaults).await?;
    let found = on.iter().find(|active| active.fault.target() == target).map(Fault::from);
    Ok(Json(found.ok_or_else(|| unknown(format_args!("a fault of {target}"), LISTED))?))
}

/// Puts a fault on. The answer has the faults of what it is about as they are now: none where it says what is so without it, and where it is over
/// already, as a restart.
#[utoipa::path(post, path = "/faults", request_body = Wanted, responses(
    (status = 200, description = "Nothing is different by it", body = Faults),
    (status = 201, description = "The faults that are on now of what it is about", body = Faults,
        headers(("Location" = String, description = "The first of them"))),
))]
async fn add(Caller(access): Caller, Body(wanted): Body<Wanted>) -> Result<Response, Problem> {
    put_on(&access, wanted.operation()?).await
}

/// Puts faults on, and tells of them.
async fn put_on(access: &Access, what: Break) -> Result<Response, Problem> {
    // What is never possible comes into no audit log.
    what.check().map_err(EngineError::from)?;
    let of_profile = match &what {
        Break::Profile { name, node, .. } => Some((name.clone(), *node)),
        _ => None,
    };
    let targets = targets(&what);
    call(access, what).await?;
    let mut on = call(access, ListFaults).await?;
    on.retain(|active| match &of_profile {
        Some((name, node)) => {
            active.causes().any(|cause| cause.profile() == Some(name))
                && node.is_none_or(|node| active.fault.target().is_of(node))
        }
        None => targets.contains(&active.fault.target()),
    });
    let faults = Faults::new(on.iter());
    Ok(match faults.faults.first() {
        None => (StatusCode::OK, Json(faults)).into_response(),
        Some(first) => {
            let location = [(LOCATION, format!("/api/v1/faults/{}", first.id))];
            (StatusCode::CREATED, location, Json(faults)).into_response()
        }
    })
}

/// Returns the targets of what is put on, but for profiles.
fn targets(what: &Break) -> BTreeSet<Target> {
    let cuts = |one: &[Peer], other: &[Peer], one_way: bool| -> BTreeSet<Target> {
        let pairs = one.iter().flat_map(|&from| other.iter().map(move |&to| (from, to)));
        pairs
            .flat_map(|(from, to)| [(from, to), (to, from)].into_iter().take(if one_way { 1 } else { 2 }))
            .flat_map(|(from, to)| [Target::Cut(from, to), Target::Path(from, to)])
            .collect()
    };
    match what {
        Break::Kill { node } | Break::Stop { node, .. } | Break::Restart { node, .. } | Break::Refuse { node } => {
            [Target::Process(*node)].into()
        }
        Break::Disk { node, .. } => [Target::Disk(*node)].into(),
        Break::Flap { node, .. } => [Target::Flap(*node)].into(),
        Break::Link { peer, direction: Some(direction), .. } => [Target::Link(*peer, *direction)].into(),
        Break::Link { peer, direction: None, .. } => {
            [Direction::Up, Direction::Down].map(|direction| Target::Link(*peer, direction)).into()
        }
        Break::Paths { peer, .. } => [Target::Paths(*peer)].into(),
        Break::Path { from, to, one_way, .. } => cuts(&[*from], &[*to], *one_way),
        Break::Partition { one, other, one_way } => cuts(one, other, *one_way),
        Break::Profile { .. } => BTreeSet::new(),
    }
}

/// Node whose process does not run.
#[derive(Debug, Serialize, ToSchema)]
struct NotRunning {
    node: String,
    /// Reason why it could not be started; null where that is not known.
    reason: Option<String>,
}

/// Faults that were taken back.
#[derive(Debug, Serialize, ToSchema)]
struct Healed {
    #[serde(flatten)]
    faults: Faults,
    /// Nodes whose processes could not be started.
    not_running: Vec<NotRunning>,
}

impl From<ClearedFaults> for Healed {
    fn from(ClearedFaults { mut taken_back, not_running }: ClearedFaults) -> Healed {
        taken_back.sort_by_key(|active| active.fault.target());
        let not_running = not_running.into_iter();
        let left = not_running
            .map(|(node, trouble)| NotRunning { node: node.to_string(), reason: trouble.map(|trouble| trouble.to_string()) });
        Healed { faults: Faults { next: None, ..Faults::new(taken_back.iter()) }, not_running: left.collect() }
    }
}

/// Faults that are taken back together.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Cleared {
    /// Node whose faults are meant, those of its links and paths included.
    node: Option<String>,
    /// Profile that has put them on.
    profile: Option<String>,
}

/// Takes faults back: all, those of a node, those of a profile, or those of a profile of a node. The answer has what was taken back.
#[utoipa::path(delete, path = "/faults", params(Cleared), responses((status = 200, description = "What was taken back", body = Healed)))]
async fn clear(Caller(access): Caller, Query(cleared): Query<Cleared>) -> Result<Json<impl Serialize>, Problem> {
    let node = cleared.node.as_deref().map(|node| node_of("node", node)).transpose()?;
    let which = match (cleared.profile, node) {
        (Some(name), node) if access.profiles().contains_key(&name) => Which::Profile { name, node },
        (Some(_), _) => return Err(Problem::invalid("profile", "there is none of this name; `GET faults/profiles` lists them")),
        (None, Some(node)) => Which::Node(node),
        (None, None) => Which::All,
    };
    Ok(Json(Healed::from(call(&access, ClearFaults { which }).await?)))
}

/// Takes one fault back. The answer has what was taken back.
#[utoipa::path(delete, path = "/faults/{id}", params(("id" = String, Path, description = "Identifier of the fault")), responses(
    (status = 200, description = "What was taken back", body = Healed),
))]
async fn remove(Caller(access): Caller, Path(id): Path<String>) -> Result<Json<impl Serialize>, Problem> {
    let target = ids::read(&id).ok_or_else(|| unknown(format_args!("the fault `{}`", id.escape_debug()), LISTED))?;
    access.require_admin(&access.identity(), "take a fault back").await?;
    if !call(&access, ListFaults).await?.iter().any(|active| active.fault.target() == target) {
        return Err(unknown(format_args!("a fault of {target}"), LISTED));
    }
    Ok(Json(Healed::from(call(&access, Mend::of(target)).await?)))
}
