//! The terminal: it is taken over at the start and restored at the end, also after errors, panics and signals.

mod output;

use std::io::{self, Write, stdout};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use p2p_service::abilities::{self, Abilities};
use p2p_service::interrupt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

pub use self::output::Output;
use super::plain::PlainBackend;

/// A guard that restores the terminal when it is dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal over, and the mouse if `mouse` is true. It is also restored before the message of a panic is printed, when a
    /// signal ends the process at once, and before one stops it.
    ///
    /// # Errors
    /// Fails if the terminal does not support the required modes.
    pub fn take(mouse: bool) -> io::Result<Guard> {
        MOUSE.store(mouse, Ordering::SeqCst);
        interrupt::restore_terminal_by(leave)?;
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
    interrupt::taken_back();
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    if takes_mouse() { execute!(stdout(), Print(TAKE_MOUSE)) } else { Ok(()) }
}

/// Returns true if clicks and the wheel are taken, and false if the terminal has them.
pub fn takes_mouse() -> bool {
    MOUSE.load(Ordering::SeqCst)
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
    let _drawn = output::drawn();
    let _ = execute!(stdout(), DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// The terminal as ratatui draws on it. It is never dropped: its destructor would show the cursor, which [`Guard`] does already,
/// and would panic if the terminal is closed.
pub type Screen = ManuallyDrop<Terminal<PlainBackend<CrosstermBackend<Output>>>>;

/// Creates the screen on standard output, in the characters that this process prints and the colours of the terminal.
///
/// # Errors
/// Fails if the size of the terminal cannot be determined.
pub fn screen() -> io::Result<Screen> {
    let colors = Abilities::of_environment().colors;
    Terminal::new(PlainBackend::new(CrosstermBackend::new(Output::default()), abilities::glyphs(), colors)).map(ManuallyDrop::new)
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

/// Stops the process group, as Ctrl-Z does in a terminal that is not taken over. This process restores the terminal before it stops, and
/// takes it over again when the shell continues it; where there is no shell that could, it goes on.
///
/// # Errors
/// Fails if the signal cannot be sent.
pub fn suspend() -> io::Result<()> {
    Ok(rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?)
}

/// Takes the terminal over again after a stop. It was restored before, unless the stop was one that cannot be received (SIGSTOP); and a
/// continuation may come without a stop. Where it is taken over already, it leaves raw mode for a moment and enters it again.
///
/// # Errors
/// Fails if the terminal cannot be taken over again.
pub fn retake() -> io::Result<()> {
    // Otherwise crossterm takes the terminal for one in raw mode.
    disable_raw_mode()?;
    enter()
}
