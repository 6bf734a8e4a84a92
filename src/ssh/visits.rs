//! One command at one host, by a connection that is kept, and one at all nodes at once.

use std::sync::Arc;
use std::time::Duration;

use p2p_base::spelling::visible_line;
use p2p_service::accounts::Secret;
use p2p_service::failure::exit;
use p2p_shell::report::{Table, number_column, text_column};
use p2p_ssh::client::known::KnownBy;
use p2p_ssh::client::pool::{Place, Pool};
use p2p_ssh::client::{Answered, ClientError, Connection};
use p2p_ssh::keys::{self, KeyFileError};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::asking::Asker;
use super::hosts::Found;

/// Failure of a visit to a host.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// The host is not reached, or does not do what it is asked for.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A private key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
}

impl Failure {
    /// Returns the next step, if there is one.
    pub(super) fn advice(&self) -> Option<String> {
        let Failure::Client(error) = self else { return None };
        match error {
            ClientError::Unknown { host, .. } => Some(format!(
                "`ssh {host}` asks at a terminal whether to trust it; or give its host_key in [[ssh.remote]] of p2p.toml"
            )),
            ClientError::Changed { host, .. } => {
                Some(format!("ask whose {host} is; if it has a new key, change it where the other one stands"))
            }
            ClientError::Refused { user, .. } | ClientError::Unanswered { user, .. } => {
                Some(format!("`p2p keygen {user}` makes a key, and `key add` lets it log in at the nodes"))
            }
            _ => None,
        }
    }

    /// Returns the exit code of a command that fails so.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Failure::Client(ClientError::Unreachable { .. } | ClientError::Silent { .. } | ClientError::Cut { .. }) => {
                exit::TEMPORARY
            }
            _ => exit::FAILED,
        }
    }
}

/// Visit of a user to a host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) pool: &'a Pool,
    pub(super) found: &'a Found,
    pub(super) user: &'a str,
    /// User who is logged in here; `None` where nobody has to be.
    pub(super) here: Option<&'a str>,
}

impl Visit<'_> {
    /// Carries a command out, by a connection that is kept or by a new one, which is kept then.
    ///
    /// # Errors
    /// Fails if the host cannot be reached, is not known, does not log the user in, or does not carry the command to its end.
    pub(super) async fn answered(&self, command: &str, asker: &mut Asker<'_>) -> Result<Answered, Failure> {
        // A connection whose command fails or is given up ends with this.
        let taken = self.connection(asker).await?;
        let answered = taken.connection.run(command).await?;
        taken.keep();
        Ok(answered)
    }

    /// Takes a connection that is kept, or opens one and logs in.
    ///
    /// # Errors
    /// Fails if the host cannot be reached, is not known, or does not log the user in.
    pub(super) async fn connection(&self, asker: &mut Asker<'_>) -> Result<Taken, Failure> {
        let place = Place { owner: self.here.map(str::to_owned), address: self.found.address(), user: self.user.to_owned() };
        let connection = match self.pool.take(&place) {
            Some(connection) => connection,
            None => self.connected(asker).await?,
        };
        Ok(Taken { connection, place, pool: self.pool.clone() })
    }

    async fn connected(&self, asker: &mut Asker<'_>) -> Result<Connection, Failure> {
        let host = self.found.host()?;
        let mut connection = match Connection::open(host.clone()).await {
            Err(ClientError::Unknown { key, fingerprint, .. })
                if matches!(host.known_by, KnownBy::File(_)) && asker.trusts(&host.name, &fingerprint).await =>
            {
                host.learn(&key).map_err(ClientError::from)?;
                Connection::open(host.clone()).await?
            }
            opened => opened?,
        };
        let mut usable = Vec::new();
        for path in self.found.keys_of(self.user, self.here) {
            let mut key = keys::read(&path)?;
            if key.is_encrypted() {
                let Some(passphrase) = asker.passphrase(&path).await else { continue };
                key = keys::unlocked(&key, &passphrase, &path)?;
            }
            usable.push(Arc::new(key));
        }
        connection.log_in(self.user, &usable, asker).await?;
        Ok(connection)
    }
}

/// Connection of a visit, which ends with it unless it is kept.
pub(super) struct Taken {
    pub(super) connection: Connection,
    place: Place,
    pool: Pool,
}

impl Taken {
    /// Keeps the connection for the next visit.
    pub(super) fn keep(self) {
        self.pool.keep(self.place, self.connection);
    }
}

