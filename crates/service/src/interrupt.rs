//! Requests to stop: Ctrl-C (SIGINT), Ctrl-\ (SIGQUIT), `kill` (SIGTERM), a terminal that is closed (SIGHUP), and SIGALRM,
//! SIGUSR1, SIGUSR2 and SIGXCPU (a limit of processor time): whichever of them ends the program, the terminal is restored and its
//! temporary directories are removed. All other signals have their default action, but SIGXFSZ, which is an error of the write that exceeds
//! the limit of a file's size (EFBIG).
//!
//! A thread of its own receives the signals, so that it does not matter what else the process is doing:
//!
//! | signal | effect |
//! |---|---|
//! | one that was ignored when the process started (`nohup`, a shell's `&`) | none: it stays ignored |
//! | the first, while no caller [attends](attend) | the process ends at once, as with the default action |
//! | the first, while a caller attends | [`interrupted`] returns it, and the caller ends its work |
//! | the same, if no caller has noticed it for two seconds | the process ends at once |
//! | SIGXCPU after SIGXCPU | none: the system sends it each second beyond the limit (getrlimit(2)) |
//! | any other further one | the process ends at once: a kill is safe by design, and the next start cleans up |
//! | SIGXFSZ | none: the write that caused it fails |
//! | SIGTSTP, once a screen was shown | the terminal is restored, and the process stops |
//! | SIGCONT | it is noted, so that a screen takes the terminal back |

mod job;
mod stop;

use std::fs;
use std::io::{self, stdin};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use eyre::{Result, WrapErr, eyre};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level;
use thiserror::Error;
use tokio::sync::watch;

pub use self::stop::{can_stop, continuations, is_continued, taken_back, watch_continuations};
use crate::output;

/// Signals that users and systems end a program with, whose default action does so (POSIX.1-2024, XBD <signal.h>). Missing are those of
/// interval timers and of polled devices (SIGVTALRM, SIGPROF, SIGPOLL), which a process asks for itself, and those of Linux alone.
/// SIGQUIT and SIGXCPU write no core file here.
const ENDING: [i32; 8] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU];
/// Signals that are received and end nothing: a continuation is counted, and that of a file that would exceed its limit is left to the write
/// that caused it, which fails with EFBIG where the signal does not end the process (POSIX.1-2024, XSH write()).
const NOTICED: [i32; 2] = [SIGCONT, SIGXFSZ];
/// Time within which the first signal has to be noticed; otherwise it ends the process as a further one would.
const HEARD_MAX: Duration = Duration::from_secs(2);
/// Time after the first signal from which on a further one ends the process: `timeout` and closing terminals send theirs twice
/// in a row.
const FURTHER_AFTER: Duration = Duration::from_millis(250);
/// Maximum time to restore the terminal and print a message before the process ends at once.
const LAST_WORDS_MAX: Duration = Duration::from_millis(200);

/// Request of the user or the system to end the program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("interrupted{outcome}")]
pub struct Interrupted {
    signal: i32,
    /// Description of what became of the work in progress.
    outcome: String,
    /// True if the end of the work in progress was no longer waited for.
    is_given_up: bool,
}

impl Interrupted {
    /// Returns `Err` with the interruption that is not [settled](settle) yet, if there is one.
    ///
    /// # Errors
    /// Fails if there is an interruption.
    pub fn check() -> Result<(), Interrupted> {
        pending().map_or(Ok(()), Err)
    }

    /// Adds a description of what became of the work in progress, after what was described before.
    #[must_use]
    pub fn after(self, outcome: &str) -> Interrupted {
        Interrupted { outcome: format!("{}; {outcome}", self.outcome), ..self }
    }

    /// Notes that the end of the work in progress was no longer waited for.
    #[must_use]
    pub(crate) fn giving_up(self) -> Interrupted {
        Interrupted { is_given_up: true, ..self }
    }

    /// Returns true if the end of the work in progress was no longer waited for, because the engine makes no progress.
    pub const fn is_given_up(&self) -> bool {
        self.is_given_up
    }

    /// Returns true for Ctrl-C, which ends a command and not the program where the user types lines.
    pub fn is_ctrl_c(&self) -> bool {
        self.signal == SIGINT
    }

    /// Returns the exit code that shells derive from the signal: 130 for Ctrl-C, 131 for Ctrl-\, 143 for `kill`, 129 for a
    /// closed terminal.
    pub fn exit_code(&self) -> u8 {
        exit_code(self.signal)
    }
}

fn exit_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// First signal, received while a caller attends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    signal: i32,
    at: Instant,
    /// True if a caller has noticed the signal.
    heard: bool,
}

