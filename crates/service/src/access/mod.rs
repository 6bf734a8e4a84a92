//! The gate: the only way from a front end to the engine. It determines the user of a front end, calls operations on the user's
//! behalf, and shows what the user may see. The policy itself is the engine's (`p2p_engine::policy`).
//!
//! | file | contents |
//! |---|---|
//! | [`identity`] | the user of a front end, and the files that this user may see |
//! | `files` | stored files by the names that the user gives them, and the operations on them |
//! | [`account`] | registration, login, logout and the other account operations, off the async threads |
//! | [`watching`] | snapshots and events, as far as the user may see them |
//! | [`remote`] | clients from remote, and which registrations of theirs are admitted |
//! | [`challenges`] | the challenges of a service to those who log in and have a second factor |
//! | `held` | the session, the API token or the link by which the user is logged in |
//! | [`session_file`] | the session that `p2p login` saves in the data directory |
//! | [`range`] | ranges of bytes as users write them |
//! | [`counts`] | what the program counts, without a name of a user or a file |
//! | [`pages`] | lists of files page by page |
//! | [`browsing`] | lists that are searched, and in other orders, page by page: after a place, or by numbers |
//! | `numbers` | the numbers of files and directories |
//! | [`room`] | room for the user's files |
//! | [`sharing`] | access of other users, for reading and for storing new files |
//! | `preference` | the node to which uploads of a user go first |
//! | `sections` | operations that an interruption has to wait for |
//! | `segments` | single segments on a node |
//! | `uploads` | uploads of streams, and those that are kept |
//! | [`upload_notes`] | what a front end notes of uploads that are sent in pieces |
//! | `keys` | public keys of the user's account |
//! | [`links`] | links to files and directories, for whoever has them |
//! | [`tokens`] | API tokens: their making and revoking, the login by one, and what is refused to one |
//!
//! While there is no account, the user who has the data directory open may do everything.

pub mod account;
pub mod browsing;
pub mod challenges;
pub mod copies;
pub mod counts;
mod files;
mod held;
pub mod identity;
mod keys;
pub mod links;
mod numbers;
pub mod pages;
pub(crate) mod preference;
pub mod range;
pub mod remote;
pub mod room;
mod sections;
mod segments;
pub mod session_file;
pub mod sharing;
pub mod tokens;
pub mod upload_notes;
pub mod uploads;
pub mod watching;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_auth::tokens::TokenError;
use p2p_auth::{Auth, AuthError};
use p2p_base::spelling::visible;
use p2p_engine::operation::{Adopt, BeginTransfer, Command, ListFiles};
use p2p_engine::snapshot::Peer;
use p2p_engine::transfer::{TransferId, TransferReport};
use p2p_engine::{Caller, Denial, EngineError, EngineHandle, ErrorKind, Operation, Origin, policy};
use thiserror::Error;
use tokio::sync::watch;

pub use self::identity::Identity;
pub use self::sections::CriticalSection;

use self::browsing::Orders;
use self::held::Held;
use self::preference::PreferredNodes;
use self::remote::{RemoteRegistration, RemoteRules};
use self::watching::KnownFiles;
use crate::blocking::off_thread;
use crate::profiles::Profiles;

/// Number of times that a session is looked up before it is given up, if another one is begun or ended during each of them. A person or a
/// program ends or begins one at most now and then.
const LOOK_UPS_MAX: usize = 10;

