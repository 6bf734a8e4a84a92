//! The chart of what each node stores, to the scale of the capacities where anything is seen of that.

use p2p_engine::Snapshot;

use super::chart::{Anchor, BELOW, Chart, Drawing, Key, Mark, ROW, Share};
use super::words::{Grid, Words};
use crate::report::{Table, bytes_of, number_column, text_column};

/// Number of nodes that are drawn; the table has all of them.
const DRAWN_MAX: usize = 40;
/// Share of a capacity, as one of so many parts, from which on bars are drawn to the scale of the capacities.
const SEEN_FROM: u64 = 50;

/// Bytes that a node stores.
#[derive(Debug, Clone, PartialEq)]
struct Stored {
    node: String,
    used: u64,
    capacity: u64,
    segments: u64,
}

impl Stored {
    fn percent(&self) -> String {
        match 100.0 * self.used as f64 / self.capacity.max(1) as f64 {
            // What is there is more than nothing.
            percent if self.used > 0 && percent < 0.05 => "below 0.1 %".to_owned(),
            percent => format!("{percent:.1} %"),
        }
    }
}

/// Returns the chart of what the nodes store; `None` for whom may not see that, and without nodes.
pub(super) fn of_nodes(snapshot: &Snapshot) -> Option<Chart> {
    let stored = snapshot.figures.nodes.iter().map(|node| {
        let (used, segments) = (node.used_bytes?, node.segments?);
        Some(Stored { node: node.node.to_string(), used, capacity: node.capacity_bytes, segments })
    });
    stored.collect::<Option<Vec<Stored>>>().filter(|nodes| !nodes.is_empty()).map(|nodes| chart(&nodes))
}

fn chart(nodes: &[Stored]) -> Chart {
    let (scale, is_of_capacities) = scale_of(nodes);
    let drawn = drawn(nodes);
    let below = ROW * drawn.len() as f64;
    let mut plot = Drawing { height: below + BELOW, marks: Vec::new() };
    for (place, node) in drawn.iter().enumerate() {
        let y = ROW * place as f64;
        plot.say((Share::NONE, y + 14.0), Anchor::Start, &node.node);
        let told = format!("{} of {}, {}", bytes_of(node.used), bytes_of(node.capacity), node.percent());
        plot.say((Share::ALL, y + 14.0), Anchor::End, &told);
        let all = if is_of_capacities { Share::of(node.capacity as f64, scale as f64) } else { Share::ALL };
        for (class, width) in [("track", all), ("used", Share::of(node.used as f64, scale as f64))] {
            plot.marks.push(Mark::Bar { class, x: Share::NONE, width, y: y + 20.0, height: 10.0 });
        }
    }
    plot.say_axis(below + 14.0, [&bytes_of(0), &bytes_of(scale / 2), &bytes_of(scale)]);
    let unit = if is_of_capacities { "the largest capacity" } else { "the most that a node stores, far below the capacities" };
    let mut legend = vec![Key::of_bar("used", 10.0, "stored")];
    legend.extend(is_of_capacities.then(|| Key::of_bar("track", 10.0, "free")));
    Chart {
        title: Words::new("Storage of the nodes"),
        description: Words::new(description(nodes, drawn.len(), (scale, unit))),
        legend,
        names: None,
        plot,
        figures: figures(nodes),
    }
}

/// Returns how many bytes the whole width stands for, and whether these are those of a capacity: where all nodes are nearly empty, bars to the
/// scale of their capacities would show nothing.
fn scale_of(nodes: &[Stored]) -> (u64, bool) {
    let capacity = nodes.iter().map(|node| node.capacity).max().unwrap_or(0);
    let used = nodes.iter().map(|node| node.used).max().unwrap_or(0);
    if used == 0 || used.saturating_mul(SEEN_FROM) >= capacity { (capacity, true) } else { (used, false) }
}

/// Returns the nodes that are drawn, in their order: all, or those that store most.
fn drawn(nodes: &[Stored]) -> Vec<&Stored> {
    let mut places: Vec<usize> = (0..nodes.len()).collect();
    places.sort_by_key(|&place| (std::cmp::Reverse(nodes[place].used), place));
    places.truncate(DRAWN_MAX);
    places.sort_unstable();
    places.into_iter().map(|place| &nodes[place]).collect()
}

fn description(nodes: &[Stored], drawn: usize, (scale, unit): (u64, &str)) -> String {
    let (used, capacity): (u64, u64) = (nodes.iter().map(|node| node.used).sum(), nodes.iter().map(|node| node.capacity).sum());
    let some = if drawn < nodes.len() {
        format!(" Drawn are the {drawn} of {} nodes that store most.", nodes.len())
    } else {
        String::new()
    };
    let fullest = nodes.iter().max_by_key(|node| node.used);
    let fullest = fullest.map(|node| format!(" {} stores most, {}.", node.node, bytes_of(node.used))).unwrap_or_default();
    format!(
        "Bytes of the segments that each node holds. All nodes together hold {} of {}.{fullest} The whole width stands for {}, {unit}.{some}",
        bytes_of(used),
        bytes_of(capacity),
        bytes_of(scale),
    )
}

fn figures(nodes: &[Stored]) -> Grid {
    let columns = vec![
        text_column("node"),
        number_column("used"),
        number_column("capacity"),
        number_column("full"),
        number_column("segments"),
        number_column("used, in bytes"),
    ];
    let row = |node: &Stored| {
        let (used, capacity) = (bytes_of(node.used), bytes_of(node.capacity));
        vec![node.node.clone(), used, capacity, node.percent(), node.segments.to_string(), node.used.to_string()]
    };
    Grid::of("What each node stores", &Table { columns, rows: nodes.iter().map(row).collect(), empty: "there are no nodes" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(used: &[u64]) -> Vec<Stored> {
        let of = |(place, &used): (usize, &u64)| Stored { node: format!("Node_{place}"), used, capacity: 1_000, segments: 1 };
        used.iter().enumerate().map(of).collect()
    }

    #[test]
    fn bars_are_to_the_scale_of_capacities_unless_nothing_would_be_seen() {
        assert_eq!(
            [scale_of(&nodes(&[20, 1])), scale_of(&nodes(&[19, 1])), scale_of(&nodes(&[0]))],
            [(1_000, true), (19, false), (1_000, true)]
        );
    }

    /// Of many nodes the fullest are drawn, in the order of all; the table leaves none out.
    #[test]
    fn many_nodes_are_cut_to_the_fullest() {
        let many = nodes(&(0..100).collect::<Vec<u64>>());
        let shown = drawn(&many);
        assert_eq!((shown.len(), &*shown[0].node, &*shown[39].node), (DRAWN_MAX, "Node_60", "Node_99"));
        let chart = chart(&many);
        assert_eq!(chart.figures.rows.len(), 100);
        assert!(
            chart.description.to_string().ends_with("Drawn are the 40 of 100 nodes that store most."),
            "{}",
            chart.description
        );
    }
}
