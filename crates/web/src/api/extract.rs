//! Bodies and parameters of requests: the extractors of axum, whose rejections are told as problems (RFC 9457).

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use serde::de::DeserializeOwned;

use crate::problem::{Problem, Rejected};

/// Body in JSON (RFC 8259).
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(Rejected))]
pub(crate) struct Body<T>(pub(crate) T);

/// Parameters in the query of the target (RFC 3986, section 3.4).
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Rejected))]
pub(crate) struct Query<T>(pub(crate) T);

/// Parameters in the path of the target.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Rejected))]
pub(crate) struct Path<T>(pub(crate) T);

/// Fields of a form of a page (`application/x-www-form-urlencoded`).
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Form), rejection(Rejected))]
pub(crate) struct Form<T>(pub(crate) T);

/// Body in JSON that may be left out, which is the same as `null`.
#[derive(Debug)]
pub(crate) struct OptionalBody<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<OptionalBody<T>, Problem> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|rejection| Problem::invalid("body", rejection.body_text()).with_status(rejection.status()))?;
        if bytes.is_empty() {
            return Ok(OptionalBody(None));
        }
        let read = serde_json::from_slice(&bytes);
        read.map(OptionalBody).map_err(|error| Problem::invalid("body", error))
    }
}
