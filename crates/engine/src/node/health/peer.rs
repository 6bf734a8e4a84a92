//! The health of one peer as its probes show it, and the changes of that health. Independent of how probes are sent.

use std::fmt;

use p2p_base::units::{SimDuration, SimTime};
use p2p_net::HostId;
use serde::{Deserialize, Serialize};

use crate::node::recent_probes::RoundTrips;

/// Parameters of probing and of the health of peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthConfig {
    /// Time between two probes of a peer, or of any peer if they are probed in turn; zero for no probes except those of a check.
    pub interval: SimDuration,
    /// Time after which a probe without an answer counts as lost.
    pub timeout: SimDuration,
    /// Number of consecutive unanswered probes after which a peer is suspect.
    pub suspect_after: u32,
    /// Number of consecutive unanswered probes after which a peer is dead.
    pub dead_after: u32,
}

impl Default for HealthConfig {
    /// Returns an interval of 5 seconds, a timeout of three (a full queue on a slow link delays an answer by more than two),
    /// suspicion after two lost probes, and death after three.
    fn default() -> Self {
        let (interval, timeout) = (SimDuration::from_secs(5), SimDuration::from_secs(3));
        HealthConfig { interval, timeout, suspect_after: 2, dead_after: 3 }
    }
}

/// Health of a peer as its probes show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// The peer answers, or has not been probed yet.
    #[default]
    Alive,
    /// The peer has missed several probes in a row.
    Suspect,
    /// The peer has missed so many probes in a row that it counts as dead.
    Dead,
}

impl Health {
    /// Returns the name of the state on screens and in reports.
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

/// State of one peer in the peer table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerHealth {
    /// Health of the peer.
    pub health: Health,
    /// Round-trip times and losses of the last ten probes.
    pub recent: RoundTrips,
    /// Number of probes that were answered or have timed out.
    pub probes: u64,
    /// Number of probes that were answered in time.
    pub answers: u64,
    /// Number of consecutive probes without an answer.
    pub missed: u32,
    /// Time of the last answer or other packet from the peer.
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

    /// Records a lost probe of a peer from which another packet has arrived since, so that the peer is alive.
    pub(super) fn unanswered_but_heard(&mut self, heard_at: SimTime) {
        self.probes += 1;
        self.heard(heard_at);
    }

    pub(super) fn heard(&mut self, at: SimTime) {
        self.missed = 0;
        self.heard_at = self.heard_at.max(Some(at));
        self.health = Health::Alive;
    }

    /// Records a lost probe. A peer is dead only if nothing has arrived from it for `silence`, or since `watched_since` if nothing ever
    /// has, and it stays dead however long that time becomes: only a sign of life makes it alive again.
    pub(super) fn unanswered(&mut self, now: SimTime, config: &HealthConfig, watched_since: SimTime, silence: SimDuration) {
        self.probes += 1;
        self.missed += 1;
        let is_silent = now - self.heard_at.unwrap_or(watched_since) >= silence;
        if self.missed >= config.dead_after && is_silent {
            self.health = Health::Dead;
        } else if self.missed >= config.suspect_after && self.health != Health::Dead {
            self.health = Health::Suspect;
        }
    }
}

/// Change of a peer's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthChange {
    /// Peer whose health has changed.
    pub peer: HostId,
    /// Health before the change.
    pub from: Health,
    /// Health after the change.
    pub to: Health,
    /// Number of consecutive probes without an answer.
    pub missed: u32,
}
