//! Lists of files and directories, page by page: searched, sorted, and with the place at which the next page begins.

use axum::Json;
use p2p_service::access::browsing::{Browsing, Place, Sort};
use p2p_service::files::FileKey;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::described::FileEntry;
use super::{PATH_MAX, User, checked};
use crate::api::extract::Query;
use crate::problem::Problem;

/// Entries of a page at the most.
pub(super) const PAGE_MAX: u32 = 1000;
/// Length of a text that is searched for, at the most, in bytes.
const SEARCH_MAX: usize = 256;

/// Order of a list.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SortBy {
    #[default]
    Name,
    Kind,
    Size,
    Modified,
    Created,
}

impl From<SortBy> for Sort {
    fn from(by: SortBy) -> Sort {
        match by {
            SortBy::Name => Sort::Name,
            SortBy::Kind => Sort::Kind,
            SortBy::Size => Sort::Size,
            SortBy::Modified => Sort::Modified,
            SortBy::Created => Sort::Created,
        }
    }
}

/// Direction of an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SortOrder {
    #[default]
    Asc,
    Desc,
}

/// List that is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Directory; without one, one's own files and what others share.
    path: Option<String>,
    /// Text that names have in them, whatever the case of its letters.
    search: Option<String>,
    /// True if what is in the directories is listed as well.
    #[serde(default)]
    recursive: bool,
    /// Property that the list is sorted by; entries that are alike in it are in the order of their names.
    #[serde(default)]
    sort: SortBy,
    /// Direction of the order.
    #[serde(default)]
    order: SortOrder,
    /// Entries of the page at the most: 1 to 1000, and 1000 without a number.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next` of the page before this one.
    after: Option<String>,
}

/// Page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileList {
    /// Directory that is listed; null for one's own files and what others share.
    path: Option<String>,
    /// Entries of the page, in the order of the list.
    entries: Vec<FileEntry>,
    /// Value of `after` for the next page; null on the last.
    next: Option<String>,
}

/// Lists a directory, or what is found below it.
#[utoipa::path(get, path = "/files", operation_id = "list_files", params(Wanted), tag = "files", responses(
    (status = 200, description = "A page of the list", body = FileList),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(user: User, Query(wanted): Query<Wanted>) -> Result<Json<FileList>, Problem> {
    let browsing = browsing(&wanted)?;
    let page = user.access.browse(&user.identity, &browsing).await?;
    let entries = user.described(&page.entries).await?;
    Ok(Json(FileList { path: browsing.path, entries, next: page.next.map(|place| token_of(&place)) }))
}

fn browsing(wanted: &Wanted) -> Result<Browsing, Problem> {
    let Wanted { path, search, recursive, sort, order, limit, after } = wanted;
    let path = path.as_deref().filter(|path| !path.is_empty()).map(|path| checked("path", path)).transpose()?;
    let search = search.as_deref().filter(|search| !search.is_empty());
    if search.is_some_and(|search| search.len() > SEARCH_MAX) {
        return Err(Problem::invalid("search", format_args!("it has more than {SEARCH_MAX} bytes")));
    }
    let max = match limit.unwrap_or(PAGE_MAX) {
        limit @ 1..=PAGE_MAX => limit as usize,
        _ => return Err(Problem::invalid("limit", format_args!("a page has 1 to {PAGE_MAX} entries"))),
    };
    let after = after.as_deref().filter(|after| !after.is_empty()).map(place_of).transpose()?;
    Ok(Browsing {
        path: path.map(str::to_owned),
        is_recursive: *recursive,
        search: search.map(str::to_owned),
        sort: (*sort).into(),
        is_descending: *order == SortOrder::Desc,
        after,
        max,
    })
}

/// Returns the text that stands for a place in a list: the number that it is sorted by, the owner, whose name has no `/` in it, and the path.
fn token_of(Place { rank, key }: &Place) -> String {
    format!("{rank}/{}/{}", key.owner.as_deref().unwrap_or_default(), key.name)
}

fn place_of(token: &str) -> Result<Place, Problem> {
    let parsed = || {
        let (rank, key) = token.split_once('/').filter(|_| token.len() <= PATH_MAX + 32)?;
        let (owner, name) = key.split_once('/')?;
        Some(Place { rank: rank.parse().ok()?, key: FileKey::new(Some(owner).filter(|owner| !owner.is_empty()), name) })
    };
    parsed().ok_or_else(|| Problem::invalid("after", "no page has given it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_place() {
        for key in [FileKey::unowned("a/b"), FileKey::new(Some("alice"), "a b"), FileKey::new(Some("alice"), "")] {
            let place = Place { rank: 7, key };
            assert_eq!(place_of(&token_of(&place)).unwrap(), place);
        }
        for wrong in ["x", "7", "7/a", "-1/a/b", &format!("7/a/{}", "x".repeat(9000))] {
            assert!(place_of(wrong).is_err(), "{wrong}");
        }
    }
}
