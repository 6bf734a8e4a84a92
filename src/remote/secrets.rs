//! What a person types for a command at a server, or a program has in a file or in the environment.

use std::path::Path;

use eyre::{Report, Result, eyre};
use p2p_base::private_file;
use p2p_base::spelling::visible_path;
use p2p_service::accounts::Secret;
use p2p_service::failure::{Advise, wrong_usage};
use p2p_service::output;
use p2p_shell::asking::terminal::typed;
use secrecy::ExposeSecret;

/// Returns a secret out of a file or the environment, or else as it is typed.
///
/// # Errors
/// Fails if it is nowhere, cannot be read, or is given up by Ctrl-C.
pub(super) async fn secret(what: &str, variable: &str, file: Option<&Path>) -> Result<Secret> {
    if let Some(given) = given(&[variable], file)? {
        return Ok(given);
    }
    let advice = format!("set {variable}, or use an API token");
    typed(what, true).await.ok_or_else(|| nobody(what).suggestion(advice))?
}

/// Returns a secret as [`secret`] does, which a person types twice so that it is what is meant.
///
/// # Errors
/// Fails as [`secret`] does, and if the two are not the same.
pub(super) async fn twice(what: &str, variable: &str, file: Option<&Path>) -> Result<Secret> {
    if let Some(given) = given(&[variable], file)? {
        return Ok(given);
    }
    let advice = format!("set {variable}, or give --password-file FILE");
    loop {
        let first = typed(what, true).await.ok_or_else(|| nobody(what).suggestion(advice.clone()))??;
        let again = typed("Once more", true).await.ok_or_else(|| nobody(what).suggestion(advice.clone()))??;
        if first.expose_secret() == again.expose_secret() {
            return Ok(first);
        }
        output::tell(format_args!("p2p: the two are not the same"));
    }
}

/// Returns a secret that may be missing, as it is typed; none if nothing is, or if there is nobody to ask.
///
/// # Errors
/// Fails if Ctrl-C gives up.
pub(super) async fn optional_secret(what: &str) -> Result<Option<Secret>> {
    let typed = typed(what, true).await.transpose()?;
    Ok(typed.filter(|secret| !secret.expose_secret().is_empty()))
}

/// Returns a text that was given, or else as it is typed.
///
/// # Errors
/// Fails if there is nobody to ask, or if Ctrl-C gives up.
pub(super) async fn text(what: &str, given: Option<&str>) -> Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let missing =
        || wrong_usage(format_args!("{what} is needed, and there is nobody to ask"), "`p2p register NAME EMAIL` says both");
    let typed = typed(what, false).await.ok_or_else(missing)??;
    Ok(typed.expose_secret().trim().to_owned())
}

/// Returns what a file, or else one of these environment variables, has.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn given(variables: &[&str], file: Option<&Path>) -> Result<Option<Secret>> {
    if let Some(path) = file {
        let read = private_file::read_secret(path);
        return read.map(Some).map_err(|error| eyre!("{}: {error}", visible_path(path)));
    }
    Ok(variables.iter().find_map(|variable| std::env::var(variable).ok()).map(Secret::from))
}

fn nobody(what: &str) -> Report {
    eyre!("{what} is needed, and there is nobody to ask")
}
