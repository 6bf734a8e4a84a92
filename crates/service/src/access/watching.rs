//! What happens in the engine, as far as the user of a front end may see it: snapshots and events, filtered by the policy.

use std::collections::HashMap;
use std::sync::Arc;

use p2p_engine::policy;
use p2p_engine::transfer::TransferId;
use p2p_engine::{Event, EventId, Numbered, Snapshot, Subscription};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::{Access, Identity};

/// Snapshots of the engine as the current user of a front end may see them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshots {
    identity: watch::Receiver<Arc<Identity>>,
    // A handle of the engine would keep it running.
    all: watch::Receiver<Arc<Snapshot>>,
}

impl Snapshots {
    /// Returns the snapshots as a user may see them, who may change.
    pub(crate) fn new(identity: watch::Receiver<Arc<Identity>>, all: watch::Receiver<Arc<Snapshot>>) -> Snapshots {
        Snapshots { identity, all }
    }

    /// Returns the latest snapshot.
    pub fn latest(&self) -> Arc<Snapshot> {
        let all = Arc::clone(&self.all.borrow());
        policy::known_of_snapshot(&self.identity.borrow().principal(), all)
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
}

/// Events of the engine from now on, as far as the current user of a front end may see them.
#[derive(Debug)]
pub struct Events {
    snapshots: Snapshots,
    all: Subscription,
    /// User who began each transfer that has begun since.
    starters: HashMap<TransferId, Option<String>>,
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
    /// Waits for the next event that the user may see.
    pub async fn next(&mut self) -> Happening {
        let lost = std::mem::take(&mut self.all.lost);
        if lost > 0 {
            return Happening::Lost(lost);
        }
        loop {
            let next = match self.all.missed.pop_front() {
                Some(missed) => Ok(missed),
                None => self.all.live.recv().await,
            };
            match next {
                Ok(event) if self.is_seen(&event.event) => return Happening::Event(event),
                Ok(_) => {}
                Err(RecvError::Lagged(count)) => return Happening::Lost(count),
                Err(RecvError::Closed) => return Happening::End,
            }
        }
    }

    fn is_seen(&mut self, event: &Event) -> bool {
        match event {
            Event::TransferStarted { transfer, user, .. } => drop(self.starters.insert(*transfer, user.clone())),
            Event::TransferFinished { transfer, .. } | Event::TransferFailed { transfer, .. } => {
                self.starters.remove(transfer);
            }
            _ => {}
        }
        let principal = self.snapshots.identity.borrow().principal();
        policy::may_see(&principal, event, |transfer| match self.starters.get(&transfer) {
            Some(starter) => policy::may_see_what_began(&principal, starter.as_deref()),
            // The transfer has begun before.
            None => self.snapshots.latest().transfers.iter().any(|report| report.status.id == transfer),
        })
    }
}

impl Access {
    /// Returns the snapshots of the engine, as the current user may see them.
    pub fn snapshots(&self) -> Snapshots {
        Snapshots::new(self.watch(), self.engine.snapshots())
    }

    /// Returns the latest snapshot of the engine, as the current user may see it.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots().latest()
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
}
