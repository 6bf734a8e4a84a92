//! Frame of a page: who has asked for it, and what all pages of a user who is logged in have.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Redirect, Response};
use http::Method;
use http::request::Parts;
use p2p_service::access::{Access, Identity};

use super::links::encoded;
use crate::api::origin;
use crate::callers::Caller;
use crate::csrf::FormToken;
use crate::problem::Problem;
use crate::web::Web;

/// Part of the site that a page belongs to, for the bar at its top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The user's own files.
    Files,
    /// Files and directories that others share with the user.
    Shared,
    /// Uploads and other transfers.
    Uploads,
    /// The account.
    Account,
    /// The control room.
    Room,
}

/// Content of the template of the frame.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Name of the user who is logged in.
    pub(super) user: String,
    /// Value of the hidden field by which forms prove that they come from a page of this site.
    pub(super) csrf: String,
    part: Part,
}

impl Frame {
    /// Returns true if the page belongs to this part: `files`, `shared`, `uploads`, `account` or `room`.
    pub(super) fn is(&self, part: &str) -> bool {
        part == match self.part {
            Part::Files => "files",
            Part::Shared => "shared",
            Part::Uploads => "uploads",
            Part::Account => "account",
            Part::Room => "room",
        }
    }
}

/// User who is logged in and asks for a page. An extractor of handlers; who is not logged in is sent to sign in, and from there back.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) access: Access,
    pub(super) identity: Arc<Identity>,
    /// Origin by which the browser names this server.
    pub(super) origin: String,
    csrf: String,
}

impl Visitor {
    /// Returns the frame of a page that belongs to a part of the site.
    pub(super) fn frame(&self, part: Part) -> Frame {
        Frame { user: self.identity.name().unwrap_or_default().to_owned(), csrf: self.csrf.clone(), part }
    }
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Visitor, Response> {
        let caller = <Caller as OptionalFromRequestParts<Web>>::from_request_parts(parts, web).await;
        match caller.map_err(IntoResponse::into_response)? {
            Some(Caller(access)) => {
                let token = FormToken::from_request_parts(parts, web).await.map_err(IntoResponse::into_response)?;
                let origin = origin(web, &parts.uri, &parts.headers);
                Ok(Visitor { identity: access.identity(), access, origin, csrf: token.0 })
            }
            None => Err(to_sign_in(parts)),
        }
    }
}

/// Sends a browser to sign in, and back to the page that it has asked for.
fn to_sign_in(parts: &Parts) -> Response {
    let wanted = parts.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    let back = if parts.method == Method::GET { wanted } else { parts.uri.path() };
    Redirect::to(&format!("/sign-in?next={}", encoded(back))).into_response()
}

/// Returns the target of a redirection if it is a page of this site: a path, and no address of another one (CWE-601).
pub(super) fn own_page(next: &str) -> Option<&str> {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    Some(next).filter(|next| is_path && !next.chars().any(char::is_control))
}

/// Problem that is told as a page and not as a document for programs.
#[derive(Debug)]
pub(super) struct Failed(pub(super) Problem);

impl<E: Into<Problem>> From<E> for Failed {
    fn from(error: E) -> Failed {
        Failed(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = (self.0.status(), super::of_problem(&self.0, false)).into_response();
        // For browsers, whose page has the parts of the site too if they have signed in.
        response.extensions_mut().insert(self.0);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_stays_on_this_site() {
        assert_eq!(own_page("/files/a?sort=size"), Some("/files/a?sort=size"));
        for next in ["//example.org", "https://example.org", "/\\example.org", "files", "", "/a\nb"] {
            assert_eq!(own_page(next), None, "{next:?}");
        }
    }
}
