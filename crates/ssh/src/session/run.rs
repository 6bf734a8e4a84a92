//! Lines of the command language for a client: each command is carried out to its end, unless the client interrupts it or goes.

use p2p_service::access::Identity;
use p2p_shell::answer::Effect;
use p2p_shell::call::is_command;
use p2p_shell::words::{Variables, commands_of};
use p2p_shell::{Questions, Shell, ShellError};

use super::client::{Call, Client};
use super::questions::Answers;
use super::{INTERRUPTED, SUCCESS};

/// Exit status of a command that is refused for where it is given.
const REFUSED: u32 = p2p_service::failure::exit::FAILED as u32;
/// Commands by which the user of a connection would change.
const LOGINS: [&str; 2] = ["login", "register"];

/// Outcome of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Exit status.
    pub(super) status: u32,
    /// True if the session ends with it.
    pub(super) is_last: bool,
}

/// Lines of one channel, with their variables.
#[derive(Debug)]
pub(super) struct Runner {
    shell: Shell,
    questions: Questions,
    answers: Answers,
    variables: Variables,
    /// True if lines are read on, so that what comes meanwhile is kept for them.
    reads_on: bool,
}

impl Runner {
    /// Makes the runner of a shell, which reads line after line, or of a single command.
    pub(super) fn new((shell, questions): (Shell, Questions), reads_on: bool) -> Runner {
        Runner { shell, questions, answers: Answers::default(), variables: Variables::new(), reads_on }
    }

    /// Returns the shell.
    pub(super) fn shell(&self) -> &Shell {
        &self.shell
    }

    /// Carries the commands of a line out until one fails. Several are checked before the first one. The command `history` shows these lines.
    pub(super) async fn line(&mut self, client: &mut Client, line: &str, history: &[String]) -> Outcome {
        let commands: Vec<String> = commands_of(line).into_iter().map(|(_, command)| command).collect();
        if commands.len() > 1
            && let Err(error) = self.shell.check_line(&commands, &self.variables).await
        {
            client.tell(&error.shown()).await;
            return Outcome { status: error.exit_code().into(), is_last: false };
        }
        let mut outcome = Outcome { status: SUCCESS, is_last: false };
        for command in &commands {
            outcome = self.command(client, command, history).await;
            if outcome.status != SUCCESS || outcome.is_last {
                break;
            }
        }
        outcome
    }

    async fn command(&mut self, client: &mut Client, command: &str, history: &[String]) -> Outcome {
        if let Some(name) = LOGINS.iter().find(|name| is_command(command, &self.variables, name)) {
            client
                .complain(&format!("`{name}` is not for this connection, which is its user's; connect as another user instead"))
                .await;
            return Outcome { status: REFUSED, is_last: false };
        }
        let answer = match self.answer(client, command).await {
            Ok(answer) => answer,
            Err(call) => {
                self.undo(client).await;
                return Outcome { status: INTERRUPTED, is_last: call == Call::Gone };
            }
        };
        let is_nobody = *self.shell.access().identity() == Identity::Nobody;
        match answer {
            Ok(answer) => {
                let text = answer.view.text_within(client.terminal().map(|terminal| terminal.columns));
                client.print(&text).await;
                let Outcome { status, is_last } = self.apply(client, answer.effect, history).await;
                Outcome { status, is_last: is_last || is_nobody }
            }
            Err(error) => {
                client.tell(&error.shown()).await;
                Outcome { status: error.exit_code().into(), is_last: is_nobody }
            }
        }
    }

    /// Runs a command to its end, and answers its questions. Fails if the client interrupts it or goes.
    async fn answer(
        &mut self,
        client: &mut Client,
        command: &str,
    ) -> Result<Result<p2p_shell::answer::Answer, ShellError>, Call> {
        let Runner { shell, questions, answers, variables, reads_on, .. } = self;
        answers.forget();
        // A command at a terminal may ask, and what is typed ahead is its answer.
        let keeps = *reads_on || client.terminal().is_some();
        let mut running = std::pin::pin!(shell.run_to_end(command, variables));
        loop {
            tokio::select! {
                biased;
                answer = &mut running => return Ok(answer),
                Some(question) = questions.recv() => answers.answer(client, question).await?,
                call = client.call(keeps) => return Err(call),
            }
        }
    }

    /// Cancels the transfers that a dropped command has begun and not told of.
    async fn undo(&self, client: &mut Client) {
        let access = self.shell.access();
        // What is being done for the accounts comes to its end first.
        access.at_rest().await;
        for transfer in self.shell.take_untold() {
            let ended = access.cancel_at_once(transfer).await;
            tracing::debug!(%transfer, ?ended, "a transfer of an interrupted command is cancelled");
        }
        let told = self.shell.take_dropped_batches();
        if !client.is_gone() {
            for line in told {
                client.complain(&line).await;
            }
            client.tell(&ShellError::Interrupted.to_string()).await;
        }
    }

    /// Applies the effect of an answer, and returns what becomes of the command and of the session.
    async fn apply(&mut self, client: &mut Client, effect: Effect, history: &[String]) -> Outcome {
        let mut outcome = Outcome { status: SUCCESS, is_last: false };
        match effect {
            Effect::Set(name, value) => drop(self.variables.insert(name, value)),
            Effect::Clear if client.terminal().is_some() => client.send(b"\x1b[2J\x1b[H").await,
            Effect::History => client.print(&history.join("\n")).await,
            Effect::Quit { .. } => outcome.is_last = true,
            Effect::Fails(error) => {
                client.tell(&error.shown()).await;
                outcome.status = error.exit_code().into();
            }
            _ => {}
        }
        outcome
    }
}
