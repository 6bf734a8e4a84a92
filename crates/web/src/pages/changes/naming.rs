//! Names: a new directory, and another name for what is there, by a form each.

use askama::Template;
use axum::response::Response;
use p2p_service::files::FileKey;

use super::Items;
use crate::pages::fields::Fields;
use crate::pages::frame::{Frame, Part, Visitor};
use crate::pages::named::Named;
use crate::pages::{links, page};
use crate::problem::Problem;

/// Page that asks for a name.
#[derive(Debug, Template)]
#[template(path = "name.html")]
struct Asked {
    frame: Frame,
    items: Items,
    problem: String,
    title: &'static str,
    action: &'static str,
    name: String,
    button: &'static str,
}

pub(super) fn asked_directory(visitor: &Visitor, items: Items, fields: &Fields, problem: String) -> Response {
    let name = fields.get("name").to_owned();
    let (title, action, button) = ("New directory", "new-directory", "Make the directory");
    page(&Asked { frame: visitor.frame(Part::Files), items, problem, title, action, name, button })
}

/// Makes a directory in the one that is named.
pub(super) async fn made_directory(visitor: &Visitor, named: &Named, fields: &Fields) -> Result<(), Problem> {
    let name = one_name(fields)?;
    let path = links::path_of(&visitor.identity, &named.key.child(name));
    visitor.access.call(visitor.access.directory(&path, false)?).await?;
    Ok(())
}

pub(super) fn asked_name(visitor: &Visitor, items: Items, fields: &Fields, problem: String) -> Response {
    let last = items.paths.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let name = if fields.has("name") { fields.get("name") } else { last }.to_owned();
    let (title, action, button) = ("Rename", "rename", "Rename");
    page(&Asked { frame: visitor.frame(Part::Files), items, problem, title, action, name, button })
}

/// Gives an item another name in its directory.
pub(super) async fn renamed(visitor: &Visitor, items: Items, fields: &Fields) -> Result<(), Problem> {
    let name = one_name(fields)?;
    let Visitor { access, identity, .. } = visitor;
    for path in items.paths.iter().take(1) {
        let key: FileKey = access.changeable(identity, path).await?.key().clone();
        let to = key.parent().map_or_else(|| FileKey { name: name.to_owned(), ..key.clone() }, |parent| parent.child(name));
        if access.names().get(&to).is_some() {
            // A move to the path of a directory would be one into it.
            return Err(Problem::invalid("name", "there is something of this name already; choose another"));
        }
        let change = access.renaming(identity, path, &links::path_of(identity, &to), false).await?;
        access.record_move(identity, &change.from).await?;
        access.call(change).await?;
    }
    Ok(())
}

/// Returns the name of the form: one without a directory.
fn one_name(fields: &Fields) -> Result<&str, Problem> {
    match fields.get("name").trim() {
        "" => Err(Problem::invalid("name", "give a name")),
        name if name.contains('/') => Err(Problem::invalid("name", "a name has no `/` in it; to put it elsewhere, move it")),
        name => Ok(name),
    }
}
