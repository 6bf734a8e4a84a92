//! Checks of all commands of a line before the first of them is carried out.

use p2p_service::access::AccessError;

use crate::ahead::{check_path, check_sources, check_uploads};
use crate::call::Call;
use crate::local_pattern::local_paths;
use crate::spec::Group;
use crate::words::Variables;
use crate::{Shell, ShellError};

/// Commands after which a file of this machine may exist that did not before.
const MAKING_FILES: [&str; 4] = ["download", "export", "capture", "report"];

impl Shell {
    /// Checks the commands of a line before the first of them is carried out: that each is one, with arguments that it takes, and
    /// that the files exist that it stores, under names that something can have. What an earlier command of the line brings about is
    /// taken into account.
    ///
    /// # Errors
    /// Fails with the first command that would be refused.
    pub async fn check_line(&self, commands: &[String], variables: &Variables) -> Result<(), ShellError> {
        let (mut variables, mut may_make_files, mut may_change_user) = (variables.clone(), false, false);
        for command in commands {
            let ahead = |error: ShellError| ShellError::Ahead { command: command.clone(), error: Box::new(error) };
            let Some(call) = Call::parse(command, &variables).map_err(ahead)? else { continue };
            if let ("set", [name, value]) = (call.spec.name, call.arguments.as_slice()) {
                variables.insert(name.clone(), value.clone());
            }
            may_make_files |= MAKING_FILES.contains(&call.spec.name);
            may_change_user |= call.spec.group == Group::Accounts;
            self.check_new_names(&call, may_change_user).map_err(ahead)?;
            if call.spec.name == "upload" && !may_make_files {
                self.check_upload(&call).await.map_err(ahead)?;
            }
        }
        Ok(())
    }

    /// Checks the files of an `upload`.
    async fn check_upload(&self, call: &Call) -> Result<(), ShellError> {
        let found = local_paths(&call.arguments, call.has("recursive")).await?;
        if call.has("recursive") {
            return check_sources(found).await;
        }
        check_uploads(&self.access, found, call.flags.get("as").cloned()).await
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
