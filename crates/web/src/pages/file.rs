//! The page of a file: what it is, a preview, where its segments are, and how it was stored.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use p2p_service::event_words::{date_of, mode_of};
use p2p_service::files::{FileRecord, StatFile, TransferReport};

use super::entries::{Row, linked_paths};
use super::figures::Map;
use super::frame::{Failed, Frame, Part, Visitor};
use super::listing::{Crumb, crumbs};
use super::room::Waterfall;
use super::{links, page};

#[derive(Debug, Template)]
#[template(path = "file.html")]
struct FilePage {
    frame: Frame,
    crumbs: Vec<Crumb>,
    row: Row,
    /// Link to the content as an attachment.
    download: String,
    stored: String,
    mode: String,
    segments: u32,
    may_change: bool,
    map: Map,
    /// Waterfall of the upload that has stored the file, if it is remembered.
    waterfall: Option<Waterfall>,
}

/// Answers with the page of a file that the user may read.
pub(super) async fn shown(visitor: &Visitor, file: FileRecord) -> Result<Response, Failed> {
    let Visitor { access, identity, .. } = visitor;
    let manifest = access.call(StatFile { file: file.key.clone() }).await?;
    let snapshot = access.present_snapshot().await?;
    let entry = p2p_service::files::Entry::File(manifest.file.clone());
    let row = Row::of(identity, &entry).linked(&entry, &linked_paths(visitor).await?);
    let shown = FilePage {
        frame: visitor.frame(if row.owner.is_empty() { Part::Files } else { Part::Shared }),
        crumbs: crumbs(identity, &file.key),
        download: format!("{}?download", links::content(&row.path)),
        stored: date_of(file.stored_at),
        mode: mode_of(file.mode),
        segments: file.segments,
        may_change: identity.may_change(&file.key),
        map: Map::of(&manifest.segments, &snapshot.figures.nodes, snapshot.at),
        waterfall: stored_by(&file, &snapshot.transfers)
            .map(|report| Waterfall::of_stored(&snapshot, (report, file.segments), identity)),
        row,
    };
    Ok(page(&shown))
}

/// Returns the transfer that has stored this file, if it had segments to store.
fn stored_by<'a>(file: &FileRecord, transfers: &'a [Arc<TransferReport>]) -> Option<&'a TransferReport> {
    let has_stored = |report: &&TransferReport| {
        report.status.direction.name() == "upload"
            && report.status.file == file.key
            && report.sha256 == Some(file.sha256)
            && file.segments > 0
    };
    transfers.iter().rev().map(Arc::as_ref).find(has_stored)
}
