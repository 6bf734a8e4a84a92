//! The implementation of the command `uploads`: uploads that are kept although they are not complete.

use p2p_engine::operation::ForgetUpload;
use p2p_store::uploads::{ParseUploadIdError, UploadId};

use super::{data, files};
use crate::answer::{Answer, Planned, View};
use crate::call::Call;
use crate::report::{UploadLine, uploads_table};
use crate::{Shell, ShellError};

pub(crate) async fn uploads(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    match forgotten_of(call)? {
        Some(id) => forget(shell, id).await,
        None => list(shell).await,
    }
}

/// Returns the kept upload that is to be undone; `None` if they are to be listed.
pub(crate) fn forgotten_of(call: &Call) -> Result<Option<UploadId>, ShellError> {
    if call.argument(0).is_none() {
        return Ok(None);
    }
    call.required(1, "ID")?.parse().map(Some).map_err(|error: ParseUploadIdError| call.wrong(error.to_string()))
}

async fn list(shell: &Shell) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let uploads = shell.access.kept_uploads().await?;
    let lines: Vec<UploadLine> = uploads.iter().map(|upload| UploadLine::new(upload, identity.shown(&upload.file))).collect();
    Ok(Answer::new(View::Table(uploads_table(&lines, shell.access.now())), data(&lines)))
}

/// Begins to undo a kept upload, and waits until it is undone.
async fn forget(shell: &Shell, id: UploadId) -> Result<Answer, ShellError> {
    shell.refuse_standstill()?;
    let identity = shell.identity();
    let upload = shell.access.kept_upload(&identity, id).await?;
    let file = identity.shown(&upload.file);
    let begins = ForgetUpload { upload: id }.into();
    files::begin(shell, Planned { checks: false, line: format!("forget {id}"), file, beside: None, begins }).await
}
