//! Tasks that carry out what is asked of the channels of a connection, and that end with it: by themselves, or when the connection is cut.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

/// Tasks of the channels of one connection. They end when the last clone is dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Works(Arc<Mutex<JoinSet<()>>>);

impl Works {
    /// Begins a task.
    pub(super) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.running().spawn(work);
    }

    /// Returns the tasks that are not over.
    fn running(&self) -> MutexGuard<'_, JoinSet<()>> {
        // A panic while the lock was held leaves a complete set.
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a channel has ended by a bug of this program");
            }
        }
        tasks
    }

    /// Waits until all tasks are over.
    pub(super) async fn over(&self) {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while !self.running().is_empty() {
            looks.tick().await;
        }
    }

    /// Ends all tasks.
    pub(super) async fn end(&self) {
        let mut tasks = std::mem::take(&mut *self.running());
        tasks.shutdown().await;
    }
}
