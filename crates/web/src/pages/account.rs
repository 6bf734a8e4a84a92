//! The page of the account: password, one-time passwords, sessions and API tokens. Each change is a form of its own.

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use p2p_service::Scope;
use p2p_service::access::{AccessError, Identity};
use p2p_service::accounts::{ApiTokenInfo, Begun, CodeKind, NewToken, Reach, Secret, SessionInfo};
use p2p_service::event_words::date_of;
use p2p_shell::qr::Picture;
use secrecy::ExposeSecret;

use super::fields::Fields;
use super::frame::{Failed, Frame, Part, Visitor};
use super::page;
use crate::api::extract::Form;
use crate::problem::Problem;
use crate::web::Web;

/// Fields of the forms, and the words that the page has for them.
const WORDS: &[(&str, &str)] =
    &[("again", "New password again"), ("name", "Name"), ("scope", "May"), ("days", "Days"), ("path", "Only this path")];
/// Lifetime of a token at the most, in days, as the form has it.
const DAYS_MAX: u64 = 366;

/// Session of the user.
#[derive(Debug)]
struct Session {
    id: String,
    origin: String,
    began: String,
    used: String,
    is_own: bool,
}

/// API token of the user.
#[derive(Debug)]
struct ApiToken {
    name: String,
    reach: String,
    used: String,
    expires: String,
}

/// Enrolment that waits for its first code.
#[derive(Debug)]
struct Enrolling {
    /// Secret to be typed into an app, and the code to be scanned; none where codes are mailed.
    app: Option<(String, Option<Picture>)>,
}

/// Outcome of a change that is shown once, and never again.
#[derive(Debug, Default)]
struct Once {
    problem: String,
    done: &'static str,
    enrolling: Option<Enrolling>,
    backup_codes: Vec<String>,
    new_token: String,
}

#[derive(Debug, Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    email: String,
    role: &'static str,
    made: String,
    /// Kind of codes: `app`, `mail` or empty.
    second_factor: &'static str,
    backup_codes_left: usize,
    sessions: Vec<Session>,
    tokens: Vec<ApiToken>,
    is_admin: bool,
    /// Way that mails go.
    mail_way: String,
    once: Once,
}

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/account", get(shown).post(changed))
}

async fn shown(visitor: Visitor) -> Result<Response, Failed> {
    with(&visitor, StatusCode::OK, Once::default()).await
}

async fn with(visitor: &Visitor, status: StatusCode, once: Once) -> Result<Response, Failed> {
    let Visitor { access, .. } = visitor;
    let identity = access.peek().await?;
    let Identity::User { account, .. } = &*identity else { return Ok(Redirect::to("/sign-in").into_response()) };
    let shown = AccountPage {
        frame: visitor.frame(Part::Account),
        email: account.email.to_string(),
        role: if identity.is_admin() { "admin" } else { "user" },
        made: date_of(account.created_at),
        second_factor: account.second_factor.map(CodeKind::name).unwrap_or_default(),
        backup_codes_left: account.backup_codes,
        sessions: access.sessions().await?.into_iter().map(session).collect(),
        tokens: access.api_tokens().await?.into_iter().map(token).collect(),
        is_admin: identity.is_admin(),
        mail_way: mail_way(access.mail_way(), identity.is_admin()).to_owned(),
        once,
    };
    Ok((status, page(&shown)).into_response())
}

/// Returns the way that mails go as a user is told of it. Where a directory of mails is on this machine is for admins.
fn mail_way(way: &str, is_admin: bool) -> &str {
    if is_admin { way } else { way.split(": ").next().unwrap_or_default() }
}

fn session(SessionInfo { id, created_at, used_at, origin, is_own }: SessionInfo) -> Session {
    Session { id, origin, began: date_of(created_at), used: date_of(used_at), is_own }
}

fn token(ApiTokenInfo { name, reach, last_used, expires_at, is_link, .. }: ApiTokenInfo) -> ApiToken {
    let path = reach.path.map(|path| format!(", only {path}")).unwrap_or_default();
    ApiToken {
        name: name.to_string(),
        reach: format!("{}{path}", if is_link { "opens a link" } else { reach.scope.name() }),
        used: last_used.map(date_of).unwrap_or_else(|| "never".to_owned()),
        expires: date_of(expires_at),
    }
}

