//! The page of the users, for admins: the accounts, a form that makes one, which registration is open, and invites. Each change is a form
//! of its own.

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use p2p_service::access::remote::RemoteRegistration;
use p2p_service::accounts::{Account, CodeKind, InviteInfo};
use p2p_service::event_words::date_of;
use secrecy::ExposeSecret;

use super::fields::Fields;
use super::frame::{Failed, Frame, Part, Visitor};
use super::page;
use super::register::{WORDS, account_of};
use crate::api::extract::Form;
use crate::problem::Problem;
use crate::web::Web;

/// Lifetimes of an invite that the form offers, in days.
const DAYS: [u64; 3] = [1, 7, 30];

/// Account of a user, as the page shows it.
#[derive(Debug)]
struct User {
    name: String,
    email: String,
    role: &'static str,
    made: String,
    last_login: String,
    second_factor: &'static str,
}

/// Open invite, as the page shows it.
#[derive(Debug)]
struct Invite {
    id: String,
    by: String,
    made: String,
    expires: String,
}

/// Outcome of a change that is shown once, and never again.
#[derive(Debug, Default)]
struct Once {
    problem: String,
    done: String,
    invite: String,
    /// Fields of the account that was not made, for the form.
    username: String,
    email: String,
}

#[derive(Debug, Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    users: Vec<User>,
    /// Rule for registrations: `closed`, `invite` or `open`.
    registration: &'static str,
    invites: Vec<Invite>,
    days: [u64; 3],
    once: Once,
}

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/users", get(shown).post(changed))
}

async fn shown(visitor: Visitor) -> Result<Response, Failed> {
    with(&visitor, StatusCode::OK, Once::default()).await
}

async fn with(visitor: &Visitor, status: StatusCode, once: Once) -> Result<Response, Failed> {
    let access = &visitor.access;
    let shown = UsersPage {
        frame: visitor.frame(Part::Account),
        users: access.accounts().await?.into_iter().map(user).collect(),
        registration: access.registration().unwrap_or(RemoteRegistration::Closed).name(),
        invites: access.invites().await?.into_iter().map(invite).collect(),
        days: DAYS,
        once,
    };
    Ok((status, page(&shown)).into_response())
}

fn user(Account { name, email, role, created_at, last_login, second_factor, .. }: Account) -> User {
    User {
        name: name.to_string(),
        email: email.to_string(),
        role: role.name(),
        made: date_of(created_at),
        last_login: last_login.map(date_of).unwrap_or_default(),
        second_factor: match second_factor {
            None => "none",
            Some(CodeKind::App) => "authenticator app",
            Some(CodeKind::Mail) => "codes by mail",
        },
    }
}

fn invite(InviteInfo { id, by, created_at, expires_at }: InviteInfo) -> Invite {
    Invite { id, by: by.to_string(), made: date_of(created_at), expires: date_of(expires_at) }
}

/// Takes one of the forms in, and shows the page with what became of it.
async fn changed(visitor: Visitor, Form(fields): Form<Fields>) -> Result<Response, Failed> {
    let done = match fields.get("do") {
        "account" => new_account(&visitor, &fields).await,
        "invite" => new_invite(&visitor, &fields).await,
        "revoke-invite" => revoke_invite(&visitor, &fields).await,
        _ => Err(Problem::invalid("do", "no form of this page has that")),
    };
    match done {
        Ok(once) => with(&visitor, StatusCode::OK, once).await,
        Err(problem) => {
            let (username, email) = (fields.get("username").to_owned(), fields.get("email").to_owned());
            let once = Once { problem: problem.in_words(WORDS), username, email, ..Once::default() };
            with(&visitor, problem.status(), once).await
        }
    }
}

async fn new_account(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    let password = fields.get("password").to_owned();
    let wanted = account_of(fields.get("username"), fields.get("email"), password, fields.get("again"))?;
    let account = visitor.access.register_with(wanted, None).await?;
    Ok(Once { done: format!("{} has an account, and signs in with this password.", account.name), ..Once::default() })
}

async fn new_invite(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    let days = fields.days(&DAYS)?;
    let invite = visitor.access.new_invite(visitor.access.now() + days * super::DAY).await?;
    Ok(Once { invite: invite.expose_secret().to_owned(), ..Once::default() })
}

async fn revoke_invite(visitor: &Visitor, fields: &Fields) -> Result<Once, Problem> {
    visitor.access.revoke_invite(fields.get("id").to_owned()).await?;
    Ok(Once { done: "The invite is revoked.".to_owned(), ..Once::default() })
}
