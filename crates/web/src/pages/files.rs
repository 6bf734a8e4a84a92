//! `/files/PATH`: the page of a directory or of a file, and the forms by which they are changed.

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::fields::Fields;
use super::frame::{Failed, Part, Visitor};
use super::named::named;
use super::{changes, file, listing, page};
use crate::api::extract::{Form, Path, Query};
use crate::web::Web;

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/files/") }))
        .route("/files", get(|| async { Redirect::to("/files/") }))
        .route("/files/", get(root).post(change_root))
        .route("/files/{*path}", get(shown).post(change))
        .route("/uploads", get(transfers))
}

/// The page of uploads and other transfers, which its script fills.
#[derive(Debug, askama::Template)]
#[template(path = "uploads.html")]
struct Transfers {
    frame: super::frame::Frame,
}

async fn transfers(visitor: Visitor) -> Response {
    page(&Transfers { frame: visitor.frame(Part::Uploads) })
}

async fn root(visitor: Visitor, query: Query<Fields>, headers: HeaderMap) -> Result<Response, Failed> {
    shown(visitor, Path(String::new()), query, headers).await
}

async fn shown(
    visitor: Visitor,
    Path(path): Path<String>,
    Query(query): Query<Fields>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let named = named(&visitor, &path).await?;
    match (query.get("do"), &named.file) {
        ("", Some(found)) => file::shown(&visitor, found.clone()).await,
        ("", None) => listing::shown(&visitor, &named, &query, &headers).await,
        _ => changes::asked(&visitor, &named, &query).await,
    }
}

async fn change_root(state: State<Web>, visitor: Visitor, request: Request) -> Result<Response, Failed> {
    change(state, visitor, Path(String::new()), request).await
}

/// Takes a form in: files in the manner of `multipart/form-data`, anything else as fields.
async fn change(
    State(web): State<Web>,
    visitor: Visitor,
    Path(path): Path<String>,
    request: Request,
) -> Result<Response, Failed> {
    let named = named(&visitor, &path).await?;
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        let stored = changes::upload::taken(&visitor, &named, request).await;
        return stored;
    }
    match Form::<Fields>::from_request(request, &web).await {
        Ok(Form(fields)) => changes::made(&visitor, &named, &fields).await,
        Err(rejected) => Ok(rejected.into_response()),
    }
}
