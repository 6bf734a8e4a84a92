//! The tour on the screen: what it types goes to the prompt, its keys to forms, and of the user's keys it takes those that go on, leave
//! and quit.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use eyre::Report;
use p2p_engine::node::health::Health;
use p2p_engine::transfer::{Direction, TransferState};
use p2p_net::DropCause;
use p2p_service::access::Identity;
use p2p_service::failure::text_of;

use super::{App, ExitRequest, Pane};
use crate::demo_users::USERS;
use crate::tui::action::{self, Action};
use crate::tui::dialog::Dialog;
use crate::tui::editor::Edit;
use crate::tui::form::FormDialog;
use crate::tui::panes::scene::Scene;
use crate::tui::theme::Role;
use crate::tui::tour::forms::Filling;
use crate::tui::tour::script::Sight;
use crate::tui::tour::{Surroundings, Tour, TourDeed};

/// Interval at which it is looked whether an answer to a form is known.
const LOOK: Duration = Duration::from_millis(100);

/// A tour that runs, and what it has done to the screen.
#[derive(Debug)]
pub(super) struct Touring {
    tour: Tour,
    /// Number of the line that it has entered last.
    line: Option<u64>,
    /// Number of the one that it has entered last without waiting for the answer.
    begun: Option<u64>,
    /// Pane that it has filtered.
    filtered: Option<Pane>,
    /// Keys and pasted texts of the user for the prompt while the tour types there, which come after its line.
    held: Vec<Input>,
}

/// Network of the screen: the user's own or that of a tour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NetworkKind {
    /// The engine is the user's own.
    #[default]
    Own,
    /// The engine is that of a tour, and the user's own one goes on behind it.
    TourBesideOwn,
    /// The engine is that of a tour, and there is no other.
    TourAlone,
}

/// Screen at one instant, as the tour asks about it.
struct Present<'a> {
    scene: Scene<'a>,
    answer: &'a [(Role, String)],
    is_answered: bool,
    is_settled: bool,
    is_prompt_free: bool,
}

impl Surroundings for Present<'_> {
    fn is_answered(&self) -> bool {
        self.is_answered
    }

    fn is_settled(&self) -> bool {
        self.is_settled
    }

    fn is_prompt_free(&self) -> bool {
        self.is_prompt_free
    }

    fn shows(&self, sight: Sight, node: &str, text: &str) -> bool {
        let snapshot = self.scene.snapshot;
        let statuses = || self.scene.transfers().map(|report| &report.status);
        match sight {
            Sight::Progress => statuses().next().is_some_and(|status| status.bytes_arrived.max(status.bytes_done) > 0),
            Sight::Stored(_) => statuses().any(|status| {
                status.direction == Direction::Upload && status.file.name == text && status.state == TransferState::Done
            }),
            Sight::Loss => snapshot.figures.wire.iter().any(|packet| packet.dropped == Some(DropCause::Loss)),
            Sight::Suspect => {
                let nodes = &snapshot.figures.nodes;
                nodes.iter().any(|other| other.node.to_string() == node && other.seen.health != Health::Alive)
            }
            Sight::Waiting => self.scene.transfers().next().is_some_and(|report| {
                let mut open = report.timelines.iter().filter(|timeline| timeline.acknowledged.is_none());
                !report.status.state.is_over() && open.any(|timeline| timeline.holder.to_string() == node)
            }),
            Sight::Paused => snapshot.pace.is_paused,
            Sight::Said(_) => self.answer.iter().any(|(_, line)| line.contains(text)),
        }
    }

    fn holder(&self) -> Option<String> {
        let report = self.scene.transfers().next()?;
        report.timelines.last().map(|timeline| timeline.holder.to_string())
    }

    fn is_first_user(&self) -> bool {
        self.scene.identity.name() == Some(USERS[0].0)
    }

    fn has_faults(&self) -> bool {
        !self.scene.snapshot.faults.is_empty()
    }

    fn is_paused(&self) -> bool {
        self.scene.snapshot.pace.is_paused
    }

    fn speed(&self) -> String {
        self.scene.snapshot.pace.speed.to_string()
    }
}

impl App {
    /// Starts a tour.
    pub fn start_tour(&mut self, tour: Tour) {
        self.touring = Some(Touring { tour, line: None, begun: None, filtered: None, held: Vec::new() });
    }

    /// Tells the screen that its engine is that of a tour, and whether the user has another one.
    pub fn set_network_kind(&mut self, network_kind: NetworkKind) {
        self.network_kind = network_kind;
    }

    /// Returns true while a tour runs.
    pub fn is_touring(&self) -> bool {
        self.touring.is_some()
    }

    /// Returns the tour, while it runs.
    pub fn tour(&self) -> Option<&Tour> {
        self.touring.as_ref().map(|touring| &touring.tour)
    }

    /// Returns true while what is typed into the prompt is the tour's.
    pub(super) fn is_tour_typing(&self) -> bool {
        self.tour().is_some_and(Tour::is_typing)
    }

