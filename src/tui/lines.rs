//! The lines of the prompt that are being carried out: the current step of each, and the steps that wait. Several lines run at
//! once, so that the prompt is free while one takes long. The commands of one line run one after the other, and the transfers of one
//! command in groups.

mod endings;
mod outcomes;
mod pending;
mod under_way;

use std::collections::VecDeque;
use std::sync::Arc;

use p2p_shell::answer::{Batch, Planned};
use p2p_shell::call::{is_about_accounts, is_command};
use p2p_shell::groups::{Groups, Step};
use p2p_shell::lists::listed_of;
use p2p_shell::tally::Tally;
use p2p_shell::words::Variables;
use tokio::task::AbortHandle;

pub use self::endings::Ended;
use self::outcomes::Failures;
pub use self::pending::{Pending, PendingSteps, Rest};
use self::under_way::UnderWay;
pub use self::under_way::{Fate, Outcome};

/// Maximum number of lines that run or wait at once. Transfers in the background do not count.
pub const LINES_MAX: usize = 64;

/// Number of waiting steps that are named; the others are counted.
pub const WAITING_SHOWN: usize = 8;

/// Number of a step of a typed line, by which it can be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct StepId(u64);

/// A transfer of a batch that is yet to begin.
#[derive(Debug, Clone)]
struct Waiting {
    step: StepId,
    planned: Planned,
}

impl Step for Waiting {
    fn beside(&self) -> Option<&str> {
        self.planned.beside()
    }
}

/// A line that is being carried out.
#[derive(Debug, Default)]
pub struct Line {
    number: u64,
    /// Number of the step that is being carried out.
    step: StepId,
    /// Command that is being carried out, as it is shown.
    command: String,
    /// True until the commands of the line are checked, if it has several.
    is_unchecked: bool,
    /// Command of which that is a part, as it was typed: one of a batch is carried out for each of its files.
    typed: String,
    /// Step as which that command was carried out.
    typed_as: StepId,
    /// Name of the user for whom its transfers begin; `None` for the operator.
    by: Option<String>,
    /// Transfers of that command, and the one that the line waits for.
    transfers: Groups<Waiting, UnderWay>,
    /// Transfers that are being begun.
    beginning: Vec<Waiting>,
    /// Transfer whose result is being told.
    current: Option<Planned>,
    /// Count of the results of a batch.
    tally: Option<Tally>,
    /// Errors of those that failed, as far as they were said.
    failures: Failures,
    /// Commands that follow it.
    waiting: VecDeque<(StepId, String)>,
    /// Variables as they were when the line began, with the changes that the line has made since.
    variables: Variables,
    /// True if the current command may ask questions, and change the current user.
    asks: bool,
    /// True if the line waits for virtual time or takes long, so that the next line need not wait for it.
    waits: bool,
    task: Option<AbortHandle>,
}

impl Line {
    /// Returns what has not begun yet: files of the command, then commands.
    fn left(&self) -> impl Iterator<Item = &str> {
        let files = self.transfers.waiting().iter().map(|waiting| waiting.planned.file.as_str());
        files.chain(self.waiting.iter().map(|(_, command)| command.as_str()))
    }

    /// Returns how much has not begun yet.
    fn left_count(&self) -> usize {
        self.transfers.waiting().len() + self.waiting.len()
    }

    /// Returns true if the line waits for transfers that it has begun.
    fn is_following(&self) -> bool {
        self.transfers.under_way() > 0
    }
}

/// The next step of a line.
#[derive(Debug)]
pub enum NextStep {
    /// Checks all commands of the line with these variables, before the first of them begins.
    Check(Vec<String>, Variables),
    /// Begins transfers of the current command, at one instant, for the user of this name; `None` is the operator.
    Begin(Vec<Planned>, Option<String>),
    /// Carries a command out with these variables.
    Run(String, Variables),
}

