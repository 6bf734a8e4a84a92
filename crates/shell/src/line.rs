//! Checks of all commands of a line before the first of them is carried out.

use crate::ahead::told_refused;
use crate::call::Call;
use crate::outlook::Outlook;
use crate::words::Variables;
use crate::{Shell, ShellError};

impl Shell {
    /// Checks the commands of a line before the first of them is carried out: that each is one, with arguments that it takes, that the user
    /// may run it, that the hosts, profiles, transfers and users that it names are there, that time passes if it waits for it, that what it
    /// stores can be read under a name that something can have and that is free, and that what it is about is there. What the earlier
    /// commands of the line will have made, stored, removed and moved is taken into account.
    ///
    /// # Errors
    /// Fails with the first command that would be refused.
    pub async fn check_line(&self, commands: &[String], variables: &Variables) -> Result<(), ShellError> {
        let (mut variables, mut outlook) = (variables.clone(), Outlook::of(self).await);
        for command in commands {
            let ahead = |error: ShellError| ShellError::Ahead { command: command.clone(), error: Box::new(error) };
            let Some(call) = Call::parse_in(self.table(), command, &variables).map_err(ahead)? else { continue };
            if let ("set", [name, value]) = (call.spec.name, call.arguments.as_slice()) {
                variables.insert(name.clone(), value.clone());
            }
            outlook.take(self, &call).await.map_err(ahead)?;
            // What comes after it is not carried out.
            if call.spec.name == "quit" {
                break;
            }
        }
        Ok(())
    }
}

/// Returns the error of a command of a line that was not begun. That none of its files was begun goes without saying.
pub(crate) fn in_a_line(error: &ShellError) -> String {
    match error {
        ShellError::NoneOf { error, others, files, all } => told_refused(error, others, files, *all),
        error => error.to_string(),
    }
}