    /// Returns true if the open dialog is a form of the tour's line.
    pub(super) fn is_form_of_tour(&self) -> bool {
        matches!(self.dialogs.last(), Some(Dialog::Form(_))) && self.has_form_of_tour()
    }

    /// Returns true if a form of the tour's line is open, whatever lies above it.
    fn has_form_of_tour(&self) -> bool {
        let has_form = self.dialogs.iter().any(|dialog| matches!(dialog, Dialog::Form(_)));
        has_form && self.touring.as_ref().and_then(|touring| touring.line).is_some_and(|line| self.lines.is_under_way(line))
    }

    /// Carries out what the tour does next; returns the time until then.
    pub fn on_tour(&mut self) -> Duration {
        if self.is_form_of_tour() {
            return self.fill_in();
        }
        if self.has_form_of_tour() {
            // The user reads what stands above the form.
            return LOOK;
        }
        let Some(touring) = &mut self.touring else { return Duration::ZERO };
        let is_over = |line: Option<u64>| !line.is_some_and(|line| self.lines.is_under_way(line));
        let present = Present {
            scene: super::scene(&self.view, &self.theme, (&self.visitor, &self.shell), &self.workspace, &self.lines),
            answer: self.panes.prompt().answer(),
            is_answered: is_over(touring.line),
            is_settled: is_over(touring.begun),
            is_prompt_free: self.panes.prompt().editor.is_empty(),
        };
        let (deed, wait) = touring.tour.next(&present);
        match deed {
            TourDeed::Wait => {}
            TourDeed::Show(pane) => self.show(pane),
            TourDeed::Filter(text) => self.filter_marked(text),
            TourDeed::Type(text) => self.prompt_mut().editor.apply(&Edit::Insert(text)),
            TourDeed::Enter { awaits } => self.enter(awaits),
            TourDeed::End => self.end_tour(),
        }
        wait
    }

    /// Brings a pane to the front.
    fn show(&mut self, pane: Pane) {
        self.remove_filter();
        self.workspace.zoom(false);
        self.focus_on(pane);
    }

    fn filter_marked(&mut self, text: &str) {
        let Some(touring) = &mut self.touring else { return };
        if let Some(pane) = touring.tour.pane() {
            touring.filtered = Some(pane);
            self.panes.get_mut(pane).list_mut().set_filter(text);
        }
    }

    /// Shows all rows again of the pane that the tour has filtered.
    fn remove_filter(&mut self) {
        if let Some(pane) = self.touring.as_mut().and_then(|touring| touring.filtered.take()) {
            self.panes.get_mut(pane).list_mut().clear_filter();
        }
    }

    /// Enters the typed line, and then what the user has typed meanwhile.
    fn enter(&mut self, awaits: bool) {
        let line = self.prompt_mut().editor.take();
        self.prompt_mut().remember(&line);
        self.run(&line);
        let Some(touring) = &mut self.touring else { return };
        touring.line = Some(self.lines.latest());
        if !awaits {
            touring.begun = touring.line;
        }
        let held = std::mem::take(&mut touring.held);
        if !held.is_empty() {
            self.act(Action::Prompt);
            held.into_iter().for_each(|input| self.on_input(input));
        }
    }

    /// Holds back what the user types or pastes for the prompt while the tour types there: the two are not mixed, and nothing is lost.
    pub(super) fn hold_back(&mut self, input: Input) {
        if let Some(touring) = self.touring.as_mut().filter(|touring| touring.tour.is_typing()) {
            touring.held.push(input);
        }
    }

    /// Enters the next key into the open form; returns the time until the next one.
    fn fill_in(&mut self) -> Duration {
        let (Some(touring), Some(Dialog::Form(form))) = (&mut self.touring, self.dialogs.last_mut()) else { return LOOK };
        let keystroke = touring.tour.keystroke();
        let Some(forms) = touring.tour.forms().filter(|_| !form.is_waiting()) else { return LOOK };
        match forms.next(&form.form) {
            Ok(Filling::Unknown) => LOOK,
            Ok(Filling::Begun) => keystroke,
            Ok(Filling::Key(key)) => {
                form.handle(&key);
                keystroke
            }
            Err(error) => {
                self.say(Role::Bad, &error.to_string());
                self.end_tour();
                LOOK
            }
        }
    }

