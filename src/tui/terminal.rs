//! The terminal: taken over at the start, given back at the end, whatever the end is. Knows nothing of what is drawn.

use std::io::{self, Write, stdout};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc as channel};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::sync::mpsc;

use crate::interrupt;

/// Gives the terminal back when it is dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal over; a panic gives it back before it is told, and so does an end at once.
    ///
    /// # Errors
    /// Where the terminal cannot do it.
    pub fn take() -> io::Result<Guard> {
        interrupt::when_ended_at_once(leave);
        enter()?;
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !crate::panics::is_catching() {
                leave();
            }
            hook(info);
        }));
        Ok(Guard(()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

/// Whether the terminal is taken. Giving it back twice would put the cursor where it was in the beginning, and what was written
/// in between would be written over.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste)
}

/// As far as it goes: there is nobody to tell.
fn leave() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(stdout(), DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// What the screen is drawn on. It is never dropped: it would show the cursor, which [`Guard`] does, and where the terminal is closed
/// say so with a panic.
pub type Screen = ManuallyDrop<Terminal<CrosstermBackend<io::Stdout>>>;

/// The screen.
///
/// # Errors
/// Where the terminal's size cannot be had.
pub fn screen() -> io::Result<Screen> {
    Terminal::new(CrosstermBackend::new(stdout())).map(ManuallyDrop::new)
}

/// How long the reading thread sleeps between looking whether it is to end.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long it may take to end. Below crossterm it never does where the terminal is closed: reading finds neither anything nor an end.
const END_MAX: Duration = Duration::from_millis(500);

/// Reads input events on a thread of its own, until it is dropped: what is typed after that is the shell's.
#[derive(Debug)]
pub struct InputReader {
    over: Arc<AtomicBool>,
    /// Closed when the thread has ended.
    ended: channel::Receiver<()>,
}

impl InputReader {
    /// Begins to read.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start() -> io::Result<(InputReader, mpsc::UnboundedReceiver<Event>)> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let (alive, ended) = channel::channel();
        let builder = std::thread::Builder::new().name("p2p-input".into());
        builder.spawn(move || {
            let _alive = alive;
            while !seen.load(Ordering::Relaxed) && read(&sender).is_ok() {}
        })?;
        Ok((InputReader { over, ended }, receiver))
    }
}

fn read(sender: &mpsc::UnboundedSender<Event>) -> io::Result<()> {
    if crossterm::event::poll(PATIENCE)? {
        sender.send(crossterm::event::read()?).map_err(io::Error::other)?;
    }
    Ok(())
}

impl Drop for InputReader {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Nothing is ever sent. A thread that does not end is left to end with the process.
        let _ = self.ended.recv_timeout(END_MAX);
    }
}

/// Puts a text on the clipboard of the terminal (OSC 52).
///
/// # Errors
/// Where the terminal cannot be written to.
pub fn copy(text: &str) -> io::Result<()> {
    let mut out = stdout();
    write!(out, "\u{1b}]52;c;{}\u{7}", BASE64_STANDARD.encode(text))?;
    out.flush()
}

/// Gives the terminal back to the shell until it continues this process.
///
/// # Errors
/// Where the process cannot be stopped or the terminal not be taken again.
pub fn suspend() -> io::Result<()> {
    leave();
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
    enter()
}
