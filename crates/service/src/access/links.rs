//! Links to files and directories of the user of a front end, for whoever has them: their making, listing and revoking, and what one opens.
//!
//! The token in the address of a link lets nobody in elsewhere: neither as the bearer of a request nor as the password of a login.

use std::sync::Arc;

use p2p_auth::Secret;
use p2p_auth::names::TokenName;
use p2p_auth::tokens::{self, ApiTokenInfo, NewLink, TokenError};
use p2p_store::names::FileKey;
use secrecy::ExposeSecret;

use super::held::Held;
use super::{Access, AccessError, Identity};

/// Link that is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Name by which it is revoked.
    pub name: TokenName,
    /// Path of the file or directory among the user's own.
    pub path: String,
    /// Time at which it was made, in seconds since 1970.
    pub created_at: u64,
    /// Time at which it ends, in seconds since 1970.
    pub expires_at: u64,
    /// Time of its last use, in seconds since 1970, exact to the minute; `None` if it was not used yet.
    pub last_used: Option<u64>,
}

/// Link that was made.
#[derive(Debug)]
pub struct MadeLink {
    /// Name by which it is revoked.
    pub name: TokenName,
    /// Text of the token in its address, which cannot be read again later.
    pub token: Secret,
    /// Time at which it ends, in seconds since 1970.
    pub expires_at: u64,
}

/// Link that is open: whoever has it may read what it is to.
#[derive(Debug, Clone)]
pub struct OpenLink {
    /// User of the link: the one who has made it, who may read that and nothing else.
    pub identity: Arc<Identity>,
    /// File or directory that it is to. There need not be one any more.
    pub root: FileKey,
    /// Time at which it ends, in seconds since 1970.
    pub expires_at: u64,
}

impl Access {
    /// Makes a link to the own file or directory that the user calls `text`, until a time in seconds since 1970.
    ///
    /// # Errors
    /// Fails if there is nothing of that name, since the link would be one to whatever has it later, if it is in the tree of another user, as
    /// [`Auth::new_link`](p2p_auth::Auth::new_link) does, or if the user is not logged in by a session.
    pub async fn new_link(&self, identity: &Identity, text: &str, expires_at: u64) -> Result<MadeLink, AccessError> {
        let key = self.entry(identity, text).await?.key().clone();
        let path = self.path_for_token(&identity.label(&key))?;
        let wanted = NewLink { path, expires_at };
        let make = move |auth: &p2p_auth::Auth, name: &_, origin: &str, now| auth.new_link(name, &wanted, origin, now);
        let (name, token) = self.for_person("link new", make).await?;
        Ok(MadeLink { name, token, expires_at })
    }

    /// Returns the links of the user who is logged in, by name.
    ///
    /// # Errors
    /// Fails as [`api_tokens`](Self::api_tokens) does.
    pub async fn links(&self) -> Result<Vec<Link>, AccessError> {
        let link = |token: ApiTokenInfo| {
            let ApiTokenInfo { name, reach, created_at, expires_at, last_used, is_link, .. } = token;
            let path = reach.path.filter(|_| is_link)?;
            Some(Link { name, path, created_at, expires_at, last_used })
        };
        Ok(self.api_tokens().await?.into_iter().filter_map(link).collect())
    }

    /// Revokes the link of this name of the user who is logged in, and no API token of another use.
    ///
    /// # Errors
    /// Fails as [`Auth::revoke_link`](p2p_auth::Auth::revoke_link) does, or if the user is not logged in by a session.
    pub async fn revoke_link(&self, link: String) -> Result<(), AccessError> {
        self.for_person("link revoke", move |auth, name, origin, now| auth.revoke_link(name, &link, origin, now)).await
    }

    /// Opens the link with this token, for whoever has it. The session that was used before ends, unless it is kept.
    ///
    /// # Errors
    /// Returns [`TokenError::Refused`] if there is no such link, or if it has ended or was revoked; nobody is let in then.
    pub async fn open_link(&self, token: Secret) -> Result<OpenLink, AccessError> {
        let refused = || AccessError::Auth(TokenError::Refused.into());
        // What is no token is not counted as a guess at one: anybody may make others ask for such an address.
        if !tokens::is_in(token.expose_secret()) {
            return Err(refused());
        }
        let identity = self.log_in_by(Held::Link(token.clone())).await?;
        let expires_at = self.off_thread(move |auth, origin, now| auth.link_end(&token, origin, now)).await?;
        let path = identity.token().and_then(|reach| reach.path.as_deref()).ok_or_else(refused)?;
        Ok(OpenLink { root: FileKey::new(identity.name(), path), identity, expires_at })
    }
}
