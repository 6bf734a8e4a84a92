//! Account operations of a front end: registration, login and logout, passwords, second factors, sessions, mails and the audit
//! log. Each call hands its work to a thread that may block on a password hash or a disk. Independent of how the user is
//! prompted.

use std::collections::BTreeSet;
use std::sync::Arc;

use p2p_auth::audit::{AuditEntry, Finding};
use p2p_auth::invites::Admission;
use p2p_auth::mail::Mail;
use p2p_auth::names::{Email, UserName};
use p2p_auth::{
    Account, Auth, AuthError, Begun, Challenge, CodeKind, Granted, LoginStep, Registration, Secret, SessionInfo, Token,
};
use p2p_engine::Denial;
use p2p_store::namespace::Entry;

use super::{Access, AccessError, Held, Identity};
use crate::blocking::apart;

type Done<T> = Result<T, AccessError>;
/// Mails with their numbers.
type Mails = Vec<(u64, Mail)>;

impl Access {
    /// Checks a user name and a password. Logs the user in if no second factor is needed, and returns a challenge otherwise.
    ///
    /// # Errors
    /// Fails as [`Auth::login`] does.
    pub async fn login(&self, name: String, password: Secret) -> Done<Option<Challenge>> {
        match self.off_thread(move |auth, origin, now| auth.login(&name, &password, origin, now)).await? {
            LoginStep::Granted(granted) => self.hold(granted).await.map(|_| None),
            LoginStep::Code(challenge) => Ok(Some(challenge)),
        }
    }

    /// Checks the code for a challenge and logs the user in.
    ///
    /// # Errors
    /// Fails as [`Auth::login_with_code`] does.
    pub async fn login_with_code(&self, challenge: &Challenge, code: Secret) -> Done<()> {
        let challenge = challenge.clone();
        let granted = self.off_thread(move |auth, _, now| auth.login_with_code(&challenge, &code, now)).await?;
        self.hold(granted).await.map(drop)
    }

    /// Sends another code for a challenge by mail.
    ///
    /// # Errors
    /// Fails as [`Auth::send_code`] does.
    pub async fn send_code(&self, challenge: &Challenge) -> Done<()> {
        let challenge = challenge.clone();
        Ok(self.off_thread(move |auth, _, now| auth.send_code(&challenge, now)).await?)
    }

    /// Registers an account. A user who is logged in stays logged in; otherwise the new user is logged in.
    ///
    /// # Errors
    /// Fails as [`Auth::register`] does.
    pub async fn register(&self, wanted: Registration) -> Done<Account> {
        if let Identity::User { .. } = &*self.check().await? {
            return self
                .for_person("register", move |auth, by, origin, now| auth.register_other(&wanted, by.as_str(), origin, now))
                .await;
        }
        let granted = self.off_thread(move |auth, origin, now| auth.register(&wanted, &Admission::Local, origin, now)).await?;
        self.hold(granted).await
    }

    /// Makes a granted session the current one and ends the previous session.
    pub(super) async fn hold(&self, granted: Granted) -> Done<Account> {
        let Granted { token, account } = granted;
        let (before, identity) = {
            let mut session = self.session();
            (session.replace(Held::Session { token, is_kept: false }), self.let_in(Identity::by_session(account.clone())))
        };
        self.end_session(before.and_then(Held::passing_session)).await;
        self.settle_ownership(&identity).await?;
        Ok(account)
    }

    /// Resumes a session that was begun earlier. It is not ended together with the front end.
    ///
    /// # Errors
    /// Returns [`AuthError::SessionOver`] if the session has ended.
    pub async fn resume(&self, token: Token) -> Done<Arc<Identity>> {
        *self.session() = Some(Held::Session { token, is_kept: true });
        self.check().await
    }

    /// Returns the token of the current session.
    ///
    /// # Errors
    /// Returns [`Denial::LoginNeeded`] if there is no session.
    pub fn token(&self) -> Done<Token> {
        Ok(self.session().clone().and_then(Held::session).ok_or(Denial::LoginNeeded)?)
    }

