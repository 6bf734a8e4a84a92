//! A check: every one of its peers is probed several times, and each probe has an instant of its own. Knows nothing of what comes
//! of them.

use crate::units::{SimDuration, SimTime};

/// How many probes a check sends to each peer.
pub const CHECK_PROBES: u32 = 3;

/// A check under way: its peers, one after the other, several times.
#[derive(Debug)]
pub(super) struct Check {
    /// Where in the table's order its peers begin, and how many they are.
    pub(super) first: usize,
    pub(super) peers: usize,
    /// How many probes have left.
    pub(super) sent: usize,
    pub(super) begun: SimTime,
    /// From one probe to the next, and from one round to the next.
    pub(super) gap: SimDuration,
    pub(super) spacing: SimDuration,
}

impl Check {
    /// When the next probe leaves; `None` after the last.
    pub(super) fn next_at(&self) -> Option<SimTime> {
        let round = self.sent.checked_div(self.peers).filter(|&round| round < CHECK_PROBES as usize)?;
        let place = self.sent % self.peers;
        Some(self.begun + self.spacing * round as u64 + self.gap * place as u64)
    }
}
