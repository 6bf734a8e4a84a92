//! The execution of the prompt's lines in tasks, their interruption, and the display of their answers.

use std::time::Duration;

use p2p_engine::transfer::TransferId;
use p2p_service::access::Identity;
use p2p_shell::ShellError;
use p2p_shell::answer::{Answer, Begun, Effect, Notice, Started, View};
use p2p_shell::lists::listed;
use p2p_shell::report::count_of;
use p2p_shell::tally::{FILE, told_begun};
use p2p_shell::words::{Variables, commands_of};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{App, AppMessage, Pane};
use crate::tui::lines::{Ended, LINES_MAX, NextStep, Outcome, StepId, WAITING_SHOWN};
use crate::tui::theme::Role;

/// Maximum time, on the wall clock, for which a typed line waits for the answer of the one before it. Quick lines are thus
/// carried out in the order in which they were typed, and slow ones do not delay the next.
const PATIENCE: Duration = Duration::from_secs(1);

impl App {
    /// Carries out the commands of a line, one after the other. A line begins once those before it have been answered or wait for
    /// virtual time; the prompt stays free meanwhile.
    pub fn run(&mut self, line: &str) {
        if self.lines.is_full() {
            let full = format!("not begun, {LINES_MAX} lines are under way: `{line}`; F7 lists what waits, and ends it");
            return self.say(Role::Bad, &full);
        }
        self.say(Role::Accent, &format!("{} {line}", self.theme.glyphs.prompt));
        self.prompt_mut().is_asked_aside = self.workspace.focus() != Pane::Prompt;
        self.prompt_mut().rest.end();
        self.lines.push(commands_of(line).into_iter().map(|(_, command)| command));
        self.begin_typed();
    }

    /// Begins the lines that no earlier line blocks.
    #[expect(clippy::disallowed_methods, reason = "a front end lives by the wall clock")]
    pub(super) fn begin_typed(&mut self) {
        while let Some(number) = self.lines.next(&self.variables) {
            self.go_on(number);
        }
        if let Some(number) = self.lines.new_blocker() {
            let task = self.tasks.spawn(async move {
                sleep(PATIENCE).await;
                AppMessage::Waits(number)
            });
            self.lines.set_patience(number, task);
        }
    }

    /// Carries out the next step of a line.
    fn go_on(&mut self, number: u64) {
        let Some(step) = self.lines.next_step(number) else { return };
        let ((notices, mut told), mailbox) = (mpsc::unbounded_channel(), self.tasks.mailbox());
        let shell = self.shell.clone().telling(notices);
        let task = self.tasks.spawn(async move {
            let running = async {
                match step {
                    NextStep::Check(commands, variables) => {
                        let checked = shell.check_line(&commands, &variables).await.map(|()| Answer::nothing());
                        AppMessage::Answered(number, shell.access().identity(), checked)
                    }
                    NextStep::Begin(group, by) => AppMessage::Begun(number, shell.begin_group(by.as_deref(), group).await),
                    NextStep::Run(line, variables) => {
                        let answer = shell.run(&line, &variables).await;
                        AppMessage::Answered(number, shell.access().identity(), answer)
                    }
                }
            };
            let pass_on = |notice: Notice| {
                mailbox.send(match notice {
                    Notice::Waits => AppMessage::Waits(number),
                    Notice::DropWaiting(reply) => AppMessage::DropWaiting(number, reply),
                });
            };
            tokio::pin!(running);
            let done = loop {
                tokio::select! {
                    biased;
                    Some(notice) = told.recv() => pass_on(notice),
                    done = &mut running => break done,
                }
            };
            // What was told at the very end.
            while let Ok(notice) = told.try_recv() {
                pass_on(notice);
            }
            done
        });
        self.lines.set_task(number, task);
    }

