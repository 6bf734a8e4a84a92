//! Questions of commands, which the client answers at its terminal.

use p2p_service::accounts::Secret;
use p2p_shell::question::{Form, Question, Reply, Shown};

use super::client::{Call, Client};
use super::editor::Editor;
use super::typing::typed_line;

/// Answers a question of a command: the client is asked at its terminal, and told how to get one where it has none.
///
/// # Errors
/// Fails if the client interrupts the question or goes.
pub(super) async fn answer(client: &mut Client, question: Question) -> Result<(), Call> {
    let Question { form, reply } = question;
    if client.terminal().is_none() && !form.fields.is_empty() {
        let reason = format!("`{}` has to be answered at a terminal; `ssh -t` gives one to a command", form.title);
        // The task that asks may have ended.
        let _ = reply.send(Reply::Unable(reason));
        return Ok(());
    }
    show(client, &form).await;
    let mut given = Vec::with_capacity(form.fields.len());
    for field in &form.fields {
        let prompt = format!("{}: ", field.name);
        match typed_line(client, &mut Editor::default(), &prompt, field.kind.is_hidden(), None).await? {
            Some(text) => given.push(Secret::from(text)),
            // Dropping the question gives it up.
            None => return Ok(()),
        }
    }
    let _ = reply.send(Reply::Given(given));
    Ok(())
}

/// Shows what a form says before it is filled in.
async fn show(client: &mut Client, form: &Form) {
    for text in [form.title, form.text.as_str()] {
        client.print(text).await;
    }
    if let Some(error) = &form.error {
        client.complain(&error.message).await;
    }
    for line in shown(&form.shown) {
        client.print(&line).await;
    }
}

/// Returns the secrets that a form shows once.
fn shown(secrets: &Shown) -> Vec<String> {
    use secrecy::ExposeSecret;
    match secrets {
        Shown::Nothing => Vec::new(),
        Shown::App(enrolment) => vec![enrolment.uri.expose_secret().to_owned()],
        Shown::Codes(codes) => codes.iter().map(|code| code.expose_secret().to_owned()).collect(),
    }
}
