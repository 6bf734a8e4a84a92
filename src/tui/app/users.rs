//! The user of the screen: questions to the user, the data that the user may see, and the reset of the screen when the user
//! changes.

use std::sync::Arc;

use p2p_auth::mail::Unsent;
use p2p_service::access::Identity;
use p2p_service::mailer::Notice;
use p2p_shell::history::Histories;
use p2p_shell::question::{LOG_IN, Question, Reply};
use p2p_shell::sentence::capitalised;
use p2p_shell::words::quote;

use super::{App, AppMessage, Pane};
use crate::prompts::shut_out;
use crate::tui::dialog::Dialog;
use crate::tui::form::FormDialog;
use crate::tui::prompt::Prompt;
use crate::tui::theme::Role;
use crate::tui::tour::Tour;
use crate::tui::welcome::Welcome;

/// The current user, and what is kept for the one whose session has expired.
#[derive(Debug)]
pub(super) struct Visitor {
    identity: Arc<Identity>,
    histories: Histories,
    /// Title and text of the next login form, if the user did not ask for it: a session has expired, or the first account was made elsewhere.
    notice: Option<(&'static str, String)>,
    /// Name of the user whose session has expired, and their prompt, which is restored if they log in again.
    set_aside: Option<(String, Prompt)>,
}

impl Visitor {
    /// Creates the visit of a user.
    pub(super) fn new(identity: Arc<Identity>, histories: Histories) -> Visitor {
        Visitor { identity, histories, notice: None, set_aside: None }
    }

    /// Returns the current user.
    pub(super) fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Returns an empty prompt with the history of the user.
    pub(super) fn prompt(&self) -> Prompt {
        Prompt::with_history(self.histories.of(&self.identity))
    }

    /// Forgets why the user has to log in.
    pub(super) fn drop_notice(&mut self) {
        self.notice = None;
    }

    /// Returns the prompt that was set aside for the user who has logged in, and forgets why that was needed.
    fn welcome(&mut self) -> Option<Prompt> {
        let name = self.identity.name()?;
        self.notice = None;
        self.set_aside.take().filter(|(before, _)| before == name).map(|(_, prompt)| prompt)
    }
}

impl App {
    /// Starts the login, or offers what can be done where there is no account yet.
    pub fn greet(&mut self) {
        match **self.identity() {
            Identity::Operator => self.dialogs.push(Dialog::Welcome(Welcome::default())),
            Identity::Nobody => self.begin("login".into()),
            Identity::User { .. } => {}
        }
    }

    /// Carries out a command on behalf of the program.
    pub(super) fn begin(&mut self, line: String) {
        self.lines.push([line]);
        self.begin_typed();
    }

    /// Shows the form of a question that a command asks: the same form again, or another one in the place of the one whose answer has been
    /// checked, so that what lies above it stays there.
    pub fn on_question(&mut self, mut question: Question) {
        if question.reply.is_closed() {
            return;
        }
        if let Some(notice) = self.visitor.notice.as_ref().filter(|_| question.form.title == LOG_IN) {
            (question.form.title, question.form.text) = notice.clone();
        }
        if question.form.is_confirmation {
            return self.ask_yes_or_no(question);
        }
        match self.dialogs.iter_mut().rev().find(|dialog| dialog.is_waiting_form()) {
            Some(Dialog::Form(form)) if form.form.title == question.form.title => form.ask_again(question),
            Some(before) => *before = Dialog::Form(Box::new(FormDialog::new(question))),
            None => self.dialogs.push(Dialog::Form(Box::new(FormDialog::new(question)))),
        }
        self.close_waiting_forms();
    }

    /// Asks what takes a yes or a no alone; anything but a yes drops the question.
    fn ask_yes_or_no(&mut self, Question { form, reply }: Question) {
        let text = format!("{}\n\nCarry it out? (y/n)", form.text);
        self.confirm(form.title, text, |yes| {
            // The line that asked may have been interrupted.
            let _ = yes.then(|| reply.send(Reply::Given(vec!["y".into()])));
            AppMessage::Agreed
        });
    }

    /// Closes the forms whose answers have been checked.
    pub(super) fn close_waiting_forms(&mut self) {
        self.dialogs.retain(|dialog| !dialog.is_waiting_form());
    }

    /// Returns true if a dialog waits for input of the user.
    pub fn awaits_input(&self) -> bool {
        self.dialogs.last().is_some_and(|dialog| !dialog.is_waiting_form())
    }

