//! Answers to the fields of a form: from the environment or a file, or else typed. If there is no user to ask, the answer names
//! the variable or option that would have provided the field.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::PathBuf;

use p2p_auth::Secret;
use p2p_auth::names::UserName;
use p2p_auth::password::strength;
use p2p_base::private_file;
use p2p_base::spelling::visible_path;
use p2p_base::text;
use p2p_service::abilities::{self, Abilities, Glyphs};
use p2p_service::output;
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use super::terminal;
use crate::qr;
use crate::question::{Field, FieldKind, Form, LOG_IN, Question, Reply, Shown};

/// Environment variable of the password.
const PASSWORD_VARIABLE: &str = "P2P_PASSWORD";
/// Environment variable of the password that replaces the current one.
const NEW_PASSWORD_VARIABLE: &str = "P2P_NEW_PASSWORD";
/// Environment variable of a one-time code.
const CODE_VARIABLE: &str = "P2P_OTP";

/// The result of looking for the answer to a field.
enum Found {
    Given(Secret),
    SendAgain,
    /// The previous field is to be answered again.
    GoBack,
    /// The user has declined to answer.
    GivenUp,
    Unable(String),
}

/// A source of answers to the questions of commands.
#[derive(Debug)]
pub struct Answers {
    password_file: Option<PathBuf>,
    terminal: Option<File>,
    lines_of_stdin: bool,
    /// Folded name of the user to whom the provided password and code belong: the first user for whom one of them was asked.
    provided_for: Option<String>,
    /// True once the provided code was used; a code is valid once.
    is_code_used: bool,
    /// Answers that were given to the form that is being filled in, so that only wrong fields are asked again.
    given: Option<(&'static str, Vec<Secret>)>,
}

impl Answers {
    /// Creates a source that reads the environment, the password file and the terminal.
    pub fn new(password_file: Option<PathBuf>) -> Answers {
        let terminal = terminal::open();
        Answers { password_file, terminal, lines_of_stdin: false, provided_for: None, is_code_used: false, given: None }
    }

    /// Lets the lines of standard input answer, if standard input is not a terminal.
    #[must_use]
    pub fn with_lines_of_stdin(self) -> Answers {
        if io::stdin().is_terminal() { self } else { Answers { lines_of_stdin: true, terminal: None, ..self } }
    }

    /// Assigns the provided password and code to a user.
    pub fn provide_for(&mut self, user: &str) {
        self.provided_for = Some(UserName::folded(user));
    }

    /// Returns true if a password is provided, by a file or by the environment.
    pub fn provides_password(&self) -> bool {
        self.password_file.is_some() || from_environment(PASSWORD_VARIABLE).is_some()
    }

    /// Answers a question, or drops it if the user gives up.
    pub async fn answer(&mut self, question: Question) {
        let Question { mut form, reply } = question;
        let mut is_shown = false;
        // Codes and secrets are shown if the form has nothing to fill in, or if there is a user to ask.
        if !matches!(form.shown, Shown::Nothing) && (form.fields.is_empty() || self.can_ask()) {
            self.show(&form, &mut is_shown);
        }
        let mut given = Vec::new();
        while given.len() < form.fields.len() {
            let answer = match self.find(&form, &given, &mut is_shown).await {
                Found::Given(text) => {
                    given.push(text);
                    continue;
                }
                Found::GoBack => {
                    given.pop();
                    (form.fields[given.len()].value, form.error, self.given) = (String::new(), None, None);
                    continue;
                }
                Found::SendAgain => Reply::SendAgain,
                Found::Unable(reason) => Reply::Unable(reason),
                Found::GivenUp => return,
            };
            // The task that asked may have ended.
            let _ = reply.send(answer);
            return;
        }
        self.given = Some((form.title, given.clone()));
        let _ = reply.send(Reply::Given(given));
    }

    /// Discards the answers that were kept for repeating the form.
    pub fn forget(&mut self) {
        self.given = None;
    }

