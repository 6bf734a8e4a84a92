//! The tour: steps that are shown one after the other while they carry themselves out on the screen. A step stays until Space; what it
//! types and waits for happens meanwhile. The steps are data of [`script`]; this machine interprets them, and the application does what
//! it returns.

pub mod forms;
pub mod network;
pub mod script;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::time::Duration;

use p2p_shell::words::{Variables, quote};

use self::forms::FormFiller;
use self::script::{Act, STEPS, Sight, Step};
use super::panes::Pane;
use crate::demo_users::USERS;

/// Time between two typed characters, and between two looks at what is waited for.
const KEYSTROKE: Duration = Duration::from_millis(18);
/// The same for a user who has gone on before a step was complete.
const HURRY: Duration = Duration::from_millis(2);
/// Time for reading a line before it is entered.
const LOOKING: Duration = Duration::from_millis(600);
/// Maximum time on the wall clock for which an answer or a sight is waited for, while no line of the user's is in the way.
pub const WAIT_MAX: Duration = Duration::from_secs(120);

/// Deed of the tour, which the application carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TourDeed {
    /// Absence of a thing to look at.
    Wait,
    /// Brings a pane to the front.
    Show(Pane),
    /// Filters the pane that is marked.
    Filter(&'static str),
    /// Types a text into the prompt.
    Type(String),
    /// Enters the typed line, whose answer is waited for at once if `awaits` is true.
    Enter {
        /// False if the tour goes on without the answer.
        awaits: bool,
    },
    /// Ends the tour.
    End,
}

/// Surroundings of a tour: the facts about the screen that it asks for.
pub trait Surroundings {
    /// Returns true once the line that the tour has entered is answered.
    fn is_answered(&self) -> bool;

    /// Returns true once the line is answered that the tour has begun last without waiting for its answer, or if there is none.
    fn is_settled(&self) -> bool;

    /// Returns true if nothing stands in the prompt.
    fn is_prompt_free(&self) -> bool;

    /// Returns true if something is there to be seen; `node` is the node of which the tour speaks, and `text` the text of the sight.
    fn shows(&self, sight: Sight, node: &str, text: &str) -> bool;

    /// Returns the name of a node that holds a part of the latest file.
    fn holder(&self) -> Option<String>;

    /// Returns true if the first user of the demonstration is logged in.
    fn is_first_user(&self) -> bool;

    /// Returns true while faults are on.
    fn has_faults(&self) -> bool;

    /// Returns true while virtual time is paused.
    fn is_paused(&self) -> bool;

    /// Returns the speed of virtual time.
    fn speed(&self) -> String;
}

/// Remainder of a tour whose steps are over, so that the user finds the network as the first user, and as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The first user logs in.
    Login,
    /// Faults are taken back, and time goes on.
    Mending,
    /// Nothing.
    Done,
}

/// Phase of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// The next act begins.
    Acting,
    /// A line is typed: the characters that remain, and whether its answer is awaited.
    Typing { left: VecDeque<char>, awaits: bool },
    /// The line is entered next, since it has been read.
    Reading { awaits: bool },
    /// The answer of the entered line is awaited.
    Answer,
    /// The answer of the line that was begun before is awaited, which is to show something.
    Settling { line: &'static str, sight: Sight },
    /// Something is to be seen.
    Seeing(Sight),
    /// All acts are done.
    Ready,
}

/// The state of a tour.
#[derive(Debug)]
pub struct Tour {
    steps: &'static [Step],
    /// Index of the step that is shown.
    step: usize,
    /// Index of the act that begins next.
    act: usize,
    phase: Phase,
    /// True once the user has asked to go on before the step was complete.
    is_hurried: bool,
    /// True if something was waited for in vain.
    has_missed: bool,
    /// Time for which the current answer or sight has been waited for.
    waited: Duration,
    /// True while a line of the user's stands in the prompt.
    gives_way: bool,
    /// Remainder of the tour, once the steps are over.
    ending: Option<Ending>,
    pane: Option<Pane>,
    /// Sentences that the step says by now.
    text: &'static str,
    variables: Variables,
    forms: Option<FormFiller>,
}

impl Tour {
    /// Creates the tour with the values of its variables, and the users who fill in its forms.
    pub fn new(variables: Variables, forms: Option<FormFiller>) -> Tour {
        Tour::of(&STEPS, variables, forms)
    }

    /// Creates a tour of other steps.
    fn of(steps: &'static [Step], variables: Variables, forms: Option<FormFiller>) -> Tour {
        Tour {
            steps,
            step: 0,
            act: 0,
            phase: Phase::Acting,
            is_hurried: false,
            has_missed: false,
            waited: Duration::ZERO,
            gives_way: false,
            ending: None,
            pane: None,
            text: steps.first().map_or("", |step| step.text),
            variables,
            forms,
        }
    }

