//! Clients from remote: the access of one, and which registrations of theirs are admitted.
//!
//! A client from remote is nobody until it logs in, also while there are no accounts, and the loopback address is remote as well.
//! The first account needs the setup token, which the service prints where its operator sees it and which no file keeps.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use p2p_auth::invites::{Admission, InviteError, InviteInfo};
use p2p_auth::{Account, AuthError, Registration, Secret, secret};
use p2p_engine::snapshot::Peer;
use p2p_engine::{Denial, Origin};
use p2p_store::manifest::NodeNumber;
use tokio::sync::watch;

use super::{Access, AccessError, Identity, State};

/// Users who may register an account from remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemoteRegistration {
    /// Nobody may: an admin makes the accounts.
    #[default]
    Closed,
    /// Whoever has an invite of an admin may.
    Invite,
    /// Anybody may.
    Open,
}

impl RemoteRegistration {
    /// Names of all rules in the configuration, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &["closed", "invite", "open"];

    /// Returns the name of the rule in the configuration.
    pub const fn name(self) -> &'static str {
        RemoteRegistration::NAMES[self as usize]
    }
}

/// Parses the name in the configuration.
impl FromStr for RemoteRegistration {
    type Err = String;

    fn from_str(text: &str) -> Result<RemoteRegistration, String> {
        match text {
            "closed" => Ok(RemoteRegistration::Closed),
            "invite" => Ok(RemoteRegistration::Invite),
            "open" => Ok(RemoteRegistration::Open),
            other => Err(format!("`{other}` is none of: {}", RemoteRegistration::NAMES.join(", "))),
        }
    }
}

/// Rules of a service for clients from remote, with the setup token of this run.
#[derive(Debug)]
pub struct RemoteRules {
    registration: RemoteRegistration,
    setup_token: Secret,
}

impl RemoteRules {
    /// Makes the rules and a new setup token.
    ///
    /// # Errors
    /// Fails if the system gives no random bytes.
    pub fn new(registration: RemoteRegistration) -> Result<RemoteRules, AuthError> {
        Ok(RemoteRules { registration, setup_token: secret::new_bearer("p2p_setup_")? })
    }

    /// Returns the setup token, which admits the first account. It is shown to the operator of the service alone.
    pub fn setup_token(&self) -> &Secret {
        &self.setup_token
    }

    /// Returns which users may register an account once there is one.
    pub fn registration(&self) -> RemoteRegistration {
        self.registration
    }

    /// Returns how a registration is admitted that presents an invite, the setup token or nothing.
    fn admission(&self, presented: Option<Secret>, has_accounts: bool) -> Result<Admission, InviteError> {
        match (has_accounts, self.registration, presented) {
            (false, _, None) => Err(InviteError::SetupNeeded),
            (false, _, Some(presented)) if secret::is_same(&presented, &self.setup_token) => Ok(Admission::Setup),
            (false, ..) => Err(InviteError::SetupRefused),
            (true, RemoteRegistration::Closed, _) => Err(InviteError::Closed),
            (true, RemoteRegistration::Invite, None) => Err(InviteError::Needed),
            (true, RemoteRegistration::Invite, Some(invite)) => Ok(Admission::Invite(invite)),
            (true, RemoteRegistration::Open, _) => Ok(Admission::Open),
        }
    }
}

impl Access {
    /// Returns the access of a client at `address` of a service that the audit log and mails call `service`. No user is logged in
    /// yet, and the client shares no login with this access.
    #[must_use]
    pub fn of_client(&self, service: &str, address: IpAddr, rules: &Arc<RemoteRules>) -> Access {
        Access {
            origin: format!("{service} {address}").into(),
            from: Origin::Remote(address),
            rules: Some(Arc::clone(rules)),
            state: Arc::new(State::new(watch::Sender::new(Arc::new(Identity::Nobody)))),
            ..self.clone()
        }
    }

