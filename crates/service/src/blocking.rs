//! Work that blocks, on threads that may: password hashes, and transactions of the accounts.

use p2p_auth::{Auth, AuthError};

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
    let done = tokio::task::spawn_blocking(move || work(&auth)).await;
    done.unwrap_or_else(|error| Err(AuthError::Internal { reason: error.to_string() }))
}
