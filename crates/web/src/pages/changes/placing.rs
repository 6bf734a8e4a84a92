//! Places: moving and copying into a directory, which is chosen from the tree of the user's own ones.

use askama::Template;
use axum::response::Response;
use p2p_base::spelling::visible;
use p2p_service::access::AccessError;
use p2p_service::access::copies::Copying;
use p2p_service::files::{Entry, FileKey};

use super::{Items, partly};
use crate::pages::fields::Fields;
use crate::pages::frame::{Frame, Part, Visitor};
use crate::pages::{links, page};
use crate::problem::Problem;

/// Directories that the tree shows at the most; a deeper one can be typed.
const DIRECTORIES_MAX: usize = 2_000;
/// Levels of the tree that are drawn apart.
const LEVELS: usize = 8;

/// Directory of the tree.
#[derive(Debug)]
struct Place {
    path: String,
    name: String,
    level: usize,
}

#[derive(Debug, Template)]
#[template(path = "place.html")]
struct Asked {
    frame: Frame,
    items: Items,
    problem: String,
    is_copy: bool,
    shown: Vec<String>,
    places: Vec<Place>,
    is_cut: bool,
}

/// Returns the page that asks for a directory.
pub(super) fn asked(visitor: &Visitor, items: Items, fields: &Fields, problem: String) -> Response {
    let (places, is_cut) = places(visitor, &items);
    let shown = items.paths.iter().map(|path| visible(path).into_owned()).collect();
    let is_copy = fields.get("do") == "copy";
    page(&Asked { frame: visitor.frame(Part::Files), items, problem, is_copy, shown, places, is_cut })
}

/// Returns the directories of the user, without those that are moved themselves, and whether there are more.
fn places(visitor: &Visitor, items: &Items) -> (Vec<Place>, bool) {
    let identity = &visitor.identity;
    let (names, root) = (visitor.access.names(), FileKey::new(identity.name(), ""));
    let moved: Vec<FileKey> = items.paths.iter().map(|path| identity.key_of(path)).collect();
    let is_moved = |key: &FileKey| moved.iter().any(|moved| key == moved || key.is_within(moved));
    let directories = names.tree(&root).filter(|entry| matches!(entry, Entry::Directory(_)) && !is_moved(entry.key()));
    let place = |entry: &Entry| Place {
        path: links::path_of(identity, entry.key()),
        name: visible(entry.key().last_name()).into_owned(),
        level: entry.key().ancestors().count().min(LEVELS),
    };
    let mut places: Vec<Place> = directories.take(DIRECTORIES_MAX + 1).map(place).collect();
    let is_cut = places.len() > DIRECTORIES_MAX;
    places.truncate(DIRECTORIES_MAX);
    (places, is_cut)
}

/// Returns the directory of the form, as the begin of a path: what was typed goes before what was chosen.
fn target(fields: &Fields) -> Result<String, Problem> {
    let path = match fields.get("typed").trim() {
        "" if fields.has("to") => fields.get("to"),
        "" => return Err(Problem::invalid("to", "choose a directory")),
        typed => typed,
    };
    let path = path.trim_end_matches('/');
    Ok(if path.is_empty() || path == "." { String::new() } else { format!("{path}/") })
}

/// Returns the path of an item in a directory, under its own name.
fn within(directory: &str, key: &FileKey) -> String {
    match directory {
        // An own name like `~bob` would be another user's tree.
        "" if key.last_name().starts_with('~') => format!("./{}", key.last_name()),
        directory => format!("{directory}{}", key.last_name()),
    }
}

/// Moves items into a directory, and returns their number.
pub(super) async fn moved(visitor: &Visitor, items: Items, fields: &Fields) -> Result<usize, Problem> {
    let (directory, mut done, mut problems) = (target(fields)?, 0, Vec::new());
    for path in items.paths {
        match move_one(visitor, &path, &directory, fields.has("replace")).await {
            Ok(()) => done += 1,
            Err(error) => problems.push((path, error.into())),
        }
    }
    partly(problems, done).map_or(Ok(done), Err)
}

async fn move_one(visitor: &Visitor, path: &str, directory: &str, replace: bool) -> Result<(), AccessError> {
    let Visitor { access, identity, .. } = visitor;
    let key = access.changeable(identity, path).await?.key().clone();
    let change = access.renaming(identity, path, &within(directory, &key), replace).await?;
    access.record_move(identity, &change.from).await?;
    access.call(change).await?;
    Ok(())
}

/// Copies items into a directory by reference, and returns their number.
pub(super) async fn copied(visitor: &Visitor, items: Items, fields: &Fields) -> Result<usize, Problem> {
    let (directory, mut done, mut problems) = (target(fields)?, 0, Vec::new());
    let how = Copying { replace: fields.has("replace"), preserve: false };
    for path in items.paths {
        match copy_one(visitor, &path, &directory, how).await {
            Ok(()) => done += 1,
            Err(error) => problems.push((path, error.into())),
        }
    }
    partly(problems, done).map_or(Ok(done), Err)
}

/// Copies a file, or a directory with the files that the user may read of it.
async fn copy_one(visitor: &Visitor, path: &str, directory: &str, how: Copying) -> Result<(), AccessError> {
    let Visitor { access, identity, .. } = visitor;
    let (root, entries) = access.tree(identity, path).await?;
    let to = within(directory, &root);
    for entry in &entries {
        let below = entry.key().name.strip_prefix(&root.name).unwrap_or_default();
        let (from, to) = (links::path_of(identity, entry.key()), format!("{to}{below}"));
        match entry {
            Entry::Directory(_) => access.call(access.directory(&to, true)?).await?,
            Entry::File(_) => {
                let copy = access.copying(identity, &from, &to, how).await?;
                access.record_copy(identity, &copy.from).await?;
                access.call(copy).await?
            }
        };
    }
    Ok(())
}
