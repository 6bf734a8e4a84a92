//! The tasks that carry out what the screen has begun, and the messages that they send back.

use std::sync::Arc;

use p2p_engine::transfer::TransferId;
use p2p_service::access::{AccessError, Identity};
use p2p_shell::ShellError;
use p2p_shell::answer::{Answer, Started};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinError, JoinSet};

use super::panes::Pane;
use super::panes::inquiry::Found;

/// A message from a task to the screen. Messages of tasks that were started for an earlier user are discarded.
#[derive(Debug)]
pub struct Message {
    visit: u64,
    message: AppMessage,
}

/// The content of a message from a task.
#[derive(Debug)]
pub(super) enum AppMessage {
    /// Result of one step of the line with this number: a command was answered; and the user of that moment.
    Answered(u64, Arc<Identity>, Result<Answer, ShellError>),
    /// Transfers of a group that the line with this number has begun, or why there is nobody to begin them for.
    Begun(u64, Result<Vec<Started>, ShellError>),
    /// Result of a transfer that the line with this number has begun.
    Finished(u64, TransferId, Result<Answer, ShellError>),
    /// Notification that the line with this number waits for an operation that takes long.
    Waits(u64),
    /// Demand of the line with this number that what waits of all others is dropped, with the way back for whether anything was.
    DropWaiting(u64, oneshot::Sender<bool>),
    /// Result of a command that nobody typed, such as that of an action: the command and its answer.
    Told(String, Result<Answer, ShellError>),
    /// Result of a command that a pane opened: the command and its answer.
    Opened(String, Result<Answer, ShellError>),
    /// Result of the look-up of a pane.
    Found(Pane, Found),
    /// Answer to the question before a command: the command, and true if the user agreed to it.
    Confirmed(String, bool),
    /// Answer to the question of a line, which was passed on to the line.
    Agreed,
    /// Answer to the confirmation before leaving: true if the user confirmed it.
    Quit(bool),
    /// Answer to the confirmation before all faults are taken back.
    Heal(bool),
    /// Result of checking that the session of the user is still valid.
    Session(Result<(), AccessError>),
}

/// The way back to the screen for a task that sends more than its result.
#[derive(Debug, Clone)]
pub(super) struct Mailbox {
    visit: u64,
    messages: mpsc::UnboundedSender<Message>,
}

impl Mailbox {
    /// Sends a message to the screen.
    pub(super) fn send(&self, message: AppMessage) {
        // The receiver is dropped with the screen.
        let _ = self.messages.send(Message { visit: self.visit, message });
    }
}

/// The running tasks.
#[derive(Debug)]
pub(super) struct Tasks {
    running: JoinSet<()>,
    mailbox: Mailbox,
}

impl Tasks {
    /// Creates an empty set of tasks, and the receiver of their messages.
    pub(super) fn new() -> (Tasks, mpsc::UnboundedReceiver<Message>) {
        let (messages, inbox) = mpsc::unbounded_channel();
        (Tasks { running: JoinSet::new(), mailbox: Mailbox { visit: 0, messages } }, inbox)
    }

    /// Starts a task whose result is a message.
    pub(super) fn spawn(&mut self, task: impl Future<Output = AppMessage> + Send + 'static) -> AbortHandle {
        let mailbox = self.mailbox();
        self.running.spawn(async move { mailbox.send(task.await) })
    }

    /// Returns the way back to the screen.
    pub(super) fn mailbox(&self) -> Mailbox {
        self.mailbox.clone()
    }

    /// Returns the content of a message, unless its task was started for an earlier user.
    pub(super) fn receive(&self, message: Message) -> Option<AppMessage> {
        (message.visit == self.mailbox.visit).then_some(message.message)
    }

    /// Returns true while tasks run.
    pub(super) fn are_running(&mut self) -> bool {
        while self.running.try_join_next().is_some() {}
        !self.running.is_empty()
    }

    /// Waits for the next task to end, and returns an error if it panicked; returns `None` if there is no task.
    pub(super) async fn ended(&mut self) -> Option<Result<(), JoinError>> {
        match self.running.join_next().await? {
            Err(error) if error.is_panic() => Some(Err(error)),
            _ => Some(Ok(())),
        }
    }

    /// Ends all tasks; what they have sent is discarded.
    pub(super) fn end_visit(&mut self) {
        self.mailbox.visit += 1;
        self.running.abort_all();
    }
}
