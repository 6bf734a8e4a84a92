//! Guards: what every request passes before its handler, and every answer behind it.
//!
//! | file | contents |
//! |---|---|
//! | `headers` | the headers that make browsers careful |
//! | `hosts` | which hosts a request may name, against DNS rebinding |
//! | `failures` | what no handler answers: unknown routes and methods, panics; and problems as pages |

mod failures;
mod headers;
mod hosts;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use self::failures::unknown;
use self::hosts::Hosts;
use crate::BODY_MAX;
use crate::cookies::{self, Cookies};
use crate::csrf;
use crate::rates::{self, Rates};

/// Returns routes behind the guards, for a server that listens at `address`.
pub(crate) fn guarded<S: Clone + Send + Sync + 'static>(
    routes: Router<S>,
    address: SocketAddr,
    cookies: &Cookies,
    rates: &Rates,
) -> Router<S> {
    routes
        .fallback(failures::unknown)
        .method_not_allowed_fallback(failures::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        // The last one is the first that a request meets.
        .layer(from_fn(csrf::layer))
        .layer(from_fn_with_state(cookies.clone(), cookies::layer))
        .layer(from_fn(failures::long_target))
        .layer(from_fn_with_state(rates.clone(), rates::layer))
        .layer(from_fn_with_state(Hosts::of(address), hosts::layer))
        .layer(CatchPanicLayer::custom(failures::panicked))
        .layer(from_fn(failures::as_pages))
        .layer(from_fn_with_state(cookies.is_secure(), headers::layer))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use axum::response::Response;
    use axum::routing::{get, post};
    use http::StatusCode;
    use tower::ServiceExt;

    use super::*;

    /// A server with a route that answers, one that panics, and one that takes a body.
    fn site() -> Router {
        let directory = tempfile::tempdir().unwrap();
        let cookies = Cookies::of(directory.path(), false).unwrap();
        let routes = Router::new()
            .route("/fine", get(|| async { "fine" }))
            .route("/api/v1/panics", get(|| async { panicking() }))
            .route("/panics", get(|| async { panicking() }))
            .route("/api/v1/takes", post(|body: String| async move { body.len().to_string() }));
        guarded(routes, "127.0.0.1:5000".parse().unwrap(), &cookies, &Rates::of(std::num::NonZeroU32::new(1_000_000).unwrap()))
    }

    fn panicking() -> String {
        panic!("a bug with a secret in it")
    }

    async fn answer(request: http::request::Builder) -> (StatusCode, http::HeaderMap, String) {
        let request: Request = request.header("host", "localhost:5000").body(Body::empty()).unwrap();
        read(site().oneshot(request).await.unwrap()).await
    }

    async fn read(answer: Response) -> (StatusCode, http::HeaderMap, String) {
        let (head, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    /// A bug in a handler is a problem of status 500 without what it was, with all headers, and the server goes on.
    #[tokio::test]
    async fn a_panic_is_an_answer() {
        for accept in ["*/*", "text/html"] {
            let (status, headers, body) = answer(Request::get("/api/v1/panics").header("accept", accept)).await;
            assert_eq!(
                (status, headers["content-type"].to_str().unwrap()),
                (StatusCode::INTERNAL_SERVER_ERROR, crate::problem::MEDIA_TYPE)
            );
            assert!(body.contains("\"INTERNAL\"") && !body.contains("secret"), "{body}");
            assert_eq!(headers["x-content-type-options"], "nosniff");
        }
        let (status, headers, body) = answer(Request::get("/panics").header("accept", "text/html")).await;
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (StatusCode::INTERNAL_SERVER_ERROR, "text/html; charset=utf-8")
        );
        assert!(!body.contains("secret"), "{body}");
    }

    /// What no handler answers is a problem below `/api` and for programs, and a page for browsers elsewhere.
    #[tokio::test]
    async fn what_nobody_answers_is_told_as_a_problem_or_a_page() {
        let html = |path: &str| Request::get(path).header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        for (request, status, kind, text) in [
            (Request::get("/api/v1/nothing"), 404, crate::problem::MEDIA_TYPE, "\"NOT_FOUND\""),
            (html("/api/v1/nothing"), 404, crate::problem::MEDIA_TYPE, "\"NOT_FOUND\""),
            (Request::get("/nothing"), 404, crate::problem::MEDIA_TYPE, "\"NOT_FOUND\""),
            (html("/nothing"), 404, "text/html; charset=utf-8", "<h1>Not Found</h1>"),
            (Request::delete("/fine"), 405, crate::problem::MEDIA_TYPE, "\"METHOD\""),
            (Request::get("/api/v1/takes"), 405, crate::problem::MEDIA_TYPE, "\"METHOD\""),
            (Request::get(format!("/{}", "x".repeat(17 << 10))), 414, crate::problem::MEDIA_TYPE, "\"REQUEST_LIMIT\""),
        ] {
            let (found, headers, body) = answer(request).await;
            assert_eq!((found.as_u16(), headers["content-type"].to_str().unwrap()), (status, kind), "{body}");
            assert!(body.contains(text), "{body}");
            assert_eq!(headers.contains_key("allow"), status == 405);
        }
    }

    /// No other site is let in: a preflight has no header that would permit anything.
    #[tokio::test]
    async fn preflights_are_refused() {
        let preflight = Request::builder().method("OPTIONS").uri("/api/v1/takes").header("origin", "https://evil.example");
        let (status, headers, _) = answer(preflight.header("access-control-request-method", "POST")).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert!(headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{headers:?}");
    }
}
