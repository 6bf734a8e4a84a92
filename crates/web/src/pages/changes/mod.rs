//! Changes of files and directories by forms: each is a page that asks, and the same address takes the answer. The scripts show these pages
//! as dialogs, so that there is one way to change anything, with JavaScript and without.
//!
//! | file | contents |
//! |---|---|
//! | `removal` | what goes, and the removal |
//! | `naming` | a new directory, another name |
//! | `placing` | moving and copying into a directory |
//! | `sharing` | users who may read, and links |
//! | `upload` | files that a form stores |

mod naming;
mod placing;
mod removal;
mod sharing;
pub(super) mod upload;

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;

use super::fields::Fields;
use super::frame::{Failed, Visitor};
use super::links;
use super::named::{Named, invalid};
use crate::problem::Problem;

/// Items that one form changes at the most: a page of a list.
const ITEMS_MAX: usize = 200;

/// Items of a form, and the page to go back to.
#[derive(Debug)]
struct Items {
    /// Paths as the command language has them.
    paths: Vec<String>,
    /// Page that takes the answer.
    action: String,
    /// Page from which the items were chosen.
    back: String,
}

impl Items {
    fn of(visitor: &Visitor, named: &Named, fields: &Fields) -> Result<Items, Failed> {
        let path = links::path_of(&visitor.identity, &named.key);
        let paths: Vec<String> = fields.all("path").filter(|path| !path.is_empty()).map(str::to_owned).collect();
        let action = links::page(if named.key.is_root() && named.text == "." { "" } else { &path });
        let parent = named.key.parent().filter(|_| named.file.is_some() || paths.contains(&path));
        let back = match parent {
            Some(parent) if parent.is_root() && parent.owner.as_deref() == visitor.identity.name() => links::page(""),
            Some(parent) => links::page(&links::path_of(&visitor.identity, &parent)),
            None => action.clone(),
        };
        let paths = if paths.is_empty() && named.file.is_some() { vec![path] } else { paths };
        match paths.len() {
            ..=ITEMS_MAX => Ok(Items { paths, action, back }),
            _ => Err(invalid("path", "a form changes 200 items at the most")),
        }
    }

    /// Returns the items, of which there must be at least one.
    fn chosen(self) -> Result<Items, Failed> {
        if self.paths.is_empty() { Err(invalid("path", "tick what is meant, and press the button again")) } else { Ok(self) }
    }
}

/// Answers with the page that asks for what a change needs.
pub(super) async fn asked(visitor: &Visitor, named: &Named, fields: &Fields) -> Result<Response, Failed> {
    ask(visitor, named, fields, None).await
}

/// Makes a change, or asks for what it still needs. What cannot be done is told on the page that asks.
pub(super) async fn made(visitor: &Visitor, named: &Named, fields: &Fields) -> Result<Response, Failed> {
    if !fields.has("sure") {
        return asked(visitor, named, fields).await;
    }
    let items = Items::of(visitor, named, fields)?;
    let back = items.back.clone();
    let done = match fields.get("do") {
        "delete" => removal::made(visitor, items.chosen()?).await.map(|count| told("deleted", count)),
        "new-directory" => naming::made_directory(visitor, named, fields).await.map(|()| told("made", 1)),
        "rename" => naming::renamed(visitor, items.chosen()?, fields).await.map(|()| told("renamed", 1)),
        "move" => placing::moved(visitor, items.chosen()?, fields).await.map(|count| told("moved", count)),
        "copy" => placing::copied(visitor, items.chosen()?, fields).await.map(|count| told("copied", count)),
        "share" => return sharing::made(visitor, items, fields).await,
        _ => return Err(unknown()),
    };
    match done {
        Ok(told) => Ok(Redirect::to(&format!("{back}{told}")).into_response()),
        Err(problem) => ask(visitor, named, fields, Some(problem)).await,
    }
}

async fn ask(visitor: &Visitor, named: &Named, fields: &Fields, problem: Option<Problem>) -> Result<Response, Failed> {
    let items = Items::of(visitor, named, fields)?;
    let status = problem.as_ref().map_or(StatusCode::OK, Problem::status);
    let problem = problem.map(|problem| problem.detail().to_owned()).unwrap_or_default();
    let page = match fields.get("do") {
        "delete" => removal::asked(visitor, items.chosen()?, problem).await?,
        "new-directory" => naming::asked_directory(visitor, items, fields, problem),
        "rename" => naming::asked_name(visitor, items.chosen()?, fields, problem),
        "move" | "copy" => placing::asked(visitor, items.chosen()?, fields, problem),
        "share" => sharing::asked(visitor, items.chosen()?, problem, String::new()).await?,
        _ => return Err(unknown()),
    };
    Ok((status, page).into_response())
}

fn unknown() -> Failed {
    invalid("do", "it is delete, new-directory, rename, move, copy or share")
}

/// Returns the query by which the page that follows tells what was done.
fn told(what: &str, count: usize) -> String {
    format!("?done={what}&count={count}")
}

/// Returns the problem of a change of several items of which some could not be changed: what was done is said as well.
fn partly(problems: Vec<(String, Problem)>, done: usize) -> Option<Problem> {
    let (first, rest) = (problems.first()?, problems.len() - 1);
    let (name, problem) = first;
    let others = if rest == 0 { String::new() } else { format!("; {rest} more could not be changed either") };
    let detail = match done {
        0 => format!("{name}: {}{others}", problem.detail()),
        done => format!("{done} done, and of the rest: {name}: {}{others}", problem.detail()),
    };
    Some(problem.clone().with_detail(detail))
}