/// Answer of one of several hosts.
#[derive(Debug)]
pub(super) struct OfOne {
    host: String,
    answered: Result<Answered, Failure>,
    took: Duration,
}

/// Carries a command out at all of these nodes at once, as a user there and for who is logged in here, and returns what each has answered, in their order.
pub(super) async fn at_all(
    pool: &Pool,
    nodes: Vec<Found>,
    (user, here): (&str, Option<&str>),
    command: &str,
    password: Option<Secret>,
) -> Vec<OfOne> {
    let mut visits = JoinSet::new();
    let names: Vec<String> = nodes.iter().map(|found| found.name.clone()).collect();
    for (index, found) in nodes.into_iter().enumerate() {
        let (pool, command, password) = (pool.clone(), command.to_owned(), password.clone());
        let (user, here) = (user.to_owned(), here.map(str::to_owned));
        visits.spawn(async move {
            let begun = Instant::now();
            let mut asker = Asker::nobody(password, &user);
            let visit = Visit { pool: &pool, found: &found, user: &user, here: here.as_deref() };
            let answered = visit.answered(&command, &mut asker).await;
            (index, answered, begun.elapsed())
        });
    }
    let mut ended = Vec::with_capacity(names.len());
    while let Some(visit) = visits.join_next().await {
        match visit {
            Ok(visit) => ended.push(visit),
            Err(error) => tracing::error!(%error, "a visit to a node has ended by a bug of this program"),
        }
    }
    ended.sort_by_key(|(index, ..)| *index);
    ended.into_iter().map(|(index, answered, took)| OfOne { host: names[index].clone(), answered, took }).collect()
}

/// Returns the sum of the hosts that have not carried the command out with success, if there is one.
pub(super) fn failure_of(all: &[OfOne]) -> Option<String> {
    let failed = all.iter().filter(|one| !matches!(one.answered, Ok(Answered { status: 0, .. }))).count();
    (failed > 0).then(|| format!("the command has failed at {failed} of {} nodes", all.len()))
}

/// Returns the text of an answer as a terminal shows it: one line a line, and everything escaped that would disturb it.
pub(super) fn legible(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).lines().map(|line| visible_line(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// Returns what a command has said, as a terminal shows it: its output, and then its errors.
pub(super) fn said(answered: &Answered) -> String {
    let parts = [legible(&answered.out), legible(&answered.err)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Returns what the hosts have answered as a table, with a row for each line.
pub(super) fn table(all: &[OfOne]) -> Table {
    let rows = all.iter().flat_map(|one| {
        let (status, lines) = match &one.answered {
            Ok(answered) => (answered.status.to_string(), said(answered)),
            Err(failure) => ("-".to_owned(), told(failure)),
        };
        let took = format!("{:.2} s", one.took.as_secs_f64());
        let first = vec![one.host.clone(), status, took, lines.lines().next().unwrap_or_default().to_owned()];
        let others = lines.lines().skip(1).map(|line| vec![String::new(), String::new(), String::new(), line.to_owned()]);
        [first].into_iter().chain(others.collect::<Vec<_>>())
    });
    let columns = vec![text_column("node"), number_column("status"), number_column("took").gives_way(1), text_column("answer")];
    Table { columns, rows: rows.collect(), empty: "no nodes" }
}

/// Returns a failure with its next step.
pub(super) fn told(failure: &Failure) -> String {
    match failure.advice() {
        Some(advice) => format!("{failure}; {advice}"),
        None => failure.to_string(),
    }
}

/// Returns what one host has answered, as JSON has it.
pub(super) fn data(host: &str, user: &str, answered: Result<&Answered, &Failure>, took: Option<Duration>) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (status, out, err, error) = match answered {
        Ok(Answered { status, out, err }) => (Some(*status), text(out), text(err), None),
        Err(failure) => (None, String::new(), String::new(), Some(told(failure))),
    };
    let mut data = json!({ "host": host, "user": user, "status": status, "out": out, "err": err, "error": error });
    if let Some(took) = took {
        data["seconds"] = json!(took.as_secs_f64());
    }
    data
}

/// Returns what all hosts have answered, as JSON has it.
pub(super) fn data_of_all(user: &str, all: &[OfOne]) -> Value {
    all.iter().map(|one| data(&one.host, user, one.answered.as_ref(), Some(one.took))).collect()
}
