//! The connection of a command to a server, and for whom it asks.

use std::path::{Path, PathBuf};

use eyre::{Report, Result};
use p2p_engine::ErrorKind;
use p2p_grpc::client::{Client, ClientError};
use p2p_grpc::proto::LoginResponse;
use p2p_grpc::proto::login_response::Step;
use p2p_service::access::session_file;
use p2p_service::accounts::Secret;
use p2p_service::doors::announced;
use p2p_service::failure::{Advise, wrong_usage};
use p2p_service::instance::{EngineArgs, data_dir_of};
use p2p_service::interrupt::interrupted;
use p2p_service::output;
use p2p_service::reasons::name;
use p2p_service::statuses;
use p2p_shell::asking::LoginArgs;

use super::patience::Patience;
use super::secrets::secret;
use super::server::Server;

/// Connection of a command.
pub(super) struct Visit {
    pub(super) client: Client,
    pub(super) server: Server,
    pub(super) patience: Patience,
    /// True if the session is that of the command alone.
    is_passing: bool,
}

impl Visit {
    /// Connects for the user whom the options name: by an API token, by a password, or by the session of the data directory that the
    /// server holds.
    pub(super) async fn begin(server: Server, engine: &EngineArgs, login: &LoginArgs) -> Result<Visit> {
        check(engine)?;
        login.check_with_token()?;
        let presented = presented(&server, engine, login)?;
        let visit = Visit::of(server, presented.as_ref()).await?;
        match &login.user {
            Some(user) => visit.logged_in(user, login.password_file.as_deref()).await.map(|(visit, _)| visit),
            None => Ok(visit),
        }
    }

    /// Connects, and presents this token.
    pub(super) async fn of(server: Server, presented: Option<&Secret>) -> Result<Visit> {
        let address = server.address();
        if !address.ip().is_loopback() && server.tls().is_none() {
            output::tell(format_args!(
                "Warning: what is sent to {address} crosses the network as it is, passwords and tokens too"
            ));
        }
        let client = Client::connect(address, server.tls(), presented).await.map_err(|error| told(error, &server))?;
        Ok(Visit { client, server, patience: Patience::default(), is_passing: false })
    }

    /// Logs a user in by password, and by code if one is needed. Returns the token of the session as well.
    pub(super) async fn logged_in(self, user: &str, password_file: Option<&Path>) -> Result<(Visit, Secret)> {
        let server = self.server.clone();
        let failed = |error| told(error, &server);
        let password = secret("Password", "P2P_PASSWORD", password_file).await?;
        let mut answer = self.ask(self.client.login(user, &password)).await?;
        while let Some(Step::Challenge(challenge)) = &answer.step {
            let code = secret(&format!("Code ({})", challenge.kind), "P2P_OTP", None).await?;
            let answered = tokio::select! {
                biased;
                answered = self.client.answer(&challenge.id, &code) => answered,
                stop = interrupted() => return Err(stop?.into()),
            };
            match answered {
                // A person mistypes; the code of a program does not get better.
                Err(error) if error.reason() == name::CODE_REFUSED && std::env::var_os("P2P_OTP").is_none() => {
                    output::tell(format_args!("p2p: {error}"));
                }
                step => answer = step.map_err(failed)?,
            }
        }
        let LoginResponse { step: Some(Step::SessionToken(token)) } = answer else {
            return Err(failed(ClientError::Unexpected("no session")));
        };
        let token = Secret::from(token);
        let client = self.client.presenting(Some(&token)).map_err(failed)?;
        Ok((Visit { client, is_passing: true, ..self }, token))
    }

    /// Lets the session outlive the command.
    pub(super) fn keep(self) -> Visit {
        Visit { is_passing: false, ..self }
    }

