//! Standard output, which carries only the answer of a command, as JSON or as text; and standard error for all other
//! messages.
//!
//! A failure to write standard error is ignored: the command is carried out all the same. These functions are the only way to
//! both streams, since `eprintln!` would panic on such a failure.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use eyre::{Result, WrapErr};
use p2p_base::spelling::visible_lines;
use rustix::termios::tcgetwinsize;
use serde::Serialize;

/// How to print.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct OutputArgs {
    /// Print JSON and nothing else on standard output (the fields are in docs/json.md)
    #[arg(long)]
    pub json: bool,
}

/// Prints `value` as JSON, or as the text that `text` makes of it.
///
/// # Errors
/// Fails if standard output cannot be written. A closed pipe is no error.
pub fn print<T: Serialize>(args: &OutputArgs, value: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
    let output = if args.json { serde_json::to_string_pretty(value).wrap_err("cannot make JSON")? } else { text(value) };
    print_text(&output)
}

/// Prints a text and a newline. On a terminal, control characters in it are made visible and have no effect.
///
/// # Errors
/// Fails if standard output cannot be written. A closed pipe is no error.
pub fn print_text(text: &str) -> Result<()> {
    let is_terminal = io::stdout().is_terminal();
    print_raw(if is_terminal { visible_lines(text) } else { text.into() }.as_ref())
}

/// Prints a text unchanged, and a newline.
///
/// # Errors
/// Fails if standard output cannot be written. A closed pipe is no error.
pub fn print_raw(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    written(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
}

/// Converts the result of writing to standard output. A closed pipe counts as success, since the reader needs no more.
///
/// # Errors
/// Fails if standard output cannot be written for another reason.
pub fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).wrap_err("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// Prints a message on standard error as a line of its own. Control characters in it are made visible and have no effect.
pub fn tell(text: impl fmt::Display) {
    draw(&visible_lines(&text.to_string()));
}

/// Prints a line on standard error unchanged, including control sequences such as colours.
pub fn draw(line: &str) {
    // A single write keeps the line in one piece beside the output of other processes. A failed write cannot be reported.
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// Returns the width of standard output in columns, or `None` if it is no terminal.
pub fn terminal_width() -> Option<u16> {
    tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col).filter(|&columns| columns > 0)
}

/// Returns true if the environment disables colours (no-color.org).
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Returns the wall-clock time in seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "front ends live by the wall clock; the engine is told")]
pub fn now_unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_moves_no_cursor() {
        assert_eq!(visible_lines("cannot read a\u{1b}[2J\u{7}\rb\n\tdone ü"), "cannot read a\\u{1b}[2J\\u{7}\\rb\n\tdone ü");
        assert_eq!(visible_lines("\u{202e}evil"), "\\u{202e}evil");
    }

    #[test]
    fn a_reader_that_has_gone_away_is_no_error() {
        assert!(written(Err(ErrorKind::BrokenPipe.into())).is_ok());
        assert!(written(Err(ErrorKind::StorageFull.into())).is_err());
    }
}
