//! Sharing: users who may read a file or directory, or store new files in a directory, and links for whoever has them.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use p2p_base::spelling::visible;
use p2p_service::access::AccessError;
use p2p_service::access::links::Link;
use p2p_service::access::sharing::Shared;
use p2p_service::event_words::date_of;
use secrecy::ExposeSecret;

use super::Items;
use crate::api::revoke_link;
use crate::pages::fields::Fields;
use crate::pages::frame::{Failed, Frame, Part, Visitor};
use crate::pages::page;
use crate::problem::Problem;

/// Lifetimes of a link that the form offers, in days.
const DAYS: [u64; 4] = [1, 7, 30, 90];

/// Link to what is shared, as the page shows it.
#[derive(Debug)]
struct Row {
    name: String,
    used: String,
    expires: String,
}

#[derive(Debug, Template)]
#[template(path = "share.html")]
struct Asked {
    frame: Frame,
    items: Items,
    problem: String,
    shown: String,
    is_directory: bool,
    readers: Vec<String>,
    /// Users who may store new files in the directory.
    uploaders: Vec<String>,
    users: Vec<String>,
    links: Vec<Row>,
    is_admin: bool,
    /// Link that was made just now, which cannot be read again.
    new_link: String,
    days: [u64; 4],
}

/// Returns the page that says with whom something is shared.
pub(super) async fn asked(visitor: &Visitor, items: Items, problem: String, new_link: String) -> Result<Response, Failed> {
    let Visitor { access, identity, .. } = visitor;
    let path = items.paths.first().cloned().unwrap_or_default();
    let entry = access.changeable(identity, &path).await?;
    let is_own = entry.key().owner.as_deref() == identity.name();
    // Only one's own paths can be those of tokens.
    let links = if is_own { links_to(visitor, &entry.key().name).await? } else { Vec::new() };
    let is_directory = matches!(entry, p2p_service::files::Entry::Directory(_));
    let readers: Vec<String> = entry.readers().iter().cloned().collect();
    let uploaders: Vec<String> = entry.uploaders().into_iter().flatten().cloned().collect();
    let may_be_one = |user: &String| Some(user.as_str()) != entry.key().owner.as_deref();
    let users = access.users_to_share_with(identity).await?.into_iter().filter(may_be_one).collect();
    let (frame, shown) = (visitor.frame(Part::Files), visible(&path).into_owned());
    let (is_admin, days) = (identity.is_admin(), DAYS);
    let asked = Asked { frame, items, problem, shown, is_directory, readers, uploaders, users, links, is_admin, new_link, days };
    Ok(page(&asked))
}

/// Returns the links to this path of the user's own.
async fn links_to(visitor: &Visitor, path: &str) -> Result<Vec<Row>, AccessError> {
    let row = |link: Link| Row {
        name: link.name.to_string(),
        used: link.last_used.map(date_of).unwrap_or_else(|| "never".to_owned()),
        expires: date_of(link.expires_at),
    };
    Ok(visitor.access.links().await?.into_iter().filter(|link| link.path == path).map(row).collect())
}

/// Changes who may read something, and shows the page again.
pub(super) async fn made(visitor: &Visitor, items: Items, fields: &Fields) -> Result<Response, Failed> {
    let items = items.chosen()?;
    let path = items.paths.first().cloned().unwrap_or_default();
    let done = match fields.get("what") {
        "grant" => readable(visitor, &path, fields.get("user"), true).await.map(|()| String::new()),
        "grant-upload" => uploadable(visitor, &path, fields.get("user"), true).await.map(|()| String::new()),
        "revoke-upload" => uploadable(visitor, &path, fields.get("user"), false).await.map(|()| String::new()),
        "revoke" => readable(visitor, &path, fields.get("user"), false).await.map(|()| String::new()),
        "link" => new_link(visitor, &path, fields).await,
        "revoke-link" => revoke_link(&visitor.access, fields.get("name").to_owned()).await.map(|()| String::new()),
        _ => Err(Problem::invalid("what", "it is grant, revoke, grant-upload, revoke-upload, link or revoke-link")),
    };
    match done {
        Ok(link) if link.is_empty() => {
            let query = format!("?do=share&path={}", crate::pages::links::encoded(&path));
            Ok(Redirect::to(&(items.action.clone() + &query)).into_response())
        }
        Ok(link) => asked(visitor, items, String::new(), link).await,
        Err(problem) => {
            let status: StatusCode = problem.status();
            let page = asked(visitor, items, problem.detail().to_owned(), String::new()).await?;
            Ok((status, page).into_response())
        }
    }
}

async fn readable(visitor: &Visitor, path: &str, user: &str, may_read: bool) -> Result<(), Problem> {
    changed(visitor.access.share(&visitor.identity, path, named(user)?, may_read).await?)
}

async fn uploadable(visitor: &Visitor, path: &str, user: &str, may_upload: bool) -> Result<(), Problem> {
    changed(visitor.access.share_uploads(&visitor.identity, path, named(user)?, may_upload).await?)
}

/// Returns the user of the form.
fn named(user: &str) -> Result<&str, Problem> {
    Some(user.trim()).filter(|user| !user.is_empty()).ok_or_else(|| Problem::invalid("user", "name a user"))
}

fn changed(shared: Shared) -> Result<(), Problem> {
    match shared {
        Shared::Own { .. } => Err(Problem::invalid("user", "it is the owner, whose access cannot be changed")),
        Shared::Changed { .. } | Shared::Unchanged { .. } => Ok(()),
    }
}

/// Makes a link that ends after so many days, and returns its address.
async fn new_link(visitor: &Visitor, path: &str, fields: &Fields) -> Result<String, Problem> {
    let (Visitor { access, identity, origin, .. }, days) = (visitor, fields.days(&DAYS)?);
    let link = access.new_link(identity, path, access.now() + days * crate::pages::DAY).await?;
    Ok(format!("{origin}/s/{}", link.token.expose_secret()))
}
