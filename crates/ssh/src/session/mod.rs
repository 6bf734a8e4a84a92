//! What runs in a channel: a command (`exec`), or the interactive shell.
//!
//! | file | contents |
//! |---|---|
//! | `client` | the client at the other end of the channel: what it types and what it is told |
//! | `run` | lines of the command language, which an interruption ends |
//! | `posix` | commands of `sh` that programs expect: `echo`, `pwd`, `cd`, `md5sum` and its kin |
//! | `prompt` | the interactive shell |
//! | `questions` | the questions of commands, and their answers |
//! | `typing` | a line from its first key to its last |
//! | `editor` | the line that is typed at a terminal |
//! | `input` | the keys in what a terminal sends |
//!
//! The exit status of a command is that of the one-shot command of its name (`docs/errors.md`); 130 is an interruption, as in `sh`.

mod client;
mod editor;
mod input;
mod posix;
mod prompt;
mod questions;
mod run;
mod typing;

use p2p_service::access::Access;
use p2p_service::doors::Closing;
use p2p_service::files::NodeNumber;
use p2p_shell::{Questions, Shell};
use russh::Channel;
use russh::server::Msg;

use self::client::Client;
use self::posix::Asked;
use self::run::Runner;

/// Exit status of success.
pub(crate) const SUCCESS: u32 = 0;
/// Exit status of a command that is no text, as of wrong usage.
const NO_TEXT: u32 = 2;
/// Exit status of an interrupted command: 128 and the number of SIGINT (POSIX.1-2017, `sh`).
const INTERRUPTED: u32 = 130;

/// Terminal of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Width in columns; lines are broken there.
    pub(crate) columns: u16,
}

impl Terminal {
    /// Makes a terminal of the width that a client says; one of no width, as programs give it, has the usual one.
    pub(crate) fn of(columns: u32) -> Terminal {
        Terminal { columns: if columns == 0 { 80 } else { columns.clamp(20, 1_000) as u16 } }
    }
}

/// Asker of something in a channel, and the node there.
#[derive(Debug)]
pub(crate) struct Asker {
    pub(crate) access: Access,
    pub(crate) node: NodeNumber,
    pub(crate) terminal: Option<Terminal>,
    pub(crate) closing: Closing,
}

impl Asker {
    /// Returns the shell of the asker, which is about the node, and its questions.
    fn shell(&self) -> (Shell, Questions) {
        let (shell, questions) = Shell::new(self.access.clone());
        (shell.on(self.node).alone(), questions)
    }
}

/// Carries a command out, and ends the channel with its exit status.
pub(crate) async fn exec(channel: Channel<Msg>, asker: Asker, command: Vec<u8>) {
    let mut client = Client::new(channel, asker.terminal);
    let status = match String::from_utf8(command) {
        Ok(command) => executed(&mut client, &asker, &command).await,
        Err(_) => {
            client.complain("the command is no text in UTF-8").await;
            NO_TEXT
        }
    };
    client.end(status).await;
}

async fn executed(client: &mut Client, asker: &Asker, command: &str) -> u32 {
    if let Some(asked) = Asked::of(command) {
        return asked.answer(client, &asker.access).await;
    }
    let mut runner = Runner::new(asker.shell(), false);
    let Some(commands) = posix::mixed(command) else { return runner.line(client, command, &[]).await.status };
    let mut status = SUCCESS;
    // As `sh` does: the next one follows whatever has become of one, and the last one counts.
    for command in commands {
        let (ended, is_last) = match Asked::of(&command) {
            Some(asked) => (asked.answer(client, &asker.access).await, false),
            None => {
                let outcome = runner.line(client, &command, &[]).await;
                (outcome.status, outcome.is_last)
            }
        };
        status = ended;
        if status == INTERRUPTED || is_last {
            break;
        }
    }
    status
}

/// Runs the interactive shell, and ends the channel with the exit status of its last command, as `sh` does.
pub(crate) async fn shell(channel: Channel<Msg>, asker: Asker) {
    let mut client = Client::new(channel, asker.terminal);
    let status = prompt::run(&mut client, asker).await;
    client.end(status).await;
}
