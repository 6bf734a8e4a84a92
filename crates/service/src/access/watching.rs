//! What happens in the engine, as far as the user of a front end may see it: snapshots and events, filtered by the policy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_base::units::SimTime;
use p2p_engine::node::ProcessState;
use p2p_engine::pace::Speed;
use p2p_engine::policy;
use p2p_engine::transfer::{Direction, TransferId};
use p2p_engine::{EngineError, Event, EventId, Numbered, Principal, Snapshot, Subscription};
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::namespace::Namespace;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::{Access, Identity};

/// Snapshots of the engine as the current user of a front end may see them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshots {
    identity: watch::Receiver<Arc<Identity>>,
    // A handle of the engine would keep it running.
    all: watch::Receiver<Arc<Snapshot>>,
    known_files: KnownFiles,
}

/// Principals whose files are kept, at the most: the latest that have asked.
const KNOWN_MAX: usize = 16;

/// Files that each user may see, kept and brought up to date by what has changed. Clones share them: those who come in by HTTP have an access of
/// their own for each request.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownFiles(Arc<Mutex<Vec<Known>>>);

#[derive(Debug)]
struct Known {
    principal: Principal,
    all: Namespace,
    known: Namespace,
}

impl KnownFiles {
    /// Returns the files and directories of `all` that the principal may read, as they may see them.
    fn of(&self, principal: &Principal, all: &Namespace) -> Namespace {
        let before =
            self.kept().iter().find(|kept| kept.principal == *principal).map(|kept| (kept.all.clone(), kept.known.clone()));
        // Nobody waits for the names of somebody else.
        let known = match before {
            Some((before, known)) if before.is_same(all) => return known,
            Some((before, known)) => policy::known_names_since(principal, (&before, &known), all),
            None => policy::known_names(principal, all),
        };
        let mut kept = self.kept();
        kept.retain(|kept| kept.principal != *principal);
        if kept.len() >= KNOWN_MAX {
            kept.remove(0);
        }
        kept.push(Known { principal: principal.clone(), all: all.clone(), known: known.clone() });
        known
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Known>> {
        // A panic while the lock was held leaves a complete value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshots {
    /// Returns the snapshots as the program itself may see them.
    pub(crate) fn of_program(all: watch::Receiver<Arc<Snapshot>>) -> Snapshots {
        let (_, identity) = watch::channel(Arc::new(Identity::Operator));
        Snapshots { identity, all, known_files: KnownFiles::default() }
    }

    /// Returns the latest snapshot.
    pub fn latest(&self) -> Arc<Snapshot> {
        let (all, principal) = (Arc::clone(&self.all.borrow()), self.identity.borrow().principal());
        let files = all.files.clone();
        policy::known_of_snapshot(&principal, all, || self.known_files.of(&principal, &files))
    }

    /// Returns true if the user may see a transfer of the latest snapshot.
    fn has_transfer(&self, principal: &Principal, transfer: TransferId) -> bool {
        let all = self.all.borrow();
        let found = all.transfers.iter().map(|report| &report.status).find(|status| status.id == transfer);
        found.is_some_and(|status| policy::may_see_transfer(principal, status))
    }

    /// Returns the latest snapshot, and counts it as seen by [`changed`](Self::changed).
    pub fn take_latest(&mut self) -> Arc<Snapshot> {
        self.all.mark_unchanged();
        self.latest()
    }

    /// Waits for a snapshot that was not seen yet. Returns false once the engine has stopped.
    pub async fn changed(&mut self) -> bool {
        self.all.changed().await.is_ok()
    }

    /// Returns the process of a node, to follow its ends and starts.
    pub fn process(&self, node: NodeNumber) -> NodeProcess {
        let mut process = NodeProcess { snapshots: self.clone(), node, is_stopped: false };
        process.is_stopped = process.now();
        process
    }
}

/// Version of a snapshot. Two are equal if nothing has happened between them but that time has passed by itself: an answer of the engine comes
/// with a new snapshot, in which most often nothing else is new.
#[derive(Debug, Clone)]
pub struct SnapshotVersion(Arc<Snapshot>);

impl PartialEq for SnapshotVersion {
    fn eq(&self, other: &SnapshotVersion) -> bool {
        let (one, other) = (&*self.0, &*other.0);
        let is_same_transfer = |(one, other)| Arc::ptr_eq(one, other);
        Arc::ptr_eq(&one.figures, &other.figures)
            && one.pace == other.pace
            && (one.at == other.at || !one.pace.is_paused)
            && one.files.is_same(&other.files)
            && Arc::ptr_eq(&one.faults, &other.faults)
            && Arc::ptr_eq(&one.ended, &other.ended)
            && one.transfers.len() == other.transfers.len()
            && one.transfers.iter().zip(&other.transfers).all(is_same_transfer)
    }
}

/// Process of one node, as the snapshots tell of it.
#[derive(Debug)]
pub struct NodeProcess {
    snapshots: Snapshots,
    node: NodeNumber,
    /// True if the process did not run when it was looked at last.
    is_stopped: bool,
}

impl NodeProcess {
    /// Returns true if the process did not run when it was looked at last: at the beginning, or by [`changed`](Self::changed).
    pub const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Waits until the process has ended or started since it was looked at last, and returns true if it has ended; `None` once the engine has
    /// stopped.
    pub async fn changed(&mut self) -> Option<bool> {
        loop {
            let now = self.now();
            if std::mem::replace(&mut self.is_stopped, now) != now {
                return Some(now);
            }
            if !self.snapshots.changed().await {
                return None;
            }
        }
    }

    fn now(&self) -> bool {
        let latest = self.snapshots.latest();
        latest.figures.nodes.get(self.node.index()).is_some_and(|node| node.state == ProcessState::Stopped)
    }
}

/// Events of the engine from now on, as far as the current user of a front end may see them.
#[derive(Debug)]
pub struct Events {
    snapshots: Snapshots,
    all: Subscription,
    /// User who began each transfer that has begun since, its direction, and its file.
    starters: HashMap<TransferId, (Option<String>, Direction, FileKey)>,
}

/// Next event, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// An event.
    Event(Arc<Numbered>),
    /// The reader was too slow, and this number of events is lost to it.
    Lost(u64),
    /// The engine has stopped.
    End,
}

impl Events {
    /// Returns the latest event at the instant at which this reader began; of number zero if there was none yet.
    pub fn latest(&self) -> EventId {
        self.all.latest
    }