/// All lines that are being carried out or wait.
#[derive(Debug, Default)]
pub struct Lines {
    /// Lines that have begun, oldest first.
    begun: Vec<Line>,
    /// Lines that begin once the lines before them have been answered or wait for virtual time.
    typed: VecDeque<Line>,
    /// Number of the latest line.
    count: u64,
    /// Number of the latest step.
    steps: u64,
    /// Line to which the latest output belongs, and which of its commands; `None` in place of that below the line as it was typed.
    told: Option<(u64, Option<StepId>)>,
    /// Number of the line whose command was just answered and which is about to continue.
    answered: Option<u64>,
    /// Task that ends the wait of the typed lines for the line of this number.
    patience: Option<(u64, AbortHandle)>,
}

impl Lines {
    /// Returns true if no line runs or waits.
    pub fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.typed.is_empty()
    }

    /// Returns true if no further line is accepted.
    pub fn is_full(&self) -> bool {
        self.begun.len() + self.typed.len() >= LINES_MAX
    }

    /// Returns true if no further line is accepted, but will be as soon as the quick one that is carried out is answered.
    pub fn is_catching_up(&self) -> bool {
        self.is_full() && self.blocker().is_some()
    }

    /// Returns the number of the line that was typed last.
    pub fn latest(&self) -> u64 {
        self.count
    }

    /// Returns true while a line runs or waits.
    pub fn is_under_way(&self, number: u64) -> bool {
        self.begun.iter().chain(&self.typed).any(|line| line.number == number)
    }

    /// Returns true if a running command may change the current user.
    pub fn is_asking(&self) -> bool {
        self.begun.iter().any(|line| line.asks)
    }

    /// Returns true while a command is carried out that may exchange the network of the screen.
    pub fn is_exchanging(&self) -> bool {
        let is_tour = |line: &Line| line.task.is_some() && is_command(&line.command, &line.variables, "tour");
        self.begun.iter().any(is_tour)
    }

    /// Returns true if further steps follow the one that was just answered.
    pub fn has_more(&self) -> bool {
        let goes_on = |line: &Line| Some(line.number) == self.answered && (line.left_count() > 0 || line.is_following());
        !self.typed.is_empty() || self.begun.iter().any(goes_on)
    }

    /// Adds the commands of a line, which begins with [`next`](Self::next).
    pub fn push(&mut self, commands: impl IntoIterator<Item = String>) {
        self.count += 1;
        self.told = Some((self.count, None));
        let waiting: VecDeque<(StepId, String)> = commands.into_iter().map(|command| (self.new_step(), command)).collect();
        let is_unchecked = waiting.len() > 1;
        self.typed.push_back(Line { number: self.count, is_unchecked, waiting, ..Line::default() });
    }

    fn new_step(&mut self) -> StepId {
        self.steps += 1;
        StepId(self.steps)
    }

    /// Returns true if a line is the one that was typed last.
    pub fn is_latest(&self, number: u64) -> bool {
        self.count == number
    }

    /// Begins the next line and returns its number, unless a line before it still blocks it.
    pub fn next(&mut self, variables: &Variables) -> Option<u64> {
        if self.blocker().is_some() {
            return None;
        }
        let line = Line { variables: variables.clone(), ..self.typed.pop_front()? };
        let number = line.number;
        self.begun.push(line);
        Some(number)
    }

    /// Returns the line that has neither been answered nor is known to wait for virtual time or to take long.
    fn blocker(&self) -> Option<u64> {
        self.begun.iter().find(|line| line.task.is_some() && !line.waits).map(|line| line.number)
    }

    /// Returns the line for which a typed one begins to wait, so that the caller can limit the wait. Aborts the task that limits
    /// an earlier wait.
    pub fn new_blocker(&mut self) -> Option<u64> {
        let blocker = self.blocker().filter(|_| !self.typed.is_empty());
        if self.patience.as_ref().map(|(number, _)| *number) == blocker {
            return None;
        }
        if let Some((_, task)) = self.patience.take() {
            task.abort();
        }
        blocker
    }

    /// Stores the task that ends the wait for a line.
    pub fn set_patience(&mut self, number: u64, task: AbortHandle) {
        self.patience = Some((number, task));
    }

    /// Returns the next step of a line, or `None` if the line is over, or must first wait for its transfers or for the answer of
    /// another one.
    pub fn next_step(&mut self, number: u64) -> Option<NextStep> {
        let others_ask = self.begun.iter().any(|line| line.number != number && line.asks);
        let place = self.begun.iter().position(|line| line.number == number && line.task.is_none())?;
        let line = &mut self.begun[place];
        if std::mem::take(&mut line.is_unchecked) {
            let commands = line.waiting.iter().map(|(_, command)| command.clone()).collect();
            return Some(NextStep::Check(commands, line.variables.clone()));
        }
        line.current = None;
        if line.is_following() {
            return None;
        }
        if let Some(group) = line.take_group() {
            return Some(NextStep::Begin(group, line.by.clone()));
        }
        let Some((step, next)) = line.waiting.pop_front() else {
            self.begun.remove(place);
            return None;
        };
        let asks = is_about_accounts(&next);
        if asks && others_ask {
            line.waiting.push_front((step, next));
            return None;
        }
        (line.asks, line.step, line.command, line.typed) = (asks, step, next.clone(), next.clone());
        line.typed_as = step;
        Some(NextStep::Run(next, line.variables.clone()))
    }

    /// Returns the lines that have not continued because another one must be answered first.
    pub fn resting(&self) -> Vec<u64> {
        self.begun.iter().filter(|line| line.task.is_none()).map(|line| line.number).collect()
    }

    /// Stores the task that carries out the current step of a line.
    pub fn set_task(&mut self, number: u64, task: AbortHandle) {
        if let Some(line) = self.line(number) {
            line.task = Some(task);
        }
    }

    /// Marks a line as waiting for virtual time or as taking long, so that the next line may begin.
    pub fn set_waiting(&mut self, number: u64) {
        if let Some(line) = self.line(number) {
            line.waits = true;
        }
    }

    /// Ends a step of a line. Returns true if the step may have asked questions, and `None` if there is no such line.
    pub fn take_answer(&mut self, number: u64) -> Option<bool> {
        let line = self.line(number)?;
        let asked = std::mem::take(&mut line.asks);
        (line.task, line.waits) = (None, line.is_following());
        self.answered = Some(number);
        Some(asked)
    }

    /// Marks the latest answer as processed.
    pub fn go_on(&mut self) {
        self.answered = None;
    }

    /// Stores the transfers that the current command of a line is to begin.
    pub fn plan(&mut self, number: u64, batch: Batch) {
        let planned = batch.planned.into_iter().map(|planned| Waiting { step: self.new_step(), planned });
        let transfers = Groups::new(planned.collect::<Vec<_>>());
        if let Some(line) = self.line(number) {
            (line.transfers, line.tally, line.failures) = (transfers, Some(batch.tally), Failures::default());
            line.by = batch.by;
        }
    }

    /// Sets a variable of a line.
    pub fn set_variable(&mut self, number: u64, name: &str, value: &str) {
        if let Some(line) = self.line(number) {
            line.variables.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Returns the command of a line that is being carried out, as it was typed.
    pub fn typed(&self, number: u64) -> Option<String> {
        self.begun.iter().find(|line| line.number == number).map(|line| line.typed.clone())
    }

    /// Returns the command of a line, as it was typed, unless the latest output belongs to that command already, or stands below the whole line.
    pub fn unnamed(&mut self, number: u64) -> Option<String> {
        let command = self.begun.iter().find(|line| line.number == number).map(|line| line.typed_as);
        if self.told.is_some_and(|(line, told)| line == number && (told.is_none() || told == command)) {
            return None;
        }
        self.told = Some((number, command));
        self.typed(number).filter(|command| !command.is_empty())
    }

    /// Drops what has not begun of a line, because one of its commands would be refused.
    pub fn refuse(&mut self, number: u64) {
        if let Some(line) = self.line(number) {
            line.waiting.clear();
        }
    }

    /// Returns the steps that wait, and those that take long and are no transfers, in the order in which they were typed.
    pub fn pending(&self) -> PendingSteps<'_> {
        let mut pending = PendingSteps::default();
        self.begun.iter().filter(|line| line.waits).for_each(|line| pending.add(line));
        if self.begun.iter().any(|line| line.waits) {
            let before = self.begun.iter().find(|line| line.task.is_some() && !line.waits).or_else(|| self.begun.last());
            let after: Arc<str> = before.map(Line::doing).unwrap_or_default().into();
            self.typed.iter().fold(after, |after, line| pending.add_typed(line, after));
        }
        pending
    }

    /// Returns the steps that take long and those that wait, as in `upload a.bin (#1), sleep 1h; waiting: b.bin, ls`.
    pub fn summary(&self) -> Option<String> {
        let long: Vec<&Line> = self.begun.iter().filter(|line| line.waits).collect();
        let doing = long.iter().map(|line| line.doing()).collect::<Vec<_>>().join(", ");
        let waiting = || long.iter().copied().chain(&self.typed);
        match (long.is_empty(), waiting().map(Line::left_count).sum()) {
            (true, _) => None,
            (false, 0) => Some(doing),
            (false, count) => {
                let left = listed_of(waiting().flat_map(Line::left), count, WAITING_SHOWN);
                Some(format!("{doing}; waiting: {left}"))
            }
        }
    }

    fn line(&mut self, number: u64) -> Option<&mut Line> {
        self.begun.iter_mut().find(|line| line.number == number)
    }
}

