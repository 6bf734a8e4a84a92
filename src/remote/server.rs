//! The server that is asked: its address, and whose certificate it is to have where TLS is spoken.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueHint};
use eyre::{Result, eyre};
use p2p_grpc::client::Tls;
use p2p_service::config::endpoint::Endpoint;
use p2p_service::doors::certificate::Fingerprint;
use p2p_service::failure::Advise;

/// Server as users write it: `grpc://127.0.0.1:50050`, or `grpcs://127.0.0.1:50050` with TLS.
#[derive(Debug, Clone)]
pub struct Server {
    address: SocketAddr,
    /// True if TLS is asked for by the name alone.
    is_encrypted: bool,
    tls: Option<Tls>,
}

/// Options that say whose certificate a server may have.
#[derive(Debug, Clone, Default, Args)]
pub struct TrustArgs {
    /// Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "connect")]
    tls_ca: Option<PathBuf>,
    /// Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other
    #[arg(long, global = true, value_name = "SHA256", requires = "connect", conflicts_with = "tls_ca")]
    tls_fingerprint: Option<Fingerprint>,
}

impl Server {
    /// Returns the server with the trust of the options: TLS is spoken if one of them is given, or if the name asks for it.
    ///
    /// # Errors
    /// Fails if the file of certificates cannot be used.
    pub fn trusting(self, trust: &TrustArgs) -> Result<Server> {
        let tls = match (&trust.tls_fingerprint, &trust.tls_ca) {
            (Some(fingerprint), _) => Some(Tls::of_fingerprint(*fingerprint)?),
            (None, Some(path)) => Some(Tls::of_file(path).map_err(|error| {
                eyre!("--tls-ca: {error}").suggestion("`p2p cert` prints where the certificate is that it has made")
            })?),
            (None, None) if self.is_encrypted => Some(Tls::of_public_authorities()?),
            (None, None) => None,
        };
        Ok(Server { is_encrypted: tls.is_some(), tls, ..self })
    }

    /// Returns the address of the server.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns whom to trust, where TLS is spoken.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Server, String> {
        let encrypted = text.strip_prefix("grpcs://");
        let address = encrypted.or_else(|| text.strip_prefix("grpc://")).map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let address = address.ok_or_else(|| {
            format!("`{text}` is no server; write it as grpc://127.0.0.1:50050, or as grpcs://127.0.0.1:50050 with TLS")
        })?;
        let Endpoint(address) = address.parse::<Endpoint>().map_err(|error| error.to_string())?;
        match address.port() {
            0 => Err(format!("`{text}` has no port")),
            _ => Ok(Server { address, is_encrypted: encrypted.is_some(), tls: None }),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_encrypted { "grpcs" } else { "grpc" }, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_of_grpc() {
        let written = |text: &str| text.parse::<Server>().unwrap().to_string();
        assert_eq!(written("grpc://127.0.0.1:50050"), "grpc://127.0.0.1:50050");
        assert_eq!(written("grpc://localhost:50050/"), "grpc://127.0.0.1:50050");
        assert_eq!(written("grpc://[::1]:7"), "grpc://[::1]:7");
        assert_eq!(written("grpcs://:7"), "grpcs://127.0.0.1:7");
        for wrong in
            ["", "127.0.0.1:50050", "http://127.0.0.1:50050", "grpc://", "grpcs://:0", "grpcs://example.org:1", "grpc://1.2.3.4"]
        {
            assert!(wrong.parse::<Server>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_option_of_trust_asks_for_tls() {
        let server: Server = "grpc://127.0.0.1:7".parse().unwrap();
        let plain = server.clone().trusting(&TrustArgs::default()).unwrap();
        assert!(plain.tls().is_none());
        let pinned = TrustArgs { tls_fingerprint: Some(Fingerprint::of(b"")), ..TrustArgs::default() };
        assert_eq!(server.clone().trusting(&pinned).unwrap().to_string(), "grpcs://127.0.0.1:7");
        let public = "grpcs://127.0.0.1:7".parse::<Server>().unwrap().trusting(&TrustArgs::default()).unwrap();
        assert!(public.tls().is_some());
        let missing = TrustArgs { tls_ca: Some("/none/ca.pem".into()), ..TrustArgs::default() };
        let error = server.trusting(&missing).unwrap_err().to_string();
        assert!(error.starts_with("--tls-ca: /none/ca.pem: No such file"), "{error}");
    }
}
