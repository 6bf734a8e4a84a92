//! The user of the screen: questions to the user, the data that the user may see, and the reset of the screen when the user
//! changes.

use std::sync::Arc;

use p2p_auth::mail::Unsent;
use p2p_engine::Snapshot;
use p2p_engine::transfer::{TransferId, TransferReport};
use p2p_service::access::{Access, Identity};
use p2p_service::mailer::Notice;
use p2p_shell::question::{LOG_IN, Question};
use p2p_shell::words::quote;
use p2p_store::names::FileKey;

use super::{App, AppMessage, Pane};
use crate::tui::dialog::Dialog;
use crate::tui::form::FormDialog;
use crate::tui::prompt::Prompt;
use crate::tui::theme::Role;

/// The number of files that a user may read, and their size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileCount {
    /// Number of files that the user may read.
    pub files: u64,
    /// Total size of the files in bytes.
    pub bytes: u64,
}

impl App {
    /// Returns the current user.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Returns the access of the front end, through which the user logs in.
    pub fn access(&self) -> &Access {
        self.shell.access()
    }

    /// Starts the login, or the registration of the first account if there is none.
    pub fn greet(&mut self) {
        match **self.identity() {
            Identity::Operator => self.begin("register".into()),
            Identity::Nobody => self.begin("login".into()),
            Identity::User { .. } => {}
        }
    }

    /// Carries out a command on behalf of the program.
    fn begin(&mut self, line: String) {
        self.lines.push([line]);
        self.begin_typed();
    }

    /// Shows the form of a question that a command asks.
    pub fn on_question(&mut self, mut question: Question) {
        if question.reply.is_closed() {
            return;
        }
        if let Some(notice) = self.session_notice.as_ref().filter(|_| question.form.title == LOG_IN) {
            (question.form.title, question.form.text) = ("Session expired", notice.clone());
        }
        match self.dialogs.last_mut() {
            Some(Dialog::Form(form)) if form.is_waiting() && form.form.title == question.form.title => form.ask_again(question),
            _ => {
                self.close_waiting_forms();
                self.dialogs.push(Dialog::Form(Box::new(FormDialog::new(question))));
            }
        }
    }

    /// Closes the forms whose answers have been checked.
    pub(super) fn close_waiting_forms(&mut self) {
        self.dialogs.retain(|dialog| !dialog.form().is_some_and(FormDialog::is_waiting));
    }

    /// Returns true if a dialog waits for input of the user.
    pub fn awaits_input(&self) -> bool {
        self.dialogs.last().is_some_and(|dialog| !dialog.form().is_some_and(FormDialog::is_waiting))
    }

    /// Returns true if a form shows the remaining time of a code.
    pub fn shows_a_clock(&self) -> bool {
        let code = self.dialogs.last().and_then(Dialog::form).and_then(FormDialog::code);
        code.is_some_and(|code| code.changes)
    }

