//! How full the nodes are: all together, and those that are fullest.

use p2p_service::network::{NodeStatus, Snapshot};
use p2p_shell::report::{bytes_of, count_of};

/// Nodes whose gauges are shown: the fullest ones.
const NODES_MAX: usize = 8;

/// Gauge of what is used of a capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gauge {
    pub(super) name: String,
    pub(super) used: u64,
    pub(super) capacity: u64,
    /// Share in percent.
    pub(super) full: u64,
    pub(super) told: String,
    /// Class by which the gauge is coloured: by the shares of the terminal's.
    pub(super) look: &'static str,
}

/// Storage of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    /// Gauge of all nodes together; `None` for whom may not see it.
    pub(super) all: Option<Gauge>,
    pub(super) facts: Vec<(&'static str, String)>,
    /// Gauges of the fullest nodes.
    pub(super) nodes: Vec<Gauge>,
    pub(super) more: usize,
}

impl Storage {
    pub(super) fn of(snapshot: &Snapshot, sees_all: bool) -> Storage {
        let (storage, nodes) = (&snapshot.figures.storage, &snapshot.figures.nodes);
        let mut known: Vec<(u64, &NodeStatus)> = nodes.iter().filter_map(|node| Some((node.used_bytes?, node))).collect();
        let share = |used: u64, node: &NodeStatus| used as f64 / node.capacity_bytes.max(1) as f64;
        known.sort_by(|(used, node), (other, its)| share(*other, its).total_cmp(&share(*used, node)));
        let gauges = known.iter().take(NODES_MAX);
        Storage {
            all: sees_all.then(|| Gauge::of("all nodes".to_owned(), storage.used_bytes, storage.capacity_bytes)),
            facts: if sees_all { facts_of(snapshot) } else { own_facts(snapshot) },
            nodes: gauges.map(|(used, node)| Gauge::of(node.node.to_string(), *used, node.capacity_bytes)).collect(),
            more: known.len().saturating_sub(NODES_MAX),
        }
    }
}

fn facts_of(snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let storage = &snapshot.figures.storage;
    let mut facts = vec![
        ("files", format!("{}, {}", count_of(storage.files, "file"), bytes_of(storage.file_bytes))),
        ("segments", format!("{}, {}", count_of(storage.segments, "segment"), bytes_of(storage.used_bytes))),
        ("free", format!("{} on nodes that take segments", bytes_of(storage.free_bytes))),
    ];
    let notes = [
        ("closed nodes", storage.closed_nodes, "take no segments"),
        ("missing", storage.missing_segments, "segments that files need were not on their disks at the start"),
        ("owed deletions", storage.owed_deletions, "segments wait for their nodes to be told to delete them"),
        ("unknown", storage.unknown_segments, "segments on volumes that another catalog has written to"),
    ];
    facts.extend(
        notes.into_iter().filter(|(_, count, _)| *count > 0).map(|(name, count, what)| (name, format!("{count} {what}"))),
    );
    facts
}

fn own_facts(snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let capacity: u64 = snapshot.figures.nodes.iter().map(|node| node.capacity_bytes).sum();
    vec![("capacity", format!("{} on {}", bytes_of(capacity), count_of(snapshot.figures.nodes.len() as u64, "node")))]
}

impl Gauge {
    fn of(name: String, used: u64, capacity: u64) -> Gauge {
        let full = (u128::from(used) * 100).checked_div(u128::from(capacity)).unwrap_or_default().min(100) as u64;
        let look = match full {
            95.. => "bad",
            80.. => "warn",
            _ => "ok",
        };
        let told = format!("{} of {}, {full} % full", bytes_of(used), bytes_of(capacity));
        Gauge { name, used, capacity: capacity.max(1), full, told, look }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_has_the_limits_of_the_terminal() {
        let look = |used| Gauge::of(String::new(), used, 100).look;
        assert_eq!([0, 79, 80, 94, 95, 100].map(look), ["ok", "ok", "warn", "warn", "bad", "bad"]);
        let none = Gauge::of("a".into(), 0, 0);
        assert_eq!((none.full, none.capacity, none.told.as_str()), (0, 1, "0 B of 0 B, 0 % full"));
    }
}
