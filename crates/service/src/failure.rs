//! The presentation of an error at the end of a command: the problem in one line, the next step below it, and the exit
//! code.
//!
//! ```text
//! p2p: a file or directory named `a.bin` is stored already
//!   choose another name (put has --as NAME for it), replace that one (put, mv and cp have --force for it), or remove it with `p2p rm`
//! ```

use std::error::Error;
use std::fmt;

use eyre::{EyreHandler, Report, eyre};
use p2p_base::message::legible;

use crate::output;

/// Exit codes. [`statuses`](crate::statuses) chooses one for each kind of error. A command that a signal ended exits with 128 and the
/// signal's number.
pub mod exit {
    /// All exit codes with their meanings, from which the manual pages and the table in docs/json.md are made.
    pub const TABLE: [(&str, &str); 5] = [
        (
            "0",
            "All was done. That the reader of standard output has closed it, as in `p2p ls | head -1`, is no failure. `repl` ends with 0 \
             even if lines of it have failed, since it goes on after them, and `serve` if a signal has asked it to end.",
        ),
        (
            "1",
            "Something was not done: standard error says what, and what to do. Also if `demo`, `flow` or `replay` have run to their end \
             with a negative result, and if several things have failed for reasons with different codes.",
        ),
        ("2", "The command line is invalid; nothing was begun."),
        (
            "75",
            "A later attempt may succeed (`EX_TEMPFAIL` of `sysexits.h`): another process uses the data directory, or nodes or the \
             catalog cannot be reached. `run` ends with the code of the line that has failed, as that command alone would.",
        ),
        (
            "129 to 152",
            "Ended by a signal: 128 plus its number, as 129 for SIGHUP (a closed terminal), 130 for SIGINT (Ctrl-C), 131 for SIGQUIT \
             (Ctrl-\\) and 143 for SIGTERM; also for SIGALRM, SIGUSR1, SIGUSR2 and SIGXCPU. What was under way is undone, \
             what was past that is told, and a terminal is as it was before. At the prompt of a terminal, Ctrl-C ends the command and \
             not the program; a `repl` whose lines come from a file or a pipe ends as `run` does.",
        ),
    ];

    /// The command failed, at least in part.
    pub const FAILED: u8 = 1;
    /// The command line is invalid as it stands.
    pub const WRONG_COMMAND_LINE: u8 = 2;
    /// A later attempt may succeed: `EX_TEMPFAIL` of `sysexits.h`.
    pub const TEMPORARY: u8 = 75;
}

/// Installs the handler that lets every error carry a next step and an exit code.
///
/// # Errors
/// Fails if another handler is installed already.
pub fn install() -> Result<(), Report> {
    Ok(eyre::set_hook(Box::new(|_| Box::new(Notes::default())))?)
}

/// Data that an error carries besides its causes.
#[derive(Debug, Default)]
struct Notes {
    next_steps: Vec<String>,
    exit_code: Option<u8>,
}

impl EyreHandler for Notes {
    fn debug(&self, error: &(dyn Error + 'static), f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_one_line(error))?;
        self.next_steps.iter().try_for_each(|step| write!(f, "\n  {step}"))
    }
}

/// Formats an error and its causes as `what: why: why`. A cause that the text already ends with is not repeated.
fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    for cause in causes.map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text.push_str(&format!(": {cause}"));
        }
    }
    text
}

/// Extension that attaches a next step and an exit code to an error.
pub trait Advise {
    /// Type with the advice attached.
    type Advised;

    /// Adds a suggested next step.
    fn suggestion(self, step: impl fmt::Display) -> Self::Advised;

    /// Sets the exit code of the command that the error ends.
    fn exit_code(self, code: u8) -> Self::Advised;
}

impl Advise for Report {
    type Advised = Report;

    fn suggestion(mut self, step: impl fmt::Display) -> Report {
        if let Some(notes) = self.handler_mut().downcast_mut::<Notes>() {
            notes.next_steps.push(step.to_string());
        }
        self
    }

    fn exit_code(mut self, code: u8) -> Report {
        if let Some(notes) = self.handler_mut().downcast_mut::<Notes>() {
            notes.exit_code = Some(code);
        }
        self
    }
}

impl<T, E: Into<Report>> Advise for Result<T, E> {
    type Advised = Result<T, Report>;

    fn suggestion(self, step: impl fmt::Display) -> Result<T, Report> {
        self.map_err(|error| error.into().suggestion(step))
    }

    fn exit_code(self, code: u8) -> Result<T, Report> {
        self.map_err(|error| error.into().exit_code(code))
    }
}

/// Returns the error for an invalid command line, with a valid alternative as its next step.
pub fn wrong_usage(problem: impl fmt::Display, next_step: impl fmt::Display) -> Report {
    eyre!("{problem}").suggestion(next_step).exit_code(exit::WRONG_COMMAND_LINE)
}

/// Returns the exit code of a command that an error has ended.
pub fn exit_code_of(error: &Report) -> u8 {
    error.handler().downcast_ref::<Notes>().and_then(|notes| notes.exit_code).unwrap_or(exit::FAILED)
}

/// Formats an error for the user: the problem on the first line, and each next step on a line below it, all of them [legible]. No text
/// that they quote makes another line.
pub fn text_of(error: &Report) -> String {
    let steps = error.handler().downcast_ref::<Notes>().map_or(&[][..], |notes| &notes.next_steps);
    let first = legible(&format!("p2p: {}", in_one_line(error.as_ref())));
    [first].into_iter().chain(steps.iter().map(|step| format!("  {}", legible(step)))).collect::<Vec<_>>().join("\n")
}

/// Prints all errors but the last, and returns that one. Errors that differ in their exit codes have only the general one in common.
///
/// # Errors
/// Returns the last error, if there is any.
pub fn all_told(mut failed: Vec<Report>) -> Result<(), Report> {
    let Some(last) = failed.pop() else { return Ok(()) };
    failed.iter().for_each(|error| output::tell_lines(&text_of(error)));
    let is_same = failed.iter().all(|error| exit_code_of(error) == exit_code_of(&last));
    Err(if is_same { last } else { last.exit_code(exit::FAILED) })
}

#[cfg(test)]
mod tests {
    use std::io;

    use eyre::WrapErr;

    use super::*;

    #[test]
    fn an_error_is_one_line_and_its_next_step_another() {
        // Another test of this process may have been first.
        let _ = install();
        let missing: Result<(), _> = Err(io::Error::new(io::ErrorKind::NotFound, "no such file"));
        let error = missing.wrap_err("cannot read x").suggestion("choose another").exit_code(exit::TEMPORARY).unwrap_err();
        assert_eq!(text_of(&error), "p2p: cannot read x: no such file\n  choose another");
        assert_eq!(exit_code_of(&error), 75);
        assert_eq!(exit_code_of(&eyre!("a failure")), exit::FAILED);
        assert_eq!(exit_code_of(&wrong_usage("no", "yes")), 2);
    }

    #[test]
    fn what_an_error_quotes_adds_no_line() {
        let _ = install();
        let error = eyre!("cannot read a\np2p: stored a").suggestion("choose another than a\n  or none");
        assert_eq!(text_of(&error), "p2p: cannot read a\\np2p: stored a\n  choose another than a\\n  or none");
    }

    #[test]
    fn a_cause_that_is_told_already_is_not_told_again() {
        #[derive(Debug, thiserror::Error)]
        #[error("the catalog cannot be read: {0}")]
        struct Catalog(#[source] io::Error);
        let error = Catalog(io::Error::other("disk full"));
        assert_eq!(in_one_line(&error), "the catalog cannot be read: disk full");
    }
}