    /// Returns true if a path is that of a directory, and false if there is nothing, or a file.
    ///
    /// # Errors
    /// Fails if the server does not say so.
    pub(super) async fn is_directory(&self, path: &str) -> Result<bool> {
        self.ask(async {
            match self.client.stat(path).await {
                Ok(info) => Ok(info.is_directory),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Waits for what the server is asked for, unless the user interrupts.
    pub(super) async fn ask<T>(&self, call: impl Future<Output = Result<T, ClientError>>) -> Result<T> {
        tokio::select! {
            biased;
            answer = call => answer.map_err(|error| self.failed(error)),
            stop = interrupted() => Err(stop?.into()),
            never = self.patience.watch(&self.client, &self.server) => match never {},
        }
    }

    /// Waits for a change as [`ask`](Self::ask) does. An interruption does not end what the server has begun.
    pub(super) async fn change<T>(&self, call: impl Future<Output = Result<T, ClientError>>) -> Result<T> {
        tokio::select! {
            biased;
            answer = self.control(call) => answer,
            never = self.patience.watch(&self.client, &self.server) => match never {},
        }
    }

    /// Waits for a change of how time passes. An interruption does not end what the server has begun.
    pub(super) async fn control<T>(&self, call: impl Future<Output = Result<T, ClientError>>) -> Result<T> {
        tokio::select! {
            biased;
            answer = call => answer.map_err(|error| self.failed(error)),
            stop = interrupted() => Err(stop?.after("what the server has begun goes on").into()),
        }
    }

    /// Returns an error of the client with its next step.
    pub(super) fn failed(&self, error: ClientError) -> Report {
        told(error, &self.server)
    }

    /// Ends the session, if it is that of the command alone.
    pub(super) async fn end(self) -> Result<()> {
        match self.is_passing {
            true => self.client.logout().await.map_err(|error| self.failed(error)),
            false => Ok(()),
        }
    }
}

/// Refuses options of a simulation, which is the server's.
pub(super) fn check(engine: &EngineArgs) -> Result<()> {
    let given = [
        ("--seed", engine.simulation.seed.is_some()),
        ("--speed", engine.simulation.speed.is_some()),
        ("--wait", engine.wait.is_some()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(wrong_usage(
            format_args!("{option} is of a run of its own, and --connect asks one that is there"),
            format_args!("leave {option} out; `p2p serve` takes it"),
        )),
        None => Ok(()),
    }
}

/// Returns the data directory that the options name.
pub(super) fn directory(engine: &EngineArgs) -> Result<PathBuf> {
    data_dir_of(&engine.load()?)
}

/// Returns true if a data directory is that of the server, as its `p2p serve` has announced there.
pub(super) fn is_held_by(data_dir: &Path, server: &Server) -> bool {
    let holder = announced::holder(data_dir);
    holder.is_some_and(|holder| holder.services.iter().any(|announced| announced.address == server.address()))
}

/// Returns what a command presents whose user does not log in by a password: an API token, or the session of the data directory.
pub(super) fn presented(server: &Server, engine: &EngineArgs, login: &LoginArgs) -> Result<Option<Secret>> {
    match login.token()? {
        Some(token) => Ok(Some(token)),
        None if login.user.is_some() => Ok(None),
        None => saved(server, engine),
    }
}

/// Returns the token of the session that `p2p login` has stored. It is shown to the server alone whose data directory it is in.
fn saved(server: &Server, engine: &EngineArgs) -> Result<Option<Secret>> {
    let directory = directory(engine)?;
    if !is_held_by(&directory, server) {
        return Ok(None);
    }
    Ok(session_file::load(&directory)?.map(|token| Secret::from(token.expose())))
}

/// Returns an error of the client with its next step and its exit code.
fn told(error: ClientError, server: &Server) -> Report {
    let exit_code = statuses::of(error.kind()).exit;
    let advice = match (&error, error.reason()) {
        (ClientError::Unreachable { .. }, _) => Some("`p2p serve` starts one, and says on its first line where".to_owned()),
        (ClientError::Certificate { .. }, _) => Some(
            "--tls-ca FILE trusts the certificates of a file, and --tls-fingerprint SHA256 the one that `p2p serve` names on its first line"
                .to_owned(),
        ),
        (ClientError::NoTls { .. }, _) => Some(format!("write it as grpc://{} for a connection without", server.address())),
        (_, name::LOGIN_NEEDED | name::SESSION_OVER) => Some(format!(
            "set P2P_TOKEN to an API token, or give --token-file FILE or --user NAME; `p2p --connect {server} login NAME` logs in, and \
             where there is no account yet, `p2p --connect {server} register NAME EMAIL` makes the first one"
        )),
        (_, name::REGISTRATION_REFUSED) => Some(
            "set P2P_SETUP_TOKEN to the token that `p2p serve` has printed, or P2P_INVITE to an invite of an admin".to_owned(),
        ),
        (_, name::TOKEN_REFUSED) => Some("`p2p token new NAME` makes another; unset P2P_TOKEN to do without".to_owned()),
        (_, name::NAME_TAKEN) if error.resource() == "file" => {
            let next = "choose another name (put has --as NAME for it), replace that one (put, mv and cp have --force for it), or remove \
                        it with `rm`";
            Some(next.to_owned())
        }
        (_, name::NOT_FOUND) if error.resource() == "host" => Some(format!("`p2p --connect {server} nodes` lists the nodes")),
        (_, name::NOT_FOUND) if error.resource() == "upload" => {
            Some(format!("`p2p --connect {server} uploads` lists what is kept"))
        }
        (_, name::NOT_FOUND | name::REMOVED) => Some(format!("`p2p --connect {server} ls` lists what is stored")),
        (_, name::TAKEN_OVER) => Some(format!("`p2p --connect {server} uploads` says how far it is")),
        (_, name::DIRECTORY_NOT_EMPTY) => Some("`rm --recursive` removes it with all that is in it".to_owned()),
        (_, name::UNDER_WAY) => Some("try again once that is over".to_owned()),
        (ClientError::Late { .. }, _) => {
            Some("what it has begun may go on; ask it what there is, or wait for it again".to_owned())
        }
        (ClientError::Lost(_), _) if server.tls().is_none() => Some(
            "try again; a server that speaks TLS is written grpcs://, and an upload with --keep goes on with --resume ID".to_owned(),
        ),
        (ClientError::Lost(_), _) => Some("try again; an upload with --keep goes on with --resume ID".to_owned()),
        _ if error.kind() == ErrorKind::Unavailable => Some("try again later".to_owned()),
        _ => None,
    };
    let report = Report::from(error).exit_code(exit_code);
    match advice {
        Some(advice) => report.suggestion(advice),
        None => report,
    }
}
