//! The control room: what the network does, on one page, and what breaks and mends it. The page is whole without JavaScript, a snapshot with
//! its virtual time; the scripts in `assets/web/static` ask for it again and put in what has changed.
//!
//! | file | contents |
//! |---|---|
//! | `clock` | the virtual clock |
//! | `nodes` | the nodes, with what is proved of each |
//! | `map`, `topology` | the health map and the picture of the network |
//! | `chart` | throughput of the client's link |
//! | `transfers`, `waterfall` | the list of transfers, and the page of one |
//! | `happened` | what has happened lately, and what changed just before |
//! | `storage`, `faults` | how full the nodes are; what is broken on purpose |
//! | `filled`, `asking`, `acts` | the forms of the page, what is asked before they take something away, and what they do |
//! | `svg` | geometry of the pictures |
//!
//! All words and figures are those of the terminal's screen: they come from the same functions.

mod acts;
mod asking;
mod chart;
mod clock;
mod faults;
mod filled;
mod happened;
mod map;
mod nodes;
mod storage;
mod svg;
mod topology;
mod transfers;
mod waterfall;

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use p2p_service::access::AccessError;
use p2p_service::reasons::name;
use serde::Deserialize;

use self::acts::Told;
use self::chart::Throughput;
use self::clock::Clock;
use self::faults::Faults;
use self::filled::Filled;
use self::happened::Line;
use self::map::Map;
use self::nodes::Nodes;
use self::storage::Storage;
use self::topology::Picture;
use self::transfers::Transfers;
pub(super) use self::waterfall::Waterfall;
use super::frame::{Failed, Frame, Part, Visitor};
use super::page;
use crate::api::extract::{Form, Path, Query};
use crate::problem::Problem;
use crate::web::Web;

/// Mark of a path that is cut, as on the screen of the terminal.
const CUT: &str = "╳";

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

/// The control room.
#[derive(Template)]
#[template(path = "room.html")]
struct Room {
    frame: Frame,
    is_admin: bool,
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
    is_admin: bool,
    told: Option<Told>,
    clock: Clock,
    waterfall: Waterfall,
}

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/room", get(room).post(act)).route("/room/transfers/{id}", get(transfer).post(act_on_transfer))
}

async fn room(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Failed> {
    shown(&visitor, &asked, None).await
}

/// Does what a form of the room says, and answers with the room as it is then.
async fn act(visitor: Visitor, Query(asked): Query<Asked>, Form(form): Form<Filled>) -> Result<Response, Failed> {
    let told = acts::carry_out(&visitor.access, &form, visitor.identity.is_admin()).await;
    shown(&visitor, &asked, Some(told)).await
}

async fn transfer(visitor: Visitor, Path(id): Path<u64>) -> Result<Response, Failed> {
    transfer_shown(&visitor, id, None).await
}

/// Does what a form of the page of a transfer says, and answers with that page as it is then.
async fn act_on_transfer(visitor: Visitor, Path(id): Path<u64>, Form(form): Form<Filled>) -> Result<Response, Failed> {
    let told = acts::carry_out(&visitor.access, &form, visitor.identity.is_admin()).await;
    transfer_shown(&visitor, id, Some(told)).await
}

/// Returns the room with the figures of the present instant.
async fn shown(visitor: &Visitor, asked: &Asked, told: Option<Told>) -> Result<Response, Failed> {
    let (access, is_admin) = (&visitor.access, visitor.identity.is_admin());
    let snapshot = access.present_snapshot().await.map_err(AccessError::from)?;
    let status = told.as_ref().map_or(StatusCode::OK, Told::status);
    let room = Room {
        frame: visitor.frame(Part::Room),
        is_admin,
        told,
        clock: Clock::of(&snapshot),
        nodes: Nodes::of(&snapshot, &asked.find, asked.page.unwrap_or(1)),
        map: Map::of(&snapshot),
        picture: Picture::of(&snapshot),
        throughput: Throughput::of(&snapshot),
        transfers: Transfers::of(&snapshot, &visitor.identity),
        happened: happened::lines_of(&access.recent_events(happened::LOOKED), &visitor.identity),
        storage: Storage::of(&snapshot, is_admin),
        faults: Faults::of(&snapshot, access),
        seed: access.seed(),
    };
    Ok((status, page(&room)).into_response())
}

async fn transfer_shown(visitor: &Visitor, id: u64, told: Option<Told>) -> Result<Response, Failed> {
    let (access, is_admin) = (&visitor.access, visitor.identity.is_admin());
    let snapshot = access.present_snapshot().await.map_err(AccessError::from)?;
    let found = snapshot.transfers.iter().find(|report| report.status.id.0 == id);
    let report = found.ok_or_else(|| {
        let detail =
            format!("there is no transfer #{id}, or it is over and no longer remembered; the control room lists the latest");
        Problem::new(StatusCode::NOT_FOUND, name::NOT_FOUND, detail)
    })?;
    let waterfall = Waterfall::of(&snapshot, report, &visitor.identity);
    let (status, clock) = (told.as_ref().map_or(StatusCode::OK, Told::status), Clock::of(&snapshot));
    let one = OneTransfer { frame: visitor.frame(Part::Room), is_admin, told, clock, waterfall };
    Ok((status, page(&one)).into_response())
}
