//! The steps of typed lines that wait, and those that take long and are no transfers. There may be tens of thousands in a batch, so that
//! they are counted and found by their place or their number, and made only as far as they are shown.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Line, Lines, StepId, Waiting};

/// A step of a typed line that has not begun, or one that takes long and is no transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending<'a> {
    /// Number of the step, by which [`Lines::drop_step`](super::Lines::drop_step) ends it.
    pub step: StepId,
    /// The step as it could be typed, such as `upload b.bin`.
    pub text: &'a str,
    /// Step that it waits for, as in `upload a.bin (#1)`; `None` if it is being carried out. Thousands may wait for the same one.
    pub after: Option<Arc<str>>,
    /// Steps that [`Lines::drop_rest`](super::Lines::drop_rest) ends with it.
    pub rest: Rest,
}

/// Steps that are dropped together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// None, since the step is under way.
    Nothing,
    /// So many transfers of a command, one for each of its files.
    Files(usize),
    /// So many commands of a line, and transfers of the one that is being carried out.
    Steps(usize),
}

impl Line {
    /// Returns true if a step has not begun.
    pub(super) fn has_waiting(&self, step: StepId) -> bool {
        place_of_transfer(self.transfers.waiting(), step).is_some() || place_of_command(&self.waiting, step).is_some()
    }

    /// Drops the transfers that have not begun; returns their command and their number, if there are any.
    fn drop_files(&mut self) -> Option<(String, usize)> {
        let files = std::mem::take(self.transfers.waiting_mut()).len();
        self.tally.iter_mut().for_each(|tally| tally.leave(files as u64));
        (files > 0).then(|| (self.typed.clone(), files))
    }

    /// Drops all that has not begun. Returns the commands, each with the number of its files if it is one of which some have begun.
    fn drop_all(&mut self) -> Vec<(String, usize)> {
        let files = self.drop_files();
        files.into_iter().chain(std::mem::take(&mut self.waiting).into_iter().map(|(_, command)| (command, 0))).collect()
    }
}

/// Returns the place of a step among the transfers of a command that wait. Steps are numbered in their order.
fn place_of_transfer(waiting: &VecDeque<Waiting>, step: StepId) -> Option<usize> {
    waiting.binary_search_by_key(&step, |waiting| waiting.step).ok()
}

/// Returns the place of a step among the commands of a line that wait. Steps are numbered in their order.
fn place_of_command(waiting: &VecDeque<(StepId, String)>, step: StepId) -> Option<usize> {
    waiting.binary_search_by_key(&step, |(step, _)| *step).ok()
}

impl Lines {
    /// Returns the steps of this instant, which stay as they are whatever begins or ends: for a view that is frozen. They are copied, so
    /// that what is shown can be of another instant than what can be dropped.
    pub fn still(&self) -> Lines {
        let still = |line: &Line| Line {
            number: line.number,
            step: line.step,
            command: line.command.clone(),
            transfers: line.still_transfers(),
            waiting: line.waiting.clone(),
            waits: line.waits,
            task: line.task.clone(),
            ..Line::default()
        };
        let (begun, typed) = (self.begun.iter().map(still).collect(), self.typed.iter().map(still).collect());
        Lines { begun, typed, ..Lines::default() }
    }

    /// Drops a step that has not begun, or ends one that takes long and is no transfer. What else is under way goes on. Returns the
    /// step as it could be typed, or `None` if there is no such step any more.
    pub fn drop_step(&mut self, step: StepId) -> Option<String> {
        for line in self.begun.iter_mut().chain(&mut self.typed) {
            if let Some(place) = place_of_transfer(line.transfers.waiting(), step) {
                line.tally.iter_mut().for_each(|tally| tally.leave(1));
                return line.transfers.waiting_mut().remove(place).map(|waiting| waiting.planned.line);
            }
            if let Some(place) = place_of_command(&line.waiting, step) {
                return line.waiting.remove(place).map(|(_, command)| command);
            }
            if line.step == step && !line.is_following() && line.waits {
                line.task.take()?.abort();
                (line.asks, line.waits) = (false, false);
                return Some(line.command.clone());
            }
        }
        None
    }