    /// Shows the answer of a step, and continues the lines; `of` is the user of the moment at which the step was answered.
    pub(super) fn on_answered(&mut self, number: u64, of: &Identity, answer: Result<Answer, ShellError>) {
        // The answer of a line that was interrupted is discarded.
        let Some(asked) = self.lines.take_answer(number) else { return };
        // So is that of a line whose user is gone meanwhile, unless the line itself is why.
        if self.has_lost_session() && (!asked || matches!(of, Identity::User { .. })) {
            return self.on_session_over();
        }
        if asked {
            self.close_waiting_forms();
        }
        // An expired session is reported as such rather than as a change of user; and a command that logs a user in has further
        // steps.
        if !answer.as_ref().is_err_and(ShellError::is_session_over) && !self.lines.is_asking() {
            self.on_who();
        }
        if matches!(answer, Err(ShellError::Ahead { .. })) {
            self.lines.refuse(number);
        }
        self.show_answer(number, None, answer);
        self.lines.go_on();
        self.go_on_all();
    }

    /// Follows the transfers of a group that has begun, and tells of all of them at once. A refusal is told in its turn.
    pub(super) fn on_begun(&mut self, number: u64, group: Result<Vec<Started>, ShellError>) {
        // The line may have been ended meanwhile; what it has begun goes on.
        if self.lines.take_answer(number).is_none() {
            return;
        }
        match group {
            Ok(group) => self.follow_group(number, group),
            // What was not begun is said with the end of the session.
            Err(_) if self.has_lost_session() => {}
            Err(error) => {
                let ended = self.lines.refuse_batch(number);
                self.name_line(number);
                self.fail(&error);
                self.say_ended(&ended);
            }
        }
        if self.has_lost_session() {
            return self.on_session_over();
        }
        self.lines.go_on();
        self.go_on_all();
    }

    fn follow_group(&mut self, number: u64, group: Vec<Started>) {
        let (begun, left) = self.lines.follow_group(number, group);
        if !begun.is_empty() {
            let transfers: Vec<(TransferId, String)> = begun.iter().map(|(begun, file)| (begun.transfer, file.clone())).collect();
            let left = left.map(|left| format!("; waiting: {left}")).unwrap_or_default();
            self.name_line(number);
            self.say(Role::Text, &format!("{}{left}", told_begun(&transfers, FILE)));
        }
        begun.into_iter().for_each(|(begun, _)| self.await_end(number, begun));
    }

    /// Takes in the result of a transfer, and tells it when those of the transfers before it are told.
    pub(super) fn on_finished(&mut self, number: u64, transfer: TransferId, result: Result<Answer, ShellError>) {
        if !self.lines.hold(number, transfer, result) {
            return;
        }
        if self.has_lost_session() {
            return self.on_session_over();
        }
        if !self.lines.is_asking() {
            self.on_who();
        }
        self.go_on_all();
    }

    /// Continues the lines, and tells the results of transfers whose turn it is.
    fn go_on_all(&mut self) {
        loop {
            self.lines.resting().into_iter().for_each(|number| self.go_on(number));
            let Some(Outcome { line, transfer, result }) = self.lines.take_outcome() else { break };
            self.show_answer(line, transfer, result);
            transfer.into_iter().for_each(|transfer| self.shell.told(transfer));
            self.lines.go_on();
        }
    }

    /// Shows the answer of a step, or what it adds to those before it. An error of a transfer has its number before it, as a result has.
    fn show_answer(&mut self, number: u64, transfer: Option<TransferId>, answer: Result<Answer, ShellError>) {
        let is_repeated = answer.as_ref().is_err_and(|error| self.lines.repeats(number, error));
        let tally = self.lines.count(number, &answer);
        match answer {
            Ok(answer) => self.show_of(number, answer),
            Err(_) if is_repeated => {}
            Err(error) => {
                self.name_line(number);
                match transfer.filter(|_| !error.is_session_over()) {
                    Some(transfer) => self.say(Role::Bad, &format!("{transfer} {error}")),
                    None => self.fail(&error),
                }
            }
        }
        if let Some(tally) = tally {
            // The sum stands below the last result, which alone would be the wrong answer to open.
            self.expect_no_reader();
            self.say_sum(if tally.is_clean() { Role::Text } else { Role::Bad }, &tally.to_string());
        }
    }

    /// Says a sum, which has a line for each reason. The ends of lines that a reason quotes are spelled out in it already.
    fn say_sum(&mut self, role: Role, sum: &str) {
        sum.lines().for_each(|line| self.say(role, line));
    }

