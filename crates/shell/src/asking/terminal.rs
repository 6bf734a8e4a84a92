//! Reads a line from the terminal byte by byte, so that input after the line remains for the next reader. Secret lines are read
//! without echo.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eyre::Result;
use p2p_auth::Secret;
use p2p_service::interrupt::interrupted;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::zeroize::Zeroizing;

use super::refused;
use crate::ShellError;

/// Maximum length of a line in bytes; further bytes are discarded.
pub(super) const LINE_MAX: usize = 4096;
/// Time after which the reading thread checks whether the line is still wanted.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Opens the terminal of this process, if standard input or standard error is a terminal.
pub(super) fn open() -> Option<File> {
    let is_seen = io::stdin().is_terminal() || io::stderr().is_terminal();
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok().filter(|_| is_seen)
}

/// Asks for a line, and returns `None` if the user gives up with Ctrl-C or Ctrl-D. The future may be dropped at any time: the
/// terminal is restored then.
///
/// # Errors
/// Fails if the terminal cannot be used.
pub(super) async fn ask(terminal: &File, prompt: &str, is_hidden: bool) -> io::Result<Option<Secret>> {
    let mut typed = terminal.try_clone()?;
    let _raw = Raw::set(terminal)?;
    write!(typed, "{prompt}: ")?;
    let wanted = Wanted(Arc::new(AtomicBool::new(true)));
    let is_wanted = Arc::clone(&wanted.0);
    let line = tokio::task::spawn_blocking(move || read_line(&typed, is_hidden, &is_wanted));
    let line = line.await.map_err(io::Error::other)?;
    writeln!(&*terminal)?;
    line
}

/// Asks at the terminal of this process for what is called `what`; `None` if there is none.
///
/// # Errors
/// Fails if the user gives up with Ctrl-C or Ctrl-D, if a signal interrupts it, or if the terminal cannot be used.
pub async fn typed(what: &str, is_hidden: bool) -> Option<Result<Secret>> {
    let terminal = open()?;
    Some(tokio::select! {
        biased;
        typed = ask(&terminal, what, is_hidden) => match typed {
            Ok(typed) => typed.ok_or_else(|| refused(ShellError::Abandoned)),
            Err(error) => Err(error.into()),
        },
        stop = interrupted() => stop.and_then(|stop| Err(stop.into())),
    })
}

/// A guard that tells the reading thread that the line is no longer wanted.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The terminal without echo, line editing and signals; dropping it restores the previous modes.
struct Raw<'a>(&'a File, Termios);

impl Raw<'_> {
    fn set(terminal: &File) -> io::Result<Raw<'_>> {
        let before = tcgetattr(terminal)?;
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(terminal, OptionalActions::Now, &raw)?;
        Ok(Raw(terminal, before))
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        // A destructor cannot report an error.
        let _ = tcsetattr(self.0, OptionalActions::Now, &self.1);
    }
}

fn read_line(mut terminal: &File, is_hidden: bool, is_wanted: &AtomicBool) -> io::Result<Option<Secret>> {
    // The buffer never grows, so that no copy of a secret is left behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX));
    while is_wanted.load(Ordering::Relaxed) {
        let Some(byte) = next_byte(terminal)? else { continue };
        match byte {
            b'\r' | b'\n' => {
                let text = std::str::from_utf8(&line).map_err(|_| io::Error::other("what was typed is not UTF-8"))?;
                return Ok(Some(text.into()));
            }
            // Ctrl-C and Ctrl-D give up.
            3 | 4 => return Ok(None),
            // Backspace removes one character, Ctrl-U all of them.
            8 | 127 => take_back(terminal, &mut line, is_hidden)?,
            21 => {
                while !line.is_empty() {
                    take_back(terminal, &mut line, is_hidden)?;
                }
            }
            byte if byte >= b' ' && line.len() < LINE_MAX => {
                line.push(byte);
                if !is_hidden {
                    terminal.write_all(&[byte])?;
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Removes the last character with all of its bytes.
fn take_back(mut terminal: &File, line: &mut Vec<u8>, is_hidden: bool) -> io::Result<()> {
    let removed = line.iter().rposition(|byte| byte & 0xc0 != 0x80);
    if let Some(start) = removed {
        line.truncate(start);
        if !is_hidden {
            terminal.write_all(b"\x08 \x08")?;
        }
    }
    Ok(())
}

/// Reads the next byte, or returns `None` if none arrives within [`PATIENCE`].
fn next_byte(terminal: &File) -> io::Result<Option<u8>> {
    let mut ready = [PollFd::new(terminal, PollFlags::IN)];
    match poll(&mut ready, Some(&PATIENCE)) {
        // A process that is stopped and continued may see its wait interrupted.
        Ok(0) | Err(Errno::INTR) => return Ok(None),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut byte = [0];
    match rustix::io::read(terminal, &mut byte)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(Some(byte[0])),
    }
}
