//! The interactive shell: at a terminal with a prompt and an editor, and without one as lines that are read as they come.

use p2p_shell::call::may_hold_a_secret;

use super::client::{Call, Client};
use super::editor::Editor;
use super::run::{Outcome, Runner};
use super::typing::typed_line;
use super::{Asker, INTERRUPTED, SUCCESS};

/// Length of a line at the most where there is no terminal, in bytes. A longer one is taken in parts.
const LINE_MAX: usize = 64 * 1024;

/// Reads lines and carries them out until the client leaves. Returns the exit status.
pub(super) async fn run(client: &mut Client, asker: Asker) -> u32 {
    let mut closing = asker.closing.clone();
    let mut runner = Runner::new(asker.shell(), true);
    let (mut editor, mut last) = (Editor::default(), Outcome { status: SUCCESS, is_last: false });
    while !last.is_last {
        let line = tokio::select! {
            biased;
            line = next_line(client, &runner, &mut editor, &asker) => line,
            // What runs may end; nothing more is begun.
            () = closing.begun() => {
                client.complain("the server ends").await;
                return last.status;
            }
        };
        match line {
            Ok(Some(line)) if line.trim().is_empty() => {}
            Ok(Some(line)) => {
                if !may_hold_a_secret(&line) {
                    editor.remember(&line);
                }
                last = runner.line(client, &line, editor.history()).await;
            }
            Ok(None) => break,
            Err(Call::Interrupt) => last.status = INTERRUPTED,
            Err(Call::Gone) => return INTERRUPTED,
        }
    }
    last.status
}

async fn next_line(client: &mut Client, runner: &Runner, editor: &mut Editor, asker: &Asker) -> Result<Option<String>, Call> {
    if client.terminal().is_none() {
        return client.line(LINE_MAX).await;
    }
    let identity = asker.access.identity();
    let prompt = format!("{}@{}> ", identity.name().unwrap_or("nobody"), asker.node);
    typed_line(client, editor, &prompt, false, Some(runner.shell())).await
}
