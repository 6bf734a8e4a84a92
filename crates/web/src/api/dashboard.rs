//! The dashboard: all that the first page of a control room shows, from one snapshot and in one answer.
//!
//! The bytes of an answer are kept for some hundredths of a second while nothing changes: many who look at the same cost little more than one.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use p2p_service::Event;
use p2p_service::access::Access;
use p2p_service::access::watching::SnapshotVersion;
use p2p_service::event_words::{Tone, describe};
use p2p_service::files::{Numbered, SimDuration};
use p2p_service::network::{ActiveFault, Bandwidth, Ended, FaultCause, Peer, RateSeries, Snapshot, Way};
use p2p_service::told::kind_of;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::faults::Fault;
use super::network::{Cut, HealthCounts, cuts};
use super::nodes::{self, Node};
use super::storage::Storage;
use super::time::Time;
use super::transfers::Transfer;
use super::values::{RECENT_MAX, event_text, seconds};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

/// Whole virtual seconds of the throughput that are told.
const SECONDS: usize = 120;
/// Events that are told: the latest.
const EVENTS_MAX: usize = 50;
/// Transfers that are over and told: the latest.
const OVER_MAX: usize = 20;
/// Faults that are told one by one.
const FAULTS_MAX: usize = 100;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(now))
}

/// Bytes that have passed the client's link in one direction.
#[derive(Debug, Serialize, ToSchema)]
struct Throughput {
    /// Bytes of each of the latest whole virtual seconds, the oldest first.
    bytes_per_second: Vec<u64>,
    /// Bytes per second that the link passes at the most; null where it is unlimited.
    capacity_bytes_per_second: Option<u64>,
    /// Bytes per second of all transfers in this direction, over the time that `span_seconds` tells.
    goodput_bytes_per_second: f64,
    /// Time over which that is measured; zero where nothing is under way.
    span_seconds: f64,
}

/// Throughput of the client's link. Uploads go up and downloads down; the figures of the link count whole packets, with what carries them.
#[derive(Debug, Serialize, ToSchema)]
struct Throughputs {
    /// Virtual time at which the last second ends.
    end_seconds: f64,
    up: Throughput,
    down: Throughput,
}

/// Number of transfers since the start, by their ends.
#[derive(Debug, Serialize, ToSchema)]
struct Ends {
    done: u64,
    failed: u64,
    cancelled: u64,
    parked: u64,
}

impl From<Ended> for Ends {
    fn from(Ended { done, failed, cancelled, parked }: Ended) -> Ends {
        Ends { done, failed, cancelled, parked }
    }
}

/// Event, as the log tells of it.
#[derive(Debug, Serialize, ToSchema)]
struct Recent {
    /// Number of the run and of the event, as `GET events` takes it.
    id: String,
    /// Virtual time.
    at_seconds: f64,
    /// Name of the kind of event.
    kind: String,
    /// The event as a sentence.
    text: String,
    /// `plain`, `good`, `warning`, `bad` or `dim`.
    tone: &'static str,
    /// Cause, where that is known: a command, a profile or a plan, or what has failed.
    cause: Option<String>,
    /// User by whom; null for the operator, and for whom may not know.
    by: Option<String>,
}

/// Answer with all that a control room shows first.
#[derive(Debug, Serialize, ToSchema)]
struct Dashboard {
    time: Time,
    health: HealthCounts,
    nodes: Vec<Node>,
    /// Paths that are cut, each direction for itself: the first hundred.
    cuts: Vec<Cut>,
    /// Number of all of them.
    cuts_count: usize,
    /// Transfers under way, and the latest that are over, the oldest first.
    transfers: Vec<Transfer>,
    /// Transfers that are over.
    ended: Ends,
    throughput: Throughputs,
    storage: Storage,
    /// Faults that are on: the first hundred.
    faults: Vec<Fault>,
    /// Number of all of them.
    faults_count: usize,
    /// Latest events, the earliest first.
    events: Vec<Recent>,
}

fn throughput(series: &RateSeries, capacity: Option<Bandwidth>, (rate, span): (f64, SimDuration)) -> Throughput {
    Throughput {
        bytes_per_second: series.tail(SECONDS).to_vec(),
        capacity_bytes_per_second: capacity.and_then(Bandwidth::bytes_per_second),
        goodput_bytes_per_second: rate,
        span_seconds: span.as_secs_f64(),
    }
}

fn throughputs(snapshot: &Snapshot) -> Throughputs {
    let figures = &snapshot.figures;
    let link = figures.topology.hosts.iter().find(|host| host.peer == Peer::Client).map(|host| host.link);
    let (up, down) = (link.map(|link| link.up.bandwidth), link.map(|link| link.down.bandwidth));
    Throughputs {
        end_seconds: seconds(figures.client_rates.up.end()),
        up: throughput(&figures.client_rates.up, up, snapshot.rate_of_all(Way::Upload)),
        down: throughput(&figures.client_rates.down, down, snapshot.rate_of_all(Way::Download)),
    }
}

