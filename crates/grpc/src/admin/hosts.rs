//! Hosts of the contract: nodes by their numbers, the client, links and paths between hosts.

use p2p_service::network::{Direction, Peer};

use crate::proto;
use crate::proto::LinkDirection;
use crate::quantities::{Read, Wrong, node_of, number};

/// Path between two hosts: from, to, and true if one way is meant alone.
pub(crate) type Ends = (Peer, Peer, bool);

pub(crate) fn host(peer: Peer) -> Option<proto::Host> {
    let host = match peer {
        Peer::Client => proto::host::Host::Client(()),
        Peer::Node(node) => proto::host::Host::Node(number(node)),
    };
    Some(proto::Host { host: Some(host) })
}

pub(crate) fn peer_of(field: &str, given: Option<proto::Host>) -> Read<Peer> {
    match given.and_then(|given| given.host).ok_or_else(|| Wrong::missing(field))? {
        proto::host::Host::Client(()) => Ok(Peer::Client),
        proto::host::Host::Node(number) => node_of(field, number).map(Peer::Node),
    }
}

pub(crate) fn direction(direction: Option<Direction>) -> i32 {
    let direction = match direction {
        None => LinkDirection::Unspecified,
        Some(Direction::Up) => LinkDirection::Up,
        Some(Direction::Down) => LinkDirection::Down,
    };
    direction.into()
}

pub(crate) fn direction_of(field: &str, given: i32) -> Read<Option<Direction>> {
    match LinkDirection::try_from(given) {
        Ok(LinkDirection::Unspecified) => Ok(None),
        Ok(LinkDirection::Up) => Ok(Some(Direction::Up)),
        Ok(LinkDirection::Down) => Ok(Some(Direction::Down)),
        Err(_) => Err(Wrong::new(field, format_args!("{given} is no direction"))),
    }
}

pub(crate) fn way((from, to, one_way): Ends) -> proto::Way {
    proto::Way { from: host(from), to: host(to), one_way }
}

pub(crate) fn ends_of(field: &str, given: proto::Way) -> Read<Ends> {
    let end = |name, host| peer_of(name, host).map_err(|wrong| wrong.within(field));
    Ok((end("from", given.from)?, end("to", given.to)?, given.one_way))
}

#[cfg(test)]
mod tests {
    use p2p_service::files::NodeNumber;

    use super::*;

    #[test]
    fn hosts_and_directions_are_read_as_they_are_written() {
        let peers = [Peer::Client, Peer::Node(NodeNumber::from_index(0)), Peer::Node(NodeNumber::from_index(999))];
        for peer in peers {
            assert_eq!(peer_of("host", host(peer)), Ok(peer));
            assert_eq!(ends_of("way", way((peer, Peer::Client, true))), Ok((peer, Peer::Client, true)));
        }
        for given in [None, Some(Direction::Up), Some(Direction::Down)] {
            assert_eq!(direction_of("direction", direction(given)), Ok(given));
        }
    }

    #[test]
    fn what_names_no_host_is_refused_by_the_name_of_its_field() {
        let node = |node| Some(proto::Host { host: Some(proto::host::Host::Node(node)) });
        for wrong in [None, Some(proto::Host { host: None }), node(0), node(65_536)] {
            assert!(peer_of("host", wrong).unwrap_err().to_string().starts_with("host: "));
        }
        let way = proto::Way { from: node(1), to: None, one_way: false };
        assert_eq!(ends_of("way", way).unwrap_err().to_string(), "way.to: it is missing");
        assert!(direction_of("direction", 3).is_err());
    }
}
