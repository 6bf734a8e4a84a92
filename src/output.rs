//! Floor 4: standard output, as JSON or as text, and nothing but the answer on it. Knows nothing of what is printed.

use std::io::{self, ErrorKind, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use color_eyre::eyre::{Result, WrapErr};
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
/// Where standard output cannot be written. A reader that has gone away is no error.
pub fn print<T: Serialize>(args: &OutputArgs, value: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
    let output = if args.json { serde_json::to_string_pretty(value).wrap_err("cannot make JSON")? } else { text(value) };
    print_text(&output)
}

/// Prints a text and a line's end.
///
/// # Errors
/// Where standard output cannot be written. A reader that has gone away is no error.
pub fn print_text(text: &str) -> Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).wrap_err("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// Tells the user something on standard error, in a line. Where nobody can be told, the work goes on.
pub fn warn(text: &str) {
    let _ = writeln!(io::stderr().lock(), "p2p: {text}");
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