    /// Drops all steps that have not begun, but for those of the line of this number. Returns the commands, each with the number of its files
    /// if it is one of which some have begun.
    pub fn drop_waiting(&mut self, number: u64) -> Vec<(String, usize)> {
        let mut dropped = Vec::new();
        for line in self.begun.iter_mut().chain(&mut self.typed).filter(|line| line.number != number) {
            dropped.extend(line.drop_all());
        }
        dropped
    }

    /// Drops all that has not begun of what a step belongs to: of a transfer those of its command, of a command all of its line. Returns the
    /// commands, each with the number of its files if it is one of which some have begun; none if the step does not wait any more.
    pub fn drop_rest(&mut self, step: StepId) -> Vec<(String, usize)> {
        let mut lines = self.begun.iter_mut().chain(&mut self.typed);
        let Some(line) = lines.find(|line| line.has_waiting(step)) else { return Vec::new() };
        let is_transfer = place_of_transfer(line.transfers.waiting(), step).is_some();
        if is_transfer { line.drop_files().into_iter().collect() } else { line.drop_all() }
    }
}

/// Returns a step as it is shown.
fn made(step: StepId, text: &str, after: Option<Arc<str>>, rest: Rest) -> Pending<'_> {
    #[cfg(test)]
    tests::MADE.set(tests::MADE.get() + 1);
    Pending { step, text, after, rest }
}

/// Steps of one line, in their order: all transfers wait for the same thing, and each command for the one before it.
#[derive(Debug)]
enum Run<'a> {
    /// The step that is being carried out.
    Current(StepId, &'a str),
    /// Transfers of a command.
    Transfers(&'a VecDeque<Waiting>, Arc<str>),
    /// Commands, and the number of transfers of their line that wait besides.
    Commands(&'a VecDeque<(StepId, String)>, Arc<str>, usize),
}

impl<'a> Run<'a> {
    fn len(&self) -> usize {
        match self {
            Run::Current(..) => 1,
            Run::Transfers(steps, _) => steps.len(),
            Run::Commands(steps, ..) => steps.len(),
        }
    }

    fn get(&self, place: usize) -> Option<Pending<'a>> {
        let (step, text, after, rest) = match self {
            Run::Current(step, text) => (step, *text, None, Rest::Nothing),
            Run::Transfers(steps, after) => {
                let rest = Rest::Files(steps.len());
                steps.get(place).map(|waiting| (&waiting.step, waiting.planned.line.as_str(), Some(after), rest))?
            }
            Run::Commands(steps, after, files) => {
                let before = place.checked_sub(1).and_then(|before| steps.get(before));
                let (step, command) = steps.get(place)?;
                let after = before.map_or_else(|| Arc::clone(after), |(_, before)| before.as_str().into());
                return Some(made(*step, command, Some(after), Rest::Steps(steps.len() + files)));
            }
        };
        Some(made(*step, text, after.cloned(), rest))
    }

    /// Returns the place of a step.
    fn place_of(&self, step: StepId) -> Option<usize> {
        match self {
            Run::Current(own, _) => (*own == step).then_some(0),
            Run::Transfers(steps, _) => place_of_transfer(steps, step),
            Run::Commands(steps, ..) => place_of_command(steps, step),
        }
    }
}

/// The pending steps of all lines, in the order in which they were typed.
#[derive(Debug, Default)]
pub struct PendingSteps<'a> {
    runs: Vec<Run<'a>>,
}

impl<'a> PendingSteps<'a> {
    /// Adds the steps of a line that have not begun, and before them the current one if it takes long and is no transfer.
    pub(super) fn add(&mut self, line: &'a Line) {
        if line.waits && !line.is_following() {
            self.runs.push(Run::Current(line.step, &line.command));
        }
        let after: Arc<str> = line.doing().into();
        self.runs.push(Run::Transfers(line.transfers.waiting(), Arc::clone(&after)));
        let last = line.transfers.waiting().back().map_or(after, |last| last.planned.line.as_str().into());
        self.runs.push(Run::Commands(&line.waiting, last, line.transfers.waiting().len()));
    }

