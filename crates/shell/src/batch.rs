//! A batch from its first group to its sum, for front ends that carry out one line after the other.

use p2p_auth::AuthError;
use p2p_engine::{Denial, EngineError};
use p2p_service::access::AccessError;

use crate::answer::{Answer, Batch, Planned, Started, View};
use crate::commands::files;
use crate::groups::Groups;
use crate::tally::Tally;
use crate::untold::BatchId;
use crate::{Shell, ShellError};

impl Shell {
    /// Begins the transfers of a group at one virtual instant, for the user who has planned them, of the name `by`; `None` is the operator.
    /// Returns what became of each.
    ///
    /// # Errors
    /// Fails if that user is no longer logged in; nothing has begun then.
    pub async fn begin_group(&self, by: Option<&str>, group: Vec<Planned>) -> Result<Vec<Started>, ShellError> {
        let identity = self.access.check().await?;
        if identity.name() != by {
            return Err(AccessError::from(AuthError::SessionOver).into());
        }
        Ok(files::begin_group(self, group).await)
    }

    /// Carries a batch out, and returns the combined answer.
    pub(super) async fn carry_out(&self, batch: Batch) -> Result<Answer, ShellError> {
        let Batch { planned, by, tally, tells_each } = batch;
        let id = self.untold.begin_batch(tally, planned.len(), tells_each);
        let (mut groups, mut answers) = (Groups::new(planned), Vec::new());
        loop {
            if let Some(group) = groups.take_group() {
                let left = groups.waiting().len();
                let begun = self.begin_group_of(id, by.as_deref(), group.into_steps(), left).await?;
                begun.into_iter().for_each(|started| groups.put(started));
            }
            let Some((planned, begun)) = groups.pop() else { break };
            let transfer = begun.as_ref().ok().map(|begun| begun.transfer);
            let outcome = match begun {
                Ok(begun) => self.outcome(&begun).await,
                Err(error) => Err(error),
            };
            match outcome {
                Err(error) if ends_all(&error) => return Err(self.cut(id, error, groups.waiting().len())),
                outcome => {
                    self.untold.count(id, transfer, &planned.file, &outcome);
                    answers.extend(outcome);
                }
            }
        }
        summed(answers, self.untold.end_batch(id), tells_each)
    }

    /// Begins a group of a batch, of which others are `left`.
    async fn begin_group_of(
        &self,
        id: BatchId,
        by: Option<&str>,
        group: Vec<Planned>,
        left: usize,
    ) -> Result<Vec<Started>, ShellError> {
        let size = group.len();
        // An interruption waits until it is known what has begun.
        let _critical_section = self.access.critical_section();
        let begun = self.begin_group(by, group).await.map_err(|error| self.cut(id, error, size + left))?;
        self.untold.set_left(id, left);
        begun.iter().filter_map(|(_, begun)| begun.as_ref().ok()).for_each(|begun| self.untold.add(begun.transfer));
        Ok(begun)
    }

    /// Returns the error that ends a batch early.
    fn cut(&self, id: BatchId, error: ShellError, left: usize) -> ShellError {
        cut(self.untold.end_batch(id), error, left)
    }
}

/// Returns the error that ends a batch early, with what was done before and what was not begun.
fn cut(done: Option<Tally>, error: ShellError, left: usize) -> ShellError {
    match done {
        Some(done) if left > 0 || done.has_counted() => {
            ShellError::Cut { error: Box::new(error), done: Box::new(done), left: left as u64 }
        }
        _ => error,
    }
}

/// Returns the answer of a batch that is over: the results of its transfers if each is told, and their sum if there are several.
fn summed(answers: Vec<Answer>, tally: Option<Tally>, tells_each: bool) -> Result<Answer, ShellError> {
    let tally = match tally {
        Some(tally) if !tally.is_clean() => return Err(ShellError::NotAll(tally)),
        tally => tally.map(|tally| tally.to_string()).unwrap_or_default(),
    };
    let all = Answer::all(answers);
    let lines = if tells_each { [all.view.text(), tally].join("\n") } else { tally };
    Ok(Answer { view: View::Text(lines), ..all })
}

/// Returns true if what has ended a transfer ends the whole batch: there is no user any more, no engine, or no time.
fn ends_all(error: &ShellError) -> bool {
    match error {
        ShellError::StandingStill | ShellError::Engine(EngineError::Stopped | EngineError::Denied(Denial::LoginNeeded)) => true,
        error => error.is_session_over(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was done before a batch ends early is told, also where all of it had begun.
    #[test]
    fn a_batch_that_ends_early_has_its_sum() {
        let said = |done: u64, left: usize| {
            let mut tally = Tally::new("stored", Vec::new());
            (0..done).for_each(|_| tally.add("", Ok(512)));
            let error = cut(Some(tally), ShellError::StandingStill, left);
            assert_eq!(error.exit_code(), ShellError::StandingStill.exit_code());
            error.to_string().strip_prefix(&ShellError::StandingStill.to_string()).map(str::to_owned).unwrap()
        };
        assert_eq!(said(3, 2), ". Before that, 3 files stored (1.5 KiB); 2 files were not begun.");
        assert_eq!(said(3, 0), ". Before that, 3 files stored (1.5 KiB).");
        assert_eq!(said(0, 1), ". Before that, 0 files stored; 1 file was not begun.");
        assert_eq!(said(0, 0), "");
    }
}
