//! Links to a file or directory for whoever has them. A link counts as an API token, and has the limits of these, but opens its address alone.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::header::HOST;
use http::{HeaderMap, Method, StatusCode, Uri};
use p2p_service::access::links::{Link, OpenLink};
use p2p_service::access::{Access, AccessError};
use p2p_service::accounts::{AuthError, TokenError};
use p2p_service::files::FileKey;
use p2p_service::reasons::name;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::described::FileContent;
use super::download::Giving;
use super::{User, checked};
use crate::api::extract::{Body, Path, Query};
use crate::callers::Stranger;
use crate::problem::Problem;
use crate::web::Web;

/// Link that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLink {
    /// Path of the file or directory among one's own.
    #[schema(min_length = 1)]
    path: String,
    /// Time at which it ends, in seconds since 1970: at most a year ahead.
    expires_at: u64,
}

/// Link that is made. Its address cannot be read again later.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeLink {
    /// Name by which it is revoked.
    name: String,
    /// Address for whoever is to have it.
    url: String,
    /// Time at which it ends, in seconds since 1970.
    expires_at: u64,
}

/// Link that is valid.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShareLink {
    /// Name by which it is revoked.
    name: String,
    /// Path of the file or directory.
    #[schema(min_length = 1)]
    path: String,
    /// Time at which it was made, in seconds since 1970.
    created_at: u64,
    /// Time at which it ends, in seconds since 1970.
    expires_at: u64,
    /// Time of its last use, in seconds since 1970, exact to the minute; null if it was not used.
    last_used: Option<u64>,
}

/// All links of a user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShareLinks {
    links: Vec<ShareLink>,
}

/// Lists the links of the caller.
#[utoipa::path(get, path = "/share-links", operation_id = "list_share_links", tag = "files", responses(
    (status = 200, description = "The links", body = ShareLinks),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(user: User) -> Result<Json<ShareLinks>, Problem> {
    let links = user.access.links().await?.into_iter().map(ShareLink::from);
    Ok(Json(ShareLinks { links: links.collect() }))
}

/// Makes a link to a file or directory of the caller.
#[utoipa::path(post, path = "/share-links", operation_id = "make_share_link", tag = "files", request_body = NewLink, responses(
    (status = 201, description = "The link", body = MadeLink),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn make(
    State(web): State<Web>,
    user: User,
    uri: Uri,
    headers: HeaderMap,
    Body(NewLink { path, expires_at }): Body<NewLink>,
) -> Result<(StatusCode, Json<MadeLink>), Problem> {
    let link = user.access.new_link(&user.identity, checked("path", &path)?, expires_at).await?;
    let (name, url) = (link.name.to_string(), format!("{}/s/{}", origin(&web, &uri, &headers), link.token.expose_secret()));
    Ok((StatusCode::CREATED, Json(MadeLink { name, url, expires_at: link.expires_at })))
}

/// Returns the origin by which a request has named this server; empty if it has named none.
pub(crate) fn origin(web: &Web, uri: &Uri, headers: &HeaderMap) -> String {
    let authority = uri.authority().map(ToString::to_string);
    let host = authority.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned));
    let scheme = if web.cookies().is_secure() { "https" } else { "http" };
    host.map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}

/// Revokes a link.
#[utoipa::path(delete, path = "/share-links/{name}", operation_id = "revoke_share_link", tag = "files", params(
    ("name" = String, Path, description = "Name of the link"),
), responses(
    (status = 204, description = "The link is revoked"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn revoke(user: User, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    revoke_link(&user.access, name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes a link.
///
/// # Errors
/// Fails with 404 if the user has no link of that name: what is no link is an API token of another use, and revoked as such.
pub(crate) async fn revoke_link(access: &Access, name: String) -> Result<(), Problem> {
    match access.revoke_link(name).await {
        Err(AccessError::Auth(AuthError::Token(TokenError::Unknown { .. }) | AuthError::Name(_))) => {
            let detail = "you have no link of that name; `GET /api/v1/share-links` and the pages of what is shared list them";
            Err(Problem::new(StatusCode::NOT_FOUND, name::NOT_FOUND, detail))
        }
        revoked => Ok(revoked?),
    }
}

impl From<Link> for ShareLink {
    fn from(Link { name, path, created_at, expires_at, last_used }: Link) -> ShareLink {
        ShareLink { name: name.to_string(), path, created_at, expires_at, last_used }
    }
}

/// Gives the content of the file that a link is to, or a range of it, to whoever has the link.
#[utoipa::path(get, path = "/s/{token}/content", params(
    ("token" = String, Path, description = "Token of the link, as its address has it"), Giving,
    ("Range" = Option<String>, Header, description = "One range of bytes; of several the whole is answered"),
), responses(
    (status = 200, description = "The content", content((FileContent = "application/octet-stream"), (FileContent = "*/*"))),
    (status = 206, description = "The range of the content", content((FileContent = "application/octet-stream"), (FileContent = "*/*"))),
    (status = 304, description = "The client has it"),
))]
pub(super) async fn content(
    Stranger(access): Stranger,
    Path(token): Path<String>,
    Query(giving): Query<Giving>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (user, root) = user_of(Stranger(access), token).await?;
    user.given(&user.identity.label(&root), (&method, &headers), giving.is_saved()).await
}

/// Gives the content of a file in the directory that a link is to, or a range of it, to whoever has the link.
#[utoipa::path(get, path = "/s/{token}/content/{path}", params(
    ("token" = String, Path, description = "Token of the link, as its address has it"),
    ("path" = String, Path, description = "Path of the file, seen from the directory"), Giving,
    ("Range" = Option<String>, Header, description = "One range of bytes; of several the whole is answered"),
), responses(
    (status = 200, description = "The content", content((FileContent = "application/octet-stream"), (FileContent = "*/*"))),
    (status = 206, description = "The range of the content", content((FileContent = "application/octet-stream"), (FileContent = "*/*"))),
    (status = 304, description = "The client has it"),
))]
pub(super) async fn content_below(
    Stranger(access): Stranger,
    Path((token, path)): Path<(String, String)>,
    Query(giving): Query<Giving>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (user, root) = user_of(Stranger(access), token).await?;
    let path = user.identity.label(&root.child(checked("path", &path)?));
    user.given(&path, (&method, &headers), giving.is_saved()).await
}

/// Returns the user whom a link lets in, and the key of what it is to.
async fn user_of(Stranger(access): Stranger, token: String) -> Result<(User, FileKey), Problem> {
    let OpenLink { root, .. } = open_link(&access, token).await?;
    Ok((User::of(access)?, root))
}

/// Opens the link of a token in an address.
///
/// # Errors
/// Fails with 404 if there is none, or if it has ended or was revoked; the problem does not tell which.
pub(crate) async fn open_link(access: &Access, token: String) -> Result<OpenLink, Problem> {
    match access.open_link(token.into()).await {
        Err(AccessError::Auth(AuthError::Token(TokenError::Refused))) => {
            let detail = "the link is not valid: it is unknown or not whole, has ended, or was taken back";
            Err(Problem::new(StatusCode::NOT_FOUND, name::TOKEN_REFUSED, detail))
        }
        open => Ok(open?),
    }
}
