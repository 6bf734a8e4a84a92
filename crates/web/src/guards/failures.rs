//! What no handler answers: unknown routes and methods, targets that are too long, and panics. Each is told as a problem, and problems are
//! told as pages to browsers outside of `/api`.

use std::any::Any;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, Method, StatusCode, Uri};
use p2p_service::reasons::name;

use crate::cookies::SESSION;
use crate::pages;
use crate::problem::Problem;

/// Length of the target of a request at the most, in bytes: a path of the longest name, each byte percent-encoded, fits.
const TARGET_MAX: usize = 16 << 10;

/// Answers a request for what is not there.
pub(crate) async fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, name::NOT_FOUND, "there is nothing at this path")
        .with_next("`/api/v1/openapi.json` has the paths that there are")
}

/// Answers a request by a method that its target has not. The header `Allow` is added to it.
pub(super) async fn wrong_method(method: Method) -> Problem {
    let detail = format!("there is no {method} at this path; the header Allow has the methods that there are");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, name::METHOD, detail)
}

/// Refuses a target that is too long with 414 (RFC 9110, section 15.5.15).
pub(super) async fn long_target(request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if length > TARGET_MAX {
        let detail = format!("the target of the request is longer than {} KiB", TARGET_MAX >> 10);
        return Problem::new(StatusCode::URI_TOO_LONG, name::REQUEST_LIMIT, detail).into_response();
    }
    next.run(request).await
}

/// Answers a request whose handler has panicked. What has happened is told by the hook for panics.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request of the web has met a bug of this program");
    Problem::internal().into_response()
}

/// Tells problems as pages to browsers, outside of `/api`.
pub(super) async fn as_pages(request: Request, next: Next) -> Response {
    let is_for_people = is_for_people(request.uri(), request.headers());
    let is_signed_in = has_session(request.headers());
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>().filter(|_| is_for_people) else { return response };
    let (mut head, _) = response.into_parts();
    let (page, body) = pages::of_problem(&problem, is_signed_in).into_parts();
    head.headers.remove(CONTENT_LENGTH);
    if let Some(kind) = page.headers.get(CONTENT_TYPE) {
        head.headers.insert(CONTENT_TYPE, kind.clone());
    }
    Response::from_parts(head, body)
}

/// Returns true if a browser presents the cookie of a session. Whether that is valid makes no difference to a page without anything of a user.
fn has_session(headers: &HeaderMap) -> bool {
    let mut cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.any(|value| value.contains(&format!("{SESSION}=")))
}

/// Returns true if the answer to a request is read by a person: a browser asks for HTML by name.
fn is_for_people(uri: &Uri, headers: &HeaderMap) -> bool {
    let is_of_rest = uri.path() == "/api" || uri.path().starts_with("/api/");
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    !is_of_rest && accepted.any(|value| value.contains("text/html"))
}
