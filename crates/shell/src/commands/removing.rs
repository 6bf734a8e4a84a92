//! The question before several files are removed, where a person types the lines.

use p2p_engine::operation::BeginTransfer;

use crate::call::Call;
use crate::lists::{LISTED_MAX, listed_of};
use crate::question::Form;
use crate::report::{bytes_of, count_of};
use crate::tally::FILE;
use crate::trees::files_of;
use crate::{Shell, ShellError, ahead};

/// Removals that a command has planned, each with what it is called, or with the reason why it cannot begin.
type Removals = Vec<(String, Result<BeginTransfer, ShellError>)>;

/// Returns removals of names to which the user agrees. Asked is a person at a prompt, and only if several files go and none of the removals
/// would be refused.
pub(super) async fn confirmed(shell: &Shell, call: &Call, names: &[String], removals: Removals) -> Result<Removals, ShellError> {
    if !shell.confirms || call.has("yes") {
        return Ok(removals);
    }
    let identity = shell.identity();
    let (mut count, mut bytes) = (0, 0);
    for name in names {
        // What cannot be looked up is refused below.
        let Ok((_, files)) = files_of(&shell.access, &identity, name).await else { return Ok(removals) };
        count += files.len() as u64;
        bytes += files.iter().map(|file| file.size).sum::<u64>();
    }
    if count <= 1 {
        return Ok(removals);
    }
    let removals = ahead::check_begun(&shell.access, removals).await?;
    let labels = removals.iter().map(|(label, _)| label.as_str());
    let text =
        format!("Remove {} ({})? {}", count_of(count, FILE), bytes_of(bytes), listed_of(labels, removals.len(), LISTED_MAX));
    match shell.ask(&Form::confirmation("Remove several files", text)).await {
        Ok(answers) if Form::agrees(&answers) => Ok(removals.into_iter().map(|(label, begins)| (label, Ok(begins))).collect()),
        Ok(_) | Err(ShellError::Abandoned) => Err(ShellError::Bad("given up; nothing was removed".into())),
        Err(error) => Err(error),
    }
}