/// Reason why an operation is refused to a user.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccessError {
    /// No account exists yet that a user could log in to.
    #[error("there are no accounts yet; `register` makes the first one, the admin's")]
    NoAccounts,
    /// The operation is about the account itself, and the user is logged in by an API token.
    #[error("`{what}` needs a session, and an API token is none; `login NAME` begins one")]
    SessionOnly {
        /// Name of the operation.
        what: String,
    },
    /// The path is among the files of another user, or has no owner.
    #[error(
        "`{}` is not among your own files, and files are made and moved there only, and stored there or where a directory is shared for that",
        visible(path)
    )]
    AnotherTree {
        /// Path that was refused.
        path: String,
    },
    /// The path names a directory, and what is to be stored in it has no name of its own.
    #[error(
        "`{}` names a directory, and a stream has no name of its own; give the name of the file too, as in `{}NAME`",
        visible(path),
        visible(path)
    )]
    Nameless {
        /// Path that was refused.
        path: String,
    },
    /// An invite is asked for while nobody may register from remote, so that it would admit nobody.
    #[error(
        "an invite would admit nobody: `remote_registration` in [accounts] of p2p.toml is \"closed\", so that admins make the accounts; \
         with \"invite\" there, and after a restart, whoever has an invite registers"
    )]
    InvitesClosed,
    /// The user has changed during each look at the session, so that it is not known for whom the operation would be.
    #[error("the user has changed {LOOK_UPS_MAX} times while the session was looked up; try again once the logins are over")]
    UserChanging,
    /// The authentication refuses the operation.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The engine refuses the operation, or the policy refuses it in front of the engine: [`EngineError::Denied`].
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<Denial> for AccessError {
    fn from(denial: Denial) -> Self {
        AccessError::Engine(denial.into())
    }
}

impl AccessError {
    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            AccessError::NoAccounts | AccessError::InvitesClosed => ErrorKind::Precondition,
            AccessError::SessionOnly { .. } | AccessError::AnotherTree { .. } => ErrorKind::Denied,
            AccessError::Nameless { .. } => ErrorKind::Invalid,
            AccessError::UserChanging => ErrorKind::Unavailable,
            AccessError::Auth(error) => error.kind(),
            AccessError::Engine(error) => error.kind(),
        }
    }
}

/// Access of one front end: its current user and that user's permissions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access {
    engine: EngineHandle,
    auth: Auth,
    /// Name of the front end in the audit log and in mails.
    origin: Arc<str>,
    /// Place from which the user's operations come.
    from: Origin,
    /// Host that carries the transfers which are begun.
    host: Peer,
    /// Rules of the service for its clients; `None` for a front end of this process.
    rules: Option<Arc<RemoteRules>>,
    /// Rule for registrations from remote, where a front end of this process knows it.
    registration: Option<RemoteRegistration>,
    /// Wall clock, in seconds since 1970.
    clock: fn() -> u64,
    /// Description of the route by which mails are sent.
    mail_way: Arc<str>,
    /// Profiles of faults that users may apply.
    profiles: Profiles,
    /// Nodes that users prefer for uploads.
    preferred: PreferredNodes,
    /// Files that users may see.
    known_files: KnownFiles,
    /// Lists that users have looked at.
    orders: Orders,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    /// Session, API token or link by which `identity` is logged in. Both change only while this lock is held, so that they stay consistent.
    session: Mutex<Option<Held>>,
    identity: watch::Sender<Arc<Identity>>,
    /// Number of operations in progress that must not be interrupted.
    critical_section: watch::Sender<usize>,
    /// True if files without an owner have been given to the first admin.
    is_settled: AtomicBool,
}

impl State {
    fn new(identity: watch::Sender<Arc<Identity>>) -> State {
        State {
            session: Mutex::default(),
            identity,
            critical_section: watch::Sender::default(),
            is_settled: AtomicBool::default(),
        }
    }
}

