//! The command `orphans`, about segments that no file needs, on volumes that another catalog or another state of this one has
//! written last.

use p2p_engine::OrphansAction;
use p2p_engine::operation::TreatOrphans;
use p2p_engine::snapshot::Orphans;
use serde_json::{Value, json};

use crate::answer::{Answer, View};
use crate::call::Call;
use crate::report::{Table, bytes_of, count_of, number_column, text_column};
use crate::{Shell, ShellError};

pub(crate) async fn orphans(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let action = match call.argument(0) {
        Some("free") => OrphansAction::Free,
        Some("adopt") => OrphansAction::Adopt,
        _ => OrphansAction::List,
    };
    let node = call.argument(1).map(|_| call.node(1)).transpose()?;
    let found = shell.call(TreatOrphans { action, node }).await?;
    let view = match action {
        _ if found.is_empty() => View::Text("every volume is this catalog's own, and every segment belongs to a file".into()),
        OrphansAction::List => list(&found),
        OrphansAction::Free => told(&found, |on| format!("freed {} on {}", amount(on), on.node)),
        OrphansAction::Adopt => told(&found, |on| format!("took over {}; {} that no file needs stay", on.node, amount(on))),
    };
    Ok(Answer::new(view, found.iter().map(data).collect()))
}

fn amount(on: &Orphans) -> String {
    let bytes = on.segments.iter().map(|(_, len)| len).sum();
    format!("{} with {}", count_of(on.segments.len() as u64, "segment"), bytes_of(bytes))
}

fn told(found: &[Orphans], line: impl Fn(&Orphans) -> String) -> View {
    View::Text(found.iter().flat_map(|on| [Some(line(on)), swapped(on)]).flatten().collect::<Vec<_>>().join("\n"))
}

/// Returns the warning that the disks of two nodes may have been swapped, if files need segments of this volume on other nodes.
fn swapped(on: &Orphans) -> Option<String> {
    let count = on.needed_elsewhere.len();
    (count > 0).then(|| {
        format!(
            "{} on {} that files on other nodes need, left alone: were disks swapped?",
            count_of(count as u64, "segment"),
            on.node
        )
    })
}

fn list(found: &[Orphans]) -> View {
    let reason = |on: &Orphans| on.trouble.as_ref().map_or("taken over as it was".into(), ToString::to_string);
    let volumes = found.iter().map(|on| vec![on.node.to_string(), amount(on), reason(on)]).collect();
    let volumes = Table {
        columns: vec![text_column("node"), text_column("no file needs"), text_column("why they stay")],
        rows: volumes,
        empty: "",
    };
    let rows =
        found.iter().flat_map(|on| on.segments.iter().map(|(id, len)| vec![on.node.to_string(), id.to_string(), bytes_of(*len)]));
    let columns = vec![text_column("node"), text_column("segment"), number_column("size")];
    let segments = Table { columns, rows: rows.collect(), empty: "no segments" };
    let mut sections = vec![("volumes".into(), View::Table(volumes)), ("segments".into(), View::Table(segments))];
    let elsewhere: Vec<String> = found.iter().filter_map(swapped).collect();
    if !elsewhere.is_empty() {
        sections.push(("swapped disks".into(), View::Text(elsewhere.join("\n"))));
    }
    View::Sections(sections)
}

fn data(on: &Orphans) -> Value {
    let segments: Value = on.segments.iter().map(|(id, len)| json!({ "sha256": id.to_string(), "bytes": len })).collect();
    let trouble = on.trouble.as_ref().map(ToString::to_string);
    json!({ "node": on.node.to_string(), "trouble": trouble, "segments": segments, "needed_elsewhere": on.needed_elsewhere.len() })
}
