//! The workspace: which pane has the keys, which one is shown where there is room for one only, and where the panes were drawn.

use ratatui::layout::{Position, Rect};

use super::layout::Kept;
use super::panes::Pane;
use super::preset::Preset;

/// Returns the pane of a preset that is shown where there is room for one only; `None` if that is the one that was shown before.
const fn first_of(preset: Preset) -> Option<Pane> {
    match preset {
        Preset::Overview => None,
        Preset::Transfer => Some(Pane::Transfers),
        Preset::Network => Some(Pane::Health),
        Preset::Files => Some(Pane::Files),
    }
}

/// Focus and places of the panes.
#[derive(Debug)]
pub struct Workspace {
    focus: Pane,
    /// Pane that is shown on screens that have room for only one.
    tab: Pane,
    /// Pane that was shown there before that of the files.
    tab_before: Pane,
    /// Memory of the layout before the pane of the files was shown there.
    kept_before: Option<Kept>,
    is_zoomed: bool,
    preset: Preset,
    /// Areas in which the panes were last drawn, with their frames.
    areas: Vec<(Pane, Rect)>,
    /// Memory of the layout; `None` until a frame is drawn in the preset.
    kept: Option<Kept>,
}

impl Default for Workspace {
    fn default() -> Self {
        Workspace {
            focus: Pane::Prompt,
            tab: Pane::Transfers,
            tab_before: Pane::Transfers,
            kept_before: None,
            is_zoomed: false,
            preset: Preset::default(),
            areas: Vec::new(),
            kept: None,
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
        self.leave_files();
        if pane != Pane::Prompt {
            self.show_tab(pane);
        }
    }

    /// Returns the pane that is a number of panes after the focused one, or before it, or the next in that direction that is wanted; the
    /// first one follows the last.
    pub fn beside(&self, step: isize, is_wanted: impl Fn(Pane) -> bool) -> Pane {
        let (place, count) = (Pane::ALL.iter().position(|&pane| pane == self.focus).unwrap_or(0), Pane::ALL.len() as isize);
        let at = |steps: isize| Pane::ALL[(place as isize + step * steps).rem_euclid(count) as usize];
        (1..count).map(at).find(|&pane| is_wanted(pane)).unwrap_or(self.focus)
    }

    /// Enlarges the focused pane to the whole screen, or restores the layout.
    pub fn zoom(&mut self, is_zoomed: bool) {
        self.is_zoomed = is_zoomed;
    }

    /// Returns the preset of the layout.
    pub fn preset(&self) -> Preset {
        self.preset
    }

    /// Changes the preset of the layout, which shows its first pane before others unless another pane has the keys. In others than that of
    /// the files, these are shown as long as they have the keys.
    pub fn set_preset(&mut self, preset: Preset) {
        (self.preset, self.is_zoomed, self.kept, self.kept_before) = (preset, false, None, None);
        let has_keys = self.focus != Pane::Prompt && preset != Preset::Files;
        first_of(preset).filter(|_| !has_keys).into_iter().for_each(|pane| self.show_tab(pane));
        self.leave_files();
    }

    /// Shows a pane where there is room for only one, and remembers which one was shown there before that of the files.
    fn show_tab(&mut self, pane: Pane) {
        let before = std::mem::replace(&mut self.tab, pane);
        if before != Pane::Files {
            self.tab_before = before;
            if pane == Pane::Files {
                self.kept_before = self.kept.clone();
            }
        }
    }

    /// Takes the pane of the files away where its preset is not chosen and the keys do not go there, and restores the former layout.
    fn leave_files(&mut self) {
        if self.preset != Preset::Files && self.tab == Pane::Files && self.focus != Pane::Files {
            self.tab = self.tab_before;
            self.kept = self.kept_before.take().or(self.kept.take());
        }
    }

    /// Returns what is remembered of the layout.
    pub fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// Remembers a layout for the next frame.
    pub fn keep(&mut self, kept: Kept) {
        self.kept = Some(kept);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The pane that is shown after some of these acts.
    fn shown_after(acts: &[fn(&mut Workspace)]) -> Pane {
        let mut workspace = Workspace::default();
        workspace.focus_on(Pane::Wire);
        workspace.focus_on(Pane::Prompt);
        acts.iter().for_each(|act| act(&mut workspace));
        workspace.tab()
    }

    /// Each preset shows what it is for where there is room for one pane only, unless another one has the keys.
    #[test]
    fn a_preset_shows_its_first_pane() {
        let network: fn(&mut Workspace) = |workspace| workspace.set_preset(Preset::Network);
        let transfer: fn(&mut Workspace) = |workspace| workspace.set_preset(Preset::Transfer);
        let go: fn(&mut Workspace) = |workspace| workspace.focus_on(Pane::Log);
        assert_eq!(
            [vec![network], vec![network, transfer], vec![transfer, network]].map(|acts| shown_after(&acts)),
            [Pane::Health, Pane::Transfers, Pane::Health]
        );
        assert_eq!(shown_after(&[go, network]), Pane::Log);
    }

    /// The files are shown as long as their preset is chosen or they have the keys, whatever comes first.
    #[test]
    fn the_files_go_with_their_preset_and_with_the_keys() {
        let files: fn(&mut Workspace) = |workspace| workspace.set_preset(Preset::Files);
        let overview: fn(&mut Workspace) = |workspace| workspace.set_preset(Preset::Overview);
        let go: fn(&mut Workspace) = |workspace| workspace.focus_on(Pane::Files);
        let leave: fn(&mut Workspace) = |workspace| workspace.focus_on(Pane::Prompt);
        for acts in [vec![files], vec![files, go], vec![files, go, leave], vec![go], vec![files, go, overview]] {
            assert_eq!(shown_after(&acts), Pane::Files);
        }
        for acts in [
            vec![go, leave],
            vec![files, overview],
            vec![files, go, leave, overview],
            vec![files, go, overview, leave],
            vec![go, overview, leave],
            vec![go, leave, overview],
            vec![go, files, go, overview, overview, leave],
        ] {
            assert_eq!(shown_after(&acts), Pane::Wire);
        }
    }
}