    /// Returns the instant at which a session ends that begins now, in seconds since 1970, if it is not ended before.
    pub fn session_end(&self) -> u64 {
        self.now().saturating_add(self.auth.policy().session_lifetime)
    }

    /// Lets the current session outlive the front end, because its token has been saved.
    pub fn keep(&self) {
        if let Some(held) = self.session().as_mut() {
            held.keep();
        }
    }

    /// Ends the session or, with `all`, every session of its user. Returns the name of the user.
    ///
    /// # Errors
    /// Returns [`Denial::LoginNeeded`] if there is no session, and [`AccessError::SessionOnly`] if the user is logged in by an
    /// API token, which is revoked instead.
    pub async fn logout(&self, all: bool) -> Done<String> {
        let (held, identity) = (self.session().clone(), self.identity());
        self.require_session(&identity, "logout").await?;
        let name = identity.name().ok_or(Denial::LoginNeeded)?.to_owned();
        if let Some(token) = held.and_then(Held::session) {
            match self.off_thread(move |auth, origin, now| auth.logout(&token, all, origin, now)).await {
                // A session that is over already needs no logout.
                Ok(()) | Err(AuthError::SessionOver) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut session = self.session();
        *session = None;
        self.let_in(Identity::Nobody);
        Ok(name)
    }

    /// Ends the session together with the front end, unless it is to be kept.
    pub async fn end(&self) {
        let held = self.session().take();
        self.end_session(held.and_then(Held::passing_session)).await;
    }

    /// Ends a session that is no longer used, if it is not over already.
    pub async fn end_session(&self, token: Option<Token>) {
        if let Some(token) = token {
            let ended = self.off_thread(move |auth, origin, now| auth.logout(&token, false, origin, now)).await;
            tracing::debug!(?ended, "a session is ended");
        }
    }

    /// Returns the account that is logged in. The session is looked up again, since a form may have been open for a long time.
    async fn account(&self) -> Done<Account> {
        let identity = self.check().await?;
        account_of(&identity)
    }

    /// Returns the current user, if it is not a program that is logged in by an API token: the operation called `what` is for
    /// sessions. While there are no accounts, the user of the data directory may do it.
    async fn person(&self, what: &str) -> Done<Arc<Identity>> {
        let identity = self.check().await?;
        self.require_session(&identity, what).await?;
        Ok(identity)
    }

    /// Executes an operation on the account of the user who is logged in by a session, on a thread that may block. The operation is
    /// called `what`.
    pub(super) async fn for_person<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&Auth, &UserName, &str, u64) -> Result<T, AuthError> + Send + 'static,
    ) -> Done<T> {
        let identity = self.person(what).await?;
        let name = account_of(&identity)?.name;
        Ok(self.off_thread(move |auth, origin, now| work(auth, &name, origin, now)).await?)
    }

