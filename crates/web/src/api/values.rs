//! Values of requests and answers about the network: names of hosts and nodes, units as the command language writes them, and waits with a
//! bound.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use p2p_service::access::Access;
use p2p_service::files::{EngineError, EventId, SimTime};
use p2p_service::hosts;
use p2p_service::network::{NodeNumber, Operation, Peer, Snapshot};
use p2p_service::reasons::name;
use tokio::time::timeout;

use crate::problem::Problem;

/// Longest time on the wall clock that a request waits for what takes virtual time: a planned stop waits for what is under way, and time may be
/// paused.
const WAIT_MAX: Duration = Duration::from_secs(150);

/// Events that are looked through for what happened last: all that are kept beside those of segments.
pub(super) const RECENT_MAX: usize = 2048;

/// Formats the number of a run, as in the identifiers of its events: `1f3a5b7c9d0e2468`.
pub(super) fn run_text(run: u64) -> String {
    format!("{run:016x}")
}

/// Formats the identifier of an event, as in `1f3a5b7c9d0e2468-42`.
pub(super) fn event_text(EventId { run, number }: EventId) -> String {
    format!("{}-{number}", run_text(run))
}

/// Returns the node of this name: `Node_03`, `03` or `3`.
pub(super) fn node_of(field: &str, text: &str) -> Result<NodeNumber, Problem> {
    hosts::node_of(text).ok_or_else(|| Problem::invalid(field, "no node has such a name; write Node_03 or 3"))
}

/// Returns the host of this name: `client` or a node.
pub(super) fn peer_of(field: &str, text: &str) -> Result<Peer, Problem> {
    hosts::peer(text).map_err(|problem| Problem::invalid(field, problem))
}

/// Reads the value of a field in the notation of the command language.
pub(super) fn read<T: FromStr<Err: Display>>(field: &str, text: Option<&String>) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|error| Problem::invalid(field, error))).transpose()
}

/// Returns virtual seconds since the start.
pub(super) fn seconds(at: SimTime) -> f64 {
    at.as_secs_f64()
}

/// Returns what the caller sees of the network at this instant. Every user may.
pub(super) async fn seen(access: &Access) -> Result<Arc<Snapshot>, Problem> {
    access.require_login(&access.identity())?;
    Ok(access.present_snapshot().await?)
}

/// Calls an operation, and gives up waiting for it after a time that is long for a person.
pub(super) async fn call<O: Operation>(access: &Access, operation: O) -> Result<O::Reply, Problem> {
    bounded(access.call(operation)).await
}

/// Waits for an answer of the engine, as long as a request waits for what takes virtual time.
pub(crate) async fn bounded<T>(answer: impl Future<Output = Result<T, EngineError>>) -> Result<T, Problem> {
    within(WAIT_MAX, answer).await
}

/// Waits for an answer of the engine for a span of the wall clock at the most.
pub(super) async fn within<T>(span: Duration, answer: impl Future<Output = Result<T, EngineError>>) -> Result<T, Problem> {
    match timeout(span, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            let detail = format!(
                "it is not done after {} seconds and goes on; virtual time passes slowly, or stands still, as `GET time` tells",
                span.as_secs()
            );
            Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, name::UNAVAILABLE, detail))
        }
    }
}

/// Returns the problem of something that is not there; `next` says where one finds what is.
pub(super) fn unknown(what: impl Display, next: &'static str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, name::NOT_FOUND, format_args!("{what} is not there")).with_next(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_the_command_language_writes_them() {
        for text in ["Node_03", "node_3", "03", "3"] {
            let node = NodeNumber::from_index(2);
            assert_eq!((node_of("node", text).unwrap(), peer_of("host", text).unwrap()), (node, Peer::Node(node)), "{text}");
        }
        assert_eq!(peer_of("host", "client").unwrap(), Peer::Client);
        for wrong in ["", "0", "Node_", "client", "x3", "70000", " 3", "3 ", "+3", "-3", "3.0", "Node_-3", "Node 3", "Node_3_3"] {
            let problem = node_of("node", wrong).unwrap_err();
            assert_eq!(problem.status(), StatusCode::BAD_REQUEST, "{wrong}");
            assert_eq!(peer_of("host", wrong).is_ok(), wrong == "client", "{wrong}");
        }
    }

    /// A request does not wait without an end for time that does not pass.
    #[tokio::test(start_paused = true)]
    async fn a_wait_has_a_bound() {
        let problem = bounded(std::future::pending::<Result<(), EngineError>>()).await.unwrap_err();
        assert_eq!(problem.status(), StatusCode::GATEWAY_TIMEOUT);
    }
}
