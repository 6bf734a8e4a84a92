//! Transfers: those under way and the latest that are over, the timing of each segment of one, and cancelling.

use axum::Json;
use p2p_service::access::Access;
use p2p_service::files::{EngineError, SegmentTimeline, TransferId, TransferReport, TransferStatus};
use p2p_service::network::{Absence, Snapshot};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Path, Query};
use super::values::{bounded, seconds, seen};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one, cancel))
}

/// Node out of reach that a transfer waits for.
#[derive(Debug, Serialize, ToSchema)]
struct Awaited {
    node: String,
    /// `cut_off`, `killed`, `stopped`, `refusing`, or `silent`.
    why: &'static str,
    /// Virtual time since which it is so.
    since: f64,
    /// True if other nodes get its part.
    replaced: bool,
}

/// Transfer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Transfer {
    id: u64,
    /// `upload`, `download` or `removal`.
    direction: &'static str,
    /// User who began it; null where there are no accounts.
    user: Option<String>,
    /// Host that carries it: `client` or a node.
    host: String,
    /// Owner of the file; null where there are no accounts.
    owner: Option<String>,
    /// Path of the file in the tree of its owner.
    name: String,
    /// Path of the file as the caller writes it.
    path: String,
    /// `waiting`, `running`, `idle`, `committing`, `parking`, `undoing`, `done`, `parked`, `failed` or `cancelled`.
    state: &'static str,
    is_over: bool,
    bytes: u64,
    /// False while the end of a stream is not known.
    size_known: bool,
    bytes_done: u64,
    /// Bytes that have arrived at the other end.
    bytes_acknowledged: u64,
    segments: u32,
    segments_done: u32,
    retransmits: u64,
    /// Bytes per virtual second in its last ten whole seconds, or over all of it once it is done or parked; null without any.
    rate_bytes_per_second: Option<f64>,
    /// Estimated virtual seconds to its end; null without an estimate.
    eta_seconds: Option<f64>,
    /// Nodes that are down and delete what a removal has released when they return.
    owing_nodes: u32,
    /// Nodes out of reach without whose answer it cannot be completed, unless others replace them.
    waits_for: Vec<Awaited>,
    /// Virtual time at which it began.
    started: f64,
    /// Virtual time at which it ended; null while it runs.
    finished: Option<f64>,
    /// Reason why it failed or ended early.
    error: Option<String>,
    /// Virtual time of the first request to cancel it.
    cancelled_at: Option<f64>,
}

impl Transfer {
    pub(super) fn of(access: &Access, status: &TransferStatus) -> Transfer {
        Transfer {
            id: status.id.0,
            direction: status.direction.name(),
            user: status.user.clone(),
            host: status.host.to_string(),
            owner: status.file.owner.clone(),
            name: status.file.name.clone(),
            path: access.identity().label(&status.file),
            state: status.state.name(),
            is_over: status.state.is_over(),
            bytes: status.bytes,
            size_known: status.size_known,
            bytes_done: status.bytes_done,
            bytes_acknowledged: status.bytes_arrived,
            segments: status.segments,
            segments_done: status.segments_done,
            retransmits: status.retransmits,
            rate_bytes_per_second: status.rate_bytes_per_second,
            eta_seconds: status.eta.seconds(),
            owing_nodes: status.owing_nodes,
            waits_for: waits_for(status),
            started: seconds(status.started),
            finished: status.finished.map(seconds),
            // Paths of this machine are for its log.
            error: status.error.clone().map(|error| error.without_details().to_string()),
            cancelled_at: status.cancel.map(|cancel| seconds(cancel.at)),
        }
    }
}

fn waits_for(status: &TransferStatus) -> Vec<Awaited> {
    let awaited = status.awaited.iter().map(|awaited| Awaited {
        node: awaited.node.to_string(),
        why: match awaited.why {
            Absence::CutOff => "cut_off",
            Absence::Killed => "killed",
            Absence::Stopped => "stopped",
            Absence::Refusing => "refusing",
            Absence::Silent => "silent",
        },
        since: seconds(awaited.since),
        replaced: status.is_replaced(awaited.node),
    });
    awaited.collect()
}

