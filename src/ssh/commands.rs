//! The commands `ssh`, `broadcast` and `sftp` of the language, for prompts of this machine.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use p2p_service::config::Remote;
use p2p_service::failure::exit;
use p2p_shell::answer::{Answer, Effect, View};
use p2p_shell::call::Call;
use p2p_shell::spec::{Argument, Audience, Flag, Group, Kind as Word, Place, Spec, Times};
use p2p_shell::table::CommandGroup;
use p2p_shell::{Shell, ShellError};
use p2p_ssh::client::pool::Pool;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::asking::{self, Asker};
use super::hosts::{HostError, Hosts, Target};
use super::sftp::{Action, Asked, Failure, Outcome};
use super::visits::{self, Visit};
use crate::operand::is_dash;
use crate::serve::services::Services;

/// The commands about the nodes of this process and hosts elsewhere.
#[derive(Debug)]
pub struct SshCommands {
    services: Services,
    remotes: Vec<Remote>,
    pool: Pool,
    /// Transfers, which remove what they have begun also where nobody waits for them any more.
    transfers: Mutex<JoinSet<()>>,
}

const fn switch(name: &'static str, short: Option<char>, summary: &'static str) -> Flag {
    Flag { name, short, value: None, summary }
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
    Spec {
        name: "sftp",
        aliases: &[],
        group: Group::Nodes,
        audience: Audience::Admins,
        place: Place::ThisMachine,
        summary: "send files to a node or a host elsewhere, fetch them, or list a directory there, over SFTP",
        details: "HOST is as for `ssh`. FILE is a file of this machine for `put`, one of the host for `get`, and a directory of the host for `ls`, the \
                  user's own without one. A file appears under its name once all of it is there, and its SHA-256 is compared with that of the host, \
                  where that tells it. What is interrupted is removed again, unless --resume keeps it.",
        arguments: &[
            Argument { name: "ACTION", kind: Word::OneOf(&Action::NAMES), times: Times::Once },
            Argument { name: "[USER@]HOST", kind: Word::Like(&["Node_02", "alice@Node_02"]), times: Times::Once },
            Argument { name: "FILE", kind: Word::LocalPath, times: Times::Optional },
        ],
        flags: &[
            Flag {
                name: "as",
                short: None,
                value: Some(("NAME", Word::Other("docs/"))),
                summary: "for put: the path at the host; with a / at its end, the directory to put it in",
            },
            Flag {
                name: "output-file",
                short: None,
                value: Some(("OUT", Word::LocalPath)),
                summary: "for get: the file or the directory of this machine to put it in",
            },
            switch("force", Some('f'), "replace a file that is there; it is there until the new one is"),
            switch("preserve", Some('p'), "keep the times of modification and the modes of the files"),
            switch(
                "resume",
                None,
                "continue what an interrupted transfer has kept, and keep what is transferred if this one is interrupted",
            ),
            switch("long", Some('l'), "for ls: show modes, sizes and times too"),
        ],
        run: |shell, call| Box::pin(sftp(shell, call)),
    },
];

impl SshCommands {
    /// Makes the commands of a prompt, about the nodes of these services.
    pub fn new(services: Services) -> SshCommands {
        let remotes = services.config().remotes();
        SshCommands { services, remotes, pool: Pool::default(), transfers: Mutex::default() }
    }

    fn hosts(&self) -> Hosts {
        let (data_dir, listening) = (self.services.data_dir().to_owned(), self.services.listening());
        Hosts { data_dir, remotes: self.remotes.clone(), listening }
    }

    /// Begins a transfer, which ends with the program at the latest.
    fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut transfers = self.transfers.lock().unwrap_or_else(PoisonError::into_inner);
        // What has ended is not kept.
        while transfers.try_join_next().is_some() {}
        transfers.spawn(work);
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

async fn sftp(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let commands: &SshCommands = shell.group()?;
    let asked = asked(call).map_err(|problem| call.wrong(problem))?;
    let target: Target = call.argument(1).unwrap_or_default().parse().map_err(|problem| call.wrong(problem))?;
    let hosts = commands.hosts();
    let found = hosts.find(&target.host).map_err(refused)?;
    let here = user_here(shell);
    let user = hosts.user(&found, target.user.as_deref(), here.as_deref()).map_err(refused)?;
    let mut asker = Asker::prompt(shell, &user, found.is_here());
    let visit = Visit { pool: &commands.pool, found: &found, user: &user, here: here.as_deref() };
    let taken = visit.connection(&mut asker).await.map_err(|failure| failed(&asked, vec![failure.into()]))?;
    let session = asked.session(&taken.connection).await.map_err(|error| failed(&asked, vec![error.into()]))?;
    let (told, done) = oneshot::channel();
    // As long as this is there, somebody waits.
    let (_waits, gone) = oneshot::channel::<()>();
    let work = {
        let asked = asked.clone();
        async move {
            let stop = async { drop(gone.await) };
            let outcome = asked.carry_out(&session, false, stop).await;
            drop(session);
            if outcome.failed.is_empty() {
                taken.keep();
            }
            // Who has given it up is told nothing.
            let _ = told.send(outcome);
        }
    };
    commands.begin(work);
    let outcome = done.await.map_err(|_| ShellError::Bad("the transfer has ended by a bug of this program".into()))?;
    answer_of(&asked, outcome).map_err(|failures| failed(&asked, failures))
}

/// Returns what was done as an answer, or what was not.
fn answer_of(asked: &Asked, mut outcome: Outcome) -> Result<Answer, Vec<Failure>> {
    let failures: Vec<Failure> = std::mem::take(&mut outcome.failed).into_iter().map(|(_, failure)| failure).collect();
    if !failures.is_empty() {
        return Err(failures);
    }
    let view = outcome.view(asked);
    Ok(Answer::new(view, outcome.data().unwrap_or(Value::Null)))
}

/// Returns failures as the error of a command.
fn failed(asked: &Asked, failures: Vec<Failure>) -> ShellError {
    let exit_code = failures.first().map_or(1, Failure::exit_code);
    ShellError::Failed { failures: failures.iter().map(|failure| failure.told(asked)).collect(), exit_code }
}

/// Returns what a line asks for, or why it cannot. Paths of this machine are those that its user means, wherever the program was started.
fn asked(call: &Call) -> Result<Asked, String> {
    let action = call.argument(0).and_then(Action::of).ok_or("there is no such action")?;
    // A dash is no file, and is refused.
    let local = |text: &str| if text == "-" { PathBuf::from(text) } else { p2p_shell::expand(text) };
    let file = call.argument(2).map(|text| if action == Action::Put { local(text) } else { PathBuf::from(text) });
    let value = |flag| call.flags.get(flag).map(String::as_str);
    let asked = Asked {
        action,
        paths: file.into_iter().collect(),
        name: value("as").map(str::to_owned),
        out: value("output-file").map(local),
        force: call.has("force"),
        preserve: call.has("preserve"),
        resume: call.has("resume"),
        long: call.has("long"),
    };
    match asked.problem() {
        Some(problem) => Err(problem.to_owned()),
        None if asked.out.as_deref().is_some_and(is_dash) => {
            Err("standard output is the prompt's; `p2p sftp get HOST FILE -o -` has its own".into())
        }
        None => Ok(asked),
    }
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
