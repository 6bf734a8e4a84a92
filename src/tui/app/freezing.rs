//! A view that stands still: all of it shows one instant, and what happens meanwhile is shown when it goes on. Knows nothing of how
//! anything is drawn.

use std::collections::VecDeque;

use super::{App, LOG_MAX, Pane};
use crate::engine::transfer::TransferId;
use crate::tui::theme::Role;
use crate::units::SimTime;

/// What has happened since the view stands still.
#[derive(Debug, Default)]
pub(super) struct Meanwhile {
    lines: VecDeque<(SimTime, Role, String)>,
    events_lost: u64,
    /// The latest transfer that has begun.
    begun: Option<TransferId>,
}

impl App {
    /// Lets the view stand still, or go on.
    pub(super) fn freeze(&mut self) {
        if self.frozen { self.thaw() } else { self.frozen = true }
    }

    /// Lets the view go on: it takes in what has happened meanwhile.
    pub(super) fn thaw(&mut self) {
        self.frozen = false;
        let Meanwhile { lines, events_lost, begun } = std::mem::take(&mut self.meanwhile);
        self.events_lost += events_lost;
        lines.into_iter().for_each(|(at, role, text)| self.note(at, role, text));
        if let Some(transfer) = begun {
            self.show_transfer(transfer);
        }
        let latest = self.shell.engine().snapshots().borrow().clone();
        self.take_view(latest);
    }

    /// Puts a line into the log, or aside while the view stands still.
    pub(super) fn note(&mut self, at: SimTime, role: Role, text: String) {
        let lines = if self.frozen { &mut self.meanwhile.lines } else { &mut self.log };
        if lines.len() == LOG_MAX {
            lines.pop_front();
        }
        lines.push_back((at, role, text));
    }

    /// Shows the segments of a transfer that has begun.
    pub(super) fn show_transfer(&mut self, transfer: TransferId) {
        if self.frozen {
            self.meanwhile.begun = Some(transfer);
            return;
        }
        self.transfer = Some(transfer);
        self.selected.remove(&Pane::Transfers);
    }

    /// The screen has lagged behind and lost some events.
    pub fn on_events_lost(&mut self, count: u64) {
        if self.frozen {
            self.meanwhile.events_lost += count;
        } else {
            self.events_lost += count;
        }
    }
}
