//! `/files/PATH`: the page of a directory or of a file, and the forms by which they are changed.

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use p2p_service::files::{FileKey, FileRecord};

use super::fields::Fields;
use super::frame::{Failed, Part, Visitor};
use super::{changes, file, listing, page};
use crate::api::extract::{Form, Path, Query};
use crate::problem::Problem;
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

/// What a path of the site names.
#[derive(Debug)]
pub(super) struct Named {
    /// Path as the command language has it.
    pub(super) text: String,
    pub(super) key: FileKey,
    /// The file; `None` for a directory.
    pub(super) file: Option<FileRecord>,
}

/// Looks up what a path names.
pub(super) async fn named(visitor: &Visitor, path: &str) -> Result<Named, Failed> {
    let Visitor { access, identity, .. } = visitor;
    let text = if path.is_empty() { "." } else { path }.to_owned();
    // Fails if there is nothing of this name that the user may know of, and records that.
    access.list_page(identity, Some(&text), false, None, 1).await?;
    let names = access.names();
    let keys = identity.keys_of(&text);
    let is_there = |key: &&FileKey| names.tree(key).next().is_some();
    let key = keys.iter().find(is_there).or(keys.first()).cloned().unwrap_or_else(|| identity.key_of(&text));
    let file = names.file(&key).cloned();
    Ok(Named { text, key, file })
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
    match (query.get("do"), named.file) {
        ("", Some(found)) => file::shown(&visitor, found).await,
        ("", None) => listing::shown(&visitor, &named.key, &query, &headers),
        (_, file) => changes::asked(&visitor, &Named { file, ..named }, &query).await,
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

/// Returns the problem of a form whose field has no valid value.
pub(super) fn invalid(field: &str, problem: &str) -> Failed {
    Failed(Problem::invalid(field, problem))
}
