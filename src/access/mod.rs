//! Floor 4: who uses a front end, and what they may see and do. Front ends ask here before they ask the engine.
//!
//! | file | what it is |
//! |---|---|
//! | [`who`] | the user of a front end, and whose files are theirs to see |
//! | `files` | the stored files that they may read and change |
//! | [`account`] | registering, logging in and out, and the rest of what accounts can do, off the async threads |
//! | [`kept`] | the session that `p2p login` leaves in the data directory |
//!
//! While there is no account, whoever holds the data directory may do everything. Knows nothing of commands or screens.

pub mod account;
mod files;
pub mod kept;
pub mod who;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tokio::sync::watch;

pub use self::who::Who;

use crate::auth::{Auth, AuthError, Token};
use crate::engine::{Command, EngineError, EngineHandle};
use crate::spelling::visible;

/// Why something is not done for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccessError {
    /// Nobody is logged in.
    #[error("nobody is logged in; `login NAME` does that, `register` makes an account")]
    LoginNeeded,
    /// There is nobody to log in as.
    #[error("there are no accounts yet; `register` makes the first one, the admin's")]
    NoAccounts,
    /// Only an admin may do it.
    #[error("`{what}` is for admins, and {user} is none")]
    AdminOnly {
        /// What was to be done.
        what: String,
        /// Who wanted it.
        user: String,
    },
    /// Somebody else's file may be read and no more.
    #[error("`{}` is somebody else's: you may read it and no more", visible(file))]
    ReadOnly {
        /// The file.
        file: String,
    },
    /// Accounts refuse.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The engine refuses.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The door of one front end: who is behind it, and what they may do. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access {
    engine: EngineHandle,
    auth: Auth,
    /// What the audit log and mails call the front end.
    origin: Arc<str>,
    /// The wall clock, in seconds since 1970.
    clock: fn() -> u64,
    /// Where mails go, in words.
    mail_way: Arc<str>,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    /// By which session `who` is there. Both change while this is locked, so that they fit.
    session: Mutex<Option<Held>>,
    who: watch::Sender<Arc<Who>>,
    /// How much is being done that is not to be interrupted.
    undisturbed: watch::Sender<usize>,
    /// What was nobody's has been given to somebody.
    is_settled: AtomicBool,
}

/// A session that a front end goes by.
#[derive(Debug, Clone)]
struct Held {
    token: Token,
    /// It goes on when the front end ends.
    is_kept: bool,
}

/// Something is being done that an interruption has to wait for.
#[derive(Debug)]
pub struct Undisturbed(Arc<State>);

impl Drop for Undisturbed {
    fn drop(&mut self) {
        self.0.undisturbed.send_modify(|count| *count -= 1);
    }
}