    /// Returns the number of events after the one that was asked for that are no longer kept, once: [`next`](Self::next) does not tell of
    /// them then.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.all.lost)
    }

    /// Waits for the next event that the user may see.
    pub async fn next(&mut self) -> Happening {
        let lost = self.take_lost();
        if lost > 0 {
            return Happening::Lost(lost);
        }
        loop {
            let next = match self.all.missed.pop_front() {
                Some(missed) => Ok(missed),
                None => self.all.live.recv().await,
            };
            match next {
                Ok(event) => {
                    if let Some(seen) = self.seen(event) {
                        return Happening::Event(seen);
                    }
                }
                Err(RecvError::Lagged(count)) => return Happening::Lost(count),
                Err(RecvError::Closed) => return Happening::End,
            }
        }
    }

    /// Returns an event as the user may see it, if the user may.
    fn seen(&mut self, numbered: Arc<Numbered>) -> Option<Arc<Numbered>> {
        let event = &numbered.event;
        match event {
            Event::TransferStarted { transfer, user, direction, file, .. } => {
                self.starters.insert(*transfer, (user.clone(), *direction, file.clone()));
            }
            Event::TransferFinished { transfer, .. }
            | Event::TransferFailed { transfer, .. }
            | Event::UploadParked { transfer, .. } => {
                self.starters.remove(transfer);
            }
            _ => {}
        }
        let principal = self.snapshots.identity.borrow().principal();
        let is_seen = policy::may_see(&principal, event, |transfer| match self.starters.get(&transfer) {
            Some((user, direction, file)) => policy::may_see_begun(&principal, (user.as_deref(), *direction, file)),
            // The transfer has begun before.
            None => self.snapshots.has_transfer(&principal, transfer),
        });
        if !is_seen {
            return None;
        }
        let known = policy::known_of_event(&principal, event);
        Some(known.map_or_else(|| Arc::clone(&numbered), |known| Arc::new(Numbered { event: known, ..*numbered })))
    }
}

impl Access {
    /// Returns the snapshots of the engine, as the current user may see them.
    pub fn snapshots(&self) -> Snapshots {
        let known_files = self.known_files.clone();
        Snapshots { identity: self.watch(), all: self.engine.snapshots(), known_files }
    }

    /// Returns the latest snapshot of the engine, as the current user may see it.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots().latest()
    }

    /// Returns a snapshot with the figures of the present instant, as the current user may see it.
    ///
    /// # Errors
    /// Fails if the engine has stopped.
    pub async fn present_snapshot(&self) -> Result<Arc<Snapshot>, EngineError> {
        self.engine.snapshot().await?;
        // What the engine has returned it has published before.
        Ok(self.snapshot())
    }

    /// Returns the virtual instant of the latest snapshot.
    pub fn virtual_now(&self) -> SimTime {
        self.engine.snapshots().borrow().at
    }

    /// Returns the version of the latest snapshot, by which two looks at it are told apart, whatever the user may see of it.
    pub fn snapshot_version(&self) -> SnapshotVersion {
        SnapshotVersion(Arc::clone(&self.engine.snapshots().borrow()))
    }

    /// Returns the number of the run, which its events have too.
    pub fn run(&self) -> u64 {
        self.engine.run()
    }

    /// Returns the seed of all chances of the run.
    pub fn seed(&self) -> u64 {
        self.engine.seed()
    }

    /// Returns true if virtual time is paused.
    pub fn is_paused(&self) -> bool {
        self.engine.snapshots().borrow().pace.is_paused
    }

    /// Returns the speed of virtual time that was asked for.
    pub fn speed(&self) -> Speed {
        self.engine.snapshots().borrow().pace.speed
    }

    /// Describes the running transfers for a user who is about to end them by leaving: their own by name, and the number of the
    /// others.
    pub fn describe_running(&self) -> Vec<String> {
        self.identity().describe_running(&self.engine.snapshots().borrow())
    }

    /// Subscribes to the events that the current user may see: those after `after`, as far as they are kept, or those from now on.
    pub fn events(&self, after: Option<EventId>) -> Events {
        Events { snapshots: self.snapshots(), all: self.engine.events(after), starters: HashMap::new() }
    }

    /// Returns what the current user may see of the latest events of all kinds but those of segments, which are at most `count`, the earliest
    /// first.
    pub fn recent_events(&self, count: usize) -> Vec<Arc<Numbered>> {
        let recent = self.engine.recent_events(count);
        let mut reader = Events { snapshots: self.snapshots(), all: self.engine.events(None), starters: HashMap::new() };
        recent.into_iter().filter_map(|event| reader.seen(event)).collect()
    }
}
