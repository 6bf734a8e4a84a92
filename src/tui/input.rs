//! The input of the terminal: a thread reads it from standard input, which is a terminal while a screen is shown, and passes on what
//! was typed, pasted and clicked, what the terminal has answered, and that its size has changed.

mod decoder;
mod sequence;

use std::io::{self, stdin, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc as channel};
use std::time::{Duration, Instant};

use crossterm::event::Event;
use p2p_service::interrupt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::tcgetwinsize;
use tokio::sync::mpsc;

use self::decoder::Decoder;
use super::background::{Heard, Listener};

/// Interval at which the thread looks whether it is to end, whether the size has changed, and whether the process was stopped.
const PATIENCE: Duration = Duration::from_millis(50);
/// Maximum time for which the end of the thread is awaited, which another reader of the terminal may hold up.
const END_MAX: Duration = Duration::from_millis(500);
/// Maximum number of bytes that are read at once.
const CHUNK: usize = 4096;

/// A thread that reads input until this reader is dropped; later input is left to the shell.
#[derive(Debug)]
pub struct InputReader {
    over: Arc<AtomicBool>,
    /// Receiver that is disconnected when the thread has ended.
    ended: channel::Receiver<()>,
}

impl InputReader {
    /// Starts the thread; returns the reader and the receiver of what the `listener` hears, which ends with the input.
    ///
    /// # Errors
    /// Fails if the system cannot create a thread.
    pub fn start(listener: Listener) -> io::Result<(InputReader, mpsc::UnboundedReceiver<Heard>)> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        // Counted before the thread runs, which may be after the first stop.
        let continuations = interrupt::continuations();
        let (alive, ended) = channel::channel();
        let builder = std::thread::Builder::new().name("p2p-input".into());
        builder.spawn(move || {
            let _alive = alive;
            let _ = Reading { sender, listener, decoder: Decoder::default(), continuations, size: size() }.run(&seen);
        })?;
        Ok((InputReader { over, ended }, receiver))
    }
}

impl Drop for InputReader {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // The channel carries no messages; its disconnection ends the wait. A thread that does not end in time ends with the
        // process.
        let _ = self.ended.recv_timeout(END_MAX);
    }
}

/// Returns the columns and rows of the terminal, if they can be determined.
fn size() -> Option<(u16, u16)> {
    tcgetwinsize(stdout()).ok().map(|size| (size.ws_col, size.ws_row))
}

/// The state of the thread.
struct Reading {
    sender: mpsc::UnboundedSender<Heard>,
    listener: Listener,
    decoder: Decoder,
    /// Number of times that the process had been continued when that was last looked at.
    continuations: usize,
    /// Columns and rows of the terminal when they were last looked at.
    size: Option<(u16, u16)>,
}

impl Reading {
    /// Reads until it is `over`, the receiver is gone or the terminal has come to its end.
    #[expect(clippy::disallowed_methods, reason = "a terminal lives by the wall clock")]
    fn run(mut self, over: &AtomicBool) -> io::Result<()> {
        let start = Instant::now();
        let mut chunk = [0; CHUNK];
        while !over.load(Ordering::Relaxed) {
            let patience = self.decoder.deadline().map_or(PATIENCE, |at| at.saturating_sub(start.elapsed()).min(PATIENCE));
            let events = if is_readable(patience)? {
                let count = match rustix::io::read(stdin(), &mut chunk) {
                    Ok(0) => return Ok(()),
                    Err(Errno::INTR | Errno::AGAIN) => continue,
                    count => count?,
                };
                self.decoder.take(&chunk[..count], start.elapsed())
            } else {
                self.decoder.elapse(start.elapsed())
            };
            self.pass_on(events, start.elapsed())?;
        }
        Ok(())
    }

    /// Passes on events that were read by an instant, and what else has happened by then.
    fn pass_on(&mut self, events: Vec<Event>, at: Duration) -> io::Result<()> {
        let mut heard = self.listener.elapse(at);
        heard.extend(events.into_iter().flat_map(|event| self.listener.hear(event, at)));
        let before = std::mem::replace(&mut self.continuations, interrupt::continuations());
        heard.extend((self.continuations != before).then_some(Heard::Continued));
        let before = std::mem::replace(&mut self.size, size());
        let resized = self.size.filter(|_| self.size != before);
        heard.extend(resized.map(|(columns, rows)| Heard::Typed(Event::Resize(columns, rows))));
        heard.into_iter().try_for_each(|heard| self.sender.send(heard)).map_err(io::Error::other)
    }
}

/// Waits until there is input, or its end, for a time at most.
fn is_readable(patience: Duration) -> io::Result<bool> {
    // Rounded up, so that the instant that is waited for has come.
    let patience = Timespec::try_from(patience + Duration::from_micros(1)).map_err(io::Error::other)?;
    let stdin = stdin();
    match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&patience)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
