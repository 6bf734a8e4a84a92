//! Files that a form stores (RFC 7578), for browsers without JavaScript: each streams to the nodes as it comes, and none is kept in memory.

use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::response::{IntoResponse, Redirect, Response};
use p2p_service::access::uploads::StoreAs;
use p2p_service::files::{Await, BegunUpload, Cancel, Declared};

use super::told;
use crate::pages::frame::{Failed, Visitor};
use crate::pages::links;
use crate::pages::named::{Named, invalid};
use crate::problem::Problem;

/// Stores the files of a form into a directory.
pub(in crate::pages) async fn taken(visitor: &Visitor, named: &Named, mut request: Request) -> Result<Response, Failed> {
    if named.file.is_some() {
        return Err(invalid("path", "it is a file, and files are stored into a directory"));
    }
    // The content is not kept in memory.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| invalid("files", &error.body_text()))?;
    let (mut count, mut replace) = (0, false);
    while let Some(field) = form.next_field().await.map_err(|error| invalid("files", &error.body_text()))? {
        match (field.name().unwrap_or_default(), field.file_name().map(str::to_owned)) {
            ("replace", _) => replace = true,
            // A form without a chosen file sends one without a name.
            ("file", Some(name)) if !name.is_empty() => {
                store(visitor, named, &name, field, replace).await?;
                count += 1;
            }
            _ => {}
        }
    }
    if count == 0 {
        return Err(invalid("file", "choose a file first"));
    }
    let root = if named.text == "." { String::new() } else { links::path_of(&visitor.identity, &named.key) };
    Ok(Redirect::to(&(links::page(&root) + &told("stored", count))).into_response())
}

/// Stores one file, which is one only once all its nodes have acknowledged it.
async fn store(visitor: &Visitor, named: &Named, name: &str, mut field: Field<'_>, replace: bool) -> Result<(), Failed> {
    // Some browsers send a path; nothing but its end is a name here.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let path = links::path_of(&visitor.identity, &named.key.child(name));
    let stored_as = StoreAs { replace, ..StoreAs::default() };
    let begun = visitor.access.store_stream(&path, Declared { size: None, modified: None }, None, stored_as).await?;
    let BegunUpload { transfer, mut writer, .. } = begun;
    loop {
        match field.chunk().await {
            Ok(Some(chunk)) => {
                // The report says why an upload is over.
                if writer.write(chunk).await.is_err() {
                    break;
                }
            }
            Ok(None) => {
                let _ = writer.finish().await;
                break;
            }
            Err(error) => {
                drop(writer);
                let _ = visitor.access.call(Cancel { transfer }).await;
                return Err(Failed(Problem::invalid("file", error.body_text())));
            }
        }
    }
    visitor.access.call(Await { transfer }).await?.into_result()?;
    Ok(())
}
