//! The network as a picture: the client in the middle, the nodes around it, and what faults do to the paths between them. Of many nodes those
//! are shown that are not as they should be.

use std::collections::BTreeSet;
use std::f64::consts::TAU;

use p2p_service::network::{Peer, Snapshot, Target};
use p2p_shell::report::{Reach, Standing, Standings, Wire, faults_of_host, rate_of};

use super::CUT;
use super::nodes::{is_proved, shown_of};
use super::svg::px;

/// Nodes around the client, at the most.
const NODES_MAX: usize = 24;
/// Paths between nodes that are drawn or told, at the most.
const PATHS_MAX: usize = 64;
/// Size of the picture: its middle, and the distance of the nodes from it.
const MIDDLE: (f64, f64) = (260.0, 210.0);
const RADIUS: (f64, f64) = (190.0, 160.0);
/// Radius of a host.
const HOST: f64 = 13.0;

/// Path between two hosts, as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) from: (String, String),
    pub(super) to: (String, String),
    pub(super) class: &'static str,
    /// Mark of what is wrong, and where it stands.
    pub(super) mark: String,
    pub(super) at: (String, String),
    /// What is wrong, in words.
    pub(super) told: String,
}

/// Host in the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) name: String,
    /// Where the name stands.
    pub(super) label: (String, String),
    pub(super) anchor: &'static str,
    pub(super) glyph: &'static str,
    pub(super) look: &'static str,
    pub(super) told: String,
}

/// Picture of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) lines: Vec<Line>,
    pub(super) hosts: Vec<Host>,
    /// Nodes that are not shown, all of which answer and have no fault.
    pub(super) rest: usize,
    /// Nodes that are not shown for want of room.
    pub(super) left_out: usize,
    /// Broken paths: both ends, and what is wrong.
    pub(super) broken: Vec<(String, String)>,
    pub(super) more: usize,
    /// What the client's link carries.
    pub(super) link: String,
}

impl Picture {
    pub(super) fn of(snapshot: &Snapshot) -> Picture {
        let (shown, rest, left_out) = shown_of_all(snapshot);
        let places: Vec<(Peer, (f64, f64))> =
            shown.iter().enumerate().map(|(n, &peer)| (peer, place_of(n, shown.len()))).collect();
        let standings = Standings::of(snapshot);
        let nodes = &snapshot.figures.nodes;
        let host = |&(peer, place): &(Peer, (f64, f64))| {
            let node = nodes.get(peer.node()?.index())?;
            Some(host_at(peer, place, shown_of(standings.node(node.node), is_proved(node))))
        };
        let spokes = places.iter().map(|&(peer, place)| line_between(snapshot, (Peer::Client, MIDDLE), (peer, place)));
        let mut lines: Vec<Line> = spokes.collect();
        let pairs = broken_pairs(snapshot);
        let place = |peer: Peer| places.iter().find(|(other, _)| *other == peer).map(|(_, place)| (peer, *place));
        let chords = pairs.iter().filter_map(|&(one, other)| Some(line_between(snapshot, place(one)?, place(other)?)));
        lines.extend(chords.take(PATHS_MAX));
        let of_client = pairs.iter().map(|&(one, other)| (format!("{one}, {other}"), told_of(snapshot, one, other)));
        let link = snapshot.figures.topology.hosts.first().and_then(|host| host.link.up.bandwidth.bytes_per_second());
        Picture {
            lines,
            hosts: places.iter().filter_map(host).collect(),
            rest,
            left_out,
            broken: of_client.take(PATHS_MAX).collect(),
            more: pairs.len().saturating_sub(PATHS_MAX),
            link: link.map_or_else(|| "unlimited".to_owned(), |rate| rate_of(rate as f64)),
        }
    }
}

/// Returns the nodes that are shown, the number of those that are not and are well, and of those for which there is no room.
fn shown_of_all(snapshot: &Snapshot) -> (Vec<Peer>, usize, usize) {
    let nodes = &snapshot.figures.nodes;
    if nodes.len() <= NODES_MAX {
        return (nodes.iter().map(|node| Peer::Node(node.node)).collect(), 0, 0);
    }
    let standings = Standings::of(snapshot);
    let in_paths: BTreeSet<Peer> = broken_pairs(snapshot).into_iter().flat_map(|(one, other)| [one, other]).collect();
    let is_well = |standing: Standing, peer: Peer| {
        standing.reach == Reach::Good && !in_paths.contains(&peer) && faults_of_host(snapshot, peer).next().is_none()
    };
    let mut unwell: Vec<(Reach, Peer)> = standings
        .iter()
        .map(|(node, standing)| (standing, Peer::Node(node)))
        .filter(|&(standing, peer)| !is_well(standing, peer))
        .map(|(standing, peer)| (standing.reach, peer))
        .collect();
    let well = nodes.len() - unwell.len();
    unwell.sort_by_key(|(reach, peer)| (*reach, *peer));
    let left_out = unwell.len().saturating_sub(NODES_MAX);
    unwell.truncate(NODES_MAX);
    let mut shown: Vec<Peer> = unwell.into_iter().map(|(_, peer)| peer).collect();
    shown.sort_unstable();
    (shown, well, left_out)
}

