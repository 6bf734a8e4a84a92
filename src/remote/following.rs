//! Figures of a transfer at a server while it is under way, as the server measures them, for the bar.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use p2p_shell::bar::FileBar;
use tokio::time::sleep;

use super::names::seconds;
use super::visits::Visit;

/// Wall time between two looks at a transfer.
const EVERY: Duration = Duration::from_millis(250);

/// Number of a transfer, once the server has told it.
#[derive(Debug, Default)]
pub(super) struct Followed(AtomicU64);

impl Followed {
    /// Notes the number. Those of transfers begin with 1.
    pub(super) fn is(&self, transfer: u64) {
        self.0.store(transfer, Ordering::Relaxed);
    }
}

impl Visit {
    /// Draws the rate and the time that is left behind a bar that somebody sees. Waits without end: the caller drops it with the transfer.
    #[expect(clippy::disallowed_methods, reason = "a front end waits in wall time")]
    pub(super) async fn follow(&self, followed: &Followed, bar: &FileBar) -> Infallible {
        while bar.is_drawn() {
            sleep(EVERY).await;
            let transfer = followed.0.load(Ordering::Relaxed);
            if transfer == 0 {
                continue;
            }
            // What cannot be asked is not shown.
            let Ok(told) = self.client.transfer(transfer).await else { break };
            bar.measure(told.bytes_per_second, told.left.map(|left| seconds(Some(left))));
        }
        std::future::pending().await
    }
}