    /// Executes an operation that changes the account, and then refreshes the account data shown.
    async fn change<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&Auth, &UserName, &str, u64) -> Result<T, AuthError> + Send + 'static,
    ) -> Done<T> {
        let done = self.for_person(what, work).await?;
        if let Err(error) = self.peek().await {
            tracing::debug!(%error, "the session ended while the account was changed");
        }
        Ok(done)
    }

    /// Changes the password of the user who is logged in, ends the user's other sessions, and revokes the user's API tokens.
    ///
    /// # Errors
    /// Fails as [`Auth::change_password`] does.
    pub async fn change_password(&self, old: Secret, new: Secret) -> Done<()> {
        let token = self.token().ok();
        let change = move |auth: &Auth, name: &UserName, origin: &str, now| {
            auth.change_password(name, (&old, &new), token.as_ref(), origin, now)
        };
        self.for_person("passwd", change).await
    }

    /// Begins to enable one-time passwords.
    ///
    /// # Errors
    /// Fails as [`Auth::otp_enable`] does.
    pub async fn otp_enable(&self, kind: CodeKind) -> Done<Begun> {
        self.for_person("otp", move |auth, name, _, now| auth.otp_enable(name, kind, now)).await
    }

    /// Checks that the enabling of one-time passwords has begun and waits for a code.
    ///
    /// # Errors
    /// Fails as [`Auth::otp_begun`] does.
    pub async fn otp_begun(&self) -> Done<()> {
        self.for_person("otp", |auth, name, _, now| auth.otp_begun(name, now)).await
    }

    /// Enables one-time passwords with a code, and returns the backup codes.
    ///
    /// # Errors
    /// Fails as [`Auth::otp_confirm`] does.
    pub async fn otp_confirm(&self, code: Secret) -> Done<Vec<Secret>> {
        self.change("otp", move |auth, name, origin, now| auth.otp_confirm(name, &code, origin, now)).await
    }

    /// Disables one-time passwords for the user.
    ///
    /// # Errors
    /// Fails as [`Auth::otp_disable`] does.
    pub async fn otp_disable(&self, password: Secret) -> Done<()> {
        self.change("otp", move |auth, name, origin, now| auth.otp_disable(name, &password, origin, now)).await
    }

    /// Replaces the backup codes and returns the new ones.
    ///
    /// # Errors
    /// Fails as [`Auth::new_backup_codes`] does.
    pub async fn new_backup_codes(&self, password: Secret) -> Done<Vec<Secret>> {
        self.change("otp", move |auth, name, origin, now| auth.new_backup_codes(name, &password, origin, now)).await
    }

    /// Returns the sessions of the user who is logged in.
    ///
    /// # Errors
    /// Fails if no user is logged in or the disk refuses.
    pub async fn sessions(&self) -> Done<Vec<SessionInfo>> {
        let token = self.token().ok();
        self.for_person("sessions", move |auth, name, _, now| auth.sessions(name, token.as_ref(), now)).await
    }

    /// Ends one session of the user who is logged in.
    ///
    /// # Errors
    /// Fails as [`Auth::revoke`] does.
    pub async fn revoke(&self, id: String) -> Done<()> {
        self.for_person("sessions", move |auth, name, origin, now| auth.revoke(name, &id, origin, now)).await
    }

    /// Returns all accounts of the data directory.
    ///
    /// # Errors
    /// Fails if the user is not an admin, or if the disk refuses.
    pub async fn accounts(&self) -> Done<Vec<Account>> {
        self.require_admin(&self.identity(), "users").await?;
        Ok(self.off_thread(|auth, _, _| auth.accounts()).await?)
    }

    /// Returns the names of all users, in the order of the alphabet, if an admin is logged in, and none otherwise. They are for a choice among
    /// them: if the disk refuses, there are no names.
    pub async fn user_names(&self) -> Vec<String> {
        if !self.identity().is_admin() {
            return Vec::new();
        }
        let accounts = self.off_thread(|auth, _, _| auth.accounts()).await.unwrap_or_default();
        accounts.into_iter().map(|account| account.name.to_string()).collect()
    }

    /// Names users with whom the user can share: all for an admin, and for others those who share something with them or with whom they share.
    ///
    /// # Errors
    /// Fails if the program ends.
    pub async fn users_to_share_with(&self, identity: &Identity) -> Done<Vec<String>> {
        let mut users: BTreeSet<String> = self.user_names().await.into_iter().collect();
        // Whoever has a token for one path may have it by a link.
        if identity.token().is_some_and(|reach| reach.path.is_some()) {
            return Ok(Vec::new());
        }
        if !identity.is_admin() {
            let access = self.clone();
            users.extend(apart(move || access.users_named()).await?);
        }
        users.retain(|name| Some(name.as_str()) != identity.name());
        Ok(users.into_iter().collect())
    }

    /// Returns the users whom the files name that the user may know of.
    fn users_named(&self) -> BTreeSet<String> {
        let names = self.names();
        let sharing =
            |entry: &Entry| entry.readers().iter().chain(entry.uploaders().into_iter().flatten()).cloned().collect::<Vec<_>>();
        names.owners().flatten().map(str::to_owned).chain(names.entries().flat_map(sharing)).collect()
    }

    /// Returns what [`user_names`](Self::user_names) does, read on this thread: for a front end of one user, between two keys.
    pub fn user_names_at_once(&self) -> Vec<String> {
        if !self.identity().is_admin() {
            return Vec::new();
        }
        self.auth.accounts().unwrap_or_default().into_iter().map(|account| account.name.to_string()).collect()
    }

    /// Returns the name of the first admin and the origin of that account, such as `grpc 127.0.0.1`, for one who may do nothing any more since
    /// there is an account; `None` if there is none.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn first_account(&self) -> Done<Option<(UserName, String)>> {
        let Some(name) = self.auth.first_admin()? else { return Ok(None) };
        let origin = self.auth.made_from(&name)?.unwrap_or_default();
        Ok(Some((name, origin)))
    }

    /// Sets a new password for a user and removes the second factor.
    ///
    /// # Errors
    /// Fails as [`Auth::reset`] does, or if the user who is logged in is not an admin.
    pub async fn reset(&self, user: UserName, password: Secret) -> Done<()> {
        self.require_admin(&self.identity(), "users reset").await?;
        self.change("users reset", move |auth, by, origin, now| auth.reset(&user, &password, by.as_str(), origin, now)).await
    }

    /// Returns the user of this name.
    ///
    /// # Errors
    /// Returns [`AuthError::UnknownUser`] if there is no such user.
    pub async fn user(&self, name: String) -> Done<UserName> {
        Ok(self.off_thread(move |auth, _, _| auth.account(&name)).await?.name)
    }

    /// Records in the audit log that the sharing of a file changes.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn record_share(&self, what: String) -> Done<()> {
        let name = self.account().await?.name;
        Ok(self.off_thread(move |auth, origin, now| auth.record_share(&name, origin, &what, now)).await?)
    }

    /// Returns the latest entries of the audit log: all for an admin, otherwise those of the user who is logged in.
    ///
    /// # Errors
    /// Fails if the user is logged in by an API token, or if the disk refuses.
    pub async fn audit(&self, count: usize) -> Done<Vec<(u64, AuditEntry)>> {
        let user = if self.person("audit").await?.is_admin() { None } else { Some(self.account().await?.name) };
        Ok(self.off_thread(move |auth, _, _| auth.audit(count, user.as_ref())).await?)
    }

    /// Verifies the integrity of the audit log.
    ///
    /// # Errors
    /// Fails if the user is not an admin who is logged in by a session, or if the disk refuses.
    pub async fn verify_audit(&self) -> Done<Finding> {
        self.require_admin(&self.identity(), "audit verify").await?;
        self.person("audit").await?;
        Ok(self.off_thread(|auth, _, _| auth.verify_audit()).await?)
    }

    /// Returns the queued mails: all for an admin, otherwise those to the user who is logged in.
    ///
    /// # Errors
    /// Fails if the user is logged in by an API token, or if the disk refuses.
    pub async fn mails(&self) -> Done<Mails> {
        self.own_mails(Auth::mails).await
    }

    /// Returns the latest mails that could not be delivered: all for an admin, otherwise those to the user who is logged in.
    ///
    /// # Errors
    /// Fails if the user is logged in by an API token, or if the disk refuses.
    pub async fn mails_given_up(&self) -> Done<Mails> {
        self.own_mails(Auth::mails_given_up).await
    }

    async fn own_mails(&self, mails: fn(&Auth) -> Result<Mails, AuthError>) -> Done<Mails> {
        let to = if self.person("mail").await?.is_admin() { None } else { Some(self.account().await?.email) };
        let mut mails = self.off_thread(move |auth, _, _| mails(auth)).await?;
        mails.retain(|(_, mail)| to.as_ref().is_none_or(|to| mail.to == *to));
        Ok(mails)
    }

    /// Queues a test mail to the user who is logged in, and returns its address.
    ///
    /// # Errors
    /// Fails as [`Auth::test_mail`] does.
    pub async fn test_mail(&self) -> Done<Email> {
        self.for_person("mail", |auth, name, _, now| auth.test_mail(name, now)).await
    }
}

/// Returns the account of a user who is logged in.
fn account_of(identity: &Identity) -> Done<Account> {
    match identity {
        Identity::User { account, .. } => Ok(account.clone()),
        Identity::Operator | Identity::Nobody => Err(Denial::LoginNeeded.into()),
    }
}
