//! The implementation of the command `key`: the public keys of the user's account.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use p2p_auth::AuthError;
use p2p_auth::keys::{KeyError, KeyInfo};
use p2p_auth::names::{KeyName, NameError};
use p2p_auth::public_key::{PublicKey, PublicKeyError, TEXT_MAX};
use p2p_base::spelling::visible_path;
use p2p_service::access::AccessError;
use serde_json::{Value, json};

use super::accounts::own_name;
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::place::expand;
use crate::report::{Table, date_of, text_column};
use crate::trees::off_thread;
use crate::{Shell, ShellError};

/// Action of the command, as its words say it.
pub(crate) enum Action {
    Add(KeyName, KeySource),
    List,
    Remove(KeyName),
}

/// Place of the text of a public key.
pub(crate) enum KeySource {
    Line(PublicKey),
    File(PathBuf),
}

impl KeySource {
    /// Returns the key, which is read if it stands in a file.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or holds no key that is taken.
    pub(crate) async fn key(self) -> Result<PublicKey, ShellError> {
        match self {
            KeySource::Line(key) => Ok(key),
            KeySource::File(path) => PublicKey::parse(&off_thread(move || read(path)).await??).map_err(refused),
        }
    }
}

/// Returns the action of the command.
///
/// # Errors
/// Fails if its words do not go together, or if the key that stands in them is none that is taken.
pub(crate) fn action_of(call: &Call) -> Result<Action, ShellError> {
    match call.argument(0) {
        Some("add") => Ok(Action::Add(name_in(call)?, source_of(call)?)),
        Some("remove") => refuse_more(call, 2).and_then(|()| name_in(call)).map(Action::Remove),
        _ => refuse_more(call, 1).map(|()| Action::List),
    }
}

fn source_of(call: &Call) -> Result<KeySource, ShellError> {
    match (call.flags.get("key"), call.argument(2)) {
        (Some(_), Some(_)) => Err(call.wrong("the key stands in PATH or after --key, not in both".into())),
        (None, None) => Err(call.wrong("say which key: PATH of its file, or --key with the line itself".into())),
        (Some(line), None) => PublicKey::parse(line).map(KeySource::Line).map_err(refused),
        (None, Some(path)) => Ok(KeySource::File(expand(path))),
    }
}

pub(crate) async fn key(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    own_name(shell, call).await?;
    match action_of(call)? {
        Action::Add(name, source) => add(shell, name, source).await,
        Action::Remove(name) => remove(shell, name).await,
        Action::List => list(shell).await,
    }
}

async fn add(shell: &Shell, name: KeyName, source: KeySource) -> Result<Answer, ShellError> {
    let key = source.key().await?;
    let added = shell.access.add_key(name, key).await?;
    Ok(Answer::new(View::Text(format!("key {} is added: {} {}", added.name, added.algorithm, added.fingerprint)), data(&added)))
}

/// Reads the text of a public key. Only a regular file is opened, since others may never end.
fn read(path: PathBuf) -> Result<String, ShellError> {
    let unreadable = |reason: &str| ShellError::Bad(format!("cannot read the key in {}: {reason}", visible_path(&path)));
    let text = text_of(&path).map_err(|error| unreadable(&error.to_string()))?;
    text.ok_or_else(|| refused(PublicKeyError::Format))
}

/// Returns the text of a regular file; `None` if it is longer than a key, or no text.
fn text_of(path: &Path) -> std::io::Result<Option<String>> {
    if !path.metadata()?.is_file() {
        return Ok(None);
    }
    let (mut bytes, limit) = (Vec::new(), TEXT_MAX as u64 + 1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).ok().filter(|text| text.len() <= TEXT_MAX))
}

fn refused(error: PublicKeyError) -> ShellError {
    AccessError::from(AuthError::from(KeyError::from(error))).into()
}

async fn list(shell: &Shell) -> Result<Answer, ShellError> {
    let keys = shell.access.keys().await?;
    let row =
        |key: &KeyInfo| vec![key.name.to_string(), key.algorithm.clone(), key.fingerprint.to_string(), date_of(key.added_at)];
    let columns =
        vec![text_column("key"), text_column("type").gives_way(2), text_column("fingerprint"), text_column("added").gives_way(1)];
    let table = Table { columns, rows: keys.iter().map(row).collect(), empty: "no keys" };
    Ok(Answer::new(View::Table(table), keys.iter().map(data).collect()))
}

async fn remove(shell: &Shell, name: KeyName) -> Result<Answer, ShellError> {
    let removed = shell.access.remove_key(name).await?;
    Ok(Answer::new(View::Text(format!("key {} is removed: {}", removed.name, removed.fingerprint)), data(&removed)))
}

fn name_in(call: &Call) -> Result<KeyName, ShellError> {
    call.required(1, "NAME")?.parse().map_err(|error: NameError| call.wrong(error.to_string()))
}

/// Refuses what stands after the arguments of an action that takes so many.
fn refuse_more(call: &Call, arguments: usize) -> Result<(), ShellError> {
    match (call.argument(arguments), call.flags.keys().next()) {
        (Some(more), _) => Err(call.wrong(format!("unexpected argument `{more}`"))),
        (None, Some(flag)) => Err(call.wrong(format!("--{flag} is for a new key"))),
        (None, None) => Ok(()),
    }
}

fn data(key: &KeyInfo) -> Value {
    json!({
        "name": key.name.to_string(), "type": key.algorithm, "fingerprint": key.fingerprint.to_string(), "added_at": key.added_at,
    })
}
