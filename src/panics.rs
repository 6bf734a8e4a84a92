//! Floor 0: panics that are caught and become values, such as those of a library that is given damaged data.
//!
//! The hook that prints panics stays silent about them, since whoever catches one says what it means. Knows nothing of what
//! is done.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`; where it panics, gives the message.
///
/// # Errors
/// The panic's message.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(before);
    result.map_err(|panic| message(panic.as_ref()))
}

/// Whether this thread is doing work whose panics are caught.
pub fn is_catching() -> bool {
    CATCHING.get()
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown panic".into())
}

/// Makes the panic hook that is in place stay silent about panics that are caught here.
pub fn silence_caught() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !CATCHING.get() {
            hook(info);
        }
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
