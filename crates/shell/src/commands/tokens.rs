//! The implementation of the command `token`: API tokens, by which programs log in.

use p2p_auth::AuthError;
use p2p_auth::names::{NameError, TokenName};
use p2p_auth::tokens::{ApiTokenInfo, LIFETIME, LIFETIME_MAX, NewToken, Reach, TokenError};
use p2p_base::scope::{Scope, UnknownScope};
use p2p_base::spelling::visible;
use p2p_service::access::AccessError;
use secrecy::ExposeSecret;
use serde_json::json;

use super::accounts::own_name;
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::report::{Table, date_of, text_column};
use crate::{Shell, ShellError};

/// Action of the command, as its words say it.
pub(crate) enum Action<'a> {
    New {
        name: TokenName,
        scope: Scope,
        /// Time after which the token ends, in seconds.
        seconds: u64,
    },
    List,
    Revoke(&'a str),
}

pub(crate) fn action_of(call: &Call) -> Result<Action<'_>, ShellError> {
    match (call.argument(0), call.flags.keys().next(), call.argument(1)) {
        (Some("new"), ..) => new_of(call),
        (_, Some(flag), _) => Err(call.wrong(format!("--{flag} is for a new token"))),
        (Some("revoke"), ..) => Ok(Action::Revoke(call.required(1, "NAME")?)),
        (_, _, Some(name)) => Err(call.wrong(format!("unexpected argument `{name}`"))),
        _ => Ok(Action::List),
    }
}

fn new_of(call: &Call) -> Result<Action<'_>, ShellError> {
    let name = call.required(1, "NAME")?.parse().map_err(|error: NameError| call.wrong(error.to_string()))?;
    let scope = match call.flags.get("scope") {
        Some(text) => text.parse().map_err(|error: UnknownScope| call.wrong(format!("`{text}` is no scope: {error}")))?,
        None => Scope::Read,
    };
    let seconds = match call.flags.get("expires") {
        Some(text) => span(text).ok_or_else(|| call.wrong(format!("`{text}` is no time from now, such as 30d or 12h")))?,
        None => LIFETIME,
    };
    if !(1..=LIFETIME_MAX).contains(&seconds) {
        return Err(AccessError::from(AuthError::from(TokenError::Lifetime)).into());
    }
    Ok(Action::New { name, scope, seconds })
}

pub(crate) async fn token(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    own_name(shell, call).await?;
    match action_of(call)? {
        Action::New { name, scope, seconds } => {
            let path = call.flags.get("path").map(|path| shell.access.path_for_token(path)).transpose()?;
            let expires_at = shell.access.now().saturating_add(seconds);
            new(shell, NewToken { name, reach: Reach { scope, path }, expires_at }).await
        }
        Action::Revoke(name) => revoke(shell, name).await,
        Action::List => list(shell).await,
    }
}

async fn new(shell: &Shell, wanted: NewToken) -> Result<Answer, ShellError> {
    let token = shell.access.new_token(wanted.clone()).await?;
    let data = json!({
        "name": wanted.name.as_str(), "scope": wanted.reach.scope, "path": wanted.reach.path, "expires_at": wanted.expires_at,
        "token": token.expose_secret(),
    });
    // The token stands alone, so that a shell can take the output as it is.
    Ok(Answer::new(View::Text(token.expose_secret().to_owned()), data))
}

async fn list(shell: &Shell) -> Result<Answer, ShellError> {
    let tokens = shell.access.api_tokens().await?;
    let row = |token: &ApiTokenInfo| {
        vec![
            token.name.to_string(),
            if token.is_link { "link".to_owned() } else { token.reach.scope.name().to_owned() },
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
            "is_link": token.is_link,
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

async fn revoke(shell: &Shell, name: &str) -> Result<Answer, ShellError> {
    shell.access.revoke_token(name.to_owned()).await?;
    Ok(Answer::new(View::Text(format!("token {name} is revoked")), json!({ "revoked": name })))
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
