//! Protection against requests that a page of another site makes a browser send (CSRF): what changes something is refused unless it comes
//! from a page of this server.
//!
//! Three things say where a request comes from. The browser says it by `Sec-Fetch-Site` (Fetch Metadata), an older one by `Origin`
//! (RFC 6454); a site on another port of this host is another site. Where the cookie says who the caller is, the request has a token too,
//! which pages of this server are given and no others: in the field `csrf_token` of a form, or in the header `X-CSRF-Token`. The cookie
//! itself is `SameSite=Strict`. Requests with the header `Authorization` need none of that, since no page of another site can add it.

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri};
use p2p_service::reasons::name;
use secrecy::ExposeSecret;
use sha2::Sha256;

use crate::cookies::{Browser, Cookies};
use crate::problem::Problem;
use crate::web::Web;

/// Name of the field of forms, and of the parameter of the target, that holds the token.
pub(crate) const FIELD: &str = "csrf_token";
/// Header that holds the token in requests of scripts.
const HEADER: &str = "x-csrf-token";
/// Header by which a browser says from what kind of site a request comes (Fetch Metadata, section 2.4).
const SITE: &str = "sec-fetch-site";
/// Purpose of the token, so that no other text that is signed by the key is one.
const PURPOSE: &[u8] = b"form token\0";

/// Token for the forms and the scripts of a page. An extractor of handlers that show one: `{{ token }}` in a template is its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormToken(pub(crate) String);

impl std::fmt::Display for FormToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromRequestParts<Web> for FormToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<FormToken, Problem> {
        let browser = parts.extensions.get::<Browser>().ok_or_else(Problem::internal)?;
        Ok(FormToken::bound_to(web.cookies(), browser.binding()?.expose_secret()))
    }
}

impl FormToken {
    /// Returns the token of forms that are bound to a session, or to the text that stands for one.
    pub(crate) fn bound_to(cookies: &Cookies, binding: &str) -> FormToken {
        FormToken(BASE64_URL_SAFE_NO_PAD.encode(mac(cookies, binding).finalize().into_bytes()))
    }
}

/// Returns the code that authenticates what forms are bound to (RFC 2104).
fn mac(cookies: &Cookies, binding: &str) -> Hmac<Sha256> {
    // Any length of a key is taken; longer ones than a block of the hash would be hashed.
    let mut key = [0; 64];
    key.iter_mut().zip(cookies.key().master()).for_each(|(to, from)| *to = *from);
    Hmac::<Sha256>::new(&key.into()).chain_update(PURPOSE).chain_update(binding)
}

/// Returns true if a token was given to this browser.
pub(crate) fn is_given(cookies: &Cookies, browser: &Browser, token: &str) -> bool {
    let Ok(token) = BASE64_URL_SAFE_NO_PAD.decode(token) else { return false };
    // In a time that does not depend on where the two differ.
    browser.bindings().any(|binding| mac(cookies, binding.expose_secret()).verify_slice(&token).is_ok())
}

/// Returns true if requests of this method change something (RFC 9110, section 9.2.1).
pub(crate) fn changes(method: &Method) -> bool {
    !method.is_safe()
}

/// Checks the token of a request that its cookie has authenticated. The form of a page has it in its body, which is checked by
/// [`Form`](crate::api::extract::Form).
pub(crate) fn check(cookies: &Cookies, browser: &Browser, parts: &Parts) -> Result<(), Problem> {
    if !changes(&parts.method) || is_page_form(browser, parts) {
        return Ok(());
    }
    let token = parts.headers.get(HEADER).and_then(|value| value.to_str().ok()).or_else(|| in_target(parts));
    match token {
        Some(token) if is_given(cookies, browser, token) => Ok(()),
        Some(_) => Err(refused("the token of the page is not that of this session; load the page again")),
        None => Err(refused("a request by the cookie needs the header X-CSRF-Token with the token of the page")),
    }
}

/// Returns true for the form of a page: its token is in the body.
fn is_page_form(browser: &Browser, parts: &Parts) -> bool {
    !browser.asks_rest() && is_of_type(&parts.headers, "application/x-www-form-urlencoded")
}

/// Returns the token in the target of a form with files, whose body is not kept in memory. Base64url needs no percent-encoding.
fn in_target(parts: &Parts) -> Option<&str> {
    let query = parts.uri.query().filter(|_| is_of_type(&parts.headers, "multipart/form-data"))?;
    query.split('&').find_map(|pair| pair.strip_prefix(FIELD)?.strip_prefix('='))
}

fn is_of_type(headers: &HeaderMap, essence: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|found| found.trim().eq_ignore_ascii_case(essence))
}

/// Returns the problem of a request that another site may have made.
pub(crate) fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, name::CROSS_SITE, detail)
}

/// Refuses requests that change something and come from a page of another site, as far as the browser says so, whoever the caller is: a
/// login as somebody else is one of them.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    if changes(request.method()) && !request.headers().contains_key(AUTHORIZATION) && is_foreign(request.uri(), request.headers())
    {
        return refused("the request comes from a page of another site").into_response();
    }
    next.run(request).await
}

/// Returns true if a browser says that a request comes from another site.
fn is_foreign(uri: &Uri, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(SITE) {
        // What a person does by hand, as from a bookmark, comes from no site.
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let host = uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = host.or_else(|| headers.get(HOST).map(|host| host.as_bytes()));
    // Behind a proxy that speaks TLS for this server the scheme is another one, so that the host alone is compared.
    let of_origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    of_origin.is_none_or(|(_, of_origin)| !host.is_some_and(|host| host.eq_ignore_ascii_case(of_origin.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        is_foreign(&Uri::from_static("/sign-in"), &map)
    }

    #[test]
    fn a_browser_says_where_a_request_comes_from() {
        for site in ["same-origin", "none"] {
            assert!(!foreign(&[("sec-fetch-site", site), ("origin", "https://evil.example"), ("host", "a")]), "{site}");
        }
        for site in ["cross-site", "same-site", "", "SAME-ORIGIN"] {
            assert!(foreign(&[("sec-fetch-site", site), ("origin", "http://a"), ("host", "a")]), "{site}");
        }
        assert!(!foreign(&[("origin", "http://localhost:5000"), ("host", "localhost:5000")]));
        assert!(!foreign(&[("origin", "https://LocalHost:5000"), ("host", "localhost:5000")]));
        for origin in ["http://localhost:5001", "http://localhost", "null", "", "localhost:5000", "http://evil.example"] {
            assert!(foreign(&[("origin", origin), ("host", "localhost:5000")]), "{origin}");
        }
        assert!(foreign(&[("origin", "http://a")]), "no host to compare with");
        assert!(!foreign(&[("host", "a")]), "no browser: its cookie needs the token");
    }

    #[test]
    fn a_token_is_bound_to_the_session_and_the_key() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cookies = |directory: &tempfile::TempDir| Cookies::of(directory.path(), false).unwrap();
        let token = |cookies: &Cookies, of: &str| FormToken::bound_to(cookies, of);
        let (here, there) = (cookies(&one), cookies(&other));
        assert_eq!(token(&here, "a"), token(&here, "a"));
        assert_ne!(token(&here, "a"), token(&here, "b"));
        assert_ne!(token(&here, "a"), token(&there, "a"));
    }
}
