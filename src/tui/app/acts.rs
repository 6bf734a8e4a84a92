//! The effects of actions on the state of the screen: focus, scrolling, speed, filter, clipboard, and the dialogs for help,
//! palette and leaving.

use p2p_base::spelling::visible;
use p2p_engine::pace::Speed;
use p2p_service::interrupt;
use p2p_shell::lists::listed;
use ratatui::layout::Margin;
use tokio::sync::oneshot;

use super::faults::summary_of;
use super::{App, AppMessage, ExitRequest, Pane, TerminalRequest, scene};
use crate::tui::action::Action;
use crate::tui::connection::ConnectionDialog;
use crate::tui::dialog::{Choice, Dialog, Item};
use crate::tui::lines::{Fate, WAITING_SHOWN};
use crate::tui::panes::faults_menu::profiles;
use crate::tui::panes::order::{Order, Sortable};
use crate::tui::panes::scene::Chosen;
use crate::tui::panes::{Change, Deed};
use crate::tui::path::PathDialog;
use crate::tui::terminal;
use crate::tui::theme::Role;
use crate::tui::viewer::copied;
use crate::tui::welcome::Offer;

/// Speeds through which `+` and `-` step, in thousandths of real time.
const SPEEDS: [u64; 8] = [100, 500, 1_000, 2_000, 10_000, 50_000, 200_000, 1_000_000];

/// Title of the question before leaving.
const LEAVE: &str = "Leave?";

