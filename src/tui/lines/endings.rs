//! Lines that end before all of them has begun: what was not begun, and the sums of their batches until then.

use p2p_shell::tally::Tally;
use tokio::task::AbortHandle;

use super::{Line, Lines};

/// What is to be told of lines that have ended early.
#[derive(Debug, Default)]
pub struct Ended {
    /// Steps that will not begin any more.
    pub left: Vec<String>,
    /// Batches of which something was counted, each by the command that has planned it.
    pub sums: Vec<(String, Tally)>,
}

impl Line {
    /// Returns what has not begun, with what could not be begun for the user; what is being begun at the moment may have begun.
    fn not_begun(&self) -> impl Iterator<Item = &str> {
        let refused = self.beginning.iter().filter(|_| self.task.is_none()).map(|waiting| waiting.planned.file.as_str());
        refused.chain(self.left())
    }

    /// Takes the sum of the batch, if something is counted, with the files that are `left`.
    fn take_sum(&mut self, left: usize) -> Option<(String, Tally)> {
        let mut tally = self.tally.take()?;
        tally.leave(left as u64);
        tally.has_counted().then(|| (self.batch.clone(), tally))
    }

    /// Ends the line, and adds what is to be told of it.
    fn end(mut self, ended: &mut Ended) {
        self.task.iter().for_each(AbortHandle::abort);
        ended.left.extend(self.not_begun().map(str::to_owned));
        let beginning = if self.task.is_none() { self.beginning.len() } else { 0 };
        let left = beginning + self.transfers.waiting().len();
        ended.sums.extend(self.take_sum(left));
    }
}

impl Lines {
    /// Drops the transfers of a batch that have not begun, because there is nobody to begin them for.
    pub fn refuse_batch(&mut self, number: u64) -> Ended {
        let Some(line) = self.line(number) else { return Ended::default() };
        let refused = std::mem::take(&mut line.beginning);
        let waiting = std::mem::take(line.transfers.waiting_mut());
        let left: Vec<String> = refused.into_iter().chain(waiting).map(|waiting| waiting.planned.file).collect();
        let sums = line.take_sum(left.len()).into_iter().collect();
        Ended { left, sums }
    }

    /// Ends all lines but the one that was just answered.
    pub fn keep_answered(&mut self) -> Ended {
        let answered = self.answered;
        let (kept, others): (Vec<Line>, Vec<Line>) =
            std::mem::take(&mut self.begun).into_iter().partition(|line| Some(line.number) == answered);
        self.begun = kept;
        // Nobody waits for its transfers any more: the tasks of the former user end.
        self.begun.iter_mut().for_each(|line| drop(line.transfers.take_under_way()));
        let mut ended = Ended::default();
        others.into_iter().for_each(|line| line.end(&mut ended));
        ended
    }

    /// Ends all lines and removes the waiting ones.
    pub fn clear(&mut self) -> Ended {
        let mut ended = Ended::default();
        std::mem::take(&mut self.begun).into_iter().for_each(|line| line.end(&mut ended));
        std::mem::take(&mut self.typed).into_iter().for_each(|line| line.end(&mut ended));
        ended
    }
}
