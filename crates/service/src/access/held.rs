//! What a front end holds to be logged in: the session of a person, the API token of a program, or the link of whoever has it.

use std::time::Duration;

use p2p_auth::{Auth, AuthError, Secret, Token};
use p2p_engine::Denial;
use secrecy::ExposeSecret;
use tokio::time::sleep;

use super::identity::Identity;
use super::{Access, AccessError};

/// Time between two looks at whether what a client with a connection or a stream has presented is still valid, in wall time. The contract of
/// gRPC says so too.
const LOOK: Duration = Duration::from_secs(10);

/// Session, API token or link that a front end uses.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// Session of a person.
    Session {
        token: Token,
        /// True if the session outlives the front end.
        is_kept: bool,
    },
    /// API token of a program.
    ApiToken(Secret),
    /// Token in the address of a link.
    Link(Secret),
}

impl Held {
    /// Returns the user of the session, the token or the link, and records its use.
    ///
    /// # Errors
    /// Fails as [`Auth::check`], [`Auth::by_token`] and [`Auth::by_link`] do.
    pub(super) fn check(&self, auth: &Auth, origin: &str, now: u64) -> Result<Identity, AuthError> {
        let limited = |(account, reach)| Identity::User { account, token: Some(reach) };
        match self {
            Held::Session { token, .. } => auth.check(token, origin, now).map(Identity::by_session),
            Held::ApiToken(token) => auth.by_token(token, origin, now).map(limited),
            Held::Link(token) => auth.by_link(token, origin, now).map(limited),
        }
    }

    /// Returns the user of the session or the token, without recording a use.
    ///
    /// # Errors
    /// Fails as [`check`](Self::check) does.
    pub(super) fn peek(&self, auth: &Auth, origin: &str, now: u64) -> Result<Identity, AuthError> {
        let limited = |(account, reach)| Identity::User { account, token: Some(reach) };
        match self {
            Held::Session { token, .. } => auth.peek(token, origin, now).map(Identity::by_session),
            Held::ApiToken(token) => auth.peek_token(token, origin, now).map(limited),
            Held::Link(token) => auth.peek_link(token, origin, now).map(limited),
        }
    }

    /// Returns the token of the session, if it is one.
    pub(super) fn session(self) -> Option<Token> {
        match self {
            Held::Session { token, .. } => Some(token),
            Held::ApiToken(_) | Held::Link(_) => None,
        }
    }

    /// Returns the token of the session if it ends together with the front end.
    pub(super) fn passing_session(self) -> Option<Token> {
        match self {
            Held::Session { token, is_kept: false } => Some(token),
            Held::Session { .. } | Held::ApiToken(_) | Held::Link(_) => None,
        }
    }

    /// Lets the session outlive the front end.
    pub(super) fn keep(&mut self) {
        if let Held::Session { is_kept, .. } = self {
            *is_kept = true;
        }
    }

    /// Returns the text of the token, by which two of them are told apart.
    pub(super) fn expose(&self) -> &str {
        match self {
            Held::Session { token, .. } => token.expose(),
            Held::ApiToken(token) | Held::Link(token) => token.expose_secret(),
        }
    }
}

impl Access {
    /// Waits until a user who is logged in is nobody any more, looking every ten seconds: the session was ended, or the token was revoked or has
    /// expired. Returns why. That it cannot be looked up ends nothing.
    #[expect(clippy::disallowed_methods, reason = "sessions and tokens live by the wall clock")]
    pub async fn lapsed(&self) -> AccessError {
        loop {
            let looked = self.peek().await;
            if *self.identity() == Identity::Nobody {
                // A request may have found out already that there is nobody.
                return looked.err().unwrap_or_else(|| Denial::LoginNeeded.into());
            }
            sleep(LOOK).await;
        }
    }
}
