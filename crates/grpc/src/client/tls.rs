//! TLS (RFC 8446) to a server: which certificates are trusted, and connections on which one was checked.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use p2p_service::doors::certificate::{CertificateError, Fingerprint, algorithms, read_certificates, time_of};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError as Reason, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use crate::server::PROTOCOL;

/// Side of the client in TLS: whose certificates it trusts. Cheap to clone.
#[derive(Clone)]
pub struct Tls(TlsConnector);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(…)")
    }
}

impl Tls {
    /// Trusts the public authorities whose roots Mozilla has taken in.
    ///
    /// # Errors
    /// None, unless ring has no algorithms for TLS.
    pub fn of_public_authorities() -> Result<Tls, TlsError> {
        Tls::of(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Trusts the certificates of a file, and what they have signed.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or if one of its certificates cannot be used.
    pub fn of_file(path: &Path) -> Result<Tls, CertificateError> {
        let unusable = |error: TlsError| CertificateError::Unusable { path: path.to_owned(), reason: error.to_string() };
        let mut roots = RootCertStore::empty();
        read_certificates(path)?.into_iter().try_for_each(|certificate| roots.add(certificate)).map_err(unusable)?;
        Tls::of(roots).map_err(unusable)
    }

    /// Trusts the certificate with this fingerprint, whoever has signed it, whatever names it has, and whenever it ends.
    ///
    /// # Errors
    /// None, unless ring has no algorithms for TLS.
    pub fn of_fingerprint(fingerprint: Fingerprint) -> Result<Tls, TlsError> {
        let pinned = Pinned { fingerprint, algorithms: algorithms() };
        let config = ClientConfig::builder_with_provider(algorithms()).with_safe_default_protocol_versions()?;
        Ok(Tls::with(config.dangerous().with_custom_certificate_verifier(Arc::new(pinned)).with_no_client_auth()))
    }

    fn of(roots: RootCertStore) -> Result<Tls, TlsError> {
        let config = ClientConfig::builder_with_provider(algorithms()).with_safe_default_protocol_versions()?;
        Ok(Tls::with(config.with_root_certificates(roots).with_no_client_auth()))
    }

    fn with(mut config: ClientConfig) -> Tls {
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Tls(TlsConnector::from(Arc::new(config)))
    }

    /// Connects to an address, whose certificate is to be for it.
    async fn connect(self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = self.0.connect(ServerName::from(address.ip()), stream).await?;
        match stream.get_ref().1.alpn_protocol() {
            Some(PROTOCOL) => Ok(stream),
            _ => Err(io::Error::other("it does not speak HTTP/2, and so not gRPC")),
        }
    }
}

/// Maker of the connections of a channel.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    pub(super) address: SocketAddr,
    pub(super) tls: Tls,
}

impl Service<http::Uri> for Connector {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        let connecting = self.tls.clone().connect(self.address);
        Box::pin(async move { connecting.await.map(TokioIo::new) })
    }
}

/// Verifier that knows one certificate. Its signatures are checked as always: who has copied the certificate has not its key.
#[derive(Debug)]
struct Pinned {
    fingerprint: Fingerprint,
    algorithms: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        match Fingerprint::of(certificate) == self.fingerprint {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(TlsError::InvalidCertificate(Reason::ApplicationVerificationFailure)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns what is wrong with the certificate of a server, for whoever is to mend it.
pub(super) fn told(reason: &Reason) -> String {
    match reason {
        Reason::UnknownIssuer => "nobody whom this client trusts has signed it".to_owned(),
        Reason::NotValidForName | Reason::NotValidForNameContext { .. } => "it is not for this address".to_owned(),
        Reason::ApplicationVerificationFailure => "it has another fingerprint".to_owned(),
        other => match time_of(other) {
            Some(text) => text.to_owned(),
            None => TlsError::InvalidCertificate(other.clone()).to_string(),
        },
    }
}
