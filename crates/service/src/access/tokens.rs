//! API tokens of the user of a front end: their making and revoking, the login by one, and what is refused to one. A token covers
//! files, transfers and the network, as far as the policy lets it; the account itself is for sessions, which are a person's.

use std::sync::Arc;

use p2p_auth::tokens::{ApiTokenInfo, NewToken, is_in};
use p2p_auth::{Secret, Token};
use secrecy::ExposeSecret;

use super::{Access, AccessError, Held, Identity};

/// Returns the bearer in the field `Authorization` of a request (RFC 6750, section 2.1); `None` if there is none in it.
pub fn bearer_in(authorization: &str) -> Option<Secret> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())?;
    Some(token.to_owned().into())
}

impl Access {
    /// Makes an API token of the user who is logged in, and returns its text, which cannot be read again later.
    ///
    /// # Errors
    /// Fails as [`Auth::new_token`](p2p_auth::Auth::new_token) does, or if the user is not logged in by a session.
    pub async fn new_token(&self, wanted: NewToken) -> Result<Secret, AccessError> {
        self.for_person("token new", move |auth, name, origin, now| auth.new_token(name, &wanted, origin, now)).await
    }

    /// Returns the API tokens of the user who is logged in.
    ///
    /// # Errors
    /// Fails if the user is not logged in by a session or the disk refuses.
    pub async fn api_tokens(&self) -> Result<Vec<ApiTokenInfo>, AccessError> {
        self.for_person("token list", |auth, name, _, now| auth.api_tokens(name, now)).await
    }

    /// Revokes the API token of this name of the user who is logged in.
    ///
    /// # Errors
    /// Fails as [`Auth::revoke_token`](p2p_auth::Auth::revoke_token) does, or if the user is not logged in by a session.
    pub async fn revoke_token(&self, token: String) -> Result<(), AccessError> {
        self.for_person("token revoke", move |auth, name, origin, now| auth.revoke_token(name, &token, origin, now)).await
    }

    /// Lets the user of a bearer in that a client presents with a request (RFC 6750): that of an API token, or that of a session, which does not
    /// end with the request.
    ///
    /// # Errors
    /// Fails as [`log_in_with_token`](Self::log_in_with_token) or [`resume`](Self::resume) does.
    pub async fn let_in_by(&self, bearer: Secret) -> Result<Arc<Identity>, AccessError> {
        match is_in(bearer.expose_secret()) {
            true => self.log_in_with_token(bearer).await,
            false => self.resume(Token::presented(bearer)).await,
        }
    }

    /// Logs the user of an API token in, with the scope of the token. The session that was used before ends, unless it is kept.
    ///
    /// # Errors
    /// Returns [`TokenError::Refused`](p2p_auth::tokens::TokenError::Refused) if the token is not valid; no user is logged in then.
    pub async fn log_in_with_token(&self, token: Secret) -> Result<Arc<Identity>, AccessError> {
        self.log_in_by(Held::ApiToken(token)).await
    }

    /// Logs in by what is held from now on. The session that was used before ends, unless it is kept.
    pub(super) async fn log_in_by(&self, held: Held) -> Result<Arc<Identity>, AccessError> {
        let before = {
            let mut session = self.session();
            // Nothing is done for anybody before it was looked up.
            self.let_in(Identity::Nobody);
            session.replace(held)
        };
        self.end_session(before.and_then(Held::passing_session)).await;
        self.check().await
    }

    /// Checks that the user is not logged in by an API token, for an operation on the account called `what`, and records a refusal in
    /// the audit log.
    ///
    /// # Errors
    /// Returns [`AccessError::SessionOnly`] if the user is logged in by a token.
    pub async fn require_session(&self, identity: &Identity, what: &str) -> Result<(), AccessError> {
        if identity.token().is_none() {
            return Ok(());
        }
        self.record_refusal(identity, format!("{what} by an API token")).await?;
        Err(AccessError::SessionOnly { what: what.to_owned() })
    }
}
