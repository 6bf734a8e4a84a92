//! The tour on the screen: its characters and keys go to the prompt and to forms.

use std::time::Duration;

use super::App;
use crate::tui::dialog::Dialog;
use crate::tui::editor::Edit;
use crate::tui::form::FormDialog;
use crate::tui::theme::Role;
use crate::tui::tour::{Tour, TourStep};

impl App {
    /// Carries out the next step of the tour; returns the time until the step after it.
    pub fn on_tour(&mut self) -> Duration {
        let busy = self.is_busy();
        if self.awaits_input() {
            return self.fill_in();
        }
        if self.tour.as_ref().is_some_and(Tour::is_skipping) && self.identity().is_admin() && !busy {
            self.end_tour();
        }
        let Some(tour) = &mut self.tour else { return Duration::ZERO };
        let (step, wait) = tour.next(busy);
        match step {
            TourStep::Narrate(words) => self.say(Role::Good, &words),
            TourStep::Type(c) => self.prompt_mut().editor.apply(&Edit::Insert(c.to_string())),
            TourStep::Enter => {
                let line = self.prompt_mut().editor.take();
                self.prompt_mut().remember(&line);
                self.run(&line);
            }
            TourStep::Wait => {}
            TourStep::End => self.end_tour(),
        }
        wait
    }

    /// Skips the rest of the tour, so that the user gets the prompt as the admin of the demonstration.
    pub(super) fn skip_tour(&mut self) {
        let is_there = self.identity().is_admin() || !self.tour.as_mut().is_some_and(Tour::skip);
        if is_there {
            return self.end_tour();
        }
        // Questions on the way to that login are dropped, unless they have been answered already.
        self.dialogs.retain(|dialog| dialog.form().is_some_and(FormDialog::is_waiting));
        self.prompt_mut().editor.take();
    }

    fn end_tour(&mut self) {
        if self.tour.take().is_some() {
            self.prompt_mut().editor.take();
            self.say(Role::Good, "The prompt is yours.");
            if !self.is_busy() {
                self.greet();
            }
        }
    }

    /// Enters the next key into the open form; returns the time until the next one.
    fn fill_in(&mut self) -> Duration {
        let (Some(tour), Some(Dialog::Form(form))) = (&mut self.tour, self.dialogs.last_mut()) else { return Duration::ZERO };
        match tour.fill_in(&form.form) {
            Ok((key, wait)) => {
                key.iter().for_each(|key| form.handle(key));
                wait
            }
            Err(error) => {
                self.end_tour();
                self.say(Role::Bad, &error.to_string());
                Duration::ZERO
            }
        }
    }
}
