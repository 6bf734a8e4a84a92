//! Faults from the screen: the menus of values, and the one key that takes all faults back.

use super::App;
use crate::tui::dialog::{Choice, Item};
use crate::tui::panes::{Deed, Menu};
use crate::tui::tasks::AppMessage;
use crate::tui::theme::Role;

/// Command that takes all faults back.
const CLEAR: &str = "faults clear";

impl App {
    /// Opens a further menu.
    pub(super) fn open_menu(&mut self, menu: Menu) {
        let items = menu.entries.into_iter().map(|(name, deed)| Item {
            name,
            summary: summary_of(&deed).unwrap_or_default(),
            choice: Choice::Deed(deed),
        });
        self.open_list(&menu.title, items.collect());
    }

    /// Asks whether all faults are to be taken back, if the user may do so and there are any.
    pub(super) fn ask_to_heal(&mut self) {
        let on = self.view.fault_count();
        if !self.identity().is_admin() {
            return self.say(Role::Bad, "only admins take faults back; `faults` lists those that are on");
        }
        if on == 0 {
            return self.say(Role::Dim, "no fault is on");
        }
        let text = format!("{on} {} on. Take all back with `{CLEAR}`? (y/n)", if on == 1 { "fault is" } else { "faults are" });
        self.confirm("Heal all?", text, AppMessage::Heal);
    }

    /// Takes all faults back, if the user has confirmed it.
    pub(super) fn heal(&mut self, is_wanted: bool) {
        if is_wanted {
            self.run(CLEAR);
        } else {
            self.say(Role::Dim, "no fault is taken back");
        }
    }
}

/// Returns what a menu shows of an effect: the command; `None` if it carries out none.
pub(super) fn summary_of(deed: &Deed) -> Option<String> {
    Some(match deed {
        Deed::Run(line) | Deed::Open(line) | Deed::Confirm { line, .. } => line.clone(),
        Deed::Type(line) => format!("{line} ..."),
        Deed::Choose(menu) => menu.entries.first().and_then(|(_, deed)| summary_of(deed)).unwrap_or_default(),
        Deed::Profiles(node) => format!("faults apply PROFILE {node}"),
        Deed::Act(_) | Deed::Own(_) | Deed::Drop(_) | Deed::DropRest(_) | Deed::Watch(..) | Deed::WatchPath(..) => return None,
    })
}
