//! The implementation of the command `token`: API tokens, by which programs log in.

use p2p_auth::names::NameError;
use p2p_auth::tokens::{ApiTokenInfo, LIFETIME, NewToken, Reach};
use p2p_base::scope::{Scope, UnknownScope};
use p2p_base::spelling::visible;
use secrecy::ExposeSecret;
use serde_json::json;

use super::accounts::own_name;
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::report::{Table, date_of, text_column};
use crate::{Shell, ShellError};

pub(crate) async fn token(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    own_name(shell, call).await?;
    match call.argument(0) {
        Some("new") => new(shell, call).await,
        Some("revoke") => revoke(shell, call).await,
        _ => list(shell, call).await,
    }
}

async fn new(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let name = name_in(call)?.parse().map_err(|error: NameError| call.wrong(error.to_string()))?;
    let scope = match call.flags.get("scope") {
        Some(text) => text.parse().map_err(|error: UnknownScope| call.wrong(format!("`{text}` is no scope: {error}")))?,
        None => Scope::Read,
    };
    let seconds = match call.flags.get("expires") {
        Some(text) => span(text).ok_or_else(|| call.wrong(format!("`{text}` is no time from now, such as 30d or 12h")))?,
        None => LIFETIME,
    };
    let path = call.flags.get("path").map(|path| shell.access.path_for_token(path)).transpose()?;
    let reach = Reach { scope, path };
    let wanted = NewToken { name, reach: reach.clone(), expires_at: shell.access.now().saturating_add(seconds) };
    let token = shell.access.new_token(wanted.clone()).await?;
    let data = json!({
        "name": wanted.name.as_str(), "scope": scope, "path": reach.path, "expires_at": wanted.expires_at,
        "token": token.expose_secret(),
    });
    // The token stands alone, so that a shell can take the output as it is.
    Ok(Answer::new(View::Text(token.expose_secret().to_owned()), data))
}

async fn list(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    refuse_options(call)?;
    if let Some(name) = call.argument(1) {
        return Err(call.wrong(format!("unexpected argument `{name}`")));
    }
    let tokens = shell.access.api_tokens().await?;
    let row = |token: &ApiTokenInfo| {
        vec![
            token.name.to_string(),
            token.reach.scope.name().to_owned(),
            token.reach.path.as_deref().map_or_else(|| "all".into(), |path| visible(path).into_owned()),
            date_of(token.created_at),
            token.last_used.map_or_else(|| "never".into(), date_of),
            date_of(token.expires_at),
            token.id.clone(),
        ]
    };
    let data = |token: &ApiTokenInfo| {
        json!({
            "id": token.id, "name": token.name.as_str(), "scope": token.reach.scope, "path": token.reach.path,
            "created_at": token.created_at, "last_used": token.last_used, "expires_at": token.expires_at,
        })
    };
    let columns = vec![
        text_column("token"),
        text_column("scope"),
        text_column("path"),
        text_column("made"),
        text_column("last used"),
        text_column("expires"),
        text_column("id"),
    ];
    let rows = tokens.iter().map(row).collect();
    Ok(Answer::new(View::Table(Table { columns, rows, empty: "no tokens" }), tokens.iter().map(data).collect()))
}

async fn revoke(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    refuse_options(call)?;
    let name = name_in(call)?;
    shell.access.revoke_token(name.to_owned()).await?;
    Ok(Answer::new(View::Text(format!("token {name} is revoked")), json!({ "revoked": name })))
}

fn name_in(call: &Call) -> Result<&str, ShellError> {
    call.argument(1).ok_or_else(|| call.wrong("NAME is missing".into()))
}

/// Refuses the flags of `token new` for the other actions.
fn refuse_options(call: &Call) -> Result<(), ShellError> {
    match call.flags.keys().next() {
        Some(flag) => Err(call.wrong(format!("--{flag} is for a new token"))),
        None => Ok(()),
    }
}

/// Parses a span of whole days or hours, such as `30d` or `12h`, in seconds.
pub(super) fn span(text: &str) -> Option<u64> {
    let days = text.strip_suffix('d').map(|digits| (digits, 24 * 3600));
    let (digits, unit) = days.or_else(|| text.strip_suffix('h').map(|digits| (digits, 3600)))?;
    let count: u64 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    count.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_days_or_hours() {
        assert_eq!((span("30d"), span("12h"), span("0d")), (Some(30 * 86_400), Some(12 * 3_600), Some(0)));
        for bad in ["", "d", "30", "-1d", "+1d", "1.5d", "30 d", "1w", "30D", "99999999999999999999h", "999999999999999999d"] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }
}
