//! The chart of the round trips of the client's last ten probes of each node.

use p2p_base::units::SimDuration;
use p2p_engine::Snapshot;
use p2p_engine::node::RoundTrips;

use super::chart::{Anchor, BELOW, Chart, Drawing, Key, Mark, ROW, Share};
use super::words::{Grid, Words};
use crate::report::{RoundTripReport, Table, milliseconds_of, text_column};

/// Number of nodes that are drawn; the table has all of them.
const DRAWN_MAX: usize = 40;

/// The probes of a node.
type Probed = (String, RoundTrips);

/// Returns the chart of the round trips; `None` before a node has answered a probe.
pub(super) fn of_nodes(snapshot: &Snapshot) -> Option<Chart> {
    let nodes: Vec<Probed> = snapshot.figures.nodes.iter().map(|node| (node.node.to_string(), node.seen.recent)).collect();
    nodes.iter().any(|(_, recent)| recent.average.is_some()).then(|| chart(&nodes))
}

fn chart(nodes: &[Probed]) -> Chart {
    let (drawn, scale) = (drawn(nodes), nodes.iter().filter_map(|(_, recent)| recent.worst).max().unwrap_or(SimDuration::ZERO));
    let below = ROW * drawn.len() as f64;
    let mut plot = Drawing { height: below + BELOW, marks: Vec::new() };
    let share = |time: SimDuration| Share::of(time.as_secs_f64(), scale.as_secs_f64());
    for (place, (node, recent)) in drawn.iter().enumerate() {
        let y = ROW * place as f64;
        plot.say((Share::NONE, y + 14.0), Anchor::Start, node);
        plot.say((Share::ALL, y + 14.0), Anchor::End, &told(recent));
        plot.marks.push(Mark::Bar { class: "track", x: Share::NONE, width: Share::ALL, y: y + 20.0, height: 10.0 });
        if let (Some(best), Some(worst), Some(average)) = (recent.best, recent.worst, recent.average) {
            let (from, to) = (share(best), share(worst));
            plot.marks.push(Mark::Bar { class: "range", x: from, width: to.since(from), y: y + 20.0, height: 10.0 });
            plot.marks.push(Mark::Upright { class: "mean", x: share(average), y1: y + 17.0, y2: y + 33.0 });
        }
    }
    let half = SimDuration::from_nanos(scale.as_nanos() / 2);
    let [none, half, all] = [SimDuration::ZERO, half, scale].map(|time| milliseconds_of(Some(time.as_secs_f64())));
    plot.say_axis(below + 14.0, [&none, &half, &all]);
    Chart {
        title: Words::new("Round trips to the nodes"),
        description: Words::new(description(nodes, drawn.len())),
        legend: vec![Key::of_bar("range", 10.0, "shortest to longest"), Key::of_upright("mean", "mean")],
        names: None,
        plot,
        figures: figures(nodes),
    }
}

/// Returns what is said of the probes of a node beside its bar.
fn told(recent: &RoundTrips) -> String {
    match recent.average {
        Some(average) => format!("mean {}", milliseconds_of(Some(average.as_secs_f64()))),
        None if recent.probes == 0 => "not probed yet".to_owned(),
        None => "no answer".to_owned(),
    }
}

/// Returns the nodes that are drawn, in their order: all, or the slowest, those without an answer first.
fn drawn(nodes: &[Probed]) -> Vec<&Probed> {
    let mut places: Vec<usize> = (0..nodes.len()).collect();
    let mean = |place: usize| nodes[place].1.average.unwrap_or(SimDuration::from_nanos(u64::MAX));
    places.sort_by_key(|&place| (std::cmp::Reverse(mean(place)), place));
    places.truncate(DRAWN_MAX);
    places.sort_unstable();
    places.into_iter().map(|place| &nodes[place]).collect()
}

fn description(nodes: &[Probed], drawn: usize) -> String {
    let means = nodes.iter().filter_map(|(node, recent)| Some((recent.average?, node)));
    let said = |found: Option<(SimDuration, &String)>| {
        found.map(|(mean, node)| format!("{node} with {}", milliseconds_of(Some(mean.as_secs_f64())))).unwrap_or_default()
    };
    let silent = nodes.iter().filter(|(_, recent)| recent.average.is_none()).count();
    let silent = if silent == 0 { String::new() } else { format!(" Without an answer: {silent}.") };
    let some =
        if drawn < nodes.len() { format!(" Drawn are the {drawn} slowest of {} nodes.", nodes.len()) } else { String::new() };
    format!(
        "Round-trip times of the client’s last ten probes of each node, from the shortest to the longest, with their mean. The quickest node on \
         average is {}, the slowest {}.{silent}{some}",
        said(means.clone().min()),
        said(means.max()),
    )
}

fn figures(nodes: &[Probed]) -> Grid {
    let columns = [text_column("node")].into_iter().chain(RoundTripReport::columns()).collect();
    let row = |(node, recent): &Probed| [node.clone()].into_iter().chain(RoundTripReport::from(recent).cells()).collect();
    Grid::of(
        "The client’s last ten probes of each node",
        &Table { columns, rows: nodes.iter().map(row).collect(), empty: "there are no nodes" },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probed(millis: Option<u64>) -> RoundTrips {
        let time = millis.map(SimDuration::from_millis);
        RoundTrips { average: time, best: time, worst: time, last: time, probes: 3, answers: 3, ..RoundTrips::default() }
    }

    #[test]
    fn a_node_that_does_not_answer_is_there_and_says_so() {
        let nodes = vec![("Node_01".to_owned(), probed(Some(20))), ("Node_02".to_owned(), probed(None))];
        let chart = chart(&nodes);
        let words: Vec<String> = chart
            .plot
            .marks
            .iter()
            .filter_map(|mark| if let Mark::Text { words, .. } = mark { Some(words.to_string()) } else { None })
            .collect();
        assert_eq!(words, ["Node_01", "mean 20.0 ms", "Node_02", "no answer", "0.0 ms", "10.0 ms", "20.0 ms"]);
        assert!(chart.description.to_string().contains("Without an answer: 1."));
    }

    #[test]
    fn many_nodes_are_cut_to_the_slowest() {
        let many: Vec<Probed> =
            (0..60).map(|millis| (format!("Node_{millis}"), probed((millis > 0).then_some(millis)))).collect();
        let shown = drawn(&many);
        assert_eq!((shown.len(), &*shown[0].0, &*shown[1].0), (DRAWN_MAX, "Node_0", "Node_21"));
        assert_eq!(chart(&many).figures.rows.len(), 60);
    }
}
