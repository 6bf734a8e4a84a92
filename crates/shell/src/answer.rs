//! The answer of a command: as a view for users, as JSON for programs, and as an effect for the front end.

use std::fmt;

use p2p_engine::operation::BeginTransfer;
use p2p_engine::transfer::TransferId;
use serde_json::Value;

use crate::report::{Table, bytes_of, count_of, hanging, wrapped};

/// An answer as it is shown to users. Each front end draws it in its own way.
#[derive(Debug, Clone)]
pub enum View {
    /// No output at all.
    Nothing,
    /// One or more lines of text.
    Text(String),
    /// Names with their values.
    Pairs(Vec<(String, String)>),
    /// A table of rows and columns.
    Table(Table),
    /// Several views, one below the other, each with a heading.
    Sections(Vec<(String, View)>),
}

impl View {
    /// Creates a view of names with their values.
    pub fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> View {
        View::Pairs(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Returns the view as text, without colours and without a limit of its width.
    pub fn text(&self) -> String {
        self.text_within(None)
    }

    /// Returns the view as text that is at most `width` columns wide as far as its words and figures permit.
    pub fn text_within(&self, width: Option<u16>) -> String {
        match self {
            View::Nothing => String::new(),
            View::Text(text) => wrapped(text, width),
            View::Pairs(pairs) => {
                let widest = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
                let room = width.map_or(usize::MAX, usize::from);
                let line = |(name, value): &(String, String)| hanging(&format!("{name:widest$}  {value}"), widest + 2, room);
                pairs.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            View::Table(table) => table.text(width),
            View::Sections(sections) => {
                // What goes on in a further line of a heading is no heading of its own.
                let heading = |text: &str| width.map_or_else(|| text.to_owned(), |width| hanging(text, 4, width.into()));
                let section = |(name, view): &(String, View)| format!("{}\n{}", heading(name), view.text_within(width));
                sections.iter().map(section).collect::<Vec<_>>().join("\n\n")
            }
        }
    }
}

/// A transfer that was begun, and the kind of answer that its end requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Number of the transfer.
    pub transfer: TransferId,
    /// Name of the file as the user has typed it, if the transfer only checks the file and keeps none of it.
    pub checks: Option<String>,
}

/// A transfer that is yet to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// True if the transfer only checks the file and keeps none of it.
    pub checks: bool,
    /// Line that would begin this transfer alone, as it is shown.
    pub line: String,
    /// Name of the file as the user has typed it, in visible characters.
    pub file: String,
    /// Name that the transfer stores or removes, if it may be under way [beside](crate::beside) others of its batch.
    pub beside: Option<String>,
    /// Command that begins the transfer.
    pub begins: BeginTransfer,
}

/// Transfers that a command begins in their order, each once the previous one is over or [beside](crate::beside) it.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Transfers in their order.
    pub planned: Vec<Planned>,
    /// Count of the results, for a batch in which a failure does not end the rest; `None` if the first failure ends the batch.
    pub tally: Option<Tally>,
}

/// Count of what a batch has done and of what it has not, with the reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Participle for what is done to each file, such as `stored`.
    verb: &'static str,
    done: u64,
    bytes: u64,
    failures: Vec<String>,
}

impl Tally {
    /// Creates the count of a batch from which these were left out already, each a name with a reason.
    pub fn new(verb: &'static str, failures: Vec<String>) -> Tally {
        Tally { verb, done: 0, bytes: 0, failures }
    }

    /// Counts the result for a file.
    pub fn add<E: fmt::Display>(&mut self, file: &str, outcome: &Result<Answer, E>) {
        match outcome {
            Ok(answer) => {
                self.done += 1;
                self.bytes += answer.data["bytes"].as_u64().unwrap_or_default();
            }
            // Most errors name the file.
            Err(error) => {
                let text = error.to_string();
                self.failures.push(if text.contains(file) { text } else { format!("{file}: {text}") });
            }
        }
    }

    /// Returns true if nothing has failed.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Writes `3 files stored (1.2 MiB)`, and what was not stored with the reasons.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = |count: u64| count_of(count, "file");
        write!(f, "{} {}", files(self.done), self.verb)?;
        if self.bytes > 0 {
            write!(f, " ({})", bytes_of(self.bytes))?;
        }
        match self.failures.len() {
            0 => Ok(()),
            count => write!(f, ", {count} not: {}", listed(&self.failures, LISTED_MAX)),
        }
    }
}

