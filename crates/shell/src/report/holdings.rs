//! Where the segments of a file lie, and which of them cannot be had at the moment: for `info` and for screens.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use p2p_store::manifest::{Manifest, NodeNumber};
use p2p_store::segment::SegmentId;

use super::bytes_of;
use super::standings::{Reach, Standings};
use super::tables::{Table, number_column, text_column};

/// Number of runs of segments that are listed of one node.
const RUNS_MAX: usize = 40;
/// Number of segments that are listed one by one.
pub const PLACES_MAX: usize = 4_096;
/// Number of nodes that are named where segments are missing.
const NAMED_MAX: usize = 3;

/// The nodes that hold the segments of a file, without the segments themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holdings {
    /// Number of segments with the same holders, by these.
    sets: BTreeMap<Vec<NodeNumber>, u32>,
    /// Number of segments of each holder.
    by_node: BTreeMap<NodeNumber, u32>,
}

/// The segments of a file of which no holder can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfReach {
    /// Number of these segments.
    pub segments: u32,
    /// Number of all segments of the file.
    pub of: u32,
    /// Their holders, each with the word for why it is not reached.
    pub nodes: BTreeMap<NodeNumber, &'static str>,
}

impl Holdings {
    /// Returns the holdings of a file.
    pub fn of(manifest: &Manifest) -> Holdings {
        let mut sets = BTreeMap::<Vec<NodeNumber>, u32>::new();
        for segment in &manifest.segments {
            match sets.get_mut(&segment.holders) {
                Some(count) => *count += 1,
                None => drop(sets.insert(segment.holders.clone(), 1)),
            }
        }
        Holdings::of_sets(sets)
    }

    /// Returns the holdings of segments that are counted by their holders. A node holds a segment once.
    fn of_sets(sets: BTreeMap<Vec<NodeNumber>, u32>) -> Holdings {
        let mut by_node = BTreeMap::new();
        for (holders, count) in &sets {
            for holder in holders.iter().collect::<BTreeSet<_>>() {
                *by_node.entry(*holder).or_default() += count;
            }
        }
        Holdings { sets, by_node }
    }

    /// Returns the number of segments that each holder has.
    pub const fn by_node(&self) -> &BTreeMap<NodeNumber, u32> {
        &self.by_node
    }

    /// Returns the segments of which no holder can be reached; `None` if all can be had at the moment.
    pub fn out_of_reach(&self, standings: &Standings) -> Option<OutOfReach> {
        self.without(standings, Reach::Doubtful)
    }

    /// Returns the segments of which no holder answers its probes; `None` if there are none.
    pub fn in_doubt(&self, standings: &Standings) -> Option<OutOfReach> {
        self.without(standings, Reach::Good)
    }

    /// Returns the segments of which no holder has at least this chance.
    fn without(&self, standings: &Standings, least: Reach) -> Option<OutOfReach> {
        let is_lost = |holders: &[NodeNumber]| !holders.iter().any(|holder| standings.node(*holder).reach >= least);
        let mut missing = OutOfReach { segments: 0, of: self.sets.values().sum(), nodes: BTreeMap::new() };
        for (holders, count) in self.sets.iter().filter(|(holders, _)| is_lost(holders)) {
            missing.segments += count;
            missing.nodes.extend(holders.iter().map(|holder| (*holder, standings.node(*holder).word)));
        }
        (missing.segments > 0).then_some(missing)
    }
}

/// Writes `3 of 8 segments are on Node_02 (killed)`.
impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfReach { segments, of, nodes } = self;
        let mut names: Vec<String> = nodes.iter().take(NAMED_MAX).map(|(node, why)| format!("{node} ({why})")).collect();
        if nodes.len() > NAMED_MAX {
            names.push(format!("{} more", nodes.len() - NAMED_MAX));
        }
        let verb = if *segments == 1 { "is" } else { "are" };
        write!(f, "{segments} of {of} segments {verb} on {}", listed(names))
    }
}

