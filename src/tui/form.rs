//! A form on the screen: the state of its fields, the keys that fill them in, and the sender of the answer.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use p2p_auth::Secret;
use p2p_shell::qr;
use p2p_shell::question::{CodeField, Field, FieldError, FieldKind, Form, Question, Reply, Shown};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroize;
use tokio::sync::oneshot;

use super::action::KeyHint;
use super::editor::{Edit, Editor, edit_for};
use super::masked::Masked;

/// Number of digits of a code.
pub const DIGITS: usize = 6;

/// The text that is typed into a field.
#[derive(Debug)]
pub enum Input {
    /// A text that is visible while it is typed.
    Text(Editor),
    /// A secret that is hidden while it is typed.
    Hidden(Masked),
    /// A code, typed into boxes; a backup code is typed into a line.
    Code {
        /// Text that is typed.
        typed: Masked,
        /// True if a backup code is to be typed.
        is_backup: bool,
    },
}

impl Input {
    fn new(kind: FieldKind, value: &str) -> Input {
        match kind {
            FieldKind::Text => {
                let mut editor = Editor::default();
                editor.set(value);
                Input::Text(editor)
            }
            FieldKind::Password | FieldKind::Secret | FieldKind::NewPassword | FieldKind::Repeated => {
                Input::Hidden(Masked::default())
            }
            FieldKind::Code(_) => Input::Code { typed: Masked::default(), is_backup: false },
        }
    }

    /// Clears an input that is to be typed again; visible texts stay.
    fn clear(&mut self, field: &Field) {
        match self {
            Input::Text(_) => {}
            Input::Hidden(_) => *self = Input::new(field.kind, ""),
            Input::Code { typed, .. } => *typed = Masked::default(),
        }
    }

    fn secret(&self) -> Secret {
        match self {
            Input::Text(editor) => editor.text().into(),
            Input::Hidden(typed) | Input::Code { typed, .. } => typed.secret(),
        }
    }

    /// Applies an edit. A code accepts only digits, up to its length.
    fn apply(&mut self, edit: &Edit) {
        match (self, edit) {
            (Input::Text(editor), edit) => editor.apply(edit),
            (Input::Code { typed, is_backup: false }, Edit::Insert(text)) => {
                let room = DIGITS.saturating_sub(typed.text().len());
                let digits: String = text.chars().filter(char::is_ascii_digit).take(room).collect();
                typed.apply(&Edit::Insert(digits));
            }
            (Input::Hidden(typed) | Input::Code { typed, .. }, edit) => typed.apply(edit),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Input::Text(editor) => editor.is_empty(),
            Input::Hidden(typed) | Input::Code { typed, .. } => typed.text().is_empty(),
        }
    }

    /// Returns the number of missing digits if the input is a code.
    fn missing_digits(&self) -> Option<usize> {
        match self {
            Input::Code { typed, is_backup: false } => Some(DIGITS - typed.text().len().min(DIGITS)),
            _ => None,
        }
    }
}

/// A form that is being filled in.
#[derive(Debug)]
pub struct FormDialog {
    /// Form as the command has asked it.
    pub form: Form,
    /// Inputs of the fields, in order.
    pub inputs: Vec<Input>,
    /// Index of the focused field.
    pub focus: usize,
    /// True if secrets are visible.
    pub is_revealed: bool,
    /// Lines of the QR code of the form, if it has one.
    pub qr: Option<Vec<String>>,
    /// Sender of the answer; `None` while an answer is being checked.
    reply: Option<oneshot::Sender<Reply>>,
}

impl FormDialog {
    /// Creates the dialog of a question, and focuses the first empty field.
    pub fn new(question: Question) -> FormDialog {
        let Question { form, reply } = question;
        let inputs = form.fields.iter().map(|field| Input::new(field.kind, &field.value)).collect();
        let focus = form.fields.iter().position(|field| field.value.is_empty()).unwrap_or(0);
        let qr = match &form.shown {
            Shown::App(enrolment) => qr::lines(enrolment.uri.expose_secret()),
            Shown::Codes(_) | Shown::Nothing => None,
        };
        FormDialog { form, inputs, focus, is_revealed: false, qr, reply: Some(reply) }
    }