    /// Returns true if the screen shows what changes by the second without any word of it: the remaining time of a code in a form, or the
    /// figures of services.
    pub fn shows_a_clock(&self) -> bool {
        let code = self.dialogs.last().and_then(Dialog::form).and_then(FormDialog::code);
        let counts = !self.view.is_frozen() && self.view.doors().is_some_and(|doors| !doors.is_empty());
        code.is_some_and(|code| code.changes) || (counts && self.workspace.area_of(Pane::Services).is_some())
    }

    /// Returns the wall-clock time in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.access().now()
    }

    /// Updates the screen if the user has changed. Data of the previous user is removed from the screen.
    pub fn on_who(&mut self) {
        let identity = self.access().identity();
        if identity == *self.identity() {
            return;
        }
        let before = std::mem::replace(&mut self.visitor.identity, identity);
        self.view.show_to(&self.visitor.identity, self.shell.access().snapshot());
        let is_shut_out = matches!((&*before, &**self.identity()), (Identity::Operator, Identity::Nobody));
        if before.name() == self.identity().name() && !is_shut_out {
            return;
        }
        let under_way = self.lines.transfers_under_way();
        if is_shut_out {
            // Whoever was at the screen may carry nothing out any more.
            let ended = self.lines.clear();
            self.say_ended(&ended);
        }
        self.clear_away(matches!(*before, Identity::User { .. }));
        if is_shut_out {
            return self.tell_shut_out(under_way);
        }
        if let Some(prompt) = self.visitor.welcome() {
            *self.prompt_mut() = prompt;
        }
        let came = !matches!(**self.identity(), Identity::Nobody);
        if !came && self.visitor.notice.is_none() && !self.is_touring() && !self.lines.has_more() {
            self.greet();
        }
    }

    /// Says that somebody elsewhere has made the first account, and what becomes of the transfers that were begun here before; asks for a login.
    fn tell_shut_out(&mut self, under_way: usize) {
        let told = shut_out(self.access());
        let goes_on = match under_way {
            0 => String::new(),
            1 => "; the transfer that was begun here goes on".to_owned(),
            count => format!("; the {count} transfers that were begun here go on"),
        };
        let now = self.access().virtual_now();
        self.say(Role::Warning, &format!("{told}{goes_on}"));
        self.view.note(now, Role::Warning, told.clone());
        if !self.is_touring() {
            self.visitor.notice = Some((LOG_IN, format!("{}.", capitalised(&told))));
            self.greet();
        }
    }

    /// Ends what the previous user has begun, typed and opened; removes what the user has seen if they had an account.
    fn clear_away(&mut self, had_account: bool) {
        let ended = self.lines.keep_answered();
        self.tasks.end_visit();
        self.dialogs.clear();
        self.thaw();
        let prompt = self.visitor.prompt();
        let mut before = std::mem::replace(self.prompt_mut(), prompt);
        self.focus_on(Pane::Prompt);
        self.panes.forget();
        self.take_settings();
        if !had_account {
            self.prompt_mut().take_output(&mut before);
            return self.say_ended(&ended);
        }
        self.view.forget();
        self.variables.clear();
        self.workspace.zoom(false);
    }

    /// Checks in a task that the session of the user is still valid, or that there is still no account.
    pub fn look_after_session(&mut self) {
        if **self.identity() != Identity::Nobody {
            let access = self.access().clone();
            self.tasks.spawn(async move { AppMessage::Session(access.peek().await.map(drop)) });
        }
    }

    /// Returns true if the session of the user has ended, which the screen does not show yet.
    pub(super) fn has_lost_session(&self) -> bool {
        matches!((&**self.identity(), &*self.access().identity()), (Identity::User { .. }, Identity::Nobody))
    }

    /// Handles the end of the session: the user has to log in again.
    pub(super) fn on_session_over(&mut self) {
        let Some(name) = self.identity().name().map(str::to_owned) else { return };
        let ended = self.lines.clear();
        self.say_ended(&ended);
        self.visitor.set_aside = Some((name.clone(), std::mem::take(self.prompt_mut())));
        self.visitor.notice = Some(("Session expired", format!("The session of {name} is over. Log in to go on.")));
        self.on_who();
        self.begin(format!("login {}", quote(&name)));
    }

    /// Logs the result of sending a mail, if the user may see it. A tour logs none before it comes to the accounts, whose users it has
    /// made and logged in before it began.
    pub fn on_mail(&mut self, notice: &Notice) {
        let is_own = matches!(&**self.identity(), Identity::User { account, .. } if account.email == notice.to);
        if !is_own && !self.identity().is_admin() {
            return;
        }
        if self.tour().is_some_and(Tour::is_before_accounts) {
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
        self.view.note(now, role, text);
    }
}
