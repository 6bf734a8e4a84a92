//! The page of a directory: its entries as a list or as tiles, sorted, searched, and page by page.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{COOKIE, SET_COOKIE};
use p2p_base::spelling::visible;
use p2p_service::access::Identity;
use p2p_service::access::browsing::{Numbered, NumberedPage, Sort};
use p2p_service::event_words::bytes_of;
use p2p_service::files::{Entry, FileKey};

use super::entries::{Row, linked_paths};
use super::fields::Fields;
use super::frame::{Failed, Frame, Part, Visitor};
use super::links::{self, encoded};
use super::named::Named;
use super::page;

/// Entries of a page of a directory.
pub(super) const PAGE: usize = 200;
/// Name of the cookie that remembers tiles or a list.
const VIEW: &str = "p2p_view";

/// Step of the way from the root to a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crumb {
    pub(super) name: String,
    pub(super) href: String,
}

/// Heading by which a list can be sorted.
#[derive(Debug)]
struct Heading {
    name: &'static str,
    href: String,
    /// `ascending`, `descending`, or empty.
    sorted: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "files.html")]
struct Listing {
    frame: Frame,
    crumbs: Vec<Crumb>,
    /// Name of the directory, for the title.
    name: String,
    /// Path by which forms name the directory; empty for the root.
    path: String,
    href: String,
    rows: Vec<Row>,
    headings: Vec<Heading>,
    search: String,
    /// True if the directory is among the user's own files.
    is_own: bool,
    /// True if the user may store files here.
    may_store: bool,
    is_shared: bool,
    is_grid: bool,
    /// Link that changes between a list and tiles.
    other_view: String,
    total: usize,
    bytes: String,
    number: usize,
    pages: usize,
    before: String,
    after: String,
    done: String,
}

/// List that the query asks for.
#[derive(Debug, Clone)]
struct Wanted {
    sort: Sort,
    is_descending: bool,
    search: String,
    is_shared: bool,
    number: usize,
}

impl Wanted {
    fn of(query: &Fields) -> Wanted {
        Wanted {
            sort: sort_of(query.get("sort")),
            is_descending: query.get("order") == "desc",
            search: query.get("search").trim().to_owned(),
            is_shared: query.has("shared"),
            number: query.get("page").parse().unwrap_or(1).max(1),
        }
    }

    /// Returns the query that asks for this.
    fn query(&self) -> String {
        let mut query = format!("?sort={}&order={}", name_of(self.sort), if self.is_descending { "desc" } else { "asc" });
        if !self.search.is_empty() {
            query += &format!("&search={}", encoded(&self.search));
        }
        if self.is_shared {
            query += "&shared=1";
        }
        if self.number > 1 {
            query += &format!("&page={}", self.number);
        }
        query
    }

    fn headings(&self, href: &str) -> Vec<Heading> {
        let heading = |(name, sort): (&'static str, Sort)| {
            let is_current = sort == self.sort;
            let is_descending = if is_current { !self.is_descending } else { sort != Sort::Name };
            let sorted = match (is_current, self.is_descending) {
                (false, _) => "",
                (true, false) => "ascending",
                (true, true) => "descending",
            };
            Heading { name, href: href.to_owned() + &Wanted { sort, is_descending, number: 1, ..self.clone() }.query(), sorted }
        };
        [("Name", Sort::Name), ("Size", Sort::Size), ("Modified", Sort::Modified)].map(heading).into()
    }
}

/// Answers with the page of a directory that the user may know of.
pub(super) async fn shown(visitor: &Visitor, named: &Named, query: &Fields, headers: &HeaderMap) -> Result<Response, Failed> {
    let (identity, key, wanted) = (&visitor.identity, &named.key, Wanted::of(query));
    let found = found(visitor, named, &wanted).await?;
    let path =
        if key.is_root() && key.owner.as_deref() == identity.name() { String::new() } else { links::path_of(identity, key) };
    let href = links::page(&path);
    let at = |number: usize| href.clone() + &Wanted { number, ..wanted.clone() }.query();
    let view = view_of(query, headers);
    let is_grid = view.0 == "grid";
    let linked = linked_paths(visitor).await?;
    let row = |entry: &Entry| match wanted.search.is_empty() && !wanted.is_shared {
        true => Row::of(identity, entry),
        // What is found anywhere is named by its whole path.
        false => Row { name: visible(&links::path_of(identity, entry.key())).into_owned(), ..Row::of(identity, entry) },
    };
    let listing = Listing {
        frame: visitor.frame(if wanted.is_shared { Part::Shared } else { Part::Files }),
        crumbs: crumbs(identity, key),
        name: title(identity, key, &wanted),
        rows: found.entries.iter().map(|entry| row(entry).linked(entry, &linked)).collect(),
        headings: wanted.headings(&href),
        is_own: key.owner.as_deref() == identity.name() && !wanted.is_shared,
        may_store: !wanted.is_shared && visitor.access.may_store_in(identity, key).await,
        is_shared: wanted.is_shared,
        is_grid,
        other_view: format!("{}&view={}", at(found.number), if is_grid { "list" } else { "grid" }),
        before: if found.number > 1 { at(found.number - 1) } else { String::new() },
        after: if found.number < found.pages { at(found.number + 1) } else { String::new() },
        done: done(query),
        search: wanted.search.clone(),
        path,
        href,
        total: found.total,
        bytes: bytes_of(found.bytes),
        number: found.number,
        pages: found.pages,
    };
    let shown = page(&listing);
    Ok(match view {
        (view, true) => {
            ([(SET_COOKIE, format!("{VIEW}={view}; Path=/; Max-Age=31536000; SameSite=Strict; HttpOnly"))], shown).into_response()
        }
        _ => shown,
    })
}

