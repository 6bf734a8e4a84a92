//! The pages: templates in `assets/web/templates`, filled with what the gate gives. Each works without JavaScript as far as it can.
//!
//! | file | contents |
//! |---|---|
//! | `reader` | the description of REST, for people |
//! | `sign_in` | logging in and out |

mod reader;
mod sign_in;

use askama::Template;
use axum::Router;
use axum::response::{Html, IntoResponse, Response};

use crate::problem::Problem;
use crate::web::Web;

/// Returns the routes of the pages.
pub(crate) fn routes() -> Router<Web> {
    Router::new().merge(reader::routes()).merge(sign_in::routes())
}

/// The page about a problem.
#[derive(Template)]
#[template(path = "problem.html")]
struct Told<'a> {
    title: &'a str,
    detail: &'a str,
}

/// Returns a page that tells of a problem.
pub(crate) fn of_problem(problem: &Problem) -> Response {
    page(&Told { title: problem.title(), detail: problem.detail() })
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
