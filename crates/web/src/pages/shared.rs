//! `/s/TOKEN`: what a link is to, for whoever has it. The token in the path is all that is needed, so that no other site may learn the address
//! (`Referrer-Policy: no-referrer`) and no search engine keeps it.

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{HeaderName, REFERRER_POLICY};
use p2p_base::spelling::visible;
use p2p_service::access::Access;
use p2p_service::access::browsing::{Numbered, NumberedPage};
use p2p_service::access::links::OpenLink;
use p2p_service::event_words::{bytes_of, date_of};
use p2p_service::files::{Entry, FileKey};

use super::entries::Row;
use super::fields::Fields;
use super::frame::Failed;
use super::links::{encoded, encoded_path};
use super::listing::{Crumb, PAGE};
use super::page;
use crate::api::extract::{Path, Query};
use crate::api::open_link;
use crate::callers::Stranger;
use crate::web::Web;

/// Header that keeps search engines away.
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

#[derive(Debug, Template)]
#[template(path = "shared.html")]
struct SharedPage {
    name: String,
    owner: String,
    expires: String,
    crumbs: Vec<Crumb>,
    is_directory: bool,
    size: String,
    sha256: String,
    modified: String,
    download: String,
    rows: Vec<Row>,
    total: usize,
    before: String,
    after: String,
    number: usize,
    pages: usize,
}

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/s/{token}", get(shown))
}

async fn shown(Stranger(access): Stranger, Path(token): Path<String>, Query(query): Query<Fields>) -> Response {
    let answer = answer(&access, &token, &query).await.unwrap_or_else(IntoResponse::into_response);
    ([(REFERRER_POLICY, "no-referrer"), (ROBOTS, "noindex, nofollow")], answer).into_response()
}

/// Link that is open, with its own address.
struct Link {
    base: String,
    open: OpenLink,
}

async fn answer(access: &Access, token: &str, query: &Fields) -> Result<Response, Failed> {
    let link = Link { base: format!("/s/{}", encoded(token)), open: open_link(access, token.to_owned()).await? };
    let path = query.get("path");
    let key = if path.is_empty() { link.open.root.clone() } else { link.open.root.child(path) };
    let text = link.open.identity.label(&key);
    let entry = access.known_entry(&link.open.identity, &text).await?;
    let directory = matches!(entry, Entry::Directory(_));
    let found = match directory {
        true => {
            let number = query.get("page").parse().unwrap_or(1);
            let wanted = Numbered { path: Some(text), number, max: PAGE, ..Numbered::default() };
            access.browse_numbered(&link.open.identity, &wanted).await?
        }
        false => NumberedPage::default(),
    };
    let NumberedPage { number, pages, total, .. } = found;
    let at = |number: usize| format!("{}?path={}&page={number}", link.base, encoded(link.below(&key)));
    let rows = found.entries.iter().map(|entry| link.row(entry)).collect();
    let row = Row::of(&link.open.identity, &entry);
    Ok(page(&SharedPage {
        name: row.name,
        owner: key.owner.clone().unwrap_or_default(),
        expires: date_of(link.open.expires_at),
        crumbs: link.crumbs(&key),
        is_directory: directory,
        size: if directory { bytes_of(found.bytes) } else { row.size },
        sha256: row.sha256,
        modified: row.modified,
        download: link.content(&key),
        rows,
        total,
        before: if number > 1 { at(number - 1) } else { String::new() },
        after: if number < pages { at(number + 1) } else { String::new() },
        number,
        pages,
    }))
}

impl Link {
    /// Returns the page of what is within the link.
    fn href(&self, key: &FileKey) -> String {
        match self.below(key) {
            "" => self.base.clone(),
            below => format!("{}?path={}", self.base, encoded(below)),
        }
    }

    /// Returns the link to the content of a file.
    fn content(&self, key: &FileKey) -> String {
        match self.below(key) {
            "" => format!("{}/content?download", self.base),
            below => format!("{}/content/{}?download", self.base, encoded_path(below)),
        }
    }

    /// Returns the path of what is within the link, seen from there.
    fn below<'a>(&self, key: &'a FileKey) -> &'a str {
        key.name.strip_prefix(&self.open.root.name).unwrap_or_default().trim_start_matches('/')
    }

    fn row(&self, entry: &Entry) -> Row {
        let (href, content) = (self.href(entry.key()), self.content(entry.key()));
        Row { content, href, shared_with: String::new(), ..Row::of(&self.open.identity, entry) }
    }

    /// Returns the way from what the link is to, to a file or directory within it.
    fn crumbs(&self, key: &FileKey) -> Vec<Crumb> {
        let mut keys: Vec<FileKey> =
            key.ancestors().filter(|above| *above == self.open.root || above.is_within(&self.open.root)).collect();
        keys.sort();
        keys.push(key.clone());
        keys.iter().map(|key| Crumb { name: visible(key.last_name()).into_owned(), href: self.href(key) }).collect()
    }
}
