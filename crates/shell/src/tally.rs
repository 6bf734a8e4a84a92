//! The sum of a batch: what it has done, and what it has not, with the reasons.

use std::fmt;

use eyre::Report;
use p2p_base::spelling::visible_line;
use p2p_engine::operation::BeginTransfer;
use p2p_engine::transfer::{TransferError, TransferId};
use p2p_engine::{Command, EngineError};
use p2p_service::access::Access;
use p2p_service::failure::exit;
use p2p_service::interrupt::Interrupted;

use crate::ShellError;
use crate::lists::LISTED_MAX;
use crate::report::{bytes_of, count_of};

/// Returns the reason of one of several files with the name of the file before it, unless the reason names it as a name or as the end of a path.
pub fn naming(file: &str, reason: String) -> String {
    let is_name = |place: usize| {
        let (before, after) = (reason[..place].chars().next_back(), reason[place + file.len()..].chars().next());
        let is_over = after.is_none_or(|c| !c.is_alphanumeric());
        is_over && (before.is_none_or(|c| "`'\"/".contains(c)) || (before == Some(' ') && after == Some(':')))
    };
    if reason.match_indices(file).any(|(place, _)| is_name(place)) { reason } else { format!("{file}: {reason}") }
}

/// Word for one of what most batches count.
pub const FILE: &str = "file";

/// Returns the word for one of what a batch of these transfers counts: an entry if one of them removes a directory with all that is in it.
pub fn noun_of<'a>(access: &Access, mut transfers: impl Iterator<Item = &'a BeginTransfer>) -> &'static str {
    let is_of_directory =
        |begins: &BeginTransfer| matches!(begins.command(), Command::Remove(remove) if !access.is_file(&remove.file));
    if transfers.any(is_of_directory) { "entry" } else { FILE }
}

/// Count of what a batch has done and of what it has not, with the reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Participle for what is done to each file, such as `stored`.
    verb: &'static str,
    /// Word for one of what is counted.
    noun: &'static str,
    done: u64,
    /// Transfers that are counted as begun, by whose numbers they are known, each with the name of its file.
    begun: Vec<(TransferId, String)>,
    bytes: u64,
    failures: Vec<String>,
    /// Number of files that were dropped before they began.
    left: u64,
    /// Exit code that all failures have in common.
    exit_code: Option<u8>,
}

/// Returns the exit code that failures have in common, or the general one.
pub(crate) const fn common_code(one: u8, other: u8) -> u8 {
    if one == other { one } else { exit::FAILED }
}

impl Tally {
    /// Creates the count of a batch from which these were left out already, each a name with a reason.
    pub fn new(verb: &'static str, failures: Vec<String>) -> Tally {
        let exit_code = (!failures.is_empty()).then_some(exit::FAILED);
        Tally { verb, noun: FILE, done: 0, begun: Vec::new(), bytes: 0, failures, left: 0, exit_code }
    }

    /// Returns the count with another word for one of what is counted.
    #[must_use]
    pub fn of(self, noun: &'static str) -> Tally {
        Tally { noun, ..self }
    }

