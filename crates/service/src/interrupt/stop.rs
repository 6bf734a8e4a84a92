//! Stops and continuations of the process: Ctrl-Z and `kill -TSTP` (SIGTSTP), `kill -STOP` (SIGSTOP), and `fg` (SIGCONT).
//!
//! While a screen may be shown, a stop is received: the terminal is restored first, and is the shell's while the process stands still.
//! SIGSTOP cannot be received. After either the terminal belongs to the process again when it [has been taken back](taken_back), and
//! nothing is to be drawn before.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::Builder;

use signal_hook::consts::{SIGCONT, SIGTSTP};
use signal_hook::{flag, low_level};
use tokio::sync::watch;

use super::give_back_screen;
use super::job::is_orphaned;

static CONTINUATIONS: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));
/// True from a continuation on until the terminal is taken back.
static IS_BACK: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Returns true if a stop of the process has an effect: there is a shell that could continue it.
pub fn can_stop() -> bool {
    !is_orphaned()
}

/// Starts to notice continuations, at the very instant at which they come.
pub(super) fn watch() -> io::Result<()> {
    flag::register(SIGCONT, Arc::clone(&IS_BACK)).map(drop)
}

pub(super) fn note_continuation() {
    CONTINUATIONS.send_modify(|count| *count += 1);
}

/// Returns how often the process has been continued (SIGCONT) after a stop: the terminal may be in the modes of a shell since.
pub fn continuations() -> usize {
    *CONTINUATIONS.borrow()
}

/// Returns the same, to be waited for.
pub fn watch_continuations() -> watch::Receiver<usize> {
    CONTINUATIONS.subscribe()
}

/// Returns true if the process has been continued and has not [taken the terminal back](taken_back) since: it is the shell's screen that
/// would be drawn on.
pub fn is_continued() -> bool {
    IS_BACK.load(Ordering::SeqCst)
}

/// Notes that the terminal is about to be taken back after a continuation.
pub fn taken_back() {
    IS_BACK.store(false, Ordering::SeqCst);
}

/// Restores the terminal and stops the process, as the default action of SIGTSTP does: not where no shell could continue it. A thread does
/// so, since a terminal may take nothing, and further signals have to be received meanwhile.
pub(super) fn stop() {
    if !can_stop() {
        return;
    }
    let stopping = || {
        give_back_screen();
        // A process that cannot be stopped goes on without its screen, which the next continuation brings back.
        let _ = low_level::emulate_default_handler(SIGTSTP);
    };
    if Builder::new().name("p2p-stop".into()).spawn(stopping).is_err() {
        stopping();
    }
}
