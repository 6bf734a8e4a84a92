//! Callers: who makes a request, by the bearer that a program presents (RFC 6750, section 2.1), or by the session in the cookie of a browser
//! (RFC 6265).

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_extra::extract::SignedCookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use p2p_service::access::Access;
use p2p_service::accounts::{Secret, Token, is_api_token};
use p2p_service::doors::guest::Guest;
use secrecy::ExposeSecret;

use crate::problem::Problem;
use crate::web::Web;

/// Name of the cookie that holds the session of a browser.
const COOKIE: &str = "p2p_session";

/// Access of the caller of a request: that of the bearer or of the session, or nobody's if there is none. An extractor of handlers.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Access);

/// Access of a caller whom nobody is asked about yet: nobody's. An extractor of handlers that log in.
#[derive(Debug, Clone)]
pub(crate) struct Stranger(pub(crate) Access);

impl FromRequestParts<Web> for Stranger {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Stranger, Problem> {
        let guest = parts.extensions.get::<Guest>().ok_or_else(Problem::internal)?;
        Ok(Stranger(web.stranger(guest)))
    }
}

impl FromRequestParts<Web> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Caller, Problem> {
        let Stranger(access) = <Stranger as FromRequestParts<Web>>::from_request_parts(parts, web).await?;
        let presented = match bearer_of(&parts.headers)? {
            Some(bearer) => Some(bearer),
            None => SignedCookieJar::from_headers(&parts.headers, axum::extract::FromRef::from_ref(web))
                .get(COOKIE)
                .map(|cookie| cookie.value().to_owned().into()),
        };
        if let Some(presented) = presented {
            match is_api_token(presented.expose_secret()) {
                true => access.log_in_with_token(presented).await,
                // A session is its user's and does not end with the request.
                false => access.resume(Token::presented(presented)).await,
            }?;
        }
        Ok(Caller(access))
    }
}

/// The caller of a page, if somebody is logged in.
impl OptionalFromRequestParts<Web> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Option<Caller>, Problem> {
        let caller = <Caller as FromRequestParts<Web>>::from_request_parts(parts, web).await.ok();
        Ok(caller.filter(|Caller(access)| access.identity().name().is_some()))
    }
}

/// Returns the cookie that holds a session, for as long as the browser runs.
pub(crate) fn session_cookie(web: &Web, token: &Token) -> Cookie<'static> {
    let cookie = Cookie::build((COOKIE, token.expose().to_owned())).path("/").http_only(true);
    cookie.same_site(SameSite::Strict).secure(web.is_secure()).build()
}

/// Returns what a request presents; `None` if that is nothing.
fn bearer_of(headers: &HeaderMap) -> Result<Option<Secret>, Problem> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().ok().and_then(|text| text.split_once(' '));
    let bearer = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    match bearer.filter(|token| !token.is_empty()) {
        Some(token) => Ok(Some(token.to_owned().into())),
        None => Err(Problem::invalid("authorization", "write it as `Bearer TOKEN`")),
    }
}