static ASKED: LazyLock<watch::Sender<Option<Asked>>> = LazyLock::new(|| watch::Sender::new(None));
static ATTENDING: AtomicUsize = AtomicUsize::new(0);
static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
/// Handle to add signals to those that are received.
static RECEIVED: OnceLock<Handle> = OnceLock::new();
/// Function that restores the terminal if the process ends at once or is stopped.
static LAST_WORDS: Mutex<Option<fn()>> = Mutex::new(None);

/// Starts to receive signals.
///
/// # Errors
/// Fails if the system refuses.
pub fn watch() -> Result<()> {
    let started = STARTED.get_or_init(|| start().map_err(|error| error.to_string()));
    started.as_ref().copied().map_err(|error| eyre!("cannot wait for signals: {error}"))
}

fn start() -> io::Result<()> {
    let ignored = ignored_signals();
    let is_left = |signal: &i32| *signal == SIGCONT || ignored & (1 << (signal - 1)) == 0;
    // Before the signals are passed on to the thread, so that what it does comes after.
    stop::watch()?;
    let mut signals = Signals::new(ENDING.into_iter().chain(NOTICED).filter(is_left))?;
    // The process starts to receive signals once.
    let _ = RECEIVED.set(signals.handle());
    // Terminal settings at the start of this process, if there is a terminal.
    let terminal = tcgetattr(stdin()).ok();
    let builder = Builder::new().name("p2p-signals".into());
    builder.spawn(move || signals.forever().for_each(|signal| notice(signal, terminal.as_ref())))?;
    Ok(())
}

/// Returns the set of ignored signals, one bit each, with the lowest bit for signal 1 (proc(5), `SigIgn`). Returns zero if the
/// system does not provide it.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn notice(signal: i32, terminal: Option<&Termios>) {
    match signal {
        SIGCONT => stop::note_continuation(),
        SIGTSTP => stop::stop(),
        SIGXFSZ => {}
        _ => take_in(signal, terminal),
    }
}

fn take_in(signal: i32, terminal: Option<&Termios>) {
    let before = *ASKED.borrow();
    match before {
        None if ATTENDING.load(Ordering::SeqCst) == 0 => end(signal, "", terminal),
        None => {
            let asked = Asked { signal, at: now(), heard: false };
            ASKED.send_replace(Some(asked));
            let terminal = terminal.cloned();
            let deadline = Builder::new().name("p2p-unheard".into());
            let watched = deadline.spawn(move || {
                wait(HEARD_MAX);
                if *ASKED.borrow() == Some(asked) {
                    end(signal, "interrupted while nothing moves; ended at once", terminal.as_ref());
                }
            });
            // If no thread can be started, there is no deadline; a further signal still ends the process.
            drop(watched);
        }
        Some(first) if is_repetition(first.signal, signal) => {}
        Some(first) => {
            wait(FURTHER_AFTER.saturating_sub(first.at.elapsed()));
            let is_same = ASKED.borrow().is_some_and(|asked| asked.at == first.at);
            if is_same {
                end(signal, "interrupted again; ended at once. What is left on this machine, the next start undoes", terminal);
            }
            // The request of the first signal has been settled in the meantime.
            take_in(signal, terminal);
        }
    }
}

/// Returns true if the system sends a signal again for the reason of the first one, so that nobody has asked a second time.
const fn is_repetition(first: i32, signal: i32) -> bool {
    matches!((first, signal), (SIGXCPU, SIGXCPU))
}

#[expect(clippy::disallowed_methods, reason = "signals come from people and systems, who live by the wall clock")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a thread that does nothing but wait for a deadline on the wall clock")]
fn wait(span: Duration) {
    std::thread::sleep(span);
}

/// Ends the process, whatever its other threads are doing and whichever locks they hold.
fn end(signal: i32, words: &'static str, terminal: Option<&Termios>) -> ! {
    let (said, ended) = channel();
    let terminal = terminal.cloned();
    // The terminal, or the reader of standard error, may block as well.
    let speaker = Builder::new().name("p2p-last-words".into()).spawn(move || {
        give_back(terminal.as_ref());
        if !words.is_empty() {
            output::tell(format_args!("p2p: {words}"));
        }
        // The receiver has given up if this took too long.
        let _ = said.send(());
    });
    if speaker.is_ok() {
        let _ = ended.recv_timeout(LAST_WORDS_MAX);
    }
    low_level::exit(i32::from(exit_code(signal)))
}

fn give_back(terminal: Option<&Termios>) {
    give_back_screen();
    // A process in the background would be stopped (SIGTTOU) for the attempt.
    if let Some(terminal) = terminal.filter(|_| job::is_in_foreground()) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, terminal);
    }
}

