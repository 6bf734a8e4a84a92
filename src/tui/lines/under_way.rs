//! The transfers that a line has begun and whose results are not told yet. Small ones of a batch are under way beside each other; their
//! results come in any order and are told in the order in which the transfers were planned.

use p2p_engine::transfer::TransferId;
use p2p_shell::ShellError;
use p2p_shell::answer::{Answer, Begun, Planned, Started};
use p2p_shell::groups::Groups;
use p2p_shell::lists::listed_of;
use tokio::task::AbortHandle;

use super::{Line, Lines, StepId, WAITING_SHOWN, Waiting};

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

/// Outcome of a step that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The step waits, or is being carried out and is no transfer.
    Waits,
    /// The step has begun this transfer.
    Begun(TransferId),
    /// The step was dropped, or is over.
    Over,
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
    /// Takes the transfers that are to begin now; `None` if there is none.
    pub(super) fn take_group(&mut self) -> Option<Vec<Planned>> {
        let group = self.transfers.take_group()?.into_steps();
        let first = group.first()?;
        self.step = first.step;
        self.command.clone_from(&first.planned.line);
        self.beginning = group;
        Some(self.beginning.iter().map(|waiting| waiting.planned.clone()).collect())
    }

    /// Returns what has become of a step of the line; [`Fate::Over`] if it is none.
    pub(super) fn fate_of(&self, step: StepId) -> Fate {
        if let Some(under_way) = self.transfers.iter().find(|under_way| under_way.step == step) {
            return under_way.transfer.map_or(Fate::Over, Fate::Begun);
        }
        let is_begun = self.step == step && self.task.is_some();
        let is_known = is_begun || self.beginning.iter().any(|waiting| waiting.step == step) || self.has_waiting(step);
        if is_known { Fate::Waits } else { Fate::Over }
    }

    /// Returns what is carried out for display, as in `upload a.bin (#1)`, or `upload a (#1) and 2 beside it`. What is over and waits only
    /// to be told counts no more.
    pub(super) fn doing(&self) -> String {
        let mut running = self.transfers.iter().filter(|under_way| under_way.result.is_none());
        let Some(first) = running.next().or(self.transfers.front()) else { return self.command.clone() };
        let first = match first.transfer {
            Some(transfer) => format!("{} ({transfer})", first.command),
            None => first.command.clone(),
        };
        match running.count() {
            0 => first,
            count => format!("{first} and {count} beside it"),
        }
    }

    /// Returns the transfers as they are, with what is under way as one entry that reads the same and ends nothing, for a view that is
    /// frozen.
    pub(super) fn still_transfers(&self) -> Groups<Waiting, UnderWay> {
        let mut still = Groups::new(self.transfers.waiting().iter().cloned());
        if self.is_following() {
            let (step, command) = (self.step, self.doing());
            still.put(UnderWay { step, command, planned: None, transfer: None, task: None, result: None });
        }
        still
    }

    /// Returns the names of the first steps that wait, and the number of the others; `None` if no step waits.
    fn told_left(&self) -> Option<String> {
        (self.left_count() > 0).then(|| listed_of(self.left(), self.left_count(), WAITING_SHOWN))
    }
}

impl Lines {
    /// Makes a line wait for a transfer that its command has begun; returns the names of the first steps that wait for it, and the number of
    /// the others, or `None` if no step waits.
    pub fn follow(&mut self, number: u64, transfer: TransferId) -> Option<String> {
        let line = self.line(number)?;
        let (step, command, transfer) = (line.step, line.command.clone(), Some(transfer));
        line.transfers.put(UnderWay { step, command, planned: None, transfer, task: None, result: None });
        line.waits = true;
        line.told_left()
    }

    /// Makes a line wait for the transfers of a group, as far as they were not refused. Returns them, and what waits for them as
    /// [`follow`](Self::follow) does.
    pub fn follow_group(&mut self, number: u64, group: Vec<Started>) -> (Vec<(Begun, String)>, Option<String>) {
        let Some(line) = self.line(number) else { return (Vec::new(), None) };
        let mut all = Vec::with_capacity(group.len());
        for (Waiting { step, planned }, (_, begun)) in std::mem::take(&mut line.beginning).into_iter().zip(group) {
            let (transfer, result) = match begun {
                Ok(begun) => {
                    let transfer = begun.transfer;
                    all.push((begun, planned.file.clone()));
                    (Some(transfer), None)
                }
                Err(error) => (None, Some(Err(error))),
            };
            let command = planned.line.clone();
            line.transfers.put(UnderWay { step, command, planned: Some(planned), transfer, task: None, result });
        }
        line.waits = line.is_following();
        (all, line.told_left())
    }

    /// Returns the number of transfers that lines have begun and that are not over: they go on where the lines end.
    pub fn transfers_under_way(&self) -> usize {
        let all = self.begun.iter().flat_map(|line| line.transfers.iter());
        all.filter(|under_way| under_way.transfer.is_some() && under_way.result.is_none()).count()
    }