    /// Returns the word for one of what is counted.
    pub const fn noun(&self) -> &'static str {
        self.noun
    }

    /// Counts the result for a file: its size in bytes, or why it has failed.
    pub fn add(&mut self, file: &str, outcome: Result<u64, &ShellError>) {
        match outcome {
            Ok(bytes) => {
                self.done += 1;
                self.bytes += bytes;
            }
            Err(error) => {
                let (text, code) = (error.to_string(), error.exit_code());
                let is_cancelled =
                    matches!(error, ShellError::Engine(EngineError::TransferFailed { error: TransferError::Cancelled, .. }));
                self.failures.push(match is_cancelled {
                    true => format!("{file}: cancelled"),
                    false => naming(file, text),
                });
                self.exit_code = Some(self.exit_code.map_or(code, |before| common_code(before, code)));
            }
        }
    }

    /// Counts a transfer that has begun, where that is what is done.
    pub fn begin(&mut self, transfer: TransferId, file: &str) {
        self.done += 1;
        self.begun.push((transfer, file.to_owned()));
    }

    /// Returns the transfers that are counted as begun, each with the name of its file.
    pub fn begun(&self) -> &[(TransferId, String)] {
        &self.begun
    }

    /// Counts files that were dropped before they began.
    pub fn leave(&mut self, files: u64) {
        self.left += files;
    }

    /// Returns true if anything was done, or has failed.
    pub const fn has_counted(&self) -> bool {
        self.done > 0 || !self.failures.is_empty()
    }

    /// Returns true if nothing has failed.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }

    /// Returns the exit code that all failures have in common, or the general one.
    pub fn exit_code(&self) -> u8 {
        self.exit_code.unwrap_or(exit::FAILED)
    }
}

impl Tally {
    /// Returns the first line of the sum: `3 files stored (1.2 MiB)` or `#4-#6: 3 files begun`, and of how many not, with the reason if it is one.
    pub fn head(&self) -> String {
        let mut head = if self.begun.is_empty() { String::new() } else { format!("{}: ", ranges(&self.begun)) };
        head.push_str(&format!("{} {}", count_of(self.done, self.noun), self.verb));
        if self.bytes > 0 {
            head.push_str(&format!(" ({})", bytes_of(self.bytes)));
        }
        let mut others = "";
        if self.left > 0 {
            head.push_str(&format!(", {} not begun", self.left));
            others = if self.failures.len() == 1 { "other " } else { "others " };
        }
        match self.failures.as_slice() {
            [] => {}
            [one] => head.push_str(&format!(", 1 {others}not: {}", visible_line(one))),
            several => head.push_str(&format!(", {} {others}not:", several.len())),
        }
        head
    }

    /// Returns the reasons of what was not done, each as a line, if there are several. They may be very many, and then the rest is counted.
    pub fn reasons(&self) -> Vec<String> {
        let count = if self.failures.len() > 1 { self.failures.len() } else { 0 };
        let shown = if count > LISTED_MAX + 1 { LISTED_MAX } else { count };
        let mut lines: Vec<String> = self.failures.iter().take(shown).map(|reason| visible_line(reason).into_owned()).collect();
        lines.extend((count > shown).then(|| format!("and {} more", count - shown)));
        lines
    }

    /// Returns the sum on one line, for a sentence that goes on after it.
    pub fn in_one_line(&self) -> String {
        let reasons = self.reasons();
        if reasons.is_empty() { self.head() } else { format!("{} {}", self.head(), reasons.join("; ")) }
    }

    /// Returns the sum on one line, and how many files of the batch were not begun, if any.
    pub(crate) fn in_one_line_with(&self, left: u64) -> String {
        let sum = self.in_one_line();
        if left == 0 { sum } else { format!("{sum}; {}", told_left(left, self.noun)) }
    }
}

/// Writes the sum: the first line, and a line for each reason if there are several.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        self.reasons().iter().try_for_each(|reason| write!(f, "\n  {reason}"))
    }
}

/// Returns the line that tells the beginning of transfers, each with the name of its file: `#12 has begun: a.bin`, and one for all of a group,
/// as in `#12-#111: 100 files begun`. `noun` is the word for one.
pub fn told_begun(transfers: &[(TransferId, String)], noun: &str) -> String {
    match transfers {
        [(one, file)] => format!("{one} has begun: {}", visible_line(file)),
        several => format!("{}: {} begun", ranges(several), count_of(several.len() as u64, noun)),
    }
}

/// Returns the numbers of transfers in their order, with each unbroken series as its first and its last.
fn ranges(transfers: &[(TransferId, String)]) -> String {
    let series = transfers.chunk_by(|(before, _), (next, _)| before.0 + 1 == next.0);
    let series = series.filter_map(|run| Some((run.first()?.0, run.last()?.0)));
    let text = |(first, last)| if first == last { format!("{first}") } else { format!("{first}-{last}") };
    series.map(text).collect::<Vec<_>>().join(", ")
}

