//! The completion scripts of the shells, made from the definition of the command line: choices where there are choices, paths where an
//! option takes a path, and no file names anywhere else.

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

/// Returns the completion script of a command line for a shell.
pub(super) fn script(shell: Shell, command: Command) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut with_hints(command), "p2p", &mut text);
    String::from_utf8_lossy(&text).into_owned()
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
