//! The terminal: it is taken over at the start and restored at the end, also after errors, panics and signals.

use std::io::{self, Write, stdout};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc as channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyModifiers,
};
use crossterm::style::Print;
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use p2p_service::abilities::{self, Abilities};
use p2p_service::interrupt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::sync::mpsc;

use super::background::{Heard, Listener};
use super::plain::PlainBackend;

/// A guard that restores the terminal when it is dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal over, and the mouse if `mouse` is true. It is also restored before the message of a panic is printed, and when a signal ends the process
    /// at once.
    ///
    /// # Errors
    /// Fails if the terminal does not support the required modes.
    pub fn take(mouse: bool) -> io::Result<Guard> {
        MOUSE.store(mouse, Ordering::SeqCst);
        interrupt::when_ended_at_once(leave);
        enter()?;
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !p2p_base::panics::is_catching() {
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

/// True while the terminal is taken over. Restoring it twice would move the cursor back to its initial position, and overwrite
/// the text that was printed in between.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// True while clicks and the wheel are taken; otherwise the terminal selects text with the mouse.
static MOUSE: AtomicBool = AtomicBool::new(true);
/// Requests for clicks, drags and the wheel, with SGR coordinates (xterm's control sequences, mouse tracking); motion without a
/// button is not requested.
const TAKE_MOUSE: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    if MOUSE.load(Ordering::SeqCst) { execute!(stdout(), Print(TAKE_MOUSE)) } else { Ok(()) }
}

/// Gives the mouse back to the terminal, or takes it again; it stays so after a suspension.
///
/// # Errors
/// Fails if the terminal cannot be written to.
pub fn toggle_mouse() -> io::Result<()> {
    match MOUSE.fetch_not(Ordering::SeqCst) {
        true => execute!(stdout(), DisableMouseCapture),
        false => execute!(stdout(), Print(TAKE_MOUSE)),
    }
}

/// Restores the terminal if it is taken over. Errors are ignored, since they cannot be reported.
fn leave() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(stdout(), DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// The terminal as ratatui draws on it. It is never dropped: its destructor would show the cursor, which [`Guard`] does already,
/// and would panic if the terminal is closed.
pub type Screen = ManuallyDrop<Terminal<PlainBackend<CrosstermBackend<io::Stdout>>>>;

/// Creates the screen on standard output, in the characters that this process prints and the colours of the terminal.
///
/// # Errors
/// Fails if the size of the terminal cannot be determined.
pub fn screen() -> io::Result<Screen> {
    let colors = Abilities::of_environment().colors;
    Terminal::new(PlainBackend::new(CrosstermBackend::new(stdout()), abilities::glyphs(), colors)).map(ManuallyDrop::new)
}

/// Interval at which the reading thread checks whether it is to end.
const PATIENCE: Duration = Duration::from_millis(50);
/// Maximum time for which the end of the thread is awaited. If the terminal is closed, crossterm's read neither returns an event
/// nor reports an end, so that the thread does not end.
const END_MAX: Duration = Duration::from_millis(500);

/// A thread that reads input events until this reader is dropped; later input is left to the shell.
#[derive(Debug)]
pub struct InputReader {
    over: Arc<AtomicBool>,
    /// Receiver that is disconnected when the thread has ended.
    ended: channel::Receiver<()>,
}

impl InputReader {
    /// Starts the thread; returns the reader and the receiver of what the `listener` hears.
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
            let _ = read(listener, &sender, &seen, continuations);
        })?;
        Ok((InputReader { over, ended }, receiver))
    }
}

/// Reads until it is `over`, the receiver is gone or the terminal cannot be read; the process had been continued this often before.
#[expect(clippy::disallowed_methods, reason = "a terminal lives by the wall clock")]
fn read(
    mut listener: Listener,
    sender: &mpsc::UnboundedSender<Heard>,
    over: &AtomicBool,
    mut continuations: usize,
) -> io::Result<()> {
    let start = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let heard = if crossterm::event::poll(PATIENCE)? {
            listener.hear(with_line_ends(crossterm::event::read()?), start.elapsed())
        } else {
            listener.elapse(start.elapsed())
        };
        let before = std::mem::replace(&mut continuations, interrupt::continuations());
        let continued = (continuations != before).then_some(Heard::Continued);
        heard.into_iter().chain(continued).try_for_each(|heard| sender.send(heard)).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Returns a line feed as Enter: it ends the lines that were typed before the terminal was in raw mode.
fn with_line_ends(event: Event) -> Event {
    match event {
        Event::Key(KeyEvent { code: KeyCode::Char('j'), modifiers: KeyModifiers::CONTROL, kind, state }) => {
            Event::Key(KeyEvent { code: KeyCode::Enter, modifiers: KeyModifiers::NONE, kind, state })
        }
        event => event,
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

/// Copies a text to the clipboard of the terminal (OSC 52).
///
/// # Errors
/// Fails if the terminal cannot be written to.
pub fn copy(text: &str) -> io::Result<()> {
    let mut out = stdout();
    write!(out, "\u{1b}]52;c;{}\u{7}", BASE64_STANDARD.encode(text))?;
    out.flush()
}

/// Restores the terminal and stops the process group; takes the terminal over again when the shell continues it.
///
/// # Errors
/// Fails if the process cannot be stopped or the terminal cannot be taken over again.
pub fn suspend() -> io::Result<()> {
    leave();
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
    enter()
}

/// Takes the terminal over again after a stop from outside (SIGSTOP, SIGTSTP of another process), before which it was not restored.
/// Where it is taken over already, as after Ctrl-Z and `fg`, which are a continuation too, it leaves raw mode for a moment and enters it again.
///
/// # Errors
/// Fails if the terminal cannot be taken over again.
pub fn retake() -> io::Result<()> {
    // Otherwise crossterm takes the terminal for one in raw mode.
    disable_raw_mode()?;
    enter()?;
    // A terminal that shows the alternate screen already does not clear it, and blank cells are not drawn.
    execute!(stdout(), Clear(ClearType::All))
}