/// Timing of a segment of a transfer, in virtual time.
#[derive(Debug, Serialize, ToSchema)]
struct Segment {
    /// Place in the file, from 0.
    index: u32,
    bytes: u32,
    /// Node to which it is sent, or from which it comes.
    holder: String,
    /// Attempts so far, this one included.
    attempts: u32,
    /// Instant of virtual time at which it was given to the connection; events have it as `queued`, and so on.
    queued_s: f64,
    /// Instant at which that connection was open.
    connected_s: Option<f64>,
    /// Instant at which its first byte left its sender.
    first_byte_s: Option<f64>,
    /// Instant at which its last byte was there.
    last_byte_s: Option<f64>,
    /// Instant at which the client knew that it was stored, or had received all of it.
    acknowledged_s: Option<f64>,
    /// Its bytes over the time from its first byte to its last.
    goodput_bytes_per_second: Option<f64>,
    retransmits: u32,
}

impl From<&SegmentTimeline> for Segment {
    fn from(timeline: &SegmentTimeline) -> Segment {
        Segment {
            index: timeline.index,
            bytes: timeline.len,
            holder: timeline.holder.to_string(),
            attempts: timeline.attempt.saturating_add(1),
            queued_s: seconds(timeline.queued),
            connected_s: timeline.connected.map(seconds),
            first_byte_s: timeline.first_byte.map(seconds),
            last_byte_s: timeline.last_byte.map(seconds),
            acknowledged_s: timeline.acknowledged.map(seconds),
            goodput_bytes_per_second: timeline.goodput(),
            retransmits: timeline.retransmits,
        }
    }
}

/// Transfer with the timing of its segments.
#[derive(Debug, Serialize, ToSchema)]
struct Timed {
    #[serde(flatten)]
    transfer: Transfer,
    /// SHA-256 of the file, once it is known.
    sha256: Option<String>,
    /// Timing of its segments in the order of the file: the last 4096 if there are more.
    timeline: Vec<Segment>,
}

impl Timed {
    fn of(access: &Access, report: &TransferReport) -> Timed {
        Timed {
            transfer: Transfer::of(access, &report.status),
            sha256: report.sha256.map(|digest| digest.to_string()),
            timeline: report.timelines.iter().map(Segment::from).collect(),
        }
    }
}

/// Transfers.
#[derive(Debug, Serialize, ToSchema)]
struct Transfers {
    /// Virtual time of the answer.
    virtual_seconds: f64,
    /// Transfers that are under way, and the latest that are over, the oldest first.
    transfers: Vec<Transfer>,
}

/// Transfers that are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Meant {
    /// True for those that are under way, false for those that are over; all without it.
    under_way: Option<bool>,
}

/// Lists the transfers that the caller may see.
#[utoipa::path(get, path = "/transfers", params(Meant), responses((status = 200, description = "Transfers", body = Transfers)))]
async fn list(Caller(access): Caller, Query(meant): Query<Meant>) -> Result<Json<impl Serialize>, Problem> {
    let snapshot = seen(&access).await?;
    let is_meant = |status: &&TransferStatus| meant.under_way.is_none_or(|under_way| under_way != status.state.is_over());
    let mut all: Vec<&TransferStatus> = snapshot.transfers.iter().map(|report| &report.status).filter(is_meant).collect();
    all.sort_by_key(|status| status.id);
    let transfers = all.into_iter().map(|status| Transfer::of(&access, status)).collect();
    Ok(Json(Transfers { virtual_seconds: seconds(snapshot.at), transfers }))
}

fn report(snapshot: &Snapshot, id: TransferId) -> Result<&TransferReport, Problem> {
    let found = snapshot.transfers.iter().find(|report| report.status.id == id);
    found.map(|report| &**report).ok_or_else(|| EngineError::UnknownTransfer(id).into())
}

/// Tells of one transfer, with the timing of its segments.
#[utoipa::path(get, path = "/transfers/{id}", params(("id" = u64, Path, description = "Number of the transfer")), responses(
    (status = 200, description = "The transfer", body = Timed),
))]
async fn one(Caller(access): Caller, Path(id): Path<u64>) -> Result<Json<impl Serialize>, Problem> {
    let snapshot = seen(&access).await?;
    Ok(Json(Timed::of(&access, report(&snapshot, TransferId(id))?)))
}

/// Cancels a transfer and undoes what it has done. `state` is `done` where that came too late.
#[utoipa::path(delete, path = "/transfers/{id}", params(("id" = u64, Path, description = "Number of the transfer")), responses(
    (status = 200, description = "The transfer, which is over", body = Transfer),
))]
async fn cancel(Caller(access): Caller, Path(id): Path<u64>) -> Result<Json<impl Serialize>, Problem> {
    access.require_login(&access.identity())?;
    let ended = bounded(access.cancel_at_once(TransferId(id))).await?;
    Ok(Json(Transfer::of(&access, &ended.status)))
}
