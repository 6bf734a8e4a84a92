//! The workspace: which pane has the keys, which one is shown where there is room for one only, and where the panes were drawn.

use ratatui::layout::{Position, Rect};

use super::panes::Pane;
use super::preset::Preset;

/// Focus and places of the panes.
#[derive(Debug)]
pub struct Workspace {
    focus: Pane,
    /// Pane that is shown on screens that have room for only one.
    tab: Pane,
    /// Pane that was shown there before the preset of the files was chosen.
    tab_before: Option<Pane>,
    is_zoomed: bool,
    preset: Preset,
    /// Areas in which the panes were last drawn, with their frames.
    areas: Vec<(Pane, Rect)>,
}

impl Default for Workspace {
    fn default() -> Self {
        Workspace {
            focus: Pane::Prompt,
            tab: Pane::Transfers,
            tab_before: None,
            is_zoomed: false,
            preset: Preset::default(),
            areas: Vec::new(),
        }
    }
}

impl Workspace {
    /// Returns the pane that has the keyboard focus.
    pub fn focus(&self) -> Pane {
        self.focus
    }

    /// Returns the pane that is shown where there is room for only one beside the prompt.
    pub fn tab(&self) -> Pane {
        self.tab
    }

    /// Returns true while the focused pane fills the whole screen.
    pub fn is_zoomed(&self) -> bool {
        self.is_zoomed
    }

    /// Gives a pane the keyboard focus, and shows it.
    pub fn focus_on(&mut self, pane: Pane) {
        self.focus = pane;
        if pane != Pane::Prompt {
            self.tab = pane;
        }
    }

    /// Moves the focus by a number of panes.
    pub fn move_focus(&mut self, step: isize) {
        let place = Pane::ALL.iter().position(|&pane| pane == self.focus).unwrap_or(0) as isize;
        let next = (place + step).rem_euclid(Pane::ALL.len() as isize) as usize;
        self.focus_on(Pane::ALL[next]);
    }

    /// Enlarges the focused pane to the whole screen, or restores the layout.
    pub fn zoom(&mut self, is_zoomed: bool) {
        self.is_zoomed = is_zoomed;
    }

    /// Returns the preset of the layout.
    pub fn preset(&self) -> Preset {
        self.preset
    }

    /// Changes the preset of the layout. That of the files shows their pane before others, until another takes its place.
    pub fn set_preset(&mut self, preset: Preset) {
        if preset == Preset::Files {
            let before = std::mem::replace(&mut self.tab, Pane::Files);
            self.tab_before.get_or_insert(before);
        } else if let Some(before) = self.tab_before.take()
            && self.tab == Pane::Files
            && self.focus != Pane::Files
        {
            self.tab = before;
        }
        (self.preset, self.is_zoomed) = (preset, false);
    }

    /// Takes in where the panes are drawn.
    pub fn set_areas(&mut self, areas: Vec<(Pane, Rect)>) {
        self.areas = areas;
    }

    /// Returns the areas in which the panes were last drawn, with their frames.
    pub fn areas(&self) -> &[(Pane, Rect)] {
        &self.areas
    }

    /// Returns the area of a pane in the last frame; `None` if it was not drawn.
    pub fn area_of(&self, pane: Pane) -> Option<Rect> {
        self.areas.iter().find(|(other, _)| *other == pane).map(|(_, area)| *area)
    }

    /// Returns the pane at a position of the last frame, with its area.
    pub fn under(&self, position: Position) -> Option<(Pane, Rect)> {
        self.areas.iter().find(|(_, area)| area.contains(position)).copied()
    }
}