/// Number of names or lines that a list shows at most, if there may be very many.
pub const LISTED_MAX: usize = 20;

/// Joins texts with commas, of which no more than `most` are shown and the others counted.
pub fn listed(texts: &[String], most: usize) -> String {
    listed_of(texts.iter().map(String::as_str), texts.len(), most)
}

/// Joins `count` texts as [`listed`] does, and asks for no more of them than are shown.
pub fn listed_of<'a>(texts: impl Iterator<Item = &'a str>, count: usize, most: usize) -> String {
    match count.checked_sub(most).filter(|&more| more > 1) {
        Some(more) => format!("{} and {more} more", texts.take(most).collect::<Vec<_>>().join(", ")),
        None => texts.collect::<Vec<_>>().join(", "),
    }
}

/// An action of the front end beyond showing the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// No action beyond showing the answer.
    None,
    /// A transfer was begun. Waiting for it takes virtual time.
    Follow(Begun),
    /// Transfers to be begun in their order, each once the previous one is over or [beside](crate::beside) it.
    Batch(Batch),
    /// Shows the segments of this transfer, in front ends that have a place for them.
    Select(TransferId),
    /// Sets a variable to a value.
    Set(String, String),
    /// Clears the output shown so far.
    Clear,
    /// Shows the history of typed lines.
    History,
    /// Begins or leaves the tour, in front ends that have one; others show the answer, which says where it is.
    Tour {
        /// True to leave it.
        leaves: bool,
    },
    /// Ends the front end and its engine.
    Quit {
        /// True to end it without confirmation, even if transfers run.
        now: bool,
    },
}

/// The answer of a command.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Answer as it is shown to users.
    pub view: View,
    /// Answer as JSON for programs.
    pub data: Value,
    /// Action of the front end beyond showing the answer.
    pub effect: Effect,
}

impl Answer {
    /// Creates the answer of a command that has no output.
    pub fn nothing() -> Answer {
        Answer { view: View::Nothing, data: Value::Null, effect: Effect::None }
    }

    /// Creates an answer from its view and its JSON.
    pub fn new(view: View, data: Value) -> Answer {
        Answer { view, data, effect: Effect::None }
    }

    /// Creates an answer that consists of a line of text.
    pub fn text(text: impl Into<String>) -> Answer {
        let text = text.into();
        Answer { data: Value::String(text.clone()), view: View::Text(text), effect: Effect::None }
    }

    /// Combines several answers into one; its JSON is the list of theirs.
    pub fn all(answers: Vec<Answer>) -> Answer {
        let text = answers.iter().map(|answer| answer.view.text()).collect::<Vec<_>>().join("\n");
        Answer::new(View::Text(text), answers.into_iter().map(|answer| answer.data).collect())
    }

    /// Returns the answer with the text of an earlier view before its own.
    #[must_use]
    pub fn after(self, before: &View) -> Answer {
        let texts: Vec<String> = [before.text(), self.view.text()].into_iter().filter(|text| !text.is_empty()).collect();
        match before {
            View::Nothing => self,
            _ => Answer { view: View::Text(texts.join("\n")), ..self },
        }
    }

    /// Returns the answer with an effect.
    #[must_use]
    pub fn with(self, effect: Effect) -> Answer {
        Answer { effect, ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ShellError;

    #[test]
    fn a_tally_says_what_was_done_and_what_was_not() {
        let mut tally = Tally::new("stored", Vec::new());
        let stored = Answer::new(View::Nothing, json!({ "bytes": 2048 }));
        tally.add::<ShellError>("a", &Ok(stored.clone()));
        assert_eq!(tally.to_string(), "1 file stored (2.0 KiB)");
        tally.add::<ShellError>("b", &Ok(stored));
        tally.add("c", &Err(ShellError::Bad("no room".into())));
        tally.add("d", &Err(ShellError::Bad("`d` is there".into())));
        assert!(!tally.is_clean());
        assert_eq!(tally.to_string(), "2 files stored (4.0 KiB), 2 not: c: no room, `d` is there");
    }

    #[test]
    fn long_lists_are_cut_and_counted() {
        let texts: Vec<String> = (0..5).map(|n| n.to_string()).collect();
        assert_eq!(listed(&texts, 5), "0, 1, 2, 3, 4");
        assert_eq!(listed(&texts, 4), "0, 1, 2, 3, 4");
        assert_eq!(listed(&texts, 2), "0, 1 and 3 more");
    }
}
