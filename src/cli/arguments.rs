//! The words of the command line, put into the order in which they are read: options that a command shares with the full screen may
//! stand before it as well, as in `p2p --data-dir D ls`. Knows nothing of what they say.

use std::ffi::OsString;

use clap::{ArgAction, Command};

/// The same words with the options that stand before the command behind it.
pub(super) fn in_order(words: impl IntoIterator<Item = OsString>, command: &Command) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    if let Some(place) = place_of_command(&words, command).filter(|&place| place > 1) {
        // The command comes second, and what stood before it right behind it.
        words[1..=place].rotate_right(1);
    }
    words
}

/// Where the command stands: the first word that is no option and no option's value.
fn place_of_command(words: &[OsString], command: &Command) -> Option<usize> {
    let mut place = 1;
    while let Some(word) = words.get(place) {
        let word = word.to_str()?;
        if !word.starts_with('-') || word == "-" {
            return command.find_subcommand(word).map(|_| place);
        }
        if word == "--" {
            return None;
        }
        place += if takes_next(word, command) { 2 } else { 1 };
    }
    None
}

/// Whether the value of an option is the next word.
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
            ("p2p --seed 1 nonsense", "p2p --seed 1 nonsense"),
            ("p2p -- ls", "p2p -- ls"),
        ] {
            assert_eq!(ordered(line), same);
        }
    }
}