/// Returns a page of the entries of a directory, of what a search finds within it, or of what others share.
async fn found(visitor: &Visitor, named: &Named, wanted: &Wanted) -> Result<NumberedPage, Failed> {
    let numbered = Numbered {
        path: Some(named.text.clone()).filter(|_| !wanted.is_shared),
        search: wanted.search.clone(),
        sort: wanted.sort,
        is_descending: wanted.is_descending,
        number: wanted.number,
        max: PAGE,
    };
    Ok(visitor.access.browse_numbered(&visitor.identity, &numbered).await?)
}

/// Returns the order that a query asks for; by name, if it does not name anything else.
fn sort_of(text: &str) -> Sort {
    match text {
        "size" => Sort::Size,
        "modified" => Sort::Modified,
        _ => Sort::Name,
    }
}

/// Returns the name of an order in a query.
const fn name_of(sort: Sort) -> &'static str {
    match sort {
        Sort::Size => "size",
        Sort::Modified => "modified",
        Sort::Name | Sort::Kind | Sort::Created => "name",
    }
}

fn title(identity: &Identity, key: &FileKey, wanted: &Wanted) -> String {
    match (wanted.is_shared, key.is_root(), &key.owner) {
        (true, ..) => "Shared with me".to_owned(),
        (false, true, owner) if owner.as_deref() == identity.name() => "My files".to_owned(),
        (false, true, Some(owner)) => format!("Files of {owner}"),
        (false, true, None) => "Files without an owner".to_owned(),
        (false, false, _) => visible(key.last_name()).into_owned(),
    }
}

/// Returns the way from the root to a file or directory, itself the last.
pub(super) fn crumbs(identity: &Identity, key: &FileKey) -> Vec<Crumb> {
    let mut keys: Vec<FileKey> = key.ancestors().filter(|above| !above.is_root()).collect();
    keys.sort();
    if !key.is_root() {
        keys.push(key.clone());
    }
    let root = match &key.owner {
        owner if owner.as_deref() == identity.name() => Crumb { name: "My files".to_owned(), href: links::page("") },
        Some(owner) => Crumb { name: format!("~{owner}"), href: links::page(&format!("~{owner}")) },
        None => Crumb { name: "/".to_owned(), href: links::page("/") },
    };
    let step =
        |key: &FileKey| Crumb { name: visible(key.last_name()).into_owned(), href: links::page(&links::path_of(identity, key)) };
    std::iter::once(root).chain(keys.iter().map(step)).collect()
}

/// Returns `grid` or `list`: what the query asks for, which is remembered, or what was remembered.
fn view_of(query: &Fields, headers: &HeaderMap) -> (&'static str, bool) {
    let named = |text: &str| match text {
        "grid" => Some("grid"),
        "list" => Some("list"),
        _ => None,
    };
    if let Some(view) = named(query.get("view")) {
        return (view, true);
    }
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let remembered = cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == VIEW);
    (remembered.and_then(|(_, view)| named(view)).unwrap_or("list"), false)
}

/// Returns the sentence about what was done before. What is in a query comes from anywhere, so that only known words and numbers are told.
fn done(query: &Fields) -> String {
    let count: u64 = query.get("count").parse().unwrap_or(1);
    let items = if count == 1 { "1 item was".to_owned() } else { format!("{count} items were") };
    match query.get("done") {
        "deleted" => format!("{items} deleted."),
        "moved" => format!("{items} moved."),
        "copied" => format!("{items} copied."),
        "stored" => format!("{items} stored, and acknowledged by the nodes."),
        "made" => "The directory was made.".to_owned(),
        "renamed" => "The item was renamed.".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_query_tells_nothing_but_known_words() {
        assert_eq!(done(&fields(&[("done", "deleted"), ("count", "2")])), "2 items were deleted.");
        assert_eq!(done(&fields(&[("done", "<b>"), ("count", "x")])), "");
    }

    #[test]
    fn a_heading_turns_its_own_order_and_begins_another() {
        let wanted = Wanted::of(&fields(&[("sort", "size"), ("order", "desc"), ("search", "a b"), ("page", "7")]));
        let found: Vec<_> = wanted.headings("/files/").into_iter().map(|heading| (heading.href, heading.sorted)).collect();
        assert_eq!(found[0], ("/files/?sort=name&order=asc&search=a%20b".to_owned(), ""));
        assert_eq!(found[1], ("/files/?sort=size&order=asc&search=a%20b".to_owned(), "descending"));
        assert_eq!(found[2].0, "/files/?sort=modified&order=desc&search=a%20b");
    }

    #[test]
    fn the_view_is_remembered() {
        let headers = |text: &str| HeaderMap::from_iter([(COOKIE, text.parse().unwrap())]);
        assert_eq!(view_of(&fields(&[]), &headers("a=b; p2p_view=grid")), ("grid", false));
        assert_eq!(view_of(&fields(&[("view", "list")]), &headers("p2p_view=grid")), ("list", true));
        assert_eq!(view_of(&fields(&[("view", "x")]), &headers("p2p_view=x")), ("list", false));
    }
}
