//! The commands about who a user is at a server: `register`, `login` and `whoami`.

use std::path::Path;

use eyre::{Result, WrapErr};
use p2p_base::spelling::{visible, visible_path};
use p2p_grpc::proto::LoginResponse;
use p2p_grpc::proto::login_response::Step;
use p2p_service::access::session_file;
use p2p_service::accounts::{Secret, Token, UserName};
use p2p_service::failure::wrong_usage;
use p2p_shell::answer::{Answer, View};
use p2p_shell::asking::{CommonArgs, LoginArgs};
use secrecy::ExposeSecret;
use serde_json::json;

use super::names::answered;
use super::secrets::{given, optional_secret, text, twice};
use super::server::Server;
use super::visits::{Visit, check, directory, is_held_by, presented};

/// Environment variable with the setup token that `p2p serve` prints while there is no account.
const SETUP_TOKEN: &str = "P2P_SETUP_TOKEN";
/// Environment variable with an invite of an admin.
const INVITE: &str = "P2P_INVITE";

/// Account that `register` is to make.
#[derive(Debug)]
pub struct Registering<'a> {
    /// Name of the user; asked for if it is missing.
    pub name: Option<&'a str>,
    /// E-mail address; asked for if it is missing.
    pub email: Option<&'a str>,
    /// File with the setup token or the invite in its first line.
    pub admission_file: Option<&'a Path>,
}

/// Makes an account at a server: the first one with the setup token, another one with an invite, or for somebody else by an admin who is
/// logged in.
///
/// # Errors
/// Fails if the server cannot be asked, or refuses.
pub async fn register(server: Server, common: &CommonArgs, wanted: &Registering<'_>) -> Result<()> {
    check(&common.engine)?;
    let presented = presented(&server, &common.engine, &common.login)?;
    let visit = Visit::of(server, presented.as_ref()).await?;
    // An admin who is logged in needs none, and is not asked for one.
    let admission = admission(wanted.admission_file, presented.is_none()).await?;
    let name = text("User name", wanted.name).await?;
    let email = text("E-mail", wanted.email).await?;
    // One who is logged in has a password, and that is not the one of the new account.
    let variable = if presented.is_some() { "P2P_NEW_PASSWORD" } else { "P2P_PASSWORD" };
    let password = twice("Password", variable, common.login.password_file.as_deref()).await?;
    let made = visit.change(visit.client.register(&name, &email, &password, admission.as_ref())).await?;
    let role = visit.role_of(made).await?;
    let text = format!("{} is registered, as {role}", visible(&name));
    let data = json!({ "user": name.to_lowercase(), "email": email, "role": role });
    answered(common.output, &Answer::new(View::Text(text), data))
}

/// Returns what admits a registration: the setup token or an invite. None where nobody `is_asked` or is there, or nothing is typed.
async fn admission(file: Option<&Path>, is_asked: bool) -> Result<Option<Secret>> {
    let given = given(&[SETUP_TOKEN, INVITE], file)?;
    match given {
        None if is_asked => optional_secret("Setup token or invite (nothing without one)").await,
        given => Ok(given),
    }
}

impl Visit {
    /// Returns the role of a user who was just registered, and ends the session that has begun with that.
    async fn role_of(&self, made: LoginResponse) -> Result<&'static str> {
        let LoginResponse { step: Some(Step::SessionToken(token)) } = made else { return Ok("user") };
        let client = self.client.clone().presenting(Some(&Secret::from(token))).map_err(|error| self.failed(error))?;
        let who = self.ask(client.who_am_i()).await?;
        self.ask(client.logout()).await?;
        Ok(if who.is_admin { "admin" } else { "user" })
    }
}

/// Shows who is logged in at the server.
///
/// # Errors
/// Fails if the server cannot be asked, or if nobody is logged in.
pub async fn who(server: Server, common: &CommonArgs) -> Result<()> {
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let who = visit.ask(visit.client.who_am_i()).await;
    let ended = visit.end().await;
    let who = who?;
    let by = if who.by_token { format!("by an API token of scope {}", who.scope) } else { "by a session".to_owned() };
    let role = if who.is_admin { "admin" } else { "user" };
    let data = json!({ "user": who.name, "role": role, "scope": who.scope, "path": who.path, "by_token": who.by_token });
    answered(common.output, &Answer::new(View::Text(format!("{}, {role}, {by}", visible(&who.name))), data))?;
    ended
}

/// Logs a user in at the server that holds the data directory, and stores the session there for the commands that follow.
///
/// # Errors
/// Fails if the data directory is not the server's, if the login is refused, or if the session cannot be stored.
pub async fn login(server: Server, common: &CommonArgs, name: Option<&str>) -> Result<()> {
    check(&common.engine)?;
    let directory = directory(&common.engine)?;
    let Some(name) = name else { return Err(wrong_usage("nobody is named", "`p2p --connect URL login NAME` logs NAME in")) };
    if !is_held_by(&directory, &server) {
        let problem = format!(
            "a session is kept in the data directory of its server, and {} is not that of {server}",
            visible_path(&directory)
        );
        return Err(wrong_usage(problem, "present an API token in P2P_TOKEN, or log in for one command with --user NAME"));
    }
    let visit = Visit::of(server.clone(), None).await?;
    let LoginArgs { password_file, .. } = &common.login;
    let (visit, token) = visit.logged_in(name, password_file.as_deref()).await?;
    let before = session_file::load(&directory).unwrap_or_default();
    let saved = session_file::save(&directory, &Token::presented(token.expose_secret()), &UserName::folded(name))
        .wrap_err_with(|| format!("cannot keep the session in {}", visible_path(&directory)));
    if saved.is_err() {
        // Nobody could present it any more.
        return saved.and(visit.end().await);
    }
    if let Some(before) = before {
        // A session that is over needs no end.
        let former = Visit::of(server, Some(&p2p_service::accounts::Secret::from(before.expose()))).await?;
        let _ = former.client.logout().await;
    }
    visit.keep().end().await?;
    answered(common.output, &Answer::new(View::Text(format!("logged in as {}", visible(name))), json!({ "user": name })))
}
