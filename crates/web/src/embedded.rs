//! The files of the pages that do not change while the program runs: style sheets, scripts, pictures. They are part of the program, so that
//! it works without its sources and offline.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use rust_embed::RustEmbed;

use crate::guards::unknown;
use crate::web::Web;

/// The files below `assets/web/static`.
#[derive(RustEmbed)]
#[folder = "../../assets/web/static"]
struct Files;

/// Returns the routes of the files.
pub(crate) fn routes() -> Router<Web> {
    Router::new().route("/static/{*path}", get(file))
}

/// Answers with a file: its tag is its SHA-256, by which a browser asks whether it has changed (RFC 9110, section 13.1.2).
async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = Files::get(&path) else { return unknown().await.into_response() };
    let digits: String = file.metadata.sha256_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{digits}\"");
    let shared = [(ETAG, tag.clone()), (CACHE_CONTROL, "no-cache".to_owned())];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, shared).into_response();
    }
    let kind = file.metadata.mimetype().to_owned();
    (shared, [(CONTENT_TYPE, kind)], Body::from(file.data.into_owned())).into_response()
}
