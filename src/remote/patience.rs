//! Waiting for a server whose virtual time stands still: what takes time there goes on once somebody lets it pass again.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use p2p_grpc::client::Client;
use p2p_service::output;
use tokio::time::sleep;

/// Wall time without news after which a server is asked whether its time stands still.
const SILENT: Duration = Duration::from_secs(2);

/// Watch over the waiting of one command, which says at the most once why nothing comes.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// Number of news that have come.
    news: AtomicU64,
    /// True once it is said, or cannot be known.
    is_over: AtomicBool,
}

impl Patience {
    /// Notes that something has come.
    pub(super) fn note(&self) {
        self.news.fetch_add(1, Ordering::Relaxed);
    }

    /// Says on standard error that the time of the server stands still, if nothing comes for that reason. Waits without end: the caller drops
    /// it with what is waited for.
    #[expect(clippy::disallowed_methods, reason = "a front end waits in wall time")]
    pub(super) async fn watch(&self, client: &Client, server: impl Display) -> Infallible {
        while !self.is_over.load(Ordering::Relaxed) {
            let before = self.news.load(Ordering::Relaxed);
            sleep(SILENT).await;
            if self.news.load(Ordering::Relaxed) != before {
                continue;
            }
            match client.status().await {
                Ok(status) if !status.pace.is_paused => {}
                told => {
                    self.is_over.store(true, Ordering::Relaxed);
                    // One who may not ask for it waits without being told.
                    if told.is_ok() {
                        output::tell(format_args!(
                            "p2p: virtual time is paused at {server}, and this waits for it; `p2p --connect {server} resume` lets it pass"
                        ));
                    }
                }
            }
        }
        std::future::pending().await
    }
}
