//! Operations that an interruption has to wait for: hashes of passwords, and answers of a disk or of the engine.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{Access, State};

/// Maximum time for which an interruption waits for operations: hashes of passwords, and answers of a disk or of the engine, which may
/// never come.
const REST_MAX: Duration = Duration::from_secs(5);

/// Guard of an operation that an interruption has to wait for.
#[derive(Debug)]
pub struct CriticalSection(Arc<State>);

impl Drop for CriticalSection {
    fn drop(&mut self) {
        self.0.critical_section.send_modify(|count| *count -= 1);
    }
}

impl Access {
    /// Begins an operation that an interruption has to wait for, until the returned guard is dropped.
    pub fn critical_section(&self) -> CriticalSection {
        self.state.critical_section.send_modify(|count| *count += 1);
        CriticalSection(Arc::clone(&self.state))
    }

    /// Returns true if no operation is in progress that an interruption has to wait for.
    pub fn is_at_rest(&self) -> bool {
        *self.state.critical_section.borrow() == 0
    }

    /// Waits until no operation is in progress that an interruption has to wait for, for five seconds at the most. Returns true if there is
    /// none.
    pub async fn at_rest(&self) -> bool {
        let mut count = self.state.critical_section.subscribe();
        // The sender lives as long as `self`.
        timeout(REST_MAX, count.wait_for(|count| *count == 0)).await.is_ok()
    }
}
