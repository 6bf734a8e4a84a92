//! Scripts: lines that are carried out one after the other, until one fails.

use p2p_base::spelling::visible_line;
use p2p_service::abilities;
use thiserror::Error;

use super::answer::{Answer, Effect};
use super::line::not_begun;
use super::words::{Variables, commands_of};
use super::{Shell, ShellError};

/// An error that ended a script, with its position.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{script}:{line}: {}", told(command, error))]
pub struct ScriptError {
    /// Name of the script.
    pub script: String,
    /// Number of the line, from 1.
    pub line: usize,
    /// Text of the command.
    pub command: String,
    /// Error of the command.
    pub error: ShellError,
}

/// Returns an error with its command: of a line that was not begun, with the one that would have been refused.
fn told(command: &str, error: &ShellError) -> String {
    match error {
        ShellError::Ahead { command, error, after } => format!("{command}: {}", not_begun(error, after.as_ref())),
        error => format!("{command}: {error}"),
    }
}

/// A command of a script that was carried out.
#[derive(Debug)]
pub struct Done<'a> {
    /// Number of the line, from 1.
    pub line: usize,
    /// Text of the command.
    pub command: &'a str,
    /// Answer of the command.
    pub answer: &'a Answer,
}

impl Done<'_> {
    /// Returns the command and its answer as text, with tables that are at most `width` columns wide as far as their contents
    /// permit.
    pub fn text_within(&self, width: Option<u16>) -> String {
        let text = self.answer.view.text_within(width);
        // The answer begins behind the first line, whatever the command quotes.
        let command = format!("{} {}", abilities::glyphs().prompt(), visible_line(self.command));
        if text.is_empty() { command } else { format!("{command}\n{text}") }
    }
}

/// The way in which a script ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Ended by its last line or by `quit`: running transfers are completed.
    Whole,
    /// Ended by `quit --now`: running transfers are cancelled.
    Early,
}

/// Carries out the lines of `text`, each after a check of all its commands, passes each answer to `show`, and waits for each transfer that was
/// not begun in the background. `quit` ends the script before its last line.
///
/// # Errors
/// Fails if a line fails, with its number and the reason. The lines before it were carried out, those after it were not.
pub async fn run(
    shell: &Shell,
    script: &str,
    text: &str,
    mut variables: Variables,
    mut show: impl FnMut(&Done<'_>),
) -> Result<End, ScriptError> {
    let commands = commands_of(text);
    for commands in commands.chunk_by(|(line, _), (next, _)| line == next) {
        let Some((line, first)) = commands.first() else { continue };
        let failed =
            |command: &String, error| ScriptError { script: script.to_owned(), line: *line, command: command.clone(), error };
        check(shell, commands, &variables).await.map_err(|error| failed(first, error))?;
        for (_, command) in commands {
            let answer = shell.run_to_end(command, &variables).await.map_err(|error| failed(command, error))?;
            show(&Done { line: *line, command, answer: &answer });
            match answer.effect {
                Effect::Set(name, value) => drop(variables.insert(name, value)),
                Effect::Fails(error) => return Err(failed(command, error)),
                Effect::Quit { now } => return Ok(if now { End::Early } else { End::Whole }),
                _ => {}
            }
        }
    }
    Ok(End::Whole)
}

/// Checks the commands of a line of a script, if there are several.
async fn check(shell: &Shell, commands: &[(usize, String)], variables: &Variables) -> Result<(), ShellError> {
    if commands.len() < 2 {
        return Ok(());
    }
    let commands: Vec<String> = commands.iter().map(|(_, command)| command.clone()).collect();
    shell.check_line(&commands, variables).await
}