    /// Handles a key of the user's while a tour runs; returns false if the tour leaves it to the rest of the screen.
    pub(super) fn on_tour_key(&mut self, key: &KeyEvent) -> bool {
        if !self.is_touring() {
            return false;
        }
        match action::action_for(key, true, &self.keymap) {
            // All that is here is temporary, so that nothing is asked.
            Some(Action::Quit) => {
                self.exit = Some(ExitRequest::Quit);
                return true;
            }
            Some(Action::Suspend) => return false,
            // Help is for the user, also above a form that the tour fills in.
            Some(Action::Help) if !self.dialogs.is_empty() => return false,
            _ => {}
        }
        let is_form = self.is_form_of_tour();
        if !is_form && (!self.dialogs.is_empty() || self.has_use_for_all_keys()) {
            return false;
        }
        let has_typed = if self.is_tour_typing() {
            self.touring.as_ref().is_some_and(|touring| !touring.held.is_empty())
        } else {
            !self.prompt().editor.is_empty()
        };
        let types = self.workspace.focus() == Pane::Prompt && has_typed;
        let Some(touring) = &mut self.touring else { return false };
        match key.code {
            KeyCode::Esc => self.leave_tour(),
            KeyCode::Char(' ') if !types && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                touring.tour.go_on();
            }
            // What is typed into a form of the tour is typed by its users.
            _ => return is_form,
        }
        true
    }

    /// Returns true while a filter, a search or a menu takes the keys.
    fn has_use_for_all_keys(&self) -> bool {
        let prompt = self.prompt();
        self.is_filter_typed() || prompt.search.is_some() || prompt.menu.is_some()
    }

    /// Leaves the steps of the tour; the first user logs in again where another one is there.
    pub(super) fn leave_tour(&mut self) {
        if self.tour().is_none_or(Tour::is_over) {
            return;
        }
        if self.is_form_of_tour() {
            // An answer that is being checked is waited for.
            self.dialogs.retain(|dialog| !matches!(dialog, Dialog::Form(form) if !FormDialog::is_waiting(form)));
        }
        if self.is_tour_typing() {
            self.prompt_mut().editor.take();
        }
        if let Some(touring) = &mut self.touring {
            touring.held.clear();
            touring.tour.leave();
        }
    }

    /// Gives the prompt to the user, and names what to try next.
    fn end_tour(&mut self) {
        self.remove_filter();
        if self.touring.take().is_none() {
            return;
        }
        self.focus_on(Pane::Prompt);
        let name = self.identity().name().unwrap_or("nobody").to_owned();
        let quit = self.key_of(Action::Quit);
        self.say(Role::Good, &format!("The tour is over; the prompt is yours, as {name}."));
        // Short lines, so that the smallest screen shows each whole.
        self.say(Role::Text, "Tab, then x on a node breaks it; F6 enlarges a pane.");
        self.say(Role::Text, "`help` lists the commands, F1 keys and words.");
        self.say(Role::Text, &format!("`tour` begins again; {quit} leaves, and nothing is kept."));
        if self.network_kind == NetworkKind::TourBesideOwn {
            self.say(Role::Text, "`tour leave` goes back to your own network.");
        }
    }

    /// Begins a tour, or leaves it, as the command says.
    pub(super) fn on_tour_command(&mut self, leaves: bool) {
        match (leaves, self.network_kind) {
            (false, _) => self.exit = Some(ExitRequest::Tour),
            (true, NetworkKind::TourBesideOwn) => self.exit = Some(ExitRequest::Back),
            (true, NetworkKind::TourAlone) if self.is_touring() => self.leave_tour(),
            (true, NetworkKind::TourAlone) => {
                self.say(Role::Dim, &format!("there is no other network; {} leaves", self.key_of(Action::Quit)))
            }
            (true, NetworkKind::Own) => self.say(Role::Dim, "this is your own network; `tour` begins the tour"),
        }
    }

    /// Returns the name of the key of an action.
    fn key_of(&self, action: Action) -> String {
        let binding = action::BINDINGS.iter().find(|binding| binding.action == action);
        binding.map_or_else(String::new, |binding| binding.key(&self.keymap).to_owned())
    }

    /// Greets the user who is back from a tour, or says why it could not go on.
    pub fn come_back(&mut self, failure: Option<&Report>) {
        self.say(Role::Good, "This is your own network again.");
        match failure {
            // The causes stand in the first line, and the next step below it.
            Some(failure) => {
                let told = text_of(failure).replacen("p2p: ", "the tour cannot be shown: ", 1);
                told.lines().for_each(|line| self.say(Role::Bad, line));
            }
            None if **self.identity() == Identity::Operator => self.say_next_steps(),
            None => {}
        }
    }

    /// Names the next steps to a user without an account, who looks around.
    pub(super) fn say_next_steps(&mut self) {
        let example = example_file().map(|path| format!(", such as `upload {path}`")).unwrap_or_default();
        // Short lines, so that the smallest screen shows each whole.
        for line in [
            "Next: `tour` takes the tour, now or at any time.",
            &format!("`upload PATH` stores a file{example}."),
            "Tab goes to the panes; F1 explains keys and words.",
            "`register` creates an account.",
        ] {
            self.say(Role::Good, line);
        }
    }
}

/// Files that are there in most places, the nearest first.
const EXAMPLES: [&str; 4] = ["README.md", "p2p.toml", "/etc/services", "/etc/hosts"];

/// Returns a file that can be stored for a try.
fn example_file() -> Option<&'static str> {
    EXAMPLES.into_iter().find(|path| std::path::Path::new(path).is_file())
}