impl Access {
    /// The door of a front end that is called `origin`. Nobody has gone through it yet.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn new(engine: EngineHandle, auth: Auth, origin: &str, clock: fn() -> u64) -> Result<Access, AuthError> {
        let who = if auth.has_accounts()? { Who::Nobody } else { Who::Operator };
        let who = watch::Sender::new(Arc::new(who));
        let state =
            State { session: Mutex::default(), who, undisturbed: watch::Sender::default(), is_settled: AtomicBool::default() };
        Ok(Access { engine, auth, origin: origin.into(), clock, mail_way: "".into(), state: Arc::new(state) })
    }

    /// The same, with what to say of where mails go.
    #[must_use]
    pub fn with_mail_way(self, mail_way: Arc<str>) -> Access {
        Access { mail_way, ..self }
    }

    /// Where mails go, in words.
    pub fn mail_way(&self) -> &str {
        &self.mail_way
    }

    /// The engine.
    pub fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// The wall clock, in seconds since 1970.
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Who is behind the door, as far as is known.
    pub fn who(&self) -> Arc<Who> {
        self.state.who.borrow().clone()
    }

    /// Tells when that changes.
    pub fn watch(&self) -> watch::Receiver<Arc<Who>> {
        self.state.who.subscribe()
    }

    /// Who is behind the door now, for somebody who is about to do something: the session is looked up, and its use noted.
    ///
    /// # Errors
    /// [`AuthError::SessionOver`] where the session is over; then nobody is.
    pub async fn check(&self) -> Result<Arc<Who>, AccessError> {
        let who = self.look_up(Auth::check).await?;
        self.settle_ownership(&who).await?;
        Ok(who)
    }

    /// The same for a front end that only wants to show it.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub async fn peek(&self) -> Result<Arc<Who>, AccessError> {
        self.look_up(Auth::peek).await
    }

    async fn look_up(
        &self,
        ask: fn(&Auth, &Token, &str, u64) -> Result<crate::auth::Account, AuthError>,
    ) -> Result<Arc<Who>, AccessError> {
        loop {
            let held = self.session().clone();
            let who = match held.clone() {
                Some(held) => self.off_thread(move |auth, origin, now| ask(auth, &held.token, origin, now).map(Who::User)).await,
                // That is quickly known, and asked for each of a hundred thousand lines.
                None => self.auth.has_accounts().map(|any| if any { Who::Nobody } else { Who::Operator }),
            };
            let mut session = self.session();
            let is_same = session.as_ref().map(|held| held.token.expose()) == held.as_ref().map(|held| held.token.expose());
            match who {
                // Somebody has come or gone meanwhile.
                _ if !is_same => {}
                Ok(who) => return Ok(self.let_in(who)),
                Err(AuthError::SessionOver) => {
                    *session = None;
                    self.let_in(Who::Nobody);
                    return Err(AuthError::SessionOver.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What was stored while there were no accounts becomes the first admin's. A crash may have come between.
    async fn settle_ownership(&self, who: &Who) -> Result<(), AccessError> {
        // Files that are nobody's come before those of anybody.
        let has_unowned = || self.engine.snapshots().borrow().files.keys().next().is_some_and(|key| key.owner.is_none());
        // What has a namesake stays nobody's, and is not tried again and again.
        if !matches!(who, Who::User(_)) || !has_unowned() || self.state.is_settled.load(Ordering::SeqCst) {
            return Ok(());
        }
        if let Some(owner) = self.off_thread(|auth, _, _| auth.first_admin()).await? {
            // Transfers of such files may run for long, and nobody has to wait for them; else it is done before the files are told.
            self.engine.tell(Command::Adopt { owner: owner.to_string() }).await?;
            self.engine.ask(Command::Files).await?;
        }
        self.state.is_settled.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Refuses where nobody is logged in who has to be.
    ///
    /// # Errors
    /// [`AccessError::LoginNeeded`].
    pub fn require_login(&self, who: &Who) -> Result<(), AccessError> {
        if *who == Who::Nobody { Err(AccessError::LoginNeeded) } else { Ok(()) }
    }

    /// Refuses what is the admins' where somebody else wants it, and notes that.
    ///
    /// # Errors
    /// [`AccessError::LoginNeeded`], [`AccessError::AdminOnly`].
    pub async fn require_admin(&self, who: &Who, what: &str) -> Result<(), AccessError> {
        self.require_login(who)?;
        if who.is_admin() {
            return Ok(());
        }
        self.note_refusal(who, what.to_owned()).await?;
        Err(AccessError::AdminOnly { what: what.to_owned(), user: who.name().unwrap_or_default().to_owned() })
    }

    /// Notes that somebody tried what is not theirs to do.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub async fn note_refusal(&self, who: &Who, what: String) -> Result<(), AuthError> {
        self.note_access(who, what, false).await
    }

    /// Notes that somebody does something with what is somebody else's, or is refused.
    async fn note_access(&self, who: &Who, what: String, done: bool) -> Result<(), AuthError> {
        let Who::User(account) = who else { return Ok(()) };
        let user = account.name.clone();
        self.off_thread(move |auth, origin, now| auth.note_access(&user, origin, &what, done, now)).await
    }

    /// While this is kept, something is done that an interruption has to wait for.
    pub fn undisturbed(&self) -> Undisturbed {
        self.state.undisturbed.send_modify(|count| *count += 1);
        Undisturbed(Arc::clone(&self.state))
    }

    /// Whether there is nothing that an interruption has to wait for.
    pub fn is_at_rest(&self) -> bool {
        *self.state.undisturbed.borrow() == 0
    }

    /// Waits until there is nothing that an interruption has to wait for.
    pub async fn at_rest(&self) {
        // It cannot be gone as long as this is there.
        drop(self.state.undisturbed.subscribe().wait_for(|count| *count == 0).await);
    }

    /// Whoever this is, they are behind the door now. The session is locked by whoever calls.
    fn let_in(&self, who: Who) -> Arc<Who> {
        let who = Arc::new(who);
        self.state.who.send_if_modified(|before| {
            let is_new = *before != who;
            *before = Arc::clone(&who);
            is_new
        });
        who
    }

    fn session(&self) -> MutexGuard<'_, Option<Held>> {
        // Whoever panicked with it left a value that is whole.
        self.state.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what takes as long as a password's hash or a disk, on a thread that may wait for it.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth, &str, u64) -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let (auth, origin, now) = (self.auth.clone(), Arc::clone(&self.origin), self.now());
        auth.off_thread(move |auth| work(auth, &origin, now)).await
    }
}
