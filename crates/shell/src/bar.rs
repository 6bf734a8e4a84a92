//! Progress bar of one file that is sent to a server or fetched from it, on standard error if it is a terminal.
//!
//! The figures behind it say of which clock they are: virtual time where the server measures it, and real time where nobody else does.

use indicatif::{ProgressBar, ProgressStyle};
use p2p_service::abilities::{self, Abilities, Glyphs};
use p2p_service::interrupt::echo_controls;
use p2p_service::output::{self, Drawing};

use crate::report::{fitted, rate_of, whole_clock_of};

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
            return FileBar::hidden();
        }
        let bar = size.map_or_else(ProgressBar::no_length, ProgressBar::new);
        let glyphs = abilities::glyphs();
        let template = match size {
            Some(_) => "{prefix} {wide_bar} {percent:>3} % {msg:32}",
            None => "{prefix} {binary_bytes:>10} {msg}",
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

    /// Makes a bar that nobody sees.
    pub fn hidden() -> FileBar {
        FileBar { bar: ProgressBar::hidden(), drawing: None }
    }

    /// Draws so many bytes as done.
    pub fn set(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// Returns true if somebody sees the bar.
    pub fn is_drawn(&self) -> bool {
        self.drawing.is_some()
    }

    /// Draws the rate in bytes a second and the seconds that are left, both in virtual time as the server measures it, as far as they are
    /// known.
    pub fn measure(&self, rate: Option<f64>, left: Option<f64>) {
        self.bar.set_message(measured(rate, left, "virtual"));
    }

    /// Draws the rate in bytes a second and the seconds that are left, both in real time.
    pub fn measure_here(&self, rate: Option<f64>, left: Option<f64>) {
        self.bar.set_message(measured(rate, left, "real"));
    }

    /// Draws words in the place of the figures, while there are none.
    pub fn say(&self, words: &'static str) {
        self.bar.set_message(words);
    }

    /// Sets the size, once it is known.
    pub fn set_size(&self, bytes: u64) {
        self.bar.set_length(bytes);
    }
}

/// Returns the figures behind a bar, with the clock that they are of.
fn measured(rate: Option<f64>, left: Option<f64>, clock: &str) -> String {
    let rate = rate.map_or_else(|| "-".to_owned(), rate_of);
    let left = left.map_or_else(String::new, |left| format!("eta {}", whole_clock_of(left)));
    format!("{rate:>12} {left:<11} {clock}")
}

impl Drop for FileBar {
    fn drop(&mut self) {
        self.bar.abandon();
        if self.drawing.take().is_some() {
            echo_controls(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_behind_a_bar_say_of_which_clock_they_are() {
        assert_eq!(measured(Some(64_600.0), Some(83.0), "virtual"), "  63.1 KiB/s eta 01:23   virtual");
        assert_eq!(measured(None, None, "real"), "           -             real");
        assert!(measured(Some(1e9), Some(3_599.0), "virtual").len() <= 32);
    }
}
