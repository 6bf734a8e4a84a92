//! Bodies and parameters of requests: the extractors of axum, whose rejections are told as problems (RFC 9457).

use axum::extract::{FromRequest, FromRequestParts};

use crate::problem::Rejected;

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
