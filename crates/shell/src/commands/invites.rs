//! The implementation of the command `invite`: invites to register through a service.

use p2p_auth::invites::{InviteInfo, LIFETIME};
use secrecy::ExposeSecret;
use serde_json::json;

use super::accounts::own_name;
use super::tokens::span;
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::report::{Table, date_of, text_column};
use crate::{Shell, ShellError};

pub(crate) async fn invite(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    own_name(shell, call).await?;
    let action = call.argument(0).unwrap_or_default();
    match (call.argument(1), call.flags.get("expires")) {
        (Some(id), _) if action != "revoke" => return Err(call.wrong(format!("unexpected argument `{id}`"))),
        (_, Some(_)) if action != "new" => return Err(call.wrong("--expires is for a new invite".into())),
        _ => {}
    }
    match action {
        "new" => new(shell, call).await,
        "revoke" => revoke(shell, call).await,
        _ => list(shell).await,
    }
}

async fn new(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let seconds = match call.flags.get("expires") {
        Some(text) => span(text).ok_or_else(|| call.wrong(format!("`{text}` is no time from now, such as 7d or 12h")))?,
        None => LIFETIME,
    };
    let expires_at = shell.access.now().saturating_add(seconds);
    let invite = shell.access.new_invite(expires_at).await?;
    // The invite stands alone, so that a shell can take the output as it is.
    let text = invite.expose_secret().to_owned();
    Ok(Answer::new(View::Text(text.clone()), json!({ "invite": text, "expires_at": expires_at })))
}

async fn list(shell: &Shell) -> Result<Answer, ShellError> {
    let invites = shell.access.invites().await?;
    let row = |invite: &InviteInfo| {
        vec![invite.id.clone(), invite.by.to_string(), date_of(invite.created_at), date_of(invite.expires_at)]
    };
    let data = |invite: &InviteInfo| {
        json!({
            "id": invite.id, "by": invite.by.as_str(), "created_at": invite.created_at, "expires_at": invite.expires_at,
        })
    };
    let columns = vec![text_column("invite"), text_column("by"), text_column("made"), text_column("expires")];
    let rows = invites.iter().map(row).collect();
    Ok(Answer::new(View::Table(Table { columns, rows, empty: "no open invites" }), invites.iter().map(data).collect()))
}

async fn revoke(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let id = call.argument(1).ok_or_else(|| call.wrong("ID is missing".into()))?;
    shell.access.revoke_invite(id.to_owned()).await?;
    Ok(Answer::new(View::Text(format!("invite {id} is revoked")), json!({ "revoked": id })))
}
