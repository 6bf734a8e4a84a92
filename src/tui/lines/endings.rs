//! Lines that end before all of them has begun: what was not begun, and the sums of their batches until then.

use p2p_shell::call::begins_transfers;
use p2p_shell::tally::Tally;
use tokio::task::AbortHandle;

use super::{Line, Lines};

/// Words to be told of lines that have ended early.
#[derive(Debug, Default)]
pub struct Ended {
    /// Steps that will not begin any more.
    pub left: Vec<String>,
    /// Batches of which something was counted, each by the command that has planned it.
    pub sums: Vec<(String, Tally)>,
}

impl Line {
    /// Returns the command that is being carried out, if it is one whose transfers have yet to be planned or begun.
    fn planning(&self) -> Option<&str> {
        let is_planning =
            self.task.is_some() && self.transfers.is_over() && self.beginning.is_empty() && begins_transfers(&self.typed);
        is_planning.then_some(self.command.as_str())
    }

    /// Returns what would be lost if it ended now, but for the transfers that it has begun: what has not begun, and what is being begun. A
    /// span that is waited for leaves nothing undone.
    fn undone(&self) -> impl Iterator<Item = &str> {
        let beginning = self.beginning.iter().map(|waiting| waiting.planned.file.as_str());
        self.planning().into_iter().chain(beginning).chain(self.left())
    }

    /// Drops the transfers of the batch that have not begun, and adds what is to be told of them.
    fn end_batch(&mut self, ended: &mut Ended) {
        // What is being begun at the moment may have begun; without a task it could not be begun for the user.
        let refused = if self.task.is_none() { std::mem::take(&mut self.beginning) } else { Vec::new() };
        let waiting = std::mem::take(self.transfers.waiting_mut());
        let left = refused.len() + waiting.len();
        ended.left.extend(refused.into_iter().chain(waiting).map(|waiting| waiting.planned.file));
        if let Some(mut tally) = self.tally.take() {
            tally.leave(left as u64);
            ended.sums.extend(tally.has_counted().then(|| (self.typed.clone(), tally)));
        }
    }

    /// Ends the line, and adds what is to be told of it.
    fn end(mut self, ended: &mut Ended) {
        self.task.iter().for_each(AbortHandle::abort);
        self.end_batch(ended);
        ended.left.extend(self.waiting.into_iter().map(|(_, command)| command));
    }
}

impl Lines {
    /// Returns what the lines that have begun leave undone, except that of the line that was just answered, whose user knows it.
    pub fn left_beside_answered(&self) -> Vec<String> {
        let others = self.begun.iter().filter(|line| Some(line.number) != self.answered);
        others.flat_map(Line::undone).map(str::to_owned).collect()
    }

    /// Returns the commands of lines that have not begun, unless they were typed behind the line that was just answered.
    pub fn typed_before(&self) -> Vec<String> {
        match self.answered {
            Some(_) => Vec::new(),
            None => self.typed.iter().flat_map(Line::left).map(str::to_owned).collect(),
        }
    }

    /// Drops the transfers of a batch that have not begun, because there is nobody to begin them for.
    pub fn refuse_batch(&mut self, number: u64) -> Ended {
        let mut ended = Ended::default();
        self.line(number).into_iter().for_each(|line| line.end_batch(&mut ended));
        ended
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
