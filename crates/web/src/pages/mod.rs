//! The pages: templates in `assets/web/templates`, filled with what the gate gives. Each works without JavaScript as far as it can.
//!
//! | file | contents |
//! |---|---|
//! | `sign_in` | logging in and out |

mod sign_in;

use askama::Template;
use axum::Router;
use axum::response::{Html, IntoResponse, Response};

use crate::problem::Problem;
use crate::web::Web;

/// Returns the routes of the pages.
pub(crate) fn routes() -> Router<Web> {
    Router::new().merge(sign_in::routes())
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