    /// Finds the answer to the field that follows the given ones.
    async fn find(&mut self, form: &Form, given: &[Secret], is_shown: &mut bool) -> Found {
        let (field, user) = (&form.fields[given.len()], user_of(form, given));
        let mut wrong = form.error_at(given.len()).map(|error| error.message.clone());
        let is_told = wrong.is_some();
        if !is_told {
            if let Some(text) = self.given_before(form, given.len()) {
                return Found::Given(text);
            }
            match self.provided(form, field, user) {
                Ok(Some(text)) => return Found::Given(text),
                Ok(None) => {}
                Err(reason) => return Found::Unable(reason),
            }
            if !field.value.is_empty() {
                wrong = field.wrong(&field.value);
                if wrong.is_none() {
                    return Found::Given(field.value.as_str().into());
                }
            }
        }
        if !self.can_ask() {
            // The provided answer was wrong or missing, and there is no user to ask.
            return Found::Unable(wrong.unwrap_or_else(|| self.missing(form, field, user)));
        }
        self.show(form, is_shown);
        wrong.filter(|_| !is_told).inspect(|message| output::tell(message));
        loop {
            match self.typed(form, field).await {
                // An answer that is invalid by itself is asked again before the remaining fields.
                Ok(Found::Given(text)) => match field.wrong(text.expose_secret()) {
                    Some(message) => output::tell(message),
                    None => return Found::Given(text),
                },
                Ok(found) => return found,
                Err(error) => return Found::Unable(format!("cannot read an answer: {error}")),
            }
        }
    }

    /// Returns true if there is a terminal or standard input to ask at.
    fn can_ask(&self) -> bool {
        self.terminal.is_some() || self.lines_of_stdin
    }

    /// Shows the error or the introduction of a form, once. The text is no answer of the command, so that it goes to standard
    /// error.
    fn show(&self, form: &Form, is_shown: &mut bool) {
        if std::mem::replace(is_shown, true) {
            return;
        }
        match &form.error {
            Some(error) if self.terminal.is_some() => output::tell(format_args!("{} (Ctrl-C gives up)", error.message)),
            Some(error) => output::tell(&error.message),
            None => introduce(form),
        }
    }

    /// Returns the earlier answer to a field of the same form, if another field of it was wrong.
    fn given_before(&self, form: &Form, place: usize) -> Option<Secret> {
        let (title, given) = self.given.as_ref().filter(|_| form.error.is_some())?;
        given.get(place).filter(|_| *title == form.title).cloned()
    }

    /// Returns the answer that the environment or the password file provides. A password and a code belong to one user: for other
    /// users, the answer must be typed.
    fn provided(&mut self, form: &Form, field: &Field, user: &str) -> Result<Option<Secret>, String> {
        let Some(variable) = self.variable_of(form, field, user) else { return Ok(None) };
        if variable == NEW_PASSWORD_VARIABLE {
            return Ok(from_environment(variable));
        }
        if !self.is_for(user) || variable == CODE_VARIABLE && self.is_code_used {
            return Ok(None);
        }
        let found = match self.password_file.as_ref().filter(|_| variable == PASSWORD_VARIABLE) {
            Some(path) => {
                let secret = private_file::read_secret(path);
                Some(secret.map_err(|error| format!("cannot read the password from {}: {error}", visible_path(path)))?)
            }
            None => from_environment(variable),
        };
        if found.is_some() {
            self.provide_for(user);
            self.is_code_used |= variable == CODE_VARIABLE;
        }
        Ok(found)
    }

    /// Returns true if the provided password and code belong to this user, or to no user yet.
    fn is_for(&self, user: &str) -> bool {
        self.provided_for.as_ref().is_none_or(|other| *other == UserName::folded(user))
    }

    /// Returns the environment variable of a field. [`NEW_PASSWORD_VARIABLE`] applies to forms of passwords alone, which change a
    /// password, and to registering a user other than the one to whom the provided password belongs.
    fn variable_of(&self, form: &Form, field: &Field, user: &str) -> Option<&'static str> {
        let is_change = form.fields.iter().all(|field| field.kind.is_hidden());
        match field.kind {
            FieldKind::Text | FieldKind::Secret => None,
            FieldKind::NewPassword | FieldKind::Repeated if is_change || !self.is_for(user) => Some(NEW_PASSWORD_VARIABLE),
            FieldKind::Password | FieldKind::NewPassword | FieldKind::Repeated => Some(PASSWORD_VARIABLE),
            FieldKind::Code(_) => Some(CODE_VARIABLE),
        }
    }

