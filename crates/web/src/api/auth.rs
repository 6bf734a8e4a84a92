//! Registration and logins. Limits, delays, mails and the audit log are those of the accounts, as by every other door.
//!
//! A program is given the session's token, and presents it. A page asks with `?cookie=true`: the session is in the cookie then, which scripts
//! cannot read, and not in the answer.

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use http::request::Parts;
use p2p_service::access::Access;
use p2p_service::access::challenges::Challenges;
use p2p_service::accounts::{Challenge, Registration, Secret};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::aliases::Alias;
use super::extract::{Body, Query};
use crate::callers::{Caller, Stranger};
use crate::cookies::Cookies;
use crate::csrf::FormToken;
use crate::problem::{CodeNeeded, Problem};
use crate::web::Web;

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(otp))
        .routes(routes!(send_otp))
        .routes(routes!(logout))
        .routes(routes!(whoami))
}

/// Returns the older paths of the same meaning.
pub(super) fn aliases() -> [Alias; 3] {
    [
        Alias { older: "/api/auth/register", of: "/auth/register", handlers: post(register) },
        Alias { older: "/api/auth/login", of: "/auth/login", handlers: post(login) },
        Alias { older: "/api/auth/logout", of: "/auth/logout", handlers: post(logout) },
    ]
}

/// Account that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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

/// Login by a password, and by a code where the account has a second factor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// Name of the user.
    username: String,
    /// Password.
    password: String,
    /// Code of the authenticator app or of a mail, or a backup code. Without it the login of an account with a second factor is told as a
    /// problem of the reason `CODE_NEEDED`, whose `challenge` `auth/otp` takes.
    otp_code: Option<String>,
}

/// Second step of a login.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginCode {
    /// Name of the login, of the problem `CODE_NEEDED`.
    challenge: String,
    /// Code of the authenticator app or of a mail, or a backup code.
    code: String,
}

/// Login that waits for a code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WaitingLogin {
    /// Name of the login, of the problem `CODE_NEEDED`.
    challenge: String,
}

/// Sessions that are to end.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Logout {
    /// True for all sessions of the user; otherwise the one of the request.
    #[serde(default)]
    all: bool,
}

/// Way in which a session is handed out.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Handing {
    /// True to have the session in a cookie, which scripts cannot read, and not in the answer: for the pages of this server.
    #[serde(default)]
    cookie: bool,
}

/// Session that has begun.
#[derive(Debug, Serialize, ToSchema)]
struct BegunSession {
    /// Bearer of the session, for the header `Authorization`; left out where the session is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Token for the header `X-CSRF-Token` of requests by the cookie; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// User who is logged in.
    user: SessionUser,
    /// Instant at which it ends if it is used until then, in seconds since 1970-01-01 00:00 UTC.
    expires_at: u64,
}

/// User of an account.
#[derive(Debug, Serialize, ToSchema)]
struct SessionUser {
    /// Name of the user.
    name: String,
    /// True for an admin.
    is_admin: bool,
}

