//! The answer of a command: as a view for users, as JSON for programs, and as an effect for the front end.

use p2p_engine::operation::BeginTransfer;
use p2p_engine::transfer::TransferId;
use serde_json::Value;

use crate::report::Table;

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

    /// Returns the view as text, with tables that are at most `width` columns wide as far as their contents permit.
    pub fn text_within(&self, width: Option<u16>) -> String {
        match self {
            View::Nothing => String::new(),
            View::Text(text) => text.clone(),
            View::Pairs(pairs) => {
                let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
                let line = |(name, value): &(String, String)| format!("{name:width$}  {value}");
                pairs.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            View::Table(table) => table.text(width),
            View::Sections(sections) => {
                let section = |(heading, view): &(String, View)| format!("{heading}\n{}", view.text_within(width));
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
    /// Line that would begin this transfer alone, as it is shown.
    pub line: String,
    /// Name of the file as the user has typed it, in visible characters.
    pub file: String,
    /// Command that begins the transfer.
    pub begins: BeginTransfer,
}

/// An action of the front end beyond showing the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// No action beyond showing the answer.
    None,
    /// A transfer was begun. Waiting for it takes virtual time.
    Follow(Begun),
    /// Transfers to be begun one after the other, each once the previous one is over.
    Batch(Vec<Planned>),
    /// Shows the segments of this transfer, in front ends that have a place for them.
    Select(TransferId),
    /// Sets a variable to a value.
    Set(String, String),
    /// Clears the output shown so far.
    Clear,
    /// Shows the history of typed lines.
    History,
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

    /// Returns the answer with an effect.
    #[must_use]
    pub fn with(self, effect: Effect) -> Answer {
        Answer { effect, ..self }
    }
}
