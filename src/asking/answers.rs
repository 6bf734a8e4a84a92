//! An answer for each field of a form: from the environment or a file, else typed. Whoever has nobody to ask says what would
//! help. Knows nothing of what forms are for.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::PathBuf;

use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use super::terminal;
use crate::auth::Secret;
use crate::auth::names::UserName;
use crate::auth::password::strength;
use crate::output;
use crate::qr;
use crate::shell::question::{CodeField, Field, FieldError, FieldKind, Form, LOG_IN, Question, Reply, Shown};
use crate::{private_file, text};

/// Where a password may stand.
const PASSWORD_VARIABLE: &str = "P2P_PASSWORD";
/// Where the one that is to take its place may stand.
const NEW_PASSWORD_VARIABLE: &str = "P2P_NEW_PASSWORD";
/// Where a code may stand.
const CODE_VARIABLE: &str = "P2P_OTP";

/// What became of a field.
enum Found {
    Given(Secret),
    SendAgain,
    /// The field before is to be given anew.
    GoBack,
    /// Somebody does not want to, or what was given before was wrong.
    GivenUp,
    Unable(String),
}

/// What answers questions.
#[derive(Debug)]
pub struct Answers {
    password_file: Option<PathBuf>,
    terminal: Option<File>,
    lines_of_stdin: bool,
    /// Whose the provided password and code are: the first user's for whom one of them was asked.
    provided_for: Option<String>,
    /// A provided code is good once.
    is_code_used: bool,
    /// What was given to the form that is being filled in, so that only what was wrong is asked again.
    given: Option<(&'static str, Vec<Secret>)>,
}

impl Answers {
    /// From the environment, this file, or the terminal.
    pub fn new(password_file: Option<PathBuf>) -> Answers {
        let terminal = terminal::open();
        Answers { password_file, terminal, lines_of_stdin: false, provided_for: None, is_code_used: false, given: None }
    }

    /// The same, but where standard input is no terminal, its lines answer.
    #[must_use]
    pub fn with_lines_of_stdin(self) -> Answers {
        if io::stdin().is_terminal() { self } else { Answers { lines_of_stdin: true, terminal: None, ..self } }
    }

    /// Takes the password and the code that are provided for this user's.
    pub fn provide_for(&mut self, user: &str) {
        self.provided_for = Some(UserName::folded(user));
    }

    /// Answers a question, or lets it be.
    pub async fn answer(&mut self, question: Question) {
        let Question { mut form, reply } = question;
        let mut is_shown = false;
        // What is to be seen is, where that is all or somebody can answer.
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
            // Whoever asked may be gone.
            let _ = reply.send(answer);
            return;
        }
        self.given = Some((form.title, given.clone()));
        let _ = reply.send(Reply::Given(given));
    }

    /// What was given is of no more use.
    pub fn forget(&mut self) {
        self.given = None;
    }

