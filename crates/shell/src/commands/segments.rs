//! The command `segments`: the segments of a transfer, each with its times, or those that lie on a node.

use p2p_engine::EngineError;
use p2p_engine::operation::StatFile;
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::TransferId;
use p2p_service::access::Identity;
use p2p_store::manifest::{Manifest, NodeNumber};
use serde_json::{Value, json};

use super::data;
use super::files::own_transfer;
use super::network::status_of;
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::report::{SegmentReport, Table, bytes_of, number_column, states_table, text_column};
use crate::{Shell, ShellError};

/// Number of segments of a node that are listed.
const LISTED_MAX: usize = 4_096;

/// Returns the node of --node.
pub(crate) fn node_named(call: &Call) -> Result<Option<NodeNumber>, ShellError> {
    match call.flags.get("node") {
        Some(_) if call.argument(0).is_some() => {
            Err(call.wrong("--node is for all segments there, not those of a transfer".into()))
        }
        Some(text) => call.node_named(text).map(Some),
        None => Ok(None),
    }
}

pub(crate) async fn segments(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let transfer = call.transfer(0)?;
    match node_named(call)?.or(shell.node.filter(|_| transfer.is_none())) {
        Some(node) => on_node(shell, node).await,
        None => of_transfer(shell, transfer).await,
    }
}

async fn of_transfer(shell: &Shell, wanted: Option<TransferId>) -> Result<Answer, ShellError> {
    if let Some(transfer) = wanted {
        own_transfer(shell, transfer).await?;
    }
    let snapshot = shell.access.present_snapshot().await?;
    let found = snapshot.transfers.iter().rev().find(|report| wanted.is_none_or(|id| report.status.id == id));
    let Some(report) = found else {
        return match wanted {
            Some(id) => Err(EngineError::UnknownTransfer(id).into()),
            None => Ok(Answer::new(View::Text("no transfers yet".into()), Value::Array(Vec::new()))),
        };
    };
    let segments = SegmentReport::of_transfer(report);
    let view = View::Table(Table { empty: "it has no segments", ..states_table(&segments) });
    Ok(Answer::new(view, data(&segments)))
}

/// Lists the segments on a node of the files that the user may read, in the order of the files.
async fn on_node(shell: &Shell, node: NodeNumber) -> Result<Answer, ShellError> {
    status_of(shell, node).await?;
    let (identity, names) = (shell.identity(), shell.access.names());
    let (mut rows, mut lines, mut is_whole) = (Vec::new(), Vec::new(), true);
    for file in names.files() {
        let manifest = match shell.call(StatFile { file: file.key.clone() }).await {
            // It was removed meanwhile.
            Err(ShellError::Engine(EngineError::UnknownFile { .. })) => continue,
            manifest => manifest?,
        };
        let room = LISTED_MAX - rows.len();
        let found = held_by(&manifest, node);
        is_whole = found.len() <= room;
        for index in found.into_iter().take(room) {
            let (row, line) = listed(&identity, &manifest, index);
            rows.push(row);
            lines.push(line);
        }
        if !is_whole {
            break;
        }
    }
    let columns = vec![text_column("file"), number_column("segment"), number_column("size"), text_column("sha-256").gives_way(1)];
    let table = View::Table(Table { columns, rows, empty: "no segment of a file that you may read lies there" });
    let title = |text: &str| format!("{}: {text}", Peer::Node(node));
    let view = match is_whole {
        true => table,
        false => View::Sections(vec![(title(&format!("the first {LISTED_MAX} segments")), table)]),
    };
    Ok(Answer::new(view, Value::Array(lines)))
}

/// Returns the places in a file of the segments that lie on a node.
fn held_by(manifest: &Manifest, node: NodeNumber) -> Vec<usize> {
    let held = manifest.segments.iter().enumerate().filter(|(_, segment)| segment.holders.contains(&node));
    held.map(|(index, _)| index).collect()
}

fn listed(identity: &Identity, manifest: &Manifest, index: usize) -> (Vec<String>, Value) {
    let (key, segment) = (&manifest.file.key, &manifest.segments[index]);
    let row = vec![identity.shown(key), index.to_string(), bytes_of(segment.len.into()), format!("{}…", segment.id.short())];
    let line = json!({
        "file": identity.label(key), "index": index, "bytes": segment.len, "sha256": segment.id.to_string(),
    });
    (row, line)
}
