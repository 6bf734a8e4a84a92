//! The lines of the prompt that are being carried out: the current step of each, and the steps that wait. Several lines run at
//! once, so that the prompt is free while one takes long; the commands of one line, and the transfers of one command, run one
//! after the other.

use std::collections::VecDeque;

use p2p_engine::transfer::TransferId;
use p2p_shell::ShellError;
use p2p_shell::answer::{Answer, Batch, Effect, Planned, Tally, listed};
use p2p_shell::call::is_about_accounts;
use p2p_shell::words::Variables;
use tokio::task::AbortHandle;

/// Maximum number of lines that run or wait at once. Transfers in the background do not count.
pub const LINES_MAX: usize = 64;

/// Number of waiting steps that are named; the others are counted.
pub const WAITING_SHOWN: usize = 8;

/// A line that is being carried out.
#[derive(Debug, Default)]
pub struct Line {
    number: u64,
    /// Command that is being carried out, as it is shown.
    command: String,
    /// Transfers of that command that are to begin one after the other.
    planned: VecDeque<Planned>,
    /// Transfer of those that runs.
    current: Option<Planned>,
    /// Count of their results, if a failure is to be counted.
    tally: Option<Tally>,
    /// Commands that follow it.
    waiting: VecDeque<String>,
    /// Variables as they were when the line began, with the changes that the line has made since.
    variables: Variables,
    /// Transfer that the line waits for.
    transfer: Option<TransferId>,
    /// True if the current command may ask questions, and change the current user.
    asks: bool,
    /// True if the line waits for virtual time or takes long, so that the next line need not wait for it.
    waits: bool,
    task: Option<AbortHandle>,
}

impl Line {
    /// Returns what has not begun yet: files of the command, then commands.
    fn left(&self) -> Vec<String> {
        self.planned.iter().map(|planned| planned.file.clone()).chain(self.waiting.iter().cloned()).collect()
    }

    /// Returns the current step for display, as in `upload a.bin (#1)`.
    fn doing(&self) -> String {
        match self.transfer {
            Some(transfer) => format!("{} ({transfer})", self.command),
            None => self.command.clone(),
        }
    }
}

/// The next step of a line.
#[derive(Debug)]
pub enum NextStep {
    /// Begins a transfer of the current command.
    Begin(Box<Planned>),
    /// Carries a command out with these variables.
    Run(String, Variables),
}

/// The state of a line that was interrupted.
#[derive(Debug)]
pub struct Interrupted {
    /// Command that was being carried out.
    pub command: String,
    /// Transfer that the line waited for.
    pub transfer: Option<TransferId>,
    /// Files and commands that will not begin any more.
    pub left: Vec<String>,
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
    /// Number of the line to which the latest output belongs.
    told: Option<u64>,
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

    /// Returns true if a running command may change the current user.
    pub fn is_asking(&self) -> bool {
        self.begun.iter().any(|line| line.asks)
    }

    /// Returns true if further steps follow the one that was just answered.
    pub fn has_more(&self) -> bool {
        let goes_on = |line: &Line| Some(line.number) == self.answered && !line.left().is_empty();
        !self.typed.is_empty() || self.begun.iter().any(goes_on)
    }

