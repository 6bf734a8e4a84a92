//! Files: what REST has of lists, content, changes and sharing.
//!
//! | file | contents |
//! |---|---|
//! | `described` | files and directories as JSON |
//! | `listing` | lists, page by page |
//! | `info` | one file with its segments, and its attributes |
//! | `download` | the content of a file, by ranges and under conditions |
//! | `upload` | content that becomes a file |
//! | `multipart` | files of a form |
//! | `conditions`, `ranges`, `disposition` | the headers of HTTP that these have |
//! | `produced` | bodies of answers that a task of their own produces |
//! | `changes` | removals, other names, copies, directories |
//! | `sharing` | what other users may do, and whom one can share with |
//! | `links` | links for whoever has them |
//! | `index` | directories as pages of links, for programs that follow these |
//! | `older` | the older paths |
//!
//! Memory of a request is bounded whatever its client does: an upload has what the connection has read ahead and what the engine takes ahead,
//! a download two pieces and what the engine fetches ahead, and a list one page.

mod changes;
mod conditions;
mod described;
mod disposition;
mod download;
mod index;
mod info;
mod links;
mod listing;
mod mode;
mod multipart;
mod older;
mod produced;
mod ranges;
mod sharing;
mod upload;

pub(crate) use self::links::{open_link, origin, revoke_link};
pub(crate) use self::multipart::stored_into;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::routing::{delete, get, patch, post};
use http::request::Parts;
use p2p_service::access::{Access, Identity};
use p2p_service::files::PATH_BYTES_MAX;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub(super) use self::described::FileContent;
use super::aliases::Alias;
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

/// Length of a path at the most, in bytes: the longest one that can be stored, and the name of its owner before it.
const PATH_MAX: usize = PATH_BYTES_MAX + 256;

/// Part of the description that is about files.
#[derive(OpenApi)]
#[openapi(
    components(schemas(listing::SortBy, listing::SortOrder)),
    paths(
        listing::list,
        info::info,
        info::set,
        download::content,
        download::content_head,
        upload::store,
        changes::remove,
        changes::rename,
        changes::copy,
        changes::make_directory,
        multipart::store_files,
        sharing::share,
        sharing::withdraw,
        sharing::users,
        links::list,
        links::make,
        links::revoke,
        index::root,
        index::below
    )
)]
struct Described;

/// Returns the routes below `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::with_openapi(Described::openapi())
        .route("/files", get(listing::list))
        .route("/files/info/{*path}", get(info::info).merge(patch(info::set)))
        .route(
            "/files/content/{*path}",
            get(download::content).head(download::content_head).put(upload::store).delete(changes::remove),
        )
        .route("/files/upload", post(multipart::store_files).layer(DefaultBodyLimit::disable()))
        .route("/files/move", post(changes::rename))
        .route("/files/copy", post(changes::copy))
        .route("/files/directories", post(changes::make_directory))
        .route("/files/share", post(sharing::share).delete(sharing::withdraw))
        .route("/files/index/", get(index::root))
        .route("/files/index/{*path}", get(index::below))
        .route("/users", get(sharing::users))
        .route("/share-links", get(links::list).post(links::make))
        .route("/share-links/{name}", delete(links::revoke))
}

/// Part of the description that is about files and not below `/api/v1`.
#[derive(OpenApi)]
#[openapi(paths(older::content, older::remove, links::content, links::content_below))]
struct DescribedOthers;

/// Returns the older paths of the same meaning.
pub(super) fn aliases() -> [Alias; 2] {
    let upload = post(multipart::store_files).layer(DefaultBodyLimit::disable());
    [
        Alias { older: "/api/files/upload", of: "/files/upload", handlers: upload },
        Alias { older: "/api/files/list", of: "/files", handlers: get(listing::list) },
    ]
}

/// Returns the routes of the older paths that name a file by its number, and those of the content of links.
pub(super) fn others() -> OpenApiRouter<Web> {
    OpenApiRouter::with_openapi(DescribedOthers::openapi())
        .route("/api/files/download/{id}", get(older::content))
        .route("/api/files/{id}", delete(older::remove))
        .route("/s/{token}/content", get(links::content))
        .route("/s/{token}/content/{*path}", get(links::content_below))
}

/// Caller of a request who is logged in. An extractor of handlers.
#[derive(Debug, Clone)]
pub(super) struct User {
    access: Access,
    identity: Arc<Identity>,
}

impl User {
    /// Returns the user of an access that has been asked for.
    fn of(access: Access) -> Result<User, Problem> {
        let identity = access.identity();
        access.require_login(&identity)?;
        Ok(User { access, identity })
    }
}

impl FromRequestParts<Web> for User {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<User, Problem> {
        let Caller(access) = <Caller as FromRequestParts<Web>>::from_request_parts(parts, web).await?;
        User::of(access)
    }
}

/// Refuses a path that nothing can have, before it is looked for and named in an error.
fn checked<'p>(field: &str, path: &'p str) -> Result<&'p str, Problem> {
    match path.len() {
        0 => Err(Problem::invalid(field, "it is empty; `.` is your root")),
        len if len > PATH_MAX => {
            Err(Problem::invalid(field, format_args!("it has {len} bytes; at most {PATH_BYTES_MAX} are allowed")))
        }
        _ => Ok(path),
    }
}