/// Account that is made, and the session of it that has begun, if one has.
#[derive(Debug, Serialize, ToSchema)]
struct Registered {
    /// User of the account.
    user: SessionUser,
    /// Bearer of the session, for the header `Authorization`; left out where there is no session, or where it is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Token for the header `X-CSRF-Token` of requests by the cookie; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// Instant at which the session ends if it is used until then, in seconds since 1970-01-01 00:00 UTC; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

/// Caller of a request.
#[derive(Debug, Serialize, ToSchema)]
struct WhoAmI {
    /// Name of the user.
    name: String,
    /// True for an admin.
    is_admin: bool,
    /// Scope of the login: `read`, `write` or `admin`, of which each includes those before it.
    scope: &'static str,
    /// Path among the user's files to which the API token is limited; null if it is not.
    path: Option<String>,
    /// True for a login by an API token.
    by_token: bool,
    /// Source of the codes of the second factor: `app` or `mail`; null without one.
    second_factor: Option<&'static str>,
    /// Number of backup codes that are left.
    backup_codes: usize,
    /// Token for the header `X-CSRF-Token` of requests by the cookie; null for callers who present a bearer.
    csrf_token: Option<String>,
}

/// Means of handing a session out.
pub(crate) struct Hands {
    cookies: Cookies,
    is_cookie: bool,
}

impl FromRequestParts<Web> for Hands {
    type Rejection = crate::problem::Rejected;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Hands, Self::Rejection> {
        let Query(Handing { cookie }) = Query::from_request_parts(parts, web).await?;
        Ok(Hands { cookies: Cookies::from_ref(web), is_cookie: cookie })
    }
}

impl Hands {
    /// Hands the session that has begun over to its user: it does not end with the request.
    fn begun(&self, access: &Access) -> Result<Response, Problem> {
        let (token, expires_at) = (access.token()?, access.session_end());
        access.keep();
        let session = |token, csrf_token| Json(BegunSession { token, csrf_token, user: user(access), expires_at });
        if !self.is_cookie {
            return Ok(session(Some(token.expose().to_owned()), None).into_response());
        }
        let FormToken(csrf_token) = FormToken::bound_to(&self.cookies, token.expose());
        Ok(self.cookies.begin(session(None, Some(csrf_token)), &token, expires_at.saturating_sub(access.now())))
    }
}

/// Makes an account, and begins a session of it unless an admin who is logged in makes it for somebody else.
#[utoipa::path(post, path = "/auth/register", request_body = NewAccount, params(Handing), tag = "accounts", responses(
    (status = 201, description = "The account is made", body = Registered),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn register(Caller(access): Caller, hands: Hands, Body(wanted): Body<NewAccount>) -> Result<Response, Problem> {
    let NewAccount { username, email, password, admission } = wanted;
    let wanted = Registration {
        name: username.parse().map_err(|error| Problem::invalid("username", error))?,
        email: email.parse().map_err(|error| Problem::invalid("email", error))?,
        password: password.into(),
    };
    let is_own = access.identity().name().is_none();
    let account = access.register_with(wanted, admission.map(Into::into)).await?;
    if is_own {
        let mut response = hands.begun(&access)?;
        *response.status_mut() = StatusCode::CREATED;
        return Ok(response);
    }
    let user = SessionUser { name: account.name.to_string(), is_admin: false };
    Ok((StatusCode::CREATED, Json(Registered { user, token: None, csrf_token: None, expires_at: None })).into_response())
}

/// Begins a session.
#[utoipa::path(post, path = "/auth/login", request_body = Login, params(Handing), tag = "accounts", responses(
    (status = 200, description = "The session has begun", body = BegunSession),
    (status = 401, description = "The login is refused, or a code is needed too (`CODE_NEEDED`)", body = Problem,
        content_type = "application/problem+json"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn login(
    State(web): State<Web>,
    Stranger(access): Stranger,
    hands: Hands,
    Body(login): Body<Login>,
) -> Result<Response, Problem> {
    let Login { username, password, otp_code } = login;
    match logged_in(&access, web.challenges(), username, password.into(), otp_code.map(Into::into)).await? {
        None => hands.begun(&access),
        Some(code) => Err(Problem::code_needed(code)),
    }
}

/// Logs a user in, with a code where one is presented; `Some` if a code is needed first.
pub(crate) async fn logged_in(
    access: &Access,
    challenges: &Challenges,
    username: String,
    password: Secret,
    code: Option<Secret>,
) -> Result<Option<CodeNeeded>, Problem> {
    let Some(challenge) = access.login(username, password).await? else { return Ok(None) };
    // An empty field of a form is no code.
    if let Some(code) = code.filter(|code| !secrecy::ExposeSecret::expose_secret(code).trim().is_empty()) {
        access.login_with_code(&challenge, code).await?;
        return Ok(None);
    }
    Ok(Some(waiting(challenges, challenge)?))
}

/// Remembers a login that waits for its code, and returns what its user is told.
fn waiting(challenges: &Challenges, challenge: Challenge) -> Result<CodeNeeded, Problem> {
    let (source, mail_wait) = (challenge.kind.name(), challenge.mail_wait);
    Ok(CodeNeeded { challenge: challenges.remember(challenge)?, source, mail_wait })
}

/// Completes a login that waits for a code.
#[utoipa::path(post, path = "/auth/otp", request_body = LoginCode, params(Handing), tag = "accounts", responses(
    (status = 200, description = "The session has begun", body = BegunSession),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn otp(
    State(web): State<Web>,
    Stranger(access): Stranger,
    hands: Hands,
    Body(LoginCode { challenge, code }): Body<LoginCode>,
) -> Result<Response, Problem> {
    completed(&access, web.challenges(), &challenge, code.into()).await?;
    hands.begun(&access)
}

/// Logs a user in whose login waits for a code.
pub(crate) async fn completed(access: &Access, challenges: &Challenges, name: &str, code: Secret) -> Result<(), Problem> {
    access.login_with_code(&challenges.of(name)?, code).await?;
    challenges.forget(name);
    Ok(())
}

/// Mails another code for a login that waits for one.
#[utoipa::path(post, path = "/auth/otp/send", request_body = WaitingLogin, tag = "accounts", responses(
    (status = 204, description = "The code is mailed"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn send_otp(
    State(web): State<Web>,
    Stranger(access): Stranger,
    Body(WaitingLogin { challenge }): Body<WaitingLogin>,
) -> Result<StatusCode, Problem> {
    access.send_code(&web.challenges().of(&challenge)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the session of the request, or all sessions of the user.
#[utoipa::path(post, path = "/auth/logout", request_body = Option<Logout>, tag = "accounts", responses(
    (status = 204, description = "The session is over, and its cookie cleared"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn logout(State(cookies): State<Cookies>, Caller(access): Caller, body: Option<Body<Logout>>) -> Result<Response, Problem> {
    let Logout { all } = body.map(|Body(logout)| logout).unwrap_or_default();
    access.logout(all).await?;
    Ok(cookies.end(StatusCode::NO_CONTENT))
}

/// Says who the caller is.
#[utoipa::path(get, path = "/auth/whoami", tag = "accounts", responses(
    (status = 200, description = "The caller", body = WhoAmI),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn whoami(
    State(cookies): State<Cookies>,
    Caller(access): Caller,
    headers: http::HeaderMap,
) -> Result<Json<WhoAmI>, Problem> {
    let identity = access.identity();
    access.require_login(&identity)?;
    let reach = identity.token();
    // How the user logs in is nothing for programs.
    let account = identity.account().filter(|_| reach.is_none());
    let by_cookie = (!headers.contains_key(http::header::AUTHORIZATION)).then(|| access.token()).transpose()?;
    Ok(Json(WhoAmI {
        name: identity.name().unwrap_or_default().to_owned(),
        is_admin: identity.is_admin(),
        scope: reach.map_or(p2p_service::Scope::Admin, |reach| reach.scope).name(),
        path: reach.and_then(|reach| reach.path.clone()),
        by_token: reach.is_some(),
        second_factor: account.and_then(|account| account.second_factor).map(|kind| kind.name()),
        backup_codes: account.map_or(0, |account| account.backup_codes),
        csrf_token: by_cookie.map(|token| FormToken::bound_to(&cookies, token.expose()).0),
    }))
}

fn user(access: &Access) -> SessionUser {
    let identity = access.identity();
    SessionUser { name: identity.name().unwrap_or_default().to_owned(), is_admin: identity.is_admin() }
}
