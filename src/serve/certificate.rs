//! The certificate that the gRPC services present: read when they are started, by what the configuration says.

use p2p_base::spelling::visible_path;
use p2p_grpc::server::PROTOCOL;
use p2p_service::config::{Config, ConfigError};
use p2p_service::doors::certificate::{CertificateError, Presented};
use thiserror::Error;

/// Error of a certificate that cannot be presented.
#[derive(Debug, Error)]
pub enum NotPresented {
    /// The configuration names half of it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be used.
    #[error("[grpc] tls: {0}")]
    File(#[from] CertificateError),
}

/// Returns the certificate of the gRPC services; `None` if they are without TLS.
///
/// # Errors
/// Fails if the configuration names half of it, or if a file cannot be used.
pub(super) fn of(config: &Config) -> Result<Option<Presented>, NotPresented> {
    Ok(match config.grpc_tls()? {
        Some(files) => Some(Presented::load(&files, PROTOCOL)?),
        None => None,
    })
}

/// Returns a warning about a certificate that clients refuse, with the next step.
pub(super) fn warning(config: &Config, certificate: &Presented) -> Option<String> {
    let (untimely, files) = (certificate.untimely.as_ref()?, config.grpc_tls().ok().flatten()?);
    let path = visible_path(&files.certificate);
    Some(format!("clients refuse {path}: {untimely}; `p2p cert --force` makes another"))
}
