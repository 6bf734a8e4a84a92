//! The dialog of a path: between which hosts it leads, and which of them asks. What it shows comes from the scene, so that it is live, and
//! stands still where the view is frozen.

use crossterm::event::{KeyCode, KeyEvent};
use p2p_engine::snapshot::Peer;

/// The dialog of the round trips between two hosts.
#[derive(Debug)]
pub struct PathDialog {
    from: Peer,
    to: Peer,
}

impl PathDialog {
    /// Creates the dialog of the probes of one host by another.
    pub fn new(from: Peer, to: Peer) -> PathDialog {
        PathDialog { from, to }
    }

    /// Returns the host that asks, and the one that is asked.
    pub fn ends(&self) -> (Peer, Peer) {
        (self.from, self.to)
    }

    /// Handles a key: Left and Right let the other host ask. Returns true if the dialog is to be closed, which Enter and `q` ask for.
    pub fn handle(&mut self, key: &KeyEvent) -> bool {
        match key.code {
            KeyCode::Left | KeyCode::Right => std::mem::swap(&mut self.from, &mut self.to),
            _ => return matches!(key.code, KeyCode::Enter | KeyCode::Char('q')),
        }
        false
    }
}
