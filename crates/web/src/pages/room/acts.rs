//! What an admin does by the forms of the room: each is a command of the language, carried out at the gate as one that is typed, and answered in
//! its words. What takes something away is asked about first (`asking`).

use std::time::Duration;

use http::StatusCode;
use p2p_base::spelling::{visible_line, visible_lines};
use p2p_service::access::Access;
use p2p_shell::at_server::{AT_SERVERS, bound};
use p2p_shell::words::{Variables, quote};
use p2p_shell::{Shell, ShellError};
use tokio::time::timeout;

use super::asking::{self, Question};
use super::filled::Filled;

/// Time for which a page waits for what it has asked for. It goes on behind that.
const WAIT: Duration = Duration::from_secs(10);
/// Command beside those that a server is asked for, which every user may give.
const CANCEL: &str = "cancel";

/// Outcome of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) is_done: bool,
    /// Command as it would be typed; empty where a form is not filled in.
    pub(super) command: String,
    /// Answer of the command, line by line.
    pub(super) lines: Vec<String>,
    /// What is asked before the command is carried out.
    pub(super) question: Option<Question>,
    is_refused: bool,
}

impl Told {
    /// Returns the status of the page that tells it.
    pub(super) fn status(&self) -> StatusCode {
        match (self.is_done || self.question.is_some(), self.is_refused) {
            (true, _) => StatusCode::OK,
            (false, true) => StatusCode::FORBIDDEN,
            (false, false) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    fn of(command: String, answer: Result<String, &ShellError>) -> Told {
        let is_refused = matches!(answer, Err(ShellError::Access(_))) || answer.as_ref().is_err_and(|error| is_denied(error));
        let text = answer.as_ref().map_or_else(|error| error.shown(), String::clone);
        // What was filled in is shown as it is, whatever is in it.
        let (command, lines) = (visible_line(&command).into_owned(), visible_lines(&text).lines().map(str::to_owned).collect());
        Told { is_done: answer.is_ok(), command, lines, question: None, is_refused }
    }

    /// Tells what is asked before a command is carried out.
    fn asked(question: Question) -> Told {
        let command = visible_line(&question.line).into_owned();
        Told { is_done: false, command, lines: Vec::new(), question: Some(question), is_refused: false }
    }

    /// Tells what of a form is not as it should be, and what to write.
    fn unfit(told: String) -> Told {
        Told { is_done: false, command: String::new(), lines: vec![told], question: None, is_refused: false }
    }

    /// Tells a user who is no admin that a command of the network is not for them.
    fn for_admins(command: &str) -> Told {
        let told = "An admin breaks and mends the network and sets its clock; you may look at it here.".to_owned();
        Told { is_refused: true, command: visible_line(command).into_owned(), ..Told::unfit(told) }
    }
}

fn is_denied(error: &ShellError) -> bool {
    matches!(error, ShellError::Engine(error) if error.kind() == p2p_service::ErrorKind::Denied)
}

/// Carries out what a form says, if it is one of the commands of the room, and asks first where it takes something away.
pub(super) async fn carry_out(access: &Access, form: &Filled, is_admin: bool) -> Told {
    if let Some(told) = asking::lacking(form) {
        return Told::unfit(told);
    }
    let words = match form.words() {
        Ok(words) => words,
        Err(error) => return Told::of(form.command.clone(), Err(&error)),
    };
    let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    let name = match check(&words) {
        Ok(name) => name,
        Err(error) => return refused(form, line, &error),
    };
    let is_allowed = is_admin || name == CANCEL;
    match asking::question_of(name, &words, line) {
        Ok(question) if is_allowed && form.sure.is_empty() => Told::asked(question),
        Ok(Question { line, .. }) | Err(line) => done(access, form, line, is_allowed).await,
    }
}

/// Carries out a command, and tells its answer in the words of the form that it comes from.
async fn done(access: &Access, form: &Filled, line: String, is_allowed: bool) -> Told {
    let (shell, _questions) = Shell::new(access.clone());
    let variables = Variables::default();
    match timeout(WAIT, shell.run_to_end(&line, &variables)).await {
        Ok(Ok(answer)) => Told::of(line, Ok(answer.view.text())),
        Ok(Err(error)) => {
            let told = refused(form, line, &error);
            if told.is_refused && !is_allowed { Told::for_admins(&told.command) } else { told }
        }
        Err(_) => Told::of(line, Ok("it goes on; this page shows what comes of it".to_owned())),
    }
}

/// Tells why a command is not carried out: where it does not take the value of a field, in the words of the form.
fn refused(form: &Filled, line: String, error: &ShellError) -> Told {
    match (error, asking::wrong_value(form)) {
        (ShellError::Usage { .. }, Some(told)) => Told::unfit(told),
        _ => Told::of(line, Err(error)),
    }
}

/// Returns the name of a command of the room, and refuses what is none.
fn check(words: &[String]) -> Result<&'static str, ShellError> {
    let call = bound(words)?;
    match AT_SERVERS.contains(&call.spec.name) || call.spec.name == CANCEL {
        true => Ok(call.spec.name),
        false => Err(ShellError::Bad(format!("`{}` is no command of this page", call.spec.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_told_as_it_is() {
        let line = |text: &str| Told::of(text.to_owned(), Ok(text.to_owned()));
        let told = line("kill 'a\u{202e}\u{1b}[31m'");
        assert_eq!(told.command, "kill 'a\\u{202e}\\u{1b}[31m'");
        assert_eq!(told.lines, [told.command.as_str()]);
    }

    #[test]
    fn other_commands_are_refused() {
        let checked = |line: &str| check(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for line in ["kill 3", "path client,1 --cut", "heal", "faults clear", "speed 10x", "pause", "step 1s", "cancel 7"] {
            assert!(checked(line).is_ok(), "{line}");
        }
        for line in ["quit", "rm a", "login alice", "kill", "nothing", "upload /etc/passwd", "logout"] {
            assert!(checked(line).is_err(), "{line}");
        }
        assert!(check(&[]).is_err());
    }
}
