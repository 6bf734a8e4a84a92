//! The commands `serve`, `services` and `keygen` of the language, for prompts of this machine.

use p2p_service::config::endpoint::Endpoint;
use p2p_service::doors::announced::Announced;
use p2p_service::doors::{Figures, told_refusals};
use p2p_shell::answer::{Answer, View};
use p2p_shell::call::Call;
use p2p_shell::report::{Column as TableColumn, Table as Rows, bytes_of, date_of, number_column, text_column};
use p2p_shell::spec::{Argument, Audience, Flag, Group, Kind as Word, Place, Spec, Times};
use p2p_shell::table::CommandGroup;
use p2p_shell::{Shell, ShellError};
use p2p_ssh::keys::{self, KeyFileError, KeyType, Owner};
use serde_json::json;

use super::kinds::{Kind, StartError};
use super::services::{OwnDoor, Services, Started, told};
use crate::keygen;

/// The commands about the services of this process.
#[derive(Debug)]
pub struct ServiceCommands(pub Services);

/// The commands, in the order of the help.
pub static COMMANDS: &[Spec] = &[
    Spec {
        name: "serve",
        aliases: &[],
        group: Group::Session,
        audience: Audience::Admins,
        place: Place::ThisMachine,
        summary: "start or stop a service for other programs in this program",
        details: "Without a SERVICE, `start` and `stop` are about all of them. ADDRESS is for `start`, in the place of that in p2p.toml; :0 \
                  takes a free port of 127.0.0.1. `stop` lets the clients end what they do, within [serve] drain of p2p.toml, and so does \
                  leaving the program. ssh has a server for each node, and with [grpc] nodes of p2p.toml grpc has one too. Where it was begun without a SERVICE and one cannot listen, the others go on.",
        arguments: &[
            Argument { name: "ACTION", kind: Word::OneOf(&["start", "stop", "status"]), times: Times::Once },
            Argument { name: "SERVICE", kind: Word::OneOf(Kind::NAMES), times: Times::Optional },
            Argument { name: "ADDRESS", kind: Word::Like(&[":0", "127.0.0.1:50050"]), times: Times::Optional },
        ],
        flags: &[],
        run: |shell, call| Box::pin(serve(shell, call)),
    },
    Spec {
        name: "services",
        aliases: &[],
        group: Group::Session,
        audience: Audience::Admins,
        place: Place::ThisMachine,
        summary: "list the services for other programs: addresses, clients, requests, bytes, refusals",
        details: "The figures are those since the service was started; those of one that is closed stay until it is started again. With a SERVICE \
                  each of its doors stands by itself, with its node, and below them what was refused and by which keys the service is known.",
        arguments: &[Argument { name: "SERVICE", kind: Word::OneOf(Kind::NAMES), times: Times::Optional }],
        flags: &[],
        run: |shell, call| Box::pin(services(shell, call)),
    },
    Spec {
        name: "keygen",
        aliases: &[],
        group: Group::Session,
        audience: Audience::Admins,
        place: Place::ThisMachine,
        summary: "make a pair of SSH keys in the data directory, or list those with their fingerprints",
        details: "A node has the key from its next start of `serve` on, in the place of the key of all nodes. A user's private key is for the \
                  user to take away; `key add` lets its public half log in. One with a passphrase is made by `p2p keygen USER --passphrase`.",
        arguments: &[Argument { name: "NODE|USER", kind: Word::Other("Node_03"), times: Times::Optional }],
        flags: &[
            Flag {
                name: "type",
                short: None,
                value: Some(("TYPE", Word::OneOf(KeyType::NAMES))),
                summary: "type of the key, ed25519 unless another is asked for",
            },
            Flag { name: "force", short: None, value: None, summary: "replace a key that is there" },
        ],
        run: |shell, call| Box::pin(make_key(shell, call)),
    },
];

impl CommandGroup for ServiceCommands {
    fn commands(&self) -> &'static [Spec] {
        COMMANDS
    }
}

async fn services(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let ServiceCommands(services) = shell.group()?;
    Ok(match call.argument(0).and_then(Kind::of) {
        Some(kind) => detailed(services, kind),
        None => listed(&services.figures()),
    })
}

async fn serve(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let ServiceCommands(services) = shell.group()?;
    let kind = call.argument(1).and_then(Kind::of);
    let given: Option<Endpoint> = match call.argument(2) {
        Some(text) => Some(text.parse().map_err(|error| call.wrong(format!("{error}")))?),
        None => None,
    };
    match (call.argument(0), given) {
        (Some("start"), _) => start(services, kind, given).await,
        (_, Some(given)) => Err(call.wrong(format!("unexpected argument `{given}`"))),
        (Some("stop"), _) => stop(services, kind).await,
        _ => {
            let mut figures = services.figures();
            figures.retain(|door| kind.is_none_or(|kind| kind.has(door.service)));
            Ok(listed(&figures))
        }
    }
}

