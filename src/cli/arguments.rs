//! The order of the words of the command line: options that a command shares with the full-screen interface may also precede it,
//! as in `p2p --data-dir D ls`.

use std::ffi::OsString;

use clap::{ArgAction, Command};

/// Returns the words with the options that precede the command moved behind it.
pub(super) fn in_order(words: impl IntoIterator<Item = OsString>, command: &Command) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    if let Some(place) = place_of_command(&words, command).filter(|&place| place > 1) {
        // Moves the command to the second place, and the words that preceded it behind it.
        words[1..=place].rotate_right(1);
    }
    words
}

/// Returns the index of the command, known or not: the first word that is neither an option nor the value of one.
fn place_of_command(words: &[OsString], command: &Command) -> Option<usize> {
    let mut place = 1;
    while let Some(word) = words.get(place) {
        let word = word.to_str()?;
        if !word.starts_with('-') || word == "-" {
            return Some(place);
        }
        if word == "--" {
            return None;
        }
        place += if takes_next(word, command) { 2 } else { 1 };
    }
    None
}

/// Returns true if the value of an option is the next word.
fn takes_next(word: &str, command: &Command) -> bool {
    let option = word.strip_prefix("--").filter(|name| !name.contains('='));
    let arg = option.and_then(|name| command.get_arguments().find(|arg| arg.get_long() == Some(name)));
    arg.is_some_and(|arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn ordered(line: &str) -> String {
        let words = in_order(line.split(' ').map(OsString::from), &Cli::command());
        words.into_iter().map(|word| word.into_string().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn options_before_a_command_are_its_own() {
        for (line, same) in [
            ("p2p --data-dir D ls", "p2p ls --data-dir D"),
            ("p2p --data-dir=D --seed 7 put a.bin --as b", "p2p put --data-dir=D --seed 7 a.bin --as b"),
            ("p2p --user ls ls", "p2p ls --user ls"),
            ("p2p --ascii ls", "p2p ls --ascii"),
            ("p2p --help", "p2p --help"),
            ("p2p ls --seed 1", "p2p ls --seed 1"),
            ("p2p --seed 1", "p2p --seed 1"),
            ("p2p --seed 1 nonsense", "p2p nonsense --seed 1"),
            ("p2p -- ls", "p2p -- ls"),
        ] {
            assert_eq!(ordered(line), same);
        }
    }
}