impl App {
    /// Carries out an action.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::NextPane => self.focus_beside(1),
            Action::PreviousPane => self.focus_beside(-1),
            Action::Prompt => {
                self.workspace.zoom(false);
                self.focus_on(Pane::Prompt);
            }
            Action::Preset(preset) => {
                self.workspace.set_preset(preset);
                self.prompt_mut().rest.begin();
                self.store_settings();
            }
            Action::Zoom => self.workspace.zoom(!self.workspace.is_zoomed()),
            Action::Help => self.open_help(),
            Action::Palette => self.open_palette(),
            Action::Pause => {
                let paused = self.access().is_paused();
                self.tell(if paused { "resume" } else { "pause" }.into());
            }
            Action::Freeze => self.freeze(),
            Action::Faster => self.change_speed(1),
            Action::Slower => self.change_speed(-1),
            Action::Step => self.tell("step".into()),
            Action::Filter => self.begin_filter(),
            Action::Sort => self.sort(Order::next),
            Action::Reverse => self.sort(|order, _| order.map(Order::reversed)),
            Action::Columns => self.open_columns(),
            Action::Theme => self.open_themes(),
            Action::Copy => self.copy(),
            Action::Map => self.change_pane(Change::Act(action)),
            Action::Up => self.scroll(self.workspace.focus(), -1),
            Action::Down => self.scroll(self.workspace.focus(), 1),
            Action::PageUp => self.scroll(self.workspace.focus(), -self.page()),
            Action::PageDown => self.scroll(self.workspace.focus(), self.page()),
            Action::First => self.scroll(self.workspace.focus(), -isize::MAX),
            Action::Last => self.scroll(self.workspace.focus(), isize::MAX),
            Action::Legend => self.open_legend(None),
            Action::Answer => self.open_answer(),
            Action::Waiting => self.open_pending(),
            Action::Left => self.with_pane(self.workspace.focus(), |pane, scene| pane.move_across(scene, -1)),
            Action::Right => self.with_pane(self.workspace.focus(), |pane, scene| pane.move_across(scene, 1)),
            Action::HealAll => self.ask_to_heal(),
            Action::Open => self.open(),
            Action::Verbs => self.open_verbs(),
            Action::Quit => self.quit(false),
            Action::Mouse => self.toggle_mouse(),
            Action::Redraw => self.terminal_requests.push(TerminalRequest::Redraw),
            Action::Suspend => self.suspend(),
        }
    }

    /// Gives the mouse to the terminal or takes it back, and says so: nothing else shows who has it.
    fn toggle_mouse(&mut self) {
        self.remark = Some(match terminal::takes_mouse() {
            true => "the terminal has the mouse now, to select text",
            false => "the mouse selects panes and rows again",
        });
        self.terminal_requests.push(TerminalRequest::ToggleMouse);
    }

    /// Suspends the process, or says why it goes on.
    fn suspend(&mut self) {
        if interrupt::can_stop() {
            self.terminal_requests.push(TerminalRequest::Suspend);
        } else {
            self.remark = Some("not stopped: no shell could continue the program");
        }
    }

    /// Gives a pane the keyboard focus, and shows it.
    pub fn focus_on(&mut self, pane: Pane) {
        self.workspace.focus_on(pane);
        self.prompt_mut().is_asked_aside = false;
        if pane == Pane::Prompt {
            self.prompt_mut().rest.end();
        }
    }

    /// Gives a pane the keyboard focus that is a number of panes after the focused one, or before it, without those that show nothing.
    fn focus_beside(&mut self, step: isize) {
        let pane = {
            let scene = self.scene();
            self.workspace.beside(step, |pane| self.panes.get(pane).is_wanted(&scene))
        };
        self.focus_on(pane);
    }

    /// Freezes the view, or thaws it if it is frozen.
    fn freeze(&mut self) {
        if self.view.is_frozen() { self.thaw() } else { self.view.freeze(&self.lines) }
    }

    /// Thaws the view and takes in what has accumulated meanwhile.
    pub(super) fn thaw(&mut self) {
        self.view.thaw(self.access().snapshot());
    }

    /// Passes a change to the panes: to the focused one, or else to the first one that knows it.
    fn change_pane(&mut self, change: Change<'_>) {
        let focus = self.workspace.focus();
        let others = Pane::ALL.into_iter().filter(|&pane| pane != focus);
        for pane in std::iter::once(focus).chain(others) {
            if self.panes.get_mut(pane).change(change) {
                // What has changed is to be seen.
                if self.workspace.area_of(pane).is_none() {
                    self.focus_on(pane);
                }
                self.follow_selection(pane);
                break;
            }
        }
    }

    /// Carries out what a verb of a pane does.
    pub(super) fn carry_out(&mut self, deed: Deed) {
        match deed {
            Deed::Act(action) => self.act(action),
            Deed::Run(line) => self.run(&line),
            Deed::Confirm { question, line } => self.ask_before(&question, line),
            Deed::Open(line) => self.run_aside(line, AppMessage::Opened),
            Deed::Type(line) => {
                self.focus_on(Pane::Prompt);
                self.prompt_mut().editor.set(&format!("{line} "));
            }
            Deed::Drop(step) => self.drop_step(step),
            Deed::DropRest(step) => self.drop_rest(step),
            Deed::Own(name) => self.change_pane(Change::Own(name)),
            Deed::Choose(menu) => self.open_menu(menu),
            Deed::Profiles(node) => {
                let menu = profiles(self.access().profiles(), node);
                self.open_menu(menu);
            }
            Deed::WatchPath(from, to) => self.dialogs.push(Dialog::Path(PathDialog::new(from, to))),
            Deed::Watch(host, node) => self.dialogs.push(Dialog::Connection(ConnectionDialog::new(host, node))),
        }
    }

    /// Asks the user before a command is carried out.
    fn ask_before(&mut self, question: &str, line: String) {
        let text = format!("{question}\n\n  {}\n\nCarry it out? (y/n)", visible(&line));
        self.confirm("Are you sure?", text, |yes| AppMessage::Confirmed(line, yes));
    }

    /// Begins what panes have to look up for what they show. To be called after each frame.
    pub fn inquire(&mut self) {
        for pane in Pane::ALL {
            let Some(area) = self.workspace.area_of(pane) else { continue };
            for inquiry in self.with_pane(pane, |pane, scene| pane.inquire(scene, area.inner(Margin::new(1, 1)))) {
                let access = self.access().clone();
                self.tasks.spawn(async move { AppMessage::Found(pane, inquiry.answer(access).await) });
            }
        }
    }

    fn change_speed(&mut self, step: isize) {
        let place = match self.access().speed() {
            Speed::Thousandths(now) => SPEEDS.iter().position(|&speed| speed >= now).unwrap_or(SPEEDS.len()),
            Speed::Max => SPEEDS.len(),
        };
        let place = place.saturating_add_signed(step).min(SPEEDS.len());
        let speed = SPEEDS.get(place).map_or(Speed::Max, |&speed| Speed::Thousandths(speed));
        self.tell(format!("speed {speed}"));
    }

    /// Moves the selection of a pane down by a number of lines on the screen, or up if it is negative.
    pub(super) fn scroll(&mut self, pane: Pane, lines: isize) {
        if pane == Pane::Prompt {
            self.prompt_mut().rest.end();
        }
        self.with_pane(pane, |pane, scene| pane.scroll(scene, lines));
        self.follow_selection(pane);
    }

    /// Shows in other panes what was selected in a pane.
    pub(super) fn follow_selection(&mut self, pane: Pane) {
        let chosen = self.with_pane(pane, |pane, scene| pane.chosen(scene));
        self.view.choose(chosen);
    }

    /// Lets the selection stay where it is: on the transfer that a selected step has begun, or in the place of a step that is gone. To be
    /// called before each frame, and before a key acts upon what is selected.
    pub fn keep_selection(&mut self) {
        let scene = scene(&self.view, &self.theme, (&self.visitor, &self.shell), &self.workspace, &self.lines);
        Pane::ALL.into_iter().for_each(|pane| self.panes.get_mut(pane).keep_place(&scene));
        // What is shown of an instant stays as it is.
        let Some(step) = self.view.chosen().step.filter(|_| !self.view.is_frozen()) else { return };
        let chosen = match self.lines.fate_of(step) {
            Fate::Waits => return,
            Fate::Begun(transfer) => Chosen { transfer: Some(transfer), ..Chosen::default() },
            Fate::Over => self.with_pane(Pane::Transfers, |pane, scene| pane.successor(scene)),
        };
        self.view.choose(chosen);
    }

    /// Returns the number of lines of a page of the focused pane, one less than its height, so that a line stays in sight.
    fn page(&self) -> isize {
        let focus = self.workspace.focus();
        // The frame takes two rows, and the typed line one.
        let around = if focus == Pane::Prompt { 3 } else { 2 };
        let height = self.workspace.area_of(focus).map_or(0, |area| area.height.saturating_sub(around));
        isize::from(height.saturating_sub(1).max(1) as i16)
    }

    fn open(&mut self) {
        if let Some(deed) = self.with_pane(self.workspace.focus(), |pane, scene| pane.open(scene)) {
            self.carry_out(deed);
        }
    }

    fn copy(&mut self) {
        if let Some(text) = self.with_pane(self.workspace.focus(), |pane, scene| pane.copy(scene)) {
            self.say(Role::Dim, &copied(&text));
            self.terminal_requests.push(TerminalRequest::Copy(text));
        }
    }

    fn begin_filter(&mut self) {
        let focus = self.workspace.focus();
        let pane = self.panes.get_mut(focus);
        if pane.is_filterable() {
            return pane.list_mut().type_filter(true);
        }
        let filterable = Pane::ALL.into_iter().filter(|&pane| self.panes.get(pane).is_filterable()).map(Pane::name);
        let filterable = filterable.collect::<Vec<_>>().join(", ");
        self.say(Role::Dim, &format!("{} has no filter; these panes have one: {filterable}", focus.name()));
    }

    /// Changes the order of the rows of the focused pane, and remembers it.
    fn sort(&mut self, change: impl FnOnce(Option<Order>, &'static [Sortable]) -> Option<Order>) {
        let focus = self.workspace.focus();
        let (all, is_sortable) = (self.panes.get(focus).orders(), self.panes.get(focus).is_sortable());
        if !is_sortable {
            let text =
                format!("{} has an order of its own; Nodes, Files and the connections of Wire can be sorted", focus.name());
            return self.say(Role::Dim, &text);
        }
        // The selection stays on its row.
        self.keep_selection();
        let list = self.panes.get_mut(focus).list_mut();
        list.set_order(change(list.order(), all));
        self.store_settings();
    }

    /// Returns what the lines that have begun leave undone, except that of the line that was just answered.
    pub fn left_beside_answered(&self) -> Vec<String> {
        self.lines.left_beside_answered()
    }

    /// Leaves the program; asks for confirmation first if transfers run or anything of a line would be left undone, unless `now` is true.
    pub fn quit(&mut self, now: bool) {
        match self.lost_by_leaving().filter(|_| !now) {
            Some(text) => self.confirm(LEAVE, text, AppMessage::Quit),
            None => self.exit = Some(ExitRequest::Quit),
        }
    }

    /// Lets the question before leaving tell what would be lost now. To be called before each frame.
    pub fn renew_leaving(&mut self) {
        let is_asked = |dialog: &Dialog| matches!(dialog, Dialog::Confirm { title, .. } if title == LEAVE);
        let Some(place) = self.dialogs.iter().position(is_asked) else { return };
        let now = self.lost_by_leaving().unwrap_or_else(|| "Nothing is under way any more.\nLeave? (y/n)".into());
        if let Some(Dialog::Confirm { text, .. }) = self.dialogs.get_mut(place) {
            *text = now;
        }
    }

    /// Returns the question before leaving, with the transfers that run and what of the lines is not begun; `None` if there is neither.
    fn lost_by_leaving(&self) -> Option<String> {
        let names = self.access().describe_running();
        let left = [self.left_beside_answered(), self.lines.typed_before()].concat();
        let mut text = String::new();
        if !names.is_empty() {
            text.push_str(&format!("Still running:\n  {}\n", names.join("\n  ")));
        }
        if !left.is_empty() {
            text.push_str(&format!("Waiting, and not begun then:\n  {}\n", listed(&left, WAITING_SHOWN)));
        }
        text.push_str(if names.is_empty() { "Leave? (y/n)" } else { "Cancel them and leave? (y/n)" });
        (!names.is_empty() || !left.is_empty()).then_some(text)
    }

    /// Asks for a confirmation; the answer comes as a message, and is no if the question is closed.
    pub(super) fn confirm(&mut self, title: &str, text: String, message: impl FnOnce(bool) -> AppMessage + Send + 'static) {
        let (reply, answer) = oneshot::channel();
        self.dialogs.push(Dialog::Confirm { title: title.into(), text, reply: Some(reply) });
        self.tasks.spawn(async move { message(answer.await.unwrap_or(false)) });
    }

    pub(super) fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::Act(action) => self.act(action),
            Choice::Command { line, run: true } => self.run(&line),
            Choice::Command { line, run: false } => self.carry_out(Deed::Type(line)),
            Choice::Deed(deed) => self.carry_out(deed),
            Choice::Begin(Offer::Tour) => self.begin("tour".into()),
            Choice::Begin(Offer::Account) => self.begin("register".into()),
            Choice::Begin(Offer::LookAround) => self.say_next_steps(),
            Choice::Read(words) => self.open_legend(Some(&words)),
            Choice::Column(pane, name) => self.toggle_column(pane, name),
            Choice::Theme(name) => self.try_theme(name),
        }
    }

    /// Opens the menu of what can be done with the selected row.
    fn open_verbs(&mut self) {
        let verbs = self.with_pane(self.workspace.focus(), |pane, scene| pane.verbs(scene));
        let items = verbs.into_iter().map(|verb| Item {
            name: verb.label.into_owned(),
            summary: summary_of(&verb.deed).unwrap_or_else(|| verb.key.to_owned()),
            choice: Choice::Deed(verb.deed),
        });
        let items: Vec<Item> = items.collect();
        if !items.is_empty() {
            self.open_list("What to do: type to search, Enter to do it", items);
        }
    }
}
