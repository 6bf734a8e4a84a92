//! The names of stored files, for the completion scripts of shells.

use std::collections::BTreeSet;

use clap::Args;
use eyre::Result;
use p2p_base::spelling::hidden_character;
use p2p_service::instance::EngineArgs;
use p2p_service::output;
use p2p_shell::asking::LoginArgs;
use p2p_shell::complete::next_piece;
use p2p_store::namespace::Entry;

use super::Visit;

/// `p2p stored-names`
#[derive(Debug, Args)]
pub struct NamesArgs {
    /// How the names begin
    #[arg(default_value = "")]
    prefix: String,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Prints the stored names that begin with a prefix, one a line, each up to the next `/`. If the data directory cannot be read, as
/// while another process has it, nothing is printed: a line that is being typed is no place for an error.
///
/// # Errors
/// Fails if standard output cannot be written.
pub async fn stored_names(args: &NamesArgs) -> Result<()> {
    let Ok(visit) = Visit::begin_reading(&args.engine, &LoginArgs::default()).await else { return Ok(()) };
    let label = |entry: &Entry| {
        let label = visit.identity.label(entry.key());
        if matches!(entry, Entry::Directory(_)) { label + "/" } else { label }
    };
    let stored = visit.access().names();
    let found = stored.entries().map(label);
    // A name with a line end in it would be two.
    let found = found.filter(|name| name.starts_with(&args.prefix) && hidden_character(name).is_none());
    let names: BTreeSet<String> = found.filter_map(|name| next_piece(&name, &args.prefix).map(str::to_owned)).collect();
    let _ = visit.end().await;
    if names.is_empty() { Ok(()) } else { output::print_raw(&names.into_iter().collect::<Vec<_>>().join("\n")) }
}