async fn start(services: &Services, kind: Option<Kind>, given: Option<Endpoint>) -> Result<Answer, ShellError> {
    let (mut started, mut failed) = (Vec::new(), Vec::new());
    for kind in Kind::meant(kind) {
        match start_one(services, kind, given).await {
            Ok(mut one) => {
                failed.extend(one.problems.drain(..).map(|problem| problem.sentence));
                started.push(one);
            }
            Err(problem) => failed.push(problem),
        }
    }
    if !failed.is_empty() {
        return Err(ShellError::Bad(failed.into_iter().chain(told_of(&started)).collect::<Vec<_>>().join("; ")));
    }
    let token = services.setup_token().map_err(|error| ShellError::Bad(format!("{error:#}")))?;
    let mut lines: Vec<String> = told_of(&started).collect();
    let host_keys: Vec<&String> = started.iter().flat_map(|one| &one.host_keys).collect();
    lines.extend(started.iter().filter_map(|one| one.warning.clone()));
    lines.extend(host_keys.iter().map(|key| format!("ssh is known by the host key {key}")));
    lines.extend(token.map(|token| format!("the first account is registered with the setup token {token}")));
    let listening: Vec<_> = started.iter().flat_map(|one| &one.listening).collect();
    let mut data = json!({ "services": listening, "setup_token": token });
    if !host_keys.is_empty() {
        data["host_keys"] = json!(host_keys);
    }
    Ok(Answer::new(View::Text(lines.join("\n")), data))
}

/// Formats where services listen that were started.
fn told_of(started: &[Started]) -> impl Iterator<Item = String> {
    started.iter().flat_map(|one| &one.listening).map(|announced| {
        let Announced { service, address, node, certificate_sha256 } = announced;
        let node = node.as_ref().map(|node| format!(" of {node}")).unwrap_or_default();
        let tls = certificate_sha256.as_ref().map(|sha256| format!(" with TLS, by the certificate {sha256}")).unwrap_or_default();
        let pages = page(announced).map(|page| format!("; pages for browsers: {page}")).unwrap_or_default();
        format!("{service}{node} listens at {address}{tls}{pages}")
    })
}

/// Returns the address to open in a browser, if the service has pages.
pub(super) fn page(announced: &Announced) -> Option<String> {
    let scheme = if announced.certificate_sha256.is_some() { "https" } else { "http" };
    (announced.service == Kind::Web.name()).then(|| format!("{scheme}://{}/", announced.address))
}

async fn start_one(services: &Services, kind: Kind, given: Option<Endpoint>) -> Result<Started, String> {
    let addresses = kind.addresses(services.config(), given, "serve start").map_err(|error| error.to_string())?;
    services.start(kind, addresses).await.map_err(|error| match error {
        StartError::Address { .. } => {
            format!("{error}; `serve start {} :0` takes a free port", kind.name())
        }
        error @ StartError::Certificate(_) => format!("{error}; {}", error.advice().unwrap_or_default()),
        error => error.to_string(),
    })
}

async fn stop(services: &Services, kind: Option<Kind>) -> Result<Answer, ShellError> {
    let closed = services.stop(kind).await;
    if closed.is_empty() {
        let what = kind.map_or("no service", Kind::name);
        let verb = if kind.is_some() { "does not listen" } else { "listens" };
        return Err(ShellError::Bad(format!("{what} {verb}; `serve start` starts one")));
    }
    let text: Vec<String> = closed.iter().map(told).collect();
    Ok(Answer::new(View::Text(text.join("\n")), closed.iter().map(|door| json!(door)).collect()))
}

async fn make_key(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let ServiceCommands(services) = shell.group()?;
    let bad = |error: KeyFileError| ShellError::Bad(error.to_string());
    let Some(owner) = call.argument(0) else {
        if let Some(flag) = call.flags.keys().next() {
            return Err(call.wrong(format!("--{flag} is for a key that is made; a NODE or USER is missing")));
        }
        let all = keys::kept(services.data_dir()).map_err(bad)?;
        return Ok(Answer::new(View::Table(keygen::listed(&all)), all.iter().map(keygen::data_of).collect()));
    };
    let owner = Owner::named(owner, keygen::nodes_of(services.config()))
        .map_err(|error| call.wrong(format!("`{owner}` is no node and no user: {error}")))?;
    let kind = call.flags.get("type").and_then(|name| KeyType::of(name)).unwrap_or(KeyType::Ed25519);
    let (data_dir, is_forced) = (services.data_dir().to_owned(), call.flags.contains_key("force"));
    // A key of RSA takes a while to be found.
    let making = tokio::task::spawn_blocking(move || keys::make(&data_dir, &owner, kind, None, is_forced));
    let made = making.await.map_err(|error| ShellError::Bad(error.to_string()))?.map_err(bad)?;
    Ok(Answer::new(View::Text(keygen::told(&made)), keygen::made_data(&made)))
}

