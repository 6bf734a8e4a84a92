//! The commands `ssh` and `broadcast` of the language, for prompts of this machine.

use p2p_service::config::Remote;
use p2p_service::failure::exit;
use p2p_shell::answer::{Answer, Effect, View};
use p2p_shell::call::Call;
use p2p_shell::spec::{Argument, Audience, Group, Kind as Word, Place, Spec, Times};
use p2p_shell::table::CommandGroup;
use p2p_shell::{Shell, ShellError};
use p2p_ssh::client::pool::Pool;

use super::asking::{self, Asker};
use super::hosts::{HostError, Hosts, Target};
use super::visits::{self, Visit};
use crate::serve::services::Services;

/// The commands about the nodes of this process and hosts elsewhere.
#[derive(Debug)]
pub struct SshCommands {
    services: Services,
    remotes: Vec<Remote>,
    pool: Pool,
}

/// The commands, in the order of the help.
pub static COMMANDS: &[Spec] = &[
    Spec {
        name: "ssh",
        aliases: &[],
        group: Group::Nodes,
        audience: Audience::Admins,
        place: Place::ThisMachine,
        summary: "carry a command out at a node or at a host elsewhere, over SSH",
        details: "HOST is a node whose server listens (`serve start ssh`), or one of [[ssh.remote]] in p2p.toml; USER@ says as whom, in the place of \
                  who is logged in here. The key that `keygen` has made for the user logs in, or else the password. The connection is kept for \
                  five minutes. A host elsewhere is trusted once, and known by its key from then on.",
        arguments: &[
            Argument { name: "[USER@]HOST", kind: Word::Like(&["Node_02", "alice@Node_02"]), times: Times::Once },
            Argument { name: "COMMAND", kind: Word::Other("'info a.bin'"), times: Times::Rest },
        ],
        flags: &[],
        run: |shell, call| Box::pin(ssh(shell, call)),
    },
    Spec {
        name: "broadcast",
        aliases: &[],
        group: Group::Nodes,
        audience: Audience::Admins,
        place: Place::ThisMachine,
        summary: "carry a command out at all nodes at once, over SSH",
        details: "The nodes are those whose servers listen (`serve start ssh`). Who is logged in here logs in there, by the key that `keygen` has made, \
                  or else by a password that is asked for once. Each node has its rows: exit status, time, and what it has answered; \
                  the command fails if it has failed at one of them.",
        arguments: &[Argument { name: "COMMAND", kind: Word::Other("df"), times: Times::Rest }],
        flags: &[],
        run: |shell, call| Box::pin(broadcast(shell, call)),
    },
];

impl SshCommands {
    /// Makes the commands of a prompt, about the nodes of these services.
    pub fn new(services: Services) -> SshCommands {
        let remotes = services.config().remotes();
        SshCommands { services, remotes, pool: Pool::default() }
    }

    fn hosts(&self) -> Hosts {
        let (data_dir, listening) = (self.services.data_dir().to_owned(), self.services.listening());
        Hosts { data_dir, remotes: self.remotes.clone(), listening }
    }
}

impl CommandGroup for SshCommands {
    fn commands(&self) -> &'static [Spec] {
        COMMANDS
    }
}

/// Returns the words of a command from an index on, put together with blanks as OpenSSH does.
fn command_of(call: &Call, from: usize) -> String {
    call.arguments.get(from..).unwrap_or_default().join(" ")
}

async fn ssh(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let commands: &SshCommands = shell.group()?;
    let target: Target = call.argument(0).unwrap_or_default().parse().map_err(|problem| call.wrong(problem))?;
    let hosts = commands.hosts();
    let found = hosts.find(&target.host).map_err(refused)?;
    let here = user_here(shell);
    let user = hosts.user(&found, target.user.as_deref(), here.as_deref()).map_err(refused)?;
    let mut asker = Asker::prompt(shell, &user, found.is_here());
    let visit = Visit { pool: &commands.pool, found: &found, user: &user, here: here.as_deref() };
    let answered = visit
        .answered(&command_of(call, 1), &mut asker)
        .await
        .map_err(|failure| ShellError::Failed { failures: vec![visits::told(&failure)], exit_code: failure.exit_code() })?;
    let data = visits::data(&found.name, &user, Ok(&answered), None);
    let said = visits::said(&answered);
    match answered.status {
        0 => Ok(Answer::new(View::Text(said), data)),
        status => {
            let what = if said.is_empty() { format!("exit status {status}") } else { said };
            let failures = vec![format!("{}: {what}", found.name)];
            Err(ShellError::Failed { failures, exit_code: u8::try_from(status).unwrap_or(1) })
        }
    }
}

async fn broadcast(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let commands: &SshCommands = shell.group()?;
    let hosts = commands.hosts();
    let nodes = hosts.nodes();
    let Some(first) = nodes.first() else { return Err(refused(HostError::no_node())) };
    let here = user_here(shell);
    let user = hosts.user(first, None, here.as_deref()).map_err(refused)?;
    let password = match first.keys_of(&user, here.as_deref()).is_empty() {
        true => shell.ask(&asking::form_for_all(&user)).await?.pop(),
        false => None,
    };
    let all = visits::at_all(&commands.pool, nodes, (&user, here.as_deref()), &command_of(call, 0), password).await;
    let answer = Answer::new(View::Table(visits::table(&all)), visits::data_of_all(&user, &all));
    Ok(match visits::failure_of(&all) {
        None => answer,
        Some(failure) => answer.with(Effect::Fails(ShellError::Failed { failures: vec![failure], exit_code: exit::FAILED })),
    })
}

/// Returns the user who is logged in at the prompt.
fn user_here(shell: &Shell) -> Option<String> {
    shell.access().identity().name().map(str::to_owned)
}

/// Returns the error of a host that is not found, with the next step.
fn refused(error: HostError) -> ShellError {
    let step = match &error {
        HostError::NoServer(_) => "; `serve start ssh` opens it",
        HostError::NoUser => "; say who, as alice@Node_02, or `login` first",
        HostError::Unknown { .. } => "; a node is written Node_02, and [[ssh.remote]] in p2p.toml names hosts elsewhere",
        HostError::Keys(_) => "",
    };
    ShellError::Bad(format!("{error}{step}"))
}