/// Returns the table of the holders of a file's segments, and of which segments each has.
pub fn holders_table(manifest: &Manifest, standings: &Standings) -> Table {
    let mut held = BTreeMap::<NodeNumber, Vec<u32>>::new();
    for (index, segment) in (0_u32..).zip(&manifest.segments) {
        for holder in &segment.holders {
            held.entry(*holder).or_default().push(index);
        }
    }
    let row = |(node, indices): (&NodeNumber, &Vec<u32>)| {
        vec![node.to_string(), standings.node(*node).word.to_owned(), indices.len().to_string(), runs(indices)]
    };
    Table {
        columns: vec![text_column("holder"), text_column("state"), number_column("segments"), text_column("which").gives_way(1)],
        rows: held.iter().map(row).collect(),
        empty: "it has no segments",
    }
}

/// Returns the table of a file's segments with the holders of each, at most [`PLACES_MAX`] of them. A segment with the content of an
/// earlier one of the file is stored once, and says with which one it is shared.
pub fn places_table(manifest: &Manifest, standings: &Standings) -> Table {
    let mut first = HashMap::<SegmentId, u32>::new();
    let mut rows = Vec::with_capacity(manifest.segments.len().min(PLACES_MAX));
    for (index, segment) in (0_u32..).zip(manifest.segments.iter().take(PLACES_MAX)) {
        let earlier = *first.entry(segment.id).or_insert(index);
        let holders = segment.holders.iter().map(|holder| format!("{holder} {}", standings.node(*holder).word));
        rows.push(vec![
            index.to_string(),
            bytes_of(segment.len.into()),
            listed(holders.collect()),
            if earlier < index { format!("segment {earlier}") } else { String::new() },
            format!("{}…", segment.id.short()),
        ]);
    }
    let columns = vec![
        number_column("segment"),
        number_column("size").gives_way(2),
        text_column("lies on"),
        text_column("shared with").gives_way(1),
        text_column("sha-256").gives_way(3),
    ];
    Table { columns, rows, empty: "it has no segments" }
}

/// Returns words in one, separated by commas; `no node` for none.
fn listed(words: Vec<String>) -> String {
    if words.is_empty() { "no node".into() } else { words.join(", ") }
}

/// Returns ascending numbers as runs: `0-3, 7, 9-12`.
fn runs(numbers: &[u32]) -> String {
    let runs: Vec<&[u32]> = numbers.chunk_by(|a, b| a + 1 == *b).collect();
    let text = |run: &&[u32]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    };
    let mut words: Vec<String> = runs.iter().take(RUNS_MAX).map(text).collect();
    let left: usize = runs.iter().skip(RUNS_MAX).map(|run| run.len()).sum();
    if left > 0 {
        words.push(format!("and {left} more"));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: usize) -> NodeNumber {
        NodeNumber::from_index(number - 1)
    }

    #[test]
    fn numbers_are_told_in_runs() {
        assert_eq!(runs(&[]), "");
        assert_eq!(runs(&[0, 1, 2, 7, 9, 10]), "0-2, 7, 9-10");
        let odd: Vec<u32> = (0..60).map(|number| 2 * number).collect();
        assert!(runs(&odd).ends_with("76, 78, and 20 more"), "{}", runs(&odd));
    }

    #[test]
    fn each_holder_counts_a_segment_once() {
        let sets = BTreeMap::from([(vec![node(1), node(2)], 3), (vec![node(2), node(2)], 4)]);
        assert_eq!(*Holdings::of_sets(sets).by_node(), BTreeMap::from([(node(1), 3), (node(2), 7)]));
    }

    #[test]
    fn what_is_missing_is_named() {
        let nodes = |count| (1..=count).map(|number| (node(number), "killed")).collect();
        let text = |segments, count| OutOfReach { segments, of: 9, nodes: nodes(count) }.to_string();
        assert_eq!(text(1, 1), "1 of 9 segments is on Node_01 (killed)");
        assert_eq!(text(4, 5), "4 of 9 segments are on Node_01 (killed), Node_02 (killed), Node_03 (killed), 2 more");
        assert_eq!(text(2, 0), "2 of 9 segments are on no node");
    }
}
