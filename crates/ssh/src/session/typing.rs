//! A line that is typed at the client's terminal: its keys, how it is shown, and its completion.

use p2p_shell::Shell;
use p2p_shell::complete::{self, Knowledge};

use super::client::{Call, Client};
use super::editor::{Editor, Typed};
use super::input::Key;

/// Candidates of a completion that are shown, at the most.
const CANDIDATES_MAX: usize = 40;

/// Reads a line at the terminal; `None` is its end. Without a shell nothing is completed.
pub(super) async fn typed_line(
    client: &mut Client,
    editor: &mut Editor,
    prompt: &str,
    is_hidden: bool,
    shell: Option<&Shell>,
) -> Result<Option<String>, Call> {
    loop {
        let columns = client.terminal().map_or(80, |terminal| terminal.columns);
        // What comes in one piece, such as a line that is pasted, is drawn as a whole.
        if !client.is_ahead() || editor.text().0.is_empty() {
            client.send(editor.drawn(prompt, columns, is_hidden).as_bytes()).await;
        }
        let key = match client.key().await {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(None),
            Err(Call::Interrupt) => {
                editor.abandon();
                client.send(b"^C\r\n").await;
                if shell.is_none() {
                    return Err(Call::Interrupt);
                }
                continue;
            }
            Err(Call::Gone) => return Err(Call::Gone),
        };
        if matches!(key, Key::Enter) {
            client.send(editor.drawn(prompt, columns, is_hidden).as_bytes()).await;
        }
        match editor.key(key) {
            Typed::More => {}
            Typed::Line(line) => {
                client.send(b"\r\n").await;
                return Ok(Some(line));
            }
            Typed::End => {
                client.send(b"\r\n").await;
                return Ok(None);
            }
            Typed::Clear => client.send(b"\x1b[2J\x1b[H").await,
            Typed::Completion => {
                if let Some(shell) = shell {
                    complete(client, editor, shell).await;
                }
            }
        }
    }
}

/// Completes the word at the cursor as far as there is one way to go on, and shows the ways where there are several.
async fn complete(client: &mut Client, editor: &mut Editor, shell: &Shell) {
    let known = Knowledge::of_access(shell.access(), shell.table(), shell.access().user_names().await);
    let (text, at) = editor.text();
    let found = complete::complete(text, at, &known);
    let typed = text.get(found.start..at).map_or(0, str::len);
    let common = found.common_prefix();
    if common.len() > typed {
        editor.replace(found.start, common);
    } else if found.candidates.len() > 1 {
        let mut labels: Vec<&str> = found.candidates.iter().take(CANDIDATES_MAX).map(|one| one.label.as_str()).collect();
        if found.candidates.len() > CANDIDATES_MAX {
            labels.push("…");
        }
        client.send(b"\r\n").await;
        client.complain(&labels.join("  ")).await;
    }
}
