//! The implementation of the command `invite`: invites to register through a service.

use p2p_auth::AuthError;
use p2p_auth::invites::{InviteError, InviteInfo, LIFETIME, LIFETIME_MAX};
use p2p_service::access::AccessError;
use secrecy::ExposeSecret;
use serde_json::json;

use super::accounts::own_name;
use super::tokens::span;
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::report::{Table, date_of, text_column};
use crate::{Shell, ShellError};

/// Action of the command, as its words say it.
pub(crate) enum Action<'a> {
    /// Making of an invite that ends after this time, in seconds.
    New(u64),
    List,
    Revoke(&'a str),
}

pub(crate) fn action_of(call: &Call) -> Result<Action<'_>, ShellError> {
    let action = call.argument(0).unwrap_or_default();
    match (call.argument(1), call.flags.get("expires")) {
        (Some(id), _) if action != "revoke" => Err(call.wrong(format!("unexpected argument `{id}`"))),
        (_, Some(_)) if action != "new" => Err(call.wrong("--expires is for a new invite".into())),
        (_, expires) if action == "new" => lifetime_of(call, expires).map(Action::New),
        _ if action == "revoke" => Ok(Action::Revoke(call.required(1, "ID")?)),
        _ => Ok(Action::List),
    }
}

fn lifetime_of(call: &Call, expires: Option<&String>) -> Result<u64, ShellError> {
    let Some(text) = expires else { return Ok(LIFETIME) };
    let seconds = span(text).ok_or_else(|| call.wrong(format!("`{text}` is no time from now, such as 7d or 12h")))?;
    let is_bounded = (1..=LIFETIME_MAX).contains(&seconds);
    if is_bounded { Ok(seconds) } else { Err(AccessError::from(AuthError::from(InviteError::Lifetime)).into()) }
}

pub(crate) async fn invite(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    own_name(shell, call).await?;
    match action_of(call)? {
        Action::New(seconds) => new(shell, seconds).await,
        Action::Revoke(id) => revoke(shell, id).await,
        Action::List => list(shell).await,
    }
}

async fn new(shell: &Shell, seconds: u64) -> Result<Answer, ShellError> {
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

async fn revoke(shell: &Shell, id: &str) -> Result<Answer, ShellError> {
    shell.access.revoke_invite(id.to_owned()).await?;
    Ok(Answer::new(View::Text(format!("invite {id} is revoked")), json!({ "revoked": id })))
}