#[cfg(test)]
mod tests {
    use p2p_engine::operation::Remove;
    use p2p_engine::transfer::TransferId;
    use p2p_shell::ShellError;
    use p2p_shell::answer::{Answer, Begun};
    use p2p_store::names::FileKey;

    use super::*;

    fn begin(lines: &mut Lines, commands: &[&str]) -> u64 {
        lines.push(commands.iter().map(|&command| command.to_owned()));
        lines.next(&Variables::new()).unwrap()
    }

    fn step(lines: &mut Lines, number: u64) -> Option<String> {
        match lines.next_step(number)? {
            NextStep::Run(command, _) => Some(command),
            NextStep::Begin(group, _) => Some(format!("{group:?}")),
            NextStep::Check(..) => {
                // A check is answered like any step.
                lines.take_answer(number);
                step(lines, number)
            }
        }
    }

    /// One command at a time may ask something and change who is there; the next such one waits for its turn, and others do not.
    #[test]
    fn one_line_asks_at_a_time() {
        let mut lines = Lines::default();
        let first = begin(&mut lines, &["passwd"]);
        assert_eq!(step(&mut lines, first).as_deref(), Some("passwd"));
        let second = begin(&mut lines, &["ls", "otp status"]);
        assert_eq!(step(&mut lines, second).as_deref(), Some("ls"));
        assert_eq!(lines.take_answer(second), Some(false));
        assert_eq!(step(&mut lines, second), None);
        assert_eq!(lines.take_answer(first), Some(true));
        assert_eq!(step(&mut lines, first), None);
        assert_eq!(step(&mut lines, second).as_deref(), Some("otp status"));
    }