    /// Says what ends a transfer, to a user who has pressed Ctrl-C with nothing typed.
    pub(super) fn say_how_to_end(&mut self) {
        self.say(Role::Dim, "nothing is typed; `cancel N` ends a transfer, F7 lists what waits and ends it, Ctrl-Q leaves");
    }

    /// Drops a step that waits, or ends one that takes long and is no transfer; all else goes on.
    pub(super) fn drop_step(&mut self, step: StepId) {
        // An operation such as a change of a password runs to its end.
        if !self.access().is_at_rest() {
            return self.say(Role::Warning, "something is under way that must not be interrupted; try again in a moment");
        }
        let dropped = self.lines.drop_step(step).map(|text| format!("dropped: `{text}`"));
        self.say_dropped(dropped);
    }

    /// Drops all that waits of the command of a step that is a transfer, or of its line; what has begun goes on.
    pub(super) fn drop_rest(&mut self, step: StepId) {
        let dropped = self.lines.drop_rest(step);
        self.say_dropped(told_dropped(dropped));
    }

    /// Drops all steps that wait, but for those of the line that has asked for it, and says which. Returns true if there was any.
    pub(super) fn drop_waiting(&mut self, number: u64) -> bool {
        let told = told_dropped(self.lines.drop_waiting(number));
        told.iter().for_each(|told| self.say(Role::Warning, told));
        told.is_some()
    }

    /// Says what was dropped, and goes on with what waited for it.
    fn say_dropped(&mut self, dropped: Option<String>) {
        match dropped {
            Some(text) => self.say(Role::Warning, &text),
            None => self.say(Role::Dim, "that has begun or ended meanwhile; `cancel N` ends a transfer"),
        }
        self.go_on_all();
        self.begin_typed();
    }

    /// Shows what became of batches that have ended early, and which steps will not begin any more.
    pub(super) fn say_ended(&mut self, Ended { left, sums }: &Ended) {
        for (command, sum) in sums {
            self.say_sum(if sum.is_clean() { Role::Warning } else { Role::Bad }, &format!("{command}: {sum}"));
        }
        if !left.is_empty() {
            self.say(Role::Warning, &format!("not begun: {}", listed(left, WAITING_SHOWN)));
        }
    }

    /// Returns the steps that take long and those that wait, for the title of the prompt.
    pub fn under_way(&self) -> Option<String> {
        self.lines.summary()
    }

    /// Carries out the command of an action. Its answer is shown with the command, since nobody has typed it.
    pub(super) fn tell(&mut self, line: String) {
        self.run_aside(line, AppMessage::Told);
    }

    /// Carries out a command that belongs to no typed line; its answer comes as a message.
    pub(super) fn run_aside(&mut self, line: String, message: fn(String, Result<Answer, ShellError>) -> AppMessage) {
        let shell = self.shell.clone();
        self.tasks.spawn(async move {
            let answer = shell.run(&line, &Variables::new()).await;
            message(line, answer)
        });
    }

    pub(super) fn take_answer(&mut self, line: &str, answer: Result<Answer, ShellError>) {
        match answer {
            Ok(answer) => self.say(Role::Dim, &format!("{line}: {}", answer.view.text_within(self.prompt_width()))),
            Err(error) if error.is_session_over() => self.fail(&error),
            Err(error) => self.say(Role::Bad, &format!("{line}: {error}")),
        }
    }

    pub(super) fn fail(&mut self, error: &ShellError) {
        match error {
            error if error.is_session_over() => self.on_session_over(),
            ShellError::Abandoned => {
                self.visitor.drop_notice();
                self.say(Role::Dim, &error.to_string());
                if **self.identity() == Identity::Operator {
                    self.say_next_steps();
                }
            }
            ShellError::Unknown { name, .. } => {
                let told = error.to_string();
                let between = if told.ends_with('?') { " " } else { "; " };
                let pane = way_to_pane(name).map(|way| format!("{between}{way}")).unwrap_or_default();
                self.say(Role::Bad, &format!("{told}{pane}"));
            }
            error => self.say(Role::Bad, &error.to_string()),
        }
    }