    /// Returns the access of a client of the service of a node: the host of the node carries the transfers that the client begins, over its
    /// own link and by its own view of the other nodes. They fail when the process of the node ends.
    #[must_use]
    pub fn at_node(self, node: NodeNumber) -> Access {
        Access { host: Peer::Node(node), ..self }
    }

    /// Returns true if this is the access of a client from remote.
    pub fn is_remote(&self) -> bool {
        matches!(self.from, Origin::Remote(_))
    }

    /// Checks that what is called `what` may be done from where the user is, if it is for this machine alone, and records a refusal in the
    /// audit log.
    ///
    /// # Errors
    /// Returns [`Denial::LocalOnly`] to a client from remote.
    pub async fn require_local(&self, what: &str) -> Result<(), AccessError> {
        if !self.is_remote() {
            return Ok(());
        }
        if let Err(error) = self.record_refusal(&self.identity(), format!("{what} from remote")).await {
            tracing::warn!(%error, "a refusal is not recorded in the audit log");
        }
        Err(Denial::LocalOnly.into())
    }

    /// Registers an account for a client that presents an invite, the setup token or nothing. An admin who is logged in makes the
    /// account for another user; otherwise the new user is logged in.
    ///
    /// # Errors
    /// Returns an [`InviteError`] if the registration is not admitted, [`Denial::AdminOnly`] if a user who is logged
    /// in is no admin, or fails as [`register`](Self::register) does.
    pub async fn register_with(&self, wanted: Registration, presented: Option<Secret>) -> Result<Account, AccessError> {
        let Some(rules) = &self.rules else { return self.register(wanted).await };
        let identity = self.check().await?;
        if let Identity::User { .. } = &*identity {
            self.require_admin(&identity, "register").await?;
            return self.register(wanted).await;
        }
        let has_accounts = self.auth.has_accounts()?;
        let admission = rules.admission(presented, has_accounts).map_err(AuthError::from)?;
        let granted = self.off_thread(move |auth, origin, now| auth.register(&wanted, &admission, origin, now)).await?;
        self.hold(granted).await
    }

    /// Returns which users may register from remote, as far as this access knows it.
    pub fn registration(&self) -> Option<RemoteRegistration> {
        self.rules.as_ref().map(|rules| rules.registration()).or(self.registration)
    }

    /// Sets which users may register from remote, for a front end of this process.
    #[must_use]
    pub fn with_registration(self, registration: RemoteRegistration) -> Access {
        Access { registration: Some(registration), ..self }
    }

    /// Makes an invite for a user of a client from remote, and returns its text, which cannot be read again later.
    ///
    /// # Errors
    /// Fails as [`Auth::new_invite`](p2p_auth::Auth::new_invite) does, if the user is not an admin who is logged in by a session, or with
    /// [`AccessError::InvitesClosed`] where nobody may register from remote, so that the invite would admit nobody.
    pub async fn new_invite(&self, expires_at: u64) -> Result<Secret, AccessError> {
        self.require_admin(&*self.check().await?, "invite new").await?;
        if self.registration() == Some(RemoteRegistration::Closed) {
            return Err(AccessError::InvitesClosed);
        }
        self.for_person("invite new", move |auth, name, origin, now| auth.new_invite(name, expires_at, origin, now)).await
    }

    /// Returns the open invites.
    ///
    /// # Errors
    /// Fails if the user is not an admin who is logged in by a session, or if the disk refuses.
    pub async fn invites(&self) -> Result<Vec<InviteInfo>, AccessError> {
        self.require_admin(&*self.check().await?, "invite list").await?;
        self.for_person("invite list", |auth, _, _, now| auth.invites(now)).await
    }

    /// Revokes an open invite.
    ///
    /// # Errors
    /// Fails as [`Auth::revoke_invite`](p2p_auth::Auth::revoke_invite) does, or if the user is not an admin who is logged in by a
    /// session.
    pub async fn revoke_invite(&self, id: String) -> Result<(), AccessError> {
        self.require_admin(&*self.check().await?, "invite revoke").await?;
        self.for_person("invite revoke", move |auth, name, origin, now| auth.revoke_invite(name, &id, origin, now)).await
    }
}
