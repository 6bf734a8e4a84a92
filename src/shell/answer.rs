//! What a command answers: once for people, once for programs. Knows nothing of where it is shown.

use serde_json::Value;

use crate::engine::Command;
use crate::engine::transfer::TransferId;
use crate::report::Table;

/// An answer as people see it. Each front end draws it in its own way.
#[derive(Debug, Clone)]
pub enum View {
    /// There is nothing to say.
    Nothing,
    /// Lines of text.
    Text(String),
    /// Names and what they stand for.
    Pairs(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// Several, one below the other, each with a heading.
    Sections(Vec<(String, View)>),
}

impl View {
    /// Names and what they stand for.
    pub fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> View {
        View::Pairs(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// It as text, without colours, as wide as it is.
    pub fn text(&self) -> String {
        self.text_within(None)
    }

    /// The same, with tables that are no wider than so many characters.
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

/// A transfer that was begun, and what is to be told once it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Which.
    pub transfer: TransferId,
    /// The file, as it was named, of which every byte is only to be checked.
    pub checks: Option<String>,
}

/// A transfer that is to be begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The line that would begin it alone, as it is shown.
    pub line: String,
    /// Its file, as it was named and is shown.
    pub file: String,
    /// What begins it.
    pub command: Command,
}

/// What the front end is to do beyond showing the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Nothing.
    None,
    /// A transfer was begun. Who waits for it, waits in virtual time.
    Follow(Begun),
    /// Begin these transfers, each once the one before it is over.
    Batch(Vec<Planned>),
    /// Show this transfer's segments, where there is a place for them.
    Select(TransferId),
    /// Give a variable a value.
    Set(String, String),
    /// Forget what was shown.
    Clear,
    /// Show what was typed before.
    History,
    /// Come to an end; `now` without asking, even where transfers run.
    Quit {
        /// Without asking.
        now: bool,
    },
}

/// What a command answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// For people.
    pub view: View,
    /// For programs.
    pub data: Value,
    /// For the front end.
    pub effect: Effect,
}

impl Answer {
    /// Done, and nothing to say.
    pub fn nothing() -> Answer {
        Answer { view: View::Nothing, data: Value::Null, effect: Effect::None }
    }

    /// An answer for people and programs.
    pub fn new(view: View, data: Value) -> Answer {
        Answer { view, data, effect: Effect::None }
    }

    /// A line of text.
    pub fn text(text: impl Into<String>) -> Answer {
        let text = text.into();
        Answer { data: Value::String(text.clone()), view: View::Text(text), effect: Effect::None }
    }

    /// Several in one, for programs as a list.
    pub fn all(answers: Vec<Answer>) -> Answer {
        let text = answers.iter().map(|answer| answer.view.text()).collect::<Vec<_>>().join("\n");
        Answer::new(View::Text(text), answers.into_iter().map(|answer| answer.data).collect())
    }

    /// The same, with something for the front end to do.
    #[must_use]
    pub fn with(self, effect: Effect) -> Answer {
        Answer { effect, ..self }
    }
}
