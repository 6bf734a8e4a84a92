//! Callers: who makes a request, by the bearer that a program presents (RFC 6750, section 2.1), or by the session in the cookie of a browser
//! (RFC 6265).

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use p2p_service::access::Access;
use p2p_service::access::tokens::bearer_in;
use p2p_service::accounts::{Secret, Token};
use p2p_service::doors::guest::Guest;

use crate::cookies::Browser;
use crate::csrf;
use crate::problem::Problem;
use crate::web::Web;

/// Access of the caller of a request: that of the bearer or of the session, or nobody's if there is none. An extractor of handlers, which
/// refuses what a page of another site may have asked for.
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
        match bearer_of(&parts.headers)? {
            Some(bearer) => drop(access.let_in_by(bearer).await?),
            None => by_cookie(&access, parts, web).await?,
        }
        if let Some(name) = access.identity().name() {
            web.rates().check_user(name)?;
        }
        Ok(Caller(access))
    }
}

/// The caller of a page, if somebody is logged in.
impl OptionalFromRequestParts<Web> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Option<Caller>, Problem> {
        match <Caller as FromRequestParts<Web>>::from_request_parts(parts, web).await {
            Ok(caller) => Ok(Some(caller).filter(|Caller(access)| access.identity().name().is_some())),
            // Who was logged in is nobody now.
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}

async fn by_cookie(access: &Access, parts: &Parts, web: &Web) -> Result<(), Problem> {
    let browser = parts.extensions.get::<Browser>().ok_or_else(Problem::internal)?;
    let Some(session) = browser.session() else { return Ok(()) };
    csrf::check(web.cookies(), browser, parts)?;
    access.resume(Token::presented(session.clone())).await.map_err(|error| {
        let problem = Problem::from(error);
        if problem.status() == StatusCode::UNAUTHORIZED {
            browser.note_over();
        }
        problem
    })?;
    Ok(())
}

/// Returns what a request presents; `None` if that is nothing.
fn bearer_of(headers: &HeaderMap) -> Result<Option<Secret>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        // One that is in front may look at another of them than is looked at here.
        return Err(Problem::invalid("authorization", "it is there more than once").with_status(StatusCode::BAD_REQUEST));
    }
    let bearer = value.to_str().ok().and_then(bearer_in);
    let wrong = || Problem::invalid("authorization", "write it as `Bearer TOKEN`").with_status(StatusCode::UNAUTHORIZED);
    bearer.map(Some).ok_or_else(wrong)
}
