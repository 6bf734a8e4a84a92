//! `p2p serve`, the services for other programs: opens their doors, says on one line of JSON where they are, and serves until it is asked
//! to end.
//!
//! The end is in three steps, each with its time: the clients end what they do, what they have left of transfers comes to its end, and
//! the engine ends.

mod parent;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use eyre::{Result, WrapErr, eyre};
use p2p_base::units::count_of;
use p2p_grpc::Server;
use p2p_service::config::Config;
use p2p_service::config::endpoint::Endpoint;
use p2p_service::config::keys::Section;
use p2p_service::doors::announced::{Announced, Announcement};
use p2p_service::doors::guest::Limits;
use p2p_service::doors::{Door, Doors, Figures};
use p2p_service::failure::{Advise, exit};
use p2p_service::instance::{EngineArgs, Instance};
use p2p_service::interrupt::{self, interrupted};
use p2p_service::output;
use secrecy::ExposeSecret;
use serde::Serialize;

use self::parent::Parent;

/// Name of the gRPC services, in the ready line and in the log.
const GRPC: &str = "grpc";

/// `p2p serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Serve gRPC, which is also what is served if no service is named; at ADDRESS instead of that in p2p.toml (:0 takes a free port)
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true)]
    grpc: Option<Option<Endpoint>>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    setup_token: Option<&'a str>,
}

/// Addresses of the services, and the time that their clients have at the end.
struct Plan {
    grpc: SocketAddr,
    drain: Duration,
}

impl Plan {
    /// Returns what the configuration and the flags say, before anything is started.
    fn new(args: &ServeArgs) -> Result<Plan> {
        let mut config: Config = args.engine.load()?;
        if let Some(Some(address)) = args.grpc {
            config.set(Section::Grpc, "address", &address.to_string(), "--grpc")?;
        }
        Ok(Plan { grpc: config.grpc_address()?, drain: config.drain()? })
    }
}

/// Serves until the process is asked to end, or its parent has ended.
///
/// # Errors
/// Fails if the configuration is invalid, if the data directory cannot be used, or if no service can listen.
pub async fn run(args: &ServeArgs) -> Result<()> {
    let parent = args.exit_with_parent.then(Parent::of_this_process);
    let plan = Plan::new(args)?;
    let instance = Instance::start_interactive(&args.engine)?;
    let _attention = interrupt::attend()?;
    let result = serve(&instance, &plan, parent).await;
    let ended = instance.end().await.map(drop);
    // Why it could not be served counts for more than that the engine has not ended.
    result.and(ended)
}

async fn serve(instance: &Instance, plan: &Plan, parent: Option<Parent>) -> Result<()> {
    let doors = Doors::default();
    let (access, rules) = (instance.access("serve")?, instance.remote_rules()?);
    let server = Server::new(access, Arc::clone(&rules)).await?;
    let door = open(&doors, GRPC, plan.grpc).await?;
    let services = [Announced { service: GRPC.into(), address: door.address() }];
    let announcement = Announcement::new(&instance.data_dir, services.to_vec()).wrap_err("the services cannot be announced")?;
    let speed = instance.config.text(Section::Engine, "speed");
    // The first account needs it, and there is no other use of it.
    let setup_token = (!instance.auth.has_accounts()?).then(|| rules.setup_token().expose_secret());
    let ready = Ready { pid: std::process::id(), data_dir: &instance.data_dir, speed, services: &services, setup_token };
    output::print_json(&serde_json::to_string(&ready).wrap_err("cannot make JSON")?)?;
    let ending = async {
        let asked = end_of(instance, parent).await;
        doors.close();
        asked
    };
    let (asked, ()) = tokio::join!(ending, server.attend(door, plan.drain));
    doors.figures().iter().for_each(tell);
    let left = instance.drain(plan.drain).await;
    if left > 0 {
        output::tell(format_args!("p2p: {} could not end in time and will be undone", count_of(left, "transfer")));
    }
    // Who finds the directory in use up to here is told by whom.
    drop(announcement);
    asked
}

/// Opens the door of a service.
async fn open(doors: &Doors, service: &'static str, address: SocketAddr) -> Result<Door> {
    let opened = doors.open(service, address, Limits::default()).await;
    opened.wrap_err_with(|| format!("{service} cannot listen at {address}")).map_err(|error| {
        error
            .suggestion(format_args!("--{service}=:0 takes a free port, and [{service}] address in p2p.toml another"))
            .exit_code(exit::TEMPORARY)
    })
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

/// Tells what a door has seen.
fn tell(door: &Figures) {
    let Figures { service, address, connections, requests, refusals, .. } = door;
    let refused = match refusals.values().sum::<u64>() {
        0 => String::new(),
        _ => {
            let reasons: Vec<String> = refusals.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            format!("; refused: {}", reasons.join(", "))
        }
    };
    output::tell(format_args!(
        "p2p: {service} at {address} is closed after {} and {}{refused}",
        count_of(*connections, "connection"),
        count_of(*requests, "request"),
    ));
}
