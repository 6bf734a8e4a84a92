//! Signing in and out by forms, which work without JavaScript: a name and a password, then the code of a second factor where there is one.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use p2p_service::access::Access;
use serde::Deserialize;

use super::page;
use crate::api::auth::{completed, logged_in};
use crate::api::extract::Form;
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
    /// Login that waits for a code, which is then what the form asks for.
    code: Option<CodeNeeded>,
    /// What was wrong with the last try.
    problem: Option<String>,
}

/// The form, filled in.
#[derive(Debug, Deserialize)]
struct Filled {
    username: String,
    password: String,
}

/// The form of the second step, filled in.
#[derive(Debug, Deserialize)]
struct FilledCode {
    challenge: String,
    /// Source of the code, for the form that is shown again.
    kind: String,
    code: String,
}

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/sign-in", get(shown).post(filled))
        .route("/sign-in/code", post(filled_code))
        .route("/sign-out", post(sign_out))
}

async fn shown(caller: Option<Caller>, csrf_token: FormToken) -> Response {
    match caller {
        Some(_) => Redirect::to("/").into_response(),
        None => page(&SignIn { csrf_token, username: String::new(), code: None, problem: None }),
    }
}

async fn filled(
    State(web): State<Web>,
    Stranger(access): Stranger,
    csrf_token: FormToken,
    Form(Filled { username, password }): Form<Filled>,
) -> Response {
    match logged_in(&access, web.challenges(), username.clone(), password.into(), None).await {
        Ok(None) => signed_in(&web, &access),
        Ok(Some(code)) => page(&SignIn { csrf_token, username, code: Some(code), problem: None }),
        Err(problem) => refused(SignIn { csrf_token, username, code: None, problem: None }, &problem),
    }
}

async fn filled_code(
    State(web): State<Web>,
    Stranger(access): Stranger,
    csrf_token: FormToken,
    Form(FilledCode { challenge, kind, code }): Form<FilledCode>,
) -> Response {
    match completed(&access, web.challenges(), &challenge, code.into()).await {
        Ok(()) => signed_in(&web, &access),
        Err(problem) => {
            let source = if kind == "mail" { "mail" } else { "app" };
            // A login that is over begins anew, by name and password.
            let code = web.challenges().of(&challenge).ok().filter(|_| !problem.is_of_lapsed_login());
            let code = code.map(|_| CodeNeeded { challenge, source, mail_wait: None });
            refused(SignIn { csrf_token, username: String::new(), code, problem: None }, &problem)
        }
    }
}

/// Answers with the form once more, and what was wrong.
fn refused(form: SignIn, problem: &Problem) -> Response {
    (problem.status(), page(&SignIn { problem: Some(problem.detail().to_owned()), ..form })).into_response()
}

/// Hands the session over to the browser, and leads on.
fn signed_in(web: &Web, access: &Access) -> Response {
    let token = match access.token() {
        Ok(token) => token,
        Err(error) => return Problem::from(error).into_response(),
    };
    access.keep();
    web.cookies().begin(Redirect::to("/"), &token, access.session_end().saturating_sub(access.now()))
}

/// The form of signing out has no fields but the hidden one.
#[derive(Debug, Deserialize)]
struct Nothing {}

async fn sign_out(State(web): State<Web>, caller: Option<Caller>, Form(Nothing {}): Form<Nothing>) -> Response {
    if let Some(Caller(access)) = caller
        && let Err(error) = access.logout(false).await
    {
        return Problem::from(error).into_response();
    }
    web.cookies().end(Redirect::to("/sign-in"))
}
