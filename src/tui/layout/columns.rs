//! Panes that fill columns, for screens on which none of the usual arrangements shows all rows that there is room for.

use ratatui::layout::Rect;

use super::{Arranged, Candidate, Manner, Pane, Placed, several};

/// Orders in which panes fill columns at first.
const ORDERS: [[Pane; 8]; 2] = [
    [Pane::Nodes, Pane::Health, Pane::Transfers, Pane::Files, Pane::Segments, Pane::Wire, Pane::Log, Pane::Services],
    [Pane::Nodes, Pane::Transfers, Pane::Health, Pane::Segments, Pane::Files, Pane::Wire, Pane::Log, Pane::Services],
];
/// Most columns that panes fill so.
const COLUMNS_MAX: usize = 4;
/// Most panes that are moved to other columns after that.
const MOVES_MAX: usize = 6;

/// Places of the prompt among columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PromptPlace {
    /// Below the panes of the first column.
    First,
    /// Below all columns.
    Whole,
}

/// All places of the prompt.
pub(super) const PROMPTS: [PromptPlace; 2] = [PromptPlace::First, PromptPlace::Whole];

/// Panes in columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filled {
    columns: Vec<Vec<Pane>>,
    prompt: PromptPlace,
}

impl Filled {
    /// Returns the panes that are shown, with the prompt in its place.
    pub(super) fn placed<'a>(&self, shown: &[&'a Candidate]) -> Option<Placed<'a>> {
        let find = |pane: Pane| shown.iter().find(|candidate| candidate.pane == pane).map(|&candidate| Placed::One(candidate));
        let column = |panes: &Vec<Pane>| panes.iter().filter_map(|&pane| find(pane)).collect::<Vec<_>>();
        let mut columns: Vec<Vec<Placed<'a>>> = self.columns.iter().map(column).filter(|column| !column.is_empty()).collect();
        let mut below = find(Pane::Prompt);
        if let Some(first) = columns.first_mut().filter(|_| self.prompt == PromptPlace::First) {
            first.extend(below.take());
        }
        let columns = several(columns.into_iter().filter_map(|column| several(column, Placed::Rows)).collect(), Placed::Columns);
        several(columns.into_iter().chain(below).collect(), Placed::Rows)
    }
}

/// Returns the best places in columns: the panes fill columns in their order, and then each one is moved to another column as long as that
/// is worth it.
pub(super) fn fill_columns<'a>(by_priority: &[&'a Candidate], area: Rect, prompt: PromptPlace) -> Option<Arranged<'a>> {
    let arranged = |columns| Manner::Filled(Filled { columns, prompt }).arranged(by_priority, area);
    // The best of some columns, if they are better than those so far.
    let best_of = |all: &mut dyn Iterator<Item = Vec<Vec<Pane>>>, so_far: Option<&Arranged<'a>>| {
        all.filter_map(arranged).fold(
            None,
            |best: Option<Arranged<'a>>, other| {
                if other.is_better(best.as_ref().or(so_far)) { Some(other) } else { best }
            },
        )
    };
    let mut best = best_of(&mut ORDERS.iter().flat_map(all_cuts), None)?;
    for _ in 0..MOVES_MAX {
        let Manner::Filled(filled) = &best.manner else { break };
        let Some(moved) = best_of(&mut all_moves(&filled.columns), Some(&best)) else { break };
        best = moved;
    }
    Some(best)
}

/// Returns all columns that differ by one pane, which stands below those of another column.
fn all_moves(columns: &[Vec<Pane>]) -> impl Iterator<Item = Vec<Vec<Pane>>> {
    let moves = ORDERS[0].iter().flat_map(|&pane| (0..columns.len()).map(move |to| (pane, to)));
    moves.map(|(pane, to)| {
        let mut moved: Vec<Vec<Pane>> = columns.to_vec();
        moved.iter_mut().for_each(|column| column.retain(|other| *other != pane));
        moved.get_mut(to).into_iter().for_each(|column| column.push(pane));
        moved
    })
}

/// Returns all ways to cut an order of the panes into several columns.
fn all_cuts(order: &[Pane; 8]) -> impl Iterator<Item = Vec<Vec<Pane>>> + use<'_> {
    // Each bit stands for a cut behind the pane of this place.
    let cuts = (1u8..1 << (order.len() - 1)).filter(|cuts| (cuts.count_ones() as usize) < COLUMNS_MAX);
    cuts.map(move |cuts| {
        let mut columns = vec![Vec::new()];
        for (place, &pane) in order.iter().enumerate() {
            columns.last_mut().into_iter().for_each(|column: &mut Vec<Pane>| column.push(pane));
            if cuts >> place & 1 == 1 {
                columns.push(Vec::new());
            }
        }
        columns
    })
}
