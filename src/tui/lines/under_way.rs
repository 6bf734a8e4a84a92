//! The transfers that a line has begun and whose results are not told yet. Small ones of a batch are under way beside each other; their
//! results come in any order and are told in the order in which the transfers were planned.

use p2p_engine::transfer::TransferId;
use p2p_shell::ShellError;
use p2p_shell::answer::{Answer, Planned, listed_of};
use p2p_shell::beside::Beside;
use tokio::task::AbortHandle;

use super::{Line, Lines, StepId, WAITING_SHOWN};

/// A transfer that was begun, or refused, and whose result is not told yet.
#[derive(Debug)]
pub(super) struct UnderWay {
    step: StepId,
    /// Command that has begun it, as it is shown.
    command: String,
    /// Transfer as it was planned, if it is one of a batch.
    planned: Option<Planned>,
    /// Number of the transfer; `None` if it was refused.
    transfer: Option<TransferId>,
    /// Task that waits for its end.
    task: Option<Follower>,
    /// Result, once it is over.
    result: Option<Result<Answer, ShellError>>,
}

/// Task that waits for the end of a transfer. Dropping it ends the wait, and not the transfer.
#[derive(Debug)]
struct Follower(AbortHandle);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A result that is to be told now.
#[derive(Debug)]
pub struct Outcome {
    /// Number of the line.
    pub line: u64,
    /// Number of the transfer; `None` if it was refused.
    pub transfer: Option<TransferId>,
    /// Result of the transfer.
    pub result: Result<Answer, ShellError>,
}

impl Line {
    /// Returns true if the next step is a transfer that may begin beside those that are under way.
    pub(super) fn may_go_on_beside(&self) -> bool {
        let next = self.planned.front().and_then(|(_, planned)| planned.beside.as_deref());
        self.under_way.is_empty() || next.is_some_and(|name| self.under_way.admits(name))
    }

    /// Returns what is carried out for display, as in `upload a.bin (#1)`, or `upload a (#1) and 2 beside it`.
    pub(super) fn doing(&self) -> String {
        let Some(first) = self.under_way.front() else { return self.command.clone() };
        let first = match first.transfer {
            Some(transfer) => format!("{} ({transfer})", first.command),
            None => first.command.clone(),
        };
        match self.under_way.len() {
            1 => first,
            count => format!("{first} and {} beside it", count - 1),
        }
    }

    /// Returns what is under way as one entry that reads the same and ends nothing, for a view that is frozen.
    pub(super) fn still_under_way(&self) -> Beside<UnderWay> {
        let mut still = Beside::default();
        if !self.under_way.is_empty() {
            let (step, command) = (self.step, self.doing());
            still.push(None, UnderWay { step, command, planned: None, transfer: None, task: None, result: None });
        }
        still
    }

    fn put(&mut self, transfer: Option<TransferId>, result: Option<Result<Answer, ShellError>>) {
        let planned = self.current.take();
        let name = planned.as_ref().and_then(|planned| planned.beside.clone());
        let under_way = UnderWay { step: self.step, command: self.command.clone(), planned, transfer, task: None, result };
        self.under_way.push(name, under_way);
    }
}

impl Lines {
    /// Makes a line wait for a transfer that it has begun; returns the names of the first steps that wait for it, and the number of the
    /// others, or `None` if no step waits.
    pub fn follow(&mut self, number: u64, transfer: TransferId) -> Option<String> {
        let line = self.line(number)?;
        line.put(Some(transfer), None);
        line.waits = true;
        (line.left_count() > 0).then(|| listed_of(line.left(), line.left_count(), WAITING_SHOWN))
    }

    /// Stores the task that waits for the end of a transfer of a line.
    pub fn set_follower(&mut self, number: u64, transfer: TransferId, task: AbortHandle) {
        if let Some(under_way) = self.under_way(number, transfer) {
            under_way.task = Some(Follower(task));
        }
    }

