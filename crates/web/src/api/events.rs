//! `GET events`: what happens, as far as the caller may know of it, as server-sent events (WHATWG HTML, section 9.2).
//!
//! | file | contents |
//! |---|---|
//! | `feed` | the stream of one reader: its messages, and its end |
//! | `wanted` | which events a reader asks for, and after which one |
//!
//! The identifier of a message is that of the event, `RUN-N`, so that a browser that has lost its connection asks for what follows by itself
//! (`Last-Event-ID`).

mod feed;
mod wanted;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, StatusCode};
use p2p_service::doors::guest::Guest;
use p2p_service::reasons::name;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::feed::Feed;
use self::wanted::Wanted;
use super::extract::Query;
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::{STREAMS_MAX, Web};

/// Header by which nginx and others are told to hand each message on at once.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Data of a message: an event, with the fields of `p2p events --json` and the sentence of the log.
#[derive(Debug, Serialize, ToSchema)]
struct EventData {
    /// Run and number of the event, `RUN-N`.
    #[schema(example = "1f3a5b7c9d0e2468-42")]
    id: String,
    /// Virtual time since the start of the run, in seconds.
    at_seconds: f64,
    /// Name of the kind.
    #[schema(example = "FileStored")]
    kind: String,
    /// Transfer that it is about.
    transfer: Option<u64>,
    /// File or directory that it is about.
    path: Option<String>,
    /// Fields of the kind.
    #[schema(value_type = Object)]
    fields: Value,
    /// Sentence of the log; empty for the stages of segments, which are frequent.
    text: String,
}

/// Sends what happens as it happens (`text/event-stream`). Messages without a name are events. `event: reset` says that the events after the
/// one that was asked for are not all kept, or are of another run: what was built from them is to be read anew. `event: lost` says how many
/// events this reader has lost by reading too slowly. `event: end` is the last message of a stream whose session or token is no longer valid, with
/// the problem as its data. Every 15 seconds without a message there is a comment. The stream ends with the session, the token or the server.
#[utoipa::path(get, path = "/events", params(
    ("kind" = Option<String>, Query, description = "Kinds of events, separated by commas; may be repeated", example = "FileStored,FaultBegan"),
    ("transfer" = Option<u64>, Query, description = "Transfer that the events are about"),
    ("after" = Option<String>, Query, description = "Event after which to begin, `RUN-N`; from now on without it"),
    ("Last-Event-ID" = Option<String>, Header, description = "The same, as browsers say it; it goes before `after`"),
), responses(
    (status = 200, description = "The stream", body = EventData, content_type = "text/event-stream"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn events(
    State(web): State<Web>,
    Extension(guest): Extension<Guest>,
    Caller(access): Caller,
    Query(asked): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let identity = access.identity();
    access.require_login(&identity)?;
    let wanted = Wanted::of(&asked, headers.get("last-event-id"))?;
    let seat = web.seats().take(identity.name().unwrap_or_default()).ok_or_else(full)?;
    let feed = Feed::new(web, access, wanted, (seat, guest.listen()));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), (BUFFERING, "no")];
    Ok((headers, Body::new(feed)).into_response())
}

/// Returns the problem of a user who has as many streams open as there may be.
fn full() -> Problem {
    let detail = format!("{STREAMS_MAX} streams of events of yours are open, which are the most; close one of them first");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, name::TOO_MANY_REQUESTS, detail)
}
