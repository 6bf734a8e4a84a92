//! Who uses the screen: what is asked of them, what they see, and what becomes of the screen when somebody else comes. Knows
//! nothing of how anybody is checked.

use std::sync::Arc;

use super::{App, News, Pane};
use crate::access::{Access, Who};
use crate::auth::mail::Unsent;
use crate::engine::transfer::{TransferId, TransferReport};
use crate::engine::{Event, Snapshot};
use crate::mailer::Notice;
use crate::shell::question::{LOG_IN, Question};
use crate::shell::words::quote;
use crate::storage::manifest::FileKey;
use crate::tui::dialog::Dialog;
use crate::tui::form::FormDialog;
use crate::tui::prompt::Prompt;
use crate::tui::theme::Role;

/// How many files somebody may read, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileCount {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl App {
    /// Who uses the screen.
    pub fn who(&self) -> &Arc<Who> {
        &self.who
    }

    /// The door that they go through.
    pub fn access(&self) -> &Access {
        self.shell.access()
    }

    /// Asks whoever has come to log in, or to make the first account.
    pub fn greet(&mut self) {
        match **self.who() {
            Who::Operator => self.begin("register".into()),
            Who::Nobody => self.begin("login".into()),
            Who::User(_) => {}
        }
    }

    /// A command that nobody has typed.
    fn begin(&mut self, line: String) {
        self.lines.push([line]);
        self.begin_typed();
    }

    /// A command has something to ask.
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

    /// What was filled in has been looked at.
    pub(super) fn close_waiting_forms(&mut self) {
        self.dialogs.retain(|dialog| !dialog.form().is_some_and(FormDialog::is_waiting));
    }

    /// Whether a key is awaited before anything goes on.
    pub fn awaits_input(&self) -> bool {
        self.dialogs.last().is_some_and(|dialog| !dialog.form().is_some_and(FormDialog::is_waiting))
    }

    /// Whether a form shows how time passes.
    pub fn shows_a_clock(&self) -> bool {
        let code = self.dialogs.last().and_then(Dialog::form).and_then(FormDialog::code);
        code.is_some_and(|code| code.changes)
    }

    /// The wall clock, in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.access().now()
    }

    /// Somebody else may have come, or gone. What was on the screen for the one before is for nobody else.
    pub fn on_who(&mut self) {
        let who = self.access().who();
        if who == self.who {
            return;
        }
        let before = std::mem::replace(&mut self.who, who);
        self.note_files();
        let is_shut_out = matches!((&*before, &*self.who), (Who::Operator, Who::Nobody));
        if before.name() == self.who.name() && !is_shut_out {
            return;
        }
        self.clear_away(matches!(*before, Who::User(_)));
        if let Some(name) = self.who.name() {
            self.session_notice = None;
            if let Some((_, prompt)) = self.set_aside.take().filter(|(before, _)| before == name) {
                self.prompt = prompt;
            }
        }
        let came = !matches!(*self.who, Who::Nobody);
        if !came && self.session_notice.is_none() && self.tour.is_none() && !self.lines.has_more() {
            self.greet();
        }
    }

    /// Takes what somebody has begun, typed and opened off the screen, and what they have seen where they had an account.
    fn clear_away(&mut self, had_account: bool) {
        self.visit += 1;
        let left = self.lines.keep_answered();
        self.tasks.abort_all();
        self.dialogs.clear();
        self.filter.clear();
        self.thaw();
        let said = std::mem::replace(&mut self.prompt, Prompt::with_history(self.histories.of(&self.who))).output;
        self.focus = Pane::Prompt;
        if !had_account {
            self.prompt.output = said;
            return self.say_left(&left);
        }
        self.log.clear();
        self.variables.clear();
        self.seen_transfers.clear();
        (self.transfer, self.zoomed) = (None, false);
        self.selected.clear();
    }

    /// Looks whether the session still lasts.
    pub fn look_after_session(&mut self) {
        if let Who::User(_) = **self.who() {
            let access = self.access().clone();
            self.spawn(async move { News::Session(access.peek().await.map(drop)) });
        }
    }

    /// The session is over: whoever it was has to log in again.
    pub(super) fn on_session_over(&mut self) {
        let Some(name) = self.who.name().map(str::to_owned) else { return };
        self.lines.clear();
        self.set_aside = Some((name.clone(), std::mem::take(&mut self.prompt)));
        self.session_notice = Some(format!("The session of {name} is over. Log in to go on."));
        self.on_who();
        self.begin(format!("login {}", quote(&name)));
    }

    /// A mail has been sent, or has not.
    pub fn on_mail(&mut self, notice: &Notice) {
        let is_own = matches!(&**self.who(), Who::User(account) if account.email == notice.to);
        if !is_own && !self.who.is_admin() {
            return;
        }
        let Notice { to, subject, outcome } = notice;
        // Lines of the log are short, and every mail is from here.
        let subject = subject.trim_start_matches("p2p: ");
        let (role, text) = match outcome {
            Ok(place) => (Role::Text, format!("mail {subject:?} {place}, to {to}")),
            Err(Unsent { reason, is_final: true }) => (Role::Bad, format!("mail {subject:?} is given up: {reason}, to {to}")),
            Err(Unsent { reason, .. }) => (Role::Warning, format!("mail {subject:?} is not sent: {reason}, to {to}")),
        };
        let now = self.shell.engine().snapshots().borrow().at;
        self.note(now, role, text);
    }

    /// Whether an event is for whoever uses the screen.
    pub(super) fn may_see(&self, event: &Event) -> bool {
        let may_see_file = |file: &FileKey| self.who.may_change(file);
        match event {
            Event::TransferStarted { user, .. } | Event::TransferFinished { user, .. } | Event::TransferFailed { user, .. } => {
                self.who.may_see_what_began(user.as_deref())
            }
            Event::Segment { transfer, .. } | Event::SegmentRetried { transfer, .. } => self.seen_transfers.contains(transfer),
            Event::FileStored { file, .. } | Event::FileRemoved { file } => may_see_file(file),
            Event::FileShared { file, user, .. } => may_see_file(file) || self.who.name() == Some(user),
            _ => true,
        }
    }

    /// The transfer whose segments are shown: the selected one, or the latest.
    pub fn shown_transfer(&self) -> Option<&Arc<TransferReport>> {
        let of = |id: TransferId| self.own_transfers().find(|report| report.status.id == id);
        self.transfer.and_then(of).or_else(|| self.own_transfers().next())
    }

    /// The transfers as the pane shows them: the latest first.
    pub fn transfer_rows(&self) -> Vec<&Arc<TransferReport>> {
        self.own_transfers().filter(|report| self.passes(Pane::Transfers, &self.label(&report.status.file))).collect()
    }

    /// The transfers that whoever uses the screen may see, latest first.
    fn own_transfers(&self) -> impl Iterator<Item = &Arc<TransferReport>> {
        self.view.transfers.iter().rev().filter(|report| self.who.began(&report.status))
    }

    /// What whoever uses the screen calls a file.
    pub fn label(&self, file: &FileKey) -> String {
        self.who.shown(file)
    }

    /// How many files whoever uses the screen may read.
    pub fn file_count(&self) -> FileCount {
        match self.who.is_admin() {
            true => FileCount { files: self.view.storage.files, bytes: self.view.storage.file_bytes },
            false => self.file_count,
        }
    }

    /// Counts the files that whoever uses the screen may read; who may read all is told the engine's own count.
    pub(super) fn note_files(&mut self) {
        if self.who.is_admin() {
            return;
        }
        let readable = self.view.files.values().filter(|file| self.who.may_read(file));
        let count = |count: FileCount, file: &crate::storage::manifest::FileRecord| FileCount {
            files: count.files + 1,
            bytes: count.bytes + file.size,
        };
        self.file_count = readable.fold(FileCount::default(), count);
    }

    /// What stands is shown from now on.
    pub(super) fn take_view(&mut self, snapshot: Arc<Snapshot>) {
        let is_same = Arc::ptr_eq(&snapshot.files, &self.view.files);
        self.view = snapshot;
        if !is_same {
            self.note_files();
        }
    }
}
