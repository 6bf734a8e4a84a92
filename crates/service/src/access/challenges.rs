//! Challenges of a service to those who log in and have a second factor: remembered between the two requests of a login by a text that
//! nobody can guess, which is all that the client needs to hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use p2p_auth::secret::new_bearer;
use p2p_auth::{AuthError, Challenge};
use secrecy::ExposeSecret;
use tokio::time::Instant;

/// Challenges that are waited for at once, at the most; each needs a right password.
const CHALLENGES_MAX: usize = 1024;
/// Time for which a challenge is remembered. The accounts forget theirs after the same time.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Challenges that have not been answered. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Challenges(Arc<Mutex<HashMap<String, (Challenge, Instant)>>>);

impl Challenges {
    /// Remembers a challenge, and returns the text by which its answer names it. The oldest one makes room where there are too many.
    ///
    /// # Errors
    /// Fails if the system gives no random bytes.
    pub fn remember(&self, challenge: Challenge) -> Result<String, AuthError> {
        let id = new_bearer("p2p_otp_")?.expose_secret().to_owned();
        let mut challenges = self.open();
        challenges.retain(|_, (_, since)| since.elapsed() < CHALLENGE_LIFETIME);
        if challenges.len() >= CHALLENGES_MAX {
            let oldest = challenges.iter().min_by_key(|(_, (_, since))| *since).map(|(id, _)| id.clone());
            oldest.and_then(|id| challenges.remove(&id));
        }
        challenges.insert(id.clone(), (challenge, Instant::now()));
        Ok(id)
    }

    /// Returns the challenge of this name.
    ///
    /// # Errors
    /// Returns [`AuthError::Lapsed`] if there is none of this name, or none any more.
    pub fn of(&self, id: &str) -> Result<Challenge, AuthError> {
        let challenges = self.open();
        let found = challenges.get(id).filter(|(_, since)| since.elapsed() < CHALLENGE_LIFETIME);
        found.map(|(challenge, _)| challenge.clone()).ok_or(AuthError::Lapsed)
    }

    /// Forgets a challenge that was answered.
    pub fn forget(&self, id: &str) {
        self.open().remove(id);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, (Challenge, Instant)>> {
        // A panic while the lock was held leaves a complete map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
