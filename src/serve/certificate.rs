//! The certificates that services present: read when they are started, by what the configuration says.

use p2p_base::spelling::visible_path;
use p2p_service::config::ConfigError;
use p2p_service::config::endpoint::TlsFiles;
use p2p_service::doors::certificate::{CertificateError, Presented};
use thiserror::Error;

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

/// Returns the certificate of the service of a section, from these files, for these protocols; `None` if it is without TLS.
///
/// # Errors
/// Fails if a file cannot be used.
pub(super) fn of(
    section: &'static str,
    files: Option<&TlsFiles>,
    protocols: &[&[u8]],
) -> Result<Option<Presented>, NotPresented> {
    let presented = files.map(|files| Presented::load(files, protocols)).transpose();
    presented.map_err(|error| NotPresented::File { section, error })
}

/// Returns a warning about a certificate that clients refuse, with the next step.
pub(super) fn warning(files: Option<&TlsFiles>, certificate: &Presented) -> Option<String> {
    let path = visible_path(&files?.certificate);
    let untimely = certificate.untimely.as_ref()?;
    Some(format!("clients refuse {path}: {untimely}; `p2p cert --force` makes another"))
}
