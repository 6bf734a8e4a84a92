//! API tokens of the caller, and invites of an admin: their making, lists and revoking. The text of each is told once.

use axum::Json;
use http::StatusCode;
use p2p_service::Scope;
use p2p_service::access::Access;
use p2p_service::accounts::{ApiTokenInfo, INVITE_LIFETIME, InviteInfo, NewToken, Reach, TOKEN_LIFETIME};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(tokens, new_token))
        .routes(routes!(revoke_token))
        .routes(routes!(invites, new_invite))
        .routes(routes!(revoke_invite))
}

/// Token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedToken {
    /// Name of the token.
    name: String,
    /// Most that its bearer may do: `read` unless another scope is named, `write`, or `admin` for one of an admin.
    scope: Option<String>,
    /// Path among the user's own files to which it is limited.
    path: Option<String>,
    /// Instant at which it ends, in seconds since 1970-01-01 00:00 UTC; in 90 days unless another is named.
    expires_at: Option<u64>,
}

/// Token that is made.
#[derive(Debug, Serialize, ToSchema)]
struct MadeToken {
    /// Name of the token.
    name: String,
    /// Text of the token, for the header `Authorization`, which cannot be read again.
    token: String,
    /// Instant at which it ends, in seconds since 1970-01-01 00:00 UTC.
    expires_at: u64,
}

/// API tokens of the caller.
#[derive(Debug, Serialize, ToSchema)]
struct Tokens {
    /// The tokens.
    tokens: Vec<ApiToken>,
}

/// API token, without its text.
#[derive(Debug, Serialize, ToSchema)]
struct ApiToken {
    /// Name of the token.
    name: String,
    /// Most that its bearer may do.
    scope: &'static str,
    /// Path to which it is limited; null if it is not.
    path: Option<String>,
    /// Instant of its making, in seconds since 1970-01-01 00:00 UTC.
    created_at: u64,
    /// Instant at which it ends, in seconds since 1970-01-01 00:00 UTC.
    expires_at: u64,
    /// Instant of its last use, exact to the minute, in seconds since 1970-01-01 00:00 UTC; null if it was not used.
    used_at: Option<u64>,
    /// Whether it is that of a link to a file or directory, which it opens and no more.
    is_link: bool,
}

impl From<ApiTokenInfo> for ApiToken {
    fn from(token: ApiTokenInfo) -> ApiToken {
        ApiToken {
            name: token.name.as_str().to_owned(),
            scope: token.reach.scope.name(),
            path: token.reach.path,
            created_at: token.created_at,
            expires_at: token.expires_at,
            used_at: token.last_used,
            is_link: token.is_link,
        }
    }
}

/// Invite that is to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedInvite {
    /// Instant at which it ends, in seconds since 1970-01-01 00:00 UTC; in 7 days unless another is named.
    expires_at: Option<u64>,
}

/// Invite that is made.
#[derive(Debug, Serialize, ToSchema)]
struct MadeInvite {
    /// Text of the invite, for `admission` of `auth/register`, which cannot be read again.
    invite: String,
    /// Instant at which it ends, in seconds since 1970-01-01 00:00 UTC.
    expires_at: u64,
}

/// Open invites.
#[derive(Debug, Serialize, ToSchema)]
struct Invites {
    /// The invites.
    invites: Vec<Invite>,
}

/// Open invite, without its text.
#[derive(Debug, Serialize, ToSchema)]
struct Invite {
    /// Identifier, by which it is revoked.
    id: String,
    /// Name of the admin who made it.
    by: String,
    /// Instant of its making, in seconds since 1970-01-01 00:00 UTC.
    created_at: u64,
    /// Instant at which it ends, in seconds since 1970-01-01 00:00 UTC.
    expires_at: u64,
}

impl From<InviteInfo> for Invite {
    fn from(invite: InviteInfo) -> Invite {
        Invite { id: invite.id, by: invite.by.to_string(), created_at: invite.created_at, expires_at: invite.expires_at }
    }
}

/// Lists the API tokens of the caller.
#[utoipa::path(get, path = "/tokens", tag = "accounts", responses(
    (status = 200, description = "The tokens", body = Tokens),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn tokens(Caller(access): Caller) -> Result<Json<Tokens>, Problem> {
    Ok(Json(Tokens { tokens: access.api_tokens().await?.into_iter().map(ApiToken::from).collect() }))
}

/// Makes an API token of the caller.
#[utoipa::path(post, path = "/tokens", request_body = WantedToken, tag = "accounts", responses(
    (status = 201, description = "The token is made", body = MadeToken),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn new_token(Caller(access): Caller, Body(wanted): Body<WantedToken>) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    access.require_login(&access.identity())?;
    let wanted = wanted_token(&access, wanted)?;
    let (name, expires_at) = (wanted.name.as_str().to_owned(), wanted.expires_at);
    let token = access.new_token(wanted).await?.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(MadeToken { name, token, expires_at })))
}

fn wanted_token(access: &Access, wanted: WantedToken) -> Result<NewToken, Problem> {
    let WantedToken { name, scope, path, expires_at } = wanted;
    let scope = match scope {
        None => Scope::Read,
        Some(text) => text.parse().map_err(|error| Problem::invalid("scope", error))?,
    };
    let path = path.map(|path| access.path_for_token(&path)).transpose()?;
    let name = name.parse().map_err(|error| Problem::invalid("name", error))?;
    let expires_at = expires_at.unwrap_or_else(|| access.now().saturating_add(TOKEN_LIFETIME));
    Ok(NewToken { name, reach: Reach { scope, path }, expires_at })
}

/// Revokes an API token of the caller.
#[utoipa::path(delete, path = "/tokens/{name}", tag = "accounts", params(("name" = String, Path, description = "Name of the token")), responses(
    (status = 204, description = "The token is revoked"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn revoke_token(Caller(access): Caller, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    access.revoke_token(name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the open invites, for an admin.
#[utoipa::path(get, path = "/invites", tag = "accounts", responses(
    (status = 200, description = "The invites", body = Invites),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn invites(Caller(access): Caller) -> Result<Json<Invites>, Problem> {
    Ok(Json(Invites { invites: access.invites().await?.into_iter().map(Invite::from).collect() }))
}

/// Makes an invite, for an admin: its text admits one registration.
#[utoipa::path(post, path = "/invites", request_body = Option<WantedInvite>, tag = "accounts", responses(
    (status = 201, description = "The invite is made", body = MadeInvite),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn new_invite(Caller(access): Caller, body: Option<Body<WantedInvite>>) -> Result<(StatusCode, Json<MadeInvite>), Problem> {
    let WantedInvite { expires_at } = body.map(|Body(wanted)| wanted).unwrap_or_default();
    let expires_at = expires_at.unwrap_or_else(|| access.now().saturating_add(INVITE_LIFETIME));
    let invite = access.new_invite(expires_at).await?.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(MadeInvite { invite, expires_at })))
}

/// Revokes an open invite, for an admin.
#[utoipa::path(delete, path = "/invites/{id}", tag = "accounts", params(("id" = String, Path, description = "Identifier")), responses(
    (status = 204, description = "The invite is revoked"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn revoke_invite(Caller(access): Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    access.revoke_invite(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