    /// Stores the result of a transfer until it is its turn to be [told](Self::take_outcome). Returns false if nobody waits for it any
    /// more.
    pub fn hold(&mut self, number: u64, transfer: TransferId, result: Result<Answer, ShellError>) -> bool {
        let Some(under_way) = self.under_way(number, transfer) else { return false };
        (under_way.task, under_way.result) = (None, Some(result));
        true
    }

    /// Stores the refusal of a planned transfer until it is its turn to be told; gives the answer back if it is something else.
    pub fn hold_refusal(&mut self, number: u64, answer: Result<Answer, ShellError>) -> Option<Result<Answer, ShellError>> {
        let is_held = answer.as_ref().is_err_and(|error| !error.is_session_over());
        match self.line(number).filter(|line| is_held && line.current.is_some()) {
            Some(line) => line.put(None, Some(answer)),
            None => return Some(answer),
        }
        None
    }

    /// Takes the next result that is to be told: that of the first transfer of a line that begins nothing more beside it.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        let is_due = |line: &&mut Line| {
            line.task.is_none() && !line.may_go_on_beside() && line.under_way.front().is_some_and(|first| first.result.is_some())
        };
        let line = self.begun.iter_mut().find(is_due)?;
        let UnderWay { step, command, planned, transfer, result, .. } = line.under_way.pop()?;
        (line.step, line.command, line.current, line.waits) = (step, command, planned, !line.under_way.is_empty());
        self.answered = Some(line.number);
        Some(Outcome { line: line.number, transfer, result: result? })
    }

    fn under_way(&mut self, number: u64, transfer: TransferId) -> Option<&mut UnderWay> {
        self.line(number)?.under_way.iter_mut().find(|under_way| under_way.transfer == Some(transfer))
    }
}

#[cfg(test)]
mod tests {
    use p2p_engine::operation::Remove;
    use p2p_shell::answer::{Batch, Tally};
    use p2p_shell::words::Variables;
    use p2p_store::names::FileKey;

    use super::super::NextStep;
    use super::*;

    /// A line that is to carry out a batch of these files, of which a large one has a name with an `L`, and then `ls`.
    fn batch(files: &[&str]) -> (Lines, u64) {
        let mut lines = Lines::default();
        lines.push(["upload -r d".to_owned(), "ls".to_owned()]);
        let number = lines.next(&Variables::new()).unwrap();
        // The check of the line, and the command that plans the batch.
        for _ in 0..2 {
            assert!(lines.next_step(number).is_some());
            lines.take_answer(number);
        }
        let planned = |&file: &&str| Planned {
            checks: false,
            line: format!("upload {file}"),
            file: file.to_owned(),
            beside: (!file.contains('L')).then(|| file.to_owned()),
            begins: Remove { file: FileKey::unowned(file), recursive: false }.into(),
        };
        let planned = files.iter().map(planned).collect();
        lines.plan(number, Batch { planned, tally: Some(Tally::new("stored", Vec::new())) });
        (lines, number)
    }

    /// Begins the next transfer under this number; returns its file, or the command that is carried out instead.
    fn begin(lines: &mut Lines, number: u64, transfer: u64) -> Option<String> {
        match lines.next_step(number)? {
            NextStep::Begin(planned) => {
                lines.take_answer(number);
                lines.follow(number, TransferId(transfer));
                Some(planned.file)
            }
            NextStep::Run(command, _) => Some(command),
            NextStep::Check(..) => None,
        }
    }

    fn end(lines: &mut Lines, number: u64, transfer: u64) {
        assert!(lines.hold(number, TransferId(transfer), Ok(Answer::nothing())), "{transfer}");
    }

    /// Takes the results that are to be told, and returns the commands of their transfers and the last count.
    fn told(lines: &mut Lines) -> (Vec<String>, Option<Tally>) {
        let (mut commands, mut tally) = (Vec::new(), None);
        while let Some(outcome) = lines.take_outcome() {
            tally = lines.count(outcome.line, &outcome.result);
            commands.extend(lines.command(outcome.line));
            lines.go_on();
        }
        (commands, tally)
    }

