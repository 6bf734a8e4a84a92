//! Questions that only the person at a front end can answer: forms with fields, and what is to be seen with them. Every front
//! end asks them in its own way; what is typed into them is in no line, no history and no recording.
//!
//! Knows nothing of what the answers are for.

use tokio::sync::oneshot;

use crate::auth::otp::Enrolment;
use crate::auth::{Secret, password};

/// The heading of the form in which somebody logs in.
pub const LOG_IN: &str = "Log in";

/// Something to fill in.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// Its heading.
    pub title: &'static str,
    /// What there is to know first; may be empty.
    pub text: String,
    /// Whose secrets are asked for, where that is known before; may be empty.
    pub user: String,
    /// What is to be seen this once.
    pub shown: Shown,
    /// What is asked. Where nothing is, seeing it is the answer.
    pub fields: Vec<Field>,
    /// What was wrong with the last answer.
    pub error: Option<FieldError>,
}

/// What is to be seen with a form, and nowhere else.
#[derive(Debug, Clone, Default)]
pub enum Shown {
    /// Nothing.
    #[default]
    Nothing,
    /// What an authenticator app is set up with.
    App(Enrolment),
    /// Backup codes.
    Codes(Vec<Secret>),
}

/// Something that is asked.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: FieldKind,
    /// What is there already, where it is no secret.
    pub value: String,
    check: Check,
}

/// What is wrong with a text by itself, whatever else is filled in.
type Check = fn(&str) -> Result<(), String>;

impl Field {
    /// What is wrong with a text by itself, so that it can be told before the rest is filled in.
    pub fn wrong(&self, text: &str) -> Option<String> {
        (self.check)(text).err()
    }
}

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text that everybody may see.
    Text,
    /// A password that is known.
    Password,
    /// A password that is chosen now.
    NewPassword,
    /// The same once more.
    Repeated,
    /// Six digits.
    Code(CodeField),
}

/// What there is to know of a code while it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CodeField {
    /// It changes every 30 seconds.
    pub changes: bool,
    /// Another one can be mailed.
    pub can_be_sent_again: bool,
    /// A backup code does as well.
    pub or_backup_code: bool,
}

impl FieldKind {
    /// Whether it is not to be seen while it is typed. A code is worth nothing once it is used.
    pub const fn is_hidden(self) -> bool {
        matches!(self, FieldKind::Password | FieldKind::NewPassword | FieldKind::Repeated)
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Its place in the form.
    pub field: usize,
    /// What is wrong.
    pub message: String,
}

/// What somebody answers.
#[derive(Debug)]
pub enum Reply {
    /// A text for each field.
    Given(Vec<Secret>),
    /// Another code is to be mailed.
    SendAgain,
    /// There is nobody to ask; why, and what to do.
    Unable(String),
}

/// A form, and where its answer goes. One that is dropped means that somebody does not want to.
#[derive(Debug)]
pub struct Question {
    /// The form.
    pub form: Form,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Reply>,
}

impl Form {
    /// A form of this heading, with nothing in it.
    pub fn new(title: &'static str) -> Form {
        Form { title, ..Form::default() }
    }

    /// The same, for the secrets of a user.
    #[must_use]
    pub fn of(self, user: &str) -> Form {
        Form { user: user.to_owned(), ..self }
    }

    /// The same, with something to know first.
    #[must_use]
    pub fn with_text(self, text: impl Into<String>) -> Form {
        Form { text: text.into(), ..self }
    }

    /// The same, with one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, kind: FieldKind) -> Form {
        let check: Check = match kind {
            FieldKind::NewPassword => |text| password::check_alone(text).map_err(|error| error.to_string()),
            _ => |_| Ok(()),
        };
        self.fields.push(Field { name, kind, value: String::new(), check });
        self
    }

    /// The same, with a field in which something is there already.
    #[must_use]
    pub fn with_value(self, name: &'static str, value: Option<&str>) -> Form {
        self.with_checked(name, value, |_| Ok(()))
    }

    /// The same, where not everything can be right.
    #[must_use]
    pub fn with_checked(mut self, name: &'static str, value: Option<&str>, check: Check) -> Form {
        self.fields.push(Field { name, kind: FieldKind::Text, value: value.unwrap_or_default().to_owned(), check });
        self
    }
}
