//! Bodies and parameters of requests: the extractors of axum, whose rejections are told as problems (RFC 9457), and which wait for a body
//! for a bounded time.

use std::fmt::Formatter;
use std::marker::PhantomData;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use p2p_service::reasons::name;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;

use crate::BODY_MAX;
use crate::cookies::Browser;
use crate::csrf;
use crate::problem::{Problem, Rejected, too_long};
use crate::web::Web;

/// Time for such a body to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// Body in JSON (RFC 8259).
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Web> for Body<T> {
    type Rejection = Rejected;

    async fn from_request(request: Request, web: &Web) -> Result<Body<T>, Rejected> {
        check_length(request.headers())?;
        if request.headers().get_all(CONTENT_TYPE).iter().nth(1).is_some() {
            return Err(Problem::invalid(CONTENT_TYPE.as_str(), "it is there more than once").into());
        }
        let Json(Object(body)) = in_time(<Json<Object<T>> as FromRequest<Web>>::from_request(request, web)).await??;
        Ok(Body(body))
    }
}

/// A JSON object (RFC 8259, section 4). An array would be read as the fields in their order, which no description promises.
#[derive(Debug)]
struct Object<T>(T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        deserializer.deserialize_map(Members(PhantomData)).map(Object)
    }
}

/// Reads what a JSON object has in it.
struct Members<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

/// A body that may be left out, together with the header `Content-Type`. One that is there without that is refused, and not passed over. That
/// nothing follows need not stand in the header: the body may be chunked, or its stream of HTTP/2 end by a frame of its own.
impl<T: DeserializeOwned> OptionalFromRequest<Web> for Body<T> {
    type Rejection = Rejected;

    async fn from_request(request: Request, web: &Web) -> Result<Option<Body<T>>, Rejected> {
        if request.headers().contains_key(CONTENT_TYPE) {
            return <Body<T> as FromRequest<Web>>::from_request(request, web).await.map(Some);
        }
        check_length(request.headers())?;
        let (parts, body) = request.into_parts();
        let body = in_time(Bytes::from_request(Request::from_parts(parts.clone(), body), web)).await??;
        match body.is_empty() {
            true => Ok(None),
            false => <Body<T> as FromRequest<Web>>::from_request(Request::from_parts(parts, body.into()), web).await.map(Some),
        }
    }
}

/// Parameters in the query of the target (RFC 3986, section 3.4).
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Rejected))]
pub(crate) struct Query<T>(pub(crate) T);

/// Parameters in the path of the target.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Rejected))]
pub(crate) struct Path<T>(pub(crate) T);

/// Fields of a form of a page (`application/x-www-form-urlencoded`). The form has the hidden field `csrf_token` with a
/// [`FormToken`](csrf::FormToken) of this browser, which is checked here.
#[derive(Debug)]
pub(crate) struct Form<T>(pub(crate) T);

/// Field that each form has.
#[derive(Debug, Deserialize)]
struct Hidden {
    csrf_token: Option<String>,
}

impl<T: DeserializeOwned> FromRequest<Web> for Form<T> {
    type Rejection = Rejected;

    async fn from_request(request: Request, web: &Web) -> Result<Form<T>, Rejected> {
        let browser = request.extensions().get::<Browser>().cloned().ok_or_else(Problem::internal)?;
        check_length(request.headers())?;
        let kind = request.headers().get(CONTENT_TYPE).cloned();
        let body = in_time(Bytes::from_request(request, web)).await??;
        let copy = || {
            let mut request = Request::new(axum::body::Body::from(body.clone()));
            *request.method_mut() = http::Method::POST;
            kind.iter().for_each(|kind| drop(request.headers_mut().insert(CONTENT_TYPE, kind.clone())));
            request
        };
        let axum::Form(Hidden { csrf_token }) = axum::Form::from_request(copy(), web).await?;
        if !csrf_token.is_some_and(|token| csrf::is_given(web.cookies(), &browser, &token)) {
            return Err(csrf::refused("the page was loaded too long ago; go back, load it again, and then send the form").into());
        }
        let axum::Form(fields) = axum::Form::from_request(copy(), web).await?;
        Ok(Form(fields))
    }
}

/// Refuses a body whose header says that it is too long, before it is waited for.
fn check_length(headers: &HeaderMap) -> Result<(), Problem> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_none_or(|length| length <= BODY_MAX as u64) {
        return Ok(());
    }
    Err(too_long())
}

/// Waits for a body.
async fn in_time<T>(body: impl Future<Output = T>) -> Result<T, Problem> {
    let late = |_| {
        let detail = format!("the body has not arrived within {} s", BODY_WITHIN.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, name::REQUEST_LIMIT, detail)
    };
    timeout(BODY_WITHIN, body).await.map_err(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_no_object() {
        let read = |json: &str| serde_json::from_str::<Object<Hidden>>(json).map(|Object(hidden)| hidden.csrf_token);
        assert_eq!(read(" {\"csrf_token\": \"a\"}").unwrap(), Some("a".to_owned()));
        assert_eq!(read("{}").unwrap(), None);
        for other in ["[]", "[null]", "null", "\"{\"", "", "1"] {
            assert!(read(other).is_err(), "{other}");
        }
    }

    /// A body that never comes to its end is given up, and its client told; virtual time of the runtime passes at once.
    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let problem = in_time(std::future::pending::<()>()).await.unwrap_err();
        assert_eq!((problem.status(), problem.detail()), (StatusCode::REQUEST_TIMEOUT, "the body has not arrived within 30 s"));
    }
}
