//! Holds: one request at a time works on an upload. A later one takes the upload over from an earlier one, which has lost its client or was
//! given up by it (draft-ietf-httpbis-resumable-upload, section 6, "Concurrency").

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use p2p_service::files::UploadId;
use tokio::sync::{OwnedMutexGuard, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Time for an earlier request to end what it does: nodes acknowledge what was on its way to them, and what is stored is noted.
pub(super) const REST_MAX: Duration = Duration::from_secs(60);

/// The uploads that requests work on, and the work that goes on although its client has gone. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Holds {
    uploads: Arc<Mutex<HashMap<UploadId, Weak<Turns>>>>,
    works: Arc<Mutex<JoinSet<()>>>,
}

/// Requests at one upload.
#[derive(Debug)]
struct Turns {
    /// Number of the latest one.
    latest: watch::Sender<u64>,
    /// Held by the one that works.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// An upload that a request works on, until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    number: u64,
    latest: watch::Receiver<u64>,
    _turn: OwnedMutexGuard<()>,
    // The entry of the upload is there as long as somebody holds or waits for it.
    _turns: Arc<Turns>,
}

/// Reason why an upload cannot be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotHeld {
    /// The earlier request has not ended in time.
    Busy,
    /// A later request holds it or is to.
    TakenOver,
}

impl Holds {
    /// Takes an upload over from whoever holds it.
    pub(super) async fn take(&self, id: UploadId) -> Result<Held, NotHeld> {
        self.take_within(id, REST_MAX).await
    }

    async fn take_within(&self, id: UploadId, within: Duration) -> Result<Held, NotHeld> {
        let turns = self.turns(id);
        let mut number = 0;
        turns.latest.send_modify(|latest| {
            *latest += 1;
            number = *latest;
        });
        let latest = turns.latest.subscribe();
        let turn = timeout(within, Arc::clone(&turns.turn).lock_owned()).await.map_err(|_| NotHeld::Busy)?;
        let held = Held { number, latest, _turn: turn, _turns: turns };
        if held.is_taken_over() { Err(NotHeld::TakenOver) } else { Ok(held) }
    }

    fn turns(&self, id: UploadId) -> Arc<Turns> {
        // A panic while the lock was held leaves a complete map.
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = uploads.get(&id).and_then(Weak::upgrade) {
            return turns;
        }
        uploads.retain(|_, turns| turns.strong_count() > 0);
        let turns = Arc::new(Turns { latest: watch::Sender::new(0), turn: Arc::default() });
        uploads.insert(id, Arc::downgrade(&turns));
        turns
    }

    /// Runs a work to its end, although the request may be gone that has begun it: each of its waits has a bound. Returns what it gives;
    /// `None` if it has ended by a bug.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.works().spawn(async move {
            // Without the request, nobody waits for it.
            let _ = sender.send(work.await);
        });
        receiver.await.ok()
    }

    /// Returns the works that are not over.
    fn works(&self) -> MutexGuard<'_, JoinSet<()>> {
        // A panic while the lock was held leaves a complete set.
        let mut works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        while works.try_join_next().is_some() {}
        works
    }
}

impl Held {
    fn is_taken_over(&self) -> bool {
        *self.latest.borrow() != self.number
    }

    /// Waits until a later request takes the upload over.
    pub(super) async fn taken_over(&mut self) {
        let number = self.number;
        // The sender lives as long as this does.
        let _ = self.latest.wait_for(|&latest| latest != number).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_runtime(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    #[test]
    fn a_later_request_takes_over_and_the_latest_gets_it() {
        on_a_runtime(async {
            let (holds, id) = (Holds::default(), UploadId::new([1; 16]));
            let mut first = holds.take(id).await.unwrap();
            let (second, third) = tokio::join!(
                async {
                    let waiting = holds.take(id);
                    tokio::pin!(waiting);
                    // The first one ends only when it learns of the second, and the third is there by then.
                    let (taken, ()) = tokio::join!(waiting, async {
                        first.taken_over().await;
                        tokio::task::yield_now().await;
                        drop(first);
                    });
                    taken.map(|_| ())
                },
                async { holds.take(id).await.map(|_| ()) }
            );
            assert_eq!((second, third), (Err(NotHeld::TakenOver), Ok(())));
        });
    }

    #[test]
    fn one_that_does_not_end_is_waited_for_in_vain() {
        on_a_runtime(async {
            let (holds, id) = (Holds::default(), UploadId::new([1; 16]));
            let _first = holds.take(id).await.unwrap();
            assert_eq!(holds.take_within(id, Duration::from_millis(1)).await.map(|_| ()), Err(NotHeld::Busy));
            assert!(holds.take(UploadId::new([2; 16])).await.is_ok(), "another upload is free");
        });
    }

    #[test]
    fn nothing_is_remembered_of_what_nobody_holds() {
        on_a_runtime(async {
            let holds = Holds::default();
            for id in 0..10 {
                drop(holds.take(UploadId::new([id; 16])).await.unwrap());
            }
            assert_eq!(holds.uploads.lock().unwrap().len(), 1);
        });
    }
}
