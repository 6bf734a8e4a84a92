//! What an admin does by the forms of the room: each is a command of the language, carried out at the gate as one that is typed, and answered in
//! its words.

use std::time::Duration;

use http::StatusCode;
use p2p_base::spelling::{visible_line, visible_lines};
use p2p_service::access::Access;
use p2p_shell::at_server::{AT_SERVERS, bound};
use p2p_shell::words::{Variables, quote, split};
use p2p_shell::{Shell, ShellError};
use serde::Deserialize;
use tokio::time::timeout;

/// Time for which a page waits for what it has asked for. It goes on behind that.
const WAIT: Duration = Duration::from_secs(10);
/// Command beside those that a server is asked for.
const CANCEL: &str = "cancel";

/// Fields of the forms: a command, and what is filled in for it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Filled {
    /// Command, or the part of it that is not filled in.
    command: String,
    /// First and second host.
    #[serde(default)]
    host: String,
    #[serde(default)]
    other: String,
    /// Value of the flag that the command ends with.
    #[serde(default)]
    value: String,
}

/// Outcome of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) is_done: bool,
    /// Command as it would be typed.
    pub(super) command: String,
    /// Answer of the command, line by line.
    pub(super) lines: Vec<String>,
    is_refused: bool,
}

impl Told {
    /// Returns the status of the page that tells it.
    pub(super) fn status(&self) -> StatusCode {
        match (self.is_done, self.is_refused) {
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
        Told { is_done: answer.is_ok(), command, lines, is_refused }
    }
}

fn is_denied(error: &ShellError) -> bool {
    matches!(error, ShellError::Engine(error) if error.kind() == p2p_service::ErrorKind::Denied)
}

impl Filled {
    /// Returns the words of the command. `{host}`, `{other}` and `{value}` in it stand for what is filled in.
    fn words(&self) -> Result<Vec<String>, ShellError> {
        let words = split(&self.command, &Variables::default()).map_err(|error| ShellError::Bad(error.to_string()))?;
        let filled = |text: &str| {
            let text = text.replace("{host}", self.host.trim());
            text.replace("{other}", self.other.trim()).replace("{value}", self.value.trim())
        };
        // A field that is left empty leaves its word out, as that of the node of a profile.
        Ok(words.into_iter().map(|word| filled(&word.text)).filter(|word| !word.is_empty()).collect())
    }
}

/// Carries out what a form says, if it is one of the commands of the room.
pub(super) async fn carry_out(access: &Access, form: &Filled) -> Told {
    let words = match form.words() {
        Ok(words) => words,
        Err(error) => return Told::of(form.command.clone(), Err(&error)),
    };
    let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    if let Err(error) = check(&words) {
        return Told::of(line, Err(&error));
    }
    let (shell, _questions) = Shell::new(access.clone());
    let variables = Variables::default();
    match timeout(WAIT, shell.run_to_end(&line, &variables)).await {
        Ok(Ok(answer)) => Told::of(line, Ok(answer.view.text())),
        Ok(Err(error)) => Told::of(line, Err(&error)),
        Err(_) => Told::of(line, Ok("it goes on; this page shows what comes of it".to_owned())),
    }
}

/// Refuses what is no command of the room.
fn check(words: &[String]) -> Result<(), ShellError> {
    let call = bound(words)?;
    match AT_SERVERS.contains(&call.spec.name) || call.spec.name == CANCEL {
        true => Ok(()),
        false => Err(ShellError::Bad(format!("`{}` is no command of this page", call.spec.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str, host: &str, other: &str, value: &str) -> Vec<String> {
        let [command, host, other, value] = [command, host, other, value].map(str::to_owned);
        Filled { command, host, other, value }.words().unwrap()
    }

    #[test]
    fn what_is_filled_in_is_one_word_whatever_it_is() {
        assert_eq!(words("kill Node_03", "", "", ""), ["kill", "Node_03"]);
        let slow = words("path {host},{other} --delay {value}", "client", " Node_01 ", "200ms");
        assert_eq!(slow, ["path", "client,Node_01", "--delay", "200ms"]);
        assert_eq!(words("kill {host}", "a; quit --now", "", ""), ["kill", "a; quit --now"]);
        assert_eq!(words("faults apply {value} {host}", "", "", "slow-wan"), ["faults", "apply", "slow-wan"]);
    }

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
