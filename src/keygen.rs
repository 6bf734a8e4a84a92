//! `keygen`, which makes a pair of SSH keys in the data directory, or lists them: for a node, by which its server is known from its next start on, or
//! for a user. Nothing else of the directory is used, so that it also works while a `p2p serve` holds it.

use clap::{Args, ValueEnum};
use eyre::{Result, WrapErr, eyre};
use p2p_base::spelling::visible_path;
use p2p_service::accounts::Secret;
use p2p_service::config::Config;
use p2p_service::config::keys::Section;
use p2p_service::failure::{Advise, wrong_usage};
use p2p_service::instance::{EngineArgs, data_dir_of};
use p2p_service::output::{self, OutputArgs};
use p2p_shell::asking::terminal::typed;
use p2p_shell::report::{Table, text_column};
use p2p_ssh::keys::{self, Kept, KeyType, Made, Owner};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// `p2p keygen`
#[derive(Debug, Args)]
pub struct KeygenArgs {
    /// A node such as Node_03, or the name of a user; without it, the keys are listed with their fingerprints
    #[arg(value_name = "NODE|USER")]
    owner: Option<String>,
    /// Type of the key
    #[arg(long = "type", value_name = "TYPE", default_value = "ed25519")]
    kind: Kind,
    /// Ask for a passphrase by which the private key is encrypted; a node's key has none
    #[arg(long, requires = "owner")]
    passphrase: bool,
    /// Replace a key that is there
    #[arg(long, requires = "owner")]
    force: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Type of a key, as users write it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Ed25519
    Ed25519,
    /// RSA of 2,048 bits
    Rsa,
}

impl KeygenArgs {
    /// Makes the keys, or lists those that there are.
    ///
    /// # Errors
    /// Fails if there is a key already, if the name is none, or if the data directory cannot be read or written.
    pub async fn run(&self) -> Result<()> {
        let config = self.engine.load()?;
        let data_dir = data_dir_of(&config)?;
        let Some(owner) = &self.owner else {
            let all = keys::kept(&data_dir)?;
            let data: Value = all.iter().map(data_of).collect();
            output::print(&self.output, &data, |_| listed(&all).text(output::terminal_width()))?;
            return Ok(());
        };
        let owner = Owner::named(owner, nodes_of(&config)).wrap_err("NODE|USER")?;
        if self.passphrase && matches!(owner, Owner::Node(_)) {
            return Err(wrong_usage("a node has nobody to type a passphrase", "leave --passphrase out"));
        }
        let passphrase = if self.passphrase { Some(ask().await?) } else { None };
        let kind = KeyType::ALL[self.kind as usize];
        let made = keys::make(&data_dir, &owner, kind, passphrase.as_ref(), self.force)?;
        output::print(&self.output, &made_data(&made), |_| told(&made))?;
        Ok(())
    }
}

/// Returns how many nodes a network has.
pub(crate) fn nodes_of(config: &Config) -> u16 {
    config.text(Section::Nodes, "count").parse().unwrap_or(1)
}

/// Formats a key that was made.
pub(crate) fn told(Made { path, fingerprint, public }: &Made) -> String {
    format!("{fingerprint}\n{}\n{public}", visible_path(path))
}

/// Returns a key that was made, as JSON has it.
pub(crate) fn made_data(Made { path, fingerprint, public }: &Made) -> Value {
    json!({ "path": path, "fingerprint": fingerprint, "public": public })
}

/// Returns a key of the list, as JSON has it.
pub(crate) fn data_of(key: &Kept) -> Value {
    let Kept { owner, kind, path, fingerprint, is_encrypted } = key;
    let owner = if *owner == Owner::Hosts { None } else { Some(owner.name()) };
    json!({ "owner": owner, "type": kind.name(), "fingerprint": fingerprint, "path": path, "encrypted": is_encrypted })
}

/// Returns the list of keys as a table.
pub(crate) fn listed(keys: &[Kept]) -> Table {
    let row = |key: &Kept| {
        let passphrase = if key.is_encrypted { "yes" } else { "no" };
        vec![
            key.owner.name().to_owned(),
            key.kind.name().to_owned(),
            key.fingerprint.clone(),
            passphrase.to_owned(),
            visible_path(&key.path),
        ]
    };
    let columns = vec![
        text_column("of"),
        text_column("type"),
        text_column("fingerprint"),
        text_column("passphrase").gives_way(1),
        text_column("private key").gives_way(2),
    ];
    Table { columns, rows: keys.iter().map(row).collect(), empty: "no keys; the first start of SSH makes those of the nodes" }
}

/// Asks for a new passphrase, twice.
async fn ask() -> Result<Secret> {
    let nobody = || eyre!("there is no terminal to ask for a passphrase").suggestion("leave --passphrase out");
    let first = typed("Passphrase", true).await.ok_or_else(nobody)??;
    let again = typed("The same again", true).await.ok_or_else(nobody)??;
    if first.expose_secret() != again.expose_secret() {
        return Err(eyre!("the two passphrases differ; nothing has changed"));
    }
    match first.expose_secret().is_empty() {
        true => Err(eyre!("the passphrase is empty; nothing has changed")),
        false => Ok(first),
    }
}
