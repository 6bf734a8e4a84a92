//! Watching: what programs ask that watch this one: `/metrics` (OpenMetrics), `/healthz` and `/readyz`.
//!
//! | file | contents |
//! |---|---|
//! | `metrics` | the numbers of the network and of the doors, as metrics |
//! | `process` | the facts of the process, as the system tells them |

mod metrics;
mod process;

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use p2p_service::doors::Stage;
use p2p_service::doors::guest::Guest;
use tokio::time::timeout;

use crate::SERVICE;
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

/// Media type of metrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Longest time for which the engine is waited for before it counts as gone.
const ENGINE_WITHIN: Duration = Duration::from_secs(10);

/// Returns the routes for programs that watch this one.
pub(crate) fn routes() -> Router<Web> {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready))
}

/// Answers with the metrics. Over the loopback no login is needed, since no number names a user or a file; how full the nodes are is told to
/// admins alone, as everywhere.
async fn metrics(
    State(web): State<Web>,
    axum::Extension(guest): axum::Extension<Guest>,
    Caller(access): Caller,
) -> Result<Response, Problem> {
    if !guest.address().to_canonical().is_loopback() {
        access.require_login(&access.identity())?;
    }
    let text = metrics::Metrics::new(access.counts(), web.doors().figures()).text().map_err(|error| {
        tracing::error!(%error, "the metrics cannot be made");
        Problem::internal()
    })?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// Answers whether requests are served: the engine runs, the door is open, and the server does not end.
async fn ready(State(web): State<Web>) -> (StatusCode, &'static str) {
    let is_open = web.doors().figures().iter().any(|door| door.service == SERVICE && door.stage == Stage::Open);
    if web.is_ending() || !is_open {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server ends\n");
    }
    match timeout(ENGINE_WITHIN, web.program().present_snapshot()).await {
        Ok(Ok(_)) => (StatusCode::OK, "ready\n"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the engine does not answer\n"),
    }
}
