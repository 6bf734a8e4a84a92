//! The journal holds the lines of the log, oldest first, and bounds their number.

use std::collections::VecDeque;

use p2p_base::units::SimTime;

use super::theme::Role;

/// Maximum number of lines that are kept.
const LINES_MAX: usize = 2_000;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// Virtual instant of the event.
    pub at: SimTime,
    /// Role of its colour.
    pub role: Role,
    /// The event in words.
    pub text: String,
}

/// The lines of the log.
#[derive(Debug, Default)]
pub struct Journal {
    lines: VecDeque<JournalLine>,
}

impl Journal {
    /// Appends a line; the oldest one goes where there are too many.
    pub fn note(&mut self, line: JournalLine) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Appends the lines of another journal.
    pub fn append(&mut self, other: Journal) {
        other.lines.into_iter().for_each(|line| self.note(line));
    }

    /// Returns the lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &JournalLine> + ExactSizeIterator {
        self.lines.iter()
    }

    /// Removes all lines.
    pub fn clear(&mut self) {
        self.lines.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_line_goes_first() {
        let line = |number: usize| JournalLine { at: SimTime::ZERO, role: Role::Text, text: number.to_string() };
        let (mut journal, mut later) = (Journal::default(), Journal::default());
        (0..LINES_MAX).for_each(|number| journal.note(line(number)));
        (0..3).for_each(|number| later.note(line(LINES_MAX + number)));
        journal.append(later);
        let texts: Vec<&str> = journal.lines().map(|line| line.text.as_str()).collect();
        assert_eq!((texts.len(), texts[0], texts[LINES_MAX - 1]), (LINES_MAX, "3", "2002"));
    }
}