    /// The results of a batch are counted, and told after the last one.
    #[test]
    fn the_results_of_a_batch_are_counted() {
        let mut lines = Lines::default();
        let number = begin(&mut lines, &["upload -r d", "ls"]);
        step(&mut lines, number);
        assert_eq!(lines.count(number, &Ok(Answer::nothing())), None, "the command that plans the batch is none of it");
        let planned = |file: &str| Planned {
            checks: false,
            beside: None,
            line: format!("upload {file}"),
            file: file.to_owned(),
            begins: Remove { file: FileKey::unowned(file), recursive: false, expected: None }.into(),
        };
        let tally = Tally::new("stored", vec!["d/x: a reason".into()]);
        lines.plan(number, Batch { planned: vec![planned("d/a"), planned("d/b")], by: None, tally, tells_each: false });
        step(&mut lines, number);
        lines.take_answer(number);
        lines.follow_group(number, vec![(planned("d/a"), Ok(Begun { transfer: TransferId(1), checks: None }))]);
        assert!(lines.hold(number, TransferId(1), Ok(Answer::nothing())) && lines.take_outcome().is_some());
        assert_eq!(lines.count(number, &Ok(Answer::nothing())), None);
        step(&mut lines, number);
        lines.follow_group(number, vec![(planned("d/b"), Err(ShellError::Bad("it failed".into())))]);
        let told = lines.take_outcome().unwrap();
        let sum = lines.count(number, &told.result).unwrap().to_string();
        assert_eq!(sum, "1 file stored, 2 not:\n  d/x: a reason\n  d/b: it failed");
        assert_eq!(step(&mut lines, number).as_deref(), Some("ls"));
        assert_eq!(lines.count(number, &Ok(Answer::nothing())), None);
    }

