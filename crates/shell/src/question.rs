//! Questions that only the user of a front end can answer: forms with fields, and contents that are shown with them. Each front
//! end asks them in its own way; the answers are part of no line, no history and no recording.

use p2p_auth::otp::Enrolment;
use p2p_auth::{Secret, password};
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

/// Heading of the login form.
pub const LOG_IN: &str = "Log in";
/// Name of the field of a question that takes a yes or a no.
pub const YES_OR_NO: &str = "y/N";

/// A form that the user fills in.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// Heading of the form.
    pub title: &'static str,
    /// Explanation above the fields; may be empty.
    pub text: String,
    /// Name of the user whose secrets the form asks for, if it is known beforehand; may be empty.
    pub user: String,
    /// Secrets that are shown with the form, once.
    pub shown: Shown,
    /// Fields of the form. Without fields, showing the form is the answer.
    pub fields: Vec<Field>,
    /// Error of the last answer.
    pub error: Option<FieldError>,
    /// True if the only field takes a yes or a no, and anything but a yes is a no.
    pub is_confirmation: bool,
}

/// Secrets that are shown with a form and nowhere else.
#[derive(Debug, Clone, Default)]
pub enum Shown {
    /// No secrets are shown.
    #[default]
    Nothing,
    /// Secret for setting up an authenticator app.
    App(Enrolment),
    /// Backup codes of the second factor.
    Codes(Vec<Secret>),
}

/// A field of a form.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name of the field.
    pub name: &'static str,
    /// Kind of the text that the field takes.
    pub kind: FieldKind,
    /// Text that the field contains beforehand; never a secret.
    pub value: String,
    check: Check,
}

/// A check of a field's text that does not depend on other fields; returns the error message.
type Check = fn(&str) -> Result<(), String>;

impl Field {
    /// Returns the error of a text that is invalid by itself, so that it can be shown before the other fields are filled in.
    pub fn wrong(&self, text: &str) -> Option<String> {
        (self.check)(text).err()
    }

    /// Returns what a user is asked at a prompt: the name of the field, and what else is an answer.
    pub fn prompt(&self) -> String {
        let code = if let FieldKind::Code(code) = self.kind { code } else { CodeField::default() };
        let or_backup = if code.or_backup_code { ", or a backup code" } else { "" };
        let again = if code.can_be_sent_again { " (nothing for another one)" } else { "" };
        format!("{}{or_backup}{again}", self.name)
    }

    /// Returns true if an empty answer asks for another code.
    pub const fn can_be_sent_again(&self) -> bool {
        matches!(self.kind, FieldKind::Code(CodeField { can_be_sent_again: true, .. }))
    }
}

/// The kind of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text that may be visible.
    Text,
    /// The current password of the user.
    Password,
    /// Another secret, as of another machine: the environment has none of them.
    Secret,
    /// A password that is chosen now.
    NewPassword,
    /// The text of the previous field once more.
    Repeated,
    /// A code of six digits.
    Code(CodeField),
}

/// The properties of a code field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CodeField {
    /// True if the code changes every 30 seconds.
    pub changes: bool,
    /// True if another code can be mailed.
    pub can_be_sent_again: bool,
    /// True if a backup code is accepted as well.
    pub or_backup_code: bool,
}

impl FieldKind {
    /// Returns true if the text must not be visible while it is typed. A code may be visible, since it is invalid once it is
    /// used.
    pub const fn is_hidden(self) -> bool {
        matches!(self, FieldKind::Password | FieldKind::Secret | FieldKind::NewPassword | FieldKind::Repeated)
    }
}

/// An error of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Index of the field in the form.
    pub field: usize,
    /// Error message for the user.
    pub message: String,
}

/// The reply to a question.
#[derive(Debug)]
pub enum Reply {
    /// Text of each field, in order.
    Given(Vec<Secret>),
    /// Request to mail another code.
    SendAgain,
    /// Absence of a user to ask, with the reason and the remedy.
    Unable(String),
}

/// A form with the sender for its reply. Dropping it means that the user gives up.
#[derive(Debug)]
pub struct Question {
    /// Form to be filled in.
    pub form: Form,
    /// Sender of the reply.
    pub reply: oneshot::Sender<Reply>,
}

impl Form {
    /// Creates an empty form with a heading.
    pub fn new(title: &'static str) -> Form {
        Form { title, ..Form::default() }
    }

    /// Creates the question if something is to be done, with what that means.
    pub fn confirmation(title: &'static str, text: impl Into<String>) -> Form {
        Form { is_confirmation: true, ..Form::new(title).with_text(text) }.with(YES_OR_NO, FieldKind::Text)
    }

    /// Returns true if the answers to such a question agree.
    pub fn agrees(answers: &[Secret]) -> bool {
        answers.first().is_some_and(|answer| ["y", "yes"].contains(&answer.expose_secret().trim().to_lowercase().as_str()))
    }

    /// Returns the error of the last answer if it concerns the field at an index. A repeated field is asked again together with the field
    /// that it repeats.
    pub fn error_at(&self, place: usize) -> Option<&FieldError> {
        let is_repeated = self.fields[place].kind == FieldKind::Repeated;
        self.error.as_ref().filter(|error| error.field == place || is_repeated && error.field + 1 == place)
    }

    /// Returns the form with the user whose secrets it asks for.
    #[must_use]
    pub fn of(self, user: &str) -> Form {
        Form { user: user.to_owned(), ..self }
    }

    /// Returns the form with an explanation above the fields.
    #[must_use]
    pub fn with_text(self, text: impl Into<String>) -> Form {
        Form { text: text.into(), ..self }
    }

    /// Returns the form with one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, kind: FieldKind) -> Form {
        let check: Check = match kind {
            FieldKind::NewPassword => |text| password::check_alone(text).map_err(|error| error.to_string()),
            _ => |_| Ok(()),
        };
        self.fields.push(Field { name, kind, value: String::new(), check });
        self
    }

    /// Returns the form with one more text field that contains `value` beforehand.
    #[must_use]
    pub fn with_value(self, name: &'static str, value: Option<&str>) -> Form {
        self.with_checked(name, value, |_| Ok(()))
    }

    /// Returns the form with one more text field, which `check` validates and which contains `value` beforehand.
    #[must_use]
    pub fn with_checked(mut self, name: &'static str, value: Option<&str>, check: Check) -> Form {
        self.fields.push(Field { name, kind: FieldKind::Text, value: value.unwrap_or_default().to_owned(), check });
        self
    }
}