    /// Small transfers begin before the one before them is over, and a large one alone; results are told in the order of the files, and
    /// the next command of the line comes after all of them.
    #[test]
    fn small_transfers_are_under_way_beside_each_other() {
        let (mut lines, number) = batch(&["a", "b", "L", "c"]);
        assert_eq!(begin(&mut lines, number, 1).as_deref(), Some("a"));
        end(&mut lines, number, 1);
        assert_eq!(told(&mut lines).0, Vec::<String>::new(), "`b` begins first");
        assert_eq!(begin(&mut lines, number, 2).as_deref(), Some("b"));
        assert_eq!(begin(&mut lines, number, 3), None, "`L` is large");
        assert_eq!(lines.summary().as_deref(), Some("upload a (#1) and 1 beside it; waiting: L, c, ls"));
        assert_eq!(told(&mut lines).0, ["upload a"]);
        assert_eq!(begin(&mut lines, number, 3), None, "`b` is under way");
        end(&mut lines, number, 2);
        assert_eq!(told(&mut lines).0, ["upload b"]);
        assert_eq!(begin(&mut lines, number, 3).as_deref(), Some("L"));
        assert_eq!(begin(&mut lines, number, 4), None, "nothing is beside `L`");
        end(&mut lines, number, 3);
        assert_eq!(told(&mut lines), (vec!["upload L".into()], None));
        assert_eq!(begin(&mut lines, number, 4).as_deref(), Some("c"));
        assert_eq!(begin(&mut lines, number, 5), None, "`ls` waits for `c`");
        end(&mut lines, number, 4);
        let (commands, tally) = told(&mut lines);
        assert_eq!((commands, tally.unwrap().to_string()), (vec!["upload c".into()], "4 files stored".into()));
        assert_eq!(begin(&mut lines, number, 5).as_deref(), Some("ls"));
    }

    /// Whatever ends first, the results come in the order of the files, a refusal among them; it neither stops the others nor ends the
    /// count early. Two transfers of one name are not under way at once.
    #[test]
    fn a_refusal_is_told_in_its_turn() {
        let (mut lines, number) = batch(&["a", "b", "c", "a"]);
        begin(&mut lines, number, 1);
        assert!(matches!(lines.next_step(number), Some(NextStep::Begin(_))));
        lines.take_answer(number);
        assert!(lines.hold_refusal(number, Err(ShellError::Bad("it is taken".into()))).is_none());
        begin(&mut lines, number, 3);
        assert_eq!(begin(&mut lines, number, 4), None, "`a` is under way");
        end(&mut lines, number, 3);
        assert_eq!(told(&mut lines).0, Vec::<String>::new());
        end(&mut lines, number, 1);
        assert_eq!(told(&mut lines), (["a", "b", "c"].map(|file| format!("upload {file}")).to_vec(), None));
        assert_eq!(begin(&mut lines, number, 4).as_deref(), Some("a"));
        end(&mut lines, number, 4);
        assert_eq!(told(&mut lines).1.unwrap().to_string(), "3 files stored, 1 not: b: it is taken");
    }

    /// What waits is dropped while others are under way; nobody waits for a transfer of a line that was ended.
    #[test]
    fn what_waits_behind_others_is_dropped() {
        let (mut lines, number) = batch(&["a", "b", "L"]);
        begin(&mut lines, number, 1);
        let waiting = |lines: &Lines| lines.pending().iter().map(|step| (step.step, step.text.to_owned())).collect::<Vec<_>>();
        let steps = waiting(&lines);
        assert_eq!(steps.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["upload b", "upload L", "ls"]);
        assert_eq!(lines.drop_step(steps[1].0).as_deref(), Some("upload L"));
        begin(&mut lines, number, 2);
        assert_eq!(waiting(&lines).len(), 1);
        end(&mut lines, number, 2);
        end(&mut lines, number, 1);
        assert_eq!(told(&mut lines).1.unwrap().to_string(), "2 files stored");
        lines.clear();
        assert!(!lines.hold(number, TransferId(2), Ok(Answer::nothing())));
    }
}
