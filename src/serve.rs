//! `p2p serve`, the services for other programs: opens their doors, says on one line of JSON where they are, and serves until it is asked
//! to end.
//!
//! The end is in three steps, each with its time: the clients end what they do, what they have left of transfers comes to its end, and
//! the engine ends.

mod certificate;
pub mod commands;
pub mod kinds;
mod nodes;
mod parent;
pub mod services;

use std::io::{self, IsTerminal};
use std::path::Path;

use clap::Args;
use eyre::{Report, Result, WrapErr, eyre};
use p2p_base::units::count_of;
use p2p_service::config::Config;
use p2p_service::config::endpoint::Endpoint;
use p2p_service::config::keys::Section;
use p2p_service::doors::announced::Announced;
use p2p_service::failure::{Advise, exit};
use p2p_service::instance::{EngineArgs, Instance};
use p2p_service::interrupt::{self, interrupted};
use p2p_service::output;
use serde::Serialize;

use self::kinds::{Addresses, Kind, StartError};
use self::nodes::Problem;
use self::parent::Parent;
use self::services::Services;

/// `p2p serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Serve gRPC, at ADDRESS instead of that in p2p.toml (:0 takes a free port). If no service is named, all are served: gRPC, SSH and the
    /// web
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1)]
    grpc: Option<Option<Endpoint>>,
    /// Serve an endpoint of each node too: Node_01 at ADDRESS, Node_02 at the next port, and so on (:0 takes free ports); at those of
    /// p2p.toml or from 127.0.0.1:50051 on without ADDRESS
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1)]
    grpc_nodes: Option<Option<Endpoint>>,
    /// Serve SSH, one server a node: Node_01 at ADDRESS instead of that in p2p.toml, Node_02 at the next port, and so on (:0 takes free
    /// ports)
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1)]
    ssh: Option<Option<Endpoint>>,
    /// Serve REST and the pages for browsers, at ADDRESS instead of that in p2p.toml (:0 takes a free port)
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1)]
    web: Option<Option<Endpoint>>,
    /// End when the process ends that has started this one
    #[arg(long)]
    exit_with_parent: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// The line of JSON that says that the services can be used.
#[derive(Debug, Serialize)]
struct Ready<'a> {
    pid: u32,
    data_dir: &'a Path,
    speed: String,
    services: &'a [Announced],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    host_keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    setup_token: Option<&'a str>,
}

impl ServeArgs {
    /// Returns the services that are wanted with their addresses: those that are named, or all. Addresses that are not permitted and a
    /// certificate that cannot be presented are told before the engine starts.
    fn wanted(&self) -> Result<Vec<(Kind, Addresses)>> {
        let config = self.configured()?;
        let grpc = self.grpc.or(self.grpc_nodes.map(|_| None));
        let named = [(Kind::Grpc, grpc), (Kind::Ssh, self.ssh), (Kind::Web, self.web)];
        let is_any = named.iter().any(|(_, named)| named.is_some());
        let wanted = named.into_iter().filter_map(|(kind, named)| Some((kind, if is_any { named? } else { named.flatten() })));
        let addresses = |(kind, given): (Kind, Option<Endpoint>)| {
            kind.certificate(&config).map_err(|error| advised(error.into()))?;
            Ok((kind, kind.addresses(&config, given, kind.flag())?))
        };
        wanted.map(addresses).collect()
    }

    /// Returns the configuration with what the flags say of the endpoints of gRPC.
    fn configured(&self) -> Result<Config> {
        let mut config: Config = self.engine.load()?;
        let of_nodes = match self.grpc_nodes {
            Some(Some(address)) => Some(address.to_string()),
            Some(None) if config.text(Section::Grpc, "nodes").is_empty() => Some(nodes::FIRST.to_owned()),
            _ => None,
        };
        if let Some(address) = of_nodes {
            config.set(Section::Grpc, "nodes", &address, "--grpc-nodes")?;
        }
        Ok(config)
    }
}

