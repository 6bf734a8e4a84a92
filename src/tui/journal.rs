//! The journal holds the lines of the log, oldest first, and bounds their number. Events of one kind that follow each other are one
//! line, so that a mass of them drowns nothing.

use std::collections::VecDeque;

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::Event;
use p2p_service::access::Identity;
use p2p_shell::digest::Digest;
use p2p_shell::report::{Resolution, range_of};
use unicode_width::UnicodeWidthStr;

use super::theme::Role;
use super::words;

/// Maximum number of lines that are kept.
const LINES_MAX: usize = 2_000;
/// Maximum number of latest events that a later one may join.
const JOINED_MAX: usize = 200;
/// Virtual time within which events of one kind are one line; a round of probes takes half of it by default.
const SPAN: SimDuration = SimDuration::from_secs(10);

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// Virtual instant of the event, or of the first one.
    pub at: SimTime,
    /// Virtual instant of the last of several events.
    pub until: SimTime,
    /// Role of its colour and of its mark.
    pub role: Role,
    /// The event in words.
    pub text: String,
    /// Number of the digest's entry that it shows; `None` if nothing can join it.
    entry: Option<u64>,
}

/// The lines of the log.
#[derive(Debug, Clone)]
pub struct Journal {
    lines: VecDeque<JournalLine>,
    digest: Digest,
    /// Width in cells of the widest line that there has been.
    widest: usize,
}

impl JournalLine {
    /// Returns the time of the event; of several that did not happen at once, those of the first and of the last, as in
    /// `17:02.479-06.971`.
    pub fn time(&self) -> String {
        range_of(self.at, self.until, Resolution::Millis)
    }

    fn width(&self) -> usize {
        self.time().width() + self.text.width()
    }
}

impl Default for Journal {
    fn default() -> Self {
        Journal { lines: VecDeque::new(), digest: Digest::new(JOINED_MAX, SPAN), widest: 0 }
    }
}

impl Journal {
    /// Notes an event as a user sees it: in a line of its own, or in that of events of its kind. Events that are too frequent for the
    /// log are left out.
    pub fn note_event(&mut self, at: SimTime, event: &Event, identity: &Identity) {
        let Some(of_event) = words::describe(event, identity) else { return };
        let entry = self.digest.note(at, event);
        let (role, text) = words::of_several(entry, identity).unwrap_or(of_event);
        let line = JournalLine { at: entry.at(), until: entry.until(), role, text, entry: Some(entry.number()) };
        let known = if entry.count() > 1 { self.lines.iter_mut().rev().find(|known| known.entry == line.entry) } else { None };
        match known {
            Some(known) => {
                self.widest = self.widest.max(line.width());
                *known = line;
            }
            None => self.push(line),
        }
    }

    /// Notes what is no event of the engine.
    pub fn note(&mut self, at: SimTime, role: Role, text: String) {
        self.push(JournalLine { at, until: at, role, text, entry: None });
    }

    /// Returns the width in cells of the widest line that there has been, with its times.
    pub fn widest(&self) -> usize {
        self.widest
    }

    /// Appends a line; the oldest one goes where there are too many.
    fn push(&mut self, line: JournalLine) {
        self.widest = self.widest.max(line.width());
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Returns the lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &JournalLine> + ExactSizeIterator {
        self.lines.iter()
    }
}

#[cfg(test)]
mod tests {
    use p2p_engine::node::health::Health;
    use p2p_store::manifest::NodeNumber;

    use super::*;

    #[test]
    fn the_oldest_line_goes_first() {
        let mut journal = Journal::default();
        (0..LINES_MAX + 3).for_each(|number| journal.note(SimTime::ZERO, Role::Text, number.to_string()));
        let texts = texts(&journal);
        assert_eq!((texts.len(), texts[0], texts[LINES_MAX - 1]), (LINES_MAX, "3", "2002"));
    }

    fn change(index: usize, to: Health) -> Event {
        Event::HealthChanged { node: NodeNumber::from_index(index), from: Health::Alive, to, missed: 2 }
    }

    fn texts(journal: &Journal) -> Vec<&str> {
        journal.lines().map(|line| line.text.as_str()).collect()
    }

    /// A line that stands for several events has the times of the first and of the last, whatever they are.
    #[test]
    fn several_events_have_two_times() {
        let mut journal = Journal::default();
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        for (ms, index) in [(1_200, 0), (1_300, 1), (3_104, 2)] {
            let node = NodeNumber::from_index(index);
            journal.note_event(at(ms), &Event::Connected { node }, &Identity::Operator);
            journal.note_event(at(ms), &change(index, Health::Suspect), &Identity::Operator);
        }
        let told: Vec<(String, &str)> = journal.lines().map(|line| (line.time(), line.text.as_str())).collect();
        let words = ["connected to Node_01, Node_02, Node_03", "Node_01, Node_02, Node_03 SUSPECT"];
        assert_eq!(told, words.map(|words| ("00:01.200-03.104".to_owned(), words)));
        journal.note_event(at(60_000), &change(7, Health::Dead), &Identity::Operator);
        assert_eq!(journal.lines().next_back().unwrap().time(), "01:00.000");
    }

    #[test]
    fn events_of_one_kind_are_one_line() {
        let mut journal = Journal::default();
        let note = |journal: &mut Journal, event| journal.note_event(SimTime::ZERO, &event, &Identity::Operator);
        note(&mut journal, change(0, Health::Suspect));
        journal.note(SimTime::ZERO, Role::Text, "a mail".into());
        assert_eq!(texts(&journal), ["Node_01 did not answer 2 probes: SUSPECT", "a mail"]);
        (1..899).for_each(|index| note(&mut journal, change(index, Health::Suspect)));
        note(&mut journal, change(7, Health::Dead));
        assert_eq!(texts(&journal), ["899 nodes SUSPECT", "a mail", "Node_08 did not answer 2 probes: DEAD"]);
        note(&mut journal, change(9, Health::Dead));
        assert_eq!(texts(&journal)[2], "Node_08, Node_10 DEAD");
    }
}
