//! A health check: every peer of the check is probed several times, and each probe has a time of its own.

use p2p_base::units::{SimDuration, SimTime};

/// Number of probes that a check sends to each peer.
pub const CHECK_PROBES: u32 = 3;

/// Check under way, which probes its peers in turn, in several rounds.
#[derive(Debug)]
pub(super) struct Check {
    /// Position of the first peer of the check in the order of the table.
    pub(super) first: usize,
    /// Number of peers in the check.
    pub(super) peers: usize,
    /// Number of probes sent so far.
    pub(super) sent: usize,
    /// Time at which the check began.
    pub(super) begun: SimTime,
    /// Time from one probe to the next.
    pub(super) gap: SimDuration,
    /// Time from the beginning of one round to that of the next.
    pub(super) spacing: SimDuration,
}

impl Check {
    /// Returns the time of the next probe; `None` after the last.
    pub(super) fn next_at(&self) -> Option<SimTime> {
        let round = self.sent.checked_div(self.peers).filter(|&round| round < CHECK_PROBES as usize)?;
        let place = self.sent % self.peers;
        Some(self.begun + self.spacing * round as u64 + self.gap * place as u64)
    }
}
