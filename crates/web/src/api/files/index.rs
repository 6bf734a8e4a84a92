//! Directories as pages of links, for programs that follow these, such as `rclone` with its remote `http` and `wget -r`.

use axum::body::Body;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use p2p_service::access::browsing::Browsing;
use p2p_service::files::Entry;
use tokio::sync::mpsc::Sender;

use super::described::FileContent;
use super::listing::PAGE_MAX;
use super::produced::{Incomplete, Produced, send};
use super::{User, checked};
use crate::api::extract::Path;
use crate::problem::Problem;
use crate::targets::encoded;

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Index</title></head><body><ul>\n";
const TAIL: &str = "</ul></body></html>\n";

/// Gives the root of the caller as a page of links.
#[utoipa::path(get, path = "/files/index/", operation_id = "index_root", tag = "files", responses(
    (status = 200, description = "Links to what is in it", body = String, content_type = "text/html"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn root(user: User, method: Method) -> Response {
    user.index(".".to_owned(), &method)
}

/// Gives a directory as a page of links, if the path ends with `/`, and the content of a file.
#[utoipa::path(get, path = "/files/index/{path}", operation_id = "index_below", tag = "files", params(
    ("path" = String, Path, description = "Path of the directory, with `/` at its end, or of a file"),
), responses(
    (status = 200, description = "Links to what is in it, or the content", content(
        (String = "text/html"), (FileContent = "application/octet-stream"), (FileContent = "*/*"),
    )),
    (status = 206, description = "The range of the content", content((FileContent = "application/octet-stream"), (FileContent = "*/*"))),
    (status = 304, description = "The client has it"),
    (status = 308, description = "It is a directory, and is listed with `/` at the end of its path"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn below(
    user: User,
    Path(path): Path<String>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = checked("path", &path)?;
    match user.access.entry(&user.identity, path).await? {
        Entry::File(_) => user.given(path, (&method, &headers), false).await,
        Entry::Directory(_) if path.ends_with('/') => Ok(user.index(path.to_owned(), &method)),
        // The name relative to the path as the client has it, whatever is before that.
        Entry::Directory(_) => {
            let name = uri.path().rsplit('/').next().unwrap_or_default();
            Ok(Redirect::permanent(&format!("./{name}/")).into_response())
        }
    }
}

impl User {
    /// Returns a directory as a page of links, which is made as the client takes it.
    fn index(&self, path: String, method: &Method) -> Response {
        let user = self.clone();
        let body = match *method == Method::HEAD {
            true => Body::empty(),
            false => Body::new(Produced::new(None, move |pieces| async move { user.linked(path, &pieces).await })),
        };
        let mut response = body.into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        response
    }

    async fn linked(&self, path: String, pieces: &Sender<Bytes>) -> Result<(), Incomplete> {
        send(pieces, Bytes::from_static(HEAD.as_bytes())).await?;
        let mut wanted = Browsing { path: Some(path), max: PAGE_MAX as usize, ..Browsing::default() };
        loop {
            let page = self.access.browse(&self.identity, &wanted).await.map_err(|error| Incomplete(error.to_string()))?;
            if !page.entries.is_empty() {
                send(pieces, page.entries.iter().map(link).collect::<String>().into()).await?;
            }
            match page.next {
                Some(next) => wanted.after = Some(next),
                None => return send(pieces, Bytes::from_static(TAIL.as_bytes())).await,
            }
        }
    }
}

/// Returns the link to an entry of a directory. What is encoded is shown encoded: no program reads it, and no name is taken for HTML.
fn link(entry: &Entry) -> String {
    let end = if matches!(entry, Entry::Directory(_)) { "/" } else { "" };
    let name = format!("{}{end}", encoded(entry.key().last_name()));
    format!("<li><a href=\"{name}\">{name}</a></li>\n")
}