    /// Adds the commands of a line that has not begun, and which waits for a step of another one. Returns the last of them.
    pub(super) fn add_typed(&mut self, line: &'a Line, after: Arc<str>) -> Arc<str> {
        let last = line.waiting.back().map_or_else(|| Arc::clone(&after), |(_, last)| last.as_str().into());
        self.runs.push(Run::Commands(&line.waiting, after, 0));
        last
    }

    /// Returns the number of steps.
    pub fn len(&self) -> usize {
        self.runs.iter().map(Run::len).sum()
    }

    /// Returns true if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the step at a place.
    pub fn get(&self, mut place: usize) -> Option<Pending<'a>> {
        for run in &self.runs {
            match place.checked_sub(run.len()) {
                Some(behind) => place = behind,
                None => return run.get(place),
            }
        }
        None
    }

    /// Returns the place of the step of this number.
    pub fn place_of(&self, step: StepId) -> Option<usize> {
        let mut before = 0;
        self.runs.iter().find_map(|run| {
            let place = run.place_of(step).map(|place| before + place);
            before += run.len();
            place
        })
    }

    /// Returns all steps.
    pub fn iter(&self) -> impl Iterator<Item = Pending<'a>> {
        self.runs.iter().flat_map(|run| (0..run.len()).filter_map(|place| run.get(place)))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use p2p_engine::operation::Remove;
    use p2p_engine::transfer::TransferId;
    use p2p_shell::answer::{Answer, Batch, Begun, Planned};
    use p2p_shell::tally::Tally;
    use p2p_shell::words::Variables;
    use p2p_store::names::FileKey;

    use super::super::Lines;

    thread_local! {
        /// Number of steps that this thread has made.
        pub(super) static MADE: Cell<usize> = const { Cell::new(0) };
    }

    /// Ends the transfer that was begun at a place of the batch.
    fn end_of(lines: &mut Lines, number: u64, place: usize) {
        lines.take_answer(number);
        assert!(lines.hold(number, TransferId(place as u64 + 1), Ok(Answer::nothing())));
        assert_eq!(lines.take_outcome().unwrap().line, number);
        lines.go_on();
    }

    /// A batch of many files costs in proportion to the files and not to their square: neither the start of one of them nor a look
    /// at the list makes those that are not shown.
    #[test]
    fn what_waits_is_made_only_as_far_as_it_is_shown() {
        const COUNT: usize = 5_000;
        let mut lines = Lines::default();
        lines.push(["upload -r tree".to_owned(), "ls".to_owned()]);
        let number = lines.next(&Variables::new()).unwrap();
        // The check of the line, and the command that plans the batch.
        (0..2).for_each(|_| drop(lines.next_step(number)));
        let planned = |place: usize| Planned {
            checks: false,
            beside: None,
            line: format!("upload {place}"),
            file: place.to_string(),
            begins: Remove { file: FileKey::unowned("x"), recursive: false, expected: None }.into(),
        };
        let batch = (0..COUNT).map(planned).collect();
        lines.plan(number, Batch { planned: batch, by: None, tally: Tally::new("stored", Vec::new()), tells_each: false });
        for place in 0..COUNT {
            lines.next_step(number);
            let begun = Begun { transfer: TransferId(place as u64 + 1), checks: None };
            let told = lines.follow_group(number, vec![(planned(place), Ok(begun))]).1.unwrap();
            assert!(told.len() < 200, "{told}");
            let pending = lines.pending();
            assert_eq!(pending.len(), COUNT - place);
            let first = pending.get(0).unwrap();
            assert_eq!(first.after.as_deref(), Some(format!("upload {place} (#{})", place + 1).as_str()));
            let last = pending.get(pending.len() - 1).unwrap();
            assert_eq!((pending.place_of(first.step), pending.place_of(last.step)), (Some(0), Some(pending.len() - 1)));
            assert!(last.text == "ls" && pending.get(pending.len()).is_none());
            assert!(lines.summary().unwrap().len() < 200 && !lines.has_more());
            end_of(&mut lines, number, place);
        }
        assert_eq!(MADE.get(), 2 * COUNT);
    }
}