fn give_back_screen() {
    let leave = *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(leave) = leave {
        leave();
    }
}

/// Sets the function that restores the terminal if the process ends at once, and from now on before it is stopped (SIGTSTP), unless
/// that signal was ignored when the process started. Signals are [watched](watch()) by then.
///
/// # Errors
/// Fails if the signal cannot be received.
pub fn restore_terminal_by(leave: fn()) -> io::Result<()> {
    *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(leave);
    match RECEIVED.get() {
        Some(received) if ignored_signals() & (1 << (SIGTSTP - 1)) == 0 => received.add_signal(SIGTSTP),
        _ => Ok(()),
    }
}

/// Guard that leaves the first signal to a caller of [`interrupted`] as long as it exists.
#[derive(Debug)]
pub struct Attention(());

impl Drop for Attention {
    fn drop(&mut self) {
        ATTENDING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Prevents the first signal from ending the process, until the guard is dropped: its holder has to end the work.
///
/// # Errors
/// Fails if signals cannot be received.
pub fn attend() -> Result<Attention> {
    watch()?;
    ATTENDING.fetch_add(1, Ordering::SeqCst);
    Ok(Attention(()))
}

/// Waits for an interruption. Returns at once if there was one that is not [settled](settle).
///
/// # Errors
/// Fails if signals cannot be received.
pub async fn interrupted() -> Result<Interrupted> {
    let _attention = attend()?;
    let mut asked = ASKED.subscribe();
    let asked = *asked.wait_for(Option::is_some).await.wrap_err("cannot wait for signals")?;
    ASKED.send_if_modified(|asked| {
        asked.iter_mut().for_each(|asked| asked.heard = true);
        // Waiting receivers need no notification of this change.
        false
    });
    asked.map(by).ok_or_else(|| eyre!("cannot wait for signals"))
}

/// Waits for work that an interruption does not cut short, because that would leave something half done: [`pending`] tells of it
/// afterwards. The interruption counts as noticed, so that it does not end the process at once after two seconds.
pub async fn heeded<T>(work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        // If signals cannot be received, none is waited for.
        _ = interrupted() => {}
    }
    work.await
}

/// Waits for an interruption as [`interrupted`] does, for a caller who does no more than tell of it.
///
/// # Errors
/// Fails if signals cannot be received.
pub async fn asked() -> Result<()> {
    let mut asked = ASKED.subscribe();
    asked.wait_for(Option::is_some).await.map(drop).wrap_err("cannot wait for signals")
}

/// Makes the terminal show keys such as Ctrl-C as `^C`, or not: behind a row that is drawn again these would begin another.
pub fn echo_controls(shown: bool) {
    let stderr = io::stderr();
    // A process in the background would be stopped (SIGTTOU) for the attempt.
    let Some(mut terminal) = tcgetattr(&stderr).ok().filter(|_| job::is_in_foreground()) else { return };
    terminal.local_modes.set(LocalModes::ECHOCTL, shown);
    // A terminal that refuses shows the key.
    let _ = tcsetattr(&stderr, OptionalActions::Now, &terminal);
}

fn by(asked: Asked) -> Interrupted {
    Interrupted { signal: asked.signal, outcome: String::new(), is_given_up: false }
}

/// Returns the interruption that is not [settled](settle) yet, if there is one.
pub fn pending() -> Option<Interrupted> {
    ASKED.borrow().map(by)
}

/// Returns SIGHUP if a standard stream is a terminal that has been closed: this is then the reason of a failed read or write.
/// The system closes a terminal first and sends the signal afterwards.
pub fn hung_up() -> Option<Interrupted> {
    let is_gone = |stream: BorrowedFd<'_>| tcgetattr(stream).is_err_and(|error| error == Errno::IO);
    let is_one_gone = is_gone(stdin().as_fd()) || is_gone(io::stdout().as_fd()) || is_gone(io::stderr().as_fd());
    if !is_one_gone || ignored_signals() & (1 << (SIGHUP - 1)) != 0 {
        return None;
    }
    Some(Interrupted { signal: SIGHUP, outcome: String::new(), is_given_up: false })
}

/// Marks the interruption as handled: the program continues, and the next signal counts as a first one.
pub fn settle() {
    ASKED.send_replace(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_processor_time_asks_once_and_users_ask_again() {
        assert!(is_repetition(SIGXCPU, SIGXCPU));
        for (first, further) in [(SIGINT, SIGINT), (SIGTERM, SIGTERM), (SIGHUP, SIGHUP), (SIGXCPU, SIGINT), (SIGINT, SIGXCPU)] {
            assert!(!is_repetition(first, further), "{first} {further}");
        }
    }
}
