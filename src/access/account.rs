//! What can be done with accounts: registering, logging in and out, passwords, second factors, sessions, mail, the log. Each
//! call hands its work to a thread that may wait for a hash or a disk. Knows nothing of how somebody is asked.

use std::sync::Arc;

use super::{Access, AccessError, Held, Who};
use crate::auth::audit::{Deed, Finding};
use crate::auth::mail::Mail;
use crate::auth::names::{Email, UserName};
use crate::auth::{
    Account, Auth, AuthError, Begun, Challenge, CodeKind, Granted, Registration, Secret, SessionInfo, Step, Token,
};

type Done<T> = Result<T, AccessError>;
/// Mails by their numbers.
type Mails = Vec<(u64, Mail)>;

impl Access {
    /// Checks name and password. Where that is enough, they are let in.
    ///
    /// # Errors
    /// As for [`Auth::login`].
    pub async fn login(&self, name: String, password: Secret) -> Done<Option<Challenge>> {
        match self.off_thread(move |auth, origin, now| auth.login(&name, &password, origin, now)).await? {
            Step::Granted(granted) => self.hold(granted).await.map(|_| None),
            Step::Code(challenge) => Ok(Some(challenge)),
        }
    }

    /// Checks the code that a login waits for, and lets in.
    ///
    /// # Errors
    /// As for [`Auth::login_with_code`].
    pub async fn login_with_code(&self, challenge: &Challenge, code: Secret) -> Done<()> {
        let challenge = challenge.clone();
        let granted = self.off_thread(move |auth, _, now| auth.login_with_code(&challenge, &code, now)).await?;
        self.hold(granted).await.map(drop)
    }

    /// Mails another code.
    ///
    /// # Errors
    /// As for [`Auth::send_code`].
    pub async fn send_code(&self, challenge: &Challenge) -> Done<()> {
        let challenge = challenge.clone();
        Ok(self.off_thread(move |auth, _, now| auth.send_code(&challenge, now)).await?)
    }

    /// Makes an account. Whoever is logged in stays it; anybody else becomes the new user.
    ///
    /// # Errors
    /// As for [`Auth::register`].
    pub async fn register(&self, wanted: Registration) -> Done<Account> {
        if let Who::User(_) = &*self.check().await? {
            return self.for_user(move |auth, by, origin, now| auth.register_other(&wanted, by.as_str(), origin, now)).await;
        }
        let granted = self.off_thread(move |auth, origin, now| auth.register(&wanted, origin, now)).await?;
        self.hold(granted).await
    }

    /// Somebody has come; the session of whoever was there ends.
    async fn hold(&self, granted: Granted) -> Done<Account> {
        let Granted { token, account } = granted;
        let (before, who) = {
            let mut session = self.session();
            (session.replace(Held { token, is_kept: false }), self.let_in(Who::User(account.clone())))
        };
        self.end_session(before.filter(|held| !held.is_kept).map(|held| held.token)).await;
        self.settle_ownership(&who).await?;
        Ok(account)
    }

    /// Goes on with a session that was begun before. It is not ended when the front end ends.
    ///
    /// # Errors
    /// [`AuthError::SessionOver`].
    pub async fn resume(&self, token: Token) -> Done<Arc<Who>> {
        *self.session() = Some(Held { token, is_kept: true });
        self.check().await
    }

    /// What names the present session.
    ///
    /// # Errors
    /// [`AccessError::LoginNeeded`] where there is none.
    pub fn token(&self) -> Done<Token> {
        self.session().as_ref().map(|held| held.token.clone()).ok_or(AccessError::LoginNeeded)
    }

    /// Lets the present session go on when the front end has ended, now that what names it is found elsewhere.
    pub fn keep(&self) {
        if let Some(held) = self.session().as_mut() {
            held.is_kept = true;
        }
    }

    /// Ends the session, or with `all` every session of its holder. Gives whose it was.
    ///
    /// # Errors
    /// [`AccessError::LoginNeeded`] where there is none.
    pub async fn logout(&self, all: bool) -> Done<String> {
        let held = self.session().clone();
        let name = self.who().name().ok_or(AccessError::LoginNeeded)?.to_owned();
        if let Some(Held { token, .. }) = held {
            match self.off_thread(move |auth, origin, now| auth.logout(&token, all, origin, now)).await {
                // Whoever wants it to be over finds it so.
                Ok(()) | Err(AuthError::SessionOver) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut session = self.session();
        *session = None;
        self.let_in(Who::Nobody);
        Ok(name)
    }

    /// The front end ends: the session ends too, unless it is kept.
    pub async fn end(&self) {
        let held = self.session().take().filter(|held| !held.is_kept);
        self.end_session(held.map(|held| held.token)).await;
    }

    /// Ends a session that nobody goes by any more, if it is not over already.
    pub async fn end_session(&self, token: Option<Token>) {
        if let Some(token) = token {
            let ended = self.off_thread(move |auth, origin, now| auth.logout(&token, false, origin, now)).await;
            tracing::debug!(?ended, "a session is ended");
        }
    }

    /// Who is logged in. The session is looked up: a form may have stood open for long.
    async fn account(&self) -> Done<Account> {
        match &*self.check().await? {
            Who::User(account) => Ok(account.clone()),
            _ => Err(AccessError::LoginNeeded),
        }
    }

    /// Does something for whoever is logged in, on a thread that may wait.
    async fn for_user<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth, &UserName, &str, u64) -> Result<T, AuthError> + Send + 'static,
    ) -> Done<T> {
        let name = self.account().await?.name;
        Ok(self.off_thread(move |auth, origin, now| work(auth, &name, origin, now)).await?)
    }

