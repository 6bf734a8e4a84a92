//! Checks of all commands of a line before the first of them is carried out.

use crate::ahead::check_sources;
use crate::call::Call;
use crate::local_pattern::local_paths;
use crate::words::Variables;
use crate::{Shell, ShellError};

/// Commands after which a file of this machine may exist that did not before.
const MAKING_FILES: [&str; 4] = ["download", "export", "capture", "report"];

impl Shell {
    /// Checks the commands of a line before the first of them is carried out: that each is one, with arguments that it takes, and
    /// that the files exist that it stores. What an earlier command of the line brings about is taken into account.
    ///
    /// # Errors
    /// Fails with the first command that would be refused.
    pub async fn check_line(&self, commands: &[String], variables: &Variables) -> Result<(), ShellError> {
        let (mut variables, mut may_make_files) = (variables.clone(), false);
        for command in commands {
            let ahead = |error: ShellError| ShellError::Ahead { command: command.clone(), error: Box::new(error) };
            let Some(call) = Call::parse(command, &variables).map_err(ahead)? else { continue };
            if let ("set", [name, value]) = (call.spec.name, call.arguments.as_slice()) {
                variables.insert(name.clone(), value.clone());
            }
            may_make_files |= MAKING_FILES.contains(&call.spec.name);
            if call.spec.name == "upload" && !may_make_files {
                let found = local_paths(&call.arguments, call.has("recursive")).await.map_err(ahead)?;
                let under_own_names = !call.has("recursive") && !call.flags.contains_key("as");
                check_sources(found, under_own_names).await.map_err(ahead)?;
            }
        }
        Ok(())
    }
}