    /// Returns what has become of a step.
    pub fn fate_of(&self, step: StepId) -> Fate {
        let mut fates = self.begun.iter().chain(&self.typed).map(|line| line.fate_of(step));
        fates.find(|fate| *fate != Fate::Over).unwrap_or(Fate::Over)
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

    /// Takes the next result that is to be told: that of the first transfer of a line.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        let is_due = |line: &&mut Line| line.task.is_none() && line.transfers.front().is_some_and(|first| first.result.is_some());
        let line = self.begun.iter_mut().find(is_due)?;
        let UnderWay { step, command, planned, transfer, result, .. } = line.transfers.pop()?;
        (line.step, line.command, line.current, line.waits) = (step, command, planned, line.is_following());
        self.answered = Some(line.number);
        Some(Outcome { line: line.number, transfer, result: result? })
    }

    fn under_way(&mut self, number: u64, transfer: TransferId) -> Option<&mut UnderWay> {
        self.line(number)?.transfers.iter_mut().find(|under_way| under_way.transfer == Some(transfer))
    }
}

#[cfg(test)]
mod tests {
    use p2p_engine::operation::Remove;
    use p2p_shell::answer::Batch;
    use p2p_shell::tally::Tally;
    use p2p_shell::words::Variables;
    use p2p_store::names::FileKey;

