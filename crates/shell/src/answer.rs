//! The answer of a command: as a view for users, as JSON for programs, and as an effect for the front end.

use p2p_engine::operation::BeginTransfer;
use p2p_engine::transfer::TransferId;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::ShellError;
use crate::groups::Step;
use crate::report::{Table, hanging, wrapped};
use crate::tally::Tally;

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
    /// Name that the transfer stores or removes, if it may be under way [beside](crate::groups) others of its batch.
    pub beside: Option<String>,
    /// Command that begins the transfer.
    pub begins: BeginTransfer,
}

impl Step for Planned {
    fn beside(&self) -> Option<&str> {
        self.beside.as_deref()
    }
}

/// A transfer of a group: as it was planned, and its number since it began, or why it was refused.
pub type Started = (Planned, Result<Begun, ShellError>);

/// Transfers that a command begins in their order, in [groups](crate::groups). A failure of one does not end the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Transfers in their order.
    pub planned: Vec<Planned>,
    /// Name of the user who has planned them, and for whom alone they begin; `None` for the operator.
    pub by: Option<String>,
    /// Count of the results.
    pub tally: Tally,
    /// True if the result of each is told, since the user has named each; false if the count alone is.
    pub tells_each: bool,
}

/// What a line tells its front end before its answer, in front ends in which lines are carried out beside each other.
#[derive(Debug)]
pub enum Notice {
    /// Beginning of a wait for virtual time, which may take long.
    Waits,
    /// Demand that the steps of all other lines that have not begun are dropped, to be answered with true if there was any.
    DropWaiting(oneshot::Sender<bool>),
}

/// An action of the front end beyond showing the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// No action beyond showing the answer.
    None,
    /// A transfer was begun. Waiting for it takes virtual time.
    Follow(Begun),
    /// Transfers to be begun in their order, in [groups](crate::groups).
    Batch(Batch),
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
    /// Tells, below the answer, why the command has failed all the same: it counts as one that has failed.
    Fails(ShellError),
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

    /// Returns the bytes that the answer is about; 0 if it is about none.
    pub fn bytes(&self) -> u64 {
        self.data["bytes"].as_u64().unwrap_or_default()
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
