//! The implementations of `cp`, `chmod` and `touch`: copies within the store, and the attributes of what is stored.

use p2p_base::spelling::visible;
use p2p_engine::EngineError;
use p2p_engine::operation::{CopyFile, SetAttributes};
use p2p_service::access::Identity;
use p2p_service::access::copies::Copying;
use p2p_store::attributes::{Attributes, MODIFIED_MAX, PERMISSIONS};
use p2p_store::names::{FileKey, stored_path};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::files::names_of;
use super::names::require_room;
use crate::ahead::{Given, refusal};
use crate::answer::Answer;
use crate::call::Call;
use crate::{Shell, ShellError, changes, names_changed, partly};

pub(crate) async fn copy(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let Some((to, from)) = call.arguments.split_last() else { return Ok(Answer::nothing()) };
    let mut names = Vec::new();
    for place in 0..from.len() {
        names.extend(names_of(shell, call, place, true)?);
    }
    let is_directory = to.ends_with('/') || shell.access.names().is_directory(&identity.key_of(to));
    require_room(call, names.len(), is_directory)?;
    let how = Copying { replace: call.has("force"), preserve: call.has("preserve") };
    let mut planned = Vec::with_capacity(names.len());
    for name in &names {
        let copy = shell.access.copying(&identity, name, to, how).await.map_err(ShellError::from);
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
    let text = call.argument(0).unwrap_or_default();
    mode_in(text).ok_or_else(|| {
        call.wrong(format!(
            "`{}` is no mode: three octal digits, such as 640, of which each is for owner, group and others",
            visible(text)
        ))
    })
}

/// Returns the time that `touch` is to set, in seconds since 1970; none for now.
pub(crate) fn instant_of(call: &Call) -> Result<Option<u64>, ShellError> {
    let wrong = |text: &str| {
        call.wrong(format!("`{}` is no time from 1970 to 9999, such as 2026-11-28T06:30:00Z or @1795847400", visible(text)))
    };
    call.flags.get("date").map(|text| instant_in(text).ok_or_else(|| wrong(text))).transpose()
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
        let label = identity.shown(&set.file);
        shell.access.record_setting(&identity, &set.file).await?;
        shell.call(set).await.map_err(|error| partly(&answers, error))?;
        answers.push(names_changed::attributed(&label, attributes));
    }
    Ok(Answer::all(answers))
}

/// Returns the permission bits of a text of octal digits, as chmod(1) takes them. The bits above those of owner, group and others are
/// taken and dropped.
fn mode_in(text: &str) -> Option<u32> {
    let is_octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    u32::from_str_radix(text, 8).ok().filter(|_| is_octal).map(|mode| mode & PERMISSIONS)
}

/// Returns a time in seconds since 1970: of RFC 3339, or given as `@SECONDS` as touch(1) takes it.
fn instant_in(text: &str) -> Option<u64> {
    let seconds = match text.strip_prefix('@') {
        Some(seconds) => seconds.parse().ok()?,
        None => OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp().try_into().ok()?,
    };
    Some(seconds).filter(|&seconds| seconds <= MODIFIED_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_digits() {
        assert_eq!(["640", "0755", "4751", "000"].map(mode_in), [Some(0o640), Some(0o755), Some(0o751), Some(0)]);
        assert_eq!(["", "7", "64", "648", "00644", "u+x", "+644", "-64"].map(mode_in), [None; 8]);
    }

    #[test]
    fn times_are_those_of_rfc_3339_or_seconds() {
        let times = ["1970-01-01T00:00:00Z", "2026-11-28T07:30:00+01:00", "@7", "@253402300799"];
        assert_eq!(times.map(instant_in), [Some(0), Some(1_795_847_400), Some(7), Some(MODIFIED_MAX)]);
        let wrong = ["", "yesterday", "1969-12-31T23:59:59Z", "@-1", "@253402300800", "2026-11-28"];
        assert_eq!(wrong.map(instant_in), [None; 6]);
    }
}
