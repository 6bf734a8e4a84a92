//! Draining: the transfers of clients whose connections have ended are brought to their end before the engine ends.

use std::time::Duration;

use p2p_engine::Caller;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Instance;

impl Instance {
    /// Brings all transfers to their end as fast as the machine can, for `span` at the most: an upload of which something is kept is
    /// parked with all that has arrived. Returns the number of transfers that are not over; the [end](Self::end) of the engine cancels
    /// these.
    ///
    /// To be called once no client holds a stream any more, since a stream that is held is waited for.
    pub async fn drain(&self, span: Duration) -> u64 {
        let running = self.transfers().await.into_iter().filter(|status| !status.state.is_over());
        let mut ending = JoinSet::new();
        for status in running {
            let engine = self.engine.clone();
            ending.spawn(async move { engine.await_at_once(&Caller::operator(), status.id).await.map(drop) });
        }
        let all = async { while ending.join_next().await.is_some() {} };
        // Transfers that are left are counted below.
        let _ = timeout(span, all).await;
        ending.len() as u64
    }
}
