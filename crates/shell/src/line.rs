//! Checks of all commands of a line before the first of them is carried out.

use p2p_service::access::AccessError;

use crate::ahead::{check_path, refused};
use crate::call::Call;
use crate::outlook::Outlook;
use crate::spec::Group;
use crate::words::Variables;
use crate::{Shell, ShellError};

impl Shell {
    /// Checks the commands of a line before the first of them is carried out: that each is one, with arguments that it takes, that the user
    /// may run it, that what it stores can be read under a name that something can have and that is free, and that what it is about is
    /// there. What the earlier commands of the line will have stored, removed and moved is taken into account.
    ///
    /// # Errors
    /// Fails with the first command that would be refused.
    pub async fn check_line(&self, commands: &[String], variables: &Variables) -> Result<(), ShellError> {
        let (mut variables, mut outlook, mut may_change_user) = (variables.clone(), Outlook::of(self).await, false);
        for command in commands {
            let ahead = |error: ShellError| ShellError::Ahead { command: command.clone(), error: Box::new(error) };
            let Some(call) = Call::parse(command, &variables).map_err(ahead)? else { continue };
            if let ("set", [name, value]) = (call.spec.name, call.arguments.as_slice()) {
                variables.insert(name.clone(), value.clone());
            }
            may_change_user |= call.spec.group == Group::Accounts;
            self.check_new_names(&call, may_change_user).map_err(ahead)?;
            outlook.take(self, &call).await.map_err(ahead)?;
        }
        Ok(())
    }

    /// Checks the names that a command is to give, as far as they are in its words: that something can have them, and that they are in
    /// the tree of the user unless that `may_change_user` until then.
    fn check_new_names(&self, call: &Call, may_change_user: bool) -> Result<(), ShellError> {
        let names = match call.spec.name {
            "upload" => call.flags.get("as").map(std::slice::from_ref).unwrap_or_default(),
            "mkdir" => call.arguments.as_slice(),
            "mv" => call.arguments.last().map(std::slice::from_ref).unwrap_or_default(),
            _ => &[],
        };
        let identity = self.access.identity();
        // The root has no name.
        let keys = names.iter().map(|name| (name, identity.key_of(name))).filter(|(_, key)| !key.name.is_empty());
        keys.into_iter().try_for_each(|(name, key)| {
            let is_foreign = call.spec.name != "mv" && key.owner.as_deref() != identity.name();
            if is_foreign && !may_change_user {
                return Err(AccessError::AnotherTree { path: name.clone() }.into());
            }
            check_path(&key.name)
        })
    }
}

/// Returns the error of a command of a line that was not begun. That none of its files was begun goes without saying.
pub(crate) fn in_a_line(error: &ShellError) -> String {
    match error {
        ShellError::NoneOf { error, files, all } => format!("{error}; {}", refused(files, *all)),
        error => error.to_string(),
    }
}