/// Returns the list of services as an answer.
fn listed(doors: &[Figures]) -> Answer {
    let row = |door: &Figures| {
        let state = match door.stopped {
            0 => door.stage.name().to_owned(),
            stopped => format!("{}, {stopped} of {} stopped", door.stage.name(), door.doors),
        };
        let names = [door.service.to_owned(), door.address.to_string(), state];
        let since = door.since.map_or_else(|| "-".into(), date_of);
        let refused = match told_refusals(&door.refusals) {
            none if none.is_empty() => "none".to_owned(),
            reasons => reasons,
        };
        names.into_iter().chain([since]).chain(counts(door)).chain([refused]).collect()
    };
    let mut columns = vec![text_column("service"), text_column("address"), text_column("state")];
    columns.push(text_column("since").gives_way(2));
    columns.extend(count_columns());
    columns.push(text_column("refused"));
    let rows = doors.iter().map(row).collect();
    let table = Rows { columns, rows, empty: "no services" };
    Answer::new(View::Table(table), doors.iter().map(|door| json!(door)).collect())
}

/// Returns the columns of [`counts`].
fn count_columns() -> [TableColumn; 4] {
    [number_column("clients"), number_column("requests"), number_column("in").gives_way(1), number_column("out").gives_way(1)]
}

/// Returns the clients, requests and bytes of a door.
fn counts(door: &Figures) -> [String; 4] {
    [door.clients.to_string(), door.requests.to_string(), bytes_of(door.bytes_in), bytes_of(door.bytes_out)]
}

/// Returns each door of a service as an answer, with what was refused and with the keys by which the service is known.
fn detailed(services: &Services, kind: Kind) -> Answer {
    let (mut doors, host_keys) = (services.doors(), services.host_keys(kind));
    doors.retain(|door| door.kind == kind);
    let row = |door: &OwnDoor| {
        let node = door.node.clone().unwrap_or_else(|| "-".into());
        let names = [node, door.figures.address.to_string(), door.state().to_owned()];
        let connections = door.figures.connections.to_string();
        names.into_iter().chain(counts(&door.figures)).chain([connections]).collect()
    };
    let mut columns = vec![text_column("node"), text_column("address"), text_column("state")];
    columns.extend(count_columns());
    columns.push(number_column("connections"));
    let rows = doors.iter().map(row).collect();
    let table = Rows { columns, rows, empty: "not started so far; `serve start` starts it" };
    let since = doors.first().and_then(|door| door.figures.since).map(|since| format!(" since {}", date_of(since)));
    let mut sections = vec![(format!("{}{}", kind.name(), since.unwrap_or_default()), View::Table(table))];
    sections.extend(refused(&doors));
    sections.extend(known_by(&doors, &host_keys));
    let data = doors.iter().map(|door| {
        let mut entry = json!(door);
        if !host_keys.is_empty() {
            entry["host_keys"] = json!(host_keys);
        }
        entry
    });
    Answer::new(View::Sections(sections), data.collect())
}

/// Returns what was refused at each door, if anything was.
fn refused(doors: &[OwnDoor]) -> Option<(String, View)> {
    let of_door = |door: &OwnDoor| {
        let place = door.node.clone().unwrap_or_else(|| door.figures.address.to_string());
        (!door.figures.refusals.is_empty()).then(|| (place, told_refusals(&door.figures.refusals)))
    };
    let refused: Vec<_> = doors.iter().filter_map(of_door).collect();
    (!refused.is_empty()).then(|| ("refused".into(), View::Pairs(refused)))
}

/// Returns by which keys the clients of a service know it, if it has any.
fn known_by(doors: &[OwnDoor], host_keys: &[String]) -> Option<(String, View)> {
    let certificate = doors.iter().find_map(|door| door.certificate_sha256.as_ref());
    let certificate = certificate.map(|sha256| ("certificate", sha256.clone()));
    let host_keys = host_keys.iter().map(|fingerprint| ("host key", fingerprint.clone()));
    let known: Vec<_> = certificate.into_iter().chain(host_keys).collect();
    (!known.is_empty()).then(|| ("known by".into(), View::pairs(known)))
}
