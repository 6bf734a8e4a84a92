//! The rows of the transfers pane: which there are, in which order, and where each is.

use std::sync::Arc;

use p2p_base::spelling::visible_line;
use p2p_engine::transfer::{TransferId, TransferReport};
use p2p_shell::report::{time_waiting, transfer_rate_of, waits_of};

use super::{id_of, state_of, state_of_pending};
use crate::tui::lines::{Pending, StepId};
use crate::tui::panes::rows::Rows;
use crate::tui::panes::scene::{Chosen, Scene};
use crate::tui::theme::Theme;

/// The rows of the list: transfers that are under way, then steps that have not begun, then transfers that are over. There may be
/// thousands of steps, which are made only as far as they are shown, unless there is a filter.
pub(super) struct List<'s> {
    scene: &'s Scene<'s>,
    /// Rows that pass the filter; `None` without a filter.
    passing: Option<Vec<Row<'s>>>,
}

impl<'s> List<'s> {
    /// Returns the rows of a scene that pass the filter of a list.
    pub(super) fn of(scene: &'s Scene<'_>, filtered: &Rows) -> List<'s> {
        let all = List { scene, passing: None };
        let passing = || (0..all.len()).filter_map(|place| all.get(place)).filter(|row| filtered.passes(|| row.name(scene)));
        let passing = (!filtered.filter().is_empty()).then(|| passing().collect());
        List { passing, ..all }
    }

    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        let all = || self.scene.in_order().len() + self.scene.pending.len();
        self.passing.as_ref().map_or_else(all, Vec::len)
    }

    /// Returns the number of transfers before the steps that have not begun.
    fn under_way(&self) -> usize {
        self.scene.in_order().take_while(|report| !report.status.state.is_over()).count()
    }

    /// Returns the number of transfers that are over.
    pub(super) fn over(&self) -> usize {
        let all = || self.scene.in_order().len() - self.under_way();
        self.passing.as_ref().map_or_else(all, |passing| passing.iter().filter(|row| row.is_over()).count())
    }

    /// Returns the row at a place.
    pub(super) fn get(&self, place: usize) -> Option<Row<'s>> {
        if let Some(passing) = &self.passing {
            return passing.get(place).cloned();
        }
        let pending = &self.scene.pending;
        let transfer = match place.checked_sub(self.under_way()) {
            Some(step) if step < pending.len() => return pending.get(step).map(Row::Pending),
            Some(_) => place - pending.len(),
            None => place,
        };
        self.scene.in_order().nth(transfer).map(Row::Of)
    }

    /// Returns the place of a transfer.
    pub(super) fn place_of_transfer(&self, transfer: TransferId) -> Option<usize> {
        let is_it = |report: &TransferReport| report.status.id == transfer;
        if let Some(passing) = &self.passing {
            return passing.iter().position(|row| matches!(row, Row::Of(report) if is_it(report)));
        }
        let place = self.scene.in_order().position(|report| is_it(report))?;
        Some(if place < self.under_way() { place } else { place + self.scene.pending.len() })
    }

    /// Returns the place of a step.
    pub(super) fn place_of_step(&self, step: StepId) -> Option<usize> {
        match &self.passing {
            Some(passing) => passing.iter().position(|row| matches!(row, Row::Pending(pending) if pending.step == step)),
            None => self.scene.pending.place_of(step).map(|place| place + self.under_way()),
        }
    }
}

/// A row of the list.
#[derive(Debug, Clone)]
pub(super) enum Row<'a> {
    /// A transfer.
    Of(&'a Arc<TransferReport>),
    /// A step of a typed line that has not begun.
    Pending(Pending<'a>),
}

impl Row<'_> {
    /// Returns the rate as it is shown; empty for what has not begun.
    pub(super) fn rate(&self) -> String {
        match self {
            Row::Of(report) => transfer_rate_of(&report.status),
            Row::Pending(_) => String::new(),
        }
    }

    /// Returns the number with the direction as it is shown; empty for what has not begun.
    pub(super) fn id(&self, theme: &Theme) -> String {
        match self {
            Row::Of(report) => id_of(theme, &report.status),
            Row::Pending(_) => String::new(),
        }
    }

    /// Returns the word for the state as it is shown.
    pub(super) fn state(&self, theme: &Theme) -> String {
        match self {
            Row::Of(report) => state_of(theme, &report.status),
            Row::Pending(step) => state_of_pending(step).to_owned(),
        }
    }

    /// Returns what is chosen by a selection of the row.
    pub(super) fn chosen(&self) -> Chosen {
        match self {
            Row::Of(report) => Chosen { transfer: Some(report.status.id), ..Chosen::default() },
            Row::Pending(pending) => Chosen { step: Some(pending.step), ..Chosen::default() },
        }
    }

    /// Returns true if the row is a transfer that is over.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Row::Of(report) if report.status.state.is_over())
    }

    /// Returns the name of the file, and the node that carries the transfer, or the step as it could be typed.
    pub(super) fn name(&self, scene: &Scene<'_>) -> String {
        match self {
            Row::Of(report) => scene.label_of(&report.status),
            Row::Pending(step) => visible_line(step.text).into_owned(),
        }
    }

    /// Returns for which nodes the row waits, in its wordings from the longest to the shortest; none if nothing keeps it.
    pub(super) fn waits(&self, scene: &Scene<'_>) -> Vec<String> {
        match self {
            Row::Of(report) => waits_of(scene.snapshot, report),
            Row::Pending(_) => Vec::new(),
        }
    }

    /// Returns the time in at most `width` cells, as far as there is a wording that is short enough.
    pub(super) fn time(&self, scene: &Scene<'_>, waits: &[String], width: usize) -> String {
        match self {
            Row::Of(report) => time_waiting(&report.status, scene.snapshot.at, waits, width),
            Row::Pending(_) => String::new(),
        }
    }
}
