//! Checks of all commands of a line before the first of them is carried out.

use p2p_base::error_kind::ErrorKind;

use crate::ahead::told_refused;
use crate::call::Call;
use crate::next_step::statement;
use crate::outlook::Outlook;
use crate::sentence::ended;
use crate::words::Variables;
use crate::{Shell, ShellError};

/// Command of a line without which a later one would not be refused as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Position in the line, from 1.
    pub position: usize,
    /// Text of the command.
    pub command: String,
}

/// Command of a line that has been checked, and what it calls.
type Checked = (Earlier, Call);

impl Shell {
    /// Checks the commands of a line before the first of them is carried out: that each is one, with arguments that it takes, that the user
    /// may run it, that the hosts, profiles, transfers and users that it names are there, that time passes if it waits for it, that what it
    /// stores can be read under a name that something can have and that is free, and that what it is about is there. What the earlier
    /// commands of the line will have made, stored, removed, moved, broken and mended is taken into account.
    ///
    /// # Errors
    /// Fails with the first command that would be refused, and with the earlier one of the line that is why.
    pub async fn check_line(&self, commands: &[String], variables: &Variables) -> Result<(), ShellError> {
        let first = Outlook::of(self).await;
        let (mut variables, mut outlook, mut earlier) = (variables.clone(), first.clone(), Vec::<Checked>::new());
        for (command, position) in commands.iter().zip(1..) {
            let ahead = |error: ShellError, after| ShellError::Ahead { command: command.clone(), error: Box::new(error), after };
            let parsed = Call::parse_in(self.table(), command, &variables);
            let Some(call) = parsed.map_err(|error| ahead(error, None))? else { continue };
            if let ("set", [name, value]) = (call.spec.name, call.arguments.as_slice()) {
                variables.insert(name.clone(), value.clone());
            }
            if let Err(error) = outlook.take(self, &call).await {
                let after = self.reason_of(first, &earlier, &call, &error).await;
                return Err(ahead(error, after));
            }
            // What comes after it is not carried out.
            if call.spec.name == "quit" {
                break;
            }
            earlier.push((Earlier { position, command: command.clone() }, call));
        }
        Ok(())
    }

    /// Returns the command that makes a later one be refused with an error: the last one before which it would be carried out,
    /// or else the last one before which it would be refused for something else. Returns `None` if it would be refused so all along.
    async fn reason_of(&self, mut outlook: Outlook, earlier: &[Checked], call: &Call, error: &ShellError) -> Option<Earlier> {
        // What a user may do does not change within a line as far as it is foretold, and each look is recorded.
        if matches!(error.kind(), Some(ErrorKind::Denied | ErrorKind::Unauthenticated)) {
            return None;
        }
        let (mut possible, mut other) = (None, None);
        for (named, before) in earlier {
            match outlook.clone().take(self, call).await {
                Ok(()) => possible = Some(named),
                Err(now) if now != *error => other = Some(named),
                Err(_) => {}
            }
            // The network may be another one meanwhile.
            outlook.take(self, before).await.ok()?;
        }
        possible.or(other).cloned()
    }
}

/// Says why a command of a line would be refused, after an earlier one if that is why, and that nothing of the line was begun. That none of its
/// files was begun goes without saying.
pub(crate) fn not_begun(error: &ShellError, after: Option<&Earlier>) -> String {
    let reason = match (after, error) {
        (Some(Earlier { position, command }), error) => {
            let state = statement(error);
            format!("after `{command}`, command {position} of the line, it would be refused: by then, {state}")
        }
        (None, ShellError::NoneOf { error, others, files, all }) => told_refused(error, others, files, *all),
        (None, error) => error.to_string(),
    };
    format!("{} Nothing of the line was begun.", ended(reason))
}
