//! Floor 4: standard output, as JSON or as text, and nothing but the answer on it; and standard error for all else. Knows nothing of
//! what is printed.
//!
//! Standard error that cannot be written is nobody's business: what was asked is done all the same. These functions are the only
//! way to both streams, since `eprintln!` would panic there.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use eyre::{Result, WrapErr};
use rustix::termios::tcgetwinsize;
use serde::Serialize;

use crate::spelling::visible_lines;

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
/// Where standard output cannot be written. A reader that has gone away is no error.
pub fn print<T: Serialize>(args: &OutputArgs, value: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
    let output = if args.json { serde_json::to_string_pretty(value).wrap_err("cannot make JSON")? } else { text(value) };
    print_text(&output)
}

/// Prints a text and a line's end. On a terminal control characters in it are shown and do nothing.
///
/// # Errors
/// Where standard output cannot be written. A reader that has gone away is no error.
pub fn print_text(text: &str) -> Result<()> {
    let is_terminal = io::stdout().is_terminal();
    print_raw(if is_terminal { visible_lines(text) } else { text.into() }.as_ref())
}

/// Prints a text as it is, and a line's end.
///
/// # Errors
/// Where standard output cannot be written. A reader that has gone away is no error.
pub fn print_raw(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    written(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
}

/// What came of writing to standard output. A reader that has gone away has had enough, which is no error.
///
/// # Errors
/// Where it cannot be written.
pub fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).wrap_err("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// Tells something on standard error, as a line of its own. Control characters in it are shown and do nothing.
pub fn tell(text: impl fmt::Display) {
    draw(&visible_lines(&text.to_string()));
}

/// Puts a line on standard error as it is, colours and all.
pub fn draw(line: &str) {
    // In one piece, so that nobody else's words come in between. Where it cannot be written, nobody reads it.
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// How many characters a line of standard output may have before it is broken; none where that is no terminal.
pub fn terminal_width() -> Option<u16> {
    tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col).filter(|&columns| columns > 0)
}

/// Whether the user wants no colours (no-color.org).
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The wall clock, in seconds since 1970.
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