/// Takes one of the forms in, and shows the page with what became of it.
async fn changed(visitor: Visitor, Form(fields): Form<Fields>) -> Result<Response, Failed> {
    let done = match fields.get("do") {
        "password" => password(&visitor, &fields).await,
        "enable-app" => enrol(&visitor, CodeKind::App).await,
        "enable-mail" => enrol(&visitor, CodeKind::Mail).await,
        "confirm" => confirm(&visitor, &fields).await,
        "disable" => disable(&visitor, &fields).await,
        "backup-codes" => backup_codes(&visitor, &fields).await,
        "revoke-session" => revoke_session(&visitor, &fields).await,
        "new-token" => new_token(&visitor, &fields).await,
        "revoke-token" => revoke_token(&visitor, &fields).await,
        _ => Err(Problem::invalid("do", "no form of this page has that")),
    };
    match done {
        Ok(once) => with(&visitor, StatusCode::OK, once).await,
        Err(problem) => {
            let once = Once { problem: problem.in_words(WORDS), ..Once::default() };
            with(&visitor, problem.status(), once).await
        }
    }
}

fn told(done: &'static str) -> Once {
    Once { done, ..Once::default() }
}

fn secret(fields: &Fields, name: &str) -> Secret {
    fields.get(name).to_owned().into()
}

async fn password(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    if fields.get("new") != fields.get("again") {
        return Err(Problem::invalid("again", "it is another one than the first; type both once more"));
    }
    visitor.access.change_password(secret(fields, "old"), secret(fields, "new")).await?;
    Ok(told("The password is changed. Other sessions have ended, and the API tokens are revoked."))
}

async fn enrol(visitor: &Visitor, kind: CodeKind) -> Result<Once, Problem> {
    let app = match visitor.access.otp_enable(kind).await? {
        Begun::App(enrolment) => Some((enrolment.secret.expose_secret().to_owned(), Picture::of(enrolment.uri.expose_secret()))),
        Begun::Mail => None,
    };
    Ok(Once { enrolling: Some(Enrolling { app }), ..Once::default() })
}

async fn confirm(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    let codes = visitor.access.otp_confirm(secret(fields, "code")).await?;
    Ok(Once { backup_codes: texts(codes), ..told("One-time passwords are enabled.") })
}

async fn disable(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    visitor.access.otp_disable(secret(fields, "password")).await?;
    Ok(told("One-time passwords are disabled."))
}

async fn backup_codes(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    let codes = visitor.access.new_backup_codes(secret(fields, "password")).await?;
    Ok(Once { backup_codes: texts(codes), ..told("The old backup codes are void.") })
}

fn texts(codes: Vec<Secret>) -> Vec<String> {
    codes.iter().map(|code| code.expose_secret().to_owned()).collect()
}

async fn revoke_session(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    visitor.access.revoke(fields.get("id").to_owned()).await?;
    Ok(told("The session has ended."))
}

async fn new_token(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    let access = &visitor.access;
    let scope = match fields.get("scope") {
        "read" => Scope::Read,
        "write" => Scope::Write,
        "admin" => Scope::Admin,
        _ => return Err(Problem::invalid("scope", "it is read, write or admin")),
    };
    let days: u64 = fields
        .get("days")
        .parse()
        .ok()
        .filter(|days| (1..=DAYS_MAX).contains(days))
        .ok_or_else(|| Problem::invalid("days", format_args!("a token lasts from 1 to {DAYS_MAX} days")))?;
    let path = Some(fields.get("path").trim()).filter(|path| !path.is_empty());
    let path = path.map(|path| access.path_for_token(path)).transpose()?;
    let name = fields.get("name").parse().map_err(|error| Problem::invalid("name", error))?;
    let wanted = NewToken { name, reach: Reach { scope, path }, expires_at: access.now() + days * super::DAY };
    let token = access.new_token(wanted).await?;
    Ok(Once { new_token: token.expose_secret().to_owned(), ..Once::default() })
}

async fn revoke_token(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    let revoked: Result<(), AccessError> = visitor.access.revoke_token(fields.get("name").to_owned()).await;
    revoked?;
    Ok(told("The token is revoked."))
}