    #[test]
    fn what_takes_long_and_what_waits_is_told() {
        let mut lines = Lines::default();
        let first = begin(&mut lines, &["sleep 1h", "ls"]);
        step(&mut lines, first);
        assert_eq!(lines.summary(), None);
        lines.set_waiting(first);
        let second = begin(&mut lines, &["upload a.bin"]);
        step(&mut lines, second);
        assert_eq!(lines.follow(second, TransferId(7)), None);
        assert_eq!(lines.summary().as_deref(), Some("sleep 1h, upload a.bin (#7); waiting: ls"));
        // What is said of the first is said to be of it, for the second was typed after it.
        assert_eq!([lines.unnamed(first), lines.unnamed(first)], [Some("sleep 1h".into()), None]);
        let pending: Vec<_> = lines.pending().iter().collect();
        let shown: Vec<(&str, Option<&str>)> = pending.iter().map(|step| (step.text, step.after.as_deref())).collect();
        assert_eq!(shown, [("sleep 1h", None), ("ls", Some("sleep 1h"))]);
        let last = pending[1].step;
        assert_eq!(lines.drop_step(last).as_deref(), Some("ls"));
        assert_eq!(lines.drop_step(last), None);
        assert_eq!(lines.summary().as_deref(), Some("sleep 1h, upload a.bin (#7)"));
    }

    /// Below the whole line its answers are in order; behind those of another line, each command of it is named before its own.
    #[test]
    fn each_command_of_a_line_is_named_once_another_has_come_between() {
        let mut lines = Lines::default();
        let first = begin(&mut lines, &["upload a.bin --as f3", "verify f3", "ls"]);
        step(&mut lines, first);
        assert_eq!(lines.unnamed(first), None);
        lines.set_waiting(first);
        let second = begin(&mut lines, &["nodes"]);
        step(&mut lines, second);
        assert_eq!(lines.unnamed(second), None);
        assert_eq!([lines.unnamed(first), lines.unnamed(first)], [Some("upload a.bin --as f3".into()), None]);
        lines.take_answer(first);
        assert_eq!(step(&mut lines, first).as_deref(), Some("verify f3"));
        assert_eq!([lines.unnamed(first), lines.unnamed(first)], [Some("verify f3".into()), None]);
    }

    /// A command is what it is, however it is quoted.
    #[test]
    fn a_tour_is_told_by_its_command() {
        for (command, is_tour) in [
            ("tour", true),
            ("'tour'", true),
            ("\"to\"ur leave", true),
            ("to\\ur", true),
            ("$x", true),
            ("ls tour", false),
            ("sleep 1s", false),
        ] {
            let mut lines = Lines::default();
            lines.push([command.to_owned()]);
            let number = lines.next(&Variables::from([("x".to_owned(), "tour".to_owned())])).unwrap();
            step(&mut lines, number);
            assert!(!lines.is_exchanging());
            lines.set_task(number, tokio::runtime::Builder::new_current_thread().build().unwrap().spawn(async {}).abort_handle());
            assert_eq!(lines.is_exchanging(), is_tour, "{command}");
        }
    }

    /// Of several commands all are checked first, and none begins where one would be refused.
    #[test]
    fn a_refused_line_begins_nothing() {
        let mut lines = Lines::default();
        let number = begin(&mut lines, &["ls", "uplaod a"]);
        assert!(matches!(lines.next_step(number), Some(NextStep::Check(commands, _)) if commands == ["ls", "uplaod a"]));
        assert_eq!(lines.take_answer(number), Some(false));
        lines.refuse(number);
        assert!(lines.next_step(number).is_none() && lines.is_empty());
        let single = begin(&mut lines, &["uplaod a"]);
        assert!(matches!(lines.next_step(single), Some(NextStep::Run(..))));
    }
}
