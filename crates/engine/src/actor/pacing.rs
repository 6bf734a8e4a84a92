//! What operations change of the pace at which virtual time passes. The simulation only acknowledges these.

use p2p_base::units::SimTime;

use super::Actor;
use crate::operation::Command;
use crate::pace::Speed;

impl Actor {
    /// Changes the pace as an operation demands that the simulation has taken.
    pub(super) fn change_pace(&mut self, command: &Command, now: SimTime) {
        match command {
            Command::SetSpeed(change) => self.pace.set_speed(change.speed, now),
            Command::Pause(_) => self.pace.set_paused(true, now),
            Command::Resume(_) => self.pace.set_paused(false, now),
            // Connections close and transfers are undone in virtual time, and a user who quits should not have to wait for it.
            Command::Shutdown(_) => {
                self.pace.set_paused(false, now);
                self.pace.set_speed(Speed::Max, now);
            }
            _ => {}
        }
    }
}

/// Returns true if an operation changes the pace.
pub(super) fn concerns_pace(command: &Command) -> bool {
    matches!(command, Command::SetSpeed(_) | Command::Pause(_) | Command::Resume(_) | Command::Shutdown(_))
}