    /// Shows the command of a line before its output, if the latest output belongs to another line.
    fn name_line(&mut self, number: u64) {
        if let Some(command) = self.lines.unnamed(number) {
            self.say(Role::Dim, &format!("{} {command}", self.theme.glyphs.prompt));
        }
    }

    fn show_of(&mut self, number: u64, Answer { view, effect, .. }: Answer) {
        // What the answer says of the tour is for front ends without one.
        let is_shown = !matches!(effect, Effect::Tour { .. });
        let view = match &effect {
            Effect::Follow(begun) => match self.follow(number, begun.clone()) {
                Some(left) => View::Text(format!("{}; waiting: {left}", view.text())),
                None => view,
            },
            Effect::History => View::Text(self.prompt().history().join("\n")),
            _ => view,
        };
        let width = self.prompt_width();
        if is_shown && !view.text_within(width).is_empty() {
            self.name_line(number);
            let lines = self.prompt_mut().say_answer(&view, width);
            // Of a transfer that begins, the answer comes with its end.
            if !matches!(effect, Effect::Follow(_)) {
                self.expect_reader(number, lines, view);
            }
        }
        match effect {
            Effect::Batch(batch) => self.lines.plan(number, batch),
            Effect::Set(name, value) => {
                self.lines.set_variable(number, &name, &value);
                self.variables.insert(name, value);
            }
            Effect::Clear => self.prompt_mut().clear(),
            Effect::Tour { leaves } => self.on_tour_command(leaves),
            Effect::Fails(error) => self.fail(&error),
            Effect::Quit { now } => self.quit(now),
            Effect::None | Effect::Follow(_) | Effect::History => {}
        }
    }

    /// Makes a line wait for a transfer that it has begun; returns the steps that wait for it.
    fn follow(&mut self, number: u64, begun: Begun) -> Option<String> {
        let left = self.lines.follow(number, begun.transfer);
        self.await_end(number, begun);
        left
    }

    /// Waits for the end of a transfer of a line in a task.
    fn await_end(&mut self, number: u64, begun: Begun) {
        let (shell, transfer) = (self.shell.clone(), begun.transfer);
        let task = self.tasks.spawn(async move { AppMessage::Finished(number, transfer, shell.outcome(&begun).await) });
        self.lines.set_follower(number, transfer, task);
    }

    /// Returns the width of the output in the prompt, and no more than the viewer has, in which the same lines may be opened. If another
    /// pane fills the screen, the prompt will be as wide as that one; before the first frame, the usual 80 columns are assumed.
    fn prompt_width(&self) -> Option<u16> {
        let first = || self.workspace.areas().first().map(|(_, area)| *area);
        let area = self.workspace.area_of(Pane::Prompt).or_else(first);
        let width = area.map_or(80, |area| area.width).saturating_sub(2);
        Some(self.viewer_width().map_or(width, |viewer| viewer.min(width)))
    }
}

/// Returns what is said of commands that were dropped, each with the number of its files if it is one of which some have begun; `None` if
/// there is none.
fn told_dropped(dropped: Vec<(String, usize)>) -> Option<String> {
    let told = |(command, files): (String, usize)| match files {
        0 => format!("`{command}`"),
        files => format!("{} of `{command}`", count_of(files as u64, FILE)),
    };
    let told: Vec<String> = dropped.into_iter().map(told).collect();
    (!told.is_empty()).then(|| format!("dropped: {}", listed(&told, WAITING_SHOWN)))
}

/// Returns how to go to the pane of a name that was typed as a command; `None` if no pane has it.
fn way_to_pane(name: &str) -> Option<String> {
    let (number, pane) = (1..).zip(Pane::ALL).find(|(_, pane)| pane.name().eq_ignore_ascii_case(name))?;
    Some(format!("{} is a pane: Tab, then {number} goes there", pane.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The way to each pane is by a digit, and words that name none have none.
    #[test]
    fn a_pane_is_found_by_its_name() {
        for (number, pane) in (1..10).zip(Pane::ALL) {
            let way = way_to_pane(&pane.name().to_lowercase()).unwrap();
            assert_eq!(way, format!("{} is a pane: Tab, then {number} goes there", pane.name()));
        }
        assert_eq!(way_to_pane("logs"), None);
    }
}
