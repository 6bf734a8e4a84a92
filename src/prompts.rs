//! Prompts of this machine: the command groups that each of them has beside the commands of the language.

use std::sync::Arc;

use eyre::Result;
use p2p_service::access::Access;
use p2p_service::instance::Instance;
use p2p_shell::table::Table;
use p2p_shell::words::quote;

use crate::serve::commands::ServiceCommands;
use crate::serve::services::Services;
use crate::ssh::commands::SshCommands;

/// Returns the commands of a prompt of this machine, and the services that they are about.
///
/// # Errors
/// Fails if the configuration is incomplete, or if the disk or the system refuses.
pub fn at_prompt(instance: &Instance) -> Result<(Table, Services)> {
    let services = Services::new(instance)?;
    let table = Table::default().with(Arc::new(ServiceCommands(services.clone())));
    Ok((table.with(Arc::new(SshCommands::new(services.clone()))), services))
}

/// Returns what one learns who was at a prompt without accounts when somebody elsewhere has made the first one: from then on, everybody has to
/// log in.
pub fn shut_out(access: &Access) -> String {
    match access.first_account() {
        Ok(Some((name, origin))) => format!(
            "the account {name} was made from {origin}, the first one: commands here need a login now, such as `login {}`",
            quote(name.as_str())
        ),
        // Whoever logs in sees it.
        _ => "the first account was made elsewhere: commands here need a login now, `login NAME`".to_owned(),
    }
}
