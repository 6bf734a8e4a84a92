//! Identifiers of faults: the kind of what they are about, and its hosts, as in `process-Node_03` and `cut-client-Node_01`. A host has no
//! hyphen in its name.

use p2p_service::hosts;
use p2p_service::network::{Direction, Target};

/// Returns the identifier of the fault of a target.
pub(super) fn of(target: Target) -> String {
    match target {
        Target::Process(node) => format!("process-{node}"),
        Target::Flap(node) => format!("flap-{node}"),
        Target::Disk(node) => format!("disk-{node}"),
        Target::Link(peer, Direction::Up) => format!("link-{peer}-up"),
        Target::Link(peer, Direction::Down) => format!("link-{peer}-down"),
        Target::Paths(peer) => format!("paths-{peer}"),
        Target::Path(from, to) => format!("path-{from}-{to}"),
        Target::Cut(from, to) => format!("cut-{from}-{to}"),
    }
}

/// Returns the target of an identifier; `None` if no fault can have it.
pub(super) fn read(id: &str) -> Option<Target> {
    let node = |name: &str| hosts::node_of(name);
    let host = |name: &str| hosts::peer(name).ok();
    let parts: Vec<&str> = id.splitn(4, '-').collect();
    let target = match *parts.as_slice() {
        ["process", name] => Target::Process(node(name)?),
        ["flap", name] => Target::Flap(node(name)?),
        ["disk", name] => Target::Disk(node(name)?),
        ["link", name, "up"] => Target::Link(host(name)?, Direction::Up),
        ["link", name, "down"] => Target::Link(host(name)?, Direction::Down),
        ["paths", name] => Target::Paths(host(name)?),
        ["path", from, to] => Target::Path(host(from)?, host(to)?),
        ["cut", from, to] => Target::Cut(host(from)?, host(to)?),
        _ => return None,
    };
    Some(target)
}

#[cfg(test)]
mod tests {
    use p2p_service::network::{NodeNumber, Peer};

    use super::*;

    #[test]
    fn an_identifier_is_read_as_it_is_written() {
        let node = NodeNumber::from_index(11);
        let (client, other) = (Peer::Client, Peer::Node(node));
        for target in [
            Target::Process(node),
            Target::Flap(node),
            Target::Disk(node),
            Target::Link(client, Direction::Up),
            Target::Link(other, Direction::Down),
            Target::Paths(client),
            Target::Path(client, other),
            Target::Cut(other, client),
        ] {
            assert_eq!(read(&of(target)), Some(target));
        }
        assert_eq!(of(Target::Cut(other, client)), "cut-Node_12-client");
        for wrong in ["", "process", "process-client", "link-client", "link-client-sideways", "cut-client", "cut-a-b-c", "x-1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
