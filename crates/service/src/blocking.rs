//! Work that blocks, on threads that may: password hashes, transactions of the accounts, and looks at all names.

use p2p_auth::{Auth, AuthError};

/// Runs work that takes long, such as a look at all names, on a thread that may block. It is completed even if the returned future is dropped.
///
/// # Errors
/// Fails if the work panics, or the program ends.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AuthError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| AuthError::Internal { reason: error.to_string() })
}

/// Runs blocking work on the accounts on a thread that may block. The work is completed even if the returned future is dropped, so
/// that what it changes is changed whole.
///
/// # Errors
/// Returns the error of `work`.
pub(crate) async fn off_thread<T: Send + 'static>(
    auth: &Auth,
    work: impl FnOnce(&Auth) -> Result<T, AuthError> + Send + 'static,
) -> Result<T, AuthError> {
    let auth = auth.clone();
    apart(move || work(&auth)).await?
}
