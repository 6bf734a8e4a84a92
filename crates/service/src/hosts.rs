//! Names of hosts as users write them, by whatever door: `client`, and the nodes.

use p2p_base::spelling::visible;
use p2p_engine::snapshot::Peer;
use p2p_store::manifest::NodeNumber;

/// Returns the node of this name, written `Node_03`, `03` or `3`.
pub fn node_of(text: &str) -> Option<NodeNumber> {
    let digits = text.rsplit('_').next().unwrap_or(text);
    let number = digits.parse::<u16>().ok().filter(|&number| number > 0 && is_node_name(text))?;
    Some(NodeNumber::from_index(usize::from(number) - 1))
}

fn is_node_name(text: &str) -> bool {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    before.is_empty() || before.eq_ignore_ascii_case("node_")
}

/// Returns the host of this name: `client`, or a node as [`node_of`] reads it.
///
/// # Errors
/// Fails if the name is that of no host.
pub fn peer(text: &str) -> Result<Peer, String> {
    if text.eq_ignore_ascii_case("client") {
        return Ok(Peer::Client);
    }
    let node = node_of(text).map(Peer::Node);
    node.ok_or_else(|| format!("`{}` is no host; write client, Node_03 or 3", visible(text)))
}
