//! The certificates that services present: read when they are started, by what the configuration says.

use p2p_base::spelling::visible_path;
use p2p_service::config::endpoint::TlsFiles;
use p2p_service::config::{Config, ConfigError};
use p2p_service::doors::certificate::{CertificateError, Presented};
use thiserror::Error;

use super::kinds::Kind;

/// Error of a certificate that cannot be presented.
#[derive(Debug, Error)]
pub enum NotPresented {
    /// The configuration names half of it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be used.
    #[error("[{section}] tls: {error}")]
    File {
        /// Section of the configuration that names the file.
        section: &'static str,
        /// What is wrong with it.
        error: CertificateError,
    },
}

/// Returns the certificate of a kind of service; `None` if it is without TLS.
///
/// # Errors
/// Fails if the configuration names half of it, or if a file cannot be used.
pub(super) fn of(kind: Kind, config: &Config) -> Result<Option<Presented>, NotPresented> {
    let Some(files) = files(kind, config)? else { return Ok(None) };
    let protocols = match kind {
        Kind::Web => p2p_web::PROTOCOLS,
        Kind::Grpc | Kind::Ssh => p2p_grpc::server::PROTOCOLS,
    };
    let presented = Presented::load(&files, protocols);
    presented.map(Some).map_err(|error| NotPresented::File { section: kind.name(), error })
}

/// Returns a warning about a certificate that clients refuse, with the next step.
pub(super) fn warning(kind: Kind, config: &Config, certificate: &Presented) -> Option<String> {
    let (untimely, files) = (certificate.untimely.as_ref()?, files(kind, config).ok().flatten()?);
    let path = visible_path(&files.certificate);
    Some(format!("clients refuse {path}: {untimely}; `p2p cert --force` makes another"))
}

/// Returns the files with which a kind of service speaks TLS; `None` if it does not. SSH has keys of its own.
fn files(kind: Kind, config: &Config) -> Result<Option<TlsFiles>, ConfigError> {
    match kind {
        Kind::Grpc => config.grpc_tls(),
        Kind::Web => config.web_tls(),
        Kind::Ssh => Ok(None),
    }
}
