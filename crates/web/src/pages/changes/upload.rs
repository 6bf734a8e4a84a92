//! Files that a form stores (RFC 7578), for browsers without JavaScript: each streams to the nodes as it comes, as those of forms by REST do.

use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};

use super::told;
use crate::api::stored_into;
use crate::pages::frame::{Failed, Visitor};
use crate::pages::links;
use crate::pages::named::{Named, invalid};

/// Stores the files of a form into a directory.
pub(in crate::pages) async fn taken(visitor: &Visitor, named: &Named, request: Request) -> Result<Response, Failed> {
    if named.file.is_some() {
        return Err(invalid("path", "it is a file, and files are stored into a directory"));
    }
    let root = if named.text == "." { String::new() } else { links::path_of(&visitor.identity, &named.key) };
    match stored_into(&visitor.access, root.clone(), request).await? {
        0 => Err(invalid("file", "choose a file first")),
        count => Ok(Redirect::to(&(links::page(&root) + &told("stored", count))).into_response()),
    }
}