    /// The same for what changes the account, and with it what is shown of it.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth, &UserName, &str, u64) -> Result<T, AuthError> + Send + 'static,
    ) -> Done<T> {
        let done = self.for_user(work).await?;
        if let Err(error) = self.peek().await {
            tracing::debug!(%error, "the session ended while the account was changed");
        }
        Ok(done)
    }

    /// Changes the password of whoever is logged in; their other sessions end.
    ///
    /// # Errors
    /// As for [`Auth::change_password`].
    pub async fn change_password(&self, old: Secret, new: Secret) -> Done<()> {
        let token = self.token().ok();
        self.for_user(move |auth, name, origin, now| auth.change_password(name, (&old, &new), token.as_ref(), origin, now)).await
    }

    /// Begins to enable one-time passwords.
    ///
    /// # Errors
    /// As for [`Auth::otp_enable`].
    pub async fn otp_enable(&self, kind: CodeKind) -> Done<Begun> {
        self.for_user(move |auth, name, _, now| auth.otp_enable(name, kind, now)).await
    }

    /// Whether there is something that a code may confirm.
    ///
    /// # Errors
    /// As for [`Auth::otp_begun`].
    pub async fn otp_begun(&self) -> Done<()> {
        self.for_user(|auth, name, _, now| auth.otp_begun(name, now)).await
    }

    /// Enables them with a code, and gives the backup codes.
    ///
    /// # Errors
    /// As for [`Auth::otp_confirm`].
    pub async fn otp_confirm(&self, code: Secret) -> Done<Vec<Secret>> {
        self.change(move |auth, name, origin, now| auth.otp_confirm(name, &code, origin, now)).await
    }

    /// Disables them.
    ///
    /// # Errors
    /// As for [`Auth::otp_disable`].
    pub async fn otp_disable(&self, password: Secret) -> Done<()> {
        self.change(move |auth, name, origin, now| auth.otp_disable(name, &password, origin, now)).await
    }

    /// New backup codes.
    ///
    /// # Errors
    /// As for [`Auth::new_backup_codes`].
    pub async fn new_backup_codes(&self, password: Secret) -> Done<Vec<Secret>> {
        self.change(move |auth, name, origin, now| auth.new_backup_codes(name, &password, origin, now)).await
    }

    /// The sessions of whoever is logged in.
    ///
    /// # Errors
    /// Where nobody is, or the disk refuses.
    pub async fn sessions(&self) -> Done<Vec<SessionInfo>> {
        let token = self.token().ok();
        self.for_user(move |auth, name, _, now| auth.sessions(name, token.as_ref(), now)).await
    }

    /// Ends one of them.
    ///
    /// # Errors
    /// As for [`Auth::revoke`].
    pub async fn revoke(&self, id: String) -> Done<()> {
        self.for_user(move |auth, name, origin, now| auth.revoke(name, &id, origin, now)).await
    }

    /// All accounts.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub async fn accounts(&self) -> Done<Vec<Account>> {
        Ok(self.off_thread(|auth, _, _| auth.accounts()).await?)
    }

    /// Gives somebody a new password and no second factor. Whether whoever is logged in may do that has been asked.
    ///
    /// # Errors
    /// As for [`Auth::reset`].
    pub async fn reset(&self, user: UserName, password: Secret) -> Done<()> {
        self.change(move |auth, by, origin, now| auth.reset(&user, &password, by.as_str(), origin, now)).await
    }

    /// The user of this name.
    ///
    /// # Errors
    /// [`AuthError::UnknownUser`].
    pub async fn user(&self, name: String) -> Done<UserName> {
        Ok(self.off_thread(move |auth, _, _| auth.account(&name)).await?.name)
    }

    /// Notes that a file is shared, or no longer.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub async fn note_share(&self, what: String) -> Done<()> {
        self.for_user(move |auth, name, origin, now| auth.note_share(name, origin, &what, now)).await
    }

    /// The latest entries of the audit log: all for an admin, else those of whoever is logged in.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub async fn audit(&self, count: usize) -> Done<Vec<(u64, Deed)>> {
        let user = if self.who().is_admin() { None } else { Some(self.account().await?.name) };
        Ok(self.off_thread(move |auth, _, _| auth.audit(count, user.as_ref())).await?)
    }

    /// Whether the audit log is as it was written.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub async fn verify_audit(&self) -> Done<Finding> {
        Ok(self.off_thread(|auth, _, _| auth.verify_audit()).await?)
    }

    /// The mails that wait: all for an admin, else those to whoever is logged in.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub async fn mails(&self) -> Done<Mails> {
        self.own_mails(Auth::mails).await
    }

    /// The latest mails that were given up: all for an admin, else those to whoever is logged in.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub async fn mails_given_up(&self) -> Done<Mails> {
        self.own_mails(Auth::mails_given_up).await
    }

    async fn own_mails(&self, mails: fn(&Auth) -> Result<Mails, AuthError>) -> Done<Mails> {
        let to = if self.who().is_admin() { None } else { Some(self.account().await?.email) };
        let mut mails = self.off_thread(move |auth, _, _| mails(auth)).await?;
        mails.retain(|(_, mail)| to.as_ref().is_none_or(|to| mail.to == *to));
        Ok(mails)
    }

    /// Queues a mail to whoever is logged in. Gives its address.
    ///
    /// # Errors
    /// As for [`Auth::test_mail`].
    pub async fn test_mail(&self) -> Done<Email> {
        self.for_user(|auth, name, _, now| auth.test_mail(name, now)).await
    }
}
