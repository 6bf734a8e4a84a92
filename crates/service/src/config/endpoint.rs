//! Addresses of services, as users write them: an address of this machine and a port; and the files with which a service speaks TLS.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// Address and port at which a service listens.
///
/// ```
/// use p2p_service::config::endpoint::Endpoint;
///
/// assert_eq!(":0".parse::<Endpoint>()?.to_string(), "127.0.0.1:0");
/// # Ok::<(), p2p_service::config::endpoint::EndpointError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint(pub SocketAddr);

/// Error of a text that is no address of a service.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no address and port, as in 127.0.0.1:50050, [::1]:50050, or :0 for a free port of 127.0.0.1")]
pub struct EndpointError(String);

/// Files of a service that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Path of the certificate, in PEM, with those of its authorities after it.
    pub certificate: PathBuf,
    /// Path of its private key, in PEM.
    pub key: PathBuf,
}

/// Parses an IP address and a port; `localhost` and no address at all are 127.0.0.1. Other names are not looked up: what a service listens
/// at does not depend on who answers for a name.
impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Endpoint, EndpointError> {
        let here = |port: &str| Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?));
        let address = match text.rsplit_once(':') {
            Some(("" | "localhost", port)) => here(port),
            _ => text.parse().ok(),
        };
        address.map(Endpoint).ok_or_else(|| EndpointError(text.to_owned()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_is_no_name() {
        for (text, meant) in [
            ("127.0.0.1:50050", "127.0.0.1:50050"),
            (":50050", "127.0.0.1:50050"),
            ("localhost:0", "127.0.0.1:0"),
            ("[::1]:65535", "[::1]:65535"),
            ("0.0.0.0:1", "0.0.0.0:1"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), meant, "{text}");
        }
        for text in ["", ":", "50050", "127.0.0.1", "127.0.0.1:65536", "::1:7:", "example.org:7", "127.0.0.1:-1", " :7", ":+7 "] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no address and port")), "{error}");
        }
    }
}
