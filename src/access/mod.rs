//! Floor 4: who uses a front end, and what they may see and do. Front ends ask here before they ask the engine.
//!
//! | file | what it is |
//! |---|---|
//! | [`who`] | the user of a front end, and whose files are theirs to see |
//! | [`account`] | registering, logging in and out, and the rest of what accounts can do, off the async threads |
//! | [`kept`] | the session that `p2p login` leaves in the data directory |
//!
//! While there is no account, whoever holds the data directory may do everything. Knows nothing of commands or screens.

pub mod account;
pub mod kept;
pub mod who;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tokio::sync::watch;

pub use self::who::Who;

use crate::auth::{Auth, AuthError, Token};
use crate::engine::{Command, EngineError, EngineHandle, Reply};
use crate::storage::manifest::{FileRecord, Manifest};

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
    #[error("`{file}` is somebody else's: you may read it and no more")]
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

impl Access {
    /// The door of a front end that is called `origin`. Nobody has gone through it yet.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn new(engine: EngineHandle, auth: Auth, origin: &str, clock: fn() -> u64) -> Result<Access, AuthError> {
        let who = if auth.has_accounts()? { Who::Nobody } else { Who::Operator };
        let state =
            State { session: Mutex::default(), who: watch::Sender::new(Arc::new(who)), is_settled: AtomicBool::new(false) };
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
            let asked = held.clone();
            let who = self.off_thread(move |auth, origin, now| match asked {
                Some(held) => ask(auth, &held.token, origin, now).map(Who::User),
                None if auth.has_accounts()? => Ok(Who::Nobody),
                None => Ok(Who::Operator),
            });
            let who = who.await;
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
        if !matches!(who, Who::User(_)) || !has_unowned() || self.state.is_settled.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        if let Some(owner) = self.off_thread(|auth, _, _| auth.first_admin()).await? {
            // Transfers of such files may run for long, and nobody has to wait for them; else it is done before the files are told.
            self.engine.tell(Command::Adopt { owner: owner.to_string() }).await?;
            self.engine.ask(Command::Files).await?;
        }
        Ok(())
    }

    /// The stored files that somebody may read, whole.
    ///
    /// # Errors
    /// Where the engine has stopped.
    pub async fn manifests(&self, who: &Who) -> Result<Vec<Manifest>, EngineError> {
        let mut manifests = Vec::new();
        for file in self.files(who).await? {
            if let Reply::Info(manifest) = self.engine.ask(Command::Info { file: file.key.clone() }).await? {
                manifests.push(Manifest { file, ..*manifest });
            }
        }
        Ok(manifests)
    }

    /// The stored file that somebody may read and calls `text`.
    ///
    /// # Errors
    /// Where there is none, as far as they are to know.
    pub async fn readable(&self, who: &Who, text: &str) -> Result<FileRecord, AccessError> {
        let key = who.key_of(text);
        let found = self.engine.snapshots().borrow().files.get(&key).cloned();
        if let Some(file) = found.filter(|file| who.may_read(file)) {
            return Ok(file);
        }
        if !who.may_change(&key) {
            self.note_refusal(who, format!("file {key}")).await?;
        }
        Err(EngineError::UnknownFile { file: text.to_owned(), nearest: self.nearest(who, text) }.into())
    }

    /// The stored file that is somebody's to change and that they call `text`.
    ///
    /// # Errors
    /// Where there is none, or they may only read it.
    pub async fn changeable(&self, who: &Who, text: &str) -> Result<FileRecord, AccessError> {
        let file = self.readable(who, text).await?;
        if who.may_change(&file.key) {
            return Ok(file);
        }
        self.note_refusal(who, format!("change file {}", file.key)).await?;
        Err(AccessError::ReadOnly { file: text.to_owned() })
    }

    /// The file that somebody may read and whose name is most like `text`, if one is.
    fn nearest(&self, who: &Who, text: &str) -> Option<String> {
        const ALIKE: f64 = 0.8;
        let files = Arc::clone(&self.engine.snapshots().borrow().files);
        let labels = files.values().filter(|file| who.may_read(file)).map(|file| who.label(&file.key));
        let likeness = |label: &String| strsim::jaro_winkler(&text.to_lowercase(), &label.to_lowercase());
        labels.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|best| likeness(best) >= ALIKE)
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
        let Who::User(account) = who else { return Ok(()) };
        let user = account.name.clone();
        self.off_thread(move |auth, origin, now| auth.note_refusal(&user, origin, &what, now)).await
    }

    /// The files that somebody may read.
    ///
    /// # Errors
    /// Where the engine has stopped.
    pub async fn files(&self, who: &Who) -> Result<Vec<FileRecord>, EngineError> {
        let Reply::Files(files) = self.engine.ask(Command::Files).await? else { return Ok(Vec::new()) };
        Ok(files.into_iter().filter(|file| who.may_read(file)).map(|file| who.known_of(file)).collect())
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
        let done = tokio::task::spawn_blocking(move || work(&auth, &origin, now)).await;
        done.unwrap_or_else(|error| Err(AuthError::Internal { reason: error.to_string() }))
    }
}
