//! Standard output, which carries only the answer of a command, as JSON or as text; and standard error for all other
//! messages.
//!
//! A failure to write standard error is ignored: the command is carried out all the same. These functions are the only way to
//! both streams, since `eprintln!` would panic on such a failure. Both are in the [characters](crate::abilities::Glyphs) that the user
//! or the locale has chosen.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use eyre::{Result, WrapErr};
use p2p_base::spelling::{visible_line, visible_lines};
use rustix::termios::tcgetwinsize;
use serde::Serialize;

use crate::abilities::{Abilities, Colors, glyphs};

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
    match args.json {
        true => print_json(&serde_json::to_string_pretty(value).wrap_err("cannot make JSON")?),
        false => print_text(&text(value)),
    }
}

/// Prints a text and a newline. On a terminal, control characters in it are made visible and have no effect.
///
/// # Errors
/// Fails if standard output cannot be written. A closed pipe is no error.
pub fn print_text(text: &str) -> Result<()> {
    let is_terminal = io::stdout().is_terminal();
    let visible = if is_terminal { visible_lines(text) } else { text.into() };
    print_raw(&glyphs().plain(&visible))
}

/// Prints a JSON document and a newline. Characters that are invisible or have an effect on a terminal are escaped in it, also where a program
/// reads it, which may show what it has read; the document stays what it is.
///
/// # Errors
/// Fails if standard output cannot be written. A closed pipe is no error.
pub fn print_json(json: &str) -> Result<()> {
    print_raw(&glyphs().plain_json(json))
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

/// Prints a message on standard error as a line of its own. Control characters in it, also line ends, are made visible and have no effect:
/// a name that it quotes cannot begin another line.
pub fn tell(text: impl fmt::Display) {
    draw(&glyphs().plain(&visible_line(&text.to_string())));
}

/// Prints a message of several lines on standard error, each as [`tell`] does. What the message quotes may have no line ends of its own.
pub fn tell_lines(text: &str) {
    text.lines().for_each(tell);
}

/// Way for lines to a terminal below which something is drawn again and again, as progress bars are.
type Above = Box<dyn Fn(&str) + Send>;

/// Way for lines of standard error while something is drawn there.
static ABOVE: Mutex<Option<Above>> = Mutex::new(None);

/// Guard that leads lines of standard error above what is drawn, as long as it exists.
#[derive(Debug)]
pub struct Drawing(());

impl Drawing {
    /// Leads each line to `above`, which writes it where it stays.
    pub fn begin(above: impl Fn(&str) + Send + 'static) -> Drawing {
        *ABOVE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(above));
        Drawing(())
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        *ABOVE.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Prints a line on standard error unchanged, including control sequences such as colours.
pub fn draw(line: &str) {
    if let Some(above) = ABOVE.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        return above(line);
    }
    // A single write keeps the line in one piece beside the output of other processes. A failed write cannot be reported.
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// Width in columns of a terminal that does not tell its own.
const USUAL_WIDTH: u16 = 80;

/// Returns the width of standard output in columns, or `None` if it is no terminal. A terminal that does not tell its width, such as
/// a serial line, has the width of the variable `COLUMNS`, or else 80 columns.
pub fn terminal_width() -> Option<u16> {
    width_of(io::stdout())
}

/// Returns the width of standard error in columns, as [`terminal_width`] does for standard output.
pub fn message_width() -> Option<u16> {
    width_of(io::stderr())
}

/// Returns the height of standard error in rows, or `None` if it is no terminal or does not tell.
pub fn message_height() -> Option<u16> {
    tcgetwinsize(io::stderr()).ok().map(|size| size.ws_row).filter(|&rows| rows > 0)
}

fn width_of(stream: impl AsFd + IsTerminal) -> Option<u16> {
    if !stream.is_terminal() {
        return None;
    }
    let told = tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|&columns| columns > 0);
    let set = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|&columns| columns > 0);
    Some(told.or_else(set).unwrap_or(USUAL_WIDTH))
}

/// Returns true if text on standard output may be styled: it is a terminal that can do so, and its user wants it.
pub fn is_styled() -> bool {
    io::stdout().is_terminal() && Abilities::of_environment().colors != Colors::None
}

/// Returns true if standard output is a terminal whose cursor can be moved.
pub fn moves_cursor() -> bool {
    io::stdout().is_terminal() && Abilities::of_environment().moves_cursor
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
