//! The effects of actions on the state of the screen: focus, scrolling, speed, filter, clipboard, and the dialogs for help,
//! palette and leaving.

use p2p_engine::pace::Speed;
use p2p_engine::snapshot::NodeStatus;
use p2p_shell::answer::listed;
use p2p_shell::spec::Times;
use p2p_shell::table;
use p2p_shell::words::Variables;
use p2p_store::manifest::NodeNumber;
use tokio::sync::oneshot;

use super::lines::WAITING_SHOWN;
use super::{App, AppMessage, Pane, TerminalRequest};
use crate::tui::action::{Action, BINDINGS};
use crate::tui::dialog::{Choice, Dialog, Item, List};
use crate::tui::editor::Editor;
use crate::tui::panes;

/// Speeds through which `+` and `-` step, in thousandths of real time.
const SPEEDS: [u64; 8] = [100, 500, 1_000, 2_000, 10_000, 50_000, 200_000, 1_000_000];

impl App {
    /// Carries out an action.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::NextPane => self.move_focus(1),
            Action::PreviousPane => self.move_focus(-1),
            Action::Prompt => {
                self.zoomed = false;
                self.focus = Pane::Prompt;
            }
            Action::Zoom => self.zoomed = !self.zoomed,
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
            Action::Filter => self.ask_for_filter(),
            Action::Copy => self.copy(),
            Action::Map => self.map = !self.map,
            Action::Up => self.scroll(self.focus, -1),
            Action::Down => self.scroll(self.focus, 1),
            Action::PageUp => self.scroll(self.focus, -10),
            Action::PageDown => self.scroll(self.focus, 10),
            Action::Open => self.open(),
            Action::Quit => self.quit(false),
            Action::Suspend => self.terminal_requests.push(TerminalRequest::Suspend),
        }
    }

    pub(super) fn focus_on(&mut self, pane: Pane) {
        self.focus = pane;
        if pane != Pane::Prompt {
            self.tab = pane;
        }
    }

    fn move_focus(&mut self, step: isize) {
        let place = Pane::ALL.iter().position(|&pane| pane == self.focus).unwrap_or(0) as isize;
        let next = (place + step).rem_euclid(Pane::ALL.len() as isize) as usize;
        self.focus_on(Pane::ALL[next]);
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

    pub(super) fn scroll(&mut self, pane: Pane, rows: isize) {
        if pane == Pane::Prompt {
            let last = self.prompt.output.len().saturating_sub(1);
            self.prompt.scroll = self.prompt.scroll.saturating_add_signed(-rows).min(last);
            return;
        }
        let last = panes::row_count(self, pane).saturating_sub(1);
        let step = if panes::is_newest_below(pane) { -rows } else { rows };
        let row = self.row(pane).min(last).saturating_add_signed(step).min(last);
        self.selected.insert(pane, row);
        self.follow_selection(pane);
    }

    /// Shows the segments of the selected transfer.
    pub(super) fn follow_selection(&mut self, pane: Pane) {
        if pane == Pane::Transfers {
            self.transfer = self.transfer_rows().get(self.row(pane)).map(|report| report.status.id).or(self.transfer);
        }
    }

    fn open(&mut self) {
        let line = match self.focus {
            Pane::Nodes | Pane::Health => self.selected_node().map(|node| format!("node {}", node.node)),
            Pane::Transfers | Pane::Segments => self.shown_transfer().map(|report| format!("segments {}", report.status.id.0)),
            Pane::Wire => self.selected_packet_node().map(|node| format!("trace {node}")),
            Pane::Log | Pane::Prompt => None,
        };
        if let Some(line) = line {
            let shell = self.shell.clone();
            self.spawn(async move {
                let answer = shell.run(&line, &Variables::new()).await;
                AppMessage::Opened(line, answer)
            });
        }
    }

    fn selected_node(&self) -> Option<&NodeStatus> {
        panes::nodes::rows(self, self.focus).nth(self.row(self.focus))
    }

    /// Returns the node to whose connection the selected packet belongs.
    fn selected_packet_node(&self) -> Option<NodeNumber> {
        let packet = panes::wire::rows(self).nth(self.row(Pane::Wire))?;
        let of = |address| self.view.figures.nodes.iter().find(|node| node.address == address).map(|node| node.node);
        of(*packet.from.ip()).or_else(|| of(*packet.to.ip()))
    }

    fn copy(&mut self) {
        let text = match self.focus {
            Pane::Nodes | Pane::Health => self.selected_node().map(|node| format!("{} {}", node.node, node.address)),
            Pane::Transfers | Pane::Segments => self.shown_transfer().map(|report| {
                let digest = report.sha256.map(|digest| digest.to_string()).unwrap_or_default();
                format!("{} {digest}", self.label(&report.status.file))
            }),
            Pane::Wire => panes::wire::rows(self).nth(self.row(Pane::Wire)).map(panes::wire::line),
            Pane::Log => panes::log::rows(self).nth(self.row(Pane::Log)).map(|(_, _, text)| text.clone()),
            Pane::Prompt => self.prompt.output.last().map(|(_, text)| text.clone()),
        };
        if let Some(text) = text {
            self.terminal_requests.push(TerminalRequest::Copy(text));
        }
    }

    fn ask_for_filter(&mut self) {
        if !panes::can_be_filtered(self.focus) {
            return;
        }
        let (reply, answer) = oneshot::channel();
        let mut editor = Editor::default();
        editor.set(&self.filter);
        let text = format!("Show only rows of {} that contain (nothing for all):", self.tab.name());
        self.dialogs.push(Dialog::Input { title: "Filter".into(), text, editor, reply: Some(reply) });
        let before = self.filter.clone();
        self.spawn(async move { AppMessage::Filter(answer.await.unwrap_or(before)) });
    }

    /// Leaves the program; asks for confirmation first if transfers run or lines wait, unless `now` is true.
    pub fn quit(&mut self, now: bool) {
        let (names, left) = (self.access().describe_running(), self.lines.left_beside_answered());
        if now || (names.is_empty() && left.is_empty()) {
            self.over = true;
            return;
        }
        let (reply, answer) = oneshot::channel();
        let mut text = String::new();
        if !names.is_empty() {
            text.push_str(&format!("Still running:\n  {}\n", names.join("\n  ")));
        }
        if !left.is_empty() {
            text.push_str(&format!("Waiting, and not begun then:\n  {}\n", listed(&left, WAITING_SHOWN)));
        }
        text.push_str(if names.is_empty() { "Leave? (y/n)" } else { "Cancel them and leave? (y/n)" });
        self.dialogs.push(Dialog::Confirm { title: "Leave?".into(), text, reply: Some(reply) });
        self.spawn(async move { AppMessage::Quit(answer.await.unwrap_or(false)) });
    }

    pub(super) fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::Act(action) => self.act(action),
            Choice::Command { line, run: true } => self.run(&line),
            Choice::Command { line, run: false } => {
                self.focus = Pane::Prompt;
                self.prompt.editor.set(&format!("{line} "));
            }
        }
    }

    fn open_help(&mut self) {
        let keys = BINDINGS.iter().map(|binding| Item {
            name: binding.key(&self.keymap).to_owned(),
            summary: binding.help.to_owned(),
            choice: Choice::Act(binding.action),
        });
        self.open_list("Help: type to search, Enter to run", keys.chain(command_items()).collect());
    }

    fn open_palette(&mut self) {
        let named = BINDINGS.iter().filter(|binding| !binding.name.is_empty());
        let actions = named.map(|binding| Item {
            name: binding.name.to_owned(),
            summary: format!("{} ({})", binding.help, binding.key(&self.keymap)),
            choice: Choice::Act(binding.action),
        });
        self.open_list("Palette: type to search, Enter to run", actions.chain(command_items()).collect());
    }

    fn open_list(&mut self, title: &str, items: Vec<Item>) {
        self.dialogs.push(Dialog::List(List { title: title.into(), search: Editor::default(), items, selected: 0 }));
    }
}

fn command_items() -> impl Iterator<Item = Item> {
    table::commands().map(|spec| {
        let run = spec.arguments.iter().all(|argument| argument.times == Times::Optional);
        Item { name: spec.usage(), summary: spec.summary.to_owned(), choice: Choice::Command { line: spec.name.into(), run } }
    })
}
