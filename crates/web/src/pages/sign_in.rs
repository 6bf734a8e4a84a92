//! Logging in by a form, which works without JavaScript.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::SignedCookieJar;
use p2p_service::access::AccessError;
use serde::Deserialize;

use super::page;
use crate::api::extract::Form;
use crate::callers::{Caller, Stranger, session_cookie};
use crate::problem::Problem;
use crate::web::Web;

/// The page with the form.
#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    /// Name that was typed before.
    username: String,
    /// What was wrong with the last try.
    problem: Option<String>,
}

/// The form, filled in.
#[derive(Debug, Deserialize)]
struct Filled {
    username: String,
    password: String,
}

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/sign-in", get(shown).post(filled))
}

async fn shown(caller: Option<Caller>) -> Response {
    match caller {
        Some(_) => Redirect::to("/").into_response(),
        None => page(&SignIn { username: String::new(), problem: None }),
    }
}

async fn filled(
    State(web): State<Web>,
    jar: SignedCookieJar,
    Stranger(access): Stranger,
    Form(Filled { username, password }): Form<Filled>,
) -> Response {
    let begun = async {
        access.login(username.clone(), password.into()).await?;
        let token = access.token()?;
        access.keep();
        Ok::<_, AccessError>(token)
    };
    match begun.await {
        Ok(token) => (jar.add(session_cookie(&web, &token)), Redirect::to("/")).into_response(),
        Err(error) => {
            let problem = Problem::from(error);
            (problem.status(), page(&SignIn { username, problem: Some(problem.detail().to_owned()) })).into_response()
        }
    }
}