    use super::super::NextStep;
    use super::*;
    use crate::tui::lines::Rest;

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
            begins: Remove { file: FileKey::unowned(file), recursive: false, expected: None }.into(),
        };
        let planned = files.iter().map(planned).collect();
        lines.plan(number, Batch { planned, by: None, tally: Tally::new("stored", Vec::new()), tells_each: false });
        (lines, number)
    }

    /// Begins the next group with numbers from this one on, except for a file of the name `taken`; returns its files, or the command that is
    /// carried out instead.
    fn begin(lines: &mut Lines, number: u64, first: u64) -> Vec<String> {
        match lines.next_step(number) {
            Some(NextStep::Begin(group, _)) => {
                lines.take_answer(number);
                let files = group.iter().map(|planned| planned.file.clone()).collect();
                let begun = |(transfer, planned): (u64, Planned)| match planned.file.as_str() {
                    "taken" => (planned, Err(ShellError::Bad("there is one".into()))),
                    _ => (planned, Ok(Begun { transfer: TransferId(transfer), checks: None })),
                };
                lines.follow_group(number, (first..).zip(group).map(begun).collect());
                files
            }
            Some(NextStep::Run(command, _)) => vec![command],
            Some(NextStep::Check(..)) | None => Vec::new(),
        }
    }

    fn end(lines: &mut Lines, number: u64, transfer: u64) {
        assert!(lines.hold(number, TransferId(transfer), Ok(Answer::nothing())), "{transfer}");
    }

    /// What is over counts no more as being under way, although its result is told later, after that of the first one.
    #[test]
    fn what_is_over_is_not_beside_what_runs() {
        let (mut lines, number) = batch(&["a", "b", "c"]);
        begin(&mut lines, number, 1);
        assert_eq!(lines.summary().as_deref(), Some("upload a (#1) and 2 beside it; waiting: ls"));
        end(&mut lines, number, 2);
        assert_eq!(lines.summary().as_deref(), Some("upload a (#1) and 1 beside it; waiting: ls"));
        end(&mut lines, number, 3);
        assert_eq!(lines.summary().as_deref(), Some("upload a (#1); waiting: ls"));
    }

    /// Takes the results that are to be told, and returns the commands of their transfers and the last count.
    fn told(lines: &mut Lines) -> (Vec<String>, Option<String>) {
        let (mut commands, mut tally) = (Vec::new(), None);
        while let Some(outcome) = lines.take_outcome() {
            tally = lines.count(outcome.line, &outcome.result).map(|tally| tally.to_string());
            commands.extend(lines.line(outcome.line).map(|line| line.command.clone()));
            lines.go_on();
        }
        (commands, tally)
    }

    const NOTHING: [String; 0] = [];

    /// Small transfers begin together, and a large one alone; results are told in the order of the files, and the next command of the line
    /// comes after all of them.
    #[test]
    fn small_transfers_are_under_way_beside_each_other() {
        let (mut lines, number) = batch(&["a", "b", "L", "c"]);
        assert_eq!(begin(&mut lines, number, 1), ["a", "b"]);
        assert_eq!(begin(&mut lines, number, 3), NOTHING, "the group is under way");
        assert_eq!(lines.summary().as_deref(), Some("upload a (#1) and 1 beside it; waiting: L, c, ls"));
        end(&mut lines, number, 2);
        assert_eq!(told(&mut lines).0, NOTHING, "`a` is told first");
        end(&mut lines, number, 1);
        assert_eq!(told(&mut lines).0, ["upload a", "upload b"]);
        // What is said of them is headed by what was typed, again where another line was told of meanwhile.
        lines.push(["echo".to_owned()]);
        assert_eq!((lines.typed(number), lines.unnamed(number)), (Some("upload -r d".into()), Some("upload -r d".into())));
        assert_eq!(begin(&mut lines, number, 3), ["L"]);
        assert_eq!(begin(&mut lines, number, 4), NOTHING, "nothing is beside `L`");
        end(&mut lines, number, 3);
        assert_eq!(told(&mut lines), (vec!["upload L".into()], None));
        assert_eq!(begin(&mut lines, number, 4), ["c"]);
        assert_eq!(begin(&mut lines, number, 5), NOTHING, "`ls` waits for `c`");
        end(&mut lines, number, 4);
        assert_eq!(told(&mut lines), (vec!["upload c".into()], Some("4 files stored".into())));
        assert_eq!(begin(&mut lines, number, 5), ["ls"]);
    }

    /// Whatever ends first, the results come in the order of the files, a refusal among them; it neither stops the others nor ends the
    /// count early. Two transfers of one name are not under way at once.
    #[test]
    fn a_refusal_is_told_in_its_turn() {
        let (mut lines, number) = batch(&["a", "taken", "c", "a"]);
        assert_eq!(begin(&mut lines, number, 1), ["a", "taken", "c"]);
        end(&mut lines, number, 3);
        assert_eq!(told(&mut lines).0, NOTHING);
        end(&mut lines, number, 1);
        assert_eq!(told(&mut lines), (["a", "taken", "c"].map(|file| format!("upload {file}")).to_vec(), None));
        assert_eq!(begin(&mut lines, number, 4), ["a"]);
        end(&mut lines, number, 4);
        assert_eq!(told(&mut lines).1.unwrap(), "3 files stored, 1 not: taken: there is one");
    }

    /// A group that cannot begin ends the batch with the sum of those before it.
    #[test]
    fn a_refused_group_leaves_the_sum() {
        let (mut lines, number) = batch(&["a", "taken", "L", "c"]);
        begin(&mut lines, number, 1);
        end(&mut lines, number, 1);
        assert_eq!(told(&mut lines).1, None);
        assert!(matches!(lines.next_step(number), Some(NextStep::Begin(..))));
        lines.take_answer(number);
        let ended = lines.refuse_batch(number);
        assert_eq!(ended.left, ["L", "c"]);
        let sums: Vec<String> = ended.sums.iter().map(|(command, sum)| format!("{command}: {sum}")).collect();
        assert_eq!(sums, ["upload -r d: 1 file stored, 2 not begun, 1 other not: taken: there is one"]);
        assert_eq!(begin(&mut lines, number, 5), ["ls"]);
        // There is none of a batch of which nothing has begun.
        let (mut lines, number) = batch(&["a", "L"]);
        assert!(matches!(lines.next_step(number), Some(NextStep::Begin(..))));
        lines.take_answer(number);
        let ended = lines.clear();
        assert!(ended.sums.is_empty() && ended.left == ["a", "L", "ls"], "{number}: {ended:?}");
    }

    /// What waits is dropped while others are under way, one by one or all that is left of the batch, and the count says so; nobody waits for
    /// a transfer of a line that was ended.
    #[test]
    fn what_waits_behind_others_is_dropped() {
        let (mut lines, number) = batch(&["a", "b", "L", "c", "d"]);
        begin(&mut lines, number, 1);
        let steps = lines.pending().iter().map(|step| (step.step, step.text.to_owned(), step.rest)).collect::<Vec<_>>();
        let texts = steps.iter().map(|(_, text, rest)| (text.as_str(), *rest)).collect::<Vec<_>>();
        let (files, all) = (Rest::Files(3), Rest::Steps(4));
        assert_eq!(texts, [("upload L", files), ("upload c", files), ("upload d", files), ("ls", all)]);
        // Each command waits for what stands before it.
        lines.push(["mv".to_owned(), "rm".to_owned()]);
        let after = |lines: &Lines| lines.pending().iter().map(|step| step.after.unwrap().to_string()).collect::<Vec<_>>();
        let under_way = after(&lines)[0].clone();
        assert_eq!(after(&lines)[2..], [under_way.as_str(), "upload d", under_way.as_str(), "mv"]);
        assert_eq!(lines.drop_step(steps[0].0).as_deref(), Some("upload L"));
        assert!(lines.drop_rest(steps[0].0).is_empty(), "it is gone");
        assert_eq!(lines.drop_rest(steps[2].0), [("upload -r d".into(), 2)]);
        assert_eq!(after(&lines), [under_way.as_str(), under_way.as_str(), "mv"]);
        end(&mut lines, number, 2);
        end(&mut lines, number, 1);
        assert_eq!(told(&mut lines).1.unwrap(), "2 files stored, 3 not begun");
        assert_eq!(begin(&mut lines, number, 3), ["ls"]);
        lines.clear();
        assert!(!lines.hold(number, TransferId(2), Ok(Answer::nothing())));
    }
}
