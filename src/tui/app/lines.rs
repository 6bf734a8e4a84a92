//! The lines of the prompt that are carried out: what each of them does now, and what waits. Several are carried out at once, so that
//! the prompt is free while one takes long; the commands of one line, and the transfers of one command, come one after the other.
//!
//! Knows nothing of how a command is carried out, or of how anything is shown.

use std::collections::VecDeque;

use tokio::task::AbortHandle;

use crate::engine::Command;
use crate::engine::transfer::TransferId;
use crate::shell::answer::Planned;
use crate::shell::call::is_about_accounts;
use crate::shell::words::Variables;

/// Lines that may be carried out at once, those included that are still to begin. Transfers in the background are not among them.
pub(super) const LINES_MAX: usize = 64;

/// A line that is carried out.
#[derive(Debug, Default)]
pub(super) struct Line {
    number: u64,
    /// The command that is carried out, as it is shown.
    command: String,
    /// Transfers of that command which are to be begun one after the other.
    planned: VecDeque<Planned>,
    /// Commands that come after it.
    waiting: VecDeque<String>,
    /// The variables as they were when the line began, and what it has set since.
    variables: Variables,
    /// The transfer that is waited for.
    transfer: Option<TransferId>,
    /// Whether it may ask questions, and change who is there.
    asks: bool,
    /// Whether it waits for virtual time, so that the next line need not wait for it.
    waits: bool,
    task: Option<AbortHandle>,
}

impl Line {
    /// What has not begun yet: files of the command, then commands.
    fn left(&self) -> Vec<String> {
        self.planned.iter().map(|planned| planned.file.clone()).chain(self.waiting.iter().cloned()).collect()
    }

    /// `upload a.bin (#1)`
    fn doing(&self) -> String {
        match self.transfer {
            Some(transfer) => format!("{} ({transfer})", self.command),
            None => self.command.clone(),
        }
    }
}

/// What a line does next.
#[derive(Debug)]
pub(super) enum Step {
    /// A transfer of its command is begun.
    Begin(Command),
    /// A command is carried out.
    Run(String, Variables),
}

/// A line that was interrupted.
#[derive(Debug)]
pub(super) struct Interrupted {
    /// What it did.
    pub(super) command: String,
    /// The transfer that it waited for.
    pub(super) transfer: Option<TransferId>,
    /// What will not begin any more.
    pub(super) left: Vec<String>,
}

/// All lines that are carried out.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Those that have begun, oldest first.
    begun: Vec<Line>,
    /// Those that begin once the ones before them have been answered, or wait for virtual time.
    typed: VecDeque<Line>,
    /// Number of the latest line.
    count: u64,
    /// The line that the latest of what was said is about.
    told: Option<u64>,
    /// The line whose command has been answered and which is about to go on.
    answered: Option<u64>,
    /// Ends the wait of the typed lines for this line.
    patience: Option<(u64, AbortHandle)>,
}