impl Access {
    /// Creates the access of a front end called `origin`. No user is logged in yet.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn new(engine: EngineHandle, auth: Auth, origin: &str, clock: fn() -> u64) -> Result<Access, AuthError> {
        let identity = if auth.has_accounts()? { Identity::Nobody } else { Identity::Operator };
        let state = Arc::new(State::new(watch::Sender::new(Arc::new(identity))));
        let (from, rules, mail_way) = (Origin::Local, None, "".into());
        let (profiles, preferred, host) = (Profiles::default(), PreferredNodes::default(), Peer::Client);
        let (known_files, orders) = (KnownFiles::default(), Orders::default());
        Ok(Access {
            engine,
            auth,
            origin: origin.into(),
            from,
            host,
            rules,
            registration: None,
            clock,
            mail_way,
            profiles,
            preferred,
            known_files,
            orders,
            state,
        })
    }

    /// Sets the description of the route by which mails are sent.
    #[must_use]
    pub fn with_mail_way(self, mail_way: Arc<str>) -> Access {
        Access { mail_way, ..self }
    }

    /// Sets the wall clock, in seconds since 1970: another one than the system's is for tests of what expires.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> u64) -> Access {
        Access { clock, ..self }
    }

    /// Sets the profiles of faults that users may apply.
    #[must_use]
    pub fn with_profiles(self, profiles: Profiles) -> Access {
        Access { profiles, ..self }
    }

    /// Returns the profiles of faults, by name.
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// Returns the description of the route by which mails are sent.
    pub fn mail_way(&self) -> &str {
        &self.mail_way
    }

    /// Calls an operation for the current user. One that puts faults on or takes them back is recorded in the audit log first, and once
    /// more if it could not be done.
    ///
    /// # Errors
    /// Fails if the engine has stopped or refuses the operation.
    pub async fn call<O: Operation>(&self, operation: O) -> Result<O::Reply, EngineError> {
        let command: Command = operation.into();
        let fault = command.fault_in_words().filter(|_| self.identity().is_admin());
        if let Some(what) = &fault {
            self.record_fault(what.clone(), true).await;
        }
        let reply = self.engine.call_command::<O>(&self.caller(), command).await;
        if let (Some(what), Err(error)) = (fault, &reply)
            && !matches!(error, EngineError::Denied(_))
        {
            self.record_fault(format!("{what}: {error}"), false).await;
        }
        self.recording_denial(reply).await
    }

    /// Begins a transfer for the current user now: a file that is stored has this time, and goes to the node that the user prefers unless
    /// another one is given.
    ///
    /// # Errors
    /// Fails as [`call`](Self::call) does.
    pub async fn begin(&self, transfer: BeginTransfer) -> Result<TransferId, EngineError> {
        self.call(transfer.given_at(self.now()).preferring(self.preferred_node())).await
    }

    /// Begins transfers for the current user at one virtual instant, in their order. Returns an answer to each.
    pub async fn begin_together(&self, transfers: Vec<BeginTransfer>) -> Vec<Result<TransferId, EngineError>> {
        let (now, preferred, mut answers) = (self.now(), self.preferred_node(), Vec::with_capacity(transfers.len()));
        let transfers = transfers.into_iter().map(|transfer| transfer.given_at(now).preferring(preferred)).collect();
        for answer in self.engine.begin_together(&self.caller(), transfers).await {
            answers.push(self.recording_denial(answer).await);
        }
        answers
    }

    /// Cancels a transfer for the current user and undoes its effects as fast as the machine can.
    ///
    /// # Errors
    /// Fails as [`call`](Self::call) does.
    pub async fn cancel_at_once(&self, transfer: TransferId) -> Result<Box<TransferReport>, EngineError> {
        let report = self.engine.cancel_at_once(&self.caller(), transfer).await;
        self.recording_denial(report).await
    }

    fn caller(&self) -> Caller {
        Caller { principal: self.identity().principal(), origin: self.from, host: self.host }
    }

    /// Returns the wall-clock time in seconds since 1970.
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Returns the current user as far as known, without a look at the session.
    pub fn identity(&self) -> Arc<Identity> {
        self.state.identity.borrow().clone()
    }

    /// Returns a receiver that is notified when the current user changes.
    pub fn watch(&self) -> watch::Receiver<Arc<Identity>> {
        self.state.identity.subscribe()
    }

    /// Returns the current user before an operation: the session or the API token is looked up and its use recorded.
    ///
    /// # Errors
    /// Returns [`AuthError::SessionOver`] if the session has ended, and [`TokenError::Refused`] if the token has; no user is logged
    /// in then. Returns [`AccessError::UserChanging`] if the user changes again and again meanwhile.
    pub async fn check(&self) -> Result<Arc<Identity>, AccessError> {
        let identity = self.look_up(Held::check).await?;
        self.settle_ownership(&identity).await?;
        Ok(identity)
    }

    /// Returns the current user for display: the session or the API token is looked up, but its use is not
    /// recorded.
    ///
    /// # Errors
    /// Fails as [`check`](Self::check) does.
    pub async fn peek(&self) -> Result<Arc<Identity>, AccessError> {
        self.look_up(Held::peek).await
    }

    async fn look_up(
        &self,
        ask: impl Fn(&Held, &Auth, &str, u64) -> Result<Identity, AuthError> + Clone + Send + 'static,
    ) -> Result<Arc<Identity>, AccessError> {
        for _ in 0..LOOK_UPS_MAX {
            let held = self.session().clone();
            let identity = match held.clone() {
                Some(held) => {
                    let ask = ask.clone();
                    self.off_thread(move |auth, origin, now| ask(&held, auth, origin, now)).await
                }
                // A quick lookup that needs no thread; a script may need it for each of a hundred thousand lines.
                None if self.is_remote() => Ok(Identity::Nobody),
                None => self.auth.has_accounts().map(|any| if any { Identity::Nobody } else { Identity::Operator }),
            };
            if let Some(found) = self.take_in(held.as_ref(), identity) {
                return found;
            }
        }
        Err(AccessError::UserChanging)
    }

    /// Takes in the user whom a look at `held` has found; `None` if another session or API token has taken its place meanwhile.
    fn take_in(&self, held: Option<&Held>, identity: Result<Identity, AuthError>) -> Option<Result<Arc<Identity>, AccessError>> {
        let mut session = self.session();
        if session.as_ref().map(Held::expose) != held.map(Held::expose) {
            return None;
        }
        Some(match identity {
            Ok(identity) => Ok(self.let_in(identity)),
            // Only a token that is not valid has to wait.
            Err(error @ (AuthError::SessionOver | AuthError::Token(TokenError::Refused) | AuthError::Wait { .. })) => {
                *session = None;
                self.let_in(Identity::Nobody);
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        })
    }

    /// Gives the files that were stored while there were no accounts to the first admin. A crash may have prevented this
    /// before.
    async fn settle_ownership(&self, identity: &Identity) -> Result<(), AccessError> {
        // In the order of keys, files without an owner come first.
        let has_unowned =
            || self.engine.snapshots().borrow().files.entries().next().is_some_and(|entry| entry.key().owner.is_none());
        // A file whose name the admin uses already stays without an owner, and the attempt is not repeated for it.
        if !matches!(identity, Identity::User { .. }) || !has_unowned() || self.state.is_settled.load(Ordering::SeqCst) {
            return Ok(());
        }
        if let Some(owner) = self.off_thread(|auth, _, _| auth.first_admin()).await? {
            // Transfers of such files may run for long and are not waited for; otherwise the adoption is done before the files
            // are listed.
            let program = Caller::operator();
            self.engine.begin(&program, Adopt { owner: owner.to_string() }).await?;
            self.engine.call(&program, ListFiles).await?;
        }
        self.state.is_settled.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Checks that a user is logged in, if there are accounts.
    ///
    /// # Errors
    /// Fails as [`policy::require_login`] does.
    pub fn require_login(&self, identity: &Identity) -> Result<(), AccessError> {
        Ok(policy::require_login(&identity.principal())?)
    }

    /// Checks that the user may do what admins may, called `what`, and records a refusal in the audit log. Operations of the engine
    /// are checked there.
    ///
    /// # Errors
    /// Fails as [`policy::require_admin`] does.
    pub async fn require_admin(&self, identity: &Identity, what: &str) -> Result<(), AccessError> {
        let checked = policy::require_admin(&identity.principal(), what).map_err(EngineError::from);
        Ok(self.recording_denial(checked).await?)
    }

    /// Records in the audit log that the policy refuses an operation to the current user. That no user is logged in is not recorded,
    /// nor what the user may not know of: an unknown name is most often a mistake.
    pub(super) async fn recording_denial<T>(&self, result: Result<T, EngineError>) -> Result<T, EngineError> {
        let Err(EngineError::Denied(denial)) = &result else { return result };
        let what = match denial {
            Denial::Scope { had, needed } => {
                format!("an operation of scope {} by an API token of scope {}", needed.name(), had.name())
            }
            Denial::AdminOnly { what } => what.clone(),
            Denial::ReadOnly(key) | Denial::StoreOnly(key) => format!("change file {key}"),
            denial => denial.to_string(),
        };
        if let Err(error) = self.record_refusal(&self.identity(), what).await {
            tracing::warn!(%error, "a refusal is not recorded in the audit log");
        }
        result
    }

    /// Records in the audit log that a user has put faults on or taken them back, or that this could not be done.
    async fn record_fault(&self, what: String, done: bool) {
        let identity = self.identity();
        let Identity::User { account, .. } = identity.as_ref() else { return };
        let user = account.name.clone();
        let recorded = self.off_thread(move |auth, origin, now| auth.record_fault(&user, origin, &what, done, now)).await;
        if let Err(error) = recorded {
            tracing::warn!(%error, "a fault is not recorded in the audit log");
        }
    }

    /// Records in the audit log that a user attempted an operation without permission.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub async fn record_refusal(&self, identity: &Identity, what: String) -> Result<(), AuthError> {
        self.record_access(identity, what, false).await
    }

    /// Records in the audit log that a user accesses a file of another user, or that the access is refused.
    async fn record_access(&self, identity: &Identity, what: String, done: bool) -> Result<(), AuthError> {
        let Identity::User { account, .. } = identity else { return Ok(()) };
        let user = account.name.clone();
        self.off_thread(move |auth, origin, now| auth.record_access(&user, origin, &what, done, now)).await
    }

    /// Sets the current user. The caller holds the lock of the session.
    fn let_in(&self, identity: Identity) -> Arc<Identity> {
        let identity = Arc::new(identity);
        self.state.identity.send_if_modified(|before| {
            let is_new = *before != identity;
            *before = Arc::clone(&identity);
            is_new
        });
        identity
    }

    fn session(&self) -> MutexGuard<'_, Option<Held>> {
        // A panic while the lock was held leaves a complete value.
        self.state.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Executes work that may wait for a password hash or a disk, on a blocking thread.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth, &str, u64) -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let (origin, now) = (Arc::clone(&self.origin), self.now());
        off_thread(&self.auth, move |auth| work(auth, &origin, now)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use p2p_auth::Policy;
    use p2p_engine::{ClockMode, Engine};
    use tokio::runtime::Builder;

    use super::*;
    use crate::config::Config;

    /// A session that changes during each look is looked up so many times and no more, and one that changes for a while is found.
    #[test]
    fn a_session_that_changes_again_and_again_is_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::built_in().unwrap().engine(directory.path(), ClockMode::OnDemand).unwrap();
        let (engine, handle) = Engine::start(config, None).unwrap();
        let auth = Auth::open(engine.database().clone(), Policy::default()).unwrap();
        let access = Access::new(handle, auth, "a test", || 1_795_000_000).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        for (changes, is_found) in [(0, true), (LOOK_UPS_MAX - 1, true), (LOOK_UPS_MAX, false), (usize::MAX, false)] {
            let (state, looks) = (Arc::clone(&access.state), Arc::new(AtomicUsize::new(0)));
            let seen = Arc::clone(&looks);
            let ask = move |_: &Held, _: &Auth, _: &str, _: u64| {
                let look = seen.fetch_add(1, Ordering::SeqCst);
                if look < changes {
                    *state.session.lock().unwrap() = Some(Held::ApiToken(format!("another {look}").into()));
                }
                Ok(Identity::Nobody)
            };
            *access.session() = Some(Held::ApiToken("the first".to_owned().into()));
            let found = runtime.block_on(access.look_up(ask));
            assert_eq!(found.is_ok(), is_found, "{changes}: {found:?}");
            assert_eq!(looks.load(Ordering::SeqCst), LOOK_UPS_MAX.min(changes.saturating_add(1)), "{changes}");
            assert!(is_found || found == Err(AccessError::UserChanging));
        }
    }
}
