//! Registration, logins and sessions. Limits, delays, mails and the audit log are those of the accounts, as by every other door.

use axum::Json;
use p2p_service::access::Access;
use p2p_service::accounts::{Registration, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Body;
use crate::callers::{Caller, Stranger};
use crate::problem::Problem;
use crate::web::Web;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(register)).routes(routes!(login)).routes(routes!(whoami))
}

/// Account that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
struct NewAccount {
    /// Name of the user.
    username: String,
    /// Address for mails.
    email: String,
    /// Password.
    password: String,
    /// Setup token for the first account, or an invite.
    admission: Option<String>,
}

/// Login by a password.
#[derive(Debug, Deserialize, ToSchema)]
struct Login {
    /// Name of the user.
    username: String,
    /// Password.
    password: String,
}

/// Session that has begun.
#[derive(Debug, Serialize, ToSchema)]
struct Session {
    /// Bearer of the session, for the header `Authorization`.
    token: String,
    /// User who is logged in.
    user: User,
}

/// User of an account.
#[derive(Debug, Serialize, ToSchema)]
struct User {
    /// Name of the user.
    name: String,
    /// True for an admin.
    is_admin: bool,
}

/// Makes an account, and begins a session of it unless somebody is logged in.
#[utoipa::path(post, path = "/auth/register", request_body = NewAccount, responses(
    (status = 201, description = "The account is made", body = Session),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn register(Caller(access): Caller, Body(wanted): Body<NewAccount>) -> Result<(http::StatusCode, Json<Session>), Problem> {
    let NewAccount { username, email, password, admission } = wanted;
    let wanted = Registration {
        name: username.parse().map_err(|error| Problem::invalid("username", error))?,
        email: email.parse().map_err(|error| Problem::invalid("email", error))?,
        password: password.into(),
    };
    access.register_with(wanted, admission.map(Into::into)).await?;
    Ok((http::StatusCode::CREATED, Json(begun(&access)?)))
}

/// Begins a session.
#[utoipa::path(post, path = "/auth/login", request_body = Login, responses(
    (status = 200, description = "The session has begun", body = Session),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn login(Stranger(access): Stranger, Body(login): Body<Login>) -> Result<Json<Session>, Problem> {
    access.login(login.username, login.password.into()).await?;
    Ok(Json(begun(&access)?))
}

/// Says who the caller is.
#[utoipa::path(get, path = "/auth/whoami", responses(
    (status = 200, description = "The user", body = User),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn whoami(Caller(access): Caller) -> Result<Json<User>, Problem> {
    access.require_login(&access.identity())?;
    Ok(Json(user(&access)))
}

fn user(access: &Access) -> User {
    let identity = access.identity();
    User { name: identity.name().unwrap_or_default().to_owned(), is_admin: identity.is_admin() }
}

/// Hands the session that has begun over to its user: it does not end with the request.
fn begun(access: &Access) -> Result<Session, Problem> {
    let token: Token = access.token()?;
    access.keep();
    Ok(Session { token: token.expose().to_owned(), user: user(access) })
}
