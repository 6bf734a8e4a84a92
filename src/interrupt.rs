//! Floor 4: being asked to stop, by Ctrl-C (SIGINT), by `kill` (SIGTERM), or by a terminal that is closed (SIGHUP). Knows nothing of
//! what is then to be undone.
//!
//! A thread of its own takes signals in, so that it does not matter what else the process is doing:
//!
//! | signal | what follows |
//! |---|---|
//! | one that was ignored when the process began (`nohup`, a shell's `&`) | nothing: it stays ignored |
//! | the first, while nobody [attends](attend) | the process ends at once, as it would without any of this |
//! | the first, while somebody attends | [`interrupted`] tells them, and they bring things to an end |
//! | the same, and nobody has taken note of it for two seconds | the process ends at once |
//! | a further one, whichever | the process ends at once: a kill is safe by design, and the next start clears up |

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
use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;
use thiserror::Error;
use tokio::sync::watch;

use crate::output;

/// How long whoever attends may take to take note of a signal, before it ends the process as a further one would.
const HEARD_MAX: Duration = Duration::from_secs(2);
/// How soon after the first signal a further one ends the process: `timeout` and terminals that close send theirs twice in a row.
const FURTHER_AFTER: Duration = Duration::from_millis(250);
/// How long an end at once may take to give the terminal back and to say so.
const LAST_WORDS_MAX: Duration = Duration::from_millis(200);

/// Somebody, or the system, wants the program to end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("interrupted{outcome}")]
pub struct Interrupted {
    signal: i32,
    /// What became of what was under way.
    outcome: String,
}

impl Interrupted {
    /// The same, with what became of what was under way.
    #[must_use]
    pub fn after(self, outcome: &str) -> Interrupted {
        Interrupted { outcome: format!("; {outcome}"), ..self }
    }

    /// Whether it was Ctrl-C, which where lines are typed ends a command and not the program.
    pub fn is_ctrl_c(&self) -> bool {
        self.signal == SIGINT
    }

    /// What shells make of the signal: 130 for Ctrl-C, 143 for `kill`, 129 for a closed terminal.
    pub fn exit_code(&self) -> u8 {
        exit_code(self.signal)
    }
}

fn exit_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// A first signal that somebody attends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    signal: i32,
    at: Instant,
    /// Somebody has taken note of it.
    heard: bool,
}

static ASKED: LazyLock<watch::Sender<Option<Asked>>> = LazyLock::new(|| watch::Sender::new(None));
static ATTENDING: AtomicUsize = AtomicUsize::new(0);
static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
/// What gives the terminal back where the process ends at once.
static LAST_WORDS: Mutex<Option<fn()>> = Mutex::new(None);

/// Takes signals in from now on.
///
/// # Errors
/// Where the system refuses.
pub fn watch() -> Result<()> {
    let started = STARTED.get_or_init(|| start().map_err(|error| error.to_string()));
    started.as_ref().copied().map_err(|error| eyre!("cannot wait for signals: {error}"))
}

fn start() -> io::Result<()> {
    let ignored = ignored_signals();
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let mut signals = Signals::new(wanted)?;
    // Where there is a terminal, it is as whoever started this process left it.
    let terminal = tcgetattr(stdin()).ok();
    let builder = Builder::new().name("p2p-signals".into());
    builder.spawn(move || signals.forever().for_each(|signal| take_in(signal, terminal.as_ref())))?;
    Ok(())
}

/// The signals that are ignored, one bit each from the lowest for signal 1 on (proc(5), `SigIgn`). None where the system does not tell.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
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
            // Without a thread to spare there is no deadline, but a further signal.
            drop(watched);
        }
        Some(first) => {
            wait(FURTHER_AFTER.saturating_sub(first.at.elapsed()));
            let is_same = ASKED.borrow().is_some_and(|asked| asked.at == first.at);
            if is_same {
                end(signal, "interrupted again; ended at once, and the next start undoes what is left", terminal);
            }
            // What the first one asked for was done meanwhile.
            take_in(signal, terminal);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "signals come from people and systems, who live by the wall clock")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a thread that does nothing but wait for a deadline on the wall clock")]
fn wait(span: Duration) {
    std::thread::sleep(span);
}

/// Ends the process, whatever its other threads are doing, and whatever they hold.
fn end(signal: i32, words: &'static str, terminal: Option<&Termios>) -> ! {
    let (said, ended) = channel();
    let terminal = terminal.cloned();
    // A terminal, or whoever reads standard error, may be as stuck as the rest.
    let speaker = Builder::new().name("p2p-last-words".into()).spawn(move || {
        give_back(terminal.as_ref());
        if !words.is_empty() {
            output::tell(format_args!("p2p: {words}"));
        }
        // Nobody waits for it any more where it has taken too long.
        let _ = said.send(());
    });
    if speaker.is_ok() {
        let _ = ended.recv_timeout(LAST_WORDS_MAX);
    }
    low_level::exit(i32::from(exit_code(signal)))
}

fn give_back(terminal: Option<&Termios>) {
    if let Some(leave) = *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) {
        leave();
    }
    // One in the background would be stopped for trying.
    if let Some(terminal) = terminal.filter(|_| tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, terminal);
    }
}

/// Has this done where the process ends at once: it gives the terminal back.
pub fn when_ended_at_once(leave: fn()) {
    *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(leave);
}

/// While this is kept, the first signal is somebody's to look for, by [`interrupted`].
#[derive(Debug)]
pub struct Attention(());

impl Drop for Attention {
    fn drop(&mut self) {
        ATTENDING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// From now on the first signal does not end the process: whoever holds this brings things to an end.
///
/// # Errors
/// Where signals cannot be waited for.
pub fn attend() -> Result<Attention> {
    watch()?;
    ATTENDING.fetch_add(1, Ordering::SeqCst);
    Ok(Attention(()))
}

/// Waits until somebody interrupts; at once where somebody has, and it is not [settled](settle).
///
/// # Errors
/// Where signals cannot be waited for.
pub async fn interrupted() -> Result<Interrupted> {
    let _attention = attend()?;
    let mut asked = ASKED.subscribe();
    let asked = *asked.wait_for(Option::is_some).await.wrap_err("cannot wait for signals")?;
    ASKED.send_if_modified(|asked| {
        asked.iter_mut().for_each(|asked| asked.heard = true);
        // To whoever waits for one it is the same.
        false
    });
    asked.map(by).ok_or_else(|| eyre!("cannot wait for signals"))
}

fn by(asked: Asked) -> Interrupted {
    Interrupted { signal: asked.signal, outcome: String::new() }
}

/// Whether somebody has interrupted, and it is not [settled](settle).
pub fn pending() -> Option<Interrupted> {
    ASKED.borrow().map(by)
}

/// The signal of a terminal that is closed, where one of the streams is such a terminal: what failed then did so for that reason. The
/// system closes a terminal first and tells it by a signal then.
pub fn hung_up() -> Option<Interrupted> {
    let is_gone = |stream: BorrowedFd<'_>| tcgetattr(stream).is_err_and(|error| error == Errno::IO);
    let is_one_gone = is_gone(stdin().as_fd()) || is_gone(io::stdout().as_fd()) || is_gone(io::stderr().as_fd());
    if !is_one_gone || ignored_signals() & (1 << (SIGHUP - 1)) != 0 {
        return None;
    }
    Some(Interrupted { signal: SIGHUP, outcome: String::new() })
}

/// What an interruption asked for is done, and the program goes on: the next one is a first one.
pub fn settle() {
    ASKED.send_replace(None);
}