    /// An answer for the field that comes after what is given of a form.
    async fn find(&mut self, form: &Form, given: &[Secret], is_shown: &mut bool) -> Found {
        let (field, user) = (&form.fields[given.len()], user_of(form, given));
        let mut wrong = form.error.as_ref().filter(|error| is_about(error, form, given.len())).map(|error| error.message.clone());
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
            // What was provided was wrong, or missing, and there is nobody who knows better.
            return Found::Unable(wrong.unwrap_or_else(|| self.missing(form, field, user)));
        }
        self.show(form, is_shown);
        wrong.filter(|_| !is_told).inspect(|message| output::tell(message));
        loop {
            match self.typed(form, field).await {
                // What is wrong by itself is asked again before the rest.
                Ok(Found::Given(text)) => match field.wrong(text.expose_secret()) {
                    Some(message) => output::tell(message),
                    None => return Found::Given(text),
                },
                Ok(found) => return found,
                Err(error) => return Found::Unable(format!("cannot read an answer: {error}")),
            }
        }
    }

    /// Whether there is anybody to ask.
    fn can_ask(&self) -> bool {
        self.terminal.is_some() || self.lines_of_stdin
    }

    /// What there is to know and to see, once. It is no answer, so it goes where errors go.
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

    /// What was given to the same form before, where something else of it was wrong.
    fn given_before(&self, form: &Form, place: usize) -> Option<Secret> {
        let (title, given) = self.given.as_ref().filter(|_| form.error.is_some())?;
        given.get(place).filter(|_| *title == form.title).cloned()
    }

    /// What the environment or the file says. A password and a code are one user's: another is asked.
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
                Some(secret.map_err(|error| format!("cannot read the password from {}: {error}", path.display()))?)
            }
            None => from_environment(variable),
        };
        if found.is_some() {
            self.provide_for(user);
            self.is_code_used |= variable == CODE_VARIABLE;
        }
        Ok(found)
    }

    /// Whether the provided password and code are this user's, or nobody's yet.
    fn is_for(&self, user: &str) -> bool {
        self.provided_for.as_ref().is_none_or(|other| *other == UserName::folded(user))
    }

    /// Where the answer to a field may stand in the environment. A new password has a place of its own in a form of passwords alone,
    /// which change one, and for whoever registers after the first user.
    fn variable_of(&self, form: &Form, field: &Field, user: &str) -> Option<&'static str> {
        let is_change = form.fields.iter().all(|field| field.kind.is_hidden());
        match field.kind {
            FieldKind::Text => None,
            FieldKind::NewPassword | FieldKind::Repeated if is_change || !self.is_for(user) => Some(NEW_PASSWORD_VARIABLE),
            FieldKind::Password | FieldKind::NewPassword | FieldKind::Repeated => Some(PASSWORD_VARIABLE),
            FieldKind::Code(_) => Some(CODE_VARIABLE),
        }
    }

    /// What would have helped.
    fn missing(&self, form: &Form, field: &Field, user: &str) -> String {
        let how = match (field.kind, self.variable_of(form, field, user)) {
            // Nobody knows such a code before it is asked for.
            (FieldKind::Code(code), _) if !code.or_backup_code => "`p2p repl` and the full screen wait for it".to_owned(),
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
        let code = if let FieldKind::Code(code) = field.kind { code } else { CodeField::default() };
        let (again, or_backup) = (code.can_be_sent_again, code.or_backup_code);
        // It may be the name that is wrong.
        let may_go_back = field.kind == FieldKind::Password && form.title == LOG_IN && form.error.is_some();
        let mut prompt = field.name.to_owned();
        prompt.push_str(if or_backup { ", or a backup code" } else { "" });
        prompt.push_str(if again { " (nothing for another one)" } else { "" });
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
            Some(line) if line.expose_secret().is_empty() && again => Found::SendAgain,
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

/// Whose secrets a form asks for: as it says itself, or else as its first field does.
fn user_of<'a>(form: &'a Form, given: &'a [Secret]) -> &'a str {
    if form.user.is_empty() { given.first().map_or("", |name| name.expose_secret().trim()) } else { &form.user }
}

/// Whether an error is about the field at a place. What has to be repeated is asked with what it repeats.
fn is_about(error: &FieldError, form: &Form, place: usize) -> bool {
    error.field == place || form.fields[place].kind == FieldKind::Repeated && error.field + 1 == place
}

fn line_of_stdin() -> io::Result<Option<Secret>> {
    // It does not grow, so that no copy of a secret is left behind.
    let mut line = Zeroizing::new(String::with_capacity(terminal::LINE_MAX));
    let count = io::stdin().lock().take(terminal::LINE_MAX as u64).read_line(&mut line)?;
    if count == terminal::LINE_MAX {
        return Err(io::Error::other("the line is too long for an answer"));
    }
    Ok((count > 0).then(|| text::without_ends(&line).into()))
}

/// What there is to know of a form, and what is to be seen with it.
fn introduce(form: &Form) {
    output::tell(form.title);
    if !form.text.is_empty() {
        output::tell(&form.text);
    }
    for field in form.fields.iter().filter(|field| !field.value.is_empty()) {
        output::tell(format_args!("{}: {}", field.name, field.value));
    }
    match &form.shown {
        Shown::Nothing => {}
        Shown::App(enrolment) => {
            if io::stderr().is_terminal() {
                // Black on white, whatever the terminal's colours are.
                let lines = qr::lines(enrolment.uri.expose_secret()).unwrap_or_default();
                lines.iter().for_each(|line| output::draw(&format!("\u{1b}[30;107m{line}\u{1b}[0m")));
            }
            output::tell(format_args!("{}\nsecret: {}", enrolment.uri.expose_secret(), enrolment.secret.expose_secret()));
        }
        Shown::Codes(codes) => codes.iter().for_each(|code| output::tell(format_args!("  {}", code.expose_secret()))),
    }
}
