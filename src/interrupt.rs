//! Floor 4: being asked to stop, by Ctrl-C, by `kill`, or by a terminal that is closed. Knows nothing of what is then to be undone.

use color_eyre::eyre::{Result, WrapErr};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

/// The user, or the system, wants the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("interrupted; what was under way has been undone")]
pub struct Interrupted {
    signal: SignalKind,
}

impl Interrupted {
    /// Whether it was Ctrl-C, which where lines are typed ends a command and not the program.
    pub fn is_ctrl_c(self) -> bool {
        self.signal == SignalKind::interrupt()
    }

    /// What shells make of the signal: 130 for Ctrl-C, 143 for `kill`, 129 for a closed terminal.
    pub fn exit_code(self) -> u8 {
        u8::try_from(128 + self.signal.as_raw_value()).unwrap_or(u8::MAX)
    }
}

/// Waits until somebody interrupts.
///
/// # Errors
/// Where signals cannot be waited for.
pub async fn interrupted() -> Result<Interrupted> {
    let listen = |kind| signal(kind).wrap_err("cannot wait for signals");
    let (mut ctrl_c, mut kill) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut hang_up = listen(SignalKind::hangup())?;
    let signal = tokio::select! {
        _ = ctrl_c.recv() => SignalKind::interrupt(),
        _ = kill.recv() => SignalKind::terminate(),
        _ = hang_up.recv() => SignalKind::hangup(),
    };
    Ok(Interrupted { signal })
}
