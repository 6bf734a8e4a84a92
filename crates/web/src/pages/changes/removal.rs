//! Removal: a page that names what goes, and the removal itself.

use askama::Template;
use axum::response::Response;
use p2p_base::spelling::visible;
use p2p_service::access::AccessError;
use p2p_service::event_words::bytes_of;
use p2p_service::files::{Await, BeginTransfer, TransferId};

use super::{Items, partly};
use crate::api::values::bounded;
use crate::pages::frame::{Failed, Frame, Part, Visitor};
use crate::pages::page;
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "delete.html")]
struct Asked {
    frame: Frame,
    items: Items,
    problem: String,
    /// Path of each item that goes, and its kind and content in words.
    going: Vec<(String, String)>,
}

/// Returns the page that asks whether this is to be removed.
pub(super) async fn asked(visitor: &Visitor, items: Items, problem: String) -> Result<Response, Failed> {
    let mut going = Vec::with_capacity(items.paths.len());
    for path in &items.paths {
        let (is_file, total) = visitor.access.weighed(&visitor.identity, path).await?;
        let bytes = bytes_of(total.bytes);
        let words = match (is_file, total.files) {
            (true, _) => format!("file, {bytes}"),
            (false, 0) => "directory without files".to_owned(),
            (false, 1) => format!("directory with 1 file, {bytes}"),
            (false, count) => format!("directory with {count} files, {bytes}"),
        };
        going.push((visible(path).into_owned(), words));
    }
    Ok(page(&Asked { frame: visitor.frame(Part::Files), items, problem, going }))
}

/// Removes items with all that is within them, and returns their number.
pub(super) async fn made(visitor: &Visitor, items: Items) -> Result<usize, Problem> {
    let (mut begun, mut problems) = (Vec::new(), Vec::new());
    for path in items.paths {
        match begin(visitor, &path).await {
            Ok(transfer) => begun.push((path, transfer)),
            Err(error) => problems.push((path, error.into())),
        }
    }
    let mut done = 0;
    for (path, transfer) in begun {
        let ended = bounded(visitor.access.call(Await { transfer })).await;
        match ended.and_then(|report| report.into_result().map_err(Problem::from)) {
            Ok(_) => done += 1,
            Err(problem) => problems.push((path, problem)),
        }
    }
    partly(problems, done).map_or(Ok(done), Err)
}

async fn begin(visitor: &Visitor, path: &str) -> Result<TransferId, AccessError> {
    let removal = visitor.access.removal(&visitor.identity, path, true).await?;
    let removal = BeginTransfer::from(removal);
    visitor.access.record_transfer(&visitor.identity, &removal).await?;
    Ok(visitor.access.begin(removal).await?)
}