    /// Returns the error message for a missing answer, with the way to provide it.
    fn missing(&self, form: &Form, field: &Field, user: &str) -> String {
        let how = match (field.kind, self.variable_of(form, field, user)) {
            // The code of a mail is not known before it is asked for.
            (FieldKind::Code(code), _) if !code.or_backup_code => {
                "run it in `p2p repl` or in the full-screen interface".to_owned()
            }
            (_, Some(variable @ (PASSWORD_VARIABLE | CODE_VARIABLE))) if !self.is_for(user) => {
                format!("{variable} is for {}", self.provided_for.as_deref().unwrap_or_default())
            }
            (_, Some(PASSWORD_VARIABLE)) => format!("set {PASSWORD_VARIABLE}, or give --password-file FILE"),
            (_, Some(variable)) => format!("set {variable}"),
            (_, None) => "give it in the line".to_owned(),
        };
        format!("there is no terminal to ask at for {:?}; {how}", field.name)
    }

    async fn typed(&self, form: &Form, field: &Field) -> io::Result<Found> {
        // The name may be the wrong field.
        let may_go_back = field.kind == FieldKind::Password && form.title == LOG_IN && form.error.is_some();
        let mut prompt = field.prompt();
        prompt.push_str(if may_go_back { " (nothing for another name)" } else { "" });
        let line = match &self.terminal {
            Some(terminal) => terminal::ask(terminal, &prompt, field.kind.is_hidden()).await?,
            None => {
                output::tell(format_args!("{prompt}:"));
                tokio::task::spawn_blocking(line_of_stdin).await.map_err(io::Error::other)??
            }
        };
        if let Some(line) = line.as_ref().filter(|_| field.kind == FieldKind::NewPassword && self.terminal.is_some()) {
            output::tell(format_args!("({})", strength(line.expose_secret())));
        }
        Ok(match line {
            Some(line) if line.expose_secret().is_empty() && field.can_be_sent_again() => Found::SendAgain,
            Some(line) if line.expose_secret().is_empty() && may_go_back => Found::GoBack,
            Some(line) if line.expose_secret().is_empty() => Found::GivenUp,
            Some(line) => Found::Given(line),
            None => Found::GivenUp,
        })
    }
}

fn from_environment(variable: &str) -> Option<Secret> {
    let text = std::env::var(variable).ok().map(Zeroizing::new)?;
    Some(text::without_ends(&text)).filter(|text| !text.is_empty()).map(Secret::from)
}

/// Returns the user whose secrets a form asks for: the form's own user, or else the answer to its first field.
fn user_of<'a>(form: &'a Form, given: &'a [Secret]) -> &'a str {
    if form.user.is_empty() { given.first().map_or("", |name| name.expose_secret().trim()) } else { &form.user }
}

fn line_of_stdin() -> io::Result<Option<Secret>> {
    // The buffer does not grow, so that no copy of a secret is left behind.
    let mut line = Zeroizing::new(String::with_capacity(terminal::LINE_MAX));
    let count = io::stdin().lock().take(terminal::LINE_MAX as u64).read_line(&mut line)?;
    if count == terminal::LINE_MAX {
        return Err(io::Error::other("the line is too long for an answer"));
    }
    Ok((count > 0).then(|| text::without_ends(&line).into()))
}

/// Prints the title, the text and the given fields of a form, and the codes or secrets to be shown with it.
fn introduce(form: &Form) {
    output::tell(form.title);
    if !form.text.is_empty() {
        output::tell_lines(&form.text);
    }
    for field in form.fields.iter().filter(|field| !field.value.is_empty()) {
        output::tell(format_args!("{}: {}", field.name, field.value));
    }
    match &form.shown {
        Shown::Nothing => {}
        Shown::App(enrolment) => {
            // Black on white, independent of the theme; cameras do not read other colours or other characters.
            let draws = Abilities::of_environment().moves_cursor && abilities::glyphs() == Glyphs::Unicode;
            if io::stderr().is_terminal() && draws {
                let lines = qr::lines(enrolment.uri.expose_secret()).unwrap_or_default();
                lines.iter().for_each(|line| output::draw(&format!("\u{1b}[30;107m{line}\u{1b}[0m")));
            }
            output::tell(enrolment.uri.expose_secret());
            output::tell(format_args!("secret: {}", enrolment.secret.expose_secret()));
        }
        Shown::Codes(codes) => codes.iter().for_each(|code| output::tell(format_args!("  {}", code.expose_secret()))),
    }
}
