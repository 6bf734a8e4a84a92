//! Names of hosts in the command language: `client` and the nodes, and groups of them on two sides of a path or a partition.

use p2p_base::spelling::visible;
use p2p_engine::snapshot::Peer;
use p2p_store::manifest::NodeNumber;

pub use p2p_service::hosts::node_of;
pub(crate) use p2p_service::hosts::peer;

/// Two groups of hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) one: Vec<Peer>,
    pub(crate) other: Vec<Peer>,
    /// True if only what goes from the one group to the other is meant.
    pub(crate) one_way: bool,
}

/// Returns the hosts that a member of a group names: one, or the nodes of a range, written `3-7`.
///
/// # Errors
/// Fails if the text names no hosts, or a range that ends before it begins.
pub(crate) fn members(text: &str) -> Result<Vec<Peer>, String> {
    let ends = text.split_once('-').map(|(first, last)| (node_of(first.trim()), node_of(last.trim())));
    match ends {
        Some((Some(first), Some(last))) if first <= last => {
            Ok((first.index()..=last.index()).map(|index| Peer::Node(NodeNumber::from_index(index))).collect())
        }
        Some((Some(_), Some(_))) => Err(format!("`{}` ends before it begins; a range is written 3-7", visible(text.trim()))),
        Some(_) | None => Ok(vec![peer(text.trim()).map_err(|problem| format!("{problem}, or 3-7 for those from 3 to 7"))?]),
    }
}

fn group(text: &str) -> Result<Vec<Peer>, String> {
    let members: Result<Vec<Vec<Peer>>, String> = text.split(',').map(members).collect();
    members.map(|members| members.concat())
}

/// Paths that one name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paths {
    /// Those from and to a host.
    All(Peer),
    /// That between two hosts, in one direction or both.
    Between { from: Peer, to: Peer, one_way: bool },
}

/// Returns the paths of a name: `A->B` for one way, `A,B` for both, `A` for all from and to a host.
///
/// # Errors
/// Fails if the text has another form or names no hosts.
pub(crate) fn paths(text: &str) -> Result<Paths, String> {
    let ((from, to), one_way) = match (text.split_once("->"), text.split_once(',')) {
        (Some(ends), _) => (ends, true),
        (None, Some(ends)) => (ends, false),
        (None, None) => {
            let all = peer(text.trim()).map(Paths::All);
            return all
                .map_err(|problem| format!("{problem}; a path is written A->B for one way, A,B for both, and A for all of A"));
        }
    };
    Ok(Paths::Between { from: peer(from.trim())?, to: peer(to.trim())?, one_way })
}

/// Returns the two groups of a partition: `A,B|C,D` for both ways, `A,B->C,D` for one, with ranges such as `3-7`. Spaces may stand between.
///
/// # Errors
/// Fails if the text has another form or names no hosts.
pub(crate) fn sides(text: &str) -> Result<Sides, String> {
    let (ends, one_way) = match (text.split_once("->"), text.split_once('|')) {
        (Some(ends), _) => (ends, true),
        (None, Some(ends)) => (ends, false),
        (None, None) => return Err("a partition is written A,B|C,D, and A,B->C,D if it cuts one way".into()),
    };
    Ok(Sides { one: group(ends.0)?, other: group(ends.1)?, one_way })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: usize) -> Peer {
        Peer::Node(NodeNumber::from_index(number - 1))
    }

    #[test]
    fn hosts_stand_on_two_sides() {
        let between = |from, to, one_way| Ok(Paths::Between { from, to, one_way });
        assert_eq!(paths("client->Node_02"), between(Peer::Client, node(2), true));
        assert_eq!(paths("3, CLIENT"), between(node(3), Peer::Client, false));
        assert_eq!(paths(" Node_07"), Ok(Paths::All(node(7))));
        let both = Sides { one: vec![node(1), Peer::Client], other: vec![node(2)], one_way: false };
        assert_eq!(sides("1,client | 2").unwrap(), both);
        assert_eq!(sides("1,client->Node_02").unwrap(), Sides { one_way: true, ..both });
        let ranges = sides("client,1-3|Node_05 - Node_06,8").unwrap();
        assert_eq!(ranges.one, [Peer::Client, node(1), node(2), node(3)]);
        assert_eq!(ranges.other, [5, 6, 8].map(node));
        assert!(sides("1|5-3").unwrap_err().contains("`5-3` ends before it begins"));
        for wrong in ["", "1", "1,2", "1->", "x|2", "1||2", "1-|2", "1-client|2", "1-2-3|4"] {
            assert!(sides(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "x", "1->", "x,2", "1,2,3", "1->2->3"] {
            assert!(paths(wrong).is_err(), "{wrong}");
        }
    }
}