/// Returns the transfers under way and the latest that are over, and the numbers of all that are over.
fn transfers(access: &Access, snapshot: &Snapshot) -> (Vec<Transfer>, Ends) {
    let mut ended = snapshot.earlier();
    let statuses = || snapshot.transfers.iter().map(|report| &report.status);
    statuses().for_each(|status| ended.count(status.state));
    let over: Vec<_> = statuses().filter(|status| status.state.is_over()).collect();
    let latest = over.iter().skip(over.len().saturating_sub(OVER_MAX)).copied();
    let told = latest.chain(snapshot.running()).map(|status| Transfer::of(access, status));
    (told.collect(), ended.into())
}

fn recent(access: &Access, events: &[Arc<Numbered>]) -> Vec<Recent> {
    let identity = access.identity();
    let told = |event: &Arc<Numbered>| {
        let (tone, text) = describe(&event.event, &identity)?;
        let (cause, by) = cause_of(&event.event);
        Some(Recent {
            id: event_text(event.id),
            at_seconds: seconds(event.at),
            kind: kind_of(&event.event)?,
            text,
            tone: tone_of(tone),
            cause,
            by,
        })
    };
    let mut latest: Vec<Recent> = events.iter().rev().filter_map(told).take(EVENTS_MAX).collect();
    latest.reverse();
    latest
}

const fn tone_of(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Bad => "bad",
        Tone::Dim => "dim",
    }
}

/// Returns what an event came from and by whom, where it says so.
fn cause_of(event: &Event) -> (Option<String>, Option<String>) {
    let of_fault = |cause: &FaultCause| {
        let what = match cause {
            FaultCause::Command { .. } => "a command".to_owned(),
            FaultCause::Profile { name, .. } => format!("the profile {name}"),
            FaultCause::Flap { .. } => "the plan of a flapping process".to_owned(),
            FaultCause::Over => "its end".to_owned(),
        };
        (Some(what), cause.by().map(str::to_owned))
    };
    match event {
        Event::FaultBegan { cause, .. } | Event::FaultEnded { cause, .. } => of_fault(cause),
        Event::SegmentRetried { cause, .. } => (Some(cause.to_string()), None),
        Event::Disconnected { cause, .. } => (Some(cause.to_string()), None),
        Event::TransferFailed { error, .. } => (Some(error.clone().without_details().to_string()), None),
        Event::HealthChanged { missed, .. } if *missed > 0 => (Some(format!("{missed} probes without an answer")), None),
        Event::DiskTrouble { trouble, .. } => (Some(trouble.to_string()), None),
        Event::StartFailed { error, .. } => (Some(error.to_string()), None),
        _ => (None, None),
    }
}

/// Returns the dashboard of the latest snapshot, and the version of that.
async fn dashboard(access: &Access) -> Result<(SnapshotVersion, Dashboard), Problem> {
    // The answer of the engine comes with a new snapshot.
    let usage = Storage::usage(access).await?;
    let (version, snapshot) = (access.snapshot_version(), access.snapshot());
    let events = access.recent_events(RECENT_MAX);
    let changes = nodes::changes(events.iter().map(|event| (event.at, &event.event)));
    let (transfers, ended) = transfers(access, &snapshot);
    let mut cuts = cuts(&snapshot);
    let cuts_count = cuts.len();
    cuts.truncate(FAULTS_MAX);
    let dashboard = Dashboard {
        time: Time::of(access, &snapshot),
        health: HealthCounts::of(&snapshot),
        nodes: nodes::all(access, &snapshot, &changes),
        cuts,
        cuts_count,
        transfers,
        ended,
        throughput: throughputs(&snapshot),
        storage: Storage::of(access, &snapshot, usage),
        faults: snapshot.faults.iter().take(FAULTS_MAX).map(|active: &ActiveFault| Fault::from(active)).collect(),
        faults_count: snapshot.faults.len(),
        events: recent(access, &events),
    };
    Ok((version, dashboard))
}

async fn encoded(access: &Access) -> Result<(SnapshotVersion, Bytes), Problem> {
    let (version, dashboard) = dashboard(access).await?;
    let bytes = serde_json::to_vec(&dashboard).map_err(|error| {
        tracing::error!(%error, "a dashboard cannot be made");
        Problem::internal()
    })?;
    Ok((version, bytes.into()))
}

/// Tells all that a dashboard shows, of one instant. What has changed since is at most some hundredths of a second old.
#[utoipa::path(get, path = "/dashboard", responses((status = 200, description = "All of it", body = Dashboard)))]
pub(super) async fn now(State(web): State<Web>, Caller(access): Caller) -> Result<Response, Problem> {
    let identity = access.identity();
    access.require_login(&identity)?;
    let body = web.dashboards().of(&identity.principal(), || access.snapshot_version(), encoded(&access)).await?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}
