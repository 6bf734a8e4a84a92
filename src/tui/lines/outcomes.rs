//! The outcomes of the transfers of a batch: they are counted where a failure does not end the rest, and what would be said of one after
//! the other in the same words is said once.

use p2p_shell::ShellError;
use p2p_shell::answer::{Answer, Effect, Tally, listed};

use super::{Lines, WAITING_SHOWN};

/// Errors of the transfers of a batch, as far as they were said.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Latest error that was said, without the name of its file.
    said: String,
    /// Files of which the same would have been said since.
    again: Vec<String>,
}

impl Failures {
    /// Takes in the error of a file. Returns true if it is the one that was said last.
    fn repeats(&mut self, file: &str, error: &ShellError) -> bool {
        let text = error.to_string().replace(file, "");
        let is_said = !self.said.is_empty() && self.said == text;
        if is_said {
            self.again.push(file.to_owned());
        }
        self.said = text;
        is_said
    }
}

impl Lines {
    /// Counts the answer to a transfer of a batch, and returns the count after the last one.
    pub fn count(&mut self, number: u64, answer: &Result<Answer, ShellError>) -> Option<Tally> {
        let line = self.line(number)?;
        let current = line.current.as_ref()?;
        if matches!(answer, Ok(Answer { effect: Effect::Follow(_), .. })) {
            return None;
        }
        let is_over = line.is_batch_over();
        line.tally.as_mut()?.add(&current.file, answer);
        line.tally.take_if(|_| is_over)
    }

    /// Returns true if the error of a transfer of a batch was said of the one before.
    pub fn repeats(&mut self, number: u64, error: &ShellError) -> bool {
        let Some(line) = self.line(number) else { return false };
        line.current.as_ref().is_some_and(|current| line.failures.repeats(&current.file, error))
    }

    /// Returns, after the last transfer of a batch, of which files the same would have been said as of others.
    pub fn take_repeated(&mut self, number: u64) -> Option<String> {
        let line = self.line(number).filter(|line| line.is_batch_over())?;
        let again = std::mem::take(&mut line.failures).again;
        // A count names them.
        let is_told = again.is_empty() || line.tally.is_some();
        (!is_told).then(|| format!("the same of {} more: {}", again.len(), listed(&again, WAITING_SHOWN)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands of files that are refused for one reason are one line.
    #[test]
    fn what_is_said_again_is_counted() {
        let mut failures = Failures::default();
        let refused = |file: &str| ShellError::Bad(format!("`{file}`: the quota is used up"));
        assert!(!failures.repeats("a.bin", &refused("a.bin")));
        assert!(failures.repeats("b.bin", &refused("b.bin")) && failures.repeats("c.bin", &refused("c.bin")));
        assert!(!failures.repeats("d.bin", &ShellError::Bad("d.bin is gone".into())));
        assert!(!failures.repeats("e.bin", &refused("e.bin")));
        assert_eq!(failures.again, ["b.bin", "c.bin"]);
    }
}
