//! The pages: templates in `assets/web/templates`, filled with what the gate gives. Each works without JavaScript as far as it can; the
//! scripts in `assets/web/static` make it quicker to use.
//!
//! | file | contents |
//! |---|---|
//! | `frame` | who asks for a page, what all pages have, and problems as pages |
//! | `sign_in`, `register` | logging in and out, and a new account |
//! | `account` | password, one-time passwords, sessions, API tokens |
//! | `users` | accounts and invites, for admins |
//! | `files` | `/files/PATH`: `listing` is the page of a directory and `file` that of a file |
//! | `figures` | where the segments of a file are |
//! | `pieces` | the transfers of one upload as one thing |
//! | `changes` | new directories, names, places, sharing, removal and uploads by forms |
//! | `shared` | `/s/TOKEN`: what a link is to |
//! | `reasons` | `/problems/REASON`: what the reason of a problem means |
//! | `reader`, `prose` | the description of REST, for people; code within prose |
//! | `entries`, `links`, `fields`, `named` | rows of lists, links to files, fields of forms, and what a path names |
//! | `room` | the control room |

mod account;
mod changes;
mod entries;
mod fields;
mod figures;
mod file;
mod files;
mod frame;
mod links;
mod listing;
mod named;
mod pieces;
mod prose;
mod reader;
mod reasons;
mod register;
mod room;
mod shared;
mod sign_in;
mod users;

use askama::Template;
use axum::Router;
use axum::response::{Html, IntoResponse, Response};

use crate::problem::Problem;
use crate::web::Web;

/// Seconds of a day.
const DAY: u64 = 24 * 3600;

/// Returns the routes of the pages.
pub(crate) fn routes() -> Router<Web> {
    Router::new()
        .merge(sign_in::routes())
        .merge(register::routes())
        .merge(account::routes())
        .merge(users::routes())
        .merge(files::routes())
        .merge(shared::routes())
        .merge(room::routes())
        .merge(reader::routes())
        .merge(reasons::routes())
}

/// The page about a problem.
#[derive(Template)]
#[template(path = "problem.html")]
struct Told<'a> {
    title: &'a str,
    detail: &'a str,
    /// True for the page of somebody who has signed in, with the parts of the site.
    is_signed_in: bool,
}

/// Returns a page that tells of a problem, with the parts of the site for those who have signed in.
pub(crate) fn of_problem(problem: &Problem, is_signed_in: bool) -> Response {
    page(&Told { title: problem.title(), detail: problem.detail(), is_signed_in })
}

/// Returns a page from its template.
fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            Problem::internal().into_response()
        }
    }
}
