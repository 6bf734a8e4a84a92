//! The outcomes of the transfers of a batch: they are counted, and what would be said of one after the other in the same words is said
//! once. The count says how many have failed, and names the first of them.

use p2p_shell::ShellError;
use p2p_shell::answer::Answer;
use p2p_shell::tally::Tally;

use super::Lines;

/// Error of a transfer of a batch that was said last, without the name of its file.
#[derive(Debug, Default)]
pub(super) struct Failures(String);

impl Failures {
    /// Takes in the error of a file. Returns true if it is the one that was said last.
    fn repeats(&mut self, file: &str, error: &ShellError) -> bool {
        let text = error.to_string().replace(file, "");
        let is_said = !self.0.is_empty() && self.0 == text;
        self.0 = text;
        is_said
    }
}

impl Lines {
    /// Counts the answer to a transfer of a batch, and returns the count after the last one.
    pub fn count(&mut self, number: u64, answer: &Result<Answer, ShellError>) -> Option<Tally> {
        let line = self.line(number)?;
        let current = line.current.as_ref()?;
        line.tally.as_mut()?.add(&current.file, answer.as_ref().map(Answer::bytes));
        line.tally.take_if(|_| line.transfers.is_over())
    }

    /// Returns true if the error of a transfer of a batch was said of the one before.
    pub fn repeats(&mut self, number: u64, error: &ShellError) -> bool {
        let Some(line) = self.line(number) else { return false };
        line.current.as_ref().is_some_and(|current| line.failures.repeats(&current.file, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands of files that are refused for one reason are one line.
    #[test]
    fn what_would_be_said_again_is_not() {
        let mut failures = Failures::default();
        let refused = |file: &str| ShellError::Bad(format!("`{file}`: the quota is used up"));
        assert!(!failures.repeats("a.bin", &refused("a.bin")));
        assert!(failures.repeats("b.bin", &refused("b.bin")) && failures.repeats("c.bin", &refused("c.bin")));
        assert!(!failures.repeats("d.bin", &ShellError::Bad("d.bin is gone".into())));
        assert!(!failures.repeats("e.bin", &refused("e.bin")));
    }
}