impl Lines {
    /// Whether nothing is carried out, and nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.typed.is_empty()
    }

    /// Whether no further line is taken.
    pub(super) fn is_full(&self) -> bool {
        self.begun.len() + self.typed.len() >= LINES_MAX
    }

    /// Whether a command is carried out that may change who is there.
    pub(super) fn is_asking(&self) -> bool {
        self.begun.iter().any(|line| line.asks)
    }

    /// Whether something comes after what has just been answered.
    pub(super) fn has_more(&self) -> bool {
        let goes_on = |line: &Line| Some(line.number) == self.answered && !line.left().is_empty();
        !self.typed.is_empty() || self.begun.iter().any(goes_on)
    }

    /// Takes the commands of a line, which begins with [`next`](Self::next).
    pub(super) fn push(&mut self, commands: impl IntoIterator<Item = String>) {
        self.count += 1;
        self.told = Some(self.count);
        self.typed.push_back(Line { number: self.count, waiting: commands.into_iter().collect(), ..Line::default() });
    }

    /// The line that begins now, if one does: each begins after the one before it, unless that takes long.
    pub(super) fn next(&mut self, variables: &Variables) -> Option<u64> {
        if self.blocker().is_some() {
            return None;
        }
        let line = Line { variables: variables.clone(), ..self.typed.pop_front()? };
        let number = line.number;
        self.begun.push(line);
        Some(number)
    }

    /// The line that has neither been answered nor is known to wait for virtual time.
    fn blocker(&self) -> Option<u64> {
        self.begun.iter().find(|line| line.task.is_some() && !line.waits).map(|line| line.number)
    }

    /// The line that a typed one begins to wait for, which is to be given up after a while; what was to end an earlier wait is ended.
    pub(super) fn new_blocker(&mut self) -> Option<u64> {
        let blocker = self.blocker().filter(|_| !self.typed.is_empty());
        if self.patience.as_ref().map(|(number, _)| *number) == blocker {
            return None;
        }
        if let Some((_, task)) = self.patience.take() {
            task.abort();
        }
        blocker
    }

    /// The task that ends the wait for a line.
    pub(super) fn set_patience(&mut self, number: u64, task: AbortHandle) {
        self.patience = Some((number, task));
    }

    /// The next step of a line; none where it is over, or another line has to be answered first.
    pub(super) fn step(&mut self, number: u64) -> Option<Step> {
        let others_ask = self.begun.iter().any(|line| line.number != number && line.asks);
        let place = self.begun.iter().position(|line| line.number == number && line.task.is_none())?;
        let line = &mut self.begun[place];
        if let Some(Planned { line: command, command: begins, .. }) = line.planned.pop_front() {
            line.command = command;
            return Some(Step::Begin(begins));
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
        Some(Step::Run(next, line.variables.clone()))
    }

    /// Lines that have not gone on because another one was to be answered first.
    pub(super) fn resting(&self) -> Vec<u64> {
        self.begun.iter().filter(|line| line.task.is_none()).map(|line| line.number).collect()
    }

    /// The task that carries out the step of a line.
    pub(super) fn set_task(&mut self, number: u64, task: AbortHandle) {
        if let Some(line) = self.line(number) {
            line.task = Some(task);
        }
    }

    /// A line waits for virtual time.
    pub(super) fn set_waiting(&mut self, number: u64) {
        if let Some(line) = self.line(number) {
            line.waits = true;
        }
    }

    /// A step of a line is done; gives whether it was one that may have asked something, and nothing where there is no such line.
    pub(super) fn take_answer(&mut self, number: u64) -> Option<bool> {
        let line = self.line(number)?;
        let asked = std::mem::take(&mut line.asks);
        (line.task, line.transfer, line.waits) = (None, None, false);
        self.answered = Some(number);
        Some(asked)
    }

    /// What was answered has been dealt with.
    pub(super) fn go_on(&mut self) {
        self.answered = None;
    }

    /// A line has begun a transfer that it waits for; gives what waits for that.
    pub(super) fn follow(&mut self, number: u64, transfer: TransferId) -> Vec<String> {
        let Some(line) = self.line(number) else { return Vec::new() };
        (line.transfer, line.waits) = (Some(transfer), true);
        line.left()
    }

    /// A command of a line is to begin these transfers.
    pub(super) fn plan(&mut self, number: u64, planned: Vec<Planned>) {
        if let Some(line) = self.line(number) {
            line.planned = planned.into();
        }
    }

    /// A line has given a variable a value.
    pub(super) fn set_variable(&mut self, number: u64, name: &str, value: &str) {
        if let Some(line) = self.line(number) {
            line.variables.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The command of a line, where what was said last is not about it.
    pub(super) fn unnamed(&mut self, number: u64) -> Option<String> {
        if self.told.replace(number) == Some(number) {
            return None;
        }
        self.line(number).map(|line| line.command.clone()).filter(|command| !command.is_empty())
    }

    /// What waits in lines that have begun, but for the one whose command has just been answered: that one knows what it says.
    pub(super) fn left_beside_answered(&self) -> Vec<String> {
        self.begun.iter().filter(|line| Some(line.number) != self.answered).flat_map(Line::left).collect()
    }

    /// Takes out what waits for the latest line, and the lines that have not begun.
    pub(super) fn drop_waiting(&mut self) -> Vec<String> {
        let latest = self.begun.last_mut();
        let mut left = latest.as_ref().map(|line| line.left()).unwrap_or_default();
        if let Some(line) = latest {
            line.planned.clear();
            line.waiting.clear();
        }
        left.extend(self.typed.drain(..).flat_map(|line| line.waiting));
        left
    }

    /// Ends the latest line, and forgets the lines that have not begun.
    pub(super) fn interrupt(&mut self) -> Option<Interrupted> {
        let left = self.drop_waiting();
        let Line { command, transfer, task, .. } = self.begun.pop()?;
        if let Some(task) = task {
            task.abort();
        }
        self.told = None;
        Some(Interrupted { command, transfer, left })
    }

    /// Ends all lines but the one that has just been answered; gives what will not begin any more.
    pub(super) fn keep_answered(&mut self) -> Vec<String> {
        let answered = self.answered;
        let (kept, ended): (Vec<Line>, Vec<Line>) =
            std::mem::take(&mut self.begun).into_iter().partition(|line| Some(line.number) == answered);
        self.begun = kept;
        self.end(ended)
    }

    /// Ends all lines.
    pub(super) fn clear(&mut self) {
        let all = std::mem::take(&mut self.begun);
        self.end(all);
        self.typed.clear();
    }

    fn end(&mut self, lines: Vec<Line>) -> Vec<String> {
        lines.iter().filter_map(|line| line.task.as_ref()).for_each(AbortHandle::abort);
        lines.iter().flat_map(Line::left).collect()
    }

    /// What takes long, and what waits: `upload a.bin (#1), sleep 1h; waiting: b.bin, ls`.
    pub(super) fn summary(&self) -> Option<String> {
        let long: Vec<&Line> = self.begun.iter().filter(|line| line.waits).collect();
        let doing = long.iter().map(|line| line.doing()).collect::<Vec<_>>().join(", ");
        let typed = self.typed.iter().flat_map(|line| line.waiting.iter().cloned()).filter(|_| !long.is_empty());
        let left: Vec<String> = long.iter().flat_map(|line| line.left()).chain(typed).collect();
        match (long.is_empty(), left.is_empty()) {
            (true, _) => None,
            (false, true) => Some(doing),
            (false, false) => Some(format!("{doing}; waiting: {}", left.join(", "))),
        }
    }

    fn line(&mut self, number: u64) -> Option<&mut Line> {
        self.begun.iter_mut().find(|line| line.number == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(lines: &mut Lines, commands: &[&str]) -> u64 {
        lines.push(commands.iter().map(|&command| command.to_owned()));
        lines.next(&Variables::new()).unwrap()
    }

    fn step(lines: &mut Lines, number: u64) -> Option<String> {
        match lines.step(number)? {
            Step::Run(command, _) => Some(command),
            Step::Begin(command) => Some(format!("{command:?}")),
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
