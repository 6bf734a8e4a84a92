//! The input of the terminal: a thread reads it from standard input, which is a terminal while a screen is shown, and passes on what
//! was typed, pasted and clicked, what the terminal has answered, and that its size has changed.

mod control_string;
mod decoder;
mod sequence;

use std::collections::VecDeque;
use std::io::{self, stdin, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc as channel};
use std::time::{Duration, Instant};

use crossterm::event::Event;
use p2p_service::interrupt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::tcgetwinsize;
use tokio::sync::mpsc::{self, error::TrySendError};

use self::decoder::Decoder;

/// Interval at which the thread looks whether it is to end, whether the size has changed, and whether the process was stopped.
const PATIENCE: Duration = Duration::from_millis(50);
/// Maximum time for which the end of the thread is awaited, which another reader of the terminal may hold up.
const END_MAX: Duration = Duration::from_millis(500);
/// Maximum number of bytes that are read at once.
const CHUNK: usize = 4096;
/// Maximum number of events that wait for the screen, besides those of one [`CHUNK`]. What is typed beyond that stays in the buffer of the
/// terminal, whose writer waits.
const WAITING_MAX: usize = 1024;
/// Interval at which the thread looks whether the screen has taken what waits.
const ROOM: Duration = Duration::from_millis(2);

/// Input of the terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Input of the user.
    Typed(Event),
    /// Answer of the terminal: true for a light background, false for a dark one.
    Background(bool),
    /// The process goes on after a stop, and the terminal may be in the modes of a shell.
    Continued,
}

/// A thread that reads input until this reader is dropped; later input is left to the shell.
#[derive(Debug)]
pub struct InputReader {
    over: Arc<AtomicBool>,
    /// Receiver that is disconnected when the thread has ended.
    ended: channel::Receiver<()>,
}

impl InputReader {
    /// Starts the thread; returns the reader and the receiver of what is heard, which ends with the input. With `awaits_background` the
    /// terminal has been asked for its background.
    ///
    /// # Errors
    /// Fails if the system cannot create a thread.
    pub fn start(awaits_background: bool) -> io::Result<(InputReader, mpsc::Receiver<Heard>)> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        // Counted before the thread runs, which may be after the first stop.
        let continuations = interrupt::continuations();
        let (alive, ended) = channel::channel();
        let builder = std::thread::Builder::new().name("p2p-input".into());
        builder.spawn(move || {
            let _alive = alive;
            let decoder = Decoder::new(awaits_background);
            let _ = Reading { sender, decoder, waiting: VecDeque::new(), continuations, size: size() }.run(&seen);
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
    sender: mpsc::Sender<Heard>,
    decoder: Decoder,
    /// Events for which the sender had no room.
    waiting: VecDeque<Heard>,
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
            if !self.waiting.is_empty() {
                poll_for(&mut [], ROOM)?;
                self.pass_on(Vec::new())?;
                continue;
            }
            let patience = self.decoder.deadline().map_or(PATIENCE, |at| at.saturating_sub(start.elapsed()).min(PATIENCE));
            let heard = if is_readable(patience)? {
                let count = match rustix::io::read(stdin(), &mut chunk) {
                    Ok(0) => return Ok(()),
                    Err(Errno::INTR | Errno::AGAIN) => continue,
                    count => count?,
                };
                self.decoder.take(&chunk[..count], start.elapsed())
            } else {
                self.decoder.elapse(start.elapsed())
            };
            self.pass_on(heard)?;
        }
        Ok(())
    }

    /// Passes on what was read, and what else has happened by now.
    fn pass_on(&mut self, mut heard: Vec<Heard>) -> io::Result<()> {
        let before = std::mem::replace(&mut self.continuations, interrupt::continuations());
        heard.extend((self.continuations != before).then_some(Heard::Continued));
        let before = std::mem::replace(&mut self.size, size());
        let resized = self.size.filter(|_| self.size != before);
        heard.extend(resized.map(|(columns, rows)| Heard::Typed(Event::Resize(columns, rows))));
        self.waiting.extend(heard);
        self.send()
    }

    /// Sends what there is room for. A pasted text waits until everything before it was taken, so that no two of them are on the way.
    fn send(&mut self) -> io::Result<()> {
        while let Some(heard) = self.waiting.pop_front() {
            let is_long = matches!(heard, Heard::Typed(Event::Paste(_)));
            let room = if is_long { self.sender.max_capacity() } else { 1 };
            match self.sender.try_reserve() {
                Ok(permit) if self.sender.capacity() + 1 >= room => permit.send(heard),
                Err(TrySendError::Closed(())) => return Err(io::ErrorKind::BrokenPipe.into()),
                _ => {
                    self.waiting.push_front(heard);
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Waits until there is input, or its end, for a time at most.
fn is_readable(patience: Duration) -> io::Result<bool> {
    let stdin = stdin();
    poll_for(&mut [PollFd::new(&stdin, PollFlags::IN)], patience)
}

/// Waits for one of the descriptors, for a time at most; returns true if one is ready.
fn poll_for(descriptors: &mut [PollFd<'_>], patience: Duration) -> io::Result<bool> {
    // Rounded up, so that the instant that is waited for has come.
    let patience = Timespec::try_from(patience + Duration::from_micros(1)).map_err(io::Error::other)?;
    match poll(descriptors, Some(&patience)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;

    use super::*;

    fn taken(receiver: &mut mpsc::Receiver<Heard>) -> Vec<Event> {
        let heard = std::iter::from_fn(|| receiver.try_recv().ok());
        heard.filter_map(|heard| if let Heard::Typed(event) = heard { Some(event) } else { None }).collect()
    }

    /// Events wait in their order, at most so many for the screen, and of pasted texts one.
    #[test]
    fn what_waits_has_a_bound() {
        let (sender, mut receiver) = mpsc::channel(WAITING_MAX);
        let (continuations, size) = (interrupt::continuations(), size());
        let (decoder, waiting) = (Decoder::default(), VecDeque::new());
        let mut reading = Reading { sender, decoder, waiting, continuations, size };
        let typed = |events: &[Event]| events.iter().cloned().map(Heard::Typed).collect::<Vec<_>>();
        let key = |place: u32| Event::Key(sequence::key(KeyCode::Char(char::from_u32('0' as u32 + place).unwrap_or_default())));
        let keys: Vec<Event> = (0..3000).map(key).collect();
        reading.pass_on(typed(&keys)).unwrap();
        assert_eq!(receiver.len(), WAITING_MAX);
        let mut all = Vec::new();
        while all.len() < keys.len() {
            all.extend(taken(&mut receiver));
            reading.send().unwrap();
        }
        assert_eq!(all, keys);
        let paste = |text: &str| Event::Paste(text.to_owned());
        let pasted = [paste("a"), key(0), paste("b"), key(1)];
        reading.pass_on(typed(&pasted)).unwrap();
        assert_eq!(taken(&mut receiver), pasted[..2]);
        reading.send().unwrap();
        assert_eq!(taken(&mut receiver), pasted[2..]);
        drop(receiver);
        assert!(reading.pass_on(typed(&keys)).is_err());
    }
}
