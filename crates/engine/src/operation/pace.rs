//! Operations on the pace at which virtual time passes, compared with the wall clock: its speed, pauses, and steps within a pause.

use p2p_base::units::SimDuration;
use serde::{Deserialize, Serialize};

use crate::pace::Speed;

/// Changes the speed of virtual time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetSpeed {
    /// New speed of virtual time.
    pub speed: Speed,
}

/// Pauses virtual time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pause;

/// Resumes virtual time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resume;

/// While time is paused, advances it to the next event, or by `span`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Virtual time to advance by; `None` to advance to the next event.
    pub span: Option<SimDuration>,
}
