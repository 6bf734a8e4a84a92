//! The implementations of `cp`, `chmod` and `touch`: copies within the store, and the attributes of what is stored.

use p2p_base::spelling::visible;
use p2p_engine::EngineError;
use p2p_engine::operation::{CopyFile, SetAttributes};
use p2p_service::access::Identity;
use p2p_service::access::copies::Copying;
use p2p_store::attributes::Attributes;
use p2p_store::names::{FileKey, stored_path};

use super::files::{manner_of, names_of};
use super::names::names_to_one;
use crate::ahead::{Given, refusal};
use crate::answer::Answer;
use crate::attributes::{parse_instant, parse_mode};
use crate::call::Call;
use crate::manner::Manner;
use crate::{Shell, ShellError, changes, names_changed, partly};

pub(crate) async fn copy(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let Some((names, to)) = names_to_one(shell, &identity, call)? else { return Ok(Answer::nothing()) };
    let Manner { replace, preserve, .. } = manner_of(call);
    let mut planned = Vec::with_capacity(names.len());
    for name in &names {
        let copy = shell.access.copying(&identity, name, to, Copying { replace, preserve }).await.map_err(ShellError::from);
        planned.push((visible(name).into_owned(), copy));
    }
    let mut answers = Vec::with_capacity(names.len());
    for copy in check_copies(shell, &identity, planned)? {
        let copied = copy_one(shell, &identity, copy).await.map_err(|error| partly(&answers, error))?;
        answers.push(copied);
    }
    Ok(Answer::all(answers))
}

/// Checks several copies before the first of them is made. Each has what it is called.
fn check_copies(
    shell: &Shell,
    identity: &Identity,
    copies: Vec<(String, Result<CopyFile, ShellError>)>,
) -> Result<Vec<CopyFile>, ShellError> {
    let (mut names, mut given, all) = (shell.access.names(), Given::default(), copies.len());
    let mut check = |label: &str, copy: &Result<CopyFile, ShellError>| {
        let CopyFile { from, to, replace, .. } = copy.as_ref().map_err(ShellError::clone)?;
        given.take(from, label, true)?;
        let to = FileKey::new(identity.name(), &stored_path(to).map_err(EngineError::from)?);
        Ok(changes::copy(&mut names, from, &to, *replace)?)
    };
    let refused = copies.iter().filter(|_| all > 1);
    let refused = refused.filter_map(|(label, copy)| check(label, copy).err().map(|error| (label.clone(), error)));
    refusal(refused.collect(), all)?;
    copies.into_iter().map(|(_, copy)| copy).collect()
}

async fn copy_one(shell: &Shell, identity: &Identity, copy: CopyFile) -> Result<Answer, ShellError> {
    shell.access.record_copy(identity, &copy.from).await?;
    let (from, to) = (identity.shown(&copy.from), identity.shown(&FileKey::new(identity.name(), &copy.to)));
    shell.call(copy).await?;
    Ok(names_changed::copied(&from, &to))
}

pub(crate) async fn change_mode(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let mode = mode_of(call)?;
    set_attributes(shell, call, 1, Attributes { modified: None, mode: Some(mode) }).await
}

pub(crate) async fn touch(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let modified = instant_of(call)?.unwrap_or_else(|| shell.access.now());
    set_attributes(shell, call, 0, Attributes { modified: Some(modified), mode: None }).await
}

/// Returns the permission bits that `chmod` is to set.
pub(crate) fn mode_of(call: &Call) -> Result<u32, ShellError> {
    parse_mode(call.argument(0).unwrap_or_default()).map_err(|problem| call.wrong(problem))
}

/// Returns the time that `touch` is to set, in seconds since 1970; none for now.
pub(crate) fn instant_of(call: &Call) -> Result<Option<u64>, ShellError> {
    call.flags.get("date").map(|text| parse_instant(text).map_err(|problem| call.wrong(problem))).transpose()
}

/// Sets attributes of the files and directories that the arguments from `first` on stand for, once all are known to be there and to be
/// the user's to change.
async fn set_attributes(shell: &Shell, call: &Call, first: usize, attributes: Attributes) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let mut planned: Vec<SetAttributes> = Vec::new();
    for place in first..call.arguments.len() {
        for name in names_of(shell, call, place, false)? {
            planned.push(shell.access.setting(&identity, &name, attributes).await?);
        }
    }
    let mut answers = Vec::with_capacity(planned.len());
    for set in planned {
        let answer = set_one(shell, &identity, set).await.map_err(|error| partly(&answers, error))?;
        answers.push(answer);
    }
    Ok(Answer::all(answers))
}

async fn set_one(shell: &Shell, identity: &Identity, set: SetAttributes) -> Result<Answer, ShellError> {
    let (label, attributes) = (identity.shown(&set.file), set.attributes);
    shell.access.record_setting(identity, &set.file).await?;
    shell.call(set).await?;
    Ok(names_changed::attributed(&label, attributes))
}