/// Returns how much of a batch was not begun, as in `4800 files were not begun`. `noun` is the word for one.
pub fn told_left(left: u64, noun: &str) -> String {
    format!("{} {} not begun", count_of(left, noun), if left == 1 { "was" } else { "were" })
}

/// Adds to the interruption that was told last, or to `stop`, how many files were not begun.
pub fn tell_left(failed: &mut Vec<Report>, stop: Interrupted, left: usize) {
    if left == 0 {
        return;
    }
    let told = failed.pop_if(|last| last.is::<Interrupted>()).and_then(|last| last.downcast().ok());
    failed.push(told.unwrap_or(stop).after(&told_left(left as u64, FILE)).into());
}

#[cfg(test)]
mod tests {
    use p2p_engine::transfer::Direction;

    use super::*;

    #[test]
    fn a_tally_says_what_was_done_and_what_was_not() {
        let mut tally = Tally::new("stored", Vec::new());
        tally.add("a", Ok(2048));
        assert_eq!(tally.to_string(), "1 file stored (2.0 KiB)");
        tally.add("b", Ok(2048));
        tally.add("c", Err(&ShellError::Bad("no room".into())));
        tally.add("d", Err(&ShellError::Bad("`d` is there".into())));
        assert!(!tally.is_clean());
        assert_eq!(tally.to_string(), "2 files stored (4.0 KiB), 2 not:\n  c: no room\n  `d` is there");
        assert_eq!(tally.in_one_line(), "2 files stored (4.0 KiB), 2 not: c: no room; `d` is there");
        tally.leave(3);
        assert_eq!(tally.head(), "2 files stored (4.0 KiB), 3 not begun, 2 others not:");
        let mut one = Tally::new("stored", Vec::new());
        let error = TransferError::Cancelled;
        one.add("d/a", Err(&EngineError::TransferFailed { direction: Direction::Upload, name: "a".into(), error }.into()));
        assert_eq!(one.to_string(), "0 files stored, 1 not: d/a: cancelled");
        let many = Tally::new("stored", (0..30).map(|n| format!("{n}\n: no room")).collect());
        assert_eq!((many.to_string().lines().count(), many.reasons()[20].as_str()), (22, "and 10 more"));
    }

    /// Failures of one kind have the exit code of the kind, and others the general one in common.
    #[test]
    fn the_exit_code_is_that_of_all_failures() {
        let stopped = ShellError::Engine(EngineError::Stopped);
        let mut tally = Tally::new("stored", Vec::new());
        tally.add("a", Err(&stopped));
        tally.add("b", Err(&stopped));
        assert_eq!(tally.exit_code(), exit::TEMPORARY);
        tally.add("c", Err(&EngineError::NameTaken { name: "c".into() }.into()));
        assert_eq!(tally.exit_code(), exit::FAILED);
        let mut left_out = Tally::new("stored", vec!["a: a reason".into()]);
        left_out.add("b", Err(&stopped));
        assert_eq!(left_out.exit_code(), exit::FAILED);
    }

    #[test]
    fn the_beginning_of_many_is_one_line() {
        let of = |numbers: &[u64]| {
            let named = |&number: &u64| (TransferId(number), format!("{number}.bin"));
            told_begun(&numbers.iter().map(named).collect::<Vec<_>>(), FILE)
        };
        assert_eq!(of(&[7]), "#7 has begun: 7.bin");
        assert_eq!(of(&(12..=111).collect::<Vec<_>>()), "#12-#111: 100 files begun");
        assert_eq!(of(&[1, 2, 3, 5, 8, 9]), "#1-#3, #5, #8-#9: 6 files begun");
        assert_eq!([told_left(1, FILE), told_left(4800, FILE)], ["1 file was not begun", "4800 files were not begun"]);
    }
}
