//! Watching: what programs ask that watch this one: `/metrics` (OpenMetrics), `/healthz` and `/readyz`.
//!
//! | file | contents |
//! |---|---|
//! | `metrics` | the numbers of the network and of the doors, as metrics |
//! | `process` | the facts of the process, as the system tells them |

mod metrics;
mod process;

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use p2p_service::doors::Stage;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::SERVICE;
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

/// Media type of metrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Longest time for which the engine is waited for before it counts as gone.
const ENGINE_WITHIN: Duration = Duration::from_secs(10);

/// Returns the routes for programs that watch this one.
pub(crate) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(metrics)).routes(routes!(healthy)).routes(routes!(ready))
}

/// Tells the metrics of one snapshot, in the format of OpenMetrics. How full nodes are is told to admins alone.
#[utoipa::path(get, path = "/metrics", responses(
    (status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text"),
))]
async fn metrics(State(web): State<Web>, Caller(access): Caller) -> Result<Response, Problem> {
    // Whoever is at this machine is not everybody who has an account: a proxy is at it too.
    access.require_login(&access.identity())?;
    let text = metrics::Metrics::new(access.counts(), web.doors().figures()).text().map_err(|error| {
        tracing::error!(%error, "the metrics cannot be made");
        Problem::internal()
    })?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// Says that the process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "The process answers", body = String, content_type = "text/plain")))]
async fn healthy() -> &'static str {
    "ok\n"
}

/// Says whether requests are served: the engine runs, the door is open, and the server does not end.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, description = "Requests are served", body = String, content_type = "text/plain"),
    (status = 503, description = "They are not, and the reason", body = String, content_type = "text/plain"),
))]
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
