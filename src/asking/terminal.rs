//! A line typed at the terminal, byte by byte, so that what is typed behind it is there for whoever reads next; without echo where
//! it is secret. Knows nothing of what it is for.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::zeroize::Zeroizing;

use crate::auth::Secret;

/// No line is longer, in bytes: what follows is thrown away.
pub(super) const LINE_MAX: usize = 4096;
/// How long the reading thread waits before it looks whether it is still wanted.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// The terminal of this process, where somebody could see a question: one of its streams is a terminal.
pub fn open() -> Option<File> {
    let is_seen = io::stdin().is_terminal() || io::stderr().is_terminal();
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok().filter(|_| is_seen)
}

/// Asks for a line; none where it was given up, by Ctrl-C or Ctrl-D. The future may be dropped at any time: the terminal is given
/// back then.
///
/// # Errors
/// Where the terminal cannot be used.
pub async fn ask(terminal: &File, prompt: &str, is_hidden: bool) -> io::Result<Option<Secret>> {
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

/// Tells the thread when nobody waits for the line any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The terminal without echo, and without lines of its own; as it was before when this is dropped.
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
        // There is nobody to tell.
        let _ = tcsetattr(self.0, OptionalActions::Now, &self.1);
    }
}

fn read_line(mut terminal: &File, is_hidden: bool, is_wanted: &AtomicBool) -> io::Result<Option<Secret>> {
    // It never grows, so that no copy of a secret is left behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX));
    while is_wanted.load(Ordering::Relaxed) {
        let Some(byte) = next_byte(terminal)? else { continue };
        match byte {
            b'\r' | b'\n' => {
                let text = std::str::from_utf8(&line).map_err(|_| io::Error::other("what was typed is not UTF-8"))?;
                return Ok(Some(text.into()));
            }
            // Ctrl-C, Ctrl-D.
            3 | 4 => return Ok(None),
            // Backspace takes a character, Ctrl-U all of them.
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

/// Removes the last character: all bytes of it.
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

/// The next byte, if one is typed before long.
fn next_byte(terminal: &File) -> io::Result<Option<u8>> {
    let mut ready = [PollFd::new(terminal, PollFlags::IN)];
    match poll(&mut ready, Some(&PATIENCE)) {
        // A process that is stopped and goes on may be interrupted so.
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
