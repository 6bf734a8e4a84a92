//! Prompts of this machine: the command groups that each of them has beside the commands of the language.

use std::sync::Arc;

use eyre::Result;
use p2p_service::instance::Instance;
use p2p_shell::table::Table;

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
