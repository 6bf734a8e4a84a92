//! Lines that are carried out, and what comes of them. Knows nothing of what they do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::lines::{Interrupted, LINES_MAX, Step};
use super::{App, Message, News, Pane};
use crate::shell::ShellError;
use crate::shell::answer::{Answer, Begun, Effect};
use crate::shell::words::{Variables, commands_of};
use crate::tui::theme::Role;

/// A line that was typed waits so long, on the wall clock, for the one before it to be answered: what is quick is done in the order in
/// which it was typed, and what is not keeps nobody waiting.
const PATIENCE: Duration = Duration::from_secs(1);

impl App {
    /// Carries out the commands of a line, one after the other. A line begins once those before it have been answered or have come
    /// to wait for virtual time; what it begins itself leaves the prompt free.
    pub fn run(&mut self, line: &str) {
        if self.lines.is_full() {
            let full = format!("not begun, {LINES_MAX} lines are under way: `{line}`; Ctrl-C ends the latest of them");
            return self.prompt.say(Role::Bad, &full);
        }
        self.prompt.say(Role::Accent, &format!("{} {line}", self.theme.glyphs.prompt));
        self.lines.push(commands_of(line).into_iter().map(|(_, command)| command));
        self.begin_typed();
    }

    /// Begins the lines whose turn it is.
    #[expect(clippy::disallowed_methods, reason = "a front end lives by the wall clock")]
    pub(super) fn begin_typed(&mut self) {
        while let Some(number) = self.lines.next(&self.variables) {
            self.go_on(number);
        }
        if let Some(number) = self.lines.new_blocker() {
            let task = self.spawn(async move {
                sleep(PATIENCE).await;
                News::Waits(number)
            });
            self.lines.set_patience(number, task);
        }
    }

    /// Takes the next step of a line.
    fn go_on(&mut self, number: u64) {
        let Some(step) = self.lines.step(number) else { return };
        let (waits, messages, visit) = (Arc::new(Notify::new()), self.messages.clone(), self.visit);
        let shell = self.shell.clone().telling(Arc::clone(&waits));
        let task = self.spawn(async move {
            let running = async {
                match step {
                    Step::Begin(command) => shell.begin(command).await,
                    Step::Run(line, variables) => shell.run(&line, &variables).await,
                }
            };
            tokio::pin!(running);
            let answer = tokio::select! {
                biased;
                answer = &mut running => answer,
                () = waits.notified() => {
                    // The screen may be gone.
                    let _ = messages.send(Message { visit, news: News::Waits(number) });
                    running.await
                }
            };
            News::Answered(number, answer)
        });
        self.lines.set_task(number, task);
    }

    /// A step of a line is done.
    pub(super) fn on_answered(&mut self, number: u64, answer: Result<Answer, ShellError>) {
        // A line that was interrupted has nothing more to say.
        let Some(asked) = self.lines.take_answer(number) else { return };
        if asked {
            self.close_waiting_forms();
        }
        // That the session is over says more than that nobody is there; and a command that lets somebody in has more to do then.
        if !answer.as_ref().is_err_and(ShellError::is_session_over) && !self.lines.is_asking() {
            self.on_who();
        }
        match answer {
            Ok(answer) => self.show_of(number, answer),
            Err(error) => {
                self.name_line(number);
                self.fail(&error);
            }
        }
        self.lines.go_on();
        self.lines.resting().into_iter().for_each(|number| self.go_on(number));
    }

    /// Ends the latest line that takes long, cancels the transfer that it waits for, and forgets what waits for it. What is to be done
    /// whole is, in a moment.
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
        self.prompt.say(Role::Warning, &what);
        self.say_left(&left);
        if let Some(transfer) = transfer {
            let shell = self.shell.clone();
            let line = format!("cancel {}", transfer.0);
            self.spawn(async move { News::Told(shell.run(&line, &Variables::new()).await) });
        }
    }

    /// Says what will not begin any more.
    pub(super) fn say_left(&mut self, left: &[String]) {
        if !left.is_empty() {
            self.prompt.say(Role::Warning, &format!("not begun: {}", left.join(", ")));
        }
    }

    /// What takes long at the prompt, and what waits for it.
    pub fn under_way(&self) -> Option<String> {
        self.lines.summary()
    }

    pub(super) fn spawn(&mut self, task: impl Future<Output = News> + Send + 'static) -> AbortHandle {
        let (messages, visit) = (self.messages.clone(), self.visit);
        self.tasks.spawn(async move {
            let news = task.await;
            // The screen may be gone.
            let _ = messages.send(Message { visit, news });
        })
    }

    /// Carries out a command whose answer nobody waits for, where it is for whoever uses the screen.
    pub(super) fn tell(&mut self, line: String) {
        let shell = self.shell.clone();
        self.spawn(async move { News::Told(shell.run(&line, &Variables::new()).await.map(|_| Answer::nothing())) });
    }

    pub(super) fn take_answer(&mut self, answer: Result<Answer, ShellError>) {
        match answer {
            Ok(answer) => self.prompt.say(Role::Text, &answer.view.text_within(self.prompt_width())),
            Err(error) => self.fail(&error),
        }
    }

    pub(super) fn fail(&mut self, error: &ShellError) {
        match error {
            error if error.is_session_over() => self.on_session_over(),
            ShellError::Abandoned => {
                self.session_notice = None;
                self.prompt.say(Role::Dim, &error.to_string());
            }
            error => self.prompt.say(Role::Bad, &error.to_string()),
        }
    }

    /// Says which line the next words are about, where others were said last.
    fn name_line(&mut self, number: u64) {
        if let Some(command) = self.lines.unnamed(number) {
            self.prompt.say(Role::Dim, &format!("{} {command}", self.theme.glyphs.prompt));
        }
    }

    fn show_of(&mut self, number: u64, Answer { view, effect, .. }: Answer) {
        let mut text = view.text_within(self.prompt_width());
        if let Effect::Follow(begun) = &effect {
            let left = self.follow(number, begun.clone());
            if !left.is_empty() {
                text.push_str(&format!("; waiting: {}", left.join(", ")));
            }
        }
        if !text.is_empty() {
            self.name_line(number);
            self.prompt.say(Role::Text, &text);
        }
        match effect {
            Effect::Batch(planned) => self.lines.plan(number, planned),
            Effect::Select(transfer) => self.transfer = Some(transfer),
            Effect::Set(name, value) => {
                self.lines.set_variable(number, &name, &value);
                self.variables.insert(name, value);
            }
            Effect::Clear => self.prompt.output.clear(),
            Effect::History => self.prompt.say(Role::Text, &self.prompt.history().join("\n")),
            Effect::Quit { now } => self.quit(now),
            Effect::None | Effect::Follow(_) => {}
        }
    }

    /// Waits for what comes of a transfer that a line has begun; gives what waits for that.
    fn follow(&mut self, number: u64, begun: Begun) -> Vec<String> {
        let left = self.lines.follow(number, begun.transfer);
        let shell = self.shell.clone();
        let task = self.spawn(async move { News::Answered(number, shell.finish(&begun).await) });
        self.lines.set_task(number, task);
        left
    }

    /// Width of what is said in the prompt. Where another pane has the whole screen the prompt will be as wide as that; before
    /// anything is drawn, a screen is taken to be of the usual 80 columns.
    fn prompt_width(&self) -> Option<u16> {
        let prompt = self.areas.iter().find(|(pane, _)| *pane == Pane::Prompt).or(self.areas.first());
        Some(prompt.map_or(80, |(_, area)| area.width).saturating_sub(2))
    }
}
