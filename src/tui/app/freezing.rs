//! A frozen view: it shows one instant, and takes in what has accumulated meanwhile when it is thawed.

use std::collections::VecDeque;

use p2p_base::units::SimTime;
use p2p_engine::transfer::TransferId;

use super::{App, LOG_MAX, Pane};
use crate::tui::theme::Role;

/// The events that have accumulated while the view is frozen.
#[derive(Debug, Default)]
pub(super) struct Meanwhile {
    lines: VecDeque<(SimTime, Role, String)>,
    events_lost: u64,
    /// Latest transfer that has begun meanwhile.
    begun: Option<TransferId>,
}

impl App {
    /// Freezes the view, or thaws it if it is frozen.
    pub(super) fn freeze(&mut self) {
        if self.frozen { self.thaw() } else { self.frozen = true }
    }

    /// Thaws the view and takes in what has accumulated meanwhile.
    pub(super) fn thaw(&mut self) {
        self.frozen = false;
        let Meanwhile { lines, events_lost, begun } = std::mem::take(&mut self.meanwhile);
        self.events_lost += events_lost;
        lines.into_iter().for_each(|(at, role, text)| self.note(at, role, text));
        if let Some(transfer) = begun {
            self.show_transfer(transfer);
        }
        let latest = self.access().snapshot();
        self.take_view(latest);
    }

    /// Appends a line to the log, or keeps it for later while the view is frozen.
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

    /// Counts events that were lost because the screen lagged behind.
    pub fn on_events_lost(&mut self, count: u64) {
        if self.frozen {
            self.meanwhile.events_lost += count;
        } else {
            self.events_lost += count;
        }
    }
}