    /// Returns the wall-clock time in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.access().now()
    }

    /// Updates the screen if the user has changed. Data of the previous user is removed from the screen.
    pub fn on_who(&mut self) {
        let identity = self.access().identity();
        if identity == self.identity {
            return;
        }
        let before = std::mem::replace(&mut self.identity, identity);
        // What is frozen on the screen may be what only the user before may see.
        self.view = self.access().snapshot();
        self.record_files();
        let is_shut_out = matches!((&*before, &*self.identity), (Identity::Operator, Identity::Nobody));
        if before.name() == self.identity.name() && !is_shut_out {
            return;
        }
        self.clear_away(matches!(*before, Identity::User { .. }));
        if let Some(name) = self.identity.name() {
            self.session_notice = None;
            if let Some((_, prompt)) = self.set_aside.take().filter(|(before, _)| before == name) {
                self.prompt = prompt;
            }
        }
        let came = !matches!(*self.identity, Identity::Nobody);
        if !came && self.session_notice.is_none() && self.tour.is_none() && !self.lines.has_more() {
            self.greet();
        }
    }

    /// Ends what the previous user has begun, typed and opened; removes what the user has seen if they had an account.
    fn clear_away(&mut self, had_account: bool) {
        self.visit += 1;
        let left = self.lines.keep_answered();
        self.tasks.abort_all();
        self.dialogs.clear();
        self.filter.clear();
        self.thaw();
        let said = std::mem::replace(&mut self.prompt, Prompt::with_history(self.histories.of(&self.identity))).output;
        self.focus = Pane::Prompt;
        if !had_account {
            self.prompt.output = said;
            return self.say_left(&left);
        }
        self.log.clear();
        self.variables.clear();
        (self.transfer, self.zoomed) = (None, false);
        self.selected.clear();
    }

    /// Checks in a task that the session of the user is still valid.
    pub fn look_after_session(&mut self) {
        if let Identity::User { .. } = **self.identity() {
            let access = self.access().clone();
            self.spawn(async move { AppMessage::Session(access.peek().await.map(drop)) });
        }
    }

    /// Handles the end of the session: the user has to log in again.
    pub(super) fn on_session_over(&mut self) {
        let Some(name) = self.identity.name().map(str::to_owned) else { return };
        self.lines.clear();
        self.set_aside = Some((name.clone(), std::mem::take(&mut self.prompt)));
        self.session_notice = Some(format!("The session of {name} is over. Log in to go on."));
        self.on_who();
        self.begin(format!("login {}", quote(&name)));
    }

    /// Logs the result of sending a mail, if the user may see it.
    pub fn on_mail(&mut self, notice: &Notice) {
        let is_own = matches!(&**self.identity(), Identity::User { account, .. } if account.email == notice.to);
        if !is_own && !self.identity.is_admin() {
            return;
        }
        let Notice { to, subject, outcome } = notice;
        // Lines of the log are short, and each mail has this prefix.
        let subject = subject.trim_start_matches("p2p: ");
        let (role, text) = match outcome {
            Ok(place) => (Role::Text, format!("mail {subject:?} {place}, to {to}")),
            Err(Unsent { reason, is_final: true }) => (Role::Bad, format!("mail {subject:?} is given up: {reason}, to {to}")),
            Err(Unsent { reason, .. }) => (Role::Warning, format!("mail {subject:?} is not sent: {reason}, to {to}")),
        };
        let now = self.access().virtual_now();
        self.note(now, role, text);
    }

    /// Returns the transfer whose segments are shown: the selected one, or the latest.
    pub fn shown_transfer(&self) -> Option<&Arc<TransferReport>> {
        let of = |id: TransferId| self.own_transfers().find(|report| report.status.id == id);
        self.transfer.and_then(of).or_else(|| self.own_transfers().next())
    }

    /// Returns the transfers that pass the filter, latest first.
    pub fn transfer_rows(&self) -> Vec<&Arc<TransferReport>> {
        self.own_transfers().filter(|report| self.passes(Pane::Transfers, &self.label(&report.status.file))).collect()
    }

    /// Returns the transfers that the user may see, latest first.
    fn own_transfers(&self) -> impl Iterator<Item = &Arc<TransferReport>> {
        self.view.transfers.iter().rev()
    }

    /// Returns the name of a file as the user sees it.
    pub fn label(&self, file: &FileKey) -> String {
        self.identity.shown(file)
    }

    /// Returns the number and size of the files that the user may read.
    pub fn file_count(&self) -> FileCount {
        match self.identity.is_admin() {
            true => FileCount { files: self.view.figures.storage.files, bytes: self.view.figures.storage.file_bytes },
            false => self.file_count,
        }
    }

    /// Counts the files that the user may read; for admins the engine's own count applies.
    pub(super) fn record_files(&mut self) {
        if self.identity.is_admin() {
            return;
        }
        let readable = self.view.files.files();
        let count = |count: FileCount, file: &p2p_store::manifest::FileRecord| FileCount {
            files: count.files + 1,
            bytes: count.bytes + file.size,
        };
        self.file_count = readable.fold(FileCount::default(), count);
    }

    /// Replaces the view by a snapshot.
    pub(super) fn take_view(&mut self, snapshot: Arc<Snapshot>) {
        let is_same = snapshot.files.is_same(&self.view.files);
        self.view = snapshot;
        if !is_same {
            self.record_files();
        }
    }
}
