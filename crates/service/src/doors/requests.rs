//! Requests of one connection of HTTP/2 (RFC 9113): their tasks, which end with the connection, and for how long there has been none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

/// Time without a request after which a client is asked to connect again.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// Time between two looks at whether a connection is idle.
const LOOK: Duration = Duration::from_secs(10);

/// Tasks of the requests of one connection. They end when the last clone is dropped.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<Mutex<JoinSet<()>>>);

impl Requests {
    /// Runs a request as a task of its own.
    pub fn run(&self, request: impl Future<Output: Send> + Send + 'static) {
        self.running().spawn(async move { drop(request.await) });
    }

    /// Returns the tasks that are not over.
    fn running(&self) -> MutexGuard<'_, JoinSet<()>> {
        // A panic while the lock was held leaves a complete set.
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks
    }

    /// Waits until a request is open at one of the looks, which never happens on a connection that runs none as a task.
    pub async fn used(&self) {
        let mut looks = interval(LOOK);
        loop {
            looks.tick().await;
            if !self.running().is_empty() {
                return;
            }
        }
    }

    /// Waits until no request has been open for so long that the connection is not needed.
    pub async fn idle(&self) {
        let (mut looks, mut since) = (interval(LOOK), Instant::now());
        while since.elapsed() < IDLE {
            looks.tick().await;
            if !self.running().is_empty() {
                since = Instant::now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection is idle once no request has been open for five minutes, and only one that was used is so for those who wait for its use.
    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_after_its_last_request() {
        let (requests, begun) = (Requests::default(), Instant::now());
        requests.idle().await;
        assert!((IDLE..=IDLE + LOOK).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert!(tokio::time::timeout(10 * IDLE, requests.used()).await.is_err());
        let begun = Instant::now();
        requests.run(tokio::time::timeout(IDLE, std::future::pending::<()>()));
        requests.used().await;
        requests.idle().await;
        assert!((2 * IDLE - LOOK..=2 * IDLE + LOOK).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }
}
