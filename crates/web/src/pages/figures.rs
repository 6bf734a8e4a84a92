//! Figures of a stored file: which nodes hold its segments. The template draws them as SVG from the numbers here, and repeats them as a table.

use std::collections::BTreeMap;

use p2p_service::event_words::bytes_of;
use p2p_service::files::{NodeNumber, SegmentRecord, SimTime};
use p2p_service::network::NodeStatus;

/// Columns of the map at the most; more segments share a column.
const COLUMNS_MAX: usize = 240;
/// Width of the whole map, and of a column at the most, in pixels.
const MAP: (usize, usize) = (720, 14);

/// Node that holds segments of a file.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) segments: usize,
    pub(super) bytes: String,
    /// State of its process.
    pub(super) state: &'static str,
    /// Findings of the client's probes, and the instant at which something of it was heard last.
    pub(super) proof: String,
    /// Class of the badge: `ok` only where something was heard of a node that runs.
    pub(super) class: &'static str,
    pub(super) health: String,
    pub(super) cells: Vec<Cell>,
}

/// Cell of the map: segments of one column on one node.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) x: usize,
    /// Segments of the column, the first and the last.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Segments of these that the node holds.
    pub(super) held: usize,
}

/// Map of segments and holders.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) holders: Vec<Holder>,
    /// Width of a column.
    pub(super) step: usize,
    pub(super) width: usize,
    /// Segments that share a column.
    pub(super) share: usize,
    /// Segments without any holder.
    pub(super) unheld: usize,
    /// Least and largest number of holders of a segment.
    pub(super) copies: (usize, usize),
}

impl Map {
    /// Makes the map of a file's segments on the nodes, as they are at this virtual instant.
    pub(super) fn of(segments: &[SegmentRecord], nodes: &[NodeStatus], now: SimTime) -> Map {
        let share = segments.len().div_ceil(COLUMNS_MAX).max(1);
        let columns = segments.len().div_ceil(share).max(1);
        let step = (MAP.0 / columns).clamp(3, MAP.1);
        let mut held: BTreeMap<NodeNumber, Vec<usize>> = BTreeMap::new();
        for (index, segment) in segments.iter().enumerate() {
            segment.holders.iter().for_each(|node| held.entry(*node).or_default().push(index));
        }
        let holders = held.iter().map(|(node, indices)| {
            let bytes = indices.iter().filter_map(|&index| segments.get(index)).map(|segment| u64::from(segment.len)).sum();
            let status = nodes.iter().find(|status| status.node == *node);
            let (state, class, health, proof) = standing(status, now);
            let cells = cells(indices, share, step, segments.len());
            Holder { name: node.to_string(), segments: indices.len(), bytes: bytes_of(bytes), state, proof, class, health, cells }
        });
        let copies = segments.iter().map(|segment| segment.holders.len());
        Map {
            holders: holders.collect(),
            step,
            width: columns * step,
            share,
            unheld: segments.iter().filter(|segment| segment.holders.is_empty()).count(),
            copies: (copies.clone().min().unwrap_or(0), copies.max().unwrap_or(0)),
        }
    }
}

fn cells(indices: &[usize], share: usize, step: usize, segments: usize) -> Vec<Cell> {
    let mut columns: BTreeMap<usize, usize> = BTreeMap::new();
    indices.iter().for_each(|index| *columns.entry(index / share).or_default() += 1);
    let cell = |(column, held): (usize, usize)| {
        let first = column * share;
        Cell { x: column * step, first, last: (first + share).min(segments) - 1, held }
    };
    columns.into_iter().map(cell).collect()
}

/// Returns the state of a node, the class of its badge, its health, and what proves that.
fn standing(status: Option<&NodeStatus>, now: SimTime) -> (&'static str, &'static str, String, String) {
    let Some(NodeStatus { state, seen, trouble, .. }) = status else {
        return ("", "", "UNKNOWN".to_owned(), "the node is not part of this network".to_owned());
    };
    let heard = seen
        .heard_at
        .map(|at| format!("last heard of {:.1} s ago, at {:.1} s", (now - at).as_secs_f64(), (at - SimTime::ZERO).as_secs_f64()));
    let heard = heard.unwrap_or_else(|| "nothing heard of it yet".to_owned());
    let proof = match trouble {
        Some(trouble) => format!("{trouble}; {heard}"),
        None => format!("{} of {} probes answered; {heard}", seen.answers, seen.probes),
    };
    // A node that was not heard of yet counts as alive to the probes, and nothing has proved it.
    let health = if seen.heard_at.is_some() { seen.health.to_string() } else { "NOT HEARD OF".to_owned() };
    let class = match (health.as_str(), trouble) {
        ("ALIVE", None) => "ok",
        ("ALIVE" | "SUSPECT", _) => "warn",
        ("DEAD", _) => "bad",
        _ => "",
    };
    (state.name(), class, health, proof)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_segments_share_columns() {
        assert_eq!(
            cells(&[0, 1, 5], 2, 3, 6),
            [Cell { x: 0, first: 0, last: 1, held: 2 }, Cell { x: 6, first: 4, last: 5, held: 1 },]
        );
        assert_eq!(cells(&[2], 2, 3, 3), [Cell { x: 3, first: 2, last: 2, held: 1 }]);
    }

    #[test]
    fn nothing_is_alive_that_was_not_heard_of() {
        assert_eq!(standing(None, SimTime::ZERO).1, "");
    }
}
