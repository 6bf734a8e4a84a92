//! Scripts: lines one after the other, until one fails. Knows nothing of where they come from or how answers are shown.

use thiserror::Error;

use super::answer::{Answer, Effect};
use super::words::{Variables, commands_of};
use super::{Shell, ShellError};

/// A script that stopped.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{script}:{line}: {command}: {error}")]
pub struct ScriptError {
    /// The script's name.
    pub script: String,
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub command: String,
    /// Why it stopped.
    pub error: ShellError,
}

/// A command that was carried out.
#[derive(Debug)]
pub struct Done<'a> {
    /// Its line, from 1.
    pub line: usize,
    /// What stands there.
    pub command: &'a str,
    /// What it answered.
    pub answer: &'a Answer,
}

impl Done<'_> {
    /// It for people, with tables that are no wider than so many characters.
    pub fn text_within(&self, width: Option<u16>) -> String {
        let text = self.answer.view.text_within(width);
        if text.is_empty() { format!("› {}", self.command) } else { format!("› {}\n{text}", self.command) }
    }
}

/// How a script has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By its last line, or by `quit`: what it has begun is to be finished.
    Whole,
    /// By `quit --now`: what it has begun is not waited for.
    Early,
}

/// Carries out the lines of `text`, hands each answer to `show`, and waits for each transfer that was not begun in the
/// background. `quit` ends it before its last line.
///
/// # Errors
/// Where a line fails: which one, and why. Those before it have been carried out, those after it have not.
pub async fn run(
    shell: &Shell,
    script: &str,
    text: &str,
    mut variables: Variables,
    mut show: impl FnMut(&Done<'_>),
) -> Result<End, ScriptError> {
    for (line, command) in commands_of(text) {
        let failed = |error| ScriptError { script: script.to_owned(), line, command: command.clone(), error };
        let answer = shell.run_to_end(&command, &variables).await.map_err(failed)?;
        show(&Done { line, command: &command, answer: &answer });
        match answer.effect {
            Effect::Set(name, value) => drop(variables.insert(name, value)),
            Effect::Quit { now } => return Ok(if now { End::Early } else { End::Whole }),
            _ => {}
        }
    }
    Ok(End::Whole)
}
