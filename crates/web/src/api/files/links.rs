//! Links to a file or directory for whoever has them. A link is an API token of scope read for one path, and has the limits of these.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::header::HOST;
use http::{HeaderMap, Method, StatusCode, Uri};
use p2p_service::Scope;
use p2p_service::access::AccessError;
use p2p_service::accounts::{ApiTokenInfo, AuthError, NewToken, Reach, TokenError, new_bearer};
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

/// Text with which the name of a link begins among those of API tokens.
const PREFIX: &str = "link-";
/// Characters of a name behind that.
const NAME_LEN: usize = 8;

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
    let links = user.access.api_tokens().await?.into_iter().filter_map(link);
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
    let path = checked("path", &path)?;
    // A link to nothing would be one to whatever has that name later.
    user.access.entry(&user.identity, path).await?;
    let path = user.access.path_for_token(path)?;
    let name = format!("{PREFIX}{}", random()?);
    let reach = Reach { scope: Scope::Read, path: Some(path) };
    let wanted = NewToken { name: name.parse().map_err(AuthError::from)?, reach, expires_at };
    let token = user.access.new_token(wanted).await?;
    let authority = uri.authority().map(ToString::to_string);
    let host = authority.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned));
    let scheme = if web.cookies().is_secure() { "https" } else { "http" };
    let origin = host.map(|host| format!("{scheme}://{host}")).unwrap_or_default();
    let url = format!("{origin}/s/{}", token.expose_secret());
    Ok((StatusCode::CREATED, Json(MadeLink { name, url, expires_at })))
}

/// Revokes a link.
#[utoipa::path(delete, path = "/share-links/{name}", operation_id = "revoke_share_link", tag = "files", params(
    ("name" = String, Path, description = "Name of the link"),
), responses(
    (status = 204, description = "The link is revoked"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn revoke(user: User, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    // What is no link is an API token of another use, and revoked as such.
    let is_link = user.access.api_tokens().await?.into_iter().filter_map(link).any(|link| link.name == name);
    if !is_link {
        let detail = "you have no link of that name; `GET /api/v1/share-links` lists them";
        return Err(Problem::new(StatusCode::NOT_FOUND, name::NOT_FOUND, detail));
    }
    user.access.revoke_token(name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the link that an API token is, if it is one.
fn link(token: ApiTokenInfo) -> Option<ShareLink> {
    let ApiTokenInfo { name, reach, created_at, last_used, expires_at, .. } = token;
    let path = reach.path.filter(|_| reach.scope == Scope::Read && name.as_str().starts_with(PREFIX))?;
    Some(ShareLink { name: name.to_string(), path, created_at, expires_at, last_used })
}

/// Returns characters that no other link is likely to have in its name; they are no secret.
fn random() -> Result<String, AuthError> {
    let bearer = new_bearer("")?;
    let letters = bearer.expose_secret().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    Ok(letters.take(NAME_LEN).collect())
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
    let (user, key) = user_of(Stranger(access), token).await?;
    user.given(&user.identity.label(&key), (&method, &headers), giving.is_saved()).await
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
    let (user, key) = user_of(Stranger(access), token).await?;
    let path = user.identity.label(&key.child(checked("path", &path)?));
    user.given(&path, (&method, &headers), giving.is_saved()).await
}

/// Returns the user whom a link lets in, and the key of what it is to.
async fn user_of(Stranger(access): Stranger, token: String) -> Result<(User, FileKey), Problem> {
    let identity = match access.log_in_with_token(token.into()).await {
        Err(AccessError::Auth(AuthError::Token(TokenError::Refused))) => return Err(no_link()),
        identity => identity?,
    };
    // Any other token in an address would be one that was given away by mistake.
    let reach = identity.token().filter(|reach| reach.scope == Scope::Read);
    let key = reach.and_then(|reach| reach.path.as_deref()).map(|path| FileKey::new(identity.name(), path));
    Ok((User::of(access)?, key.ok_or_else(no_link)?))
}

fn no_link() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, name::TOKEN_REFUSED, "the link is unknown, has ended or was revoked")
}