    /// Returns true while the answer is being checked.
    pub fn is_waiting(&self) -> bool {
        self.reply.is_none()
    }

    /// Asks the same form again: the wrong fields are cleared, and the others keep their texts.
    pub fn ask_again(&mut self, question: Question) {
        let Question { form, reply } = question;
        if let Some(error) = &form.error {
            self.focus = error.field;
        }
        for (place, field) in form.fields.iter().enumerate() {
            if form.error.is_none() || form.error_at(place).is_some() {
                self.inputs[place].clear(field);
            }
        }
        self.form = form;
        self.reply = Some(reply);
    }

    /// Returns the properties of the focused field if it is a code.
    pub fn code(&self) -> Option<CodeField> {
        match self.form.fields.get(self.focus)?.kind {
            FieldKind::Code(code) => Some(code),
            _ => None,
        }
    }

    /// Returns true if the focused field takes a backup code.
    pub fn is_backup(&self) -> bool {
        matches!(self.inputs.get(self.focus), Some(Input::Code { is_backup: true, .. }))
    }

    /// Returns true if the form has secrets that can be made visible.
    pub fn has_secrets(&self) -> bool {
        self.form.fields.iter().any(|field| field.kind.is_hidden())
    }

    /// Returns the keys that go on with the form or leave it, each with what it does at the moment.
    pub fn endings(&self) -> &'static [KeyHint] {
        match self.form.fields.len() {
            _ if self.is_waiting() => &[("Esc", "leave")],
            0 => &[("y", "I have kept them"), ("Esc", "leave")],
            // A code is submitted with its last digit.
            1 if self.code().is_some() && !self.is_backup() => &[("Esc", "leave")],
            _ => &[("Enter", "go on"), ("Esc", "leave")],
        }
    }

    /// Handles a key while the form is open.
    pub fn handle(&mut self, key: &KeyEvent) {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let last = self.form.fields.len().saturating_sub(1);
        match key.code {
            _ if self.is_waiting() => {}
            // A user who types a code may press Enter after its last digit. The form that follows is therefore confirmed by
            // another key.
            KeyCode::Char('y' | 'Y') if self.form.fields.is_empty() => self.give(),
            KeyCode::Tab | KeyCode::Down => self.go_to(if self.focus == last { 0 } else { self.focus + 1 }),
            KeyCode::BackTab | KeyCode::Up => self.go_to(self.focus.checked_sub(1).unwrap_or(last)),
            KeyCode::Enter if self.form.fields.is_empty() || self.is_wrong(self.focus) => {}
            KeyCode::Enter if self.focus < last => self.focus += 1,
            // An incomplete code would count as a wrong one.
            KeyCode::Enter if self.inputs.get(self.focus).and_then(Input::missing_digits).is_some_and(|count| count > 0) => {}
            KeyCode::Enter => {
                // Fields that were left with an error are checked again.
                match (0..self.form.fields.len()).find(|&place| self.is_wrong(place)) {
                    Some(place) => self.focus = place,
                    None => self.give(),
                }
            }
            KeyCode::Char('t') if control && self.has_secrets() => self.is_revealed = !self.is_revealed,
            KeyCode::Char('n') if control && self.code().is_some_and(|code| code.can_be_sent_again) => {
                if self.is_backup() {
                    self.switch_backup();
                }
                self.send(Reply::SendAgain);
            }
            KeyCode::Char('b') if control && self.code().is_some_and(|code| code.or_backup_code) => self.switch_backup(),
            _ => {
                if let Some(edit) = edit_for(key) {
                    self.apply(&edit);
                }
            }
        }
    }

    /// Moves the focus to another field, and shows the error of the current one if it is not empty.
    fn go_to(&mut self, place: usize) {
        let is_empty = self.inputs.get(self.focus).is_none_or(Input::is_empty);
        if !is_empty {
            self.is_wrong(self.focus);
        }
        self.focus = place;
    }

    /// Returns true if a field is invalid by itself, and shows its error then.
    fn is_wrong(&mut self, place: usize) -> bool {
        let wrong = self.form.fields[place].wrong(self.inputs[place].secret().expose_secret());
        let error = wrong.map(|message| FieldError { field: place, message });
        let is_wrong = error.is_some();
        self.form.error = error.or(self.form.error.take());
        is_wrong
    }

    /// Handles a pasted text: only its first line is used, since a field has a single line.
    pub fn paste(&mut self, text: &str) {
        if !self.is_waiting() {
            let mut edit = Edit::Insert(text.trim().lines().next().unwrap_or_default().trim().to_owned());
            self.apply(&edit);
            if let Edit::Insert(text) = &mut edit {
                text.zeroize();
            }
        }
    }

    fn apply(&mut self, edit: &Edit) {
        let Some(input) = self.inputs.get_mut(self.focus) else { return };
        input.apply(edit);
        // The error disappears as soon as the field is edited.
        self.form.error.take_if(|error| error.field == self.focus);
        // A code is complete with its last digit, and is submitted at once.
        if matches!(edit, Edit::Insert(_)) && input.missing_digits() == Some(0) {
            self.give();
        }
    }

    /// Switches between six digits and a backup code.
    fn switch_backup(&mut self) {
        if let Some(Input::Code { typed, is_backup }) = self.inputs.get_mut(self.focus) {
            *typed = Masked::default();
            *is_backup = !*is_backup;
            // The error concerned the other kind of code.
            self.form.error = None;
        }
    }

    fn give(&mut self) {
        let given = self.inputs.iter().map(Input::secret).collect();
        self.send(Reply::Given(given));
    }

    fn send(&mut self, answer: Reply) {
        if let Some(reply) = self.reply.take() {
            // The task that asked may have ended.
            let _ = reply.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn control(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    fn ask(form: Form) -> (FormDialog, oneshot::Receiver<Reply>) {
        let (reply, answer) = oneshot::channel();
        (FormDialog::new(Question { form, reply }), answer)
    }

    fn type_in(dialog: &mut FormDialog, text: &str) {
        for c in text.chars() {
            dialog.handle(&key(KeyCode::Char(c)));
        }
    }

    fn given(answer: &mut oneshot::Receiver<Reply>) -> Vec<String> {
        match answer.try_recv() {
            Ok(Reply::Given(texts)) => texts.iter().map(|text| text.expose_secret().to_owned()).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn login() -> Form {
        Form::new("Log in").with_value("User name", None).with("Password", FieldKind::Password)
    }

    #[test]
    fn fields_are_filled_in_in_order_and_out_of_it() {
        let (mut dialog, mut answer) = ask(login());
        type_in(&mut dialog, "alice");
        dialog.handle(&key(KeyCode::Enter));
        type_in(&mut dialog, "secret t");
        for code in [KeyCode::BackTab, KeyCode::Backspace, KeyCode::Char('A'), KeyCode::Down] {
            dialog.handle(&key(code));
        }
        assert!(!dialog.is_waiting());
        dialog.handle(&key(KeyCode::Enter));
        assert!(dialog.is_waiting());
        assert_eq!(given(&mut answer), ["alicA", "secret t"]);
        // Nothing is taken while somebody looks at it.
        type_in(&mut dialog, "x");
        assert_eq!(dialog.inputs[1].secret().expose_secret(), "secret t");
    }

    #[test]
    fn what_was_wrong_is_typed_anew_and_the_rest_stays() {
        let (mut dialog, mut answer) = ask(login());
        type_in(&mut dialog, "alice");
        dialog.handle(&key(KeyCode::Tab));
        type_in(&mut dialog, "wrong");
        dialog.handle(&key(KeyCode::Enter));
        assert_eq!(given(&mut answer), ["alice", "wrong"]);
        let (reply, mut answer) = oneshot::channel();
        let error = Some(FieldError { field: 1, message: "wrong".into() });
        dialog.ask_again(Question { form: Form { error, ..login() }, reply });
        assert_eq!(dialog.focus, 1);
        type_in(&mut dialog, "right");
        dialog.handle(&key(KeyCode::Enter));
        assert_eq!(given(&mut answer), ["alice", "right"]);
    }

    #[test]
    fn a_code_is_given_with_its_last_digit_typed_or_pasted() {
        let field = CodeField { changes: true, can_be_sent_again: true, or_backup_code: true };
        let form = || Form::new("Second factor").with("Code", FieldKind::Code(field));
        let (mut dialog, mut answer) = ask(form());
        type_in(&mut dialog, "12x345");
        dialog.handle(&key(KeyCode::Enter));
        assert!(!dialog.is_waiting());
        dialog.handle(&key(KeyCode::Backspace));
        type_in(&mut dialog, "56");
        assert_eq!(given(&mut answer), ["123456"]);
        let (mut dialog, mut answer) = ask(form());
        dialog.paste(" 123 456\n");
        assert_eq!(given(&mut answer), ["123456"]);
        let (mut dialog, mut answer) = ask(form());
        dialog.handle(&control('b'));
        dialog.paste("abcd-efgh-ijkl-mnop");
        dialog.handle(&key(KeyCode::Enter));
        assert_eq!(given(&mut answer), ["abcd-efgh-ijkl-mnop"]);
        let (mut dialog, mut answer) = ask(form());
        dialog.handle(&control('b'));
        dialog.handle(&control('n'));
        assert!(!dialog.is_backup());
        assert!(matches!(answer.try_recv(), Ok(Reply::SendAgain)) && dialog.is_waiting());
    }

    #[test]
    fn what_is_wrong_by_itself_is_told_at_once() {
        let name = |text: &str| if text.contains('!') { Err("no name".into()) } else { Ok(()) };
        let form = Form::new("Register").with_checked("User name", None, name).with("Password", FieldKind::NewPassword);
        let (mut dialog, mut answer) = ask(form);
        type_in(&mut dialog, "bob!");
        dialog.handle(&key(KeyCode::Enter));
        let error = |dialog: &FormDialog| dialog.form.error.as_ref().map(|error| (error.field, error.message.clone()));
        assert_eq!((dialog.focus, error(&dialog)), (0, Some((0, "no name".into()))));
        // It is gone when it is mended; Tab goes on all the same.
        dialog.handle(&key(KeyCode::Backspace));
        assert_eq!(error(&dialog), None);
        type_in(&mut dialog, "!");
        dialog.handle(&key(KeyCode::Tab));
        assert_eq!((dialog.focus, error(&dialog).unwrap().0), (1, 0));
        type_in(&mut dialog, "correct horse battery");
        dialog.handle(&key(KeyCode::Enter));
        assert!(dialog.focus == 0 && !dialog.is_waiting());
        dialog.handle(&key(KeyCode::Backspace));
        dialog.handle(&key(KeyCode::Tab));
        dialog.handle(&key(KeyCode::Enter));
        assert_eq!(given(&mut answer), ["bob", "correct horse battery"]);
    }

    #[test]
    fn a_pasted_line_is_the_first() {
        let (mut dialog, _answer) = ask(login());
        dialog.paste("alice\ncorrect horse battery\n");
        assert_eq!(dialog.inputs[0].secret().expose_secret(), "alice");
    }

    #[test]
    fn leaving_a_form_tells_whoever_asked() {
        let (dialog, mut answer) = ask(login());
        drop(dialog);
        assert!(matches!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
    }
}
