//! Panics that are caught and returned as errors, such as those of a library on damaged data.
//!
//! The hook that prints panics ignores caught ones, since the caller that catches a panic reports it.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, and catches its panics.
///
/// # Errors
/// Returns the message of the panic if `work` panics.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(before);
    result.map_err(|panic| message(&*panic))
}

/// Returns true if this thread is running work whose panics are caught.
pub fn is_catching() -> bool {
    CATCHING.get()
}

fn message(panic: &dyn Any) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown panic".into())
}

/// Installs a hook that reports uncaught panics on standard error, as a bug of this program with its place. Errors of writing to
/// standard error are ignored, since a panic within a panic would abort the process.
pub fn tell_uncaught() {
    std::panic::set_hook(Box::new(|info| {
        if CATCHING.get() {
            return;
        }
        let place = info.location().map(|place| format!(" ({place})")).unwrap_or_default();
        let mut text = format!("p2p: internal error: {}{place}\n  this is a bug; please report it\n", message(info.payload()));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            text.push_str(&format!("{backtrace}\n"));
        }
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(caught(|| 7), Ok(7));
        assert_eq!(caught(|| panic!("a bug")), Err::<(), _>("a bug".to_owned()));
        assert_eq!(caught(|| panic!("bug {}", 2)), Err::<(), _>("bug 2".to_owned()));
        assert!(!CATCHING.get());
    }
}
