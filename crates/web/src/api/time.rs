//! The virtual clock: its time, its speed, pauses, and steps within a pause.

use axum::Json;
use p2p_service::access::Access;
use p2p_service::files::SimDuration;
use p2p_service::network::{Pause, Resume, SetSpeed, Snapshot, Speed, Step};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Body;
use super::values::{call, read, run_text, seconds, seen};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

/// Longest virtual time of one step. It passes as fast as the machine can, and others wait meanwhile.
const STEP_MAX: SimDuration = SimDuration::from_secs(3600);

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(now, set)).routes(routes!(step))
}

/// Virtual time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Time {
    virtual_seconds: f64,
    /// Speed that is asked for, also in a pause: `1x`, `max`.
    speed: String,
    /// Speed at which it passes; null while it stands still.
    actual_speed: Option<String>,
    is_paused: bool,
    /// Seed of all chances of the run, in decimal: it may be larger than what a number of JavaScript holds.
    seed: String,
    /// Number of the run, with which the identifiers of its events begin.
    run: String,
}

impl Time {
    pub(super) fn of(access: &Access, snapshot: &Snapshot) -> Time {
        let pace = snapshot.pace;
        Time {
            virtual_seconds: seconds(snapshot.at),
            speed: pace.speed.to_string(),
            actual_speed: pace.actual.map(|speed| speed.to_string()),
            is_paused: pace.is_paused,
            seed: access.seed().to_string(),
            run: run_text(access.run()),
        }
    }
}

async fn time_now(access: &Access) -> Result<Json<Time>, Problem> {
    let snapshot = seen(access).await?;
    Ok(Json(Time::of(access, &snapshot)))
}

/// Tells the virtual time.
#[utoipa::path(get, path = "/time", responses((status = 200, description = "Virtual time", body = Time)))]
async fn now(Caller(access): Caller) -> Result<Json<impl Serialize>, Problem> {
    time_now(&access).await
}

/// Pace of virtual time that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pace {
    /// True to pause it, false to let it pass again.
    paused: Option<bool>,
    /// Speed: a factor as `1x`, `0.25x`, `10`, or `max`.
    speed: Option<String>,
}

/// Pauses virtual time, lets it pass again, or changes its speed.
#[utoipa::path(post, path = "/time", request_body = Pace, responses((status = 200, description = "Virtual time", body = Time)))]
async fn set(Caller(access): Caller, Body(pace): Body<Pace>) -> Result<Json<impl Serialize>, Problem> {
    let speed: Option<Speed> = read("speed", pace.speed.as_ref())?;
    if speed.is_none() && pace.paused.is_none() {
        return Err(Problem::invalid("paused", "nothing is asked for; say `paused`, `speed` or both"));
    }
    if let Some(speed) = speed {
        call(&access, SetSpeed { speed }).await?;
    }
    match pace.paused {
        Some(true) => call(&access, Pause).await?,
        Some(false) => call(&access, Resume).await?,
        None => {}
    }
    time_now(&access).await
}

/// Span by which time is to go on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Stepped {
    /// Virtual time to advance by, as `500ms`, an hour at the most; to the next event without it.
    span: Option<String>,
}

/// Advances virtual time, which is paused, by a span, or to the next event.
#[utoipa::path(post, path = "/time/step", request_body = Option<Stepped>, responses((status = 200, description = "Virtual time", body = Time)))]
async fn step(Caller(access): Caller, stepped: Option<Body<Stepped>>) -> Result<Json<impl Serialize>, Problem> {
    let span: Option<SimDuration> = read("span", stepped.as_ref().and_then(|Body(stepped)| stepped.span.as_ref()))?;
    if span.is_some_and(|span| span > STEP_MAX) {
        return Err(Problem::invalid("span", format_args!("one step is {STEP_MAX} at the most")));
    }
    call(&access, Step { span }).await?;
    time_now(&access).await
}
