//! The completion scripts of the shells, made from the definition of the command line: choices where there are choices, paths where an
//! option takes a path, names of stored files where a command takes one, and no file names anywhere else. The names of stored files
//! are asked for while the line is typed, from the hidden command `stored-names`.

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

/// Returns the completion script of a command line for a shell.
pub(super) fn script(shell: Shell, command: Command) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut with_hints(with_pages(without_hidden(command))), "p2p", &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    match shell {
        Shell::Bash => text + include_str!("completions/names.bash"),
        Shell::Fish => text + include_str!("completions/names.fish"),
        Shell::Zsh => with_names_of_zsh(&text),
        _ => text,
    }
}

/// Returns a command line without its hidden commands, which completions are not to offer.
fn without_hidden(command: Command) -> Command {
    let shown: Vec<Command> = command.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let bare = Command::new("p2p").version(env!("CARGO_PKG_VERSION")).propagate_version(true);
    bare.args_conflicts_with_subcommands(true).args(command.get_arguments().cloned()).subcommands(shown)
}

/// Returns a command line that knows of which commands there are manual pages.
fn with_pages(command: Command) -> Command {
    // A choice needs a name that lasts; the program ends once it has printed the script.
    let names: Vec<&'static str> = command.get_subcommands().map(|named| &*named.get_name().to_owned().leak()).collect();
    command.mut_subcommand("man", |man| man.mut_arg("command", |page| page.value_parser(names)))
}

/// Descriptions of the arguments that take the name of a stored file.
const OF_STORED: [&str; 5] = [
    "The stored files to fetch:",
    "The stored files and directories to remove:",
    "The stored files and directories to move:",
    "The stored file or directory:",
    "The stored directory or file; without it, the root of your own files, and what other users share with you:",
];

/// Returns the script of zsh with a function that completes the arguments which take the name of a stored file.
fn with_names_of_zsh(text: &str) -> String {
    let named =
        OF_STORED.iter().fold(text.to_owned(), |text, end| text.replace(&format!("{end}'"), &format!("{end}_p2p_names'")));
    let begin = "#compdef p2p\n";
    named.replacen(begin, &format!("{begin}{}", include_str!("completions/names.zsh")), 1)
}

/// Returns a command line whose arguments say what their values are.
fn with_hints(command: Command) -> Command {
    command.mut_args(with_hint).mut_subcommands(with_hints)
}

/// Returns an argument that says what its values are. Without a hint, scripts would offer file names for a number too; and those of
/// bash take a path apart at its blanks unless it is known to be one of a file.
fn with_hint(arg: Arg) -> Arg {
    match arg.get_value_hint() {
        ValueHint::AnyPath => arg.value_hint(ValueHint::FilePath),
        ValueHint::Unknown if arg.get_action().takes_values() && arg.get_possible_values().is_empty() => {
            arg.value_hint(ValueHint::Other)
        }
        _ => arg,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn all<'a>(command: &'a Command, found: &mut Vec<(&'a Command, &'a Arg)>) {
        found.extend(command.get_arguments().map(|arg| (command, arg)));
        command.get_subcommands().for_each(|subcommand| all(subcommand, found));
    }

    #[test]
    fn every_value_has_choices_or_a_hint() {
        let command = with_hints(Cli::command());
        let mut found = Vec::new();
        all(&command, &mut found);
        for (command, arg) in found.into_iter().filter(|(_, arg)| arg.get_action().takes_values()) {
            let has_choices = !arg.get_possible_values().is_empty();
            let hint = arg.get_value_hint();
            assert!(
                has_choices || !matches!(hint, ValueHint::Unknown | ValueHint::AnyPath),
                "{} {}",
                command.get_name(),
                arg.get_id()
            );
            let is_path = ["FILE", "OUT", "DIR"].iter().any(|name| arg.get_value_names().is_some_and(|names| names[0] == *name));
            assert_eq!(
                is_path,
                matches!(hint, ValueHint::FilePath | ValueHint::DirPath),
                "{} {}",
                command.get_name(),
                arg.get_id()
            );
        }
    }
}