    /// Returns the pane of which the tour speaks at the moment.
    pub fn pane(&self) -> Option<Pane> {
        self.pane.filter(|_| !self.is_over())
    }

    /// Returns the place of the step, as in `3 of 8`.
    pub fn place(&self) -> String {
        format!("{} of {}", self.step + 1, self.steps.len())
    }

    /// Returns true while the step is before the last one, which is about accounts: what mails their users are sent is nothing yet to show.
    pub fn is_before_accounts(&self) -> bool {
        !self.is_last_step()
    }

    /// Returns true in the last step.
    fn is_last_step(&self) -> bool {
        self.step + 1 == self.steps.len()
    }

    /// Returns the heading of the step.
    pub fn title(&self) -> &'static str {
        self.steps[self.step].title
    }

    /// Returns the sentences of the step.
    pub fn text(&self) -> String {
        self.filled_in(self.text, false)
    }

    /// Returns the name of what Space does in the current step.
    pub fn effect_of_space(&self) -> &'static str {
        if self.is_last_step() { "end" } else { "go on" }
    }

    /// Returns what the step does or waits for at the moment.
    pub fn status(&self) -> Cow<'static, str> {
        match &self.phase {
            _ if self.is_over() => "the network is put in order".into(),
            _ if self.gives_way => "your line: Enter runs it, Ctrl-C clears it".into(),
            Phase::Acting | Phase::Typing { .. } | Phase::Reading { .. } => "types".into(),
            Phase::Answer | Phase::Settling { .. } => "waits for the answer".into(),
            Phase::Seeing(sight) => format!("waits for {}", sight.name()).into(),
            Phase::Ready if self.has_missed => "waited in vain: Space goes on".into(),
            Phase::Ready if self.is_last_step() => "Space ends the tour".into(),
            Phase::Ready => "Space goes on".into(),
        }
    }

    /// Returns true if the step is complete and stays until the user goes on.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready && !self.is_over()
    }

    /// Returns true while what stands in the prompt is typed by the tour.
    pub fn is_typing(&self) -> bool {
        matches!(self.phase, Phase::Typing { .. } | Phase::Reading { .. }) && !self.gives_way
    }

    /// Returns the users who fill in forms.
    pub fn forms(&mut self) -> Option<&mut FormFiller> {
        self.forms.as_mut()
    }

    /// Returns the time between two keys of a form.
    pub fn keystroke(&self) -> Duration {
        if self.is_hurried || self.is_over() { HURRY } else { KEYSTROKE }
    }

    /// Goes on to the next step. A step that is not complete is completed without delay first, since the next one builds on it.
    pub fn go_on(&mut self) {
        match self.phase {
            Phase::Ready if !self.is_over() => self.begin_next(),
            _ => self.is_hurried = true,
        }
    }

    /// Ends the steps; what remains is the login of the first user, to whom the prompt is given.
    pub fn leave(&mut self) {
        if self.is_over() {
            return;
        }
        (self.ending, self.phase, self.waited) = (Some(Ending::Login), Phase::Acting, Duration::ZERO);
        self.forms.iter_mut().for_each(FormFiller::forget);
    }

    /// Returns true once the steps are over.
    pub fn is_over(&self) -> bool {
        self.ending.is_some()
    }

    /// Returns what to do next, and the time until then.
    pub fn next(&mut self, around: &impl Surroundings) -> (TourDeed, Duration) {
        if let Some(node) = around.holder().filter(|_| !self.variables.contains_key("node")) {
            self.variables.insert("node".into(), node);
        }
        self.gives_way = !self.is_over() && matches!(self.phase, Phase::Acting) && !around.is_prompt_free() && self.types_next();
        if self.gives_way {
            return (TourDeed::Wait, KEYSTROKE);
        }
        let deed = match (std::mem::replace(&mut self.phase, Phase::Acting), self.ending) {
            (Phase::Acting, Some(ending)) => self.end(ending, around),
            (Phase::Acting, None) => self.begin_act(),
            (Phase::Typing { left, awaits }, _) => self.type_on(left, awaits),
            (Phase::Reading { awaits }, _) => {
                self.phase = if awaits { Phase::Answer } else { Phase::Acting };
                TourDeed::Enter { awaits }
            }
            (Phase::Answer, _) => self.wait_for(around.is_answered(), Phase::Answer),
            (Phase::Settling { line, sight }, _) => self.settle(line, sight, around),
            (Phase::Seeing(sight), _) => self.wait_for(self.sees(sight, around), Phase::Seeing(sight)),
            (Phase::Ready, _) => self.rest(),
        };
        let pause = match self.phase {
            Phase::Reading { .. } if !self.is_hurried && !self.is_over() => LOOKING,
            _ => self.keystroke(),
        };
        (deed, pause)
    }

    /// Returns true if the next act types a line.
    fn types_next(&self) -> bool {
        matches!(self.steps[self.step].acts.get(self.act), Some(Act::Begin(_) | Act::Run(_)))
    }

    fn begin_next(&mut self) {
        if self.is_last_step() {
            return self.leave();
        }
        (self.step, self.act, self.phase) = (self.step + 1, 0, Phase::Acting);
        self.text = self.steps[self.step].text;
        (self.is_hurried, self.has_missed) = (false, false);
    }

    /// Begins the next act of the step.
    fn begin_act(&mut self) -> TourDeed {
        let Some(&act) = self.steps[self.step].acts.get(self.act) else {
            self.phase = Phase::Ready;
            return TourDeed::Wait;
        };
        (self.act, self.waited) = (self.act + 1, Duration::ZERO);
        match act {
            Act::Show(pane) => {
                self.pane = Some(pane);
                TourDeed::Show(pane)
            }
            Act::Tell(text) => {
                self.text = text;
                TourDeed::Wait
            }
            Act::Filter(text) => TourDeed::Filter(text),
            Act::Begin(line) => self.begin_line(line, false),
            Act::Run(line) => self.begin_line(line, true),
            Act::Settle { line, sight } => {
                self.phase = Phase::Settling { line, sight };
                TourDeed::Wait
            }
            Act::See(sight) => {
                self.phase = Phase::Seeing(sight);
                TourDeed::Wait
            }
        }
    }

    fn begin_line(&mut self, line: &str, awaits: bool) -> TourDeed {
        self.phase = Phase::Typing { left: self.filled_in(line, true).chars().collect(), awaits };
        TourDeed::Wait
    }

    /// Types the next character, or all that is left if the user is in a hurry.
    fn type_on(&mut self, mut left: VecDeque<char>, awaits: bool) -> TourDeed {
        let count = if self.is_hurried || self.is_over() { left.len() } else { 1 };
        let typed = left.drain(..count.min(left.len())).collect();
        self.phase = if left.is_empty() { Phase::Reading { awaits } } else { Phase::Typing { left, awaits } };
        TourDeed::Type(typed)
    }

    /// Waits for the answer of the line that was begun before, and runs that line again if it does not show what it is to show.
    fn settle(&mut self, line: &'static str, sight: Sight, around: &impl Surroundings) -> TourDeed {
        let is_seen = self.sees(sight, around);
        if around.is_settled() && !is_seen && around.is_prompt_free() {
            return self.begin_line(line, true);
        }
        self.wait_for(around.is_settled() && is_seen, Phase::Settling { line, sight })
    }

    fn sees(&self, sight: Sight, around: &impl Surroundings) -> bool {
        let node = self.variables.get("node").map_or("", String::as_str);
        around.shows(sight, node, &self.text_of(sight))
    }

    /// Goes on with the next act if what was waited for is there, or after the maximum time.
    fn wait_for(&mut self, is_there: bool, phase: Phase) -> TourDeed {
        self.waited += self.keystroke();
        let is_in_vain = self.waited >= WAIT_MAX;
        self.has_missed |= !is_there && is_in_vain;
        if !is_there && !is_in_vain {
            self.phase = phase;
        }
        TourDeed::Wait
    }

    /// Waits for the user, or goes on if they have asked for it.
    fn rest(&mut self) -> TourDeed {
        self.phase = Phase::Ready;
        if self.is_hurried {
            self.begin_next();
        }
        TourDeed::Wait
    }

    /// Does what remains at the end, as far as it is needed, and ends the tour then.
    fn end(&mut self, ending: Ending, around: &impl Surroundings) -> TourDeed {
        match ending {
            Ending::Login => {
                self.ending = Some(Ending::Mending);
                if !around.is_first_user() && self.forms.is_some() {
                    return self.begin_line(&format!("login {}", USERS[0].0), true);
                }
            }
            Ending::Mending => {
                self.ending = Some(Ending::Done);
                let is_other = self.variables.get("speed").is_some_and(|speed| *speed != around.speed());
                let parts = [
                    // A process that starts needs time.
                    around.is_paused().then_some("resume"),
                    around.has_faults().then_some("faults clear"),
                    is_other.then_some("speed $speed"),
                ];
                let line: Vec<&str> = parts.into_iter().flatten().collect();
                if !line.is_empty() {
                    return self.begin_line(&line.join("; "), true);
                }
            }
            Ending::Done => return TourDeed::End,
        }
        TourDeed::Wait
    }

    fn text_of(&self, sight: Sight) -> String {
        match sight {
            Sight::Said(text) | Sight::Stored(text) => self.filled_in(text, false),
            _ => String::new(),
        }
    }

    /// Replaces the variables in a text by their values, which are quoted as words of a line if it is one.
    fn filled_in(&self, text: &str, is_line: bool) -> String {
        let mut text = text.to_owned();
        // A name that begins another one stands after it in the reverse order.
        for (name, value) in self.variables.iter().rev() {
            let value = if is_line { quote(value) } else { value.clone() };
            text = text.replace(&format!("${name}"), &value);
        }
        text
    }
}
