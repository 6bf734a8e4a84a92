//! Signing in and out by forms, which work without JavaScript: a name and a password, then the code of a second factor where there is one.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use p2p_service::access::Access;
use serde::Deserialize;

use super::frame::own_page;
use super::page;
use crate::api::auth::{completed, logged_in};
use crate::api::extract::{Form, Query};
use crate::callers::{Caller, Stranger};
use crate::csrf::FormToken;
use crate::problem::{CodeNeeded, Problem};
use crate::web::Web;

/// The page with the form.
#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    csrf_token: FormToken,
    /// Name that was typed before.
    username: String,
    /// Page that a sign-in leads back to.
    next: String,
    /// Login that waits for a code, which is then what the form asks for.
    code: Option<CodeNeeded>,
    /// What was wrong with the last try.
    problem: Option<String>,
    /// Rule for registrations: `closed`, `invite` or `open`.
    registration: &'static str,
}

impl SignIn {
    /// Returns the empty form.
    fn of(web: &Web, csrf_token: FormToken) -> SignIn {
        let (username, next) = Default::default();
        SignIn { csrf_token, username, next, code: None, problem: None, registration: web.registration().name() }
    }
}

/// The form, filled in.
#[derive(Debug, Deserialize)]
struct Filled {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// The form of the second step, filled in.
#[derive(Debug, Deserialize)]
struct FilledCode {
    challenge: String,
    /// Source of the code, for the form that is shown again.
    kind: String,
    code: String,
    #[serde(default)]
    next: String,
}

/// Target of the page.
#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/sign-in", get(shown).post(filled))
        .route("/sign-in/code", post(filled_code))
        .route("/sign-out", post(sign_out))
}

async fn shown(
    State(web): State<Web>,
    caller: Option<Caller>,
    csrf_token: FormToken,
    Query(Wanted { next }): Query<Wanted>,
) -> Response {
    match caller {
        Some(_) => Redirect::to(own_page(&next).unwrap_or("/")).into_response(),
        // Nobody can sign in yet.
        None if !web.has_accounts().await => Redirect::to("/register").into_response(),
        None => page(&SignIn { next, ..SignIn::of(&web, csrf_token) }),
    }
}

async fn filled(
    State(web): State<Web>,
    Stranger(access): Stranger,
    csrf_token: FormToken,
    Form(Filled { username, password, next }): Form<Filled>,
) -> Response {
    match logged_in(&access, web.challenges(), username.clone(), password.into(), None).await {
        Ok(None) => signed_in(&web, &access, &next),
        Ok(Some(code)) => page(&SignIn { username, next, code: Some(code), ..SignIn::of(&web, csrf_token) }),
        Err(problem) => refused(SignIn { username, next, ..SignIn::of(&web, csrf_token) }, &problem),
    }
}

async fn filled_code(
    State(web): State<Web>,
    Stranger(access): Stranger,
    csrf_token: FormToken,
    Form(FilledCode { challenge, kind, code, next }): Form<FilledCode>,
) -> Response {
    match completed(&access, web.challenges(), &challenge, code.into()).await {
        Ok(()) => signed_in(&web, &access, &next),
        Err(problem) => {
            let source = if kind == "mail" { "mail" } else { "app" };
            // A login that is over begins anew, by name and password.
            let code = web.challenges().of(&challenge).ok().filter(|_| !problem.is_of_lapsed_login());
            let code = code.map(|_| CodeNeeded { challenge, source, mail_wait: None });
            refused(SignIn { next, code, ..SignIn::of(&web, csrf_token) }, &problem)
        }
    }
}

/// Answers with the form once more, and what was wrong.
fn refused(form: SignIn, problem: &Problem) -> Response {
    (problem.status(), page(&SignIn { problem: Some(problem.detail().to_owned()), ..form })).into_response()
}

/// Hands the session over to the browser, and leads on: to a page of this site, whatever the form says.
pub(super) fn signed_in(web: &Web, access: &Access, next: &str) -> Response {
    let token = match access.token() {
        Ok(token) => token,
        Err(error) => return Problem::from(error).into_response(),
    };
    access.keep();
    let next = own_page(next).unwrap_or("/");
    web.cookies().begin(Redirect::to(next), &token, access.session_end().saturating_sub(access.now()))
}

/// The form of signing out.
#[derive(Debug, Deserialize)]
struct Leaving {
    /// Present if all sessions of the user are to end.
    all: Option<String>,
}

async fn sign_out(State(web): State<Web>, caller: Option<Caller>, Form(Leaving { all }): Form<Leaving>) -> Response {
    if let Some(Caller(access)) = caller
        && let Err(error) = access.logout(all.is_some()).await
    {
        return Problem::from(error).into_response();
    }
    web.cookies().end(Redirect::to("/sign-in"))
}
