//! The control room: what the network does, on one page, and what breaks and mends it. The page is whole without JavaScript, a snapshot with
//! its virtual time; the scripts in `assets/web/static` ask for it again and put in what has changed.
//!
//! | file | contents |
//! |---|---|
//! | `clock` | the virtual clock |
//! | `nodes` | the nodes, with what is proved of each |
//! | `map`, `topology` | the health map and the picture of the network; `wire` is what faults do to a path |
//! | `chart` | throughput of the client's link |
//! | `transfers`, `waterfall` | the list of transfers, and the page of one |
//! | `happened` | what has happened lately, and what changed just before |
//! | `storage`, `faults` | how full the nodes are; what is broken on purpose |
//! | `acts` | what an admin does by the forms of the page |
//! | `svg` | geometry of the pictures |
//!
//! All words and figures are those of the terminal's screen: they come from the same functions.

mod acts;
mod chart;
mod clock;
mod faults;
mod happened;
mod map;
mod nodes;
mod storage;
mod svg;
mod topology;
mod transfers;
mod waterfall;
mod wire;

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use p2p_service::access::{Access, AccessError};
use p2p_service::reasons::name;
use serde::Deserialize;

use self::acts::Told;
use self::chart::Throughput;
use self::clock::Clock;
use self::faults::{Faults, help_of};
use self::happened::Line;
use self::map::Map;
use self::nodes::Nodes;
use self::storage::Storage;
use self::topology::Picture;
use self::transfers::Transfers;
use self::waterfall::Waterfall;
use super::page;
use crate::api::extract::{Form, Path, Query};
use crate::callers::Caller;
use crate::problem::Problem;
use crate::web::Web;

/// What is asked for of the lists.
#[derive(Debug, Clone, Default, Deserialize)]
struct Asked {
    /// Page of the nodes, from 1.
    #[serde(default)]
    page: Option<usize>,
    /// Text that the nodes that are listed have in their names, addresses or states.
    #[serde(default)]
    find: String,
}

/// What all pages of the room have.
#[derive(Debug, Clone)]
struct Frame {
    user: String,
    is_admin: bool,
    csrf: String,
}

/// The control room.
#[derive(Template)]
#[template(path = "room.html")]
struct Room {
    frame: Frame,
    /// What the last act has come to.
    told: Option<Told>,
    clock: Clock,
    nodes: Nodes,
    map: Map,
    picture: Picture,
    throughput: Throughput,
    transfers: Transfers,
    happened: Vec<Line>,
    storage: Storage,
    faults: Faults,
    seed: u64,
}

/// The page of a transfer.
#[derive(Template)]
#[template(path = "room_transfer.html")]
struct OneTransfer {
    frame: Frame,
    told: Option<Told>,
    clock: Clock,
    waterfall: Waterfall,
}

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/room", get(room).post(act)).route("/room/transfers/{id}", get(transfer).post(act_on_transfer))
}

async fn room(caller: Option<Caller>, Query(asked): Query<Asked>) -> Response {
    let Some(Caller(access)) = caller else { return to_sign_in() };
    shown(&access, &asked, None).await
}

/// Does what a form of the room says, and answers with the room as it is then.
async fn act(caller: Option<Caller>, Query(asked): Query<Asked>, Form(form): Form<acts::Filled>) -> Response {
    let Some(Caller(access)) = caller else { return to_sign_in() };
    let told = acts::carry_out(&access, &form).await;
    shown(&access, &asked, Some(told)).await
}

async fn transfer(caller: Option<Caller>, Path(id): Path<u64>) -> Response {
    let Some(Caller(access)) = caller else { return to_sign_in() };
    transfer_shown(&access, id, None).await
}

async fn act_on_transfer(caller: Option<Caller>, Path(id): Path<u64>, Form(form): Form<acts::Filled>) -> Response {
    let Some(Caller(access)) = caller else { return to_sign_in() };
    let told = acts::carry_out(&access, &form).await;
    transfer_shown(&access, id, Some(told)).await
}

fn to_sign_in() -> Response {
    Redirect::to("/sign-in").into_response()
}

fn frame_of(access: &Access) -> Frame {
    let identity = access.identity();
    Frame { user: identity.name().unwrap_or_default().to_owned(), is_admin: identity.is_admin(), csrf: String::new() }
}

/// Returns the room with the figures of the present instant.
async fn shown(access: &Access, asked: &Asked, told: Option<Told>) -> Response {
    let snapshot = match access.present_snapshot().await {
        Ok(snapshot) => snapshot,
        Err(error) => return Problem::from(AccessError::from(error)).into_response(),
    };
    let (identity, frame) = (access.identity(), frame_of(access));
    let status = told.as_ref().map_or(StatusCode::OK, Told::status);
    let room = Room {
        clock: Clock::of(&snapshot),
        nodes: Nodes::of(&snapshot, &asked.find, asked.page.unwrap_or(1)),
        map: Map::of(&snapshot),
        picture: Picture::of(&snapshot),
        throughput: Throughput::of(&snapshot),
        transfers: Transfers::of(&snapshot, &identity),
        happened: happened::lines_of(&access.recent_events(happened::LOOKED), &identity),
        storage: Storage::of(&snapshot, frame.is_admin),
        faults: Faults::of(&snapshot, access),
        seed: access.seed(),
        frame,
        told,
    };
    (status, page(&room)).into_response()
}

async fn transfer_shown(access: &Access, id: u64, told: Option<Told>) -> Response {
    let snapshot = match access.present_snapshot().await {
        Ok(snapshot) => snapshot,
        Err(error) => return Problem::from(AccessError::from(error)).into_response(),
    };
    let Some(report) = snapshot.transfers.iter().find(|report| report.status.id.0 == id) else {
        let detail = format!("there is no transfer #{id}, or it is over and no longer remembered; /room lists the latest");
        return Problem::new(StatusCode::NOT_FOUND, name::NOT_FOUND, detail).into_response();
    };
    let waterfall = Waterfall::of(&snapshot, report, &access.identity());
    let status = told.as_ref().map_or(StatusCode::OK, Told::status);
    (status, page(&OneTransfer { frame: frame_of(access), told, clock: Clock::of(&snapshot), waterfall })).into_response()
}

/// Words of the templates.
impl Room {
    /// Returns what a command does, in the words of its help.
    fn help(&self, command: &str) -> String {
        help_of(command)
    }
}
