//! Lines that are carried out, one after the other, and what comes of them. Knows nothing of what they do.

use tokio::task::AbortHandle;

use super::{App, Message, News, Pane};
use crate::shell::ShellError;
use crate::shell::answer::{Answer, Effect};
use crate::shell::words::{Variables, commands_of};
use crate::tui::theme::Role;

impl App {
    /// Carries out the commands of a line, once those before it have been answered.
    pub fn run(&mut self, line: &str) {
        self.prompt.say(Role::Accent, &format!("{} {line}", self.theme.glyphs.prompt));
        self.queue.extend(commands_of(line).into_iter().map(|(_, command)| command));
        self.run_next();
    }

    pub(super) fn run_next(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some(line) = self.queue.pop_front() else { return };
        let (shell, variables, is_last) = (self.shell.clone(), self.variables.clone(), self.queue.is_empty());
        let task = self.spawn(async move {
            // What comes next was typed for the case that this is done; a last transfer leaves the prompt free.
            let running =
                async { if is_last { shell.run(&line, &variables).await } else { shell.run_to_end(&line, &variables).await } };
            News::Answered(running.await)
        });
        self.running = Some(task);
    }

    /// Ends the command that runs, and forgets those that wait for it. What it has begun goes on. What is to be done whole is, in a
    /// moment.
    pub(super) fn interrupt(&mut self) {
        self.queue.clear();
        if !self.access().is_at_rest() {
            return;
        }
        if let Some(task) = self.running.take() {
            task.abort();
            self.prompt.say(Role::Warning, "interrupted; `cancel` ends a transfer that was begun");
        }
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
            Ok(answer) => self.show(answer),
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

    fn show(&mut self, answer: Answer) {
        self.prompt.say(Role::Text, &answer.view.text_within(self.prompt_width()));
        match answer.effect {
            Effect::Follow(transfer) => {
                let shell = self.shell.clone();
                self.spawn(async move { News::Told(shell.finish(transfer).await) });
            }
            Effect::Select(transfer) => self.transfer = Some(transfer),
            Effect::Set(name, value) => drop(self.variables.insert(name, value)),
            Effect::Clear => self.prompt.output.clear(),
            Effect::History => self.prompt.say(Role::Text, &self.prompt.history().join("\n")),
            Effect::Quit { now } => self.quit(now),
            Effect::None => {}
        }
    }

    /// How wide what is said in the prompt may be, once it has been drawn.
    fn prompt_width(&self) -> Option<u16> {
        self.areas.iter().find(|(pane, _)| *pane == Pane::Prompt).map(|(_, area)| area.width.saturating_sub(2))
    }
}
