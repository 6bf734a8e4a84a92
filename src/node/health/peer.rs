//! What probes say of one peer, and when that changes. Knows nothing of how probes are sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::net::HostId;
use crate::node::recent_probes::RoundTrips;
use crate::units::{SimDuration, SimTime};

/// How probing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthConfig {
    /// How often peers are probed; zero for never, except by a check.
    pub interval: SimDuration,
    /// How long an answer may take.
    pub timeout: SimDuration,
    /// After how many unanswered probes in a row a peer is suspect.
    pub suspect_after: u32,
    /// After how many it is dead.
    pub dead_after: u32,
}

impl Default for HealthConfig {
    /// A probe every 5 seconds, three for its answer (a full queue on a slow link holds it up for more than two), suspect after
    /// two misses, dead after three.
    fn default() -> Self {
        let (interval, timeout) = (SimDuration::from_secs(5), SimDuration::from_secs(3));
        HealthConfig { interval, timeout, suspect_after: 2, dead_after: 3 }
    }
}

/// What probes say of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// It answers, or has not been asked yet.
    #[default]
    Alive,
    /// It has missed a few.
    Suspect,
    /// It has missed too many.
    Dead,
}

impl Health {
    /// The word on screens and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Health::Alive => "ALIVE",
            Health::Suspect => "SUSPECT",
            Health::Dead => "DEAD",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is known of one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerHealth {
    /// What the probes say.
    pub health: Health,
    /// Round trips and losses of the last ten probes.
    pub recent: RoundTrips,
    /// Probes sent whose fate is known.
    pub probes: u64,
    /// Those of them that were answered in time.
    pub answers: u64,
    /// Probes in a row without an answer.
    pub missed: u32,
    /// When the last answer came.
    pub heard_at: Option<SimTime>,
}

impl PeerHealth {
    pub(super) fn answered(&mut self, now: SimTime) {
        self.probes += 1;
        self.answers += 1;
        self.missed = 0;
        self.heard_at = Some(now);
        self.health = Health::Alive;
    }

    /// The answer to a probe did not come, but something else did: the probe is lost, and the peer is there.
    pub(super) fn unanswered_but_heard(&mut self, heard_at: SimTime) {
        self.probes += 1;
        self.heard(heard_at);
    }

    pub(super) fn heard(&mut self, at: SimTime) {
        self.missed = 0;
        self.heard_at = self.heard_at.max(Some(at));
        self.health = Health::Alive;
    }

    pub(super) fn unanswered(&mut self, config: &HealthConfig) {
        self.probes += 1;
        self.missed += 1;
        if self.missed >= config.dead_after {
            self.health = Health::Dead;
        } else if self.missed >= config.suspect_after {
            self.health = Health::Suspect;
        }
    }
}

/// A peer's health has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthChange {
    /// Whose.
    pub peer: HostId,
    /// What it was.
    pub from: Health,
    /// What it is.
    pub to: Health,
    /// Probes in a row without an answer.
    pub missed: u32,
}