/// Serves until the process is asked to end, or its parent has ended.
///
/// # Errors
/// Fails if the configuration is invalid, if the data directory cannot be used, or if no service can listen.
pub async fn run(args: &ServeArgs) -> Result<()> {
    let parent = args.exit_with_parent.then(Parent::of_this_process);
    let wanted = args.wanted()?;
    let instance = Instance::start_interactive(&args.engine)?;
    let _attention = interrupt::attend()?;
    let result = serve(&instance, wanted, parent).await;
    let ended = instance.end().await.map(drop);
    // Why it could not be served counts for more than that the engine has not ended.
    result.and(ended)
}

async fn serve(instance: &Instance, wanted: Vec<(Kind, Addresses)>, parent: Option<Parent>) -> Result<()> {
    let services = Services::new(instance)?;
    let host_keys = started(&services, wanted).await?;
    let speed = instance.config.text(Section::Engine, "speed");
    // The first account needs it, and there is no other use of it.
    let (listening, setup_token) = (services.listening(), services.setup_token()?);
    let (pid, data_dir) = (std::process::id(), &instance.data_dir);
    let ready = Ready { pid, data_dir, speed, services: &listening, host_keys, setup_token };
    output::print_json(&serde_json::to_string(&ready).wrap_err("cannot make JSON")?)?;
    if io::stderr().is_terminal() {
        listening.iter().filter_map(|one| hint(one, setup_token.is_some())).for_each(|hint| output::tell(format_args!("{hint}")));
    }
    let asked = end_of(instance, parent).await;
    let announcement = services.end().await;
    let left = instance.drain(instance.config.drain()?).await;
    if left > 0 {
        output::tell(format_args!("p2p: {} could not end in time and will be undone", count_of(left, "transfer")));
    }
    // Who finds the directory in use up to here is told by whom.
    drop(announcement);
    asked
}

/// Returns what a person at a terminal does with a service that has pages.
fn hint(service: &Announced, is_new: bool) -> Option<String> {
    let page = commands::page(service)?;
    let first = if is_new { ": register the admin there, with the setup_token of the line of JSON" } else { "" };
    Some(format!("Open {page} in a browser{first}. Ctrl-C ends this."))
}

/// Starts these services, and returns the fingerprints of their host keys. An address that is taken is told, and the others go on; it is an
/// error only if nothing listens.
async fn started(services: &Services, wanted: Vec<(Kind, Addresses)>) -> Result<Vec<String>> {
    let (mut host_keys, mut taken) = (Vec::new(), Vec::new());
    for (kind, addresses) in wanted {
        let started = match services.start(kind, addresses).await {
            Err(error @ StartError::Address { .. }) => {
                taken.push(error);
                continue;
            }
            started => started.map_err(advised)?,
        };
        if let Some(warning) = started.warning {
            output::tell(format_args!("Warning: {warning}"));
        }
        for Problem { sentence, flag } in started.problems {
            output::tell(format_args!("p2p: {sentence}; {flag}=:0 takes free ports"));
        }
        host_keys.extend(started.host_keys);
    }
    let last = if services.listening().is_empty() { taken.pop() } else { None };
    for error in &taken {
        let advice = error.advice().map(|advice| format!("; {advice}")).unwrap_or_default();
        output::tell(format_args!("p2p: {error}{advice}"));
    }
    last.map_or(Ok(host_keys), |error| Err(advised(error)))
}

/// Attaches the next step and the exit code to the error of a service that is not started.
fn advised(error: StartError) -> Report {
    let (advice, is_taken) = (error.advice(), matches!(error, StartError::Address { .. }));
    let report = Report::from(error);
    let report = if is_taken { report.exit_code(exit::TEMPORARY) } else { report };
    match advice {
        Some(advice) => report.suggestion(advice),
        None => report,
    }
}

/// Waits until there is a reason to end: a signal, the end of the parent, or that of the engine.
async fn end_of(instance: &Instance, parent: Option<Parent>) -> Result<()> {
    let parent_ends = async {
        match parent {
            Some(parent) => parent.ends().await,
            None => std::future::pending().await,
        }
    };
    let engine_ends = async {
        let mut snapshots = instance.snapshots();
        while snapshots.changed().await {}
    };
    tokio::select! {
        // The services end as they were asked to, which is no failure.
        stop = interrupted() => stop.map(drop),
        () = parent_ends => Ok(()),
        () = engine_ends => Err(eyre!("the engine has stopped by itself; the log says why")),
    }
}
