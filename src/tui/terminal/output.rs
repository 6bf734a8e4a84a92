//! The output of frames, each of which is written when it is whole: nothing of it reaches a terminal that is not, or no longer, taken over.

use std::io::{self, Write, stdout};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use p2p_service::interrupt;

use super::TAKEN;

/// Lock that is held while a frame is written.
static WRITING: Mutex<()> = Mutex::new(());
/// Time after which it is looked again whether a frame is written.
const PATIENCE: Duration = Duration::from_millis(5);
/// Number of times that this is looked at; a terminal that takes nothing (Ctrl-S) holds up its restoration no longer.
const LOOKS_MAX: usize = 20;

/// Waits until no frame is being written, so that what is written next is not lost in one; returns a guard that keeps it so, and `None` if
/// that took too long.
pub(super) fn drawn() -> Option<MutexGuard<'static, ()>> {
    for _ in 0..LOOKS_MAX {
        if let Ok(guard) = WRITING.try_lock() {
            return Some(guard);
        }
        std::thread::park_timeout(PATIENCE);
    }
    None
}

/// Standard output for frames, each of which is written when it is whole.
#[derive(Debug, Default)]
pub struct Output {
    frame: Vec<u8>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // The lock guards no data.
        let _writing = WRITING.lock();
        let frame = std::mem::take(&mut self.frame);
        // Where the process was stopped, all is drawn again once the terminal is taken back.
        if frame.is_empty() || !TAKEN.load(Ordering::SeqCst) || interrupt::is_continued() {
            return Ok(());
        }
        let mut out = stdout();
        out.write_all(&frame)?;
        out.flush()
    }
}
