//! The pages `/problems/REASON`, to which the `type` of each problem leads (RFC 9457, section 3.1.1): what the reason means.

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use p2p_service::reasons::{NAMES, name};

use super::page;
use crate::api::extract::Path;
use crate::problem::Problem;
use crate::web::Web;

/// The page about one reason, with the others.
#[derive(Template)]
#[template(path = "reason.html")]
struct Reason<'a> {
    name: &'a str,
    meaning: &'a str,
    all: &'a [(&'a str, &'a str)],
}

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/problems/{reason}", get(shown))
}

async fn shown(Path(reason): Path<String>) -> Result<Response, Problem> {
    let found = NAMES.iter().find(|(name, _)| *name == reason);
    let (name, meaning) =
        *found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, name::NOT_FOUND, "there is no reason of this name"))?;
    Ok(page(&Reason { name, meaning, all: NAMES }))
}
