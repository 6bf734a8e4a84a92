//! The execution of the prompt's lines in tasks, their interruption, and the display of their answers.

use std::sync::Arc;
use std::time::Duration;

use p2p_shell::ShellError;
use p2p_shell::answer::{Answer, Begun, Effect, listed};
use p2p_shell::words::{Variables, commands_of};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{App, AppMessage, Pane};
use crate::tui::lines::{Interrupted, LINES_MAX, NextStep, WAITING_SHOWN};
use crate::tui::panes::scene::Chosen;
use crate::tui::theme::Role;

/// Maximum time, on the wall clock, for which a typed line waits for the answer of the one before it. Quick lines are thus
/// carried out in the order in which they were typed, and slow ones do not delay the next.
const PATIENCE: Duration = Duration::from_secs(1);

impl App {
    /// Carries out the commands of a line, one after the other. A line begins once those before it have been answered or wait for
    /// virtual time; the prompt stays free meanwhile.
    pub fn run(&mut self, line: &str) {
        if self.lines.is_full() {
            let full = format!("not begun, {LINES_MAX} lines are under way: `{line}`; Ctrl-C ends the latest of them");
            return self.say(Role::Bad, &full);
        }
        self.say(Role::Accent, &format!("{} {line}", self.theme.glyphs.prompt));
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
        let (waits, mailbox) = (Arc::new(Notify::new()), self.tasks.mailbox());
        let shell = self.shell.clone().telling(Arc::clone(&waits));
        let task = self.tasks.spawn(async move {
            let running = async {
                match step {
                    NextStep::Begin(planned) => shell.begin(*planned).await,
                    NextStep::Run(line, variables) => shell.run(&line, &variables).await,
                }
            };
            tokio::pin!(running);
            let answer = tokio::select! {
                biased;
                answer = &mut running => answer,
                () = waits.notified() => {
                    mailbox.send(AppMessage::Waits(number));
                    running.await
                }
            };
            AppMessage::Answered(number, answer)
        });
        self.lines.set_task(number, task);
    }

    /// Shows the answer of a step, and continues the lines.
    pub(super) fn on_answered(&mut self, number: u64, answer: Result<Answer, ShellError>) {
        // The answer of a line that was interrupted is discarded.
        let Some(asked) = self.lines.take_answer(number) else { return };
        if asked {
            self.close_waiting_forms();
        }
        // An expired session is reported as such rather than as a change of user; and a command that logs a user in has further
        // steps.
        if !answer.as_ref().is_err_and(ShellError::is_session_over) && !self.lines.is_asking() {
            self.on_who();
        }
        let tally = self.lines.count(number, &answer);
        match answer {
            Ok(answer) => self.show_of(number, answer),
            Err(error) => {
                self.name_line(number);
                self.fail(&error);
            }
        }
        if let Some(tally) = tally {
            self.say(if tally.is_clean() { Role::Text } else { Role::Bad }, &tally.to_string());
        }
        self.lines.go_on();
        self.lines.resting().into_iter().for_each(|number| self.go_on(number));
    }

    /// Interrupts the latest line: cancels the transfer that it waits for, and drops its waiting steps. While an operation runs
    /// that must not be interrupted, only the waiting steps are dropped.
    pub(super) fn interrupt(&mut self) {
        if !self.access().is_at_rest() {
            let left = self.lines.drop_waiting();
            return self.say_left(&left);
        }
        let Some(Interrupted { command, transfer, left }) = self.lines.interrupt() else { return };
        let what = match transfer {
            Some(transfer) => format!("interrupted `{command}`: {transfer} is being cancelled"),
            None => format!("interrupted `{command}`; `cancel` ends a transfer that was begun"),
        };
        self.say(Role::Warning, &what);
        self.say_left(&left);
        if let Some(transfer) = transfer {
            let shell = self.shell.clone();
            let line = format!("cancel {}", transfer.0);
            self.tasks.spawn(async move { AppMessage::Told(shell.run(&line, &Variables::new()).await) });
        }
    }

    /// Shows which steps will not begin any more.
    pub(super) fn say_left(&mut self, left: &[String]) {
        if !left.is_empty() {
            self.say(Role::Warning, &format!("not begun: {}", listed(left, WAITING_SHOWN)));
        }
    }

    /// Returns the steps that take long and those that wait, for the title of the prompt.
    pub fn under_way(&self) -> Option<String> {
        self.lines.summary()
    }

    /// Carries out a command whose answer is not shown; only its error is.
    pub(super) fn tell(&mut self, line: String) {
        let shell = self.shell.clone();
        self.tasks.spawn(async move { AppMessage::Told(shell.run(&line, &Variables::new()).await.map(|_| Answer::nothing())) });
    }

    pub(super) fn take_answer(&mut self, answer: Result<Answer, ShellError>) {
        match answer {
            Ok(answer) => self.say(Role::Text, &answer.view.text_within(self.prompt_width())),
            Err(error) => self.fail(&error),
        }
    }

    pub(super) fn fail(&mut self, error: &ShellError) {
        match error {
            error if error.is_session_over() => self.on_session_over(),
            ShellError::Abandoned => {
                self.visitor.drop_notice();
                self.say(Role::Dim, &error.to_string());
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
        let mut text = view.text_within(self.prompt_width());
        if let Effect::Follow(begun) = &effect {
            let left = self.follow(number, begun.clone());
            if !left.is_empty() {
                text.push_str(&format!("; waiting: {}", listed(&left, WAITING_SHOWN)));
            }
        }
        if !text.is_empty() {
            self.name_line(number);
            self.say(Role::Text, &text);
        }
        match effect {
            Effect::Batch(batch) => self.lines.plan(number, batch),
            Effect::Select(transfer) => self.view.choose(Chosen { transfer: Some(transfer) }),
            Effect::Set(name, value) => {
                self.lines.set_variable(number, &name, &value);
                self.variables.insert(name, value);
            }
            Effect::Clear => self.prompt_mut().output.clear(),
            Effect::History => self.say(Role::Text, &self.prompt().history().join("\n")),
            Effect::Quit { now } => self.quit(now),
            Effect::None | Effect::Follow(_) => {}
        }
    }

    /// Makes a line wait for a transfer that it has begun; returns the steps that wait for it.
    fn follow(&mut self, number: u64, begun: Begun) -> Vec<String> {
        let left = self.lines.follow(number, begun.transfer);
        let shell = self.shell.clone();
        let task = self.tasks.spawn(async move { AppMessage::Answered(number, shell.finish(&begun).await) });
        self.lines.set_task(number, task);
        left
    }

    /// Returns the width of the output in the prompt. If another pane fills the screen, the prompt will be as wide as that one;
    /// before the first frame, the usual 80 columns are assumed.
    fn prompt_width(&self) -> Option<u16> {
        let first = || self.workspace.areas().first().map(|(_, area)| *area);
        let area = self.workspace.area_of(Pane::Prompt).or_else(first);
        Some(area.map_or(80, |area| area.width).saturating_sub(2))
    }
}
