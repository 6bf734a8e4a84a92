//! Hosts that a request may name. A server at the loopback address answers to the names of this machine alone, so that no site reaches it
//! by a name of its own that leads here (DNS rebinding): to a browser that would be one site.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::{StatusCode, Version};
use p2p_service::doors::guest::Guest;
use p2p_service::reasons::name;

use crate::problem::Problem;

/// Reason of the refusal, in the figures of the door.
const REFUSED: &str = "another host named";

/// Hosts that a request may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Any: other machines reach the server, by names that it does not know.
    Any,
    /// The names of this machine.
    OfThisMachine,
}

impl Hosts {
    /// Returns the hosts of a server that listens at `address`.
    pub(super) fn of(address: SocketAddr) -> Hosts {
        if address.ip().to_canonical().is_loopback() { Hosts::OfThisMachine } else { Hosts::Any }
    }

    /// Returns true if a request may name this host, which may have a port: another one where the port is forwarded.
    fn admit(self, host: &str) -> bool {
        self == Hosts::Any || without_port(host).is_some_and(is_of_this_machine)
    }
}

/// Returns true for `localhost`, the names below it (RFC 6761, section 6.3), and the loopback addresses.
pub(super) fn is_of_this_machine(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let name = host.rsplit('.').next().unwrap_or(host);
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Returns the host of `host:port` (RFC 9110, section 7.2); `None` if that is none.
pub(super) fn without_port(host: &str) -> Option<&str> {
    let authority: http::uri::Authority = host.parse().ok()?;
    let (name, rest) = host.split_at_checked(authority.host().len())?;
    // Neither user information is a part of the header, nor what follows an address in brackets and is no port.
    let is_port = rest.strip_prefix(':').map_or(rest.is_empty(), |port| port.bytes().all(|digit| digit.is_ascii_digit()));
    if host.contains('@') || !is_port { None } else { Some(name) }
}

/// Refuses a request that names another host, with 421 (RFC 9110, section 15.5.20).
pub(super) async fn layer(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let problem = match named(&request) {
        Err(problem) => problem,
        Ok(Some(host)) if !hosts.admit(&host) => {
            let detail = "the server answers to localhost, 127.0.0.1 and [::1] alone";
            Problem::new(StatusCode::MISDIRECTED_REQUEST, name::WRONG_HOST, detail)
        }
        Ok(_) => return next.run(request).await,
    };
    if let Some(guest) = request.extensions().get::<Guest>() {
        guest.note_refusal(REFUSED);
    }
    problem.into_response()
}

/// Returns the host that a request names; `None` for one of HTTP/1.0 without.
fn named(request: &Request) -> Result<Option<String>, Problem> {
    // That of the target is the one that counts (RFC 9112, section 3.2.2; RFC 9113, section 8.3.1).
    if let Some(authority) = request.uri().authority() {
        return Ok(Some(authority.as_str().to_owned()));
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_10 => Ok(None),
        (Some(host), None) => match host.to_str() {
            Ok(host) => Ok(Some(host.to_owned())),
            Err(_) => Err(Problem::invalid("host", "it is no host name").with_status(StatusCode::BAD_REQUEST)),
        },
        _ => Err(Problem::invalid("host", "a request has this header once")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_at_the_loopback_address_answers_to_its_own_names() {
        let here = Hosts::of("127.0.0.1:5000".parse().unwrap());
        assert_eq!(here, Hosts::of("[::1]:5000".parse().unwrap()));
        for host in [
            "localhost:5000",
            "LOCALHOST",
            "localhost.",
            "p2p.localhost:1",
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]:5000",
            "127.1.2.3",
        ] {
            assert!(here.admit(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:5000",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "10.0.0.1",
            "[::2]",
            "",
            "a@localhost",
            "[::1]evil.example",
            "[::1].evil.example:80",
            "localhost:evil",
        ] {
            assert!(!here.admit(host), "{host}");
        }
        let there = Hosts::of("0.0.0.0:5000".parse().unwrap());
        assert!(there.admit("nas.example") && there.admit("10.0.0.1:5000"));
    }
}
