//! An answer for each field of a form: from the environment or a file, else typed. Whoever has nobody to ask says what would
//! help. Knows nothing of what forms are for.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::PathBuf;

use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use super::terminal;
use crate::auth::Secret;
use crate::auth::password::strength;
use crate::private_file;
use crate::qr;
use crate::shell::question::{CodeField, Field, FieldKind, Form, Question, Reply, Shown};

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
    /// What was given to the form that is being filled in, so that only what was wrong is asked again.
    given: Option<(&'static str, Vec<Secret>)>,
}

impl Answers {
    /// From the environment, this file, or the terminal.
    pub fn new(password_file: Option<PathBuf>) -> Answers {
        Answers { password_file, terminal: terminal::open(), lines_of_stdin: false, given: None }
    }

    /// The same, but where standard input is no terminal, its lines answer.
    #[must_use]
    pub fn with_lines_of_stdin(self) -> Answers {
        if io::stdin().is_terminal() { self } else { Answers { lines_of_stdin: true, terminal: None, ..self } }
    }

    /// Answers a question, or lets it be.
    pub async fn answer(&mut self, question: Question) {
        let Question { form, reply } = question;
        let mut is_shown = false;
        if !matches!(form.shown, Shown::Nothing) {
            show(&form, &mut is_shown);
        }
        let mut given = Vec::new();
        for place in 0..form.fields.len() {
            let answer = match self.find(&form, place, &mut is_shown).await {
                Found::Given(text) => {
                    given.push(text);
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

    async fn find(&self, form: &Form, place: usize, is_shown: &mut bool) -> Found {
        let field = &form.fields[place];
        if let Some(error) = &form.error
            && let Some(given) = self.given.as_ref().filter(|(title, _)| *title == form.title)
            && error.field != place
            && !(field.kind == FieldKind::Repeated && error.field + 1 == place)
        {
            return Found::Given(given.1[place].clone());
        }
        let mut wrong = form.error.as_ref().map(|error| error.message.clone());
        if form.error.is_none() {
            match self.provided(form, field) {
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
        if self.terminal.is_none() && !self.lines_of_stdin {
            // What was provided was wrong, or missing, and there is nobody who knows better.
            return Found::Unable(wrong.unwrap_or_else(|| missing(form, field)));
        }
        show(form, is_shown);
        wrong.filter(|_| form.error.is_none()).inspect(|message| eprintln!("{message}"));
        loop {
            match self.typed(field).await {
                // What is wrong by itself is asked again before the rest.
                Ok(Found::Given(text)) => match field.wrong(text.expose_secret()) {
                    Some(message) => eprintln!("{message}"),
                    None => return Found::Given(text),
                },
                Ok(found) => return found,
                Err(error) => return Found::Unable(format!("cannot read an answer: {error}")),
            }
        }
    }

    /// What the environment or the file says.
    fn provided(&self, form: &Form, field: &Field) -> Result<Option<Secret>, String> {
        let Some(variable) = variable_of(form, field) else { return Ok(None) };
        if let Some(path) = self.password_file.as_ref().filter(|_| variable == PASSWORD_VARIABLE) {
            let secret = private_file::read_secret(path).map(Some);
            return secret.map_err(|error| format!("cannot read the password from {}: {error}", path.display()));
        }
        Ok(std::env::var(variable).ok().filter(|text| !text.is_empty()).map(Secret::from))
    }

    async fn typed(&self, field: &Field) -> io::Result<Found> {
        let code = if let FieldKind::Code(code) = field.kind { code } else { CodeField::default() };
        let (again, or_backup) = (code.can_be_sent_again, code.or_backup_code);
        let mut prompt = field.name.to_owned();
        prompt.push_str(if or_backup { ", or a backup code" } else { "" });
        prompt.push_str(if again { " (nothing for another one)" } else { "" });
        let line = match &self.terminal {
            Some(terminal) => terminal::ask(terminal, &prompt, field.kind.is_hidden()).await?,
            None => {
                eprintln!("{prompt}:");
                tokio::task::spawn_blocking(line_of_stdin).await.map_err(io::Error::other)??
            }
        };
        if let Some(line) = line.as_ref().filter(|_| field.kind == FieldKind::NewPassword && self.terminal.is_some()) {
            eprintln!("({})", strength(line.expose_secret()));
        }
        Ok(match line {
            Some(line) if line.expose_secret().is_empty() && again => Found::SendAgain,
            Some(line) if line.expose_secret().is_empty() => Found::GivenUp,
            Some(line) => Found::Given(line),
            None => Found::GivenUp,
        })
    }
}

/// Where the answer to a field may stand in the environment. A form of passwords alone gives somebody a new one.
fn variable_of(form: &Form, field: &Field) -> Option<&'static str> {
    let is_change = form.fields.iter().all(|field| field.kind.is_hidden());
    match field.kind {
        FieldKind::Text => None,
        FieldKind::NewPassword | FieldKind::Repeated if is_change => Some(NEW_PASSWORD_VARIABLE),
        FieldKind::Password | FieldKind::NewPassword | FieldKind::Repeated => Some(PASSWORD_VARIABLE),
        FieldKind::Code(_) => Some(CODE_VARIABLE),
    }
}

/// What would have helped.
fn missing(form: &Form, field: &Field) -> String {
    let how = match (field.kind, variable_of(form, field)) {
        // Nobody knows such a code before it is asked for.
        (FieldKind::Code(code), _) if !code.or_backup_code => "`p2p repl` and the full screen wait for it".to_owned(),
        (_, Some(PASSWORD_VARIABLE)) => format!("set {PASSWORD_VARIABLE}, or give --password-file FILE"),
        (_, Some(variable)) => format!("set {variable}"),
        (_, None) => "give it in the line".to_owned(),
    };
    format!("there is no terminal to ask at for {:?}; {how}", field.name)
}

fn line_of_stdin() -> io::Result<Option<Secret>> {
    // It does not grow, so that no copy of a secret is left behind.
    let mut line = Zeroizing::new(String::with_capacity(terminal::LINE_MAX));
    let count = io::stdin().lock().take(terminal::LINE_MAX as u64).read_line(&mut line)?;
    if count == terminal::LINE_MAX {
        return Err(io::Error::other("the line is too long for an answer"));
    }
    Ok((count > 0).then(|| line.trim_end_matches(['\r', '\n']).into()))
}

/// What there is to know and to see, once. It is no answer, so it goes where errors go.
fn show(form: &Form, is_shown: &mut bool) {
    if std::mem::replace(is_shown, true) {
        return;
    }
    if let Some(error) = &form.error {
        eprintln!("{}", error.message);
        return;
    }
    eprintln!("{}", form.title);
    if !form.text.is_empty() {
        eprintln!("{}", form.text);
    }
    match &form.shown {
        Shown::Nothing => {}
        Shown::App(enrolment) => {
            if io::stderr().is_terminal() {
                // Black on white, whatever the terminal's colours are.
                let lines = qr::lines(enrolment.uri.expose_secret()).unwrap_or_default();
                lines.iter().for_each(|line| eprintln!("\u{1b}[30;107m{line}\u{1b}[0m"));
            }
            eprintln!("{}\nsecret: {}", enrolment.uri.expose_secret(), enrolment.secret.expose_secret());
        }
        Shown::Codes(codes) => codes.iter().for_each(|code| eprintln!("  {}", code.expose_secret())),
    }
}
