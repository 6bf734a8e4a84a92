//! Public keys of the user of a front end: adding, listing and removing them. They are the account's, and so for sessions alone.

use p2p_auth::keys::KeyInfo;
use p2p_auth::names::KeyName;
use p2p_auth::public_key::{KeyFingerprint, PublicKey};

use super::{Access, AccessError};

impl Access {
    /// Returns true if a key is one of this user's, for a client that asks before it proves that it holds the private half.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn has_key(&self, name: String, key: KeyFingerprint) -> Result<bool, AccessError> {
        Ok(self.off_thread(move |auth, _, _| auth.has_key(&name, key)).await?)
    }

    /// Logs in a user who has proven to hold the private half of this key.
    ///
    /// # Errors
    /// Fails as [`Auth::login_with_key`](p2p_auth::Auth::login_with_key) does.
    pub async fn login_with_key(&self, name: String, key: KeyFingerprint) -> Result<(), AccessError> {
        let granted = self.off_thread(move |auth, origin, now| auth.login_with_key(&name, key, origin, now)).await?;
        self.hold(granted).await.map(drop)
    }

    /// Adds a public key of the user who is logged in.
    ///
    /// # Errors
    /// Fails as [`Auth::add_key`](p2p_auth::Auth::add_key) does, or if the user is not logged in by a session.
    pub async fn add_key(&self, key: KeyName, public: PublicKey) -> Result<KeyInfo, AccessError> {
        self.for_person("key add", move |auth, name, origin, now| auth.add_key(name, &key, &public, origin, now)).await
    }

    /// Returns the public keys of the user who is logged in.
    ///
    /// # Errors
    /// Fails if the user is not logged in by a session or the disk refuses.
    pub async fn keys(&self) -> Result<Vec<KeyInfo>, AccessError> {
        self.for_person("key list", |auth, name, _, _| auth.keys(name)).await
    }

    /// Removes the public key of this name of the user who is logged in, and returns it.
    ///
    /// # Errors
    /// Fails as [`Auth::remove_key`](p2p_auth::Auth::remove_key) does, or if the user is not logged in by a session.
    pub async fn remove_key(&self, key: KeyName) -> Result<KeyInfo, AccessError> {
        self.for_person("key remove", move |auth, name, origin, now| auth.remove_key(name, &key, origin, now)).await
    }
}
