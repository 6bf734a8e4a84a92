//! Progress bar of one file that is sent to a server or fetched from it, on standard error if it is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use p2p_service::abilities::{self, Abilities, Glyphs};
use p2p_service::interrupt::echo_controls;
use p2p_service::output::{self, Drawing};

use crate::report::fitted;

/// Width of the name in columns.
const NAME: usize = 28;

/// Progress bar, whose last row stays when it is dropped.
#[derive(Debug)]
pub struct FileBar {
    bar: ProgressBar,
    drawing: Option<Drawing>,
}

impl FileBar {
    /// Draws the bar of a file of this name; without a size, the bytes are counted.
    pub fn new(name: &str, size: Option<u64>) -> FileBar {
        if output::message_width().is_none() || !Abilities::of_environment().moves_cursor {
            return FileBar { bar: ProgressBar::hidden(), drawing: None };
        }
        let bar = size.map_or_else(ProgressBar::no_length, ProgressBar::new);
        let glyphs = abilities::glyphs();
        let template = match size {
            Some(_) => "{prefix} {wide_bar} {percent:>3} % {binary_bytes_per_sec:>14}",
            None => "{prefix} {binary_bytes:>10} {binary_bytes_per_sec:>14}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(if glyphs == Glyphs::Ascii { style.progress_chars("#>-") } else { style });
        }
        bar.set_prefix(fitted(&glyphs.plain(name), NAME, glyphs.ellipsis()));
        // What is typed would stand in the row.
        echo_controls(false);
        let above = bar.clone();
        FileBar { bar, drawing: Some(Drawing::begin(move |line| above.println(line))) }
    }

    /// Draws so many bytes as done.
    pub fn set(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// Sets the size, once it is known.
    pub fn set_size(&self, bytes: u64) {
        self.bar.set_length(bytes);
    }
}

impl Drop for FileBar {
    fn drop(&mut self) {
        self.bar.abandon();
        if self.drawing.take().is_some() {
            echo_controls(true);
        }
    }
}