/// Returns the pairs of hosts whose paths a fault is on, each once, the lower one first.
fn broken_pairs(snapshot: &Snapshot) -> Vec<(Peer, Peer)> {
    let ends = snapshot.faults_of_paths().iter().filter_map(|active| match active.fault.target() {
        Target::Path(from, to) | Target::Cut(from, to) => Some((from.min(to), from.max(to))),
        _ => None,
    });
    ends.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns where the node of this place stands among so many, from the top clockwise.
fn place_of(place: usize, all: usize) -> (f64, f64) {
    let angle = TAU * place as f64 / all.max(1) as f64;
    (MIDDLE.0 + RADIUS.0 * angle.sin(), MIDDLE.1 - RADIUS.1 * angle.cos())
}

fn host_at(peer: Peer, (x, y): (f64, f64), (glyph, look, word): (&'static str, &'static str, &'static str)) -> Host {
    let (dx, dy) = (x - MIDDLE.0, y - MIDDLE.1);
    let anchor = match dx {
        dx if dx > 40.0 => "start",
        dx if dx < -40.0 => "end",
        _ => "middle",
    };
    let across = if anchor == "middle" { 0.0 } else { dx.signum() * (HOST + 6.0) };
    let upright = if anchor == "middle" { dy.signum() * (HOST + 12.0) + 4.0 } else { 4.0 };
    Host {
        x: px(x),
        y: px(y),
        name: peer.to_string(),
        label: (px(x + across), px(y + upright)),
        anchor,
        glyph,
        look,
        told: format!("{peer}: {word}"),
    }
}

/// Returns the line between two hosts, as the worst of both directions is.
fn line_between(snapshot: &Snapshot, (one, from): (Peer, (f64, f64)), (other, to): (Peer, (f64, f64))) -> Line {
    let (there, back) = (Wire::of(snapshot, one, other), Wire::of(snapshot, other, one));
    let worst = there.max(back);
    // The mark stands off the middle where the other direction is as it should be: nearer to the host that receives.
    let share = match (there, back) {
        (Some(_), None) => 0.68,
        (None, Some(_)) => 0.32,
        _ => 0.5,
    };
    let at = |share: f64| (px(from.0 + share * (to.0 - from.0)), px(from.1 + share * (to.1 - from.1)));
    Line {
        from: at(0.0),
        to: at(1.0),
        class: worst.map_or("path", Wire::name),
        mark: worst.map(|wire| wire.mark(CUT)).unwrap_or_default().to_owned(),
        at: at(share),
        told: worst.map(|_| format!("{one}, {other}: {}", told_of(snapshot, one, other))).unwrap_or_default(),
    }
}

/// Returns what is wrong between two hosts, in words.
fn told_of(snapshot: &Snapshot, one: Peer, other: Peer) -> String {
    match (Wire::of(snapshot, one, other), Wire::of(snapshot, other, one)) {
        (None, None) => "as it was".to_owned(),
        (Some(there), Some(back)) if there == back => format!("{} both ways", there.name()),
        (there, back) => {
            let way = |wire: Option<Wire>, from: Peer, to: Peer| Some(format!("{} from {from} to {to}", wire?.name()));
            let ways = [way(there, one, other), way(back, other, one)];
            ways.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use p2p_service::files::NodeNumber;

    use super::*;

    #[test]
    fn nodes_stand_around_the_client_from_the_top() {
        let first = place_of(0, 4);
        assert!((first.0 - MIDDLE.0).abs() < 1e-9 && first.1 < MIDDLE.1);
        let right = place_of(1, 4);
        assert!(right.0 > MIDDLE.0 && (right.1 - MIDDLE.1).abs() < 1e-9);
        assert_eq!(place_of(0, 0), first, "there may be none");
        let all: Vec<_> = (0..NODES_MAX).map(|n| place_of(n, NODES_MAX)).collect();
        let distance = |(one, other): (&(f64, f64), &(f64, f64))| (one.0 - other.0).hypot(one.1 - other.1);
        assert!(all.iter().zip(&all[1..]).all(|pair| distance(pair) > 2.0 * HOST), "they do not touch");
    }

    #[test]
    fn a_name_stands_outside() {
        let at = |place| host_at(Peer::Node(NodeNumber::from_index(0)), place, ("●", "ok", "ALIVE"));
        let right = at(place_of(1, 4));
        assert_eq!((right.anchor, right.told.as_str()), ("start", "Node_01: ALIVE"));
        assert!(right.label.0.parse::<f64>().unwrap() > right.x.parse::<f64>().unwrap());
        assert_eq!((at(place_of(3, 4)).anchor, at(place_of(0, 4)).anchor), ("end", "middle"));
    }
}