    /// Adds the commands of a line, which begins with [`next`](Self::next).
    pub fn push(&mut self, commands: impl IntoIterator<Item = String>) {
        self.count += 1;
        self.told = Some(self.count);
        self.typed.push_back(Line { number: self.count, waiting: commands.into_iter().collect(), ..Line::default() });
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

    /// Returns the next step of a line, or `None` if the line is over or must first wait for the answer of another one.
    pub fn next_step(&mut self, number: u64) -> Option<NextStep> {
        let others_ask = self.begun.iter().any(|line| line.number != number && line.asks);
        let place = self.begun.iter().position(|line| line.number == number && line.task.is_none())?;
        let line = &mut self.begun[place];
        line.current = line.planned.pop_front();
        if let Some(planned) = &line.current {
            line.command.clone_from(&planned.line);
            return Some(NextStep::Begin(Box::new(planned.clone())));
        }
        let Some(next) = line.waiting.pop_front() else {
            self.begun.remove(place);
            return None;
        };
        let asks = is_about_accounts(&next);
        if asks && others_ask {
            line.waiting.push_front(next);
            return None;
        }
        (line.asks, line.command) = (asks, next.clone());
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
        (line.task, line.transfer, line.waits) = (None, None, false);
        self.answered = Some(number);
        Some(asked)
    }

    /// Marks the latest answer as processed.
    pub fn go_on(&mut self) {
        self.answered = None;
    }

    /// Makes a line wait for a transfer that it has begun; returns the steps that wait for it.
    pub fn follow(&mut self, number: u64, transfer: TransferId) -> Vec<String> {
        let Some(line) = self.line(number) else { return Vec::new() };
        (line.transfer, line.waits) = (Some(transfer), true);
        line.left()
    }

    /// Stores the transfers that the current command of a line is to begin.
    pub fn plan(&mut self, number: u64, batch: Batch) {
        if let Some(line) = self.line(number) {
            (line.planned, line.tally) = (batch.planned.into(), batch.tally);
        }
    }

    /// Counts the answer to a transfer of a batch, and returns the count after the last one.
    pub fn count(&mut self, number: u64, answer: &Result<Answer, ShellError>) -> Option<Tally> {
        let line = self.line(number)?;
        let current = line.current.as_ref()?;
        if !matches!(answer, Ok(Answer { effect: Effect::Follow(_), .. })) {
            line.tally.as_mut()?.add(&current.file, answer);
            return line.tally.take_if(|_| line.planned.is_empty());
        }
        None
    }

    /// Sets a variable of a line.
    pub fn set_variable(&mut self, number: u64, name: &str, value: &str) {
        if let Some(line) = self.line(number) {
            line.variables.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Returns the command of a line, unless the latest output belongs to that line already.
    pub fn unnamed(&mut self, number: u64) -> Option<String> {
        if self.told.replace(number) == Some(number) {
            return None;
        }
        self.line(number).map(|line| line.command.clone()).filter(|command| !command.is_empty())
    }

    /// Returns the waiting steps of the lines that have begun, except those of the line that was just answered, whose user knows
    /// them.
    pub fn left_beside_answered(&self) -> Vec<String> {
        self.begun.iter().filter(|line| Some(line.number) != self.answered).flat_map(Line::left).collect()
    }

    /// Removes and returns the waiting steps of the latest line, and the lines that have not begun.
    pub fn drop_waiting(&mut self) -> Vec<String> {
        let latest = self.begun.last_mut();
        let mut left = latest.as_ref().map(|line| line.left()).unwrap_or_default();
        if let Some(line) = latest {
            line.planned.clear();
            line.waiting.clear();
        }
        left.extend(self.typed.drain(..).flat_map(|line| line.waiting));
        left
    }

    /// Ends the latest line, and removes the lines that have not begun.
    pub fn interrupt(&mut self) -> Option<Interrupted> {
        let left = self.drop_waiting();
        let Line { command, transfer, task, .. } = self.begun.pop()?;
        if let Some(task) = task {
            task.abort();
        }
        self.told = None;
        Some(Interrupted { command, transfer, left })
    }

    /// Ends all lines but the one that was just answered; returns the steps that will not begin any more.
    pub fn keep_answered(&mut self) -> Vec<String> {
        let answered = self.answered;
        let (kept, ended): (Vec<Line>, Vec<Line>) =
            std::mem::take(&mut self.begun).into_iter().partition(|line| Some(line.number) == answered);
        self.begun = kept;
        self.end(ended)
    }

    /// Ends all lines and removes the waiting ones.
    pub fn clear(&mut self) {
        let all = std::mem::take(&mut self.begun);
        self.end(all);
        self.typed.clear();
    }

    fn end(&mut self, lines: Vec<Line>) -> Vec<String> {
        lines.iter().filter_map(|line| line.task.as_ref()).for_each(AbortHandle::abort);
        lines.iter().flat_map(Line::left).collect()
    }

    /// Returns the steps that take long and those that wait, as in `upload a.bin (#1), sleep 1h; waiting: b.bin, ls`.
    pub fn summary(&self) -> Option<String> {
        let long: Vec<&Line> = self.begun.iter().filter(|line| line.waits).collect();
        let doing = long.iter().map(|line| line.doing()).collect::<Vec<_>>().join(", ");
        let typed = self.typed.iter().flat_map(|line| line.waiting.iter().cloned()).filter(|_| !long.is_empty());
        let left: Vec<String> = long.iter().flat_map(|line| line.left()).chain(typed).collect();
        match (long.is_empty(), left.is_empty()) {
            (true, _) => None,
            (false, true) => Some(doing),
            (false, false) => Some(format!("{doing}; waiting: {}", listed(&left, WAITING_SHOWN))),
        }
    }

    fn line(&mut self, number: u64) -> Option<&mut Line> {
        self.begun.iter_mut().find(|line| line.number == number)
    }
}

#[cfg(test)]
mod tests {
    use p2p_engine::operation::Remove;
    use p2p_shell::answer::Begun;
    use p2p_store::names::FileKey;

    use super::*;

    fn begin(lines: &mut Lines, commands: &[&str]) -> u64 {
        lines.push(commands.iter().map(|&command| command.to_owned()));
        lines.next(&Variables::new()).unwrap()
    }

    fn step(lines: &mut Lines, number: u64) -> Option<String> {
        match lines.next_step(number)? {
            NextStep::Run(command, _) => Some(command),
            NextStep::Begin(command) => Some(format!("{command:?}")),
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

    /// The results of a batch in which a failure does not end the rest are counted, and told after the last one.
    #[test]
    fn the_results_of_a_batch_are_counted() {
        let mut lines = Lines::default();
        let number = begin(&mut lines, &["upload -r d", "ls"]);
        step(&mut lines, number);
        assert_eq!(lines.count(number, &Ok(Answer::nothing())), None, "the command that plans the batch is none of it");
        let planned = |file: &str| Planned {
            checks: false,
            line: format!("upload {file}"),
            file: file.to_owned(),
            begins: Remove { file: FileKey::unowned(file), recursive: false }.into(),
        };
        let tally = Tally::new("stored", vec!["d/x: a reason".into()]);
        lines.plan(number, Batch { planned: vec![planned("d/a"), planned("d/b")], tally: Some(tally) });
        step(&mut lines, number);
        let begun = Answer::nothing().with(Effect::Follow(Begun { transfer: TransferId(1), checks: None }));
        assert_eq!(lines.count(number, &Ok(begun)), None);
        assert_eq!(lines.count(number, &Ok(Answer::nothing())), None);
        step(&mut lines, number);
        let told = lines.count(number, &Err(ShellError::Bad("it failed".into()))).unwrap().to_string();
        assert_eq!(told, "1 file stored, 2 not: d/x: a reason, d/b: it failed");
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
        assert!(lines.follow(second, TransferId(7)).is_empty());
        assert_eq!(lines.summary().as_deref(), Some("sleep 1h, upload a.bin (#7); waiting: ls"));
        // What is said of the first is said to be of it, for the second was typed after it.
        assert_eq!([lines.unnamed(first), lines.unnamed(first)], [Some("sleep 1h".into()), None]);
        let ended = lines.interrupt().unwrap();
        assert_eq!((ended.command.as_str(), ended.transfer, ended.left.len()), ("upload a.bin", Some(TransferId(7)), 0));
        let ended = lines.interrupt().unwrap();
        assert_eq!((ended.command.as_str(), ended.left), ("sleep 1h", vec!["ls".to_owned()]));
        assert!(lines.is_empty() && lines.interrupt().is_none());
    }
}
