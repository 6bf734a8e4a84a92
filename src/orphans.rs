//! Floor 5: `p2p orphans`, segments that no file needs on volumes that are left alone. Knows the shell and how to print, and no
//! other front end.

use clap::{Args, ValueEnum};
use eyre::Result;

use crate::asking::{Desk, LoginArgs};
use crate::engine::ClockMode;
use crate::output::{self, OutputArgs};
use crate::session::{EngineArgs, Session};
use crate::shell::words::quote;

/// `p2p orphans`
#[derive(Debug, Args)]
pub struct OrphansArgs {
    /// What to do with them
    #[arg(value_enum, default_value_t = Action::List)]
    action: Action,
    /// On which node, such as Node_03; on every such node where none is given
    node: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    /// Say which there are, and why they stay
    List,
    /// Remove them, and let the volumes be this catalog's from now on
    Free,
    /// Keep them, and let the volumes be this catalog's from now on
    Adopt,
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Action::List => "list",
            Action::Free => "free",
            Action::Adopt => "adopt",
        }
    }
}

/// Lists orphans, or settles what becomes of them.
///
/// # Errors
/// Where that is not for whoever asks, or a disk refuses.
pub async fn run(args: &OrphansArgs) -> Result<()> {
    let session = Session::start(&args.engine, ClockMode::OnDemand)?;
    let mut desk = Desk::open(&session, &args.login, "local command").await?;
    let words = ["orphans", args.action.word()].into_iter().chain(args.node.as_deref()).map(quote);
    let line = words.collect::<Vec<_>>().join(" ");
    let answer = desk.run_interruptibly(&line).await;
    desk.close().await;
    drop(session.end().await?);
    let answer = answer?;
    output::print(&args.output, &answer.data, |_| answer.view.text_within(output::terminal_width()))
}
