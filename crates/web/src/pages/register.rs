//! A new account by a form: the first one with the setup token that `p2p serve` prints, later ones with an invite or without one, as the
//! rules say.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use p2p_service::access::Access;
use p2p_service::accounts::{Registration, Secret};
use serde::Deserialize;

use super::page;
use super::sign_in::signed_in;
use crate::api::extract::Form;
use crate::callers::{Caller, Stranger};
use crate::csrf::FormToken;
use crate::problem::Problem;
use crate::web::Web;

/// Fields of the form of a new account, and the words that the page has for them.
pub(super) const WORDS: &[(&str, &str)] = &[("username", "Name"), ("email", "Mail address"), ("again", "Password again")];

#[derive(Template)]
#[template(path = "register.html")]
struct Register {
    csrf_token: FormToken,
    username: String,
    email: String,
    /// Setup token or invite that was typed before.
    admission: String,
    problem: String,
    /// Rule for registrations: `closed`, `invite` or `open`.
    registration: &'static str,
    /// True while nobody has an account: this one is the admin's.
    is_first: bool,
}

/// The form, filled in.
#[derive(Deserialize)]
struct Filled {
    username: String,
    email: String,
    password: String,
    again: String,
    #[serde(default)]
    admission: String,
}

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/register", get(shown).post(filled))
}

async fn shown(State(web): State<Web>, caller: Option<Caller>, csrf_token: FormToken) -> Response {
    if caller.is_some() {
        return Redirect::to("/").into_response();
    }
    let (username, email, admission, problem) = Default::default();
    let (registration, is_first) = (web.registration().name(), !web.has_accounts().await);
    page(&Register { csrf_token, username, email, admission, problem, registration, is_first })
}

async fn filled(
    State(web): State<Web>,
    Stranger(access): Stranger,
    csrf_token: FormToken,
    Form(filled): Form<Filled>,
) -> Response {
    let (username, email, admission) = (filled.username.clone(), filled.email.clone(), filled.admission.clone());
    match registered(&access, filled).await {
        Ok(()) => signed_in(&web, &access, "/"),
        Err(problem) => {
            let (registration, is_first) = (web.registration().name(), !web.has_accounts().await);
            let told = problem.in_words(WORDS);
            let shown = Register { csrf_token, username, email, admission, problem: told, registration, is_first };
            (problem.status(), page(&shown)).into_response()
        }
    }
}

async fn registered(access: &Access, filled: Filled) -> Result<(), Problem> {
    let Filled { username, email, password, again, admission } = filled;
    let wanted = account_of(&username, &email, password, &again)?;
    let admission = Some(admission.trim()).filter(|admission| !admission.is_empty());
    access.register_with(wanted, admission.map(|admission| Secret::from(admission.to_owned()))).await?;
    Ok(())
}

/// Returns the account of the fields of a form.
pub(super) fn account_of(username: &str, email: &str, password: String, again: &str) -> Result<Registration, Problem> {
    let name = username.trim().parse().map_err(|error| Problem::invalid("username", error))?;
    let email = email.trim().parse().map_err(|error| Problem::invalid("email", error))?;
    if password != again {
        return Err(Problem::invalid("again", "it is another one than the first; type both once more"));
    }
    Ok(Registration { name, email, password: password.into() })
}
