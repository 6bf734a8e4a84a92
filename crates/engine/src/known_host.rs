//! Answers of the network about hosts that the engine itself has added to it.

use p2p_net::UnknownHost;

/// Returns the answer of a network about one of its own hosts, which it cannot fail to know.
pub(crate) fn known<T>(answer: Result<T, UnknownHost>) -> T {
    answer.unwrap_or_else(|unknown| unreachable!("a host of the engine is missing: {unknown}"))
}
